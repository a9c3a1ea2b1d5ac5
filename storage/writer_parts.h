/* Inside the writer: what waits, and the buckets that are open. */
#ifndef FL_STORAGE_WRITER_PARTS_H
#define FL_STORAGE_WRITER_PARTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "storage/chunk.h"
#include "storage/store.h"

enum { FL_WRITER_HANDLES = 32 };

/* An open bucket. */
struct fl_writer_handle {
    sqlite3 *db;
    sqlite3_stmt *put, *last, *version, *mark, *set_mark; /* the last two NULL until an import needs them */
    dev_t dev; /* of the file, to notice that retention took it away */
    ino_t ino;
    uint64_t used; /* the commit that used it last */
    int64_t data_version;
    int64_t chunk;        /* id of the chunk in `open` */
    struct fl_flow *open; /* room for FL_CHUNK_FLOWS */
    size_t n_open;
};

/* A full chunk of records that wait, packed while they were in the cache. */
struct fl_writer_packed {
    struct fl_writer_packed *next;
    int64_t min_start_ms, max_start_ms, min_end_ms, max_end_ms;
    size_t bloom_bytes, data_bytes;
    uint8_t bytes[]; /* the filter, then the chunk */
};

/* A bucket that records wait for, or that is open. */
struct fl_writer_slot {
    char location[FL_LOCATION_NAME];
    int64_t from_ms;
    struct fl_writer_packed *packed, **packed_end;
    size_t n_packed; /* chunks, which the waiting ones below come behind */
    struct fl_flow *waiting;
    uint64_t *numbers; /* in an import: of each that waits */
    size_t n, room;
    bool given_up; /* in this import: records were shed, so that no later one may be marked */
    struct fl_writer_handle *handle; /* NULL: not open */
};

struct fl_writer {
    char *data_dir;
    int64_t bucket_ms;
    struct fl_chunk_codec *codec;
    struct fl_chunk_summary summary;
    struct fl_writer_slot **slots; /* ordered by location, then time */
    size_t n_slots, n_handles, n_waiting;
    struct fl_writer_slot *latest; /* the one that the last record went to */
    uint64_t n_refused;            /* since the last commit */
    uint64_t commits;
    char *import; /* the source that records come from; NULL: from the wire */
    uint64_t next_number;
};

/* Make the directory of a location ("": of all). FL_EIO, FL_ENOMEM. */
int fl_writer_make_dir(const struct fl_writer *w, const char *location, struct fl_err *err);
/* Close a slot's bucket; an open transaction is rolled back. */
void fl_writer_close_handle(struct fl_writer *w, struct fl_writer_slot *s);
/* Write what waits in one slot, in one transaction. *stored and *already say how many records were written
 * and passed over; on failure nothing is, and the bucket is closed. FL_E*. */
int fl_writer_commit_slot(struct fl_writer *w, struct fl_writer_slot *s, uint64_t *stored, uint64_t *already,
                          struct fl_err *err);

#endif
