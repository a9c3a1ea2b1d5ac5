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

/* A bound, non-blocking, close-on-exec socket with SO_RXQ_OVFL on. "*" and "[::]" hear both families; with
 * v6_only, "[::]" leaves IPv4 to another socket. *granted_bytes is the receive buffer the kernel gave. FL_EIO
 * with a sentence that names address, port and remedy. Returns the descriptor. */
int fl_listen_open(const struct fl_listen *l, bool v6_only, int64_t buffer_bytes, int64_t *granted_bytes,
                   struct fl_err *err);

/* Address and port of a sender; IPv4 as IPv4-mapped. */
void fl_listen_sender(const struct sockaddr_storage *from, struct fl_addr *addr, uint16_t *port);

#endif
