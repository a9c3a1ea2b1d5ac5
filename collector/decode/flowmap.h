/* From the superset record to flow records: addresses, counters, ports, events, both directions. Pure.
 *
 * What is a flow: a record with a source and a destination address of one family, not both of them zero (a
 * zero-filled tail, a layer-2 client). Of two families the one that is not zero, or that the template names
 * first: as with its ports, the outer packet comes before the inner one. Everything else (interface counters,
 * applications, layer 2) is no flow and no fault. Prefixes (44, 45, 169, 170) are not addresses.
 *
 * Counters, first of what the template has: 1/2 as they stand, else initiator's 231/298, else totals 85/86;
 * when that is zero, post 23/24, and layer-2 octets 352. The other direction (RFC 5103 reverse elements, or
 * responder 232/299 in a template that has the initiator's too: Huawei means something else by 232) makes a
 * second record when it counted anything; the translated endpoints, interfaces
 * and direction are mirrored there. Its times are its own where they can be believed.
 *
 * Events (Cisco NSEL, firewallEvent 233) are flows with `event` set and the counters that came with them:
 * created says none, update and deleted say what was added since the last, so nothing counts twice; denied
 * has none and stays visible by its event. NAT events (natEvent 230, RFC 8158) without counters are flows
 * when they are the making or ending of a session (1, 2, 4..7) between addresses and ports, with event
 * created or deleted and no packets: who was behind which translated address at that time. Port blocks,
 * bindings, pools and quotas are no flows.
 *
 * ICMP type and code: 32 or 139 when not zero, else 176..179 when the template has them, else dst_port, else
 * src_port (v5 exporters that have it there; type in src_port and code in dst_port when both are below 256).
 */
#ifndef FL_COLLECTOR_FLOWMAP_H
#define FL_COLLECTOR_FLOWMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/decode/record.h"
#include "collector/decode/sampling.h"
#include "storage/flow.h"

/* A header's part of what nearly all flows with uptimes need (collector/decode/flowtime.h). */
struct fl_uptimes {
    int64_t boot_ms, earliest_end_ms, latest_end_ms;
    uint32_t uptime_ms;
    bool known; /* false: there is no such part, and each record goes the longer way */
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
    uint32_t configured_sampling; /* wins over all; 0: not configured */
    struct fl_uptimes uptimes;
};

/* What a template's fields ask for, worked out once. */
struct fl_flow_recipe {
    struct fl_fields mask;
    uint32_t parts;    /* FL_PART_* */
    uint8_t addresses; /* FL_ADDRESSES_*, of whole pairs */
    uint8_t times;     /* FL_TIMES_* */
    bool needs_boot;   /* its times hang on the boot time of the header */
};

enum {
    FL_PART_COUNTERS = 1 << 0, /* others than 1 and 2 */
    FL_PART_REVERSE = 1 << 1,  /* counters of the other direction */
    FL_PART_REVERSE_TIMES = 1 << 2,
    FL_PART_TRANSLATED = 1 << 3,
    FL_PART_PORTS = 1 << 4,    /* others than 7 and 11 */
    FL_PART_PHYSICAL = 1 << 5, /* interfaces 252, 253 */
    FL_PART_SAMPLING = 1 << 6, /* an interval or a sampler's number */
    FL_PART_RARE = 1 << 7      /* direction, events, disguises of protocol, class and flags */
};
enum { FL_ADDRESSES_V4 = 1, FL_ADDRESSES_V6 = 2, FL_ADDRESSES_V6_FIRST = 4 };
enum { FL_TIMES_OTHER, FL_TIMES_UPTIME, FL_TIMES_MS };

/* `v6_first`: the template names an IPv6 address before any IPv4 address. */
void fl_flow_recipe_init(struct fl_flow_recipe *recipe, struct fl_fields mask, bool v6_first);
/* Fills flows[0], and flows[1] with the other direction when it was counted (alone, when only that one was;
 * first, when biflowDirection says that it began). Fields that the recipe's mask does not have are zero in
 * *r. Returns how many: 0 for a record that is no flow. */
int fl_flow_map(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                const struct fl_record *r, struct fl_flow flows[2]);
/* ICMP type << 8 | code from the ports of a record that has them nowhere else. */
uint16_t fl_flow_icmp_of_ports(uint16_t src_port, uint16_t dst_port);
/* The sampling of a flow whose record names none and whose interface has none of its own. */
void fl_flow_set_sampling(const struct fl_flow_context *ctx, struct fl_flow *flow);

#endif
