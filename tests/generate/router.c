/* What routers make of flows: a flow cache each, with its own timeouts, sampling, clock and losses. */
#include "tests/generate/router.h"

#include <math.h>
#include <stdlib.h>

#include "storage/error.h"
#include "tests/generate/random.h"

enum { BATCH_MOST = 14, BATCH_MS = 1000 }; /* records that share a datagram, and so its loss */

void gen_router_init(struct gen_router *router)
{
    *router = (struct gen_router){.address = fl_addr_v4(0x7f000001),
                                  .active_ms = GEN_ACTIVE_MS,
                                  .inactive_ms = GEN_INACTIVE_MS,
                                  .sampling = 1,
                                  .seed = 1};
}

/* ---- which flows pass ---- */

static uint32_t v4(const struct fl_addr *a)
{
    return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 | a->b[15];
}

static bool in_world(const struct fl_addr *a)
{
    return fl_addr_is_v4(a) ? v4(a) >> 17 == 0xc6120000u >> 17 : a->b[0] == 0x20 && a->b[4] == 0xf0;
}

static bool is_workstation(const struct fl_addr *a)
{
    return fl_addr_is_v4(a) ? v4(a) >> 16 == 0x0a01 && (v4(a) >> 8 & 0xff) != 0
                            : a->b[0] == 0x20 && a->b[4] == 0;
}

static bool passes(const struct gen_flow *f, enum gen_place place)
{
    bool outside = in_world(&f->src) || in_world(&f->dst);
    if (place == GEN_BORDER)
        return outside;
    return place == GEN_EVERYWHERE || !outside || is_workstation(&f->src) || is_workstation(&f->dst);
}

/* ---- the cache ---- */

struct cache {
    const struct gen_router *router;
    struct gen_random random;
    struct gen_cut *cuts;
    size_t n, room;
    bool failed; /* out of memory: sticky */
};

/* A record leaves the cache. */
static void export_record(struct cache *c, const struct gen_flow *f, bool active)
{
    const struct gen_router *r = c->router;
    if (c->n == c->room) {
        size_t room = c->room == 0 ? 4096 : c->room * 2;
        struct gen_cut *larger = realloc(c->cuts, room * sizeof *larger);
        c->failed = c->failed || larger == NULL;
        if (larger == NULL)
            return;
        c->cuts = larger;
        c->room = room;
    }
    struct gen_cut cut = {.flow = *f, .export_ms = f->end_ms + r->clock_ms};
    if (!active)
        cut.export_ms += r->inactive_ms;
    if (!r->mute)
        cut.end_reason = active ? FL_END_ACTIVE : FL_END_IDLE;
    int64_t off_ms = r->clock_ms;
    if (r->clock_error_ms > 0)
        off_ms += gen_between(&c->random, -r->clock_error_ms, r->clock_error_ms);
    cut.flow.start_ms += off_ms;
    cut.flow.end_ms += off_ms;
    c->cuts[c->n++] = cut;
}

static uint64_t share(uint64_t total, size_t i, size_t n, uint64_t least)
{
    uint64_t part = total / n + (i < total % n);
    return part < least ? least : part;
}

static void see_all(struct cache *c, const struct gen_flow *f)
{
    int64_t lasted = f->end_ms - f->start_ms, active_ms = c->router->active_ms;
    size_t n = lasted <= active_ms ? 1 : (size_t)((lasted + active_ms - 1) / active_ms);
    for (size_t i = 0; i < n; i++) {
        struct gen_flow piece = *f;
        piece.start_ms = f->start_ms + (int64_t)i * active_ms;
        piece.packets = share(f->packets, i, n, 1);
        piece.bytes = share(f->bytes, i, n, 40);
        if (i + 1 < n)
            piece.end_ms = piece.start_ms + active_ms;
        export_record(c, &piece, i + 1 < n);
    }
}

/* How many packets are passed over until the next that is looked at: geometric. */
static uint64_t passed_over(struct cache *c)
{
    return (uint64_t)(log1p(-gen_unit(&c->random)) / log1p(-1.0 / c->router->sampling));
}

static void see_packet(struct gen_flow *entry, const struct gen_flow *f, uint64_t packet, int64_t at_ms)
{
    if (entry->packets == 0) {
        *entry = *f;
        entry->start_ms = at_ms;
        entry->packets = entry->bytes = 0;
        entry->tcp_flags = 0;
    }
    unsigned unseen = (packet > 0 ? FL_TCP_SYN : 0) | (packet + 1 < f->packets ? FL_TCP_FIN : 0);
    entry->end_ms = at_ms;
    entry->packets++;
    entry->bytes += f->bytes / f->packets;
    entry->tcp_flags |= (uint8_t)(f->tcp_flags & ~unseen);
}

static void see_some(struct cache *c, const struct gen_flow *f)
{
    struct gen_flow entry = {.packets = 0};
    uint64_t gaps = f->packets > 1 ? f->packets - 1 : 1;
    for (uint64_t i = passed_over(c); i < f->packets; i += 1 + passed_over(c)) {
        int64_t at_ms = f->start_ms + (int64_t)((double)(f->end_ms - f->start_ms) * (double)i / (double)gaps);
        bool idle = at_ms - entry.end_ms > c->router->inactive_ms;
        if (entry.packets > 0 && (idle || at_ms - entry.start_ms >= c->router->active_ms)) {
            export_record(c, &entry, !idle);
            entry.packets = 0;
        }
        see_packet(&entry, f, i, at_ms);
    }
    if (entry.packets > 0)
        export_record(c, &entry, false);
}

static int by_export(const void *left, const void *right)
{
    const struct gen_cut *a = left, *b = right;
    const struct gen_flow *x = &a->flow, *y = &b->flow;
    if (a->export_ms != b->export_ms)
        return a->export_ms < b->export_ms ? -1 : 1;
    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    int order = fl_addr_cmp(&x->src, &y->src);
    if (order == 0)
        order = fl_addr_cmp(&x->dst, &y->dst);
    if (order == 0)
        order = (x->sport > y->sport) - (x->sport < y->sport);
    if (order == 0)
        order = (x->dport > y->dport) - (x->dport < y->dport);
    return order != 0 ? order : (x->proto > y->proto) - (x->proto < y->proto);
}

int gen_cut(const struct gen_flow *flows, size_t n, const struct gen_router *router, struct gen_cut **out,
            size_t *n_out)
{
    struct cache c = {.router = router, .cuts = malloc(sizeof *c.cuts), .room = 1};
    gen_random_init(&c.random, router->seed, "router");
    c.failed = c.cuts == NULL;
    for (size_t i = 0; i < n && !c.failed; i++) {
        if (!passes(&flows[i], router->place))
            continue;
        if (router->sampling > 1)
            see_some(&c, &flows[i]);
        else
            see_all(&c, &flows[i]);
    }
    if (c.failed) {
        free(c.cuts);
        return FL_ENOMEM;
    }
    qsort(c.cuts, c.n, sizeof *c.cuts, by_export);
    *out = c.cuts;
    *n_out = c.n;
    return 0;
}

/* ---- the way to the collector ---- */

/* Take out the datagrams that do not arrive; returns how many records are left. */
static size_t lose(struct gen_cut *cuts, size_t n, const struct gen_router *router)
{
    struct gen_random random;
    gen_random_init(&random, router->seed, "way");
    size_t kept = 0;
    for (size_t from = 0, to; from < n; from = to) {
        bool lost = gen_chance(&random, router->loss);
        for (to = from;
             to < n && to - from < BATCH_MOST && cuts[to].export_ms - cuts[from].export_ms <= BATCH_MS; to++)
            if (!lost)
                cuts[kept++] = cuts[to];
    }
    return kept;
}

static struct fl_flow record(const struct gen_cut *c, const struct gen_router *router)
{
    const struct gen_flow *f = &c->flow;
    struct fl_flow r = {.start_ms = f->start_ms, .end_ms = f->end_ms, .exporter = router->address};
    r.src = f->src;
    r.dst = f->dst;
    r.packets = f->packets;
    r.bytes = f->bytes;
    r.src_port = f->sport;
    r.dst_port = f->dport;
    r.protocol = f->proto;
    r.tcp_flags = f->tcp_flags;
    r.sampling = router->sampling;
    r.end_reason = c->end_reason;
    r.time_source = FL_TIME_ABSOLUTE;
    return r;
}

/* Append what arrives from one router. */
static int add_records(const struct gen_day *day, const struct gen_router *router, struct fl_flow **records,
                       size_t *n)
{
    struct gen_cut *cuts;
    size_t n_cuts;
    int result = gen_cut(day->flows, day->n_flows, router, &cuts, &n_cuts);
    if (result < 0)
        return result;
    n_cuts = lose(cuts, n_cuts, router);
    struct fl_flow *larger = realloc(*records, (*n + n_cuts + 1) * sizeof *larger);
    if (larger != NULL) {
        *records = larger;
        for (size_t i = 0; i < n_cuts; i++)
            larger[(*n)++] = record(&cuts[i], router);
    }
    free(cuts);
    return larger == NULL ? FL_ENOMEM : 0;
}

int gen_records(const struct gen_day *day, const struct gen_router *routers, size_t n_routers,
                struct fl_flow **out, size_t *n_out)
{
    struct fl_flow *records = NULL;
    size_t n = 0;
    int result = 0;
    for (size_t i = 0; i < n_routers && result == 0; i++)
        result = add_records(day, &routers[i], &records, &n);
    if (result < 0) {
        free(records);
        return result;
    }
    *out = records;
    *n_out = n;
    return 0;
}
