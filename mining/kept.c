/* Comparing the activity of two runs, and memory for what is kept.
 *
 * Hosts and nodes are matched by address and key; both are sorted, so it is a merge. The activity of a node
 * that is there in both runs is compared block by block; a block is the same when its starts and its presence
 * are, window by window. Why it differs is of no account: the hour that fell out, the hour that came, a flow
 * that the span now cuts, a port that became a service, a late import. */
#include "mining/kept.h"

#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "storage/error.h"

/* ---- memory ---- */

enum { CHUNK_PAIRS = 1 << 16 };

struct fl_kept_pair *fl_kept_room(struct fl_kept_chunk **chunks, size_t n)
{
    struct fl_kept_chunk *c = *chunks;
    if (!c || c->room - c->n < n) {
        size_t room = n > CHUNK_PAIRS ? n : CHUNK_PAIRS;
        c = malloc(sizeof *c + room * sizeof *c->pairs);
        if (!c)
            return NULL;
        c->next = *chunks;
        c->n = 0;
        c->room = room;
        *chunks = c;
    }
    c->n += n;
    return c->pairs + c->n - n;
}

void fl_kept_take(struct fl_kept_counts *kept, struct fl_kept_chunk **chunks)
{
    while (*chunks) {
        struct fl_kept_chunk *chunk = *chunks;
        *chunks = chunk->next;
        chunk->next = kept->chunks;
        kept->chunks = chunk;
    }
}

void fl_kept_chunks_clear(struct fl_kept_chunk *chunks)
{
    while (chunks) {
        struct fl_kept_chunk *next = chunks->next;
        free(chunks);
        chunks = next;
    }
}

void fl_kept_clear(struct fl_kept_counts *kept)
{
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++) {
        fl_lane_clear(&kept->families[family].lane);
        free(kept->families[family].rows);
    }
    fl_kept_chunks_clear(kept->chunks);
    free(kept->keys);
    free(kept->hosts);
    *kept = (struct fl_kept_counts){
        .budget_bytes = kept->budget_bytes, .too_large = kept->too_large, .why_not = kept->why_not};
}

static size_t lane_bytes(const struct fl_lane *lane)
{
    size_t bytes = lane->n_nodes * (sizeof *lane->first_track + sizeof *lane->first_block +
                                    sizeof *lane->n_new + sizeof *lane->n_present);
    if (lane->n_tracks == 0)
        return bytes;
    const struct fl_track *last = &lane->tracks[lane->n_tracks - 1];
    return bytes + lane->n_tracks * sizeof *last + last->new_to * sizeof *lane->windows +
           last->run_to * sizeof *lane->runs + last->block_to * sizeof *lane->blocks +
           lane->n_blocks * sizeof *lane->block_slot;
}

size_t fl_kept_bytes(const struct fl_kept_counts *kept)
{
    size_t bytes = kept->n_nodes * sizeof *kept->keys + kept->n_hosts * sizeof *kept->hosts;
    for (const struct fl_kept_chunk *c = kept->chunks; c; c = c->next)
        bytes += c->room * sizeof *c->pairs;
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++) {
        const struct fl_lane *lane = &kept->families[family].lane;
        bytes += lane_bytes(lane) + (family == FL_NAMED ? 2 * lane->n_tracks : kept->n_nodes) *
                                        sizeof *kept->families[family].rows;
    }
    return bytes;
}

/* ---- hosts and nodes of both runs ---- */

struct match {
    uint32_t
        *hosts; /* by host of before: its number now; hosts that are gone are numbered on from n_hosts_now */
    uint32_t n_hosts_now, n_hosts;
    uint32_t *before_of; /* by node of now: its number before, or UINT32_MAX */
};

static int match_hosts(struct match *m, const struct fl_kept_counts *kept, const struct fl_talk *talk)
{
    m->hosts = malloc((kept->n_hosts + 1) * sizeof *m->hosts);
    if (!m->hosts || talk->n_hosts + kept->n_hosts >= UINT32_MAX)
        return FL_ENOMEM;
    size_t now = 0;
    for (size_t i = 0; i < kept->n_hosts; i++) {
        while (now < talk->n_hosts && fl_addr_cmp(&talk->hosts[now], &kept->hosts[i]) < 0)
            now++;
        bool there = now < talk->n_hosts && fl_addr_cmp(&talk->hosts[now], &kept->hosts[i]) == 0;
        m->hosts[i] = there ? (uint32_t)now : m->n_hosts++;
    }
    return 0;
}

/* The order in which nodes stand. */
static int compare_keys(const struct fl_node_key *a, const struct fl_node_key *b)
{
    int kind_a = a->client == FL_HOST_ANY ? 1 : a->server == FL_HOST_ANY ? 2 : 0;
    int kind_b = b->client == FL_HOST_ANY ? 1 : b->server == FL_HOST_ANY ? 2 : 0;
    FL_ORDER(kind_a, kind_b);
    FL_ORDER(a->client, b->client);
    FL_ORDER(a->server, b->server);
    FL_ORDER(a->protocol, b->protocol);
    FL_ORDER(a->client_port, b->client_port);
    FL_ORDER(a->server_port, b->server_port);
    return 0;
}

/* A key of before by the hosts of now; false: one of them is gone. */
static bool renumber(struct fl_node_key *key, const uint32_t *hosts, size_t n_hosts)
{
    if (key->client != FL_HOST_ANY)
        key->client = hosts[key->client];
    if (key->server != FL_HOST_ANY)
        key->server = hosts[key->server];
    return (key->client == FL_HOST_ANY || key->client < n_hosts) &&
           (key->server == FL_HOST_ANY || key->server < n_hosts);
}

static int match_nodes(struct match *m, const struct fl_kept_counts *kept, const struct fl_nodes *nodes,
                       const struct fl_talk *talk)
{
    size_t now = 0;
    m->before_of = malloc((nodes->n + 1) * sizeof *m->before_of);
    if (!m->before_of)
        return FL_ENOMEM;
    memset(m->before_of, 0xff, nodes->n * sizeof *m->before_of);
    for (size_t i = 0; i < kept->n_nodes; i++) {
        struct fl_node_key key = kept->keys[i];
        if (!renumber(&key, m->hosts, talk->n_hosts))
            continue;
        while (now < nodes->n && compare_keys(&nodes->keys[now], &key) < 0)
            now++;
        if (now < nodes->n && compare_keys(&nodes->keys[now], &key) == 0)
            m->before_of[now] = (uint32_t)i;
    }
    return 0;
}

static int match_runs(struct match *m, const struct fl_kept_counts *kept, const struct fl_nodes *nodes,
                      const struct fl_talk *talk)
{
    *m = (struct match){.n_hosts_now = (uint32_t)talk->n_hosts, .n_hosts = (uint32_t)talk->n_hosts};
    int rc = kept ? match_hosts(m, kept, talk) : 0;
    return rc == 0 && kept ? match_nodes(m, kept, nodes, talk) : rc;
}

/* ---- twins ---- */

static void add_twin(struct fl_compared *c, uint32_t now, uint32_t before, uint32_t node, uint32_t bind)
{
    c->twins[c->n_twins++] = (struct fl_twin){now, before, node, bind};
}

/* The tracks of a node of now, and of the same node before. */
static void pair_tracks(struct fl_compared *c, uint32_t node, uint32_t before_node, const struct match *m)
{
    const struct fl_lane *now = c->now.lane, *before = c->before.lane;
    size_t i = now->first_track[node], end = now->first_track[node + 1], j = 0, before_end = 0;
    if (before_node != UINT32_MAX) {
        j = before->first_track[before_node];
        before_end = before->first_track[before_node + 1];
    }
    bool named = now->family == FL_NAMED;
    for (; j < before_end; j++) {
        uint32_t bind = named ? 0 : m->hosts[before->tracks[j].bind];
        bool gone = bind >= m->n_hosts_now;
        for (; !gone && i < end && now->tracks[i].bind < bind; i++)
            add_twin(c, (uint32_t)i, FL_NO_TRACK, node, now->tracks[i].bind);
        bool both = !gone && i < end && now->tracks[i].bind == bind;
        add_twin(c, both ? (uint32_t)i++ : FL_NO_TRACK, (uint32_t)j, node, bind);
    }
    for (; i < end; i++)
        add_twin(c, (uint32_t)i, FL_NO_TRACK, node, now->tracks[i].bind);
}

static int pair_all(struct fl_kept_compared *k, const struct match *m)
{
    struct fl_compared *c = &k->c;
    const struct fl_lane *now = c->now.lane, *before = c->before.lane;
    size_t most = now->n_tracks + (before ? before->n_tracks : 0);
    if (most >= UINT32_MAX)
        return FL_ELIMIT;
    c->twins = malloc((most + 1) * sizeof *c->twins);
    if (!c->twins)
        return FL_ENOMEM;
    for (uint32_t node = 0; node < now->n_nodes; node++)
        pair_tracks(c, node, m->before_of ? m->before_of[node] : UINT32_MAX, m);
    return 0;
}

/* ---- blocks ---- */

struct place { /* in a track */
    const struct fl_lane *lane;
    uint32_t shift; /* of its windows */
    size_t block, end;
    const uint32_t *starts;
    const struct fl_run_of_windows *run, *run_end;
};

static struct place begin_of(const struct fl_side *side, uint32_t track)
{
    const struct fl_track *t = &side->lane->tracks[track];
    return (struct place){.lane = side->lane,
                          .shift = side->shift,
                          .block = t->block_from,
                          .end = t->block_to,
                          .starts = side->lane->windows + t->new_from,
                          .run = side->lane->runs + t->run_from,
                          .run_end = side->lane->runs + t->run_to};
}

static uint32_t slot_at(const struct place *p)
{
    uint32_t jitter = p->lane->time.jitter;
    return fl_block_slot(p->lane, p->lane->blocks[p->block].id) + p->shift / jitter;
}

static void leave_block(struct place *p)
{
    uint32_t next = (slot_at(p) + 1) * p->lane->time.jitter - p->shift;
    p->starts += p->lane->blocks[p->block++].n_new;
    while (p->run < p->run_end && p->run->last < next)
        p->run++;
}

static uint32_t clip(uint32_t w, uint32_t shift, uint32_t from, uint32_t to)
{
    w += shift;
    return w < from ? from : w > to ? to : w;
}

/* Both places are at the same block of time. */
static bool same_block(const struct place *a, const struct place *b)
{
    const struct fl_block *x = &a->lane->blocks[a->block], *y = &b->lane->blocks[b->block];
    uint32_t jitter = a->lane->time.jitter, from = slot_at(a) * jitter, to = from + jitter - 1;
    if (x->n_new != y->n_new || x->n_present != y->n_present)
        return false;
    for (uint32_t i = 0; i < x->n_new; i++)
        if (a->starts[i] + a->shift != b->starts[i] + b->shift)
            return false;
    if (x->n_present == x->n_new || x->n_present == jitter)
        return true;
    const struct fl_run_of_windows *ra = a->run, *rb = b->run;
    for (uint32_t seen = 0; seen < x->n_present; ra++, rb++) {
        uint32_t first = clip(ra->first, a->shift, from, to), last = clip(ra->last, a->shift, from, to);
        if (rb == b->run_end || clip(rb->first, b->shift, from, to) != first ||
            clip(rb->last, b->shift, from, to) != last)
            return false;
        seen += last - first + 1;
    }
    return true;
}

/* Mark the blocks that both tracks of a twin have alike. */
static void compare_twin(struct fl_kept_compared *k, const struct fl_twin *twin)
{
    if (twin->now == FL_NO_TRACK || twin->before == FL_NO_TRACK)
        return;
    struct place now = begin_of(&k->c.now, twin->now), before = begin_of(&k->c.before, twin->before);
    while (now.block < now.end && before.block < before.end) {
        uint32_t a = slot_at(&now), b = slot_at(&before);
        if (a == b && same_block(&now, &before))
            k->same_now[now.block] = k->same_before[before.block] = 1;
        if (a <= b)
            leave_block(&now);
        if (b <= a)
            leave_block(&before);
    }
}

static void sum_up_twin(struct fl_kept_compared *k, const struct fl_twin *twin)
{
    const struct fl_lane *now = k->c.now.lane, *before = k->c.before.lane;
    if (twin->now != FL_NO_TRACK) {
        const struct fl_track *t = &now->tracks[twin->now];
        k->n_starts += t->new_to - t->new_from;
        for (size_t i = t->block_from; i < t->block_to; i++)
            k->n_different += k->same_now[i] ? 0 : now->blocks[i].n_new;
    }
    if (twin->before != FL_NO_TRACK) {
        const struct fl_track *t = &before->tracks[twin->before];
        for (size_t i = t->block_from; i < t->block_to; i++) {
            uint32_t n = before->blocks[i].n_new;
            k->lost[twin->node] += k->same_before[i] ? 0 : n;
            k->n_different += k->same_before[i] ? 0 : n;
            if (n > k->most[twin->node])
                k->most[twin->node] = n;
        }
    }
}

static size_t n_blocks_of(const struct fl_lane *lane)
{
    return lane->n_tracks ? lane->tracks[lane->n_tracks - 1].block_to : 0;
}

/* List what is different, by track. */
static int list_different(struct fl_side *side, uint32_t **different, size_t **from)
{
    const struct fl_lane *lane = side->lane;
    size_t n = 0, n_blocks = n_blocks_of(lane);
    for (size_t i = 0; i < n_blocks; i++)
        n += !side->same[i];
    *different = malloc((n + 1) * sizeof **different);
    *from = malloc((lane->n_tracks + 1) * sizeof **from);
    if (!*different || !*from || n_blocks > UINT32_MAX)
        return FL_ENOMEM;
    n = 0;
    for (size_t track = 0; track < lane->n_tracks; track++) {
        (*from)[track] = n;
        for (size_t i = lane->tracks[track].block_from; i < lane->tracks[track].block_to; i++)
            if (!side->same[i])
                (*different)[n++] = (uint32_t)i;
    }
    (*from)[lane->n_tracks] = n;
    side->different = *different;
    side->different_from = *from;
    return 0;
}

static int compare_blocks(struct fl_kept_compared *k)
{
    struct fl_compared *c = &k->c;
    k->same_now = calloc(n_blocks_of(c->now.lane) + 1, 1);
    k->same_before = calloc(n_blocks_of(c->before.lane) + 1, 1);
    k->lost = calloc(c->now.lane->n_nodes + 1, sizeof *k->lost);
    k->most = calloc(c->now.lane->n_nodes + 1, sizeof *k->most);
    if (!k->same_now || !k->same_before || !k->lost || !k->most)
        return FL_ENOMEM;
    c->now.same = k->same_now;
    c->before.same = k->same_before;
    for (size_t i = 0; i < c->n_twins; i++) {
        compare_twin(k, &c->twins[i]);
        sum_up_twin(k, &c->twins[i]);
    }
    int rc = list_different(&c->now, &k->different_now, &k->from_now);
    return rc == 0 ? list_different(&c->before, &k->different_before, &k->from_before) : rc;
}

/* ---- the comparison ---- */

static uint32_t windows_of(const struct fl_timeline *t)
{
    return (fl_window_of(t, t->to_ms) / t->jitter + 1) * t->jitter;
}

static int compare_family(struct fl_kept_compared *out, const struct fl_kept_family *kept,
                          const struct fl_lane *lane, const struct match *m)
{
    struct fl_compared *c = &out->c;
    c->now = (struct fl_side){.lane = lane};
    c->n_hosts = m->n_hosts;
    c->n_windows = windows_of(&lane->time);
    if (kept) {
        c->before = (struct fl_side){.lane = &kept->lane};
        c->now.shift = (uint32_t)(lane->time.base_window - kept->lane.time.base_window);
        uint32_t before = windows_of(&kept->lane.time);
        c->shared_from = c->now.shift / lane->time.jitter;
        c->shared_to = before / lane->time.jitter;
        c->n_windows = c->n_windows + c->now.shift > before ? c->n_windows + c->now.shift : before;
    }
    int rc = pair_all(out, m);
    return rc == 0 && kept ? compare_blocks(out) : rc;
}

int fl_kept_compare(struct fl_kept_compared out[3], const struct fl_kept_counts *kept,
                    const struct fl_lane lanes[3], const struct fl_nodes *nodes, const struct fl_talk *talk)
{
    struct match m;
    int rc = match_runs(&m, kept, nodes, talk);
    for (int f = 0; f < 3; f++)
        out[f] = (struct fl_kept_compared){0};
    for (int f = 0; f < 3 && rc == 0; f++)
        rc = compare_family(&out[f], kept ? &kept->families[f] : NULL, &lanes[f], &m);
    out[0].before_of = m.before_of;
    free(m.hosts);
    return rc;
}

void fl_kept_compared_clear(struct fl_kept_compared *k)
{
    free(k->c.twins);
    free(k->same_now);
    free(k->same_before);
    free(k->different_now);
    free(k->different_before);
    free(k->from_now);
    free(k->from_before);
    free(k->lost);
    free(k->most);
    free(k->before_of);
    *k = (struct fl_kept_compared){0};
}

bool fl_kept_fits(struct fl_kept_counts *kept, const struct fl_lane lanes[3])
{
    const struct fl_timeline *now = &lanes[0].time, *before = &kept->families[0].lane.time;
    kept->why_not = NULL;
    if (!kept->filled)
        kept->why_not =
            kept->too_large ? "what was counted takes too much memory to be kept" : "nothing was kept";
    else if (kept->crowded)
        kept->why_not = "some hosts are crowded";
    else if (now->window_ms != before->window_ms || now->jitter != before->jitter)
        kept->why_not = "other windows are configured";
    else if (now->from_ms < before->from_ms ||
             (before->to_ms - now->from_ms) * 2 < now->to_ms - now->from_ms ||
             windows_of(now) > INT32_MAX - (now->base_window - before->base_window))
        kept->why_not = "the spans overlap too little";
    return !kept->why_not;
}
