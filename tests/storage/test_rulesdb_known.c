/* The known-rule table as a whole: what it lists, and what becomes of it at another place. */
#include "storage/timetext.h"
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

static const char *const texts[] = {"*.* : 10.0.0.5.80/tcp ~ 10.0.0.5.* : 10.0.0.9.3306/tcp",
                                    "10.0.0.7.* : 10.0.0.9.143/tcp ~ 10.0.0.7.* : 10.0.0.53.53/udp",
                                    "*.* : 10.1.0.1.22/tcp ~ *.* : 10.1.0.2.22/tcp"};
static const char ssh[] = "*.* : 10.1.0.0/16.22/tcp";

static size_t store(struct fixture *f, const char *location, size_t from, size_t to, bool learning)
{
    struct fl_rule rules[3];
    struct fl_run run = {.from_ms = t0, .to_ms = t0 + day_ms, .rules = to - from};
    size_t alerts = 0;
    snprintf(run.location, sizeof run.location, "%s", location);
    memset(rules, 0, sizeof rules);
    for (size_t i = from; i < to; i++) {
        assert_int_equal(fl_rule_parse(texts[i], &rules[i - from].antecedent, &rules[i - from].consequent),
                         0);
        rules[i - from].parent = -1;
    }
    assert_int_equal(fl_rulesdb_store_run(f->db, &run,
                                          &(struct fl_finding_list){.rules = rules, .n = to - from}, learning,
                                          &alerts, NULL),
                     0);
    return alerts;
}

static void decide(struct fixture *f, struct fl_decision d, int64_t now_ms)
{
    d.author = "ann";
    d.until_ms = d.until_ms ? d.until_ms : INT64_MAX;
    d.now_ms = now_ms;
    assert_int_equal(fl_rulesdb_decide(f->db, &d, NULL, NULL, NULL), 0);
}

static json_t *known(struct fixture *f, const char *location)
{
    json_t *rows = json_array();
    assert_int_equal(fl_rulesdb_known(f->db, location, collect, rows, NULL), 0);
    return rows;
}

static const char *text_of(const json_t *rows, size_t i, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(rows, i), key));
    return text ? text : "(none)";
}

/* Paris has learned one rule, accepted ssh by pattern, and ignores one rule everywhere. */
static void make_paris(struct fixture *f)
{
    store(f, "paris", 0, 1, true);
    store(f, "paris", 1, 3, false);
    decide(f, (struct fl_decision){.verdict = FL_ACCEPT, .location = "paris", .pattern = ssh}, t0);
    decide(f, (struct fl_decision){.verdict = FL_ACCEPT, .identity = texts[1]}, t0 + 1);
    decide(f, (struct fl_decision){.verdict = FL_IGNORE, .identity = texts[1], .note = "ours"}, t0 + 2);
    decide(f, (struct fl_decision){.verdict = FL_IGNORE, .pattern = "10.9.9.9.* : *.*/tcp", .until_ms = t0},
           t0 - 1);
}

static void test_listing(void **state)
{
    struct fixture *f = *state;
    make_paris(f);
    json_t *rows = known(f, "paris");
    assert_int_equal(json_array_size(rows), 3); /* neither what was decided anew nor what has lapsed */
    assert_keys(json_array_get(rows, 0),
                "id, location, verdict, rule, pattern, author, note, made, until, rules, known_why");
    assert_string_equal(text_of(rows, 0, "verdict"), "learned");
    assert_string_equal(text_of(rows, 0, "rule"), texts[0]);
    assert_string_equal(text_of(rows, 1, "pattern"), ssh);
    assert_string_equal(text_of(rows, 1, "location"), "paris");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 1), "rules")), 1);
    assert_string_equal(text_of(rows, 2, "verdict"), "ignore");
    assert_string_equal(text_of(rows, 2, "location"), "(none)");
    assert_string_equal(text_of(rows, 2, "note"), "ours");
    json_decref(rows);
    rows = known(f, "tokyo");
    assert_int_equal(json_array_size(rows), 1); /* the one of every location */
    json_decref(rows);
}

static void test_an_identity_covers_rules_to_come(void **state)
{
    struct fixture *f = *state;
    decide(f, (struct fl_decision){.verdict = FL_ACCEPT, .location = "paris", .identity = texts[0]}, t0);
    assert_int_equal(store(f, "paris", 0, 1, false), 0);
    assert_int_equal(store(f, "tokyo", 0, 1, false), 1);
}

static struct fl_taken take(struct fixture *f, const json_t *rows, const char *location, bool dry_run)
{
    struct fl_taken taken;
    json_t *changed = json_array();
    assert_int_equal(fl_rulesdb_take_known(f->db, rows, location, "bob", t0 + 9 * day_ms, dry_run, &taken,
                                           collect, changed, NULL),
                     0);
    json_decref(changed);
    return taken;
}

static void test_seeding_another_place(void **state)
{
    struct fixture *f = *state;
    make_paris(f);
    json_t *rows = known(f, "paris");
    assert_int_equal(store(f, "london", 0, 3, false), 2); /* one is ignored everywhere */
    struct fl_taken taken = take(f, rows, "london", true);
    assert_int_equal(taken.added, 2);
    assert_int_equal(taken.silenced, 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules WHERE location = 'london'"), 0);
    taken = take(f, rows, "london", false);
    assert_int_equal(taken.added, 2);
    assert_int_equal(taken.there, 1);
    assert_int_equal(taken.silenced, 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules WHERE location = 'london'"), 2);
    assert_int_equal(scalar(f,
                            "SELECT count(*) FROM decision WHERE location = 'london' AND author = 'ann' AND "
                            "made_ms = 1655071200000"),
                     1); /* who decided, and when, stays */
    assert_int_equal(scalar(f,
                            "SELECT count(*) FROM decision WHERE location = 'london' AND author = 'bob' AND "
                            "note = 'learned elsewhere'"),
                     1);
    taken = take(f, rows, "london", false);
    assert_int_equal(taken.added, 0); /* a second time changes nothing */
    assert_int_equal(taken.there, 3);
    taken = take(f, rows, NULL, false); /* nor does going home */
    assert_int_equal(taken.added, 0);
    json_decref(rows);
}

static void test_what_is_newer_here_stays(void **state)
{
    struct fixture *f = *state;
    json_t *rows = json_array();
    json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "verdict", "accept", "rule", texts[0],
                                          "made", "2022-06-12T22:00:00.000Z", "location", "paris"));
    json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "verdict", "accept", "rule", texts[1], "until",
                                          "2022-06-12T22:00:00.000Z"));
    decide(f, (struct fl_decision){.verdict = FL_IGNORE, .location = "paris", .identity = texts[0]}, t0 + 5);
    struct fl_taken taken = take(f, rows, NULL, false);
    assert_int_equal(taken.added, 0);
    assert_int_equal(taken.older, 2); /* one decided anew here, one lapsed */
    taken = take(f, rows, "tokyo", false);
    assert_int_equal(taken.added, 1);
    json_decref(rows);
}

/* A pattern that was decided upon before does not cover what was decided since about one rule here. */
static void test_an_older_pattern_leaves_it(void **state)
{
    struct fixture *f = *state;
    json_t *rows = json_array();
    json_array_append_new(rows,
                          json_pack("{s:s, s:s, s:s, s:s}", "verdict", "accept", "pattern", "*.* : *.*/tcp",
                                    "made", "2022-06-12T22:00:00.000Z", "location", "paris"));
    store(f, "paris", 0, 1, false);
    store(f, "paris", 2, 3, false);
    decide(f, (struct fl_decision){.verdict = FL_IGNORE, .location = "paris", .identity = texts[0]}, t0 + 5);
    decide(f, (struct fl_decision){.verdict = FL_IGNORE, .location = "paris", .identity = texts[1]}, t0 + 5);
    assert_int_equal(take(f, rows, NULL, false).added, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'ignored'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'known'"), 1);
    store(f, "paris", 0, 3, false); /* nor what comes later */
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'ignored'"), 2);
    json_decref(rows);
}

static void test_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct fl_taken taken;
    struct fl_err err = {""};
    json_t *rows = json_array();
    json_array_append_new(rows, json_pack("{s:s, s:s}", "verdict", "accept", "rule", texts[0]));
    json_array_append_new(rows, json_pack("{s:s, s:s}", "verdict", "accept", "pattern", "nonsense"));
    assert_int_equal(fl_rulesdb_take_known(f->db, rows, NULL, "bob", t0, false, &taken, NULL, NULL, &err),
                     FL_EINVAL);
    assert_int_equal(scalar(f, "SELECT count(*) FROM decision"), 0);
    json_decref(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listing),
        TEST(test_an_identity_covers_rules_to_come),
        TEST(test_seeding_another_place),
        TEST(test_what_is_newer_here_stays),
        TEST(test_an_older_pattern_leaves_it),
        TEST(test_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
