/* Which comes first: rules whose lag is clear are steps in time, and steps make chains, A then B then C.
 * Pure. */
#ifndef FL_MINING_CHAIN_H
#define FL_MINING_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_step {
    const char *from, *to; /* nodes as text; `from` comes first; borrowed */
    int64_t lag_ms;        /* median, > 0 */
    double score;
    int64_t rule; /* the caller's */
};

/* The order of a rule is clear when its lag is more than half the spread (interquartile range, ms) of it:
 * about three of four coincidences then have the sign of the median. */
bool fl_lag_is_clear(int64_t lag_ms, int64_t spread_ms);

/* The longest chain that goes through step `through`, as indices of steps in their order, into `out` (room
 * for n) and its length (at least 1) as the result; of equally long ones the best scored. FL_ENOMEM. */
long fl_chain_through(const struct fl_step *steps, size_t n, size_t through, size_t *out);
/* Chains of two steps and more that leave no step out which is part of one, the longest first. `fn` gets
 * each; non-zero ends it and is returned. FL_ENOMEM. */
typedef int fl_chain_fn(void *ctx, const struct fl_step *steps, const size_t *chain, size_t n);
int fl_chains(const struct fl_step *steps, size_t n, fl_chain_fn *fn, void *ctx);

#endif
