/* The passes before counting against their plain forms, bit for bit, on random records that meet every edge:
 * several exporters with clocks of their own, cuts by the active timeout, ties, ICMP, ports that recur, hosts
 * that talk to themselves; by any number of threads. */
#include "tests/mining/plain_passes.h"

#include "mining/find.h"
#include "mining/records.h"
#include "mining/stitch.h"

enum { MOST = 4000 };
static const int64_t begin_ms = 1655078400000; /* 2022-06-13T00:00:00Z */

static struct fl_addr any_host(uint64_t *seed)
{
    static const char *const hosts[] = {"10.0.0.1",    "10.0.0.2",       "10.0.0.53", "192.0.2.7",
                                        "224.0.0.251", "10.9.0.1",       "::1",       "2001:db8::5",
                                        "fe80::2",     "255.255.255.255"};
    return host(hosts[random_below(seed, sizeof hosts / sizeof hosts[0])]);
}

static uint16_t any_port(uint64_t *seed)
{
    static const uint16_t ports[] = {53, 123, 123, 443, 5353, 8834, 0, 65535};
    return random_below(seed, 2) ? ports[random_below(seed, sizeof ports / sizeof ports[0])]
                                 : (uint16_t)(40000 + random_below(seed, 6));
}

static void number_icmp(struct fl_flow *f, uint64_t *seed)
{
    static const uint16_t types[] = {0, 8 << 8, 13 << 8, 14 << 8, 3 << 8 | 3, 128 << 8, 129 << 8};
    if (f->protocol != FL_PROTO_ICMP && f->protocol != FL_PROTO_ICMP6)
        return;
    f->src_port = 0;
    f->dst_port = types[random_below(seed, sizeof types / sizeof types[0])];
}

static struct fl_flow any_record(uint64_t *seed)
{
    static const uint8_t protocols[] = {6, 6, 6, 17, 17, 1, 58, 47, 132};
    static const int64_t lengths_ms[] = {0, 0, 5, 900, 30000, 55000, 60000, 60000, 60100, 300000, -5000};
    struct fl_flow f = {.src = any_host(seed), .dst = any_host(seed), .sampling = 1};
    f.protocol = protocols[random_below(seed, sizeof protocols)];
    f.src_port = any_port(seed);
    f.dst_port = any_port(seed);
    number_icmp(&f, seed);
    f.start_ms =
        begin_ms + random_below(seed, 600) * 1000 + (random_below(seed, 2) ? random_below(seed, 1000) : 0);
    f.end_ms = f.start_ms + lengths_ms[random_below(seed, sizeof lengths_ms / sizeof lengths_ms[0])];
    f.exporter = fl_addr_v4(0x7f000001 + random_below(seed, 3));
    f.domain = random_below(seed, 2);
    f.tcp_flags = (uint16_t)random_below(seed, 64);
    f.end_reason = (uint8_t)(random_below(seed, 3) ? 0 : random_below(seed, 6));
    return f;
}

/* A record that has to do with an earlier one: its answer, its continuation, or what another exporter saw. */
static struct fl_flow related(const struct fl_flow *to, uint64_t *seed)
{
    struct fl_flow f = *to;
    int64_t late_ms = random_below(seed, 4) ? random_below(seed, 30) : random_below(seed, 1500);
    switch (random_below(seed, 4)) {
    case 0:
        f.src = to->dst;
        f.dst = to->src;
        f.src_port = to->dst_port;
        f.dst_port = to->src_port;
        f.start_ms = to->start_ms + late_ms;
        number_icmp(&f, seed);
        break;
    case 1:
        f.start_ms = to->end_ms + late_ms;
        f.end_ms = f.start_ms + to->end_ms - to->start_ms;
        break;
    case 2:
        f.exporter = fl_addr_v4(0x7f000001 + random_below(seed, 3));
        f.start_ms += late_ms;
        f.end_ms += late_ms - 10;
        break;
    default:
        break; /* exported twice */
    }
    return f;
}

static size_t random_records(uint64_t seed, size_t n, struct fl_flow *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = i && random_below(&seed, 3)
                     ? related(&out[i - 1 - random_below(&seed, i < 9 ? 1 : 9)], &seed)
                     : any_record(&seed);
    return n;
}

static void assert_same_talk(const struct fl_talk *t, const struct fl_talk *plain)
{
    assert_int_equal(t->n, plain->n);
    assert_int_equal(t->n_hosts, plain->n_hosts);
    assert_memory_equal(t->hosts, plain->hosts, t->n_hosts * sizeof *t->hosts);
    for (size_t i = 0; i < t->n; i++) {
        const struct fl_conversation *x = &t->items[i], *y = &plain->items[i];
        assert_int_equal(x->client, y->client);
        assert_int_equal(x->server, y->server);
        assert_int_equal(x->client_port, y->client_port);
        assert_int_equal(x->server_port, y->server_port);
        assert_int_equal(x->protocol, y->protocol);
        assert_int_equal(x->start_ms, y->start_ms);
        assert_int_equal(x->end_ms, y->end_ms);
    }
}

static void assert_same_nodes(const struct fl_nodes *x, const struct fl_nodes *y)
{
    assert_int_equal(x->n, y->n);
    for (size_t i = 0; i < x->n; i++) {
        assert_int_equal(x->keys[i].client, y->keys[i].client);
        assert_int_equal(x->keys[i].server, y->keys[i].server);
        assert_int_equal(x->keys[i].client_port, y->keys[i].client_port);
        assert_int_equal(x->keys[i].server_port, y->keys[i].server_port);
        assert_int_equal(x->keys[i].protocol, y->keys[i].protocol);
        assert_int_equal(x->first[i + 1], y->first[i + 1]);
    }
    if (x->n)
        assert_memory_equal(x->conversations, y->conversations, x->first[x->n] * sizeof *x->conversations);
}

static void compare_nodes_in(const struct fl_talk *talk, uint32_t support, int64_t from_ms, int64_t to_ms,
                             int64_t window_ms)
{
    struct fl_timeline time;
    struct fl_nodes nodes;
    assert_int_equal(fl_timeline_init(&time, from_ms, to_ms, window_ms, 60), 0);
    struct fl_nodes plain = plain_nodes(talk, &time, support);
    for (uint32_t threads = 1; threads <= 4; threads++) {
        assert_int_equal(fl_nodes_build_on(&nodes, talk, &time, support, threads), 0);
        assert_same_nodes(&nodes, &plain);
        fl_nodes_clear(&nodes);
    }
    fl_nodes_clear(&plain);
}

static void compare_nodes(const struct fl_talk *talk, uint32_t support)
{
    compare_nodes_in(talk, support, begin_ms, begin_ms + 900000, 1000);
}

/* What the passes make of records, against what they should; returns how many flows the plain ones stitched.
 */
static size_t compare_passes(struct fl_flow *flows, size_t n, uint32_t threads, uint32_t support,
                             size_t *conversations)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct fl_find_request request = {
        .flows = flows, .n = n, .active_timeout_ms = 60000, .config = &config, .services = &services};
    struct fl_talk talk;
    struct plain_flow *stitched;
    fl_services_system_ports(&services);
    config.threads = threads;
    assert_int_equal(fl_find_talk(&talk, &request), 0);
    size_t n_stitched = plain_stitch(flows, n, 60000, &stitched);
    struct fl_talk plain = plain_talk(stitched, n_stitched, &services, config.service_peers);
    assert_same_talk(&talk, &plain);
    compare_nodes(&talk, support);
    *conversations = talk.n;
    free(stitched);
    fl_talk_clear(&talk);
    fl_talk_clear(&plain);
    return n_stitched;
}

static void fast_passes_equal_plain_ones(void **state)
{
    static struct fl_flow flows[MOST];
    size_t joined = 0, stitched = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        size_t n = random_records(seed, seed % 10 == 0 ? MOST : 30 * seed, flows), conversations;
        size_t n_flows =
            compare_passes(flows, n, 1 + (uint32_t)(seed % 5), 2 + (uint32_t)(seed % 9), &conversations);
        joined += n_flows - conversations;
        stitched += n - n_flows;
    }
    assert_true(joined > 1000 && stitched > 1000); /* the test has tested something */
}

/* Twenty ports of a client ask one server at once, again and again: all between one pair of hosts, many alike
 * but for their end; one service, or two. */
static void one_pair_of_hosts_has_much_to_say(void **state)
{
    enum { n = 12000, PORTS = 20 };
    static struct fl_flow flows[n];
    uint64_t seed = 7;
    size_t conversations;
    for (uint32_t services = 1; services <= 2; services++)
        for (uint32_t few = 0; few < 2; few++) {
            for (size_t i = 0; i < n; i++) {
                int64_t start_ms = begin_ms + (int64_t)(i / PORTS) * 1400;
                flows[i] = record("10.0.0.5", (uint16_t)(40000 + i % PORTS), "10.0.0.53",
                                  i / PORTS % services ? 123 : 53, FL_PROTO_UDP, start_ms,
                                  start_ms + random_below(&seed, 300));
            }
            compare_passes(flows, few ? 2000 : n, 1 + services, 10, &conversations);
            assert_int_equal(conversations, few ? 2000 : n);
        }
}

/* Every group of the nodes; in a span of minutes, and in one of months. */
static void nodes_of_any_conversations(void **state)
{
    enum { n = 3000 };
    struct fl_addr hosts[9] = {{{0}}};
    static struct fl_conversation items[n];
    struct fl_talk talk = {.hosts = hosts, .n_hosts = 9, .items = items, .n = n};
    uint64_t seed = 3;
    for (size_t i = 0; i < n; i++)
        items[i] = (struct fl_conversation){.client = random_below(&seed, 9),
                                            .server = random_below(&seed, 9),
                                            .client_port = random_below(&seed, 3) ? FL_PORT_ANY : 123,
                                            .server_port = random_below(&seed, 2) ? FL_PORT_ANY : 65535,
                                            .protocol = random_below(&seed, 2) ? 255 : 6,
                                            .start_ms = begin_ms + random_below(&seed, 200) * 500,
                                            .end_ms = begin_ms + 100000 + random_below(&seed, 900000)};
    sort_talk(&talk);
    compare_nodes(&talk, 2);
    for (size_t i = 0; i < n; i++) {
        items[i].start_ms = random_below(&seed, 1000) * INT64_C(10000000);
        items[i].end_ms = items[i].start_ms + 5;
    }
    sort_talk(&talk);
    compare_nodes_in(&talk, 2, 0, 1000 * INT64_C(10000000), 86400000);
    talk.n = 0;
    compare_nodes(&talk, 2);
}

static void numbers_are_places_in_order(void **state)
{
    enum { n = 5000 };
    static uint32_t number[n], rank[n];
    static struct fl_intern_key keys[n];
    struct fl_intern t = {0};
    uint64_t seed = 9;
    uint32_t again = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        keys[i] =
            (struct fl_intern_key){random_below(&seed, 3) ? 0 : random_below(&seed, 2) * UINT64_MAX,
                                   random_below(&seed, 2) ? random_next(&seed) : random_below(&seed, 50)};
        number[i] = random_below(&seed, n); /* any guess */
        assert_int_equal(fl_intern_number(&t, keys[i], &number[i]), 0);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(fl_intern_find(&t, keys[i]), number[i]);
        assert_int_equal(fl_intern_number(&t, keys[i], &again), 0);
        assert_int_equal(again, number[i]);
    }
    assert_int_equal(fl_intern_find(&t, (struct fl_intern_key){1, 0}), -1);
    assert_int_equal(fl_intern_sort(&t, rank), 0);
    assert_true(t.n > 50 && t.n < n);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(&t.keys[rank[number[i]]], &keys[i], sizeof keys[i]);
    for (size_t i = 1; i < t.n; i++)
        assert_true(t.keys[i - 1].high < t.keys[i].high ||
                    (t.keys[i - 1].high == t.keys[i].high && t.keys[i - 1].low < t.keys[i].low));
    fl_intern_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_passes_equal_plain_ones),
        cmocka_unit_test(one_pair_of_hosts_has_much_to_say),
        cmocka_unit_test(nodes_of_any_conversations),
        cmocka_unit_test(numbers_are_places_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
