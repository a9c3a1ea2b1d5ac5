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

/* Stitch and deduplicate. *out (free with free()) holds one-way flows in the shape of records, whole again
 * after the exporter's active timeout cut them, marks OR-ed over the parts and source without a meaning; by
 * conversation, then start, direction, end, marks. On up to `threads` threads (0: one a processor).
 * FL_ENOMEM. */
int fl_stitch(const struct fl_records *records, int64_t active_timeout_ms, uint32_t threads,
              struct fl_record **out, size_t *n_out);

#endif
