/* Community ID: one text for a flow, the same in Zeek, Suricata, Arkime and whatever else follows
 * https://github.com/corelight/community-id-spec (version 1), so that an alert can be joined with what they
 * saw. */
#ifndef FL_COLLECTOR_COMMUNITY_H
#define FL_COLLECTOR_COMMUNITY_H

#include <stdint.h>

#include "storage/addr.h"

#define FL_COMMUNITY_ID 32 /* bytes for "1:" and 28 characters, with the NUL */

/* Seed 0. ICMP and ICMPv6 have type << 8 | code in dst_port, as flow records do, and nothing in src_port.
 * Returns `out`, or NULL for addresses of two families. */
const char *fl_community_id(const struct fl_addr *src, const struct fl_addr *dst, uint16_t src_port,
                            uint16_t dst_port, uint8_t protocol, char out[FL_COMMUNITY_ID]);

#endif
