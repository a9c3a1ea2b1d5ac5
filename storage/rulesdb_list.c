/* Listings of the rules database as JSON objects with the contract's names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

/* Six significant digits: readable, and the same on every machine. */
static json_t *real_value(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    return json_real(strtod(text, NULL));
}

static bool is_json_column(const char *name)
{
    return strcmp(name, "antecedent") == 0 || strcmp(name, "consequent") == 0 ||
           strcmp(name, "lag_histogram") == 0 || strcmp(name, "delivery") == 0;
}

static json_t *column_value(sqlite3_stmt *s, int i)
{
    const char *declared = sqlite3_column_decltype(s, i);
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_NULL:
        return json_null();
    case SQLITE_INTEGER:
        if (declared && strcmp(declared, "BOOLEAN") == 0)
            return json_boolean(sqlite3_column_int64(s, i) != 0);
        return json_integer(sqlite3_column_int64(s, i));
    case SQLITE_FLOAT:
        return real_value(sqlite3_column_double(s, i));
    default: {
        const char *text = (const char *)sqlite3_column_text(s, i);
        if (!text)
            return NULL;
        return is_json_column(sqlite3_column_name(s, i)) ? json_loads(text, 0, NULL) : json_string(text);
    }
    }
}

json_t *fl_rulesdb_row(sqlite3_stmt *s)
{
    json_t *object = json_object();
    for (int i = 0; object && i < sqlite3_column_count(s); i++)
        if (json_object_set_new(object, sqlite3_column_name(s, i), column_value(s, i)) < 0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

int fl_rulesdb_each(struct fl_rulesdb *db, sqlite3_stmt *s, fl_json_fn *fn, void *ctx, struct fl_err *err)
{
    int rc = 0, step = SQLITE_DONE;
    if (!s)
        return fl_rulesdb_fail(db, err);
    while (rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
        json_t *object = fl_rulesdb_row(s);
        if (!object) {
            rc = fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
            break;
        }
        rc = fn(ctx, object);
        json_decref(object);
    }
    if (rc == 0 && step != SQLITE_DONE)
        rc = fl_rulesdb_fail(db, err);
    sqlite3_finalize(s);
    return rc;
}

static bool is_one_of(const char *text, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(text, *names) == 0)
            return true;
    return false;
}

int fl_rulesdb_rules(struct fl_rulesdb *db, const struct fl_rule_filter *filter, fl_json_fn *fn, void *ctx,
                     struct fl_err *err)
{
    static const char *const statuses[] = {"novel", "known", "ignored", "gone", "all", NULL};
    if (filter->status && !is_one_of(filter->status, statuses))
        return fl_fail(err, FL_EINVAL, "status %s: there is novel, known, ignored, gone and all",
                       filter->status);
    sqlite3_stmt *s = fl_rulesdb_prepare(db, filter->id ? SQL_RULE : SQL_RULES);
    if (s && filter->id)
        fl_rulesdb_bind(s, "i", filter->id);
    else if (s)
        fl_rulesdb_bind(s, "ttii", filter->location, filter->status, filter->cluster_id, filter->alert_id);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

int fl_rulesdb_instances(struct fl_rulesdb *db, int64_t rule_id, fl_json_fn *fn, void *ctx,
                         struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_INSTANCES);
    if (s)
        fl_rulesdb_bind(s, "i", rule_id);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

/* ---- between places ---- */

static int lacking(struct fl_rulesdb *db, const char *here, const char *there, fl_json_fn *fn, void *ctx,
                   struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_LACKING);
    if (s)
        fl_rulesdb_bind(s, "tt", here, there);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

int fl_rulesdb_diff(struct fl_rulesdb *db, const char *a, const char *b, int64_t *common, fl_json_fn *fn,
                    void *ctx, struct fl_err *err)
{
    *common = 0;
    int rc = lacking(db, a, b, fn, ctx, err);
    if (rc == 0)
        rc = lacking(db, b, a, fn, ctx, err);
    if (rc == 0 && fl_rulesdb_get_int(db, SQL_COMMON, common, "tt", a, b) != SQLITE_ROW)
        rc = fl_rulesdb_fail(db, err);
    return rc;
}

int fl_rulesdb_shapes(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                      struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_SHAPES);
    if (s)
        fl_rulesdb_bind(s, "t", location);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

/* ---- evidence ---- */

static int keep_one(void *ctx, json_t *object)
{
    json_t **kept = ctx;
    json_decref(*kept);
    *kept = json_incref(object);
    return 0;
}

static int append(void *ctx, json_t *object)
{
    return json_array_append(ctx, object) < 0 ? FL_ENOMEM : 0;
}

static int query_of_rule(struct fl_rulesdb *db, enum fl_rulesdb_sql id, int64_t rule_id, fl_json_fn *fn,
                         void *ctx, struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, id);
    if (s)
        fl_rulesdb_bind(s, "i", rule_id);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

int fl_rulesdb_evidence(struct fl_rulesdb *db, int64_t rule_id, json_t **out, struct fl_err *err)
{
    json_t *object = NULL, *decision = json_null(), *examples = json_array();
    int rc = query_of_rule(db, SQL_EVIDENCE, rule_id, keep_one, &object, err);
    if (rc == 0 && !object)
        rc = fl_fail(err, FL_ENOENT, "there is no rule %lld; flowlore rules --status all lists them",
                     (long long)rule_id);
    if (rc == 0)
        rc = query_of_rule(db, SQL_EXAMPLES, rule_id, append, examples, err);
    if (rc == 0)
        rc = query_of_rule(db, SQL_DECISION, rule_id, keep_one, &decision, err);
    if (rc == 0 && (json_object_set(object, "examples", examples) < 0 ||
                    json_object_set(object, "decision", decision) < 0))
        rc = fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
    json_decref(examples);
    json_decref(decision);
    if (rc < 0)
        json_decref(object);
    else
        *out = object;
    return rc;
}

/* ---- one rule by what was typed ---- */

static int find_by_id(struct fl_rulesdb *db, const char *text, const char *location, int64_t *id,
                      struct fl_err *err)
{
    errno = 0;
    int64_t given = strtoll(text, NULL, 10);
    sqlite3_stmt *s = fl_rulesdb_kept(db, SQL_RULE_KEY);
    if (!s)
        return fl_rulesdb_fail(db, err);
    fl_rulesdb_bind(s, "i", given);
    int step = sqlite3_step(s);
    bool elsewhere =
        step == SQLITE_ROW && location && strcmp((const char *)sqlite3_column_text(s, 0), location) != 0;
    sqlite3_reset(s);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return fl_rulesdb_fail(db, err);
    if (step == SQLITE_DONE || errno == ERANGE)
        return fl_fail(err, FL_ENOENT, "there is no rule %s; flowlore rules --status all lists them", text);
    if (elsewhere)
        return fl_fail(err, FL_ENOENT, "rule %s is not of location %s; leave --location out", text, location);
    *id = given;
    return 0;
}

static int find_by_identity(struct fl_rulesdb *db, const char *identity, const char *location, int64_t *id,
                            struct fl_err *err)
{
    int64_t found = 0;
    sqlite3_stmt *s = fl_rulesdb_kept(db, SQL_FIND_IDENTITY);
    if (!s)
        return fl_rulesdb_fail(db, err);
    fl_rulesdb_bind(s, "tt", identity, location);
    int step = sqlite3_step(s);
    bool any = step == SQLITE_ROW, several = false;
    if (any) {
        found = sqlite3_column_int64(s, 0);
        step = sqlite3_step(s);
        several = step == SQLITE_ROW;
    }
    sqlite3_reset(s);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return fl_rulesdb_fail(db, err);
    if (!any)
        return fl_fail(err, FL_ENOENT, "there is no rule %s; flowlore rules --status all lists them",
                       identity);
    if (several)
        return fl_fail(err, FL_ENOENT, "several locations have %s; say which with --location", identity);
    *id = found;
    return 0;
}

int fl_rulesdb_find_rule(struct fl_rulesdb *db, const char *text, const char *location, int64_t *id,
                         struct fl_err *err)
{
    struct fl_node a, b;
    char identity[FL_RULE_TEXT];
    if (*text && text[strspn(text, "0123456789")] == '\0')
        return find_by_id(db, text, location, id, err);
    int single = fl_rule_parse(text, &a, &b);
    if (single < 0)
        return fl_fail(err, FL_ENOENT,
                       "\"%.200s\" is neither a rule's number nor its text; flowlore rules lists both", text);
    return find_by_identity(db, fl_rule_identity(&a, single ? NULL : &b, identity), location, id, err);
}

/* ---- the other listings ---- */

int fl_rulesdb_alerts(struct fl_rulesdb *db, const struct fl_alert_filter *filter, fl_json_fn *fn, void *ctx,
                      struct fl_err *err)
{
    static const char *const states[] = {"open", "acked", "closed", "all", NULL};
    if (filter->state && !is_one_of(filter->state, states))
        return fl_fail(err, FL_EINVAL, "state %s: there is open, acked, closed and all", filter->state);
    sqlite3_stmt *s = fl_rulesdb_prepare(db, filter->id ? SQL_ALERT : SQL_ALERTS);
    if (s && filter->id)
        fl_rulesdb_bind(s, "i", filter->id);
    else if (s)
        fl_rulesdb_bind(s, "ttit", filter->location, filter->state, filter->after_id, filter->changed);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

int fl_rulesdb_runs(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                    struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_RUNS);
    if (s)
        fl_rulesdb_bind(s, "t", location);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

int fl_rulesdb_clusters(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                        struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_CLUSTERS);
    if (s)
        fl_rulesdb_bind(s, "t", location);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

int fl_rulesdb_exporters(struct fl_rulesdb *db, fl_json_fn *fn, void *ctx, struct fl_err *err)
{
    return fl_rulesdb_each(db, fl_rulesdb_prepare(db, SQL_EXPORTERS), fn, ctx, err);
}

int fl_rulesdb_locations(struct fl_rulesdb *db, fl_json_fn *fn, void *ctx, struct fl_err *err)
{
    return fl_rulesdb_each(db, fl_rulesdb_prepare(db, SQL_LOCATIONS), fn, ctx, err);
}

int fl_rulesdb_service(struct fl_rulesdb *db, json_t **out, struct fl_err *err)
{
    json_t *object = NULL, *refused = json_array();
    int rc = fl_rulesdb_each(db, fl_rulesdb_prepare(db, SQL_SERVICE), keep_one, &object, err);
    if (rc == 0 && !object)
        rc = fl_fail(err, FL_ENOENT, "%s: no service has run here; start flowlored", db->path);
    if (rc == 0)
        rc = fl_rulesdb_each(db, fl_rulesdb_prepare(db, SQL_REFUSED), append, refused, err);
    if (rc == 0 && json_object_set(object, "refused_senders", refused) < 0)
        rc = fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
    json_decref(refused);
    if (rc == 0)
        *out = object;
    else
        json_decref(object);
    return rc;
}
