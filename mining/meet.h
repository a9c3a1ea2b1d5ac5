/* Who meets whom where: the nodes that are active under one host and window, in both directions, for one
 * group of nodes that can be pairs (NAMED: those that name one host; a bound family: all of it).
 *
 * What a run counts is either everything, or what is different from the run before it: activity then carries
 * a label, by node and block, and only windows in which anything is different are laid out. Counting what
 * labels say (FL_MEET_SIGN) and adding it to the counts before gives the counts now. */
#ifndef FL_MINING_MEET_H
#define FL_MINING_MEET_H

#include "mining/lane.h"

enum fl_label {
    FL_ADDED,   /* active like this now, not before */
    FL_REMOVED, /* before, not now */
    FL_STAYED,  /* now as before */
    FL_LABELS
};

#define FL_NO_TRACK UINT32_MAX

struct fl_twin {          /* the same node and host, now and before */
    uint32_t now, before; /* tracks, or FL_NO_TRACK */
    uint32_t node, bind;  /* by the numbers of now; `bind` of a host that is gone lies beyond them */
};

struct fl_side { /* one of the two runs */
    const struct fl_lane *lane;
    uint32_t shift;            /* added to its windows: where they are on the scale that both share */
    const uint8_t *same;       /* by entry of `blocks`: the other run has the same; NULL: there is no other */
    const uint32_t *different; /* the entries that it has not, by track */
    const size_t *different_from; /* by track, one more at the end */
};

struct fl_compared {            /* a family, now and before */
    struct fl_side now, before; /* before.lane NULL: everything is new */
    struct fl_twin *twins;      /* by node, bind */
    size_t n_twins;
    uint32_t n_hosts;                /* greater than every bind and every host of a key */
    uint32_t n_windows;              /* of the scale; a multiple of jitter */
    uint32_t shared_from, shared_to; /* blocks of the scale that both runs have */
};

struct fl_seats {   /* the twins under each host */
    size_t *first;  /* n_hosts + 1: into `twin` */
    uint32_t *twin; /* by host, node */
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

/* FL_ENOMEM. */
int fl_seats_build(struct fl_seats *out, const struct fl_compared *c, const struct fl_nodes *nodes);
void fl_seats_clear(struct fl_seats *s);

#endif
