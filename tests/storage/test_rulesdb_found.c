/* What else a run finds: periodic rules, which have no consequent, and clusters, which keep their numbers. */
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

static struct fl_rule make_rule(const char *text, int32_t cluster)
{
    struct fl_rule r;
    memset(&r, 0, sizeof r);
    if (fl_rule_parse(text, &r.antecedent, &r.consequent) == 1)
        r.evidence = FL_EVIDENCE_PERIODIC;
    r.n_antecedent = 130;
    r.n_both = 126;
    r.n_windows = 86400;
    r.expected = 3;
    r.lift = 42;
    r.log10_p = r.log10_q = -50;
    r.parent = -1;
    r.cluster = cluster;
    return r;
}

static struct fl_rule make_beacon(void)
{
    struct fl_rule r = make_rule("10.0.0.5.* : 198.51.100.9.443/tcp every 5 min", -1);
    r.period = (struct fl_period){.period_ms = 300000, .spread_ms = 2500, .missed = 4};
    r.n_examples = 1;
    r.examples[0] = (struct fl_example){.time_ms = t0 + 1000,
                                        .clients = {r.antecedent.client},
                                        .servers = {r.antecedent.server},
                                        .client_ports = {FL_PORT_ANY},
                                        .server_ports = {443}};
    return r;
}

static size_t store(struct fixture *f, int day, const struct fl_rule *rules, size_t n,
                    const struct fl_cluster *clusters, size_t n_clusters)
{
    struct fl_run run = {
        .location = "paris", .from_ms = t0 + day * day_ms, .to_ms = t0 + (day + 1) * day_ms, .rules = n};
    struct fl_finding_list found = {.rules = rules, .n = n, .clusters = clusters, .n_clusters = n_clusters};
    size_t alerts = 0;
    assert_int_equal(fl_rulesdb_store_run(f->db, &run, &found, false, &alerts, NULL), 0);
    return alerts;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "(none)";
}

static void test_periodic(void **state)
{
    struct fixture *f = *state;
    struct fl_rule beacon = make_beacon();
    json_t *rule = NULL, *alerts = json_array();
    struct fl_alert_filter open = {.state = "open"};
    assert_int_equal(store(f, 0, &beacon, 1, NULL, 0), 1);
    assert_int_equal(fl_rulesdb_evidence(f->db, 1, &rule, NULL), 0);
    assert_string_equal(text_of(rule, "rule"), "10.0.0.5.* : 198.51.100.9.443/tcp every 5 min");
    assert_string_equal(text_of(rule, "arrow"), "every");
    assert_string_equal(text_of(rule, "evidence"), "periodic");
    assert_true(json_is_null(json_object_get(rule, "consequent")));
    assert_int_equal(json_integer_value(json_object_get(rule, "period_ms")), 300000);
    assert_int_equal(json_integer_value(json_object_get(rule, "period_spread_ms")), 2500);
    assert_int_equal(json_integer_value(json_object_get(rule, "missed")), 4);
    json_t *example = json_array_get(json_object_get(rule, "examples"), 0);
    assert_string_equal(text_of(json_object_get(example, "antecedent"), "server"), "198.51.100.9");
    assert_true(json_is_null(json_object_get(example, "consequent")));
    json_decref(rule);
    assert_int_equal(fl_rulesdb_alerts(f->db, &open, collect, alerts, NULL), 0);
    assert_string_equal(text_of(json_array_get(alerts, 0), "text"),
                        "New at paris: 10.0.0.5 asks 198.51.100.9 port 443/tcp every 5 min (126 of 130 beats "
                        "came, usually within 3 s of their time)");
    json_decref(alerts);
}

/* A period that moves is the same rule; a decision by pattern covers it; it is found by its text. */
static void test_periodic_lives_like_a_rule(void **state)
{
    struct fixture *f = *state;
    struct fl_rule beacon = make_beacon();
    struct fl_decision accept = {.verdict = FL_ACCEPT,
                                 .pattern = "*.* : 198.51.100.0/24.443/tcp",
                                 .until_ms = INT64_MAX,
                                 .author = "ann",
                                 .now_ms = t0};
    json_t *changed = json_array();
    int64_t id = 0;
    store(f, 0, &beacon, 1, NULL, 0);
    beacon.period.period_ms = 301000;
    assert_int_equal(store(f, 1, &beacon, 1, NULL, 0), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule"), 1);
    assert_int_equal(
        fl_rulesdb_find_rule(f->db, "10.0.0.5.* : 198.51.100.9.443/tcp every 5 min", NULL, &id, NULL), 0);
    assert_int_equal(id, 1);
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, collect, changed, NULL), 0);
    assert_int_equal(json_array_size(changed), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules WHERE consequent IS NULL"), 1);
    json_decref(changed);
}

/* Its starts go on, but in no period: there is no right side that could have stopped. */
static void test_periodic_is_gone(void **state)
{
    struct fixture *f = *state;
    struct fl_rule beacon = make_beacon();
    store(f, 0, &beacon, 1, NULL, 0);
    assert_int_equal(sqlite3_exec(f->db->sqlite,
                                  "UPDATE rule SET learned = 1, recheck_ms = 1, recheck_antecedent = 130, "
                                  "recheck_consequent = 0, recheck_both = 0",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    store(f, 9, NULL, 0, NULL, 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'gone' AND gone_why = 'it went on, "
                               "but keeps no period any more'"),
                     1);
}

/* ---- clusters ---- */

static const char *const texts[] = {"*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.2.22/tcp",
                                    "*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.3.22/tcp",
                                    "*.* : 10.0.0.2.22/tcp <=> *.* : 10.0.0.3.22/tcp",
                                    "10.0.0.7.* : 10.0.0.8.80/tcp => 10.0.0.7.* : *.53/udp",
                                    "10.0.0.7.* : 10.0.0.9.80/tcp => 10.0.0.7.* : *.53/udp"};
enum { N_TEXTS = sizeof texts / sizeof texts[0] };

/* Rules in the given clusters, -1 for none; by cluster their counts. */
static void store_clusters(struct fixture *f, int day, const int32_t *members, size_t n, size_t n_clusters)
{
    struct fl_rule rules[N_TEXTS];
    struct fl_cluster clusters[3] = {{"3 routers, port 22, any client (clique)", "clique", 0, 3, 1.5},
                                     {"1 client, 2 servers, port 80 (star)", "star", 0, 3, 0.5},
                                     {"another", "pair", 0, 2, 0.1}};
    for (size_t i = 0; i < n; i++) {
        rules[i] = make_rule(texts[i], members[i]);
        if (members[i] >= 0)
            clusters[members[i]].rules++;
    }
    store(f, day, rules, n, clusters, n_clusters);
}

static void test_clusters(void **state)
{
    struct fixture *f = *state;
    json_t *all = json_array(), *rules = json_array();
    struct fl_rule_filter any = {.status = "all"};
    store_clusters(f, 0, (const int32_t[]){0, 0, 0, 1, -1}, 5, 2);
    assert_int_equal(fl_rulesdb_clusters(f->db, "paris", collect, all, NULL), 0);
    assert_int_equal(json_array_size(all), 2);
    assert_keys(json_array_get(all, 0), "id, location, name, form, rules, nodes, score");
    assert_string_equal(text_of(json_array_get(all, 0), "name"), "3 routers, port 22, any client (clique)");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "rules")), 3);
    json_array_clear(all);
    assert_int_equal(fl_rulesdb_clusters(f->db, "tokyo", collect, all, NULL), 0);
    assert_int_equal(json_array_size(all), 0);
    assert_int_equal(fl_rulesdb_rules(f->db, &any, collect, rules, NULL), 0);
    assert_string_equal(text_of(json_array_get(rules, 3), "cluster"), "1 client, 2 servers, port 80 (star)");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rules, 3), "cluster_id")), 2);
    assert_true(json_is_null(json_object_get(json_array_get(rules, 4), "cluster")));
    json_decref(all);
    json_decref(rules);
}

static void test_clusters_keep_their_numbers(void **state)
{
    struct fixture *f = *state;
    store_clusters(f, 0, (const int32_t[]){0, 0, 0, 1, 1}, 5, 2);
    store_clusters(f, 1, (const int32_t[]){1, 1, 1, 0, 0}, 5, 2); /* found in another order */
    assert_int_equal(scalar(f, "SELECT cluster_id FROM rule WHERE id = 1"), 1);
    assert_int_equal(scalar(f, "SELECT cluster_id FROM rule WHERE id = 5"), 2);
    store_clusters(f, 2, (const int32_t[]){0, 0, 1, 2, -1}, 5, 3); /* one of three goes its own way */
    assert_int_equal(scalar(f, "SELECT cluster_id FROM rule WHERE id = 1"), 1);
    assert_int_equal(scalar(f, "SELECT cluster_id FROM rule WHERE id = 2"), 1);
    assert_int_equal(scalar(f, "SELECT cluster_id FROM rule WHERE id = 3"), 3);
    assert_int_equal(scalar(f, "SELECT cluster_id FROM rule WHERE id = 4"), 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule WHERE cluster_id IS NULL"), 1);
    store_clusters(f, 3, (const int32_t[]){0, 0, 0, 0, 0}, 5,
                   1); /* all in one, of which no old one was half */
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule WHERE cluster_id = 4"), 5);
    assert_int_equal(scalar(f, "SELECT count(*) FROM cluster"), 1);
    store_clusters(f, 4, (const int32_t[]){0, 0}, 2, 0); /* an index without a cluster is none */
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule WHERE cluster_id IS NULL"), 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM cluster"), 1); /* the three not found keep theirs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_periodic), TEST(test_periodic_lives_like_a_rule),  TEST(test_periodic_is_gone),
        TEST(test_clusters), TEST(test_clusters_keep_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
