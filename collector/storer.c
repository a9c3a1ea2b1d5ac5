/* The storing thread. Each turn takes what the queue holds; commits fall due once a second or when many
 * records wait, figures every 2 s, retention every hour. A disk that refuses costs the records of that
 * commit, which are counted, and is said once; the next commit tries again. */
#include "collector/storer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/decode.h"
#include "storage/log.h"
#include "storage/rulesdb.h"
#include "storage/store.h"
#include "storage/timetext.h"

enum {
    TURN_MS = 100,
    COMMIT_MS = 1000,
    COMMIT_FLOWS = 200000,
    STATS_MS = 2000,
    RETAIN_MS = 3600000,
    REPORTED_EXPORTERS = 20,
    STORED_EXPORTERS = 4096
};

struct fl_storer {
    struct fl_storer_setup setup;
    pthread_t thread;
    struct fl_settings *settings;
    struct fl_decoder *decoder;
    struct fl_writer *writer;
    struct fl_rulesdb *db;
    struct fl_exporter_stats *exporters; /* STORED_EXPORTERS, reused */
    uint64_t waiting;                    /* records handed to the writer since the last commit */
    int64_t committed_at, stats_at, retained_at, ticked_at; /* monotonic; 0: at once */
    bool disk_refuses, stats_refused;
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
        fl_error("flows cannot be stored and are being given up (%" PRIu64 " so far): %s",
                 (uint64_t)atomic_load(&s->setup.counters->disk_shed), err->text);
    if (!rc && s->disk_refuses && report->stored)
        fl_info("storing again; %" PRIu64 " flows were given up since the start",
                (uint64_t)atomic_load(&s->setup.counters->disk_shed));
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
    atomic_fetch_add(&s->setup.counters->stored, report.stored);
    atomic_fetch_add(&s->setup.counters->disk_shed, report.shed);
    note_outcome(s, rc, &report, &err);
    fl_watermarks_publish(s->setup.watermarks, &s->settings->config);
    fl_pause_wake(s->setup.committed);
}

static void add_flow(struct fl_storer *s, const char *location, const struct fl_flow *flow)
{
    int rc = fl_writer_add(s->writer, location, flow);
    if (rc == FL_ELIMIT) {
        commit(s);
        rc = fl_writer_add(s->writer, location, flow);
    }
    if (rc) {
        atomic_fetch_add(&s->setup.counters->disk_shed, 1);
        return;
    }
    fl_watermarks_note(s->setup.watermarks, location, flow);
    if (++s->waiting >= COMMIT_FLOWS)
        commit(s);
}

static void on_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_flow(ctx, location, &flows[i]);
}

static void on_datagram(void *ctx, const struct fl_datagram *d)
{
    struct fl_storer *s = ctx;
    struct fl_sender from = {d->exporter, d->source_port, d->location, d->sampling};
    int rc = fl_decode(s->decoder, d->bytes, d->length, &from, d->received_ms);
    if (rc < 0)
        atomic_fetch_add(&s->setup.counters->malformed, 1);
}

static void store_stats(struct fl_storer *s, bool running)
{
    struct fl_counters *c = s->setup.counters;
    struct fl_service_stats total = {
        .datagrams = atomic_load(&c->datagrams),
        .refused = atomic_load(&c->refused),
        .malformed = atomic_load(&c->malformed),
        .kernel_drops = atomic_load(&c->kernel_drops),
        .queue_shed = atomic_load(&c->queue_shed),
        .disk_shed = atomic_load(&c->disk_shed),
        .stored = atomic_load(&c->stored),
        .started_ms = c->started_ms,
        .updated_ms = fl_now_ms(),
        .running = running,
    };
    size_t n = fl_decoder_stats(s->decoder, s->exporters, STORED_EXPORTERS);
    struct fl_err err = {""};
    int rc = fl_rulesdb_store_stats(s->db, &total, s->exporters, n, &err);
    if (rc && !s->stats_refused)
        fl_warning("the figures of exporters and service cannot be kept: %s", err.text);
    s->stats_refused = rc != 0;
    s->stats_at = monotonic_ms();
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

static void log_totals(struct fl_storer *s, const char *what)
{
    struct fl_counters *c = s->setup.counters;
    size_t n = fl_decoder_stats(s->decoder, s->exporters, STORED_EXPORTERS);
    uint64_t lost = 0;
    for (size_t i = 0; i < n; i++)
        lost += s->exporters[i].lost;
    fl_info("%s: %" PRIu64 " datagrams, %" PRIu64 " flows stored, %" PRIu64 " refused, %" PRIu64
            " malformed, %" PRIu64 " lost, %" PRIu64 " dropped by the kernel, %" PRIu64
            " shed by the queue, %" PRIu64 " flows shed by the disk",
            what, (uint64_t)atomic_load(&c->datagrams), (uint64_t)atomic_load(&c->stored),
            (uint64_t)atomic_load(&c->refused), (uint64_t)atomic_load(&c->malformed), lost,
            (uint64_t)atomic_load(&c->kernel_drops), (uint64_t)atomic_load(&c->queue_shed),
            (uint64_t)atomic_load(&c->disk_shed));
}

static void log_exporters(struct fl_storer *s)
{
    size_t n = fl_decoder_stats(s->decoder, s->exporters, STORED_EXPORTERS);
    for (size_t i = 0; i < n && i < REPORTED_EXPORTERS; i++) {
        const struct fl_exporter_stats *e = &s->exporters[i];
        char text[FL_ADDR_TEXT];
        fl_info("exporter %s port %u domain %" PRIu32 " version %u at %s: %" PRIu64 " datagrams, %" PRIu64
                " flows, %" PRIu64 " lost, %" PRIu64 " malformed, %" PRIu64
                " without template, sampling 1:%" PRIu32,
                fl_addr_format(&e->address, text), e->source_port, e->domain, e->version, e->location,
                e->packets, e->flows, e->lost, e->malformed, e->unknown_template, e->sampling);
    }
    if (n > REPORTED_EXPORTERS)
        fl_info("and %zu more exporters: see flowlore status", n - REPORTED_EXPORTERS);
}

static void apply_limits(struct fl_storer *s, struct fl_decoder_limits *limits)
{
    fl_decoder_limits_init(limits);
    limits->max_future_ms = s->settings->config.max_future_ms;
    limits->template_timeout_ms = s->settings->config.template_timeout_ms;
}

static void follow_settings(struct fl_storer *s)
{
    struct fl_settings *now = fl_settings_get(s->setup.settings);
    struct fl_settings *old = s->settings;
    s->settings = now;
    if (now != old) {
        struct fl_decoder_limits limits;
        apply_limits(s, &limits);
        fl_decoder_set_limits(s->decoder, &limits);
        s->retained_at = 0;
    }
    fl_settings_put(s->setup.settings, old);
}

static bool due(int64_t now, int64_t last, int64_t every)
{
    return !last || now - last >= every;
}

static void do_what_is_due(struct fl_storer *s)
{
    int64_t now = monotonic_ms();
    if (due(now, s->ticked_at, TURN_MS)) {
        fl_decoder_tick(s->decoder, fl_now_ms());
        s->ticked_at = now;
    }
    if (due(now, s->committed_at, COMMIT_MS))
        commit(s);
    if (due(now, s->stats_at, STATS_MS))
        store_stats(s, true);
    if (due(now, s->retained_at, RETAIN_MS))
        retain(s);
    if (atomic_exchange(&s->report, false)) {
        log_totals(s, "statistics");
        log_exporters(s);
    }
}

static void *run(void *ctx)
{
    struct fl_storer *s = ctx;
    while (fl_queue_take(s->setup.queue, TURN_MS, on_datagram, s) != FL_ESTOP) {
        follow_settings(s);
        do_what_is_due(s);
    }
    fl_decoder_flush(s->decoder, fl_now_ms());
    commit(s);
    store_stats(s, false);
    log_totals(s, "stopped");
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
        if (!fl_store_extent(s->setup.data_dir, location, &extent, &why))
            rc = fl_watermarks_seed(s->setup.watermarks, location, extent.first_start_ms, extent.last_end_ms);
        else if (why.text[0])
            fl_warning("%s", why.text);
    }
    fl_bucket_list_clear(&list);
    fl_watermarks_publish(s->setup.watermarks, &s->settings->config);
    return rc;
}

static void free_storer(struct fl_storer *s)
{
    if (!s)
        return;
    fl_writer_close(s->writer);
    fl_decoder_free(s->decoder);
    fl_rulesdb_close(s->db);
    fl_settings_put(s->setup.settings, s->settings);
    free(s->exporters);
    free(s);
}

static int open_parts(struct fl_storer *s, struct fl_err *err)
{
    const char *dir = s->setup.data_dir;
    struct fl_decoder_limits limits;
    apply_limits(s, &limits);
    int rc = fl_rulesdb_open(&s->db, dir, FL_RULESDB_CREATE, err);
    if (!rc)
        rc = fl_writer_open(&s->writer, dir, s->settings->config.bucket_ms, err);
    if (!rc)
        rc = fl_decoder_new(&s->decoder, &limits, on_flows, s);
    if (!rc)
        rc = seed_watermarks(s, err);
    return rc;
}

int fl_storer_start(struct fl_storer **out, const struct fl_storer_setup *setup, struct fl_err *err)
{
    struct fl_storer *s = calloc(1, sizeof *s);
    int rc = FL_ENOMEM;
    if (!s)
        return fl_fail(err, rc, "out of memory");
    s->setup = *setup;
    s->settings = fl_settings_get(setup->settings);
    s->exporters = calloc(STORED_EXPORTERS, sizeof *s->exporters);
    if (!s->exporters)
        goto done;
    rc = open_parts(s, err);
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
}

void fl_storer_finish(struct fl_storer *s)
{
    if (!s)
        return;
    pthread_join(s->thread, NULL);
    free_storer(s);
}
