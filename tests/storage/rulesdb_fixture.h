/* A rules database in a directory of its own, and looking into it: what the tests of rulesdb share. */
#ifndef FL_TESTS_STORAGE_RULESDB_FIXTURE_H
#define FL_TESTS_STORAGE_RULESDB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/rulesdb_parts.h"

struct fixture {
    char dir[64], path[80];
    struct fl_rulesdb *db;
};

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/test_rulesdb.XXXXXX");
    if (!f || !mkdtemp(f->dir))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/rules.db", f->dir);
    if (fl_rulesdb_open(&f->db, f->dir, FL_RULESDB_CREATE, NULL) < 0)
        return -1;
    *state = f;
    return 0;
}

static inline void remove_files(const struct fixture *f)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[96];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        unlink(path);
    }
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    fl_rulesdb_close(f->db);
    remove_files(f);
    rmdir(f->dir);
    free(f);
    return 0;
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static inline int collect(void *ctx, json_t *object)
{
    return json_array_append(ctx, object);
}

static inline int64_t scalar(struct fixture *f, const char *sql)
{
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_prepare_v2(f->db->sqlite, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return value;
}

/* The object's keys are these, in this order, parted by ", ". */
static inline void assert_keys(json_t *object, const char *expected)
{
    char names[1024] = "";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", names[0] ? ", " : "", key);
    assert_string_equal(names, expected);
}

#endif
