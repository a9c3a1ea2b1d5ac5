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
    padded.protocol = low.protocol;
    padded.any_client = padded.any_server = false;
    assert_int_equal(fl_node_cmp(&low, &padded), 0);
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

static void test_longest(void **state)
{
    static const char address[] = "[1111:2222:3333:4444:5555:6666:7777:8888]";
    char text[FL_NODE_TEXT], out[FL_NODE_TEXT];
    snprintf(text, sizeof text, "%s.65535 : %s.65535/255", address, address);
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
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_refused), cmocka_unit_test(test_order),
        cmocka_unit_test(test_generalises), cmocka_unit_test(test_rules),   cmocka_unit_test(test_longest),
        cmocka_unit_test(test_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
