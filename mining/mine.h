/* One mining run: read a span of one location's flows from the store, find its rules, keep them in the rules
 * database. The passes in between are pure. */
#ifndef FL_MINING_MINE_H
#define FL_MINING_MINE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mining/find.h"
#include "mining/read.h"
#include "storage/config.h"
#include "storage/rulesdb.h"

struct fl_mine_request {
    const char *data_dir, *location;
    int64_t from_ms, to_ms; /* record starts in [from, to) */
    const struct fl_config *config;
    bool scheduled;
    struct fl_kept_flows *kept_flows; /* of this location's last run, and then of this one; NULL: none */
    /* Called now and then, from the calling thread, with what is being done and how far the run is, 0..1;
     * NULL: not. A non-zero return stops the run (FL_ESTOP), the rules database as it was. */
    int (*progress)(void *ctx, enum fl_phase phase, double done);
    void *ctx;
};
struct fl_mine_result {
    struct fl_run run;
    size_t alerts;                        /* opened by this run */
    bool crowded;                         /* see fl_findings */
    uint64_t left_out, generics_left_out; /* likewise */
    char damaged[8][256];                 /* the first few damaged buckets, each "path: what is wrong" */
    size_t n_damaged;
};
/* Mine and store. A span without flows is a run with no rules. FL_ESTOP, FL_EDB, FL_EIO, FL_ENEWER,
 * FL_ENOMEM; FL_ELIMIT when it would need more memory than configured, or has too many windows or sources. */
int fl_mine(struct fl_rulesdb *db, const struct fl_mine_request *request, struct fl_mine_result *result,
            struct fl_err *err);
/* What to tell of a run that left pairs or generics out, in one sentence; NULL where it left out none.
 * Returns `out`. */
const char *fl_mine_left_out(const struct fl_mine_result *result, char out[512]);
/* What a run may use: as configured, else half of the machine's memory. */
uint64_t fl_mine_memory_bytes(const struct fl_mining_config *config);
/* The trailing span up to the newest record of a location (the newest start is inside). FL_ENOENT: no
 * records. */
int fl_mine_trailing_span(const char *data_dir, const char *location, int64_t span_ms, int64_t *from_ms,
                          int64_t *to_ms, struct fl_err *err);

#endif
