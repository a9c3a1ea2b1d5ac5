/* Least-significant-digit radix sort by digits of 11 bits, as many as the numbers' range has. Few numbers are
 * sorted by insertion. To pick some by rank, numbers are counted by their leading digit, and those alone are
 * put in order that share it with one of a rank asked for. */
#include "mining/numbers.h"

#include <stdbool.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FEW = 48 };

static void insert_all(int64_t *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int64_t item = items[i];
        size_t at = i;
        for (; at > 0 && items[at - 1] > item; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* From counts to where each digit's numbers begin. */
static void begin_at(size_t at[DIGITS])
{
    size_t sum = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t count = at[d];
        at[d] = sum;
        sum += count;
    }
}

static size_t digit_of(uint64_t number, unsigned shift)
{
    return number >> shift & (DIGITS - 1);
}

static uint64_t above(int64_t item, int64_t low)
{
    return (uint64_t)item - (uint64_t)low;
}

void fl_numbers_sort(int64_t *items, size_t n, int64_t *spare)
{
    int64_t *from = items, *to = spare;
    if (n <= FEW) {
        insert_all(items, n);
        return;
    }
    int64_t low = items[0], high = items[0];
    for (size_t i = 1; i < n; i++) {
        low = items[i] < low ? items[i] : low;
        high = items[i] > high ? items[i] : high;
    }
    for (unsigned shift = 0; shift < 64 && above(high, low) >> shift; shift += DIGIT_BITS) {
        size_t at[DIGITS] = {0};
        for (size_t i = 0; i < n; i++)
            at[digit_of(above(from[i], low), shift)]++;
        begin_at(at);
        for (size_t i = 0; i < n; i++)
            to[at[digit_of(above(from[i], low), shift)]++] = from[i];
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}

static void order_few(const uint32_t *keys, size_t n, uint32_t *order)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && keys[order[at - 1]] > keys[i]; at--)
            order[at] = order[at - 1];
        order[at] = (uint32_t)i;
    }
}

void fl_numbers_order(const uint32_t *keys, size_t n, uint32_t *order, uint32_t *spare)
{
    uint32_t *from = order, *to = spare, varies = 0;
    if (n <= FEW) {
        order_few(keys, n, order);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
        varies |= keys[i] ^ keys[0];
    }
    for (unsigned shift = 0; shift < 32 && varies >> shift; shift += DIGIT_BITS) {
        size_t at[DIGITS] = {0};
        if (digit_of(varies, shift) == 0)
            continue;
        for (size_t i = 0; i < n; i++)
            at[digit_of(keys[i], shift)]++;
        begin_at(at);
        for (size_t i = 0; i < n; i++)
            to[at[digit_of(keys[from[i]], shift)]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, n * sizeof *order);
}

/* Which leading digits the ranks have, and how many of the numbers come before those, whose digit is another:
 * *skipped, by rank. `at` is where each digit's numbers begin. */
static void find_digits(bool wanted[DIGITS], size_t skipped[], const size_t at[DIGITS], const size_t ranks[],
                        size_t n_ranks)
{
    size_t digit = 0, skip = 0, last = 0;
    for (size_t k = 0; k < n_ranks; k++) {
        while (digit + 1 < DIGITS && at[digit + 1] <= ranks[k])
            digit++;
        if (!wanted[digit])
            skip += at[digit] - last;
        last = digit + 1 < DIGITS ? at[digit + 1] : at[digit];
        wanted[digit] = true;
        skipped[k] = skip;
    }
}

void fl_numbers_pick(int64_t *items, size_t n, const size_t ranks[], size_t n_ranks, int64_t out[],
                     int64_t *spare)
{
    size_t at[DIGITS] = {0}, skipped[FL_MOST_RANKS], found = 0;
    bool wanted[DIGITS] = {false};
    int64_t low = items[0], high = items[0];
    unsigned shift = 0;
    for (size_t i = 1; i < n; i++) {
        low = items[i] < low ? items[i] : low;
        high = items[i] > high ? items[i] : high;
    }
    while (above(high, low) >> shift >= DIGITS)
        shift++;
    for (size_t i = 0; i < n; i++)
        at[above(items[i], low) >> shift]++;
    begin_at(at);
    find_digits(wanted, skipped, at, ranks, n_ranks);
    for (size_t i = 0; i < n; i++) {
        spare[found] = items[i];
        found += wanted[above(items[i], low) >> shift];
    }
    fl_numbers_sort(spare, found, items);
    for (size_t k = 0; k < n_ranks; k++)
        out[k] = spare[ranks[k] - skipped[k]];
}
