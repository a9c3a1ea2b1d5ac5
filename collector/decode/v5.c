/* NetFlow v5: its one template, and the way past it. */
#include "collector/decode/v5.h"

#include <endian.h>

#include "collector/decode/flowtime.h"

static const struct {
    uint16_t element, length;
} fields[] = {
    {8, 4},   /* srcaddr */
    {12, 4},  /* dstaddr */
    {15, 4},  /* nexthop */
    {10, 2},  /* input */
    {14, 2},  /* output */
    {2, 4},   /* dPkts */
    {1, 4},   /* dOctets */
    {22, 4},  /* First */
    {21, 4},  /* Last */
    {7, 2},   /* srcport */
    {11, 2},  /* dstport */
    {210, 1}, /* pad1 */
    {6, 1},   /* tcp_flags */
    {4, 1},   /* prot */
    {5, 1},   /* tos */
    {210, 8}, /* src_as, dst_as, masks, pad2 */
};

struct fl_layout *fl_v5_layout(GHashTable *layouts, struct fl_layout_draft *draft)
{
    fl_layout_draft_init(draft, false);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        (void)fl_layout_draft_add(draft, 0, fields[i].element, fields[i].length);
    return fl_layout_intern(layouts, draft);
}

/* The record as it stands on the wire, at any address. */
struct __attribute__((packed, may_alias)) wire {
    uint32_t src, dst, next_hop;
    uint16_t in_if, out_if;
    uint32_t packets, bytes, first, last;
    uint16_t src_port, dst_port;
    uint8_t pad, tcp_flags, protocol, tos, rest[8];
};
_Static_assert(sizeof(struct wire) == FL_V5_RECORD_BYTES, "a record");

static void set_ports(const struct wire *w, struct fl_flow *flow)
{
    uint16_t src_port = be16toh(w->src_port), dst_port = be16toh(w->dst_port);
    bool icmp = fl_protocol_is_icmp(w->protocol);
    flow->src_port = icmp ? 0 : src_port;
    flow->dst_port = icmp ? fl_flow_icmp_of_ports(src_port, dst_port) : dst_port;
}

/* The template has no times but these. */
static void set_times(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                      const struct wire *w, struct fl_flow *flow)
{
    uint32_t first = be32toh(w->first), last = be32toh(w->last);
    if (fl_uptimes_set(&ctx->uptimes, first, last, flow))
        return;
    const struct fl_record r = {.start_uptime = first, .end_uptime = last};
    fl_flow_set_times(ctx, recipe, &r, flow);
}

static void set_others(const struct wire *w, struct fl_flow *flow)
{
    static const struct fl_addr not_told;
    flow->post_src = flow->post_dst = not_told;
    flow->packets = be32toh(w->packets);
    flow->bytes = be32toh(w->bytes);
    flow->in_if = be16toh(w->in_if);
    flow->out_if = be16toh(w->out_if);
    flow->post_src_port = flow->post_dst_port = 0;
    flow->tcp_flags = w->tcp_flags;
    flow->protocol = w->protocol;
    flow->tos = w->tos;
    flow->end_reason = FL_END_UNKNOWN;
    flow->direction = FL_DIRECTION_UNKNOWN;
    flow->event = FL_EVENT_NONE;
}

/* Where flows are laid is seldom in the cache when its turn comes. */
static void fetch_ahead(const struct fl_flow *flow)
{
    enum { FLOWS = 8, CACHE_LINE = 64 };
    uintptr_t ahead =
        (uintptr_t)flow + FLOWS * sizeof *flow; /* perhaps beyond the room, where it does no harm */
    for (size_t at = 0; at < sizeof *flow; at += CACHE_LINE)
        __builtin_prefetch((const void *)(ahead + at), 1);
}

size_t fl_v5_flows(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                   const uint8_t *records, size_t n, struct fl_flow *flows, size_t *n_received)
{
    struct fl_flow *flow = flows, every = {0};
    fl_flow_set_sampling(ctx, &every);
    *n_received = 0;
    for (const struct wire *w = (const void *)records, *end = w + n; w < end; w++) {
        fetch_ahead(flow);
        if (!w->src && !w->dst)
            continue;
        flow->exporter = ctx->exporter;
        flow->domain = ctx->domain;
        flow->sampling = every.sampling;
        flow->sampling_source = every.sampling_source;
        flow->src = fl_addr_v4(be32toh(w->src));
        flow->dst = fl_addr_v4(be32toh(w->dst));
        set_ports(w, flow);
        set_others(w, flow);
        set_times(ctx, recipe, w, flow);
        *n_received += flow->time_source == FL_TIME_RECEIVED;
        flow++;
    }
    return (size_t)(flow - flows);
}
