/* The courier: a libuv loop with a lane for each sink, in which one event at a time is under way.
 *
 * A lane takes the next event from the outbox, sends it, notes what came of it, and goes on; after a failure
 * it rests. Once a second the courier looks whether there are new events, also those that another process
 * made, and whether the configuration is another one. */
#include "collector/sink/courier.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uv.h>

#include "collector/sink/event.h"
#include "collector/sink/example.h"
#include "collector/sink/sink.h"
#include "collector/sink/web.h"
#include "storage/log.h"
#include "storage/rulesdb_sink.h"
#include "storage/timetext.h"

enum { LOOK_MS = 1000, LAST_MS = 3000, MOST_REFUSALS = 8 };

struct lane {
    struct fl_courier *courier;
    struct fl_sink_config config;
    struct fl_attempt *attempt; /* under way; NULL: none */
    struct fl_outbox_item item;
    struct fl_sink_message message;
    json_t *event;
    char *json;
    uv_timer_t timer; /* until the next attempt */
    bool resting;     /* the timer runs because of a failure */
    unsigned failures;
    struct lane *next;
};

struct fl_courier {
    struct fl_courier_setup setup;
    pthread_t thread;
    uv_loop_t uv;
    uv_async_t wake;       /* stop was asked for */
    uv_timer_t look, last; /* each second; the end of patience at the end */
    struct fl_rulesdb *db;
    struct fl_sink_loop shared;
    struct fl_settings *settings;  /* in force */
    struct fl_sink_config *wanted; /* its sinks, borrowed from it, the one of alerts-file first */
    size_t n_wanted;
    struct lane *lanes;
    bool begun; /* the outbox knows of the sinks wanted */
    bool stopping, closed;
    bool troubled; /* the database failed, which was logged */
};

static void check_idle(struct fl_courier *c);

/* ---- what can go wrong with the database ---- */

/* Say so, once until it works again. Returns rc. */
static int mind(struct fl_courier *c, int rc, const struct fl_err *err)
{
    if (rc < 0 && !c->troubled)
        fl_error("alerts cannot be delivered now, and are kept until they can: %s",
                 err->text[0] ? err->text : fl_strerror(rc));
    if (rc >= 0 && c->troubled)
        fl_info("the outbox of alerts can be used again");
    c->troubled = rc < 0;
    return rc;
}

static void say_dropped(size_t dropped, const char *why)
{
    if (dropped)
        fl_warning("%zu alert events that still waited for a sink were given up: %s", dropped, why);
}

/* ---- one lane ---- */

static void clear_message(struct lane *lane)
{
    json_decref(lane->event);
    free(lane->json);
    lane->event = NULL;
    lane->json = NULL;
}

/* Put the lane's item into words. */
static int compose(struct lane *lane, struct fl_err *err)
{
    struct fl_courier *c = lane->courier;
    json_t *alert = NULL, *ids = json_array(), *hosts = json_array();
    int rc = ids && hosts ? fl_rulesdb_outbox_alert(c->db, lane->item.alert_id, &alert, err) : FL_ENOMEM;
    if (rc == 0 && json_is_integer(json_object_get(alert, "rule_id")))
        fl_example_describe(c->db, c->setup.data_dir, json_integer_value(json_object_get(alert, "rule_id")),
                            ids, hosts);
    if (rc == 0)
        lane->event = fl_event_make(alert, &lane->item, ids, hosts);
    lane->json = lane->event ? json_dumps(lane->event, JSON_COMPACT) : NULL;
    if (rc == 0 && !lane->json)
        rc = FL_ENOMEM;
    lane->message = (struct fl_sink_message){lane->item.uid, lane->item.kind, lane->event, lane->json};
    json_decref(alert);
    json_decref(ids);
    json_decref(hosts);
    return rc;
}

static void advance(struct lane *lane);

static void on_lane_timer(uv_timer_t *timer)
{
    struct lane *lane = timer->data;
    lane->resting = false;
    advance(lane);
    check_idle(lane->courier);
}

static void wait_for(struct lane *lane, int64_t wait_ms, bool resting)
{
    lane->resting = resting;
    uv_timer_start(&lane->timer, on_lane_timer, (uint64_t)wait_ms, 0);
}

static double random_share(void)
{
    uint32_t bits = 0;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits)
        return 0.5;
    return bits / 4294967296.0;
}

static void say_reply(const struct lane *lane, const struct fl_sink_reply *reply, enum fl_outcome outcome)
{
    if (outcome == FL_OUTCOME_REFUSED)
        fl_error("the sink %s refused an event of alert %lld for good: %s", lane->config.name,
                 (long long)lane->item.alert_id, reply->error);
    else if (outcome == FL_OUTCOME_FAILED && lane->failures == 0)
        fl_warning("the sink %s does not take alerts, which wait for it: %s", lane->config.name,
                   reply->error);
    else if (outcome == FL_OUTCOME_DELIVERED && lane->failures > 0)
        fl_info("the sink %s takes alerts again", lane->config.name);
}

static void on_reply(void *ctx, const struct fl_sink_reply *reply)
{
    struct lane *lane = ctx;
    struct fl_courier *c = lane->courier;
    struct fl_err err = {""};
    enum fl_outcome outcome = reply->outcome;
    if (outcome == FL_OUTCOME_REFUSED && lane->item.attempts + 1 < MOST_REFUSALS)
        outcome =
            FL_OUTCOME_FAILED; /* a wrong token is put right more often than an alert is beyond telling */
    say_reply(lane, reply, outcome);
    lane->failures = outcome == FL_OUTCOME_DELIVERED ? 0 : lane->failures + 1;
    int64_t wait_ms = lane->failures ? fl_backoff_asked_ms(&c->setup.backoff, lane->failures, random_share(),
                                                           reply->after_ms)
                                     : 0;
    struct fl_outbox_result result = {outcome, reply->error, fl_now_ms(), fl_now_ms() + wait_ms};
    if (mind(c, fl_rulesdb_outbox_note(c->db, lane->config.name, lane->item.event_id, &result, &err), &err) <
        0)
        wait_ms = c->setup.backoff.base_ms; /* it will be told again, under the same id */
    clear_message(lane);
    wait_for(lane, wait_ms, wait_ms > 0);
    check_idle(c);
}

/* Send the next event, unless one is under way or the lane rests. */
static void advance(struct lane *lane)
{
    struct fl_courier *c = lane->courier;
    struct fl_err err = {""};
    if (lane->attempt || uv_is_active((uv_handle_t *)&lane->timer) || !c->begun || c->closed)
        return;
    int rc = fl_rulesdb_outbox_next(c->db, lane->config.name, &lane->item, &err);
    if (rc > 0)
        rc = compose(lane, &err) < 0 ? FL_EDB : 1;
    mind(c, rc, &err);
    if (rc > 0)
        fl_sink_send(&lane->attempt, &c->shared, &lane->config, &lane->message, on_reply, lane);
    else
        clear_message(lane);
    if (rc < 0)
        wait_for(lane, c->setup.backoff.base_ms, true);
}

static void on_lane_closed(uv_handle_t *handle)
{
    struct lane *lane = handle->data;
    fl_sink_config_clear(&lane->config);
    free(lane);
}

static void close_lane(struct lane *lane)
{
    fl_sink_cancel(lane->attempt);
    clear_message(lane);
    uv_close((uv_handle_t *)&lane->timer, on_lane_closed);
}

static int open_lane(struct fl_courier *c, const struct fl_sink_config *config)
{
    struct lane *lane = calloc(1, sizeof *lane);
    int rc = lane ? fl_sink_config_copy(&lane->config, config) : FL_ENOMEM;
    if (rc) {
        free(lane);
        return rc;
    }
    lane->courier = c;
    uv_timer_init(&c->uv, &lane->timer);
    lane->timer.data = lane;
    lane->next = c->lanes;
    c->lanes = lane;
    return 0;
}

/* ---- which sinks there are ---- */

static bool is_wanted(const struct fl_courier *c, const struct lane *lane)
{
    for (size_t i = 0; i < c->n_wanted; i++)
        if (fl_sink_config_equal(&c->wanted[i], &lane->config))
            return true;
    return false;
}

static bool has_lane(const struct fl_courier *c, const struct fl_sink_config *config)
{
    for (const struct lane *lane = c->lanes; lane; lane = lane->next)
        if (strcmp(lane->config.name, config->name) == 0)
            return true;
    return false;
}

/* Lanes as wanted: those of unchanged sinks go on with what they do. */
static int match_lanes(struct fl_courier *c)
{
    int rc = 0;
    for (struct lane **at = &c->lanes; *at;) {
        struct lane *lane = *at;
        if (is_wanted(c, lane)) {
            at = &lane->next;
            continue;
        }
        *at = lane->next;
        close_lane(lane);
    }
    for (size_t i = 0; rc == 0 && i < c->n_wanted; i++)
        if (!has_lane(c, &c->wanted[i]))
            rc = open_lane(c, &c->wanted[i]);
    return rc;
}

static int take_settings(struct fl_courier *c, struct fl_err *err)
{
    size_t dropped = 0;
    struct fl_settings *now = fl_settings_get(c->setup.settings);
    if (now != c->settings) {
        fl_settings_put(c->setup.settings, c->settings);
        c->settings = now;
        c->begun = false;
    } else {
        fl_settings_put(c->setup.settings, now);
    }
    if (c->begun)
        return 0;
    int rc = fl_sink_list(&c->settings->config, &c->wanted, &c->n_wanted);
    if (rc == 0)
        rc = match_lanes(c);
    if (rc == 0)
        rc = fl_rulesdb_sinks_begin(c->db, c->wanted, c->n_wanted, &dropped, err);
    c->begun = rc == 0;
    say_dropped(dropped, "it is no longer configured");
    return rc;
}

/* ---- the loop ---- */

static void look(struct fl_courier *c)
{
    struct fl_err err = {""};
    size_t dropped = 0;
    int rc = take_settings(c, &err);
    if (rc == 0)
        rc = fl_rulesdb_outbox_fill(c->db, c->wanted, c->n_wanted, FL_MOST_EVENTS, &dropped, &err);
    say_dropped(dropped, "only the newest 10000 are kept");
    if (mind(c, rc, &err) < 0)
        return;
    for (struct lane *lane = c->lanes; lane; lane = lane->next)
        advance(lane);
}

static void on_look(uv_timer_t *timer)
{
    look(timer->data);
}

/* Close everything; the loop ends when that is done. */
static void shut(struct fl_courier *c)
{
    if (c->closed)
        return;
    c->closed = true;
    while (c->lanes) {
        struct lane *lane = c->lanes;
        c->lanes = lane->next;
        close_lane(lane);
    }
    fl_web_close(c->shared.web);
    uv_close((uv_handle_t *)&c->look, NULL);
    uv_close((uv_handle_t *)&c->last, NULL);
    uv_close((uv_handle_t *)&c->wake, NULL);
}

/* At the end: is there nothing more to be done? */
static void check_idle(struct fl_courier *c)
{
    if (!c->stopping)
        return;
    for (const struct lane *lane = c->lanes; lane; lane = lane->next)
        if (lane->attempt || (uv_is_active((const uv_handle_t *)&lane->timer) && !lane->resting))
            return;
    shut(c);
}

static void on_last(uv_timer_t *timer)
{
    shut(timer->data);
}

static void on_wake(uv_async_t *wake)
{
    struct fl_courier *c = wake->data;
    c->stopping = true;
    uv_timer_stop(&c->look);
    uv_timer_start(&c->last, on_last, LAST_MS, 0);
    look(c);
    check_idle(c);
}

static void *run(void *ctx)
{
    struct fl_courier *c = ctx;
    uv_run(&c->uv, UV_RUN_DEFAULT);
    return NULL;
}

static int open_loop(struct fl_courier *c, struct fl_err *err)
{
    int rc = uv_loop_init(&c->uv);
    if (rc == 0 && (rc = uv_async_init(&c->uv, &c->wake, on_wake)) != 0)
        uv_loop_close(&c->uv);
    if (rc)
        return fl_fail(err, FL_EIO, "cannot make an event loop: %s", uv_strerror(rc));
    uv_timer_init(&c->uv, &c->look);
    uv_timer_init(&c->uv, &c->last);
    c->look.data = c->last.data = c->wake.data = c;
    c->shared = (struct fl_sink_loop){.uv = &c->uv, .data_dir = c->setup.data_dir};
    if (fl_web_open(&c->shared.web, &c->uv) < 0)
        fl_error("libcurl cannot be started; webhooks wait until the next start");
    uv_timer_start(&c->look, on_look, 0, LOOK_MS);
    return 0;
}

static void release(struct fl_courier *c)
{
    fl_settings_put(c->setup.settings, c->settings);
    fl_rulesdb_close(c->db);
    free(c->wanted);
    free(c);
}

int fl_courier_start(struct fl_courier **out, const struct fl_courier_setup *setup, struct fl_err *err)
{
    struct fl_courier *c = calloc(1, sizeof *c);
    if (!c)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    c->setup = *setup;
    int rc = fl_rulesdb_open(&c->db, setup->data_dir, FL_RULESDB_CREATE, err);
    if (!rc)
        rc = open_loop(c, err);
    if (!rc && pthread_create(&c->thread, NULL, run, c)) {
        rc = fl_fail(err, FL_EIO, "cannot start the thread that delivers alerts");
        shut(c);
        uv_run(&c->uv, UV_RUN_DEFAULT);
        uv_loop_close(&c->uv);
    }
    if (rc)
        release(c);
    else
        *out = c;
    return rc;
}

void fl_courier_finish(struct fl_courier *c)
{
    if (!c)
        return;
    uv_async_send(&c->wake);
    pthread_join(c->thread, NULL);
    uv_loop_close(&c->uv);
    release(c);
}
