/* The fast counter against a plain one: every pair of nodes, every window, by the definitions of MINING.md
 * section 4 and 5, on random traffic that is dense enough for every family, both kinds of evidence and shared
 * hosts. */
#include "tests/mining/mining_fixture.h"

#include <math.h>

#include "mining/count.h"
#include "mining/describe.h"
#include "mining/stats.h"
#include "storage/error.h"

enum { WINDOWS = 600, HOSTS = 7 };

static struct fl_talk random_talk(uint64_t seed, size_t n)
{
    struct fl_talk talk = {.hosts = calloc(HOSTS, sizeof *talk.hosts),
                           .n_hosts = HOSTS,
                           .items = calloc(n, sizeof *talk.items),
                           .n = n};
    for (uint32_t h = 0; h < HOSTS; h++)
        talk.hosts[h] = fl_addr_v4(0x0a000001 + h);
    for (size_t i = 0; i < n; i++) {
        struct fl_conversation *c = &talk.items[i];
        c->client = random_below(&seed, HOSTS);
        c->server = (c->client + 1 + random_below(&seed, HOSTS - 1)) % HOSTS;
        c->client_port = random_below(&seed, 8) ? FL_PORT_ANY : 123;
        c->server_port = c->client_port == 123 ? 123 : random_below(&seed, 3) ? 80 : 53;
        c->protocol = c->server_port == 80 ? FL_PROTO_TCP : FL_PROTO_UDP;
        c->start_ms = 60000 + (int64_t)random_below(&seed, WINDOWS * 1000);
        if (i % 4 < 2) { /* two servers asked in step: something to find */
            c->client = 0;
            c->server = 2 + (uint32_t)(i % 4);
            c->start_ms = i % 4 ? c[-1].start_ms : c->start_ms;
        }
        c->end_ms =
            c->start_ms + (random_below(&seed, 20) ? random_below(&seed, 2500) : random_below(&seed, 200000));
    }
    return talk;
}

/* ---- the plain counter ---- */

struct plain { /* a node's windows, for each binding host (0 when not bound) */
    uint8_t starts[HOSTS][WINDOWS + 60], present[HOSTS][WINDOWS + 60];
};

static void fill(struct plain *p, uint32_t node, enum fl_family family, const struct fl_nodes *nodes,
                 const struct fl_talk *talk, const struct fl_timeline *time)
{
    memset(p, 0, sizeof *p);
    for (size_t i = nodes->first[node]; i < nodes->first[node + 1]; i++) {
        const struct fl_conversation *c = &talk->items[nodes->conversations[i]];
        uint32_t bind = family == FL_BOUND_CLIENT ? c->client : family == FL_BOUND_SERVER ? c->server : 0;
        p->starts[bind][fl_window_of(time, c->start_ms)] = 1;
        for (uint32_t w = fl_window_of(time, c->start_ms); w <= fl_window_of(time, c->end_ms); w++)
            p->present[bind][w] = 1;
    }
}

static bool names(const struct fl_node_key *k, uint32_t host_number)
{
    return k->client == host_number || k->server == host_number;
}

/* The family a pair belongs to, or -1. */
static int family_of(const struct fl_node_key *x, const struct fl_node_key *y)
{
    bool any_clients = x->client == FL_HOST_ANY && y->client == FL_HOST_ANY;
    bool any_servers = x->server == FL_HOST_ANY && y->server == FL_HOST_ANY;
    if (any_clients)
        return FL_BOUND_CLIENT;
    if (any_servers && x->client != y->client)
        return FL_BOUND_SERVER;
    if (fl_key_generalises(x, y) || fl_key_generalises(y, x))
        return -1;
    for (uint32_t h = 0; h < HOSTS; h++)
        if (names(x, h) && names(y, h))
            return FL_NAMED;
    return -1;
}

static void compare_counts(const struct plain *x, const struct plain *y, enum fl_evidence evidence,
                           struct fl_pair *out)
{
    uint64_t sum = 0;
    for (uint32_t h = 0; h < HOSTS; h++) {
        const uint8_t *xs = x->starts[h], *ys = evidence == FL_EVIDENCE_START ? y->starts[h] : y->present[h];
        for (uint32_t b = 0; b * 60 < WINDOWS + 60; b++) {
            uint64_t nx = 0, ny = 0;
            for (uint32_t w = b * 60; w < b * 60 + 60; w++) {
                nx += xs[w];
                ny += ys[w];
                out->n_xy += xs[w] && ys[w];
            }
            out->n_x += nx;
            out->n_y += ny;
            sum += nx * ny;
        }
    }
    out->expected = (double)sum / 60;
}

struct oracle {
    struct fl_pair pairs[20000];
    double p[20000];
    size_t n, n_p;
    uint64_t tested;
};

static void try_pair(struct oracle *o, struct fl_pair pair, const struct plain *x, const struct plain *y,
                     const struct fl_mining_config *config, uint64_t n_total)
{
    compare_counts(x, y, pair.evidence, &pair);
    if (pair.n_xy == 0)
        return;
    o->tested++;
    if ((double)pair.n_xy <= pair.expected)
        return;
    pair.log10_p = fl_log10_poisson_tail(pair.n_xy, pair.expected);
    if (pair.log10_p > log10(config->q))
        return;
    o->p[o->n_p++] = pair.log10_p;
    double confidence = (double)pair.n_xy / (double)pair.n_x, reverse = (double)pair.n_xy / (double)pair.n_y;
    if (pair.n_xy >= config->support && (confidence >= config->confidence || reverse >= config->confidence) &&
        confidence > (double)pair.n_y / (double)n_total)
        o->pairs[o->n++] = pair;
    assert_true(o->n < 20000 && o->n_p < 20000);
}

static int by_family(const void *va, const void *vb)
{
    const struct fl_pair *a = va, *b = vb;
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    if (a->y != b->y)
        return a->y < b->y ? -1 : 1;
    return a->evidence < b->evidence ? -1 : a->evidence > b->evidence;
}

static void count_plainly(struct oracle *o, const struct fl_nodes *nodes, const struct fl_talk *talk,
                          const struct fl_timeline *time, const struct fl_mining_config *config,
                          const uint64_t n_total[3])
{
    static struct plain x, y;
    static double q[20000];
    for (uint32_t i = 0; i < nodes->n; i++)
        for (uint32_t j = 0; j < nodes->n; j++) {
            int family = i == j ? -1 : family_of(&nodes->keys[i], &nodes->keys[j]);
            if (family < 0)
                continue;
            fill(&x, i, (enum fl_family)family, nodes, talk, time);
            fill(&y, j, (enum fl_family)family, nodes, talk, time);
            struct fl_pair pair = {.x = i, .y = j, .family = (enum fl_family)family};
            pair.evidence = FL_EVIDENCE_START;
            if (i < j)
                try_pair(o, pair, &x, &y, config, n_total[family]);
            pair.evidence = FL_EVIDENCE_DURING;
            try_pair(o, pair, &x, &y, config, n_total[family]);
        }
    fl_benjamini_hochberg(o->p, q, o->n_p, o->tested);
    size_t kept = 0;
    for (size_t i = 0; i < o->n; i++) {
        o->pairs[i].log10_q = fl_q_of(o->p, q, o->n_p, o->pairs[i].log10_p);
        if (o->pairs[i].log10_q <= log10(config->q))
            o->pairs[kept++] = o->pairs[i];
    }
    o->n = kept;
    qsort(o->pairs, o->n, sizeof *o->pairs, by_family);
}

/* ---- the comparison ---- */

static void assert_same(const struct fl_pair *a, const struct fl_pair *b)
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

static void compare_on(uint64_t seed, size_t conversations, struct fl_mining_config config, size_t seen[3][2])
{
    static struct oracle oracle;
    struct fl_talk talk = random_talk(seed, conversations);
    struct fl_timeline time;
    struct fl_nodes nodes;
    struct fl_lane lanes[3];
    struct fl_pairs pairs;
    uint64_t n_total[3];
    memset(&oracle, 0, sizeof oracle);
    assert_int_equal(fl_timeline_init(&time, 60000, 60000 + WINDOWS * 1000, 1000, 60), 0);
    assert_int_equal(fl_nodes_build(&nodes, &talk, &time, config.support), 0);
    for (int f = 0; f < 3; f++) {
        assert_int_equal(fl_lane_build(&lanes[f], (enum fl_family)f, &nodes, &talk, &time), 0);
        n_total[f] = lanes[f].n_total;
    }
    assert_int_equal(fl_count_pairs(&pairs, lanes, &nodes, 60, &config, NULL, NULL), 0);
    count_plainly(&oracle, &nodes, &talk, &time, &config, n_total);
    assert_int_equal(pairs.tested, oracle.tested);
    assert_int_equal(pairs.n, oracle.n);
    struct fl_view view = {
        .nodes = &nodes, .talk = &talk, .time = &time, .config = &config, .n_total = n_total};
    for (size_t i = 0; i < pairs.n; i++) {
        struct fl_rule rule;
        assert_same(&pairs.items[i], &oracle.pairs[i]);
        seen[pairs.items[i].family][pairs.items[i].evidence]++;
        assert_true(fl_describe(&rule, &pairs.items[i], &view) >= 0);
        assert_int_equal(rule.n_both, pairs.items[i].n_xy);
    }
    fl_view_clear(&view);
    for (int f = 0; f < 3; f++)
        fl_lane_clear(&lanes[f]);
    fl_pairs_clear(&pairs);
    fl_nodes_clear(&nodes);
    fl_talk_clear(&talk);
}

static void fast_counter_equals_plain_counter(void **state)
{
    size_t seen[3][2] = {{0}};
    struct fl_mining_config config = default_mining();
    config.support = 2;
    config.q = 1; /* keep everything that is more than chance */
    config.confidence = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        config.threads = seed % 2 ? 1 : 3;
        compare_on(seed, 150 * seed, config, seen);
    }
    for (int f = 0; f < 3; f++)
        for (int e = 0; e < 2; e++)
            assert_true(seen[f][e] > 0); /* the test has tested every kind */
}

static void thresholds_cut_alike(void **state)
{
    size_t seen[3][2] = {{0}};
    struct fl_mining_config config = default_mining();
    config.support = 3;
    config.q = 0.3;
    for (uint64_t seed = 11; seed <= 13; seed++)
        compare_on(seed, 160, config, seen);
    assert_true(seen[0][0] + seen[0][1] + seen[1][0] + seen[1][1] > 0);
}

static int stop_at_once(void *ctx, double done)
{
    return 1;
}

static void stops_when_asked(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_talk talk = random_talk(3, 400);
    struct fl_timeline time;
    struct fl_nodes nodes;
    struct fl_lane lanes[3];
    struct fl_pairs pairs;
    config.support = 2;
    config.threads = 1;
    assert_int_equal(fl_timeline_init(&time, 60000, 60000 + WINDOWS * 1000, 1000, 60), 0);
    assert_int_equal(fl_nodes_build(&nodes, &talk, &time, config.support), 0);
    for (int f = 0; f < 3; f++)
        assert_int_equal(fl_lane_build(&lanes[f], (enum fl_family)f, &nodes, &talk, &time), 0);
    assert_int_equal(fl_count_pairs(&pairs, lanes, &nodes, 60, &config, stop_at_once, NULL), FL_ESTOP);
    for (int f = 0; f < 3; f++)
        fl_lane_clear(&lanes[f]);
    fl_nodes_clear(&nodes);
    fl_talk_clear(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_counter_equals_plain_counter),
        cmocka_unit_test(thresholds_cut_alike),
        cmocka_unit_test(stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
