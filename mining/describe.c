/* A pair looked at closely.
 *
 * 1. Order the conversations of both nodes by binding host and start.
 * 2. A coincidence is a window (of one host) in which one of X starts and one of Y starts (or is under way);
 * of several, the first of X with the first of Y (or with the one of Y that started last).
 * 3. Lag is the median of the differences of the starts, its spread their interquartile range; their
 * histogram has bins of a round width that hold the middle nine tenths.
 * 4. The antecedent is the side whose confidence is higher.
 * 5. What comes in bursts meets in bursts: two clients each of which opens ten connections within a second
 * need to be active in the same minute but once to coincide ten times. So the coincidences must also be many
 * when jitter blocks, not windows, are taken as what is independent, in either of two ways: in how many
 * blocks there are any, against the chance of that in each block; or how far their number is above what is
 * expected in each block, against how much this varies from block to block. The rule's p-value is that of the
 * better of the two (twice, for there are two), where it is larger than that of the windows. A block is one
 * of all binding hosts together: two scanners that walk over ten hosts side by side have met once.
 * 6. A wildcard behind which one host makes nine tenths of the coincidences is that host in disguise: its own
 * pair has as many coincidences on fewer windows, and is the rule. */
#include "mining/describe.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/describe_parts.h"
#include "mining/numbers.h"
#include "mining/order.h"
#include "mining/room.h"
#include "mining/stats.h"
#include "storage/error.h"

enum { least_bound_hosts = 3 };

/* ---- lag, clock, hosts ---- */

static int compare_ms(const void *va, const void *vb)
{
    FL_ORDER(*(const int64_t *)va, *(const int64_t *)vb);
    return 0;
}

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

void fl_lag_histogram(const int64_t *sorted_ms, size_t n, bool symmetrical, struct fl_lag_histogram *out)
{
    *out = (struct fl_lag_histogram){0};
    if (n == 0)
        return;
    int64_t low = sorted_ms[n / 20], high = sorted_ms[n - 1 - n / 20], half = high > -low ? high : -low;
    out->step_ms =
        symmetrical ? round_step(half + 1, FL_LAG_BINS / 2) : round_step(high - low + 1, FL_LAG_BINS - 1);
    out->from_ms = symmetrical ? -out->step_ms * (FL_LAG_BINS / 2) : round_down(low, out->step_ms);
    for (size_t i = 0; i < n; i++) {
        int64_t bin = sorted_ms[i] < out->from_ms ? 0 : (sorted_ms[i] - out->from_ms) / out->step_ms;
        out->counts[bin < FL_LAG_BINS ? bin : FL_LAG_BINS - 1]++;
    }
}

/* `sign` -1: of the rule turned round. `scratch` holds two numbers for each hit. */
static void measure_lag(struct fl_rule *rule, const struct fl_hits *hits, const struct fl_talk *talk,
                        int sign, int64_t *scratch)
{
    for (size_t i = 0; i < hits->n; i++)
        scratch[i] = sign * (talk->items[hits->items[i].conversations[1]].start_ms -
                             talk->items[hits->items[i].conversations[0]].start_ms);
    fl_numbers_sort(scratch, hits->n, scratch + hits->n);
    rule->lag_ms = scratch[hits->n / 2];
    rule->lag_spread_ms = scratch[hits->n * 3 / 4] - scratch[hits->n / 4];
    fl_lag_histogram(scratch, hits->n, rule->evidence == FL_EVIDENCE_START, &rule->lags);
}

/* How often the most frequent of n numbers, in any order, is there; the least of several. Sorts them. */
static size_t most_frequent(int64_t *numbers, size_t n, int64_t *which)
{
    size_t most = 0;
    qsort(numbers, n, sizeof *numbers, compare_ms);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && numbers[to] == numbers[from];)
            to++;
        if (to - from > most) {
            most = to - from;
            *which = numbers[from];
        }
    }
    return most;
}

/* The same of numbers below COUNTED, in one pass. */
enum { COUNTED = 64 };
static size_t most_frequent_of_few(const int64_t *numbers, size_t n, int64_t *which)
{
    size_t counts[COUNTED] = {0}, most = 0;
    for (size_t i = 0; i < n; i++)
        counts[numbers[i]]++;
    for (int64_t number = 0; number < COUNTED; number++)
        if (counts[number] > most) {
            most = counts[number];
            *which = number;
        }
    return most;
}

/* Do at least 80 % of the times fall into one window of the period? */
static bool keeps_phase(const int64_t *times_ms, size_t n, int64_t period_ms, int64_t window_ms,
                        int64_t *scratch, int64_t *phase_ms)
{
    int64_t which = 0;
    for (size_t i = 0; i < n; i++)
        scratch[i] = times_ms[i] % period_ms / window_ms;
    size_t most = (period_ms - 1) / window_ms < COUNTED ? most_frequent_of_few(scratch, n, &which)
                                                        : most_frequent(scratch, n, &which);
    *phase_ms = which * window_ms;
    return n > 0 && most * 10 >= n * 8;
}

/* `scratch` holds n. */
static void find_phase(const int64_t *times_ms, size_t n, int64_t window_ms, int64_t *scratch, char out[8])
{
    const int64_t hour_ms = 3600000, minute_ms = 60000, round_ms = 5000;
    int64_t phase_ms = 0;
    out[0] = '\0';
    if (window_ms > round_ms || !keeps_phase(times_ms, n, minute_ms, window_ms, scratch, &phase_ms) ||
        phase_ms % round_ms != 0)
        return;
    snprintf(out, 8, ":%02u", (unsigned)(phase_ms / 1000) % 60);
    if (keeps_phase(times_ms, n, hour_ms, window_ms, scratch, &phase_ms))
        snprintf(out, 8, "%02u:%02u", (unsigned)(phase_ms / minute_ms) % 60,
                 (unsigned)(phase_ms / 1000) % 60);
}

int fl_clock_phase(const int64_t *times_ms, size_t n, int64_t window_ms, char out[8])
{
    int64_t *scratch = malloc((n + 1) * sizeof *scratch);
    out[0] = '\0';
    if (scratch)
        find_phase(times_ms, n, window_ms, scratch, out);
    free(scratch);
    return scratch ? 0 : FL_ENOMEM;
}

/* The host behind the wildcard of a side in a coincidence. */
static uint32_t meant_host(const struct fl_pair *pair, const struct fl_hit *hit, int side,
                           const struct fl_node_key *key, const struct fl_talk *talk)
{
    const struct fl_conversation *c = &talk->items[hit->conversations[side]];
    return pair->family != FL_NAMED ? hit->bind : key->client == FL_HOST_ANY ? c->client : c->server;
}

/* How many distinct hosts are behind the wildcard of a side, and how often the most frequent is. `made` is by
 * host, zeros before and after. */
static uint32_t distinct(const struct fl_pair *pair, const struct fl_hits *hits, int side,
                         const struct fl_node_key *key, const struct fl_talk *talk, uint32_t *made,
                         size_t *most)
{
    uint32_t count = 0;
    *most = 0;
    for (size_t i = 0; i < hits->n; i++) {
        uint32_t so_many = ++made[meant_host(pair, &hits->items[i], side, key, talk)];
        count += so_many == 1;
        *most = so_many > *most ? so_many : *most;
    }
    for (size_t i = 0; i < hits->n; i++)
        made[meant_host(pair, &hits->items[i], side, key, talk)] = 0;
    return count;
}

/* Distinct hosts behind the wildcards of the coincidences: the bound ones, else the more of either node's.
 * *most_of_one: the most coincidences that one host behind one wildcard makes. */
static uint32_t count_hosts(const struct fl_pair *pair, const struct fl_hits *hits,
                            const struct fl_nodes *nodes, const struct fl_talk *talk, uint32_t *made,
                            size_t *most_of_one)
{
    uint32_t most = 0;
    *most_of_one = 0;
    for (int side = 0; side < 2; side++) {
        const struct fl_node_key *key = &nodes->keys[side == 0 ? pair->x : pair->y];
        if (key->client != FL_HOST_ANY && key->server != FL_HOST_ANY)
            continue;
        size_t of_one;
        uint32_t count = distinct(pair, hits, side, key, talk, made, &of_one);
        most = count > most ? count : most;
        *most_of_one = of_one > *most_of_one ? of_one : *most_of_one;
        if (pair->family != FL_NAMED)
            break; /* the bound hosts are the same on both sides */
    }
    return most;
}

/* ---- the rule ---- */

/* From the first to the last in time; `order`: NULL where they stand like that. */
static void add_examples(struct fl_rule *rule, const struct fl_hits *hits, const uint32_t *order,
                         const struct fl_talk *talk, const struct fl_timeline *time)
{
    rule->n_examples = hits->n < FL_EXAMPLES ? (uint32_t)hits->n : FL_EXAMPLES;
    for (uint32_t i = 0; i < rule->n_examples; i++) {
        size_t at = hits->n * i / rule->n_examples;
        const struct fl_hit *hit = &hits->items[order ? order[at] : at];
        struct fl_example *e = &rule->examples[i];
        e->time_ms = fl_window_start_ms(time, hit->window);
        for (int side = 0; side < 2; side++) {
            const struct fl_conversation *c = &talk->items[hit->conversations[side]];
            e->clients[side] = talk->hosts[c->client];
            e->servers[side] = talk->hosts[c->server];
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

/* The coincidences by window, those of one window by binding host as they stand. */
static const uint32_t *order_hits(const struct fl_hits *hits, struct fl_scratch *s)
{
    uint32_t *windows = s->order + hits->n;
    for (size_t i = 0; i < hits->n; i++)
        windows[i] = hits->items[i].window;
    fl_numbers_order(windows, hits->n, s->order, windows + hits->n);
    return s->order;
}

static int make_room(struct fl_scratch *s, size_t hits, const struct fl_view *v)
{
    if (!s->made)
        s->made = calloc(v->talk->n_hosts + 1, sizeof *s->made);
    return s->made && fl_room(&s->numbers, &s->numbers_room, 2 * hits, sizeof *s->numbers) == 0 &&
                   fl_room(&s->order, &s->order_room, 3 * hits, sizeof *s->order) == 0
               ? 0
               : FL_ENOMEM;
}

static int describe_hits(struct fl_rule *rule, const struct fl_hits *hits, const struct fl_pair *pair,
                         const struct fl_view *v, struct fl_scratch *s)
{
    size_t most_of_one;
    if (make_room(s, hits->n, v) < 0)
        return FL_ENOMEM;
    rule->hosts = count_hosts(pair, hits, v->nodes, v->talk, s->made, &most_of_one);
    measure_lag(rule, hits, v->talk, is_turned(rule) ? -1 : 1, s->numbers);
    for (size_t i = 0; i < hits->n; i++)
        s->numbers[i] = fl_window_start_ms(v->time, hits->items[i].window);
    find_phase(s->numbers, hits->n, v->time->window_ms, s->numbers + hits->n, rule->clock);
    const uint32_t *order =
        pair->family == FL_NAMED ? NULL : order_hits(hits, s); /* one host's are in order */
    add_examples(rule, hits, order, v->talk, v->time);
    if (pair->family != FL_NAMED && rule->hosts < least_bound_hosts)
        return 0;
    if (most_of_one >= v->config->support && most_of_one * 10 >= hits->n * 9)
        return 0; /* that host's own rule says it */
    return pair->evidence == FL_EVIDENCE_START || hits->partners >= v->config->support;
}

int fl_describe_in(struct fl_rule *out, const struct fl_pair *pair, const struct fl_view *view,
                   struct fl_scratch *scratch)
{
    struct fl_hits hits;
    memset(out, 0, sizeof *out); /* the padding too: rules are compared as bytes */
    out->antecedent = fl_key_node(&view->nodes->keys[pair->x], view->talk);
    out->consequent = fl_key_node(&view->nodes->keys[pair->y], view->talk);
    fill_figures(out, pair, view->n_total[pair->family], view->config);
    int rc = fl_hits_collect(&hits, pair, view, scratch);
    if (rc < 0)
        return rc;
    assert(hits.n >= pair->n_xy); /* more where a crowd was not counted */
    rc = fl_weigh_bursts(out, &hits, pair, view, scratch);
    if (rc == 0)
        rc = describe_hits(out, &hits, pair, view, scratch);
    if (is_turned(out))
        turn(out);
    out->score = fl_j_measure(out->n_antecedent, out->n_consequent, out->n_both, out->n_windows);
    return rc;
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
