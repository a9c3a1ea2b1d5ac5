/* A pair looked at closely: lag and spread, clock phase, hosts, examples and what a closer look denies,
 * worked by hand. */
#include "tests/mining/mining_fixture.h"

#include <math.h>

#include "mining/describe_parts.h"
#include "mining/numbers.h"
#include "storage/error.h"

enum { MOST = 1200 };

struct stage { /* conversations put on by hand and the two nodes they make */
    struct fl_addr hosts[40];
    struct fl_conversation items[MOST];
    struct fl_talk talk;
    struct fl_timeline time;
    struct fl_nodes nodes;
    struct fl_node_key keys[2];
    size_t first[3];
    uint32_t conversations[MOST];
    struct fl_mining_config config;
    uint64_t n_total[3];
};

static struct stage *new_stage(void)
{
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (uint32_t h = 0; h < 40; h++)
        s->hosts[h] = fl_addr_v4(0x0a000000 + h);
    s->talk = (struct fl_talk){.hosts = s->hosts, .n_hosts = 40, .items = s->items};
    s->nodes =
        (struct fl_nodes){.keys = s->keys, .n = 2, .first = s->first, .conversations = s->conversations};
    s->config = default_mining();
    for (int f = 0; f < 3; f++)
        s->n_total[f] = 7200;
    assert_int_equal(fl_timeline_init(&s->time, 0, 7200000, 1000, 60), 0);
    return s;
}

static void say(struct stage *s, uint32_t client, uint32_t server, uint32_t port, int64_t start_ms,
                int64_t length_ms)
{
    s->conversations[s->talk.n] = (uint32_t)s->talk.n;
    s->items[s->talk.n++] = (struct fl_conversation){.client = client,
                                                     .server = server,
                                                     .client_port = FL_PORT_ANY,
                                                     .server_port = port,
                                                     .start_ms = start_ms,
                                                     .end_ms = start_ms + length_ms,
                                                     .protocol = FL_PROTO_TCP};
}

/* The conversations so far are node 0's (X); those said from here on are node 1's. */
static void next_node(struct stage *s)
{
    s->first[1] = s->talk.n;
}

static int describe(struct stage *s, struct fl_rule *rule, struct fl_pair pair)
{
    struct fl_view view = {
        .nodes = &s->nodes, .talk = &s->talk, .time = &s->time, .config = &s->config, .n_total = s->n_total};
    s->first[2] = s->talk.n;
    pair.x = 0;
    pair.y = 1;
    pair.expected = 0.5;
    struct fl_rules rules = {.n = 0};
    struct fl_scratch scratch = {.hits = NULL};
    int32_t place;
    assert_int_equal(fl_describe_all(&rules, &place, &pair, 1, &view, NULL), 0);
    int rc = fl_describe_in(rule, &pair, &view, &scratch); /* also what is denied */
    assert_int_equal(rc, rules.n);
    assert_int_equal(place, rc - 1);
    if (rc > 0)
        assert_memory_equal(rule, rules.items, sizeof *rule);
    fl_scratch_clear(&scratch);
    fl_view_clear(&view);
    free(rules.items);
    return rc;
}

static void name_servers(struct stage *s, uint32_t x, uint32_t y)
{
    s->keys[0] = (struct fl_node_key){1, x, FL_PORT_ANY, 80, FL_PROTO_TCP};
    s->keys[1] = (struct fl_node_key){1, y, FL_PORT_ANY, 80, FL_PROTO_TCP};
}

static void lag_and_spread_by_hand(void **state)
{
    /* Lags 10 20 30 40 500: median 30, quartiles 20 and 40. Y starts five times more on its own. */
    static const int64_t lags[] = {500, 10, 40, 20, 30};
    struct stage *s = new_stage();
    struct fl_rule r;
    name_servers(s, 2, 3);
    for (int i = 0; i < 5; i++)
        say(s, 1, 2, 80, i * 100000, 50);
    next_node(s);
    for (int i = 0; i < 5; i++)
        say(s, 1, 3, 80, i * 100000 + lags[i], 50);
    for (int i = 5; i < 10; i++)
        say(s, 1, 3, 80, i * 100000, 50);
    assert_int_equal(describe(s, &r, (struct fl_pair){.n_x = 5, .n_y = 10, .n_xy = 5}), 1);
    assert_int_equal(r.lag_ms, 30);
    assert_int_equal(r.lag_spread_ms, 20);
    assert_float_equal(r.confidence, 1, 0);
    assert_float_equal(r.reverse_confidence, 0.5, 0);
    assert_float_equal(r.lift, 10, 1e-12);
    assert_true(r.both);
    assert_int_equal(r.hosts, 0);
    assert_int_equal(r.n_examples, 5);
    assert_int_equal(r.examples[1].time_ms, 100000);
    assert_memory_equal(&r.examples[1].servers[1], &s->hosts[3], sizeof s->hosts[3]);
    free(s);
}

static void the_arrow_leaves_the_surer_side(void **state)
{
    struct stage *s = new_stage();
    struct fl_rule r;
    name_servers(s, 2, 3);
    for (int i = 0; i < 20; i++)
        say(s, 1, 2, 80, i * 100000, 50);
    next_node(s);
    for (int i = 0; i < 4; i++)
        say(s, 1, 3, 80, i * 100000 + 70, 50);
    assert_int_equal(describe(s, &r, (struct fl_pair){.n_x = 20, .n_y = 4, .n_xy = 4}), 1);
    assert_false(r.both);
    assert_memory_equal(&r.antecedent.server, &s->hosts[3], sizeof s->hosts[3]);
    assert_float_equal(r.confidence, 1, 0);
    assert_int_equal(r.n_antecedent, 4);
    assert_int_equal(r.lag_ms, -70); /* what is concluded came first */
    assert_memory_equal(&r.examples[0].servers[0], &s->hosts[3], sizeof s->hosts[3]);
    assert_int_equal(r.n_examples, 4);
    free(s);
}

static void bound_wildcards_want_three_hosts(void **state)
{
    for (uint32_t clients = 2; clients <= 3; clients++) {
        struct stage *s = new_stage();
        struct fl_rule r;
        s->keys[0] = (struct fl_node_key){FL_HOST_ANY, 2, FL_PORT_ANY, 80, FL_PROTO_TCP};
        s->keys[1] = (struct fl_node_key){FL_HOST_ANY, 3, FL_PORT_ANY, 80, FL_PROTO_TCP};
        for (uint32_t i = 0; i < 12; i++)
            say(s, 10 + i % clients, 2, 80, i * 100000, 50);
        next_node(s);
        for (uint32_t i = 0; i < 12; i++)
            say(s, 10 + i % clients, 3, 80, i * 100000 + 5, 50);
        for (uint32_t i = 0; i < 12; i++) /* another client in the same window is no coincidence */
            say(s, 20, 3, 80, i * 100000 + 1, 50);
        struct fl_pair pair = {.family = FL_BOUND_CLIENT, .n_x = 12, .n_y = 24, .n_xy = 12};
        assert_int_equal(describe(s, &r, pair), clients == 3);
        assert_int_equal(r.hosts, clients);
        if (clients == 3)
            assert_int_equal(r.lag_ms, 5);
        free(s);
    }
}

/* X and Y start together `a_block` times in each of 12 / a_block minutes. */
static double p_of_bursts(int a_block)
{
    struct stage *s = new_stage();
    struct fl_rule r;
    name_servers(s, 2, 3);
    for (int i = 0; i < 12; i++)
        say(s, 1, 2, 80, i / a_block * 120000 + i % a_block * 3000, 50);
    next_node(s);
    for (int i = 0; i < 12; i++)
        say(s, 1, 3, 80, i / a_block * 120000 + i % a_block * 3000 + 20, 50);
    struct fl_pair pair = {.n_x = 12, .n_y = 12, .n_xy = 12, .log10_p = -12};
    assert_int_equal(describe(s, &r, pair), 1);
    free(s);
    return r.log10_p;
}

/* Four each in 3 blocks: the chance of any in a block is 1 - C(56,4)/C(60,4) = 1 - (56 55 54 53)/(60 59 58
 * 57) = 0.2468, of all three 0.01503. By sums: 4 - 16/60 above what is expected in each, z^2 = 3, exp(-1.5) =
 * 0.223. The better twice: 0.03006. One each in 12 blocks: (1/60)^12 = 4.6e-22 is less than the pair's own
 * 1e-12, which stays. */
static void bursts_weigh_by_block(void **state)
{
    double any = 1 - 56.0 * 55 * 54 * 53 / (60.0 * 59 * 58 * 57);
    assert_float_equal(p_of_bursts(4), log10(2 * any * any * any), 1e-9);
    assert_float_equal(p_of_bursts(12), 0, 0); /* one block proves nothing */
    assert_float_equal(p_of_bursts(1), -12, 0);
}

/* 30 windows of each of 20 minutes in both, of 60 that there are: any block would have some, so only the sums
 * tell: 30 - 15 above in each, z^2 = 20, exp(-10), twice. */
static void busy_pairs_weigh_by_sums(void **state)
{
    struct stage *s = new_stage();
    struct fl_rule r;
    name_servers(s, 2, 3);
    for (int i = 0; i < 600; i++)
        say(s, 1, 2, 80, i / 30 * 60000 + i % 30 * 2000, 50);
    next_node(s);
    for (int i = 0; i < 600; i++)
        say(s, 1, 3, 80, i / 30 * 60000 + i % 30 * 2000 + 20, 50);
    struct fl_pair pair = {.n_x = 600, .n_y = 600, .n_xy = 600, .log10_p = -40};
    assert_int_equal(describe(s, &r, pair), 1);
    assert_float_equal(r.log10_p, log10(2) - 10 / log(10), 1e-6);
    free(s);
}

/* Two scanners walk over 12 hosts side by side: 12 incidents of one meeting, which proves nothing. Twelve
 * such meetings do, 12 minutes of one host each: (1/60)^12 is less than the pair's own 1e-12. */
static void side_by_side_once_is_one_block(void **state)
{
    for (int meetings = 1; meetings <= 12; meetings += 11) {
        struct stage *s = new_stage();
        struct fl_rule r;
        s->keys[0] = (struct fl_node_key){1, FL_HOST_ANY, FL_PORT_ANY, 22, FL_PROTO_TCP};
        s->keys[1] = (struct fl_node_key){2, FL_HOST_ANY, FL_PORT_ANY, 22, FL_PROTO_TCP};
        for (uint32_t i = 0; i < 12; i++)
            say(s, 1, 10 + i, 22, i % (uint32_t)meetings * 60000 + i * 100, 0);
        next_node(s);
        for (uint32_t i = 0; i < 12; i++)
            say(s, 2, 10 + i, 22, i % (uint32_t)meetings * 60000 + i * 100 + 3, 0);
        struct fl_pair pair = {.family = FL_BOUND_SERVER, .n_x = 12, .n_y = 12, .n_xy = 12, .log10_p = -12};
        assert_int_equal(describe(s, &r, pair), 1);
        assert_float_equal(r.log10_p, meetings == 1 ? 0 : -12, 0);
        free(s);
    }
}

static void what_is_not_significant_is_dropped(void **state)
{
    /* p 1e-9, 1e-3, 1e-6 of 1,000 tests: q = 1e-6, 0.33, 5e-4 */
    struct fl_rule rules[3] = {{.log10_p = -9, .n_both = 1}, {.log10_p = -3}, {.log10_p = -6, .n_both = 2}};
    int32_t place[3];
    assert_int_equal(fl_keep_significant(rules, 3, 1000, 0.01, place), 2);
    assert_int_equal(rules[0].n_both, 1);
    assert_int_equal(rules[1].n_both, 2);
    assert_int_equal(place[0], 0);
    assert_int_equal(place[1], -1);
    assert_int_equal(place[2], 1);
    assert_float_equal(rules[0].log10_q, -6, 1e-12);
    assert_float_equal(rules[1].log10_q, -6 + 3 - log10(2), 1e-12);
    assert_int_equal(fl_keep_significant(rules, 0, 1000, 0.01, place), 0);
}

/* Twenty coincidences, of which one client makes `of_one`: with 18 it is that client's rule, with 17 it is
 * not.
 */
static void a_wildcard_with_one_host_is_that_host(void **state)
{
    for (uint32_t of_one = 17; of_one <= 18; of_one++) {
        struct stage *s = new_stage();
        struct fl_rule r;
        s->keys[0] = (struct fl_node_key){FL_HOST_ANY, 2, FL_PORT_ANY, 80, FL_PROTO_TCP};
        s->keys[1] = (struct fl_node_key){2, 3, FL_PORT_ANY, 3306, FL_PROTO_TCP};
        for (uint32_t i = 0; i < 20; i++)
            say(s, i < of_one ? 10 : i, 2, 80, i * 100000, 50);
        for (uint32_t i = 20; i < 40; i++) /* others alone, so that the node itself is nobody's */
            say(s, i, 2, 80, i * 100000, 50);
        next_node(s);
        for (uint32_t i = 0; i < 20; i++)
            say(s, 2, 3, 3306, i * 100000 + 5, 50);
        assert_int_equal(describe(s, &r, (struct fl_pair){.n_x = 40, .n_y = 20, .n_xy = 20}), of_one == 17);
        assert_int_equal(r.hosts, 20 - of_one + 1);
        free(s);
    }
}

/* X starts 12 times while `n` conversations of Y are under way. */
static int describe_during(int n, struct fl_rule *r)
{
    struct stage *s = new_stage();
    name_servers(s, 2, 3);
    for (int i = 0; i < 12; i++)
        say(s, 1, 2, 80, i * 100000 + 50000, 10);
    next_node(s);
    if (n == 1)
        say(s, 1, 3, 80, 0, 7000000);
    for (int i = 0; i < n && n > 1; i++)
        say(s, 1, 3, 80, i * 100000 + 20000, 50000);
    int rc = describe(s, r,
                      (struct fl_pair){.evidence = FL_EVIDENCE_DURING,
                                       .n_x = 12,
                                       .n_y = n == 1 ? 7001 : 51 * (uint64_t)n,
                                       .n_xy = n == 1 ? 12 : (uint64_t)n});
    free(s);
    return rc;
}

static void one_long_flow_proves_nothing(void **state)
{
    struct fl_rule r;
    assert_int_equal(describe_during(1, &r), 0);
    assert_int_equal(describe_during(9, &r), 0);
    assert_int_equal(describe_during(10, &r), 1);
    assert_int_equal(r.lag_ms, -30000);
    assert_false(r.present_antecedent);
}

static void the_latest_of_nested_flows_takes_the_lag(void **state)
{
    /* Y is under way 0-90 s, 10-20 s and 30-80 s; X starts at 15, 25 and 40 s. */
    struct stage *s = new_stage();
    struct fl_rule r;
    s->config.support = 3;
    name_servers(s, 2, 3);
    say(s, 1, 2, 80, 15000, 10);
    say(s, 1, 2, 80, 25000, 10);
    say(s, 1, 2, 80, 40000, 10);
    next_node(s);
    say(s, 1, 3, 80, 0, 90000);
    say(s, 1, 3, 80, 10000, 10000);
    say(s, 1, 3, 80, 30000, 50000);
    struct fl_pair pair = {.evidence = FL_EVIDENCE_DURING, .n_x = 3, .n_y = 91, .n_xy = 3};
    assert_int_equal(describe(s, &r, pair), 1); /* lags -5, -25, -10 s */
    assert_int_equal(r.lag_ms, -10000);
    s->config.support = 4;
    assert_int_equal(describe(s, &r, pair), 0);
    free(s);
}

static const char *phase_of(int64_t first_ms, int64_t every_ms, size_t hits, size_t strays, int64_t window_ms,
                            char out[8])
{
    int64_t times[100];
    for (size_t i = 0; i < hits + strays; i++)
        times[i] =
            first_ms + (int64_t)i * every_ms + (i < hits ? 0 : (int64_t)(7 + 11 * (i - hits)) * window_ms);
    fl_clock_phase(times, hits + strays, window_ms, out);
    return out;
}

static void clock_phase_by_hand(void **state)
{
    char out[8];
    assert_string_equal(phase_of(0, 60000, 10, 0, 1000, out), ":00");
    assert_string_equal(phase_of(15000, 60000, 10, 0, 1000, out), ":15");
    assert_string_equal(phase_of(3600000 * 2 + 17 * 60000, 3600000, 10, 0, 1000, out), "17:00");
    assert_string_equal(phase_of(59 * 60000 + 55000, 3600000, 10, 0, 1000, out), "59:55");
    assert_string_equal(phase_of(0, 60000, 8, 2, 1000, out), ":00"); /* exactly 80 % */
    assert_string_equal(phase_of(0, 60000, 10, 0, 5000, out), ":00");
}

static void what_keeps_no_phase(void **state)
{
    char out[8];
    assert_string_equal(phase_of(0, 60000, 7, 2, 1000, out), "");      /* 78 % */
    assert_string_equal(phase_of(17000, 60000, 10, 0, 1000, out), ""); /* kept, but not round */
    assert_string_equal(phase_of(0, 61000, 10, 0, 1000, out), "");     /* a poller that drifts */
    assert_string_equal(phase_of(0, 60000, 10, 0, 60000, out), "");    /* every window is at a whole minute */
    assert_string_equal(phase_of(0, 60000, 0, 0, 1000, out), "");
}

/* What phase_of tells of times in any order against counting them all, with about as many on the minute or
 * the hour as it takes. */
static void clock_phase_of_any_times(void **state)
{
    enum { N = 60 };
    uint64_t seed = 11;
    size_t kept = 0;
    for (int round = 0; round < 4000; round++) {
        int64_t times[N], minutes[12] = {0}, window_ms = round % 2 ? 1000 : 5000;
        size_t n = 1 + random_below(&seed, N), most = 0, strays = n / 5 + random_below(&seed, 3);
        for (size_t i = 0; i < n; i++) {
            bool stray = random_below(&seed, n) < strays;
            int64_t phase_ms = stray ? (int64_t)random_below(&seed, 12) * 5000 : 35000;
            times[i] = (int64_t)random_below(&seed, 100000) * 60000 + phase_ms;
            minutes[phase_ms / 5000]++;
        }
        for (int i = 0; i < 12; i++)
            most = (size_t)minutes[i] > most ? (size_t)minutes[i] : most;
        char out[8], want[8] = "";
        for (int i = 0; i < 12; i++)
            if ((size_t)minutes[i] == most && most * 10 >= n * 8)
                snprintf(want, sizeof want, ":%02d", i * 5);
        kept += want[0] != '\0';
        fl_clock_phase(times, n, window_ms, out);
        assert_string_equal(strlen(out) == 5 ? out + 2 : out, want); /* of few, the hour may be kept too */
    }
    assert_in_range(kept, 500, 3500);
}

static void lags_fall_into_round_bins(void **state)
{
    struct fl_lag_histogram h;
    int64_t lags[40];
    for (int i = 0; i < 40; i++)
        lags[i] = i == 39 ? 900 : 3 * i - 57; /* -57, -54 .. 57, and one far off */
    fl_lag_histogram(lags, 40, true, &h);
    assert_int_equal(h.step_ms, 10); /* 54 of either side is to fit into 8 bins */
    assert_int_equal(h.from_ms, -80);
    static const uint32_t both_ways[FL_LAG_BINS] = {0, 0, 3, 3, 3, 4, 3, 3, 4, 3, 3, 4, 3, 3, 0, 1};
    assert_memory_equal(h.counts, both_ways, sizeof both_ways);
    for (int i = 0; i < 40; i++)
        lags[i] = i == 0 ? -700000 : -60000 + 1000 * i;
    fl_lag_histogram(lags, 40, false, &h);
    assert_int_equal(h.step_ms, 5000); /* -58 s .. -23 s into 15 bins, that any start will do */
    assert_int_equal(h.from_ms, -60000);
    static const uint32_t one_way[FL_LAG_BINS] = {5, 5, 5, 5, 5, 5, 5, 5};
    assert_memory_equal(h.counts, one_way, sizeof one_way);
    fl_lag_histogram(lags, 0, true, &h);
    assert_int_equal(h.step_ms, 0);
}

static void turned_rules_have_turned_lags(void **state)
{
    struct stage *s = new_stage();
    struct fl_rule r;
    name_servers(s, 2, 3);
    for (int i = 0; i < 20; i++)
        say(s, 1, 2, 80, i * 100000, 50);
    next_node(s);
    for (int i = 0; i < 4; i++)
        say(s, 1, 3, 80, i * 100000 + 70, 50);
    assert_int_equal(describe(s, &r, (struct fl_pair){.n_x = 20, .n_y = 4, .n_xy = 4}), 1);
    assert_int_equal(r.lags.from_ms, -80);
    assert_int_equal(r.lags.step_ms, 10);
    assert_int_equal(r.lags.counts[1], 4); /* -70 ms */
    free(s);
}

/* ---- many ---- */

static int stop_when_asked_so_often(void *ctx, double done)
{
    return --*(int *)ctx < 0;
}

enum { OTHERS = 1300, STARTS = 20 }; /* three batches */

/* A node with others: conversations of its own, and the same for each other, each a millisecond later than
 * the one before. Windows are of two seconds. */
struct crowd {
    struct fl_addr hosts[4];
    struct fl_conversation items[(OTHERS + 1) * STARTS];
    uint32_t conversations[(OTHERS + 1) * STARTS];
    struct fl_node_key keys[OTHERS + 1];
    size_t first[OTHERS + 2];
    struct fl_pair pairs[OTHERS];
    int32_t place[OTHERS];
    struct fl_talk talk;
    struct fl_nodes nodes;
    struct fl_timeline time;
    struct fl_mining_config config;
    uint64_t n_total[3];
};

static struct crowd *new_crowd(void)
{
    struct crowd *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->talk = (struct fl_talk){.hosts = c->hosts, .n_hosts = 4, .items = c->items};
    c->nodes = (struct fl_nodes){
        .keys = c->keys, .n = OTHERS + 1, .first = c->first, .conversations = c->conversations};
    c->config = default_mining();
    c->n_total[FL_NAMED] = 3600;
    assert_int_equal(fl_timeline_init(&c->time, 0, 7200000, 2000, 60), 0);
    for (uint32_t node = 0; node <= OTHERS; node++) {
        c->keys[node] = (struct fl_node_key){1, node > 0 ? 3 : 2, FL_PORT_ANY, 80 + node, FL_PROTO_TCP};
        for (uint32_t i = 0; i < STARTS; i++, c->talk.n++) {
            c->conversations[c->talk.n] = (uint32_t)c->talk.n;
            c->items[c->talk.n] = (struct fl_conversation){.client = 1,
                                                           .server = c->keys[node].server,
                                                           .client_port = FL_PORT_ANY,
                                                           .server_port = c->keys[node].server_port,
                                                           .start_ms = i * 100000 + node,
                                                           .end_ms = i * 100000 + 60000};
        }
        c->first[node + 1] = c->talk.n;
    }
    for (uint32_t i = 0; i < OTHERS; i++)
        c->pairs[i] =
            (struct fl_pair){.y = i + 1, .n_x = STARTS, .n_y = STARTS, .n_xy = STARTS, .expected = 0.5};
    return c;
}

static struct fl_view view_of(const struct crowd *c)
{
    return (struct fl_view){
        .nodes = &c->nodes, .talk = &c->talk, .time = &c->time, .config = &c->config, .n_total = c->n_total};
}

/* Every third pair is denied: too few are under way. */
static void deny_some(struct crowd *c)
{
    c->config.support = STARTS + 1;
    for (uint32_t i = 0; i < OTHERS; i += 3) { /* the other node starts while the first is under way */
        c->pairs[i].evidence = FL_EVIDENCE_DURING;
        c->pairs[i].x = i + 1;
        c->pairs[i].y = 0;
    }
}

/* Are the rules those of the pairs, in their order? Each has a lag of its own; every third is not there where
 * some were denied. */
static void assert_in_order(const struct crowd *c, const struct fl_rules *rules, bool some_denied)
{
    size_t at = 0;
    for (uint32_t i = 0; i < OTHERS; i++) {
        bool denied = some_denied && i % 3 == 0;
        assert_int_equal(c->place[i], denied ? -1 : (int32_t)at);
        if (denied)
            continue;
        assert_int_equal(rules->items[at].consequent.server_port, 80 + i + 1);
        assert_int_equal(rules->items[at++].lag_ms, i + 1);
    }
    assert_int_equal(rules->n, at);
}

static void many_are_described_in_order_on_any_number_of_threads(void **state)
{
    struct crowd *c = new_crowd();
    deny_some(c);
    for (c->config.threads = 1; c->config.threads <= 3; c->config.threads++) {
        struct fl_view view = view_of(c);
        struct fl_rules rules = {.n = 0};
        assert_int_equal(fl_describe_all(&rules, c->place, c->pairs, OTHERS, &view, NULL), 0);
        assert_in_order(c, &rules, true);
        fl_view_clear(&view);
        free(rules.items);
    }
    free(c);
}

static void describing_stops_when_asked(void **state)
{
    struct crowd *c = new_crowd();
    for (c->config.threads = 1; c->config.threads <= 3; c->config.threads++)
        for (int after = 0; after <= OTHERS / 2; after += OTHERS / 2) {
            struct fl_view view = view_of(c);
            struct fl_rules rules = {.n = 0};
            int left = after;
            struct fl_stop stop = {stop_when_asked_so_often, &left};
            if (after > 0 && c->config.threads > 1)
                continue; /* the calling thread may have had less to do */
            assert_int_equal(fl_describe_all(&rules, c->place, c->pairs, OTHERS, &view, &stop), FL_ESTOP);
            assert_int_equal(left, -1);
            fl_view_clear(&view);
            free(rules.items);
        }
    free(c);
}

/* The events of nodes are forgotten from batch to batch where they are too many, and the rules are the same.
 */
static void events_are_forgotten_where_memory_is_short(void **state)
{
    struct crowd *c = new_crowd();
    struct fl_rules rules[2] = {{.n = 0}, {.n = 0}};
    uint64_t kept[2];
    for (int bounded = 0; bounded < 2; bounded++) {
        struct fl_view view = view_of(c);
        view.most_bytes = bounded ? 1000 : 0;
        assert_int_equal(fl_describe_all(&rules[bounded], c->place, c->pairs, OTHERS, &view, NULL), 0);
        assert_in_order(c, &rules[bounded], false);
        kept[bounded] = view.kept_bytes;
        fl_view_clear(&view);
        assert_int_equal(view.kept_bytes, 0);
    }
    assert_memory_equal(rules[0].items, rules[1].items, OTHERS * sizeof *rules[0].items);
    assert_true(kept[0] >= (OTHERS + 1) * STARTS * 16);
    assert_true(kept[1] <= kept[0] / 2); /* of the last batch */
    free(rules[0].items);
    free(rules[1].items);
    free(c);
}

/* Whatever is denied early for its p-value would be dropped among all of them. */
static void what_is_denied_early_would_be_dropped(void **state)
{
    enum { TESTED = 100000 };
    struct crowd *c = new_crowd();
    struct fl_rules rules[2] = {{.n = 0}, {.n = 0}};
    size_t described[2];
    uint64_t seed = 5;
    for (uint32_t i = 0; i < OTHERS; i++)
        c->pairs[i].log10_p = -(double)random_below(&seed, 9000) / 1000;
    for (int early = 0; early < 2; early++) {
        struct fl_view view = view_of(c);
        view.log10_tests = early ? log10(TESTED) - log10(OTHERS) : 0;
        assert_int_equal(fl_describe_all(&rules[early], c->place, c->pairs, OTHERS, &view, NULL), 0);
        described[early] = rules[early].n;
        long kept = fl_keep_significant(rules[early].items, rules[early].n, TESTED, 0.01, c->place);
        assert_true(kept > OTHERS / 3);
        rules[early].n = (size_t)kept;
        fl_view_clear(&view);
    }
    assert_int_equal(described[0], OTHERS);
    assert_true(described[1] < OTHERS * 2 / 3);
    assert_int_equal(rules[0].n, rules[1].n);
    assert_memory_equal(rules[0].items, rules[1].items, rules[0].n * sizeof *rules[0].items);
    free(rules[0].items);
    free(rules[1].items);
    free(c);
}

/* Numbers close together, far apart, and the same ones again and again. */
static void numbers_by_rank(void **state)
{
    enum { N = 3000 };
    int64_t items[N], sorted[N], spare[N], out[FL_MOST_RANKS];
    uint64_t seed = 4;
    for (int round = 0; round < 200; round++) {
        size_t n = 1 + random_below(&seed, round % 2 ? 20 : N), ranks[FL_MOST_RANKS],
               n_ranks = n < FL_MOST_RANKS ? n : FL_MOST_RANKS;
        for (size_t i = 0; i < n; i++)
            items[i] = sorted[i] = (int64_t)(random_next(&seed) >> (round % 64)) - round % 3 * 1000;
        for (size_t k = 0; k < n_ranks; k++)
            ranks[k] = round % 5 ? n * k / n_ranks : n - n_ranks + k;
        fl_numbers_sort(sorted, n, spare);
        fl_numbers_pick(items, n, ranks, n_ranks, out, spare);
        for (size_t k = 0; k < n_ranks; k++)
            assert_true(out[k] == sorted[ranks[k]]);
    }
}

static void numbers_in_order(void **state)
{
    enum { N = 3000 };
    int64_t items[N], spare[N];
    uint32_t keys[N], order[N], other[N];
    uint64_t seed = 3;
    for (int round = 0; round < 60; round++) {
        size_t n = round % 2 ? random_below(&seed, 100) : random_below(&seed, N);
        for (size_t i = 0; i < n; i++) {
            uint64_t x = random_next(&seed) >> (round + 4);
            items[i] = round % 3 ? (int64_t)x : -(int64_t)x;
            keys[i] = (uint32_t)(random_next(&seed) >> (32 + round / 2));
        }
        fl_numbers_sort(items, n, spare);
        fl_numbers_order(keys, n, order, other);
        for (size_t i = 1; i < n; i++) {
            assert_true(items[i - 1] <= items[i]);
            assert_true(keys[order[i - 1]] < keys[order[i]] ||
                        (keys[order[i - 1]] == keys[order[i]] && order[i - 1] < order[i]));
        }
    }
    int64_t ends[FL_LAG_BINS * 4], room[FL_LAG_BINS * 4];
    for (int i = 0; i < FL_LAG_BINS * 4; i++)
        ends[i] = i % 2 ? INT64_MIN + i : INT64_MAX - i;
    fl_numbers_sort(ends, FL_LAG_BINS * 4, room);
    assert_true(ends[0] == INT64_MIN + 1 && ends[FL_LAG_BINS * 4 - 1] == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lag_and_spread_by_hand),
        cmocka_unit_test(the_arrow_leaves_the_surer_side),
        cmocka_unit_test(bound_wildcards_want_three_hosts),
        cmocka_unit_test(bursts_weigh_by_block),
        cmocka_unit_test(busy_pairs_weigh_by_sums),
        cmocka_unit_test(side_by_side_once_is_one_block),
        cmocka_unit_test(what_is_not_significant_is_dropped),
        cmocka_unit_test(a_wildcard_with_one_host_is_that_host),
        cmocka_unit_test(one_long_flow_proves_nothing),
        cmocka_unit_test(lags_fall_into_round_bins),
        cmocka_unit_test(turned_rules_have_turned_lags),
        cmocka_unit_test(the_latest_of_nested_flows_takes_the_lag),
        cmocka_unit_test(many_are_described_in_order_on_any_number_of_threads),
        cmocka_unit_test(describing_stops_when_asked),
        cmocka_unit_test(events_are_forgotten_where_memory_is_short),
        cmocka_unit_test(what_is_denied_early_would_be_dropped),
        cmocka_unit_test(numbers_in_order),
        cmocka_unit_test(numbers_by_rank),
        cmocka_unit_test(clock_phase_by_hand),
        cmocka_unit_test(clock_phase_of_any_times),
        cmocka_unit_test(what_keeps_no_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
