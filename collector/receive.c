/* The receive loop. A socket that becomes readable is drained with recvmmsg; then all sockets are looked at
 * every 10 ms instead of at every datagram, until a look finds nothing: under load that halves the cost of a
 * datagram, and at rest nothing wakes up. */
#include "collector/receive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/listen.h"
#include "storage/log.h"
#include "storage/timetext.h"

enum {
    BATCH = 64,             /* datagrams a system call */
    DATAGRAM_BYTES = 65536, /* more than UDP can carry */
    ROUNDS = 256,           /* batches a socket may take before the others have their turn */
    LOOK_MS = 10,
    REFUSED_LOG_MS = 10000
};

struct listener {
    struct fl_receiver *owner;
    uv_poll_t poll;
    int fd; /* -1: closed */
    bool polled;
    uint32_t overflow; /* SO_RXQ_OVFL as last seen; wraps */
};

struct fl_receiver {
    uv_timer_t look;
    struct listener *listeners;
    size_t n;
    const struct fl_config *config;
    struct fl_queue *queue;
    struct fl_counters *counters;
    uint64_t refused_unlogged;
    uint64_t refused_logged_at; /* uv_now */
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_storage senders[BATCH];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(uint32_t))];
    } control[BATCH];
    uint8_t *bytes; /* BATCH x DATAGRAM_BYTES; only pages that datagrams reach become real */
};

static void log_refused(struct fl_receiver *r, const struct fl_addr *sender)
{
    uint64_t now = uv_now(r->look.loop);
    r->refused_unlogged++;
    if (r->refused_logged_at && now - r->refused_logged_at < REFUSED_LOG_MS)
        return;
    char text[FL_ADDR_TEXT];
    fl_warning("refused %llu datagram%s, the last from %s: no location holds that address; add it to a "
               "location's prefixes and reload",
               (unsigned long long)r->refused_unlogged, r->refused_unlogged == 1 ? "" : "s",
               fl_addr_format(sender, text));
    r->refused_unlogged = 0;
    r->refused_logged_at = now ? now : 1;
}

static void accept_datagram(struct fl_receiver *r, int i, int64_t now_ms)
{
    struct fl_datagram d = {
        .received_ms = now_ms, .length = r->messages[i].msg_len, .bytes = r->parts[i].iov_base};
    fl_listen_sender(&r->senders[i], &d.exporter, &d.source_port);
    atomic_fetch_add(&r->counters->datagrams, 1);
    const char *location = fl_config_location(r->config, &d.exporter, &d.sampling);
    if (!location) {
        atomic_fetch_add(&r->counters->refused, 1);
        log_refused(r, &d.exporter);
        return;
    }
    size_t length = strnlen(location, sizeof d.location - 1);
    memcpy(d.location, location, length);
    if (!fl_queue_push(r->queue, &d))
        atomic_fetch_add(&r->counters->queue_shed, 1);
}

static void count_overflow(struct listener *l, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        uint32_t total;
        memcpy(&total, CMSG_DATA(c), sizeof total);
        atomic_fetch_add(&l->owner->counters->kernel_drops, (uint32_t)(total - l->overflow));
        l->overflow = total;
    }
}

static void ready_messages(struct fl_receiver *r)
{
    for (int i = 0; i < BATCH; i++) {
        r->parts[i] = (struct iovec){r->bytes + (size_t)i * DATAGRAM_BYTES, DATAGRAM_BYTES};
        r->messages[i].msg_hdr = (struct msghdr){.msg_name = &r->senders[i],
                                                 .msg_namelen = sizeof r->senders[i],
                                                 .msg_iov = &r->parts[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = &r->control[i],
                                                 .msg_controllen = sizeof r->control[i]};
    }
}

/* Returns how many datagrams were read. */
static size_t drain(struct listener *l)
{
    struct fl_receiver *r = l->owner;
    size_t total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        ready_messages(r);
        int n = recvmmsg(l->fd, r->messages, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            break;
        int64_t now_ms = fl_now_ms();
        for (int i = 0; i < n; i++)
            accept_datagram(r, i, now_ms);
        count_overflow(l, &r->messages[n - 1].msg_hdr);
        total += (size_t)n;
        if (n < BATCH)
            break;
    }
    return total;
}

static size_t drain_all(struct fl_receiver *r)
{
    size_t total = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->listeners[i].fd >= 0)
            total += drain(&r->listeners[i]);
    if (total)
        fl_queue_wake(r->queue);
    return total;
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

static void on_look(uv_timer_t *timer)
{
    struct fl_receiver *r = timer->data;
    if (drain_all(r))
        return;
    uv_timer_stop(timer);
    poll_all(r, true);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct fl_receiver *r = ((struct listener *)poll->data)->owner;
    drain_all(r);
    poll_all(r, false);
    uv_timer_start(&r->look, on_look, LOOK_MS, LOOK_MS);
}

/* "[::]" hears IPv4 too, unless another address of the list wants that port there. */
static bool shares_port(const struct fl_listen *all, size_t n, const struct fl_listen *l)
{
    for (size_t i = 0; i < n; i++)
        if (&all[i] != l && all[i].port == l->port && !all[i].v6)
            return true;
    return false;
}

static int open_listener(struct fl_receiver *r, const struct fl_listen *all, size_t n, size_t i,
                         struct fl_err *err)
{
    struct listener *l = &r->listeners[i];
    int64_t wanted = r->config->receive_buffer_bytes, granted;
    bool v6_only = all[i].v6 && shares_port(all, n, &all[i]);
    l->fd = fl_listen_open(&all[i], v6_only, wanted, &granted, err);
    if (l->fd < 0)
        return l->fd;
    if (granted < wanted && i == 0)
        fl_warning(
            "the kernel grants a receive buffer of %lld bytes where %lld are configured; bursts may be "
            "dropped; raise it with: sysctl -w net.core.rmem_max=%lld",
            (long long)granted, (long long)wanted, (long long)wanted);
    int rc = uv_poll_init(r->look.loop, &l->poll, l->fd);
    if (rc)
        return fl_fail(err, FL_EIO, "cannot watch a socket: %s", uv_strerror(rc));
    l->polled = true;
    l->poll.data = l;
    return 0;
}

static int open_listeners(struct fl_receiver *r, struct fl_err *err)
{
    size_t n = r->config->n_listen;
    struct fl_listen *all = calloc(n + 1, sizeof *all);
    int rc = all ? 0 : fl_fail(err, FL_ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < n; i++)
        rc = fl_listen_parse(r->config->listen[i], &all[i], err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = open_listener(r, all, n, i, err);
    free(all);
    return rc;
}

int fl_receiver_open(struct fl_receiver **out, uv_loop_t *loop, const struct fl_config *config,
                     struct fl_queue *queue, struct fl_counters *counters, struct fl_err *err)
{
    *out = NULL;
    struct fl_receiver *r = calloc(1, sizeof *r);
    if (!r)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    r->config = config;
    r->queue = queue;
    r->counters = counters;
    r->n = config->n_listen;
    r->bytes = malloc((size_t)BATCH * DATAGRAM_BYTES);
    r->listeners = calloc(r->n + 1, sizeof *r->listeners);
    if (!r->bytes || !r->listeners) {
        r->n = 0;
        fl_receiver_free(r);
        return fl_fail(err, FL_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < r->n; i++)
        r->listeners[i] = (struct listener){.owner = r, .fd = -1};
    uv_timer_init(loop, &r->look);
    r->look.data = r;
    *out = r;
    int rc = open_listeners(r, err);
    if (rc)
        fl_receiver_stop(r);
    else
        poll_all(r, true);
    return rc;
}

void fl_receiver_use(struct fl_receiver *r, const struct fl_config *config)
{
    r->config = config;
    r->refused_logged_at = 0;
}

void fl_receiver_stop(struct fl_receiver *r)
{
    if (uv_is_closing((uv_handle_t *)&r->look))
        return;
    drain_all(r);
    uv_close((uv_handle_t *)&r->look, NULL);
    for (size_t i = 0; i < r->n; i++) {
        struct listener *l = &r->listeners[i];
        if (l->polled)
            uv_close((uv_handle_t *)&l->poll, NULL);
        if (l->fd >= 0)
            close(l->fd);
        l->fd = -1;
        l->polled = false;
    }
}

void fl_receiver_free(struct fl_receiver *r)
{
    if (!r)
        return;
    free(r->listeners);
    free(r->bytes);
    free(r);
}
