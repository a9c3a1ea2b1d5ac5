/* Which boundaries are mined: none that has data is left out, none without is run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/schedule.h"

static const int64_t hour = 3600000;

static struct fl_bucket_info bucket(int64_t from_hour, int64_t hours)
{
    return (struct fl_bucket_info){
        .location = "hq", .from_ms = from_hour * hour, .to_ms = (from_hour + hours) * hour};
}

static void test_floor(void **state)
{
    assert_int_equal(fl_schedule_floor(0, hour), 0);
    assert_int_equal(fl_schedule_floor(hour, hour), hour);
    assert_int_equal(fl_schedule_floor(2 * hour - 1, hour), hour);
    assert_int_equal(fl_schedule_floor(-1, hour), -hour);
    assert_int_equal(fl_schedule_floor(-hour, hour), -hour);
}

static void test_waits_for_the_watermark(void **state)
{
    struct fl_bucket_info b[] = {bucket(10, 1)};
    assert_int_equal(fl_schedule_next(10 * hour, 11 * hour - 1, hour, b, 1), FL_SCHEDULE_NONE);
    assert_int_equal(fl_schedule_next(10 * hour, 11 * hour, hour, b, 1), 11 * hour);
    assert_int_equal(fl_schedule_next(11 * hour, 90 * hour, hour, b, 1), FL_SCHEDULE_NONE);
}

static void test_no_buckets_no_runs(void **state)
{
    assert_int_equal(fl_schedule_next(0, 1000 * hour, hour, NULL, 0), FL_SCHEDULE_NONE);
}

static void test_every_hour_of_a_replay_in_order(void **state)
{
    struct fl_bucket_info b[] = {bucket(10, 1), bucket(11, 1), bucket(12, 1)};
    int64_t done = 10 * hour;
    for (int64_t expected = 11; expected <= 13; expected++) {
        done = fl_schedule_next(done, 100 * hour, hour, b, 3);
        assert_int_equal(done, expected * hour);
    }
    assert_int_equal(fl_schedule_next(done, 100 * hour, hour, b, 3), FL_SCHEDULE_NONE);
}

static void test_a_gap_is_passed_over(void **state)
{
    struct fl_bucket_info b[] = {bucket(10, 1), bucket(500000, 1)};
    assert_int_equal(fl_schedule_next(11 * hour, 600000 * hour, hour, b, 2), 500001 * hour);
    assert_int_equal(fl_schedule_next(11 * hour, 400000 * hour, hour, b, 2), FL_SCHEDULE_NONE);
}

static void test_runs_shorter_than_buckets(void **state)
{
    struct fl_bucket_info b[] = {bucket(10, 1)};
    int64_t every = hour / 6, done = 10 * hour;
    for (int i = 1; i <= 6; i++) {
        done = fl_schedule_next(done, 20 * hour, every, b, 1);
        assert_int_equal(done, 10 * hour + i * every);
    }
    assert_int_equal(fl_schedule_next(done, 20 * hour, every, b, 1), FL_SCHEDULE_NONE);
}

static void test_runs_longer_than_buckets(void **state)
{
    struct fl_bucket_info b[] = {bucket(1, 1), bucket(23, 1), bucket(24, 1)};
    assert_int_equal(fl_schedule_next(0, 100 * hour, 24 * hour, b, 3), 24 * hour);
    assert_int_equal(fl_schedule_next(24 * hour, 100 * hour, 24 * hour, b, 3), 48 * hour);
    assert_int_equal(fl_schedule_next(48 * hour, 100 * hour, 24 * hour, b, 3), FL_SCHEDULE_NONE);
}

static void test_runs_that_do_not_divide_buckets(void **state)
{
    struct fl_bucket_info b[] = {bucket(10, 1)};
    int64_t every = 7 * hour / 6; /* boundaries at 9:20, 10:30 and 11:40 */
    int64_t done = fl_schedule_floor(10 * hour, every);
    assert_int_equal(done, 8 * every);
    done = fl_schedule_next(done, 20 * hour, every, b, 1);
    assert_int_equal(done, 9 * every);
    done = fl_schedule_next(done, 20 * hour, every, b, 1);
    assert_int_equal(done, 10 * every);
    assert_int_equal(fl_schedule_next(done, 20 * hour, every, b, 1), FL_SCHEDULE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floor),
        cmocka_unit_test(test_waits_for_the_watermark),
        cmocka_unit_test(test_no_buckets_no_runs),
        cmocka_unit_test(test_every_hour_of_a_replay_in_order),
        cmocka_unit_test(test_a_gap_is_passed_over),
        cmocka_unit_test(test_runs_shorter_than_buckets),
        cmocka_unit_test(test_runs_longer_than_buckets),
        cmocka_unit_test(test_runs_that_do_not_divide_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
