/* What the steps of describing a pair share; for describe*.c. */
#ifndef FL_MINING_DESCRIBE_PARTS_H
#define FL_MINING_DESCRIBE_PARTS_H

#include "mining/describe.h"

/* When and where: binding host << 32 | window. What is in order of it is by host, then time. */
static inline uint64_t fl_at(uint32_t bind, uint32_t window)
{
    return (uint64_t)bind << 32 | window;
}
static inline uint32_t fl_at_bind(uint64_t at)
{
    return (uint32_t)(at >> 32);
}
static inline uint32_t fl_at_window(uint64_t at)
{
    return (uint32_t)at;
}

struct fl_start { /* of a conversation */
    int64_t ms;
    uint32_t conversation;
    uint32_t host; /* the binding one, or the one behind the node's wildcard */
};

/* Up to 64 windows of one jitter block and binding host, in some of which there is something. */
struct fl_block_part {
    uint64_t at;    /* of the first of the windows, whether it is one of these or not */
    uint64_t bits;  /* one a window */
    uint32_t n;     /* bits set */
    uint32_t first; /* see where they are used */
};

struct fl_spell { /* of being under way */
    uint64_t at;
    uint32_t last; /* window */
};

/* A node's conversations as far as they make a difference, so that a pair need not walk the others. */
struct fl_events {
    bool listed;                   /* to be collected */
    bool during;                   /* also what only `during` pairs need of Y */
    size_t n;                      /* conversations */
    uint64_t *firsts;              /* at: the first of each window and binding host */
    struct fl_start *first_starts; /* likewise */
    size_t n_firsts;
    struct fl_block_part *starting; /* windows of firsts, `first` among these */
    size_t n_starting;
    struct fl_spell *spells;      /* during: of all n, by binding host, then start */
    struct fl_spell *spans;       /* during: those that no later one of their window outlasts */
    struct fl_start *span_starts; /* likewise */
    size_t n_spans;
    struct fl_block_part *under_way; /* during: windows of spans; those before `first` have ended by then */
    size_t n_under_way;
};

struct fl_hit { /* a coincidence */
    uint64_t at;
    uint32_t starts[2]; /* of X's firsts; of Y's firsts or spans */
};

struct fl_hits {
    struct fl_hit *items; /* by at */
    size_t n;
    size_t partners; /* during: distinct conversations of Y that took part; `support` stands for more */
};

/* Room that goes on from pair to pair, of one thread; zeroed at first. */
struct fl_scratch {
    struct fl_hit *hits;
    size_t hits_room;
    int64_t *numbers; /* two for each hit */
    size_t numbers_room;
    uint32_t *order; /* three for each part in which X starts, or one for each of Y's spans */
    size_t order_room;
    struct fl_burst_block *blocks; /* one for each part in which X starts */
    size_t blocks_room;
    uint32_t *made; /* by host, zeros between pairs; NULL at first */
    double *none;   /* by n_y, n_x: see describe_burst.c; NULL at first */
};
void fl_scratch_clear(struct fl_scratch *s);

/* What is wanted of a node and not there yet. FL_ENOMEM. */
int fl_events_collect(struct fl_events *e, uint32_t node, const struct fl_view *view);
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
