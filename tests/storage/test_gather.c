/* Gatherers: what they hand on is what was added, whoever packs it; the writer's own way of adding is the
 * plain one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/storage/store_fixture.h"

enum { n_flows = 30000, hours = 3, gatherers = 3 };
static struct fl_flow flows[n_flows];
static struct fl_chunk_codec *codec;

static void make_flows(void)
{
    uint64_t seed = 31;
    for (size_t i = 0; i < n_flows; i++) {
        flows[i] = i % 9 ? flows_make(&seed, hours * HOUR_MS) : flows_make_translated(&seed, hours * HOUR_MS);
        flows[i].time_source = i % 5000 ? FL_TIME_UPTIME : FL_TIME_RECEIVED;
    }
}

static int set_up(void **state)
{
    make_flows();
    codec = fl_chunk_codec_new();
    return codec ? 0 : -1;
}

static int tear_down(void **state)
{
    fl_chunk_codec_free(codec);
    return 0;
}

static struct fl_gatherer *make(void)
{
    struct fl_gatherer *g;
    assert_int_equal(fl_gatherer_new(&g, HOUR_MS, codec), 0);
    return g;
}

static void add(struct fl_gatherer *g, const struct fl_flow *some, size_t n)
{
    size_t taken;
    assert_int_equal(fl_gatherer_add(g, "default", some, n, &taken), 0);
    assert_int_equal(taken, n);
}

static void take_and_commit(struct fl_writer *w, struct fl_gatherer *g, size_t expected)
{
    struct fl_commit_report report;
    struct fl_err err = {""};
    assert_int_equal(fl_gatherer_waiting(g), expected);
    assert_int_equal(fl_writer_take(w, g), expected);
    assert_int_equal(fl_gatherer_waiting(g), 0);
    assert_int_equal(fl_gatherer_chunks(g), 0);
    if (fl_writer_commit(w, &report, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(report.stored, expected);
    assert_int_equal(report.shed, 0);
}

static void check_stored(size_t n)
{
    static struct fl_flow copy[n_flows];
    memcpy(copy, flows, n * sizeof *copy);
    scan_all();
    assert_int_equal(n_found, n);
    assert_true(flows_same(found, copy, n));
}

/* Batches of every size, over gatherers that are taken in turn, with commits at odd moments. */
static void everything_is_stored_once(void **state)
{
    struct fl_writer *w = open_writer();
    struct fl_gatherer *g[gatherers];
    size_t waiting[gatherers] = {0};
    for (int i = 0; i < gatherers; i++)
        g[i] = make();
    for (size_t i = 0, n, turn = 0; i < n_flows; i += n, turn++) {
        size_t k = turn % gatherers;
        n = 1 + turn * 37 % 900 < n_flows - i ? 1 + turn * 37 % 900 : n_flows - i;
        add(g[k], flows + i, n);
        waiting[k] += n;
        if (turn % 19 == 18) {
            take_and_commit(w, g[k], waiting[k]);
            waiting[k] = 0;
        }
    }
    for (int i = 0; i < gatherers; i++) {
        take_and_commit(w, g[i], waiting[i]);
        fl_gatherer_free(g[i]);
    }
    fl_writer_close(w);
    check_stored(n_flows);
}

/* What is taken comes behind what the writer has, and goes on filling the chunk that is open. */
static void beside_records_of_the_writer(void **state)
{
    struct fl_writer *w = open_writer();
    struct fl_gatherer *g = make();
    size_t taken;
    for (size_t i = 0; i < 20000; i += 2000) {
        assert_int_equal(fl_writer_add_batch(w, "default", flows + i, 1000, &taken), 0);
        add(g, flows + i + 1000, 1000);
        assert_int_equal(fl_writer_take(w, g), 1000);
        struct fl_commit_report report;
        assert_int_equal(fl_writer_commit(w, &report, NULL), 0);
        assert_int_equal(report.stored, 2000);
    }
    fl_gatherer_free(g);
    fl_writer_close(w);
    check_stored(20000);
}

/* Records that are laid where they may stay: of one bucket, of several, and one whose times cannot be. */
static void laid_in_place(void **state)
{
    struct fl_writer *w = open_writer();
    struct fl_gatherer *g = make();
    size_t in_place = 0;
    for (size_t i = 0, n, turn = 0; i < n_flows; i += n, turn++) {
        n = 1 + turn * 37 % 128 < n_flows - i ? 1 + turn * 37 % 128 : n_flows - i;
        struct fl_flow *room = fl_gatherer_room(g, "default", n + 1);
        assert_null(fl_gatherer_room(g, "elsewhere", 1));
        assert_null(fl_gatherer_room(g, "default", FL_CHUNK_FLOWS + 1));
        if (room) {
            in_place += n;
            memcpy(room, flows + i, n * sizeof *room);
            room[n] = room[n / 2];
            room[n / 2].end_ms = room[n / 2].start_ms - 1;
        }
        add(g, room ? room : flows + i, room ? n + 1 : n);
        if (turn == 100)
            take_and_commit(w, g, i + n);
    }
    assert_true(in_place > n_flows / 2);
    assert_true(fl_gatherer_chunks(g) > 0);
    struct fl_commit_report report;
    fl_writer_take(w, g);
    assert_int_equal(fl_writer_commit(w, &report, NULL), 0);
    assert_true(report.refused > 0);
    fl_gatherer_free(g);
    fl_writer_close(w);
    check_stored(n_flows);
}

static void exactly_full_chunks(void **state)
{
    struct fl_writer *w = open_writer();
    struct fl_gatherer *g = make();
    for (size_t i = 0; i < 3 * FL_CHUNK_FLOWS; i++)
        flows[i].start_ms = BASE_MS, flows[i].end_ms = BASE_MS + 1;
    add(g, flows, 2 * FL_CHUNK_FLOWS);
    take_and_commit(w, g, 2 * FL_CHUNK_FLOWS);
    add(g, flows + 2 * FL_CHUNK_FLOWS, FL_CHUNK_FLOWS);
    take_and_commit(w, g, FL_CHUNK_FLOWS);
    fl_gatherer_free(g);
    fl_writer_close(w);
    check_stored(3 * FL_CHUNK_FLOWS);
    make_flows();
}

struct reach {
    uint64_t flows;
    struct fl_gathered by_hour[hours];
};

static void see(void *ctx, const struct fl_gathered *g)
{
    struct reach *r = ctx;
    assert_string_equal(g->location, "default");
    r->by_hour[(g->first_start_ms - BASE_MS) / HOUR_MS] = *g;
    r->flows += g->flows;
}

/* Found by the plainest of loops, whether the records are packed or not. */
static void tells_how_far_records_reach(void **state)
{
    for (size_t n = 1; n <= n_flows; n = n * 3 + 1) {
        struct fl_gatherer *g = make();
        struct reach r = {0};
        add(g, flows, n);
        fl_gatherer_each(g, see, &r);
        assert_int_equal(r.flows, n);
        for (int hour = 0; hour < hours; hour++) {
            int64_t first = INT64_MAX, told = INT64_MIN, received = INT64_MIN;
            for (size_t i = 0; i < n; i++) {
                const struct fl_flow *f = &flows[i];
                if ((f->start_ms - BASE_MS) / HOUR_MS != hour)
                    continue;
                first = f->start_ms < first ? f->start_ms : first;
                if (f->time_source == FL_TIME_RECEIVED)
                    received = f->end_ms > received ? f->end_ms : received;
                else
                    told = f->end_ms > told ? f->end_ms : told;
            }
            if (first == INT64_MAX)
                continue;
            assert_int_equal(r.by_hour[hour].first_start_ms, first);
            assert_int_equal(r.by_hour[hour].told_end_ms, told);
            assert_int_equal(r.by_hour[hour].received_end_ms, received);
        }
        fl_gatherer_free(g);
    }
}

static void refuses_as_the_writer_does(void **state)
{
    struct fl_writer *w = open_writer();
    struct fl_gatherer *g = make();
    struct fl_commit_report report;
    struct fl_flow some[3] = {flows[0], flows[1], flows[2]};
    size_t taken;
    some[1].start_ms = -1;
    assert_int_equal(fl_gatherer_add(g, "a/b", some, 3, &taken), FL_EINVAL);
    assert_int_equal(taken, 0);
    add(g, some, 3);
    assert_int_equal(fl_writer_take(w, g), 2);
    assert_int_equal(fl_writer_commit(w, &report, NULL), 0);
    assert_int_equal(report.stored, 2);
    assert_int_equal(report.refused, 1);
    fl_gatherer_free(g);
    fl_gatherer_free(NULL);
    fl_writer_close(w);
}

static void buckets_are_bounded(void **state)
{
    struct fl_gatherer *g = make();
    struct fl_flow f = flows[0];
    size_t taken, n = 0;
    int rc;
    for (;; n++) {
        f.start_ms = f.end_ms = (int64_t)n * HOUR_MS;
        if ((rc = fl_gatherer_add(g, "default", &f, 1, &taken)) < 0)
            break;
    }
    assert_int_equal(rc, FL_ELIMIT);
    assert_int_equal(n, 4096);
    fl_gatherer_clear(g);
    add(g, &f, 1);
    assert_int_equal(fl_gatherer_waiting(g), 1);
    fl_gatherer_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_stored_once, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(beside_records_of_the_writer, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(laid_in_place, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(exactly_full_chunks, make_dir, remove_dir),
        cmocka_unit_test(tells_how_far_records_reach),
        cmocka_unit_test_setup_teardown(refuses_as_the_writer_does, make_dir, remove_dir),
        cmocka_unit_test(buckets_are_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
