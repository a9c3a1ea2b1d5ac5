/* The store as a whole: which buckets there are, what they span, and which must go. */
#include "storage/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/bucket.h"
#include "storage/scan.h"
#include "storage/timetext.h"

void fl_bucket_list_clear(struct fl_bucket_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].path);
    free(list->items);
    *list = (struct fl_bucket_list){NULL, 0};
}

static int64_t size_of(const char *path, const char *suffix)
{
    char *name = NULL;
    struct stat st;
    int64_t bytes = 0;
    if (asprintf(&name, "%s%s", path, suffix) < 0)
        return 0;
    if (stat(name, &st) == 0)
        bytes = st.st_size;
    free(name);
    return bytes;
}

static int append(struct fl_bucket_list *list, const char *data_dir, const char *location, const char *name,
                  int64_t from_ms)
{
    if ((list->n & (list->n - 1)) == 0) { /* full at each power of two */
        size_t room = list->n ? 2 * list->n : 1;
        void *grown = realloc(list->items, room * sizeof *list->items);
        if (!grown)
            return FL_ENOMEM;
        list->items = grown;
    }
    struct fl_bucket_info *item = &list->items[list->n];
    if (asprintf(&item->path, "%s/flows/%s/%s", data_dir, location, name) < 0)
        return FL_ENOMEM;
    snprintf(item->location, sizeof item->location, "%s", location);
    item->from_ms = from_ms;
    item->to_ms = from_ms + FL_BUCKET_DAY_MS;
    item->bytes = size_of(item->path, "") + size_of(item->path, "-wal");
    list->n++;
    return 0;
}

/* Open a directory; one that does not exist gives 0 and *out NULL. */
static int open_dir(DIR **out, const char *path, struct fl_err *err)
{
    *out = opendir(path);
    if (*out || errno == ENOENT || errno == ENOTDIR)
        return 0;
    return fl_fail(err, errno == ENOMEM ? FL_ENOMEM : FL_EIO, "%s: %s", path, strerror(errno));
}

static int list_location(const char *data_dir, const char *location, int64_t first_ms, int64_t last_ms,
                         struct fl_bucket_list *list, struct fl_err *err)
{
    DIR *dir = NULL;
    char *path = NULL;
    struct dirent *entry;
    int64_t from_ms;
    if (asprintf(&path, "%s/flows/%s", data_dir, location) < 0)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    int rc = open_dir(&dir, path, err);
    while (rc == 0 && dir && (entry = readdir(dir)))
        if (fl_bucket_name_parse(entry->d_name, &from_ms) == 0 && from_ms <= last_ms &&
            from_ms + FL_BUCKET_DAY_MS > first_ms && append(list, data_dir, location, entry->d_name, from_ms))
            rc = fl_fail(err, FL_ENOMEM, "out of memory");
    if (dir)
        closedir(dir);
    free(path);
    return rc;
}

static int list_all(const char *data_dir, int64_t first_ms, int64_t last_ms, struct fl_bucket_list *list,
                    struct fl_err *err)
{
    DIR *dir = NULL;
    char *path = NULL;
    struct dirent *entry;
    if (asprintf(&path, "%s/flows", data_dir) < 0)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    int rc = open_dir(&dir, path, err);
    while (rc == 0 && dir && (entry = readdir(dir)))
        if (fl_location_name_ok(entry->d_name))
            rc = list_location(data_dir, entry->d_name, first_ms, last_ms, list, err);
    if (dir)
        closedir(dir);
    free(path);
    return rc;
}

static int by_place_and_time(const void *left, const void *right)
{
    const struct fl_bucket_info *a = left, *b = right;
    int order = strcmp(a->location, b->location);
    return order ? order : (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms);
}

int fl_store_files(const char *data_dir, const char *location, int64_t first_ms, int64_t last_ms,
                   struct fl_bucket_list *out, struct fl_err *err)
{
    int rc = 0;
    *out = (struct fl_bucket_list){NULL, 0};
    if (!location)
        rc = list_all(data_dir, first_ms, last_ms, out, err);
    else if (fl_location_name_ok(location))
        rc = list_location(data_dir, location, first_ms, last_ms, out, err);
    if (rc < 0)
        fl_bucket_list_clear(out);
    else if (out->n)
        qsort(out->items, out->n, sizeof *out->items, by_place_and_time);
    return rc;
}

/* Where a bucket really ends. One that cannot be read is taken for an hour's. */
static int64_t end_of(const struct fl_bucket_info *b)
{
    struct fl_bucket_meta meta;
    sqlite3 *db;
    if (fl_bucket_open_read(&db, b->path, &meta, NULL) < 0)
        return b->from_ms + FL_BUCKET_HOUR_MS;
    sqlite3_close(db);
    return meta.to_ms > b->from_ms && meta.to_ms < b->to_ms ? meta.to_ms : b->to_ms;
}

int fl_store_buckets(const char *data_dir, const char *location, int64_t from_ms, int64_t to_ms,
                     struct fl_bucket_list *out, struct fl_err *err)
{
    *out = (struct fl_bucket_list){NULL, 0};
    if (to_ms <= from_ms)
        return 0;
    int rc = fl_store_files(data_dir, location, from_ms, to_ms - 1, out, err);
    if (rc < 0)
        return rc;
    size_t kept = 0;
    for (size_t i = 0; i < out->n; i++) {
        struct fl_bucket_info *b = &out->items[i];
        b->to_ms = end_of(b);
        if (b->to_ms > from_ms)
            out->items[kept++] = *b;
        else
            free(b->path);
    }
    out->n = kept;
    return 0;
}

int fl_store_stamp(const struct fl_bucket_info *bucket, struct fl_bucket_stamp *out)
{
    struct fl_bucket_meta meta;
    struct stat st;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int rc = fl_bucket_open_read(&db, bucket->path, &meta, NULL);
    if (rc < 0)
        return rc;
    if (stat(bucket->path, &st) < 0)
        rc = FL_ENOENT;
    else if (sqlite3_prepare_v2(db, "SELECT total(flows) FROM chunk", -1, &stmt, NULL) != SQLITE_OK ||
             sqlite3_step(stmt) != SQLITE_ROW)
        rc = fl_bucket_fail(db, bucket->path, NULL);
    else
        *out = (struct fl_bucket_stamp){
            bucket->from_ms,
            meta.to_ms > bucket->from_ms && meta.to_ms < bucket->to_ms ? meta.to_ms : bucket->to_ms,
            (uint64_t)st.st_ino, (uint64_t)sqlite3_column_int64(stmt, 0)};
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rc;
}

static int add_extent(const struct fl_bucket_info *b, struct fl_store_extent *sum, struct fl_err *err)
{
    static const char sql[] = "SELECT min(min_start_ms), max(max_start_ms), max(max_end_ms), sum(flows) FROM "
                              "chunk HAVING count(*) > 0";
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int rc = fl_bucket_open_read(&db, b->path, NULL, err);
    if (rc < 0)
        return rc;
    int step = SQLITE_ERROR;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK)
        step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        int64_t first = sqlite3_column_int64(stmt, 0), last = sqlite3_column_int64(stmt, 1),
                end = sqlite3_column_int64(stmt, 2);
        bool none = sum->flows == 0;
        sum->first_start_ms = none || first < sum->first_start_ms ? first : sum->first_start_ms;
        sum->last_start_ms = none || last > sum->last_start_ms ? last : sum->last_start_ms;
        sum->last_end_ms = none || end > sum->last_end_ms ? end : sum->last_end_ms;
        sum->flows += (uint64_t)sqlite3_column_int64(stmt, 3);
    } else if (step != SQLITE_DONE)
        rc = fl_bucket_fail(db, b->path, err);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rc;
}

int fl_store_extent(const char *data_dir, const char *location, struct fl_store_extent *out,
                    struct fl_err *err)
{
    struct fl_bucket_list list;
    memset(out, 0, sizeof *out);
    int rc = fl_store_files(data_dir, location, INT64_MIN, INT64_MAX, &list, err);
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        rc = add_extent(&list.items[i], out, err);
        if (rc == FL_EDAMAGED || rc == FL_ENOENT)
            rc = 0;
    }
    fl_bucket_list_clear(&list);
    if (rc == 0 && out->flows == 0)
        rc = fl_fail(err, FL_ENOENT, "no flows are stored%s%s", location ? " at location " : "",
                     location ? location : "");
    else if (rc == 0 && err)
        err->text[0] = '\0';
    return rc;
}

/* ---- retention ---- */

/* The file last: a writer looks for it after each commit, and writes once more what went with it. */
static int drop(const struct fl_bucket_info *b, struct fl_err *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    for (int i = 0; i < 3; i++) {
        char *name = NULL;
        int rc = 0;
        if (asprintf(&name, "%s%s", b->path, suffixes[i]) < 0)
            return fl_fail(err, FL_ENOMEM, "out of memory");
        if (unlink(name) < 0 && errno != ENOENT)
            rc = fl_fail(err, FL_EIO, "%s: cannot be removed: %s; look at the permissions of its directory",
                         name, strerror(errno));
        free(name);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Start of the newest bucket of the location that item i belongs to; items of one location stand together.
 * One that lies in the future was imported from a wrong clock, and must not age what is real. */
static int64_t newest_of(const struct fl_bucket_list *list, size_t i, int64_t now_ms)
{
    const char *location = list->items[i].location;
    int64_t newest_ms = list->items[i].from_ms;
    for (; i < list->n && strcmp(list->items[i].location, location) == 0; i++)
        if (list->items[i].from_ms <= now_ms)
            newest_ms = list->items[i].from_ms;
    return newest_ms;
}

static int by_time(const void *left, const void *right)
{
    const struct fl_bucket_info *a = left, *b = right;
    int order = (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms);
    return order ? order : strcmp(a->location, b->location);
}

/* Take out the buckets that are too old; returns how many. What stays is closed up. */
static int drop_by_age(struct fl_bucket_list *list, int64_t retention_ms, struct fl_err *err)
{
    size_t kept = 0;
    int rc = 0, dropped = 0;
    const int64_t now_ms = fl_now_ms();
    for (size_t i = 0; i < list->n; i++) {
        struct fl_bucket_info b = list->items[i];
        bool old = retention_ms > 0 && newest_of(list, i, now_ms) - b.to_ms > retention_ms;
        if (old && rc == 0 && (rc = drop(&b, err)) == 0) {
            dropped++;
            free(b.path);
        } else
            list->items[kept++] = b;
    }
    list->n = kept;
    return rc < 0 ? rc : dropped;
}

/* The newest bucket of a location is being written, and stays whatever its size. */
static void spare_newest(struct fl_bucket_list *list)
{
    size_t kept = 0;
    const int64_t now_ms = fl_now_ms();
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].from_ms <= now_ms && newest_of(list, i, now_ms) == list->items[i].from_ms)
            free(list->items[i].path);
        else
            list->items[kept++] = list->items[i];
    list->n = kept;
}

static int drop_by_size(struct fl_bucket_list *list, int64_t retention_bytes, struct fl_err *err)
{
    int64_t bytes = 0;
    int dropped = 0;
    for (size_t i = 0; i < list->n; i++)
        bytes += list->items[i].bytes;
    spare_newest(list);
    if (list->n)
        qsort(list->items, list->n, sizeof *list->items, by_time);
    for (size_t i = 0; i < list->n && retention_bytes > 0 && bytes > retention_bytes; i++) {
        int rc = drop(&list->items[i], err);
        if (rc < 0)
            return rc;
        bytes -= list->items[i].bytes;
        dropped++;
    }
    return dropped;
}

int fl_store_retain(const char *data_dir, int64_t retention_ms, int64_t retention_bytes, struct fl_err *err)
{
    struct fl_bucket_list list;
    int rc = fl_store_buckets(data_dir, NULL, INT64_MIN, INT64_MAX, &list, err);
    if (rc < 0)
        return rc;
    int dropped = drop_by_age(&list, retention_ms, err);
    if (dropped >= 0) {
        rc = drop_by_size(&list, retention_bytes, err);
        dropped = rc < 0 ? rc : dropped + rc;
    }
    fl_bucket_list_clear(&list);
    return dropped;
}
