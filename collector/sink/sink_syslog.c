/* The syslog sink: RFC 5424 over UDP (RFC 5426), TCP with octet counting (RFC 6587 section 3.4.1), and the
 * local socket.
 *
 * UDP tells nothing but a port where nobody listens, which comes back within a moment. TCP has no answer
 * either; so each event has a connection of its own, whose sending side is closed behind it: a receiver that
 * has read everything closes its side too. One that keeps it open has at least taken the bytes when the
 * kernel has none left that are not acknowledged; one that died with bytes unread resets the connection, and
 * the event is told again. */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/sink/attempt.h"
#include "collector/sink/syslog.h"
#include "storage/timetext.h"

enum { UDP_LISTEN_MS = 300, TCP_LINGER_MS = 1000, MOST_ADDRESSES = 4 };

struct post {
    struct fl_attempt base;
    uv_getaddrinfo_t resolve;
    struct addrinfo *found, *next; /* what the name stands for, and what of it was not tried yet */
    union {
        uv_tcp_t tcp;
        uv_udp_t udp;
    } sockets[MOST_ADDRESSES]; /* one an address that was tried; the last is in use */
    unsigned n_sockets;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    uv_timer_t linger; /* a receiver that could still complain has so long */
    bool resolving;
    char frame[FL_SYSLOG_MOST + 16], scratch[256];
    size_t header, length; /* of the octet count, and of the message behind it */
};

static void send_to(struct post *p, const struct sockaddr *to);

/* Nothing was sent to this address: the name may have another. */
static void give_up(struct post *p, const char *what, int rc)
{
    const struct fl_sink_config *c = p->base.config;
    struct addrinfo *next = p->next;
    if (next && p->n_sockets < MOST_ADDRESSES) {
        p->next = next->ai_next;
        send_to(p, next->ai_addr);
    } else {
        fl_attempt_end(&p->base, FL_OUTCOME_FAILED, 0, "%s %.120s port %u: %s", what, c->host, c->port,
                       uv_strerror(rc));
    }
}

/* It was sent, and did not arrive. */
static void fail(struct post *p, const char *what, int rc)
{
    p->next = NULL;
    give_up(p, what, rc);
}

static void offer_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct post *p = handle->data;
    *out = uv_buf_init(p->scratch, sizeof p->scratch);
}

/* ---- the message ---- */

static void compose(struct post *p)
{
    char message[FL_SYSLOG_MOST + 1], host[256] = "";
    const struct fl_attempt *a = &p->base;
    gethostname(host, sizeof host - 1);
    struct fl_syslog_origin origin = {a->config->facility, host, (long)getpid()};
    p->length = fl_syslog_format(&origin, a->message->event, a->message->kind, message);
    p->header = (size_t)snprintf(p->frame, 16, "%zu ", p->length);
    memcpy(p->frame + p->header, message, p->length);
}

/* ---- the local socket ---- */

static void send_local(struct post *p)
{
    const char *path = p->base.config->host;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ssize_t n =
        fd < 0 ? -1
               : sendto(fd, p->frame + p->header, p->length, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to);
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        fl_attempt_end(&p->base, FL_OUTCOME_FAILED, 0, "%.120s: %s", path, strerror(why));
    else
        fl_attempt_end(&p->base, FL_OUTCOME_DELIVERED, 0, NULL);
}

/* ---- UDP ---- */

static void on_no_complaint(uv_timer_t *timer)
{
    struct post *p = timer->data;
    fl_attempt_end(&p->base, FL_OUTCOME_DELIVERED, 0, NULL);
}

static void on_datagram(uv_udp_t *udp, ssize_t n, const uv_buf_t *buffer, const struct sockaddr *from,
                        unsigned flags)
{
    struct post *p = udp->data;
    if (n >= 0 || p->base.ended)
        return;
    uv_timer_stop(&p->linger);
    uv_udp_recv_stop(udp);
    give_up(p, "UDP to", (int)n); /* nobody listens at this address */
}

static void send_udp(struct post *p, const struct sockaddr *to)
{
    uv_udp_t *udp = &p->sockets[p->n_sockets++].udp;
    uv_buf_t whole = uv_buf_init(p->frame + p->header, (unsigned)p->length);
    uv_udp_init(p->base.loop->uv, udp);
    fl_attempt_handle(&p->base, udp);
    int rc = uv_udp_connect(udp, to);
    if (rc == 0)
        rc = uv_udp_recv_start(udp, offer_room, on_datagram);
    if (rc == 0)
        rc = uv_udp_try_send(udp, &whole, 1, NULL);
    if (rc < 0)
        give_up(p, "UDP to", rc);
    else
        uv_timer_start(&p->linger, on_no_complaint, UDP_LISTEN_MS, 0);
}

/* ---- TCP ---- */

/* The receiver keeps its side open: what matters is whether its kernel has everything. */
static void on_lingered(uv_timer_t *timer)
{
    struct post *p = timer->data;
    uv_os_fd_t fd;
    int unacknowledged = 1;
    if (uv_fileno((uv_handle_t *)&p->sockets[p->n_sockets - 1], &fd) == 0)
        ioctl(fd, SIOCOUTQ, &unacknowledged);
    if (unacknowledged == 0)
        fl_attempt_end(&p->base, FL_OUTCOME_DELIVERED, 0, NULL);
    else
        uv_timer_start(timer, on_lingered, TCP_LINGER_MS, 0);
}

static void on_closed_by_peer(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct post *p = stream->data;
    if (n == UV_EOF)
        fl_attempt_end(&p->base, FL_OUTCOME_DELIVERED, 0, NULL);
    else if (n < 0)
        fail(p, "TCP to", (int)n);
}

static void on_shutdown(uv_shutdown_t *request, int rc)
{
    struct post *p = request->handle->data;
    if (p->base.ended)
        return;
    if (rc < 0)
        fail(p, "TCP to", rc);
    else
        uv_timer_start(&p->linger, on_lingered, TCP_LINGER_MS, 0);
}

static void on_written(uv_write_t *request, int rc)
{
    struct post *p = request->handle->data;
    if (p->base.ended)
        return;
    if (rc == 0)
        rc = uv_shutdown(&p->shutdown, request->handle, on_shutdown);
    if (rc == 0)
        rc = uv_read_start(request->handle, offer_room, on_closed_by_peer);
    if (rc < 0)
        fail(p, "TCP to", rc);
}

static void on_connected(uv_connect_t *request, int rc)
{
    struct post *p = request->handle->data;
    uv_buf_t whole = uv_buf_init(p->frame, (unsigned)(p->header + p->length));
    if (p->base.ended)
        return;
    if (rc < 0) {
        give_up(p, "TCP to", rc);
        return;
    }
    rc = uv_write(&p->write, request->handle, &whole, 1, on_written);
    if (rc < 0)
        fail(p, "TCP to", rc);
}

static void send_tcp(struct post *p, const struct sockaddr *to)
{
    uv_tcp_t *tcp = &p->sockets[p->n_sockets++].tcp;
    uv_tcp_init(p->base.loop->uv, tcp);
    fl_attempt_handle(&p->base, tcp);
    int rc = uv_tcp_connect(&p->connect, tcp, to, on_connected);
    if (rc < 0)
        give_up(p, "TCP to", rc);
}

/* ---- where to ---- */

static void send_to(struct post *p, const struct sockaddr *to)
{
    if (p->base.config->transport == FL_SYSLOG_UDP)
        send_udp(p, to);
    else
        send_tcp(p, to);
}

static void on_resolved(uv_getaddrinfo_t *request, int rc, struct addrinfo *found)
{
    struct post *p = request->data;
    p->resolving = false;
    if (p->base.ended) {
        uv_freeaddrinfo(found);
        fl_attempt_close(&p->base, &p->linger);
        return;
    }
    p->found = p->next = found;
    give_up(p, "no address of", rc);
}

static void resolve(struct post *p)
{
    char port[8];
    struct sockaddr_storage to;
    const struct fl_sink_config *c = p->base.config;
    struct addrinfo hints = {.ai_socktype = c->transport == FL_SYSLOG_UDP ? SOCK_DGRAM : SOCK_STREAM};
    if (uv_ip4_addr(c->host, c->port, (struct sockaddr_in *)&to) == 0 ||
        uv_ip6_addr(c->host, c->port, (struct sockaddr_in6 *)&to) == 0) {
        send_to(p, (struct sockaddr *)&to);
        return;
    }
    snprintf(port, sizeof port, "%u", c->port);
    p->resolve.data = p;
    p->resolving = true;
    int rc = uv_getaddrinfo(p->base.loop->uv, &p->resolve, on_resolved, c->host, port, &hints);
    if (rc < 0) {
        p->resolving = false;
        fail(p, "no address of", rc);
    }
}

/* While a name is being looked up the attempt has to stay: the last handle is closed when that is over. */
static void close_all(struct fl_attempt *a)
{
    struct post *p = (struct post *)a;
    for (unsigned i = 0; i < p->n_sockets; i++)
        fl_attempt_close(a, &p->sockets[i]);
    uv_freeaddrinfo(p->found);
    p->found = p->next = NULL;
    uv_timer_stop(&p->linger);
    if (p->resolving)
        uv_cancel((uv_req_t *)&p->resolve);
    else
        fl_attempt_close(a, &p->linger);
}

static void start(struct fl_attempt *a)
{
    struct post *p = (struct post *)a;
    uv_timer_init(a->loop->uv, &p->linger);
    fl_attempt_handle(a, &p->linger);
    compose(p);
    if (a->config->transport == FL_SYSLOG_LOCAL)
        send_local(p);
    else
        resolve(p);
}

const struct fl_sink_kind_ops fl_sink_syslog = {
    .size = sizeof(struct post), .start = start, .close = close_all};
