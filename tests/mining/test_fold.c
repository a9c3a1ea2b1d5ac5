/* Saying each thing once: what folds under what, and what stands for itself. */
#include "tests/mining/mining_fixture.h"

#include "mining/fold.h"

static struct fl_rule rule(const char *text, double confidence, double reverse, uint32_t hosts, uint64_t n)
{
    struct fl_rule r;
    memset(&r, 0, sizeof r);
    assert_int_equal(fl_rule_parse(text, &r.antecedent, &r.consequent), 0);
    r.confidence = confidence;
    r.reverse_confidence = reverse;
    r.hosts = hosts;
    r.n_both = n;
    r.score = (double)n / 1000;
    r.log10_p = -(double)n;
    r.parent = -1;
    return r;
}

static const struct fl_rule *by_text(const struct fl_rule *rules, long n, const char *text)
{
    char got[FL_RULE_TEXT];
    for (long i = 0; i < n; i++)
        if (strcmp(fl_rule_format(&rules[i], got), text) == 0)
            return &rules[i];
    return NULL;
}

#define GENERIC "*.* : 10.0.9.1.143/tcp => *.* : 10.0.9.1.993/tcp"
#define FIRST "10.0.0.1.* : 10.0.9.1.143/tcp => 10.0.0.1.* : 10.0.9.1.993/tcp"
#define SECOND "10.0.0.2.* : 10.0.9.1.143/tcp => 10.0.0.2.* : 10.0.9.1.993/tcp"
#define TURNED "10.0.0.2.* : 10.0.9.1.993/tcp => 10.0.0.2.* : 10.0.9.1.143/tcp"

static void instances_hang_below_their_generic(void **state)
{
    struct fl_rule rules[] = {rule(FIRST, 0.8, 0.8, 0, 20), rule(GENERIC, 0.8, 0.8, 3, 60),
                              rule(SECOND, 0.7, 0.7, 0, 15)};
    assert_int_equal(fl_fold(rules, 3), 3);
    assert_int_equal(rules[0].parent, -1);
    assert_int_equal(rules[0].instances, 2);
    assert_int_equal(rules[1].parent, 0);
    assert_int_equal(rules[2].parent, 0);
    assert_true(rules[1].score > rules[2].score);
}

static void two_hosts_are_no_generic(void **state)
{
    struct fl_rule rules[] = {rule(FIRST, 0.8, 0.8, 0, 20), rule(GENERIC, 0.8, 0.8, 2, 60)};
    assert_int_equal(fl_fold(rules, 2), 2);
    assert_int_equal(rules[0].parent, -1);
    assert_int_equal(rules[1].parent, -1);
}

static void other_confidence_stands_for_itself(void **state)
{
    struct fl_rule rules[] = {rule(GENERIC, 0.4, 0.4, 3, 60), rule(FIRST, 0.8, 0.8, 0, 20),
                              rule(SECOND, 0.81, 0.81, 0, 15)};
    assert_int_equal(fl_fold(rules, 3), 3);
    assert_int_equal(by_text(rules, 3, FIRST)->parent, 0); /* exactly a factor 2 */
    assert_int_equal(by_text(rules, 3, SECOND)->parent, -1);
    struct fl_rule lower[] = {rule(GENERIC, 0.9, 0.9, 3, 60), rule(FIRST, 0.44, 0.44, 0, 20)};
    assert_int_equal(fl_fold(lower, 2), 2);
    assert_int_equal(by_text(lower, 2, FIRST)->parent, -1);
}

static void confidence_is_compared_for_the_same_statement(void **state)
{
    /* The instance points the other way: its confidence is the generic's reverse. */
    struct fl_rule rules[] = {rule(GENERIC, 0.9, 0.3, 3, 60), rule(TURNED, 0.32, 0.3, 0, 20)};
    assert_int_equal(fl_fold(rules, 2), 2);
    assert_int_equal(by_text(rules, 2, TURNED)->parent, 0);
    struct fl_rule other[] = {rule(GENERIC, 0.9, 0.3, 3, 60), rule(TURNED, 0.9, 0.3, 0, 20)};
    assert_int_equal(fl_fold(other, 2), 2);
    assert_int_equal(by_text(other, 2, TURNED)->parent, -1);
}

static void two_kinds_of_evidence_are_one_rule(void **state)
{
    struct fl_rule rules[] = {rule(FIRST, 0.8, 0.8, 0, 20), rule(FIRST, 0.7, 0.7, 0, 30),
                              rule(FIRST, 0.6, 0.6, 0, 10)};
    rules[1].evidence = FL_EVIDENCE_DURING;
    rules[2].evidence = FL_EVIDENCE_DURING;
    rules[2].present_antecedent = true;
    assert_int_equal(fl_fold(rules, 3), 1);
    assert_int_equal(rules[0].evidence, FL_EVIDENCE_DURING);
    assert_int_equal(rules[0].n_both, 30);
    struct fl_rule tied[] = {rule(SECOND, 0.7, 0.7, 0, 20), rule(TURNED, 0.7, 0.7, 0, 20)};
    tied[0].evidence = FL_EVIDENCE_DURING;
    assert_int_equal(fl_fold(tied, 2), 1);
    assert_int_equal(tied[0].evidence, FL_EVIDENCE_START); /* of equals, starting together */
}

static void grandchildren_hang_below_the_top(void **state)
{
    struct fl_rule rules[] = {
        rule("10.0.0.1.* : 10.0.9.1.80/tcp => 10.0.0.1.* : 10.0.9.2.53/udp", 0.8, 0.8, 0, 12),
        rule("10.0.0.1.* : *.80/tcp => 10.0.0.1.* : 10.0.9.2.53/udp", 0.8, 0.8, 4, 40),
        rule("10.0.0.1.* : *.80/tcp => 10.0.0.1.* : *.53/udp", 0.8, 0.8, 5, 50)};
    assert_int_equal(fl_fold(rules, 3), 3);
    assert_int_equal(rules[0].n_both, 50);
    assert_int_equal(rules[0].instances, 2);
    for (int i = 1; i < 3; i++)
        assert_int_equal(rules[i].parent, 0);
}

static void order_is_of_no_account(void **state)
{
    struct fl_rule a[] = {rule(FIRST, 0.8, 0.8, 0, 20), rule(GENERIC, 0.8, 0.8, 3, 20),
                          rule(SECOND, 0.8, 0.8, 0, 20)};
    struct fl_rule b[] = {a[2], a[0], a[1]};
    assert_int_equal(fl_fold(a, 3), 3);
    assert_int_equal(fl_fold(b, 3), 3);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(fl_fold(a, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_hang_below_their_generic),
        cmocka_unit_test(two_hosts_are_no_generic),
        cmocka_unit_test(other_confidence_stands_for_itself),
        cmocka_unit_test(confidence_is_compared_for_the_same_statement),
        cmocka_unit_test(two_kinds_of_evidence_are_one_rule),
        cmocka_unit_test(grandchildren_hang_below_the_top),
        cmocka_unit_test(order_is_of_no_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
