/* Who meets whom where: the nodes that are active in one cell, for one group of nodes that can be pairs
 * (NAMED: those that name one host; a bound family: all of it). */
#ifndef FL_MINING_MEET_H
#define FL_MINING_MEET_H

#include "mining/lane.h"

struct fl_active { /* a row in a list: its windows there */
    uint64_t starts, present;
    uint32_t row;
    uint16_t n_new, n_present; /* of the whole cell */
};

/* Rows that are active in the same cell, or in the same part of one: those that start there, then those that
 * are only present, each in order. Two of them meet in the windows that their bits share. */
struct fl_list {
    uint32_t starters, others, end; /* in `active` */
    bool met; /* the starters meet one another in other lists, here they meet the others */
};

struct fl_place { /* of a row */
    uint32_t at, list;
};

struct fl_meet {
    enum fl_family family;
    uint32_t host; /* NAMED */
    uint32_t n_rows;
    uint32_t *node;  /* by row, ascending */
    uint32_t *other; /* by row, NAMED: the other host of a concrete node, else FL_HOST_ANY */
    struct fl_active *active;
    struct fl_list *lists;
    uint32_t n_active, n_lists;
    uint32_t *first; /* by row, one more at the end: into `places` */
    struct fl_place *places;
    /* By row: some of its cells are in several lists each. Where that is not so of both of two rows, sums of
     * n_new * n_new and the like over the lists that both are in, modulo 2^32, are at most those over their
     * blocks: they lack what two cells of a block have together, and windows that were left out. */
    uint8_t *in_parts;
    bool crowded; /* some rows were left out of some windows */
    struct fl_meet_scratch *scratch;
};

/* Lay out `n` nodes, ascending, that name `host`, or belong to a bound family. *m is zeroed before its first
 * use and may be used again. Where more than `crowd` nodes of one kind (NAMED: those asking as the host,
 * those served by it, those with a wildcard; bound: all) are present under one host in one window, that kind
 * is left out there: the wildcard nodes stand for the crowd, and the cost of a window stays in bounds.
 * FL_ENOMEM; FL_ELIMIT beyond 2^32 cells. */
int fl_meet_build(struct fl_meet *m, const struct fl_lane *lane, const struct fl_nodes *nodes, uint32_t host,
                  const uint32_t *node, size_t n, uint32_t crowd);
void fl_meet_clear(struct fl_meet *m);

#endif
