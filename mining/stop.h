/* Asking whoever started a run whether to go on: what passes that may take long are given. */
#ifndef FL_MINING_STOP_H
#define FL_MINING_STOP_H

#include <stddef.h>

#include "storage/error.h"

struct fl_stop {
    int (*ask)(void *ctx, double done); /* `done`: the pass's share, 0..1; non-zero: stop */
    void *ctx;
};

/* FL_ESTOP, or 0 to go on; `stop` may be NULL. */
static inline int fl_stop_ask(const struct fl_stop *stop, double done)
{
    return stop && stop->ask && stop->ask(stop->ctx, done) ? FL_ESTOP : 0;
}
/* The same for item `i` of `n`, asked at each `every`-th only. */
static inline int fl_stop_ask_at(const struct fl_stop *stop, size_t i, size_t n, size_t every)
{
    return i % every == 0 ? fl_stop_ask(stop, (double)i / (double)n) : 0;
}

#endif
