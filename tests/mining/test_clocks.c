/* Clocks of exporters are told apart by what two of them saw, by hand and through stitching. */
#include "tests/mining/mining_fixture.h"

#include "mining/clocks.h"
#include "mining/stitch.h"

enum { MOST = 4000 };

struct pile {
    struct fl_flow flows[MOST];
    size_t n;
};

/* Exporter `number` sees flow `i`, whose packets are `late_ms` later by its clock. */
static void see(struct pile *p, unsigned number, unsigned i, int64_t late_ms)
{
    struct fl_flow f =
        record("10.0.0.5", (uint16_t)(40000 + i), "192.0.2.7", 443, FL_PROTO_TCP, i * 2000, i * 2000 + 50);
    f.exporter = fl_addr_v4(0x0a090000 + number);
    f.start_ms += late_ms;
    f.end_ms += late_ms;
    assert_true(p->n < MOST);
    p->flows[p->n++] = f;
}

static void learn(const struct pile *p, int64_t *ahead_ms)
{
    struct fl_records r = records_of(p->flows, p->n);
    assert_int_equal(fl_learn_clocks(&r, ahead_ms), 0);
    fl_records_clear(&r);
}

static struct pile *new_pile(void)
{
    struct pile *p = calloc(1, sizeof *p);
    assert_non_null(p);
    return p;
}

/* The example of mining/clocks.c: A has most records, B is 10 s ahead of it, C 4 s behind B. */
static void worked_example(void **state)
{
    struct pile *p = new_pile();
    int64_t ahead_ms[3];
    for (unsigned i = 0; i < 40; i++) {
        see(p, 1, i, 0);
        see(p, 2, i, 9990 + i % 21);
    }
    for (unsigned i = 40; i < 75; i++) {
        see(p, 2, i, 10000);
        see(p, 3, i, 6000);
    }
    for (unsigned i = 75; i < 200; i++)
        see(p, 1, i, 0);
    learn(p, ahead_ms);
    assert_int_equal(ahead_ms[0], 0);
    assert_int_equal(ahead_ms[1], 10000);
    assert_int_equal(ahead_ms[2], 6000);
    free(p);
}

/* n flows in common, differences even in [ms - spread/2, ms + spread/2]; what is said of the second's clock.
 */
static int64_t said_of(unsigned n, int64_t ms, int64_t spread)
{
    struct pile *p = new_pile();
    int64_t ahead_ms[2];
    for (unsigned i = 0; i < n; i++) {
        see(p, 1, i, 0);
        see(p, 2, i, ms - spread / 2 + spread * i / (n - 1));
    }
    learn(p, ahead_ms);
    assert_int_equal(ahead_ms[0], 0);
    free(p);
    return ahead_ms[1];
}

static void scant_or_doubtful_evidence_is_none(void **state)
{
    assert_int_equal(said_of(30, 10000, 0), 10000);
    assert_int_equal(said_of(29, 10000, 0), 0);
    assert_int_equal(said_of(40, -100, 0), -100);
    assert_int_equal(said_of(40, 99, 0), 0);
    assert_int_equal(said_of(40, -4226, 0), -4250);
    assert_int_equal(said_of(40, 4224, 0), 4200);
    assert_true(said_of(101, 10000, 1900) > 9900); /* half lie within 950 ms */
    assert_int_equal(said_of(101, 10000, 2200), 0);
    assert_int_equal(said_of(40, 86400000, 0), 86400000);
    assert_int_equal(said_of(40, 86400001, 0), 0);
}

/* A direction of which a source has several records tells nothing: which of them is the other's? */
static void only_single_records_tell(void **state)
{
    struct pile *p = new_pile();
    int64_t ahead_ms[2];
    for (unsigned i = 0; i < 40; i++) {
        see(p, 1, i, 0);
        see(p, 2, i, 500);
        see(p, 2, i, 40000);
    }
    learn(p, ahead_ms);
    assert_int_equal(ahead_ms[0], 0);
    assert_int_equal(ahead_ms[1], 0);
    free(p);
}

/* A ring of five, each 3 s ahead of the one before, and two groups that have nothing in common. */
static void groups_of_sources_share_a_clock(void **state)
{
    struct pile *p = new_pile();
    int64_t ahead_ms[9];
    unsigned flow = 0;
    for (unsigned k = 1; k < 5; k++)
        for (unsigned i = 0; i < 30 + k; i++, flow++) {
            see(p, k, flow, (int64_t)k * 3000);
            see(p, k + 1, flow, (int64_t)k * 3000 + 3000);
        }
    for (unsigned i = 0; i < 200; i++, flow++)
        see(p, 3, flow, 9000);
    for (unsigned i = 0; i < 50; i++, flow++) {
        see(p, 7, flow, 0);
        see(p, 8, flow, -700);
    }
    see(p, 9, flow, 0);
    learn(p, ahead_ms);
    static const int64_t against_the_third[] = {-6000, -3000, 0, 3000, 6000};
    for (unsigned k = 0; k < 5; k++)
        assert_int_equal(ahead_ms[k], against_the_third[k]);
    assert_int_equal(ahead_ms[5], 0);
    assert_int_equal(ahead_ms[6], -700);
    assert_int_equal(ahead_ms[7], 0);
    free(p);
}

/* In a random tree of 60 sources the differences are those that were put in, whatever hangs below what.
 */
static void forests_add_up(void **state)
{
    enum { sources = 60 };
    static int64_t ahead_ms[sources], true_ms[sources];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed * 977;
        struct pile *p = new_pile();
        unsigned flow = 0;
        for (unsigned s = 0; s < sources; s++)
            true_ms[s] = ((int64_t)random_below(&random, 600) - 300) * 100;
        for (unsigned s = 1; s < sources; s++) {
            unsigned to = random_below(&random, s);
            for (unsigned i = 0; i < 30; i++, flow++) {
                see(p, s, flow % 25000, true_ms[s]);
                see(p, to, flow % 25000, true_ms[to]);
            }
        }
        learn(p, ahead_ms);
        for (unsigned s = 1; s < sources; s++)
            assert_int_equal(ahead_ms[s] - ahead_ms[0], true_ms[s] - true_ms[0]);
        free(p);
    }
}

/* What two clocks ten seconds apart saw is one flow again, and what only the second saw is at its time. */
static void stitching_sets_the_clock(void **state)
{
    struct pile *p = new_pile();
    struct fl_record *flows;
    for (unsigned i = 0; i < 50; i++) {
        see(p, 1, i, 0);
        see(p, 2, i, 10000);
    }
    for (unsigned i = 50; i < 60; i++)
        see(p, 1, i, 0);
    see(p, 2, 60, 10000);
    struct fl_records r = records_of(p->flows, p->n);
    size_t n = stitch_all(&r, &flows);
    assert_int_equal(n, 61);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(flows[i].start_ms, (int64_t)i * 2000);
    free(flows);
    fl_records_clear(&r);
    free(p);
}

/* What the second clock stamps within the span may have been before it. */
static void flows_set_out_of_the_span_are_none_of_it(void **state)
{
    struct fl_mining_config config = default_mining();
    struct fl_services services;
    struct fl_findings found;
    struct pile *p = new_pile();
    for (unsigned i = 0; i < 100; i++)
        see(p, 2, i, 30000);
    for (unsigned i = 15; i < 140; i++)
        see(p, 1, i, 0);
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = p->flows,
                                      .n = p->n,
                                      .from_ms = 30000,
                                      .to_ms = 300000,
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services};
    assert_int_equal(fl_find_rules(&found, &request), 0);
    assert_int_equal(found.conversations, 125);
    fl_findings_clear(&found);
    free(p);
}

static void nothing_is_learned_of_nothing(void **state)
{
    struct fl_records r = {0};
    int64_t none;
    assert_int_equal(fl_learn_clocks(&r, &none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(scant_or_doubtful_evidence_is_none),
        cmocka_unit_test(only_single_records_tell),
        cmocka_unit_test(groups_of_sources_share_a_clock),
        cmocka_unit_test(forests_add_up),
        cmocka_unit_test(stitching_sets_the_clock),
        cmocka_unit_test(flows_set_out_of_the_span_are_none_of_it),
        cmocka_unit_test(nothing_is_learned_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
