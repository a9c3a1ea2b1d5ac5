/* What the service counts, written to the rules database for `flowlore status`. What was written last is
 * remembered, so that only sessions that have changed cost a write. */
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

enum { FORGET_EVERY_MS = 3600000, ORPHAN_MS = 3600000 };
#define QUALITY_MS ((int64_t)400 * 86400000) /* of data that a location's quality is kept for */

/* The rows of the last call, found by their session through a hash table of row numbers + 1. */
struct fl_written {
    struct fl_exporter_stats *rows;
    uint8_t *steady; /* by row: for how many calls its clock has been steady */
    uint32_t *slots;
    size_t n, room, n_slots;  /* n_slots: a power of two, at least twice `room` */
    uint64_t shed, disk_shed; /* of the service, as far as they were put down */
    int64_t disk_shed_ms;     /* wall clock at which it last grew */
    int64_t at_ms;            /* wall clock of the last call; 0: there was none */
    struct fl_refused_sender refused[FL_REFUSED_SENDERS];
    size_t n_refused;
    bool begun; /* false: nothing is known of what the file holds */
    int64_t forgot_at_ms;
};

void fl_written_free(struct fl_written *w)
{
    if (!w)
        return;
    free(w->rows);
    free(w->steady);
    free(w->slots);
    free(w);
}

static bool same_session(const struct fl_exporter_stats *a, const struct fl_exporter_stats *b)
{
    return a->source_port == b->source_port && a->domain == b->domain && a->version == b->version &&
           fl_addr_cmp(&a->address, &b->address) == 0;
}

/* Where the session stands in the table, or the free slot where it would. */
static uint32_t *find_slot(const struct fl_written *w, const struct fl_exporter_stats *e)
{
    uint64_t key = (uint64_t)e->source_port << 40 | (uint64_t)e->version << 32 | e->domain;
    uint64_t hash = (fl_addr_hash(&e->address) ^ key) * 0x9e3779b97f4a7c15u;
    size_t i = hash >> 32 & (w->n_slots - 1);
    while (w->slots[i] && !same_session(&w->rows[w->slots[i] - 1], e))
        i = (i + 1) & (w->n_slots - 1);
    return &w->slots[i];
}

/* Every session's step since the last call; the caller frees it. NULL without memory. */
static struct fl_step *look(const struct fl_written *w, const struct fl_exporter_stats *exporters, size_t n)
{
    struct fl_step *steps = calloc(n + 1, sizeof *steps);
    for (size_t i = 0; steps && i < n; i++) {
        uint32_t slot = w->n ? *find_slot(w, &exporters[i]) : 0;
        steps[i] = (struct fl_step){.old = slot ? &w->rows[slot - 1] : NULL,
                                    .now = &exporters[i],
                                    .steady = slot ? w->steady[slot - 1] : 0};
        fl_step_look(&steps[i]);
    }
    return steps;
}

static bool make_room(struct fl_written *w, size_t n)
{
    size_t n_slots = 64;
    if (n <= w->room)
        return true;
    while (n_slots < 2 * n)
        n_slots *= 2;
    free(w->rows);
    free(w->steady);
    free(w->slots);
    w->rows = calloc(n, sizeof *w->rows);
    w->steady = calloc(n, sizeof *w->steady);
    w->slots = calloc(n_slots, sizeof *w->slots);
    w->room = w->rows && w->steady && w->slots ? n : 0;
    w->n_slots = n_slots;
    return w->room > 0;
}

/* Without memory nothing is remembered, and the next call writes every row. */
static void remember(struct fl_written *w, const struct fl_service_stats *service,
                     const struct fl_exporter_stats *exporters, const struct fl_step *steps, size_t n)
{
    w->n = 0;
    w->begun = true;
    w->n_refused = service->n_refused_senders;
    memcpy(w->refused, service->refused_senders, w->n_refused * sizeof w->refused[0]);
    if (!make_room(w, n) || n == 0)
        return;
    memset(w->slots, 0, w->n_slots * sizeof *w->slots);
    memcpy(w->rows, exporters, n * sizeof *exporters);
    w->n = n;
    for (size_t i = 0; i < n; i++) {
        *find_slot(w, &exporters[i]) = (uint32_t)i + 1;
        w->steady[i] = steps[i].steady;
    }
}

static int put_service(struct fl_rulesdb *db, const struct fl_service_stats *s)
{
    return fl_rulesdb_run(db, SQL_PUT_SERVICE, "iiiiiiiiiii", fl_rulesdb_count(s->datagrams),
                          fl_rulesdb_count(s->refused), fl_rulesdb_count(s->malformed),
                          fl_rulesdb_count(s->kernel_drops), fl_rulesdb_count(s->queue_shed),
                          fl_rulesdb_count(s->disk_shed), fl_rulesdb_count(s->stored), s->started_ms,
                          s->updated_ms, (int64_t)s->running, fl_rulesdb_count(s->sessions_dropped));
}

static int put_refused(struct fl_rulesdb *db, const struct fl_service_stats *s)
{
    int rc = fl_rulesdb_run(db, SQL_CLEAR_REFUSED, "");
    for (size_t i = 0; rc == SQLITE_OK && i < s->n_refused_senders; i++) {
        const struct fl_refused_sender *r = &s->refused_senders[i];
        char address[FL_ADDR_TEXT];
        rc = fl_rulesdb_run(db, SQL_ADD_REFUSED, "tii", fl_addr_format(&r->address, address),
                            fl_rulesdb_count(r->datagrams), r->last_seen_ms);
    }
    return rc;
}

static int put_exporter(struct fl_rulesdb *db, const struct fl_exporter_stats *e)
{
    char address[FL_ADDR_TEXT];
    return fl_rulesdb_run(
        db, SQL_PUT_EXPORTER, "tiiitiiiiiiiiiiiiiiiiiiiiiiid", fl_addr_format(&e->address, address),
        (int64_t)e->source_port, (int64_t)e->domain, (int64_t)e->version, e->location,
        fl_rulesdb_count(e->packets), fl_rulesdb_count(e->flows), fl_rulesdb_count(e->lost),
        fl_rulesdb_count(e->malformed), fl_rulesdb_count(e->unknown_template),
        fl_rulesdb_count(e->time_fallbacks), (int64_t)e->templates, (int64_t)e->sampling,
        (int64_t)e->sampling_source, e->clock_skew_ms, e->first_seen_ms, e->last_seen_ms,
        fl_rulesdb_count(e->reordered), fl_rulesdb_count(e->duplicates), fl_rulesdb_count(e->restarts),
        fl_rulesdb_count(e->waiting), fl_rulesdb_count(e->not_flows), fl_rulesdb_count(e->options),
        e->template_oldest_ms, e->template_newest_ms, (int64_t)e->sampling_told, e->active_timeout_ms,
        e->inactive_timeout_ms, e->flows_per_s);
}

/* Sessions unheard for too long or too many, each with its templates. */
static int forget_sessions(struct fl_rulesdb *db, int64_t now_ms)
{
    sqlite3_stmt *s = fl_rulesdb_kept(db, SQL_FORGET_EXPORTERS);
    int rc = SQLITE_OK, step = SQLITE_DONE;
    if (!s)
        return sqlite3_errcode(db->sqlite);
    fl_rulesdb_bind(s, "ii", now_ms - FL_FORGET_MS, (int64_t)FL_MOST_SESSIONS);
    while (rc == SQLITE_OK && (step = sqlite3_step(s)) == SQLITE_ROW)
        rc = fl_rulesdb_run(db, SQL_FORGET_TEMPLATES, "tiii", (const char *)sqlite3_column_text(s, 0),
                            (int64_t)sqlite3_column_int64(s, 1), (int64_t)sqlite3_column_int64(s, 2),
                            (int64_t)sqlite3_column_int64(s, 3));
    sqlite3_reset(s);
    return rc == SQLITE_OK && step != SQLITE_DONE ? step : rc;
}

/* Old sessions go when one comes that was not there, and once an hour. So do templates that no session has;
 * those of the last hour may belong to one whose figures are still to come. */
static int forget(struct fl_rulesdb *db, int64_t now_ms, bool added)
{
    int64_t *last_ms = &db->written->forgot_at_ms;
    bool due = now_ms - *last_ms >= FORGET_EVERY_MS;
    int rc = due || added ? forget_sessions(db, now_ms) : SQLITE_OK;
    if (rc == SQLITE_OK && due)
        rc = fl_rulesdb_run(db, SQL_FORGET_ORPHANS, "i", now_ms - ORPHAN_MS);
    if (rc == SQLITE_OK && due)
        rc = fl_rulesdb_run(db, SQL_FORGET_QUALITY, "i", QUALITY_MS);
    if (rc == SQLITE_OK && due)
        *last_ms = now_ms;
    return rc;
}

static bool refused_changed(const struct fl_written *w, const struct fl_service_stats *s)
{
    return !w->begun || w->n_refused != s->n_refused_senders ||
           memcmp(w->refused, s->refused_senders, w->n_refused * sizeof w->refused[0]) != 0;
}

/* What the steps say of the data, of which a service that has just begun knows no shed records yet. */
static int put_quality(struct fl_rulesdb *db, const struct fl_service_stats *service,
                       const struct fl_step *steps, size_t n)
{
    struct fl_written *w = db->written;
    uint64_t shed = service->queue_shed + service->disk_shed;
    uint64_t disk_shed = service->disk_shed > w->disk_shed ? service->disk_shed - w->disk_shed : 0;
    int rc = fl_quality_add(db, steps, n, shed > w->shed ? shed - w->shed : 0);
    struct fl_data_view view = {steps, n, disk_shed, w->disk_shed_ms, w->at_ms, service->updated_ms};
    return rc == SQLITE_OK ? fl_data_alerts(db, &view) : rc;
}

static int put_changes(struct fl_rulesdb *db, const struct fl_service_stats *service,
                       const struct fl_step *steps, size_t n)
{
    struct fl_written *w = db->written;
    bool added = false;
    int rc = put_service(db, service);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
        const struct fl_exporter_stats *old = steps[i].old;
        added = added || !old;
        /* padding that differs costs a write that was not needed, no more */
        if (!old || !w->begun || memcmp(old, steps[i].now, sizeof *old) != 0)
            rc = put_exporter(db, steps[i].now);
    }
    if (rc == SQLITE_OK)
        rc = put_quality(db, service, steps, n);
    if (rc == SQLITE_OK && refused_changed(w, service))
        rc = put_refused(db, service);
    if (rc == SQLITE_OK)
        rc = forget(db, service->updated_ms, added);
    return rc;
}

int fl_rulesdb_store_stats(struct fl_rulesdb *db, const struct fl_service_stats *service,
                           const struct fl_exporter_stats *exporters, size_t n, struct fl_err *err)
{
    if (!db->written && !(db->written = calloc(1, sizeof *db->written)))
        return fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
    struct fl_written *w = db->written;
    struct fl_step *steps = look(w, exporters, n);
    if (!steps)
        return fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
    int rc = fl_rulesdb_run(db, SQL_BEGIN, "");
    bool begun = rc == SQLITE_OK;
    if (begun)
        rc = put_changes(db, service, steps, n);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_COMMIT, "");
    if (rc == SQLITE_OK) {
        if (service->disk_shed > w->disk_shed)
            w->disk_shed_ms = service->updated_ms;
        w->shed = service->queue_shed + service->disk_shed;
        w->disk_shed = service->disk_shed;
        w->at_ms = service->updated_ms;
        remember(w, service, exporters, steps, n);
    } else {
        rc = fl_rulesdb_fail(db, err);
        if (begun)
            fl_rulesdb_run(db, SQL_ROLLBACK, "");
        w->begun = false; /* write every row the next time; what has been counted since is still known */
        w->forgot_at_ms = 0;
    }
    free(steps);
    return rc;
}
