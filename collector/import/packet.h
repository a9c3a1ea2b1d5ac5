/* From a captured packet to the UDP datagram in it, or to the IP fragment that it is: link layer (Ethernet
 * with VLAN tags, Linux cooked v1 and v2, loopback, raw IP), IPv4 with options (RFC 791), IPv6 with extension
 * headers (RFC 8200), UDP (RFC 768). Pure: bytes in, a description out. */
#ifndef FL_COLLECTOR_PACKET_H
#define FL_COLLECTOR_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/decode/cursor.h"
#include "storage/addr.h"

enum fl_packet_kind {
    FL_PACKET_OTHER,     /* no UDP: ARP, TCP, a damaged header */
    FL_PACKET_TRUNCATED, /* UDP or a fragment, but the capture kept only its beginning */
    FL_PACKET_FRAGMENT,  /* a part of a datagram */
    FL_PACKET_UDP
};

struct fl_packet {
    enum fl_packet_kind kind;
    struct fl_addr src, dst;
    uint16_t src_port, dst_port; /* FL_PACKET_UDP */
    struct fl_cursor payload;    /* FL_PACKET_UDP: behind its UDP header; FL_PACKET_FRAGMENT: behind its IP
                                  * headers; borrowed */
    uint32_t id;                 /* FL_PACKET_FRAGMENT: identification; */
    uint32_t offset;             /* where in the datagram its payload stands, in bytes; */
    bool more;                   /* and whether others come behind it */
};

/* Whether packets of this link type (pcap's DLT_*) can be read. */
bool fl_packet_link_known(int link);
/* Describe a packet of which `length` bytes were captured. */
void fl_packet_parse(int link, const uint8_t *bytes, size_t length, struct fl_packet *out);
/* The datagram that reassembled fragments make: FL_PACKET_UDP or, when its length does not add up,
 * FL_PACKET_OTHER. Addresses stay as they are. */
void fl_packet_parse_udp(struct fl_cursor bytes, struct fl_packet *out);

#endif
