/* Routers keep their word too: what passes which, what sampling, losses and clocks do to records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/generate/router.h"

static struct gen_flow flow(const char *src, const char *dst, uint64_t packets)
{
    struct gen_flow f = {.start_ms = 1000000, .end_ms = 1000000, .packets = packets, .bytes = packets * 100};
    f.proto = FL_PROTO_TCP;
    f.tcp_flags = FL_TCP_SYN | FL_TCP_ACK | FL_TCP_FIN;
    assert_int_equal(fl_addr_parse(src, &f.src), 0);
    assert_int_equal(fl_addr_parse(dst, &f.dst), 0);
    return f;
}

static struct gen_router router_of(uint64_t seed)
{
    struct gen_router r;
    gen_router_init(&r);
    r.seed = seed;
    return r;
}

static size_t cut(const struct gen_flow *flows, size_t n, const struct gen_router *r, struct gen_cut **out)
{
    size_t n_out;
    assert_int_equal(gen_cut(flows, n, r, out, &n_out), 0);
    return n_out;
}

static bool is_seen(const char *src, const char *dst, enum gen_place place)
{
    struct gen_flow f = flow(src, dst, 1);
    struct gen_router r = router_of(1);
    struct gen_cut *cuts;
    r.place = place;
    size_t n = cut(&f, 1, &r, &cuts);
    free(cuts);
    return n == 1;
}

static void places_carry_what_passes_them(void **state)
{
    static const struct {
        const char *src, *dst;
        bool border, core;
    } cases[] = {
        {"10.1.1.1", "198.18.0.1", true, true},     {"198.19.9.9", "10.1.2.4", true, true},
        {"10.1.0.25", "198.18.0.1", true, false},   {"198.18.0.1", "10.1.0.25", true, false},
        {"10.1.1.1", "10.1.0.53", false, true},     {"10.1.0.82", "10.1.0.33", false, true},
        {"10.1.1.1", "224.0.0.251", false, true},   {"2001:db8:1::1", "2001:db8:f000::1", true, true},
        {"2001:db8:1::1", "ff02::fb", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(is_seen(cases[i].src, cases[i].dst, GEN_EVERYWHERE));
        assert_int_equal(is_seen(cases[i].src, cases[i].dst, GEN_BORDER), cases[i].border);
        assert_int_equal(is_seen(cases[i].src, cases[i].dst, GEN_CORE), cases[i].core);
    }
}

enum { MANY = 20000 };

/* MANY flows of so many packets each, a second apart. */
static struct gen_flow *many(uint64_t packets, int64_t lasts_ms)
{
    struct gen_flow *flows = malloc(MANY * sizeof *flows);
    assert_non_null(flows);
    for (int64_t i = 0; i < MANY; i++) {
        flows[i] = flow("10.1.1.1", "10.1.0.53", packets);
        flows[i].start_ms += i * 1000;
        flows[i].end_ms = flows[i].start_ms + lasts_ms;
    }
    return flows;
}

/* One packet in ten: a flow of one packet is seen with 0.1, one of five with 1 - 0.9^5 = 0.410; packets seen
 * are a tenth of all. 20,000 flows put four standard deviations at 0.0085 and 0.0139. */
static void sampling_loses_small_flows(void **state)
{
    struct gen_router r = router_of(3);
    r.sampling = 10;
    for (uint64_t packets = 1; packets <= 5; packets += 4) {
        struct gen_flow *flows = many(packets, 400);
        struct gen_cut *cuts;
        size_t n = cut(flows, MANY, &r, &cuts);
        uint64_t seen = 0;
        for (size_t i = 0; i < n; i++) {
            seen += cuts[i].flow.packets;
            assert_int_equal(cuts[i].flow.bytes, cuts[i].flow.packets * 100);
        }
        assert_float_equal((double)n / MANY, packets == 1 ? 0.1 : 1 - pow(0.9, 5),
                           packets == 1 ? 0.0085 : 0.0139);
        assert_float_equal((double)seen / (double)(MANY * packets), 0.1, 0.0085);
        free(cuts);
        free(flows);
    }
}

/* 101 packets, one each 100 ms: what is seen lies on those moments, and flags of packets not seen are not. */
static void sampled_stamps_are_those_of_packets_seen(void **state)
{
    struct gen_flow *flows = many(101, 10000);
    struct gen_router r = router_of(4);
    struct gen_cut *cuts;
    size_t without_syn = 0;
    r.sampling = 20;
    size_t n = cut(flows, MANY, &r, &cuts);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(cuts[i].flow.start_ms % 100, 0);
        assert_int_equal(cuts[i].flow.end_ms % 100, 0);
        assert_int_equal(cuts[i].export_ms, cuts[i].flow.end_ms + GEN_INACTIVE_MS);
        if (cuts[i].flow.tcp_flags & FL_TCP_SYN)
            assert_int_equal(cuts[i].flow.start_ms % 1000, 0); /* the first packet was seen */
        without_syn += !(cuts[i].flow.tcp_flags & FL_TCP_SYN);
    }
    assert_true(without_syn > n / 2);
    free(cuts);
    free(flows);
}

/* A packet a second for 1,000 s. One in 60 is seen: gaps are mostly over 15 s, and end the flow. One in 2:
 * hardly any gap is, and the active timeout cuts it. */
static void sampled_flows_end_at_either_timeout(void **state)
{
    struct gen_flow f = flow("10.1.1.1", "10.1.0.53", 1001);
    struct gen_router r = router_of(5);
    struct gen_cut *cuts;
    f.end_ms += 1000000;
    r.sampling = 2;
    size_t n = cut(&f, 1, &r, &cuts);
    assert_true(n >= 15 && n <= 17);
    for (size_t i = 0; i + 1 < n; i++)
        assert_int_equal(cuts[i].end_reason, FL_END_ACTIVE);
    assert_int_equal(cuts[n - 1].end_reason, FL_END_IDLE);
    free(cuts);
    r.sampling = 60;
    n = cut(&f, 1, &r, &cuts);
    assert_true(n >= 5);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cuts[i].end_reason, FL_END_IDLE);
    free(cuts);
}

static void clocks_move_stamps_and_errors_stay_in_bounds(void **state)
{
    struct gen_flow *flows = many(3, 400);
    struct gen_router r = router_of(6);
    struct gen_cut *cuts;
    int64_t least = 0, most = 0;
    r.clock_ms = 10000;
    r.clock_error_ms = 200;
    r.mute = true;
    size_t n = cut(flows, MANY, &r, &cuts);
    assert_int_equal(n, MANY);
    for (size_t i = 0; i < n; i++) {
        int64_t off = cuts[i].flow.start_ms - flows[i].start_ms - 10000;
        least = off < least ? off : least;
        most = off > most ? off : most;
        assert_int_equal(cuts[i].flow.end_ms - cuts[i].flow.start_ms, 400);
        assert_int_equal(cuts[i].export_ms, flows[i].end_ms + 10000 + GEN_INACTIVE_MS);
        assert_int_equal(cuts[i].end_reason, FL_END_UNKNOWN);
    }
    assert_int_equal(least, -200);
    assert_int_equal(most, 200);
    free(cuts);
    free(flows);
}

/* 20,000 records make 10,000 datagrams of two (14 at most, but two within a second): four standard
 * deviations of 5 % are 0.9 %. */
static void losses_take_their_share(void **state)
{
    struct gen_day day = {.flows = many(1, 0), .n_flows = MANY};
    struct gen_router r[2] = {router_of(7), router_of(8)};
    struct fl_flow *records;
    size_t n;
    r[0].loss = r[1].loss = 0.05;
    r[1].sampling = 1;
    assert_int_equal(gen_records(&day, r, 2, &records, &n), 0);
    assert_float_equal((double)n / (2 * MANY), 0.95, 0.009);
    free(records);
    r[0].loss = 1;
    assert_int_equal(gen_records(&day, r, 1, &records, &n), 0);
    assert_int_equal(n, 0);
    free(records);
    free(day.flows);
}

static void the_same_settings_give_the_same_records(void **state)
{
    struct gen_options o;
    struct gen_day day;
    struct fl_flow *one, *other;
    size_t n, m;
    gen_options_init(&o);
    o.hours = 1;
    o.hosts = GEN_HOSTS_MIN;
    assert_int_equal(gen_day_make(&day, &o), 0);
    struct gen_router r = router_of(9);
    r.sampling = 5;
    r.loss = 0.1;
    r.clock_error_ms = 50;
    assert_int_equal(gen_records(&day, &r, 1, &one, &n), 0);
    assert_int_equal(gen_records(&day, &r, 1, &other, &m), 0);
    assert_int_equal(n, m);
    assert_true(n > 1000);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(one[i].sampling, 5);
        assert_int_equal(one[i].start_ms, other[i].start_ms);
        assert_int_equal(one[i].packets, other[i].packets);
        assert_int_equal(fl_addr_cmp(&one[i].src, &other[i].src), 0);
    }
    free(one);
    free(other);
    gen_day_clear(&day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_carry_what_passes_them),
        cmocka_unit_test(sampling_loses_small_flows),
        cmocka_unit_test(sampled_stamps_are_those_of_packets_seen),
        cmocka_unit_test(sampled_flows_end_at_either_timeout),
        cmocka_unit_test(clocks_move_stamps_and_errors_stay_in_bounds),
        cmocka_unit_test(losses_take_their_share),
        cmocka_unit_test(the_same_settings_give_the_same_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
