/* The alert line, and the file it is appended to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/alertfile.h"

static json_t *alert(const char *severity)
{
    return json_pack("{s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "id", 7, "rule_id", 3, "location", "hq",
                     "rule", "10.0.0.5.* : 10.0.0.53.53/udp <=> *.* : 10.0.0.9.143/tcp", "severity", severity,
                     "opened", "2022-06-12T22:00:09.953Z", "made", "2026-01-01T00:00:00.000Z", "text",
                     "new \"rule\"\n");
}

static const char *text_at(json_t *line, const char *object, const char *key)
{
    return json_string_value(json_object_get(json_object_get(line, object), key));
}

static void test_fields(void **state)
{
    json_t *a = alert("medium"), *line = fl_alertfile_event(a);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "@timestamp")), "2022-06-12T22:00:09.953Z");
    assert_string_equal(json_string_value(json_object_get(line, "message")), "new \"rule\"\n");
    assert_string_equal(text_at(line, "event", "kind"), "alert");
    assert_string_equal(text_at(line, "event", "id"), "7");
    assert_string_equal(text_at(line, "event", "action"), "novel-rule");
    assert_string_equal(text_at(line, "event", "created"), "2026-01-01T00:00:00.000Z");
    assert_string_equal(text_at(line, "rule", "id"), "3");
    assert_string_equal(text_at(line, "observer", "name"), "hq");
    assert_string_equal(text_at(line, "observer", "type"), "flowlore");
    json_t *transport = json_object_get(json_object_get(line, "network"), "transport");
    assert_string_equal(json_string_value(json_array_get(transport, 0)), "udp");
    assert_string_equal(json_string_value(json_array_get(transport, 1)), "tcp");
    assert_true(json_equal(json_object_get(line, "flowlore"), a));
    json_decref(line);
    json_decref(a);
}

static json_int_t severity(const char *name)
{
    json_t *a = alert(name), *line = fl_alertfile_event(a);
    json_int_t n = json_integer_value(json_object_get(json_object_get(line, "event"), "severity"));
    json_decref(line);
    json_decref(a);
    return n;
}

static void test_loudest_first(void **state)
{
    assert_true(severity("high") > severity("medium"));
    assert_true(severity("medium") > severity("low"));
    assert_true(severity("low") > severity("other"));
}

static void test_an_alert_without_a_rule(void **state)
{
    json_t *a = json_pack("{s:i, s:s}", "id", 1, "rule", "not a rule"), *line = fl_alertfile_event(a);
    assert_non_null(line);
    assert_null(json_object_get(line, "network"));
    assert_string_equal(json_string_value(json_object_get(line, "message")), "not a rule");
    json_decref(line);
    json_decref(a);
}

static void test_half_a_line_is_ended(void **state)
{
    char path[] = "/tmp/flowlore-alerts-XXXXXX", text[200] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"cut\":", 7), 7);
    json_t *events = json_pack("[{s:i}, {s:i}]", "a", 1, "a", 2);
    assert_int_equal(fl_alertfile_append(path, events, NULL), 0);
    assert_int_equal(fl_alertfile_append(path, events, NULL), 0);
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, "{\"cut\":\n{\"a\":1}\n{\"a\":2}\n{\"a\":1}\n{\"a\":2}\n");
    json_decref(events);
    close(fd);
    unlink(path);
}

static void test_no_such_place(void **state)
{
    struct fl_err err = {""};
    json_t *events = json_pack("[{}]");
    assert_int_equal(fl_alertfile_append("/nonexistent/alerts.jsonl", events, &err), FL_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/alerts.jsonl"));
    json_decref(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_loudest_first),
        cmocka_unit_test(test_an_alert_without_a_rule),
        cmocka_unit_test(test_half_a_line_is_ended),
        cmocka_unit_test(test_no_such_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
