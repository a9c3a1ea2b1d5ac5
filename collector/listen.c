/* Listening sockets: parsing of addresses, binding, the receive buffer, and what did not fit into it. */
#include "collector/listen.h"

#include <errno.h>
#include <limits.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_port(const char *text, uint16_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return FL_EINVAL;
    unsigned long port = strtoul(text, &end, 10);
    if (*end || !port || port > 65535)
        return FL_EINVAL;
    *out = (uint16_t)port;
    return 0;
}

int fl_listen_parse(const char *text, struct fl_listen *out, struct fl_err *err)
{
    struct fl_listen l = {.v6 = text[0] == '['};
    char host[FL_ADDR_TEXT + 2];
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (!length || length >= sizeof host || parse_port(colon + 1, &l.port))
        goto bad;
    memcpy(host, text, length);
    host[length] = 0;
    l.wild = !strcmp(host, "*");
    if (!l.wild && (fl_addr_parse(host, &l.addr) || (!l.v6 && strchr(host, ':'))))
        goto bad;
    *out = l;
    return 0;
bad:
    return fl_fail(
        err, FL_EINVAL,
        "\"%s\" is not an address to listen on; write 192.0.2.1:2055, [2001:db8::1]:2055 or *:2055", text);
}

static socklen_t socket_address(const struct fl_listen *l, int family, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (family == AF_INET6) {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)out;
        a->sin6_family = AF_INET6;
        a->sin6_port = htons(l->port);
        memcpy(&a->sin6_addr, l->addr.b, 16);
        return sizeof *a;
    }
    struct sockaddr_in *a = (struct sockaddr_in *)out;
    a->sin_family = AF_INET;
    a->sin_port = htons(l->port);
    memcpy(&a->sin_addr, l->addr.b + 12, 4);
    return sizeof *a;
}

static int64_t enlarge_buffer(int fd, int64_t wanted_bytes)
{
    int wanted = wanted_bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)wanted_bytes;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    int granted = 0;
    socklen_t length = sizeof granted;
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &length);
    return granted / 2; /* the kernel reports twice what may be used: socket(7) */
}

static int refuse(const struct fl_listen *l, int error, struct fl_err *err)
{
    char host[FL_ADDR_TEXT] = "*";
    if (!l->wild)
        fl_addr_format(&l->addr, host);
    const char *open = l->v6 ? "[" : "", *close = l->v6 ? "]" : "";
    if (error == EADDRINUSE)
        return fl_fail(
            err, FL_EIO,
            "UDP port %u at address %s%s%s is in use; see who holds it with: ss -ulpn 'sport = :%u'", l->port,
            open, host, close, l->port);
    if (error == EADDRNOTAVAIL)
        return fl_fail(
            err, FL_EIO,
            "cannot listen on %s%s%s:%u: no interface of this host has that address (see: ip addr)", open,
            host, close, l->port);
    if (error == EACCES)
        return fl_fail(
            err, FL_EIO,
            "cannot listen on %s%s%s:%u: not permitted; ports below 1024 need CAP_NET_BIND_SERVICE", open,
            host, close, l->port);
    return fl_fail(err, FL_EIO, "cannot listen on %s%s%s:%u: %s", open, host, close, l->port,
                   strerror(error));
}

/* A socket of a family with its options; negative errno. */
static int make_socket(int family, bool v6_only, bool share)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int only = v6_only, on = 1;
    if ((family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only)) ||
        (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

/* The first socket claims the address for itself and only then lets others share it, so that another process
 * can never slip in: a second service is refused, as it should be. Negative errno. */
static int bind_family(const struct fl_listen *l, int family, bool v6_only, int *fds, size_t n)
{
    struct sockaddr_storage address;
    socklen_t length = socket_address(l, family, &address);
    int on = 1;
    for (size_t i = 0; i < n; i++) {
        int fd = make_socket(family, v6_only, i > 0), error = 0;
        if (fd < 0)
            error = -fd;
        else if (bind(fd, (struct sockaddr *)&address, length) ||
                 (i == 0 && n > 1 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))) {
            error = errno;
            close(fd);
        }
        if (error) {
            close_all(fds, i);
            return -error;
        }
        fds[i] = fd;
    }
    return 0;
}

int fl_listen_open(const struct fl_listen *l, bool v6_only, int64_t buffer_bytes, int *fds, size_t n,
                   int64_t *granted_bytes, struct fl_err *err)
{
    int rc = bind_family(l, l->wild || l->v6 ? AF_INET6 : AF_INET, v6_only, fds, n);
    if (l->wild && (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL)) /* a host without IPv6 */
        rc = bind_family(l, AF_INET, false, fds, n);
    if (rc)
        return refuse(l, -rc, err);
    for (size_t i = 0; i < n; i++)
        *granted_bytes = enlarge_buffer(fds[i], buffer_bytes);
    return 0;
}

int64_t fl_listen_drops(int fd)
{
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof values;
    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length) ? -1 : (int64_t)values[SK_MEMINFO_DROPS];
}

void fl_listen_sender(const struct sockaddr_storage *from, struct fl_addr *addr, uint16_t *port)
{
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)from;
        memcpy(addr->b, &a->sin6_addr, 16);
        *port = ntohs(a->sin6_port);
        return;
    }
    const struct sockaddr_in *a = (const struct sockaddr_in *)from;
    *addr = fl_addr_v4(ntohl(a->sin_addr.s_addr));
    *port = ntohs(a->sin_port);
}
