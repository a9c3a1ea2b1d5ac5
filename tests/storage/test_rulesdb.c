/* The rules database: the life of a rule, decisions, alerts, and the contract's names. */
#include "storage/timetext.h"
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

/* ---- making runs ---- */

static struct fl_rule make_rule(const char *text)
{
    struct fl_rule r;
    memset(&r, 0, sizeof r);
    assert_int_equal(fl_rule_parse(text, &r.antecedent, &r.consequent), 0);
    r.both = strstr(text, "<=>") != NULL;
    r.n_antecedent = 44;
    r.n_consequent = 50;
    r.n_both = 41;
    r.n_windows = 86400;
    r.confidence = 41 / 44.0;
    r.reverse_confidence = 41 / 50.0;
    r.expected = 41 / 39.0;
    r.lift = 39;
    r.score = 0.0012345678;
    r.log10_p = -900.125;
    r.log10_q = -898;
    r.lag_ms = -12;
    r.parent = -1;
    return r;
}

static struct fl_run make_run(const char *location, int day)
{
    struct fl_run run = {.from_ms = t0 + day * day_ms, .to_ms = t0 + (day + 1) * day_ms, .flows = 1000};
    snprintf(run.location, sizeof run.location, "%s", location);
    return run;
}

/* Store and return how many alerts were opened; *novel is run.novel. */
static size_t store(struct fixture *f, const char *location, int day, const struct fl_rule *rules, size_t n,
                    bool learning, uint64_t *novel)
{
    struct fl_run run = make_run(location, day);
    struct fl_err err = {""};
    size_t alerts = 99;
    run.rules = n;
    int rc = fl_rulesdb_store_run(f->db, &run, &(struct fl_finding_list){.rules = rules, .n = n}, learning,
                                  &alerts, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    assert_true(run.id > 0);
    if (novel)
        *novel = run.novel;
    return alerts;
}

static json_t *list_rules(struct fixture *f, const char *location, const char *status)
{
    struct fl_rule_filter filter = {.location = location, .status = status};
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_rules(f->db, &filter, collect, all, NULL), 0);
    return all;
}

static size_t count_rules(struct fixture *f, const char *status)
{
    json_t *all = list_rules(f, NULL, status);
    size_t n = json_array_size(all);
    json_decref(all);
    return n;
}

static json_t *list_alerts(struct fixture *f, const char *state)
{
    struct fl_alert_filter filter = {.state = state};
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_alerts(f->db, &filter, collect, all, NULL), 0);
    return all;
}

static size_t count_alerts(struct fixture *f, const char *state)
{
    json_t *all = list_alerts(f, state);
    size_t n = json_array_size(all);
    json_decref(all);
    return n;
}

static const char *text_of(json_t *array, size_t i, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(array, i), key));
    return text ? text : "(none)";
}

static struct fl_decision make_decision(enum fl_verdict verdict)
{
    return (struct fl_decision){
        .verdict = verdict, .until_ms = INT64_MAX, .author = "ann", .now_ms = fl_now_ms()};
}

static size_t decide(struct fixture *f, const struct fl_decision *d)
{
    json_t *changed = json_array();
    struct fl_err err = {""};
    int rc = fl_rulesdb_decide(f->db, d, collect, changed, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    size_t n = json_array_size(changed);
    json_decref(changed);
    return n;
}

static const char web_db[] = "*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.9.3306/tcp";
static const char dns_imap[] = "10.0.0.7.* : 10.0.0.53.53/udp <=> 10.0.0.7.* : 10.0.0.9.143/tcp";
static const char ssh[] = "*.* : 10.1.0.1.22/tcp <=> *.* : 10.1.0.2.22/tcp";

/* ---- opening ---- */

static void test_two_connections(void **state)
{
    struct fixture *f = *state;
    struct fl_rulesdb *reader, *writer = f->db;
    struct fl_rule rule = make_rule(web_db);
    assert_int_equal(fl_rulesdb_open(&reader, f->dir, FL_RULESDB_READ, NULL), 0);
    assert_int_equal(sqlite3_exec(writer->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    f->db = reader;
    assert_int_equal(count_rules(f, "all"), 0); /* while the other is inside a transaction */
    f->db = writer;
    assert_int_equal(sqlite3_exec(writer->sqlite, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    store(f, "paris", 0, &rule, 1, false, NULL);
    f->db = reader;
    assert_int_equal(count_rules(f, "all"), 1);
    f->db = writer;
    fl_rulesdb_close(reader);
}

/* ---- the life of a rule ---- */

static void test_lifecycle(void **state)
{
    struct fixture *f = *state;
    uint64_t novel;
    struct fl_rule rules[] = {make_rule(web_db), make_rule(dns_imap)};
    assert_int_equal(store(f, "paris", 0, rules, 2, false, &novel), 2);
    assert_int_equal(novel, 2);
    assert_int_equal(count_alerts(f, NULL), 2);
    assert_int_equal(store(f, "paris", 1, rules, 2, false, &novel), 0); /* still novel, no second alert */
    assert_int_equal(novel, 2);

    struct fl_decision d = make_decision(FL_ACCEPT);
    d.all = true;
    d.note = "seen and fine";
    assert_int_equal(decide(f, &d), 2);
    assert_int_equal(count_alerts(f, NULL), 0);
    assert_int_equal(count_alerts(f, "closed"), 2);
    assert_int_equal(count_rules(f, "known"), 2);
    assert_int_equal(decide(f, &d), 0);
    assert_int_equal(store(f, "paris", 2, rules, 2, false, &novel), 0);
    assert_int_equal(novel, 0);

    json_t *known = list_rules(f, "paris", "known");
    assert_string_equal(text_of(known, 0, "note"), "seen and fine");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(known, 0), "runs_seen")), 3);
    int64_t id = json_integer_value(json_object_get(json_array_get(known, 0), "id"));
    json_decref(known);
    d = make_decision(FL_REOPEN);
    d.ids = &id;
    d.n_ids = 1;
    assert_int_equal(decide(f, &d), 1);
    assert_int_equal(count_rules(f, "novel"), 1);
    assert_int_equal(count_alerts(f, NULL), 1); /* the one that accepting had closed */
    assert_int_equal(count_alerts(f, "all"), 2);
    assert_int_equal(store(f, "paris", 3, rules, 2, false, &novel), 0);
    assert_int_equal(novel, 1);
}

static void test_same_span_counts_once(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rule = make_rule(web_db);
    store(f, "paris", 0, &rule, 1, false, NULL);
    rule.n_both = 30;
    rule.both = true; /* the arrow may turn: the rule stays the same */
    rule.n_examples = 1;
    rule.examples[0].time_ms = t0 + 5000;
    store(f, "paris", 0, &rule, 1, false, NULL);
    store(f, "paris", 0, &rule, 1, false, NULL);
    json_t *all = list_rules(f, NULL, "all");
    assert_int_equal(json_array_size(all), 1);
    json_t *o = json_array_get(all, 0);
    assert_int_equal(json_integer_value(json_object_get(o, "runs_seen")), 1);
    assert_int_equal(json_integer_value(json_object_get(o, "support")), 30);
    assert_string_equal(text_of(all, 0, "arrow"), "<=>");
    assert_string_equal(text_of(all, 0, "first_seen"), "2022-06-12T22:00:00.000Z");
    assert_string_equal(text_of(all, 0, "last_seen"), "2022-06-13T22:00:00.000Z");
    assert_int_equal(scalar(f, "SELECT count(*) FROM figures"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM example"), 1);
    json_decref(all);
}

static void test_learning_and_grades(void **state)
{
    struct fixture *f = *state;
    uint64_t novel;
    struct fl_rule rules[] = {
        make_rule(web_db), make_rule(dns_imap), make_rule(ssh),
        make_rule("*.* : 10.0.0.6.80/tcp => 10.0.0.6.* : 10.0.0.8.3306/tcp"),  /* web_db's shape */
        make_rule("*.* : 10.0.0.6.80/tcp => 10.0.0.7.* : 10.0.0.8.3306/tcp")}; /* hosts shared otherwise */
    assert_int_equal(store(f, "paris", 0, rules, 1, true, &novel), 0);
    assert_int_equal(novel, 0);
    assert_int_equal(store(f, "london", 0, &rules[1], 1, true, &novel), 0); /* which so knows it */
    assert_int_equal(store(f, "tokyo", 0, &rules[2], 1, false, &novel), 1); /* and tokyo does not */
    assert_int_equal(store(f, "paris", 1, rules, 5, false, &novel), 4);
    json_t *a = list_alerts(f, "open");
    assert_int_equal(json_array_size(a), 5);
    assert_string_equal(text_of(a, 1, "novelty"), "new-here");
    assert_string_equal(text_of(a, 1, "severity"), "medium");
    assert_string_equal(text_of(a, 2, "novelty"), "new");
    assert_string_equal(text_of(a, 2, "severity"), "high");
    assert_string_equal(text_of(a, 3, "novelty"), "new-hosts");
    assert_string_equal(text_of(a, 3, "severity"), "low");
    assert_string_equal(text_of(a, 4, "novelty"), "new");
    json_decref(a);
}

static void test_gone(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rules[] = {make_rule(web_db), make_rule(ssh)};
    store(f, "paris", 0, rules, 1, true, NULL);
    store(f, "paris", 7, &rules[1], 1, false, NULL);
    assert_int_equal(count_rules(f, "gone"), 0);
    store(f, "paris", 8, &rules[1], 1, false, NULL);
    assert_int_equal(count_rules(f, "gone"), 1);
    assert_int_equal(count_rules(f, NULL), 1);
    assert_int_equal(store(f, "paris", 9, rules, 2, false, NULL), 0); /* back, and known as before */
    assert_int_equal(count_rules(f, "known"), 1);
}

static void test_instances(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rules[] = {make_rule(ssh), make_rule(web_db), make_rule(dns_imap)};
    rules[1].parent = 0;
    rules[2].parent = 1;
    rules[0].instances = 2;
    uint64_t novel;
    assert_int_equal(store(f, "paris", 0, rules, 3, false, &novel), 1);
    assert_int_equal(novel, 1);
    for (int pass = 0; pass < 2; pass++) {
        json_t *instances = json_array();
        assert_int_equal(fl_rulesdb_instances(f->db, 1, collect, instances, NULL), 0);
        assert_int_equal(json_array_size(instances), 2 - pass);
        assert_string_equal(text_of(instances, 0, "rule"), web_db);
        assert_null(json_object_get(json_array_get(instances, 0), "status"));
        json_decref(instances);
        store(f, "paris", 1 + pass, rules, 2, false, NULL);
    }
    rules[1].parent = 77; /* leads nowhere: left out */
    store(f, "paris", 4, rules, 2, false, NULL);
    assert_int_equal(scalar(f, "SELECT count(*) FROM instance"), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM figures"), 1);
}

/* ---- decisions ---- */

static void test_ignore_by_pattern(void **state)
{
    struct fixture *f = *state;
    uint64_t novel;
    struct fl_rule rules[] = {make_rule(web_db), make_rule(ssh),
                              make_rule("*.* : 10.1.0.3.22/tcp <=> *.* : 10.1.0.4.22/tcp")};
    store(f, "paris", 0, rules, 2, false, &novel);
    struct fl_decision d = make_decision(FL_IGNORE);
    d.location = "paris";
    d.pattern = "*.* : 10.1.0.0/16.22/tcp <=> *";
    d.dry_run = true;
    assert_int_equal(decide(f, &d), 1);
    assert_int_equal(count_rules(f, "ignored"), 0);
    assert_int_equal(count_alerts(f, NULL), 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM decision"), 0);
    d.dry_run = false;
    assert_int_equal(decide(f, &d), 1);
    assert_int_equal(count_alerts(f, NULL), 1);
    assert_int_equal(store(f, "paris", 1, rules, 3, false, &novel), 0); /* the third is covered at birth */
    assert_int_equal(novel, 1);
    assert_int_equal(count_rules(f, "ignored"), 2);
    assert_int_equal(store(f, "london", 1, rules, 3, false, &novel), 2); /* not its decision */
    d.pattern = "nonsense";
    assert_int_equal(fl_rulesdb_decide(f->db, &d, NULL, NULL, NULL), FL_EINVAL);
}

static void test_until_lapses(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rule = make_rule(web_db);
    int64_t id = 1;
    store(f, "paris", 0, &rule, 1, false, NULL);
    struct fl_decision d = make_decision(FL_ACCEPT);
    d.ids = &id;
    d.n_ids = 1;
    d.until_ms = d.now_ms + 3600000;
    assert_int_equal(decide(f, &d), 1);
    assert_int_equal(count_rules(f, "known"), 1);
    assert_int_equal(store(f, "paris", 1, &rule, 1, false, NULL), 0);
    char sql[80];
    snprintf(sql, sizeof sql, "UPDATE decision SET until_ms = %lld", (long long)d.now_ms - 1);
    assert_int_equal(sqlite3_exec(f->db->sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(count_rules(f, "novel"), 1);
    assert_int_equal(store(f, "paris", 2, &rule, 1, false, NULL), 1);
}

static void test_decide_unknown_rule(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rule = make_rule(web_db);
    struct fl_err err = {""};
    int64_t ids[] = {1, 999};
    store(f, "paris", 0, &rule, 1, false, NULL);
    struct fl_decision d = make_decision(FL_ACCEPT);
    d.ids = ids;
    d.n_ids = 2;
    assert_int_equal(fl_rulesdb_decide(f->db, &d, NULL, NULL, &err), FL_ENOENT);
    assert_non_null(strstr(err.text, "999"));
    assert_int_equal(count_rules(f, "novel"), 1); /* all or nothing */
}

/* ---- the contract ---- */

static const char contract[] =
    "id, location, rule, arrow, status, novelty, antecedent, consequent, confidence, reverse_confidence, "
    "lift, score, support, expected, q_value, log10_p, lag_ms, evidence, clock, first_seen, last_seen, "
    "runs_seen, cluster, instances, note, cluster_id, held, gone_why, known_why, period_ms, "
    "period_spread_ms, missed";

static void test_rule_json(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rule = make_rule("[2001:db8::5].* : *.8.0/icmp6 => *.123 : 10.0.0.9.123/udp");
    strcpy(rule.clock, ":00");
    rule.lift = 1.0 / 0.0;
    store(f, "paris", 0, &rule, 1, false, NULL);
    json_t *all = list_rules(f, NULL, NULL);
    json_t *o = json_array_get(all, 0);
    assert_keys(o, contract);
    assert_keys(json_object_get(o, "antecedent"), "client, client_port, server, server_port, protocol");
    char *text = json_dumps(json_object_get(o, "antecedent"), JSON_COMPACT);
    assert_string_equal(text, "{\"client\":\"2001:db8::5\",\"client_port\":\"*\",\"server\":\"*\","
                              "\"server_port\":\"8.0\",\"protocol\":58}");
    free(text);
    text = json_dumps(json_object_get(o, "confidence"), JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    assert_string_equal(text, "0.931818");
    free(text);
    assert_true(json_real_value(json_object_get(o, "q_value")) == 1e-300);
    assert_true(json_real_value(json_object_get(o, "log10_p")) == -900.125);
    assert_true(json_is_null(json_object_get(o, "cluster")));
    assert_string_equal(text_of(all, 0, "clock"), ":00");
    json_decref(all);
}

static void test_evidence(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rule = make_rule(web_db);
    struct fl_err err;
    json_t *o = NULL;
    rule.n_examples = 2;
    for (uint32_t i = 0; i < 2; i++) {
        rule.examples[i].time_ms = t0 + 1000 * (7 - (int64_t)i);
        rule.examples[i].clients[0] = fl_addr_v4(0x0a000003);
        rule.examples[i].client_ports[0] = FL_PORT_ANY;
        rule.examples[i].server_ports[0] = 80;
    }
    rule.lags = (struct fl_lag_histogram){-1000, 125, {[0] = 1, [8] = UINT32_MAX, [15] = 2}};
    store(f, "paris", 0, &rule, 1, false, NULL);
    assert_int_equal(fl_rulesdb_evidence(f->db, 1, &o, &err), 0);
    char keys[1024];
    snprintf(keys, sizeof keys, "%s%s", contract,
             ", n_antecedent, n_consequent, n_both, n_windows, hosts, lag_spread_ms, present, lag_histogram, "
             "examples, decision");
    assert_keys(o, keys);
    char *lags = json_dumps(json_object_get(o, "lag_histogram"), JSON_COMPACT);
    assert_string_equal(lags, "{\"from_ms\":-1000,\"step_ms\":125,\"counts\":"
                              "[1,0,0,0,0,0,0,0,4294967295,0,0,0,0,0,0,2]}");
    free(lags);
    json_t *examples = json_object_get(o, "examples");
    assert_int_equal(json_array_size(examples), 2);
    assert_keys(json_array_get(examples, 0), "time, antecedent, consequent");
    assert_string_equal(text_of(examples, 0, "time"), "2022-06-12T22:00:07.000Z");
    assert_string_equal(json_string_value(json_object_get(o, "first_seen")), "2022-06-12T22:00:06.000Z");
    assert_string_equal(json_string_value(json_object_get(o, "last_seen")), "2022-06-12T22:00:07.000Z");
    assert_true(json_is_null(json_object_get(o, "decision")));
    json_decref(o);
    assert_int_equal(fl_rulesdb_evidence(f->db, 2, &o, &err), FL_ENOENT);
}

static void test_alert_text(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rule = make_rule(web_db);
    store(f, "paris", 0, &rule, 1, false, NULL);
    json_t *all = list_alerts(f, NULL);
    assert_keys(
        json_array_get(all, 0),
        "id, location, kind, severity, state, opened, rule_id, rule, novelty, text, closed, note, made, "
        "why, rules, cluster, cluster_id, changed, acked, author, delivery");
    assert_string_equal(
        text_of(all, 0, "text"),
        "New at paris: when any client asks 10.0.0.5 port 80/tcp, 10.0.0.5 asks 10.0.0.9 port "
        "3306/tcp (in 41 of 44 cases, 39 times more often than chance)");
    json_decref(all);
}

static void test_find_rule(void **state)
{
    struct fixture *f = *state;
    struct fl_rule rule = make_rule(dns_imap);
    struct fl_err err;
    int64_t id = 0;
    store(f, "paris", 0, &rule, 1, false, NULL);
    assert_int_equal(fl_rulesdb_find_rule(f->db, "1", NULL, &id, &err), 0);
    assert_int_equal(fl_rulesdb_find_rule(f->db, dns_imap, NULL, &id, &err), 0);
    assert_int_equal(id, 1);
    assert_int_equal(fl_rulesdb_find_rule(f->db,
                                          "10.0.0.7.* : 10.0.0.9.143/tcp => 10.0.0.7.* : 10.0.0.53.53/udp",
                                          NULL, &id, &err),
                     0); /* either order, any arrow */
    assert_int_equal(fl_rulesdb_find_rule(f->db, web_db, NULL, &id, &err), FL_ENOENT);
    assert_int_equal(fl_rulesdb_find_rule(f->db, "1", "london", &id, &err), FL_ENOENT);
    assert_int_equal(fl_rulesdb_find_rule(f->db, "99999999999999999999", NULL, &id, &err), FL_ENOENT);
    assert_int_equal(fl_rulesdb_find_rule(f->db, "", NULL, &id, &err), FL_ENOENT);
    store(f, "london", 0, &rule, 1, false, NULL);
    assert_int_equal(fl_rulesdb_find_rule(f->db, dns_imap, NULL, &id, &err), FL_ENOENT);
    assert_non_null(strstr(err.text, "--location"));
    assert_int_equal(fl_rulesdb_find_rule(f->db, dns_imap, "london", &id, &err), 0);
    assert_int_equal(id, 2);
}

static void test_filters(void **state)
{
    struct fixture *f = *state;
    struct fl_rule_filter rules = {.status = "strange"};
    struct fl_alert_filter alerts = {.state = "strange"};
    assert_int_equal(fl_rulesdb_rules(f->db, &rules, collect, NULL, NULL), FL_EINVAL);
    assert_int_equal(fl_rulesdb_alerts(f->db, &alerts, collect, NULL, NULL), FL_EINVAL);
    struct fl_rule two[] = {make_rule(web_db), make_rule(ssh)};
    store(f, "paris", 0, two, 2, false, NULL);
    alerts = (struct fl_alert_filter){.after_id = 1};
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_alerts(f->db, &alerts, collect, all, NULL), 0);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
    rules = (struct fl_rule_filter){.location = "london", .status = "all"};
    all = json_array();
    assert_int_equal(fl_rulesdb_rules(f->db, &rules, collect, all, NULL), 0);
    assert_int_equal(json_array_size(all), 0);
    json_decref(all);
}

static void test_runs_and_locations(void **state)
{
    struct fixture *f = *state;
    struct fl_rule two[] = {make_rule(web_db), make_rule(ssh)};
    int64_t to;
    assert_int_equal(fl_rulesdb_last_scheduled(f->db, "paris", &to, NULL), 0);
    assert_true(to == INT64_MIN);
    store(f, "paris", 0, two, 1, false, NULL);
    assert_int_equal(fl_rulesdb_last_scheduled(f->db, "paris", &to, NULL), 0);
    assert_true(to == INT64_MIN);
    struct fl_run run = make_run("paris", 1);
    run.scheduled = true;
    run.rules = 2;
    assert_int_equal(
        fl_rulesdb_store_run(f->db, &run, &(struct fl_finding_list){.rules = two, .n = 2}, false, NULL, NULL),
        0);
    assert_int_equal(fl_rulesdb_last_scheduled(f->db, "paris", &to, NULL), 0);
    assert_int_equal(to, t0 + 2 * day_ms);
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_runs(f->db, "paris", collect, all, NULL), 0);
    assert_keys(json_array_get(all, 1),
                "id, location, from, to, started, took_ms, flows, conversations, nodes, "
                "pairs_tested, rules, instances, novel, first_time, damaged, scheduled, unclean");
    assert_true(json_is_true(json_object_get(json_array_get(all, 1), "scheduled")));
    json_decref(all);
    all = json_array();
    assert_int_equal(fl_rulesdb_locations(f->db, collect, all, NULL), 0);
    json_t *o = json_array_get(all, 0);
    assert_keys(o, "location, newest, runs, rules, novel, known, ignored, gone, open_alerts, settled, "
                   "alerts_a_day, learning_until, held");
    assert_int_equal(json_integer_value(json_object_get(o, "novel")), 2);
    assert_int_equal(json_integer_value(json_object_get(o, "open_alerts")), 2);
    assert_true(json_real_value(json_object_get(o, "settled")) == 0.5);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_connections),     TEST(test_lifecycle),    TEST(test_same_span_counts_once),
        TEST(test_learning_and_grades), TEST(test_gone),         TEST(test_instances),
        TEST(test_ignore_by_pattern),   TEST(test_until_lapses), TEST(test_decide_unknown_rule),
        TEST(test_rule_json),           TEST(test_evidence),     TEST(test_alert_text),
        TEST(test_find_rule),           TEST(test_filters),      TEST(test_runs_and_locations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
