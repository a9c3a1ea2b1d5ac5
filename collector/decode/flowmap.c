/* What a record's elements mean, with the dialects' habits. */
#include "collector/decode/flowmap.h"

#include <string.h>

#include "collector/decode/flowtime.h"

/* ---- recipes ---- */

static uint32_t common_parts(struct fl_fields m)
{
    uint32_t parts = 0;
    if (FL_HAS(m, initiator_bytes) || FL_HAS(m, initiator_packets) || FL_HAS(m, total_bytes) ||
        FL_HAS(m, total_packets) || FL_HAS(m, post_bytes) || FL_HAS(m, post_packets) ||
        FL_HAS(m, layer2_bytes))
        parts |= FL_PART_COUNTERS;
    if (FL_HAS(m, post_src4) || FL_HAS(m, post_dst4) || FL_HAS(m, post_src6) || FL_HAS(m, post_dst6) ||
        FL_HAS(m, post_src_port) || FL_HAS(m, post_dst_port))
        parts |= FL_PART_TRANSLATED;
    if (FL_HAS(m, udp_src_port) || FL_HAS(m, udp_dst_port) || FL_HAS(m, tcp_src_port) ||
        FL_HAS(m, tcp_dst_port))
        parts |= FL_PART_PORTS;
    if (FL_HAS(m, in_physical_if) || FL_HAS(m, out_physical_if))
        parts |= FL_PART_PHYSICAL;
    if (FL_HAS(m, sampling_interval) || FL_HAS(m, sampler_interval) || FL_HAS(m, sampler) ||
        FL_HAS(m, selector) || FL_HAS(m, sampled_packets) || FL_HAS(m, sampling_size) ||
        FL_HAS(m, sampling_probability))
        parts |= FL_PART_SAMPLING;
    return parts;
}

static uint32_t rare_parts(struct fl_fields m)
{
    uint32_t parts = 0;
    if (FL_HAS(m, reverse_bytes) || FL_HAS(m, reverse_packets) || FL_HAS(m, reverse_total_bytes) ||
        FL_HAS(m, reverse_total_packets) || FL_HAS(m, reverse_layer2_bytes) || FL_HAS(m, responder_bytes) ||
        FL_HAS(m, responder_packets))
        parts |= FL_PART_REVERSE;
    if (FL_HAS(m, direction) || FL_HAS(m, firewall_event) || FL_HAS(m, nat_event) || FL_HAS(m, next_header) ||
        FL_HAS(m, dscp) || FL_HAS(m, first_tcp_flags) || FL_HAS(m, later_tcp_flags) || !FL_HAS(m, protocol) ||
        !FL_HAS(m, tos))
        parts |= FL_PART_RARE;
    return parts;
}

void fl_flow_recipe_init(struct fl_flow_recipe *recipe, struct fl_fields mask, bool v6_first)
{
    bool v4 = FL_HAS(mask, src4) && FL_HAS(mask, dst4), v6 = FL_HAS(mask, src6) && FL_HAS(mask, dst6);
    *recipe = (struct fl_flow_recipe){.mask = mask, .parts = common_parts(mask) | rare_parts(mask)};
    recipe->addresses = (uint8_t)((v4 ? FL_ADDRESSES_V4 : 0) | (v6 ? FL_ADDRESSES_V6 : 0) |
                                  (v6 && v6_first ? FL_ADDRESSES_V6_FIRST : 0));
    fl_flow_recipe_times(recipe);
}

/* ---- addresses ---- */

static bool nonzero(const fl_bytes16 b)
{
    static const fl_bytes16 zero;
    return memcmp(b, zero, sizeof zero) != 0;
}

static bool set_v4(const struct fl_record *r, struct fl_flow *flow)
{
    if (!r->src4 && !r->dst4)
        return false;
    flow->src = fl_addr_v4(r->src4);
    flow->dst = fl_addr_v4(r->dst4);
    return true;
}

static bool set_v6(const struct fl_record *r, struct fl_flow *flow)
{
    if (!nonzero(r->src6) && !nonzero(r->dst6))
        return false;
    memcpy(flow->src.b, r->src6, sizeof r->src6);
    memcpy(flow->dst.b, r->dst6, sizeof r->dst6);
    return true;
}

static bool set_addresses(const struct fl_flow_recipe *recipe, const struct fl_record *r,
                          struct fl_flow *flow)
{
    if ((recipe->addresses & FL_ADDRESSES_V6_FIRST) && set_v6(r, flow))
        return true;
    if ((recipe->addresses & FL_ADDRESSES_V4) && set_v4(r, flow))
        return true;
    return (recipe->addresses & FL_ADDRESSES_V6) && set_v6(r, flow);
}

/* All zero is not told. */
static void set_translated_address(uint32_t v4, const fl_bytes16 v6, struct fl_addr *to)
{
    if (v4)
        *to = fl_addr_v4(v4);
    else
        memcpy(to->b, v6, sizeof to->b);
}

static void set_translated(const struct fl_record *r, struct fl_flow *flow)
{
    set_translated_address(r->post_src4, r->post_src6, &flow->post_src);
    set_translated_address(r->post_dst4, r->post_dst6, &flow->post_dst);
    flow->post_src_port = r->post_src_port;
    flow->post_dst_port = r->post_dst_port;
}

/* ---- protocol and ports ---- */

static uint8_t protocol_of(const struct fl_flow_recipe *recipe, const struct fl_record *r)
{
    if (FL_HAS(recipe->mask, protocol))
        return r->protocol;
    if (r->next_header)
        return r->next_header;
    if (r->tcp_src_port || r->tcp_dst_port)
        return FL_PROTO_TCP;
    return r->udp_src_port || r->udp_dst_port ? FL_PROTO_UDP : 0;
}

static uint16_t first16(uint16_t a, uint16_t b, uint16_t c)
{
    if (a)
        return a;
    return b ? b : c;
}

/* Type 0 has no codes but 0: a dst_port of one byte is the code of a type elsewhere. */
uint16_t fl_flow_icmp_of_ports(uint16_t src_port, uint16_t dst_port)
{
    if (dst_port < 256 && src_port < 256)
        return (uint16_t)(src_port << 8 | dst_port);
    return dst_port ? dst_port : src_port;
}

static uint16_t icmp_of(struct fl_fields m, const struct fl_record *r, bool v6)
{
    uint16_t told = v6 ? first16(r->icmp6, r->icmp4, 0) : first16(r->icmp4, r->icmp6, 0);
    if (told)
        return told;
    /* ASA: an echo reply is all zero there, and the ports are the ping's number. */
    if (v6 ? FL_HAS(m, icmp6_type) : FL_HAS(m, icmp4_type))
        return (uint16_t)(v6 ? r->icmp6_type << 8 | r->icmp6_code : r->icmp4_type << 8 | r->icmp4_code);
    if (r->icmp4_type || r->icmp6_type)
        return (uint16_t)(v6 ? r->icmp4_type << 8 | r->icmp4_code : r->icmp6_type << 8 | r->icmp6_code);
    return fl_flow_icmp_of_ports(r->src_port, r->dst_port);
}

static void set_ports(const struct fl_flow_recipe *recipe, const struct fl_record *r, struct fl_flow *flow)
{
    if (fl_protocol_is_icmp(flow->protocol)) {
        flow->src_port = 0;
        flow->dst_port = icmp_of(recipe->mask, r, flow->protocol == FL_PROTO_ICMP6);
        return;
    }
    flow->src_port = r->src_port;
    flow->dst_port = r->dst_port;
    if (recipe->parts & FL_PART_PORTS) {
        flow->src_port = first16(r->src_port, r->udp_src_port, r->tcp_src_port);
        flow->dst_port = first16(r->dst_port, r->udp_dst_port, r->tcp_dst_port);
    }
}

/* ---- counters ---- */

static uint64_t first64(uint64_t a, uint64_t b, uint64_t c)
{
    if (a)
        return a;
    return b ? b : c;
}

/* A delta of zero is a count; the total beside it is not. */
static void set_counters(const struct fl_flow_recipe *recipe, const struct fl_record *r, struct fl_flow *flow)
{
    struct fl_fields m = recipe->mask;
    flow->bytes = r->bytes;
    flow->packets = r->packets;
    if (!(recipe->parts & FL_PART_COUNTERS))
        return;
    uint64_t total_bytes = FL_HAS(m, bytes) || FL_HAS(m, initiator_bytes) ? 0 : r->total_bytes;
    uint64_t total_packets = FL_HAS(m, packets) || FL_HAS(m, initiator_packets) ? 0 : r->total_packets;
    flow->bytes = first64(first64(r->bytes, r->initiator_bytes, total_bytes), r->post_bytes, r->layer2_bytes);
    flow->packets = first64(first64(r->packets, r->initiator_packets, total_packets), r->post_packets, 0);
}

/* ---- what few exporters send ---- */

static uint8_t direction_of(const struct fl_flow_recipe *recipe, const struct fl_record *r)
{
    if (!FL_HAS(recipe->mask, direction) || r->direction > 1)
        return FL_DIRECTION_UNKNOWN;
    return r->direction ? FL_DIRECTION_EGRESS : FL_DIRECTION_INGRESS;
}

/* natEvent (RFC 8158 section 4.3) of sessions. */
static uint8_t session_event(uint8_t nat_event)
{
    switch (nat_event) {
    case 1: /* create, of any kind */
    case 4: /* NAT44 session */
    case 6: /* NAT64 session */
        return FL_EVENT_CREATED;
    case 2:
    case 5:
    case 7:
        return FL_EVENT_DELETED;
    default:
        return FL_EVENT_NONE;
    }
}

static uint8_t event_of(const struct fl_record *r)
{
    if (r->firewall_event)
        return r->firewall_event <= FL_EVENT_UPDATE ? r->firewall_event : FL_EVENT_NONE;
    return session_event(r->nat_event);
}

static void set_rare(const struct fl_flow_recipe *recipe, const struct fl_record *r, struct fl_flow *flow)
{
    flow->direction = direction_of(recipe, r);
    flow->event = event_of(r);
    flow->tcp_flags |= r->first_tcp_flags | r->later_tcp_flags;
    if (!FL_HAS(recipe->mask, tos))
        flow->tos = FL_HAS(recipe->mask, dscp) ? (uint8_t)(r->dscp << 2) : r->post_tos;
}

/* Is this record of a NAT event without counters a session's between two endpoints? */
static bool nat_flow(const struct fl_record *r, const struct fl_flow *flow)
{
    if (r->nat_event == 0 || flow->packets || flow->bytes || r->firewall_event)
        return true;
    return session_event(r->nat_event) != FL_EVENT_NONE && (flow->src_port || flow->dst_port);
}

/* ---- both directions ---- */

static uint8_t other_direction(uint8_t direction)
{
    if (direction == FL_DIRECTION_UNKNOWN)
        return FL_DIRECTION_UNKNOWN;
    return direction == FL_DIRECTION_INGRESS ? FL_DIRECTION_EGRESS : FL_DIRECTION_INGRESS;
}

static void mirror(const struct fl_flow *there, struct fl_flow *back)
{
    *back = *there;
    back->src = there->dst;
    back->dst = there->src;
    back->post_src = there->post_dst;
    back->post_dst = there->post_src;
    back->post_src_port = there->post_dst_port;
    back->post_dst_port = there->post_src_port;
    back->in_if = there->out_if;
    back->out_if = there->in_if;
    back->direction = other_direction(there->direction);
    if (fl_protocol_is_icmp(there->protocol))
        return;
    back->src_port = there->dst_port;
    back->dst_port = there->src_port;
}

static bool set_reverse(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                        const struct fl_record *r, const struct fl_flow *there, struct fl_flow *back)
{
    struct fl_fields m = recipe->mask;
    bool paired = FL_HAS(m, initiator_bytes) || FL_HAS(m, initiator_packets);
    uint64_t bytes = first64(r->reverse_bytes, paired ? r->responder_bytes : 0,
                             FL_HAS(m, reverse_bytes) ? 0 : r->reverse_total_bytes);
    uint64_t packets = first64(r->reverse_packets, paired ? r->responder_packets : 0,
                               FL_HAS(m, reverse_packets) ? 0 : r->reverse_total_packets);
    bytes = first64(bytes, r->reverse_layer2_bytes, 0);
    if (!bytes && !packets)
        return false;
    mirror(there, back);
    back->bytes = bytes;
    back->packets = packets;
    back->tcp_flags =
        (r->reverse_tcp_flags | r->reverse_first_tcp_flags | r->reverse_later_tcp_flags) & 0x0fff;
    if (FL_HAS(m, reverse_tos))
        back->tos = r->reverse_tos;
    if (r->reverse_end_reason && r->reverse_end_reason <= FL_END_RESOURCES)
        back->end_reason = r->reverse_end_reason;
    if (fl_protocol_is_icmp(there->protocol))
        back->dst_port = first16(r->reverse_icmp4, r->reverse_icmp6, there->dst_port);
    fl_flow_set_reverse_times(ctx, recipe, r, back);
    return true;
}

/* The other direction behind this one, in place of it, or before it. */
static int add_reverse(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                       const struct fl_record *r, struct fl_flow flows[2])
{
    enum { REVERSE_INITIATOR = 2 };
    if (!set_reverse(ctx, recipe, r, &flows[0], &flows[1]))
        return 1;
    if (!flows[0].packets && !flows[0].bytes) {
        flows[0] = flows[1]; /* no packet went there, some came back */
        return 1;
    }
    if (r->biflow_direction == REVERSE_INITIATOR) {
        struct fl_flow first = flows[1];
        flows[1] = flows[0];
        flows[0] = first;
    }
    return 2;
}

static void set_interfaces(const struct fl_flow_recipe *recipe, const struct fl_record *r,
                           struct fl_flow *flow)
{
    flow->in_if = r->in_if;
    flow->out_if = r->out_if;
    if (!(recipe->parts & FL_PART_PHYSICAL))
        return;
    if (!FL_HAS(recipe->mask, in_if))
        flow->in_if = r->in_physical_if;
    if (!FL_HAS(recipe->mask, out_if))
        flow->out_if = r->out_physical_if;
}

void fl_flow_set_sampling(const struct fl_flow_context *ctx, struct fl_flow *flow)
{
    const struct fl_sampling *told = ctx->sampling;
    if (ctx->configured_sampling) {
        flow->sampling = ctx->configured_sampling;
        flow->sampling_source = FL_SAMPLING_CONFIG;
    } else {
        flow->sampling = told->assumed ? told->assumed : 1;
        flow->sampling_source = told->assumed_source;
    }
}

static void set_sampling(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                         const struct fl_record *r, struct fl_flow *flow)
{
    bool named = (recipe->parts & FL_PART_SAMPLING) != 0;
    if (!ctx->configured_sampling && (named || ctx->sampling->interfaces))
        flow->sampling = fl_sampling_of(ctx->sampling, r, named, flow, &flow->sampling_source);
    else
        fl_flow_set_sampling(ctx, flow);
}

/* Every field that not every record sets. (A memset costs more than all the rest of a plain record.) */
static void begin(const struct fl_flow_context *ctx, const struct fl_record *r, struct fl_flow *flow)
{
    static const struct fl_addr not_told;
    flow->exporter = ctx->exporter;
    flow->post_src = flow->post_dst = not_told;
    flow->domain = ctx->domain;
    flow->post_src_port = flow->post_dst_port = 0;
    flow->tcp_flags = r->tcp_flags;
    flow->tos = r->tos;
    flow->end_reason = r->end_reason <= FL_END_RESOURCES ? r->end_reason : FL_END_UNKNOWN;
    flow->direction = FL_DIRECTION_UNKNOWN;
    flow->event = FL_EVENT_NONE;
}

int fl_flow_map(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                const struct fl_record *r, struct fl_flow flows[2])
{
    struct fl_flow *flow = &flows[0];
    if (!set_addresses(recipe, r, flow))
        return 0;
    begin(ctx, r, flow);
    flow->protocol = protocol_of(recipe, r);
    set_interfaces(recipe, r, flow);
    set_ports(recipe, r, flow);
    set_counters(recipe, r, flow);
    if (recipe->parts & FL_PART_RARE) {
        set_rare(recipe, r, flow);
        if (!nat_flow(r, flow))
            return 0;
    }
    flow->tcp_flags &= 0x0fff;
    fl_flow_set_times(ctx, recipe, r, flow);
    if (recipe->parts & FL_PART_TRANSLATED)
        set_translated(r, flow);
    set_sampling(ctx, recipe, r, flow);
    return recipe->parts & FL_PART_REVERSE ? add_reverse(ctx, recipe, r, flows) : 1;
}
