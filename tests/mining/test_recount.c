/* Counting what is different from the run before gives, bit for bit, what counting everything gives: on spans
 * that move on hour by hour, with ports that become services and cease to be, flows that the span cuts anew,
 * nodes that come and go; and what does not fit is counted afresh. */
#include "tests/mining/calls.h"

#include "mining/count.h"
#include "storage/error.h"
#include "tests/generate/router.h"

enum { HOUR_MS = 3600000 };

struct run {
    struct fl_mining_config config;
    int64_t from_ms, to_ms;
    uint32_t crowd;
};

static struct fl_pairs count(const struct calls *calls, const struct run *run, struct fl_kept_counts *kept)
{
    struct fl_talk talk = calls_talk(calls, run->from_ms, run->to_ms);
    struct fl_timeline time;
    struct fl_nodes nodes;
    struct fl_lane lanes[3];
    struct fl_pairs pairs;
    const struct fl_mining_config *c = &run->config;
    assert_int_equal(fl_timeline_init(&time, run->from_ms, run->to_ms, c->window_ms, c->jitter), 0);
    assert_int_equal(fl_nodes_build(&nodes, &talk, &time, c->support), 0);
    assert_int_equal(fl_lanes_build(lanes, &nodes, &talk, &time, c->threads), 0);
    struct fl_count_request request = {
        .lanes = lanes, .nodes = &nodes, .talk = &talk, .config = c, .crowd = run->crowd, .kept = kept};
    assert_int_equal(fl_count_pairs(&pairs, &request), 0);
    for (int f = 0; f < 3; f++)
        fl_lane_clear(&lanes[f]);
    fl_nodes_clear(&nodes);
    fl_talk_clear(&talk);
    return pairs;
}

/* Count with what is kept and without. Returns the number of pairs. */
static size_t count_both_ways(const struct calls *calls, const struct run *run, struct fl_kept_counts *kept)
{
    struct fl_pairs now = count(calls, run, kept), afresh = count(calls, run, NULL);
    assert_int_equal(now.tested, afresh.tested);
    assert_int_equal(now.n, afresh.n);
    for (size_t i = 0; i < now.n; i++) {
        const struct fl_pair *a = &now.items[i], *b = &afresh.items[i];
        assert_int_equal(a->family, b->family);
        assert_int_equal(a->x, b->x);
        assert_int_equal(a->y, b->y);
        assert_int_equal(a->evidence, b->evidence);
        assert_int_equal(a->n_x, b->n_x);
        assert_int_equal(a->n_y, b->n_y);
        assert_int_equal(a->n_xy, b->n_xy);
        assert_memory_equal(&a->expected, &b->expected, sizeof a->expected);
        assert_memory_equal(&a->log10_p, &b->log10_p, sizeof a->log10_p);
        assert_memory_equal(&a->log10_q, &b->log10_q, sizeof a->log10_q);
    }
    size_t n = now.n;
    fl_pairs_clear(&now);
    fl_pairs_clear(&afresh);
    return n;
}

static int64_t first_hour(const struct calls *calls)
{
    int64_t first = calls->items[0].start_ms;
    for (size_t i = 1; i < calls->n; i++)
        first = calls->items[i].start_ms < first ? calls->items[i].start_ms : first;
    return first / HOUR_MS * HOUR_MS;
}

/* A span of `span` hours moves on in steps over the hours. Returns the pairs of all runs. */
static size_t slide(const struct calls *calls, unsigned hours, unsigned span, int64_t step_ms, struct run run)
{
    struct fl_kept_counts kept = {0};
    int64_t begin = first_hour(calls);
    size_t pairs = 0, used = 0, runs = 0;
    for (int64_t at = begin; at + span * HOUR_MS <= begin + hours * HOUR_MS; at += step_ms, runs++) {
        run.from_ms = at;
        run.to_ms = at + span * HOUR_MS;
        run.config.threads = 1 + (uint32_t)runs % 3;
        pairs += count_both_ways(calls, &run, &kept);
        used += kept.used;
        assert_true(kept.filled && kept.bytes > 0);
    }
    assert_int_equal(used, runs - 1);
    fl_kept_clear(&kept);
    return pairs;
}

static void a_day_hour_by_hour(void **state)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct calls calls = calls_generated(seed, 30, 60);
        assert_true(slide(&calls, 30, 6, HOUR_MS, (struct run){.config = default_mining()}) > 0);
        free(calls.items);
    }
}

/* Blocks that the ends of the span cut, and everything that is more than chance. */
static void steps_that_cut_blocks(void **state)
{
    struct calls calls = calls_generated(3, 7, 60);
    struct run run = {.config = default_mining()};
    run.config.support = 3;
    run.config.q = 1;
    run.config.confidence = 0;
    run.config.jitter = 50;
    assert_true(slide(&calls, 7, 5, 1234567, run) > 0);
    free(calls.items);
}

static void real_days_hour_by_hour(void **state)
{
    struct calls calls = {0};
    if (!calls_of_log(&calls, "day-010.conn.log")) {
        print_message("day-010.conn.log is not there: set FLOWLORE_SHARED\n");
        skip();
    }
    assert_true(slide(&calls, 30, 20, HOUR_MS, (struct run){.config = default_mining()}) > 0);
    free(calls.items);
}

/* Calls that come late, anywhere in the span, and others that are gone (a bucket that was damaged). */
static void other_records_of_the_same_span(void **state)
{
    struct calls calls = calls_generated(4, 6, 60);
    struct run run = {.config = default_mining(), .from_ms = first_hour(&calls)};
    struct fl_kept_counts kept = {0};
    run.to_ms = run.from_ms + 6 * HOUR_MS;
    struct calls some = {.items = malloc(calls.n * sizeof *calls.items)};
    for (size_t round = 0; round < 4; round++) {
        some.n = 0;
        for (size_t i = 0; i < calls.n; i++)
            if ((i * 7 + round) % 30)
                some.items[some.n++] = calls.items[i];
        count_both_ways(&some, &run, &kept);
    }
    count_both_ways(&calls, &run, &kept);
    assert_true(kept.used);
    count_both_ways(&calls, &run, &kept);
    assert_true(kept.used);
    fl_kept_clear(&kept);
    free(some.items);
    free(calls.items);
}

static void what_does_not_fit_is_counted_afresh(void **state)
{
    struct calls calls = calls_generated(5, 8, 60);
    struct run run = {.config = default_mining(), .from_ms = first_hour(&calls)};
    struct fl_kept_counts kept = {0};
    run.to_ms = run.from_ms + 5 * HOUR_MS;
    count_both_ways(&calls, &run, &kept);
    assert_false(kept.used);
    run.config.jitter = 30;
    count_both_ways(&calls, &run, &kept);
    assert_false(kept.used);
    assert_string_equal(kept.why_not, "other windows are configured");
    run.from_ms += 3 * HOUR_MS;
    run.to_ms += 3 * HOUR_MS;
    count_both_ways(&calls, &run, &kept);
    assert_false(kept.used);
    run.from_ms -= HOUR_MS;
    count_both_ways(&calls, &run, &kept);
    assert_false(kept.used);
    run.crowd = 2; /* some windows are, and with less a crowd is no reason */
    count_both_ways(&calls, &run, &kept);
    count_both_ways(&calls, &run, &kept);
    assert_false(kept.used);
    assert_string_equal(kept.why_not, "some hosts are crowded");
    run.crowd = 0;
    count_both_ways(&calls, &run, &kept);
    run.config.support = 5; /* of no account to what is kept */
    count_both_ways(&calls, &run, &kept);
    assert_true(kept.used);
    kept.budget_bytes = 1000;
    count_both_ways(&calls, &run, &kept);
    assert_false(kept.filled);
    count_both_ways(&calls, &run, &kept);
    assert_string_equal(kept.why_not, "what was counted takes too much memory to be kept");
    fl_kept_clear(&kept);
    free(calls.items);
}

static struct fl_findings find(const struct fl_flow *flows, size_t n, int64_t from_ms, int64_t to_ms,
                               struct fl_kept_counts *kept)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct fl_flow *some = malloc((n + 1) * sizeof *some);
    struct fl_findings found;
    size_t n_some = 0;
    for (size_t i = 0; i < n; i++)
        if (flows[i].start_ms >= from_ms && flows[i].start_ms < to_ms)
            some[n_some++] = flows[i];
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = some,
                                      .n = n_some,
                                      .from_ms = from_ms,
                                      .to_ms = to_ms,
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services,
                                      .kept_counts = kept};
    assert_int_equal(fl_find_rules(&found, &request), 0);
    free(some);
    return found;
}

/* All passes over the records of a router, whose flows the span cuts and whose ports it learns. */
static void rules_hour_by_hour(void **state)
{
    struct gen_options o;
    struct gen_day day;
    struct fl_kept_counts kept = {0};
    struct gen_router router;
    struct fl_flow *flows;
    size_t n;
    gen_router_init(&router);
    gen_options_init(&o);
    o.hours = 10;
    o.hosts = 60;
    assert_int_equal(gen_day_make(&day, &o), 0);
    assert_int_equal(gen_records(&day, &router, 1, &flows, &n), 0);
    for (int64_t from_ms = o.start_ms; from_ms <= o.start_ms + 4 * HOUR_MS; from_ms += HOUR_MS) {
        struct fl_findings a = find(flows, n, from_ms, from_ms + 6 * HOUR_MS, &kept),
                           b = find(flows, n, from_ms, from_ms + 6 * HOUR_MS, NULL);
        assert_int_equal(kept.used, from_ms > o.start_ms);
        assert_true(b.n > 10);
        assert_int_equal(a.n, b.n);
        assert_int_equal(a.pairs_tested, b.pairs_tested);
        assert_memory_equal(a.rules, b.rules, a.n * sizeof *a.rules);
        fl_findings_clear(&a);
        fl_findings_clear(&b);
    }
    fl_kept_clear(&kept);
    free(flows);
    gen_day_clear(&day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_hour_by_hour),
        cmocka_unit_test(steps_that_cut_blocks),
        cmocka_unit_test(real_days_hour_by_hour),
        cmocka_unit_test(other_records_of_the_same_span),
        cmocka_unit_test(what_does_not_fit_is_counted_afresh),
        cmocka_unit_test(rules_hour_by_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
