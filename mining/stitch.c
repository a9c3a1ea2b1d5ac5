/* Stitching: puts together what the active timeout cut and counts once what several exporters saw.
 *
 * The records come in the order of conversation, direction, source (exporter and domain), start.
 * 1. Learn each source's active timeout from records that are continued (a cut record is followed by the rest
 * of its flow within a second, and cut records have all about the same length).
 * 2. Walk what one source saw of one direction: a record that overlaps the flow so far, or follows within 1 s
 * of a part that the active timeout ended, belongs to it. Everything else (an inactive timeout, a FIN) starts
 * a new flow. Set its stamps to the clock that all sources share (mining/clocks.h).
 * 3. Order the flows that several sources saw of one direction by start: a flow that overlaps another
 * source's is the same flow. Clocks differ, so one that starts up to 1 s after the other's end is, too, but
 * only when its source has no share in the flow yet: a source that has says itself that this is another one.
 * 4. Put the two directions of each conversation in the order of their starts.
 *
 * Steps 2 to 4 are done for one conversation at a time, so that its flows are still at hand where they are
 * joined (mining/talk.c) and all of them never stand in memory together.
 *
 * Example, active timeout 60 s: parts [0, 60 s] [60.2 s, 120.1 s] [120.5 s, 130 s] are one flow [0, 130 s];
 * NTP requests at 0, 16 s and 32 s stay three flows, also when a second exporter sees each 5 ms later. */
#include "mining/stitch.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mining/clocks.h"
#include "mining/order.h"
#include "mining/radix.h"
#include "mining/room.h"
#include "storage/error.h"

static const int64_t continued_within_ms = 1000; /* the next part starts at most this long after the end */
static const int64_t clocks_differ_ms = 1000; /* two exporters' stamps of one packet differ by at most this */
static const int64_t shortest_cut_ms = 1000;  /* no active timeout is shorter */

static bool same_source(const struct fl_record *x, const struct fl_record *y)
{
    return fl_record_same_direction(x, y) && x->source == y->source;
}

/* ---- 1. active timeouts ---- */

/* The longest of the lengths (ascending) in the 5 % wide band that holds most of them. */
static int64_t densest_length(const struct fl_entry *lengths, size_t n, int64_t fallback_ms)
{
    size_t best = 0;
    int64_t found = fallback_ms;
    for (size_t low = 0, high = 0; high < n; high++) {
        while (lengths[high].key - lengths[low].key > lengths[low].key / 20)
            low++;
        if (high - low + 1 >= best) {
            best = high - low + 1;
            found = (int64_t)lengths[high].key;
        }
    }
    return best >= 3 ? found : fallback_ms;
}

/* The lengths of continued records, of the sources in [first, first + n). */
static int continued_lengths(const struct fl_records *r, struct fl_entries *out)
{
    for (size_t i = 0; i + 1 < r->n; i++) {
        const struct fl_record *f = &r->items[i], *next = f + 1;
        int64_t length_ms = f->end_ms - f->start_ms;
        if (length_ms >= shortest_cut_ms && next->start_ms >= f->end_ms &&
            next->start_ms - f->end_ms <= continued_within_ms && same_source(f, next) &&
            fl_entries_add(out, (uint64_t)length_ms, f->source) < 0)
            return FL_ENOMEM;
    }
    return 0;
}

/* Stable, so lengths stay ascending within a source. */
static int group_by_source(struct fl_entries *lengths, struct fl_entry *grouped, size_t *first,
                           size_t n_sources)
{
    int rc = fl_entries_sort(lengths);
    for (size_t i = 0; rc == 0 && i < lengths->n; i++)
        first[lengths->items[i].value + 1]++;
    for (size_t s = 0; s < n_sources; s++)
        first[s + 1] += first[s];
    for (size_t i = 0; rc == 0 && i < lengths->n; i++)
        grouped[first[lengths->items[i].value]++] = lengths->items[i];
    return rc;
}

int fl_learn_active_timeouts(const struct fl_records *records, int64_t fallback_ms, int64_t *out)
{
    struct fl_entries lengths = {0};
    size_t *first = calloc(records->n_sources + 1, sizeof *first);
    int rc = first ? continued_lengths(records, &lengths) : FL_ENOMEM;
    struct fl_entry *grouped = malloc((lengths.n + 1) * sizeof *grouped);
    if (rc == 0)
        rc = grouped ? group_by_source(&lengths, grouped, first, records->n_sources) : FL_ENOMEM;
    for (size_t s = 0; rc == 0 && s < records->n_sources; s++) {
        size_t from = s ? first[s - 1] : 0; /* grouping moved each first to the end of its source */
        out[s] = densest_length(grouped + from, first[s] - from, fallback_ms);
    }
    fl_entries_clear(&lengths);
    free(grouped);
    free(first);
    return rc;
}

/* ---- 2. parts ---- */

static bool cut_by_timeout(const struct fl_record *r, int64_t active_timeout_ms)
{
    if (r->marks & FL_RECORD_REASON_GIVEN)
        return r->marks & FL_RECORD_CUT;
    return r->end_ms - r->start_ms >= active_timeout_ms - active_timeout_ms / 10;
}

static void extend(struct fl_record *flow, const struct fl_record *by)
{
    if (by->end_ms > flow->end_ms)
        flow->end_ms = by->end_ms;
    flow->marks |= by->marks;
}

/* Step 2 for the n records of one source and direction; returns how many flows it wrote. */
static size_t stitch_source(const struct fl_record *records, size_t n, int64_t timeout_ms,
                            struct fl_record *out)
{
    size_t count = 0;
    bool cut = false;
    for (size_t i = 0; i < n; i++) {
        const struct fl_record *r = &records[i];
        struct fl_record *last = count ? &out[count - 1] : NULL;
        bool goes_on = last && (r->start_ms <= last->end_ms ||
                                (cut && r->start_ms - last->end_ms <= continued_within_ms));
        if (!goes_on || r->end_ms >= last->end_ms)
            cut = cut_by_timeout(r, timeout_ms);
        if (goes_on)
            extend(last, r);
        else
            out[count++] = *r;
    }
    return count;
}

/* ---- 3. several sources ---- */

static int compare_starts(const void *vx, const void *vy)
{
    const struct fl_record *x = vx, *y = vy;
    FL_ORDER(x->start_ms, y->start_ms);
    FL_ORDER(x->marks & FL_RECORD_FROM_B, y->marks & FL_RECORD_FROM_B);
    FL_ORDER(x->end_ms, y->end_ms);
    FL_ORDER(x->source, y->source);
    FL_ORDER(x->marks, y->marks);
    return 0;
}

/* Mostly two or three: no call for each comparison. */
static void order_by_start(struct fl_record *flows, size_t n)
{
    if (n > 16) {
        qsort(flows, n, sizeof *flows, compare_starts);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct fl_record f = flows[i];
        size_t at = i;
        for (; at > 0 && compare_starts(&flows[at - 1], &f) > 0; at--)
            flows[at] = flows[at - 1];
        flows[at] = f;
    }
}

/* Step 3 for the flows from `from` on, which are of one direction. */
static void deduplicate(struct fl_stitched *s, size_t from)
{
    struct fl_record *flows = s->flows;
    size_t kept = from;
    order_by_start(flows + from, s->n - from);
    for (size_t i = from; i < s->n; i++) {
        struct fl_record *last = &flows[kept - 1], f = flows[i];
        int64_t slack_ms = kept > from && s->share[f.source] == s->before + kept ? 0 : clocks_differ_ms;
        if (kept > from && f.start_ms - last->end_ms <= slack_ms)
            extend(last, &f);
        else
            flows[kept++] = f;
        s->share[f.source] = s->before + kept; /* its number, which no other flow has */
    }
    s->n = kept;
}

/* ---- 4. both directions ---- */

static void set_clock(struct fl_record *flows, size_t n, int64_t ahead_ms)
{
    for (size_t i = 0; ahead_ms != 0 && i < n; i++) {
        flows[i].start_ms -= ahead_ms;
        flows[i].end_ms -= ahead_ms;
    }
}

/* Step 2 for what one source saw of the direction that records[from] has; returns where that ends. */
static size_t add_source(const struct fl_stitcher *s, size_t from, size_t to, struct fl_stitched *out)
{
    const struct fl_record *all = s->records->items;
    uint16_t source = all[from].source;
    size_t end = from + 1;
    while (end < to && same_source(&all[from], &all[end]))
        end++;
    size_t n = stitch_source(all + from, end - from, s->timeout_ms[source], out->flows + out->n);
    set_clock(out->flows + out->n, n, s->ahead_ms[source]);
    out->n += n;
    return end;
}

static int make_room(const struct fl_stitcher *s, size_t n, struct fl_stitched *out)
{
    if (!out->share)
        out->share = calloc(s->records->n_sources + 1, sizeof *out->share);
    return out->share ? fl_room(&out->flows, &out->room, n, sizeof *out->flows) : FL_ENOMEM;
}

int fl_stitch(const struct fl_stitcher *s, size_t from, size_t to, struct fl_stitched *out)
{
    const struct fl_record *all = s->records->items;
    bool turned = false;
    out->before += out->n;
    out->n = 0;
    if (make_room(s, to - from, out) < 0)
        return FL_ENOMEM;
    while (from < to) {
        size_t direction = out->n, sources = 0, next = from;
        for (; next < to && fl_record_same_direction(&all[from], &all[next]); sources++)
            next = add_source(s, next, to, out);
        if (sources > 1)
            deduplicate(out, direction);
        turned |= direction > 0;
        from = next;
    }
    if (turned)
        order_by_start(out->flows, out->n);
    return 0;
}

void fl_stitched_clear(struct fl_stitched *s)
{
    free(s->flows);
    free(s->share);
    *s = (struct fl_stitched){0};
}

int fl_stitcher_init(struct fl_stitcher *s, const struct fl_records *records, int64_t active_timeout_ms)
{
    *s = (struct fl_stitcher){.records = records,
                              .timeout_ms = malloc((records->n_sources + 1) * sizeof *s->timeout_ms),
                              .ahead_ms = malloc((records->n_sources + 1) * sizeof *s->ahead_ms)};
    int rc = s->timeout_ms && s->ahead_ms ? 0 : FL_ENOMEM;
    if (rc == 0)
        rc = fl_learn_active_timeouts(records, active_timeout_ms, s->timeout_ms);
    return rc == 0 ? fl_learn_clocks(records, s->ahead_ms) : rc;
}

void fl_stitcher_clear(struct fl_stitcher *s)
{
    free(s->timeout_ms);
    free(s->ahead_ms);
    *s = (struct fl_stitcher){0};
}
