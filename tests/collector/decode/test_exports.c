/* Datagrams of real exporters, when they are at hand beside the source: every file, with how many flows,
 * packets and bytes come of it and its first flow in full. The figures were worked out from the bytes by
 * hand: counts are sums over the records, times are boot time (export time less uptime, the latest that all
 * headers allow) and the record's uptime. Everything is received in November 2026. */
#include <dirent.h>

#include "tests/collector/decode/fields.h"

static const int64_t RECEIVED = 1795000000000;
static uint8_t bytes[1 << 20];
static struct fl_exporter_stats sessions[8];
static size_t n_sessions;

static size_t load(const char *name)
{
    char folder[512], path[768];
    snprintf(path, sizeof path, "%s/%s", captures(folder, sizeof folder), name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return n;
}

static uint32_t little(const uint8_t *p, size_t length)
{
    return length ? p[0] | little(p + 1, length - 1) << 8 : 0;
}

static uint32_t big(const uint8_t *p, size_t length)
{
    return length ? big(p, length - 1) << 8 | p[length - 1] : 0;
}

/* Length of the message at `b`: recorded files hold several end to end. */
static size_t message_length(const uint8_t *b, size_t left)
{
    size_t second = left >= 4 ? big(b + 2, 2) : 0, length = left;
    if (left >= 4 && b[1] == 5)
        length = 24 + 48 * second;
    else if (left >= 4 && b[1] == 10)
        length = second;
    return length && length < left ? length : left;
}

static void feed_messages(const char *name)
{
    struct fl_sender from = {fl_addr_v4(0xc0000201), 4000, "lab", 0};
    size_t n = load(name), length;
    assert_true(n > 0);
    for (size_t at = 0; at < n; at += length) {
        length = message_length(bytes + at, n - at);
        fl_decode(decoder, bytes + at, length, &from, RECEIVED);
    }
}

/* An Ethernet frame of UDP over IPv4 without options' worth of doubt, or IPv6 without extensions. */
static void feed_frame(const uint8_t *frame, size_t length)
{
    struct fl_sender from = {.location = "lab"};
    const uint8_t *ip = frame + 14, *udp;
    assert_true(length > 14 + 40 + 8);
    if (ip[0] >> 4 == 4) {
        from.address = fl_addr_v4(big(ip + 12, 4));
        udp = ip + 4 * (ip[0] & 15);
    } else {
        memcpy(from.address.b, ip + 8, 16);
        udp = ip + 40;
    }
    from.source_port = (uint16_t)big(udp, 2);
    size_t payload = big(udp + 4, 2) - 8;
    assert_true(udp + 8 + payload <= frame + length);
    fl_decode(decoder, udp + 8, payload, &from, RECEIVED);
}

/* The classic format, little-endian, Ethernet. */
static void feed_pcap(const char *name)
{
    size_t n = load(name), length;
    assert_true(n > 24 && little(bytes, 4) == 0xa1b2c3d4 && little(bytes + 20, 4) == 1);
    for (size_t at = 24; at + 16 <= n; at += 16 + length) {
        length = little(bytes + at + 8, 4);
        assert_true(at + 16 + length <= n);
        feed_frame(bytes + at + 16, length);
    }
}

static const char *fed[64];
static size_t n_fed;

static void feed_files(const char *const *names)
{
    for (; *names; names++) {
        assert_true(n_fed < 64);
        fed[n_fed++] = *names;
        if (strstr(*names, ".pcap"))
            feed_pcap(*names);
        else
            feed_messages(*names);
    }
    fl_decoder_flush(decoder, RECEIVED);
    n_sessions = fl_decoder_stats(decoder, sessions, 8);
}

static uint64_t total(size_t member)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n_sessions; i++)
        sum += *(const uint64_t *)((const char *)&sessions[i] + member);
    return sum;
}
#define TOTAL(member) total(offsetof(struct fl_exporter_stats, member))

/* What all flows of the files add up to, and that every record that is no flow is known as one. */
static void expect_sums(size_t flows, uint64_t packets, uint64_t octets)
{
    uint64_t p = 0, b = 0;
    assert_int_equal(caught.n, flows);
    for (size_t i = 0; i < caught.n; i++) {
        p += caught.flows[i].packets;
        b += caught.flows[i].bytes;
    }
    assert_int_equal(p, packets);
    assert_int_equal(b, octets);
    assert_int_equal(TOTAL(flows), flows);
}

static void expect_faults(uint64_t malformed, uint64_t unknown_template, uint64_t not_flows)
{
    assert_int_equal(TOTAL(malformed), malformed);
    assert_int_equal(TOTAL(unknown_template), unknown_template);
    assert_int_equal(TOTAL(not_flows), not_flows);
}

#define FILES(...) feed_files((const char *const[]){__VA_ARGS__, NULL})
#define FIRST (&caught.flows[0])

/* ---- NetFlow v5 ---- */

/* Its first flow began one millisecond before boot: First is 2^32 - 1. */
static void test_netflow5(void **state)
{
    (void)state;
    FILES("netflow5.dat");
    expect_sums(30, 230, 18684);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "10.0.2.2", 54435, "10.0.2.15", 22, 6);
    expect_counts(FIRST, 5, 230);
    expect_span(FIRST, 1430591884898, 1430591887476, FL_TIME_UPTIME);
    expect_interfaces(FIRST, 0, 0, FL_DIRECTION_UNKNOWN);
    expect_marks(FIRST, 0x10, 0, FL_END_UNKNOWN, FL_EVENT_NONE);
    expect_sampling(FIRST, 1, FL_SAMPLING_NONE);
}

static void test_netflow5_count_beyond_bytes(void **state)
{
    (void)state;
    FILES("netflow5_test_invalid01.dat", "netflow5_test_invalid02.dat");
    expect_sums(0, 0, 0);
    expect_faults(2, 0, 0);
}

/* ---- NetFlow v9 ---- */

static void test_softflowd_v9(void **state)
{
    (void)state;
    FILES("netflow9_test_valid01.dat");
    expect_sums(7, 13, 1128);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "172.16.32.100", 123, "172.16.32.248", 123, 17);
    expect_counts(FIRST, 1, 76);
    expect_span(FIRST, 1444331026140, 1444331026141, FL_TIME_UPTIME);
    expect_ends(&caught.flows[6], "fe80::20c:29ff:fe83:3b6e", 0, "ff02::1", 0x8600, 58);
    expect_counts(&caught.flows[6], 7, 672);
}

/* The header's count is wrong (2 for 6) and the options template is not padded, which costs nothing here:
 * its options data tell of one packet in 100 on interface 0. */
static void test_softflowd_v9_with_a_wrong_count(void **state)
{
    (void)state;
    FILES("netflow9_test_invalid01.dat");
    expect_sums(2, 2, 194);
    expect_ends(FIRST, "2001:44b8:1118:7200::10", 123, "2001:44b8:4030:cd91:8075:bae:d39d:2621", 123, 17);
    expect_span(FIRST, 1440543856102, 1440543856102, FL_TIME_UPTIME);
    expect_sampling(FIRST, 100, FL_SAMPLING_OPTIONS);
    expect_ends(&caught.flows[1], "192.168.0.1", 53, "192.168.0.105", 55575, 17);
    expect_counts(&caught.flows[1], 1, 98);
}

/* Three fields of no length; packets that came in in 1/2, those that went out in 23/24. */
static void test_fields_of_length_zero(void **state)
{
    (void)state;
    FILES("netflow9_test_0length_fields_tpl_data.dat");
    expect_sums(10, 5, 160);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "239.255.255.250", 0, "192.168.1.80", 0, 2);
    expect_counts(FIRST, 0, 0);
    expect_span(FIRST, 1482456888299, 1482456888299, FL_TIME_UPTIME);
    expect_interfaces(FIRST, 3, 2, FL_DIRECTION_EGRESS);
    expect_ends(&caught.flows[1], "192.168.1.80", 0, "239.255.255.250", 0, 2);
    expect_counts(&caught.flows[1], 1, 32);
}

static void test_cisco_1941_without_times(void **state)
{
    (void)state;
    FILES("netflow9_test_cisco_1941K9.dat");
    expect_sums(29, 370, 70258);
    expect_faults(0, 0, 0);
    assert_int_equal(TOTAL(time_fallbacks), 29);
    expect_ends(FIRST, "192.168.0.111", 37301, "62.217.193.1", 53, 17);
    expect_counts(FIRST, 1, 75);
    expect_span(FIRST, RECEIVED, RECEIVED, FL_TIME_RECEIVED);
    expect_interfaces(FIRST, 17, 0, FL_DIRECTION_INGRESS);
    assert_int_equal(caught.flows[4].tos, 48);
    assert_int_equal(caught.flows[4].tcp_flags, 29);
}

static void test_cisco_asa(void **state)
{
    (void)state;
    FILES("netflow9_test_cisco_asa_1_tpl.dat", "netflow9_test_cisco_asa_1_data.dat");
    expect_sums(14, 0, 888);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "192.168.14.1", 0, "2.2.2.11", 0, 1);
    expect_translated(FIRST, "192.168.14.1", 0, "2.2.2.11", 17549);
    expect_counts(FIRST, 0, 56);
    expect_span(FIRST, 1444384067569, 1444384069599, FL_TIME_ABSOLUTE);
    expect_interfaces(FIRST, 3, 2, FL_DIRECTION_UNKNOWN);
    expect_marks(FIRST, 0, 0, FL_END_UNKNOWN, FL_EVENT_DELETED);
}

/* The interface table, then flows of a sampler that is not told of. */
static void test_cisco_asr9k(void **state)
{
    (void)state;
    FILES("netflow9_test_cisco_asr9k_opttpl256.dat", "netflow9_test_cisco_asr9k_data256.dat",
          "netflow9_test_cisco_asr9k_tpl260.dat", "netflow9_test_cisco_asr9k_tpl266.dat",
          "netflow9_test_cisco_asr9k_data260.dat");
    expect_sums(21, 531, 208031);
    expect_faults(0, 0, 0);
    assert_int_equal(TOTAL(options), 19);
    expect_ends(FIRST, "10.0.9.146", 54017, "10.0.31.81", 443, 6);
    expect_counts(FIRST, 1, 40);
    expect_span(FIRST, 1481018933940, 1481018933940, FL_TIME_UPTIME);
    expect_interfaces(FIRST, 110, 158, FL_DIRECTION_EGRESS);
    expect_marks(FIRST, 16, 0, FL_END_UNKNOWN, FL_EVENT_NONE);
    expect_sampling(FIRST, 1, FL_SAMPLING_NONE);
}

/* The application table is another router's, whose boot time must not rub off. */
static void test_cisco_nbar(void **state)
{
    (void)state;
    FILES("netflow9_test_cisco_nbar_opttpl260.dat", "netflow9_test_cisco_nbar_tpl262.dat",
          "netflow9_test_cisco_nbar_data262.dat");
    expect_sums(5, 40, 3064);
    expect_faults(0, 0, 0);
    assert_int_equal(TOTAL(options), 15);
    expect_ends(FIRST, "10.30.18.62", 0, "10.30.19.180", 0x0800, 1);
    expect_counts(FIRST, 1, 44);
    expect_span(FIRST, 1487070619368, 1487070619368, FL_TIME_UPTIME);
    expect_interfaces(FIRST, 1, 0, FL_DIRECTION_INGRESS);
}

/* Uptimes of 172 hours under a header that says 6: of another clock. */
static void test_fortigate(void **state)
{
    (void)state;
    FILES("netflow9_test_fortigate_fortios_521_tpl.dat", "netflow9_test_fortigate_fortios_521_data256.dat",
          "netflow9_test_fortigate_fortios_521_data257.dat");
    expect_sums(1, 3, 152);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "192.168.99.7", 61910, "31.13.87.36", 443, 6);
    expect_span(FIRST, RECEIVED, RECEIVED, FL_TIME_RECEIVED);
    expect_interfaces(FIRST, 9, 3, FL_DIRECTION_UNKNOWN);
    expect_sampling(FIRST, 1, FL_SAMPLING_OPTIONS);
    assert_int_equal(sessions[0].active_timeout_ms, 1800000);
    assert_int_equal(sessions[0].inactive_timeout_ms, 15000);
}

static void test_h3c(void **state)
{
    (void)state;
    FILES("netflow9_test_h3c_tpl3281.dat", "netflow9_test_h3c_data3281.dat");
    expect_sums(16, 6113, 8729687);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "10.22.166.30", 0, "10.22.163.21", 0, 6);
    expect_counts(FIRST, 697, 1027087);
    expect_span(FIRST, 1526894614371, 1526894703890, FL_TIME_UPTIME);
    expect_interfaces(FIRST, 2662, 1590, FL_DIRECTION_INGRESS);
    expect_sampling(FIRST, 1, FL_SAMPLING_NONE);
}

static void test_huawei_netstream(void **state)
{
    (void)state;
    FILES("netflow9_test_huawei_netstream_tpl.dat", "netflow9_test_huawei_netstream_data.dat");
    expect_sums(1, 4, 200);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "10.108.219.53", 45587, "10.111.112.204", 2598, 6);
    expect_span(FIRST, 1517194611940, 1517194939000, FL_TIME_UPTIME);
    expect_interfaces(FIRST, 8, 31, FL_DIRECTION_EGRESS);
    expect_marks(FIRST, 24, 0, FL_END_UNKNOWN, FL_EVENT_NONE);
}

/* IOS XR: both families in one template, v6 all zero. */
static void test_pcap_of_v9_with_both_families(void **state)
{
    (void)state;
    FILES("pmacct-101-NFv9-CISCO-cust_primitives.pcap");
    expect_sums(51, 56, 4500);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "138.187.58.13", 10000, "138.187.57.33", 58779, 6);
    expect_counts(FIRST, 1, 60);
    expect_span(FIRST, 1677577598553, 1677577598553, FL_TIME_UPTIME);
    expect_interfaces(FIRST, 143, 142, FL_DIRECTION_INGRESS);
}

/* ---- IPFIX ---- */

/* softflowd: boot time and sampling in options data. */
static void test_softflowd_ipfix(void **state)
{
    (void)state;
    FILES("ipfix.dat");
    expect_sums(12, 54, 13279);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "192.168.253.1", 60560, "192.168.253.128", 22, 6);
    expect_counts(FIRST, 5, 260);
    expect_span(FIRST, 1431516013506, 1431516026232, FL_TIME_UPTIME);
    expect_sampling(FIRST, 1, FL_SAMPLING_OPTIONS);
}

/* Deltas beside totals: four of the eight flows were counted before. */
static void test_barracuda(void **state)
{
    (void)state;
    FILES("ipfix_test_barracuda_tpl.dat", "ipfix_test_barracuda_data256.dat");
    expect_sums(8, 4, 388);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "10.99.130.239", 65105, "10.99.252.50", 53, 17);
    expect_counts(FIRST, 0, 0);
    expect_counts(&caught.flows[1], 1, 81);
    expect_span(FIRST, RECEIVED, RECEIVED, FL_TIME_RECEIVED);
    expect_interfaces(FIRST, 48660, 26092, FL_DIRECTION_UNKNOWN);
    assert_int_equal(FIRST->event, FL_EVENT_DELETED);
}

static void test_ixia(void **state)
{
    (void)state;
    FILES("ipfix_test_ixia_tpldata256.dat");
    expect_sums(1, 4, 360);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "119.103.128.175", 51695, "202.170.60.247", 36197, 17);
    expect_span(FIRST, 1540470259882, 1540470272022, FL_TIME_ABSOLUTE);
    expect_interfaces(FIRST, 1, 1, FL_DIRECTION_UNKNOWN);
    assert_int_equal(FIRST->end_reason, FL_END_IDLE);
}

/* Of its second record only the answer was counted. */
static void test_ixia_answer(void **state)
{
    (void)state;
    FILES("ipfix_test_ixia_tpldata271.dat");
    expect_sums(2, 8, 757);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "61.227.100.96", 9487, "202.170.60.245", 43431, 17);
    expect_counts(FIRST, 2, 132);
    expect_ends(&caught.flows[1], "104.244.42.130", 443, "202.170.60.252", 8732, 6);
    expect_counts(&caught.flows[1], 6, 625);
    expect_span(&caught.flows[1], 1540470251502, 1540470252028, FL_TIME_ABSOLUTE);
}

static void test_juniper_options_only(void **state)
{
    (void)state;
    FILES("ipfix_test_juniper_mx240_junos151r6s3_opttpl512.dat",
          "ipfix_test_juniper_mx240_junos151r6s3_data512.dat");
    expect_sums(0, 0, 0);
    expect_faults(0, 0, 0);
    assert_int_equal(sessions[0].options, 1);
    assert_int_equal(sessions[0].sampling, 1000);
    assert_int_equal(sessions[0].sampling_told, 1000);
    assert_int_equal(sessions[0].active_timeout_ms, 60000);
}

/* Uptimes without a boot time. Of IPv6 flows it sends the source twice. */
static void test_mikrotik(void **state)
{
    (void)state;
    FILES("ipfix_test_mikrotik_tpl.dat", "ipfix_test_mikrotik_data258.dat",
          "ipfix_test_mikrotik_data259.dat");
    expect_sums(46, 253, 103235);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "10.10.8.197", 123, "192.168.128.17", 123, 17);
    expect_translated(FIRST, "192.168.230.216", 0, "192.168.128.17", 0);
    expect_counts(FIRST, 2, 152);
    expect_span(FIRST, RECEIVED, RECEIVED, FL_TIME_RECEIVED);
    expect_interfaces(FIRST, 13, 7, FL_DIRECTION_UNKNOWN);
    expect_ends(&caught.flows[28], "fe80::ff:fe00:401", 5678, "fe80::ff:fe00:401", 5678, 17);
}

/* The two halves of a proxied connection, strings of variable length, one set without its template. */
static void test_netscaler(void **state)
{
    (void)state;
    FILES("ipfix_test_netscaler_tpl.dat", "ipfix_test_netscaler_data.dat");
    expect_sums(3, 5, 3106);
    assert_int_equal(TOTAL(malformed), 0);
    assert_int_equal(TOTAL(unknown_template) + TOTAL(waiting), 1);
    expect_ends(FIRST, "192.168.0.1", 51053, "10.0.0.1", 443, 6);
    expect_counts(FIRST, 1, 40);
    expect_span(FIRST, 1478866159000, 1478866159000, FL_TIME_ABSOLUTE);
    expect_interfaces(FIRST, 8, 0x80000003, FL_DIRECTION_UNKNOWN);
}

static void test_nokia_bras(void **state)
{
    (void)state;
    FILES("ipfix_test_nokia_bras_tpl.dat", "ipfix_test_nokia_bras_data256.dat");
    expect_sums(1, 0, 0);
    expect_faults(0, 0, 0);
    expect_ends(FIRST, "10.0.1.228", 5878, "10.0.0.34", 80, 6);
    expect_span(FIRST, 1513236225148, 1513236225148, FL_TIME_ABSOLUTE);
}

/* MPLS records of two observation domains; flowDirection is 255. */
static void test_pcap_of_ipfix(void **state)
{
    (void)state;
    FILES("pmacct-100-IPFIXv10-CISCO.pcap");
    expect_sums(12, 34, 34172);
    expect_faults(0, 0, 0);
    assert_int_equal(n_sessions, 2);
    expect_address(&FIRST->exporter, "138.187.0.13");
    expect_ends(FIRST, "10.231.65.56", 17000, "10.192.12.213", 17000, 17);
    expect_counts(FIRST, 2, 220);
    expect_span(FIRST, 1677577561088, 1677577572352, FL_TIME_ABSOLUTE);
    expect_interfaces(FIRST, 995, 841, FL_DIRECTION_UNKNOWN);
    expect_marks(FIRST, 0, 184, FL_END_ACTIVE, FL_EVENT_NONE);
    expect_ends(&caught.flows[4], "2001:1700:f101:2000::1", 1024, "2001:918:ffff:f9fc::3", 80, 17);
}

/* An exporter at an IPv6 address; a selector told of as 1 of 256, beside a packet interval of 1. */
static void test_pcap_of_ipfix_with_sampling(void **state)
{
    (void)state;
    FILES("pmacct-104-IPFIXv10-IPv6-CISCO-sampling_option.pcap");
    expect_sums(3, 121, 10632);
    expect_faults(0, 0, 0);
    expect_address(&FIRST->exporter, "2a02:a90:4007:700::54");
    expect_ends(FIRST, "fe80::fa53:29ff:fe3a:3152", 0, "fe80::ea5c:aff:fe3b:fc00", 0, 58);
    expect_counts(FIRST, 1, 72);
    expect_span(FIRST, RECEIVED, RECEIVED, FL_TIME_RECEIVED);
    expect_interfaces(FIRST, 42, 0, FL_DIRECTION_INGRESS);
    expect_marks(FIRST, 0, 192, FL_END_UNKNOWN, FL_EVENT_NONE);
    expect_sampling(FIRST, 256, FL_SAMPLING_OPTIONS);
}

static bool was_fed(const char *name)
{
    for (size_t i = 0; i < n_fed; i++)
        if (strcmp(fed[i], name) == 0)
            return true;
    return false;
}

/* The last test: no file of the folder was left out. */
static void test_every_file_was_fed(void **state)
{
    (void)state;
    char path[512];
    DIR *folder = opendir(captures(path, sizeof path));
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.' && !was_fed(entry->d_name))
            fail_msg("%s was not fed", entry->d_name);
    closedir(folder);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_netflow5),
        T(test_netflow5_count_beyond_bytes),
        T(test_softflowd_v9),
        T(test_softflowd_v9_with_a_wrong_count),
        T(test_fields_of_length_zero),
        T(test_cisco_1941_without_times),
        T(test_cisco_asa),
        T(test_cisco_asr9k),
        T(test_cisco_nbar),
        T(test_fortigate),
        T(test_h3c),
        T(test_huawei_netstream),
        T(test_pcap_of_v9_with_both_families),
        T(test_softflowd_ipfix),
        T(test_barracuda),
        T(test_ixia),
        T(test_ixia_answer),
        T(test_juniper_options_only),
        T(test_mikrotik),
        T(test_netscaler),
        T(test_nokia_bras),
        T(test_pcap_of_ipfix),
        T(test_pcap_of_ipfix_with_sampling),
        T(test_every_file_was_fed),
    };
    if (load("netflow5.dat") == 0) {
        puts("1..0 # SKIP the captured exports are not at hand");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
