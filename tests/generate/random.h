/* A small random number generator of our own, so that a seed makes the same day on every machine and with
 * every C library. Not for anything secret. */
#ifndef GEN_RANDOM_H
#define GEN_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct gen_random {
    uint64_t state, step; /* `step` is odd; it names one of 2^63 independent sequences */
};

/* A sequence of its own for every (seed, name): leaving one pattern out does not move the others. */
void gen_random_init(struct gen_random *r, uint64_t seed, const char *name);
/* Evenly from [0, bound); 0 for a bound of 0. */
uint64_t gen_below(struct gen_random *r, uint64_t bound);
/* Evenly from [low, high]; low <= high. */
int64_t gen_between(struct gen_random *r, int64_t low, int64_t high);
/* Evenly from [0, 1). */
double gen_unit(struct gen_random *r);
bool gen_chance(struct gen_random *r, double probability);
/* A heavy tail: Pareto from `low` with exponent 1.2, never over `high`. */
int64_t gen_heavy(struct gen_random *r, int64_t low, int64_t high);

#endif
