/* Judging a pair.
 *
 * 1. E = sum over blocks of n_x(b) n_y(b) / jitter; a block that the span cuts has fewer windows to move in.
 * 2. The tail probability of n_xy; those <= q are kept for Benjamini-Hochberg (greater ones cannot matter).
 * 3. Pairs that may be rules are kept.
 *
 * Most pairs are chance, and most of those are told before E is known: for every n_xy there is a sum above
 * which its tail is above q, and blocks are added up only until that is passed. The limits leave a margin
 * that is far above the error of the arithmetic; what comes near one is judged by the whole sum.
 *
 * Example: x starts in windows 3, 70, 130 and y in 3, 71, 130, jitter 60: n_xy = 2, E = (1*1 + 1*1 + 1*1)/60
 * = 0.05. With q = 0.01, two coincidences are chance for E > 0.149, a sum of 9 or more. */
#include "mining/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "mining/room.h"
#include "mining/stats.h"
#include "storage/error.h"

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

/* ---- limits ---- */

/* A sum above which n_xy = k is certainly above the threshold: found by halving, kept on the safe side. */
static uint64_t find_limit(uint64_t k, double log10_q, uint32_t jitter)
{
    double low = 0, high = (double)k;
    for (int i = 0; i < 24; i++) {
        double middle = (low + high) / 2;
        if (fl_log10_poisson_tail(k, middle) > log10_q + 1e-9)
            high = middle;
        else
            low = middle;
    }
    return (uint64_t)(high * jitter);
}

/* k coincidences where k or more are expected are never more than chance. */
static uint64_t limit_of(const struct fl_bench *b, uint64_t k)
{
    return k < FL_JUDGE_LIMITS ? b->limits[k] : k * b->lane->time.jitter;
}

/* How many windows of a block the span has: jitter, or fewer where an end of the span cuts it. */
static uint32_t windows_in(const struct fl_timeline *t, uint32_t slot)
{
    uint32_t first = slot * t->jitter, last = first + t->jitter - 1;
    uint32_t span_first = fl_window_of(t, t->from_ms), span_last = fl_window_of(t, t->to_ms);
    first = first > span_first ? first : span_first;
    last = last < span_last ? last : span_last;
    return last - first + 1;
}

void fl_benches_init(struct fl_bench benches[3], const struct fl_lane lanes[3],
                     const struct fl_mining_config *config)
{
    const struct fl_timeline *t = &lanes[0].time;
    benches[0] = (struct fl_bench){.config = config,
                                   .log10_q = log10(config->q),
                                   .first_slot = fl_window_of(t, t->from_ms) / t->jitter,
                                   .last_slot = fl_window_of(t, t->to_ms) / t->jitter};
    benches[0].first_windows = windows_in(t, benches[0].first_slot);
    benches[0].last_windows = windows_in(t, benches[0].last_slot);
    for (uint64_t k = 1; k < FL_JUDGE_LIMITS; k++)
        benches[0].limits[k] = find_limit(k, benches[0].log10_q, lanes[0].time.jitter);
    benches[1] = benches[2] = benches[0];
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        benches[family].lane = &lanes[family];
}

/* ---- results ---- */

static int keep_p(struct fl_found *f, double log10_p)
{
    if (fl_room(&f->p, &f->room_p, f->n_p + 1, sizeof *f->p) < 0)
        return FL_ENOMEM;
    f->p[f->n_p++] = log10_p;
    return 0;
}

static int keep_pair(struct fl_found *f, const struct fl_pair *p)
{
    if (fl_room(&f->pairs, &f->room_pairs, f->n_pairs + 1, sizeof *f->pairs) < 0)
        return FL_ENOMEM;
    f->pairs[f->n_pairs++] = *p;
    return 0;
}

void fl_found_clear(struct fl_found *f)
{
    free(f->p);
    free(f->pairs);
    *f = (struct fl_found){0};
}

/* ---- a judge ---- */

void fl_judge_init(struct fl_judge *j, const struct fl_bench *bench, struct fl_found *found)
{
    *j = (struct fl_judge){.bench = bench, .found = found, .x = UINT32_MAX};
}

void fl_judge_clear(struct fl_judge *j)
{
    free(j->x_new);
    free(j->x_present);
    *j = (struct fl_judge){0};
}

static const struct fl_cell *cells_of(const struct fl_lane *lane, uint32_t node, const struct fl_cell **end)
{
    *end = lane->cells + lane->first_cell[node + 1];
    return lane->cells + lane->first_cell[node];
}

static uint32_t block_of(const struct fl_lane *lane, const struct fl_cell *c)
{
    return lane->words == 1 ? c->at : c->at / lane->words;
}

static void spread(struct fl_judge *j, bool in)
{
    const struct fl_lane *lane = j->bench->lane;
    const struct fl_cell *end, *c = cells_of(lane, j->x, &end);
    for (; c < end; c++) {
        uint32_t block = block_of(lane, c);
        j->x_new[block] = in ? j->x_new[block] + c->n_new : 0;
        j->x_present[block] = in ? j->x_present[block] + c->n_present : 0;
    }
}

static int make_room(struct fl_judge *j)
{
    size_t n = (size_t)j->bench->lane->n_blocks + 1;
    if (!j->x_new)
        j->x_new = calloc(n, sizeof *j->x_new);
    if (!j->x_present)
        j->x_present = calloc(n, sizeof *j->x_present);
    return j->x_new && j->x_present ? 0 : FL_ENOMEM;
}

/* The dense counts are x's. */
static int take_up(struct fl_judge *j, uint32_t x)
{
    if (j->x == x)
        return 0;
    if (j->x != UINT32_MAX)
        spread(j, false);
    else if (make_room(j) < 0)
        return FL_ENOMEM;
    j->x = x;
    spread(j, true);
    return 0;
}

/* Blocks of y added up, of starts or of presence of either, until the sum is above `enough`. */
static uint64_t sum_of(const struct fl_judge *j, uint32_t y, bool x_present, bool y_present, uint64_t enough)
{
    const struct fl_lane *lane = j->bench->lane;
    const struct fl_cell *end, *c = cells_of(lane, y, &end);
    const uint32_t *of_x = x_present ? j->x_present : j->x_new;
    uint64_t sum = 0;
    for (; c < end && sum <= enough; c++)
        sum += (uint64_t)of_x[block_of(lane, c)] * (y_present ? c->n_present : c->n_new);
    return sum;
}

/* Step 1 for one kind of pair. Sums are of integers, for whole blocks and for those that each end of the span
 * cuts, so that they are exact. */
static double expected(const struct fl_judge *j, uint32_t y, bool x_present, bool y_present)
{
    const struct fl_bench *b = j->bench;
    const struct fl_lane *lane = b->lane;
    const struct fl_cell *end, *c = cells_of(lane, y, &end);
    const uint32_t *of_x = x_present ? j->x_present : j->x_new;
    uint64_t whole = 0, first = 0, last = 0;
    for (; c < end; c++) {
        uint32_t block = block_of(lane, c), slot = lane->block_slot ? lane->block_slot[block] : block;
        uint64_t both = (uint64_t)of_x[block] * (y_present ? c->n_present : c->n_new);
        if (slot == b->first_slot)
            first += both;
        else if (slot == b->last_slot)
            last += both;
        else
            whole += both;
    }
    return (double)whole / lane->time.jitter + (double)first / b->first_windows +
           (double)last / b->last_windows;
}

static bool may_be_rule(const struct fl_pair *p, const struct fl_mining_config *config, uint64_t n_total)
{
    if (p->n_xy < config->support)
        return false;
    double confidence = (double)p->n_xy / (double)p->n_x, reverse = (double)p->n_xy / (double)p->n_y;
    return (confidence >= config->confidence || reverse >= config->confidence) &&
           confidence > (double)p->n_y / (double)n_total;
}

/* Steps 2 and 3. */
static int judge_kind(struct fl_judge *j, struct fl_pair *p)
{
    const struct fl_bench *b = j->bench;
    p->family = b->lane->family;
    p->n_x = b->lane->n_new[p->x];
    p->n_y = p->evidence == FL_EVIDENCE_START ? b->lane->n_new[p->y] : b->lane->n_present[p->y];
    if ((double)p->n_xy <= p->expected)
        return 0;
    p->log10_p = fl_log10_poisson_tail(p->n_xy, p->expected);
    if (p->log10_p > b->log10_q)
        return 0;
    if (keep_p(j->found, p->log10_p) < 0)
        return FL_ENOMEM;
    return may_be_rule(p, b->config, b->lane->n_total) ? keep_pair(j->found, p) : 0;
}

static int judge_start(struct fl_judge *j, uint32_t x, uint32_t y, uint64_t n, uint64_t sum)
{
    struct fl_pair p = {.x = x, .y = y, .evidence = FL_EVIDENCE_START, .n_xy = n};
    if (n == 0 || sum > limit_of(j->bench, n))
        return 0;
    if (take_up(j, x) < 0)
        return FL_ENOMEM;
    p.expected = expected(j, y, false, false);
    return judge_kind(j, &p);
}

static int judge_during(struct fl_judge *j, uint32_t x, uint32_t y, uint64_t n, bool x_present,
                        const uint32_t *known)
{
    struct fl_pair p = {
        .x = x_present ? y : x, .y = x_present ? x : y, .evidence = FL_EVIDENCE_DURING, .n_xy = n};
    uint64_t limit = limit_of(j->bench, n);
    if (n == 0 || (known && *known > limit))
        return 0;
    if (take_up(j, x) < 0)
        return FL_ENOMEM;
    if ((!known || j->bench->lane->words > 1) && sum_of(j, y, x_present, !x_present, limit) > limit)
        return 0;
    p.expected = expected(j, y, x_present, !x_present);
    return judge_kind(j, &p);
}

int fl_judge_pair(struct fl_judge *j, uint32_t x, uint32_t y, const struct fl_meetings *m,
                  const struct fl_sums *known)
{
    uint64_t most = (uint64_t)m->both + (m->x_during_y > m->y_during_x ? m->x_during_y : m->y_during_x);
    uint64_t limit = limit_of(j->bench, most), sum;
    j->found->tested += (m->both > 0) + (m->both + m->x_during_y > 0) + (m->both + m->y_during_x > 0);
    if ((known ? known->start : m->both) > limit) /* where both start adds at least 1 to its block */
        return 0;
    bool at_hand = known && j->bench->lane->words == 1;
    if (!at_hand && take_up(j, x) < 0)
        return FL_ENOMEM;
    sum = at_hand ? known->start : sum_of(j, y, false, false, limit);
    if (sum > limit)
        return 0;
    int rc = judge_start(j, x, y, m->both, sum);
    if (rc == 0)
        rc = judge_during(j, x, y, (uint64_t)m->both + m->x_during_y, false,
                          known ? &known->x_during_y : NULL);
    if (rc == 0)
        rc =
            judge_during(j, x, y, (uint64_t)m->both + m->y_during_x, true, known ? &known->y_during_x : NULL);
    return rc;
}

/* ---- all judges together ---- */

static int compare_pairs(const void *va, const void *vb)
{
    const struct fl_pair *a = va, *b = vb;
    FL_ORDER(a->family, b->family);
    FL_ORDER(a->x, b->x);
    FL_ORDER(a->y, b->y);
    FL_ORDER(a->evidence, b->evidence);
    return 0;
}

/* Move what all found to the first. */
static int gather(struct fl_found *found, size_t n)
{
    size_t n_p = 0, n_pairs = 0;
    for (size_t i = 0; i < n; i++) {
        n_p += found[i].n_p;
        n_pairs += found[i].n_pairs;
    }
    double *p = realloc(found[0].p, (n_p + 1) * sizeof *p);
    if (p)
        found[0].p = p;
    struct fl_pair *pairs = realloc(found[0].pairs, (n_pairs + 1) * sizeof *pairs);
    if (pairs)
        found[0].pairs = pairs;
    if (!p || !pairs)
        return FL_ENOMEM;
    for (size_t i = 1; i < n; i++) {
        if (found[i].n_p)
            memcpy(p + found[0].n_p, found[i].p, found[i].n_p * sizeof *p);
        if (found[i].n_pairs)
            memcpy(pairs + found[0].n_pairs, found[i].pairs, found[i].n_pairs * sizeof *pairs);
        found[0].n_p += found[i].n_p;
        found[0].n_pairs += found[i].n_pairs;
        found[0].tested += found[i].tested;
        fl_found_clear(&found[i]);
    }
    return 0;
}

int fl_found_settle(struct fl_found *found, size_t n, double log10_q, struct fl_pair **pairs, size_t *n_pairs,
                    uint64_t *tested)
{
    int rc = gather(found, n);
    double *q = rc == 0 ? malloc((found->n_p + 1) * sizeof *q) : NULL;
    size_t kept = 0;
    if (!q)
        return FL_ENOMEM;
    if (found->n_p)
        fl_benjamini_hochberg(found->p, q, found->n_p, found->tested);
    for (size_t i = 0; i < found->n_pairs; i++) {
        found->pairs[i].log10_q = fl_q_of(found->p, q, found->n_p, found->pairs[i].log10_p);
        if (found->pairs[i].log10_q <= log10_q)
            found->pairs[kept++] = found->pairs[i];
    }
    free(q);
    if (kept)
        qsort(found->pairs, kept, sizeof *found->pairs, compare_pairs);
    *pairs = found->pairs;
    *n_pairs = kept;
    *tested = found->tested;
    found->pairs = NULL;
    return 0;
}
