/* Pass 7 of mining: say each thing once (MINING.md section 6). */
#ifndef FL_MINING_FOLD_H
#define FL_MINING_FOLD_H

#include <stddef.h>

#include "mining/stop.h"
#include "storage/rule.h"

enum { FL_FOLD_LISTED = 256 }; /* instances that are kept of one rule; the others are only counted */

/* Folds `n` rules in place and returns how many are left. A rule becomes an instance (its `parent` set,
 * counted there) of
 *  - the same pair of nodes by stronger evidence: that is dropped, not listed;
 *  - the one host that makes nine tenths of its coincidences, where it names a wildcard;
 *  - its generic, with a wildcard that has at least 3 hosts behind it or a range of ports, and a confidence
 * within a factor 2; a statement of a node with itself needs no like confidence of what it covers by ports
 * alone;
 *  - for A => C: the better scored of A => B and B => C, where these stand for themselves and the product of
 * their confidences is within a factor 2 of its own. A rule may come with its parent set and instances
 * counted that are not among the rules (range.h); it keeps them, and its figures, being those of one of them,
 * are held against no other's. Periodic rules stay as they are. Afterwards
 * the rules that stand for themselves come first, by score, then all instances by score. `stop` may be NULL.
 * Time n log n but for nodes of many rules (fold_chain.c), memory in bytes about as much as the rules
 * themselves. FL_ESTOP, FL_ENOMEM. */
long fl_fold(struct fl_rule *rules, size_t n, const struct fl_stop *stop);

#endif
