/* The passes of mining, one after the other. */
#include "mining/find.h"

#include <math.h>
#include <stdlib.h>

#include "mining/cluster.h"
#include "mining/count.h"
#include "mining/describe.h"
#include "mining/fold.h"
#include "mining/lane.h"
#include "mining/periodic.h"
#include "mining/range_pool.h"
#include "mining/recheck.h"
#include "mining/room.h"
#include "mining/strongest.h"
#include "mining/widen.h"
#include "storage/error.h"

/* Where each phase begins: about what they take of the time. */
static const double phase_begins[] = {0, 0.25, 0.4, 0.95, 1};

const char *fl_phase_name(enum fl_phase phase)
{
    static const char *const names[] = {"reading", "joining", "counting", "describing"};
    return names[phase];
}

double fl_phase_done(enum fl_phase phase, double share)
{
    return phase_begins[phase] + share * (phase_begins[phase + 1] - phase_begins[phase]);
}

static int asked_to_stop(const struct fl_find_request *r, enum fl_phase phase, double share)
{
    return r->stop && r->stop(r->ctx, phase, fl_phase_done(phase, share)) ? FL_ESTOP : 0;
}

static int stop_counting(void *ctx, double done)
{
    return asked_to_stop(ctx, FL_PHASE_COUNTING, done);
}

static int stop_talking(void *ctx, double done)
{
    return asked_to_stop(ctx, FL_PHASE_JOINING, done * 0.7);
}

static int talk_of_records(struct fl_talk *out, const struct fl_records *records,
                           const struct fl_find_request *r)
{
    struct fl_find_request asked = *r;
    struct fl_stop stop = {stop_talking, &asked};
    return fl_talk_build(out, &(struct fl_talk_request){.records = records,
                                                        .active_timeout_ms = r->active_timeout_ms,
                                                        .services = r->services,
                                                        .service_peers = r->config->service_peers,
                                                        .threads = r->config->threads,
                                                        .stop = &stop});
}

int fl_find_talk(struct fl_talk *out, const struct fl_find_request *r)
{
    struct fl_gather gather = {0};
    struct fl_records own = {0};
    if (r->records)
        return talk_of_records(out, r->records, r);
    int rc = fl_gather_add(&gather, r->flows, r->n);
    if (rc == 0)
        rc = fl_gather_finish(&gather, &own);
    if (rc == 0)
        rc = talk_of_records(out, &own, r);
    fl_gather_clear(&gather);
    fl_records_clear(&own);
    return rc;
}

static int count_families(struct fl_pairs *out, uint64_t n_total[3], const struct fl_nodes *nodes,
                          const struct fl_talk *talk, const struct fl_timeline *time,
                          const struct fl_find_request *r)
{
    struct fl_lane lanes[3];
    struct fl_find_request asked = *r; /* what stop_counting is called with is not const */
    struct fl_count_request count = {.lanes = lanes,
                                     .nodes = nodes,
                                     .talk = talk,
                                     .config = r->config,
                                     .stop = stop_counting,
                                     .ctx = &asked};
    struct fl_stop stop = {stop_counting, &asked};
    int rc = fl_lanes_build(lanes, &(struct fl_lanes_request){.nodes = nodes,
                                                              .talk = talk,
                                                              .time = time,
                                                              .threads = r->config->threads,
                                                              .memory_bytes = r->memory_bytes,
                                                              .stop = &stop});
    if (rc < 0)
        return rc;
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        n_total[family] = lanes[family].n_total;
    rc = fl_count_pairs(out, &count);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        fl_lane_clear(&lanes[family]);
    return rc;
}

/* Bursts may have made some of them less than significant. */
static int keep_significant(struct fl_rules *out, const struct fl_pairs *pairs, int32_t *rule_of, double q)
{
    int32_t *place = malloc((out->n + 1) * sizeof *place);
    long left = place ? fl_keep_significant(out->items, out->n, pairs->tested, q, place) : FL_ENOMEM;
    for (size_t i = 0; left >= 0 && i < pairs->n; i++)
        if (rule_of[i] >= 0)
            rule_of[i] = place[rule_of[i]];
    free(place);
    if (left < 0)
        return (int)left;
    out->n = (size_t)left;
    return 0;
}

/* Likewise the rules from `first` on, whose q-values are Bonferroni's: all p-values times the same number. */
static void keep_made(struct fl_rules *out, size_t first, double log10_tests, double q)
{
    size_t kept = first;
    for (size_t i = first; i < out->n; i++) {
        out->items[i].log10_q = out->items[i].log10_p + log10_tests;
        if (out->items[i].log10_q <= log10(q))
            out->items[kept++] = out->items[i];
    }
    out->n = kept;
}

/* Pairs of nodes that were made for them; `pooled` where these are ranges. */
static int describe_made(struct fl_rules *out, const struct fl_pairs *pairs, const struct fl_nodes *nodes,
                         const struct fl_pooled *pooled, const struct fl_view *as, const struct fl_stop *stop)
{
    struct fl_view view = *as;
    size_t first = out->n;
    int32_t *place = malloc((pairs->n + 1) * sizeof *place);
    view.nodes = nodes;
    view.log10_tests = pairs->n ? pairs->items[0].log10_q - pairs->items[0].log10_p : 0;
    int rc = place ? fl_describe_all(out, place, pairs->items, pairs->n, &view, stop) : FL_ENOMEM;
    for (size_t i = 0; i < pairs->n && rc == 0 && pooled; i++)
        if (place[i] >= 0)
            fl_pooled_name(pooled, i, &out->items[place[i]]);
    fl_view_clear(&view);
    free(place);
    if (rc == 0)
        keep_made(out, first, view.log10_tests, as->config->q);
    return rc;
}

/* The passes that describe, each of which has a stretch of the phase. */
struct describing {
    const struct fl_find_request *request;
    double begin, end, reached; /* shares of the phase */
};

static int stop_describing(void *ctx, double done)
{
    struct describing *d = ctx;
    double share = d->begin + done * (d->end - d->begin);
    d->reached = share > d->reached ? share : d->reached;
    return asked_to_stop(d->request, FL_PHASE_DESCRIBING, d->reached);
}

/* The next pass is on, up to `end`. FL_ESTOP. */
static int next_pass(const struct fl_stop *stop, double end)
{
    struct describing *d = stop->ctx;
    d->begin = d->end;
    d->end = end;
    return stop_describing(d, 0);
}

static int say_once(struct fl_findings *out, const struct fl_stop *stop)
{
    int rc = next_pass(stop, 0.9);
    long left = rc == 0 ? fl_fold(out->rules, out->n, stop) : rc;
    if (left < 0)
        return (int)left;
    out->n = (size_t)left;
    rc = next_pass(stop, 1);
    if (rc == 0)
        rc = fl_cluster(out->rules, out->n, &out->clusters, &out->n_clusters, stop);
    return rc == 0 ? next_pass(stop, 1) : rc;
}

/* What pairs make beyond themselves. */
struct beyond {
    struct fl_ranges ranges;
    struct fl_pooled pooled;
    struct fl_widened widened;
};

static int describe_all(struct fl_rules *out, const struct fl_pairs *pairs, const struct beyond *b,
                        struct fl_view *view, const struct fl_stop *stop)
{
    int32_t *rule_of = malloc((pairs->n + 1) * sizeof *rule_of);
    int rc = rule_of ? next_pass(stop, 0.4) : FL_ENOMEM;
    if (pairs->n > 0) /* Benjamini and Hochberg's q-value of the largest of so many p-values */
        view->log10_tests = log10((double)pairs->tested) - log10((double)pairs->n);
    if (rc == 0)
        rc = fl_describe_all(out, rule_of, pairs->items, pairs->n, view, stop);
    fl_view_clear(view);
    if (rc == 0)
        rc = keep_significant(out, pairs, rule_of, view->config->q);
    if (rc == 0)
        rc = fl_room(&out->items, &out->room, out->n + b->ranges.n, sizeof *out->items);
    if (rc == 0)
        fl_ranges_add(&b->ranges, rule_of, out->items, &out->n);
    if (rc == 0)
        rc = next_pass(stop, 0.6);
    if (rc == 0)
        rc = describe_made(out, &b->pooled.pairs, &b->pooled.nodes, &b->pooled, view, stop);
    if (rc == 0)
        rc = describe_made(out, &b->widened.pairs, &b->widened.nodes, NULL, view, stop);
    free(rule_of);
    return rc;
}

static int add_periodic(struct fl_findings *out, const struct fl_view *v, const struct fl_stop *stop)
{
    struct fl_periodics found = {.n = 0};
    int rc = next_pass(stop, 0.8);
    if (rc == 0)
        rc = fl_periodic_find(&found, v->nodes, v->talk, v->time, v->config, stop->ask, stop->ctx);
    if (rc == 0)
        rc = fl_periodic_add(&out->rules, &out->n, &found);
    fl_periodics_clear(&found);
    return rc;
}

static int leave_out_weakest(struct fl_findings *out, struct fl_pairs *pairs, struct fl_ranges *ranges,
                             uint64_t memory_bytes)
{
    int64_t left_out = fl_strongest_keep(pairs, ranges, fl_strongest_most(memory_bytes));
    out->left_out = left_out > 0 ? (uint64_t)left_out : 0;
    return left_out < 0 ? (int)left_out : 0;
}

static int look_beyond(struct beyond *b, struct fl_findings *out, struct fl_pairs *pairs,
                       const struct fl_view *v, const struct fl_find_request *r, const struct fl_stop *stop)
{
    struct fl_widen_request widen = {.pairs = pairs,
                                     .ranges = &b->ranges,
                                     .nodes = v->nodes,
                                     .talk = v->talk,
                                     .time = v->time,
                                     .config = r->config,
                                     .memory_bytes = r->memory_bytes,
                                     .stop = stop};
    int rc = next_pass(stop, 0.1);
    if (rc == 0)
        rc = fl_ranges_find(&b->ranges, pairs, v->nodes, v->talk, stop);
    if (rc == 0)
        rc = fl_ranges_pool(&b->pooled, pairs, &b->ranges, v->nodes, v->talk, v->time, r->config, stop);
    if (rc == 0)
        rc = leave_out_weakest(out, pairs, &b->ranges, r->memory_bytes);
    if (rc == 0)
        rc = next_pass(stop, 0.2);
    if (rc == 0)
        rc = fl_widen(&b->widened, &widen);
    out->generics_left_out = b->widened.left_out;
    return rc;
}

static int make_rules(struct fl_findings *out, struct fl_pairs *pairs, struct fl_view *view,
                      const struct fl_find_request *r)
{
    struct beyond b = {.ranges = {.n = 0}};
    struct fl_rules rules = {.n = 0};
    struct describing describing = {.request = r};
    struct fl_stop stop = {stop_describing, &describing};
    int rc = look_beyond(&b, out, pairs, view, r, &stop);
    if (rc == 0)
        rc = describe_all(&rules, pairs, &b, view, &stop);
    out->rules = rules.items;
    out->n = rules.n;
    if (rc == 0)
        rc = add_periodic(out, view, &stop);
    if (rc == 0)
        rc = say_once(out, &stop);
    fl_widened_clear(&b.widened);
    fl_pooled_clear(&b.pooled);
    fl_ranges_clear(&b.ranges);
    return rc;
}

static int stop_joining(void *ctx)
{
    return asked_to_stop(ctx, FL_PHASE_JOINING, 0.7);
}

static int recheck(const struct fl_find_request *r, const struct fl_talk *talk,
                   const struct fl_timeline *time)
{
    struct fl_find_request asked = *r;
    return fl_recheck(r->rechecks, r->n_rechecks, talk, time,
                      &(struct fl_recheck_stop){stop_joining, &asked});
}

/* Exporters' clocks that were set right move some conversations out of the span: they are none of its. */
static void drop_outside(struct fl_talk *talk, int64_t from_ms, int64_t to_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < talk->n; i++)
        if (talk->items[i].start_ms >= from_ms && talk->items[i].start_ms < to_ms)
            talk->items[kept++] = talk->items[i];
    talk->n = kept;
}

static int find_in_talk(struct fl_findings *out, const struct fl_talk *talk, const struct fl_timeline *time,
                        const struct fl_find_request *r)
{
    struct fl_nodes nodes = {0};
    struct fl_pairs pairs = {0};
    uint64_t n_total[3];
    struct fl_view view = {.nodes = &nodes,
                           .talk = talk,
                           .time = time,
                           .config = r->config,
                           .n_total = n_total,
                           .most_bytes = r->memory_bytes / 4};
    int rc = fl_nodes_build_on(&nodes, talk, time, r->config->support, r->config->threads);
    if (rc == 0)
        rc = count_families(&pairs, n_total, &nodes, talk, time, r);
    if (rc == 0)
        rc = make_rules(out, &pairs, &view, r);
    out->conversations = talk->n;
    out->nodes = nodes.n;
    out->pairs_tested = pairs.tested;
    out->crowded = pairs.crowded;
    fl_pairs_clear(&pairs);
    fl_nodes_clear(&nodes);
    return rc;
}

int fl_find_rules(struct fl_findings *out, const struct fl_find_request *r)
{
    struct fl_talk talk = {0};
    struct fl_timeline time;
    *out = (struct fl_findings){0};
    int rc = fl_timeline_init(&time, r->from_ms, r->to_ms, r->config->window_ms, r->config->jitter);
    if (rc == 0)
        rc = fl_find_talk(&talk, r);
    drop_outside(&talk, r->from_ms, r->to_ms);
    if (rc == 0)
        rc = asked_to_stop(r, FL_PHASE_JOINING, 0.7);
    if (rc == 0 && r->n_rechecks > 0)
        rc = recheck(r, &talk, &time);
    if (rc == 0)
        rc = find_in_talk(out, &talk, &time, r);
    if (rc < 0)
        fl_findings_clear(out);
    fl_talk_clear(&talk);
    return rc;
}

void fl_findings_clear(struct fl_findings *f)
{
    free(f->rules);
    free(f->clusters);
    *f = (struct fl_findings){0};
}
