/* Watermarks: a small table by location. */
#include "collector/watermark.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mark {
    struct fl_watermark published; /* guarded by the lock */
    bool is_published;             /* likewise */
    int64_t first_ms, believed_ms, received_ms;
};

struct fl_watermarks {
    pthread_mutex_t lock;
    struct mark *marks; /* grown under the lock */
    size_t n, last;     /* last: where the latest look-up ended */
};

int fl_watermarks_new(struct fl_watermarks **out)
{
    struct fl_watermarks *w = calloc(1, sizeof *w);
    if (!w)
        return FL_ENOMEM;
    pthread_mutex_init(&w->lock, NULL);
    *out = w;
    return 0;
}

void fl_watermarks_free(struct fl_watermarks *w)
{
    if (!w)
        return;
    pthread_mutex_destroy(&w->lock);
    free(w->marks);
    free(w);
}

static struct mark *add_mark(struct fl_watermarks *w, const char *location)
{
    pthread_mutex_lock(&w->lock);
    struct mark *grown = realloc(w->marks, (w->n + 1) * sizeof *grown);
    if (grown) {
        w->marks = grown;
        w->last = w->n++;
        struct mark *m = &grown[w->last];
        *m = (struct mark){.first_ms = INT64_MAX, .believed_ms = INT64_MIN, .received_ms = INT64_MIN};
        size_t length = strnlen(location, FL_LOCATION_NAME - 1);
        memcpy(m->published.location, location, length);
    }
    pthread_mutex_unlock(&w->lock);
    return grown ? &w->marks[w->last] : NULL;
}

static struct mark *mark_of(struct fl_watermarks *w, const char *location)
{
    for (size_t i = 0; i < w->n; i++) {
        size_t at = (w->last + i) % w->n;
        if (!strcmp(w->marks[at].published.location, location)) {
            w->last = at;
            return &w->marks[at];
        }
    }
    return add_mark(w, location);
}

static void raise_to(int64_t *mark, int64_t to)
{
    if (*mark < to)
        *mark = to;
}

int fl_watermarks_note(struct fl_watermarks *w, const struct fl_gathered *gathered)
{
    struct mark *m = mark_of(w, gathered->location);
    if (!m)
        return FL_ENOMEM;
    if (gathered->first_start_ms < m->first_ms)
        m->first_ms = gathered->first_start_ms;
    raise_to(&m->believed_ms, gathered->told_end_ms);
    raise_to(&m->received_ms, gathered->received_end_ms);
    return 0;
}

int fl_watermarks_seed(struct fl_watermarks *w, const char *location, int64_t first_ms, int64_t last_end_ms)
{
    struct mark *m = mark_of(w, location);
    if (!m)
        return FL_ENOMEM;
    m->first_ms = first_ms;
    m->believed_ms = last_end_ms;
    return 0;
}

int64_t fl_watermark_lateness(const struct fl_config *config, const char *location)
{
    for (size_t i = 0; i < config->n_locations; i++)
        if (!strcmp(config->locations[i].name, location) && config->locations[i].active_timeout_ms)
            return config->locations[i].active_timeout_ms;
    return config->active_timeout_ms;
}

void fl_watermarks_publish(struct fl_watermarks *w, const struct fl_config *config)
{
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++) {
        struct mark *m = &w->marks[i];
        int64_t newest = m->believed_ms != INT64_MIN ? m->believed_ms : m->received_ms;
        m->published.first_ms = m->first_ms;
        m->published.watermark_ms = newest - fl_watermark_lateness(config, m->published.location);
        m->is_published = true;
    }
    pthread_mutex_unlock(&w->lock);
}

int fl_watermarks_snapshot(struct fl_watermarks *w, struct fl_watermark **out)
{
    int n = 0;
    *out = NULL;
    pthread_mutex_lock(&w->lock);
    if (w->n) {
        *out = calloc(w->n, sizeof **out);
        if (!*out)
            n = FL_ENOMEM;
    }
    for (size_t i = 0; *out && i < w->n; i++)
        if (w->marks[i].is_published)
            (*out)[n++] = w->marks[i].published;
    pthread_mutex_unlock(&w->lock);
    if (!n) {
        free(*out);
        *out = NULL;
    }
    return n;
}
