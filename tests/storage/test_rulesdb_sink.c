/* Delivery positions: from nothing, forward, one a sink, over reopening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
    struct fl_rulesdb *db = NULL;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(fl_rulesdb_open(&db, dir, FL_RULESDB_CREATE, &err), 0);
    assert_int_equal(fl_rulesdb_sink_position(db, "file", &id, &err), 0);
    assert_int_equal(id, 0);
    assert_int_equal(fl_rulesdb_sink_set(db, "file", 7, &err), 0);
    assert_int_equal(fl_rulesdb_sink_set(db, "file", INT64_MAX, &err), 0);
    assert_int_equal(fl_rulesdb_sink_set(db, "other", 3, &err), 0);
    fl_rulesdb_close(db);

    assert_int_equal(fl_rulesdb_open(&db, dir, FL_RULESDB_READ, &err), 0);
    assert_int_equal(fl_rulesdb_sink_position(db, "file", &id, &err), 0);
    assert_true(id == INT64_MAX);
    assert_int_equal(fl_rulesdb_sink_position(db, "other", &id, &err), 0);
    assert_int_equal(id, 3);
    assert_int_equal(fl_rulesdb_sink_set(db, "other", 4, &err), FL_EIO);
    assert_non_null(strstr(err.text, dir));
    fl_rulesdb_close(db);
    snprintf(path, sizeof path, "%s/rules.db", dir);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_positions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
