/* Known rules that break: one side goes on, the other does not follow any more.
 *
 * Of a rule X => Y with confidence c, X has happened k times since Y last followed. It is broken when k >=
 * 10, when (1 - c)^k <= 1e-6 (c is taken as no more than 0.99), and when k is more than three times the
 * longest row of such misses before it in the same span: what is quiet at night has missed before. Example: c
 * = 0.6 needs k >= 16; if X had missed 20 times in a row over night, it needs 61. `<=>` may break either way.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

enum { LEAST_MISSES = 10, TIMES_LONGEST = 3, WIDE_HOSTS = 10 };
#define SURE_LOG10 (-6)
#define MOST_CONFIDENCE 0.99

static void take_figures(sqlite3_stmt *q, struct fl_recheck *r)
{
    r->evidence = sqlite3_column_int64(q, 2) ? FL_EVIDENCE_DURING : FL_EVIDENCE_START;
    r->present_antecedent = sqlite3_column_int64(q, 3) != 0;
    r->confidence = sqlite3_column_double(q, 4);
    r->reverse_confidence = sqlite3_column_double(q, 5);
    r->both = sqlite3_column_int64(q, 6) != 0;
    r->clock = sqlite3_column_int64(q, 7) != 0;
    r->hosts = sqlite3_column_int64(q, 8);
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

static bool has_lapsed(const struct fl_lapse *l, double confidence)
{
    double c = confidence < MOST_CONFIDENCE ? confidence : MOST_CONFIDENCE;
    return l->since >= LEAST_MISSES && l->since > TIMES_LONGEST * l->longest && c > 0 &&
           (double)l->since * log10(1 - c) <= SURE_LOG10;
}

/* Nothing is missing on either side that may break. */
static bool holds(const struct fl_recheck *r)
{
    return r->n_both > 0 && r->antecedent_alone.since < LEAST_MISSES &&
           r->consequent_alone.since < LEAST_MISSES;
}

static const char *severity_of(const struct fl_recheck *r)
{
    return r->clock ? "low" : r->hosts >= WIDE_HOSTS ? "high" : "medium";
}

static void explain(const struct fl_recheck *r, double confidence, char *out, size_t room)
{
    char hosts[64] = "";
    if (r->hosts > 0)
        snprintf(hosts, sizeof hosts, "; %lld host%s behind it%s", (long long)r->hosts,
                 r->hosts == 1 ? "" : "s", r->hosts >= WIDE_HOSTS ? ", which raises it" : "");
    snprintf(out, room, "%s: what is known here has changed (it held in %.0f%% of the cases)%s%s.",
             severity_of(r), 100 * confidence, hosts,
             r->clock ? "; it keeps to the clock, as jobs do, which makes it low" : "");
}

/* "Broken at paris: "any client asks 10.0.0.5 port 80/tcp" goes on, but ..." */
static int tell(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_recheck *r, bool antecedent,
                int64_t now_ms)
{
    char goes_on[FL_DESCRIBED_NODE], stopped[FL_DESCRIBED_NODE], text[FL_ALERT_TEXT], why[FL_ALERT_WHY];
    const struct fl_lapse *l = antecedent ? &r->antecedent_alone : &r->consequent_alone;
    fl_describe_node(antecedent ? &r->antecedent : &r->consequent, goes_on, sizeof goes_on);
    fl_describe_node(antecedent ? &r->consequent : &r->antecedent, stopped, sizeof stopped);
    snprintf(text, sizeof text,
             "Broken at %s: \"%s\" goes on, but \"%s\", which went with it, has not happened beside it in "
             "its last %llu "
             "cases%s. Has something moved, or failed?",
             run->location, goes_on, stopped, (unsigned long long)l->since,
             l->last_ms == INT64_MIN ? ", all of this run" : "");
    explain(r, antecedent ? r->confidence : r->reverse_confidence, why, sizeof why);
    int rc =
        fl_rulesdb_run(db, SQL_ADD_BROKEN, "ttiiitt", run->location, severity_of(r),
                       l->last_ms == INT64_MIN ? run->from_ms : l->last_ms, now_ms, r->rule_id, text, why);
    int64_t alert_id = sqlite3_last_insert_rowid(db->sqlite);
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_ADD_MEMBER, "ii", alert_id, r->rule_id) : rc;
}

/* A broken rule is told once, until it holds again, whatever people did about the alert meanwhile. */
static int judge(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_recheck *r, int64_t now_ms,
                 size_t *opened)
{
    int64_t found;
    bool antecedent = has_lapsed(&r->antecedent_alone, r->confidence);
    bool consequent = r->both && has_lapsed(&r->consequent_alone, r->reverse_confidence);
    if (!antecedent && !consequent)
        return holds(r) ? fl_rulesdb_run(db, SQL_MEND_BROKEN, "ii", r->rule_id, now_ms) : SQLITE_OK;
    int rc = fl_rulesdb_get_int(db, SQL_BROKEN_EPISODE, &found, "i", r->rule_id);
    if (rc != SQLITE_DONE)
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
    ++*opened;
    return tell(db, run, r, antecedent, now_ms);
}

int fl_broken_look(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_finding_list *found,
                   int64_t now_ms, size_t *opened)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < found->n_rechecks; i++) {
        const struct fl_recheck *r = &found->rechecks[i];
        rc = fl_rulesdb_run(db, SQL_NOTE_RECHECK, "iiiii", r->rule_id, run->to_ms,
                            fl_rulesdb_count(r->n_antecedent), fl_rulesdb_count(r->n_consequent),
                            fl_rulesdb_count(r->n_both));
        bool newest = sqlite3_changes(db->sqlite) > 0; /* a run over older data judges nothing */
        if (rc == SQLITE_OK && newest && !*run->unclean && !r->single)
            rc = judge(db, run, r, now_ms, opened);
    }
    return rc;
}
