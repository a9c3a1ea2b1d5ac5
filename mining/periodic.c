/* Periodic nodes: hands each node's conversations to the test of beat.c and makes a rule of what it finds.
 *
 * 1. Test the node's starts. One p-value a node, its choice of period paid for already.
 * 2. Benjamini-Hochberg over all nodes that have enough conversations to keep a period at all.
 * 3. A wildcard node says nothing of its own where most of its beats are those of a concrete periodic node.
 *
 * Score is the J-measure of "a beat is due" => "a start comes", in bits a window as for pairs (stats.h):
 * trials t of which b were beats where chance would give e at most, N windows:
 *     b/N log2(b/e) + (t-b)/N log2((1-b/t)/(1-e/t)).
 * Example: 288 beats due in a day, 260 came, chance gives 11: 260/86400 log2(23.6) + 28/86400 log2(0.101) =
 * 0.0137 - 0.0011 = 0.0126. */
#include "mining/periodic.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mining/beat.h"
#include "mining/beat_screen.h"
#include "mining/describe.h"
#include "mining/order.h"
#include "mining/parallel.h"
#include "mining/room.h"
#include "mining/stats.h"
#include "storage/error.h"

enum { LEAST_HOSTS = 3, ASK_EVERY = 4096 /* conversations: a few ms at the most */ };
static const double least_share = 0.5; /* of the beats, that came */
static const double tight = 0.12;      /* spread, as a part of the period, of a beat told from other use */
static const double least_beats_of = 0.75;  /* the starts, where the spread is wider */
static const double widest_spread = 0.37;   /* of many beats: a jitter of 30 % about a grid has 0.35 */
static const double spread_of_chance = 0.9; /* how far that of few may be off, times their root */

int64_t fl_period_round(int64_t period_ms, int64_t tolerance_ms)
{
    static const int64_t units_ms[] = {3600000, 1800000, 600000, 300000, 60000, 30000,
                                       10000,   5000,    1000,   100,    10};
    for (size_t i = 0; i < sizeof units_ms / sizeof units_ms[0]; i++) {
        int64_t near_ms = (period_ms + units_ms[i] / 2) / units_ms[i] * units_ms[i];
        if (near_ms > 0 && llabs(near_ms - period_ms) <= tolerance_ms)
            return near_ms;
    }
    return period_ms;
}

/* How far the mean period may be off: its standard error, but not less than a thousandth. */
static int64_t period_tolerance(const struct fl_period *p, size_t beats)
{
    const double iqr_of_normal = 1.349;
    double error_ms = (double)p->spread_ms / iqr_of_normal / sqrt((double)beats);
    return llround(fmax(error_ms, (double)p->period_ms / 1000));
}

static double score_of(const struct fl_beats *b, uint64_t n_windows)
{
    double t = (double)b->trials, hit = (double)b->n, n = (double)n_windows;
    if (hit >= t) /* the first beat of a chain is none that was waited for */
        return t / n * log2(t / b->expected);
    if (hit <= b->expected)
        return 0;
    return hit / n * log2(hit / b->expected) + (t - hit) / n * log2((1 - hit / t) / (1 - b->expected / t));
}

static void fill_figures(struct fl_rule *r, const struct fl_beats *b, const struct fl_timeline *time)
{
    memset(r, 0, sizeof *r); /* the padding too: rules are compared as bytes */
    r->evidence = FL_EVIDENCE_PERIODIC;
    r->n_antecedent = b->starts;
    r->n_both = b->n;
    r->n_windows = time->n_windows;
    r->confidence = (double)b->n / (double)(b->n + b->period.missed);
    r->reverse_confidence = (double)b->n / (double)b->starts;
    r->expected = b->expected;
    r->lift = (double)b->n / b->expected;
    r->score = score_of(b, r->n_windows);
    r->log10_p = b->log10_p;
    r->parent = r->cluster = -1;
    r->period = b->period;
    r->period.period_ms = fl_period_round(b->period.period_ms, period_tolerance(&b->period, b->n));
}

/* The first beat, a few in a row from the middle, the last. */
static void add_examples(struct fl_rule *r, const uint32_t *beats, const struct fl_talk *talk,
                         const struct fl_timeline *time)
{
    size_t middle = r->n_both / 2 - 1;
    for (; r->n_examples < FL_EXAMPLES && r->n_examples < r->n_both; r->n_examples++) {
        size_t i = r->n_examples;
        if (r->n_both > FL_EXAMPLES)
            i = i == 0 ? 0 : i == FL_EXAMPLES - 1 ? r->n_both - 1 : middle + i - 1;
        const struct fl_conversation *c = &talk->items[beats[i]];
        struct fl_example *e = &r->examples[r->n_examples];
        e->time_ms = fl_window_start_ms(time, fl_window_of(time, c->start_ms));
        e->clients[0] = talk->hosts[c->client];
        e->servers[0] = talk->hosts[c->server];
        e->client_ports[0] = c->client_port;
        e->server_ports[0] = c->server_port;
    }
}

static bool is_wild(const struct fl_node_key *key)
{
    return key->client == FL_HOST_ANY || key->server == FL_HOST_ANY;
}

/* Distinct hosts behind the wildcard. */
static int count_hosts(struct fl_rule *r, const uint32_t *beats, const struct fl_node_key *key,
                       const struct fl_talk *talk)
{
    uint32_t *hosts = malloc((r->n_both + 1) * sizeof *hosts);
    if (!hosts)
        return FL_ENOMEM;
    for (size_t i = 0; i < r->n_both; i++)
        hosts[i] = key->client == FL_HOST_ANY ? talk->items[beats[i]].client : talk->items[beats[i]].server;
    qsort(hosts, r->n_both, sizeof *hosts, fl_compare_u32);
    for (size_t i = 0; i < r->n_both; i++)
        r->hosts += i == 0 || hosts[i] != hosts[i - 1];
    free(hosts);
    return 0;
}

/* Whole minutes and half ones: what a timer of the clock is set to. */
static int find_clock(struct fl_rule *r, const uint32_t *beats, const struct fl_talk *talk,
                      const struct fl_timeline *time)
{
    int64_t *times = malloc((r->n_both + 1) * sizeof *times);
    if (!times)
        return FL_ENOMEM;
    for (size_t i = 0; i < r->n_both; i++)
        times[i] = fl_window_start_ms(time, fl_window_of(time, talk->items[beats[i]].start_ms));
    fl_clock_phase(times, r->n_both, time->window_ms, r->clock);
    const char *second = strrchr(r->clock, ':');
    if (second && strcmp(second, ":00") != 0 && strcmp(second, ":30") != 0)
        memset(r->clock, 0, sizeof r->clock);
    free(times);
    return 0;
}

static int make_periodic(struct fl_periodic *out, uint32_t node, const struct fl_beats *b,
                         const uint32_t *conversations, const struct fl_nodes *nodes,
                         const struct fl_talk *talk, const struct fl_timeline *time)
{
    const struct fl_node_key *key = &nodes->keys[node];
    *out = (struct fl_periodic){.node = node, .beats = malloc((b->n + 1) * sizeof *out->beats)};
    if (!out->beats)
        return FL_ENOMEM;
    for (size_t i = 0; i < b->n; i++)
        out->beats[i] = conversations[b->at[i]];
    fill_figures(&out->rule, b, time);
    out->rule.antecedent = fl_key_node(key, talk);
    add_examples(&out->rule, out->beats, talk, time);
    int rc = find_clock(&out->rule, out->beats, talk, time);
    if (rc == 0 && is_wild(key))
        rc = count_hosts(&out->rule, out->beats, key, talk);
    if (rc < 0)
        free(out->beats);
    return rc;
}

/* ---- 1. test ---- */

struct test { /* what testing a node needs */
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    const struct fl_mining_config *config;
    int64_t clock_ms;
    struct fl_beat_odds odds;
    struct fl_beat_screen screen;
    atomic_bool stopped; /* all parts end */
    int (*stop)(void *ctx, double done);
    void *ctx;
    size_t largest; /* conversations of a node */
    uint32_t parts;
    struct part *at;
};

struct part { /* of the nodes: every so many-th, on a thread of its own */
    struct test *test;
    size_t since; /* conversations gone through since it was asked whether to stop */
    double done;
    struct fl_periodics found;
    struct fl_beat_talk *talks; /* room for the largest node */
};

/* Not everything that chance does not explain is a period. Beats are told from other use of the node by being
 * exact; where they are not, they must be most of what it does. And a poll that is repeated once it is
 * answered has no timer. */
static bool is_a_period(const struct fl_beats *b, double q)
{
    if (b->log10_p > log10(q) || b->polled * 4 > b->n ||
        (double)b->n < least_share * (double)(b->n + b->period.missed))
        return false;
    double spread = (double)b->period.spread_ms / (double)b->period.period_ms;
    return spread <= tight || ((double)b->n >= least_beats_of * (double)b->starts &&
                               spread <= widest_spread + spread_of_chance / sqrt((double)b->n));
}

/* Asked by the first part for all, so often that no more than so many conversations pass, or those of one
 * node once. */
static bool is_stopped(void *ctx, size_t starts)
{
    struct part *p = ctx;
    struct test *t = p->test;
    p->since += starts;
    if (p == t->at && t->stop && p->since >= ASK_EVERY) {
        p->since = 0;
        if (t->stop(t->ctx, p->done))
            atomic_store(&t->stopped, true);
    }
    return atomic_load_explicit(&t->stopped, memory_order_relaxed);
}

/* Returns 1 with *out filled in, 0 where the node keeps no period. */
static int test_node(struct fl_periodic *out, uint32_t node, const struct test *t, struct part *part)
{
    const uint32_t *conversations = t->nodes->conversations + t->nodes->first[node];
    size_t n = t->nodes->first[node + 1] - t->nodes->first[node];
    struct fl_beats b;
    if (n < t->config->support)
        return 0;
    part->found.tested++;
    for (size_t i = 0; i < n; i++)
        part->talks[i] = (struct fl_beat_talk){t->talk->items[conversations[i]].start_ms,
                                               t->talk->items[conversations[i]].end_ms};
    struct fl_beat_request r = {.odds = &t->odds,
                                .talks = part->talks,
                                .n = n,
                                .span_ms = t->time->to_ms - t->time->from_ms,
                                .least = t->config->support < 3 ? 3 : t->config->support,
                                .clock_ms = t->clock_ms,
                                .screen = &t->screen,
                                .stop = is_stopped,
                                .ctx = part};
    int rc = fl_beats_find(&b, &r);
    bool found = rc == 0 && is_a_period(&b, t->config->q);
    if (found)
        rc = make_periodic(out, node, &b, conversations, t->nodes, t->talk, t->time);
    if (rc == 0)
        fl_beats_clear(&b);
    return rc < 0 ? rc : found;
}

/* What all times are multiples of: a minute, a second or a millisecond. */
static int64_t common_clock(const struct fl_talk *talk)
{
    const int64_t coarse_ms[] = {60000, 1000};
    for (int k = 0; k < 2; k++) {
        size_t i = 0;
        while (i < talk->n && talk->items[i].start_ms % coarse_ms[k] == 0 &&
               talk->items[i].end_ms % coarse_ms[k] == 0)
            i++;
        if (i == talk->n && talk->n > 0)
            return coarse_ms[k];
    }
    return 1;
}

static int add_periodic(struct fl_periodics *p, size_t *room, const struct fl_periodic *one)
{
    if (fl_room(&p->items, room, p->n + 1, sizeof *p->items) < 0)
        return FL_ENOMEM;
    p->items[p->n++] = *one;
    return 0;
}

static int test_part(void *ctx, uint32_t part)
{
    struct test *t = ctx;
    struct part *p = &t->at[part];
    size_t room = 0;
    int rc = 0;
    p->test = t;
    p->since = ASK_EVERY;
    p->talks = malloc(t->largest * sizeof *p->talks);
    if (!p->talks)
        return FL_ENOMEM;
    for (size_t i = part; i < t->nodes->n && rc >= 0; i += t->parts) {
        struct fl_periodic one;
        p->done = (double)i / (double)t->nodes->n;
        if (is_stopped(p, t->nodes->first[i + 1] - t->nodes->first[i] + 1))
            return FL_ESTOP;
        rc = test_node(&one, (uint32_t)i, t, p);
        if (rc > 0 && (rc = add_periodic(&p->found, &room, &one)) < 0)
            free(one.beats);
    }
    return rc < 0 ? rc : is_stopped(p, 0) ? FL_ESTOP : 0;
}

static int compare_periodics(const void *va, const void *vb)
{
    FL_ORDER(((const struct fl_periodic *)va)->node, ((const struct fl_periodic *)vb)->node);
    return 0;
}

/* What all parts found, by node. The parts are empty afterwards where this succeeds. */
static int collect(struct fl_periodics *out, const struct test *t)
{
    size_t n = 0;
    for (uint32_t p = 0; p < t->parts; p++)
        n += t->at[p].found.n;
    out->items = malloc((n + 1) * sizeof *out->items);
    if (!out->items)
        return FL_ENOMEM;
    for (uint32_t p = 0; p < t->parts; p++) {
        struct fl_periodics *found = &t->at[p].found;
        for (size_t i = 0; i < found->n; i++)
            out->items[out->n++] = found->items[i];
        out->tested += found->tested;
        found->n = 0;
    }
    qsort(out->items, out->n, sizeof *out->items, compare_periodics);
    return 0;
}

static int test_all(struct fl_periodics *out, struct test *t)
{
    struct part parts[FL_MOST_THREADS] = {{.talks = NULL}};
    t->parts = fl_parallel_threads(t->config->threads);
    t->at = parts;
    t->largest = 1;
    for (size_t i = 0; i < t->nodes->n; i++)
        if (t->nodes->first[i + 1] - t->nodes->first[i] > t->largest)
            t->largest = t->nodes->first[i + 1] - t->nodes->first[i];
    int rc = fl_parallel(t->parts, test_part, t);
    if (rc == 0)
        rc = collect(out, t);
    for (uint32_t p = 0; p < t->parts; p++) {
        fl_periodics_clear(&parts[p].found);
        free(parts[p].talks);
    }
    return rc;
}

/* ---- 2. of all nodes tested ---- */

/* Keep the items for which `keep` is set. */
static void sift(struct fl_periodics *p, const bool *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++)
        if (keep[i])
            p->items[kept++] = p->items[i];
        else
            free(p->items[i].beats);
    p->n = kept;
}

static int judge(struct fl_periodics *p, double q)
{
    double *log10_p = malloc((2 * p->n + 1) * sizeof *log10_p), *log10_q = log10_p + p->n;
    bool *keep = malloc(p->n + 1);
    if (!log10_p || !keep) {
        free(log10_p);
        free(keep);
        return FL_ENOMEM;
    }
    for (size_t i = 0; i < p->n; i++)
        log10_p[i] = p->items[i].rule.log10_p;
    fl_benjamini_hochberg(log10_p, log10_q, p->n, p->tested);
    for (size_t i = 0; i < p->n; i++) {
        struct fl_rule *r = &p->items[i].rule;
        r->log10_q = fl_q_of(log10_p, log10_q, p->n, r->log10_p);
        keep[i] = r->log10_q <= log10(q);
    }
    sift(p, keep);
    free(log10_p);
    free(keep);
    return 0;
}

/* ---- 3. statements of their own ---- */

static bool says_something(const struct fl_periodic *wild, const bool *said)
{
    size_t known = 0;
    for (size_t i = 0; i < wild->rule.n_both; i++)
        known += said[wild->beats[i]];
    return wild->rule.hosts >= LEAST_HOSTS && known * 2 <= wild->rule.n_both;
}

static int drop_repetitions(struct fl_periodics *p, const struct fl_nodes *nodes, const struct fl_talk *talk)
{
    bool *said = calloc(talk->n + 1, sizeof *said), *keep = malloc(p->n + 1);
    if (!said || !keep) {
        free(said);
        free(keep);
        return FL_ENOMEM;
    }
    for (size_t i = 0; i < p->n; i++) {
        uint32_t node = p->items[i].node;
        if (!is_wild(&nodes->keys[node]))
            for (size_t j = nodes->first[node]; j < nodes->first[node + 1]; j++)
                said[nodes->conversations[j]] = true;
    }
    for (size_t i = 0; i < p->n; i++)
        keep[i] = !is_wild(&nodes->keys[p->items[i].node]) || says_something(&p->items[i], said);
    sift(p, keep);
    free(said);
    free(keep);
    return 0;
}

int fl_periodic_find(struct fl_periodics *out, const struct fl_nodes *nodes, const struct fl_talk *talk,
                     const struct fl_timeline *time, const struct fl_mining_config *config,
                     int (*stop)(void *ctx, double done), void *ctx)
{
    struct test *t = calloc(1, sizeof *t);
    *out = (struct fl_periodics){0};
    if (!t)
        return FL_ENOMEM;
    t->nodes = nodes;
    t->talk = talk;
    t->time = time;
    t->config = config;
    t->clock_ms = common_clock(talk);
    t->stop = stop;
    t->ctx = ctx;
    fl_beat_odds_fill(&t->odds);
    fl_beat_screen_fill(&t->screen);
    int rc = test_all(out, t);
    free(t);
    if (rc == 0)
        rc = judge(out, config->q);
    if (rc == 0)
        rc = drop_repetitions(out, nodes, talk);
    if (rc < 0)
        fl_periodics_clear(out);
    return rc;
}

void fl_periodics_clear(struct fl_periodics *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->items[i].beats);
    free(p->items);
    *p = (struct fl_periodics){0};
}
