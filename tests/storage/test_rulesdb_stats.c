/* What the service counts and the templates that outlive it: every figure kept, only changes written, old
 * sessions forgotten. */
#include "storage/flow.h"
#include "tests/storage/rulesdb_fixture.h"

static const int64_t day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */

static struct fl_exporter_stats make_stats(uint32_t host, uint16_t port, int64_t last_seen_ms)
{
    struct fl_exporter_stats e;
    memset(&e, 0, sizeof e);
    e.address = fl_addr_v4(host);
    e.source_port = port;
    e.version = 9;
    strcpy(e.location, "paris");
    e.sampling = 1;
    e.first_seen_ms = t0;
    e.last_seen_ms = last_seen_ms;
    return e;
}

static void store(struct fixture *f, int64_t now_ms, const struct fl_exporter_stats *e, size_t n)
{
    struct fl_service_stats service = {.started_ms = t0, .updated_ms = now_ms, .running = true};
    struct fl_err err = {""};
    int rc = fl_rulesdb_store_stats(f->db, &service, e, n, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
}

static json_t *list_exporters(struct fixture *f)
{
    json_t *all = json_array();
    assert_int_equal(fl_rulesdb_exporters(f->db, collect, all, NULL), 0);
    return all;
}

static const char exporter_keys[] =
    "address, domain, version, location, packets, flows, lost, malformed, unknown_template, sampling, "
    "clock_skew_ms, first_seen, last_seen, source_port, time_fallbacks, templates, sampling_source, "
    "reordered, "
    "duplicates, restarts, waiting, not_flows, options, template_oldest, template_newest, sampling_told, "
    "active_timeout_ms, inactive_timeout_ms, flows_per_s";

/* Every figure is another number, so that two which changed places show. */
static void test_every_figure(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = {.address = fl_addr_v4(0xc0000201),
                                  .source_port = 1,
                                  .domain = UINT32_MAX,
                                  .version = 10,
                                  .location = "paris",
                                  .packets = 2,
                                  .flows = 3,
                                  .lost = 4,
                                  .reordered = 5,
                                  .duplicates = 6,
                                  .restarts = 7,
                                  .malformed = 8,
                                  .unknown_template = 9,
                                  .waiting = 10,
                                  .not_flows = 11,
                                  .options = 12,
                                  .time_fallbacks = 13,
                                  .templates = 14,
                                  .template_oldest_ms = t0 + 15,
                                  .template_newest_ms = t0 + 16,
                                  .sampling = 17,
                                  .sampling_source = FL_SAMPLING_CONFIG,
                                  .sampling_told = 18,
                                  .clock_skew_ms = -19,
                                  .active_timeout_ms = 20,
                                  .inactive_timeout_ms = 21,
                                  .flows_per_s = 22.5,
                                  .first_seen_ms = t0 + 23,
                                  .last_seen_ms = t0 + 24};
    store(f, t0, &e, 1);
    json_t *all = list_exporters(f);
    assert_keys(json_array_get(all, 0), exporter_keys);
    char *text = json_dumps(json_array_get(all, 0), JSON_COMPACT);
    assert_string_equal(
        text,
        "{\"address\":\"192.0.2.1\",\"domain\":4294967295,\"version\":10,\"location\":\"paris\",\"packets\":"
        "2,"
        "\"flows\":3,\"lost\":4,\"malformed\":8,\"unknown_template\":9,\"sampling\":17,\"clock_skew_ms\":-19,"
        "\"first_seen\":\"2022-06-12T22:00:00.023Z\",\"last_seen\":\"2022-06-12T22:00:00.024Z\","
        "\"source_port\":1,\"time_fallbacks\":13,\"templates\":14,\"sampling_source\":\"config\","
        "\"reordered\":5,\"duplicates\":6,\"restarts\":7,\"waiting\":10,\"not_flows\":11,\"options\":12,"
        "\"template_oldest\":\"2022-06-12T22:00:00.015Z\",\"template_newest\":\"2022-06-12T22:00:00.016Z\","
        "\"sampling_told\":18,\"active_timeout_ms\":20,\"inactive_timeout_ms\":21,\"flows_per_s\":22.5}");
    free(text);
    json_decref(all);
}

static void test_unknown_is_null(void **state)
{
    static const char *const keys[] = {"template_oldest", "template_newest", "sampling_told",
                                       "active_timeout_ms", "inactive_timeout_ms"};
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(0xc0000201, 1, t0);
    store(f, t0, &e, 1);
    json_t *all = list_exporters(f);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_true(json_is_null(json_object_get(json_array_get(all, 0), keys[i])));
    json_decref(all);
}

static void test_service(void **state)
{
    struct fixture *f = *state;
    json_t *o = NULL;
    struct fl_service_stats s = {
        .datagrams = UINT64_MAX,
        .refused = 1,
        .malformed = 2,
        .kernel_drops = 3,
        .queue_shed = 4,
        .disk_shed = 5,
        .stored = 6,
        .sessions_dropped = 7,
        .started_ms = t0,
        .updated_ms = t0 + 1,
        .running = true,
        .n_refused_senders = 2,
        .refused_senders = {{fl_addr_v4(0x0a000001), 5, t0}, {fl_addr_v4(0x0a000002), 9, t0 + 2}}};
    assert_int_equal(fl_rulesdb_service(f->db, &o, NULL), FL_ENOENT);
    assert_int_equal(fl_rulesdb_store_stats(f->db, &s, NULL, 0, NULL), 0);
    assert_int_equal(fl_rulesdb_service(f->db, &o, NULL), 0);
    char *text = json_dumps(o, JSON_COMPACT);
    assert_string_equal(
        text, "{\"datagrams\":9223372036854775807,\"refused\":1,\"malformed\":2,\"kernel_drops\":3,"
              "\"queue_shed\":4,\"disk_shed\":5,\"stored\":6,\"started\":\"2022-06-12T22:00:00.000Z\","
              "\"updated\":\"2022-06-12T22:00:00.001Z\",\"running\":true,\"sessions_dropped\":7,"
              "\"refused_senders\":[{\"address\":\"10.0.0.2\",\"datagrams\":9,"
              "\"last_seen\":\"2022-06-12T22:00:00.002Z\"},{\"address\":\"10.0.0.1\",\"datagrams\":5,"
              "\"last_seen\":\"2022-06-12T22:00:00.000Z\"}]}");
    free(text);
    json_decref(o);
    s.n_refused_senders = 1;
    s.refused_senders[0] = (struct fl_refused_sender){fl_addr_v4(0x0a000003), 1, t0};
    assert_int_equal(fl_rulesdb_store_stats(f->db, &s, NULL, 0, NULL), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM refused_sender WHERE address = '10.0.0.3'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM refused_sender"), 1);
}

/* ---- only what has changed ---- */

static int64_t rows_written(struct fixture *f)
{
    return scalar(f, "SELECT count(*) FROM temp.writes");
}

static void test_only_changes_are_written(void **state)
{
    struct fixture *f = *state;
    static struct fl_exporter_stats e[500];
    for (size_t i = 0; i < 500; i++)
        e[i] = make_stats(0x0a000000 + (uint32_t)i / 5, (uint16_t)(i % 5), t0);
    assert_int_equal(sqlite3_exec(f->db->sqlite,
                                  "CREATE TEMP TABLE writes (a); CREATE TEMP TRIGGER i AFTER INSERT ON "
                                  "main.exporter BEGIN INSERT INTO writes VALUES (1); END; CREATE TEMP "
                                  "TRIGGER u AFTER UPDATE ON main.exporter BEGIN INSERT INTO writes VALUES "
                                  "(1); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    store(f, t0, e, 500);
    assert_int_equal(rows_written(f), 500);
    store(f, t0 + 2000, e, 500);
    assert_int_equal(rows_written(f), 500);
    struct fl_exporter_stats changed = e[3];
    changed.flows = 77;
    memmove(e + 1, e, 3 * sizeof e[0]); /* the newest comes first */
    e[0] = changed;
    store(f, t0 + 4000, e, 500);
    assert_int_equal(rows_written(f), 501);
    assert_int_equal(scalar(f, "SELECT flows FROM exporter WHERE address = '10.0.0.0' AND source_port = 3"),
                     77);
    store(f, t0 + 6000, e, 400); /* the last hundred are heard of no more, and then again */
    store(f, t0 + 8000, e, 500);
    assert_int_equal(rows_written(f), 601);
    assert_int_equal(scalar(f, "SELECT count(*) FROM exporter"), 500);
}

/* A call that failed may have left nothing behind: the next one writes everything. */
static void test_after_a_failure(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(0x0a000001, 1, t0);
    struct fl_service_stats service = {.updated_ms = t0};
    sqlite3_exec(f->db->sqlite,
                 "CREATE TEMP TRIGGER no BEFORE INSERT ON main.exporter BEGIN SELECT "
                 "raise(ABORT, 'the disk is full'); END",
                 NULL, NULL, NULL);
    struct fl_err err = {""};
    assert_int_equal(fl_rulesdb_store_stats(f->db, &service, &e, 1, &err), FL_EDB);
    assert_non_null(strstr(err.text, "the disk is full"));
    sqlite3_exec(f->db->sqlite, "DROP TRIGGER no", NULL, NULL, NULL);
    store(f, t0, &e, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM exporter"), 1);
}

/* ---- forgetting ---- */

static void store_template(struct fixture *f, const struct fl_exporter_stats *e, uint16_t id, int64_t at_ms)
{
    static const uint8_t bytes[] = {1, 0, 0, 1, 0, 8, 0, 4};
    struct fl_wire_template t = {.address = e->address,
                                 .source_port = e->source_port,
                                 .domain = e->domain,
                                 .version = e->version,
                                 .id = id,
                                 .defined_ms = at_ms,
                                 .bytes = bytes,
                                 .length = sizeof bytes};
    assert_int_equal(fl_rulesdb_store_templates(f->db, &t, 1, NULL), 0);
}

static void test_unheard_sessions_are_forgotten(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e[2] = {make_stats(0x0a000001, 1, t0), make_stats(0x0a000001, 2, t0 + 1)};
    store(f, t0 + 1, e, 2);
    store_template(f, &e[0], 256, t0);
    store_template(f, &e[1], 256, t0);
    store(f, t0 + 30 * day_ms, e, 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM exporter"), 2); /* thirty days are not over thirty */
    store(f, t0 + 30 * day_ms + 3600001, e, 2);
    assert_int_equal(scalar(f, "SELECT count(*) FROM exporter"), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM template"), 0);
}

static void test_most_sessions(void **state)
{
    struct fixture *f = *state;
    static struct fl_exporter_stats e[FL_MOST_SESSIONS];
    for (size_t i = 0; i < FL_MOST_SESSIONS; i++)
        e[i] = make_stats(0x0a000001, (uint16_t)i, t0 + (int64_t)i);
    store(f, t0 + 5000, e, FL_MOST_SESSIONS);
    store_template(f, &e[0], 256, t0 + 5000);
    store_template(f, &e[1], 256, t0 + 5000);
    assert_int_equal(scalar(f, "SELECT count(*) FROM exporter"), 4096);
    struct fl_exporter_stats late = make_stats(0x0a000001, 60000, t0 + 5001);
    store(f, t0 + 5001, &late, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM exporter"), 4096);
    assert_int_equal(scalar(f, "SELECT min(source_port) FROM exporter"), 1);
    assert_int_equal(scalar(f, "SELECT max(source_port) FROM exporter"), 60000);
    assert_int_equal(scalar(f, "SELECT group_concat(source_port) FROM template"), 1);
}

/* Templates come before the first figures of their session; if those never come, they go. */
static void test_templates_without_a_session(void **state)
{
    struct fixture *f = *state;
    struct fl_exporter_stats e = make_stats(0x0a000001, 1, t0), other = make_stats(0x0a000002, 1, t0);
    store_template(f, &e, 256, t0);
    store(f, t0 + 3600000, &other, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM template"), 1);
    store(f, t0 + 7200000, &other, 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM template"), 0);
}

/* ---- templates ---- */

struct seen {
    size_t n, stop_at;
    char text[512];
};

static int see(void *ctx, const struct fl_wire_template *t)
{
    struct seen *seen = ctx;
    char address[FL_ADDR_TEXT];
    size_t used = strlen(seen->text);
    used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "%s %u %u %u %u %d %lld ",
                             fl_addr_format(&t->address, address), t->source_port, t->domain, t->version,
                             t->id, t->options, (long long)(t->defined_ms - t0));
    for (size_t i = 0; i < t->length; i++)
        used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "%02x", t->bytes[i]);
    snprintf(seen->text + used, sizeof seen->text - used, "\n");
    return ++seen->n == seen->stop_at ? FL_ESTOP : 0;
}

static struct seen look(struct fixture *f, size_t stop_at, int expected)
{
    struct seen seen = {.stop_at = stop_at};
    assert_int_equal(fl_rulesdb_templates(f->db, see, &seen, NULL), expected);
    return seen;
}

static void test_templates(void **state)
{
    static const uint8_t a[] = {1, 0, 0, 1, 0, 8, 0, 4}, b[] = {1, 4, 0, 1, 0, 0, 0, 1, 0, 34, 0, 4};
    struct fixture *f = *state;
    struct fl_addr six;
    assert_int_equal(fl_addr_parse("2001:db8::1", &six), 0);
    struct fl_wire_template t[] = {
        {fl_addr_v4(0x0a000001), 65535, UINT32_MAX, 9, 256, false, t0 + 1, a, sizeof a},
        {six, 1, 0, 10, 65535, true, t0 + 2, b, sizeof b},
        {six, 1, 0, 10, 260, true, t0 + 3, b, sizeof b},
    };
    assert_int_equal(fl_rulesdb_store_templates(f->db, t, 3, NULL), 0);
    assert_string_equal(look(f, 0, 0).text, "10.0.0.1 65535 4294967295 9 256 0 1 0100000100080004\n"
                                            "2001:db8::1 1 0 10 260 1 3 010400010000000100220004\n"
                                            "2001:db8::1 1 0 10 65535 1 2 010400010000000100220004\n");
    assert_int_equal(look(f, 2, FL_ESTOP).n, 2);
    t[1].length = 0; /* withdrawn */
    t[2].bytes = a;  /* redefined */
    t[2].length = sizeof a;
    t[2].options = false;
    assert_int_equal(fl_rulesdb_store_templates(f->db, t + 1, 2, NULL), 0);
    assert_string_equal(look(f, 0, 0).text, "10.0.0.1 65535 4294967295 9 256 0 1 0100000100080004\n"
                                            "2001:db8::1 1 0 10 260 0 3 0100000100080004\n");
    assert_int_equal(fl_rulesdb_store_templates(f->db, NULL, 0, NULL), 0);
}

/* Rows that no flowlore wrote are passed over. */
static void test_foreign_templates(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        sqlite3_exec(f->db->sqlite,
                     "INSERT INTO template VALUES ('nowhere', 1, 1, 9, 256, 0, 0, x'0100'), "
                     "('10.0.0.1', 65536, 1, 9, 256, 0, 0, x'0100'), ('10.0.0.1', 1, -1, 9, 256, 0, 0, "
                     "x'0100'), ('10.0.0.1', 1, 1, 5, 256, 0, 0, x'0100'), ('10.0.0.1', 1, 1, 9, 255, 0, 0, "
                     "x'0100'), ('10.0.0.1', 1, 1, 9, 257, 0, 0, x'')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(look(f, 0, 0).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_figure),    TEST(test_unknown_is_null),
        TEST(test_service),         TEST(test_only_changes_are_written),
        TEST(test_after_a_failure), TEST(test_unheard_sessions_are_forgotten),
        TEST(test_most_sessions),   TEST(test_templates_without_a_session),
        TEST(test_templates),       TEST(test_foreign_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
