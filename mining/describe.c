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

#include "mining/order.h"
#include "mining/stats.h"
#include "storage/error.h"

enum { least_bound_hosts = 3 };

struct event { /* a conversation of one node */
    uint32_t bind, conversation;
    uint32_t first, last; /* windows */
    int64_t start_ms;
};

struct fl_events {
    struct event *items;
    size_t n;
};

struct hit { /* a coincidence */
    uint32_t window;
    uint32_t bind;
    uint32_t conversations[2]; /* of X, of Y */
};

struct hits {
    struct hit *items;
    size_t n;
    size_t partners; /* during: distinct conversations of Y that took part */
};

static int compare_events(const void *va, const void *vb)
{
    const struct event *a = va, *b = vb;
    FL_ORDER(a->bind, b->bind);
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->conversation, b->conversation);
    return 0;
}

static int collect_events(struct fl_events *out, uint32_t node, const struct fl_view *v)
{
    size_t n = v->nodes->first[node + 1] - v->nodes->first[node];
    struct event *items = malloc((n + 1) * sizeof *items);
    if (!items)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        uint32_t index = v->nodes->conversations[v->nodes->first[node] + i];
        const struct fl_conversation *c = &v->talk->items[index];
        items[i] = (struct event){fl_bind_of(v->family, c), index, fl_window_of(v->time, c->start_ms),
                                  fl_window_of(v->time, c->end_ms), c->start_ms};
    }
    if (v->family != FL_NAMED) /* a node's conversations are by start already */
        qsort(items, n, sizeof *items, compare_events);
    *out = (struct fl_events){items, n};
    return 0;
}

void fl_view_clear(struct fl_view *view)
{
    for (size_t i = 0; view->events && i < view->nodes->n; i++)
        free(view->events[i].items);
    free(view->events);
    view->events = NULL;
}

/* The events of both nodes of a pair are there when this returns 0. */
static int keep_events(struct fl_view *v, const struct fl_pair *pair)
{
    int rc = 0;
    if (v->family != pair->family)
        fl_view_clear(v);
    v->family = pair->family;
    if (!v->events)
        v->events = calloc(v->nodes->n, sizeof *v->events);
    if (!v->events)
        return FL_ENOMEM;
    if (!v->events[pair->x].items)
        rc = collect_events(&v->events[pair->x], pair->x, v);
    if (rc == 0 && !v->events[pair->y].items)
        rc = collect_events(&v->events[pair->y], pair->y, v);
    return rc;
}

static bool repeats_window(const struct fl_events *e, size_t i)
{
    return i > 0 && e->items[i].bind == e->items[i - 1].bind && e->items[i].first == e->items[i - 1].first;
}

static bool before(const struct event *a, const struct event *b)
{
    return a->bind != b->bind ? a->bind < b->bind : a->first < b->first;
}

static void add_hit(struct hits *hits, const struct event *x, const struct event *y)
{
    hits->items[hits->n++] = (struct hit){x->first, x->bind, {x->conversation, y->conversation}};
}

static void meet_at_start(struct hits *hits, const struct fl_events *x, const struct fl_events *y)
{
    size_t j = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (repeats_window(x, i))
            continue;
        const struct event *e = &x->items[i];
        while (j < y->n && before(&y->items[j], e))
            j++;
        if (j < y->n && y->items[j].bind == e->bind && y->items[j].first == e->first)
            add_hit(hits, e, &y->items[j]);
    }
}

/* How many of Y have a start of X within their time. */
static size_t count_partners(const struct fl_events *x, const struct fl_events *y)
{
    size_t i = 0, count = 0;
    for (size_t j = 0; j < y->n; j++) {
        const struct event *e = &y->items[j];
        while (i < x->n && before(&x->items[i], e))
            i++;
        count += i < x->n && x->items[i].bind == e->bind && x->items[i].first <= e->last;
    }
    return count;
}

/* `open` holds at least y->n indices: those of Y that started, the last on top; what ended is taken off once
 * it is on top, so nothing is looked at twice. */
static void meet_during(struct hits *hits, const struct fl_events *x, const struct fl_events *y, size_t *open)
{
    size_t j = 0, n_open = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (repeats_window(x, i))
            continue;
        const struct event *e = &x->items[i];
        for (; j < y->n && !before(e, &y->items[j]); j++)
            open[n_open++] = j;
        while (n_open &&
               (y->items[open[n_open - 1]].bind != e->bind || y->items[open[n_open - 1]].last < e->first))
            n_open--;
        if (n_open)
            add_hit(hits, e, &y->items[open[n_open - 1]]);
    }
    hits->partners = count_partners(x, y);
}

static int collect_hits(struct hits *out, const struct fl_pair *pair, struct fl_view *view)
{
    int rc = keep_events(view, pair);
    if (rc < 0)
        return rc;
    const struct fl_events *x = &view->events[pair->x], *y = &view->events[pair->y];
    size_t *open = malloc((y->n + 1) * sizeof *open);
    out->items = malloc((x->n + 1) * sizeof *out->items);
    if (!open || !out->items)
        rc = FL_ENOMEM;
    else if (pair->evidence == FL_EVIDENCE_START)
        meet_at_start(out, x, y);
    else
        meet_during(out, x, y, open);
    free(open);
    return rc;
}

/* ---- bursts ---- */

struct stretch { /* windows in which Y starts or is under way */
    uint32_t bind, first, last;
};

/* Disjoint stretches in order: single windows for `start`. Returns how many. */
static size_t stretches_of(const struct fl_events *y, enum fl_evidence evidence, struct stretch *out)
{
    size_t n = 0;
    for (size_t i = 0; i < y->n; i++) {
        const struct event *e = &y->items[i];
        uint32_t last = evidence == FL_EVIDENCE_START ? e->first : e->last;
        if (n == 0 || out[n - 1].bind != e->bind || e->first > out[n - 1].last)
            out[n++] = (struct stretch){e->bind, e->first, last};
        else if (last > out[n - 1].last)
            out[n - 1].last = last;
    }
    return n;
}

/* How many windows of [first, last] the stretches cover, from *at on, which moves on. */
static uint32_t covered(const struct stretch *s, size_t n, size_t *at, uint32_t bind, uint32_t first,
                        uint32_t last)
{
    uint32_t count = 0;
    while (*at < n && (s[*at].bind < bind || (s[*at].bind == bind && s[*at].last < first)))
        ++*at;
    for (size_t i = *at; i < n && s[i].bind == bind && s[i].first <= last; i++) {
        uint32_t from = s[i].first > first ? s[i].first : first, to = s[i].last < last ? s[i].last : last;
        count += to - from + 1;
    }
    return count;
}

/* The chance that n_x of `windows` windows, any of them, meet one of n_y others. */
static double chance_of_any(uint32_t n_x, uint32_t n_y, uint32_t windows)
{
    double none = 1;
    for (uint32_t i = 0; i < n_x && none > 0; i++)
        none *= n_y + i < windows ? (double)(windows - n_y - i) / (windows - i) : 0;
    return 1 - none;
}

struct block {           /* in which both are active at one binding host */
    uint32_t slot, bind; /* window / jitter */
    double no_chance;    /* of any coincidence */
    double excess;       /* coincidences beyond those expected */
    bool any;
};

static struct block block_of(uint32_t n_x, uint32_t n_y, uint32_t n_xy, uint32_t windows)
{
    return (struct block){.no_chance = 1 - chance_of_any(n_x, n_y, windows),
                          .excess = n_xy - (double)n_x * n_y / windows,
                          .any = n_xy > 0};
}

/* The blocks of all binding hosts; hits in the order of X's events. Returns how many. */
static size_t blocks_of(const struct hits *hits, const struct fl_events *x, const struct stretch *y, size_t n,
                        const struct fl_timeline *time, struct block *out)
{
    size_t at = 0, hit = 0, count = 0;
    uint32_t span_first = fl_window_of(time, time->from_ms), span_last = fl_window_of(time, time->to_ms);
    for (size_t i = 0, to; i < x->n; i = to) {
        uint32_t bind = x->items[i].bind, slot = x->items[i].first / time->jitter,
                 first = slot * time->jitter, last = first + time->jitter - 1, n_x = 0, n_xy = 0;
        for (to = i; to < x->n && x->items[to].bind == bind && x->items[to].first <= last; to++)
            n_x += !repeats_window(x, to);
        for (; hit < hits->n && hits->items[hit].bind == bind && hits->items[hit].window <= last; hit++)
            n_xy++;
        first = first > span_first ? first : span_first;
        last = last < span_last ? last : span_last;
        uint32_t n_y = covered(y, n, &at, bind, first, last);
        if (n_y == 0)
            continue;
        out[count] = block_of(n_x, n_y, n_xy, last - first + 1);
        out[count].slot = slot;
        out[count++].bind = bind;
    }
    return count;
}

static int compare_blocks(const void *va, const void *vb)
{
    const struct block *a = va, *b = vb;
    FL_ORDER(a->slot, b->slot);
    FL_ORDER(a->bind, b->bind);
    return 0;
}

/* log10 of the p-value by blocks, all binding hosts of a block as one. */
static double tail_by_blocks(struct block *blocks, size_t n)
{
    uint64_t count = 0, with_any = 0;
    double chances = 0, sum = 0, squares = 0;
    qsort(blocks, n, sizeof *blocks, compare_blocks);
    for (size_t from = 0, to; from < n; from = to, count++) {
        struct block b = blocks[from];
        for (to = from + 1; to < n && blocks[to].slot == b.slot; to++) {
            b.no_chance *= blocks[to].no_chance;
            b.excess += blocks[to].excess;
            b.any = b.any || blocks[to].any;
        }
        with_any += b.any;
        chances += 1 - b.no_chance;
        sum += b.excess;
        squares += b.excess * b.excess;
    }
    double any = fl_log10_binomial_tail(with_any, count, chances / (double)count),
           above = fl_log10_sum_tail(sum, squares), best = any < above ? any : above;
    return best + log10(2) < 0 ? best + log10(2) : 0;
}

static int weigh_bursts(struct fl_rule *rule, const struct hits *hits, const struct fl_pair *pair,
                        const struct fl_view *v)
{
    const struct fl_events *x = &v->events[pair->x], *y = &v->events[pair->y];
    if (v->time->n_windows / v->time->jitter < v->config->support)
        return 0;
    struct stretch *stretches = malloc((y->n + 1) * sizeof *stretches);
    struct block *blocks = malloc((x->n + 1) * sizeof *blocks);
    int rc = stretches && blocks ? 0 : FL_ENOMEM;
    if (rc == 0) {
        size_t n = stretches_of(y, pair->evidence, stretches);
        double log10_p = tail_by_blocks(blocks, blocks_of(hits, x, stretches, n, v->time, blocks));
        rule->log10_p = log10_p > rule->log10_p ? log10_p : rule->log10_p;
    }
    free(stretches);
    free(blocks);
    return rc;
}

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

/* `sign` -1: of the rule turned round. */
static void measure_lag(struct fl_rule *rule, const struct hits *hits, const struct fl_talk *talk, int sign,
                        int64_t *scratch)
{
    for (size_t i = 0; i < hits->n; i++)
        scratch[i] = sign * (talk->items[hits->items[i].conversations[1]].start_ms -
                             talk->items[hits->items[i].conversations[0]].start_ms);
    qsort(scratch, hits->n, sizeof *scratch, compare_ms);
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

int fl_clock_phase(const int64_t *times_ms, size_t n, int64_t window_ms, char out[8])
{
    const int64_t hour_ms = 3600000, minute_ms = 60000, round_ms = 5000;
    int64_t phase_ms = 0, *scratch = malloc((n + 1) * sizeof *scratch);
    out[0] = '\0';
    if (!scratch)
        return FL_ENOMEM;
    if (window_ms <= round_ms && keeps_phase(times_ms, n, minute_ms, window_ms, scratch, &phase_ms) &&
        phase_ms % round_ms == 0) {
        snprintf(out, 8, ":%02u", (unsigned)(phase_ms / 1000) % 60);
        if (keeps_phase(times_ms, n, hour_ms, window_ms, scratch, &phase_ms))
            snprintf(out, 8, "%02u:%02u", (unsigned)(phase_ms / minute_ms) % 60,
                     (unsigned)(phase_ms / 1000) % 60);
    }
    free(scratch);
    return 0;
}

static int compare_numbers(const void *va, const void *vb)
{
    FL_ORDER(*(const uint32_t *)va, *(const uint32_t *)vb);
    return 0;
}

/* How many of the numbers are distinct, and how often the most frequent stands there. */
static uint32_t distinct(uint32_t *numbers, size_t n, size_t *most)
{
    uint32_t count = 0;
    size_t same = 0;
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    *most = 0;
    for (size_t i = 0; i < n; i++) {
        bool next = i == 0 || numbers[i] != numbers[i - 1];
        count += next;
        same = next ? 1 : same + 1;
        *most = same > *most ? same : *most;
    }
    return count;
}

/* Distinct hosts behind the wildcards of the coincidences: the bound ones, else the more of either node's.
 * *most_of_one: the most coincidences that one host behind one wildcard makes. */
static uint32_t count_hosts(const struct fl_pair *pair, const struct hits *hits, const struct fl_nodes *nodes,
                            const struct fl_talk *talk, uint32_t *scratch, size_t *most_of_one)
{
    uint32_t most = 0;
    *most_of_one = 0;
    for (int side = 0; side < 2; side++) {
        const struct fl_node_key *key = &nodes->keys[side == 0 ? pair->x : pair->y];
        if (key->client != FL_HOST_ANY && key->server != FL_HOST_ANY)
            continue;
        for (size_t i = 0; i < hits->n; i++) {
            const struct fl_conversation *c = &talk->items[hits->items[i].conversations[side]];
            scratch[i] = pair->family != FL_NAMED     ? hits->items[i].bind
                         : key->client == FL_HOST_ANY ? c->client
                                                      : c->server;
        }
        size_t of_one;
        uint32_t count = distinct(scratch, hits->n, &of_one);
        most = count > most ? count : most;
        *most_of_one = of_one > *most_of_one ? of_one : *most_of_one;
    }
    return most;
}

/* ---- the rule ---- */

static void add_examples(struct fl_rule *rule, const struct hits *hits, const struct fl_talk *talk,
                         const struct fl_timeline *time)
{
    rule->n_examples = hits->n < FL_EXAMPLES ? (uint32_t)hits->n : FL_EXAMPLES;
    for (uint32_t i = 0; i < rule->n_examples; i++) {
        const struct hit *hit = &hits->items[hits->n * i / rule->n_examples];
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

static int compare_hits(const void *va, const void *vb)
{
    const struct hit *a = va, *b = vb;
    FL_ORDER(a->window, b->window);
    FL_ORDER(a->bind, b->bind);
    return 0;
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

static int describe_hits(struct fl_rule *rule, struct hits *hits, const struct fl_pair *pair,
                         const struct fl_view *v)
{
    int64_t *times = malloc((hits->n + 1) * sizeof *times);
    if (!times)
        return FL_ENOMEM;
    size_t most_of_one;
    rule->hosts = count_hosts(pair, hits, v->nodes, v->talk, (uint32_t *)times, &most_of_one);
    measure_lag(rule, hits, v->talk, is_turned(rule) ? -1 : 1, times);
    if (pair->family != FL_NAMED) /* those of one host are in order already */
        qsort(hits->items, hits->n, sizeof *hits->items, compare_hits);
    for (size_t i = 0; i < hits->n; i++)
        times[i] = fl_window_start_ms(v->time, hits->items[i].window);
    int rc = fl_clock_phase(times, hits->n, v->time->window_ms, rule->clock);
    add_examples(rule, hits, v->talk, v->time);
    free(times);
    if (rc < 0)
        return rc;
    if (pair->family != FL_NAMED && rule->hosts < least_bound_hosts)
        return 0;
    if (most_of_one >= v->config->support && most_of_one * 10 >= hits->n * 9)
        return 0; /* that host's own rule says it */
    return pair->evidence == FL_EVIDENCE_START || hits->partners >= v->config->support;
}

int fl_describe(struct fl_rule *out, const struct fl_pair *pair, struct fl_view *view)
{
    struct hits hits = {0};
    memset(out, 0, sizeof *out); /* the padding too: rules are compared as bytes */
    out->antecedent = fl_key_node(&view->nodes->keys[pair->x], view->talk);
    out->consequent = fl_key_node(&view->nodes->keys[pair->y], view->talk);
    fill_figures(out, pair, view->n_total[pair->family], view->config);
    int rc = collect_hits(&hits, pair, view);
    if (rc == 0) {
        assert(hits.n >= pair->n_xy); /* more where a crowd was not counted */
        rc = weigh_bursts(out, &hits, pair, view);
    }
    if (rc == 0) {
        rc = describe_hits(out, &hits, pair, view);
    }
    free(hits.items);
    if (is_turned(out))
        turn(out);
    out->score = fl_j_measure(out->n_antecedent, out->n_consequent, out->n_both, out->n_windows);
    return rc;
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
