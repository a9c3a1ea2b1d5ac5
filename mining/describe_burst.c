/* What comes in bursts meets in bursts: step 4 of describe.c. */
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

struct walk { /* along the parts of blocks */
    const struct fl_block_part *at, *end;
};

/* How many windows they have up to `last`. */
static uint32_t count_up_to(struct walk *w, uint64_t last)
{
    uint32_t count = 0;
    for (; w->at < w->end && w->at->at <= last; w->at++)
        count += w->at->n;
    return count;
}

/* The blocks of all binding hosts, by host. Returns how many. */
static size_t blocks_of(const struct fl_hits *hits, struct walk x, struct walk y,
                        const struct fl_timeline *time, struct fl_scratch *scratch)
{
    const uint32_t span_first = fl_window_of(time, time->from_ms),
                   span_last = fl_window_of(time, time->to_ms);
    size_t hit = 0, count = 0;
    while (x.at < x.end) {
        uint32_t window = fl_at_window(x.at->at), slot = window / time->jitter, n_xy = 0;
        uint64_t first = x.at->at - (window - slot * time->jitter), last = first + time->jitter - 1;
        while (y.at < y.end && y.at->at < first)
            y.at++;
        uint32_t n_x = count_up_to(&x, last), n_y = count_up_to(&y, last);
        for (; hit < hits->n && hits->items[hit].at <= last; hit++)
            n_xy++;
        if (n_y == 0)
            continue;
        uint32_t from = slot * time->jitter, to = from + time->jitter - 1,
                 windows = (to < span_last ? to : span_last) - (from > span_first ? from : span_first) + 1;
        scratch->blocks[count++] =
            (struct fl_burst_block){.slot = slot,
                                    .no_chance = chance_of_none(scratch, n_x, n_y, windows, time->jitter),
                                    .excess = n_xy - (double)n_x * n_y / windows,
                                    .any = n_xy > 0};
    }
    return count;
}

/* Their places by slot, those of one slot by binding host as they stand. */
static const uint32_t *order_blocks(struct fl_scratch *s, size_t n)
{
    uint32_t *slots = s->order + n;
    for (size_t i = 0; i < n; i++)
        slots[i] = s->blocks[i].slot;
    fl_numbers_order(slots, n, s->order, slots + n);
    return s->order;
}

/* log10 of the p-value by blocks, all binding hosts of a block as one. `order`: NULL where they stand by
 * slot. */
static double tail_by_blocks(const struct fl_burst_block *blocks, const uint32_t *order, size_t n)
{
    uint64_t count = 0, with_any = 0;
    double chances = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < n; count++) {
        struct fl_burst_block b = blocks[order ? order[i] : i];
        for (i++; i < n && blocks[order ? order[i] : i].slot == b.slot; i++) {
            const struct fl_burst_block *more = &blocks[order ? order[i] : i];
            b.no_chance *= more->no_chance;
            b.excess += more->excess;
            b.any = b.any || more->any;
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
    if (fl_room(&s->blocks, &s->blocks_room, x->n_starting, sizeof *s->blocks) < 0 ||
        fl_room(&s->order, &s->order_room, 3 * x->n_starting, sizeof *s->order) < 0 ||
        make_table(s, v->time->jitter) < 0)
        return FL_ENOMEM;
    struct walk along_x = {x->starting, x->starting + x->n_starting},
                along_y = pair->evidence == FL_EVIDENCE_START
                              ? (struct walk){y->starting, y->starting + y->n_starting}
                              : (struct walk){y->under_way, y->under_way + y->n_under_way};
    size_t n = blocks_of(hits, along_x, along_y, v->time, s);
    bool in_order = pair->family == FL_NAMED; /* of one binding host */
    double log10_p = tail_by_blocks(s->blocks, in_order ? NULL : order_blocks(s, n), n);
    rule->log10_p = log10_p > rule->log10_p ? log10_p : rule->log10_p;
    return 0;
}
