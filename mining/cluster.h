/* Pass 8 of mining: rules that hang together are one cluster (MINING.md section 7). Pure. */
#ifndef FL_MINING_CLUSTER_H
#define FL_MINING_CLUSTER_H

#include <stddef.h>

#include "mining/stop.h"
#include "storage/rule.h"

/* A part is cut while a cut of less conductance is found: this much of what leaves the smaller side's nodes.
 * Two triangles joined by an edge (1/7) come apart, a chain of six rules (1/5) and a star (1) do not. */
#define FL_CLUSTER_CONDUCTANCE 0.2

/* Sets `cluster` of every rule: the index of its cluster among *out, which the caller frees; -1 for
 * instances. A rule that was cut goes with its antecedent. A periodic rule goes with its node, or is in no
 * cluster where no other rule names that. Clusters are in order of score, the highest first. Parts are
 * cut, that of the lowest node first, until cuts have taken FL_CLUSTER_MOST_WORK (a few seconds); what is
 * left then stays whole, part by part: so that many rules take time in proportion, but for that. `stop` may
 * be NULL. FL_ESTOP, FL_ENOMEM. */
int fl_cluster(struct fl_rule *rules, size_t n, struct fl_cluster **out, size_t *n_out,
               const struct fl_stop *stop);
#define FL_CLUSTER_MOST_WORK UINT64_C(3000000000) /* as fl_graph_cut_work counts it */

/* Form and name of a cluster from the `n` rules that are in it; `folded` are the instances between its nodes,
 * which make a clique of what would lack its last edges. Fills in `out` but for its score. FL_ENOMEM. */
int fl_cluster_describe(const struct fl_rule *const *rules, size_t n, size_t folded, struct fl_cluster *out);

#endif
