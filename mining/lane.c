/* Lanes: lays a family's activity out by node and, inverted, by host and window. */
#include "mining/lane.h"

#include <stdlib.h>

#include "mining/radix.h"
#include "storage/error.h"

uint32_t fl_bind_of(enum fl_family family, const struct fl_conversation *c)
{
    return family == FL_BOUND_CLIENT ? c->client : family == FL_BOUND_SERVER ? c->server : 0;
}

int fl_track_hosts(const struct fl_lane *lane, const struct fl_nodes *nodes, const struct fl_track *track,
                   uint32_t out[2])
{
    if (lane->family != FL_NAMED) {
        out[0] = track->bind;
        return 1;
    }
    const struct fl_node_key *key = &nodes->keys[track->node];
    int n = 0;
    if (key->client != FL_HOST_ANY)
        out[n++] = key->client;
    if (key->server != FL_HOST_ANY)
        out[n++] = key->server;
    return n;
}

static bool belongs(enum fl_family family, const struct fl_node_key *key)
{
    return family == FL_NAMED || (family == FL_BOUND_CLIENT ? key->client : key->server) == FL_HOST_ANY;
}

/* ---- tracks ---- */

struct start { /* a conversation of a node, to be ordered by binding host and start */
    uint32_t bind, conversation;
    uint32_t first, last; /* windows */
};

static int compare_starts(const void *vx, const void *vy)
{
    const struct start *x = vx, *y = vy;
    if (x->bind != y->bind)
        return x->bind < y->bind ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->last < y->last ? -1 : x->last > y->last;
}

/* Add the conversations [0, n) of one binding host as a track. */
static void add_track(struct fl_lane *lane, uint32_t node, const struct start *starts, size_t n,
                      size_t *n_windows, size_t *n_runs)
{
    struct fl_track *t = &lane->tracks[lane->n_tracks++];
    *t = (struct fl_track){.node = node, .bind = starts[0].bind, .new_from = *n_windows, .run_from = *n_runs};
    for (size_t i = 0; i < n; i++) {
        if (*n_windows == t->new_from || lane->windows[*n_windows - 1] != starts[i].first)
            lane->windows[(*n_windows)++] = starts[i].first;
        struct fl_run_of_windows *run = *n_runs > t->run_from ? &lane->runs[*n_runs - 1] : NULL;
        if (run && starts[i].first <= run->last + 1)
            run->last = starts[i].last > run->last ? starts[i].last : run->last;
        else
            lane->runs[(*n_runs)++] = (struct fl_run_of_windows){starts[i].first, starts[i].last};
    }
    t->new_to = *n_windows;
    t->run_to = *n_runs;
    lane->n_new[node] += t->new_to - t->new_from;
    for (size_t i = t->run_from; i < t->run_to; i++)
        lane->n_present[node] += lane->runs[i].last - lane->runs[i].first + 1;
}

static void add_tracks(struct fl_lane *lane, uint32_t node, const struct fl_nodes *nodes,
                       const struct fl_talk *talk, const struct fl_timeline *time, struct start *starts,
                       size_t *n_windows, size_t *n_runs)
{
    size_t n = nodes->first[node + 1] - nodes->first[node];
    for (size_t i = 0; i < n; i++) {
        uint32_t index = nodes->conversations[nodes->first[node] + i];
        const struct fl_conversation *c = &talk->items[index];
        starts[i] = (struct start){fl_bind_of(lane->family, c), index, fl_window_of(time, c->start_ms),
                                   fl_window_of(time, c->end_ms)};
    }
    qsort(starts, n, sizeof *starts, compare_starts);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && starts[to].bind == starts[from].bind;)
            to++;
        add_track(lane, node, starts + from, to - from, n_windows, n_runs);
    }
}

static int build_tracks(struct fl_lane *lane, const struct fl_nodes *nodes, const struct fl_talk *talk,
                        const struct fl_timeline *time)
{
    size_t most = nodes->n ? nodes->first[nodes->n] + 1 : 1, n_windows = 0, n_runs = 0;
    struct start *starts = malloc(most * sizeof *starts);
    lane->tracks = malloc(most * sizeof *lane->tracks);
    lane->windows = malloc(most * sizeof *lane->windows);
    lane->runs = malloc(most * sizeof *lane->runs);
    lane->first_track = calloc(nodes->n + 1, sizeof *lane->first_track);
    lane->n_new = calloc(nodes->n + 1, sizeof *lane->n_new);
    lane->n_present = calloc(nodes->n + 1, sizeof *lane->n_present);
    if (!starts || !lane->tracks || !lane->windows || !lane->runs || !lane->first_track || !lane->n_new ||
        !lane->n_present) {
        free(starts);
        return FL_ENOMEM;
    }
    for (uint32_t node = 0; node < nodes->n; node++) {
        if (belongs(lane->family, &nodes->keys[node]))
            add_tracks(lane, node, nodes, talk, time, starts, &n_windows, &n_runs);
        lane->first_track[node + 1] = lane->n_tracks;
    }
    free(starts);
    return 0;
}

/* ---- blocks ---- */

/* Number the (bind, block) pairs in use from 0 up, ascending; NAMED has one bind. */
static int number_blocks(struct fl_lane *lane, const struct fl_timeline *time, struct fl_entries *out)
{
    for (size_t i = 0; i < lane->n_tracks; i++) {
        const struct fl_track *t = &lane->tracks[i];
        for (size_t r = t->run_from; r < t->run_to; r++)
            for (uint32_t b = lane->runs[r].first / time->jitter; b <= lane->runs[r].last / time->jitter; b++)
                if (fl_entries_add(out, (uint64_t)t->bind << 32 | b, 0) < 0)
                    return FL_ENOMEM;
    }
    if (fl_entries_sort(out) < 0)
        return FL_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < out->n; i++)
        if (i == 0 || out->items[n - 1].key != out->items[i].key)
            out->items[n++] = out->items[i];
    out->n = n;
    lane->n_blocks = (uint32_t)n;
    return 0;
}

static int measure_blocks(struct fl_lane *lane, const struct fl_timeline *time,
                          const struct fl_entries *numbered)
{
    uint32_t span_first = fl_window_of(time, time->from_ms), span_last = fl_window_of(time, time->to_ms);
    lane->block_windows = malloc((numbered->n + 1) * sizeof *lane->block_windows);
    if (!lane->block_windows)
        return FL_ENOMEM;
    for (size_t i = 0; i < numbered->n; i++) {
        uint32_t first = (uint32_t)numbered->items[i].key * time->jitter, last = first + time->jitter - 1;
        first = first > span_first ? first : span_first;
        last = last < span_last ? last : span_last;
        lane->block_windows[i] = last - first + 1;
    }
    return 0;
}

static uint32_t block_number(const struct fl_entries *numbered, uint32_t bind, uint32_t block)
{
    uint64_t key = (uint64_t)bind << 32 | block;
    size_t low = 0, high = numbered->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (numbered->items[middle].key <= key)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

struct block_list {            /* (block, count) pairs being collected, blocks ascending within a node */
    struct fl_entries entries; /* key: block number, value: count */
    size_t node_from;
};

static int count_in_block(struct block_list *list, uint32_t block, uint32_t count)
{
    struct fl_entries *e = &list->entries;
    if (e->n > list->node_from && e->items[e->n - 1].key == block) {
        e->items[e->n - 1].value += count;
        return 0;
    }
    return fl_entries_add(e, block, count);
}

static int count_new(const struct fl_lane *lane, const struct fl_track *t, uint32_t jitter,
                     const struct fl_entries *numbered, struct block_list *list)
{
    for (size_t i = t->new_from; i < t->new_to; i++)
        if (count_in_block(list, block_number(numbered, t->bind, lane->windows[i] / jitter), 1) < 0)
            return FL_ENOMEM;
    return 0;
}

static int count_present(const struct fl_lane *lane, const struct fl_track *t, uint32_t jitter,
                         const struct fl_entries *numbered, struct block_list *list)
{
    for (size_t i = t->run_from; i < t->run_to; i++) {
        const struct fl_run_of_windows *run = &lane->runs[i];
        for (uint32_t b = run->first / jitter; b <= run->last / jitter; b++) {
            uint32_t first = b * jitter > run->first ? b * jitter : run->first;
            uint32_t last = b * jitter + jitter - 1 < run->last ? b * jitter + jitter - 1 : run->last;
            if (count_in_block(list, block_number(numbered, t->bind, b), last - first + 1) < 0)
                return FL_ENOMEM;
        }
    }
    return 0;
}

typedef int count_fn(const struct fl_lane *lane, const struct fl_track *t, uint32_t jitter,
                     const struct fl_entries *numbered, struct block_list *list);

static int build_blocks(struct fl_lane *lane, struct fl_blocks *out, const struct fl_timeline *time,
                        const struct fl_entries *numbered, count_fn *count)
{
    struct block_list list = {0};
    int rc = 0;
    out->first = calloc(lane->n_nodes + 1, sizeof *out->first);
    for (size_t node = 0; out->first && rc == 0 && node < lane->n_nodes; node++) {
        list.node_from = list.entries.n;
        for (size_t i = lane->first_track[node]; rc == 0 && i < lane->first_track[node + 1]; i++)
            rc = count(lane, &lane->tracks[i], time->jitter, numbered, &list);
        out->first[node + 1] = list.entries.n;
    }
    out->block = malloc((list.entries.n + 1) * sizeof *out->block);
    out->count = malloc((list.entries.n + 1) * sizeof *out->count);
    if (!out->first || !out->block || !out->count)
        rc = FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < list.entries.n; i++) {
        out->block[i] = (uint32_t)list.entries.items[i].key;
        out->count[i] = list.entries.items[i].value;
    }
    fl_entries_clear(&list.entries);
    return rc;
}

/* ---- indices ---- */

static int index_from(struct fl_index *out, struct fl_entries *entries)
{
    if (fl_entries_sort(entries) < 0)
        return FL_ENOMEM;
    out->key = malloc((entries->n + 1) * sizeof *out->key);
    out->first = malloc((entries->n + 1) * sizeof *out->first);
    out->nodes = malloc((entries->n + 1) * sizeof *out->nodes);
    if (!out->key || !out->first || !out->nodes)
        return FL_ENOMEM;
    for (size_t i = 0; i < entries->n; i++) {
        if (i == 0 || entries->items[i].key != entries->items[i - 1].key) {
            out->first[out->n] = i;
            out->key[out->n++] = entries->items[i].key;
        }
        out->nodes[i] = entries->items[i].value;
    }
    out->first[out->n] = entries->n;
    return 0;
}

/* Put a run of presence into the two indices: whole blocks as one entry, the rest window by window. */
static int enter_run(const struct fl_run_of_windows *run, uint32_t jitter, uint64_t host, uint32_t node,
                     struct fl_entries *part, struct fl_entries *full)
{
    for (uint32_t w = run->first; w <= run->last;) {
        bool whole = w % jitter == 0 && run->last - w + 1 >= jitter;
        int rc = whole ? fl_entries_add(full, host << 32 | w / jitter, node)
                       : fl_entries_add(part, host << 32 | w, node);
        if (rc < 0)
            return rc;
        w += whole ? jitter : 1;
    }
    return 0;
}

static int enter_track(const struct fl_lane *lane, const struct fl_nodes *nodes, const struct fl_track *t,
                       uint32_t jitter, struct fl_entries e[3])
{
    uint32_t hosts[2];
    int rc = 0, n = fl_track_hosts(lane, nodes, t, hosts);
    for (int h = 0; h < n && rc == 0; h++) {
        for (size_t i = t->new_from; i < t->new_to && rc == 0; i++)
            rc = fl_entries_add(&e[0], (uint64_t)hosts[h] << 32 | lane->windows[i], t->node);
        for (size_t i = t->run_from; i < t->run_to && rc == 0; i++)
            rc = enter_run(&lane->runs[i], jitter, hosts[h], t->node, &e[1], &e[2]);
    }
    return rc;
}

static int build_indices(struct fl_lane *lane, const struct fl_nodes *nodes, const struct fl_timeline *time)
{
    struct fl_entries e[3] = {{0}};
    struct fl_index *indices[3] = {&lane->new_at, &lane->part_at, &lane->full_at};
    int rc = 0;
    for (size_t i = 0; i < lane->n_tracks && rc == 0; i++)
        rc = enter_track(lane, nodes, &lane->tracks[i], time->jitter, e);
    for (int i = 0; i < 3; i++) {
        if (rc == 0)
            rc = index_from(indices[i], &e[i]);
        fl_entries_clear(&e[i]);
    }
    return rc;
}

static uint64_t count_binds(const struct fl_entries *numbered)
{
    uint64_t n = 0;
    for (size_t i = 0; i < numbered->n; i++)
        n += i == 0 || numbered->items[i].key >> 32 != numbered->items[i - 1].key >> 32;
    return n;
}

int fl_lane_build(struct fl_lane *out, enum fl_family family, const struct fl_nodes *nodes,
                  const struct fl_talk *talk, const struct fl_timeline *time)
{
    struct fl_entries numbered = {0};
    *out = (struct fl_lane){.family = family, .n_nodes = nodes->n};
    int rc = build_tracks(out, nodes, talk, time);
    if (rc == 0)
        rc = number_blocks(out, time, &numbered);
    if (rc == 0)
        rc = measure_blocks(out, time, &numbered);
    if (rc == 0)
        rc = build_blocks(out, &out->new_blocks, time, &numbered, count_new);
    if (rc == 0)
        rc = build_blocks(out, &out->present_blocks, time, &numbered, count_present);
    if (rc == 0)
        rc = build_indices(out, nodes, time);
    out->n_total = time->n_windows * (family == FL_NAMED ? 1 : count_binds(&numbered));
    fl_entries_clear(&numbered);
    if (rc < 0)
        fl_lane_clear(out);
    return rc;
}

static void clear_blocks(struct fl_blocks *b)
{
    free(b->first);
    free(b->block);
    free(b->count);
}

static void clear_index(struct fl_index *i)
{
    free(i->key);
    free(i->first);
    free(i->nodes);
}

void fl_lane_clear(struct fl_lane *lane)
{
    free(lane->tracks);
    free(lane->first_track);
    free(lane->windows);
    free(lane->runs);
    free(lane->n_new);
    free(lane->n_present);
    free(lane->block_windows);
    clear_blocks(&lane->new_blocks);
    clear_blocks(&lane->present_blocks);
    clear_index(&lane->new_at);
    clear_index(&lane->part_at);
    clear_index(&lane->full_at);
    *lane = (struct fl_lane){0};
}
