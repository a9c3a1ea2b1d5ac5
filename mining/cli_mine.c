/* `flowlore mine`: mine stored flows now, one run a location. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mining/cli.h"
#include "mining/human.h"
#include "mining/mine.h"
#include "mining/progress.h"
#include "storage/timetext.h"

/* One call of the command: how long it may take, and how far its run is. */
struct watch {
    struct fl_progress bar;
    struct timespec began;
    int64_t timeout_ms; /* 0: any */
    enum fl_phase phase;
    double done;
    bool late;
};

static bool is_late(const struct watch *w)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms = (int64_t)(now.tv_sec - w->began.tv_sec) * 1000 + (now.tv_nsec - w->began.tv_nsec) / 1000000;
    return w->timeout_ms > 0 && ms >= w->timeout_ms;
}

static int progress(void *ctx, enum fl_phase phase, double done)
{
    struct watch *w = ctx;
    w->phase = phase;
    w->done = done;
    fl_progress_phase(&w->bar, fl_phase_name(phase));
    fl_progress_set(&w->bar, done);
    w->late = w->late || is_late(w);
    return fl_cli_stopped || w->late ? FL_ESTOP : 0;
}

static int start_watch(struct watch *w, const struct fl_cli *cli, struct fl_err *err)
{
    *w = (struct watch){.timeout_ms = 0};
    clock_gettime(CLOCK_MONOTONIC, &w->began);
    if (cli->timeout && (fl_duration_parse(cli->timeout, &w->timeout_ms) < 0 || w->timeout_ms == 0))
        return fl_fail(err, FL_EINVAL, "--timeout \"%.60s\" is not a time to wait; write 30s, 5m, 1h30m",
                       cli->timeout);
    return 0;
}

static void say_stopped(const struct watch *w, const struct fl_cli *cli, const char *location)
{
    if (w->late)
        fl_cli_say(
            "%s: given up after %s while %s, at %d %%; the run left no trace in the rules database. Give "
            "it longer with --timeout, or less to do with --from and --to.",
            location, cli->timeout, fl_phase_name(w->phase), (int)(w->done * 100));
    else
        fl_cli_say("stopped; the run under way left no trace in the rules database");
}

/* The span to mine at a location: as asked, everything, or the trailing span. FL_ENOENT: nothing stored. */
static int choose_span(const struct fl_cli *cli, struct fl_mine_request *r, struct fl_err *err)
{
    struct fl_store_extent extent;
    int rc;
    if (!cli->from && !cli->to && !cli->all)
        return fl_mine_trailing_span(cli->data, r->location, cli->config.mining.span_ms, &r->from_ms,
                                     &r->to_ms, err);
    rc = fl_store_extent(cli->data, r->location, &extent, err);
    if (rc)
        return rc;
    r->from_ms = extent.first_start_ms;
    r->to_ms = extent.last_start_ms + 1;
    if (cli->from && !cli->to && fl_cli_time("--from", cli->from, cli->now_ms, &r->from_ms, err) == 0 &&
        r->from_ms >= r->to_ms)
        r->to_ms = r->from_ms + 1; /* asked for what comes after the newest record: an empty span */
    else if (cli->to && !cli->from && fl_cli_time("--to", cli->to, cli->now_ms, &r->to_ms, err) == 0 &&
             r->from_ms >= r->to_ms)
        r->from_ms = r->to_ms - 1;
    else
        rc = fl_cli_span(cli, &r->from_ms, &r->to_ms, err);
    return rc;
}

static void print_json(const struct fl_mine_result *m)
{
    char from[FL_TIME_TEXT], to[FL_TIME_TEXT], started[FL_TIME_TEXT];
    const struct fl_run *r = &m->run;
    json_t *o = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:I, s:s?}",
        "id", (json_int_t)r->id, "location", r->location, "from", fl_time_format(r->from_ms, from), "to",
        fl_time_format(r->to_ms, to), "started", fl_time_format(r->started_ms, started), "took_ms",
        (json_int_t)r->took_ms, "flows", (json_int_t)r->flows, "conversations", (json_int_t)r->conversations,
        "nodes", (json_int_t)r->nodes, "pairs_tested", (json_int_t)r->pairs_tested, "rules",
        (json_int_t)r->rules, "novel", (json_int_t)r->novel, "instances", (json_int_t)r->instances, "alerts",
        (json_int_t)m->alerts, "damaged", (int)m->n_damaged, "held", (json_int_t)r->held, "left_out",
        (json_int_t)m->left_out, "generics_left_out", (json_int_t)m->generics_left_out, "unclean",
        *r->unclean ? r->unclean : NULL);
    if (o)
        fl_cli_json(NULL, o);
    json_decref(o);
}

static void part(uint64_t count, const char *what, const char *before)
{
    char number[FL_HUMAN_TEXT], word[FL_HUMAN_TEXT];
    printf("%s%s %s", before, fl_human_count(count, number), fl_human_plural(count, what, word));
}

static void print_run(const struct fl_mine_result *m)
{
    char from[FL_TIME_TEXT], to[FL_TIME_TEXT], text[FL_HUMAN_TEXT];
    const struct fl_run *r = &m->run;
    printf("%s: %s to %s (UTC)\n", r->location, fl_time_format_s(r->from_ms, from),
           fl_time_format_s(r->to_ms, to));
    part(r->flows, "flow", "  ");
    part(r->conversations, "conversation", ", ");
    printf(" -> ");
    part(r->rules, "rule", "");
    printf(" (%s novel", fl_human_count(r->novel, text));
    if (r->held > 0)
        printf(", %s of them held", fl_human_count(r->held, text));
    putchar(')');
    part(r->instances, "instance", ", ");
    printf("; took %s\n", fl_human_span(r->took_ms, text));
    if (*r->unclean)
        printf("  the data are not whole: %s%s\n", r->unclean,
               r->held > 0 ? "; what is new is told once whole data confirm it" : "");
}

/* Mine one location. FL_ENOENT: nothing is stored there. */
static int mine_one(struct fl_cli *cli, struct watch *watch, struct fl_rulesdb **db, const char *location,
                    struct fl_mine_result *m, struct fl_err *err)
{
    char label[80];
    struct fl_mine_request request = {.data_dir = cli->data,
                                      .location = location,
                                      .config = &cli->config,
                                      .progress = progress,
                                      .ctx = watch};
    int rc = choose_span(cli, &request, err);
    if (rc)
        return rc;
    if (!*db)
        rc = fl_rulesdb_open(db, cli->data, FL_RULESDB_CREATE, err);
    if (rc)
        return rc == FL_ENOENT ? FL_EIO : rc;
    snprintf(label, sizeof label, "mining %s", location);
    fl_progress_start(&watch->bar, label);
    rc = fl_mine(*db, &request, m, err);
    fl_progress_end(&watch->bar);
    return rc == FL_ENOENT ? FL_EIO : rc;
}

static int print_end(const struct fl_cli *cli, size_t runs, uint64_t novel)
{
    if (!cli->json && runs == 0)
        printf(
            "No flows are stored%s%s yet, so there is nothing to mine. Point an exporter at flowlored, then "
            "see flowlore status.\n",
            cli->location ? " at " : "", cli->location ? cli->location : "");
    else if (!cli->json && novel > 0)
        printf("See what is new: flowlore rules --status novel%s%s\n", cli->location ? " --location " : "",
               cli->location ? cli->location : "");
    return fl_cli_end();
}

static int mine_all(struct fl_cli *cli, struct watch *watch, const json_t *locations, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    size_t i, runs = 0;
    uint64_t novel = 0;
    int rc = 0;
    json_t *name;
    json_array_foreach(locations, i, name)
    {
        struct fl_mine_result m = {0};
        char left_out[512];
        if (cli->location && strcmp(cli->location, json_string_value(name)) != 0)
            continue;
        rc = fl_cli_stopped ? FL_ESTOP : mine_one(cli, watch, &db, json_string_value(name), &m, err);
        fl_cli_damaged((const char(*)[256])m.damaged, m.n_damaged);
        if (m.crowded)
            fl_cli_say("%s: of more than %d nodes under one host and window only the wildcards are paired",
                       m.run.location, FL_CROWD);
        if (fl_mine_left_out(&m, left_out))
            fl_cli_say("%s", left_out);
        if (rc == FL_ENOENT) {
            rc = 0;
            continue;
        }
        if (rc == FL_ESTOP)
            say_stopped(watch, cli, json_string_value(name));
        if (rc)
            break;
        runs++;
        novel += m.run.novel;
        cli->json ? print_json(&m) : print_run(&m);
        fflush(stdout);
    }
    fl_rulesdb_close(db);
    if (rc == 0 && print_end(cli, runs, novel) != FL_EXIT_OK)
        rc = fl_fail(err, FL_EIO, "the runs are kept, but could not be printed");
    return rc;
}

int fl_cli_mine(struct fl_cli *cli)
{
    struct fl_err err = {""};
    int64_t from = INT64_MIN, to = INT64_MAX;
    struct watch watch;
    json_t *locations = NULL;
    int rc = start_watch(&watch, cli, &err);
    if (rc == 0)
        rc = fl_cli_span(cli, &from, &to, &err);
    if (rc == 0 && cli->all && (cli->from || cli->to))
        rc = fl_fail(&err, FL_EINVAL,
                     "--all already takes everything stored; leave it out to use --from and --to");
    if (rc == 0)
        rc = fl_cli_locations(cli, &locations, &err);
    fl_cli_catch_stop();
    if (rc == 0)
        rc = mine_all(cli, &watch, locations, &err);
    json_decref(locations);
    if (rc == FL_ESTOP)
        return FL_EXIT_FAILURE;
    return rc == 0 ? FL_EXIT_OK : fl_cli_fail(rc, &err);
}
