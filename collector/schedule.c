/* Scheduled mining: which boundaries are due, and running them in order. */
#include "collector/schedule.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mining/mine.h"
#include "storage/log.h"
#include "storage/timetext.h"

enum { LOOK_MS = 1000, RETRY_MS = 60000 };

/* How far a location is done: a boundary that was mined, or passed over for want of records. */
struct progress {
    char location[FL_LOCATION_NAME];
    int64_t done_ms, every_ms;
    int64_t failed_at_ms; /* wall clock; 0: the last run went well */
    struct fl_kept_flows kept_flows;
    int64_t mined_at_ms; /* wall clock: the last run that left those */
};

struct fl_scheduler {
    struct fl_scheduler_setup setup;
    pthread_t thread;
    struct fl_rulesdb *db;
    struct progress *places;
    size_t n;
};

int64_t fl_schedule_floor(int64_t ms, int64_t every_ms)
{
    assert(every_ms > 0);
    int64_t rest = ms % every_ms;
    return ms - (rest < 0 ? rest + every_ms : rest);
}

int64_t fl_schedule_next(int64_t done_ms, int64_t watermark_ms, int64_t every_ms,
                         const struct fl_bucket_info *buckets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (buckets[i].to_ms <= done_ms)
            continue;
        int64_t next = done_ms + every_ms;
        int64_t first_inside = fl_schedule_floor(buckets[i].from_ms, every_ms) + every_ms;
        if (next < first_inside)
            next = first_inside;
        return next <= watermark_ms ? next : FL_SCHEDULE_NONE;
    }
    return FL_SCHEDULE_NONE;
}

static int stop_at_first(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    *(bool *)ctx = *(bool *)ctx || n > 0;
    return n > 0 ? FL_ESTOP : 0;
}

/* Buckets say that records may be there; this says whether they are. */
static bool has_flows(struct fl_scheduler *s, const char *location, int64_t from_ms, int64_t to_ms)
{
    bool found = false;
    struct fl_scan_filter filter = {.location = location, .from_ms = from_ms, .to_ms = to_ms};
    struct fl_scan_report report = {0};
    int rc = fl_store_scan(s->setup.data_dir, &filter, stop_at_first, &found, &report, NULL);
    return found || (rc && rc != FL_ESTOP) || report.n_damaged;
}

static struct progress *add_place(struct fl_scheduler *s, const char *location)
{
    struct progress *grown = realloc(s->places, (s->n + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    s->places = grown;
    struct progress *p = &grown[s->n++];
    *p = (struct progress){0};
    memcpy(p->location, location, strnlen(location, sizeof p->location - 1));
    return p;
}

/* Where to go on from: the last scheduled run, or, for a location never mined, its first record. */
static int find_done(struct fl_scheduler *s, struct progress *p, const struct fl_watermark *mark,
                     int64_t every_ms, struct fl_err *err)
{
    int64_t last;
    int rc = fl_rulesdb_last_scheduled(s->db, p->location, &last, err);
    if (rc)
        return rc;
    p->every_ms = every_ms;
    p->done_ms = fl_schedule_floor(last == INT64_MIN ? mark->first_ms : last, every_ms);
    return 0;
}

static struct progress *place_of(struct fl_scheduler *s, const struct fl_watermark *mark, int64_t every_ms,
                                 struct fl_err *err)
{
    struct progress *p = NULL;
    for (size_t i = 0; i < s->n && !p; i++)
        if (!strcmp(s->places[i].location, mark->location))
            p = &s->places[i];
    if (!p)
        p = add_place(s, mark->location);
    if (p && p->every_ms != every_ms && find_done(s, p, mark, every_ms, err)) {
        p->every_ms = 0;
        return NULL;
    }
    return p;
}

static int stopping(void *ctx, enum fl_phase phase, double done)
{
    struct fl_scheduler *s = ctx;
    return atomic_load(&s->setup.pause->stopping);
}

static void log_run(const struct fl_mine_result *result)
{
    const struct fl_run *run = &result->run;
    char from[FL_TIME_TEXT], to[FL_TIME_TEXT], left_out[512];
    fl_info("mined %s from %s to %s: %" PRIu64 " flows, %" PRIu64 " rules, %" PRIu64
            " novel, %zu alerts, in %" PRId64 " ms",
            run->location, fl_time_format_s(run->from_ms, from), fl_time_format_s(run->to_ms, to), run->flows,
            run->rules, run->novel, result->alerts, run->took_ms);
    if (*run->unclean)
        fl_warning("mined %s: the data are not whole: %s; %zu rules are held", run->location, run->unclean,
                   run->held);
    if (result->crowded)
        fl_warning("mining %s: of more than %d nodes under one host and window only the wildcards are paired",
                   run->location, FL_CROWD);
    if (fl_mine_left_out(result, left_out))
        fl_warning("mining %s", left_out);
    for (size_t i = 0; i < result->n_damaged && i < sizeof result->damaged / sizeof *result->damaged; i++)
        fl_warning("damaged flows left out: %s", result->damaged[i]);
}

/* Keep flows for the next runs in a quarter of what a run may use: the location with the most
 * starts afresh. */
static void bound_kept(struct fl_scheduler *s, const struct fl_config *config)
{
    for (;;) {
        struct progress *most = NULL;
        uint64_t all = 0;
        for (size_t i = 0; i < s->n; i++) {
            uint64_t bytes = fl_kept_flows_bytes(&s->places[i].kept_flows);
            all += bytes;
            if (!most || bytes > fl_kept_flows_bytes(&most->kept_flows))
                most = &s->places[i];
        }
        if (!most || all <= fl_mine_memory_bytes(&config->mining) / 4)
            return;
        fl_kept_flows_clear(&most->kept_flows);
    }
}

/* What is kept of a location that has not been mined for a few turns is of little use. */
static void forget_idle(struct fl_scheduler *s, int64_t every_ms)
{
    for (size_t i = 0; i < s->n; i++)
        if (fl_kept_flows_bytes(&s->places[i].kept_flows) &&
            fl_now_ms() - s->places[i].mined_at_ms > 3 * every_ms)
            fl_kept_flows_clear(&s->places[i].kept_flows);
}

static int mine(struct fl_scheduler *s, const struct fl_config *config, struct progress *p, int64_t to_ms)
{
    const char *location = p->location;
    struct fl_mine_request request = {
        .data_dir = s->setup.data_dir,
        .location = location,
        .from_ms = to_ms - config->mining.span_ms,
        .to_ms = to_ms,
        .config = config,
        .scheduled = true,
        .kept_flows = &p->kept_flows,
        .progress = stopping,
        .ctx = s,
    };
    struct fl_mine_result result = {0};
    struct fl_err err = {""};
    char text[FL_TIME_TEXT];
    int rc = fl_mine(s->db, &request, &result, &err);
    p->mined_at_ms = fl_now_ms();
    bound_kept(s, config);
    if (rc == FL_ESTOP)
        return rc;
    if (rc == FL_ELIMIT) { /* it would be too much again in a minute; an hour on it may be less */
        fl_error("mining %s up to %s is left out: %s", location, fl_time_format_s(to_ms, text), err.text);
        return 0;
    }
    if (rc) {
        fl_error("mining %s up to %s failed and is tried again in a minute: %s", location,
                 fl_time_format_s(to_ms, text), err.text[0] ? err.text : fl_strerror(rc));
        return rc;
    }
    log_run(&result);
    return 0;
}

/* Run every boundary of one location that is due, in order. */
static void catch_up(struct fl_scheduler *s, const struct fl_config *config, struct progress *p,
                     int64_t watermark_ms)
{
    struct fl_bucket_list list = {0};
    struct fl_err err = {""};
    int64_t every_ms = p->every_ms;
    if (fl_store_buckets(s->setup.data_dir, p->location, p->done_ms, watermark_ms, &list, &err)) {
        fl_error("mining %s: %s", p->location, err.text);
        p->failed_at_ms = fl_now_ms();
        return;
    }
    while (!atomic_load(&s->setup.pause->stopping)) {
        int64_t next = fl_schedule_next(p->done_ms, watermark_ms, every_ms, list.items, list.n);
        if (next == FL_SCHEDULE_NONE)
            break;
        int rc = has_flows(s, p->location, next - every_ms, next) ? mine(s, config, p, next) : 0;
        p->failed_at_ms = rc ? fl_now_ms() : 0;
        if (rc)
            break;
        p->done_ms = next;
    }
    fl_bucket_list_clear(&list);
}

static void look(struct fl_scheduler *s, const struct fl_config *config)
{
    int64_t every_ms = config->mining.every_ms;
    struct fl_watermark *marks;
    int n = every_ms ? fl_watermarks_snapshot(s->setup.watermarks, &marks) : 0;
    if (n <= 0)
        return;
    for (int i = 0; i < n; i++) {
        struct fl_err err = {""};
        struct progress *p = place_of(s, &marks[i], every_ms, &err);
        if (!p)
            fl_error("mining %s: %s", marks[i].location, err.text[0] ? err.text : "out of memory");
        else if (p->done_ms + every_ms <= marks[i].watermark_ms &&
                 (!p->failed_at_ms || fl_now_ms() - p->failed_at_ms >= RETRY_MS))
            catch_up(s, config, p, marks[i].watermark_ms);
    }
    free(marks);
    forget_idle(s, every_ms);
}

static void *run(void *ctx)
{
    struct fl_scheduler *s = ctx;
    do {
        struct fl_settings *settings = fl_settings_get(s->setup.settings);
        look(s, &settings->config);
        fl_settings_put(s->setup.settings, settings);
    } while (!fl_pause_wait(s->setup.pause, LOOK_MS));
    return NULL;
}

int fl_scheduler_start(struct fl_scheduler **out, const struct fl_scheduler_setup *setup, struct fl_err *err)
{
    struct fl_scheduler *s = calloc(1, sizeof *s);
    if (!s)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    s->setup = *setup;
    int rc = fl_rulesdb_open(&s->db, setup->data_dir, FL_RULESDB_CREATE, err);
    if (!rc && pthread_create(&s->thread, NULL, run, s))
        rc = fl_fail(err, FL_EIO, "cannot start the mining thread");
    if (rc) {
        fl_rulesdb_close(s->db);
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void fl_scheduler_finish(struct fl_scheduler *s)
{
    if (!s)
        return;
    pthread_join(s->thread, NULL);
    fl_rulesdb_close(s->db);
    for (size_t i = 0; i < s->n; i++)
        fl_kept_flows_clear(&s->places[i].kept_flows);
    free(s->places);
    free(s);
}
