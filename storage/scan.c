/* The streaming reader behind fl_store_scan and the SQL table. */
#include "storage/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bucket.h"
#include "storage/chunk.h"

struct fl_scan {
    struct fl_scan_query query;
    struct fl_bucket_list listed, files; /* those to read: the query's, or what was listed */
    size_t next_file;
    const struct fl_bucket_info *file; /* the open one */
    sqlite3 *db;
    sqlite3_stmt *chunks, *data;
    uint32_t columns; /* wanted, or needed to tell what matches */
    struct fl_chunk_codec *codec;
    struct fl_flow *flows;
    uint16_t *positions;
    bool counted; /* positions are 0, 1, 2... */
    struct fl_scan_report report;
};

void fl_scan_query_init(struct fl_scan_query *q)
{
    *q = (struct fl_scan_query){.first_ms = INT64_MIN, .last_ms = INT64_MAX, .columns = FL_FIELDS_ALL};
}

void fl_scan_report_damage(struct fl_scan_report *report, const char *text)
{
    const size_t room = sizeof report->damaged / sizeof report->damaged[0];
    char line[sizeof report->damaged[0]];
    snprintf(line, sizeof line, "%s", text);
    for (size_t i = 0; i < report->n_damaged && i < room; i++)
        if (strcmp(report->damaged[i], line) == 0)
            return;
    if (report->n_damaged < room)
        memcpy(report->damaged[report->n_damaged], line, sizeof line);
    report->n_damaged++;
}

static bool asks_for_addr(const struct fl_scan_query *q)
{
    return q->src || q->dst || q->n_hosts > 0;
}

static bool asks_for_port(const struct fl_scan_query *q)
{
    return q->has_src_port || q->has_dst_port || q->n_ports > 0;
}

int fl_scan_open(struct fl_scan **out, const char *data_dir, const struct fl_scan_query *q,
                 struct fl_err *err)
{
    struct fl_scan *s = calloc(1, sizeof *s);
    int rc = FL_ENOMEM;
    *out = NULL;
    if (!s)
        return fl_fail(err, rc, "out of memory");
    s->query = *q;
    s->columns = q->columns | (asks_for_addr(q) ? FL_FIELD_SRC | FL_FIELD_DST : 0) |
                 (asks_for_port(q) ? FL_FIELD_SRC_PORT | FL_FIELD_DST_PORT : 0);
    s->codec = fl_chunk_codec_new();
    s->flows = malloc(FL_CHUNK_FLOWS * sizeof *s->flows);
    s->positions = malloc(FL_CHUNK_FLOWS * sizeof *s->positions);
    if (!s->codec || !s->flows || !s->positions)
        rc = fl_fail(err, rc, "out of memory");
    else if (q->files)
        rc = 0;
    else
        rc = fl_store_files(data_dir, q->location, q->first_ms, q->last_ms, &s->listed, err);
    s->files = q->files ? *q->files : s->listed;
    if (rc < 0) {
        fl_scan_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

static void close_bucket(struct fl_scan *s)
{
    sqlite3_finalize(s->chunks);
    sqlite3_finalize(s->data);
    sqlite3_close(s->db);
    s->chunks = s->data = NULL;
    s->db = NULL;
}

void fl_scan_close(struct fl_scan *s)
{
    if (!s)
        return;
    close_bucket(s);
    fl_bucket_list_clear(&s->listed);
    fl_chunk_codec_free(s->codec);
    free(s->flows);
    free(s->positions);
    free(s);
}

const struct fl_scan_report *fl_scan_report(const struct fl_scan *s)
{
    return &s->report;
}

static int open_bucket(struct fl_scan *s, struct fl_err *err)
{
    /* SQLite reads a column's pages when it is named: the filter only when it can tell, the data only of
     * chunks that it does not rule out. */
    static const char times[] = "SELECT id, min_start_ms, max_start_ms, NULL FROM chunk ORDER BY id";
    static const char filters[] = "SELECT id, min_start_ms, max_start_ms, bloom FROM chunk ORDER BY id";
    static const char data[] = "SELECT data FROM chunk WHERE id = ?";
    const char *chunks = asks_for_addr(&s->query) || asks_for_port(&s->query) ? filters : times;
    s->file = &s->files.items[s->next_file++];
    int rc = fl_bucket_open_read(&s->db, s->file->path, NULL, err);
    if (rc == 0 && (sqlite3_prepare_v2(s->db, data, -1, &s->data, NULL) != SQLITE_OK ||
                    sqlite3_prepare_v2(s->db, chunks, -1, &s->chunks, NULL) != SQLITE_OK))
        rc = fl_bucket_fail(s->db, s->file->path, err);
    return rc;
}

/* After a failure in one bucket: 0 to go on with the next, or the error. */
static int give_up_bucket(struct fl_scan *s, int code, struct fl_err *err)
{
    close_bucket(s);
    if (code == FL_ENOENT)
        return 0; /* retention was faster than we */
    if (code != FL_EDAMAGED)
        return code;
    fl_scan_report_damage(&s->report, err->text);
    err->text[0] = '\0';
    return 0;
}

static bool chunk_may_match(const struct fl_scan *s)
{
    const struct fl_scan_query *q = &s->query;
    const uint8_t *bits = sqlite3_column_blob(s->chunks, 3);
    size_t bytes = (size_t)sqlite3_column_bytes(s->chunks, 3);
    if (q->src && !fl_bloom_may_have_addr(bits, bytes, q->src))
        return false;
    if (q->dst && !fl_bloom_may_have_addr(bits, bytes, q->dst))
        return false;
    if (q->has_src_port && !fl_bloom_may_have_port(bits, bytes, q->src_port))
        return false;
    if (q->has_dst_port && !fl_bloom_may_have_port(bits, bytes, q->dst_port))
        return false;
    for (size_t i = 0; i < q->n_hosts; i++) {
        bool any = q->hosts[i].n == 0;
        for (size_t k = 0; !any && k < q->hosts[i].n; k++)
            any = fl_bloom_may_have_addr(bits, bytes, &q->hosts[i].items[k]);
        if (!any)
            return false;
    }
    for (size_t i = 0; i < q->n_ports; i++) {
        bool any = q->ports[i].n == 0;
        for (size_t k = 0; !any && k < q->ports[i].n; k++)
            any = fl_bloom_may_have_port(bits, bytes, q->ports[i].items[k]);
        if (!any)
            return false;
    }
    return true;
}

static bool touches_host(const struct fl_flow *f, const struct fl_scan_hosts *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (fl_addr_cmp(&f->src, &set->items[i]) == 0 || fl_addr_cmp(&f->dst, &set->items[i]) == 0)
            return true;
    return set->n == 0;
}

static bool touches_port(const struct fl_flow *f, const struct fl_scan_ports *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (f->src_port == set->items[i] || f->dst_port == set->items[i])
            return true;
    return set->n == 0;
}

static bool matches(const struct fl_scan_query *q, const struct fl_flow *f)
{
    if ((q->src && fl_addr_cmp(&f->src, q->src) != 0) || (q->dst && fl_addr_cmp(&f->dst, q->dst) != 0) ||
        (q->has_src_port && f->src_port != q->src_port) || (q->has_dst_port && f->dst_port != q->dst_port))
        return false;
    for (size_t i = 0; i < q->n_hosts; i++)
        if (!touches_host(f, &q->hosts[i]))
            return false;
    for (size_t i = 0; i < q->n_ports; i++)
        if (!touches_port(f, &q->ports[i]))
            return false;
    return true;
}

static void count_positions(struct fl_scan *s)
{
    for (size_t i = 0; !s->counted && i < FL_CHUNK_FLOWS; i++)
        s->positions[i] = (uint16_t)i;
    s->counted = true;
}

/* Keep what matches, in place; returns how many. `inside`: all starts are known to match. */
static size_t keep_matching(struct fl_scan *s, size_t n, bool inside)
{
    const struct fl_scan_query *q = &s->query;
    size_t kept = 0;
    s->counted = false;
    for (size_t i = 0; i < n; i++)
        if ((inside || (s->flows[i].start_ms >= q->first_ms && s->flows[i].start_ms <= q->last_ms)) &&
            matches(q, &s->flows[i])) {
            if (kept != i)
                s->flows[kept] = s->flows[i];
            s->positions[kept++] = (uint16_t)i;
        }
    return kept;
}

/* The data of the chunk in the current row, until the statement is reset; NULL for none. FL_E*. */
static int find_data(struct fl_scan *s, const uint8_t **bytes, size_t *length, struct fl_err *err)
{
    sqlite3_bind_int64(s->data, 1, sqlite3_column_int64(s->chunks, 0));
    int step = sqlite3_step(s->data);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return fl_bucket_fail(s->db, s->file->path, err);
    *bytes = step == SQLITE_ROW ? sqlite3_column_blob(s->data, 0) : NULL;
    *length = step == SQLITE_ROW ? (size_t)sqlite3_column_bytes(s->data, 0) : 0;
    return 0;
}

/* Unpack the chunk in the current row; returns how many records it has, 0 for one that is damaged. */
static int unpack(struct fl_scan *s, uint32_t columns, struct fl_err *err)
{
    const uint8_t *bytes = NULL;
    size_t length = 0;
    int rc = find_data(s, &bytes, &length, err);
    int n = rc < 0 ? rc : bytes ? fl_chunk_unpack(s->codec, bytes, length, columns, s->flows) : FL_EMALF;
    sqlite3_reset(s->data);
    if (rc < 0 || n > 0)
        return n;
    long long id = sqlite3_column_int64(s->chunks, 0);
    if (n == FL_ENEWER)
        return fl_fail(err, n, "%s: chunk %lld is written by a newer flowlore; upgrade flowlore",
                       s->file->path, id);
    fl_fail(err, n, "%s: chunk %lld is damaged", s->file->path, id);
    fl_scan_report_damage(&s->report, err->text);
    err->text[0] = '\0';
    return 0;
}

/* The chunk in the current row; returns how many records match. */
static int read_chunk(struct fl_scan *s, struct fl_err *err)
{
    const struct fl_scan_query *q = &s->query;
    int64_t first = sqlite3_column_int64(s->chunks, 1), last = sqlite3_column_int64(s->chunks, 2);
    if (first > q->last_ms || last < q->first_ms || !chunk_may_match(s)) {
        s->report.chunks_skipped++;
        return 0;
    }
    bool inside = first >= q->first_ms && last <= q->last_ms;
    int n = unpack(s, s->columns | (inside ? 0 : FL_FIELD_START), err);
    if (n <= 0)
        return n;
    s->report.chunks_read++;
    if (!inside || asks_for_addr(q) || asks_for_port(q))
        return (int)keep_matching(s, (size_t)n, inside);
    count_positions(s);
    return n;
}

/* The next chunk of the open bucket: as fl_scan_next. */
static int next_in_bucket(struct fl_scan *s, struct fl_scan_batch *batch, struct fl_err *err)
{
    int step;
    while ((step = sqlite3_step(s->chunks)) == SQLITE_ROW) {
        int n = read_chunk(s, err);
        if (n < 0)
            return n;
        if (n == 0)
            continue;
        s->report.flows += (uint64_t)n;
        *batch =
            (struct fl_scan_batch){s->file->location, s->file->from_ms, sqlite3_column_int64(s->chunks, 0),
                                   s->flows,          s->positions,     (size_t)n};
        return 1;
    }
    return step == SQLITE_DONE ? 0 : fl_bucket_fail(s->db, s->file->path, err);
}

int fl_scan_next(struct fl_scan *s, struct fl_scan_batch *batch, struct fl_err *err)
{
    struct fl_err own;
    if (!err)
        err = &own;
    for (;;) {
        int rc = 0;
        if (s->chunks)
            rc = next_in_bucket(s, batch, err);
        if (rc > 0)
            return rc;
        if (rc == 0) {
            close_bucket(s);
            if (s->next_file == s->files.n)
                return 0;
            rc = open_bucket(s, err);
        }
        if (rc < 0 && (rc = give_up_bucket(s, rc, err)) < 0)
            return rc;
    }
}

static void query_of_filter(struct fl_scan_query *q, const struct fl_scan_filter *f, struct fl_addr *host,
                            uint16_t *port)
{
    fl_scan_query_init(q);
    q->location = f->location;
    q->first_ms = f->from_ms;
    q->last_ms = f->to_ms - 1;
    q->files = f->files;
    q->columns = f->columns ? f->columns : FL_FIELDS_ALL;
    *host = f->host;
    *port = f->port;
    if (f->has_host)
        q->hosts[q->n_hosts++] = (struct fl_scan_hosts){host, 1};
    if (f->has_port)
        q->ports[q->n_ports++] = (struct fl_scan_ports){port, 1};
}

int fl_store_scan(const char *data_dir, const struct fl_scan_filter *filter, fl_scan_fn *fn, void *ctx,
                  struct fl_scan_report *report, struct fl_err *err)
{
    struct fl_scan *s = NULL;
    struct fl_scan_query q;
    struct fl_scan_batch batch;
    struct fl_addr host;
    uint16_t port;
    memset(report, 0, sizeof *report);
    if (filter->to_ms <= filter->from_ms)
        return 0;
    query_of_filter(&q, filter, &host, &port);
    int rc = fl_scan_open(&s, data_dir, &q, err);
    while (rc == 0 && (rc = fl_scan_next(s, &batch, err)) > 0)
        rc = fn(ctx, batch.location, batch.flows, batch.n);
    if (s)
        *report = s->report;
    fl_scan_close(s);
    return rc;
}
