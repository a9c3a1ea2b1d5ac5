/* Known rules looked at again: the same counts as mining makes, and how long one side went on alone. */
#include "mining/recheck.h"
#include "storage/error.h"
#include "tests/mining/mining_fixture.h"

enum { FLOWS = 4096 };
static const int64_t hour_ms = 3600000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

struct made {
    struct fl_flow flows[FLOWS];
    size_t n;
};

static void talk_to(struct made *m, const char *client, const char *server, uint16_t port, int64_t at_ms,
                    int64_t for_ms)
{
    uint16_t from = (uint16_t)(40000 + m->n % 20000);
    assert_true(m->n + 2 <= FLOWS);
    m->flows[m->n++] = record(client, from, server, port, 6, t0 + at_ms, t0 + at_ms + for_ms);
    m->flows[m->n++] = record(server, port, client, from, 6, t0 + at_ms + 1, t0 + at_ms + for_ms);
}

/* Web requests of changing clients each minute, each followed by the database, but in [stop, begin). */
static void make_web(struct made *m, int requests, int stop, int begin)
{
    for (int i = 0; i < requests; i++) {
        char client[32];
        snprintf(client, sizeof client, "10.1.0.%d", 1 + i % 20);
        talk_to(m, client, "10.0.0.5", 80, i * 60000 + i % 7 * 1000, 50);
        if (i < stop || i >= begin)
            talk_to(m, "10.0.0.5", "10.0.0.9", 3306, i * 60000 + i % 7 * 1000 + 20, 20);
    }
}

static struct fl_recheck make_recheck(const char *text)
{
    struct fl_recheck r;
    memset(&r, 0, sizeof r);
    int single = fl_rule_parse(text, &r.antecedent, &r.consequent);
    assert_true(single >= 0);
    r.single = single == 1;
    return r;
}

static void run(struct made *m, struct fl_recheck *items, size_t n, struct fl_findings *found)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = m->flows,
                                      .n = m->n,
                                      .from_ms = t0,
                                      .to_ms = t0 + 10 * hour_ms,
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services,
                                      .rechecks = items,
                                      .n_rechecks = n};
    assert_int_equal(fl_find_rules(found, &request), 0);
}

static const char web[] = "*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.9.3306/tcp";

static void test_a_rule_that_holds(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r = make_recheck(web);
    struct fl_findings found;
    make_web(m, 200, 200, 200);
    run(m, &r, 1, &found);
    assert_int_equal(r.n_antecedent, 200);
    assert_int_equal(r.n_consequent, 200);
    assert_int_equal(r.n_both, 200);
    assert_int_equal(r.antecedent_alone.since, 0);
    assert_int_equal(r.antecedent_alone.longest, 0);
    fl_findings_clear(&found);
    free(m);
}

static int stop_at_once(void *ctx)
{
    ++*(int *)ctx;
    return 1;
}

/* Rules that share nodes are each counted as if alone; nothing is counted once it is to stop. */
static void test_rules_that_share_nodes(void **state)
{
    static const char *const texts[] = {web, "*.* : 10.0.0.5.80/tcp every 1 min",
                                        "*.* : 10.0.0.5.80/tcp => *.* : 10.0.0.9.3306/tcp",
                                        "10.0.0.5.* : 10.0.0.9.3306/tcp <=> *.* : 10.0.0.5.80/tcp"};
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck all[4], one;
    struct fl_findings found;
    make_web(m, 200, 150, 180);
    for (int i = 0; i < 4; i++)
        all[i] = make_recheck(texts[i]);
    run(m, all, 4, &found);
    fl_findings_clear(&found);
    for (int i = 0; i < 4; i++) {
        one = make_recheck(texts[i]);
        run(m, &one, 1, &found);
        fl_findings_clear(&found);
        assert_true(one.n_antecedent > 0);
        assert_memory_equal(&one, &all[i], sizeof one);
    }
    int asked = 0;
    struct fl_talk none = {.n = 0};
    struct fl_timeline time;
    assert_int_equal(fl_timeline_init(&time, t0, t0 + hour_ms, 1000, 60), 0);
    assert_int_equal(fl_recheck(&one, 1, &none, &time, &(struct fl_recheck_stop){stop_at_once, &asked}),
                     FL_ESTOP);
    assert_int_equal(asked, 1);
    free(m);
}

/* Rests: rows that chance does not make and that are over; the first one began before the span, when both
 * sides were last there. */
static void test_rests(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r = make_recheck(web);
    struct fl_findings found;
    r.confidence = 0.95;
    r.hit_ms = r.mended_ms = INT64_MIN;
    make_web(m, 200, 50, 90);
    run(m, &r, 1, &found);
    assert_int_equal(r.antecedent_alone.rest_ms, 41 * 60000 + (90 % 7 - 49 % 7) * 1000);
    assert_int_equal(r.consequent_alone.rest_ms, 0);
    assert_int_equal(r.antecedent_alone.awake, 160);
    assert_int_equal(r.consequent_alone.awake, 160);
    fl_findings_clear(&found);
    r.mended_ms = t0 + 91 * 60000; /* told, and told that it was over */
    run(m, &r, 1, &found);
    assert_int_equal(r.antecedent_alone.rest_ms, 0);
    fl_findings_clear(&found);
    r.mended_ms = INT64_MIN;
    r.confidence = 0.1; /* 40 misses are one chance in 68 */
    run(m, &r, 1, &found);
    assert_int_equal(r.antecedent_alone.rest_ms, 0);
    assert_int_equal(r.antecedent_alone.awake, 200);
    fl_findings_clear(&found);
    m->n = 0;
    r.confidence = 0.95;
    make_web(m, 200, 50, 57); /* more than chance, but no rest: what it is like */
    run(m, &r, 1, &found);
    assert_int_equal(r.antecedent_alone.awake, 200);
    fl_findings_clear(&found);
    m->n = 0;
    make_web(m, 200, 0, 30);
    r.confidence = 0.95;
    r.hit_ms = t0 - 10 * hour_ms;
    run(m, &r, 1, &found);
    assert_int_equal(r.antecedent_alone.rest_ms, 10 * hour_ms + 30 * 60000 + 30 % 7 * 1000);
    fl_findings_clear(&found);
    r.hit_ms = INT64_MIN; /* not known: from the first miss on */
    run(m, &r, 1, &found);
    assert_int_equal(r.antecedent_alone.rest_ms, 30 * 60000 + 30 % 7 * 1000);
    fl_findings_clear(&found);
    free(m);
}

/* After a long row, hits that are soon over are chance, and the row goes on; ten that go on end it. */
static void test_hits_by_chance(void **state)
{
    static const struct {
        int again_at; /* the minute from which on it holds again */
        uint64_t since;
        int64_t last, rests;
        bool unsure;
    } cases[] = {{200, 149, 49, 0, false}, {195, 0, 49, 0, true}, {190, 0, 199, 141, false}};
    for (int i = 0; i < 3; i++) {
        struct made *m = calloc(1, sizeof *m);
        struct fl_recheck r = make_recheck(web);
        struct fl_findings found;
        r.confidence = 0.95;
        r.cases = 100;
        r.hit_ms = r.mended_ms = INT64_MIN;
        make_web(m, 200, 50, cases[i].again_at);
        talk_to(m, "10.0.0.5", "10.0.0.9", 3306, 120 * 60000 + 120 % 7 * 1000 + 20, 20);
        run(m, &r, 1, &found);
        assert_int_equal(r.n_both, 251 - cases[i].again_at);
        assert_int_equal(r.antecedent_alone.since, cases[i].since);
        assert_true(r.antecedent_alone.last_ms == t0 + cases[i].last * 60000 + cases[i].last % 7 * 1000);
        assert_int_equal(r.antecedent_alone.rest_ms / 60000, cases[i].rests);
        assert_int_equal(r.antecedent_alone.unsure, cases[i].unsure);
        fl_findings_clear(&found);
        free(m);
    }
}

static void test_a_side_that_stopped(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r = make_recheck(web);
    struct fl_findings found;
    make_web(m, 200, 150, 200);
    run(m, &r, 1, &found);
    assert_int_equal(r.n_antecedent, 200);
    assert_int_equal(r.n_both, 150);
    assert_int_equal(r.antecedent_alone.since, 50);
    assert_int_equal(r.antecedent_alone.longest, 0);
    assert_true(r.antecedent_alone.last_ms == t0 + 149 * 60000 + 149 % 7 * 1000);
    assert_int_equal(r.consequent_alone.since, 0);
    fl_findings_clear(&found);
    m->n = 0;
    make_web(m, 200, 50, 90); /* a pause, and back */
    run(m, &r, 1, &found);
    assert_int_equal(r.antecedent_alone.since, 0);
    assert_int_equal(r.antecedent_alone.longest, 40);
    fl_findings_clear(&found);
    m->n = 0;
    make_web(m, 30, 0, 30); /* never in this run */
    run(m, &r, 1, &found);
    assert_int_equal(r.n_both, 0);
    assert_int_equal(r.antecedent_alone.since, 30);
    assert_true(r.antecedent_alone.last_ms == INT64_MIN);
    fl_findings_clear(&found);
    free(m);
}

/* Wildcards on both sides are counted by the host behind them. */
static void test_bound_hosts(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r[] = {make_recheck("*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.2.22/tcp"),
                             make_recheck("10.0.0.7.* : *.443/tcp <=> 10.0.0.8.* : *.443/tcp")};
    struct fl_findings found;
    for (int i = 0; i < 40; i++) {
        char a[32], b[32];
        snprintf(a, sizeof a, "10.1.0.%d", 1 + i % 10);
        snprintf(b, sizeof b, "10.1.0.%d", 1 + (i + (i >= 20)) % 10); /* later another client */
        talk_to(m, a, "10.0.0.1", 22, i * 60000, 50);
        talk_to(m, b, "10.0.0.2", 22, i * 60000 + 100, 50);
        talk_to(m, "10.0.0.7", a, 443, i * 60000 + 30000, 50);
        talk_to(m, "10.0.0.8", b, 443, i * 60000 + 30100, 50);
    }
    run(m, r, 2, &found);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(r[i].n_antecedent, 40);
        assert_int_equal(r[i].n_both, 20);
        assert_int_equal(r[i].antecedent_alone.since, 20);
        assert_int_equal(r[i].consequent_alone.since, 20);
    }
    fl_findings_clear(&found);
    free(m);
}

/* A node of any client and any server names no host: what many do with many others. */
static void test_no_host_named(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r = make_recheck("*.* : *.443/tcp <=> *.* : 10.0.0.53.53/tcp");
    struct fl_findings found;
    for (int i = 0; i < 60; i++) {
        char client[32], server[32];
        snprintf(client, sizeof client, "10.1.0.%d", 1 + i % 20);
        snprintf(server, sizeof server, "10.2.0.%d", 1 + i % 7);
        talk_to(m, client, "10.0.0.53", 53, i * 60000, 50);
        if (i < 45)
            talk_to(m, client, server, 443, i * 60000 + 100, 50);
    }
    run(m, &r, 1, &found);
    assert_int_equal(r.n_antecedent, 45);
    assert_int_equal(r.n_consequent, 60);
    assert_int_equal(r.n_both, 45);
    assert_int_equal(r.antecedent_alone.since, 0);
    assert_int_equal(r.consequent_alone.since, 15);
    fl_findings_clear(&found);
    free(m);
}

/* While one is under way the other starts: only of that one can it be said that it goes on alone. */
static void test_during(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r = make_recheck("10.0.0.7.* : 10.0.0.21.20/tcp => 10.0.0.7.* : 10.0.0.21.21/tcp");
    struct fl_findings found;
    r.evidence = FL_EVIDENCE_DURING;
    for (int i = 0; i < 30; i++) {
        if (i < 12)
            talk_to(m, "10.0.0.7", "10.0.0.21", 21, i * 600000, 50000);
        talk_to(m, "10.0.0.7", "10.0.0.21", 20, i * 600000 + 20000, 50);
    }
    run(m, &r, 1, &found);
    assert_int_equal(r.n_antecedent, 30);
    assert_int_equal(r.n_consequent, 12 * 51); /* windows in which it was under way */
    assert_int_equal(r.n_both, 12);
    assert_int_equal(r.antecedent_alone.since, 18);
    assert_int_equal(r.consequent_alone.since, 0);
    fl_findings_clear(&found);
    free(m);
}

static void test_odd_ones(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r[] = {make_recheck("10.9.9.9.* : 10.9.9.8.80/tcp => 10.9.9.9.* : 10.9.9.7.80/tcp"),
                             make_recheck("*.* : 10.0.0.5.79-81/tcp => *.* : 10.0.0.5.79-81/tcp"),
                             make_recheck("10.0.0.5.* : 10.0.0.9.3306/tcp every 1 min"),
                             make_recheck("*.* : [2001:db8::1].80/tcp => 10.0.0.5.* : *.3306/tcp")};
    struct fl_findings found;
    make_web(m, 60, 60, 60);
    run(m, r, 4, &found);
    assert_int_equal(r[0].n_antecedent + r[0].n_consequent + r[0].n_both, 0); /* hosts that are not there */
    assert_int_equal(r[1].n_antecedent, 60); /* a range of which one port ... */
    assert_int_equal(r[1].n_both, 0);        /* ... alone is used */
    assert_int_equal(r[2].n_antecedent, 60); /* a period has one side */
    assert_int_equal(r[3].n_antecedent, 0);
    assert_int_equal(r[3].n_consequent, 60);
    fl_findings_clear(&found);
    free(m);
}

/* A range goes with itself when two of what it stands for do, and is broken when only one goes on. */
static void test_ranges_with_themselves(void **state)
{
    static const char *const texts[] = {
        "*.* : 10.0.0.5.6881-6889/tcp <=> *.* : 10.0.0.5.6881-6889/tcp", /* ports of a client */
        "10.1.0.1.* : *.22/tcp <=> 10.1.0.1.* : *.22/tcp",               /* servers */
        "*.* : *.1-65535/tcp <=> *.* : *.1-65535/tcp",                   /* either */
        "*.* : 10.0.0.7.443/tcp <=> *.* : 10.0.0.7.443/tcp"};            /* clients */
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r[4];
    struct fl_findings found;
    for (int i = 0; i < 100; i++) {
        char server[32], client[32];
        int64_t at_ms = i * 120000;
        bool both = i < 60;
        snprintf(client, sizeof client, "10.1.0.%d", 1 + i % 3);
        snprintf(server, sizeof server, "10.2.0.%d", 1 + i % 20);
        talk_to(m, client, "10.0.0.5", 6881, at_ms, 50);
        talk_to(m, client, "10.0.0.5", both ? 6885 : 6881, at_ms + 100, 50);
        talk_to(m, "10.1.0.1", server, 22, at_ms + 30000, 50);
        talk_to(m, "10.1.0.1", both ? "10.2.0.99" : server, 22, at_ms + 30100, 50);
        talk_to(m, client, "10.0.0.7", 443, at_ms + 60000, 50);
        talk_to(m, both ? "10.1.0.9" : client, "10.0.0.7", 443, at_ms + 60100, 50);
        talk_to(m, "10.1.0.8", "10.0.0.5", 6889, at_ms + 1, 50); /* another client's */
    }
    for (int during = 0; during < 2; during++) {
        for (int i = 0; i < 4; i++) {
            r[i] = make_recheck(texts[i]);
            r[i].evidence = during ? FL_EVIDENCE_DURING : FL_EVIDENCE_START;
        }
        run(m, r, 4, &found);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(r[i].n_both, i == 2 ? 120 : 60); /* ports, and servers */
            assert_true(r[i].antecedent_alone.since >= 40);
            assert_int_equal(r[i].antecedent_alone.longest <= 4, true);
        }
        fl_findings_clear(&found);
    }
    free(m);
}

/* One of a range is under way for long when another starts, now and then the same one again. */
static void test_a_range_with_itself_during(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_recheck r = make_recheck("*.* : 10.0.0.5.6881-6889/tcp => *.* : 10.0.0.5.6881-6889/tcp");
    struct fl_findings found;
    r.evidence = FL_EVIDENCE_DURING;
    for (int i = 0; i < 40; i++) {
        talk_to(m, "10.1.0.1", "10.0.0.5", 6881, i * 600000, 60000);
        talk_to(m, "10.1.0.1", "10.0.0.5", i < 25 ? 6885 : 6881, i * 600000 + 20000, 50);
        talk_to(m, "10.1.0.1", "10.0.0.5", 6881, i * 600000 + 30000, 50); /* beside the long one of its own */
    }
    run(m, &r, 1, &found);
    assert_int_equal(r.n_both, 25);
    fl_findings_clear(&found);
    r.evidence = FL_EVIDENCE_START;
    run(m, &r, 1, &found);
    assert_int_equal(r.n_both, 0);
    fl_findings_clear(&found);
    free(m);
}

/* Whatever mining finds in made-up traffic, looking at it again gives the same counts. */
static void test_same_as_mining(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct fl_findings found, again;
    uint64_t seed = 7;
    size_t checked = 0;
    for (int i = 0; i < 900; i++) {
        char client[32], server[32];
        int64_t at_ms = random_below(&seed, 9 * 3600) * INT64_C(1000);
        snprintf(client, sizeof client, "10.1.0.%d", 1 + (int)random_below(&seed, 6));
        snprintf(server, sizeof server, "10.0.0.%d", 1 + (int)random_below(&seed, 3));
        talk_to(m, client, server, 80, at_ms, random_below(&seed, 20000));
        talk_to(m, random_below(&seed, 4) ? client : "10.1.0.9", "10.0.0.53", 53, at_ms + 100, 30);
    }
    run(m, NULL, 0, &found);
    struct fl_recheck *r = calloc(found.n + 1, sizeof *r);
    for (size_t i = 0; i < found.n; i++)
        r[i] = (struct fl_recheck){.antecedent = found.rules[i].antecedent,
                                   .consequent = found.rules[i].consequent,
                                   .evidence = found.rules[i].evidence,
                                   .present_antecedent = found.rules[i].present_antecedent};
    run(m, r, found.n, &again);
    for (size_t i = 0; i < found.n; i++) {
        assert_int_equal(r[i].n_antecedent, found.rules[i].n_antecedent);
        assert_int_equal(r[i].n_consequent, found.rules[i].n_consequent);
        assert_int_equal(r[i].n_both, found.rules[i].n_both);
        checked++;
    }
    assert_true(checked >= 5);
    free(r);
    fl_findings_clear(&found);
    fl_findings_clear(&again);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rule_that_holds),
        cmocka_unit_test(test_rules_that_share_nodes),
        cmocka_unit_test(test_rests),
        cmocka_unit_test(test_hits_by_chance),
        cmocka_unit_test(test_a_side_that_stopped),
        cmocka_unit_test(test_bound_hosts),
        cmocka_unit_test(test_no_host_named),
        cmocka_unit_test(test_during),
        cmocka_unit_test(test_odd_ones),
        cmocka_unit_test(test_ranges_with_themselves),
        cmocka_unit_test(test_a_range_with_itself_during),
        cmocka_unit_test(test_same_as_mining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
