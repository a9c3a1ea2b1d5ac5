/* The known-rule table as text: what is written is read back alike, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mining/knowntext.h"

#define HEAD "flowlore known-rules 1\n"
#define RULE "\"*.* : 10.0.0.5.80/tcp ~ 10.0.0.5.* : 10.0.0.9.3306/tcp\""

static json_t *read_text(const char *text)
{
    struct fl_err err = {""};
    json_t *rows = NULL;
    int rc = fl_knowntext_read("x", text, strlen(text), &rows, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    return rows;
}

static const char *text_of(const json_t *rows, size_t i, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(rows, i), key));
    return text ? text : "(none)";
}

static void test_round_trip(void **state)
{
    static const char *const lines[] = {
        "learned rule " RULE " at paris",
        "accept match \"*.* : 10.1.0.0/16.22/tcp\" at paris by \"ann\" made 2022-06-12T22:00:00.000Z until "
        "2030-01-01T00:00:00.000Z note \"jump \\\"hosts\\\"\\nof ours \\\\ äö\"",
        "ignore rule " RULE " by \"bob\" made 2022-06-12T22:00:00.123Z",
        "reopen rule \"10.0.0.5.* : 198.51.100.9.443/tcp every\""};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[600];
        snprintf(text, sizeof text, "%s# comment\n\n  %s  \r\n", HEAD, lines[i]);
        json_t *rows = read_text(text);
        assert_int_equal(json_array_size(rows), 1);
        char *again = fl_knowntext_line(json_array_get(rows, 0));
        assert_string_equal(again, lines[i]);
        free(again);
        json_decref(rows);
    }
    json_t *rows = read_text(fl_knowntext_head());
    assert_int_equal(json_array_size(rows), 0);
    json_decref(rows);
}

/* Either order and any arrow: one identity. Any order of the words behind. */
static void test_forms(void **state)
{
    json_t *rows =
        read_text(HEAD "accept rule \"10.0.0.5.* : 10.0.0.9.3306/tcp => *.* : 10.0.0.5.80/tcp\" note "
                       "\"n\" made 2022-06-12 at london");
    assert_string_equal(text_of(rows, 0, "rule"), "*.* : 10.0.0.5.80/tcp ~ 10.0.0.5.* : 10.0.0.9.3306/tcp");
    assert_string_equal(text_of(rows, 0, "made"), "2022-06-12T00:00:00.000Z");
    assert_string_equal(text_of(rows, 0, "location"), "london");
    json_decref(rows);
}

/* A note cannot pass for another decision, nor hide what it says. */
static void test_deceit_is_escaped(void **state)
{
    json_t *row = json_pack("{s:s, s:s, s:s}", "verdict", "accept", "rule", "r", "note",
                            "x\" \naccept match \"*\"\xe2\x80\xae\x1b[2J");
    char *line = fl_knowntext_line(row);
    assert_string_equal(line, "accept rule \"r\" note \"x\\\" \\naccept match \\\"*\\\"\\u202E\\u001B[2J\"");
    free(line);
    json_decref(row);
}

static void test_refused(void **state)
{
    static const char *const cases[][2] = {
        {"", "x:1: the first line is to be \"flowlore known-rules 1\""},
        {"flowlore known-rules 2\n", "x:1: the first line"},
        {HEAD "\n\naccpt rule " RULE, "x:4: \"accpt\" is none of learned, accept, ignore, reopen"},
        {HEAD "accept", "x:2: accept is followed by rule \"RULE\" or match \"PATTERN\", not by \"\""},
        {HEAD "learned match \"*\"", "x:2: learned is followed by rule \"RULE\", not by \"match\""},
        {HEAD "accept rule " RULE "\nignore rule \"10.0.0.300\"", "x:3: \"10.0.0.300\" is not a rule"},
        {HEAD "accept match \"10.0.0.0/99\"", "x:2: \"10.0.0.0/99\" is not a pattern"},
        {HEAD "accept rule 12", "x:2: rule is followed by a text in double quotes"},
        {HEAD "accept rule \"unended", "x:2: the text of rule has no closing quote"},
        {HEAD "accept rule \"unended\\", "x:2: the text of rule has no closing quote"},
        {HEAD "accept rule " RULE " note \"\\u0000\"", "x:2: the text of note is not UTF-8, or"},
        {HEAD "accept rule " RULE " note \"\\x\"", "x:2: the text of note is not UTF-8, or"},
        {HEAD "accept rule " RULE " note \"a\377b\"", "x:2: the text of note is not UTF-8, or"},
        {HEAD "accept rule " RULE " note \"a\"at paris", "x:2: a blank is missing behind the text of note"},
        {HEAD "accept rule " RULE " note \"a\" note \"b\"", "x:2: \"note\" stands twice"},
        {HEAD "accept rule " RULE " rule " RULE, "x:2: \"rule\" is none of at, by, made, until, note"},
        {HEAD "accept rule " RULE " at ../etc", "x:2: at \"../etc\" is no location's name"},
        {HEAD "accept rule " RULE " made -3h", "x:2: made \"-3h\" is not a time"},
        {HEAD "accept rule " RULE " until", "x:2: until \"\" is not a time"},
        {HEAD "\033[2J rule", "x:2: \"?[2J\" is none of learned"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_err err = {""};
        json_t *rows = NULL;
        assert_int_equal(fl_knowntext_read("x", cases[i][0], strlen(cases[i][0]), &rows, &err), FL_EINVAL);
        if (strncmp(err.text, cases[i][1], strlen(cases[i][1])) != 0)
            assert_string_equal(err.text, cases[i][1]);
        assert_null(rows);
    }
}

static void test_long_and_binary(void **state)
{
    struct fl_err err = {""};
    json_t *rows = NULL;
    char *text = malloc(20000);
    size_t n = strlen(HEAD);
    memcpy(text, HEAD, n);
    memset(text + n, '#', 20000 - n);
    assert_int_equal(fl_knowntext_read("x", text, 20000, &rows, &err), FL_EINVAL);
    assert_string_equal(err.text, "x:2: the line is longer than 8192 bytes");
    text[n + 5] = '\0';
    assert_int_equal(fl_knowntext_read("x", text, n + 100, &rows, &err), FL_EINVAL);
    assert_string_equal(err.text, "x:2: this is not text: it has a byte of value 0");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_deceit_is_escaped), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_and_binary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
