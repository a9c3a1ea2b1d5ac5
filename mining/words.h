/* Words: who is active when, in 64 bits each, to be sorted by the time. */
#ifndef FL_MINING_WORDS_H
#define FL_MINING_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* slot (window or block, later a key's number) << 33 | part << 32 | label << 30 | row << 1 | whole; the
 * lowest 30 bits are a list entry of mining/meet. */
enum { FL_WORD_SLOT = 33, FL_WORD_PART = 32, FL_WORD_LABEL = 30 };

struct fl_words {
    uint64_t *items;
    size_t n, room;
};

/* Room for n more. FL_ENOMEM. */
int fl_words_reserve(struct fl_words *w, size_t n);
/* Order those from `from` on by slot, part and label; equal ones stay in their order. `spare` is scratch.
 * FL_ENOMEM, FL_ELIMIT beyond 2^32. */
int fl_words_sort(struct fl_words *w, size_t from, struct fl_words *spare);
void fl_words_clear(struct fl_words *w);

/* For which there is room. */
static inline void fl_words_put(struct fl_words *w, uint32_t slot, bool part, unsigned label, uint32_t row,
                                bool whole)
{
    w->items[w->n++] = (uint64_t)slot << FL_WORD_SLOT | (uint64_t)part << FL_WORD_PART |
                       (uint64_t)label << FL_WORD_LABEL | (uint64_t)row << 1 | whole;
}
static inline uint32_t fl_word_slot(uint64_t word)
{
    return (uint32_t)(word >> FL_WORD_SLOT);
}
static inline bool fl_word_part(uint64_t word)
{
    return word >> FL_WORD_PART & 1;
}
static inline unsigned fl_word_label(uint64_t word)
{
    return (unsigned)(word >> FL_WORD_LABEL) & 3;
}
static inline uint32_t fl_word_entry(uint64_t word)
{
    return (uint32_t)word & ((1U << FL_WORD_LABEL) - 1);
}
static inline uint64_t fl_word_at(uint64_t word, uint32_t slot)
{
    return (uint64_t)slot << FL_WORD_SLOT | (word & ((UINT64_C(1) << FL_WORD_SLOT) - 1));
}

#endif
