/* Sets of nodes that go together, each with each or nearly so: what ranges of ports and sweeps over hosts are
 * found by. Pure. */
#ifndef FL_MINING_RANGE_SETS_H
#define FL_MINING_RANGE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_link { /* two different nodes that are a pair */
    uint32_t a, b;
};

enum {
    FL_SET_PARTNERS = 4, /* in a large set each node goes with so many others, directly */
    FL_SET_FEW = 8,      /* up to so many ports are a set only when nearly each goes with each */
    FL_SET_NONE = -1
};

/* Labels `n` nodes with the number of their set, or FL_SET_NONE, and returns how many sets there are.
 *  - More than `few` nodes, connected, each with FL_SET_PARTNERS partners among them. What is left out of
 * such sets has fewer than FL_SET_PARTNERS links a node, but for sets of `few`.
 *  - With `places` (not NULL), also 3..FL_SET_FEW nodes, each paired with two thirds of the others, whose
 * places (ports) span no more than 4 times as many: a few ports far apart say more as pairs than as a range.
 * Links may come in any order, each once. FL_ENOMEM. */
long fl_sets_find(uint32_t n, const struct fl_link *links, size_t n_links, uint32_t few,
                  const uint32_t *places, int32_t *labels);
/* The same for sets of more than `few` nodes each of which goes with at least two thirds of the others
 * (range_dense.c); of a component at most 64. FL_ENOMEM. */
long fl_sets_find_dense(uint32_t n, const struct fl_link *links, size_t n_links, uint32_t few,
                        int32_t *labels);

#endif
