/* A plain reader of chunks, written from storage/chunk.h alone and as slowly as it likes: what the fast one
 * reads is held against it. Only for chunks that are whole. */
#ifndef FL_TESTS_STORAGE_PLAIN_CHUNK_H
#define FL_TESTS_STORAGE_PLAIN_CHUNK_H

#include <zstd.h>

#include "storage/chunk.h"

static inline uint64_t plain_varint(const uint8_t **p)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*p)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static inline void plain_store(struct fl_flow *f, int id, uint64_t value)
{
    struct fl_addr *low = id == 20 ? &f->src : &f->dst;
    switch (id) {
    case 1:
        f->start_ms = (int64_t)value;
        break;
    case 2:
        f->end_ms = (int64_t)value;
        break;
    case 3:
        f->packets = value;
        break;
    case 4:
        f->bytes = value;
        break;
    case 5:
        f->domain = (uint32_t)value;
        break;
    case 6:
        f->in_if = (uint32_t)value;
        break;
    case 7:
        f->out_if = (uint32_t)value;
        break;
    case 8:
        f->sampling = (uint32_t)value;
        break;
    case 9:
        f->src_port = (uint16_t)value;
        break;
    case 10:
        f->dst_port = (uint16_t)value;
        break;
    case 11:
        f->tcp_flags = (uint16_t)value;
        break;
    case 12:
        f->protocol = (uint8_t)value;
        break;
    case 13:
        f->tos = (uint8_t)value;
        break;
    case 14:
        f->end_reason = (uint8_t)value;
        break;
    case 15:
        f->time_source = (uint8_t)value;
        break;
    case 16:
        f->sampling_source = (uint8_t)value;
        break;
    case 20:
    case 21:
        for (int i = 0; i < 4; i++)
            low->b[12 + i] = (uint8_t)(value >> (24 - 8 * i));
        break;
    case 22:
        f->direction = (uint8_t)value;
        break;
    case 23:
        f->event = (uint8_t)value;
        break;
    case 24:
        f->post_src_port = (uint16_t)value;
        break;
    case 25:
        f->post_dst_port = (uint16_t)value;
        break;
    }
}

static inline void plain_numbers(const uint8_t *p, int id, size_t n, struct fl_flow *out)
{
    uint64_t least = plain_varint(&p);
    int width = *p++;
    for (size_t i = 0; i < n; i++) {
        uint64_t value = least;
        for (int k = 0; k < width; k++)
            value += (uint64_t)p[(size_t)k * n + i] << 8 * k;
        plain_store(&out[i], id, value);
    }
}

static inline void plain_runs(const uint8_t *p, const uint8_t *end, int id, struct fl_flow *out)
{
    for (size_t i = 0; p < end; p += id == 18 || id == 19 ? 12 : 16)
        for (uint64_t run = plain_varint(&p); run > 0; run--, i++) {
            if (id == 17)
                memcpy(out[i].exporter.b, p, 16);
            else if (id == 18)
                memcpy(out[i].src.b, p, 12);
            else if (id == 19)
                memcpy(out[i].dst.b, p, 12);
            else if (id == 26)
                memcpy(out[i].post_src.b, p, 16);
            else if (id == 27)
                memcpy(out[i].post_dst.b, p, 16);
        }
}

/* How many records there are, or -1. */
static inline int plain_unpack(const uint8_t *bytes, size_t length, struct fl_flow *out)
{
    static uint8_t body[FL_CHUNK_BODY_BYTES];
    size_t size = length && bytes[0] == 1 ? ZSTD_decompress(body, sizeof body, bytes + 1, length - 1) : 0;
    if (ZSTD_isError(size) || size == 0)
        return -1;
    const uint8_t *p = body, *end = body + size;
    size_t n = (size_t)plain_varint(&p);
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        out[i].exporter = out[i].src = out[i].dst = fl_addr_v4(0);
        out[i].sampling = 1;
    }
    while (p < end) {
        int id = *p++;
        uint64_t content = plain_varint(&p);
        if (id == 17 || id == 18 || id == 19 || id == 26 || id == 27)
            plain_runs(p, p + content, id, out);
        else
            plain_numbers(p, id, n, out);
        p += content;
    }
    for (size_t i = 0; i < n; i++)
        out[i].end_ms = (int64_t)((uint64_t)out[i].end_ms + (uint64_t)out[i].start_ms);
    return (int)n;
}

#endif
