/* Between the records and stitching: by how much exporters' clocks differ, told by what two of them saw. */
#ifndef FL_MINING_CLOCKS_H
#define FL_MINING_CLOCKS_H

#include <stdint.h>

#include "mining/records.h"

/* ahead_ms[i]: how far the clock of source i is ahead of that of the source which the others are held
 * against; 0 where that cannot be told, and for differences below 100 ms. At most a day either way.
 * FL_ENOMEM. */
int fl_learn_clocks(const struct fl_records *records, int64_t *ahead_ms);

#endif
