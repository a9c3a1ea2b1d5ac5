/* Alerts: one a cluster, growing while it is open and shrinking by decisions; how loud and why;
 * acknowledging.
 */
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

static const char *const clique[] = {"*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.2.22/tcp",
                                     "*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.3.22/tcp",
                                     "*.* : 10.0.0.2.22/tcp <=> *.* : 10.0.0.3.22/tcp",
                                     "10.0.0.7.* : 10.0.0.8.80/tcp => 10.0.0.7.* : 10.0.0.53.53/udp"};
/* Each of a shape of its own. */
static const char *const unlike[] = {"*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.2.22/tcp",
                                     "*.* : 10.0.0.1.23/tcp <=> *.* : 10.0.0.3.23/tcp",
                                     "*.* : 10.0.0.2.25/tcp <=> *.* : 10.0.0.3.25/tcp"};
static const char routers[] = "3 routers, port 22, any client (clique)";

static struct fl_rule make_rule(const char *text, int32_t cluster)
{
    struct fl_rule r;
    memset(&r, 0, sizeof r);
    assert_int_equal(fl_rule_parse(text, &r.antecedent, &r.consequent), 0);
    r.both = strstr(text, "<=>") != NULL;
    r.n_antecedent = 44;
    r.n_consequent = 50;
    r.n_both = 41;
    r.n_windows = 86400;
    r.expected = 1;
    r.lift = 39;
    r.score = 0.001;
    r.log10_p = -90;
    r.log10_q = -80;
    r.parent = -1;
    r.cluster = cluster;
    return r;
}

/* Rules texts[0..n) of which members[i] says the cluster, -1: none. Alerts opened. */
static size_t store_texts(struct fixture *f, int day, const char *const *texts, const int32_t *members,
                          size_t n)
{
    struct fl_rule rules[4];
    struct fl_cluster clusters[2] = {{"", "clique", 0, 3, 1.5}, {"another", "pair", 0, 2, 0.1}};
    struct fl_run run = {.location = "paris", .from_ms = t0 + day * day_ms, .to_ms = t0 + (day + 1) * day_ms};
    size_t alerts = 99;
    strcpy(clusters[0].name, routers);
    for (size_t i = 0; i < n; i++) {
        rules[i] = make_rule(texts[i], members[i]);
        if (members[i] >= 0)
            clusters[members[i]].rules++;
    }
    run.rules = n;
    assert_int_equal(fl_rulesdb_store_run(f->db, &run,
                                          &(struct fl_finding_list){
                                              .rules = rules, .n = n, .clusters = clusters, .n_clusters = 2},
                                          false, &alerts, NULL),
                     0);
    return alerts;
}

static size_t store(struct fixture *f, int day, const int32_t *members, size_t n)
{
    return store_texts(f, day, clique, members, n);
}

/* Member of the alert as text, numbers too; good until the next call. */
static const char *member(struct fixture *f, int64_t id, const char *key)
{
    static char text[2000];
    struct fl_alert_filter filter = {.id = id};
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_alerts(f->db, &filter, collect, all, NULL), 0);
    assert_int_equal(json_array_size(all), 1);
    const json_t *value = json_object_get(json_array_get(all, 0), key);
    if (json_is_string(value))
        snprintf(text, sizeof text, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    else
        strcpy(text, "null");
    json_decref(all);
    return text;
}

static size_t count_alerts(struct fixture *f, const char *state)
{
    struct fl_alert_filter filter = {.state = state};
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_alerts(f->db, &filter, collect, all, NULL), 0);
    size_t n = json_array_size(all);
    json_decref(all);
    return n;
}

static int decide_on(struct fixture *f, enum fl_verdict verdict, struct fl_decision d, size_t *changed)
{
    json_t *rules = json_array();
    d.verdict = verdict;
    d.until_ms = INT64_MAX;
    d.author = "ann";
    d.note = "jump hosts";
    d.now_ms = t0;
    int rc = fl_rulesdb_decide(f->db, &d, collect, rules, NULL);
    *changed = json_array_size(rules);
    json_decref(rules);
    return rc;
}

static int ack(struct fixture *f, const int64_t *ids, size_t n)
{
    struct fl_ack a = {ids, n, NULL, "on it", "ann", t0 + 5};
    json_t *changed = json_array();
    int rc = fl_rulesdb_ack(f->db, &a, collect, changed, NULL);
    int result = rc ? rc : (int)json_array_size(changed);
    json_decref(changed);
    return result;
}

/* ---- one a cluster ---- */

static void test_a_cluster_is_one_alert(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store(f, 0, (const int32_t[]){0, 0, 0, -1}, 4), 2);
    assert_string_equal(member(f, 1, "rules"), "3");
    assert_string_equal(member(f, 1, "cluster"), routers);
    assert_string_equal(member(f, 1, "rule_id"), "1");
    assert_string_equal(
        member(f, 1, "text"),
        "New at paris: 3 routers, port 22, any client (clique), 3 rules; the strongest: when any client asks "
        "10.0.0.1 port 22/tcp, any client asks 10.0.0.2 port 22/tcp, and the other way round (in 41 of 44 "
        "cases, 39 times more often than chance)");
    assert_string_equal(member(f, 1, "why"),
                        "high: no location knows anything of this shape; chance does not "
                        "make it (q 1e-80); it touches 3 hosts.");
    assert_string_equal(member(f, 2, "rules"), "1");
    assert_string_equal(member(f, 2, "cluster"), "null");
    assert_int_equal(store(f, 1, (const int32_t[]){0, 0, 0, -1}, 4), 0); /* never twice */
    assert_int_equal(count_alerts(f, "all"), 2);
}

static void test_an_open_alert_grows(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store(f, 0, (const int32_t[]){-1}, 1), 1);
    assert_string_equal(member(f, 1, "cluster"), "null");
    assert_int_equal(store(f, 1, (const int32_t[]){0, 0}, 2), 0);
    assert_string_equal(member(f, 1, "rules"), "2");
    assert_string_equal(member(f, 1, "cluster"), routers);
    assert_int_equal(ack(f, (const int64_t[]){1}, 1), 1);
    assert_int_equal(store(f, 2, (const int32_t[]){0, 0, 0}, 3), 1); /* what comes after the look is told */
    assert_string_equal(member(f, 1, "rules"), "2");
    assert_string_equal(member(f, 2, "rules"), "1");
}

static void test_a_row_is_whole_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        sqlite3_exec(
            f->db->sqlite,
            "CREATE TABLE seen (text); CREATE TRIGGER watch AFTER INSERT ON alert BEGIN INSERT INTO seen "
            "VALUES (NEW.text || NEW.why || NEW.rules); END; CREATE TRIGGER watch2 AFTER UPDATE OF text "
            "ON alert BEGIN INSERT INTO seen VALUES ('again'); END",
            NULL, NULL, NULL),
        SQLITE_OK);
    store(f, 0, (const int32_t[]){-1}, 1);
    store(f, 1, (const int32_t[]){-1}, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM seen WHERE text LIKE 'New at paris%high:%.1'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM seen"), 1);
    store(f, 2, (const int32_t[]){0, 0, 0}, 3); /* two join: it grows once */
    assert_int_equal(scalar(f, "SELECT count(*) FROM seen WHERE text = 'again'"), 1);
    assert_string_equal(member(f, 1, "rules"), "3");
}

static void test_decisions_shrink_and_close(void **state)
{
    struct fixture *f = *state;
    size_t changed;
    store(f, 0, (const int32_t[]){0, 0, 0}, 3);
    assert_int_equal(
        decide_on(f, FL_ACCEPT, (struct fl_decision){.ids = (const int64_t[]){1}, .n_ids = 1}, &changed), 0);
    assert_string_equal(member(f, 1, "state"), "open");
    assert_string_equal(member(f, 1, "rules"), "2");
    assert_string_equal(member(f, 1, "rule_id"), "2");
    assert_int_equal(decide_on(f, FL_IGNORE, (struct fl_decision){.alert_id = 1}, &changed), 0);
    assert_int_equal(changed, 2); /* the accepted one is not undone */
    assert_string_equal(member(f, 1, "state"), "closed");
    assert_string_equal(member(f, 1, "note"), "jump hosts");
    assert_string_equal(member(f, 1, "author"), "ann");
    assert_string_equal(member(f, 1, "rules"), "0");
    assert_int_equal(decide_on(f, FL_REOPEN, (struct fl_decision){.alert_id = 1}, &changed), 0);
    assert_int_equal(changed, 3);
    assert_string_equal(member(f, 1, "state"), "open");
    assert_string_equal(member(f, 1, "rules"), "3");
    assert_string_equal(member(f, 1, "note"), "null");
    assert_int_equal(count_alerts(f, "all"), 1);
}

static void test_decisions_by_cluster(void **state)
{
    struct fixture *f = *state;
    size_t changed;
    store(f, 0, (const int32_t[]){0, 0, 0, -1}, 4);
    assert_int_equal(decide_on(f, FL_ACCEPT, (struct fl_decision){.cluster_id = 9}, &changed), FL_ENOENT);
    assert_int_equal(decide_on(f, FL_ACCEPT, (struct fl_decision){.alert_id = 9}, &changed), FL_ENOENT);
    assert_int_equal(
        decide_on(f, FL_ACCEPT, (struct fl_decision){.cluster_id = 1, .dry_run = true}, &changed), 0);
    assert_int_equal(changed, 3);
    assert_int_equal(count_alerts(f, NULL), 2);
    assert_int_equal(decide_on(f, FL_ACCEPT, (struct fl_decision){.cluster_id = 1}, &changed), 0);
    assert_int_equal(changed, 3);
    assert_int_equal(count_alerts(f, NULL), 1);
}

/* ---- how loud ---- */

static void test_severity(void **state)
{
    struct fl_alert_weight w = {.rules = 1, .grade = FL_NEW, .q_value = 1e-9, .hosts = 3};
    char why[FL_ALERT_WHY];
    assert_string_equal(fl_alert_severity(&w), "high");
    w.hosts = 10;
    assert_string_equal(fl_alert_severity(&w), "high");
    w.grade = FL_NEW_HERE;
    assert_string_equal(fl_alert_severity(&w), "high");
    assert_non_null(strstr(fl_alert_why(&w, why), "it touches 10 hosts, which raises it"));
    w.hosts = 9;
    assert_string_equal(fl_alert_severity(&w), "medium");
    w.q_value = 0.009;
    assert_string_equal(fl_alert_severity(&w), "low");
    assert_non_null(strstr(fl_alert_why(&w, why), "chance may have made it (q 0.009), which lowers it"));
    w.grade = FL_NEW_HOSTS;
    assert_string_equal(fl_alert_severity(&w), "low");
    w = (struct fl_alert_weight){.rules = 1, .grade = FL_NEW, .q_value = 1e-9, .hosts = 1, .clock = true};
    assert_string_equal(fl_alert_severity(&w), "low");
    strcpy(w.held, "12 % of the records were lost");
    assert_string_equal(
        fl_alert_why(&w, why),
        "low: no location knows anything of this shape; chance does not make it (q 1e-09); it "
        "touches 1 host; it keeps to the clock, as jobs do, which makes it low; it was held back "
        "first: 12 % of the records were lost.");
}

/* ---- acknowledging ---- */

static void test_ack(void **state)
{
    struct fixture *f = *state;
    size_t changed;
    store_texts(f, 0, unlike, (const int32_t[]){-1, -1, -1}, 3);
    assert_int_equal(ack(f, (const int64_t[]){1, 99}, 2), FL_ENOENT);
    assert_int_equal(count_alerts(f, "open"), 3); /* all or nothing */
    assert_int_equal(ack(f, (const int64_t[]){2}, 1), 1);
    assert_string_equal(member(f, 2, "state"), "acked");
    assert_string_equal(member(f, 2, "acked"), "2022-06-12T22:00:00.005Z");
    assert_string_equal(member(f, 2, "note"), "on it");
    assert_int_equal(ack(f, (const int64_t[]){2}, 1), 0);
    assert_int_equal(ack(f, NULL, 0), 2);
    assert_int_equal(store_texts(f, 1, unlike, (const int32_t[]){-1, -1, -1}, 3), 0); /* not told again */
    assert_int_equal(decide_on(f, FL_ACCEPT, (struct fl_decision){.all = true}, &changed), 0);
    assert_int_equal(count_alerts(f, "closed"), 3);
    assert_int_equal(ack(f, (const int64_t[]){2}, 1), 0);
}

static void test_what_changed(void **state)
{
    struct fixture *f = *state;
    json_t *all = json_array();
    store_texts(f, 0, unlike, (const int32_t[]){-1, -1}, 2);
    assert_int_equal(sqlite3_exec(f->db->sqlite, "UPDATE alert SET changed_ms = id * 1000", NULL, NULL, NULL),
                     SQLITE_OK);
    struct fl_alert_filter filter = {.changed = "1970-01-01T00:00:02.000Z"};
    assert_int_equal(fl_rulesdb_alerts(f->db, &filter, collect, all, NULL), 0);
    assert_int_equal(json_array_size(all), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "id")), 2);
    json_decref(all);
}

/* A rule whose decision lapses while the alert that told of it is open for others is told of there again. */
static void test_what_lapses_is_told_again(void **state)
{
    struct fixture *f = *state;
    const int32_t one[] = {0, 0, 0};
    const int64_t first = 1;
    size_t changed;
    store(f, 0, one, 3);
    assert_int_equal(decide_on(f, FL_ACCEPT, (struct fl_decision){.ids = &first, .n_ids = 1}, &changed), 0);
    assert_string_equal(member(f, 1, "rules"), "2");
    assert_int_equal(sqlite3_exec(f->db->sqlite, "UPDATE decision SET until_ms = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store(f, 1, one, 3), 0);
    assert_string_equal(member(f, 1, "rules"), "3");
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE kind = 'grown'"), 1);
    assert_int_equal(store(f, 2, one, 3), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 2);
}

/* A rule whose decision lapsed when its alert was closed is told of by another one, and counts in that alone.
 */
static void test_a_rule_counts_once(void **state)
{
    struct fixture *f = *state;
    const int32_t both[] = {0, 0};
    const int64_t first = 1;
    size_t changed;
    store(f, 0, both, 2);
    assert_int_equal(decide_on(f, FL_ACCEPT, (struct fl_decision){.all = true}, &changed), 0);
    assert_int_equal(sqlite3_exec(f->db->sqlite,
                                  "UPDATE decision SET until_ms = 1 WHERE identity = (SELECT identity "
                                  "FROM rule WHERE id = 2)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store(f, 1, both, 2), 1);
    assert_string_equal(member(f, 2, "rules"), "1");
    assert_int_equal(decide_on(f, FL_REOPEN, (struct fl_decision){.ids = &first, .n_ids = 1}, &changed), 0);
    assert_string_equal(member(f, 1, "state"), "open");
    assert_string_equal(member(f, 1, "rules"), "1");
    assert_int_equal(store(f, 2, both, 2), 0);
    assert_string_equal(member(f, 1, "rules"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_cluster_is_one_alert),
        TEST(test_what_lapses_is_told_again),
        TEST(test_a_rule_counts_once),
        TEST(test_an_open_alert_grows),
        TEST(test_a_row_is_whole_at_once),
        TEST(test_decisions_shrink_and_close),
        TEST(test_decisions_by_cluster),
        TEST(test_severity),
        TEST(test_ack),
        TEST(test_what_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
