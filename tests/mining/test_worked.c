/* An hour worked by hand from the records to the rules: every count, score and p-value of MINING.md section
 * 5, and what comes first among equals. */
#include "tests/mining/mining_fixture.h"

#include <math.h>

enum { MOST = 2000 };

struct hour {
    struct fl_flow flows[MOST];
    size_t n;
};

static const int64_t from_ms = 1655121600000; /* 2022-06-13T12:00:00Z, where a block begins */

/* Where in the hour the n-th moment is: each in a minute of its own, in no order and at no period. */
static int64_t moments_ms[60]; /* one in each minute of the hour, in no order and at no period */

static int make_moments(void **state)
{
    uint64_t seed = 42;
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t from = random_below(&seed, i + 1);
        moments_ms[i] = moments_ms[from];
        moments_ms[from] = from_ms + i * INT64_C(60000) + random_below(&seed, 58) * 1000;
    }
    return 0;
}

/* A question and its answer, `late_ms` after the n-th moment. */
static void ask(struct hour *h, const char *client, const char *server, uint16_t port, int n, int late_ms)
{
    int64_t start_ms = moments_ms[n] + late_ms;
    uint16_t own = (uint16_t)(40000 + n);
    assert_true(h->n + 2 <= MOST);
    h->flows[h->n++] = record(client, own, server, port, FL_PROTO_UDP, start_ms, start_ms + 20);
    h->flows[h->n++] = record(server, port, client, own, FL_PROTO_UDP, start_ms + 5, start_ms + 20);
}

static struct hour *new_hour(void)
{
    struct hour *h = calloc(1, sizeof *h);
    assert_non_null(h);
    return h;
}

static struct fl_findings mine(struct hour *h, uint32_t threads)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct fl_findings found;
    fl_services_system_ports(&services);
    config.threads = threads;
    struct fl_find_request request = {.flows = h->flows,
                                      .n = h->n,
                                      .from_ms = from_ms,
                                      .to_ms = from_ms + 3600000,
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services};
    assert_int_equal(fl_find_rules(&found, &request), 0);
    return found;
}

/* log10 of e^-E E^k / k! (1 + E/(k+1) + E^2/((k+1)(k+2))): enough terms for an E below 1. */
static double poisson_by_hand(int k, double e)
{
    double log10_p = k * log10(e) - e / log(10);
    for (int i = 2; i <= k; i++)
        log10_p -= log10(i);
    return log10_p + log10(1 + e / (k + 1) + e * e / ((k + 1) * (k + 2)));
}

/* X at moments 0..29, Y together with it at 0..19 and alone at 30..39. */
static void partners(struct hour *h, const char *client, const char *x, const char *y)
{
    for (int n = 0; n < 30; n++)
        ask(h, client, x, 123, n, 200);
    for (int n = 0; n < 20; n++)
        ask(h, client, y, 53, n, 240);
    for (int n = 30; n < 40; n++)
        ask(h, client, y, 53, n, 0);
}

/* n_x = n_y = 30 and n_xy = 20 of N = 3,600. E: 20 blocks in which both have one start, 1/60 each, 1/3 in
 * all. J = 20/3600 log2((20/30)/(30/3600)) + 10/3600 log2((10/30)/(1 - 30/3600)) = 0.0055556 6.32193 +
 * 0.0027778 -1.57289 = 0.0351218 - 0.0043691 = 0.0307527. p = e^-1/3 (1/3)^20 / 20! (1 + 1/63 + ...) =
 * 10^-28.066; by blocks it would be 2 (1/60)^20, which is less. Three tests (they start together; either
 * starts while the other is under way) of one p: q = p 3/3. */
static void figures(void **state)
{
    struct hour *h = new_hour();
    partners(h, "10.1.0.5", "10.2.0.1", "10.2.0.2");
    struct fl_findings f = mine(h, 1);
    assert_int_equal(f.conversations, 60);
    assert_int_equal(f.pairs_tested, 3);
    assert_int_equal(f.n, 1);
    const struct fl_rule *r = &f.rules[0];
    assert_int_equal(r->n_antecedent, 30);
    assert_int_equal(r->n_consequent, 30);
    assert_int_equal(r->n_both, 20);
    assert_int_equal(r->n_windows, 3600);
    assert_true(r->both);
    assert_int_equal(r->evidence, FL_EVIDENCE_START);
    assert_float_equal(r->confidence, 2.0 / 3, 1e-12);
    assert_float_equal(r->expected, 1.0 / 3, 1e-12);
    assert_float_equal(r->lift, 60, 1e-9);
    assert_float_equal(r->score, 0.0307527, 1e-7);
    assert_float_equal(r->log10_p, poisson_by_hand(20, 1.0 / 3), 1e-6);
    assert_float_equal(r->log10_p, -28.066, 1e-3);
    assert_float_equal(r->log10_q, r->log10_p, 1e-12);
    assert_int_equal(labs((long)r->lag_ms), 40);
    assert_int_equal(r->lag_spread_ms, 0);
    fl_findings_clear(&f);
    free(h);
}

/* Four clients, ten moments each, two ports of one server in step. Of any client: n_x = n_y = n_xy = 40
 * incidents of N = 4 3600; E = 40/60; J = 40/14400 log2(14400/40). Each client alone: 10, E = 1/6. */
static void bound_to_each_client(void **state)
{
    struct hour *h = new_hour();
    char client[32];
    for (int n = 0; n < 40; n++) {
        snprintf(client, sizeof client, "10.1.0.%d", 5 + n / 10);
        ask(h, client, "10.2.0.1", 143, n, 0);
        ask(h, client, "10.2.0.1", 993, n, 100);
    }
    struct fl_findings f = mine(h, 2);
    assert_int_equal(f.n, 5);
    assert_int_equal(f.rules[0].n_antecedent, 40);
    assert_int_equal(f.rules[0].n_consequent, 40);
    assert_int_equal(f.rules[0].n_both, 40);
    assert_int_equal(f.rules[0].n_windows, 4 * 3600);
    assert_int_equal(f.rules[0].hosts, 4);
    assert_int_equal(f.rules[0].instances, 4);
    assert_float_equal(f.rules[0].expected, 40 / 60.0, 1e-12);
    assert_float_equal(f.rules[0].score, 40 / 14400.0 * log2(360), 1e-12);
    assert_float_equal(f.rules[0].log10_p, poisson_by_hand(40, 2.0 / 3), 1e-5);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(f.rules[i].parent, 0);
        assert_int_equal(f.rules[i].n_both, 10);
        assert_float_equal(f.rules[i].expected, 1 / 6.0, 1e-12);
        assert_float_equal(f.rules[i].log10_p, poisson_by_hand(10, 1.0 / 6), 1e-5);
    }
    fl_findings_clear(&f);
    free(h);
}

/* What five clients do alike with servers of their own comes in the order of nodes, whatever the order of the
 * records and the number of threads. */
static void ties_stand_in_the_order_of_nodes(void **state)
{
    static const char *const who[5][3] = {{"10.1.0.9", "10.2.0.1", "10.2.0.2"},
                                          {"10.1.0.5", "10.2.0.3", "10.2.0.4"},
                                          {"10.1.0.7", "10.2.0.6", "10.2.0.5"},
                                          {"10.1.0.6", "10.2.0.8", "10.2.0.7"},
                                          {"10.1.0.8", "10.2.0.9", "10.2.0.10"}};
    struct hour *h = new_hour();
    for (int i = 0; i < 5; i++)
        partners(h, who[i][0], who[i][1], who[i][2]);
    struct fl_findings f = mine(h, 1);
    assert_int_equal(f.n, 5);
    for (size_t i = 0; i < f.n; i++) {
        assert_float_equal(f.rules[i].score, f.rules[0].score, 0);
        assert_float_equal(f.rules[i].log10_p, f.rules[0].log10_p, 0);
        assert_true(i == 0 || fl_node_cmp(&f.rules[i - 1].antecedent, &f.rules[i].antecedent) < 0);
    }
    for (uint32_t threads = 1; threads <= 3; threads++) {
        for (size_t i = 0; i < h->n / 2; i++) { /* turn the records round */
            struct fl_flow swap = h->flows[i];
            h->flows[i] = h->flows[h->n - 1 - i];
            h->flows[h->n - 1 - i] = swap;
        }
        struct fl_findings again = mine(h, threads);
        assert_int_equal(again.n, f.n);
        assert_memory_equal(again.rules, f.rules, f.n * sizeof *f.rules);
        fl_findings_clear(&again);
    }
    fl_findings_clear(&f);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
        cmocka_unit_test(bound_to_each_client),
        cmocka_unit_test(ties_stand_in_the_order_of_nodes),
    };
    return cmocka_run_group_tests(tests, make_moments, NULL);
}
