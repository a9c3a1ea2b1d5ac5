/* Writing to the flow store: records wait in a slot a bucket until they are committed (writer_commit.c).
 * Those that fill a chunk are packed at once, while they are in the cache; in an import they wait as they
 * are, since only the commit knows which of them the bucket has already. */
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
    max_slots = 4096,        /* buckets with records waiting */
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
    w->bucket_ms = bucket_ms;
    w->data_dir = strdup(data_dir);
    w->codec = fl_chunk_codec_new();
    w->slots = malloc(max_slots * sizeof(struct fl_writer_slot *));
    if (w->data_dir && w->codec && w->slots)
        rc = fl_writer_make_dir(w, "", err);
    else
        fl_fail(err, rc, "out of memory");
    if (rc < 0)
        fl_writer_close(w);
    else
        *out = w;
    return rc;
}

/* Forget what waits in a slot. */
static void empty_slot(struct fl_writer_slot *s)
{
    while (s->packed) {
        struct fl_writer_packed *p = s->packed;
        s->packed = p->next;
        free(p);
    }
    free(s->waiting);
    free(s->numbers);
    s->waiting = NULL;
    s->numbers = NULL;
    s->n = s->room = s->n_packed = 0;
    s->packed_end = &s->packed;
}

void fl_writer_close(struct fl_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_slots; i++) {
        fl_writer_close_handle(w, w->slots[i]);
        empty_slot(w->slots[i]);
        free(w->slots[i]);
    }
    free(w->slots);
    fl_chunk_codec_free(w->codec);
    free(w->data_dir);
    free(w->import);
    free(w);
}

/* ---- slots ---- */

static int compare_slot(const struct fl_writer_slot *s, const char *location, int64_t from_ms)
{
    int order = strcmp(s->location, location);
    return order ? order : (s->from_ms > from_ms) - (s->from_ms < from_ms);
}

static struct fl_writer_slot *insert_slot(struct fl_writer *w, size_t at, const char *location,
                                          int64_t from_ms)
{
    struct fl_writer_slot *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    snprintf(s->location, sizeof s->location, "%s", location);
    s->from_ms = from_ms;
    s->packed_end = &s->packed;
    memmove(w->slots + at + 1, w->slots + at, (w->n_slots - at) * sizeof *w->slots);
    w->slots[at] = s;
    w->n_slots++;
    return s;
}

static int find_slot(struct fl_writer *w, const char *location, int64_t from_ms, struct fl_writer_slot **out)
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

/* Room for at least one more, and at most n; returns for how many, or FL_ENOMEM. */
static int64_t reserve(const struct fl_writer *w, struct fl_writer_slot *s, size_t n)
{
    if (s->n == s->room) {
        size_t room = s->room == 0 ? 64 : s->room < FL_CHUNK_FLOWS ? 4 * s->room : 2 * s->room;
        void *grown = realloc(s->waiting, room * sizeof *s->waiting);
        if (!grown)
            return FL_ENOMEM;
        s->waiting = grown;
        void *numbers = w->import ? realloc(s->numbers, room * sizeof *s->numbers) : NULL;
        if (w->import && !numbers)
            return FL_ENOMEM;
        s->numbers = numbers;
        s->room = room;
    }
    return (int64_t)(s->room - s->n < n ? s->room - s->n : n);
}

/* ---- adding ---- */

static bool times_possible(const struct fl_flow *f)
{
    static const int64_t year_9999_ms = 253402300799999;
    return f->start_ms >= 0 && f->start_ms <= year_9999_ms && f->end_ms >= f->start_ms;
}

/* How many of the n records, from the first on, go into this bucket as the first does. */
static size_t same_bucket(const struct fl_writer *w, const struct fl_writer_slot *s,
                          const struct fl_flow *flows, size_t n)
{
    size_t i = 1;
    while (i < n && times_possible(&flows[i]) && flows[i].start_ms >= s->from_ms &&
           flows[i].start_ms - s->from_ms < w->bucket_ms)
        i++;
    return i;
}

/* Pack what waits, which makes a full chunk. */
static int pack_waiting(struct fl_writer *w, struct fl_writer_slot *s)
{
    const struct fl_chunk_summary *sum = &w->summary;
    const uint8_t *bytes;
    size_t length;
    int rc = fl_chunk_pack(w->codec, s->waiting, s->n, &bytes, &length, &w->summary);
    if (rc < 0)
        return rc;
    struct fl_writer_packed *p = malloc(sizeof *p + sum->bloom.bytes + length);
    if (!p)
        return FL_ENOMEM;
    *p = (struct fl_writer_packed){
        NULL,  sum->min_start_ms, sum->max_start_ms, sum->min_end_ms, sum->max_end_ms, sum->bloom.bytes,
        length};
    memcpy(p->bytes, sum->bloom.bits, sum->bloom.bytes);
    memcpy(p->bytes + sum->bloom.bytes, bytes, length);
    *s->packed_end = p;
    s->packed_end = &p->next;
    s->n_packed++;
    s->n = 0;
    return 0;
}

/* Copy in as many of n records for one bucket as there is room for; returns how many, or an error. */
static int64_t put(struct fl_writer *w, struct fl_writer_slot *s, const struct fl_flow *flows, size_t n)
{
    if (!w->import && s->n == FL_CHUNK_FLOWS) {
        int rc = pack_waiting(w, s);
        if (rc < 0)
            return rc;
    }
    int64_t room = reserve(w, s, n);
    if (room < 0)
        return room;
    memcpy(s->waiting + s->n, flows, (size_t)room * sizeof *flows);
    for (int64_t i = 0; w->import && i < room; i++)
        s->numbers[s->n + (size_t)i] = w->next_number++;
    s->n += (size_t)room;
    w->n_waiting += (size_t)room;
    return room;
}

int fl_writer_add_batch(struct fl_writer *w, const char *location, const struct fl_flow *flows, size_t n,
                        size_t *taken)
{
    struct fl_writer_slot *s = NULL;
    size_t i = 0;
    bool known = w->latest && strcmp(w->latest->location, location) == 0;
    int rc = known || fl_location_name_ok(location) ? 0 : FL_EINVAL;
    while (rc == 0 && i < n) {
        size_t bound = max_waiting - w->n_waiting, rest = n - i < bound ? n - i : bound;
        int64_t done = 1;
        if (!times_possible(&flows[i])) {
            w->n_refused++;
            w->next_number++;
        } else if (rest == 0)
            rc = FL_ELIMIT;
        else if ((rc = find_slot(w, location, flows[i].start_ms - flows[i].start_ms % w->bucket_ms, &s)) ==
                     0 &&
                 (done = put(w, s, flows + i, same_bucket(w, s, flows + i, rest))) < 0)
            rc = (int)done;
        if (rc == 0)
            i += (size_t)done;
    }
    *taken = i;
    return rc;
}

int fl_writer_add(struct fl_writer *w, const char *location, const struct fl_flow *flow)
{
    size_t taken;
    if (!times_possible(flow)) {
        w->next_number++;
        return FL_EINVAL;
    }
    return fl_writer_add_batch(w, location, flow, 1, &taken);
}

/* ---- imports and commits ---- */

int fl_writer_begin_import(struct fl_writer *w, const char *source_id)
{
    char *import = NULL;
    if (w->n_waiting > 0 || (source_id && !*source_id))
        return FL_EINVAL;
    if (source_id && !(import = strdup(source_id)))
        return FL_ENOMEM;
    free(w->import);
    w->import = import;
    w->next_number = 0;
    for (size_t i = 0; i < w->n_slots; i++) {
        empty_slot(w->slots[i]); /* records of an import have numbers beside them */
        w->slots[i]->given_up = false;
    }
    return 0;
}

void fl_writer_import_at(struct fl_writer *w, uint64_t number)
{
    if (number > w->next_number)
        w->next_number = number;
}

/* Forget what waited, and the slots without an open bucket; close a bucket that was idle long, so that its
 * -wal goes. A slot whose records were given up stays until its import ends. One that was busy keeps its
 * room. */
static void tidy(struct fl_writer *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->n_slots; i++) {
        struct fl_writer_slot *s = w->slots[i];
        struct fl_flow *room = s->n_packed && s->handle ? s->waiting : NULL;
        size_t n_room = s->room;
        if (room)
            s->waiting = NULL;
        empty_slot(s);
        if (room) {
            s->waiting = room;
            s->room = n_room;
        }
        if (s->handle && s->handle->used + idle_commits < w->commits)
            fl_writer_close_handle(w, s);
        if (s->handle || s->given_up)
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
        struct fl_writer_slot *s = w->slots[i];
        size_t n = s->n + s->n_packed * FL_CHUNK_FLOWS;
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
