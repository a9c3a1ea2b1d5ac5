/* The way of a datagram: header, session, checks, templates, data. */
#include "collector/decode.h"

#include <assert.h>
#include <string.h>

#include "collector/cursor.h"
#include "collector/sanitise.h"
#include "collector/session.h"
#include "collector/transcode_v5.h"

enum { LATE_DATAGRAMS = 256, LATE_RECORDS = 256 * 30, SWEEP_MS = 60000 };

void fl_decoder_limits_init(struct fl_decoder_limits *limits)
{
    *limits = (struct fl_decoder_limits){.sessions = 4096,
                                         .templates = 1024,
                                         .held_bytes = 4 << 20,
                                         .settle_ms = 2000,
                                         .hold_ms = 300000,
                                         .max_future_ms = 300000,
                                         .template_timeout_ms = 86400000};
}

static guint key_hash(gconstpointer p)
{
    const struct fl_session_key *k = p;
    uint64_t h =
        fl_addr_hash(&k->address) ^
        ((uint64_t)k->domain << 32 | (uint64_t)k->source_port << 16 | k->version) * 0x9e3779b97f4a7c15u;
    return (guint)(h ^ h >> 32);
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    const struct fl_session_key *x = a, *y = b;
    return fl_addr_cmp(&x->address, &y->address) == 0 && x->domain == y->domain &&
           x->source_port == y->source_port && x->version == y->version;
}

int fl_decoder_new(struct fl_decoder **out, const struct fl_decoder_limits *limits, fl_flows_fn *fn,
                   void *ctx)
{
    struct fl_decoder *d = g_malloc0(sizeof *d);
    d->fn = fn;
    d->ctx = ctx;
    d->layouts = fl_layout_table_new();
    d->sessions = g_hash_table_new(key_hash, key_equal);
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
    while (d->recent.head)
        fl_session_drop(d, d->recent.head->data);
    fl_layout_unref(d->v5);
    g_hash_table_destroy(d->sessions);
    g_hash_table_destroy(d->layouts);
    fl_fixbuf_free(d->fixbuf);
    g_free(d);
}

void fl_decoder_set_limits(struct fl_decoder *d, const struct fl_decoder_limits *limits)
{
    assert(limits->sessions > 0 && limits->templates > 0);
    d->limits = *limits;
}

/* One datagram on its way. */
struct datagram {
    struct fl_decoder *d;
    struct fl_session *s;
    struct fl_header header;
    enum fl_dialect dialect;
    int handed;
    bool malformed;     /* a data set was refused */
    bool uncounted;     /* data without template: its records cannot be counted */
    uint32_t n_records; /* data records */
    uint32_t n_options; /* those of them that are about the exporter */
};

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
        while ((more = fl_template_next(&set, g->dialect, &g->d->draft, g->d->layouts, &id, &layout)) > 0)
            fl_layout_unref(layout);
        if (more < 0)
            return more;
    }
    return more;
}

static void take_templates(struct datagram *g, struct fl_set *set)
{
    struct fl_layout *layout;
    uint16_t id;
    while (fl_template_next(set, g->dialect, &g->d->draft, g->d->layouts, &id, &layout) > 0) {
        if (layout)
            g->handed += fl_session_define(g->d, g->s, id, layout, g->header.received_ms);
        else if (id == set->id)
            fl_session_withdraw_all(g->s, set->kind == FL_SET_OPTIONS);
        else
            fl_session_withdraw(g->s, id);
    }
}

static void take_data(struct datagram *g, uint16_t id, struct fl_layout *layout, struct fl_cursor content)
{
    size_t used;
    uint32_t n = layout ? (uint32_t)fl_layout_count(layout, content, &used) : 0;
    g->n_records += n;
    g->n_options += layout && layout->options ? n : 0;
    g->uncounted = g->uncounted || !layout;
    int code = fl_session_data(g->d, g->s, &g->header, id, layout, content);
    if (code < 0)
        g->malformed = true;
    else
        g->handed += code;
}

static void take_sets(struct datagram *g, struct fl_cursor sets)
{
    struct fl_set set;
    fl_session_expire_templates(g->s, g->header.received_ms - g->d->limits.template_timeout_ms);
    while (fl_set_next(&sets, g->dialect, &set) > 0) {
        if (set.kind == FL_SET_DATA)
            take_data(g, set.id, fl_session_layout(g->s, set.id), set.content);
        else if (set.kind != FL_SET_OTHER)
            take_templates(g, &set);
    }
}

static int verdict(struct datagram *g)
{
    g->s->stats.lost = g->s->sequence.lost;
    if (!g->malformed)
        return g->handed;
    g->s->stats.malformed++;
    return g->handed ? g->handed : FL_EMALF;
}

static void meet(struct datagram *g, struct fl_session_key *key, const struct fl_sender *from)
{
    g->s = fl_session_get(g->d, key, from, g->header.received_ms);
    g->s->stats.packets++;
}

static void take_boot(struct datagram *g, uint32_t export_s)
{
    struct fl_boot old = g->s->boot;
    if (fl_boot_update(&g->s->boot, export_s, g->header.uptime_ms) == FL_BOOT_RESTART) {
        g->handed += fl_session_restart(g->d, g->s, &old);
        fl_sequence_forget(&g->s->sequence);
    }
}

/* A v5 header's uptime going back by more than a reordering could explain is another boot. */
static void take_boot_v5(struct datagram *g)
{
    struct fl_boot *boot = &g->s->boot;
    int64_t now = g->header.export_ms - g->header.uptime_ms, moved = now - boot->low_ms;
    if (boot->known && (moved > 2000 || moved < -2000))
        fl_sequence_forget(&g->s->sequence);
    *boot = (struct fl_boot){true, now, now};
}

/* NetFlow v5, header behind the version: count, SysUptime, unix_secs, unix_nsecs, flow_sequence, engine type
 * and id, sampling (mode in two bits, interval in fourteen). */
static int decode_v5(struct datagram *g, struct fl_cursor c, struct fl_session_key *key,
                     const struct fl_sender *from)
{
    uint32_t count = fl_cursor_read(&c, 2);
    g->header.uptime_ms = fl_cursor_read(&c, 4);
    uint32_t seconds = fl_cursor_read(&c, 4), nanos = fl_cursor_read(&c, 4), sequence = fl_cursor_read(&c, 4);
    key->domain = fl_cursor_read(&c, 2);
    uint32_t interval = fl_cursor_read(&c, 2) & 0x3fff;
    if (c.bad) {
        g->d->stray++;
        return FL_EMALF;
    }
    g->header.export_ms = (int64_t)seconds * 1000 + nanos / 1000000;
    meet(g, key, from);
    if (count == 0 || fl_cursor_left(&c) != (size_t)count * FL_V5_RECORD_BYTES) {
        g->malformed = true;
        return verdict(g);
    }
    fl_sampling_header(&g->s->sampling, interval);
    g->s->stats.clock_skew_ms = g->header.export_ms - g->header.received_ms;
    take_boot_v5(g);
    fl_sequence_update(&g->s->sequence, sequence, count, LATE_RECORDS);
    take_data(g, 0, g->d->v5, c);
    return verdict(g);
}

/* NetFlow v9 (RFC 3954 section 5.1), header behind the version. */
static int decode_v9(struct datagram *g, struct fl_cursor c, struct fl_session_key *key,
                     const struct fl_sender *from)
{
    fl_cursor_skip(&c, 2);
    g->header.uptime_ms = fl_cursor_read(&c, 4);
    uint32_t seconds = fl_cursor_read(&c, 4), sequence = fl_cursor_read(&c, 4);
    key->domain = fl_cursor_read(&c, 4);
    if (c.bad) {
        g->d->stray++;
        return FL_EMALF;
    }
    g->header.export_ms = (int64_t)seconds * 1000;
    meet(g, key, from);
    if (check_sets(g, c) < 0) {
        g->malformed = true;
        return verdict(g);
    }
    g->s->stats.clock_skew_ms = g->header.export_ms - g->header.received_ms;
    take_boot(g, seconds);
    fl_sequence_update(&g->s->sequence, sequence, 1, LATE_DATAGRAMS);
    take_sets(g, c);
    return verdict(g);
}

/* IPFIX (RFC 7011 section 3.1), header behind the version. */
static int decode_ipfix(struct datagram *g, struct fl_cursor c, size_t datagram_length,
                        struct fl_session_key *key, const struct fl_sender *from)
{
    uint32_t length = fl_cursor_read(&c, 2), seconds = fl_cursor_read(&c, 4),
             sequence = fl_cursor_read(&c, 4);
    key->domain = fl_cursor_read(&c, 4);
    if (c.bad) {
        g->d->stray++;
        return FL_EMALF;
    }
    g->header.export_ms = (int64_t)seconds * 1000;
    meet(g, key, from);
    if (length != datagram_length || check_sets(g, c) < 0) {
        g->malformed = true;
        return verdict(g);
    }
    g->s->stats.clock_skew_ms = g->header.export_ms - g->header.received_ms;
    take_sets(g, c);
    /* An exporter that counts in its own way leaves the options data out too. */
    uint32_t count = g->n_records - (g->s->sequence.inclusive ? g->n_options : 0);
    fl_sequence_update(&g->s->sequence, sequence, count, LATE_RECORDS);
    if (g->uncounted)
        g->s->sequence.known = false;
    return verdict(g);
}

int fl_decode(struct fl_decoder *d, const uint8_t *bytes, size_t length, const struct fl_sender *from,
              int64_t received_ms)
{
    struct fl_cursor c = fl_cursor_over(bytes, length);
    struct fl_session_key key = {.address = from->address, .source_port = from->source_port};
    struct datagram g = {.d = d, .header.received_ms = received_ms};
    key.version = (uint16_t)fl_cursor_read(&c, 2);
    switch (key.version) {
    case 5:
        return decode_v5(&g, c, &key, from);
    case 9:
        g.dialect = FL_DIALECT_V9;
        return decode_v9(&g, c, &key, from);
    case 10:
        g.dialect = FL_DIALECT_IPFIX;
        return decode_ipfix(&g, c, length, &key, from);
    default:
        d->stray++;
        return FL_EMALF;
    }
}

void fl_decoder_tick(struct fl_decoder *d, int64_t now_ms)
{
    bool sweep = now_ms - d->swept_ms >= SWEEP_MS || now_ms < d->swept_ms;
    for (GList *l = d->recent.head; l; l = l->next) {
        struct fl_session *s = l->data;
        if (s->held.head)
            fl_session_release(d, s, now_ms, false);
        if (sweep)
            fl_session_expire_templates(s, now_ms - d->limits.template_timeout_ms);
    }
    if (sweep)
        d->swept_ms = now_ms;
}

void fl_decoder_flush(struct fl_decoder *d, int64_t now_ms)
{
    for (GList *l = d->recent.head; l; l = l->next)
        fl_session_release(d, l->data, now_ms, true);
}

uint64_t fl_decoder_stray(const struct fl_decoder *d)
{
    return d->stray;
}

size_t fl_decoder_stats(const struct fl_decoder *d, struct fl_exporter_stats *out, size_t most)
{
    size_t n = 0;
    for (GList *l = d->recent.head; l && n < most; l = l->next)
        out[n++] = ((const struct fl_session *)l->data)->stats;
    return n;
}
