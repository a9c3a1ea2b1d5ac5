/* Ranges whose ports have support together only: what is counted, and what chance does not make. */
#include "tests/mining/mining_fixture.h"

static const int64_t from_ms = 1655078400000, hour_ms = 3600000;
enum { HOURS = 8, MOST = 40000, PORTS = 9, CLIENTS = 7 };

struct hours {
    struct fl_flow flows[MOST];
    size_t n;
    uint64_t seed;
};

static struct fl_addr peer(unsigned client)
{
    return fl_addr_v4(0xc6120001u + client);
}

static void knock(struct hours *h, unsigned client, uint16_t port, int64_t at_ms)
{
    assert_true(h->n < MOST);
    struct fl_flow *f = &h->flows[h->n++];
    *f = record("198.18.0.1", (uint16_t)(20000 + random_below(&h->seed, 40000)), "10.0.0.36", port,
                FL_PROTO_TCP, at_ms, at_ms + 3);
    f->src = peer(client);
}

static struct hours *new_hours(void)
{
    struct hours *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->seed = 6;
    return h;
}

/* The start of a second in the i-th of n stretches. */
static int64_t moment(struct hours *h, unsigned i, unsigned n)
{
    int64_t stretch = HOURS * hour_ms / n;
    int64_t at = from_ms + stretch * i + random_below(&h->seed, (uint32_t)stretch - 2000);
    return at - at % 1000;
}

/* Peers try two of the ports from 6881 on, `apart` from each other, another two each time. */
static void try_two(struct hours *h, unsigned times, unsigned ports, unsigned apart)
{
    for (unsigned i = 0; i < times; i++) {
        unsigned one = random_below(&h->seed, ports), other = random_below(&h->seed, ports - 1);
        int64_t at = moment(h, i, times);
        other += other >= one;
        knock(h, i % 10, (uint16_t)(6881 + apart * one), at + 100);
        knock(h, i % 10, (uint16_t)(6881 + apart * other), at + 150);
    }
}

static struct fl_findings mine(struct hours *h)
{
    static struct fl_services services;
    struct fl_findings found;
    struct fl_mining_config config = default_mining();
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = h->flows,
                                      .n = h->n,
                                      .from_ms = from_ms,
                                      .to_ms = from_ms + HOURS * hour_ms,
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services};
    assert_int_equal(fl_find_rules(&found, &request), 0);
    return found;
}

static const struct fl_rule *range_of(const struct fl_findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->rules[i].antecedent.server_port_last && f->rules[i].parent < 0)
            return &f->rules[i];
    return NULL;
}

static void together_they_have_support(void **state)
{
    /* Each of 36 pairs in about 3 of 120 incidents: none is a rule. */
    struct hours *h = new_hours();
    char text[FL_RULE_TEXT];
    try_two(h, 120, PORTS, 1);
    struct fl_findings found = mine(h);
    const struct fl_rule *r = range_of(&found);
    assert_int_equal(found.n, 1);
    assert_non_null(r);
    assert_string_equal(fl_rule_format(r, text),
                        "*.* : 10.0.0.36.6881-6889/tcp <=> *.* : 10.0.0.36.6881-6889/tcp");
    assert_int_equal(r->n_antecedent, 120);
    assert_int_equal(r->n_both, 120);
    assert_float_equal(r->confidence, 1, 0);
    assert_float_equal(r->reverse_confidence, 1, 0);
    assert_int_equal(r->hosts, 10);
    assert_int_equal(r->lag_ms, 50); /* from the first to the second */
    assert_float_equal(r->expected, 120.0 / 60, 1e-9);
    assert_true(r->log10_q < -2);
    assert_int_equal(r->n_examples, FL_EXAMPLES);
    assert_true(r->examples[0].server_ports[0] != r->examples[0].server_ports[1]);
    fl_findings_clear(&found);
    free(h);
}

/* Which ports a client starts at, second by second, for counting without any order. */
static void look(const struct hours *h, unsigned client, int64_t block, bool seen[60][PORTS])
{
    struct fl_addr who = peer(client);
    memset(seen, 0, 60 * PORTS * sizeof(bool));
    for (size_t i = 0; i < h->n; i++) {
        const struct fl_flow *f = &h->flows[i];
        if (fl_addr_cmp(&f->src, &who) == 0 && f->start_ms >= block && f->start_ms < block + 60000)
            seen[(f->start_ms - block) / 1000][f->dst_port - 6881] = true;
    }
}

static void figures_are_the_plain_ones(void **state)
{
    struct hours *h = new_hours();
    uint64_t any = 0, several = 0;
    double pairs = 0;
    for (unsigned i = 0; i < 120; i++) { /* incidents with no port to three, two of them in a block */
        int64_t at = moment(h, i / 2, 60);
        at -= at % 60000;
        for (unsigned k = random_below(&h->seed, 4); k-- > 0;)
            knock(h, i / 2 % CLIENTS, (uint16_t)(6881 + random_below(&h->seed, PORTS)),
                  at + 7000 * (i % 2) + 10 * k);
    }
    for (unsigned c = 0; c < CLIENTS; c++)
        for (int64_t block = from_ms; block < from_ms + HOURS * hour_ms; block += 60000) {
            bool seen[60][PORTS];
            unsigned counts[PORTS] = {0};
            look(h, c, block, seen);
            for (int w = 0; w < 60; w++) {
                int used = 0;
                for (int p = 0; p < PORTS; p++) {
                    used += seen[w][p];
                    counts[p] += seen[w][p];
                }
                any += used > 0;
                several += used > 1;
            }
            for (int p = 0; p < PORTS; p++)
                for (int q = p + 1; q < PORTS; q++)
                    pairs += counts[p] * counts[q];
        }
    struct fl_findings found = mine(h);
    const struct fl_rule *r = range_of(&found);
    assert_non_null(r);
    assert_int_equal(r->n_antecedent, any);
    assert_int_equal(r->n_both, several);
    assert_float_equal(r->expected, pairs / 60, 1e-9);
    fl_findings_clear(&found);
    free(h);
}

static void a_port_that_goes_alone_is_left_out(void **state)
{
    struct hours *h = new_hours();
    try_two(h, 72, 8, 1);
    for (unsigned i = 0; i < 60; i++)
        knock(h, i % 10, 6890, moment(h, i, 60) + 300);
    struct fl_findings found = mine(h);
    const struct fl_rule *r = range_of(&found);
    assert_non_null(r);
    assert_int_equal(r->antecedent.server_port, 6881);
    assert_int_equal(r->antecedent.server_port_last, 6888);
    fl_findings_clear(&found);
    free(h);
}

static void chance_makes_no_range(void **state)
{
    /* Ten clients try one port at a time, often: now and then two meet in a second. */
    struct hours *h = new_hours();
    for (unsigned c = 0; c < 10; c++)
        for (unsigned i = 0; i < 3000; i++)
            knock(h, c, (uint16_t)(6881 + random_below(&h->seed, PORTS)),
                  from_ms + random_below(&h->seed, HOURS * (uint32_t)hour_ms));
    struct fl_findings found = mine(h);
    assert_null(range_of(&found));
    fl_findings_clear(&found);
    free(h);
}

static void ports_far_apart_are_no_range(void **state)
{
    struct hours *h = new_hours();
    try_two(h, 72, PORTS, 5);
    struct fl_findings found = mine(h);
    assert_null(range_of(&found));
    fl_findings_clear(&found);
    free(h);
}

static void some_rules_are_covered_by_all_together(void **state)
{
    /* Three of the ports go together often, and are a range for that; the others go with them now and then.
     */
    struct hours *h = new_hours();
    try_two(h, 90, PORTS, 1);
    for (unsigned i = 0; i < 40; i++) {
        int64_t at = moment(h, i, 40);
        for (unsigned p = 0; p < 3; p++)
            knock(h, i % 10, (uint16_t)(6883 + p), at + 20 * p);
    }
    struct fl_findings found = mine(h);
    const struct fl_rule *r = range_of(&found);
    assert_non_null(r);
    assert_int_equal(r->antecedent.server_port, 6881);
    assert_int_equal(r->antecedent.server_port_last, 6889);
    for (size_t i = 1; i < found.n; i++)
        assert_int_equal(found.rules[i].parent, 0);
    assert_int_equal(r->instances, 4); /* three pairs and the range that they are */
    fl_findings_clear(&found);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(together_they_have_support),
        cmocka_unit_test(figures_are_the_plain_ones),
        cmocka_unit_test(a_port_that_goes_alone_is_left_out),
        cmocka_unit_test(chance_makes_no_range),
        cmocka_unit_test(ports_far_apart_are_no_range),
        cmocka_unit_test(some_rules_are_covered_by_all_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
