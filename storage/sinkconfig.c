/* Sinks in the configuration: defaults, copies, comparison. configsinks.c reads them from YAML. */
#include "storage/sinkconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Members that are one text, and those that are lists of texts. */
static const size_t texts[] = {
    offsetof(struct fl_sink_config, path),        offsetof(struct fl_sink_config, host),
    offsetof(struct fl_sink_config, url),         offsetof(struct fl_sink_config, secret_file),
    offsetof(struct fl_sink_config, header_file), offsetof(struct fl_sink_config, ca_file),
    offsetof(struct fl_sink_config, proxy)};
static const size_t lists[] = {offsetof(struct fl_sink_config, locations),
                               offsetof(struct fl_sink_config, events),
                               offsetof(struct fl_sink_config, command)};
enum { N_TEXTS = sizeof texts / sizeof texts[0], N_LISTS = sizeof lists / sizeof lists[0] };

static char **text_at(const struct fl_sink_config *s, int i)
{
    return (char **)(void *)((char *)s + texts[i]);
}

static char ***list_at(const struct fl_sink_config *s, int i)
{
    return (char ***)(void *)((char *)s + lists[i]);
}

void fl_sink_config_init(struct fl_sink_config *s, const char *name, enum fl_sink_kind kind)
{
    *s = (struct fl_sink_config){.kind = kind, .timeout_ms = 30000, .facility = 3};
    snprintf(s->name, sizeof s->name, "%s", name);
}

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

void fl_sink_config_clear(struct fl_sink_config *s)
{
    for (int i = 0; i < N_TEXTS; i++)
        free(*text_at(s, i));
    for (int i = 0; i < N_LISTS; i++)
        free_list(*list_at(s, i));
    memset(s, 0, sizeof *s);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(char *const *a, char *const *b)
{
    if (!a || !b)
        return a == b;
    while (*a && *b && strcmp(*a, *b) == 0)
        a++, b++;
    return !*a && !*b;
}

bool fl_sink_config_equal(const struct fl_sink_config *a, const struct fl_sink_config *b)
{
    bool same = strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->severity == b->severity &&
                a->timeout_ms == b->timeout_ms && a->transport == b->transport && a->port == b->port &&
                a->facility == b->facility && a->redirects == b->redirects;
    for (int i = 0; same && i < N_TEXTS; i++)
        same = same_text(*text_at(a, i), *text_at(b, i));
    for (int i = 0; same && i < N_LISTS; i++)
        same = same_list(*list_at(a, i), *list_at(b, i));
    return same;
}

static char **copy_list(char *const *list)
{
    size_t n = 0;
    while (list[n])
        n++;
    char **copy = calloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++)
        if (!(copy[i] = strdup(list[i]))) {
            free_list(copy);
            return NULL;
        }
    return copy;
}

int fl_sink_config_copy(struct fl_sink_config *out, const struct fl_sink_config *s)
{
    bool whole = true;
    *out = *s;
    for (int i = 0; i < N_TEXTS; i++) {
        const char *text = *text_at(s, i);
        *text_at(out, i) = text ? strdup(text) : NULL;
        whole = whole && (!text || *text_at(out, i));
    }
    for (int i = 0; i < N_LISTS; i++) {
        char **list = *list_at(s, i);
        *list_at(out, i) = list ? copy_list(list) : NULL;
        whole = whole && (!list || *list_at(out, i));
    }
    if (whole)
        return 0;
    fl_sink_config_clear(out);
    return FL_ENOMEM;
}

const char *fl_sink_kind_name(enum fl_sink_kind kind)
{
    static const char *const names[] = {[FL_SINK_FILE] = "file",
                                        [FL_SINK_SYSLOG] = "syslog",
                                        [FL_SINK_WEBHOOK] = "webhook",
                                        [FL_SINK_COMMAND] = "command"};
    return names[kind];
}
