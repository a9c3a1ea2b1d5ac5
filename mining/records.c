/* Records of a span, compact and in the order of their conversations.
 *
 * 1. Give addresses and exporters numbers by first sight (a hash table; a record mostly names the hosts of
 * the one before it, as chunks are sorted).
 * 2. When all are in, number all gatherers' as the first one's, then replace numbers by places in address
 * order.
 * 3. Turn each record so that the lower endpoint is a, whichever way it went.
 * 4. Deal the records out to blocks of neighbouring pairs of hosts, each small enough for a processor's cache
 * unless a few hosts have most of them: count what each gatherer has of each, then all know where theirs go.
 * 5. Put each block in order: radix sort by protocol, ports, direction and source, then by hosts, stable, so
 * that the last sort is the first key. Records alike in all that come mostly in order of time already, as the
 * store has them; where they do not, they are sorted by it.
 *
 * Steps 3 to 5 are done by a thread a gatherer: in 3 and 4 for its own records, in 5 for its share of blocks.
 *
 * Example: 10.0.0.53:53 -> 10.0.0.5:40001 becomes a = 10.0.0.5, a_port 40001, b = 10.0.0.53, b_port 53, from
 * b; the request before it has the same key and stands before it. */
#include "mining/records.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "mining/parallel.h"
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

/* `before`: the record before it, or NULL. */
/* An end beyond is as good as this, from which clocks can be set right without an overflow. */
static const int64_t far_ms = INT64_MAX / 2;

static int take(struct fl_gather *g, const struct fl_flow *f, const struct fl_flow *before)
{
    struct fl_record *r = &g->items[g->n];
    int rc = 0;
    if (before && f->domain == before->domain && fl_addr_cmp(&f->exporter, &before->exporter) == 0)
        r->source = (uint16_t)g->last_source;
    else
        rc = number_source(g, f, &r->source);
    if (rc == 0)
        rc = fl_intern_number(&g->hosts, fl_intern_addr(&f->src), &g->last_src);
    if (rc == 0)
        rc = fl_intern_number(&g->hosts, fl_intern_addr(&f->dst), &g->last_dst);
    r->start_ms = f->start_ms;
    r->end_ms = f->end_ms < far_ms ? f->end_ms : far_ms;
    r->end_ms = r->end_ms > r->start_ms ? r->end_ms : r->start_ms;
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
        rc = take(g, &flows[i], i ? &flows[i - 1] : NULL);
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

/* ---- what the steps after it share ---- */

enum { MOST_UNITS = 1 << 16, BLOCK_RECORDS = 4096, LONG_RUN = 128 };

/* What the numbers that a gatherer gave become: first those of the first gatherer, then places in order. */
struct places {
    uint32_t *host, *source;
    size_t n_hosts, n_sources; /* that it gave */
};
/* What is one gatherer's. */
struct part {
    struct places places;
    uint32_t *next; /* how many records by unit; then where the next one goes, by block */
};
/* Where a block begins among the records, and the least pair of hosts that it may hold. */
struct block {
    size_t at;
    uint64_t first_pair;
};
struct sorting {
    struct fl_gather *gathers;
    struct part *parts; /* of each gatherer */
    uint32_t n_gathers;
    size_t n;         /* records of all */
    uint64_t n_hosts; /* of all */
    unsigned shift;   /* a unit is 2^shift pairs of hosts */
    size_t n_units, n_blocks;
    uint32_t *block_of;   /* by unit */
    struct block *blocks; /* and the end behind the last */
    struct fl_record *items;
};

static int asked_to_stop(const struct fl_gather *g)
{
    return g->stop ? g->stop(g->ctx) : 0;
}

/* ---- 2. places ---- */

static int number_hosts_as_first(struct fl_gather *first, const struct fl_gather *g, struct places *p)
{
    int rc = 0;
    for (size_t i = 0; i < p->n_hosts && rc == 0; i++)
        if (g == first)
            p->host[i] = (uint32_t)i;
        else
            rc = fl_intern_number(&first->hosts, g->hosts.keys[i], &p->host[i]);
    return rc;
}

static int number_sources_as_first(struct fl_gather *first, const struct fl_gather *g, struct places *p)
{
    int rc = 0;
    for (size_t i = 0; i < p->n_sources && rc == 0; i++) {
        struct fl_intern_key key = g->sources.keys[i], exporter = g->exporters.keys[key.high];
        uint32_t number = 0;
        rc = fl_intern_number(&first->exporters, exporter, &number);
        key.high = number;
        if (rc == 0)
            rc = fl_intern_number(&first->sources, key, &p->source[i]);
    }
    return rc == 0 && first->sources.n > UINT16_MAX ? FL_ELIMIT : rc;
}

static int number_as_first(struct fl_gather *first, struct fl_gather *g, struct places *p)
{
    p->n_hosts = g->hosts.n;
    p->n_sources = g->sources.n;
    p->host = calloc(p->n_hosts + 1, sizeof *p->host);
    p->source = calloc(p->n_sources + 1, sizeof *p->source);
    int rc = p->host && p->source ? number_hosts_as_first(first, g, p) : FL_ENOMEM;
    if (rc == 0)
        rc = number_sources_as_first(first, g, p);
    if (g != first)
        fl_intern_clear(&g->hosts); /* where there are many, as much as their records */
    return rc;
}

/* The hosts in order, and the place of each of the first gatherer's numbers. */
static int place_hosts(struct fl_intern *hosts, struct fl_records *out, uint32_t **rank)
{
    *rank = malloc((hosts->n + 1) * sizeof **rank);
    out->hosts = malloc((hosts->n + 1) * sizeof *out->hosts);
    int rc = *rank && out->hosts ? fl_intern_sort(hosts, *rank) : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < hosts->n; i++)
        out->hosts[out->n_hosts++] = fl_intern_to_addr(hosts->keys[i]);
    return rc;
}

struct numbered_source {
    struct fl_source source;
    uint32_t number;
};

static int compare_numbered(const void *vx, const void *vy)
{
    const struct numbered_source *x = vx, *y = vy;
    return fl_source_compare(&x->source, &y->source);
}

static int place_sources(const struct fl_gather *first, struct fl_records *out, uint32_t **rank)
{
    size_t n = first->sources.n;
    struct numbered_source *all = malloc((n + 1) * sizeof *all);
    *rank = malloc((n + 1) * sizeof **rank);
    out->sources = malloc((n + 1) * sizeof *out->sources);
    int rc = all && *rank && out->sources ? 0 : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct fl_intern_key key = first->sources.keys[i];
        struct fl_addr exporter = fl_intern_to_addr(first->exporters.keys[key.high]);
        all[i] = (struct numbered_source){{exporter, (uint32_t)key.low}, (uint32_t)i};
    }
    if (rc == 0 && n > 1)
        qsort(all, n, sizeof *all, compare_numbered);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        out->sources[i] = all[i].source;
        (*rank)[all[i].number] = (uint32_t)i;
    }
    out->n_sources = rc == 0 ? n : 0;
    free(all);
    return rc;
}

static int find_places(struct sorting *s, struct fl_records *out)
{
    uint32_t *host = NULL, *source = NULL;
    int rc = 0;
    for (uint32_t k = 0; k < s->n_gathers && rc == 0; k++)
        rc = number_as_first(s->gathers, &s->gathers[k], &s->parts[k].places);
    if (rc == 0)
        rc = place_hosts(&s->gathers->hosts, out, &host);
    if (rc == 0)
        rc = place_sources(s->gathers, out, &source);
    for (uint32_t k = 0; k < s->n_gathers && rc == 0; k++) {
        struct places *p = &s->parts[k].places;
        for (size_t i = 0; i < p->n_hosts; i++)
            p->host[i] = host[p->host[i]];
        for (size_t i = 0; i < p->n_sources; i++)
            p->source[i] = source[p->source[i]];
    }
    free(host);
    free(source);
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

/* ---- 4. blocks ---- */

/* A conversation's hosts as one number, as tight as it will. */
static uint64_t pair_of(const struct sorting *s, const struct fl_record *r)
{
    return r->a * s->n_hosts + r->b;
}

/* Steps 2 and 3 for the records of one gatherer, and how many are of each unit of pairs. */
static int place_and_count(void *ctx, uint32_t number)
{
    struct sorting *s = ctx;
    struct fl_gather *g = &s->gathers[number];
    struct part *p = &s->parts[number];
    for (size_t i = 0; i < g->n; i++) {
        struct fl_record *r = &g->items[i];
        r->a = p->places.host[r->a];
        r->b = p->places.host[r->b];
        r->source = (uint16_t)p->places.source[r->source];
        orient(r);
        p->next[pair_of(s, r) >> s->shift]++;
    }
    return asked_to_stop(g);
}

/* Units of neighbouring pairs: no more than there are records, and at most MOST_UNITS. */
static int choose_units(struct sorting *s)
{
    uint64_t pairs = s->n_hosts * s->n_hosts, most = s->n < MOST_UNITS ? s->n : MOST_UNITS;
    while ((pairs - 1) >> s->shift >= most)
        s->shift++;
    s->n_units = (size_t)((pairs - 1) >> s->shift) + 1;
    s->block_of = malloc(s->n_units * sizeof *s->block_of);
    s->blocks = malloc((s->n_units + 1) * sizeof *s->blocks);
    int rc = s->block_of && s->blocks ? 0 : FL_ENOMEM;
    for (uint32_t k = 0; k < s->n_gathers && rc == 0; k++) {
        s->parts[k].next = calloc(s->n_units, sizeof *s->parts[k].next);
        rc = s->parts[k].next ? 0 : FL_ENOMEM;
    }
    return rc;
}

/* Join units to blocks while they hold few records. */
static void join_units(struct sorting *s)
{
    size_t at = 0;
    for (size_t u = 0; u < s->n_units; u++) {
        size_t count = 0;
        for (uint32_t k = 0; k < s->n_gathers; k++)
            count += s->parts[k].next[u];
        if (u == 0 || at + count - s->blocks[s->n_blocks - 1].at > BLOCK_RECORDS)
            s->blocks[s->n_blocks++] = (struct block){at, (uint64_t)u << s->shift};
        s->block_of[u] = (uint32_t)(s->n_blocks - 1);
        at += count;
    }
    s->blocks[s->n_blocks].at = at;
}

/* Turn the counts of each gatherer into where its first record of a block goes: behind those of the gatherers
 * before it. */
static void share_out_blocks(struct sorting *s)
{
    for (uint32_t k = 0; k < s->n_gathers; k++)
        for (size_t u = 0; u < s->n_units; u++) { /* in place: no block's number is above its units' */
            uint32_t count = s->parts[k].next[u];
            s->parts[k].next[u] = 0;
            s->parts[k].next[s->block_of[u]] += count;
        }
    for (size_t b = 0; b < s->n_blocks; b++) {
        uint32_t at = (uint32_t)s->blocks[b].at;
        for (uint32_t k = 0; k < s->n_gathers; k++) {
            uint32_t count = s->parts[k].next[b];
            s->parts[k].next[b] = at;
            at += count;
        }
    }
}

static int scatter(void *ctx, uint32_t number)
{
    struct sorting *s = ctx;
    struct fl_gather *g = &s->gathers[number];
    uint32_t *next = s->parts[number].next;
    for (size_t i = 0; i < g->n; i++)
        s->items[next[s->block_of[pair_of(s, &g->items[i]) >> s->shift]]++] = g->items[i];
    free(g->items);
    g->items = NULL;
    return asked_to_stop(g);
}

/* ---- 5. order within a block ---- */

/* Put records in the order of entries, whose values are their places. */
static int follow_entries(struct fl_record *items, const struct fl_entries *e)
{
    struct fl_record *sorted = malloc(e->n * sizeof *sorted);
    if (!sorted)
        return FL_ENOMEM;
    for (size_t i = 0; i < e->n; i++)
        sorted[i] = items[e->items[i].value];
    memcpy(items, sorted, e->n * sizeof *items);
    free(sorted);
    return 0;
}

static int order_by_keys(const struct sorting *s, struct fl_record *items, size_t n, uint64_t first_pair)
{
    struct fl_entries e = {.items = malloc(n * sizeof *e.items), .n = n, .room = n};
    int rc = e.items ? 0 : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++)
        e.items[i] = (struct fl_entry){fl_record_lesser(&items[i]), (uint32_t)i};
    if (rc == 0)
        rc = fl_entries_sort(&e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        e.items[i].key = pair_of(s, &items[e.items[i].value]) - first_pair;
    if (rc == 0)
        rc = fl_entries_sort(&e);
    if (rc == 0)
        rc = follow_entries(items, &e);
    fl_entries_clear(&e);
    return rc;
}

static int order_by_start(struct fl_record *items, size_t n)
{
    struct fl_entries e = {.items = malloc(n * sizeof *e.items), .n = n, .room = n};
    int rc = e.items ? 0 : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) /* negative ones first */
        e.items[i] = (struct fl_entry){(uint64_t)items[i].start_ms ^ (uint64_t)1 << 63, (uint32_t)i};
    if (rc == 0)
        rc = fl_entries_sort(&e);
    if (rc == 0)
        rc = follow_entries(items, &e);
    fl_entries_clear(&e);
    return rc;
}

static int compare_records(const void *vx, const void *vy)
{
    return fl_record_compare(vx, vy);
}

/* Records alike but for end and marks, of what is in order of start. */
static void compare_ties(struct fl_record *items, size_t n)
{
    for (size_t from = 0, to; from < n; from = to) {
        bool sorted = true;
        for (to = from + 1; to < n && items[to].start_ms == items[from].start_ms; to++)
            sorted = sorted && fl_record_compare(&items[to - 1], &items[to]) <= 0;
        if (!sorted)
            qsort(items + from, to - from, sizeof *items, compare_records);
    }
}

/* The records of one conversation, direction and source, when they are not in order of time. */
static int order_by_time(struct fl_record *items, size_t n)
{
    if (n < LONG_RUN) {
        qsort(items, n, sizeof *items, compare_records);
        return 0;
    }
    int rc = order_by_start(items, n);
    if (rc == 0)
        compare_ties(items, n);
    return rc;
}

static int order_times(struct fl_record *items, size_t n)
{
    int rc = 0;
    for (size_t from = 0, to; from < n && rc == 0; from = to) {
        bool sorted = true;
        uint64_t hosts = fl_record_hosts(&items[from]), lesser = fl_record_lesser(&items[from]);
        for (to = from + 1;
             to < n && fl_record_lesser(&items[to]) == lesser && fl_record_hosts(&items[to]) == hosts; to++)
            sorted = sorted && fl_record_compare(&items[to - 1], &items[to]) <= 0;
        if (!sorted)
            rc = order_by_time(items + from, to - from);
    }
    return rc;
}

static int sort_block(const struct sorting *s, const struct block *b)
{
    size_t n = b[1].at - b->at;
    int rc = n > 1 ? order_by_keys(s, s->items + b->at, n, b->first_pair) : 0;
    return rc == 0 ? order_times(s->items + b->at, n) : rc;
}

/* The blocks that begin in a gatherer's share of the records. */
static int sort_blocks(void *ctx, uint32_t number)
{
    struct sorting *s = ctx;
    size_t from = s->n / s->n_gathers * number, to = s->n / s->n_gathers * (number + 1);
    int rc = 0;
    for (size_t b = 0; b < s->n_blocks && rc == 0; b++)
        if (s->blocks[b].at >= from && (s->blocks[b].at < to || number + 1 == s->n_gathers)) {
            rc = sort_block(s, &s->blocks[b]);
            rc = rc ? rc : asked_to_stop(&s->gathers[number]);
        }
    return rc;
}

/* ---- all steps ---- */

static int sort_records(struct sorting *s, struct fl_records *out)
{
    for (uint32_t k = 0; k < s->n_gathers; k++)
        s->n += s->gathers[k].n;
    if (s->n > INT32_MAX)
        return FL_ELIMIT;
    int rc = find_places(s, out);
    if (rc < 0 || s->n == 0)
        return rc;
    s->n_hosts = out->n_hosts;
    rc = choose_units(s);
    if (rc == 0)
        rc = fl_parallel(s->n_gathers, place_and_count, s);
    if (rc == 0 && !(s->items = malloc(s->n * sizeof *s->items)))
        rc = FL_ENOMEM;
    if (rc == 0) {
        join_units(s);
        share_out_blocks(s);
        rc = fl_parallel(s->n_gathers, scatter, s);
    }
    return rc == 0 ? fl_parallel(s->n_gathers, sort_blocks, s) : rc;
}

int fl_gathers_finish(struct fl_gather *gathers, uint32_t n, struct fl_records *out)
{
    struct sorting s = {.gathers = gathers, .n_gathers = n, .parts = calloc(n, sizeof *s.parts)};
    *out = (struct fl_records){0};
    int rc = s.parts ? sort_records(&s, out) : FL_ENOMEM;
    out->items = s.items;
    out->n = s.n;
    if (rc)
        fl_records_clear(out);
    for (uint32_t k = 0; k < n; k++) {
        if (s.parts) {
            free(s.parts[k].places.host);
            free(s.parts[k].places.source);
            free(s.parts[k].next);
        }
        fl_gather_clear(&gathers[k]);
    }
    free(s.parts);
    free(s.block_of);
    free(s.blocks);
    return rc;
}

int fl_gather_finish(struct fl_gather *g, struct fl_records *out)
{
    return fl_gathers_finish(g, 1, out);
}

void fl_records_clear(struct fl_records *r)
{
    free(r->hosts);
    free(r->sources);
    free(r->items);
    *r = (struct fl_records){0};
}
