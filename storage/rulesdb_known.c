/* The known-rule table as a whole: listing it, and taking in what was decided elsewhere. */
#include <string.h>

#include "storage/rulesdb_parts.h"
#include "storage/timetext.h"

static int list(struct fl_rulesdb *db, enum fl_rulesdb_sql id, const char *location, fl_json_fn *fn,
                void *ctx, struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, id);
    if (s)
        fl_rulesdb_bind(s, "t", location);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

int fl_rulesdb_known(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                     struct fl_err *err)
{
    int rc = list(db, SQL_LEARNED, location, fn, ctx, err);
    return rc ? rc : list(db, SQL_DECISIONS, location, fn, ctx, err);
}

/* ---- taking in ---- */

struct taking {
    struct fl_rulesdb *db;
    const char *author;
    int64_t now_ms;
    struct fl_taken *taken;
    fl_json_fn *fn;
    void *ctx;
    struct fl_err *err;
};

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static int64_t time_of(const json_t *row, const char *key, int64_t otherwise)
{
    int64_t ms;
    const char *text = text_of(row, key);
    return text && fl_time_parse(text, 0, &ms) == 0 ? ms : otherwise;
}

static enum fl_verdict verdict_of(const json_t *row)
{
    const char *verdict = text_of(row, "verdict");
    if (verdict && strcmp(verdict, "ignore") == 0)
        return FL_IGNORE;
    return verdict && strcmp(verdict, "reopen") == 0 ? FL_REOPEN : FL_ACCEPT;
}

/* Was the same rule or pattern decided upon here at that time (*there) or later (*older)? What was learned
 * has no time: any decision of this place goes first, and what the place knows anyway need not be said. */
static int compare(struct taking *t, const json_t *row, const char *location, int64_t made_ms, bool *there,
                   bool *older)
{
    int64_t since = INT64_MIN, found;
    const char *rule = text_of(row, "rule"), *pattern = text_of(row, "pattern");
    int rc = fl_rulesdb_get_int(t->db, SQL_DECIDED_SINCE, &since, "ttt", rule, pattern, location);
    bool learned = made_ms == INT64_MIN;
    *there = rc == SQLITE_ROW && (learned || since == made_ms);
    *older = rc == SQLITE_ROW && !learned && since > made_ms;
    if (rc == SQLITE_DONE && learned && location) {
        rc = fl_rulesdb_get_int(t->db, SQL_KNOWS_ALREADY, &found, "tt", rule, location);
        *there = rc == SQLITE_ROW;
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fl_rulesdb_fail(t->db, t->err);
}

static int take_row(struct taking *t, const json_t *row, const char *location)
{
    bool there, older;
    bool learned = text_of(row, "verdict") && strcmp(text_of(row, "verdict"), "learned") == 0;
    int64_t made_ms = learned ? INT64_MIN : time_of(row, "made", t->now_ms);
    int64_t until_ms = time_of(row, "until", INT64_MAX);
    if (!location)
        location = text_of(row, "location");
    int rc = compare(t, row, location, made_ms, &there, &older);
    if (rc != 0)
        return rc;
    older = older || (!there && until_ms <= t->now_ms);
    t->taken->there += there;
    t->taken->older += older;
    if (there || older)
        return 0;
    struct fl_decision d = {.verdict = verdict_of(row),
                            .location = location,
                            .pattern = text_of(row, "pattern"),
                            .identity = text_of(row, "rule"),
                            .until_ms = until_ms,
                            .note = learned ? "learned elsewhere" : text_of(row, "note"),
                            .author = text_of(row, "author") ? text_of(row, "author") : t->author,
                            .now_ms = t->now_ms,
                            .made_ms = learned ? 0 : made_ms,
                            .silenced = &t->taken->silenced};
    t->taken->added++;
    return fl_decide_within(t->db, &d, t->fn, t->ctx, t->err);
}

int fl_rulesdb_take_known(struct fl_rulesdb *db, const json_t *rows, const char *location, const char *author,
                          int64_t now_ms, bool dry_run, struct fl_taken *taken, fl_json_fn *fn, void *ctx,
                          struct fl_err *err)
{
    struct taking t = {db, author, now_ms, taken, fn, ctx, err};
    size_t i;
    json_t *row;
    *taken = (struct fl_taken){0};
    if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    int rc = 0;
    json_array_foreach(rows, i, row) if (rc == 0) rc = take_row(&t, row, location);
    return fl_rulesdb_end(db, rc, !dry_run, err);
}
