/* The bounded queue of datagrams between the receiving loop and the storing thread. One producer, one
 * consumer. The producer never waits: what does not fit is refused, and the caller counts it. */
#ifndef FL_COLLECTOR_QUEUE_H
#define FL_COLLECTOR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/addr.h"
#include "storage/config.h"

struct fl_datagram {
    struct fl_addr exporter;
    uint16_t source_port;
    uint32_t sampling; /* configured for it, or 0 */
    char location[FL_LOCATION_NAME];
    int64_t received_ms; /* wall clock */
    size_t length;
    const uint8_t *bytes;
};

struct fl_queue;

/* A queue that holds up to `bytes` of datagrams with their envelopes while as much again is being worked on.
 * FL_ENOMEM. */
int fl_queue_new(struct fl_queue **out, size_t bytes);
void fl_queue_free(struct fl_queue *q);

/* Copy a datagram in. False when the queue is full or closed. The consumer is woken by fl_queue_wake. */
bool fl_queue_push(struct fl_queue *q, const struct fl_datagram *d);
void fl_queue_wake(struct fl_queue *q);
/* Nothing more is accepted; the consumer gets what is inside, then FL_ESTOP. */
void fl_queue_close(struct fl_queue *q);

/* Called for each datagram, in order; *d is valid during the call. */
typedef void fl_datagram_fn(void *ctx, const struct fl_datagram *d);
/* Wait up to timeout_ms for datagrams and hand on all that are there, without holding the queue meanwhile.
 * Returns how many; 0 after the timeout; FL_ESTOP when the queue is closed and empty. */
int fl_queue_take(struct fl_queue *q, int64_t timeout_ms, fl_datagram_fn *fn, void *ctx);

#endif
