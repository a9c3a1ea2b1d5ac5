/* Pass 4 of mining: activity laid out for counting (MINING.md section 4).
 *
 * Pairs come in three families, each counted in a lane of its own:
 *  - NAMED: the nodes name a host in common; counted in windows.
 *  - BOUND_CLIENT: both have the wildcard client; counted in (window, client) incidents, so that only what
 * one and the same client did counts.
 *  - BOUND_SERVER: both have the wildcard server and different clients; counted in (window, server)
 * incidents.
 *
 * A lane holds, for every node, its tracks: what it does, by binding host. */
#ifndef FL_MINING_LANE_H
#define FL_MINING_LANE_H

#include "mining/nodes.h"

enum fl_family { FL_NAMED, FL_BOUND_CLIENT, FL_BOUND_SERVER };

struct fl_run_of_windows {
    uint32_t first, last;
};

struct fl_block { /* jitter windows of one binding host in which a track is active */
    uint32_t id;  /* in [0, n_blocks); NAMED: the windows' number / jitter */
    uint32_t n_new, n_present;
    uint32_t starts; /* where its windows of starts begin, behind the track's new_from */
};

struct fl_track { /* a node's activity at one binding host (NAMED: one track, bind 0) */
    uint32_t node, bind;
    size_t new_from, new_to; /* in `windows`: windows in which a conversation starts, ascending, distinct */
    size_t run_from, run_to; /* in `runs`: runs of windows in which one is present, ascending, disjoint */
    size_t block_from, block_to; /* in `blocks`, ascending in time */
};

struct fl_lane {
    enum fl_family family;
    struct fl_timeline time;
    size_t n_nodes;
    struct fl_track *tracks; /* by node, bind */
    size_t n_tracks;
    size_t *first_track; /* n_nodes + 1; a node of another family has none */
    uint32_t *windows;
    struct fl_run_of_windows *runs;
    struct fl_block *blocks;
    size_t *first_block; /* n_nodes + 1: a node's blocks, track by track */
    uint32_t n_blocks;
    uint32_t *block_slot;        /* by id: first window / jitter; NULL: the id itself */
    uint64_t *n_new, *n_present; /* a node's windows or incidents */
    uint64_t n_total;            /* N: windows, or windows x binding hosts */
};

/* All three, by family, on up to `threads` threads (0: one a processor). FL_ENOMEM; the lanes are then
 * empty. */
int fl_lanes_build(struct fl_lane lanes[3], const struct fl_nodes *nodes, const struct fl_talk *talk,
                   const struct fl_timeline *time, uint32_t threads);
void fl_lane_clear(struct fl_lane *lane);

/* First window / jitter of a block, and how many of its windows the span has: jitter, or fewer where an end
 * of the span cuts it. */
static inline uint32_t fl_block_slot(const struct fl_lane *lane, uint32_t id)
{
    return lane->block_slot ? lane->block_slot[id] : id;
}
uint32_t fl_block_windows(const struct fl_lane *lane, uint32_t id);
/* The entry in `blocks` of a track's block by that slot; block_to when it is not active there. */
size_t fl_block_at(const struct fl_lane *lane, const struct fl_track *t, uint32_t slot);
/* The first run of a track that ends at `window` or later, which may be the one behind its last. */
const struct fl_run_of_windows *fl_run_at(const struct fl_lane *lane, const struct fl_track *t,
                                          uint32_t window);

/* The host a conversation is bound to in a family; 0 for NAMED. */
uint32_t fl_bind_of(enum fl_family family, const struct fl_conversation *c);

#endif
