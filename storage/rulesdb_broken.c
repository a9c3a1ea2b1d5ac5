/* Known rules that break: one side goes on, the other does not follow any more. How people are told of them
 * is in rulesdb_stopped.c.
 *
 * Of a rule X => Y with confidence c, X has happened k times since Y last followed: in this run's span, or,
 * where that has none with Y, in as many before it as do not overlap. It is broken when
 * 1. k >= 10, and (1 - c')^k <= 1e-6: c' is three standard errors below c, for a rule that was found at its
 * best will not stay there, and no more than 0.99. It is the confidence of while the rule does not rest, as
 * the newest run over whole data saw it in which it held ten times;
 * 2. k is more than three times the longest row of such misses before it in the same span;
 * 3. it has lasted longer than what the rule is used to. A row that chance does not make, and after which it
 * held again, is a rest. Of a rule that rested for r, three times r must have passed, but from six hours on
 * five days, for what rests over night may rest over a long weekend, and a day more than r where that is
 * more. Rests are forgotten after two to four weeks. A row that was told as broken and yet ended after t may
 * have been repaired: it counts as a rest when another of that length, give or take a quarter, ends within
 * four weeks. Before, a quarter more than t must pass only where the row began when that one did: at that
 * time of the week, of the day where t is less than a day, give or take three hours. It is never more than a
 * week;
 * 4. no exporter has changed its sampling since the rule was last found, from the span on that found it;
 * 5. it is not of mixed services, which any service of the client would be counted among, nor of a range with
 * itself that this run found again: one busy member that goes on alone says nothing of the others.
 *
 * Example: c = 0.6, found in 100 cases, is taken as 0.45 and needs k >= 24. If it rested for 14 h last night,
 * it is told after five days; if it never rests, with 10 cases an hour, after three hours. `<=>` may break
 * either way.
 *
 * Rules are looked at for a week after they are gone, so that none goes untold because it rested for long;
 * then the alert closes with the reason. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

enum { LEAST_HITS = 10, LEAST_MISSES = 10, TIMES_LONGEST = 3 };
#define SURE_LOG10 (-6)
#define MOST_CONFIDENCE 0.99
#define STANDARD_ERRORS 3
#define OVER_NIGHT_MS (6 * INT64_C(3600000))
#define DAY_MS INT64_C(86400000)
#define LONG_WEEKEND_MS (5 * DAY_MS)
#define MOST_PATIENCE_MS (7 * DAY_MS)
#define FORTNIGHT_MS (14 * DAY_MS)
#define FORGET_MS (28 * DAY_MS)
#define OFF_BY_MS (DAY_MS / 8)

static void take_figures(sqlite3_stmt *q, struct fl_recheck *r)
{
    r->evidence = sqlite3_column_int64(q, 2) ? FL_EVIDENCE_DURING : FL_EVIDENCE_START;
    r->present_antecedent = sqlite3_column_int64(q, 3) != 0;
    r->confidence = sqlite3_column_double(q, 4);
    r->reverse_confidence = sqlite3_column_double(q, 5);
    r->both = sqlite3_column_int64(q, 6) != 0;
    r->clock = sqlite3_column_int64(q, 7) != 0;
    r->hosts = sqlite3_column_int64(q, 8);
    r->hit_ms = sqlite3_column_type(q, 9) == SQLITE_NULL ? INT64_MIN : sqlite3_column_int64(q, 9);
    r->mended_ms = sqlite3_column_int64(q, 10);
    r->cases = (uint64_t)sqlite3_column_int64(q, 11);
    r->reverse_cases = (uint64_t)sqlite3_column_int64(q, 12);
}

static bool is_turned(const struct fl_recheck *r)
{
    return fl_node_cmp(&r->antecedent, &r->consequent) > 0;
}

/* What it is like while it does not rest, where that is known; the figures of a run that saw it break, or
 * rest, say less. */
static void take_awake(sqlite3_stmt *q, struct fl_recheck *r)
{
    int64_t both = sqlite3_column_int64(q, 13), sides[2];
    for (int i = 0; i < 2; i++)
        sides[i] = sqlite3_column_int64(q, 14 + (is_turned(r) ? 1 - i : i));
    if (both > 0 && sides[0] > 0) {
        r->confidence = (double)both / (double)sides[0];
        r->cases = (uint64_t)sides[0];
    }
    if (both > 0 && sides[1] > 0) {
        r->reverse_confidence = (double)both / (double)sides[1];
        r->reverse_cases = (uint64_t)sides[1];
        r->both = r->both || r->reverse_confidence >= 0.5;
    }
}

int fl_rulesdb_to_recheck(struct fl_rulesdb *db, const char *location, struct fl_recheck **out, size_t *n,
                          struct fl_err *err)
{
    struct fl_recheck *items = NULL;
    size_t room = 0;
    int step = SQLITE_DONE;
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_TO_RECHECK);
    *out = NULL;
    *n = 0;
    if (!q)
        return fl_rulesdb_fail(db, err);
    fl_rulesdb_bind(q, "t", location);
    while ((step = sqlite3_step(q)) == SQLITE_ROW) {
        if (*n == room) {
            room = room ? 2 * room : 64;
            struct fl_recheck *grown = realloc(items, room * sizeof *items);
            if (!grown)
                break;
            items = grown;
        }
        struct fl_recheck *r = &items[*n];
        memset(r, 0, sizeof *r);
        r->rule_id = sqlite3_column_int64(q, 0);
        int single = fl_rule_parse((const char *)sqlite3_column_text(q, 1), &r->antecedent, &r->consequent);
        r->single = single == 1;
        take_figures(q, r);
        if (!r->single)
            take_awake(q, r);
        *n += single >= 0;
    }
    sqlite3_reset(q);
    *out = items;
    if (step == SQLITE_DONE)
        return 0;
    return step == SQLITE_ROW ? fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path)
                              : fl_rulesdb_fail(db, err);
}

/* ---- judging ---- */

/* What may be relied on of a confidence found in so many cases. */
static double reliable(double confidence, uint64_t cases)
{
    double c = confidence < MOST_CONFIDENCE ? confidence : MOST_CONFIDENCE;
    return cases ? c - STANDARD_ERRORS * sqrt(c * (1 - c) / (double)cases) : 0;
}

static bool has_lapsed(const struct fl_lapse *l, double confidence, uint64_t cases)
{
    double c = reliable(confidence, cases);
    return l->since >= LEAST_MISSES && l->since > TIMES_LONGEST * l->longest && c > 0 &&
           (double)l->since * log10(1 - c) <= SURE_LOG10;
}

/* What a rule is used to. */
struct habit {
    int64_t hit_ms, rest_ms;
    int64_t told_ms, told_from_ms; /* the newest row that was told: how long it was, and when it began */
};

/* Did the row of now begin when the one that was told did, days or weeks later? */
static bool began_alike(const struct habit *h)
{
    int64_t later_ms = h->hit_ms - h->told_from_ms;
    int64_t cycle_ms = h->told_ms < DAY_MS ? DAY_MS : 7 * DAY_MS;
    int64_t off_ms = later_ms % cycle_ms;
    return h->told_ms > 0 && later_ms <= FORGET_MS && (off_ms <= OFF_BY_MS || off_ms >= cycle_ms - OFF_BY_MS);
}

/* For how long it may go on without one side. */
static int64_t patience_ms(const struct habit *h)
{
    int64_t wait_ms = TIMES_LONGEST * h->rest_ms, again_ms = began_alike(h) ? h->told_ms + h->told_ms / 4 : 0;
    if (h->rest_ms >= OVER_NIGHT_MS)
        wait_ms = h->rest_ms + DAY_MS > LONG_WEEKEND_MS ? h->rest_ms + DAY_MS : LONG_WEEKEND_MS;
    wait_ms = again_ms > wait_ms ? again_ms : wait_ms;
    return wait_ms < MOST_PATIENCE_MS ? wait_ms : MOST_PATIENCE_MS;
}

/* What the rule is used to has passed since both sides were there. SQLite's code in *rc. */
static bool is_overdue(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_recheck *r, int *rc)
{
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_RESTS);
    *rc = q ? fl_rulesdb_bind(q, "i", r->rule_id) : SQLITE_ERROR;
    bool overdue = false;
    if (*rc == SQLITE_OK && (*rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct habit h = {sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2),
                          sqlite3_column_int64(q, 3)};
        if (sqlite3_column_type(q, 0) == SQLITE_NULL)
            h.hit_ms = run->from_ms;
        overdue = run->to_ms - h.hit_ms >= patience_ms(&h);
        *rc = SQLITE_OK;
    }
    sqlite3_reset(q);
    return overdue;
}

/* When both sides were last there; INT64_MIN: not in this run. */
static int64_t last_hit(const struct fl_recheck *r)
{
    int64_t a = r->antecedent_alone.last_ms, b = r->consequent_alone.last_ms;
    int64_t last_ms = a > b ? a : b;
    return r->n_both == 0 || last_ms <= 0 ? INT64_MIN : last_ms;
}

/* Nothing is missing on either side that may break. */
static bool holds(const struct fl_recheck *r)
{
    return r->n_both > 0 && !r->antecedent_alone.unsure && r->antecedent_alone.since < LEAST_MISSES &&
           (!r->both || (!r->consequent_alone.unsure && r->consequent_alone.since < LEAST_MISSES));
}

/* The longest that a side which may break went on alone, by more than chance. */
static int64_t rest_of(const struct fl_recheck *r)
{
    int64_t a = r->antecedent_alone.rest_ms, b = r->both ? r->consequent_alone.rest_ms : 0;
    return a > b ? a : b;
}

/* It holds again: how long it had been told for is remembered. */
static int mend(struct fl_rulesdb *db, const struct fl_recheck *r, int64_t now_ms)
{
    bool was_told;
    int rc = fl_stopped_mend(db, r->rule_id, now_ms, &was_told);
    if (rc != SQLITE_OK || !was_told)
        return rc;
    return fl_rulesdb_run(db, SQL_NOTE_MENDED, "iii", r->rule_id, rest_of(r), last_hit(r));
}

/* It has not been found since an exporter changed its sampling, so that its confidence is that of other data.
 */
static bool is_of_other_sampling(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_recheck *r,
                                 int *rc)
{
    int64_t found;
    *rc = fl_rulesdb_get_int(db, SQL_SAMPLED_ANEW, &found, "iti", r->rule_id, run->location,
                             run->to_ms - run->from_ms);
    bool changed = *rc == SQLITE_ROW;
    *rc = changed || *rc == SQLITE_DONE ? SQLITE_OK : *rc;
    return changed;
}

static bool is_found(const struct fl_finding_list *found, const struct fl_recheck *r)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct fl_rule *rule = &found->rules[i];
        if (rule->parent < 0 && rule->evidence != FL_EVIDENCE_PERIODIC &&
            fl_node_cmp(&rule->antecedent, &r->antecedent) == 0 &&
            fl_node_cmp(&rule->consequent, &r->consequent) == 0)
            return true;
    }
    return false;
}

/* Do its misses say that it is broken? See 5. */
static bool can_break(const struct fl_finding_list *found, const struct fl_recheck *r)
{
    if (fl_mixed_is_of(&r->antecedent, &r->consequent))
        return false;
    return fl_node_cmp(&r->antecedent, &r->consequent) != 0 || !is_found(found, r);
}

/* A broken rule is told once, until it holds again, whatever people did about the alert meanwhile. */
static int judge(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_finding_list *list,
                 struct fl_stopped *s, int64_t now_ms)
{
    const struct fl_recheck *r = &s->rule;
    int64_t found;
    int rc;
    bool antecedent = has_lapsed(&r->antecedent_alone, r->confidence, r->cases);
    bool consequent = r->both && has_lapsed(&r->consequent_alone, r->reverse_confidence, r->reverse_cases);
    if (!antecedent && !consequent)
        return holds(r) ? mend(db, r, now_ms) : SQLITE_OK;
    if (!can_break(list, r))
        return SQLITE_OK;
    s->antecedent = antecedent;
    s->consequent = consequent;
    if (!is_overdue(db, run, r, &rc) || rc != SQLITE_OK || is_of_other_sampling(db, run, r, &rc) ||
        rc != SQLITE_OK)
        return rc;
    rc = fl_rulesdb_get_int(db, SQL_BROKEN_EPISODE, &found, "i", r->rule_id);
    s->untold = rc == SQLITE_DONE;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* What the rule shows itself to be used to: nothing where data are missing, or while it is told as broken. */
static int note(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_recheck *r)
{
    int64_t found, rest_ms = *run->unclean ? 0 : rest_of(r);
    int64_t sides[2] = {fl_rulesdb_count(r->antecedent_alone.awake),
                        fl_rulesdb_count(r->consequent_alone.awake)};
    int rc = rest_ms > 0 ? fl_rulesdb_get_int(db, SQL_BROKEN_EPISODE, &found, "i", r->rule_id) : SQLITE_DONE;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    if (!*run->unclean && r->n_both >= LEAST_HITS && (sides[0] > 0 || sides[1] > 0)) {
        int put = fl_rulesdb_run(db, SQL_NOTE_AWAKE, "iiiii", r->rule_id, fl_rulesdb_count(r->n_both),
                                 sides[is_turned(r)], sides[!is_turned(r)], run->to_ms);
        if (put != SQLITE_OK)
            return put;
    }
    return fl_rulesdb_run(db, SQL_NOTE_RECHECK, "iiiiiiii", r->rule_id, run->to_ms,
                          fl_rulesdb_count(r->n_antecedent), fl_rulesdb_count(r->n_consequent),
                          fl_rulesdb_count(r->n_both), last_hit(r), rc == SQLITE_ROW ? 0 : rest_ms,
                          run->to_ms / FORTNIGHT_MS);
}

/* Misses are counted on from span to span, for rules of few cases a day; what is not whole counts for
 * nothing.
 */
static int count_on(struct fl_rulesdb *db, const struct fl_run *run, struct fl_recheck *r)
{
    if (last_hit(r) != INT64_MIN || *run->unclean)
        return last_hit(r) != INT64_MIN ? fl_rulesdb_run(db, SQL_NOTE_HIT, "ii", r->rule_id, run->to_ms)
                                        : SQLITE_OK;
    struct fl_lapse *sides[2] = {&r->antecedent_alone, &r->consequent_alone};
    bool turned = is_turned(r);
    int rc = fl_rulesdb_run(db, SQL_NOTE_MISSED, "iiiii", r->rule_id, run->from_ms, run->to_ms,
                            fl_rulesdb_count(sides[turned]->since), fl_rulesdb_count(sides[!turned]->since));
    sqlite3_stmt *q = rc == SQLITE_OK ? fl_rulesdb_kept(db, SQL_MISSED) : NULL;
    rc = q ? fl_rulesdb_bind(q, "i", r->rule_id) : SQLITE_ERROR;
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        for (int i = 0; i < 2; i++) {
            uint64_t missed = (uint64_t)sqlite3_column_int64(q, turned ? 1 - i : i);
            sides[i]->since = missed > sides[i]->since ? missed : sides[i]->since;
        }
    }
    sqlite3_reset(q);
    return rc;
}

/* One known rule; a run over older data judges nothing. */
static int look_at(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_finding_list *found,
                   bool learning, struct fl_stopped *s, int64_t now_ms)
{
    int rc = note(db, run, &s->rule);
    if (rc != SQLITE_OK || sqlite3_changes(db->sqlite) == 0 || s->rule.single)
        return rc;
    rc = count_on(db, run, &s->rule);
    return rc == SQLITE_OK && !*run->unclean && !learning ? judge(db, run, found, s, now_ms) : rc;
}

int fl_broken_look(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_finding_list *found,
                   bool learning, int64_t now_ms, size_t *opened)
{
    size_t n = found->n_rechecks;
    struct fl_stopped *all = calloc(n + 1, sizeof *all);
    int rc = all ? SQLITE_OK : SQLITE_NOMEM;
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
        all[i].rule = found->rechecks[i];
        rc = look_at(db, run, found, learning, &all[i], now_ms);
    }
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_CLOSE_GONE, "ti", run->location, now_ms);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_LEAVE_GONE, "t", run->location);
    if (rc == SQLITE_OK)
        rc = fl_stopped_tell(db, run, all, n, now_ms, opened);
    if (rc == SQLITE_OK)
        rc = fl_stopped_retell(db, run, all, n, now_ms);
    free(all);
    return rc;
}
