/* Chunks: up to 4,096 flow records as one compressed block of columns.
 *
 *     chunk   = version (1 byte, 1), then one zstd frame with content size and checksum, of the body
 *     body    = count (varint), then columns until the end
 *     column  = id (1 byte), length of the rest (varint), content
 *
 * Varints are LEB128 (7 bits a byte, low ones first, at most 10 bytes). Records are sorted so that those of
 * one server and service stand together; their order is not kept. Column ids and contents:
 *
 *     1 start_ms, 2 end_ms - start_ms, 3 packets, 4 bytes, 5 domain, 6 in_if, 7 out_if, 8 sampling,
 *     9 src_port, 10 dst_port, 11 tcp_flags, 12 protocol, 13 tos, 14 end_reason, 15 time_source,
 *     16 sampling_source, 20 last 4 bytes of src, 21 last 4 bytes of dst (big-endian numbers),
 *     22 direction, 23 event, 24 post_src_port, 25 post_dst_port:
 *         numbers: least value (varint of the 64-bit two's complement), width w (1 byte, 0..8), then w planes
 *         of count bytes: plane k holds bits 8k..8k+7 of each value less the least, modulo 2^64.
 *     17 exporter (16 bytes), 18 first 12 bytes of src, 19 first 12 bytes of dst,
 *     26 post_src (16 bytes), 27 post_dst (16 bytes):
 *         runs: how often (varint, at least 1), the bytes; until count records are told.
 *
 * A column whose every value is the default (0; sampling 1; exporter, src and dst ::ffff:0.0.0.0; post_src
 * and post_dst ::) may be left out; a column with an unknown id is skipped. A later version thus adds columns
 * without a new version byte. */
#ifndef FL_STORAGE_CHUNK_H
#define FL_STORAGE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "storage/bloom.h"
#include "storage/error.h"
#include "storage/flow.h"

enum {
    FL_CHUNK_FLOWS = 4096,
    FL_CHUNK_BODY_BYTES = 1 << 20 /* no body is larger, packed or believed */
};

/* What a reader needs to know to skip a chunk. */
struct fl_chunk_summary {
    int64_t min_start_ms, max_start_ms, min_end_ms, max_end_ms;
    int64_t told_end_ms, received_end_ms; /* greatest end of records with a time of their exporter's, and of
                                           * those stamped with the receive time; INT64_MIN: of none. Not
                                           * stored. */
    uint32_t flows;
    struct fl_bloom bloom;
};

/* The zstd contexts and buffers that packing and unpacking reuse; about 2.5 MB. One thread at a time. */
struct fl_chunk_codec;
struct fl_chunk_codec *fl_chunk_codec_new(void); /* NULL: out of memory */
void fl_chunk_codec_free(struct fl_chunk_codec *c);

/* Pack 1..FL_CHUNK_FLOWS records and say what is in them. *bytes points into the codec and is valid until it
 * is used again. The same records in the same order give the same bytes. FL_EINVAL for another n; FL_ENOMEM.
 */
int fl_chunk_pack(struct fl_chunk_codec *c, const struct fl_flow *flows, size_t n, const uint8_t **bytes,
                  size_t *length, struct fl_chunk_summary *summary);
/* Unpack into room for FL_CHUNK_FLOWS records; returns how many there were. Of the fields, only those in
 * `fields` (FL_FIELD_*, storage/field.h) are sure to be filled in: others may hold their defaults. FL_EMALF
 * for bytes that are no chunk: out[] then holds garbage. FL_ENEWER for a version byte beyond ours. */
int fl_chunk_unpack(struct fl_chunk_codec *c, const uint8_t *bytes, size_t length, uint32_t fields,
                    struct fl_flow *out);

#endif
