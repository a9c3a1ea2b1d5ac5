/* Sorting words: by insertion when they are few, else least-significant-digit radix, starting each time at
 * the lowest bit that varies. */
#include "mining/words.h"

#include <stdlib.h>

#include "mining/room.h"
#include "storage/error.h"

enum { UPPER = 32 };

int fl_words_reserve(struct fl_words *w, size_t n)
{
    return fl_room(&w->items, &w->room, n, sizeof *w->items);
}

static void insert_words(uint64_t *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t word = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1] >> UPPER > word >> UPPER; j--)
            items[j] = items[j - 1];
        items[j] = word;
    }
}

static void radix_pass(const uint64_t *from, uint64_t *to, size_t n, unsigned shift, unsigned bits)
{
    uint32_t at[1 << 11] = {0}, sum = 0, mask = (1U << bits) - 1;
    for (size_t i = 0; i < n; i++)
        at[from[i] >> shift & mask]++;
    for (uint32_t d = 0; d <= mask; d++) {
        uint32_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i] >> shift & mask]++] = from[i];
}

enum { FEW = 48, MANY = 8192 };

static uint64_t bits_that_vary(const uint64_t *items, size_t n)
{
    uint64_t varies = 0;
    for (size_t i = 1; i < n; i++)
        varies |= items[i] ^ items[0];
    return varies >> UPPER;
}

int fl_words_sort(struct fl_words *w, struct fl_words *spare)
{
    uint64_t *items = w->items, *at = items;
    size_t n = w->n;
    unsigned bits = n < MANY ? 8 : 11, shift = UPPER;
    if (n <= FEW) {
        insert_words(items, n);
        return 0;
    }
    if (n > UINT32_MAX)
        return FL_ELIMIT;
    if (fl_words_reserve(spare, n) < 0)
        return FL_ENOMEM;
    uint64_t *to = spare->items;
    for (uint64_t varies = bits_that_vary(items, n); varies; varies >>= bits, shift += bits) {
        unsigned skip = (unsigned)__builtin_ctzll(varies);
        varies >>= skip;
        shift += skip;
        radix_pass(at, to, n, shift, bits);
        uint64_t *swap = at;
        at = to;
        to = swap;
    }
    if (at != items) { /* they stand in the spare: that is what they are from now on */
        struct fl_words swap = *w;
        *w = (struct fl_words){at, n, spare->room};
        *spare = (struct fl_words){swap.items, 0, swap.room};
    }
    return 0;
}

void fl_words_clear(struct fl_words *w)
{
    free(w->items);
    *w = (struct fl_words){0};
}
