/* Alerts of novel rules: one a cluster while it is open, growing by what joins it and shrinking by what is
 * decided upon. What an alert says is worked out from its rules each time these change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

/* An alert's rules that are still novel, taken together. */
struct summary {
    struct fl_alert_weight weight;
    struct fl_rule lead, latest; /* the strongest; that of those found last: what their sentences need */
    int64_t lead_id, last_found_ms;
    int64_t cluster_id;       /* of the strongest */
    int64_t broken_id;        /* the rule whose place it takes; 0: none */
    bool scattered;           /* they are of several clusters, or of none */
    char shape[FL_RULE_TEXT]; /* of the strongest */
    char lead_text[FL_RULE_TEXT], location[FL_LOCATION_NAME], cluster[FL_CLUSTER_NAME];
};

static const char *const grades[] = {
    [FL_NEW_HOSTS] = "new-hosts", [FL_NEW_HERE] = "new-here", [FL_NEW] = "new"};

static enum fl_novelty grade_of(const char *novelty)
{
    for (enum fl_novelty g = FL_NEW_HOSTS; g < FL_NEW; g++)
        if (strcmp(novelty, grades[g]) == 0)
            return g;
    return FL_NEW;
}

static void copy_text(sqlite3_stmt *q, int column, char *out, size_t room)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    snprintf(out, room, "%s", text ? text : "");
}

/* Columns as in SQL_ALERT_MEMBERS. */
static void take_rule(struct fl_rule *r, sqlite3_stmt *q)
{
    *r = (struct fl_rule){.evidence = FL_EVIDENCE_START};
    if (fl_rule_parse((const char *)sqlite3_column_text(q, 1), &r->antecedent, &r->consequent) == 1)
        r->evidence = FL_EVIDENCE_PERIODIC;
    r->both = sqlite3_column_int64(q, 3) != 0;
    r->n_both = (uint64_t)sqlite3_column_int64(q, 4);
    r->n_antecedent = (uint64_t)sqlite3_column_int64(q, 5);
    r->lift = sqlite3_column_double(q, 6);
    copy_text(q, 8, r->clock, sizeof r->clock);
    r->period.period_ms = sqlite3_column_int64(q, 9);
    r->period.spread_ms = sqlite3_column_int64(q, 10);
    r->period.missed = (uint32_t)sqlite3_column_int64(q, 11);
}

static void take_lead(struct summary *s, sqlite3_stmt *q)
{
    take_rule(&s->lead, q);
    s->lead_id = sqlite3_column_int64(q, 0);
    s->cluster_id = sqlite3_column_int64(q, 12);
    s->last_found_ms = sqlite3_column_int64(q, 14);
    copy_text(q, 13, s->shape, sizeof s->shape);
    copy_text(q, 1, s->lead_text, sizeof s->lead_text);
}

/* The strongest come first, so that of those found last the first is it. */
static void look_at_latest(struct summary *s, sqlite3_stmt *q)
{
    int64_t found_ms = sqlite3_column_int64(q, 14);
    if (found_ms <= s->last_found_ms)
        return;
    s->last_found_ms = found_ms;
    take_rule(&s->latest, q);
    s->weight.latest = &s->latest;
}

static void add_member(struct summary *s, sqlite3_stmt *q)
{
    struct fl_alert_weight *w = &s->weight;
    enum fl_novelty grade = grade_of((const char *)sqlite3_column_text(q, 2));
    double q_value = sqlite3_column_double(q, 7);
    bool clock = sqlite3_column_type(q, 8) != SQLITE_NULL;
    if (w->rules++ == 0) {
        take_lead(s, q);
        w->clock = w->alike = true;
        w->q_value = 1;
    }
    look_at_latest(s, q);
    s->scattered = s->scattered || !s->cluster_id || sqlite3_column_int64(q, 12) != s->cluster_id;
    w->alike = w->alike && strcmp(s->shape, (const char *)sqlite3_column_text(q, 13)) == 0;
    w->grade = grade > w->grade ? grade : w->grade;
    w->q_value = q_value < w->q_value ? q_value : w->q_value;
    w->clock = w->clock && clock;
}

/* The rules of an alert (0: none yet) and those in `joining`, a JSON array of ids, as far as they are novel.
 */
static int sum_members(struct fl_rulesdb *db, int64_t alert_id, const char *joining, struct summary *s)
{
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_ALERT_MEMBERS);
    int rc = q ? fl_rulesdb_bind(q, "it", alert_id, joining) : SQLITE_ERROR;
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        add_member(s, q);
        rc = SQLITE_OK;
    }
    sqlite3_reset(q);
    if (rc != SQLITE_DONE || s->weight.rules == 0)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    rc = fl_rulesdb_get_int(db, SQL_ALERT_HOSTS, &s->weight.hosts, "it", alert_id, joining);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* Where the strongest rule stands, what its cluster is called, why it was held back. */
static int find_place(struct fl_rulesdb *db, struct summary *s)
{
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_ALERT_PLACE);
    int rc = q ? fl_rulesdb_bind(q, "i", s->lead_id) : SQLITE_ERROR;
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        copy_text(q, 0, s->location, sizeof s->location);
        copy_text(q, 1, s->cluster, sizeof s->cluster);
        copy_text(q, 2, s->weight.held, sizeof s->weight.held);
        rc = SQLITE_OK;
    }
    sqlite3_reset(q);
    return rc;
}

/* The node of `old` that the strongest rule has not, where it has the other one. */
static bool find_replaced(struct summary *s, const char *old)
{
    struct fl_node a, b;
    if (s->lead.evidence == FL_EVIDENCE_PERIODIC || fl_rule_parse(old, &a, &b) != 0)
        return false;
    const struct fl_node *x = &s->lead.antecedent, *y = &s->lead.consequent;
    bool has_a = fl_node_cmp(&a, x) == 0 || fl_node_cmp(&a, y) == 0;
    bool has_b = fl_node_cmp(&b, x) == 0 || fl_node_cmp(&b, y) == 0;
    s->weight.replaced = has_a ? b : a;
    return has_a != has_b;
}

/* Whose place the strongest rule takes: a broken one of its shape with one side in common, that last held
 * when this one began, give or take an hour before and a day after. */
static int find_predecessor(struct fl_rulesdb *db, struct summary *s)
{
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_PREDECESSOR);
    int rc = q ? fl_rulesdb_bind(q, "i", s->lead_id) : SQLITE_ERROR;
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        s->weight.replaces = find_replaced(s, (const char *)sqlite3_column_text(q, 0));
        if (!s->weight.replaces)
            continue;
        s->broken_id = sqlite3_column_int64(q, 1);
        s->weight.replaced_level = sqlite3_column_int(q, 2);
        break;
    }
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* What the alert has to say of these rules: a new one (*alert_id 0) is whole from its first row on, for what
 * watches the table. */
static int put(struct fl_rulesdb *db, int64_t *alert_id, struct summary *s, int64_t opened_ms, int64_t now_ms)
{
    char text[FL_ALERT_TEXT], why[FL_ALERT_WHY];
    int rc = find_place(db, s);
    if (rc == SQLITE_OK)
        rc = find_predecessor(db, s);
    if (rc == SQLITE_OK)
        rc = fl_mixed_name(db, s->lead_id, &s->lead.antecedent, fl_rule_consequent(&s->lead),
                           s->weight.services);
    if (rc == SQLITE_OK && s->weight.replaces)
        rc = fl_stopped_settle(db, s->broken_id, FL_MOVED_NOTE, NULL, now_ms);
    if (rc != SQLITE_OK)
        return rc;
    fl_alert_text(&s->lead, &s->weight, s->location, *s->cluster && !s->scattered ? s->cluster : NULL, text);
    fl_alert_why(&s->weight, why);
    if (*alert_id)
        return fl_rulesdb_run(db, SQL_PUT_ALERT, "itittitti", *alert_id, fl_alert_severity(&s->weight),
                              s->lead_id, s->lead_text, grades[s->weight.grade], s->weight.rules, text, why,
                              now_ms);
    rc = fl_rulesdb_run(db, SQL_ADD_ALERT, "ttittttiii", s->location, fl_alert_severity(&s->weight),
                        s->lead_id, s->lead_text, grades[s->weight.grade], text, why, opened_ms, now_ms,
                        s->weight.rules);
    *alert_id = sqlite3_last_insert_rowid(db->sqlite);
    return rc;
}

static int by_id(const void *va, const void *vb)
{
    const int64_t *a = va, *b = vb;
    return (*a > *b) - (*a < *b);
}

/* What an alert has to say now; without a rule left to tell of it closes, with one it is open again. */
static int retell(struct fl_rulesdb *db, int64_t alert_id, const char *author, const char *note,
                  int64_t now_ms)
{
    struct summary s = {.weight = {.rules = 0}};
    int rc = sum_members(db, alert_id, "[]", &s);
    if (rc == SQLITE_OK && s.weight.rules == 0)
        return fl_rulesdb_run(db, SQL_CLOSE_ALERT, "iitt", alert_id, now_ms, note, author);
    if (rc == SQLITE_OK)
        rc = put(db, &alert_id, &s, 0, now_ms);
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_REOPEN_ALERT, "ii", alert_id, now_ms) : rc;
}

/* ---- telling ---- */

/* A rule that nobody is told of, and the alert that it joins (0: none yet) or the cluster that it is told
 * with. */
struct untold {
    int64_t alert_id, cluster_id, rule_id, opened_ms, with_id;
    int64_t shape_id; /* one of the location's rules of the same shape: for all of them the same one */
    size_t order;     /* its place among the rules of the run, strongest first */
    size_t lead;      /* the place of the first rule with the same target */
};

static int by_target(const void *va, const void *vb)
{
    const struct untold *a = va, *b = vb;
    if (a->alert_id != b->alert_id)
        return a->alert_id < b->alert_id ? -1 : 1;
    if (a->cluster_id != b->cluster_id)
        return a->cluster_id < b->cluster_id ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* A group has the lead of its strongest rule, which is in no other. */
static int by_lead(const void *va, const void *vb)
{
    const struct untold *a = va, *b = vb;
    if (a->lead != b->lead)
        return a->lead < b->lead ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static bool together(const struct untold *a, const struct untold *b)
{
    return a->alert_id ? a->alert_id == b->alert_id
                       : !b->alert_id && a->cluster_id && a->cluster_id == b->cluster_id;
}

/* Groups that make alerts of their own and are alike, each rule of them of one and the same shape, are one:
 * what twelve hosts do is said once. */
static void join_alike(struct untold *all, size_t n)
{
    for (size_t from = 0, to; from < n; from = to) {
        bool alike = all[from].alert_id == 0;
        for (to = from + 1; to < n && all[to].lead == all[from].lead; to++)
            alike = alike && all[to].shape_id == all[from].shape_id;
        for (size_t i = from; i < to; i++)
            all[i].shape_id = alike ? all[i].shape_id : 0;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i && all[i].shape_id; j++)
            if (all[j].shape_id == all[i].shape_id) {
                all[i].lead = all[j].lead;
                break;
            }
}

/* Rules of one target side by side, the strongest first and by it the groups. */
static void group(struct untold *all, size_t n)
{
    qsort(all, n, sizeof *all, by_target);
    for (size_t i = 0; i < n; i++)
        all[i].lead = i > 0 && together(&all[i - 1], &all[i]) ? all[i - 1].lead : all[i].order;
    qsort(all, n, sizeof *all, by_lead);
    join_alike(all, n);
    qsort(all, n, sizeof *all, by_lead);
}

/* "[1,2,3]", to be freed; NULL without memory. */
static char *ids_text(const struct untold *rules, size_t n)
{
    char *text = malloc(n * 22 + 3);
    size_t used = 0;
    for (size_t i = 0; text && i < n; i++)
        used += (size_t)sprintf(text + used, "%s%lld", i ? "," : "[", (long long)rules[i].rule_id);
    if (text)
        strcpy(text + used, n ? "]" : "[]");
    return text;
}

/* Rules that join one alert, or make one: in one go, so that it grows once. One that is acked is open again:
 * whoever is on it has not seen them. */
static int tell_group(struct fl_rulesdb *db, const struct untold *rules, size_t n, int64_t now_ms)
{
    struct summary s = {.weight = {.rules = 0}};
    int64_t alert_id = rules[0].alert_id, opened_ms = rules[0].opened_ms;
    char *joining = ids_text(rules, n);
    for (size_t i = 1; i < n; i++)
        opened_ms = rules[i].opened_ms < opened_ms ? rules[i].opened_ms : opened_ms;
    int rc = joining ? sum_members(db, alert_id, joining, &s) : SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        rc = put(db, &alert_id, &s, opened_ms, now_ms);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_UNACK_ALERT, "i", alert_id);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = fl_rulesdb_run(db, SQL_ADD_MEMBER, "ii", alert_id, rules[i].rule_id);
    free(joining);
    return rc;
}

/* Those that no live alert tells of, each with its target; of the others their alerts, some more than once.
 */
static int find_untold(struct fl_rulesdb *db, const struct fl_untold *rules, size_t n, struct untold *out,
                       size_t *n_out, int64_t *told, size_t *n_told)
{
    for (size_t i = 0; i < n; i++) {
        struct untold *u = &out[*n_out];
        *u = (struct untold){.rule_id = rules[i].rule_id,
                             .opened_ms = rules[i].opened_ms,
                             .order = i,
                             .with_id = rules[i].with_id};
        int rc = fl_rulesdb_get_int(db, SQL_LIVE_ALERT, &told[*n_told], "i", u->rule_id);
        if (rc == SQLITE_ROW) {
            ++*n_told;
            continue;
        }
        u->alert_id = rules[i].alert_id;
        if (rc == SQLITE_DONE)
            rc = u->alert_id ? SQLITE_ROW
                             : fl_rulesdb_get_int(db, SQL_CLUSTER_ALERT, &u->alert_id, "i", u->rule_id);
        if (rc == SQLITE_DONE)
            rc = fl_rulesdb_get_int(db, SQL_CLUSTER_OF, &u->cluster_id, "i", u->rule_id);
        if (rc == SQLITE_ROW)
            rc = fl_rulesdb_get_int(db, SQL_SHAPE_OF, &u->shape_id, "i", u->rule_id);
        if (rc != SQLITE_ROW)
            return rc;
        ++*n_out;
    }
    return SQLITE_OK;
}

/* Each goes where the rule goes that it is told with; two that are of no cluster are one of their own. */
static void follow(struct untold *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n && all[i].with_id && !all[i].alert_id; j++) {
            if (all[j].rule_id != all[i].with_id)
                continue;
            if (!all[j].alert_id && !all[j].cluster_id)
                all[j].cluster_id = -all[j].rule_id;
            all[i].alert_id = all[j].alert_id;
            all[i].cluster_id = all[j].cluster_id;
            break;
        }
}

/* Decisions lapse without a word: alerts whose rules have become novel again tell of them again. */
static int tell_outgrown(struct fl_rulesdb *db, int64_t *told, size_t n, int64_t now_ms)
{
    int64_t found;
    int rc = SQLITE_OK;
    qsort(told, n, sizeof *told, by_id);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
        if (i > 0 && told[i] == told[i - 1])
            continue;
        rc = fl_rulesdb_get_int(db, SQL_OUTGROWN, &found, "i", told[i]);
        rc = rc == SQLITE_ROW ? retell(db, told[i], NULL, NULL, now_ms) : rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    return rc;
}

int fl_alert_tell(struct fl_rulesdb *db, const struct fl_untold *rules, size_t n, int64_t now_ms,
                  size_t *opened)
{
    struct untold *all = malloc((n + 1) * sizeof *all);
    int64_t *told = malloc((n + 1) * sizeof *told);
    size_t n_all = 0, n_told = 0;
    int rc = all && told ? find_untold(db, rules, n, all, &n_all, told, &n_told) : SQLITE_NOMEM;
    if (rc == SQLITE_OK) {
        follow(all, n_all);
        group(all, n_all);
    }
    for (size_t from = 0, to; rc == SQLITE_OK && from < n_all; from = to) {
        for (to = from + 1; to < n_all && all[to].lead == all[from].lead;)
            to++;
        *opened += all[from].alert_id == 0;
        rc = tell_group(db, &all[from], to - from, now_ms);
    }
    if (rc == SQLITE_OK)
        rc = tell_outgrown(db, told, n_told, now_ms);
    free(all);
    free(told);
    return rc;
}

int fl_alert_retell(struct fl_rulesdb *db, const int64_t *rule_ids, size_t n, const char *author,
                    const char *note, int64_t now_ms)
{
    int64_t *alerts = malloc((n + 1) * sizeof *alerts);
    size_t n_alerts = 0;
    int rc = alerts ? SQLITE_OK : SQLITE_NOMEM;
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
        const char *status = fl_rulesdb_status(db, rule_ids[i]);
        bool novel = status && strcmp(status, "novel") == 0;
        rc = fl_rulesdb_get_int(db, novel ? SQL_LAST_ALERT : SQL_LIVE_ALERT, &alerts[n_alerts], "i",
                                rule_ids[i]);
        n_alerts += rc == SQLITE_ROW;
        rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    if (rc == SQLITE_OK)
        qsort(alerts, n_alerts, sizeof *alerts, by_id);
    for (size_t i = 0; rc == SQLITE_OK && i < n_alerts; i++)
        if (i == 0 || alerts[i] != alerts[i - 1])
            rc = retell(db, alerts[i], author, note, now_ms);
    free(alerts);
    return rc;
}

/* ---- acknowledging ---- */

static int ack_one(struct fl_rulesdb *db, const struct fl_ack *ack, int64_t id, fl_json_fn *fn, void *ctx,
                   struct fl_err *err)
{
    int64_t found;
    int rc = fl_rulesdb_get_int(db, SQL_ALERT, &found, "i", id);
    if (rc == SQLITE_DONE)
        return fl_fail(err, FL_ENOENT, "there is no alert %lld; flowlore alerts --state all lists them",
                       (long long)id);
    if (rc == SQLITE_ROW)
        rc = fl_rulesdb_run(db, SQL_ACK_ALERT, "itti", id, ack->note, ack->author, ack->now_ms);
    if (rc != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    if (sqlite3_changes(db->sqlite) == 0)
        return 0;
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_ALERT);
    if (s)
        fl_rulesdb_bind(s, "i", id);
    return fl_rulesdb_each(db, s, fn, ctx, err);
}

struct id_list {
    int64_t *items;
    size_t n;
};

static int add_id(void *ctx, json_t *row)
{
    struct id_list *list = ctx;
    int64_t *grown = realloc(list->items, (list->n + 1) * sizeof *grown);
    if (!grown)
        return FL_ENOMEM;
    list->items = grown;
    list->items[list->n++] = json_integer_value(json_object_get(row, "id"));
    return 0;
}

static int open_alerts(struct fl_rulesdb *db, const char *location, struct id_list *list, struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_ALERTS_TO_ACK);
    if (s)
        fl_rulesdb_bind(s, "t", location);
    return fl_rulesdb_each(db, s, add_id, list, err);
}

int fl_rulesdb_ack(struct fl_rulesdb *db, const struct fl_ack *ack, fl_json_fn *fn, void *ctx,
                   struct fl_err *err)
{
    struct id_list all = {0};
    if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    int rc = ack->n_ids ? 0 : open_alerts(db, ack->location, &all, err);
    const int64_t *ids = ack->n_ids ? ack->ids : all.items;
    for (size_t i = 0; rc == 0 && i < ack->n_ids + all.n; i++)
        rc = ack_one(db, ack, ids[i], fn, ctx, err);
    if (rc == 0 && fl_rulesdb_run(db, SQL_COMMIT, "") != SQLITE_OK)
        rc = fl_rulesdb_fail(db, err);
    if (rc != 0)
        fl_rulesdb_run(db, SQL_ROLLBACK, "");
    free(all.items);
    return rc;
}
