/* Gathering: records wait here, sorted into buckets, until a writer takes them. Those that fill a chunk are
 * packed at once, by the thread that adds them and while they are in its cache: what goes on to the thread
 * that writes is a twentieth as large. */
#ifndef FL_STORAGE_GATHER_H
#define FL_STORAGE_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "storage/chunk.h"
#include "storage/error.h"
#include "storage/flow.h"

/* One thread at a time. */
struct fl_gatherer;

/* For buckets of bucket_ms, as the writer's. The codec is borrowed, and used by fl_gatherer_add only.
 * FL_ENOMEM. */
int fl_gatherer_new(struct fl_gatherer **out, int64_t bucket_ms, struct fl_chunk_codec *codec);
void fl_gatherer_free(struct fl_gatherer *g);

/* Add n records, copied unless they lie in room of the gatherer, of which the first *taken are done with:
 * taken, or passed over because their times cannot be. 0 when all are. FL_EINVAL for the location's name;
 * FL_ELIMIT: 4,096 buckets are waited for; FL_ENOMEM. */
int fl_gatherer_add(struct fl_gatherer *g, const char *location, const struct fl_flow *flows, size_t n,
                    size_t *taken);
/* Where n records of a location, if they belong where the latest one went, can be laid before they are added
 * from there: then they need no copying. NULL: nowhere. Valid until anything else is done to the gatherer. */
struct fl_flow *fl_gatherer_room(struct fl_gatherer *g, const char *location, size_t n);
size_t fl_gatherer_chunks(const struct fl_gatherer *g);  /* how many were packed */
size_t fl_gatherer_waiting(const struct fl_gatherer *g); /* records, those packed too */

/* What waits for one bucket. */
struct fl_gathered {
    const char *location; /* valid during the call */
    uint64_t flows;
    int64_t first_start_ms;
    int64_t told_end_ms; /* greatest end, of records with a time of their exporter's; INT64_MIN: of none */
    int64_t received_end_ms; /* the same of records stamped with the receive time */
};
typedef void fl_gathered_fn(void *ctx, const struct fl_gathered *gathered);
/* Tell what waits, bucket by bucket, ordered by location and time. */
void fl_gatherer_each(const struct fl_gatherer *g, fl_gathered_fn *fn, void *ctx);
/* Forget what waits. */
void fl_gatherer_clear(struct fl_gatherer *g);

#endif
