/* Times in every form that exporters send, and what to make of those that cannot be. */
#include "collector/decode/flowtime.h"

enum { WOBBLE_MS = 10000, YOUNG_MS = 3600000, DAY_MS = 86400000 };

struct span {
    int64_t start, end; /* 0: not there */
};

static int64_t latest_ms(const struct fl_flow_context *ctx)
{
    return ctx->received_ms + ctx->max_future_ms;
}

static bool believable(const struct fl_flow_context *ctx, int64_t ms)
{
    return ms >= FL_EARLIEST_MS && ms <= latest_ms(ctx);
}

static bool usable(const struct fl_flow_context *ctx, const struct span *t)
{
    return believable(ctx, t->start) && t->end <= latest_ms(ctx) && t->start - t->end <= WOBBLE_MS;
}

/* ---- units ---- */

/* The units lie a factor 1000 apart, so that between 1980 and 2106 at most one fits. */
int64_t fl_flow_unix_ms(uint64_t v)
{
    uint64_t first_s = (uint64_t)FL_EARLIEST_MS / 1000, end_s = UINT64_C(1) << 32;
    if (v >= first_s && v < end_s)
        return (int64_t)v * 1000;
    if (v >= first_s * 1000 && v < end_s * 1000)
        return (int64_t)v;
    if (v >= first_s * 1000000 && v < end_s * 1000000)
        return (int64_t)(v / 1000);
    if (v >= first_s * 1000000000 && v < end_s * 1000000000)
        return (int64_t)(v / 1000000);
    return 0;
}

/* A reading, or another unit's when only that one can be believed. */
static int64_t reading(const struct fl_flow_context *ctx, int64_t proper_ms, uint64_t raw)
{
    if (raw == 0 || believable(ctx, proper_ms))
        return raw ? proper_ms : 0;
    int64_t other = fl_flow_unix_ms(raw);
    return believable(ctx, other) ? other : proper_ms;
}

static int64_t from_ms(const struct fl_flow_context *ctx, uint64_t ms)
{
    const int64_t never = INT64_MAX / 2; /* room for a duration behind it */
    return reading(ctx, ms > (uint64_t)never ? never : (int64_t)ms, ms);
}

/* NTP timestamp (RFC 7011 section 6.1.9), eras 0 and 1. */
static int64_t from_ntp(const struct fl_flow_context *ctx, uint64_t ntp)
{
    int64_t seconds = (int64_t)(ntp >> 32);
    int64_t unix_s = seconds - INT64_C(2208988800) + (seconds < INT64_C(2208988800) ? INT64_C(1) << 32 : 0);
    return reading(ctx, unix_s * 1000 + (int64_t)((ntp & UINT32_MAX) * 1000 >> 32), ntp);
}

/* ---- calendar time ---- */

/* One end of a flow, in all its forms. */
struct moment {
    uint64_t ms, us, ns;
    uint32_t s, delta_us;
    bool has_delta;
};

static int64_t moment_ms(const struct fl_flow_context *ctx, const struct moment *m)
{
    if (m->ms)
        return from_ms(ctx, m->ms);
    if (m->us)
        return from_ntp(ctx, m->us);
    if (m->ns)
        return from_ntp(ctx, m->ns);
    if (m->s)
        return (int64_t)m->s * 1000;
    return m->has_delta ? ctx->export_ms - m->delta_us / 1000 : 0;
}

static int64_t observed(const struct fl_flow_context *ctx, const struct fl_record *r)
{
    const struct moment m = {
        .ms = r->observed_ms, .us = r->observed_us, .ns = r->observed_ns, .s = r->observed_s};
    return moment_ms(ctx, &m);
}

static int64_t duration(const struct fl_record *r)
{
    return r->duration_ms ? r->duration_ms : r->duration_us / 1000;
}

static void complete(struct span *t, int64_t duration_ms, int64_t seen)
{
    if (t->end <= 0)
        t->end = duration_ms || seen < t->start ? t->start + duration_ms : seen;
    if (t->start <= 0)
        t->start = t->end - duration_ms;
}

static bool from_calendar(const struct fl_flow_context *ctx, struct fl_fields mask, const struct fl_record *r,
                          struct span *t)
{
    const struct moment start = {r->start_ms, r->start_us,       r->start_ns,
                                 r->start_s,  r->start_delta_us, FL_HAS(mask, start_delta_us)};
    const struct moment end = {r->end_ms, r->end_us,       r->end_ns,
                               r->end_s,  r->end_delta_us, FL_HAS(mask, end_delta_us)};
    *t = (struct span){moment_ms(ctx, &start), moment_ms(ctx, &end)};
    if (!t->start && !t->end)
        return false;
    complete(t, duration(r), observed(ctx, r));
    return usable(ctx, t);
}

static bool from_observation(const struct fl_flow_context *ctx, const struct fl_record *r, struct span *t)
{
    t->end = observed(ctx, r);
    if (!t->end)
        t->end = from_ms(ctx, r->collected_ms);
    t->start = t->end - duration(r);
    return usable(ctx, t);
}

/* ---- uptime ---- */

/* Uptime counted straight from a boot time: after 49.7 days it has wrapped, which the export time tells; far
 * ahead of the export time it stands for a moment before boot (a capture that is exported again). A boot
 * after the export is none: 0. */
static int64_t since_boot(const struct fl_flow_context *ctx, int64_t boot_ms, uint32_t switched)
{
    int64_t up = ctx->export_ms - boot_ms;
    if (up < -WOBBLE_MS)
        return 0;
    if (up <= INT32_MAX && switched - up > INT32_MAX)
        return boot_ms + switched - (INT64_C(1) << 32);
    if (up <= UINT32_MAX)
        return boot_ms + switched;
    return fl_boot_time(ctx->export_ms - (uint32_t)up, (uint32_t)up, switched);
}

static int64_t uptime_ms(const struct fl_flow_context *ctx, const struct fl_record *r, uint32_t switched)
{
    int64_t boot_ms = from_ms(ctx, r->boot_ms);
    if (believable(ctx, boot_ms)) {
        int64_t ms = since_boot(ctx, boot_ms, switched);
        if (ms)
            return ms;
    }
    if (!ctx->boot_known)
        return 0;
    return ctx->uptime_known ? fl_boot_time(ctx->boot_ms, ctx->uptime_ms, switched)
                             : since_boot(ctx, ctx->boot_ms, switched);
}

/* Zero is the uptime of a flow seen as the exporter started, or says that the exporter does not know. */
static bool has_uptime(const struct fl_flow_context *ctx, struct fl_fields mask, const struct fl_record *r)
{
    if (r->start_uptime || r->end_uptime)
        return true;
    return FL_HAS(mask, start_uptime) && FL_HAS(mask, end_uptime) && ctx->uptime_known &&
           ctx->uptime_ms < YOUNG_MS;
}

/* How long the exporter is up, by the header or by the boot time that IPFIX tells. */
static int64_t up_for(const struct fl_flow_context *ctx, const struct fl_record *r)
{
    if (ctx->uptime_known)
        return ctx->uptime_ms;
    return ctx->export_ms - (r->boot_ms ? from_ms(ctx, r->boot_ms) : ctx->boot_ms);
}

static bool from_uptime(const struct fl_flow_context *ctx, struct fl_fields mask, const struct fl_record *r,
                        struct span *t)
{
    *t = (struct span){0, 0};
    if (!has_uptime(ctx, mask, r))
        return false;
    if (FL_HAS(mask, start_uptime))
        t->start = uptime_ms(ctx, r, r->start_uptime);
    if (FL_HAS(mask, end_uptime))
        t->end = uptime_ms(ctx, r, r->end_uptime);
    complete(t, duration(r), 0);
    return usable(ctx, t) && (ctx->export_ms - t->end <= DAY_MS || up_for(ctx, r) < YOUNG_MS);
}

/* ---- both ---- */

static void take(struct fl_flow *flow, const struct span *t, enum fl_time_source source)
{
    flow->start_ms = t->start;
    flow->end_ms = t->end < t->start ? t->start : t->end;
    flow->time_source = (uint8_t)source;
}

static void set_other_times(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                            const struct fl_record *r, struct fl_flow *flow)
{
    const struct span received = {ctx->received_ms, ctx->received_ms};
    struct span t;
    if (from_calendar(ctx, recipe->mask, r, &t))
        take(flow, &t, FL_TIME_ABSOLUTE);
    else if (from_uptime(ctx, recipe->mask, r, &t))
        take(flow, &t, FL_TIME_UPTIME);
    else if (from_observation(ctx, r, &t))
        take(flow, &t, FL_TIME_ABSOLUTE);
    else
        take(flow, &received, FL_TIME_RECEIVED);
}

void fl_flow_set_uptimes(struct fl_flow_context *ctx)
{
    ctx->uptimes = (struct fl_uptimes){
        .boot_ms = ctx->boot_ms,
        .earliest_end_ms = ctx->uptime_ms < YOUNG_MS ? FL_EARLIEST_MS : ctx->export_ms - DAY_MS,
        .latest_end_ms = latest_ms(ctx),
        .uptime_ms = ctx->uptime_ms,
        .known = ctx->boot_known && ctx->uptime_known,
    };
}

static bool set_ms(const struct fl_flow_context *ctx, const struct fl_record *r, struct fl_flow *flow)
{
    flow->start_ms = r->start_ms > INT64_MAX ? INT64_MAX : (int64_t)r->start_ms;
    flow->end_ms = r->end_ms > INT64_MAX ? INT64_MAX : (int64_t)r->end_ms;
    flow->time_source = FL_TIME_ABSOLUTE;
    return flow->start_ms >= FL_EARLIEST_MS && flow->end_ms >= flow->start_ms &&
           flow->end_ms <= latest_ms(ctx);
}

/* What nearly all records need is done here, the rest by the whole list. */
void fl_flow_set_times(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                       const struct fl_record *r, struct fl_flow *flow)
{
    bool done = false;
    if (recipe->times == FL_TIMES_MS) {
        done = set_ms(ctx, r, flow);
    } else if (recipe->times == FL_TIMES_UPTIME) {
        done = fl_uptimes_set(&ctx->uptimes, r->start_uptime, r->end_uptime, flow);
    }
    if (!done)
        set_other_times(ctx, recipe, r, flow);
}

void fl_flow_set_reverse_times(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                               const struct fl_record *r, struct fl_flow *back)
{
    const struct moment start = {r->reverse_start_ms,       r->reverse_start_us,
                                 r->reverse_start_ns,       r->reverse_start_s,
                                 r->reverse_start_delta_us, FL_HAS(recipe->mask, reverse_start_delta_us)};
    const struct moment end = {r->reverse_end_ms,       r->reverse_end_us,
                               r->reverse_end_ns,       r->reverse_end_s,
                               r->reverse_end_delta_us, FL_HAS(recipe->mask, reverse_end_delta_us)};
    struct span t = {moment_ms(ctx, &start), moment_ms(ctx, &end)};
    int64_t duration_ms = r->reverse_duration_ms ? r->reverse_duration_ms : r->reverse_duration_us / 1000;
    enum fl_time_source source = FL_TIME_ABSOLUTE;
    if (!t.start && !t.end && (r->reverse_start_uptime || r->reverse_end_uptime)) {
        source = FL_TIME_UPTIME;
        t.start = r->reverse_start_uptime ? uptime_ms(ctx, r, r->reverse_start_uptime) : 0;
        t.end = r->reverse_end_uptime ? uptime_ms(ctx, r, r->reverse_end_uptime) : 0;
    }
    /* YAF: the first packet back came so long after the first one there. */
    if (!t.start && FL_HAS(recipe->mask, reverse_after_ms) && back->time_source != FL_TIME_RECEIVED) {
        source = (enum fl_time_source)back->time_source;
        t.start = back->start_ms + r->reverse_after_ms;
    }
    if (!t.start && !t.end)
        return;
    complete(&t, duration_ms, back->end_ms);
    if (usable(ctx, &t) && t.end >= t.start)
        take(back, &t, source);
}

void fl_flow_recipe_times(struct fl_flow_recipe *recipe)
{
    struct fl_fields m = recipe->mask;
    bool uptime = FL_HAS(m, start_uptime) || FL_HAS(m, end_uptime);
    bool calendar = FL_HAS(m, start_ms) || FL_HAS(m, start_us) || FL_HAS(m, start_ns) || FL_HAS(m, start_s) ||
                    FL_HAS(m, start_delta_us);
    recipe->needs_boot = uptime && !calendar && !FL_HAS(m, boot_ms);
    recipe->times = FL_TIMES_OTHER;
    if (FL_HAS(m, start_ms) && FL_HAS(m, end_ms))
        recipe->times = FL_TIMES_MS;
    else if (FL_HAS(m, start_uptime) && FL_HAS(m, end_uptime) && recipe->needs_boot)
        recipe->times = FL_TIMES_UPTIME;
}
