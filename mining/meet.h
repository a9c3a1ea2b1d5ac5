/* Who meets whom where: the nodes that are active under one host and window, in both directions, for one
 * group of nodes that can be pairs (NAMED: those that name one host; a bound family: all of it).
 *
 * What a run counts is either everything, or what is different from the run before it: activity then carries
 * a label, by node and block, and only windows in which anything is different are laid out. Counting what
 * labels say (FL_MEET_SIGN) and adding it to the counts before gives the counts now. */
#ifndef FL_MINING_MEET_H
#define FL_MINING_MEET_H

#include "mining/seats.h"

enum fl_label {
    FL_ADDED,   /* active like this now, not before */
    FL_REMOVED, /* before, not now */
    FL_STAYED,  /* now as before */
    FL_LABELS
};

/* Keys stand for a host and window. A list entry is row << 1 | whole, with whole: the row is present
 * throughout the block as well. */
struct fl_meet {
    enum fl_family family;
    uint32_t host;       /* NAMED */
    uint32_t first_node; /* bound: row 0 */
    uint32_t n_rows;
    uint32_t *node;  /* by row */
    uint32_t *twin;  /* by row, NAMED */
    uint32_t *other; /* by row, NAMED: the other host of a concrete node, else FL_HOST_ANY */
    unsigned labels; /* 1: everything is FL_ADDED; else FL_LABELS */

    /* by key and label: where the list begins; one more at the end */
    uint32_t n_keys;
    uint32_t *new_begin, *part_begin;
    uint32_t *new_list;  /* rows that start there */
    uint32_t *part_list; /* rows present there, that do not start there, nor are there throughout the block */
    uint32_t *whole_of;  /* by key: the number of its block, or UINT32_MAX when none is there throughout */

    /* by number of block and label; blocks in which a row is present throughout */
    uint32_t n_wholes;
    uint32_t *whole_begin, *whole_list;
    uint32_t *key_from, *key_to; /* the keys inside */

    /* by row: its keys << 3 | label << 1 | whole; its keys << 3 | label << 1; its blocks << 2 | label */
    uint32_t *new_first, *part_first, *whole_first; /* n_rows + 1 */
    uint32_t *new_at, *part_at, *whole_at;

    bool crowded; /* some rows were left out of some windows */
    struct fl_meet_scratch *scratch;
};

/* +1, -1 or 0: what a meeting of two labels adds. */
extern const int8_t FL_MEET_SIGN[FL_LABELS][FL_LABELS];

/* What `crowd` below is where nothing else is asked for. */
enum { FL_CROWD = 1024 };

/* Lay out the twins under hosts [host, host_end): one host of NAMED, all of a bound family. *m is zeroed
 * before its first use and may be used again. Where more than `crowd` nodes of one kind (NAMED: those asking
 * as the host, those served by it, those with a wildcard; bound: all) are active under one host in one
 * window, that kind is left out there: the wildcard nodes stand for the crowd, and the cost of a window stays
 * in bounds. FL_ENOMEM; FL_ELIMIT beyond 2^29 rows or keys. */
int fl_meet_build(struct fl_meet *m, const struct fl_compared *c, const struct fl_seats *seats,
                  const struct fl_nodes *nodes, uint32_t host, uint32_t host_end, uint32_t crowd);
void fl_meet_clear(struct fl_meet *m);

#endif
