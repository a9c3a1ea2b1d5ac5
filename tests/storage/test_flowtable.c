/* The SQL table `flows` against a plain table with the same records, condition by condition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "storage/bucket.h"
#include "storage/flowtable.h"
#include "tests/storage/flows.h"

static char dir[64];
static sqlite3 *db;

static void run(sqlite3 *on, const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(on, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

/* Two locations, five hours, and the table `plain`, a copy without any pushing down. */
static int setup(void **state)
{
    uint64_t seed = 21;
    struct fl_writer *w;
    struct fl_commit_report report;
    strcpy(dir, "/tmp/fl-table-XXXXXX");
    if (!mkdtemp(dir) || fl_writer_open(&w, dir, FL_BUCKET_HOUR_MS, NULL) != 0)
        return -1;
    for (int i = 0; i < 6000; i++) {
        struct fl_flow f = i % 7 ? flows_make(&seed, 5 * FL_BUCKET_HOUR_MS)
                                 : flows_make_translated(&seed, 5 * FL_BUCKET_HOUR_MS);
        fl_writer_add(w, i % 3 ? "north" : "south", &f);
        if (i % 1500 == 1499)
            fl_writer_commit(w, &report, NULL);
    }
    fl_writer_close(w);
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || fl_flowtable_register(db, dir) != 0)
        return -1;
    run(db, "CREATE TABLE plain AS SELECT *, start_ms, end_ms FROM flows");
    return 0;
}

static int teardown(void **state)
{
    char command[96];
    sqlite3_close(db);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static int64_t number(const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

/* The same rows on both sides (a row's sum of hashes would hide little, all columns hide nothing). */
static void check(const char *flows_where, const char *plain_where)
{
    char *sql =
        sqlite3_mprintf("WITH a AS (SELECT *, start_ms, end_ms, count(*) FROM flows WHERE %s GROUP BY "
                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28), "
                        "b AS (SELECT *, count(*) FROM plain WHERE %s GROUP BY "
                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28) "
                        "SELECT (SELECT count(*) FROM (SELECT * FROM a EXCEPT SELECT * FROM b)) + "
                        "(SELECT count(*) FROM (SELECT * FROM b EXCEPT SELECT * FROM a))",
                        flows_where, plain_where);
    int64_t different = number(sql);
    sqlite3_free(sql);
    if (different != 0)
        fail_msg("%lld rows differ: %s", (long long)different, flows_where);
}

static void conditions_on_plain_columns_are_exact(void **state)
{
    static const char *const where[] = {
        "1",
        "location = 'north'",
        "location = 'NORTH' COLLATE NOCASE",
        "location = 'nowhere'",
        "location = '../x'",
        "location = 'north' AND location = 'south'",
        "location IN ('north', 'south', 'x')",
        "start >= '2022-06-12'",
        "start >= '2022-06-13T00'",
        "start < '2022-06-13T00:30:00.000Z'",
        "start <= '2022-06-13T00:30' AND start > '2022-06-12T23:15'",
        "start > ''",
        "start < ''",
        "start > 'zebra'",
        "start < 'zebra'",
        "start >= 5",
        "start >= x'32'",
        "start = (SELECT start FROM plain LIMIT 1)",
        "start BETWEEN (SELECT min(start) FROM plain) AND (SELECT max(start) FROM plain)",
        "start > (SELECT max(start) FROM plain)",
        "start >= (SELECT max(start) FROM plain)",
        "start < (SELECT min(start) FROM plain)",
        "start IN (SELECT start FROM plain LIMIT 7)",
        "start >= '2022-06-13T00' COLLATE NOCASE",
        "start >= NULL",
        "start IS NOT NULL AND start LIKE '2022-06-13%'",
        "start_ms = (SELECT start_ms FROM plain LIMIT 1)",
        "start_ms > 1655074800000 AND start_ms <= 1655078400000",
        "start_ms >= 1655074800000.5",
        "start_ms < '1655078400000'",
        "start_ms < 'x'",
        "start_ms > 9223372036854775807",
        "start_ms < -9223372036854775807 - 1",
        "end_ms < 1655078400000",
        "\"end\" > '2022-06-13T01'",
        "src = '10.0.0.5'",
        "src = '010.0.0.5'",
        "src = '::ffff:10.0.0.5'",
        "src = '2000::FFFF:0A00:0005' COLLATE NOCASE",
        "src IN ('10.0.0.5', '10.0.0.6') AND dst > '192.168.0.100'",
        "src = '10.0.0.5' OR dst = '192.168.0.7'",
        "src = '10.0.0.5' AND src = '10.0.0.6'",
        "src = 5",
        "dst = '192.168.0.7' AND dst_port = 53",
        "dst_port = 53.0",
        "dst_port = '53'",
        "dst_port = 65589",
        "dst_port = -1",
        "dst_port IN (53, 22) OR src_port = 40000",
        "src_port = (SELECT src_port FROM plain LIMIT 1)",
        "dst_port = 53 AND start_ms < 1655078400000 AND location = 'south' AND src = '10.0.0.9'",
        "NOT (dst_port = 53) AND src <> '10.0.0.5'",
        "bytes > 50000 AND protocol = 17 AND time_source = 'uptime'",
    };
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++)
        check(where[i], where[i]);
}

static void host_and_port_match_either_side(void **state)
{
    static const char *const pairs[][2] = {
        {"host = '10.0.0.5'", "src = '10.0.0.5' OR dst = '10.0.0.5'"},
        {"host = '::ffff:192.168.0.7'", "src = '192.168.0.7' OR dst = '192.168.0.7'"},
        {"host = 'nonsense'", "0"},
        {"host = 5", "0"},
        {"host = NULL", "0"},
        {"port = 53", "src_port = 53 OR dst_port = 53"},
        {"port = '53'", "src_port = 53 OR dst_port = 53"},
        {"port = 53.5", "0"},
        {"port = 65589", "0"},
        {"port = 'x'", "0"},
        {"host = '10.0.0.5' AND port = 53 AND start >= '2022-06-13'",
         "(src = '10.0.0.5' OR dst = '10.0.0.5') AND (src_port = 53 OR dst_port = 53) AND start >= "
         "'2022-06-13'"},
        {"host = '10.0.0.5' AND host = '192.168.0.7'",
         "(src = '10.0.0.5' AND dst = '192.168.0.7') OR (dst = '10.0.0.5' AND src = '192.168.0.7')"},
        {"host IN ('10.0.0.5', '192.168.0.7', 'nonsense')",
         "src IN ('10.0.0.5', '192.168.0.7') OR dst IN ('10.0.0.5', '192.168.0.7')"},
        {"host IN (SELECT src FROM plain LIMIT 5) AND port IN (53, 443)",
         "(src IN (SELECT src FROM plain LIMIT 5) OR dst IN (SELECT src FROM plain LIMIT 5)) AND "
         "(src_port IN (53, 443) OR dst_port IN (53, 443))"},
        {"host = '10.0.0.5' OR port = 53",
         "src = '10.0.0.5' OR dst = '10.0.0.5' OR src_port = 53 OR dst_port = 53"},
        {"(host = '10.0.0.5' OR port = 53) AND start >= '2022-06-13' AND location = 'north'",
         "(src = '10.0.0.5' OR src_port = 53 OR dst_port = 53) AND start >= '2022-06-13' AND location = "
         "'north'"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        check(pairs[i][0], pairs[i][1]);
}

static void joins_through_host(void **state)
{
    run(db, "CREATE TEMP TABLE watch(ip); INSERT INTO watch VALUES('10.0.0.5'), ('192.168.0.9'), ('x')");
    assert_int_equal(number("SELECT count(*) FROM watch JOIN flows ON host = ip"),
                     number("SELECT count(*) FROM watch JOIN plain ON src = ip OR dst = ip"));
    assert_int_equal(number("SELECT count(*) FROM watch LEFT JOIN flows ON host = ip AND port = 1"), 3);
    assert_int_equal(number("SELECT count(*) FROM (SELECT host FROM flows WHERE host = '10.0.0.5') WHERE "
                            "host = '10.0.0.5'"),
                     number("SELECT count(*) FROM plain WHERE src = '10.0.0.5' OR dst = '10.0.0.5'"));
}

static void other_uses_of_host_are_refused_not_wrong(void **state)
{
    static const char *const refused[] = {
        "SELECT count(*) FROM flows WHERE host LIKE '10.%'", "SELECT count(*) FROM flows WHERE port > 1000",
        "SELECT host FROM flows", "SELECT count(*) FROM flows WHERE host <> '10.0.0.5'"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char *error = NULL;
        assert_int_equal(sqlite3_exec(db, refused[i], NULL, NULL, &error), SQLITE_ERROR);
        assert_non_null(strstr(error, "can only be compared"));
        sqlite3_free(error);
    }
}

static void row_ids_are_unique(void **state)
{
    assert_int_equal(number("SELECT count(DISTINCT rowid) FROM flows"), 6000);
    assert_int_equal(number("SELECT count(*) FROM (SELECT * FROM flows LIMIT 10 OFFSET 5)"), 10);
    assert_int_equal(number("SELECT count(*) FROM pragma_table_info('flows')"), 28);
}

static struct fl_scan_report report_of(const char *sql)
{
    struct fl_scan_report report;
    assert_int_equal(fl_flowtable_report(db, &report), 0);
    number(sql);
    assert_int_equal(fl_flowtable_report(db, &report), 0);
    return report;
}

/* A query unpacks only what it names, so each column is asked for alone, and beside a condition on another.
 */
static void each_column_stands_alone(void **state)
{
    static const char *const names[] = {
        "location",      "exporter",      "domain",         "start",        "\"end\"",   "src",
        "dst",           "src_port",      "dst_port",       "protocol",     "tcp_flags", "packets",
        "bytes",         "in_if",         "out_if",         "tos",          "sampling",  "time_source",
        "end_reason",    "direction",     "event",          "post_src",     "post_dst",  "sampling_source",
        "post_src_port", "post_dst_port", "scaled_packets", "scaled_bytes", "start_ms",  "end_ms"};
    static const char *const where[] = {"1", "dst_port = 53", "src = '10.0.0.5'",
                                        "start_ms >= 1655073000000 AND start_ms < 1655080000000"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < sizeof where / sizeof where[0]; k++) {
            char *sql = sqlite3_mprintf(
                "WITH a AS (SELECT %s, count(*) FROM flows WHERE %s GROUP BY 1), b AS (SELECT %s, count(*) "
                "FROM plain WHERE %s GROUP BY 1) SELECT (SELECT count(*) FROM a) = (SELECT count(*) FROM b) "
                "AND (SELECT count(*) FROM (SELECT * FROM a EXCEPT SELECT * FROM b)) = 0",
                names[i], where[k], names[i], where[k]);
            if (number(sql) != 1)
                fail_msg("%s", sql);
            sqlite3_free(sql);
        }
    assert_int_equal(number("SELECT count(*) FROM flows WHERE dst_port = 53"),
                     number("SELECT count(*) FROM plain WHERE dst_port = 53"));
}

static void check_text(sqlite3 *on, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(on, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(on));
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), expected);
    sqlite3_finalize(stmt);
}

static void shows_what_was_told_and_null_for_the_rest(void **state)
{
    struct fl_flow plain = {
        .start_ms = BASE_MS, .end_ms = BASE_MS + 1, .sampling = 1, .packets = 3, .bytes = 4};
    struct fl_flow told = {.start_ms = BASE_MS + 2,
                           .end_ms = BASE_MS + 3,
                           .packets = 7,
                           .bytes = (uint64_t)1 << 62,
                           .sampling = 1000,
                           .sampling_source = FL_SAMPLING_OPTIONS,
                           .end_reason = FL_END_FORCED,
                           .direction = FL_DIRECTION_EGRESS,
                           .event = FL_EVENT_DENIED,
                           .post_src_port = 1024,
                           .post_dst_port = 8443};
    char own[] = "/tmp/fl-table-XXXXXX", command[96];
    struct fl_writer *w;
    struct fl_commit_report report;
    sqlite3 *on;
    told.post_src = fl_addr_v4(0xc6336401);
    told.post_dst.b[0] = 0x20;
    assert_non_null(mkdtemp(own));
    assert_int_equal(fl_writer_open(&w, own, FL_BUCKET_HOUR_MS, NULL), 0);
    assert_int_equal(fl_writer_add(w, "one", &plain), 0);
    assert_int_equal(fl_writer_add(w, "one", &told), 0);
    assert_int_equal(fl_writer_commit(w, &report, NULL), 0);
    fl_writer_close(w);
    assert_int_equal(sqlite3_open(":memory:", &on), SQLITE_OK);
    assert_int_equal(fl_flowtable_register(on, own), 0);
#define NEW                                                                                                  \
    "SELECT json_array(sampling_source, end_reason, direction, event, post_src, post_dst, post_src_port, "   \
    "post_dst_port, scaled_packets, scaled_bytes) FROM flows WHERE start_ms "
    check_text(on, NEW "= 1655071200000", "[\"none\",null,null,null,null,null,null,null,3,4]");
    check_text(on, NEW "> 1655071200000",
               "[\"options\",\"forced\",\"egress\",\"denied\",\"198.51.100.1\",\"2000::\",1024,8443,7000,"
               "9223372036854775807]");
    sqlite3_close(on);
    snprintf(command, sizeof command, "rm -rf %s", own);
    assert_int_equal(system(command), 0);
}

static void conditions_skip(void **state)
{
    struct fl_scan_report all = report_of("SELECT count(*) FROM flows");
    assert_int_equal(all.flows, 6000);
    assert_true(report_of("SELECT count(*) FROM flows WHERE location = 'south'").flows == 2000);
    assert_true(report_of("SELECT count(*) FROM flows WHERE start >= '2022-06-13T02'").chunks_read <
                all.chunks_read);
    struct fl_scan_report none = report_of("SELECT count(*) FROM flows WHERE host = '172.16.1.2'");
    assert_int_equal(none.flows, 0);
    assert_true(none.chunks_skipped > none.chunks_read);
    assert_true(report_of("SELECT count(*) FROM flows WHERE src = '10.0.0.5'").flows < 1000);
}

static void damage_is_told_and_skipped(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/flows/north/20220613T00.db", dir);
    FILE *f = fopen(path, "wb");
    fputs("this was a bucket", f);
    fclose(f);
    struct fl_scan_report report = report_of("SELECT count(*) FROM flows");
    assert_int_equal(report.n_damaged, 1);
    assert_non_null(strstr(report.damaged[0], path));
    assert_true(report.flows > 4000 && report.flows < 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_on_plain_columns_are_exact),
        cmocka_unit_test(host_and_port_match_either_side),
        cmocka_unit_test(joins_through_host),
        cmocka_unit_test(other_uses_of_host_are_refused_not_wrong),
        cmocka_unit_test(row_ids_are_unique),
        cmocka_unit_test(each_column_stands_alone),
        cmocka_unit_test(shows_what_was_told_and_null_for_the_rest),
        cmocka_unit_test(conditions_skip),
        cmocka_unit_test(damage_is_told_and_skipped),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
