/* Lanes: lays a family's activity out by node.
 *
 * 1. Conversations are placed on the time line of cells, once for all nodes that they belong to.
 * 2. A node's conversations, by binding host, set the bits of its cells. Those of one host mostly are one
 * stretch of all conversations; where a host has several, they are dealt out.
 * 3. Blocks of the bound families are numbered over all hosts, host by host, so that a dense array can be
 * indexed by them.
 *
 * Example, jitter 60: conversations in windows 3 to 4 and 59 to 61 make two cells, at 0 with starts 3 and 59
 * and present 3, 4 and 59, and at 1 with no start and present 0 and 1. */
#include "mining/lane.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "mining/parallel.h"
#include "mining/radix.h"
#include "mining/room.h"
#include "storage/error.h"

uint32_t fl_bind_of(enum fl_family family, const struct fl_conversation *c)
{
    return family == FL_BOUND_CLIENT ? c->client : family == FL_BOUND_SERVER ? c->server : 0;
}

/* ---- 1. conversations on the time line ---- */

struct spell { /* from one bit to another, in cells of one host: slot * words + word */
    uint32_t first_at, last_at;
    uint8_t first_bit, last_bit;
    bool begins; /* a stretch of conversations between the same hosts and ports, which stand by start */
};

static uint32_t words_of(const struct fl_timeline *time)
{
    return (time->jitter + 63) / 64;
}

static void place_window(const struct fl_timeline *time, uint32_t words, uint32_t window, uint32_t *at,
                         uint8_t *bit)
{
    uint32_t slot = window / time->jitter, in_block = window - slot * time->jitter;
    *at = slot * words + in_block / 64;
    *bit = in_block % 64;
}

static struct spell spell_of(const struct fl_timeline *time, const struct fl_conversation *c)
{
    struct spell s = {.begins = false};
    uint32_t words = words_of(time), first = fl_window_of(time, c->start_ms),
             last = c->end_ms < fl_window_start_ms(time, first + 1) ? first : fl_window_of(time, c->end_ms);
    place_window(time, words, first, &s.first_at, &s.first_bit);
    s.last_at = s.first_at;
    s.last_bit = s.first_bit;
    if (last != first)
        place_window(time, words, last, &s.last_at, &s.last_bit);
    return s;
}

static bool begins_stretch(const struct fl_talk *talk, size_t i)
{
    return i == 0 || !fl_conversation_same_kind(&talk->items[i - 1], &talk->items[i]);
}

/* ---- memory ---- */

/* What all lanes share while they are built. */
struct lanes_build {
    struct fl_lane *lanes;
    const struct fl_lanes_request *request;
    struct spell *spells; /* by conversation, and one more that begins what is not there */
    uint32_t parts, threads;
    bool one_family;            /* FL_BOUND_CLIENT; the others are empty */
    atomic_uint_fast64_t bytes; /* taken, or spoken for */
    atomic_bool stopped;
};

/* What a cell takes here and when it is counted, beside those of others: measured, with room. Each thread
 * that counts has two numbers for a block. */
enum { BYTES_A_CELL = 96, BYTES_A_BLOCK = 2 * sizeof(uint32_t), CELLS_AT_ONCE = 1024 };

/* Speak for so many bytes, from a part of the work. FL_ELIMIT, FL_ESTOP. */
static int take(struct lanes_build *all, uint32_t part, uint64_t bytes)
{
    uint64_t most = all->request->memory_bytes;
    if (part == 0 && fl_stop_ask(all->request->stop, 0) < 0)
        atomic_store(&all->stopped, true);
    if (atomic_load(&all->stopped))
        return FL_ESTOP;
    return atomic_fetch_add(&all->bytes, bytes) + bytes > most && most ? FL_ELIMIT : 0;
}

/* ---- 2. cells ---- */

/* Where no node has a client of its own, the only pairs are those that bind it (fl_pair_allowed). */
static bool all_bind_client(const struct fl_nodes *nodes)
{
    for (size_t i = 0; i < nodes->n; i++)
        if (nodes->keys[i].client != FL_HOST_ANY)
            return false;
    return true;
}

static bool belongs(const struct lanes_build *all, enum fl_family family, const struct fl_node_key *key)
{
    if (all->one_family && family != FL_BOUND_CLIENT)
        return false;
    return family == FL_NAMED || (family == FL_BOUND_CLIENT ? key->client : key->server) == FL_HOST_ANY;
}

struct track { /* the cells of a node at one binding host */
    uint32_t bind;
    size_t from, to;
};

struct build {
    struct lanes_build *all;
    uint32_t part;
    struct fl_lane *lane;
    const struct fl_nodes *nodes;
    size_t n_cells, room_cells;
    size_t most_cells;    /* that were spoken for */
    struct track *tracks; /* bound families */
    size_t n_tracks, room_tracks;

    /* Of the node in hand: its stretches, or its conversations by binding host, and these hosts; by host: the
     * last node + 1 seen there, and where its conversations go. */
    uint32_t *list, *binds;
    size_t room_list, room_binds;
    uint32_t *seen_by, *next;
};

/* The windows that one cell can have: the last of a block has the rest. */
static uint64_t all_windows(const struct fl_lane *lane, uint32_t at)
{
    uint32_t before = at % lane->words * 64, left = lane->time.jitter - before;
    return left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
}

/* The cell of a track, whose last one is at `at` or before it, or which is present from there to its last.
 */
static struct fl_cell *cell_at(struct build *b, size_t track_from, uint32_t at)
{
    struct fl_cell *cells = b->lane->cells;
    if (b->n_cells > track_from && cells[b->n_cells - 1].at >= at)
        return &cells[b->n_cells - 1 - (cells[b->n_cells - 1].at - at)];
    cells[b->n_cells] = (struct fl_cell){.at = at};
    return &cells[b->n_cells++];
}

/* Room for the cells that a spell adds to a track. */
static int make_room(struct build *b, size_t track_from, const struct spell *s)
{
    uint32_t from = s->first_at;
    if (b->n_cells > track_from && b->lane->cells[b->n_cells - 1].at >= from)
        from = b->lane->cells[b->n_cells - 1].at + 1;
    size_t n = s->last_at >= from ? s->last_at - from + 1 : 0;
    if (b->n_cells + n <= b->most_cells)
        return 0;
    size_t most = b->n_cells + n + CELLS_AT_ONCE;
    int rc = most > UINT32_MAX ? FL_ELIMIT : take(b->all, b->part, (most - b->most_cells) * BYTES_A_CELL);
    b->most_cells = most;
    return rc == 0 ? fl_room(&b->lane->cells, &b->room_cells, most, sizeof *b->lane->cells) : rc;
}

/* Spells by start. Cells before *covered_at and from the spell's first on are present already. */
static int add_anywhere(struct build *b, size_t track_from, const struct spell *s, uint32_t *covered_at)
{
    int rc = make_room(b, track_from, s);
    if (rc < 0)
        return rc;
    cell_at(b, track_from, s->first_at)->starts |= UINT64_C(1) << s->first_bit;
    for (uint32_t at = s->first_at > *covered_at ? s->first_at : *covered_at; at <= s->last_at; at++) {
        uint64_t from = at == s->first_at ? UINT64_MAX << s->first_bit : UINT64_MAX,
                 to = at == s->last_at ? UINT64_MAX >> (63 - s->last_bit) : UINT64_MAX;
        cell_at(b, track_from, at)->present |= from & to & all_windows(b->lane, at);
    }
    if (s->last_at > *covered_at)
        *covered_at = s->last_at;
    return 0;
}

/* Most are within one cell, the last of the track. */
static inline int add_spell(struct build *b, size_t track_from, const struct spell *s, uint32_t *covered_at)
{
    if (b->n_cells == track_from || s->first_at != s->last_at ||
        b->lane->cells[b->n_cells - 1].at != s->first_at)
        return add_anywhere(b, track_from, s, covered_at);
    struct fl_cell *cell = &b->lane->cells[b->n_cells - 1];
    cell->starts |= UINT64_C(1) << s->first_bit;
    cell->present |= UINT64_MAX << s->first_bit & UINT64_MAX >> (63 - s->last_bit);
    return 0;
}

static void sum_up(struct fl_lane *lane, uint32_t node, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct fl_cell *cell = &lane->cells[i];
        cell->n_new = (uint8_t)__builtin_popcountll(cell->starts);
        cell->n_present = (uint8_t)__builtin_popcountll(cell->present);
        lane->n_new[node] += cell->n_new;
        lane->n_present[node] += cell->n_present;
    }
}

enum { AHEAD = 12 }; /* fetched while those before are worked on: they lie anywhere */

static const struct spell *spell_at(const struct build *b, const uint32_t *conversations, size_t i,
                                    size_t end)
{
    if (i + AHEAD < end)
        __builtin_prefetch(&b->all->spells[conversations[i + AHEAD]]);
    return &b->all->spells[conversations[i]];
}

/* Cells of n conversations, by start. */
static int add_all(struct build *b, uint32_t node, const uint32_t *conversations, size_t n)
{
    size_t from = b->n_cells;
    uint32_t covered_at = 0;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_spell(b, from, spell_at(b, conversations, i, n), &covered_at);
    sum_up(b->lane, node, from, b->n_cells);
    return rc;
}

/* Likewise of a stretch. */
static int add_stretch(struct build *b, uint32_t node, uint32_t first)
{
    const struct spell *s = &b->all->spells[first];
    size_t from = b->n_cells;
    uint32_t covered_at = 0;
    int rc = 0;
    do
        rc = add_spell(b, from, s++, &covered_at);
    while (rc == 0 && !s->begins);
    sum_up(b->lane, node, from, b->n_cells);
    return rc;
}

static int end_track(struct build *b, uint32_t bind, size_t cells_from)
{
    if (fl_room(&b->tracks, &b->room_tracks, b->n_tracks + 1, sizeof *b->tracks) < 0)
        return FL_ENOMEM;
    b->tracks[b->n_tracks++] = (struct track){bind, cells_from, b->n_cells};
    return 0;
}

static uint32_t bind_at(const struct build *b, uint32_t conversation)
{
    return fl_bind_of(b->lane->family, &b->all->request->talk->items[conversation]);
}

static int make_room_to_deal(struct build *b, size_t n)
{
    int rc = n > b->room_list ? take(b->all, b->part, (n - b->room_list) * 2 * sizeof *b->list) : 0;
    if (rc < 0)
        return rc;
    return fl_room(&b->list, &b->room_list, n, sizeof *b->list) == 0 &&
                   fl_room(&b->binds, &b->room_binds, n, sizeof *b->binds) == 0
               ? 0
               : FL_ENOMEM;
}

/* The stretches that a node's conversations are, as their first in b->list, by its start: a node has all of a
 * stretch or none. Returns how many; 0 where two have the same binding host. */
static size_t find_stretches(struct build *b, uint32_t node)
{
    const struct fl_nodes *nodes = b->nodes;
    size_t n = 0;
    bool alone = true;
    for (size_t i = nodes->first[node]; i < nodes->first[node + 1] && alone; i++) {
        uint32_t c = nodes->conversations[i];
        if (!b->all->spells[c].begins)
            continue;
        uint32_t *seen_by = &b->seen_by[bind_at(b, c)];
        alone = *seen_by != node + 1;
        *seen_by = node + 1;
        b->list[n++] = c;
    }
    for (size_t i = 0; i < n && !alone; i++)
        b->seen_by[bind_at(b, b->list[i])] = 0;
    return alone ? n : 0;
}

/* Deal a node's conversations out to its binding hosts, in the order in which these come first. Returns how
 * many hosts there are; afterwards next[host] is where the host's conversations end in b->list. */
static size_t deal_out(struct build *b, uint32_t node)
{
    const uint32_t *own = b->nodes->conversations + b->nodes->first[node];
    size_t n = b->nodes->first[node + 1] - b->nodes->first[node], n_binds = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bind = bind_at(b, own[i]);
        if (b->seen_by[bind] != node + 1) {
            b->seen_by[bind] = node + 1;
            b->next[bind] = 0;
            b->binds[n_binds++] = bind;
        }
        b->next[bind]++;
    }
    for (size_t i = 0, sum = 0; i < n_binds; i++) {
        uint32_t count = b->next[b->binds[i]];
        b->next[b->binds[i]] = (uint32_t)sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        b->list[b->next[bind_at(b, own[i])]++] = own[i];
    return n_binds;
}

static int add_dealt(struct build *b, uint32_t node)
{
    size_t n_binds = deal_out(b, node);
    uint32_t from = 0;
    int rc = 0;
    for (size_t i = 0; i < n_binds && rc == 0; i++) {
        uint32_t to = b->next[b->binds[i]];
        size_t cells_from = b->n_cells;
        rc = add_all(b, node, b->list + from, to - from);
        if (rc == 0)
            rc = end_track(b, b->binds[i], cells_from);
        from = to;
    }
    return rc;
}

static int add_bound(struct build *b, uint32_t node)
{
    int rc = make_room_to_deal(b, b->nodes->first[node + 1] - b->nodes->first[node]);
    if (rc < 0)
        return rc;
    size_t n = find_stretches(b, node);
    if (n == 0)
        return add_dealt(b, node);
    for (size_t i = 0; i < n && rc == 0; i++) {
        size_t cells_from = b->n_cells;
        rc = add_stretch(b, node, b->list[i]);
        if (rc == 0)
            rc = end_track(b, bind_at(b, b->list[i]), cells_from);
    }
    return rc;
}

static int add_named(struct build *b, uint32_t node)
{
    size_t first = b->nodes->first[node];
    return add_all(b, node, b->nodes->conversations + first, b->nodes->first[node + 1] - first);
}

/* Give back what was allocated beyond. */
static void *trim(void *items, size_t n, size_t size)
{
    void *trimmed = realloc(items, (n + 1) * size);
    return trimmed ? trimmed : items;
}

static int start_lane(struct build *b)
{
    struct fl_lane *lane = b->lane;
    size_t hosts = b->all->request->talk->n_hosts + 1, nodes = lane->n_nodes + 1;
    int rc = take(b->all, b->part,
                  hosts * (sizeof *b->seen_by + sizeof *b->next) +
                      nodes * (sizeof *lane->first_cell + sizeof *lane->n_new + sizeof *lane->n_present));
    if (rc < 0)
        return rc;
    lane->first_cell = calloc(nodes, sizeof *lane->first_cell);
    lane->n_new = calloc(nodes, sizeof *lane->n_new);
    lane->n_present = calloc(nodes, sizeof *lane->n_present);
    b->seen_by = calloc(hosts, sizeof *b->seen_by);
    b->next = malloc(hosts * sizeof *b->next);
    return lane->first_cell && lane->n_new && lane->n_present && b->seen_by && b->next ? 0 : FL_ENOMEM;
}

static int build_cells(struct build *b)
{
    struct fl_lane *lane = b->lane;
    int rc = start_lane(b);
    for (uint32_t node = 0; node < lane->n_nodes && rc == 0; node++) {
        if (belongs(b->all, lane->family, &b->nodes->keys[node]))
            rc = lane->family == FL_NAMED ? add_named(b, node) : add_bound(b, node);
        lane->first_cell[node + 1] = b->n_cells;
    }
    lane->cells = trim(lane->cells, b->n_cells, sizeof *lane->cells);
    return rc;
}

/* ---- 3. numbers of blocks ---- */

/* Replace the slots of a track by blocks; `block_of` holds, for each slot, host + 1 and the block given. */
static void number_track(struct fl_lane *lane, const struct track *t, uint64_t *block_of)
{
    for (size_t i = t->from; i < t->to; i++) {
        uint32_t slot = lane->cells[i].at / lane->words;
        if (block_of[slot] >> 32 != (uint64_t)t->bind + 1) {
            block_of[slot] = ((uint64_t)t->bind + 1) << 32 | lane->n_blocks;
            lane->block_slot[lane->n_blocks++] = slot;
        }
        lane->cells[i].at = (uint32_t)block_of[slot] * lane->words + lane->cells[i].at % lane->words;
    }
}

/* Returns how many binding hosts there are. */
static int64_t number_tracks(struct build *b, uint32_t slots)
{
    struct fl_lane *lane = b->lane;
    struct fl_entries by_bind = {0};
    uint64_t *block_of = calloc(slots, sizeof *block_of);
    int64_t binds = 0;
    lane->block_slot = malloc((b->n_cells + 1) * sizeof *lane->block_slot);
    int rc = block_of && lane->block_slot ? 0 : FL_ENOMEM;
    for (size_t i = 0; i < b->n_tracks && rc == 0; i++)
        rc = fl_entries_add(&by_bind, b->tracks[i].bind, (uint32_t)i);
    if (rc == 0)
        rc = fl_entries_sort(&by_bind);
    for (size_t i = 0; i < by_bind.n && rc == 0; i++) {
        binds += i == 0 || by_bind.items[i].key != by_bind.items[i - 1].key;
        number_track(lane, &b->tracks[by_bind.items[i].value], block_of);
    }
    lane->block_slot = trim(lane->block_slot, lane->n_blocks, sizeof *lane->block_slot);
    fl_entries_clear(&by_bind);
    free(block_of);
    return rc == 0 ? binds : rc;
}

static int number_blocks(struct build *b)
{
    struct fl_lane *lane = b->lane;
    const struct fl_timeline *time = &lane->time;
    uint32_t slots = fl_window_of(time, time->to_ms) / time->jitter + 1;
    int64_t binds = 1;
    if (lane->family == FL_NAMED)
        lane->n_blocks = slots;
    else
        binds = number_tracks(b, slots);
    if (binds < 0)
        return (int)binds;
    lane->n_total = time->n_windows * (uint64_t)binds;
    if ((uint64_t)lane->n_blocks * lane->words > UINT32_MAX) /* NAMED: see fl_timeline_init */
        return FL_ELIMIT;
    return take(b->all, b->part, (uint64_t)lane->n_blocks * BYTES_A_BLOCK * b->all->threads);
}

/* ---- all of it ---- */

static int place_part(void *ctx, uint32_t part)
{
    const struct lanes_build *b = ctx;
    const struct fl_talk *talk = b->request->talk;
    for (size_t i = talk->n * part / b->parts; i < talk->n * (part + 1) / b->parts; i++) {
        b->spells[i] = spell_of(b->request->time, &talk->items[i]);
        b->spells[i].begins = begins_stretch(talk, i);
    }
    return 0;
}

static int build_lane(struct lanes_build *all, enum fl_family family, uint32_t part)
{
    struct fl_lane *lane = &all->lanes[family];
    const struct fl_lanes_request *r = all->request;
    struct build b = {.all = all, .part = part, .lane = lane, .nodes = r->nodes};
    *lane = (struct fl_lane){
        .family = family, .time = *r->time, .words = words_of(r->time), .n_nodes = r->nodes->n};
    int rc = build_cells(&b);
    if (rc == 0)
        rc = number_blocks(&b);
    free(b.tracks);
    free(b.list);
    free(b.binds);
    free(b.seen_by);
    free(b.next);
    return rc;
}

/* The first part does NAMED, which is more than half of the work, the others what is left; or the only one.
 */
static int build_part(void *ctx, uint32_t part)
{
    struct lanes_build *b = ctx;
    int rc = 0;
    for (uint32_t family = FL_NAMED; family <= FL_BOUND_SERVER && rc == 0; family++)
        if ((b->one_family ? 0 : family < b->parts ? family : b->parts - 1) == part)
            rc = build_lane(b, (enum fl_family)family, part);
    return rc;
}

int fl_lanes_build(struct fl_lane lanes[3], const struct fl_lanes_request *r)
{
    uint32_t threads = fl_parallel_threads(r->threads);
    struct lanes_build b = {.lanes = lanes,
                            .request = r,
                            .parts = threads < 3 ? threads : 3,
                            .threads = threads,
                            .one_family = all_bind_client(r->nodes)};
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        lanes[family] = (struct fl_lane){0};
    int rc = take(&b, 0, (r->talk->n + 1) * sizeof *b.spells);
    if (rc == 0)
        b.spells = malloc((r->talk->n + 1) * sizeof *b.spells);
    if (rc == 0)
        rc = b.spells ? fl_parallel(b.parts, place_part, &b) : FL_ENOMEM;
    if (rc == 0) {
        b.spells[r->talk->n] = (struct spell){.begins = true};
        rc = fl_parallel(b.parts, build_part, &b);
    }
    free(b.spells);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER && rc < 0; family++)
        fl_lane_clear(&lanes[family]);
    return rc;
}

void fl_lane_clear(struct fl_lane *lane)
{
    free(lane->cells);
    free(lane->first_cell);
    free(lane->block_slot);
    free(lane->n_new);
    free(lane->n_present);
    *lane = (struct fl_lane){0};
}
