/* Stitching and deduplication of flow records. */
#include "tests/mining/mining_fixture.h"

#include "mining/stitch.h"
#include "storage/error.h"

static size_t stitch(const struct fl_flow *flows, size_t n, struct fl_record out[16])
{
    struct fl_records records = records_of(flows, n);
    struct fl_record *found;
    size_t count = stitch_all(&records, &found);
    assert_true(count <= 16);
    memcpy(out, found, count * sizeof *out);
    free(found);
    fl_records_clear(&records);
    return count;
}

/* The active timeout that the first source's records show, 60 s where they do not. */
static int64_t learned_ms(const struct fl_flow *flows, size_t n)
{
    struct fl_records records = records_of(flows, n);
    int64_t found[4] = {60000, 0, 0, 0};
    assert_true(records.n_sources <= 4);
    assert_int_equal(fl_learn_active_timeouts(&records, 60000, found), 0);
    fl_records_clear(&records);
    return found[0];
}

static struct fl_flow part(int64_t start_ms, int64_t end_ms)
{
    return record("10.0.0.5", 40000, "10.0.0.9", 22, FL_PROTO_TCP, start_ms, end_ms);
}

static void active_timeout_parts_are_one_flow(void **state)
{
    struct fl_flow flows[] = {part(120500, 130000), part(0, 60000), part(60200, 120100)};
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 3, out), 1);
    assert_int_equal(out[0].start_ms, 0);
    assert_int_equal(out[0].end_ms, 130000);
}

static void inactive_timeout_keeps_flows_apart(void **state)
{
    struct fl_flow flows[] = {part(0, 0), part(16000, 16000), part(32000, 32000)};
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 3, out), 3);
}

static void short_flow_followed_at_once_is_not_stitched(void **state)
{
    struct fl_flow flows[] = {part(0, 20000), part(20500, 30000)};
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 2, out), 2);
}

static void part_that_comes_too_late_is_not_stitched(void **state)
{
    struct fl_flow flows[] = {part(0, 60000), part(61001, 70000)};
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 2, out), 2);
}

static void end_reason_decides_where_it_is_given(void **state)
{
    struct fl_flow cut[] = {part(0, 5000), part(5500, 9000)};
    struct fl_record out[16];
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
    assert_int_equal(learned_ms(flows, 6), 120000);
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 6, out), 2);
    assert_int_equal(out[0].end_ms, 540100);
}

static void timeout_falls_back_on_scant_evidence(void **state)
{
    struct fl_flow flows[] = {part(0, 30000), part(30100, 60000)};
    assert_int_equal(learned_ms(flows, 2), 60000);
    assert_int_equal(learned_ms(flows, 0), 60000);
}

static void same_flow_from_two_exporters_counts_once(void **state)
{
    struct fl_flow flows[] = {part(1000, 5000), part(1400, 5400), part(9000, 9000), part(9700, 9700)};
    flows[1].exporter = flows[3].exporter = fl_addr_v4(0x7f000002);
    flows[0].tcp_flags = FL_TCP_SYN;
    flows[1].tcp_flags = FL_TCP_ACK;
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 4, out), 2);
    assert_int_equal(out[0].start_ms, 1000);
    assert_int_equal(out[0].end_ms, 5400);
    assert_int_equal(out[0].marks, FL_RECORD_SYN | FL_RECORD_ACK);
    assert_int_equal(out[1].start_ms, 9000);
}

static struct fl_flow seen_by(int exporter, struct fl_flow flow, int64_t later_ms)
{
    flow.exporter = fl_addr_v4(0x7f000001 + (uint32_t)exporter);
    flow.start_ms += later_ms;
    flow.end_ms += later_ms;
    return flow;
}

static void clocks_that_differ_do_not_chain_flows(void **state)
{
    /* Every 500 ms a flow of its own, says each exporter, 3 ms apart: closer than clocks may differ. */
    struct fl_flow flows[16];
    struct fl_record out[16];
    for (int i = 0; i < 8; i++) {
        flows[2 * i] = seen_by(0, part(500 * i, 500 * i), 0);
        flows[2 * i + 1] = seen_by(1, part(500 * i, 500 * i), i % 2 ? 3 : -3);
    }
    for (int i = 0; i < 16; i++)
        flows[i].start_ms = flows[i].end_ms += 1000;
    assert_int_equal(stitch(flows, 16, out), 8);
    assert_int_equal(out[7].start_ms, 4500);
}

static void exporters_cut_at_timeouts_of_their_own(void **state)
{
    /* 60 s at one, 90 s at the other, which starts its parts elsewhere and runs 250 ms late. */
    struct fl_flow flows[10];
    struct fl_record out[16];
    size_t n = 0;
    for (int i = 0; i < 5; i++)
        flows[n++] = seen_by(0, part(60000 * i, 60000 * i + 59900), 0);
    for (int i = 0; i < 3; i++)
        flows[n++] = seen_by(1, part(90000 * i, 90000 * i + 89800), 250);
    assert_int_equal(stitch(flows, n, out), 1);
    assert_int_equal(out[0].start_ms, 0);
    assert_int_equal(out[0].end_ms, 299900);
}

static void a_sampled_exporter_sees_pieces_of_the_same_flow(void **state)
{
    struct fl_flow flows[] = {seen_by(0, part(0, 200000), 0),      seen_by(1, part(1700, 1700), 0),
                              seen_by(1, part(40000, 41000), 0),   seen_by(1, part(120000, 120000), 0),
                              seen_by(1, part(199990, 199990), 0), seen_by(0, part(300000, 300400), 0),
                              seen_by(1, part(300900, 300900), 0)};
    struct fl_record out[16];
    for (size_t i = 0; i < 7; i++)
        flows[i].end_reason = FL_END_IDLE;
    assert_int_equal(stitch(flows, 7, out), 2);
    assert_int_equal(out[0].end_ms, 200000);
    assert_int_equal(out[1].start_ms, 300000);
    assert_int_equal(out[1].end_ms, 300900);
}

static void domains_of_an_exporter_are_sources_of_their_own(void **state)
{
    struct fl_flow flows[] = {part(0, 5000), part(0, 5000), part(5400, 6000)};
    struct fl_record out[16];
    flows[1].domain = flows[2].domain = 7; /* the second says that these are two; the first missed one */
    assert_int_equal(stitch(flows, 3, out), 2);
}

static void ends_before_starts_last_no_time(void **state)
{
    struct fl_flow flows[] = {part(5000, 1000), part(9000, INT64_MIN), part(9000, 9000)};
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 3, out), 2);
    assert_int_equal(out[0].end_ms, 5000);
    assert_int_equal(out[1].end_ms, 9000);
}

static void too_many_sources_are_refused(void **state)
{
    struct fl_gather g = {0};
    struct fl_flow f = part(0, 0);
    for (f.domain = 0; f.domain < UINT16_MAX; f.domain++)
        assert_int_equal(fl_gather_add(&g, &f, 1), 0);
    assert_int_equal(fl_gather_add(&g, &f, 1), FL_ELIMIT);
    fl_gather_clear(&g);
}

static void record_exported_twice_counts_once(void **state)
{
    struct fl_flow flows[] = {part(1000, 5000), part(1000, 5000), part(3000, 4000)};
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 3, out), 1);
    assert_int_equal(out[0].end_ms, 5000);
}

static void other_direction_and_other_ports_stay_apart(void **state)
{
    struct fl_flow flows[] = {part(0, 1000), record("10.0.0.9", 22, "10.0.0.5", 40000, FL_PROTO_TCP, 0, 1000),
                              record("10.0.0.5", 40001, "10.0.0.9", 22, FL_PROTO_TCP, 0, 1000),
                              record("10.0.0.5", 40000, "10.0.0.9", 22, FL_PROTO_UDP, 0, 1000)};
    struct fl_record out[16];
    assert_int_equal(stitch(flows, 4, out), 4);
}

/* A record as a scan for FL_RECORD_FIELDS may leave it. */
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
    struct fl_records from_full = records_of(full, n), from_bare = records_of(bare, n);
    assert_int_equal(from_full.n, n);
    assert_int_equal(from_bare.n, n);
    assert_memory_equal(from_full.items, from_bare.items, n * sizeof *from_full.items);
    fl_records_clear(&from_full);
    fl_records_clear(&from_bare);
}

static void nothing_in_nothing_out(void **state)
{
    struct fl_record out[16];
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
        cmocka_unit_test(clocks_that_differ_do_not_chain_flows),
        cmocka_unit_test(exporters_cut_at_timeouts_of_their_own),
        cmocka_unit_test(a_sampled_exporter_sees_pieces_of_the_same_flow),
        cmocka_unit_test(domains_of_an_exporter_are_sources_of_their_own),
        cmocka_unit_test(ends_before_starts_last_no_time),
        cmocka_unit_test(too_many_sources_are_refused),
        cmocka_unit_test(record_exported_twice_counts_once),
        cmocka_unit_test(other_direction_and_other_ports_stay_apart),
        cmocka_unit_test(other_fields_do_not_matter),
        cmocka_unit_test(nothing_in_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
