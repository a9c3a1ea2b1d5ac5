/* Waiting times: doubling, the cap, jitter at its ends, and what the receiver asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/sink/backoff.h"

static const struct fl_backoff b = {1000, 60000};

static void test_doubling(void **state)
{
    static const int64_t full[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    for (unsigned i = 0; i < sizeof full / sizeof *full; i++) {
        assert_int_equal(fl_backoff_ms(&b, i + 1, 0), full[i] / 2);
        assert_int_equal(fl_backoff_ms(&b, i + 1, 0.5), full[i] * 3 / 4);
        assert_in_range(fl_backoff_ms(&b, i + 1, 0.999999), full[i] - 1, full[i]);
    }
    assert_int_equal(fl_backoff_ms(&b, UINT32_MAX, 0), 30000);
    struct fl_backoff longest = {1, INT64_MAX / 4};
    assert_in_range(fl_backoff_ms(&longest, UINT32_MAX, 0.5), 1, INT64_MAX / 4);
}

static void test_what_was_asked(void **state)
{
    assert_int_equal(fl_backoff_asked_ms(&b, 1, 0, 0), 500);
    assert_int_equal(fl_backoff_asked_ms(&b, 1, 0, 7000), 7000);
    assert_int_equal(fl_backoff_asked_ms(&b, 1, 0, 86400000), 60000);
    assert_int_equal(fl_backoff_asked_ms(&b, 7, 0, 7000), 30000);
    assert_int_equal(fl_backoff_asked_ms(&b, 1, 0, -5), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_doubling),
                                       cmocka_unit_test(test_what_was_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
