/* The schema of the rules database: files that are refused, files of earlier versions, and every statement.
 */
#include "tests/storage/rulesdb_fixture.h"

static const char version_1[] =
#include "tests/storage/rules_1.sqlh"
    ;

/* ---- opening ---- */

static void test_open_refuses(void **state)
{
    struct fixture *f = *state;
    struct fl_rulesdb *other = NULL;
    struct fl_err err = {""};
    assert_int_equal(fl_rulesdb_open(&other, "/nonexistent/here", FL_RULESDB_READ, &err), FL_ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/here/rules.db"));
    assert_int_equal(fl_rulesdb_open(&other, "/nonexistent/here", FL_RULESDB_CREATE, &err), FL_EIO);
    assert_non_null(strstr(err.text, "--data"));
    assert_int_equal(fl_rulesdb_open(&other, "/proc", FL_RULESDB_CREATE, &err), FL_EIO);
    sqlite3_exec(f->db->sqlite, "PRAGMA user_version = 5", NULL, NULL, NULL);
    assert_int_equal(fl_rulesdb_open(&other, f->dir, FL_RULESDB_READ, &err), FL_ENEWER);
    assert_non_null(strstr(err.text, f->path));
    assert_non_null(strstr(err.text, "version is 5"));
    assert_non_null(strstr(err.text, "up to 4"));
    assert_int_equal(fl_rulesdb_open(&other, f->dir, FL_RULESDB_CREATE, &err), FL_ENEWER);
    assert_null(other);
    fl_rulesdb_close(NULL);
}

static void write_file(const char *path, const char *bytes)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(bytes, file);
    fclose(file);
}

static void test_open_empty_and_foreign(void **state)
{
    struct fixture *f = *state;
    struct fl_err err = {""};
    fl_rulesdb_close(f->db);
    f->db = NULL;
    write_file(f->path, "");
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_READ, &err), FL_ENOENT);
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_CREATE, &err), 0);
    assert_int_equal(scalar(f, "PRAGMA user_version"), 4);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules"), 0);
    sqlite3_exec(f->db->sqlite, "PRAGMA application_id = 5", NULL, NULL, NULL);
    struct fl_rulesdb *other = NULL;
    assert_int_equal(fl_rulesdb_open(&other, f->dir, FL_RULESDB_CREATE, &err), FL_EDAMAGED);
    fl_rulesdb_close(f->db);
    f->db = NULL;
    write_file(f->path, "this is no database at all, but it is long enough to look like one to somebody who "
                        "only counts bytes and never reads the first sixteen of them");
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_CREATE, &err), FL_EDAMAGED);
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_READ, &err), FL_EDAMAGED);
    assert_non_null(strstr(err.text, f->path));
}

/* ---- from version 1 ---- */

/* What a flowlore of version 1 left behind: one accepted rule with its alert, and an exporter. */
static const char rows_1[] =
    "INSERT INTO location VALUES (1, 'paris', 1655157600000);"
    "INSERT INTO run (id, location_id, from_ms, to_ms, started_ms, took_ms, flows, conversations, nodes, "
    "pairs_tested, rules, instances, damaged, scheduled) VALUES (1, 1, 1655071200000, 1655157600000, "
    "1655157601000, 12, 1000, 800, 20, 30, 1, 0, 0, 1);"
    "INSERT INTO figures VALUES (1, '*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.9.3306/tcp', 0, '*', '*', "
    "'10.0.0.5', '80', 6, '10.0.0.5', '*', '10.0.0.9', '3306', 6, 'start', NULL, 0.9, 0.8, 39.0, 0.01, 44, "
    "50, 41, 86400, 1.05, 1e-300, -900.5, -12, 3, NULL, 5, 0);"
    "INSERT INTO rule VALUES (7, 1, 'a | b', 'A | B', 'new', 0, 1, 1655071200000, 1655157600000, "
    "1655157600000, 1);"
    "INSERT INTO example VALUES (1, 0, 1655080000000, '10.0.0.3', '*', '10.0.0.5', '80', '10.0.0.5', '*', "
    "'10.0.0.9', '3306');"
    "INSERT INTO sighting VALUES (7, 1655071200000, 1655157600000);"
    "INSERT INTO decision VALUES (3, NULL, 'a | b', NULL, 'accept', 'ann', 'web and db', 1655157700000, "
    "NULL);"
    "INSERT INTO coverage VALUES (7, 3);"
    "INSERT INTO alert VALUES (5, 1, 'novel', 'high', 'closed', 1655071200000, 1655157601000, 1655157700000, "
    "7, 'a => b', 'new', 'New at paris', 'web and db');"
    "INSERT INTO sink_position VALUES ('file', 5);"
    "INSERT INTO exporter VALUES ('192.0.2.1', 50000, 7, 9, 'paris', 10, 200, 3, 1, 2, 4, 5, 100, 2, -15, "
    "1655071200000, 1655157600000);"
    "INSERT INTO service VALUES (1, 10, 1, 2, 3, 4, 5, 200, 1655071200000, 1655157600000, 1);";

static void make_version_1(struct fixture *f)
{
    sqlite3 *db;
    fl_rulesdb_close(f->db);
    f->db = NULL;
    remove_files(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, rows_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void assert_rows_of_1(struct fixture *f)
{
    struct fl_rule_filter known = {.status = "known"};
    json_t *rules = json_array(), *exporters = json_array(), *service = NULL;
    assert_int_equal(fl_rulesdb_rules(f->db, &known, collect, rules, NULL), 0);
    assert_int_equal(json_array_size(rules), 1);
    json_t *rule = json_array_get(rules, 0);
    assert_int_equal(json_integer_value(json_object_get(rule, "id")), 7);
    assert_string_equal(json_string_value(json_object_get(rule, "note")), "web and db");
    json_decref(rules);
    assert_int_equal(scalar(f, "SELECT count(*) FROM alerts WHERE id = 5 AND state = 'closed'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM example WHERE figures_id = 1"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM rules WHERE lift = 39 AND cluster IS NULL"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_int_equal(scalar(f, "SELECT count(*) FROM runs WHERE flows = 1000"), 1);
    assert_int_equal(scalar(f, "SELECT delivered FROM sinks WHERE name = 'file'"), 1);
    assert_int_equal(scalar(f, "SELECT count(*) FROM event"), 0);
    assert_int_equal(fl_rulesdb_exporters(f->db, collect, exporters, NULL), 0);
    json_t *e = json_array_get(exporters, 0);
    assert_string_equal(json_string_value(json_object_get(e, "address")), "192.0.2.1");
    assert_string_equal(json_string_value(json_object_get(e, "last_seen")), "2022-06-13T22:00:00.000Z");
    assert_string_equal(json_string_value(json_object_get(e, "sampling_source")), "options");
    assert_int_equal(json_integer_value(json_object_get(e, "clock_skew_ms")), -15);
    assert_int_equal(json_integer_value(json_object_get(e, "duplicates")), 0);
    assert_true(json_is_null(json_object_get(e, "active_timeout_ms")));
    json_decref(exporters);
    assert_int_equal(fl_rulesdb_service(f->db, &service, NULL), 0);
    assert_int_equal(json_integer_value(json_object_get(service, "kernel_drops")), 3);
    assert_int_equal(json_integer_value(json_object_get(service, "sessions_dropped")), 0);
    json_decref(service);
}

/* Tables with their columns, and everything else that the schema has, one a line. */
static char *schema_of(sqlite3 *db)
{
    static const char sql[] =
        "SELECT group_concat(line, char(10)) FROM (SELECT printf('%s %s', type, name) || "
        "iif(type = 'table', '', ' ' || ifnull(sql, '')) AS line FROM sqlite_schema UNION ALL SELECT "
        "printf('%s.%s %d %s %d %s %d', m.name, x.name, x.cid, x.type, x.\"notnull\", x.dflt_value, x.pk) "
        "FROM sqlite_schema m, pragma_table_xinfo(m.name) x WHERE m.type = 'table' ORDER BY line)";
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    char *text = strdup((const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return text;
}

static void test_version_1_is_brought_up(void **state)
{
    struct fixture *f = *state;
    struct fl_err err = {""};
    char *fresh = schema_of(f->db->sqlite);
    make_version_1(f);
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_CREATE, &err), 0);
    assert_int_equal(scalar(f, "PRAGMA user_version"), 4);
    assert_rows_of_1(f);
    char *migrated = schema_of(f->db->sqlite);
    assert_string_equal(migrated, fresh);
    free(fresh);
    free(migrated);
    fl_rulesdb_close(f->db);
    f->db = NULL;
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_CREATE, &err), 0);
    assert_rows_of_1(f);
}

static void test_version_1_for_a_reader(void **state)
{
    struct fixture *f = *state;
    struct fl_err err = {""};
    make_version_1(f);
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_READ, &err), 0);
    assert_rows_of_1(f);
    assert_int_equal(sqlite3_exec(f->db->sqlite, "DELETE FROM rule", NULL, NULL, NULL), SQLITE_READONLY);
}

/* A migration that cannot be finished leaves the file as it was. */
static void test_version_1_that_cannot_be_brought_up(void **state)
{
    struct fixture *f = *state;
    struct fl_err err = {""};
    sqlite3 *db;
    make_version_1(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE refused_sender (a)", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_READ, &err), FL_EDB);
    assert_non_null(strstr(err.text, "earlier flowlore"));
    assert_non_null(strstr(err.text, "refused_sender"));
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    struct fl_rulesdb plain = {.sqlite = db};
    struct fixture look = {.db = &plain};
    assert_int_equal(scalar(&look, "PRAGMA user_version"), 1);
    assert_int_equal(scalar(&look, "SELECT count(*) FROM pragma_table_info('exporter')"), 17);
    assert_int_equal(scalar(&look, "SELECT count(*) FROM exporters"), 1);
    sqlite3_close(db);
}

/* ---- the statements ---- */

static void check_plan(struct fixture *f, int id)
{
    char sql[4096];
    sqlite3_stmt *s;
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", fl_rulesdb_statements[id].text);
    assert_int_equal(sqlite3_prepare_v2(f->db->sqlite, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(s, 3);
        if (strncmp(step, "SCAN", 4) == 0 && strcmp(step, "SCAN CONSTANT ROW") != 0)
            fail_msg("statement %d scans: %s: %s", id, step, fl_rulesdb_statements[id].text);
    }
    sqlite3_finalize(s);
}

static void test_every_statement(void **state)
{
    struct fixture *f = *state;
    for (int id = 0; id < N_SQL; id++) {
        sqlite3_stmt *s = fl_rulesdb_prepare(f->db, (enum fl_rulesdb_sql)id);
        if (!s)
            fail_msg("statement %d: %s", id, sqlite3_errmsg(f->db->sqlite));
        sqlite3_finalize(s);
        if (fl_rulesdb_statements[id].per_rule)
            check_plan(f, id);
    }
    static const char *const views[] = {"rules",     "novel_rules",  "known_rules", "alerts", "exporters",
                                        "runs",      "locations",    "clusters",    "sinks",  "deliveries",
                                        "decisions", "dependencies", "shapes"};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", views[i]);
        assert_int_equal(scalar(f, sql), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open_refuses),
        TEST(test_open_empty_and_foreign),
        TEST(test_version_1_is_brought_up),
        TEST(test_version_1_for_a_reader),
        TEST(test_version_1_that_cannot_be_brought_up),
        TEST(test_every_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
