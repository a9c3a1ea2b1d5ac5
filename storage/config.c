/* The configuration in memory: defaults, additions from the command line, checks over several keys, and the
 * location of an exporter. configfile.c reads it from YAML. */
#include "storage/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/configparts.h"
#include "storage/timetext.h"

static const char *const default_listen[] = {"*:2055", "*:4739"};
enum { n_default_listen = 2, MOST_LISTEN = 64 };

void fl_config_set_values(struct fl_config *c)
{
    const int64_t minute_ms = 60000, hour_ms = 60 * minute_ms, day_ms = 24 * hour_ms;
    memset(c, 0, sizeof *c);
    c->bucket_ms = hour_ms;
    c->retention_ms = 30 * day_ms;
    c->active_timeout_ms = minute_ms;
    c->gone_after_ms = 7 * 24 * 60 * minute_ms;
    c->max_future_ms = 5 * minute_ms;
    c->template_timeout_ms = day_ms;
    c->receive_buffer_bytes = 16 << 20;
    c->mining = (struct fl_mining_config){.every_ms = hour_ms,
                                          .span_ms = day_ms,
                                          .window_ms = 1000,
                                          .support = 10,
                                          .q = 0.01,
                                          .confidence = 0.2,
                                          .both = 0.5,
                                          .jitter = 60,
                                          .service_peers = 5};
}

static int append_listen(struct fl_config *c, const char *text)
{
    char **grown = realloc(c->listen, (c->n_listen + 1) * sizeof *grown);
    if (!grown)
        return FL_ENOMEM;
    c->listen = grown;
    c->listen[c->n_listen] = strdup(text);
    if (!c->listen[c->n_listen])
        return FL_ENOMEM;
    c->n_listen++;
    return 0;
}

static void clear_listen(struct fl_config *c)
{
    for (size_t i = 0; i < c->n_listen; i++)
        free(c->listen[i]);
    free(c->listen);
    c->listen = NULL;
    c->n_listen = 0;
}

int fl_config_init(struct fl_config *c)
{
    fl_config_set_values(c);
    for (int i = 0; i < n_default_listen; i++)
        if (append_listen(c, default_listen[i]) < 0) {
            fl_config_clear(c);
            return FL_ENOMEM;
        }
    return 0;
}

void fl_config_clear(struct fl_config *c)
{
    clear_listen(c);
    for (size_t i = 0; i < c->n_locations; i++)
        free(c->locations[i].prefixes);
    free(c->locations);
    free(c->alerts_file);
    for (size_t i = 0; i < c->n_sinks; i++)
        fl_sink_config_clear(&c->sinks[i]);
    free(c->sinks);
    memset(c, 0, sizeof *c);
}

static bool port_ok(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && !text[digits] && strtol(text, NULL, 10) <= 65535;
}

/* "ADDR:PORT" with IPv6 in brackets, or "*:PORT". */
static bool listen_ok(const char *text)
{
    char host[FL_ADDR_TEXT + 2];
    struct fl_addr address;
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (length == 0 || length >= sizeof host || !port_ok(colon + 1))
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    if (strcmp(host, "*") == 0)
        return true;
    return (host[0] == '[' || !strchr(host, ':')) && fl_addr_parse(host, &address) == 0;
}

static bool has_default_listen(const struct fl_config *c)
{
    if (c->n_listen != n_default_listen)
        return false;
    for (int i = 0; i < n_default_listen; i++)
        if (strcmp(c->listen[i], default_listen[i]) != 0)
            return false;
    return true;
}

int fl_config_append_listen(struct fl_config *c, const char *text, struct fl_err *err)
{
    if (!listen_ok(text))
        return fl_fail(
            err, FL_EINVAL,
            "\"%.80s\" is not an address and a port; write 192.0.2.1:2055, [2001:db8::1]:2055 or *:2055",
            text);
    if (c->n_listen == MOST_LISTEN)
        return fl_fail(err, FL_EINVAL, "more than %d addresses; *:PORT listens on all of them", MOST_LISTEN);
    for (size_t i = 0; i < c->n_listen; i++)
        if (strcmp(c->listen[i], text) == 0)
            return fl_fail(err, FL_EINVAL, "%.80s stands here twice; remove one", text);
    return append_listen(c, text);
}

int fl_config_add_listen(struct fl_config *c, const char *text, struct fl_err *err)
{
    struct fl_err why = {""};
    bool replace = has_default_listen(c);
    char **kept = c->listen;
    if (replace) {
        c->listen = NULL;
        c->n_listen = 0;
    }
    int rc = fl_config_append_listen(c, text, &why);
    if (replace) {
        struct fl_config old = {.listen = kept, .n_listen = n_default_listen};
        if (rc == 0) {
            clear_listen(&old);
        } else {
            free(c->listen);
            c->listen = old.listen;
            c->n_listen = old.n_listen;
        }
    }
    return rc < 0 ? fl_fail(err, rc, "--listen: %s", *why.text ? why.text : fl_strerror(rc)) : 0;
}

static struct fl_location_config *find_location(struct fl_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_locations; i++)
        if (strcmp(c->locations[i].name, name) == 0)
            return &c->locations[i];
    return NULL;
}

int fl_config_new_location(struct fl_config *c, const char *name, struct fl_location_config **out,
                           struct fl_err *err)
{
    if (!fl_location_name_ok(name))
        return fl_fail(err, FL_EINVAL,
                       "\"%.80s\" cannot name a location; use up to %d letters, digits, '.', '_' and '-', a "
                       "letter or digit first",
                       name, FL_LOCATION_NAME - 1);
    struct fl_location_config *grown = realloc(c->locations, (c->n_locations + 1) * sizeof *grown);
    if (!grown)
        return FL_ENOMEM;
    c->locations = grown;
    struct fl_location_config *l = &grown[c->n_locations++];
    memset(l, 0, sizeof *l);
    l->learning_ms = -1;
    snprintf(l->name, sizeof l->name, "%s", name);
    *out = l;
    return 0;
}

int fl_config_add_prefix(struct fl_location_config *l, const char *text, struct fl_err *err)
{
    struct fl_prefix p;
    if (fl_prefix_parse(text, &p) < 0)
        return fl_fail(err, FL_EINVAL,
                       "\"%.80s\" is not a prefix; write 10.1.0.0/16, 2001:db8::/32 or one address", text);
    struct fl_prefix *grown = realloc(l->prefixes, (l->n_prefixes + 1) * sizeof *grown);
    if (!grown)
        return FL_ENOMEM;
    l->prefixes = grown;
    l->prefixes[l->n_prefixes++] = p;
    return 0;
}

static int add_prefixes(struct fl_config *c, const char *name, char *list, struct fl_err *err)
{
    struct fl_location_config *l = find_location(c, name);
    int rc = l ? 0 : fl_config_new_location(c, name, &l, err);
    for (char *next = list; rc == 0 && next;) {
        char *prefix = strsep(&next, ",");
        rc = fl_config_add_prefix(l, prefix, err);
    }
    return rc;
}

int fl_config_add_location(struct fl_config *c, const char *text, struct fl_err *err)
{
    struct fl_err why = {""};
    char *copy = strdup(text);
    if (!copy)
        return fl_fail(err, FL_ENOMEM, "--location: out of memory");
    char *list = copy, *name = strsep(&list, "=");
    size_t n_before = c->n_locations;
    struct fl_location_config *old = find_location(c, name);
    size_t prefixes_before = old ? old->n_prefixes : 0;
    int rc = list ? add_prefixes(c, name, list, &why)
                  : fl_fail(&why, FL_EINVAL, "\"%.80s\" has no prefix; write NAME=PREFIX[,PREFIX]", text);
    if (rc < 0 && c->n_locations > n_before)
        free(c->locations[--c->n_locations].prefixes);
    else if (rc < 0 && old)
        old->n_prefixes = prefixes_before;
    free(copy);
    return rc < 0 ? fl_fail(err, rc, "--location: %s", *why.text ? why.text : fl_strerror(rc)) : 0;
}

static bool same_prefix(const struct fl_prefix *a, const struct fl_prefix *b)
{
    return a->length == b->length && fl_addr_cmp(&a->addr, &b->addr) == 0;
}

/* The place of an equal prefix before locations[i].prefixes[j]. */
static const struct fl_location_config *earlier_prefix(const struct fl_config *c, size_t i, size_t j)
{
    const struct fl_prefix *p = &c->locations[i].prefixes[j];
    for (size_t k = 0; k <= i; k++)
        for (size_t m = 0; m < (k == i ? j : c->locations[k].n_prefixes); m++)
            if (same_prefix(p, &c->locations[k].prefixes[m]))
                return &c->locations[k];
    return NULL;
}

static int check_location(const struct fl_config *c, size_t i, char path[FL_CONFIG_PATH], struct fl_err *err)
{
    const struct fl_location_config *l = &c->locations[i];
    snprintf(path, FL_CONFIG_PATH, "locations[%zu]", i);
    if (l->n_prefixes == 0)
        return fl_fail(err, FL_EINVAL, "%s has no prefixes; add `prefixes: [10.1.0.0/16]`, its exporters",
                       l->name);
    for (size_t k = 0; k < i; k++)
        if (strcmp(c->locations[k].name, l->name) == 0)
            return fl_fail(err, FL_EINVAL, "%s is configured twice; write all its prefixes in one place",
                           l->name);
    for (size_t j = 0; j < l->n_prefixes; j++) {
        const struct fl_location_config *other = earlier_prefix(c, i, j);
        char text[FL_ADDR_TEXT + 4];
        if (!other)
            continue;
        snprintf(path, FL_CONFIG_PATH, "locations[%zu].prefixes[%zu]", i, j);
        return fl_fail(err, FL_EINVAL, "%s belongs to %s already; remove one of the two",
                       fl_prefix_format(&l->prefixes[j], text), other->name);
    }
    return 0;
}

int fl_config_check_path(const struct fl_config *c, char path[FL_CONFIG_PATH], struct fl_err *err)
{
    char a[FL_TIME_TEXT], b[FL_TIME_TEXT];
    for (size_t i = 0; i < c->n_locations; i++)
        if (check_location(c, i, path, err) < 0)
            return FL_EINVAL;
    const struct fl_mining_config *m = &c->mining;
    snprintf(path, FL_CONFIG_PATH, "mining.span");
    if (m->span_ms < m->window_ms * m->jitter)
        return fl_fail(err, FL_EINVAL,
                       "%s is less than one block of window times jitter (%s); make it longer",
                       fl_duration_format(m->span_ms, a), fl_duration_format(m->window_ms * m->jitter, b));
    if (c->retention_ms > 0 && m->span_ms > c->retention_ms)
        return fl_fail(err, FL_EINVAL, "%s is longer than the retention of %s; make retention longer",
                       fl_duration_format(m->span_ms, a), fl_duration_format(c->retention_ms, b));
    snprintf(path, FL_CONFIG_PATH, "retention");
    if (c->retention_ms > 0 && c->retention_ms < c->bucket_ms)
        return fl_fail(err, FL_EINVAL, "%s is shorter than a bucket of %s; make it longer, or 0 for ever",
                       fl_duration_format(c->retention_ms, a), fl_duration_format(c->bucket_ms, b));
    return 0;
}

int fl_config_check(const struct fl_config *c, struct fl_err *err)
{
    char path[FL_CONFIG_PATH];
    struct fl_err why = {""};
    int rc = fl_config_check_path(c, path, &why);
    return rc < 0 ? fl_fail(err, rc, "%s: %s", path, why.text) : 0;
}

const char *fl_config_location(const struct fl_config *c, const struct fl_addr *exporter, uint32_t *sampling)
{
    const struct fl_location_config *best = NULL;
    int best_length = -1;
    for (size_t i = 0; i < c->n_locations; i++)
        for (size_t j = 0; j < c->locations[i].n_prefixes; j++) {
            const struct fl_prefix *p = &c->locations[i].prefixes[j];
            if ((int)p->length > best_length && fl_prefix_contains(p, exporter)) {
                best = &c->locations[i];
                best_length = p->length;
            }
        }
    if (sampling)
        *sampling = best ? best->sampling : 0;
    if (c->n_locations == 0)
        return "default";
    return best ? best->name : NULL;
}
