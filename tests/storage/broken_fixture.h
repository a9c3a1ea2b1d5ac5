/* Runs in which known rules hold or break. For the tests of what is told of them. */
#ifndef FL_TESTS_STORAGE_BROKEN_FIXTURE_H
#define FL_TESTS_STORAGE_BROKEN_FIXTURE_H

#include "tests/storage/rulesdb_fixture.h"

static const int64_t hour_ms = 3600000, day_ms = 86400000, t0 = 1655071200000; /* 2022-06-12T22:00:00Z */
static const char web[] = "*.* : 10.0.0.5.80/tcp => 10.0.0.5.* : 10.0.0.9.3306/tcp";

static void make_rule(struct fl_rule *r, const char *text)
{
    memset(r, 0, sizeof *r);
    assert_int_equal(fl_rule_parse(text, &r->antecedent, &r->consequent), 0);
    r->both = strstr(text, "<=>") != NULL;
    r->n_antecedent = r->n_consequent = 100;
    r->n_both = 95;
    r->confidence = r->reverse_confidence = 0.95;
    r->log10_q = -50;
    r->hosts = 3;
    r->parent = -1;
}

/* A run `hour` after the first that finds the rule or not, with rechecks of what the database wants looked
 * at: misses since the last hit, and the longest row of them before, on either side. Alerts opened. */
struct seen {
    uint64_t since, longest, reverse_since;
    int64_t rest_ms, hit_ms; /* hit_ms: 0: a few seconds after t0 */
    uint64_t awake;
    bool found, unclean, learning, unsure, none; /* none: there was not one hit */
    int64_t only;    /* 0: all; else only this rule, while the others are alone since `others` */
    uint64_t others; /* 0: nothing can be said of them */
};
static size_t store(struct fixture *f, int hour, const char *text, struct seen seen)
{
    struct fl_rule rule;
    struct fl_recheck *rechecks = NULL;
    struct fl_run run = {.location = "paris", .from_ms = t0 + hour * hour_ms, .rules = seen.found};
    size_t alerts = 0, n = 0;
    make_rule(&rule, text);
    run.to_ms = run.from_ms + day_ms;
    strcpy(run.unclean, seen.unclean ? "loss" : "");
    assert_int_equal(fl_rulesdb_to_recheck(f->db, "paris", &rechecks, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        rechecks[i].n_antecedent = seen.none ? seen.since : 100;
        rechecks[i].n_consequent = rechecks[i].n_both = seen.none ? 0 : 100 - seen.since;
        rechecks[i].antecedent_alone =
            (struct fl_lapse){seen.since,   seen.longest, seen.hit_ms ? seen.hit_ms : t0 + 5000,
                              seen.rest_ms, seen.awake,   seen.unsure};
        rechecks[i].consequent_alone =
            (struct fl_lapse){seen.reverse_since, 0, INT64_MIN, 0, seen.awake, false};
        if (seen.only && rechecks[i].rule_id != seen.only)
            rechecks[i].antecedent_alone =
                (struct fl_lapse){.since = seen.others, .last_ms = t0, .unsure = seen.others == 0};
    }
    struct fl_finding_list found = {.rules = &rule, .n = seen.found, .rechecks = rechecks, .n_rechecks = n};
    assert_int_equal(fl_rulesdb_store_run(f->db, &run, &found, seen.learning, &alerts, NULL), 0);
    free(rechecks);
    return alerts;
}

static size_t start(struct fixture *f, const char *text)
{
    return store(f, 0, text, (struct seen){.found = true, .learning = true});
}

static void decide(struct fixture *f, enum fl_verdict verdict, size_t *silenced)
{
    struct fl_decision d = {.verdict = verdict,
                            .alert_id = 1,
                            .until_ms = INT64_MAX,
                            .author = "ann",
                            .note = "moved",
                            .now_ms = t0,
                            .silenced = silenced};
    *silenced = 0;
    assert_int_equal(fl_rulesdb_decide(f->db, &d, NULL, NULL, NULL), 0);
}

#endif
