/* What a run keeps of the records of the run before, joined with what is new.
 *
 * 1. Look which records stay, and mark the hosts and sources that they name: on threads, as nothing moves.
 * 2. Unite the names of both sides. Places map to places in order, so both sides stay sorted.
 * 3. Merge in place, from the first record to the last. What stays is taken out before its place is written
 * to, and waits in a line. The line is short: it never holds more than one record and those new ones that
 * have come in before a place was left free by a record that goes.
 *
 * Example: A B C, of which B goes, and a new AA. A is taken out and written to the first place; B goes, C is
 * taken out; AA is written to the second place, C to the third. */
#include <stdlib.h>

#include "mining/parallel.h"
#include "mining/records.h"
#include "storage/error.h"

/* ---- 1. what stays ---- */

static bool stays(const struct fl_staying *s, const struct fl_record *r)
{
    for (size_t k = 0; k < s->n_stretches; k++)
        if (r->start_ms >= s->stretches[k].from_ms && r->start_ms < s->stretches[k].to_ms)
            return true;
    return false;
}

struct look {
    struct fl_staying *stay;
    const struct fl_records *records;
    uint32_t parts;
    atomic_size_t n;
};

/* Marks are mostly there already: then threads only read them. */
static void mark(atomic_uchar *named)
{
    if (!atomic_load_explicit(named, memory_order_relaxed))
        atomic_store_explicit(named, 1, memory_order_relaxed);
}

static int look_at_part(void *ctx, uint32_t part)
{
    struct look *l = ctx;
    struct fl_staying *s = l->stay;
    const struct fl_records *r = l->records;
    size_t n = 0, from = r->n / l->parts * part, to = part + 1 < l->parts ? from + r->n / l->parts : r->n;
    for (size_t i = from; i < to; i++) {
        if (!stays(s, &r->items[i]))
            continue;
        mark(&s->host[r->items[i].a]);
        mark(&s->host[r->items[i].b]);
        mark(&s->source[r->items[i].source]);
        n++;
    }
    atomic_fetch_add(&l->n, n);
    return 0;
}

int fl_records_stay(struct fl_staying *out, const struct fl_records *r, const struct fl_stretch *stretches,
                    size_t n, uint32_t threads)
{
    *out = (struct fl_staying){.stretches = stretches, .n_stretches = n};
    out->host = calloc(r->n_hosts + 1, sizeof *out->host);
    out->source = calloc(r->n_sources + 1, sizeof *out->source);
    if (!out->host || !out->source)
        return FL_ENOMEM;
    struct look look = {.stay = out, .records = r, .parts = fl_parallel_threads(threads)};
    int rc = r->n ? fl_parallel(look.parts, look_at_part, &look) : 0;
    out->n = atomic_load(&look.n);
    return rc;
}

void fl_staying_clear(struct fl_staying *s)
{
    free(s->host);
    free(s->source);
    *s = (struct fl_staying){.n = 0};
}

/* ---- 2. names ---- */

/* One side of a merge, and what its hosts and sources are numbered after it; of the new side, whose records
 * all stay, `stay` is NULL. */
struct side {
    const struct fl_records *records;
    const struct fl_staying *stay;
    uint32_t *host, *source;
};

static int side_init(struct side *s, const struct fl_records *r, const struct fl_staying *stay)
{
    *s = (struct side){.records = r, .stay = stay};
    s->host = calloc(r->n_hosts + 1, sizeof *s->host);
    s->source = calloc(r->n_sources + 1, sizeof *s->source);
    return s->host && s->source ? 0 : FL_ENOMEM;
}

static void side_clear(struct side *s)
{
    free(s->host);
    free(s->source);
}

/* Pass over the names that none of the records that stay has. */
static size_t next_host(const struct side *s, size_t i)
{
    while (s->stay && i < s->records->n_hosts && !s->stay->host[i])
        i++;
    return i;
}

static size_t next_source(const struct side *s, size_t i)
{
    while (s->stay && i < s->records->n_sources && !s->stay->source[i])
        i++;
    return i;
}

static void unite_hosts(struct fl_records *out, struct side *x, struct side *y)
{
    const struct fl_records *rx = x->records, *ry = y->records;
    for (size_t i = 0, j = 0;;) {
        i = next_host(x, i);
        j = next_host(y, j);
        if (i == rx->n_hosts && j == ry->n_hosts)
            break;
        int c = i == rx->n_hosts ? 1 : j == ry->n_hosts ? -1 : fl_addr_cmp(&rx->hosts[i], &ry->hosts[j]);
        out->hosts[out->n_hosts] = c <= 0 ? rx->hosts[i] : ry->hosts[j];
        if (c <= 0)
            x->host[i++] = (uint32_t)out->n_hosts;
        if (c >= 0)
            y->host[j++] = (uint32_t)out->n_hosts;
        out->n_hosts++;
    }
}

static void unite_sources(struct fl_records *out, struct side *x, struct side *y)
{
    const struct fl_records *rx = x->records, *ry = y->records;
    for (size_t i = 0, j = 0;;) {
        i = next_source(x, i);
        j = next_source(y, j);
        if (i == rx->n_sources && j == ry->n_sources)
            break;
        int c = i == rx->n_sources   ? 1
                : j == ry->n_sources ? -1
                                     : fl_source_compare(&rx->sources[i], &ry->sources[j]);
        out->sources[out->n_sources] = c <= 0 ? rx->sources[i] : ry->sources[j];
        if (c <= 0)
            x->source[i++] = (uint32_t)out->n_sources;
        if (c >= 0)
            y->source[j++] = (uint32_t)out->n_sources;
        out->n_sources++;
    }
}

static int unite_names(struct fl_records *out, struct side *x, struct side *y)
{
    const struct fl_records *rx = x->records, *ry = y->records;
    out->hosts = malloc((rx->n_hosts + ry->n_hosts + 1) * sizeof *out->hosts);
    out->sources = malloc((rx->n_sources + ry->n_sources + 1) * sizeof *out->sources);
    if (!out->hosts || !out->sources)
        return FL_ENOMEM;
    unite_hosts(out, x, y);
    unite_sources(out, x, y);
    return out->n_sources > UINT16_MAX ? FL_ELIMIT : 0;
}

/* ---- 3. merging ---- */

struct merge {
    struct fl_record *items; /* `read` of n are taken out, `written` are the outcome's */
    size_t n, read, written;
    const struct side *kept, *more;
    struct fl_record *line; /* what is taken out and not yet written; a ring */
    size_t room, first, waiting;
};

static struct fl_record renumbered(const struct side *s, const struct fl_record *was)
{
    struct fl_record r = *was;
    r.a = s->host[r.a];
    r.b = s->host[r.b];
    r.source = (uint16_t)s->source[r.source];
    return r;
}

/* Pass over what does not stay; returns whether anything is left. */
static bool find_next(struct merge *m)
{
    while (m->read < m->n && !stays(m->kept->stay, &m->items[m->read]))
        m->read++;
    return m->read < m->n;
}

/* The next record that stays, to the end of the line. */
static void take_out(struct merge *m)
{
    if (!find_next(m))
        return;
    size_t end = m->first + m->waiting++;
    m->line[end < m->room ? end : end - m->room] = renumbered(m->kept, &m->items[m->read++]);
}

/* Write what is waiting, as far as it comes before `next` (NULL: all). */
static void write_waiting(struct merge *m, const struct fl_record *next)
{
    while (m->waiting && (!next || fl_record_compare(&m->line[m->first], next) <= 0)) {
        if (m->written == m->read)
            take_out(m);
        m->items[m->written++] = m->line[m->first];
        m->first = m->first + 1 < m->room ? m->first + 1 : 0;
        m->waiting--;
    }
}

/* The same of what is not taken out yet, when nothing waits: it need not stand in line. */
static void write_next(struct merge *m, const struct fl_record *next)
{
    while (find_next(m)) {
        struct fl_record r = renumbered(m->kept, &m->items[m->read]);
        if (next && fl_record_compare(&r, next) > 0)
            return;
        m->read++;
        m->items[m->written++] = r;
    }
}

/* All that comes before `next`. */
static void write_kept(struct merge *m, const struct fl_record *next)
{
    write_waiting(m, next);
    if (m->waiting == 0)
        write_next(m, next);
}

static void merge_items(struct merge *m)
{
    const struct fl_records *more = m->more->records;
    for (size_t j = 0; j < more->n; j++) {
        struct fl_record next = renumbered(m->more, &more->items[j]);
        write_kept(m, &next);
        if (m->written == m->read)
            take_out(m);
        m->items[m->written++] = next;
    }
    write_kept(m, NULL);
}

static int merge(struct fl_records *into, const struct side *kept, const struct side *more)
{
    size_t n = kept->stay->n + more->records->n;
    struct merge m = {.n = into->n, .kept = kept, .more = more, .room = more->records->n + 2};
    m.line = malloc(m.room * sizeof *m.line);
    m.items = n > into->n ? realloc(into->items, n * sizeof *m.items) : into->items;
    into->items = m.items ? m.items : into->items;
    if (m.line && m.items) {
        merge_items(&m);
        into->n = m.written;
        m.items = realloc(into->items, (into->n + 1) * sizeof *m.items); /* what is not needed goes back */
        into->items = m.items ? m.items : into->items;
        m.items = into->items;
    }
    free(m.line);
    return m.line && m.items ? 0 : FL_ENOMEM;
}

static int renew(struct fl_records *into, const struct fl_staying *stay, const struct fl_records *more)
{
    struct side x = {0}, y = {0};
    struct fl_records names = {0};
    int rc = stay->n + more->n > INT32_MAX ? FL_ELIMIT : side_init(&x, into, stay);
    if (rc == 0)
        rc = side_init(&y, more, NULL);
    if (rc == 0)
        rc = unite_names(&names, &x, &y);
    if (rc == 0)
        rc = merge(into, &x, &y);
    if (rc == 0) {
        names.items = into->items;
        names.n = into->n;
        into->items = NULL;
        fl_records_clear(into);
        *into = names;
    } else {
        fl_records_clear(&names);
    }
    side_clear(&x);
    side_clear(&y);
    return rc;
}

int fl_records_renew(struct fl_records *into, const struct fl_staying *stay, struct fl_records *more)
{
    int rc = 0;
    if (stay->n == 0) { /* nothing to do but to move */
        fl_records_clear(into);
        *into = *more;
        *more = (struct fl_records){0};
    } else if (stay->n < into->n || more->n > 0) {
        rc = renew(into, stay, more);
    }
    fl_records_clear(more);
    return rc;
}
