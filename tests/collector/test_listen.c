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
    int fds[3];
    assert_int_equal(fl_listen_open(&l, false, 65536, fds, 3, &granted, &err), FL_EIO);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    assert_non_null(strstr(err.text, "ss -ulpn"));
    close(holder);
    assert_int_equal(fl_listen_open(&l, false, 65536, fds, 1, &granted, &err), 0);
    assert_true(granted >= 65536);
    close(fds[0]);
}

static struct fl_listen anywhere(void)
{
    struct fl_listen l;
    assert_int_equal(fl_listen_parse("127.0.0.1:1", &l, NULL), 0);
    l.port = 0;
    return l;
}

static struct sockaddr_in address_of(int fd)
{
    struct sockaddr_in a;
    socklen_t length = sizeof a;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &length), 0);
    return a;
}

/* A port that nobody holds, as seen a moment ago. */
static struct fl_listen free_port(void)
{
    struct fl_listen l = anywhere();
    int fd;
    int64_t granted;
    assert_int_equal(fl_listen_open(&l, false, 65536, &fd, 1, &granted, NULL), 0);
    l.port = ntohs(address_of(fd).sin_port);
    close(fd);
    return l;
}

/* The lanes' sockets share a port with each other and with nobody else, not even with another service that
 * asks for sharing too. */
static void test_sockets_share_a_port_among_themselves(void **state)
{
    struct fl_listen l = free_port();
    struct fl_err err = {""};
    int fds[3], others[2];
    int64_t granted;
    assert_int_equal(fl_listen_open(&l, false, 65536, fds, 3, &granted, &err), 0);
    assert_int_equal(fl_listen_open(&l, false, 65536, others, 2, &granted, &err), FL_EIO);
    assert_int_equal(fl_listen_open(&l, false, 65536, others, 1, &granted, &err), FL_EIO);
    assert_non_null(strstr(err.text, "ss -ulpn"));
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    assert_int_equal(fl_listen_open(&l, false, 65536, others, 2, &granted, &err), 0);
    close(others[0]);
    close(others[1]);
}

enum { SENDERS = 64, ROUNDS = 5, SOCKETS = 3 };

/* Which socket each datagram comes to: all of a sender to one, and no socket goes without. */
static void test_a_sender_stays_with_its_socket(void **state)
{
    struct fl_listen l = free_port();
    int fds[SOCKETS], senders[SENDERS], owner[SENDERS];
    unsigned got[SOCKETS] = {0};
    int64_t granted;
    assert_int_equal(fl_listen_open(&l, false, 1 << 20, fds, SOCKETS, &granted, NULL), 0);
    struct sockaddr_in to = address_of(fds[0]);
    for (int i = 0; i < SENDERS; i++) {
        owner[i] = -1;
        senders[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(senders[i], (struct sockaddr *)&to, sizeof to), 0);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < SENDERS; i++)
            assert_int_equal(send(senders[i], &i, sizeof i, 0), sizeof i);
    for (int s = 0; s < SOCKETS; s++)
        for (int i; recv(fds[s], &i, sizeof i, MSG_DONTWAIT) == sizeof i; got[s]++) {
            assert_true(owner[i] < 0 || owner[i] == s);
            owner[i] = s;
        }
    unsigned all = 0;
    for (int s = 0; s < SOCKETS; s++) {
        assert_true(got[s] > 0);
        all += got[s];
        close(fds[s]);
    }
    assert_int_equal(all, SENDERS * ROUNDS);
    for (int i = 0; i < SENDERS; i++)
        close(senders[i]);
}

static void test_the_kernel_counts_what_does_not_fit(void **state)
{
    struct fl_listen l = free_port();
    static const char bytes[1000];
    int fd, sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int64_t granted;
    assert_int_equal(fl_listen_open(&l, false, 4096, &fd, 1, &granted, NULL), 0);
    assert_int_equal(fl_listen_drops(fd), 0);
    struct sockaddr_in to = address_of(fd);
    for (int i = 0; i < 100; i++)
        sendto(sender, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to);
    int kept = 0;
    while (recv(fd, (char[1000]){0}, 1000, MSG_DONTWAIT) > 0)
        kept++;
    assert_in_range(kept, 1, 99);
    assert_int_equal(fl_listen_drops(fd), 100 - kept);
    assert_true(fl_listen_drops(-1) < 0);
    close(fd);
    close(sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_addresses),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_a_mapped_sender_is_ipv4),
        cmocka_unit_test(test_a_port_in_use_is_named),
        cmocka_unit_test(test_sockets_share_a_port_among_themselves),
        cmocka_unit_test(test_a_sender_stays_with_its_socket),
        cmocka_unit_test(test_the_kernel_counts_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
