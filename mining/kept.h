/* What counting leaves for the next run of the same location, so that it counts only what is different then:
 * the activity of the span, and for every pair that met how often it did. */
#ifndef FL_MINING_KEPT_H
#define FL_MINING_KEPT_H

#include "mining/judge.h"
#include "mining/meet.h"

struct fl_kept_pair {
    uint32_t y; /* NAMED: its track; bound: its node */
    struct fl_meetings met;
    uint32_t at_least; /* as in fl_judge_pair */
};

struct fl_kept_row { /* the pairs of one node with greater ones */
    const struct fl_kept_pair *pairs;
    size_t n;
};

struct fl_kept_chunk { /* memory for rows */
    struct fl_kept_chunk *next;
    size_t n, room;
    struct fl_kept_pair pairs[];
};

struct fl_kept_family {
    struct fl_lane lane;
    struct fl_kept_row *rows; /* NAMED: by 2 * track, + 1 under the second of two hosts; bound: by node */
};

/* Zeroed: nothing is kept. */
struct fl_kept_counts {
    size_t budget_bytes; /* for pairs; 0: FL_KEPT_BYTES */
    bool used;           /* by the last run; else it counted everything */
    const char *why_not; /* why it did, a few words */
    size_t bytes;        /* what is held */

    bool filled;
    bool crowded;   /* see fl_meet_build */
    bool too_large; /* for the budget */
    struct fl_kept_family families[3];
    struct fl_kept_chunk *chunks;
    struct fl_node_key *keys;
    size_t n_nodes;
    struct fl_addr *hosts;
    size_t n_hosts;
};

enum { FL_KEPT_BYTES = 512 << 20 };

/* A family now beside the kept one, for counting the difference. */
struct fl_kept_compared {
    struct fl_compared c;
    uint8_t *same_now, *same_before; /* what the sides point to */
    uint32_t *different_now, *different_before;
    size_t *from_now, *from_before;
    uint32_t *before_of; /* NAMED: by node, its number before, or UINT32_MAX */
    uint64_t *lost;      /* by node of now: starts in blocks of before that are different now */
    uint32_t *most;      /* by node of now: the most starts in one block before */
    uint64_t n_different, n_starts;
};

/* Can the difference to what is kept be counted at all? If not, kept->why_not says why. */
bool fl_kept_fits(struct fl_kept_counts *kept, const struct fl_lane lanes[3]);
/* Compare the lanes. `kept` NULL: with nothing. FL_ENOMEM; fl_kept_compared_clear also after a failure. */
int fl_kept_compare(struct fl_kept_compared out[3], const struct fl_kept_counts *kept,
                    const struct fl_lane lanes[3], const struct fl_nodes *nodes, const struct fl_talk *talk);
void fl_kept_compared_clear(struct fl_kept_compared *c);

/* Memory for `n` pairs at the head of *chunks. NULL: out of memory. */
struct fl_kept_pair *fl_kept_room(struct fl_kept_chunk **chunks, size_t n);
/* Move chunks to what is kept; *chunks is empty after it. */
void fl_kept_take(struct fl_kept_counts *kept, struct fl_kept_chunk **chunks);
size_t fl_kept_bytes(const struct fl_kept_counts *kept);
void fl_kept_chunks_clear(struct fl_kept_chunk *chunks);
void fl_kept_clear(struct fl_kept_counts *kept); /* forgets all but the budget and why */

#endif
