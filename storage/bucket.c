/* Opening, checking and making bucket files. */
#include "storage/bucket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "storage/timetext.h"

static const char schema_sql[] =
#include "storage/bucket.sqlh"
    ;

const char *fl_bucket_name(int64_t from_ms, char out[FL_BUCKET_NAME])
{
    time_t seconds = (time_t)(from_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, FL_BUCKET_NAME, "%Y%m%dT%H.db", &tm);
    return out;
}

int fl_bucket_name_parse(const char *name, int64_t *from_ms)
{
    char text[FL_TIME_TEXT], again[FL_BUCKET_NAME];
    int64_t ms;
    if (strlen(name) != strlen("YYYYMMDDTHH.db") || name[8] != 'T')
        return FL_EINVAL;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:00", name, name + 4, name + 6, name + 9);
    if (fl_time_parse(text, 0, &ms) < 0 || strcmp(fl_bucket_name(ms, again), name) != 0)
        return FL_EINVAL;
    *from_ms = ms;
    return 0;
}

int fl_bucket_fail(sqlite3 *db, const char *path, struct fl_err *err)
{
    int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    const char *said = db ? sqlite3_errmsg(db) : "out of memory";
    switch (code) {
    case SQLITE_NOMEM:
        return fl_fail(err, FL_ENOMEM, "%s: out of memory", path);
    case SQLITE_FULL:
        return fl_fail(err, FL_EIO, "%s: the disk is full; free some space or lower the retention", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fl_fail(err, FL_EDB, "%s: another process keeps it locked", path);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return fl_fail(err, FL_EIO, "%s: %s; look at the permissions of it and its directory", path, said);
    case SQLITE_IOERR:
        return fl_fail(err, FL_EIO, "%s: %s", path, said);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table or column that should be there is not */
    case SQLITE_MISMATCH:
        return fl_fail(err, FL_EDAMAGED, "%s: damaged: %s", path, said);
    default:
        return fl_fail(err, FL_EDB, "%s: %s", path, said);
    }
}

/* The one number a statement answers; false when SQLite failed. */
static bool ask(sqlite3 *db, const char *sql, int64_t *answer)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        *answer = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return ok;
}

struct identity {
    int64_t application, user_version, tables;
};

/* All of one moment: somebody may be making the bucket. */
static bool ask_identity(sqlite3 *db, struct identity *id)
{
    bool alone = sqlite3_get_autocommit(db);
    return (!alone || sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK) &&
           ask(db, "PRAGMA application_id", &id->application) &&
           ask(db, "PRAGMA user_version", &id->user_version) &&
           ask(db, "SELECT count(*) FROM sqlite_schema", &id->tables) &&
           (!alone || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
}

/* 1: a bucket; 0: a database without anything in it; or an error. */
static int identify(sqlite3 *db, const char *path, struct fl_err *err)
{
    struct identity id;
    if (!ask_identity(db, &id))
        return fl_bucket_fail(db, path, err);
    int64_t application = id.application, user_version = id.user_version, tables = id.tables;
    if (application == 0 && user_version == 0 && tables == 0)
        return 0;
    if (application != FL_BUCKET_APPLICATION_ID)
        return fl_fail(err, FL_EDAMAGED, "%s: not a bucket of flowlore (application id %lld)", path,
                       (long long)application);
    if (user_version > FL_BUCKET_VERSION)
        return fl_fail(err, FL_ENEWER,
                       "%s: written by a newer flowlore (format %lld, this one knows up to %d); upgrade "
                       "flowlore, or move the file away",
                       path, (long long)user_version, (int)FL_BUCKET_VERSION);
    if (user_version < 1)
        return fl_fail(err, FL_EDAMAGED, "%s: damaged: its format version is %lld", path,
                       (long long)user_version);
    return 1;
}

static int read_meta(sqlite3 *db, const char *path, struct fl_bucket_meta *meta, struct fl_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = 0;
    if (sqlite3_prepare_v2(db, "SELECT location, from_ms, to_ms FROM meta", -1, &stmt, NULL) != SQLITE_OK) {
        rc = fl_bucket_fail(db, path, err);
        goto done;
    }
    int step = sqlite3_step(stmt);
    if (step == SQLITE_DONE)
        rc = fl_fail(err, FL_EDAMAGED, "%s: damaged: its meta table is empty", path);
    else if (step != SQLITE_ROW)
        rc = fl_bucket_fail(db, path, err);
    else {
        const char *location = (const char *)sqlite3_column_text(stmt, 0);
        snprintf(meta->location, sizeof meta->location, "%s", location ? location : "");
        meta->from_ms = sqlite3_column_int64(stmt, 1);
        meta->to_ms = sqlite3_column_int64(stmt, 2);
    }
done:
    sqlite3_finalize(stmt);
    return rc;
}

/* A file that does not exist, or that cannot be looked at. */
static int check_file(const char *path, struct fl_err *err)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISREG(st.st_mode) ? 0 : fl_fail(err, FL_EDAMAGED, "%s: not a file", path);
    if (errno == ENOENT)
        return fl_fail(err, FL_ENOENT, "%s: no such bucket", path);
    return fl_fail(err, FL_EIO, "%s: %s", path, strerror(errno));
}

int fl_bucket_open_read(sqlite3 **out, const char *path, struct fl_bucket_meta *meta, struct fl_err *err)
{
    sqlite3 *db = NULL;
    struct fl_bucket_meta ignored;
    *out = NULL;
    int rc = check_file(path, err);
    if (rc < 0)
        return rc;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        rc = fl_bucket_fail(db, path, err);
        goto done;
    }
    sqlite3_busy_timeout(db, FL_BUCKET_BUSY_MS);
    rc = identify(db, path, err);
    if (rc == 0 || sqlite3_extended_errcode(db) == SQLITE_READONLY_ROLLBACK)
        rc = fl_fail(err, FL_ENOENT, "%s: nothing in it", path); /* killed while it was being made */
    if (rc > 0)
        rc = read_meta(db, path, meta ? meta : &ignored, err);
done:
    if (rc < 0)
        sqlite3_close(db);
    else
        *out = db;
    return rc;
}

static int run(sqlite3 *db, const char *path, char *sql, struct fl_err *err)
{
    if (!sql)
        return fl_fail(err, FL_ENOMEM, "%s: out of memory", path);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fl_bucket_fail(db, path, err);
    sqlite3_free(sql);
    return rc;
}

static int make_schema(sqlite3 *db, const char *path, const struct fl_bucket_meta *meta, struct fl_err *err)
{
    return run(db, path,
               sqlite3_mprintf("%s; INSERT INTO meta VALUES(%Q, %lld, %lld);"
                               "PRAGMA application_id=%d; PRAGMA user_version=%d",
                               schema_sql, meta->location, (long long)meta->from_ms, (long long)meta->to_ms,
                               (int)FL_BUCKET_APPLICATION_ID, (int)FL_BUCKET_VERSION),
               err);
}

static int widen(sqlite3 *db, const char *path, const struct fl_bucket_meta *meta, struct fl_err *err)
{
    struct fl_bucket_meta old;
    int rc = read_meta(db, path, &old, err);
    if (rc < 0 || old.to_ms >= meta->to_ms)
        return rc;
    return run(db, path, sqlite3_mprintf("UPDATE meta SET to_ms = %lld", (long long)meta->to_ms), err);
}

/* Two processes may make the same bucket at once: the one that comes second finds it made. Becoming WAL wants
 * the file alone, and does not wait for it by itself. */
static int become_wal(sqlite3 *db, const char *path, struct fl_err *err)
{
    static const char pragmas[] = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
    enum { pause_ms = 10 };
    int rc = SQLITE_BUSY;
    sqlite3_busy_timeout(db, 0);
    for (int waited_ms = 0; waited_ms < FL_BUCKET_BUSY_MS && rc == SQLITE_BUSY; waited_ms += pause_ms) {
        if (waited_ms > 0)
            sqlite3_sleep(pause_ms);
        rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    }
    sqlite3_busy_timeout(db, FL_BUCKET_BUSY_MS);
    return rc == SQLITE_OK ? 0 : fl_bucket_fail(db, path, err);
}

static int settle(sqlite3 *db, const char *path, const struct fl_bucket_meta *meta, struct fl_err *err)
{
    int rc = run(db, path, sqlite3_mprintf("BEGIN IMMEDIATE"), err);
    if (rc == 0 && (rc = identify(db, path, err)) >= 0)
        rc = rc == 0 ? make_schema(db, path, meta, err) : widen(db, path, meta, err);
    return rc == 0 ? run(db, path, sqlite3_mprintf("COMMIT"), err) : rc;
}

int fl_bucket_open_write(sqlite3 **out, const char *path, const struct fl_bucket_meta *meta,
                         struct fl_err *err)
{
    static const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    sqlite3 *db = NULL;
    int rc;
    *out = NULL;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        rc = fl_bucket_fail(db, path, err);
        goto done;
    }
    sqlite3_busy_timeout(db, FL_BUCKET_BUSY_MS);
    rc = identify(db, path, err); /* before anything is changed in it */
    if (rc >= 0)
        rc = become_wal(db, path, err);
    if (rc == 0)
        rc = settle(db, path, meta, err);
done:
    if (rc < 0)
        sqlite3_close(db);
    else
        *out = db;
    return rc;
}
