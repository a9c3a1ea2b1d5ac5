/* Cisco's exporters: datagrams laid out as each of them sends them, and what must come of them. Where records
 * are not flows, that they cost nothing. */
#include "tests/collector/decode/fields.h"

enum {
    UPTIME = 3600000,
    SYSTEM = 1,
    CISCO = 9,
    ICMP = FL_PROTO_ICMP,
    TCP = FL_PROTO_TCP,
    UDP = FL_PROTO_UDP
};

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

/* ---- IOS, NetFlow v5: fields that flows are not made of are filled in too ---- */

static void v5(uint32_t src, uint32_t dst, unsigned src_port, unsigned dst_port, unsigned flags_protocol_tos)
{
    put(&w, src, 4);
    put(&w, dst, 4);
    put(&w, IP4(10, 255, 0, 1), 4); /* next hop */
    put(&w, 12, 2);
    put(&w, 23, 2);
    put(&w, 7, 4);
    put(&w, 4200, 4);
    put(&w, 3540000, 4);
    put(&w, 3595500, 4);
    put(&w, src_port, 2);
    put(&w, dst_port, 2);
    put(&w, flags_protocol_tos, 4); /* pad, flags, protocol, class */
    put(&w, 64512, 2);
    put(&w, 64513, 2);
    put(&w, 24 << 8 | 16, 2);
    put(&w, 0, 2);
}

static void test_ios_v5(void **state)
{
    (void)state;
    v5_header(&w, 2, UPTIME, T0 + 250, 0, 1 << 14 | 64);
    v5(IP4(10, 1, 1, 9), IP4(172, 16, 3, 4), 51515, 443, 0x001b0628);
    v5(IP4(10, 1, 1, 9), IP4(172, 16, 3, 4), 0, 0x0800, 0x00000100);
    assert_int_equal(feed_at(decoder, &w, T0 + 700), 2);
    expect_ends(flow(0), "10.1.1.9", 51515, "172.16.3.4", 443, TCP);
    expect_counts(flow(0), 7, 4200);
    expect_span(flow(0), T0 - 59750, T0 - 4250, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 12, 23, FL_DIRECTION_UNKNOWN);
    expect_marks(flow(0), 0x1b, 0x28, FL_END_UNKNOWN, FL_EVENT_NONE);
    expect_sampling(flow(0), 64, FL_SAMPLING_HEADER);
    expect_translated(flow(0), "::", 0, "::", 0);
    assert_int_equal(flow(0)->domain, 7);
    expect_ends(flow(1), "10.1.1.9", 0, "172.16.3.4", 0x0800, ICMP);
}

/* ---- IOS, NetFlow v9, its traditional template ---- */

static void test_ios_v9(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 256, 0,
                FIELDS({21, 4, 3599000}, {22, 4, 3590000}, {1, 4, 1500}, {2, 4, 10}, {10, 2, 1}, {14, 2, 2},
                       {8, 4, IP4(192, 168, 10, 5)}, {12, 4, IP4(8, 8, 4, 4)}, {4, 1, 17}, {5, 1, 0xc0},
                       {7, 2, 5353}, {11, 2, 53}, {48, 1, 0}, {51, 1, 0}, {15, 4, IP4(192, 168, 0, 1)},
                       {13, 1, 0}, {9, 1, 24}, {6, 1, 0}, {16, 2, 0}, {17, 2, 15169}, {61, 1, 0})),
        1);
    expect_ends(flow(0), "192.168.10.5", 5353, "8.8.4.4", 53, UDP);
    expect_counts(flow(0), 10, 1500);
    expect_span(flow(0), T0 - 10000, T0 - 1000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 1, 2, FL_DIRECTION_INGRESS);
    expect_marks(flow(0), 0, 0xc0, FL_END_UNKNOWN, FL_EVENT_NONE);
    expect_sampling(flow(0), 1, FL_SAMPLING_NONE);
}

/* Egress accounting: the counters are those of what left. */
static void test_ios_v9_egress(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 257, 0,
                FIELDS({21, 4, 3599000}, {22, 4, 3590000}, {23, 4, 9000}, {24, 4, 6}, {10, 2, 5}, {14, 2, 6},
                       {8, 4, IP4(10, 0, 0, 1)}, {12, 4, IP4(10, 0, 9, 9)}, {4, 1, 6}, {55, 1, 0x20},
                       {7, 2, 80}, {11, 2, 40123}, {6, 1, 0x18}, {61, 1, 1})),
        1);
    expect_counts(flow(0), 6, 9000);
    expect_interfaces(flow(0), 5, 6, FL_DIRECTION_EGRESS);
    expect_marks(flow(0), 0x18, 0x20, FL_END_UNKNOWN, FL_EVENT_NONE);
}

static void test_ios_v9_ipv6(void **state)
{
    (void)state;
    static const char src[] = "\x20\x01\x0d\xb8\0\1\0\0\0\0\0\0\0\0\0\x09", any[16] = "";
    static const char dst[] = "\x20\x01\x0d\xb8\0\2\0\0\0\0\0\0\0\0\0\x35";
    assert_int_equal(
        feed_v9(UPTIME, 258, 0,
                FIELDS({27, 16, 0, 0, src}, {28, 16, 0, 0, dst}, {62, 16, 0, 0, any}, {31, 3, 7}, {29, 1, 64},
                       {30, 1, 48}, {7, 2, 40000}, {11, 2, 853}, {4, 1, 6}, {6, 1, 2}, {5, 1, 0}, {10, 4, 3},
                       {14, 4, 4}, {1, 4, 80}, {2, 4, 1}, {22, 4, 3598000}, {21, 4, 3598000}, {64, 4, 0})),
        1);
    expect_ends(flow(0), "2001:db8:1::9", 40000, "2001:db8:2::35", 853, TCP);
    expect_counts(flow(0), 1, 80);
    expect_span(flow(0), T0 - 2000, T0 - 2000, FL_TIME_UPTIME);
}

/* The sampler table of `flow-sampler`: number, mode, interval, name. */
static void test_ios_v9_sampler(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 260, 1,
                             FIELDS({SYSTEM, 4, 0}, {48, 1, 2}, {49, 1, 2}, {50, 4, 250},
                                    {84, 16, 0, 0, "EDGE-250\0\0\0\0\0\0\0\0"})),
                     0);
    assert_int_equal(feed_v9(UPTIME, 256, 0,
                             FIELDS({8, 4, IP4(10, 0, 0, 1)}, {12, 4, IP4(10, 0, 0, 2)}, {48, 1, 2},
                                    {2, 4, 1}, {1, 4, 40}, {22, 4, 3599000}, {21, 4, 3599000})),
                     1);
    expect_sampling(flow(0), 250, FL_SAMPLING_OPTIONS);
}

/* ---- IOS XE, flexible NetFlow by IPFIX ---- */

static void test_ios_xe_flexible(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(263, 1,
                                FIELDS({144, 4, 6}, {302, 4, 3}, {304, 2, 3}, {305, 4, 1}, {309, 4, 1},
                                       {310, 4, 1000}, {335, VARIABLE, 6, 0, "RANDOM"})),
                     0);
    assert_int_equal(
        feed_ipfix(256, 0,
                   FIELDS({8, 4, IP4(10, 20, 0, 7)}, {12, 4, IP4(203, 0, 113, 8)}, {7, 2, 49152},
                          {11, 2, 443}, {4, 1, 6}, {5, 1, 0}, {10, 4, 8}, {14, 4, 9}, {61, 1, 0},
                          {6, 2, 0x1a}, {1, 8, 123456}, {2, 8, 99}, {152, 8, (uint64_t)T0 - 60000},
                          {153, 8, (uint64_t)T0 - 500}, {136, 1, 2}, {95, 4, 0x0d0001c5}, {302, 4, 3},
                          {89, 1, 64}, {234, 4, 0}, {235, 4, 0}, {56, 6, 0x0a0b0c}, {58, 2, 20})),
        1);
    expect_ends(flow(0), "10.20.0.7", 49152, "203.0.113.8", 443, TCP);
    expect_counts(flow(0), 99, 123456);
    expect_span(flow(0), T0 - 60000, T0 - 500, FL_TIME_ABSOLUTE);
    expect_interfaces(flow(0), 8, 9, FL_DIRECTION_INGRESS);
    expect_marks(flow(0), 0x1a, 0, FL_END_ACTIVE, FL_EVENT_NONE);
    expect_sampling(flow(0), 1000, FL_SAMPLING_OPTIONS);
}

/* AVC (also Viptela's cEdge): client and server for source and destination, initiator's and responder's
 * counters, biflowDirection 1. */
static void test_avc_client_and_server(void **state)
{
    (void)state;
    assert_int_equal(
        feed_ipfix(270, 0,
                   FIELDS({60, 1, 4}, {4, 1, 6}, {95, 4, 0x0d0001c5}, {12236, 4, IP4(10, 9, 8, 7), CISCO},
                          {12237, 4, IP4(198, 18, 0, 1), CISCO}, {12241, 2, 443, CISCO}, {10, 4, 1},
                          {14, 4, 2}, {239, 1, 1}, {231, 8, 900}, {232, 8, 64000}, {298, 8, 9}, {299, 8, 50},
                          {278, 4, 1}, {152, 8, (uint64_t)T0 - 8000}, {153, 8, (uint64_t)T0 - 1000},
                          {9313, 4, 17, CISCO}, {12432, 4, 77, CISCO}, {12235, VARIABLE, 5, CISCO, "a.b.c"})),
        2);
    expect_ends(flow(0), "10.9.8.7", 0, "198.18.0.1", 443, TCP);
    expect_counts(flow(0), 9, 900);
    expect_ends(flow(1), "198.18.0.1", 443, "10.9.8.7", 0, TCP);
    expect_counts(flow(1), 50, 64000);
    expect_interfaces(flow(1), 2, 1, FL_DIRECTION_UNKNOWN);
}

static void test_avc_by_v9(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 270, 0,
                FIELDS({45004, 4, IP4(10, 9, 8, 7)}, {45005, 4, IP4(198, 18, 0, 1)}, {45008, 2, 50001},
                       {45009, 2, 8443}, {4, 1, 6}, {231, 8, 900}, {232, 8, 64000}, {298, 4, 9}, {299, 4, 50},
                       {22, 4, 3590000}, {21, 4, 3599000}, {42081, 4, 5})),
        2);
    expect_ends(flow(0), "10.9.8.7", 50001, "198.18.0.1", 8443, TCP);
    expect_counts(flow(1), 50, 64000);
}

/* The application table: names of what NBAR recognises. No flows, no sampling, no harm. */
static void test_nbar_application_table(void **state)
{
    (void)state;
    static const char name[24] = "http", text[55] = "World Wide Web traffic";
    assert_int_equal(
        feed_v9(UPTIME, 260, 1,
                FIELDS({SYSTEM, 4, 0}, {95, 4, 0x03000050}, {96, 24, 0, 0, name}, {94, 55, 0, 0, text})),
        0);
    expect_no_flow();
    assert_int_equal(feed_v9(UPTIME, 262, 0,
                             FIELDS({8, 4, IP4(10, 0, 0, 1)}, {12, 4, IP4(10, 0, 0, 2)}, {95, 4, 0x03000050},
                                    {10, 4, 1}, {14, 4, 2}, {7, 2, 40000}, {11, 2, 80}, {61, 1, 0}, {5, 1, 0},
                                    {4, 1, 6}, {195, 1, 0}, {182, 2, 40000}, {181, 2, 0}, {48, 4, 0},
                                    {1, 4, 500}, {2, 4, 5}, {22, 4, 3599000}, {21, 4, 3599500}, {54, 4, 7})),
                     1);
    expect_ends(flow(0), "10.0.0.1", 40000, "10.0.0.2", 80, TCP);
    expect_counts(flow(0), 5, 500);
    expect_sampling(flow(0), 1, FL_SAMPLING_NONE);
}

/* ---- IOS XR on ASR 9000: sampler table, interface table, flows that name their sampler in two bytes ---- */

static void test_ios_xr(void **state)
{
    (void)state;
    static const char interface[64] = "TenGigE0_0_1_0", map[32] = "SM-2048";
    assert_int_equal(
        feed_v9(UPTIME, 256, 1, FIELDS({SYSTEM, 4, 0x0a0a0a0a}, {10, 4, 74}, {83, 64, 0, 0, interface})), 0);
    assert_int_equal(
        feed_v9(UPTIME, 257, 1,
                FIELDS({SYSTEM, 4, 0x0a0a0a0a}, {48, 2, 1}, {49, 1, 2}, {50, 4, 2048}, {84, 32, 0, 0, map})),
        0);
    assert_int_equal(
        feed_v9(UPTIME, 260, 0,
                FIELDS({2, 4, 3}, {1, 4, 180}, {8, 4, IP4(10, 0, 17, 34)}, {12, 4, IP4(10, 0, 38, 241)},
                       {10, 4, 110}, {14, 4, 158}, {21, 4, 3598000}, {22, 4, 3590000}, {7, 2, 54017},
                       {11, 2, 443}, {16, 4, 0}, {17, 4, 64496}, {18, 4, IP4(10, 0, 22, 1)}, {9, 1, 16},
                       {13, 1, 20}, {4, 1, 6}, {6, 1, 16}, {5, 1, 0}, {61, 1, 1}, {89, 1, 64}, {48, 2, 1},
                       {234, 4, 0x60000000}, {235, 4, 0x60000000})),
        1);
    expect_ends(flow(0), "10.0.17.34", 54017, "10.0.38.241", 443, TCP);
    expect_counts(flow(0), 3, 180);
    expect_span(flow(0), T0 - 10000, T0 - 2000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 110, 158, FL_DIRECTION_EGRESS);
    expect_sampling(flow(0), 2048, FL_SAMPLING_OPTIONS);
}

/* MPLS records of IOS XR carry both families, one of them zero. */
static void test_ios_xr_mpls_with_both_families(void **state)
{
    (void)state;
    static const char none[16] = "";
    assert_int_equal(
        feed_v9(UPTIME, 313, 0,
                FIELDS({70, 3, 0x3ec101}, {71, 3, 0}, {10, 4, 143}, {14, 4, 142}, {1, 4, 60}, {2, 4, 1},
                       {21, 4, 3590000}, {22, 4, 3590000}, {47, 4, 1}, {140, 16, 0, 0, none},
                       {27, 16, 0, 0, none}, {28, 16, 0, 0, none}, {31, 3, 0}, {91, 1, 32}, {64, 4, 0},
                       {8, 4, IP4(10, 7, 0, 5)}, {12, 4, IP4(10, 7, 0, 65)}, {7, 2, 10000}, {11, 2, 58779},
                       {46, 1, 0}, {89, 1, 64}, {61, 1, 0}, {5, 1, 0}, {4, 1, 6}, {6, 1, 16}, {48, 2, 1})),
        1);
    expect_ends(flow(0), "10.7.0.5", 10000, "10.7.0.65", 58779, TCP);
    expect_counts(flow(0), 1, 60);
}

/* ---- ASA, NSEL ---- */

/* Before 8.4: its own numbers for translation and event, one counter for the whole connection. */
#define ASA_OLD(event, bytes)                                                                                \
    {148, 4, 8500}, {8, 4, IP4(192, 168, 23, 1)}, {7, 2, 52000}, {10, 2, 3}, {12, 4, IP4(203, 0, 113, 80)},  \
        {11, 2, 443}, {14, 2, 2}, {4, 1, 6}, {176, 1, 0}, {177, 1, 0}, {40001, 4, IP4(198, 51, 100, 4)},     \
        {40002, 4, IP4(203, 0, 113, 80)}, {40003, 2, 61000}, {40004, 2, 443}, {40005, 1, event},             \
        {33002, 2, 2025}, {323, 8, (uint64_t)T0 - 100}, {85, 4, bytes}, {152, 8, (uint64_t)T0 - 9000},       \
        {33000, 12, 0}, {33001, 12, 0},                                                                      \
    {                                                                                                        \
        40000, 20, 0                                                                                         \
    }

static void test_asa_before_8_4(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 265, 0, FIELDS(ASA_OLD(2, 5600))), 1);
    expect_ends(flow(0), "192.168.23.1", 52000, "203.0.113.80", 443, TCP);
    expect_translated(flow(0), "198.51.100.4", 61000, "203.0.113.80", 443);
    expect_counts(flow(0), 0, 5600);
    expect_span(flow(0), T0 - 9000, T0 - 100, FL_TIME_ABSOLUTE);
    expect_interfaces(flow(0), 3, 2, FL_DIRECTION_UNKNOWN);
    expect_marks(flow(0), 0, 0, FL_END_UNKNOWN, FL_EVENT_DELETED);
}

/* A ping: the ports are its number, type and code stand in elements of their own, all zero for the reply. */
static void test_asa_ping(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 263, 0,
                             FIELDS({8, 4, IP4(192, 168, 14, 1)}, {7, 2, 0}, {12, 4, IP4(192, 168, 2, 2)},
                                    {11, 2, 17549}, {4, 1, 1}, {176, 1, 0}, {177, 1, 0}, {40005, 1, 2},
                                    {323, 8, (uint64_t)T0}, {85, 4, 56})),
                     1);
    expect_ends(flow(0), "192.168.14.1", 0, "192.168.2.2", 0, ICMP);
    assert_int_equal(feed_v9(UPTIME, 263, 0,
                             FIELDS({8, 4, IP4(192, 168, 14, 1)}, {7, 2, 0}, {12, 4, IP4(192, 168, 2, 2)},
                                    {11, 2, 17549}, {4, 1, 1}, {176, 1, 8}, {177, 1, 0}, {40005, 1, 2},
                                    {323, 8, (uint64_t)T0}, {85, 4, 56})),
                     1);
    expect_ends(flow(1), "192.168.14.1", 0, "192.168.2.2", 0x0800, ICMP);
}

/* From 8.4 on: the registry's numbers, both directions counted. */
#define ASA_NEW(event, extended, there, back)                                                                \
    {148, 4, 8600}, {8, 4, IP4(192, 168, 23, 1)}, {7, 2, 52000}, {10, 2, 3}, {12, 4, IP4(203, 0, 113, 80)},  \
        {11, 2, 443}, {14, 2, 2}, {4, 1, 6}, {176, 1, 0}, {177, 1, 0}, {225, 4, IP4(198, 51, 100, 4)},       \
        {226, 4, IP4(203, 0, 113, 80)}, {227, 2, 61000}, {228, 2, 443}, {233, 1, event},                     \
        {33002, 2, extended}, {323, 8, (uint64_t)T0 - 100}, {231, 4, there}, {232, 4, back},                 \
        {152, 8, (uint64_t)T0 - 9000}, {33000, 12, 0}, {33001, 12, 0},                                       \
    {                                                                                                        \
        40000, 65, 0                                                                                         \
    }

static void test_asa_created_updated_deleted_count_once(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 266, 0, FIELDS(ASA_NEW(1, 0, 0, 0))), 1);
    assert_int_equal(feed_v9(UPTIME, 266, 0, FIELDS(ASA_NEW(5, 0, 700, 30000))), 2);
    assert_int_equal(feed_v9(UPTIME, 266, 0, FIELDS(ASA_NEW(2, 2024, 300, 12000))), 2);
    expect_counts(flow(0), 0, 0);
    expect_counts(flow(1), 0, 700);
    expect_counts(flow(2), 0, 30000);
    expect_counts(flow(3), 0, 300);
    expect_counts(flow(4), 0, 12000);
    static const enum fl_event events[] = {FL_EVENT_CREATED, FL_EVENT_UPDATE, FL_EVENT_UPDATE,
                                           FL_EVENT_DELETED, FL_EVENT_DELETED};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(flow(i)->event, events[i]);
    expect_translated(flow(3), "198.51.100.4", 61000, "203.0.113.80", 443);
    expect_ends(flow(4), "203.0.113.80", 443, "192.168.23.1", 52000, TCP);
    expect_translated(flow(4), "203.0.113.80", 443, "198.51.100.4", 61000);
    expect_span(flow(4), T0 - 9000, T0 - 100, FL_TIME_ABSOLUTE);
}

static void test_asa_denied(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 260, 0,
                             FIELDS({8, 4, IP4(198, 51, 100, 66)}, {7, 2, 6000}, {10, 2, 2},
                                    {12, 4, IP4(192, 168, 23, 9)}, {11, 2, 3389}, {14, 2, 3}, {4, 1, 6},
                                    {176, 1, 0}, {177, 1, 0}, {233, 1, 3}, {33002, 2, 1001},
                                    {323, 8, (uint64_t)T0 - 40}, {33000, 12, 0x12345678}, {33001, 12, 0})),
                     1);
    expect_ends(flow(0), "198.51.100.66", 6000, "192.168.23.9", 3389, TCP);
    expect_counts(flow(0), 0, 0);
    expect_span(flow(0), T0 - 40, T0 - 40, FL_TIME_ABSOLUTE);
    expect_marks(flow(0), 0, 0, FL_END_UNKNOWN, FL_EVENT_DENIED);
}

static void test_asa_ipv6_ping(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 264, 0,
                             FIELDS({148, 4, 1}, {27, 16, 5}, {7, 2, 0}, {10, 2, 3}, {28, 16, 6}, {11, 2, 0},
                                    {14, 2, 2}, {4, 1, 58}, {178, 1, 128}, {179, 1, 0}, {233, 1, 1},
                                    {33002, 2, 0}, {323, 8, (uint64_t)T0})),
                     1);
    expect_ends(flow(0), "2000::5", 0, "2000::6", 0x8000, FL_PROTO_ICMP6);
}

/* ---- what is not made of flows ---- */

/* Wireless LAN controller: traffic by client, with the station's address but no other end. */
static void test_wlc_clients(void **state)
{
    (void)state;
    static const char ssid[33] = "guest";
    assert_int_equal(feed_v9(UPTIME, 261, 0,
                             FIELDS({95, 4, 0x0d000010}, {365, 6, 0x0c0ffee00001}, {366, 4, IP4(10, 5, 5, 5)},
                                    {367, 6, 0x0c0ffee00002}, {147, 33, 0, 0, ssid}, {61, 1, 0}, {1, 8, 5000},
                                    {2, 8, 50}, {195, 1, 0}, {98, 1, 0})),
                     0);
    expect_no_flow();
}

/* A Catalyst's layer-2 record. */
static void test_layer_two_flows(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 262, 0,
                             FIELDS({56, 6, 1}, {80, 6, 2}, {256, 2, 0x0806}, {58, 2, 10}, {10, 4, 1},
                                    {352, 8, 640}, {2, 8, 10}, {22, 4, 1}, {21, 4, 2})),
                     0);
    expect_no_flow();
}

/* ACI leaf: the registry's elements and a dozen beyond 0x8000, which v9 has no meaning for. */
static void test_aci_leaf(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 320, 0,
                FIELDS({8, 4, IP4(10, 30, 0, 1)}, {12, 4, IP4(10, 30, 0, 2)}, {7, 2, 3000}, {11, 2, 5201},
                       {4, 1, 6}, {6, 1, 0x10}, {5, 1, 0}, {61, 1, 0}, {10, 4, 436207616}, {1, 8, 777},
                       {2, 8, 7}, {22, 4, 3590000}, {21, 4, 3599000}, {40100, 4, 99}, {40101, 2, 98},
                       {52222, 16, 1}, {65000, 1, 3}, {0, 4, 5})),
        1);
    expect_ends(flow(0), "10.30.0.1", 3000, "10.30.0.2", 5201, TCP);
    expect_counts(flow(0), 7, 777);
    expect_interfaces(flow(0), 436207616, 0, FL_DIRECTION_INGRESS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_ios_v5),
        T(test_ios_v9),
        T(test_ios_v9_egress),
        T(test_ios_v9_ipv6),
        T(test_ios_v9_sampler),
        T(test_ios_xe_flexible),
        T(test_avc_client_and_server),
        T(test_avc_by_v9),
        T(test_nbar_application_table),
        T(test_ios_xr),
        T(test_ios_xr_mpls_with_both_families),
        T(test_asa_before_8_4),
        T(test_asa_ping),
        T(test_asa_created_updated_deleted_count_once),
        T(test_asa_denied),
        T(test_asa_ipv6_ping),
        T(test_wlc_clients),
        T(test_layer_two_flows),
        T(test_aci_leaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
