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
    struct fl_activity *sorted = malloc((e->n + 1) * sizeof *sorted);
    uint32_t *numbers = calloc(3 * e->n + 1, sizeof *numbers), *order = numbers + e->n;
    int rc = sorted && numbers ? 0 : FL_ENOMEM;
    if (rc == 0) {
        for (size_t i = 0; i < e->n; i++)
            numbers[i] = e->items[i].bind;
        fl_numbers_order(numbers, e->n, order, order + e->n);
        for (size_t i = 0; i < e->n; i++)
            sorted[i] = e->items[order[i]];
        struct fl_activity *swap = e->items;
        e->items = sorted;
        sorted = swap;
    }
    free(sorted);
    free(numbers);
    return rc;
}

static bool same_window(const struct fl_activity *a, const struct fl_activity *b)
{
    return a->bind == b->bind && a->first == b->first;
}

/* The following three count what they keep, and write it where `out` is not NULL. */
static size_t find_firsts(const struct fl_events *e, struct fl_activity *out)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (i > 0 && same_window(&e->items[i - 1], &e->items[i]))
            continue;
        if (out)
            out[n] = e->items[i];
        n++;
    }
    return n;
}

/* `out` holds n_spans: written from behind. */
static size_t find_spans(const struct fl_events *e, struct fl_activity *out)
{
    size_t n = 0;
    uint32_t furthest = 0;
    for (size_t i = e->n; i-- > 0;) {
        bool last = i + 1 == e->n || !same_window(&e->items[i], &e->items[i + 1]);
        if (!last && e->items[i].last <= furthest)
            continue;
        furthest = e->items[i].last;
        n++;
        if (out)
            out[e->n_spans - n] = e->items[i];
    }
    return n;
}

static size_t find_stretches(const struct fl_events *e, struct fl_activity *out)
{
    size_t n = 0;
    struct fl_activity now = {.bind = 0};
    for (size_t i = 0; i < e->n; i++) {
        const struct fl_activity *a = &e->items[i];
        bool another = n == 0 || now.bind != a->bind || a->first > now.last;
        n += another;
        if (another)
            now = *a;
        else if (a->last > now.last)
            now.last = a->last;
        if (out)
            out[n - 1] = now;
    }
    return n;
}

/* Room for n of the items, or the items themselves where these are all. */
static struct fl_activity *room_for(const struct fl_events *e, size_t n)
{
    return n == e->n ? e->items : malloc((n + 1) * sizeof *e->items);
}

static int leave_out(struct fl_events *e)
{
    e->n_firsts = find_firsts(e, NULL);
    e->n_spans = find_spans(e, NULL);
    e->n_stretches = find_stretches(e, NULL);
    e->firsts = room_for(e, e->n_firsts);
    e->spans = room_for(e, e->n_spans);
    e->stretches = room_for(e, e->n_stretches);
    if (!e->firsts || !e->spans || !e->stretches)
        return FL_ENOMEM;
    if (e->firsts != e->items)
        find_firsts(e, e->firsts);
    if (e->spans != e->items)
        find_spans(e, e->spans);
    if (e->stretches != e->items)
        find_stretches(e, e->stretches);
    return 0;
}

static void clear_events(struct fl_events *e)
{
    if (e->firsts != e->items)
        free(e->firsts);
    if (e->spans != e->items)
        free(e->spans);
    if (e->stretches != e->items)
        free(e->stretches);
    free(e->items);
    *e = (struct fl_events){.n = 0};
}

int fl_events_collect(struct fl_events *out, uint32_t node, const struct fl_view *v)
{
    size_t n = v->nodes->first[node + 1] - v->nodes->first[node];
    struct fl_events e = {.items = malloc((n + 1) * sizeof *e.items), .n = n};
    if (!e.items)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        uint32_t index = v->nodes->conversations[v->nodes->first[node] + i];
        const struct fl_conversation *c = &v->talk->items[index];
        e.items[i] = (struct fl_activity){fl_bind_of(v->family, c), index, fl_window_of(v->time, c->start_ms),
                                          fl_window_of(v->time, c->end_ms)};
    }
    int rc = v->family == FL_NAMED ? 0 : order_by_bind(&e);
    if (rc == 0)
        rc = leave_out(&e);
    if (rc < 0)
        clear_events(&e);
    else
        *out = e;
    return rc;
}

uint64_t fl_events_bytes(const struct fl_events *e)
{
    size_t n = e->n + (e->firsts != e->items ? e->n_firsts : 0) + (e->spans != e->items ? e->n_spans : 0) +
               (e->stretches != e->items ? e->n_stretches : 0);
    return n * sizeof *e->items;
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

static bool before(const struct fl_activity *a, const struct fl_activity *b)
{
    return a->bind != b->bind ? a->bind < b->bind : a->first < b->first;
}

static void add_hit(struct fl_hits *hits, const struct fl_activity *x, const struct fl_activity *y)
{
    hits->items[hits->n++] = (struct fl_hit){x->first, x->bind, {x->conversation, y->conversation}};
}

static void meet_at_start(struct fl_hits *hits, const struct fl_events *x, const struct fl_events *y)
{
    size_t j = 0;
    for (size_t i = 0; i < x->n_firsts; i++) {
        const struct fl_activity *e = &x->firsts[i];
        while (j < y->n_firsts && before(&y->firsts[j], e))
            j++;
        if (j < y->n_firsts && y->firsts[j].bind == e->bind && y->firsts[j].first == e->first)
            add_hit(hits, e, &y->firsts[j]);
    }
}

/* How many of Y have a start of X within their time, up to `enough`. */
static size_t count_partners(const struct fl_events *x, const struct fl_events *y, size_t enough)
{
    size_t i = 0, count = 0;
    for (size_t j = 0; j < y->n && count < enough; j++) {
        const struct fl_activity *e = &y->items[j];
        while (i < x->n_firsts && before(&x->firsts[i], e))
            i++;
        count += i < x->n_firsts && x->firsts[i].bind == e->bind && x->firsts[i].first <= e->last;
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
        const struct fl_activity *e = &x->firsts[i];
        for (; j < y->n_spans && !before(e, &y->spans[j]); j++)
            open[n_open++] = j;
        while (n_open &&
               (y->spans[open[n_open - 1]].bind != e->bind || y->spans[open[n_open - 1]].last < e->first))
            n_open--;
        if (n_open)
            add_hit(hits, e, &y->spans[open[n_open - 1]]);
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
