/* The outbox: events that alerts leave behind, what is laid out for whom, attempts, order, and the bound. */
#include "tests/storage/rulesdb_fixture.h"

#include "storage/rulesdb_sink.h"

static void run_sql(struct fixture *f, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(f->db->sqlite, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static void open_alert(struct fixture *f, int id, const char *location, const char *severity)
{
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO alert (id, location, kind, severity, state, opened_ms, made_ms, changed_ms, rule, "
        "novelty, "
        "rules, text, why) VALUES (%d, '%s', 'novel', '%s', 'open', 1000, 2000, 2000, 'a => b', 'new', 1, "
        "'New', 'Because')",
        id, location, severity);
    run_sql(f, sql);
}

static struct fl_sink_config sink(const char *name)
{
    struct fl_sink_config s;
    fl_sink_config_init(&s, name, FL_SINK_WEBHOOK);
    return s;
}

static size_t begin(struct fixture *f, const struct fl_sink_config *sinks, size_t n)
{
    size_t dropped = 99;
    assert_int_equal(fl_rulesdb_sinks_begin(f->db, sinks, n, &dropped, NULL), 0);
    return dropped;
}

static size_t fill(struct fixture *f, const struct fl_sink_config *sinks, size_t n, int64_t most)
{
    size_t dropped = 99;
    assert_int_equal(fl_rulesdb_outbox_fill(f->db, sinks, n, most, &dropped, NULL), 0);
    return dropped;
}

static struct fl_outbox_item next(struct fixture *f, const char *name)
{
    struct fl_outbox_item item = {0};
    assert_in_range(fl_rulesdb_outbox_next(f->db, name, &item, NULL), 0, 1);
    return item;
}

static void note(struct fixture *f, const char *name, int64_t event, enum fl_outcome outcome)
{
    struct fl_outbox_result r = {outcome, "no", 5000, 6000};
    assert_int_equal(fl_rulesdb_outbox_note(f->db, name, event, &r, NULL), 0);
}

static void assert_next(struct fixture *f, const char *name, int64_t alert, const char *kind)
{
    struct fl_outbox_item item = next(f, name);
    assert_int_equal(item.alert_id, alert);
    assert_string_equal(item.kind, kind);
    note(f, name, item.event_id, FL_OUTCOME_DELIVERED);
}

/* ---- events ---- */

static void test_what_happens_to_an_alert(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config s = sink("a");
    begin(f, &s, 1);
    open_alert(f, 1, "hq", "high");
    run_sql(f, "UPDATE alert SET state = 'acked'; UPDATE alert SET rules = 1, text = 'New'");
    run_sql(f, "UPDATE alert SET rules = 3, text = 'New, and more'");
    run_sql(f, "UPDATE alert SET rules = 2, text = 'One less does not grow'");
    run_sql(f, "UPDATE alert SET state = 'closed', closed_ms = 9");
    run_sql(f, "UPDATE alert SET rules = 9, text = 'Closed things do not grow'");
    run_sql(f, "UPDATE alert SET state = 'open'");
    fill(f, &s, 1, 100);
    struct fl_outbox_item item = next(f, "a");
    assert_int_equal(strspn(item.uid, "0123456789abcdef"), 32);
    assert_true(item.made_ms > INT64_C(1600000000000));
    assert_next(f, "a", 1, "opened");
    assert_next(f, "a", 1, "grown");
    assert_next(f, "a", 1, "closed");
    assert_next(f, "a", 1, "opened");
    assert_int_equal(next(f, "a").event_id, 0);
    assert_int_equal(scalar(f, "SELECT count(DISTINCT uid) FROM event"), 4);
    json_t *alert;
    assert_int_equal(fl_rulesdb_outbox_alert(f->db, 1, &alert, NULL), 0);
    assert_string_equal(json_string_value(json_object_get(alert, "location")), "hq");
    json_decref(alert);
    assert_int_equal(fl_rulesdb_outbox_alert(f->db, 2, &alert, NULL), FL_ENOENT);
    assert_null(alert);
}

static void test_what_is_taken_back_never_happened(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "BEGIN");
    open_alert(f, 1, "hq", "high");
    run_sql(f, "ROLLBACK");
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 0);
}

/* ---- who is told ---- */

static void test_filters(void **state)
{
    struct fixture *f = *state;
    char *paris[] = {"paris", "tokyo", NULL}, *closed[] = {"closed", NULL};
    struct fl_sink_config sinks[] = {sink("all"), sink("loud"), sink("paris"), sink("closed")};
    sinks[1].severity = 2;
    sinks[2].locations = paris;
    sinks[3].events = closed;
    begin(f, sinks, 4);
    open_alert(f, 1, "hq", "low");
    open_alert(f, 2, "paris", "medium");
    open_alert(f, 3, "hq", "high");
    run_sql(f, "UPDATE alert SET state = 'closed' WHERE id = 1");
    fill(f, sinks, 4, 100);
    fill(f, sinks, 4, 100);
    assert_int_equal(scalar(f, "SELECT count(*) FROM delivery WHERE sink = 'all'"), 4);
    assert_next(f, "loud", 3, "opened");
    assert_int_equal(next(f, "loud").event_id, 0);
    assert_next(f, "paris", 2, "opened");
    assert_int_equal(next(f, "paris").event_id, 0);
    assert_next(f, "closed", 1, "closed");
}

static void test_a_new_sink_begins_with_what_comes(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config sinks[] = {sink("first"), sink("second")};
    open_alert(f, 1, "hq", "low");
    begin(f, sinks, 1);
    fill(f, sinks, 1, 100);
    assert_next(f, "first", 1, "opened"); /* nobody was there before it */
    begin(f, sinks, 2);
    open_alert(f, 2, "hq", "low");
    fill(f, sinks, 2, 100);
    assert_next(f, "first", 2, "opened");
    assert_next(f, "second", 2, "opened");
}

/* A database whose service ran without any sink had its chance. */
static void test_no_flood_after_a_time_without_sinks(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config s = sink("a");
    begin(f, NULL, 0);
    open_alert(f, 1, "hq", "low");
    begin(f, &s, 1);
    fill(f, &s, 1, 100);
    assert_int_equal(next(f, "a").event_id, 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM sinks"), 1);
}

static void test_a_sink_that_is_taken_away(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config sinks[] = {sink("a"), sink("b")};
    begin(f, sinks, 2);
    open_alert(f, 1, "hq", "low");
    fill(f, sinks, 2, 100);
    assert_int_equal(begin(f, sinks, 1), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM sinks"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM deliveries WHERE sink = 'b' AND state = 'dropped'"), 1);
    open_alert(f, 2, "hq", "low");
    fill(f, sinks, 1, 100);
    assert_int_equal(begin(f, sinks, 2), 0);
    open_alert(f, 3, "hq", "low");
    fill(f, sinks, 2, 100);
    assert_next(f, "b", 3, "opened");
    assert_int_equal(scalar(f, "SELECT dropped FROM sinks WHERE name = 'b'"), 1);
    assert_next(f, "a", 1, "opened"); /* what waits for the one that stayed still waits */
}

/* ---- attempts ---- */

static void test_failures_are_kept_and_forgotten(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config s = sink("a");
    begin(f, &s, 1);
    open_alert(f, 1, "hq", "low");
    open_alert(f, 2, "hq", "low");
    fill(f, &s, 1, 100);
    note(f, "a", next(f, "a").event_id, FL_OUTCOME_FAILED);
    struct fl_outbox_item item = next(f, "a");
    assert_int_equal(item.alert_id, 1);
    assert_int_equal(item.attempts, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM sinks WHERE error = 'no' AND waiting = 2 AND next = "
                               "'1970-01-01T00:00:06.000Z' AND failed = '1970-01-01T00:00:05.000Z'"),
                     1);
    note(f, "a", item.event_id, FL_OUTCOME_DELIVERED);
    assert_int_equal(scalar(f,
                            "SELECT count(*) FROM sinks WHERE error IS NULL AND next IS NULL AND waiting = 1 "
                            "AND delivered = 1 AND last = '1970-01-01T00:00:05.000Z'"),
                     1);
    note(f, "a", next(f, "a").event_id, FL_OUTCOME_REFUSED);
    assert_int_equal(next(f, "a").event_id, 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM deliveries WHERE state = 'refused' AND error = 'no' AND "
                               "attempts = 1 AND alert_id = 2"),
                     1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM deliveries WHERE state = 'delivered' AND attempts = 2"),
                     1);
    assert_int_equal(scalar(f, "SELECT refused FROM sinks"), 1);
}

static void test_one_that_chokes_lets_the_others_go(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config s = sink("a");
    begin(f, &s, 1);
    open_alert(f, 1, "hq", "low");
    open_alert(f, 2, "hq", "low");
    fill(f, &s, 1, 100);
    for (int i = 0; i < 8; i++)
        note(f, "a", next(f, "a").event_id, FL_OUTCOME_FAILED);
    assert_next(f, "a", 2, "opened");
    assert_next(f, "a", 1, "opened");
}

static void test_over_a_restart(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config s = sink("a");
    begin(f, &s, 1);
    open_alert(f, 1, "hq", "low");
    fill(f, &s, 1, 100);
    struct fl_outbox_item before = next(f, "a");
    fl_rulesdb_close(f->db);
    f->db = NULL;
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_CREATE, NULL), 0);
    assert_int_equal(begin(f, &s, 1), 0);
    fill(f, &s, 1, 100);
    assert_string_equal(next(f, "a").uid, before.uid);
    assert_next(f, "a", 1, "opened");
    assert_int_equal(next(f, "a").event_id, 0);
}

/* ---- the bound ---- */

static void test_a_dead_sink_does_not_fill_the_disk(void **state)
{
    struct fixture *f = *state;
    struct fl_sink_config sinks[] = {sink("dead"), sink("live")};
    begin(f, sinks, 2);
    size_t dropped = 0;
    for (int i = 1; i <= 60; i++) {
        open_alert(f, i, "hq", "low");
        dropped += fill(f, sinks, 2, 20);
        assert_next(f, "live", i, "opened");
    }
    assert_int_equal(dropped, 40);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 20);
    assert_int_equal(scalar(f, "SELECT count(*) FROM delivery"), 40);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM sinks WHERE name = 'dead' AND dropped = 40 AND waiting = 20"), 1);
    assert_int_equal(scalar(f,
                            "SELECT count(*) FROM sinks WHERE name = 'live' AND dropped = 0 AND delivered = "
                            "60"),
                     1);
    assert_int_equal(next(f, "dead").alert_id, 41);
}

static void test_without_sinks_events_go_too(void **state)
{
    struct fixture *f = *state;
    begin(f, NULL, 0);
    for (int i = 1; i <= 60; i++) {
        open_alert(f, i, "hq", "low");
        assert_int_equal(fill(f, NULL, 0, 20), 0);
    }
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 20);
}

static void test_a_reader_cannot_write(void **state)
{
    struct fixture *f = *state;
    struct fl_err err = {""};
    struct fl_rulesdb *reader;
    struct fl_sink_config s = sink("a");
    size_t dropped;
    assert_int_equal(fl_rulesdb_open(&reader, f->dir, FL_RULESDB_READ, NULL), 0);
    assert_int_equal(fl_rulesdb_sinks_begin(reader, &s, 1, &dropped, &err), FL_EIO);
    assert_non_null(strstr(err.text, f->dir));
    fl_rulesdb_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_happens_to_an_alert),
        TEST(test_what_is_taken_back_never_happened),
        TEST(test_filters),
        TEST(test_a_new_sink_begins_with_what_comes),
        TEST(test_no_flood_after_a_time_without_sinks),
        TEST(test_a_sink_that_is_taken_away),
        TEST(test_failures_are_kept_and_forgotten),
        TEST(test_one_that_chokes_lets_the_others_go),
        TEST(test_over_a_restart),
        TEST(test_a_dead_sink_does_not_fill_the_disk),
        TEST(test_without_sinks_events_go_too),
        TEST(test_a_reader_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
