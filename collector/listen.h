/* Listening addresses: their text, and the UDP sockets behind them. */
#ifndef FL_COLLECTOR_LISTEN_H
#define FL_COLLECTOR_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "storage/addr.h"
#include "storage/error.h"

struct fl_listen {
    struct fl_addr addr; /* all zero for "*" and "[::]" */
    bool wild;           /* "*": both families */
    bool v6;             /* written as IPv6; "*" is not */
    uint16_t port;
};

/* "*:2055", "[::]:4739", "127.0.0.1:2055". FL_EINVAL with a sentence. */
int fl_listen_parse(const char *text, struct fl_listen *out, struct fl_err *err);

/* n bound, non-blocking, close-on-exec sockets that share an address (SO_REUSEPORT: the kernel gives all
 * datagrams of one sender, address and port, to one of them), with no other process. "*" and "[::]" hear both
 * families; with v6_only, "[::]" leaves IPv4 to another socket. *granted_bytes is the receive buffer the
 * kernel gave each. FL_EIO with a sentence that names address, port and remedy; then none is open. */
int fl_listen_open(const struct fl_listen *l, bool v6_only, int64_t buffer_bytes, int *fds, size_t n,
                   int64_t *granted_bytes, struct fl_err *err);

/* Datagrams that the kernel dropped at a socket since it was opened (what SO_RXQ_OVFL tells, without waiting
 * for the next datagram); wraps at 2^32. Negative: the kernel does not say. */
int64_t fl_listen_drops(int fd);

/* Address and port of a sender; IPv4 as IPv4-mapped. */
void fl_listen_sender(const struct sockaddr_storage *from, struct fl_addr *addr, uint16_t *port);

#endif
