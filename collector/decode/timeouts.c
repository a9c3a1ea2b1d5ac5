/* Finds where durations pile up. */
#include "collector/decode/timeouts.h"

#include <stddef.h>

enum {
    LONG_MS = 8000, /* shorter flows say nothing about the active timeout, unless called cut */
    LOOK_MS = 1000, /* exporters look for idle flows about every second */
    FULL = 16384,
    ENOUGH = 16 /* flows in a pile before it is believed */
};

/* ---- buckets ---- */

static int octave_of(int64_t ms)
{
    return 63 - __builtin_clzll((unsigned long long)ms);
}

/* An eighth of an octave from 1024 ms on: the three bits behind the leading one choose it, the eight bits
 * behind those are the place within. */
static void add(struct fl_piles *p, int64_t ms)
{
    if (ms < 1024)
        return;
    int octave = octave_of(ms), bucket = (octave - 10) * 8 + (int)(ms >> (octave - 3) & 7);
    if (bucket >= FL_PILES)
        return;
    p->counts[bucket]++;
    p->offsets[bucket] += (uint32_t)(octave >= 11 ? ms >> (octave - 11) & 255 : (ms << 1) & 255);
    if (++p->total < FULL)
        return;
    p->total = 0;
    for (int i = 0; i < FL_PILES; i++) {
        p->offsets[i] /= 2;
        p->total += p->counts[i] /= 2;
    }
}

/* The mean of the durations in a bucket, which must have some. */
static int64_t mean_of(const struct fl_piles *p, int bucket)
{
    int64_t low = (int64_t)(8 + bucket % 8) << (bucket / 8 + 7), width = INT64_C(1) << (bucket / 8 + 7);
    return low + width * p->offsets[bucket] / ((int64_t)p->counts[bucket] * 256);
}

static uint32_t count_at(const struct fl_piles *p, int bucket)
{
    return bucket >= 0 && bucket < FL_PILES ? p->counts[bucket] : 0;
}

/* People choose round numbers. Durations pile up over some way below the active timeout, and seldom a little
 * above: the roundest number from 1% below their mean to 6% above. */
static int64_t above_ms(int64_t mean_ms)
{
    static const int64_t steps_s[] = {1800, 600, 300, 60, 30, 10, 5, 1};
    int64_t low = mean_ms - mean_ms / 100, high = mean_ms + mean_ms / 16;
    for (size_t i = 0; i < sizeof steps_s / sizeof steps_s[0]; i++) {
        int64_t step = steps_s[i] * 1000, candidate = (low + step - 1) / step * step;
        if (candidate <= high)
            return candidate;
    }
    return mean_ms;
}

static int64_t nearest_ms(int64_t ms)
{
    int64_t step = ms < 20000 ? 1000 : ms < 150000 ? 5000 : ms < 600000 ? 30000 : 60000;
    return (ms + step / 2) / step * step;
}

/* ---- the two piles ---- */

/* The highest bucket that is not one of a few outliers: at most one in 50 is above it. */
static int upper_edge(const struct fl_piles *p)
{
    uint32_t above = 0;
    for (int i = FL_PILES - 1; i >= 0; i--) {
        above += p->counts[i];
        if (above > p->total / 50)
            return i;
    }
    return -1;
}

int64_t fl_timeouts_active(const struct fl_timeouts *t)
{
    const struct fl_piles *p = &t->durations;
    if (t->told_active_s)
        return (int64_t)t->told_active_s * 1000;
    int edge = upper_edge(p);
    uint32_t pile = count_at(p, edge) + count_at(p, edge - 1);
    uint32_t below = count_at(p, edge - 2) + count_at(p, edge - 3);
    bool believed = t->reasons ? pile >= p->total / 2 : pile >= 3 * below;
    if (edge < 0 || pile < ENOUGH || !believed)
        return 0;
    return above_ms(mean_of(p, p->counts[edge] * 4 >= count_at(p, edge - 1) ? edge : edge - 1));
}

int64_t fl_timeouts_inactive(const struct fl_timeouts *t)
{
    const struct fl_piles *p = &t->idles;
    int most = 0;
    if (t->told_inactive_s)
        return (int64_t)t->told_inactive_s * 1000;
    for (int i = 1; i < FL_PILES; i++)
        if (p->counts[i] > p->counts[most])
            most = i;
    int beside = count_at(p, most + 1) > count_at(p, most - 1) ? most + 1 : most - 1;
    uint32_t pile = p->counts[most] + count_at(p, beside);
    if (pile < ENOUGH || pile < p->total / 5 * 2)
        return 0;
    int64_t sum = mean_of(p, most) * p->counts[most];
    if (count_at(p, beside))
        sum += mean_of(p, beside) * p->counts[beside];
    return nearest_ms(sum / pile - LOOK_MS / 2);
}

/* ---- learning ---- */

void fl_timeouts_told(struct fl_timeouts *t, uint32_t active_s, uint32_t inactive_s)
{
    t->told_active_s = active_s ? active_s : t->told_active_s;
    t->told_inactive_s = inactive_s ? inactive_s : t->told_inactive_s;
}

/* The first flow with a reason: what was gathered without is worth less. */
static void take_reasons(struct fl_timeouts *t)
{
    t->reasons = true;
    t->durations = (struct fl_piles){0};
    t->idles = (struct fl_piles){0};
}

static bool ended_by_itself(const struct fl_flow *flow)
{
    return flow->protocol == FL_PROTO_TCP && flow->tcp_flags & (FL_TCP_FIN | FL_TCP_RST);
}

void fl_timeouts_take(struct fl_timeouts *t, const struct fl_flow *flow, int64_t export_ms)
{
    if (flow->time_source == FL_TIME_RECEIVED)
        return;
    if (flow->end_reason && !t->reasons)
        take_reasons(t);
    int64_t duration = flow->end_ms - flow->start_ms, active = 0;
    if (t->reasons ? flow->end_reason == FL_END_ACTIVE : duration >= LONG_MS)
        add(&t->durations, duration);
    if (t->reasons ? flow->end_reason != FL_END_IDLE : ended_by_itself(flow))
        return;
    if (!t->reasons && duration >= LONG_MS && (active = fl_timeouts_active(t)) && duration >= active / 8 * 7)
        return;
    add(&t->idles, export_ms - flow->end_ms);
}
