/* Unpacking chunks; chunk.h has the format. The body is not trusted: a first walk over its columns checks
 * every length and keeps where they stand, then the records are filled in block by block, each starting as a
 * copy of one that holds all that does not vary. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "storage/chunk_parts.h"

enum { max_columns = 64 };

/* Everything is read through the cursor, whose error sticks. */
struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

/* A number column found in a body. */
struct planes {
    const struct fl_chunk_number *column;
    uint64_t least;
    const uint8_t *bytes;
    unsigned width;
};
/* A run column, and how far it is used up. */
struct runs {
    const struct fl_chunk_run *column;
    struct cursor in;
    const uint8_t *bytes;
    uint64_t left;
};
struct columns {
    struct fl_flow common; /* what all records share */
    struct planes planes[max_columns];
    struct runs runs[max_columns];
    size_t n_planes, n_runs, count;
    uint32_t fields;
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

/* ---- numbers ---- */

static void store(struct fl_flow *flow, const struct fl_chunk_number *column, uint64_t value)
{
    uint8_t *at = (uint8_t *)flow + column->offset;
    uint32_t u32 = column->kind == FL_CHUNK_ADDR_LOW ? htonl((uint32_t)value) : (uint32_t)value;
    uint16_t u16 = (uint16_t)value;
    switch (column->size) {
    case 8:
        memcpy(at, &value, 8);
        break;
    case 4:
        memcpy(at, &u32, 4);
        break;
    case 2:
        memcpy(at, &u16, 2);
        break;
    default:
        *at = (uint8_t)value;
    }
}

static void take_numbers(struct cursor *in, const struct fl_chunk_number *column, struct columns *c)
{
    uint64_t least = take_varint(in);
    const uint8_t *width = take(in, 1);
    const uint8_t *bytes = width && *width <= 8 ? take(in, *width * c->count) : NULL;
    if (!bytes || in->at != in->end || c->n_planes == max_columns)
        in->bad = true;
    else if (!(column->field & c->fields))
        return;
    else if (*width == 0)
        store(&c->common, column, least);
    else
        c->planes[c->n_planes++] = (struct planes){column, least, bytes, *width};
}

/* A block's values from its planes, which stand `stride` apart. Always a whole block, so that the compiler
 * knows how many there are: what a last block has too many means nothing. */
static void combine(const uint8_t *restrict p, size_t stride, unsigned width, uint32_t *restrict low)
{
    const uint8_t *restrict q = p + (width > 1 ? stride : 0), *restrict r = q + (width > 2 ? stride : 0),
                            *restrict s = r + (width > 3 ? stride : 0);
    if (width == 1)
        for (size_t i = 0; i < FL_CHUNK_BLOCK; i++)
            low[i] = p[i];
    else if (width == 2)
        for (size_t i = 0; i < FL_CHUNK_BLOCK; i++)
            low[i] = p[i] | (uint32_t)q[i] << 8;
    else if (width == 3)
        for (size_t i = 0; i < FL_CHUNK_BLOCK; i++)
            low[i] = p[i] | (uint32_t)q[i] << 8 | (uint32_t)r[i] << 16;
    else
        for (size_t i = 0; i < FL_CHUNK_BLOCK; i++)
            low[i] = p[i] | (uint32_t)q[i] << 8 | (uint32_t)r[i] << 16 | (uint32_t)s[i] << 24;
}

#define SCATTER(type, value_of)                                                                              \
    for (size_t i = 0; i < n; i++, at += sizeof(struct fl_flow)) {                                           \
        type value = (type)(value_of);                                                                       \
        memcpy(at, &value, sizeof value);                                                                    \
    }

static void scatter(const struct planes *p, const uint32_t *low, size_t n, uint8_t *at)
{
    const uint64_t least = p->least;
    if (p->column->kind == FL_CHUNK_ADDR_LOW)
        SCATTER(uint32_t, htonl((uint32_t)least + low[i]))
    else if (p->column->size == 8)
        SCATTER(uint64_t, least + low[i])
    else if (p->column->size == 4)
        SCATTER(uint32_t, (uint32_t)least + low[i])
    else if (p->column->size == 2)
        SCATTER(uint16_t, (uint32_t)least + low[i])
    else
        SCATTER(uint8_t, (uint32_t)least + low[i])
}

/* More than four planes: seldom, so plainly. */
static void scatter_wide(const struct planes *p, size_t from, size_t count, size_t n, struct fl_flow *flows)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value = p->least;
        for (unsigned k = 0; k < p->width; k++)
            value += (uint64_t)p->bytes[k * count + from + i] << 8 * k;
        store(&flows[i], p->column, value);
    }
}

/* Records [from, from + n) of one column. */
static void fill_numbers(const struct planes *p, size_t from, size_t count, size_t n, struct fl_flow *flows)
{
    uint32_t low[FL_CHUNK_BLOCK];
    if (p->width > 4) {
        scatter_wide(p, from, count, n, flows);
        return;
    }
    combine(p->bytes + from, count, p->width, low);
    scatter(p, low, n, (uint8_t *)flows + p->column->offset);
}

/* ---- runs ---- */

static void take_runs(struct cursor *in, const struct fl_chunk_run *column, struct columns *c)
{
    struct runs runs = {column, *in, NULL, 0};
    uint64_t run = 0;
    for (size_t told = 0; told < c->count; told += (size_t)run) {
        run = take_varint(in);
        const uint8_t *bytes = take(in, column->size);
        if (!bytes || run == 0 || run > c->count - told) {
            in->bad = true;
            return;
        }
        if (run == c->count && (column->field & c->fields))
            memcpy((uint8_t *)&c->common + column->offset, bytes, column->size);
    }
    if (in->at != in->end || c->n_runs == max_columns)
        in->bad = true;
    else if (run < c->count && (column->field & c->fields))
        c->runs[c->n_runs++] = runs;
}

static void fill_runs(struct runs *r, size_t n, struct fl_flow *flows)
{
    for (size_t i = 0; i < n;) {
        if (r->left == 0) {
            r->left = take_varint(&r->in);
            r->bytes = take(&r->in, r->column->size);
        }
        size_t end = r->left < n - i ? i + (size_t)r->left : n;
        r->left -= end - i;
        if (r->column->size == 16)
            for (; i < end; i++)
                memcpy((uint8_t *)(flows + i) + r->column->offset, r->bytes, 16);
        else
            for (; i < end; i++)
                memcpy((uint8_t *)(flows + i) + r->column->offset, r->bytes, 12);
    }
}

/* ---- the whole ---- */

/* One column; those of unknown id are passed over. */
static void take_column(struct cursor *in, struct columns *c)
{
    const uint8_t *id = take(in, 1);
    struct cursor content = take_child(in);
    if (!id || content.bad) {
        in->bad = true;
        return;
    }
    for (int i = 0; i < FL_CHUNK_NUMBERS; i++)
        if (fl_chunk_numbers[i].id == *id)
            take_numbers(&content, &fl_chunk_numbers[i], c);
    for (int i = 0; i < FL_CHUNK_RUNS; i++)
        if (fl_chunk_runs[i].id == *id)
            take_runs(&content, &fl_chunk_runs[i], c);
    in->bad = content.bad;
}

static void fill_in(struct columns *c, struct fl_flow *flows)
{
    for (size_t from = 0; from < c->count; from += FL_CHUNK_BLOCK, flows += FL_CHUNK_BLOCK) {
        size_t n = c->count - from < FL_CHUNK_BLOCK ? c->count - from : FL_CHUNK_BLOCK;
        for (size_t i = 0; i < n; i++)
            flows[i] = c->common;
        for (size_t k = 0; k < c->n_runs; k++)
            fill_runs(&c->runs[k], n, flows);
        for (size_t k = 0; k < c->n_planes; k++)
            fill_numbers(&c->planes[k], from, c->count, n, flows);
        if (c->fields & FL_FIELD_END)
            for (size_t i = 0; i < n; i++)
                flows[i].end_ms = (int64_t)((uint64_t)flows[i].end_ms + (uint64_t)flows[i].start_ms);
    }
}

static int unpack_body(const uint8_t *body, size_t length, uint32_t fields, struct fl_flow *out)
{
    struct cursor in = {body, body + length, false};
    struct columns c;
    uint64_t n = take_varint(&in);
    if (in.bad || n == 0 || n > FL_CHUNK_FLOWS)
        return FL_EMALF;
    c.common = fl_chunk_missing();
    c.count = (size_t)n;
    c.n_planes = c.n_runs = 0;
    c.fields = fields;
    while (!in.bad && in.at != in.end)
        take_column(&in, &c);
    if (in.bad)
        return FL_EMALF;
    fill_in(&c, out);
    return (int)n;
}

int fl_chunk_unpack(struct fl_chunk_codec *c, const uint8_t *bytes, size_t length, uint32_t fields,
                    struct fl_flow *out)
{
    if (length < 1 || bytes[0] == 0)
        return FL_EMALF;
    if (bytes[0] > FL_CHUNK_VERSION)
        return FL_ENEWER;
    size_t body = ZSTD_decompressDCtx(c->unpack, c->body, FL_CHUNK_BODY_BYTES, bytes + 1, length - 1);
    return ZSTD_isError(body) ? FL_EMALF : unpack_body(c->body, body, fields, out);
}
