/* A session's templates, and the room they take. */
#include "collector/decode/session.h"

#include <string.h>

enum { TOLD_AGAIN_MS = 600000 };

struct fl_template *fl_template_find(const struct fl_session *s, uint16_t id)
{
    guint key = id;
    return g_hash_table_lookup(s->templates, &key);
}

static void template_free(struct fl_decoder *d, struct fl_template *t)
{
    struct fl_session *s = t->session;
    fl_template_gone(d, t);
    d->template_bytes -= t->cost_bytes;
    s->source->template_bytes -= t->cost_bytes;
    g_queue_unlink(&s->by_age, &t->link);
    g_hash_table_remove(s->templates, &t->id);
    fl_layout_unref(t->layout);
    g_free(t->bytes);
    g_free(t);
}

/* ---- room ---- */

static size_t cost_of(const struct fl_layout *layout, size_t wire_bytes)
{
    /* A plan has an operation for each field at most. */
    return sizeof(struct fl_template) + wire_bytes + sizeof *layout +
           layout->n_fields * 2 * sizeof layout->fields[0];
}

/* One step towards room within `ranks`: others that count less go first, then its own oldest. */
static bool give_way(struct fl_decoder *d, struct fl_session *s, struct fl_ranks *ranks)
{
    static const struct fl_session nobody = {.proven = false};
    if (s->proven && fl_session_push_out(d, ranks, &nobody, true))
        return true;
    if (s->by_age.head) {
        template_free(d, s->by_age.head->data);
        return true;
    }
    return fl_session_push_out(d, ranks, s, true);
}

static bool make_room(struct fl_decoder *d, struct fl_session *s, size_t more)
{
    const struct fl_decoder_limits *limits = &d->limits;
    while (s->by_age.head && s->by_age.length >= limits->templates)
        template_free(d, s->by_age.head->data);
    while (s->source->template_bytes + more > limits->template_bytes_address)
        if (!give_way(d, s, &s->source->sessions))
            return false;
    while (d->template_bytes + more > limits->template_bytes)
        if (!give_way(d, s, &d->sessions))
            return false;
    return true;
}

/* ---- definitions ---- */

static struct fl_template *template_new(struct fl_decoder *d, struct fl_session *s, uint16_t id,
                                        struct fl_layout *layout, struct fl_cursor wire)
{
    size_t length = fl_cursor_left(&wire), cost = cost_of(layout, length);
    if (!make_room(d, s, cost))
        return NULL;
    struct fl_template *t = g_malloc0(sizeof *t);
    t->id = id;
    t->session = s;
    t->layout = layout;
    t->cost_bytes = cost;
    t->length = (uint16_t)length;
    t->bytes = g_memdup2(wire.at, length);
    t->link.data = t->change.data = t;
    g_hash_table_add(s->templates, t);
    g_queue_push_tail_link(&s->by_age, &t->link);
    d->template_bytes += cost;
    s->source->template_bytes += cost;
    return t;
}

void fl_template_refresh(struct fl_decoder *d, struct fl_template *t, int64_t now_ms)
{
    struct fl_session *s = t->session;
    if (s->by_age.tail != &t->link) {
        g_queue_unlink(&s->by_age, &t->link);
        g_queue_push_tail_link(&s->by_age, &t->link);
    }
    t->defined_ms = now_ms;
    if (!t->told || now_ms - t->told_ms >= TOLD_AGAIN_MS)
        fl_template_changed(d, t);
}

int fl_template_define(struct fl_decoder *d, struct fl_session *s, uint16_t id, struct fl_layout *layout,
                       struct fl_cursor wire, int64_t now_ms)
{
    struct fl_template *t = fl_template_find(s, id);
    bool fresh = !t;
    if (t)
        template_free(d, t);
    t = template_new(d, s, id, layout, wire);
    if (!t) {
        fl_layout_unref(layout);
        return 0;
    }
    t->defined_ms = now_ms;
    fl_template_changed(d, t);
    return fresh ? fl_session_adopt_held(d, s, t) : 0;
}

/* ---- ends ---- */

void fl_template_withdraw(struct fl_decoder *d, struct fl_session *s, uint16_t id)
{
    struct fl_template *t = fl_template_find(s, id);
    if (t)
        template_free(d, t);
}

void fl_template_withdraw_all(struct fl_decoder *d, struct fl_session *s, bool options)
{
    for (GList *l = s->by_age.head, *next; l; l = next) {
        struct fl_template *t = l->data;
        next = l->next;
        if (t->layout->options == options)
            template_free(d, t);
    }
}

void fl_template_expire(struct fl_decoder *d, struct fl_session *s, int64_t before_ms)
{
    while (s->by_age.head && ((struct fl_template *)s->by_age.head->data)->defined_ms < before_ms)
        template_free(d, s->by_age.head->data);
}

void fl_template_forget_all(struct fl_decoder *d, struct fl_session *s)
{
    while (s->by_age.head)
        template_free(d, s->by_age.head->data);
}
