/* Patterns over rules: what they match, what they must not, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage/error.h"
#include "storage/rule.h"

static const char scan[] = "*.* : 10.1.0.1.22/tcp => *.* : 10.1.0.2.22/tcp";
static const char mixed[] = "10.0.0.7.* : 10.0.0.53.53/udp => 10.0.0.7.* : [2001:db8::9].6885/tcp";
static const char ping[] = "10.0.0.7.* : 10.0.0.9.8.0/icmp => 10.0.0.9.* : 10.0.0.7.3.3/icmp";

static void check(const char *pattern, const char *rule, bool expected)
{
    struct fl_pattern *p;
    struct fl_node a, b;
    if (fl_pattern_parse(pattern, &p) < 0)
        fail_msg("refused: %s", pattern);
    int single = fl_rule_parse(rule, &a, &b);
    assert_true(single >= 0);
    if (fl_pattern_match(p, &a, single ? NULL : &b) != expected)
        fail_msg("%s on %s is not %d", pattern, rule, expected);
    fl_pattern_free(p);
}

static void test_match(void **state)
{
    check("*", scan, true);
    check("*.* : 10.1.0.0/16.22/tcp <=> *", scan, true);
    check("*.* : 10.1.0.0/16.22/tcp", scan, true);
    check("*.* : 10.1.0.2.22/tcp", scan, true);
    check("*.* : 10.1.0.3.22/tcp", scan, false);
    check("*.* : 10.1.0.0/16.22/udp", scan, false);
    check("*.* : 10.1.0.0/16.*/*", scan, true);
    check("*.* : 10.1.0.0/16.1-21/tcp", scan, false);
    check("*.* : 10.1.0.0/16.22-22/tcp", scan, true);
    check("10.0.0.7.* : *.*/*", scan, false); /* an address does not match a wildcard */
    check("0.0.0.0/0.* : *.*/*", scan, false);
    check("*.1024-65535 : *.22/tcp", scan, false); /* nor a port range */
    check("*.* : [2001:db8::]/32.6881-6889/tcp", mixed, true);
    check("*.* : [2001:db8::/32].6881-6889/tcp", mixed, true);
    check("*.* : 0.0.0.0/0.6881-6889/tcp", mixed, false);
    check("*.* : *.3.3/icmp", ping, true);
    check("*.* : *.3.0-3.15/icmp", ping, true);
    check("*.* : *.11.0/icmp", ping, false);
    check("*.* : *.2048/*", ping, false); /* 8.0 is not port 2048 */
}

static void test_ranges_and_periods(void **state)
{
    static const char peers[] = "10.0.0.7.6881-6889 : *.*/tcp <=> 10.0.0.7.* : 10.0.0.53.53/udp";
    static const char beacon[] = "10.0.0.7.* : 198.51.100.9.443/tcp every 5 min";
    check("*.6881-6889 : *.*/tcp", peers, true);
    check("*.6000-7000 : *.*/tcp", peers, true);
    check("*.6881-6888 : *.*/tcp", peers, false);
    check("*.6885 : *.*/tcp", peers, false);
    check("*", beacon, true);
    check("*.* : 198.51.100.0/24.443/tcp", beacon, true);
    check("*.* : 198.51.100.0/24.80/tcp", beacon, false);
    check("* => *", beacon, false);
    check("*.* : *.443/tcp ~ *", beacon, false);
}

static void test_order(void **state)
{
    check("*.* : *.53/udp => *.* : *.6885/tcp", mixed, true);
    check("*.* : *.6885/tcp => *.* : *.53/udp", mixed, false);
    check("*.* : *.6885/tcp <=> *.* : *.53/udp", mixed, true);
    check("*.* : *.6885/tcp ~ *.* : *.53/udp", mixed, true);
    check("* => *.* : *.53/udp", mixed, false);
    check("*.* : *.53/udp ~ *.* : *.53/udp", mixed, false);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "**",
                                        "* *",
                                        "* =>",
                                        "=> *",
                                        "* => * => *",
                                        "*.*",
                                        "*.* : *.*",
                                        "*.* : *.22/tcp <",
                                        "10.1 : *.*/tcp",
                                        "*.* : 10.1.0.0/33.22/tcp",
                                        "*.* : *.30-20/tcp",
                                        "*.* : *.22-/tcp",
                                        "*.* : *.-22/tcp",
                                        "*.* : *.65536/tcp",
                                        "*.* : *.22/ssh",
                                        "*.* : *.22/icmp",
                                        "*.* : *.8.0/*",
                                        "*.* : [].22/tcp",
                                        "*.* : [.22/tcp"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fl_pattern *p = NULL;
        if (fl_pattern_parse(texts[i], &p) != FL_EINVAL)
            fail_msg("accepted: %s", texts[i]);
        assert_null(p);
    }
    fl_pattern_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_ranges_and_periods),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
