/* The flow record: what every exporter's dialect is reduced to, and what chunks keep.
 *
 * Element names in brackets are IANA's (IPFIX registry, RFC 7012). One record is one direction. */
#ifndef FL_STORAGE_FLOW_H
#define FL_STORAGE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/addr.h"

/* Where a record's times come from. */
enum fl_time_source {
    FL_TIME_ABSOLUTE = 0, /* "absolute": the record carried calendar time */
    FL_TIME_UPTIME = 1,   /* "uptime": relative to the exporter's boot (v5, v9, sysUpTime elements) */
    FL_TIME_RECEIVED = 2  /* "received": none usable; the time the datagram came in */
};

/* Where the sampling interval comes from. */
enum fl_sampling_source {
    FL_SAMPLING_NONE = 0,    /* the exporter said nothing; the interval is 1 */
    FL_SAMPLING_HEADER = 1,  /* NetFlow v5 header */
    FL_SAMPLING_OPTIONS = 2, /* options data */
    FL_SAMPLING_RECORD = 3,  /* the flow record itself */
    FL_SAMPLING_CONFIG = 4   /* our configuration */
};

/* flowEndReason (136), RFC 5102 section 5.11.3; 0 where the exporter does not say. */
enum {
    FL_END_UNKNOWN = 0,
    FL_END_IDLE = 1,
    FL_END_ACTIVE = 2,
    FL_END_OF_FLOW = 3,
    FL_END_FORCED = 4,
    FL_END_RESOURCES = 5
};

/* flowDirection (61), as seen by the exporter's interface. */
enum fl_direction { FL_DIRECTION_UNKNOWN = 0, FL_DIRECTION_INGRESS = 1, FL_DIRECTION_EGRESS = 2 };

/* firewallEvent (233), of firewalls that export events in place of flows; 0 where the exporter does not say.
 */
enum fl_event {
    FL_EVENT_NONE = 0,
    FL_EVENT_CREATED = 1,
    FL_EVENT_DELETED = 2,
    FL_EVENT_DENIED = 3,
    FL_EVENT_ALERT = 4,
    FL_EVENT_UPDATE = 5
};

struct fl_flow {
    int64_t start_ms, end_ms; /* Unix milliseconds, UTC, the exporter's; end_ms >= start_ms */
    struct fl_addr exporter;  /* address the datagram came from */
    struct fl_addr src, dst;  /* sourceIPv4Address (8) / sourceIPv6Address (27), and destination (12 / 28) */
    struct fl_addr post_src, post_dst; /* after translation: postNATSourceIPv4Address (225) / IPv6 (281), and
                                        * destination (226 / 282); all zero: not told */
    uint64_t packets, bytes;           /* as counted by the exporter: not scaled by `sampling` */
    uint32_t domain;                   /* observation domain; v9 source id; v5 engine type << 8 | engine id */
    uint32_t in_if, out_if;            /* ingressInterface (10), egressInterface (14) */
    uint32_t sampling;                 /* one packet in so many was seen; 1 when unsampled or not said */
    uint16_t src_port, dst_port;       /* ICMP: src_port 0, dst_port type << 8 | code */
    uint16_t post_src_port;            /* postNAPTSourceTransportPort (227); 0: not told */
    uint16_t post_dst_port;            /* postNAPTDestinationTransportPort (228); 0: not told */
    uint16_t tcp_flags;                /* tcpControlBits (6), OR over the flow */
    uint8_t protocol;                  /* protocolIdentifier (4) */
    uint8_t tos;                       /* ipClassOfService (5) */
    uint8_t end_reason;                /* FL_END_* */
    uint8_t time_source;               /* enum fl_time_source */
    uint8_t sampling_source;           /* enum fl_sampling_source */
    uint8_t direction;                 /* enum fl_direction */
    uint8_t event;                     /* enum fl_event */
};

enum { FL_PROTO_ICMP = 1, FL_PROTO_TCP = 6, FL_PROTO_UDP = 17, FL_PROTO_ICMP6 = 58 };
static inline bool fl_protocol_is_icmp(uint8_t protocol) /* of either family */
{
    return protocol == FL_PROTO_ICMP || protocol == FL_PROTO_ICMP6;
}
enum { FL_TCP_FIN = 0x01, FL_TCP_SYN = 0x02, FL_TCP_RST = 0x04, FL_TCP_ACK = 0x10 };

/* "absolute", "uptime", "received"; "unknown" beyond them. */
const char *fl_time_source_name(unsigned source);
/* "none", "header", "options", "record", "config"; "unknown" beyond them. */
const char *fl_sampling_source_name(unsigned source);
/* "idle", "active", "end", "forced", "resources"; NULL for FL_END_UNKNOWN and beyond them. */
const char *fl_end_reason_name(unsigned reason);
/* "ingress", "egress"; NULL for FL_DIRECTION_UNKNOWN and beyond them. */
const char *fl_direction_name(unsigned direction);
/* "created", "deleted", "denied", "alert", "update"; NULL for FL_EVENT_NONE and beyond them. */
const char *fl_event_name(unsigned event);

#endif
