/* Gathering records: a slot a bucket, in each the chunks that are packed and the records that do not yet fill
 * one. */
#include "storage/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/gather_parts.h"

enum { max_slots = 4096 }; /* buckets with records waiting */

int fl_gatherer_init(struct fl_gatherer *g, int64_t bucket_ms, struct fl_chunk_codec *codec, size_t most)
{
    *g = (struct fl_gatherer){.bucket_ms = bucket_ms, .codec = codec, .most = most};
    g->slots = malloc(max_slots * sizeof(struct fl_slot *));
    return g->slots ? 0 : FL_ENOMEM;
}

void fl_gatherer_fini(struct fl_gatherer *g)
{
    for (size_t i = 0; i < g->n_slots; i++)
        fl_gatherer_free_slot(g->slots[i]);
    free(g->slots);
}

int fl_gatherer_new(struct fl_gatherer **out, int64_t bucket_ms, struct fl_chunk_codec *codec)
{
    struct fl_gatherer *g = malloc(sizeof *g);
    int rc = g ? fl_gatherer_init(g, bucket_ms, codec, SIZE_MAX) : FL_ENOMEM;
    if (rc < 0) {
        free(g);
        g = NULL;
    }
    *out = g;
    return rc;
}

void fl_gatherer_free(struct fl_gatherer *g)
{
    if (!g)
        return;
    fl_gatherer_fini(g);
    free(g);
}

/* ---- slots ---- */

static int compare_slot(const struct fl_slot *s, const char *location, int64_t from_ms)
{
    int order = strcmp(s->location, location);
    return order ? order : (s->from_ms > from_ms) - (s->from_ms < from_ms);
}

static void forget_packed(struct fl_slot *s)
{
    s->packed = NULL;
    s->packed_end = &s->packed;
    s->n_packed = 0;
    s->first_start_ms = INT64_MAX;
    s->told_end_ms = s->received_end_ms = INT64_MIN;
}

static struct fl_slot *insert_slot(struct fl_gatherer *g, size_t at, const char *location, int64_t from_ms)
{
    struct fl_slot *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    snprintf(s->location, sizeof s->location, "%s", location);
    s->from_ms = from_ms;
    forget_packed(s);
    memmove(g->slots + at + 1, g->slots + at, (g->n_slots - at) * sizeof *g->slots);
    g->slots[at] = s;
    g->n_slots++;
    return s;
}

int fl_gatherer_slot(struct fl_gatherer *g, const char *location, int64_t from_ms, struct fl_slot **out)
{
    if (g->latest && compare_slot(g->latest, location, from_ms) == 0) {
        *out = g->latest;
        return 0;
    }
    size_t low = 0, high = g->n_slots;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_slot(g->slots[middle], location, from_ms) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < g->n_slots && compare_slot(g->slots[low], location, from_ms) == 0)
        *out = g->slots[low];
    else if (g->n_slots == max_slots)
        return FL_ELIMIT;
    else if (!(*out = insert_slot(g, low, location, from_ms)))
        return FL_ENOMEM;
    g->latest = *out;
    return 0;
}

static void free_room(struct fl_slot *s)
{
    free(s->waiting);
    free(s->numbers);
    s->waiting = NULL;
    s->numbers = NULL;
    s->room = 0;
}

void fl_gatherer_empty_slot(struct fl_slot *s)
{
    if (!s->filled)
        free_room(s);
    while (s->packed) {
        struct fl_packed *p = s->packed;
        s->packed = p->next;
        free(p);
    }
    forget_packed(s);
    s->n = 0;
    s->filled = false;
}

void fl_gatherer_free_slot(struct fl_slot *s)
{
    fl_gatherer_empty_slot(s);
    free_room(s);
    free(s);
}

/* Room for at least one more, and at most n; returns for how many, or FL_ENOMEM. */
static int64_t reserve(const struct fl_gatherer *g, struct fl_slot *s, size_t n)
{
    if (s->n == s->room) {
        size_t room = s->room == 0 ? 64 : s->room < FL_CHUNK_FLOWS ? 4 * s->room : 2 * s->room;
        void *grown = realloc(s->waiting, room * sizeof *s->waiting);
        if (!grown)
            return FL_ENOMEM;
        s->waiting = grown;
        void *numbers = g->numbered ? realloc(s->numbers, room * sizeof *s->numbers) : NULL;
        if (g->numbered && !numbers)
            return FL_ENOMEM;
        s->numbers = numbers;
        s->room = room;
    }
    return (int64_t)(s->room - s->n < n ? s->room - s->n : n);
}

/* ---- adding ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Pack what waits, which makes a full chunk. */
static int pack_waiting(struct fl_gatherer *g, struct fl_slot *s)
{
    const struct fl_chunk_summary *sum = &g->summary;
    const uint8_t *bytes;
    size_t length;
    int rc = fl_chunk_pack(g->codec, s->waiting, s->n, &bytes, &length, &g->summary);
    if (rc < 0)
        return rc;
    struct fl_packed *p = malloc(sizeof *p + sum->bloom.bytes + length);
    if (!p)
        return FL_ENOMEM;
    *p = (struct fl_packed){
        NULL,  sum->min_start_ms, sum->max_start_ms, sum->min_end_ms, sum->max_end_ms, sum->bloom.bytes,
        length};
    memcpy(p->bytes, sum->bloom.bits, sum->bloom.bytes);
    memcpy(p->bytes + sum->bloom.bytes, bytes, length);
    *s->packed_end = p;
    s->packed_end = &p->next;
    s->first_start_ms = least(s->first_start_ms, sum->min_start_ms);
    s->told_end_ms = greatest(s->told_end_ms, sum->told_end_ms);
    s->received_end_ms = greatest(s->received_end_ms, sum->received_end_ms);
    s->n_packed++;
    s->filled = true;
    s->n = 0;
    g->n_chunks++;
    return 0;
}

int64_t fl_gatherer_put(struct fl_gatherer *g, struct fl_slot *s, const struct fl_flow *flows, size_t n)
{
    if (!g->numbered && s->n == FL_CHUNK_FLOWS) {
        int rc = pack_waiting(g, s);
        if (rc < 0)
            return rc;
    }
    int64_t room = reserve(g, s, n);
    if (room < 0)
        return room;
    struct fl_flow *to = s->waiting + s->n;
    for (int64_t i = 0; flows != to && i < room; i++) /* memcpy is slower: rep movsb on some processors */
        to[i] = flows[i];
    for (int64_t i = 0; g->numbered && i < room; i++)
        s->numbers[s->n + (size_t)i] = g->next_number++;
    s->n += (size_t)room;
    g->n_waiting += (size_t)room;
    return room;
}

struct fl_flow *fl_gatherer_room(struct fl_gatherer *g, const char *location, size_t n)
{
    struct fl_slot *s = g->latest;
    bool fits = s && s->room - s->n >= n && strcmp(s->location, location) == 0;
    return fits ? s->waiting + s->n : NULL;
}

static bool times_possible(const struct fl_flow *f)
{
    static const int64_t year_9999_ms = 253402300799999;
    return f->start_ms >= 0 && f->start_ms <= year_9999_ms && f->end_ms >= f->start_ms;
}

/* How many of the n records, from the first on, go into this bucket as the first does. */
static size_t same_bucket(const struct fl_gatherer *g, const struct fl_slot *s, const struct fl_flow *flows,
                          size_t n)
{
    size_t i = 1;
    while (i < n && flows[i].end_ms >= flows[i].start_ms && flows[i].start_ms >= s->from_ms &&
           flows[i].start_ms - s->from_ms < g->bucket_ms)
        i++;
    return i;
}

int fl_gatherer_add(struct fl_gatherer *g, const char *location, const struct fl_flow *flows, size_t n,
                    size_t *taken)
{
    struct fl_slot *s = NULL;
    size_t i = 0;
    bool known = g->latest && strcmp(g->latest->location, location) == 0;
    int rc = known || fl_location_name_ok(location) ? 0 : FL_EINVAL;
    while (rc == 0 && i < n) {
        size_t bound = g->most > g->n_waiting ? g->most - g->n_waiting : 0,
               rest = n - i < bound ? n - i : bound;
        int64_t done = 1;
        if (!times_possible(&flows[i])) {
            g->n_refused++;
            g->next_number++;
        } else if (rest == 0)
            rc = FL_ELIMIT;
        else if ((rc = fl_gatherer_slot(g, location, flows[i].start_ms - flows[i].start_ms % g->bucket_ms,
                                        &s)) == 0 &&
                 (done = fl_gatherer_put(g, s, flows + i, same_bucket(g, s, flows + i, rest))) < 0)
            rc = (int)done;
        if (rc == 0)
            i += (size_t)done;
    }
    *taken = i;
    return rc;
}

/* ---- what waits ---- */

size_t fl_gatherer_chunks(const struct fl_gatherer *g)
{
    return g->n_chunks;
}

size_t fl_gatherer_waiting(const struct fl_gatherer *g)
{
    return g->n_waiting;
}

void fl_gatherer_each(const struct fl_gatherer *g, fl_gathered_fn *fn, void *ctx)
{
    for (size_t i = 0; i < g->n_slots; i++) {
        const struct fl_slot *s = g->slots[i];
        struct fl_gathered all = {s->location, fl_slot_flows(s), s->first_start_ms, s->told_end_ms,
                                  s->received_end_ms};
        for (size_t k = 0; k < s->n; k++) {
            const struct fl_flow *f = &s->waiting[k];
            int64_t *end = f->time_source == FL_TIME_RECEIVED ? &all.received_end_ms : &all.told_end_ms;
            all.first_start_ms = least(all.first_start_ms, f->start_ms);
            *end = greatest(*end, f->end_ms);
        }
        if (all.flows)
            fn(ctx, &all);
    }
}

static void move_packed(struct fl_gatherer *to, struct fl_slot *t, struct fl_slot *f)
{
    *t->packed_end = f->packed;
    t->packed_end = f->packed_end;
    t->n_packed += f->n_packed;
    to->n_chunks += f->n_packed;
    to->n_waiting += f->n_packed * FL_CHUNK_FLOWS;
    forget_packed(f);
}

size_t fl_gatherer_move(struct fl_gatherer *to, struct fl_gatherer *from, size_t *lost)
{
    size_t moved = 0, here = 0;
    for (size_t i = 0; i < from->n_slots; i++, moved += here) {
        struct fl_slot *f = from->slots[i], *t;
        size_t all = fl_slot_flows(f), loose = 0;
        here = 0;
        if (all && fl_gatherer_slot(to, f->location, f->from_ms, &t) == 0) {
            here = f->n_packed * FL_CHUNK_FLOWS;
            if (f->packed)
                move_packed(to, t, f);
            for (int64_t done = 0; loose < f->n && done >= 0; loose += done > 0 ? (size_t)done : 0)
                done = fl_gatherer_put(to, t, f->waiting + loose, f->n - loose);
            here += loose;
        }
        *lost += all - here;
    }
    to->n_refused += from->n_refused;
    fl_gatherer_clear(from);
    return moved;
}

/* Only slots that were filled stay, for one turn more: their room will be wanted. */
void fl_gatherer_clear(struct fl_gatherer *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n_slots; i++) {
        struct fl_slot *s = g->slots[i];
        bool stays = s->filled;
        fl_gatherer_empty_slot(s);
        if (stays)
            g->slots[kept++] = s;
        else
            fl_gatherer_free_slot(s);
    }
    g->n_slots = kept;
    g->n_waiting = g->n_chunks = g->n_refused = 0;
    g->latest = NULL;
}
