/* The storing thread. Each turn takes what the queue holds; commits fall due once a second or when many
 * records wait, figures every 2 s, retention every hour. Figures are taken before the commit and written
 * after it, so that they never tell of records that are not yet stored. A disk that refuses costs the records
 * of that commit, which are counted, and is said once; the next commit tries again. */
#include "collector/storer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/figures.h"
#include "storage/log.h"
#include "storage/rulesdb.h"
#include "storage/store.h"
#include "storage/timetext.h"

enum { COMMIT_MS = 1000, COMMIT_FLOWS = 200000, STATS_MS = 2000, RETAIN_MS = 3600000 };

struct fl_storer {
    struct fl_storer_setup setup;
    pthread_t thread;
    struct fl_settings *settings;
    struct fl_writer *writer;
    struct fl_rulesdb *db;
    struct fl_figures *figures;
    uint64_t waiting;                            /* records handed to the writer since the last commit */
    uint64_t stored, disk_shed;                  /* made durable; given up because the disk refused them */
    int64_t committed_at, stats_at, retained_at; /* monotonic; 0: at once */
    bool disk_refuses;
    _Atomic bool report;
};

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void note_outcome(struct fl_storer *s, int rc, const struct fl_commit_report *report,
                         const struct fl_err *err)
{
    if (rc && !s->disk_refuses)
        fl_error("flows cannot be stored and are being given up (%" PRIu64 " so far): %s", s->disk_shed,
                 err->text);
    if (!rc && s->disk_refuses && report->stored)
        fl_info("storing again; %" PRIu64 " flows were given up since the start", s->disk_shed);
    if (rc || report->stored)
        s->disk_refuses = rc != 0;
}

static void commit(struct fl_storer *s)
{
    s->committed_at = monotonic_ms();
    if (!s->waiting)
        return;
    struct fl_commit_report report = {0};
    struct fl_err err = {""};
    int rc = fl_writer_commit(s->writer, &report, &err);
    s->waiting = 0;
    s->stored += report.stored;
    s->disk_shed += report.shed + report.refused;
    note_outcome(s, rc, &report, &err);
    fl_watermarks_publish(s->setup.watermarks, &s->settings->config);
    fl_pause_wake(s->setup.committed);
}

static void note(void *ctx, const struct fl_gathered *gathered)
{
    struct fl_storer *s = ctx;
    fl_watermarks_note(s->setup.watermarks, gathered);
}

static void on_gathered(void *ctx, struct fl_gatherer *gathered)
{
    struct fl_storer *s = ctx;
    fl_gatherer_each(gathered, note, s);
    s->waiting += fl_writer_take(s->writer, gathered);
    if (s->waiting >= COMMIT_FLOWS)
        commit(s);
}

static void retain(struct fl_storer *s)
{
    const struct fl_config *c = &s->settings->config;
    struct fl_err err = {""};
    int n = fl_store_retain(s->setup.data_dir, c->retention_ms, c->retention_bytes, &err);
    if (n < 0)
        fl_warning("old flows could not be removed: %s", err.text);
    else if (n)
        fl_info("removed %d bucket%s beyond the retention", n, n == 1 ? "" : "s");
    s->retained_at = monotonic_ms();
}

static void follow_settings(struct fl_storer *s)
{
    struct fl_settings *now = fl_settings_get(s->setup.settings);
    struct fl_settings *old = s->settings;
    s->settings = now;
    if (now != old) {
        s->retained_at = 0;
        fl_figures_warn_afresh(s->figures);
    }
    fl_settings_put(s->setup.settings, old);
}

static void store_figures(struct fl_storer *s, bool running)
{
    fl_figures_look(s->figures);
    if (running)
        fl_queue_take(s->setup.queue, 0, on_gathered, s);
    commit(s);
    fl_figures_store(s->figures, s->stored, s->disk_shed, running);
    s->stats_at = monotonic_ms();
    fl_figures_warn(s->figures, &s->settings->config, s->stats_at, !running);
}

static bool due(int64_t now, int64_t last, int64_t every)
{
    return !last || now - last >= every;
}

static void do_what_is_due(struct fl_storer *s)
{
    int64_t now = monotonic_ms();
    if (due(now, s->stats_at, STATS_MS))
        store_figures(s, true);
    else if (due(now, s->committed_at, COMMIT_MS))
        commit(s);
    if (due(now, s->retained_at, RETAIN_MS))
        retain(s);
    if (atomic_exchange(&s->report, false)) {
        fl_figures_look(s->figures);
        fl_figures_log_totals(s->figures, s->stored, s->disk_shed, "statistics");
        fl_figures_log_exporters(s->figures);
    }
}

/* Until the next commit: records wait for it in the queue as well as in the writer. */
static int64_t next_turn_ms(const struct fl_storer *s)
{
    int64_t left = s->committed_at + COMMIT_MS - monotonic_ms();
    return left < 0 ? 0 : left;
}

static void *run(void *ctx)
{
    struct fl_storer *s = ctx;
    pthread_setname_np(pthread_self(), "storing");
    while (fl_queue_take(s->setup.queue, next_turn_ms(s), on_gathered, s) != FL_ESTOP) {
        follow_settings(s);
        do_what_is_due(s);
    }
    store_figures(s, false);
    fl_figures_log_totals(s->figures, s->stored, s->disk_shed, "stopped");
    return NULL;
}

/* What is in the store from before: without it, a service that was killed between a commit and the run that
 * was due would wait for new data to mine the old. */
static int seed_watermarks(struct fl_storer *s, struct fl_err *err)
{
    struct fl_bucket_list list = {0};
    int rc = fl_store_buckets(s->setup.data_dir, NULL, INT64_MIN, INT64_MAX, &list, err);
    for (size_t i = 0; !rc && i < list.n; i++) {
        const char *location = list.items[i].location;
        if (i && !strcmp(list.items[i - 1].location, location))
            continue;
        struct fl_store_extent extent;
        struct fl_err why = {""};
        if (!fl_store_extent(s->setup.data_dir, location, &extent, &why)) {
            int64_t now_ms = fl_now_ms(), last_ms = extent.last_end_ms < now_ms ? extent.last_end_ms : now_ms;
            rc = fl_watermarks_seed(s->setup.watermarks, location, extent.first_start_ms, last_ms);
        } else if (why.text[0]) {
            fl_warning("%s", why.text);
        }
    }
    fl_bucket_list_clear(&list);
    fl_watermarks_publish(s->setup.watermarks, &s->settings->config);
    return rc;
}

static void free_storer(struct fl_storer *s)
{
    if (!s)
        return;
    fl_figures_free(s->figures);
    fl_writer_close(s->writer);
    fl_rulesdb_close(s->db);
    fl_settings_put(s->setup.settings, s->settings);
    free(s);
}

static int open_parts(struct fl_storer *s, struct fl_err *err)
{
    const struct fl_storer_setup *setup = &s->setup;
    int rc = fl_rulesdb_open(&s->db, setup->data_dir, FL_RULESDB_CREATE, err);
    if (!rc)
        rc = fl_rulesdb_templates(s->db, setup->template, setup->template_ctx, err);
    if (!rc)
        rc = fl_writer_open(&s->writer, setup->data_dir, s->settings->config.bucket_ms, err);
    if (!rc)
        rc = fl_figures_new(&s->figures, s->db, setup->census, setup->lanes, setup->started_ms);
    if (!rc)
        rc = seed_watermarks(s, err);
    return rc;
}

int fl_storer_start(struct fl_storer **out, const struct fl_storer_setup *setup, struct fl_err *err)
{
    struct fl_storer *s = calloc(1, sizeof *s);
    if (!s)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    s->setup = *setup;
    s->settings = fl_settings_get(setup->settings);
    int rc = open_parts(s, err);
    if (rc)
        goto done;
    if (pthread_create(&s->thread, NULL, run, s))
        rc = fl_fail(err, FL_EIO, "cannot start the storing thread");
done:
    if (rc) {
        if (err && !err->text[0])
            fl_fail(err, rc, "%s", fl_strerror(rc));
        free_storer(s);
        return rc;
    }
    *out = s;
    return 0;
}

void fl_storer_report(struct fl_storer *s)
{
    atomic_store(&s->report, true);
    fl_queue_wake(s->setup.queue);
}

void fl_storer_finish(struct fl_storer *s)
{
    if (!s)
        return;
    pthread_join(s->thread, NULL);
    free_storer(s);
}
