/* Routers of other vendors: datagrams laid out as each of them sends them, and what must come of them. */
#include "tests/collector/decode/fields.h"

enum { UPTIME = 3600000, SYSTEM = 1, ICMP = FL_PROTO_ICMP, TCP = FL_PROTO_TCP, UDP = FL_PROTO_UDP };

static const struct fl_flow *flow(size_t i)
{
    assert_true(caught.n > i);
    return &caught.flows[i];
}

/* ---- Juniper ---- */

/* MX, inline jflow by IPFIX: options data with the sampling rate and timeouts, then a flow. The boot time in
 * them is that of a line card whose clock was not set. */
#define JUNOS_OPTIONS                                                                                        \
    {144, 4, 2}, {41, 8, 76}, {42, 8, 76}, {160, 8, 1262761598000}, {130, 4, IP4(10, 0, 0, 1)},              \
        {131, 16, 0}, {34, 4, 1000}, {36, 2, 60}, {37, 2, 15}, {214, 1, 10},                                 \
    {                                                                                                        \
        215, 1, 17                                                                                           \
    }

static void test_junos_inline_ipfix(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(512, 1, FIELDS(JUNOS_OPTIONS)), 0);
    assert_int_equal(
        feed_ipfix(256, 0,
                   FIELDS({8, 4, IP4(100, 64, 1, 2)}, {12, 4, IP4(203, 0, 113, 5)}, {5, 1, 0x10}, {4, 1, 6},
                          {7, 2, 33000}, {11, 2, 179}, {32, 2, 0}, {10, 4, 531}, {58, 2, 100}, {9, 1, 24},
                          {13, 1, 20}, {16, 4, 64500}, {17, 4, 64501}, {15, 4, IP4(203, 0, 113, 1)},
                          {6, 1, 0x18}, {14, 4, 540}, {1, 8, 88000}, {2, 8, 61}, {52, 1, 63}, {53, 1, 64},
                          {152, 8, (uint64_t)T0 - 61000}, {153, 8, (uint64_t)T0 - 1000}, {136, 1, 2},
                          {243, 2, 100}, {245, 2, 0})),
        1);
    expect_ends(flow(0), "100.64.1.2", 33000, "203.0.113.5", 179, TCP);
    expect_counts(flow(0), 61, 88000);
    expect_span(flow(0), T0 - 61000, T0 - 1000, FL_TIME_ABSOLUTE);
    expect_interfaces(flow(0), 531, 540, FL_DIRECTION_UNKNOWN);
    expect_marks(flow(0), 0x18, 0x10, FL_END_ACTIVE, FL_EVENT_NONE);
    expect_sampling(flow(0), 1000, FL_SAMPLING_OPTIONS);
    assert_int_equal(stats_of().sampling_told, 1000);
}

/* ICMP: type and code joined in 32, ports zero; flowDirection 255 when it is not known. */
static void test_junos_icmp(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(257, 0,
                                FIELDS({8, 4, IP4(100, 64, 1, 2)}, {12, 4, IP4(100, 64, 1, 3)}, {4, 1, 1},
                                       {7, 2, 0}, {11, 2, 0}, {32, 2, 0x030a}, {61, 1, 255}, {1, 8, 56},
                                       {2, 8, 1}, {152, 8, (uint64_t)T0}, {153, 8, (uint64_t)T0})),
                     1);
    expect_ends(flow(0), "100.64.1.2", 0, "100.64.1.3", 0x030a, ICMP);
    expect_interfaces(flow(0), 0, 0, FL_DIRECTION_UNKNOWN);
}

static void test_junos_inline_v9(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 576, 1,
                             FIELDS({SYSTEM, 0}, {36, 2, 60}, {37, 2, 30}, {34, 4, 100}, {35, 1, 2},
                                    {42, 4, 9}, {41, 4, 3})),
                     0);
    assert_int_equal(
        feed_v9(UPTIME, 320, 0,
                FIELDS({8, 4, IP4(100, 64, 1, 2)}, {12, 4, IP4(203, 0, 113, 5)}, {5, 1, 0}, {4, 1, 17},
                       {7, 2, 5060}, {11, 2, 5060}, {32, 2, 0}, {10, 4, 531}, {9, 1, 24}, {13, 1, 0},
                       {16, 4, 0}, {17, 4, 0}, {15, 4, 0}, {6, 1, 0}, {14, 4, 0}, {1, 8, 4000}, {2, 8, 8},
                       {22, 4, 3540000}, {21, 4, 3597000}, {61, 1, 0})),
        1);
    expect_ends(flow(0), "100.64.1.2", 5060, "203.0.113.5", 5060, UDP);
    expect_counts(flow(0), 8, 4000);
    expect_span(flow(0), T0 - 60000, T0 - 3000, FL_TIME_UPTIME);
    expect_sampling(flow(0), 100, FL_SAMPLING_OPTIONS);
}

/* SRX, IPv6 by v9. */
static void test_srx_v9_ipv6(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 321, 0,
                             FIELDS({27, 16, 0x11}, {28, 16, 0x12}, {5, 1, 0}, {4, 1, 58}, {7, 2, 0},
                                    {11, 2, 0}, {139, 2, 0x8100}, {10, 4, 70}, {14, 4, 71}, {1, 4, 104},
                                    {2, 4, 1}, {22, 4, 3599000}, {21, 4, 3599000}, {63, 16, 0}, {6, 1, 0})),
                     1);
    expect_ends(flow(0), "2000::11", 0, "2000::12", 0x8100, FL_PROTO_ICMP6);
    expect_interfaces(flow(0), 70, 71, FL_DIRECTION_UNKNOWN);
}

/* ---- Huawei NetStream ---- */

/* 232 is not the registry's responderOctets there. */
static void test_huawei_netstream(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 1315, 0,
                FIELDS({8, 4, IP4(10, 108, 0, 53)}, {12, 4, IP4(10, 111, 0, 1)}, {15, 4, IP4(10, 108, 9, 1)},
                       {2, 4, 4}, {1, 4, 200}, {22, 4, 3570000}, {21, 4, 3598000}, {18, 4, 0}, {10, 2, 8},
                       {14, 2, 31}, {7, 2, 45587}, {11, 2, 2598}, {16, 2, 0}, {17, 2, 0}, {58, 2, 0},
                       {59, 2, 0}, {232, 2, 513}, {6, 1, 24}, {4, 1, 6}, {5, 1, 0xa0}, {9, 1, 24},
                       {13, 1, 25}, {61, 1, 1}, {89, 1, 0}, {210, 3, 0})),
        1);
    expect_ends(flow(0), "10.108.0.53", 45587, "10.111.0.1", 2598, TCP);
    expect_counts(flow(0), 4, 200);
    expect_span(flow(0), T0 - 30000, T0 - 2000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 8, 31, FL_DIRECTION_EGRESS);
    expect_marks(flow(0), 24, 0xa0, FL_END_UNKNOWN, FL_EVENT_NONE);
}

static void test_huawei_netstream_sampler(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 1280, 1, FIELDS({SYSTEM, 4, 0}, {48, 1, 1}, {49, 1, 1}, {50, 2, 500})),
                     0);
    assert_int_equal(
        feed_v9(UPTIME, 1316, 0,
                FIELDS({8, 4, 1}, {12, 4, 2}, {2, 4, 1}, {1, 4, 40}, {22, 4, 3598000}, {21, 4, 3598000})),
        1);
    expect_sampling(flow(0), 500, FL_SAMPLING_OPTIONS);
}

/* ---- H3C: sampling in the record, element 0 of one byte among the others ---- */

static void test_h3c(void **state)
{
    (void)state;
    for (unsigned interval = 0; interval <= 128; interval += 128)
        assert_int_equal(
            feed_v9(UPTIME, 3281, 0,
                    FIELDS({2, 8, 697}, {1, 8, 1027087}, {22, 4, 3510158}, {21, 4, 3599677}, {10, 4, 2662},
                           {14, 4, 1590}, {8, 4, IP4(10, 22, 168, 1)}, {12, 4, IP4(10, 22, 165, 21)},
                           {15, 4, IP4(10, 22, 162, 110)}, {16, 4, 0}, {17, 4, 0}, {7, 2, 0}, {11, 2, 0},
                           {60, 1, 4}, {6, 1, 0}, {4, 1, 6}, {5, 1, 0}, {9, 1, 24}, {13, 1, 24}, {61, 1, 0},
                           {89, 1, 0}, {43, 2, 0}, {35, 1, 1}, {0, 1, 7}, {34, 4, interval},
                           {93, 4, UINT32_MAX}, {92, 4, 0})),
            1);
    for (size_t i = 0; i < 2; i++) {
        expect_ends(flow(i), "10.22.168.1", 0, "10.22.165.21", 0, TCP);
        expect_counts(flow(i), 697, 1027087);
        expect_span(flow(i), T0 - 89842, T0 - 323, FL_TIME_UPTIME);
        expect_interfaces(flow(i), 2662, 1590, FL_DIRECTION_INGRESS);
    }
    expect_sampling(flow(0), 1, FL_SAMPLING_NONE);
    expect_sampling(flow(1), 128, FL_SAMPLING_RECORD);
}

/* ---- Nokia SR ---- */

static void test_nokia_cflowd_ipfix(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 1, FIELDS({144, 4, 1}, {305, 4, 2000}, {304, 2, 1})), 0);
    assert_int_equal(
        feed_ipfix(256, 0,
                   FIELDS({8, 4, IP4(10, 77, 0, 1)}, {12, 4, IP4(10, 78, 0, 1)}, {15, 4, IP4(10, 70, 0, 1)},
                          {18, 4, 0}, {10, 4, 2}, {14, 4, 5}, {2, 8, 12}, {1, 8, 9000},
                          {152, 8, (uint64_t)T0 - 30000}, {153, 8, (uint64_t)T0 - 2000}, {7, 2, 1029},
                          {11, 2, 22}, {60, 1, 4}, {4, 1, 6}, {6, 1, 0x1f}, {5, 1, 8}, {16, 4, 1}, {17, 4, 2},
                          {9, 1, 24}, {13, 1, 24}, {136, 1, 1}, {58, 2, 5}, {61, 1, 0}, {32, 2, 0},
                          {210, 1, 0})),
        1);
    expect_ends(flow(0), "10.77.0.1", 1029, "10.78.0.1", 22, TCP);
    expect_counts(flow(0), 12, 9000);
    expect_span(flow(0), T0 - 30000, T0 - 2000, FL_TIME_ABSOLUTE);
    expect_marks(flow(0), 0x1f, 8, FL_END_IDLE, FL_EVENT_NONE);
    expect_sampling(flow(0), 2000, FL_SAMPLING_OPTIONS);
}

/* Large-scale NAT of a BRAS: a record as a session is made, with only its start, and one as it ends. Which
 * block of ports it got stands in strings of Nokia's own. */
static void test_nokia_nat_sessions(void **state)
{
    (void)state;
    enum { NOKIA = 637 };
    static const char block[] = "USR101 10.10.10.123";
    assert_int_equal(
        feed_ipfix(256, 0,
                   FIELDS({148, 8, 3389049088}, {8, 4, IP4(10, 0, 1, 228)}, {12, 4, IP4(10, 0, 0, 34)},
                          {7, 2, 5878}, {11, 2, 80}, {152, 8, (uint64_t)T0 - 148}, {4, 1, 6}, {210, 1, 0},
                          {91, 2, 100, NOKIA}, {92, 2, 0, NOKIA}, {210, 1, 0},
                          {93, VARIABLE, 19, NOKIA, block})),
        1);
    assert_int_equal(
        feed_ipfix(257, 0,
                   FIELDS({148, 8, 3389049088}, {8, 4, IP4(10, 0, 1, 228)}, {12, 4, IP4(10, 0, 0, 34)},
                          {7, 2, 5878}, {11, 2, 80}, {153, 8, (uint64_t)T0 - 48}, {4, 1, 6}, {136, 1, 3},
                          {91, 2, 100, NOKIA}, {92, 2, 0, NOKIA}, {210, 1, 0},
                          {93, VARIABLE, 19, NOKIA, block})),
        1);
    for (size_t i = 0; i < 2; i++) {
        expect_ends(flow(i), "10.0.1.228", 5878, "10.0.0.34", 80, TCP);
        expect_counts(flow(i), 0, 0);
    }
    expect_span(flow(0), T0 - 148, T0 - 148, FL_TIME_ABSOLUTE);
    expect_span(flow(1), T0 - 48, T0 - 48, FL_TIME_ABSOLUTE);
    assert_int_equal(flow(1)->end_reason, FL_END_OF_FLOW);
}

/* ---- Mikrotik ---- */

static void test_mikrotik_v9(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 256, 0,
                FIELDS({21, 4, 3595000}, {22, 4, 3590000}, {2, 4, 6}, {1, 4, 640}, {10, 4, 2}, {14, 4, 1},
                       {8, 4, IP4(192, 168, 88, 10)}, {12, 4, IP4(1, 1, 1, 1)}, {4, 1, 17}, {5, 1, 0},
                       {7, 2, 50505}, {11, 2, 53}, {15, 4, IP4(203, 0, 113, 1)}, {13, 1, 0}, {9, 1, 24},
                       {6, 1, 0}, {80, 6, 1}, {56, 6, 2}, {225, 4, IP4(203, 0, 113, 2)},
                       {226, 4, IP4(1, 1, 1, 1)}, {227, 2, 50505}, {228, 2, 53})),
        1);
    expect_ends(flow(0), "192.168.88.10", 50505, "1.1.1.1", 53, UDP);
    expect_translated(flow(0), "203.0.113.2", 50505, "1.1.1.1", 53);
    expect_counts(flow(0), 6, 640);
    expect_span(flow(0), T0 - 10000, T0 - 5000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 2, 1, FL_DIRECTION_UNKNOWN);
}

#define MIKROTIK_IPFIX                                                                                       \
    {60, 1, 4}, {22, 4, 3590000}, {21, 4, 3595000}, {2, 4, 2}, {1, 4, 152}, {7, 2, 123}, {11, 2, 123},       \
        {10, 4, 13}, {14, 4, 7}, {4, 1, 17}, {6, 1, 0}, {8, 4, IP4(10, 10, 8, 197)},                         \
        {12, 4, IP4(192, 168, 128, 17)}, {15, 4, IP4(192, 168, 224, 1)}, {225, 4, IP4(192, 168, 230, 216)},  \
    {                                                                                                        \
        226, 4, IP4(192, 168, 128, 17)                                                                       \
    }

/* RouterOS 6: uptimes, and nothing that says when it booted. */
static void test_mikrotik_ipfix_without_boot_time(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(258, 0, FIELDS(MIKROTIK_IPFIX)), 1);
    expect_ends(flow(0), "10.10.8.197", 123, "192.168.128.17", 123, UDP);
    expect_translated(flow(0), "192.168.230.216", 0, "192.168.128.17", 0);
    expect_counts(flow(0), 2, 152);
    expect_span(flow(0), T0 + 700, T0 + 700, FL_TIME_RECEIVED);
    expect_interfaces(flow(0), 13, 7, FL_DIRECTION_UNKNOWN);
}

/* RouterOS 7 adds it, and much more. */
static void test_mikrotik_ipfix_with_boot_time(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(258, 0,
                                FIELDS(MIKROTIK_IPFIX, {160, 8, (uint64_t)T0 - UPTIME}, {227, 2, 123},
                                       {228, 2, 123}, {80, 6, 1}, {206, 1, 0}, {224, 4, 76}, {192, 1, 63},
                                       {33, 1, 0}, {176, 1, 0}, {177, 1, 0}, {184, 4, 0}, {186, 2, 0})),
                     1);
    expect_span(flow(0), T0 - 10000, T0 - 5000, FL_TIME_UPTIME);
    expect_translated(flow(0), "192.168.230.216", 123, "192.168.128.17", 123);
}

/* ---- Ubiquiti EdgeRouter: pmacct's v9 ---- */

static void test_ubiquiti_edgerouter(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 1024, 0,
                FIELDS({21, 4, 3599000}, {22, 4, 3540000}, {1, 4, 70000}, {2, 4, 100}, {60, 1, 4}, {10, 4, 3},
                       {14, 4, 2}, {61, 1, 0}, {8, 4, IP4(192, 168, 1, 5)}, {12, 4, IP4(203, 0, 113, 77)},
                       {5, 1, 0}, {7, 2, 41000}, {11, 2, 443}, {6, 1, 0x1b}, {4, 1, 6}, {16, 4, 0},
                       {17, 4, 0}, {34, 4, 0})),
        1);
    expect_ends(flow(0), "192.168.1.5", 41000, "203.0.113.77", 443, TCP);
    expect_counts(flow(0), 100, 70000);
    expect_span(flow(0), T0 - 60000, T0 - 1000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 3, 2, FL_DIRECTION_INGRESS);
    expect_sampling(flow(0), 1, FL_SAMPLING_NONE);
}

/* ---- Viptela: vEdge's cflowd, totals in seconds ---- */

static void test_viptela_vedge(void **state)
{
    (void)state;
    enum { VIPTELA = 41916 };
    assert_int_equal(
        feed_ipfix(256, 0,
                   FIELDS({4321, 4, 10, VIPTELA}, {8, 4, IP4(10, 50, 1, 1)}, {12, 4, IP4(10, 51, 1, 1)},
                          {5, 1, 0}, {7, 2, 45454}, {11, 2, 1433}, {4, 1, 6}, {6, 1, 0x1b}, {32, 2, 0},
                          {15, 4, 0}, {25, 8, 40}, {26, 8, 1400}, {150, 4, EXPORT_S - 30},
                          {151, 4, EXPORT_S - 1}, {10, 4, 6}, {14, 4, 7}, {85, 8, 24000}, {86, 8, 30},
                          {136, 1, 3}, {196, 1, 0}, {210, 2, 0})),
        1);
    expect_ends(flow(0), "10.50.1.1", 45454, "10.51.1.1", 1433, TCP);
    expect_counts(flow(0), 30, 24000);
    expect_span(flow(0), T0 - 30000, T0 - 1000, FL_TIME_ABSOLUTE);
    expect_interfaces(flow(0), 6, 7, FL_DIRECTION_UNKNOWN);
    expect_marks(flow(0), 0x1b, 0, FL_END_OF_FLOW, FL_EVENT_NONE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_junos_inline_ipfix),
        T(test_junos_icmp),
        T(test_junos_inline_v9),
        T(test_srx_v9_ipv6),
        T(test_huawei_netstream),
        T(test_huawei_netstream_sampler),
        T(test_h3c),
        T(test_nokia_cflowd_ipfix),
        T(test_nokia_nat_sessions),
        T(test_mikrotik_v9),
        T(test_mikrotik_ipfix_without_boot_time),
        T(test_mikrotik_ipfix_with_boot_time),
        T(test_ubiquiti_edgerouter),
        T(test_viptela_vedge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
