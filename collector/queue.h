/* The bounded queue of flow records between the receiving lanes and the storing thread. Several producers,
 * one consumer.
 *
 * Records travel in batches that are used over and over: nothing is allocated once the service has seen its
 * load. A producer never waits: when every batch is taken, records are given up, and the caller counts them.
 */
#ifndef FL_COLLECTOR_QUEUE_H
#define FL_COLLECTOR_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "storage/flow.h"

enum { FL_BATCH_FLOWS = 1024 };

struct fl_queue;

/* A queue for so many producers (numbered from 0) of at most so many batches, which are allocated as they are
 * first needed; each holds FL_BATCH_FLOWS records. FL_ENOMEM. */
int fl_queue_new(struct fl_queue **out, size_t producers, size_t batches);
void fl_queue_free(struct fl_queue *q);

/* Copy records of one location in. Returns how many of them had to be given up, the last ones: 0 when there
 * was room; all of them when the queue is closed. One thread a producer. */
size_t fl_queue_add(struct fl_queue *q, size_t producer, const char *location, const struct fl_flow *flows,
                    size_t n);
/* End the consumer's waiting. */
void fl_queue_wake(struct fl_queue *q);
/* Nothing more is accepted; the consumer gets what is inside, then FL_ESTOP. */
void fl_queue_close(struct fl_queue *q);

/* Called with records of one location, of one producer in the order they were added; `flows` is valid during
 * the call. The same name is the same pointer as long as the producer is; it lives as long as the queue. */
typedef void fl_queue_fn(void *ctx, const char *location, const struct fl_flow *flows, size_t n);
/* Wait up to timeout_ms, or until it is worth while, or a wake, and hand on everything that was added,
 * without holding the queue meanwhile. Returns how many records; FL_ESTOP when the queue is closed and empty.
 */
int fl_queue_take(struct fl_queue *q, int64_t timeout_ms, fl_queue_fn *fn, void *ctx);

#endif
