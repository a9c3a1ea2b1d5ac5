/* Pass 4 of mining: activity laid out for counting (MINING.md section 4).
 *
 * Pairs come in three families, each counted in a lane of its own:
 *  - NAMED: the nodes name a host in common; counted in windows.
 *  - BOUND_CLIENT: both have the wildcard client; counted in (window, client) incidents, so that only what
 * one and the same client did counts.
 *  - BOUND_SERVER: both have the wildcard server and different clients; counted in (window, server)
 * incidents. A lane holds, for every node, its tracks (what it does, by binding host) and, turned around, for
 * every host and window the nodes that are active there. */
#ifndef FL_MINING_LANE_H
#define FL_MINING_LANE_H

#include "mining/nodes.h"

enum fl_family { FL_NAMED, FL_BOUND_CLIENT, FL_BOUND_SERVER };

struct fl_run_of_windows {
    uint32_t first, last;
};

struct fl_track { /* a node's activity at one binding host (NAMED: one track, bind 0) */
    uint32_t node, bind;
    size_t new_from, new_to; /* in `windows`: windows in which a conversation starts, ascending, distinct */
    size_t run_from, run_to; /* in `runs`: runs of windows in which one is present, ascending, disjoint */
};

struct fl_blocks { /* for every node, how many windows (incidents) of each block it is active in */
    size_t *first; /* n_nodes + 1 */
    uint32_t *block, *count;
};

struct fl_index {  /* for every (host, slot) the nodes active there, ascending */
    size_t n;      /* keys */
    uint64_t *key; /* host << 32 | slot, ascending */
    size_t *first; /* n + 1: into nodes */
    uint32_t *nodes;
};

struct fl_lane {
    enum fl_family family;
    size_t n_nodes;
    struct fl_track *tracks;
    size_t n_tracks;
    size_t *first_track; /* n_nodes + 1; a node of another family has none */
    uint32_t *windows;
    struct fl_run_of_windows *runs;
    uint64_t *n_new, *n_present; /* a node's windows or incidents */
    struct fl_blocks new_blocks, present_blocks;
    uint32_t n_blocks;
    uint32_t *block_windows; /* windows of a block: jitter, or fewer where an end of the span cuts it */
    uint64_t n_total;        /* N: windows, or windows x binding hosts */
    struct fl_index new_at;  /* slot: window */
    struct fl_index part_at; /* slot: window; nodes present there, but not throughout its block */
    struct fl_index full_at; /* slot: block; nodes present in each of its windows */
};

/* FL_ENOMEM. */
int fl_lane_build(struct fl_lane *out, enum fl_family family, const struct fl_nodes *nodes,
                  const struct fl_talk *talk, const struct fl_timeline *time);
void fl_lane_clear(struct fl_lane *lane);

/* The hosts under which a track stands in the index: returns 1 or 2, hosts in *out. */
int fl_track_hosts(const struct fl_lane *lane, const struct fl_nodes *nodes, const struct fl_track *track,
                   uint32_t out[2]);
/* The host a conversation is bound to in a family; 0 for NAMED. */
uint32_t fl_bind_of(enum fl_family family, const struct fl_conversation *c);

#endif
