/* What comes in bursts meets in bursts: step 5 of describe.c. */
#include <math.h>
#include <stdlib.h>

#include "mining/describe_parts.h"
#include "mining/numbers.h"
#include "mining/room.h"
#include "mining/stats.h"
#include "storage/error.h"

struct fl_burst_block { /* in which both are active at one binding host */
    uint32_t slot;      /* window / jitter */
    bool any;           /* coincidences */
    double no_chance;   /* of any */
    double excess;      /* of them, beyond those expected */
};

/* Y's starts, or the stretches in which it is under way, as they are walked. */
struct walk {
    const struct fl_activity *items;
    size_t n, at;
    bool starts; /* the first window of each counts alone */
};

static struct walk walk_along(const struct fl_events *y, enum fl_evidence evidence)
{
    return evidence == FL_EVIDENCE_START ? (struct walk){y->firsts, y->n_firsts, 0, true}
                                         : (struct walk){y->stretches, y->n_stretches, 0, false};
}

static uint32_t end_of(const struct walk *w, size_t i)
{
    return w->starts ? w->items[i].first : w->items[i].last;
}

/* How many windows of [first, last] Y has, from w->at on, which moves on. */
static uint32_t covered(struct walk *w, uint32_t bind, uint32_t first, uint32_t last)
{
    uint32_t count = 0;
    while (w->at < w->n &&
           (w->items[w->at].bind < bind || (w->items[w->at].bind == bind && end_of(w, w->at) < first)))
        w->at++;
    for (size_t i = w->at; i < w->n && w->items[i].bind == bind && w->items[i].first <= last; i++) {
        uint32_t from = w->items[i].first > first ? w->items[i].first : first,
                 to = end_of(w, i) < last ? end_of(w, i) : last;
        count += to - from + 1;
    }
    return count;
}

/* The chance that n_x of `windows` windows, any of them, meet one of n_y others. */
static double chance_of_any(uint32_t n_x, uint32_t n_y, uint32_t windows)
{
    double none = 1;
    for (uint32_t i = 0; i < n_x && none > 0; i++)
        none *= n_y + i < windows ? (double)(windows - n_y - i) / (windows - i) : 0;
    return 1 - none;
}

enum { TABLE_MOST = 240 };

/* 1 - chance_of_any for blocks of `jitter` windows, from a table that is filled as it is asked. */
static double chance_of_none(struct fl_scratch *s, uint32_t n_x, uint32_t n_y, uint32_t windows,
                             uint32_t jitter)
{
    if (windows != jitter || !s->none || n_x > jitter || n_y > jitter)
        return 1 - chance_of_any(n_x, n_y, windows);
    double *none = &s->none[(size_t)n_y * (jitter + 1) + n_x];
    if (*none < 0)
        *none = 1 - chance_of_any(n_x, n_y, windows);
    return *none;
}

static int make_table(struct fl_scratch *s, uint32_t jitter)
{
    size_t n = ((size_t)jitter + 1) * (jitter + 1);
    if (s->none || jitter > TABLE_MOST)
        return 0;
    s->none = malloc(n * sizeof *s->none);
    for (size_t i = 0; i < n && s->none; i++)
        s->none[i] = -1;
    return s->none ? 0 : FL_ENOMEM;
}

/* The blocks of all binding hosts; hits in the order of X's events. Returns how many. */
static size_t blocks_of(const struct fl_hits *hits, const struct fl_events *x, struct walk y,
                        const struct fl_timeline *time, struct fl_scratch *scratch)
{
    size_t hit = 0, count = 0;
    uint32_t span_first = fl_window_of(time, time->from_ms), span_last = fl_window_of(time, time->to_ms);
    for (size_t i = 0, to; i < x->n_firsts; i = to) {
        uint32_t bind = x->firsts[i].bind, slot = x->firsts[i].first / time->jitter,
                 first = slot * time->jitter, last = first + time->jitter - 1, n_x = 0, n_xy = 0;
        for (to = i; to < x->n_firsts && x->firsts[to].bind == bind && x->firsts[to].first <= last; to++)
            n_x++;
        for (; hit < hits->n && hits->items[hit].bind == bind && hits->items[hit].window <= last; hit++)
            n_xy++;
        first = first > span_first ? first : span_first;
        last = last < span_last ? last : span_last;
        uint32_t n_y = covered(&y, bind, first, last);
        if (n_y == 0)
            continue;
        uint32_t windows = last - first + 1;
        scratch->blocks[count++] =
            (struct fl_burst_block){.slot = slot,
                                    .no_chance = chance_of_none(scratch, n_x, n_y, windows, time->jitter),
                                    .excess = n_xy - (double)n_x * n_y / windows,
                                    .any = n_xy > 0};
    }
    return count;
}

/* By slot, those of one slot by binding host as they stand. FL_ENOMEM. */
static int order_blocks(struct fl_scratch *s, size_t n)
{
    if (fl_room(&s->order, &s->order_room, 3 * n, sizeof *s->order) < 0)
        return FL_ENOMEM;
    uint32_t *order = s->order, *slots = order + n;
    for (size_t i = 0; i < n; i++)
        slots[i] = s->blocks[i].slot;
    fl_numbers_order(slots, n, order, slots + n);
    for (size_t i = 0; i < n; i++)
        s->blocks[n + i] = s->blocks[order[i]];
    return 0;
}

/* log10 of the p-value by blocks in order, all binding hosts of a block as one. */
static double tail_by_blocks(const struct fl_burst_block *blocks, size_t n)
{
    uint64_t count = 0, with_any = 0;
    double chances = 0, sum = 0, squares = 0;
    for (size_t from = 0, to; from < n; from = to, count++) {
        struct fl_burst_block b = blocks[from];
        for (to = from + 1; to < n && blocks[to].slot == b.slot; to++) {
            b.no_chance *= blocks[to].no_chance;
            b.excess += blocks[to].excess;
            b.any = b.any || blocks[to].any;
        }
        with_any += b.any;
        chances += 1 - b.no_chance;
        sum += b.excess;
        squares += b.excess * b.excess;
    }
    double any = fl_log10_binomial_tail(with_any, count, chances / (double)count),
           above = fl_log10_sum_tail(sum, squares), best = any < above ? any : above;
    return best + log10(2) < 0 ? best + log10(2) : 0;
}

int fl_weigh_bursts(struct fl_rule *rule, const struct fl_hits *hits, const struct fl_pair *pair,
                    const struct fl_view *v, struct fl_scratch *s)
{
    const struct fl_events *x = &v->events[pair->x], *y = &v->events[pair->y];
    if (v->time->n_windows / v->time->jitter < v->config->support)
        return 0;
    if (fl_room(&s->blocks, &s->blocks_room, 2 * x->n_firsts, sizeof *s->blocks) < 0 ||
        make_table(s, v->time->jitter) < 0)
        return FL_ENOMEM;
    size_t n = blocks_of(hits, x, walk_along(y, pair->evidence), v->time, s);
    bool in_order = pair->family == FL_NAMED; /* of one binding host */
    if (!in_order && order_blocks(s, n) < 0)
        return FL_ENOMEM;
    double log10_p = tail_by_blocks(s->blocks + (in_order ? 0 : n), n);
    rule->log10_p = log10_p > rule->log10_p ? log10_p : rule->log10_p;
    return 0;
}
