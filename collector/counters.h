/* What the service counts across its threads: each field has one writing thread, any thread reads.
 *
 * A datagram is counted once in `datagrams`, and then in at most one of refused, queue_shed and malformed. */
#ifndef FL_COLLECTOR_COUNTERS_H
#define FL_COLLECTOR_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct fl_counters {
    _Atomic uint64_t datagrams;    /* read from the sockets */
    _Atomic uint64_t refused;      /* from an address of no location */
    _Atomic uint64_t kernel_drops; /* lost before they could be read: SO_RXQ_OVFL */
    _Atomic uint64_t queue_shed;   /* given up because decoding was behind */
    _Atomic uint64_t malformed;    /* refused by the decoder */
    _Atomic uint64_t stored;       /* records made durable */
    _Atomic uint64_t disk_shed;    /* records given up because the disk refused them */
    int64_t started_ms;            /* wall clock; set before the threads start */
};

#endif
