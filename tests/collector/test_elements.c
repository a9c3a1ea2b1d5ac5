/* What single information elements mean: times in every form, the other direction of a biflow, IPv6, sampling
 * told by options, and sequence numbers as exporters count them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/wire.h"

enum { REVERSE = 29305 };
static const uint32_t EXPORT_S = 1655071209;           /* T0 */
static const uint64_t NTP_S = 1655071209 + 2208988800; /* T0 as NTP seconds */

/* A field and the value that the one record of it has. */
struct field {
    unsigned element, length;
    uint64_t value;
    uint32_t enterprise;
};

static struct fl_decoder *decoder;
static struct caught caught;
static struct wire w;

static int setup(void **state)
{
    (void)state;
    struct fl_decoder_limits limits;
    fl_decoder_limits_init(&limits);
    caught.n = 0;
    return fl_decoder_new(&decoder, &limits, catch_flows, &caught);
}

static int teardown(void **state)
{
    (void)state;
    fl_decoder_free(decoder);
    return 0;
}

static void put_fields(const struct field *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(&w, f[i].element | (f[i].enterprise ? 0x8000u : 0), 2);
        put(&w, f[i].length, 2);
        if (f[i].enterprise)
            put(&w, f[i].enterprise, 4);
    }
}

static void put_values(const struct field *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 8; k < f[i].length; k++)
            put(&w, k == 8 ? 0x20 : 0, 1);
        put(&w, f[i].value, f[i].length < 8 ? f[i].length : 8);
    }
}

/* An IPFIX template, or options template of one scope, and a record of it. */
static void put_record(unsigned id, bool options, const struct field *f, size_t n)
{
    size_t at = set_open(&w, options ? 3 : 2);
    put(&w, id, 2);
    put(&w, n, 2);
    if (options)
        put(&w, 1, 2);
    put_fields(f, n);
    set_close(&w, at);
    at = set_open(&w, id);
    put_values(f, n);
    set_close(&w, at);
}

/* One flow of 10.0.0.1 to 10.0.0.2 and of `f`, by IPFIX. Returns the records that came of it. */
static int feed_flow(const struct field *f, size_t n)
{
    struct field all[16] = {{8, 4, 0x0a000001, 0}, {12, 4, 0x0a000002, 0}};
    assert_true(n + 2 <= 16);
    memcpy(all + 2, f, n * sizeof *f);
    ipfix_header(&w, EXPORT_S, 0);
    put_record(300, false, all, n + 2);
    ipfix_close(&w);
    return feed_at(decoder, &w, T0 + 700);
}
#define FEED(...)                                                                                            \
    feed_flow((const struct field[]){__VA_ARGS__},                                                           \
              sizeof((const struct field[]){__VA_ARGS__}) / sizeof(struct field))

static void expect_times(int64_t start, int64_t end, enum fl_time_source source)
{
    assert_int_equal(caught.n, 1);
    assert_int_equal(caught.flows[0].start_ms, start);
    assert_int_equal(caught.flows[0].end_ms, end);
    assert_int_equal(caught.flows[0].time_source, source);
}

static void test_seconds(void **state)
{
    (void)state;
    assert_int_equal(FEED({150, 4, EXPORT_S - 9, 0}, {151, 4, EXPORT_S - 2, 0}), 1);
    expect_times(T0 - 9000, T0 - 2000, FL_TIME_ABSOLUTE);
}

static void test_microseconds(void **state)
{
    (void)state;
    assert_int_equal(
        FEED({154, 8, (NTP_S - 9) << 32 | 0x80000000u, 0}, {155, 8, (NTP_S - 2) << 32 | 0x40000000u, 0}), 1);
    expect_times(T0 - 8500, T0 - 1750, FL_TIME_ABSOLUTE);
}

static void test_nanoseconds(void **state)
{
    (void)state;
    assert_int_equal(
        FEED({156, 8, (NTP_S - 9) << 32 | 0x80000000u, 0}, {157, 8, (NTP_S - 2) << 32 | 0x40000000u, 0}), 1);
    expect_times(T0 - 8500, T0 - 1750, FL_TIME_ABSOLUTE);
}

static void test_deltas_count_back_from_the_export(void **state)
{
    (void)state;
    assert_int_equal(FEED({158, 4, 5500000, 0}, {159, 4, 1250000, 0}), 1);
    expect_times(T0 - 5500, T0 - 1250, FL_TIME_ABSOLUTE);
}

static void test_start_and_duration(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 5000, 0}, {161, 4, 1234, 0}), 1);
    expect_times(T0 - 5000, T0 - 3766, FL_TIME_ABSOLUTE);
}

static void test_uptime_with_boot_in_the_record(void **state)
{
    (void)state;
    assert_int_equal(FEED({160, 8, (uint64_t)T0 - 100000, 0}, {22, 4, 50000, 0}, {21, 4, 60000, 0}), 1);
    expect_times(T0 - 50000, T0 - 40000, FL_TIME_UPTIME);
}

static void test_uptime_that_wrapped_since_boot(void **state)
{
    (void)state;
    uint64_t boot = (uint64_t)T0 - (UINT64_C(1) << 32) - 5000;
    assert_int_equal(FEED({160, 8, boot, 0}, {22, 4, UINT32_MAX, 0}, {21, 4, 3000, 0}), 1);
    expect_times(T0 - 5001, T0 - 2000, FL_TIME_UPTIME);
}

static void test_uptime_without_boot_is_receive_time(void **state)
{
    (void)state;
    struct fl_exporter_stats stats;
    assert_int_equal(FEED({22, 4, 50000, 0}, {21, 4, 60000, 0}), 1);
    expect_times(T0 + 700, T0 + 700, FL_TIME_RECEIVED);
    assert_int_equal(fl_decoder_stats(decoder, &stats, 1), 1);
    assert_int_equal(stats.time_fallbacks, 1);
}

static void test_boot_from_options_serves_later_flows(void **state)
{
    (void)state;
    const struct field options[] = {{149, 4, 7, 0}, {160, 8, (uint64_t)T0 - 100000, 0}};
    ipfix_header(&w, EXPORT_S, 0);
    put_record(400, true, options, 2);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 0);
    assert_int_equal(FEED({22, 4, 50000, 0}, {21, 4, 60000, 0}), 1);
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

static void test_reverse_direction(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 5000, 0}, {153, 8, (uint64_t)T0 - 1000, 0}, {7, 2, 1234, 0},
                          {11, 2, 80, 0}, {4, 1, 6, 0}, {6, 1, 2, 0}, {2, 8, 3, 0}, {1, 8, 300, 0},
                          {2, 8, 4, REVERSE}, {1, 8, 4000, REVERSE}, {6, 1, 0x12, REVERSE},
                          {152, 8, (uint64_t)T0 - 4900, REVERSE}, {153, 8, (uint64_t)T0 - 1100, REVERSE}),
                     2);
    const struct fl_flow *back = &caught.flows[1];
    assert_int_equal(caught.flows[0].bytes, 300);
    assert_int_equal(caught.flows[0].tcp_flags, 2);
    assert_int_equal(back->src_port, 80);
    assert_int_equal(back->dst_port, 1234);
    assert_int_equal(back->packets, 4);
    assert_int_equal(back->bytes, 4000);
    assert_int_equal(back->tcp_flags, 0x12);
    assert_int_equal(back->start_ms, T0 - 4900);
    assert_int_equal(back->end_ms, T0 - 1100);
}

static void test_reverse_times_in_the_future_are_not_believed(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 5000, 0}, {153, 8, (uint64_t)T0 - 1000, 0}, {2, 8, 3, 0},
                          {2, 8, 4, REVERSE}, {152, 8, (uint64_t)T0 - 4900, REVERSE},
                          {153, 8, UINT64_MAX, REVERSE}),
                     2);
    assert_int_equal(caught.flows[1].start_ms, T0 - 5000);
    assert_int_equal(caught.flows[1].end_ms, T0 - 1000);
}

static void test_only_the_reverse_direction_was_seen(void **state)
{
    (void)state;
    assert_int_equal(FEED({152, 8, (uint64_t)T0 - 5000, 0}, {2, 8, 0, 0}, {1, 8, 0, 0}, {2, 8, 4, REVERSE},
                          {1, 8, 4000, REVERSE}),
                     1);
    assert_int_equal(caught.flows[0].src.b[15], 2);
    assert_int_equal(caught.flows[0].packets, 4);
}

static void expect_v6(void)
{
    assert_int_equal(caught.n, 1);
    assert_int_equal(caught.flows[0].src.b[0], 0x20);
    assert_int_equal(caught.flows[0].src.b[15], 1);
    assert_int_equal(caught.flows[0].dst.b[15], 2);
    assert_int_equal(caught.flows[0].dst_port, 0x8000);
}

static const struct field v6_fields[] = {{27, 16, 1, 0},      {28, 16, 2, 0},   {4, 1, 58, 0},
                                         {139, 2, 0x8000, 0}, {22, 4, 1000, 0}, {21, 4, 2000, 0}};
enum { V6_FIELDS = sizeof v6_fields / sizeof v6_fields[0] };

static void test_ipv6_by_ipfix(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_record(300, false, v6_fields, V6_FIELDS);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_v6();
}

static void test_ipv6_by_v9(void **state)
{
    (void)state;
    v9_header(&w, 5000, EXPORT_S, 0);
    size_t at = set_open(&w, 0);
    put(&w, 256, 2);
    put(&w, V6_FIELDS, 2);
    put_fields(v6_fields, V6_FIELDS);
    set_close(&w, at);
    at = set_open(&w, 256);
    put_values(v6_fields, V6_FIELDS);
    set_close(&w, at);
    assert_int_equal(feed_at(decoder, &w, T0), 0);
    fl_decoder_flush(decoder, T0);
    expect_v6();
    assert_int_equal(caught.flows[0].end_ms - caught.flows[0].start_ms, 1000);
}

/* Options data of two samplers, then a flow that names one of them. */
static void sample(unsigned element, unsigned length, unsigned interval_element)
{
    ipfix_header(&w, EXPORT_S, 0);
    for (unsigned id = 1; id <= 2; id++) {
        const struct field options[] = {
            {149, 4, 7, 0}, {element, length, id, 0}, {interval_element, 4, 100 * id, 0}};
        put_record(400 + id, true, options, 3);
    }
    const struct field flow[] = {{8, 4, 1, 0}, {12, 4, 2, 0}, {element, length, 1, 0}};
    put_record(300, false, flow, 3);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    assert_int_equal(caught.flows[0].sampling, 100);
    assert_int_equal(caught.flows[0].sampling_source, FL_SAMPLING_OPTIONS);
}

static void test_sampler_id(void **state)
{
    (void)state;
    sample(48, 1, 50);
}

static void test_selector_id(void **state)
{
    (void)state;
    sample(302, 8, 305);
}

static void test_sampling_interval_and_space(void **state)
{
    (void)state;
    const struct field options[] = {{149, 4, 7, 0}, {305, 4, 2, 0}, {306, 4, 198, 0}};
    ipfix_header(&w, EXPORT_S, 0);
    put_record(400, true, options, 3);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 0);
    assert_int_equal(FEED({2, 4, 1, 0}), 1);
    assert_int_equal(caught.flows[0].sampling, 100);
}

static void test_withdrawal_of_all_leaves_options_templates(void **state)
{
    (void)state;
    struct fl_exporter_stats stats;
    const struct field options[] = {{149, 4, 7, 0}, {34, 4, 10, 0}};
    ipfix_header(&w, EXPORT_S, 0);
    put_record(400, true, options, 2);
    put_record(300, false, v6_fields, V6_FIELDS);
    put_record(301, false, v6_fields, V6_FIELDS);
    template_set(&w, 2, 2, NULL, 0);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 2);
    assert_int_equal(fl_decoder_stats(decoder, &stats, 1), 1);
    assert_int_equal(stats.templates, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_seconds),
        T(test_microseconds),
        T(test_nanoseconds),
        T(test_deltas_count_back_from_the_export),
        T(test_start_and_duration),
        T(test_uptime_with_boot_in_the_record),
        T(test_uptime_that_wrapped_since_boot),
        T(test_uptime_without_boot_is_receive_time),
        T(test_boot_from_options_serves_later_flows),
        T(test_uptime_zero),
        T(test_reverse_direction),
        T(test_reverse_times_in_the_future_are_not_believed),
        T(test_only_the_reverse_direction_was_seen),
        T(test_ipv6_by_ipfix),
        T(test_ipv6_by_v9),
        T(test_sampler_id),
        T(test_selector_id),
        T(test_sampling_interval_and_space),
        T(test_withdrawal_of_all_leaves_options_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
