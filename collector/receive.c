/* The receive loop. A socket that becomes readable is drained with recvmmsg; then all sockets are looked at
 * on a short timer instead of at every datagram, until a look finds nothing: under load that halves the cost
 * of a datagram, and at rest nothing wakes up. */
#include "collector/receive.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/listen.h"
#include "storage/timetext.h"

enum {
    BATCH = 16,                  /* datagrams a system call: as many as stay in the first-level cache */
    DATAGRAM_BYTES = 65536,      /* more than UDP can carry */
    STRIDE_BYTES = 65536 + 1600, /* from one buffer to the next: equal beginnings would share cache sets */
    ROUNDS = 256,                /* batches a socket may take before the others have their turn */
    LAST_TURNS = 512,            /* turns at the end: more than any buffer holds */
    LOOK_MS = 20,
    LINE_BYTES_MS = 1250000 /* 10 Gbit/s */
};

struct listener {
    struct fl_receiver *owner;
    uv_poll_t poll;
    int fd; /* -1: closed */
    bool polled;
    uint32_t drops; /* as last told; wraps */
};

struct fl_receiver {
    uv_timer_t look;
    uint64_t look_ms;
    struct listener *listeners;
    size_t n, most;
    uint64_t drops; /* not yet told, of closed sockets */
    fl_datagram_fn *fn;
    void *ctx;
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_storage senders[BATCH];
    uint8_t *bytes; /* BATCH x STRIDE_BYTES; only pages that datagrams reach become real */
};

uint64_t fl_receiver_look_ms(int64_t buffer_bytes)
{
    int64_t ms = buffer_bytes / 4 * 3 / LINE_BYTES_MS;
    return ms < 1 ? 1 : ms < LOOK_MS ? (uint64_t)ms : LOOK_MS;
}

static void hand_on(struct fl_receiver *r, int n)
{
    struct fl_datagram d = {.received_ms = fl_now_ms()};
    for (int i = 0; i < n; i++) {
        fl_listen_sender(&r->senders[i], &d.exporter, &d.source_port);
        d.bytes = r->parts[i].iov_base;
        d.length = r->messages[i].msg_len;
        r->fn(r->ctx, &d);
    }
}

enum found { NOTHING, SOME, MORE /* its turn was over first */ };

static enum found drain(struct listener *l)
{
    struct fl_receiver *r = l->owner;
    enum found found = NOTHING;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BATCH; i++)
            r->messages[i].msg_hdr.msg_namelen = sizeof r->senders[i];
        int n = recvmmsg(l->fd, r->messages, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            return found;
        hand_on(r, n);
        found = SOME;
        if (n < BATCH)
            return found;
    }
    return MORE;
}

/* The most that any socket had. */
static enum found drain_all(struct fl_receiver *r)
{
    enum found most = NOTHING;
    for (size_t i = 0; i < r->n; i++) {
        enum found found = r->listeners[i].fd >= 0 ? drain(&r->listeners[i]) : NOTHING;
        most = found > most ? found : most;
    }
    return most;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void poll_all(struct fl_receiver *r, bool on)
{
    for (size_t i = 0; i < r->n; i++) {
        if (!r->listeners[i].polled)
            continue;
        if (on)
            uv_poll_start(&r->listeners[i].poll, UV_READABLE, on_readable);
        else
            uv_poll_stop(&r->listeners[i].poll);
    }
}

static void on_look(uv_timer_t *timer);

/* At once where there was more than a turn could take. */
static void look_again(struct fl_receiver *r, enum found found)
{
    uv_timer_start(&r->look, on_look, found == MORE ? 0 : r->look_ms, 0);
}

static void on_look(uv_timer_t *timer)
{
    struct fl_receiver *r = timer->data;
    enum found found = drain_all(r);
    if (found == NOTHING)
        poll_all(r, true);
    else
        look_again(r, found);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct fl_receiver *r = ((struct listener *)poll->data)->owner;
    enum found found = drain_all(r);
    poll_all(r, false);
    look_again(r, found);
}

int fl_receiver_new(struct fl_receiver **out, uv_loop_t *loop, size_t sockets, fl_datagram_fn *fn, void *ctx)
{
    struct fl_receiver *r = calloc(1, sizeof *r);
    if (!r)
        return FL_ENOMEM;
    r->fn = fn;
    r->ctx = ctx;
    r->most = sockets;
    r->look_ms = LOOK_MS;
    r->bytes = malloc((size_t)BATCH * STRIDE_BYTES);
    r->listeners = calloc(sockets + 1, sizeof *r->listeners);
    if (!r->bytes || !r->listeners) {
        fl_receiver_free(r);
        return FL_ENOMEM;
    }
    for (int i = 0; i < BATCH; i++) {
        r->parts[i] = (struct iovec){r->bytes + (size_t)i * STRIDE_BYTES, DATAGRAM_BYTES};
        r->messages[i].msg_hdr =
            (struct msghdr){.msg_name = &r->senders[i], .msg_iov = &r->parts[i], .msg_iovlen = 1};
    }
    uv_timer_init(loop, &r->look);
    r->look.data = r;
    *out = r;
    return 0;
}

int fl_receiver_add(struct fl_receiver *r, int fd, int64_t buffer_bytes, struct fl_err *err)
{
    if (r->n == r->most) {
        close(fd);
        return fl_fail(err, FL_EIO, "too many sockets");
    }
    struct listener *l = &r->listeners[r->n++];
    *l = (struct listener){.owner = r, .fd = fd};
    uint64_t look_ms = fl_receiver_look_ms(buffer_bytes);
    if (look_ms < r->look_ms)
        r->look_ms = look_ms;
    int rc = uv_poll_init(r->look.loop, &l->poll, fd);
    if (rc)
        return fl_fail(err, FL_EIO, "cannot watch a socket: %s", uv_strerror(rc));
    l->polled = true;
    l->poll.data = l;
    return 0;
}

void fl_receiver_start(struct fl_receiver *r)
{
    poll_all(r, true);
}

static uint64_t new_drops(struct listener *l)
{
    int64_t drops = l->fd >= 0 ? fl_listen_drops(l->fd) : -1;
    uint32_t before = l->drops;
    if (drops < 0)
        return 0;
    l->drops = (uint32_t)drops;
    return (uint32_t)(l->drops - before);
}

uint64_t fl_receiver_drops(struct fl_receiver *r)
{
    uint64_t sum = r->drops;
    r->drops = 0;
    for (size_t i = 0; i < r->n; i++)
        sum += new_drops(&r->listeners[i]);
    return sum;
}

static void close_listener(struct listener *l)
{
    l->owner->drops += new_drops(l);
    if (l->polled)
        uv_close((uv_handle_t *)&l->poll, NULL);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->polled = false;
}

void fl_receiver_stop(struct fl_receiver *r)
{
    if (!r || uv_is_closing((uv_handle_t *)&r->look))
        return;
    for (int turn = 0; turn < LAST_TURNS && drain_all(r) != NOTHING; turn++)
        ;
    uv_close((uv_handle_t *)&r->look, NULL);
    for (size_t i = 0; i < r->n; i++)
        close_listener(&r->listeners[i]);
}

void fl_receiver_free(struct fl_receiver *r)
{
    if (!r)
        return;
    free(r->listeners);
    free(r->bytes);
    free(r);
}
