/* Recognising files by content, and messages that stand end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "collector/import/exports.h"
#include "tests/collector/decode/wire.h"

static enum fl_input_kind recognise(const char *text, size_t n)
{
    return fl_input_recognise((const uint8_t *)text, n);
}
#define KIND(literal) recognise(literal, sizeof literal - 1)

static void test_recognise(void **state)
{
    assert_int_equal(KIND(""), FL_INPUT_EMPTY);
    assert_int_equal(KIND("\xd4\xc3\xb2\xa1\x02"), FL_INPUT_CAPTURE);
    assert_int_equal(KIND("\xa1\xb2\x3c\x4d\x02"), FL_INPUT_CAPTURE);
    assert_int_equal(KIND("\x0a\x0d\x0d\x0a\x1c"), FL_INPUT_CAPTURE);
    assert_int_equal(KIND("\x0c\xa5\x02"), FL_INPUT_NFCAPD);
    assert_int_equal(KIND("\x00\x05\x00\x01 twelve bytes"), FL_INPUT_MESSAGES);
    assert_int_equal(KIND("\x00\x0a\x00\x10 twelve bytes"), FL_INPUT_MESSAGES);
    assert_int_equal(KIND("\x00\x0a\x00"), FL_INPUT_UNKNOWN);
    assert_int_equal(KIND("\x00\x07\x00\x01 twelve bytes"), FL_INPUT_UNKNOWN);
    assert_int_equal(KIND("#separator \\x09\n"), FL_INPUT_ZEEK_TSV);
    assert_int_equal(KIND("#fields\tts"), FL_INPUT_ZEEK_TSV);
    assert_int_equal(KIND("\n {\"ts\":1"), FL_INPUT_ZEEK_JSON);
    assert_int_equal(KIND("\xef\xbb\xbf{\"ts\":1"), FL_INPUT_ZEEK_JSON);
    assert_int_equal(KIND("\x28\xb5\x2f\xfd"), FL_INPUT_PACKED);
    assert_int_equal(KIND("root:x:0:0"), FL_INPUT_UNKNOWN);
}

static struct wire all;

static void append(const struct wire *w)
{
    memcpy(all.b + all.n, w->b, w->n);
    all.n += w->n;
}

/* A v9 message of two sets: a template, and a data set of `extra` bytes more than its head. */
static void v9_message(struct wire *w, uint32_t seconds, size_t extra)
{
    static const unsigned fields[][2] = {{8, 4}, {12, 4}};
    v9_header(w, 1000, seconds, 0);
    template_set(w, 0, 256, fields, 2);
    size_t at = set_open(w, 256);
    for (size_t i = 0; i < extra; i++)
        put(w, 9, 1); /* what begins a message outside of a set does not inside of one */
    set_close(w, at);
}

static void test_message_lengths(void **state)
{
    struct wire v5, v9, ipfix;
    v5_header(&v5, 2, 1000, T0, 0, 0);
    v5_record(&v5, 1, 2);
    v5_record(&v5, 1, 2);
    v9_message(&v9, 1655071209, 16);
    ipfix_header(&ipfix, 1655071209, 0);
    put(&ipfix, 0x01000008, 4);
    put(&ipfix, 0, 4);
    ipfix_close(&ipfix);
    const struct wire *order[] = {&v5, &v9, &v9, &ipfix, &v9, &v5, &ipfix, &ipfix};
    all.n = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        append(order[i]);
    size_t at = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        assert_int_equal(fl_message_length(all.b + at, all.n - at), order[i]->n);
        assert_int_equal(fl_message_time_us(all.b + at, all.n - at), 1655071209000000);
        at += order[i]->n;
    }
    assert_int_equal(at, all.n);
}

static void test_message_lengths_that_make_no_sense(void **state)
{
    struct wire w;
    v5_header(&w, 9, 1000, T0, 0, 0);
    v5_record(&w, 1, 2);
    assert_int_equal(fl_message_length(w.b, w.n), w.n); /* count beyond the bytes */
    v9_message(&w, 1655071209, 4);
    put(&w, 0, 8); /* a tail of zeros */
    assert_int_equal(fl_message_length(w.b, w.n), w.n);
    ipfix_header(&w, 1655071209, 0);
    patch16(&w, 2, 15);
    assert_int_equal(fl_message_length(w.b, w.n), w.n);
    patch16(&w, 2, 17);
    assert_int_equal(fl_message_length(w.b, w.n), w.n);
    assert_int_equal(fl_message_length(w.b, 1), 1);
    assert_int_equal(fl_message_time_us(w.b, 7), 0);
}

/* Read what `all` holds as messages; how many came, and the code at the end. */
static int read_all(size_t *n, struct fl_err *err)
{
    struct fl_exports *e;
    struct fl_export one;
    int code;
    *n = 0;
    FILE *stream = fmemopen(all.b, all.n, "rb");
    assert_int_equal(fl_exports_open(&e, stream, FL_INPUT_MESSAGES, err), 0);
    while ((code = fl_exports_next(e, &one, err)) == 1)
        ++*n;
    assert_int_equal(fl_exports_counts(e).packets, *n);
    fl_exports_free(e);
    return code;
}

static void test_messages_beyond_one_window(void **state)
{
    struct wire w;
    size_t n;
    struct fl_err err = {""};
    all.n = 0;
    v9_message(&w, 1655071209, 1400);
    while (all.n + w.n <= sizeof all.b)
        append(&w);
    size_t wanted = all.n / w.n;
    assert_int_equal(read_all(&n, &err), 0);
    assert_int_equal(n, wanted);
}

static void test_messages_then_junk(void **state)
{
    size_t n;
    struct fl_err err = {""};
    v5_header(&all, 1, 1000, T0, 0, 0);
    v5_record(&all, 1, 2);
    put(&all, 0x6a756e6b, 4);
    assert_int_equal(read_all(&n, &err), FL_EMALF);
    assert_int_equal(n, 1);
    assert_non_null(strstr(err.text, "byte 72"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recognise),
        cmocka_unit_test(test_message_lengths),
        cmocka_unit_test(test_message_lengths_that_make_no_sense),
        cmocka_unit_test(test_messages_beyond_one_window),
        cmocka_unit_test(test_messages_then_junk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
