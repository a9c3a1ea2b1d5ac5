/* The judge must be able to say no: pairs missed, decoys reported, strangers, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/generate/judge.h"

static struct gen_truth list[] = {
    {"web", GEN_PLANTED, false, "", "*.* : 10.0.0.1.80/tcp", "10.0.0.1.* : 10.0.0.2.3306/tcp"},
    {"web", GEN_FOLLOWS, false, "so", "*.* : 10.0.0.1.80/tcp", "10.0.0.1.* : *.3306/tcp"},
    {"swarm", GEN_PLANTED, true, "", "*.* : 10.0.0.3.6881/tcp", "*.* : 10.0.0.3.6882/tcp"},
    {"swarm", GEN_PLANTED, true, "", "*.* : 10.0.0.3.6881/tcp", "*.* : 10.0.0.3.6883/tcp"},
    {"swarm", GEN_PLANTED, true, "", "*.* : 10.0.0.3.6882/tcp", "*.* : 10.0.0.3.6883/tcp"},
    {"hours", GEN_DECOY, false, "", "10.0.0.4.* : 10.0.0.6.80/tcp", "10.0.0.4.* : 10.0.0.7.80/tcp"},
};

struct said {
    size_t missed, decoy, stranger;
};

static void hear(void *ctx, const char *what, const char *pattern, const char *text)
{
    struct said *s = ctx;
    s->missed += strcmp(what, "missed") == 0;
    s->decoy += strcmp(what, "decoy") == 0;
    s->stranger += strcmp(what, "stranger") == 0;
    assert_non_null(strstr(text, "10.0.0."));
}

static struct fl_rule rule(const char *x, const char *y, int32_t parent)
{
    struct fl_rule r = {.parent = parent};
    assert_int_equal(fl_node_parse(x, &r.antecedent), 0);
    assert_int_equal(fl_node_parse(y, &r.consequent), 0);
    return r;
}

static struct said judge(struct gen_verdict *v, const struct fl_rule *rules, size_t n)
{
    struct gen_day day = {.truth = list, .n_truth = sizeof list / sizeof list[0]};
    struct said said = {0};
    memset(v, 0, sizeof *v);
    assert_int_equal(gen_judge(v, &day, rules, n, hear, &said), 0);
    assert_int_equal(v->planted, 4);
    assert_int_equal(v->statements, 2);
    return said;
}

static void nothing_found_is_all_missed(void **state)
{
    struct gen_verdict v;
    struct said said = judge(&v, NULL, 0);
    assert_int_equal(v.found, 0);
    assert_int_equal(said.missed, 4);
    assert_int_equal(said.decoy, 0);
    assert_int_equal(v.n_tallies, 3);
    assert_int_equal(v.tallies[1].listed, 3);
}

static void either_order_and_instances_count(void **state)
{
    struct fl_rule rules[] = {
        rule("10.0.0.1.* : *.3306/tcp", "*.* : 10.0.0.1.80/tcp", -1),
        rule("10.0.0.1.* : 10.0.0.2.3306/tcp", "*.* : 10.0.0.1.80/tcp", 0),
    };
    struct gen_verdict v;
    struct said said = judge(&v, rules, 2);
    assert_int_equal(v.found, 1);
    assert_int_equal(said.missed, 3);
    assert_int_equal(v.rules, 1);
    assert_int_equal(v.follow, 1);
    assert_int_equal(v.strangers, 0);
}

static void a_range_says_all_its_ports(void **state)
{
    struct gen_verdict v;
    struct fl_rule r = rule("*.* : 10.0.0.3.6881/tcp", "*.* : 10.0.0.3.6882/tcp", -1);
    r.antecedent.server_port_last = 6883;
    struct said said = judge(&v, &r, 1);
    assert_int_equal(v.found, 2); /* 6882 with 6881 and with 6883, but not these two */
    r.consequent.server_port = 6881;
    r.consequent.server_port_last = 6883;
    said = judge(&v, &r, 1);
    assert_int_equal(v.found, 3);
    assert_int_equal(said.missed, 1);
    assert_int_equal(v.rules, 1);
    assert_int_equal(said.stranger, 0);
}

static void decoys_and_strangers_are_seen(void **state)
{
    struct fl_rule rules[] = {
        rule("10.0.0.4.* : 10.0.0.6.80/tcp", "10.0.0.4.* : *.80/tcp", -1), /* a decoy, one side made wilder */
        rule("10.0.0.1.* : 10.0.0.2.3306/tcp", "10.0.0.1.* : 10.0.0.2.80/tcp", -1),
    };
    struct gen_verdict v;
    struct said said = judge(&v, rules, 2);
    assert_int_equal(v.decoys, 1);
    assert_int_equal(said.decoy, 1);
    assert_int_equal(v.tallies[2].found, 1);
    assert_true(v.tallies[2].decoy);
    assert_int_equal(v.strangers, 2);
    assert_int_equal(said.stranger, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_found_is_all_missed),
        cmocka_unit_test(either_order_and_instances_count),
        cmocka_unit_test(a_range_says_all_its_ports),
        cmocka_unit_test(decoys_and_strangers_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
