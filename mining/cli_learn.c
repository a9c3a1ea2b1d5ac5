/* `flowlore learn`: how settled each location is, and having it learn anew. */
#include <stdio.h>
#include <string.h>

#include "mining/cli_status.h"
#include "mining/human.h"
#include "storage/timetext.h"

enum { DAY_MS = 86400000 };

/* Data that are left to learn from; 0 or less: it does not learn any more. */
static int64_t left_ms(const json_t *location)
{
    int64_t newest = 0, until = 0;
    if (fl_time_parse(fl_js_text(location, "newest"), 0, &newest) < 0 ||
        fl_time_parse(fl_js_text(location, "learning_until"), 0, &until) < 0)
        return 0;
    return until - newest;
}

const char *fl_learn_words(const json_t *location, char out[FL_HUMAN_TEXT])
{
    char span[FL_HUMAN_TEXT];
    int64_t left = left_ms(location);
    if (left > 0)
        snprintf(out, FL_HUMAN_TEXT, "%.20s to go", fl_human_span(left, span));
    else
        strcpy(out, *fl_js_text(location, "learning_until") ? "done" : "off");
    return out;
}

const char *fl_learn_alerts(const json_t *location, char out[FL_HUMAN_TEXT])
{
    const json_t *alerts = json_object_get(location, "alerts_a_day");
    if (!json_is_number(alerts))
        return strcpy(out, "-");
    double value = json_number_value(alerts);
    snprintf(out, FL_HUMAN_TEXT, value < 9.95 ? "%.1f" : "%.0f", value);
    return out;
}

/* ---- the gauge ---- */

static void count_cell(struct fl_table *t, const json_t *location, const char *key)
{
    char text[FL_HUMAN_TEXT];
    fl_table_cell(t, fl_human_count((uint64_t)fl_js_int(location, key), text));
}

/* "paris: 97 % of the rules of its newest run were seen before; ..." */
static void print_meaning(const json_t *location)
{
    char line[400], share[FL_HUMAN_TEXT], alerts[FL_HUMAN_TEXT], left[FL_HUMAN_TEXT];
    size_t used = (size_t)snprintf(
        line, sizeof line, "%s: %s of the rules of its newest run had been seen before",
        fl_js_text(location, "location"), fl_human_percent(fl_js_real(location, "settled"), share));
    if (json_is_number(json_object_get(location, "alerts_a_day")))
        used += (size_t)snprintf(line + used, sizeof line - used,
                                 "; going by the last days, expect %s alerts a day",
                                 fl_learn_alerts(location, alerts));
    else
        used += (size_t)snprintf(line + used, sizeof line - used,
                                 "; how many alerts to expect shows after a day of runs");
    if (left_ms(location) > 0)
        snprintf(line + used, sizeof line - used, "; it learns for another %s of data, without alerts",
                 fl_human_span(left_ms(location), left));
    else if (fl_js_int(location, "novel") > 0)
        snprintf(line + used, sizeof line - used,
                 "; %lld %s for a decision: flowlore rules --status novel --location %s",
                 (long long)fl_js_int(location, "novel"),
                 fl_js_int(location, "novel") == 1 ? "rule waits" : "rules wait",
                 fl_js_text(location, "location"));
    fl_text_print(stdout, fl_human_clean(line), 0, 2, fl_terminal_width(stdout));
}

static int print_gauge(const json_t *locations)
{
    static const struct fl_column columns[] = {{"LOCATION", FL_LEFT, false},    {"RUNS", FL_RIGHT, false},
                                               {"RULES", FL_RIGHT, false},      {"NOVEL", FL_RIGHT, false},
                                               {"HELD", FL_RIGHT, false},       {"SETTLED", FL_RIGHT, false},
                                               {"ALERTS/DAY", FL_RIGHT, false}, {"LEARNING", FL_LEFT, false}};
    struct fl_table *t;
    size_t i;
    json_t *location;
    char text[FL_HUMAN_TEXT];
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(locations, i, location)
    {
        fl_table_cell(t, fl_js_text(location, "location"));
        count_cell(t, location, "runs");
        count_cell(t, location, "rules");
        count_cell(t, location, "novel");
        count_cell(t, location, "held");
        fl_table_cell(t, fl_human_percent(fl_js_real(location, "settled"), text));
        fl_table_cell(t, fl_learn_alerts(location, text));
        fl_table_cell(t, fl_learn_words(location, text));
    }
    int code = fl_cli_table(t);
    if (code == FL_EXIT_OK)
        putchar('\n');
    json_array_foreach(locations, i, location) print_meaning(location);
    return code ? code : fl_cli_end();
}

/* ---- learning anew ---- */

static int choose_for(const struct fl_cli *cli, const char *location, int64_t *for_ms, struct fl_err *err)
{
    *for_ms = cli->config.learning_ms;
    for (size_t i = 0; i < cli->config.n_locations; i++)
        if (strcmp(cli->config.locations[i].name, location) == 0 && cli->config.locations[i].learning_ms > 0)
            *for_ms = cli->config.locations[i].learning_ms;
    if (*for_ms <= 0)
        *for_ms = DAY_MS;
    if (cli->duration && (fl_duration_parse(cli->duration, for_ms) < 0 || *for_ms <= 0))
        return fl_fail(err, FL_EINVAL, "--for \"%.40s\" is not a duration; write 24h, 7d or 1h30m",
                       cli->duration);
    return 0;
}

static int reset_one(const struct fl_cli *cli, struct fl_rulesdb *db, const char *location,
                     struct fl_err *err)
{
    char span[FL_TIME_TEXT];
    int64_t for_ms;
    size_t n = 0;
    int rc = choose_for(cli, location, &for_ms, err);
    if (rc == 0)
        rc = fl_rulesdb_relearn(db, location, for_ms, cli->dry_run, &n, err);
    if (rc != 0)
        return rc;
    if (cli->json) {
        json_t *o = json_pack("{s:s, s:I, s:I, s:b}", "location", location, "for_ms", (json_int_t)for_ms,
                              "forgotten", (json_int_t)n, "dry_run", (int)cli->dry_run);
        fl_cli_json(NULL, o);
        json_decref(o);
    } else {
        printf(
            "%s %s for %s of data from its newest run on; %zu rule%s that it had learned by itself %s.%s\n",
            location, cli->dry_run ? "would learn anew" : "learns anew", fl_duration_format(for_ms, span), n,
            n == 1 ? "" : "s",
            cli->dry_run ? "would be forgotten"
            : n == 1     ? "is forgotten"
                         : "are forgotten",
            cli->dry_run ? " Nothing was changed." : "");
    }
    return 0;
}

static int reset(const struct fl_cli *cli, const json_t *locations, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    size_t i, n = 0;
    json_t *location;
    int rc = fl_rulesdb_open(&db, cli->data, FL_RULESDB_CREATE, err);
    if (rc != 0)
        return rc;
    json_array_foreach(locations, i, location)
    {
        const char *name = fl_js_text(location, "location");
        if (rc != 0 || (cli->location && strcmp(cli->location, name) != 0))
            continue;
        rc = reset_one(cli, db, name, err);
        n++;
    }
    fl_rulesdb_close(db);
    if (rc == 0 && n == 0)
        rc = fl_fail(err, FL_ENOENT, "%s has never been mined, so there is nothing to learn anew",
                     cli->location ? cli->location : "this data directory");
    return rc;
}

static int check(const struct fl_cli *cli, struct fl_err *err)
{
    if (!cli->reset && (cli->all || cli->duration || cli->dry_run))
        return fl_fail(err, FL_EINVAL, "--all, --for and --dry-run go with --reset");
    if (cli->reset && cli->all == (cli->location != NULL))
        return fl_fail(err, FL_EINVAL, "--reset takes --location NAME or --all%s",
                       cli->all ? ", and only one of these" : "");
    return 0;
}

static void keep_location(json_t *locations, const char *name)
{
    for (size_t i = json_array_size(locations); name && i-- > 0;)
        if (strcmp(fl_js_text(json_array_get(locations, i), "location"), name) != 0)
            json_array_remove(locations, i);
}

static int show(const struct fl_cli *cli, json_t *locations)
{
    size_t i;
    json_t *location;
    keep_location(locations, cli->location);
    if (cli->json) {
        json_array_foreach(locations, i, location) fl_cli_json(NULL, location);
        return fl_cli_end();
    }
    if (json_array_size(locations) > 0)
        return print_gauge(locations);
    printf("Nothing has been mined%s%s yet. Mine what is stored: flowlore mine\n",
           cli->location ? " at " : "", cli->location ? cli->location : "");
    return fl_cli_end();
}

int fl_cli_learn(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    json_t *locations = json_array();
    int rc = locations ? check(cli, &err) : FL_ENOMEM;
    if (rc == 0)
        rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err);
    if (rc == 0 && db)
        rc = fl_rulesdb_locations(db, fl_cli_collect, locations, &err);
    fl_rulesdb_close(db);
    if (rc == 0 && cli->reset && !db)
        rc = fl_fail(&err, FL_ENOENT, "nothing has been mined in %s yet, so there is nothing to learn anew",
                     cli->data);
    if (rc == 0 && cli->reset)
        rc = reset(cli, locations, &err);
    int code = rc ? fl_cli_fail(rc, &err) : cli->reset ? fl_cli_end() : show(cli, locations);
    json_decref(locations);
    return code;
}
