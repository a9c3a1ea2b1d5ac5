/* The outbox: laying events out for sinks, handing them on, noting what came of them. */
#include "storage/rulesdb_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

/* Ends a transaction: kept when rc is SQLite's "ok", else taken back. */
static int end(struct fl_rulesdb *db, int rc, struct fl_err *err)
{
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_COMMIT, "");
    if (rc == SQLITE_OK)
        return 0;
    int code = fl_rulesdb_fail(db, err);
    fl_rulesdb_run(db, SQL_ROLLBACK, "");
    return code;
}

static int get(struct fl_rulesdb *db, enum fl_rulesdb_sql id, int64_t *out)
{
    int rc = fl_rulesdb_get_int(db, id, out, "");
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* A list of texts as a JSON array, the caller's to free; NULL for NULL, and without memory. */
static char *list_text(char *const *list)
{
    json_t *array = list ? json_array() : NULL;
    for (; array && *list; list++)
        json_array_append_new(array, json_string(*list));
    char *text = array ? json_dumps(array, JSON_COMPACT) : NULL;
    json_decref(array);
    return text;
}

/* ---- which sinks there are ---- */

static int begin_all(struct fl_rulesdb *db, const struct fl_sink_config *sinks, size_t n, size_t *dropped)
{
    int64_t known = 0, newest = 0;
    int rc = get(db, SQL_COUNT_SINKS, &known);
    if (rc == SQLITE_OK)
        rc = get(db, SQL_NEWEST_EVENT, &newest);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_SINKS_OFF, "");
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = fl_rulesdb_run(db, SQL_BEGIN_SINK, "ttii", sinks[i].name, fl_sink_kind_name(sinks[i].kind),
                            known ? newest : 0, newest);
    if (rc == SQLITE_OK) /* so that a database that never had a sink can be told from one that had */
        rc = fl_rulesdb_run(db, SQL_KEEP_FILE_SINK, "i", newest);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_COUNT_GIVEN_UP, "");
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_GIVE_UP, "i", (int64_t)0);
    *dropped = rc == SQLITE_OK ? (size_t)sqlite3_changes(db->sqlite) : 0;
    return rc;
}

int fl_rulesdb_sinks_begin(struct fl_rulesdb *db, const struct fl_sink_config *sinks, size_t n,
                           size_t *dropped, struct fl_err *err)
{
    *dropped = 0;
    if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    return end(db, begin_all(db, sinks, n, dropped), err);
}

/* ---- laying out ---- */

static int lay_out(struct fl_rulesdb *db, const struct fl_sink_config *s, int64_t newest)
{
    char *locations = list_text(s->locations), *events = list_text(s->events);
    int rc = (s->locations && !locations) || (s->events && !events) ? SQLITE_NOMEM : SQLITE_OK;
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_LAY_OUT, "tiitt", s->name, newest, (int64_t)s->severity, locations,
                            events);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_SEEN, "ti", s->name, newest);
    free(locations);
    free(events);
    return rc;
}

/* Forget events up to `last`. */
static int forget(struct fl_rulesdb *db, int64_t last, size_t *dropped)
{
    int rc = fl_rulesdb_run(db, SQL_COUNT_TOO_OLD, "i", last);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_GIVE_UP, "i", last);
    *dropped = rc == SQLITE_OK ? (size_t)sqlite3_changes(db->sqlite) : 0;
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_FORGET_EVENTS, "i", last) : rc;
}

int fl_rulesdb_outbox_fill(struct fl_rulesdb *db, const struct fl_sink_config *sinks, size_t n, int64_t most,
                           size_t *dropped, struct fl_err *err)
{
    int64_t newest = 0, oldest = 0, oldest_seen = 0;
    *dropped = 0;
    int rc = get(db, SQL_NEWEST_EVENT, &newest);
    if (rc == SQLITE_OK)
        rc = get(db, SQL_OLDEST_SEEN, &oldest_seen);
    if (rc == SQLITE_OK)
        rc = get(db, SQL_OLDEST_EVENT, &oldest);
    if (rc != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    if (newest <= oldest_seen && oldest > newest - most) /* no sink has anything new, and there is room */
        return 0;
    if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = lay_out(db, &sinks[i], newest);
    if (rc == SQLITE_OK && newest > most)
        rc = forget(db, newest - most, dropped);
    return end(db, rc, err);
}

/* ---- handing on ---- */

int fl_rulesdb_outbox_next(struct fl_rulesdb *db, const char *sink, struct fl_outbox_item *item,
                           struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_kept(db, SQL_OUTBOX_NEXT);
    if (!s)
        return fl_rulesdb_fail(db, err);
    fl_rulesdb_bind(s, "t", sink);
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW) {
        *item = (struct fl_outbox_item){.event_id = sqlite3_column_int64(s, 0),
                                        .alert_id = sqlite3_column_int64(s, 1),
                                        .made_ms = sqlite3_column_int64(s, 2),
                                        .attempts = (unsigned)sqlite3_column_int64(s, 3)};
        snprintf(item->uid, sizeof item->uid, "%s", (const char *)sqlite3_column_text(s, 4));
        snprintf(item->kind, sizeof item->kind, "%s", (const char *)sqlite3_column_text(s, 5));
    }
    sqlite3_reset(s);
    return step == SQLITE_ROW ? 1 : step == SQLITE_DONE ? 0 : fl_rulesdb_fail(db, err);
}

static int keep_one(void *ctx, json_t *object)
{
    *(json_t **)ctx = json_incref(object);
    return 0;
}

int fl_rulesdb_outbox_alert(struct fl_rulesdb *db, int64_t alert_id, json_t **out, struct fl_err *err)
{
    *out = NULL;
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_OUTBOX_ALERT);
    if (s)
        fl_rulesdb_bind(s, "i", alert_id);
    int rc = fl_rulesdb_each(db, s, keep_one, out, err);
    if (rc == 0 && !*out)
        rc = fl_fail(err, FL_ENOENT, "there is no alert %lld", (long long)alert_id);
    return rc;
}

int fl_rulesdb_outbox_note(struct fl_rulesdb *db, const char *sink, int64_t event_id,
                           const struct fl_outbox_result *result, struct fl_err *err)
{
    static const char *const states[] = {[FL_OUTCOME_DELIVERED] = "delivered",
                                         [FL_OUTCOME_FAILED] = "waiting",
                                         [FL_OUTCOME_REFUSED] = "refused"};
    bool delivered = result->outcome == FL_OUTCOME_DELIVERED, failed = result->outcome == FL_OUTCOME_FAILED;
    const char *error = delivered ? NULL : result->error;
    if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    int rc = fl_rulesdb_run(db, SQL_NOTE_DELIVERY, "titti", sink, event_id, states[result->outcome], error,
                            failed ? 0 : result->now_ms);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_NOTE_SINK, "tiitii", sink, (int64_t)delivered,
                            (int64_t)(result->outcome == FL_OUTCOME_REFUSED), error, result->now_ms,
                            failed ? result->next_ms : 0);
    return end(db, rc, err);
}

int fl_rulesdb_sinks(struct fl_rulesdb *db, fl_json_fn *fn, void *ctx, struct fl_err *err)
{
    return fl_rulesdb_each(db, fl_rulesdb_prepare(db, SQL_SINKS), fn, ctx, err);
}
