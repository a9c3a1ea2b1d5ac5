/* Flow nodes: groups conversations under their concrete, any-client and any-server node and keeps the busy
 * ones. */
#include "mining/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "mining/parallel.h"
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

/* The node of a group that a kind of conversation (talk.h) belongs to, packed as kinds are. */
static struct fl_intern_key node_of(struct fl_intern_key kind, enum group group)
{
    const uint64_t any_client = (uint64_t)FL_HOST_ANY << 32, any_port = (uint64_t)FL_PORT_ANY << 17;
    if (group == ANY_CLIENT)
        return (struct fl_intern_key){any_client | (uint32_t)kind.high,
                                      (kind.low & ~((uint64_t)0x1ffff << 17)) | any_port};
    if (group == ANY_SERVER)
        kind.high |= FL_HOST_ANY;
    return kind;
}

static struct fl_node_key unpack(struct fl_intern_key packed)
{
    return (struct fl_node_key){.client = (uint32_t)(packed.high >> 32),
                                .server = (uint32_t)packed.high,
                                .client_port = packed.low >> 17 & 0x1ffff,
                                .server_port = packed.low & 0x1ffff,
                                .protocol = (uint8_t)(packed.low >> 34)};
}

struct touched { /* windows */
    uint32_t first, last;
};

/* What is needed while nodes are made. */
struct work {
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    uint32_t support;
    struct fl_intern kinds;     /* keys of the concrete nodes */
    uint32_t *kind;             /* by conversation */
    struct fl_entries by_start; /* conversations */
    struct touched *touched;    /* by conversation */
    struct fl_nodes groups[N_GROUPS];
};

enum look { AT_KINDS, AT_TIMES, N_LOOKS };

/* What all groups need to know of the conversations. */
static int look_at_conversations(void *ctx, uint32_t look)
{
    struct work *w = ctx;
    const struct fl_conversation *items = w->talk->items;
    if (look == AT_KINDS)
        return fl_conversation_kinds(items, w->talk->n, &w->kinds, w->kind);
    for (size_t i = 0; i < w->talk->n; i++)
        w->touched[i] = (struct touched){fl_window_of(w->time, items[i].start_ms),
                                         fl_window_of(w->time, items[i].end_ms)};
    return fl_conversation_starts(items, w->talk->n, &w->by_start);
}

static void work_clear(struct work *w)
{
    fl_intern_clear(&w->kinds);
    fl_entries_clear(&w->by_start);
    free(w->kind);
    free(w->touched);
    for (int group = 0; group < N_GROUPS; group++)
        fl_nodes_clear(&w->groups[group]);
}

/* In how many windows some conversation of the node (by start) is present. */
static uint64_t windows_present(const struct work *w, const uint32_t *conversations, size_t n)
{
    uint64_t count = 0;
    int64_t covered = -1; /* last window counted */
    for (size_t i = 0; i < n; i++) {
        int64_t first = w->touched[conversations[i]].first, last = w->touched[conversations[i]].last;
        if (first <= covered)
            first = covered + 1;
        if (last >= first) {
            count += (uint64_t)(last - first + 1);
            covered = last;
        }
    }
    return count;
}

/* The host that a wildcard of the group stands for in a conversation. */
static uint32_t meant_host(const struct work *w, uint32_t conversation, enum group group)
{
    uint64_t hosts = w->kinds.keys[w->kind[conversation]].high;
    return (uint32_t)(group == ANY_CLIENT ? hosts >> 32 : hosts);
}

/* Does one host make nine tenths of the node? `made` is by host, zeros before and after. */
static bool one_host_in_disguise(const struct work *w, const uint32_t *conversations, size_t n,
                                 enum group group, uint32_t *made)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t so_many = ++made[meant_host(w, conversations[i], group)];
        most = so_many > most ? so_many : most;
    }
    for (size_t i = 0; i < n; i++)
        made[meant_host(w, conversations[i], group)] = 0;
    return (uint64_t)most * 10 >= (uint64_t)n * 9;
}

/* The nodes that the kinds of conversation belong to: `nodes` their keys, node[k] that of kind k. */
static int group_kinds(const struct fl_intern *kinds, enum group group, struct fl_intern *nodes,
                       uint32_t *node)
{
    int rc = 0;
    for (size_t k = 0; k < kinds->n && rc == 0; k++) {
        node[k] = k ? node[k - 1] : 0;
        rc = fl_intern_number(nodes, node_of(kinds->keys[k], group), &node[k]);
    }
    uint32_t *rank = rc == 0 ? malloc((nodes->n + 1) * sizeof *rank) : NULL;
    if (rc == 0)
        rc = rank ? fl_intern_sort(nodes, rank) : FL_ENOMEM;
    for (size_t k = 0; k < kinds->n && rc == 0; k++)
        node[k] = rank[node[k]];
    free(rank);
    return rc;
}

/* Put the conversations of each node together, by start within it; first[i] is where node i's begin. */
static void lay_out(const struct work *w, const uint32_t *node, size_t n_nodes, size_t *first,
                    uint32_t *conversations)
{
    memset(first, 0, (n_nodes + 1) * sizeof *first);
    for (size_t i = 0; i < w->talk->n; i++)
        first[node[w->kind[i]] + 1]++;
    for (size_t i = 0; i < n_nodes; i++)
        first[i + 1] += first[i];
    for (size_t i = 0; i < w->talk->n; i++) {
        uint32_t c = w->by_start.items[i].value;
        conversations[first[node[w->kind[c]]]++] = c;
    }
    for (size_t i = n_nodes; i > 0; i--)
        first[i] = first[i - 1];
    first[0] = 0;
}

/* Keep the busy ones of a group's nodes, whose conversations are laid out in out->conversations. */
static void keep_busy(struct fl_nodes *out, const struct work *w, const struct fl_intern *nodes,
                      const size_t *first, enum group group, uint32_t *made)
{
    for (size_t i = 0; i < nodes->n; i++) {
        const uint32_t *own = out->conversations + first[i];
        size_t n = first[i + 1] - first[i];
        if (windows_present(w, own, n) < w->support)
            continue;
        if (group != CONCRETE && one_host_in_disguise(w, own, n, group, made))
            continue;
        out->keys[out->n] = unpack(nodes->keys[i]);
        memmove(out->conversations + out->first[out->n], own, n * sizeof *own);
        out->first[out->n + 1] = out->first[out->n] + n;
        out->n++;
    }
}

static int room_for(struct fl_nodes *out, size_t nodes, size_t conversations)
{
    *out = (struct fl_nodes){.keys = malloc((nodes + 1) * sizeof *out->keys),
                             .first = calloc(nodes + 1, sizeof *out->first),
                             .conversations = malloc((conversations + 1) * sizeof *out->conversations)};
    return out->keys && out->first && out->conversations ? 0 : FL_ENOMEM;
}

static int make_group(void *ctx, uint32_t group)
{
    struct work *w = ctx;
    struct fl_nodes *out = &w->groups[group];
    struct fl_intern nodes = {0};
    uint32_t *node = malloc((w->kinds.n + 1) * sizeof *node);
    uint32_t *made = calloc(w->talk->n_hosts + 1, sizeof *made);
    size_t *first = malloc((w->kinds.n + 1) * sizeof *first);
    int rc = node && made && first ? group_kinds(&w->kinds, (enum group)group, &nodes, node) : FL_ENOMEM;
    if (rc == 0)
        rc = room_for(out, nodes.n, w->talk->n);
    if (rc == 0) {
        lay_out(w, node, nodes.n, first, out->conversations);
        keep_busy(out, w, &nodes, first, (enum group)group, made);
    }
    fl_intern_clear(&nodes);
    free(node);
    free(made);
    free(first);
    return rc;
}

/* One group behind the other. */
static int string_together(struct fl_nodes *out, const struct fl_nodes groups[N_GROUPS])
{
    size_t nodes = 0, conversations = 0;
    for (int g = 0; g < N_GROUPS; g++) {
        nodes += groups[g].n;
        conversations += groups[g].first[groups[g].n];
    }
    if (room_for(out, nodes, conversations) < 0)
        return FL_ENOMEM;
    for (int g = 0; g < N_GROUPS; g++) {
        size_t before = out->first[out->n];
        memcpy(out->keys + out->n, groups[g].keys, groups[g].n * sizeof *out->keys);
        memcpy(out->conversations + before, groups[g].conversations,
               groups[g].first[groups[g].n] * sizeof *out->conversations);
        for (size_t i = 1; i <= groups[g].n; i++)
            out->first[out->n + i] = before + groups[g].first[i];
        out->n += groups[g].n;
    }
    return 0;
}

int fl_nodes_build_on(struct fl_nodes *out, const struct fl_talk *talk, const struct fl_timeline *time,
                      uint32_t support, uint32_t threads)
{
    struct work w = {.talk = talk,
                     .time = time,
                     .support = support,
                     .kind = malloc((talk->n + 1) * sizeof *w.kind),
                     .touched = malloc((talk->n + 1) * sizeof *w.touched)};
    *out = (struct fl_nodes){0};
    int rc = w.kind && w.touched ? 0 : FL_ENOMEM;
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
