/* `flowlore alerts`, `ack`: what wants a look, once or for as long as one likes to watch; one alert in full;
 * and saying that somebody is on it. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mining/cli.h"
#include "mining/human.h"

enum { POLL_MS = 1000 };

static const char *headline(const json_t *alert)
{
    const char *text = fl_js_text(alert, "text");
    return *text ? text : fl_js_text(alert, "rule");
}

/* A novel alert by its grade, another one by its kind. */
static const char *kind_of(const json_t *alert)
{
    const char *novelty = fl_js_text(alert, "novelty"), *kind = fl_js_text(alert, "kind");
    return strcmp(kind, "novel") == 0 && *novelty ? novelty : kind;
}

static enum fl_colour severity_colour(const json_t *alert)
{
    const char *severity = fl_js_text(alert, "severity");
    return strcmp(severity, "high") == 0 ? FL_RED : strcmp(severity, "medium") == 0 ? FL_YELLOW : FL_PLAIN;
}

static void number_cell(struct fl_table *t, const json_t *object, const char *key)
{
    char text[24] = "";
    if (fl_js_int(object, key) > 0)
        snprintf(text, sizeof text, "%lld", (long long)fl_js_int(object, key));
    fl_table_cell(t, text);
}

/* "delivered", or what is not: "1 waiting", "2 failing" (tried and to be tried again), "1 lost"; "-": nobody
 * is told. */
static enum fl_colour delivery_words(const json_t *deliveries, char out[40])
{
    size_t i, waiting = 0, failing = 0, lost = 0;
    json_t *d;
    json_array_foreach(deliveries, i, d)
    {
        const char *state = fl_js_text(d, "state");
        bool waits = strcmp(state, "waiting") == 0;
        failing += waits && fl_js_int(d, "attempts") > 0;
        waiting += waits;
        lost += !waits && strcmp(state, "delivered") != 0;
    }
    if (lost)
        snprintf(out, 40, "%zu lost", lost);
    else if (failing)
        snprintf(out, 40, "%zu failing", failing);
    else if (waiting)
        snprintf(out, 40, "%zu waiting", waiting);
    else
        snprintf(out, 40, "%s", json_array_size(deliveries) ? "delivered" : "-");
    return lost ? FL_RED : failing ? FL_YELLOW : FL_PLAIN;
}

static int print_table(const json_t *alerts)
{
    static const struct fl_column columns[] = {
        {"ID", FL_RIGHT, false},      {"STATE", FL_LEFT, false},    {"OPENED (UTC)", FL_LEFT, false},
        {"LOCATION", FL_LEFT, false}, {"SEVERITY", FL_LEFT, false}, {"KIND", FL_LEFT, false},
        {"RULES", FL_RIGHT, false},   {"DELIVERY", FL_LEFT, false}, {"WHAT", FL_LEFT, true},
    };
    struct fl_table *t;
    size_t i;
    json_t *alert;
    char text[40];
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(alerts, i, alert)
    {
        bool open = strcmp(fl_js_text(alert, "state"), "open") == 0;
        number_cell(t, alert, "id");
        fl_table_cell_coloured(t, fl_js_text(alert, "state"), open ? FL_YELLOW : FL_PLAIN);
        snprintf(text, sizeof text, "%.19s", fl_js_text(alert, "opened"));
        fl_table_cell(t, text);
        fl_table_cell(t, fl_js_text(alert, "location"));
        fl_table_cell_coloured(t, fl_js_text(alert, "severity"), severity_colour(alert));
        fl_table_cell(t, kind_of(alert));
        number_cell(t, alert, "rules");
        enum fl_colour colour = delivery_words(json_object_get(alert, "delivery"), text);
        fl_table_cell_coloured(t, text, colour);
        fl_table_cell(t, headline(alert));
    }
    return fl_cli_table(t);
}

static int list(const struct fl_cli *cli, const json_t *alerts)
{
    size_t i;
    json_t *alert;
    const char *state = cli->state ? cli->state : "open";
    if (cli->json) {
        json_array_foreach(alerts, i, alert) fl_cli_json(NULL, alert);
        return fl_cli_end();
    }
    if (json_array_size(alerts) > 0)
        return print_table(alerts);
    printf("No %s%salerts%s%s.\n", strcmp(state, "all") == 0 ? "" : state,
           strcmp(state, "all") == 0 ? "" : " ", cli->location ? " at " : "",
           cli->location ? cli->location : "");
    return fl_cli_end();
}

/* ---- one in full ---- */

static void print_member(const char *head, const char *text)
{
    char line[1400];
    if (!*text)
        return;
    snprintf(line, sizeof line, "%-10s %s", head, text);
    fl_text_print(stdout, fl_human_clean(line), 0, 11, fl_terminal_width(stdout));
}

static void print_state(const json_t *alert)
{
    char line[200];
    const char *since = fl_js_text(alert, "acked"), *author = fl_js_text(alert, "author");
    if (strcmp(fl_js_text(alert, "state"), "closed") == 0)
        since = fl_js_text(alert, "closed");
    snprintf(line, sizeof line, "%s%s%.19s%s%.60s", fl_js_text(alert, "state"), *since ? " since " : "",
             since, *author ? " by " : "", author);
    print_member("state", line);
}

static void print_rules(const json_t *rules)
{
    size_t i;
    json_t *rule;
    char head[24], line[600];
    json_array_foreach(rules, i, rule)
    {
        snprintf(head, sizeof head, "rule %lld", (long long)fl_js_int(rule, "id"));
        snprintf(line, sizeof line, "%s (%s)", fl_js_text(rule, "rule"), fl_js_text(rule, "status"));
        print_member(head, line);
    }
}

static int print_one(const json_t *alert, const json_t *rules)
{
    char line[200], hint[200];
    const char *location = fl_js_text(alert, "location");
    bool closed = strcmp(fl_js_text(alert, "state"), "closed") == 0;
    long long id = (long long)fl_js_int(alert, "id");
    snprintf(line, sizeof line, "Alert %lld%s%s, %s, %s", id, *location ? " at " : "", location,
             fl_js_text(alert, "severity"), kind_of(alert));
    printf("%s\n\n", fl_human_clean(line));
    print_member("what", headline(alert));
    print_member("why", fl_js_text(alert, "why"));
    snprintf(line, sizeof line, "%.19s (data time)", fl_js_text(alert, "opened"));
    print_member("began", line);
    print_state(alert);
    print_member("note", fl_js_text(alert, "note"));
    print_member("cluster", fl_js_text(alert, "cluster"));
    print_rules(rules);
    if (closed)
        return fl_cli_end();
    if (json_array_size(rules) > 0)
        snprintf(
            hint, sizeof hint,
            "See the evidence: flowlore explain RULE. Decide: flowlore accept --alert %lld, or ignore; while "
            "you look: flowlore ack %lld",
            id, id);
    else
        snprintf(hint, sizeof hint,
                 "It closes by itself when this is over. While you look: flowlore ack %lld", id);
    putchar('\n');
    fl_text_print(stdout, hint, 0, 0, fl_terminal_width(stdout));
    return fl_cli_end();
}

static int show_one(const struct fl_cli *cli, struct fl_rulesdb *db, int64_t id, struct fl_err *err)
{
    struct fl_alert_filter filter = {.id = id};
    struct fl_rule_filter of_alert = {.status = "all", .alert_id = id};
    json_t *alerts = json_array(), *rules = json_array(), *alert;
    int code = FL_EXIT_OK, rc = alerts && rules ? 0 : FL_ENOMEM;
    if (rc == 0 && db)
        rc = fl_rulesdb_alerts(db, &filter, fl_cli_collect, alerts, err);
    alert = json_array_get(alerts, 0);
    if (rc == 0 && !alert)
        rc = fl_fail(err, FL_ENOENT, "there is no alert %lld; flowlore alerts --state all lists them",
                     (long long)id);
    if (rc == 0)
        rc = fl_rulesdb_rules(db, &of_alert, fl_cli_collect, rules, err);
    if (rc != 0)
        code = fl_cli_fail(rc, err);
    else if (cli->json)
        code = fl_cli_json(NULL, alert) == 0 ? fl_cli_end() : FL_EXIT_FAILURE;
    else
        code = print_one(alert, rules);
    json_decref(alerts);
    json_decref(rules);
    return code;
}

/* ---- following ---- */

struct follow {
    const struct fl_cli *cli;
    json_t *seen;     /* by id: the alert as it was printed last */
    char changed[32]; /* the latest change seen */
};

/* What happened to it since it was printed; NULL: nothing that wants a line. */
static const char *news_of(const json_t *before, const json_t *alert)
{
    const char *state = fl_js_text(alert, "state");
    if (!before)
        return "";
    if (strcmp(fl_js_text(before, "state"), state) != 0)
        return state;
    if (fl_js_int(alert, "rules") > fl_js_int(before, "rules"))
        return "grown";
    return strcmp(fl_js_text(before, "severity"), fl_js_text(alert, "severity")) ? "severity" : NULL;
}

static int follow_one(void *ctx, json_t *alert)
{
    struct follow *f = ctx;
    char line[1600], id[24];
    snprintf(id, sizeof id, "%lld", (long long)fl_js_int(alert, "id"));
    const char *news = news_of(json_object_get(f->seen, id), alert);
    if (strcmp(fl_js_text(alert, "changed"), f->changed) > 0)
        snprintf(f->changed, sizeof f->changed, "%s", fl_js_text(alert, "changed"));
    if (json_object_set(f->seen, id, alert) != 0)
        return FL_ENOMEM;
    if (!news)
        return 0;
    if (f->cli->json)
        return fl_cli_json(NULL, alert);
    snprintf(line, sizeof line, "%.19sZ %s %s (%s)%s%s alert %s: %s", fl_js_text(alert, "opened"),
             fl_js_text(alert, "location"), fl_js_text(alert, "severity"), kind_of(alert), *news ? " " : "",
             news, id, headline(alert));
    return puts(fl_human_clean(line)) == EOF ? FL_EIO : 0;
}

/* Wait for the next look; false when the reader of standard output went away or a signal came. */
static bool wait_for_next(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};
    int ready = poll(&out, 1, POLL_MS);
    if (ready > 0 && (out.revents & (POLLERR | POLLNVAL)))
        return false;
    if (ready > 0) /* a hang-up that is none of ours to judge: keep the pace */
        poll(NULL, 0, POLL_MS);
    return !fl_cli_stopped;
}

static int follow(const struct fl_cli *cli)
{
    struct follow f = {.cli = cli, .seen = json_object()};
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    int rc = 0;
    fl_cli_catch_stop();
    do {
        if (!db)
            rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err);
        struct fl_alert_filter filter = {
            .location = cli->location, .state = cli->state, .changed = *f.changed ? f.changed : NULL};
        if (rc == 0 && db)
            rc = fl_rulesdb_alerts(db, &filter, follow_one, &f, &err);
        if (rc == FL_EBUSY)
            rc = 0;
        fflush(stdout);
    } while (rc == 0 && wait_for_next());
    fl_rulesdb_close(db);
    json_decref(f.seen);
    return rc ? fl_cli_fail(rc, &err) : fl_cli_end();
}

/* ---- the commands ---- */

static int check(const struct fl_cli *cli, int64_t *id, struct fl_err *err)
{
    const char *state = cli->state;
    if (state && strcmp(state, "open") != 0 && strcmp(state, "acked") != 0 && strcmp(state, "closed") != 0 &&
        strcmp(state, "all") != 0)
        return fl_fail(err, FL_EINVAL, "--state \"%.40s\" is none of open, acked, closed, all", state);
    if (cli->n_args == 0)
        return 0;
    if (cli->follow || state || cli->location)
        return fl_fail(err, FL_EINVAL,
                       "one alert is shown as it is; leave --follow, --state and --location out");
    return fl_cli_id("alert", cli->args[0], id, err);
}

int fl_cli_alerts(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    struct fl_alert_filter filter = {.location = cli->location, .state = cli->state};
    json_t *alerts = NULL;
    int64_t id = 0;
    int code, rc = check(cli, &id, &err);
    if (rc == 0 && cli->follow)
        return follow(cli);
    if (rc == 0)
        rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err);
    if (rc == 0 && !(alerts = json_array()))
        rc = FL_ENOMEM;
    if (rc == 0 && db && !id)
        rc = fl_rulesdb_alerts(db, &filter, fl_cli_collect, alerts, &err);
    code = rc ? fl_cli_fail(rc, &err) : id ? show_one(cli, db, id, &err) : list(cli, alerts);
    json_decref(alerts);
    fl_rulesdb_close(db);
    return code;
}

static int print_acked(const struct fl_cli *cli, const json_t *changed)
{
    size_t i, n = json_array_size(changed);
    json_t *alert;
    json_array_foreach(changed, i, alert) if (cli->json) fl_cli_json(NULL, alert);
    if (!cli->json && n > 0)
        printf("%zu alert%s %s now acked%s\n", n, n == 1 ? "" : "s", n == 1 ? "is" : "are",
               n == 1 ? "." : "; flowlore alerts --state acked lists them.");
    else if (!cli->json)
        printf("No alert was open.\n");
    return fl_cli_end();
}

static int check_ack(const struct fl_cli *cli, struct fl_err *err)
{
    if ((cli->n_args > 0) == cli->all)
        return fl_fail(err, FL_EINVAL, "ack takes alerts, or --all%s; see flowlore ack --help",
                       cli->all ? ", and only one of these" : "");
    json_t *note = cli->note ? json_string(cli->note) : json_null();
    int rc = note ? 0 : fl_fail(err, FL_EINVAL, "--note is not text in UTF-8");
    json_decref(note);
    return rc;
}

int fl_cli_ack(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    int64_t *ids = calloc(cli->n_args + 1, sizeof *ids);
    json_t *changed = json_array();
    struct fl_ack ack = {ids, cli->n_args, cli->location, cli->note, fl_cli_author(), cli->now_ms};
    int rc = ids && changed ? check_ack(cli, &err) : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < cli->n_args; i++)
        rc = fl_cli_id("ack", cli->args[i], &ids[i], &err);
    if (rc == 0)
        rc = fl_rulesdb_open(&db, cli->data, FL_RULESDB_READ, &err); /* none: nothing to make one for */
    if (rc == FL_ENOENT)
        rc = fl_fail(&err, rc, "there are no alerts in %s yet; flowlore mine looks for rules", cli->data);
    fl_rulesdb_close(db);
    db = NULL;
    if (rc == 0)
        rc = fl_rulesdb_open(&db, cli->data, FL_RULESDB_CREATE, &err);
    if (rc == 0)
        rc = fl_rulesdb_ack(db, &ack, fl_cli_collect, changed, &err);
    int code = rc ? fl_cli_fail(rc, &err) : print_acked(cli, changed);
    json_decref(changed);
    fl_rulesdb_close(db);
    free(ids);
    return code;
}
