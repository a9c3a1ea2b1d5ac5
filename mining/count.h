/* Pass 5 of mining: counts every pair of nodes, tests it, and keeps what may be a rule (MINING.md sections 4,
 * 5).
 *
 * Exact: tests/mining holds it against a plain counter. Deterministic whatever the number of threads. */
#ifndef FL_MINING_COUNT_H
#define FL_MINING_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "mining/judge.h"
#include "mining/lane.h"
#include "storage/config.h"

/* What fl_count_request.crowd is where nothing else is asked for. */
enum { FL_CROWD = 1024 };

struct fl_pairs {
    struct fl_pair *items; /* by family, x, y, evidence */
    size_t n;
    uint64_t tested; /* pairs with n_xy >= 1, both kinds of evidence */
    bool crowded;    /* some hosts had windows with more nodes than `crowd` */
};

struct fl_count_request {
    const struct fl_lane *lanes; /* three */
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_mining_config *config;
    uint32_t crowd;                      /* 0: FL_CROWD; see fl_meet_build */
    int (*stop)(void *ctx, double done); /* asked now and then (NULL: not); non-zero ends with FL_ESTOP */
    void *ctx;
};

/* Count the three lanes. Kept: n_xy >= support, positive association, q <= config->q over all pairs tested,
 * and one confidence >= config->confidence. Two nodes that share two hosts meet under the lower one.
 * FL_ESTOP, FL_ELIMIT (more than 2^32 cells under one host), FL_ENOMEM. */
int fl_count_pairs(struct fl_pairs *out, const struct fl_count_request *request);
void fl_pairs_clear(struct fl_pairs *p);

#endif
