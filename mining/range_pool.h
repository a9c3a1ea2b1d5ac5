/* Ranges of ports none of which goes with another often enough to be a rule, but all together do: peers that
 * try this port of a range and that one, or records that sampling thinned out (MINING.md section 6). Pure. */
#ifndef FL_MINING_RANGE_POOL_H
#define FL_MINING_RANGE_POOL_H

#include "mining/range.h"

/* Ports of one server, each a node of any client, at least 3 with no more than 3 others between neighbours,
 * that no range holds already (one that holds some of them is covered by this, and folds). Counted are
 * incidents (windows x clients): n_x = n_y those in which one of the ports starts, n_xy those in which two
 * do. Chance would give no more than the sum over all pairs of ports of what it gives each pair (section 5):
 * that is `expected`, so lift and p-value are on the safe side. The q-value is Bonferroni's over
 * `pairs->tested`. A port takes part when another starts with it in the share of its incidents that a rule
 * needs. */
struct fl_pooled {
    struct fl_nodes
        nodes; /* two for each pair: what starts an incident, and what starts at another port in it */
    struct fl_pairs pairs; /* bound to the client; x and y are places in `nodes` */
    struct fl_node *names; /* by pair: the range */
};
/* `stop` may be NULL. FL_ESTOP, FL_ENOMEM. */
int fl_ranges_pool(struct fl_pooled *out, const struct fl_pairs *pairs, const struct fl_ranges *ranges,
                   const struct fl_nodes *nodes, const struct fl_talk *talk, const struct fl_timeline *time,
                   const struct fl_mining_config *config, const struct fl_stop *stop);
/* Give the rule that pair `i` made its nodes: the range with itself. */
void fl_pooled_name(const struct fl_pooled *p, size_t i, struct fl_rule *rule);
void fl_pooled_clear(struct fl_pooled *p);

#endif
