/* Leaving out the weakest.
 *
 * 1. Put the pairs in order: those that give a range its figures, those that can in their place where a
 * closer look denies them, then each two nodes by their strongest evidence, then by their other; by p-value,
 * and as they stand.
 * 2. The first `most` stay.
 * 3. Ranges forget the others; one that lists none any longer is no statement.
 *
 * That weak ones are missing makes no q-value less: it is the least over those as weak or weaker. */
#include "mining/strongest.h"

#include <stdlib.h>

#include "mining/order.h"
#include "storage/error.h"

/* A rule, its place in lists and what folding and clustering keep of it: measured, with room. */
enum { BYTES_A_RULE = 1600, SHARE = 4 };
/* Members of a range that stay before all other pairs. */
enum { A_FEW = 4 };

uint64_t fl_strongest_most(uint64_t memory_bytes)
{
    return memory_bytes ? memory_bytes / SHARE / BYTES_A_RULE : UINT64_MAX;
}

struct entry {
    double log10_p;
    uint32_t pair;
    enum fl_family family;
    uint32_t low, high; /* its nodes */
    uint32_t stand_in;  /* for a range: 0 gives its figures, A_FEW: only if its p-value says so */
    bool listed;
    bool again; /* of two nodes whose evidence of another kind is stronger */
};

static int compare_nodes(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    FL_ORDER(a->family, b->family);
    FL_ORDER(a->low, b->low);
    FL_ORDER(a->high, b->high);
    FL_ORDER(a->log10_p, b->log10_p);
    FL_ORDER(a->pair, b->pair);
    return 0;
}

static int compare_entries(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    FL_ORDER(a->stand_in, b->stand_in);
    FL_ORDER(a->again, b->again);
    FL_ORDER(a->log10_p, b->log10_p);
    FL_ORDER(a->pair, b->pair);
    return 0;
}

/* Step 1. */
static void put_in_order(struct entry *entries, const struct fl_pairs *pairs, const struct fl_ranges *ranges)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const struct fl_pair *p = &pairs->items[i];
        entries[i] = (struct entry){.log10_p = p->log10_p,
                                    .pair = (uint32_t)i,
                                    .stand_in = A_FEW,
                                    .family = p->family,
                                    .low = p->x < p->y ? p->x : p->y,
                                    .high = p->x < p->y ? p->y : p->x};
    }
    for (size_t i = 0; i < ranges->n; i++)
        for (uint32_t k = 0; k < ranges->items[i].n_listed; k++) {
            struct entry *e = &entries[ranges->items[i].listed[k]];
            e->stand_in = k < e->stand_in ? k : e->stand_in;
            e->listed = true;
        }
    qsort(entries, pairs->n, sizeof *entries, compare_nodes);
    for (size_t i = 1; i < pairs->n; i++)
        entries[i].again = entries[i].family == entries[i - 1].family &&
                           entries[i].low == entries[i - 1].low && entries[i].high == entries[i - 1].high;
    qsort(entries, pairs->n, sizeof *entries, compare_entries);
}

enum { GONE = -1 };

/* Returns how many pairs of nodes, of no range, have gone; now[i] is where pair i is. */
static int64_t take_out(struct fl_pairs *pairs, const struct entry *entries, uint64_t most, int64_t *now)
{
    size_t kept = 0;
    int64_t gone = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        now[entries[i].pair] = i < most ? 0 : GONE;
        gone += i >= most && !entries[i].listed && !entries[i].again;
    }
    for (size_t i = 0; i < pairs->n; i++)
        if (now[i] != GONE) {
            now[i] = (int64_t)kept;
            pairs->items[kept++] = pairs->items[i];
        }
    pairs->n = kept;
    return gone;
}

/* Step 3: how many members the lost ranges had. The lists stay where they are, with less in them. */
static int64_t forget(struct fl_ranges *ranges, const int64_t *now)
{
    size_t kept = 0;
    int64_t lost = 0;
    for (size_t i = 0; i < ranges->n; i++) {
        struct fl_range r = ranges->items[i];
        size_t *listed = ranges->listed + (r.listed - ranges->listed);
        uint32_t left = 0;
        for (uint32_t k = 0; k < r.n_listed; k++)
            if (now[listed[k]] != GONE)
                listed[left++] = (size_t)now[listed[k]];
        r.n_listed = left;
        if (left > 0)
            ranges->items[kept++] = r;
        else
            lost += r.members;
    }
    ranges->n = kept;
    return lost;
}

int64_t fl_strongest_keep(struct fl_pairs *pairs, struct fl_ranges *ranges, uint64_t most)
{
    if (pairs->n <= most)
        return 0;
    struct entry *entries = malloc(pairs->n * sizeof *entries);
    int64_t *now = malloc(pairs->n * sizeof *now);
    int64_t left_out = entries && now ? 0 : FL_ENOMEM;
    if (left_out == 0) {
        put_in_order(entries, pairs, ranges);
        left_out = take_out(pairs, entries, most, now);
        left_out += forget(ranges, now);
    }
    free(entries);
    free(now);
    return left_out;
}
