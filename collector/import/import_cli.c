/* `flowlore import`: the files of one call, one after the other. */
#include "collector/import/import_cli.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/datadir.h"
#include "collector/import/import.h"
#include "collector/import/import_report.h"
#include "mining/human.h"
#include "mining/progress.h"
#include "storage/instance.h"
#include "storage/timetext.h"

/* Over all files: what can be mined now. */
struct span {
    uint64_t stored;
    size_t n;
    struct fl_import_location locations[FL_IMPORT_LOCATIONS]; /* the first ones */
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

static struct fl_import_location *entry(struct span *span, const struct fl_import_location *l)
{
    for (size_t i = 0; i < span->n; i++)
        if (strcmp(span->locations[i].name, l->name) == 0)
            return &span->locations[i];
    if (span->n == FL_IMPORT_LOCATIONS)
        return NULL;
    span->locations[span->n] = *l;
    return &span->locations[span->n++];
}

static void widen(struct span *span, const struct fl_import_result *r)
{
    span->stored += r->stored;
    for (size_t i = 0; i < r->n_locations; i++) {
        const struct fl_import_location *l = &r->locations[i];
        struct fl_import_location *all = l->flows ? entry(span, l) : NULL;
        if (!all)
            continue;
        all->first_ms = l->first_ms < all->first_ms ? l->first_ms : all->first_ms;
        all->last_ms = l->last_ms > all->last_ms ? l->last_ms : all->last_ms;
    }
}

/* The retention counts from a location's newest flows: older imports beside them do not stay. */
static void warn_of_retention(const struct fl_cli *cli, const struct fl_import_location *l)
{
    struct fl_store_extent extent;
    char age[FL_TIME_TEXT], newest[FL_TIME_TEXT];
    int64_t keep_ms = cli->config.retention_ms;
    if (keep_ms <= 0 || fl_store_extent(cli->data, l->name, &extent, NULL) ||
        l->first_ms >= extent.last_start_ms - keep_ms)
        return;
    fl_cli_say(
        "warning: %s has flows of %s, and flowlored keeps %s before the newest: it will remove what is older "
        "of this import; import to a location of its own (--location NAME), or configure a longer retention",
        l->name, fl_time_format_s(extent.last_start_ms, newest), fl_duration_format(keep_ms, age));
}

static void print_hint(const struct fl_cli *cli, const struct span *span)
{
    char from[FL_TIME_TEXT], to[FL_TIME_TEXT];
    if (span->stored == 0)
        return;
    for (size_t i = 0; i < span->n; i++)
        warn_of_retention(cli, &span->locations[i]);
    if (cli->json)
        return;
    if (fl_instance_running(cli->data) == 1)
        printf("flowlored runs on %s; what was imported stands beside what it stores.\n", cli->data);
    for (size_t i = 0; i < span->n; i++) {
        const struct fl_import_location *l = &span->locations[i];
        printf("%s flowlore mine --location %s --from %s --to %s\n", i == 0 ? "Mine it:" : "        ",
               l->name, fl_time_format_s(l->first_ms, from), fl_time_format_s(l->last_ms + 1000, to));
    }
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
    struct span span = {.n = 0};
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
