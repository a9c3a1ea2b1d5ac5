/* Pass 7 of mining: say each thing once (MINING.md section 6). */
#ifndef FL_MINING_FOLD_H
#define FL_MINING_FOLD_H

#include <stddef.h>

#include "storage/rule.h"

/* Folds `n` rules in place and returns how many are left; a pair of nodes found by several kinds of evidence
 * keeps its strongest. A rule whose generic has at least 3 hosts behind its wildcards and a confidence within
 * a factor 2 becomes an instance of it (parent set, counted there). Afterwards the rules that stand for
 * themselves come first, by score, then all instances. FL_ENOMEM. */
long fl_fold(struct fl_rule *rules, size_t n);

#endif
