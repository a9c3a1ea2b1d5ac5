/* Pass 5 of mining: counts every pair of nodes, tests it, and keeps what may be a rule (MINING.md sections 4,
 * 5).
 *
 * Exact: tests/mining holds it against a plain counter. Deterministic whatever the number of threads. */
#ifndef FL_MINING_COUNT_H
#define FL_MINING_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "mining/lane.h"
#include "storage/config.h"
#include "storage/rule.h"

struct fl_pair {
    uint32_t x, y; /* nodes; start: x < y; during: x starts while y is under way */
    enum fl_family family;
    enum fl_evidence evidence;
    uint64_t n_x, n_y, n_xy; /* windows or incidents */
    double expected, log10_p, log10_q;
};

struct fl_pairs {
    struct fl_pair *items; /* by family, x, y, evidence */
    size_t n;
    uint64_t tested; /* pairs with n_xy >= 1, both kinds of evidence */
};

/* May these two nodes be a pair of this family at all? */
bool fl_pair_allowed(enum fl_family family, const struct fl_node_key *x, const struct fl_node_key *y);
/* Both names two hosts, and the same two. */
bool fl_pair_shares_two_hosts(const struct fl_node_key *x, const struct fl_node_key *y);

/* Count the three lanes. Kept: n_xy >= support, positive association, q <= config->q over all pairs tested,
 * and one confidence >= config->confidence. `stop` is asked now and then (NULL: not); non-zero ends with
 * FL_ESTOP. FL_ENOMEM. */
int fl_count_pairs(struct fl_pairs *out, const struct fl_lane lanes[3], const struct fl_nodes *nodes,
                   uint32_t jitter, const struct fl_mining_config *config,
                   int (*stop)(void *ctx, double done), void *ctx);
void fl_pairs_clear(struct fl_pairs *p);

#endif
