/* Periodic rules from flow records: beacons among all the rest of a day come out, nothing else does, and each
 * thing is said once. */
#include "tests/mining/mining_fixture.h"

#include <math.h>

#include "mining/periodic.h"
#include "storage/error.h"

static const int64_t midnight_ms = 1655078400000; /* 2022-06-13T00:00:00Z */
static const double hour_ms = 3600000, day_ms = 86400000;

struct day {
    struct fl_flow *flows;
    size_t n, room;
    uint64_t seed;
};

static double unit(struct day *d)
{
    return (double)(random_next(&d->seed) >> 11) / 9007199254740992.0;
}

static double exponential(struct day *d, double mean)
{
    return -mean * log(1 - unit(d));
}

static struct day *new_day(uint64_t seed)
{
    struct day *d = calloc(1, sizeof *d);
    assert_non_null(d);
    d->seed = seed * 0x9e3779b97f4a7c15ULL;
    return d;
}

static void free_day(struct day *d)
{
    free(d->flows);
    free(d);
}

/* A request with its answer; `at_ms` of the day. */
static void talk(struct day *d, const char *client, const char *server, uint16_t port, double at_ms,
                 double lasts_ms)
{
    if (at_ms < 0 || at_ms >= day_ms)
        return;
    if (d->room - d->n < 2) {
        d->room = d->room * 2 + 4096;
        d->flows = realloc(d->flows, d->room * sizeof *d->flows);
        assert_non_null(d->flows);
    }
    int64_t start_ms = midnight_ms + (int64_t)at_ms, end_ms = start_ms + (int64_t)lasts_ms;
    uint16_t from_port = (uint16_t)(32768 + random_below(&d->seed, 28000));
    d->flows[d->n++] = record(client, from_port, server, port, FL_PROTO_TCP, start_ms, end_ms);
    d->flows[d->n++] = record(server, port, client, from_port, FL_PROTO_TCP, start_ms + 5, end_ms);
}

static struct fl_findings mine_with(struct day *d, const struct fl_mining_config *config)
{
    static struct fl_services services;
    struct fl_findings found;
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = d->flows,
                                      .n = d->n,
                                      .from_ms = midnight_ms,
                                      .to_ms = midnight_ms + (int64_t)day_ms,
                                      .active_timeout_ms = 60000,
                                      .config = config,
                                      .services = &services};
    assert_int_equal(fl_find_rules(&found, &request), 0);
    return found;
}

static struct fl_findings mine(struct day *d)
{
    struct fl_mining_config config = default_mining();
    return mine_with(d, &config);
}

static const struct fl_rule *find_periodic(const struct fl_findings *f, const char *node)
{
    struct fl_node wanted;
    assert_int_equal(fl_node_parse(node, &wanted), 0);
    for (size_t i = 0; i < f->n; i++)
        if (f->rules[i].evidence == FL_EVIDENCE_PERIODIC &&
            fl_node_cmp(&f->rules[i].antecedent, &wanted) == 0)
            return &f->rules[i];
    return NULL;
}

static size_t count_periodic(const struct fl_findings *f, bool own)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += f->rules[i].evidence == FL_EVIDENCE_PERIODIC && (f->rules[i].parent < 0 || !own);
    return n;
}

static void say_periodic(const struct fl_findings *f)
{
    char text[FL_RULE_TEXT];
    for (size_t i = 0; i < f->n; i++)
        if (f->rules[i].evidence == FL_EVIDENCE_PERIODIC && f->rules[i].parent < 0)
            print_message("# %s\n", fl_rule_format(&f->rules[i], text));
}

struct beacon {
    double period_s, jitter, miss;
    bool adds_up; /* errors: about the last beat, not about a grid */
};

static void plant(struct day *d, const char *client, const char *server, uint16_t port, struct beacon b)
{
    double period_ms = b.period_s * 1000;
    for (double at_ms = unit(d) * period_ms; at_ms < day_ms;) {
        double error_ms = b.jitter * period_ms * (2 * unit(d) - 1);
        if (unit(d) >= b.miss)
            talk(d, client, server, port, at_ms + (b.adds_up ? 0 : error_ms), 50 + 200 * unit(d));
        at_ms += period_ms + (b.adds_up ? error_ms : 0);
    }
}

/* ---- what is no beacon ---- */

static void add_poisson(struct day *d, const char *client, const char *server, double gap_ms)
{
    for (double at_ms = 0; (at_ms += exponential(d, gap_ms)) < day_ms;)
        talk(d, client, server, 443, at_ms, 100 + exponential(d, 400));
}

/* Busy by day, quiet by night. */
static void add_diurnal(struct day *d, const char *client, const char *server)
{
    for (double at_ms = 0; (at_ms += exponential(d, 120000)) < day_ms;)
        if (unit(d) < 0.5 - 0.48 * cos(2 * M_PI * at_ms / day_ms))
            talk(d, client, server, 443, at_ms, 300);
}

/* Pages of several requests, with time to read between them. */
static void add_browsing(struct day *d, const char *client, const char *server)
{
    for (double at_ms = 9 * hour_ms; at_ms < 17 * hour_ms;
         at_ms += exponential(d, 1) * exponential(d, 200000))
        for (unsigned i = 0; i < 1 + random_below(&d->seed, 12); i++)
            talk(d, client, server, 443, at_ms + exponential(d, 900), 200);
}

/* Asked again once it is answered: after a fixed time, or whenever there is something to say. */
static void add_long_poll(struct day *d, const char *client, const char *server, bool fixed)
{
    for (double at_ms = 0; at_ms < day_ms;) {
        double lasts_ms = fixed ? 55000 + 300 * unit(d) : 1000 + exponential(d, 60000);
        talk(d, client, server, 443, at_ms, lasts_ms);
        at_ms += lasts_ms + 20 + 400 * unit(d);
    }
}

/* Sixty transfers some morning within the hour. */
static void add_batch(struct day *d, const char *client, const char *server)
{
    for (int i = 0; i < 60; i++)
        talk(d, client, server, 873, 5 * hour_ms + hour_ms * unit(d), 2000);
}

static void add_noise(struct day *d, unsigned hosts)
{
    char client[32], server[32];
    for (unsigned i = 0; i < hosts; i++) {
        snprintf(client, sizeof client, "10.1.%u.%u", i / 200, 1 + i % 200);
        for (unsigned kind = 0; kind < 9; kind++) {
            snprintf(server, sizeof server, "198.18.%u.%u", kind, 1 + i % 200);
            static const double gaps_ms[] = {300000, 900000, 2400000, 5000000};
            if (kind < 4)
                add_poisson(d, client, server, gaps_ms[kind]);
            else if (kind == 4)
                add_diurnal(d, client, server);
            else if (kind == 5)
                add_browsing(d, client, server);
            else if (kind < 8)
                add_long_poll(d, client, server, kind == 6);
            else
                add_batch(d, client, server);
        }
    }
    add_poisson(d, "10.1.0.250", "198.18.9.1", 5000); /* one every few seconds */
}

static void what_is_no_beacon_is_not_found(void **state)
{
    uint64_t nodes = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct day *d = new_day(seed);
        add_noise(d, 4);
        struct fl_findings f = mine(d);
        say_periodic(&f);
        assert_int_equal(count_periodic(&f, false), 0);
        nodes += f.nodes;
        fl_findings_clear(&f);
        free_day(d);
    }
    assert_true(nodes > 20 * 30);
}

/* Benjamini-Hochberg at 1 %: with no beacon at all, any finding is false. */
static void poisson_nodes_give_no_more_than_their_share(void **state)
{
    char client[32];
    size_t found = 0;
    uint64_t nodes = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct day *d = new_day(seed + 50);
        for (unsigned i = 0; i < 400; i++) {
            snprintf(client, sizeof client, "10.2.%u.%u", i / 200, 1 + i % 200);
            add_poisson(d, client, "198.18.0.1", 1000 * (600 + 20.0 * i));
        }
        struct fl_findings f = mine(d);
        found += count_periodic(&f, false);
        nodes += f.nodes;
        fl_findings_clear(&f);
        free_day(d);
    }
    print_message("# %zu findings in %u Poisson nodes\n", found, (unsigned)nodes);
    assert_true(nodes > 1500);
    assert_int_equal(found, 0);
}

/* ---- what is one ---- */

static const double periods_s[] = {60, 120, 300, 900, 1800, 3600};
enum { N_PERIODS = 6, N_JITTERS = 4, BEACONS = N_PERIODS * N_JITTERS * 2 };

static struct beacon beacon_of(unsigned i)
{
    return (struct beacon){periods_s[i % N_PERIODS], 0.1 * (i / N_PERIODS % N_JITTERS), 0.1,
                           i >= N_PERIODS * N_JITTERS};
}

static unsigned count_found(const struct fl_findings *f, bool found[BEACONS])
{
    unsigned n = 0;
    for (unsigned i = 0; i < BEACONS; i++) {
        char node[FL_NODE_TEXT];
        struct beacon b = beacon_of(i);
        snprintf(node, sizeof node, "10.3.0.%u.* : 198.19.0.%u.443/tcp", 1 + i, 1 + i);
        const struct fl_rule *r = find_periodic(f, node);
        double allowed = 0.02 + b.jitter * 2.5 / sqrt(day_ms / b.period_s / 1000);
        found[i] = r && fabs((double)r->period.period_ms / 1000 / b.period_s - 1) <= allowed;
        n += found[i];
        if (!found[i])
            print_message("# every %.0f s, jitter %.0f %% about %s: %s\n", b.period_s, b.jitter * 100,
                          b.adds_up ? "the last beat" : "a grid", r ? "another period" : "missed");
    }
    return n;
}

/* All are; of hourly ones with a jitter of 20 or 30 %, of which 21 or 22 beats come, one in eight may be
 * lost. */
static void beacons_are_found_in_a_day(void **state)
{
    unsigned hard = 0, hard_found = 0, strangers = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct day *d = new_day(seed + 100);
        bool found[BEACONS];
        add_noise(d, 10);
        for (unsigned i = 0; i < BEACONS; i++) {
            char client[32], server[32];
            snprintf(client, sizeof client, "10.3.0.%u", 1 + i);
            snprintf(server, sizeof server, "198.19.0.%u", 1 + i);
            plant(d, client, server, 443, beacon_of(i));
        }
        struct fl_findings f = mine(d);
        unsigned n = count_found(&f, found);
        for (unsigned i = 0; i < BEACONS; i++) {
            bool is_hard = i % N_PERIODS == N_PERIODS - 1 && i / N_PERIODS % N_JITTERS >= 2;
            hard += is_hard;
            hard_found += is_hard && found[i];
            assert_true(found[i] || is_hard);
        }
        strangers += (unsigned)count_periodic(&f, true) - n;
        fl_findings_clear(&f);
        free_day(d);
    }
    print_message("# of %u hourly ones with much jitter %u found; %u rules that are no beacon\n", hard,
                  hard_found, strangers);
    assert_true(hard_found * 8 >= hard * 7);
    assert_true(strangers <= 2); /* 1 % of all findings may be false, and a wrong period counts here too */
}

static void the_figures_of_a_rule_are_right(void **state)
{
    struct day *d = new_day(7);
    for (int i = 0; i < 280; i++)
        if (i % 10 != 4) {
            talk(d, "10.3.0.1", "198.19.0.1", 443, 150 + i * 300000.0, 90);
            talk(d, "10.3.0.1", "198.19.0.1", 443, 250 + i * 300000.0, 90); /* at one beat: counts once */
        }
    struct fl_findings f = mine(d);
    const struct fl_rule *r = find_periodic(&f, "10.3.0.1.* : 198.19.0.1.443/tcp");
    char text[FL_RULE_TEXT];
    assert_non_null(r);
    assert_int_equal(count_periodic(&f, false), 1);
    assert_string_equal(fl_rule_format(r, text), "10.3.0.1.* : 198.19.0.1.443/tcp every 5 min");
    assert_int_equal(r->n_both, 252);
    assert_int_equal(r->n_antecedent, 252);
    assert_int_equal(r->n_windows, 86400);
    assert_int_equal(r->period.period_ms, 300000);
    assert_int_equal(r->period.spread_ms, 0);
    assert_int_equal(r->period.missed, 28);
    assert_float_equal(r->confidence, 0.9, 1e-9);
    assert_float_equal(r->reverse_confidence, 1, 1e-9);
    assert_float_equal(r->expected, 279 * 0.0377, 0.5);
    assert_float_equal(r->lift, 252 / r->expected, 1e-9);
    assert_float_equal(r->score, 0.0123, 0.0003); /* 252/86400 log2(24) + 27/86400 log2(0.101) */
    assert_true(r->log10_q < -250 && r->log10_q >= r->log10_p);
    assert_string_equal(r->clock, ":00");
    assert_int_equal(r->n_examples, FL_EXAMPLES);
    assert_int_equal(r->examples[0].time_ms, midnight_ms);
    assert_int_equal(r->examples[2].time_ms - r->examples[1].time_ms, 300000);
    fl_findings_clear(&f);
    free_day(d);
}

static void hosts_of_one_period_are_said_once(void **state)
{
    struct day *d = new_day(8);
    char client[32];
    for (unsigned i = 0; i < 5; i++) {
        snprintf(client, sizeof client, "10.3.0.%u", 1 + i);
        plant(d, client, "198.19.0.1", 443, (struct beacon){300, 0.1, 0.1, i % 2});
    }
    plant(d, "10.3.0.9", "198.19.0.1", 443, (struct beacon){1800, 0.05, 0.1, false}); /* another period */
    for (unsigned i = 0; i < 2; i++) {                                                /* two are not any */
        snprintf(client, sizeof client, "10.3.1.%u", 1 + i);
        plant(d, client, "198.19.0.2", 443, (struct beacon){600, 0.05, 0.1, false});
    }
    struct fl_findings f = mine(d);
    const struct fl_rule *any = find_periodic(&f, "*.* : 198.19.0.1.443/tcp");
    assert_non_null(any);
    assert_int_equal(any->parent, -1);
    assert_int_equal(any->instances, 5);
    assert_int_equal(any->hosts, 5);
    assert_float_equal((double)any->period.period_ms, 300000, 6000);
    uint64_t beats = 0;
    for (size_t i = 0; i < f.n; i++)
        if (f.rules[i].evidence == FL_EVIDENCE_PERIODIC && f.rules[i].parent >= 0) {
            assert_ptr_equal(&f.rules[f.rules[i].parent], any);
            beats += f.rules[i].n_both;
        }
    assert_int_equal(any->n_both, beats);
    assert_int_equal(count_periodic(&f, true), 4);
    assert_int_equal(find_periodic(&f, "10.3.0.9.* : 198.19.0.1.443/tcp")->parent, -1);
    assert_int_equal(find_periodic(&f, "10.3.1.1.* : 198.19.0.2.443/tcp")->parent, -1);
    fl_findings_clear(&f);
    free_day(d);
}

static void servers_asked_in_one_period_are_said_once(void **state)
{
    struct day *d = new_day(9);
    char server[32];
    for (unsigned i = 0; i < 6; i++) {
        snprintf(server, sizeof server, "198.19.0.%u", 1 + i);
        plant(d, "10.3.0.1", server, 161, (struct beacon){300, 0.02, 0.05, true});
    }
    struct fl_findings f = mine(d);
    const struct fl_rule *any = find_periodic(&f, "10.3.0.1.* : *.161/tcp");
    assert_non_null(any);
    assert_int_equal(any->instances, 6);
    assert_int_equal(count_periodic(&f, true), 1);
    fl_findings_clear(&f);
    free_day(d);
}

/* A scanner that comes again and again: one rule, not one a port; a few ports stand for themselves. */
static void ports_asked_in_one_period_are_said_once(void **state)
{
    struct day *d = new_day(12);
    for (unsigned port = 1; port <= 20; port++)
        plant(d, "10.3.0.1", "198.19.0.1", (uint16_t)(port * 3), (struct beacon){900, 0, 0, false});
    for (unsigned port = 1; port <= 4; port++)
        plant(d, "10.3.0.2", "198.19.0.1", (uint16_t)(port * 50), (struct beacon){900, 0, 0, false});
    struct fl_findings f = mine(d);
    const struct fl_rule *range = find_periodic(&f, "10.3.0.1.* : 198.19.0.1.3-60/tcp");
    assert_non_null(range);
    assert_int_equal(range->parent, -1);
    assert_int_equal(range->instances, 20);
    assert_int_equal(range->hosts, 0);
    assert_int_equal(range->period.period_ms, 900000);
    assert_int_equal(count_periodic(&f, true), 5);
    fl_findings_clear(&f);
    free_day(d);
}

/* Each of 20 services, all of other servers and ports, is asked by `clients` clients every half hour: all in
 * one second (`in_step`), or each at its own time. */
static struct fl_findings ask_services(unsigned clients, bool in_step)
{
    struct day *d = new_day(20);
    for (unsigned beat = 0; beat < 46; beat++)
        for (unsigned c = 0; c < clients; c++)
            for (unsigned i = 0; i < 20; i++) {
                char client[32], server[32];
                snprintf(client, sizeof client, "10.3.0.%u", 1 + c);
                snprintf(server, sizeof server, "198.19.0.%u", 1 + i);
                double at_ms =
                    beat * 1800000.0 + 5000 + (in_step ? 0 : i * 60000) + random_below(&d->seed, 500);
                talk(d, client, server, (uint16_t)(100 + 7 * i), at_ms, 50);
            }
    struct fl_findings f = mine(d);
    free_day(d);
    return f;
}

static void mixed_services_asked_in_step_are_said_once(void **state)
{
    for (unsigned clients = 1; clients <= 4; clients += 3) {
        struct fl_findings f = ask_services(clients, true);
        const struct fl_rule *r =
            find_periodic(&f, clients == 1 ? "10.3.0.1.* : *.1-65535/tcp" : "*.* : *.1-65535/tcp");
        assert_non_null(r);
        assert_int_equal(r->parent, -1);
        assert_int_equal(r->instances, clients == 1 ? 20 : 20 + 20 * clients);
        assert_int_equal(r->hosts, 20);
        assert_int_equal(r->period.period_ms, 1800000);
        assert_int_equal(count_periodic(&f, true), 1);
        assert_true(r->cluster >= 0); /* that of the services that go together */
        fl_findings_clear(&f);
    }
    struct fl_findings f = ask_services(4, false);
    assert_int_equal(count_periodic(&f, true), 20);
    fl_findings_clear(&f);
}

/* Two at each of ten servers, half of them a second later than the others, and a service of another pace that
 * begins between them. */
static void mixed_services_need_not_begin_at_once(void **state)
{
    struct day *d = new_day(10);
    for (unsigned beat = 0; beat < 46; beat++)
        for (unsigned i = 0; i < 20; i++) {
            char server[32];
            snprintf(server, sizeof server, "198.19.0.%u", 1 + i / 2);
            talk(d, "10.3.0.1", server, (uint16_t)(100 + 7 * i),
                 beat * 1800000.0 + 5000 + i % 2 * 1000 + random_below(&d->seed, 300), 50);
        }
    for (unsigned beat = 0; beat < 31; beat++)
        talk(d, "10.3.0.1", "198.20.0.9", 8999, beat * 2700000.0 + 5200 + random_below(&d->seed, 300), 50);
    struct fl_findings f = mine(d);
    const struct fl_rule *r = find_periodic(&f, "10.3.0.1.* : *.1-65535/tcp");
    assert_non_null(r);
    assert_int_equal(r->instances, 20);
    assert_int_equal(r->hosts, 10);
    assert_int_equal(r->period.period_ms, 1800000);
    assert_int_equal(count_periodic(&f, true), 2); /* and the other one */
    fl_findings_clear(&f);
    free_day(d);
}

static void a_period_over_many_servers_is_the_clients(void **state)
{
    struct day *d = new_day(10);
    char server[32];
    for (int i = 0; i < 280; i++) {
        snprintf(server, sizeof server, "198.19.0.%u", 1 + random_below(&d->seed, 40));
        talk(d, "10.3.0.1", server, 443, 77000 + i * 300000.0 + 4000 * unit(d), 90);
    }
    struct fl_findings f = mine(d);
    const struct fl_rule *any = find_periodic(&f, "10.3.0.1.* : *.443/tcp");
    assert_non_null(any);
    assert_int_equal(count_periodic(&f, false), 1);
    assert_true(any->hosts > 30);
    assert_int_equal(any->period.period_ms, 300000);
    fl_findings_clear(&f);
    free_day(d);
}

static void order_and_threads_are_of_no_account(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_findings first = {0};
    for (uint32_t round = 0; round < 3; round++) {
        struct day *d = new_day(11);
        add_noise(d, 2);
        for (unsigned i = 0; i < 12; i++) {
            char client[32];
            snprintf(client, sizeof client, "10.3.0.%u", 1 + i);
            plant(d, client, i % 2 ? "198.19.0.1" : "198.19.0.2", 443,
                  (struct beacon){i < 6 ? 300 : 900, 0.1, 0.1, i % 3 == 0});
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
            assert_true(count_periodic(&f, false) > 12);
            first = f;
        } else {
            assert_int_equal(f.n, first.n);
            assert_memory_equal(f.rules, first.rules, f.n * sizeof *f.rules);
            fl_findings_clear(&f);
        }
        free_day(d);
    }
    fl_findings_clear(&first);
}

struct asked {
    unsigned n, at; /* so often; stops then, 0: never */
};

static int stop_at(void *ctx, enum fl_phase phase, double done)
{
    struct asked *a = ctx;
    if (phase != FL_PHASE_DESCRIBING || done < fl_phase_done(phase, 0.6))
        return 0;
    return ++a->n == a->at;
}

/* Once for some 4,096 conversations of nodes, by the first thread for all. */
static void a_test_of_many_nodes_can_be_stopped(void **state)
{
    for (uint32_t threads = 1; threads <= 2; threads++) {
        static struct fl_services services;
        struct fl_mining_config config = default_mining();
        struct day *d = new_day(12);
        struct fl_findings f;
        struct asked asked = {0, 0};
        fl_services_system_ports(&services);
        config.threads = threads;
        add_noise(d, 20);
        struct fl_find_request r = {.flows = d->flows,
                                    .n = d->n,
                                    .from_ms = midnight_ms,
                                    .to_ms = midnight_ms + (int64_t)day_ms,
                                    .active_timeout_ms = 60000,
                                    .config = &config,
                                    .services = &services,
                                    .stop = stop_at,
                                    .ctx = &asked};
        assert_int_equal(fl_find_rules(&f, &r), 0);
        fl_findings_clear(&f);
        print_message("# of %zu flows, asked %u times\n", d->n, asked.n);
        assert_true(asked.n >= d->n / 2 / 4096 / threads);
        asked = (struct asked){0, asked.n / 2};
        assert_int_equal(fl_find_rules(&f, &r), FL_ESTOP);
        free_day(d);
    }
}

static void periods_are_rounded_within_what_is_known(void **state)
{
    assert_int_equal(fl_period_round(299870, 300), 300000);
    assert_int_equal(fl_period_round(299870, 100), 299900);
    assert_int_equal(fl_period_round(3714000, 120000), 3600000);
    assert_int_equal(fl_period_round(1024020, 500), 1024000);
    assert_int_equal(fl_period_round(64014, 10), 64010);
    assert_int_equal(fl_period_round(12347, 0), 12347);
    assert_int_equal(fl_period_round(1, 1000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_beacon_is_not_found),
        cmocka_unit_test(poisson_nodes_give_no_more_than_their_share),
        cmocka_unit_test(beacons_are_found_in_a_day),
        cmocka_unit_test(the_figures_of_a_rule_are_right),
        cmocka_unit_test(hosts_of_one_period_are_said_once),
        cmocka_unit_test(servers_asked_in_one_period_are_said_once),
        cmocka_unit_test(ports_asked_in_one_period_are_said_once),
        cmocka_unit_test(mixed_services_asked_in_step_are_said_once),
        cmocka_unit_test(mixed_services_need_not_begin_at_once),
        cmocka_unit_test(a_period_over_many_servers_is_the_clients),
        cmocka_unit_test(order_and_threads_are_of_no_account),
        cmocka_unit_test(a_test_of_many_nodes_can_be_stopped),
        cmocka_unit_test(periods_are_rounded_within_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
