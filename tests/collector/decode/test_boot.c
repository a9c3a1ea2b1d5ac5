/* The boot time interval and uptime arithmetic, at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/decode/boot.h"

static void test_interval_narrows_to_the_millisecond(void **state)
{
    struct fl_boot b = {0};
    (void)state;
    fl_boot_update(&b, 1000, 500); /* boot in [999500, 1000499] */
    assert_false(fl_boot_exact(&b));
    for (uint32_t up = 500; up < 1500; up++)
        assert_int_equal(fl_boot_update(&b, (1000000 + up - 500) / 1000, up), FL_BOOT_SAME);
    assert_true(fl_boot_exact(&b));
    assert_int_equal(b.low_ms, 999500);
}

static void test_drift_moves_to_the_nearest_edge(void **state)
{
    struct fl_boot b = {true, 999500, 999500};
    (void)state;
    assert_int_equal(fl_boot_update(&b, 1002, 500), FL_BOOT_SAME); /* [1001500, ...] is 2000 later */
    assert_int_equal(b.low_ms, 1001500);
    assert_int_equal(fl_boot_update(&b, 1000, 500), FL_BOOT_SAME);
    assert_int_equal(b.low_ms, 1000499);
}

static void test_beyond_drift_is_a_restart(void **state)
{
    struct fl_boot b = {true, 999499, 999499};
    (void)state;
    assert_int_equal(fl_boot_update(&b, 1002, 500), FL_BOOT_RESTART);
    assert_int_equal(b.low_ms, 1001500);
    assert_int_equal(b.high_ms, 1002499);
}

static void test_uptime_wrap_is_no_restart(void **state)
{
    struct fl_boot b = {true, 1000000, 1000000};
    (void)state;
    uint32_t now_s = (uint32_t)((1000000 + (INT64_C(1) << 32) + 704) / 1000);
    assert_int_equal(fl_boot_update(&b, now_s, 704), FL_BOOT_SAME);
    assert_int_equal(b.low_ms, 1000000 + (INT64_C(1) << 32));
    assert_true(fl_boot_exact(&b));
}

static void test_switched_times_around_the_header(void **state)
{
    (void)state;
    assert_int_equal(fl_boot_time(1000000, 5000, 4000), 1004000);
    assert_int_equal(fl_boot_time(1000000, 5000, 5000), 1005000);
    assert_int_equal(fl_boot_time(1000000, 5000, 5010), 1005010);
    assert_int_equal(fl_boot_time(1000000, 5000, UINT32_MAX), 999999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval_narrows_to_the_millisecond),
        cmocka_unit_test(test_drift_moves_to_the_nearest_edge),
        cmocka_unit_test(test_beyond_drift_is_a_restart),
        cmocka_unit_test(test_uptime_wrap_is_no_restart),
        cmocka_unit_test(test_switched_times_around_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
