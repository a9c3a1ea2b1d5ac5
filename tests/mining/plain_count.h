/* The plain pair counter: every pair of nodes, every window, by the definitions of MINING.md sections 4
 * and 5. What the fast one is held against. */
#ifndef FL_TESTS_PLAIN_COUNT_H
#define FL_TESTS_PLAIN_COUNT_H

#include "tests/mining/mining_fixture.h"

#include <math.h>

#include "mining/count.h"
#include "mining/order.h"
#include "mining/stats.h"

/* Where a node is active in a family: incidents host << 32 | window, ascending (host 0 when not bound). */
struct plain {
    uint64_t *starts, *present;
    size_t n_starts, n_present;
};

struct oracle {
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    const struct fl_mining_config *config;
    uint32_t crowd;
    struct plain *plain[3]; /* by family and node */
    struct fl_pair *pairs;
    double *p;
    size_t n, room, n_p, room_p;
    uint64_t tested;
};

static int plain_by_number(const void *va, const void *vb)
{
    FL_ORDER(*(const uint64_t *)va, *(const uint64_t *)vb);
    return 0;
}

static size_t plain_distinct(uint64_t *items, size_t n)
{
    size_t kept = 0;
    qsort(items, n, sizeof *items, plain_by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || items[i] != items[kept - 1])
            items[kept++] = items[i];
    return kept;
}

static struct plain plain_of(const struct oracle *o, uint32_t node, enum fl_family family)
{
    size_t n = o->nodes->first[node + 1] - o->nodes->first[node], present = 0;
    struct plain p = {.starts = malloc((n + 1) * sizeof *p.starts)};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            const struct fl_conversation *c =
                &o->talk->items[o->nodes->conversations[o->nodes->first[node] + i]];
            uint64_t bind = family == FL_BOUND_CLIENT ? c->client : family == FL_BOUND_SERVER ? c->server : 0;
            p.starts[i] = bind << 32 | fl_window_of(o->time, c->start_ms);
            for (uint64_t w = fl_window_of(o->time, c->start_ms); w <= fl_window_of(o->time, c->end_ms);
                 w++, present++)
                if (pass == 1)
                    p.present[p.n_present++] = bind << 32 | w;
        }
        if (pass == 0)
            p.present = malloc((present + 1) * sizeof *p.present);
    }
    p.n_starts = plain_distinct(p.starts, n);
    p.n_present = plain_distinct(p.present, p.n_present);
    return p;
}

static bool plain_belongs(const struct fl_node_key *k, int family)
{
    return family == FL_NAMED || (family == FL_BOUND_CLIENT ? k->client : k->server) == FL_HOST_ANY;
}

static bool plain_names(const struct fl_node_key *k, uint32_t host)
{
    return host != FL_HOST_ANY && (k->client == host || k->server == host);
}

/* The lowest host that both name, or FL_HOST_ANY. */
static uint32_t plain_meeting_place(const struct fl_node_key *x, const struct fl_node_key *y)
{
    uint32_t low = x->client < x->server ? x->client : x->server,
             high = x->client < x->server ? x->server : x->client;
    return plain_names(y, low) ? low : plain_names(y, high) ? high : FL_HOST_ANY;
}

/* The family a pair belongs to, or -1. */
static int plain_family(const struct fl_node_key *x, const struct fl_node_key *y)
{
    if (x->client == FL_HOST_ANY && y->client == FL_HOST_ANY)
        return FL_BOUND_CLIENT;
    if (x->server == FL_HOST_ANY && y->server == FL_HOST_ANY && x->client != y->client)
        return FL_BOUND_SERVER;
    if (fl_key_generalises(x, y) || fl_key_generalises(y, x))
        return -1;
    return plain_meeting_place(x, y) != FL_HOST_ANY ? FL_NAMED : -1;
}

/* ---- crowds ---- */

static int plain_kind(const struct fl_node_key *k, uint32_t host)
{
    return k->client == FL_HOST_ANY || k->server == FL_HOST_ANY ? 0 : k->client == host ? 1 : 2;
}

/* Is a node of this key in a crowd at this incident, under this host? Counted over all nodes, each time. */
static bool plain_crowded(const struct oracle *o, int family, const struct fl_node_key *key, uint32_t host,
                          uint64_t incident)
{
    uint32_t together = 0;
    for (uint32_t i = 0; o->crowd && i < o->nodes->n; i++) {
        const struct fl_node_key *k = &o->nodes->keys[i];
        const struct plain *p = &o->plain[family][i];
        if (!plain_belongs(k, family) ||
            (family == FL_NAMED && (!plain_names(k, host) || plain_kind(k, host) != plain_kind(key, host))))
            continue;
        together += bsearch(&incident, p->present, p->n_present, sizeof incident, plain_by_number) != NULL;
    }
    return o->crowd && together > o->crowd;
}

/* ---- pairs ---- */

static bool plain_meet(const struct oracle *o, const struct fl_pair *p, uint64_t incident)
{
    const struct fl_node_key *x = &o->nodes->keys[p->x], *y = &o->nodes->keys[p->y];
    uint32_t host = plain_meeting_place(x, y);
    return !plain_crowded(o, p->family, x, host, incident) && !plain_crowded(o, p->family, y, host, incident);
}

static uint64_t plain_in_block(const uint64_t *items, size_t n, size_t *at, uint64_t block, uint32_t jitter)
{
    uint64_t count = 0;
    for (; *at < n && (items[*at] >> 32 << 32 | (uint32_t)items[*at] / jitter) <= block; (*at)++)
        count += (items[*at] >> 32 << 32 | (uint32_t)items[*at] / jitter) == block;
    return count;
}

static double plain_block_windows(const struct fl_timeline *t, uint32_t block)
{
    uint32_t n = 0;
    for (uint32_t w = block * t->jitter; w < (block + 1) * t->jitter; w++)
        n += w >= fl_window_of(t, t->from_ms) && w <= fl_window_of(t, t->to_ms);
    return n;
}

static void plain_compare(const struct oracle *o, struct fl_pair *out)
{
    const struct plain *x = &o->plain[out->family][out->x], *y = &o->plain[out->family][out->y];
    const uint64_t *ys = out->evidence == FL_EVIDENCE_START ? y->starts : y->present;
    size_t n_y = out->evidence == FL_EVIDENCE_START ? y->n_starts : y->n_present, i = 0, j = 0;
    uint32_t jitter = o->time->jitter;
    uint64_t whole = 0, first = 0, last = 0;
    out->n_x = x->n_starts;
    out->n_y = n_y;
    for (i = 0; i < x->n_starts; i++) {
        while (j < n_y && ys[j] < x->starts[i])
            j++;
        out->n_xy += j < n_y && ys[j] == x->starts[i] && plain_meet(o, out, x->starts[i]);
    }
    for (i = j = 0; i < x->n_starts && out->n_xy;) {
        uint64_t block = x->starts[i] >> 32 << 32 | (uint32_t)x->starts[i] / jitter;
        uint64_t both = plain_in_block(x->starts, x->n_starts, &i, block, jitter) *
                        plain_in_block(ys, n_y, &j, block, jitter);
        uint32_t in_host = (uint32_t)block;
        if (in_host == fl_window_of(o->time, o->time->from_ms) / jitter)
            first += both;
        else if (in_host == fl_window_of(o->time, o->time->to_ms) / jitter)
            last += both;
        else
            whole += both;
    }
    out->expected =
        (double)whole / jitter +
        (double)first / plain_block_windows(o->time, fl_window_of(o->time, o->time->from_ms) / jitter) +
        (double)last / plain_block_windows(o->time, fl_window_of(o->time, o->time->to_ms) / jitter);
}

static void plain_try(struct oracle *o, struct fl_pair pair, uint64_t n_total)
{
    plain_compare(o, &pair);
    if (pair.n_xy == 0)
        return;
    o->tested++;
    if ((double)pair.n_xy <= pair.expected)
        return;
    pair.log10_p = fl_log10_poisson_tail(pair.n_xy, pair.expected);
    if (pair.log10_p > log10(o->config->q))
        return;
    if (o->n_p == o->room_p)
        o->p = realloc(o->p, (o->room_p = o->room_p * 2 + 64) * sizeof *o->p);
    if (o->n == o->room)
        o->pairs = realloc(o->pairs, (o->room = o->room * 2 + 64) * sizeof *o->pairs);
    o->p[o->n_p++] = pair.log10_p;
    double confidence = (double)pair.n_xy / (double)pair.n_x, reverse = (double)pair.n_xy / (double)pair.n_y;
    if (pair.n_xy >= o->config->support &&
        (confidence >= o->config->confidence || reverse >= o->config->confidence) &&
        confidence > (double)pair.n_y / (double)n_total)
        o->pairs[o->n++] = pair;
}

static int plain_by_family(const void *va, const void *vb)
{
    const struct fl_pair *a = va, *b = vb;
    FL_ORDER(a->family, b->family);
    FL_ORDER(a->x, b->x);
    FL_ORDER(a->y, b->y);
    FL_ORDER(a->evidence, b->evidence);
    return 0;
}

static void plain_settle(struct oracle *o)
{
    double *q = malloc((o->n_p + 1) * sizeof *q);
    size_t kept = 0;
    if (o->n_p)
        fl_benjamini_hochberg(o->p, q, o->n_p, o->tested);
    for (size_t i = 0; i < o->n; i++) {
        o->pairs[i].log10_q = fl_q_of(o->p, q, o->n_p, o->pairs[i].log10_p);
        if (o->pairs[i].log10_q <= log10(o->config->q))
            o->pairs[kept++] = o->pairs[i];
    }
    o->n = kept;
    if (kept)
        qsort(o->pairs, kept, sizeof *o->pairs, plain_by_family);
    free(q);
}

/* Fill in the results of *o, whose inputs are set and all else zero. `crowd` 0: no bound. */
static void count_plainly(struct oracle *o, const uint64_t n_total[3])
{
    for (int f = 0; f < 3; f++) {
        o->plain[f] = calloc(o->nodes->n + 1, sizeof *o->plain[f]);
        for (uint32_t i = 0; i < o->nodes->n; i++)
            if (plain_belongs(&o->nodes->keys[i], f))
                o->plain[f][i] = plain_of(o, i, (enum fl_family)f);
    }
    for (uint32_t i = 0; i < o->nodes->n; i++)
        for (uint32_t j = 0; j < o->nodes->n; j++) {
            int family = i == j ? -1 : plain_family(&o->nodes->keys[i], &o->nodes->keys[j]);
            if (family < 0)
                continue;
            struct fl_pair pair = {.x = i, .y = j, .family = (enum fl_family)family};
            pair.evidence = FL_EVIDENCE_START;
            if (i < j)
                plain_try(o, pair, n_total[family]);
            pair.evidence = FL_EVIDENCE_DURING;
            plain_try(o, pair, n_total[family]);
        }
    plain_settle(o);
}

static void oracle_clear(struct oracle *o)
{
    for (int f = 0; f < 3; f++) {
        for (uint32_t i = 0; i < o->nodes->n; i++) {
            free(o->plain[f][i].starts);
            free(o->plain[f][i].present);
        }
        free(o->plain[f]);
    }
    free(o->pairs);
    free(o->p);
}

static void assert_same_pair(const struct fl_pair *a, const struct fl_pair *b)
{
    assert_int_equal(a->family, b->family);
    assert_int_equal(a->x, b->x);
    assert_int_equal(a->y, b->y);
    assert_int_equal(a->evidence, b->evidence);
    assert_int_equal(a->n_x, b->n_x);
    assert_int_equal(a->n_y, b->n_y);
    assert_int_equal(a->n_xy, b->n_xy);
    assert_memory_equal(&a->expected, &b->expected, sizeof a->expected);
    assert_memory_equal(&a->log10_p, &b->log10_p, sizeof a->log10_p);
    assert_memory_equal(&a->log10_q, &b->log10_q, sizeof a->log10_q);
}

#endif
