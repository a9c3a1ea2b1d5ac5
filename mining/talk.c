/* Conversations: joins the two directions of each talk, learns which ports are services, and says who the
 * client is.
 *
 * 1. Number the hosts in address order.
 * 2. Give every one-way flow the key of its conversation: its two endpoints in ascending order (ICMP: the
 * asking host first; an echo reply counts as the other direction of its request) and a direction.
 * 3. Sort by key and start; a flow that overlaps the other direction so far, or follows the other direction's
 * last packet within a second, is the same conversation.
 * 4. An endpoint is a service when enough distinct peer endpoints addressed it first, or its port is
 * registered.
 * 5. All conversations between two endpoints have one client: the side without a service port; with two, both
 * ports stay when they keep recurring (123:123), else the side with fewer peers is the client; with none, the
 * side that speaks first in most of them.
 *
 * Example: 10.0.0.5:40001 -> 10.0.0.53:53 at 0 ms and back at 20 ms is one conversation 10.0.0.5.*
 * : 10.0.0.53.53. */
#include "mining/talk.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "storage/error.h"

static const int64_t answer_within_ms =
    1000;            /* the first answer comes at most this long after the last request */
enum { recurs = 3 }; /* so many conversations between two ports keep both concrete */

void fl_services_system_ports(struct fl_services *s)
{
    memset(s, 0, sizeof *s);
    memset(s->tcp, 0xff, 1024 / 8);
    memset(s->udp, 0xff, 1024 / 8);
}

void fl_services_load(struct fl_services *s)
{
    fl_services_system_ports(s);
    setservent(1);
    for (const struct servent *e; (e = getservent()) != NULL;) {
        uint16_t port = ntohs((uint16_t)e->s_port);
        uint8_t *set = strcmp(e->s_proto, "tcp") == 0   ? s->tcp
                       : strcmp(e->s_proto, "udp") == 0 ? s->udp
                                                        : NULL;
        if (set)
            set[port / 8] |= (uint8_t)(1u << (port % 8));
    }
    endservent();
}

static bool has_ports(uint8_t protocol)
{
    return protocol == FL_PROTO_TCP || protocol == FL_PROTO_UDP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_DCCP;
}

static bool is_icmp(uint8_t protocol)
{
    return protocol == FL_PROTO_ICMP || protocol == FL_PROTO_ICMP6;
}

static bool registered(const struct fl_services *s, uint8_t protocol, uint16_t port)
{
    const uint8_t *set = protocol == FL_PROTO_UDP ? s->udp : s->tcp;
    return has_ports(protocol) && (set[port / 8] >> (port % 8) & 1);
}

/* ---- 1. hosts ---- */

static int compare_addresses(const void *a, const void *b)
{
    return fl_addr_cmp(a, b);
}

static int number_hosts(struct fl_talk *t, const struct fl_uniflow *flows, size_t n)
{
    if (n > UINT32_MAX / 2 - 2)
        return FL_ELIMIT;
    t->hosts = malloc((2 * n + 1) * sizeof *t->hosts);
    if (!t->hosts)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        t->hosts[2 * i] = flows[i].src;
        t->hosts[2 * i + 1] = flows[i].dst;
    }
    qsort(t->hosts, 2 * n, sizeof *t->hosts, compare_addresses);
    for (size_t i = 0; i < 2 * n; i++)
        if (i == 0 || fl_addr_cmp(&t->hosts[t->n_hosts - 1], &t->hosts[i]) != 0)
            t->hosts[t->n_hosts++] = t->hosts[i];
    return 0;
}

static uint32_t host_number(const struct fl_talk *t, const struct fl_addr *a)
{
    const struct fl_addr *found = bsearch(a, t->hosts, t->n_hosts, sizeof *t->hosts, compare_addresses);
    return (uint32_t)(found - t->hosts);
}

/* ---- 2. keys ---- */

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

static struct half half_of(const struct fl_talk *t, const struct fl_uniflow *f)
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

static int compare_keys(const struct half *x, const struct half *y)
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
    int c = compare_keys(x, y);
    if (c != 0)
        return c;
    FL_ORDER(x->start_ms, y->start_ms);
    FL_ORDER(x->direction, y->direction);
    FL_ORDER(x->end_ms, y->end_ms);
    FL_ORDER(x->tcp_flags, y->tcp_flags);
    return 0;
}

/* ---- 3. joining ---- */

enum { FROM_A = 0, FROM_B = 1, UNKNOWN = 2 };

struct joined { /* a conversation before its roles are known; a, b, ports and protocol as in its halves */
    struct half key;
    int64_t start_ms, end_ms;
    uint8_t initiator; /* FROM_A, FROM_B, UNKNOWN */
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
            if (compare_keys(first, h) != 0 || last_ms[other] == INT64_MIN)
                break;
            int64_t slack_ms = last_ms[mine] == INT64_MIN ? answer_within_ms : 0;
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

/* ---- 4. service ports ---- */

struct use { /* a peer endpoint addressed an endpoint */
    uint32_t host, peer;
    uint16_t port, peer_port;
    uint8_t protocol;
};

static int compare_endpoints(const struct use *x, const struct use *y)
{
    FL_ORDER(x->host, y->host);
    FL_ORDER(x->protocol, y->protocol);
    FL_ORDER(x->port, y->port);
    return 0;
}

static int compare_uses(const void *vx, const void *vy)
{
    const struct use *x = vx, *y = vy;
    int c = compare_endpoints(x, y);
    if (c != 0)
        return c;
    FL_ORDER(x->peer, y->peer);
    FL_ORDER(x->peer_port, y->peer_port);
    return 0;
}

struct popularity { /* how many distinct peer endpoints addressed an endpoint */
    struct use endpoint;
    size_t peers;
};

static int compare_popularity(const void *key, const void *element)
{
    return compare_endpoints(key, &((const struct popularity *)element)->endpoint);
}

struct popularities {
    struct popularity *items;
    size_t n;
};

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

static int count_peers(struct popularities *out, const struct joined *joined, size_t n)
{
    struct use *uses = malloc((2 * n + 1) * sizeof *uses);
    if (!uses)
        return FL_ENOMEM;
    size_t count = collect_uses(joined, n, uses);
    qsort(uses, count, sizeof *uses, compare_uses);
    out->items = malloc((count + 1) * sizeof *out->items);
    if (!out->items) {
        free(uses);
        return FL_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_endpoints(&uses[i - 1], &uses[i]) != 0)
            out->items[out->n++] = (struct popularity){uses[i], 1};
        else if (compare_uses(&uses[i - 1], &uses[i]) != 0)
            out->items[out->n - 1].peers++;
    }
    free(uses);
    return 0;
}

static size_t peers_of(const struct popularities *p, uint32_t host, uint8_t protocol, uint16_t port)
{
    struct use key = {.host = host, .port = port, .protocol = protocol};
    const struct popularity *found = bsearch(&key, p->items, p->n, sizeof *p->items, compare_popularity);
    return found ? found->peers : 0;
}

/* ---- 5. roles ---- */

struct roles {
    bool a_is_client, client_port, server_port; /* the ports: kept concrete */
};

static bool a_speaks_first(const struct joined *group, size_t n)
{
    size_t votes[3] = {0, 0, 0};
    for (size_t i = 0; i < n; i++)
        votes[group[i].initiator]++;
    return votes[FROM_A] >= votes[FROM_B];
}

/* Roles for the n conversations between two endpoints. */
static struct roles roles_of(const struct joined *group, size_t n, const struct popularities *popular,
                             const struct fl_services *services, uint32_t service_peers)
{
    const struct half *k = &group[0].key;
    if (is_icmp(k->protocol))
        return (struct roles){true, false, true};
    if (!has_ports(k->protocol))
        return (struct roles){a_speaks_first(group, n), false, false};
    size_t a_peers = peers_of(popular, k->a, k->protocol, k->a_port);
    size_t b_peers = peers_of(popular, k->b, k->protocol, k->b_port);
    bool a_serves = a_peers >= service_peers || registered(services, k->protocol, k->a_port);
    bool b_serves = b_peers >= service_peers || registered(services, k->protocol, k->b_port);
    if (a_serves != b_serves)
        return (struct roles){b_serves, false, true};
    if (!a_serves)
        return (struct roles){a_speaks_first(group, n), false, false};
    if (n >= recurs)
        return (struct roles){a_speaks_first(group, n), true, true};
    return (struct roles){a_peers == b_peers ? a_speaks_first(group, n) : a_peers < b_peers, false, true};
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
                         const struct popularities *popular, const struct fl_services *services,
                         uint32_t service_peers)
{
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && compare_keys(&joined[from].key, &joined[to].key) == 0;)
            to++;
        if (joined[from].key.a == joined[from].key.b)
            continue;
        struct roles r = roles_of(joined + from, to - from, popular, services, service_peers);
        for (size_t i = from; i < to; i++)
            t->items[t->n++] = conversation_of(&joined[i], r);
    }
    qsort(t->items, t->n, sizeof *t->items, compare_conversations);
}

int fl_talk_build(struct fl_talk *out, const struct fl_uniflow *flows, size_t n,
                  const struct fl_services *services, uint32_t service_peers)
{
    struct half *halves = malloc((n + 1) * sizeof *halves);
    struct joined *joined = malloc((n + 1) * sizeof *joined);
    struct popularities popular = {0};
    *out = (struct fl_talk){0};
    int rc = halves && joined ? number_hosts(out, flows, n) : FL_ENOMEM;
    if (rc < 0)
        goto done;
    for (size_t i = 0; i < n; i++)
        halves[i] = half_of(out, &flows[i]);
    size_t count = join_all(halves, n, joined);
    rc = count_peers(&popular, joined, count);
    if (rc < 0)
        goto done;
    out->items = malloc((count + 1) * sizeof *out->items);
    rc = out->items ? 0 : FL_ENOMEM;
    if (rc == 0)
        assign_roles(out, joined, count, &popular, services, service_peers);
done:
    free(halves);
    free(joined);
    free(popular.items);
    if (rc < 0)
        fl_talk_clear(out);
    return rc;
}

void fl_talk_clear(struct fl_talk *t)
{
    free(t->hosts);
    free(t->items);
    *t = (struct fl_talk){0};
}
