/* Packing flow records into compressed columns and back; chunk.h has the format.
 *
 * A packed number column costs a pass over the records to find its range, then writes only as many byte
 * planes as the range needs: a column that does not vary costs four bytes. */
#include "storage/chunk.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { version = 1, level = 1, max_columns = 64 };
enum { block = 128 }; /* records whose columns are filled in together, so that they stay in the cache */
enum { id_start = 1, id_duration = 2, id_src_low = 20, id_dst_low = 21 };

struct sort_key {
    uint64_t pair; /* last four bytes of src, then of dst */
    uint32_t index;
};

/* A number column found in a body. */
struct planes {
    const struct field *field;
    uint64_t least;
    const uint8_t *bytes;
    unsigned width;
};
struct fl_chunk_codec {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    uint8_t *body, *packed;
    size_t packed_bytes;
    struct fl_flow *sorted;
    uint64_t *values;
    struct sort_key *keys;
    struct planes columns[max_columns];
    size_t n_columns;
};

/* A number column: where the value stands in the record. */
struct field {
    uint8_t id, size;
    uint16_t offset;
    uint64_t missing;
};
#define FIELD(id, name, missing)                                                                             \
    {                                                                                                        \
        id, sizeof((struct fl_flow *)0)->name, offsetof(struct fl_flow, name), missing                       \
    }
static const struct field fields[] = {
    FIELD(id_start, start_ms, 0),
    FIELD(id_duration, end_ms, 0),
    FIELD(3, packets, 0),
    FIELD(4, bytes, 0),
    FIELD(5, domain, 0),
    FIELD(6, in_if, 0),
    FIELD(7, out_if, 0),
    FIELD(8, sampling, 1),
    FIELD(9, src_port, 0),
    FIELD(10, dst_port, 0),
    FIELD(11, tcp_flags, 0),
    FIELD(12, protocol, 0),
    FIELD(13, tos, 0),
    FIELD(14, end_reason, 0),
    FIELD(15, time_source, 0),
    FIELD(16, sampling_source, 0),
    {id_src_low, 4, offsetof(struct fl_flow, src) + 12, 0},
    {id_dst_low, 4, offsetof(struct fl_flow, dst) + 12, 0},
    FIELD(22, direction, 0),
    FIELD(23, event, 0),
    FIELD(24, post_src_port, 0),
    FIELD(25, post_dst_port, 0),
};
enum { n_fields = sizeof fields / sizeof fields[0] };

/* A run column: bytes that change seldom from record to record. */
struct run_field {
    uint8_t id, size;
    uint16_t offset;
    bool may_miss; /* left out when all are zero */
};
static const struct run_field run_fields[] = {
    {17, 16, offsetof(struct fl_flow, exporter), false}, {18, 12, offsetof(struct fl_flow, src), false},
    {19, 12, offsetof(struct fl_flow, dst), false},      {26, 16, offsetof(struct fl_flow, post_src), true},
    {27, 16, offsetof(struct fl_flow, post_dst), true},
};
enum { n_run_fields = sizeof run_fields / sizeof run_fields[0] };

struct fl_chunk_codec *fl_chunk_codec_new(void)
{
    struct fl_chunk_codec *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->packed_bytes = 1 + ZSTD_compressBound(FL_CHUNK_BODY_BYTES);
    c->pack = ZSTD_createCCtx();
    c->unpack = ZSTD_createDCtx();
    c->body = malloc(FL_CHUNK_BODY_BYTES);
    c->packed = malloc(c->packed_bytes);
    c->sorted = malloc(FL_CHUNK_FLOWS * sizeof *c->sorted);
    c->values = malloc(FL_CHUNK_FLOWS * sizeof *c->values);
    c->keys = malloc(FL_CHUNK_FLOWS * sizeof *c->keys);
    if (!c->pack || !c->unpack || !c->body || !c->packed || !c->sorted || !c->values || !c->keys) {
        fl_chunk_codec_free(c);
        return NULL;
    }
    ZSTD_CCtx_setParameter(c->pack, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(c->pack, ZSTD_c_checksumFlag, 1);
    return c;
}

void fl_chunk_codec_free(struct fl_chunk_codec *c)
{
    if (!c)
        return;
    ZSTD_freeCCtx(c->pack);
    ZSTD_freeDCtx(c->unpack);
    free(c->body);
    free(c->packed);
    free(c->sorted);
    free(c->values);
    free(c->keys);
    free(c);
}

/* ---- packing ---- */

static uint32_t low_word(const struct fl_addr *a)
{
    return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 | a->b[15];
}

static int compare(const struct fl_flow *a, const struct fl_flow *b)
{
    int order = fl_addr_cmp(&a->src, &b->src);
    if (order == 0)
        order = fl_addr_cmp(&a->dst, &b->dst);
    if (order == 0)
        order = (a->src_port > b->src_port) - (a->src_port < b->src_port);
    if (order == 0)
        order = (a->dst_port > b->dst_port) - (a->dst_port < b->dst_port);
    if (order == 0)
        order = (a->start_ms > b->start_ms) - (a->start_ms < b->start_ms);
    return order;
}

static int compare_keys(const void *left, const void *right, void *flows)
{
    const struct sort_key *a = left, *b = right;
    if (a->pair != b->pair)
        return a->pair < b->pair ? -1 : 1;
    return compare((const struct fl_flow *)flows + a->index, (const struct fl_flow *)flows + b->index);
}

static void sort(struct fl_chunk_codec *c, struct fl_flow *flows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        c->keys[i] =
            (struct sort_key){(uint64_t)low_word(&flows[i].src) << 32 | low_word(&flows[i].dst), (uint32_t)i};
    qsort_r(c->keys, n, sizeof *c->keys, compare_keys, flows);
    for (size_t i = 0; i < n; i++)
        c->sorted[i] = flows[c->keys[i].index];
    memcpy(flows, c->sorted, n * sizeof *flows);
}

static uint8_t *put_varint(uint8_t *p, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *p++ = (uint8_t)(value | 0x80);
    *p++ = (uint8_t)value;
    return p;
}

#define GATHER(type)                                                                                         \
    for (size_t i = 0; i < n; i++, at += sizeof(struct fl_flow)) {                                           \
        type value;                                                                                          \
        memcpy(&value, at, sizeof value);                                                                    \
        values[i] = value;                                                                                   \
    }

static void gather(const struct field *f, const struct fl_flow *flows, size_t n, uint64_t *values)
{
    const uint8_t *at = (const uint8_t *)flows + f->offset;
    if (f->id == id_duration)
        for (size_t i = 0; i < n; i++)
            values[i] = (uint64_t)flows[i].end_ms - (uint64_t)flows[i].start_ms;
    else if (f->id == id_src_low)
        for (size_t i = 0; i < n; i++)
            values[i] = low_word(&flows[i].src);
    else if (f->id == id_dst_low)
        for (size_t i = 0; i < n; i++)
            values[i] = low_word(&flows[i].dst);
    else if (f->size == 8)
        GATHER(uint64_t)
    else if (f->size == 4)
        GATHER(uint32_t)
    else if (f->size == 2)
        GATHER(uint16_t)
    else
        GATHER(uint8_t)
}

static unsigned width_of(uint64_t range)
{
    unsigned width = 0;
    for (; range; range >>= 8)
        width++;
    return width;
}

static uint8_t *put_numbers(uint8_t *p, const struct field *f, const uint64_t *values, size_t n)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < n; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    unsigned width = width_of(most - least);
    if (width == 0 && least == f->missing)
        return p;
    uint8_t head[10];
    size_t head_bytes = (size_t)(put_varint(head, least) - head);
    *p++ = f->id;
    p = put_varint(p, head_bytes + 1 + width * n);
    memcpy(p, head, head_bytes);
    p += head_bytes;
    *p++ = (uint8_t)width;
    for (unsigned shift = 0; shift < 8 * width; shift += 8, p += n)
        for (size_t i = 0; i < n; i++)
            p[i] = (uint8_t)((values[i] - least) >> shift);
    return p;
}

static const uint8_t *run_bytes(const struct run_field *f, const struct fl_flow *flows, size_t i)
{
    return (const uint8_t *)(flows + i) + f->offset;
}

static size_t run_length(const struct run_field *f, const struct fl_flow *flows, size_t n, size_t from)
{
    size_t i = from + 1;
    while (i < n && memcmp(run_bytes(f, flows, i), run_bytes(f, flows, from), f->size) == 0)
        i++;
    return i - from;
}

static uint8_t *put_runs(uint8_t *p, const struct run_field *f, const struct fl_flow *flows, size_t n)
{
    static const uint8_t zeros[16];
    size_t length = 0, run;
    uint8_t scratch[10];
    if (f->may_miss && memcmp(run_bytes(f, flows, 0), zeros, f->size) == 0 && run_length(f, flows, n, 0) == n)
        return p;
    for (size_t i = 0; i < n; i += run) {
        run = run_length(f, flows, n, i);
        length += (size_t)(put_varint(scratch, run) - scratch) + f->size;
    }
    *p++ = f->id;
    p = put_varint(p, length);
    for (size_t i = 0; i < n; i += run) {
        run = run_length(f, flows, n, i);
        p = put_varint(p, run);
        memcpy(p, run_bytes(f, flows, i), f->size);
        p += f->size;
    }
    return p;
}

int fl_chunk_pack(struct fl_chunk_codec *c, struct fl_flow *flows, size_t n, const uint8_t **bytes,
                  size_t *length)
{
    if (n == 0 || n > FL_CHUNK_FLOWS)
        return FL_EINVAL;
    sort(c, flows, n);
    uint8_t *p = put_varint(c->body, n);
    for (int i = 0; i < n_run_fields; i++)
        p = put_runs(p, &run_fields[i], flows, n);
    for (int i = 0; i < n_fields; i++) {
        gather(&fields[i], flows, n, c->values);
        p = put_numbers(p, &fields[i], c->values, n);
    }
    assert(p <= c->body + FL_CHUNK_BODY_BYTES);
    c->packed[0] = version;
    size_t done = ZSTD_compress2(c->pack, c->packed + 1, c->packed_bytes - 1, c->body, (size_t)(p - c->body));
    if (ZSTD_isError(done))
        return FL_ENOMEM;
    *bytes = c->packed;
    *length = done + 1;
    return 0;
}

/* ---- unpacking: everything below reads through the cursor, whose error sticks ---- */

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

/* The next n bytes, or NULL. */
static const uint8_t *take(struct cursor *in, size_t n)
{
    if (in->bad || n > (size_t)(in->end - in->at)) {
        in->bad = true;
        return NULL;
    }
    in->at += n;
    return in->at - n;
}

static uint64_t take_varint(struct cursor *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = take(in, 1);
        if (!byte)
            return 0;
        if (shift == 63 && *byte > 1)
            break;
        value |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte < 0x80)
            return value;
    }
    in->bad = true;
    return 0;
}

static struct cursor take_child(struct cursor *in)
{
    uint64_t length = take_varint(in);
    const uint8_t *at = length > SIZE_MAX ? NULL : take(in, (size_t)length);
    return (struct cursor){at, at ? at + length : NULL, at == NULL};
}

#define SCATTER(type)                                                                                        \
    for (size_t i = 0; i < n; i++, at += sizeof(struct fl_flow)) {                                           \
        type value = (type)values[i];                                                                        \
        memcpy(at, &value, sizeof value);                                                                    \
    }

static void scatter(const struct field *f, struct fl_flow *flows, size_t n, const uint64_t *values)
{
    uint8_t *at = (uint8_t *)flows + f->offset;
    if (f->id == id_src_low || f->id == id_dst_low)
        for (size_t i = 0; i < n; i++, at += sizeof(struct fl_flow)) {
            uint32_t big_endian = htonl((uint32_t)values[i]);
            memcpy(at, &big_endian, sizeof big_endian);
        }
    else if (f->size == 8)
        SCATTER(uint64_t)
    else if (f->size == 4)
        SCATTER(uint32_t)
    else if (f->size == 2)
        SCATTER(uint16_t)
    else
        SCATTER(uint8_t)
}

static void take_numbers(struct cursor *in, const struct field *f, size_t n, struct fl_chunk_codec *c)
{
    uint64_t least = take_varint(in);
    const uint8_t *width = take(in, 1);
    const uint8_t *bytes = width && *width <= 8 ? take(in, *width * n) : NULL;
    if (!bytes || in->at != in->end || c->n_columns == max_columns)
        in->bad = true;
    else
        c->columns[c->n_columns++] = (struct planes){f, least, bytes, *width};
}

/* Records [from, from + n) of a column of `count`. */
static void fill_in(const struct planes *column, size_t count, size_t from, size_t n, struct fl_flow *flows)
{
    uint64_t values[block];
    for (size_t i = 0; i < n; i++)
        values[i] = column->least;
    for (unsigned k = 0; k < column->width; k++) {
        const uint8_t *plane = column->bytes + k * count + from;
        for (size_t i = 0; i < n; i++)
            values[i] += (uint64_t)plane[i] << 8 * k;
    }
    scatter(column->field, flows + from, n, values);
}

static void fill_in_all(const struct fl_chunk_codec *c, size_t count, struct fl_flow *flows)
{
    for (size_t from = 0; from < count; from += block) {
        size_t n = count - from < block ? count - from : block;
        for (size_t k = 0; k < c->n_columns; k++)
            fill_in(&c->columns[k], count, from, n, flows);
        for (size_t i = from; i < from + n; i++)
            flows[i].end_ms = (int64_t)((uint64_t)flows[i].end_ms + (uint64_t)flows[i].start_ms);
    }
}

static void take_runs(struct cursor *in, const struct run_field *f, struct fl_flow *flows, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint64_t run = take_varint(in);
        const uint8_t *bytes = take(in, f->size);
        if (!bytes || run == 0 || run > n - i) {
            in->bad = true;
            return;
        }
        for (; run > 0; run--, i++)
            memcpy((uint8_t *)(flows + i) + f->offset, bytes, f->size);
    }
    if (in->at != in->end)
        in->bad = true;
}

/* One column; those of unknown id are passed over. */
static void take_column(struct cursor *in, struct fl_flow *flows, size_t n, struct fl_chunk_codec *c)
{
    const uint8_t *id = take(in, 1);
    struct cursor content = take_child(in);
    if (!id || content.bad) {
        in->bad = true;
        return;
    }
    for (int i = 0; i < n_fields; i++)
        if (fields[i].id == *id)
            take_numbers(&content, &fields[i], n, c);
    for (int i = 0; i < n_run_fields; i++)
        if (run_fields[i].id == *id)
            take_runs(&content, &run_fields[i], flows, n);
    in->bad = content.bad;
}

static int unpack_body(struct fl_chunk_codec *c, size_t length, struct fl_flow *out)
{
    struct cursor in = {c->body, c->body + length, false};
    uint64_t n = take_varint(&in);
    if (in.bad || n == 0 || n > FL_CHUNK_FLOWS)
        return FL_EMALF;
    c->n_columns = 0;
    struct fl_flow missing;
    memset(&missing, 0, sizeof missing);
    missing.exporter = missing.src = missing.dst = fl_addr_v4(0);
    missing.sampling = 1;
    for (size_t i = 0; i < n; i++)
        out[i] = missing;
    while (!in.bad && in.at != in.end)
        take_column(&in, out, (size_t)n, c);
    if (in.bad)
        return FL_EMALF;
    fill_in_all(c, (size_t)n, out);
    return (int)n;
}

int fl_chunk_unpack(struct fl_chunk_codec *c, const uint8_t *bytes, size_t length, struct fl_flow *out)
{
    if (length < 1 || bytes[0] == 0)
        return FL_EMALF;
    if (bytes[0] > version)
        return FL_ENEWER;
    size_t body = ZSTD_decompressDCtx(c->unpack, c->body, FL_CHUNK_BODY_BYTES, bytes + 1, length - 1);
    return ZSTD_isError(body) ? FL_EMALF : unpack_body(c, body, out);
}

/* ---- summary ---- */

void fl_chunk_summarise(struct fl_chunk_summary *out, const struct fl_flow *flows, size_t n)
{
    out->min_start_ms = out->min_end_ms = INT64_MAX;
    out->max_start_ms = out->max_end_ms = INT64_MIN;
    out->flows = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        const struct fl_flow *f = &flows[i];
        out->min_start_ms = f->start_ms < out->min_start_ms ? f->start_ms : out->min_start_ms;
        out->max_start_ms = f->start_ms > out->max_start_ms ? f->start_ms : out->max_start_ms;
        out->min_end_ms = f->end_ms < out->min_end_ms ? f->end_ms : out->min_end_ms;
        out->max_end_ms = f->end_ms > out->max_end_ms ? f->end_ms : out->max_end_ms;
    }
    fl_bloom_build(&out->bloom, flows, n);
}
