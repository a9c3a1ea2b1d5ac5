/* Exporters' clocks. Rules need the second in which flows start; two routers whose clocks are ten seconds
 * apart hide each other's. What both of them export tells how far.
 *
 * 1. A direction of a conversation of which a source has one record, and the next source has one, is a flow
 * that both saw; its two starts differ by the clocks and by the way between the routers, a few milliseconds.
 * 2. Two sources with at least 30 such flows differ by the median of the differences, provided that half of
 * them lie within a second of each other (else it is not the clocks that differ) and that it is 100 ms or
 * more (stamps are no finer).
 * 3. Sources are joined by pairs, those with most flows in common first, each holding its difference to the
 * one it hangs below; of two groups the one whose head has fewer records hangs below the other (union-find
 * with weights: Tarjan, "Applications of path compression on balanced trees", J. ACM 26, 1979).
 *
 * Example: A and B saw 40 flows, B's starts 9.99 s to 10.01 s after A's; B and C saw 35, C's 4 s before B's.
 * A has most records: B is 10 s ahead of it, C 6 s. */
#include "mining/clocks.h"

#include <stdlib.h>

#include "mining/order.h"
#include "mining/radix.h"
#include "storage/error.h"

enum { least_flows = 30, least_ms = 100, round_ms = 50, most_spread_ms = 1000, most_ms = 86400000 };

/* ---- 1. flows that two saw ---- */

/* Is this all that its source has of the direction? */
static bool is_single(const struct fl_record *items, size_t n, size_t i)
{
    bool before =
        i > 0 && items[i - 1].source == items[i].source && fl_record_same_direction(&items[i - 1], &items[i]);
    bool after = i + 1 < n && items[i + 1].source == items[i].source &&
                 fl_record_same_direction(&items[i], &items[i + 1]);
    return !before && !after;
}

/* Key: two sources, then the difference, moved to be positive. Sources stand in order within a direction. */
static int add_difference(struct fl_entries *out, const struct fl_record *x, const struct fl_record *y)
{
    int64_t ms = y->start_ms - x->start_ms;
    if (ms < -most_ms || ms > most_ms)
        return 0;
    uint64_t sources = (uint64_t)x->source << 16 | y->source;
    return fl_entries_add(out, sources << 32 | (uint64_t)(ms + most_ms), 0);
}

static int collect_differences(const struct fl_records *r, struct fl_entries *out)
{
    int rc = 0;
    for (size_t i = 0; i + 1 < r->n && rc == 0; i++)
        if (r->items[i].source != r->items[i + 1].source &&
            fl_record_same_direction(&r->items[i], &r->items[i + 1]) && is_single(r->items, r->n, i) &&
            is_single(r->items, r->n, i + 1))
            rc = add_difference(out, &r->items[i], &r->items[i + 1]);
    return rc == 0 ? fl_entries_sort(out) : rc;
}

/* ---- 2. pairs of sources ---- */

struct link {
    uint16_t x, y;
    int64_t ms; /* y is ahead of x */
    size_t flows;
};

static int64_t difference(const struct fl_entry *e)
{
    return (int64_t)(uint32_t)e->key - most_ms;
}

static size_t find_links(const struct fl_entries *e, struct link *out)
{
    size_t count = 0;
    for (size_t from = 0, to; from < e->n; from = to) {
        uint64_t sources = e->items[from].key >> 32;
        for (to = from + 1; to < e->n && e->items[to].key >> 32 == sources;)
            to++;
        size_t n = to - from;
        const struct fl_entry *d = &e->items[from];
        if (n < least_flows || difference(&d[n * 3 / 4]) - difference(&d[n / 4]) > most_spread_ms)
            continue;
        int64_t ms = difference(&d[n / 2]);
        if (ms > -least_ms && ms < least_ms)
            ms = 0;
        ms = (ms + (ms < 0 ? -round_ms : round_ms) / 2) / round_ms * round_ms;
        out[count++] = (struct link){(uint16_t)(sources >> 16), (uint16_t)sources, ms, n};
    }
    return count;
}

static int compare_links(const void *va, const void *vb)
{
    const struct link *a = va, *b = vb;
    FL_ORDER(b->flows, a->flows);
    FL_ORDER(a->x, b->x);
    FL_ORDER(a->y, b->y);
    return 0;
}

/* ---- 3. groups of sources ---- */

struct clock {
    uint32_t above; /* the source it hangs below; itself at the head */
    int64_t ms;     /* it is ahead of that one */
    size_t records;
};

/* The head of a source's group, which it hangs directly below from now on. */
static uint32_t find_head(struct clock *clocks, uint32_t source)
{
    uint32_t head = source;
    int64_t ms = 0;
    while (clocks[head].above != head) {
        ms += clocks[head].ms;
        head = clocks[head].above;
    }
    while (clocks[source].above != head && source != head) {
        struct clock *c = &clocks[source];
        uint32_t above = c->above;
        int64_t rest = ms - c->ms;
        *c = (struct clock){head, ms, c->records};
        ms = rest;
        source = above;
    }
    return head;
}

static void join(struct clock *clocks, const struct link *link)
{
    uint32_t x = find_head(clocks, link->x), y = find_head(clocks, link->y);
    if (x == y)
        return;
    /* y's head against x's */
    int64_t ms = clocks[link->x].ms + link->ms - clocks[link->y].ms;
    bool y_below = clocks[y].records <= clocks[x].records;
    uint32_t below = y_below ? y : x;
    clocks[below].above = y_below ? x : y;
    clocks[below].ms = y_below ? ms : -ms;
}

static void join_all(struct clock *clocks, const struct fl_records *r, const struct link *links, size_t n)
{
    for (uint32_t s = 0; s < r->n_sources; s++)
        clocks[s] = (struct clock){.above = s};
    for (size_t i = 0; i < r->n && n > 0; i++)
        clocks[r->items[i].source].records++;
    for (size_t i = 0; i < n; i++)
        join(clocks, &links[i]);
}

int fl_learn_clocks(const struct fl_records *r, int64_t *ahead_ms)
{
    struct fl_entries differences = {0};
    struct clock *clocks = malloc((r->n_sources + 1) * sizeof *clocks);
    int rc = clocks ? 0 : FL_ENOMEM;
    if (rc == 0 && r->n_sources > 1)
        rc = collect_differences(r, &differences);
    struct link *links = malloc((differences.n / least_flows + 1) * sizeof *links);
    if (!links)
        rc = FL_ENOMEM;
    if (rc == 0) {
        size_t n = find_links(&differences, links);
        qsort(links, n, sizeof *links, compare_links);
        join_all(clocks, r, links, n);
        for (uint32_t s = 0; s < r->n_sources; s++) {
            find_head(clocks, s);
            ahead_ms[s] = clocks[s].ms;
            if (ahead_ms[s] < -most_ms || ahead_ms[s] > most_ms)
                ahead_ms[s] = 0;
        }
    }
    fl_entries_clear(&differences);
    free(links);
    free(clocks);
    return rc;
}
