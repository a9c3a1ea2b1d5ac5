/* Learning: what becomes known by itself, learning anew, and the gauge of how settled a location is. */
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

static const char *const texts[] = {"*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.9.3306/tcp",
                                    "10.0.0.7.* : 10.0.0.53.53/udp <=> 10.0.0.7.* : 10.0.0.9.143/tcp",
                                    "*.* : 10.1.0.1.22/tcp <=> *.* : 10.1.0.2.22/tcp",
                                    "*.* : 10.1.0.1.23/tcp <=> *.* : 10.1.0.2.23/tcp"};

static void make_rules(struct fl_rule rules[4])
{
    memset(rules, 0, 4 * sizeof *rules);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fl_rule_parse(texts[i], &rules[i].antecedent, &rules[i].consequent), 0);
        rules[i].parent = rules[i].cluster = -1;
        rules[i].log10_q = -9;
        rules[i].instances = 1;
    }
}

/* Rules [from, to) of the texts on a day; alerts opened. */
static size_t store(struct fixture *f, int day, size_t from, size_t to, bool learning, int64_t gone_after_ms)
{
    struct fl_rule rules[4];
    struct fl_run run = {.location = "paris",
                         .from_ms = t0 + day * day_ms,
                         .to_ms = t0 + (day + 1) * day_ms,
                         .rules = to - from,
                         .gone_after_ms = gone_after_ms,
                         .learning_until_ms = learning ? t0 + 9 * day_ms : 0};
    size_t alerts = 0;
    make_rules(rules);
    assert_int_equal(fl_rulesdb_store_run(f->db, &run,
                                          &(struct fl_finding_list){.rules = rules + from, .n = to - from},
                                          learning, &alerts, NULL),
                     0);
    return alerts;
}

/* Two statements, the second folded under the first; then the second alone. What of it is told. */
static size_t store_folded(struct fixture *f, bool learning, const char *also)
{
    struct fl_rule rules[4];
    struct fl_run run = {.location = "paris", .from_ms = t0, .to_ms = t0 + day_ms, .rules = 1};
    struct fl_finding_list found = {.rules = rules, .n = 2};
    make_rules(rules);
    rules[1].parent = 0;
    assert_int_equal(fl_rulesdb_store_run(f->db, &run, &found, learning, NULL, NULL), 0);
    assert_int_equal(sqlite3_exec(f->db->sqlite, also, NULL, NULL, NULL), SQLITE_OK);
    return store(f, 1, 0, 2, false, 0);
}

static void test_instance_of_a_learned_rule(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_folded(f, true, ""), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules"), 2);
}

static void test_instance_of_a_novel_rule(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_folded(f, false, ""), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM novel_rules"), 2);
}

static void test_instance_of_an_ignored_rule(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_folded(f, false,
                                  "INSERT INTO decision (location, identity, verdict, made_ms) SELECT "
                                  "'paris', identity, 'ignore', 1 FROM rule;"
                                  "INSERT INTO coverage VALUES (1, 1)"),
                     0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'ignored'"), 2);
}

/* What was decided about the instance itself goes first. */
static void test_instance_with_a_decision(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_folded(f, true,
                                  "INSERT INTO decision (pattern, verdict, made_ms) VALUES ('*.* : "
                                  "10.0.0.9.143/tcp', 'reopen', 1)"),
                     1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM novel_rules"), 1);
}

static json_t *gauge(struct fixture *f)
{
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_locations(f->db, collect, all, NULL), 0);
    json_t *o = json_incref(json_array_get(all, 0));
    json_decref(all);
    return o;
}

static double number(json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

static void test_novel_rules_are_learned(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store(f, 0, 0, 2, false, 0), 2);
    assert_int_equal(store(f, 1, 0, 1, true, 0), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert WHERE state = 'closed'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert WHERE state = 'open'"), 1);
    assert_int_equal(store(f, 2, 0, 2, false, 0), 0);
}

/* A rule that somebody took back stays taken back. */
static void test_decisions_go_first(void **state)
{
    struct fixture *f = *state;
    int64_t id = 1;
    struct fl_decision reopen = {
        .verdict = FL_REOPEN, .ids = &id, .n_ids = 1, .until_ms = INT64_MAX, .author = "ann"};
    store(f, 0, 0, 1, true, 0);
    assert_int_equal(fl_rulesdb_decide(f->db, &reopen, NULL, NULL, NULL), 0);
    assert_int_equal(store(f, 1, 0, 1, true, 0), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM novel_rules"), 1);
}

static void test_relearn_closes_what_is_broken(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    store(f, 0, 0, 2, true, 0);
    assert_int_equal(
        sqlite3_exec(f->db->sqlite,
                     "INSERT INTO alert (location, kind, severity, state, opened_ms, made_ms, "
                     "changed_ms, rule_id, subject, rules, text, why) VALUES ('paris', 'broken', "
                     "'low', 'acked', 1, 1, 1, 1, 'broken 1', 1, '', '')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(fl_rulesdb_relearn(f->db, "paris", day_ms, false, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alerts WHERE state = 'closed' AND rules = 0"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE kind = 'closed'"), 1);
}

static void test_sightings_are_bounded(void **state)
{
    struct fixture *f = *state;
    for (int day = 0; day < 100; day++)
        store(f, day, 0, 1, true, 0);
    store(f, 99, 0, 1, true, 0);
    assert_int_equal(scalar(f, "SELECT runs_seen FROM rules"), 100);
    assert_int_equal(scalar(f, "SELECT count(*) FROM sighting"), 41);
}

static void test_relearn(void **state)
{
    struct fixture *f = *state;
    struct fl_err err = {""};
    int64_t until, id = 1;
    size_t n = 0;
    struct fl_decision accept = {
        .verdict = FL_ACCEPT, .ids = &id, .n_ids = 1, .until_ms = INT64_MAX, .author = "ann"};
    assert_int_equal(fl_rulesdb_relearn(f->db, "paris", day_ms, false, &n, &err), FL_ENOENT);
    assert_non_null(strstr(err.text, "paris has never been mined"));
    store(f, 0, 0, 3, true, 0);
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(fl_rulesdb_relearn_until(f->db, "paris", &until, NULL), 0);
    assert_true(until == INT64_MIN);
    assert_int_equal(fl_rulesdb_relearn(f->db, "paris", day_ms, true, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule"), 3);
    assert_int_equal(fl_rulesdb_relearn(f->db, "paris", day_ms, false, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM figures"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM sighting"), 1);
    assert_int_equal(fl_rulesdb_relearn_until(f->db, "paris", &until, NULL), 0);
    assert_true(until == t0 + 2 * day_ms);
}

static void test_gone_after(void **state)
{
    struct fixture *f = *state;
    store(f, 0, 0, 2, true, 2 * day_ms);
    store(f, 2, 1, 2, true, 2 * day_ms);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'gone'"), 0);
    store(f, 3, 1, 2, true, 2 * day_ms);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'gone'"), 1);
    store(f, 3, 1, 2, true, 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'gone'"), 0);
}

static void test_gauge(void **state)
{
    struct fixture *f = *state;
    store(f, 0, 0, 2, true, 0);
    json_t *o = gauge(f);
    assert_true(number(o, "settled") == 0);
    assert_true(number(o, "alerts_a_day") == -1); /* one run tells nothing */
    assert_string_equal(json_string_value(json_object_get(o, "learning_until")), "2022-06-21T22:00:00.000Z");
    json_decref(o);
    store(f, 2, 0, 4, false, 0);
    o = gauge(f);
    assert_true(number(o, "settled") == 0.5);
    assert_true(number(o, "alerts_a_day") == 2); /* two rules, and one day beside the first */
    assert_true(json_is_null(json_object_get(o, "learning_until")));
    json_decref(o);
    store(f, 20, 0, 4, false, 0);
    o = gauge(f);
    assert_true(number(o, "settled") == 1);
    assert_true(number(o, "alerts_a_day") == 0);
    json_decref(o);
}

/* What a pattern ignores at birth is no alert to expect. */
static void test_gauge_leaves_out_what_is_covered(void **state)
{
    struct fixture *f = *state;
    struct fl_decision ignore = {
        .verdict = FL_IGNORE, .pattern = "*.* : *.22/tcp", .until_ms = INT64_MAX, .author = "ann"};
    store(f, 0, 0, 2, true, 0);
    assert_int_equal(fl_rulesdb_decide(f->db, &ignore, NULL, NULL, NULL), 0);
    store(f, 1, 0, 4, false, 0);
    json_t *o = gauge(f);
    assert_true(number(o, "alerts_a_day") == 1);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_novel_rules_are_learned),
        TEST(test_decisions_go_first),
        TEST(test_instance_of_a_learned_rule),
        TEST(test_instance_of_a_novel_rule),
        TEST(test_instance_of_an_ignored_rule),
        TEST(test_instance_with_a_decision),
        TEST(test_sightings_are_bounded),
        TEST(test_relearn),
        TEST(test_relearn_closes_what_is_broken),
        TEST(test_gone_after),
        TEST(test_gauge),
        TEST(test_gauge_leaves_out_what_is_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
