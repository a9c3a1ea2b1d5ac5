/* The flow store: flows/<location>/<YYYYMMDDTHH>.db below a data directory, one SQLite file a location and
 * bucket (an hour by default), by the record's start. Inside, flows stand in compressed chunks (chunk.h). */
#ifndef FL_STORAGE_STORE_H
#define FL_STORAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/config.h"
#include "storage/error.h"
#include "storage/flow.h"
#include "storage/gather.h"

struct fl_bucket_info {
    char location[FL_LOCATION_NAME];
    int64_t from_ms, to_ms; /* the starts it may hold: [from, to) */
    int64_t bytes;          /* on disk, with its -wal */
    char *path;
};
struct fl_bucket_list {
    struct fl_bucket_info *items; /* ordered by location, then time */
    size_t n;
};
/* Buckets below data_dir whose [from, to) meets [from_ms, to_ms), of one location or (NULL) all. A data
 * directory without flows gives an empty list. FL_EIO, FL_ENOMEM. */
int fl_store_buckets(const char *data_dir, const char *location, int64_t from_ms, int64_t to_ms,
                     struct fl_bucket_list *out, struct fl_err *err);
void fl_bucket_list_clear(struct fl_bucket_list *list);
/* What tells whether a bucket has other records than before: records are only ever added to a file. */
struct fl_bucket_stamp {
    int64_t from_ms, to_ms; /* the starts it may hold */
    uint64_t file, flows;   /* the file's number on its disk, and how many records it has */
};
/* The stamp of a bucket that fl_store_buckets or fl_store_files listed. FL_ENOENT: nothing is in it, or it is
 * gone; FL_EDAMAGED, FL_ENEWER, FL_EIO, FL_ENOMEM, FL_EDB. */
int fl_store_stamp(const struct fl_bucket_info *bucket, struct fl_bucket_stamp *out);
/* Start of the earliest and latest, and latest end of the records stored at a location (NULL: anywhere), from
 * the chunks' summaries; FL_ENOENT when it holds none. */
struct fl_store_extent {
    int64_t first_start_ms, last_start_ms, last_end_ms;
    uint64_t flows;
};
int fl_store_extent(const char *data_dir, const char *location, struct fl_store_extent *out,
                    struct fl_err *err);

/* Reading. */
struct fl_scan_filter {
    const char *location;               /* NULL: all */
    int64_t from_ms, to_ms;             /* record start in [from, to) */
    const struct fl_bucket_list *files; /* look in these only, as fl_store_files lists them; NULL: in all */
    bool has_host, has_port;
    struct fl_addr host; /* src or dst */
    uint16_t port;       /* src or dst */
    uint32_t
        columns; /* the fields wanted, FL_FIELD_* (storage/field.h), others may hold their defaults; 0: all */
};
struct fl_scan_report {
    uint64_t flows, chunks_read, chunks_skipped;
    size_t n_damaged;
    char damaged[8][256]; /* the first few, each "path: what is wrong" */
};
/* Called with whole batches, ordered by location and bucket, in no order within. `flows` is valid during the
 * call. A non-zero return ends the scan and is what fl_store_scan returns. */
typedef int fl_scan_fn(void *ctx, const char *location, const struct fl_flow *flows, size_t n);
/* A damaged bucket or chunk is named in *report and skipped. FL_ENEWER when a bucket was written by a newer
 * version; FL_EIO, FL_ENOMEM. */
int fl_store_scan(const char *data_dir, const struct fl_scan_filter *filter, fl_scan_fn *fn, void *ctx,
                  struct fl_scan_report *report, struct fl_err *err);

/* Writing: by one thread. Records wait in memory until fl_writer_commit, which makes one transaction a
 * bucket. A bucket's last chunk stays open: it is rewritten by each commit until it is full, so that kill -9
 * loses only what came since the last commit and small chunks do not pile up. Several processes may write the
 * same buckets (an import beside the service): each has a writer of its own, and nothing is lost or stored
 * twice. */
struct fl_writer;
int fl_writer_open(struct fl_writer **out, const char *data_dir, int64_t bucket_ms, struct fl_err *err);
/* Copy the record in. FL_EINVAL: a start below 0 or beyond the year 9999, an end before the start, or a
 * location of a name that cannot be; FL_ENOMEM; FL_ELIMIT when its bound waits uncommitted (a disk that stays
 * full). */
int fl_writer_add(struct fl_writer *w, const char *location, const struct fl_flow *flow);
/* The same for n records, of which the first *taken are done with: copied in, or passed over because their
 * times cannot be (fl_commit_report.refused counts them). 0 when all are; FL_ELIMIT: commit, and go on with
 * the rest; FL_EINVAL for the location's name; FL_ENOMEM. */
int fl_writer_add_batch(struct fl_writer *w, const char *location, const struct fl_flow *flows, size_t n,
                        size_t *taken);
/* Take over what another thread has gathered, for buckets of the same bucket_ms, and leave the gatherer
 * empty; not in an import. Returns how many records; those that memory had no room for are told as shed by
 * the next commit. There is no bound to it: commit soon. */
size_t fl_writer_take(struct fl_writer *w, struct fl_gatherer *g);
struct fl_commit_report {
    uint64_t stored;  /* records that became durable with this commit */
    uint64_t shed;    /* records given up because the disk is full, a bucket cannot be written, or memory is
                       * short */
    uint64_t refused; /* records that were passed over since the last commit */
    uint64_t already; /* records of an import that their buckets had from before */
};
/* Commit what waits. A bucket that fails is named in *err (the first one) and its new records are counted as
 * shed; the others are committed all the same. Returns 0, FL_EIO (disk full, not writable), FL_EDB. */
int fl_writer_commit(struct fl_writer *w, struct fl_commit_report *report, struct fl_err *err);
void fl_writer_close(struct fl_writer *w); /* does not commit */

/* Imports that may be repeated. The records added from here on come from one source, which `source_id` names
 * by its contents (SHA-256 in hexadecimal); they are numbered from 0 in the order of adding, those refused
 * too. Each bucket keeps, in the transaction that stores them, how far it has got with the source, so that
 * adding the same source again stores only what is missing, wherever it was interrupted; the rest is counted
 * as `already`. The same records must come in the same order, to the same locations, with the same bucket_ms.
 * A bucket whose records were shed takes no more of the source until it begins anew: they stay missing, and
 * the next import of the source finds that out. NULL ends it: what follows is from no source. FL_EINVAL for
 * an empty name, or while records wait (commit first); FL_ENOMEM. */
int fl_writer_begin_import(struct fl_writer *w, const char *source_id);
/* The next record of the import has this number, unless that one is behind: a number that stands for a place
 * in the source is the same however many records the places before it gave. */
void fl_writer_import_at(struct fl_writer *w, uint64_t number);

/* Unlink buckets that ended more than retention_ms (0: no bound) before the start of the newest bucket of
 * their location, then the oldest of all until all together, with their -wal, are at most retention_bytes (0:
 * no bound). The newest bucket of each location stays, whatever its size: it is the one being written. A
 * writer that had another one open goes on in a new file. Returns how many went, or FL_EIO, FL_ENOMEM. */
int fl_store_retain(const char *data_dir, int64_t retention_ms, int64_t retention_bytes, struct fl_err *err);

#endif
