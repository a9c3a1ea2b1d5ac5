/* Committing what waits: one transaction a bucket.
 *
 * The last chunk of a bucket is kept unpacked beside the database handle and rewritten by each commit until
 * it is full; full chunks that were packed before the commit take its number and the next ones, and it moves
 * behind them. When another process has written in between (an import beside the service), SQLite's
 * data_version tells, and the last chunk is read again: it is asked inside the transaction, so that nobody
 * can write after the answer. At most FL_WRITER_HANDLES databases are open; the one unused longest is closed
 * first. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bucket.h"
#include "storage/field.h"
#include "storage/writer_parts.h"

typedef struct fl_writer_handle handle;
typedef struct fl_slot slot;

/* ---- the bucket ---- */

void fl_writer_close_handle(struct fl_writer *w, slot *s)
{
    handle *h = s->handle;
    if (!h)
        return;
    sqlite3_finalize(h->put);
    sqlite3_finalize(h->last);
    sqlite3_finalize(h->version);
    sqlite3_finalize(h->mark);
    sqlite3_finalize(h->set_mark);
    sqlite3_close(h->db);
    free(h->open);
    free(h);
    s->handle = NULL;
    w->n_handles--;
}

static void evict_one(struct fl_writer *w)
{
    slot *oldest = NULL;
    for (size_t i = 0; i < w->in.n_slots; i++) {
        slot *s = w->in.slots[i];
        if (s->handle && (!oldest || s->handle->used < oldest->handle->used))
            oldest = s;
    }
    assert(oldest);
    fl_writer_close_handle(w, oldest);
}

static int prepare(handle *h, const char *path, struct fl_err *err)
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

static int open_handle(struct fl_writer *w, slot *s, const char *path, struct fl_err *err)
{
    struct fl_bucket_meta meta = {.from_ms = s->from_ms, .to_ms = s->from_ms + w->in.bucket_ms};
    struct stat st;
    memcpy(meta.location, s->location, sizeof meta.location);
    if (w->n_handles == FL_WRITER_HANDLES)
        evict_one(w);
    handle *h = s->handle = calloc(1, sizeof *h);
    if (!h)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    w->n_handles++;
    h->data_version = -1;
    h->open = malloc(FL_CHUNK_FLOWS * sizeof *h->open);
    if (!h->open)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    int rc = fl_writer_make_dir(w, s->location, err);
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

static bool is_gone(const handle *h, const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 || st.st_dev != h->dev || st.st_ino != h->ino;
}

static int exec(handle *h, const char *sql, const char *path, struct fl_err *err)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fl_bucket_fail(h->db, path, err);
}

/* ---- the marks of imports ---- */

/* How many records of the import the bucket answers for: those with lower numbers need not be added. */
static int read_mark(const struct fl_writer *w, handle *h, const char *path, uint64_t *mark,
                     struct fl_err *err)
{
    static const char table[] =
        "CREATE TABLE IF NOT EXISTS import(source TEXT PRIMARY KEY, records INTEGER NOT "
        "NULL) WITHOUT ROWID";
    static const char ask[] = "SELECT records FROM import WHERE source = ?";
    static const char set[] = "INSERT OR REPLACE INTO import VALUES(?, ?)";
    int rc = 0;
    *mark = 0;
    if (!h->set_mark && (sqlite3_exec(h->db, table, NULL, NULL, NULL) != SQLITE_OK ||
                         sqlite3_prepare_v2(h->db, ask, -1, &h->mark, NULL) != SQLITE_OK ||
                         sqlite3_prepare_v2(h->db, set, -1, &h->set_mark, NULL) != SQLITE_OK))
        return fl_bucket_fail(h->db, path, err);
    sqlite3_bind_text(h->mark, 1, w->import, -1, SQLITE_STATIC);
    int step = sqlite3_step(h->mark);
    if (step == SQLITE_ROW)
        *mark = (uint64_t)sqlite3_column_int64(h->mark, 0);
    else if (step != SQLITE_DONE)
        rc = fl_bucket_fail(h->db, path, err);
    sqlite3_reset(h->mark);
    sqlite3_clear_bindings(h->mark);
    return rc;
}

static int set_mark(const struct fl_writer *w, handle *h, const char *path, struct fl_err *err)
{
    sqlite3_bind_text(h->set_mark, 1, w->import, -1, SQLITE_STATIC);
    sqlite3_bind_int64(h->set_mark, 2, (sqlite3_int64)w->in.next_number);
    int rc = sqlite3_step(h->set_mark) == SQLITE_DONE ? 0 : fl_bucket_fail(h->db, path, err);
    sqlite3_reset(h->set_mark);
    sqlite3_clear_bindings(h->set_mark);
    return rc;
}

/* How many of the records that wait come before the mark; their numbers rise. */
static size_t count_already(const slot *s, uint64_t mark)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->numbers[middle] < mark)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- chunks ---- */

/* Inside the transaction: read the last chunk, unless what we remember of it is still true. */
static int load_open_chunk(struct fl_writer *w, handle *h, const char *path, struct fl_err *err)
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
                    ? fl_chunk_unpack(w->codec, data, length, FL_FIELDS_ALL, h->open)
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

static int put_row(handle *h, const struct fl_packed *row, size_t flows, const uint8_t *bloom,
                   const uint8_t *data, const char *path, struct fl_err *err)
{
    sqlite3_bind_int64(h->put, 1, h->chunk);
    sqlite3_bind_int64(h->put, 2, row->min_start_ms);
    sqlite3_bind_int64(h->put, 3, row->max_start_ms);
    sqlite3_bind_int64(h->put, 4, row->min_end_ms);
    sqlite3_bind_int64(h->put, 5, row->max_end_ms);
    sqlite3_bind_int64(h->put, 6, (sqlite3_int64)flows);
    sqlite3_bind_blob(h->put, 7, bloom, (int)row->bloom_bytes, SQLITE_STATIC);
    sqlite3_bind_blob(h->put, 8, data, (int)row->data_bytes, SQLITE_STATIC);
    int rc = sqlite3_step(h->put) == SQLITE_DONE ? 0 : fl_bucket_fail(h->db, path, err);
    sqlite3_reset(h->put);
    sqlite3_clear_bindings(h->put);
    return rc;
}

/* Put the open chunk; a full one is closed. */
static int put_open(struct fl_writer *w, handle *h, const char *path, struct fl_err *err)
{
    const struct fl_chunk_summary *sum = &w->in.summary;
    struct fl_packed row;
    const uint8_t *bytes;
    int rc = fl_chunk_pack(w->codec, h->open, h->n_open, &bytes, &row.data_bytes, &w->in.summary);
    if (rc < 0)
        return fl_fail(err, rc, "%s: %s", path, fl_strerror(rc));
    row.min_start_ms = sum->min_start_ms;
    row.max_start_ms = sum->max_start_ms;
    row.min_end_ms = sum->min_end_ms;
    row.max_end_ms = sum->max_end_ms;
    row.bloom_bytes = sum->bloom.bytes;
    rc = put_row(h, &row, h->n_open, sum->bloom.bits, bytes, path, err);
    if (rc == 0 && h->n_open == FL_CHUNK_FLOWS) {
        h->chunk++;
        h->n_open = 0;
    }
    return rc;
}

/* Put the chunks that are packed where the open one stood, and this behind them. */
static int put_packed(handle *h, const slot *s, const char *path, struct fl_err *err)
{
    int rc = 0;
    for (const struct fl_packed *p = s->packed; rc == 0 && p; p = p->next, h->chunk++)
        rc = put_row(h, p, FL_CHUNK_FLOWS, p->bytes, p->bytes + p->bloom_bytes, path, err);
    return rc;
}

/* Put all that waits, from the `first` record on, into chunks. */
static int put_waiting(struct fl_writer *w, slot *s, size_t first, const char *path, struct fl_err *err)
{
    handle *h = s->handle;
    int rc = put_packed(h, s, path, err);
    bool moved = s->n_packed > 0 && h->n_open > 0;
    for (size_t i = first; rc == 0 && (i < s->n || moved);) {
        size_t room = FL_CHUNK_FLOWS - h->n_open, n = s->n - i < room ? s->n - i : room;
        memcpy(h->open + h->n_open, s->waiting + i, n * sizeof *h->open);
        h->n_open += n;
        i += n;
        moved = false;
        rc = put_open(w, h, path, err);
    }
    return rc;
}

/* The inside of a commit's transaction. */
static int put_slot(struct fl_writer *w, slot *s, size_t *already, const char *path, struct fl_err *err)
{
    uint64_t mark = 0;
    int rc = w->import ? read_mark(w, s->handle, path, &mark, err) : 0;
    *already = rc == 0 && w->import ? count_already(s, mark) : 0;
    if (rc < 0 || (w->import && *already == s->n))
        return rc;
    rc = load_open_chunk(w, s->handle, path, err);
    if (rc == 0)
        rc = put_waiting(w, s, *already, path, err);
    if (rc == 0 && w->import)
        rc = set_mark(w, s->handle, path, err);
    return rc;
}

/* One try: open the bucket if it is not, and write. On failure it is closed, which rolls back and forgets the
 * chunk in memory. */
static int write_slot(struct fl_writer *w, slot *s, size_t *already, const char *path, struct fl_err *err)
{
    if (s->handle && is_gone(s->handle, path))
        fl_writer_close_handle(w, s);
    int rc = s->handle ? 0 : open_handle(w, s, path, err);
    if (rc == 0)
        rc = exec(s->handle, "BEGIN IMMEDIATE", path, err);
    if (rc == 0)
        rc = put_slot(w, s, already, path, err);
    if (rc == 0)
        rc = exec(s->handle, "COMMIT", path, err);
    if (rc < 0)
        fl_writer_close_handle(w, s);
    return rc;
}

int fl_writer_commit_slot(struct fl_writer *w, slot *s, uint64_t *stored, uint64_t *already,
                          struct fl_err *err)
{
    char name[FL_BUCKET_NAME], *path = NULL;
    size_t passed_over = 0;
    int rc = 0;
    if (asprintf(&path, "%s/flows/%s/%s", w->data_dir, s->location, fl_bucket_name(s->from_ms, name)) < 0)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    if (s->given_up)
        rc = fl_fail(err, FL_EIO, "%s: records of this import were given up there before; import it again",
                     path);
    /* When retention has unlinked the file meanwhile, what was written went with it: once more, into a new
     * one. */
    for (int tries = 0; rc == 0 && tries < 3; tries++) {
        rc = write_slot(w, s, &passed_over, path, err);
        if (rc < 0 || !is_gone(s->handle, path))
            break;
    }
    if (rc == 0) {
        s->handle->used = w->commits;
        *already = passed_over;
        *stored = fl_slot_flows(s) - passed_over;
    }
    free(path);
    return rc;
}
