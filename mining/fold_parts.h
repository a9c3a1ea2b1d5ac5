/* What the steps of folding share; for fold.c and fold_chain.c. */
#ifndef FL_MINING_FOLD_PARTS_H
#define FL_MINING_FOLD_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "mining/stop.h"
#include "storage/rule.h"

enum { FL_FOLD_ASK_EVERY = 1024 }; /* rules looked at between two questions whether to stop */

struct fl_folding_pair { /* a rule under its unordered pair of nodes */
    struct fl_node low, high;
    size_t rule;
};

struct fl_folding {
    struct fl_rule *rules; /* by pair of nodes, each once; periodic ones behind all others */
    size_t n;
    bool *stands_in;               /* by rule: it has the figures of one that it stands for */
    struct fl_folding_pair *pairs; /* of the rules that have two nodes, ascending */
    size_t n_pairs;
    struct fl_node *nodes; /* that rules name, ascending */
    size_t n_nodes;
    struct fl_node *ranges; /* those of them that are a range of ports */
    size_t n_ranges;
    int32_t *disguises, *parents; /* by rule: what was found for it, or -1 */
};

/* By pair of nodes, then strongest first. */
int fl_fold_compare(const struct fl_rule *a, const struct fl_rule *b);
/* The rule between two nodes, in either order, or NULL. */
const struct fl_rule *fl_fold_find(const struct fl_folding *f, const struct fl_node *a,
                                   const struct fl_node *b);

/* Sets the parent of each A => C that follows from two others. FL_ESTOP, FL_ENOMEM. */
int fl_fold_chains(struct fl_folding *f, const struct fl_stop *stop);

#endif
