/* An exporter's active and inactive timeout, as it says in options data (flowActiveTimeout 36,
 * flowIdleTimeout 37) or as its flows show. Pure.
 *
 * Active: a flow longer than the timeout is cut, so durations pile up just below it and there is next to
 * nothing above. Where the exporter gives flowEndReason (136), only the flows that it calls cut (2) are
 * looked at. Inactive: a flow that neither ended by FIN or RST nor was cut went idle for so
 * long before it was exported; export time minus end of flow piles up just above the timeout. Durations are
 * counted in buckets of an eighth of an octave; counts are halved as they fill up, so that a changed timeout
 * is noticed. */
#ifndef FL_COLLECTOR_TIMEOUTS_H
#define FL_COLLECTOR_TIMEOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/flow.h"

enum { FL_PILES = 104 }; /* from 1 s to 2.3 hours */

struct fl_piles {
    uint32_t total;
    uint32_t offsets[FL_PILES]; /* sums of where in the bucket they are, in 1/256 of its width */
    uint16_t counts[FL_PILES];
};

struct fl_timeouts {
    uint32_t told_active_s, told_inactive_s; /* 0: not told */
    bool reasons;                            /* flows come with a flowEndReason */
    uint64_t n;                              /* flows looked at or passed over */
    struct fl_piles durations, idles;
};

/* From options data; 0: not said. */
void fl_timeouts_told(struct fl_timeouts *t, uint32_t active_s, uint32_t inactive_s);
/* Learn from a flow exported at `export_ms`. */
void fl_timeouts_take(struct fl_timeouts *t, const struct fl_flow *flow, int64_t export_ms);
/* Learn from flows: all of the first 4096, then every eighth. */
static inline void fl_timeouts_learn(struct fl_timeouts *t, const struct fl_flow *flows, size_t n,
                                     int64_t export_ms)
{
    for (size_t i = 0; i < n; i++)
        if (t->n++ < 4096 || t->n % 8 == 0)
            fl_timeouts_take(t, &flows[i], export_ms);
}
/* Milliseconds; 0: not known. */
int64_t fl_timeouts_active(const struct fl_timeouts *t);
int64_t fl_timeouts_inactive(const struct fl_timeouts *t);

#endif
