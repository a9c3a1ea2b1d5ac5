/* SQL for operators: a main database in memory, rules.db attached for reading, and an authorizer that refuses
 * whatever is not reading. */
#include "storage/query.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/flowtable.h"

static const char *const views[] = {"rules",  "novel_rules", "known_rules", "alerts",    "exporters",
                                    "runs",   "locations",   "clusters",    "decisions", "dependencies",
                                    "shapes", "sinks",       "deliveries"};
enum { N_VIEWS = sizeof views / sizeof views[0], STEPS_BETWEEN_LOOKS = 20000, MOST_BYTES = 16 << 20 };

struct guard {
    const char *refused; /* what the statement wanted to do and may not */
    const volatile sig_atomic_t *stop;
};

/* PRAGMAs that only tell. */
static bool harmless_pragma(const char *name)
{
    static const char *const harmless[] = {"table_info",    "table_xinfo",     "table_list",
                                           "function_list", "compile_options", "database_list"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (sqlite3_stricmp(name, harmless[i]) == 0)
            return true;
    return false;
}

static const char *what_is(int action)
{
    switch (action) {
    case SQLITE_ATTACH:
        return "ATTACH";
    case SQLITE_DETACH:
        return "DETACH";
    case SQLITE_PRAGMA:
        return "this PRAGMA";
    case SQLITE_INSERT:
        return "INSERT or CREATE";
    case SQLITE_UPDATE:
        return "UPDATE";
    case SQLITE_DELETE:
        return "DELETE or DROP";
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return "a transaction";
    case SQLITE_FUNCTION:
        return "this function";
    default:
        return "this statement";
    }
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    struct guard *guard = ctx;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE)
        return SQLITE_OK;
    if (action == SQLITE_FUNCTION && sqlite3_stricmp(b, "load_extension") != 0)
        return SQLITE_OK;
    if (action == SQLITE_PRAGMA && harmless_pragma(a))
        return SQLITE_OK;
    if (!guard->refused)
        guard->refused = what_is(action);
    return SQLITE_DENY;
}

static int look(void *ctx)
{
    const struct guard *guard = ctx;
    return guard->stop && *guard->stop;
}

/* "file:/var/lib/a%20b/rules.db?mode=ro": every byte that has a meaning in a URI is escaped. */
static char *uri(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    char *out = malloc(3 * strlen(path) + 32), *to = out;
    if (!out)
        return NULL;
    to += sprintf(to, "file:");
    for (; *path; path++)
        to += sprintf(to, strchr(plain, *path) ? "%c" : "%%%02X", (unsigned char)*path);
    strcpy(to, "?mode=ro");
    return out;
}

static int execute(sqlite3 *db, char *sql, struct fl_err *err)
{
    int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc == SQLITE_OK ? 0 : fl_fail(err, FL_EDB, "rules.db cannot be read: %s", sqlite3_errmsg(db));
}

/* Attach rules.db when there is one; *found says so. */
static int attach_rules(sqlite3 *db, const char *data_dir, bool *found, struct fl_err *err)
{
    char *path = sqlite3_mprintf("%s/rules.db", data_dir), *name = path ? uri(path) : NULL;
    int rc = name ? 0 : FL_ENOMEM;
    *found = path && access(path, F_OK) == 0;
    if (rc == 0 && *found)
        rc = execute(db, sqlite3_mprintf("ATTACH %Q AS rulesdb", name), err);
    for (size_t i = 0; rc == 0 && *found && i < N_VIEWS; i++)
        rc = execute(
            db, sqlite3_mprintf("CREATE TEMP VIEW %s AS SELECT * FROM rulesdb.%s", views[i], views[i]), err);
    free(name);
    sqlite3_free(path);
    return rc;
}

/* SQLite builds the virtual table when it is first named, which looks like writing to the authorizer. */
static void touch_flows(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, "SELECT 1 FROM flows", -1, &statement, NULL);
    sqlite3_finalize(statement);
}

static int open_all(sqlite3 **db, const char *data_dir, bool *has_rules, struct guard *guard,
                    struct fl_err *err)
{
    int rc =
        sqlite3_open_v2(":memory:", db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return fl_fail(err, FL_EDB, "SQLite cannot start: %s", sqlite3_errstr(rc));
    sqlite3_busy_timeout(*db, 5000);
    sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, MOST_BYTES); /* of one value: beyond it a terminal is no help */
    rc = fl_flowtable_register(*db, data_dir);
    if (rc != 0)
        return fl_fail(err, FL_EDB, "the table flows cannot be made: %s", sqlite3_errmsg(*db));
    touch_flows(*db);
    rc = attach_rules(*db, data_dir, has_rules, err);
    sqlite3_set_authorizer(*db, authorize, guard);
    sqlite3_progress_handler(*db, STEPS_BETWEEN_LOOKS, look, guard);
    return rc;
}

static bool is_view(const char *name)
{
    for (size_t i = 0; i < N_VIEWS; i++)
        if (sqlite3_stricmp(name, views[i]) == 0)
            return true;
    return false;
}

static int explain_failure(sqlite3 *db, const char *data_dir, bool has_rules, const struct guard *guard,
                           struct fl_err *err)
{
    static const char missing[] = "no such table: ";
    const char *message = sqlite3_errmsg(db);
    if (guard->refused)
        return fl_fail(err, FL_EINVAL, "flowlore sql only reads: %s is refused", guard->refused);
    if (!has_rules && strncmp(message, missing, sizeof missing - 1) == 0 &&
        is_view(message + sizeof missing - 1))
        return fl_fail(err, FL_EINVAL,
                       "there is no rules database in %s yet, so no table %s; run flowlore mine", data_dir,
                       message + sizeof missing - 1);
    if (strncmp(message, missing, sizeof missing - 1) == 0)
        return fl_fail(err, FL_EINVAL,
                       "%s; there are flows, rules, novel_rules, known_rules, decisions, dependencies, "
                       "shapes, clusters, alerts, exporters, runs, locations, sinks, deliveries",
                       message);
    return fl_fail(err, FL_EINVAL, "%s", message);
}

/* Prepare the one statement; a second one, or none, is refused. */
static int prepare(sqlite3 *db, const char *data_dir, const char *sql, bool has_rules, struct guard *guard,
                   sqlite3_stmt **out, struct fl_err *err)
{
    const char *tail = sql;
    sqlite3_stmt *second = NULL;
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && !*out && *tail) /* comments and empty statements go by */
        rc = sqlite3_prepare_v2(db, tail, -1, out, &tail);
    if (rc != SQLITE_OK)
        return explain_failure(db, data_dir, has_rules, guard, err);
    if (!*out)
        return fl_fail(err, FL_EINVAL, "there is no statement; write such as SELECT count(*) FROM flows");
    while (rc == SQLITE_OK && !second && *tail)
        rc = sqlite3_prepare_v2(db, tail, -1, &second, &tail);
    sqlite3_finalize(second);
    if (rc != SQLITE_OK || second)
        return fl_fail(err, FL_EINVAL, "one statement at a time; leave out what follows the first");
    if (sqlite3_bind_parameter_count(*out) > 0)
        return fl_fail(err, FL_EINVAL, "the statement has parameters (?, :name); write the values in it");
    return sqlite3_stmt_readonly(*out) ? 0 : fl_fail(err, FL_EINVAL, "flowlore sql only reads");
}

static json_t *hex(const unsigned char *bytes, size_t n)
{
    char *text = malloc(2 * n + 1);
    json_t *value = NULL;
    if (text) {
        text[0] = 0;
        for (size_t i = 0; i < n; i++)
            sprintf(text + 2 * i, "%02x", bytes[i]);
        value = json_stringn(text, 2 * n);
    }
    free(text);
    return value;
}

static json_t *column(sqlite3_stmt *statement, int i)
{
    json_t *value = NULL;
    switch (sqlite3_column_type(statement, i)) {
    case SQLITE_NULL:
        return json_null();
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(statement, i));
    case SQLITE_FLOAT:
        value = json_real(sqlite3_column_double(statement, i));
        if (value)
            return value;
        break; /* an infinity is text: "Inf" */
    case SQLITE_BLOB:
        return hex(sqlite3_column_blob(statement, i), (size_t)sqlite3_column_bytes(statement, i));
    default:
        break;
    }
    const char *text = (const char *)sqlite3_column_text(statement, i);
    size_t length = (size_t)sqlite3_column_bytes(statement, i);
    value = text ? json_stringn(text, length) : NULL;
    return value || !text ? value : hex((const unsigned char *)text, length);
}

static int hand_row(sqlite3_stmt *statement, const char *const *names, json_t **values, int n,
                    fl_query_fn *fn, void *ctx)
{
    int rc = 0, i = 0;
    for (; i < n; i++)
        if (!(values[i] = column(statement, i))) {
            rc = FL_ENOMEM;
            break;
        }
    if (rc == 0)
        rc = fn(ctx, names, values, (size_t)n);
    while (i-- > 0)
        json_decref(values[i]);
    return rc;
}

static int run(sqlite3 *db, sqlite3_stmt *statement, fl_query_fn *fn, void *ctx, struct fl_err *err)
{
    int n = sqlite3_column_count(statement), rc = 0, step = SQLITE_ROW;
    const char **names = calloc((size_t)n + 1, sizeof *names);
    json_t **values = calloc((size_t)n + 1, sizeof *values);
    if (!names || !values)
        rc = FL_ENOMEM;
    for (int i = 0; rc == 0 && i < n; i++)
        names[i] = sqlite3_column_name(statement, i);
    if (rc == 0)
        rc = fn(ctx, names, NULL, (size_t)n);
    while (rc == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW)
        rc = hand_row(statement, names, values, n, fn, ctx);
    if (rc == 0 && step == SQLITE_INTERRUPT)
        rc = fl_fail(err, FL_ESTOP, "interrupted");
    else if (rc == 0 && step != SQLITE_DONE)
        rc = fl_fail(err, FL_EDB, "the query failed: %s", sqlite3_errmsg(db));
    free(names);
    free(values);
    return rc;
}

int fl_query(const char *data_dir, const char *sql, fl_query_fn *fn, void *ctx,
             const volatile sig_atomic_t *stop, struct fl_scan_report *report, struct fl_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    struct guard guard = {.stop = stop};
    bool has_rules = false;
    int rc = open_all(&db, data_dir, &has_rules, &guard, err);
    if (rc == 0)
        rc = prepare(db, data_dir, sql, has_rules, &guard, &statement, err);
    if (rc == 0)
        rc = run(db, statement, fn, ctx, err);
    sqlite3_finalize(statement);
    *report = (struct fl_scan_report){0};
    if (db)
        fl_flowtable_report(db, report);
    sqlite3_close(db);
    return rc;
}
