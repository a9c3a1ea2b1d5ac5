/* NetFlow v5 records, straight to flow records. Pure.
 *
 * The record is fixed: 48 bytes, big-endian, by offset
 *
 *      0 srcaddr (4)   4 dstaddr (4)   8 nexthop (4)  12 input (2)    14 output (2)   16 dPkts (4)
 *     20 dOctets (4)  24 First (4)    28 Last (4)     32 srcport (2)  34 dstport (2)  36 pad (1)
 *     37 tcp_flags (1)  38 prot (1)   39 tos (1)      40 autonomous systems, masks, pad (8)
 *
 * First and Last are milliseconds of uptime. The record is also, byte for byte, a data record of one fixed
 * IPFIX template: what fl_plan_lay and fl_flow_map make of it by that template, this makes of it too, bit for
 * bit, for a quarter of the time. */
#ifndef FL_COLLECTOR_V5_H
#define FL_COLLECTOR_V5_H

#include "collector/decode/flowmap.h"
#include "collector/decode/layout.h"

enum { FL_V5_HEADER_BYTES = 24, FL_V5_RECORD_BYTES = 48 };

/* The template, with a reference for the caller. */
struct fl_layout *fl_v5_layout(GHashTable *layouts, struct fl_layout_draft *draft);
/* Fill in the flows of n records, in their order; returns how many: both addresses zero is no flow.
 * *n_received: how many of them have the receive time, as none of their own could be believed. `recipe`: the
 * template's. Of ctx->sampling, what goes for all interfaces: only for exporters that speak v5, where nothing
 * tells of one. */
size_t fl_v5_flows(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                   const uint8_t *records, size_t n, struct fl_flow *flows, size_t *n_received);

#endif
