/* Nodes and rules as text: what is written can be read, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storage/error.h"
#include "storage/rule.h"
#include "storage/rulesdb_parts.h"

static struct fl_node node(const char *text)
{
    struct fl_node n;
    if (fl_node_parse(text, &n) < 0)
        fail_msg("refused: %s", text);
    return n;
}

static void test_round_trip(void **state)
{
    static const char *const texts[] = {
        "10.0.0.5.* : 10.0.0.53.53/udp",           "*.* : *.*/tcp",
        "[2001:db8::5].* : [2001:db8::35].53/udp", "[::].65535 : *.0/6in4",
        "10.0.0.5.* : 10.0.0.9.3.3/icmp",          "[fe80::1].0.0 : [ff02::1].128.0/icmp6",
        "0.0.0.0.68 : 255.255.255.255.67/udp",     "10.0.0.5.* : 10.0.0.9.*/47",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char out[FL_NODE_TEXT];
        struct fl_node n;
        if (strstr(texts[i], "6in4")) { /* a name that is not ours */
            assert_int_equal(fl_node_parse(texts[i], &n), FL_EINVAL);
            continue;
        }
        n = node(texts[i]);
        assert_string_equal(fl_node_format(&n, out), texts[i]);
    }
    struct fl_node spaced = node("  10.0.0.5.*:10.0.0.53.53 / udp "), plain = node(texts[0]);
    assert_int_equal(fl_node_cmp(&spaced, &plain), 0);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        "/",
        "*",
        "10.0.0.5.* : 10.0.0.53.53",
        "10.0.0.5.* : 10.0.0.53.53/",
        "10.0.0.5.* : 10.0.0.53/udp",
        "10.0.0.5 : 10.0.0.53.53/udp",
        "10.0.0.5.* : 10.0.0.53.053/udp",
        "10.0.0.5.* : 10.0.0.53.65536/udp",
        "10.0.0.5.* : 10.0.0.53.-1/udp",
        "10.0.0.5.* : 10.0.0.53.53/17",
        "10.0.0.5.* : 10.0.0.53.53/256",
        "10.0.0.5.* : 10.0.0.53.53/UDP",
        "10.0.0.5.* : 10.0.0.53.8/icmp",
        "10.0.0.5.* : 10.0.0.53.256.0/icmp",
        "10.0.0.5.* : 10.0.0.53.8.0/udp",
        "2001:db8::5.* : 10.0.0.53.53/udp",
        "[2001:DB8::5].* : 10.0.0.53.53/udp",
        "[10.0.0.5].* : 10.0.0.53.53/udp",
        "10.0.0.0/8.* : 10.0.0.53.53/udp",
        "10.0.0 .5.* : 10.0.0.53.53/udp",
        "**.* : 10.0.0.53.53/udp",
        "[2001:db8::5.* : 10.0.0.53.53/udp",
        "10.0.0.5.* : 10.0.0.53.53/udp/udp",
        "10.0.0.5.* : 10.0.0.53.53/udp => *",
        "10.0.0.5.* : 10.0.0.53.53-53/udp",
        "10.0.0.5.* : 10.0.0.53.54-53/udp",
        "10.0.0.5.* : 10.0.0.53.53-/udp",
        "10.0.0.5.* : 10.0.0.53.53-54-55/udp",
        "10.0.0.5.* : 10.0.0.53.53-65536/udp",
        "10.0.0.5.* : 10.0.0.53.3.0-3.1/icmp",
        "10.0.0.5.* : 10.0.0.53.0-1/icmp",
        "10.0.0.5.* : 10.0.0.53.*-53/udp",
        "0000000000000000000000000000000000000000000000000000000000000000000000000.0.0.0.* : *.*/udp",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fl_node n;
        memset(&n, 0x5a, sizeof n);
        if (fl_node_parse(texts[i], &n) != FL_EINVAL)
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(n.protocol, 0x5a); /* untouched */
    }
}

static void test_order(void **state)
{
    struct fl_node any = node("*.* : 10.0.0.53.53/udp"), low = node("10.0.0.5.* : 10.0.0.53.53/udp"),
                   port = node("10.0.0.5.0 : 10.0.0.53.53/udp"), high = node("10.0.0.6.* : 10.0.0.53.53/udp");
    assert_true(fl_node_cmp(&any, &low) < 0);
    assert_true(fl_node_cmp(&low, &any) > 0);
    assert_true(fl_node_cmp(&low, &port) < 0);
    assert_true(fl_node_cmp(&port, &high) < 0);
    assert_int_equal(fl_node_cmp(&low, &low), 0);
    struct fl_node padded;
    memset(&padded, 0xff, sizeof padded);
    padded.client = low.client;
    padded.server = low.server;
    padded.client_port = low.client_port;
    padded.server_port = low.server_port;
    padded.client_port_last = padded.server_port_last = 0;
    padded.protocol = low.protocol;
    padded.any_client = padded.any_server = false;
    assert_int_equal(fl_node_cmp(&low, &padded), 0);
}

static void test_ranges(void **state)
{
    char out[FL_NODE_TEXT];
    struct fl_node one = node("10.0.0.5.* : 10.0.0.9.6881/tcp"),
                   few = node("10.0.0.5.* : 10.0.0.9.6881-6883/tcp"),
                   more = node("10.0.0.5.* : 10.0.0.9.6881-6889/tcp"),
                   from = node("10.0.0.5.0-65535 : *.*/udp");
    assert_int_equal(few.server_port, 6881);
    assert_int_equal(few.server_port_last, 6883);
    assert_int_equal(from.client_port, 0);
    assert_int_equal(from.client_port_last, 65535);
    assert_string_equal(fl_node_format(&more, out), "10.0.0.5.* : 10.0.0.9.6881-6889/tcp");
    assert_string_equal(fl_node_format(&from, out), "10.0.0.5.0-65535 : *.*/udp");
    assert_true(fl_node_cmp(&one, &few) < 0);
    assert_true(fl_node_cmp(&few, &more) < 0);
    assert_true(fl_node_cmp(&more, &one) > 0);
    assert_int_equal(fl_node_cmp(&more, &more), 0);
}

static void test_generalises(void **state)
{
    struct fl_node n = node("10.0.0.5.* : 10.0.0.53.53/udp"), client = node("*.* : 10.0.0.53.53/udp"),
                   server = node("10.0.0.5.* : *.53/udp"), both = node("*.* : *.53/udp"),
                   tcp = node("*.* : 10.0.0.53.53/tcp");
    assert_true(fl_node_generalises(&client, &n));
    assert_true(fl_node_generalises(&server, &n));
    assert_true(fl_node_generalises(&both, &n));
    assert_true(fl_node_generalises(&both, &client));
    assert_false(fl_node_generalises(&n, &n));
    assert_false(fl_node_generalises(&client, &client));
    assert_false(fl_node_generalises(&n, &client));
    assert_false(fl_node_generalises(&client, &server));
    assert_false(fl_node_generalises(&tcp, &n));
}

static void test_rules(void **state)
{
    static const char x[] = "10.0.0.5.* : 10.0.0.53.53/udp", y[] = "*.* : 10.0.0.9.143/tcp";
    static const char *const arrows[] = {" => ", " <=> ", " ~ ", "=>", "~"};
    char text[FL_RULE_TEXT], identity[FL_RULE_TEXT];
    struct fl_node a, b;
    for (size_t i = 0; i < sizeof arrows / sizeof arrows[0]; i++) {
        strcpy(text, x);
        strcat(strcat(text, arrows[i]), y);
        assert_int_equal(fl_rule_parse(text, &a, &b), 0);
        assert_string_equal(fl_rule_identity(&a, &b, identity),
                            "*.* : 10.0.0.9.143/tcp ~ 10.0.0.5.* : 10.0.0.53.53/udp");
        assert_string_equal(fl_rule_identity(&b, &a, text), identity);
    }
    struct fl_rule r = {.antecedent = a, .consequent = b, .both = true};
    assert_string_equal(fl_rule_format(&r, text), "10.0.0.5.* : 10.0.0.53.53/udp <=> *.* : 10.0.0.9.143/tcp");
    assert_int_equal(fl_rule_parse(x, &a, &b), FL_EINVAL);
    assert_int_equal(fl_rule_parse("=>", &a, &b), FL_EINVAL);
    assert_int_equal(fl_rule_parse("* => *", &a, &b), FL_EINVAL);
    assert_int_equal(fl_rule_parse("", &a, &b), FL_EINVAL);
}

static void test_periodic(void **state)
{
    char text[FL_RULE_TEXT];
    struct fl_rule r = {.antecedent = node("10.0.0.5.* : 10.0.0.9.443/tcp"),
                        .evidence = FL_EVIDENCE_PERIODIC,
                        .period = {.period_ms = 300000}};
    struct fl_node a, b = r.antecedent;
    assert_null(fl_rule_consequent(&r));
    assert_string_equal(fl_rule_format(&r, text), "10.0.0.5.* : 10.0.0.9.443/tcp every 5 min");
    assert_int_equal(fl_rule_parse(text, &a, &b), 1);
    assert_int_equal(fl_node_cmp(&a, &r.antecedent), 0);
    assert_string_equal(fl_rule_identity(&a, NULL, text), "10.0.0.5.* : 10.0.0.9.443/tcp every");
    assert_int_equal(fl_rule_parse(text, &a, &b), 1);
    assert_string_equal(fl_rule_shape(&a, NULL, text), "A.* : B.443/tcp every");
    assert_int_equal(fl_rule_parse("10.0.0.5.* : 10.0.0.9.443/tcp everything", &a, &b), FL_EINVAL);
    assert_int_equal(fl_rule_parse(" every 5 min", &a, &b), FL_EINVAL);
}

static void test_periods(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{250, "250 ms"},        {0, "0 ms"},         {1000, "1 s"},
                 {61500, "61.5 s"},      {90000, "90 s"},     {300000, "5 min"},
                 {3600000, "1 h"},       {5400000, "90 min"}, {86400000, "24 h"},
                 {3599871, "3599.871 s"}};
    char out[24];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(fl_period_format(cases[i].ms, out), cases[i].text);
}

static void test_longest(void **state)
{
    static const char address[] = "[1111:2222:3333:4444:5555:6666:7777:8888]";
    char text[FL_NODE_TEXT], out[FL_NODE_TEXT];
    snprintf(text, sizeof text, "%s.55555-65535 : %s.55555-65535/255", address, address);
    struct fl_node n = node(text);
    assert_string_equal(fl_node_format(&n, out), text);
}

static void test_shape(void **state)
{
    char one[FL_RULE_TEXT], two[FL_RULE_TEXT];
    struct fl_node a = node("*.* : 10.0.0.5.80/tcp"), b = node("10.0.0.5.* : 10.0.0.9.3306/tcp"),
                   c = node("*.* : 10.9.0.5.80/tcp"), d = node("10.9.0.5.* : 10.0.0.9.3306/tcp");
    assert_string_equal(fl_rule_shape(&a, &b, one), "*.* : A.80/tcp ~ A.* : B.3306/tcp");
    assert_string_equal(fl_rule_shape(&d, &c, two), one);
    assert_string_not_equal(fl_rule_shape(&a, &d, two), one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),     cmocka_unit_test(test_order),
        cmocka_unit_test(test_ranges),     cmocka_unit_test(test_generalises), cmocka_unit_test(test_rules),
        cmocka_unit_test(test_periodic),   cmocka_unit_test(test_periods),     cmocka_unit_test(test_longest),
        cmocka_unit_test(test_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
