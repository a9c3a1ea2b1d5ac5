/* Mining at the edges: times out of order and at the ends of the calendar, spans of years, scans, bursts, and
 * settings at their limits. */
#include "tests/mining/mining_fixture.h"

#include "mining/nodes.h"
#include "storage/error.h"

static const int64_t day_ms = 86400000;
static const int64_t from_ms = 1655078400000; /* 2022-06-13T00:00:00Z */
static const int64_t year_9999_ms = 253402300799999;

static int find(struct fl_findings *f, struct fl_flow *flows, size_t n, int64_t from, int64_t to,
                const struct fl_mining_config *config)
{
    static struct fl_services services;
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = flows,
                                      .n = n,
                                      .from_ms = from,
                                      .to_ms = to,
                                      .active_timeout_ms = 60000,
                                      .config = config,
                                      .services = &services};
    int rc = fl_find_rules(f, &request);
    if (rc == 0)
        drop_periodic(f);
    return rc;
}

static const char *const partners[] = {"10.9.0.1", "10.9.0.2"};

/* 20 requests to each of two servers, `every_ms` apart and in step. */
static size_t in_step(struct fl_flow *flows, int64_t first_ms, int64_t every_ms, int64_t length_ms)
{
    size_t n = 0;
    for (int i = 0; i < 20; i++)
        for (int s = 0; s < 2; s++) {
            int64_t t = first_ms + i * every_ms + 10 * s;
            flows[n++] =
                record("10.1.0.5", (uint16_t)(40000 + i), partners[s], 53, FL_PROTO_UDP, t, t + length_ms);
        }
    return n;
}

static void ends_before_starts_do_no_harm(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_flow flows[40];
    struct fl_findings f;
    size_t n = in_step(flows, from_ms + 1000000, 300000, -1000000);
    assert_int_equal(find(&f, flows, n, from_ms, from_ms + day_ms, &config), 0);
    assert_int_equal(f.conversations, 40);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.rules[0].n_consequent, 20);
    fl_findings_clear(&f);
}

static void endless_flows_end_with_the_span(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_flow flows[40];
    struct fl_findings f;
    size_t n = in_step(flows, from_ms, 300000, 0);
    for (size_t i = 0; i < n; i++)
        flows[i].end_ms = INT64_MAX;
    assert_int_equal(find(&f, flows, n, from_ms, from_ms + day_ms, &config), 0);
    assert_int_equal(f.conversations, 40);
    assert_int_equal(f.n, 1);
    fl_findings_clear(&f);
}

static void the_ends_of_the_calendar(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_flow flows[40];
    struct fl_findings f;
    size_t n = in_step(flows, 0, 300000, 5);
    assert_int_equal(find(&f, flows, n, 0, day_ms, &config), 0);
    assert_int_equal(f.n, 1);
    fl_findings_clear(&f);
    n = in_step(flows, year_9999_ms - 20 * 300000, 300000, 5);
    assert_int_equal(find(&f, flows, n, year_9999_ms - day_ms, year_9999_ms + 1, &config), 0);
    assert_int_equal(f.n, 1);
    fl_findings_clear(&f);
}

static void ten_years_take_bounded_time(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_flow flows[41];
    struct fl_findings f;
    int64_t ten_years_ms = 3652 * day_ms;
    size_t n = in_step(flows, from_ms, ten_years_ms / 20, 5);
    flows[n++] = record("10.1.0.5", 50000, "10.9.0.3", 22, FL_PROTO_TCP, from_ms, from_ms + ten_years_ms);
    assert_int_equal(find(&f, flows, n, from_ms, from_ms + ten_years_ms, &config), 0);
    assert_int_equal(f.n, 1); /* those in step; the one flow under way all the time proves nothing */
    assert_int_equal(f.rules[0].n_windows, ten_years_ms / 1000);
    fl_findings_clear(&f);
    config.window_ms = 100; /* beyond 2^31 windows */
    assert_int_equal(find(&f, flows, n, from_ms, from_ms + ten_years_ms, &config), FL_ELIMIT);
    assert_int_equal(find(&f, flows, n, 0, INT64_MAX, &config), FL_ELIMIT);
}

static void a_year_of_endless_flows_is_refused_where_memory_is_short(void **state)
{
    const int64_t year_ms = INT64_C(365) * day_ms;
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct fl_flow flows[200];
    struct fl_findings f;
    struct fl_find_request request = {.flows = flows,
                                      .n = 200,
                                      .from_ms = from_ms,
                                      .to_ms = from_ms + year_ms,
                                      .active_timeout_ms = 60000,
                                      .memory_bytes = 1 << 30,
                                      .config = &config,
                                      .services = &services};
    fl_services_system_ports(&services);
    for (uint16_t i = 0; i < 200; i++) {
        flows[i] = record("10.1.0.5", i, "10.9.0.1", 22, FL_PROTO_TCP, from_ms + i, from_ms + year_ms);
        flows[i].dst = fl_addr_v4(0x0b000000 + i);
    }
    assert_int_equal(fl_find_rules(&f, &request), FL_ELIMIT); /* each in half a million blocks */
    request.n = 2;
    assert_int_equal(fl_find_rules(&f, &request), 0);
    assert_int_equal(f.n, 0);
    fl_findings_clear(&f);
}

static void windows_that_the_span_cuts_count(void **state)
{
    struct fl_timeline t;
    assert_int_equal(fl_timeline_init(&t, 500, 2500, 1000, 60), 0);
    assert_int_equal(t.n_windows, 3);
    assert_int_equal(fl_window_of(&t, 2500), 2);
    assert_int_equal(fl_timeline_init(&t, 61000, 62000, 1000, 60), 0);
    assert_int_equal(t.n_windows, 1);
    assert_int_equal(fl_window_of(&t, 61000), 1); /* blocks start at the epoch's minutes */
    assert_int_equal(fl_window_start_ms(&t, 1), 61000);
    assert_int_equal(fl_timeline_init(&t, 0, 10, 1000, UINT32_MAX), FL_ELIMIT);
    assert_int_equal(fl_timeline_init(&t, 0, 10, 0, 60), FL_EINVAL);
    assert_int_equal(fl_timeline_init(&t, -1, 10, 1000, 60), FL_EINVAL);
}

static void chance_has_only_the_windows_of_the_span(void **state)
{
    /* Half a block at either end: 20 of its 30 windows hold both, so chance alone gives 20 * 20 / 30 each. */
    struct fl_mining_config config = default_mining();
    struct fl_flow flows[80];
    struct fl_findings f;
    config.q = 1;
    size_t n = in_step(flows, from_ms + 30000, 1000, 5);
    n += in_step(flows + n, from_ms + 60000, 1000, 5);
    for (size_t i = 0; i < n; i++) /* each a flow of its own */
        flows[i].src_port = (uint16_t)(40000 + i);
    assert_int_equal(find(&f, flows, n, from_ms + 30000, from_ms + 90000, &config), 0);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.rules[0].n_both, 40);
    assert_float_equal(f.rules[0].expected, 2 * 20 * 20 / 30.0, 1e-9);
    fl_findings_clear(&f);
}

static void settings_at_their_limits(void **state)
{
    static const struct {
        int64_t window_ms;
        uint32_t jitter, support, service_peers;
        size_t rules;
    } cases[] = {
        {100, 60, 10, 5, 1},  {60000, 60, 10, 5, 1},    {1000, 1, 10, 5, 0}, /* no room for chance: no test */
        {1000, 2, 10, 5, 1},  {1000, 60, 1, 1, 1},      {1000, 60, 20, 5, 1},
        {1000, 60, 21, 5, 0}, {1000, 1000000, 10, 5, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_mining_config config = default_mining();
        struct fl_flow flows[40];
        struct fl_findings f;
        config.window_ms = cases[i].window_ms;
        config.jitter = cases[i].jitter;
        config.support = cases[i].support;
        config.service_peers = cases[i].service_peers;
        size_t n = in_step(flows, from_ms, 3600000, 5);
        assert_int_equal(find(&f, flows, n, from_ms, from_ms + day_ms, &config), 0);
        assert_int_equal(f.n, cases[i].rules);
        fl_findings_clear(&f);
    }
}

static void lone_icmp_replies_have_their_asker_as_client(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_flow flows[40];
    struct fl_findings f;
    char text[FL_RULE_TEXT];
    size_t n = in_step(flows, from_ms, 300000, 5);
    for (size_t i = 0; i < n; i++)
        flows[i] =
            record(partners[i % 2], 0, "10.1.0.5", 0, FL_PROTO_ICMP, flows[i].start_ms, flows[i].end_ms);
    assert_int_equal(find(&f, flows, n, from_ms, from_ms + day_ms, &config), 0);
    assert_int_equal(f.n, 1);
    assert_string_equal(fl_rule_format(&f.rules[0], text),
                        "10.1.0.5.* : 10.9.0.1.8.0/icmp <=> 10.1.0.5.* : 10.9.0.2.8.0/icmp");
    fl_findings_clear(&f);
}

static void every_port_of_a_host_scanned(void **state)
{
    enum { PORTS = 65535 };
    struct fl_mining_config config = default_mining();
    struct fl_flow *flows = calloc(PORTS, sizeof *flows);
    struct fl_findings f;
    assert_non_null(flows);
    for (int p = 0; p < PORTS; p++)
        flows[p] = record("10.1.0.5", 40000, "10.9.0.1", (uint16_t)(p + 1), FL_PROTO_TCP, from_ms + 15 * p,
                          from_ms + 15 * p + 1);
    assert_int_equal(find(&f, flows, PORTS, from_ms, from_ms + day_ms, &config), 0);
    assert_int_equal(f.conversations, PORTS);
    assert_int_equal(f.n, 0);
    fl_findings_clear(&f);
    free(flows);
}

static void a_burst_over_many_hosts_is_one_window(void **state)
{
    enum { TARGETS = 100000 };
    struct fl_mining_config config = default_mining();
    struct fl_flow *flows = calloc(TARGETS, sizeof *flows);
    struct fl_findings f;
    assert_non_null(flows);
    for (uint32_t i = 0; i < TARGETS; i++) {
        flows[i] = record("10.1.0.5", 40000, "10.9.0.1", 22, FL_PROTO_TCP, from_ms + 1, from_ms + 2);
        flows[i].dst = fl_addr_v4(0x0b000000 + i);
    }
    assert_int_equal(find(&f, flows, TARGETS, from_ms, from_ms + day_ms, &config), 0);
    assert_int_equal(f.conversations, TARGETS);
    assert_int_equal(f.nodes, 0);
    assert_int_equal(f.n, 0);
    fl_findings_clear(&f);
    free(flows);
}

/* 400 hosts at once, each of which is also busy at other times: the window counts once for each pair. */
static void a_window_of_a_million_flows(void **state)
{
    enum { HOSTS = 400, WINDOWS = 12, BURST = 1000000, FLOWS = BURST + HOSTS * WINDOWS };
    struct fl_mining_config config = default_mining();
    struct fl_flow *flows = calloc(FLOWS, sizeof *flows),
                   model = record("10.1.0.0", 0, "10.9.0.1", 443, 6, 0, 0);
    struct fl_findings f;
    uint64_t seed = 8;
    assert_non_null(flows);
    for (uint32_t i = 0; i < FLOWS; i++) {
        uint32_t h = i % HOSTS;
        flows[i] = model;
        flows[i].src = fl_addr_v4(0x0a010001 + h);
        flows[i].src_port = (uint16_t)(i / HOSTS);
        flows[i].start_ms = flows[i].end_ms =
            from_ms + (i < BURST ? 0 : 600000 + (int64_t)random_below(&seed, 80000000));
    }
    assert_int_equal(find(&f, flows, FLOWS, from_ms, from_ms + day_ms, &config), 0);
    assert_int_equal(f.conversations, FLOWS);
    assert_int_equal(f.nodes, HOSTS + 1); /* each host's, and any client's */
    assert_int_equal(f.n, 0);
    fl_findings_clear(&f);
    free(flows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_before_starts_do_no_harm),
        cmocka_unit_test(endless_flows_end_with_the_span),
        cmocka_unit_test(the_ends_of_the_calendar),
        cmocka_unit_test(ten_years_take_bounded_time),
        cmocka_unit_test(a_year_of_endless_flows_is_refused_where_memory_is_short),
        cmocka_unit_test(windows_that_the_span_cuts_count),
        cmocka_unit_test(chance_has_only_the_windows_of_the_span),
        cmocka_unit_test(settings_at_their_limits),
        cmocka_unit_test(lone_icmp_replies_have_their_asker_as_client),
        cmocka_unit_test(every_port_of_a_host_scanned),
        cmocka_unit_test(a_burst_over_many_hosts_is_one_window),
        cmocka_unit_test(a_window_of_a_million_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
