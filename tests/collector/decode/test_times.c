/* When a flow was, by every element that tells time, and when none of them can be believed. T0 is the export
 * time, T0 + 700 the receive time of every datagram here. */
#include "tests/collector/decode/fields.h"

static const uint64_t NTP_S = 1655071209 + 2208988800; /* T0 as NTP seconds */
static const uint64_t HALF = 0x80000000u, QUARTER = 0x40000000u;

static void expect_times(int64_t start, int64_t end, enum fl_time_source source)
{
    assert_int_equal(caught.n, 1);
    expect_span(&caught.flows[0], start, end, source);
}

static void test_seconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({150, 4, EXPORT_S - 9}, {151, 4, EXPORT_S - 2}), 1);
    expect_times(T0 - 9000, T0 - 2000, FL_TIME_ABSOLUTE);
}

static void test_milliseconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 9001}, {153, 8, (uint64_t)T0 - 2002}), 1);
    expect_times(T0 - 9001, T0 - 2002, FL_TIME_ABSOLUTE);
}

static void test_microseconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({154, 8, (NTP_S - 9) << 32 | HALF}, {155, 8, (NTP_S - 2) << 32 | QUARTER}), 1);
    expect_times(T0 - 8500, T0 - 1750, FL_TIME_ABSOLUTE);
}

static void test_nanoseconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({156, 8, (NTP_S - 9) << 32 | HALF}, {157, 8, (NTP_S - 2) << 32 | QUARTER}), 1);
    expect_times(T0 - 8500, T0 - 1750, FL_TIME_ABSOLUTE);
}

static void test_deltas_count_back_from_the_export(void **state)
{
    (void)state;
    assert_int_equal(FEED({158, 4, 5500000}, {159, 4, 1250000}), 1);
    expect_times(T0 - 5500, T0 - 1250, FL_TIME_ABSOLUTE);
}

static void test_a_delta_of_zero_is_the_export_itself(void **state)
{
    (void)state;
    assert_int_equal(FEED({158, 4, 0}, {159, 4, 0}), 1);
    expect_times(T0, T0, FL_TIME_ABSOLUTE);
}

static void test_start_and_duration(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 5000}, {161, 4, 1234}), 1);
    expect_times(T0 - 5000, T0 - 3766, FL_TIME_ABSOLUTE);
}

static void test_end_and_duration_in_microseconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({153, 8, (uint64_t)T0 - 1000}, {162, 4, 1234567}), 1);
    expect_times(T0 - 2234, T0 - 1000, FL_TIME_ABSOLUTE);
}

static void test_start_and_observation(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 5000}, {323, 8, (uint64_t)T0 - 400}), 1);
    expect_times(T0 - 5000, T0 - 400, FL_TIME_ABSOLUTE);
}

static void test_start_alone(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 5000}, {153, 8, 0}), 1);
    expect_times(T0 - 5000, T0 - 5000, FL_TIME_ABSOLUTE);
}

static void test_observation_in_seconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({322, 4, EXPORT_S - 3}), 1);
    expect_times(T0 - 3000, T0 - 3000, FL_TIME_ABSOLUTE);
}

static void test_observation_in_microseconds_and_duration(void **state)
{
    (void)state;
    assert_int_equal(FEED({324, 8, (NTP_S - 3) << 32 | HALF}, {161, 4, 500}), 1);
    expect_times(T0 - 3000, T0 - 2500, FL_TIME_ABSOLUTE);
}

static void test_observation_in_nanoseconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({325, 8, (NTP_S - 3) << 32 | QUARTER}), 1);
    expect_times(T0 - 2750, T0 - 2750, FL_TIME_ABSOLUTE);
}

static void test_collection_time_when_nothing_else_tells(void **state)
{
    (void)state;
    assert_int_equal(FEED({258, 8, (uint64_t)T0 - 60000}), 1);
    expect_times(T0 - 60000, T0 - 60000, FL_TIME_ABSOLUTE);
}

static void test_collection_time_gives_way_to_the_flows_own(void **state)
{
    (void)state;
    assert_int_equal(FEED({258, 8, (uint64_t)T0}, {150, 4, EXPORT_S - 9}, {151, 4, EXPORT_S - 2}), 1);
    expect_times(T0 - 9000, T0 - 2000, FL_TIME_ABSOLUTE);
}

/* ---- uptime ---- */

static void test_uptime_with_boot_in_the_record(void **state)
{
    (void)state;
    assert_int_equal(FEED({160, 8, (uint64_t)T0 - 100000}, {22, 4, 50000}, {21, 4, 60000}), 1);
    expect_times(T0 - 50000, T0 - 40000, FL_TIME_UPTIME);
}

static void test_uptime_that_wrapped_since_boot(void **state)
{
    (void)state;
    uint64_t boot = (uint64_t)T0 - (UINT64_C(1) << 32) - 5000;
    assert_int_equal(FEED({160, 8, boot}, {22, 4, UINT32_MAX}, {21, 4, 3000}), 1);
    expect_times(T0 - 5001, T0 - 2000, FL_TIME_UPTIME);
}

/* v9, up for 2 s since its uptime's wrap: the flow began 3 s before the wrap. */
static void test_uptime_that_wraps_within_a_flow(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(2000, 256, 0, FIELDS({8, 4, 1}, {12, 4, 2}, {22, 4, UINT32_MAX - 2999}, {21, 4, 1000})), 1);
    expect_times(T0 - 5000, T0 - 1000, FL_TIME_UPTIME);
}

static void test_uptime_without_boot_is_receive_time(void **state)
{
    (void)state;
    assert_int_equal(FEED({22, 4, 50000}, {21, 4, 60000}), 1);
    expect_times(T0 + 700, T0 + 700, FL_TIME_RECEIVED);
    assert_int_equal(stats_of().time_fallbacks, 1);
}

static void test_boot_from_options_serves_later_flows(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(400, 1, FIELDS({149, 4, 7}, {160, 8, (uint64_t)T0 - 100000})), 0);
    assert_int_equal(FEED({22, 4, 50000}, {21, 4, 60000}), 1);
    expect_times(T0 - 50000, T0 - 40000, FL_TIME_UPTIME);
}

static void test_boot_in_seconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({160, 8, EXPORT_S - 100}, {22, 4, 50000}, {21, 4, 60000}), 1);
    expect_times(T0 - 50000, T0 - 40000, FL_TIME_UPTIME);
}

static void test_boot_in_the_future_is_not_believed(void **state)
{
    (void)state;
    assert_int_equal(FEED({160, 8, (uint64_t)T0 + 3600000}, {22, 4, 50000}, {21, 4, 60000}), 1);
    expect_times(T0 + 700, T0 + 700, FL_TIME_RECEIVED);
}

/* An hour ahead and up for 30 days by its own word, which must not be taken for a wrapped uptime. */
static void test_boot_in_the_future_and_long_uptime(void **state)
{
    (void)state;
    assert_int_equal(FEED({160, 8, (uint64_t)T0 + 200000}, {22, 4, 2592000000}, {21, 4, 2592001000}), 1);
    expect_times(T0 + 700, T0 + 700, FL_TIME_RECEIVED);
}

/* The same, and so that it would have wrapped five minutes ago. */
static void test_boot_in_the_future_is_no_wrap(void **state)
{
    (void)state;
    assert_int_equal(
        FEED({160, 8, (uint64_t)T0 + 200000}, {22, 4, UINT32_MAX - 500999}, {21, 4, UINT32_MAX - 499999}), 1);
    expect_times(T0 + 700, T0 + 700, FL_TIME_RECEIVED);
}

static void test_boot_in_the_future_gives_way_to_the_header(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(100000, 256, 0,
                             FIELDS({8, 4, 1}, {12, 4, 2}, {160, 8, (uint64_t)T0 + 3600000}, {22, 4, 50000},
                                    {21, 4, 60000})),
                     1);
    expect_times(T0 - 50000, T0 - 40000, FL_TIME_UPTIME);
}

/* Uptimes in the header and in the flows of two clocks: by the flow's, it ended 40 days before its export. */
static void test_uptime_of_another_clock(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(3600000, 256, 0, FIELDS({8, 4, 1}, {12, 4, 2}, {22, 4, 842567296}, {21, 4, 842567296})), 1);
    expect_times(T0 + 700, T0 + 700, FL_TIME_RECEIVED);
}

/* The same of an exporter that was started a moment ago: a capture of 40 days ago (2^32 ms less 838967296 ms
 * and the second it is up). By IPFIX too. */
static void test_capture_that_is_exported_again(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(1000, 256, 0, FIELDS({8, 4, 1}, {12, 4, 2}, {22, 4, 838967296}, {21, 4, 838968296})), 1);
    expect_times(T0 - 3456001000, T0 - 3456000000, FL_TIME_UPTIME);
    caught.n = 0;
    assert_int_equal(FEED({160, 8, (uint64_t)T0 - 1000}, {22, 4, 3594967296}, {21, 4, 3594968296}), 1);
    expect_times(T0 - 700001000, T0 - 700000000, FL_TIME_UPTIME);
}

static void test_calendar_that_was_never_set_gives_way_to_uptime(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(100000, 256, 0,
                             FIELDS({8, 4, 1}, {12, 4, 2}, {152, 8, 1000}, {153, 8, 2000}, {22, 4, 50000},
                                    {21, 4, 60000})),
                     1);
    expect_times(T0 - 50000, T0 - 40000, FL_TIME_UPTIME);
}

/* v5: zero is a time soon after boot, and no time at all when the exporter has run for long. */
static void test_uptime_zero(void **state)
{
    (void)state;
    v5_header(&w, 1, 5000, T0, 0, 0);
    v5_record(&w, 0, 0);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_times(T0 - 5000, T0 - 5000, FL_TIME_UPTIME);
    v5_header(&w, 1, 500000000, T0, 1, 0);
    v5_record(&w, 0, 0);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    assert_int_equal(caught.flows[1].time_source, FL_TIME_RECEIVED);
}

/* ---- units mistaken ---- */

static void test_seconds_where_milliseconds_are_due(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, EXPORT_S - 9}, {153, 8, EXPORT_S - 2}), 1);
    expect_times(T0 - 9000, T0 - 2000, FL_TIME_ABSOLUTE);
}

static void test_milliseconds_where_seconds_are_due(void **state)
{
    (void)state;
    assert_int_equal(FEED({150, 8, (uint64_t)T0 - 9001}, {151, 8, (uint64_t)T0 - 2002}), 1);
    expect_times(T0 - 9001, T0 - 2002, FL_TIME_ABSOLUTE);
}

static void test_seconds_of_eight_bytes(void **state)
{
    (void)state;
    assert_int_equal(FEED({150, 8, EXPORT_S - 9}, {151, 8, EXPORT_S - 2}), 1);
    expect_times(T0 - 9000, T0 - 2000, FL_TIME_ABSOLUTE);
}

static void test_milliseconds_of_four_bytes(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 4, EXPORT_S - 9}, {153, 4, EXPORT_S - 2}), 1);
    expect_times(T0 - 9000, T0 - 2000, FL_TIME_ABSOLUTE);
}

static void test_observation_of_the_other_length(void **state)
{
    (void)state;
    assert_int_equal(FEED({322, 8, (uint64_t)T0 - 3001}), 1);
    expect_times(T0 - 3001, T0 - 3001, FL_TIME_ABSOLUTE);
    caught.n = 0;
    assert_int_equal(FEED({323, 4, EXPORT_S - 3}), 1);
    expect_times(T0 - 3000, T0 - 3000, FL_TIME_ABSOLUTE);
}

static void test_unix_microseconds_where_ntp_is_due(void **state)
{
    (void)state;
    uint64_t us = (uint64_t)T0 * 1000;
    assert_int_equal(FEED({154, 8, us - 9000500}, {155, 8, us - 2000500}), 1);
    expect_times(T0 - 9001, T0 - 2001, FL_TIME_ABSOLUTE);
}

static void test_unix_nanoseconds_where_ntp_is_due(void **state)
{
    (void)state;
    uint64_t ns = (uint64_t)T0 * 1000000;
    assert_int_equal(FEED({156, 8, ns - 9000000000}, {157, 8, ns - 2000000000}), 1);
    expect_times(T0 - 9000, T0 - 2000, FL_TIME_ABSOLUTE);
}

/* ---- not to be believed ---- */

static void expect_received(void)
{
    expect_times(T0 + 700, T0 + 700, FL_TIME_RECEIVED);
    assert_int_equal(stats_of().time_fallbacks, 1);
}

static void test_no_time_at_all(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 4, 1}), 1);
    expect_received();
}

static void test_times_of_zero(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, 0}, {153, 8, 0}), 1);
    expect_received();
}

static void test_times_before_1980(void **state)
{
    (void)state;
    assert_int_equal(FEED({150, 4, 315532799}, {151, 4, 315532799}), 1);
    expect_received();
}

static void test_first_moment_of_1980_is_welcome(void **state)
{
    (void)state;
    assert_int_equal(FEED({150, 4, 315532800}, {151, 4, 315532801}), 1);
    expect_times(315532800000, 315532801000, FL_TIME_ABSOLUTE);
}

/* max_future_ms is 300000, receive time T0 + 700. */
static void test_as_far_ahead_as_is_let(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0}, {153, 8, (uint64_t)T0 + 300700}), 1);
    expect_times(T0, T0 + 300700, FL_TIME_ABSOLUTE);
}

static void test_further_ahead_than_is_let(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0}, {153, 8, (uint64_t)T0 + 300701}), 1);
    expect_received();
}

static void test_all_ones(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, UINT64_MAX}, {153, 8, UINT64_MAX}), 1);
    expect_received();
}

static void test_all_ones_and_the_longest_duration(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, UINT64_MAX}, {161, 4, UINT32_MAX}), 1);
    expect_received();
    assert_int_equal(FEED({154, 8, UINT64_MAX}, {161, 4, UINT32_MAX}), 1);
    assert_int_equal(caught.flows[1].time_source, FL_TIME_RECEIVED);
}

static void test_end_a_little_before_start_is_drawn_straight(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 1000}, {153, 8, (uint64_t)T0 - 11000}), 1);
    expect_times(T0 - 1000, T0 - 1000, FL_TIME_ABSOLUTE);
}

static void test_end_well_before_start(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 1000}, {153, 8, (uint64_t)T0 - 11001}), 1);
    expect_received();
}

static void test_duration_beyond_the_future(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 1000}, {161, 4, UINT32_MAX}), 1);
    expect_received();
}

/* ---- the other direction ---- */

#define THERE                                                                                                \
    {2, 8, 3}, {152, 8, (uint64_t)T0 - 5000}, {153, 8, (uint64_t)T0 - 1000},                                 \
    {                                                                                                        \
        2, 8, 4, REVERSE                                                                                     \
    }

static void expect_back(int64_t start, int64_t end)
{
    assert_int_equal(caught.n, 2);
    expect_span(&caught.flows[0], T0 - 5000, T0 - 1000, FL_TIME_ABSOLUTE);
    expect_span(&caught.flows[1], start, end, FL_TIME_ABSOLUTE);
}

static void test_reverse_milliseconds(void **state)
{
    (void)state;
    assert_int_equal(
        FEED(THERE, {152, 8, (uint64_t)T0 - 4900, REVERSE}, {153, 8, (uint64_t)T0 - 1100, REVERSE}), 2);
    expect_back(T0 - 4900, T0 - 1100);
}

static void test_reverse_seconds(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE, {150, 4, EXPORT_S - 4, REVERSE}, {151, 4, EXPORT_S - 2, REVERSE}), 2);
    expect_back(T0 - 4000, T0 - 2000);
}

static void test_reverse_microseconds(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE, {154, 8, (NTP_S - 4) << 32 | HALF, REVERSE},
                          {155, 8, (NTP_S - 2) << 32 | QUARTER, REVERSE}),
                     2);
    expect_back(T0 - 3500, T0 - 1750);
}

static void test_reverse_nanoseconds(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE, {156, 8, (NTP_S - 4) << 32 | HALF, REVERSE},
                          {157, 8, (NTP_S - 2) << 32 | QUARTER, REVERSE}),
                     2);
    expect_back(T0 - 3500, T0 - 1750);
}

static void test_reverse_deltas(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE, {158, 4, 4500000, REVERSE}, {159, 4, 1500000, REVERSE}), 2);
    expect_back(T0 - 4500, T0 - 1500);
}

static void test_reverse_start_and_duration(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE, {152, 8, (uint64_t)T0 - 4900, REVERSE}, {161, 4, 2000, REVERSE}), 2);
    expect_back(T0 - 4900, T0 - 2900);
}

static void test_reverse_uptime(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 8, 3}, {2, 8, 4, REVERSE}, {160, 8, (uint64_t)T0 - 100000}, {22, 4, 50000},
                          {21, 4, 60000}, {22, 4, 50100, REVERSE}, {21, 4, 59900, REVERSE}),
                     2);
    expect_span(&caught.flows[0], T0 - 50000, T0 - 40000, FL_TIME_UPTIME);
    expect_span(&caught.flows[1], T0 - 49900, T0 - 40100, FL_TIME_UPTIME);
}

/* CERT's reverseFlowDeltaMilliseconds: the answer came 42 ms after the first packet. */
static void test_reverse_so_long_after_the_start(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE, {21, 4, 42, 6871}), 2);
    expect_back(T0 - 4958, T0 - 1000);
}

static void test_reverse_times_that_are_missing_are_the_flows(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE), 2);
    expect_back(T0 - 5000, T0 - 1000);
}

static void test_reverse_times_in_the_future_are_not_believed(void **state)
{
    (void)state;
    assert_int_equal(FEED(THERE, {152, 8, (uint64_t)T0 - 4900, REVERSE}, {153, 8, UINT64_MAX, REVERSE}), 2);
    expect_back(T0 - 5000, T0 - 1000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_seconds),
        T(test_milliseconds),
        T(test_microseconds),
        T(test_nanoseconds),
        T(test_deltas_count_back_from_the_export),
        T(test_a_delta_of_zero_is_the_export_itself),
        T(test_start_and_duration),
        T(test_end_and_duration_in_microseconds),
        T(test_start_and_observation),
        T(test_start_alone),
        T(test_observation_in_seconds),
        T(test_observation_in_microseconds_and_duration),
        T(test_observation_in_nanoseconds),
        T(test_collection_time_when_nothing_else_tells),
        T(test_collection_time_gives_way_to_the_flows_own),
        T(test_uptime_with_boot_in_the_record),
        T(test_uptime_that_wrapped_since_boot),
        T(test_uptime_that_wraps_within_a_flow),
        T(test_uptime_without_boot_is_receive_time),
        T(test_boot_from_options_serves_later_flows),
        T(test_boot_in_seconds),
        T(test_boot_in_the_future_is_not_believed),
        T(test_boot_in_the_future_and_long_uptime),
        T(test_boot_in_the_future_is_no_wrap),
        T(test_boot_in_the_future_gives_way_to_the_header),
        T(test_uptime_of_another_clock),
        T(test_capture_that_is_exported_again),
        T(test_calendar_that_was_never_set_gives_way_to_uptime),
        T(test_uptime_zero),
        T(test_seconds_where_milliseconds_are_due),
        T(test_milliseconds_where_seconds_are_due),
        T(test_seconds_of_eight_bytes),
        T(test_milliseconds_of_four_bytes),
        T(test_observation_of_the_other_length),
        T(test_unix_microseconds_where_ntp_is_due),
        T(test_unix_nanoseconds_where_ntp_is_due),
        T(test_no_time_at_all),
        T(test_times_of_zero),
        T(test_times_before_1980),
        T(test_first_moment_of_1980_is_welcome),
        T(test_as_far_ahead_as_is_let),
        T(test_further_ahead_than_is_let),
        T(test_all_ones),
        T(test_all_ones_and_the_longest_duration),
        T(test_end_a_little_before_start_is_drawn_straight),
        T(test_end_well_before_start),
        T(test_duration_beyond_the_future),
        T(test_reverse_milliseconds),
        T(test_reverse_seconds),
        T(test_reverse_microseconds),
        T(test_reverse_nanoseconds),
        T(test_reverse_deltas),
        T(test_reverse_start_and_duration),
        T(test_reverse_uptime),
        T(test_reverse_so_long_after_the_start),
        T(test_reverse_times_that_are_missing_are_the_flows),
        T(test_reverse_times_in_the_future_are_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
