/* Are the data of a run whole? What looks new after an outage or under heavy loss may be the data's doing:
 * services that all come back at once, or half a pair that was not seen. Pure. */
#ifndef FL_MINING_GAP_H
#define FL_MINING_GAP_H

#include <stddef.h>
#include <stdint.h>

#include "mining/records.h"
#include "storage/rulesdb.h"

struct fl_gap {
    int64_t from_ms, to_ms; /* multiples of 5 min */
};
/* The longest stretch without a record's start between the first and the last one in [from_ms, to_ms), by
 * slots of 5 min. It is an outage when it lasts 10 min or more and the quietest tenth of the slots that have
 * records would have brought 50 in it, at 5 or more a slot: a place that is often quiet never has one. 1:
 * found; 0: none; FL_ENOMEM. */
int fl_gap_find(const struct fl_record *records, size_t n, int64_t from_ms, int64_t to_ms,
                struct fl_gap *out);

/* What is wrong in plain words, "" when nothing is: 5 % or more of the records lost, unread or given up;
 * `gap` (NULL: none); sampling that changed; a clock that jumped. */
void fl_gap_judge(const struct fl_quality *quality, const struct fl_gap *gap, char out[FL_UNCLEAN_TEXT]);

#endif
