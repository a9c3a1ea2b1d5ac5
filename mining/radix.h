/* A stable radix sort of (key, value) pairs and a growing array of them: what puts conversations, words and
 * tracks in order. */
#ifndef FL_MINING_RADIX_H
#define FL_MINING_RADIX_H

#include <stddef.h>
#include <stdint.h>

struct fl_entry {
    uint64_t key;
    uint32_t value;
};
struct fl_entries {
    struct fl_entry *items;
    size_t n, room;
};

/* FL_ENOMEM; the entries so far stay. */
int fl_entries_add(struct fl_entries *e, uint64_t key, uint32_t value);
/* Ascending by key, equal keys in the order they were added. FL_ENOMEM. */
int fl_entries_sort(struct fl_entries *e);
void fl_entries_clear(struct fl_entries *e);

#endif
