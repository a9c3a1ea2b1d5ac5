/* The way of a datagram: header, session, checks, templates, data. */
#include "collector/decode/decode.h"

#include <assert.h>
#include <string.h>

#include "collector/decode/cursor.h"
#include "collector/decode/sanitise.h"
#include "collector/decode/session.h"
#include "collector/decode/v5.h"

enum {
    SWEEP_MS = 60000,
    MOST_ORPHANS = 64 /* data sets without template that one datagram may have held: real ones have a few */
};

void fl_decoder_limits_init(struct fl_decoder_limits *limits)
{
    *limits = (struct fl_decoder_limits){.sessions = 4096,
                                         .sessions_address = 256,
                                         .templates = 1024,
                                         .template_bytes = 64 << 20,
                                         .template_bytes_address = 8 << 20,
                                         .restored_bytes = 16 << 20,
                                         .held_bytes = 4 << 20,
                                         .held_bytes_address = 16 << 20,
                                         .held_bytes_all = 64 << 20,
                                         .settle_ms = 2000,
                                         .hold_ms = 300000,
                                         .max_future_ms = 300000,
                                         .template_timeout_ms = 86400000};
}

int fl_decoder_new(struct fl_decoder **out, const struct fl_decoder_limits *limits, fl_flows_fn *fn,
                   void *ctx)
{
    struct fl_decoder *d = g_malloc0(sizeof *d);
    d->fn = fn;
    d->ctx = ctx;
    d->layouts = fl_layout_table_new();
    d->by_key = g_hash_table_new(fl_session_key_hash, fl_session_key_equal);
    d->restored = g_hash_table_new(fl_session_key_hash, fl_session_key_equal);
    d->sources = fl_source_table_new();
    d->v5 = fl_v5_layout(d->layouts, &d->draft);
    fl_decoder_set_limits(d, limits);
    int code = fl_fixbuf_new(&d->fixbuf);
    if (code < 0) {
        fl_decoder_free(d);
        d = NULL;
    }
    *out = d;
    return code;
}

static void ignore_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
}

void fl_decoder_free(struct fl_decoder *d)
{
    if (!d)
        return;
    d->fn = ignore_flows;
    d->room = NULL;
    while (d->sessions.proven.head)
        fl_session_drop(d, d->sessions.proven.head->data);
    while (d->sessions.unproven.head)
        fl_session_drop(d, d->sessions.unproven.head->data);
    fl_restored_free(d);
    fl_layout_unref(d->block_layout);
    fl_layout_unref(d->v5);
    g_hash_table_destroy(d->by_key);
    g_hash_table_destroy(d->restored);
    g_hash_table_destroy(d->sources);
    g_hash_table_destroy(d->layouts);
    fl_fixbuf_free(d->fixbuf);
    g_free(d);
}

void fl_decoder_set_room(struct fl_decoder *d, fl_room_fn *room)
{
    d->room = room;
}

void fl_decoder_set_limits(struct fl_decoder *d, const struct fl_decoder_limits *limits)
{
    assert(limits->sessions > 0 && limits->sessions_address > 0 && limits->templates > 0);
    d->limits = *limits;
}

/* One datagram on its way. */
struct datagram {
    struct fl_decoder *d;
    struct fl_session *s;
    struct fl_header header;
    enum fl_dialect dialect;
    int handed;
    bool malformed; /* a data set was refused */
    unsigned n_orphans, n_templates;
    bool emptied[2]; /* all templates, all options templates were withdrawn: once a datagram, it is a walk */
    struct fl_step step;
};

/* Exporters send their templates again and again: one that the session has with the very same bytes needs no
 * reading. Returns it, and the set stands behind it; else NULL. */
static struct fl_template *known_again(const struct datagram *g, struct fl_set *set)
{
    struct fl_cursor *c = &set->content, head = *c;
    struct fl_template *t = fl_template_find(g->s, (uint16_t)fl_cursor_read(&head, 2));
    if (!t || t->layout->options != (set->kind == FL_SET_OPTIONS) || fl_cursor_left(c) < t->length ||
        memcmp(c->at, t->bytes, t->length) != 0)
        return NULL;
    fl_cursor_skip(c, t->length);
    return t;
}

/* Walk all sets and templates without effect: a datagram is taken as a whole or not at all. */
static int check_sets(struct datagram *g, struct fl_cursor sets)
{
    struct fl_set set;
    struct fl_layout *layout;
    uint16_t id;
    int more;
    while ((more = fl_set_next(&sets, g->dialect, &set)) > 0) {
        if (set.kind != FL_SET_TEMPLATE && set.kind != FL_SET_OPTIONS)
            continue;
        do {
            layout = NULL;
            more = known_again(g, &set)
                       ? 1
                       : fl_template_next(&set, g->dialect, &g->d->draft, g->d->layouts, &id, &layout);
            fl_layout_unref(layout);
        } while (more > 0);
        if (more < 0)
            return more;
    }
    return more;
}

/* Withdrawals count although RFC 7011 section 8.4 has collectors ignore them on UDP: recorded files carry
 * them too, and an exporter that uses a template again has to send it again anyway. */
static void take_withdrawal(struct datagram *g, const struct fl_set *set, uint16_t id)
{
    bool options = set->kind == FL_SET_OPTIONS;
    if (id != set->id) {
        fl_template_withdraw(g->d, g->s, id);
    } else if (!g->emptied[options]) {
        g->emptied[options] = true;
        fl_template_withdraw_all(g->d, g->s, options);
    }
}

static void take_templates(struct datagram *g, struct fl_set *set)
{
    struct fl_layout *layout;
    uint16_t id;
    for (;;) {
        struct fl_template *known = known_again(g, set);
        if (known) {
            fl_template_refresh(g->d, known, g->header.received_ms);
            continue;
        }
        struct fl_cursor rest = set->content;
        if (fl_template_next(set, g->dialect, &g->d->draft, g->d->layouts, &id, &layout) <= 0)
            return;
        struct fl_cursor wire = fl_cursor_child(&rest, (size_t)(set->content.at - rest.at));
        if (layout && g->n_templates++ >= g->d->limits.templates)
            fl_layout_unref(layout); /* it would only push out others of this datagram */
        else if (layout)
            g->handed += fl_template_define(g->d, g->s, id, layout, wire, g->header.received_ms);
        else
            take_withdrawal(g, set, id);
    }
}

static void count_records(struct datagram *g, const struct fl_layout *layout, struct fl_cursor content)
{
    size_t used;
    uint32_t n = layout ? (uint32_t)fl_layout_count(layout, content, &used) : 0;
    g->step.records += n;
    g->step.flows += layout && !layout->options ? n : 0;
    g->step.uncounted = g->step.uncounted || n == 0;
}

static void take_data(struct datagram *g, uint16_t id, struct fl_layout *layout, struct fl_cursor content)
{
    count_records(g, layout, content);
    if (!layout && g->n_orphans++ >= MOST_ORPHANS) {
        g->s->stats.unknown_template++;
        return;
    }
    int code = fl_session_data(g->d, g->s, &g->header, id, layout, content);
    if (code < 0)
        g->malformed = true;
    else
        g->handed += code;
}

static void take_sets(struct datagram *g, struct fl_cursor sets)
{
    struct fl_set set;
    fl_template_expire(g->d, g->s, g->header.received_ms - g->d->limits.template_timeout_ms);
    while (fl_set_next(&sets, g->dialect, &set) > 0) {
        if (set.kind == FL_SET_DATA) {
            const struct fl_template *t = fl_template_find(g->s, set.id);
            take_data(g, set.id, t ? t->layout : NULL, set.content);
        } else if (set.kind != FL_SET_OTHER) {
            take_templates(g, &set);
        }
    }
}

static int verdict(const struct datagram *g)
{
    if (!g->malformed)
        return g->handed;
    g->s->stats.malformed++;
    return g->handed ? g->handed : FL_EMALF;
}

/* It came, though, and is not lost: what it covers is not known. */
static int refuse(struct datagram *g)
{
    g->malformed = true;
    g->step.uncounted = true;
    fl_sequence_update(&g->s->sequence, &g->step);
    return verdict(g);
}

static void meet(struct datagram *g, const struct fl_session_key *key, const struct fl_sender *from)
{
    g->s = fl_session_get(g->d, key, from, g->header.received_ms);
    g->s->stats.packets++;
}

static bool is_duplicate(struct datagram *g)
{
    bool seen = fl_sequence_seen(&g->s->sequence, g->step.number, g->step.fingerprint);
    g->s->stats.duplicates += seen;
    return seen;
}

static void take_clock(struct datagram *g)
{
    g->s->stats.clock_skew_ms = g->header.export_ms - g->header.received_ms;
}

static void take_boot(struct datagram *g, uint32_t export_s)
{
    struct fl_boot old = g->s->boot;
    if (fl_boot_update(&g->s->boot, export_s, g->header.uptime_ms) == FL_BOOT_RESTART) {
        g->handed += fl_session_restart(g->d, g->s, &old);
        fl_sequence_restart(&g->s->sequence, g->step.number);
    }
}

/* A v5 header's uptime going back by more than a reordering could explain is another boot. */
static void take_boot_v5(struct datagram *g)
{
    struct fl_boot *boot = &g->s->boot;
    int64_t now = g->header.export_ms - g->header.uptime_ms, moved = now - boot->low_ms;
    if (boot->known && (moved > 2000 || moved < -2000))
        fl_sequence_restart(&g->s->sequence, g->step.number);
    *boot = (struct fl_boot){true, now, now};
}

/* NetFlow v5, header behind the version: count, SysUptime, unix_secs, unix_nsecs, flow_sequence, engine type
 * and id, sampling (mode in two bits, interval in fourteen). */
static int decode_v5(struct datagram *g, struct fl_cursor c, struct fl_session_key *key,
                     const struct fl_sender *from)
{
    uint32_t count = fl_cursor_read(&c, 2);
    g->header.uptime_ms = fl_cursor_read(&c, 4);
    uint32_t seconds = fl_cursor_read(&c, 4), nanos = fl_cursor_read(&c, 4);
    g->step.number = fl_cursor_read(&c, 4);
    key->domain = fl_cursor_read(&c, 2);
    uint32_t interval = fl_cursor_read(&c, 2) & 0x3fff;
    if (c.bad) {
        g->d->stray++;
        return FL_EMALF;
    }
    g->header.export_ms = (int64_t)seconds * 1000 + nanos / 1000000;
    meet(g, key, from);
    if (count == 0 || fl_cursor_left(&c) != (size_t)count * FL_V5_RECORD_BYTES)
        return refuse(g);
    if (is_duplicate(g))
        return 0;
    fl_sampling_header(&g->s->sampling, interval);
    take_clock(g);
    take_boot_v5(g);
    take_data(g, 0, g->d->v5, c);
    fl_sequence_update(&g->s->sequence, &g->step);
    return verdict(g);
}

/* NetFlow v9 (RFC 3954 section 5.1), header behind the version. */
static int decode_v9(struct datagram *g, struct fl_cursor c, struct fl_session_key *key,
                     const struct fl_sender *from)
{
    fl_cursor_skip(&c, 2);
    g->header.uptime_ms = fl_cursor_read(&c, 4);
    uint32_t seconds = fl_cursor_read(&c, 4);
    g->step.number = fl_cursor_read(&c, 4);
    key->domain = fl_cursor_read(&c, 4);
    if (c.bad) {
        g->d->stray++;
        return FL_EMALF;
    }
    g->header.export_ms = (int64_t)seconds * 1000;
    meet(g, key, from);
    if (check_sets(g, c) < 0)
        return refuse(g);
    if (is_duplicate(g))
        return 0;
    take_clock(g);
    take_boot(g, seconds);
    take_sets(g, c);
    fl_sequence_update(&g->s->sequence, &g->step);
    return verdict(g);
}

/* IPFIX (RFC 7011 section 3.1), header behind the version. */
static int decode_ipfix(struct datagram *g, struct fl_cursor c, size_t datagram_length,
                        struct fl_session_key *key, const struct fl_sender *from)
{
    uint32_t length = fl_cursor_read(&c, 2), seconds = fl_cursor_read(&c, 4);
    g->step.number = fl_cursor_read(&c, 4);
    key->domain = fl_cursor_read(&c, 4);
    if (c.bad) {
        g->d->stray++;
        return FL_EMALF;
    }
    g->header.export_ms = (int64_t)seconds * 1000;
    meet(g, key, from);
    if (length != datagram_length || check_sets(g, c) < 0)
        return refuse(g);
    if (is_duplicate(g))
        return 0;
    take_clock(g);
    take_sets(g, c);
    fl_sequence_update(&g->s->sequence, &g->step);
    return verdict(g);
}

static int decode_any(struct datagram *g, struct fl_cursor c, size_t length, const struct fl_sender *from)
{
    struct fl_session_key key = {.address = from->address, .source_port = from->source_port};
    key.version = (uint16_t)fl_cursor_read(&c, 2);
    switch (key.version) {
    case 5:
        return decode_v5(g, c, &key, from);
    case 9:
        g->dialect = FL_DIALECT_V9;
        return decode_v9(g, c, &key, from);
    case 10:
        g->dialect = FL_DIALECT_IPFIX;
        return decode_ipfix(g, c, length, &key, from);
    default:
        g->d->stray++;
        return FL_EMALF;
    }
}

int fl_decode(struct fl_decoder *d, const uint8_t *bytes, size_t length, const struct fl_sender *from,
              int64_t received_ms)
{
    struct datagram g = {.d = d, .header.received_ms = received_ms};
    g.step.fingerprint = fl_fingerprint(bytes, length);
    d->now_ms = received_ms;
    int code = decode_any(&g, fl_cursor_over(bytes, length), length, from);
    d->busy = NULL;
    return code;
}

/* All sessions of a rank. */
static void sweep(struct fl_decoder *d, const GQueue *rank, int64_t before_ms)
{
    for (GList *l = rank->head; l; l = l->next)
        fl_template_expire(d, l->data, before_ms);
}

/* Sessions may be pushed out while others are released, so each is taken from the head and put at the tail.
 */
static void release(struct fl_decoder *d, int64_t now_ms, bool all)
{
    for (guint n = d->waiting.length; n && d->waiting.head; n--) {
        struct fl_session *s = d->waiting.head->data;
        g_queue_unlink(&d->waiting, &s->waits);
        g_queue_push_tail_link(&d->waiting, &s->waits);
        fl_session_release(d, s, now_ms, all);
    }
}

void fl_decoder_tick(struct fl_decoder *d, int64_t now_ms)
{
    int64_t before_ms = now_ms - d->limits.template_timeout_ms;
    d->now_ms = now_ms;
    release(d, now_ms, false);
    if (now_ms - d->swept_ms < SWEEP_MS && now_ms >= d->swept_ms)
        return;
    sweep(d, &d->sessions.proven, before_ms);
    sweep(d, &d->sessions.unproven, before_ms);
    fl_restored_expire(d, before_ms);
    d->swept_ms = now_ms;
}

void fl_decoder_flush(struct fl_decoder *d, int64_t now_ms)
{
    release(d, now_ms, true);
}

const struct fl_set_at_work *fl_decoder_at_work(const struct fl_decoder *d)
{
    return &d->at_work;
}

uint64_t fl_decoder_stray(const struct fl_decoder *d)
{
    return d->stray;
}

uint64_t fl_decoder_dropped(const struct fl_decoder *d)
{
    return d->dropped;
}
