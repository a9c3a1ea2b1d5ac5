/* Least-significant-digit radix sort, 11 bits a pass; bits that never vary are passed over. */
#include "mining/radix.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

int fl_entries_add(struct fl_entries *e, uint64_t key, uint32_t value)
{
    if (e->n == e->room) {
        size_t room = e->room ? e->room * 2 : 1024;
        struct fl_entry *items = realloc(e->items, room * sizeof *items);
        if (!items)
            return FL_ENOMEM;
        e->items = items;
        e->room = room;
    }
    e->items[e->n++] = (struct fl_entry){key, value};
    return 0;
}

static void pass(const struct fl_entry *from, struct fl_entry *to, size_t n, unsigned shift)
{
    size_t at[DIGITS] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        at[from[i].key >> shift & (DIGITS - 1)]++;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
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
    for (unsigned shift = 0; shift < 64 && varies >> shift; shift += DIGIT_BITS) {
        shift += (unsigned)__builtin_ctzll(varies >> shift);
        pass(from, to, e->n, shift);
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
