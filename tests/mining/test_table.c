/* Tables and human numbers: alignment, folding, what reaches the terminal, and how numbers are rounded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mining/cli.h"
#include "mining/human.h"
#include "mining/table.h"

static const struct fl_column columns[] = {
    {"ID", FL_RIGHT, false}, {"RULE", FL_LEFT, true}, {"NOTE", FL_LEFT, false}};

static void print(const char *const *cells, size_t n, size_t width, bool colour, char *out, size_t size)
{
    struct fl_table *t;
    FILE *to = fmemopen(out, size, "w");
    assert_int_equal(fl_table_new(&t, columns, 3), 0);
    for (size_t i = 0; i < n; i++)
        fl_table_cell_coloured(t, cells[i], i == 0 ? FL_RED : FL_PLAIN);
    assert_int_equal(fl_table_rows(t), (n + 2) / 3);
    assert_int_equal(fl_table_print(t, to, width, colour), 0);
    fclose(to);
    fl_table_free(t);
}

static void test_aligns(void **state)
{
    char out[400];
    print((const char *const[]){"1", "a => b", "x", "100", "c", ""}, 6, 0, false, out, sizeof out);
    assert_string_equal(out, " ID  RULE    NOTE\n  1  a => b  x\n100  c\n");
}

static void test_pads_a_short_row(void **state)
{
    char out[400];
    print((const char *const[]){"1"}, 1, 0, false, out, sizeof out);
    assert_string_equal(out, "ID  RULE  NOTE\n 1\n");
}

static void test_folds_at_blanks(void **state)
{
    char out[400];
    print((const char *const[]){"1", "aaaaaaa bbbbbbb cccccc dddd", "note"}, 3, 26, false, out, sizeof out);
    assert_string_equal(out, "ID  RULE              NOTE\n"
                             " 1  aaaaaaa bbbbbbb   note\n"
                             "    cccccc dddd\n");
}

/* Columns would cut the word, so the row is a paragraph; a head never parts from its text. */
static void test_never_cuts_a_word(void **state)
{
    char out[400];
    print((const char *const[]){"1", "aaaaaaaaaaaaaaaaa bb", "", "22", "", "cccc"}, 6, 26, false, out,
          sizeof out);
    assert_string_equal(out, "ID 1\n"
                             "    RULE aaaaaaaaaaaaaaaaa\n"
                             "    bb\n"
                             "ID 22  NOTE cccc\n");
}

static void test_paragraphs_rather_than_many_lines(void **state)
{
    static const char three[] = "aaaaaaaaaaaaaa bbbbbbbbbbbbbb cccccccccccccc",
                      four[] = "aaaaaaaaaaaaaa bbbbbbbbbbbbbb cccccccccccccc dddddddddddddd";
    char out[400];
    print((const char *const[]){"1", three, "note"}, 3, 26, false, out, sizeof out);
    assert_string_equal(out, "ID  RULE              NOTE\n"
                             " 1  aaaaaaaaaaaaaa    note\n"
                             "    bbbbbbbbbbbbbb\n"
                             "    cccccccccccccc\n");
    print((const char *const[]){"1", four, "note"}, 3, 26, true, out, sizeof out);
    assert_string_equal(out, "\033[2mID\033[0m \033[31m1\033[0m  \033[2mRULE\033[0m aaaaaaaaaaaaaa\n"
                             "    bbbbbbbbbbbbbb\n"
                             "    cccccccccccccc\n"
                             "    dddddddddddddd\n"
                             "    \033[2mNOTE\033[0m note\n");
}

static void test_counts_characters_not_bytes(void **state)
{
    char out[400];
    print((const char *const[]){"1", "h\xc3\xb6te", "x", "2", "hote", "y"}, 6, 0, false, out, sizeof out);
    assert_string_equal(out, "ID  RULE  NOTE\n 1  h\xc3\xb6te  x\n 2  hote  y\n");
}

static void test_colours_only_when_asked(void **state)
{
    char out[400];
    print((const char *const[]){"1", "a", "b"}, 3, 0, true, out, sizeof out);
    assert_non_null(strstr(out, "\033[31m1\033[0m"));
    print((const char *const[]){"1", "a", "b"}, 3, 0, false, out, sizeof out);
    assert_null(strchr(out, '\033'));
}

static void test_cleans(void **state)
{
    char text[] = "a\033[31m\x7f\tb\xc2\x9b\xff\xc3\xa9\xe2\x80\xae\xc3";
    assert_string_equal(fl_human_clean(text), "a?[31m??b???\xc3\xa9????");
}

static void test_bytes(void **state)
{
    char t[FL_HUMAN_TEXT];
    assert_string_equal(fl_human_bytes(0, t), "0 B");
    assert_string_equal(fl_human_bytes(1023, t), "1023 B");
    assert_string_equal(fl_human_bytes(1024, t), "1.0 KiB");
    assert_string_equal(fl_human_bytes(10240, t), "10 KiB");
    assert_string_equal(fl_human_bytes(1048575, t), "1.0 MiB");
    assert_string_equal(fl_human_bytes(UINT64_MAX, t), "16 EiB");
}

static void test_counts(void **state)
{
    char t[FL_HUMAN_TEXT];
    assert_string_equal(fl_human_count(0, t), "0");
    assert_string_equal(fl_human_count(999, t), "999");
    assert_string_equal(fl_human_count(1000, t), "1,000");
    assert_string_equal(fl_human_count(UINT64_MAX, t), "18,446,744,073,709,551,615");
    assert_string_equal(fl_human_plural(1, "rule", t), "rule");
    assert_string_equal(fl_human_plural(0, "rule", t), "rules");
}

static void test_percent(void **state)
{
    char t[FL_HUMAN_TEXT];
    assert_string_equal(fl_human_percent(0, t), "0%");
    assert_string_equal(fl_human_percent(1, t), "100%");
    assert_string_equal(fl_human_percent(0.0001, t), "<0.1%");
    assert_string_equal(fl_human_percent(0.99999, t), ">99.9%");
    assert_string_equal(fl_human_percent(0.97, t), "97%");
    assert_string_equal(fl_human_percent(0.042, t), "4.2%");
    assert_string_equal(fl_human_percent(NAN, t), "-");
}

static void test_span(void **state)
{
    char t[FL_HUMAN_TEXT];
    assert_string_equal(fl_human_span(0, t), "0 ms");
    assert_string_equal(fl_human_span(-12, t), "-12 ms");
    assert_string_equal(fl_human_span(1200, t), "1.2 s");
    assert_string_equal(fl_human_span(90000, t), "1.5 min");
    assert_string_equal(fl_human_span(86400000, t), "24 h");
    assert_string_equal(fl_human_span(4 * 86400000ll, t), "4.0 d");
}

static void test_nearest(void **state)
{
    const char *const words[] = {"rules", "status", "flows"};
    assert_string_equal(fl_cli_nearest("ruels", words, 3), "rules");
    assert_string_equal(fl_cli_nearest("statsu", words, 3), "status");
    assert_null(fl_cli_nearest("xyzzy", words, 3));
    assert_null(fl_cli_nearest("", words, 3));
}

static int nothing(struct fl_cli *cli)
{
    return 0;
}

static const struct fl_cli_command command = {"flows", "[X]", "Text", "", FL_OPT_FROM_TO | FL_OPT_JSON,
                                              0,       1,     nothing};

static int parse(struct fl_cli *cli, struct fl_err *err, char *a, char *b, char *c)
{
    static char name[] = "flows";
    char *argv[] = {name, a, b, c, NULL};
    *cli = (struct fl_cli){0};
    return fl_cli_parse(&command, a ? b ? c ? 4 : 3 : 2 : 1, argv, cli, err);
}

static void test_arguments(void **state)
{
    struct fl_cli cli;
    struct fl_err err = {""};
    assert_int_equal(parse(&cli, &err, (char[]){"--from"}, (char[]){"-24h"}, (char[]){"--json"}), 0);
    assert_string_equal(cli.from, "-24h");
    assert_true(cli.json);
    assert_int_equal(parse(&cli, &err, (char[]){"x"}, (char[]){"--json"}, NULL), 0);
    assert_true(cli.json && cli.n_args == 1);
    assert_int_equal(parse(&cli, &err, (char[]){"--form"}, (char[]){"-1h"}, NULL), FL_EINVAL);
    assert_non_null(strstr(err.text, "did you mean --from?"));
    assert_int_equal(parse(&cli, &err, (char[]){"--csv"}, NULL, NULL), FL_EINVAL);
    assert_int_equal(parse(&cli, &err, (char[]){"--from"}, NULL, NULL), FL_EINVAL);
    assert_int_equal(parse(&cli, &err, (char[]){"a"}, (char[]){"b"}, NULL), FL_EINVAL);
}

static void test_span_option(void **state)
{
    struct fl_cli cli = {.from = "-2h", .to = "-1h", .now_ms = 10 * 3600000};
    struct fl_err err = {""};
    int64_t from = 0, to = 0;
    assert_int_equal(fl_cli_span(&cli, &from, &to, &err), 0);
    assert_true(from == 8 * 3600000 && to == 9 * 3600000);
    cli.to = "-2h";
    assert_int_equal(fl_cli_span(&cli, &from, &to, &err), FL_EINVAL);
    cli.to = "soon";
    assert_int_equal(fl_cli_span(&cli, &from, &to, &err), FL_EINVAL);
    assert_non_null(strstr(err.text, "--to"));
}

/* ---- tables that go on below, and text ---- */

static void print_wide(size_t width, size_t keys, char *out, size_t size)
{
    static const struct fl_column wide[] = {{"KEY", FL_LEFT, false},
                                            {"FIRST", FL_LEFT, false},
                                            {"SECOND", FL_RIGHT, false},
                                            {"THIRD", FL_LEFT, false}};
    static const char *const cells[] = {"a", "11", "1", "x", "bbb", "2", "22", "yy"};
    struct fl_table *t;
    FILE *to = fmemopen(out, size, "w");
    assert_int_equal(fl_table_new(&t, wide, 4), 0);
    for (size_t i = 0; i < 8; i++)
        fl_table_cell(t, cells[i]);
    fl_table_split(t, keys);
    assert_int_equal(fl_table_print(t, to, width, false), 0);
    fclose(to);
    fl_table_free(t);
}

static void test_columns_go_on_below(void **state)
{
    static const char whole[] = "KEY  FIRST  SECOND  THIRD\n"
                                "a    11          1  x\n"
                                "bbb  2          22  yy\n";
    char out[400];
    print_wide(0, 1, out, sizeof out);
    assert_string_equal(out, whole);
    print_wide(25, 1, out, sizeof out);
    assert_string_equal(out, whole);
    print_wide(24, 1, out, sizeof out);
    assert_string_equal(out, "KEY  FIRST  SECOND\n"
                             "a    11          1\n"
                             "bbb  2          22\n"
                             "\n"
                             "KEY  THIRD\n"
                             "a    x\n"
                             "bbb  yy\n");
    print_wide(10, 1, out, sizeof out); /* "KEY  SECOND" needs 11 */
    assert_string_equal(out, "KEY a\n"
                             "    FIRST\n    11\n"
                             "    SECOND\n    1\n"
                             "    THIRD\n    x\n"
                             "KEY bbb\n"
                             "    FIRST\n    2\n"
                             "    SECOND\n    22\n"
                             "    THIRD\n    yy\n");
}

static void test_text(void **state)
{
    static const char text[] = "one two three four";
    char out[200];
    FILE *to = fmemopen(out, sizeof out, "w");
    fl_text_print(to, text, 2, 4, 0);
    fl_text_print(to, text, 2, 8, 24);
    fl_text_print(to, text, 0, 0, 16);
    fl_text_print(to, "", 2, 4, 20);
    fclose(to);
    assert_string_equal(out, "  one two three four\n"
                             "  one two three four\n"
                             "one two three\nfour\n");
}

static void test_age(void **state)
{
    char t[FL_HUMAN_TEXT];
    assert_string_equal(fl_human_age(-5, t), "0 s");
    assert_string_equal(fl_human_age(59999, t), "59 s");
    assert_string_equal(fl_human_age(60000, t), "1 min");
    assert_string_equal(fl_human_age(3599999, t), "59 min");
    assert_string_equal(fl_human_age(47 * (int64_t)3600000, t), "47 h");
    assert_string_equal(fl_human_age(48 * (int64_t)3600000, t), "2 d");
    assert_string_equal(fl_human_age(729 * (int64_t)86400000, t), "729 d");
    assert_string_equal(fl_human_age(730 * (int64_t)86400000, t), "2 y");
    assert_string_equal(fl_human_age(INT64_MIN, t), "0 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligns),
        cmocka_unit_test(test_pads_a_short_row),
        cmocka_unit_test(test_folds_at_blanks),
        cmocka_unit_test(test_never_cuts_a_word),
        cmocka_unit_test(test_paragraphs_rather_than_many_lines),
        cmocka_unit_test(test_counts_characters_not_bytes),
        cmocka_unit_test(test_colours_only_when_asked),
        cmocka_unit_test(test_cleans),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_span),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_span_option),
        cmocka_unit_test(test_columns_go_on_below),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
