/* Pass 4 of mining: activity laid out for counting (MINING.md section 4).
 *
 * Pairs come in three families, each counted in a lane of its own:
 *  - NAMED: the nodes name a host in common; counted in windows.
 *  - BOUND_CLIENT: both have the wildcard client; counted in (window, client) incidents, so that only what
 * one and the same client did counts.
 *  - BOUND_SERVER: both have the wildcard server and different clients; counted in (window, server)
 * incidents.
 *
 * A lane holds, for every node, its cells: up to 64 windows of one block and one binding host, a bit each. */
#ifndef FL_MINING_LANE_H
#define FL_MINING_LANE_H

#include "mining/nodes.h"
#include "mining/stop.h"

enum fl_family { FL_NAMED, FL_BOUND_CLIENT, FL_BOUND_SERVER };

/* The windows in which a conversation starts, and those in which one is under way (among them the former). */
struct fl_cell {
    uint64_t starts, present;
    uint32_t at;              /* block * words + which 64 windows of it */
    uint8_t n_new, n_present; /* bits of the two */
};

struct fl_lane {
    enum fl_family family;
    struct fl_timeline time;
    uint32_t words; /* cells a block: (jitter + 63) / 64 */
    size_t n_nodes;
    struct fl_cell *cells;
    size_t *first_cell;          /* n_nodes + 1; a node of another family has none */
    uint32_t n_blocks;           /* blocks are in [0, n_blocks): jitter windows of one binding host */
    uint32_t *block_slot;        /* by block: first window / jitter; NULL (NAMED): the block itself */
    uint64_t *n_new, *n_present; /* a node's windows or incidents */
    uint64_t n_total;            /* N: windows, or windows x binding hosts */
};

struct fl_lanes_request {
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    uint32_t threads; /* 0: one a processor */
    /* What the lanes, and counting them on so many threads, may take, about; 0: any. Whether they stay within
     * it does not depend on the machine or on which thread is faster. */
    uint64_t memory_bytes;
    const struct fl_stop *stop; /* asked now and then, from the calling thread; NULL: not */
};
/* All three, by family; without nodes of one client there are pairs of FL_BOUND_CLIENT alone, and the others
 * are empty. FL_ELIMIT beyond `memory_bytes` or 2^32 cells, FL_ESTOP, FL_ENOMEM; the lanes are then empty. */
int fl_lanes_build(struct fl_lane lanes[3], const struct fl_lanes_request *request);
void fl_lane_clear(struct fl_lane *lane);

/* The host a conversation is bound to in a family; 0 for NAMED. */
uint32_t fl_bind_of(enum fl_family family, const struct fl_conversation *c);

#endif
