/* Runs from a store of their own: what is read again an hour later, what stops a run and what is too much for
 * it, and that nothing of it stays behind. */
#include "tests/mining/mining_fixture.h"

#include "mining/heap.h"
#include "mining/mine.h"
#include "storage/error.h"
#include "tests/generate/router.h"
#include "tests/storage/store_fixture.h"

enum { HOURS = 6, SPAN_HOURS = 3 };

static const char *const location = "paris";

/* ---- a store that fills as time passes ---- */

struct stream { /* records in the order in which they are exported */
    struct gen_cut *cuts;
    size_t n, at;
    int64_t start_ms;
    struct fl_writer *writer;
};

static struct stream open_stream(void)
{
    struct stream s = {.at = 0};
    struct gen_options o;
    struct gen_router router;
    struct gen_day day;
    gen_router_init(&router);
    gen_options_init(&o);
    o.hours = HOURS;
    o.hosts = GEN_HOSTS_MIN;
    s.start_ms = o.start_ms;
    assert_int_equal(gen_day_make(&day, &o), 0);
    assert_int_equal(gen_cut(day.flows, day.n_flows, &router, &s.cuts, &s.n), 0);
    gen_day_clear(&day);
    s.writer = open_writer();
    return s;
}

static void close_stream(struct stream *s)
{
    fl_writer_close(s->writer);
    free(s->cuts);
}

static void store(struct fl_writer *w, const struct fl_flow *flow)
{
    assert_int_equal(fl_writer_add(w, location, flow), 0);
}

static void commit(struct fl_writer *w)
{
    struct fl_commit_report report;
    struct fl_err err = {""};
    if (fl_writer_commit(w, &report, &err) != 0)
        fail_msg("%s", err.text);
}

/* Store what two exporters have sent up to a time. */
static void store_until(struct stream *s, int64_t ms)
{
    for (; s->at < s->n && s->cuts[s->at].export_ms <= ms; s->at++) {
        const struct gen_cut *c = &s->cuts[s->at];
        struct fl_flow f = {.start_ms = c->flow.start_ms,
                            .end_ms = c->flow.end_ms,
                            .exporter = fl_addr_v4(0x7f000001 + (uint32_t)(s->at % 2)),
                            .src = c->flow.src,
                            .dst = c->flow.dst,
                            .src_port = c->flow.sport,
                            .dst_port = c->flow.dport,
                            .protocol = c->flow.proto,
                            .tcp_flags = c->flow.tcp_flags,
                            .end_reason = c->end_reason,
                            .sampling = 1};
        store(s->writer, &f);
    }
    commit(s->writer);
}

static struct fl_scan_report read_span_of(struct fl_kept_flows *kept, int64_t from_ms, int64_t to_ms,
                                          uint32_t threads)
{
    struct fl_read_request request = {.data_dir = dir,
                                      .location = location,
                                      .from_ms = from_ms,
                                      .to_ms = to_ms,
                                      .threads = threads,
                                      .most = UINT64_MAX};
    struct fl_scan_report report;
    struct fl_err err = {""};
    if (fl_read_span(kept, &request, &report, &err) != 0)
        fail_msg("%s", err.text);
    return report;
}

/* Read on from what is kept and afresh; both must give the same. Returns how many records the first read. */
static uint64_t read_both(struct fl_kept_flows *kept, int64_t from_ms, int64_t to_ms)
{
    struct fl_kept_flows afresh = {.n_stamps = 0};
    struct fl_scan_report report = read_span_of(kept, from_ms, to_ms, 2),
                          whole = read_span_of(&afresh, from_ms, to_ms, 1);
    assert_int_equal(whole.flows, afresh.records.n);
    assert_same_records(&kept->records, &afresh.records);
    assert_int_equal(report.n_damaged, whole.n_damaged);
    fl_kept_flows_clear(&afresh);
    return report.flows;
}

static void an_hour_later_only_that_hour_is_read(void **state)
{
    struct stream s = open_stream();
    struct fl_kept_flows kept = {.n_stamps = 0};
    uint64_t whole = 0;
    for (int hour = 1; hour <= HOURS; hour++) {
        int64_t to_ms = s.start_ms + hour * HOUR_MS;
        store_until(&s, to_ms + 60000);
        uint64_t read = read_both(&kept, to_ms - SPAN_HOURS * HOUR_MS, to_ms);
        assert_true(hour <= 2 || read < kept.records.n * 4 / 5); /* the new hour, and the one it changed */
        whole = kept.records.n;
        assert_int_equal(read_both(&kept, to_ms - SPAN_HOURS * HOUR_MS, to_ms), 0); /* nothing came since */
    }
    assert_true(whole > 5000);
    fl_kept_flows_clear(&kept);
    close_stream(&s);
}

static void spans_may_move_as_they_like(void **state)
{
    struct stream s = open_stream();
    struct fl_kept_flows kept = {.n_stamps = 0};
    store_until(&s, INT64_MAX);
    const int64_t spans_h[][2] = {{2, 4}, {1, 3}, {1, 6}, {3, 4}, {5, 6}, {0, 1}, {0, 6}, {40, 41}, {0, 6}};
    for (size_t i = 0; i < sizeof spans_h / sizeof spans_h[0]; i++)
        read_both(&kept, s.start_ms + spans_h[i][0] * HOUR_MS + 12345,
                  s.start_ms + spans_h[i][1] * HOUR_MS + 999);
    fl_kept_flows_clear(&kept);
    close_stream(&s);
}

static void late_records_and_lost_buckets_are_noticed(void **state)
{
    struct stream s = open_stream();
    struct fl_kept_flows kept = {.n_stamps = 0};
    int64_t to_ms = s.start_ms + 4 * HOUR_MS;
    char path[256];
    store_until(&s, to_ms);
    read_both(&kept, s.start_ms, to_ms);
    size_t n = kept.records.n;
    struct fl_flow late =
        record("10.77.0.1", 1, "10.77.0.2", 2, FL_PROTO_UDP, s.start_ms + 90 * 60000, INT64_C(0));
    late.end_ms = late.start_ms + 5;
    store(s.writer, &late);
    commit(s.writer);
    assert_true(read_both(&kept, s.start_ms, to_ms) < n);
    assert_int_equal(kept.records.n, n + 1);
    char name[FL_BUCKET_NAME];
    snprintf(path, sizeof path, "%s/flows/%s/%s", dir, location, fl_bucket_name(s.start_ms + HOUR_MS, name));
    assert_int_equal(unlink(path), 0);
    strcat(path, "-wal");
    unlink(path);
    read_both(&kept, s.start_ms, to_ms);
    assert_true(kept.records.n < n);
    fl_kept_flows_clear(&kept);
    close_stream(&s);
}

static void damage_is_found_by_each_run(void **state)
{
    struct stream s = open_stream();
    struct fl_kept_flows kept = {.n_stamps = 0};
    char path[256], name[FL_BUCKET_NAME];
    store_until(&s, s.start_ms + 3 * HOUR_MS);
    close_stream(&s);
    snprintf(path, sizeof path, "%s/flows/%s/%s", dir, location, fl_bucket_name(s.start_ms + HOUR_MS, name));
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_true(fputs("this is not a database any longer", f) > 0);
    fclose(f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(read_span_of(&kept, s.start_ms, s.start_ms + 3 * HOUR_MS, 2).n_damaged, 1);
    fl_kept_flows_clear(&kept);
}

/* ---- runs ---- */

struct bench { /* a rules database beside the store, and what a run is asked */
    struct fl_config config;
    struct fl_rulesdb *db;
    struct fl_mine_request request;
    enum fl_phase stop_in; /* beyond the last: never */
    enum fl_phase seen;
    double done;
};

static int watch_run(void *ctx, enum fl_phase phase, double done)
{
    struct bench *b = ctx;
    assert_true(phase >= b->seen && done >= b->done && done <= 1);
    b->seen = phase;
    b->done = done;
    return phase >= b->stop_in;
}

static void set_up(struct bench *b, int64_t from_ms, int64_t to_ms)
{
    struct fl_err err = {""};
    memset(b, 0, sizeof *b);
    assert_int_equal(fl_config_init(&b->config), 0);
    b->stop_in = FL_PHASE_DESCRIBING + 1;
    b->request = (struct fl_mine_request){.data_dir = dir,
                                          .location = location,
                                          .from_ms = from_ms,
                                          .to_ms = to_ms,
                                          .config = &b->config,
                                          .scheduled = true,
                                          .progress = watch_run,
                                          .ctx = b};
    if (fl_rulesdb_open(&b->db, dir, FL_RULESDB_CREATE, &err) != 0)
        fail_msg("%s", err.text);
}

static int run(struct bench *b, struct fl_mine_result *result, struct fl_err *err)
{
    err->text[0] = '\0';
    b->seen = FL_PHASE_READING;
    b->done = 0;
    return fl_mine(b->db, &b->request, result, err);
}

/* The end of the last run that left a trace. */
static int64_t last_run(struct bench *b)
{
    int64_t last;
    struct fl_err err = {""};
    assert_int_equal(fl_rulesdb_last_scheduled(b->db, location, &last, &err), 0);
    return last;
}

static void tear_down(struct bench *b)
{
    fl_rulesdb_close(b->db);
    fl_config_clear(&b->config);
}

/* What retention takes away must not make the location learn for ever. */
static void learning_ends_though_the_first_records_go(void **state)
{
    struct stream s = open_stream();
    struct bench b;
    struct fl_mine_result result;
    struct fl_err err;
    store_until(&s, INT64_MAX);
    close_stream(&s);
    set_up(&b, s.start_ms, s.start_ms + HOUR_MS);
    b.config.learning_ms = 2 * HOUR_MS;
    assert_int_equal(run(&b, &result, &err), 0);
    assert_true(result.run.learning_until_ms >= b.request.to_ms);
    assert_true(fl_store_retain(dir, HOUR_MS / 2, 0, &err) > 0);
    b.request.from_ms += 4 * HOUR_MS;
    b.request.to_ms += 4 * HOUR_MS;
    assert_int_equal(run(&b, &result, &err), 0);
    assert_true(result.run.learning_until_ms > 0 && result.run.learning_until_ms < b.request.to_ms);
    tear_down(&b);
}

static void a_run_goes_through_all_phases_and_stops_in_each(void **state)
{
    struct stream s = open_stream();
    struct bench b;
    struct fl_mine_result result;
    struct fl_err err;
    store_until(&s, INT64_MAX);
    set_up(&b, s.start_ms, s.start_ms + HOURS * HOUR_MS);
    for (int phase = FL_PHASE_READING; phase <= FL_PHASE_DESCRIBING; phase++) {
        b.stop_in = (enum fl_phase)phase;
        assert_int_equal(run(&b, &result, &err), FL_ESTOP);
        assert_int_equal(b.seen, phase);
        assert_true(last_run(&b) == INT64_MIN);
    }
    b.stop_in = FL_PHASE_DESCRIBING + 1;
    assert_int_equal(run(&b, &result, &err), 0);
    assert_true(result.run.rules > 0 && b.done > 0.9);
    assert_true(last_run(&b) == b.request.to_ms);
    tear_down(&b);
    close_stream(&s);
}

static void too_much_for_the_memory_is_refused(void **state)
{
    struct stream s = open_stream();
    struct bench b;
    struct fl_mine_result result;
    struct fl_err err;
    store_until(&s, INT64_MAX);
    set_up(&b, s.start_ms, s.start_ms + HOURS * HOUR_MS);
    b.config.mining.memory_bytes = 1 << 20;
    assert_int_equal(run(&b, &result, &err), FL_ELIMIT);
    assert_non_null(strstr(err.text, "mining.memory"));
    assert_non_null(strstr(err.text, "--from"));
    assert_true(last_run(&b) == INT64_MIN);
    tear_down(&b);
    close_stream(&s);
}

static void the_heap_is_looked_at_now_and_then(void **state)
{
    struct fl_heap_watch w;
    fl_heap_watch_start(&w, 1 << 20, 500);
    for (int ask = 0; ask < 100000; ask++)
        assert_false(fl_heap_over(&w, 500 + ask / 1000)); /* a tenth of a second in all */
    assert_true(w.looks <= 2 + 100 / FL_HEAP_LOOK_EVERY_MS);
    if (w.before_bytes == 0)
        skip(); /* a sanitizer's malloc does not count */
    char *more = malloc(4 << 20);
    assert_non_null(more);
    memset(more, 1, 4 << 20);
    assert_false(fl_heap_over(&w, 599));
    assert_true(fl_heap_over(&w, 600));
    free(more);
    assert_true(fl_heap_over(&w, 700)); /* once is enough */
}

static void a_span_without_flows_has_no_rules(void **state)
{
    struct bench b;
    struct fl_mine_result result;
    struct fl_err err;
    set_up(&b, 86400000, 2 * INT64_C(86400000));
    assert_int_equal(run(&b, &result, &err), 0);
    assert_int_equal(result.run.flows + result.run.rules + result.run.nodes, 0);
    tear_down(&b);
}

static void ten_years_with_little_in_them(void **state)
{
    struct fl_writer *w = open_writer();
    struct bench b;
    struct fl_mine_result result;
    struct fl_err err;
    const int64_t from_ms = 1655078400000, year_ms = INT64_C(365) * 86400000;
    for (int i = 0; i < 10; i++) {
        struct fl_flow f = record("10.0.0.1", 4000, "10.0.0.2", 80, FL_PROTO_TCP, from_ms + i * year_ms,
                                  from_ms + i * year_ms + 100);
        store(w, &f);
    }
    commit(w);
    fl_writer_close(w);
    set_up(&b, from_ms, from_ms + 10 * year_ms);
    assert_int_equal(run(&b, &result, &err), 0);
    assert_int_equal(result.run.flows, 10);
    assert_int_equal(result.run.conversations, 10);
    tear_down(&b);
}

static void one_host_talks_to_itself(void **state)
{
    struct fl_writer *w = open_writer();
    struct bench b;
    struct fl_mine_result result;
    struct fl_err err;
    const int64_t from_ms = 1655078400000;
    for (int i = 0; i < 500; i++) {
        struct fl_flow f = record("10.0.0.1", (uint16_t)(4000 + i), "10.0.0.1", 80, FL_PROTO_TCP,
                                  from_ms + i * 60000, from_ms + i * 60000 + 100);
        store(w, &f);
    }
    commit(w);
    fl_writer_close(w);
    set_up(&b, from_ms, from_ms + 12 * HOUR_MS);
    assert_int_equal(run(&b, &result, &err), 0);
    assert_int_equal(result.run.flows, 500);
    assert_int_equal(result.run.rules, 0);
    tear_down(&b);
}

#define IN_A_STORE(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(an_hour_later_only_that_hour_is_read),
        IN_A_STORE(spans_may_move_as_they_like),
        IN_A_STORE(late_records_and_lost_buckets_are_noticed),
        IN_A_STORE(damage_is_found_by_each_run),
        IN_A_STORE(learning_ends_though_the_first_records_go),
        IN_A_STORE(a_run_goes_through_all_phases_and_stops_in_each),
        IN_A_STORE(too_much_for_the_memory_is_refused),
        cmocka_unit_test(the_heap_is_looked_at_now_and_then),
        IN_A_STORE(a_span_without_flows_has_no_rules),
        IN_A_STORE(ten_years_with_little_in_them),
        IN_A_STORE(one_host_talks_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
