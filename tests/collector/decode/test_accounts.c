/* What is counted of an exporter: loss in each dialect's unit, repetition, restarts, and the rest of its
 * figures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/decode/wire.h"

enum { SECONDS = 1655071209 }; /* T0 */

static struct fl_decoder *decoder;
static struct caught caught;
static struct wire w;

static int setup(void **state)
{
    struct fl_decoder_limits limits;
    (void)state;
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

static int feed(void)
{
    if (w.b[1] == 10)
        ipfix_close(&w);
    return feed_at(decoder, &w, T0);
}

static struct fl_exporter_stats stats(void)
{
    struct fl_exporter_stats s;
    assert_int_equal(fl_decoder_stats(decoder, &s, 1), 1);
    return s;
}

static const unsigned fields[][2] = {{152, 8}, {8, 4}, {12, 4}, {1, 4}};

static void put_template(unsigned id)
{
    template_set(&w, w.b[1] == 9 ? 0 : 2, id, fields, 4);
}

static void put_data(unsigned id, unsigned n)
{
    size_t at = set_open(&w, id);
    for (unsigned i = 0; i < n; i++) {
        put(&w, T0 - 1000, 8);
        put(&w, 0x0a0000010a000002, 8);
        put(&w, 100 + i, 4);
    }
    set_close(&w, at);
}

static void v9(uint32_t number, unsigned n)
{
    v9_header(&w, 60000, SECONDS, number);
    put_template(256);
    put_data(256, n);
}

static void ipfix(uint32_t number, unsigned n)
{
    ipfix_header(&w, SECONDS, number);
    put_template(300);
    if (n)
        put_data(300, n);
}

static void v5(uint32_t number, unsigned n)
{
    v5_header(&w, n, 60000, T0, number, 0);
    for (unsigned i = 0; i < n; i++)
        v5_record(&w, 1000 + i, 2000);
}

/* ---- loss, reordering, repetition ---- */

static void expect(uint64_t lost, uint64_t reordered, uint64_t duplicates, uint64_t restarts)
{
    struct fl_exporter_stats s = stats();
    assert_int_equal(s.lost, lost);
    assert_int_equal(s.reordered, reordered);
    assert_int_equal(s.duplicates, duplicates);
    assert_int_equal(s.restarts, restarts);
}

/* Four datagrams of ten flows each, of which the third comes after the fourth; the second comes twice;
 * another two are lost. */
static void run(void (*make)(uint32_t, unsigned), uint32_t step, uint64_t lost)
{
    static const uint32_t order[] = {0, 1, 1, 3, 2, 6};
    static const int handed[] = {10, 10, 0, 10, 10, 10};
    for (size_t i = 0; i < 6; i++) {
        make(order[i] * step, 10);
        assert_int_equal(feed(), handed[i]);
    }
    expect(lost, 1, 1, 0);
    assert_int_equal(caught.n, 50);
    assert_int_equal(stats().flows, 50);
    assert_int_equal(stats().packets, 6);
}

static void test_v5_counts_flows(void **state)
{
    (void)state;
    run(v5, 10, 20);
}

static void test_v9_counts_datagrams(void **state)
{
    (void)state;
    run(v9, 1, 2);
}

static void test_ipfix_counts_records(void **state)
{
    (void)state;
    run(ipfix, 10, 20);
}

/* The same number with other content is no duplicate: nothing is dropped that may be new. */
static void test_same_number_other_content(void **state)
{
    (void)state;
    v9(1, 10);
    assert_int_equal(feed(), 10);
    v9(2, 10);
    assert_int_equal(feed(), 10);
    v9(2, 11);
    assert_int_equal(feed(), 11);
    assert_int_equal(stats().duplicates, 0);
}

static void put_options(unsigned n)
{
    size_t at = set_open(&w, 3);
    put(&w, 400, 2);
    put(&w, 3, 2);
    put(&w, 1, 2);
    put(&w, 149, 2);
    put(&w, 4, 2);
    put(&w, 36, 2);
    put(&w, 2, 2);
    put(&w, 37, 2);
    put(&w, 2, 2);
    set_close(&w, at);
    at = set_open(&w, 400);
    for (unsigned i = 0; i < n; i++) {
        put(&w, 7, 4);
        put(&w, 1800, 2);
        put(&w, 15, 2);
    }
    set_close(&w, at);
}

/* RFC 7011 section 3.1: options data records count, templates do not. */
static void test_ipfix_options_data_count(void **state)
{
    (void)state;
    ipfix(0, 10);
    feed();
    ipfix(10, 10);
    put_options(3);
    feed();
    ipfix(23, 10);
    feed();
    expect(0, 0, 0, 0);
    ipfix(36, 10); /* three are missing */
    feed();
    expect(3, 0, 0, 0);
    assert_int_equal(stats().options, 3);
}

static void test_ipfix_unknown_template_fakes_no_loss(void **state)
{
    (void)state;
    ipfix(0, 10);
    feed();
    for (uint32_t number = 10; number < 100; number += 15) {
        ipfix_header(&w, SECONDS, number);
        put_data(301, 15);
        assert_int_equal(feed(), 0);
    }
    ipfix(100, 10);
    feed();
    expect(0, 0, 0, 0);
    assert_int_equal(stats().waiting, 6);
}

/* Padding of whole records of zeros is not in the exporter's count, and makes no flows. */
static void test_zero_filled_tail_of_a_set(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        ipfix_header(&w, SECONDS, 10 * i);
        put_template(300);
        size_t at = w.n;
        put_data(300, 10);
        for (int k = 0; k < 2 * 20 + 3; k++)
            put(&w, 0, 1);
        set_close(&w, at);
        assert_int_equal(feed(), 10);
    }
    expect(0, 0, 0, 0);
}

/* What is refused came all the same: it counts as malformed, and not as lost too. */
static void test_refused_is_not_lost(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        v9(i, 10);
        w.n -= i == 2; /* cut short */
        feed();
    }
    expect(0, 0, 0, 0);
    assert_int_equal(stats().malformed, 1);
    assert_int_equal(caught.n, 30);
}

static void test_exporters_behind_one_address_stay_apart(void **state)
{
    struct fl_exporter_stats s[8];
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        for (uint16_t port = 4000; port < 4002; port++)
            for (unsigned domain = 0; domain < 2; domain++) {
                struct fl_sender from = {fl_addr_v4(0xc0000201), port, "lab", 0};
                v9(1000 * port + 100000 * domain + i, 10);
                patch16(&w, 18, domain);
                assert_int_equal(fl_decode(decoder, w.b, w.n, &from, T0), 10);
            }
    assert_int_equal(fl_decoder_stats(decoder, s, 8), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(s[i].packets, 20);
        assert_int_equal(s[i].lost + s[i].reordered + s[i].restarts + s[i].duplicates, 0);
    }
}

/* ---- restarts ---- */

static void test_v9_restart_is_one_restart_and_no_loss(void **state)
{
    (void)state;
    for (uint32_t i = 5000; i < 5010; i++) {
        v9(i, 10);
        feed();
    }
    for (uint32_t i = 0; i < 10; i++) {
        v9_header(&w, 1000 + i, SECONDS + 60, i);
        put_template(256);
        put_data(256, 10);
        feed();
    }
    expect(0, 0, 0, 1);
}

static void test_v9_clock_that_is_set_is_no_restart(void **state)
{
    (void)state;
    v9(10, 10);
    feed();
    v9_header(&w, 61000, SECONDS + 3600, 11);
    put_template(256);
    feed();
    v9_header(&w, 62000, SECONDS + 3601, 13); /* 12 is missing */
    put_template(256);
    feed();
    expect(1, 0, 0, 0);
}

static void test_v5_restart(void **state)
{
    (void)state;
    v5(500000, 10);
    feed();
    v5_header(&w, 1, 1000, T0 + 60000, 0, 0);
    v5_record(&w, 10, 20);
    feed();
    v5_header(&w, 1, 1100, T0 + 60100, 1, 0);
    v5_record(&w, 10, 20);
    feed();
    expect(0, 0, 0, 1);
}

/* ---- other figures ---- */

static void test_not_flows_and_template_ages(void **state)
{
    static const unsigned layer2[][2] = {{152, 8}, {56, 6}, {1, 4}};
    (void)state;
    ipfix(0, 1);
    ipfix_close(&w);
    feed_at(decoder, &w, T0 - 5000);
    ipfix_header(&w, SECONDS, 1);
    template_set(&w, 2, 301, layer2, 3);
    size_t at = set_open(&w, 301);
    for (int i = 0; i < 3 * 18; i++)
        put(&w, 1, 1);
    set_close(&w, at);
    assert_int_equal(feed(), 0);
    struct fl_exporter_stats s = stats();
    assert_int_equal(s.not_flows, 3);
    assert_int_equal(s.flows, 1);
    assert_int_equal(s.templates, 2);
    assert_int_equal(s.template_oldest_ms, T0 - 5000);
    assert_int_equal(s.template_newest_ms, T0);
}

static void test_timeouts_told(void **state)
{
    (void)state;
    ipfix(0, 1);
    put_options(1);
    feed();
    assert_int_equal(stats().active_timeout_ms, 1800000);
    assert_int_equal(stats().inactive_timeout_ms, 15000);
}

/* 64 flows of a v5 exporter that go idle for 15 s. */
static void test_timeouts_learned(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 64; i++) {
        v5_header(&w, 1, 60000 + i * 100, T0 + i * 100, i, 0);
        v5_record(&w, 44000 + i * 100, 44500 + i * 100); /* TCP without FIN: 0x1b has one */
        w.b[24 + 37] = 0x10;
        feed();
    }
    assert_int_equal(stats().inactive_timeout_ms, 15000);
    assert_int_equal(stats().active_timeout_ms, 0);
}

static void assert_rate(double want, double slack)
{
    double got = stats().flows_per_s;
    if (fabs(got - want) > slack)
        fail_msg("%.3f flows a second, not %.3f", got, want);
}

/* 20 flows a second for two minutes, then none. */
static void test_flows_per_second(void **state)
{
    (void)state;
    for (uint32_t second = 0; second < 120; second++) {
        v5(second * 20, 20);
        feed_at(decoder, &w, T0 + second * 1000);
        if (second == 10 || second == 119)
            assert_rate(20, 2.1);
    }
    fl_decoder_tick(decoder, T0 + 120000);
    assert_rate(20, 0.5);
    fl_decoder_tick(decoder, T0 + 150000);
    assert_rate(10, 2);
    fl_decoder_tick(decoder, T0 + 180000);
    assert_rate(0, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_v5_counts_flows),
        T(test_v9_counts_datagrams),
        T(test_ipfix_counts_records),
        T(test_same_number_other_content),
        T(test_ipfix_options_data_count),
        T(test_ipfix_unknown_template_fakes_no_loss),
        T(test_zero_filled_tail_of_a_set),
        T(test_refused_is_not_lost),
        T(test_exporters_behind_one_address_stay_apart),
        T(test_v9_restart_is_one_restart_and_no_loss),
        T(test_v9_clock_that_is_set_is_no_restart),
        T(test_v5_restart),
        T(test_not_flows_and_template_ages),
        T(test_timeouts_told),
        T(test_timeouts_learned),
        T(test_flows_per_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
