/* A mining run from the store to the rules database. */
#include "mining/mine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/find.h"
#include "mining/stitch.h"
#include "storage/store.h"
#include "storage/timetext.h"

struct gathered {
    struct fl_flow *flows;
    size_t n, room;
};

static int gather(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct gathered *g = ctx;
    if (g->room - g->n < n) {
        size_t room = g->room * 2 > g->n + n ? g->room * 2 : g->n + n + 4096;
        struct fl_flow *grown = realloc(g->flows, room * sizeof *grown);
        if (!grown)
            return FL_ENOMEM;
        g->flows = grown;
        g->room = room;
    }
    memcpy(g->flows + g->n, flows, n * sizeof *flows);
    g->n += n;
    return 0;
}

static int64_t active_timeout_ms(const struct fl_config *config, const char *location)
{
    for (size_t i = 0; i < config->n_locations; i++)
        if (strcmp(config->locations[i].name, location) == 0 && config->locations[i].active_timeout_ms > 0)
            return config->locations[i].active_timeout_ms;
    return config->active_timeout_ms;
}

static int read_span(struct gathered *out, const struct fl_mine_request *request,
                     struct fl_mine_result *result, struct fl_err *err)
{
    struct fl_scan_filter filter = {.location = request->location,
                                    .from_ms = request->from_ms,
                                    .to_ms = request->to_ms,
                                    .columns = FL_STITCH_FIELDS};
    struct fl_scan_report report = {0};
    int rc = fl_store_scan(request->data_dir, &filter, gather, out, &report, err);
    result->run.flows = out->n;
    result->run.damaged = (uint32_t)report.n_damaged;
    result->n_damaged = report.n_damaged < 8 ? report.n_damaged : 8;
    memcpy(result->damaged, report.damaged, sizeof result->damaged);
    return rc;
}

static int find(struct fl_findings *out, struct gathered *flows, const struct fl_mine_request *request)
{
    struct fl_services services;
    fl_services_load(&services);
    struct fl_find_request find = {.flows = flows->flows,
                                   .n = flows->n,
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
    struct gathered flows = {0};
    struct fl_findings found = {0};
    *result = (struct fl_mine_result){.run = {.from_ms = request->from_ms,
                                              .to_ms = request->to_ms,
                                              .started_ms = fl_now_ms(),
                                              .scheduled = request->scheduled}};
    snprintf(result->run.location, sizeof result->run.location, "%s", request->location);
    int rc = read_span(&flows, request, result, err);
    if (rc < 0)
        goto done;
    rc = find(&found, &flows, request);
    if (rc < 0) {
        if (rc != FL_ESTOP)
            fl_fail(err, rc, "%s: cannot mine: %s%s", request->location, fl_strerror(rc),
                    rc == FL_ELIMIT ? "; choose a shorter span with --from and --to" : "");
        goto done;
    }
    count_rules(&result->run, &found);
    result->run.took_ms = fl_now_ms() - result->run.started_ms;
    struct fl_finding_list list = {.rules = found.rules, .n = found.n};
    rc = fl_rulesdb_store_run(db, &result->run, &list, is_learning(request), &result->alerts, err);
done:
    free(flows.flows);
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
