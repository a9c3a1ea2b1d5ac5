/* Pass 6 of mining: ports of one host that behave alike are one node `H.6881-6889`, and so is a sweep over
 * hosts (MINING.md section 6). Pure; works on pairs before they are looked at closely, so that a scan that
 * makes a million of them costs no more than their counting. */
#ifndef FL_MINING_RANGE_H
#define FL_MINING_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "mining/count.h"
#include "mining/stop.h"

/* A statement that many pairs make together, of which one node at least stands for several:
 *  - `*.* : H.6881-6889` for ports of one server, named by the lowest and the highest;
 *  - `C.* : *.22` (or `*.* : *.22`) for more than 16 servers that are used in step on one port or range;
 *  - `C.* : *.1-65535` for more than 16 services of several servers and ports that are used in step, each
 *    with two thirds of the others;
 *  - `*.* : S.123` for more than 16 clients that use a server in step.
 * Pairs inside of such a set make a statement of that node with itself: when one of the range is used, so is
 * another. Pairs that lead out of it to another node are one statement when half the set takes part.
 *
 * Its figures are those of a member: of the one in the middle by coincidences, so that half of them say as
 * much or more. `hosts` alone is its own where hosts were widened: how many of them were in step; of mixed
 * services how many servers have them. */
struct fl_range {
    struct fl_node x, y;  /* as the members' x and y, the same for pairs inside */
    const size_t *listed; /* members left in the list of pairs, by their places there, the middle one first */
    uint32_t n_listed;    /* at most FL_RANGE_LISTED */
    uint32_t members;     /* pairs of nodes that it stands for */
    uint32_t hosts;       /* 0: the member's */
};
enum { FL_RANGE_LISTED = 64 };

struct fl_ranges {
    struct fl_range *items;
    size_t n;
    size_t *listed; /* what the items' point into */
};

/* Finds ranges and takes from `pairs` what they stand for, but the members that are listed; the others keep
 * their order. `stop` may be NULL. FL_ESTOP, FL_ENOMEM. */
int fl_ranges_find(struct fl_ranges *out, struct fl_pairs *pairs, const struct fl_nodes *nodes,
                   const struct fl_talk *talk, const struct fl_stop *stop);
/* Adds the rules that ranges make to the `*n` that their pairs made: rules[rule_of[i]] is that of pair i, or
 * rule_of[i] is -1 where a closer look denied it. The listed members become instances (parent), the others
 * are only counted (instances). A range all of whose listed members were denied is none. `rules` has room for
 * one a range. */
void fl_ranges_add(const struct fl_ranges *ranges, const int32_t *rule_of, struct fl_rule *rules, size_t *n);
void fl_ranges_clear(struct fl_ranges *r);

/* Is everything that `narrow` stands for among what `wide` stands for? True also of equal nodes. */
bool fl_node_covers(const struct fl_node *wide, const struct fl_node *narrow);

#endif
