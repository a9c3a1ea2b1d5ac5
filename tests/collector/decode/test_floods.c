/* Memory and time under floods: whatever is sent, and however much of it, what the decoder keeps stays below
 * a bound, for one exporter and for all of them. Bytes are counted by the allocator itself. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "tests/collector/decode/wire.h"

#if defined(__SANITIZE_ADDRESS__)
enum { DATAGRAMS = 20000 }; /* each costs ten times as much, and the bounds are reached long before */
size_t __sanitizer_get_current_allocated_bytes(void); /* the compiler's header is not always installed */
static size_t allocated_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
enum { DATAGRAMS = 100000 };
static size_t allocated_bytes(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}
#endif

enum { LOOK_EVERY = 250, MIB = 1 << 20 };

/* Builds datagram `i` of the flood, and may change its sender. */
typedef void flood_fn(struct wire *w, unsigned i, struct fl_sender *from);

static struct wire w;
static uint64_t handed;

static void count_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    handed += n;
}

/* 0.1 ms between datagrams; a tick each 100 ms of it, as the service does. Returns the records handed on. */
static uint64_t flood(flood_fn *build, unsigned datagrams, size_t bound_bytes)
{
    struct fl_decoder_limits limits;
    struct fl_decoder *d;
    fl_decoder_limits_init(&limits);
    handed = 0;
    size_t before = allocated_bytes(), most = 0;
    assert_int_equal(fl_decoder_new(&d, &limits, count_flows, NULL), 0);
    for (unsigned i = 0; i < datagrams; i++) {
        struct fl_sender from = {fl_addr_v4(0xc0000201), 4000, "lab", 0};
        build(&w, i, &from);
        (void)fl_decode(d, w.b, w.n, &from, T0 + i / 10);
        if (i % 1000 == 0)
            fl_decoder_tick(d, T0 + i / 10);
        size_t now = i % LOOK_EVERY ? 0 : allocated_bytes() - before;
        most = now > most ? now : most;
        if (most > bound_bytes)
            break;
    }
    print_message("# %zu KiB at most, %zu KiB allowed, %llu flows\n", most >> 10, bound_bytes >> 10,
                  (unsigned long long)handed);
    assert_in_range(most, 0, bound_bytes);
    fl_decoder_free(d);
    return handed;
}

static const unsigned pair[][2] = {{8, 4}, {12, 4}};

static void put_pair(unsigned id)
{
    size_t at = set_open(&w, id);
    put(&w, 0x0a0000010a000002, 8);
    set_close(&w, at);
}

/* As many fields as are let in, none of which can be merged with its neighbour. */
static void put_big_template(unsigned id, uint32_t number)
{
    size_t at = set_open(&w, 2);
    put(&w, id, 2);
    put(&w, 256, 2);
    for (int k = 0; k < 256; k++) {
        bool fixed = k < 32 && number >> k & 1;
        put(&w, 82, 2);
        put(&w, fixed ? 4 : 65535, 2);
    }
    set_close(&w, at);
}

static void templates(struct wire *x, unsigned i, struct fl_sender *from)
{
    ipfix_header(x, (uint32_t)(T0 / 1000), 0);
    put_big_template(256 + i % 65000, i);
    ipfix_close(x);
}

static void domains(struct wire *x, unsigned i, struct fl_sender *from)
{
    ipfix_header(x, (uint32_t)(T0 / 1000), 0);
    x->n -= 4;
    put(x, i, 4);
    template_set(x, 2, 256, pair, 2);
    put_pair(256);
    ipfix_close(x);
}

static void sources(struct wire *x, unsigned i, struct fl_sender *from)
{
    from->address = fl_addr_v4(0x0a000000 + i);
    from->source_port = (uint16_t)(1024 + i * 7);
    v9_header(x, 60000, (uint32_t)(T0 / 1000), 0);
    template_set(x, 0, 256, pair, 2);
    put_pair(256);
    size_t at = set_open(x, 300); /* waits for its template */
    for (int k = 0; k < 1200; k++)
        put(x, 0, 1);
    set_close(x, at);
}

/* Every session at once with as many templates as fit a datagram. */
static void sources_and_templates(struct wire *x, unsigned i, struct fl_sender *from)
{
    from->address = fl_addr_v4(0x0a000000 + i % 4096);
    ipfix_header(x, (uint32_t)(T0 / 1000), 0);
    for (unsigned k = 0; k < 50; k++)
        put_big_template(256 + i / 4096 * 50 + k, i * 50 + k);
    ipfix_close(x);
}

static void aliens(struct wire *x, unsigned i, struct fl_sender *from)
{
    ipfix_header(x, (uint32_t)(T0 / 1000), 0);
    size_t at = set_open(x, 2);
    put(x, 256 + i % 2000, 2);
    put(x, 4, 2);
    put(x, 0x00080004000c0004, 8);
    put(x, 0x8000 | (i * 13 & 0x7fff), 2);
    put(x, 1 + i % 1000, 2);
    put(x, 50000 + i, 4); /* an enterprise nobody knows */
    put(x, 0x7000 | (i & 0xfff), 2);
    put(x, 4, 2);
    set_close(x, at);
    at = set_open(x, 256 + i % 2000);
    put(x, 0x0a0000010a000002, 8);
    for (unsigned k = 0; k < 5 + i % 1000; k++)
        put(x, k, 1);
    set_close(x, at);
    ipfix_close(x);
}

static void held(struct wire *x, unsigned i, struct fl_sender *from)
{
    v9_header(x, 60000, (uint32_t)(T0 / 1000), i);
    size_t at = set_open(x, 256 + i % 7);
    for (int k = 0; k < 1400; k++)
        put(x, 0, 1);
    set_close(x, at);
}

/* Sets of no bytes: what is kept of each is all there is. */
static void held_nothing(struct wire *x, unsigned i, struct fl_sender *from)
{
    v9_header(x, 60000, (uint32_t)(T0 / 1000), i);
    for (int k = 0; k < 40; k++)
        put(x, 0x01000004, 4);
}

static void held_by_many(struct wire *x, unsigned i, struct fl_sender *from)
{
    from->address = fl_addr_v4(0x0a000000 + i % 64);
    held(x, i, from);
}

static void options(struct wire *x, unsigned i, struct fl_sender *from)
{
    unsigned name = 1 + i % 200;
    v9_header(x, 60000, (uint32_t)(T0 / 1000), i);
    size_t at = set_open(x, 1);
    put(x, 256 + i % 5000, 2);
    put(x, 4, 2);
    put(x, 16, 2);
    put(x, 0x00020004, 4); /* scope: interface */
    put(x, 0x00300002, 4); /* sampler */
    put(x, 0x00320004, 4); /* its interval */
    put(x, 0x000a0004, 4); /* interface */
    put(x, 82, 2);         /* its name */
    put(x, name, 2);
    set_close(x, at);
    at = set_open(x, 256 + i % 5000);
    put(x, i, 4);
    put(x, i, 2);
    put(x, 1 + i, 4);
    put(x, i, 4);
    for (unsigned k = 0; k < name; k++)
        put(x, 'a' + k % 26, 1);
    set_close(x, at);
}

static void test_templates_of_one_exporter(void **state)
{
    flood(templates, DATAGRAMS, 8 * MIB);
}

static void test_domains_of_one_exporter(void **state)
{
    assert_int_equal(flood(domains, DATAGRAMS, 24 * MIB), DATAGRAMS);
}

static void test_spoofed_sources(void **state)
{
    flood(sources, DATAGRAMS, 96 * MIB);
}

static void test_templates_of_spoofed_sources(void **state)
{
    flood(sources_and_templates, 12288, 128 * MIB);
}

static void test_alien_elements(void **state)
{
    assert_int_equal(flood(aliens, DATAGRAMS, 8 * MIB), DATAGRAMS);
}

static void test_data_without_template(void **state)
{
    flood(held, DATAGRAMS, 8 * MIB);
}

static void test_empty_data_sets_without_template(void **state)
{
    flood(held_nothing, DATAGRAMS / 10, 8 * MIB);
}

static void test_data_without_template_of_many(void **state)
{
    flood(held_by_many, DATAGRAMS, 72 * MIB);
}

static void test_options(void **state)
{
    flood(options, DATAGRAMS, 8 * MIB);
}

/* ---- time ---- */

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double time_of(struct fl_decoder *d)
{
    double before = cpu_seconds();
    (void)feed_at(d, &w, T0);
    return cpu_seconds() - before;
}

static struct fl_decoder *open_decoder(void)
{
    struct fl_decoder_limits limits;
    struct fl_decoder *d;
    fl_decoder_limits_init(&limits);
    assert_int_equal(fl_decoder_new(&d, &limits, count_flows, NULL), 0);
    return d;
}

/* A datagram full of the smallest templates costs much the same when everything that may be held is held:
 * what waits is found by its id. (A walk over all of it for each template is 40 times as much.) */
static void test_templates_while_much_waits(void **state)
{
    double seconds[2];
    for (int full = 0; full < 2; full++) {
        struct fl_decoder *d = open_decoder();
        for (unsigned i = 0; full && i < 1000; i++) {
            ipfix_header(&w, (uint32_t)(T0 / 1000), i);
            for (unsigned k = 0; k < 60; k++)
                put(&w, 0xffff0004, 4);
            ipfix_close(&w);
            (void)feed_at(d, &w, T0);
        }
        ipfix_header(&w, (uint32_t)(T0 / 1000), 1000);
        size_t at = set_open(&w, 2);
        for (unsigned id = 256; id < 8256; id++) {
            put(&w, (uint64_t)id << 16 | 1, 4);
            put(&w, 0x00080004, 4);
        }
        set_close(&w, at);
        ipfix_close(&w);
        seconds[full] = time_of(d);
        fl_decoder_free(d);
    }
    print_message("# %.3f s with nothing held, %.3f s with much\n", seconds[0], seconds[1]);
    assert_true(seconds[1] < 8 * seconds[0] + 0.05);
}

/* Of one datagram's data sets without template no more than 64 are held, the others are counted at once. */
static void test_data_sets_of_one_datagram(void **state)
{
    struct fl_exporter_stats s;
    struct fl_decoder *d = open_decoder();
    ipfix_header(&w, (uint32_t)(T0 / 1000), 0);
    for (unsigned k = 0; k < 16000; k++)
        put(&w, 0xffff0004, 4);
    ipfix_close(&w);
    assert_int_equal(feed_at(d, &w, T0), 0);
    assert_int_equal(fl_decoder_stats(d, &s, 1), 1);
    assert_int_equal(s.waiting, 64);
    assert_int_equal(s.unknown_template, 16000 - 64);
    fl_decoder_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates_of_one_exporter),
        cmocka_unit_test(test_domains_of_one_exporter),
        cmocka_unit_test(test_spoofed_sources),
        cmocka_unit_test(test_templates_of_spoofed_sources),
        cmocka_unit_test(test_alien_elements),
        cmocka_unit_test(test_data_without_template),
        cmocka_unit_test(test_empty_data_sets_without_template),
        cmocka_unit_test(test_data_without_template_of_many),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_templates_while_much_waits),
        cmocka_unit_test(test_data_sets_of_one_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
