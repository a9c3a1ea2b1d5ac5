/* Turns cut flows into datagrams. One datagram holds flows that expired within a second of each other, up to
 * what its dialect and an Ethernet frame take. */
#include "tests/generate/encode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

enum { TEMPLATE_EVERY = 20, GAP_MS = 1000, BOOT_BEFORE_MS = 3600000 };
enum { V5_MOST = 30, V9_MOST = 20, IPFIX_MOST = 14 };
enum { IN_IF = 1, OUT_IF = 2 };
enum {
    V5_RANDOM = 2,
    OPTIONS_ID = 290
}; /* sampling mode of the v5 header; template of what v9 and IPFIX say */

struct out {
    uint8_t bytes[GEN_DATAGRAM_MAX];
    size_t n;
};

static void put(struct out *o, uint64_t value, size_t width)
{
    assert(o->n + width <= sizeof o->bytes);
    for (size_t i = width; i > 0; i--)
        o->bytes[o->n++] = (uint8_t)(value >> (8 * (i - 1)));
}

static void put_at(struct out *o, size_t at, uint64_t value)
{
    o->bytes[at] = (uint8_t)(value >> 8);
    o->bytes[at + 1] = (uint8_t)value;
}

static void put_addr(struct out *o, const struct fl_addr *a)
{
    size_t skip = fl_addr_is_v4(a) ? 12 : 0;
    for (size_t i = skip; i < 16; i++)
        put(o, a->b[i], 1);
}

/* Counters of 32 bits stop at their top rather than wrap. */
static uint64_t least(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

struct encoder {
    enum gen_form form;
    int64_t boot_ms;
    uint32_t sequence, sampling;
    uint64_t datagrams;
    struct out out;
};

static void v5_record(struct encoder *e, const struct gen_flow *f)
{
    struct out *o = &e->out;
    put_addr(o, &f->src);
    put_addr(o, &f->dst);
    put(o, 0, 4); /* next hop */
    put(o, IN_IF, 2);
    put(o, OUT_IF, 2);
    put(o, least(f->packets, UINT32_MAX), 4);
    put(o, least(f->bytes, UINT32_MAX), 4);
    put(o, (uint64_t)(f->start_ms - e->boot_ms), 4);
    put(o, (uint64_t)(f->end_ms - e->boot_ms), 4);
    put(o, f->sport, 2);
    put(o, f->dport, 2);
    put(o, 0, 1);
    put(o, f->tcp_flags, 1);
    put(o, f->proto, 1);
    put(o, 0, 1); /* type of service */
    put(o, 0, 8); /* AS numbers, masks, padding */
}

static void v5_datagram(struct encoder *e, const struct gen_cut *cuts, size_t n, int64_t now_ms)
{
    put(&e->out, 5, 2);
    put(&e->out, n, 2);
    put(&e->out, (uint64_t)(now_ms - e->boot_ms), 4);
    put(&e->out, (uint64_t)(now_ms / 1000), 4);
    put(&e->out, (uint64_t)(now_ms % 1000) * 1000000, 4);
    put(&e->out, e->sequence, 4);
    put(&e->out, 0, 2); /* engine */
    put(&e->out, e->sampling > 1 ? V5_RANDOM << 14 | e->sampling : 0, 2);
    for (size_t i = 0; i < n; i++)
        v5_record(e, &cuts[i].flow);
    e->sequence += (uint32_t)n;
}

struct field {
    uint16_t element, length;
};

static const struct field v9_fields[] = {{22, 4}, {21, 4}, {1, 4}, {2, 4}, {10, 2}, {14, 2},
                                         {7, 2},  {11, 2}, {4, 1}, {6, 1}, {5, 1},  {0, 0}};
static const struct field ipfix_fields[] = {{152, 8}, {153, 8}, {1, 8}, {2, 8}, {10, 4},  {14, 4}, {7, 2},
                                            {11, 2},  {4, 1},   {6, 2}, {5, 1}, {136, 1}, {0, 0}};

/* The template of one family: two addresses, the fields, and in IPFIX the ICMP type and code. */
static void put_template(struct out *o, unsigned id, bool six, bool ipfix)
{
    const struct field *fields = ipfix ? ipfix_fields : v9_fields;
    size_t n = 0;
    while (fields[n].element != 0)
        n++;
    put(o, id, 2);
    put(o, n + 2 + ipfix, 2);
    put(o, six ? 27 : 8, 2);
    put(o, six ? 16 : 4, 2);
    put(o, six ? 28 : 12, 2);
    put(o, six ? 16 : 4, 2);
    for (size_t i = 0; i < n; i++) {
        put(o, fields[i].element, 2);
        put(o, fields[i].length, 2);
    }
    if (ipfix) {
        put(o, six ? 139 : 32, 2);
        put(o, 2, 2);
    }
}

static unsigned template_id(const struct encoder *e, bool six)
{
    return (e->form == GEN_IPFIX ? 300 : 260) + six;
}

static void put_templates(struct encoder *e, unsigned set)
{
    size_t at = e->out.n;
    put(&e->out, set, 2);
    put(&e->out, 0, 2);
    put_template(&e->out, template_id(e, false), false, e->form == GEN_IPFIX);
    put_template(&e->out, template_id(e, true), true, e->form == GEN_IPFIX);
    put_at(&e->out, at + 2, e->out.n - at);
}

static void v9_record(struct encoder *e, const struct gen_cut *c)
{
    const struct gen_flow *f = &c->flow;
    struct out *o = &e->out;
    put_addr(o, &f->src);
    put_addr(o, &f->dst);
    put(o, (uint64_t)(f->start_ms - e->boot_ms), 4);
    put(o, (uint64_t)(f->end_ms - e->boot_ms), 4);
    put(o, least(f->bytes, UINT32_MAX), 4);
    put(o, least(f->packets, UINT32_MAX), 4);
    put(o, IN_IF, 2);
    put(o, OUT_IF, 2);
    put(o, f->sport, 2);
    put(o, f->dport, 2);
    put(o, f->proto, 1);
    put(o, f->tcp_flags, 1);
    put(o, 0, 1);
}

static void ipfix_record(struct encoder *e, const struct gen_cut *c)
{
    const struct gen_flow *f = &c->flow;
    struct out *o = &e->out;
    bool icmp = f->proto == FL_PROTO_ICMP || f->proto == FL_PROTO_ICMP6;
    put_addr(o, &f->src);
    put_addr(o, &f->dst);
    put(o, (uint64_t)f->start_ms, 8);
    put(o, (uint64_t)f->end_ms, 8);
    put(o, f->bytes, 8);
    put(o, f->packets, 8);
    put(o, IN_IF, 4);
    put(o, OUT_IF, 4);
    put(o, f->sport, 2);
    put(o, icmp ? 0 : f->dport, 2);
    put(o, f->proto, 1);
    put(o, f->tcp_flags, 2);
    put(o, 0, 1);
    put(o, c->end_reason, 1);
    put(o, icmp ? f->dport : 0, 2);
}

/* The data set of one family, if there is any; returns how many records it holds. */
static size_t put_data(struct encoder *e, const struct gen_cut *cuts, size_t n, bool six)
{
    size_t at = e->out.n, count = 0;
    put(&e->out, template_id(e, six), 2);
    put(&e->out, 0, 2);
    for (size_t i = 0; i < n; i++) {
        if (fl_addr_is_v4(&cuts[i].flow.src) == six)
            continue;
        if (e->form == GEN_IPFIX)
            ipfix_record(e, &cuts[i]);
        else
            v9_record(e, &cuts[i]);
        count++;
    }
    if (count == 0) {
        e->out.n = at;
        return 0;
    }
    put(&e->out, 0, (4 - (e->out.n - at) % 4) % 4);
    put_at(&e->out, at + 2, e->out.n - at);
    return count;
}

static bool templates_due(const struct encoder *e)
{
    return e->datagrams % TEMPLATE_EVERY == 0;
}

/* Options template and data: one packet in so many is looked at (elements 34 and 35), by a scope that is the
 * system (v9) or the observation domain (IPFIX). */
static void put_sampling(struct encoder *e)
{
    struct out *o = &e->out;
    bool ipfix = e->form == GEN_IPFIX;
    put(o, ipfix ? 3 : 1, 2);
    put(o, 4 + 6 + 12 + 2, 2);
    put(o, OPTIONS_ID, 2);
    put(o, ipfix ? 3 : 4, 2); /* fields in all; bytes of scope */
    put(o, ipfix ? 1 : 8, 2); /* scope fields; bytes of options */
    put(o, ipfix ? 149 : 1, 2);
    put(o, 4, 2);
    put(o, 34, 2);
    put(o, 4, 2);
    put(o, 35, 2);
    put(o, 1, 2);
    put(o, 0, 2); /* padding */
    put(o, OPTIONS_ID, 2);
    put(o, 4 + 9 + 3, 2);
    put(o, 0, 4);
    put(o, e->sampling, 4);
    put(o, 2, 1); /* random */
    put(o, 0, 3);
}

static bool sampling_due(const struct encoder *e)
{
    return templates_due(e) && e->sampling > 1;
}

static void v9_datagram(struct encoder *e, const struct gen_cut *cuts, size_t n, int64_t now_ms)
{
    put(&e->out, 9, 2);
    put(&e->out, n + (templates_due(e) ? 2 : 0) + (sampling_due(e) ? 2 : 0), 2);
    put(&e->out, (uint64_t)(now_ms - e->boot_ms), 4);
    put(&e->out, (uint64_t)(now_ms / 1000), 4);
    put(&e->out, e->sequence++, 4);
    put(&e->out, 0, 4);
    if (templates_due(e))
        put_templates(e, 0);
    if (sampling_due(e))
        put_sampling(e);
    put_data(e, cuts, n, false);
    put_data(e, cuts, n, true);
}

static void ipfix_datagram(struct encoder *e, const struct gen_cut *cuts, size_t n, int64_t now_ms)
{
    put(&e->out, 10, 2);
    put(&e->out, 0, 2);
    put(&e->out, (uint64_t)(now_ms / 1000), 4);
    put(&e->out, e->sequence, 4);
    put(&e->out, 0, 4);
    if (templates_due(e))
        put_templates(e, 2);
    if (sampling_due(e))
        put_sampling(e);
    put_data(e, cuts, n, false);
    put_data(e, cuts, n, true);
    put_at(&e->out, 2, e->out.n);
    e->sequence += (uint32_t)n + sampling_due(e); /* options data are records, too */
}

static size_t most(enum gen_form form)
{
    return form == GEN_V5 ? V5_MOST : form == GEN_V9 ? V9_MOST : IPFIX_MOST;
}

/* How many of the cuts behind `from` go into one datagram. */
static size_t batch_of(const struct gen_cut *cuts, size_t from, size_t n, enum gen_form form)
{
    size_t k = from;
    while (k < n && k - from < most(form) && cuts[k].export_ms - cuts[from].export_ms <= GAP_MS)
        k++;
    return k - from;
}

static size_t without_v6(struct gen_cut *cuts, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (fl_addr_is_v4(&cuts[i].flow.src))
            cuts[kept++] = cuts[i];
    return kept;
}

static int encode_all(struct encoder *e, const struct gen_cut *cuts, size_t n, gen_datagram_fn *fn, void *ctx,
                      struct gen_encode_report *report)
{
    size_t k;
    for (size_t i = 0; i < n; i += k) {
        k = batch_of(cuts, i, n, e->form);
        int64_t now_ms = cuts[i + k - 1].export_ms;
        e->out.n = 0;
        if (e->form == GEN_V5)
            v5_datagram(e, cuts + i, k, now_ms);
        else if (e->form == GEN_V9)
            v9_datagram(e, cuts + i, k, now_ms);
        else
            ipfix_datagram(e, cuts + i, k, now_ms);
        e->datagrams++;
        int result = fn(ctx, now_ms, e->out.bytes, e->out.n);
        if (result != 0)
            return result;
        report->records += k;
        report->datagrams++;
        report->bytes += e->out.n;
    }
    return 0;
}

static int64_t first_start(const struct gen_cut *cuts, size_t n)
{
    int64_t first_ms = n > 0 ? cuts[0].flow.start_ms : 0;
    for (size_t i = 1; i < n; i++)
        first_ms = cuts[i].flow.start_ms < first_ms ? cuts[i].flow.start_ms : first_ms;
    return first_ms;
}

int gen_encode(const struct gen_flow *flows, size_t n, const struct gen_router *router, enum gen_form form,
               gen_datagram_fn *fn, void *ctx, struct gen_encode_report *report)
{
    struct gen_cut *cuts;
    size_t n_cuts;
    *report = (struct gen_encode_report){0};
    int result = gen_cut(flows, n, router, &cuts, &n_cuts);
    if (result < 0)
        return result;
    struct encoder e = {
        .form = form, .sampling = router->sampling, .boot_ms = first_start(cuts, n_cuts) - BOOT_BEFORE_MS};
    size_t kept = form == GEN_V5 ? without_v6(cuts, n_cuts) : n_cuts;
    report->skipped = n_cuts - kept;
    result = encode_all(&e, cuts, kept, fn, ctx, report);
    free(cuts);
    return result;
}
