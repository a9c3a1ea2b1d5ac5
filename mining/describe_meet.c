/* Where the conversations of a pair's nodes meet: steps 1 and 2 of describe.c. */
#include <stdlib.h>
#include <string.h>

#include "mining/describe_parts.h"
#include "mining/numbers.h"
#include "mining/room.h"
#include "storage/error.h"

/* ---- events ---- */

struct conversation { /* of a node */
    uint32_t bind;
    struct fl_start start;
    int64_t end_ms;
};

/* Those of a node are by start: by binding host they are in order. */
static int order_by_bind(struct conversation **items, size_t n)
{
    struct conversation *sorted = malloc((n + 1) * sizeof *sorted);
    uint32_t *numbers = malloc((3 * n + 1) * sizeof *numbers);
    int rc = sorted && numbers ? 0 : FL_ENOMEM;
    if (rc == 0) {
        uint32_t *order = numbers + n;
        for (size_t i = 0; i < n; i++)
            numbers[i] = (*items)[i].bind;
        fl_numbers_order(numbers, n, order, order + n);
        for (size_t i = 0; i < n; i++)
            sorted[i] = (*items)[order[i]];
        struct conversation *swap = *items;
        *items = sorted;
        sorted = swap;
    }
    free(sorted);
    free(numbers);
    return rc;
}

/* The conversations of a node by binding host, then start. */
static int list_conversations(struct conversation **out, uint32_t node, const struct fl_view *v)
{
    const uint32_t *conversations = v->nodes->conversations + v->nodes->first[node];
    bool of_client = v->nodes->keys[node].client == FL_HOST_ANY;
    size_t n = v->nodes->first[node + 1] - v->nodes->first[node];
    *out = malloc((n + 1) * sizeof **out);
    if (!*out)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct fl_conversation *c = &v->talk->items[conversations[i]];
        uint32_t bind = fl_bind_of(v->family, c), meant = of_client ? c->client : c->server;
        (*out)[i] = (struct conversation){
            bind, {c->start_ms, conversations[i], v->family == FL_NAMED ? meant : bind}, c->end_ms};
    }
    return v->family == FL_NAMED ? 0 : order_by_bind(out, n);
}

/* Gives back what `n` of the items do not need. */
static void *shrink(void *items, size_t n, size_t size)
{
    void *less = realloc(items, (n + 1) * size);
    return less ? less : items;
}

/* fl_window_of without its division, which is what collecting would spend most of its time with. */
struct clock {
    const struct fl_timeline *time;
    int64_t base_ms; /* of window 0 */
    double windows_a_ms;
};

static struct clock clock_of(const struct fl_timeline *time)
{
    return (struct clock){time, fl_window_start_ms(time, 0), 1 / (double)time->window_ms};
}

static inline uint32_t window_of(const struct clock *c, int64_t ms)
{
    ms = ms < c->time->from_ms ? c->time->from_ms : ms < c->time->to_ms ? ms : c->time->to_ms - 1;
    int64_t since_ms = ms - c->base_ms, window = (int64_t)((double)since_ms * c->windows_a_ms);
    int64_t past_ms = since_ms - window * c->time->window_ms; /* of fewer than 2^31: off by one at most */
    return (uint32_t)(window - (past_ms < 0) + (past_ms >= c->time->window_ms));
}

static int find_firsts(struct fl_events *e, const struct conversation *all, const struct fl_view *v)
{
    const struct clock clock = clock_of(v->time);
    size_t n = 0;
    e->firsts = malloc((e->n + 1) * sizeof *e->firsts);
    e->first_starts = malloc((e->n + 1) * sizeof *e->first_starts);
    if (!e->firsts || !e->first_starts)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n; i++) {
        uint64_t at = fl_at(all[i].bind, window_of(&clock, all[i].start.ms));
        if (n > 0 && e->firsts[n - 1] == at)
            continue;
        e->firsts[n] = at;
        e->first_starts[n++] = all[i].start;
    }
    e->n_firsts = n;
    e->firsts = shrink(e->firsts, n, sizeof *e->firsts);
    e->first_starts = shrink(e->first_starts, n, sizeof *e->first_starts);
    return 0;
}

struct parts { /* as they are found, by at */
    struct fl_block_part *items;
    size_t n, room;
    uint64_t end; /* of the last one */
};

/* The windows [at, last] of one host, behind those there are; `first`: of the parts that begin with them. */
static int add_windows(struct parts *p, uint64_t at, uint64_t last, uint32_t first, uint32_t jitter)
{
    while (at <= last) {
        if (at >= p->end) {
            uint32_t into = fl_at_window(at) % jitter, begin = into / 64 * 64, left = jitter - begin;
            if (fl_room(&p->items, &p->room, p->n + 1, sizeof *p->items) < 0)
                return FL_ENOMEM;
            p->items[p->n++] = (struct fl_block_part){.at = at - (into - begin), .first = first};
            p->end = at - (into - begin) + (left < 64 ? left : 64);
        }
        struct fl_block_part *part = &p->items[p->n - 1];
        uint32_t n = (uint32_t)((last < p->end ? last + 1 : p->end) - at);
        part->bits |= UINT64_MAX >> (64 - n) << (at - part->at);
        part->n += n;
        at += n;
    }
    return 0;
}

static int find_starting(struct fl_events *e, const struct fl_view *v)
{
    struct parts p = {.n = 0};
    int rc = 0;
    for (size_t i = 0; i < e->n_firsts && rc == 0; i++)
        rc = add_windows(&p, e->firsts[i], e->firsts[i], (uint32_t)i, v->time->jitter);
    e->starting = p.items ? shrink(p.items, p.n, sizeof *p.items) : NULL;
    e->n_starting = p.n;
    return rc;
}

static int find_spells(struct fl_events *e, const struct conversation *all, const struct fl_view *v)
{
    const struct clock clock = clock_of(v->time);
    e->spells = malloc((e->n + 1) * sizeof *e->spells);
    if (!e->spells)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n; i++)
        e->spells[i] = (struct fl_spell){fl_at(all[i].bind, window_of(&clock, all[i].start.ms)),
                                         window_of(&clock, all[i].end_ms)};
    return 0;
}

static uint64_t end_of(const struct fl_spell *s)
{
    return fl_at(fl_at_bind(s->at), s->last);
}

/* From behind, then brought to the front. */
static int find_spans(struct fl_events *e, const struct conversation *all)
{
    size_t at = e->n;
    e->spans = malloc((e->n + 1) * sizeof *e->spans);
    e->span_starts = malloc((e->n + 1) * sizeof *e->span_starts);
    if (!e->spans || !e->span_starts)
        return FL_ENOMEM;
    for (size_t i = e->n; i-- > 0;) {
        const struct fl_spell *s = &e->spells[i];
        if (at < e->n && e->spans[at].at == s->at && s->last <= e->spans[at].last)
            continue;
        e->spans[--at] = *s;
        e->span_starts[at] = all[i].start;
    }
    e->n_spans = e->n - at;
    memmove(e->spans, e->spans + at, e->n_spans * sizeof *e->spans);
    memmove(e->span_starts, e->span_starts + at, e->n_spans * sizeof *e->span_starts);
    e->spans = shrink(e->spans, e->n_spans, sizeof *e->spans);
    e->span_starts = shrink(e->span_starts, e->n_spans, sizeof *e->span_starts);
    return 0;
}

/* All windows are of spans. Where one begins when those before have ended, they are done with. */
static int find_under_way(struct fl_events *e, const struct fl_view *v)
{
    struct parts p = {.n = 0};
    uint64_t until = 0;
    uint32_t first = 0;
    int rc = 0;
    for (size_t i = 0; i < e->n_spans && rc == 0; i++) {
        uint64_t at = e->spans[i].at, last = end_of(&e->spans[i]);
        if (at >= until) {
            first = (uint32_t)i;
            until = at;
        }
        rc = add_windows(&p, until, last, first, v->time->jitter);
        until = last >= until ? last + 1 : until;
    }
    e->under_way = p.items ? shrink(p.items, p.n, sizeof *p.items) : NULL;
    e->n_under_way = p.n;
    return rc;
}

static void clear_events(struct fl_events *e)
{
    free(e->firsts);
    free(e->first_starts);
    free(e->starting);
    free(e->spells);
    free(e->spans);
    free(e->span_starts);
    free(e->under_way);
    *e = (struct fl_events){.n = 0};
}

int fl_events_collect(struct fl_events *e, uint32_t node, const struct fl_view *v)
{
    bool during = e->during;
    struct conversation *all;
    int rc = list_conversations(&all, node, v);
    clear_events(e);
    e->during = during;
    e->n = v->nodes->first[node + 1] - v->nodes->first[node];
    if (rc == 0)
        rc = find_firsts(e, all, v);
    if (rc == 0)
        rc = find_starting(e, v);
    if (rc == 0 && during)
        rc = find_spells(e, all, v);
    if (rc == 0 && during)
        rc = find_spans(e, all);
    if (rc == 0 && during)
        rc = find_under_way(e, v);
    free(all);
    return rc;
}

uint64_t fl_events_bytes(const struct fl_events *e)
{
    return e->n_firsts * (sizeof *e->firsts + sizeof *e->first_starts) +
           (e->n_starting + e->n_under_way) * sizeof *e->starting +
           (e->spells ? e->n : 0) * sizeof *e->spells +
           e->n_spans * (sizeof *e->spans + sizeof *e->span_starts);
}

void fl_view_clear(struct fl_view *view)
{
    for (size_t i = 0; view->events && i < view->nodes->n; i++)
        clear_events(&view->events[i]);
    free(view->events);
    view->events = NULL;
    view->kept_bytes = 0;
}

/* ---- coincidences ---- */

/* How many bits are set: added up in pairs, fours, bytes. */
static inline unsigned count_bits(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(bits * 0x0101010101010101 >> 56);
}

/* Which of the firsts is that of a window, `bit` of a part. */
static inline uint32_t first_in(const struct fl_block_part *part, uint64_t bit)
{
    return part->first + count_bits(part->bits & (bit - 1));
}

/* What starts in the same window. */
static void meet_starts(struct fl_hits *hits, const struct fl_block_part *a, const struct fl_block_part *b)
{
    for (uint64_t left = a->bits & b->bits; left; left &= left - 1) {
        uint64_t bit = left & -left;
        hits->items[hits->n++] =
            (struct fl_hit){a->at + (unsigned)__builtin_ctzll(left), {first_in(a, bit), first_in(b, bit)}};
    }
}

/* Spans of Y that have started, the last on top; what has ended is taken off once it is on top, so nothing is
 * looked at twice. */
struct open {
    uint32_t *spans; /* room for all */
    size_t n;
    uint32_t next; /* span */
};

/* What starts while others are under way. */
static void meet_spans(struct fl_hits *hits, const struct fl_block_part *a, const struct fl_block_part *b,
                       const struct fl_events *y, struct open *open)
{
    if (open->next < b->first) {
        open->next = b->first;
        open->n = 0;
    }
    for (uint64_t left = a->bits & b->bits; left; left &= left - 1) {
        uint64_t at = a->at + (unsigned)__builtin_ctzll(left);
        while (open->next < y->n_spans && y->spans[open->next].at <= at)
            open->spans[open->n++] = open->next++;
        while (open->n > 1 && end_of(&y->spans[open->spans[open->n - 1]]) < at)
            open->n--;
        hits->items[hits->n++] = (struct fl_hit){at, {first_in(a, left & -left), open->spans[open->n - 1]}};
    }
}

/* `room` holds at least y->n_spans indices. */
static void meet(struct fl_hits *hits, const struct fl_events *x, const struct fl_events *y, bool during,
                 uint32_t *room)
{
    const struct fl_block_part *parts = during ? y->under_way : y->starting;
    size_t n = during ? y->n_under_way : y->n_starting;
    struct open open = {.spans = room};
    for (size_t i = 0, j = 0; i < x->n_starting && j < n;) {
        const struct fl_block_part *a = &x->starting[i], *b = &parts[j];
        if (a->at == b->at && a->bits & b->bits) {
            if (during)
                meet_spans(hits, a, b, y, &open);
            else
                meet_starts(hits, a, b);
        }
        i += a->at <= b->at;
        j += b->at <= a->at;
    }
}

/* How many of Y have a start of X within their time, up to `enough`. */
static size_t count_partners(const struct fl_events *x, const struct fl_events *y, size_t enough)
{
    size_t i = 0, count = 0;
    for (size_t j = 0; j < y->n && count < enough; j++) {
        const struct fl_spell *s = &y->spells[j];
        while (i < x->n_firsts && x->firsts[i] < s->at)
            i++;
        count += i < x->n_firsts && x->firsts[i] <= end_of(s);
    }
    return count;
}

int fl_hits_collect(struct fl_hits *out, const struct fl_pair *pair, const struct fl_view *view,
                    struct fl_scratch *s)
{
    const struct fl_events *x = &view->events[pair->x], *y = &view->events[pair->y];
    if (fl_room(&s->hits, &s->hits_room, x->n_firsts, sizeof *s->hits) < 0 ||
        fl_room(&s->order, &s->order_room, y->n_spans, sizeof *s->order) < 0)
        return FL_ENOMEM;
    bool during = pair->evidence == FL_EVIDENCE_DURING;
    *out = (struct fl_hits){.items = s->hits};
    meet(out, x, y, during, s->order);
    if (during)
        out->partners = count_partners(x, y, view->config->support);
    return 0;
}
