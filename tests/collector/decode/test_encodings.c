/* What must be stepped over without a stumble: strings and lists of variable length, fields of no length,
 * floats and alien elements, sets with odd tails. In each case the fields around it come out right. */
#include "tests/collector/decode/fields.h"

enum { CERT = 6871, NTOP = 35632, CISCO = 9 };

/* Known fields before, between and behind what is skipped. */
#define BEFORE                                                                                               \
    {8, 4, 0xc0a80001},                                                                                      \
    {                                                                                                        \
        7, 2, 1234                                                                                           \
    }
#define BETWEEN                                                                                              \
    {12, 4, 0xc0a80002},                                                                                     \
    {                                                                                                        \
        11, 2, 80                                                                                            \
    }
#define BEHIND                                                                                               \
    {4, 1, 6}, {2, 4, 3},                                                                                    \
    {                                                                                                        \
        1, 4, 300                                                                                            \
    }

static void expect_flow(size_t i)
{
    assert_true(caught.n > i);
    expect_ends(&caught.flows[i], "192.168.0.1", 1234, "192.168.0.2", 80, 6);
    expect_counts(&caught.flows[i], 3, 300);
    assert_int_equal(stats_of().malformed, 0);
}

#define SKIPS(...)                                                                                           \
    do {                                                                                                     \
        assert_int_equal(feed_ipfix(300, 0, FIELDS(BEFORE, __VA_ARGS__, BETWEEN, BEHIND)), 1);               \
        expect_flow(caught.n - 1);                                                                           \
    } while (0)

static void test_string(void **state)
{
    (void)state;
    SKIPS({82, VARIABLE, 8, 0, "ge-0/0/1"});
}

static void test_string_of_no_length(void **state)
{
    (void)state;
    SKIPS({82, VARIABLE, 0, 0, ""});
}

static char long_bytes[40000];

static void test_string_with_its_length_in_three_bytes(void **state)
{
    (void)state;
    SKIPS({82, VARIABLE, 255, 0, long_bytes});
    SKIPS({82, VARIABLE, 1000, 0, long_bytes});
    SKIPS({82, VARIABLE, 40000, 0, long_bytes});
}

/* A length below 255 may be written in three bytes too (RFC 7011 section 7). */
static void test_short_string_with_its_length_in_three_bytes(void **state)
{
    (void)state;
    SKIPS({82, VARIABLE, 0, 0, ""}, {83, 6, 0, 0, "\0\0\0\0\0\0"});
    ipfix_header(&w, EXPORT_S, 0);
    put_template(300, 0, FIELDS(BEFORE, {82, VARIABLE}, BETWEEN, BEHIND));
    size_t at = set_open(&w, 300);
    put_values(FIELDS(BEFORE));
    put(&w, 255, 1);
    put(&w, 3, 2);
    put_bytes("ge0", 3);
    put_values(FIELDS(BETWEEN, BEHIND));
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_flow(1);
}

static void test_records_of_different_lengths(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_template(300, 0, FIELDS(BEFORE, {82, VARIABLE}, BETWEEN, BEHIND));
    size_t at = set_open(&w, 300);
    for (unsigned length = 0; length < 600; length += 100)
        put_values(FIELDS(BEFORE, {82, VARIABLE, length, 0, long_bytes}, BETWEEN, BEHIND));
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 6);
    for (size_t i = 0; i < 6; i++)
        expect_flow(i);
}

static void test_known_element_of_variable_length_is_skipped(void **state)
{
    (void)state;
    SKIPS({10, VARIABLE, 2, 0, "\1\2"});
    assert_int_equal(caught.flows[0].in_if, 0);
}

static void test_fields_of_no_length(void **state)
{
    (void)state;
    SKIPS({10, 0}, {2, 0}, {82, 0}, {1, 0});
}

static void test_float(void **state)
{
    (void)state;
    SKIPS({311, 4, 0x3f000000}, {320, 8, 0x3fe0000000000000});
    assert_int_equal(caught.flows[0].sampling_source, FL_SAMPLING_NONE);
}

static void test_mac_addresses(void **state)
{
    (void)state;
    SKIPS({56, 6, 0, 0, "\0\1\2\3\4\5"}, {80, 6, 0, 0, "\0\1\2\3\4\6"}, {58, 2, 7});
}

static void test_elements_of_any_enterprise(void **state)
{
    (void)state;
    SKIPS({1, 4, 99, CERT}, {8, 4, 99, NTOP}, {12, 4, 99, CISCO}, {32767, 3, 99, UINT32_MAX},
          {1, VARIABLE, 4, 0xfffffffe, "abcd"}, {500, 4, 9, 0});
}

/* RFC 5103's enterprise with an element that has no reverse here. */
static void test_reverse_of_an_element_that_is_not_known(void **state)
{
    (void)state;
    SKIPS({82, VARIABLE, 3, REVERSE, "ge0"}, {8, 4, 99, REVERSE});
}

static void test_integer_longer_than_its_type(void **state)
{
    (void)state;
    SKIPS({10, 8, 5}, {48, 4, 1}, {14, 3, 6});
    expect_interfaces(&caught.flows[0], 5, 6, FL_DIRECTION_UNKNOWN);
}

static void test_address_of_a_wrong_length(void **state)
{
    (void)state;
    SKIPS({225, 3, 1}, {281, 8, 1}, {27, 4, 1});
    expect_translated(&caught.flows[0], "::", 0, "::", 0);
}

static void test_element_twice(void **state)
{
    (void)state;
    SKIPS({10, 4, 5}, {10, 4, 6});
    assert_int_equal(caught.flows[0].in_if, 5);
}

/* ---- lists (RFC 6313) ---- */

/* basicList: semantic allOf, interfaceName (82) of variable length, "a" and "bc". */
#define BASIC_LIST "\x03\x00\x52\xff\xff\x01\x61\x02\x62\x63"

static void test_basic_list(void **state)
{
    (void)state;
    SKIPS({291, VARIABLE, 10, 0, BASIC_LIST});
    SKIPS({291, VARIABLE, 5, 0, "\xff\x00\x02\x00\x04"}); /* of no element */
}

static void test_basic_list_of_an_enterprise(void **state)
{
    (void)state;
    SKIPS({291, VARIABLE, 10, 0, "\x03\x80\x01\x00\x01\x00\x00\x1a\xd7\x07"});
}

/* subTemplateList: semantic, template 301 (an address), two of them. */
static void test_sub_template_list(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_template(301, 0, FIELDS({8, 4}));
    put_template(300, 0, FIELDS(BEFORE, {292, VARIABLE}, BETWEEN, BEHIND));
    put_data(300, FIELDS(BEFORE, {292, VARIABLE, 11, 0, "\x03\x01\x2d\1\2\3\4\5\6\7\x08"}, BETWEEN, BEHIND));
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_flow(0);
}

/* YAF's way: one subTemplateMultiList at the end, here of the TCP template 49155 (C003h): sequence numbers
 * and flags, with a list inside that has the addresses of another flow in it. */
static void test_sub_template_multi_list(void **state)
{
    (void)state;
    static const char list[] = "\x03"
                               "\xc0\x03\x00\x0a\x00\x00\x00\x01\x02\x13"
                               "\x01\x2d\x00\x08\x01\x02\x03\x04";
    ipfix_header(&w, EXPORT_S, 0);
    put_template(0xc003, 0, FIELDS({184, 4}, {14, 1, 0, CERT}, {15, 1, 0, CERT}));
    put_template(301, 0, FIELDS({8, 4}));
    put_template(300, 0, FIELDS(BEFORE, BETWEEN, BEHIND, {293, VARIABLE}));
    put_data(300, FIELDS(BEFORE, BETWEEN, BEHIND, {293, VARIABLE, sizeof list - 1, 0, list}));
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_flow(0);
}

static void test_list_that_promises_more_than_it_has(void **state)
{
    (void)state;
    SKIPS({293, VARIABLE, 5, 0, "\x03\xc0\x03\xff\xff"});
}

static void test_list_longer_than_its_set(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_template(300, 0, FIELDS(BEFORE, BETWEEN, BEHIND, {293, VARIABLE}));
    size_t at = set_open(&w, 300);
    put_values(FIELDS(BEFORE, BETWEEN, BEHIND, {293, VARIABLE, 3, 0, "\x03\x01\x2d"}));
    put_values(FIELDS(BEFORE, BETWEEN, BEHIND));
    put(&w, 200, 1);
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_flow(0);
}

/* ---- sets ---- */

static void test_zeros_behind_the_records(void **state)
{
    (void)state;
    for (unsigned tail = 0; tail <= 3; tail++) {
        ipfix_header(&w, EXPORT_S, 0);
        put_template(300, 0, FIELDS(BEFORE, BETWEEN, BEHIND));
        size_t at = set_open(&w, 300);
        put_values(FIELDS(BEFORE, BETWEEN, BEHIND));
        put(&w, 0, tail);
        set_close(&w, at);
        ipfix_close(&w);
        assert_int_equal(feed_at(decoder, &w, T0), 1);
    }
    expect_flow(3);
}

/* Exporters that fill their datagram up: the tail has room for records, but says nothing. */
static void test_zero_filled_tail_of_several_records(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_template(300, 0, FIELDS(BEFORE, BETWEEN, BEHIND));
    size_t at = set_open(&w, 300);
    put_values(FIELDS(BEFORE, BETWEEN, BEHIND));
    for (int i = 0; i < 10; i++)
        put(&w, 0, 8);
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    expect_flow(0);
}

static void test_templates_of_both_kinds_in_one_datagram(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    size_t at = set_open(&w, 2);
    for (unsigned id = 300; id < 303; id++) {
        put(&w, id, 2);
        put(&w, 7, 2);
        put_fields(FIELDS(BEFORE, BETWEEN, BEHIND));
    }
    set_close(&w, at);
    put_template(400, 2, FIELDS({346, 4, 9}, {303, 2, 5}, {339, 1}, {344, 1}, {341, VARIABLE}));
    put_data(400, FIELDS({346, 4, 9}, {303, 2, 5}, {339, 1}, {344, 1}, {341, VARIABLE, 4, 0, "name"}));
    for (unsigned id = 302; id >= 300; id--)
        put_data(id, FIELDS(BEFORE, BETWEEN, BEHIND));
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 3);
    for (size_t i = 0; i < 3; i++)
        expect_flow(i);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_string),
        T(test_string_of_no_length),
        T(test_string_with_its_length_in_three_bytes),
        T(test_short_string_with_its_length_in_three_bytes),
        T(test_records_of_different_lengths),
        T(test_known_element_of_variable_length_is_skipped),
        T(test_fields_of_no_length),
        T(test_float),
        T(test_mac_addresses),
        T(test_elements_of_any_enterprise),
        T(test_reverse_of_an_element_that_is_not_known),
        T(test_integer_longer_than_its_type),
        T(test_address_of_a_wrong_length),
        T(test_element_twice),
        T(test_basic_list),
        T(test_basic_list_of_an_enterprise),
        T(test_sub_template_list),
        T(test_sub_template_multi_list),
        T(test_list_that_promises_more_than_it_has),
        T(test_list_longer_than_its_set),
        T(test_zeros_behind_the_records),
        T(test_zero_filled_tail_of_several_records),
        T(test_templates_of_both_kinds_in_one_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
