/* Pass 1 of mining: from flow records to one-way flows (MINING.md section 1, "Stitch" and "Deduplicate").
 *
 * Pure: no store, no clock. The result does not depend on the order of the input. */
#ifndef FL_MINING_STITCH_H
#define FL_MINING_STITCH_H

#include <stddef.h>
#include <stdint.h>

#include "storage/field.h"
#include "storage/flow.h"

/* What stitching, and so all of mining, reads of a record. */
#define FL_STITCH_FIELDS                                                                                     \
    (FL_FIELD_START | FL_FIELD_END | FL_FIELD_EXPORTER | FL_FIELD_DOMAIN | FL_FIELD_SRC | FL_FIELD_DST |     \
     FL_FIELD_SRC_PORT | FL_FIELD_DST_PORT | FL_FIELD_PROTOCOL | FL_FIELD_TCP_FLAGS | FL_FIELD_END_REASON)

/* One direction of talk between two endpoints, whole again after the exporter's active timeout cut it. */
struct fl_uniflow {
    struct fl_addr src, dst;
    int64_t start_ms, end_ms;
    uint16_t src_port, dst_port; /* ICMP: 0 and type << 8 | code */
    uint16_t tcp_flags;          /* OR over the parts */
    uint8_t protocol;
};

/* The active timeout that an exporter's records show: the length at which records of a flow keep being
 * continued within a second. Wants `n` records sorted as fl_stitch sorts them, all of one exporter;
 * `fallback_ms` where fewer than three records are continued. FL_ENOMEM. */
int64_t fl_learn_active_timeout(const struct fl_flow *flows, size_t n, int64_t fallback_ms);

/* Stitch and deduplicate; a record that ends before it starts lasts no time. Sorts `flows` in place. *out
 * (free with free()) is ordered by endpoints, then start. FL_ENOMEM. */
int fl_stitch(struct fl_flow *flows, size_t n, int64_t active_timeout_ms, struct fl_uniflow **out,
              size_t *n_out);

#endif
