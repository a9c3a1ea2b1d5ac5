/* Sampling: what headers, options data, records and the configuration say, and which of it applies to a flow
 * (the rules stand in collector/decode/sampling.h). */
#include "tests/collector/decode/fields.h"

enum { SYSTEM = 1, INTERFACE = 2 }; /* v9 scope types */

/* The newest flow is sampled so. */
static void expect_last(uint32_t interval, enum fl_sampling_source source)
{
    assert_true(caught.n > 0);
    expect_sampling(&caught.flows[caught.n - 1], interval, source);
}

/* Options data by IPFIX, scope the observation domain. */
#define TELL(...) assert_int_equal(feed_ipfix(400, 1, FIELDS({149, 4, 7}, __VA_ARGS__)), 0)
#define FLOW(...) assert_int_equal(FEED(__VA_ARGS__), 1)
#define PLAIN                                                                                                \
    {                                                                                                        \
        2, 4, 1                                                                                              \
    }

static void test_nothing_told(void **state)
{
    (void)state;
    FLOW(PLAIN);
    expect_last(1, FL_SAMPLING_NONE);
    assert_int_equal(stats_of().sampling_told, 0);
    assert_int_equal(stats_of().sampling_source, FL_SAMPLING_NONE);
}

/* ---- the v5 header: two bits of mode, fourteen of interval ---- */

static void feed_v5(unsigned mode, unsigned interval)
{
    v5_header(&w, 1, 100000, T0, 0, mode << 14 | interval);
    v5_record(&w, 50000, 60000);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
}

static void test_v5_deterministic_and_random(void **state)
{
    (void)state;
    feed_v5(1, 100);
    expect_last(100, FL_SAMPLING_HEADER);
    feed_v5(2, 200);
    expect_last(200, FL_SAMPLING_HEADER);
    assert_int_equal(stats_of().sampling_told, 200);
}

static void test_v5_interval_without_mode(void **state)
{
    (void)state;
    feed_v5(0, 1000);
    expect_last(1000, FL_SAMPLING_HEADER);
}

static void test_v5_mode_without_interval(void **state)
{
    (void)state;
    feed_v5(1, 0);
    expect_last(1, FL_SAMPLING_NONE);
}

static void test_v5_largest_interval(void **state)
{
    (void)state;
    feed_v5(3, 16383);
    expect_last(16383, FL_SAMPLING_HEADER);
}

static void test_v5_one_to_one_is_told(void **state)
{
    (void)state;
    feed_v5(1, 1);
    expect_last(1, FL_SAMPLING_HEADER);
    assert_int_equal(stats_of().sampling_told, 1);
}

static void test_v5_sampling_ends(void **state)
{
    (void)state;
    feed_v5(1, 100);
    feed_v5(0, 0);
    expect_last(1, FL_SAMPLING_NONE);
    assert_int_equal(stats_of().sampling, 1);
    assert_int_equal(stats_of().sampling_source, FL_SAMPLING_NONE);
    assert_int_equal(stats_of().sampling_told, 0);
}

/* ---- for the whole session ---- */

static void test_interval_and_algorithm(void **state)
{
    (void)state;
    TELL({34, 4, 512}, {35, 1, 2});
    assert_int_equal(stats_of().sampling, 512);
    FLOW(PLAIN);
    expect_last(512, FL_SAMPLING_OPTIONS);
}

static void test_interval_and_algorithm_by_v9(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(100000, 257, 1, FIELDS({SYSTEM, 4, 0}, {34, 4, 512}, {35, 1, 2})), 0);
    assert_int_equal(feed_v9(100000, 256, 0, FIELDS({8, 4, 1}, {12, 4, 2}, {22, 4, 1}, {21, 4, 2})), 1);
    expect_last(512, FL_SAMPLING_OPTIONS);
}

static void test_interval_and_space(void **state)
{
    (void)state;
    TELL({304, 2, 1}, {305, 4, 2}, {306, 4, 198}); /* 2 packets, then 198 not */
    FLOW(PLAIN);
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_interval_without_space(void **state)
{
    (void)state;
    TELL({305, 4, 1000});
    FLOW(PLAIN);
    expect_last(1000, FL_SAMPLING_OPTIONS);
}

static void test_size_of_population(void **state)
{
    (void)state;
    TELL({304, 2, 3}, {309, 4, 1}, {310, 4, 64});
    FLOW(PLAIN);
    expect_last(64, FL_SAMPLING_OPTIONS);
}

static void test_size_of_population_to_the_nearest(void **state)
{
    (void)state;
    TELL({304, 2, 3}, {309, 4, 3}, {310, 4, 1001}); /* 333.67 */
    FLOW(PLAIN);
    expect_last(334, FL_SAMPLING_OPTIONS);
}

/* IOS XR: a packet interval of 1 beside what counts. */
static void test_size_of_population_beside_an_interval(void **state)
{
    (void)state;
    TELL({302, 4, 1}, {305, 4, 1}, {304, 2, 3}, {309, 4, 1}, {310, 4, 256});
    FLOW(PLAIN);
    expect_last(256, FL_SAMPLING_OPTIONS);
}

/* 0x3f80000000000000 is 2^-7: the exponent's bias of 1023 less 7 is 0x3f8. */
static void test_probability(void **state)
{
    (void)state;
    TELL({304, 2, 4}, {311, 8, 0x3f80000000000000});
    FLOW(PLAIN);
    expect_last(128, FL_SAMPLING_OPTIONS);
}

static void test_probability_that_is_none(void **state)
{
    (void)state;
    static const uint64_t two = 0x4000000000000000, minus_one = 0xbff0000000000000, nan = 0x7ff8000000000000;
    const uint64_t bits[] = {0, two, minus_one, nan};
    for (size_t i = 0; i < 4; i++) {
        TELL({311, 8, bits[i]});
        FLOW(PLAIN);
        expect_last(1, FL_SAMPLING_NONE);
    }
}

static void test_one_to_one_is_told(void **state)
{
    (void)state;
    TELL({34, 4, 1}, {35, 1, 1});
    FLOW(PLAIN);
    expect_last(1, FL_SAMPLING_OPTIONS);
    assert_int_equal(stats_of().sampling_told, 1);
}

static void test_interval_of_zero_takes_it_back(void **state)
{
    (void)state;
    TELL({34, 4, 512});
    TELL({34, 4, 0});
    FLOW(PLAIN);
    expect_last(1, FL_SAMPLING_NONE);
    assert_int_equal(stats_of().sampling_told, 0);
    assert_int_equal(stats_of().sampling, 1);
}

static void test_zeros_behind_options_take_nothing_back(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_template(400, 1, FIELDS({149, 4, 7}, {34, 4, 512}));
    size_t at = set_open(&w, 400);
    put(&w, 7, 4);
    put(&w, 512, 4);
    put(&w, 0, 8);
    put(&w, 0, 3);
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 0);
    FLOW(PLAIN);
    expect_last(512, FL_SAMPLING_OPTIONS);
    assert_int_equal(stats_of().options, 1);
}

static void test_options_about_other_things_take_nothing_back(void **state)
{
    (void)state;
    TELL({34, 4, 512});
    TELL({41, 8, 1000}, {42, 8, 30000});
    FLOW(PLAIN);
    expect_last(512, FL_SAMPLING_OPTIONS);
}

/* ---- samplers and selectors ---- */

static void test_samplers_by_number(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {49, 1, 1}, {50, 4, 100});
    TELL({48, 1, 2}, {49, 1, 2}, {50, 4, 200});
    FLOW(PLAIN, {48, 1, 1});
    expect_last(100, FL_SAMPLING_OPTIONS);
    FLOW(PLAIN, {48, 1, 2});
    expect_last(200, FL_SAMPLING_OPTIONS);
}

static void test_samplers_of_two_and_four_bytes(void **state)
{
    (void)state;
    TELL({48, 4, 1}, {50, 2, 100});
    TELL({48, 2, 2}, {50, 4, 200});
    FLOW(PLAIN, {48, 2, 1});
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_selectors_by_number(void **state)
{
    (void)state;
    TELL({302, 8, 1}, {304, 2, 1}, {305, 4, 1}, {306, 4, 99});
    TELL({302, 8, UINT64_MAX}, {304, 2, 3}, {309, 4, 1}, {310, 4, 200});
    FLOW(PLAIN, {302, 8, 1});
    expect_last(100, FL_SAMPLING_OPTIONS);
    FLOW(PLAIN, {302, 8, UINT64_MAX});
    expect_last(200, FL_SAMPLING_OPTIONS);
}

static void test_a_sampler_is_not_a_selector(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    TELL({302, 8, 1}, {305, 4, 1}, {306, 4, 199});
    FLOW(PLAIN, {48, 1, 1});
    expect_last(100, FL_SAMPLING_OPTIONS);
    FLOW(PLAIN, {302, 8, 1});
    expect_last(200, FL_SAMPLING_OPTIONS);
}

static void test_single_sampler_and_none_named(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    FLOW(PLAIN);
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_sampler_zero_names_none(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    FLOW(PLAIN, {48, 1, 0});
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_sampler_zero_that_was_told_of(void **state)
{
    (void)state;
    TELL({48, 1, 0}, {50, 4, 10});
    TELL({48, 1, 1}, {50, 4, 100});
    FLOW(PLAIN, {48, 1, 0});
    expect_last(10, FL_SAMPLING_OPTIONS);
}

static void test_samplers_that_differ_and_none_named(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    TELL({48, 1, 2}, {50, 4, 200});
    FLOW(PLAIN);
    expect_last(1, FL_SAMPLING_NONE);
}

static void test_the_last_two_of_three_samplers_agree(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    TELL({48, 1, 2}, {50, 4, 200});
    TELL({48, 1, 3}, {50, 4, 200});
    FLOW(PLAIN);
    expect_last(1, FL_SAMPLING_NONE);
}

static void test_samplers_that_agree_and_none_named(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    TELL({48, 1, 2}, {50, 4, 200});
    TELL({48, 1, 2}, {50, 4, 100});
    FLOW(PLAIN);
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_sampler_not_told_of(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    FLOW(PLAIN, {48, 1, 7});
    expect_last(1, FL_SAMPLING_NONE);
}

static void test_sampler_not_told_of_in_a_session_that_is_sampled(void **state)
{
    (void)state;
    TELL({34, 4, 512});
    FLOW(PLAIN, {48, 1, 7});
    expect_last(512, FL_SAMPLING_OPTIONS);
}

static void test_sampler_that_went(void **state)
{
    (void)state;
    TELL({48, 1, 1}, {50, 4, 100});
    TELL({48, 1, 2}, {50, 4, 200});
    TELL({48, 1, 2}, {50, 4, 0});
    FLOW(PLAIN);
    expect_last(100, FL_SAMPLING_OPTIONS);
    FLOW(PLAIN, {48, 1, 2});
    expect_last(1, FL_SAMPLING_NONE);
}

static void test_more_samplers_than_are_remembered(void **state)
{
    (void)state;
    for (unsigned id = 1; id <= 200; id++)
        TELL({302, 8, id}, {305, 4, id});
    FLOW(PLAIN, {302, 8, 200});
    expect_last(200, FL_SAMPLING_OPTIONS);
    FLOW(PLAIN, {302, 8, 150});
    expect_last(150, FL_SAMPLING_OPTIONS);
    FLOW(PLAIN, {302, 8, 1});
    expect_last(1, FL_SAMPLING_NONE);
}

/* ---- interfaces ---- */

static void test_interfaces_by_v9_scope(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(100000, 257, 1, FIELDS({INTERFACE, 4, 5}, {34, 4, 100})), 0);
    assert_int_equal(feed_v9(100000, 257, 1, FIELDS({INTERFACE, 4, 6}, {34, 4, 200})), 0);
    for (unsigned i = 5; i <= 7; i++)
        assert_int_equal(
            feed_v9(100000, 256, 0,
                    FIELDS({8, 4, 1}, {12, 4, 2}, {10, 2, i}, {14, 2, 6}, {22, 4, 1}, {21, 4, 2})),
            1);
    expect_sampling(&caught.flows[0], 100, FL_SAMPLING_OPTIONS);
    expect_sampling(&caught.flows[1], 200, FL_SAMPLING_OPTIONS);
    expect_sampling(&caught.flows[2], 1, FL_SAMPLING_NONE);
}

static void test_interfaces_by_ipfix_scope(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(400, 1, FIELDS({10, 4, 5}, {34, 4, 100})), 0);
    FLOW(PLAIN, {10, 4, 5}, {14, 4, 6});
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_interface_of_an_egress_flow(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(400, 1, FIELDS({10, 4, 5}, {34, 4, 100})), 0);
    assert_int_equal(feed_ipfix(400, 1, FIELDS({10, 4, 6}, {34, 4, 200})), 0);
    FLOW(PLAIN, {10, 4, 5}, {14, 4, 6}, {61, 1, 1});
    expect_last(200, FL_SAMPLING_OPTIONS);
}

static void test_interface_wins_over_the_session(void **state)
{
    (void)state;
    TELL({34, 4, 512});
    assert_int_equal(feed_ipfix(400, 1, FIELDS({10, 4, 5}, {34, 4, 100})), 0);
    FLOW(PLAIN, {10, 4, 5});
    expect_last(100, FL_SAMPLING_OPTIONS);
    FLOW(PLAIN, {10, 4, 6});
    expect_last(512, FL_SAMPLING_OPTIONS);
}

/* ---- scopes ---- */

static void test_three_scopes(void **state)
{
    (void)state;
    assert_int_equal(
        feed_ipfix(400, 3,
                   FIELDS({149, 4, 7}, {143, 4, 2}, {144, 4, 1}, {34, 4, 100}, {82, VARIABLE, 3, 0, "ge0"})),
        0);
    FLOW(PLAIN);
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_scopes_only(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(400, 2, FIELDS({302, 8, 3}, {305, 4, 100})), 0);
    FLOW(PLAIN, {302, 8, 3});
    expect_last(100, FL_SAMPLING_OPTIONS);
}

static void test_v9_scope_of_a_name(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(100000, 257, 2, FIELDS({SYSTEM, 4, 0}, {4, 6, 0, 0, "cache\0"}, {48, 1, 1}, {50, 4, 100})),
        0);
    assert_int_equal(
        feed_v9(100000, 256, 0, FIELDS({8, 4, 1}, {12, 4, 2}, {48, 1, 1}, {22, 4, 1}, {21, 4, 2})), 1);
    expect_last(100, FL_SAMPLING_OPTIONS);
}

/* ---- in the record ---- */

static void test_interval_in_the_record(void **state)
{
    (void)state;
    TELL({34, 4, 512});
    FLOW(PLAIN, {34, 4, 64});
    expect_last(64, FL_SAMPLING_RECORD);
    FLOW(PLAIN, {305, 4, 1}, {306, 4, 9});
    expect_last(10, FL_SAMPLING_RECORD);
    FLOW(PLAIN, {50, 2, 32});
    expect_last(32, FL_SAMPLING_RECORD);
}

static void test_interval_of_zero_in_the_record(void **state)
{
    (void)state;
    TELL({34, 4, 512});
    FLOW(PLAIN, {34, 4, 0});
    expect_last(512, FL_SAMPLING_OPTIONS);
}

static void test_both_directions_alike(void **state)
{
    (void)state;
    assert_int_equal(FEED(PLAIN, {2, 4, 1, REVERSE}, {34, 4, 64}), 2);
    expect_sampling(&caught.flows[0], 64, FL_SAMPLING_RECORD);
    expect_sampling(&caught.flows[1], 64, FL_SAMPLING_RECORD);
}

/* ---- the configuration ---- */

static void feed_configured(uint32_t sampling)
{
    struct fl_sender from = {fl_addr_v4(0xc0000201), 4000, "lab", sampling};
    w.b[w.b[1] == 10 ? 11 : 19]++; /* the sequence number: the same bytes again would be a duplicate */
    assert_int_equal(fl_decode(decoder, w.b, w.n, &from, T0 + 700), 1);
}

static void test_configuration_wins_over_all(void **state)
{
    (void)state;
    TELL({34, 4, 512});
    FLOW(PLAIN, {34, 4, 64});
    feed_configured(1000);
    expect_last(1000, FL_SAMPLING_CONFIG);
    struct fl_exporter_stats stats = stats_of();
    assert_int_equal(stats.sampling, 1000);
    assert_int_equal(stats.sampling_source, FL_SAMPLING_CONFIG);
    assert_int_equal(stats.sampling_told, 64);
}

static void test_configuration_of_one_to_one(void **state)
{
    (void)state;
    FLOW(PLAIN, {34, 4, 64});
    feed_configured(1);
    expect_last(1, FL_SAMPLING_CONFIG);
    assert_int_equal(stats_of().sampling_told, 64);
}

static void test_configuration_where_nothing_is_told(void **state)
{
    (void)state;
    FLOW(PLAIN);
    feed_configured(1000);
    expect_last(1000, FL_SAMPLING_CONFIG);
    assert_int_equal(stats_of().sampling_told, 0);
}

static void test_configuration_and_the_v5_header(void **state)
{
    (void)state;
    v5_header(&w, 1, 100000, T0, 0, 1 << 14 | 100);
    v5_record(&w, 50000, 60000);
    feed_configured(1000);
    expect_last(1000, FL_SAMPLING_CONFIG);
    assert_int_equal(stats_of().sampling_told, 100);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_nothing_told),
        T(test_v5_deterministic_and_random),
        T(test_v5_interval_without_mode),
        T(test_v5_mode_without_interval),
        T(test_v5_largest_interval),
        T(test_v5_one_to_one_is_told),
        T(test_v5_sampling_ends),
        T(test_interval_and_algorithm),
        T(test_interval_and_algorithm_by_v9),
        T(test_interval_and_space),
        T(test_interval_without_space),
        T(test_size_of_population),
        T(test_size_of_population_to_the_nearest),
        T(test_size_of_population_beside_an_interval),
        T(test_probability),
        T(test_probability_that_is_none),
        T(test_one_to_one_is_told),
        T(test_interval_of_zero_takes_it_back),
        T(test_zeros_behind_options_take_nothing_back),
        T(test_options_about_other_things_take_nothing_back),
        T(test_samplers_by_number),
        T(test_samplers_of_two_and_four_bytes),
        T(test_selectors_by_number),
        T(test_a_sampler_is_not_a_selector),
        T(test_single_sampler_and_none_named),
        T(test_sampler_zero_names_none),
        T(test_sampler_zero_that_was_told_of),
        T(test_samplers_that_differ_and_none_named),
        T(test_the_last_two_of_three_samplers_agree),
        T(test_samplers_that_agree_and_none_named),
        T(test_sampler_not_told_of),
        T(test_sampler_not_told_of_in_a_session_that_is_sampled),
        T(test_sampler_that_went),
        T(test_more_samplers_than_are_remembered),
        T(test_interfaces_by_v9_scope),
        T(test_interfaces_by_ipfix_scope),
        T(test_interface_of_an_egress_flow),
        T(test_interface_wins_over_the_session),
        T(test_three_scopes),
        T(test_scopes_only),
        T(test_v9_scope_of_a_name),
        T(test_interval_in_the_record),
        T(test_interval_of_zero_in_the_record),
        T(test_both_directions_alike),
        T(test_configuration_wins_over_all),
        T(test_configuration_of_one_to_one),
        T(test_configuration_where_nothing_is_told),
        T(test_configuration_and_the_v5_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
