/* A pair looked at closely.
 *
 * 1. Order the conversations of both nodes by binding host and start, and mark the windows in which they
 * start, or are under way, block by block, a bit each.
 * 2. A coincidence is a window (of one host) in which one of X starts and one of Y starts (or is under way):
 * a bit that both have. Of several, the first of X meets the first of Y (or the one of Y that started last).
 * 3. A wildcard behind which one host makes nine tenths of the coincidences is that host in disguise: its own
 * pair has as many coincidences on fewer windows, and is the rule. Nor does a bound wildcard with two hosts,
 * or one long conversation under way, prove anything.
 * 4. What comes in bursts meets in bursts: two clients each of which opens ten connections within a second
 * need to be active in the same minute but once to coincide ten times. So the coincidences must also be many
 * when jitter blocks, not windows, are taken as what is independent, in either of two ways: in how many
 * blocks there are any, against the chance of that in each block; or how far their number is above what is
 * expected in each block, against how much this varies from block to block. The rule's p-value is that of the
 * better of the two (twice, for there are two), where it is larger than that of the windows. A block is one
 * of all binding hosts together: two scanners that walk over ten hosts side by side have met once.
 * 5. A p-value that is too large whatever those of other pairs are ends it here: telling more of what does
 * not stand takes as long as all of this.
 * 6. Lag is the median of the differences of the starts, its spread their interquartile range; their
 * histogram has bins of a round width that hold the middle nine tenths. The antecedent is the side whose
 * confidence is higher. */
#include "mining/describe.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/describe_parts.h"
#include "mining/numbers.h"
#include "mining/room.h"
#include "mining/stats.h"
#include "storage/error.h"

enum { least_bound_hosts = 3 };

/* ---- lag, clock, hosts ---- */

/* The least round step of which `bins` make `reach`. */
static int64_t round_step(int64_t reach, int64_t bins)
{
    static const int64_t steps[] = {1,       2,       5,        10,       20,      50,     100,
                                    200,     500,     1000,     2000,     5000,    10000,  15000,
                                    30000,   60000,   120000,   300000,   600000,  900000, 1800000,
                                    3600000, 7200000, 14400000, 28800000, 86400000};
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof steps[0] && steps[i] * bins < reach)
        i++;
    return steps[i];
}

static int64_t round_down(int64_t ms, int64_t step)
{
    return ms >= 0 ? ms / step * step : -((-ms + step - 1) / step * step);
}

static size_t count_below(const int64_t *sorted_ms, size_t n, int64_t ms)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted_ms[middle] < ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void fl_lag_histogram(const int64_t *sorted_ms, size_t n, bool symmetrical, struct fl_lag_histogram *out)
{
    *out = (struct fl_lag_histogram){0};
    if (n == 0)
        return;
    int64_t low = sorted_ms[n / 20], high = sorted_ms[n - 1 - n / 20], half = high > -low ? high : -low;
    out->step_ms =
        symmetrical ? round_step(half + 1, FL_LAG_BINS / 2) : round_step(high - low + 1, FL_LAG_BINS - 1);
    out->from_ms = symmetrical ? -out->step_ms * (FL_LAG_BINS / 2) : round_down(low, out->step_ms);
    size_t from = 0;
    for (int bin = 0; bin < FL_LAG_BINS; bin++) {
        size_t to =
            bin + 1 < FL_LAG_BINS ? count_below(sorted_ms, n, out->from_ms + (bin + 1) * out->step_ms) : n;
        out->counts[bin] = (uint32_t)(to - from);
        from = to;
    }
}

/* What hits tell of, X's and Y's. */
struct starts {
    const struct fl_start *of[2];
};

/* `sign` -1: of the rule turned round. `scratch` holds two numbers for each hit. */
static void measure_lag(struct fl_rule *rule, const struct fl_hits *hits, const struct starts *starts,
                        int sign, int64_t *scratch)
{
    for (size_t i = 0; i < hits->n; i++) {
        const struct fl_hit *hit = &hits->items[i];
        scratch[i] = sign * (starts->of[1][hit->starts[1]].ms - starts->of[0][hit->starts[0]].ms);
    }
    fl_numbers_sort(scratch, hits->n, scratch + hits->n);
    rule->lag_ms = scratch[hits->n / 2];
    rule->lag_spread_ms = scratch[hits->n * 3 / 4] - scratch[hits->n / 4];
    fl_lag_histogram(scratch, hits->n, rule->evidence == FL_EVIDENCE_START, &rule->lags);
}

/* Do at least 80 % of the times fall into one window of the period? That would be the one which is left where
 * two times of different windows are taken out again and again, and there are no more than n / 5 such. */
static bool keeps_phase(const int64_t *times_ms, size_t n, int64_t period_ms, int64_t window_ms,
                        int64_t *phase_ms)
{
    int64_t window = 0;
    size_t left = 0, out = 0, kept = 0;
    for (size_t i = 0; i < n && out * 5 <= n; i++) {
        int64_t now = times_ms[i] % period_ms / window_ms;
        if (left == 0)
            window = now;
        bool same = now == window;
        left = same ? left + 1 : left - 1;
        out += !same;
    }
    *phase_ms = window * window_ms;
    for (size_t i = 0; i < n && out * 5 <= n; i++)
        kept += times_ms[i] % period_ms / window_ms == window;
    return n > 0 && kept * 10 >= n * 8;
}

void fl_clock_phase(const int64_t *times_ms, size_t n, int64_t window_ms, char out[8])
{
    const int64_t hour_ms = 3600000, minute_ms = 60000, round_ms = 5000;
    int64_t phase_ms = 0;
    out[0] = '\0';
    if (window_ms > round_ms || !keeps_phase(times_ms, n, minute_ms, window_ms, &phase_ms) ||
        phase_ms % round_ms != 0)
        return;
    snprintf(out, 8, ":%02u", (unsigned)(phase_ms / 1000) % 60);
    if (keeps_phase(times_ms, n, hour_ms, window_ms, &phase_ms))
        snprintf(out, 8, "%02u:%02u", (unsigned)(phase_ms / minute_ms) % 60,
                 (unsigned)(phase_ms / 1000) % 60);
}

/* How many distinct hosts are behind the wildcard of a side, and how often the most frequent is. `made` is by
 * host, zeros before and after. */
static uint32_t distinct(const struct fl_hits *hits, const struct fl_start *starts, int side, uint32_t *made,
                         size_t *most)
{
    uint32_t count = 0;
    *most = 0;
    for (size_t from = 0, to; from < hits->n; from = to) { /* many in a row are often of one */
        uint32_t host = starts[hits->items[from].starts[side]].host;
        for (to = from + 1; to < hits->n && starts[hits->items[to].starts[side]].host == host;)
            to++;
        count += made[host] == 0;
        made[host] += (uint32_t)(to - from);
        *most = made[host] > *most ? made[host] : *most;
    }
    for (size_t i = 0; i < hits->n; i++)
        made[starts[hits->items[i].starts[side]].host] = 0;
    return count;
}

/* Distinct hosts behind the wildcards of the coincidences: the bound ones, else the more of either node's.
 * *most_of_one: the most coincidences that one host behind one wildcard makes. */
static uint32_t count_hosts(const struct fl_pair *pair, const struct fl_hits *hits,
                            const struct starts *starts, const struct fl_nodes *nodes, uint32_t *made,
                            size_t *most_of_one)
{
    uint32_t most = 0;
    *most_of_one = 0;
    for (int side = 0; side < 2; side++) {
        const struct fl_node_key *key = &nodes->keys[side == 0 ? pair->x : pair->y];
        if (key->client != FL_HOST_ANY && key->server != FL_HOST_ANY)
            continue;
        size_t of_one;
        uint32_t count = distinct(hits, starts->of[side], side, made, &of_one);
        most = count > most ? count : most;
        *most_of_one = of_one > *most_of_one ? of_one : *most_of_one;
        if (pair->family != FL_NAMED)
            break; /* the bound hosts are the same on both sides */
    }
    return most;
}

/* ---- the rule ---- */

/* Which coincidences become examples, from the first to the last in time. `scratch` holds two numbers for
 * each hit. */
static void choose_examples(size_t chosen[FL_EXAMPLES], size_t n, const struct fl_hits *hits, bool by_time,
                            int64_t *scratch)
{
    int64_t picked[FL_EXAMPLES];
    for (size_t i = 0; i < n; i++)
        chosen[i] = hits->n * i / n;
    if (by_time)
        return;
    for (size_t i = 0; i < hits->n; i++) /* those of one window by binding host */
        scratch[i] = (int64_t)((uint64_t)fl_at_window(hits->items[i].at) << 32 | i);
    fl_numbers_pick(scratch, hits->n, chosen, n, picked, scratch + hits->n);
    for (size_t i = 0; i < n; i++)
        chosen[i] = (uint32_t)picked[i];
}

static void add_examples(struct fl_rule *rule, const struct fl_hits *hits, const struct starts *starts,
                         bool by_time, const struct fl_view *v, int64_t *scratch)
{
    size_t chosen[FL_EXAMPLES];
    rule->n_examples = hits->n < FL_EXAMPLES ? (uint32_t)hits->n : FL_EXAMPLES;
    choose_examples(chosen, rule->n_examples, hits, by_time, scratch);
    for (uint32_t i = 0; i < rule->n_examples; i++) {
        const struct fl_hit *hit = &hits->items[chosen[i]];
        struct fl_example *e = &rule->examples[i];
        e->time_ms = fl_window_start_ms(v->time, fl_at_window(hit->at));
        for (int side = 0; side < 2; side++) {
            const struct fl_conversation *c =
                &v->talk->items[starts->of[side][hit->starts[side]].conversation];
            e->clients[side] = v->talk->hosts[c->client];
            e->servers[side] = v->talk->hosts[c->server];
            e->client_ports[side] = c->client_port;
            e->server_ports[side] = c->server_port;
        }
    }
}

#define SWAP(type, a, b)                                                                                     \
    do {                                                                                                     \
        type swapped = (a);                                                                                  \
        (a) = (b);                                                                                           \
        (b) = swapped;                                                                                       \
    } while (0)

/* Turn the rule round: Y becomes the antecedent. Its lags are of the rule as turned already. */
static void turn(struct fl_rule *rule)
{
    SWAP(struct fl_node, rule->antecedent, rule->consequent);
    SWAP(uint64_t, rule->n_antecedent, rule->n_consequent);
    SWAP(double, rule->confidence, rule->reverse_confidence);
    if (rule->evidence == FL_EVIDENCE_DURING)
        rule->present_antecedent = !rule->present_antecedent;
    for (uint32_t i = 0; i < rule->n_examples; i++) {
        struct fl_example *e = &rule->examples[i];
        SWAP(struct fl_addr, e->clients[0], e->clients[1]);
        SWAP(struct fl_addr, e->servers[0], e->servers[1]);
        SWAP(uint32_t, e->client_ports[0], e->client_ports[1]);
        SWAP(uint32_t, e->server_ports[0], e->server_ports[1]);
    }
}

static void fill_figures(struct fl_rule *rule, const struct fl_pair *pair, uint64_t n_total,
                         const struct fl_mining_config *config)
{
    rule->evidence = pair->evidence;
    rule->n_antecedent = pair->n_x;
    rule->n_consequent = pair->n_y;
    rule->n_both = pair->n_xy;
    rule->n_windows = n_total;
    rule->confidence = (double)pair->n_xy / (double)pair->n_x;
    rule->reverse_confidence = (double)pair->n_xy / (double)pair->n_y;
    rule->expected = pair->expected;
    rule->lift = (double)pair->n_xy / pair->expected;
    rule->log10_p = pair->log10_p;
    rule->log10_q = pair->log10_q;
    rule->parent = -1;
    double higher = rule->confidence, lower = rule->reverse_confidence;
    if (higher < lower)
        SWAP(double, higher, lower);
    rule->both = lower >= config->both || higher <= 2 * lower;
}

/* The surer side is the antecedent. */
static bool is_turned(const struct fl_rule *rule)
{
    return rule->reverse_confidence > rule->confidence;
}

static int make_room(struct fl_scratch *s, size_t hits, const struct fl_view *v)
{
    if (!s->made)
        s->made = calloc(v->talk->n_hosts + 1, sizeof *s->made);
    return s->made && fl_room(&s->numbers, &s->numbers_room, 2 * hits, sizeof *s->numbers) == 0 ? 0
                                                                                                : FL_ENOMEM;
}

/* Step 3. Counts the hosts too. */
static bool is_denied(struct fl_rule *rule, const struct fl_hits *hits, const struct fl_pair *pair,
                      const struct starts *starts, const struct fl_view *v, struct fl_scratch *s)
{
    size_t most_of_one;
    rule->hosts = count_hosts(pair, hits, starts, v->nodes, s->made, &most_of_one);
    if (pair->family != FL_NAMED && rule->hosts < least_bound_hosts)
        return true;
    if (most_of_one >= v->config->support && most_of_one * 10 >= hits->n * 9)
        return true; /* that host's own rule says it */
    return pair->evidence == FL_EVIDENCE_DURING && hits->partners < v->config->support;
}

/* Step 5; what is near the bound is left to the caller. */
static bool is_chance(const struct fl_rule *rule, const struct fl_view *v)
{
    const double rounding = 1e-9;
    return v->log10_tests > 0 && rule->log10_p + v->log10_tests > log10(v->config->q) + rounding;
}

/* Step 6. */
static void tell_hits(struct fl_rule *rule, const struct fl_hits *hits, const struct fl_pair *pair,
                      const struct starts *starts, const struct fl_view *v, struct fl_scratch *s)
{
    measure_lag(rule, hits, starts, is_turned(rule) ? -1 : 1, s->numbers);
    for (size_t i = 0; i < hits->n; i++)
        s->numbers[i] = fl_window_start_ms(v->time, fl_at_window(hits->items[i].at));
    fl_clock_phase(s->numbers, hits->n, v->time->window_ms, rule->clock);
    add_examples(rule, hits, starts, pair->family == FL_NAMED, v, s->numbers);
    if (is_turned(rule))
        turn(rule);
    rule->score = fl_j_measure(rule->n_antecedent, rule->n_consequent, rule->n_both, rule->n_windows);
}

int fl_describe_in(struct fl_rule *out, const struct fl_pair *pair, const struct fl_view *view,
                   struct fl_scratch *scratch)
{
    const struct fl_events *x = &view->events[pair->x], *y = &view->events[pair->y];
    const struct starts starts = {
        {x->first_starts, pair->evidence == FL_EVIDENCE_START ? y->first_starts : y->span_starts}};
    struct fl_hits hits;
    memset(out, 0, sizeof *out); /* the padding too: rules are compared as bytes */
    out->antecedent = fl_key_node(&view->nodes->keys[pair->x], view->talk);
    out->consequent = fl_key_node(&view->nodes->keys[pair->y], view->talk);
    fill_figures(out, pair, view->n_total[pair->family], view->config);
    int rc = fl_hits_collect(&hits, pair, view, scratch);
    if (rc == 0)
        rc = make_room(scratch, hits.n, view);
    if (rc < 0)
        return rc;
    assert(hits.n >= pair->n_xy); /* more where a crowd was not counted */
    if (is_denied(out, &hits, pair, &starts, view, scratch))
        return 0;
    rc = fl_weigh_bursts(out, &hits, pair, view, scratch);
    if (rc < 0 || is_chance(out, view))
        return rc;
    tell_hits(out, &hits, pair, &starts, view, scratch);
    return 1;
}

void fl_scratch_clear(struct fl_scratch *s)
{
    free(s->hits);
    free(s->numbers);
    free(s->order);
    free(s->blocks);
    free(s->made);
    free(s->none);
    *s = (struct fl_scratch){.hits = NULL};
}

long fl_keep_significant(struct fl_rule *rules, size_t n, uint64_t tested, double q, int32_t *place)
{
    double *log10_p = malloc((n + 1) * sizeof *log10_p), *log10_q = malloc((n + 1) * sizeof *log10_q);
    long kept = log10_p && log10_q ? 0 : FL_ENOMEM;
    if (kept == 0 && n > 0) {
        for (size_t i = 0; i < n; i++)
            log10_p[i] = rules[i].log10_p;
        fl_benjamini_hochberg(log10_p, log10_q, n, tested);
        for (size_t i = 0; i < n; i++) {
            rules[i].log10_q = fl_q_of(log10_p, log10_q, n, rules[i].log10_p);
            bool stays = rules[i].log10_q <= log10(q);
            place[i] = stays ? (int32_t)kept : -1;
            if (stays)
                rules[kept++] = rules[i];
        }
    }
    free(log10_p);
    free(log10_q);
    return kept;
}
