/* Counting pairs as a sparse matrix product: for each node, walk the windows it starts in, look up who else
 * is active there, count the partners in a dense array, test the row, forget it. No table of pairs ever
 * exists; the cost is the number of co-occurrences. (Gustavson, "Two fast algorithms for sparse matrices",
 * ACM TOMS 4, 1978.)
 *
 * 1. For node x, spread its block counts n_x(b) over a dense array.
 * 2. For each window (of each host) in which x starts: every y > x that starts there counts as `start`, every
 * y that is present there counts as `during`.
 * 3. For each partner: E = sum_b n_x(b) n_y(b) / jitter (a block that the span cuts has fewer windows to move
 * in), then the tail probability of n_xy.
 * 4. p-values <= q are kept for Benjamini-Hochberg (greater ones cannot matter), pairs that may be rules are
 * kept.
 *
 * Example: x starts in windows 3, 70, 130 and y in 3, 71, 130, jitter 60: n_xy = 2, E = (1*1 + 1*1 + 1*1)/60
 * = 0.05. */
#include "mining/count.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mining/order.h"
#include "mining/stats.h"
#include "storage/error.h"

bool fl_pair_shares_two_hosts(const struct fl_node_key *x, const struct fl_node_key *y)
{
    if (x->client == FL_HOST_ANY || x->server == FL_HOST_ANY)
        return false;
    return (x->client == y->client && x->server == y->server) ||
           (x->client == y->server && x->server == y->client);
}

bool fl_pair_allowed(enum fl_family family, const struct fl_node_key *x, const struct fl_node_key *y)
{
    if (family == FL_BOUND_CLIENT)
        return true;
    if (family == FL_BOUND_SERVER)
        return x->client != y->client;
    if (x->client == FL_HOST_ANY && y->client == FL_HOST_ANY)
        return false;
    return !fl_key_generalises(x, y) && !fl_key_generalises(y, x);
}

struct doubles {
    double *items;
    size_t n, room;
};

static int add_double(struct doubles *d, double value)
{
    if (d->n == d->room) {
        size_t room = d->room ? d->room * 2 : 1024;
        double *items = realloc(d->items, room * sizeof *items);
        if (!items)
            return FL_ENOMEM;
        d->items = items;
        d->room = room;
    }
    d->items[d->n++] = value;
    return 0;
}

/* What all threads share. */
struct job {
    const struct fl_lane *lane;
    const struct fl_nodes *nodes;
    const struct fl_mining_config *config;
    uint32_t jitter;
    double log10_q;
    atomic_size_t next_row;
    atomic_int status;
    int (*stop)(void *ctx, double done);
    void *ctx;
    double done_before; /* share of the whole that earlier lanes made */
};

/* What each thread has for itself. */
struct worker {
    struct job *job;
    uint32_t *start, *during; /* coincidences with each partner */
    uint32_t *touched;        /* partners with any */
    size_t n_touched;
    uint32_t *x_blocks; /* n_x(b), dense */
    struct doubles p;
    struct fl_pair *pairs;
    size_t n_pairs, room;
    uint64_t tested;
    bool first; /* the one that asks `stop` */
};

/* The nodes at a key, searched forward from *at, which is left at the key or behind where it would be. */
static const uint32_t *nodes_at(const struct fl_index *index, uint64_t key, size_t *at, size_t *n)
{
    size_t low = *at, step = 1;
    while (low + step < index->n && index->key[low + step] < key)
        low += step, step *= 2;
    size_t high = low + step < index->n ? low + step : index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->key[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    bool found = low < index->n && index->key[low] == key;
    *n = found ? index->first[low + 1] - index->first[low] : 0;
    return found ? index->nodes + index->first[low] : NULL;
}

static void touch(struct worker *w, uint32_t y)
{
    if (w->start[y] == 0 && w->during[y] == 0)
        w->touched[w->n_touched++] = y;
}

static void count_start(struct worker *w, uint32_t x, const uint32_t *nodes, size_t n)
{
    for (size_t i = n; i-- > 0 && nodes[i] > x;) {
        touch(w, nodes[i]);
        w->start[nodes[i]]++;
    }
}

static void count_during(struct worker *w, uint32_t x, const uint32_t *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nodes[i] != x) {
            touch(w, nodes[i]);
            w->during[nodes[i]]++;
        }
}

/* Step 2 for one track of x under one host. */
static void walk_track(struct worker *w, const struct fl_track *track, uint64_t host)
{
    const struct fl_lane *lane = w->job->lane;
    size_t at_new = 0, at_part = 0, at_full = 0, n;
    for (size_t i = track->new_from; i < track->new_to; i++) {
        uint64_t window = host << 32 | lane->windows[i],
                 block = host << 32 | lane->windows[i] / w->job->jitter;
        const uint32_t *nodes = nodes_at(&lane->new_at, window, &at_new, &n);
        count_start(w, track->node, nodes, n);
        nodes = nodes_at(&lane->part_at, window, &at_part, &n);
        count_during(w, track->node, nodes, n);
        nodes = nodes_at(&lane->full_at, block, &at_full, &n);
        count_during(w, track->node, nodes, n);
    }
}

/* Step 3; whole blocks are summed in integers, so that the sum is exact. */
static double expected(const struct worker *w, const struct fl_blocks *y_blocks, uint32_t y)
{
    const uint32_t *block_windows = w->job->lane->block_windows;
    uint64_t whole = 0;
    double cut = 0;
    for (size_t i = y_blocks->first[y]; i < y_blocks->first[y + 1]; i++) {
        uint32_t block = y_blocks->block[i];
        uint64_t both = (uint64_t)w->x_blocks[block] * y_blocks->count[i];
        if (both && block_windows[block] != w->job->jitter)
            cut += (double)both / block_windows[block];
        else
            whole += both;
    }
    return (double)whole / w->job->jitter + cut;
}

static bool may_be_rule(const struct fl_pair *p, const struct fl_mining_config *config, uint64_t n_total)
{
    if (p->n_xy < config->support)
        return false;
    double confidence = (double)p->n_xy / (double)p->n_x, reverse = (double)p->n_xy / (double)p->n_y;
    return (confidence >= config->confidence || reverse >= config->confidence) &&
           confidence > (double)p->n_y / (double)n_total;
}

static int keep_pair(struct worker *w, const struct fl_pair *p)
{
    if (w->n_pairs == w->room) {
        size_t room = w->room ? w->room * 2 : 256;
        struct fl_pair *pairs = realloc(w->pairs, room * sizeof *pairs);
        if (!pairs)
            return FL_ENOMEM;
        w->pairs = pairs;
        w->room = room;
    }
    w->pairs[w->n_pairs++] = *p;
    return 0;
}

/* Steps 3 and 4 for one partner and one kind of evidence. */
static int test_pair(struct worker *w, uint32_t x, uint32_t y, enum fl_evidence evidence, uint32_t n_xy)
{
    const struct fl_lane *lane = w->job->lane;
    bool start = evidence == FL_EVIDENCE_START;
    struct fl_pair p = {
        .x = x, .y = y, .family = lane->family, .evidence = evidence, .n_x = lane->n_new[x], .n_xy = n_xy};
    p.n_y = start ? lane->n_new[y] : lane->n_present[y];
    w->tested++;
    p.expected = expected(w, start ? &lane->new_blocks : &lane->present_blocks, y);
    if ((double)n_xy <= p.expected)
        return 0;
    p.log10_p = fl_log10_poisson_tail(n_xy, p.expected);
    if (p.log10_p > w->job->log10_q)
        return 0;
    if (add_double(&w->p, p.log10_p) < 0)
        return FL_ENOMEM;
    return may_be_rule(&p, w->job->config, lane->n_total) ? keep_pair(w, &p) : 0;
}

static int test_partner(struct worker *w, uint32_t x, uint32_t y)
{
    const struct fl_node_key *keys = w->job->nodes->keys;
    enum fl_family family = w->job->lane->family;
    uint32_t start = w->start[y], during = w->during[y];
    w->start[y] = w->during[y] = 0;
    if (!fl_pair_allowed(family, &keys[x], &keys[y]))
        return 0;
    if (family == FL_NAMED && fl_pair_shares_two_hosts(&keys[x], &keys[y])) { /* met under both hosts */
        start /= 2;
        during /= 2;
    }
    int rc = start ? test_pair(w, x, y, FL_EVIDENCE_START, start) : 0;
    return rc == 0 && during ? test_pair(w, x, y, FL_EVIDENCE_DURING, during) : rc;
}

static void spread_blocks(struct worker *w, uint32_t x, bool in)
{
    const struct fl_blocks *b = &w->job->lane->new_blocks;
    for (size_t i = b->first[x]; i < b->first[x + 1]; i++)
        w->x_blocks[b->block[i]] = in ? b->count[i] : 0;
}

static int count_row(struct worker *w, uint32_t x)
{
    const struct fl_lane *lane = w->job->lane;
    int rc = 0;
    spread_blocks(w, x, true);
    for (size_t i = lane->first_track[x]; i < lane->first_track[x + 1]; i++) {
        uint32_t hosts[2];
        int n = fl_track_hosts(lane, w->job->nodes, &lane->tracks[i], hosts);
        for (int h = 0; h < n; h++)
            walk_track(w, &lane->tracks[i], hosts[h]);
    }
    for (size_t i = 0; i < w->n_touched; i++) {
        int failed = test_partner(w, x, w->touched[i]);
        rc = failed ? failed : rc;
    }
    w->n_touched = 0;
    spread_blocks(w, x, false);
    return rc;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct job *job = w->job;
    size_t n = job->lane->n_nodes, x;
    while (atomic_load(&job->status) == 0 && (x = atomic_fetch_add(&job->next_row, 1)) < n) {
        int rc = count_row(w, (uint32_t)x);
        if (rc == 0 && w->first && job->stop && x % 16 == 0 &&
            job->stop(job->ctx, job->done_before + (double)x / (double)n / 3))
            rc = FL_ESTOP;
        if (rc < 0)
            atomic_store(&job->status, rc);
    }
    return NULL;
}

static int worker_init(struct worker *w, struct job *job, bool first)
{
    size_t n = job->lane->n_nodes + 1;
    *w = (struct worker){.job = job,
                         .first = first,
                         .start = calloc(n, sizeof *w->start),
                         .during = calloc(n, sizeof *w->during),
                         .touched = malloc(n * sizeof *w->touched),
                         .x_blocks = calloc((size_t)job->lane->n_blocks + 1, sizeof *w->x_blocks)};
    return w->start && w->during && w->touched && w->x_blocks ? 0 : FL_ENOMEM;
}

static void worker_clear(struct worker *w)
{
    free(w->start);
    free(w->during);
    free(w->touched);
    free(w->x_blocks);
    free(w->p.items);
    free(w->pairs);
}

/* Move what a worker found to the common results. */
static int gather(struct worker *w, struct fl_pairs *out, struct doubles *p)
{
    struct fl_pair *items = realloc(out->items, (out->n + w->n_pairs + 1) * sizeof *items);
    if (!items)
        return FL_ENOMEM;
    out->items = items;
    if (w->n_pairs)
        memcpy(items + out->n, w->pairs, w->n_pairs * sizeof *items);
    out->n += w->n_pairs;
    out->tested += w->tested;
    for (size_t i = 0; i < w->p.n; i++)
        if (add_double(p, w->p.items[i]) < 0)
            return FL_ENOMEM;
    return 0;
}

enum { MOST_THREADS = 64 };

static uint32_t thread_count(const struct fl_mining_config *config)
{
    long processors = config->threads ? (long)config->threads : sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors > MOST_THREADS ? MOST_THREADS : (uint32_t)processors;
}

static int count_lane(struct job *job, struct fl_pairs *out, struct doubles *p)
{
    uint32_t n = thread_count(job->config), running = 0;
    struct worker *workers = calloc(n, sizeof *workers);
    pthread_t *threads = calloc(n, sizeof *threads);
    int rc = workers && threads ? 0 : FL_ENOMEM;
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        rc = worker_init(&workers[i], job, i == 0);
    if (rc == 0) {
        while (running + 1 < n && pthread_create(&threads[running], NULL, work, &workers[running + 1]) == 0)
            running++;
        work(&workers[0]);
        for (uint32_t i = 0; i < running; i++)
            pthread_join(threads[i], NULL);
        rc = atomic_load(&job->status);
    }
    for (uint32_t i = 0; workers && i < n; i++) {
        if (rc == 0)
            rc = gather(&workers[i], out, p);
        worker_clear(&workers[i]);
    }
    free(workers);
    free(threads);
    return rc;
}

static int compare_pairs(const void *va, const void *vb)
{
    const struct fl_pair *a = va, *b = vb;
    FL_ORDER(a->family, b->family);
    FL_ORDER(a->x, b->x);
    FL_ORDER(a->y, b->y);
    FL_ORDER(a->evidence, b->evidence);
    return 0;
}

/* Give every pair its q-value and drop those above the threshold. */
static int keep_significant(struct fl_pairs *out, struct doubles *p, double log10_threshold)
{
    double *q = malloc((p->n + 1) * sizeof *q);
    size_t kept = 0;
    if (!q)
        return FL_ENOMEM;
    if (p->n)
        fl_benjamini_hochberg(p->items, q, p->n, out->tested);
    for (size_t i = 0; i < out->n; i++) {
        out->items[i].log10_q = fl_q_of(p->items, q, p->n, out->items[i].log10_p);
        if (out->items[i].log10_q <= log10_threshold)
            out->items[kept++] = out->items[i];
    }
    out->n = kept;
    free(q);
    if (kept)
        qsort(out->items, kept, sizeof *out->items, compare_pairs);
    return 0;
}

int fl_count_pairs(struct fl_pairs *out, const struct fl_lane lanes[3], const struct fl_nodes *nodes,
                   uint32_t jitter, const struct fl_mining_config *config,
                   int (*stop)(void *ctx, double done), void *ctx)
{
    struct doubles p = {0};
    double log10_q = log10(config->q);
    int rc = 0;
    *out = (struct fl_pairs){0};
    for (int i = 0; i < 3 && rc == 0; i++) {
        struct job job = {.lane = &lanes[i],
                          .nodes = nodes,
                          .config = config,
                          .jitter = jitter,
                          .log10_q = log10_q,
                          .stop = stop,
                          .ctx = ctx,
                          .done_before = i / 3.0};
        rc = count_lane(&job, out, &p);
    }
    if (rc == 0)
        rc = keep_significant(out, &p, log10_q);
    free(p.items);
    if (rc < 0)
        fl_pairs_clear(out);
    return rc;
}

void fl_pairs_clear(struct fl_pairs *p)
{
    free(p->items);
    *p = (struct fl_pairs){0};
}
