/* Who samples how: what is learned, and which of it applies. */
#include "collector/decode/sampling.h"

#include <string.h>

static uint32_t bounded(uint64_t interval)
{
    return interval > UINT32_MAX ? UINT32_MAX : (uint32_t)interval;
}

/* n of N, to the nearest whole interval. */
static uint32_t one_in(uint64_t seen, uint64_t of)
{
    return bounded((of + seen / 2) / seen);
}

static uint32_t from_probability(uint64_t bits)
{
    double p;
    memcpy(&p, &bits, sizeof p);
    if (!(p > 0 && p <= 1))
        return 0;
    return 1 / p >= UINT32_MAX ? UINT32_MAX : (uint32_t)(1 / p + 0.5);
}

static uint32_t record_interval(const struct fl_record *r)
{
    if (r->sampled_packets && r->sampling_space)
        return one_in(r->sampled_packets, (uint64_t)r->sampled_packets + r->sampling_space);
    if (r->sampling_size && r->sampling_population >= r->sampling_size)
        return one_in(r->sampling_size, r->sampling_population);
    if (r->sampled_packets)
        return r->sampled_packets;
    if (r->sampling_interval || r->sampler_interval)
        return r->sampling_interval ? r->sampling_interval : r->sampler_interval;
    return from_probability(r->sampling_probability);
}

static bool tells(struct fl_fields mask)
{
    return FL_HAS(mask, sampling_interval) || FL_HAS(mask, sampler_interval) ||
           FL_HAS(mask, sampled_packets) || FL_HAS(mask, sampling_population) ||
           FL_HAS(mask, sampling_probability);
}

/* 0: not known. */
static uint32_t find(const struct fl_sampling *s, enum fl_sampler_kind kind, uint64_t id)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->samplers[i].id == id && s->samplers[i].kind == kind)
            return s->samplers[i].interval;
    return 0;
}

static void summarise(struct fl_sampling *s)
{
    bool differ = false;
    s->common = 0;
    s->interfaces = false;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct fl_sampler *sampler = &s->samplers[i];
        if (sampler->kind == FL_SAMPLER_INTERFACE) {
            s->interfaces = true;
            continue;
        }
        differ = differ || (s->common && sampler->interval != s->common);
        s->common = sampler->interval;
    }
    if (differ)
        s->common = 0;
    s->assumed = s->interval ? s->interval : s->common;
    s->assumed_source = s->interval ? s->source : s->common ? FL_SAMPLING_OPTIONS : FL_SAMPLING_NONE;
}

/* Interval 0 removes. */
static void set_sampler(struct fl_sampling *s, enum fl_sampler_kind kind, uint64_t id, uint32_t interval)
{
    uint32_t i = 0;
    while (i < s->n && (s->samplers[i].id != id || s->samplers[i].kind != kind))
        i++;
    if (i == s->n && interval == 0)
        return;
    if (interval == 0) {
        s->samplers[i] = s->samplers[--s->n];
    } else {
        if (i == FL_SAMPLERS)
            i = s->next++ % FL_SAMPLERS;
        s->samplers[i] = (struct fl_sampler){id, interval, (uint8_t)kind};
        s->n += i == s->n;
    }
}

void fl_sampling_header(struct fl_sampling *s, uint32_t interval)
{
    s->interval = s->told = interval;
    s->source = FL_SAMPLING_HEADER;
    summarise(s);
}

void fl_sampling_learn(struct fl_sampling *s, const struct fl_record *r, struct fl_fields mask)
{
    if (!tells(mask))
        return;
    uint32_t interval = record_interval(r);
    s->told = interval;
    if (FL_HAS(mask, sampler)) {
        set_sampler(s, FL_SAMPLER, r->sampler, interval);
    } else if (FL_HAS(mask, selector)) {
        set_sampler(s, FL_SAMPLER_SELECTOR, r->selector, interval);
    } else if (FL_HAS(mask, in_if)) {
        set_sampler(s, FL_SAMPLER_INTERFACE, r->in_if, interval);
    } else {
        s->interval = interval;
        s->source = FL_SAMPLING_OPTIONS;
    }
    summarise(s);
}

/* Rules 4 to 7; `named`: a sampler that is not known. */
static uint32_t other(const struct fl_sampling *s, const struct fl_flow *flow, bool named, uint8_t *source)
{
    bool egress = flow->direction == FL_DIRECTION_EGRESS;
    uint32_t interval =
        s->interfaces ? find(s, FL_SAMPLER_INTERFACE, egress ? flow->out_if : flow->in_if) : 0;
    *source = FL_SAMPLING_OPTIONS;
    if (interval)
        return interval;
    interval = named ? s->interval : s->assumed;
    *source = s->assumed_source;
    if (interval)
        return interval;
    *source = FL_SAMPLING_NONE;
    return 1;
}

uint32_t fl_sampling_of(const struct fl_sampling *s, const struct fl_record *r, bool named,
                        const struct fl_flow *flow, uint8_t *source)
{
    if (!named)
        return other(s, flow, false, source);
    uint32_t interval = record_interval(r);
    *source = FL_SAMPLING_RECORD;
    if (interval)
        return interval;
    *source = FL_SAMPLING_OPTIONS;
    interval = r->selector ? find(s, FL_SAMPLER_SELECTOR, r->selector) : find(s, FL_SAMPLER, r->sampler);
    if (interval)
        return interval;
    return other(s, flow, r->selector || r->sampler, source);
}
