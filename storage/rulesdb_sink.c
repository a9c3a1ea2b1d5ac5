/* Delivery positions of alert sinks. A connection of its own for each call: they are as rare as alerts. */
#include "storage/rulesdb_sink.h"

#include <sqlite3.h>
#include <stdio.h>

enum { BUSY_MS = 10000 };

static const char create_sql[] = "CREATE TABLE IF NOT EXISTS sink_position ("
                                 "  sink TEXT PRIMARY KEY,"    /* "file" */
                                 "  alert_id INTEGER NOT NULL" /* the last alert it has delivered */
                                 ") STRICT, WITHOUT ROWID";
static const char read_sql[] = "SELECT alert_id FROM sink_position WHERE sink = ?1";
static const char write_sql[] = "INSERT INTO sink_position VALUES (?1, ?2) "
                                "ON CONFLICT (sink) DO UPDATE SET alert_id = excluded.alert_id";

static int open_database(const char *data_dir, sqlite3 **db)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/rules.db", data_dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return SQLITE_CANTOPEN;
    int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL);
    if (rc)
        return rc;
    sqlite3_busy_timeout(*db, BUSY_MS);
    return sqlite3_exec(*db, create_sql, NULL, NULL, NULL);
}

static int finish(sqlite3 *db, sqlite3_stmt *statement, int rc, const char *data_dir, struct fl_err *err)
{
    int result = 0;
    if (rc)
        result = fl_fail(err, FL_EDB, "%s/rules.db: the alerts delivered cannot be noted: %s", data_dir,
                         db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return result;
}

int fl_rulesdb_sink_position(const char *data_dir, const char *sink, int64_t *alert_id, struct fl_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    *alert_id = 0;
    int rc = open_database(data_dir, &db);
    if (!rc)
        rc = sqlite3_prepare_v2(db, read_sql, -1, &statement, NULL);
    if (!rc)
        rc = sqlite3_bind_text(statement, 1, sink, -1, SQLITE_STATIC);
    if (!rc)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *alert_id = sqlite3_column_int64(statement, 0);
    return finish(db, statement, rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : rc, data_dir, err);
}

int fl_rulesdb_sink_set(const char *data_dir, const char *sink, int64_t alert_id, struct fl_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int rc = open_database(data_dir, &db);
    if (!rc)
        rc = sqlite3_exec(db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_prepare_v2(db, write_sql, -1, &statement, NULL);
    if (!rc)
        rc = sqlite3_bind_text(statement, 1, sink, -1, SQLITE_STATIC);
    if (!rc)
        rc = sqlite3_bind_int64(statement, 2, alert_id);
    if (!rc)
        rc = sqlite3_step(statement);
    return finish(db, statement, rc == SQLITE_DONE ? 0 : rc, data_dir, err);
}
