/* What stopped is told once, however many known rules it stood in. */
#include "tests/storage/broken_fixture.h"

static const char sixth[] = "*.* : 10.0.0.6.80/tcp => 10.0.0.6.* : 10.0.0.9.5432/tcp",
                  seventh[] = "*.* : 10.0.0.7.80/tcp => 10.0.0.7.* : 10.0.0.9.5432/tcp",
                  elsewhere[] = "*.* : 10.0.0.8.80/tcp => 10.0.0.8.* : 10.0.0.99.5432/tcp";

static void start_four(struct fixture *f)
{
    start(f, web);
    start(f, sixth);
    start(f, seventh);
    start(f, elsewhere);
}

static int64_t count_alerts(struct fixture *f, const char *where)
{
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM alerts WHERE kind = 'broken' AND %s", where);
    return scalar(f, sql);
}

/* A server that stopped is one alert whatever its ports, and another server another. */
static void test_a_server_that_stopped(void **state)
{
    struct fixture *f = *state;
    start_four(f);
    sqlite3_exec(f->db->sqlite,
                 "UPDATE figures SET hosts = 20 WHERE id = (SELECT figures_id FROM rule WHERE id = 3)", NULL,
                 NULL, NULL);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 30}), 2);
    assert_int_equal(
        count_alerts(f, "rules = 3 AND rule_id = 3 AND severity = 'high' AND text LIKE 'Broken at paris: "
                        "\"any client asks 10.0.0.7 port 80/tcp\" goes on%in its last 30 cases. 2 other "
                        "rules say the same of 10.0.0.9. Has something moved, or failed?'"),
        1);
    assert_int_equal(count_alerts(f, "rules = 1 AND rule_id = 4 AND text NOT LIKE '%other rule%'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 2); /* opened whole */
    assert_int_equal(store(f, 2, web, (struct seen){.since = 40}), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 2);
}

/* What breaks later joins, and is seen also where somebody is on it already. */
static void test_joining_what_stopped(void **state)
{
    struct fixture *f = *state;
    start_four(f);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 30, .only = 2}), 1);
    sqlite3_exec(f->db->sqlite,
                 "UPDATE alert SET state = 'acked', acked_ms = 1, note = 'on it', author = 'ann'", NULL, NULL,
                 NULL);
    assert_int_equal(store(f, 2, web, (struct seen){.since = 35, .only = 3}), 0);
    assert_int_equal(
        count_alerts(f, "state = 'open' AND acked IS NULL AND author IS NULL AND rules = 2 AND "
                        "rule_id = 3 AND text LIKE '%. 1 other rule says the same of 10.0.0.9. Has%'"),
        1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE kind = 'grown'"), 1);
}

/* Each leaves as it holds again; the last one closes the alert. */
static void test_mending_one_by_one(void **state)
{
    struct fixture *f = *state;
    start_four(f);
    store(f, 1, web, (struct seen){.since = 30});
    store(f, 2, web, (struct seen){.only = 1, .others = 35});
    assert_int_equal(count_alerts(f, "state = 'open' AND id = 1 AND rules = 2 AND rule_id = 2 AND rule LIKE "
                                     "'%10.0.0.6.80%' AND text LIKE '%10.0.0.6%1 other rule says%'"),
                     1);
    assert_int_equal(scalar(f, "SELECT mended_ms > 0 FROM rule WHERE id = 1"), 1);
    assert_int_equal(store(f, 3, web, (struct seen){.since = 30, .only = 1}), 0); /* it breaks anew */
    assert_int_equal(count_alerts(f, "id = 1 AND rules = 3"), 1);
    store(f, 4, web, (struct seen){.only = 1, .others = 36});
    assert_int_equal(count_alerts(f, "id = 1 AND rules = 2 AND rule_id = 2"), 1);
    store(f, 5, web, (struct seen){.only = 2});
    assert_int_equal(count_alerts(f, "state = 'open' AND id = 1 AND rules = 1"), 1);
    store(f, 6, web, (struct seen){.only = 3});
    assert_int_equal(count_alerts(f, "state = 'closed' AND id = 1 AND rules = 0 AND note = 'it holds again'"),
                     1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE alert_id = 1 AND kind = 'closed'"), 1);
    assert_int_equal(count_alerts(f, "state = 'open' AND rule_id = 4"), 1);
}

/* One of them that is decided upon leaves the others told, and is itself not told before it has held again.
 */
static void test_deciding_on_one_of_them(void **state)
{
    struct fixture *f = *state;
    int64_t id = 1;
    struct fl_decision accept = {.verdict = FL_ACCEPT,
                                 .ids = &id,
                                 .n_ids = 1,
                                 .until_ms = INT64_MAX,
                                 .author = "ann",
                                 .note = "retired"};
    start_four(f);
    store(f, 1, web, (struct seen){.since = 30});
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(count_alerts(f, "state = 'open' AND id = 1 AND rules = 2"), 1);
    assert_int_equal(
        count_alerts(f, "state = 'closed' AND rule_id = 1 AND author = 'ann' AND note = 'retired' AND "
                        "text LIKE 'Broken at paris, as alert 1 told: *.* : 10.0.0.5.80/tcp%'"),
        1);
    assert_int_equal(store(f, 2, web, (struct seen){.since = 40}), 0);
    assert_int_equal(count_alerts(f, "id = 1 AND rule_id = 2 AND rules = 2 AND text LIKE '%1 other rule%'"),
                     1);
    store(f, 3, web, (struct seen){.only = 1});
    assert_int_equal(store(f, 4, web, (struct seen){.since = 50, .only = 1}), 0); /* joins the open one */
    assert_int_equal(count_alerts(f, "id = 1 AND rules = 3"), 1);
}

/* Deciding on the alert is deciding on all, and makes no alert of each. */
static void test_deciding_on_all_of_them(void **state)
{
    struct fixture *f = *state;
    size_t silenced;
    start_four(f);
    store(f, 1, web, (struct seen){.since = 30});
    decide(f, FL_ACCEPT, &silenced);
    assert_int_equal(count_alerts(f, "1"), 2);
    assert_int_equal(count_alerts(f, "state = 'closed' AND author = 'ann'"), 1);
    assert_int_equal(store(f, 2, web, (struct seen){.since = 40}), 0);
    store(f, 3, web, (struct seen){.only = 2});
    assert_int_equal(store(f, 4, web, (struct seen){.since = 40}), 1); /* the one that held in between */
    assert_int_equal(count_alerts(f, "state = 'open' AND rules = 1 AND rule_id = 2"), 1);
}

/* One that leaves and one that joins in the same run: it has grown all the same. */
static void test_one_for_another(void **state)
{
    struct fixture *f = *state;
    start_four(f);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 30, .only = 1}), 1);
    store(f, 2, web, (struct seen){.since = 30, .only = 2});
    sqlite3_exec(f->db->sqlite, "UPDATE alert SET state = 'acked'", NULL, NULL, NULL);
    assert_int_equal(store(f, 3, web, (struct seen){.only = 1, .others = 30}), 1); /* elsewhere */
    assert_int_equal(count_alerts(f, "id = 1 AND state = 'open' AND rules = 2 AND rule_id = 2"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE alert_id = 1 AND kind = 'grown'"), 2);
}

/* Between two ports of one server it is the side that was lost that is told, also when another rule joins. */
static void test_two_ports_of_a_server(void **state)
{
    struct fixture *f = *state;
    int64_t id = 2;
    struct fl_decision accept = {.verdict = FL_ACCEPT, .ids = &id, .n_ids = 1, .until_ms = INT64_MAX};
    start(f, "10.0.0.9.* : 10.0.0.9.80/tcp <=> *.* : 10.0.0.9.443/tcp");
    start(f, web);
    store(f, 1, web, (struct seen){.reverse_since = 30, .only = 1});
    static const char told[] =
        "text LIKE 'Broken at paris: \"any client asks 10.0.0.9 port 443/tcp\" goes on, but "
        "\"10.0.0.9 asks 10.0.0.9 port 80/tcp\"%'";
    assert_int_equal(count_alerts(f, told), 1);
    store(f, 2, web, (struct seen){.since = 30, .only = 2});
    assert_int_equal(count_alerts(f, "rules = 2 AND rule_id = 2"), 1);
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    store(f, 3, web, (struct seen){.reverse_since = 45});
    assert_int_equal(count_alerts(f, told), 1);
    assert_int_equal(count_alerts(f, "rules = 1 AND rule_id = 1 AND text LIKE '%last 45 cases%'"), 1);
}

/* What a run can say nothing of keeps its words. */
static void test_words_stay(void **state)
{
    struct fixture *f = *state;
    int64_t id = 1;
    struct fl_decision accept = {.verdict = FL_ACCEPT, .ids = &id, .n_ids = 1, .until_ms = INT64_MAX};
    start_four(f);
    store(f, 3, web, (struct seen){.since = 30});
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    store(f, 4, web, (struct seen){.since = 70, .unclean = true});
    store(f, 2, web, (struct seen){.since = 60}); /* older */
    store(f, 5, web, (struct seen){.only = 4});
    assert_int_equal(count_alerts(f, "id = 1 AND rules = 2 AND text LIKE '%10.0.0.5 port 80%last 30 cases%'"),
                     1);
    store(f, 6, web, (struct seen){.since = 50});
    assert_int_equal(
        count_alerts(f, "id = 1 AND rules = 2 AND rule_id = 2 AND text LIKE '%10.0.0.6%last 50 cases%'"), 1);
}

/* A decision on all rules of an alert, whichever way they are named, closes it as one. */
static void test_deciding_by_pattern(void **state)
{
    struct fixture *f = *state;
    int64_t ids[] = {1, 2, 3};
    struct fl_decision accept = {
        .verdict = FL_ACCEPT, .ids = ids, .n_ids = 3, .until_ms = INT64_MAX, .author = "ann"};
    start_four(f);
    store(f, 1, web, (struct seen){.since = 30});
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(count_alerts(f, "1"), 2);
    assert_int_equal(count_alerts(f, "id = 1 AND state = 'closed' AND author = 'ann'"), 1);
    assert_int_equal(store(f, 2, web, (struct seen){.since = 40}), 0);
}

/* Rules that are long gone, or were forgotten, are told no more. */
static void test_rules_that_leave(void **state)
{
    struct fixture *f = *state;
    start_four(f);
    store(f, 1, web, (struct seen){.since = 90});
    store(f, 14 * 24, seventh, (struct seen){.since = 90, .found = true});
    assert_int_equal(count_alerts(f, "state = 'open' AND rules = 1 AND rule_id = 3"), 1);
    assert_int_equal(count_alerts(f, "state = 'closed' AND note LIKE 'its rule has been gone for a week: %'"),
                     1);
    sqlite3_exec(f->db->sqlite, "DELETE FROM rule WHERE id = 3", NULL, NULL, NULL);
    store(f, 14 * 24 + 1, web, (struct seen){.since = 90});
    assert_int_equal(count_alerts(f, "state = 'closed' AND note = 'its rule is there no longer'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_server_that_stopped),   TEST(test_joining_what_stopped),
        TEST(test_mending_one_by_one),      TEST(test_deciding_on_one_of_them),
        TEST(test_deciding_on_all_of_them), TEST(test_one_for_another),
        TEST(test_two_ports_of_a_server),   TEST(test_words_stay),
        TEST(test_deciding_by_pattern),     TEST(test_rules_that_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
