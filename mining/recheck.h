/* How known rules stand in a run, whether it found them or not: what they would be counted as, and how long
 * one side has gone on without the other. Pure. */
#ifndef FL_MINING_RECHECK_H
#define FL_MINING_RECHECK_H

#include <stddef.h>

#include "mining/nodes.h"
#include "storage/rulesdb.h"

struct fl_recheck_stop { /* asked now and then */
    int (*ask)(void *ctx);
    void *ctx;
};

/* Fill in what is out of `items` (storage/rulesdb.h), worked out plainly from the conversations, which are
 * those of the run. A periodic rule (a `single` item) has its starts alone counted. `stop`
 * may be NULL; non-zero from it ends with FL_ESTOP. FL_ENOMEM. */
int fl_recheck(struct fl_recheck *items, size_t n, const struct fl_talk *talk, const struct fl_timeline *time,
               const struct fl_recheck_stop *stop);

#endif
