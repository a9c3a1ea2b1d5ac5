/* Templates over a restart: what one decoder tells, another one is given, and data that comes without
 * templates is decoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/decode/wire.h"

enum { DAY_MS = 86400000, SECONDS = 1655071200, MOST = 64 };

static struct fl_decoder *decoder;
static struct caught caught;
static struct wire w;

/* The rules database's part: what was told last of each template. */
static struct kept {
    struct fl_wire_template t;
    uint8_t bytes[1024];
} kept[MOST];
static size_t n_kept, n_told, n_gone, refuse_after;

static int keep(void *ctx, const struct fl_wire_template *t)
{
    size_t i = 0;
    (void)ctx;
    if (n_told == refuse_after)
        return FL_EIO;
    n_told++;
    n_gone += t->length == 0;
    while (i < n_kept && (kept[i].t.id != t->id || kept[i].t.version != t->version ||
                          kept[i].t.domain != t->domain || kept[i].t.source_port != t->source_port))
        i++;
    n_kept += i == n_kept;
    assert_true(n_kept <= MOST && t->length <= sizeof kept[i].bytes);
    kept[i].t = *t;
    kept[i].t.bytes = kept[i].bytes;
    if (t->length)
        memcpy(kept[i].bytes, t->bytes, t->length);
    return 0;
}

static size_t told(void)
{
    n_told = n_gone = 0;
    assert_int_equal(fl_decoder_changed_templates(decoder, keep, NULL), 0);
    return n_told;
}

static void begin(void)
{
    struct fl_decoder_limits limits;
    fl_decoder_limits_init(&limits);
    caught.n = 0;
    assert_int_equal(fl_decoder_new(&decoder, &limits, catch_flows, &caught), 0);
}

static int setup(void **state)
{
    (void)state;
    n_kept = 0;
    refuse_after = SIZE_MAX;
    begin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fl_decoder_free(decoder);
    return 0;
}

static int feed(int64_t now_ms)
{
    if (w.b[1] == 10)
        ipfix_close(&w);
    return feed_at(decoder, &w, now_ms);
}

static struct fl_exporter_stats stats(void)
{
    struct fl_exporter_stats s;
    assert_int_equal(fl_decoder_stats(decoder, &s, 1), 1);
    return s;
}

/* Another life: what was kept is given to a new decoder. */
static void restart(void)
{
    fl_decoder_free(decoder);
    begin();
    for (size_t i = 0; i < n_kept; i++)
        if (kept[i].t.length)
            assert_int_equal(fl_decoder_restore(decoder, &kept[i].t), 0);
}

static const unsigned fields[][2] = {{152, 8}, {8, 4}, {12, 4}, {1, 4}};

static void add_record(unsigned id, unsigned bytes)
{
    size_t at = set_open(&w, id);
    put(&w, (uint64_t)SECONDS * 1000, 8);
    put(&w, 0x0a0000010a000002, 8);
    put(&w, bytes, 4);
    set_close(&w, at);
}

static void define(unsigned id)
{
    ipfix_header(&w, SECONDS, 0);
    template_set(&w, 2, id, fields, 4);
    assert_int_equal(feed(T0), 0);
}

/* ---- full cycles ---- */

static void test_ipfix(void **state)
{
    (void)state;
    define(300);
    assert_int_equal(told(), 1);
    assert_int_equal(kept[0].t.version, 10);
    assert_int_equal(kept[0].t.domain, 7);
    assert_int_equal(kept[0].t.source_port, 4000);
    assert_int_equal(kept[0].t.id, 300);
    assert_false(kept[0].t.options);
    assert_int_equal(kept[0].t.defined_ms, T0);
    assert_int_equal(kept[0].t.length, 4 + 4 * 4);
    assert_memory_equal(kept[0].bytes, w.b + 20, 20);
    restart();
    ipfix_header(&w, SECONDS, 0);
    add_record(300, 77);
    assert_int_equal(feed(T0 + 1000), 1);
    assert_int_equal(caught.flows[0].bytes, 77);
    assert_int_equal(stats().templates, 1);
    assert_int_equal(stats().template_oldest_ms, T0);
    assert_int_equal(told(), 0); /* it is kept as it is */
}

/* NetFlow v9: the boot time is not kept, so uptimes wait for it anew; the first life's boot was a day before.
 */
static void test_v9_learns_its_boot_time_anew(void **state)
{
    static const unsigned f[][2] = {{22, 4}, {21, 4}, {8, 4}, {12, 4}};
    (void)state;
    v9_header(&w, 60000, SECONDS - 86400, 0);
    template_set(&w, 0, 256, f, 4);
    feed(T0 - DAY_MS);
    assert_int_equal(told(), 1);
    restart();
    v9_header(&w, 5000, SECONDS, 1);
    size_t at = set_open(&w, 256);
    put(&w, 1000, 4);
    put(&w, 2000, 4);
    put(&w, 0x0a0000010a000002, 8);
    set_close(&w, at);
    assert_int_equal(feed(T0), 0);
    fl_decoder_tick(decoder, T0 + 2000);
    assert_int_equal(caught.n, 1);
    assert_int_equal(caught.flows[0].start_ms, SECONDS * INT64_C(1000) - 4000);
    assert_int_equal(caught.flows[0].time_source, FL_TIME_UPTIME);
    assert_int_equal(stats().restarts, 0);
}

static void put_options_template(bool v9)
{
    size_t at = set_open(&w, v9 ? 1 : 3);
    put(&w, 400, 2);
    put(&w, v9 ? 4 : 2, 2); /* bytes of scopes, or fields in all */
    put(&w, v9 ? 4 : 1, 2); /* bytes of options, or scopes */
    put(&w, v9 ? 1 : 149, 2);
    put(&w, 4, 2);
    put(&w, 34, 2);
    put(&w, 4, 2);
    set_close(&w, at);
}

static void open_either(bool v9)
{
    if (v9)
        v9_header(&w, 1000, SECONDS, 0);
    else
        ipfix_header(&w, SECONDS, 0);
}

static void options_cycle(bool v9)
{
    open_either(v9);
    put_options_template(v9);
    assert_int_equal(feed(T0), 0);
    assert_int_equal(told(), 1);
    assert_true(kept[n_kept - 1].t.options);
    restart();
    open_either(v9);
    size_t at = set_open(&w, 400);
    put(&w, 7, 4);
    put(&w, 512, 4);
    set_close(&w, at);
    assert_int_equal(feed(T0), 0);
    assert_int_equal(stats().options, 1);
    assert_int_equal(stats().sampling_told, 512);
}

static void test_ipfix_options(void **state)
{
    (void)state;
    options_cycle(false);
}

static void test_v9_options(void **state)
{
    (void)state;
    options_cycle(true);
}

static void test_session_that_is_heard_already(void **state)
{
    (void)state;
    define(300);
    told();
    fl_decoder_free(decoder);
    begin();
    ipfix_header(&w, SECONDS, 0);
    add_record(300, 77);
    assert_int_equal(feed(T0 + 1000), 0); /* waits */
    assert_int_equal(fl_decoder_restore(decoder, &kept[0].t), 0);
    assert_int_equal(caught.n, 1);
    assert_int_equal(stats().waiting, 0);
}

/* ---- what is told ---- */

static void test_sent_again_is_told_every_ten_minutes(void **state)
{
    (void)state;
    define(300);
    assert_int_equal(told(), 1);
    for (int64_t second = 1; second < 1300; second++) {
        feed(T0 + second * 1000);
        assert_int_equal(told(), second == 600 || second == 1200);
    }
}

static void test_redefined_is_told(void **state)
{
    (void)state;
    define(300);
    told();
    ipfix_header(&w, SECONDS, 0);
    template_set(&w, 2, 300, fields, 3);
    feed(T0 + 1);
    assert_true(told() >= 1);
    assert_int_equal(n_kept, 1);
    assert_int_equal(kept[0].t.length, 4 + 3 * 4); /* the last word */
}

static void test_withdrawn_is_told_and_does_not_come_back(void **state)
{
    (void)state;
    define(300);
    told();
    ipfix_header(&w, SECONDS, 0);
    template_set(&w, 2, 300, NULL, 0);
    feed(T0 + 1);
    assert_int_equal(told(), 1);
    assert_int_equal(n_gone, 1);
    assert_int_equal(kept[0].t.id, 300);
    restart();
    ipfix_header(&w, SECONDS, 0);
    add_record(300, 77);
    assert_int_equal(feed(T0 + 2), 0);
}

static void test_expired_in_life_is_told(void **state)
{
    (void)state;
    define(300);
    told();
    fl_decoder_tick(decoder, T0 + DAY_MS);
    assert_int_equal(told(), 0);
    fl_decoder_tick(decoder, T0 + DAY_MS + 60000);
    assert_int_equal(told(), 1);
    assert_int_equal(n_gone, 1);
}

static void test_came_and_went_is_not_told(void **state)
{
    (void)state;
    define(300);
    ipfix_header(&w, SECONDS, 0);
    template_set(&w, 2, 300, NULL, 0);
    feed(T0 + 1);
    assert_int_equal(told(), 0);
}

static void test_what_could_not_be_kept_is_told_again(void **state)
{
    (void)state;
    for (unsigned id = 300; id < 305; id++)
        define(id);
    n_told = 0;
    refuse_after = 2;
    assert_int_equal(fl_decoder_changed_templates(decoder, keep, NULL), FL_EIO);
    refuse_after = SIZE_MAX;
    assert_int_equal(told(), 3);
    assert_int_equal(n_kept, 5);
}

/* ---- what is given back ---- */

static void test_expired_by_the_time_it_is_heard(void **state)
{
    (void)state;
    define(300);
    told();
    restart();
    ipfix_header(&w, SECONDS, 0);
    add_record(300, 77);
    assert_int_equal(feed(T0 + DAY_MS + 1), 0);
    assert_int_equal(stats().templates, 0);
    assert_int_equal(told(), 1);
    assert_int_equal(n_gone, 1);
}

static void test_expires_while_it_waits(void **state)
{
    (void)state;
    define(300);
    told();
    restart();
    fl_decoder_tick(decoder, T0 + DAY_MS);
    assert_int_equal(told(), 0);
    fl_decoder_tick(decoder, T0 + DAY_MS + 60000);
    assert_int_equal(told(), 1);
    assert_int_equal(n_gone, 1);
}

static void test_the_exporters_own_word_replaces_it(void **state)
{
    static const unsigned swapped[][2] = {{152, 8}, {12, 4}, {8, 4}, {1, 4}};
    (void)state;
    define(300);
    told();
    restart();
    ipfix_header(&w, SECONDS, 0);
    template_set(&w, 2, 300, swapped, 4);
    add_record(300, 77);
    assert_int_equal(feed(T0 + 1000), 1);
    assert_int_equal(caught.flows[0].src.b[15], 2);
    assert_true(told() >= 1);
    assert_memory_equal(kept[0].bytes, w.b + 20, 20);
}

static void test_another_session_is_not_served(void **state)
{
    (void)state;
    define(300);
    told();
    kept[0].t.source_port++;
    restart();
    ipfix_header(&w, SECONDS, 0);
    add_record(300, 77);
    assert_int_equal(feed(T0 + 1000), 0);
}

/* A restored template of an id that was given twice is the later one. */
static void test_given_twice(void **state)
{
    static const unsigned swapped[][2] = {{152, 8}, {12, 4}, {8, 4}, {1, 4}};
    (void)state;
    define(300);
    told();
    ipfix_header(&w, SECONDS, 0);
    template_set(&w, 2, 300, swapped, 4);
    restart();
    kept[0].t.bytes = w.b + 20;
    assert_int_equal(fl_decoder_restore(decoder, &kept[0].t), 0);
    ipfix_header(&w, SECONDS, 0);
    add_record(300, 77);
    assert_int_equal(feed(T0 + 1000), 1);
    assert_int_equal(caught.flows[0].src.b[15], 2);
}

/* ---- garbage, named by its fault ---- */

static int restore_bytes(const uint8_t *bytes, size_t length, uint8_t version, uint16_t id, bool options)
{
    struct fl_wire_template t = {.address = fl_addr_v4(0xc0000201),
                                 .source_port = 4000,
                                 .domain = 7,
                                 .version = version,
                                 .id = id,
                                 .options = options,
                                 .defined_ms = T0,
                                 .bytes = bytes,
                                 .length = length};
    return fl_decoder_restore(decoder, &t);
}

static void test_garbage_is_refused(void **state)
{
    static const uint8_t good[] = {1, 44, 0, 1, 0, 8, 0, 4, 0};
    static const uint8_t zero_lengths[] = {1, 44, 0, 1, 0, 8, 0, 0};
    static const uint8_t no_fields[] = {1, 44, 0, 0};
    static const uint8_t id_below_256[] = {0, 44, 0, 1, 0, 8, 0, 4};
    static const uint8_t no_scopes[] = {1, 44, 0, 1, 0, 0, 0, 8, 0, 4};
    (void)state;
    for (int version = 9; version <= 10; version++) {
        uint8_t v = (uint8_t)version;
        assert_int_equal(restore_bytes(good, 8, v, 300, false), 0);
        assert_int_equal(restore_bytes(good, 7, v, 300, false), FL_EMALF); /* cut short */
        assert_int_equal(restore_bytes(good, 9, v, 300, false), FL_EMALF); /* a byte too many */
        assert_int_equal(restore_bytes(good, 8, v, 301, false), FL_EMALF); /* another id */
        assert_int_equal(restore_bytes(good, 0, v, 300, false), FL_EMALF); /* empty */
        assert_int_equal(restore_bytes(NULL, 0, v, 300, false), FL_EMALF); /* none */
        assert_int_equal(restore_bytes(good, 8, v, 300, true), FL_EMALF);  /* not an options template */
        assert_int_equal(restore_bytes(zero_lengths, 8, v, 300, false), FL_EMALF);
        assert_int_equal(restore_bytes(no_fields, 4, v, 300, false), FL_EMALF);
        assert_int_equal(restore_bytes(id_below_256, 8, v, 44, false), FL_EMALF);
    }
    assert_int_equal(restore_bytes(no_scopes, 10, 10, 300, true), FL_EMALF);
    assert_int_equal(restore_bytes(good, 8, 5, 300, false), FL_EMALF);
    assert_int_equal(restore_bytes(good, 8, 0, 300, false), FL_EMALF);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_ipfix),
        T(test_v9_learns_its_boot_time_anew),
        T(test_ipfix_options),
        T(test_v9_options),
        T(test_session_that_is_heard_already),
        T(test_sent_again_is_told_every_ten_minutes),
        T(test_redefined_is_told),
        T(test_withdrawn_is_told_and_does_not_come_back),
        T(test_expired_in_life_is_told),
        T(test_came_and_went_is_not_told),
        T(test_what_could_not_be_kept_is_told_again),
        T(test_expired_by_the_time_it_is_heard),
        T(test_expires_while_it_waits),
        T(test_the_exporters_own_word_replaces_it),
        T(test_another_session_is_not_served),
        T(test_given_twice),
        T(test_garbage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
