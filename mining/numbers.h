/* Plain numbers put in order, in time linear in how many there are: what describing does for each pair. */
#ifndef FL_MINING_NUMBERS_H
#define FL_MINING_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* items[0, n) ascending; `spare` is scratch for n. */
void fl_numbers_sort(int64_t *items, size_t n, int64_t *spare);
/* order[i] is the place in `keys` of the i-th smallest of n, equal ones as they stand; `spare` is scratch for
 * n. */
void fl_numbers_order(const uint32_t *keys, size_t n, uint32_t *order, uint32_t *spare);

enum { FL_MOST_RANKS = 8 };
/* out[k] is the ranks[k]-th smallest (0: the smallest) of n > 0 numbers; up to FL_MOST_RANKS ranks,
 * ascending, each below n. Items come out in no order; `spare` is scratch for n. */
void fl_numbers_pick(int64_t *items, size_t n, const size_t ranks[], size_t n_ranks, int64_t out[],
                     int64_t *spare);

#endif
