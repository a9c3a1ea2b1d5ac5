/* Templates and data in whatever order exporters send them, with whatever they leave behind the last of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/decode/wire.h"

enum { SECONDS = 1655071209 }; /* T0 */

static struct fl_decoder *decoder;
static struct caught caught;
static struct wire w;
static uint32_t number;

static const unsigned there[][2] = {{152, 8}, {8, 4}, {12, 4}, {1, 4}};
static const unsigned back[][2] = {{152, 8}, {12, 4}, {8, 4}, {1, 4}};

static int setup(void **state)
{
    struct fl_decoder_limits limits;
    (void)state;
    fl_decoder_limits_init(&limits);
    caught.n = 0;
    number = 0;
    return fl_decoder_new(&decoder, &limits, catch_flows, &caught);
}

static int teardown(void **state)
{
    (void)state;
    fl_decoder_free(decoder);
    return 0;
}

static void open_v9(void)
{
    v9_header(&w, 60000, SECONDS, number++);
}

static void open_ipfix(void)
{
    ipfix_header(&w, SECONDS, number);
}

static int feed(void)
{
    if (w.b[1] == 10)
        ipfix_close(&w);
    return feed_at(decoder, &w, T0);
}

static void put_template(unsigned id, const unsigned (*fields)[2])
{
    put(&w, id, 2);
    put(&w, 4, 2);
    for (unsigned i = 0; i < 4; i++) {
        put(&w, fields[i][0], 2);
        put(&w, fields[i][1], 2);
    }
}

static void put_templates(unsigned set_id, unsigned first, unsigned n, unsigned padding)
{
    size_t at = set_open(&w, set_id);
    for (unsigned i = 0; i < n; i++)
        put_template(first + i, i % 2 ? back : there);
    for (unsigned i = 0; i < padding; i++)
        put(&w, 0, 1);
    set_close(&w, at);
}

static void put_data(unsigned id, unsigned bytes, unsigned padding)
{
    size_t at = set_open(&w, id);
    put(&w, T0 - 1000, 8);
    put(&w, 0x0a0000010a000002, 8);
    put(&w, bytes, 4);
    number++;
    for (unsigned i = 0; i < padding; i++)
        put(&w, 0, 1);
    set_close(&w, at);
}

static void assert_flow(size_t i, unsigned bytes, unsigned source)
{
    assert_true(i < caught.n);
    assert_int_equal(caught.flows[i].bytes, bytes);
    assert_int_equal(caught.flows[i].src.b[15], source);
}

static uint64_t waiting(void)
{
    struct fl_exporter_stats s;
    assert_int_equal(fl_decoder_stats(decoder, &s, 1), 1);
    assert_int_equal(s.malformed, 0);
    return s.waiting;
}

/* ---- order ---- */

static void test_data_before_template_in_one_datagram(void **state)
{
    (void)state;
    open_ipfix();
    put_data(300, 1, 0);
    put_data(301, 2, 0);
    put_data(300, 3, 0);
    put_templates(2, 300, 2, 0);
    put_data(301, 4, 0);
    assert_int_equal(feed(), 4);
    assert_flow(0, 1, 1);
    assert_flow(1, 3, 1);
    assert_flow(2, 2, 2);
    assert_flow(3, 4, 2);
    assert_int_equal(waiting(), 0);
}

static void test_only_the_template_that_came_frees_its_data(void **state)
{
    (void)state;
    open_v9();
    put_data(256, 1, 0);
    put_data(257, 2, 0);
    assert_int_equal(feed(), 0);
    assert_int_equal(waiting(), 2);
    open_v9();
    put_templates(0, 257, 1, 0);
    assert_int_equal(feed(), 1);
    assert_flow(0, 2, 1);
    assert_int_equal(waiting(), 1);
}

static void test_several_templates_in_one_set(void **state)
{
    (void)state;
    for (unsigned dialect = 9; dialect <= 10; dialect++) {
        if (dialect == 9)
            open_v9();
        else
            open_ipfix();
        caught.n = 0;
        put_templates(dialect == 9 ? 0 : 2, 300, 5, 0);
        for (unsigned i = 0; i < 5; i++)
            put_data(300 + i, 10 + i, 0);
        assert_int_equal(feed(), 5);
        for (unsigned i = 0; i < 5; i++)
            assert_flow(i, 10 + i, 1 + i % 2);
    }
}

static void test_sent_again_among_new_ones(void **state)
{
    (void)state;
    open_v9();
    put_templates(0, 300, 2, 0);
    assert_int_equal(feed(), 0);
    open_v9();
    put_templates(0, 299, 2, 0); /* 300 turned round */
    put_templates(0, 300, 4, 3);
    for (unsigned i = 0; i < 4; i++)
        put_data(300 + i, 10 + i, 0);
    assert_int_equal(feed(), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_flow(i, 10 + i, 1 + i % 2);
}

static void test_broken_behind_one_sent_again_is_refused(void **state)
{
    (void)state;
    open_v9();
    put_templates(0, 300, 1, 0);
    assert_int_equal(feed(), 0);
    open_v9();
    size_t at = set_open(&w, 0);
    put_template(300, there);
    put(&w, 0x012d0001, 4); /* 301 has one field, of which half is there */
    put(&w, 8, 2);
    set_close(&w, at);
    put_data(300, 1, 0);
    assert_int_equal(feed(), FL_EMALF);
    assert_int_equal(caught.n, 0);
}

/* The first time over the session knows nothing, the second time it knows what came last. */
static void redefine_with_data_in_between(void)
{
    caught.n = 0;
    open_ipfix();
    template_set(&w, 2, 300, there, 4);
    put_data(300, 1, 0);
    template_set(&w, 2, 300, back, 4);
    put_data(300, 2, 0);
    template_set(&w, 2, 300, there, 4);
    put_data(300, 3, 0);
    assert_int_equal(feed(), 3);
    assert_flow(0, 1, 1);
    assert_flow(1, 2, 2);
    assert_flow(2, 3, 1);
}

static void test_redefined_with_data_in_between(void **state)
{
    (void)state;
    redefine_with_data_in_between();
    redefine_with_data_in_between();
}

/* Data that waits for the boot time keeps the layout that it came under. */
static void test_redefined_while_data_waits_for_the_boot_time(void **state)
{
    static const unsigned up_there[][2] = {{22, 4}, {8, 4}, {12, 4}, {1, 4}};
    static const unsigned up_back[][2] = {{22, 4}, {12, 4}, {8, 4}, {1, 4}};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        open_v9();
        template_set(&w, 0, 256, i ? up_back : up_there, 4);
        size_t at = set_open(&w, 256);
        put(&w, 1000, 4);
        put(&w, 0x0a0000010a000002, 8);
        put(&w, 1 + i, 4);
        set_close(&w, at);
        assert_int_equal(feed(), 0);
    }
    fl_decoder_tick(decoder, T0 + 2000);
    assert_int_equal(caught.n, 2);
    assert_flow(0, 1, 1);
    assert_flow(1, 2, 2);
}

static void test_withdrawn_with_data_behind(void **state)
{
    (void)state;
    open_ipfix();
    template_set(&w, 2, 300, there, 4);
    put_data(300, 1, 0);
    template_set(&w, 2, 300, NULL, 0);
    put_data(300, 2, 0);
    assert_int_equal(feed(), 1);
    assert_int_equal(waiting(), 1);
    open_ipfix();
    template_set(&w, 2, 300, back, 4);
    assert_int_equal(feed(), 1);
    assert_flow(1, 2, 2);
}

static void test_withdrawal_of_a_template_that_never_was(void **state)
{
    (void)state;
    open_ipfix();
    template_set(&w, 2, 300, NULL, 0);
    template_set(&w, 3, 3, NULL, 0);
    template_set(&w, 2, 301, there, 4);
    put_data(301, 1, 0);
    assert_int_equal(feed(), 1);
}

/* ---- padding ---- */

static void test_padding_behind_records(void **state)
{
    (void)state;
    for (unsigned padding = 0; padding < 20; padding++) {
        open_ipfix();
        put_templates(2, 300, 1, padding % 4);
        put_data(300, 1 + padding, padding);
        assert_int_equal(feed(), 1);
        assert_flow(padding, 1 + padding, 1);
    }
}

/* RFC 7011 section 3.3.1 has padding shorter than a record; exporters that fill up a buffer do not care. */
static void test_zero_filled_tail_behind_records(void **state)
{
    (void)state;
    for (unsigned padding = 20; padding < 200; padding += 20) {
        open_ipfix();
        put_templates(2, 300, 1, 0);
        put_data(300, 1, padding);
        assert_int_equal(feed(), 1);
    }
}

static void test_zero_filled_tail_behind_templates(void **state)
{
    (void)state;
    for (unsigned padding = 4; padding < 30; padding++) {
        open_v9();
        put_templates(0, 256, 2, padding);
        put_data(257, 1, 0);
        assert_int_equal(feed(), 1);
    }
}

static void test_zero_filled_tail_of_a_datagram(void **state)
{
    (void)state;
    for (unsigned padding = 1; padding < 70; padding++) {
        if (padding % 2)
            open_v9();
        else
            open_ipfix();
        put_templates(padding % 2 ? 0 : 2, 300, 1, 0);
        put_data(300, 1, 0);
        for (unsigned i = 0; i < padding; i++)
            put(&w, 0, 1);
        assert_int_equal(feed(), 1);
    }
}

static void test_tail_that_is_not_all_zeros_is_refused(void **state)
{
    (void)state;
    for (unsigned padding = 1; padding < 12; padding++) {
        open_v9();
        put_templates(0, 300, 1, 0);
        put_data(300, 1, 0);
        for (unsigned i = 0; i < padding; i++)
            put(&w, i + 1 == padding, 1);
        assert_int_equal(feed(), FL_EMALF);
    }
    assert_int_equal(caught.n, 0);
}

/* A set that nobody knows (ids 4 to 255 are not assigned) is skipped. */
static void test_unknown_set_is_skipped(void **state)
{
    (void)state;
    open_ipfix();
    size_t at = set_open(&w, 4);
    put(&w, 0xdeadbeef, 4);
    set_close(&w, at);
    put_templates(2, 300, 1, 0);
    put_data(300, 1, 0);
    assert_int_equal(feed(), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_data_before_template_in_one_datagram),
        T(test_only_the_template_that_came_frees_its_data),
        T(test_several_templates_in_one_set),
        T(test_sent_again_among_new_ones),
        T(test_broken_behind_one_sent_again_is_refused),
        T(test_redefined_with_data_in_between),
        T(test_redefined_while_data_waits_for_the_boot_time),
        T(test_withdrawn_with_data_behind),
        T(test_withdrawal_of_a_template_that_never_was),
        T(test_padding_behind_records),
        T(test_zero_filled_tail_behind_records),
        T(test_zero_filled_tail_behind_templates),
        T(test_zero_filled_tail_of_a_datagram),
        T(test_tail_that_is_not_all_zeros_is_refused),
        T(test_unknown_set_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
