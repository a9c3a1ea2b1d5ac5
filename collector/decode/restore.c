/* Templates over a restart: those that wait for their session to be heard of again, and what is told so that
 * they can be kept. */
#include "collector/decode/session.h"

#include <string.h>

#include "collector/decode/sanitise.h"

enum { MOST_GONE = 65536 };

struct kept {
    int64_t defined_ms;
    uint16_t id, length;
    bool options;
    GList link; /* in fl_restored.templates */
    uint8_t bytes[];
};

/* The templates of a session in its earlier life. */
struct fl_restored {
    struct fl_session_key key; /* first: the hash key */
    GQueue templates;
    GList age; /* in fl_decoder.restored_age */
};

/* One that is no more. */
struct fl_gone {
    struct fl_wire_template t; /* without bytes */
    GList link;                /* in fl_decoder.gone */
};

/* ---- telling ---- */

static void be_gone(struct fl_decoder *d, const struct fl_session_key *key, uint16_t id, bool options,
                    int64_t defined_ms)
{
    struct fl_gone *g = g_malloc0(sizeof *g);
    g->t = (struct fl_wire_template){.address = key->address,
                                     .source_port = key->source_port,
                                     .domain = key->domain,
                                     .version = (uint8_t)key->version,
                                     .id = id,
                                     .options = options,
                                     .defined_ms = defined_ms};
    g->link.data = g;
    g_queue_push_tail_link(&d->gone, &g->link);
    if (d->gone.length > MOST_GONE)
        g_free(g_queue_pop_head_link(&d->gone)->data);
}

void fl_template_changed(struct fl_decoder *d, struct fl_template *t)
{
    if (!t->changes)
        g_queue_push_tail_link(&d->changed, &t->change);
    t->changes = true;
}

static void unchanged(struct fl_decoder *d, struct fl_template *t)
{
    if (t->changes)
        g_queue_unlink(&d->changed, &t->change);
    t->changes = false;
    t->told = true;
    t->told_ms = t->defined_ms;
}

void fl_template_gone(struct fl_decoder *d, struct fl_template *t)
{
    bool told = t->told;
    unchanged(d, t);
    if (told)
        be_gone(d, &t->session->key, (uint16_t)t->id, t->layout->options, t->defined_ms);
}

static int tell(const struct fl_template *t, fl_wire_template_fn *fn, void *ctx)
{
    const struct fl_session_key *key = &t->session->key;
    struct fl_wire_template told = {.address = key->address,
                                    .source_port = key->source_port,
                                    .domain = key->domain,
                                    .version = (uint8_t)key->version,
                                    .id = (uint16_t)t->id,
                                    .options = t->layout->options,
                                    .defined_ms = t->defined_ms,
                                    .bytes = t->bytes,
                                    .length = t->length};
    return fn(ctx, &told);
}

int fl_decoder_changed_templates(struct fl_decoder *d, fl_wire_template_fn *fn, void *ctx)
{
    while (d->gone.head) { /* first: an id that is gone may have been defined anew since */
        struct fl_gone *g = d->gone.head->data;
        int code = fn(ctx, &g->t);
        if (code)
            return code;
        g_queue_unlink(&d->gone, &g->link);
        g_free(g);
    }
    while (d->changed.head) {
        struct fl_template *t = d->changed.head->data;
        int code = tell(t, fn, ctx);
        if (code)
            return code;
        unchanged(d, t);
    }
    return 0;
}

/* ---- waiting for the session ---- */

static void kept_free(struct fl_decoder *d, struct fl_restored *r, struct kept *k)
{
    g_queue_unlink(&r->templates, &k->link);
    d->restored_bytes -= sizeof *k + k->length;
    g_free(k);
}

static void restored_drop(struct fl_decoder *d, struct fl_restored *r)
{
    while (r->templates.head)
        kept_free(d, r, r->templates.head->data);
    d->restored_bytes -= sizeof *r;
    g_queue_unlink(&d->restored_age, &r->age);
    g_hash_table_remove(d->restored, r);
    g_free(r);
}

void fl_restored_free(struct fl_decoder *d)
{
    while (d->restored_age.head)
        restored_drop(d, d->restored_age.head->data);
    while (d->gone.head)
        g_free(g_queue_pop_head_link(&d->gone)->data);
}

void fl_restored_expire(struct fl_decoder *d, int64_t before_ms)
{
    for (GList *l = d->restored_age.head, *next; l; l = next) {
        struct fl_restored *r = l->data;
        next = l->next;
        for (GList *m = r->templates.head, *after; m; m = after) {
            struct kept *k = m->data;
            after = m->next;
            if (k->defined_ms >= before_ms)
                continue;
            be_gone(d, &r->key, k->id, k->options, k->defined_ms);
            kept_free(d, r, k);
        }
        if (!r->templates.head)
            restored_drop(d, r);
    }
}

static struct fl_restored *restored_of(struct fl_decoder *d, const struct fl_session_key *key)
{
    struct fl_restored *r = g_hash_table_lookup(d->restored, key);
    if (r)
        return r;
    r = g_malloc0(sizeof *r);
    r->key = *key;
    r->age.data = r;
    d->restored_bytes += sizeof *r;
    g_queue_push_tail_link(&d->restored_age, &r->age);
    g_hash_table_add(d->restored, r);
    return r;
}

static void keep(struct fl_decoder *d, const struct fl_session_key *key, const struct fl_wire_template *t)
{
    struct fl_restored *r = restored_of(d, key);
    for (GList *l = r->templates.head, *next; l; l = next) {
        struct kept *k = l->data;
        next = l->next;
        if (k->id == t->id || r->templates.length >= d->limits.templates)
            kept_free(d, r, k);
    }
    struct kept *k = g_malloc0(sizeof *k + t->length);
    k->defined_ms = t->defined_ms;
    k->id = t->id;
    k->options = t->options;
    k->length = (uint16_t)t->length;
    k->link.data = k;
    memcpy(k->bytes, t->bytes, t->length);
    g_queue_push_tail_link(&r->templates, &k->link);
    d->restored_bytes += sizeof *k + k->length;
    while (d->restored_bytes > d->limits.restored_bytes && d->restored_age.head)
        restored_drop(d, d->restored_age.head->data);
}

/* ---- coming back ---- */

/* The layout of a template's bytes, through the same checks as the network's; NULL when they are not one. */
static struct fl_layout *read_template(struct fl_decoder *d, unsigned version, bool options, uint16_t id,
                                       struct fl_cursor wire)
{
    struct fl_set set = {.kind = options ? FL_SET_OPTIONS : FL_SET_TEMPLATE, .content = wire};
    struct fl_layout *layout;
    uint16_t found;
    if (fl_template_next(&set, version, &d->draft, d->layouts, &found, &layout) <= 0)
        return NULL;
    if (layout && found == id && fl_cursor_left(&set.content) == 0)
        return layout;
    fl_layout_unref(layout);
    return NULL;
}

/* Give one to a session that has none of its id. */
static void give(struct fl_decoder *d, struct fl_session *s, uint16_t id, bool options, struct fl_cursor wire,
                 int64_t defined_ms)
{
    struct fl_layout *layout = read_template(d, s->key.version, options, id, wire);
    if (!layout)
        return;
    (void)fl_template_define(d, s, id, layout, wire, defined_ms);
    struct fl_template *t = fl_template_find(s, id);
    if (!t)
        return;
    unchanged(d, t);
    fl_session_prove(d, s);
}

static gint by_definition(gconstpointer a, gconstpointer b, gpointer ctx)
{
    const struct fl_template *x = a, *y = b;
    return (x->defined_ms > y->defined_ms) - (x->defined_ms < y->defined_ms);
}

void fl_restored_adopt(struct fl_decoder *d, struct fl_session *s, int64_t now_ms)
{
    struct fl_restored *r = g_hash_table_lookup(d->restored, &s->key);
    if (!r)
        return;
    for (GList *l = r->templates.head; l; l = l->next) {
        const struct kept *k = l->data;
        int64_t defined_ms = k->defined_ms < now_ms ? k->defined_ms : now_ms;
        if (defined_ms < now_ms - d->limits.template_timeout_ms)
            be_gone(d, &s->key, k->id, k->options, k->defined_ms);
        else
            give(d, s, k->id, k->options, fl_cursor_over(k->bytes, k->length), defined_ms);
    }
    g_queue_sort(&s->by_age, by_definition, NULL);
    restored_drop(d, r);
}

int fl_decoder_restore(struct fl_decoder *d, const struct fl_wire_template *t)
{
    struct fl_session_key key = {t->address, t->domain, t->source_port, t->version};
    if ((t->version != 9 && t->version != 10) || !t->bytes || t->length > UINT16_MAX)
        return FL_EMALF;
    struct fl_cursor wire = fl_cursor_over(t->bytes, t->length);
    struct fl_layout *layout = read_template(d, t->version, t->options, t->id, wire);
    if (!layout)
        return FL_EMALF;
    fl_layout_unref(layout);
    struct fl_session *s = g_hash_table_lookup(d->by_key, &key);
    if (!s) {
        keep(d, &key, t);
    } else if (!fl_template_find(s, t->id)) {
        d->busy = s;
        give(d, s, t->id, t->options, wire, t->defined_ms);
        g_queue_sort(&s->by_age, by_definition, NULL);
        d->busy = NULL;
    }
    return 0;
}
