/* Pass 1 of mining: from flow records to one-way flows (MINING.md section 1, "Stitch" and "Deduplicate").
 *
 * Pure: no store, no clock. */
#ifndef FL_MINING_STITCH_H
#define FL_MINING_STITCH_H

#include <stddef.h>
#include <stdint.h>

#include "mining/records.h"

/* The active timeout that a source's records show: the length at which records of a flow keep being continued
 * within a second. out[i] for source i; `fallback_ms` where fewer than three records are continued.
 * FL_ENOMEM. */
int fl_learn_active_timeouts(const struct fl_records *records, int64_t fallback_ms, int64_t *out);

/* What stitching needs to know of all records before it begins. */
struct fl_stitcher {
    const struct fl_records *records;
    int64_t *timeout_ms, *ahead_ms; /* by source */
};
/* Learn it. FL_ENOMEM; fl_stitcher_clear in any case. */
int fl_stitcher_init(struct fl_stitcher *s, const struct fl_records *records, int64_t active_timeout_ms);
void fl_stitcher_clear(struct fl_stitcher *s);

/* The flows of one conversation, and what a thread makes them with; zeroed: none yet. */
struct fl_stitched {
    struct fl_record *flows;
    size_t n, room;
    size_t *share; /* by source: number of the flow that it has a share in, if any */
    size_t before; /* flows of the conversations before, which have the numbers up to it */
};
/* Stitch and deduplicate the records [from, to), all of one conversation. out->flows are one-way flows in the
 * shape of records, whole again after the exporter's active timeout cut them, marks OR-ed over the parts and
 * source without a meaning; by start, direction, end, marks. FL_ENOMEM. */
int fl_stitch(const struct fl_stitcher *s, size_t from, size_t to, struct fl_stitched *out);
void fl_stitched_clear(struct fl_stitched *s);

#endif
