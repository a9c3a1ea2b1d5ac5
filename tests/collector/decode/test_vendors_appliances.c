/* Firewalls, balancers, virtual switches and shapers: datagrams laid out as each of them sends them, and what
 * must come of them. */
#include "tests/collector/decode/fields.h"

enum { UPTIME = 3600000, SYSTEM = 1, ICMP = FL_PROTO_ICMP, TCP = FL_PROTO_TCP, UDP = FL_PROTO_UDP };

static const struct fl_flow *flow(size_t i)
{
    assert_true(caught.n > i);
    return &caught.flows[i];
}

/* ---- Fortinet FortiGate ---- */

/* STAT_OPTIONS: totals, timeouts, sampling. */
#define FORTIGATE_OPTIONS                                                                                    \
    {SYSTEM, 2, 1}, {40, 8, 6871319015}, {41, 8, 11920854}, {42, 8, 107864}, {36, 2, 1800}, {37, 2, 15},     \
        {34, 4, 1},                                                                                          \
    {                                                                                                        \
        35, 1, 1                                                                                             \
    }

#define FORTIGATE(there, there_packets, back, back_packets)                                                  \
    {1, 8, there}, {23, 8, back}, {2, 4, there_packets}, {24, 4, back_packets}, {22, 4, 3590000},            \
        {21, 4, 3599000}, {7, 2, 61910}, {11, 2, 443}, {10, 2, 9}, {14, 2, 3}, {4, 1, 6},                    \
        {8, 4, IP4(192, 168, 99, 7)},                                                                        \
    {                                                                                                        \
        12, 4, IP4(203, 0, 113, 9)                                                                           \
    }

/* OUT_BYTES and OUT_PKTS are the answer's. */
static void test_fortigate_session(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 256, 1, FIELDS(FORTIGATE_OPTIONS)), 0);
    assert_int_equal(feed_v9(UPTIME, 257, 0, FIELDS(FORTIGATE(1520, 13, 45000, 38))), 2);
    expect_ends(flow(0), "192.168.99.7", 61910, "203.0.113.9", 443, TCP);
    expect_counts(flow(0), 13, 1520);
    expect_span(flow(0), T0 - 10000, T0 - 1000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 9, 3, FL_DIRECTION_UNKNOWN);
    expect_sampling(flow(0), 1, FL_SAMPLING_OPTIONS);
    expect_ends(flow(1), "203.0.113.9", 443, "192.168.99.7", 61910, TCP);
    expect_counts(flow(1), 38, 45000);
    expect_interfaces(flow(1), 3, 9, FL_DIRECTION_UNKNOWN);
}

static void test_fortigate_without_answer(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 257, 0, FIELDS(FORTIGATE(152, 3, 0, 0))), 1);
    expect_counts(flow(0), 3, 152);
}

/* FortiOS 7 with NAT: application, flags, end reason, the translated endpoints. */
static void test_fortigate_translated(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 262, 0,
                             FIELDS(FORTIGATE(1520, 13, 45000, 38), {95, 9, 0}, {65, 2, 4}, {136, 1, 3},
                                    {225, 4, IP4(198, 51, 100, 20)}, {226, 4, IP4(203, 0, 113, 9)},
                                    {227, 2, 61910}, {228, 2, 443})),
                     2);
    expect_translated(flow(0), "198.51.100.20", 61910, "203.0.113.9", 443);
    expect_translated(flow(1), "203.0.113.9", 443, "198.51.100.20", 61910);
    assert_int_equal(flow(0)->end_reason, FL_END_OF_FLOW);
}

/* FortiOS 5.2: the flows' uptimes and the header's are of two clocks. */
static void test_fortigate_uptimes_of_two_clocks(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(20412178, 257, 0,
                             FIELDS({8, 4, 1}, {12, 4, 2}, {1, 8, 152}, {23, 8, 0}, {2, 4, 3}, {24, 4, 0},
                                    {22, 4, 621761700}, {21, 4, 621770700})),
                     1);
    expect_span(flow(0), T0 + 700, T0 + 700, FL_TIME_RECEIVED);
}

/* ---- Palo Alto ---- */

#define PAN(event, bytes, packets)                                                                           \
    {8, 4, IP4(10, 15, 0, 8)}, {12, 4, IP4(203, 0, 113, 44)}, {5, 1, 0}, {4, 1, 6}, {7, 2, 60001},           \
        {11, 2, 443}, {10, 4, 17}, {14, 4, 18}, {32, 2, 0}, {6, 1, 0x1b}, {1, 8, bytes}, {2, 8, packets},    \
        {22, 4, 3590000}, {21, 4, 3599000}, {61, 1, 0}, {148, 4, 90210},                                     \
    {                                                                                                        \
        233, 1, event                                                                                        \
    }

static void test_paloalto(void **state)
{
    (void)state;
    static const char app[32] = "ssl", user[64] = "corp\\alice";
    assert_int_equal(
        feed_v9(UPTIME, 256, 0,
                FIELDS(PAN(2, 7300, 21), {346, 4, 25461}, {56701, 32, 0, 0, app}, {56702, 64, 0, 0, user})),
        1);
    expect_ends(flow(0), "10.15.0.8", 60001, "203.0.113.44", 443, TCP);
    expect_counts(flow(0), 21, 7300);
    expect_span(flow(0), T0 - 10000, T0 - 1000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 17, 18, FL_DIRECTION_INGRESS);
    expect_marks(flow(0), 0x1b, 0, FL_END_UNKNOWN, FL_EVENT_DELETED);
}

static void test_paloalto_translated(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(UPTIME, 258, 0,
                             FIELDS(PAN(1, 60, 1), {225, 4, IP4(198, 51, 100, 2)},
                                    {226, 4, IP4(203, 0, 113, 44)}, {227, 2, 1055}, {228, 2, 443})),
                     1);
    expect_translated(flow(0), "198.51.100.2", 1055, "203.0.113.44", 443);
    assert_int_equal(flow(0)->event, FL_EVENT_CREATED);
}

/* Not translated: the fields are there and zero. */
static void test_paloalto_not_translated(void **state)
{
    (void)state;
    assert_int_equal(
        feed_v9(UPTIME, 258, 0, FIELDS(PAN(3, 60, 1), {225, 4, 0}, {226, 4, 0}, {227, 2, 0}, {228, 2, 0})),
        1);
    expect_translated(flow(0), "::", 0, "::", 0);
    assert_int_equal(flow(0)->event, FL_EVENT_DENIED);
}

/* ---- Barracuda NextGen: deltas and totals together, an event, uptimes without a boot time ---- */

#define BARRACUDA(event, total_packets, total, packets, octets)                                              \
    {10, 4, 48660}, {4, 1, 17}, {8, 4, IP4(10, 99, 130, 239)}, {7, 2, 65105}, {12, 4, IP4(10, 99, 252, 34)}, \
        {11, 2, 53}, {14, 4, 26092}, {56, 6, 0}, {85, 8, total}, {86, 8, total_packets}, {161, 4, 20269},    \
        {1, 8, octets}, {2, 8, packets}, {233, 1, event}, {22, 4, 2395375053},                               \
    {                                                                                                        \
        21, 4, 2395395322                                                                                    \
    }

static void test_barracuda_deltas_add_up_to_the_total(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(256, 0, FIELDS(BARRACUDA(1, 1, 65, 1, 65))), 1);
    assert_int_equal(feed_ipfix(256, 0, FIELDS(BARRACUDA(5, 3, 200, 2, 135))), 1);
    assert_int_equal(feed_ipfix(256, 0, FIELDS(BARRACUDA(2, 3, 200, 0, 0))), 1);
    expect_ends(flow(0), "10.99.130.239", 65105, "10.99.252.34", 53, UDP);
    expect_interfaces(flow(0), 48660, 26092, FL_DIRECTION_UNKNOWN);
    expect_counts(flow(0), 1, 65);
    expect_counts(flow(1), 2, 135);
    expect_counts(flow(2), 0, 0);
    assert_int_equal(flow(0)->event, FL_EVENT_CREATED);
    assert_int_equal(flow(1)->event, FL_EVENT_UPDATE);
    assert_int_equal(flow(2)->event, FL_EVENT_DELETED);
    assert_int_equal(flow(2)->time_source, FL_TIME_RECEIVED);
}

/* ---- Citrix NetScaler, AppFlow ---- */

enum { CITRIX = 5951 };
static const uint64_t NTP_S = 1655071209 + 2208988800; /* T0 */
#define NETSCALER(src, src_port, dst, dst_port)                                                              \
    {138, 4, IP4(10, 2, 190, 202)}, {144, 4, 3}, {148, 8, 14460661}, {129, 4, 1068114973, CITRIX},           \
        {133, 4, 14460661, CITRIX}, {60, 1, 4}, {4, 1, 6}, {210, 2, 0}, {8, 4, src}, {12, 4, dst},           \
        {7, 2, src_port}, {11, 2, dst_port}, {2, 8, 5}, {1, 8, 3106}, {6, 1, 0x18},                          \
        {132, 8, 84025344, CITRIX}, {154, 8, (NTP_S - 4) << 32 | 0x80000000u},                               \
    {                                                                                                        \
        155, 8, (NTP_S - 1) << 32                                                                            \
    }

static void test_netscaler_transport(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(256, 0,
                                FIELDS(NETSCALER(IP4(192, 168, 0, 1), 51053, IP4(10, 0, 0, 1), 443),
                                       {10, 4, 8}, {14, 4, 0x80000003}, {151, 4, 240189440, CITRIX},
                                       {192, 16, 1, CITRIX}, {193, 1, 1, CITRIX}, {330, 2, 0, CITRIX})),
                     1);
    expect_ends(flow(0), "192.168.0.1", 51053, "10.0.0.1", 443, TCP);
    expect_counts(flow(0), 5, 3106);
    expect_span(flow(0), T0 - 3500, T0 - 1000, FL_TIME_ABSOLUTE);
    expect_interfaces(flow(0), 8, 0x80000003, FL_DIRECTION_UNKNOWN);
}

/* The web transaction: strings, most of them empty, behind the flow. */
static void test_netscaler_http(void **state)
{
    (void)state;
    assert_int_equal(
        feed_ipfix(258, 0,
                   FIELDS(NETSCALER(IP4(192, 168, 0, 1), 51053, IP4(10, 0, 0, 1), 80), {10, 4, 8},
                          {14, 4, 0x80000003}, {151, 4, 1, CITRIX}, {171, 4, 0, CITRIX}, {158, 8, 1, CITRIX},
                          {205, VARIABLE, 0, CITRIX, ""}, {130, VARIABLE, 10, CITRIX, "/index.php"},
                          {131, VARIABLE, 0, CITRIX, ""}, {140, VARIABLE, 3, CITRIX, "GET"},
                          {143, VARIABLE, 11, CITRIX, "example.net"})),
        1);
    expect_ends(flow(0), "192.168.0.1", 51053, "10.0.0.1", 80, TCP);
    expect_counts(flow(0), 5, 3106);
}

/* ---- VMware ---- */

/* Distributed switch: the overlay's inner endpoints stand in VMware's own elements, the layer-2 segment in
 * the registry's. The flow is the outer one. */
static void test_vmware_distributed_switch(void **state)
{
    (void)state;
    enum { VMWARE = 6876 };
    assert_int_equal(
        feed_ipfix(256, 0,
                   FIELDS({8, 4, IP4(172, 20, 1, 11)}, {12, 4, IP4(172, 20, 1, 12)}, {1, 8, 7400}, {2, 8, 50},
                          {152, 8, (uint64_t)T0 - 60000}, {153, 8, (uint64_t)T0 - 100}, {7, 2, 54321},
                          {11, 2, 4789}, {10, 4, 5}, {14, 4, 7}, {4, 1, 17}, {136, 1, 2}, {6, 1, 0},
                          {60, 1, 4}, {368, 4, 101}, {369, 4, 102}, {61, 1, 1}, {5, 1, 0}, {192, 1, 64},
                          {351, 8, 5001}, {880, 1, 6, VMWARE}, {881, 4, IP4(10, 1, 1, 1), VMWARE},
                          {882, 4, IP4(10, 1, 1, 2), VMWARE}, {883, 16, 0, VMWARE}, {884, 16, 0, VMWARE},
                          {886, 2, 33333, VMWARE}, {887, 2, 443, VMWARE}, {888, 2, 0, VMWARE})),
        1);
    expect_ends(flow(0), "172.20.1.11", 54321, "172.20.1.12", 4789, UDP);
    expect_counts(flow(0), 50, 7400);
    expect_span(flow(0), T0 - 60000, T0 - 100, FL_TIME_ABSOLUTE);
    expect_interfaces(flow(0), 5, 7, FL_DIRECTION_EGRESS);
    assert_int_equal(flow(0)->end_reason, FL_END_ACTIVE);
}

/* NSX's firewall: firewallEvent, rule numbers in VMware's own elements, and the answer's counters. */
static void test_vmware_nsx_firewall(void **state)
{
    (void)state;
    enum { VMWARE = 6876 };
    assert_int_equal(
        feed_ipfix(260, 0,
                   FIELDS({8, 4, IP4(10, 1, 1, 1)}, {12, 4, IP4(10, 1, 1, 2)}, {7, 2, 33333}, {11, 2, 443},
                          {4, 1, 6}, {32, 2, 0}, {150, 4, EXPORT_S - 5}, {151, 4, EXPORT_S - 1}, {1, 8, 500},
                          {2, 8, 6}, {233, 1, 3}, {61, 1, 0}, {950, 4, 1009, VMWARE}, {951, 16, 1, VMWARE},
                          {952, VARIABLE, 3, VMWARE, "web"})),
        1);
    expect_ends(flow(0), "10.1.1.1", 33333, "10.1.1.2", 443, TCP);
    expect_counts(flow(0), 6, 500);
    expect_span(flow(0), T0 - 5000, T0 - 1000, FL_TIME_ABSOLUTE);
    assert_int_equal(flow(0)->event, FL_EVENT_DENIED);
}

/* ---- Ixia: the answer's counters in elements of its own ---- */

static void test_ixia(void **state)
{
    (void)state;
    enum { IXIA = 3054 };
    assert_int_equal(
        feed_ipfix(271, 0,
                   FIELDS({1, 8, 132}, {2, 8, 2}, {4, 1, 6}, {6, 1, 0x1b}, {7, 2, 8732},
                          {8, 4, IP4(192, 0, 2, 60)}, {10, 4, 45}, {11, 2, 443},
                          {12, 4, IP4(198, 51, 100, 6)}, {14, 4, 45}, {16, 4, 3462}, {17, 4, 24090},
                          {32, 2, 0}, {32, 2, 0, REVERSE}, {136, 1, 3}, {152, 8, (uint64_t)T0 - 6000},
                          {153, 8, (uint64_t)T0 - 500}, {110, 4, 1, IXIA}, {111, VARIABLE, 5, IXIA, "https"},
                          {126, 4, 0x42000000, IXIA}, {176, 8, 625, IXIA}, {177, 8, 6, IXIA},
                          {182, VARIABLE, 0, IXIA, ""}, {187, VARIABLE, 4, IXIA, "AS-X"}, {188, 4, 0, IXIA})),
        2);
    expect_ends(flow(0), "192.0.2.60", 8732, "198.51.100.6", 443, TCP);
    expect_counts(flow(0), 2, 132);
    expect_span(flow(0), T0 - 6000, T0 - 500, FL_TIME_ABSOLUTE);
    expect_ends(flow(1), "198.51.100.6", 443, "192.0.2.60", 8732, TCP);
    expect_counts(flow(1), 6, 625);
}

/* ---- Streamcore: v9 with a block of elements of its own beyond 42000 ---- */

static void test_streamcore(void **state)
{
    (void)state;
    static const char host[16] = "web.example.net";
    assert_int_equal(
        feed_v9(UPTIME, 256, 0,
                FIELDS({8, 4, IP4(10, 60, 0, 4)}, {12, 4, IP4(10, 61, 0, 4)}, {7, 2, 50123}, {11, 2, 80},
                       {4, 1, 6}, {5, 1, 0}, {10, 2, 1}, {14, 2, 2}, {1, 4, 1900}, {2, 4, 11},
                       {22, 4, 3580000}, {21, 4, 3590000}, {6, 1, 0x1e}, {42036, 4, 12}, {42060, 4, 9},
                       {42064, 16, 0, 0, host}, {45060, 8, 7}, {61, 1, 0})),
        1);
    expect_ends(flow(0), "10.60.0.4", 50123, "10.61.0.4", 80, TCP);
    expect_counts(flow(0), 11, 1900);
    expect_span(flow(0), T0 - 20000, T0 - 10000, FL_TIME_UPTIME);
    expect_interfaces(flow(0), 1, 2, FL_DIRECTION_INGRESS);
}

/* ---- Procera: strings and numbers of its own around the registry's elements ---- */

static void test_procera(void **state)
{
    (void)state;
    enum { PROCERA = 15397 };
    assert_int_equal(feed_ipfix(52935, 0,
                                FIELDS({2, VARIABLE, 8, PROCERA, "BitTorrent"}, {8, 4, IP4(10, 80, 0, 1)},
                                       {3, VARIABLE, 0, PROCERA, ""}, {12, 4, IP4(198, 51, 100, 200)},
                                       {7, 2, 6881}, {11, 2, 51413}, {4, 1, 17}, {1, 8, 1400}, {2, 8, 2},
                                       {4, 8, 99, PROCERA}, {150, 4, EXPORT_S - 10}, {151, 4, EXPORT_S - 5},
                                       {10, VARIABLE, 3, PROCERA, "web"})),
                     1);
    expect_ends(flow(0), "10.80.0.1", 6881, "198.51.100.200", 51413, UDP);
    expect_counts(flow(0), 2, 1400);
    expect_span(flow(0), T0 - 10000, T0 - 5000, FL_TIME_ABSOLUTE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_fortigate_session),
        T(test_fortigate_without_answer),
        T(test_fortigate_translated),
        T(test_fortigate_uptimes_of_two_clocks),
        T(test_paloalto),
        T(test_paloalto_translated),
        T(test_paloalto_not_translated),
        T(test_barracuda_deltas_add_up_to_the_total),
        T(test_netscaler_transport),
        T(test_netscaler_http),
        T(test_vmware_distributed_switch),
        T(test_vmware_nsx_firewall),
        T(test_ixia),
        T(test_streamcore),
        T(test_procera),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
