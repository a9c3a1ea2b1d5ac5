/* Fuzz target: no bytes may harm fl_chunk_unpack, and what it accepts must survive packing again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "storage/chunk.h"
#include "storage/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fl_chunk_codec *codec;
static struct fl_flow *flows;

static struct fl_chunk_summary summary;

static void unpack(const uint8_t *bytes, size_t length)
{
    const uint8_t *again;
    size_t again_length;
    fl_chunk_unpack(codec, bytes, length, (uint32_t)length, flows); /* some of the fields */
    int n = fl_chunk_unpack(codec, bytes, length, FL_FIELDS_ALL, flows);
    if (n > 0 && (fl_chunk_pack(codec, flows, (size_t)n, &again, &again_length, &summary) != 0 ||
                  fl_chunk_unpack(codec, again, again_length, FL_FIELDS_ALL, flows) != n))
        abort();
}

/* The bytes as a chunk, then (because the checksum stops nearly every mutation there) as a chunk's body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!codec) {
        codec = fl_chunk_codec_new();
        flows = malloc(FL_CHUNK_FLOWS * sizeof *flows);
        if (!codec || !flows)
            abort();
    }
    unpack(data, size);
    size_t room = ZSTD_compressBound(size) + 1;
    uint8_t *wrapped = malloc(room);
    if (!wrapped)
        abort();
    wrapped[0] = 1;
    size_t length = ZSTD_compress(wrapped + 1, room - 1, data, size, 1);
    if (!ZSTD_isError(length))
        unpack(wrapped, length + 1);
    free(wrapped);
    return 0;
}
