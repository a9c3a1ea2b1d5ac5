/* The JSON lines sink: a thread that looks for new alerts each second and appends them to a file. */
#include "collector/alertfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/log.h"
#include "storage/rule.h"
#include "storage/rulesdb.h"
#include "storage/rulesdb_sink.h"

enum { LOOK_MS = 1000 };

struct fl_alertfile {
    struct fl_alertfile_setup setup;
    pthread_t thread;
    struct fl_rulesdb *db;
    int64_t position;
    bool refused; /* the last attempt failed, and was logged */
};

/* ECS gives severity no scale; these are the ones of Elastic's detection rules, 0..100. */
static int severity_of(const json_t *alert)
{
    static const struct {
        const char *name;
        int number;
    } scale[] = {{"low", 21}, {"medium", 47}, {"high", 73}};
    const char *severity = json_string_value(json_object_get(alert, "severity"));
    for (size_t i = 0; severity && i < sizeof scale / sizeof *scale; i++)
        if (!strcmp(severity, scale[i].name))
            return scale[i].number;
    return 0;
}

static void set_text(json_t *object, const char *key, json_t *value)
{
    if (json_is_string(value))
        json_object_set(object, key, value);
}

/* "tcp", or the two protocols of a rule that joins them: ["udp", "tcp"]. */
static json_t *transport_of(const char *rule)
{
    struct fl_node a, b;
    char first[8], second[8];
    int single = rule ? fl_rule_parse(rule, &a, &b) : FL_EINVAL;
    if (single < 0)
        return NULL;
    if (single)
        b = a;
    const char *one = fl_protocol_format(a.protocol, first), *two = fl_protocol_format(b.protocol, second);
    return a.protocol == b.protocol ? json_string(one) : json_pack("[ss]", one, two);
}

static json_t *id_text(const json_t *id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(id));
    return json_string(text);
}

json_t *fl_alertfile_event(json_t *alert)
{
    json_t *opened = json_object_get(alert, "opened"), *rule_text = json_object_get(alert, "rule");
    json_t *rule_id = json_object_get(alert, "rule_id"), *message = json_object_get(alert, "text");
    json_t *event =
        json_pack("{s:s, s:o, s:s, s:i}", "kind", "alert", "id", id_text(json_object_get(alert, "id")),
                  "action", "novel-rule", "severity", severity_of(alert));
    json_t *rule = json_object(), *observer = json_pack("{s:s}", "type", "flowlore");
    json_t *line = json_object(), *transport = transport_of(json_string_value(rule_text));
    set_text(line, "@timestamp", opened);
    json_t *made = json_object_get(alert, "made");
    set_text(event, "created", json_is_string(made) ? made : opened);
    set_text(line, "message", json_is_string(message) ? message : rule_text);
    set_text(rule, "name", rule_text);
    set_text(observer, "name", json_object_get(alert, "location"));
    if (json_is_integer(rule_id))
        json_object_set_new(rule, "id", id_text(rule_id));
    int rc = json_object_set_new(line, "event", event);
    rc |= json_object_set_new(line, "rule", rule);
    rc |= json_object_set_new(line, "observer", observer);
    if (transport)
        rc |= json_object_set_new(line, "network", json_pack("{s:o}", "transport", transport));
    rc |= json_object_set(line, "flowlore", alert);
    if (!rc)
        return line;
    json_decref(line);
    return NULL;
}

/* A crash, or a disk that was full, may have left half a line at the end. */
static bool ends_in_mid_line(int fd)
{
    struct stat st;
    char last = '\n';
    return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 &&
           pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static int write_whole(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FL_EIO;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int write_line(int fd, const json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT);
    if (!text)
        return FL_ENOMEM;
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL: one write, so that a line is never mixed with another's */
    int rc = write_whole(fd, text, length + 1);
    free(text);
    return rc;
}

int fl_alertfile_append(const char *path, const json_t *events, struct fl_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    int rc = fd < 0 ? FL_EIO : 0;
    if (!rc && ends_in_mid_line(fd))
        rc = write_whole(fd, "\n", 1);
    for (size_t i = 0; !rc && i < json_array_size(events); i++)
        rc = write_line(fd, json_array_get(events, i));
    if (!rc && fsync(fd) && errno != EINVAL) /* EINVAL: a pipe or terminal, which has no disk */
        rc = FL_EIO;
    if (rc == FL_EIO)
        fl_fail(err, rc, "%s: %s", path, strerror(errno));
    else if (rc)
        fl_fail(err, rc, "%s: out of memory", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int collect(void *ctx, json_t *alert)
{
    return json_array_append((json_t *)ctx, alert) ? FL_ENOMEM : 0;
}

static int by_id(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "id"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "id"));
    return x < y ? -1 : x > y;
}

/* The events of `alerts`, by ascending id; *last becomes the greatest. NULL without memory. */
static json_t *events_of(const json_t *alerts, int64_t *last)
{
    size_t n = json_array_size(alerts);
    json_t **sorted = calloc(n + 1, sizeof(json_t *)), *events = json_array();
    bool whole = sorted && events;
    for (size_t i = 0; whole && i < n; i++)
        sorted[i] = json_array_get(alerts, i);
    if (whole)
        qsort(sorted, n, sizeof(json_t *), by_id);
    for (size_t i = 0; whole && i < n; i++)
        whole = !json_array_append_new(events, fl_alertfile_event(sorted[i]));
    if (whole && n)
        *last = json_integer_value(json_object_get(sorted[n - 1], "id"));
    free(sorted);
    if (whole)
        return events;
    json_decref(events);
    return NULL;
}

static int deliver(struct fl_alertfile *a, const char *path, struct fl_err *err)
{
    struct fl_alert_filter filter = {.state = "all", .after_id = a->position};
    json_t *alerts = json_array(), *events = NULL;
    int64_t last = a->position;
    int rc = alerts ? fl_rulesdb_alerts(a->db, &filter, collect, alerts, err) : FL_ENOMEM;
    if (rc || !json_array_size(alerts))
        goto done;
    events = events_of(alerts, &last);
    rc = events ? fl_alertfile_append(path, events, err) : FL_ENOMEM;
    if (!rc)
        rc = fl_rulesdb_sink_set(a->db, "file", last, err);
    if (!rc)
        a->position = last;
done:
    json_decref(events);
    json_decref(alerts);
    return rc;
}

static void look(struct fl_alertfile *a)
{
    struct fl_settings *settings = fl_settings_get(a->setup.settings);
    const char *name = settings->config.alerts_file ? settings->config.alerts_file : "alerts.jsonl";
    char path[4096];
    if (name[0] == '/')
        snprintf(path, sizeof path, "%s", name);
    else
        snprintf(path, sizeof path, "%s/%s", a->setup.data_dir, name);
    struct fl_err err = {""};
    int rc = !strcmp(name, "off") ? 0 : deliver(a, path, &err);
    if (rc && !a->refused)
        fl_error("alerts cannot be delivered, and are kept until they can: %s",
                 err.text[0] ? err.text : fl_strerror(rc));
    if (!rc && a->refused)
        fl_info("alerts are delivered again");
    a->refused = rc != 0;
    fl_settings_put(a->setup.settings, settings);
}

static void *run(void *ctx)
{
    struct fl_alertfile *a = ctx;
    do
        look(a);
    while (!fl_pause_wait(a->setup.pause, LOOK_MS));
    look(a);
    return NULL;
}

int fl_alertfile_start(struct fl_alertfile **out, const struct fl_alertfile_setup *setup, struct fl_err *err)
{
    struct fl_alertfile *a = calloc(1, sizeof *a);
    if (!a)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    a->setup = *setup;
    int rc = fl_rulesdb_open(&a->db, setup->data_dir, FL_RULESDB_CREATE, err);
    if (!rc)
        rc = fl_rulesdb_sink_position(a->db, "file", &a->position, err);
    if (!rc && pthread_create(&a->thread, NULL, run, a))
        rc = fl_fail(err, FL_EIO, "cannot start the alerting thread");
    if (rc) {
        fl_rulesdb_close(a->db);
        free(a);
        return rc;
    }
    *out = a;
    return 0;
}

void fl_alertfile_finish(struct fl_alertfile *a)
{
    if (!a)
        return;
    pthread_join(a->thread, NULL);
    fl_rulesdb_close(a->db);
    free(a);
}
