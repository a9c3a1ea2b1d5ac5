/* Receiving: the UDP sockets of one event loop, read in batches. Everything here runs on the loop's thread,
 * once the loop runs. */
#ifndef FL_COLLECTOR_RECEIVE_H
#define FL_COLLECTOR_RECEIVE_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "storage/addr.h"
#include "storage/error.h"

struct fl_datagram {
    struct fl_addr exporter;
    uint16_t source_port;
    int64_t received_ms; /* wall clock */
    const uint8_t *bytes;
    size_t length;
};
/* *d is valid during the call. */
typedef void fl_datagram_fn(void *ctx, const struct fl_datagram *d);

struct fl_receiver;

/* A receiver for at most so many sockets. FL_ENOMEM. The loop must not be closed before fl_receiver_stop and
 * a run of it. */
int fl_receiver_new(struct fl_receiver **out, uv_loop_t *loop, size_t sockets, fl_datagram_fn *fn, void *ctx);
/* Read from this socket too, whose receive buffer has so many bytes; it is the receiver's from now on, also
 * after a failure. FL_EIO. */
int fl_receiver_add(struct fl_receiver *r, int fd, int64_t buffer_bytes, struct fl_err *err);
void fl_receiver_start(struct fl_receiver *r);
/* How many datagrams the kernel has dropped at these sockets since the last call. */
uint64_t fl_receiver_drops(struct fl_receiver *r);
/* Read what the kernel still holds, and close the sockets; fl_receiver_drops can still be asked. */
void fl_receiver_stop(struct fl_receiver *r);
/* After the loop has run the closing of its handles. */
void fl_receiver_free(struct fl_receiver *r);

/* How long sockets with such a buffer may go unread, so that a burst of 10 Gbit/s does not overrun them, nor
 * when a look comes late by a third. */
uint64_t fl_receiver_look_ms(int64_t buffer_bytes);

#endif
