/* How long to wait before a sink that failed is tried again: doubling, with a cap, and spread so that sinks
 * which failed together do not come back together (exponential back-off with "equal jitter"). */
#ifndef FL_COLLECTOR_BACKOFF_H
#define FL_COLLECTOR_BACKOFF_H

#include <stdint.h>

struct fl_backoff {
    int64_t base_ms; /* the wait after the first failure, before jitter */
    int64_t cap_ms;  /* no wait is longer; at least base_ms */
};
#define FL_BACKOFF_DEFAULT ((struct fl_backoff){.base_ms = 1000, .cap_ms = 15 * 60000})

/* The wait after `failures` (from 1) in a row: half of min(base 2^(failures-1), cap), and `jitter`, from 0 up
 * to but not including 1, times the other half. */
int64_t fl_backoff_ms(const struct fl_backoff *b, unsigned failures, double jitter);
/* The same, but not before the receiver asked for it (0: it did not), as far as the cap allows. */
int64_t fl_backoff_asked_ms(const struct fl_backoff *b, unsigned failures, double jitter, int64_t asked_ms);

#endif
