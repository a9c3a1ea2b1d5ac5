/* The census: one part a lane. Counters and notes are the lane's own; what is published stands under the
 * part's lock, which is held for as long as copying takes. */
#include "collector/census.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    REFUSED_NOTED = 64,                /* senders a lane remembers; the quietest goes */
    REFUSED_KEPT_MS = 3600000,         /* one unheard for so long goes first */
    TEMPLATE_BYTES_WAITING = 512 << 10 /* published and not yet taken, a lane */
};

struct notes {
    struct fl_refused_sender refused[REFUSED_NOTED];
    size_t n_refused;
    struct fl_addr malformed; /* the last such sender */
    int64_t malformed_ms;     /* wall clock; 0: none */
};

struct part {
    struct fl_lane_counters counters;
    struct notes notes; /* the lane's own */
    pthread_mutex_t lock;
    struct notes published; /* from here on: under the lock */
    uint64_t sessions_dropped;
    struct fl_exporter_stats *exporters; /* FL_CENSUS_SESSIONS; pages become real as they are used */
    size_t n_exporters;
    struct fl_template_list templates;
};

struct fl_census {
    size_t n;
    struct part *parts;
};

int fl_census_new(struct fl_census **out, size_t lanes)
{
    struct fl_census *c = calloc(1, sizeof *c);
    struct part *parts = aligned_alloc(_Alignof(struct part), lanes * sizeof *parts);
    if (!c || !parts) {
        free(c);
        free(parts);
        return FL_ENOMEM;
    }
    memset(parts, 0, lanes * sizeof *parts);
    c->parts = parts;
    c->n = lanes;
    bool short_of_memory = false;
    for (size_t i = 0; i < lanes; i++) {
        pthread_mutex_init(&parts[i].lock, NULL);
        parts[i].exporters = calloc(FL_CENSUS_SESSIONS, sizeof *parts[i].exporters);
        short_of_memory = short_of_memory || !parts[i].exporters;
    }
    if (short_of_memory) {
        fl_census_free(c);
        return FL_ENOMEM;
    }
    *out = c;
    return 0;
}

void fl_census_free(struct fl_census *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++) {
        pthread_mutex_destroy(&c->parts[i].lock);
        free(c->parts[i].exporters);
        fl_template_list_clear(&c->parts[i].templates);
    }
    free(c->parts);
    free(c);
}

/* ---- templates ---- */

void fl_template_list_clear(struct fl_template_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free((void *)(uintptr_t)list->items[i].bytes);
    free(list->items);
    *list = (struct fl_template_list){0};
}

static int make_room(struct fl_template_list *list, size_t more)
{
    if (list->n + more <= list->room)
        return 0;
    size_t room = 2 * list->room + more;
    void *grown = realloc(list->items, room * sizeof *list->items);
    if (!grown)
        return FL_ENOMEM;
    list->items = grown;
    list->room = room;
    return 0;
}

static int add_template(void *ctx, const struct fl_wire_template *t)
{
    struct fl_template_list *list = ctx;
    if (list->bytes >= TEMPLATE_BYTES_WAITING)
        return FL_ELIMIT;
    uint8_t *bytes = malloc(t->length + 1);
    if (!bytes || make_room(list, 1)) {
        free(bytes);
        return FL_ENOMEM;
    }
    if (t->length)
        memcpy(bytes, t->bytes, t->length);
    list->items[list->n] = *t;
    list->items[list->n++].bytes = bytes;
    list->bytes += sizeof *t + t->length;
    return 0;
}

void fl_census_templates(struct fl_census *c, struct fl_template_list *list)
{
    for (size_t i = 0; i < c->n; i++) {
        struct part *p = &c->parts[i];
        struct fl_template_list *from = &p->templates;
        pthread_mutex_lock(&p->lock);
        if (from->n && !make_room(list, from->n)) {
            memcpy(list->items + list->n, from->items, from->n * sizeof *from->items);
            list->n += from->n;
            list->bytes += from->bytes;
            from->n = from->bytes = 0;
        }
        pthread_mutex_unlock(&p->lock);
    }
}

/* ---- a lane's thread ---- */

struct fl_lane_counters *fl_census_counters(struct fl_census *c, size_t lane)
{
    return &c->parts[lane].counters;
}

/* The sender's entry, or one to take over: a new one, else one long unheard, else the quietest. */
static struct fl_refused_sender *refused_entry(struct notes *notes, const struct fl_addr *sender,
                                               int64_t now_ms)
{
    struct fl_refused_sender *worst = notes->refused;
    for (size_t i = 0; i < notes->n_refused; i++) {
        struct fl_refused_sender *r = &notes->refused[i];
        if (!fl_addr_cmp(&r->address, sender))
            return r;
        if (now_ms - r->last_seen_ms > REFUSED_KEPT_MS)
            r->datagrams = 0;
        if (r->datagrams < worst->datagrams)
            worst = r;
    }
    if (notes->n_refused < REFUSED_NOTED)
        worst = &notes->refused[notes->n_refused++];
    *worst = (struct fl_refused_sender){.address = *sender};
    return worst;
}

void fl_census_refused(struct fl_census *c, size_t lane, const struct fl_addr *sender, int64_t now_ms)
{
    struct part *p = &c->parts[lane];
    struct fl_refused_sender *r = refused_entry(&p->notes, sender, now_ms);
    r->datagrams++;
    r->last_seen_ms = now_ms;
    fl_count(&p->counters.refused, 1);
}

void fl_census_malformed(struct fl_census *c, size_t lane, const struct fl_addr *sender, int64_t now_ms)
{
    struct part *p = &c->parts[lane];
    p->notes.malformed = *sender;
    p->notes.malformed_ms = now_ms;
    fl_count(&p->counters.malformed, 1);
}

void fl_census_publish(struct fl_census *c, size_t lane, struct fl_decoder *d)
{
    struct part *p = &c->parts[lane];
    pthread_mutex_lock(&p->lock);
    p->published = p->notes;
    p->sessions_dropped = fl_decoder_dropped(d);
    p->n_exporters = fl_decoder_stats(d, p->exporters, FL_CENSUS_SESSIONS);
    fl_decoder_changed_templates(d, add_template, &p->templates);
    pthread_mutex_unlock(&p->lock);
}

/* ---- the storing thread ---- */

static int louder_first(const void *a, const void *b)
{
    const struct fl_refused_sender *x = a, *y = b;
    if (x->datagrams != y->datagrams)
        return x->datagrams < y->datagrams ? 1 : -1;
    return fl_addr_cmp(&x->address, &y->address);
}

static void add_refused(struct fl_refused_sender *all, size_t *n, const struct fl_refused_sender *r)
{
    for (size_t i = 0; i < *n; i++) {
        if (fl_addr_cmp(&all[i].address, &r->address))
            continue;
        all[i].datagrams += r->datagrams;
        if (all[i].last_seen_ms < r->last_seen_ms)
            all[i].last_seen_ms = r->last_seen_ms;
        return;
    }
    all[(*n)++] = *r;
}

static void sum_refused(struct fl_census *c, struct fl_service_stats *out)
{
    struct fl_refused_sender *all = malloc(c->n * REFUSED_NOTED * sizeof *all);
    size_t n = 0;
    out->n_refused_senders = 0;
    if (!all)
        return;
    for (size_t i = 0; i < c->n; i++) {
        struct part *p = &c->parts[i];
        pthread_mutex_lock(&p->lock);
        for (size_t j = 0; j < p->published.n_refused; j++)
            add_refused(all, &n, &p->published.refused[j]);
        pthread_mutex_unlock(&p->lock);
    }
    qsort(all, n, sizeof *all, louder_first);
    out->n_refused_senders = n < FL_REFUSED_SENDERS ? n : FL_REFUSED_SENDERS;
    memcpy(out->refused_senders, all, out->n_refused_senders * sizeof *all);
    free(all);
}

void fl_census_total(struct fl_census *c, struct fl_service_stats *out)
{
    out->datagrams = out->refused = out->malformed = out->kernel_drops = out->queue_shed = 0;
    out->sessions_dropped = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct part *p = &c->parts[i];
        out->datagrams += atomic_load_explicit(&p->counters.datagrams, memory_order_relaxed);
        out->refused += atomic_load_explicit(&p->counters.refused, memory_order_relaxed);
        out->malformed += atomic_load_explicit(&p->counters.malformed, memory_order_relaxed);
        out->kernel_drops += atomic_load_explicit(&p->counters.kernel_drops, memory_order_relaxed);
        out->queue_shed += atomic_load_explicit(&p->counters.queue_shed, memory_order_relaxed);
        pthread_mutex_lock(&p->lock);
        out->sessions_dropped += p->sessions_dropped;
        pthread_mutex_unlock(&p->lock);
    }
    sum_refused(c, out);
}

int fl_census_compare(const void *a, const void *b)
{
    const struct fl_exporter_stats *x = a, *y = b;
    int order = fl_addr_cmp(&x->address, &y->address);
    if (order)
        return order;
    if (x->source_port != y->source_port)
        return x->source_port < y->source_port ? -1 : 1;
    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    return (x->version > y->version) - (x->version < y->version);
}

/* What two lanes know of one session: sums, and the newer one's word. */
static void merge(struct fl_exporter_stats *into, const struct fl_exporter_stats *other)
{
    struct fl_exporter_stats a = *into, b = *other, sum = a.last_seen_ms >= b.last_seen_ms ? a : b;
    sum.packets = a.packets + b.packets;
    sum.flows = a.flows + b.flows;
    sum.lost = a.lost + b.lost;
    sum.reordered = a.reordered + b.reordered;
    sum.duplicates = a.duplicates + b.duplicates;
    sum.restarts = a.restarts + b.restarts;
    sum.malformed = a.malformed + b.malformed;
    sum.unknown_template = a.unknown_template + b.unknown_template;
    sum.waiting = a.waiting + b.waiting;
    sum.not_flows = a.not_flows + b.not_flows;
    sum.options = a.options + b.options;
    sum.time_fallbacks = a.time_fallbacks + b.time_fallbacks;
    sum.flows_per_s = a.flows_per_s + b.flows_per_s;
    sum.first_seen_ms = a.first_seen_ms < b.first_seen_ms ? a.first_seen_ms : b.first_seen_ms;
    *into = sum;
}

size_t fl_census_exporters(struct fl_census *c, struct fl_exporter_stats *out)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct part *p = &c->parts[i];
        pthread_mutex_lock(&p->lock);
        memcpy(out + n, p->exporters, p->n_exporters * sizeof *out);
        n += p->n_exporters;
        pthread_mutex_unlock(&p->lock);
    }
    qsort(out, n, sizeof *out, fl_census_compare);
    for (size_t i = 0; i < n; i++) {
        if (kept && !fl_census_compare(&out[kept - 1], &out[i]))
            merge(&out[kept - 1], &out[i]);
        else
            out[kept++] = out[i];
    }
    return kept;
}

bool fl_census_last_malformed(struct fl_census *c, struct fl_addr *sender)
{
    int64_t newest_ms = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct part *p = &c->parts[i];
        pthread_mutex_lock(&p->lock);
        if (p->published.malformed_ms > newest_ms) {
            newest_ms = p->published.malformed_ms;
            *sender = p->published.malformed;
        }
        pthread_mutex_unlock(&p->lock);
    }
    return newest_ms > 0;
}
