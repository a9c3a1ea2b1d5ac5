/* Decisions: accept, ignore, reopen; by rule, cluster, alert, pattern, or all that are listed. */
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

const char *fl_rulesdb_status(struct fl_rulesdb *db, int64_t rule_id)
{
    static const char *const names[] = {"novel", "known", "ignored", "gone"};
    const char *status = NULL;
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_STATUS);
    if (!q)
        return NULL;
    fl_rulesdb_bind(q, "i", rule_id);
    const char *text = sqlite3_step(q) == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
    for (size_t i = 0; text && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0)
            status = names[i];
    sqlite3_reset(q);
    return status;
}

/* A rule the decision is about, and its status before. */
struct subject {
    int64_t id;
    const char *before;
};
struct deciding {
    struct fl_rulesdb *db;
    const struct fl_decision *d;
    struct fl_err *err;
    struct fl_pattern *pattern;
    bool broken; /* the alert it is about is of that kind */
    bool shared; /* one decision for all subjects, and for rules to come */
    struct subject *subjects;
    size_t n, room;
};

static int fail_db(const struct deciding *c)
{
    return fl_rulesdb_fail(c->db, c->err);
}

static int add_subject(struct deciding *c, int64_t id)
{
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        struct subject *grown = realloc(c->subjects, room * sizeof *grown);
        if (!grown)
            return fl_fail(c->err, FL_ENOMEM, "%s: out of memory", c->db->path);
        c->subjects = grown;
        c->room = room;
    }
    const char *before = fl_rulesdb_status(c->db, id);
    if (!before)
        return fl_fail(c->err, FL_ENOENT, "there is no rule %lld; flowlore rules --status all lists them",
                       (long long)id);
    c->subjects[c->n++] = (struct subject){id, before};
    return 0;
}

static bool is_listed(const struct fl_decision *d, const char *status, bool broken)
{
    bool novel = strcmp(status, "novel") == 0;
    if (broken && d->verdict == FL_IGNORE) /* which tells of known rules */
        return true;
    return d->verdict == FL_REOPEN ? !novel : novel;
}

static bool is_wanted(const struct deciding *c, const char *rule, const char *status)
{
    struct fl_node a, b;
    if (!c->pattern)
        return is_listed(c->d, status, c->broken);
    int single = fl_rule_parse(rule, &a, &b);
    return single >= 0 && fl_pattern_match(c->pattern, &a, single ? NULL : &b);
}

/* For all, a pattern, a cluster or an alert: look through the rules of the location. */
static int choose_from_all(struct deciding *c)
{
    int rc = 0, step = SQLITE_DONE;
    sqlite3_stmt *s = fl_rulesdb_prepare(c->db, SQL_CANDIDATES);
    if (!s)
        return fail_db(c);
    fl_rulesdb_bind(s, "tii", c->d->location, c->d->cluster_id, c->d->alert_id);
    while (rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW)
        if (is_wanted(c, (const char *)sqlite3_column_text(s, 1), (const char *)sqlite3_column_text(s, 2)))
            rc = add_subject(c, sqlite3_column_int64(s, 0));
    if (rc == 0 && step != SQLITE_DONE)
        rc = fail_db(c);
    sqlite3_finalize(s);
    return rc;
}

/* A cluster or an alert that is not there is a slip of the pen, not an empty set. */
static int check_there(struct deciding *c)
{
    int64_t cluster_id = c->d->cluster_id, alert_id = c->d->alert_id, found;
    int rc = SQLITE_ROW;
    if (cluster_id)
        rc = fl_rulesdb_get_int(c->db, SQL_CLUSTER, &found, "i", cluster_id);
    if (rc == SQLITE_DONE)
        return fl_fail(c->err, FL_ENOENT, "there is no cluster %lld; flowlore rules --json names each rule's",
                       (long long)cluster_id);
    if (rc == SQLITE_ROW && alert_id)
        rc = fl_rulesdb_get_int(c->db, SQL_ALERT_IS_BROKEN, &found, "i", alert_id);
    c->broken = rc == SQLITE_ROW && alert_id && found;
    if (rc == SQLITE_DONE)
        return fl_fail(c->err, FL_ENOENT, "there is no alert %lld; flowlore alerts --state all lists them",
                       (long long)alert_id);
    return rc == SQLITE_ROW ? 0 : fail_db(c);
}

/* A rule by its identity, wherever it is there already. */
static int choose_identity(struct deciding *c)
{
    int rc = 0, step = SQLITE_DONE;
    sqlite3_stmt *s = fl_rulesdb_prepare(c->db, SQL_RULES_OF_IDENTITY);
    if (!s)
        return fail_db(c);
    fl_rulesdb_bind(s, "tt", c->d->identity, c->d->location);
    while (rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW)
        rc = add_subject(c, sqlite3_column_int64(s, 0));
    if (rc == 0 && step != SQLITE_DONE)
        rc = fail_db(c);
    sqlite3_finalize(s);
    return rc;
}

static int choose(struct deciding *c)
{
    if (c->d->identity)
        return choose_identity(c);
    if (c->d->cluster_id || c->d->alert_id) {
        int rc = check_there(c);
        return rc ? rc : choose_from_all(c);
    }
    if (c->pattern || c->d->all)
        return choose_from_all(c);
    for (size_t i = 0; i < c->d->n_ids; i++) {
        int rc = add_subject(c, c->d->ids[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int add_decision(struct deciding *c, const char *location, const char *identity, const char *pattern,
                        int64_t *id)
{
    static const char *const verdicts[] = {
        [FL_ACCEPT] = "accept", [FL_IGNORE] = "ignore", [FL_REOPEN] = "reopen"};
    const struct fl_decision *d = c->d;
    int rc =
        fl_rulesdb_run(c->db, SQL_ADD_DECISION, "ttttttii", location, identity, pattern, verdicts[d->verdict],
                       d->author, d->note, d->made_ms ? d->made_ms : d->now_ms, d->until_ms);
    *id = sqlite3_last_insert_rowid(c->db->sqlite);
    return rc == SQLITE_OK ? 0 : fail_db(c);
}

/* A decision about one rule, at that rule's own location. */
static int add_for_rule(struct deciding *c, int64_t rule_id, int64_t *id)
{
    int rc = FL_EDB;
    sqlite3_stmt *s = fl_rulesdb_prepare(c->db, SQL_RULE_KEY);
    if (s)
        fl_rulesdb_bind(s, "i", rule_id);
    if (s && sqlite3_step(s) == SQLITE_ROW)
        rc = add_decision(c, (const char *)sqlite3_column_text(s, 0), (const char *)sqlite3_column_text(s, 1),
                          NULL, id);
    else
        fail_db(c);
    sqlite3_finalize(s);
    return rc;
}

static int apply_to(struct deciding *c, const struct subject *subject, int64_t decision_id)
{
    int rc = c->shared ? 0 : add_for_rule(c, subject->id, &decision_id);
    if (rc == 0 && fl_rulesdb_run(c->db, SQL_COVER, "ii", subject->id, decision_id) != SQLITE_OK)
        rc = fail_db(c);
    if (rc == 0 && fl_rulesdb_run(c->db, SQL_NOTE_KNOWN_WHY, "it", subject->id, NULL) != SQLITE_OK)
        rc = fail_db(c);
    if (rc == 0 && c->d->made_ms && fl_rulesdb_run(c->db, SQL_OUTWEIGH, "i", subject->id) != SQLITE_OK)
        rc = fail_db(c); /* it was made elsewhere, perhaps before what was decided here */
    if (rc < 0)
        return rc;
    if (fl_stopped_settle(c->db, subject->id, c->d->note, c->d->author, c->d->now_ms) != SQLITE_OK)
        rc = fail_db(c);
    return rc;
}

/* A rule that is novel again and never had an alert gets it from the run that finds it next. */
static int retell(struct deciding *c)
{
    int64_t *ids = calloc(c->n + 1, sizeof *ids);
    if (!ids)
        return fl_fail(c->err, FL_ENOMEM, "%s: out of memory", c->db->path);
    for (size_t i = 0; i < c->n; i++)
        ids[i] = c->subjects[i].id;
    int rc = fl_alert_retell(c->db, ids, c->n, c->d->author, c->d->note, c->d->now_ms);
    free(ids);
    return rc == SQLITE_OK ? 0 : fail_db(c);
}

/* Alerts of broken rules all of which are decided upon close as one. */
static int close_decided(struct deciding *c)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < c->n; i++)
        json_array_append_new(ids, json_integer((json_int_t)c->subjects[i].id));
    char *text = json_array_size(ids) == c->n ? json_dumps(ids, JSON_COMPACT) : NULL;
    json_decref(ids);
    if (!text)
        return fl_fail(c->err, FL_ENOMEM, "%s: out of memory", c->db->path);
    int rc = fl_rulesdb_run(c->db, SQL_CLOSE_DECIDED, "titt", text, c->d->now_ms, c->d->note, c->d->author);
    free(text);
    return rc == SQLITE_OK ? 0 : fail_db(c);
}

static int apply(struct deciding *c)
{
    int64_t decision_id = 0;
    int rc = c->shared ? add_decision(c, c->d->location, c->d->identity, c->d->pattern, &decision_id) : 0;
    if (rc == 0 && c->broken &&
        fl_rulesdb_run(c->db, SQL_CLOSE_BROKEN, "iitt", c->d->alert_id, c->d->now_ms, c->d->note,
                       c->d->author) != SQLITE_OK)
        rc = fail_db(c);
    if (rc == 0)
        rc = close_decided(c);
    for (size_t i = 0; rc == 0 && i < c->n; i++)
        rc = apply_to(c, &c->subjects[i], decision_id);
    return rc == 0 ? retell(c) : rc;
}

static int tell(struct deciding *c, fl_json_fn *fn, void *ctx)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && fn && i < c->n; i++) {
        const char *after = fl_rulesdb_status(c->db, c->subjects[i].id);
        struct fl_rule_filter one = {.id = c->subjects[i].id};
        if (after && strcmp(after, c->subjects[i].before) != 0)
            rc = fl_rulesdb_rules(c->db, &one, fn, ctx, c->err);
    }
    return rc;
}

/* How many alerts the decisions so far have left open. */
static int count_open(struct deciding *c, int64_t *n)
{
    return fl_rulesdb_get_int(c->db, SQL_COUNT_OPEN, n, "") == SQLITE_ROW ? 0 : fail_db(c);
}

static int decide(struct deciding *c, fl_json_fn *fn, void *ctx)
{
    int64_t before = 0, after = 0;
    int rc = count_open(c, &before);
    if (rc == 0)
        rc = choose(c);
    if (rc == 0)
        rc = apply(c);
    if (rc == 0)
        rc = tell(c, fn, ctx);
    if (rc == 0)
        rc = count_open(c, &after);
    if (rc == 0 && c->d->silenced && before > after)
        *c->d->silenced += (size_t)(before - after);
    return rc;
}

int fl_decide_within(struct fl_rulesdb *db, const struct fl_decision *d, fl_json_fn *fn, void *ctx,
                     struct fl_err *err)
{
    struct deciding c = {.db = db, .d = d, .err = err, .shared = d->pattern || d->identity};
    if (d->pattern) {
        int rc = fl_pattern_parse(d->pattern, &c.pattern);
        if (rc < 0)
            return fl_fail(err, rc,
                           "\"%.200s\" is not a pattern; write NODE or NODE => NODE, such as "
                           "*.* : 10.1.0.0/16.22/tcp <=> *",
                           d->pattern);
    }
    int rc = decide(&c, fn, ctx);
    fl_pattern_free(c.pattern);
    free(c.subjects);
    return rc;
}

int fl_rulesdb_end(struct fl_rulesdb *db, int rc, bool keep, struct fl_err *err)
{
    if (rc == 0 && keep && fl_rulesdb_run(db, SQL_COMMIT, "") == SQLITE_OK)
        return 0;
    if (rc == 0 && keep)
        rc = fl_rulesdb_fail(db, err);
    fl_rulesdb_run(db, SQL_ROLLBACK, "");
    return rc;
}

int fl_rulesdb_decide(struct fl_rulesdb *db, const struct fl_decision *d, fl_json_fn *fn, void *ctx,
                      struct fl_err *err)
{
    if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    return fl_rulesdb_end(db, fl_decide_within(db, d, fn, ctx, err), !d->dry_run, err);
}
