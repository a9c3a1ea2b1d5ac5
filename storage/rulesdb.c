/* The rules database: opening, migrating, and the few helpers through which all its SQL goes. */
#include "storage/rulesdb.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/rulesdb_parts.h"

static const char schema[] =
#include "storage/rules.sqlh"
    ;
static const char from_1_to_2[] =
#include "storage/rules_1_to_2.sqlh"
    ;
static const char from_2_to_3[] =
#include "storage/rules_2_to_3.sqlh"
    ;
static const char from_3_to_4[] =
#include "storage/rules_3_to_4.sqlh"
    ;
enum { SCHEMA_VERSION = 4, APPLICATION_ID = 0x666c7275, BUSY_TIMEOUT_MS = 10000 };

int fl_rulesdb_fail(struct fl_rulesdb *db, struct fl_err *err)
{
    const char *why = sqlite3_errmsg(db->sqlite);
    switch (sqlite3_errcode(db->sqlite) & 0xff) {
    case SQLITE_NOMEM:
        return fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fl_fail(err, FL_EBUSY, "%s: another process has been writing for too long; try again",
                       db->path);
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return fl_fail(err, FL_EIO, "%s: %s; is the disk full?", db->path, why);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return fl_fail(err, FL_EIO, "%s: %s; this user needs to write to the file and its directory",
                       db->path, why);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fl_fail(err, FL_EDAMAGED, "%s: %s; restore it from a backup, or move it away to begin anew",
                       db->path, why);
    default:
        return fl_fail(err, FL_EDB, "%s: %s", db->path, why);
    }
}

/* ---- statements ---- */

static int bind_all(sqlite3_stmt *s, const char *kinds, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && kinds[i]; i++) {
        if (kinds[i] == 'i') {
            rc = sqlite3_bind_int64(s, i + 1, va_arg(args, int64_t));
        } else if (kinds[i] == 'd') {
            double value = va_arg(args, double);
            if (!isfinite(value))
                value = isnan(value) ? 0 : copysign(1e300, value);
            rc = sqlite3_bind_double(s, i + 1, value);
        } else if (kinds[i] == 'b') {
            const void *bytes = va_arg(args, const void *);
            rc = sqlite3_bind_blob64(s, i + 1, bytes, va_arg(args, size_t), SQLITE_STATIC);
        } else {
            rc = sqlite3_bind_text(s, i + 1, va_arg(args, const char *), -1, SQLITE_STATIC);
        }
    }
    return rc;
}

int fl_rulesdb_bind(sqlite3_stmt *s, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    int rc = bind_all(s, kinds, args);
    va_end(args);
    return rc;
}

sqlite3_stmt *fl_rulesdb_prepare(struct fl_rulesdb *db, enum fl_rulesdb_sql id)
{
    sqlite3_stmt *s = NULL;
    sqlite3_prepare_v2(db->sqlite, fl_rulesdb_statements[id].text, -1, &s, NULL);
    return s;
}

sqlite3_stmt *fl_rulesdb_kept(struct fl_rulesdb *db, enum fl_rulesdb_sql id)
{
    if (!db->cached[id])
        db->cached[id] = fl_rulesdb_prepare(db, id);
    if (db->cached[id])
        sqlite3_reset(db->cached[id]);
    return db->cached[id];
}

/* Bind and step once: SQLITE_ROW, SQLITE_DONE or an error; *out, NULL when it cannot be
 * prepared, is the statement to reset. */
static int step_once(struct fl_rulesdb *db, enum fl_rulesdb_sql id, sqlite3_stmt **out, const char *kinds,
                     va_list args)
{
    *out = fl_rulesdb_kept(db, id);
    if (!*out)
        return sqlite3_errcode(db->sqlite);
    int rc = bind_all(*out, kinds, args);
    return rc == SQLITE_OK ? sqlite3_step(*out) : rc;
}

int fl_rulesdb_run(struct fl_rulesdb *db, enum fl_rulesdb_sql id, const char *kinds, ...)
{
    sqlite3_stmt *s;
    va_list args;
    va_start(args, kinds);
    int rc = step_once(db, id, &s, kinds, args);
    va_end(args);
    int reset = sqlite3_reset(s);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? reset : rc;
}

int fl_rulesdb_get_int(struct fl_rulesdb *db, enum fl_rulesdb_sql id, int64_t *out, const char *kinds, ...)
{
    sqlite3_stmt *s;
    va_list args;
    va_start(args, kinds);
    int rc = step_once(db, id, &s, kinds, args);
    va_end(args);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return rc;
}

/* ---- opening ---- */

static int get_pragma(struct fl_rulesdb *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *s;
    int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL);
    if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    int finalized = sqlite3_finalize(s);
    return rc == SQLITE_OK ? finalized : rc;
}

/* Whose file is it, and how old: *version 0 for an empty one. */
static int inspect(struct fl_rulesdb *db, int64_t *version, struct fl_err *err)
{
    int64_t application = 0, tables = 0;
    if (get_pragma(db, "PRAGMA application_id", &application) != SQLITE_OK ||
        get_pragma(db, "PRAGMA user_version", version) != SQLITE_OK ||
        get_pragma(db, "SELECT count(*) FROM sqlite_schema", &tables) != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    if (tables == 0 && application == 0 && *version == 0)
        return 0;
    if (application != APPLICATION_ID || *version < 1)
        return fl_fail(
            err, FL_EDAMAGED,
            "%s: an SQLite database, but not flowlore's rules; move it away or name another --data",
            db->path);
    if (*version > SCHEMA_VERSION)
        return fl_fail(
            err, FL_ENEWER,
            "%s: its version is %lld, this flowlore knows versions up to %d; use the newer flowlore",
            db->path, (long long)*version, SCHEMA_VERSION);
    return 0;
}

/* The one text that a query gives, to be freed with sqlite3_free; NULL when it fails. */
static char *get_text(sqlite3 *sqlite, const char *sql)
{
    sqlite3_stmt *s = NULL;
    char *text = NULL;
    if (sqlite3_prepare_v2(sqlite, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        text = sqlite3_mprintf("%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return text;
}

/* Views hold no data: whatever version they are of, those of the schema take their place. */
static int remake_views(struct fl_rulesdb *db, struct fl_err *err)
{
    sqlite3 *model = NULL;
    char *drop = NULL, *make = NULL; /* ours alone: people may have made views of their own */
    if (sqlite3_open(":memory:", &model) == SQLITE_OK &&
        sqlite3_exec(model, schema, NULL, NULL, NULL) == SQLITE_OK) {
        drop = get_text(model, "SELECT group_concat(printf('DROP VIEW IF EXISTS \"%w\";', name), '') FROM "
                               "sqlite_schema WHERE type = 'view'");
        make = get_text(model, "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE type = 'view'");
    }
    sqlite3_close(model);
    int rc = 0;
    if (!drop || !make)
        rc = fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
    else if (sqlite3_exec(db->sqlite, drop, NULL, NULL, NULL) != SQLITE_OK ||
             sqlite3_exec(db->sqlite, make, NULL, NULL, NULL) != SQLITE_OK)
        rc = fl_rulesdb_fail(db, err);
    sqlite3_free(drop);
    sqlite3_free(make);
    return rc;
}

/* Bring the file from `version`, 0 for an empty one, to ours. */
static int step_up(struct fl_rulesdb *db, int64_t version, struct fl_err *err)
{
    static const char *const steps[SCHEMA_VERSION] = {
        [0] = schema, [1] = from_1_to_2, [2] = from_2_to_3, [3] = from_3_to_4};
    if (version == SCHEMA_VERSION)
        return 0;
    for (int64_t v = version; v < (version ? SCHEMA_VERSION : 1); v++)
        if (sqlite3_exec(db->sqlite, steps[v], NULL, NULL, NULL) != SQLITE_OK)
            return fl_rulesdb_fail(db, err);
    return version ? remake_views(db, err) : 0;
}

static int migrate(struct fl_rulesdb *db, struct fl_err *err)
{
    int64_t version = 0;
    if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    int rc = inspect(db, &version, err); /* again: another process may have been faster */
    if (rc == 0)
        rc = step_up(db, version, err);
    if (rc == 0 && fl_rulesdb_run(db, SQL_COMMIT, "") != SQLITE_OK)
        rc = fl_rulesdb_fail(db, err);
    if (rc < 0)
        fl_rulesdb_run(db, SQL_ROLLBACK, "");
    return rc;
}

/* Look at the file, and make or migrate it; *older: it is of an earlier version and stayed so. */
static int settle(struct fl_rulesdb *db, enum fl_rulesdb_mode mode, bool *older, struct fl_err *err)
{
    int64_t version = 0;
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_busy_timeout(db->sqlite, BUSY_TIMEOUT_MS);
    int rc = inspect(db, &version, err);
    if (rc < 0)
        return rc;
    if (mode == FL_RULESDB_READ) {
        *older = version < SCHEMA_VERSION;
        return version ? 0
                       : fl_fail(err, FL_ENOENT, "%s: empty; run flowlored or flowlore mine first", db->path);
    }
    if (sqlite3_exec(db->sqlite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_exec(db->sqlite, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL) != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    rc = version < SCHEMA_VERSION ? migrate(db, err) : 0; /* which makes tables anew under old names */
    if (rc == 0 && sqlite3_exec(db->sqlite, "PRAGMA foreign_keys = ON", NULL, NULL, NULL) != SQLITE_OK)
        rc = fl_rulesdb_fail(db, err);
    return rc;
}

static int check_place(const char *data_dir, const char *path, enum fl_rulesdb_mode mode, struct fl_err *err)
{
    if (mode == FL_RULESDB_CREATE) {
        if (mkdir(data_dir, 0777) < 0 && errno != EEXIST)
            return fl_fail(err, FL_EIO, "%s: %s; make the directory, or name another with --data", data_dir,
                           strerror(errno));
        if (access(data_dir, W_OK | X_OK) < 0)
            return fl_fail(err, FL_EIO, "%s: %s; give this user the directory, or name another with --data",
                           data_dir, strerror(errno));
        return 0;
    }
    if (access(path, R_OK) == 0)
        return 0;
    if (errno == ENOENT || errno == ENOTDIR)
        return fl_fail(err, FL_ENOENT,
                       "%s: there is none yet; run flowlored or flowlore mine first, or name "
                       "another directory with --data",
                       path);
    return fl_fail(err, FL_EIO, "%s: %s; this user needs to read it", path, strerror(errno));
}

static int open_as(struct fl_rulesdb **out, const char *data_dir, enum fl_rulesdb_mode mode, bool *older,
                   struct fl_err *err)
{
    int flags = mode == FL_RULESDB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    struct fl_rulesdb *db = calloc(1, sizeof *db);
    if (!db || asprintf(&db->path, "%s/rules.db", data_dir) < 0) {
        free(db);
        return fl_fail(err, FL_ENOMEM, "%s: out of memory", data_dir);
    }
    int rc = check_place(data_dir, db->path, mode, err);
    if (rc == 0) {
        rc = sqlite3_open_v2(db->path, &db->sqlite, flags, NULL) == SQLITE_OK ? 0 : fl_rulesdb_fail(db, err);
        if (rc == 0)
            rc = settle(db, mode, older, err);
    }
    if (rc < 0)
        fl_rulesdb_close(db);
    else
        *out = db;
    return rc;
}

/* A reader's file is of an earlier version: bring it up as a writer, then read. */
static int reopen(struct fl_rulesdb **out, const char *data_dir, struct fl_err *err)
{
    struct fl_err why = {""};
    bool older = false;
    fl_rulesdb_close(*out);
    *out = NULL;
    int rc = open_as(out, data_dir, FL_RULESDB_CREATE, &older, &why);
    if (rc < 0)
        return fl_fail(err, rc,
                       "%s/rules.db is of an earlier flowlore and cannot be brought up: %s; start flowlored, "
                       "or run this once as its user",
                       data_dir, why.text);
    fl_rulesdb_close(*out);
    *out = NULL;
    return open_as(out, data_dir, FL_RULESDB_READ, &older, err);
}

int fl_rulesdb_open(struct fl_rulesdb **out, const char *data_dir, enum fl_rulesdb_mode mode,
                    struct fl_err *err)
{
    bool older = false;
    int rc = open_as(out, data_dir, mode, &older, err);
    return rc == 0 && older ? reopen(out, data_dir, err) : rc;
}

void fl_rulesdb_patience(struct fl_rulesdb *db, int wait_ms)
{
    sqlite3_busy_timeout(db->sqlite, wait_ms);
}

void fl_rulesdb_close(struct fl_rulesdb *db)
{
    if (!db)
        return;
    for (int i = 0; i < N_SQL; i++)
        sqlite3_finalize(db->cached[i]);
    sqlite3_close(db->sqlite);
    fl_written_free(db->written);
    free(db->path);
    free(db);
}
