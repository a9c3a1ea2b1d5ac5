/* The fast counter against the plain one, on random traffic that is dense enough for every family, both kinds
 * of evidence and shared hosts, on days of the generator and on real ones. */
#include "tests/mining/plain_count.h"

#include "mining/describe_parts.h"
#include "storage/error.h"
#include "tests/mining/calls.h"

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
    sort_talk(&talk);
    return talk;
}

/* ---- the comparison ---- */

/* What pairs of one family meet where each is looked at by itself, against what was counted of all. */
static void compare_family(const struct fl_pair *pairs, size_t n, bool crowded, struct fl_view *view)
{
    struct fl_rules rules = {.n = 0};
    struct fl_scratch scratch = {.hits = NULL};
    struct fl_hits hits;
    int32_t *place = malloc(n * sizeof *place);
    assert_non_null(place);
    assert_int_equal(fl_describe_all(&rules, place, pairs, n, view, NULL), 0);
    for (size_t i = 0; i < n; i++) { /* the events of all are kept */
        assert_int_equal(fl_hits_collect(&hits, &pairs[i], view, &scratch), 0);
        assert_true(crowded ? hits.n >= pairs[i].n_xy : hits.n == pairs[i].n_xy);
    }
    fl_scratch_clear(&scratch);
    free(rules.items);
    free(place);
}

static void compare_closely(const struct fl_pairs *pairs, struct fl_view *view)
{
    for (size_t from = 0, to; from < pairs->n; from = to) {
        for (to = from + 1; to < pairs->n && pairs->items[to].family == pairs->items[from].family;)
            to++;
        compare_family(pairs->items + from, to - from, pairs->crowded, view);
    }
}

static void compare_talk(const struct fl_talk *talk, const struct fl_timeline *time,
                         struct fl_mining_config config, uint32_t crowd, size_t seen[3][2])
{
    struct fl_nodes nodes;
    struct fl_lane lanes[3];
    struct fl_pairs pairs;
    uint64_t n_total[3];
    assert_int_equal(fl_nodes_build(&nodes, talk, time, config.support), 0);
    assert_int_equal(
        fl_lanes_build(lanes, &(struct fl_lanes_request){&nodes, talk, time, config.threads, 0, NULL}), 0);
    for (int f = 0; f < 3; f++)
        n_total[f] = lanes[f].n_total;
    struct fl_count_request request = {
        .lanes = lanes, .nodes = &nodes, .talk = talk, .config = &config, .crowd = crowd};
    assert_int_equal(fl_count_pairs(&pairs, &request), 0);
    struct oracle oracle = {.nodes = &nodes, .talk = talk, .time = time, .config = &config, .crowd = crowd};
    count_plainly(&oracle, n_total);
    assert_int_equal(pairs.tested, oracle.tested);
    assert_int_equal(pairs.n, oracle.n);
    struct fl_view view = {
        .nodes = &nodes, .talk = talk, .time = time, .config = &config, .n_total = n_total};
    for (size_t i = 0; i < pairs.n; i++) {
        assert_same_pair(&pairs.items[i], &oracle.pairs[i]);
        seen[pairs.items[i].family][pairs.items[i].evidence]++;
    }
    compare_closely(&pairs, &view);
    fl_view_clear(&view);
    oracle_clear(&oracle);
    for (int f = 0; f < 3; f++)
        fl_lane_clear(&lanes[f]);
    fl_pairs_clear(&pairs);
    fl_nodes_clear(&nodes);
}

/* The span begins and ends where blocks do, or in their middle. */
static void compare_on(uint64_t seed, size_t conversations, struct fl_mining_config config, uint32_t crowd,
                       size_t seen[3][2])
{
    struct fl_talk talk = random_talk(seed, conversations);
    struct fl_timeline time;
    int64_t from_ms = seed % 2 ? 60000 : 43000;
    assert_int_equal(fl_timeline_init(&time, from_ms, 60000 + WINDOWS * 1000 + from_ms % 60000, 1000, 60), 0);
    compare_talk(&talk, &time, config, crowd, seen);
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
        compare_on(seed, 150 * seed, config, 0, seen);
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
        compare_on(seed, 160, config, 0, seen);
    assert_true(seen[0][0] + seen[0][1] + seen[1][0] + seen[1][1] > 0);
}

/* Few nodes make a crowd: some are left out of some windows, the same ones by both counters. */
static void crowds_are_left_out_alike(void **state)
{
    size_t all[3][2] = {{0}}, seen[3][2] = {{0}};
    struct fl_mining_config config = default_mining();
    config.support = 2;
    config.q = 1;
    config.confidence = 0;
    for (uint64_t seed = 21; seed <= 24; seed++) {
        compare_on(seed, 300, config, 0, all);
        for (uint32_t crowd = 1; crowd <= 4; crowd++)
            compare_on(seed, 300, config, crowd, seen);
    }
    assert_true(seen[0][0] > 0 && seen[0][0] < 4 * all[0][0]);
}

static void compare_calls(struct calls *calls, int64_t from_ms, int64_t to_ms, size_t seen[3][2])
{
    struct fl_mining_config config = default_mining();
    struct fl_talk talk = calls_talk(calls, from_ms, to_ms);
    struct fl_timeline time;
    assert_int_equal(fl_timeline_init(&time, from_ms, to_ms, config.window_ms, config.jitter), 0);
    compare_talk(&talk, &time, config, 0, seen);
    fl_talk_clear(&talk);
    free(calls->items);
    *calls = (struct calls){0};
}

static void generated_days_are_counted_alike(void **state)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        size_t seen[3][2] = {{0}};
        struct calls calls = calls_generated(seed, 8, 60);
        int64_t from_ms = calls.items[0].start_ms / 3600000 * 3600000;
        compare_calls(&calls, from_ms, from_ms + 8 * 3600000, seen);
        assert_true(seen[0][0] > 0 && seen[0][1] > 0 && seen[1][0] > 0);
    }
}

static void real_days_are_counted_alike(void **state)
{
    static const char *const names[] = {"day-008.conn.log", "day-010.conn.log", "day-011.conn.log"};
    size_t seen[3][2] = {{0}};
    for (size_t i = 0; i < 3; i++) {
        struct calls calls = {0};
        if (!calls_of_log(&calls, names[i])) {
            print_message("%s is not there: set FLOWLORE_SHARED\n", names[i]);
            skip();
        }
        int64_t from_ms = calls.items[0].start_ms / 86400000 * 86400000;
        compare_calls(&calls, from_ms, from_ms + 2 * 86400000, seen);
    }
    assert_true(seen[0][0] > 0);
}

/* Blocks of more windows than a cell has, of exactly as many, and of few. */
static void blocks_of_any_length_are_counted_alike(void **state)
{
    static const uint32_t jitters[] = {2, 7, 63, 64, 65, 100, 128, 150};
    size_t seen[3][2] = {{0}};
    struct fl_mining_config config = default_mining();
    config.support = 2;
    config.q = 1;
    config.confidence = 0;
    for (size_t i = 0; i < sizeof jitters / sizeof *jitters; i++) {
        struct fl_talk talk = random_talk(31 + i, 300);
        struct fl_timeline time;
        assert_int_equal(fl_timeline_init(&time, 43000, 60000 + WINDOWS * 1000 + 31000, 1000, jitters[i]), 0);
        compare_talk(&talk, &time, config, i % 2 ? 3 : 0, seen);
        fl_talk_clear(&talk);
    }
    assert_true(seen[0][0] > 0 && seen[0][1] > 0 && seen[1][0] > 0);
}

enum { CLIENTS = 150, MINUTES = 6 };

static void add_visit(struct fl_talk *talk, uint32_t client, int64_t start_ms, int64_t end_ms)
{
    talk->items[talk->n++] = (struct fl_conversation){.client = client,
                                                      .client_port = FL_PORT_ANY,
                                                      .server_port = 53,
                                                      .protocol = FL_PROTO_UDP,
                                                      .start_ms = start_ms,
                                                      .end_ms = end_ms};
}

/* A server. The first two clients come eight times a minute, three times together; the others once a minute,
 * each at a time of its own or, every fifth, with the one before; some of these come once and stay, some come
 * again while they stay. */
static struct fl_talk talk_of_a_busy_server(uint64_t seed)
{
    struct fl_talk talk = {.hosts = calloc(CLIENTS + 1, sizeof *talk.hosts),
                           .n_hosts = CLIENTS + 1,
                           .items = calloc((CLIENTS + 16) * MINUTES, sizeof *talk.items)};
    int64_t end_ms = 60000 * (MINUTES + 1), starts[MINUTES] = {0};
    for (uint32_t h = 0; h <= CLIENTS; h++)
        talk.hosts[h] = fl_addr_v4(0x0a000001 + h);
    for (int64_t visit = 0; visit < 8 * MINUTES; visit++) {
        int64_t start_ms = 60000 + visit / 8 * 60000 + visit % 8 * 7000;
        add_visit(&talk, 1, start_ms, start_ms);
        add_visit(&talk, 2, start_ms + (visit % 8 < 3 ? 0 : 1000), start_ms + 1000);
    }
    for (uint32_t client = 3; client <= CLIENTS; client++)
        for (uint32_t minute = 0; minute < (client % 10 == 3 ? 1 : MINUTES); minute++) {
            if (client % 5)
                starts[minute] = 60000 * (minute + 1) + random_below(&seed, 60000);
            bool stays = minute == 0 && (client % 10 == 0 || client % 10 == 3);
            add_visit(&talk, client, starts[minute],
                      stays ? end_ms : starts[minute] + random_below(&seed, 3000));
        }
    sort_talk(&talk);
    return talk;
}

/* Very many in one cell, few of them in the same window: the cell is cut. */
static void busy_cells_are_counted_alike(void **state)
{
    size_t seen[3][2] = {{0}};
    struct fl_mining_config config = default_mining();
    config.support = 2;
    config.q = 1;
    config.confidence = 0;
    for (uint64_t seed = 41; seed <= 42; seed++) {
        struct fl_talk talk = talk_of_a_busy_server(seed);
        struct fl_timeline time;
        config.threads = seed % 2 ? 1 : 3;
        assert_int_equal(fl_timeline_init(&time, 60000, 60000 * (MINUTES + 1), 1000, seed % 2 ? 60 : 70), 0);
        for (int i = 0; i < 3; i++) {
            static const double qs[] = {1, 0.3, 0.05};
            config.q = qs[i];
            compare_talk(&talk, &time, config, 0, seen);
            compare_talk(&talk, &time, config, 8, seen);
        }
        fl_talk_clear(&talk);
    }
    assert_true(seen[0][0] >= CLIENTS / 5 && seen[0][1] > 0);
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
    assert_int_equal(
        fl_lanes_build(lanes, &(struct fl_lanes_request){&nodes, &talk, &time, config.threads, 0, NULL}), 0);
    struct fl_count_request request = {
        .lanes = lanes, .nodes = &nodes, .talk = &talk, .config = &config, .stop = stop_at_once};
    assert_int_equal(fl_count_pairs(&pairs, &request), FL_ESTOP);
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
        cmocka_unit_test(crowds_are_left_out_alike),
        cmocka_unit_test(generated_days_are_counted_alike),
        cmocka_unit_test(real_days_are_counted_alike),
        cmocka_unit_test(blocks_of_any_length_are_counted_alike),
        cmocka_unit_test(busy_cells_are_counted_alike),
        cmocka_unit_test(stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
