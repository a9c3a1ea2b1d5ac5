/* The courier with sinks that are files: what is in the outbox arrives, in order, also after a failure, a
 * change of the configuration and a restart; and stopping does not wait for a sink. */
#include "tests/storage/rulesdb_fixture.h"

#include <poll.h>
#include <sys/stat.h>

#include "collector/sink/courier.h"
#include "storage/rulesdb_sink.h"

static struct fl_settings_box box;
static const struct fl_backoff quick = {20, 80};

static void configure(const char *alerts_file, const char *name, const char *path)
{
    struct fl_config c;
    assert_int_equal(fl_config_init(&c), 0);
    c.alerts_file = alerts_file ? strdup(alerts_file) : NULL;
    if (name) {
        c.sinks = calloc(1, sizeof *c.sinks);
        c.n_sinks = 1;
        fl_sink_config_init(&c.sinks[0], name, FL_SINK_FILE);
        c.sinks[0].path = strdup(path);
    }
    assert_int_equal(fl_settings_replace(&box, &c), 0);
}

static struct fl_courier *start(struct fixture *f)
{
    struct fl_courier *c = NULL;
    struct fl_courier_setup setup = {f->dir, &box, quick};
    assert_int_equal(fl_courier_start(&c, &setup, NULL), 0);
    return c;
}

static void open_alert(struct fixture *f, int id)
{
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO alert (id, location, kind, severity, state, opened_ms, made_ms, changed_ms, rule, "
        "novelty, "
        "rules, text, why) VALUES (%d, 'hq', 'novel', 'low', 'open', 1000, 2000, 2000, 'a => b', 'new', 1, "
        "'New', 'Because')",
        id);
    assert_int_equal(sqlite3_exec(f->db->sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Wait until the query gives `wanted`: for half a minute, which only a failure takes. */
static void wait_until(struct fixture *f, const char *sql, int64_t wanted)
{
    for (int i = 0; i < 1500 && scalar(f, sql) != wanted; i++)
        poll(NULL, 0, 20);
    assert_int_equal(scalar(f, sql), wanted);
}

/* The alerts in a file of the data directory, as "1 2 3"; the file is then removed. */
static void read_alerts(struct fixture *f, const char *name, char ids[256])
{
    char path[128], line[4096];
    *ids = 0;
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        json_t *event = json_loads(line, 0, NULL);
        assert_non_null(event);
        json_int_t id = json_integer_value(json_object_get(json_object_get(event, "flowlore"), "id"));
        snprintf(ids + strlen(ids), 256 - strlen(ids), "%s%lld", *ids ? " " : "", (long long)id);
        json_decref(event);
    }
    if (file)
        fclose(file);
    unlink(path);
}

static void assert_alerts_in(struct fixture *f, const char *name, const char *expected)
{
    char ids[256];
    read_alerts(f, name, ids);
    assert_string_equal(ids, expected);
}

static int set_up_box(void **state)
{
    fl_settings_init(&box);
    return set_up(state);
}

static int tear_down_box(void **state)
{
    fl_settings_destroy(&box);
    return tear_down(state);
}

static void test_the_alerts_file(void **state)
{
    struct fixture *f = *state;
    configure(NULL, NULL, NULL);
    open_alert(f, 1);
    struct fl_courier *c = start(f);
    open_alert(f, 2);
    wait_until(f, "SELECT count(*) FROM deliveries WHERE state = 'delivered'", 2);
    open_alert(f, 3);
    fl_courier_finish(c); /* which looks once more */
    open_alert(f, 4);
    c = start(f);
    wait_until(f, "SELECT ifnull(sum(delivered), 0) FROM sinks", 4);
    fl_courier_finish(c);
    assert_alerts_in(f, "alerts.jsonl", "1 2 3 4");
}

static void test_off(void **state)
{
    struct fixture *f = *state;
    configure("off", NULL, NULL);
    open_alert(f, 1);
    fl_courier_finish(start(f));
    assert_int_equal(scalar(f, "SELECT count(*) FROM deliveries"), 0);
}

static void test_a_sink_that_fails_for_a_while(void **state)
{
    struct fixture *f = *state;
    char place[96], ids[256];
    snprintf(place, sizeof place, "%s/later", f->dir);
    configure(NULL, "slow", "later/a.jsonl");
    struct fl_courier *c = start(f);
    open_alert(f, 1);
    open_alert(f, 2);
    wait_until(f, "SELECT ifnull(sum(delivered), 0) FROM sinks WHERE name = 'file'", 2);
    wait_until(f, "SELECT count(*) FROM deliveries WHERE sink = 'slow' AND alert_id = 1 AND attempts >= 3",
               1);
    assert_int_equal(scalar(f,
                            "SELECT error LIKE '%No such file%' AND next IS NOT NULL FROM sinks WHERE name = "
                            "'slow'"),
                     1);
    assert_int_equal(mkdir(place, 0700), 0);
    wait_until(f, "SELECT ifnull(sum(delivered), 0) FROM sinks WHERE name = 'slow' AND error IS NULL", 2);
    fl_courier_finish(c);
    read_alerts(f, "later/a.jsonl", ids); /* one that failed eight times lets the other go first */
    assert_true(strcmp(ids, "1 2") == 0 || strcmp(ids, "2 1") == 0);
    assert_alerts_in(f, "alerts.jsonl", "1 2");
    rmdir(place);
}

static void test_another_configuration(void **state)
{
    struct fixture *f = *state;
    configure(NULL, "one", "one.jsonl");
    struct fl_courier *c = start(f);
    open_alert(f, 1);
    wait_until(f, "SELECT count(*) FROM deliveries WHERE state = 'delivered'", 2);
    configure("off", "two", "two.jsonl");
    wait_until(f, "SELECT count(*) FROM sinks WHERE name = 'two'", 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM sinks"), 1);
    open_alert(f, 2);
    wait_until(f, "SELECT ifnull(sum(delivered), 0) FROM sinks", 1);
    configure("off", "two", "three.jsonl");
    open_alert(f, 3);
    wait_until(f, "SELECT ifnull(sum(delivered), 0) FROM sinks", 2);
    fl_courier_finish(c);
    assert_alerts_in(f, "one.jsonl", "1");
    assert_alerts_in(f, "alerts.jsonl", "1");
    char path[96];
    snprintf(path, sizeof path, "%s/two.jsonl", f->dir);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    snprintf(path, sizeof path, "%s/three.jsonl", f->dir);
    unlink(path);
}

#define WITH_BOX(name) cmocka_unit_test_setup_teardown(name, set_up_box, tear_down_box)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_the_alerts_file),
        WITH_BOX(test_off),
        WITH_BOX(test_a_sink_that_fails_for_a_while),
        WITH_BOX(test_another_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
