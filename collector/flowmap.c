/* What a record's elements mean, with the dialects' habits. */
#include "collector/flowmap.h"

#include <string.h>

#include "collector/boot.h"

enum { WOBBLE_MS = 10000, YOUNG_MS = 3600000 };
static const int64_t earliest_ms = INT64_C(315532800000); /* 1980: before it a clock was never set */

/* ---- time ---- */

/* NTP timestamp (RFC 7011 section 6.1.9), eras 0 and 1, as Unix milliseconds. */
static int64_t from_ntp(uint64_t ntp)
{
    int64_t seconds = (int64_t)(ntp >> 32);
    int64_t unix_s = seconds - INT64_C(2208988800) + (seconds < INT64_C(2208988800) ? INT64_C(1) << 32 : 0);
    return unix_s * 1000 + (int64_t)((ntp & UINT32_MAX) * 1000 >> 32);
}

static int64_t from_ms(uint64_t ms)
{
    return ms > INT64_MAX ? INT64_MAX : (int64_t)ms;
}

static int64_t from_delta(const struct fl_flow_context *ctx, uint32_t delta_us)
{
    return ctx->export_ms - delta_us / 1000;
}

/* Uptime counted straight from a boot time: after 49.7 days it has wrapped, which the export time tells; far
 * ahead of the export time it stands for a moment before boot (a capture that is exported again). */
static int64_t since_boot(const struct fl_flow_context *ctx, int64_t boot_ms, uint32_t switched)
{
    int64_t up = ctx->export_ms - boot_ms;
    if (up <= INT32_MAX && switched - up > INT32_MAX)
        return boot_ms + switched - (INT64_C(1) << 32);
    if (up <= UINT32_MAX)
        return boot_ms + switched;
    return fl_boot_time(ctx->export_ms - (uint32_t)up, (uint32_t)up, switched);
}

static int64_t from_uptime(const struct fl_flow_context *ctx, const struct fl_record *r, uint64_t mask,
                           uint32_t switched)
{
    if (FL_HAS(mask, boot_ms) && r->boot_ms)
        return r->boot_ms > INT64_MAX / 2 ? 0 : since_boot(ctx, (int64_t)r->boot_ms, switched);
    if (!ctx->boot_known)
        return 0;
    return ctx->uptime_known ? fl_boot_time(ctx->boot_ms, ctx->uptime_ms, switched)
                             : since_boot(ctx, ctx->boot_ms, switched);
}

static int64_t absolute_start(const struct fl_flow_context *ctx, const struct fl_record *r, uint64_t mask)
{
    if (r->start_ms)
        return from_ms(r->start_ms);
    if (r->start_us)
        return from_ntp(r->start_us);
    if (r->start_ns)
        return from_ntp(r->start_ns);
    if (r->start_s)
        return (int64_t)r->start_s * 1000;
    return FL_HAS(mask, start_delta_us) ? from_delta(ctx, r->start_delta_us) : 0;
}

static int64_t absolute_end(const struct fl_flow_context *ctx, const struct fl_record *r, uint64_t mask)
{
    if (r->end_ms)
        return from_ms(r->end_ms);
    if (r->end_us)
        return from_ntp(r->end_us);
    if (r->end_ns)
        return from_ntp(r->end_ns);
    if (r->end_s)
        return (int64_t)r->end_s * 1000;
    return FL_HAS(mask, end_delta_us) ? from_delta(ctx, r->end_delta_us) : 0;
}

static int64_t observed(const struct fl_record *r)
{
    if (r->observed_ms)
        return from_ms(r->observed_ms);
    if (r->observed_us)
        return from_ntp(r->observed_us);
    if (r->observed_ns)
        return from_ntp(r->observed_ns);
    return (int64_t)r->observed_s * 1000;
}

static void complete(const struct fl_record *r, int64_t *start, int64_t *end)
{
    int64_t seen = observed(r);
    if (*start <= 0 && *end <= 0)
        *end = seen;
    if (*end <= 0)
        *end = r->duration_ms || !seen ? *start + r->duration_ms : seen;
    if (*start <= 0)
        *start = *end - r->duration_ms;
}

/* Zero is the uptime of a flow seen as the exporter started, or says that the exporter does not know. */
static bool has_uptime(const struct fl_flow_context *ctx, const struct fl_record *r, uint64_t mask)
{
    if (r->start_uptime || r->end_uptime)
        return true;
    return FL_HAS(mask, start_uptime) && FL_HAS(mask, end_uptime) && ctx->uptime_known &&
           ctx->uptime_ms < YOUNG_MS;
}

static void set_times(const struct fl_flow_context *ctx, const struct fl_record *r, uint64_t mask,
                      struct fl_flow *flow)
{
    int64_t latest = ctx->received_ms + ctx->max_future_ms;
    int64_t start = absolute_start(ctx, r, mask), end = absolute_end(ctx, r, mask);
    flow->time_source = FL_TIME_ABSOLUTE;
    if (!start && !end && has_uptime(ctx, r, mask)) {
        flow->time_source = FL_TIME_UPTIME;
        if (FL_HAS(mask, start_uptime))
            start = from_uptime(ctx, r, mask, r->start_uptime);
        if (FL_HAS(mask, end_uptime))
            end = from_uptime(ctx, r, mask, r->end_uptime);
    }
    if (start <= latest && end <= latest)
        complete(r, &start, &end);
    if (start < earliest_ms || start > latest || end > latest || start - end > WOBBLE_MS) {
        start = end = ctx->received_ms;
        flow->time_source = FL_TIME_RECEIVED;
    }
    flow->start_ms = start;
    flow->end_ms = end < start ? start : end;
}

/* ---- sampling ---- */

static uint32_t record_interval(const struct fl_record *r)
{
    if (r->sampled_packets) {
        uint64_t every = ((uint64_t)r->sampled_packets + r->sampling_space) / r->sampled_packets;
        /* Exporters that leave out the space mean "one in so many". */
        if (!r->sampling_space)
            every = r->sampled_packets;
        return every > UINT32_MAX ? UINT32_MAX : (uint32_t)every;
    }
    return r->sampling_interval ? r->sampling_interval : r->sampler_interval;
}

static uint64_t sampler_of(const struct fl_record *r)
{
    return r->sampler ? r->sampler : r->selector;
}

void fl_sampling_learn(struct fl_sampling *s, const struct fl_record *r, uint64_t mask)
{
    uint32_t interval = record_interval(r), i = 0;
    if (!interval)
        return;
    s->interval = interval;
    s->source = FL_SAMPLING_OPTIONS;
    if (!FL_HAS(mask, sampler) && !FL_HAS(mask, selector))
        return;
    while (i < s->n_samplers && s->samplers[i].id != sampler_of(r))
        i++;
    if (i == FL_SAMPLERS)
        i = 0;
    s->samplers[i].id = sampler_of(r);
    s->samplers[i].interval = interval;
    if (i == s->n_samplers)
        s->n_samplers++;
}

static void set_sampling(const struct fl_sampling *s, const struct fl_record *r, struct fl_flow *flow)
{
    uint32_t interval = record_interval(r);
    flow->sampling_source = FL_SAMPLING_RECORD;
    if (!interval) {
        interval = s->interval;
        flow->sampling_source = s->source;
        for (uint32_t i = 0; sampler_of(r) && i < s->n_samplers; i++)
            if (s->samplers[i].id == sampler_of(r))
                interval = s->samplers[i].interval;
    }
    flow->sampling = interval ? interval : 1;
}

/* ---- the rest ---- */

static bool set_addresses(const struct fl_record *r, uint64_t mask, struct fl_flow *flow)
{
    bool v4 = FL_HAS(mask, src4) && FL_HAS(mask, dst4), v6 = FL_HAS(mask, src6) && FL_HAS(mask, dst6);
    if (v4 && (r->src4 || r->dst4 || !v6)) {
        flow->src = fl_addr_v4(r->src4);
        flow->dst = fl_addr_v4(r->dst4);
        return true;
    }
    memcpy(flow->src.b, r->src6, sizeof r->src6);
    memcpy(flow->dst.b, r->dst6, sizeof r->dst6);
    return v6;
}

static uint64_t first_of(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    if (a)
        return a;
    if (b)
        return b;
    return c ? c : d;
}

static void set_ports(const struct fl_record *r, struct fl_flow *flow)
{
    flow->src_port = (uint16_t)first_of(r->src_port, r->udp_src_port, r->tcp_src_port, 0);
    flow->dst_port = (uint16_t)first_of(r->dst_port, r->udp_dst_port, r->tcp_dst_port, 0);
    if (flow->protocol != FL_PROTO_ICMP && flow->protocol != FL_PROTO_ICMP6)
        return;
    uint64_t split = flow->protocol == FL_PROTO_ICMP ? (uint64_t)r->icmp4_type << 8 | r->icmp4_code
                                                     : (uint64_t)r->icmp6_type << 8 | r->icmp6_code;
    uint64_t joined = flow->protocol == FL_PROTO_ICMP ? r->icmp4 : r->icmp6;
    flow->src_port = 0;
    flow->dst_port = (uint16_t)first_of(joined, split, flow->dst_port, 0);
}

static void set_counters(const struct fl_record *r, struct fl_flow *flow)
{
    flow->bytes = first_of(r->bytes, r->total_bytes, r->initiator_bytes, r->post_bytes);
    flow->packets = first_of(r->packets, r->total_packets, r->initiator_packets, r->post_packets);
}

/* The other direction's own times, where the record has them (RFC 5103) and they can be believed. */
static void set_reverse_times(const struct fl_flow_context *ctx, const struct fl_record *r,
                              struct fl_flow *back)
{
    int64_t start = from_ms(r->reverse_start_ms), end = from_ms(r->reverse_end_ms);
    if (start < earliest_ms || end < start || end > ctx->received_ms + ctx->max_future_ms)
        return;
    back->start_ms = start;
    back->end_ms = end;
    back->time_source = FL_TIME_ABSOLUTE;
}

static bool set_reverse(const struct fl_flow_context *ctx, const struct fl_record *r,
                        const struct fl_flow *there, struct fl_flow *back)
{
    uint64_t bytes = first_of(r->reverse_bytes, r->reverse_total_bytes, r->responder_bytes, 0);
    uint64_t packets = first_of(r->reverse_packets, r->reverse_total_packets, r->responder_packets, 0);
    *back = *there;
    back->src = there->dst;
    back->dst = there->src;
    back->in_if = there->out_if;
    back->out_if = there->in_if;
    if (there->protocol != FL_PROTO_ICMP && there->protocol != FL_PROTO_ICMP6) {
        back->src_port = there->dst_port;
        back->dst_port = there->src_port;
    }
    back->bytes = bytes;
    back->packets = packets;
    back->tcp_flags = r->reverse_tcp_flags & 0x0fff;
    set_reverse_times(ctx, r, back);
    return bytes || packets;
}

bool fl_flow_needs_boot(uint64_t mask)
{
    bool uptime = FL_HAS(mask, start_uptime) || FL_HAS(mask, end_uptime);
    bool absolute = FL_HAS(mask, start_ms) || FL_HAS(mask, start_us) || FL_HAS(mask, start_ns) ||
                    FL_HAS(mask, start_s) || FL_HAS(mask, start_delta_us);
    return uptime && !absolute && !FL_HAS(mask, boot_ms);
}

int fl_flow_map(const struct fl_flow_context *ctx, const struct fl_record *r, uint64_t mask,
                struct fl_flow flows[2])
{
    struct fl_flow *flow = &flows[0];
    memset(flow, 0, sizeof *flow);
    if (!set_addresses(r, mask, flow))
        return 0;
    flow->exporter = ctx->exporter;
    flow->domain = ctx->domain;
    flow->in_if = r->in_if;
    flow->out_if = r->out_if;
    flow->tcp_flags = r->tcp_flags & 0x0fff;
    flow->protocol = r->protocol;
    flow->tos = FL_HAS(mask, tos) ? r->tos : r->post_tos;
    flow->end_reason = r->end_reason <= FL_END_RESOURCES ? r->end_reason : FL_END_UNKNOWN;
    set_ports(r, flow);
    set_counters(r, flow);
    set_times(ctx, r, mask, flow);
    set_sampling(ctx->sampling, r, flow);
    if (!set_reverse(ctx, r, flow, &flows[1]))
        return 1;
    if (flow->packets || flow->bytes || !FL_HAS(mask, packets))
        return 2;
    *flow = flows[1]; /* no packet went there, some came back */
    return 1;
}
