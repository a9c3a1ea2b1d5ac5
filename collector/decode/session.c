/* The session table, its bounds, and what it tells of itself. */
#include "collector/decode/session.h"

#include <string.h>

enum { STRETCH_MS = 5000, MINUTE_MS = 60000 };

guint fl_session_key_hash(gconstpointer p)
{
    const struct fl_session_key *k = p;
    uint64_t h =
        fl_addr_hash(&k->address) ^
        ((uint64_t)k->domain << 32 | (uint64_t)k->source_port << 16 | k->version) * 0x9e3779b97f4a7c15u;
    return (guint)(h ^ h >> 32);
}

gboolean fl_session_key_equal(gconstpointer a, gconstpointer b)
{
    const struct fl_session_key *x = a, *y = b;
    return x->domain == y->domain && x->source_port == y->source_port && x->version == y->version &&
           fl_addr_cmp(&x->address, &y->address) == 0;
}

/* ---- ranks ---- */

static GQueue *rank_of(struct fl_ranks *ranks, const struct fl_session *s)
{
    return s->proven ? &ranks->proven : &ranks->unproven;
}

static guint n_ranked(const struct fl_ranks *ranks)
{
    return ranks->proven.length + ranks->unproven.length;
}

static void enter_ranks(struct fl_decoder *d, struct fl_session *s)
{
    g_queue_push_head_link(rank_of(&d->sessions, s), &s->rank);
    g_queue_push_head_link(rank_of(&s->source->sessions, s), &s->source_rank);
}

static void leave_ranks(struct fl_decoder *d, struct fl_session *s)
{
    g_queue_unlink(rank_of(&d->sessions, s), &s->rank);
    g_queue_unlink(rank_of(&s->source->sessions, s), &s->source_rank);
}

/* The one unheard for longest that is neither at work nor `but`; `templates`: of those that have some. */
static struct fl_session *oldest(const struct fl_decoder *d, const GQueue *queue,
                                 const struct fl_session *but, bool templates)
{
    for (GList *l = queue->tail; l; l = l->prev) {
        struct fl_session *s = l->data;
        if (s != d->busy && s != but && (!templates || s->by_age.head))
            return s;
    }
    return NULL;
}

static void push_out(struct fl_decoder *d, struct fl_session *s)
{
    d->dropped++;
    fl_session_drop(d, s);
}

bool fl_session_push_out(struct fl_decoder *d, struct fl_ranks *ranks, const struct fl_session *for_whom,
                         bool templates)
{
    struct fl_session *victim = oldest(d, &ranks->unproven, for_whom, templates);
    if (!victim && for_whom->proven)
        victim = oldest(d, &ranks->proven, for_whom, templates);
    if (!victim)
        return false;
    push_out(d, victim);
    return true;
}

static size_t places_for_proven(size_t limit)
{
    return limit > 1 ? limit - 1 - (limit - 1) / 8 : 1;
}

void fl_session_prove(struct fl_decoder *d, struct fl_session *s)
{
    if (s->proven)
        return;
    leave_ranks(d, s);
    s->proven = true;
    enter_ranks(d, s);
    struct fl_ranks *own = &s->source->sessions, *all = &d->sessions;
    struct fl_session *victim;
    while (own->proven.length > places_for_proven(d->limits.sessions_address) &&
           (victim = oldest(d, &own->proven, s, false)))
        push_out(d, victim);
    while (all->proven.length > places_for_proven(d->limits.sessions) &&
           (victim = oldest(d, &all->proven, s, false)))
        push_out(d, victim);
}

/* Room for one more of this address; where there is none but proven ones (a limit of one), those go. A source
 * goes with its last session. */
static void make_place(struct fl_decoder *d, const struct fl_addr *address)
{
    static const struct fl_session anyone = {.proven = true};
    struct fl_source *source;
    while ((source = g_hash_table_lookup(d->sources, address)) &&
           n_ranked(&source->sessions) >= d->limits.sessions_address &&
           fl_session_push_out(d, &source->sessions, &anyone, false))
        ;
    while (n_ranked(&d->sessions) >= d->limits.sessions &&
           fl_session_push_out(d, &d->sessions, &anyone, false))
        ;
}

/* ---- the table ---- */

static guint address_hash(gconstpointer p)
{
    uint64_t h = fl_addr_hash(p);
    return (guint)(h ^ h >> 32);
}

static gboolean address_equal(gconstpointer a, gconstpointer b)
{
    return fl_addr_cmp(a, b) == 0;
}

GHashTable *fl_source_table_new(void)
{
    return g_hash_table_new(address_hash, address_equal);
}

static void source_release(struct fl_decoder *d, struct fl_source *source)
{
    if (n_ranked(&source->sessions))
        return;
    g_hash_table_remove(d->sources, source);
    g_free(source);
}

void fl_session_drop(struct fl_decoder *d, struct fl_session *s)
{
    leave_ranks(d, s);
    s->proven = true; /* what it hands on now is no reason to push out another */
    fl_session_release(d, s, 0, true);
    fl_template_forget_all(d, s);
    g_hash_table_destroy(s->templates);
    g_hash_table_destroy(s->orphans_by_id);
    g_hash_table_remove(d->by_key, s);
    source_release(d, s->source);
    g_free(s);
}

static struct fl_source *source_of(struct fl_decoder *d, const struct fl_addr *address)
{
    struct fl_source *source = g_hash_table_lookup(d->sources, address);
    if (source)
        return source;
    source = g_malloc0(sizeof *source);
    source->address = *address;
    g_hash_table_add(d->sources, source);
    return source;
}

static enum fl_counting usual_counting(uint16_t version)
{
    return version == 5 ? FL_COUNTS_FLOWS : version == 9 ? FL_COUNTS_DATAGRAMS : FL_COUNTS_RECORDS;
}

static struct fl_session *session_new(struct fl_decoder *d, const struct fl_session_key *key, int64_t now_ms)
{
    make_place(d, &key->address);
    struct fl_session *s = g_malloc0(sizeof *s);
    s->key = *key;
    s->source = source_of(d, &key->address);
    s->rank.data = s->source_rank.data = s->waits.data = s;
    s->templates = g_hash_table_new(g_int_hash, g_int_equal);
    s->orphans_by_id = g_hash_table_new(g_int_hash, g_int_equal);
    s->stats = (struct fl_exporter_stats){.address = key->address,
                                          .source_port = key->source_port,
                                          .domain = key->domain,
                                          .version = (uint8_t)key->version,
                                          .sampling = 1,
                                          .first_seen_ms = now_ms};
    s->rate.since_ms = now_ms;
    fl_sequence_init(&s->sequence, usual_counting(key->version));
    g_hash_table_add(d->by_key, s);
    enter_ranks(d, s);
    d->busy = s;
    fl_restored_adopt(d, s, now_ms);
    return s;
}

struct fl_session *fl_session_get(struct fl_decoder *d, const struct fl_session_key *key,
                                  const struct fl_sender *from, int64_t now_ms)
{
    struct fl_session *s = g_hash_table_lookup(d->by_key, key);
    if (!s) {
        s = session_new(d, key, now_ms);
    } else if (rank_of(&d->sessions, s)->head != &s->rank) {
        leave_ranks(d, s);
        enter_ranks(d, s);
    }
    d->busy = s;
    s->stats.last_seen_ms = now_ms;
    s->configured_sampling = from->sampling;
    if (strcmp(s->stats.location, from->location) != 0)
        g_strlcpy(s->stats.location, from->location, sizeof s->stats.location);
    return s;
}

/* ---- what it tells ---- */

/* The rate with the stretch up to `now_ms` in it: each stretch weighs by its part of a minute, or of the
 * session's whole life while that is shorter. */
static double rate_at(const struct fl_session *s, int64_t now_ms)
{
    int64_t stretch = now_ms - s->rate.since_ms, life = now_ms - s->stats.first_seen_ms;
    if (stretch <= 0)
        return s->rate.per_s;
    if (now_ms - s->stats.last_seen_ms >= MINUTE_MS)
        return 0;
    double now_per_s = (double)(s->stats.flows - s->rate.flows) * 1000 / (double)stretch;
    int64_t whole = life < MINUTE_MS ? life : MINUTE_MS;
    double weight = stretch < whole ? (double)stretch / (double)whole : 1;
    return s->rate.per_s + (now_per_s - s->rate.per_s) * weight;
}

void fl_session_pace(struct fl_session *s, int64_t now_ms)
{
    int64_t stretch = now_ms - s->rate.since_ms;
    if (stretch >= 0 && stretch < STRETCH_MS)
        return;
    s->rate.per_s = rate_at(s, now_ms);
    s->rate.flows = s->stats.flows;
    s->rate.since_ms = now_ms;
}

static void tell_templates(const struct fl_session *s, struct fl_exporter_stats *out)
{
    out->templates = s->by_age.length;
    if (!s->by_age.length)
        return;
    out->template_oldest_ms = ((const struct fl_template *)s->by_age.head->data)->defined_ms;
    out->template_newest_ms = ((const struct fl_template *)s->by_age.tail->data)->defined_ms;
}

static void session_stats(const struct fl_session *s, int64_t now_ms, struct fl_exporter_stats *out)
{
    *out = s->stats;
    out->lost = fl_sequence_lost(&s->sequence);
    out->reordered = fl_sequence_reordered(&s->sequence);
    out->restarts = fl_sequence_restarts(&s->sequence);
    out->waiting = s->orphans.length;
    tell_templates(s, out);
    out->active_timeout_ms = fl_timeouts_active(&s->timeouts);
    out->inactive_timeout_ms = fl_timeouts_inactive(&s->timeouts);
    out->flows_per_s = rate_at(s, now_ms);
}

static int64_t last_seen(const GList *l)
{
    return l ? ((const struct fl_session *)l->data)->stats.last_seen_ms : INT64_MIN;
}

size_t fl_decoder_stats(const struct fl_decoder *d, struct fl_exporter_stats *out, size_t most)
{
    const GList *a = d->sessions.proven.head, *b = d->sessions.unproven.head;
    size_t n = 0;
    for (; n < most && (a || b); n++) {
        const GList **newer = a && last_seen(a) >= last_seen(b) ? &a : &b;
        session_stats((*newer)->data, d->now_ms, &out[n]);
        *newer = (*newer)->next;
    }
    return n;
}
