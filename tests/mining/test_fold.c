/* Saying each thing once: what folds under what, and what stands for itself. */
#include "tests/mining/mining_fixture.h"

#include "mining/fold.h"
#include "storage/error.h"

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
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    assert_int_equal(rules[0].parent, -1);
    assert_int_equal(rules[0].instances, 2);
    assert_int_equal(rules[1].parent, 0);
    assert_int_equal(rules[2].parent, 0);
    assert_true(rules[1].score > rules[2].score);
}

static void two_hosts_are_no_generic(void **state)
{
    struct fl_rule rules[] = {rule(FIRST, 0.8, 0.8, 0, 20), rule(GENERIC, 0.8, 0.8, 2, 60)};
    assert_int_equal(fl_fold(rules, 2, NULL), 2);
    assert_int_equal(rules[0].parent, -1);
    assert_int_equal(rules[1].parent, -1);
}

static void other_confidence_stands_for_itself(void **state)
{
    struct fl_rule rules[] = {rule(GENERIC, 0.4, 0.4, 3, 60), rule(FIRST, 0.8, 0.8, 0, 20),
                              rule(SECOND, 0.81, 0.81, 0, 15)};
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    assert_int_equal(by_text(rules, 3, FIRST)->parent, 0); /* exactly a factor 2 */
    assert_int_equal(by_text(rules, 3, SECOND)->parent, -1);
    struct fl_rule lower[] = {rule(GENERIC, 0.9, 0.9, 3, 60), rule(FIRST, 0.44, 0.44, 0, 20)};
    assert_int_equal(fl_fold(lower, 2, NULL), 2);
    assert_int_equal(by_text(lower, 2, FIRST)->parent, -1);
}

static void confidence_is_compared_for_the_same_statement(void **state)
{
    /* The instance points the other way: its confidence is the generic's reverse. */
    struct fl_rule rules[] = {rule(GENERIC, 0.9, 0.3, 3, 60), rule(TURNED, 0.32, 0.3, 0, 20)};
    assert_int_equal(fl_fold(rules, 2, NULL), 2);
    assert_int_equal(by_text(rules, 2, TURNED)->parent, 0);
    struct fl_rule other[] = {rule(GENERIC, 0.9, 0.3, 3, 60), rule(TURNED, 0.9, 0.3, 0, 20)};
    assert_int_equal(fl_fold(other, 2, NULL), 2);
    assert_int_equal(by_text(other, 2, TURNED)->parent, -1);
}

static void two_kinds_of_evidence_are_one_rule(void **state)
{
    struct fl_rule rules[] = {rule(FIRST, 0.8, 0.8, 0, 20), rule(FIRST, 0.7, 0.7, 0, 30),
                              rule(FIRST, 0.6, 0.6, 0, 10)};
    rules[1].evidence = FL_EVIDENCE_DURING;
    rules[2].evidence = FL_EVIDENCE_DURING;
    rules[2].present_antecedent = true;
    assert_int_equal(fl_fold(rules, 3, NULL), 1);
    assert_int_equal(rules[0].evidence, FL_EVIDENCE_DURING);
    assert_int_equal(rules[0].n_both, 30);
    struct fl_rule tied[] = {rule(SECOND, 0.7, 0.7, 0, 20), rule(TURNED, 0.7, 0.7, 0, 20)};
    tied[0].evidence = FL_EVIDENCE_DURING;
    assert_int_equal(fl_fold(tied, 2, NULL), 1);
    assert_int_equal(tied[0].evidence, FL_EVIDENCE_START); /* of equals, starting together */
}

static void grandchildren_hang_below_the_top(void **state)
{
    struct fl_rule rules[] = {
        rule("10.0.0.1.* : 10.0.9.1.80/tcp => 10.0.0.1.* : 10.0.9.2.53/udp", 0.8, 0.8, 0, 12),
        rule("10.0.0.1.* : *.80/tcp => 10.0.0.1.* : 10.0.9.2.53/udp", 0.8, 0.8, 4, 40),
        rule("10.0.0.1.* : *.80/tcp => 10.0.0.1.* : *.53/udp", 0.8, 0.8, 5, 50)};
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    assert_int_equal(rules[0].n_both, 50);
    assert_int_equal(rules[0].instances, 2);
    for (int i = 1; i < 3; i++)
        assert_int_equal(rules[i].parent, 0);
}

#define RELAY_ON "10.0.0.6.* : 10.9.0.2.9001/tcp"
#define RELAY_IN "10.9.0.1.* : 10.0.0.6.9001/tcp"
#define RELAY_ANY "*.* : 10.0.0.6.9001/tcp"

static void one_host_in_disguise_is_that_host(void **state)
{
    struct fl_rule rules[] = {rule(RELAY_ON " => " RELAY_ANY, 1, 0.5, 1, 90),
                              rule(RELAY_ON " <=> " RELAY_IN, 1, 1, 0, 81)};
    assert_int_equal(fl_fold(rules, 2, NULL), 2);
    assert_int_equal(by_text(rules, 2, RELAY_ON " => " RELAY_IN)->parent, -1); /* `both` is not set here */
    assert_int_equal(by_text(rules, 2, RELAY_ON " => " RELAY_ANY)->parent, 0);
    struct fl_rule fewer[] = {rule(RELAY_ON " => " RELAY_ANY, 1, 0.5, 2, 90),
                              rule(RELAY_ON " => " RELAY_IN, 1, 1, 0, 80)};
    assert_int_equal(fl_fold(fewer, 2, NULL), 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fewer[i].parent, -1);
}

static void a_disguise_takes_no_instances(void **state)
{
    /* Two of its three hosts are an instance of the generic no more when the third is nearly all of it. */
    struct fl_rule rules[] = {rule(GENERIC, 0.8, 0.8, 3, 60), rule(FIRST, 0.8, 0.8, 0, 55),
                              rule(SECOND, 0.8, 0.8, 0, 12)};
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    assert_int_equal(by_text(rules, 3, FIRST)->parent, -1);
    assert_int_equal(by_text(rules, 3, SECOND)->parent, -1);
    assert_string_equal(fl_rule_format(&rules[by_text(rules, 3, GENERIC)->parent], (char[FL_RULE_TEXT]){0}),
                        FIRST);
}

#define RANGE "*.* : 10.0.0.7.6881-6889/tcp"

static void ranges_take_what_they_cover(void **state)
{
    struct fl_rule rules[] = {
        rule(RANGE " => " RANGE, 0.7, 0.7, 80, 98),
        rule("*.* : 10.0.0.7.6881/tcp => *.* : 10.0.0.7.6889/tcp", 0.3, 0.3, 80, 14),
        rule("10.0.0.1.* : 10.0.0.7.6881/tcp => 10.0.0.1.* : 10.0.0.7.6882/tcp", 0.7, 0.7, 0, 99),
        rule("10.0.0.1.* : 10.0.0.7.6881/tcp => 10.0.0.1.* : 10.0.0.7.6883/tcp", 0.3, 0.7, 0, 20),
        rule("*.* : 10.0.0.7.6881/tcp => *.* : 10.0.0.7.80/tcp", 0.7, 0.7, 80, 60)};
    assert_int_equal(fl_fold(rules, 5, NULL), 5);
    assert_int_equal(by_text(rules, 5, RANGE " => " RANGE)->instances, 2);
    assert_int_equal(by_text(rules, 5, RANGE " => " RANGE)->parent, -1); /* 99 is not of its own size */
    assert_int_equal(rules[4].parent, 0);
    assert_int_equal(rules[3].parent, 0);
}

static void parents_that_came_along_are_kept(void **state)
{
    struct fl_rule rules[] = {rule(RANGE " => " RANGE, 0.7, 0.7, 80, 98), rule(FIRST, 0.1, 0.1, 0, 20),
                              rule(RANGE " => " RANGE, 0.7, 0.7, 80, 97)};
    rules[0].instances = 30;
    rules[1].parent = 2; /* of the weaker double, which goes */
    rules[2].instances = 5;
    assert_int_equal(fl_fold(rules, 3, NULL), 2);
    assert_int_equal(rules[0].n_both, 98);
    assert_int_equal(rules[0].instances, 36);
    assert_int_equal(rules[1].parent, 0);
}

#define A "10.0.0.1.* : 10.0.9.1.1/tcp"
#define B "10.0.0.1.* : 10.0.9.1.2/tcp"
#define C "10.0.0.1.* : 10.0.9.1.3/tcp"

static void the_last_side_of_a_chain_folds(void **state)
{
    struct fl_rule rules[] = {rule(A " => " B, 0.9, 0.3, 0, 90), rule(B " => " C, 0.8, 0.3, 0, 80),
                              rule(A " => " C, 0.7, 0.2, 0, 70)};
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    assert_int_equal(by_text(rules, 3, A " => " C)->parent, 0);
    assert_int_equal(by_text(rules, 3, A " => " B)->instances, 1);
    assert_int_equal(by_text(rules, 3, B " => " C)->parent, -1);
}

static void a_side_that_says_more_stays(void **state)
{
    /* 0.5 * 0.5 explains a quarter of A; one half is within the factor, a little more is not. */
    struct fl_rule rules[] = {rule(A " => " B, 0.5, 0.2, 0, 90), rule(B " => " C, 0.5, 0.2, 0, 80),
                              rule(A " => " C, 0.5, 0.1, 0, 40)};
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    assert_int_equal(by_text(rules, 3, A " => " C)->parent, 0);
    struct fl_rule more[] = {rule(A " => " B, 0.5, 0.2, 0, 90), rule(B " => " C, 0.5, 0.2, 0, 80),
                             rule(A " => " C, 0.51, 0.1, 0, 40)};
    assert_int_equal(fl_fold(more, 3, NULL), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(more[i].parent, -1);
    struct fl_rule against[] = {rule(B " => " A, 0.9, 0.9, 0, 90), rule(B " => " C, 0.8, 0.3, 0, 80),
                                rule(A " => " C, 0.7, 0.2, 0, 70)};
    assert_int_equal(fl_fold(against, 3, NULL), 3);
    assert_int_equal(by_text(against, 3, A " => " C)->parent, -1); /* no arrow leads from A to B */
    assert_int_equal(by_text(against, 3, B " => " C)->parent, 0);  /* but by A one leads from B to C */
}

/* A has rules with B and a hundred others, one of which leads to C too, as B does: whichever end has fewer
 * arrows, the same B is found. */
static void chains_of_busy_nodes_fold(void **state)
{
    enum { OTHERS = 100 };
    for (int busy_end = 0; busy_end < 2; busy_end++) {
        struct fl_rule rules[OTHERS + 3] = {rule(A " => " B, 0.9, 0.3, 0, 90),
                                            rule(B " => " C, 0.8, 0.3, 0, 80),
                                            rule(A " => " C, 0.7, 0.3, 0, 70)};
        for (unsigned i = 0; i < OTHERS; i++) {
            char text[FL_RULE_TEXT];
            snprintf(text, sizeof text,
                     busy_end ? "10.0.%u.2.* : 10.0.9.1.80/tcp => " C : A " => 10.0.%u.2.* : 10.0.9.1.80/tcp",
                     i);
            rules[3 + i] = rule(text, 0.9, 0.3, 0, 100);
        }
        assert_int_equal(fl_fold(rules, OTHERS + 3, NULL), OTHERS + 3);
        const struct fl_rule *last = by_text(rules, OTHERS + 3, A " => " C);
        assert_true(last->parent >= 0);
        assert_ptr_equal(&rules[last->parent], by_text(rules, OTHERS + 3, A " => " B));
    }
}

/* A sweep of two ports has the figures of one of its pairs, fewer than a pair of any client has: it is not
 * that pair in disguise, whose parent it is. */
static void what_stands_for_others_is_no_disguise(void **state)
{
    struct fl_rule rules[] = {
        rule("*.* : *.20/tcp => *.* : *.27/tcp", 0.9, 0.9, 20, 14),
        rule("*.* : 10.0.9.1.20/tcp => *.* : 10.0.9.2.27/tcp", 0.9, 0.9, 20, 280),
        rule("10.0.0.1.* : 10.0.9.1.20/tcp => 10.0.0.1.* : 10.0.9.2.27/tcp", 0.9, 0.9, 0, 14)};
    rules[1].parent = rules[2].parent = 0;
    rules[0].instances = 7;
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    assert_int_equal(rules[0].parent, -1);
    assert_int_equal(rules[0].instances, 9);
    assert_int_equal(rules[1].parent, 0);
    assert_int_equal(rules[2].parent, 0);
}

/* Figures of its own go before those of one of many. */
static void own_figures_go_before_others(void **state)
{
    struct fl_rule rules[] = {rule(GENERIC, 0.9, 0.9, 20, 14), rule(GENERIC, 0.9, 0.9, 20, 280),
                              rule(FIRST, 0.9, 0.9, 0, 14)};
    rules[0].log10_p = -300;
    rules[2].parent = 0;
    assert_int_equal(fl_fold(rules, 3, NULL), 2);
    assert_int_equal(rules[0].n_both, 280);
    assert_int_equal(rules[0].instances, 1);
    assert_int_equal(rules[1].parent, 0);
}

/* Should parents ever lead in a ring, none of its rules is lost, and one of them stands. */
static void rings_of_parents_are_broken(void **state)
{
    struct fl_rule rules[] = {rule(A " => " B, 0.9, 0.9, 0, 30), rule(A " => " C, 0.9, 0.9, 0, 20),
                              rule(B " => " C, 0.9, 0.9, 0, 10), rule(FIRST, 0.9, 0.9, 0, 5)};
    rules[0].parent = 1;
    rules[1].parent = 2;
    rules[2].parent = 0;
    rules[3].parent = 1;
    assert_int_equal(fl_fold(rules, 4, NULL), 4);
    assert_int_equal(rules[0].parent, -1);
    assert_int_equal(rules[0].instances, 3);
    for (int i = 1; i < 4; i++)
        assert_int_equal(rules[i].parent, 0);
}

/* Some services of any server, whatever their ports, stand for those only that they came with. */
static void mixed_services_take_no_others(void **state)
{
#define MIXED "*.* : *.1-65535/tcp"
    struct fl_rule rules[] = {
        rule(MIXED " => " MIXED, 0.9, 0.9, 20, 14),
        rule("10.0.0.1.* : *.1-65535/tcp => 10.0.0.1.* : *.1-65535/tcp", 0.9, 0.9, 17, 14),
        rule(FIRST, 0.9, 0.9, 0, 14), rule(SECOND, 0.9, 0.9, 0, 14)};
    rules[2].parent = 1;
    assert_int_equal(fl_fold(rules, 4, NULL), 4);
    assert_int_equal(by_text(rules, 4, SECOND)->parent, -1);
    const struct fl_rule *top = by_text(rules, 4, MIXED " => " MIXED);
    assert_int_equal(top->instances, 2); /* the client's, and its pair */
    assert_ptr_equal(&rules[by_text(rules, 4, FIRST)->parent], top);
}

static int stop_when_asked_so_often(void *ctx, double done)
{
    return --*(int *)ctx < 0;
}

static void folding_asks_whether_to_stop(void **state)
{
    enum { RULES = 3000 };
    struct fl_rule *rules = calloc(RULES, sizeof *rules);
    int asks, rc = FL_ESTOP;
    assert_non_null(rules);
    for (asks = 0; rc == FL_ESTOP; asks++) {
        int left = asks;
        for (unsigned i = 0; i < RULES; i++) {
            char text[FL_RULE_TEXT];
            snprintf(text, sizeof text, "10.1.%u.%u.* : 10.0.9.1.80/tcp => 10.1.%u.%u.* : 10.0.9.2.53/udp",
                     i / 200, i % 200, i / 200, i % 200);
            rules[i] = rule(text, 0.8, 0.3, 0, 10 + i);
        }
        rc = (int)fl_fold(rules, RULES, &(struct fl_stop){stop_when_asked_so_often, &left});
    }
    assert_int_equal(rc, RULES);
    assert_int_equal(asks - 1, 1 + 3 * 3); /* once, and every 1,024 rules in three passes */
    free(rules);
}

static void cliques_of_equals_stay(void **state)
{
    struct fl_rule rules[] = {rule(A " <=> " B, 0.9, 0.9, 0, 90), rule(B " <=> " C, 0.9, 0.9, 0, 80),
                              rule(A " <=> " C, 0.9, 0.9, 0, 70)};
    for (int i = 0; i < 3; i++)
        rules[i].both = true;
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rules[i].parent, -1);
    struct fl_rule one_way[] = {rule(A " <=> " B, 0.9, 0.9, 0, 90), rule(B " => " C, 0.9, 0.1, 0, 80),
                                rule(A " => " C, 0.9, 0.1, 0, 70)};
    one_way[0].both = true;
    assert_int_equal(fl_fold(one_way, 3, NULL), 3);
    assert_int_equal(by_text(one_way, 3, B " => " C)->parent, 0); /* one of two that say one thing alike */
    assert_int_equal(by_text(one_way, 3, A " => " C)->parent, -1);
    struct fl_rule weaker[] = {rule(A " <=> " B, 0.9, 0.9, 0, 90), rule(B " => " C, 0.9, 0.1, 0, 80),
                               rule(A " => " C, 0.9, 0.1, 0, 30)};
    weaker[0].both = true;
    assert_int_equal(fl_fold(weaker, 3, NULL), 3);
    assert_int_equal(by_text(weaker, 3, A " => " C)->parent, 0); /* the weaker, where that is clear */
}

static void only_so_many_instances_are_kept(void **state)
{
    enum { CLIENTS = 300 };
    struct fl_rule rules[CLIENTS + 1];
    rules[CLIENTS] = rule(GENERIC, 0.8, 0.8, CLIENTS, 5000);
    for (unsigned i = 0; i < CLIENTS; i++) {
        char text[FL_RULE_TEXT];
        snprintf(text, sizeof text, "10.0.%u.%u.* : 10.0.9.1.143/tcp => 10.0.%u.%u.* : 10.0.9.1.993/tcp",
                 i / 200, i % 200, i / 200, i % 200);
        rules[i] = rule(text, 0.8, 0.8, 0, 10 + i);
    }
    assert_int_equal(fl_fold(rules, CLIENTS + 1, NULL), FL_FOLD_LISTED + 1);
    assert_int_equal(rules[0].instances, CLIENTS);
    assert_int_equal(rules[1].n_both, 10 + CLIENTS - 1); /* the best ones */
}

static void periodic_rules_stay(void **state)
{
    struct fl_rule rules[] = {rule(A " => " B, 0.9, 0.3, 0, 90), rule(A " => " B, 0.9, 0.3, 0, 80),
                              rule(A " => " B, 0.9, 0.3, 0, 70)};
    for (int i = 1; i < 3; i++) {
        rules[i].evidence = FL_EVIDENCE_PERIODIC;
        memset(&rules[i].consequent, 0, sizeof rules[i].consequent);
    }
    assert_int_equal(fl_fold(rules, 3, NULL), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rules[i].parent, -1);
}

static void order_is_of_no_account(void **state)
{
    struct fl_rule a[] = {rule(FIRST, 0.8, 0.8, 0, 20), rule(GENERIC, 0.8, 0.8, 3, 20),
                          rule(SECOND, 0.8, 0.8, 0, 20)};
    struct fl_rule b[] = {a[2], a[0], a[1]};
    assert_int_equal(fl_fold(a, 3, NULL), 3);
    assert_int_equal(fl_fold(b, 3, NULL), 3);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(fl_fold(a, 0, NULL), 0);
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
        cmocka_unit_test(one_host_in_disguise_is_that_host),
        cmocka_unit_test(a_disguise_takes_no_instances),
        cmocka_unit_test(ranges_take_what_they_cover),
        cmocka_unit_test(parents_that_came_along_are_kept),
        cmocka_unit_test(the_last_side_of_a_chain_folds),
        cmocka_unit_test(a_side_that_says_more_stays),
        cmocka_unit_test(chains_of_busy_nodes_fold),
        cmocka_unit_test(what_stands_for_others_is_no_disguise),
        cmocka_unit_test(own_figures_go_before_others),
        cmocka_unit_test(rings_of_parents_are_broken),
        cmocka_unit_test(mixed_services_take_no_others),
        cmocka_unit_test(folding_asks_whether_to_stop),
        cmocka_unit_test(cliques_of_equals_stay),
        cmocka_unit_test(only_so_many_instances_are_kept),
        cmocka_unit_test(periodic_rules_stay),
        cmocka_unit_test(order_is_of_no_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
