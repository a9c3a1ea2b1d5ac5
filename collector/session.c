/* The session table and its templates. */
#include "collector/session.h"

#include <string.h>

static void template_free(struct fl_session *s, struct fl_template *t)
{
    g_queue_unlink(&s->by_age, &t->link);
    g_hash_table_remove(s->templates, &t->id);
    fl_layout_unref(t->layout);
    g_free(t);
    s->stats.templates = g_hash_table_size(s->templates);
}

void fl_session_drop(struct fl_decoder *d, struct fl_session *s)
{
    fl_session_release(d, s, 0, true);
    while (s->by_age.head)
        template_free(s, s->by_age.head->data);
    g_hash_table_destroy(s->templates);
    g_queue_unlink(&d->recent, &s->link);
    g_hash_table_remove(d->sessions, s);
    g_free(s);
}

static struct fl_session *session_new(struct fl_decoder *d, const struct fl_session_key *key, int64_t now_ms)
{
    struct fl_session *s = g_malloc0(sizeof *s);
    s->key = *key;
    s->link.data = s;
    s->templates = g_hash_table_new(g_int_hash, g_int_equal);
    s->stats = (struct fl_exporter_stats){.address = key->address,
                                          .source_port = key->source_port,
                                          .domain = key->domain,
                                          .version = (uint8_t)key->version,
                                          .sampling = 1,
                                          .first_seen_ms = now_ms};
    g_hash_table_add(d->sessions, s);
    return s;
}

struct fl_session *fl_session_get(struct fl_decoder *d, const struct fl_session_key *key,
                                  const struct fl_sender *from, int64_t now_ms)
{
    struct fl_session *s = g_hash_table_lookup(d->sessions, key);
    if (s) {
        g_queue_unlink(&d->recent, &s->link);
    } else {
        while (d->recent.tail && g_hash_table_size(d->sessions) >= d->limits.sessions)
            fl_session_drop(d, d->recent.tail->data);
        s = session_new(d, key, now_ms);
    }
    g_queue_push_head_link(&d->recent, &s->link);
    s->stats.last_seen_ms = now_ms;
    s->configured_sampling = from->sampling;
    if (strcmp(s->stats.location, from->location) != 0)
        g_strlcpy(s->stats.location, from->location, sizeof s->stats.location);
    return s;
}

struct fl_layout *fl_session_layout(const struct fl_session *s, uint16_t id)
{
    guint key = id;
    const struct fl_template *t = g_hash_table_lookup(s->templates, &key);
    return t ? t->layout : NULL;
}

static struct fl_template *template_at(struct fl_decoder *d, struct fl_session *s, uint16_t id)
{
    guint key = id;
    struct fl_template *t = g_hash_table_lookup(s->templates, &key);
    if (t) {
        g_queue_unlink(&s->by_age, &t->link);
    } else {
        while (s->by_age.head && g_hash_table_size(s->templates) >= d->limits.templates)
            template_free(s, s->by_age.head->data);
        t = g_malloc0(sizeof *t);
        t->id = id;
        t->link.data = t;
        g_hash_table_add(s->templates, t);
    }
    g_queue_push_tail_link(&s->by_age, &t->link);
    return t;
}

/* Give the sets that waited for this template their layout and another try. */
static int adopt_held(struct fl_decoder *d, struct fl_session *s, const struct fl_template *t)
{
    GQueue ready = G_QUEUE_INIT;
    int n = 0;
    for (GList *l = s->held.head, *next; l; l = next) {
        struct fl_held *h = l->data;
        next = l->next;
        if (h->layout || h->set_id != t->id)
            continue;
        g_queue_unlink(&s->held, l);
        g_queue_push_tail_link(&ready, l);
        s->held_bytes -= sizeof *h + h->length;
        d->held_bytes -= sizeof *h + h->length;
    }
    while (ready.head) {
        struct fl_held *h = g_queue_pop_head_link(&ready)->data;
        int code =
            fl_session_data(d, s, &h->header, h->set_id, t->layout, fl_cursor_over(h->bytes, h->length));
        if (code == FL_EMALF)
            s->stats.malformed++;
        n += code > 0 ? code : 0;
        g_free(h);
    }
    return n;
}

int fl_session_define(struct fl_decoder *d, struct fl_session *s, uint16_t id, struct fl_layout *layout,
                      int64_t now_ms)
{
    struct fl_template *t = template_at(d, s, id);
    bool fresh = !t->layout;
    fl_layout_unref(t->layout);
    t->layout = layout;
    t->defined_ms = now_ms;
    s->stats.templates = g_hash_table_size(s->templates);
    return fresh ? adopt_held(d, s, t) : 0;
}

void fl_session_withdraw(struct fl_session *s, uint16_t id)
{
    guint key = id;
    struct fl_template *t = g_hash_table_lookup(s->templates, &key);
    if (t)
        template_free(s, t);
}

void fl_session_withdraw_all(struct fl_session *s, bool options)
{
    for (GList *l = s->by_age.head, *next; l; l = next) {
        struct fl_template *t = l->data;
        next = l->next;
        if (t->layout->options == options)
            template_free(s, t);
    }
}

void fl_session_expire_templates(struct fl_session *s, int64_t before_ms)
{
    while (s->by_age.head && ((struct fl_template *)s->by_age.head->data)->defined_ms < before_ms)
        template_free(s, s->by_age.head->data);
}
