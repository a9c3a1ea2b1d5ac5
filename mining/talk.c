/* Conversations: joins the two directions of each talk, learns which ports are services, and says who the
 * client is.
 *
 * 1. Walk the one-way flows of each conversation by start; one that overlaps the other direction so far, or
 * follows the other direction's last packet within a second, is the same conversation.
 * 2. An endpoint is a service when enough distinct peer endpoints addressed it first, or its port is
 * registered.
 * 3. All conversations between two endpoints have one client: the side without a service port. With two, both
 * ports stay when they keep recurring (123:123), and the client is who speaks first in four fifths of them;
 * where stamps are too coarse to tell, or the conversations few, the side with fewer peers is. With none, it
 * is the side that asks by its TCP flags, else the host that is the client of what has a service port or
 * flags between the two (FTP's control), else the one that speaks first in most of what is between them.
 * 4. Radix sort by start, then by what the conversation's node will be.
 *
 * Example: 10.0.0.5:40001 -> 10.0.0.53:53 at 0 ms and back at 20 ms is one conversation 10.0.0.5.*
 * : 10.0.0.53.53. */
#include "mining/talk.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mining/parallel.h"
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

static bool registered(const struct fl_services *s, uint8_t protocol, uint16_t port)
{
    const uint8_t *set = protocol == FL_PROTO_UDP ? s->udp : s->tcp;
    return fl_protocol_has_ports(protocol) && (set[port / 8] >> (port % 8) & 1);
}

/* ---- 1. joining ---- */

enum { FROM_A = 0, FROM_B = 1, UNKNOWN = 2 };

struct joined { /* a conversation before its roles are known */
    int64_t start_ms, end_ms;
    uint32_t a, b;
    uint16_t a_port, b_port;
    uint8_t protocol;
    uint8_t initiator;                              /* FROM_A, FROM_B, UNKNOWN */
    bool by_flags;                                  /* TCP flags told it */
    struct roles {                                  /* once they are known */
        bool a_is_client, client_port, server_port; /* the ports: kept concrete */
    } roles;
};

static bool asks_only(uint8_t marks)
{
    return (marks & FL_RECORD_SYN) && !(marks & FL_RECORD_ACK);
}

/* Who spoke first: the side that sent a SYN and never an ACK, else the side whose first packet is earlier. */
static uint8_t initiator_of(uint8_t protocol, const int64_t first_ms[2], const uint8_t marks[2],
                            bool *by_flags)
{
    *by_flags = false;
    if (fl_protocol_is_icmp(protocol))
        return FROM_A;
    bool a_asks = asks_only(marks[0]), b_asks = asks_only(marks[1]);
    *by_flags = a_asks != b_asks;
    if (*by_flags)
        return a_asks ? FROM_A : FROM_B;
    if (first_ms[0] == first_ms[1])
        return UNKNOWN;
    return first_ms[0] < first_ms[1] ? FROM_A : FROM_B;
}

/* Joins flows[from..n), all of one key, into one conversation; returns the index behind its last flow. */
static size_t join_one(const struct fl_record *flows, size_t from, size_t n, struct joined *out)
{
    const struct fl_record *first = &flows[from];
    int64_t first_ms[2] = {INT64_MAX, INT64_MAX}, last_ms[2] = {INT64_MIN, INT64_MIN};
    uint8_t marks[2] = {0, 0};
    size_t i = from;
    for (; i < n; i++) {
        const struct fl_record *f = &flows[i];
        unsigned mine = f->marks & FL_RECORD_FROM_B, other = !mine;
        if (i > from) {
            if (last_ms[other] == INT64_MIN)
                break;
            int64_t slack_ms = last_ms[mine] == INT64_MIN ? answer_within_ms : 0;
            if (f->start_ms - last_ms[other] > slack_ms)
                break;
        }
        if (f->start_ms < first_ms[mine])
            first_ms[mine] = f->start_ms;
        if (f->end_ms > last_ms[mine])
            last_ms[mine] = f->end_ms;
        marks[mine] |= f->marks;
    }
    *out = (struct joined){.start_ms = first->start_ms,
                           .end_ms = last_ms[0] > last_ms[1] ? last_ms[0] : last_ms[1],
                           .a = first->a,
                           .b = first->b,
                           .a_port = first->a_port,
                           .b_port = first->b_port,
                           .protocol = first->protocol};
    out->initiator = initiator_of(first->protocol, first_ms, marks, &out->by_flags);
    return i;
}

/* Joins the flows [from, to), whole conversations; returns how many it wrote. */
static size_t join_all(const struct fl_record *flows, size_t from, size_t to, struct joined *out)
{
    size_t count = 0;
    for (size_t next; from < to; from = next) {
        next = fl_record_next_talk(flows, to, from + 1);
        for (size_t i = from; i < next;)
            i = join_one(flows, i, next, &out[count++]);
    }
    return count;
}

static bool same_key(const struct joined *x, const struct joined *y)
{
    return x->a == y->a && x->b == y->b && x->a_port == y->a_port && x->b_port == y->b_port &&
           x->protocol == y->protocol;
}

/* Behind the last of the conversations between the two endpoints of joined[from]. */
static size_t next_key(const struct joined *joined, size_t n, size_t from)
{
    size_t to = from + 1;
    while (to < n && same_key(&joined[from], &joined[to]))
        to++;
    return to;
}

/* ---- 2. service ports ---- */

/* How many distinct peer endpoints addressed an endpoint. */
struct popularities {
    struct fl_intern endpoints;
    uint32_t *peers; /* by number of the endpoint */
    size_t room;
};

static struct fl_intern_key endpoint(uint32_t host, uint8_t protocol, uint16_t port)
{
    return (struct fl_intern_key){host, (uint64_t)protocol << 16 | port};
}

static int add_peers(struct popularities *p, struct fl_intern_key key, uint32_t n)
{
    uint32_t number = UINT32_MAX;
    int rc = fl_intern_number(&p->endpoints, key, &number);
    if (rc < 0)
        return rc;
    if (p->room < p->endpoints.n) {
        size_t room = p->room ? p->room * 2 : 1024;
        uint32_t *peers = realloc(p->peers, room * sizeof *peers);
        if (!peers)
            return FL_ENOMEM;
        memset(peers + p->room, 0, (room - p->room) * sizeof *peers);
        p->peers = peers;
        p->room = room;
    }
    p->peers[number] += n;
    return 0;
}

/* All conversations between two endpoints stand together, so each pair of endpoints is met once. */
static int count_peers(struct popularities *out, const struct joined *joined, size_t n)
{
    int rc = 0;
    for (size_t from = 0, to; from < n && rc == 0; from = to) {
        const struct joined *k = &joined[from];
        bool asked[2] = {false, false}; /* a, b was addressed */
        to = next_key(joined, n, from);
        for (size_t i = from; i < to; i++) {
            asked[0] |= joined[i].initiator != FROM_A;
            asked[1] |= joined[i].initiator != FROM_B;
        }
        if (!fl_protocol_has_ports(k->protocol))
            continue;
        if (asked[0])
            rc = add_peers(out, endpoint(k->a, k->protocol, k->a_port), 1);
        if (asked[1] && rc == 0)
            rc = add_peers(out, endpoint(k->b, k->protocol, k->b_port), 1);
    }
    return rc;
}

static int add_popularities(struct popularities *to, const struct popularities *more)
{
    int rc = 0;
    for (size_t i = 0; i < more->endpoints.n && rc == 0; i++)
        rc = add_peers(to, more->endpoints.keys[i], more->peers[i]);
    return rc;
}

static uint32_t peers_of(const struct popularities *p, struct fl_intern_key key)
{
    int64_t number = fl_intern_find(&p->endpoints, key);
    return number < 0 ? 0 : p->peers[number];
}

/* ---- 3. roles ---- */

/* What service ports are told by. */
struct known {
    const struct fl_services *services;
    const struct popularities *popular;
    uint32_t service_peers;
};

struct votes { /* conversations by who spoke first */
    size_t a, b;
};

static struct votes count_votes(const struct joined *group, size_t n)
{
    size_t votes[3] = {0, 0, 0};
    for (size_t i = 0; i < n; i++)
        votes[group[i].initiator]++;
    return (struct votes){votes[FROM_A], votes[FROM_B]};
}

static bool a_speaks_first(const struct joined *group, size_t n)
{
    struct votes v = count_votes(group, n);
    return v.a >= v.b;
}

struct sides { /* of the conversations between two endpoints */
    uint32_t a_peers, b_peers;
    bool a_serves, b_serves;
};

static struct sides sides_of(const struct joined *k, const struct known *known)
{
    struct sides s = {.a_peers = peers_of(known->popular, endpoint(k->a, k->protocol, k->a_port)),
                      .b_peers = peers_of(known->popular, endpoint(k->b, k->protocol, k->b_port))};
    s.a_serves = s.a_peers >= known->service_peers || registered(known->services, k->protocol, k->a_port);
    s.b_serves = s.b_peers >= known->service_peers || registered(known->services, k->protocol, k->b_port);
    return s;
}

/* All conversations over a protocol between two hosts. */
struct between {
    const struct joined *items;
    size_t n;
    enum { NOT_ASKED, A_OPENS, B_OPENS } opener; /* asked once, when first needed */
};

/* Is host a the client of most of what tells by itself or, where nothing does, does it speak first in most?
 */
static bool a_opens(const struct between *hosts, const struct known *known)
{
    size_t a = 0, b = 0;
    for (size_t i = 0; i < hosts->n; i++) {
        struct sides s = sides_of(&hosts->items[i], known);
        bool by_port = s.a_serves != s.b_serves;
        if (by_port || hosts->items[i].by_flags) {
            bool from_a = by_port ? s.b_serves : hosts->items[i].initiator == FROM_A;
            a += from_a;
            b += !from_a;
        }
    }
    return a != b ? a > b : a_speaks_first(hosts->items, hosts->n);
}

/* Both ports are services: who speaks first, where that is clear, else who has fewer peers. */
static bool a_asks(const struct joined *group, size_t n, const struct sides *s)
{
    struct votes v = count_votes(group, n);
    size_t most = v.a > v.b ? v.a : v.b;
    bool clear = n >= recurs && most * 5 >= (v.a + v.b) * 4;
    return clear || s->a_peers == s->b_peers ? v.a >= v.b : s->a_peers < s->b_peers;
}

/* Roles for the n conversations between two endpoints, some of what is between the two hosts. */
static struct roles roles_of(const struct joined *group, size_t n, struct between *hosts,
                             const struct known *known)
{
    const struct joined *k = &group[0];
    if (fl_protocol_is_icmp(k->protocol))
        return (struct roles){true, false, true};
    if (!fl_protocol_has_ports(k->protocol))
        return (struct roles){a_speaks_first(group, n), false, false};
    struct sides s = sides_of(k, known);
    if (s.a_serves != s.b_serves)
        return (struct roles){s.b_serves, false, true};
    if (s.a_serves)
        return (struct roles){a_asks(group, n, &s), n >= recurs, true};
    if (k->by_flags)
        return (struct roles){a_speaks_first(group, n), false, false};
    if (hosts->opener == NOT_ASKED)
        hosts->opener = a_opens(hosts, known) ? A_OPENS : B_OPENS;
    return (struct roles){hosts->opener == A_OPENS, false, false};
}

static struct between between_hosts(const struct joined *joined, size_t n)
{
    size_t count = 1;
    while (count < n && joined[count].a == joined->a && joined[count].b == joined->b &&
           joined[count].protocol == joined->protocol)
        count++;
    return (struct between){joined, count, NOT_ASKED};
}

static void assign_roles(struct joined *joined, size_t n, const struct known *known)
{
    struct between hosts = {joined, 0, NOT_ASKED};
    for (size_t from = 0, to; from < n; from = to) {
        if (joined + from == hosts.items + hosts.n)
            hosts = between_hosts(joined + from, n - from);
        to = next_key(joined, n, from);
        struct roles r = roles_of(joined + from, to - from, &hosts, known);
        for (size_t i = from; i < to; i++)
            joined[i].roles = r;
    }
}

static struct fl_conversation conversation_of(const struct joined *j)
{
    struct roles r = j->roles;
    uint32_t client_port = r.a_is_client ? j->a_port : j->b_port,
             server_port = r.a_is_client ? j->b_port : j->a_port;
    return (struct fl_conversation){.client = r.a_is_client ? j->a : j->b,
                                    .server = r.a_is_client ? j->b : j->a,
                                    .client_port = r.client_port ? client_port : FL_PORT_ANY,
                                    .server_port = r.server_port ? server_port : FL_PORT_ANY,
                                    .start_ms = j->start_ms,
                                    .end_ms = j->end_ms,
                                    .protocol = j->protocol};
}

/* ---- 4. order ---- */

static struct fl_intern_key key_of(const struct fl_conversation *c)
{
    return (struct fl_intern_key){(uint64_t)c->client << 32 | c->server, (uint64_t)c->protocol << 34 |
                                                                             (uint64_t)c->client_port << 17 |
                                                                             c->server_port};
}

static int number_kind(struct fl_intern *kinds, const struct fl_conversation *c, size_t i, uint32_t *kind)
{
    kind[i] = i ? kind[i - 1] : 0;
    return fl_intern_number(kinds, key_of(c), &kind[i]);
}

/* Replace numbers of kinds by their places in order. */
static int place_kinds(struct fl_intern *kinds, uint32_t *kind, size_t n)
{
    uint32_t *rank = malloc((kinds->n + 1) * sizeof *rank);
    int rc = rank ? fl_intern_sort(kinds, rank) : FL_ENOMEM;
    for (size_t i = 0; i < n && rc == 0; i++)
        kind[i] = rank[kind[i]];
    free(rank);
    return rc;
}

int fl_conversation_kinds(const struct fl_conversation *items, size_t n, struct fl_intern *kinds,
                          uint32_t *kind)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = number_kind(kinds, &items[i], i, kind);
    return rc == 0 ? place_kinds(kinds, kind, n) : rc;
}

static struct fl_entry start_entry(int64_t start_ms, size_t i)
{
    return (struct fl_entry){(uint64_t)start_ms ^ (uint64_t)1 << 63, (uint32_t)i};
}

int fl_conversation_starts(const struct fl_conversation *items, size_t n, struct fl_entries *out)
{
    *out = (struct fl_entries){.items = malloc((n + 1) * sizeof *out->items), .n = n, .room = n + 1};
    if (!out->items)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++)
        out->items[i] = start_entry(items[i].start_ms, i);
    return fl_entries_sort(out);
}

/* Those alike but for their end, by it: rare. */
static int order_ties(const struct joined *joined, struct fl_entries *by_kind)
{
    struct fl_entry *e = by_kind->items;
    for (size_t from = 0, to; from < by_kind->n; from = to) {
        const struct joined *first = &joined[e[from].value];
        bool sorted = true;
        for (to = from + 1;
             to < by_kind->n && e[to].key == e[from].key && joined[e[to].value].start_ms == first->start_ms;
             to++)
            sorted = sorted && joined[e[to - 1].value].end_ms <= joined[e[to].value].end_ms;
        if (sorted)
            continue;
        struct fl_entries ties = {.items = malloc((to - from) * sizeof *e), .n = to - from};
        if (!ties.items)
            return FL_ENOMEM;
        for (size_t i = from; i < to; i++)
            ties.items[i - from] = (struct fl_entry){(uint64_t)joined[e[i].value].end_ms, e[i].value};
        int rc = fl_entries_sort(&ties);
        for (size_t i = from; rc == 0 && i < to; i++)
            e[i].value = ties.items[i - from].value;
        fl_entries_clear(&ties);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Entries whose values are conversations by kind, start, end; hosts that talk to themselves are left out. */
static int order(const struct joined *joined, size_t n, struct fl_entries *out)
{
    struct fl_intern kinds = {0};
    uint32_t *kind = malloc((n + 1) * sizeof *kind);
    *out = (struct fl_entries){.items = malloc((n + 1) * sizeof *out->items), .room = n + 1};
    int rc = kind && out->items ? 0 : FL_ENOMEM;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct fl_conversation c = conversation_of(&joined[i]);
        rc = number_kind(&kinds, &c, i, kind);
        if (c.client != c.server)
            out->items[out->n++] = start_entry(c.start_ms, i);
    }
    if (rc == 0)
        rc = place_kinds(&kinds, kind, n);
    if (rc == 0)
        rc = fl_entries_sort(out);
    for (size_t i = 0; rc == 0 && i < out->n; i++)
        out->items[i].key = kind[out->items[i].value];
    if (rc == 0)
        rc = fl_entries_sort(out);
    if (rc == 0)
        rc = order_ties(joined, out);
    fl_intern_clear(&kinds);
    free(kind);
    return rc;
}

static bool comes_first(const struct fl_conversation *x, const struct fl_conversation *y)
{
    struct fl_intern_key kx = key_of(x), ky = key_of(y);
    if (kx.high != ky.high || kx.low != ky.low)
        return kx.high != ky.high ? kx.high < ky.high : kx.low < ky.low;
    return x->start_ms != y->start_ms ? x->start_ms < y->start_ms : x->end_ms < y->end_ms;
}

/* ---- all of it, a slice of the flows a thread ---- */

struct slice {
    size_t from, to; /* flows */
    struct joined *joined;
    size_t n_joined;
    struct popularities popular;
    struct fl_entries ordered; /* places in joined */
    size_t at;                 /* how many are merged */
    struct fl_conversation next;
};
struct job {
    const struct fl_record *flows;
    const struct fl_services *services;
    uint32_t service_peers;
    struct slice slices[FL_MOST_THREADS];
};

static int join_slice(void *ctx, uint32_t part)
{
    struct job *job = ctx;
    struct slice *s = &job->slices[part];
    s->joined = malloc((s->to - s->from + 1) * sizeof *s->joined);
    if (!s->joined)
        return FL_ENOMEM;
    s->n_joined = join_all(job->flows, s->from, s->to, s->joined);
    return count_peers(&s->popular, s->joined, s->n_joined);
}

/* What all slices have learned stands with the first one. */
static int name_slice(void *ctx, uint32_t part)
{
    struct job *job = ctx;
    struct slice *s = &job->slices[part];
    const struct known known = {job->services, &job->slices[0].popular, job->service_peers};
    assign_roles(s->joined, s->n_joined, &known);
    return order(s->joined, s->n_joined, &s->ordered);
}

static bool look_at_next(struct slice *s)
{
    if (s->at == s->ordered.n)
        return false;
    s->next = conversation_of(&s->joined[s->ordered.items[s->at].value]);
    return true;
}

static int merge_slices(struct fl_talk *out, struct job *job, uint32_t parts)
{
    struct slice *left[FL_MOST_THREADS]; /* those with more to come */
    uint32_t n = 0;
    size_t room = 1;
    for (uint32_t i = 0; i < parts; i++) {
        room += job->slices[i].ordered.n;
        if (look_at_next(&job->slices[i]))
            left[n++] = &job->slices[i];
    }
    out->items = malloc(room * sizeof *out->items);
    if (!out->items)
        return FL_ENOMEM;
    while (n > 0) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < n; i++)
            if (comes_first(&left[i]->next, &left[first]->next))
                first = i;
        out->items[out->n++] = left[first]->next;
        left[first]->at++;
        if (!look_at_next(left[first]))
            left[first] = left[--n];
    }
    return 0;
}

static void slice_clear(struct slice *s)
{
    free(s->joined);
    fl_entries_clear(&s->ordered);
    fl_intern_clear(&s->popular.endpoints);
    free(s->popular.peers);
}

static int copy_hosts(struct fl_talk *t, const struct fl_records *records)
{
    t->hosts = malloc((records->n_hosts + 1) * sizeof *t->hosts);
    if (!t->hosts)
        return FL_ENOMEM;
    if (records->n_hosts)
        memcpy(t->hosts, records->hosts, records->n_hosts * sizeof *t->hosts);
    t->n_hosts = records->n_hosts;
    return 0;
}

/* Where part `part` of `parts` begins, between two pairs of hosts. */
static size_t cut(const struct fl_record *flows, size_t n, uint32_t part, uint32_t parts)
{
    size_t at = fl_record_cut(flows, n, part, parts);
    while (at > 0 && at < n && flows[at].a == flows[at - 1].a && flows[at].b == flows[at - 1].b &&
           flows[at].protocol == flows[at - 1].protocol)
        at++;
    return at;
}

int fl_talk_build(struct fl_talk *out, const struct fl_records *records, const struct fl_record *flows,
                  size_t n, const struct fl_services *services, uint32_t service_peers, uint32_t threads)
{
    uint32_t parts = fl_parallel_threads(threads);
    struct job job = {.flows = flows, .services = services, .service_peers = service_peers};
    *out = (struct fl_talk){0};
    for (uint32_t i = 0; i < parts; i++)
        job.slices[i] = (struct slice){.from = cut(flows, n, i, parts), .to = cut(flows, n, i + 1, parts)};
    int rc = fl_parallel(parts, join_slice, &job);
    for (uint32_t i = 1; i < parts && rc == 0; i++)
        rc = add_popularities(&job.slices[0].popular, &job.slices[i].popular);
    if (rc == 0)
        rc = fl_parallel(parts, name_slice, &job);
    if (rc == 0)
        rc = merge_slices(out, &job, parts);
    if (rc == 0)
        rc = copy_hosts(out, records);
    for (uint32_t i = 0; i < parts; i++)
        slice_clear(&job.slices[i]);
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
