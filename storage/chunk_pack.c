/* Packing flow records into compressed columns; chunk.h has the format.
 *
 * 1. One pass over the records as they came finds which bits vary in them, and makes each one's sort key.
 * 2. A radix sort puts the keys in order: records of one direction and service of one server stand together,
 *    in the order in which they came, so that what repeats in a column repeats nearby. A hash stands for the
 *    server: which one comes first does not matter, and few digits are soon sorted.
 * 3. The columns are written block by block in that order: of each value the bytes that vary, one plane a
 *    byte. A column that does not vary costs four bytes. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "storage/chunk_parts.h"

enum { CACHE_LINE = 64 };
enum { index_bits = 12, hash_bits = 17, digit_bits = 10, digits = 1 << digit_bits };
_Static_assert(FL_CHUNK_FLOWS <= 1 << index_bits, "a key holds its record's index");

/* ---- 1: what varies ---- */

/* A record as words, two and two: so processors take them. */
typedef uint64_t __attribute__((may_alias)) any_word;
typedef uint64_t __attribute__((vector_size(16), aligned(8), may_alias)) any_pair;
enum { flow_words = sizeof(struct fl_flow) / sizeof(any_word), flow_pairs = flow_words / 2 };
_Static_assert(sizeof(struct fl_flow) == (2 * flow_pairs + 1) * sizeof(any_word), "pairs and a word");

struct survey {
    union {
        uint64_t words[flow_words];
        struct fl_flow bits; /* every bit in which some record differs from the first one */
    } varies;
    uint64_t durations; /* bits set in some duration */
    int64_t min_start_ms, max_start_ms, min_end_ms, max_end_ms;
};

static uint32_t low_word(const struct fl_addr *a)
{
    uint32_t word;
    memcpy(&word, a->b + 12, sizeof word);
    return ntohl(word);
}

/* From the highest bit: towards the server or from it; the protocol; a hash of the server's address and port;
 * then where the record stood. The server is the side with the lower port. What shares a hash is mixed, which
 * costs some bytes and happens seldom. */
static uint32_t key_of(const struct fl_flow *f, size_t index)
{
    bool from_server = f->src_port < f->dst_port;
    const struct fl_addr *server = from_server ? &f->src : &f->dst;
    uint64_t port = from_server ? f->src_port : f->dst_port;
    uint32_t kind = f->protocol == FL_PROTO_TCP ? 0 : f->protocol == FL_PROTO_UDP ? 1 : 2;
    uint64_t hash = ((uint64_t)low_word(server) << 16 | port) * 0x9e3779b97f4a7c15u >> (64 - hash_bits);
    return (uint32_t)from_server << 31 | kind << 29 | (uint32_t)hash << index_bits | (uint32_t)index;
}

static void survey_times(struct survey *s, const struct fl_flow *f)
{
    s->durations |= (uint64_t)f->end_ms - (uint64_t)f->start_ms;
    s->min_start_ms = f->start_ms < s->min_start_ms ? f->start_ms : s->min_start_ms;
    s->max_start_ms = f->start_ms > s->max_start_ms ? f->start_ms : s->max_start_ms;
    s->min_end_ms = f->end_ms < s->min_end_ms ? f->end_ms : s->min_end_ms;
    s->max_end_ms = f->end_ms > s->max_end_ms ? f->end_ms : s->max_end_ms;
}

/* What is found goes out at the end: meanwhile it can stay in registers. */
static void survey(struct survey *out, const struct fl_flow *flows, size_t n, uint32_t *keys)
{
    struct survey s = {.min_start_ms = INT64_MAX, .max_start_ms = INT64_MIN};
    any_pair varies[flow_pairs] = {{0}};
    any_word last = 0;
    s.min_end_ms = INT64_MAX;
    s.max_end_ms = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        const any_pair *pairs = (const any_pair *)&flows[i], *first = (const any_pair *)flows;
#pragma GCC unroll 16
        for (int k = 0; k < flow_pairs; k++)
            varies[k] |= pairs[k] ^ first[k];
        last |= ((const any_word *)&flows[i])[flow_words - 1] ^ ((const any_word *)flows)[flow_words - 1];
        survey_times(&s, &flows[i]);
        keys[i] = key_of(&flows[i], i);
    }
    memcpy(s.varies.words, varies, sizeof varies);
    s.varies.words[flow_words - 1] = last;
    *out = s;
}

/* ---- 2: the order ---- */

static void radix_pass(const uint32_t *from, uint32_t *to, size_t n, unsigned shift)
{
    uint32_t at[digits] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        at[from[i] >> shift & (digits - 1)]++;
    for (int d = 0; d < digits; d++) {
        uint32_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i] >> shift & (digits - 1)]++] = from[i];
}

/* Sort the codec's keys, least significant digit first. */
static void sort(struct fl_chunk_codec *c, size_t n)
{
    radix_pass(c->keys, c->spare_keys, n, index_bits);
    radix_pass(c->spare_keys, c->keys, n, index_bits + digit_bits);
}

/* ---- 3: the columns ---- */

/* A column that is being written. */
struct planes {
    const struct fl_chunk_number *column;
    uint64_t least;
    uint8_t *at; /* the first plane */
    unsigned width;
};

static uint8_t *put_varint(uint8_t *p, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *p++ = (uint8_t)(value | 0x80);
    *p++ = (uint8_t)value;
    return p;
}

static unsigned width_of(uint64_t bits)
{
    unsigned width = 0;
    for (; bits; bits >>= 8)
        width++;
    return width;
}

static uint64_t load(const void *record, const struct fl_chunk_number *column)
{
    const uint8_t *at = (const uint8_t *)record + column->offset;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;
    if (column->kind == FL_CHUNK_ADDR_LOW)
        return ntohl((memcpy(&u32, at, 4), u32));
    switch (column->size) {
    case 8:
        return memcpy(&u64, at, 8), u64;
    case 4:
        return memcpy(&u32, at, 4), u32;
    case 2:
        return memcpy(&u16, at, 2), u16;
    default:
        return *at;
    }
}

/* What the planes count from, and how many there are. But for times, the bytes that do not vary: those that
 * do stay whole, which compresses better than differences and is quicker. */
static void measure(struct planes *p, const struct survey *s, const struct fl_flow *first)
{
    if (p->column->kind == FL_CHUNK_DURATION) {
        p->least = 0;
        p->width = width_of(s->durations);
    } else if (p->column->offset == offsetof(struct fl_flow, start_ms)) {
        p->least = (uint64_t)s->min_start_ms;
        p->width = width_of((uint64_t)s->max_start_ms - (uint64_t)s->min_start_ms);
    } else {
        p->width = width_of(load(&s->varies, p->column));
        p->least = p->width == 8 ? 0 : load(first, p->column) >> 8 * p->width << 8 * p->width;
    }
}

/* The column's head; its planes are left room. */
static uint8_t *put_head(uint8_t *to, struct planes *p, size_t n)
{
    uint8_t head[10];
    size_t head_bytes = (size_t)(put_varint(head, p->least) - head);
    *to++ = p->column->id;
    to = put_varint(to, head_bytes + 1 + p->width * n);
    memcpy(to, head, head_bytes);
    to += head_bytes;
    *to++ = (uint8_t)p->width;
    p->at = to;
    return to + p->width * n;
}

/* Any column of any records, plainly. */
static void put_plain(const struct planes *p, const struct fl_flow *const *records, size_t from, size_t n,
                      size_t count)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value = load(records[i], p->column) - p->least;
        if (p->column->kind == FL_CHUNK_DURATION)
            value -= (uint64_t)records[i]->start_ms;
        for (unsigned k = 0; k < p->width; k++)
            p->at[k * count + from + i] = (uint8_t)(value >> 8 * k);
    }
}

/* Times are told by differences. */
static bool is_time(const struct fl_chunk_number *column)
{
    return column->kind == FL_CHUNK_DURATION || column->offset == offsetof(struct fl_flow, start_ms);
}

static void narrow(uint8_t *restrict bytes, const uint32_t *restrict values, unsigned shift)
{
    for (size_t i = 0; i < FL_CHUNK_BLOCK; i++)
        bytes[i] = (uint8_t)(values[i] >> shift);
}

/* A column of times, of a whole block. */
static void put_times(const struct planes *p, const struct fl_flow *const *records, size_t from, size_t count)
{
    uint32_t values[FL_CHUNK_BLOCK];
    bool duration = p->column->kind == FL_CHUNK_DURATION;
    if (p->width > 4) {
        put_plain(p, records, from, FL_CHUNK_BLOCK, count);
        return;
    }
    if (duration)
        for (size_t i = 0; i < FL_CHUNK_BLOCK; i++)
            values[i] = (uint32_t)records[i]->end_ms - (uint32_t)records[i]->start_ms;
    else
        for (size_t i = 0; i < FL_CHUNK_BLOCK; i++)
            values[i] = (uint32_t)records[i]->start_ms - (uint32_t)p->least;
    for (unsigned k = 0; k < p->width; k++)
        narrow(p->at + k * count + from, values, 8 * k);
}

/* The other columns' planes are bytes of the records as they stand. Those within sixteen bytes of the record
 * are taken together, of sixteen records at a time. */
enum { row_bytes = 16, most_spans = (sizeof(struct fl_flow) + row_bytes - 1) / row_bytes };
typedef uint8_t row __attribute__((vector_size(row_bytes)));

struct span {
    size_t offset; /* in the record */
    size_t n;
    struct {
        size_t byte; /* behind it */
        uint8_t *at; /* the plane */
    } planes[row_bytes];
};

/* Where byte k of a column's value, from the low end, stands in the record. */
static size_t byte_of(const struct fl_chunk_number *column, unsigned k)
{
    bool low_first = column->kind != FL_CHUNK_ADDR_LOW && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return column->offset + (low_first ? k : column->size - 1 - k);
}

static void add_to_spans(struct span spans[most_spans], const struct planes *p, size_t count)
{
    for (unsigned k = 0; k < p->width; k++) {
        size_t byte = byte_of(p->column, k);
        struct span *s = &spans[byte / row_bytes];
        s->offset = byte / row_bytes * row_bytes;
        if (s->offset > sizeof(struct fl_flow) - row_bytes)
            s->offset = sizeof(struct fl_flow) - row_bytes;
        s->planes[s->n].byte = byte - s->offset;
        s->planes[s->n++].at = p->at + k * count;
    }
}

/* Four perfect shuffles make columns of rows. */
static inline void transpose(row rows[row_bytes])
{
#pragma GCC unroll 4
    for (int turn = 0; turn < 4; turn++) {
        row next[row_bytes];
#pragma GCC unroll 8
        for (int i = 0; i < row_bytes / 2; i++) {
            const row a = rows[i], b = rows[i + row_bytes / 2];
            next[2 * i] =
                __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] =
                __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        memcpy(rows, next, sizeof next);
    }
}

/* The planes of a span, of a whole block. */
static void put_span(const struct span *s, const struct fl_flow *const *records, size_t from)
{
    row rows[row_bytes];
    for (size_t i = 0; i < FL_CHUNK_BLOCK; i += row_bytes) {
        for (size_t k = 0; k < row_bytes; k++)
            memcpy(&rows[k], (const uint8_t *)records[i + k] + s->offset, sizeof rows[k]);
        transpose(rows);
        for (size_t k = 0; k < s->n; k++)
            memcpy(s->planes[k].at + from + i, &rows[s->planes[k].byte], row_bytes);
    }
}

/* A run column that is being written, to a place of its own, since its length is not known before. */
struct runs {
    const struct fl_chunk_run *column;
    uint8_t *start, *at;
    const uint8_t *bytes; /* of the run that goes on; NULL: none yet */
    uint64_t length;
    bool varies;
};

static void end_run(struct runs *r)
{
    r->at = put_varint(r->at, r->length);
    memcpy(r->at, r->bytes, r->column->size);
    r->at += r->column->size;
}

#define WALK_RUNS(size)                                                                                      \
    for (size_t i = 0; i < n; i++) {                                                                         \
        const uint8_t *bytes = (const uint8_t *)records[i] + r->column->offset;                              \
        if (r->bytes && memcmp(bytes, r->bytes, size) == 0) {                                                \
            r->length++;                                                                                     \
            continue;                                                                                        \
        }                                                                                                    \
        if (r->bytes)                                                                                        \
            end_run(r);                                                                                      \
        r->bytes = bytes;                                                                                    \
        r->length = 1;                                                                                       \
    }

static void walk_runs(struct runs *r, const struct fl_flow *const *records, size_t n)
{
    if (r->column->size == 16)
        WALK_RUNS(16)
    else
        WALK_RUNS(12)
}

static uint8_t *put_runs(uint8_t *p, struct runs *r)
{
    end_run(r);
    *p++ = r->column->id;
    p = put_varint(p, (uint64_t)(r->at - r->start));
    memcpy(p, r->start, (size_t)(r->at - r->start));
    return p + (r->at - r->start);
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    static const uint8_t zeros[16];
    return memcmp(bytes, zeros, n) == 0;
}

/* The run columns that the records need; those that do not vary are one run already. */
static size_t start_runs(struct fl_chunk_codec *c, const struct survey *s, const struct fl_flow *first,
                         size_t count, struct runs runs[FL_CHUNK_RUNS])
{
    const struct fl_flow missing = fl_chunk_missing();
    size_t n = 0;
    for (int i = 0; i < FL_CHUNK_RUNS; i++) {
        const struct fl_chunk_run *column = &fl_chunk_runs[i];
        bool varies = !all_zero((const uint8_t *)&s->varies + column->offset, column->size);
        const uint8_t *bytes = (const uint8_t *)first + column->offset;
        if (!varies && memcmp(bytes, (const uint8_t *)&missing + column->offset, column->size) == 0)
            continue;
        uint8_t *room = c->runs + i * FL_CHUNK_RUN_BYTES;
        runs[n++] = (struct runs){column, room, room, varies ? NULL : bytes, varies ? 0 : count, varies};
    }
    return n;
}

/* Where all columns of a body are being written. */
struct columns {
    struct planes planes[FL_CHUNK_NUMBERS];
    struct span spans[most_spans]; /* those that are no times, once more */
    struct runs runs[FL_CHUNK_RUNS];
    size_t n_planes, n_runs;
};

static void put_block(const struct columns *c, const struct fl_flow *const *records, size_t from, size_t n,
                      size_t count)
{
    bool whole = n == FL_CHUNK_BLOCK;
    for (size_t k = 0; k < most_spans && whole; k++)
        if (c->spans[k].n)
            put_span(&c->spans[k], records, from);
    for (size_t k = 0; k < c->n_planes; k++)
        if (!whole)
            put_plain(&c->planes[k], records, from, n, count);
        else if (is_time(c->planes[k].column))
            put_times(&c->planes[k], records, from, count);
}

/* The records of a block, in order; those of the next one are on their way into the cache meanwhile. */
static void find_records(const struct fl_flow *flows, const uint32_t *keys, size_t n, size_t left,
                         const struct fl_flow *records[FL_CHUNK_BLOCK])
{
    size_t ahead = left - n < FL_CHUNK_BLOCK ? left - n : FL_CHUNK_BLOCK;
    for (size_t i = 0; i < ahead; i++) {
        const char *next = (const char *)(flows + (keys[n + i] & (FL_CHUNK_FLOWS - 1)));
        for (size_t at = 0; at < sizeof *flows; at += CACHE_LINE)
            __builtin_prefetch(next + at);
    }
    for (size_t i = 0; i < n; i++)
        records[i] = flows + (keys[i] & (FL_CHUNK_FLOWS - 1));
}

/* Fill in the planes, the runs and the summary's filter, block by block. */
static void put_blocks(struct columns *c, const struct fl_flow *flows, const uint32_t *keys, size_t count,
                       struct fl_bloom *bloom)
{
    const struct fl_flow *records[FL_CHUNK_BLOCK], *before = NULL;
    for (size_t from = 0; from < count; from += FL_CHUNK_BLOCK) {
        size_t n = count - from < FL_CHUNK_BLOCK ? count - from : FL_CHUNK_BLOCK;
        find_records(flows, keys + from, n, count - from, records);
        for (size_t i = 0; i < n; i++, before = records[i - 1])
            fl_bloom_add(bloom, records[i], before);
        for (size_t k = 0; k < c->n_runs; k++)
            if (c->runs[k].varies)
                walk_runs(&c->runs[k], records, n);
        put_block(c, records, from, n, count);
    }
}

static uint8_t *put_body(struct fl_chunk_codec *codec, const struct survey *s, const struct fl_flow *flows,
                         size_t n, struct fl_bloom *bloom)
{
    struct columns c = {.n_planes = 0};
    uint8_t *p = put_varint(codec->body, n);
    c.n_runs = start_runs(codec, s, flows, n, c.runs);
    for (int i = 0; i < FL_CHUNK_NUMBERS; i++) {
        struct planes *next = &c.planes[c.n_planes];
        next->column = &fl_chunk_numbers[i];
        measure(next, s, flows);
        if (next->width == 0 && next->least == next->column->missing)
            continue;
        p = put_head(p, next, n);
        c.n_planes += next->width > 0;
        if (!is_time(next->column))
            add_to_spans(c.spans, next, n);
    }
    put_blocks(&c, flows, codec->keys, n, bloom);
    for (size_t k = 0; k < c.n_runs; k++)
        p = put_runs(p, &c.runs[k]);
    return p;
}

static void set_ends(struct fl_chunk_summary *summary, const struct survey *s, const struct fl_flow *flows,
                     size_t n)
{
    size_t told = s->varies.bits.time_source ? n : 1; /* how many tell whose time the greatest end is */
    summary->told_end_ms = summary->received_end_ms = INT64_MIN;
    for (size_t i = 0; i < told; i++) {
        bool received = flows[i].time_source == FL_TIME_RECEIVED;
        int64_t *end = received ? &summary->received_end_ms : &summary->told_end_ms;
        int64_t ms = told == 1 ? s->max_end_ms : flows[i].end_ms;
        *end = ms > *end ? ms : *end;
    }
}

int fl_chunk_pack(struct fl_chunk_codec *c, const struct fl_flow *flows, size_t n, const uint8_t **bytes,
                  size_t *length, struct fl_chunk_summary *summary)
{
    struct survey s;
    if (n == 0 || n > FL_CHUNK_FLOWS)
        return FL_EINVAL;
    survey(&s, flows, n, c->keys);
    sort(c, n);
    fl_bloom_start(&summary->bloom);
    uint8_t *end = put_body(c, &s, flows, n, &summary->bloom);
    assert(end <= c->body + FL_CHUNK_BODY_BYTES);
    fl_bloom_finish(&summary->bloom);
    summary->min_start_ms = s.min_start_ms;
    summary->max_start_ms = s.max_start_ms;
    summary->min_end_ms = s.min_end_ms;
    summary->max_end_ms = s.max_end_ms;
    set_ends(summary, &s, flows, n);
    summary->flows = (uint32_t)n;
    c->packed[0] = FL_CHUNK_VERSION;
    size_t done =
        ZSTD_compress2(c->pack, c->packed + 1, c->packed_bytes - 1, c->body, (size_t)(end - c->body));
    if (ZSTD_isError(done))
        return FL_ENOMEM;
    *bytes = c->packed;
    *length = done + 1;
    return 0;
}
