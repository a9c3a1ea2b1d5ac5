/* Rules that are new as texts and yet no news: one more client, the pace of a node, what known rules make
 * together, what is folded under them; and what joins an alert that tells of it already. */
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

/* A rule of a run: its text, and the index of the rule that it is an instance of, -1: of none. */
struct given {
    const char *text;
    int32_t parent;
};

static void make_rule(struct fl_rule *r, const struct given *g)
{
    memset(r, 0, sizeof *r);
    int single = fl_rule_parse(g->text, &r->antecedent, &r->consequent);
    assert_true(single >= 0);
    r->evidence = single ? FL_EVIDENCE_PERIODIC : FL_EVIDENCE_START;
    r->period.period_ms = single ? 300000 : 0;
    r->both = strstr(g->text, "<=>") != NULL;
    r->n_antecedent = r->n_consequent = 100;
    r->n_both = 95;
    r->confidence = r->reverse_confidence = 0.95;
    r->log10_q = -50;
    r->hosts = 3;
    r->parent = g->parent;
    r->cluster = -1;
}

static const char *unclean = ""; /* what is wrong with the data of the runs to come */

/* A run of day `day` that finds these, up to a NULL text. Alerts opened. */
static size_t store(struct fixture *f, int day, bool learning, const struct given *given)
{
    struct fl_rule rules[64];
    struct fl_recheck *rechecks = NULL;
    struct fl_run run = {.location = "paris", .from_ms = t0 + day * day_ms, .to_ms = t0 + (day + 1) * day_ms};
    size_t n = 0, alerts = 0, n_rechecks = 0;
    snprintf(run.unclean, sizeof run.unclean, "%s", unclean);
    for (; given[n].text; n++) {
        make_rule(&rules[n], &given[n]);
        if (given[n].parent >= 0)
            rules[given[n].parent].instances++;
    }
    assert_int_equal(fl_rulesdb_to_recheck(f->db, "paris", &rechecks, &n_rechecks, NULL), 0);
    struct fl_finding_list found = {.rules = rules, .n = n, .rechecks = rechecks, .n_rechecks = n_rechecks};
    assert_int_equal(fl_rulesdb_store_run(f->db, &run, &found, learning, &alerts, NULL), 0);
    free(rechecks);
    return alerts;
}
#define STORE(f, day, learning, ...) store(f, day, learning, (const struct given[]){__VA_ARGS__, {NULL, 0}})

#define LOOK_UP(host) "10.0.0." host ".* : 10.0.0.53.53/udp => 10.0.0." host ".* : *.443/tcp"
/* The any-client rule of what three clients are known to do. */
#define IMAPS(host) "10.0.0." host ".* : 10.0.0.9.143/tcp <=> 10.0.0." host ".* : 10.0.0.9.993/tcp"
static const char imaps[] = "*.* : 10.0.0.9.143/tcp <=> *.* : 10.0.0.9.993/tcp";

static const char count_novel[] = "SELECT count(*) FROM rules WHERE status = 'novel'";

/* Of a proxy, which is named as the resolver is. */
#define PROXY(host) "10.0.0." host ".* : 10.0.0.53.53/udp => 10.0.0." host ".* : 10.0.0.54.3128/tcp"

static void test_one_more_client(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {PROXY("1"), -1}, {PROXY("2"), -1});
    assert_int_equal(STORE(f, 1, false, {PROXY("3"), -1}), 1); /* two are not yet what one does here */
    struct fl_decision accept = {.verdict = FL_ACCEPT, .all = true, .until_ms = INT64_MAX, .author = "ann"};
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(STORE(f, 2, false, {PROXY("4"), -1}), 0);
    assert_int_equal(scalar(f, count_novel), 0);
    static const struct given others[] = {
        {"10.0.0.5.* : 10.0.0.55.53/udp => 10.0.0.5.* : 10.0.0.54.3128/tcp", -1}, /* another resolver */
        {"10.0.0.5.* : 10.0.0.53.53/udp => 10.0.0.5.* : 10.0.0.54.3129/tcp", -1},
        {"10.0.0.5.* : 10.0.0.53.53/udp => 10.0.0.6.* : 10.0.0.54.3128/tcp", -1},
        {NULL, 0}};
    store(f, 3, false, others);
    assert_int_equal(scalar(f, count_novel), 3);
}

/* Known as long as those are by which it is: when two of the three are known no longer, neither is it. */
static void test_kin_of_what_lapses(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {PROXY("1"), -1});
    STORE(f, 1, false, {PROXY("2"), -1}, {PROXY("3"), -1});
    struct fl_decision accept = {
        .verdict = FL_ACCEPT, .all = true, .until_ms = INT64_C(4000000000000), .author = "ann"};
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(STORE(f, 2, false, {PROXY("4"), -1}), 0);
    assert_int_equal(scalar(f, count_novel), 0);
    assert_int_equal(sqlite3_exec(f->db->sqlite, "UPDATE decision SET until_ms = 1", NULL, NULL, NULL), 0);
    assert_int_equal(scalar(f, count_novel), 3);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE known_why IS NOT NULL"), 0);
}

static const char count_kin[] =
    "SELECT count(*) FROM rules WHERE status = 'known' AND known_why LIKE 'one more client, like rule _'";

/* Nobody decided upon it, and the location did not learn it. */
static void test_what_is_known_by_itself_says_so(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {PROXY("1"), -1}, {PROXY("2"), -1}, {PROXY("3"), -1});
    STORE(f, 1, false, {PROXY("4"), -1}, {PROXY("5"), -1});
    assert_int_equal(scalar(f, count_kin), 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE known_why IS NOT NULL"), 2);
    json_t *rows = json_array(), *row;
    size_t i, by_itself = 0;
    assert_int_equal(fl_rulesdb_known(f->db, NULL, collect, rows, NULL), 0);
    json_array_foreach(rows, i, row) by_itself += json_is_string(json_object_get(row, "known_why"));
    assert_int_equal(json_array_size(rows), 5);
    assert_int_equal(by_itself, 2);
    json_decref(rows);
    int64_t id = scalar(f, "SELECT max(id) FROM rules");
    struct fl_decision accept = {
        .verdict = FL_ACCEPT, .ids = &id, .n_ids = 1, .until_ms = INT64_MAX, .author = "ann"};
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(scalar(f, count_kin), 1);
    STORE(f, 2, true, {PROXY("4"), -1});
    assert_int_equal(scalar(f, count_kin), 0);
}

/* Nothing is known by itself for data that are not whole. */
static void test_kin_in_unclean_data(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {PROXY("1"), -1}, {PROXY("2"), -1}, {PROXY("3"), -1});
    unclean = "loss";
    STORE(f, 1, false, {PROXY("4"), -1});
    unclean = "";
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'novel' AND held = 'loss'"), 1);
    assert_int_equal(STORE(f, 2, false, {PROXY("4"), -1}), 0);
    assert_int_equal(scalar(f, count_kin), 1);
}

/* Of two rules that a statement was an instance of, the one found last is that of which it is. */
static void test_an_instance_of_two_rules(void **state)
{
    struct fixture *f = *state;
    static const char narrow[] = "10.0.0.1.* : *.143/tcp <=> 10.0.0.1.* : *.993/tcp";
    STORE(f, 0, true, {narrow, -1}, {IMAPS("1"), 0});
    STORE(f, 1, false, {imaps, -1}, {IMAPS("1"), 0}, {IMAPS("2"), 0});
    assert_int_equal(scalar(f, count_novel), 1);
    STORE(f, 2, false, {IMAPS("1"), -1});
    assert_int_equal(scalar(f, count_novel), 2);
}

/* How far beats lie from their places, in the words of an alert; the figures stay exact. */
static void test_spread_in_words(void **state)
{
    static const struct {
        int64_t ms;
        const char *words;
    } cases[] = {{44, "44 ms"}, {33062, "33 s"}, {586024, "10 min"}, {5400000, "90 min"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_rule r;
        char text[FL_ALERT_TEXT], words[80];
        make_rule(&r, &(struct given){"10.0.0.1.* : 10.0.0.9.80/tcp every 5 min", -1});
        r.period.spread_ms = cases[i].ms;
        fl_alert_text(&r, &(struct fl_alert_weight){.rules = 1}, "paris", NULL, text);
        snprintf(words, sizeof words, "usually within %s of their time)", cases[i].words);
        assert_non_null(strstr(text, words));
    }
}

/* Three who reach many servers say nothing of a fourth; where ten do, it is what one does. */
static void test_one_more_client_of_any_server(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {LOOK_UP("1"), -1}, {LOOK_UP("2"), -1}, {LOOK_UP("3"), -1}, {LOOK_UP("4"), -1},
          {LOOK_UP("5"), -1}, {LOOK_UP("6"), -1}, {LOOK_UP("7"), -1}, {LOOK_UP("8"), -1}, {LOOK_UP("9"), -1});
    assert_int_equal(STORE(f, 1, false, {LOOK_UP("10"), -1}), 1);
    struct fl_decision accept = {.verdict = FL_ACCEPT, .all = true, .until_ms = INT64_MAX, .author = "ann"};
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(STORE(f, 2, false, {LOOK_UP("11"), -1}), 0);
    assert_int_equal(scalar(f, count_novel), 0);
}

/* Where no server is named, three who do the same say little of a fourth. */
static void test_servers_must_be_named(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {"10.0.0.1.* : *.22/tcp <=> 10.0.0.1.* : *.23/tcp", -1},
          {"10.0.0.2.* : *.22/tcp <=> 10.0.0.2.* : *.23/tcp", -1},
          {"10.0.0.3.* : *.22/tcp <=> 10.0.0.3.* : *.23/tcp", -1});
    assert_int_equal(STORE(f, 1, false, {"10.0.0.4.* : *.22/tcp <=> 10.0.0.4.* : *.23/tcp", -1}), 1);
}

static void test_one_more_client_of_an_alert(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(STORE(f, 0, false, {LOOK_UP("1"), -1}), 1);
    assert_int_equal(STORE(f, 1, false, {LOOK_UP("2"), -1}), 0);
    assert_int_equal(scalar(f, "SELECT rules FROM alerts"), 2);
    assert_int_equal(
        scalar(f,
               "SELECT count(*) FROM alerts WHERE text LIKE '%: 2 rules that differ only in their hosts;%'"),
        1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE kind = 'grown'"), 1);
}

static void test_alike_in_one_run(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(STORE(f, 0, false, {"10.0.0.1.* : 10.0.1.1.80/tcp <=> 10.0.0.1.* : 10.0.1.2.80/tcp", -1},
                           {LOOK_UP("7"), -1},
                           {"10.0.0.2.* : 10.0.1.3.80/tcp <=> 10.0.0.2.* : 10.0.1.4.80/tcp", -1}),
                     2);
    assert_int_equal(scalar(f, "SELECT rules FROM alerts WHERE id = 1"), 2);
}

static const char web[] = "*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.9.3306/tcp";

static void test_the_pace_of_what_is_known(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {web, -1}, {"10.0.0.7.* : 10.0.0.8.81/tcp => 10.0.0.7.* : 10.0.0.9.81/tcp", 0});
    assert_int_equal(STORE(f, 1, false, {"10.0.0.5.* : 10.0.0.9.3306/tcp every 5 min", -1},
                           {"*.* : 10.0.0.9.3306/tcp every 5 min", -1},
                           {"10.0.0.5.* : *.3306/tcp every 5 min", -1},
                           {"10.0.0.5.* : 10.0.0.9.3306/tcp every 5 min", 2},
                           {"10.0.0.7.* : 10.0.0.8.81/tcp every 5 min", -1}),
                     0);
    assert_int_equal(scalar(f, count_novel), 0);
    STORE(f, 2, false, {"10.0.0.6.* : 10.0.0.5.80/tcp every 5 min", -1},
          {"10.0.0.5.* : 10.0.0.9.3307/tcp every 5 min", -1},
          {"10.0.0.5.* : 10.0.0.9.3306/udp every 5 min", -1});
    assert_int_equal(scalar(f, count_novel), 3);
}

#define BEACON(server) "10.0.0.1.* : " server ".443/tcp every 5 min"

/* That a host looks names up and then asks some server says nothing of servers that it asks by the clock. */
static void test_a_beacon_is_news(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {LOOK_UP("1"), -1});
    assert_int_equal(STORE(f, 1, false, {BEACON("*"), -1}, {BEACON("6.6.6.1"), 0}, {BEACON("6.6.6.2"), 0}),
                     1);
    assert_int_equal(scalar(f, count_novel), 1);
    assert_int_equal(STORE(f, 2, false, {BEACON("6.6.6.3"), -1}), 1);
}

/* A server of a known pace beside one that is not. */
static void test_a_beacon_beside_a_known_pace(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {BEACON("10.0.0.9"), -1});
    assert_int_equal(STORE(f, 1, false, {BEACON("*"), -1}, {BEACON("10.0.0.9"), 0}, {BEACON("6.6.6.2"), 0}),
                     1);
}

static int ignore_row(void *ctx, json_t *row)
{
    return 0;
}

static void ack_all(struct fixture *f)
{
    struct fl_ack ack = {.author = "ann", .now_ms = t0};
    assert_int_equal(fl_rulesdb_ack(f->db, &ack, ignore_row, NULL, NULL), 0);
}

/* Nobody who acked that a host looks names up has seen what it asks by the clock. */
static void test_a_beacon_beside_what_is_told(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, false, {LOOK_UP("1"), -1});
    ack_all(f);
    assert_int_equal(STORE(f, 1, false, {LOOK_UP("1"), -1}, {BEACON("6.6.6.6"), -1}), 1);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alerts WHERE state = 'open' AND text LIKE '%6.6.6.6 port 443%'"), 1);
    assert_int_equal(STORE(f, 2, false, {BEACON("*"), -1}, {BEACON("6.6.6.6"), 0}, {BEACON("6.6.6.7"), 0}),
                     0); /* the same more widely: it joins that one */
    assert_int_equal(scalar(f, "SELECT rules FROM alerts WHERE id = 2"), 2);
}

static void test_what_joins_an_acked_alert_opens_it(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, false, {LOOK_UP("1"), -1});
    ack_all(f);
    assert_int_equal(STORE(f, 1, false, {LOOK_UP("2"), -1}), 0);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alerts WHERE state = 'open' AND acked IS NULL AND rules = 2 AND text "
                  "LIKE '%the strongest: when 10.0.0.1 asks %; what joined last: when 10.0.0.2 asks %'"),
        1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE kind = 'grown'"), 1);
}

static void test_the_pace_of_what_is_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(STORE(f, 0, false, {web, -1}), 1);
    assert_int_equal(STORE(f, 1, false, {"10.0.0.5.* : 10.0.0.9.3306/tcp every 5 min", -1}), 0);
    assert_int_equal(scalar(f, "SELECT rules FROM alerts"), 2);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alerts WHERE text LIKE '%: 2 rules of the same hosts or times;%'"),
        1);
    assert_int_equal(STORE(f, 2, false, {"10.0.0.3.* : 10.0.0.5.80/tcp every 5 min", -1}),
                     0); /* one of its clients */
    assert_int_equal(scalar(f, "SELECT rules FROM alerts"), 3);
}

static void test_the_pace_of_what_is_told_with_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        STORE(f, 0, false, {"10.0.0.5.* : 10.0.0.9.3306/tcp every 5 min", -1}, {LOOK_UP("1"), -1}, {web, -1}),
        2);
    assert_int_equal(scalar(f, "SELECT rules FROM alerts WHERE rule LIKE '%3306%'"), 2);
}

static void test_the_times_that_one_client_keeps(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(STORE(f, 0, false, {"10.0.0.5.* : 10.0.0.9.3306/tcp every 5 min", -1},
                           {"10.0.0.6.* : 10.0.0.9.3307/tcp every 5 min", -1},
                           {"10.0.0.5.* : 10.0.0.8.80/tcp every 7 min", -1}),
                     2);
    assert_int_equal(scalar(f, "SELECT rules FROM alerts WHERE id = 1"), 2);
}

static void test_what_known_rules_make_together(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {IMAPS("1"), -1}, {IMAPS("2"), -1});
    assert_int_equal(STORE(f, 1, false, {imaps, -1}, {IMAPS("1"), 0}, {IMAPS("2"), 0}), 0);
    assert_int_equal(scalar(f, count_novel), 0);
}

static void test_what_they_make_with_another(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {IMAPS("1"), -1}, {IMAPS("2"), -1});
    assert_int_equal(STORE(f, 1, false, {imaps, -1}, {IMAPS("1"), 0}, {IMAPS("2"), 0}, {IMAPS("3"), 0}), 1);
}

static void test_what_an_alert_tells_is_folded(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(STORE(f, 0, false, {IMAPS("1"), -1}), 1);
    assert_int_equal(STORE(f, 1, false, {imaps, -1}, {IMAPS("1"), 0}, {IMAPS("2"), 0}), 0);
    assert_int_equal(scalar(f, "SELECT rules FROM alerts"), 2);
}

static void test_what_is_folded_under_a_known_rule(void **state)
{
    struct fixture *f = *state;
    STORE(f, 0, true, {imaps, -1});
    assert_int_equal(STORE(f, 1, false, {IMAPS("1"), -1}), 1);
    assert_int_equal(STORE(f, 2, false, {imaps, -1}, {IMAPS("1"), 0}), 0);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alerts WHERE state = 'closed' AND note = 'part of rule 1, which is "
                  "known'"),
        1);
    assert_int_equal(scalar(f, count_novel), 0);
}

/* Services that a client asks in step, said once: n of them, from 10.0.9.`first` on, and what keeps the same
 * pace. */
static size_t store_mixed(struct fixture *f, int day, bool learning, const int *firsts, int n)
{
    static char texts[64][FL_RULE_TEXT];
    struct given given[64] = {{"10.0.0.5.* : *.1-65535/tcp <=> 10.0.0.5.* : *.1-65535/tcp", -1}};
    int count = 1;
    for (; *firsts; firsts++)
        for (int i = 0; i < n; i += 2, count++) {
            snprintf(texts[count], sizeof texts[count],
                     "10.0.0.5.* : 10.0.9.%d.%d/tcp <=> 10.0.0.5.* : 10.0.9.%d.%d/tcp", *firsts + i,
                     1000 + *firsts + i, *firsts + i + 1, 1001 + *firsts + i);
            given[count] = (struct given){texts[count], 0};
        }
    return store(f, day, learning, given);
}
#define STORE_MIXED(f, day, learning, n, ...) store_mixed(f, day, learning, (const int[]){__VA_ARGS__, 0}, n)

static void test_mixed_services_are_known_by_their_members(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(STORE_MIXED(f, 0, false, 20, 1), 1);
    struct fl_decision accept = {.verdict = FL_ACCEPT, .all = true, .until_ms = INT64_MAX, .author = "ann"};
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(STORE_MIXED(f, 1, false, 20, 7), 0); /* 14 of 20 are the same */
    assert_int_equal(scalar(f, count_novel), 0);
    assert_int_equal(STORE_MIXED(f, 2, false, 20, 101), 1);
    assert_int_equal(scalar(f, count_novel), 1);
    assert_int_equal(
        scalar(
            f,
            "SELECT count(*) FROM alerts WHERE state = 'open' AND text = 'New at paris, a known shape with "
            "other hosts: 10.0.0.5 asks 20 services (10.0.9.101 port 1101/tcp, 10.0.9.102 port "
            "1102/tcp, 10.0.9.103 port 1103/tcp ...) in step (two of them in 95 of 100 cases, 0.0 times "
            "more often than chance)'"),
        1);
    assert_int_equal(STORE_MIXED(f, 3, false, 20, 101), 0); /* it is told already */
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(STORE_MIXED(f, 4, false, 20, 101), 0);
    assert_int_equal(scalar(f, count_novel), 0);
}

/* Spans overlap: the old ones and the others are there together, and then the others alone. */
static void test_others_beside_known_mixed_services_are_news(void **state)
{
    struct fixture *f = *state;
    STORE_MIXED(f, 0, true, 20, 1);
    assert_int_equal(scalar(f, count_novel), 0);
    assert_int_equal(STORE_MIXED(f, 1, false, 20, 1, 101), 1);
}

static void test_a_pattern_covers_mixed_services(void **state)
{
    struct fixture *f = *state;
    struct fl_decision accept = {.verdict = FL_ACCEPT,
                                 .pattern = "10.0.0.5.* : *.1-65535/tcp",
                                 .location = "paris",
                                 .until_ms = INT64_MAX,
                                 .author = "ann"};
    STORE_MIXED(f, 0, false, 20, 1);
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    assert_int_equal(STORE_MIXED(f, 1, false, 20, 101), 0);
}

/* That they go together says nothing of which keep time. */
static void test_the_pace_of_mixed_services_is_news(void **state)
{
    struct fixture *f = *state;
    STORE_MIXED(f, 0, true, 20, 1);
    STORE(f, 1, false, {"10.0.0.5.* : *.1-65535/tcp every 5 min", -1},
          {"10.0.0.5.* : 10.0.9.101.99/tcp every 5 min", 0});
    assert_int_equal(scalar(f, count_novel), 1);
}

/* In data with holes nobody is told of them; whole data show whether they are there. */
static void test_other_mixed_services_in_unclean_data_are_held(void **state)
{
    struct fixture *f = *state;
    STORE_MIXED(f, 0, true, 20, 1);
    unclean = "the exporter restarted";
    assert_int_equal(STORE_MIXED(f, 1, false, 20, 101), 0);
    unclean = "";
    assert_int_equal(scalar(f, count_novel), 1);
    assert_int_equal(STORE_MIXED(f, 2, false, 20, 101), 1);
}

/* An alert that nobody looked at is not closed by a rule that came after it, unless somebody decides upon
 * that. */
static void test_what_was_told_before_it_was_folded(void **state)
{
    struct fixture *f = *state;
    static const char wide[] = "*.* : *.143/tcp <=> *.* : *.993/tcp";
    STORE(f, 0, true, {wide, -1}, {imaps, 0});
    assert_int_equal(STORE(f, 1, false, {IMAPS("1"), -1}), 1);
    STORE(f, 2, false, {imaps, -1}, {IMAPS("1"), 0});
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'known' AND known_why = 'once an "
                               "instance of rule 1'"),
                     1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alerts WHERE state = 'open'"), 1);
    int64_t id = scalar(f, "SELECT max(id) FROM rules");
    struct fl_decision accept = {
        .verdict = FL_ACCEPT, .ids = &id, .n_ids = 1, .until_ms = INT64_MAX, .author = "ann"};
    assert_int_equal(fl_rulesdb_decide(f->db, &accept, NULL, NULL, NULL), 0);
    STORE(f, 3, false, {imaps, -1}, {IMAPS("1"), 0});
    assert_int_equal(scalar(f, "SELECT count(*) FROM alerts WHERE state = 'open'"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_more_client),
        TEST(test_one_more_client_of_any_server),
        TEST(test_kin_of_what_lapses),
        TEST(test_what_is_known_by_itself_says_so),
        TEST(test_kin_in_unclean_data),
        TEST(test_an_instance_of_two_rules),
        TEST(test_spread_in_words),
        TEST(test_servers_must_be_named),
        TEST(test_one_more_client_of_an_alert),
        TEST(test_alike_in_one_run),
        TEST(test_the_pace_of_what_is_known),
        TEST(test_a_beacon_is_news),
        TEST(test_a_beacon_beside_a_known_pace),
        TEST(test_a_beacon_beside_what_is_told),
        TEST(test_what_joins_an_acked_alert_opens_it),
        TEST(test_the_pace_of_what_is_told),
        TEST(test_the_pace_of_what_is_told_with_it),
        TEST(test_the_times_that_one_client_keeps),
        TEST(test_what_known_rules_make_together),
        TEST(test_what_they_make_with_another),
        TEST(test_what_an_alert_tells_is_folded),
        TEST(test_what_is_folded_under_a_known_rule),
        TEST(test_mixed_services_are_known_by_their_members),
        TEST(test_others_beside_known_mixed_services_are_news),
        TEST(test_a_pattern_covers_mixed_services),
        TEST(test_the_pace_of_mixed_services_is_news),
        TEST(test_other_mixed_services_in_unclean_data_are_held),
        TEST(test_what_was_told_before_it_was_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
