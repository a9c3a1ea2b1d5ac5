/* Writing to the flow store: records wait in the writer's gatherer (gather.c), a slot a bucket, until they
 * are committed (writer_commit.c). */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/bucket.h"
#include "storage/writer_parts.h"

enum {
    idle_commits = 60,       /* a minute, when there is a commit a second */
    max_waiting = 512 * 1024 /* records in all, at most 84 MB */
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

int fl_writer_make_dir(const struct fl_writer *w, const char *location, struct fl_err *err)
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
    w->data_dir = strdup(data_dir);
    w->codec = fl_chunk_codec_new();
    if (fl_gatherer_init(&w->in, bucket_ms, w->codec, max_waiting) == 0 && w->data_dir && w->codec)
        rc = fl_writer_make_dir(w, "", err);
    else
        fl_fail(err, rc, "out of memory");
    if (rc < 0)
        fl_writer_close(w);
    else
        *out = w;
    return rc;
}

void fl_writer_close(struct fl_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->in.n_slots; i++)
        fl_writer_close_handle(w, w->in.slots[i]);
    fl_gatherer_fini(&w->in);
    fl_chunk_codec_free(w->codec);
    free(w->data_dir);
    free(w->import);
    free(w);
}

/* ---- adding ---- */

int fl_writer_add_batch(struct fl_writer *w, const char *location, const struct fl_flow *flows, size_t n,
                        size_t *taken)
{
    return fl_gatherer_add(&w->in, location, flows, n, taken);
}

int fl_writer_add(struct fl_writer *w, const char *location, const struct fl_flow *flow)
{
    size_t taken;
    uint64_t refused = w->in.n_refused;
    int rc = fl_gatherer_add(&w->in, location, flow, 1, &taken);
    if (rc < 0 || w->in.n_refused == refused)
        return rc;
    w->in.n_refused = refused;
    return FL_EINVAL;
}

size_t fl_writer_take(struct fl_writer *w, struct fl_gatherer *g)
{
    assert(!w->import);
    size_t lost = 0, taken = fl_gatherer_move(&w->in, g, &lost);
    w->n_lost += lost;
    return taken;
}

/* ---- imports and commits ---- */

int fl_writer_begin_import(struct fl_writer *w, const char *source_id)
{
    char *import = NULL;
    if (w->in.n_waiting > 0 || (source_id && !*source_id))
        return FL_EINVAL;
    if (source_id && !(import = strdup(source_id)))
        return FL_ENOMEM;
    free(w->import);
    w->import = import;
    w->in.numbered = import != NULL;
    w->in.next_number = 0;
    for (size_t i = 0; i < w->in.n_slots; i++) {
        fl_gatherer_empty_slot(w->in.slots[i]); /* records of an import have numbers beside them */
        w->in.slots[i]->given_up = false;
    }
    return 0;
}

void fl_writer_import_at(struct fl_writer *w, uint64_t number)
{
    if (number > w->in.next_number)
        w->in.next_number = number;
}

/* Forget what waited, and the slots without an open bucket; close a bucket that was idle long, so that its
 * -wal goes. A slot whose records were given up stays until its import ends. */
static void tidy(struct fl_writer *w)
{
    struct fl_gatherer *in = &w->in;
    size_t kept = 0;
    for (size_t i = 0; i < in->n_slots; i++) {
        struct fl_slot *s = in->slots[i];
        fl_gatherer_empty_slot(s);
        if (s->handle && s->handle->used + idle_commits < w->commits)
            fl_writer_close_handle(w, s);
        if (s->handle || s->given_up)
            in->slots[kept++] = s;
        else
            fl_gatherer_free_slot(s);
    }
    in->n_slots = kept;
    in->n_waiting = in->n_chunks = 0;
    in->latest = NULL;
}

int fl_writer_commit(struct fl_writer *w, struct fl_commit_report *report, struct fl_err *err)
{
    int first = 0;
    *report = (struct fl_commit_report){.refused = w->in.n_refused, .shed = w->n_lost};
    w->in.n_refused = w->n_lost = 0;
    w->commits++;
    for (size_t i = 0; i < w->in.n_slots; i++) {
        struct fl_slot *s = w->in.slots[i];
        size_t n = fl_slot_flows(s);
        if (n == 0)
            continue;
        uint64_t stored = 0, already = 0;
        int rc = fl_writer_commit_slot(w, s, &stored, &already, first == 0 ? err : NULL);
        if (rc < 0) {
            first = first ? first : rc;
            s->given_up = w->import != NULL;
        }
        report->stored += rc < 0 ? 0 : stored;
        report->already += rc < 0 ? 0 : already;
        report->shed += rc < 0 ? n : 0;
    }
    tidy(w);
    return first;
}
