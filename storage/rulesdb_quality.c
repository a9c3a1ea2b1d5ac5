/* How whole the data are, by location and hour of data time. Counters of sessions only ever grow; what they
 * grew by between two calls belongs to the hour that the exporter's clock shows.
 *
 * A clock that jumps: its distance from ours was steady for three calls in which datagrams came, and then
 * changed by more than 5 min. A recording that is played faster than it was made moves its distance with
 * every call, is never steady, and so never jumps. */
#include <stdlib.h>
#include <string.h>

#include "storage/flow.h"
#include "storage/rulesdb_parts.h"

enum {
    HOUR_MS = 3600000,
    STEADY_MS = 60000, /* a distance that changes by less in one call is steady */
    JUMP_MS = 300000,  /* by more, and the clock has jumped */
    STEADY_CALLS = 3,
    FUTURE_MS = 300000,     /* beyond it records are stamped with the time they came */
    SETTLED_MS = 600000,    /* an exporter tells its sampling within this time after it began */
    RECORDS_A_DATAGRAM = 20 /* of a session none of whose records could be read */
};

static uint64_t grown(uint64_t old, uint64_t now)
{
    return now >= old ? now - old : now;
}

static int64_t magnitude(int64_t ms)
{
    return ms < 0 ? -ms : ms;
}

void fl_step_look(struct fl_step *step)
{
    const struct fl_exporter_stats *old = step->old, *now = step->now;
    step->records = grown(old ? old->flows : 0, now->flows);
    if (!old || now->packets == old->packets)
        return;
    int64_t moved_ms = magnitude(now->clock_skew_ms - old->clock_skew_ms);
    step->jumped = moved_ms > JUMP_MS && step->steady >= STEADY_CALLS;
    if (moved_ms >= STEADY_MS)
        step->steady = 0;
    else if (step->steady < FL_CLOCK_STEADY)
        step->settled = ++step->steady == FL_CLOCK_STEADY;
}

/* ---- hours ---- */

struct hour {
    const char *location;
    int64_t hour_ms;
    struct fl_quality quality;
};
struct hours {
    struct hour *items;
    size_t n, last; /* where the last look ended: sessions of a location often stand together */
};

static int64_t hour_of(const struct fl_exporter_stats *e)
{
    int64_t ms = e->last_seen_ms + (e->clock_skew_ms > FUTURE_MS ? 0 : e->clock_skew_ms);
    int64_t rest = ms % HOUR_MS;
    return ms - (rest < 0 ? rest + HOUR_MS : rest);
}

/* `items` has room for one a session. */
static struct fl_quality *quality_at(struct hours *h, const char *location, int64_t hour_ms)
{
    for (size_t i = 0; i < h->n; i++) {
        size_t at = (h->last + i) % h->n;
        if (h->items[at].hour_ms == hour_ms && strcmp(h->items[at].location, location) == 0) {
            h->last = at;
            return &h->items[at].quality;
        }
    }
    h->last = h->n;
    h->items[h->n] = (struct hour){.location = location, .hour_ms = hour_ms};
    return &h->items[h->n++].quality;
}

/* The same location's other sampling rate; what an exporter tells when it begins is no change. */
static bool changed_sampling(const struct fl_exporter_stats *old, const struct fl_exporter_stats *now)
{
    return old && old->sampling != now->sampling && now->sampling_source != FL_SAMPLING_CONFIG &&
           old->last_seen_ms - old->first_seen_ms > SETTLED_MS;
}

static void add_step(struct hours *h, const struct fl_step *step)
{
    static const struct fl_exporter_stats nothing;
    const struct fl_exporter_stats *now = step->now, *old = step->old ? step->old : &nothing;
    uint64_t lost = grown(old->lost, now->lost), sets = grown(old->unknown_template, now->unknown_template);
    uint64_t a_datagram = now->flows && now->packets ? now->flows / now->packets + 1 : RECORDS_A_DATAGRAM;
    bool sampled_anew = changed_sampling(step->old, now);
    if (step->records == 0 && lost == 0 && sets == 0 && !sampled_anew && !step->jumped)
        return;
    struct fl_quality *q = quality_at(h, now->location, hour_of(now));
    q->flows += step->records;
    q->lost += now->version == 9 ? lost * a_datagram : lost;
    q->unread += sets * a_datagram;
    q->sampling_changes += sampled_anew;
    q->clock_jumps += step->jumped;
}

/* What the service gave up was of those who sent, each by what it sent. */
static void share_shed(struct hours *h, uint64_t shed)
{
    uint64_t flows = 0;
    for (size_t i = 0; i < h->n; i++)
        flows += h->items[i].quality.flows;
    for (size_t i = 0; i < h->n && flows > 0; i++)
        h->items[i].quality.shed =
            (uint64_t)((double)shed * (double)h->items[i].quality.flows / (double)flows);
}

static int put_hours(struct fl_rulesdb *db, const struct hours *h)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < h->n; i++) {
        const struct fl_quality *q = &h->items[i].quality;
        rc = fl_rulesdb_run(db, SQL_PUT_QUALITY, "tiiiiiii", h->items[i].location, h->items[i].hour_ms,
                            fl_rulesdb_count(q->flows), fl_rulesdb_count(q->lost),
                            fl_rulesdb_count(q->unread), fl_rulesdb_count(q->shed),
                            fl_rulesdb_count(q->sampling_changes), fl_rulesdb_count(q->clock_jumps));
    }
    return rc;
}

int fl_quality_add(struct fl_rulesdb *db, const struct fl_step *steps, size_t n, uint64_t shed)
{
    struct hours h = {.items = calloc(2 * n + 1, sizeof *h.items)};
    if (!h.items)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < n; i++) {
        add_step(&h, &steps[i]);
        if (steps[i].jumped) /* both ends of a jump */
            quality_at(&h, steps[i].now->location, hour_of(steps[i].old))->clock_jumps++;
    }
    if (shed > 0)
        share_shed(&h, shed);
    int rc = put_hours(db, &h);
    free(h.items);
    return rc;
}

int fl_rulesdb_quality(struct fl_rulesdb *db, const char *location, int64_t from_ms, int64_t to_ms,
                       struct fl_quality *out, struct fl_err *err)
{
    *out = (struct fl_quality){0};
    uint64_t *const figures[] = {
        &out->flows, &out->lost, &out->unread, &out->shed, &out->sampling_changes, &out->clock_jumps};
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_QUALITY);
    if (!q)
        return fl_rulesdb_fail(db, err);
    fl_rulesdb_bind(q, "tii", location, from_ms, to_ms);
    int rc = sqlite3_step(q);
    for (int i = 0; rc == SQLITE_ROW && i < 6; i++)
        *figures[i] = (uint64_t)sqlite3_column_int64(q, i);
    sqlite3_reset(q);
    return rc == SQLITE_ROW ? 0 : fl_rulesdb_fail(db, err);
}
