/* Elements that exporters send under other names than the registry's: brought to the elements of record.h
 * before a template becomes a layout.
 *
 * NetFlow v9 (RFC 3954, no enterprises):
 *   40001..40004, 40005   Cisco ASA before 8.4: translated addresses and ports, and the firewall's event:
 *                         225..228, 233
 *   45004..45009          Cisco AVC, client and server: as PEN 9's 12236..12241 below
 *   23/24 beside 1/2 where there is no flowDirection (61): FortiGate's and nProbe's OUT_BYTES and OUT_PKTS
 *                         are the other direction's, reverse 1/2 (RFC 5103). With flowDirection they are
 *                         the same flow's, counted as it left
 *   scope 2 (interface)   ingressInterface (10), so that options data of an interface are told apart
 *   other scopes, 0, the rest from 0x8000 on: padding
 * Both dialects:
 *   seconds (150, 151, 322) of 8 bytes are milliseconds (152, 153, 323), and those of 4 bytes are seconds
 *   23/24 beside 1/2 and ntop's own elements (PEN 35632; v9: from 57472 on): the other direction's
 *   PEN 9 (Cisco AVC), 12236..12241: addresses and ports of client and server: 8, 12, 27, 28, 7, 11
 *   PEN 3054 (Ixia), 176 and 177: octets and packets of the other direction: reverse 1 and 2 */
#ifndef FL_COLLECTOR_HABIT_H
#define FL_COLLECTOR_HABIT_H

#include <stdbool.h>
#include <stdint.h>

struct fl_habit_field {
    uint32_t enterprise;
    uint16_t element, length;
    bool scope; /* a v9 scope: `element` is its type */
};

/* What the whole of a template tells of its exporter. Zero it, show it every field, then read the fields. */
struct fl_habits {
    bool v9;
    bool ntop, direction, bytes, packets; /* seen: ntop's elements, 61, 1, 2 */
};

void fl_habits_see(struct fl_habits *habits, const struct fl_habit_field *field);
/* The field as record.h has it. */
struct fl_habit_field fl_habits_read(const struct fl_habits *habits, struct fl_habit_field field);

#endif
