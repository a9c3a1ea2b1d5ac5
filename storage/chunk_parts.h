/* Inside the chunk format: the columns as a table, and the state that packing and unpacking share. */
#ifndef FL_STORAGE_CHUNK_PARTS_H
#define FL_STORAGE_CHUNK_PARTS_H

#include <stdint.h>
#include <zstd.h>

#include "storage/chunk.h"
#include "storage/field.h"

enum { FL_CHUNK_VERSION = 1 };
enum { FL_CHUNK_BLOCK = 128 }; /* records handled together, so that they stay in the first-level cache */

/* How a number column's values stand in the record. */
enum fl_chunk_kind {
    FL_CHUNK_PLAIN,    /* as they are */
    FL_CHUNK_DURATION, /* end_ms, less start_ms */
    FL_CHUNK_ADDR_LOW  /* the last four bytes of an address, big-endian */
};
struct fl_chunk_number {
    uint8_t id, size, kind; /* size in bytes in the record; an enum fl_chunk_kind */
    uint16_t offset;
    uint32_t field; /* the FL_FIELD_* that needs it */
    uint64_t missing;
};
enum { FL_CHUNK_NUMBERS = 22 };
extern const struct fl_chunk_number fl_chunk_numbers[FL_CHUNK_NUMBERS];

/* Bytes that change seldom from record to record. */
struct fl_chunk_run {
    uint8_t id, size;
    uint16_t offset;
    uint32_t field;
};
enum {
    FL_CHUNK_RUNS = 5,
    FL_CHUNK_RUN_BYTES = FL_CHUNK_FLOWS * (2 + 16) /* a column at most: a change with every record */
};
extern const struct fl_chunk_run fl_chunk_runs[FL_CHUNK_RUNS];

/* A record that every column leaves out. */
struct fl_flow fl_chunk_missing(void);

struct fl_chunk_codec {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    uint8_t *body; /* FL_CHUNK_BODY_BYTES, and a block more that may be read but means nothing */
    uint8_t *packed;
    size_t packed_bytes;
    uint8_t *runs;               /* FL_CHUNK_RUNS times FL_CHUNK_RUN_BYTES */
    uint32_t *keys, *spare_keys; /* FL_CHUNK_FLOWS each */
};

#endif
