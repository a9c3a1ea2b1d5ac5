/* All passes of mining in their order: flow records in, rules out. Pure: the same records in any order give
 * the same rules, bit for bit. */
#ifndef FL_MINING_FIND_H
#define FL_MINING_FIND_H

#include "mining/talk.h"
#include "storage/config.h"
#include "storage/rule.h"

struct fl_find_request {
    struct fl_flow *flows; /* starts in [from_ms, to_ms); reordered */
    size_t n;
    int64_t from_ms, to_ms;
    int64_t active_timeout_ms; /* of exporters from which none can be learned */
    const struct fl_mining_config *config;
    const struct fl_services *services;
    int (*stop)(void *ctx, double done); /* NULL: never; non-zero ends with FL_ESTOP */
    void *ctx;
};

struct fl_findings {
    struct fl_rule *rules; /* rules that stand for themselves by score, then instances */
    size_t n;
    uint64_t conversations, nodes, pairs_tested;
};

/* FL_EINVAL for an empty span, FL_ELIMIT for one of too many windows, FL_ESTOP, FL_ENOMEM. */
int fl_find_rules(struct fl_findings *out, const struct fl_find_request *request);
void fl_findings_clear(struct fl_findings *f);

#endif
