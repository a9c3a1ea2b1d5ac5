/* Inside the writer: what waits, and the buckets that are open. */
#ifndef FL_STORAGE_WRITER_PARTS_H
#define FL_STORAGE_WRITER_PARTS_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "storage/gather_parts.h"
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

struct fl_writer {
    char *data_dir;
    struct fl_chunk_codec *codec;
    struct fl_gatherer in; /* its slots stay while their bucket is open */
    size_t n_handles;
    uint64_t n_lost; /* records of other gatherers that memory had no room for, since the last commit */
    uint64_t commits;
    char *import; /* the source that records come from; NULL: from the wire */
};

/* Make the directory of a location ("": of all). FL_EIO, FL_ENOMEM. */
int fl_writer_make_dir(const struct fl_writer *w, const char *location, struct fl_err *err);
/* Close a slot's bucket; an open transaction is rolled back. */
void fl_writer_close_handle(struct fl_writer *w, struct fl_slot *s);
/* Write what waits in one slot, in one transaction. *stored and *already say how many records were written
 * and passed over; on failure nothing is, and the bucket is closed. FL_E*. */
int fl_writer_commit_slot(struct fl_writer *w, struct fl_slot *s, uint64_t *stored, uint64_t *already,
                          struct fl_err *err);

#endif
