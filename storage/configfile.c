/* The configuration from YAML. libcyaml checks the shape and hands over texts; the tables below say what
 * each text means and which range it may have. Every error names file, line, key and remedy. */
#include <cyaml/cyaml.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/config.h"
#include "storage/configparts.h"
#include "storage/configsinks.h"
#include "storage/timetext.h"
#include "storage/yamllines.h"

enum { MOST_FILE_BYTES = 1 << 20, MOST_ITEMS = 4096, MOST_SINKS = 32 };

/* As in the file, before any value is understood. */
struct raw_location {
    char *name, *active_timeout, *learning, *sampling;
    char **prefixes;
    unsigned prefixes_count;
};
struct raw_mining {
    char *every, *span, *window, *support, *q, *confidence, *both, *jitter, *service_peers, *threads, *memory;
};
struct raw_config {
    char *listen_one, *bucket, *retention, *retention_bytes, *active_timeout, *max_future, *template_timeout,
        *learning, *gone_after, *receive_buffer, *receive_threads, *alerts_file;
    char **listen;
    unsigned listen_count;
    struct raw_location *locations;
    unsigned locations_count;
    struct fl_raw_sink *sinks;
    unsigned sinks_count;
    struct raw_mining mining;
};

#define OPTIONAL_TEXT (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, type, member) CYAML_FIELD_STRING_PTR(key, OPTIONAL_TEXT, type, member, 0, CYAML_UNLIMITED)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};
static const cyaml_schema_field_t location_fields[] = {
    TEXT("name", struct raw_location, name),
    CYAML_FIELD_SEQUENCE("prefixes", OPTIONAL_TEXT, struct raw_location, prefixes, &text_schema, 0,
                         MOST_ITEMS),
    TEXT("active-timeout", struct raw_location, active_timeout),
    TEXT("learning", struct raw_location, learning),
    TEXT("sampling", struct raw_location, sampling),
    CYAML_FIELD_END};
static const cyaml_schema_value_t location_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_location, location_fields)};
static const cyaml_schema_field_t mining_fields[] = {TEXT("every", struct raw_mining, every),
                                                     TEXT("span", struct raw_mining, span),
                                                     TEXT("window", struct raw_mining, window),
                                                     TEXT("support", struct raw_mining, support),
                                                     TEXT("q", struct raw_mining, q),
                                                     TEXT("confidence", struct raw_mining, confidence),
                                                     TEXT("both", struct raw_mining, both),
                                                     TEXT("jitter", struct raw_mining, jitter),
                                                     TEXT("service-peers", struct raw_mining, service_peers),
                                                     TEXT("threads", struct raw_mining, threads),
                                                     TEXT("memory", struct raw_mining, memory),
                                                     CYAML_FIELD_END};
#define TOP_FIELDS                                                                                           \
    TEXT("bucket", struct raw_config, bucket), TEXT("retention", struct raw_config, retention),              \
        TEXT("retention-bytes", struct raw_config, retention_bytes),                                         \
        TEXT("active-timeout", struct raw_config, active_timeout),                                           \
        TEXT("max-future", struct raw_config, max_future),                                                   \
        TEXT("template-timeout", struct raw_config, template_timeout),                                       \
        TEXT("learning", struct raw_config, learning), TEXT("gone-after", struct raw_config, gone_after),    \
        TEXT("receive-buffer", struct raw_config, receive_buffer),                                           \
        TEXT("receive-threads", struct raw_config, receive_threads),                                         \
        TEXT("alerts-file", struct raw_config, alerts_file),                                                 \
        CYAML_FIELD_SEQUENCE("locations", OPTIONAL_TEXT, struct raw_config, locations, &location_schema, 0,  \
                             MOST_ITEMS),                                                                    \
        CYAML_FIELD_SEQUENCE("sinks", OPTIONAL_TEXT, struct raw_config, sinks, &fl_raw_sink_schema, 0,       \
                             MOST_SINKS),                                                                    \
        CYAML_FIELD_MAPPING("mining", CYAML_FLAG_OPTIONAL, struct raw_config, mining, mining_fields),        \
        CYAML_FIELD_END
/* `listen` may be one text or a list: a schema each. */
static const cyaml_schema_field_t list_fields[] = {
    CYAML_FIELD_SEQUENCE("listen", OPTIONAL_TEXT, struct raw_config, listen, &text_schema, 0, MOST_ITEMS),
    TOP_FIELDS};
static const cyaml_schema_field_t one_fields[] = {TEXT("listen", struct raw_config, listen_one), TOP_FIELDS};
static const cyaml_schema_value_t list_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, list_fields)};
static const cyaml_schema_value_t one_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, one_fields)};

enum kind { DURATION, DURATION_OR_OFF, BYTES, COUNT, SHARE };
struct setting {
    const char *path;
    size_t from, to; /* offsets in raw_config and fl_config */
    enum kind kind;
    double least, most; /* in the unit of the target; a SHARE lies strictly above `least` */
    const char *remedy;
};
#define SETTING(path, raw, target, kind, least, most, remedy)                                                \
    {                                                                                                        \
        path, offsetof(struct raw_config, raw), offsetof(struct fl_config, target), kind, least, most,       \
            remedy                                                                                           \
    }
#define SECOND 1e3
#define HOUR 3600e3
#define DAY 86400e3
#define YEARS (36500 * DAY)
static const struct setting settings[] = {
    SETTING("bucket", bucket, bucket_ms, DURATION, HOUR, DAY, "write 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h"),
    SETTING("retention", retention, retention_ms, DURATION, 0, YEARS, "write 30d, or 0 to keep everything"),
    SETTING("retention-bytes", retention_bytes, retention_bytes, BYTES, 0, 0x1p62,
            "write 50GiB, or 0 for no bound"),
    SETTING("active-timeout", active_timeout, active_timeout_ms, DURATION, SECOND, DAY,
            "write 1s to 24h, such as 60s"),
    SETTING("max-future", max_future, max_future_ms, DURATION, 0, DAY, "write 0 to 24h, such as 5m"),
    SETTING("template-timeout", template_timeout, template_timeout_ms, DURATION, 60 * SECOND, 365 * DAY,
            "write 1m to 365d, such as 24h"),
    SETTING("learning", learning, learning_ms, DURATION, 0, 365 * DAY, "write 0 to 365d, such as 24h"),
    SETTING("gone-after", gone_after, gone_after_ms, DURATION, HOUR, YEARS, "write 1h or more, such as 7d"),
    SETTING("receive-buffer", receive_buffer, receive_buffer_bytes, BYTES, 65536, 0x1p30,
            "write 64KiB to 1GiB, such as 16MiB"),
    SETTING("receive-threads", receive_threads, receive_threads, COUNT, 0, 64,
            "write 0 (one a processor, at most 4) to 64"),
    SETTING("mining.every", mining.every, mining.every_ms, DURATION_OR_OFF, 60 * SECOND, 365 * DAY,
            "write 1m to 365d, such as 1h, or off"),
    SETTING("mining.span", mining.span, mining.span_ms, DURATION, 60 * SECOND, 365 * DAY,
            "write 1m to 365d, such as 24h"),
    SETTING("mining.window", mining.window, mining.window_ms, DURATION, 100, HOUR,
            "write 100ms to 1h, such as 1s"),
    SETTING("mining.support", mining.support, mining.support, COUNT, 2, 1e9, "write a whole number from 2"),
    SETTING("mining.q", mining.q, mining.q, SHARE, 0, 1, "write a number above 0 and up to 1, such as 0.01"),
    SETTING("mining.confidence", mining.confidence, mining.confidence, SHARE, 0, 1,
            "write a number above 0 and up to 1, such as 0.2"),
    SETTING("mining.both", mining.both, mining.both, SHARE, 0, 1,
            "write a number above 0 and up to 1, such as 0.5"),
    SETTING("mining.jitter", mining.jitter, mining.jitter, COUNT, 2, 1e6,
            "write a whole number of windows from 2 to 1000000, such as 60"),
    SETTING("mining.service-peers", mining.service_peers, mining.service_peers, COUNT, 1, 1e6,
            "write a whole number from 1 to 1000000, such as 5"),
    SETTING("mining.threads", mining.threads, mining.threads, COUNT, 0, 1024,
            "write 0 (one a processor) to 1024"),
    SETTING("mining.memory", mining.memory, mining.memory_bytes, BYTES, 0, 0x1p62,
            "write a size such as 2GiB, or 0 for half of the machine's memory"),
};
enum { n_settings = sizeof settings / sizeof settings[0] };

struct loader {
    const char *file;
    struct fl_yaml_lines *lines;
    struct fl_config *config;
    struct fl_err *err;
};

static int fail_at(const struct loader *l, unsigned line, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail_at(const struct loader *l, unsigned line, const char *path, const char *format, ...)
{
    char what[320];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return fl_fail(l->err, FL_EINVAL, "%s:%u: %s%s%s", l->file, line ? line : 1, path, *path ? ": " : "",
                   what);
}

static int fail_key(const struct loader *l, const char *path, const char *text)
{
    return fail_at(l, fl_yaml_lines_find(l->lines, path, false), path, "%s", text);
}

/* ---- what libcyaml says ---- */

/* Its log, of which the first message is the fault and the rest the way to it, innermost first. */
struct complaint {
    char what[200];
    char path[FL_CONFIG_PATH];
};

/* Put `step` in front of the path. */
static void prepend(char path[FL_CONFIG_PATH], const char *step)
{
    char rest[FL_CONFIG_PATH];
    memcpy(rest, path, sizeof rest);
    snprintf(path, FL_CONFIG_PATH, "%.60s%s%.60s", step, *rest && *rest != '[' ? "." : "", rest);
}

static void note_step(struct complaint *c, const char *text)
{
    char name[64];
    unsigned number;
    if (sscanf(text, " in mapping field '%63[^']'", name) == 1) {
        prepend(c->path, name);
    } else if (sscanf(text, " in sequence entry '%u'", &number) == 1 && number > 0) {
        snprintf(name, sizeof name, "[%u]", number - 1);
        prepend(c->path, name);
    }
}

__attribute__((format(printf, 3, 0))) static void take_log(cyaml_log_t level, void *ctx, const char *format,
                                                           va_list args)
{
    struct complaint *c = ctx;
    char text[256];
    if (level < CYAML_LOG_ERROR)
        return;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    if (strncmp(text, "  ", 2) == 0)
        note_step(c, text);
    else if (!*c->what)
        snprintf(c->what, sizeof c->what, "%.199s", strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
}

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (n >= 64)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[n];
}

static const cyaml_schema_field_t *fields_of(const char *path)
{
    if (strcmp(path, "mining") == 0)
        return mining_fields;
    if (strncmp(path, "sinks", 5) == 0)
        return fl_raw_sink_fields;
    return *path ? location_fields : list_fields;
}

static const char *nearest_key(const cyaml_schema_field_t *fields, const char *key)
{
    const char *nearest = fields->key;
    for (const cyaml_schema_field_t *f = fields; f->key; f++)
        if (edit_distance(key, f->key) < edit_distance(key, nearest))
            nearest = f->key;
    return nearest;
}

static int fail_unknown(const struct loader *l, const char *parent, const char *key)
{
    char path[FL_CONFIG_PATH];
    snprintf(path, sizeof path, "%.60s%s%.40s", parent, *parent ? "." : "", key);
    unsigned line = fl_yaml_lines_find(l->lines, path, false);
    return fail_at(l, line, path, "there is no such key; did you mean %s?",
                   nearest_key(fields_of(parent), key));
}

static int fail_shape(const struct loader *l, const struct complaint *c, cyaml_err_t error)
{
    const char *unknown = "Unexpected key: ";
    if (error == CYAML_ERR_OOM)
        return fl_fail(l->err, FL_ENOMEM, "%s: out of memory", l->file);
    if (strncmp(c->what, unknown, strlen(unknown)) == 0)
        return fail_unknown(l, c->path, c->what + strlen(unknown));
    bool twice = strncmp(c->what, "Mapping field already seen", 26) == 0;
    unsigned line = fl_yaml_lines_find(l->lines, c->path, twice);
    if (twice)
        return fail_at(l, line, c->path, "stands here a second time; remove one of the two");
    if (error == CYAML_ERR_ALIAS)
        return fail_at(l, line, c->path, "YAML aliases are not read; write the value out");
    if (strstr(c->what, "Expecting SEQUENCE"))
        return fail_at(l, line, c->path, "a list is needed; write [a, b] or one `- item` a line");
    if (strstr(c->what, "Expecting MAPPING"))
        return fail_at(l, line, c->path,
                       "`key: value` lines are needed; indent them below, or remove this one");
    if (strstr(c->what, "Insufficient entries"))
        return fail_at(l, line, c->path, "the list is empty; name something in it, or remove the key");
    if (strstr(c->what, "Expecting STRING"))
        return fail_at(l, line, c->path, "one value is needed, not a list or keys");
    return fail_at(l, line, c->path, "%s; see contrib/flowlore.yaml",
                   *c->what ? c->what : cyaml_strerror(error));
}

/* ---- values ---- */

static int parse_decimal(const char *text, double *out)
{
    char *end;
    if (!*text || text[strspn(text, "0123456789.eE-")] != '\0')
        return FL_EINVAL;
    *out = strtod(text, &end);
    return *end || !isfinite(*out) ? FL_EINVAL : 0;
}

static int parse_count(const char *text, double *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10 || text[digits])
        return FL_EINVAL;
    return parse_decimal(text, out);
}

/* The value as a number in the target's unit. FL_EINVAL when it is none or out of range. */
static int parse_value(const struct setting *s, const char *text, int64_t *whole, double *share)
{
    int rc = 0;
    if (s->kind == DURATION_OR_OFF && strcmp(text, "off") == 0) {
        *whole = 0;
        return 0;
    }
    if (s->kind == DURATION || s->kind == DURATION_OR_OFF)
        rc = fl_duration_parse(text, whole);
    else if (s->kind == BYTES)
        rc = fl_bytes_parse(text, whole);
    else
        rc = s->kind == COUNT ? parse_count(text, share) : parse_decimal(text, share);
    if (rc < 0)
        return rc;
    if (s->kind == SHARE)
        return *share > s->least && *share <= s->most ? 0 : FL_EINVAL;
    if (s->kind == COUNT)
        *whole = (int64_t)*share;
    return (double)*whole >= s->least && (double)*whole <= s->most ? 0 : FL_EINVAL;
}

static int take_setting(const struct loader *l, const struct raw_config *raw, const struct setting *s)
{
    const char *text = *(char *const *)((const char *)raw + s->from);
    char *target = (char *)l->config + s->to;
    int64_t whole = 0;
    double share = 0;
    if (!text)
        return 0;
    if (parse_value(s, text, &whole, &share) < 0)
        return fail_at(l, fl_yaml_lines_find(l->lines, s->path, false), s->path, "\"%.80s\" does not do; %s",
                       text, s->remedy);
    if (s->kind == SHARE)
        *(double *)target = share;
    else if (s->kind == COUNT)
        *(uint32_t *)target = (uint32_t)whole;
    else
        *(int64_t *)target = whole;
    return 0;
}

static int take_settings(const struct loader *l, const struct raw_config *raw)
{
    for (int i = 0; i < n_settings; i++) {
        int rc = take_setting(l, raw, &settings[i]);
        if (rc < 0)
            return rc;
    }
    int64_t bucket_ms = l->config->bucket_ms, hour_ms = 3600000;
    if (bucket_ms % hour_ms != 0 || 24 * hour_ms % bucket_ms != 0)
        return fail_key(l, "bucket",
                        "whole hours that divide a day are needed; write 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h");
    return 0;
}

static int take_listen(const struct loader *l, const struct raw_config *raw)
{
    char path[FL_CONFIG_PATH];
    struct fl_err why = {""};
    if (raw->listen_one)
        return fl_config_append_listen(l->config, raw->listen_one, &why) < 0 ? fail_key(l, "listen", why.text)
                                                                             : 0;
    if (raw->listen_count == 0)
        return fail_key(l, "listen", "the list is empty; name an address, or remove the key");
    for (unsigned i = 0; i < raw->listen_count; i++) {
        snprintf(path, sizeof path, "listen[%u]", i);
        if (fl_config_append_listen(l->config, raw->listen[i], &why) < 0)
            return fail_key(l, path, why.text);
    }
    return 0;
}

static int take_active_timeout(const struct loader *l, unsigned i, const char *text)
{
    char path[FL_CONFIG_PATH];
    int64_t *target = &l->config->locations[i].active_timeout_ms;
    snprintf(path, sizeof path, "locations[%u].active-timeout", i);
    if (fl_duration_parse(text, target) < 0 || *target < 1000 || *target > 86400000)
        return fail_at(l, fl_yaml_lines_find(l->lines, path, false), path,
                       "\"%.80s\" does not do; write 1s to 24h, such as 60s", text);
    return 0;
}

static int take_learning(const struct loader *l, unsigned i, const char *text)
{
    char path[FL_CONFIG_PATH];
    int64_t *target = &l->config->locations[i].learning_ms;
    snprintf(path, sizeof path, "locations[%u].learning", i);
    if (fl_duration_parse(text, target) < 0 || *target < 0 || (double)*target > 365 * DAY)
        return fail_at(l, fl_yaml_lines_find(l->lines, path, false), path,
                       "\"%.80s\" does not do; write 0 to 365d, such as 24h", text);
    return 0;
}

static int take_sampling(const struct loader *l, unsigned i, const char *text)
{
    char path[FL_CONFIG_PATH];
    double value;
    snprintf(path, sizeof path, "locations[%u].sampling", i);
    if (parse_count(text, &value) < 0 || value < 1 || value > UINT32_MAX)
        return fail_at(l, fl_yaml_lines_find(l->lines, path, false), path,
                       "\"%.80s\" does not do; write 1000 for one packet in 1000", text);
    l->config->locations[i].sampling = (uint32_t)value;
    return 0;
}

static int take_location(const struct loader *l, const struct raw_location *raw, unsigned i)
{
    char path[FL_CONFIG_PATH];
    struct fl_err why = {""};
    struct fl_location_config *location;
    snprintf(path, sizeof path, "locations[%u]", i);
    if (!raw->name)
        return fail_key(l, path, "this location has no name; add `name: paris`");
    snprintf(path, sizeof path, "locations[%u].name", i);
    if (fl_config_new_location(l->config, raw->name, &location, &why) < 0)
        return fail_key(l, path, why.text);
    for (unsigned j = 0; j < raw->prefixes_count; j++) {
        snprintf(path, sizeof path, "locations[%u].prefixes[%u]", i, j);
        if (fl_config_add_prefix(location, raw->prefixes[j], &why) < 0)
            return fail_key(l, path, why.text);
    }
    int rc = raw->active_timeout ? take_active_timeout(l, i, raw->active_timeout) : 0;
    if (rc == 0 && raw->learning)
        rc = take_learning(l, i, raw->learning);
    return rc == 0 && raw->sampling ? take_sampling(l, i, raw->sampling) : rc;
}

static int take_sink(const struct loader *l, const struct fl_raw_sink *raw, unsigned i)
{
    char path[FL_CONFIG_PATH], key[FL_SINK_KEY];
    struct fl_err why = {""};
    int rc = fl_config_add_sink(l->config, raw, key, &why);
    snprintf(path, sizeof path, "sinks[%u]%s%s", i, *key ? "." : "", key);
    return rc == FL_EINVAL ? fail_key(l, path, why.text) : rc;
}

static int take_raw(const struct loader *l, const struct raw_config *raw)
{
    char path[FL_CONFIG_PATH] = "";
    struct fl_err why = {""};
    int rc = take_settings(l, raw);
    if (rc == 0 && fl_yaml_lines_find(l->lines, "listen", false))
        rc = take_listen(l, raw);
    for (unsigned i = 0; rc == 0 && i < raw->locations_count; i++)
        rc = take_location(l, &raw->locations[i], i);
    for (unsigned i = 0; rc == 0 && i < raw->sinks_count; i++)
        rc = take_sink(l, &raw->sinks[i], i);
    if (rc == 0 && raw->alerts_file) {
        if (!*raw->alerts_file)
            return fail_key(l, "alerts-file", "the name is empty; write a file name, or off");
        l->config->alerts_file = strdup(raw->alerts_file);
        rc = l->config->alerts_file ? 0 : FL_ENOMEM;
    }
    if (rc == 0 && fl_config_check_path(l->config, path, &why) < 0)
        rc = fail_key(l, path, why.text);
    return rc;
}

static int load_shape(const struct loader *l, const uint8_t *data, size_t n)
{
    struct complaint complaint = {"", ""};
    cyaml_config_t settings_of_cyaml = {.log_fn = take_log,
                                        .log_ctx = &complaint,
                                        .mem_fn = cyaml_mem,
                                        .log_level = CYAML_LOG_ERROR,
                                        .flags = CYAML_CFG_NO_ALIAS};
    const cyaml_schema_value_t *schema =
        fl_yaml_lines_is_scalar(l->lines, "listen") ? &one_schema : &list_schema;
    void *raw = NULL;
    cyaml_err_t error = cyaml_load_data(data, n, &settings_of_cyaml, schema, &raw, NULL);
    int rc = error == CYAML_OK ? 0 : fail_shape(l, &complaint, error);
    if (rc == 0 && raw)
        rc = take_raw(l, raw);
    cyaml_free(&settings_of_cyaml, schema, raw, 0);
    return rc;
}

/* ---- the file ---- */

static int read_stream(FILE *file, const char *path, uint8_t **out, size_t *n, struct fl_err *err)
{
    uint8_t *data = malloc(MOST_FILE_BYTES + 1);
    if (!data)
        return fl_fail(err, FL_ENOMEM, "%s: out of memory", path);
    *n = fread(data, 1, MOST_FILE_BYTES + 1, file);
    *out = data;
    if (ferror(file))
        return fl_fail(err, FL_EIO, "%s: %s", path, strerror(errno));
    if (*n > MOST_FILE_BYTES)
        return fl_fail(err, FL_EINVAL, "%s:1: the file is larger than 1 MiB; is it a configuration?", path);
    if (memchr(data, '\0', *n))
        return fl_fail(err, FL_EINVAL, "%s:1: the file is not text; write it as UTF-8", path);
    return 0;
}

static int read_file(const char *path, uint8_t **out, size_t *n, struct fl_err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fl_fail(err, FL_EIO, "%s: %s; name another file with --config", path, strerror(errno));
    int rc = read_stream(file, path, out, n, err);
    fclose(file);
    return rc;
}

static int load_data(struct loader *l, const uint8_t *data, size_t n)
{
    struct fl_yaml_problem problem = {1, ""};
    int rc = fl_yaml_lines_read(data, n, &l->lines, &problem);
    if (rc == FL_EINVAL)
        return fail_at(l, problem.line, "", "%s; see contrib/flowlore.yaml for a valid file", problem.text);
    if (rc == 0 && !fl_yaml_lines_is_empty(l->lines))
        rc = load_shape(l, data, n);
    fl_yaml_lines_free(l->lines);
    return rc;
}

int fl_config_load(struct fl_config *c, const char *path, struct fl_err *err)
{
    struct fl_config loaded;
    struct loader l = {.file = path, .config = &loaded, .err = err};
    uint8_t *data = NULL;
    size_t n = 0;
    fl_config_set_values(&loaded);
    int rc = fl_config_init(c);
    if (rc == 0)
        rc = read_file(path, &data, &n, err);
    if (rc == 0 && n > 0)
        rc = load_data(&l, data, n);
    free(data);
    if (rc < 0) {
        fl_config_clear(&loaded);
        return rc == FL_ENOMEM ? fl_fail(err, rc, "%s: out of memory", path) : rc;
    }
    if (loaded.n_listen == 0) {
        loaded.listen = c->listen;
        loaded.n_listen = c->n_listen;
        c->listen = NULL;
        c->n_listen = 0;
    }
    fl_config_clear(c);
    *c = loaded;
    return 0;
}
