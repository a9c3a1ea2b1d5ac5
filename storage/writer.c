/* Writing to the flow store. Records wait in a slot a bucket; a commit makes one transaction of each slot.
 *
 * The last chunk of a bucket is kept unpacked beside the database handle and rewritten by each commit until
 * it is full. When another process has written in between (an import beside the service), SQLite's
 * data_version tells, and the last chunk is read again. At most `max_handles` databases are open; the one
 * unused longest is closed first. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/bucket.h"
#include "storage/chunk.h"
#include "storage/store.h"

enum {
    max_handles = 32,
    max_slots = 4096,        /* buckets with records waiting */
    max_waiting = 512 * 1024 /* records in all, about 64 MB */
};

/* An open bucket. */
struct handle {
    sqlite3 *db;
    sqlite3_stmt *put, *last, *version;
    dev_t dev; /* of the file, to notice that retention took it away */
    ino_t ino;
    uint64_t used; /* the commit that used it last */
    int64_t data_version;
    int64_t chunk;        /* id of the chunk in `open` */
    struct fl_flow *open; /* room for FL_CHUNK_FLOWS */
    size_t n_open;
};

struct slot {
    char location[FL_LOCATION_NAME];
    int64_t from_ms;
    struct fl_flow *waiting;
    size_t n, room;
    struct handle *handle; /* NULL: not open */
};

struct fl_writer {
    char *data_dir;
    int64_t bucket_ms;
    struct fl_chunk_codec *codec;
    struct fl_chunk_summary summary;
    struct fl_flow *sorted;
    struct slot **slots; /* ordered by location, then time */
    size_t n_slots, n_handles, n_waiting;
    struct slot *latest; /* the one that the last record went to */
    uint64_t n_refused;  /* since the last commit */
    uint64_t commits;
};

/* Make a directory and those above it. */
static int make_dirs(char *path)
{
    for (char *p = path + 1;; p++) {
        char here = *p;
        if (here != '/' && here != '\0')
            continue;
        *p = '\0';
        int rc = mkdir(path, 0777);
        *p = here;
        if (rc < 0 && errno != EEXIST)
            return FL_EIO;
        if (here == '\0')
            return 0;
    }
}

static int make_location_dir(const struct fl_writer *w, const char *location, struct fl_err *err)
{
    char *path = NULL;
    if (asprintf(&path, "%s/flows%s%s", w->data_dir, *location ? "/" : "", location) < 0)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    int rc = make_dirs(path);
    if (rc < 0)
        fl_fail(err, rc, "%s: cannot be made: %s", path, strerror(errno));
    free(path);
    return rc;
}

int fl_writer_open(struct fl_writer **out, const char *data_dir, int64_t bucket_ms, struct fl_err *err)
{
    *out = NULL;
    if (bucket_ms <= 0 || bucket_ms > FL_BUCKET_DAY_MS || bucket_ms % FL_BUCKET_HOUR_MS != 0 || !*data_dir)
        return fl_fail(err, FL_EINVAL, "a bucket must span whole hours, from 1h to 24h");
    struct fl_writer *w = calloc(1, sizeof *w);
    if (!w)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    int rc = FL_ENOMEM;
    w->bucket_ms = bucket_ms;
    w->data_dir = strdup(data_dir);
    w->codec = fl_chunk_codec_new();
    w->sorted = malloc(FL_CHUNK_FLOWS * sizeof *w->sorted);
    w->slots = malloc(max_slots * sizeof(struct slot *));
    if (w->data_dir && w->codec && w->sorted && w->slots)
        rc = make_location_dir(w, "", err);
    else
        fl_fail(err, rc, "out of memory");
    if (rc < 0)
        fl_writer_close(w);
    else
        *out = w;
    return rc;
}

static void close_handle(struct fl_writer *w, struct slot *s)
{
    struct handle *h = s->handle;
    if (!h)
        return;
    sqlite3_finalize(h->put);
    sqlite3_finalize(h->last);
    sqlite3_finalize(h->version);
    sqlite3_close(h->db);
    free(h->open);
    free(h);
    s->handle = NULL;
    w->n_handles--;
}

void fl_writer_close(struct fl_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_slots; i++) {
        close_handle(w, w->slots[i]);
        free(w->slots[i]->waiting);
        free(w->slots[i]);
    }
    free(w->slots);
    fl_chunk_codec_free(w->codec);
    free(w->sorted);
    free(w->data_dir);
    free(w);
}

/* ---- adding ---- */

static int compare_slot(const struct slot *s, const char *location, int64_t from_ms)
{
    int order = strcmp(s->location, location);
    return order ? order : (s->from_ms > from_ms) - (s->from_ms < from_ms);
}

static struct slot *insert_slot(struct fl_writer *w, size_t at, const char *location, int64_t from_ms)
{
    struct slot *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    snprintf(s->location, sizeof s->location, "%s", location);
    s->from_ms = from_ms;
    memmove(w->slots + at + 1, w->slots + at, (w->n_slots - at) * sizeof *w->slots);
    w->slots[at] = s;
    w->n_slots++;
    return s;
}

static int find_slot(struct fl_writer *w, const char *location, int64_t from_ms, struct slot **out)
{
    if (w->latest && compare_slot(w->latest, location, from_ms) == 0) {
        *out = w->latest;
        return 0;
    }
    size_t low = 0, high = w->n_slots;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_slot(w->slots[middle], location, from_ms) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < w->n_slots && compare_slot(w->slots[low], location, from_ms) == 0)
        *out = w->slots[low];
    else if (w->n_slots == max_slots)
        return FL_ELIMIT;
    else if (!(*out = insert_slot(w, low, location, from_ms)))
        return FL_ENOMEM;
    w->latest = *out;
    return 0;
}

static bool times_possible(const struct fl_flow *f)
{
    static const int64_t year_9999_ms = 253402300799999;
    return f->start_ms >= 0 && f->start_ms <= year_9999_ms && f->end_ms >= f->start_ms;
}

static bool belongs(const struct fl_writer *w, const struct slot *s, const struct fl_flow *f)
{
    return f->start_ms >= s->from_ms && f->start_ms - s->from_ms < w->bucket_ms;
}

/* Room for n more. */
static int reserve(struct slot *s, size_t n)
{
    size_t room = s->room ? s->room : 64;
    while (room - s->n < n)
        room *= 2;
    if (room == s->room)
        return 0;
    void *grown = realloc(s->waiting, room * sizeof *s->waiting);
    if (!grown)
        return FL_ENOMEM;
    s->waiting = grown;
    s->room = room;
    return 0;
}

/* How many of the n records, from the first on, go into this bucket as the first does. */
static size_t same_bucket(const struct fl_writer *w, const struct slot *s, const struct fl_flow *flows,
                          size_t n)
{
    size_t i = 1;
    while (i < n && times_possible(&flows[i]) && belongs(w, s, &flows[i]))
        i++;
    return i;
}

int fl_writer_add_batch(struct fl_writer *w, const char *location, const struct fl_flow *flows, size_t n,
                        size_t *taken)
{
    struct slot *s;
    size_t i = 0, run;
    int rc = fl_location_name_ok(location) ? 0 : FL_EINVAL;
    for (; rc == 0 && i < n; i += run) {
        run = 1;
        if (!times_possible(&flows[i])) {
            w->n_refused++;
            continue;
        }
        size_t room = max_waiting - w->n_waiting, rest = n - i < room ? n - i : room;
        rc = room ? find_slot(w, location, flows[i].start_ms - flows[i].start_ms % w->bucket_ms, &s)
                  : FL_ELIMIT;
        if (rc == 0) {
            run = same_bucket(w, s, flows + i, rest);
            rc = reserve(s, run);
        }
        if (rc < 0)
            break;
        memcpy(s->waiting + s->n, flows + i, run * sizeof *flows);
        s->n += run;
        w->n_waiting += run;
    }
    *taken = i;
    return rc;
}

int fl_writer_add(struct fl_writer *w, const char *location, const struct fl_flow *flow)
{
    size_t taken;
    return times_possible(flow) ? fl_writer_add_batch(w, location, flow, 1, &taken) : FL_EINVAL;
}

/* ---- committing ---- */

static void evict_one(struct fl_writer *w)
{
    struct slot *oldest = NULL;
    for (size_t i = 0; i < w->n_slots; i++) {
        struct slot *s = w->slots[i];
        if (s->handle && (!oldest || s->handle->used < oldest->handle->used))
            oldest = s;
    }
    assert(oldest);
    close_handle(w, oldest);
}

static int prepare(struct handle *h, const char *path, struct fl_err *err)
{
    static const char put[] = "INSERT OR REPLACE INTO chunk(id, min_start_ms, max_start_ms, min_end_ms, "
                              "max_end_ms, flows, bloom, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?)";
    static const char last[] = "SELECT id, flows, data FROM chunk ORDER BY id DESC LIMIT 1";
    if (sqlite3_prepare_v2(h->db, put, -1, &h->put, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(h->db, last, -1, &h->last, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(h->db, "PRAGMA data_version", -1, &h->version, NULL) != SQLITE_OK)
        return fl_bucket_fail(h->db, path, err);
    return 0;
}

static int open_handle(struct fl_writer *w, struct slot *s, const char *path, struct fl_err *err)
{
    struct fl_bucket_meta meta = {.from_ms = s->from_ms, .to_ms = s->from_ms + w->bucket_ms};
    struct stat st;
    memcpy(meta.location, s->location, sizeof meta.location);
    if (w->n_handles == max_handles)
        evict_one(w);
    struct handle *h = s->handle = calloc(1, sizeof *h);
    if (!h)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    w->n_handles++;
    h->data_version = -1;
    h->open = malloc(FL_CHUNK_FLOWS * sizeof *h->open);
    if (!h->open)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    int rc = make_location_dir(w, s->location, err);
    if (rc == 0)
        rc = fl_bucket_open_write(&h->db, path, &meta, err);
    if (rc == 0)
        rc = prepare(h, path, err);
    if (rc == 0 && stat(path, &st) < 0)
        rc = fl_fail(err, FL_EIO, "%s: %s", path, strerror(errno));
    if (rc < 0)
        return rc;
    h->dev = st.st_dev;
    h->ino = st.st_ino;
    return 0;
}

static bool is_gone(const struct handle *h, const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 || st.st_dev != h->dev || st.st_ino != h->ino;
}

static int exec(struct handle *h, const char *sql, const char *path, struct fl_err *err)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fl_bucket_fail(h->db, path, err);
}

/* Inside the transaction: read the last chunk, unless what we remember of it is still true. */
static int load_open_chunk(struct fl_writer *w, struct handle *h, const char *path, struct fl_err *err)
{
    int rc = 0;
    if (sqlite3_step(h->version) != SQLITE_ROW)
        rc = fl_bucket_fail(h->db, path, err);
    int64_t data_version = sqlite3_column_int64(h->version, 0);
    sqlite3_reset(h->version);
    if (rc < 0 || data_version == h->data_version)
        return rc;
    h->n_open = 0;
    h->chunk = 1;
    int step = sqlite3_step(h->last);
    if (step == SQLITE_ROW) {
        h->chunk = sqlite3_column_int64(h->last, 0);
        const void *data = sqlite3_column_blob(h->last, 2);
        size_t length = (size_t)sqlite3_column_bytes(h->last, 2);
        int n = sqlite3_column_int64(h->last, 1) < FL_CHUNK_FLOWS && data
                    ? fl_chunk_unpack(w->codec, data, length, h->open)
                    : FL_ELIMIT;
        if (n > 0 && n < FL_CHUNK_FLOWS)
            h->n_open = (size_t)n;
        else
            h->chunk++; /* full, or damaged and left as it is */
    } else if (step != SQLITE_DONE)
        rc = fl_bucket_fail(h->db, path, err);
    sqlite3_reset(h->last);
    h->data_version = rc < 0 ? -1 : data_version;
    return rc;
}

static int put_chunk(struct fl_writer *w, struct handle *h, const char *path, struct fl_err *err)
{
    const uint8_t *bytes;
    size_t length;
    memcpy(w->sorted, h->open, h->n_open * sizeof *h->open);
    int rc = fl_chunk_pack(w->codec, w->sorted, h->n_open, &bytes, &length);
    if (rc < 0)
        return fl_fail(err, rc, "%s: %s", path, fl_strerror(rc));
    fl_chunk_summarise(&w->summary, w->sorted, h->n_open);
    sqlite3_bind_int64(h->put, 1, h->chunk);
    sqlite3_bind_int64(h->put, 2, w->summary.min_start_ms);
    sqlite3_bind_int64(h->put, 3, w->summary.max_start_ms);
    sqlite3_bind_int64(h->put, 4, w->summary.min_end_ms);
    sqlite3_bind_int64(h->put, 5, w->summary.max_end_ms);
    sqlite3_bind_int64(h->put, 6, w->summary.flows);
    sqlite3_bind_blob(h->put, 7, w->summary.bloom.bits, (int)w->summary.bloom.bytes, SQLITE_STATIC);
    sqlite3_bind_blob(h->put, 8, bytes, (int)length, SQLITE_STATIC);
    if (sqlite3_step(h->put) != SQLITE_DONE)
        rc = fl_bucket_fail(h->db, path, err);
    sqlite3_reset(h->put);
    sqlite3_clear_bindings(h->put);
    return rc;
}

/* Put all that waits into chunks. */
static int put_waiting(struct fl_writer *w, struct slot *s, const char *path, struct fl_err *err)
{
    struct handle *h = s->handle;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->n;) {
        size_t room = FL_CHUNK_FLOWS - h->n_open, n = s->n - i < room ? s->n - i : room;
        memcpy(h->open + h->n_open, s->waiting + i, n * sizeof *h->open);
        h->n_open += n;
        i += n;
        rc = put_chunk(w, h, path, err);
        if (rc == 0 && h->n_open == FL_CHUNK_FLOWS) {
            h->chunk++;
            h->n_open = 0;
        }
    }
    return rc;
}

static int commit_slot(struct fl_writer *w, struct slot *s, struct fl_err *err)
{
    char name[FL_BUCKET_NAME], *path = NULL;
    int rc = 0;
    if (asprintf(&path, "%s/flows/%s/%s", w->data_dir, s->location, fl_bucket_name(s->from_ms, name)) < 0)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    if (s->handle && is_gone(s->handle, path))
        close_handle(w, s);
    if (!s->handle)
        rc = open_handle(w, s, path, err);
    if (rc == 0)
        rc = exec(s->handle, "BEGIN IMMEDIATE", path, err);
    if (rc == 0)
        rc = load_open_chunk(w, s->handle, path, err);
    if (rc == 0)
        rc = put_waiting(w, s, path, err);
    if (rc == 0)
        rc = exec(s->handle, "COMMIT", path, err);
    if (rc == 0)
        s->handle->used = w->commits;
    else
        close_handle(w, s); /* rolls back, and forgets the chunk in memory */
    free(path);
    return rc;
}

/* Forget the slots without an open bucket, and large buffers. */
static void tidy(struct fl_writer *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->n_slots; i++) {
        struct slot *s = w->slots[i];
        free(s->waiting);
        s->waiting = NULL;
        s->n = s->room = 0;
        if (s->handle)
            w->slots[kept++] = s;
        else
            free(s);
    }
    w->n_slots = kept;
    w->n_waiting = 0;
    w->latest = NULL;
}

int fl_writer_commit(struct fl_writer *w, struct fl_commit_report *report, struct fl_err *err)
{
    int first = 0;
    *report = (struct fl_commit_report){.refused = w->n_refused};
    w->n_refused = 0;
    w->commits++;
    for (size_t i = 0; i < w->n_slots; i++) {
        struct slot *s = w->slots[i];
        if (s->n == 0)
            continue;
        int rc = commit_slot(w, s, first == 0 ? err : NULL);
        if (rc == 0)
            report->stored += s->n;
        else {
            report->shed += s->n;
            first = first ? first : rc;
        }
    }
    tidy(w);
    return first;
}
