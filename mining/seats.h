/* Which nodes name which host. */
#ifndef FL_MINING_SEATS_H
#define FL_MINING_SEATS_H

#include "mining/nodes.h"

struct fl_seats {
    size_t *first;  /* n_hosts + 1: into `node` */
    uint32_t *node; /* by host, node */
    size_t n_hosts;
};

/* `n_hosts` is greater than every host of a key. FL_ENOMEM. */
int fl_seats_build(struct fl_seats *out, const struct fl_nodes *nodes, size_t n_hosts);
void fl_seats_clear(struct fl_seats *s);

#endif
