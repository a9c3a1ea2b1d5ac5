/* Flow nodes: groups conversations under their concrete, any-client and any-server node and keeps the busy
 * ones.
 *
 * 1. Conversations stand in order, so that those of a concrete node, a kind, are one stretch of them. Kinds
 * are numbered, and conversations ordered by start.
 * 2. Kinds are grouped by their any-client node, and by their any-server node; conversations, taken by start,
 * are dealt out to those.
 * 3. A node stays that reaches `support` windows; its conversations are looked at until it does. How many of
 * them are one host's is summed over its kinds. */
#include "mining/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "mining/intern.h"
#include "mining/parallel.h"
#include "mining/sorts.h"
#include "storage/error.h"

int fl_timeline_init(struct fl_timeline *t, int64_t from_ms, int64_t to_ms, int64_t window_ms,
                     uint32_t jitter)
{
    if (to_ms <= from_ms || window_ms <= 0 || jitter == 0 || from_ms < 0)
        return FL_EINVAL;
    int64_t windows = (to_ms - 1) / window_ms - from_ms / window_ms + 1;
    if (windows > INT32_MAX - 2 * (int64_t)jitter)
        return FL_ELIMIT;
    *t = (struct fl_timeline){.from_ms = from_ms,
                              .to_ms = to_ms,
                              .window_ms = window_ms,
                              .jitter = jitter,
                              .base_window = from_ms / window_ms / jitter * jitter,
                              .n_windows = (uint32_t)windows};
    return 0;
}

uint32_t fl_window_of(const struct fl_timeline *t, int64_t ms)
{
    if (ms < t->from_ms)
        ms = t->from_ms;
    if (ms >= t->to_ms)
        ms = t->to_ms - 1;
    return (uint32_t)(ms / t->window_ms - t->base_window);
}

int64_t fl_window_start_ms(const struct fl_timeline *t, uint32_t window)
{
    return (t->base_window + window) * t->window_ms;
}

bool fl_key_generalises(const struct fl_node_key *general, const struct fl_node_key *special)
{
    if (general->protocol != special->protocol || general->server_port != special->server_port)
        return false;
    bool wider_client = general->client == FL_HOST_ANY && special->client != FL_HOST_ANY;
    bool wider_server = general->server == FL_HOST_ANY && special->server != FL_HOST_ANY;
    if (!wider_client && (general->client != special->client || general->client_port != special->client_port))
        return false;
    if (!wider_server && general->server != special->server)
        return false;
    return wider_client || wider_server;
}

struct fl_node fl_key_node(const struct fl_node_key *key, const struct fl_talk *talk)
{
    struct fl_node n;
    memset(&n, 0, sizeof n); /* the padding too: rules are compared as bytes */
    n.client_port = key->client_port;
    n.server_port = key->server_port;
    n.protocol = key->protocol;
    n.any_client = key->client == FL_HOST_ANY;
    n.any_server = key->server == FL_HOST_ANY;
    if (!n.any_client)
        n.client = talk->hosts[key->client];
    if (!n.any_server)
        n.server = talk->hosts[key->server];
    return n;
}

enum group { CONCRETE, ANY_CLIENT, ANY_SERVER, N_GROUPS };

/* The node of a group that a conversation belongs to, packed so that packed keys order like keys. */
static struct fl_intern_key node_of(const struct fl_conversation *c, enum group group)
{
    uint64_t client = group == ANY_CLIENT ? FL_HOST_ANY : c->client,
             server = group == ANY_SERVER ? FL_HOST_ANY : c->server,
             client_port = group == ANY_CLIENT ? FL_PORT_ANY : c->client_port;
    return (struct fl_intern_key){client << 32 | server,
                                  (uint64_t)c->protocol << 34 | client_port << 17 | c->server_port};
}

static struct fl_node_key unpack(struct fl_intern_key packed)
{
    return (struct fl_node_key){.client = (uint32_t)(packed.high >> 32),
                                .server = (uint32_t)packed.high,
                                .client_port = packed.low >> 17 & 0x1ffff,
                                .server_port = packed.low & 0x1ffff,
                                .protocol = (uint8_t)(packed.low >> 34)};
}

/* What is needed while nodes are made. A kind is the conversations of one concrete node. */
struct work {
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    uint32_t support;
    size_t n_kinds;
    uint32_t *kind;       /* by conversation */
    uint32_t *kind_first; /* n_kinds + 1: where the conversations of a kind begin */
    struct fl_moment *by_start;
    struct fl_nodes groups[N_GROUPS]; /* `conversations` of each is a third of those of all */
};

enum look { AT_KINDS, AT_STARTS, N_LOOKS };

/* What all groups need to know of the conversations. */
static int look_at_conversations(void *ctx, uint32_t look)
{
    struct work *w = ctx;
    const struct fl_conversation *items = w->talk->items;
    if (look == AT_STARTS)
        return fl_sort_starts(items, w->talk->n, &w->by_start);
    for (size_t i = 0; i < w->talk->n; i++) {
        if (i == 0 || !fl_conversation_same_kind(&items[i - 1], &items[i]))
            w->kind_first[w->n_kinds++] = (uint32_t)i;
        w->kind[i] = (uint32_t)w->n_kinds - 1;
    }
    w->kind_first[w->n_kinds] = (uint32_t)w->talk->n;
    return 0;
}

static uint32_t kind_size(const struct work *w, size_t kind)
{
    return w->kind_first[kind + 1] - w->kind_first[kind];
}

/* Is some conversation of a node (by start) present in `support` windows? */
static bool is_busy(const struct work *w, const uint32_t *conversations, size_t n)
{
    int64_t count = 0, covered = -1; /* last window counted */
    for (size_t i = 0; i < n && count < w->support; i++) {
        const struct fl_conversation *c = &w->talk->items[conversations[i]];
        int64_t first = fl_window_of(w->time, c->start_ms), last = fl_window_of(w->time, c->end_ms);
        if (first <= covered)
            first = covered + 1;
        if (last >= first) {
            count += last - first + 1;
            covered = last;
        }
    }
    return count >= w->support;
}

/* What is needed of a group of nodes. */
struct grouping {
    const struct work *w;
    enum group group;
    struct fl_intern nodes; /* their keys */
    uint32_t *node;         /* by kind */
    size_t *first;          /* by node: where its conversations begin */
    uint32_t *kinds;        /* by node: */
    size_t *first_kind;     /* where its kinds begin in it */
    uint32_t *made;         /* by host: zeros */
};

/* Does one host make nine tenths of the node? */
static bool one_host_in_disguise(struct grouping *g, size_t node)
{
    const struct fl_conversation *items = g->w->talk->items;
    uint64_t most = 0, n = g->first[node + 1] - g->first[node];
    for (int round = 0; round < 2; round++) /* the second to leave zeros */
        for (size_t i = g->first_kind[node]; i < g->first_kind[node + 1]; i++) {
            const struct fl_conversation *c = &items[g->w->kind_first[g->kinds[i]]];
            uint32_t *made = &g->made[g->group == ANY_CLIENT ? c->client : c->server];
            *made = round == 0 ? *made + kind_size(g->w, g->kinds[i]) : 0;
            most = *made > most ? *made : most;
        }
    return most * 10 >= n * 9;
}

/* The nodes that the kinds of conversation belong to, in order. */
static int group_kinds(struct grouping *g)
{
    const struct work *w = g->w;
    int rc = 0;
    for (size_t k = 0; k < w->n_kinds && rc == 0; k++) {
        g->node[k] = k ? g->node[k - 1] : 0;
        rc = fl_intern_number(&g->nodes, node_of(&w->talk->items[w->kind_first[k]], g->group), &g->node[k]);
    }
    uint32_t *rank = rc == 0 ? malloc((g->nodes.n + 1) * sizeof *rank) : NULL;
    if (rc == 0)
        rc = rank ? fl_intern_sort(&g->nodes, rank) : FL_ENOMEM;
    for (size_t k = 0; k < w->n_kinds && rc == 0; k++)
        g->node[k] = rank[g->node[k]];
    free(rank);
    return rc;
}

/* first[i + 2] holds how many there are at i: let first[i + 1] be where they begin. */
static void add_up(size_t *first, size_t n)
{
    for (size_t i = 1; i <= n; i++)
        first[i] += first[i - 1];
}

/* Put the kinds of each node together, and its conversations, by start; `first` have room for nodes + 2. */
static void lay_out(struct grouping *g, uint32_t *conversations)
{
    const struct work *w = g->w;
    for (size_t k = 0; k < w->n_kinds; k++) {
        g->first_kind[g->node[k] + 2]++;
        g->first[g->node[k] + 2] += kind_size(w, k);
    }
    add_up(g->first_kind, g->nodes.n + 1);
    add_up(g->first, g->nodes.n + 1);
    for (size_t k = 0; k < w->n_kinds; k++)
        g->kinds[g->first_kind[g->node[k] + 1]++] = (uint32_t)k;
    for (size_t i = 0; i < w->talk->n; i++) {
        uint32_t c = w->by_start[i].index;
        conversations[g->first[g->node[w->kind[c]] + 1]++] = c;
    }
}

/* The next node that is kept. */
static void keep(struct fl_nodes *out, struct fl_intern_key key, const uint32_t *conversations, size_t n)
{
    out->keys[out->n] = unpack(key);
    memmove(out->conversations + out->first[out->n], conversations, n * sizeof *conversations);
    out->first[out->n + 1] = out->first[out->n] + n;
    out->n++;
}

static int room_for(struct fl_nodes *out, size_t nodes)
{
    out->keys = malloc((nodes + 1) * sizeof *out->keys);
    out->first = calloc(nodes + 1, sizeof *out->first);
    return out->keys && out->first ? 0 : FL_ENOMEM;
}

/* Kinds are stretches of conversations already. */
static int make_concrete(struct work *w, struct fl_nodes *out)
{
    if (room_for(out, w->n_kinds) < 0)
        return FL_ENOMEM;
    for (size_t k = 0; k < w->n_kinds; k++) {
        uint32_t *own = out->conversations + w->kind_first[k];
        for (uint32_t i = 0; i < kind_size(w, k); i++)
            own[i] = w->kind_first[k] + i;
        if (is_busy(w, own, kind_size(w, k)))
            keep(out, node_of(&w->talk->items[w->kind_first[k]], CONCRETE), own, kind_size(w, k));
    }
    return 0;
}

static int make_wildcards(struct grouping *g, struct fl_nodes *out)
{
    size_t most = g->w->n_kinds + 2;
    g->node = malloc(most * sizeof *g->node);
    g->kinds = malloc(most * sizeof *g->kinds);
    g->first = calloc(most, sizeof *g->first);
    g->first_kind = calloc(most, sizeof *g->first_kind);
    g->made = calloc(g->w->talk->n_hosts + 1, sizeof *g->made);
    if (!g->node || !g->kinds || !g->first || !g->first_kind || !g->made)
        return FL_ENOMEM;
    int rc = group_kinds(g);
    if (rc == 0)
        rc = room_for(out, g->nodes.n);
    if (rc < 0)
        return rc;
    lay_out(g, out->conversations);
    for (size_t i = 0; i < g->nodes.n; i++) {
        const uint32_t *own = out->conversations + g->first[i];
        size_t n = g->first[i + 1] - g->first[i];
        if (is_busy(g->w, own, n) && !one_host_in_disguise(g, i))
            keep(out, g->nodes.keys[i], own, n);
    }
    return 0;
}

static int make_group(void *ctx, uint32_t group)
{
    struct work *w = ctx;
    struct grouping g = {.w = w, .group = (enum group)group};
    if (group == CONCRETE)
        return make_concrete(w, &w->groups[group]);
    int rc = make_wildcards(&g, &w->groups[group]);
    fl_intern_clear(&g.nodes);
    free(g.node);
    free(g.kinds);
    free(g.first);
    free(g.first_kind);
    free(g.made);
    return rc;
}

/* One group behind the other; their conversations are in out->conversations already, with gaps. */
static int string_together(struct fl_nodes *out, const struct fl_nodes groups[N_GROUPS])
{
    if (room_for(out, groups[CONCRETE].n + groups[ANY_CLIENT].n + groups[ANY_SERVER].n) < 0)
        return FL_ENOMEM;
    for (int group = 0; group < N_GROUPS; group++) {
        const struct fl_nodes *g = &groups[group];
        size_t before = out->first[out->n];
        memcpy(out->keys + out->n, g->keys, g->n * sizeof *out->keys);
        memmove(out->conversations + before, g->conversations, g->first[g->n] * sizeof *out->conversations);
        for (size_t i = 1; i <= g->n; i++)
            out->first[out->n + i] = before + g->first[i];
        out->n += g->n;
    }
    uint32_t *trimmed = realloc(out->conversations, (out->first[out->n] + 1) * sizeof *out->conversations);
    out->conversations = trimmed ? trimmed : out->conversations;
    return 0;
}

static void work_clear(struct work *w)
{
    free(w->kind);
    free(w->kind_first);
    free(w->by_start);
    for (int group = 0; group < N_GROUPS; group++) {
        free(w->groups[group].keys);
        free(w->groups[group].first);
    }
}

int fl_nodes_build_on(struct fl_nodes *out, const struct fl_talk *talk, const struct fl_timeline *time,
                      uint32_t support, uint32_t threads)
{
    struct work w = {.talk = talk,
                     .time = time,
                     .support = support,
                     .kind = malloc((talk->n + 1) * sizeof *w.kind),
                     .kind_first = malloc((talk->n + 1) * sizeof *w.kind_first)};
    *out = (struct fl_nodes){.conversations = malloc((N_GROUPS * talk->n + 1) * sizeof *out->conversations)};
    int rc = w.kind && w.kind_first && out->conversations ? 0 : FL_ENOMEM;
    for (int group = 0; group < N_GROUPS && rc == 0; group++)
        w.groups[group].conversations = out->conversations + (size_t)group * talk->n;
    if (rc == 0)
        rc = fl_parallel_in_turn(threads, N_LOOKS, look_at_conversations, &w);
    if (rc == 0)
        rc = fl_parallel_in_turn(threads, N_GROUPS, make_group, &w);
    if (rc == 0)
        rc = string_together(out, w.groups);
    work_clear(&w);
    if (rc < 0)
        fl_nodes_clear(out);
    return rc;
}

int fl_nodes_build(struct fl_nodes *out, const struct fl_talk *talk, const struct fl_timeline *time,
                   uint32_t support)
{
    return fl_nodes_build_on(out, talk, time, support, 1);
}

void fl_nodes_clear(struct fl_nodes *nodes)
{
    free(nodes->keys);
    free(nodes->first);
    free(nodes->conversations);
    *nodes = (struct fl_nodes){0};
}
