/* What the steps of describing a pair share; for describe*.c. */
#ifndef FL_MINING_DESCRIBE_PARTS_H
#define FL_MINING_DESCRIBE_PARTS_H

#include "mining/describe.h"

struct fl_activity { /* a conversation of one node, or a stretch of time in which there are some */
    uint32_t bind, conversation;
    uint32_t first, last; /* windows */
};

/* Those that make no difference are left out here and there, so that a pair need not walk them; where none
 * is, all may be one array. */
struct fl_events {
    struct fl_activity *items; /* by bind, then start */
    size_t n;
    struct fl_activity *firsts; /* the first of each window and binding host */
    size_t n_firsts;
    struct fl_activity *spans; /* those that no later one of their window outlasts */
    size_t n_spans;
    struct fl_activity *stretches; /* windows in which any is under way: disjoint, no conversation */
    size_t n_stretches;
};

struct fl_hit { /* a coincidence */
    uint32_t window;
    uint32_t bind;
    uint32_t conversations[2]; /* of X, of Y */
};

struct fl_hits {
    struct fl_hit *items; /* by bind, then window */
    size_t n;
    size_t partners; /* during: distinct conversations of Y that took part; `support` stands for more */
};

/* Room that goes on from pair to pair, of one thread; zeroed at first. */
struct fl_scratch {
    struct fl_hit *hits;
    size_t hits_room;
    int64_t *numbers; /* two for each hit */
    size_t numbers_room;
    uint32_t *order; /* three for each hit or block, one for each of Y's spans, whichever are more */
    size_t order_room;
    struct fl_burst_block *blocks; /* one for each event of X, and one more for each to put them in order */
    size_t blocks_room;
    uint32_t *made; /* by host, zeros between pairs; NULL at first */
    double *none;   /* by n_y, n_x: see describe_burst.c; NULL at first */
};
void fl_scratch_clear(struct fl_scratch *s);

/* The events of one node. FL_ENOMEM. */
int fl_events_collect(struct fl_events *out, uint32_t node, const struct fl_view *view);
uint64_t fl_events_bytes(const struct fl_events *e);

/* The coincidences of a pair whose events are kept, in the scratch's room. FL_ENOMEM. */
int fl_hits_collect(struct fl_hits *out, const struct fl_pair *pair, const struct fl_view *view,
                    struct fl_scratch *scratch);

/* Raises the rule's p-value to that by blocks, where it is less. FL_ENOMEM. */
int fl_weigh_bursts(struct fl_rule *rule, const struct fl_hits *hits, const struct fl_pair *pair,
                    const struct fl_view *view, struct fl_scratch *scratch);

/* Fill in the rule of a pair whose events are kept. Its p-value is at least the pair's. Returns 1, or 0 when
 * a closer look denies it (describe.h); FL_ENOMEM. */
int fl_describe_in(struct fl_rule *out, const struct fl_pair *pair, const struct fl_view *view,
                   struct fl_scratch *scratch);

#endif
