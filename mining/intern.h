/* Numbers for things that are named by 128 bits: addresses, endpoints, node keys. A hash table gives out
 * numbers in the order of first sight; sorting replaces them by places in ascending order, which no longer
 * depend on it. */
#ifndef FL_MINING_INTERN_H
#define FL_MINING_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "storage/addr.h"

struct fl_intern_key {
    uint64_t high, low;
};

struct fl_intern {
    struct fl_intern_key *keys; /* by number */
    size_t n, room;
    uint32_t *slots; /* number + 1 by hash, linear probing; 0: free */
    size_t n_slots;  /* a power of two, or 0 before the first */
    uint64_t seed;   /* what senders cannot know, so that they cannot choose what collides */
};

/* The number of a key, which is added when it is new. *number going in is a guess (of the key before, say)
 * and tried first; any value will do. FL_ELIMIT beyond 2^32 - 2 keys, FL_ENOMEM. */
int fl_intern_number(struct fl_intern *t, struct fl_intern_key key, uint32_t *number);
/* The number of a key, or -1. */
int64_t fl_intern_find(const struct fl_intern *t, struct fl_intern_key key);
/* Put `keys` in ascending order and tell the place of each old number in rank[0..n). Nothing can be looked up
 * or added after that. FL_ENOMEM. */
int fl_intern_sort(struct fl_intern *t, uint32_t *rank);
/* Safe on a zeroed struct, which is also an empty table. */
void fl_intern_clear(struct fl_intern *t);

/* An address as a key: ascending keys are ascending addresses; and back. */
struct fl_intern_key fl_intern_addr(const struct fl_addr *a);
struct fl_addr fl_intern_to_addr(struct fl_intern_key key);

#endif
