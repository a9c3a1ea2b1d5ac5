/* A bucket file: one SQLite database a location and stretch of time, flows/<location>/<YYYYMMDDTHH>.db. WAL
 * mode, so that readers and the writer do not wait for each other and a killed writer leaves the last commit.
 */
#ifndef FL_STORAGE_BUCKET_H
#define FL_STORAGE_BUCKET_H

#include <stdint.h>

#include "storage/config.h"
#include "storage/error.h"
#include "storage/sqlite.h"

enum {
    FL_BUCKET_APPLICATION_ID = 0x464c424b, /* "FLBK" */
    FL_BUCKET_VERSION = 1,
    FL_BUCKET_NAME = 32, /* bytes for "YYYYMMDDTHH.db" with its NUL */
    FL_BUCKET_BUSY_MS = 5000
};
/* A bucket spans whole hours and at most a day. */
#define FL_BUCKET_HOUR_MS ((int64_t)3600000)
#define FL_BUCKET_DAY_MS (24 * FL_BUCKET_HOUR_MS)

struct fl_bucket_meta {
    char location[FL_LOCATION_NAME];
    int64_t from_ms, to_ms;
};

/* "20220612T22.db" of an hour's start; returns `out`. */
const char *fl_bucket_name(int64_t from_ms, char out[FL_BUCKET_NAME]);
/* The reverse. FL_EINVAL for any other name. */
int fl_bucket_name_parse(const char *name, int64_t *from_ms);

/* Open for reading only, and check that it is a bucket. FL_ENOENT: no such file, or a writer was killed
 * before its first commit, so that there is nothing in it; FL_ENEWER; FL_EDAMAGED: not a bucket, or a broken
 * one; FL_EIO: not readable; FL_ENOMEM. On failure *db is NULL. `meta` may be NULL. */
int fl_bucket_open_read(sqlite3 **db, const char *path, struct fl_bucket_meta *meta, struct fl_err *err);
/* Open for writing, made when absent; an existing one's span is widened to meta's. The directory must exist.
 * As above, and FL_EIO for a full disk. */
int fl_bucket_open_write(sqlite3 **db, const char *path, const struct fl_bucket_meta *meta,
                         struct fl_err *err);
/* Our code for what SQLite said last, with a sentence that names the path. */
int fl_bucket_fail(sqlite3 *db, const char *path, struct fl_err *err);

#endif
