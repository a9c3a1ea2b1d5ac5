/* Lines of Zeek's conn.log, typed by hand, in both forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "collector/import/import_zeek.h"

#define FIELDS                                                                                               \
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\t"   \
    "resp_bytes\tconn_state\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes"
#define HEAD                                                                                                 \
    "#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", "#path\tconn", FIELDS

struct outcome {
    int code;
    bool skipped;
    struct fl_flow flows[2];
    struct fl_err err;
};

/* Feed the lines; what the last one gave. */
static struct outcome feed(const char *const *lines)
{
    struct fl_zeek z = {0};
    struct outcome o = {.code = 0};
    for (; *lines; lines++) {
        char line[2048];
        snprintf(line, sizeof line, "%s", *lines);
        o.err.text[0] = '\0';
        o.code = fl_zeek_tsv(&z, line, o.flows, &o.skipped, &o.err);
    }
    return o;
}

static struct outcome feed_json(const char *line)
{
    struct outcome o = {.code = 0};
    o.code = fl_zeek_json(line, strlen(line), o.flows, &o.skipped, &o.err);
    return o;
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_ends(const struct fl_flow *f, const char *src, unsigned src_port, const char *dst,
                        unsigned dst_port)
{
    char text[FL_ADDR_TEXT];
    assert_string_equal(fl_addr_format(&f->src, text), src);
    assert_string_equal(fl_addr_format(&f->dst, text), dst);
    assert_int_equal(f->src_port, src_port);
    assert_int_equal(f->dst_port, dst_port);
}

static void expect_web(const struct outcome *o)
{
    const struct fl_flow *there = &o->flows[0], *back = &o->flows[1];
    assert_string_equal(o->err.text, "");
    assert_int_equal(o->code, 2);
    assert_false(o->skipped);
    expect_ends(there, "10.0.0.5", 40000, "192.0.2.80", 443);
    expect_ends(back, "192.0.2.80", 443, "10.0.0.5", 40000);
    assert_int_equal(there->start_ms, 1655071198444); /* the rest of the millisecond is cut */
    assert_int_equal(there->end_ms, 1655071198444 + 1135);
    assert_int_equal(back->start_ms, 1655071198445);
    assert_int_equal(back->end_ms, there->end_ms);
    assert_int_equal(there->packets, 14);
    assert_int_equal(there->bytes, 1016);
    assert_int_equal(back->packets, 16);
    assert_int_equal(back->bytes, 1226);
    assert_int_equal(there->protocol, FL_PROTO_TCP);
    assert_int_equal(there->tcp_flags, FL_TCP_SYN | FL_TCP_ACK | FL_TCP_FIN);
    assert_int_equal(back->tcp_flags, FL_TCP_SYN | FL_TCP_ACK | FL_TCP_RST);
    assert_int_equal(there->time_source, FL_TIME_ABSOLUTE);
    assert_int_equal(there->sampling, 1);
    char text[FL_ADDR_TEXT];
    assert_string_equal(fl_addr_format(&back->exporter, text), "0.0.0.0");
}

static void test_both_directions(void **state)
{
    struct outcome o =
        feed(LINES(HEAD, "1655071198.444958\tCx\t10.0.0.5\t40000\t192.0.2.80\t443\ttcp\tssl\t1.135424\t1"
                         "596\t4039\tRSTR\tShADdaFr\t14\t1016\t16\t1226"));
    expect_web(&o);
}

static void test_json(void **state)
{
    struct outcome o = feed_json(
        "{\"ts\":1655071198.444958,\"uid\":\"Cx\",\"id.orig_h\":\"10.0.0.5\",\"id.orig_p\":40000,\"id.resp_"
        "h\":"
        "\"192.0.2.80\",\"id.resp_p\":443,\"proto\":\"tcp\",\"duration\":1.135424,\"orig_bytes\":1596,"
        "\"history\":\"ShADdaFr\",\"orig_pkts\":14,\"orig_ip_bytes\":1016,\"resp_pkts\":16,\"resp_ip_bytes\":"
        "1226}");
    expect_web(&o);
    o = feed_json(
        "{\"ts\":\"2022-06-12T21:59:58.444958Z\",\"id\":{\"orig_h\":\"10.0.0.5\",\"orig_p\":40000,\"resp_h\":"
        "\"192.0.2.80\",\"resp_p\":443},\"proto\":\"tcp\",\"duration\":1.135424,\"history\":\"ShADdaFr\","
        "\"orig_pkts\":14,\"orig_ip_bytes\":1016,\"resp_pkts\":16,\"resp_ip_bytes\":1226}");
    expect_web(&o);
    o = feed_json(
        "{\"ts\":1655071198444.958,\"id.orig_h\":\"10.0.0.5\",\"id.orig_p\":1,\"id.resp_h\":\"::1\","
        "\"id.resp_p\":2,\"proto\":\"udp\",\"conn_state\":\"S0\"}"); /* milliseconds */
    assert_int_equal(o.code, 1);
    assert_int_equal(o.flows[0].start_ms, 1655071198444);
}

static void test_fields_in_any_order(void **state)
{
    struct outcome o = feed(LINES(
        "#separator ,", "#unset_field,NULL",
        "#fields,resp_ip_bytes,resp_pkts,orig_ip_bytes,orig_pkts,history,duration,proto,id.resp_p,id.resp_h,"
        "id.orig_p,id.orig_h,ts,label",
        "1226,16,1016,14,ShADdaFr,1.135424,tcp,443,192.0.2.80,40000,10.0.0.5,1655071198.444958,x\\x2cy"));
    expect_web(&o);
}

static void test_no_answer(void **state)
{
    struct outcome o = feed(LINES(
        HEAD, "1655071231.749548\tC\t2001:db8::9\t46563\t2001:db8::1\t3933\ttcp\t-\t0.000010\t0\t0\tS0\tS\t"
              "2\t80\t0\t0"));
    assert_int_equal(o.code, 1);
    expect_ends(&o.flows[0], "2001:db8::9", 46563, "2001:db8::1", 3933);
    assert_int_equal(o.flows[0].end_ms, o.flows[0].start_ms);
    assert_int_equal(o.flows[0].tcp_flags, FL_TCP_SYN);
}

static void test_nothing_but_what_must_be(void **state)
{
    struct outcome o =
        feed(LINES(HEAD, "1655071231.749548\tC\t10.0.0.5\t53\t10.0.0.6\t53\tudp\t-\t-\t-\t-\tS0\t-\t-\t-"
                         "\t-\t-"));
    assert_int_equal(o.code, 1);
    assert_int_equal(o.flows[0].packets, 0);
    assert_int_equal(o.flows[0].end_ms, 1655071231749);
}

/* The duration bounds how much later the answer begins: both ends are one then. */
static void test_answer_within_the_duration(void **state)
{
    struct outcome o =
        feed(LINES(HEAD, "1655071231.749548\tC\t10.0.0.5\t5000\t10.0.0.6\t53\tudp\tdns\t0.000900\t1\t1\tS"
                         "F\tDd\t1\t60\t1\t90"));
    assert_int_equal(o.code, 2);
    assert_int_equal(o.flows[1].start_ms, o.flows[0].start_ms);
}

static void test_icmp(void **state)
{
    struct outcome o =
        feed(LINES(HEAD, "1655071231.7\tC\t10.0.0.5\t8\t10.0.0.6\t0\ticmp\t-\t0.1\t56\t56\tOTH\t-\t1\t84\t"
                         "1\t84"));
    assert_int_equal(o.code, 2);
    expect_ends(&o.flows[0], "10.0.0.5", 0, "10.0.0.6", 8 << 8);
    expect_ends(&o.flows[1], "10.0.0.6", 0, "10.0.0.5", 0);
    assert_int_equal(o.flows[0].protocol, FL_PROTO_ICMP);
    o = feed(LINES(
        HEAD, "1655071231.7\tC\tfe80::1\t128\tfe80::2\t129\ticmp\t-\t0.1\t56\t56\tOTH\t-\t1\t84\t1\t84"));
    expect_ends(&o.flows[0], "fe80::1", 0, "fe80::2", 128 << 8);
    expect_ends(&o.flows[1], "fe80::2", 0, "fe80::1", 129 << 8);
    assert_int_equal(o.flows[0].protocol, FL_PROTO_ICMP6);
    o = feed(
        LINES(HEAD, "1655071231.7\tC\t10.0.0.5\t3\t10.0.0.6\t13\ticmp\t-\t0.1\t56\t0\tOTH\t-\t1\t84\t0\t0"));
    assert_int_equal(o.code, 1); /* unreachable, administratively prohibited: type and code */
    expect_ends(&o.flows[0], "10.0.0.5", 0, "10.0.0.6", 3 << 8 | 13);
}

static void test_other_protocols(void **state)
{
    struct outcome o =
        feed(LINES(HEAD, "1655071231.7\tC\t10.0.0.5\t0\t10.0.0.6\t0\tunknown_transport\t-\t-\t-\t-\tOTH\t-"
                         "\t1\t84\t0\t0"));
    assert_int_equal(o.code, 0);
    assert_true(o.skipped);
    o = feed_json(
        "{\"ts\":1.5,\"id.orig_h\":\"10.0.0.5\",\"id.orig_p\":0,\"id.resp_h\":\"10.0.0.6\",\"id.resp_p\":0,"
        "\"proto\":\"unknown_transport\",\"ip_proto\":47,\"_path\":\"conn\"}");
    assert_int_equal(o.code, 1);
    assert_int_equal(o.flows[0].protocol, 47);
    assert_int_equal(o.flows[0].start_ms, 1500);
}

static void expect_fault(struct outcome o, int code, const char *words)
{
    assert_int_equal(o.code, code);
    assert_non_null(strstr(o.err.text, words));
}

static void test_faults(void **state)
{
    expect_fault(feed(LINES(HEAD, "1655071231.7\tC\t10.0.0.5\t0")), FL_EMALF,
                 "4 columns where #fields names 17");
    expect_fault(
        feed(LINES(HEAD, "yesterday\tC\t10.0.0.5\t1\t10.0.0.6\t2\tudp\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-")),
        FL_EMALF, "ts \"yesterday\" is not a time");
    expect_fault(feed(LINES(HEAD, "1.5\tC\tme\t1\t10.0.0.6\t2\tudp\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-")), FL_EMALF,
                 "id.orig_h \"me\" is not an address");
    expect_fault(feed(LINES(HEAD, "1.5\tC\t10.0.0.5\t65536\t10.0.0.6\t2\tudp\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-")),
                 FL_EMALF, "id.orig_p \"65536\" is not a port");
    expect_fault(feed(LINES(HEAD, "1.5\tC\t10.0.0.5\t1\t10.0.0.6\t2\tudp\t-\t-1\t-\t-\t-\t-\t-\t-\t-\t-")),
                 FL_EMALF, "duration \"-1\"");
    expect_fault(feed(LINES(HEAD, "1.5\tC\t10.0.0.5\t1\t-\t2\tudp\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-")), FL_EMALF,
                 "no id.resp_h");
    expect_fault(feed(LINES("#separator \\x09", "1.5\tC")), FL_EMALF, "#fields");
    expect_fault(feed(LINES("#separator \\x09", "#fields\tts\tuid\tquery")), FL_EINVAL,
                 "not Zeek's conn.log");
    expect_fault(feed(LINES("#separator \\x09", "#path\tdns")), FL_EINVAL, "Zeek's dns.log");
    expect_fault(feed_json("{\"ts\":1"), FL_EMALF, "not a JSON object");
    expect_fault(feed_json("[1]"), FL_EMALF, "not a JSON object");
    expect_fault(feed_json("{\"ts\":1,\"duration\":1}"), FL_EMALF, "no id.orig_h");
    expect_fault(
        feed_json("{\"ts\":1.5,\"id.orig_h\":\"10.0.0.5\",\"id.orig_p\":5000,\"id.resp_h\":\"10.0.0.6\","
                  "\"id.resp_p\":53,\"proto\":\"udp\",\"query\":\"example.net\"}"),
        FL_EMALF, "no connection");
}

static void test_lines_without_connection(void **state)
{
    assert_int_equal(feed(LINES(HEAD, "#close\t2022-06-18-00-00-00")).code, 0);
    assert_int_equal(feed(LINES(HEAD, "")).code, 0);
    assert_int_equal(feed_json("  ").code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_fields_in_any_order),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_nothing_but_what_must_be),
        cmocka_unit_test(test_answer_within_the_duration),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_lines_without_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
