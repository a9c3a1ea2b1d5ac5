/* flowlored, the service: puts the threads together, and turns signals into what they do.
 *
 * The receiving lanes decode what they receive and hand flow records through a bounded queue to the storing
 * thread; its commits wake the mining thread; the courier delivers the alerts that its runs open. Stopping
 * goes the same way, so that whatever was received is stored. This thread only waits for signals. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "collector/census.h"
#include "collector/datadir.h"
#include "collector/lanes.h"
#include "collector/options.h"
#include "collector/schedule.h"
#include "collector/sink/courier.h"
#include "collector/storer.h"
#include "storage/log.h"
#include "storage/timetext.h"

enum { QUEUE_CLAIMS = 384, EXIT_USAGE = 2 };

struct service {
    struct fl_options options;
    struct fl_settings_box box;
    struct fl_settings *settings; /* in force */
    int64_t started_ms;
    struct fl_queue *queue;
    struct fl_census *census;
    struct fl_watermarks *watermarks;
    struct fl_pause mining;
    struct fl_storer *storer;
    struct fl_scheduler *scheduler;
    struct fl_courier *courier;
    struct fl_lanes *lanes;
    size_t n_lanes;
    uv_loop_t loop;
    uv_signal_t signals[4];
    int lock; /* -1: not held */
};

/* systemd's readiness protocol (sd_notify(3)): a datagram to the socket that the environment names. */
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    if (length < 2 || length > sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
        fl_warning("%s: %s", path, strerror(errno));
    close(fd);
}

/* "a, b, c" of many names, cut with "..." where `size` ends. */
static const char *join(char *out, size_t size, size_t n,
                        const char *(*name)(const struct fl_config *, size_t), const struct fl_config *config)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const char *text = name(config, i);
        if (used + strlen(text) + 8 > size) {
            snprintf(out + used, size - used, ", ...");
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", text);
    }
    return out;
}

static const char *listen_name(const struct fl_config *config, size_t i)
{
    return config->listen[i];
}

static const char *location_name(const struct fl_config *config, size_t i)
{
    return config->locations[i].name;
}

static const char *join_listen(const struct fl_config *c, char *out, size_t size)
{
    return join(out, size, c->n_listen, listen_name, c);
}

static const char *join_locations(const struct fl_config *c, char *out, size_t size)
{
    if (!c->n_locations)
        return "default (every exporter)";
    return join(out, size, c->n_locations, location_name, c);
}

static int check(const struct service *s, const struct fl_config *c)
{
    char text[256], a[FL_TIME_TEXT], b[FL_TIME_TEXT], prefix[FL_ADDR_TEXT + 4];
    printf("OK\ndata       %s\nlisten     %s\n", s->options.data_dir, join_listen(c, text, sizeof text));
    if (!c->n_locations)
        printf("location   default: every exporter\n");
    for (size_t i = 0; i < c->n_locations; i++) {
        printf("location   %s:", c->locations[i].name);
        for (size_t j = 0; j < c->locations[i].n_prefixes; j++)
            printf(" %s", fl_prefix_format(&c->locations[i].prefixes[j], prefix));
        putchar('\n');
    }
    printf("receiving  %zu thread%s, a buffer of %lld bytes each\n", fl_lanes_wanted(c),
           fl_lanes_wanted(c) == 1 ? "" : "s", (long long)c->receive_buffer_bytes);
    printf("retention  %s", c->retention_ms ? fl_duration_format(c->retention_ms, a) : "no end");
    if (c->retention_bytes)
        printf(", at most %lld bytes", (long long)c->retention_bytes);
    if (c->mining.every_ms)
        printf("\nmining     every %s over %s\n", fl_duration_format(c->mining.every_ms, a),
               fl_duration_format(c->mining.span_ms, b));
    else
        printf("\nmining     off\n");
    printf("alerts     %s\n", c->alerts_file ? c->alerts_file : "alerts.jsonl in the data directory");
    for (size_t i = 0; i < c->n_sinks; i++)
        printf("sink       %s: %s\n", c->sinks[i].name, fl_sink_kind_name(c->sinks[i].kind));
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool same_listen(const struct fl_config *a, const struct fl_config *b)
{
    if (a->n_listen != b->n_listen)
        return false;
    for (size_t i = 0; i < a->n_listen; i++)
        if (strcmp(a->listen[i], b->listen[i]))
            return false;
    return true;
}

static void reload(struct service *s)
{
    struct fl_config config;
    struct fl_err err = {""};
    if (fl_options_configure(&s->options, &config, &err)) {
        fl_error("the configuration was not taken over, the old one stays: %s", err.text);
        return;
    }
    const struct fl_config *old = &s->settings->config;
    if (!same_listen(old, &config) || old->bucket_ms != config.bucket_ms ||
        old->receive_buffer_bytes != config.receive_buffer_bytes ||
        old->receive_threads != config.receive_threads)
        fl_warning(
            "the addresses to listen on, the receive buffer, the receive threads and the bucket length "
            "change only with a restart; everything else is taken over");
    if (fl_settings_replace(&s->box, &config)) {
        fl_config_clear(&config);
        fl_error("the configuration was not taken over: out of memory");
        return;
    }
    struct fl_settings *now = fl_settings_get(&s->box);
    fl_settings_put(&s->box, s->settings);
    s->settings = now;
    fl_lanes_wake(s->lanes);
    fl_queue_wake(s->queue);
    char names[256];
    fl_info("configuration read again; locations: %s", join_locations(&now->config, names, sizeof names));
}

static void stop(struct service *s)
{
    notify("STOPPING=1");
    fl_lanes_stop(s->lanes);
    for (size_t i = 0; i < sizeof s->signals / sizeof *s->signals; i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    /* Without their handles these would end the process before it has stored what it received; another INT
     * from an impatient keyboard may. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct service *s = handle->data;
    if (number == SIGHUP)
        reload(s);
    else if (number == SIGUSR1)
        fl_storer_report(s->storer);
    else
        stop(s);
}

static void watch_signals(struct service *s)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* The addresses first: a port in use shall be known before anything is written. */
static int start_threads(struct service *s, struct fl_err *err)
{
    const char *dir = s->options.data_dir;
    struct fl_lanes_setup lanes = {&s->box, s->queue, s->census, s->n_lanes};
    int rc = fl_lanes_open(&s->lanes, &lanes, err);
    struct fl_storer_setup storer = {.data_dir = dir,
                                     .settings = &s->box,
                                     .queue = s->queue,
                                     .census = s->census,
                                     .lanes = s->n_lanes,
                                     .watermarks = s->watermarks,
                                     .committed = &s->mining,
                                     .started_ms = s->started_ms,
                                     .template = fl_lanes_restore,
                                     .template_ctx = s->lanes};
    struct fl_scheduler_setup scheduler = {dir, &s->box, s->watermarks, &s->mining};
    struct fl_courier_setup courier = {dir, &s->box, FL_BACKOFF_DEFAULT};
    if (!rc)
        rc = fl_storer_start(&s->storer, &storer, err);
    if (!rc)
        rc = fl_scheduler_start(&s->scheduler, &scheduler, err);
    if (!rc)
        rc = fl_courier_start(&s->courier, &courier, err);
    if (!rc)
        rc = fl_lanes_start(s->lanes, err);
    return rc;
}

static void finish_threads(struct service *s)
{
    fl_pause_stop(&s->mining);
    fl_queue_close(s->queue);
    fl_storer_finish(s->storer);
    fl_scheduler_finish(s->scheduler);
    fl_courier_finish(s->courier);
}

static int make_parts(struct service *s, struct fl_err *err)
{
    s->n_lanes = fl_lanes_wanted(&s->settings->config); /* once: processors come and go */
    int rc = fl_queue_new(&s->queue, s->n_lanes, s->settings->config.bucket_ms, QUEUE_CLAIMS);
    if (!rc)
        rc = fl_census_new(&s->census, s->n_lanes);
    if (!rc)
        rc = fl_watermarks_new(&s->watermarks);
    return rc ? fl_fail(err, rc, "%s", fl_strerror(rc)) : 0;
}

static int serve(struct service *s, struct fl_err *err)
{
    const struct fl_config *c = &s->settings->config;
    int rc = make_parts(s, err);
    if (rc)
        return rc;
    rc = start_threads(s, err);
    if (rc) {
        fl_lanes_stop(s->lanes);
    } else {
        char listen[256], names[256];
        watch_signals(s);
        fl_info("flowlored %s: listening on %s; locations: %s; data in %s", PACKAGE_VERSION,
                join_listen(c, listen, sizeof listen), join_locations(c, names, sizeof names),
                s->options.data_dir);
        notify("READY=1");
    }
    uv_run(&s->loop, UV_RUN_DEFAULT);
    finish_threads(s);
    return rc;
}

static int open_and_serve(struct service *s, struct fl_config *config, struct fl_err *err)
{
    int rc = fl_settings_replace(&s->box, config);
    if (rc) {
        fl_config_clear(config);
        return fl_fail(err, rc, "out of memory");
    }
    s->settings = fl_settings_get(&s->box);
    s->started_ms = fl_now_ms();
    s->lock = fl_datadir_lock(s->options.data_dir, err);
    if (s->lock < 0)
        return s->lock;
    rc = uv_loop_init(&s->loop);
    if (rc)
        return fl_fail(err, FL_EIO, "cannot make an event loop: %s", uv_strerror(rc));
    rc = serve(s, err);
    uv_loop_close(&s->loop);
    return rc;
}

static void clear(struct service *s)
{
    fl_lanes_free(s->lanes);
    fl_watermarks_free(s->watermarks);
    fl_census_free(s->census);
    fl_queue_free(s->queue);
    fl_settings_put(&s->box, s->settings);
    fl_settings_destroy(&s->box);
    fl_pause_destroy(&s->mining);
    fl_options_clear(&s->options);
    if (s->lock >= 0)
        close(s->lock);
}

static int act(struct service *s, int argc, char **argv)
{
    struct fl_config config;
    struct fl_err err = {""};
    int rc = fl_options_parse(&s->options, argc, argv, &err);
    if (!rc && s->options.help)
        return fputs(fl_options_help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (!rc && s->options.version)
        return puts("flowlored " PACKAGE_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (!rc)
        rc = fl_options_configure(&s->options, &config, &err);
    if (rc) {
        fl_error("%s", err.text);
        return EXIT_USAGE;
    }
    if (s->options.check) {
        int status = check(s, &config);
        fl_config_clear(&config);
        return status;
    }
    if (open_and_serve(s, &config, &err)) {
        fl_error("%s", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct service s = {.lock = -1};
    fl_settings_init(&s.box);
    fl_pause_init(&s.mining);
    int status = act(&s, argc, argv);
    clear(&s);
    return status;
}
