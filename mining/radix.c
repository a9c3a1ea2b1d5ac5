/* Least-significant-digit radix sort. Bits below the lowest and above the highest that vary are left out, and
 * the others are split into as few digits of at most 12 bits as will do, all about as wide: fewer buckets are
 * kinder to the processor's caches. */
#include "mining/radix.h"

#include <stdlib.h>
#include <string.h>

#include "mining/room.h"
#include "storage/error.h"

enum { DIGIT_BITS = 12, DIGITS = 1 << DIGIT_BITS };

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
    unsigned low = (unsigned)__builtin_ctzll(varies), end = 64 - (unsigned)__builtin_clzll(varies);
    unsigned passes = (end - low + DIGIT_BITS - 1) / DIGIT_BITS, bits = (end - low + passes - 1) / passes;
    for (unsigned shift = low; shift < end; shift += bits) {
        if (!(varies >> shift & (((uint64_t)1 << bits) - 1)))
            continue;
        pass(from, to, e->n, shift, bits);
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
