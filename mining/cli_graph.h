/* The rules of the rules database as a graph, for `flowlore graph` and the chains that `flowlore explain`
 * shows. */
#ifndef FL_MINING_CLI_GRAPH_H
#define FL_MINING_CLI_GRAPH_H

#include "mining/chain.h"
#include "mining/cli.h"

struct fl_graph_rule {
    json_t *rule;                              /* as listed, and its lag_spread_ms */
    char from[FL_NODE_TEXT], to[FL_NODE_TEXT]; /* antecedent and consequent; `to` is "" of a periodic rule */
    int64_t cluster;                           /* id, 0: none */
};
struct fl_graph_rules {
    struct fl_graph_rule
        *items; /* by location, then by cluster in the order of their best rules, then by score */
    size_t n;
    json_t *clusters; /* array, as listed */
};

/* Novel and known rules; location NULL: of all; cluster 0: of all. FL_EDB, FL_ENOMEM. */
int fl_graph_load(struct fl_rulesdb *db, const char *location, int64_t cluster, struct fl_graph_rules *out,
                  struct fl_err *err);
void fl_graph_clear(struct fl_graph_rules *g);
/* Those of rules[0..n) whose order is clear, as steps that borrow from them; returns how many. `out` has room
 * for n, fl_step.rule is the index. */
size_t fl_graph_steps(const struct fl_graph_rule *rules, size_t n, struct fl_step *out);
/* "A, 98 ms later B, 110 ms later C" into `out`, which the caller frees; NULL without memory. */
char *fl_graph_chain_text(const struct fl_step *steps, const size_t *chain, size_t n);

/* Name and figures of a cluster by its id, or NULL. */
const json_t *fl_graph_cluster(const struct fl_graph_rules *g, int64_t id);
/* Graphviz's language; the exit code. */
int fl_graph_dot(const struct fl_graph_rules *g);

#endif
