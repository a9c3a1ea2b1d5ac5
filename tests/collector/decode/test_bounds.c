/* Floods under one address and under many: the real exporter keeps its session and templates, and memory
 * stays within what the limits say. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "collector/decode/session.h"
#include "tests/collector/decode/wire.h"

static struct fl_decoder *decoder;
static struct fl_decoder_limits limits;
static struct caught caught;
static struct wire w;
static size_t before_bytes;

enum { REAL = 0xc0000201, SECONDS = 1655071000 };

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* its header is not always installed */
#endif

static size_t allocated(void)
{
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks + mallinfo2().hblkhd;
#endif
}

static int setup(void **state)
{
    (void)state;
    fl_decoder_limits_init(&limits);
    limits.sessions = 64;
    limits.sessions_address = 16;
    limits.templates = 100;
    limits.template_bytes = 512 << 10;
    limits.template_bytes_address = 128 << 10;
    limits.restored_bytes = 128 << 10;
    limits.held_bytes = 64 << 10;
    limits.held_bytes_address = 128 << 10;
    limits.held_bytes_all = 512 << 10;
    caught.n = 0;
    int code = fl_decoder_new(&decoder, &limits, catch_flows, &caught);
    before_bytes = allocated();
    return code;
}

static int teardown(void **state)
{
    (void)state;
    fl_decoder_free(decoder);
    return 0;
}

/* What the sessions and the three kinds of bytes may take, the allocator's headers, hash tables and the
 * library's own templates included. */
static void assert_within_bounds(void)
{
    size_t sessions = limits.sessions * (sizeof(struct fl_session) + 2048);
    size_t kept = limits.template_bytes + limits.restored_bytes + limits.held_bytes_all;
    size_t most = sessions + kept * 2 + (1 << 20), now = allocated();
    if (now > before_bytes + most)
        fail_msg("%zu bytes, more than %zu", now - before_bytes, most);
}

static void open_message(uint32_t domain)
{
    static uint32_t number;
    ipfix_header(&w, SECONDS, 0);
    patch16(&w, 8, number >> 16); /* so that none is a duplicate */
    patch16(&w, 10, number++ & 0xffff);
    patch16(&w, 12, domain >> 16);
    patch16(&w, 14, domain & 0xffff);
}

static void add_template(unsigned id, unsigned alien, unsigned length)
{
    const unsigned f[][2] = {{152, 8}, {8, 4}, {12, 4}, {alien, length}};
    template_set(&w, 2, id, f, 4);
}

static void add_data(unsigned id, unsigned length)
{
    size_t at = set_open(&w, id);
    put(&w, T0 - 1000, 8);
    put(&w, 0x0a0000010a000002, 8);
    for (unsigned i = 0; i < length; i++)
        put(&w, 0, 1);
    set_close(&w, at);
}

static int send_from(uint32_t address, uint16_t port)
{
    struct fl_sender from = {fl_addr_v4(address), port, "lab", 0};
    ipfix_close(&w);
    return fl_decode(decoder, w.b, w.n, &from, T0);
}

static void real_begins(void)
{
    open_message(7);
    add_template(300, 1, 8);
    add_data(300, 8);
    assert_int_equal(send_from(REAL, 4000), 1);
}

/* Data without its template again: it is decoded only if the session and the template are still there. */
static void real_goes_on(void)
{
    open_message(7);
    add_data(300, 8);
    assert_int_equal(send_from(REAL, 4000), 1);
}

/* ---- floods of sessions ---- */

static void test_domains_of_its_own_address(void **state)
{
    (void)state;
    real_begins();
    for (uint32_t i = 0; i < 5000; i++) {
        open_message(1000 + i);
        add_template(300, 1, 8);
        send_from(REAL, 4000);
    }
    real_goes_on();
    assert_within_bounds();
    assert_true(fl_decoder_dropped(decoder) >= 5000 - 16);
}

static void test_spoofed_sources_with_templates(void **state)
{
    (void)state;
    real_begins();
    for (uint32_t i = 0; i < 5000; i++) {
        open_message(7);
        add_template(300 + i % 50, 1, 8);
        send_from(0x0a000000 + i, 4000);
    }
    real_goes_on();
    assert_within_bounds();
}

static void test_spoofed_sources_with_data_held(void **state)
{
    (void)state;
    real_begins();
    for (uint32_t i = 0; i < 5000; i++) {
        open_message(7);
        add_data(300, 1000);
        send_from(0x0a000000 + i, 4000);
    }
    real_goes_on();
    assert_within_bounds();
}

/* Sources that hand on flows are proven like the real one. It is heard again now and then, they are not. */
static void test_spoofed_sources_with_flows(void **state)
{
    (void)state;
    real_begins();
    for (uint32_t i = 0; i < 5000; i++) {
        open_message(7);
        add_template(300, 1, 8);
        add_data(300, 8);
        send_from(0x0a000000 + i, 4000);
        if (i % 20 == 0)
            real_goes_on();
    }
    real_goes_on();
    assert_within_bounds();
}

/* Of 200 that handed on flows as many are kept as have places, seven in eight. They are silent from then on;
 * nothing that never handed on a flow takes the place of one of them. */
static void test_unproven_never_push_out_proven(void **state)
{
    struct fl_exporter_stats s[64];
    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        open_message(i);
        add_template(300, 1, 8);
        add_data(300, 8);
        send_from(REAL + i, 4000);
    }
    assert_int_equal(fl_decoder_stats(decoder, s, 64), 56);
    for (uint32_t i = 0; i < 1000; i++) {
        open_message(i);
        send_from(0x0a000000 + i, 4000);
    }
    assert_int_equal(fl_decoder_stats(decoder, s, 64), 64);
    for (uint32_t i = 144; i < 200; i++) {
        open_message(i);
        add_data(300, 8);
        assert_int_equal(send_from(REAL + i, 4000), 1);
    }
}

/* A new exporter finds a place among 1000 silent ones that all handed on flows. */
static void test_a_new_exporter_finds_a_place(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        open_message(7);
        add_template(300, 1, 8);
        add_data(300, 8);
        send_from(0x0a000000 + i, 4000);
    }
    real_begins();
    real_goes_on();
}

static void test_a_limit_of_one_session(void **state)
{
    (void)state;
    limits.sessions = limits.sessions_address = 1;
    fl_decoder_set_limits(decoder, &limits);
    for (uint32_t i = 0; i < 10; i++) {
        open_message(i);
        add_template(300, 1, 8);
        add_data(300, 8);
        assert_int_equal(send_from(REAL + i % 3, 4000), 1);
    }
    assert_int_equal(fl_decoder_dropped(decoder), 9);
}

/* ---- floods of templates ---- */

static void template_flood(uint32_t address, uint32_t domain)
{
    for (unsigned i = 0; i < 60000; i++) {
        if (i % 50 == 0)
            open_message(domain);
        add_template(256 + i % 60000, 1000 + i % 20000, 1 + i % 999);
        if (i % 50 == 49)
            send_from(address, 4000);
    }
}

static void test_template_and_alien_flood_of_another_domain(void **state)
{
    (void)state;
    real_begins();
    template_flood(REAL, 8);
    real_goes_on();
    assert_within_bounds();
}

static void test_template_and_alien_flood_of_another_address(void **state)
{
    (void)state;
    real_begins();
    template_flood(REAL + 1, 7);
    real_goes_on();
    assert_within_bounds();
}

/* Templates with as many fields as are let in. */
static void wide_flood(uint32_t address, unsigned n_addresses, unsigned n_domains, unsigned n)
{
    static unsigned f[256][2];
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < 256; k++) {
            f[k][0] = 500 + (i * 7 + k) % 30000;
            f[k][1] = 1 + (i + k) % 9;
        }
        open_message(7 + i % n_domains);
        template_set(&w, 2, 400 + i % 89, (const unsigned(*)[2])f, 256);
        send_from(address + i % n_addresses, 4000);
    }
}

/* The bound is of bytes, not of templates: here some 30 MB are sent. */
static void test_wide_templates(void **state)
{
    (void)state;
    real_begins();
    wide_flood(REAL + 1, 60, 1, 60 * 89);
    real_goes_on();
    assert_within_bounds();
}

/* An exporter that hands on flows, and then more templates than an address may have, loses its own; a
 * newcomer at another address, which has nothing but its template yet, keeps that. */
static void test_wide_templates_of_one_address(void **state)
{
    (void)state;
    real_begins();
    open_message(7);
    add_template(300, 1, 8);
    send_from(REAL + 1, 4000);
    for (uint32_t domain = 7; domain < 15; domain++) {
        open_message(domain);
        add_template(300, 1, 8);
        add_data(300, 8);
        send_from(REAL, 4000);
    }
    wide_flood(REAL, 1, 8, 8 * 89);
    open_message(7);
    add_data(300, 8);
    assert_int_equal(send_from(REAL + 1, 4000), 1);
    assert_within_bounds();
}

/* ---- floods of held data ---- */

static uint64_t given_up(uint32_t address)
{
    struct fl_exporter_stats s[64];
    struct fl_addr want = fl_addr_v4(address);
    size_t n = fl_decoder_stats(decoder, s, 64);
    for (size_t i = 0; i < n; i++)
        if (fl_addr_cmp(&s[i].address, &want) == 0)
            return s[i].unknown_template;
    fail_msg("the session is gone");
    return 0;
}

static uint64_t all_waiting(void)
{
    struct fl_exporter_stats s[64];
    size_t n = fl_decoder_stats(decoder, s, 64);
    uint64_t waiting = 0;
    for (size_t i = 0; i < n; i++)
        waiting += s[i].waiting;
    return waiting;
}

/* Others fill what may be held in all; the real exporter's set finds room at their expense. */
static void test_held_data_of_the_proven_comes_first(void **state)
{
    (void)state;
    real_begins();
    for (uint32_t i = 0; i < 1000; i++) {
        open_message(7);
        add_data(400, 60000);
        send_from(0x0a000000 + i % 20, 4000);
    }
    open_message(7);
    add_data(301, 8);
    assert_int_equal(send_from(REAL, 4000), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        open_message(7);
        add_data(400, 60000);
        send_from(0x0a000000 + i % 20, 4000);
    }
    assert_true(all_waiting() <= 1 + (512 << 10) / 60000);
    open_message(7);
    add_template(301, 1, 8);
    assert_int_equal(send_from(REAL, 4000), 1);
    assert_int_equal(given_up(REAL), 0);
    assert_true(given_up(0x0a000000) >= 98); /* of 100 at most one is held */
}

static void test_held_data_of_one_address_is_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        open_message(i % 10);
        add_data(400, 30000);
        send_from(REAL, 4000);
    }
    struct fl_exporter_stats s[16];
    size_t n = fl_decoder_stats(decoder, s, 16), waiting = 0, gone = 0;
    for (size_t i = 0; i < n; i++) {
        waiting += s[i].waiting;
        gone += s[i].unknown_template;
    }
    assert_int_equal(waiting, (128 << 10) / 30100);
    assert_int_equal(waiting + gone, 300);
}

static void test_restored_templates_are_bounded(void **state)
{
    uint8_t bytes[4 + 256 * 4] = {1, 44, 0, 255};
    (void)state;
    for (unsigned i = 0; i < 255; i++)
        bytes[4 + 4 * i + 3] = 4, bytes[4 + 4 * i + 2] = 0, bytes[4 + 4 * i + 1] = (uint8_t)i;
    for (uint32_t i = 0; i < 5000; i++) {
        struct fl_wire_template t = {.address = fl_addr_v4(i), .version = 10, .id = 300, .defined_ms = T0};
        t.bytes = bytes;
        t.length = 4 + 255 * 4;
        assert_int_equal(fl_decoder_restore(decoder, &t), 0);
    }
    assert_within_bounds();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_domains_of_its_own_address),
        T(test_spoofed_sources_with_templates),
        T(test_spoofed_sources_with_data_held),
        T(test_spoofed_sources_with_flows),
        T(test_unproven_never_push_out_proven),
        T(test_a_new_exporter_finds_a_place),
        T(test_a_limit_of_one_session),
        T(test_template_and_alien_flood_of_another_domain),
        T(test_template_and_alien_flood_of_another_address),
        T(test_wide_templates),
        T(test_wide_templates_of_one_address),
        T(test_held_data_of_the_proven_comes_first),
        T(test_held_data_of_one_address_is_bounded),
        T(test_restored_templates_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
