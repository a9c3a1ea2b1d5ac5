/* `flowlore alerts`: what wants a look, once or for as long as one likes to watch. */
#include <poll.h>
#include <stdio.h>
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

static int print_table(const json_t *alerts)
{
    static const struct fl_column columns[] = {
        {"ID", FL_RIGHT, false},      {"STATE", FL_LEFT, false},    {"OPENED (UTC)", FL_LEFT, false},
        {"LOCATION", FL_LEFT, false}, {"SEVERITY", FL_LEFT, false}, {"NOVELTY", FL_LEFT, false},
        {"RULE", FL_RIGHT, false},    {"WHAT", FL_LEFT, true},
    };
    struct fl_table *t;
    size_t i;
    json_t *alert;
    char text[24];
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(alerts, i, alert)
    {
        bool open = strcmp(fl_js_text(alert, "state"), "open") == 0;
        snprintf(text, sizeof text, "%lld", (long long)fl_js_int(alert, "id"));
        fl_table_cell(t, text);
        fl_table_cell_coloured(t, fl_js_text(alert, "state"), open ? FL_YELLOW : FL_PLAIN);
        snprintf(text, sizeof text, "%.19s", fl_js_text(alert, "opened"));
        fl_table_cell(t, text);
        fl_table_cell(t, fl_js_text(alert, "location"));
        fl_table_cell(t, fl_js_text(alert, "severity"));
        fl_table_cell(t, fl_js_text(alert, "novelty"));
        snprintf(text, sizeof text, "%lld", (long long)fl_js_int(alert, "rule_id"));
        fl_table_cell(t, text);
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

struct follow {
    const struct fl_cli *cli;
    int64_t last_id;
};

static int follow_one(void *ctx, json_t *alert)
{
    struct follow *f = ctx;
    if (fl_js_int(alert, "id") > f->last_id)
        f->last_id = fl_js_int(alert, "id");
    if (f->cli->json)
        return fl_cli_json(NULL, alert);
    char line[1200];
    snprintf(line, sizeof line, "%.19sZ %s %s (%s): %s", fl_js_text(alert, "opened"),
             fl_js_text(alert, "location"), fl_js_text(alert, "severity"), fl_js_text(alert, "novelty"),
             headline(alert));
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
    struct follow f = {.cli = cli};
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    int rc = 0;
    fl_cli_catch_stop();
    do {
        if (!db)
            rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err);
        struct fl_alert_filter filter = {cli->location, cli->state, f.last_id};
        if (rc == 0 && db)
            rc = fl_rulesdb_alerts(db, &filter, follow_one, &f, &err);
        if (rc == FL_EBUSY)
            rc = 0;
        fflush(stdout);
    } while (rc == 0 && wait_for_next());
    fl_rulesdb_close(db);
    return rc ? fl_cli_fail(rc, &err) : fl_cli_end();
}

static bool state_ok(const char *state)
{
    return !state || strcmp(state, "open") == 0 || strcmp(state, "acked") == 0 ||
           strcmp(state, "closed") == 0 || strcmp(state, "all") == 0;
}

int fl_cli_alerts(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    struct fl_alert_filter filter = {.location = cli->location, .state = cli->state};
    if (!state_ok(cli->state))
        return fl_cli_fail(
            fl_fail(&err, FL_EINVAL, "--state \"%.40s\" is none of open, acked, closed, all", cli->state),
            &err);
    if (cli->follow)
        return follow(cli);
    json_t *alerts = json_array();
    int rc = alerts ? fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err) : FL_ENOMEM;
    if (rc == 0 && db)
        rc = fl_rulesdb_alerts(db, &filter, fl_cli_collect, alerts, &err);
    int code = rc ? fl_cli_fail(rc, &err) : list(cli, alerts);
    json_decref(alerts);
    fl_rulesdb_close(db);
    return code;
}
