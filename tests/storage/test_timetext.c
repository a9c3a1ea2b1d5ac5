/* Times, durations and sizes as text: edges and nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "storage/error.h"
#include "storage/timetext.h"

#define NOW_MS ((int64_t)1655071209953)
#define DAY_MS ((int64_t)86400000)

static void times_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"1970-01-01T00:00:00Z", 0},
                 {"1970-01-01", 0},
                 {"2022-06-12T22:00:09.953Z", NOW_MS},
                 {"2022-06-12T22:00:09.9539999Z", NOW_MS},
                 {"2022-06-12 22:00:09.953", NOW_MS},
                 {"2022-06-13T00:00:09.953+02:00", NOW_MS},
                 {"2022-06-12T16:30:09.953-05:30", NOW_MS},
                 {"2022-06-12t22:00z", NOW_MS - 9953},
                 {"2024-02-29T00:00:00Z", 1709164800000},
                 {"2000-02-29", 951782400000},
                 {"9999-12-31T23:59:59.999Z", 253402300799999},
                 {"now", NOW_MS},
                 {"-24h", NOW_MS - DAY_MS},
                 {"+1h30m", NOW_MS + 5400000},
                 {"-0", NOW_MS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;
        if (fl_time_parse(cases[i].text, NOW_MS, &ms) != 0 || ms != cases[i].ms)
            fail_msg("%s gives %lld", cases[i].text, (long long)ms);
    }
}

/* Every day until 2200, then some, to the end of the last: each as the C library prints it. */
static void every_day_prints_as_gmtime_says(void **state)
{
    static const int64_t last = 253402300799999;
    for (int64_t day = 0, ms; (ms = day * DAY_MS + day * 1237 % DAY_MS) <= last;
         day += day < 84000 ? 1 : 97) {
        char text[FL_TIME_TEXT], expected[80];
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        size_t used = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(expected + used, sizeof expected - used, ".%03dZ", (int)(ms % 1000));
        assert_string_equal(fl_time_format(ms, text), expected);
        snprintf(expected + used, sizeof expected - used, "Z");
        assert_string_equal(fl_time_format_s(ms, text), expected);
    }
    char text[FL_TIME_TEXT];
    assert_string_equal(fl_time_format(last, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(fl_time_format(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(fl_time_format(INT64_MIN, text), "1970-01-01T00:00:00.000Z");
}

static void nonsense_is_no_time(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "2022",
                                      "2022-06",
                                      "2022-13-01",
                                      "2022-00-01",
                                      "2022-06-31",
                                      "2023-02-29",
                                      "1900-02-29",
                                      "2100-02-29",
                                      "1969-12-31",
                                      "10000-01-01",
                                      "2022-06-12T",
                                      "2022-06-12T24:00",
                                      "2022-06-12T22",
                                      "2022-06-12T22:60",
                                      "2022-06-12T22:00:61Z",
                                      "2022-06-12T22:00:09.Z",
                                      "2022-06-12T22:00:09ZZ",
                                      "2022-06-12T22:00+2:00",
                                      "2022-06-12T22:00+24:00",
                                      "2022-06-12T22:00 ",
                                      "-",
                                      "-x",
                                      "--1h",
                                      "-5",
                                      "Now",
                                      "2022-6-1",
                                      "2022-06-12Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;
        if (fl_time_parse(bad[i], NOW_MS, &ms) != FL_EINVAL)
            fail_msg("%s is taken for a time", bad[i]);
    }
}

static void times_print(void **state)
{
    char text[FL_TIME_TEXT];
    assert_string_equal(fl_time_format(NOW_MS, text), "2022-06-12T22:00:09.953Z");
    assert_string_equal(fl_time_format_s(NOW_MS, text), "2022-06-12T22:00:09Z");
    assert_string_equal(fl_time_format(1709251199001, text), "2024-02-29T23:59:59.001Z");
    assert_string_equal(fl_time_format(INT64_MIN, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(fl_time_format(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
}

static void printed_times_parse_to_the_same(void **state)
{
    for (int64_t ms = 1; ms < 253402300799999; ms = ms * 3 + 7) {
        char text[FL_TIME_TEXT];
        int64_t again;
        assert_int_equal(fl_time_parse(fl_time_format(ms, text), 0, &again), 0);
        assert_int_equal(again, ms);
    }
}

static void durations_parse_and_print(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *printed;
    } cases[] = {{"0", 0, "0s"},
                 {"500ms", 500, "500ms"},
                 {"90s", 90000, "1m30s"},
                 {"1h30m", 5400000, "1h30m"},
                 {"2w", 14 * DAY_MS, "14d"},
                 {"7d", 7 * DAY_MS, "7d"},
                 {"30m1h", 5400000, "1h30m"},
                 {"36600d", 36600 * DAY_MS, "36600d"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[FL_TIME_TEXT];
        int64_t ms = -1;
        assert_int_equal(fl_duration_parse(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
        assert_string_equal(fl_duration_format(ms, text), cases[i].printed);
    }
    static const char *const bad[] = {
        "",         "5", "h", "-5m", "1.5h", "5 m", "5min", "5M", "1h ", "36601d", "99999999999999999999ms",
        "36600d1ms"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;
        if (fl_duration_parse(bad[i], &ms) != FL_EINVAL)
            fail_msg("%s is taken for a duration", bad[i]);
    }
}

static void sizes_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {{"0", 0},
                 {"1048576", 1048576},
                 {"64MiB", 64 << 20},
                 {"10G", (int64_t)10 << 30},
                 {"512k", 512 << 10},
                 {"1tb", (int64_t)1 << 40},
                 {"7B", 7}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t bytes = -1;
        assert_int_equal(fl_bytes_parse(cases[i].text, &bytes), 0);
        assert_int_equal(bytes, cases[i].bytes);
    }
    static const char *const bad[] = {
        "", "x", "-1", "1.5G", "1 G", "5iB", "5Gi", "5GG", "99999999999999999999", "4194305T"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t bytes;
        if (fl_bytes_parse(bad[i], &bytes) != FL_EINVAL)
            fail_msg("%s is taken for a size", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_parse),
        cmocka_unit_test(every_day_prints_as_gmtime_says),
        cmocka_unit_test(nonsense_is_no_time),
        cmocka_unit_test(times_print),
        cmocka_unit_test(printed_times_parse_to_the_same),
        cmocka_unit_test(durations_parse_and_print),
        cmocka_unit_test(sizes_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
