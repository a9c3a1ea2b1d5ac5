/* The lanes. Each datagram is looked up and decoded, and its records are packed, where it is received: that
 * costs less than passing it to another thread would. */
#include "collector/lanes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "collector/listen.h"
#include "collector/receive.h"
#include "storage/log.h"
#include "storage/timetext.h"

enum {
    LANES_BY_DEFAULT = 4,
    LANES_MOST = 64,
    TICK_MS = 100,
    REST_TICK_MS = 1000, /* when nothing came for REST_MS */
    REST_MS = 10000,
    PUBLISH_MS = 1000,
    PLACES = 1024 /* senders whose location is remembered; a power of two */
};

/* What the configuration says of a sender. */
struct place {
    struct fl_addr exporter;
    const char *location; /* in the settings; NULL: refused */
    uint32_t sampling;
    bool known;
};

struct lane {
    struct fl_lanes *owner;
    size_t index;
    pthread_t thread;
    bool running;
    uv_loop_t loop;
    bool has_loop;
    uv_async_t wake;
    uv_timer_t tick;
    struct fl_receiver *receiver;
    struct fl_decoder *decoder;
    struct fl_settings *settings;
    struct fl_lane_counters *counters;
    uint64_t ticked_datagrams;       /* counters->datagrams at the last tick */
    uint64_t heard_at, published_at; /* uv_now */
    struct place places[PLACES];
};

struct fl_lanes {
    struct fl_lanes_setup setup;
    size_t n;
    struct lane *lanes;
    _Atomic bool stopping;
};

size_t fl_lanes_wanted(const struct fl_config *config)
{
    if (config->receive_threads)
        return config->receive_threads < LANES_MOST ? config->receive_threads : LANES_MOST;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors < LANES_BY_DEFAULT ? (size_t)processors : LANES_BY_DEFAULT;
}

/* ---- a datagram's way ---- */

static const struct place *place_of(struct lane *l, const struct fl_addr *exporter)
{
    struct place *p = &l->places[fl_addr_hash(exporter) & (PLACES - 1)];
    if (p->known && !fl_addr_cmp(&p->exporter, exporter))
        return p;
    *p = (struct place){.exporter = *exporter, .known = true};
    p->location = fl_config_location(&l->settings->config, exporter, &p->sampling);
    return p;
}

static void on_datagram(void *ctx, const struct fl_datagram *d)
{
    struct lane *l = ctx;
    struct fl_census *census = l->owner->setup.census;
    fl_count(&l->counters->datagrams, 1);
    const struct place *p = place_of(l, &d->exporter);
    if (!p->location) {
        fl_census_refused(census, l->index, &d->exporter, d->received_ms);
        return;
    }
    struct fl_sender from = {d->exporter, d->source_port, p->location, p->sampling};
    if (fl_decode(l->decoder, d->bytes, d->length, &from, d->received_ms) < 0)
        fl_census_malformed(census, l->index, &d->exporter, d->received_ms);
}

static void on_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct lane *l = ctx;
    size_t shed = fl_queue_add(l->owner->setup.queue, l->index, location, flows, n);
    if (shed)
        fl_count(&l->counters->queue_shed, shed);
}

static struct fl_flow *on_room(void *ctx, const char *location, size_t n)
{
    struct lane *l = ctx;
    return fl_queue_room(l->owner->setup.queue, l->index, location, n);
}

/* ---- settings ---- */

/* A lane's share of what is bounded in all, but not less than one exporter may have. */
static size_t share(const struct fl_lanes *lanes, size_t all, size_t least)
{
    return all / lanes->n > least ? all / lanes->n : least;
}

static void limits_of(const struct fl_lanes *lanes, const struct fl_config *config,
                      struct fl_decoder_limits *limits)
{
    fl_decoder_limits_init(limits);
    limits->max_future_ms = config->max_future_ms;
    limits->template_timeout_ms = config->template_timeout_ms;
    limits->template_bytes = share(lanes, limits->template_bytes, limits->template_bytes_address);
    limits->held_bytes_all = share(lanes, limits->held_bytes_all, limits->held_bytes_address);
}

static void follow_settings(struct lane *l)
{
    struct fl_settings_box *box = l->owner->setup.settings;
    struct fl_settings *now = fl_settings_get(box), *old = l->settings;
    l->settings = now;
    if (now != old) {
        struct fl_decoder_limits limits;
        limits_of(l->owner, &now->config, &limits);
        fl_decoder_set_limits(l->decoder, &limits);
        for (size_t i = 0; i < PLACES; i++)
            l->places[i].known = false;
    }
    fl_settings_put(box, old);
}

/* ---- a lane's life ---- */

static void publish(struct lane *l)
{
    fl_count(&l->counters->kernel_drops, fl_receiver_drops(l->receiver));
    fl_census_publish(l->owner->setup.census, l->index, l->decoder);
    l->published_at = uv_now(&l->loop);
}

static void on_tick(uv_timer_t *timer)
{
    struct lane *l = timer->data;
    uint64_t now = uv_now(&l->loop), datagrams = atomic_load(&l->counters->datagrams);
    follow_settings(l);
    fl_decoder_tick(l->decoder, fl_now_ms());
    if (now - l->published_at >= PUBLISH_MS)
        publish(l);
    if (datagrams != l->ticked_datagrams)
        l->heard_at = now;
    l->ticked_datagrams = datagrams;
    uv_timer_set_repeat(timer, now - l->heard_at < REST_MS ? TICK_MS : REST_TICK_MS);
}

static void close_handles(struct lane *l)
{
    fl_receiver_stop(l->receiver);
    uv_close((uv_handle_t *)&l->tick, NULL);
    uv_close((uv_handle_t *)&l->wake, NULL);
}

static void on_wake(uv_async_t *wake)
{
    struct lane *l = wake->data;
    follow_settings(l);
    if (atomic_load(&l->owner->stopping))
        close_handles(l);
}

static void *run(void *ctx)
{
    struct lane *l = ctx;
    pthread_setname_np(pthread_self(), "receiving");
    uv_run(&l->loop, UV_RUN_DEFAULT);
    fl_decoder_flush(l->decoder, fl_now_ms());
    publish(l);
    return NULL;
}

/* ---- opening ---- */

static int open_lane(struct fl_lanes *lanes, size_t index, struct fl_err *err)
{
    struct lane *l = &lanes->lanes[index];
    struct fl_decoder_limits limits;
    l->owner = lanes;
    l->index = index;
    l->settings = fl_settings_get(l->owner->setup.settings);
    l->counters = fl_census_counters(l->owner->setup.census, l->index);
    limits_of(l->owner, &l->settings->config, &limits);
    int rc = fl_decoder_new(&l->decoder, &limits, on_flows, l);
    if (rc)
        return fl_fail(err, rc, "%s", fl_strerror(rc));
    fl_decoder_set_room(l->decoder, on_room);
    rc = uv_loop_init(&l->loop);
    if (rc)
        return fl_fail(err, FL_EIO, "cannot make an event loop: %s", uv_strerror(rc));
    l->has_loop = true;
    uv_timer_init(&l->loop, &l->tick);
    uv_async_init(&l->loop, &l->wake, on_wake);
    l->tick.data = l->wake.data = l;
    if (fl_receiver_new(&l->receiver, &l->loop, l->settings->config.n_listen, on_datagram, l))
        return fl_fail(err, FL_ENOMEM, "out of memory");
    return 0;
}

/* "[::]" hears IPv4 too, unless another address of the list wants that port there. */
static bool shares_port(const struct fl_listen *all, size_t n, const struct fl_listen *l)
{
    for (size_t i = 0; i < n; i++)
        if (&all[i] != l && all[i].port == l->port && !all[i].v6)
            return true;
    return false;
}

/* One address: a socket of it for each lane. */
static int open_address(struct fl_lanes *lanes, const struct fl_listen *all, size_t n, size_t i,
                        int64_t wanted_bytes, struct fl_err *err)
{
    int fds[LANES_MOST], rc = 0;
    int64_t granted = 0;
    bool v6_only = all[i].v6 && shares_port(all, n, &all[i]);
    rc = fl_listen_open(&all[i], v6_only, wanted_bytes, fds, lanes->n, &granted, err);
    if (rc)
        return rc;
    for (size_t j = 0; j < lanes->n; j++) {
        int added = fl_receiver_add(lanes->lanes[j].receiver, fds[j], granted, rc ? NULL : err);
        rc = rc ? rc : added;
    }
    if (granted < wanted_bytes && i == 0)
        fl_warning(
            "the kernel grants a receive buffer of %lld bytes where %lld are configured; bursts may be "
            "dropped; raise it with: sysctl -w net.core.rmem_max=%lld",
            (long long)granted, (long long)wanted_bytes, (long long)wanted_bytes);
    return rc;
}

static int open_addresses(struct fl_lanes *lanes, const struct fl_config *config, struct fl_err *err)
{
    size_t n = config->n_listen;
    struct fl_listen *all = calloc(n + 1, sizeof *all);
    int rc = all ? 0 : fl_fail(err, FL_ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < n; i++)
        rc = fl_listen_parse(config->listen[i], &all[i], err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = open_address(lanes, all, n, i, config->receive_buffer_bytes, err);
    free(all);
    return rc;
}

int fl_lanes_open(struct fl_lanes **out, const struct fl_lanes_setup *setup, struct fl_err *err)
{
    struct fl_settings *settings = fl_settings_get(setup->settings);
    struct fl_lanes *lanes = calloc(1, sizeof *lanes);
    int rc = FL_ENOMEM;
    *out = NULL;
    if (!lanes)
        goto done;
    lanes->setup = *setup;
    lanes->lanes = calloc(setup->n, sizeof *lanes->lanes);
    if (!lanes->lanes)
        goto done;
    rc = 0;
    lanes->n = setup->n;
    for (size_t i = 0; !rc && i < lanes->n; i++)
        rc = open_lane(lanes, i, err);
    if (!rc)
        rc = open_addresses(lanes, &settings->config, err);
done:
    fl_settings_put(setup->settings, settings);
    if (rc) {
        if (err && !err->text[0])
            fl_fail(err, rc, "%s", fl_strerror(rc));
        fl_lanes_free(lanes);
        return rc;
    }
    *out = lanes;
    return 0;
}

int fl_lanes_restore(void *ctx, const struct fl_wire_template *t)
{
    struct fl_lanes *lanes = ctx;
    for (size_t i = 0; i < lanes->n; i++)
        fl_decoder_restore(lanes->lanes[i].decoder, t);
    return 0;
}

int fl_lanes_start(struct fl_lanes *lanes, struct fl_err *err)
{
    for (size_t i = 0; i < lanes->n; i++) {
        struct lane *l = &lanes->lanes[i];
        uv_timer_start(&l->tick, on_tick, TICK_MS, TICK_MS);
        fl_receiver_start(l->receiver);
        if (pthread_create(&l->thread, NULL, run, l))
            return fl_fail(err, FL_EIO,
                           "cannot start receiving thread %zu of %zu; fewer are set with "
                           "receive-threads",
                           i + 1, lanes->n);
        l->running = true;
    }
    return 0;
}

/* ---- ending ---- */

void fl_lanes_wake(struct fl_lanes *lanes)
{
    for (size_t i = 0; i < lanes->n; i++)
        if (lanes->lanes[i].running)
            uv_async_send(&lanes->lanes[i].wake);
}

void fl_lanes_stop(struct fl_lanes *lanes)
{
    if (!lanes)
        return;
    atomic_store(&lanes->stopping, true);
    fl_lanes_wake(lanes);
    for (size_t i = 0; i < lanes->n; i++) {
        struct lane *l = &lanes->lanes[i];
        if (!l->running)
            continue;
        pthread_join(l->thread, NULL);
        l->running = false;
    }
}

static void free_lane(struct lane *l)
{
    if (l->has_loop) {
        if (!uv_is_closing((uv_handle_t *)&l->tick)) /* it never ran */
            close_handles(l);
        uv_run(&l->loop, UV_RUN_DEFAULT);
        uv_loop_close(&l->loop);
    }
    fl_receiver_free(l->receiver);
    fl_decoder_free(l->decoder);
    if (l->settings)
        fl_settings_put(l->owner->setup.settings, l->settings);
}

void fl_lanes_free(struct fl_lanes *lanes)
{
    if (!lanes)
        return;
    fl_lanes_stop(lanes);
    for (size_t i = 0; i < lanes->n; i++)
        free_lane(&lanes->lanes[i]);
    free(lanes->lanes);
    free(lanes);
}
