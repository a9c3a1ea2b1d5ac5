/* The cut of a weighted graph that separates it best: what clustering takes a part asunder with. Pure, and
 * the same whatever library does the linear algebra, but for graphs whose best cuts differ by less than
 * rounding. */
#ifndef FL_MINING_CLUSTER_CUT_H
#define FL_MINING_CLUSTER_CUT_H

#include <stddef.h>
#include <stdint.h>

#include "mining/stop.h"

/* Undirected, connected, weights > 0, every edge listed at both ends. An edge from a node to itself stands in
 * its degree only, twice its weight: it can not be cut. */
struct fl_graph {
    uint32_t n;
    const uint32_t *first; /* n + 1: where a node's edges begin */
    const uint32_t *to;
    const double *weight;
    const double *degree; /* sum of a node's weights */
};

/* Of all the cuts along the second eigenvector, the one of least conductance: weight cut / sum of degrees on
 * the side where that is less. Fills in `order` (n nodes) and *n_left: the first so many of it are one side.
 * Graphs of up to `dense_most` nodes are solved in full, larger ones by at most 100 steps of Lanczos
 * iteration, and no more than keep their basis within 2^22 numbers (32 MiB). `stop` (NULL: not) is asked at
 * each step. FL_ESTOP, FL_ENOMEM; FL_EINVAL for fewer than 2 nodes or numbers that are none. */
int fl_graph_cut(const struct fl_graph *g, uint32_t dense_most, const struct fl_stop *stop, uint32_t *order,
                 uint32_t *n_left, double *conductance);
/* About how many multiplications that takes: 10 n^3 in full, steps (edges + 2 steps n) otherwise. */
uint64_t fl_graph_cut_work(const struct fl_graph *g, uint32_t dense_most);

#endif
