/* Link, network and transport headers of captured packets. */
#include "collector/import/packet.h"

#include <pcap/dlt.h>
#include <string.h>

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100,  /* IEEE 802.1Q */
    ETHERTYPE_QINQ = 0x88a8,  /* IEEE 802.1ad */
    ETHERTYPE_QINQ2 = 0x9100, /* the same before it was a standard */
    ETHERTYPE_IPV6 = 0x86dd,
    MOST_TAGS = 4,
    MOST_HEADERS = 16 /* IPv6 extension headers */
};

enum { HEADER_HOPS = 0, HEADER_ROUTING = 43, HEADER_FRAGMENT = 44, HEADER_AUTH = 51, HEADER_OPTIONS = 60 };

enum { PROTOCOL_UDP = 17, UDP_HEADER_BYTES = 8, IPV4_HEADER_BYTES = 20, IPV6_HEADER_BYTES = 40 };

bool fl_packet_link_known(int link)
{
    switch (link) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        return true;
    default:
        return false;
    }
}

/* Step over the link layer. Returns whether an IP packet follows. */
static bool skip_link(int link, struct fl_cursor *c)
{
    uint32_t type = 0;
    switch (link) {
    case DLT_EN10MB: /* destination, source, type */
        fl_cursor_skip(c, 12);
        type = fl_cursor_read(c, 2);
        break;
    case DLT_LINUX_SLL: /* the type stands last */
        fl_cursor_skip(c, 14);
        type = fl_cursor_read(c, 2);
        break;
    case DLT_LINUX_SLL2: /* the type stands first */
        type = fl_cursor_read(c, 2);
        fl_cursor_skip(c, 18);
        break;
    case DLT_NULL: /* an address family in the byte order and numbering of some machine: the IP version tells
                    */
    case DLT_LOOP:
        fl_cursor_skip(c, 4);
        return !c->bad;
    default:
        return fl_packet_link_known(link);
    }
    for (int i = 0;
         i < MOST_TAGS && (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ2);
         i++) {
        fl_cursor_skip(c, 2);
        type = fl_cursor_read(c, 2);
    }
    return !c->bad && (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6);
}

void fl_packet_parse_udp(struct fl_cursor bytes, struct fl_packet *out)
{
    size_t there = fl_cursor_left(&bytes);
    out->src_port = (uint16_t)fl_cursor_read(&bytes, 2);
    out->dst_port = (uint16_t)fl_cursor_read(&bytes, 2);
    uint32_t length = fl_cursor_read(&bytes, 2);
    fl_cursor_skip(&bytes, 2);
    out->kind = FL_PACKET_OTHER;
    if (bytes.bad || length < UDP_HEADER_BYTES || length > there)
        return;
    out->kind = FL_PACKET_UDP;
    out->payload = fl_cursor_child(&bytes, length - UDP_HEADER_BYTES);
}

/* What an IP packet carries: `length` bytes by its header, of which the cursor holds those captured. */
static void take_payload(struct fl_cursor c, size_t length, bool fragment, struct fl_packet *out)
{
    if (length > fl_cursor_left(&c)) {
        out->kind = FL_PACKET_TRUNCATED;
        return;
    }
    struct fl_cursor payload = fl_cursor_child(&c, length);
    if (!fragment) {
        fl_packet_parse_udp(payload, out);
        return;
    }
    out->kind = FL_PACKET_FRAGMENT;
    out->payload = payload;
}

static void parse_ipv4(struct fl_cursor c, struct fl_packet *out)
{
    size_t captured = fl_cursor_left(&c);
    uint32_t header = (fl_cursor_read(&c, 1) & 0x0f) * 4;
    fl_cursor_skip(&c, 1);
    uint32_t total = fl_cursor_read(&c, 2);
    out->id = fl_cursor_read(&c, 2);
    uint32_t flags = fl_cursor_read(&c, 2);
    fl_cursor_skip(&c, 1);
    uint32_t protocol = fl_cursor_read(&c, 1);
    fl_cursor_skip(&c, 2);
    out->src = fl_addr_v4(fl_cursor_read(&c, 4));
    out->dst = fl_addr_v4(fl_cursor_read(&c, 4));
    if (total == 0)
        total = (uint32_t)captured; /* the network card was to fill it in */
    if (c.bad || protocol != PROTOCOL_UDP || header < IPV4_HEADER_BYTES || total < header)
        return;
    fl_cursor_skip(&c, header - IPV4_HEADER_BYTES);
    out->more = flags & 0x2000;
    out->offset = (flags & 0x1fff) * 8;
    take_payload(c, total - header, out->more || out->offset, out);
}

static struct fl_addr read_ipv6(struct fl_cursor *c)
{
    struct fl_addr a = {{0}};
    struct fl_cursor child = fl_cursor_child(c, sizeof a.b);
    if (!child.bad)
        memcpy(a.b, child.at, sizeof a.b);
    return a;
}

static void parse_ipv6(struct fl_cursor c, struct fl_packet *out)
{
    bool fragment = false;
    fl_cursor_skip(&c, 4);
    uint32_t length = fl_cursor_read(&c, 2), next = fl_cursor_read(&c, 1);
    fl_cursor_skip(&c, 1);
    out->src = read_ipv6(&c);
    out->dst = read_ipv6(&c);
    for (int i = 0; i < MOST_HEADERS && next != PROTOCOL_UDP; i++) {
        uint32_t type = next, size;
        if (fragment) /* what follows is the first part of the rest, or a later one */
            break;
        if (type != HEADER_HOPS && type != HEADER_ROUTING && type != HEADER_OPTIONS && type != HEADER_AUTH &&
            type != HEADER_FRAGMENT)
            return;
        next = fl_cursor_read(&c, 1);
        size = fl_cursor_read(&c, 1);
        if (type == HEADER_FRAGMENT) {
            uint32_t place = fl_cursor_read(&c, 2);
            out->id = fl_cursor_read(&c, 4);
            out->offset = place & 0xfff8;
            out->more = place & 1;
            fragment = out->offset || out->more;
            size = 8;
        } else {
            size = type == HEADER_AUTH ? (size + 2) * 4 : (size + 1) * 8;
            fl_cursor_skip(&c, size - 2);
        }
        if (size > length)
            return;
        length -= size;
    }
    if (!c.bad && next == PROTOCOL_UDP)
        take_payload(c, length, fragment, out);
}

void fl_packet_parse(int link, const uint8_t *bytes, size_t length, struct fl_packet *out)
{
    struct fl_cursor c = fl_cursor_over(bytes, length);
    *out = (struct fl_packet){.kind = FL_PACKET_OTHER};
    if (!skip_link(link, &c))
        return;
    struct fl_cursor peek = c;
    uint32_t version = fl_cursor_read(&peek, 1) >> 4;
    if (version == 4)
        parse_ipv4(c, out);
    else if (version == 6)
        parse_ipv6(c, out);
}
