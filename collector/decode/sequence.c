/* Books of what sequence numbers say, one set for each way of counting. */
#include "collector/decode/sequence.h"

#include <string.h>

enum {
    FARTHEST = 1 << 24,      /* a jump further ahead is a restart */
    LATE_DATAGRAMS = 256,    /* how late is late and not a restart */
    LATE_RECORDS = 256 * 30, /* the same in records */
    HEAD_START = 2,          /* trust in the dialect's own habit at first */
    MOST_TRUST = 8,
    MISS = 2,  /* trust that a wrong prediction costs */
    STRAYS = 3 /* late ones in a row that make a restart */
};

void fl_sequence_init(struct fl_sequence *s, enum fl_counting usual)
{
    memset(s, 0, sizeof *s);
    s->counting = usual;
    s->books[usual].trust = HEAD_START;
}

/* Both halves of a product. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

struct lanes {
    uint64_t a, b, c, d;
};
static const uint64_t odd[4] = {0x9e3779b97f4a7c15u, 0xff51afd7ed558ccdu, 0xc4ceb9fe1a85ec53u,
                                0xbf58476d1ce4e5b9u};
enum { STRIDE = 64 };

static inline struct lanes stir(struct lanes l, const uint8_t *p)
{
    l.a = fold(word(p) ^ odd[0], word(p + 8) ^ l.a);
    l.b = fold(word(p + 16) ^ odd[1], word(p + 24) ^ l.b);
    l.c = fold(word(p + 32) ^ odd[2], word(p + 40) ^ l.c);
    l.d = fold(word(p + 48) ^ odd[3], word(p + 56) ^ l.d);
    return l;
}

/* Four lanes of products, each of two words, so that none waits for the other; not against malice, which can
 * send anything under an exporter's address anyway. */
uint64_t fl_fingerprint(const uint8_t *bytes, size_t length)
{
    struct lanes l = {odd[1] + length, odd[2], odd[3], odd[0]};
    uint8_t rest[STRIDE] = {0};
    for (; length >= STRIDE; bytes += STRIDE, length -= STRIDE)
        l = stir(l, bytes);
    memcpy(rest, bytes, length);
    l = stir(l, rest);
    return fold(l.a + odd[2], l.b + odd[3]) ^ fold(l.c + odd[0], l.d + odd[1]);
}

static uint32_t units(enum fl_counting counting, const struct fl_step *step)
{
    switch (counting) {
    case FL_COUNTS_DATAGRAMS:
        return 1;
    case FL_COUNTS_RECORDS:
    case FL_COUNTS_RECORDS_WITH:
        return step->records;
    case FL_COUNTS_FLOWS:
    case FL_COUNTS_FLOWS_WITH:
        return step->flows;
    default:
        return 0;
    }
}

static bool counts_itself(enum fl_counting counting)
{
    return counting == FL_COUNTS_RECORDS_WITH || counting == FL_COUNTS_FLOWS_WITH;
}

/* ---- which habit ---- */

static bool predicted(const struct fl_sequence *s, enum fl_counting counting, const struct fl_step *step)
{
    uint32_t moved = step->number - s->last.number;
    return moved == units(counting, counts_itself(counting) ? step : &s->last);
}

/* Datagrams with records of unknown number prove nothing, nor does a late one. */
static void judge_countings(struct fl_sequence *s, const struct fl_step *step)
{
    uint32_t moved = step->number - s->last.number;
    if (!s->any || step->uncounted || s->last.uncounted || moved > INT32_MAX)
        return;
    for (int i = 0; i < FL_COUNTINGS; i++) {
        uint8_t *trust = &s->books[i].trust;
        if (!predicted(s, i, step))
            *trust = *trust > MISS ? *trust - MISS : 0;
        else if (*trust < MOST_TRUST)
            ++*trust;
    }
    enum fl_counting best = s->counting;
    for (int i = 0; i < FL_COUNTINGS; i++)
        if (s->books[i].trust > s->books[best].trust)
            best = i;
    s->counting = best;
}

/* ---- the books of one habit ---- */

static void add_gap(struct fl_books *b, uint32_t from, uint32_t length)
{
    b->newest = (b->newest + 1) % FL_SEQUENCE_GAPS;
    b->gaps[b->newest] = (struct fl_gap){from, length};
    if (b->n_gaps < FL_SEQUENCE_GAPS)
        b->n_gaps++;
}

/* The late units [from, from + count) fill a gap at most once; what is left of it on either side stays. */
static bool fill_gap(struct fl_books *b, uint32_t from, uint32_t count)
{
    for (size_t i = 0; i < b->n_gaps; i++) {
        struct fl_gap *g = &b->gaps[(b->newest + FL_SEQUENCE_GAPS - i) % FL_SEQUENCE_GAPS];
        uint32_t before = from - g->from;
        if (before >= g->length)
            continue;
        uint32_t filled = count < g->length - before ? count : g->length - before;
        uint32_t after = g->length - before - filled;
        b->lost -= filled;
        g->length = before;
        if (before == 0)
            *g = (struct fl_gap){from + filled, after};
        else if (after)
            add_gap(b, from + filled, after);
        return true;
    }
    return false;
}

static void begin_anew(struct fl_books *b)
{
    b->known = false;
    b->loose = false;
    b->n_gaps = 0;
    b->strays = 0;
}

/* Late: true when it is the third of a new count rather than a piece of the old one. */
static bool is_new_count(struct fl_books *b, uint32_t from, uint32_t count)
{
    if (count == 0)
        return false;
    b->reordered++;
    if (fill_gap(b, from, count)) {
        b->strays = 0;
        return false;
    }
    b->strays = b->strays && from == b->stray_next ? b->strays + 1 : 1;
    b->stray_next = from + count;
    if (b->strays < STRAYS)
        return false;
    b->reordered -= STRAYS;
    return true;
}

/* Whether the datagram is in order or ahead. */
static bool enter(struct fl_books *b, uint32_t from, uint32_t count, bool uncounted, uint32_t window)
{
    uint32_t ahead = from - b->next, behind = b->next - from;
    bool on_time = ahead == 0 || (b->loose && ahead <= FARTHEST), anew = false;
    if (b->known && !on_time) {
        if (behind <= window && !is_new_count(b, from, count))
            return false;
        anew = behind <= window || ahead > FARTHEST;
    }
    if (anew) {
        b->restarts++;
        begin_anew(b);
    } else if (b->known && !on_time) {
        b->lost += ahead;
        add_gap(b, b->next, ahead);
    }
    b->known = true;
    b->next = from + count;
    b->loose = uncounted;
    b->strays = 0;
    return true;
}

static bool enter_step(struct fl_sequence *s, enum fl_counting counting, const struct fl_step *step)
{
    uint32_t count = units(counting, step), from = step->number;
    bool datagrams = counting == FL_COUNTS_DATAGRAMS, uncounted = step->uncounted && !datagrams;
    struct fl_books *b = &s->books[counting];
    if (counting == FL_COUNTS_STILL)
        return true;
    if (!counts_itself(counting))
        return enter(b, from, count, uncounted, datagrams ? LATE_DATAGRAMS : LATE_RECORDS);
    /* Its end is known whatever is in it, its beginning only when all of it is. */
    b->loose = uncounted;
    return enter(b, from - count, count, false, LATE_RECORDS);
}

/* ---- all of them ---- */

bool fl_sequence_seen(const struct fl_sequence *s, uint32_t number, uint64_t fingerprint)
{
    size_t n = s->n_recent < FL_RECENT ? s->n_recent : FL_RECENT;
    if (s->counting == FL_COUNTS_STILL)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s->recent[i] == number && s->fingerprints[i] == fingerprint)
            return true;
    return false;
}

void fl_sequence_update(struct fl_sequence *s, const struct fl_step *step)
{
    judge_countings(s, step);
    bool newest = true;
    for (int i = 0; i < FL_COUNTINGS; i++) {
        bool in_time = enter_step(s, i, step);
        newest = i == (int)s->counting ? in_time : newest;
    }
    if (newest) {
        s->last = *step;
        s->any = true;
    }
    if (units(s->counting, step) == 0 && !step->uncounted)
        return;
    s->recent[s->n_recent % FL_RECENT] = step->number;
    s->fingerprints[s->n_recent++ % FL_RECENT] = step->fingerprint;
}

void fl_sequence_restart(struct fl_sequence *s, uint32_t number)
{
    const struct fl_books *b = &s->books[s->counting];
    if (!b->known || number - b->next <= INT32_MAX)
        return;
    s->restarts++;
    s->any = false;
    s->n_recent = 0;
    for (int i = 0; i < FL_COUNTINGS; i++)
        begin_anew(&s->books[i]);
}

uint64_t fl_sequence_lost(const struct fl_sequence *s)
{
    return s->books[s->counting].lost;
}

uint64_t fl_sequence_reordered(const struct fl_sequence *s)
{
    return s->books[s->counting].reordered;
}

uint64_t fl_sequence_restarts(const struct fl_sequence *s)
{
    return s->restarts + s->books[s->counting].restarts;
}
