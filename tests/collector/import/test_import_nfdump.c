/* nfdump's JSON, typed by hand, and flow records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "collector/import/import_nfdump.h"

static struct fl_flow flows[2];
static bool sampled;
static struct fl_err err;

static int feed(const char *text)
{
    err.text[0] = '\0';
    return fl_nfdump_flows(text, strlen(text), flows, &sampled, &err);
}

static void expect_addr(const struct fl_addr *a, const char *wanted)
{
    char text[FL_ADDR_TEXT];
    assert_string_equal(fl_addr_format(a, text), wanted);
}

static void test_a_flow(void **state)
{
    assert_int_equal(
        feed("{\"type\":\"FLOW\", \"sampled\":0, \"export_sysid\":1, \"first\":\"2024-03-05T00:00:00.313\","
             "\"last\":\"2024-03-05T00:00:09.097\", \"received\":\"2024-03-05T00:00:20.000\", "
             "\"in_packets\":8,"
             "\"in_bytes\":5000000000, \"proto\":6, \"tcp_flags\":\"C..AP.SF\", \"src_port\":35426, "
             "\"dst_port\":80,"
             "\"src_tos\":184, \"src4_addr\":\"198.18.163.109\", \"dst4_addr\":\"10.1.0.82\", "
             "\"input_snmp\":70000,"
             "\"output_snmp\":2, \"direction\":1, \"ip4_router\":\"192.0.2.1\", \"label\":\"<none>\"}"),
        1);
    assert_false(sampled);
    assert_int_equal(flows[0].start_ms, 1709596800313);
    assert_int_equal(flows[0].end_ms, 1709596809097);
    assert_int_equal(flows[0].time_source, FL_TIME_ABSOLUTE);
    expect_addr(&flows[0].src, "198.18.163.109");
    expect_addr(&flows[0].dst, "10.1.0.82");
    expect_addr(&flows[0].exporter, "192.0.2.1");
    assert_int_equal(flows[0].packets, 8);
    assert_int_equal(flows[0].bytes, 5000000000);
    assert_int_equal(flows[0].protocol, 6);
    assert_int_equal(flows[0].tcp_flags, 0x80 | 0x10 | 0x08 | 0x02 | 0x01);
    assert_int_equal(flows[0].src_port, 35426);
    assert_int_equal(flows[0].dst_port, 80);
    assert_int_equal(flows[0].tos, 184);
    assert_int_equal(flows[0].in_if, 70000);
    assert_int_equal(flows[0].out_if, 2);
    assert_int_equal(flows[0].direction, FL_DIRECTION_EGRESS);
    assert_int_equal(flows[0].sampling, 1);
}

static void test_ipv6_ping_sampled(void **state)
{
    assert_int_equal(
        feed("{\"sampled\":1, \"first\":\"2024-03-05T00:00:01.000\", \"last\":\"2024-03-05T00:00:01.000\","
             "\"in_packets\":1, \"in_bytes\":104, \"proto\":58, \"icmp_type\":128, \"icmp_code\":3,"
             "\"src6_addr\":\"2001:db8::1\", \"dst6_addr\":\"ff02::fb\", \"direction\":0,"
             "\"ip6_router\":\"2001:db8::fe\"}"),
        1);
    assert_true(sampled);
    expect_addr(&flows[0].src, "2001:db8::1");
    expect_addr(&flows[0].exporter, "2001:db8::fe");
    assert_int_equal(flows[0].src_port, 0);
    assert_int_equal(flows[0].dst_port, 128 << 8 | 3);
    assert_int_equal(flows[0].direction, FL_DIRECTION_UNKNOWN);
}

/* A firewall's event: its end is the event's time, whose milliseconds stand without leading zeros. */
static void test_event_with_translation(void **state)
{
    assert_int_equal(
        feed("{\"type\":\"EVENT\", \"first\":\"2015-10-09T09:47:47.569\","
             "\"last\":\"1970-01-01T00:00:00.000\", \"in_packets\":0, \"in_bytes\":56, \"proto\":17,"
             "\"src_port\":5000, \"dst_port\":53, \"src4_addr\":\"192.168.14.1\", \"dst4_addr\":\"2.2.2.11\","
             "\"event_id\":\"2\", \"event\":\"DELETE\", \"t_event\":\"2015-10-09T09:47:49.59\","
             "\"src4_xlt_ip\":\"198.51.100.7\", \"dst4_xlt_ip\":\"2.2.2.11\", \"src_xlt_port\":\"17549\","
             "\"dst_xlt_port\":\"53\"}"),
        1);
    assert_int_equal(flows[0].start_ms, 1444384067569);
    assert_int_equal(flows[0].end_ms, 1444384069059);
    assert_int_equal(flows[0].event, FL_EVENT_DELETED);
    expect_addr(&flows[0].post_src, "198.51.100.7");
    assert_int_equal(flows[0].post_src_port, 17549);
    assert_int_equal(flows[0].post_dst_port, 53);
    expect_addr(&flows[0].exporter, "0.0.0.0");
}

static void test_both_directions_counted(void **state)
{
    assert_int_equal(
        feed("{\"first\":\"2024-03-05T00:00:01.000\", \"last\":\"2024-03-05T00:00:02.000\","
             "\"in_packets\":3, \"in_bytes\":300, \"out_packets\":4, \"out_bytes\":4000, \"proto\":6,"
             "\"src_port\":5000, \"dst_port\":443, \"src4_addr\":\"10.0.0.1\", \"dst4_addr\":\"10.0.0.2\","
             "\"input_snmp\":7, \"output_snmp\":8}"),
        2);
    assert_int_equal(flows[0].bytes, 300);
    expect_addr(&flows[1].src, "10.0.0.2");
    assert_int_equal(flows[1].src_port, 443);
    assert_int_equal(flows[1].bytes, 4000);
    assert_int_equal(flows[1].in_if, 8);
}

static void test_without_times(void **state)
{
    assert_int_equal(feed("{\"first\":\"1970-01-01T00:00:00.000\", \"last\":\"1970-01-01T00:00:00.000\","
                          "\"received\":\"2026-11-24T06:52:31.963\", \"src4_addr\":\"10.0.0.1\","
                          "\"dst4_addr\":\"10.0.0.2\", \"proto\":17}"),
                     1);
    assert_int_equal(flows[0].start_ms, 1795503151963);
    assert_int_equal(flows[0].end_ms, 1795503151963);
    assert_int_equal(flows[0].time_source, FL_TIME_RECEIVED);
}

static void test_faults(void **state)
{
    assert_int_equal(feed("{\"first\":\"2024-03-05T00:00:01.000\", \"in_bytes\":3}"),
                     0); /* no addresses: no flow */
    assert_int_equal(feed("{\"src4_addr\":\"10.0.0.1\",\"dst4_addr\":\"10.0.0.2\"}"), FL_EMALF);
    assert_non_null(strstr(err.text, "no time"));
    assert_int_equal(feed("{\"src4_addr\":"), FL_EMALF);
    assert_int_equal(feed("[]"), FL_EMALF);
    assert_int_equal(feed(""), FL_EMALF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flow),
        cmocka_unit_test(test_ipv6_ping_sampled),
        cmocka_unit_test(test_event_with_translation),
        cmocka_unit_test(test_both_directions_counted),
        cmocka_unit_test(test_without_times),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
