/* Where the conversations of a pair's nodes meet: steps 1 and 2 of describe.c. */
#include <stdlib.h>
#include <string.h>

#include "mining/describe_parts.h"
#include "mining/numbers.h"
#include "mining/room.h"
#include "storage/error.h"

/* ---- events ---- */

/* A node's conversations are by start: by binding host they are in order. */
static int order_by_bind(struct fl_events *e)
{
    struct fl_start *sorted = malloc((e->n + 1) * sizeof *sorted);
    uint32_t *numbers = malloc((3 * e->n + 1) * sizeof *numbers);
    int rc = sorted && numbers ? 0 : FL_ENOMEM;
    if (rc == 0) {
        uint32_t *order = numbers + e->n;
        for (size_t i = 0; i < e->n; i++)
            numbers[i] = e->starts[i].host;
        fl_numbers_order(numbers, e->n, order, order + e->n);
        for (size_t i = 0; i < e->n; i++)
            sorted[i] = e->starts[order[i]];
        struct fl_start *swap = e->starts;
        e->starts = sorted;
        sorted = swap;
    }
    free(sorted);
    free(numbers);
    return rc;
}

static uint32_t bind_of(const struct fl_events *e, size_t i, const struct fl_view *v)
{
    return v->family == FL_NAMED ? 0 : e->starts[i].host;
}

static int find_starts(struct fl_events *e, uint32_t node, const struct fl_view *v)
{
    const uint32_t *conversations = v->nodes->conversations + v->nodes->first[node];
    bool of_client = v->nodes->keys[node].client == FL_HOST_ANY;
    e->n = v->nodes->first[node + 1] - v->nodes->first[node];
    e->starts = malloc((e->n + 1) * sizeof *e->starts);
    if (!e->starts)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n; i++) {
        const struct fl_conversation *c = &v->talk->items[conversations[i]];
        uint32_t host = v->family != FL_NAMED ? fl_bind_of(v->family, c) : of_client ? c->client : c->server;
        e->starts[i] = (struct fl_start){c->start_ms, conversations[i], host};
    }
    return v->family == FL_NAMED ? 0 : order_by_bind(e);
}

/* Gives back what `n` of the items do not need. */
static void *shrink(void *items, size_t n, size_t size)
{
    void *less = realloc(items, (n + 1) * size);
    return less ? less : items;
}

static int find_firsts(struct fl_events *e, const struct fl_view *v)
{
    size_t n = 0;
    e->firsts = malloc((e->n + 1) * sizeof *e->firsts);
    e->first_starts = malloc((e->n + 1) * sizeof *e->first_starts);
    if (!e->firsts || !e->first_starts)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n; i++) {
        uint64_t at = fl_at(bind_of(e, i, v), fl_window_of(v->time, e->starts[i].ms));
        if (n > 0 && e->firsts[n - 1] == at)
            continue;
        e->firsts[n] = at;
        e->first_starts[n++] = (uint32_t)i;
    }
    e->n_firsts = n;
    e->firsts = shrink(e->firsts, n, sizeof *e->firsts);
    e->first_starts = shrink(e->first_starts, n, sizeof *e->first_starts);
    return 0;
}

static int find_cells(struct fl_events *e, const struct fl_view *v)
{
    uint64_t end = 0; /* of the last cell */
    e->cells = malloc((e->n_firsts + 1) * sizeof *e->cells);
    if (!e->cells)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n_firsts; i++) {
        uint64_t at = e->firsts[i];
        if (at >= end) {
            uint32_t into = fl_at_window(at) % v->time->jitter, begin = into / 64 * 64,
                     left = v->time->jitter - begin;
            e->cells[e->n_cells++] = (struct fl_cell_of){.at = at - (into - begin), .first = (uint32_t)i};
            end = at - (into - begin) + (left < 64 ? left : 64);
        }
        struct fl_cell_of *c = &e->cells[e->n_cells - 1];
        c->bits |= UINT64_C(1) << (at - c->at);
        c->n++;
    }
    e->cells = shrink(e->cells, e->n_cells, sizeof *e->cells);
    return 0;
}

static int find_spells(struct fl_events *e, const struct fl_view *v)
{
    e->spells = malloc((e->n + 1) * sizeof *e->spells);
    if (!e->spells)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n; i++) {
        const struct fl_conversation *c = &v->talk->items[e->starts[i].conversation];
        e->spells[i] = (struct fl_spell){fl_at(bind_of(e, i, v), fl_window_of(v->time, c->start_ms)),
                                         fl_window_of(v->time, c->end_ms), (uint32_t)i};
    }
    return 0;
}

/* From behind, then brought to the front. */
static int find_spans(struct fl_events *e)
{
    size_t at = e->n;
    uint32_t furthest = 0;
    e->spans = malloc((e->n + 1) * sizeof *e->spans);
    if (!e->spans)
        return FL_ENOMEM;
    for (size_t i = e->n; i-- > 0;) {
        const struct fl_spell *s = &e->spells[i];
        if (at < e->n && e->spans[at].at == s->at && s->last <= furthest)
            continue;
        furthest = s->last;
        e->spans[--at] = *s;
    }
    e->n_spans = e->n - at;
    memmove(e->spans, e->spans + at, e->n_spans * sizeof *e->spans);
    e->spans = shrink(e->spans, e->n_spans, sizeof *e->spans);
    return 0;
}

static int find_stretches(struct fl_events *e)
{
    size_t n = 0;
    e->stretches = malloc((e->n + 1) * sizeof *e->stretches);
    if (!e->stretches)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n; i++) {
        const struct fl_spell *s = &e->spells[i];
        struct fl_spell *now = n ? &e->stretches[n - 1] : NULL;
        if (!now || s->at > fl_at(fl_at_bind(now->at), now->last))
            e->stretches[n++] = *s;
        else if (s->last > now->last)
            now->last = s->last;
    }
    e->n_stretches = n;
    e->stretches = shrink(e->stretches, n, sizeof *e->stretches);
    return 0;
}

static void clear_events(struct fl_events *e)
{
    free(e->starts);
    free(e->firsts);
    free(e->first_starts);
    free(e->cells);
    free(e->spells);
    free(e->spans);
    free(e->stretches);
    *e = (struct fl_events){.n = 0};
}

int fl_events_collect(struct fl_events *e, uint32_t node, const struct fl_view *v)
{
    int rc = 0;
    if (!e->starts) {
        rc = find_starts(e, node, v);
        if (rc == 0)
            rc = find_firsts(e, v);
        if (rc == 0)
            rc = find_cells(e, v);
    }
    if (rc == 0 && e->during && !e->spells) {
        rc = find_spells(e, v);
        if (rc == 0)
            rc = find_spans(e);
        if (rc == 0)
            rc = find_stretches(e);
    }
    e->listed = false;
    return rc;
}

uint64_t fl_events_bytes(const struct fl_events *e)
{
    return e->n * sizeof *e->starts + e->n_firsts * (sizeof *e->firsts + sizeof *e->first_starts) +
           e->n_cells * sizeof *e->cells +
           ((e->spells ? e->n : 0) + e->n_spans + e->n_stretches) * sizeof *e->spells;
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

/* In two cells of the same windows. */
static void meet_in_cell(struct fl_hits *hits, const struct fl_events *x, const struct fl_cell_of *a,
                         const struct fl_events *y, const struct fl_cell_of *b)
{
    size_t i = a->first, j = b->first, i_end = i + a->n, j_end = j + b->n;
    while (i < i_end && j < j_end) {
        uint64_t at = x->firsts[i], other = y->firsts[j];
        if (at == other)
            hits->items[hits->n++] = (struct fl_hit){at, {x->first_starts[i], y->first_starts[j]}};
        i += at <= other;
        j += other <= at;
    }
}

static void meet_at_start(struct fl_hits *hits, const struct fl_events *x, const struct fl_events *y)
{
    for (size_t i = 0, j = 0; i < x->n_cells && j < y->n_cells;) {
        const struct fl_cell_of *a = &x->cells[i], *b = &y->cells[j];
        if (a->at == b->at && a->bits & b->bits)
            meet_in_cell(hits, x, a, y, b);
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
        count += i < x->n_firsts && x->firsts[i] <= fl_at(fl_at_bind(s->at), s->last);
    }
    return count;
}

/* `open` holds at least y->n_spans indices: those of Y that started, the last on top; what ended is taken off
 * once it is on top, so nothing is looked at twice. */
static void meet_during(struct fl_hits *hits, const struct fl_events *x, const struct fl_events *y,
                        uint32_t *open)
{
    uint32_t j = 0;
    size_t n_open = 0;
    for (size_t i = 0; i < x->n_firsts; i++) {
        uint64_t at = x->firsts[i];
        for (; j < y->n_spans && y->spans[j].at <= at; j++)
            open[n_open++] = j;
        for (; n_open; n_open--) {
            const struct fl_spell *s = &y->spans[open[n_open - 1]];
            if (at <= fl_at(fl_at_bind(s->at), s->last))
                break;
        }
        if (n_open)
            hits->items[hits->n++] =
                (struct fl_hit){at, {x->first_starts[i], y->spans[open[n_open - 1]].start}};
    }
}

int fl_hits_collect(struct fl_hits *out, const struct fl_pair *pair, const struct fl_view *view,
                    struct fl_scratch *s)
{
    const struct fl_events *x = &view->events[pair->x], *y = &view->events[pair->y];
    if (fl_room(&s->hits, &s->hits_room, x->n_firsts, sizeof *s->hits) < 0 ||
        fl_room(&s->order, &s->order_room, y->n_spans, sizeof *s->order) < 0)
        return FL_ENOMEM;
    *out = (struct fl_hits){.items = s->hits};
    if (pair->evidence == FL_EVIDENCE_START) {
        meet_at_start(out, x, y);
    } else {
        meet_during(out, x, y, s->order);
        out->partners = count_partners(x, y, view->config->support);
    }
    return 0;
}
