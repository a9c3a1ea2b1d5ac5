/* Words: 64 bits each, to be sorted by their upper half. */
#ifndef FL_MINING_WORDS_H
#define FL_MINING_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct fl_words {
    uint64_t *items;
    size_t n, room;
};

/* Room for n in all. FL_ENOMEM. */
int fl_words_reserve(struct fl_words *w, size_t n);
/* Order by the upper 32 bits; equal ones stay in their order. `spare` is scratch. FL_ENOMEM, FL_ELIMIT beyond
 * 2^32. */
int fl_words_sort(struct fl_words *w, struct fl_words *spare);
void fl_words_clear(struct fl_words *w);

#endif
