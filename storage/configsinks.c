/* What the keys of one sink mean, which of them its kind has, and what is wrong with them. */
#include "storage/configsinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/timetext.h"

#define OPTIONAL_TEXT (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, member)                                                                                    \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL_TEXT, struct fl_raw_sink, member, 0, CYAML_UNLIMITED)
#define LIST(key, member)                                                                                    \
    CYAML_FIELD_SEQUENCE(key, OPTIONAL_TEXT, struct fl_raw_sink, member, &text_schema, 1, 256)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};
const cyaml_schema_field_t fl_raw_sink_fields[] = {TEXT("name", name),
                                                   TEXT("kind", kind),
                                                   TEXT("severity", severity),
                                                   LIST("locations", locations),
                                                   LIST("events", events),
                                                   TEXT("timeout", timeout),
                                                   TEXT("path", path),
                                                   TEXT("to", to),
                                                   TEXT("facility", facility),
                                                   TEXT("url", url),
                                                   TEXT("secret-file", secret_file),
                                                   TEXT("header-file", header_file),
                                                   TEXT("ca-file", ca_file),
                                                   TEXT("proxy", proxy),
                                                   TEXT("redirects", redirects),
                                                   LIST("command", command),
                                                   CYAML_FIELD_END};
const cyaml_schema_value_t fl_raw_sink_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct fl_raw_sink, fl_raw_sink_fields)};

struct taking {
    const struct fl_config *config;
    const struct fl_raw_sink *raw;
    struct fl_sink_config *sink;
    char *key;
    struct fl_err *err;
};

/* Name the key, and say what is wrong. */
#define FAIL(t, at, ...)                                                                                     \
    (snprintf((t)->key, FL_SINK_KEY, "%s", at), fl_fail((t)->err, FL_EINVAL, __VA_ARGS__))

static int index_of(const char *text, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    return -1;
}

static const char *const kinds[] = {"file", "syslog", "webhook", "command", NULL};
static const char *const severities[] = {"low", "medium", "high", NULL};
static const char *const event_kinds[] = {"opened", "grown", "closed", NULL};
/* RFC 5424 table 1, by code. */
static const char *const facilities[] = {
    "kern",   "user",     "mail",   "daemon", "auth",   "syslog", "lpr",   "news",   "uucp",
    "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock", "local0", "local1",
    "local2", "local3",   "local4", "local5", "local6", "local7", NULL};

static int copy_text(char **target, const char *text)
{
    *target = text ? strdup(text) : NULL;
    return text && !*target ? FL_ENOMEM : 0;
}

static int copy_list(char ***target, char *const *list, unsigned n)
{
    *target = calloc(n + 1, sizeof **target);
    for (unsigned i = 0; *target && i < n; i++)
        if (!((*target)[i] = strdup(list[i])))
            return FL_ENOMEM;
    return *target ? 0 : FL_ENOMEM;
}

/* ---- keys of every sink ---- */

static int take_name(struct taking *t)
{
    const char *name = t->raw->name;
    if (!name)
        return FAIL(t, "", "this sink has no name; add `name: siem`");
    if (!fl_location_name_ok(name))
        return FAIL(t, "name", "\"%.80s\" cannot name a sink; use letters, digits, '.', '_' and '-'", name);
    if (strcmp(name, "file") == 0)
        return FAIL(t, "name", "file is the sink that alerts-file makes; take another name");
    for (size_t i = 0; i < t->config->n_sinks; i++)
        if (strcmp(t->config->sinks[i].name, name) == 0)
            return FAIL(t, "name", "there is a sink %s already; take another name", name);
    if (!t->raw->kind)
        return FAIL(t, "", "%s has no kind; add `kind: file`, syslog, webhook or command", name);
    int kind = index_of(t->raw->kind, kinds);
    if (kind < 0)
        return FAIL(t, "kind", "\"%.40s\" does not do; write file, syslog, webhook or command", t->raw->kind);
    fl_sink_config_init(t->sink, name, (enum fl_sink_kind)kind);
    return 0;
}

static bool location_known(const struct fl_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_locations; i++)
        if (strcmp(c->locations[i].name, name) == 0)
            return true;
    return c->n_locations == 0 && fl_location_name_ok(name);
}

static int take_locations(struct taking *t)
{
    char key[FL_SINK_KEY];
    const struct fl_raw_sink *raw = t->raw;
    if (!raw->locations)
        return 0;
    for (unsigned i = 0; i < raw->locations_count; i++) {
        snprintf(key, sizeof key, "locations[%u]", i);
        if (!location_known(t->config, raw->locations[i]))
            return FAIL(t, key, "there is no location \"%.80s\"; write one that stands in `locations:`",
                        raw->locations[i]);
    }
    return copy_list(&t->sink->locations, raw->locations, raw->locations_count);
}

static int take_events(struct taking *t)
{
    char key[FL_SINK_KEY];
    const struct fl_raw_sink *raw = t->raw;
    if (!raw->events)
        return 0;
    for (unsigned i = 0; i < raw->events_count; i++) {
        snprintf(key, sizeof key, "events[%u]", i);
        if (index_of(raw->events[i], event_kinds) < 0)
            return FAIL(t, key, "\"%.40s\" does not do; write opened, grown or closed", raw->events[i]);
    }
    return copy_list(&t->sink->events, raw->events, raw->events_count);
}

static int take_common(struct taking *t)
{
    const char *severity = t->raw->severity, *timeout = t->raw->timeout;
    int level = severity ? index_of(severity, severities) : 0;
    if (level < 0)
        return FAIL(t, "severity", "\"%.40s\" does not do; write low, medium or high", severity);
    t->sink->severity = (unsigned)level;
    if (timeout && (fl_duration_parse(timeout, &t->sink->timeout_ms) < 0 || t->sink->timeout_ms < 1000 ||
                    t->sink->timeout_ms > 600000))
        return FAIL(t, "timeout", "\"%.40s\" does not do; write 1s to 10m, such as 30s", timeout);
    int rc = take_locations(t);
    return rc == 0 ? take_events(t) : rc;
}

/* ---- keys of one kind ---- */

static int take_file(struct taking *t)
{
    if (!t->raw->path || !*t->raw->path)
        return FAIL(t, "", "%s has no path; add `path: /var/log/flowlore.jsonl`", t->sink->name);
    return copy_text(&t->sink->path, t->raw->path);
}

/* HOST[:PORT], IPv6 in brackets. */
static int take_host(struct taking *t, const char *text, uint16_t port)
{
    const char *end = *text == '[' ? strchr(text, ']') : text + strcspn(text, ":");
    const char *start = *text == '[' ? text + 1 : text;
    long number = port;
    char *rest = NULL;
    if (!end || end == start)
        return FL_EINVAL;
    const char *colon = *end == ']' ? end + 1 : end;
    if (*colon == ':')
        number = strtol(colon + 1, &rest, 10);
    if ((*colon && *colon != ':') || (rest && (*rest || rest == colon + 1)) || number < 1 || number > 65535)
        return FL_EINVAL;
    t->sink->port = (uint16_t)number;
    t->sink->host = strndup(start, (size_t)(end - start));
    return t->sink->host ? 0 : FL_ENOMEM;
}

static int take_to(struct taking *t, const char *to)
{
    if (strncmp(to, "unix:", 5) == 0 && to[5] == '/' && strlen(to + 5) < 108) {
        t->sink->transport = FL_SYSLOG_LOCAL;
        return copy_text(&t->sink->host, to + 5);
    }
    if (strncmp(to, "udp://", 6) == 0) {
        t->sink->transport = FL_SYSLOG_UDP;
        return take_host(t, to + 6, 514);
    }
    if (strncmp(to, "tcp://", 6) != 0)
        return FL_EINVAL;
    t->sink->transport = FL_SYSLOG_TCP;
    return take_host(t, to + 6, 601);
}

static int take_syslog(struct taking *t)
{
    const char *facility = t->raw->facility;
    int code = facility ? index_of(facility, facilities) : (int)t->sink->facility;
    if (code < 0)
        return FAIL(t, "facility", "\"%.40s\" does not do; write daemon, user, auth, or local0 to local7",
                    facility);
    t->sink->facility = (unsigned)code;
    int rc = take_to(t, t->raw->to ? t->raw->to : "unix:/dev/log");
    if (rc == FL_EINVAL)
        return FAIL(
            t, "to",
            "\"%.80s\" does not do; write udp://192.0.2.9:514, tcp://[2001:db8::9]:601 or unix:/dev/log",
            t->raw->to);
    return rc;
}

static bool is_http(const char *url)
{
    return (strncmp(url, "https://", 8) == 0 && url[8]) || (strncmp(url, "http://", 7) == 0 && url[7]);
}

/* What is named here may be read later by another user; that it is a whole path is all that can be asked. */
static int take_path(struct taking *t, const char *key, const char *path, char **target)
{
    if (path && path[0] != '/')
        return FAIL(t, key, "\"%.80s\" does not do; write the file's whole path, from /", path);
    return copy_text(target, path);
}

static int take_webhook(struct taking *t)
{
    const struct fl_raw_sink *raw = t->raw;
    if (!raw->url)
        return FAIL(t, "", "%s has no url; add `url: https://hooks.example.net/flowlore`", t->sink->name);
    if (!is_http(raw->url) || strpbrk(raw->url, " \t\r\n"))
        return FAIL(t, "url", "this is no address of a web server; write https://HOST/PATH");
    if (raw->proxy && !is_http(raw->proxy))
        return FAIL(t, "proxy", "this is no proxy; write http://HOST:PORT");
    if (raw->redirects && strcmp(raw->redirects, "any") != 0 && strcmp(raw->redirects, "none") != 0)
        return FAIL(t, "redirects", "\"%.40s\" does not do; write none, or any to follow them",
                    raw->redirects);
    t->sink->redirects = raw->redirects && strcmp(raw->redirects, "any") == 0;
    int rc = copy_text(&t->sink->url, raw->url);
    if (rc == 0)
        rc = copy_text(&t->sink->proxy, raw->proxy);
    if (rc == 0)
        rc = take_path(t, "secret-file", raw->secret_file, &t->sink->secret_file);
    if (rc == 0)
        rc = take_path(t, "header-file", raw->header_file, &t->sink->header_file);
    return rc == 0 ? take_path(t, "ca-file", raw->ca_file, &t->sink->ca_file) : rc;
}

static int take_command(struct taking *t)
{
    const struct fl_raw_sink *raw = t->raw;
    if (!raw->command)
        return FAIL(t, "", "%s has no command; add `command: [/usr/local/bin/page, noc]`", t->sink->name);
    if (raw->command[0][0] != '/')
        return FAIL(t, "command[0]", "\"%.80s\" does not do; write the program's whole path, from /",
                    raw->command[0]);
    return copy_list(&t->sink->command, raw->command, raw->command_count);
}

/* A key that this kind does not have would be a promise not kept. */
static int check_foreign(struct taking *t)
{
    const struct fl_raw_sink *r = t->raw;
    const struct {
        const char *key;
        const void *value;
        enum fl_sink_kind kind;
    } keys[] = {{"path", r->path, FL_SINK_FILE},
                {"to", r->to, FL_SINK_SYSLOG},
                {"facility", r->facility, FL_SINK_SYSLOG},
                {"url", r->url, FL_SINK_WEBHOOK},
                {"secret-file", r->secret_file, FL_SINK_WEBHOOK},
                {"header-file", r->header_file, FL_SINK_WEBHOOK},
                {"ca-file", r->ca_file, FL_SINK_WEBHOOK},
                {"proxy", r->proxy, FL_SINK_WEBHOOK},
                {"redirects", r->redirects, FL_SINK_WEBHOOK},
                {"command", r->command, FL_SINK_COMMAND}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].value && keys[i].kind != t->sink->kind)
            return FAIL(t, keys[i].key, "belongs to a %s, and this is a %s; remove it",
                        fl_sink_kind_name(keys[i].kind), fl_sink_kind_name(t->sink->kind));
    return 0;
}

static int take(struct taking *t)
{
    static int (*const of_kind[])(struct taking *) = {[FL_SINK_FILE] = take_file,
                                                      [FL_SINK_SYSLOG] = take_syslog,
                                                      [FL_SINK_WEBHOOK] = take_webhook,
                                                      [FL_SINK_COMMAND] = take_command};
    int rc = take_name(t);
    if (rc == 0)
        rc = check_foreign(t);
    if (rc == 0)
        rc = take_common(t);
    return rc == 0 ? of_kind[t->sink->kind](t) : rc;
}

int fl_config_add_sink(struct fl_config *c, const struct fl_raw_sink *raw, char key[FL_SINK_KEY],
                       struct fl_err *err)
{
    struct fl_sink_config *grown = realloc(c->sinks, (c->n_sinks + 1) * sizeof *grown);
    key[0] = 0;
    if (!grown)
        return FL_ENOMEM;
    c->sinks = grown;
    struct taking t = {c, raw, &grown[c->n_sinks], key, err};
    memset(t.sink, 0, sizeof *t.sink);
    int rc = take(&t);
    if (rc == 0)
        c->n_sinks++;
    else
        fl_sink_config_clear(t.sink);
    return rc;
}
