/* Stitching: puts together what the active timeout cut and counts once what two exporters saw.
 *
 * 1. Sort the records by exporter, 5-tuple and start.
 * 2. Learn each exporter's active timeout from records that are continued (a cut record is followed by the
 * rest of its flow within a second, and cut records have all about the same length).
 * 3. Walk each 5-tuple: a record that overlaps the flow so far, or follows within 1 s of a part that the
 * active timeout ended, belongs to it. Everything else (an inactive timeout, a FIN) starts a new flow.
 * 4. Sort the flows of all exporters by 5-tuple and start; a flow that overlaps another exporter's is the
 * same flow.
 *
 * Example, active timeout 60 s: parts [0, 60 s] [60.2 s, 120.1 s] [120.5 s, 130 s] are one flow [0, 130 s];
 * NTP requests at 0, 16 s and 32 s stay three flows. */
#include "mining/stitch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "storage/error.h"

static const int64_t continued_within_ms = 1000; /* the next part starts at most this long after the end */
static const int64_t clocks_differ_ms = 1000; /* two exporters' stamps of one packet differ by at most this */

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

static int compare_endpoints(const struct fl_uniflow *a, const struct fl_uniflow *b)
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
    for (size_t low = 0, high = 0; high < n; high++) {
        while (lengths[high] - lengths[low] > lengths[low] / 20)
            low++;
        if (high - low + 1 >= best) {
            best = high - low + 1;
            found = lengths[high];
        }
    }
    return best >= 3 ? found : fallback_ms;
}

int64_t fl_learn_active_timeout(const struct fl_flow *flows, size_t n, int64_t fallback_ms)
{
    size_t count = 0;
    int64_t *lengths = malloc((n ? n : 1) * sizeof *lengths);
    if (!lengths)
        return FL_ENOMEM;
    for (size_t i = 0; i + 1 < n; i++) {
        const struct fl_flow *f = &flows[i], *next = &flows[i + 1];
        int64_t gap_ms = next->start_ms - f->end_ms;
        if (f->end_ms - f->start_ms >= 1000 && gap_ms >= 0 && gap_ms <= continued_within_ms &&
            compare_tuple(f, next) == 0)
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
    struct fl_uniflow flow;
    size_t source; /* which (exporter, domain) saw it; SIZE_MAX: several */
};

static struct fl_uniflow uniflow_of(const struct fl_flow *f)
{
    return (struct fl_uniflow){.src = f->src,
                               .dst = f->dst,
                               .start_ms = f->start_ms,
                               .end_ms = f->end_ms > f->start_ms ? f->end_ms : f->start_ms,
                               .src_port = f->src_port,
                               .dst_port = f->dst_port,
                               .tcp_flags = f->tcp_flags,
                               .protocol = f->protocol};
}

static void extend(struct fl_uniflow *flow, int64_t end_ms, uint16_t tcp_flags)
{
    if (end_ms > flow->end_ms)
        flow->end_ms = end_ms;
    flow->tcp_flags |= tcp_flags;
}

/* Step 3 for the records [0, n) of one source; appends to parts and returns how many it appended. */
static size_t stitch_source(const struct fl_flow *flows, size_t n, int64_t timeout_ms, size_t source,
                            struct part *parts)
{
    size_t count = 0;
    bool cut = false;
    for (size_t i = 0; i < n; i++) {
        const struct fl_flow *f = &flows[i];
        struct fl_uniflow *last = count ? &parts[count - 1].flow : NULL;
        bool same = last && compare_tuple(&flows[i - 1], f) == 0;
        if (same &&
            (f->start_ms <= last->end_ms || (cut && f->start_ms - last->end_ms <= continued_within_ms))) {
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
    const struct fl_uniflow *a = &pa->flow, *b = &pb->flow;
    int c = compare_endpoints(a, b);
    if (c != 0)
        return c;
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->end_ms, b->end_ms);
    FL_ORDER(pa->source, pb->source);
    return 0;
}

/* Step 4, in place; returns how many flows are left. */
static size_t deduplicate(struct part *parts, size_t n)
{
    size_t kept = 0;
    qsort(parts, n, sizeof *parts, compare_parts);
    for (size_t i = 0; i < n; i++) {
        struct part *last = kept ? &parts[kept - 1] : NULL;
        if (last && compare_endpoints(&last->flow, &parts[i].flow) == 0) {
            int64_t slack_ms = last->source == parts[i].source ? 0 : clocks_differ_ms;
            if (parts[i].flow.start_ms - last->flow.end_ms <= slack_ms) {
                if (last->source != parts[i].source)
                    last->source = SIZE_MAX;
                extend(&last->flow, parts[i].flow.end_ms, parts[i].flow.tcp_flags);
                continue;
            }
        }
        parts[kept++] = parts[i];
    }
    return kept;
}

/* Step 3 for all sources; returns how many parts there are, or FL_ENOMEM. */
static long stitch_sources(const struct fl_flow *flows, size_t n, int64_t fallback_ms, struct part *parts)
{
    size_t count = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && compare_source(&flows[from], &flows[to]) == 0;)
            to++;
        int64_t timeout_ms = fl_learn_active_timeout(flows + from, to - from, fallback_ms);
        if (timeout_ms < 0)
            return FL_ENOMEM;
        count += stitch_source(flows + from, to - from, timeout_ms, from, parts + count);
    }
    return (long)count;
}

int fl_stitch(struct fl_flow *flows, size_t n, int64_t active_timeout_ms, struct fl_uniflow **out,
              size_t *n_out)
{
    struct part *parts = malloc((n ? n : 1) * sizeof *parts);
    struct fl_uniflow *result = NULL;
    if (!parts)
        return FL_ENOMEM;
    if (n)
        qsort(flows, n, sizeof *flows, compare_records);
    long stitched = stitch_sources(flows, n, active_timeout_ms, parts);
    if (stitched < 0)
        goto done;
    size_t count = deduplicate(parts, (size_t)stitched);
    result = malloc((count ? count : 1) * sizeof *result);
    if (!result)
        goto done;
    for (size_t i = 0; i < count; i++)
        result[i] = parts[i].flow;
    *out = result;
    *n_out = count;
done:
    free(parts);
    return result ? 0 : FL_ENOMEM;
}
