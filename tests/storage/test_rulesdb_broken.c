/* Known rules that break, hold again, and are gone: what is told, once, and what people can do about it. */
#include "tests/storage/broken_fixture.h"

static const char open_broken[] = "SELECT count(*) FROM alerts WHERE kind = 'broken' AND state = 'open'";

static void test_what_is_looked_at(void **state)
{
    struct fixture *f = *state;
    struct fl_recheck *r;
    size_t n;
    assert_int_equal(fl_rulesdb_to_recheck(f->db, "paris", &r, &n, NULL), 0);
    assert_int_equal(n, 0);
    free(r);
    start(f, web);
    store(f, 1, "10.0.0.1.* : 10.0.0.2.80/tcp => 10.0.0.1.* : 10.0.0.3.80/tcp", (struct seen){.found = true});
    assert_int_equal(fl_rulesdb_to_recheck(f->db, "paris", &r, &n, NULL), 0);
    assert_int_equal(n, 1); /* the known one */
    assert_int_equal(r[0].rule_id, 1);
    assert_int_equal(r[0].antecedent.server_port, 80);
    assert_int_equal(r[0].consequent.server_port, 3306);
    assert_true(r[0].confidence == 0.95 && !r[0].both && !r[0].clock && r[0].hosts == 3);
    free(r);
}

static void test_broken_and_whole_again(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 9, .found = true}), 0); /* too few to say */
    assert_int_equal(store(f, 2, web, (struct seen){.since = 20, .longest = 7, .found = true}),
                     0); /* as before */
    assert_int_equal(store(f, 3, web, (struct seen){.since = 20, .unclean = true}), 0);
    assert_int_equal(store(f, 4, web, (struct seen){.since = 22, .longest = 7, .found = true}), 1);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alerts WHERE kind = 'broken' AND severity = 'medium' AND rule_id = 1 "
                  "AND rules = 1 AND opened = '2022-06-12T22:00:05.000Z' AND text = 'Broken at paris: \"any "
                  "client asks 10.0.0.5 port 80/tcp\" goes on, but \"10.0.0.5 asks 10.0.0.9 port 3306/tcp\", "
                  "which went with it, has not happened beside it in its last 22 cases. Has something moved, "
                  "or failed?'"),
        1);
    assert_int_equal(store(f, 5, web, (struct seen){.since = 40}), 0); /* once */
    assert_int_equal(store(f, 6, web, (struct seen){.since = 11, .longest = 60}), 0);
    assert_int_equal(scalar(f, open_broken), 1); /* neither broken nor whole */
    assert_int_equal(store(f, 7, web, (struct seen){.found = true}), 0);
    assert_int_equal(
        scalar(f,
               "SELECT count(*) FROM alert WHERE kind = 'broken' AND state = 'closed' AND note = 'it holds "
               "again'"),
        1);
    assert_int_equal(store(f, 8, web, (struct seen){.since = 40}), 1); /* anew */
}

/* 0.95: five misses would be sure, but ten are asked for; 0.5 found in 100 cases is taken as 0.35, of which
 * 33 misses are one chance in a million. */
static void test_how_sure(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    sqlite3_exec(f->db->sqlite, "UPDATE figures SET confidence = 0.5", NULL, NULL, NULL);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 32}), 0);
    assert_int_equal(store(f, 2, web, (struct seen){.since = 33}), 1);
}

/* A rule of few cases a day is judged by those of several days, each counted once. */
static void test_few_cases(void **state)
{
    static const char days[] = "SELECT count(*) FROM alerts WHERE text LIKE '%in its last 40 cases. Has%'";
    struct fixture *f = *state;
    start(f, web);
    sqlite3_exec(f->db->sqlite, "UPDATE figures SET confidence = 0.75, n_antecedent = 20", NULL, NULL, NULL);
    for (int hour = 1; hour < 49; hour++)
        assert_int_equal(store(f, hour, web, (struct seen){.since = 20, .none = true, .unclean = hour < 25}),
                         0);
    assert_int_equal(store(f, 49, web, (struct seen){.since = 20, .none = true}), 1);
    assert_int_equal(scalar(f, days), 1);
    store(f, 50, web, (struct seen){.since = 1});
    store(f, 51, web, (struct seen){.since = 20, .none = true});
    assert_int_equal(scalar(f, "SELECT missed_first + missed_second FROM rule"), 20);
}

/* What rests over night is given five days, what rests for an hour three; what was told and held again, and
 * begins at the same time of the day, a quarter more than that took. Learning runs tell nothing. */
static void test_rests(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 50, .learning = true}), 0);
    assert_int_equal(store(f, 2, web, (struct seen){.rest_ms = hour_ms, .found = true}), 0);
    sqlite3_exec(f->db->sqlite, "UPDATE rule SET hit_ms = 1655071200000 + 27 * 3600000", NULL, NULL, NULL);
    assert_int_equal(store(f, 5, web, (struct seen){.since = 50}), 0);
    assert_int_equal(store(f, 6, web, (struct seen){.since = 50}), 1);
    store(f, 7, web, (struct seen){.rest_ms = 12 * hour_ms, .found = true}); /* was told: no rest */
    assert_int_equal(scalar(f, "SELECT rest_ms = 3600000 AND told_ms = 12 * 3600000 FROM rule"), 1);
    sqlite3_exec(f->db->sqlite, "UPDATE rule SET hit_ms = 1655071200000 + 48 * 3600000", NULL, NULL, NULL);
    assert_int_equal(store(f, 38, web, (struct seen){.since = 50}), 0);
    assert_int_equal(store(f, 39, web, (struct seen){.since = 50}), 1);
}

/* Break at `from`, tell, and hold again after `length` hours: how many alerts. */
static size_t outage(struct fixture *f, int from, int length)
{
    char sql[100];
    snprintf(sql, sizeof sql, "UPDATE rule SET hit_ms = %lld", (long long)(t0 + from * hour_ms));
    sqlite3_exec(f->db->sqlite, sql, NULL, NULL, NULL);
    size_t told = 0;
    for (int hour = from + 1; hour < from + length; hour++)
        told += store(f, hour - 24, web, (struct seen){.since = 50, .hit_ms = t0 + from * hour_ms});
    store(f, from + length - 24, web,
          (struct seen){
              .rest_ms = length * hour_ms, .hit_ms = t0 + (from + length + 6) * hour_ms, .found = true});
    return told;
}

static const char rests_for[] = "SELECT max(rest_ms, rest_before_ms) / 3600000 FROM rule";

/* An outage that was repaired says nothing of the next one; two alike do, and what begins when it did. */
static void test_repaired(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(outage(f, 30, 48), 1);
    assert_int_equal(scalar(f, "SELECT told_ms / 3600000 FROM rule"), 48);
    assert_int_equal(outage(f, 100, 5), 1);
    assert_int_equal(outage(f, 130, 20), 1);
    assert_int_equal(scalar(f, rests_for), 0);
    assert_int_equal(outage(f, 185, 22), 1);
    assert_int_equal(scalar(f, rests_for), 22);
}

static void test_same_time_of_the_week(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(outage(f, 30, 62), 1);
    assert_int_equal(outage(f, 30 + 7 * 24 - 1, 63), 0);
    assert_int_equal(scalar(f, rests_for), 63);
}

/* A rest that does not come back is forgotten. */
static void test_forgotten(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    store(f, 2, web, (struct seen){.rest_ms = 9 * hour_ms, .found = true});
    for (int day = 1; day <= 28; day++)
        store(f, 24 * day, web, (struct seen){.rest_ms = day % 5 ? 0 : hour_ms, .found = true});
    assert_int_equal(scalar(f, rests_for), 1);
    assert_int_equal(outage(f, 30 * 24, 6), 1);
}

static void test_over_night(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    store(f, 1, web, (struct seen){.rest_ms = 9 * hour_ms, .unclean = true}); /* may be for want of data */
    assert_int_equal(scalar(f, "SELECT rest_ms FROM rule"), 0);
    store(f, 2, web, (struct seen){.rest_ms = 9 * hour_ms, .found = true});
    sqlite3_exec(f->db->sqlite, "UPDATE rule SET hit_ms = 1655071200000", NULL, NULL, NULL);
    assert_int_equal(store(f, 96, web, (struct seen){.since = 50}), 0);
    assert_int_equal(store(f, 97, web, (struct seen){.since = 50}), 1);
}

/* A rule that last held at `last` after a rest and then broke: the hour of the run that tells it, 0: none. */
static int hour_told(struct fixture *f, int rest, int last)
{
    int64_t hit_ms = t0 + last * hour_ms;
    char sql[100];
    start(f, web);
    store(f, 2, web, (struct seen){.rest_ms = rest * hour_ms, .found = true});
    snprintf(sql, sizeof sql, "UPDATE rule SET hit_ms = %lld", (long long)hit_ms);
    sqlite3_exec(f->db->sqlite, sql, NULL, NULL, NULL);
    for (int hour = 3; hour < 30 * 24; hour++)
        if (store(f, hour, web, (struct seen){.since = 90}))
            return hour + 24 - last;
    return 0;
}

static void test_over_a_weekend(void **state)
{
    assert_int_equal(hour_told(*state, 62, 26), 5 * 24);
}

static void test_over_a_long_weekend(void **state)
{
    assert_int_equal(hour_told(*state, 87, 26), 5 * 24);
}

static void test_over_a_week_without_work(void **state)
{
    assert_int_equal(hour_told(*state, 110, 26), 110 + 24);
}

/* A week is the most, also where the rule is gone by then. */
static void test_told_though_gone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hour_told(f, 150, 40), 7 * 24);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'gone'"), 1);
    assert_int_equal(scalar(f, open_broken), 1);
}

/* A week after its rule is gone, nobody looks whether it holds again: the alert says so as it closes. */
static void test_closed_with_the_rule(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 90}), 1);
    store(f, 14 * 24 - 1, web, (struct seen){.since = 90});
    assert_int_equal(scalar(f, open_broken), 1);
    store(f, 14 * 24, web, (struct seen){.since = 90});
    assert_int_equal(scalar(f,
                            "SELECT count(*) FROM alerts WHERE kind = 'broken' AND state = 'closed' AND "
                            "note = 'its rule has been gone for a week: its right side stopped following'"),
                     1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE kind = 'closed'"), 1);
}

/* After a change of sampling a rule is not broken before it has been found in data of the new kind. */
static void test_sampled_anew(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    sqlite3_exec(f->db->sqlite,
                 "INSERT INTO quality VALUES ('paris', 1655071200000 + 20 * 3600000, 1, 0, 0, 0, 1, 0)", NULL,
                 NULL, NULL);
    assert_int_equal(store(f, 30, web, (struct seen){.since = 50}), 0);
    store(f, 31, web, (struct seen){.found = true});
    assert_int_equal(store(f, 32, web, (struct seen){.since = 50}), 1);
}

/* While a rule breaks slowly, as seen by runs that still find it, its figures get worse; it is judged by
 * those of before, also when its arrow has turned. */
static void test_figures_that_erode(void **state)
{
    static const char turned[] = "10.0.0.5.* : 10.0.0.9.3306/tcp => *.* : 10.0.0.5.80/tcp";
    struct fixture *f = *state;
    struct fl_recheck *r;
    size_t n;
    start(f, web);
    store(f, 1, web, (struct seen){.awake = 100, .found = true});
    store(f, 2, turned, (struct seen){.since = 60, .awake = 80, .unclean = true, .found = true});
    sqlite3_exec(f->db->sqlite, "UPDATE figures SET confidence = 1, reverse_confidence = 0.2, both = 0", NULL,
                 NULL, NULL);
    assert_int_equal(fl_rulesdb_to_recheck(f->db, "paris", &r, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_true(r[0].antecedent.server_port == 3306 && r[0].both);
    assert_true(r[0].confidence == 1 && r[0].reverse_confidence == 1 && r[0].reverse_cases == 100);
    free(r);
    assert_int_equal(store(f, 3, turned, (struct seen){.reverse_since = 80}), 1);
}

/* What takes the place of what stopped is told in one alert with it, whichever was there first. */
static const char moved[] = "*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.10.3306/tcp";
static const char one_alert[] =
    "SELECT count(*) FROM alerts WHERE kind = 'novel' AND state = 'open' AND text LIKE '%it takes the place "
    "of "
    "\"10.0.0.5 asks 10.0.0.9 port 3306/tcp\", which stopped' AND NOT EXISTS (SELECT 1 FROM alert WHERE kind "
    "= "
    "'broken' AND (state <> 'closed' OR note <> 'another alert tells of what takes its place'))";

static void test_moved_at_once(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(store(f, 1, moved, (struct seen){.since = 20, .found = true}), 1);
    assert_int_equal(scalar(f, one_alert), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert WHERE kind = 'broken'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 1);
    assert_int_equal(store(f, 2, moved, (struct seen){.since = 30, .found = true}), 0);
}

/* An alert that is open already says so as one that has grown, as severe as the break is. */
static void test_moved_while_open(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    store(f, 1, moved, (struct seen){.found = true});
    assert_int_equal(scalar(f, "SELECT count(*) FROM alerts WHERE severity = 'low'"), 1);
    store(f, 2, moved, (struct seen){.since = 20, .found = true});
    assert_int_equal(scalar(f, one_alert), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event WHERE alert_id = 1 AND kind = 'grown'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alerts WHERE kind = 'novel' AND severity = 'medium' AND "
                               "why LIKE 'medium: %'"),
                     1);
    store(f, 3, moved, (struct seen){.since = 30, .found = true});
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 2);
}

/* Nobody looks at what was acknowledged any more: that it broke is told by itself, and stays so. */
static void test_moved_to_what_is_acked(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    store(f, 1, moved, (struct seen){.found = true});
    sqlite3_exec(f->db->sqlite, "UPDATE alert SET state = 'acked'", NULL, NULL, NULL);
    assert_int_equal(store(f, 2, moved, (struct seen){.since = 20, .found = true}), 1);
    assert_int_equal(scalar(f, open_broken), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert WHERE text LIKE '%takes the place%'"), 0);
    int64_t id = 2;
    assert_int_equal(fl_alert_retell(f->db, &id, 1, NULL, NULL, t0), SQLITE_OK);
    assert_int_equal(scalar(f, open_broken), 1);
}

/* So is what another rule than the strongest of an alert takes the place of. */
static void test_moved_within_an_alert(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    store(f, 1, "10.0.7.5.* : 10.0.7.9.80/tcp => 10.0.7.5.* : 10.0.7.10.3306/tcp",
          (struct seen){.found = true});
    store(f, 2, moved, (struct seen){.found = true});
    sqlite3_exec(f->db->sqlite, "UPDATE alert_member SET alert_id = 1; DELETE FROM alert WHERE id = 2", NULL,
                 NULL, NULL);
    assert_int_equal(store(f, 3, moved, (struct seen){.since = 20, .found = true}), 1);
    assert_int_equal(scalar(f, open_broken), 1);
}

/* What was there long before, or comes long after, takes nobody's place. */
static void test_not_moved(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    store(f, 1, moved, (struct seen){.found = true});
    sqlite3_exec(f->db->sqlite, "UPDATE rule SET first_seen_ms = first_seen_ms - 2 * 86400000 WHERE id = 2",
                 NULL, NULL, NULL);
    assert_int_equal(store(f, 2, moved, (struct seen){.since = 20, .found = true}), 1);
    assert_int_equal(scalar(f, one_alert), 0);
    assert_int_equal(scalar(f, open_broken), 1);
    sqlite3_exec(f->db->sqlite, "UPDATE rule SET first_seen_ms = first_seen_ms + 9 * 86400000 WHERE id = 2",
                 NULL, NULL, NULL);
    store(f, 3, "*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.11.3306/tcp",
          (struct seen){.since = 30, .found = true});
    assert_int_equal(scalar(f, one_alert), 1);
}

static void test_moved_a_run_later(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 20}), 1);
    assert_int_equal(store(f, 2, moved, (struct seen){.since = 30, .found = true}), 1);
    assert_int_equal(scalar(f, one_alert), 1);
    assert_int_equal(store(f, 3, moved, (struct seen){.since = 40, .found = true}), 0);
}

static void test_either_way(void **state)
{
    struct fixture *f = *state;
    static const char both[] = "10.0.0.7.* : 10.0.0.53.53/udp <=> 10.0.0.7.* : 10.0.0.9.143/tcp";
    start(f, web);
    assert_int_equal(store(f, 1, web, (struct seen){.reverse_since = 50, .found = true}),
                     0); /* it never said so */
    start(f, both);
    assert_int_equal(store(f, 2, both, (struct seen){.reverse_since = 50}), 1);
    assert_int_equal(
        scalar(f,
               "SELECT count(*) FROM alerts WHERE text LIKE 'Broken at paris: \"10.0.0.7 asks 10.0.0.9 port "
               "143/tcp\" goes on%, all of this run.%'"),
        1);
}

/* One busy member of a range goes on alone while the others are in step: the run finds the range again. */
static void test_ranges_that_are_found_do_not_break(void **state)
{
    static const char ssh[] = "10.0.0.5.* : *.22/tcp <=> 10.0.0.5.* : *.22/tcp";
    struct fixture *f = *state;
    start(f, ssh);
    assert_int_equal(store(f, 1, ssh, (struct seen){.since = 60, .found = true}), 0);
    assert_int_equal(store(f, 2, ssh, (struct seen){.since = 60}), 1);
}

/* Whatever else the client asks would be one of them. */
static void test_mixed_services_do_not_break(void **state)
{
    static const char mixed[] = "10.0.0.5.* : *.1-65535/tcp <=> 10.0.0.5.* : *.1-65535/tcp",
                      beside[] = "10.0.0.5.* : *.1-65535/tcp => 10.0.0.5.* : 10.0.0.53.53/udp";
    struct fixture *f = *state;
    start(f, mixed);
    start(f, beside);
    assert_int_equal(scalar(f, "SELECT count(*) FROM known_rules"), 2);
    assert_int_equal(store(f, 1, mixed, (struct seen){.since = 60, .found = true}), 0);
    assert_int_equal(store(f, 2, mixed, (struct seen){.since = 60}), 0);
}

/* A few hits may be chance: it stays told until they are enough. */
static void test_chance_does_not_mend(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 40}), 1);
    store(f, 2, web, (struct seen){.unsure = true});
    assert_int_equal(scalar(f, open_broken), 1);
    store(f, 3, web, (struct seen){.since = 0});
    assert_int_equal(scalar(f, open_broken), 0);
}

/* Of a rule that says nothing the other way round, the right side may go on alone as it likes. */
static void test_one_way_mends(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    sqlite3_exec(f->db->sqlite, "UPDATE figures SET reverse_confidence = 0.3", NULL, NULL, NULL);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 40}), 1);
    store(f, 2, web, (struct seen){.reverse_since = 30});
    assert_int_equal(scalar(f, open_broken), 0);
}

static void test_older_data_break_nothing(void **state)
{
    struct fixture *f = *state;
    start(f, web);
    store(f, 5, web, (struct seen){.found = true});
    assert_int_equal(store(f, 4, web, (struct seen){.since = 50, .awake = 70}), 0);
    assert_int_equal(scalar(f, "SELECT recheck_both FROM rule"), 100);
    assert_int_equal(scalar(f, "SELECT awake_both IS NULL FROM rule"), 1);
}

/* Accepting a broken rule's alert means: so be it. It is not told again until it has held in between. */
static void test_accepting(void **state)
{
    struct fixture *f = *state;
    size_t silenced;
    start(f, web);
    assert_int_equal(store(f, 1, web, (struct seen){.since = 50}), 1);
    decide(f, FL_ACCEPT, &silenced);
    assert_int_equal(silenced, 1);
    assert_int_equal(
        scalar(f, "SELECT count(*) FROM alert WHERE state = 'closed' AND author = 'ann' AND note = 'moved'"),
        1);
    assert_int_equal(store(f, 2, web, (struct seen){.since = 60}), 0);
    store(f, 3, web, (struct seen){.found = true});
    assert_int_equal(scalar(f, "SELECT count(*) FROM alert WHERE author = 'ann' AND note = 'moved'"), 1);
    assert_int_equal(store(f, 4, web, (struct seen){.since = 60}), 1);
}

static void test_ignoring(void **state)
{
    struct fixture *f = *state;
    size_t silenced;
    start(f, web);
    store(f, 1, web, (struct seen){.since = 50});
    decide(f, FL_IGNORE, &silenced);
    assert_int_equal(silenced, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE status = 'ignored'"), 1);
    assert_int_equal(store(f, 2, web, (struct seen){.since = 60}), 0);
}

static void test_why_it_is_gone(void **state)
{
    struct fixture *f = *state;
    static const char why[] =
        "SELECT count(*) FROM rules WHERE status = 'gone' AND gone_why = 'its right side stopped "
        "following'";
    start(f, web);
    store(f, 1, web, (struct seen){.since = 80}); /* 20 of 95 left */
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE gone_why IS NOT NULL"), 0);
    store(f, 24 * 8, web, (struct seen){.since = 80});
    assert_int_equal(scalar(f, why), 1);
    sqlite3_exec(f->db->sqlite, "UPDATE rule SET recheck_antecedent = 3", NULL, NULL, NULL);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE gone_why = 'both sides stopped'"), 1);
    sqlite3_exec(f->db->sqlite, "UPDATE rule SET recheck_consequent = 90", NULL, NULL, NULL);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE gone_why = 'its left side stopped'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_looked_at),
        TEST(test_broken_and_whole_again),
        TEST(test_how_sure),
        TEST(test_rests),
        TEST(test_over_night),
        TEST(test_moved_at_once),
        TEST(test_figures_that_erode),
        TEST(test_not_moved),
        TEST(test_sampled_anew),
        TEST(test_moved_a_run_later),
        TEST(test_either_way),
        TEST(test_ranges_that_are_found_do_not_break),
        TEST(test_mixed_services_do_not_break),
        TEST(test_older_data_break_nothing),
        TEST(test_accepting),
        TEST(test_ignoring),
        TEST(test_one_way_mends),
        TEST(test_over_a_weekend),
        TEST(test_over_a_long_weekend),
        TEST(test_over_a_week_without_work),
        TEST(test_told_though_gone),
        TEST(test_closed_with_the_rule),
        TEST(test_repaired),
        TEST(test_same_time_of_the_week),
        TEST(test_forgotten),
        TEST(test_moved_while_open),
        TEST(test_moved_to_what_is_acked),
        TEST(test_moved_within_an_alert),
        TEST(test_few_cases),
        TEST(test_chance_does_not_mend),
        TEST(test_why_it_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
