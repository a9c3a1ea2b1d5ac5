/* A mining run from the store to the rules database. */
#include "mining/mine.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/find.h"
#include "mining/parallel.h"
#include "mining/records.h"
#include "storage/scan.h"
#include "storage/timetext.h"

static int64_t active_timeout_ms(const struct fl_config *config, const char *location)
{
    for (size_t i = 0; i < config->n_locations; i++)
        if (strcmp(config->locations[i].name, location) == 0 && config->locations[i].active_timeout_ms > 0)
            return config->locations[i].active_timeout_ms;
    return config->active_timeout_ms;
}

/* Reading a span in parts, each by a thread that also puts what it read in order. */
struct part {
    int64_t from_ms, to_ms;
    struct fl_gather gather;
    struct fl_records records;
    struct fl_scan_report report;
    struct fl_err err;
    struct reading *reading;
};
struct reading {
    const struct fl_mine_request *request;
    struct part *parts;
    atomic_int stopped; /* what the first part was told to stop with */
};

static int gather(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct part *p = ctx;
    struct reading *r = p->reading;
    if (p == r->parts && r->request->progress) {
        double done = (double)(flows[0].start_ms - p->from_ms) / (double)(p->to_ms - p->from_ms);
        if (r->request->progress(r->request->ctx, FL_PHASE_READING, fl_phase_done(FL_PHASE_READING, done)))
            atomic_store(&r->stopped, FL_ESTOP);
    }
    int rc = atomic_load(&r->stopped);
    return rc ? rc : fl_gather_add(&p->gather, flows, n);
}

static int read_part(void *ctx, uint32_t number)
{
    struct reading *r = ctx;
    struct part *p = &r->parts[number];
    struct fl_scan_filter filter = {.location = r->request->location,
                                    .from_ms = p->from_ms,
                                    .to_ms = p->to_ms,
                                    .columns = FL_RECORD_FIELDS};
    int rc = fl_store_scan(r->request->data_dir, &filter, gather, p, &p->report, &p->err);
    return rc == 0 ? fl_gather_finish(&p->gather, &p->records) : rc;
}

/* Cut a span into at most n parts that hold about as much, between buckets; returns how many. */
static int cut_span(struct part *parts, uint32_t n, const struct fl_mine_request *request, struct fl_err *err)
{
    struct fl_bucket_list list;
    int64_t all = 0, before = 0;
    int rc = fl_store_files(request->data_dir, request->location, request->from_ms, request->to_ms - 1, &list,
                            err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < list.n; i++)
        all += list.items[i].bytes;
    uint32_t count = 0;
    parts[0].from_ms = request->from_ms;
    for (size_t i = 0; i < list.n; i++) {
        int64_t at_ms = list.items[i].from_ms;
        if (count + 1 < n && before > all / n * (count + 1) && at_ms > parts[count].from_ms) {
            parts[count].to_ms = at_ms;
            parts[++count].from_ms = at_ms;
        }
        before += list.items[i].bytes;
    }
    parts[count].to_ms = request->to_ms;
    fl_bucket_list_clear(&list);
    return (int)count + 1;
}

static void sum_reports(struct fl_mine_result *result, const struct part *parts, size_t n)
{
    struct fl_scan_report sum = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < parts[i].report.n_damaged; k++)
            if (k < sizeof sum.damaged / sizeof sum.damaged[0])
                fl_scan_report_damage(&sum, parts[i].report.damaged[k]);
            else
                sum.n_damaged++;
    result->run.damaged = (uint32_t)sum.n_damaged;
    result->n_damaged = sum.n_damaged < 8 ? sum.n_damaged : 8;
    memcpy(result->damaged, sum.damaged, sizeof result->damaged);
}

static int read_parts(struct fl_records *out, struct reading *r, uint32_t n, struct fl_mine_result *result,
                      struct fl_err *err)
{
    int rc = fl_parallel(n, read_part, r);
    for (uint32_t i = 0; i < n; i++)
        if (r->parts[i].err.text[0] && err && !err->text[0])
            *err = r->parts[i].err;
    sum_reports(result, r->parts, n);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = fl_records_merge(out, &r->parts[i].records, r->request->from_ms);
    result->run.flows = out->n;
    return rc;
}

static int read_span(struct fl_records *out, const struct fl_mine_request *request,
                     struct fl_mine_result *result, struct fl_err *err)
{
    uint32_t threads = fl_parallel_threads(request->config->mining.threads);
    struct reading r = {.request = request, .parts = calloc(threads, sizeof *r.parts)};
    if (!r.parts)
        return FL_ENOMEM;
    int n = request->to_ms > request->from_ms ? cut_span(r.parts, threads, request, err) : 0;
    for (int i = 0; i < n; i++)
        r.parts[i].reading = &r;
    int rc = n < 0 ? n : read_parts(out, &r, (uint32_t)n, result, err);
    for (int i = 0; i < n; i++) {
        fl_gather_clear(&r.parts[i].gather);
        fl_records_clear(&r.parts[i].records);
    }
    free(r.parts);
    return rc;
}

static int find(struct fl_findings *out, const struct fl_records *records,
                const struct fl_mine_request *request)
{
    struct fl_services services;
    fl_services_load(&services);
    struct fl_find_request find = {.records = records,
                                   .from_ms = request->from_ms,
                                   .to_ms = request->to_ms,
                                   .active_timeout_ms = active_timeout_ms(request->config, request->location),
                                   .config = &request->config->mining,
                                   .services = &services,
                                   .stop = request->progress,
                                   .ctx = request->ctx};
    return fl_find_rules(out, &find);
}

/* A location learns while the run ends within `learning` of its first record. */
static bool is_learning(const struct fl_mine_request *request)
{
    struct fl_store_extent extent;
    if (request->config->learning_ms <= 0 ||
        fl_store_extent(request->data_dir, request->location, &extent, NULL) < 0)
        return false;
    return request->to_ms <= extent.first_start_ms + request->config->learning_ms;
}

static void count_rules(struct fl_run *run, const struct fl_findings *found)
{
    run->conversations = found->conversations;
    run->nodes = found->nodes;
    run->pairs_tested = found->pairs_tested;
    for (size_t i = 0; i < found->n; i++) {
        run->rules += found->rules[i].parent < 0;
        run->instances += found->rules[i].parent >= 0;
    }
}

int fl_mine(struct fl_rulesdb *db, const struct fl_mine_request *request, struct fl_mine_result *result,
            struct fl_err *err)
{
    struct fl_records records = {0};
    struct fl_findings found = {0};
    *result = (struct fl_mine_result){.run = {.from_ms = request->from_ms,
                                              .to_ms = request->to_ms,
                                              .started_ms = fl_now_ms(),
                                              .scheduled = request->scheduled}};
    snprintf(result->run.location, sizeof result->run.location, "%s", request->location);
    int rc = read_span(&records, request, result, err);
    if (rc < 0)
        goto done;
    rc = find(&found, &records, request);
    if (rc < 0) {
        if (rc != FL_ESTOP)
            fl_fail(err, rc, "%s: cannot mine: %s%s", request->location, fl_strerror(rc),
                    rc == FL_ELIMIT ? "; choose a shorter span with --from and --to" : "");
        goto done;
    }
    count_rules(&result->run, &found);
    result->run.took_ms = fl_now_ms() - result->run.started_ms;
    struct fl_finding_list list = {
        .rules = found.rules, .n = found.n, .clusters = found.clusters, .n_clusters = found.n_clusters};
    rc = fl_rulesdb_store_run(db, &result->run, &list, is_learning(request), &result->alerts, err);
done:
    fl_records_clear(&records);
    fl_findings_clear(&found);
    return rc;
}

int fl_mine_trailing_span(const char *data_dir, const char *location, int64_t span_ms, int64_t *from_ms,
                          int64_t *to_ms, struct fl_err *err)
{
    struct fl_store_extent extent;
    int rc = fl_store_extent(data_dir, location, &extent, err);
    if (rc < 0)
        return rc;
    *to_ms = extent.last_start_ms + 1;
    *from_ms = *to_ms > span_ms ? *to_ms - span_ms : 0;
    return 0;
}
