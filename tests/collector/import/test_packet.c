/* Captured packets: each link layer, IP headers, fragments. Bytes are typed by hand from the RFCs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pcap/dlt.h>

#include "collector/import/fragment.h"
#include "collector/import/packet.h"

/* 192.0.2.1:2000 to 192.0.2.9:2055, "hello" */
#define UDP "07d0 0807 000d 0000 68656c6c6f"
#define V4(length, id, place) "45 00 " length " " id " " place " 40 11 0000 c0000201 c0000209 "
#define WHOLE V4("0021", "0001", "0000") UDP
#define ADDRESSES6 "20010db8000000000000000000000001 20010db8000000000000000000000009 "
#define WHOLE6 "60000000 000d 11 40 " ADDRESSES6 UDP
#define ETHERNET "020000000009 020000000001 "

struct bytes {
    size_t n;
    uint8_t *b; /* of exactly that size, so that a read beyond it is seen */
};

static struct bytes from_hex(const char *text)
{
    struct bytes out = {0, malloc(strlen(text) + 1)};
    char digits[3] = "";
    for (; *text; text++) {
        if (*text == ' ')
            continue;
        digits[0] = *text++;
        digits[1] = *text;
        out.b[out.n++] = (uint8_t)strtol(digits, NULL, 16);
    }
    out.b = realloc(out.b, out.n ? out.n : 1);
    return out;
}

static struct fl_packet parse(int link, const char *hex, struct bytes *kept)
{
    struct fl_packet p;
    *kept = from_hex(hex);
    fl_packet_parse(link, kept->b, kept->n, &p);
    return p;
}

static void expect_hello(int link, const char *hex, const char *sender)
{
    struct bytes kept;
    struct fl_packet p = parse(link, hex, &kept);
    char text[FL_ADDR_TEXT];
    assert_true(fl_packet_link_known(link));
    assert_int_equal(p.kind, FL_PACKET_UDP);
    assert_string_equal(fl_addr_format(&p.src, text), sender);
    assert_int_equal(p.src_port, 2000);
    assert_int_equal(p.dst_port, 2055);
    assert_int_equal(fl_cursor_left(&p.payload), 5);
    assert_memory_equal(p.payload.at, "hello", 5);
    free(kept.b);
}

static void expect_kind(int link, const char *hex, enum fl_packet_kind kind)
{
    struct bytes kept;
    struct fl_packet p = parse(link, hex, &kept);
    assert_int_equal(p.kind, kind);
    free(kept.b);
}

static void test_link_layers(void **state)
{
    expect_hello(DLT_EN10MB, ETHERNET "0800 " WHOLE, "192.0.2.1");
    expect_hello(DLT_EN10MB, ETHERNET "0800 " WHOLE "000000000000", "192.0.2.1"); /* padded to 60 bytes */
    expect_hello(DLT_EN10MB, ETHERNET "86dd " WHOLE6, "2001:db8::1");
    expect_hello(DLT_EN10MB, ETHERNET "8100 0007 0800 " WHOLE, "192.0.2.1");
    expect_hello(DLT_EN10MB, ETHERNET "88a8 0007 8100 0008 86dd " WHOLE6, "2001:db8::1");
    expect_hello(DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 0800 " WHOLE, "192.0.2.1");
    expect_hello(DLT_LINUX_SLL2, "0800 0000 00000002 0001 00 06 0200000000010000 " WHOLE, "192.0.2.1");
    expect_hello(DLT_NULL, "02000000 " WHOLE, "192.0.2.1");
    expect_hello(DLT_NULL, "1e000000 " WHOLE6, "2001:db8::1");
    expect_hello(DLT_LOOP, "00000002 " WHOLE, "192.0.2.1");
    expect_hello(DLT_RAW, WHOLE, "192.0.2.1");
    expect_hello(DLT_RAW, WHOLE6, "2001:db8::1");
    expect_hello(DLT_IPV4, WHOLE, "192.0.2.1");
    expect_hello(DLT_IPV6, WHOLE6, "2001:db8::1");
    assert_false(fl_packet_link_known(DLT_IEEE802_11));
}

static void test_other_packets(void **state)
{
    expect_kind(DLT_EN10MB, ETHERNET "0806 0001 0800 0604 0001", FL_PACKET_OTHER); /* ARP */
    expect_kind(DLT_EN10MB, ETHERNET, FL_PACKET_OTHER);
    expect_kind(DLT_EN10MB, "", FL_PACKET_OTHER);
    expect_kind(DLT_RAW, "45000028000100004006 0000 c0000201 c0000209 07d00807 00000000",
                FL_PACKET_OTHER); /* TCP */
    expect_kind(DLT_RAW, "44 000021 0001 0000 40 11 0000 c0000201 c0000209 " UDP,
                FL_PACKET_OTHER); /* header of 16 */
    expect_kind(DLT_RAW, V4("0010", "0001", "0000") UDP,
                FL_PACKET_OTHER); /* total length below the header's */
    expect_kind(DLT_RAW, V4("0021", "0001", "0000") "07d0 0807 0007 0000 68656c6c6f",
                FL_PACKET_OTHER); /* UDP of 7 */
    expect_kind(DLT_RAW, V4("0021", "0001", "0000") "07d0 0807 000e 0000 68656c6c6f",
                FL_PACKET_OTHER); /* one more */
    expect_kind(DLT_RAW, "60000000 000d 06 40 " ADDRESSES6 UDP, FL_PACKET_OTHER);
    expect_kind(DLT_RAW, "70000000", FL_PACKET_OTHER); /* IP version 7 */
}

static void test_ipv4_options(void **state)
{
    expect_hello(DLT_RAW, "46 00 0025 0001 0000 40 11 0000 c0000201 c0000209 94040000 " UDP, "192.0.2.1");
}

static void test_total_length_left_to_the_card(void **state)
{
    expect_hello(DLT_RAW, V4("0000", "0001", "0000") UDP, "192.0.2.1");
}

/* Hop-by-hop, destination options of 16 bytes, authentication of 12, an atomic fragment (RFC 6946). */
static void test_ipv6_extension_headers(void **state)
{
    expect_hello(DLT_RAW, "60000000 0015 00 40 " ADDRESSES6 "11 00 050200000000 " UDP, "2001:db8::1");
    expect_hello(DLT_RAW,
                 "60000000 0039 00 40 " ADDRESSES6 "3c 00 050200000000 33 01 0000000000000000000000000000 "
                 "2c 01 0000000000000000 0000 11 00 0000 00000007 " UDP,
                 "2001:db8::1");
    expect_kind(DLT_RAW, "60000000 0015 32 40 " ADDRESSES6 "11 00 050200000000 " UDP,
                FL_PACKET_OTHER); /* ESP */
    expect_kind(DLT_RAW, "60000000 0004 00 40 " ADDRESSES6 "11 00 050200000000 " UDP, FL_PACKET_OTHER);
}

static void test_truncated(void **state)
{
    expect_kind(DLT_RAW, V4("0021", "0001", "0000") "07d0 0807 000d 0000 6865", FL_PACKET_TRUNCATED);
    expect_kind(DLT_RAW, V4("0021", "0001", "2000") "07d0 0807", FL_PACKET_TRUNCATED);
    expect_kind(DLT_RAW, "60000000 000d 11 40 " ADDRESSES6 "07d0", FL_PACKET_TRUNCATED);
}

/* ---- fragments: a datagram of 21 bytes, cut behind 8 and 16 ---- */

#define FIRST V4("001c", "0042", "2000") "07d0 0807 0015 0000 "
#define SECOND V4("001c", "0042", "2001") "3031323334353637"
#define THIRD V4("0019", "0042", "0002") "3839616263"
#define OTHER_SECOND V4("001c", "0043", "2001") "3031323334353637"

/* Add the packets one second apart; the last one's outcome is what the rest is about. */
static int add_all(struct fl_fragments *f, const char *const *packets, struct fl_packet *out)
{
    int got = 0;
    for (int64_t at = 0; *packets; packets++, at += 1000000) {
        struct bytes kept;
        struct fl_packet p = parse(DLT_RAW, *packets, &kept);
        assert_int_equal(p.kind, FL_PACKET_FRAGMENT);
        got = fl_fragments_add(f, &p, at, out);
        free(kept.b);
    }
    return got;
}

static void expect_fragments(const char *const *packets, bool complete, uint64_t lost)
{
    struct fl_fragments *f = fl_fragments_new();
    struct fl_packet out = {.kind = FL_PACKET_OTHER};
    assert_int_equal(add_all(f, packets, &out), complete);
    if (complete) {
        char text[FL_ADDR_TEXT];
        assert_int_equal(out.kind, FL_PACKET_UDP);
        assert_string_equal(fl_addr_format(&out.src, text), "192.0.2.1");
        assert_int_equal(out.src_port, 2000);
        assert_int_equal(fl_cursor_left(&out.payload), 13);
        assert_memory_equal(out.payload.at, "0123456789abc", 13);
    }
    fl_fragments_flush(f);
    assert_int_equal(fl_fragments_lost(f), lost);
    fl_fragments_free(f);
}

#define PACKETS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_fragments_in_any_order(void **state)
{
    expect_fragments(PACKETS(FIRST, SECOND, THIRD), true, 0);
    expect_fragments(PACKETS(THIRD, SECOND, FIRST), true, 0);
    expect_fragments(PACKETS(SECOND, THIRD, FIRST), true, 0);
    expect_fragments(PACKETS(FIRST, FIRST, SECOND, SECOND, THIRD), true, 0);
    expect_fragments(PACKETS(OTHER_SECOND, FIRST, SECOND, THIRD), true, 1);
}

static void test_fragments_missing(void **state)
{
    expect_fragments(PACKETS(FIRST, SECOND), false, 1);
    expect_fragments(PACKETS(FIRST, THIRD), false, 1);
    expect_fragments(PACKETS(SECOND, THIRD), false, 1);
    expect_fragments(PACKETS(FIRST, OTHER_SECOND, THIRD), false, 2);
    /* 8 bytes at 40 and the last 8 at 8: as many as there should be, but not the first */
    expect_fragments(
        PACKETS(V4("001c", "0042", "2005") "3031323334353637", V4("001c", "0042", "0001") "3031323334353637"),
        false, 1);
}

static void test_fragments_overlap(void **state)
{
    /* 16 bytes at 0 and 16 at 8: the second eight twice, differently */
    expect_fragments(PACKETS(V4("0024", "0042", "2000") "07d0 0807 0015 0000 3031323334353637",
                             V4("0024", "0042", "2001") "4041424344454647 3839616263404142", THIRD),
                     false, 1);
    expect_fragments(PACKETS(FIRST, V4("001b", "0042", "2001") "30313233343536", THIRD), false,
                     1); /* 7 bytes */
    expect_fragments(PACKETS(FIRST, SECOND, V4("001c", "0042", "3fff") "3031323334353637"), false,
                     1);                                                            /* beyond */
    expect_fragments(PACKETS(V4("0014", "0042", "2000"), SECOND, THIRD), false, 1); /* empty */
}

static void test_fragments_expire(void **state)
{
    struct fl_fragments *f = fl_fragments_new();
    struct fl_packet out;
    struct bytes kept;
    struct fl_packet p = parse(DLT_RAW, FIRST, &kept);
    assert_int_equal(fl_fragments_add(f, &p, 0, &out), 0);
    free(kept.b);
    p = parse(DLT_RAW, SECOND, &kept);
    assert_int_equal(fl_fragments_add(f, &p, 60000001, &out), 0); /* another datagram of the same number */
    free(kept.b);
    p = parse(DLT_RAW, THIRD, &kept);
    assert_int_equal(fl_fragments_add(f, &p, 60000002, &out), 0);
    free(kept.b);
    assert_int_equal(fl_fragments_lost(f), 1);
    fl_fragments_free(f);
}

static void test_fragments_bounded(void **state)
{
    struct fl_fragments *f = fl_fragments_new();
    struct fl_packet out;
    struct bytes kept;
    struct fl_packet p = parse(DLT_RAW, FIRST, &kept);
    for (uint32_t i = 0; i < 1000; i++) {
        p.id = i;
        assert_int_equal(fl_fragments_add(f, &p, i, &out), 0);
    }
    assert_int_equal(fl_fragments_lost(f), 1000 - 64);
    fl_fragments_flush(f);
    assert_int_equal(fl_fragments_lost(f), 1000);
    free(kept.b);
    fl_fragments_free(f);
}

static void test_fragments_of_ipv6(void **state)
{
    struct fl_fragments *f = fl_fragments_new();
    struct fl_packet out = {.kind = FL_PACKET_OTHER}, p;
    struct bytes first, second;
    p = parse(DLT_RAW, "60000000 0010 2c 40 " ADDRESSES6 "11 00 0001 00000007 07d0 0807 000d 0000", &first);
    assert_int_equal(p.kind, FL_PACKET_FRAGMENT);
    assert_int_equal(fl_fragments_add(f, &p, 0, &out), 0);
    p = parse(DLT_RAW, "60000000 000d 2c 40 " ADDRESSES6 "11 00 0008 00000007 68656c6c6f", &second);
    assert_int_equal(p.kind, FL_PACKET_FRAGMENT);
    assert_int_equal(fl_fragments_add(f, &p, 1, &out), 1);
    assert_int_equal(out.kind, FL_PACKET_UDP);
    assert_memory_equal(out.payload.at, "hello", 5);
    free(first.b);
    free(second.b);
    fl_fragments_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_layers),
        cmocka_unit_test(test_other_packets),
        cmocka_unit_test(test_ipv4_options),
        cmocka_unit_test(test_total_length_left_to_the_card),
        cmocka_unit_test(test_ipv6_extension_headers),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_fragments_in_any_order),
        cmocka_unit_test(test_fragments_missing),
        cmocka_unit_test(test_fragments_overlap),
        cmocka_unit_test(test_fragments_expire),
        cmocka_unit_test(test_fragments_bounded),
        cmocka_unit_test(test_fragments_of_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
