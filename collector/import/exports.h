/* Recorded exports, one datagram after the other: from a capture (pcap, pcapng) or from messages end to end.
 */
#ifndef FL_COLLECTOR_EXPORTS_H
#define FL_COLLECTOR_EXPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/import/input.h"
#include "storage/addr.h"
#include "storage/error.h"

struct fl_export {
    struct fl_addr source; /* 0.0.0.0 where the file does not tell */
    uint16_t source_port;  /* 0 likewise */
    int64_t time_us;       /* when it was captured; messages: their export time */
    const uint8_t *bytes;  /* borrowed until the next call */
    size_t length;
};

struct fl_export_counts {
    uint64_t packets;     /* captured; messages: as many as there are */
    uint64_t others;      /* packets that are no NetFlow v5, v9 or IPFIX over UDP */
    uint64_t sflow;       /* of these: look like sFlow */
    uint64_t truncated;   /* of which the capture kept only the beginning */
    uint64_t unassembled; /* datagrams of which fragments are missing */
};

struct fl_exports;

/* Read from `stream`, which holds an FL_INPUT_CAPTURE or FL_INPUT_MESSAGES and becomes this one's to close,
 * also on failure. FL_EMALF (no such thing, or of a link type that is not read), FL_ENOMEM. */
int fl_exports_open(struct fl_exports **out, FILE *stream, enum fl_input_kind kind, struct fl_err *err);
void fl_exports_free(struct fl_exports *e);
/* The next datagram that may be an export: 1; 0 at the end; FL_EMALF when the file cannot be read on: cut
 * short in the middle of a packet, or damaged; FL_EIO, FL_ENOMEM. */
int fl_exports_next(struct fl_exports *e, struct fl_export *out, struct fl_err *err);
struct fl_export_counts fl_exports_counts(const struct fl_exports *e);

/* Where the message that `bytes` begin with ends: NetFlow v5 by its count, IPFIX by its length (RFC 7011
 * section 3.1), v9, whose header counts records only, where something stands in place of a set that begins a
 * message. `length` when nothing ends it earlier, or it makes no sense: the decoder is to judge. At least 1
 * when length is. */
size_t fl_message_length(const uint8_t *bytes, size_t length);
/* Its header's export time, Unix microseconds; 0 when there is no header. */
int64_t fl_message_time_us(const uint8_t *bytes, size_t length);

#endif
