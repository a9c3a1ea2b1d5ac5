/* Loss accounting over 32-bit sequence numbers that wrap. */
#include "collector/sequence.h"

enum { FARTHEST = 1 << 24 }; /* a jump further ahead is a restart too */

void fl_sequence_forget(struct fl_sequence *s)
{
    s->known = false;
    s->n_gaps = 0;
}

static void add_gap(struct fl_sequence *s, uint32_t from, uint32_t length)
{
    s->newest = (s->newest + 1) % FL_SEQUENCE_GAPS;
    s->gaps[s->newest] = (struct fl_gap){from, length};
    if (s->n_gaps < FL_SEQUENCE_GAPS)
        s->n_gaps++;
    s->lost += length;
}

/* The late units [from, from + count) fill a gap at most once: the gap shrinks to its larger remaining side.
 */
static void fill_gap(struct fl_sequence *s, uint32_t from, uint32_t count)
{
    for (size_t i = 0; i < s->n_gaps; i++) {
        struct fl_gap *g = &s->gaps[(s->newest + FL_SEQUENCE_GAPS - i) % FL_SEQUENCE_GAPS];
        uint32_t before = from - g->from;
        if (before >= g->length)
            continue;
        uint32_t filled = count < g->length - before ? count : g->length - before;
        uint32_t after = g->length - before - filled;
        s->lost -= filled;
        if (after > before)
            *g = (struct fl_gap){from + filled, after};
        else
            g->length = before;
        return;
    }
}

/* Does the number count up to this datagram, or with it? Told by two neighbours of different size, and taken
 * back in the same way. Returns whether the datagram follows the one before without a gap. */
static bool tell_counting(struct fl_sequence *s, uint32_t sequence, uint32_t count)
{
    bool before = sequence - s->sequence == s->count, with = sequence - s->sequence == count;
    if (s->known && before != with)
        s->inclusive = with;
    return s->known && (before || with);
}

void fl_sequence_update(struct fl_sequence *s, uint32_t sequence, uint32_t count, uint32_t window)
{
    if (tell_counting(s, sequence, count))
        s->next = s->inclusive ? sequence - count : sequence;
    uint32_t raw = sequence;
    sequence -= s->inclusive ? count : 0;
    uint32_t ahead = sequence - s->next, behind = s->next - sequence;
    if (s->known && ahead != 0 && behind <= window) {
        fill_gap(s, sequence, count);
        return;
    }
    if (s->known && ahead != 0 && ahead <= FARTHEST)
        add_gap(s, s->next, ahead);
    else if (!s->known || ahead != 0)
        s->n_gaps = 0;
    s->known = true;
    s->next = sequence + count;
    s->sequence = raw;
    s->count = count;
}
