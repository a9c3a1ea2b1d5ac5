/* Reading a span of one location's flows from the store, and keeping them for the run after: an hour later
 * only the new hour is read, and what changed behind it. The one place where mining reads the store. */
#ifndef FL_MINING_READ_H
#define FL_MINING_READ_H

#include "mining/records.h"
#include "storage/store.h"

/* What the last run of a location read, for the next one; zeroed: nothing. */
struct fl_kept_flows {
    struct fl_records records;
    int64_t from_ms, to_ms;         /* all that start in [from, to) */
    struct fl_bucket_stamp *stamps; /* of the buckets that they came from */
    size_t n_stamps;
};
void fl_kept_flows_clear(struct fl_kept_flows *kept);
uint64_t fl_kept_flows_bytes(const struct fl_kept_flows *kept);

struct fl_read_request {
    const char *data_dir, *location;
    int64_t from_ms, to_ms; /* starts in [from, to) */
    uint32_t threads;       /* 0: one a processor */
    uint64_t most;          /* so many records are read at most; FL_ELIMIT beyond */
    /* Asked now and then, from the calling thread, with the share that is read; NULL: never. Non-zero ends
     * with FL_ESTOP. */
    int (*stop)(void *ctx, double done);
    void *ctx;
};
/* Make kept->records those of the span, whatever was kept before: the same as reading all afresh. What is
 * damaged is left out and in *report, and then nothing but the records stays for the next run. On failure
 * nothing is kept. FL_ELIMIT also beyond 65,535 sources (exporter and domain); FL_ESTOP, FL_EIO, FL_ENEWER,
 * FL_EDB, FL_ENOMEM; *err says more of failures of the store. */
int fl_read_span(struct fl_kept_flows *kept, const struct fl_read_request *request,
                 struct fl_scan_report *report, struct fl_err *err);

#endif
