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
 * 4. Conversations stand in the order of their two hosts already, so that what one host asks another over a
 * protocol is one stretch of theirs: a run. Runs are sorted, each gets its place, and conversations are
 * sorted within their run.
 *
 * Flows are stitched, joined and put in order on several threads, each of which has a part of the pairs of
 * hosts.
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
#include "mining/radix.h"
#include "mining/room.h"
#include "mining/sorts.h"
#include "mining/stitch.h"
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

struct joined { /* a conversation; its roles once they are known */
    int64_t start_ms, end_ms;
    uint32_t a, b;
    uint16_t a_port, b_port;
    uint8_t protocol;
    uint8_t initiator : 2;                                  /* FROM_A, FROM_B, UNKNOWN */
    bool by_flags : 1;                                      /* TCP flags told it */
    bool a_is_client : 1, client_port : 1, server_port : 1; /* the ports: kept concrete */
};

static bool asks_only(uint8_t marks)
{
    return (marks & FL_RECORD_SYN) && !(marks & FL_RECORD_ACK);
}

/* Who spoke first: the side that sent a SYN and never an ACK, else the side whose first packet is earlier. */
static void tell_initiator(struct joined *j, const int64_t first_ms[2], const uint8_t marks[2])
{
    bool a_asks = asks_only(marks[0]), b_asks = asks_only(marks[1]), icmp = fl_protocol_is_icmp(j->protocol);
    j->by_flags = !icmp && a_asks != b_asks;
    if (icmp)
        j->initiator = FROM_A;
    else if (j->by_flags)
        j->initiator = a_asks ? FROM_A : FROM_B;
    else if (first_ms[0] == first_ms[1])
        j->initiator = UNKNOWN;
    else
        j->initiator = first_ms[0] < first_ms[1] ? FROM_A : FROM_B;
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
    tell_initiator(out, first_ms, marks);
    return i;
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
    uint8_t ports[8192]; /* a bit a port: an endpoint with it is a service by its peers */
};

static struct fl_intern_key endpoint(uint32_t host, uint8_t protocol, uint16_t port)
{
    return (struct fl_intern_key){host, (uint64_t)protocol << 16 | port};
}

/* *number: a guess, as fl_intern_number takes it. */
static int add_peers(struct popularities *p, struct fl_intern_key key, uint32_t n, uint32_t *number)
{
    int rc = fl_intern_number(&p->endpoints, key, number);
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
    p->peers[*number] += n;
    return 0;
}

/* All conversations between two endpoints stand together, so each pair of endpoints is met once. */
static int count_peers(struct popularities *out, const struct joined *joined, size_t n)
{
    uint32_t number[2] = {0, 0};
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
            rc = add_peers(out, endpoint(k->a, k->protocol, k->a_port), 1, &number[0]);
        if (asked[1] && rc == 0)
            rc = add_peers(out, endpoint(k->b, k->protocol, k->b_port), 1, &number[1]);
    }
    return rc;
}

static int add_popularities(struct popularities *to, const struct popularities *more)
{
    uint32_t number = 0;
    int rc = 0;
    for (size_t i = 0; i < more->endpoints.n && rc == 0; i++)
        rc = add_peers(to, more->endpoints.keys[i], more->peers[i], &number);
    return rc;
}

static void mark_ports(struct popularities *p, uint32_t service_peers)
{
    for (size_t i = 0; i < p->endpoints.n; i++) {
        uint16_t port = (uint16_t)p->endpoints.keys[i].low;
        if (p->peers[i] >= service_peers)
            p->ports[port / 8] |= (uint8_t)(1u << (port % 8));
    }
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

/* Does an endpoint serve? Most ports need no looking up. */
static bool serves(const struct known *known, uint32_t host, uint8_t protocol, uint16_t port)
{
    if (registered(known->services, protocol, port))
        return true;
    return (known->popular->ports[port / 8] >> (port % 8) & 1) &&
           peers_of(known->popular, endpoint(host, protocol, port)) >= known->service_peers;
}

struct sides { /* of the conversations between two endpoints */
    bool a_serves, b_serves;
};

static struct sides sides_of(const struct joined *k, const struct known *known)
{
    return (struct sides){serves(known, k->a, k->protocol, k->a_port),
                          serves(known, k->b, k->protocol, k->b_port)};
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
static bool a_asks(const struct joined *group, size_t n, const struct known *known)
{
    const struct joined *k = &group[0];
    uint32_t a_peers = peers_of(known->popular, endpoint(k->a, k->protocol, k->a_port)),
             b_peers = peers_of(known->popular, endpoint(k->b, k->protocol, k->b_port));
    struct votes v = count_votes(group, n);
    size_t most = v.a > v.b ? v.a : v.b;
    bool clear = n >= recurs && most * 5 >= (v.a + v.b) * 4;
    return clear || a_peers == b_peers ? v.a >= v.b : a_peers < b_peers;
}

struct roles {
    bool a_is_client, client_port, server_port; /* the ports: kept concrete */
};

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
        return (struct roles){a_asks(group, n, known), n >= recurs, true};
    if (k->by_flags)
        return (struct roles){a_speaks_first(group, n), false, false};
    if (hosts->opener == NOT_ASKED)
        hosts->opener = a_opens(hosts, known) ? A_OPENS : B_OPENS;
    return (struct roles){hosts->opener == A_OPENS, false, false};
}

/* How many of joined[0..n) are between the hosts of the first, over its protocol. */
static size_t count_between(const struct joined *joined, size_t n)
{
    size_t count = 1;
    while (count < n && joined[count].a == joined->a && joined[count].b == joined->b &&
           joined[count].protocol == joined->protocol)
        count++;
    return count;
}

/* For all between two hosts over a protocol; returns in how many of them host a is the client. */
static size_t assign_roles(struct joined *joined, size_t n, const struct known *known)
{
    struct between hosts = {joined, n, NOT_ASKED};
    size_t count = 0;
    for (size_t from = 0, to; from < n; from = to) {
        to = next_key(joined, n, from);
        struct roles r = roles_of(joined + from, to - from, &hosts, known);
        count += r.a_is_client ? to - from : 0;
        for (size_t i = from; i < to; i++) {
            joined[i].a_is_client = r.a_is_client;
            joined[i].client_port = r.client_port;
            joined[i].server_port = r.server_port;
        }
    }
    return count;
}

static struct fl_conversation conversation_of(const struct joined *j)
{
    uint32_t client_port = j->a_is_client ? j->a_port : j->b_port,
             server_port = j->a_is_client ? j->b_port : j->a_port;
    return (struct fl_conversation){.client = j->a_is_client ? j->a : j->b,
                                    .server = j->a_is_client ? j->b : j->a,
                                    .client_port = j->client_port ? client_port : FL_PORT_ANY,
                                    .server_port = j->server_port ? server_port : FL_PORT_ANY,
                                    .start_ms = j->start_ms,
                                    .end_ms = j->end_ms,
                                    .protocol = j->protocol};
}

/* ---- 4. order ---- */

/* What one host asks another over a protocol: those of joined[from..to) whose client is a, or is not. */
struct run {
    uint64_t hosts; /* client << 32 | server */
    size_t place;   /* where they go */
    uint32_t from, to, n;
    uint8_t protocol;
    bool a_is_client;
};

struct runs {
    struct run *items;
    size_t n, room;
};

/* The n of joined[from..to) whose client is a, or is not. */
static int add_run(struct runs *runs, const struct joined *joined, size_t from, size_t to, size_t n,
                   bool a_is_client)
{
    uint64_t a = joined[from].a, b = joined[from].b;
    if (n == 0)
        return 0;
    if (fl_room(&runs->items, &runs->room, runs->n + 1, sizeof *runs->items) < 0)
        return FL_ENOMEM;
    runs->items[runs->n++] = (struct run){.hosts = a_is_client ? a << 32 | b : b << 32 | a,
                                          .from = (uint32_t)from,
                                          .to = (uint32_t)to,
                                          .n = (uint32_t)n,
                                          .protocol = joined[from].protocol,
                                          .a_is_client = a_is_client};
    return 0;
}

enum { MANY = 4096 }; /* runs are mostly too short for a radix sort */

/* What a thread orders runs with. */
struct desk {
    struct fl_entries entries; /* values: places in joined */
    struct fl_entry *spare;
    size_t spare_room;
};

static int desk_sort(struct desk *d)
{
    if (d->entries.n > MANY)
        return fl_entries_sort(&d->entries);
    if (fl_room(&d->spare, &d->spare_room, d->entries.n, sizeof *d->spare) < 0)
        return FL_ENOMEM;
    fl_sort_short(d->entries.items, d->entries.n, d->spare);
    return 0;
}

static uint64_t ports_of(const struct joined *j)
{
    struct fl_conversation c = conversation_of(j);
    return (uint64_t)c.client_port << 17 | c.server_port;
}

static uint64_t ordered(int64_t ms)
{
    return (uint64_t)ms ^ (uint64_t)1 << 63;
}

/* Those alike but for their end, by it: rare. The keys are their starts, or ports. */
static int order_ties(const struct joined *joined, struct desk *d)
{
    struct fl_entry *e = d->entries.items;
    size_t n = d->entries.n;
    for (size_t from = 0, to; from < n; from = to) {
        int64_t start_ms = joined[e[from].value].start_ms;
        for (to = from + 1; to < n && e[to].key == e[from].key && joined[e[to].value].start_ms == start_ms;)
            to++;
        if (to == from + 1)
            continue;
        if (fl_room(&d->spare, &d->spare_room, to - from, sizeof *d->spare) < 0)
            return FL_ENOMEM;
        for (size_t i = from; i < to; i++)
            e[i].key = ordered(joined[e[i].value].end_ms);
        fl_sort_short(e + from, to - from, d->spare);
    }
    return 0;
}

/* Write a run in order of ports, start, end. */
static int order_run(const struct joined *joined, const struct run *run, struct desk *d,
                     struct fl_conversation *out)
{
    struct fl_entry *e = d->entries.items;
    uint64_t ports = 0, varies = 0;
    if (fl_room(&d->entries.items, &d->entries.room, run->n, sizeof *e) < 0)
        return FL_ENOMEM;
    e = d->entries.items;
    d->entries.n = 0;
    for (size_t i = run->from; i < run->to; i++)
        if (joined[i].a_is_client == run->a_is_client) {
            uint64_t own = ports_of(&joined[i]);
            varies |= d->entries.n ? own ^ ports : 0;
            ports = own;
            e[d->entries.n++] = (struct fl_entry){ordered(joined[i].start_ms), (uint32_t)i};
        }
    int rc = desk_sort(d);
    e = d->entries.items;
    for (size_t i = 0; i < run->n && varies; i++)
        e[i].key = ports_of(&joined[e[i].value]);
    if (rc == 0 && varies)
        rc = desk_sort(d);
    if (rc == 0)
        rc = order_ties(joined, d);
    for (size_t i = 0; i < run->n && rc == 0; i++)
        out[run->place + i] = conversation_of(&joined[d->entries.items[i].value]);
    return rc;
}

/* ---- all of it, a slice of the records a thread ---- */

struct slice {
    size_t from, to; /* records */
    struct joined *joined;
    size_t n_joined;
    struct popularities popular;
    struct runs runs;
};
struct job {
    const struct fl_talk_request *request;
    struct fl_stitcher stitcher;
    struct fl_talk *out;
    struct slice slices[FL_MOST_THREADS];
};

static int join_slice(void *ctx, uint32_t part)
{
    struct job *job = ctx;
    struct slice *s = &job->slices[part];
    struct fl_stitched stitched = {0};
    s->joined = malloc((s->to - s->from + 1) * sizeof *s->joined);
    int rc = s->joined ? 0 : FL_ENOMEM;
    for (size_t at = s->from, next; at < s->to && rc == 0; at = next) {
        next = fl_record_next_talk(job->request->records->items, s->to, at + 1);
        rc = fl_stitch(&job->stitcher, at, next, &stitched);
        for (size_t i = 0; i < stitched.n && rc == 0;)
            i = join_one(stitched.flows, i, stitched.n, &s->joined[s->n_joined++]);
    }
    fl_stitched_clear(&stitched);
    return rc == 0 ? count_peers(&s->popular, s->joined, s->n_joined) : rc;
}

/* What all slices have learned stands with the first one. */
static int name_slice(void *ctx, uint32_t part)
{
    struct job *job = ctx;
    struct slice *s = &job->slices[part];
    const struct known known = {job->request->services, &job->slices[0].popular, job->request->service_peers};
    int rc = 0;
    for (size_t from = 0, to; from < s->n_joined && rc == 0; from = to) {
        struct joined *first = &s->joined[from];
        to = from + count_between(first, s->n_joined - from);
        if (first->a == first->b)
            continue;
        size_t n = assign_roles(first, to - from, &known);
        rc = add_run(&s->runs, s->joined, from, to, n, true);
        if (rc == 0)
            rc = add_run(&s->runs, s->joined, from, to, to - from - n, false);
    }
    return rc;
}

static size_t count_runs(const struct job *job, uint32_t parts)
{
    size_t n = 0;
    for (uint32_t i = 0; i < parts; i++)
        n += job->slices[i].runs.n;
    return n;
}

/* Entries of all runs, whose places in `all` are the values, by client, server, protocol. */
static int sort_runs(struct job *job, uint32_t parts, struct run **all, struct fl_entries *order)
{
    for (uint32_t i = 0; i < parts; i++)
        for (size_t r = 0; r < job->slices[i].runs.n; r++) {
            struct run *run = all[order->n] = &job->slices[i].runs.items[r];
            if (fl_entries_add(order, run->protocol, (uint32_t)order->n) < 0)
                return FL_ENOMEM;
        }
    int rc = fl_entries_sort(order);
    for (size_t i = 0; i < order->n && rc == 0; i++)
        order->items[i].key = all[order->items[i].value]->hosts;
    return rc == 0 ? fl_entries_sort(order) : rc;
}

/* Give all runs their places in `out`, and make room there. */
static int place_runs(struct job *job, uint32_t parts, struct fl_talk *out)
{
    struct run **all = malloc((count_runs(job, parts) + 1) * sizeof *all);
    struct fl_entries order = {0};
    int rc = all ? sort_runs(job, parts, all, &order) : FL_ENOMEM;
    for (size_t i = 0; i < order.n && rc == 0; i++) {
        struct run *run = all[order.items[i].value];
        run->place = out->n;
        out->n += run->n;
    }
    out->items = rc == 0 ? malloc((out->n + 1) * sizeof *out->items) : NULL;
    fl_entries_clear(&order);
    free(all);
    return rc == 0 && !out->items ? FL_ENOMEM : rc;
}

static int order_slice(void *ctx, uint32_t part)
{
    struct job *job = ctx;
    const struct slice *s = &job->slices[part];
    struct desk desk = {.spare = NULL};
    int rc = 0;
    for (size_t i = 0; i < s->runs.n && rc == 0; i++)
        rc = order_run(s->joined, &s->runs.items[i], &desk, job->out->items);
    fl_entries_clear(&desk.entries);
    free(desk.spare);
    return rc;
}

static void forget_popularities(struct popularities *p)
{
    fl_intern_clear(&p->endpoints);
    free(p->peers);
    p->peers = NULL;
}

static void slice_clear(struct slice *s)
{
    free(s->joined);
    free(s->runs.items);
    forget_popularities(&s->popular);
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
static size_t cut(const struct fl_records *r, uint32_t part, uint32_t parts)
{
    const struct fl_record *items = r->items;
    size_t at = fl_record_cut(items, r->n, part, parts);
    while (at > 0 && at < r->n && fl_record_hosts(&items[at]) == fl_record_hosts(&items[at - 1]) &&
           items[at].protocol == items[at - 1].protocol)
        at++;
    return at;
}

/* Steps 1 and 2 for all slices. */
static int join_slices(struct job *job, uint32_t parts)
{
    struct popularities *popular = &job->slices[0].popular;
    int rc = fl_parallel(parts, join_slice, job);
    for (uint32_t i = 1; i < parts && rc == 0; i++) {
        rc = add_popularities(popular, &job->slices[i].popular);
        forget_popularities(&job->slices[i].popular);
    }
    if (rc == 0)
        mark_ports(popular, job->request->service_peers);
    return rc == 0 ? fl_stop_ask(job->request->stop, 0.6) : rc;
}

/* Steps 3 and 4. */
static int order_slices(struct job *job, uint32_t parts)
{
    int rc = fl_parallel(parts, name_slice, job);
    if (rc == 0)
        rc = place_runs(job, parts, job->out);
    return rc == 0 ? fl_parallel(parts, order_slice, job) : rc;
}

int fl_talk_build(struct fl_talk *out, const struct fl_talk_request *r)
{
    uint32_t parts = fl_parallel_threads(r->threads);
    struct job job = {.request = r, .out = out};
    *out = (struct fl_talk){0};
    for (uint32_t i = 0; i < parts; i++)
        job.slices[i] =
            (struct slice){.from = cut(r->records, i, parts), .to = cut(r->records, i + 1, parts)};
    int rc = fl_stop_ask(r->stop, 0);
    if (rc == 0)
        rc = fl_stitcher_init(&job.stitcher, r->records, r->active_timeout_ms);
    if (rc == 0)
        rc = join_slices(&job, parts);
    if (rc == 0)
        rc = order_slices(&job, parts);
    if (rc == 0)
        rc = copy_hosts(out, r->records);
    fl_stitcher_clear(&job.stitcher);
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
