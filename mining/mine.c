/* A mining run from the store to the rules database. */
#include "mining/mine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mining/find.h"
#include "mining/gap.h"
#include "mining/heap.h"
#include "mining/human.h"
#include "mining/read.h"
#include "storage/store.h"
#include "storage/timetext.h"

static int64_t active_timeout_ms(const struct fl_config *config, const char *location)
{
    for (size_t i = 0; i < config->n_locations; i++)
        if (strcmp(config->locations[i].name, location) == 0 && config->locations[i].active_timeout_ms > 0)
            return config->locations[i].active_timeout_ms;
    return config->active_timeout_ms;
}

/* About what a run needs for each record that it reads, up to its conversations: measured, and twice as much
 * where each names hosts of its own, which the watch over the heap sees. */
enum { BYTES_A_RECORD = 144 };

uint64_t fl_mine_memory_bytes(const struct fl_mining_config *config)
{
    if (config->memory_bytes)
        return (uint64_t)config->memory_bytes;
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes / 2 : UINT64_MAX;
}

/* A run under way: stopped when asked to, or when the heap has grown by more than the run may use. */
struct watch {
    const struct fl_mine_request *request;
    struct fl_heap_watch heap;
};

static int64_t steady_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int ask(void *ctx, enum fl_phase phase, double done)
{
    struct watch *w = ctx;
    if (fl_heap_over(&w->heap, steady_ms()))
        return FL_ELIMIT;
    return w->request->progress ? w->request->progress(w->request->ctx, phase, done) : 0;
}

static int ask_reading(void *ctx, double done)
{
    return ask(ctx, FL_PHASE_READING, fl_phase_done(FL_PHASE_READING, done));
}

static int read_span(struct fl_kept_flows *flows, struct watch *watch, struct fl_mine_result *result,
                     struct fl_err *err)
{
    const struct fl_mine_request *request = watch->request;
    struct fl_scan_report report;
    struct fl_read_request read = {.data_dir = request->data_dir,
                                   .location = request->location,
                                   .from_ms = request->from_ms,
                                   .to_ms = request->to_ms,
                                   .threads = request->config->mining.threads,
                                   .most = watch->heap.most_bytes / BYTES_A_RECORD,
                                   .stop = ask_reading,
                                   .ctx = watch};
    int rc = fl_read_span(flows, &read, &report, err);
    result->run.flows = flows->records.n;
    result->run.damaged = (uint32_t)report.n_damaged;
    result->n_damaged = report.n_damaged < 8 ? report.n_damaged : 8;
    memcpy(result->damaged, report.damaged, sizeof result->damaged);
    return rc;
}

/* What is wrong with the data of the run, as a phrase each. */
static int judge(struct fl_rulesdb *db, const struct fl_records *records,
                 const struct fl_mine_request *request, struct fl_run *run, struct fl_err *err)
{
    struct fl_quality quality;
    struct fl_gap gap;
    bool holed = false;
    int rc = fl_rulesdb_quality(db, request->location, request->from_ms, request->to_ms, &quality, err);
    if (rc == 0 && request->to_ms - request->from_ms <= request->config->mining.span_ms) {
        int found = fl_gap_find(records->items, records->n, request->from_ms, request->to_ms, &gap);
        holed = found > 0;
        rc = found < 0 ? found : 0;
    }
    if (rc == 0)
        fl_gap_judge(&quality, holed ? &gap : NULL, run->unclean);
    return rc;
}

static int find(struct fl_findings *out, const struct fl_records *records, struct fl_finding_list *list,
                struct fl_recheck *rechecks, struct watch *watch)
{
    const struct fl_mine_request *request = watch->request;
    struct fl_services services;
    fl_services_load(&services);
    struct fl_find_request find = {.records = records,
                                   .from_ms = request->from_ms,
                                   .to_ms = request->to_ms,
                                   .active_timeout_ms = active_timeout_ms(request->config, request->location),
                                   .memory_bytes = watch->heap.most_bytes,
                                   .config = &request->config->mining,
                                   .services = &services,
                                   .stop = ask,
                                   .ctx = watch,
                                   .rechecks = rechecks,
                                   .n_rechecks = list->n_rechecks};
    int rc = fl_find_rules(out, &find);
    *list = (struct fl_finding_list){.rules = out->rules,
                                     .n = out->n,
                                     .clusters = out->clusters,
                                     .n_clusters = out->n_clusters,
                                     .rechecks = rechecks,
                                     .n_rechecks = list->n_rechecks};
    return rc;
}

static int64_t learning_ms(const struct fl_config *config, const char *location)
{
    for (size_t i = 0; i < config->n_locations; i++)
        if (strcmp(config->locations[i].name, location) == 0 && config->locations[i].learning_ms >= 0)
            return config->locations[i].learning_ms;
    return config->learning_ms;
}

/* A location learns while the run ends within `learning` of its first record, or as long as people had it
 * learn anew. Retention takes first records away, so that it began no later than its first run ended. */
static int see_learning(struct fl_rulesdb *db, const struct fl_mine_request *request, struct fl_run *run,
                        bool *learns, struct fl_err *err)
{
    struct fl_store_extent extent;
    int64_t for_ms = learning_ms(request->config, request->location), again_ms, first_ms;
    int rc = fl_rulesdb_first_run(db, request->location, &first_ms, err);
    if (rc == 0)
        rc = fl_rulesdb_relearn_until(db, request->location, &again_ms, err);
    if (rc != 0)
        return rc;
    if (for_ms > 0 && fl_store_extent(request->data_dir, request->location, &extent, NULL) == 0)
        run->learning_until_ms =
            (extent.first_start_ms < first_ms ? extent.first_start_ms : first_ms) + for_ms;
    *learns = request->to_ms <= run->learning_until_ms || request->to_ms <= again_ms;
    return 0;
}

static void count_rules(struct fl_run *run, const struct fl_findings *found)
{
    run->conversations = found->conversations;
    run->nodes = found->nodes;
    run->pairs_tested = found->pairs_tested;
    for (size_t i = 0; i < found->n; i++) {
        run->rules += found->rules[i].parent < 0;
        run->instances += found->rules[i].parent < 0 ? found->rules[i].instances : 0; /* not all are listed */
    }
}

/* Why a run came to nothing, in words; its code. */
static int say_why(const struct watch *w, int code, struct fl_err *err)
{
    const char *location = w->request->location;
    char room[FL_HUMAN_TEXT];
    if (code == FL_ESTOP && w->heap.over)
        code = FL_ELIMIT;
    if (code == FL_ESTOP || (err && err->text[0]))
        return code;
    if (code == FL_ELIMIT || code == FL_ENOMEM)
        return fl_fail(
            err, code,
            "%s: the span is too long, or what happens in it takes too long, for the %s of memory that a "
            "run may use; choose a shorter one with --from and --to (mining.span), or allow more "
            "(mining.memory)",
            location, fl_human_bytes(w->heap.most_bytes, room));
    return fl_fail(err, code, "%s: cannot mine: %s", location, fl_strerror(code));
}

int fl_mine(struct fl_rulesdb *db, const struct fl_mine_request *request, struct fl_mine_result *result,
            struct fl_err *err)
{
    struct fl_kept_flows own = {0}, *flows = request->kept_flows ? request->kept_flows : &own;
    struct fl_findings found = {0};
    struct fl_finding_list list = {0};
    struct fl_recheck *rechecks = NULL;
    struct watch watch = {.request = request};
    fl_heap_watch_start(&watch.heap, fl_mine_memory_bytes(&request->config->mining), steady_ms());
    *result = (struct fl_mine_result){.run = {.from_ms = request->from_ms,
                                              .to_ms = request->to_ms,
                                              .started_ms = fl_now_ms(),
                                              .scheduled = request->scheduled,
                                              .gone_after_ms = request->config->gone_after_ms}};
    bool learns = false;
    snprintf(result->run.location, sizeof result->run.location, "%s", request->location);
    int rc = read_span(flows, &watch, result, err);
    if (rc == 0)
        rc = judge(db, &flows->records, request, &result->run, err);
    if (rc == 0)
        rc = fl_rulesdb_to_recheck(db, request->location, &rechecks, &list.n_rechecks, err);
    if (rc == 0)
        rc = find(&found, &flows->records, &list, rechecks, &watch);
    if (rc < 0) {
        rc = say_why(&watch, rc, err);
        goto done;
    }
    count_rules(&result->run, &found);
    result->crowded = found.crowded;
    result->left_out = found.left_out;
    result->generics_left_out = found.generics_left_out;
    result->run.took_ms = fl_now_ms() - result->run.started_ms;
    rc = see_learning(db, request, &result->run, &learns, err);
    if (rc == 0)
        rc = fl_rulesdb_store_run(db, &result->run, &list, learns, &result->alerts, err);
done:
    fl_kept_flows_clear(&own);
    fl_findings_clear(&found);
    free(rechecks);
    return rc;
}

const char *fl_mine_left_out(const struct fl_mine_result *result, char out[512])
{
    char count[FL_HUMAN_TEXT], pairs[120] = "", generics[120] = "";
    if (result->left_out)
        snprintf(pairs, sizeof pairs, " for the %s weakest of the pairs that passed the test",
                 fl_human_count(result->left_out, count));
    if (result->generics_left_out)
        snprintf(generics, sizeof generics, "%s to count %s pairs of any client with any server",
                 result->left_out ? ", nor" : "", fl_human_count(result->generics_left_out, count));
    if (!*pairs && !*generics)
        return NULL;
    snprintf(out, 512,
             "%s: mining.memory leaves no room%s%s, and they are in no rule; allow more (mining.memory), ask "
             "for more (mining.support), or mine a shorter span (mining.span)",
             result->run.location, pairs, generics);
    return out;
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
