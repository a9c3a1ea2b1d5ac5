/* Makes the rules databases that known.sh looks at, one run a call, so that a script can decide in between.
 * Usage: mkknown DIR LOCATION DAY RULE[@CLUSTER]... [--learning] [--unclean WHY]; the run covers day DAY from
 * 2022-06-12T22:00:00Z on, and finds the rules given as texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb.h"
#include "storage/timetext.h"

enum { MOST_RULES = 64, MOST_CLUSTERS = 8 };
static const int64_t day_ms = 86400000;

struct made {
    struct fl_run run;
    struct fl_rule rules[MOST_RULES];
    struct fl_cluster clusters[MOST_CLUSTERS];
    size_t n_clusters;
    bool learning;
};

static int add_rule(struct made *m, char *text)
{
    struct fl_rule *r = &m->rules[m->run.rules];
    char *at = strrchr(text, '@');
    if (at)
        *at = '\0';
    if (m->run.rules == MOST_RULES || fl_rule_parse(text, &r->antecedent, &r->consequent) != 0)
        return FL_EINVAL;
    *r = (struct fl_rule){.antecedent = r->antecedent,
                          .consequent = r->consequent,
                          .both = strstr(text, "<=>") != NULL,
                          .n_antecedent = 40,
                          .n_consequent = 50,
                          .n_both = 38,
                          .n_windows = 86400,
                          .confidence = 0.95,
                          .reverse_confidence = 0.76,
                          .lift = 76,
                          .score = 0.02 - 0.0001 * (double)m->run.rules,
                          .expected = 0.5,
                          .log10_p = -60,
                          .log10_q = -57,
                          .lag_ms = 12,
                          .parent = -1,
                          .cluster = at ? atoi(at + 1) : -1};
    if (r->cluster >= 0 && r->cluster < MOST_CLUSTERS) {
        struct fl_cluster *c = &m->clusters[r->cluster];
        *c = (struct fl_cluster){.form = "clique", .rules = c->rules + 1, .nodes = 3, .score = 1};
        snprintf(c->name, sizeof c->name, "3 routers, port 22, any client (clique)");
        m->n_clusters = (size_t)r->cluster + 1 > m->n_clusters ? (size_t)r->cluster + 1 : m->n_clusters;
    }
    m->run.rules++;
    return 0;
}

static int take(struct made *m, int argc, char **argv)
{
    int rc = 0;
    for (int i = 4; rc == 0 && i < argc; i++) {
        if (strcmp(argv[i], "--learning") == 0)
            m->learning = true;
        else if (strcmp(argv[i], "--unclean") == 0 && i + 1 < argc)
            snprintf(m->run.unclean, sizeof m->run.unclean, "%s", argv[++i]);
        else
            rc = add_rule(m, argv[i]);
    }
    return rc;
}

int main(int argc, char **argv)
{
    static struct made m;
    struct fl_err err = {"usage: mkknown DIR LOCATION DAY RULE[@CLUSTER]..."};
    struct fl_rulesdb *db = NULL;
    size_t n_alerts = 0;
    int rc = argc > 3 ? take(&m, argc, argv) : FL_EINVAL;
    if (rc == 0) {
        fl_time_parse("2022-06-12T22:00:00Z", 0, &m.run.from_ms);
        snprintf(m.run.location, sizeof m.run.location, "%s", argv[2]);
        m.run.from_ms += atoi(argv[3]) * day_ms;
        m.run.to_ms = m.run.from_ms + day_ms;
        rc = fl_rulesdb_open(&db, argv[1], FL_RULESDB_CREATE, &err);
    }
    struct fl_finding_list found = {
        .rules = m.rules, .n = m.run.rules, .clusters = m.clusters, .n_clusters = m.n_clusters};
    if (rc == 0)
        rc = fl_rulesdb_store_run(db, &m.run, &found, m.learning, &n_alerts, &err);
    fl_rulesdb_close(db);
    if (rc < 0)
        fprintf(stderr, "mkknown: %s\n", err.text);
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
