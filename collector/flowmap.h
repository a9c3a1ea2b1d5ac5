/* From the superset record to flow records: times, counters, addresses, ICMP, sampling, both directions.
 * Pure. */
#ifndef FL_COLLECTOR_FLOWMAP_H
#define FL_COLLECTOR_FLOWMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/record.h"
#include "storage/flow.h"

enum { FL_SAMPLERS = 16 };

/* What options data and headers say about sampling. */
struct fl_sampling {
    uint32_t interval; /* of the whole session; 0: not said */
    uint8_t source;    /* enum fl_sampling_source */
    uint32_t n_samplers;
    struct {
        uint64_t id; /* samplerId (48) or selectorId (302) */
        uint32_t interval;
    } samplers[FL_SAMPLERS];
};

/* What stands around a record. */
struct fl_flow_context {
    struct fl_addr exporter;
    uint32_t domain;
    int64_t export_ms;   /* the header's clock */
    int64_t received_ms; /* ours */
    int64_t max_future_ms;
    bool boot_known;
    int64_t boot_ms;
    bool uptime_known; /* false (IPFIX): uptimes count straight from boot_ms */
    uint32_t uptime_ms;
    const struct fl_sampling *sampling;
};

/* Fills flows[0], and flows[1] with the other direction when it was counted (alone, when only that one was);
 * `mask` says which fields of the record are present. Returns how many: 0 for a record without addresses. */
int fl_flow_map(const struct fl_flow_context *ctx, const struct fl_record *r, uint64_t mask,
                struct fl_flow flows[2]);
/* Learn from an options record. */
void fl_sampling_learn(struct fl_sampling *s, const struct fl_record *r, uint64_t mask);
/* Do records of this layout need the boot time of the header? */
bool fl_flow_needs_boot(uint64_t mask);

#endif
