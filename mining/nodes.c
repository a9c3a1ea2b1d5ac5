/* Flow nodes: groups conversations under their concrete, any-client and any-server node and keeps the busy
 * ones. */
#include "mining/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
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

struct member { /* a conversation under one of its three nodes */
    struct fl_node_key key;
    uint32_t conversation;
    int64_t start_ms;
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

static int compare_members(const void *vx, const void *vy)
{
    const struct member *x = vx, *y = vy;
    int c = compare_keys(&x->key, &y->key);
    if (c != 0)
        return c;
    FL_ORDER(x->start_ms, y->start_ms);
    FL_ORDER(x->conversation, y->conversation);
    return 0;
}

enum kind { CONCRETE, ANY_CLIENT, ANY_SERVER };

static struct fl_node_key key_of(const struct fl_conversation *c, enum kind kind)
{
    struct fl_node_key key = {c->client, c->server, c->client_port, c->server_port, c->protocol};
    if (kind == ANY_CLIENT) {
        key.client = FL_HOST_ANY;
        key.client_port = FL_PORT_ANY;
    } else if (kind == ANY_SERVER) {
        key.server = FL_HOST_ANY;
    }
    return key;
}

/* In how many windows some conversation of the group (ordered by start) is present. */
static uint64_t windows_present(const struct member *group, size_t n, const struct fl_talk *talk,
                                const struct fl_timeline *time)
{
    uint64_t count = 0;
    int64_t covered = -1; /* last window counted */
    for (size_t i = 0; i < n; i++) {
        const struct fl_conversation *c = &talk->items[group[i].conversation];
        int64_t first = fl_window_of(time, c->start_ms), last = fl_window_of(time, c->end_ms);
        if (first <= covered)
            first = covered + 1;
        if (last >= first) {
            count += (uint64_t)(last - first + 1);
            covered = last;
        }
    }
    return count;
}

static int compare_numbers(const void *va, const void *vb)
{
    FL_ORDER(*(const uint32_t *)va, *(const uint32_t *)vb);
    return 0;
}

/* Does one host make nine tenths of the group? `scratch` holds at least n numbers. */
static bool one_host_in_disguise(const struct member *group, size_t n, const struct fl_talk *talk,
                                 enum kind kind, uint32_t *scratch)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const struct fl_conversation *c = &talk->items[group[i].conversation];
        scratch[i] = kind == ANY_CLIENT ? c->client : c->server;
    }
    qsort(scratch, n, sizeof *scratch, compare_numbers);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && scratch[to] == scratch[from];)
            to++;
        if (to - from > most)
            most = to - from;
    }
    return most * 10 >= n * 9;
}

static void add_node(struct fl_nodes *out, const struct member *group, size_t n)
{
    out->keys[out->n] = group[0].key;
    for (size_t i = 0; i < n; i++)
        out->conversations[out->first[out->n] + i] = group[i].conversation;
    out->first[out->n + 1] = out->first[out->n] + n;
    out->n++;
}

static void add_kind(struct fl_nodes *out, const struct fl_talk *talk, const struct fl_timeline *time,
                     uint32_t support, enum kind kind, struct member *members, uint32_t *scratch)
{
    for (size_t i = 0; i < talk->n; i++)
        members[i] = (struct member){key_of(&talk->items[i], kind), (uint32_t)i, talk->items[i].start_ms};
    qsort(members, talk->n, sizeof *members, compare_members);
    for (size_t from = 0, to; from < talk->n; from = to) {
        for (to = from + 1; to < talk->n && compare_keys(&members[from].key, &members[to].key) == 0;)
            to++;
        if (windows_present(members + from, to - from, talk, time) < support)
            continue;
        if (kind != CONCRETE && one_host_in_disguise(members + from, to - from, talk, kind, scratch))
            continue;
        add_node(out, members + from, to - from);
    }
}

int fl_nodes_build(struct fl_nodes *out, const struct fl_talk *talk, const struct fl_timeline *time,
                   uint32_t support)
{
    size_t most = 3 * talk->n + 1;
    struct member *members = malloc((talk->n + 1) * sizeof *members);
    uint32_t *scratch = malloc((talk->n + 1) * sizeof *scratch);
    *out = (struct fl_nodes){.keys = malloc(most * sizeof *out->keys),
                             .first = malloc((most + 1) * sizeof *out->first),
                             .conversations = malloc(most * sizeof *out->conversations)};
    int rc = members && scratch && out->keys && out->first && out->conversations ? 0 : FL_ENOMEM;
    if (rc == 0) {
        out->first[0] = 0;
        for (int kind = CONCRETE; kind <= ANY_SERVER; kind++)
            add_kind(out, talk, time, support, (enum kind)kind, members, scratch);
    } else {
        fl_nodes_clear(out);
    }
    free(members);
    free(scratch);
    return rc;
}

void fl_nodes_clear(struct fl_nodes *nodes)
{
    free(nodes->keys);
    free(nodes->first);
    free(nodes->conversations);
    *nodes = (struct fl_nodes){0};
}
