/* Alerts of known rules that broke: one for what stopped, however many rules it stood in.
 *
 * What stopped is the server where the rule's lost side names one, whatever its port, and that side itself
 * otherwise. Rules that break by it join its alert while that is open or acknowledged, which is then open
 * again. A rule leaves the alert when it holds again, is decided upon, or is told otherwise, and the alert
 * closes when its last one does. The worst of the rules gives it its words; they are worked out anew whenever
 * the rules change.
 *
 * Example: a name server stops. "look-up, then 10.0.0.9 port 443" and forty rules like it break, within hours
 * of one another: one alert, of 10.0.0.53, that grows to 41 rules.
 *
 * A rule that was told is not told again until it holds again: so long it stays a member of an alert with a
 * subject, also of one that people closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

enum { WIDE_HOSTS = 10, SUBJECT_TEXT = FL_LOCATION_NAME + FL_NODE_TEXT + 16 };

/* ---- what stopped, in words ---- */

static const struct fl_node *stopped_node(const struct fl_stopped *s)
{
    return s->antecedent ? &s->rule.consequent : &s->rule.antecedent;
}

/* "10.0.0.53", or "*.* : *.53/udp". */
static void name_stopped(const struct fl_node *n, char out[FL_NODE_TEXT])
{
    if (n->any_server)
        fl_node_format(n, out);
    else
        fl_addr_format(&n->server, out);
}

/* What no two open alerts are about. */
static void make_subject(const char *location, const struct fl_node *n, char out[SUBJECT_TEXT])
{
    char name[FL_NODE_TEXT];
    name_stopped(n, name);
    snprintf(out, SUBJECT_TEXT, "broken %s %s", location, name);
}

static int level_of(const struct fl_recheck *r)
{
    return r->clock ? 0 : r->hosts >= WIDE_HOSTS ? 2 : 1;
}

static const char *severity_of(const struct fl_recheck *r)
{
    static const char *const severities[] = {"low", "medium", "high"};
    return severities[level_of(r)];
}

static void explain(const struct fl_stopped *s, char out[FL_ALERT_WHY])
{
    const struct fl_recheck *r = &s->rule;
    char hosts[64] = "";
    if (r->hosts > 0)
        snprintf(hosts, sizeof hosts, "; %lld host%s behind it%s", (long long)r->hosts,
                 r->hosts == 1 ? "" : "s", r->hosts >= WIDE_HOSTS ? ", which raises it" : "");
    snprintf(out, FL_ALERT_WHY, "%s: what is known here has changed (it held in %.0f%% of the cases)%s%s.",
             severity_of(r), 100 * (s->antecedent ? r->confidence : r->reverse_confidence), hosts,
             r->clock ? "; it keeps to the clock, as jobs do, which makes it low" : "");
}

/* "Broken at paris: "any client asks 10.0.0.5 port 80/tcp" goes on, but ...", of `rules` rules the first. */
static void say(const struct fl_stopped *s, const char *location, int64_t rules, char out[FL_ALERT_TEXT])
{
    char goes_on[FL_DESCRIBED_NODE], stopped[FL_DESCRIBED_NODE], name[FL_NODE_TEXT],
        others[FL_NODE_TEXT + 64];
    const struct fl_recheck *r = &s->rule;
    const struct fl_lapse *l = s->antecedent ? &r->antecedent_alone : &r->consequent_alone;
    const struct fl_node *node = stopped_node(s);
    fl_describe_node(s->antecedent ? &r->antecedent : &r->consequent, goes_on, sizeof goes_on);
    fl_describe_node(node, stopped, sizeof stopped);
    name_stopped(node, name);
    *others = '\0';
    if (rules > 1)
        snprintf(others, sizeof others, " %lld other rule%s the same of %s.", (long long)rules - 1,
                 rules == 2 ? " says" : "s say", node->any_server ? "it" : name);
    snprintf(out, FL_ALERT_TEXT,
             "Broken at %s: \"%s\" goes on, but \"%s\", which went with it, has not happened beside it in "
             "its last %llu cases%s.%s Has something moved, or failed?",
             location, goes_on, stopped, (unsigned long long)l->since,
             l->last_ms == INT64_MIN && l->since <= (s->antecedent ? r->n_antecedent : r->n_consequent)
                 ? ", all of this run"
                 : "",
             others);
}

/* When both sides were there for the last time; where nothing is known of that, when the run's data begin. */
static int64_t began_ms(const struct fl_run *run, const struct fl_stopped *s)
{
    const struct fl_lapse *l = s->antecedent ? &s->rule.antecedent_alone : &s->rule.consequent_alone;
    if (l->last_ms != INT64_MIN)
        return l->last_ms;
    return s->rule.hit_ms != INT64_MIN ? s->rule.hit_ms : run->from_ms;
}

/* ---- telling ---- */

static int add_alert(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *s,
                     int64_t rules, const char *note, int64_t now_ms, int64_t *alert_id)
{
    char subject[SUBJECT_TEXT], text[FL_ALERT_TEXT], why[FL_ALERT_WHY];
    make_subject(run->location, stopped_node(s), subject);
    say(s, run->location, rules, text);
    explain(s, why);
    int rc = fl_rulesdb_run(db, SQL_ADD_BROKEN, "ttiiitttit", run->location, severity_of(&s->rule),
                            began_ms(run, s), now_ms, s->rule.rule_id, text, why, note, rules, subject);
    *alert_id = sqlite3_last_insert_rowid(db->sqlite);
    return rc;
}

static int add_member(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *s,
                      int64_t alert_id)
{
    int rc = fl_rulesdb_run(db, SQL_ADD_MEMBER, "ii", alert_id, s->rule.rule_id);
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_NOTE_TOLD, "ii", s->rule.rule_id, began_ms(run, s)) : rc;
}

/* What moved is told once, by the alert whose strongest rule takes the place of what stopped, while that is
 * open: it counts as grown, and the broken one is there as closed. */
static int tell_moved(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *s,
                      int64_t now_ms, bool *moved)
{
    char goes_on[FL_NODE_TEXT];
    int64_t successor = 0, alert_id;
    fl_node_format(s->antecedent ? &s->rule.antecedent : &s->rule.consequent, goes_on);
    int rc = fl_rulesdb_get_int(db, SQL_SUCCESSOR, &successor, "it", s->rule.rule_id, goes_on);
    *moved = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    rc = add_alert(db, run, s, 1, FL_MOVED_NOTE, now_ms, &alert_id);
    if (rc == SQLITE_OK)
        rc = add_member(db, run, s, alert_id);
    if (rc == SQLITE_OK)
        rc = fl_alert_retell(db, &successor, 1, NULL, NULL, now_ms);
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_SAY_MOVED, "ii", successor, now_ms) : rc;
}

/* By what stopped, the worst first. */
static int by_what_stopped(const void *va, const void *vb)
{
    const struct fl_stopped *a = va, *b = vb;
    char x[FL_NODE_TEXT], y[FL_NODE_TEXT];
    name_stopped(stopped_node(a), x);
    name_stopped(stopped_node(b), y);
    int c = strcmp(x, y);
    if (c != 0 || level_of(&a->rule) != level_of(&b->rule))
        return c ? c : level_of(&b->rule) - level_of(&a->rule);
    return (a->rule.rule_id > b->rule.rule_id) - (a->rule.rule_id < b->rule.rule_id);
}

/* They join the alert of what stopped, or make it. */
static int tell_group(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *group,
                      size_t n, int64_t now_ms, size_t *opened)
{
    char subject[SUBJECT_TEXT];
    int64_t alert_id;
    make_subject(run->location, stopped_node(group), subject);
    int rc = fl_rulesdb_get_int(db, SQL_STOPPED_ALERT, &alert_id, "t", subject);
    if (rc == SQLITE_DONE) {
        rc = add_alert(db, run, group, (int64_t)n, NULL, now_ms, &alert_id);
        ++*opened;
    } else if (rc == SQLITE_ROW) { /* without those that left, so that it is seen to grow */
        rc = fl_rulesdb_run(db, SQL_COUNT_BROKEN, "ii", alert_id, now_ms);
    }
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = add_member(db, run, &group[i], alert_id);
    return rc;
}

/* They are told group by group, and put in another order. */
static int tell_groups(struct fl_rulesdb *db, const struct fl_run *run, struct fl_stopped *all, size_t n,
                       int64_t now_ms, size_t *opened)
{
    int rc = SQLITE_OK;
    if (n > 1)
        qsort(all, n, sizeof *all, by_what_stopped);
    for (size_t from = 0, to; rc == SQLITE_OK && from < n; from = to) {
        char name[FL_NODE_TEXT], other[FL_NODE_TEXT];
        name_stopped(stopped_node(&all[from]), name);
        for (to = from + 1; to < n; to++) {
            name_stopped(stopped_node(&all[to]), other);
            if (strcmp(name, other) != 0)
                break;
        }
        rc = tell_group(db, run, &all[from], to - from, now_ms, opened);
    }
    return rc;
}

int fl_stopped_tell(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *all, size_t n,
                    int64_t now_ms, size_t *opened)
{
    struct fl_stopped *untold = malloc((n + 1) * sizeof *untold);
    size_t n_untold = 0;
    int rc = untold ? SQLITE_OK : SQLITE_NOMEM;
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
        bool moved = true;
        if (all[i].untold)
            rc = tell_moved(db, run, &all[i], now_ms, &moved);
        if (!moved)
            untold[n_untold++] = all[i];
    }
    if (rc == SQLITE_OK)
        rc = tell_groups(db, run, untold, n_untold, now_ms, opened);
    free(untold);
    return rc;
}

/* ---- leaving ---- */

/* The alert that a rule was told by and not held again since, and how many others stand in it; *alert_id 0:
 * none. */
static int find_episode(struct fl_rulesdb *db, int64_t rule_id, int64_t *alert_id, int64_t *others)
{
    *alert_id = 0;
    int rc = fl_rulesdb_get_int(db, SQL_BROKEN_EPISODE, alert_id, "i", rule_id);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    rc = fl_rulesdb_get_int(db, SQL_OTHER_MEMBERS, others, "ii", *alert_id, rule_id);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int fl_stopped_mend(struct fl_rulesdb *db, int64_t rule_id, int64_t now_ms, bool *told)
{
    int64_t alert_id, others;
    int rc = find_episode(db, rule_id, &alert_id, &others);
    *told = alert_id != 0;
    if (rc != SQLITE_OK || !*told)
        return rc;
    return others ? fl_rulesdb_run(db, SQL_LEAVE_BROKEN, "ii", alert_id, rule_id)
                  : fl_rulesdb_run(db, SQL_MEND_BROKEN, "ii", alert_id, now_ms);
}

/* It gets a closed alert of its own, so that it is not told anew. */
static int set_apart(struct fl_rulesdb *db, int64_t alert_id, int64_t rule_id, const char *note,
                     const char *author, int64_t now_ms)
{
    int rc = fl_rulesdb_run(db, SQL_SET_APART, "iitti", alert_id, rule_id, note, author, now_ms);
    int64_t own_id = sqlite3_last_insert_rowid(db->sqlite);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_LEAVE_BROKEN, "ii", alert_id, rule_id);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_ADD_MEMBER, "ii", own_id, rule_id);
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_COUNT_BROKEN, "ii", alert_id, now_ms) : rc;
}

int fl_stopped_settle(struct fl_rulesdb *db, int64_t rule_id, const char *note, const char *author,
                      int64_t now_ms)
{
    int64_t alert_id, others, found;
    int rc = find_episode(db, rule_id, &alert_id, &others);
    if (rc != SQLITE_OK || !alert_id)
        return rc;
    rc = fl_rulesdb_get_int(db, SQL_ALERT_IS_LIVE, &found, "i", alert_id);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    return others ? set_apart(db, alert_id, rule_id, note, author, now_ms)
                  : fl_rulesdb_run(db, SQL_CLOSE_BROKEN, "iitt", alert_id, now_ms, note, author);
}

/* ---- telling anew ---- */

/* Has this rule lost what the alert is about, as far as this run can say? Then *out tells so. */
static bool has_lost(const struct fl_stopped *s, const char *location, const char *subject,
                     struct fl_stopped *out)
{
    char own[SUBJECT_TEXT];
    for (int side = 0; side < 2; side++) {
        *out = *s;
        out->antecedent = side == 0;
        make_subject(location, stopped_node(out), own);
        if ((side == 0 ? s->antecedent : s->consequent) && strcmp(own, subject) == 0)
            return true;
    }
    return false;
}

static int by_rule(const void *key, const void *item)
{
    int64_t rule_id = *(const int64_t *)key, own_id = ((const struct fl_stopped *)item)->rule.rule_id;
    return (rule_id > own_id) - (rule_id < own_id);
}

/* How many rules an alert has, and the worst of those that this run saw go on without what stopped: the one
 * that leads it where that is as bad. Without any, *found is false. */
static int choose_lead(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *all,
                       size_t n, int64_t alert_id, struct fl_stopped *lead, int64_t *rules, bool *found)
{
    struct fl_stopped one;
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_STOPPED_RULES);
    int rc = q ? fl_rulesdb_bind(q, "i", alert_id) : SQLITE_ERROR;
    *found = false;
    *rules = 0;
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int64_t rule_id = sqlite3_column_int64(q, 0);
        const struct fl_stopped *s = n ? bsearch(&rule_id, all, n, sizeof *all, by_rule) : NULL;
        ++*rules;
        rc = SQLITE_OK;
        if (s && has_lost(s, run->location, (const char *)sqlite3_column_text(q, 1), &one) &&
            (!*found || level_of(&one.rule) > level_of(&lead->rule))) {
            *lead = one;
            *found = true;
        }
    }
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Without a rule that this run can say it of, its words stay. */
static int retell(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *all, size_t n,
                  int64_t alert_id, int64_t now_ms)
{
    char text[FL_ALERT_TEXT], why[FL_ALERT_WHY];
    struct fl_stopped lead;
    int64_t rules;
    bool found;
    int rc = choose_lead(db, run, all, n, alert_id, &lead, &rules, &found);
    if (rc != SQLITE_OK || !found)
        return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_COUNT_BROKEN, "ii", alert_id, now_ms) : rc;
    say(&lead, run->location, rules, text);
    explain(&lead, why);
    return fl_rulesdb_run(db, SQL_PUT_BROKEN, "iittiit", alert_id, lead.rule.rule_id, text, why, rules,
                          now_ms, severity_of(&lead.rule));
}

int fl_stopped_retell(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *all, size_t n,
                      int64_t now_ms)
{
    int64_t alert_id = 0;
    int rc;
    while ((rc = fl_rulesdb_get_int(db, SQL_STOPPED_CHANGED, &alert_id, "ti", run->location, alert_id)) ==
           SQLITE_ROW)
        if ((rc = retell(db, run, all, n, alert_id, now_ms)) != SQLITE_OK)
            break;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
