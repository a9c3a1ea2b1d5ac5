/* Pass 6 of mining: what a pair's coincidences look like one by one: lag, clock phase, hosts, examples, and
 * the rule they make (MINING.md section 5). Walks the conversations of each pair by themselves: tests hold
 * what it meets there against what was counted. */
#ifndef FL_MINING_DESCRIBE_H
#define FL_MINING_DESCRIBE_H

#include "mining/count.h"
#include "mining/stop.h"

/* What pairs are looked at with; fill in all but the last three, zero those. */
struct fl_view {
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    const struct fl_mining_config *config;
    const uint64_t *n_total; /* N by family */
    uint64_t most_bytes;     /* of events that fl_describe_all keeps from one batch to the next; 0: any */
    double log10_tests;      /* what p-values are multiplied by at least to be q-values; 0: not known */
    uint64_t kept_bytes;
    enum fl_family family;    /* of the events kept */
    struct fl_events *events; /* by node: its conversations in order, kept from pair to pair of a family */
};

/* Rules found so far, in a buffer that grows. */
struct fl_rules {
    struct fl_rule *items;
    size_t n, room;
};
/* Describe n pairs that passed the test and stand family by family, on up to config->threads threads, which
 * is of no account to what comes out: the rules of those that a closer look does not deny go behind those of
 * `out` in the order of the pairs, place[i] is where that of pair i stands, or -1. A rule's p-value is at
 * least the pair's; what q-value that makes is for fl_keep_significant. Denied are pairs with fewer than 3
 * hosts behind a bound wildcard, with one host behind nine tenths of a wildcard's coincidences (at least
 * `support`), `during` pairs with fewer than `support` distinct conversations under way, and pairs whose
 * q-value will be above config->q whatever that of others is, as far as `log10_tests` tells. The view keeps
 * the events of nodes from call to call. `stop` (NULL: not) is asked before each pair that the calling thread
 * takes. FL_ESTOP, FL_ENOMEM. */
int fl_describe_all(struct fl_rules *out, int32_t *place, const struct fl_pair *pairs, size_t n,
                    struct fl_view *view, const struct fl_stop *stop);
/* Give n rules the q-values of their p-values among `tested` tests, drop those above `q`, in place, and
 * return how many are left; place[i] is where rule i has gone, or -1. FL_ENOMEM. */
long fl_keep_significant(struct fl_rule *rules, size_t n, uint64_t tested, double q, int32_t *place);
/* Free what fl_describe_all kept. */
void fl_view_clear(struct fl_view *view);

/* The phase that at least 80 % of `n` window starts (ms) keep: "MM:SS" of the hour, ":SS" of the minute (a
 * multiple of 5 s), or "". Windows longer than 5 s have no phase. */
void fl_clock_phase(const int64_t *times_ms, size_t n, int64_t window_ms, char out[8]);

/* How `n` lags (ms, ascending) lie: bins of a round width, the narrowest with which the middle nine tenths
 * lie within; `symmetrical` puts 0 at the middle. No lags: step 0. */
void fl_lag_histogram(const int64_t *sorted_ms, size_t n, bool symmetrical, struct fl_lag_histogram *out);

#endif
