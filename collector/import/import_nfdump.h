/* nfcapd files, read through Debian's nfdump: its own format changes between versions, its JSON does not lose
 * milliseconds, families, interfaces, translated addresses or events. The domain is not in it, nor whether a
 * direction of ingress was told or is the default. */
#ifndef FL_COLLECTOR_IMPORT_NFDUMP_H
#define FL_COLLECTOR_IMPORT_NFDUMP_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/import/input.h"
#include "storage/error.h"
#include "storage/flow.h"

/* Take one object of nfdump's JSON. Returns the records made: 1, 2 when the other direction was counted too,
 * 0 for what is no flow (no addresses); FL_EMALF with a sentence. *sampled: nfcapd has scaled the counters
 * already. */
int fl_nfdump_flows(const char *text, size_t length, struct fl_flow out[2], bool *sampled,
                    struct fl_err *err);

struct fl_nfdump;

/* Start nfdump on an open input (borrowed). FL_ENOENT when there is no nfdump, FL_EIO. */
int fl_nfdump_start(struct fl_nfdump **out, const struct fl_input *in, struct fl_err *err);
/* The next object, borrowed until the next call: 1; 0 at the end; FL_EMALF when one is too long, which costs
 * that one; FL_EIO in nfdump's words when it failed; FL_ESTOP when a signal asked to stop. */
int fl_nfdump_next(struct fl_nfdump *n, const char **text, size_t *length, struct fl_err *err);
/* How much of it was read, 0..1. */
double fl_nfdump_done(const struct fl_nfdump *n);
/* Ends nfdump when it has not ended. */
void fl_nfdump_free(struct fl_nfdump *n);

#endif
