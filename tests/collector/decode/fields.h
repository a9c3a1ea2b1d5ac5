/* Templates and records from lists of fields, and one decoder that takes them: for tests that care about what
 * elements mean. Each list is a template and one record of it. */
#ifndef FL_TESTS_COLLECTOR_FIELDS_H
#define FL_TESTS_COLLECTOR_FIELDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/decode/wire.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* most fields need three of their five */

enum { REVERSE = 29305, VARIABLE = 65535 };
static const uint32_t EXPORT_S = 1655071209; /* T0 */

/* A field and the value that the one record of it has. */
struct field {
    unsigned element, length;
    uint64_t value; /* beyond 8 bytes: 0x20, zeros, and these 8 bytes at the end */
    uint32_t enterprise;
    const char *bytes; /* in place of `value`; VARIABLE: `value` of them, with their length before them */
};

#define IP4(a, b, c, d) ((uint64_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* A list and its count, as two arguments. */
#define FIELDS(...)                                                                                          \
    (const struct field[]){__VA_ARGS__}, sizeof((const struct field[]){__VA_ARGS__}) / sizeof(struct field)

static struct fl_decoder *decoder;
static struct caught caught;
static struct wire w;

static inline int setup(void **state)
{
    struct fl_decoder_limits limits;
    (void)state;
    fl_decoder_limits_init(&limits);
    caught.n = 0;
    return fl_decoder_new(&decoder, &limits, catch_flows, &caught);
}

static inline int teardown(void **state)
{
    (void)state;
    fl_decoder_free(decoder);
    return 0;
}

static inline void put_fields(const struct field *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(&w, f[i].element | (f[i].enterprise ? 0x8000u : 0), 2);
        put(&w, f[i].length, 2);
        if (f[i].enterprise)
            put(&w, f[i].enterprise, 4);
    }
}

static inline void put_bytes(const char *bytes, size_t n)
{
    memcpy(w.b + w.n, bytes, n);
    w.n += n;
}

static inline void put_value(const struct field *f)
{
    if (f->length == VARIABLE && f->value < 255) {
        put(&w, f->value, 1);
    } else if (f->length == VARIABLE) {
        put(&w, 255, 1);
        put(&w, f->value, 2);
    }
    if (f->bytes) {
        put_bytes(f->bytes, f->length == VARIABLE ? f->value : f->length);
        return;
    }
    for (unsigned k = 8; k < f->length; k++)
        put(&w, k == 8 ? 0x20 : 0, 1);
    put(&w, f->value, f->length < 8 ? f->length : 8);
}

static inline void put_values(const struct field *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_value(&f[i]);
}

/* An IPFIX template, or options template of so many scopes. */
static inline void put_template(unsigned id, unsigned scopes, const struct field *f, size_t n)
{
    size_t at = set_open(&w, scopes ? 3 : 2);
    put(&w, id, 2);
    put(&w, n, 2);
    if (scopes)
        put(&w, scopes, 2);
    put_fields(f, n);
    set_close(&w, at);
}

static inline void put_data(unsigned id, const struct field *f, size_t n)
{
    size_t at = set_open(&w, id);
    put_values(f, n);
    set_close(&w, at);
}

/* The same for v9. `scopes` fields have scope types for elements. */
static inline void put_template_v9(unsigned id, unsigned scopes, const struct field *f, size_t n)
{
    size_t at = set_open(&w, scopes ? 1 : 0);
    put(&w, id, 2);
    if (scopes)
        put(&w, 4 * scopes, 2);
    put(&w, scopes ? 4 * (n - scopes) : n, 2);
    put_fields(f, n);
    if (scopes)
        put(&w, 0, w.n % 4 ? 4 - w.n % 4 : 0);
    set_close(&w, at);
}

/* One datagram of template and record, T0 by its header, received 700 ms later. Returns records made. */
static inline int feed_ipfix(unsigned id, unsigned scopes, const struct field *f, size_t n)
{
    ipfix_header(&w, EXPORT_S, 0);
    put_template(id, scopes, f, n);
    put_data(id, f, n);
    ipfix_close(&w);
    return feed_at(decoder, &w, T0 + 700);
}

/* By v9, up for so long. What waits for the boot time is let go. Returns records made. */
static inline int feed_v9(uint32_t uptime, unsigned id, unsigned scopes, const struct field *f, size_t n)
{
    size_t before = caught.n;
    v9_header(&w, uptime, EXPORT_S, 0);
    put_template_v9(id, scopes, f, n);
    put_data(id, f, n);
    int code = feed_at(decoder, &w, T0 + 700);
    fl_decoder_flush(decoder, T0 + 700);
    return code < 0 ? code : (int)(caught.n - before);
}

/* One flow of 10.0.0.1 to 10.0.0.2 and of `f`, by IPFIX. Returns the records that came of it. */
static inline int feed_flow(const struct field *f, size_t n)
{
    struct field all[32] = {{8, 4, 0x0a000001}, {12, 4, 0x0a000002}};
    assert_true(n + 2 <= 32);
    memcpy(all + 2, f, n * sizeof *f);
    return feed_ipfix(300, 0, all, n + 2);
}
#define FEED(...) feed_flow(FIELDS(__VA_ARGS__))

static inline struct fl_exporter_stats stats_of(void)
{
    struct fl_exporter_stats stats;
    assert_int_equal(fl_decoder_stats(decoder, &stats, 1), 1);
    return stats;
}

/* ---- what came of it ---- */

static inline void expect_address(const struct fl_addr *a, const char *text)
{
    char buffer[FL_ADDR_TEXT];
    assert_string_equal(fl_addr_format(a, buffer), text);
}

static inline void expect_ends(const struct fl_flow *f, const char *src, unsigned src_port, const char *dst,
                               unsigned dst_port, unsigned protocol)
{
    expect_address(&f->src, src);
    expect_address(&f->dst, dst);
    assert_int_equal(f->src_port, src_port);
    assert_int_equal(f->dst_port, dst_port);
    assert_int_equal(f->protocol, protocol);
}

static inline void expect_translated(const struct fl_flow *f, const char *src, unsigned src_port,
                                     const char *dst, unsigned dst_port)
{
    expect_address(&f->post_src, src);
    expect_address(&f->post_dst, dst);
    assert_int_equal(f->post_src_port, src_port);
    assert_int_equal(f->post_dst_port, dst_port);
}

static inline void expect_counts(const struct fl_flow *f, uint64_t packets, uint64_t bytes)
{
    assert_int_equal(f->packets, packets);
    assert_int_equal(f->bytes, bytes);
}

static inline void expect_span(const struct fl_flow *f, int64_t start, int64_t end,
                               enum fl_time_source source)
{
    assert_int_equal(f->start_ms, start);
    assert_int_equal(f->end_ms, end);
    assert_int_equal(f->time_source, source);
}

static inline void expect_interfaces(const struct fl_flow *f, uint32_t in, uint32_t out,
                                     enum fl_direction direction)
{
    assert_int_equal(f->in_if, in);
    assert_int_equal(f->out_if, out);
    assert_int_equal(f->direction, direction);
}

static inline void expect_marks(const struct fl_flow *f, unsigned tcp_flags, unsigned tos,
                                unsigned end_reason, enum fl_event event)
{
    assert_int_equal(f->tcp_flags, tcp_flags);
    assert_int_equal(f->tos, tos);
    assert_int_equal(f->end_reason, end_reason);
    assert_int_equal(f->event, event);
}

static inline void expect_sampling(const struct fl_flow *f, uint32_t interval, enum fl_sampling_source source)
{
    assert_int_equal(f->sampling, interval);
    assert_int_equal(f->sampling_source, source);
}

#endif
