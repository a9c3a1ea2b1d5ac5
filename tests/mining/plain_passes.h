/* The passes of mining in their plain form, structs compared field by field and every grouping a sort: what
 * the fast ones must give, bit for bit. */
#ifndef FL_TESTS_MINING_PLAIN_PASSES_H
#define FL_TESTS_MINING_PLAIN_PASSES_H

#include "mining/nodes.h"
#include "mining/talk.h"
#include "tests/mining/plain_stitch.h"

/* ---- conversations ---- */

static bool registered(const struct fl_services *s, uint8_t protocol, uint16_t port)
{
    const uint8_t *set = protocol == FL_PROTO_UDP ? s->udp : s->tcp;
    return has_ports(protocol) && (set[port / 8] >> (port % 8) & 1);
}

static int compare_addresses(const void *a, const void *b)
{
    return fl_addr_cmp(a, b);
}

static void number_hosts(struct fl_talk *t, const struct plain_flow *flows, size_t n)
{
    t->hosts = plain_array(2 * n, sizeof *t->hosts);
    for (size_t i = 0; i < n; i++) {
        t->hosts[2 * i] = flows[i].src;
        t->hosts[2 * i + 1] = flows[i].dst;
    }
    qsort(t->hosts, 2 * n, sizeof *t->hosts, compare_addresses);
    for (size_t i = 0; i < 2 * n; i++)
        if (i == 0 || fl_addr_cmp(&t->hosts[t->n_hosts - 1], &t->hosts[i]) != 0)
            t->hosts[t->n_hosts++] = t->hosts[i];
}

static uint32_t host_number(const struct fl_talk *t, const struct fl_addr *a)
{
    const struct fl_addr *found = bsearch(a, t->hosts, t->n_hosts, sizeof *t->hosts, compare_addresses);
    return (uint32_t)(found - t->hosts);
}

struct half { /* a one-way flow under its conversation's key */
    uint32_t a, b;
    uint16_t a_port, b_port;
    uint8_t protocol;
    uint8_t direction; /* 0: a to b */
    uint16_t tcp_flags;
    int64_t start_ms, end_ms;
};

/* The request type that an ICMP reply type answers, or -1. */
static int icmp_request(uint8_t protocol, unsigned type)
{
    if (protocol == FL_PROTO_ICMP6)
        return type == 129 ? 128 : -1;
    return type == 0 ? 8 : type == 14 ? 13 : -1;
}

static void key_icmp(struct half *h, uint32_t src, uint32_t dst, uint16_t type_code)
{
    int request = icmp_request(h->protocol, type_code >> 8);
    h->direction = request >= 0;
    h->a = h->direction ? dst : src;
    h->b = h->direction ? src : dst;
    h->a_port = 0;
    h->b_port = request >= 0 ? (uint16_t)(request << 8 | (type_code & 0xff)) : type_code;
}

static struct half half_of(const struct fl_talk *t, const struct plain_flow *f)
{
    uint32_t src = host_number(t, &f->src), dst = host_number(t, &f->dst);
    struct half h = {
        .protocol = f->protocol, .tcp_flags = f->tcp_flags, .start_ms = f->start_ms, .end_ms = f->end_ms};
    if (is_icmp(f->protocol)) {
        key_icmp(&h, src, dst, f->dst_port);
        return h;
    }
    uint16_t src_port = has_ports(f->protocol) ? f->src_port : 0,
             dst_port = has_ports(f->protocol) ? f->dst_port : 0;
    h.direction = src > dst || (src == dst && src_port > dst_port);
    h.a = h.direction ? dst : src;
    h.b = h.direction ? src : dst;
    h.a_port = h.direction ? dst_port : src_port;
    h.b_port = h.direction ? src_port : dst_port;
    return h;
}

static int compare_halves_keys(const struct half *x, const struct half *y)
{
    FL_ORDER(x->a, y->a);
    FL_ORDER(x->b, y->b);
    FL_ORDER(x->protocol, y->protocol);
    FL_ORDER(x->a_port, y->a_port);
    FL_ORDER(x->b_port, y->b_port);
    return 0;
}

static int compare_halves(const void *vx, const void *vy)
{
    const struct half *x = vx, *y = vy;
    int c = compare_halves_keys(x, y);
    if (c != 0)
        return c;
    FL_ORDER(x->start_ms, y->start_ms);
    FL_ORDER(x->direction, y->direction);
    FL_ORDER(x->end_ms, y->end_ms);
    FL_ORDER(x->tcp_flags, y->tcp_flags);
    return 0;
}

enum { FROM_A = 0, FROM_B = 1, UNKNOWN = 2 };

struct joined { /* a conversation before its roles are known; a, b, ports and protocol as in its halves */
    struct half key;
    int64_t start_ms, end_ms;
    uint8_t initiator; /* FROM_A, FROM_B, UNKNOWN */
    bool by_flags;
};

static bool asks_only(uint8_t protocol, uint16_t flags)
{
    return protocol == FL_PROTO_TCP && (flags & FL_TCP_SYN) && !(flags & FL_TCP_ACK);
}

/* Who spoke first: the side that sent a SYN and never an ACK, else the side whose first packet is earlier. */
static uint8_t initiator_of(const struct half *first, const int64_t first_ms[2], const uint16_t flags[2])
{
    if (is_icmp(first->protocol))
        return FROM_A;
    bool a_asks = first_ms[0] != INT64_MAX && asks_only(first->protocol, flags[0]);
    bool b_asks = first_ms[1] != INT64_MAX && asks_only(first->protocol, flags[1]);
    if (a_asks != b_asks)
        return a_asks ? FROM_A : FROM_B;
    if (first_ms[0] == first_ms[1])
        return UNKNOWN;
    return first_ms[0] < first_ms[1] ? FROM_A : FROM_B;
}

/* Joins halves[0..n) that start at `from` into one conversation; returns the index behind its last half. */
static size_t join_one(const struct half *halves, size_t from, size_t n, struct joined *out)
{
    const struct half *first = &halves[from];
    int64_t first_ms[2] = {INT64_MAX, INT64_MAX}, last_ms[2] = {INT64_MIN, INT64_MIN};
    uint16_t flags[2] = {0, 0};
    size_t i = from;
    for (; i < n; i++) {
        const struct half *h = &halves[i];
        unsigned mine = h->direction, other = !mine;
        if (i > from) {
            if (compare_halves_keys(first, h) != 0 || last_ms[other] == INT64_MIN)
                break;
            int64_t slack_ms = last_ms[mine] == INT64_MIN ? 1000 : 0;
            if (h->start_ms - last_ms[other] > slack_ms)
                break;
        }
        if (h->start_ms < first_ms[mine])
            first_ms[mine] = h->start_ms;
        if (h->end_ms > last_ms[mine])
            last_ms[mine] = h->end_ms;
        flags[mine] |= h->tcp_flags;
    }
    out->key = *first;
    out->start_ms = first->start_ms;
    out->end_ms = last_ms[0] > last_ms[1] ? last_ms[0] : last_ms[1];
    out->initiator = initiator_of(first, first_ms, flags);
    out->by_flags =
        !is_icmp(first->protocol) && asks_only(first->protocol, first_ms[0] < INT64_MAX ? flags[0] : 0) !=
                                         asks_only(first->protocol, first_ms[1] < INT64_MAX ? flags[1] : 0);
    return i;
}

static size_t join_all(struct half *halves, size_t n, struct joined *out)
{
    size_t count = 0;
    qsort(halves, n, sizeof *halves, compare_halves);
    for (size_t i = 0; i < n;)
        i = join_one(halves, i, n, &out[count++]);
    return count;
}

struct use { /* a peer endpoint addressed an endpoint */
    uint32_t host, peer;
    uint16_t port, peer_port;
    uint8_t protocol;
};

static int compare_used(const struct use *x, const struct use *y)
{
    FL_ORDER(x->host, y->host);
    FL_ORDER(x->protocol, y->protocol);
    FL_ORDER(x->port, y->port);
    return 0;
}

static int compare_uses(const void *vx, const void *vy)
{
    const struct use *x = vx, *y = vy;
    int c = compare_used(x, y);
    if (c != 0)
        return c;
    FL_ORDER(x->peer, y->peer);
    FL_ORDER(x->peer_port, y->peer_port);
    return 0;
}

static size_t collect_uses(const struct joined *joined, size_t n, struct use *uses)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct half *k = &joined[i].key;
        if (!has_ports(k->protocol))
            continue;
        if (joined[i].initiator != FROM_B)
            uses[count++] = (struct use){k->b, k->a, k->b_port, k->a_port, k->protocol};
        if (joined[i].initiator != FROM_A)
            uses[count++] = (struct use){k->a, k->b, k->a_port, k->b_port, k->protocol};
    }
    return count;
}

/* How many distinct peer endpoints addressed an endpoint; `uses` in order. */
static size_t peers_of(const struct use *uses, size_t n, uint32_t host, uint8_t protocol, uint16_t port)
{
    struct use key = {.host = host, .port = port, .protocol = protocol};
    size_t peers = 0;
    for (size_t i = 0; i < n; i++)
        peers += compare_used(&uses[i], &key) == 0 && (i == 0 || compare_uses(&uses[i - 1], &uses[i]) != 0);
    return peers;
}

struct roles {
    bool a_is_client, client_port, server_port; /* the ports: kept concrete */
};

struct plain_known {
    const struct joined *all;
    size_t n;
    const struct use *uses;
    size_t n_uses;
    const struct fl_services *services;
    uint32_t service_peers;
};

static void count_votes(const struct joined *group, size_t n, size_t votes[3])
{
    votes[FROM_A] = votes[FROM_B] = votes[UNKNOWN] = 0;
    for (size_t i = 0; i < n; i++)
        votes[group[i].initiator]++;
}

static bool a_speaks_first(const struct joined *group, size_t n)
{
    size_t votes[3];
    count_votes(group, n, votes);
    return votes[FROM_A] >= votes[FROM_B];
}

static size_t peers_at(const struct half *k, bool at_b, const struct plain_known *known)
{
    return peers_of(known->uses, known->n_uses, at_b ? k->b : k->a, k->protocol,
                    at_b ? k->b_port : k->a_port);
}

static bool serves(const struct half *k, bool at_b, const struct plain_known *known)
{
    return peers_at(k, at_b, known) >= known->service_peers ||
           registered(known->services, k->protocol, at_b ? k->b_port : k->a_port);
}

/* Who opens what is between the hosts of `k`, from everything that there is. */
static bool a_opens(const struct half *k, const struct plain_known *known)
{
    size_t sure[2] = {0, 0}, votes[2] = {0, 0};
    for (size_t i = 0; i < known->n; i++) {
        const struct joined *j = &known->all[i];
        if (j->key.a != k->a || j->key.b != k->b || j->key.protocol != k->protocol)
            continue;
        bool a_serves = serves(&j->key, false, known), b_serves = serves(&j->key, true, known);
        if (a_serves != b_serves)
            sure[a_serves]++;
        else if (j->by_flags)
            sure[j->initiator == FROM_B]++;
        votes[0] += j->initiator == FROM_A;
        votes[1] += j->initiator == FROM_B;
    }
    return sure[0] != sure[1] ? sure[0] > sure[1] : votes[0] >= votes[1];
}

/* Roles for the n conversations between two endpoints. */
static struct roles roles_of(const struct joined *group, size_t n, const struct plain_known *known)
{
    const struct half *k = &group[0].key;
    if (is_icmp(k->protocol))
        return (struct roles){true, false, true};
    if (!has_ports(k->protocol))
        return (struct roles){a_speaks_first(group, n), false, false};
    bool a_serves = serves(k, false, known), b_serves = serves(k, true, known);
    if (a_serves != b_serves)
        return (struct roles){b_serves, false, true};
    if (!a_serves)
        return (struct roles){group->by_flags ? a_speaks_first(group, n) : a_opens(k, known), false, false};
    size_t votes[3], a_peers = peers_at(k, false, known), b_peers = peers_at(k, true, known);
    count_votes(group, n, votes);
    size_t told = votes[FROM_A] + votes[FROM_B];
    bool clear = n >= 3 && (votes[FROM_A] * 10 >= told * 8 || votes[FROM_B] * 10 >= told * 8);
    bool a_is_client = clear || a_peers == b_peers ? votes[FROM_A] >= votes[FROM_B] : a_peers < b_peers;
    return (struct roles){a_is_client, n >= 3, true};
}

static struct fl_conversation conversation_of(const struct joined *j, struct roles r)
{
    const struct half *k = &j->key;
    uint32_t client_port = r.a_is_client ? k->a_port : k->b_port,
             server_port = r.a_is_client ? k->b_port : k->a_port;
    return (struct fl_conversation){.client = r.a_is_client ? k->a : k->b,
                                    .server = r.a_is_client ? k->b : k->a,
                                    .client_port = r.client_port ? client_port : FL_PORT_ANY,
                                    .server_port = r.server_port ? server_port : FL_PORT_ANY,
                                    .start_ms = j->start_ms,
                                    .end_ms = j->end_ms,
                                    .protocol = k->protocol};
}

static int compare_conversations(const void *vx, const void *vy)
{
    const struct fl_conversation *x = vx, *y = vy;
    FL_ORDER(x->client, y->client);
    FL_ORDER(x->server, y->server);
    FL_ORDER(x->protocol, y->protocol);
    FL_ORDER(x->client_port, y->client_port);
    FL_ORDER(x->server_port, y->server_port);
    FL_ORDER(x->start_ms, y->start_ms);
    FL_ORDER(x->end_ms, y->end_ms);
    return 0;
}

static void assign_roles(struct fl_talk *t, const struct joined *joined, size_t n,
                         const struct plain_known *known)
{
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && compare_halves_keys(&joined[from].key, &joined[to].key) == 0;)
            to++;
        if (joined[from].key.a == joined[from].key.b)
            continue;
        struct roles r = roles_of(joined + from, to - from, known);
        for (size_t i = from; i < to; i++)
            t->items[t->n++] = conversation_of(&joined[i], r);
    }
    qsort(t->items, t->n, sizeof *t->items, compare_conversations);
}

static inline struct fl_talk plain_talk(const struct plain_flow *flows, size_t n,
                                        const struct fl_services *services, uint32_t service_peers)
{
    struct fl_talk t = {0};
    struct half *halves = plain_array(n, sizeof *halves);
    struct joined *joined = plain_array(n, sizeof *joined);
    struct use *uses = plain_array(2 * n, sizeof *uses);
    number_hosts(&t, flows, n);
    for (size_t i = 0; i < n; i++)
        halves[i] = half_of(&t, &flows[i]);
    size_t count = join_all(halves, n, joined), n_uses = collect_uses(joined, count, uses);
    qsort(uses, n_uses, sizeof *uses, compare_uses);
    t.items = plain_array(count, sizeof *t.items);
    struct plain_known known = {joined, count, uses, n_uses, services, service_peers};
    assign_roles(&t, joined, count, &known);
    free(halves);
    free(joined);
    free(uses);
    return t;
}

/* ---- nodes ---- */

struct member { /* a conversation under one of its three nodes */
    struct fl_node_key key;
    uint32_t conversation;
    int64_t start_ms;
};

static int compare_node_keys(const struct fl_node_key *x, const struct fl_node_key *y)
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
    int c = compare_node_keys(&x->key, &y->key);
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
        for (to = from + 1; to < talk->n && compare_node_keys(&members[from].key, &members[to].key) == 0;)
            to++;
        if (windows_present(members + from, to - from, talk, time) < support)
            continue;
        if (kind != CONCRETE && one_host_in_disguise(members + from, to - from, talk, kind, scratch))
            continue;
        add_node(out, members + from, to - from);
    }
}

static inline struct fl_nodes plain_nodes(const struct fl_talk *talk, const struct fl_timeline *time,
                                          uint32_t support)
{
    size_t most = 3 * talk->n + 1;
    struct member *members = plain_array(talk->n, sizeof *members);
    uint32_t *scratch = plain_array(talk->n, sizeof *scratch);
    struct fl_nodes out = {.keys = plain_array(most, sizeof *out.keys),
                           .first = plain_array(most, sizeof *out.first),
                           .conversations = plain_array(most, sizeof *out.conversations)};
    for (int kind = CONCRETE; kind <= ANY_SERVER; kind++)
        add_kind(&out, talk, time, support, (enum kind)kind, members, scratch);
    free(members);
    free(scratch);
    return out;
}

#endif
