/* Lanes: lays a family's activity out by node.
 *
 * 1. A node's conversations, by binding host and start, make a track each: windows of starts, runs of windows
 * of presence, and both counted by block.
 * 2. Blocks of the bound families are numbered over all hosts, host by host, so that a dense array can be
 * indexed by them. */
#include "mining/lane.h"

#include <stdlib.h>

#include "mining/parallel.h"
#include "mining/radix.h"
#include "mining/room.h"
#include "storage/error.h"

uint32_t fl_bind_of(enum fl_family family, const struct fl_conversation *c)
{
    return family == FL_BOUND_CLIENT ? c->client : family == FL_BOUND_SERVER ? c->server : 0;
}

struct spell {            /* what lanes need of a conversation */
    uint32_t first, last; /* windows */
    uint32_t client, server;
};

static uint32_t bind_of(enum fl_family family, const struct spell *s)
{
    return family == FL_BOUND_CLIENT ? s->client : family == FL_BOUND_SERVER ? s->server : 0;
}

uint32_t fl_block_windows(const struct fl_lane *lane, uint32_t id)
{
    const struct fl_timeline *t = &lane->time;
    uint32_t first = fl_block_slot(lane, id) * t->jitter, last = first + t->jitter - 1;
    uint32_t span_first = fl_window_of(t, t->from_ms), span_last = fl_window_of(t, t->to_ms);
    first = first > span_first ? first : span_first;
    last = last < span_last ? last : span_last;
    return last - first + 1;
}

size_t fl_block_at(const struct fl_lane *lane, const struct fl_track *t, uint32_t slot)
{
    size_t low = t->block_from, high = t->block_to;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fl_block_slot(lane, lane->blocks[middle].id) < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->block_to && fl_block_slot(lane, lane->blocks[low].id) == slot ? low : t->block_to;
}

const struct fl_run_of_windows *fl_run_at(const struct fl_lane *lane, const struct fl_track *t,
                                          uint32_t window)
{
    size_t low = t->run_from, high = t->run_to;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lane->runs[middle].last < window)
            low = middle + 1;
        else
            high = middle;
    }
    return lane->runs + low;
}

static bool belongs(enum fl_family family, const struct fl_node_key *key)
{
    return family == FL_NAMED || (family == FL_BOUND_CLIENT ? key->client : key->server) == FL_HOST_ANY;
}

/* ---- 1. tracks ---- */

struct build {
    struct fl_lane *lane;
    const struct fl_nodes *nodes;
    const struct spell *spells;
    size_t n_windows, n_runs, n_blocks, room_blocks, room_tracks;
    struct fl_entries starts; /* of a node: key bind << 32 | first window, value last window */
};

/* The entry of a block at the end of the track under construction. */
static struct fl_block *block_at(struct build *b, size_t track_from, uint32_t id, size_t starts)
{
    struct fl_lane *lane = b->lane;
    if (b->n_blocks > track_from && lane->blocks[b->n_blocks - 1].id == id)
        return &lane->blocks[b->n_blocks - 1];
    if (fl_room(&lane->blocks, &b->room_blocks, b->n_blocks + 1, sizeof *lane->blocks) < 0)
        return NULL;
    lane->blocks[b->n_blocks] = (struct fl_block){.id = id, .starts = (uint32_t)starts};
    return &lane->blocks[b->n_blocks++];
}

static int add_blocks(struct build *b, struct fl_track *t)
{
    const struct fl_lane *lane = b->lane;
    uint32_t jitter = lane->time.jitter;
    size_t i = t->new_from;
    t->block_from = b->n_blocks;
    for (size_t r = t->run_from; r < t->run_to; r++) {
        uint32_t from = lane->runs[r].first, last = lane->runs[r].last;
        for (uint32_t id = from / jitter; from <= last; id++) {
            uint32_t to = last - from < jitter - 1 - from % jitter ? last : id * jitter + jitter - 1;
            struct fl_block *block = block_at(b, t->block_from, id, i - t->new_from);
            if (!block)
                return FL_ENOMEM;
            block->n_present += to - from + 1;
            for (; i < t->new_to && lane->windows[i] <= to; i++)
                block->n_new++;
            from = to + 1;
        }
    }
    t->block_to = b->n_blocks;
    return 0;
}

/* Add the conversations [0, n) of one binding host as a track. */
static int add_track(struct build *b, uint32_t node, const struct fl_entry *starts, size_t n)
{
    struct fl_lane *lane = b->lane;
    if (fl_room(&lane->tracks, &b->room_tracks, lane->n_tracks + 1, sizeof *lane->tracks) < 0)
        return FL_ENOMEM;
    struct fl_track *t = &lane->tracks[lane->n_tracks++];
    *t = (struct fl_track){.node = node,
                           .bind = (uint32_t)(starts[0].key >> 32),
                           .new_from = b->n_windows,
                           .run_from = b->n_runs};
    for (size_t i = 0; i < n; i++) {
        uint32_t first = (uint32_t)starts[i].key, last = starts[i].value;
        if (b->n_windows == t->new_from || lane->windows[b->n_windows - 1] != first)
            lane->windows[b->n_windows++] = first;
        struct fl_run_of_windows *run = b->n_runs > t->run_from ? &lane->runs[b->n_runs - 1] : NULL;
        if (run && first <= run->last + 1)
            run->last = last > run->last ? last : run->last;
        else
            lane->runs[b->n_runs++] = (struct fl_run_of_windows){first, last};
    }
    t->new_to = b->n_windows;
    t->run_to = b->n_runs;
    lane->n_new[node] += t->new_to - t->new_from;
    for (size_t i = t->run_from; i < t->run_to; i++)
        lane->n_present[node] += lane->runs[i].last - lane->runs[i].first + 1;
    return add_blocks(b, t);
}

enum { FEW = 64 }; /* up to so many, and when little is out of order, moving is faster than counting digits */

/* Stable, as they are by start already. */
static int sort_starts(struct fl_entries *e)
{
    if (e->n > FEW)
        return fl_entries_sort(e);
    for (size_t i = 1; i < e->n; i++) {
        struct fl_entry entry = e->items[i];
        size_t j = i;
        for (; j > 0 && e->items[j - 1].key > entry.key; j--)
            e->items[j] = e->items[j - 1];
        e->items[j] = entry;
    }
    return 0;
}

static int add_tracks(struct build *b, uint32_t node)
{
    struct fl_entries *e = &b->starts;
    int rc = 0;
    e->n = 0;
    for (size_t i = b->nodes->first[node]; i < b->nodes->first[node + 1]; i++) {
        const struct spell *s = &b->spells[b->nodes->conversations[i]];
        if (fl_entries_add(e, (uint64_t)bind_of(b->lane->family, s) << 32 | s->first, s->last) < 0)
            return FL_ENOMEM;
    }
    if (b->lane->family != FL_NAMED) /* a node's conversations are by start already */
        rc = sort_starts(e);
    for (size_t from = 0, to; from < e->n && rc == 0; from = to) {
        for (to = from + 1; to < e->n && e->items[to].key >> 32 == e->items[from].key >> 32;)
            to++;
        rc = add_track(b, node, e->items + from, to - from);
    }
    return rc;
}

static size_t conversations_of(enum fl_family family, const struct fl_nodes *nodes)
{
    size_t n = 0;
    for (uint32_t node = 0; node < nodes->n; node++)
        if (belongs(family, &nodes->keys[node]))
            n += nodes->first[node + 1] - nodes->first[node];
    return n;
}

/* Give back what was allocated for the worst case. */
static void *trim(void *items, size_t n, size_t size)
{
    void *trimmed = realloc(items, (n + 1) * size);
    return trimmed ? trimmed : items;
}

static int build_tracks(struct build *b)
{
    struct fl_lane *lane = b->lane;
    size_t most = conversations_of(lane->family, b->nodes) + 1;
    int rc = 0;
    lane->windows = malloc(most * sizeof *lane->windows);
    lane->runs = malloc(most * sizeof *lane->runs);
    lane->first_track = calloc(lane->n_nodes + 1, sizeof *lane->first_track);
    lane->first_block = calloc(lane->n_nodes + 1, sizeof *lane->first_block);
    lane->n_new = calloc(lane->n_nodes + 1, sizeof *lane->n_new);
    lane->n_present = calloc(lane->n_nodes + 1, sizeof *lane->n_present);
    if (!lane->windows || !lane->runs || !lane->first_track || !lane->first_block || !lane->n_new ||
        !lane->n_present)
        return FL_ENOMEM;
    for (uint32_t node = 0; node < lane->n_nodes && rc == 0; node++) {
        if (belongs(lane->family, &b->nodes->keys[node]))
            rc = add_tracks(b, node);
        lane->first_track[node + 1] = lane->n_tracks;
        lane->first_block[node + 1] = b->n_blocks;
    }
    lane->windows = trim(lane->windows, b->n_windows, sizeof *lane->windows);
    lane->runs = trim(lane->runs, b->n_runs, sizeof *lane->runs);
    lane->blocks = trim(lane->blocks, b->n_blocks, sizeof *lane->blocks);
    lane->tracks = trim(lane->tracks, lane->n_tracks, sizeof *lane->tracks);
    return rc;
}

/* ---- 2. numbers of blocks ---- */

/* Replace the slots of a track's blocks by ids; `id_of` holds, for each slot, host + 1 and the id given. */
static void number_track(struct fl_lane *lane, const struct fl_track *t, uint64_t *id_of)
{
    for (size_t i = t->block_from; i < t->block_to; i++) {
        uint32_t slot = lane->blocks[i].id;
        if (id_of[slot] >> 32 != (uint64_t)t->bind + 1) {
            id_of[slot] = ((uint64_t)t->bind + 1) << 32 | lane->n_blocks;
            lane->block_slot[lane->n_blocks++] = slot;
        }
        lane->blocks[i].id = (uint32_t)id_of[slot];
    }
}

static int number_blocks(struct build *b)
{
    struct fl_lane *lane = b->lane;
    const struct fl_timeline *time = &lane->time;
    uint32_t slots = fl_window_of(time, time->to_ms) / time->jitter + 1;
    struct fl_entries by_bind = {0};
    lane->n_total = time->n_windows;
    lane->n_blocks = slots;
    if (lane->family == FL_NAMED)
        return 0;
    uint64_t *id_of = calloc(slots, sizeof *id_of), binds = 0;
    lane->n_blocks = 0;
    lane->block_slot = malloc((b->n_blocks + 1) * sizeof *lane->block_slot);
    int rc = id_of && lane->block_slot ? 0 : FL_ENOMEM;
    for (size_t i = 0; i < lane->n_tracks && rc == 0; i++)
        rc = fl_entries_add(&by_bind, lane->tracks[i].bind, (uint32_t)i);
    if (rc == 0)
        rc = fl_entries_sort(&by_bind);
    for (size_t i = 0; i < by_bind.n && rc == 0; i++) {
        binds += i == 0 || by_bind.items[i].key != by_bind.items[i - 1].key;
        number_track(lane, &lane->tracks[by_bind.items[i].value], id_of);
    }
    lane->n_total *= binds;
    fl_entries_clear(&by_bind);
    free(id_of);
    return rc;
}

/* ---- all of it ---- */

struct lanes_build {
    struct fl_lane *lanes;
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    struct spell *spells;
    uint32_t parts;
};

static int cut_part(void *ctx, uint32_t part)
{
    const struct lanes_build *b = ctx;
    for (size_t i = b->talk->n * part / b->parts; i < b->talk->n * (part + 1) / b->parts; i++) {
        const struct fl_conversation *c = &b->talk->items[i];
        b->spells[i] = (struct spell){fl_window_of(b->time, c->start_ms), fl_window_of(b->time, c->end_ms),
                                      c->client, c->server};
    }
    return 0;
}

static int build_lane(struct fl_lane *out, enum fl_family family, const struct lanes_build *all)
{
    struct build b = {.lane = out, .nodes = all->nodes, .spells = all->spells};
    *out = (struct fl_lane){.family = family, .time = *all->time, .n_nodes = all->nodes->n};
    int rc = build_tracks(&b);
    if (rc == 0)
        rc = number_blocks(&b);
    fl_entries_clear(&b.starts);
    return rc;
}

/* The first part does NAMED, which is more than half of the work, the others what is left. */
static int build_part(void *ctx, uint32_t part)
{
    const struct lanes_build *b = ctx;
    int rc = 0;
    for (uint32_t family = FL_NAMED; family <= FL_BOUND_SERVER && rc == 0; family++)
        if ((family < b->parts ? family : b->parts - 1) == part)
            rc = build_lane(&b->lanes[family], (enum fl_family)family, b);
    return rc;
}

int fl_lanes_build(struct fl_lane lanes[3], const struct fl_nodes *nodes, const struct fl_talk *talk,
                   const struct fl_timeline *time, uint32_t threads)
{
    uint32_t parts = fl_parallel_threads(threads);
    struct lanes_build b = {lanes, nodes, talk, time, NULL, parts < 3 ? parts : 3};
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        lanes[family] = (struct fl_lane){0};
    b.spells = malloc((talk->n + 1) * sizeof *b.spells);
    int rc = b.spells ? fl_parallel(b.parts, cut_part, &b) : FL_ENOMEM;
    if (rc == 0)
        rc = fl_parallel(b.parts, build_part, &b);
    free(b.spells);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER && rc < 0; family++)
        fl_lane_clear(&lanes[family]);
    return rc;
}

void fl_lane_clear(struct fl_lane *lane)
{
    free(lane->tracks);
    free(lane->first_track);
    free(lane->first_block);
    free(lane->windows);
    free(lane->runs);
    free(lane->blocks);
    free(lane->block_slot);
    free(lane->n_new);
    free(lane->n_present);
    *lane = (struct fl_lane){0};
}
