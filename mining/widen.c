/* Generics with two wildcards, counted only where they are called for.
 *
 * 1. From each pair of one client (C: S.p with C: *.q) the pair of any client; from each pair of any client
 * (S.p with T.q) that of any client with any server in place of S, or of T.
 * 2. Those that at least 3 pairs of nodes come to are wanted.
 * 3. Their nodes get their conversations, and are counted as pairs are that bind the client.
 * 4. Of what is counted the wanted pairs stay that are significant.
 * Where memory is short there are none, and how many were wanted is told.
 *
 * Example: 10.0.0.1 to 10.0.0.40 ask 10.0.0.53 for a name and then go to port 443 of this server or that.
 * Forty pairs `C.* : *.443` with `C.* : 10.0.0.53.53` want `*.* : *.443` with `*.* : 10.0.0.53.53`. */
#include "mining/widen.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "mining/parallel.h"
#include "mining/radix.h"
#include "storage/error.h"

enum { LEAST_PAIRS = 3 };

struct wish { /* a generic, and a pair that would be its instance */
    struct fl_node_key a, b;
    uint32_t x, y;
};

struct wishes {
    struct wish *items;
    size_t n;
};

static int compare_keys(const struct fl_node_key *x, const struct fl_node_key *y)
{
    FL_ORDER(x->client, y->client);
    FL_ORDER(x->server, y->server);
    FL_ORDER(x->protocol, y->protocol);
    FL_ORDER(x->client_port, y->client_port);
    FL_ORDER(x->server_port, y->server_port);
    return 0;
}

static int compare_generics(const void *va, const void *vb)
{
    const struct wish *a = va, *b = vb;
    int c = compare_keys(&a->a, &b->a);
    return c ? c : compare_keys(&a->b, &b->b);
}

static int compare_wishes(const void *va, const void *vb)
{
    const struct wish *a = va, *b = vb;
    int c = compare_generics(a, b);
    if (c)
        return c;
    FL_ORDER(a->x, b->x);
    FL_ORDER(a->y, b->y);
    return 0;
}

static int compare_node_keys(const void *a, const void *b)
{
    return compare_keys(a, b);
}

/* ---- steps 1 and 2 ---- */

static bool is_double(const struct fl_node_key *k)
{
    return k->client == FL_HOST_ANY && k->server == FL_HOST_ANY && k->server_port != FL_PORT_ANY;
}

static struct fl_node_key any_client(struct fl_node_key k)
{
    k.client = FL_HOST_ANY;
    k.client_port = FL_PORT_ANY;
    return k;
}

static struct fl_node_key any_server(struct fl_node_key k)
{
    k.server = FL_HOST_ANY;
    return k;
}

static void wish(struct wishes *w, const struct fl_pair *p, struct fl_node_key a, struct fl_node_key b)
{
    int order = compare_keys(&a, &b);
    if ((!is_double(&a) && !is_double(&b)) || order == 0 || fl_key_generalises(&a, &b) ||
        fl_key_generalises(&b, &a))
        return;
    w->items[w->n++] = (struct wish){order < 0 ? a : b, order < 0 ? b : a, p->x < p->y ? p->x : p->y,
                                     p->x < p->y ? p->y : p->x};
}

static void wish_for_pair(struct wishes *w, const struct fl_pair *p, const struct fl_nodes *nodes)
{
    struct fl_node_key x = nodes->keys[p->x], y = nodes->keys[p->y];
    if (x.client != y.client)
        return;
    if (x.client != FL_HOST_ANY)
        wish(w, p, any_client(x), any_client(y));
    else {
        wish(w, p, any_server(x), y);
        wish(w, p, x, any_server(y));
    }
}

/* One wish for each generic that enough pairs want. */
static void keep_wanted(struct wishes *w)
{
    size_t kept = 0;
    qsort(w->items, w->n, sizeof *w->items, compare_wishes);
    for (size_t first = 0, end; first < w->n; first = end) {
        size_t pairs = 1;
        for (end = first + 1; end < w->n && compare_generics(&w->items[first], &w->items[end]) == 0; end++)
            pairs += w->items[end].x != w->items[end - 1].x || w->items[end].y != w->items[end - 1].y;
        if (pairs >= LEAST_PAIRS)
            w->items[kept++] = w->items[first];
    }
    w->n = kept;
}

static bool is_wanted(const struct wishes *w, const struct fl_node_key *x, const struct fl_node_key *y)
{
    bool ordered = compare_keys(x, y) < 0;
    struct wish key = {.a = ordered ? *x : *y, .b = ordered ? *y : *x};
    return bsearch(&key, w->items, w->n, sizeof *w->items, compare_generics) != NULL;
}

/* ---- step 3 ---- */

static int name_nodes(struct fl_nodes *out, const struct wishes *w)
{
    out->keys = malloc((2 * w->n + 1) * sizeof *out->keys);
    if (!out->keys)
        return FL_ENOMEM;
    for (size_t i = 0; i < w->n; i++) {
        out->keys[2 * i] = w->items[i].a;
        out->keys[2 * i + 1] = w->items[i].b;
    }
    qsort(out->keys, 2 * w->n, sizeof *out->keys, compare_node_keys);
    for (size_t i = 0; i < 2 * w->n; i++)
        if (i == 0 || compare_keys(&out->keys[out->n - 1], &out->keys[i]) != 0)
            out->keys[out->n++] = out->keys[i];
    return 0;
}

enum { NO_NODE = UINT32_MAX, ASK_EVERY = 1 << 16 };

struct members { /* which conversations are of which nodes */
    struct fl_nodes *nodes;
    const struct fl_talk *talk;
    uint32_t (*of)[2];         /* by conversation: of its server, of any server; or NO_NODE */
    struct fl_entries *starts; /* by node: its conversations */
    atomic_size_t next;        /* node to be put in order */
};

/* The node `key`, if that is wanted. */
static uint32_t find_node(const struct fl_nodes *nodes, struct fl_node_key key)
{
    const struct fl_node_key *found =
        bsearch(&key, nodes->keys, nodes->n, sizeof *nodes->keys, compare_node_keys);
    return found ? (uint32_t)(found - nodes->keys) : NO_NODE;
}

/* A conversation is of the node of its server, and of the one with any server in its place. Those of one
 * client, server and port stand together. */
static int find_members(struct members *m, const struct fl_stop *stop)
{
    struct fl_node_key last = {.protocol = 0};
    uint32_t none[2] = {NO_NODE, NO_NODE}, *before = none;
    int rc = 0;
    for (size_t i = 0; i < m->talk->n && rc == 0; i++) {
        const struct fl_conversation *c = &m->talk->items[i];
        struct fl_node_key key = {FL_HOST_ANY, c->server, FL_PORT_ANY, c->server_port, c->protocol};
        bool same = i > 0 && compare_keys(&key, &last) == 0;
        m->of[i][0] = same ? before[0] : find_node(m->nodes, key);
        m->of[i][1] = same ? before[1] : find_node(m->nodes, any_server(key));
        for (int k = 0; k < 2; k++)
            if (m->of[i][k] != NO_NODE)
                m->nodes->first[m->of[i][k] + 1]++;
        before = m->of[i];
        last = key;
        rc = fl_stop_ask_at(stop, i, m->talk->n, ASK_EVERY);
    }
    for (size_t u = 0; u < m->nodes->n; u++)
        m->nodes->first[u + 1] += m->nodes->first[u];
    return rc;
}

static int give_out(struct members *m)
{
    for (size_t u = 0; u < m->nodes->n; u++) {
        struct fl_entries *e = &m->starts[u];
        e->room = m->nodes->first[u + 1] - m->nodes->first[u] + 1;
        e->items = malloc(e->room * sizeof *e->items);
        if (!e->items)
            return FL_ENOMEM;
    }
    for (size_t i = 0; i < m->talk->n; i++)
        for (int k = 0; k < 2; k++)
            if (m->of[i][k] != NO_NODE) {
                struct fl_entries *e = &m->starts[m->of[i][k]];
                e->items[e->n++] = (struct fl_entry){(uint64_t)m->talk->items[i].start_ms, (uint32_t)i};
            }
    return 0;
}

/* By start within a node. */
static int order_some(void *ctx, uint32_t thread)
{
    struct members *m = ctx;
    int rc = 0;
    for (size_t u; rc == 0 && (u = atomic_fetch_add(&m->next, 1)) < m->nodes->n;) {
        struct fl_entries *e = &m->starts[u];
        rc = fl_entries_sort(e);
        for (size_t i = 0; i < e->n && rc == 0; i++)
            m->nodes->conversations[m->nodes->first[u] + i] = e->items[i].value;
    }
    return rc;
}

static int fill_nodes(struct fl_nodes *out, const struct fl_widen_request *r)
{
    struct members m = {.nodes = out,
                        .talk = r->talk,
                        .of = malloc((r->talk->n + 1) * sizeof *m.of),
                        .starts = calloc(out->n + 1, sizeof *m.starts)};
    out->first = calloc(out->n + 1, sizeof *out->first);
    int rc = m.of && m.starts && out->first ? find_members(&m, r->stop) : FL_ENOMEM;
    if (rc == 0)
        rc = give_out(&m);
    if (rc == 0)
        out->conversations = malloc((out->first[out->n] + 1) * sizeof *out->conversations);
    if (rc == 0)
        rc = out->conversations ? fl_parallel(fl_parallel_threads(r->config->threads), order_some, &m)
                                : FL_ENOMEM;
    for (size_t u = 0; m.starts && u < out->n; u++)
        fl_entries_clear(&m.starts[u]);
    free(m.of);
    free(m.starts);
    return rc;
}

static int count_lanes(struct fl_widened *out, const struct fl_widen_request *r)
{
    struct fl_lane lanes[3];
    int rc = fl_lanes_build(lanes, &(struct fl_lanes_request){.nodes = &out->nodes,
                                                              .talk = r->talk,
                                                              .time = r->time,
                                                              .threads = r->config->threads,
                                                              .memory_bytes = r->memory_bytes,
                                                              .stop = r->stop});
    if (rc == 0)
        rc = fl_count_pairs(&out->pairs, &(struct fl_count_request){.lanes = lanes,
                                                                    .nodes = &out->nodes,
                                                                    .talk = r->talk,
                                                                    .config = r->config,
                                                                    .stop = r->stop ? r->stop->ask : NULL,
                                                                    .ctx = r->stop ? r->stop->ctx : NULL});
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        fl_lane_clear(&lanes[family]);
    return rc;
}

/* Rules without generics are better than none. */
static int count(struct fl_widened *out, const struct fl_widen_request *r, size_t wanted)
{
    int rc = count_lanes(out, r);
    if (rc != FL_ELIMIT)
        return rc;
    fl_widened_clear(out);
    out->left_out = wanted;
    return 0;
}

/* ---- step 4 ---- */

static void keep_significant(struct fl_widened *out, const struct wishes *w, double log10_threshold,
                             uint64_t tested)
{
    size_t kept = 0;
    double log10_tests = log10((double)(tested + out->pairs.tested + 1));
    for (size_t i = 0; i < out->pairs.n; i++) {
        struct fl_pair p = out->pairs.items[i];
        p.log10_q = fmin(0, p.log10_p + log10_tests);
        if (p.log10_q <= log10_threshold && is_wanted(w, &out->nodes.keys[p.x], &out->nodes.keys[p.y]))
            out->pairs.items[kept++] = p;
    }
    out->pairs.n = kept;
}

/* What ranges stand for wants nothing. */
static int gather_wishes(struct wishes *w, const struct fl_pairs *pairs, const struct fl_ranges *ranges,
                         const struct fl_nodes *nodes)
{
    bool *folded = calloc(pairs->n + 1, sizeof *folded);
    w->items = malloc((2 * pairs->n + 1) * sizeof *w->items);
    int rc = folded && w->items ? 0 : FL_ENOMEM;
    for (size_t i = 0; i < ranges->n && rc == 0; i++)
        for (uint32_t k = 0; k < ranges->items[i].n_listed; k++)
            folded[ranges->items[i].listed[k]] = true;
    for (size_t i = 0; i < pairs->n && rc == 0; i++)
        if (!folded[i])
            wish_for_pair(w, &pairs->items[i], nodes);
    if (rc == 0)
        keep_wanted(w);
    free(folded);
    return rc;
}

int fl_widen(struct fl_widened *out, const struct fl_widen_request *r)
{
    struct wishes w = {.n = 0};
    *out = (struct fl_widened){.nodes = {.n = 0}};
    int rc = gather_wishes(&w, r->pairs, r->ranges, r->nodes);
    if (rc == 0 && w.n > 0) {
        rc = name_nodes(&out->nodes, &w);
        if (rc == 0)
            rc = fill_nodes(&out->nodes, r);
        if (rc == 0)
            rc = count(out, r, w.n);
        if (rc == 0)
            keep_significant(out, &w, log10(r->config->q), r->pairs->tested);
    }
    free(w.items);
    if (rc < 0)
        fl_widened_clear(out);
    return rc;
}

void fl_widened_clear(struct fl_widened *w)
{
    fl_nodes_clear(&w->nodes);
    fl_pairs_clear(&w->pairs);
}
