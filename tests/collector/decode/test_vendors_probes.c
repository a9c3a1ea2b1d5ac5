/* Software exporters and probes: datagrams laid out as each of them sends them, and what must come of them.
 */
#include "tests/collector/decode/fields.h"

enum { UPTIME = 3600000, SYSTEM = 1, ICMP = FL_PROTO_ICMP, TCP = FL_PROTO_TCP, UDP = FL_PROTO_UDP };

static const struct fl_flow *flow(size_t i)
{
    assert_true(caught.n > i);
    return &caught.flows[i];
}

static void expect_no_flow(void)
{
    assert_int_equal(caught.n, 0);
    assert_int_equal(stats_of().malformed, 0);
}

/* ---- OpenBSD pflow ---- */

static void test_pflow_v5(void **state)
{
    (void)state;
    v5_header(&w, 1, UPTIME, T0, 0, 0);
    v5_record(&w, 3500000, 3599000);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_ends(flow(0), "10.0.0.1", 1234, "10.0.0.2", 80, TCP);
    expect_counts(flow(0), 5, 600);
    expect_span(flow(0), T0 - 100000, T0 - 1000, FL_TIME_UPTIME);
    expect_sampling(flow(0), 1, FL_SAMPLING_NONE);
}

static void test_pflow_ipfix(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(256, 0,
                                FIELDS({8, 4, IP4(172, 23, 5, 1)}, {12, 4, IP4(172, 23, 6, 1)}, {10, 4, 2},
                                       {14, 4, 0}, {2, 8, 31}, {1, 8, 16000}, {152, 8, (uint64_t)T0 - 120000},
                                       {153, 8, (uint64_t)T0 - 3000}, {7, 2, 22222}, {11, 2, 22},
                                       {5, 1, 0x10}, {4, 1, 6})),
                     1);
    expect_ends(flow(0), "172.23.5.1", 22222, "172.23.6.1", 22, TCP);
    expect_counts(flow(0), 31, 16000);
    expect_span(flow(0), T0 - 120000, T0 - 3000, FL_TIME_ABSOLUTE);
    expect_interfaces(flow(0), 2, 0, FL_DIRECTION_UNKNOWN);
    expect_marks(flow(0), 0, 0x10, FL_END_UNKNOWN, FL_EVENT_NONE);
}

static void test_pflow_ipfix_ipv6(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(257, 0,
                                FIELDS({27, 16, 0x51}, {28, 16, 0x52}, {10, 4, 2}, {14, 4, 0}, {2, 8, 1},
                                       {1, 8, 64}, {152, 8, (uint64_t)T0 - 9}, {153, 8, (uint64_t)T0 - 8},
                                       {7, 2, 0}, {11, 2, 0x8000}, {5, 1, 0}, {4, 1, 58})),
                     1);
    expect_ends(flow(0), "2000::51", 0, "2000::52", 0x8000, FL_PROTO_ICMP6);
}

/* ---- YAF: a biflow by totals, reduced-size counters, TCP flags and a list at the end ---- */

enum { CERT = 6871 };
static const char yaf_list[] = "\x03\xc0\x03\x00\x0c\x00\x00\x00\x07\x00\x00\x00\x09";

static void test_yaf_biflow(void **state)
{
    (void)state;
    assert_int_equal(
        feed_ipfix(45841, 0,
                   FIELDS({152, 8, (uint64_t)T0 - 2500}, {153, 8, (uint64_t)T0 - 500}, {85, 4, 1300},
                          {85, 4, 52000, REVERSE}, {86, 4, 14}, {86, 4, 41, REVERSE},
                          {8, 4, IP4(128, 237, 1, 2)}, {12, 4, IP4(192, 0, 2, 80)}, {7, 2, 40404},
                          {11, 2, 443}, {40, 2, 0, CERT}, {16424, 2, 0, CERT}, {4, 1, 6}, {136, 1, 3},
                          {33, 2, 443, CERT}, {21, 4, 31, CERT}, {10, 4, 1}, {14, 4, 0}, {58, 2, 0},
                          {58, 2, 0, REVERSE}, {5, 1, 0}, {5, 1, 0x20, REVERSE}, {184, 4, 5},
                          {184, 4, 6, REVERSE}, {14, 1, 0x02, CERT}, {15, 1, 0x1b, CERT},
                          {16398, 1, 0x12, CERT}, {16399, 1, 0x1b, CERT},
                          {293, VARIABLE, sizeof yaf_list - 1, 0, yaf_list})),
        2);
    expect_ends(flow(0), "128.237.1.2", 40404, "192.0.2.80", 443, TCP);
    expect_counts(flow(0), 14, 1300);
    expect_span(flow(0), T0 - 2500, T0 - 500, FL_TIME_ABSOLUTE);
    expect_marks(flow(0), 0x1b, 0, FL_END_OF_FLOW, FL_EVENT_NONE);
    expect_ends(flow(1), "192.0.2.80", 443, "128.237.1.2", 40404, TCP);
    expect_counts(flow(1), 41, 52000);
    expect_span(flow(1), T0 - 2469, T0 - 500, FL_TIME_ABSOLUTE);
    expect_marks(flow(1), 0x1b, 0x20, FL_END_OF_FLOW, FL_EVENT_NONE);
}

/* A scan: one packet, no answer, and a template without the reverse. */
static void test_yaf_uniflow(void **state)
{
    (void)state;
    assert_int_equal(
        feed_ipfix(45840, 0,
                   FIELDS({152, 8, (uint64_t)T0 - 500}, {153, 8, (uint64_t)T0 - 500}, {85, 4, 40}, {86, 4, 1},
                          {8, 4, IP4(128, 237, 1, 2)}, {12, 4, IP4(192, 0, 2, 81)}, {7, 2, 40405},
                          {11, 2, 23}, {4, 1, 6}, {136, 1, 1}, {14, 1, 0x02, CERT}, {15, 1, 0, CERT})),
        1);
    expect_counts(flow(0), 1, 40);
    expect_marks(flow(0), 0x02, 0, FL_END_IDLE, FL_EVENT_NONE);
}

/* yaf's own statistics: options data and no flow. */
static void test_yaf_statistics(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(53248, 2,
                                FIELDS({149, 4, 0}, {144, 4, 99}, {160, 8, (uint64_t)T0 - 100000}, {42, 8, 5},
                                       {86, 8, 1000}, {135, 8, 0}, {164, 8, 0}, {101, 4, 9, CERT})),
                     0);
    expect_no_flow();
}

/* ---- nProbe ---- */

#define NPROBE                                                                                               \
    {8, 4, IP4(10, 3, 0, 1)}, {12, 4, IP4(10, 3, 0, 2)}, {15, 4, 0}, {10, 2, 0}, {14, 2, 0}, {2, 4, 10},     \
        {1, 4, 1000}, {24, 4, 20}, {23, 4, 20000}, {22, 4, 3590000}, {21, 4, 3599000}, {7, 2, 50000},        \
        {11, 2, 443}, {6, 1, 0x1b}, {4, 1, 6}, {5, 1, 0}, {16, 4, 0}, {17, 4, 0}, {9, 1, 0},                 \
    {                                                                                                        \
        13, 1, 0                                                                                             \
    }

/* ntop's elements count from 57472 in v9: 57590 is L7_PROTO. */
static void test_nprobe_v9(void **state)
{
    (void)state;
    static const char name[16] = "TLS.Google";
    assert_int_equal(feed_v9(UPTIME, 257, 0, FIELDS(NPROBE, {57590, 2, 91}, {57591, 16, 0, 0, name})), 2);
    expect_ends(flow(0), "10.3.0.1", 50000, "10.3.0.2", 443, TCP);
    expect_counts(flow(0), 10, 1000);
    expect_span(flow(0), T0 - 10000, T0 - 1000, FL_TIME_UPTIME);
    expect_ends(flow(1), "10.3.0.2", 443, "10.3.0.1", 50000, TCP);
    expect_counts(flow(1), 20, 20000);
}

static void test_nprobe_ipfix(void **state)
{
    (void)state;
    enum { NTOP = 35632 };
    assert_int_equal(
        feed_ipfix(257, 0,
                   FIELDS({152, 8, (uint64_t)T0 - 9000}, {153, 8, (uint64_t)T0 - 1000}, NPROBE,
                          {118, 2, 91, NTOP}, {180, VARIABLE, 10, NTOP, "google.com"}, {61, 1, 0})),
        2);
    expect_counts(flow(0), 10, 1000);
    expect_span(flow(0), T0 - 9000, T0 - 1000, FL_TIME_ABSOLUTE);
    expect_counts(flow(1), 20, 20000);
}

/* The registry's meaning holds for everyone else: the same packets after a middlebox. */
static void test_post_counters_of_ipfix_are_the_same_flow(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(257, 0, FIELDS({152, 8, (uint64_t)T0}, {153, 8, (uint64_t)T0}, NPROBE)), 1);
    expect_counts(flow(0), 10, 1000);
}

/* ---- softflowd ---- */

#define SOFTFLOWD                                                                                            \
    {8, 4, IP4(192, 168, 7, 1)}, {12, 4, IP4(192, 168, 7, 2)}, {21, 4, 3599000}, {22, 4, 3590000},           \
        {1, 4, 84}, {2, 4, 1}, {10, 4, 0}, {14, 4, 0}, {7, 2, 0}, {11, 2, 0x0800}, {4, 1, 1}, {6, 1, 0},     \
        {60, 1, 4},                                                                                          \
    {                                                                                                        \
        5, 1, 0                                                                                              \
    }

/* Its options name interface 0, which is also what its flows name. */
static void test_softflowd_v9(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 256, 1, FIELDS({2, 4, 0}, {34, 4, 100}, {35, 1, 1})), 0);
    assert_int_equal(feed_v9(UPTIME, 1024, 0, FIELDS(SOFTFLOWD)), 1);
    expect_ends(flow(0), "192.168.7.1", 0, "192.168.7.2", 0x0800, ICMP);
    expect_counts(flow(0), 1, 84);
    expect_span(flow(0), T0 - 10000, T0 - 1000, FL_TIME_UPTIME);
    expect_sampling(flow(0), 100, FL_SAMPLING_OPTIONS);
}

/* IPFIX: boot time and sampling in options data, uptimes in the flows; the first of them began at boot. */
static void test_softflowd_ipfix(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(256, 1,
                                FIELDS({143, 4, 2679}, {160, 8, (uint64_t)T0 - UPTIME}, {304, 2, 1},
                                       {305, 2, 1}, {306, 4, 0})),
                     0);
    assert_int_equal(
        feed_ipfix(1024, 0,
                   FIELDS({8, 4, IP4(192, 168, 7, 1)}, {12, 4, IP4(192, 168, 7, 2)}, {1, 4, 260}, {2, 4, 5},
                          {10, 4, 0}, {14, 4, 0}, {7, 2, 60560}, {11, 2, 22}, {4, 1, 6}, {6, 1, 16},
                          {60, 1, 4}, {5, 1, 0}, {32, 2, 0}, {58, 2, 0}, {22, 4, 0}, {21, 4, 3598000})),
        1);
    expect_ends(flow(0), "192.168.7.1", 60560, "192.168.7.2", 22, TCP);
    expect_counts(flow(0), 5, 260);
    expect_span(flow(0), T0 - UPTIME, T0 - 2000, FL_TIME_UPTIME);
    expect_sampling(flow(0), 1, FL_SAMPLING_OPTIONS);
}

/* ---- ipt-netflow ---- */

static void test_ipt_netflow_v9(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 256, 0,
                FIELDS({10, 2, 2}, {14, 2, 3}, {22, 4, 3580000}, {21, 4, 3595000}, {2, 4, 8}, {1, 4, 4096},
                       {8, 4, IP4(10, 44, 0, 1)}, {12, 4, IP4(10, 45, 0, 1)}, {15, 4, IP4(10, 44, 0, 254)},
                       {9, 1, 24}, {13, 1, 0}, {5, 1, 0}, {4, 1, 6}, {7, 2, 35000}, {11, 2, 25}, {6, 1, 0x1f},
                       {61, 1, 0}, {56, 6, 1}, {80, 6, 2}, {136, 1, 3})),
        1);
    expect_ends(flow(0), "10.44.0.1", 35000, "10.45.0.1", 25, TCP);
    expect_counts(flow(0), 8, 4096);
    expect_span(flow(0), T0 - 20000, T0 - 5000, FL_TIME_UPTIME);
    expect_marks(flow(0), 0x1f, 0, FL_END_OF_FLOW, FL_EVENT_NONE);
}

static void test_ipt_netflow_nat_events(void **state)
{
    (void)state;
    for (unsigned event = 1; event <= 2; event++)
        assert_int_equal(feed_v9(UPTIME, 257, 0,
                                 FIELDS({323, 8, (uint64_t)T0 - 3000 / event}, {8, 4, IP4(10, 44, 0, 1)},
                                        {225, 4, IP4(198, 51, 100, 1)}, {12, 4, IP4(203, 0, 113, 25)},
                                        {226, 4, IP4(203, 0, 113, 25)}, {7, 2, 35000}, {227, 2, 1024},
                                        {11, 2, 25}, {228, 2, 25}, {4, 1, 6}, {230, 1, event})),
                         1);
    for (size_t i = 0; i < 2; i++) {
        expect_ends(flow(i), "10.44.0.1", 35000, "203.0.113.25", 25, TCP);
        expect_translated(flow(i), "198.51.100.1", 1024, "203.0.113.25", 25);
        expect_counts(flow(i), 0, 0);
    }
    expect_span(flow(0), T0 - 3000, T0 - 3000, FL_TIME_ABSOLUTE);
    expect_span(flow(1), T0 - 1500, T0 - 1500, FL_TIME_ABSOLUTE);
    assert_int_equal(flow(0)->event, FL_EVENT_CREATED);
    assert_int_equal(flow(1)->event, FL_EVENT_DELETED);
}

/* Its IPFIX form of Ethernet traffic without IP. */
static void test_ipt_netflow_ethernet(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(258, 0,
                                FIELDS({56, 6, 1}, {80, 6, 2}, {256, 2, 0x88cc}, {58, 2, 0}, {2, 4, 1},
                                       {1, 4, 60}, {152, 8, (uint64_t)T0}, {153, 8, (uint64_t)T0})),
                     0);
    expect_no_flow();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_pflow_v5),
        T(test_pflow_ipfix),
        T(test_pflow_ipfix_ipv6),
        T(test_yaf_biflow),
        T(test_yaf_uniflow),
        T(test_yaf_statistics),
        T(test_nprobe_v9),
        T(test_nprobe_ipfix),
        T(test_post_counters_of_ipfix_are_the_same_flow),
        T(test_softflowd_v9),
        T(test_softflowd_ipfix),
        T(test_ipt_netflow_v9),
        T(test_ipt_netflow_nat_events),
        T(test_ipt_netflow_ethernet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
