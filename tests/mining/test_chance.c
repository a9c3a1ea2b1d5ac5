/* Chance makes no rules: a day whose conversations are each moved to a random place within their jitter block
 * keeps its busy hours, its popular servers and its long flows, but nothing is left of who follows whom.
 *
 * Benjamini-Hochberg at q = 0.01 then reports anything at all in at most one shuffle of a hundred, so that
 * two or more of 20 happen with a chance below 2 %; the seeds are fixed, so the test always ends the same. */
#include "tests/mining/mining_fixture.h"

#include "mining/count.h"
#include "tests/generate/router.h"

enum { SHUFFLES = 20, HOURS = 4, MOST_PATTERNS = 64 };

static struct gen_options options_of(uint64_t seed)
{
    struct gen_options o;
    gen_options_init(&o);
    o.start_ms += 9 * INT64_C(3600000); /* in working hours */
    o.hours = HOURS;
    o.hosts = 80;
    o.seed = seed;
    return o;
}

static struct fl_talk talk_of(const struct gen_options *options)
{
    static struct fl_services services;
    struct gen_day day;
    struct gen_router router;
    struct fl_talk talk;
    struct fl_mining_config config = default_mining();
    struct fl_find_request request = {
        .active_timeout_ms = GEN_ACTIVE_MS, .config = &config, .services = &services};
    fl_services_system_ports(&services);
    gen_router_init(&router);
    assert_int_equal(gen_day_make(&day, options), 0);
    assert_int_equal(gen_records(&day, &router, 1, &request.flows, &request.n), 0);
    assert_int_equal(fl_find_talk(&talk, &request), 0);
    free(request.flows);
    gen_day_clear(&day);
    return talk;
}

static void shuffle(struct fl_talk *talk, uint64_t *seed)
{
    const uint32_t block_ms = 60000;
    for (size_t i = 0; i < talk->n; i++) {
        struct fl_conversation *c = &talk->items[i];
        int64_t length_ms = c->end_ms - c->start_ms;
        c->start_ms = c->start_ms - c->start_ms % block_ms + random_below(seed, block_ms);
        c->end_ms = c->start_ms + length_ms;
    }
}

static size_t count_rules(const struct fl_talk *talk, const struct gen_options *o, uint64_t *tested)
{
    struct fl_mining_config config = default_mining();
    struct fl_timeline time;
    struct fl_nodes nodes;
    struct fl_lane lanes[3];
    struct fl_pairs pairs;
    assert_int_equal(
        fl_timeline_init(&time, o->start_ms, o->start_ms + HOURS * INT64_C(3600000), 1000, config.jitter), 0);
    assert_int_equal(fl_nodes_build(&nodes, talk, &time, config.support), 0);
    struct fl_count_request request = {.lanes = lanes, .nodes = &nodes, .talk = talk, .config = &config};
    assert_int_equal(fl_lanes_build(lanes, &nodes, talk, &time, config.threads), 0);
    assert_int_equal(fl_count_pairs(&pairs, &request), 0);
    size_t n = pairs.n;
    *tested += pairs.tested;
    for (int f = 0; f < 3; f++)
        fl_lane_clear(&lanes[f]);
    fl_pairs_clear(&pairs);
    fl_nodes_clear(&nodes);
    return n;
}

/* In how many of SHUFFLES shuffles anything is reported. */
static size_t shuffles_with_rules(struct fl_talk *talk, const struct gen_options *o, uint64_t *tested)
{
    size_t with = 0;
    for (uint64_t i = 1; i <= SHUFFLES; i++) {
        uint64_t seed = i * 0x9e3779b97f4a7c15ULL;
        shuffle(talk, &seed);
        size_t n = count_rules(talk, o, tested);
        if (n)
            print_message("# shuffle %u: %zu rules\n", (unsigned)i, n);
        with += n > 0;
    }
    return with;
}

static void shuffled_background_has_no_rules(void **state)
{
    const char *planted[MOST_PATTERNS];
    struct gen_options o = options_of(5);
    for (size_t i = 1; gen_pattern_name(i) && o.n_without < MOST_PATTERNS; i++)
        planted[o.n_without++] = gen_pattern_name(i);
    o.without = planted;
    struct fl_talk talk = talk_of(&o);
    uint64_t tested = 0;
    assert_true(shuffles_with_rules(&talk, &o, &tested) <= 1);
    assert_true(tested > 1000);
    fl_talk_clear(&talk);
}

static void shuffled_patterns_are_rules_no_more(void **state)
{
    struct gen_options o = options_of(6);
    struct fl_talk talk = talk_of(&o);
    uint64_t tested = 0;
    assert_true(count_rules(&talk, &o, &tested) > 20);
    assert_true(shuffles_with_rules(&talk, &o, &tested) <= 1);
    fl_talk_clear(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffled_background_has_no_rules),
        cmocka_unit_test(shuffled_patterns_are_rules_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
