/* The receive loop on sockets of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/receive.h"

/* A socket whose buffer holds 10,000 datagrams, and one that sends to it. */
struct wire {
    uv_loop_t loop;
    struct fl_receiver *receiver;
    int sender;
    int64_t buffer_bytes;
    size_t got, bytes;
};

enum { BUFFER_BYTES = 32 << 20, BURST = 10000 };

static void take(void *ctx, const struct fl_datagram *d)
{
    struct wire *w = ctx;
    assert_true(fl_addr_is_v4(&d->exporter));
    w->got++;
    w->bytes += d->length;
}

static int setup(void **state)
{
    static struct wire w;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof to;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), bytes = BUFFER_BYTES / 2;
    w = (struct wire){.sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    *state = &w;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0)
        w.buffer_bytes = BUFFER_BYTES;
    return uv_loop_init(&w.loop) || bind(fd, (struct sockaddr *)&to, sizeof to) ||
           getsockname(fd, (struct sockaddr *)&to, &length) ||
           connect(w.sender, (struct sockaddr *)&to, length) ||
           fl_receiver_new(&w.receiver, &w.loop, 1, take, &w) ||
           fl_receiver_add(w.receiver, fd, BUFFER_BYTES, NULL);
}

static int teardown(void **state)
{
    struct wire *w = *state;
    fl_receiver_stop(w->receiver);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    fl_receiver_free(w->receiver);
    close(w->sender);
    return uv_loop_close(&w->loop);
}

static void send_some(const struct wire *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(send(w->sender, "export", 6, 0), 6);
}

/* 10 Gbit/s for that long, and a third of it more, fill no buffer. */
static void looks_leave_room_in_the_buffer(void **state)
{
    static const int64_t sizes[] = {0, 4096, 212992, 1 << 20, 16 << 20, 64 << 20, INT64_C(1) << 40};
    static const uint64_t looks_ms[] = {1, 1, 1, 1, 10, 20, 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(fl_receiver_look_ms(sizes[i]), looks_ms[i]);
}

static void a_lonely_datagram_is_handed_on_at_once(void **state)
{
    struct wire *w = *state;
    fl_receiver_start(w->receiver);
    for (size_t i = 1; i <= 3; i++) { /* the second finds the sockets looked at by timer, or polled again */
        send_some(w, 1);
        while (w->got < i)
            uv_run(&w->loop, UV_RUN_ONCE);
        assert_int_equal(w->bytes, 6 * i);
    }
}

/* More than a turn takes is not left lying until the next look: none of these turns of the loop waits. */
static void a_burst_is_read_without_waiting(void **state)
{
    struct wire *w = *state;
    if (w->buffer_bytes < BUFFER_BYTES) {
        print_message("the buffer may not be as large as that\n");
        skip();
    }
    send_some(w, BURST);
    fl_receiver_start(w->receiver);
    for (int turn = 0; turn < 8; turn++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_int_equal(w->got, BURST);
    assert_int_equal(fl_receiver_drops(w->receiver), 0);
}

static void the_last_datagrams_are_read_at_the_end(void **state)
{
    struct wire *w = *state;
    send_some(w, 20);
    fl_receiver_stop(w->receiver);
    assert_int_equal(w->got, 20);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_leave_room_in_the_buffer),
        T(a_lonely_datagram_is_handed_on_at_once),
        T(a_burst_is_read_without_waiting),
        T(the_last_datagrams_are_read_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
