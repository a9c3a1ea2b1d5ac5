/* What a router makes of flows: cut at the active timeout, exported in the order in which they expire. */
#include <stdlib.h>

#include "storage/error.h"
#include "tests/generate/day.h"

static size_t pieces(const struct gen_flow *f, int64_t active_ms)
{
    int64_t lasted = f->end_ms - f->start_ms;
    return lasted <= active_ms ? 1 : (size_t)((lasted + active_ms - 1) / active_ms);
}

static uint64_t share(uint64_t total, size_t i, size_t n, uint64_t least)
{
    uint64_t part = total / n + (i < total % n);
    return part < least ? least : part;
}

static struct gen_cut piece(const struct gen_flow *f, size_t i, size_t n, int64_t active_ms,
                            int64_t inactive_ms)
{
    struct gen_cut c = {.flow = *f, .end_reason = FL_END_IDLE};
    c.flow.start_ms = f->start_ms + (int64_t)i * active_ms;
    c.flow.packets = share(f->packets, i, n, 1);
    c.flow.bytes = share(f->bytes, i, n, 40);
    c.export_ms = f->end_ms + inactive_ms;
    if (i + 1 < n) {
        c.flow.end_ms = c.export_ms = c.flow.start_ms + active_ms;
        c.end_reason = FL_END_ACTIVE;
    }
    return c;
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

int gen_cut(const struct gen_flow *flows, size_t n, int64_t active_ms, int64_t inactive_ms,
            struct gen_cut **out, size_t *n_out)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        total += pieces(&flows[i], active_ms);
    struct gen_cut *cuts = calloc(total + 1, sizeof *cuts);
    if (cuts == NULL)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t k = pieces(&flows[i], active_ms);
        for (size_t p = 0; p < k; p++)
            cuts[at++] = piece(&flows[i], p, k, active_ms, inactive_ms);
    }
    qsort(cuts, total, sizeof *cuts, by_export);
    *out = cuts;
    *n_out = total;
    return 0;
}

static struct fl_flow record(const struct gen_cut *c, const struct fl_addr *exporter)
{
    const struct gen_flow *f = &c->flow;
    struct fl_flow r = {.start_ms = f->start_ms, .end_ms = f->end_ms, .exporter = *exporter};
    r.src = f->src;
    r.dst = f->dst;
    r.packets = f->packets;
    r.bytes = f->bytes;
    r.src_port = f->sport;
    r.dst_port = f->dport;
    r.protocol = f->proto;
    r.tcp_flags = f->tcp_flags;
    r.sampling = 1;
    r.end_reason = c->end_reason;
    r.time_source = FL_TIME_ABSOLUTE;
    return r;
}

int gen_records(const struct gen_day *day, const struct fl_addr *exporter, struct fl_flow **out,
                size_t *n_out)
{
    struct gen_cut *cuts;
    int result = gen_cut(day->flows, day->n_flows, GEN_ACTIVE_MS, GEN_INACTIVE_MS, &cuts, n_out);
    if (result < 0)
        return result;
    struct fl_flow *records = malloc((*n_out + 1) * sizeof *records);
    for (size_t i = 0; records != NULL && i < *n_out; i++)
        records[i] = record(&cuts[i], exporter);
    free(cuts);
    *out = records;
    return records == NULL ? FL_ENOMEM : 0;
}
