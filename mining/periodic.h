/* A pass of mining beside the pairs: nodes whose starts keep a period. Beacons are structure in time too, of
 * one node with itself. */
#ifndef FL_MINING_PERIODIC_H
#define FL_MINING_PERIODIC_H

#include "mining/nodes.h"
#include "storage/config.h"
#include "storage/rule.h"

/* One node's period, before it is a rule. */
struct fl_periodic {
    uint32_t node;
    struct fl_rule rule;
    uint32_t *beats; /* rule.n_both conversations, by start */
};
struct fl_periodics {
    struct fl_periodic *items; /* by node */
    size_t n;
    uint64_t tested; /* nodes with at least `support` conversations */
};

/* The nodes that keep a period: at least `support` beats of which at least half came, q <= config->q over all
 * nodes tested. A wildcard node is kept where at least three hosts are behind its beats, and most of these
 * are not of concrete nodes that keep a period themselves. `stop` is asked now and then (NULL: not); non-zero
 * ends with FL_ESTOP. FL_ENOMEM. */
int fl_periodic_find(struct fl_periodics *out, const struct fl_nodes *nodes, const struct fl_talk *talk,
                     const struct fl_timeline *time, const struct fl_mining_config *config,
                     int (*stop)(void *ctx, double done), void *ctx);
void fl_periodics_clear(struct fl_periodics *p);

/* Add their rules to `*rules` (malloc'd, may move), behind the *n that are there. Three or more hosts that
 * keep one period (within a tenth) with the same server, or servers with the same client, get that as their
 * parent which says it of any, and ten or more ports of one client and server that of their range, and more
 * than 16 services of one client, or of any, whose beats begin and end in step, that of mixed ones: its
 * counts are their sums, its period and spread their medians, its significance that of the strongest.
 * Hosts of mixed services are their servers, each once.
 * Parents' instances are left for fl_fold to count. FL_ENOMEM, with *n as before. */
int fl_periodic_add(struct fl_rule **rules, size_t *n, const struct fl_periodics *found);

/* The roundest number of ms within `tolerance_ms` of a period, in units from 1 ms to 1 h that people use. */
int64_t fl_period_round(int64_t period_ms, int64_t tolerance_ms);

#endif
