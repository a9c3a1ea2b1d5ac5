/* Watermarks: believed times move them, receive times only where there is nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "collector/watermark.h"

static struct fl_location_config branch[] = {{.name = "branch", .active_timeout_ms = 300000}, {.name = "hq"}};
static const struct fl_config config = {.active_timeout_ms = 60000, .locations = branch, .n_locations = 2};

static struct fl_gathered flow(int64_t start_ms, int64_t end_ms, enum fl_time_source source)
{
    bool received = source == FL_TIME_RECEIVED;
    return (struct fl_gathered){.flows = 1,
                                .first_start_ms = start_ms,
                                .told_end_ms = received ? INT64_MIN : end_ms,
                                .received_end_ms = received ? end_ms : INT64_MIN};
}

static void note(struct fl_watermarks *w, const char *location, struct fl_gathered g)
{
    g.location = location;
    assert_int_equal(fl_watermarks_note(w, &g), 0);
}

static void test_nothing_before_a_commit(void **state)
{
    struct fl_watermarks *w;
    struct fl_watermark *marks;
    assert_int_equal(fl_watermarks_new(&w), 0);
    assert_int_equal(fl_watermarks_snapshot(w, &marks), 0);
    assert_null(marks);
    note(w, "hq", flow(1000000, 1010000, FL_TIME_ABSOLUTE));
    assert_int_equal(fl_watermarks_snapshot(w, &marks), 0);
    assert_null(marks);
    fl_watermarks_publish(w, &config);
    note(w, "hq", flow(9000000, 9000000, FL_TIME_ABSOLUTE));
    assert_int_equal(fl_watermarks_snapshot(w, &marks), 1);
    assert_int_equal(marks[0].watermark_ms, 1010000 - 60000);
    assert_int_equal(marks[0].first_ms, 1000000);
    free(marks);
    fl_watermarks_free(w);
    fl_watermarks_free(NULL);
}

static void test_largest_end_and_own_lateness(void **state)
{
    struct fl_watermarks *w;
    struct fl_watermark *marks;
    assert_int_equal(fl_watermarks_new(&w), 0);
    note(w, "hq", flow(5000000, 7000000, FL_TIME_UPTIME));
    note(w, "hq", flow(4000000, 6000000, FL_TIME_UPTIME));
    note(w, "branch", flow(2000000, 2000001, FL_TIME_ABSOLUTE));
    fl_watermarks_publish(w, &config);
    assert_int_equal(fl_watermarks_snapshot(w, &marks), 2);
    assert_string_equal(marks[0].location, "hq");
    assert_int_equal(marks[0].watermark_ms, 7000000 - 60000);
    assert_int_equal(marks[0].first_ms, 4000000);
    assert_string_equal(marks[1].location, "branch");
    assert_int_equal(marks[1].watermark_ms, 2000001 - 300000);
    free(marks);
    fl_watermarks_free(w);
}

static void test_receive_times_only_where_nothing_else(void **state)
{
    struct fl_watermarks *w;
    struct fl_watermark *marks;
    assert_int_equal(fl_watermarks_new(&w), 0);
    note(w, "hq", flow(90000000, 90000000, FL_TIME_RECEIVED));
    fl_watermarks_publish(w, &config);
    assert_int_equal(fl_watermarks_snapshot(w, &marks), 1);
    assert_int_equal(marks[0].watermark_ms, 90000000 - 60000);
    free(marks);
    note(w, "hq", flow(1000000, 1000000, FL_TIME_ABSOLUTE));
    note(w, "hq", flow(95000000, 95000000, FL_TIME_RECEIVED));
    fl_watermarks_publish(w, &config);
    assert_int_equal(fl_watermarks_snapshot(w, &marks), 1);
    assert_int_equal(marks[0].watermark_ms, 1000000 - 60000);
    free(marks);
    fl_watermarks_free(w);
}

static void test_goes_on_from_the_store(void **state)
{
    struct fl_watermarks *w;
    struct fl_watermark *marks;
    assert_int_equal(fl_watermarks_new(&w), 0);
    assert_int_equal(fl_watermarks_seed(w, "hq", 100000, 800000), 0);
    note(w, "hq", flow(500000, 600000, FL_TIME_ABSOLUTE));
    fl_watermarks_publish(w, &config);
    assert_int_equal(fl_watermarks_snapshot(w, &marks), 1);
    assert_int_equal(marks[0].first_ms, 100000);
    assert_int_equal(marks[0].watermark_ms, 800000 - 60000);
    free(marks);
    fl_watermarks_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_before_a_commit),
        cmocka_unit_test(test_largest_end_and_own_lateness),
        cmocka_unit_test(test_receive_times_only_where_nothing_else),
        cmocka_unit_test(test_goes_on_from_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
