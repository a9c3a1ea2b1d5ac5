/* Many pairs looked at closely, on several threads.
 *
 * 1. Pairs are taken in batches of one family.
 * 2. The events of their nodes that are not there yet are collected, each node by one thread. Those of
 * batches before are forgotten when they have become too many: pairs stand node by node, few are needed
 * again.
 * 3. Each pair is described by one thread, which has room of its own: a pair's rule depends on nothing but
 * the pair, so that it is the same whoever makes it.
 * 4. The rules of a batch are put behind the others in the order of the pairs. */
#include <stdatomic.h>
#include <stdlib.h>

#include "mining/describe_parts.h"
#include "mining/parallel.h"
#include "mining/room.h"
#include "storage/error.h"

enum { BATCH = 512 };

struct work {
    struct fl_view *view;
    const struct fl_stop *stop;
    const struct fl_pair *pairs; /* of the batch */
    size_t n;
    size_t before, all; /* pairs described before the batch, and altogether */
    uint32_t nodes[2 * BATCH];
    size_t n_nodes;
    struct fl_rule *rules; /* by pair */
    int made[BATCH];       /* 1: a rule, 0: none */
    atomic_size_t next;
    atomic_bool ended; /* by a stop or a failure */
    struct fl_scratch scratch[FL_MOST_THREADS];
};

/* The next thing to do, or `n` when there is none or all is to end; the first thread asks for all. */
static size_t take(struct work *w, uint32_t thread, size_t n, int *rc)
{
    if (thread == 0 && fl_stop_ask(w->stop, (double)w->before / (double)w->all)) {
        atomic_store(&w->ended, true);
        *rc = FL_ESTOP;
    }
    if (atomic_load_explicit(&w->ended, memory_order_relaxed))
        return n;
    size_t at = atomic_fetch_add(&w->next, 1);
    return at < n ? at : n;
}

static int collect_events(void *ctx, uint32_t thread)
{
    struct work *w = ctx;
    int rc = 0;
    for (size_t at; rc == 0 && (at = take(w, thread, w->n_nodes, &rc)) < w->n_nodes;)
        rc = fl_events_collect(&w->view->events[w->nodes[at]], w->nodes[at], w->view);
    if (rc < 0)
        atomic_store(&w->ended, true);
    return rc;
}

static int describe_some(void *ctx, uint32_t thread)
{
    struct work *w = ctx;
    int rc = 0;
    for (size_t at; rc >= 0 && (at = take(w, thread, w->n, &rc)) < w->n;) {
        rc = fl_describe_in(&w->rules[at], &w->pairs[at], w->view, &w->scratch[thread]);
        w->made[at] = rc > 0;
    }
    if (rc < 0)
        atomic_store(&w->ended, true);
    return rc < 0 ? rc : 0;
}

/* The nodes of the batch that lack some of their events, each once. */
static void find_nodes(struct work *w)
{
    w->n_nodes = 0;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t ends[2] = {w->pairs[i].x, w->pairs[i].y};
        for (int k = 0; k < 2; k++) {
            struct fl_events *e = &w->view->events[ends[k]];
            e->during = e->during || (k == 1 && w->pairs[i].evidence == FL_EVIDENCE_DURING);
            if (e->listed || (e->firsts && (e->spells || !e->during)))
                continue;
            e->listed = true;
            w->nodes[w->n_nodes++] = ends[k];
        }
    }
}

static uint64_t bytes_of_nodes(const struct work *w)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->n_nodes; i++)
        bytes += fl_events_bytes(&w->view->events[w->nodes[i]]);
    return bytes;
}

static int on_threads(struct work *w, size_t n, int (*fn)(void *ctx, uint32_t thread))
{
    uint32_t threads = fl_parallel_threads(w->view->config->threads);
    atomic_store(&w->next, 0);
    return fl_parallel(n < threads ? (uint32_t)n : threads, fn, w);
}

/* Steps 2 and 3. */
static int describe_batch(struct work *w)
{
    struct fl_view *v = w->view;
    bool too_much = v->most_bytes > 0 && v->kept_bytes > v->most_bytes;
    if (!v->events || v->family != w->pairs[0].family || too_much) {
        fl_view_clear(v);
        v->family = w->pairs[0].family;
        v->events = calloc(v->nodes->n + 1, sizeof *v->events);
        if (!v->events)
            return FL_ENOMEM;
    }
    find_nodes(w);
    v->kept_bytes -= bytes_of_nodes(w);
    int rc = on_threads(w, w->n_nodes, collect_events);
    v->kept_bytes += bytes_of_nodes(w);
    if (rc == 0)
        rc = on_threads(w, w->n, describe_some);
    if (rc < 0) /* some may be listed, but not collected */
        fl_view_clear(v);
    return rc;
}

static int describe_in_batches(struct fl_rules *out, int32_t *place, struct work *w,
                               const struct fl_pair *pairs)
{
    int rc = 0;
    for (size_t end; w->before < w->all && rc == 0; w->before = end) {
        for (end = w->before + 1;
             end < w->all && end - w->before < BATCH && pairs[end].family == pairs[w->before].family;)
            end++;
        w->pairs = pairs + w->before;
        w->n = end - w->before;
        rc = describe_batch(w);
        if (rc == 0)
            rc = fl_room(&out->items, &out->room, out->n + w->n, sizeof *out->items);
        for (size_t i = 0; i < w->n && rc == 0; i++) {
            place[w->before + i] = w->made[i] ? (int32_t)out->n : -1;
            if (w->made[i])
                out->items[out->n++] = w->rules[i];
        }
    }
    return rc;
}

int fl_describe_all(struct fl_rules *out, int32_t *place, const struct fl_pair *pairs, size_t n,
                    struct fl_view *view, const struct fl_stop *stop)
{
    struct work *w = calloc(1, sizeof *w);
    struct fl_rule *rules = malloc(BATCH * sizeof *rules);
    int rc = w && rules ? 0 : FL_ENOMEM;
    if (rc == 0) {
        w->view = view;
        w->stop = stop;
        w->all = n;
        w->rules = rules;
        rc = describe_in_batches(out, place, w, pairs);
    }
    for (uint32_t i = 0; w && i < FL_MOST_THREADS; i++)
        fl_scratch_clear(&w->scratch[i]);
    free(rules);
    free(w);
    return rc;
}
