/* The generator keeps its word: the same day for the same seed, patterns that come and go without moving the
 * rest, cuts that lose nothing, datagrams that say what their flows were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/error.h"
#include "tests/generate/encode.h"
#include "tests/generate/make.h"

static struct gen_options small(uint64_t seed)
{
    struct gen_options o;
    gen_options_init(&o);
    o.hours = 2;
    o.hosts = GEN_HOSTS_MIN;
    o.seed = seed;
    return o;
}

static struct gen_day make(const struct gen_options *o)
{
    struct gen_day day;
    assert_int_equal(gen_day_make(&day, o), 0);
    return day;
}

static bool same_flow(const struct gen_flow *a, const struct gen_flow *b)
{
    return a->start_ms == b->start_ms && a->end_ms == b->end_ms && fl_addr_cmp(&a->src, &b->src) == 0 &&
           fl_addr_cmp(&a->dst, &b->dst) == 0 && a->sport == b->sport && a->dport == b->dport &&
           a->proto == b->proto && a->packets == b->packets && a->bytes == b->bytes &&
           a->tcp_flags == b->tcp_flags;
}

static bool same_day(const struct gen_day *a, const struct gen_day *b)
{
    bool same = a->n_flows == b->n_flows;
    for (size_t i = 0; same && i < a->n_flows; i++)
        same = same_flow(&a->flows[i], &b->flows[i]);
    return same;
}

static void a_seed_makes_one_day(void **state)
{
    struct gen_options one = small(7), other = small(8);
    struct gen_day a = make(&one), b = make(&one), c = make(&other);
    assert_true(a.n_flows > 10000);
    assert_true(same_day(&a, &b));
    assert_false(same_day(&a, &c));
    gen_day_clear(&a);
    gen_day_clear(&b);
    gen_day_clear(&c);
}

static void flows_are_ordered_and_inside_the_span(void **state)
{
    struct gen_options o = small(1);
    struct gen_day day = make(&o);
    for (size_t i = 0; i < day.n_flows; i++) {
        const struct gen_flow *f = &day.flows[i];
        assert_true(f->start_ms >= o.start_ms && f->start_ms < o.start_ms + 2 * 3600000);
        assert_true(f->end_ms >= f->start_ms);
        assert_true(f->packets > 0 && f->bytes >= 40);
        assert_true(i == 0 || day.flows[i - 1].start_ms <= f->start_ms);
        assert_int_equal(fl_addr_is_v4(&f->src), fl_addr_is_v4(&f->dst));
    }
    gen_day_clear(&day);
}

static size_t truths_of(const struct gen_day *day, const char *pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < day->n_truth; i++)
        n += strcmp(day->truth[i].pattern, pattern) == 0;
    return n;
}

static void every_pattern_lists_its_pairs(void **state)
{
    struct gen_options o = small(1);
    struct gen_day day = make(&o);
    for (size_t i = 1; gen_pattern_name(i) != NULL; i++)
        assert_true(truths_of(&day, gen_pattern_name(i)) > 0);
    gen_day_clear(&day);
}

static bool names_v6(const struct gen_truth *t)
{
    return strchr(t->x, '[') != NULL || strchr(t->y, '[') != NULL;
}

static void only_v4_leaves_v6_out_and_nothing_else(void **state)
{
    struct gen_options both = small(3), four = small(3);
    four.only_v4 = true;
    struct gen_day a = make(&both), b = make(&four);
    size_t at = 0, six = 0;
    for (size_t i = 0; i < a.n_flows; i++) {
        if (!fl_addr_is_v4(&a.flows[i].src))
            six++;
        else
            assert_true(same_flow(&a.flows[i], &b.flows[at++]));
    }
    assert_true(six > 0);
    assert_int_equal(at, b.n_flows);
    for (size_t i = 0; i < b.n_truth; i++)
        assert_false(names_v6(&b.truth[i]));
    gen_day_clear(&a);
    gen_day_clear(&b);
}

static void a_pattern_left_out_moves_no_other(void **state)
{
    const char *without[] = {"ntp"};
    struct gen_options all = small(3), less = small(3);
    less.without = without;
    less.n_without = 1;
    struct gen_day a = make(&all), b = make(&less);
    assert_int_equal(truths_of(&b, "ntp"), 0);
    size_t at = 0;
    for (size_t i = 0; i < a.n_flows; i++)
        if (a.flows[i].sport != 123)
            assert_true(same_flow(&a.flows[i], &b.flows[at++]));
    assert_true(at < a.n_flows);
    assert_int_equal(at, b.n_flows);
    gen_day_clear(&a);
    gen_day_clear(&b);
}

static void refused(struct gen_options o)
{
    struct gen_day day;
    assert_int_equal(gen_day_make(&day, &o), FL_EINVAL);
    assert_null(day.flows);
}

static void options_out_of_range_are_refused(void **state)
{
    const char *without[] = {"no-such-pattern"};
    struct gen_options o = small(1);
    o.hours = 0;
    refused(o);
    o.hours = GEN_HOURS_MAX + 1;
    refused(o);
    o = small(1);
    o.hosts = GEN_HOSTS_MIN - 1;
    refused(o);
    o = small(1);
    o.without = without;
    o.n_without = 1;
    refused(o);
}

static struct gen_flow flow_of(int64_t start_ms, int64_t end_ms)
{
    struct gen_flow f = {.start_ms = start_ms, .end_ms = end_ms, .packets = 10, .bytes = 1000, .proto = 6};
    f.src = fl_addr_v4(0x0a000001);
    f.dst = fl_addr_v4(0x0a000002);
    f.sport = 40000;
    f.dport = 443;
    f.tcp_flags = 0x1b;
    return f;
}

static void a_long_flow_is_cut_where_a_router_would(void **state)
{
    struct gen_flow f = flow_of(1000, 151000);
    struct gen_router router;
    struct gen_cut *cuts;
    size_t n;
    gen_router_init(&router);
    assert_int_equal(gen_cut(&f, 1, &router, &cuts, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(cuts[0].flow.end_ms, 61000);
    assert_int_equal(cuts[0].export_ms, 61000);
    assert_int_equal(cuts[0].end_reason, FL_END_ACTIVE);
    assert_int_equal(cuts[1].flow.start_ms, 61000);
    assert_int_equal(cuts[2].flow.start_ms, 121000);
    assert_int_equal(cuts[2].flow.end_ms, 151000);
    assert_int_equal(cuts[2].export_ms, 166000);
    assert_int_equal(cuts[2].end_reason, FL_END_IDLE);
    assert_int_equal(cuts[0].flow.packets + cuts[1].flow.packets + cuts[2].flow.packets, 10);
    assert_int_equal(cuts[0].flow.bytes + cuts[1].flow.bytes + cuts[2].flow.bytes, 1000);
    free(cuts);
}

static void a_flow_of_the_timeout_itself_stays_whole(void **state)
{
    struct gen_flow f = flow_of(1000, 61000);
    struct gen_router router;
    struct gen_cut *cuts;
    size_t n;
    gen_router_init(&router);
    assert_int_equal(gen_cut(&f, 1, &router, &cuts, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(cuts[0].end_reason, FL_END_IDLE);
    free(cuts);
    assert_int_equal(gen_cut(&f, 0, &router, &cuts, &n), 0);
    assert_int_equal(n, 0);
    free(cuts);
}

struct caught {
    uint8_t bytes[GEN_DATAGRAM_MAX];
    size_t length, count;
};

static int catch_last(void *ctx, int64_t export_ms, const uint8_t *bytes, size_t length)
{
    struct caught *c = ctx;
    memcpy(c->bytes, bytes, length);
    c->length = length;
    c->count++;
    return 0;
}

static uint64_t at(const struct caught *c, size_t offset, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | c->bytes[offset + i];
    return value;
}

/* A flow of 1709596800.123 to .523, exported 15 s after its end. */
static struct caught encoded(enum gen_form form)
{
    struct gen_flow f = flow_of(1709596800123, 1709596800523);
    struct gen_encode_report report;
    struct gen_router router;
    struct caught c = {.count = 0};
    gen_router_init(&router);
    assert_int_equal(gen_encode(&f, 1, &router, form, catch_last, &c, &report), 0);
    assert_int_equal(report.records, 1);
    assert_int_equal(report.datagrams, 1);
    assert_int_equal(c.count, 1);
    return c;
}

static void v5_says_what_the_flow_was(void **state)
{
    struct caught c = encoded(GEN_V5);
    assert_int_equal(c.length, 24 + 48);
    assert_int_equal(at(&c, 0, 2), 5);
    assert_int_equal(at(&c, 2, 2), 1);
    int64_t boot_ms = (int64_t)(at(&c, 8, 4) * 1000 + at(&c, 12, 4) / 1000000 - at(&c, 4, 4));
    assert_int_equal(boot_ms + (int64_t)at(&c, 24 + 24, 4), 1709596800123);
    assert_int_equal(boot_ms + (int64_t)at(&c, 24 + 28, 4), 1709596800523);
    assert_int_equal(at(&c, 24, 4), 0x0a000001);
    assert_int_equal(at(&c, 24 + 32, 2), 40000);
    assert_int_equal(at(&c, 24 + 34, 2), 443);
    assert_int_equal(at(&c, 24 + 37, 1), 0x1b);
    assert_int_equal(at(&c, 24 + 38, 1), 6);
}

static void v9_carries_whole_seconds_and_an_uptime(void **state)
{
    struct caught c = encoded(GEN_V9);
    assert_int_equal(at(&c, 0, 2), 9);
    assert_int_equal(at(&c, 2, 2), 3); /* two templates, one record */
    assert_int_equal(at(&c, 4, 4), 3600000 + 400 + 15000);
    assert_int_equal(at(&c, 8, 4), 1709596815);
    assert_int_equal(at(&c, 20, 2), 0);
    size_t data = 20 + at(&c, 22, 2);
    assert_int_equal(at(&c, data, 2), at(&c, 24, 2));
    assert_int_equal(data + at(&c, data + 2, 2), c.length);
    assert_int_equal(at(&c, data + 4 + 8, 4), 3600000);
}

static void ipfix_lengths_and_times_are_exact(void **state)
{
    struct caught c = encoded(GEN_IPFIX);
    assert_int_equal(at(&c, 0, 2), 10);
    assert_int_equal(at(&c, 2, 2), c.length);
    assert_int_equal(at(&c, 16, 2), 2);
    size_t data = 16 + at(&c, 18, 2);
    assert_int_equal(data + at(&c, data + 2, 2), c.length);
    assert_int_equal(at(&c, data + 4 + 8, 8), 1709596800123);
    assert_int_equal(at(&c, data + 4 + 16, 8), 1709596800523);
}

/* One packet in 5 of a flow of 1,000: it is seen, and the export says how. */
static struct caught encoded_sampled(enum gen_form form)
{
    struct gen_flow f = flow_of(1709596800123, 1709596800523);
    struct gen_encode_report report;
    struct gen_router router;
    struct caught c = {.count = 0};
    gen_router_init(&router);
    router.sampling = 5;
    f.packets = 1000;
    assert_int_equal(gen_encode(&f, 1, &router, form, catch_last, &c, &report), 0);
    assert_int_equal(report.records, 1);
    return c;
}

static void exports_say_that_they_are_sampled(void **state)
{
    struct caught c = encoded_sampled(GEN_V5);
    assert_int_equal(at(&c, 22, 2), 2 << 14 | 5);
    assert_in_range(at(&c, 24 + 16, 4), 100, 300); /* packets as counted */
    for (int ipfix = 0; ipfix < 2; ipfix++) {
        c = encoded_sampled(ipfix ? GEN_IPFIX : GEN_V9);
        assert_int_equal(at(&c, 2, 2), ipfix ? c.length : 5);
        size_t head = ipfix ? 16 : 20, options = head + at(&c, head + 2, 2);
        assert_int_equal(at(&c, options, 2), ipfix ? 3 : 1);
        size_t data = options + at(&c, options + 2, 2);
        assert_int_equal(at(&c, data, 2), at(&c, options + 4, 2));
        assert_int_equal(at(&c, data + 8, 4), 5);
        size_t flows = data + at(&c, data + 2, 2);
        assert_int_equal(at(&c, flows, 2), at(&c, head + 4, 2));
        assert_int_equal(flows + at(&c, flows + 2, 2), c.length);
    }
}

static int stop(void *ctx, int64_t export_ms, const uint8_t *bytes, size_t length)
{
    return FL_ESTOP;
}

static void v5_skips_ipv6_and_a_sink_can_stop(void **state)
{
    struct gen_options o = small(1);
    struct gen_day day = make(&o);
    struct gen_encode_report five, ten;
    struct gen_router router;
    gen_router_init(&router);
    struct caught c = {.count = 0};
    assert_int_equal(gen_encode(day.flows, day.n_flows, &router, GEN_V5, catch_last, &c, &five), 0);
    assert_int_equal(gen_encode(day.flows, day.n_flows, &router, GEN_IPFIX, catch_last, &c, &ten), 0);
    assert_true(five.skipped > 0);
    assert_int_equal(five.records + five.skipped, ten.records);
    assert_int_equal(c.count, five.datagrams + ten.datagrams);
    assert_int_equal(gen_encode(day.flows, day.n_flows, &router, GEN_V9, stop, NULL, &ten), FL_ESTOP);
    assert_int_equal(ten.records, 0);
    gen_day_clear(&day);
}

/* ---- days that follow each other ---- */

static size_t flows_from(const struct gen_day *day, struct fl_addr host)
{
    size_t n = 0;
    for (size_t i = 0; i < day->n_flows; i++)
        n += fl_addr_cmp(&day->flows[i].src, &host) == 0;
    return n;
}

/* By how much workstations send more or less on one day than on the other, in all. */
static size_t apart(const struct gen_day *a, const struct gen_day *b)
{
    size_t sum = 0;
    for (unsigned h = 0; h < GEN_HOSTS_MIN; h++) {
        size_t one = flows_from(a, gen_host(h)), other = flows_from(b, gen_host(h));
        sum += one > other ? one - other : other - one;
    }
    return sum;
}

static void habits_stay_while_days_differ(void **state)
{
    const char *without[64];
    struct gen_options o = small(1), quiet;
    for (size_t i = 1; gen_pattern_name(i) != NULL; i++)
        without[o.n_without++] = gen_pattern_name(i);
    o.without = without;
    o.habits = 2;
    struct gen_day monday = make(&o);
    o.seed = 5;
    struct gen_day tuesday = make(&o);
    quiet = o;
    quiet.busy = 10;
    struct gen_day sunday = make(&quiet);
    o.habits = 3;
    struct gen_day elsewhere = make(&o);
    assert_false(same_day(&monday, &tuesday));
    assert_true(apart(&monday, &tuesday) * 2 < apart(&monday, &elsewhere));
    assert_true(sunday.n_flows < tuesday.n_flows);
    gen_day_clear(&monday);
    gen_day_clear(&tuesday);
    gen_day_clear(&sunday);
    gen_day_clear(&elsewhere);
    quiet.busy = 101;
    assert_int_equal(gen_day_make(&sunday, &quiet), FL_EINVAL);
}

static void one_call(struct gen_make *m)
{
    gen_udp(m, gen_host(3), gen_server(4), 5000, m->from_ms + 1000);
}

static void what_is_ones_own_is_made_and_joined(void **state)
{
    static const struct gen_pattern own[] = {{"own", false, one_call}, {NULL, false, NULL}};
    struct gen_options o = small(1), other = small(2);
    struct gen_day day = make(&o), more;
    o.extra = own;
    more = make(&o);
    assert_int_equal(more.n_flows, day.n_flows + 2);
    gen_day_clear(&more);
    other.start_ms += 3600000;
    more = make(&other);
    size_t flows = day.n_flows + more.n_flows, truths = day.n_truth + more.n_truth;
    assert_int_equal(gen_day_join(&day, &more), 0);
    assert_int_equal(day.n_flows, flows);
    assert_int_equal(day.n_truth, truths);
    for (size_t i = 1; i < day.n_flows; i++)
        assert_true(day.flows[i - 1].start_ms <= day.flows[i].start_ms);
    gen_day_clear(&day);
    gen_day_clear(&more);
}

static void hosts_move_with_all_their_flows(void **state)
{
    struct gen_options o = small(1);
    struct gen_day day = make(&o);
    int64_t noon_ms = o.start_ms + 3600000;
    struct fl_addr from = gen_server(GEN_RESOLVER), to = fl_addr_v4(0x0a02ff07);
    size_t all = flows_from(&day, from), six = flows_from(&day, gen_host6(3));
    gen_day_move(&day, noon_ms, from, 32, to);
    assert_int_equal(flows_from(&day, from) + flows_from(&day, to), all);
    for (size_t i = 0; i < day.n_flows; i++) {
        const struct fl_addr *not = day.flows[i].start_ms < noon_ms ? &to : &from;
        assert_true(fl_addr_cmp(&day.flows[i].src, not ) != 0 && fl_addr_cmp(&day.flows[i].dst, not ) != 0);
    }
    size_t host = flows_from(&day, gen_host(3)); /* 10.1.1.4 */
    gen_day_move(&day, 0, fl_addr_v4(0x0a010000), 16, fl_addr_v4(0x0a070000));
    assert_int_equal(flows_from(&day, fl_addr_v4(0x0a070104)), host);
    assert_int_equal(flows_from(&day, gen_host6(3)), six);
    gen_day_clear(&day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_makes_one_day),
        cmocka_unit_test(flows_are_ordered_and_inside_the_span),
        cmocka_unit_test(every_pattern_lists_its_pairs),
        cmocka_unit_test(only_v4_leaves_v6_out_and_nothing_else),
        cmocka_unit_test(a_pattern_left_out_moves_no_other),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_long_flow_is_cut_where_a_router_would),
        cmocka_unit_test(a_flow_of_the_timeout_itself_stays_whole),
        cmocka_unit_test(v5_says_what_the_flow_was),
        cmocka_unit_test(v9_carries_whole_seconds_and_an_uptime),
        cmocka_unit_test(ipfix_lengths_and_times_are_exact),
        cmocka_unit_test(exports_say_that_they_are_sampled),
        cmocka_unit_test(v5_skips_ipv6_and_a_sink_can_stop),
        cmocka_unit_test(habits_stay_while_days_differ),
        cmocka_unit_test(what_is_ones_own_is_made_and_joined),
        cmocka_unit_test(hosts_move_with_all_their_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
