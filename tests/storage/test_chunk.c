/* Chunks: exact round trips, size, and what hostile bytes do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <zstd.h>

#include "storage/chunk.h"
#include "storage/field.h"
#include "tests/storage/flows.h"
#include "tests/storage/plain_chunk.h"

static struct fl_chunk_codec *codec;
static struct fl_flow in[FL_CHUNK_FLOWS], out[FL_CHUNK_FLOWS];
static struct fl_chunk_summary summary;

static void check_round_trip(size_t n)
{
    const uint8_t *bytes;
    size_t length;
    assert_int_equal(fl_chunk_pack(codec, in, n, &bytes, &length, &summary), 0);
    assert_int_equal(fl_chunk_unpack(codec, bytes, length, FL_FIELDS_ALL, out), n);
    assert_true(flows_same(in, out, n));
}

static void round_trips_exactly(void **state)
{
    uint64_t seed = 7;
    for (size_t n = 1; n <= FL_CHUNK_FLOWS; n = n * 2 + (n < 9)) {
        for (size_t i = 0; i < n; i++)
            in[i] = flows_make(&seed, 3600000);
        check_round_trip(n);
        for (size_t i = 0; i < n; i++)
            in[i] = i % 5 ? flows_make_translated(&seed, 3600000) : flows_make(&seed, 3600000);
        check_round_trip(n);
        for (size_t i = 0; i < n; i++)
            in[i] = flows_make_wild(&seed);
        check_round_trip(n);
    }
    for (size_t i = 0; i < FL_CHUNK_FLOWS; i++)
        in[i] = flows_make_wild(&seed);
    check_round_trip(FL_CHUNK_FLOWS);
}

/* The fast reader and the plain one agree on every bit of every record, in order. */
static void check_readers(const uint8_t *bytes, size_t length)
{
    static struct fl_flow plain[FL_CHUNK_FLOWS];
    int n = plain_unpack(bytes, length, plain);
    memset(out, 0xaa, sizeof out);
    assert_int_equal(fl_chunk_unpack(codec, bytes, length, FL_FIELDS_ALL, out), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(flows_compare(&out[i], &plain[i]), 0);
}

static void reads_as_a_plain_reader_does(void **state)
{
    static const size_t counts[] = {1, 2, 127, 128, 129, 255, 256, 257, 1000, 4095, 4096};
    uint64_t seed = 15;
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
        for (int kind = 0; kind < 4; kind++) {
            size_t n = counts[k], length;
            const uint8_t *bytes;
            for (size_t i = 0; i < n; i++) {
                in[i] = kind == 0   ? flows_make(&seed, 3600000)
                        : kind == 1 ? flows_make_translated(&seed, 3600000)
                                    : flows_make_wild(&seed);
                if (kind == 3) { /* every width of a number */
                    in[i].bytes >>= 8 * (k % 8);
                    in[i].packets >>= 8 * ((k + 3) % 8);
                    in[i].domain >>= 8 * (k % 4);
                    in[i].in_if >>= 8 * ((k + 1) % 4);
                }
            }
            assert_int_equal(fl_chunk_pack(codec, in, n, &bytes, &length, &summary), 0);
            uint8_t *copy = malloc(length);
            memcpy(copy, bytes, length);
            check_readers(copy, length);
            assert_true(flows_same(in, out, n));
            free(copy);
        }
}

static size_t read_seed(const char *name, uint8_t *bytes, size_t room)
{
    char path[512];
    const char *srcdir = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/fuzz/seeds/chunk/%s", srcdir ? srcdir : ".", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing", path);
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

/* Chunks as they were packed at first: sorted by the pair of hosts, numbers less their least, without the
 * newer columns. */
static void reads_what_was_packed_before(void **state)
{
    uint8_t bytes[4096];
    static const char *const names[] = {"office-20", "wild-4"};
    for (int i = 0; i < 2; i++) {
        size_t length = read_seed(names[i], bytes, sizeof bytes);
        check_readers(bytes, length);
        assert_int_equal(fl_chunk_unpack(codec, bytes, length, FL_FIELDS_ALL, out), i ? 4 : 20);
        for (int k = 0; k < (i ? 4 : 20); k++) {
            assert_int_equal(out[k].direction, FL_DIRECTION_UNKNOWN);
            assert_int_equal(out[k].post_src_port, 0);
        }
    }
}

#define FIELD_IS(bit, name)                                                                                  \
    if (fields & (bit))                                                                                      \
    assert_memory_equal(&some[i].name, &out[i].name, sizeof some[i].name)

/* Each field alone, and each left out. */
static void unpacks_the_fields_asked_for(void **state)
{
    static struct fl_flow some[FL_CHUNK_FLOWS];
    uint64_t seed = 16;
    const uint8_t *bytes;
    size_t length;
    for (size_t i = 0; i < 300; i++)
        in[i] = i < 280 ? flows_make_translated(&seed, 3600000) : flows_make_wild(&seed);
    assert_int_equal(fl_chunk_pack(codec, in, 300, &bytes, &length, &summary), 0);
    assert_int_equal(fl_chunk_unpack(codec, bytes, length, FL_FIELDS_ALL, out), 300);
    for (uint32_t bit = 1, turn = 0; bit < FL_FIELDS_ALL; bit <<= turn & 1, turn++) {
        uint32_t fields = turn & 1 ? bit : FL_FIELDS_ALL & ~bit;
        assert_int_equal(fl_chunk_unpack(codec, bytes, length, fields, some), 300);
        for (int i = 0; i < 300; i++) {
            FIELD_IS(FL_FIELD_START, start_ms);
            FIELD_IS(FL_FIELD_END, end_ms);
            FIELD_IS(FL_FIELD_EXPORTER, exporter);
            FIELD_IS(FL_FIELD_SRC, src);
            FIELD_IS(FL_FIELD_DST, dst);
            FIELD_IS(FL_FIELD_POST_SRC, post_src);
            FIELD_IS(FL_FIELD_POST_DST, post_dst);
            FIELD_IS(FL_FIELD_PACKETS, packets);
            FIELD_IS(FL_FIELD_BYTES, bytes);
            FIELD_IS(FL_FIELD_DOMAIN, domain);
            FIELD_IS(FL_FIELD_IN_IF, in_if);
            FIELD_IS(FL_FIELD_OUT_IF, out_if);
            FIELD_IS(FL_FIELD_SAMPLING, sampling);
            FIELD_IS(FL_FIELD_SRC_PORT, src_port);
            FIELD_IS(FL_FIELD_DST_PORT, dst_port);
            FIELD_IS(FL_FIELD_POST_SRC_PORT, post_src_port);
            FIELD_IS(FL_FIELD_POST_DST_PORT, post_dst_port);
            FIELD_IS(FL_FIELD_TCP_FLAGS, tcp_flags);
            FIELD_IS(FL_FIELD_PROTOCOL, protocol);
            FIELD_IS(FL_FIELD_TOS, tos);
            FIELD_IS(FL_FIELD_END_REASON, end_reason);
            FIELD_IS(FL_FIELD_TIME_SOURCE, time_source);
            FIELD_IS(FL_FIELD_SAMPLING_SOURCE, sampling_source);
            FIELD_IS(FL_FIELD_DIRECTION, direction);
            FIELD_IS(FL_FIELD_EVENT, event);
        }
    }
}

static void the_same_records_give_the_same_bytes(void **state)
{
    static uint8_t first[1 << 20];
    uint64_t seed = 17;
    const uint8_t *bytes;
    size_t length, again;
    for (size_t i = 0; i < FL_CHUNK_FLOWS; i++)
        in[i] = flows_make(&seed, 60000);
    assert_int_equal(fl_chunk_pack(codec, in, FL_CHUNK_FLOWS, &bytes, &length, &summary), 0);
    memcpy(first, bytes, length);
    assert_int_equal(fl_chunk_pack(codec, in, FL_CHUNK_FLOWS, &bytes, &again, &summary), 0);
    assert_int_equal(length, again);
    assert_memory_equal(first, bytes, length);
}

static void refuses_impossible_counts(void **state)
{
    const uint8_t *bytes;
    size_t length;
    assert_int_equal(fl_chunk_pack(codec, in, 0, &bytes, &length, &summary), FL_EINVAL);
    assert_int_equal(fl_chunk_pack(codec, in, FL_CHUNK_FLOWS + 1, &bytes, &length, &summary), FL_EINVAL);
}

static void stays_under_18_bytes_a_flow(void **state)
{
    uint64_t seed = 3;
    const uint8_t *bytes;
    size_t length;
    for (size_t i = 0; i < FL_CHUNK_FLOWS; i++)
        in[i] = flows_make(&seed, 60000);
    assert_int_equal(fl_chunk_pack(codec, in, FL_CHUNK_FLOWS, &bytes, &length, &summary), 0);
    assert_true(length + summary.bloom.bytes <= 18 * FL_CHUNK_FLOWS);
}

static size_t small_chunk(uint8_t *copy)
{
    uint64_t seed = 11;
    const uint8_t *bytes;
    size_t length;
    for (size_t i = 0; i < 5; i++)
        in[i] = flows_make(&seed, 60000);
    assert_int_equal(fl_chunk_pack(codec, in, 5, &bytes, &length, &summary), 0);
    memcpy(copy, bytes, length);
    return length;
}

static int unpack_exact(const uint8_t *bytes, size_t length)
{
    uint8_t *exact = malloc(length + 1);
    memcpy(exact + 1, bytes, length); /* the block ends where the bytes end */
    int n = fl_chunk_unpack(codec, exact + 1, length, FL_FIELDS_ALL, out);
    free(exact);
    return n;
}

static void refuses_every_truncation(void **state)
{
    uint8_t chunk[4096];
    size_t length = small_chunk(chunk);
    for (size_t n = 0; n < length; n++)
        assert_int_equal(unpack_exact(chunk, n), FL_EMALF);
    chunk[0] = 2;
    assert_int_equal(unpack_exact(chunk, length), FL_ENEWER);
}

static void notices_every_flipped_byte(void **state)
{
    uint8_t chunk[4096];
    size_t length = small_chunk(chunk);
    for (size_t i = 1; i < length; i++)
        for (int bit = 0; bit < 8; bit++) {
            chunk[i] ^= (uint8_t)(1 << bit);
            int n = unpack_exact(chunk, length); /* a frame header may say the same in other words */
            assert_true(n == FL_EMALF || (n == 5 && flows_same(in, out, 5)));
            chunk[i] ^= (uint8_t)(1 << bit);
        }
}

/* Unpack a body that is not ours, wrapped in a frame that is. */
static int unpack_body_of(const uint8_t *body, size_t length)
{
    uint8_t chunk[8192] = {1};
    size_t n = ZSTD_compress(chunk + 1, sizeof chunk - 1, body, length, 1);
    assert_false(ZSTD_isError(n));
    return unpack_exact(chunk, n + 1);
}
#define BODY(...) unpack_body_of((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void survives_every_body_with_a_flipped_byte(void **state)
{
    uint8_t chunk[4096], body[8192];
    size_t length = small_chunk(chunk);
    size_t n = ZSTD_decompress(body, sizeof body, chunk + 1, length - 1);
    assert_false(ZSTD_isError(n));
    for (size_t i = 0; i < n; i++)
        for (int value = 0; value < 256; value += 17) {
            uint8_t before = body[i];
            body[i] = (uint8_t)value;
            unpack_body_of(body, n);
            body[i] = before;
        }
    for (size_t cut = 0; cut < n; cut++)
        unpack_body_of(body, cut);
}

static void reads_columns_of_the_future(void **state)
{
    assert_int_equal(BODY(2, 99, 3, 1, 2, 3, 12, 3, 0, 1, 6) /* plane too short */, FL_EMALF);
    assert_int_equal(BODY(2, 99, 3, 1, 2, 3, 12, 4, 1, 1, 5, 16), 2);
    assert_int_equal(out[0].protocol, 6);
    assert_int_equal(out[1].protocol, 17);
    assert_int_equal(out[1].sampling, 1);
    assert_true(fl_addr_is_v4(&out[1].src));
}

static const struct fl_addr untold;

/* Packed before there were translated addresses, directions and events: one record from 10.0.0.5. */
static void reads_chunks_without_the_newer_columns(void **state)
{
    memset(out, 0xaa, sizeof out[0]);
    assert_int_equal(BODY(1, 20, 6, 0x85, 0x80, 0x80, 0x50, 0, 0), FL_EMALF); /* one byte too long */
    assert_int_equal(BODY(1, 20, 5, 0x85, 0x80, 0x80, 0x50, 0), 1);
    struct fl_addr src = fl_addr_v4(0x0a000005);
    assert_int_equal(fl_addr_cmp(&out[0].src, &src), 0);
    assert_int_equal(fl_addr_cmp(&out[0].post_src, &untold), 0);
    assert_int_equal(fl_addr_cmp(&out[0].post_dst, &untold), 0);
    assert_int_equal(out[0].post_src_port, 0);
    assert_int_equal(out[0].post_dst_port, 0);
    assert_int_equal(out[0].direction, FL_DIRECTION_UNKNOWN);
    assert_int_equal(out[0].event, FL_EVENT_NONE);
}

/* Two records: directions 1 and 2, event 3, port 1024 + 0 and 1024 + 1 and 53, one translated source. */
static void reads_the_newer_columns(void **state)
{
    assert_int_equal(BODY(2, 22, 4, 1, 1, 0, 1, 23, 2, 3, 0, 24, 5, 0x80, 8, 1, 0, 1, 25, 2, 53, 0, 26, 34, 1,
                          0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 1, 1, 0, 0, 0, 0, 0, 0, 0,
                          0, 0, 0, 0, 0, 0, 0, 0, 0),
                     2);
    struct fl_addr outside = fl_addr_v4(0xc6336401);
    assert_int_equal(out[0].direction, FL_DIRECTION_INGRESS);
    assert_int_equal(out[1].direction, FL_DIRECTION_EGRESS);
    assert_int_equal(out[0].event, FL_EVENT_DENIED);
    assert_int_equal(out[1].post_src_port, 1025);
    assert_int_equal(out[0].post_dst_port, 53);
    assert_int_equal(fl_addr_cmp(&out[0].post_src, &outside), 0);
    assert_int_equal(fl_addr_cmp(&out[1].post_src, &untold), 0);
    assert_int_equal(fl_addr_cmp(&out[0].post_dst, &untold), 0);
}

static void refuses_bodies_that_lie(void **state)
{
    assert_int_equal(BODY(0), FL_EMALF);                            /* no records */
    assert_int_equal(BODY(0x81, 0x20), FL_EMALF);                   /* 4097 records */
    assert_int_equal(BODY(0xff, 0xff, 0xff, 0xff, 0xff), FL_EMALF); /* a number without end */
    assert_int_equal(BODY(1, 12, 3, 0, 9, 0), FL_EMALF);            /* nine planes */
    assert_int_equal(BODY(1, 12, 0xff, 0x7f, 0), FL_EMALF);         /* a column longer than the body */
    assert_int_equal(BODY(1, 12, 3, 0, 0, 0), FL_EMALF);            /* bytes left over */
    assert_int_equal(BODY(2, 18, 13, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), FL_EMALF); /* run too long */
    assert_int_equal(BODY(2, 18, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), FL_EMALF); /* run of none */
}

static void does_not_inflate_bombs(void **state)
{
    size_t size = 64 << 20;
    uint8_t *zeros = calloc(1, size), *chunk = malloc(ZSTD_compressBound(size) + 1);
    chunk[0] = 1;
    size_t n = ZSTD_compress(chunk + 1, ZSTD_compressBound(size), zeros, size, 1);
    assert_int_equal(fl_chunk_unpack(codec, chunk, n + 1, FL_FIELDS_ALL, out), FL_EMALF);
    free(zeros);
    free(chunk);
}

static void summary_never_hides_a_record(void **state)
{
    uint64_t seed = 5;
    const struct fl_chunk_summary *s = &summary;
    const uint8_t *bytes;
    size_t length;
    for (size_t n = 1; n <= FL_CHUNK_FLOWS; n *= 8) {
        for (size_t i = 0; i < n; i++)
            in[i] = n % 3 ? flows_make(&seed, 60000) : flows_make_wild(&seed);
        assert_int_equal(fl_chunk_pack(codec, in, n, &bytes, &length, &summary), 0);
        assert_int_equal(s->flows, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(s->min_start_ms <= in[i].start_ms && in[i].start_ms <= s->max_start_ms);
            assert_true(s->min_end_ms <= in[i].end_ms && in[i].end_ms <= s->max_end_ms);
            assert_true(fl_bloom_may_have_addr(s->bloom.bits, s->bloom.bytes, &in[i].src));
            assert_true(fl_bloom_may_have_addr(s->bloom.bits, s->bloom.bytes, &in[i].dst));
            assert_true(fl_bloom_may_have_port(s->bloom.bits, s->bloom.bytes, in[i].src_port));
            assert_true(fl_bloom_may_have_port(s->bloom.bits, s->bloom.bytes, in[i].dst_port));
        }
    }
}

static void summary_says_no_often_enough(void **state)
{
    uint64_t seed = 6;
    const struct fl_chunk_summary *s = &summary;
    const uint8_t *bytes;
    size_t length;
    size_t wrong = 0;
    for (size_t i = 0; i < FL_CHUNK_FLOWS; i++)
        in[i] = flows_make(&seed, 60000);
    assert_int_equal(fl_chunk_pack(codec, in, FL_CHUNK_FLOWS, &bytes, &length, &summary), 0);
    for (uint32_t i = 0; i < 10000; i++) {
        struct fl_addr stranger = fl_addr_v4(0x5f000000 + i * 77);
        wrong += fl_bloom_may_have_addr(s->bloom.bits, s->bloom.bytes, &stranger);
    }
    assert_true(wrong < 1000);
    struct fl_addr any = fl_addr_v4(1);
    assert_true(fl_bloom_may_have_addr(s->bloom.bits, 100, &any)); /* a size we do not write */
    assert_true(fl_bloom_may_have_addr(NULL, 0, &any));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips_exactly),
        cmocka_unit_test(reads_as_a_plain_reader_does),
        cmocka_unit_test(reads_what_was_packed_before),
        cmocka_unit_test(unpacks_the_fields_asked_for),
        cmocka_unit_test(the_same_records_give_the_same_bytes),
        cmocka_unit_test(refuses_impossible_counts),
        cmocka_unit_test(stays_under_18_bytes_a_flow),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(notices_every_flipped_byte),
        cmocka_unit_test(survives_every_body_with_a_flipped_byte),
        cmocka_unit_test(reads_columns_of_the_future),
        cmocka_unit_test(reads_chunks_without_the_newer_columns),
        cmocka_unit_test(reads_the_newer_columns),
        cmocka_unit_test(refuses_bodies_that_lie),
        cmocka_unit_test(does_not_inflate_bombs),
        cmocka_unit_test(summary_never_hides_a_record),
        cmocka_unit_test(summary_says_no_often_enough),
    };
    codec = fl_chunk_codec_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fl_chunk_codec_free(codec);
    return failed;
}
