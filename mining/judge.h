/* Judges pairs by their counts: expected coincidences, tail probability, and whether it may be a rule
 * (MINING.md section 5). */
#ifndef FL_MINING_JUDGE_H
#define FL_MINING_JUDGE_H

#include "mining/lane.h"
#include "storage/config.h"
#include "storage/rule.h"

struct fl_pair {
    uint32_t x, y; /* nodes; start: x < y; during: x starts while y is under way */
    enum fl_family family;
    enum fl_evidence evidence;
    uint64_t n_x, n_y, n_xy; /* windows or incidents */
    double expected, log10_p, log10_q;
};

/* May these two nodes be a pair of this family at all? */
bool fl_pair_allowed(enum fl_family family, const struct fl_node_key *x, const struct fl_node_key *y);

/* What two nodes have in common: windows in which both start; in which one starts while the other is under
 * way but does not start. */
struct fl_meetings {
    uint32_t both, x_during_y, y_during_x;
};

enum { FL_JUDGE_LIMITS = 256 };

struct fl_bench { /* what all judges of a run share */
    const struct fl_lane *lane;
    uint32_t first_slot, last_slot; /* of the span; between them blocks are whole */
    uint32_t first_windows, last_windows;
    const struct fl_mining_config *config;
    double log10_q;
    uint64_t limits[FL_JUDGE_LIMITS];
};

/* What a judge found. */
struct fl_found {
    double *p; /* every log10_p <= the threshold */
    size_t n_p, room_p;
    struct fl_pair *pairs;
    size_t n_pairs, room_pairs;
    uint64_t tested; /* pairs with n_xy >= 1, both kinds of evidence */
};

struct fl_judge {
    const struct fl_bench *bench;
    struct fl_found *found;
    uint32_t x;                  /* the node whose pairs are judged */
    uint32_t *x_new, *x_present; /* its counts by block, dense; NULL before they are needed */
};

void fl_benches_init(struct fl_bench benches[3], const struct fl_lane lanes[3],
                     const struct fl_mining_config *config);
void fl_judge_init(struct fl_judge *j, const struct fl_bench *bench, struct fl_found *found);
void fl_judge_clear(struct fl_judge *j);
void fl_found_clear(struct fl_found *f);

/* Sums over blocks: of starts of both; of starts of one and presence of the other. Or no more than these:
 * they only tell early that a pair is chance, and what is expected is never made of them. */
struct fl_sums {
    uint32_t start, x_during_y, y_during_x;
};

/* Judge the pair of x < y; fastest with all pairs of an x in a row. `known` NULL, or too little: the sums are
 * added up as far as need be. FL_ENOMEM. */
int fl_judge_pair(struct fl_judge *j, uint32_t x, uint32_t y, const struct fl_meetings *m,
                  const struct fl_sums *known);

/* Put all results together: q-values over all that was tested, those above config->q go, the rest by family,
 * x, y, evidence. *pairs is freed by the caller. FL_ENOMEM. */
int fl_found_settle(struct fl_found *found, size_t n, double log10_q, struct fl_pair **pairs, size_t *n_pairs,
                    uint64_t *tested);

#endif
