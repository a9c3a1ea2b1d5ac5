/* `flowlore import`: the files of one call, one after the other. */
#include "collector/import_cli.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/datadir.h"
#include "collector/import.h"
#include "collector/import_report.h"
#include "mining/human.h"
#include "mining/progress.h"
#include "storage/instance.h"
#include "storage/timetext.h"

/* Over all files: what can be mined now. */
struct span {
    char location[FL_LOCATION_NAME];
    int64_t first_ms, last_ms;
    uint64_t stored;
    size_t n_locations;
};

static int show(void *ctx, double done)
{
    fl_progress_set(ctx, done);
    return fl_cli_stopped ? FL_ESTOP : 0;
}

/* Files that root makes here could not be written by a service that runs as another user. */
static int check_owner(const char *data_dir, struct fl_err *err)
{
    struct stat st;
    if (stat(data_dir, &st) < 0)
        return fl_fail(err, FL_EIO, "the data directory %s: %s", data_dir, strerror(errno));
    if (geteuid() != 0 || st.st_uid == 0)
        return 0;
    const struct passwd *owner = getpwuid(st.st_uid);
    return fl_fail(
        err, FL_EIO,
        "the data directory %s belongs to %s, who could not write what root imports; run it as that user: "
        "sudo -u %s flowlore import",
        data_dir, owner ? owner->pw_name : "another user", owner ? owner->pw_name : "USER");
}

static int prepare(const struct fl_cli *cli, struct fl_err *err)
{
    if (cli->location && !fl_location_name_ok(cli->location))
        return fl_fail(err, FL_EINVAL,
                       "--location \"%.60s\" is no location's name (letters, digits, dot, - and _)",
                       cli->location);
    int rc = fl_datadir_make(cli->data, err);
    return rc ? rc : check_owner(cli->data, err);
}

static void widen(struct span *span, const struct fl_import_result *r)
{
    span->stored += r->stored;
    if (r->first_ms > r->last_ms)
        return;
    span->first_ms = r->first_ms < span->first_ms ? r->first_ms : span->first_ms;
    span->last_ms = r->last_ms > span->last_ms ? r->last_ms : span->last_ms;
    for (size_t i = 0; i < r->n_locations; i++) {
        if (span->n_locations && strcmp(span->location, r->locations[i].name) == 0)
            continue;
        span->n_locations++;
        memcpy(span->location, r->locations[i].name, sizeof span->location);
    }
}

static void print_hint(const struct fl_cli *cli, const struct span *span)
{
    char from[FL_TIME_TEXT], to[FL_TIME_TEXT];
    if (cli->json || span->stored == 0 || span->first_ms > span->last_ms)
        return;
    if (fl_instance_running(cli->data) == 1)
        printf("flowlored runs on %s; what was imported stands beside what it stores.\n", cli->data);
    printf("Mine it: flowlore mine%s%s --from %s --to %s\n", span->n_locations == 1 ? " --location " : "",
           span->n_locations == 1 ? span->location : "", fl_time_format_s(span->first_ms, from),
           fl_time_format_s(span->last_ms + 1000, to));
}

static int import_one(const struct fl_cli *cli, struct fl_import *imp, struct fl_progress *bar,
                      const char *path, struct span *span)
{
    struct fl_import_result r;
    struct fl_err err = {""};
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    fl_progress_start(bar, name);
    int rc = fl_import_file(imp, path, &r, &err);
    fl_progress_end(bar);
    if (rc && !err.text[0])
        fl_fail(&err, rc, "%.300s: %s", name, fl_strerror(rc));
    widen(span, &r);
    fl_import_print(name, &r, rc ? err.text : NULL, cli->json);
    if (rc == FL_ESTOP)
        fl_cli_say("stopped; what is stored stays, and the same command goes on from there");
    else if (rc)
        fl_cli_say("%s", err.text);
    return rc;
}

int fl_cli_import(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_import *imp = NULL;
    struct fl_progress bar = {.shown = false};
    struct span span = {.first_ms = INT64_MAX, .last_ms = INT64_MIN};
    struct fl_import_setup setup = {.data_dir = cli->data,
                                    .config = &cli->config,
                                    .location = cli->location,
                                    .progress = show,
                                    .ctx = &bar};
    size_t failed = 0;
    int rc = prepare(cli, &err);
    if (rc == 0)
        rc = fl_import_open(&imp, &setup, &err);
    if (rc)
        return fl_cli_fail(rc, &err);
    fl_cli_catch_stop();
    for (size_t i = 0; i < cli->n_args && rc != FL_ESTOP && rc != FL_EDB; i++) {
        rc = import_one(cli, imp, &bar, cli->args[i], &span);
        failed += rc != 0;
    }
    fl_import_close(imp);
    print_hint(cli, &span);
    int code = fl_cli_end();
    return failed ? FL_EXIT_FAILURE : code;
}
