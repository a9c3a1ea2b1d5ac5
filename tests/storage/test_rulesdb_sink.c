/* Delivery positions: from nothing, forward, one a sink, over reopening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/rulesdb_sink.h"

static void test_positions(void **state)
{
    char dir[] = "/tmp/flowlore-sink-XXXXXX", path[64];
    struct fl_err err = {""};
    int64_t id = 5;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(fl_rulesdb_sink_position(dir, "file", &id, &err), FL_EDB);
    assert_non_null(strstr(err.text, dir));
    snprintf(path, sizeof path, "%s/rules.db", dir);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE any (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);

    assert_int_equal(fl_rulesdb_sink_position(dir, "file", &id, &err), 0);
    assert_int_equal(id, 0);
    assert_int_equal(fl_rulesdb_sink_set(dir, "file", 7, &err), 0);
    assert_int_equal(fl_rulesdb_sink_set(dir, "file", INT64_MAX, &err), 0);
    assert_int_equal(fl_rulesdb_sink_set(dir, "other", 3, &err), 0);
    assert_int_equal(fl_rulesdb_sink_position(dir, "file", &id, &err), 0);
    assert_true(id == INT64_MAX);
    assert_int_equal(fl_rulesdb_sink_position(dir, "other", &id, &err), 0);
    assert_int_equal(id, 3);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_positions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
