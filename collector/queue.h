/* The bounded queue of flow records between the receiving lanes and the storing thread. Several producers,
 * one consumer.
 *
 * Each producer gathers its records by bucket and packs them as chunks fill (storage/gather.h); the consumer
 * gets what is gathered. A producer never waits for the consumer: when the queue holds as many as it may,
 * records are given up, and the caller counts them. */
#ifndef FL_COLLECTOR_QUEUE_H
#define FL_COLLECTOR_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "storage/flow.h"
#include "storage/gather.h"

enum {
    FL_QUEUE_CLAIM = 1024,     /* records of its bound that a producer gets at a time */
    FL_QUEUE_WORTH_CHUNKS = 32 /* of one producer, that end the consumer's waiting */
};

struct fl_queue;

/* A queue for so many producers (numbered from 0), for buckets of bucket_ms, of at most claims *
 * FL_QUEUE_CLAIM records. FL_ENOMEM. */
int fl_queue_new(struct fl_queue **out, size_t producers, int64_t bucket_ms, size_t claims);
void fl_queue_free(struct fl_queue *q);

/* Where n records of one location can be laid before they are added from there, without copying; NULL:
 * nowhere. Room keeps the producer locked until fl_queue_add, which must follow, and soon: the consumer waits
 * for it, and so does fl_queue_close. */
struct fl_flow *fl_queue_room(struct fl_queue *q, size_t producer, const char *location, size_t n);
/* Add records of one location: copied, unless they lie in room of the queue. Returns how many of them had to
 * be given up, the last ones: 0 when there was room; all of them when the queue is closed. One thread a
 * producer. */
size_t fl_queue_add(struct fl_queue *q, size_t producer, const char *location, const struct fl_flow *flows,
                    size_t n);
/* End the consumer's waiting. */
void fl_queue_wake(struct fl_queue *q);
/* Nothing more is accepted; the consumer gets what is inside, then FL_ESTOP. */
void fl_queue_close(struct fl_queue *q);

/* Called with what one producer has gathered; what is left in it afterwards is forgotten. */
typedef void fl_queue_fn(void *ctx, struct fl_gatherer *gathered);
/* Wait up to timeout_ms, or until it is worth while, or a wake, and hand on everything that was added,
 * without holding the queue meanwhile. Returns 0; FL_ESTOP when the queue was closed, and is empty now. */
int fl_queue_take(struct fl_queue *q, int64_t timeout_ms, fl_queue_fn *fn, void *ctx);

#endif
