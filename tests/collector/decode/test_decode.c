/* Datagrams in, flow records out: dialects agree, order does not matter, templates come and go. Faulty
 * bytes are tests/collector/decode/faults.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/decode/wire.h"

static const unsigned v9_fields[][2] = {{8, 4},   {12, 4}, {7, 2}, {11, 2}, {4, 1},  {6, 1},  {5, 1},
                                        {210, 1}, {2, 4},  {1, 4}, {22, 4}, {21, 4}, {10, 2}, {14, 2}};
enum { V9_FIELDS = sizeof v9_fields / sizeof v9_fields[0], BOOT_S = 1655071000 };

static struct fl_decoder *decoder;
static struct caught caught;
static struct wire w;

static void start(const struct fl_decoder_limits *given)
{
    struct fl_decoder_limits limits;
    fl_decoder_limits_init(&limits);
    fl_decoder_free(decoder);
    caught.n = 0;
    assert_int_equal(fl_decoder_new(&decoder, given ? given : &limits, catch_flows, &caught), 0);
}

static int setup(void **state)
{
    (void)state;
    start(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fl_decoder_free(decoder);
    decoder = NULL;
    return 0;
}

static int feed(void)
{
    return feed_at(decoder, &w, T0);
}

static struct fl_exporter_stats stats(void)
{
    struct fl_exporter_stats s;
    assert_int_equal(fl_decoder_stats(decoder, &s, 1), 1);
    return s;
}

static void v9_record(uint32_t first, uint32_t last)
{
    put(&w, 0x0a0000010a000002, 8);
    put(&w, 1234, 2);
    put(&w, 80, 2);
    put(&w, 0x061b0000, 4);
    put(&w, 5, 4);
    put(&w, 600, 4);
    put(&w, first, 4);
    put(&w, last, 4);
    put(&w, 3, 2);
    put(&w, 4, 2);
}

/* Export at `now_ms` after boot; real boot is BOOT_S plus 123 ms. */
static void v9_datagram(uint32_t now_ms, uint32_t sequence, bool template, bool data)
{
    v9_header(&w, now_ms, BOOT_S + (now_ms + 123) / 1000, sequence);
    if (template)
        template_set(&w, 0, 256, v9_fields, V9_FIELDS);
    if (!data)
        return;
    size_t at = set_open(&w, 256);
    v9_record(1000, 2000);
    set_close(&w, at);
}

static const unsigned ipfix_fields[][2] = {{152, 8}, {153, 8}, {8, 4}, {12, 4}, {7, 2},  {11, 2}, {4, 1},
                                           {6, 1},   {5, 1},   {2, 8}, {1, 8},  {10, 4}, {14, 4}};
enum { IPFIX_FIELDS = sizeof ipfix_fields / sizeof ipfix_fields[0] };

static void ipfix_record(void)
{
    put(&w, BOOT_S * INT64_C(1000) + 1123, 8);
    put(&w, BOOT_S * INT64_C(1000) + 2123, 8);
    put(&w, 0x0a0000010a000002, 8);
    put(&w, 1234, 2);
    put(&w, 80, 2);
    put(&w, 6, 1);
    put(&w, 0x1b, 1);
    put(&w, 0, 1);
    put(&w, 5, 8);
    put(&w, 600, 8);
    put(&w, 3, 4);
    put(&w, 4, 4);
}

static void ipfix_template(void)
{
    ipfix_header(&w, BOOT_S, 0);
    template_set(&w, 2, 300, ipfix_fields, IPFIX_FIELDS);
}

static void test_three_dialects_agree(void **state)
{
    (void)state;
    v5_header(&w, 1, 60000, BOOT_S * INT64_C(1000) + 60123, 0, 0);
    v5_record(&w, 1000, 2000);
    assert_int_equal(feed(), 1);
    v9_datagram(60877, 0, true, true); /* export clock just past a second */
    assert_int_equal(feed(), 0);
    v9_datagram(60876, 1, false, true); /* and just before it: the interval is exact */
    assert_int_equal(feed(), 2);
    ipfix_template();
    size_t at = set_open(&w, 300);
    ipfix_record();
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed(), 1);
    assert_int_equal(caught.n, 4);
    for (int i = 0; i < 4; i++) {
        struct fl_flow *f = &caught.flows[i];
        assert_int_equal(f->start_ms, BOOT_S * INT64_C(1000) + 1123);
        assert_int_equal(f->time_source, i == 3 ? FL_TIME_ABSOLUTE : FL_TIME_UPTIME);
        f->time_source = 0;
        assert_memory_equal(f, &caught.flows[0], sizeof *f);
    }
    struct fl_flow *f = &caught.flows[0];
    assert_int_equal(f->packets, 5);
    assert_int_equal(f->bytes, 600);
    assert_int_equal(f->src_port, 1234);
    assert_int_equal(f->dst_port, 80);
    assert_int_equal(f->tcp_flags, 0x1b);
    assert_int_equal(f->in_if, 3);
    assert_int_equal(f->end_ms - f->start_ms, 1000);
    assert_int_equal(f->domain, 7);
}

static void test_v5_sampling_header(void **state)
{
    (void)state;
    v5_header(&w, 1, 60000, T0, 0, 0x4000 | 100);
    v5_record(&w, 1000, 2000);
    assert_int_equal(feed(), 1);
    assert_int_equal(caught.flows[0].sampling, 100);
    assert_int_equal(caught.flows[0].sampling_source, FL_SAMPLING_HEADER);
}

static void test_v5_start_before_uptime_wrap(void **state)
{
    (void)state;
    v5_header(&w, 1, 5000, T0, 0, 0);
    v5_record(&w, UINT32_MAX - 999999, 4000);
    assert_int_equal(feed(), 1);
    assert_int_equal(caught.flows[0].start_ms, T0 - 5000 - 1000000);
    assert_int_equal(caught.flows[0].end_ms, T0 - 1000);
}

static void test_settle_time_passes(void **state)
{
    (void)state;
    v9_datagram(60000, 0, true, true);
    assert_int_equal(feed(), 0);
    fl_decoder_tick(decoder, T0 + 1999);
    assert_int_equal(caught.n, 0);
    fl_decoder_tick(decoder, T0 + 2000);
    assert_int_equal(caught.n, 1);
}

static void test_data_before_template(void **state)
{
    (void)state;
    v9_datagram(60877, 0, false, true);
    assert_int_equal(feed(), 0);
    v9_datagram(60876, 1, true, false);
    feed();
    fl_decoder_flush(decoder, T0);
    assert_int_equal(caught.n, 1);
    assert_int_equal(stats().unknown_template, 0);
}

static void test_template_never_comes(void **state)
{
    (void)state;
    v9_datagram(60877, 0, false, true);
    assert_int_equal(feed(), 0);
    fl_decoder_tick(decoder, T0 + 300000);
    assert_int_equal(stats().unknown_template, 1);
    assert_int_equal(caught.n, 0);
}

static void test_ipfix_withdrawal(void **state)
{
    (void)state;
    ipfix_template();
    ipfix_close(&w);
    assert_int_equal(feed(), 0);
    assert_int_equal(stats().templates, 1);
    ipfix_header(&w, BOOT_S, 0);
    template_set(&w, 2, 300, NULL, 0);
    ipfix_close(&w);
    assert_int_equal(feed(), 0);
    assert_int_equal(stats().templates, 0);
}

static void test_loss_and_reordering(void **state)
{
    (void)state;
    static const uint32_t order[] = {0, 1, 5, 3, 3, 6};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        v9_datagram(60000, order[i], true, false);
        feed();
    }
    assert_int_equal(stats().lost, 2); /* 2 and 4; 3 came late, its duplicate gives nothing back */
    v9_datagram(60000, 1000000, true, false);
    feed();
    uint64_t before = stats().lost;
    v9_datagram(60000, 0, true, false); /* far back: a restart */
    feed();
    v9_datagram(60000, 1, true, false);
    feed();
    assert_int_equal(stats().lost, before);
}

static void test_exporter_restart_resettles(void **state)
{
    (void)state;
    v9_datagram(60877, 0, true, true);
    feed();
    v9_datagram(60876, 1, false, true);
    assert_int_equal(feed(), 2);
    v9_header(&w, 1500, BOOT_S + 100, 0);
    size_t at = set_open(&w, 256);
    v9_record(1000, 1400);
    set_close(&w, at);
    assert_int_equal(feed(), 0);
    fl_decoder_flush(decoder, T0);
    assert_int_equal(caught.n, 3);
    assert_int_equal(caught.flows[2].start_ms, BOOT_S * INT64_C(1000) + 99500);
    assert_int_equal(stats().lost, 0);
}

/* What came before its template, and waited over a reboot, counts from the boot that its header tells. */
static void test_data_that_waits_over_a_restart(void **state)
{
    (void)state;
    v9_datagram(60877, 0, false, true);
    assert_int_equal(feed(), 0);
    v9_header(&w, 1500, BOOT_S + 200, 0);
    template_set(&w, 0, 256, v9_fields, V9_FIELDS);
    feed();
    fl_decoder_flush(decoder, T0);
    assert_int_equal(caught.n, 1);
    assert_int_equal(caught.flows[0].start_ms, BOOT_S * INT64_C(1000) + 123 + 1000);
    assert_int_equal(caught.flows[0].time_source, FL_TIME_UPTIME);
}

static void test_options_sampling(void **state)
{
    (void)state;
    ipfix_header(&w, BOOT_S, 0);
    size_t at = set_open(&w, 3);
    put(&w, 400, 2);
    put(&w, 2, 2);
    put(&w, 1, 2);
    put(&w, 149, 2);
    put(&w, 4, 2);
    put(&w, 34, 2);
    put(&w, 4, 2);
    set_close(&w, at);
    at = set_open(&w, 400);
    put(&w, 7, 4);
    put(&w, 512, 4);
    set_close(&w, at);
    template_set(&w, 2, 300, ipfix_fields, IPFIX_FIELDS);
    at = set_open(&w, 300);
    ipfix_record();
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed(), 1);
    assert_int_equal(caught.flows[0].sampling, 512);
    assert_int_equal(caught.flows[0].sampling_source, FL_SAMPLING_OPTIONS);
}

static void test_initiator_and_responder_are_two_flows(void **state)
{
    (void)state;
    static const unsigned f[][2] = {{152, 8}, {8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {231, 4}, {232, 4}};
    v9_header(&w, 1000, BOOT_S, 0);
    template_set(&w, 0, 256, f, 8);
    size_t at = set_open(&w, 256);
    put(&w, T0 - 5, 8);
    put(&w, 0x0a0000010a000002, 8);
    put(&w, 1234, 2);
    put(&w, 80, 2);
    put(&w, 6, 1);
    put(&w, 100, 4);
    put(&w, 900, 4);
    set_close(&w, at);
    assert_int_equal(feed(), 2);
    assert_int_equal(caught.flows[0].bytes, 100);
    assert_int_equal(caught.flows[1].bytes, 900);
    assert_int_equal(caught.flows[1].src_port, 80);
    assert_int_equal(fl_addr_cmp(&caught.flows[0].src, &caught.flows[1].dst), 0);
}

static void test_template_redefined(void **state)
{
    (void)state;
    static const unsigned first[][2] = {{8, 4}, {12, 4}, {7, 2}}, second[][2] = {{12, 4}, {8, 4}, {11, 2}};
    for (int i = 0; i < 2; i++) {
        v9_header(&w, 1000, BOOT_S, 0);
        template_set(&w, 0, 256, i ? second : first, 3);
        size_t at = set_open(&w, 256);
        put(&w, 0x0a0000010a000002, 8);
        put(&w, 99, 2);
        set_close(&w, at);
        assert_int_equal(feed(), 1);
    }
    assert_int_equal(caught.flows[0].src.b[15], 1);
    assert_int_equal(caught.flows[0].src_port, 99);
    assert_int_equal(caught.flows[1].src.b[15], 2);
    assert_int_equal(caught.flows[1].src_port, 0);
    assert_int_equal(caught.flows[1].dst_port, 99);
    assert_int_equal(stats().templates, 1);
}

static void test_record_without_addresses_is_no_flow(void **state)
{
    (void)state;
    static const unsigned f[][2] = {{152, 8}, {56, 6}, {1, 4}};
    v9_header(&w, 1000, BOOT_S, 0);
    template_set(&w, 0, 256, f, 3);
    size_t at = set_open(&w, 256);
    put(&w, T0, 8);
    put(&w, 1, 6);
    put(&w, 1, 4);
    set_close(&w, at);
    assert_int_equal(feed(), 0);
    assert_int_equal(stats().malformed, 0);
}

static void icmp(const unsigned (*element)[2], unsigned n, uint32_t value)
{
    unsigned f[8][2] = {{152, 8}, {8, 4}, {12, 4}, {4, 1}, {7, 2}};
    memcpy(f[5], element, n * sizeof *element);
    v9_header(&w, 1000, BOOT_S, 0);
    template_set(&w, 0, 256, (const unsigned(*)[2])f, 5 + n);
    size_t at = set_open(&w, 256);
    put(&w, T0 - 5, 8);
    put(&w, 0x0a0000010a000002, 8);
    put(&w, 1, 1);
    put(&w, 99, 2);
    put(&w, value, 2);
    set_close(&w, at);
    assert_int_equal(feed(), 1);
    assert_int_equal(caught.flows[caught.n - 1].src_port, 0);
    assert_int_equal(caught.flows[caught.n - 1].dst_port, 0x0301);
}

static void test_icmp_in_three_disguises(void **state)
{
    (void)state;
    static const unsigned port[][2] = {{11, 2}}, joined[][2] = {{32, 2}}, split[][2] = {{176, 1}, {177, 1}};
    icmp(port, 1, 0x0301);
    icmp(joined, 1, 0x0301);
    icmp(split, 2, 0x0301);
}

static void test_future_falls_back_to_receive_time(void **state)
{
    (void)state;
    ipfix_template();
    size_t at = set_open(&w, 300);
    ipfix_record();
    set_close(&w, at);
    ipfix_close(&w);
    int64_t now = BOOT_S * INT64_C(1000) + 1123 - 300001;
    assert_int_equal(feed_at(decoder, &w, now), 1);
    assert_int_equal(caught.flows[0].start_ms, now);
    assert_int_equal(caught.flows[0].time_source, FL_TIME_RECEIVED);
    assert_int_equal(stats().time_fallbacks, 1);
}

/* ---- bounds ---- */

static void test_session_flood(void **state)
{
    (void)state;
    static struct fl_exporter_stats s[64];
    struct fl_decoder_limits limits;
    fl_decoder_limits_init(&limits);
    limits.sessions = 16;
    start(&limits);
    for (uint32_t domain = 0; domain < 1000; domain++) {
        v9_datagram(60000, 0, true, true);
        w.n = 16;
        put(&w, domain, 4);
        template_set(&w, 0, 256, v9_fields, V9_FIELDS);
        feed();
    }
    assert_int_equal(fl_decoder_stats(decoder, s, 64), 16);
    assert_int_equal(s[0].domain, 999);
}

static void test_template_and_alien_element_flood(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        unsigned f[][2] = {{8, 4}, {12, 4}, {0x8000 | (i & 0x7fff), 4}, {210, 1 + i}};
        v9_header(&w, 60000, BOOT_S, i);
        template_set(&w, 0, 256 + i, (const unsigned(*)[2])f, 4);
        size_t at = set_open(&w, 256 + i);
        put(&w, 0x0a0000010a000002, 8);
        for (unsigned k = 0; k < 5 + i; k++)
            put(&w, 0, 1);
        set_close(&w, at);
        assert_int_equal(feed(), 1);
    }
    assert_int_equal(stats().templates, 1024);
    assert_int_equal(caught.n, 5000);
}

static void test_held_bytes_are_bounded(void **state)
{
    (void)state;
    struct fl_decoder_limits limits;
    fl_decoder_limits_init(&limits);
    limits.held_bytes = 1000;
    start(&limits);
    for (unsigned i = 0; i < 100; i++) {
        v9_datagram(60000, i, false, true);
        feed();
    }
    assert_true(stats().unknown_template >= 85);
    v9_datagram(60000, 100, true, false);
    feed();
    fl_decoder_flush(decoder, T0);
    assert_int_equal(caught.n + stats().unknown_template, 100);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_three_dialects_agree),
        T(test_v5_sampling_header),
        T(test_v5_start_before_uptime_wrap),
        T(test_settle_time_passes),
        T(test_data_before_template),
        T(test_template_never_comes),
        T(test_ipfix_withdrawal),
        T(test_loss_and_reordering),
        T(test_exporter_restart_resettles),
        T(test_data_that_waits_over_a_restart),
        T(test_options_sampling),
        T(test_initiator_and_responder_are_two_flows),
        T(test_template_redefined),
        T(test_record_without_addresses_is_no_flow),
        T(test_icmp_in_three_disguises),
        T(test_future_falls_back_to_receive_time),
        T(test_session_flood),
        T(test_template_and_alien_element_flood),
        T(test_held_bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
