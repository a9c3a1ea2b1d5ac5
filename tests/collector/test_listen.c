/* Listening addresses and senders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "collector/listen.h"

static void test_good_addresses(void **state)
{
    struct fl_listen l;
    assert_int_equal(fl_listen_parse("*:2055", &l, NULL), 0);
    assert_true(l.wild && !l.v6 && l.port == 2055);
    assert_int_equal(fl_listen_parse("[::]:4739", &l, NULL), 0);
    assert_true(!l.wild && l.v6 && l.port == 4739);
    assert_int_equal(fl_listen_parse("127.0.0.1:65535", &l, NULL), 0);
    assert_true(!l.wild && !l.v6 && l.port == 65535 && fl_addr_is_v4(&l.addr));
}

static void test_bad_addresses(void **state)
{
    static const char *const bad[] = {"",
                                      ":2055",
                                      "2055",
                                      "*",
                                      "*:",
                                      "*:0",
                                      "*:65536",
                                      "*:-1",
                                      "*: 1",
                                      "*:1x",
                                      "1.2.3:2055",
                                      "::1:2055",
                                      "[::1:2055",
                                      "[::1]2055",
                                      "host:2055",
                                      "[*]:2055",
                                      "1.2.3.4:99999999999999999999",
                                      "%s%n:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_listen l;
        struct fl_err err = {""};
        assert_int_equal(fl_listen_parse(bad[i], &l, &err), FL_EINVAL);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

static void test_a_mapped_sender_is_ipv4(void **state)
{
    struct sockaddr_storage from = {.ss_family = AF_INET};
    struct fl_addr a, b;
    uint16_t port;
    ((struct sockaddr_in *)&from)->sin_addr.s_addr = htonl(0x0a000001);
    ((struct sockaddr_in *)&from)->sin_port = htons(5000);
    fl_listen_sender(&from, &a, &port);
    assert_int_equal(port, 5000);
    memset(&from, 0, sizeof from);
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&from;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(5001);
    memcpy(&six->sin6_addr, a.b, 16);
    fl_listen_sender(&from, &b, &port);
    assert_int_equal(port, 5001);
    assert_int_equal(fl_addr_cmp(&a, &b), 0);
    assert_true(fl_addr_is_v4(&b));
}

static void test_a_port_in_use_is_named(void **state)
{
    struct fl_listen l;
    struct fl_err err = {""};
    int64_t granted = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int holder = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(holder, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(holder, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(fl_listen_parse("127.0.0.1:1", &l, &err), 0);
    l.port = ntohs(address.sin_port);
    assert_int_equal(fl_listen_open(&l, false, 65536, &granted, &err), FL_EIO);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    assert_non_null(strstr(err.text, "ss -ulpn"));
    close(holder);
    int fd = fl_listen_open(&l, false, 65536, &granted, &err);
    assert_true(fd >= 0);
    assert_true(granted >= 65536);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_addresses),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_a_mapped_sender_is_ipv4),
        cmocka_unit_test(test_a_port_in_use_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
