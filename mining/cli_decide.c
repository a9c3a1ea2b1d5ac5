/* `flowlore accept`, `ignore`, `reopen`: what people decide about rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli.h"
#include "mining/human.h"

static const char *const names[] = {[FL_ACCEPT] = "accept", [FL_IGNORE] = "ignore", [FL_REOPEN] = "reopen"};

static int check(const struct fl_cli *cli, enum fl_verdict verdict, struct fl_err *err)
{
    int ways =
        (cli->n_args > 0) + cli->all + (cli->match != NULL) + (cli->cluster != NULL) + (cli->alert != NULL);
    if (ways != 1)
        return fl_fail(
            err, FL_EINVAL,
            "%s takes rules (ids or texts), --all, --match PATTERN, --cluster ID or --alert ID%s; see "
            "flowlore %s --help",
            names[verdict], ways > 1 ? ", and only one of these" : "", names[verdict]);
    if (verdict == FL_REOPEN && cli->until)
        return fl_fail(err, FL_EINVAL,
                       "reopen does not take --until: it undoes a decision, which has no end");
    json_t *note = cli->note ? json_string(cli->note) : json_null();
    if (!note)
        return fl_fail(err, FL_EINVAL, "--note is not text in UTF-8");
    json_decref(note);
    return 0;
}

/* The rules named on the command line, as ids. */
static int find_ids(const struct fl_cli *cli, struct fl_rulesdb *db, int64_t *ids, struct fl_err *err)
{
    for (size_t i = 0; i < cli->n_args; i++) {
        int rc = fl_rulesdb_find_rule(db, cli->args[i], cli->location, &ids[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

/* A preview is worked out by changes that are taken back, so it needs to write as well; but it makes no
 * database. */
static int open_rules(const struct fl_cli *cli, struct fl_rulesdb **db, struct fl_err *err)
{
    int rc = 0;
    if (cli->dry_run) {
        rc = fl_rulesdb_open(db, cli->data, FL_RULESDB_READ, err);
        if (rc == FL_ENOENT)
            return fl_fail(err, rc, "there are no rules in %s yet; run flowlore mine", cli->data);
        if (rc == 0)
            fl_rulesdb_close(*db);
        *db = NULL;
    }
    return rc ? rc : fl_rulesdb_open(db, cli->data, FL_RULESDB_CREATE, err);
}

static int print_changes(const struct fl_cli *cli, enum fl_verdict verdict, const json_t *changed,
                         size_t silenced)
{
    static const char *const done[] = {
        [FL_ACCEPT] = "known", [FL_IGNORE] = "ignored", [FL_REOPEN] = "novel again"};
    size_t i, n = json_array_size(changed);
    json_t *rule;
    if (cli->json) {
        json_array_foreach(changed, i, rule) fl_cli_json(NULL, rule);
        return fl_cli_end();
    }
    json_array_foreach(changed, i, rule)
    {
        char line[1200];
        snprintf(line, sizeof line, "%lld  %s  %s", (long long)fl_js_int(rule, "id"),
                 fl_js_text(rule, "location"), fl_js_text(rule, "rule"));
        puts(fl_human_clean(line));
    }
    char closed[80] = "";
    if (silenced > 0)
        snprintf(closed, sizeof closed, " %zu open alert%s %s.", silenced, silenced == 1 ? "" : "s",
                 cli->dry_run    ? "would be closed"
                 : silenced == 1 ? "is closed"
                                 : "are closed");
    if (cli->dry_run)
        printf("%zu rule%s would become %s.%s Nothing was changed.\n", n, n == 1 ? "" : "s", done[verdict],
               closed);
    else if (n > 0)
        printf("%zu rule%s %s now %s.%s\n", n, n == 1 ? "" : "s", n == 1 ? "is" : "are", done[verdict],
               closed);
    else
        printf("No rule changes its status.%s%s\n", closed,
               cli->match && verdict != FL_REOPEN ? " The pattern is kept for rules to come." : "");
    return fl_cli_end();
}

/* What the command line is about, in *d; the rules named there as ids. */
static int find_subject(const struct fl_cli *cli, struct fl_rulesdb *db, struct fl_decision *d, int64_t *ids,
                        struct fl_err *err)
{
    int rc = 0;
    if (cli->cluster)
        rc = fl_cli_id("--cluster", cli->cluster, &d->cluster_id, err);
    if (rc == 0 && cli->alert)
        rc = fl_cli_id("--alert", cli->alert, &d->alert_id, err);
    return rc ? rc : find_ids(cli, db, ids, err);
}

static int decide(struct fl_cli *cli, enum fl_verdict verdict)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    int64_t *ids = calloc(cli->n_args + 1, sizeof *ids);
    json_t *changed = json_array();
    size_t silenced = 0;
    struct fl_decision d = {.verdict = verdict,
                            .location = cli->location,
                            .ids = ids,
                            .n_ids = cli->n_args,
                            .all = cli->all,
                            .pattern = cli->match,
                            .until_ms = INT64_MAX,
                            .note = cli->note,
                            .author = fl_cli_author(),
                            .now_ms = cli->now_ms,
                            .dry_run = cli->dry_run,
                            .silenced = &silenced};
    int code = 0, rc = ids && changed ? check(cli, verdict, &err) : FL_ENOMEM;
    if (rc == 0)
        rc = fl_cli_time("--until", cli->until, cli->now_ms, &d.until_ms, &err);
    if (rc == 0 && d.until_ms <= cli->now_ms)
        rc = fl_fail(&err, FL_EINVAL, "--until \"%.60s\" is in the past; write a time to come, such as +30d",
                     cli->until);
    if (rc == 0)
        rc = open_rules(cli, &db, &err);
    if (rc == 0)
        rc = find_subject(cli, db, &d, ids, &err);
    if (rc == 0)
        rc = fl_rulesdb_decide(db, &d, fl_cli_collect, changed, &err);
    code = rc ? fl_cli_fail(rc, &err) : print_changes(cli, verdict, changed, silenced);
    json_decref(changed);
    fl_rulesdb_close(db);
    free(ids);
    return code;
}

int fl_cli_accept(struct fl_cli *cli)
{
    return decide(cli, FL_ACCEPT);
}

int fl_cli_ignore(struct fl_cli *cli)
{
    return decide(cli, FL_IGNORE);
}

int fl_cli_reopen(struct fl_cli *cli)
{
    return decide(cli, FL_REOPEN);
}
