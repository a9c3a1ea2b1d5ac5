/* Data sets: decoded at once when template and boot time are known, held within bounds when not. */
#include <string.h>

#include "collector/decode/flowtime.h"
#include "collector/decode/session.h"
#include "collector/decode/v5.h"

enum { OTHER_BOOT_MS = 2000 }; /* collector/decode/boot.h: as much as a clock may drift */

struct sink {
    struct fl_decoder *d;
    struct fl_session *s;
    const struct fl_layout *layout;
    struct fl_flow_context flow;
    int64_t export_ms; /* as exact as it is known */
    int handed;
};

static void take_options(struct fl_session *s, const struct fl_record *r, const struct fl_flow_recipe *recipe)
{
    struct fl_exporter_stats *stats = &s->stats;
    int64_t init_ms = fl_flow_unix_ms(r->boot_ms);
    stats->options++;
    fl_sampling_learn(&s->sampling, r, recipe->mask);
    fl_timeouts_told(&s->timeouts, r->active_timeout_s, r->idle_timeout_s);
    if (init_ms)
        s->init_ms = init_ms;
    stats->sampling_told = s->sampling.told;
    if (s->configured_sampling || !s->sampling.told)
        return;
    stats->sampling = s->sampling.told;
    stats->sampling_source = FL_SAMPLING_OPTIONS;
}

/* Find a place for n flows. */
static void open_place(struct sink *sink, size_t n)
{
    struct fl_decoder *d = sink->d;
    d->flows = d->room ? d->room(d->ctx, sink->s->stats.location, n) : NULL;
    if (!d->flows)
        d->flows = d->batch;
}

/* Hand on the flows gathered so far. */
static void flush(struct sink *sink)
{
    struct fl_decoder *d = sink->d;
    if (d->n_flows || (d->flows && d->flows != d->batch))
        d->fn(d->ctx, sink->s->stats.location, d->flows, d->n_flows);
    d->flows = NULL;
    d->n_flows = 0;
}

/* What the exporter itself says of a flow's sampling; 0: nothing. */
static uint32_t told(const struct sink *sink, const struct fl_record *r, const struct fl_flow *flow)
{
    uint8_t source = flow->sampling_source;
    uint32_t interval = flow->sampling;
    if (source == FL_SAMPLING_CONFIG)
        interval = fl_sampling_of(&sink->s->sampling, r, (sink->layout->recipe.parts & FL_PART_SAMPLING) != 0,
                                  flow, &source);
    return source == FL_SAMPLING_NONE ? 0 : interval;
}

/* The exporter's sampling is what its newest flow has. */
static void note_sampling(struct sink *sink, const struct fl_record *r, const struct fl_flow *flow)
{
    struct fl_exporter_stats *stats = &sink->s->stats;
    uint32_t interval = told(sink, r, flow);
    stats->sampling_told = interval ? interval : sink->s->sampling.told;
    stats->sampling = flow->sampling;
    stats->sampling_source = flow->sampling_source;
}

/* The last flow that a record makes; NULL: it makes none. */
static const struct fl_flow *take_flows(struct sink *sink, const struct fl_record *r)
{
    struct fl_decoder *d = sink->d;
    struct fl_exporter_stats *stats = &sink->s->stats;
    if (d->n_flows > FL_BATCH - 2) /* a record may be two flows */
        flush(sink);
    if (!d->flows)
        open_place(sink, FL_BATCH);
    struct fl_flow *flows = &d->flows[d->n_flows];
    int n = fl_flow_map(&sink->flow, &sink->layout->recipe, r, flows);
    for (int i = 0; i < n; i++)
        stats->time_fallbacks += flows[i].time_source == FL_TIME_RECEIVED;
    fl_timeouts_learn(&sink->s->timeouts, flows, (size_t)n, sink->export_ms);
    stats->flows += (uint64_t)n;
    stats->not_flows += n == 0;
    d->n_flows += (size_t)n;
    sink->handed += n;
    return n ? &flows[n - 1] : NULL;
}

static void take_record(void *ctx, const struct fl_record *r)
{
    struct sink *sink = ctx;
    if (sink->layout->options) {
        take_options(sink->s, r, &sink->layout->recipe);
        return;
    }
    const struct fl_flow *flow = take_flows(sink, r);
    if (flow)
        note_sampling(sink, r, flow);
}

/* A block of them: of the flows' sampling only the last one's stays. */
static void take_block(struct sink *sink, const struct fl_record *block, size_t n)
{
    const struct fl_record *last = NULL;
    const struct fl_flow *last_flow = NULL, *flow;
    for (size_t i = 0; i < n; i++) {
        if (sink->layout->options) {
            take_options(sink->s, &block[i], &sink->layout->recipe);
        } else if ((flow = take_flows(sink, &block[i]))) {
            last = &block[i];
            last_flow = flow;
        }
    }
    if (last)
        note_sampling(sink, last, last_flow);
}

/* The records to lay into: what another layout left behind is wiped once. */
static struct fl_record *block_for(struct fl_decoder *d, struct fl_layout *layout)
{
    if (d->block_layout != layout) {
        fl_layout_unref(d->block_layout);
        d->block_layout = fl_layout_ref(layout);
        memset(d->block, 0, d->n_block * sizeof d->block[0]);
        d->n_block = 0;
    }
    return d->block;
}

static void run_plan(struct sink *sink, struct fl_layout *layout, struct fl_cursor records)
{
    struct fl_record *block = block_for(sink->d, layout);
    size_t length = layout->shortest;
    for (size_t now, n = fl_cursor_left(&records) / length; n; n -= now) {
        now = n < FL_BLOCK ? n : FL_BLOCK;
        struct fl_cursor part = fl_cursor_child(&records, now * length);
        fl_plan_lay(layout->plan, part.at, length, now, block);
        if (sink->d->n_block < now)
            sink->d->n_block = now;
        if (sink->d->n_flows + 2 * now >
            FL_BATCH) /* a block's flows stay together: its last one is looked at */
            flush(sink);
        take_block(sink, block, now);
    }
}

/* The records of NetFlow v5, past the plan of their template. */
static void run_v5(struct sink *sink, struct fl_cursor records)
{
    struct fl_decoder *d = sink->d;
    struct fl_exporter_stats *stats = &sink->s->stats;
    for (size_t now, n = fl_cursor_left(&records) / FL_V5_RECORD_BYTES; n; n -= now) {
        size_t received;
        now = n < FL_BATCH ? n : FL_BATCH;
        struct fl_cursor part = fl_cursor_child(&records, now * FL_V5_RECORD_BYTES);
        open_place(sink, now);
        d->n_flows = fl_v5_flows(&sink->flow, &sink->layout->recipe, part.at, now, d->flows, &received);
        fl_timeouts_learn(&sink->s->timeouts, d->flows, d->n_flows, sink->export_ms);
        stats->time_fallbacks += received;
        stats->flows += d->n_flows;
        stats->not_flows += now - d->n_flows;
        sink->handed += (int)d->n_flows;
        if (d->n_flows)
            note_sampling(sink, NULL, &d->flows[d->n_flows - 1]);
        flush(sink);
    }
}

/* The boot time a set's uptimes count from: v5 headers carry it exactly, v9's is intersected, IPFIX has none.
 */
static void set_boot(struct fl_flow_context *flow, const struct fl_session *s, const struct fl_header *header)
{
    flow->uptime_known = s->key.version != 10;
    flow->uptime_ms = header->uptime_ms;
    flow->boot_known = true;
    if (s->key.version == 5) {
        flow->boot_ms = header->export_ms - header->uptime_ms;
    } else if (s->key.version == 9) {
        /* A set that waited over a restart, or over the uptime's wrap, has its own header's, to within a
         * second.
         */
        int64_t own = header->export_ms - header->uptime_ms;
        bool other = own > s->boot.high_ms + OTHER_BOOT_MS || own + 999 < s->boot.low_ms - OTHER_BOOT_MS;
        flow->boot_ms = other ? own : s->boot.low_ms;
    } else {
        flow->boot_ms = s->init_ms;
        flow->boot_known = s->init_ms != 0;
    }
}

/* The export time as exact as it is known: v9's header rounds it down, but not its uptime; of IPFIX's,
 * rounded down too, the middle of the second. */
static int64_t exact_export_ms(const struct fl_flow_context *flow, const struct fl_session *s,
                               const struct fl_header *header)
{
    if (s->key.version == 9)
        return flow->boot_ms + header->uptime_ms;
    return header->export_ms + (s->key.version == 10 ? 500 : 0);
}

/* Records of which it is known beforehand that there is nothing in them for us are only counted. */
static bool tells_nothing(struct fl_session *s, const struct fl_layout *layout, size_t n)
{
    const uint64_t *known = layout->recipe.mask.word;
    if (layout->options ? known[0] || known[1] : layout->recipe.addresses)
        return false;
    *(layout->options ? &s->stats.options : &s->stats.not_flows) += n;
    return true;
}

static int decode_set(struct fl_decoder *d, struct fl_session *s, const struct fl_header *header,
                      uint16_t set_id, struct fl_layout *layout, struct fl_cursor content)
{
    size_t used, n = fl_layout_count(layout, content, &used);
    struct sink sink = {.d = d, .s = s, .layout = layout};
    if (n == 0)
        return FL_EMALF;
    if (tells_nothing(s, layout, n))
        return 0;
    d->at_work = (struct fl_set_at_work){s->key.address, s->key.domain, s->key.source_port,
                                         s->key.version, set_id,        header->received_ms};
    sink.flow.exporter = s->key.address;
    sink.flow.domain = s->key.domain;
    sink.flow.export_ms = header->export_ms;
    sink.flow.received_ms = header->received_ms;
    sink.flow.max_future_ms = d->limits.max_future_ms;
    sink.flow.sampling = &s->sampling;
    sink.flow.configured_sampling = s->configured_sampling;
    set_boot(&sink.flow, s, header);
    fl_flow_set_uptimes(&sink.flow);
    sink.export_ms = exact_export_ms(&sink.flow, s, header);
    fl_session_pace(s, d->now_ms);
    int code = 0;
    if (layout == d->v5 && s->key.version == 5) /* an exporter may have made up the same template */
        run_v5(&sink, fl_cursor_over(content.at, used));
    else if (layout->plan)
        run_plan(&sink, layout, fl_cursor_over(content.at, used));
    else
        code = fl_fixbuf_decode(d->fixbuf, layout, content.at, used, take_record, &sink);
    flush(&sink);
    if (sink.handed)
        fl_session_prove(d, s);
    return code < 0 ? code : sink.handed;
}

/* ---- what waits ---- */

static void account(struct fl_decoder *d, struct fl_session *s, const struct fl_held *h, bool more)
{
    size_t bytes = sizeof *h + h->length, change = more ? bytes : (size_t)0 - bytes;
    s->held_bytes += change;
    s->source->held_bytes += change;
    d->held_bytes += change;
}

static struct fl_orphans *orphans_of(const struct fl_session *s, uint16_t set_id)
{
    guint key = set_id;
    return g_hash_table_lookup(s->orphans_by_id, &key);
}

static void orphan_add(struct fl_session *s, struct fl_held *h)
{
    struct fl_orphans *o = orphans_of(s, h->set_id);
    if (!o) {
        o = g_malloc0(sizeof *o);
        o->id = h->set_id;
        g_hash_table_add(s->orphans_by_id, o);
    }
    g_queue_push_tail_link(&o->sets, &h->by_id);
    g_queue_push_tail_link(&s->orphans, &h->link);
}

static void orphan_take(struct fl_session *s, struct fl_held *h)
{
    struct fl_orphans *o = orphans_of(s, h->set_id);
    g_queue_unlink(&s->orphans, &h->link);
    g_queue_unlink(&o->sets, &h->by_id);
    if (o->sets.head)
        return;
    g_hash_table_remove(s->orphans_by_id, o);
    g_free(o);
}

static bool holds(const struct fl_session *s)
{
    return s->settling.head || s->orphans.head;
}

static void held_add(struct fl_decoder *d, struct fl_session *s, struct fl_held *h)
{
    if (!holds(s))
        g_queue_push_tail_link(&d->waiting, &s->waits);
    if (h->layout)
        g_queue_push_tail_link(&s->settling, &h->link);
    else
        orphan_add(s, h);
    account(d, s, h, true);
}

/* Ownership passes to the caller. */
static struct fl_held *held_take(struct fl_decoder *d, struct fl_session *s, struct fl_held *h)
{
    if (h->layout)
        g_queue_unlink(&s->settling, &h->link);
    else
        orphan_take(s, h);
    if (!holds(s))
        g_queue_unlink(&d->waiting, &s->waits);
    account(d, s, h, false);
    return h;
}

static void held_free(struct fl_held *h)
{
    fl_layout_unref(h->layout);
    g_free(h);
}

static void give_up_oldest(struct fl_decoder *d, struct fl_session *s)
{
    s->stats.unknown_template++;
    held_free(held_take(d, s, s->orphans.head->data));
}

/* The boot time is as good as it gets: everything that waited for it is decoded, in order. */
static int settle(struct fl_decoder *d, struct fl_session *s)
{
    int n = 0;
    s->settled = true;
    while (s->settling.head) {
        struct fl_held *h = held_take(d, s, s->settling.head->data);
        int code = decode_set(d, s, &h->header, h->set_id, h->layout, fl_cursor_over(h->bytes, h->length));
        n += code > 0 ? code : 0;
        held_free(h);
    }
    return n;
}

/* ---- room ---- */

static bool session_over(const struct fl_decoder *d, const struct fl_session *s, size_t more)
{
    return s->held_bytes + more > d->limits.held_bytes;
}

static bool source_over(const struct fl_decoder *d, const struct fl_session *s, size_t more)
{
    return s->source->held_bytes + more > d->limits.held_bytes_address;
}

static bool all_over(const struct fl_decoder *d, size_t more)
{
    return d->held_bytes + more > d->limits.held_bytes_all;
}

/* Whose held sets are given up for `s`: of those that wait (within its source, or all) the first that is
 * unproven; itself; when it is proven, the first of all. */
static struct fl_session *who_gives_way(struct fl_decoder *d, struct fl_session *s,
                                        const struct fl_source *in)
{
    struct fl_session *first = NULL;
    for (GList *l = d->waiting.head; l; l = l->next) {
        struct fl_session *other = l->data;
        if (other == s || (in && other->source != in))
            continue;
        if (!other->proven)
            return other;
        first = first ? first : other;
    }
    if (s->held_bytes)
        return s;
    return s->proven ? first : NULL;
}

/* Take off something: what waits for the boot time is handed on, else the oldest without template goes. */
static int relieve(struct fl_decoder *d, struct fl_session *s)
{
    if (s->settling.head)
        return settle(d, s);
    give_up_oldest(d, s);
    return 0;
}

/* Make room as far as that is possible. Returns records of `s` handed on. */
static int make_room(struct fl_decoder *d, struct fl_session *s, size_t more)
{
    struct fl_session *other;
    int n = 0;
    while (session_over(d, s, more) && s->held_bytes)
        n += relieve(d, s);
    while (source_over(d, s, more) && (other = who_gives_way(d, s, s->source)))
        n += relieve(d, other) * (other == s);
    while (all_over(d, more) && (other = who_gives_way(d, s, NULL)))
        n += relieve(d, other) * (other == s);
    return n;
}

static int hold(struct fl_decoder *d, struct fl_session *s, const struct fl_header *header, uint16_t set_id,
                struct fl_layout *layout, struct fl_cursor content)
{
    size_t length = fl_cursor_left(&content), bytes = sizeof(struct fl_held) + length;
    int n = make_room(d, s, bytes);
    if (session_over(d, s, bytes) || source_over(d, s, bytes) || all_over(d, bytes) ||
        (layout && s->settled)) {
        int code = layout ? decode_set(d, s, header, set_id, layout, content) : 0;
        s->stats.unknown_template += layout == NULL;
        return n + (code > 0 ? code : 0);
    }
    struct fl_held *h = g_malloc0(bytes);
    h->header = *header;
    h->set_id = set_id;
    h->layout = layout ? fl_layout_ref(layout) : NULL;
    h->length = length;
    h->link.data = h->by_id.data = h;
    if (length)
        memcpy(h->bytes, content.at, length);
    if (layout && !s->settling.head)
        s->settle_since_ms = header->received_ms;
    held_add(d, s, h);
    return n;
}

/* ---- the ways in and out ---- */

int fl_session_data(struct fl_decoder *d, struct fl_session *s, const struct fl_header *header,
                    uint16_t set_id, struct fl_layout *layout, struct fl_cursor content)
{
    size_t used;
    int n = 0;
    if (!layout)
        return hold(d, s, header, set_id, NULL, content);
    if (fl_layout_count(layout, content, &used) == 0)
        return FL_EMALF;
    if (s->key.version == 9 && layout->recipe.needs_boot && !layout->options) {
        if (!s->settled && fl_boot_exact(&s->boot))
            n = settle(d, s);
        if (!s->settled)
            return hold(d, s, header, set_id, layout, content);
    }
    int code = decode_set(d, s, header, set_id, layout, content);
    return code < 0 && n == 0 ? code : n + (code > 0 ? code : 0);
}

int fl_session_adopt_held(struct fl_decoder *d, struct fl_session *s, const struct fl_template *t)
{
    struct fl_layout *layout = fl_layout_ref(t->layout); /* t may make way while they are decoded */
    uint16_t id = (uint16_t)t->id;
    struct fl_orphans *o = orphans_of(s, id);
    int n = 0;
    for (guint left = o ? o->sets.length : 0; left && (o = orphans_of(s, id)); left--) {
        struct fl_held *h = held_take(d, s, o->sets.head->data);
        int code = fl_session_data(d, s, &h->header, id, layout, fl_cursor_over(h->bytes, h->length));
        if (code == FL_EMALF)
            s->stats.malformed++;
        n += code > 0 ? code : 0;
        held_free(h);
    }
    fl_layout_unref(layout);
    return n;
}

int fl_session_restart(struct fl_decoder *d, struct fl_session *s, const struct fl_boot *old)
{
    struct fl_boot fresh = s->boot;
    s->boot = *old;
    int n = settle(d, s);
    s->boot = fresh;
    s->settled = false;
    return n;
}

int fl_session_release(struct fl_decoder *d, struct fl_session *s, int64_t now_ms, bool all)
{
    int n = 0;
    if (s->settling.head &&
        (all || fl_boot_exact(&s->boot) || llabs(now_ms - s->settle_since_ms) >= d->limits.settle_ms))
        n = settle(d, s);
    while (s->orphans.head) {
        const struct fl_held *oldest = s->orphans.head->data;
        if (!all && now_ms - oldest->header.received_ms < d->limits.hold_ms)
            break;
        give_up_oldest(d, s);
    }
    return n;
}
