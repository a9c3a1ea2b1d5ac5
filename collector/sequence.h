/* Loss from sequence numbers (v5: flows; v9: datagrams; IPFIX: data records). RFC 7011 section 3.1 leaves the
 * message's own records out of its number; exporters that count them in (softflowd) are recognised. Late
 * datagrams give back what was counted as lost, duplicates change nothing, a jump far back is a restart. */
#ifndef FL_COLLECTOR_SEQUENCE_H
#define FL_COLLECTOR_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FL_SEQUENCE_GAPS = 16 };

struct fl_sequence {
    bool known;     /* false: the next datagram starts the count */
    bool inclusive; /* numbers count the datagram itself */
    uint32_t next;
    uint32_t sequence, count; /* of the newest datagram, as given */
    uint64_t lost;
    size_t n_gaps, newest; /* a ring */
    struct fl_gap {
        uint32_t from, length;
    } gaps[FL_SEQUENCE_GAPS];
};

/* A datagram with number `sequence` that covers `count` units came in. `window`: how many units late is late
 * and not a restart. */
void fl_sequence_update(struct fl_sequence *s, uint32_t sequence, uint32_t count, uint32_t window);
/* The exporter restarted, or what a datagram covers is unknown: count from the next one. */
void fl_sequence_forget(struct fl_sequence *s);

#endif
