/* Least-significant-digit radix sort. Only bits that vary are sorted by: a digit begins at the lowest of them
 * that is left, and has at most 12 bits, fewer where there are few entries: fewer buckets are kinder to the
 * processor's caches, and need not be gone through for nothing. */
#include "mining/radix.h"

#include <stdlib.h>
#include <string.h>

#include "mining/room.h"
#include "storage/error.h"

enum { LEAST_BITS = 4, MOST_BITS = 12, DIGITS = 1 << MOST_BITS };

int fl_entries_add(struct fl_entries *e, uint64_t key, uint32_t value)
{
    if (fl_room(&e->items, &e->room, e->n + 1, sizeof *e->items) < 0)
        return FL_ENOMEM;
    e->items[e->n++] = (struct fl_entry){key, value};
    return 0;
}

static void pass(const struct fl_entry *from, struct fl_entry *to, size_t n, unsigned shift, unsigned bits)
{
    size_t at[DIGITS], sum = 0, digits = (size_t)1 << bits;
    memset(at, 0, digits * sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[from[i].key >> shift & (digits - 1)]++;
    for (size_t d = 0; d < digits; d++) {
        size_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i].key >> shift & (digits - 1)]++] = from[i];
}

/* How many bits a digit has at most, for n entries. */
static unsigned bits_for(size_t n)
{
    unsigned bits = LEAST_BITS;
    while (bits < MOST_BITS && n >> (bits + 1))
        bits++;
    return bits;
}

int fl_entries_sort(struct fl_entries *e)
{
    uint64_t varies = 0;
    for (size_t i = 1; i < e->n; i++)
        varies |= e->items[i].key ^ e->items[0].key;
    if (!varies)
        return 0;
    struct fl_entry *from = e->items, *to = malloc(e->n * sizeof *to);
    if (!to)
        return FL_ENOMEM;
    unsigned most = bits_for(e->n);
    while (varies) {
        unsigned shift = (unsigned)__builtin_ctzll(varies),
                 width = 64 - (unsigned)__builtin_clzll(varies) - shift;
        unsigned digits = (width + most - 1) / most, bits = (width + digits - 1) / digits;
        pass(from, to, e->n, shift, bits);
        varies &= ~((((uint64_t)1 << bits) - 1) << shift);
        struct fl_entry *swap = from;
        from = to;
        to = swap;
    }
    e->items = from;
    e->room = e->n; /* whichever buffer it is, it holds at least that many */
    free(to);
    return 0;
}

void fl_entries_clear(struct fl_entries *e)
{
    free(e->items);
    *e = (struct fl_entries){0};
}
