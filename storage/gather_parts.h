/* Inside a gatherer, which the writer has one of its own of. */
#ifndef FL_STORAGE_GATHER_PARTS_H
#define FL_STORAGE_GATHER_PARTS_H

#include <stdbool.h>

#include "storage/config.h"
#include "storage/gather.h"

/* A full chunk of records that wait. */
struct fl_packed {
    struct fl_packed *next;
    int64_t min_start_ms, max_start_ms, min_end_ms, max_end_ms;
    size_t bloom_bytes, data_bytes;
    uint8_t bytes[]; /* the filter, then the chunk */
};

struct fl_writer_handle;

/* A bucket that records wait for, or that a writer has open. */
struct fl_slot {
    char location[FL_LOCATION_NAME];
    int64_t from_ms;
    struct fl_packed *packed, **packed_end;
    size_t n_packed; /* chunks, which the waiting ones below come behind */
    int64_t first_start_ms, told_end_ms, received_end_ms; /* of the packed ones */
    struct fl_flow *waiting;
    uint64_t *numbers; /* in an import: of each that waits */
    size_t n, room;
    bool filled;   /* a chunk was packed since it was emptied */
    bool given_up; /* in this import: records were shed, so that no later one may be marked */
    struct fl_writer_handle *handle; /* NULL: not open; always in a gatherer that is not a writer's */
};

struct fl_gatherer {
    int64_t bucket_ms;
    struct fl_chunk_codec *codec;
    size_t most;            /* records that may wait */
    struct fl_slot **slots; /* ordered by location, then time */
    size_t n_slots, n_waiting, n_chunks;
    struct fl_slot *latest; /* the one that the last record went to */
    uint64_t n_refused;     /* passed over */
    bool numbered; /* records keep their number, and are not packed: only a commit knows which of them
                    * the bucket has already */
    uint64_t next_number;
    struct fl_chunk_summary summary;
};

int fl_gatherer_init(struct fl_gatherer *g, int64_t bucket_ms, struct fl_chunk_codec *codec, size_t most);
void fl_gatherer_fini(struct fl_gatherer *g);
static inline size_t fl_slot_flows(const struct fl_slot *s)
{
    return s->n + s->n_packed * FL_CHUNK_FLOWS;
}
/* The slot of a bucket, made when there is none. FL_ELIMIT, FL_ENOMEM. */
int fl_gatherer_slot(struct fl_gatherer *g, const char *location, int64_t from_ms, struct fl_slot **out);
/* Copy in as many of n records for one bucket as there is room for; returns how many, or FL_ENOMEM. */
int64_t fl_gatherer_put(struct fl_gatherer *g, struct fl_slot *s, const struct fl_flow *flows, size_t n);
/* Forget what waits in a slot; one that was filled keeps its room. */
void fl_gatherer_empty_slot(struct fl_slot *s);
void fl_gatherer_free_slot(struct fl_slot *s);
/* Move what waits to another one: chunks as they are, records that fill none yet behind those that wait
 * there. Returns how many records; *lost counts those that there was no memory for, or too many buckets. */
size_t fl_gatherer_move(struct fl_gatherer *to, struct fl_gatherer *from, size_t *lost);

#endif
