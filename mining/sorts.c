/* Two sorts.
 *
 * Short ones: stretches of eight are sorted by insertion, then merged two by two.
 *
 * Moments: a radix sort as in mining/radix.c, of half as many bytes, by the low half of the time and, in
 * spans of more than 49 days, then by the high half. */
#include "mining/sorts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

/* ---- short ones ---- */

enum { FEW = 8 };

static void sort_few(struct fl_entry *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct fl_entry e = items[i];
        size_t at = i;
        for (; at > 0 && items[at - 1].key > e.key; at--)
            items[at] = items[at - 1];
        items[at] = e;
    }
}

/* Two stretches in order, x[0..n_x) and y[0..n_y), into one; x goes first where they are equal. */
static void merge(struct fl_entry *to, const struct fl_entry *x, size_t n_x, const struct fl_entry *y,
                  size_t n_y)
{
    const struct fl_entry *x_end = x + n_x, *y_end = y + n_y;
    while (x < x_end && y < y_end)
        *to++ = y->key < x->key ? *y++ : *x++;
    memcpy(to, x, (size_t)(x_end - x) * sizeof *x);
    memcpy(to + (x_end - x), y, (size_t)(y_end - y) * sizeof *y);
}

void fl_sort_short(struct fl_entry *items, size_t n, struct fl_entry *spare)
{
    struct fl_entry *from = items, *to = spare;
    for (size_t i = 0; i < n; i += FEW)
        sort_few(items + i, n - i < FEW ? n - i : FEW);
    for (size_t width = FEW; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t n_x = n - i < width ? n - i : width, rest = n - i - n_x;
            merge(to + i, from + i, n_x, from + i + n_x, rest < width ? rest : width);
        }
        struct fl_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}

/* ---- moments ---- */

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

static void pass(const struct fl_moment *from, struct fl_moment *to, size_t n, unsigned shift, unsigned bits)
{
    uint32_t at[DIGITS], sum = 0, digits = 1u << bits;
    memset(at, 0, digits * sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[from[i].key >> shift & (digits - 1)]++;
    for (uint32_t d = 0; d < digits; d++) {
        uint32_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i].key >> shift & (digits - 1)]++] = from[i];
}

/* By keys of at most so many bits, stable. The result is in *items, and *spare is the other one. */
static void sort_keys(struct fl_moment **items, struct fl_moment **spare, size_t n, unsigned key_bits)
{
    unsigned passes = (key_bits + DIGIT_BITS - 1) / DIGIT_BITS,
             bits = passes ? (key_bits + passes - 1) / passes : 0;
    for (unsigned i = 0; i < passes; i++) {
        pass(*items, *spare, n, i * bits, bits);
        struct fl_moment *swap = *items;
        *items = *spare;
        *spare = swap;
    }
}

static unsigned bits_of(uint64_t x)
{
    return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

int fl_sort_starts(const struct fl_conversation *items, size_t n, struct fl_moment **out)
{
    struct fl_moment *moments = malloc((n + 1) * sizeof *moments), *spare = malloc((n + 1) * sizeof *spare);
    int64_t first_ms = INT64_MAX, last_ms = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        first_ms = items[i].start_ms < first_ms ? items[i].start_ms : first_ms;
        last_ms = items[i].start_ms > last_ms ? items[i].start_ms : last_ms;
    }
    uint64_t first = (uint64_t)first_ms, span = n ? (uint64_t)last_ms - first : 0;
    int rc = moments && spare ? 0 : FL_ENOMEM;
    for (size_t i = 0; i < n && rc == 0; i++)
        moments[i] = (struct fl_moment){(uint32_t)((uint64_t)items[i].start_ms - first), (uint32_t)i};
    if (rc == 0)
        sort_keys(&moments, &spare, n, bits_of(span < UINT32_MAX ? span : UINT32_MAX));
    for (size_t i = 0; i < n && rc == 0 && span > UINT32_MAX; i++)
        moments[i].key = (uint32_t)(((uint64_t)items[moments[i].index].start_ms - first) >> 32);
    if (rc == 0 && span > UINT32_MAX)
        sort_keys(&moments, &spare, n, bits_of(span >> 32));
    free(spare);
    if (rc < 0) {
        free(moments);
        moments = NULL;
    }
    *out = moments;
    return rc;
}
