/* The activity of a family in two runs side by side, and which of it is under which host. */
#ifndef FL_MINING_SEATS_H
#define FL_MINING_SEATS_H

#include "mining/lane.h"

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

/* FL_ENOMEM. */
int fl_seats_build(struct fl_seats *out, const struct fl_compared *c, const struct fl_nodes *nodes);
void fl_seats_clear(struct fl_seats *s);

#endif
