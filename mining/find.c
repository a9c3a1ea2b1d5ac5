/* The passes of mining, one after the other. */
#include "mining/find.h"

#include <stdlib.h>

#include "mining/count.h"
#include "mining/describe.h"
#include "mining/fold.h"
#include "mining/lane.h"
#include "storage/error.h"

static int find_talk(struct fl_talk *out, const struct fl_find_request *r)
{
    struct fl_uniflow *flows = NULL;
    size_t n = 0;
    int rc = fl_stitch(r->flows, r->n, r->active_timeout_ms, &flows, &n);
    if (rc == 0)
        rc = fl_talk_build(out, flows, n, r->services, r->config->service_peers);
    free(flows);
    return rc;
}

static int count_families(struct fl_pairs *out, uint64_t n_total[3], const struct fl_nodes *nodes,
                          const struct fl_talk *talk, const struct fl_timeline *time,
                          const struct fl_find_request *r)
{
    struct fl_lane lanes[3] = {{0}};
    int rc = 0;
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER && rc == 0; family++) {
        rc = fl_lane_build(&lanes[family], (enum fl_family)family, nodes, talk, time);
        n_total[family] = lanes[family].n_total;
    }
    if (rc == 0)
        rc = fl_count_pairs(out, lanes, nodes, time->jitter, r->config, r->stop, r->ctx);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++)
        fl_lane_clear(&lanes[family]);
    return rc;
}

static int describe_pairs(struct fl_findings *out, const struct fl_pairs *pairs, struct fl_view *view,
                          const struct fl_find_request *r)
{
    out->rules = malloc((pairs->n + 1) * sizeof *out->rules);
    if (!out->rules)
        return FL_ENOMEM;
    for (size_t i = 0; i < pairs->n; i++) {
        if (i % 256 == 255 && r->stop && r->stop(r->ctx, 1))
            return FL_ESTOP;
        int rc = fl_describe(&out->rules[out->n], &pairs->items[i], view);
        if (rc < 0)
            return rc;
        out->n += rc > 0;
    }
    long left = fl_fold(out->rules, out->n);
    if (left < 0)
        return (int)left;
    out->n = (size_t)left;
    return 0;
}

int fl_find_rules(struct fl_findings *out, const struct fl_find_request *r)
{
    struct fl_talk talk = {0};
    struct fl_nodes nodes = {0};
    struct fl_pairs pairs = {0};
    struct fl_timeline time;
    uint64_t n_total[3];
    struct fl_view view = {
        .nodes = &nodes, .talk = &talk, .time = &time, .config = r->config, .n_total = n_total};
    *out = (struct fl_findings){0};
    int rc = fl_timeline_init(&time, r->from_ms, r->to_ms, r->config->window_ms, r->config->jitter);
    if (rc == 0)
        rc = find_talk(&talk, r);
    if (rc == 0)
        rc = fl_nodes_build(&nodes, &talk, &time, r->config->support);
    if (rc == 0)
        rc = count_families(&pairs, n_total, &nodes, &talk, &time, r);
    if (rc == 0)
        rc = describe_pairs(out, &pairs, &view, r);
    fl_view_clear(&view);
    out->conversations = talk.n;
    out->nodes = nodes.n;
    out->pairs_tested = pairs.tested;
    if (rc < 0)
        fl_findings_clear(out);
    fl_pairs_clear(&pairs);
    fl_nodes_clear(&nodes);
    fl_talk_clear(&talk);
    return rc;
}

void fl_findings_clear(struct fl_findings *f)
{
    free(f->rules);
    *f = (struct fl_findings){0};
}
