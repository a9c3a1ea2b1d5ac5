/* RFC 5424 messages: each field, the escapes, the UTF-8 mark, and the bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collector/sink/syslog.h"

static char out[FL_SYSLOG_MOST + 1];

static json_t *event(const char *severity, const char *message)
{
    return json_pack("{s:{s:s, s:s}, s:s, s:{s:[s,s]}, s:{s:i, s:s, s:s, s:i, s:s, s:n}}", "event", "id",
                     "abc", "created", "2026-01-01T00:00:00.123Z", "message", message, "network",
                     "community_id", "1:x=", "1:y=", "flowlore", "id", 7, "severity", severity, "location",
                     "hq", "rule_id", 3, "rule", "a \"b\" [c] \\d\n", "novelty");
}

static const char *format(const char *severity, const char *kind, const char *message)
{
    struct fl_syslog_origin origin = {19, "host.example.net", 42};
    json_t *e = event(severity, message);
    size_t n = fl_syslog_format(&origin, e, kind, out);
    assert_int_equal(n, strlen(out));
    json_decref(e);
    return out;
}

static void test_a_message(void **state)
{
    assert_string_equal(
        format("high", "opened", "New at hq"),
        "<155>1 2026-01-01T00:00:00.123Z host.example.net flowlored 42 opened "
        "[flowlore@32473 event=\"abc\" alert=\"7\" severity=\"high\" location=\"hq\" rule_id=\"3\" "
        "rule=\"a \\\"b\\\" [c\\] \\\\d \" community_id=\"1:x=\" community_id=\"1:y=\"] New at hq");
}

static void test_severities(void **state)
{
    static const struct {
        const char *severity, *kind, *priority;
    } cases[] = {{"high", "opened", "<155>1 "},
                 {"medium", "grown", "<156>1 "},
                 {"low", "opened", "<157>1 "},
                 {"high", "closed", "<158>1 "}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(strncmp(format(cases[i].severity, cases[i].kind, "x"), cases[i].priority, 7), 0);
}

static void test_beyond_ascii(void **state)
{
    assert_null(strstr(format("low", "opened", "plain"), "\xef\xbb\xbf"));
    assert_non_null(strstr(format("low", "opened", "Neu in Z\xc3\xbcrich\r\nx"),
                           "] \xef\xbb\xbfNeu in Z\xc3\xbcrich  x"));
}

/* Cut at a character, also where the bound falls into its middle. */
static void test_the_bound(void **state)
{
    char message[4096];
    for (size_t lead = 0; lead < 2; lead++) {
        memset(message, 'x', lead);
        for (size_t i = lead; i + 2 < sizeof message; i += 2)
            memcpy(message + i, "\xc3\xbc", 3);
        format("low", "opened", message);
        assert_in_range(strlen(out), FL_SYSLOG_MOST - 1, FL_SYSLOG_MOST);
        assert_int_equal(memcmp(out + strlen(out) - 2, "\xc3\xbc", 2), 0);
    }
}

static void test_nothing_known(void **state)
{
    struct fl_syslog_origin origin = {3, "", 1};
    json_t *e = json_object();
    fl_syslog_format(&origin, e, "test", out);
    assert_string_equal(out, "<30>1 - - flowlored 1 test [flowlore@32473] ");
    origin.hostname = "with blank";
    fl_syslog_format(&origin, e, "test", out);
    assert_string_equal(out, "<30>1 - withblank flowlored 1 test [flowlore@32473] ");
    json_decref(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message),     cmocka_unit_test(test_severities),
        cmocka_unit_test(test_beyond_ascii),  cmocka_unit_test(test_the_bound),
        cmocka_unit_test(test_nothing_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
