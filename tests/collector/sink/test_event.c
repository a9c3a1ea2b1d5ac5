/* An alert's event: which figure stands under which name of the Elastic Common Schema, and when it happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collector/sink/event.h"

static struct fl_outbox_item item(const char *kind)
{
    struct fl_outbox_item i = {.event_id = 4, .alert_id = 7, .made_ms = INT64_C(1767225600000)};
    strcpy(i.uid, "0123456789abcdef0123456789abcdef");
    strcpy(i.kind, kind);
    return i;
}

static json_t *alert(const char *severity)
{
    return json_pack("{s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:n}", "id", 7, "rule_id", 3, "location", "hq",
                     "rule", "10.0.0.5.* : 10.0.0.53.53/udp <=> *.* : 10.0.0.9.143/tcp", "severity", severity,
                     "opened", "2022-06-12T22:00:09.953Z", "text", "new \"rule\"\n", "closed");
}

static const char *text_at(json_t *line, const char *object, const char *key)
{
    return json_string_value(json_object_get(json_object_get(line, object), key));
}

static void test_fields(void **state)
{
    struct fl_outbox_item i = item("opened");
    json_t *ids = json_pack("[ss]", "1:a", "1:b"), *hosts = json_pack("[s]", "10.0.0.5");
    json_t *a = alert("medium"), *line = fl_event_make(a, &i, ids, hosts);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "@timestamp")), "2022-06-12T22:00:09.953Z");
    assert_string_equal(json_string_value(json_object_get(line, "message")), "new \"rule\"\n");
    assert_string_equal(text_at(line, "event", "kind"), "alert");
    assert_string_equal(text_at(line, "event", "id"), "0123456789abcdef0123456789abcdef");
    assert_string_equal(text_at(line, "event", "action"), "alert-opened");
    assert_string_equal(text_at(line, "event", "created"), "2026-01-01T00:00:00.000Z");
    assert_string_equal(text_at(line, "rule", "id"), "3");
    assert_string_equal(text_at(line, "observer", "name"), "hq");
    assert_string_equal(text_at(line, "observer", "type"), "flowlore");
    json_t *network = json_object_get(line, "network"), *transport = json_object_get(network, "transport");
    assert_string_equal(json_string_value(json_array_get(transport, 0)), "udp");
    assert_string_equal(json_string_value(json_array_get(transport, 1)), "tcp");
    assert_true(json_equal(json_object_get(network, "community_id"), ids));
    assert_true(json_equal(json_object_get(json_object_get(line, "related"), "ip"), hosts));
    assert_true(json_equal(json_object_get(line, "flowlore"), a));
    json_decref(line);
    json_decref(a);
    json_decref(ids);
    json_decref(hosts);
}

static json_int_t severity(const char *name)
{
    struct fl_outbox_item i = item("opened");
    json_t *a = alert(name), *line = fl_event_make(a, &i, NULL, NULL);
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

static void check_time(const char *kind, const char *closed, const char *expected, const char *type)
{
    struct fl_outbox_item i = item(kind);
    json_t *a = alert("low");
    if (closed)
        json_object_set_new(a, "closed", json_string(closed));
    json_t *line = fl_event_make(a, &i, NULL, NULL);
    assert_string_equal(json_string_value(json_object_get(line, "@timestamp")), expected);
    json_t *types = json_object_get(json_object_get(line, "event"), "type");
    assert_string_equal(json_string_value(json_array_get(types, 0)), type);
    json_decref(line);
    json_decref(a);
}

static void test_when_it_happened(void **state)
{
    check_time("opened", NULL, "2022-06-12T22:00:09.953Z", "start");
    check_time("grown", NULL, "2026-01-01T00:00:00.000Z", "info");
    check_time("closed", "2025-12-31T23:59:59.000Z", "2025-12-31T23:59:59.000Z", "end");
    check_time("closed", NULL, "2026-01-01T00:00:00.000Z", "end"); /* opened again since */
}

static void test_an_alert_without_a_rule(void **state)
{
    struct fl_outbox_item i = item("opened");
    json_t *one = json_pack("[s]", "1:a");
    json_t *a = json_pack("{s:i, s:s}", "id", 1, "rule", "not a rule"),
           *line = fl_event_make(a, &i, NULL, NULL);
    assert_non_null(line);
    assert_null(json_object_get(line, "network"));
    assert_null(json_object_get(line, "related"));
    assert_string_equal(json_string_value(json_object_get(line, "message")), "not a rule");
    json_decref(line);
    line = fl_event_make(a, &i, one, NULL);
    assert_string_equal(text_at(line, "network", "community_id"), "1:a");
    json_decref(line);
    json_decref(a);
    json_decref(one);
}

static void test_a_test(void **state)
{
    struct fl_outbox_item i = item("test");
    json_t *line = fl_event_test("pager", &i);
    assert_non_null(line);
    assert_non_null(strstr(json_string_value(json_object_get(line, "message")), "sink pager"));
    assert_string_equal(text_at(line, "event", "action"), "test");
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),           cmocka_unit_test(test_loudest_first),
        cmocka_unit_test(test_when_it_happened), cmocka_unit_test(test_an_alert_without_a_rule),
        cmocka_unit_test(test_a_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
