/* Names of elements, and the fields of templates of both dialects, whole and cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mining/elements.h"

static void assert_name(uint32_t enterprise, uint16_t id, const char *expected)
{
    char text[FL_ELEMENT_TEXT];
    struct fl_template_field f = {.enterprise = enterprise, .id = id};
    assert_string_equal(fl_element_name(&f, text), expected);
}

static void test_names(void **state)
{
    assert_name(0, 1, "octetDeltaCount");
    assert_name(0, 8, "sourceIPv4Address");
    assert_name(0, 27, "sourceIPv6Address");
    assert_name(0, 136, "flowEndReason");
    assert_name(0, 152, "flowStartMilliseconds");
    assert_name(0, 225, "postNATSourceIPv4Address");
    assert_name(0, 233, "firewallEvent");
    assert_name(0, 306, "samplingPacketSpace");
    assert_name(0, 482, "vpnIdentifier");
    assert_name(29305, 1, "reverse octetDeltaCount");
    assert_name(9, 12235, "9/12235");
    assert_name(29305, 40000, "29305/40000");
    assert_name(UINT32_MAX, UINT16_MAX, "4294967295/65535");
    assert_name(0, 0, "0");
    assert_name(0, 33002, "33002");
}

struct seen {
    char text[400];
    size_t n, stop_at;
};

static int see(void *ctx, const struct fl_template_field *f)
{
    struct seen *seen = ctx;
    char name[FL_ELEMENT_TEXT];
    snprintf(seen->text + strlen(seen->text), sizeof seen->text - strlen(seen->text), "%s[%u]%s ",
             fl_element_name(f, name), f->length, f->scope ? "s" : "");
    return ++seen->n == seen->stop_at ? FL_ESTOP : 0;
}

static struct seen fields(uint8_t version, bool options, const uint8_t *bytes, size_t length, int expected)
{
    struct seen seen = {.stop_at = 0};
    struct fl_wire_template t = {.version = version, .options = options, .bytes = bytes, .length = length};
    assert_int_equal(fl_template_fields(&t, see, &seen), expected);
    return seen;
}

/* RFC 3954 section 5.2: id, count, then type and length of each field. */
static const uint8_t v9[] = {1, 0, 0, 2, 0, 8, 0, 4, 0x80, 0xea, 0, 12};
/* RFC 7011 section 3.2: the high bit says that an enterprise number follows. */
static const uint8_t ipfix[] = {1, 0, 0, 3, 0, 8, 0, 4, 0x80, 1, 0, 8, 0, 0, 0x72, 0x79, 0, 82, 0xff, 0xff};

static void test_templates(void **state)
{
    assert_string_equal(fields(9, false, v9, sizeof v9, 0).text, "sourceIPv4Address[4] 33002[12] ");
    assert_string_equal(fields(10, false, ipfix, sizeof ipfix, 0).text,
                        "sourceIPv4Address[4] reverse octetDeltaCount[8] interfaceName[65535] ");
}

static void test_options_templates(void **state)
{
    /* RFC 3954 section 6.1: the lengths of scopes and of options in bytes */
    static const uint8_t old[] = {1, 0, 0, 8, 0, 4, 0, 1, 0, 4, 0, 2, 0, 4, 0, 34, 0, 4};
    /* RFC 7011 section 3.4.2.2: the count of fields, and how many of them are scopes */
    static const uint8_t new[] = {1, 0, 0, 2, 0, 1, 0, 149, 0, 4, 1, 49, 0, 4};
    assert_string_equal(fields(9, true, old, sizeof old, 0).text,
                        "system[4]s interface[4]s samplingInterval[4] ");
    assert_string_equal(fields(10, true, new, sizeof new, 0).text,
                        "observationDomainId[4]s samplingPacketInterval[4] ");
}

/* However little is there of it, nothing beyond it is read (the sanitizers watch). */
static void test_cut_short(void **state)
{
    for (size_t length = 0; length < sizeof v9; length++) {
        uint8_t copy[sizeof v9];
        memcpy(copy + sizeof v9 - length, v9, length);
        assert_int_equal(fields(9, false, copy + sizeof v9 - length, length, FL_EMALF).n, length < 8 ? 0 : 1);
    }
    for (size_t length = 4; length < sizeof ipfix; length++)
        fields(10, false, ipfix, length, FL_EMALF);
    static const uint8_t more_scopes_than_fields[] = {1, 0, 0, 1, 0, 2, 0, 149, 0, 4};
    fields(10, true, more_scopes_than_fields, sizeof more_scopes_than_fields, FL_EMALF);
}

static void test_stops(void **state)
{
    struct seen seen = {.stop_at = 2};
    struct fl_wire_template t = {.version = 10, .bytes = ipfix, .length = sizeof ipfix};
    assert_int_equal(fl_template_fields(&t, see, &seen), FL_ESTOP);
    assert_int_equal(seen.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_options_templates),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
