/* All passes of mining in their order: flow records in, rules out. Pure: the same records in any order give
 * the same rules, bit for bit. */
#ifndef FL_MINING_FIND_H
#define FL_MINING_FIND_H

#include "mining/count.h"
#include "mining/records.h"
#include "mining/talk.h"
#include "storage/config.h"
#include "storage/rule.h"
#include "storage/rulesdb.h"

/* What a run is doing, in this order. */
enum fl_phase { FL_PHASE_READING, FL_PHASE_JOINING, FL_PHASE_COUNTING, FL_PHASE_DESCRIBING };
const char *fl_phase_name(enum fl_phase phase); /* "reading" and so on */
/* How far the whole run is when a phase is done to this share, both 0..1. */
double fl_phase_done(enum fl_phase phase, double share);

struct fl_find_request {
    struct fl_flow *flows; /* starts in [from_ms, to_ms) */
    size_t n;
    const struct fl_records *records; /* the same in compact form; where given, `flows` is not looked at */
    int64_t from_ms, to_ms;
    int64_t active_timeout_ms; /* of exporters from which none can be learned */
    uint64_t memory_bytes;     /* that counting may take (fl_lanes_build), and rules a quarter of; 0: any */
    const struct fl_mining_config *config;
    const struct fl_services *services;
    /* Asked now and then, with how far the whole run is; NULL: never. Non-zero ends with FL_ESTOP. */
    int (*stop)(void *ctx, enum fl_phase phase, double done);
    void *ctx;
    struct fl_recheck *rechecks; /* known rules to look at again (recheck.h); NULL: none */
    size_t n_rechecks;
};

struct fl_findings {
    struct fl_rule *rules; /* rules that stand for themselves by score, then instances */
    size_t n;
    struct fl_cluster *clusters; /* which fl_rule.cluster counts in */
    size_t n_clusters;
    uint64_t conversations, nodes, pairs_tested;
    uint64_t left_out; /* pairs that passed the test, but were too many to be looked at: the weakest */
    uint64_t generics_left_out; /* pairs of any client and any server that there was no room to count */
    bool crowded; /* some hosts had windows with so many nodes that their wildcards stand for them */
};

/* The passes up to conversations. FL_ELIMIT, FL_ENOMEM. */
int fl_find_talk(struct fl_talk *out, const struct fl_find_request *request);
/* FL_EINVAL for an empty span, FL_ELIMIT for one of too many windows or for more memory than asked for,
 * FL_ESTOP, FL_ENOMEM. */
int fl_find_rules(struct fl_findings *out, const struct fl_find_request *request);
void fl_findings_clear(struct fl_findings *f);

#endif
