/* All passes together: planted partners come out, chance does not, and the order of the records is of no
 * account. */
#include "tests/mining/mining_fixture.h"

#include "mining/strongest.h"
#include "storage/error.h"

enum { MOST = 20000 };

struct day {
    struct fl_flow flows[MOST];
    size_t n;
    uint64_t seed;
};

static const int64_t midnight_ms = 1655078400000; /* 2022-06-13T00:00:00Z */
static const int64_t day_ms = 86400000;

static int64_t any_time(struct day *d)
{
    return midnight_ms + (int64_t)(random_next(&d->seed) % (uint64_t)day_ms);
}

/* A request with its answer. */
static void talk(struct day *d, const char *client, const char *server, uint16_t port, uint8_t protocol,
                 int64_t start_ms, int64_t length_ms)
{
    uint16_t source_port = (uint16_t)(32768 + random_below(&d->seed, 28000));
    assert_true(d->n + 2 <= MOST);
    d->flows[d->n++] = record(client, source_port, server, port, protocol, start_ms, start_ms + length_ms);
    d->flows[d->n++] =
        record(server, port, client, source_port, protocol, start_ms + 5, start_ms + length_ms);
}

static struct day *new_day(uint64_t seed)
{
    struct day *d = calloc(1, sizeof *d);
    assert_non_null(d);
    d->seed = seed;
    return d;
}

static struct fl_findings mine_with(struct day *d, const struct fl_mining_config *config)
{
    static struct fl_services services;
    struct fl_findings found;
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = d->flows,
                                      .n = d->n,
                                      .from_ms = midnight_ms,
                                      .to_ms = midnight_ms + day_ms,
                                      .active_timeout_ms = 60000,
                                      .config = config,
                                      .services = &services};
    assert_int_equal(fl_find_rules(&found, &request), 0);
    drop_periodic(&found);
    return found;
}

static struct fl_findings mine(struct day *d)
{
    struct fl_mining_config config = default_mining();
    return mine_with(d, &config);
}

static const struct fl_rule *find_rule(const struct fl_findings *f, const char *text)
{
    char got[FL_RULE_TEXT];
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(fl_rule_format(&f->rules[i], got), text) == 0)
            return &f->rules[i];
    return NULL;
}

static void background(struct day *d, size_t n)
{
    char client[32], server[32];
    for (size_t i = 0; i < n; i++) {
        snprintf(client, sizeof client, "10.1.0.%u", 10 + random_below(&d->seed, 40));
        snprintf(server, sizeof server, "10.2.0.%u", 1 + random_below(&d->seed, 6));
        talk(d, client, server, 443, FL_PROTO_TCP, any_time(d), 400);
    }
}

static void partners_in_step_are_found(void **state)
{
    struct day *d = new_day(7);
    background(d, 3000);
    for (int i = 0; i < 40; i++) {
        int64_t t = any_time(d) / 1000 * 1000 + 300;
        talk(d, "10.1.0.5", "17.0.0.1", 123, FL_PROTO_UDP, t, 20);
        talk(d, "10.1.0.5", "17.0.0.2", 123, FL_PROTO_UDP, t + 40, 20);
    }
    struct fl_findings f = mine(d);
    assert_int_equal(f.n, 1);
    const struct fl_rule *r =
        find_rule(&f, "10.1.0.5.* : 17.0.0.1.123/udp <=> 10.1.0.5.* : 17.0.0.2.123/udp");
    assert_non_null(r);
    assert_int_equal(r->n_both, 40);
    assert_int_equal(r->lag_ms, 40);
    assert_int_equal(r->evidence, FL_EVIDENCE_START);
    assert_float_equal(r->confidence, 1, 0);
    assert_int_equal(r->n_examples, FL_EXAMPLES);
    fl_findings_clear(&f);
    free(d);
}

static void instances_fold_under_their_generic(void **state)
{
    struct day *d = new_day(8);
    char client[32];
    for (int c = 0; c < 5; c++)
        for (int i = 0; i < 30; i++) {
            int64_t t = any_time(d) / 1000 * 1000 + 200;
            snprintf(client, sizeof client, "10.1.0.%d", 10 + c);
            talk(d, client, "10.3.0.1", 993, FL_PROTO_TCP, t, 300);
            talk(d, client, "10.3.0.1", 143, FL_PROTO_TCP, t + 30, 300);
        }
    struct fl_findings f = mine(d);
    size_t own = 0;
    for (size_t i = 0; i < f.n; i++)
        own += f.rules[i].parent < 0;
    assert_int_equal(own, 1);
    assert_int_equal(f.rules[0].parent, -1);
    assert_int_equal(f.rules[0].instances, f.n - 1);
    assert_int_equal(f.rules[0].hosts, 5);
    for (int c = 0; c < 5; c++) {
        char text[FL_RULE_TEXT];
        snprintf(text, sizeof text, "10.1.0.%d.* : 10.3.0.1.143/tcp <=> 10.1.0.%d.* : 10.3.0.1.993/tcp",
                 10 + c, 10 + c);
        assert_non_null(find_rule(&f, text));
    }
    assert_non_null(find_rule(&f, "*.* : 10.3.0.1.143/tcp <=> *.* : 10.3.0.1.993/tcp"));
    for (size_t i = 1; i < f.n; i++)
        assert_int_equal(f.rules[i].parent, 0);
    fl_findings_clear(&f);
    free(d);
}

static void start_during_a_long_flow_is_found(void **state)
{
    struct day *d = new_day(9);
    for (int i = 0; i < 25; i++) { /* control lives for about 30 s, somewhere in it data is fetched */
        int64_t t = midnight_ms + i * 3000000 + (int64_t)random_below(&d->seed, 100000);
        talk(d, "10.1.0.5", "10.4.0.1", 21, FL_PROTO_TCP, t, 30000);
        talk(d, "10.1.0.5", "10.4.0.1", (uint16_t)(40000 + i), FL_PROTO_TCP,
             t + 2000 + random_below(&d->seed, 26000), 500);
    }
    struct fl_findings f = mine(d);
    const struct fl_rule *r = find_rule(&f, "10.1.0.5.* : 10.4.0.1.*/tcp => 10.1.0.5.* : 10.4.0.1.21/tcp");
    assert_non_null(r);
    assert_int_equal(r->evidence, FL_EVIDENCE_DURING);
    assert_true(r->lag_ms < 0); /* the control connection came first */
    fl_findings_clear(&f);
    free(d);
}

static void clock_phase_is_marked(void **state)
{
    struct day *d = new_day(10);
    for (int i = 0; i < 60; i++) {
        int64_t t = midnight_ms + (int64_t)i * 600000 + 120;
        if (random_below(&d->seed, 3) == 0)
            continue;
        talk(d, "10.1.0.5", "10.5.0.1", 25, FL_PROTO_TCP, t, 300);
        talk(d, "10.1.0.6", "10.5.0.1", 873, FL_PROTO_TCP, t + 60, 300);
    }
    struct fl_findings f = mine(d);
    assert_int_equal(f.n, 1);
    assert_string_equal(f.rules[0].clock, ":00");
    fl_findings_clear(&f);
    free(d);
}

static void same_busy_hours_are_no_rule(void **state)
{
    struct day *d = new_day(11);
    for (int i = 0; i < 1500; i++) {
        int64_t busy = midnight_ms + 9 * 3600000;
        talk(d, "10.1.0.5", "10.6.0.1", 80, FL_PROTO_TCP, busy + (int64_t)random_below(&d->seed, 7200000),
             200);
        talk(d, "10.1.0.5", "10.6.0.2", 80, FL_PROTO_TCP, busy + (int64_t)random_below(&d->seed, 7200000),
             200);
    }
    struct fl_findings f = mine(d);
    assert_int_equal(f.n, 0);
    assert_true(f.pairs_tested > 0);
    fl_findings_clear(&f);
    free(d);
}

static void order_and_threads_are_of_no_account(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_findings first = {0};
    for (uint32_t round = 0; round < 3; round++) {
        struct day *d = new_day(12);
        background(d, 2000);
        for (int i = 0; i < 50; i++) {
            int64_t t = any_time(d);
            talk(d, "10.1.0.11", "10.2.0.1", 443, FL_PROTO_TCP, t, 100);
            talk(d, "10.2.0.1", "10.2.0.9", 3306, FL_PROTO_TCP, t + 10, 100);
        }
        uint64_t seed = 99 + round;
        for (size_t i = d->n; round && i > 1; i--) {
            size_t j = random_below(&seed, (uint32_t)i);
            struct fl_flow swap = d->flows[i - 1];
            d->flows[i - 1] = d->flows[j];
            d->flows[j] = swap;
        }
        config.threads = round + 1;
        struct fl_findings f = mine_with(d, &config);
        if (round == 0) {
            assert_true(f.n > 0);
            first = f;
        } else {
            assert_int_equal(f.n, first.n);
            assert_memory_equal(f.rules, first.rules, f.n * sizeof *f.rules);
            fl_findings_clear(&f);
        }
        free(d);
    }
    fl_findings_clear(&first);
}

static void nothing_gives_no_rules(void **state)
{
    struct day *d = new_day(13);
    struct fl_findings f = mine(d);
    assert_int_equal(f.n, 0);
    fl_findings_clear(&f);
    free(d);
}

static void impossible_spans_are_refused(void **state)
{
    struct fl_mining_config config = default_mining();
    static struct fl_services services;
    struct fl_findings f;
    struct fl_find_request request = {
        .from_ms = 5, .to_ms = 5, .active_timeout_ms = 60000, .config = &config, .services = &services};
    assert_int_equal(fl_find_rules(&f, &request), FL_EINVAL);
    request.to_ms = INT64_C(100) * 366 * day_ms;
    assert_int_equal(fl_find_rules(&f, &request), FL_ELIMIT);
}

/* Clients that ask `servers` servers at one of `ports` ports each, all in one second, now and then. */
static void ask_at_once(struct day *d, unsigned clients, unsigned servers, unsigned ports)
{
    for (int round = 0; round < 14; round++) {
        int64_t at_ms = midnight_ms + round * 6000000 + random_below(&d->seed, 2000) * 1000;
        for (unsigned c = 0; c < clients; c++)
            for (unsigned s = 0; s < servers; s++) {
                char client[24], server[24];
                snprintf(client, sizeof client, "10.1.0.%u", c + 1);
                snprintf(server, sizeof server, "10.9.0.%u", s + 1);
                int64_t start_ms = at_ms + random_below(&d->seed, 990);
                assert_true(d->n < MOST);
                d->flows[d->n++] =
                    record(client, (uint16_t)(20000 + random_below(&d->seed, 40000)), server,
                           (uint16_t)(20 + 7 * (s % ports)), FL_PROTO_TCP, start_ms, start_ms + 5);
            }
    }
}

static void what_asks_mixed_services_at_once_is_said_once(void **state)
{
    struct day *d = new_day(14);
    char text[FL_RULE_TEXT];
    ask_at_once(d, 20, 60, 60);
    struct fl_findings f = mine(d);
    size_t tops = 0;
    while (tops < f.n && f.rules[tops].parent < 0)
        tops++;
    assert_int_equal(tops, 1);
    assert_string_equal(fl_rule_format(&f.rules[0], text), "*.* : *.1-65535/tcp <=> *.* : *.1-65535/tcp");
    assert_int_equal(f.rules[0].hosts, 20);
    assert_true(f.rules[0].instances >= 20 * 60 * 59 / 2); /* each client's pairs at least */
    assert_true(f.n < 2000);
    fl_findings_clear(&f);
    free(d);
}

/* Two ports of 20 servers each: a sweep over each, and that they go together. */
static void sweeps_that_go_together_are_no_secret(void **state)
{
    static const char *const want[] = {"*.* : *.20/tcp <=> *.* : *.20/tcp",
                                       "*.* : *.20/tcp <=> *.* : *.27/tcp",
                                       "*.* : *.27/tcp <=> *.* : *.27/tcp"};
    struct day *d = new_day(15);
    char text[FL_RULE_TEXT];
    ask_at_once(d, 20, 40, 2);
    struct fl_findings f = mine(d);
    for (int i = 0; i < 3; i++) {
        bool found = false;
        for (size_t k = 0; k < f.n && f.rules[k].parent < 0; k++)
            found = found || strcmp(fl_rule_format(&f.rules[k], text), want[i]) == 0;
        assert_true(found);
    }
    assert_int_equal(f.rules[3].parent >= 0, true);
    fl_findings_clear(&f);
    free(d);
}

/* Ten clients ask 15 services at once, too few to be one statement: each pair of services of each client, of
 * any client, and each pair of clients at a service. */
static void the_weakest_go_where_memory_is_short(void **state)
{
    enum { PAIRS = 10 * 105 + 105 + 15 * 45, MEMORY = 1 << 20 };
    struct fl_mining_config config = default_mining();
    static struct fl_services services;
    struct day *d = new_day(16);
    struct fl_findings all, few;
    ask_at_once(d, 10, 15, 15);
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = d->flows,
                                      .n = d->n,
                                      .from_ms = midnight_ms,
                                      .to_ms = midnight_ms + day_ms,
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services};
    assert_int_equal(fl_find_rules(&all, &request), 0);
    drop_periodic(&all);
    assert_int_equal(all.left_out, 0);
    assert_int_equal(all.n, PAIRS);
    request.memory_bytes = MEMORY;
    assert_int_equal(fl_find_rules(&few, &request), 0);
    drop_periodic(&few);
    size_t most = fl_strongest_most(MEMORY);
    assert_int_equal(few.n, most);
    assert_int_equal(few.left_out, PAIRS - most);
    size_t of_any = 0;
    for (size_t i = 0; i < few.n; i++)
        of_any += few.rules[i].antecedent.any_client && few.rules[i].consequent.any_client;
    assert_int_equal(of_any, 105); /* those of any client are seen ten times as often */
    fl_findings_clear(&all);
    fl_findings_clear(&few);
    free(d);
}

static int stop_when_asked_so_often(void *ctx, enum fl_phase phase, double done)
{
    int *left = ctx;
    return --*left < 0;
}

/* Whenever a run is told to stop, it does, and leaves nothing. */
static void a_run_stops_whenever_it_is_asked(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_services services;
    struct day *d = new_day(5);
    struct fl_findings found;
    int stops = 0, rc;
    for (int i = 0; i < 40; i++) {
        int64_t at_ms = any_time(d);
        talk(d, "10.0.0.5", "10.0.0.53", 53, FL_PROTO_UDP, at_ms, 20);
        talk(d, "10.0.0.5", "192.0.2.7", 443, FL_PROTO_TCP, at_ms + 30, 900);
    }
    fl_services_system_ports(&services);
    do {
        int left = stops;
        struct fl_find_request request = {.flows = d->flows,
                                          .n = d->n,
                                          .from_ms = midnight_ms,
                                          .to_ms = midnight_ms + day_ms,
                                          .active_timeout_ms = 60000,
                                          .config = &config,
                                          .services = &services,
                                          .stop = stop_when_asked_so_often,
                                          .ctx = &left};
        rc = fl_find_rules(&found, &request);
        assert_true(rc == 0 || (rc == FL_ESTOP && !found.rules && !found.clusters));
        stops += rc != 0;
    } while (rc != 0);
    assert_true(found.n > 0);
    assert_true(stops >= 10);
    fl_findings_clear(&found);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partners_in_step_are_found),
        cmocka_unit_test(instances_fold_under_their_generic),
        cmocka_unit_test(start_during_a_long_flow_is_found),
        cmocka_unit_test(clock_phase_is_marked),
        cmocka_unit_test(same_busy_hours_are_no_rule),
        cmocka_unit_test(order_and_threads_are_of_no_account),
        cmocka_unit_test(nothing_gives_no_rules),
        cmocka_unit_test(impossible_spans_are_refused),
        cmocka_unit_test(what_asks_mixed_services_at_once_is_said_once),
        cmocka_unit_test(sweeps_that_go_together_are_no_secret),
        cmocka_unit_test(the_weakest_go_where_memory_is_short),
        cmocka_unit_test(a_run_stops_whenever_it_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
