/* The long way of NetFlow v5, which the short one (collector/decode/v5.h) is held against: the record as a
 * data record of an IPFIX template, laid out by its plan and mapped as any other. */
#ifndef FL_TESTS_COLLECTOR_V5_ORACLE_H
#define FL_TESTS_COLLECTOR_V5_ORACLE_H

#include <stdlib.h>
#include <string.h>

#include "collector/decode/flowtime.h"
#include "collector/decode/plan.h"
#include "collector/decode/v5.h"

/* Fill in the flows of n records; returns how many. */
static inline size_t v5_long_way(const struct fl_layout *v5, const struct fl_flow_context *ctx,
                                 const uint8_t *records, size_t n, struct fl_flow *flows)
{
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        struct fl_record r = {0};
        struct fl_flow two[2];
        memset(two, 0xa5, sizeof two);
        fl_plan_lay(v5->plan, records + i * FL_V5_RECORD_BYTES, FL_V5_RECORD_BYTES, 1, &r);
        if (fl_flow_map(ctx, &v5->recipe, &r, two) > 0)
            flows[made++] = two[0];
    }
    return made;
}

/* All but the bytes behind the last field, which are nobody's. */
static inline bool v5_same_flow(const struct fl_flow *a, const struct fl_flow *b)
{
    return memcmp(a, b, offsetof(struct fl_flow, event) + sizeof a->event) == 0;
}

/* Whether both ways make the same of n records, at most 64: every field of every flow. */
static inline bool v5_ways_agree(const struct fl_layout *v5, const struct fl_flow_context *ctx,
                                 const uint8_t *records, size_t n)
{
    struct fl_flow_context quick = *ctx;
    struct fl_flow expected[64], got[64];
    size_t n_received, received = 0, n_expected = v5_long_way(v5, ctx, records, n, expected);
    /* At an odd address, and so that a read beyond the end is seen; a field that is left out differs. */
    uint8_t *exact = calloc(1, n * FL_V5_RECORD_BYTES + 1);
    memset(got, 0x5a, sizeof got);
    if (n)
        memcpy(exact + 1, records, n * FL_V5_RECORD_BYTES);
    fl_flow_set_uptimes(&quick);
    bool same = fl_v5_flows(&quick, &v5->recipe, exact + 1, n, got, &n_received) == n_expected;
    free(exact);
    for (size_t i = 0; same && i < n_expected; i++) {
        same = v5_same_flow(&expected[i], &got[i]);
        received += expected[i].time_source == FL_TIME_RECEIVED;
    }
    return same && received == n_received;
}

#endif
