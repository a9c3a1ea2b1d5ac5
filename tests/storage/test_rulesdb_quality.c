/* How whole the data are: what the service's counters say by hour, what becomes of rules that unclean runs
 * find, and alerts about the data themselves. */
#include "storage/flow.h"
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, hour_ms = 3600000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

static struct fl_exporter_stats make_stats(uint32_t host)
{
    struct fl_exporter_stats e;
    memset(&e, 0, sizeof e);
    e.address = fl_addr_v4(host);
    e.source_port = 1;
    e.version = 10;
    strcpy(e.location, "paris");
    e.sampling = 1;
    e.packets = 10;
    e.flows = 200;
    e.first_seen_ms = e.last_seen_ms = t0;
    return e;
}

static struct fl_service_stats make_service(int64_t now_ms)
{
    return (struct fl_service_stats){.started_ms = t0, .updated_ms = now_ms, .running = true};
}

/* A call at the session's own time; something came since the last. */
static void tick(struct fixture *f, struct fl_exporter_stats *e, int64_t by_ms)
{
    e->last_seen_ms += by_ms;
    e->packets++;
    e->flows += 20;
    struct fl_service_stats service = make_service(e->last_seen_ms);
    assert_int_equal(fl_rulesdb_store_stats(f->db, &service, e, 1, NULL), 0);
}

static struct fl_quality quality(struct fixture *f, int64_t from_ms, int64_t to_ms)
{
    struct fl_quality q;
    assert_int_equal(fl_rulesdb_quality(f->db, "paris", from_ms, to_ms, &q, NULL), 0);
    return q;
}

/* ---- hours ---- */

static void test_what_counters_grew_by(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    tick(f, &e, 0);
    assert_int_equal(quality(f, t0, t0 + hour_ms).flows, 220);
    e.lost = 30;
    tick(f, &e, 2000);
    e.lost = 35;
    e.unknown_template = 2;
    tick(f, &e, hour_ms);
    struct fl_quality q = quality(f, t0, t0 + hour_ms);
    assert_int_equal(q.flows, 240);
    assert_int_equal(q.lost, 30);
    q = quality(f, t0 + hour_ms + 1, t0 + hour_ms + 2); /* the hour that meets it, whole */
    assert_int_equal(q.flows, 20);
    assert_int_equal(q.lost, 5);
    assert_int_equal(q.unread, 2 * 21);
    assert_int_equal(quality(f, t0 - hour_ms, t0).flows, 0);
    e.flows = 5; /* a session that begins anew */
    e.lost = 1;
    tick(f, &e, 0);
    assert_int_equal(quality(f, t0 + hour_ms, t0 + 2 * hour_ms).lost, 6);
}

/* The hour is of the exporter's clock, unless that is not believed. */
static void test_hours_are_of_data_time(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    e.clock_skew_ms = -40 * day_ms;
    tick(f, &e, 0);
    assert_int_equal(quality(f, t0 - 40 * day_ms, t0 - 40 * day_ms + 1).flows, 220);
    e = make_stats(2);
    e.clock_skew_ms = day_ms;
    tick(f, &e, 0);
    assert_int_equal(quality(f, t0, t0 + 1).flows, 220);
}

static void test_lost_datagrams_of_v9(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    e.version = 9;
    e.lost = 3;
    tick(f, &e, 0);
    assert_int_equal(quality(f, t0, t0 + 1).lost, 3 * 21);
}

static void test_shed(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats both[] = {make_stats(1), make_stats(2)};
    strcpy(both[1].location, "london");
    both[1].flows = 600;
    struct fl_service_stats service = make_service(t0);
    service.queue_shed = 100;
    service.disk_shed = 300;
    assert_int_equal(fl_rulesdb_store_stats(f->db, &service, both, 2, NULL), 0);
    assert_int_equal(quality(f, t0, t0 + 1).shed, 100);
    assert_int_equal(fl_rulesdb_store_stats(f->db, &service, both, 2, NULL), 0);
    assert_int_equal(quality(f, t0, t0 + 1).shed, 100);
}

static void test_sampling_changes(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    tick(f, &e, 0);
    e.sampling = 100; /* what an exporter tells when it begins is no change */
    e.sampling_source = FL_SAMPLING_OPTIONS;
    tick(f, &e, 30000);
    tick(f, &e, 700000);
    assert_int_equal(quality(f, t0, t0 + hour_ms).sampling_changes, 0);
    e.sampling = 1000;
    tick(f, &e, 2000);
    assert_int_equal(quality(f, t0, t0 + hour_ms).sampling_changes, 1);
}

/* A failed write loses nothing, and counts nothing twice. */
static void test_after_a_failure(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    struct fl_service_stats service = make_service(t0);
    tick(f, &e, 0);
    assert_int_equal(sqlite3_exec(f->db->sqlite, "PRAGMA query_only = 1", NULL, NULL, NULL), SQLITE_OK);
    e.packets++;
    e.flows += 20;
    assert_true(fl_rulesdb_store_stats(f->db, &service, &e, 1, NULL) < 0);
    assert_int_equal(sqlite3_exec(f->db->sqlite, "PRAGMA query_only = 0", NULL, NULL, NULL), SQLITE_OK);
    tick(f, &e, 0);
    assert_int_equal(quality(f, t0, t0 + 1).flows, 260);
}

static void test_old_hours_go(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    tick(f, &e, 0);
    tick(f, &e, 401 * day_ms);
    assert_int_equal(scalar(f, "SELECT count(*) FROM quality"), 1);
}

/* ---- alerts about the data ---- */

static const char open_clock[] =
    "SELECT count(*) FROM alert WHERE kind = 'data' AND subject = 'clock 0.0.0.1' AND "
    "state = 'open'";

static void test_a_clock_that_jumps(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    for (int i = 0; i < 5; i++)
        tick(f, &e, 2000);
    assert_int_equal(scalar(f, open_clock), 0);
    e.clock_skew_ms -= 3 * hour_ms;
    tick(f, &e, 2000);
    assert_int_equal(scalar(f, open_clock), 1);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alerts WHERE text = 'The clock of exporter 0.0.0.1 of paris jumped "
                  "back by 3 h. Flows before and after do not line up; set it by NTP.' AND location = "
                  "'paris' AND severity = 'medium' AND rule IS NULL"),
        1);
    assert_int_equal(quality(f, t0 - 3 * hour_ms, t0 - 3 * hour_ms + 1).clock_jumps, 1);
    assert_int_equal(quality(f, t0, t0 + 1).clock_jumps, 1);
    for (int i = 0; i < 254; i++)
        tick(f, &e, 2000);
    assert_int_equal(scalar(f, open_clock), 1);
    tick(f, &e, 2000);
    assert_int_equal(scalar(f, open_clock), 0);
}

/* A recording that is played fast moves all the time. */
static void test_a_replay_does_not_jump(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(1);
    e.clock_skew_ms = -400 * day_ms;
    for (int i = 0; i < 50; i++) {
        e.clock_skew_ms += 600000 * (i % 7);
        tick(f, &e, 2000);
    }
    assert_int_equal(scalar(f, open_clock), 0);
}

static void test_silence(void **state)
{
    struct fixture *f = *state;
    static const char silent[] =
        "SELECT count(*) FROM alert WHERE subject = 'silent 0.0.0.1' AND state = 'open'";
    struct fl_exporter_stats e[] = {make_stats(1), make_stats(1), make_stats(2)};
    e[1].source_port = 2;
    for (int minute = 0; minute < 60; minute++) {
        struct fl_service_stats service = make_service(t0 + minute * INT64_C(60000));
        for (int i = 0; i < 3; i++)
            if (i == 2 || (i == 1 && minute < 20) || (i == 0 && minute < 5)) {
                e[i].last_seen_ms = service.updated_ms;
                e[i].packets++;
            }
        assert_int_equal(fl_rulesdb_store_stats(f->db, &service, e, 3, NULL), 0);
        assert_int_equal(scalar(f, silent), minute >= 35); /* the session that went first does not count */
    }
    struct fl_service_stats service = make_service(t0 + hour_ms);
    e[0].last_seen_ms = t0 + hour_ms;
    e[0].packets++;
    assert_int_equal(fl_rulesdb_store_stats(f->db, &service, e, 3, NULL), 0);
    assert_int_equal(scalar(f, silent), 0);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alert WHERE state = 'closed' AND note = 'it sends again'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert"), 1);
}

static void test_a_full_disk(void **state)
{
    struct fixture *f = *state;
    static const char full[] =
        "SELECT count(*) FROM alert WHERE subject = 'disk' AND state = 'open' AND location IS "
        "NULL AND severity = 'high'";
    for (int minute = 0; minute < 30; minute++) {
        struct fl_service_stats service = make_service(t0 + minute * INT64_C(60000));
        service.disk_shed = minute < 5 ? 0 : minute < 8 ? (uint64_t)minute * 1000 : 7000;
        assert_int_equal(fl_rulesdb_store_stats(f->db, &service, NULL, 0, NULL), 0);
        assert_int_equal(scalar(f, full), minute >= 5 && minute < 17);
    }
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert"), 1);
}

/* ---- held rules ---- */

static const char web[] = "*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.9.3306/tcp";

static int64_t learning_until_ms; /* as configured; 0: nothing is */

static size_t run_over(struct fixture *f, int64_t from_ms, int64_t span_ms, bool found, const char *unclean,
                       bool learning)
{
    struct fl_rule rule;
    struct fl_run run = {.location = "paris", .from_ms = from_ms, .to_ms = from_ms + span_ms, .rules = found};
    size_t alerts = 0;
    run.learning_until_ms = learning_until_ms;
    memset(&rule, 0, sizeof rule);
    rule.parent = -1;
    rule.log10_q = -9;
    snprintf(run.unclean, sizeof run.unclean, "%s", unclean);
    assert_int_equal(fl_rule_parse(web, &rule.antecedent, &rule.consequent), 0);
    assert_int_equal(fl_rulesdb_store_run(f->db, &run, &(struct fl_finding_list){.rules = &rule, .n = found},
                                          learning, &alerts, NULL),
                     0);
    if (found)
        assert_int_equal(run.held, scalar(f, "SELECT count(*) FROM rules WHERE held IS NOT NULL"));
    return alerts;
}

static const char loss[] = "12% of the records were lost on the way";

static void test_a_clean_run_confirms(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run_over(f, t0, day_ms, true, loss, false), 0);
    assert_int_equal(scalar(f, "SELECT held FROM locations"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM runs WHERE unclean LIKE '12%'"), 1);
    assert_int_equal(run_over(f, t0 + hour_ms, day_ms, true, loss, false), 0); /* still the same data */
    assert_int_equal(run_over(f, t0 + 2 * hour_ms, day_ms, true, "", false), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alerts WHERE why LIKE "
                               "'%; it was held back first: 12% of the records were lost on the way.'"),
                     1);
}

static void test_other_data_confirm(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run_over(f, t0, day_ms, true, loss, false), 0);
    assert_int_equal(run_over(f, t0 + day_ms, day_ms, true, loss, false), 1);
}

static void test_a_clean_run_drops(void **state)
{
    struct fixture *f = *state;
    run_over(f, t0, day_ms, true, loss, false);
    run_over(f, t0 + hour_ms, hour_ms, false, "", false); /* looked at less */
    run_over(f, t0 - day_ms, day_ms, false, "", false);   /* looked at older data */
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule"), 1);
    run_over(f, t0 + hour_ms, day_ms, false, "", false);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rule"), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM figures"), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert"), 0);
}

static void test_unclean_runs_do_not_teach(void **state)
{
    struct fixture *f = *state;
    run_over(f, t0, day_ms, true, loss, true);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules"), 0);
    assert_int_equal(run_over(f, t0 + hour_ms, day_ms, true, "", true), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules"), 1);
}

/* The location learned when it was found first, and learns no more when it is confirmed. */
static void test_what_learning_held_is_learned(void **state)
{
    struct fixture *f = *state;
    learning_until_ms = t0 + day_ms;
    run_over(f, t0, day_ms, true, loss, true);
    assert_int_equal(run_over(f, t0 + day_ms, day_ms, true, "", false), 0);
    learning_until_ms = 0;
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_counters_grew_by),
        TEST(test_hours_are_of_data_time),
        TEST(test_lost_datagrams_of_v9),
        TEST(test_shed),
        TEST(test_sampling_changes),
        TEST(test_after_a_failure),
        TEST(test_old_hours_go),
        TEST(test_a_clock_that_jumps),
        TEST(test_a_replay_does_not_jump),
        TEST(test_silence),
        TEST(test_a_full_disk),
        TEST(test_a_clean_run_confirms),
        TEST(test_other_data_confirm),
        TEST(test_a_clean_run_drops),
        TEST(test_unclean_runs_do_not_teach),
        TEST(test_what_learning_held_is_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
