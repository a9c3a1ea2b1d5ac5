/* Stitching and deduplication of flow records. */
#include "tests/mining/mining_fixture.h"

#include "mining/stitch.h"

static size_t stitch(struct fl_flow *flows, size_t n, struct fl_uniflow out[16])
{
    struct fl_uniflow *found;
    size_t count;
    assert_int_equal(fl_stitch(flows, n, 60000, &found, &count), 0);
    assert_true(count <= 16);
    memcpy(out, found, count * sizeof *out);
    free(found);
    return count;
}

static struct fl_flow part(int64_t start_ms, int64_t end_ms)
{
    return record("10.0.0.5", 40000, "10.0.0.9", 22, FL_PROTO_TCP, start_ms, end_ms);
}

static void active_timeout_parts_are_one_flow(void **state)
{
    struct fl_flow flows[] = {part(120500, 130000), part(0, 60000), part(60200, 120100)};
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 3, out), 1);
    assert_int_equal(out[0].start_ms, 0);
    assert_int_equal(out[0].end_ms, 130000);
}

static void inactive_timeout_keeps_flows_apart(void **state)
{
    struct fl_flow flows[] = {part(0, 0), part(16000, 16000), part(32000, 32000)};
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 3, out), 3);
}

static void short_flow_followed_at_once_is_not_stitched(void **state)
{
    struct fl_flow flows[] = {part(0, 20000), part(20500, 30000)};
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 2, out), 2);
}

static void part_that_comes_too_late_is_not_stitched(void **state)
{
    struct fl_flow flows[] = {part(0, 60000), part(61001, 70000)};
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 2, out), 2);
}

static void end_reason_decides_where_it_is_given(void **state)
{
    struct fl_flow cut[] = {part(0, 5000), part(5500, 9000)};
    struct fl_uniflow out[16];
    cut[0].end_reason = FL_END_ACTIVE;
    assert_int_equal(stitch(cut, 2, out), 1);
    struct fl_flow ended[] = {part(0, 60000), part(60500, 70000)};
    ended[0].end_reason = FL_END_OF_FLOW;
    assert_int_equal(stitch(ended, 2, out), 2);
}

static void timeout_is_learned_from_continued_records(void **state)
{
    /* 120 s parts, each continued: without learning, 0.9 x 60 s would do as well; the 60 s record must not be
     * one. */
    struct fl_flow flows[] = {part(0, 120000),      part(120100, 240000), part(240100, 360000),
                              part(360100, 480000), part(480100, 540100), part(540900, 541000)};
    assert_int_equal(fl_learn_active_timeout(flows, 6, 60000), 120000);
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 6, out), 2);
    assert_int_equal(out[0].end_ms, 540100);
}

static void timeout_falls_back_on_scant_evidence(void **state)
{
    struct fl_flow flows[] = {part(0, 30000), part(30100, 60000)};
    assert_int_equal(fl_learn_active_timeout(flows, 2, 60000), 60000);
    assert_int_equal(fl_learn_active_timeout(flows, 0, 60000), 60000);
}

static void same_flow_from_two_exporters_counts_once(void **state)
{
    struct fl_flow flows[] = {part(1000, 5000), part(1400, 5400), part(9000, 9000), part(9700, 9700)};
    flows[1].exporter = flows[3].exporter = fl_addr_v4(0x7f000002);
    flows[0].tcp_flags = FL_TCP_SYN;
    flows[1].tcp_flags = FL_TCP_ACK;
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 4, out), 2);
    assert_int_equal(out[0].start_ms, 1000);
    assert_int_equal(out[0].end_ms, 5400);
    assert_int_equal(out[0].tcp_flags, FL_TCP_SYN | FL_TCP_ACK);
    assert_int_equal(out[1].start_ms, 9000);
}

static void record_exported_twice_counts_once(void **state)
{
    struct fl_flow flows[] = {part(1000, 5000), part(1000, 5000), part(3000, 4000)};
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 3, out), 1);
    assert_int_equal(out[0].end_ms, 5000);
}

static void other_direction_and_other_ports_stay_apart(void **state)
{
    struct fl_flow flows[] = {part(0, 1000), record("10.0.0.9", 22, "10.0.0.5", 40000, FL_PROTO_TCP, 0, 1000),
                              record("10.0.0.5", 40001, "10.0.0.9", 22, FL_PROTO_TCP, 0, 1000),
                              record("10.0.0.5", 40000, "10.0.0.9", 22, FL_PROTO_UDP, 0, 1000)};
    struct fl_uniflow out[16];
    assert_int_equal(stitch(flows, 4, out), 4);
}

/* A record as a scan for FL_STITCH_FIELDS may leave it. */
static struct fl_flow only_what_is_asked_for(const struct fl_flow *f)
{
    return (struct fl_flow){.start_ms = f->start_ms,
                            .end_ms = f->end_ms,
                            .exporter = f->exporter,
                            .domain = f->domain,
                            .src = f->src,
                            .dst = f->dst,
                            .src_port = f->src_port,
                            .dst_port = f->dst_port,
                            .protocol = f->protocol,
                            .tcp_flags = f->tcp_flags,
                            .end_reason = f->end_reason};
}

static void other_fields_do_not_matter(void **state)
{
    enum { n = 3000 };
    static struct fl_flow full[n], bare[n];
    struct fl_uniflow *from_full, *from_bare;
    size_t n_full, n_bare;
    uint64_t seed = 4;
    for (size_t i = 0; i < n; i++) {
        int64_t start_ms = 60000 * (int64_t)random_below(&seed, 20);
        struct fl_flow f = record("10.0.0.1", (uint16_t)random_below(&seed, 9), "10.0.0.2", 53, 17, start_ms,
                                  start_ms + random_below(&seed, 2) * 59000);
        f.exporter.b[15] = (uint8_t)random_below(&seed, 2);
        f.domain = random_below(&seed, 2);
        f.end_reason = (uint8_t)random_below(&seed, 6);
        f.tcp_flags = (uint16_t)random_below(&seed, 64);
        f.packets = random_below(&seed, 1000);
        f.bytes = random_below(&seed, 100000);
        f.sampling = random_below(&seed, 3);
        f.in_if = random_below(&seed, 5);
        f.direction = (uint8_t)random_below(&seed, 3);
        f.time_source = (uint8_t)random_below(&seed, 3);
        full[i] = f;
        bare[i] = only_what_is_asked_for(&f);
    }
    assert_int_equal(fl_stitch(full, n, 60000, &from_full, &n_full), 0);
    assert_int_equal(fl_stitch(bare, n, 60000, &from_bare, &n_bare), 0);
    assert_true(n_full > 0);
    assert_int_equal(n_full, n_bare);
    for (size_t i = 0; i < n_full; i++) {
        assert_int_equal(from_full[i].start_ms, from_bare[i].start_ms);
        assert_int_equal(from_full[i].end_ms, from_bare[i].end_ms);
        assert_int_equal(from_full[i].src_port, from_bare[i].src_port);
        assert_int_equal(from_full[i].tcp_flags, from_bare[i].tcp_flags);
    }
    free(from_full);
    free(from_bare);
}

static void nothing_in_nothing_out(void **state)
{
    struct fl_uniflow out[16];
    assert_int_equal(stitch(NULL, 0, out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_timeout_parts_are_one_flow),
        cmocka_unit_test(inactive_timeout_keeps_flows_apart),
        cmocka_unit_test(short_flow_followed_at_once_is_not_stitched),
        cmocka_unit_test(part_that_comes_too_late_is_not_stitched),
        cmocka_unit_test(end_reason_decides_where_it_is_given),
        cmocka_unit_test(timeout_is_learned_from_continued_records),
        cmocka_unit_test(timeout_falls_back_on_scant_evidence),
        cmocka_unit_test(same_flow_from_two_exporters_counts_once),
        cmocka_unit_test(record_exported_twice_counts_once),
        cmocka_unit_test(other_direction_and_other_ports_stay_apart),
        cmocka_unit_test(other_fields_do_not_matter),
        cmocka_unit_test(nothing_in_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
