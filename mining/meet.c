/* Meetings: activity turned around, from "when is a node active" to "who is active then".
 *
 * 1. Every window in which a node starts, or is present, becomes a word: window, kind, label, row. A block in
 * which it is present throughout becomes one word instead of jitter.
 * 2. Sorted (radix, least significant digit first), words of one window stand together: that is a key. A
 * window in which nothing starts is none.
 * 3. The words, now with the key in place of the window, are dealt out by row.
 *
 * Example: x starts in windows 3 and 9, y starts in 3 and lasts until 4: window 3 is key 0 with new list
 * {x, y}, window 9 key 1 with {x}; window 4 is no key. By row: x 0, 1; y 0. */
#include "mining/meet.h"

#include <stdlib.h>
#include <string.h>

#include "mining/room.h"
#include "mining/words.h"
#include "storage/error.h"

const int8_t FL_MEET_SIGN[FL_LABELS][FL_LABELS] = {
    [FL_ADDED] = {[FL_ADDED] = 1, [FL_STAYED] = 1},
    [FL_REMOVED] = {[FL_REMOVED] = -1, [FL_STAYED] = -1},
    [FL_STAYED] = {[FL_ADDED] = 1, [FL_REMOVED] = -1},
};

enum { MOST_ROWS = 1 << 29, MOST_KEYS = 1 << 29 };

/* ---- memory ---- */

struct fl_meet_scratch {
    struct fl_words words, wholes, spare;
    uint32_t *window_of;   /* by key */
    uint64_t *marked;      /* a bit a window: something is different there */
    uint8_t *marked_block; /* a byte a block: in some window of it */
    uint32_t *slots;       /* the marked blocks that both runs have */
    size_t n_slots;
    uint64_t *full[3]; /* a bit a window, by kind of node: crowded */
    bool any_full;
    uint32_t *present; /* by window: how many are present (while looking for crowds) */
    size_t room_rows, room_lists[6], room_keys, room_wholes;
};

static bool bit(const uint64_t *set, uint32_t i)
{
    return set[i / 64] >> (i % 64) & 1;
}

/* ---- 1. words of a track ---- */

struct pass { /* over the tracks under a host */
    struct fl_meet *m;
    const struct fl_side *side;
    enum fl_label label;
    int (*put)(struct pass *p, uint32_t track);
    bool only_marked;       /* windows */
    const uint64_t *crowds; /* windows to leave out, or NULL */
    uint32_t row;
    const struct fl_run_of_windows
        *run; /* where the track's presence goes on, block by block; NULL: anywhere */
};

static bool leave_out(const struct pass *p, uint32_t window)
{
    return (p->only_marked && !bit(p->m->scratch->marked, window)) || (p->crowds && bit(p->crowds, window));
}

static bool any_crowd(const struct pass *p, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; p->crowds && i < n; i++)
        if (bit(p->crowds, first + i))
            return true;
    return false;
}

/* Windows of presence in [from, to] that are none of the n `starts`. */
static void put_presence(struct pass *p, const struct fl_track *t, uint32_t from, uint32_t to,
                         const uint32_t *starts, uint32_t n)
{
    const struct fl_run_of_windows *run = p->run, *end = p->side->lane->runs + t->run_to;
    uint32_t i = 0, shift = p->side->shift;
    if (!run)
        run = fl_run_at(p->side->lane, t, from);
    while (run < end && run->last < from)
        run++;
    if (p->run)
        p->run = run;
    for (; run < end && run->first <= to; run++) {
        uint32_t w = run->first > from ? run->first : from, last = run->last < to ? run->last : to;
        for (; w <= last; w++) {
            while (i < n && starts[i] < w)
                i++;
            if ((i == n || starts[i] != w) && !leave_out(p, w + shift))
                fl_words_put(&p->m->scratch->words, w + shift, true, p->label, p->row, false);
        }
    }
}

static int put_block(struct pass *p, const struct fl_track *t, const struct fl_block *block)
{
    struct fl_meet_scratch *s = p->m->scratch;
    const struct fl_lane *lane = p->side->lane;
    const uint32_t *starts = lane->windows + t->new_from + block->starts;
    uint32_t jitter = lane->time.jitter, slot = fl_block_slot(lane, block->id), shift = p->side->shift;
    bool whole = block->n_present == jitter && !any_crowd(p, slot * jitter + shift, jitter);
    if (fl_words_reserve(&s->words, block->n_present) < 0 || fl_words_reserve(&s->wholes, 1) < 0)
        return FL_ENOMEM;
    for (uint32_t i = 0; i < block->n_new; i++)
        if (!leave_out(p, starts[i] + shift))
            fl_words_put(&s->words, starts[i] + shift, false, p->label, p->row, whole);
    if (whole)
        fl_words_put(&s->wholes, slot + shift / jitter, false, p->label, p->row, false);
    else if (block->n_present > block->n_new)
        put_presence(p, t, slot * jitter, slot * jitter + jitter - 1, starts, block->n_new);
    return 0;
}

/* All blocks of a track. */
static int put_all(struct pass *p, uint32_t track)
{
    const struct fl_lane *lane = p->side->lane;
    const struct fl_track *t = &lane->tracks[track];
    int rc = 0;
    p->run = lane->runs + t->run_from;
    for (size_t i = t->block_from; i < t->block_to && rc == 0; i++)
        rc = put_block(p, t, &lane->blocks[i]);
    return rc;
}

/* Those that are different. */
static int put_different(struct pass *p, uint32_t track)
{
    const struct fl_side *side = p->side;
    int rc = 0;
    for (size_t i = side->different_from[track]; i < side->different_from[track + 1] && rc == 0; i++)
        rc = put_block(p, &side->lane->tracks[track], &side->lane->blocks[side->different[i]]);
    return rc;
}

/* Those that stayed, in what is marked. */
static int put_marked(struct pass *p, uint32_t track)
{
    const struct fl_meet_scratch *s = p->m->scratch;
    const struct fl_side *side = p->side;
    const struct fl_track *t = &side->lane->tracks[track];
    uint32_t before = side->shift / side->lane->time.jitter;
    int rc = 0;
    if (s->n_slots < (t->block_to - t->block_from) / 8) {
        for (size_t i = 0; i < s->n_slots && rc == 0; i++) {
            size_t at = fl_block_at(side->lane, t, s->slots[i] - before);
            if (at < t->block_to && side->same[at])
                rc = put_block(p, t, &side->lane->blocks[at]);
        }
        return rc;
    }
    for (size_t i = t->block_from; i < t->block_to && rc == 0; i++)
        if (side->same[i] && s->marked_block[fl_block_slot(side->lane, side->lane->blocks[i].id) + before])
            rc = put_block(p, t, &side->lane->blocks[i]);
    return rc;
}

/* ---- crowds ---- */

enum { ASKING, SERVED, GENERIC };

static int kind_of(const struct fl_meet *m, const struct fl_node_key *key)
{
    if (m->family != FL_NAMED || key->client == FL_HOST_ANY || key->server == FL_HOST_ANY)
        return GENERIC;
    return key->client == m->host ? ASKING : SERVED;
}

static void count_presence(uint32_t *present, const struct fl_lane *lane, uint32_t track)
{
    const struct fl_track *t = &lane->tracks[track];
    for (size_t i = t->run_from; i < t->run_to; i++) {
        present[lane->runs[i].first]++;
        present[lane->runs[i].last + 1]--;
    }
}

static int find_crowd(struct fl_meet *m, const struct fl_compared *c, const struct fl_nodes *nodes,
                      const uint32_t *seats, size_t n, int kind, uint32_t crowd)
{
    struct fl_meet_scratch *s = m->scratch;
    size_t words = c->n_windows / 64 + 1;
    uint32_t together = 0;
    free(s->full[kind]);
    free(s->present);
    s->full[kind] = calloc(words, sizeof *s->full[kind]);
    s->present = calloc((size_t)c->n_windows + 2, sizeof *s->present);
    if (!s->full[kind] || !s->present)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct fl_twin *twin = &c->twins[seats[i]];
        if (kind_of(m, &nodes->keys[twin->node]) == kind && twin->now != FL_NO_TRACK)
            count_presence(s->present, c->now.lane, twin->now);
    }
    for (uint32_t w = 0; w < c->n_windows; w++) {
        together += s->present[w];
        if (together > crowd) {
            s->full[kind][w / 64] |= UINT64_C(1) << w % 64;
            m->crowded = s->any_full = true;
        }
    }
    return 0;
}

/* Crowds are looked for where there are nodes enough to make one. */
static int find_crowds(struct fl_meet *m, const struct fl_compared *c, const struct fl_nodes *nodes,
                       const uint32_t *seats, size_t n, uint32_t crowd)
{
    size_t of_kind[3] = {0};
    int rc = 0;
    for (int kind = ASKING; kind <= GENERIC && m->scratch->any_full; kind++) { /* of the host before */
        free(m->scratch->full[kind]);
        m->scratch->full[kind] = NULL;
    }
    m->scratch->any_full = false;
    for (size_t i = 0; n > crowd && i < n; i++)
        of_kind[kind_of(m, &nodes->keys[c->twins[seats[i]].node])]++;
    for (int kind = ASKING; kind <= GENERIC && rc == 0; kind++)
        if (of_kind[kind] > crowd)
            rc = find_crowd(m, c, nodes, seats, n, kind, crowd);
    return rc;
}

/* ---- 1. words of a host ---- */

static uint32_t row_of(const struct fl_meet *m, const struct fl_twin *twin, size_t seat)
{
    return m->family == FL_NAMED ? (uint32_t)seat : twin->node - m->first_node;
}

static int put_side(struct fl_meet *m, const struct fl_compared *c, const struct fl_nodes *nodes,
                    const uint32_t *seats, size_t n, struct pass pass)
{
    int rc = 0;
    pass.m = m;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct fl_twin *twin = &c->twins[seats[i]];
        uint32_t track = pass.side == &c->now ? twin->now : twin->before;
        pass.row = row_of(m, twin, i);
        if (m->scratch->any_full)
            pass.crowds = m->scratch->full[kind_of(m, &nodes->keys[twin->node])];
        if (track != FL_NO_TRACK)
            rc = pass.put(&pass, track);
    }
    return rc;
}

/* A window of `block` is different, or (mark false) forgotten. */
static void mark_window(struct fl_meet_scratch *s, const struct fl_compared *c, uint32_t window,
                        uint32_t block, bool mark)
{
    if (!mark) {
        s->marked[window / 64] = 0;
        s->marked_block[block] = 0;
        return;
    }
    s->marked[window / 64] |= UINT64_C(1) << window % 64;
    if (!s->marked_block[block] && block >= c->shared_from && block < c->shared_to)
        s->slots[s->n_slots++] = block;
    s->marked_block[block] = 1;
}

static void mark_words(struct fl_meet_scratch *s, const struct fl_compared *c, size_t from,
                       size_t wholes_from, bool mark)
{
    uint32_t jitter = c->now.lane->time.jitter;
    for (size_t i = from; i < s->words.n; i++) {
        uint32_t window = fl_word_slot(s->words.items[i]);
        mark_window(s, c, window, window / jitter, mark);
    }
    for (size_t i = wholes_from; i < s->wholes.n; i++) {
        uint32_t block = fl_word_slot(s->wholes.items[i]);
        for (uint32_t window = block * jitter; window < (block + 1) * jitter; window++)
            mark_window(s, c, window, block, mark);
    }
}

/* What is different, and what stayed beside it. */
static int put_differences(struct fl_meet *m, const struct fl_compared *c, const struct fl_nodes *nodes,
                           const uint32_t *seats, size_t n)
{
    struct fl_meet_scratch *s = m->scratch;
    size_t from = s->words.n, wholes_from = s->wholes.n;
    int rc = put_side(m, c, nodes, seats, n,
                      (struct pass){.side = &c->now, .label = FL_ADDED, .put = put_different});
    if (rc == 0)
        rc = put_side(m, c, nodes, seats, n,
                      (struct pass){.side = &c->before, .label = FL_REMOVED, .put = put_different});
    if (rc < 0 || (s->words.n == from && s->wholes.n == wholes_from))
        return rc;
    s->n_slots = 0;
    mark_words(s, c, from, wholes_from, true);
    size_t end = s->words.n, wholes_end = s->wholes.n;
    if (s->n_slots)
        rc = put_side(
            m, c, nodes, seats, n,
            (struct pass){.side = &c->now, .label = FL_STAYED, .put = put_marked, .only_marked = true});
    struct fl_words words = s->words, wholes = s->wholes;
    s->words.n = end; /* what stayed is where the marks are */
    s->wholes.n = wholes_end;
    mark_words(s, c, from, wholes_from, false);
    s->words = words;
    s->wholes = wholes;
    return rc;
}

static int put_host(struct fl_meet *m, const struct fl_compared *c, const struct fl_nodes *nodes,
                    const uint32_t *seats, size_t n, uint32_t crowd)
{
    int rc = find_crowds(m, c, nodes, seats, n, crowd);
    if (rc < 0)
        return rc;
    if (m->labels > 1)
        return put_differences(m, c, nodes, seats, n);
    return put_side(m, c, nodes, seats, n, (struct pass){.side = &c->now, .label = FL_ADDED, .put = put_all});
}

/* ---- 2. keys ---- */

/* The lists of a key begin here, up to and with `label`. */
static void begin_labels(uint32_t *begin, uint32_t key, unsigned labels, unsigned *next, unsigned label,
                         uint32_t at)
{
    for (; *next <= label; (*next)++)
        begin[(size_t)key * labels + *next] = at;
}

struct list_ends {
    uint32_t n_new, n_part, n_whole;
};

/* Make a key of the words [0, n) of one window, which go to `out` with its number. */
static void make_key(struct fl_meet *m, const uint64_t *words, size_t n, uint64_t *out,
                     struct list_ends *ends)
{
    uint32_t key = m->n_keys++;
    unsigned next_new = 0, next_part = 0;
    for (size_t i = 0; i < n; i++) {
        bool part = fl_word_part(words[i]);
        if (part) {
            begin_labels(m->part_begin, key, m->labels, &next_part, fl_word_label(words[i]), ends->n_part);
            m->part_list[ends->n_part++] = fl_word_entry(words[i]);
        } else {
            begin_labels(m->new_begin, key, m->labels, &next_new, fl_word_label(words[i]), ends->n_new);
            m->new_list[ends->n_new++] = fl_word_entry(words[i]);
        }
        out[i] = fl_word_at(words[i], key);
    }
    begin_labels(m->new_begin, key, m->labels, &next_new, m->labels - 1, ends->n_new);
    begin_labels(m->part_begin, key, m->labels, &next_part, m->labels - 1, ends->n_part);
}

/* Number the block of the words [0, n), all present throughout it, if it has any of the keys from *key on.
 * Returns whether it does. */
static bool make_whole(struct fl_meet *m, uint64_t *words, size_t n, uint32_t jitter, uint32_t *key,
                       struct list_ends *ends)
{
    const uint32_t *window_of = m->scratch->window_of;
    uint32_t block = fl_word_slot(words[0]);
    while (*key < m->n_keys && window_of[*key] / jitter < block)
        m->whole_of[(*key)++] = UINT32_MAX;
    uint32_t from = *key, number = m->n_wholes;
    unsigned next = 0;
    while (*key < m->n_keys && window_of[*key] / jitter == block)
        m->whole_of[(*key)++] = number;
    if (*key == from)
        return false;
    for (size_t i = 0; i < n; i++) {
        begin_labels(m->whole_begin, number, m->labels, &next, fl_word_label(words[i]), ends->n_whole);
        m->whole_list[ends->n_whole++] = fl_word_entry(words[i]);
        words[i] = fl_word_at(words[i], number);
    }
    begin_labels(m->whole_begin, number, m->labels, &next, m->labels - 1, ends->n_whole);
    m->key_from[number] = from;
    m->key_to[number] = *key;
    m->n_wholes++;
    return true;
}

static size_t same_slot(const uint64_t *words, size_t n)
{
    size_t i = 1;
    while (i < n && fl_word_slot(words[i]) == fl_word_slot(words[0]))
        i++;
    return i;
}

/* As many as n entries, whatever there was. */
static int enlarge(void *items, size_t n, size_t size)
{
    size_t room = 0;
    return fl_room(items, &room, n, size);
}

static int grow_keys(struct fl_meet *m, size_t keys)
{
    struct fl_meet_scratch *s = m->scratch;
    if (keys < s->room_keys)
        return 0;
    s->room_keys = 0;
    if (enlarge(&m->new_begin, keys * m->labels + 1, sizeof *m->new_begin) < 0 ||
        enlarge(&m->part_begin, keys * m->labels + 1, sizeof *m->part_begin) < 0 ||
        enlarge(&m->whole_of, keys + 1, sizeof *m->whole_of) < 0 ||
        enlarge(&s->window_of, keys + 1, sizeof *s->window_of) < 0)
        return FL_ENOMEM;
    s->room_keys = keys + keys / 2 + 16;
    return 0;
}

static int grow_wholes(struct fl_meet *m, size_t wholes)
{
    struct fl_meet_scratch *s = m->scratch;
    if (wholes < s->room_wholes)
        return 0;
    s->room_wholes = 0;
    if (enlarge(&m->whole_begin, wholes * m->labels + 1, sizeof *m->whole_begin) < 0 ||
        enlarge(&m->key_from, wholes + 1, sizeof *m->key_from) < 0 ||
        enlarge(&m->key_to, wholes + 1, sizeof *m->key_to) < 0)
        return FL_ENOMEM;
    s->room_wholes = wholes + wholes / 2 + 16;
    return 0;
}

static int grow_lists(struct fl_meet *m)
{
    struct fl_meet_scratch *s = m->scratch;
    if (s->words.n >= MOST_KEYS || s->wholes.n >= MOST_KEYS)
        return FL_ELIMIT;
    if (fl_room(&m->new_list, &s->room_lists[0], s->words.n, sizeof *m->new_list) < 0 ||
        fl_room(&m->part_list, &s->room_lists[1], s->words.n, sizeof *m->part_list) < 0 ||
        fl_room(&m->whole_list, &s->room_lists[2], s->wholes.n, sizeof *m->whole_list) < 0)
        return FL_ENOMEM;
    return 0;
}

/* Sort the words from `from` on and make keys of them; windows without a start go. */
static int make_keys(struct fl_meet *m, size_t from, struct list_ends *ends)
{
    struct fl_words *w = &m->scratch->words;
    size_t end = w->n;
    int rc = fl_words_sort(w, from, &m->scratch->spare);
    w->n = from;
    if (rc == 0)
        rc = grow_keys(m, m->n_keys + (end - from));
    for (size_t i = from, n; i < end && rc == 0; i += n) {
        n = same_slot(w->items + i, end - i);
        if (fl_word_part(w->items[i]))
            continue;
        m->scratch->window_of[m->n_keys] = fl_word_slot(w->items[i]);
        make_key(m, w->items + i, n, w->items + w->n, ends);
        w->n += n;
    }
    return rc;
}

static int make_wholes(struct fl_meet *m, size_t from, uint32_t key, uint32_t jitter, struct list_ends *ends)
{
    struct fl_words *w = &m->scratch->wholes;
    size_t end = w->n;
    int rc = fl_words_sort(w, from, &m->scratch->spare);
    w->n = from;
    if (rc == 0)
        rc = grow_wholes(m, m->n_wholes + (end - from));
    for (size_t i = from, n; i < end && rc == 0; i += n) {
        n = same_slot(w->items + i, end - i);
        if (make_whole(m, w->items + i, n, jitter, &key, ends)) {
            memmove(w->items + w->n, w->items + i, n * sizeof *w->items);
            w->n += n;
        }
    }
    while (rc == 0 && key < m->n_keys)
        m->whole_of[key++] = UINT32_MAX;
    return rc;
}

/* ---- 3. rows ---- */

/* From counts by row, one place on, to where each row begins. */
static void begin_rows(uint32_t *first, uint32_t n_rows)
{
    for (uint32_t row = 2; row <= n_rows; row++)
        first[row] += first[row - 1];
}

/* Counts are at row + 2 of arrays with two entries more than rows, so that dealing leaves the beginnings. */
static void deal_words(struct fl_meet *m)
{
    const struct fl_words *w = &m->scratch->words;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t row = fl_word_entry(w->items[i]) >> 1;
        (fl_word_part(w->items[i]) ? m->part_first : m->new_first)[row + 2]++;
    }
    begin_rows(m->new_first, m->n_rows + 1);
    begin_rows(m->part_first, m->n_rows + 1);
    for (size_t i = 0; i < w->n; i++) {
        uint64_t word = w->items[i];
        uint32_t entry = fl_word_entry(word), row = entry >> 1,
                 at = fl_word_slot(word) << 3 | fl_word_label(word) << 1 | (entry & 1);
        if (fl_word_part(word))
            m->part_at[m->part_first[row + 1]++] = at;
        else
            m->new_at[m->new_first[row + 1]++] = at;
    }
}

static void deal_wholes(struct fl_meet *m)
{
    const struct fl_words *w = &m->scratch->wholes;
    for (size_t i = 0; i < w->n; i++)
        m->whole_first[(fl_word_entry(w->items[i]) >> 1) + 2]++;
    begin_rows(m->whole_first, m->n_rows + 1);
    for (size_t i = 0; i < w->n; i++)
        m->whole_at[m->whole_first[(fl_word_entry(w->items[i]) >> 1) + 1]++] =
            fl_word_slot(w->items[i]) << 2 | fl_word_label(w->items[i]);
}

static int deal_rows(struct fl_meet *m)
{
    struct fl_meet_scratch *s = m->scratch;
    if (fl_room(&m->new_at, &s->room_lists[3], s->words.n, sizeof *m->new_at) < 0 ||
        fl_room(&m->part_at, &s->room_lists[4], s->words.n, sizeof *m->part_at) < 0 ||
        fl_room(&m->whole_at, &s->room_lists[5], s->wholes.n, sizeof *m->whole_at) < 0)
        return FL_ENOMEM;
    size_t bytes = ((size_t)m->n_rows + 2) * sizeof *m->new_first;
    memset(m->new_first, 0, bytes);
    memset(m->part_first, 0, bytes);
    memset(m->whole_first, 0, bytes);
    deal_words(m);
    deal_wholes(m);
    return 0;
}

static uint32_t other_host(const struct fl_node_key *key, uint32_t host)
{
    if (key->client == FL_HOST_ANY || key->server == FL_HOST_ANY)
        return FL_HOST_ANY;
    return key->client == host ? key->server : key->client;
}

static int grow_rows(struct fl_meet *m, size_t rows)
{
    struct fl_meet_scratch *s = m->scratch;
    if (rows >= MOST_ROWS)
        return FL_ELIMIT;
    if (rows < s->room_rows)
        return 0;
    s->room_rows = 0;
    if (enlarge(&m->node, rows + 1, sizeof *m->node) < 0 ||
        enlarge(&m->twin, rows + 1, sizeof *m->twin) < 0 ||
        enlarge(&m->other, rows + 1, sizeof *m->other) < 0 ||
        enlarge(&m->new_first, rows + 2, sizeof *m->new_first) < 0 ||
        enlarge(&m->part_first, rows + 2, sizeof *m->part_first) < 0 ||
        enlarge(&m->whole_first, rows + 2, sizeof *m->whole_first) < 0)
        return FL_ENOMEM;
    s->room_rows = rows + rows / 2 + 16;
    return 0;
}

/* Rows are the twins under a host, or all nodes of the bound family. */
static int name_rows(struct fl_meet *m, const struct fl_compared *c, const struct fl_nodes *nodes,
                     const uint32_t *seats, size_t n)
{
    bool named = m->family == FL_NAMED, any = c->n_twins > 0;
    m->first_node = named || !any ? 0 : c->twins[0].node;
    size_t rows = named ? n : any ? c->twins[c->n_twins - 1].node - m->first_node + 1 : 0;
    int rc = grow_rows(m, rows);
    m->n_rows = (uint32_t)rows;
    for (size_t i = 0; i < rows && rc == 0; i++) {
        m->node[i] = named ? c->twins[seats[i]].node : m->first_node + (uint32_t)i;
        m->twin[i] = named ? seats[i] : UINT32_MAX;
        m->other[i] = named ? other_host(&nodes->keys[m->node[i]], m->host) : FL_HOST_ANY;
    }
    return rc;
}

/* ---- all of it ---- */

static int start_over(struct fl_meet *m, const struct fl_compared *c, uint32_t host)
{
    m->family = c->now.lane->family;
    m->host = host;
    m->n_keys = m->n_wholes = 0;
    m->crowded = false;
    if (!m->scratch) {
        m->labels = c->before.lane ? FL_LABELS : 1;
        m->scratch = calloc(1, sizeof *m->scratch);
    }
    if (!m->scratch)
        return FL_ENOMEM;
    m->scratch->words.n = m->scratch->wholes.n = 0;
    if (m->labels > 1 && !m->scratch->marked) {
        m->scratch->marked = calloc(c->n_windows / 64 + 1, sizeof *m->scratch->marked);
        m->scratch->marked_block = calloc(c->n_windows / c->now.lane->time.jitter + 1, 1);
        m->scratch->slots = malloc((c->n_windows / c->now.lane->time.jitter + 1) * sizeof *m->scratch->slots);
        if (!m->scratch->marked || !m->scratch->marked_block || !m->scratch->slots)
            return FL_ENOMEM;
    }
    return 0;
}

int fl_meet_build(struct fl_meet *m, const struct fl_compared *c, const struct fl_seats *seats,
                  const struct fl_nodes *nodes, uint32_t host, uint32_t host_end, uint32_t crowd)
{
    struct list_ends ends = {0, 0, 0};
    int rc = start_over(m, c, host);
    if (rc == 0)
        rc = name_rows(m, c, nodes, seats->twin + seats->first[host],
                       seats->first[host_end] - seats->first[host]);
    for (; host < host_end && rc == 0; host++) {
        size_t words = m->scratch->words.n, wholes = m->scratch->wholes.n;
        uint32_t key = m->n_keys;
        rc = put_host(m, c, nodes, seats->twin + seats->first[host],
                      seats->first[host + 1] - seats->first[host], crowd);
        if (rc == 0)
            rc = grow_lists(m);
        if (rc == 0)
            rc = make_keys(m, words, &ends);
        if (rc == 0)
            rc = make_wholes(m, wholes, key, c->now.lane->time.jitter, &ends);
    }
    if (rc == 0)
        rc = grow_keys(m, m->n_keys);
    if (rc == 0)
        rc = grow_wholes(m, m->n_wholes);
    if (rc < 0)
        return rc;
    m->new_begin[(size_t)m->n_keys * m->labels] = ends.n_new;
    m->part_begin[(size_t)m->n_keys * m->labels] = ends.n_part;
    m->whole_begin[(size_t)m->n_wholes * m->labels] = ends.n_whole;
    return deal_rows(m);
}

static void clear_scratch(struct fl_meet_scratch *s)
{
    if (!s)
        return;
    fl_words_clear(&s->words);
    fl_words_clear(&s->wholes);
    fl_words_clear(&s->spare);
    free(s->window_of);
    free(s->marked);
    free(s->marked_block);
    free(s->slots);
    for (int kind = ASKING; kind <= GENERIC; kind++)
        free(s->full[kind]);
    free(s->present);
    free(s);
}

void fl_meet_clear(struct fl_meet *m)
{
    clear_scratch(m->scratch);
    free(m->node);
    free(m->twin);
    free(m->other);
    free(m->new_begin);
    free(m->part_begin);
    free(m->new_list);
    free(m->part_list);
    free(m->whole_of);
    free(m->whole_begin);
    free(m->whole_list);
    free(m->key_from);
    free(m->key_to);
    free(m->new_first);
    free(m->part_first);
    free(m->whole_first);
    free(m->new_at);
    free(m->part_at);
    free(m->whole_at);
    *m = (struct fl_meet){0};
}
