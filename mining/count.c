/* Counting pairs as a sparse matrix product: for each node, walk the lists it is active in, add up what it
 * has in common with the others of each in a dense array, judge the row, forget it. No table of pairs ever
 * exists. (Gustavson, "Two fast algorithms for sparse matrices", ACM TOMS 4, 1978.)
 *
 * 1. The nodes that name one host are laid out in lists (mining/meet), and counted there and then: their
 * partners are few and lie close together. A bound family is one such group.
 * 2. Row x meets its partners y > x, up to 64 windows at once: bits that both have are windows in which both
 * start; in which x starts while y is under way without starting; and the other way round. Both kinds of
 * evidence, both ways, come from these three, so every pair of a list is looked at once. On the way, the sums
 * over blocks that expected counts are made of are added up.
 * 3. Each partner is judged (mining/judge).
 *
 * Groups that are a good part of the whole are laid out first and their rows shared by all threads; of the
 * others each thread takes the next.
 *
 * Example: x starts in windows 3, 70, 130; y starts in 3, 71, 130 and each time lasts 2 windows: both start
 * in 2 windows, y is under way in none of x's others, x is in none of y's. With blocks of 60 windows, the sum
 * of starts is 1 * 1 + 1 * 1 + 1 * 1. */
#include "mining/count.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mining/meet.h"
#include "mining/parallel.h"
#include "mining/seats.h"
#include "storage/error.h"

/* ---- the work and those who do it ---- */

enum { FAMILIES = 3, ROWS_AT_ONCE = 32, GROUPS_AT_ONCE = 8, MOST_LARGE = 2 * FL_MOST_THREADS };

struct large { /* a group whose rows are shared */
    enum fl_family family;
    uint32_t host;        /* NAMED */
    const uint32_t *node; /* its nodes */
    size_t n;
    struct fl_meet meet;
    atomic_uint next_row;
};

struct met { /* what a row has in common with another */
    struct fl_meetings in;
    struct fl_sums sums; /* over lists */
};

struct worker;

/* What all threads share. */
struct job {
    const struct fl_count_request *request;
    uint32_t threads, crowd;
    void (*walk_row)(struct worker *w, const struct fl_meet *m, uint32_t x);
    struct fl_bench benches[FAMILIES];
    struct fl_seats seats;
    uint32_t *bound[FAMILIES]; /* the nodes of the bound families */
    struct large *large;
    uint32_t n_large;
    uint8_t *is_large; /* by host of NAMED */
    atomic_uint next_large, next_host;
    atomic_bool stopped, crowded;
    atomic_int failed; /* the first code, of whichever thread */
    size_t n_rows;     /* about */
    atomic_size_t rows_done;
};

/* What each thread has for itself. */
struct worker {
    struct job *job;
    bool first;          /* the one that asks `stop` */
    struct fl_meet meet; /* of small groups */
    struct met *met;     /* by partner */
    uint64_t *seen;      /* a bit a partner: it was in a list */
    size_t room;
    struct fl_judge judges[FAMILIES];
};

/* ---- 2. meetings of a row ---- */

/* Bits are counted by an instruction that not every processor of the family has, hence two copies of what
 * counts them. */
#if defined(__x86_64__) && !defined(__POPCNT__)
#define TWO_COPIES 1
#endif
#define IN_BOTH_COPIES static inline __attribute__((always_inline))

IN_BOTH_COPIES void meet(struct worker *w, const struct fl_active *x, const struct fl_active *y)
{
    struct met *met = &w->met[y->row];
    uint32_t both = (uint32_t)__builtin_popcountll(x->starts & y->starts);
    met->in.both += both;
    met->in.x_during_y += (uint32_t)__builtin_popcountll(x->starts & y->present) - both;
    met->in.y_during_x += (uint32_t)__builtin_popcountll(x->present & y->starts) - both;
    met->sums.start += (uint32_t)x->n_new * y->n_new;
    met->sums.x_during_y += (uint32_t)x->n_new * y->n_present;
    met->sums.y_during_x += (uint32_t)x->n_present * y->n_new;
    w->seen[y->row / 64] |= UINT64_C(1) << y->row % 64;
}

IN_BOTH_COPIES void walk_lists(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    const struct fl_active *active = m->active;
    for (uint32_t i = m->first[x]; i < m->first[x + 1]; i++) {
        const struct fl_list *list = &m->lists[m->places[i].list];
        uint32_t at = m->places[i].at;
        struct fl_active self = active[at];
        if (at < list->others) {
            for (uint32_t j = at + 1; j < list->others && !list->met; j++)
                meet(w, &self, &active[j]);
            for (uint32_t j = list->end; j > list->others && active[j - 1].row > x; j--)
                meet(w, &self, &active[j - 1]);
        } else {
            for (uint32_t j = list->others; j > list->starters && active[j - 1].row > x; j--)
                meet(w, &self, &active[j - 1]);
        }
    }
}

static void walk_row(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    walk_lists(w, m, x);
}

#ifdef TWO_COPIES
__attribute__((target("popcnt"))) static void walk_row_popcnt(struct worker *w, const struct fl_meet *m,
                                                              uint32_t x)
{
    walk_lists(w, m, x);
}
#endif

/* ---- 3. partners of a row ---- */

/* Two nodes that share two hosts meet under both, and are counted under the lower one. */
static bool counts_here(const struct worker *w, const struct fl_meet *m, uint32_t x, uint32_t y)
{
    const struct fl_node_key *keys = w->job->request->nodes->keys;
    if (m->family == FL_NAMED && m->other[x] != FL_HOST_ANY && m->other[y] != FL_HOST_ANY)
        return m->other[x] != m->other[y] || m->host < m->other[x];
    return fl_pair_allowed(m->family, &keys[m->node[x]], &keys[m->node[y]]);
}

/* Judge what was counted of a partner, which is then as if never met. */
static int judge_partner(struct worker *w, const struct fl_meet *m, uint32_t x, uint32_t y)
{
    struct met met = w->met[y];
    w->met[y] = (struct met){0};
    if (!(met.in.both | met.in.x_during_y | met.in.y_during_x) || !counts_here(w, m, x, y))
        return 0;
    return fl_judge_pair(&w->judges[m->family], m->node[x], m->node[y], &met.in,
                         m->in_parts[x] && m->in_parts[y] ? NULL : &met.sums);
}

static int count_row(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    int rc = 0;
    w->job->walk_row(w, m, x);
    for (uint32_t i = x / 64; i <= m->n_rows / 64; i++)
        for (; w->seen[i]; w->seen[i] &= w->seen[i] - 1) {
            int judged = judge_partner(w, m, x, i * 64 + (uint32_t)__builtin_ctzll(w->seen[i]));
            rc = rc == 0 ? judged : rc;
        }
    return rc;
}

/* ---- groups ---- */

static int start_group(struct worker *w, const struct fl_meet *m)
{
    size_t n = (size_t)m->n_rows + 1;
    if (m->crowded)
        atomic_store(&w->job->crowded, true);
    if (n <= w->room)
        return 0;
    free(w->met);
    free(w->seen);
    w->room = n + n / 2;
    w->met = calloc(w->room, sizeof *w->met);
    w->seen = calloc(w->room / 64 + 1, sizeof *w->seen);
    return w->met && w->seen ? 0 : FL_ENOMEM;
}

/* Does the run end before its end? The calling thread asks. */
static int ends_early(struct job *job, bool asks)
{
    const struct fl_count_request *r = job->request;
    if (asks && r->stop && !atomic_load(&job->stopped) &&
        r->stop(r->ctx, (double)atomic_load(&job->rows_done) / (double)(job->n_rows + 1)))
        atomic_store(&job->stopped, true);
    int rc = atomic_load(&job->failed);
    return rc == 0 && atomic_load(&job->stopped) ? FL_ESTOP : rc;
}

static int count_rows(struct worker *w, const struct fl_meet *m, uint32_t from, uint32_t to)
{
    int rc = 0;
    to = to < m->n_rows ? to : m->n_rows;
    for (uint32_t x = from; x < to && rc == 0; x++)
        rc = count_row(w, m, x);
    atomic_fetch_add(&w->job->rows_done, to - from);
    return rc == 0 ? ends_early(w->job, w->first) : rc;
}

static int count_large(struct worker *w, struct large *large)
{
    uint32_t from;
    int rc = start_group(w, &large->meet);
    while (rc == 0 && (from = atomic_fetch_add(&large->next_row, ROWS_AT_ONCE)) < large->meet.n_rows)
        rc = count_rows(w, &large->meet, from, from + ROWS_AT_ONCE);
    return rc;
}

static int count_host(struct worker *w, uint32_t host)
{
    struct job *job = w->job;
    const struct fl_count_request *r = job->request;
    size_t from = job->seats.first[host], n = job->seats.first[host + 1] - from;
    if (job->is_large[host] || n < 2)
        return 0;
    int rc =
        fl_meet_build(&w->meet, &r->lanes[FL_NAMED], r->nodes, host, job->seats.node + from, n, job->crowd);
    if (rc == 0)
        rc = start_group(w, &w->meet);
    return rc == 0 ? count_rows(w, &w->meet, 0, w->meet.n_rows) : rc;
}

static int count_groups(struct worker *w)
{
    struct job *job = w->job;
    uint32_t host, n_hosts = (uint32_t)job->seats.n_hosts;
    int rc = 0;
    for (uint32_t i = 0; i < job->n_large && rc == 0; i++)
        rc = count_large(w, &job->large[i]);
    while (rc == 0 && (host = atomic_fetch_add(&job->next_host, GROUPS_AT_ONCE)) < n_hosts)
        for (uint32_t i = host; i < n_hosts && i - host < GROUPS_AT_ONCE && rc == 0; i++)
            rc = count_host(w, i);
    return rc;
}

/* ---- all of it ---- */

struct crew {
    struct job *job;
    struct worker *workers;
};

/* The others are to end too. Returns what was first. */
static int fails(struct job *job, int rc)
{
    int first = 0;
    if (rc < 0 && rc != FL_ESTOP && !atomic_compare_exchange_strong(&job->failed, &first, rc))
        rc = first;
    return rc;
}

static int lay_out_part(void *ctx, uint32_t part)
{
    struct job *job = ((struct crew *)ctx)->job;
    const struct fl_count_request *r = job->request;
    uint32_t i;
    int rc = 0;
    while (rc == 0 && (i = atomic_fetch_add(&job->next_large, 1)) < job->n_large) {
        struct large *l = &job->large[i];
        rc = fl_meet_build(&l->meet, &r->lanes[l->family], r->nodes, l->host, l->node, l->n, job->crowd);
        if (rc == 0)
            rc = ends_early(job, part == 0);
    }
    return fails(job, rc);
}

static int count_part(void *ctx, uint32_t part)
{
    struct crew *crew = ctx;
    return fails(crew->job, count_groups(&crew->workers[part]));
}

static void worker_init(struct worker *w, struct job *job, struct fl_found *found, bool first)
{
    *w = (struct worker){.job = job, .first = first};
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        fl_judge_init(&w->judges[family], &job->benches[family], found);
}

static void worker_clear(struct worker *w)
{
    fl_meet_clear(&w->meet);
    free(w->met);
    free(w->seen);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        fl_judge_clear(&w->judges[family]);
}

static uint64_t weight_of(const struct job *job, uint32_t host)
{
    const struct fl_lane *lane = &job->request->lanes[FL_NAMED];
    uint64_t sum = 0;
    for (size_t i = job->seats.first[host]; i < job->seats.first[host + 1]; i++)
        sum += lane->first_cell[job->seats.node[i] + 1] - lane->first_cell[job->seats.node[i]];
    return sum;
}

/* The nodes of a bound family are one group. */
static int add_bound(struct job *job, enum fl_family family)
{
    const struct fl_lane *lane = &job->request->lanes[family];
    struct large *l = &job->large[job->n_large++];
    l->family = family;
    l->host = FL_HOST_ANY;
    l->node = job->bound[family] = malloc((lane->n_nodes + 1) * sizeof *job->bound[family]);
    if (!l->node)
        return FL_ENOMEM;
    for (uint32_t node = 0; node < lane->n_nodes; node++)
        if (lane->first_cell[node + 1] > lane->first_cell[node])
            job->bound[family][l->n++] = node;
    job->n_rows += l->n;
    return 0;
}

static void add_host(struct job *job, uint32_t host)
{
    struct large *l = &job->large[job->n_large++];
    l->family = FL_NAMED;
    l->host = host;
    l->node = job->seats.node + job->seats.first[host];
    l->n = job->seats.first[host + 1] - job->seats.first[host];
    job->is_large[host] = 1;
}

/* The bound families, and with several threads the hosts that are a good part of what one has to do. */
static int find_large(struct job *job)
{
    uint32_t n_hosts = (uint32_t)job->seats.n_hosts;
    uint64_t total = 0;
    int rc = 0;
    job->large = calloc(MOST_LARGE + 2, sizeof *job->large);
    job->is_large = calloc((size_t)n_hosts + 1, 1);
    if (!job->large || !job->is_large)
        return FL_ENOMEM;
    for (int family = FL_BOUND_CLIENT; family <= FL_BOUND_SERVER && rc == 0; family++)
        rc = add_bound(job, (enum fl_family)family);
    if (job->threads == 1)
        return rc;
    for (uint32_t host = 0; host < n_hosts; host++)
        total += weight_of(job, host);
    for (uint32_t host = 0; host < n_hosts; host++)
        if (weight_of(job, host) * 2 * job->threads > total && job->n_large < MOST_LARGE)
            add_host(job, host);
    return rc;
}

static int prepare(struct job *job)
{
    const struct fl_count_request *r = job->request;
    job->walk_row = walk_row;
#ifdef TWO_COPIES
    if (__builtin_cpu_supports("popcnt"))
        job->walk_row = walk_row_popcnt;
#endif
    fl_benches_init(job->benches, r->lanes, r->config);
    int rc = fl_seats_build(&job->seats, r->nodes, r->talk->n_hosts);
    if (rc == 0)
        job->n_rows = job->seats.first[job->seats.n_hosts];
    return rc == 0 ? find_large(job) : rc;
}

static void job_clear(struct job *job)
{
    for (uint32_t i = 0; job->large && i < job->n_large; i++)
        fl_meet_clear(&job->large[i].meet);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        free(job->bound[family]);
    fl_seats_clear(&job->seats);
    free(job->large);
    free(job->is_large);
}

static int run_workers(struct job *job, struct worker *workers, struct fl_found *found)
{
    struct crew crew = {job, workers};
    int rc = fl_parallel(job->threads, lay_out_part, &crew);
    for (uint32_t i = 0; i < job->threads; i++)
        worker_init(&workers[i], job, &found[i], i == 0);
    return rc == 0 ? fl_parallel(job->threads, count_part, &crew) : rc;
}

static int count(struct fl_pairs *out, struct job *job, struct worker *workers, struct fl_found *found)
{
    const struct fl_count_request *r = job->request;
    int rc = workers && found ? prepare(job) : FL_ENOMEM;
    if (rc == 0)
        rc = run_workers(job, workers, found);
    if (rc == 0)
        rc = fl_found_settle(found, job->threads, log10(r->config->q), &out->items, &out->n, &out->tested);
    out->crowded = atomic_load(&job->crowded);
    return rc;
}

int fl_count_pairs(struct fl_pairs *out, const struct fl_count_request *r)
{
    struct job job = {.request = r,
                      .threads = fl_parallel_threads(r->config->threads),
                      .crowd = r->crowd ? r->crowd : FL_CROWD};
    struct worker *workers = calloc(job.threads, sizeof *workers);
    struct fl_found *found = calloc(job.threads, sizeof *found);
    *out = (struct fl_pairs){0};
    int rc = count(out, &job, workers, found);
    for (uint32_t i = 0; i < job.threads && workers && found; i++) {
        worker_clear(&workers[i]);
        fl_found_clear(&found[i]);
    }
    free(workers);
    free(found);
    job_clear(&job);
    if (rc < 0)
        fl_pairs_clear(out);
    return rc;
}

void fl_pairs_clear(struct fl_pairs *p)
{
    free(p->items);
    *p = (struct fl_pairs){0};
}
