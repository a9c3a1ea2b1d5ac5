/* NetFlow v5 the short way against the long one, bit for bit: on the seeds, on captured exports, and on
 * random records under random headers; then the decoder as a whole, with what it counts. */
#include "tests/collector/decode/fields.h"
#include "tests/collector/decode/v5_oracle.h"

static GHashTable *layouts;
static struct fl_layout *v5;
static uint64_t seed;
static size_t n_compared;

static int setup_v5(void **state)
{
    static struct fl_layout_draft draft;
    layouts = fl_layout_table_new();
    v5 = fl_v5_layout(layouts, &draft);
    seed = 1;
    n_compared = 0;
    return setup(state);
}

static int teardown_v5(void **state)
{
    fl_layout_unref(v5);
    g_hash_table_destroy(layouts);
    return teardown(state);
}

static uint32_t random32(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 32);
}

static uint32_t below(uint32_t n)
{
    return random32() % n;
}

static uint32_t one_of(const uint32_t *values, uint32_t n)
{
    return values[below(n)];
}
#define ONE_OF(...)                                                                                          \
    one_of((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- records ---- */

/* What stands around the records of a datagram. */
static struct fl_flow_context context_of(const uint8_t *header, const struct fl_sampling *sampling)
{
    int64_t export_ms = (int64_t)big32(header + 8) * 1000 + big32(header + 12) / 1000000;
    return (struct fl_flow_context){.exporter = fl_addr_v4(0xc0000201),
                                    .domain = big32(header + 18) & 0xffff,
                                    .export_ms = export_ms,
                                    .received_ms = T0,
                                    .max_future_ms = 300000,
                                    .boot_known = true,
                                    .boot_ms = export_ms - big32(header + 4),
                                    .uptime_known = true,
                                    .uptime_ms = big32(header + 4),
                                    .sampling = sampling};
}

/* Every whole record behind a v5 header, whatever its count says. */
static void compare_datagram(const uint8_t *b, size_t n)
{
    struct fl_sampling sampling = {0};
    if (n < FL_V5_HEADER_BYTES || b[0] != 0 || b[1] != 5)
        return;
    fl_sampling_header(&sampling, big32(b + 20) & 0x3fff);
    struct fl_flow_context ctx = context_of(b, &sampling);
    size_t records = (n - FL_V5_HEADER_BYTES) / FL_V5_RECORD_BYTES;
    records = records < 64 ? records : 64;
    assert_true(v5_ways_agree(v5, &ctx, b + FL_V5_HEADER_BYTES, records));
    n_compared += records;
}

static size_t load(const char *path, uint8_t *bytes, size_t most)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    size_t n = fread(bytes, 1, most, f);
    fclose(f);
    return n;
}

/* Each is a sequence of datagrams behind their lengths. */
static void test_seeds(void **state)
{
    static const char *const names[] = {"v5", "v5-count-beyond-datagram", "v5-count-short-of-datagram"};
    static uint8_t b[65536];
    const char *srcdir = getenv("srcdir");
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/tests/fuzz/seeds/decode/%s", srcdir ? srcdir : ".", names[i]);
        size_t n = load(path, b, sizeof b);
        assert_true(n > 2);
        for (size_t at = 0, length; at + 2 <= n; at += 2 + length) {
            length = (size_t)b[at] << 8 | b[at + 1];
            compare_datagram(b + at + 2, length < n - at - 2 ? length : n - at - 2);
        }
    }
    assert_true(n_compared >= 4);
}

static void test_captured_exports(void **state)
{
    static const char *const names[] = {"netflow5.dat", "netflow5_test_invalid01.dat",
                                        "netflow5_test_invalid02.dat"};
    static uint8_t b[65536];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char folder[512], path[768];
        snprintf(path, sizeof path, "%s/%s", captures(folder, sizeof folder), names[i]);
        size_t n = load(path, b, sizeof b);
        if (!n)
            skip(); /* the captures are not at hand */
        compare_datagram(b, n);
    }
    assert_true(n_compared >= 30);
}

/* Most around the header's uptime and with times that can be believed, some not. */
static void put_random_record(uint32_t uptime_ms)
{
    uint32_t last = uptime_ms - below(ONE_OF(10, 100000, 100000000)), first = last - below(ONE_OF(1, 90000));
    bool none = below(8) == 0;
    put(&w, none ? 0 : ONE_OF(0, 0x0a000001, random32()), 4);
    put(&w, none ? 0 : ONE_OF(0x0a000002, random32()), 4);
    for (int i = 0; i < 4; i++)
        put(&w, random32(), 4); /* nexthop, input and output, dPkts, dOctets */
    put(&w, ONE_OF(first, first, first, 0, last + 1, random32()), 4);
    put(&w, ONE_OF(last, last, last, 0, uptime_ms + 1, uptime_ms + 70000, random32()), 4);
    put(&w, ONE_OF(0, 3, 255, 256, random32() & 0xffff), 2);
    put(&w, ONE_OF(0, 8, 255, 256, random32() & 0xffff), 2);
    put(&w, random32() & 0xffff, 2);
    put(&w, ONE_OF(0, 1, 6, 17, 58, random32() & 0xff), 1);
    put(&w, random32(), 1);
    put(&w, random32(), 4);
    put(&w, random32(), 4);
}

static int64_t random_export_ms(void)
{
    static const int64_t some[] = {0, 1000, 315532800000, 315532860000, T0 - 90000000};
    if (below(4) == 0)
        return some[below(sizeof some / sizeof some[0])];
    return T0 + (int64_t)below(800000) - 400000;
}

static void put_random_datagram(unsigned n, uint32_t sequence)
{
    uint32_t uptime_ms = ONE_OF(0, 5000, 3599999, 3600000, 90000000, random32());
    v5_header(&w, n, uptime_ms, random_export_ms(), sequence, ONE_OF(0, 1, 0x4064, random32() & 0xffff));
    for (unsigned i = 0; i < n; i++)
        put_random_record(uptime_ms);
}

static void test_random_records(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct fl_sampling sampling = {0};
        put_random_datagram(below(8), 0);
        fl_sampling_header(&sampling, ONE_OF(0, 1, 100, 16383));
        struct fl_flow_context ctx = context_of(w.b, &sampling);
        ctx.received_ms += ONE_OF(0, 0, 0, 400000, UINT32_MAX);
        ctx.max_future_ms = ONE_OF(0, 300000);
        ctx.configured_sampling = ONE_OF(0, 0, 1000);
        ctx.boot_known = below(8) != 0;
        ctx.uptime_known = below(8) != 0;
        ctx.boot_ms = below(8) ? ctx.boot_ms : random_export_ms();
        size_t n = (w.n - FL_V5_HEADER_BYTES) / FL_V5_RECORD_BYTES;
        assert_true(v5_ways_agree(v5, &ctx, w.b + FL_V5_HEADER_BYTES, n));
        n_compared += n;
    }
    assert_true(n_compared > 50000);
}

/* Worked by hand, so that both ways cannot be wrong together. */
static void test_a_record_by_hand(void **state)
{
    (void)state;
    v5_header(&w, 1, 60000, T0, 1, 0x4064);
    put(&w, 0x0a000001, 4);
    put(&w, 0xc0a80102, 4);
    put(&w, 0x01020304, 4); /* nexthop */
    put(&w, 3, 2);
    put(&w, 65535, 2);
    put(&w, 5, 4);
    put(&w, 0xffffffff, 4);
    put(&w, 50000, 4);
    put(&w, 59000, 4);
    put(&w, 40000, 2);
    put(&w, 443, 2);
    put(&w, 0xff1b06b8, 4); /* padding, flags, protocol, class */
    put(&w, 0xffffffff, 4);
    put(&w, 0xffffffff, 4);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    const struct fl_flow *f = &caught.flows[0];
    expect_ends(f, "10.0.0.1", 40000, "192.168.1.2", 443, 6);
    expect_counts(f, 5, 0xffffffff);
    expect_span(f, T0 - 10000, T0 - 1000, FL_TIME_UPTIME);
    expect_interfaces(f, 3, 65535, FL_DIRECTION_UNKNOWN);
    expect_marks(f, 0x1b, 0xb8, FL_END_UNKNOWN, FL_EVENT_NONE);
    expect_sampling(f, 100, FL_SAMPLING_HEADER);
    assert_int_equal(f->domain, 7);
}

/* ---- the decoder ---- */

/* Zeros behind the first record are padding, which is neither a flow nor a record that is none. */
static size_t without_padding(size_t n)
{
    static const uint8_t zeros[FL_V5_RECORD_BYTES];
    while (n > 1 && !memcmp(w.b + FL_V5_HEADER_BYTES + (n - 1) * sizeof zeros, zeros, sizeof zeros))
        n--;
    return n;
}

static struct fl_exporter_stats sum_of_sessions(void)
{
    struct fl_exporter_stats all = {0}, some[8];
    size_t n = fl_decoder_stats(decoder, some, 8);
    for (size_t i = 0; i < n; i++) {
        all.flows += some[i].flows;
        all.not_flows += some[i].not_flows;
        all.time_fallbacks += some[i].time_fallbacks;
        all.malformed += some[i].malformed;
    }
    return all;
}

static void expect_as_the_long_way(size_t records, struct fl_exporter_stats *expected)
{
    static struct fl_flow flows[2048];
    struct fl_sampling sampling = {0};
    fl_sampling_header(&sampling, big32(w.b + 20) & 0x3fff);
    struct fl_flow_context ctx = context_of(w.b, &sampling);
    size_t n = v5_long_way(v5, &ctx, w.b + FL_V5_HEADER_BYTES, records, flows);
    caught.n = 0;
    assert_int_equal(feed_at(decoder, &w, T0), n);
    assert_int_equal(caught.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(v5_same_flow(&caught.flows[i], &flows[i]));
        expected->time_fallbacks += flows[i].time_source == FL_TIME_RECEIVED;
    }
    expected->flows += n;
    expected->not_flows += records - n;
}

static void test_datagrams(void **state)
{
    struct fl_exporter_stats expected = {0};
    (void)state;
    for (uint32_t round = 0; round < 2000; round++) {
        unsigned n = 1 + below(ONE_OF(3, 40, 40, 40, 1364)); /* 1364 fill the largest datagram */
        put_random_datagram(n, round * 2000);
        for (unsigned zeros = below(4) ? 0 : below(n); zeros; zeros--)
            memset(w.b + w.n - zeros * FL_V5_RECORD_BYTES, 0, FL_V5_RECORD_BYTES);
        expect_as_the_long_way(without_padding(n), &expected);
    }
    struct fl_exporter_stats all = sum_of_sessions();
    assert_true(all.flows > 50000 && all.not_flows > 1000 && all.time_fallbacks > 1000);
    assert_int_equal(all.flows, expected.flows);
    assert_int_equal(all.not_flows, expected.not_flows);
    assert_int_equal(all.time_fallbacks, expected.time_fallbacks);
    assert_int_equal(all.malformed, 0);
}

/* Cut anywhere, or with another count than it has records: refused as a whole. */
static void test_cut_datagrams(void **state)
{
    (void)state;
    put_random_datagram(3, 0);
    for (size_t whole = w.n, n = 0; n < whole; n++) {
        w.n = n;
        assert_int_equal(feed_at(decoder, &w, T0), FL_EMALF);
        w.n = whole;
    }
    for (unsigned count = 0; count < 70000; count = count * 2 + 1) {
        patch16(&w, 2, count == 3 ? 4 : count);
        assert_int_equal(feed_at(decoder, &w, T0), FL_EMALF);
    }
    assert_int_equal(caught.n, 0);
}

/* IPFIX with the template of v5 tells more around its records than v5 does: sampling by interface. */
static void test_the_same_template_in_ipfix(void **state)
{
    static const unsigned mirror[][2] = {{8, 4}, {12, 4}, {15, 4}, {10, 2}, {14, 2}, {2, 4},
                                         {1, 4}, {22, 4}, {21, 4}, {7, 2},  {11, 2}, {210, 1},
                                         {6, 1}, {4, 1},  {5, 1},  {210, 8}};
    static const struct field by_interface[] = {{10, 4, 3}, {34, 4, 1000}},
                              boot[] = {{144, 4, 1}, {160, 8, (uint64_t)T0 - 60000}};
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_template(400, 1, by_interface, 2);
    put_data(400, by_interface, 2);
    put_template(401, 1, boot, 2);
    put_data(401, boot, 2);
    template_set(&w, 2, 256, mirror, sizeof mirror / sizeof mirror[0]);
    size_t at = set_open(&w, 256);
    v5_record(&w, 50000, 59000);
    set_close(&w, at);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 1);
    assert_int_equal(caught.flows[0].in_if, 3);
    assert_int_equal(caught.flows[0].sampling, 1000);
    assert_int_equal(caught.flows[0].sampling_source, FL_SAMPLING_OPTIONS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_v5, teardown_v5)
    const struct CMUnitTest tests[] = {
        T(test_a_record_by_hand),
        T(test_seeds),
        T(test_captured_exports),
        T(test_random_records),
        T(test_datagrams),
        T(test_cut_datagrams),
        T(test_the_same_template_in_ipfix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
