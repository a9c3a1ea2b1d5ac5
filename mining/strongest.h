/* Pairs that there is no memory to look at: the most significant ones stay, and how many went is told. Pure.
 */
#ifndef FL_MINING_STRONGEST_H
#define FL_MINING_STRONGEST_H

#include "mining/range.h"

/* How many pairs may be looked at closely in a quarter of so many bytes: what a rule takes until it is
 * stored. 0 bytes: any number. */
uint64_t fl_strongest_most(uint64_t memory_bytes);
/* Leave at most `most` pairs, in their order, with what `ranges` list among them: first of each range the
 * one that gives it its figures, then a few that can stand in for that one where a closer look denies it (so
 * that the range is not lost without a word), then the most significant ones, evidence of another kind for
 * the same nodes last. A range counts what it can no longer list, and is itself lost with the last. Returns
 * how many pairs of nodes, or members of lost ranges, are in no statement any longer; FL_ENOMEM. */
int64_t fl_strongest_keep(struct fl_pairs *pairs, struct fl_ranges *ranges, uint64_t most);

#endif
