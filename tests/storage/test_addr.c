/* Addresses, prefixes and location names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "storage/addr.h"
#include "storage/config.h"

static void addresses_round_trip(void **state)
{
    static const char *const pairs[][2] = {{"10.0.0.5", "10.0.0.5"},
                                           {"0.0.0.0", "0.0.0.0"},
                                           {"255.255.255.255", "255.255.255.255"},
                                           {"2001:DB8::5", "2001:db8::5"},
                                           {"[2001:db8::5]", "2001:db8::5"},
                                           {"::", "::"},
                                           {"::1", "::1"},
                                           {"::ffff:10.0.0.5", "10.0.0.5"},
                                           {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct fl_addr a;
        char text[FL_ADDR_TEXT];
        assert_int_equal(fl_addr_parse(pairs[i][0], &a), 0);
        assert_string_equal(fl_addr_format(&a, text), pairs[i][1]);
    }
}

static void ipv4_prints_as_inet_ntop_says(void **state)
{
    uint32_t x = 0;
    for (int i = 0; i < 100000; i++, x += 42949673) {
        char text[FL_ADDR_TEXT], expected[FL_ADDR_TEXT];
        uint32_t big_endian = htonl(x);
        struct fl_addr a = fl_addr_v4(x);
        inet_ntop(AF_INET, &big_endian, expected, sizeof expected);
        assert_string_equal(fl_addr_format(&a, text), expected);
    }
}

static void nonsense_is_no_address(void **state)
{
    static const char *const bad[] = {"",
                                      "10.0.0",
                                      "10.0.0.256",
                                      "10.0.0.5 ",
                                      " 10.0.0.5",
                                      "[10.0.0.5",
                                      "[]",
                                      ":::",
                                      "1:2:3:4:5:6:7:8:9",
                                      "fe80::1%eth0",
                                      "localhost",
                                      "10.0.0.5/32",
                                      "1111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fl_addr a = fl_addr_v4(7), same = a;
        assert_int_equal(fl_addr_parse(bad[i], &a), FL_EINVAL);
        assert_memory_equal(&a, &same, sizeof a);
    }
}

static void addresses_have_an_order(void **state)
{
    struct fl_addr low = fl_addr_v4(0x0a000001), high = fl_addr_v4(0x0a000100), six;
    assert_int_equal(fl_addr_parse("2001:db8::1", &six), 0);
    assert_true(fl_addr_cmp(&low, &high) < 0 && fl_addr_cmp(&high, &low) > 0 && fl_addr_cmp(&low, &low) == 0);
    assert_true(fl_addr_cmp(&high, &six) < 0);
    assert_true(fl_addr_is_v4(&low) && !fl_addr_is_v4(&six));
    assert_true(fl_addr_hash(&low) != fl_addr_hash(&high));
}

static bool contains(const char *prefix, const char *address)
{
    struct fl_prefix p;
    struct fl_addr a;
    assert_int_equal(fl_prefix_parse(prefix, &p), 0);
    assert_int_equal(fl_addr_parse(address, &a), 0);
    return fl_prefix_contains(&p, &a);
}

static void prefixes_contain(void **state)
{
    assert_true(contains("10.0.0.0/8", "10.255.0.1"));
    assert_false(contains("10.0.0.0/8", "11.0.0.1"));
    assert_true(contains("10.0.0.128/25", "10.0.0.129"));
    assert_false(contains("10.0.0.128/25", "10.0.0.127"));
    assert_true(contains("10.0.0.5", "10.0.0.5"));
    assert_false(contains("10.0.0.5/32", "10.0.0.4"));
    assert_true(contains("0.0.0.0/0", "1.2.3.4"));
    assert_false(contains("0.0.0.0/0", "2001:db8::1"));
    assert_true(contains("::/0", "1.2.3.4"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("2001:db8::1/128", "2001:db8::1"));
}

static void prefixes_round_trip(void **state)
{
    static const char *const pairs[][2] = {{"10.1.2.3/8", "10.0.0.0/8"},
                                           {"10.1.2.3", "10.1.2.3/32"},
                                           {"0.0.0.0/0", "0.0.0.0/0"},
                                           {"2001:db8::7/32", "2001:db8::/32"},
                                           {"::/0", "::/0"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct fl_prefix p;
        char text[FL_ADDR_TEXT + 4];
        assert_int_equal(fl_prefix_parse(pairs[i][0], &p), 0);
        assert_string_equal(fl_prefix_format(&p, text), pairs[i][1]);
    }
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/33",
                                      "10.0.0.0/",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/+8",
                                      "10.0.0.0/8x",
                                      "::/129",
                                      "10.0.0.0/99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fl_prefix p;
        assert_int_equal(fl_prefix_parse(bad[i], &p), FL_EINVAL);
    }
}

static void location_names_are_safe_directory_names(void **state)
{
    static const char *const good[] = {"a", "default", "HQ-2.north_1", "0", "a..b"};
    static const char *const bad[] = {"",   ".",   "..",  ".hidden", "-x",
                                      "_x", "a/b", "a b", "a\n",     "caf\xc3\xa9"};
    char name[80];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(fl_location_name_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(fl_location_name_ok(bad[i]));
    memset(name, 'a', sizeof name);
    name[FL_LOCATION_NAME - 1] = '\0';
    assert_true(fl_location_name_ok(name));
    name[FL_LOCATION_NAME - 1] = 'a';
    name[FL_LOCATION_NAME] = '\0';
    assert_false(fl_location_name_ok(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_round_trip),
        cmocka_unit_test(nonsense_is_no_address),
        cmocka_unit_test(ipv4_prints_as_inet_ntop_says),
        cmocka_unit_test(addresses_have_an_order),
        cmocka_unit_test(prefixes_contain),
        cmocka_unit_test(prefixes_round_trip),
        cmocka_unit_test(location_names_are_safe_directory_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
