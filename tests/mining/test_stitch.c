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
        cmocka_unit_test(nothing_in_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
