/* Meetings: activity turned around, from "when is a node active" to "who is active then".
 *
 * 1. Every cell of every row becomes a word: the cell's place, and where its windows are. Sorted (radix,
 * least significant digit first), the words of one cell stand together.
 * 2. Each cell that two rows have becomes a list. Pairs of a list are met one by one, so a cell in which very
 * many are active, few of them in the same window, is cut into parts where that leaves fewer pairs.
 * 3. The lists are dealt out by row.
 *
 * Example, rows x, y: x starts in windows 3 and 9, y starts in 3 and lasts until 4. Their cell is one list,
 * x {starts 3, 9}, y {starts 3, present 3, 4}; both bits of 3 meet. */
#include "mining/meet.h"

#include <stdlib.h>
#include <string.h>

#include "mining/room.h"
#include "mining/words.h"
#include "storage/error.h"

struct fl_meet_scratch {
    struct fl_words words, spare;
    struct fl_active *rows_cells;  /* what the words' lower halves mean */
    uint8_t *kind;                 /* by row */
    const struct fl_active **cell; /* of the cell in hand */
    struct fl_active *thinned;     /* its rows, where some windows of theirs are crowded */
    size_t room_rows_cells, room_cell, room_thinned, room_rows, room_active, room_lists, room_places;
};

/* ---- 1. cells of the rows ---- */

enum { ASKING, SERVED, GENERIC, KINDS };

static uint8_t kind_of(const struct fl_meet *m, const struct fl_node_key *key)
{
    if (m->family != FL_NAMED || key->client == FL_HOST_ANY || key->server == FL_HOST_ANY)
        return GENERIC;
    return key->client == m->host ? ASKING : SERVED;
}

static uint32_t other_host(const struct fl_node_key *key, uint32_t host)
{
    if (key->client == FL_HOST_ANY || key->server == FL_HOST_ANY)
        return FL_HOST_ANY;
    return key->client == host ? key->server : key->client;
}

/* As many as n entries, whatever there was. */
static int enlarge(void *items, size_t n, size_t size)
{
    size_t room = 0;
    return fl_room(items, &room, n, size);
}

static int grow_rows(struct fl_meet *m, size_t rows)
{
    struct fl_meet_scratch *s = m->scratch;
    if (rows >= UINT32_MAX)
        return FL_ELIMIT;
    if (rows < s->room_rows)
        return 0;
    s->room_rows = 0;
    if (enlarge(&m->node, rows + 1, sizeof *m->node) < 0 ||
        enlarge(&m->other, rows + 1, sizeof *m->other) < 0 ||
        enlarge(&m->in_parts, rows + 1, sizeof *m->in_parts) < 0 ||
        enlarge(&s->kind, rows + 1, sizeof *s->kind) < 0 ||
        enlarge(&m->first, rows + 2, sizeof *m->first) < 0)
        return FL_ENOMEM;
    s->room_rows = rows + rows / 2 + 16;
    return 0;
}

static int name_rows(struct fl_meet *m, const struct fl_nodes *nodes, const uint32_t *node, size_t n)
{
    int rc = grow_rows(m, n);
    m->n_rows = (uint32_t)n;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct fl_node_key *key = &nodes->keys[node[i]];
        m->node[i] = node[i];
        m->other[i] = m->family == FL_NAMED ? other_host(key, m->host) : FL_HOST_ANY;
        m->in_parts[i] = 0;
        m->scratch->kind[i] = kind_of(m, key);
    }
    return rc;
}

static int put_cells(struct fl_meet *m, const struct fl_lane *lane)
{
    struct fl_meet_scratch *s = m->scratch;
    size_t n = 0;
    for (uint32_t row = 0; row < m->n_rows; row++)
        n += lane->first_cell[m->node[row] + 1] - lane->first_cell[m->node[row]];
    if (n > UINT32_MAX)
        return FL_ELIMIT;
    if (fl_words_reserve(&s->words, n) < 0 ||
        fl_room(&s->rows_cells, &s->room_rows_cells, n, sizeof *s->rows_cells) < 0)
        return FL_ENOMEM;
    n = 0;
    for (uint32_t row = 0; row < m->n_rows; row++)
        for (size_t i = lane->first_cell[m->node[row]]; i < lane->first_cell[m->node[row] + 1]; i++) {
            const struct fl_cell *c = &lane->cells[i];
            s->rows_cells[n] = (struct fl_active){c->starts, c->present, row, c->n_new, c->n_present};
            s->words.items[n] = (uint64_t)c->at << 32 | n;
            n++;
        }
    s->words.n = n;
    return fl_words_sort(&s->words, &s->spare);
}

/* ---- 2. lists ---- */

static void count_windows(const struct fl_active *const *cell, size_t n, bool of_starts, uint32_t out[64])
{
    memset(out, 0, 64 * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (uint64_t bits = of_starts ? cell[i]->starts : cell[i]->present; bits; bits &= bits - 1)
            out[__builtin_ctzll(bits)]++;
}

/* Bits of the windows in which more than `crowd` rows of a kind are present. */
static uint64_t crowded_windows(const struct fl_meet *m, size_t n, int kind, uint32_t crowd)
{
    const struct fl_meet_scratch *s = m->scratch;
    uint32_t together[64] = {0};
    uint64_t full = 0;
    for (size_t i = 0; i < n; i++)
        for (uint64_t bits = s->kind[s->cell[i]->row] == kind ? s->cell[i]->present : 0; bits;
             bits &= bits - 1)
            together[__builtin_ctzll(bits)]++;
    for (int w = 0; w < 64; w++)
        full |= (uint64_t)(together[w] > crowd) << w;
    return full;
}

/* Take crowded windows out of the cell in hand. */
static int thin_out(struct fl_meet *m, size_t n, uint32_t crowd)
{
    struct fl_meet_scratch *s = m->scratch;
    uint64_t full[KINDS], any = 0;
    for (int kind = ASKING; kind < KINDS; kind++)
        any |= full[kind] = crowded_windows(m, n, kind, crowd);
    if (!any)
        return 0;
    if (fl_room(&s->thinned, &s->room_thinned, n, sizeof *s->thinned) < 0)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        s->thinned[i] = *s->cell[i];
        s->thinned[i].starts &= ~full[s->kind[s->cell[i]->row]];
        s->thinned[i].present &= ~full[s->kind[s->cell[i]->row]];
        s->cell[i] = &s->thinned[i];
    }
    m->crowded = true;
    return 0;
}

/* Windows are cut from one another in parts of 64 (all of a cell), 8 or 1. */
enum { WHOLE = 64, FEW = 64, A_PLACE = 16 /* pairs that take as long as one more place in a list */ };

static inline uint64_t pairs_of(uint64_t starters, uint64_t all)
{
    return starters * (all - starters) + starters * (starters - (starters > 0)) / 2 + A_PLACE * all;
}

static uint64_t pairs_in_parts(const struct fl_active *const *cell, size_t n, unsigned width)
{
    uint64_t pairs = 0;
    for (unsigned from = 0; from < 64; from += width) {
        uint64_t mask = (width == WHOLE ? UINT64_MAX : (UINT64_C(1) << width) - 1) << from, starters = 0,
                 all = 0;
        for (size_t i = 0; i < n; i++) {
            starters += (cell[i]->starts & mask) != 0;
            all += (cell[i]->present & mask) != 0;
        }
        pairs += pairs_of(starters, all);
    }
    return pairs;
}

static uint64_t pairs_in_windows(const struct fl_active *const *cell, size_t n)
{
    uint32_t starters[64], all[64];
    uint64_t pairs = 0;
    count_windows(cell, n, true, starters);
    count_windows(cell, n, false, all);
    for (int w = 0; w < 64; w++)
        pairs += pairs_of(starters[w], all[w]);
    return pairs;
}

static unsigned choose_width(const struct fl_active *const *cell, size_t n)
{
    if (n <= FEW)
        return WHOLE;
    uint64_t whole = pairs_in_parts(cell, n, WHOLE), eighth = pairs_in_parts(cell, n, 8),
             window = pairs_in_windows(cell, n);
    return window < whole && window < eighth ? 1 : eighth < whole ? 8 : WHOLE;
}

/* A row that only stays all through a cell would be in each of its parts. */
static bool stays(const struct fl_active *a, uint64_t all)
{
    return a->starts == 0 && a->present == all;
}

/* A list of the windows in `mask`. With `staying`, of those that start, and of those that stay throughout;
 * otherwise the latter are in no list unless `all` is 0. */
static int put_list(struct fl_meet *m, size_t n, uint64_t mask, uint64_t all, bool staying)
{
    struct fl_meet_scratch *s = m->scratch;
    if (fl_room(&m->active, &s->room_active, m->n_active + n, sizeof *m->active) < 0 ||
        fl_room(&m->lists, &s->room_lists, m->n_lists + 1, sizeof *m->lists) < 0)
        return FL_ENOMEM;
    struct fl_active *to = m->active + m->n_active, *at = to, *others;
    for (size_t i = 0; i < n; i++)
        if (s->cell[i]->starts & mask) {
            *at = *s->cell[i];
            at->starts &= mask;
            at++->present &= mask;
        }
    others = at;
    for (size_t i = 0; i < n && others > to; i++)
        if (!(s->cell[i]->starts & mask) && s->cell[i]->present & mask &&
            (!all || stays(s->cell[i], all) == staying)) {
            *at = *s->cell[i];
            at->starts = 0;
            at++->present &= mask;
        }
    if (others == to || at - to < 2 || (staying && at == others))
        return 0;
    if ((size_t)m->n_active + n > UINT32_MAX)
        return FL_ELIMIT;
    m->lists[m->n_lists++] = (struct fl_list){m->n_active, m->n_active + (uint32_t)(others - to),
                                              m->n_active + (uint32_t)(at - to), staying};
    m->n_active += (uint32_t)(at - to);
    return 0;
}

static int put_parts(struct fl_meet *m, size_t n, unsigned width)
{
    uint64_t all = 0;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        all |= m->scratch->cell[i]->present;
        m->in_parts[m->scratch->cell[i]->row] = 1;
    }
    for (unsigned from = 0; from < 64 && rc == 0; from += width)
        rc = put_list(m, n, ((UINT64_C(1) << width) - 1) << from, all, false);
    return rc == 0 ? put_list(m, n, UINT64_MAX, all, true) : rc;
}

static int put_cell(struct fl_meet *m, const uint64_t *words, size_t n, uint32_t crowd)
{
    struct fl_meet_scratch *s = m->scratch;
    if (fl_room(&s->cell, &s->room_cell, n, sizeof *s->cell) < 0)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++)
        s->cell[i] = &s->rows_cells[(uint32_t)words[i]];
    int rc = n > crowd ? thin_out(m, n, crowd) : 0;
    unsigned width = rc == 0 ? choose_width(s->cell, n) : WHOLE;
    if (rc < 0)
        return rc;
    return width == WHOLE ? put_list(m, n, UINT64_MAX, 0, false) : put_parts(m, n, width);
}

static int put_lists(struct fl_meet *m, uint32_t crowd)
{
    const struct fl_words *w = &m->scratch->words;
    int rc = 0;
    for (size_t i = 0, n; i < w->n && rc == 0; i += n) {
        for (n = 1; i + n < w->n && w->items[i + n] >> 32 == w->items[i] >> 32;)
            n++;
        if (n > 1)
            rc = put_cell(m, w->items + i, n, crowd);
    }
    return rc;
}

/* ---- 3. rows ---- */

/* Counts are at row + 2 of an array with two entries more than rows, so that dealing leaves the beginnings.
 */
static int deal_rows(struct fl_meet *m)
{
    struct fl_meet_scratch *s = m->scratch;
    if (fl_room(&m->places, &s->room_places, m->n_active, sizeof *m->places) < 0)
        return FL_ENOMEM;
    memset(m->first, 0, ((size_t)m->n_rows + 2) * sizeof *m->first);
    for (uint32_t i = 0; i < m->n_active; i++)
        m->first[m->active[i].row + 2]++;
    for (uint32_t row = 2; row <= m->n_rows + 1; row++)
        m->first[row] += m->first[row - 1];
    for (uint32_t list = 0; list < m->n_lists; list++)
        for (uint32_t i = m->lists[list].starters; i < m->lists[list].end; i++)
            m->places[m->first[m->active[i].row + 1]++] = (struct fl_place){i, list};
    return 0;
}

/* ---- all of it ---- */

int fl_meet_build(struct fl_meet *m, const struct fl_lane *lane, const struct fl_nodes *nodes, uint32_t host,
                  const uint32_t *node, size_t n, uint32_t crowd)
{
    m->family = lane->family;
    m->host = host;
    m->n_active = m->n_lists = 0;
    m->crowded = false;
    if (!m->scratch)
        m->scratch = calloc(1, sizeof *m->scratch);
    int rc = m->scratch ? name_rows(m, nodes, node, n) : FL_ENOMEM;
    if (rc == 0)
        rc = put_cells(m, lane);
    if (rc == 0)
        rc = put_lists(m, crowd);
    return rc == 0 ? deal_rows(m) : rc;
}

static void clear_scratch(struct fl_meet_scratch *s)
{
    if (!s)
        return;
    fl_words_clear(&s->words);
    fl_words_clear(&s->spare);
    free(s->rows_cells);
    free(s->kind);
    free(s->cell);
    free(s->thinned);
    free(s);
}

void fl_meet_clear(struct fl_meet *m)
{
    clear_scratch(m->scratch);
    free(m->node);
    free(m->other);
    free(m->active);
    free(m->lists);
    free(m->first);
    free(m->places);
    free(m->in_parts);
    *m = (struct fl_meet){0};
}
