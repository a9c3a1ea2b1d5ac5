/* Stitching in its plain form: records compared field by field, every grouping a sort. */
#ifndef FL_TESTS_MINING_PLAIN_STITCH_H
#define FL_TESTS_MINING_PLAIN_STITCH_H

#include <netinet/in.h>
#include <stdbool.h>

#include "mining/order.h"
#include "tests/mining/mining_fixture.h"

/* One direction of talk between two endpoints, whole again after the active timeout cut it. */
struct plain_flow {
    struct fl_addr src, dst;
    int64_t start_ms, end_ms;
    uint16_t src_port, dst_port;
    uint16_t tcp_flags;
    uint8_t protocol;
};

static inline void *plain_array(size_t n, size_t size)
{
    void *items = calloc(n + 1, size);
    assert_non_null(items);
    return items;
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

/* ---- stitching ---- */

/* The order of 5-tuples: source, destination, then protocol and ports as one number. */
static int compare_ends(const struct fl_addr *src, const struct fl_addr *dst, uint64_t rest,
                        const struct fl_addr *other_src, const struct fl_addr *other_dst, uint64_t other_rest)
{
    int c = fl_addr_cmp(src, other_src);
    if (c == 0)
        c = fl_addr_cmp(dst, other_dst);
    if (c != 0)
        return c;
    FL_ORDER(rest, other_rest);
    return 0;
}

static uint64_t protocol_and_ports(uint8_t protocol, uint16_t src_port, uint16_t dst_port)
{
    return (uint64_t)protocol << 32 | (uint64_t)src_port << 16 | dst_port;
}

static int compare_tuple(const struct fl_flow *a, const struct fl_flow *b)
{
    return compare_ends(&a->src, &a->dst, protocol_and_ports(a->protocol, a->src_port, a->dst_port), &b->src,
                        &b->dst, protocol_and_ports(b->protocol, b->src_port, b->dst_port));
}

static int compare_endpoints(const struct plain_flow *a, const struct plain_flow *b)
{
    return compare_ends(&a->src, &a->dst, protocol_and_ports(a->protocol, a->src_port, a->dst_port), &b->src,
                        &b->dst, protocol_and_ports(b->protocol, b->src_port, b->dst_port));
}

static int compare_source(const struct fl_flow *a, const struct fl_flow *b)
{
    int c = fl_addr_cmp(&a->exporter, &b->exporter);
    if (c != 0)
        return c;
    FL_ORDER(a->domain, b->domain);
    return 0;
}

static int compare_records(const void *va, const void *vb)
{
    const struct fl_flow *a = va, *b = vb;
    int c = compare_source(a, b);
    if (c == 0)
        c = compare_tuple(a, b);
    if (c != 0)
        return c;
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->end_ms, b->end_ms);
    FL_ORDER(a->end_reason, b->end_reason);
    return 0;
}

static int compare_ms(const void *va, const void *vb)
{
    FL_ORDER(*(const int64_t *)va, *(const int64_t *)vb);
    return 0;
}

/* The longest of the lengths in the 5 % wide band that holds most of them. */
static int64_t densest_length(int64_t *lengths, size_t n, int64_t fallback_ms)
{
    size_t best = 0;
    int64_t found = fallback_ms;
    qsort(lengths, n, sizeof *lengths, compare_ms);
    for (size_t high = 0; high < n; high++) {
        size_t in_band = 0;
        for (size_t low = 0; low <= high; low++)
            in_band += lengths[high] - lengths[low] <= lengths[low] / 20;
        if (in_band >= best) {
            best = in_band;
            found = lengths[high];
        }
    }
    return best >= 3 ? found : fallback_ms;
}

static int64_t plain_active_timeout(const struct fl_flow *flows, size_t n, int64_t fallback_ms)
{
    size_t count = 0;
    int64_t *lengths = plain_array(n, sizeof *lengths);
    for (size_t i = 0; i + 1 < n; i++) {
        const struct fl_flow *f = &flows[i], *next = &flows[i + 1];
        int64_t gap_ms = next->start_ms - f->end_ms;
        if (f->end_ms - f->start_ms >= 1000 && gap_ms >= 0 && gap_ms <= 1000 && compare_tuple(f, next) == 0)
            lengths[count++] = f->end_ms - f->start_ms;
    }
    int64_t found = densest_length(lengths, count, fallback_ms);
    free(lengths);
    return found;
}

static bool cut_by_timeout(const struct fl_flow *f, int64_t active_timeout_ms)
{
    if (f->end_reason != FL_END_UNKNOWN)
        return f->end_reason == FL_END_ACTIVE;
    return f->end_ms - f->start_ms >= active_timeout_ms - active_timeout_ms / 10;
}

struct part { /* a flow being put together */
    struct plain_flow flow;
    size_t source; /* which (exporter, domain) saw it */
};

static struct plain_flow uniflow_of(const struct fl_flow *f)
{
    return (struct plain_flow){.src = f->src,
                               .dst = f->dst,
                               .start_ms = f->start_ms,
                               .end_ms = f->end_ms > f->start_ms ? f->end_ms : f->start_ms,
                               .src_port = f->src_port,
                               .dst_port = f->dst_port,
                               .tcp_flags = f->tcp_flags,
                               .protocol = f->protocol};
}

static void extend(struct plain_flow *flow, int64_t end_ms, uint16_t tcp_flags)
{
    if (end_ms > flow->end_ms)
        flow->end_ms = end_ms;
    flow->tcp_flags |= tcp_flags;
}

static size_t stitch_source(const struct fl_flow *flows, size_t n, int64_t timeout_ms, size_t source,
                            struct part *parts)
{
    size_t count = 0;
    bool cut = false;
    for (size_t i = 0; i < n; i++) {
        const struct fl_flow *f = &flows[i];
        struct plain_flow *last = count ? &parts[count - 1].flow : NULL;
        bool same = last && compare_tuple(&flows[i - 1], f) == 0;
        if (same && (f->start_ms <= last->end_ms || (cut && f->start_ms - last->end_ms <= 1000))) {
            if (f->end_ms >= last->end_ms)
                cut = cut_by_timeout(f, timeout_ms);
            extend(last, f->end_ms, f->tcp_flags);
            continue;
        }
        parts[count++] = (struct part){uniflow_of(f), source};
        cut = cut_by_timeout(f, timeout_ms);
    }
    return count;
}

static int compare_parts(const void *va, const void *vb)
{
    const struct part *pa = va, *pb = vb;
    const struct plain_flow *a = &pa->flow, *b = &pb->flow;
    int c = compare_endpoints(a, b);
    if (c != 0)
        return c;
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->end_ms, b->end_ms);
    FL_ORDER(pa->source, pb->source);
    return 0;
}

/* Has a source a share in the flow that begins at parts[first], to which those up to `i` belong? */
static bool has_share(const struct part *parts, const bool *begins, size_t i, size_t source)
{
    while (i-- > 0) {
        if (parts[i].source == source)
            return true;
        if (begins[i])
            return false;
    }
    return false;
}

static size_t deduplicate(struct part *parts, size_t n, struct plain_flow *out)
{
    bool *begins = plain_array(n, sizeof *begins);
    size_t kept = 0;
    qsort(parts, n, sizeof *parts, compare_parts);
    for (size_t i = 0; i < n; i++) {
        struct plain_flow *last = kept ? &out[kept - 1] : NULL, *f = &parts[i].flow;
        bool same = last && compare_endpoints(last, f) == 0;
        int64_t slack_ms = same && has_share(parts, begins, i, parts[i].source) ? 0 : 1000;
        if (same && f->start_ms - last->end_ms <= slack_ms) {
            extend(last, f->end_ms, f->tcp_flags);
            continue;
        }
        begins[i] = true;
        out[kept++] = *f;
    }
    free(begins);
    return kept;
}

/* An end before the start, and ports where there are none, mean nothing. */
static void clean(struct fl_flow *f)
{
    if (f->end_ms < f->start_ms)
        f->end_ms = f->start_ms;
    if (!has_ports(f->protocol))
        f->src_port = 0;
    if (!has_ports(f->protocol) && !is_icmp(f->protocol))
        f->dst_port = 0;
}

/* Sorts `flows` in place; *out is the caller's to free. */
static inline size_t plain_stitch(struct fl_flow *flows, size_t n, int64_t fallback_ms,
                                  struct plain_flow **out)
{
    struct part *parts = plain_array(n, sizeof *parts);
    size_t count = 0;
    *out = plain_array(n, sizeof **out);
    for (size_t i = 0; i < n; i++)
        clean(&flows[i]);
    qsort(flows, n, sizeof *flows, compare_records);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && compare_source(&flows[from], &flows[to]) == 0;)
            to++;
        int64_t timeout_ms = plain_active_timeout(flows + from, to - from, fallback_ms);
        count += stitch_source(flows + from, to - from, timeout_ms, from, parts + count);
    }
    count = deduplicate(parts, count, *out);
    free(parts);
    return count;
}

#endif
