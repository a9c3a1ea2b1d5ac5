/* Records of a span, compact and in the order of their conversations.
 *
 * 1. Give addresses and exporters numbers by first sight (a hash table; a record mostly names the hosts of
 * the one before it, as chunks are sorted).
 * 2. When all are in, replace them by places in address order.
 * 3. Turn each record so that the lower endpoint is a, whichever way it went.
 * 4. Radix sort by start, then by protocol, ports, direction and source, then by hosts: stable, so that the
 * last sort is the first key.
 * 5. What was gathered apart (by threads, or an hour later) is merged: places map to places in order, so both
 * stay sorted.
 *
 * Example: 10.0.0.53:53 -> 10.0.0.5:40001 becomes a = 10.0.0.5, a_port 40001, b = 10.0.0.53, b_port 53, from
 * b; the request before it has the same key and stands before it. */
#include "mining/records.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "mining/radix.h"
#include "storage/error.h"

bool fl_protocol_has_ports(uint8_t protocol)
{
    return protocol == FL_PROTO_TCP || protocol == FL_PROTO_UDP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_DCCP;
}

/* ---- 1. taking in ---- */

static int number_source(struct fl_gather *g, const struct fl_flow *f, uint16_t *out)
{
    int rc = fl_intern_number(&g->exporters, fl_intern_addr(&f->exporter), &g->last_exporter);
    if (rc == 0)
        rc = fl_intern_number(&g->sources, (struct fl_intern_key){g->last_exporter, f->domain},
                              &g->last_source);
    if (rc == 0 && g->last_source >= UINT16_MAX)
        rc = FL_ELIMIT;
    *out = (uint16_t)g->last_source;
    return rc;
}

static uint8_t marks_of(const struct fl_flow *f)
{
    bool tcp = f->protocol == FL_PROTO_TCP;
    return (uint8_t)((tcp && (f->tcp_flags & FL_TCP_SYN) ? FL_RECORD_SYN : 0) |
                     (tcp && (f->tcp_flags & FL_TCP_ACK) ? FL_RECORD_ACK : 0) |
                     (f->end_reason == FL_END_ACTIVE ? FL_RECORD_CUT : 0) |
                     (f->end_reason != FL_END_UNKNOWN ? FL_RECORD_REASON_GIVEN : 0));
}

static int take(struct fl_gather *g, const struct fl_flow *f)
{
    struct fl_record *r = &g->items[g->n];
    int rc = number_source(g, f, &r->source);
    if (rc == 0)
        rc = fl_intern_number(&g->hosts, fl_intern_addr(&f->src), &g->last_src);
    if (rc == 0)
        rc = fl_intern_number(&g->hosts, fl_intern_addr(&f->dst), &g->last_dst);
    r->start_ms = f->start_ms;
    r->end_ms = f->end_ms > f->start_ms ? f->end_ms : f->start_ms;
    r->a = g->last_src;
    r->b = g->last_dst;
    r->a_port = f->src_port;
    r->b_port = f->dst_port;
    r->protocol = f->protocol;
    r->marks = marks_of(f);
    g->n += rc == 0;
    return rc;
}

int fl_gather_add(struct fl_gather *g, const struct fl_flow *flows, size_t n)
{
    int rc = n > INT32_MAX - g->n ? FL_ELIMIT : 0;
    if (rc == 0 && g->room - g->n < n) {
        size_t room = g->room * 2 > g->n + n ? g->room * 2 : g->n + n + 4096;
        struct fl_record *items = realloc(g->items, room * sizeof *items);
        if (!items)
            return FL_ENOMEM;
        g->items = items;
        g->room = room;
    }
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = take(g, &flows[i]);
    return rc;
}

void fl_gather_clear(struct fl_gather *g)
{
    fl_intern_clear(&g->hosts);
    fl_intern_clear(&g->exporters);
    fl_intern_clear(&g->sources);
    free(g->items);
    *g = (struct fl_gather){0};
}

/* ---- 2. places ---- */

static int place_hosts(struct fl_gather *g, struct fl_records *out)
{
    uint32_t *rank = malloc((g->hosts.n + 1) * sizeof *rank);
    out->hosts = malloc((g->hosts.n + 1) * sizeof *out->hosts);
    int rc = rank && out->hosts ? fl_intern_sort(&g->hosts, rank) : FL_ENOMEM;
    if (rc == 0) {
        out->n_hosts = g->hosts.n;
        for (size_t i = 0; i < out->n_hosts; i++)
            out->hosts[i] = fl_intern_to_addr(g->hosts.keys[i]);
        for (size_t i = 0; i < g->n; i++) {
            g->items[i].a = rank[g->items[i].a];
            g->items[i].b = rank[g->items[i].b];
        }
    }
    free(rank);
    return rc;
}

struct numbered_source {
    struct fl_source source;
    uint16_t number;
};

static int compare_sources(const struct fl_source *x, const struct fl_source *y)
{
    int c = fl_addr_cmp(&x->exporter, &y->exporter);
    if (c != 0)
        return c;
    FL_ORDER(x->domain, y->domain);
    return 0;
}

static int compare_numbered(const void *vx, const void *vy)
{
    const struct numbered_source *x = vx, *y = vy;
    return compare_sources(&x->source, &y->source);
}

static int place_sources(struct fl_gather *g, struct fl_records *out)
{
    size_t n = g->sources.n;
    struct numbered_source *all = malloc((n + 1) * sizeof *all);
    uint16_t *rank = malloc((n + 1) * sizeof *rank);
    out->sources = malloc((n + 1) * sizeof *out->sources);
    int rc = all && rank && out->sources ? 0 : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct fl_intern_key key = g->sources.keys[i];
        all[i].source = (struct fl_source){fl_intern_to_addr(g->exporters.keys[key.high]), (uint32_t)key.low};
        all[i].number = (uint16_t)i;
    }
    if (rc == 0 && n > 1)
        qsort(all, n, sizeof *all, compare_numbered);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        out->sources[i] = all[i].source;
        rank[all[i].number] = (uint16_t)i;
    }
    out->n_sources = rc == 0 ? n : 0;
    for (size_t i = 0; rc == 0 && n > 1 && i < g->n; i++)
        g->items[i].source = rank[g->items[i].source];
    free(all);
    free(rank);
    return rc;
}

/* ---- 3. direction ---- */

/* The request type that an ICMP reply type answers, or -1. */
static int icmp_request(uint8_t protocol, unsigned type)
{
    if (protocol == FL_PROTO_ICMP6)
        return type == 129 ? 128 : -1;
    return type == 0 ? 8 : type == 14 ? 13 : -1;
}

static bool goes_from_b(struct fl_record *r)
{
    if (fl_protocol_is_icmp(r->protocol)) {
        int request = icmp_request(r->protocol, r->b_port >> 8);
        r->a_port = 0;
        if (request >= 0)
            r->b_port = (uint16_t)(request << 8 | (r->b_port & 0xff));
        return request >= 0;
    }
    if (!fl_protocol_has_ports(r->protocol))
        r->a_port = r->b_port = 0;
    return r->a > r->b || (r->a == r->b && r->a_port > r->b_port);
}

static void orient(struct fl_record *r)
{
    if (!goes_from_b(r))
        return;
    struct fl_record was = *r;
    r->a = was.b;
    r->b = was.a;
    r->marks |= FL_RECORD_FROM_B;
    if (!fl_protocol_is_icmp(r->protocol)) {
        r->a_port = was.b_port;
        r->b_port = was.a_port;
    }
}

/* ---- 4. order ---- */

/* Protocol, ports, direction and source as one number. */
static uint64_t lesser_key(const struct fl_record *r)
{
    return fl_record_ports(r) << 17 | (uint64_t)(r->marks & FL_RECORD_FROM_B) << 16 | r->source;
}

static int compare_records(const void *vx, const void *vy)
{
    const struct fl_record *x = vx, *y = vy;
    FL_ORDER(fl_record_hosts(x), fl_record_hosts(y));
    FL_ORDER(lesser_key(x), lesser_key(y));
    FL_ORDER(x->start_ms, y->start_ms);
    FL_ORDER(x->end_ms, y->end_ms);
    FL_ORDER(x->marks, y->marks);
    return 0;
}

/* The rounds of the sort, the least significant first, and the keys of each packed as tightly as they will,
 * so that there are few digits. */
enum round { BY_START, BY_PORTS, BY_HOSTS, N_ROUNDS };

struct packing {
    uint64_t n_hosts, n_sources;
    uint64_t protocol[256]; /* places of those that occur */
};

static void pack(struct packing *p, const struct fl_records *names, const struct fl_record *items, size_t n)
{
    bool occurs[256] = {false};
    uint64_t count = 0;
    *p = (struct packing){.n_hosts = names->n_hosts, .n_sources = names->n_sources};
    for (size_t i = 0; i < n; i++)
        occurs[items[i].protocol] = true;
    for (size_t i = 0; i < 256; i++)
        p->protocol[i] = occurs[i] ? count++ : 0;
}

static uint64_t key_of(const struct packing *p, const struct fl_record *r, enum round round)
{
    if (round == BY_START)
        return (uint64_t)r->start_ms ^ (uint64_t)1 << 63; /* negative ones first */
    if (round == BY_HOSTS)
        return r->a * p->n_hosts + r->b;
    uint64_t ports = p->protocol[r->protocol] << 32 | (uint64_t)r->a_port << 16 | r->b_port;
    return (ports << 1 | (r->marks & FL_RECORD_FROM_B)) * p->n_sources + r->source;
}

/* Records alike but for their end and marks: few, and rare. */
static void order_ties(struct fl_record *items, size_t n)
{
    for (size_t from = 0, to; from < n; from = to) {
        bool sorted = true;
        for (to = from + 1; to < n && items[to].start_ms == items[from].start_ms &&
                            fl_record_hosts(&items[to]) == fl_record_hosts(&items[from]) &&
                            lesser_key(&items[to]) == lesser_key(&items[from]);
             to++)
            sorted = sorted && compare_records(&items[to - 1], &items[to]) <= 0;
        if (!sorted)
            qsort(items + from, to - from, sizeof *items, compare_records);
    }
}

static int asked_to_stop(const struct fl_gather *g)
{
    return g->stop ? g->stop(g->ctx) : 0;
}

static int sort_records(struct fl_gather *g, const struct fl_records *names)
{
    struct packing packing;
    size_t n = g->n;
    struct fl_entries e = {.items = malloc((n + 1) * sizeof *e.items), .n = n, .room = n + 1};
    struct fl_record *sorted = NULL;
    int rc = e.items ? 0 : FL_ENOMEM;
    pack(&packing, names, g->items, n);
    for (size_t i = 0; rc == 0 && i < n; i++)
        e.items[i].value = (uint32_t)i;
    for (int round = BY_START; rc == 0 && round < N_ROUNDS; round++) {
        for (size_t i = 0; i < n; i++)
            e.items[i].key = key_of(&packing, &g->items[e.items[i].value], (enum round)round);
        rc = fl_entries_sort(&e);
        if (rc == 0)
            rc = asked_to_stop(g);
    }
    if (rc == 0 && !(sorted = malloc((n + 1) * sizeof *sorted)))
        rc = FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++)
        sorted[i] = g->items[e.items[i].value];
    fl_entries_clear(&e);
    if (rc)
        return rc;
    order_ties(sorted, n);
    free(g->items);
    g->items = sorted;
    return 0;
}

int fl_gather_finish(struct fl_gather *g, struct fl_records *out)
{
    *out = (struct fl_records){0};
    int rc = place_hosts(g, out);
    if (rc == 0)
        rc = place_sources(g, out);
    for (size_t i = 0; rc == 0 && i < g->n; i++)
        orient(&g->items[i]);
    if (rc == 0)
        rc = sort_records(g, out);
    if (rc == 0) {
        out->items = g->items;
        out->n = g->n;
        g->items = NULL;
    } else {
        fl_records_clear(out);
    }
    fl_gather_clear(g);
    return rc;
}

/* ---- 5. merging ---- */

/* One side of a merge: which of its hosts and sources are still named, then what they are numbered. */
struct side {
    const struct fl_records *records;
    uint32_t *host, *source;
};

static int note_names(struct side *s, const struct fl_records *r)
{
    s->records = r;
    s->host = calloc(r->n_hosts + 1, sizeof *s->host);
    s->source = calloc(r->n_sources + 1, sizeof *s->source);
    if (!s->host || !s->source)
        return FL_ENOMEM;
    for (size_t i = 0; i < r->n; i++)
        s->host[r->items[i].a] = s->host[r->items[i].b] = s->source[r->items[i].source] = 1;
    return 0;
}

static void forget_names(struct side *s)
{
    free(s->host);
    free(s->source);
}

/* Which side's next name comes first: <0 x, >0 y, 0 both. Those no longer named are passed over. */
static int next_name(const uint32_t *x_named, size_t x_n, size_t *x, const uint32_t *y_named, size_t y_n,
                     size_t *y)
{
    while (*x < x_n && !x_named[*x])
        ++*x;
    while (*y < y_n && !y_named[*y])
        ++*y;
    return *x == x_n ? 1 : *y == y_n ? -1 : 0;
}

static void unite_hosts(struct fl_records *out, struct side *x, struct side *y)
{
    const struct fl_records *rx = x->records, *ry = y->records;
    for (size_t i = 0, j = 0;;) {
        int c = next_name(x->host, rx->n_hosts, &i, y->host, ry->n_hosts, &j);
        if (i == rx->n_hosts && j == ry->n_hosts)
            break;
        if (c == 0)
            c = fl_addr_cmp(&rx->hosts[i], &ry->hosts[j]);
        out->hosts[out->n_hosts] = c <= 0 ? rx->hosts[i] : ry->hosts[j];
        if (c <= 0)
            x->host[i++] = (uint32_t)out->n_hosts;
        if (c >= 0)
            y->host[j++] = (uint32_t)out->n_hosts;
        out->n_hosts++;
    }
}

static void unite_sources(struct fl_records *out, struct side *x, struct side *y)
{
    const struct fl_records *rx = x->records, *ry = y->records;
    for (size_t i = 0, j = 0;;) {
        int c = next_name(x->source, rx->n_sources, &i, y->source, ry->n_sources, &j);
        if (i == rx->n_sources && j == ry->n_sources)
            break;
        if (c == 0)
            c = compare_sources(&rx->sources[i], &ry->sources[j]);
        out->sources[out->n_sources] = c <= 0 ? rx->sources[i] : ry->sources[j];
        if (c <= 0)
            x->source[i++] = (uint32_t)out->n_sources;
        if (c >= 0)
            y->source[j++] = (uint32_t)out->n_sources;
        out->n_sources++;
    }
}

static int unite_names(struct fl_records *out, struct side *x, struct side *y)
{
    const struct fl_records *rx = x->records, *ry = y->records;
    out->hosts = malloc((rx->n_hosts + ry->n_hosts + 1) * sizeof *out->hosts);
    out->sources = malloc((rx->n_sources + ry->n_sources + 1) * sizeof *out->sources);
    if (!out->hosts || !out->sources)
        return FL_ENOMEM;
    unite_hosts(out, x, y);
    unite_sources(out, x, y);
    return out->n_sources > UINT16_MAX ? FL_ELIMIT : 0;
}

static struct fl_record renumbered(const struct side *s, size_t at)
{
    struct fl_record r = s->records->items[at];
    r.a = s->host[r.a];
    r.b = s->host[r.b];
    r.source = (uint16_t)s->source[r.source];
    return r;
}

/* From the last record to the first: those of x, which stand at the beginning of `items`, move up in place.
 */
static void merge_items(struct fl_record *items, const struct side *x, const struct side *y)
{
    size_t i = x->records->n, j = y->records->n;
    struct fl_record rx = {0}, ry;
    if (i > 0)
        rx = renumbered(x, i - 1);
    for (; j > 0; j--) {
        ry = renumbered(y, j - 1);
        while (i > 0 && compare_records(&rx, &ry) > 0) {
            items[i + j - 1] = rx;
            if (--i > 0)
                rx = renumbered(x, i - 1);
        }
        items[i + j - 1] = ry;
    }
    for (; i > 0; i--)
        items[i - 1] = renumbered(x, i - 1);
}

void fl_records_drop(struct fl_records *r, const struct fl_stretch *stretches, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        int64_t start_ms = r->items[i].start_ms;
        bool gone = false;
        for (size_t k = 0; k < n && !gone; k++)
            gone = start_ms >= stretches[k].from_ms && start_ms < stretches[k].to_ms;
        if (!gone)
            r->items[kept++] = r->items[i];
    }
    r->n = kept;
}

int fl_records_merge(struct fl_records *into, struct fl_records *more)
{
    struct side x = {0}, y = {0};
    struct fl_records out = {0};
    if (into->n == 0) { /* nothing to do but to move */
        fl_records_clear(into);
        *into = *more;
        *more = (struct fl_records){0};
        return 0;
    }
    int rc = into->n + more->n > INT32_MAX ? FL_ELIMIT : note_names(&x, into);
    if (rc == 0)
        rc = note_names(&y, more);
    if (rc == 0)
        rc = unite_names(&out, &x, &y);
    if (rc == 0) {
        struct fl_record *items = realloc(into->items, (into->n + more->n) * sizeof *items);
        into->items = items ? items : into->items;
        rc = items ? 0 : FL_ENOMEM;
    }
    if (rc == 0) {
        merge_items(into->items, &x, &y);
        out.items = into->items;
        out.n = into->n + more->n;
        into->items = NULL;
        fl_records_clear(into);
        *into = out;
    } else {
        fl_records_clear(&out);
    }
    fl_records_clear(more);
    forget_names(&x);
    forget_names(&y);
    return rc;
}

void fl_records_clear(struct fl_records *r)
{
    free(r->hosts);
    free(r->sources);
    free(r->items);
    *r = (struct fl_records){0};
}
