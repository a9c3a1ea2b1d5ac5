/* Reading a span, or only what of it is new.
 *
 * 1. Stamp the buckets that meet the span. Where nothing was kept of a stretch, or a bucket's stamp is not
 * what it was (late records, a new file, one that retention took), the stretch has to be read.
 * 2. Look which of the kept records stay: those of no such stretch that are in the span.
 * 3. Read the stretches, each cut between minutes into a part a thread that opens only buckets which hold
 * some of it, and put in order what was read.
 * 4. Drop what does not stay and merge the others with what was read.
 *
 * Example: a run over [T - 24 h, T) an hour after the last one reads the last hour, and the hour before it
 * when flows that began there were exported since. */
#include "mining/read.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mining/human.h"
#include "mining/parallel.h"
#include "storage/bucket.h"
#include "storage/scan.h"

void fl_kept_flows_clear(struct fl_kept_flows *kept)
{
    fl_records_clear(&kept->records);
    free(kept->stamps);
    *kept = (struct fl_kept_flows){0};
}

uint64_t fl_kept_flows_bytes(const struct fl_kept_flows *kept)
{
    const struct fl_records *r = &kept->records;
    return r->n * sizeof *r->items + r->n_hosts * sizeof *r->hosts + r->n_sources * sizeof *r->sources +
           kept->n_stamps * sizeof *kept->stamps;
}

/* ---- 1. what has to be read ---- */

struct plan {
    struct fl_bucket_list files;
    struct fl_bucket_stamp *stamps; /* of the files; flows UINT64_MAX where there is none to be had */
    size_t n_stamps;
    struct fl_stretch *stretches; /* to read, n of them, ascending and disjoint */
    size_t n;
};

static void plan_clear(struct plan *p)
{
    fl_bucket_list_clear(&p->files);
    free(p->stamps);
    free(p->stretches);
}

static void add_stretch(struct plan *p, const struct fl_read_request *r, int64_t from_ms, int64_t to_ms)
{
    from_ms = from_ms > r->from_ms ? from_ms : r->from_ms;
    to_ms = to_ms < r->to_ms ? to_ms : r->to_ms;
    if (from_ms < to_ms)
        p->stretches[p->n++] = (struct fl_stretch){from_ms, to_ms};
}

static bool has_stamp(const struct fl_bucket_stamp *stamps, size_t n, const struct fl_bucket_stamp *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (stamps[i].from_ms == wanted->from_ms && stamps[i].to_ms == wanted->to_ms &&
            stamps[i].file == wanted->file && stamps[i].flows == wanted->flows)
            return wanted->flows != UINT64_MAX;
    return false;
}

static void stamp_file(const struct fl_bucket_info *file, struct fl_bucket_stamp *stamp)
{
    int rc = fl_store_stamp(file, stamp);
    if (rc == FL_ENOENT) /* a writer was killed before its first commit, or retention was faster */
        *stamp = (struct fl_bucket_stamp){file->from_ms, file->from_ms, 0, 0};
    else if (rc < 0)
        *stamp = (struct fl_bucket_stamp){file->from_ms, file->to_ms, 0, UINT64_MAX};
}

struct stamping {
    struct plan *plan;
    uint32_t parts;
};

static int stamp_part(void *ctx, uint32_t part)
{
    struct stamping *s = ctx;
    for (size_t i = part; i < s->plan->files.n; i += s->parts)
        stamp_file(&s->plan->files.items[i], &s->plan->stamps[i]);
    return 0;
}

static void stamp_files(struct plan *p, uint32_t threads)
{
    struct stamping s = {p, fl_parallel_threads(threads)};
    fl_parallel(s.parts, stamp_part, &s);
    p->n_stamps = p->files.n;
}

static int compare_stretches(const void *vx, const void *vy)
{
    const struct fl_stretch *x = vx, *y = vy;
    return (x->from_ms > y->from_ms) - (x->from_ms < y->from_ms);
}

/* Make stretches that meet or touch one. */
static void unite_stretches(struct plan *p)
{
    size_t n = 0;
    if (p->n)
        qsort(p->stretches, p->n, sizeof *p->stretches, compare_stretches);
    for (size_t i = 0; i < p->n; i++) {
        struct fl_stretch *last = n ? &p->stretches[n - 1] : NULL;
        if (!last || p->stretches[i].from_ms > last->to_ms)
            p->stretches[n++] = p->stretches[i];
        else if (p->stretches[i].to_ms > last->to_ms)
            last->to_ms = p->stretches[i].to_ms;
    }
    p->n = n;
}

static int make_plan(struct plan *p, const struct fl_kept_flows *kept, const struct fl_read_request *r,
                     struct fl_err *err)
{
    *p = (struct plan){.n = 0};
    int rc = fl_store_files(r->data_dir, r->location, r->from_ms, r->to_ms - 1, &p->files, err);
    if (rc < 0)
        return rc;
    p->stamps = malloc((p->files.n + 1) * sizeof *p->stamps);
    p->stretches = malloc((p->files.n + kept->n_stamps + 2) * sizeof *p->stretches);
    if (!p->stamps || !p->stretches)
        return FL_ENOMEM;
    stamp_files(p, r->threads);
    add_stretch(p, r, r->from_ms, kept->from_ms);
    add_stretch(p, r, kept->to_ms, r->to_ms);
    for (size_t i = 0; i < p->n_stamps; i++)
        if (!has_stamp(kept->stamps, kept->n_stamps, &p->stamps[i]))
            add_stretch(p, r, p->stamps[i].from_ms, p->stamps[i].to_ms);
    for (size_t i = 0; i < kept->n_stamps; i++)
        if (!has_stamp(p->stamps, p->n_stamps, &kept->stamps[i]))
            add_stretch(p, r, kept->stamps[i].from_ms, kept->stamps[i].to_ms);
    unite_stretches(p);
    return 0;
}

/* ---- 2. what stays ---- */

/* The stretches of the span that are not read, into room for one more than those that are; returns how many.
 */
static size_t find_gaps(const struct plan *p, const struct fl_read_request *r, struct fl_stretch *gaps)
{
    size_t n = 0;
    int64_t from_ms = r->from_ms;
    for (size_t i = 0; i <= p->n; i++) {
        int64_t to_ms = i < p->n ? p->stretches[i].from_ms : r->to_ms;
        if (from_ms < to_ms)
            gaps[n++] = (struct fl_stretch){from_ms, to_ms};
        from_ms = i < p->n ? p->stretches[i].to_ms : to_ms;
    }
    return n;
}

/* ---- 3. reading ---- */

struct part {
    struct fl_stretch stretch;
    struct fl_gather *gather;
    struct fl_scan_report report;
    struct fl_err err;
    double done; /* the share that is read */
    struct reading *reading;
};
struct reading {
    const struct fl_read_request *request;
    const struct plan *plan;
    uint32_t threads;
    struct part *parts;        /* a thread each, of the stretch being read */
    struct fl_gather *gathers; /* of each part, over all stretches */
    double done_before, share; /* of the whole that the stretch is */
    atomic_ullong n;           /* records so far */
    atomic_int stopped;        /* what the first part was told to stop with */
};

/* The first part, which the calling thread reads, speaks for all. Returns what all are stopped with, or 0. */
static int ask(void *ctx)
{
    struct part *p = ctx;
    struct reading *r = p->reading;
    if (p == r->parts && r->request->stop &&
        r->request->stop(r->request->ctx, r->done_before + r->share * p->done))
        atomic_store(&r->stopped, FL_ESTOP);
    return atomic_load(&r->stopped);
}

static int gather(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct part *p = ctx;
    struct reading *r = p->reading;
    char most[FL_HUMAN_TEXT];
    double done = (double)(flows[n - 1].start_ms - p->stretch.from_ms) /
                  (double)(p->stretch.to_ms - p->stretch.from_ms);
    p->done = done > p->done ? done : p->done;
    int rc = ask(p);
    if (rc == 0 && atomic_fetch_add(&r->n, n) + n > r->request->most)
        return fl_fail(
            &p->err, FL_ELIMIT,
            "%s: the span holds more flows than the %s that a run has memory for; choose a shorter one "
            "with --from and --to (mining.span), or allow more (mining.memory)",
            location, fl_human_count(r->request->most, most));
    if (rc == 0 && (rc = fl_gather_add(p->gather, flows, n)) == FL_ELIMIT)
        fl_fail(&p->err, rc,
                "%s: the span holds flows of more than 65,535 exporters and observation domains; choose a "
                "shorter one with --from and --to",
                location);
    return rc;
}

/* The files that a stretch meets by their stamps, which tell more than their names; into room for all.
 * Returns how many. */
static size_t files_of(const struct plan *p, struct fl_stretch stretch, struct fl_bucket_info *out)
{
    size_t n = 0;
    for (size_t i = 0; i < p->files.n; i++)
        if (p->stamps[i].from_ms < stretch.to_ms && p->stamps[i].to_ms > stretch.from_ms)
            out[n++] = p->files.items[i];
    return n;
}

static int read_part(void *ctx, uint32_t number)
{
    struct reading *r = ctx;
    struct part *p = &r->parts[number];
    struct fl_bucket_info *files = malloc((r->plan->files.n + 1) * sizeof *files);
    if (!files)
        return FL_ENOMEM;
    struct fl_bucket_list list = {files, files_of(r->plan, p->stretch, files)};
    struct fl_scan_filter filter = {.location = r->request->location,
                                    .from_ms = p->stretch.from_ms,
                                    .to_ms = p->stretch.to_ms,
                                    .files = &list,
                                    .columns = FL_RECORD_FIELDS};
    int rc = fl_store_scan(r->request->data_dir, &filter, gather, p, &p->report, &p->err);
    free(files);
    return rc;
}

/* Where in a stretch a share of its bytes is read, as if each bucket held as much in each minute. */
static int64_t time_of_share(const struct plan *p, struct fl_stretch stretch, double share)
{
    double all = 0, before = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < p->n_stamps; i++) {
            const struct fl_bucket_stamp *b = &p->stamps[i];
            double bytes = (double)p->files.items[i].bytes;
            if (b->from_ms >= stretch.to_ms || b->to_ms <= stretch.from_ms)
                continue;
            if (round == 0)
                all += bytes;
            else if (bytes == 0 || before + bytes < all * share)
                before += bytes;
            else
                return b->from_ms +
                       (int64_t)((double)(b->to_ms - b->from_ms) * (all * share - before) / bytes);
        }
    return stretch.to_ms;
}

/* Cut a stretch into at most n parts that hold about as much; returns how many. Chunks are of one minute: cut
 * between minutes, no chunk is unpacked twice. */
static uint32_t cut_stretch(struct part *parts, uint32_t n, const struct plan *p, struct fl_stretch stretch)
{
    const int64_t minute_ms = 60000;
    uint32_t count = 0;
    parts[0].stretch = stretch;
    for (uint32_t i = 1; i < n; i++) {
        int64_t at_ms = time_of_share(p, stretch, (double)i / n) / minute_ms * minute_ms;
        if (at_ms <= parts[count].stretch.from_ms || at_ms >= stretch.to_ms)
            continue;
        parts[count].stretch.to_ms = at_ms;
        parts[++count].stretch = (struct fl_stretch){at_ms, stretch.to_ms};
    }
    return count + 1;
}

static void add_report(struct fl_scan_report *sum, const struct fl_scan_report *report)
{
    const size_t room = sizeof sum->damaged / sizeof sum->damaged[0];
    sum->flows += report->flows;
    sum->chunks_read += report->chunks_read;
    sum->chunks_skipped += report->chunks_skipped;
    for (size_t i = 0; i < report->n_damaged && i < room; i++)
        fl_scan_report_damage(sum, report->damaged[i]);
    sum->n_damaged += report->n_damaged > room ? report->n_damaged - room : 0;
}

static int read_stretch(struct reading *r, struct fl_stretch stretch, struct fl_scan_report *report,
                        struct fl_err *err)
{
    for (uint32_t i = 0; i < r->threads; i++)
        r->parts[i] = (struct part){.reading = r, .gather = &r->gathers[i]};
    uint32_t n = cut_stretch(r->parts, r->threads, r->plan, stretch);
    int rc = fl_parallel(n, read_part, r);
    for (uint32_t i = 0; i < n; i++) {
        if (r->parts[i].err.text[0] && err && !err->text[0])
            *err = r->parts[i].err;
        add_report(report, &r->parts[i].report);
    }
    return rc;
}

static int read_stretches(struct reading *r, struct fl_records *out, struct fl_scan_report *report,
                          struct fl_err *err)
{
    const struct plan *p = r->plan;
    double all_ms = 0;
    int rc = 0;
    for (size_t i = 0; i < p->n; i++)
        all_ms += (double)(p->stretches[i].to_ms - p->stretches[i].from_ms);
    for (size_t i = 0; i < p->n && rc == 0; i++) {
        r->share = (double)(p->stretches[i].to_ms - p->stretches[i].from_ms) / all_ms;
        rc = read_stretch(r, p->stretches[i], report, err);
        r->done_before += r->share;
    }
    r->share = 0;
    for (uint32_t i = 0; i < r->threads; i++) {
        r->gathers[i].stop = ask;
        r->gathers[i].ctx = &r->parts[i];
    }
    return rc == 0 ? fl_gathers_finish(r->gathers, r->threads, out) : rc;
}

static int read_plan(struct fl_records *out, const struct plan *p, size_t kept,
                     const struct fl_read_request *request, struct fl_scan_report *report, struct fl_err *err)
{
    struct reading r = {
        .request = request, .plan = p, .n = kept, .threads = fl_parallel_threads(request->threads)};
    int rc = p->n > 0 ? FL_ENOMEM : 0;
    *out = (struct fl_records){.n = 0};
    r.parts = calloc(r.threads, sizeof *r.parts);
    r.gathers = calloc(r.threads, sizeof *r.gathers);
    if (rc < 0 && r.parts && r.gathers)
        rc = read_stretches(&r, out, report, err);
    for (uint32_t i = 0; r.gathers && i < r.threads; i++)
        fl_gather_clear(&r.gathers[i]);
    free(r.parts);
    free(r.gathers);
    return rc;
}

/* Steps 2 to 4. */
static int follow_plan(struct fl_records *records, const struct plan *p,
                       const struct fl_read_request *request, struct fl_scan_report *report,
                       struct fl_err *err)
{
    struct fl_staying stay = {.n = 0};
    struct fl_records more = {.n = 0};
    struct fl_stretch *gaps = malloc((p->n + 1) * sizeof *gaps);
    int rc = gaps ? fl_records_stay(&stay, records, gaps, find_gaps(p, request, gaps), request->threads)
                  : FL_ENOMEM;
    if (rc == 0)
        rc = read_plan(&more, p, stay.n, request, report, err);
    if (rc == 0)
        rc = fl_records_renew(records, &stay, &more);
    fl_staying_clear(&stay);
    free(gaps);
    return rc;
}

int fl_read_span(struct fl_kept_flows *kept, const struct fl_read_request *request,
                 struct fl_scan_report *report, struct fl_err *err)
{
    struct plan plan = {.n = 0};
    *report = (struct fl_scan_report){0};
    if (request->to_ms <= request->from_ms) {
        fl_kept_flows_clear(kept);
        return 0;
    }
    int rc = make_plan(&plan, kept, request, err);
    if (rc == 0)
        rc = follow_plan(&kept->records, &plan, request, report, err);
    free(kept->stamps);
    kept->stamps = plan.stamps;
    kept->n_stamps = plan.n_stamps;
    kept->from_ms = request->from_ms;
    kept->to_ms = request->to_ms;
    plan.stamps = NULL;
    plan_clear(&plan);
    if (rc < 0)
        fl_kept_flows_clear(kept);
    else if (report->n_damaged)
        kept->to_ms = kept->from_ms; /* the next run is to find it again */
    return rc;
}
