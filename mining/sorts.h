/* Sorts for where the radix sort of mining/radix.h costs too much: of few entries, and of conversations by
 * their starts. Both are stable. */
#ifndef FL_MINING_SORTS_H
#define FL_MINING_SORTS_H

#include "mining/radix.h"
#include "mining/talk.h"

/* Ascending by key, in place. `spare` has room for n, too. */
void fl_sort_short(struct fl_entry *items, size_t n, struct fl_entry *spare);

struct fl_moment {
    uint32_t key, index;
};
/* The indices of n conversations by their starts; the keys mean nothing. free(*out). FL_ENOMEM. */
int fl_sort_starts(const struct fl_conversation *items, size_t n, struct fl_moment **out);

#endif
