/* Datagrams of real exporters, when they are at hand beside the source. The counts expected are the header's
 * own count less its templates and options, or the set's length over the template's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/wire.h"

static struct caught caught;

static size_t load(const char *name, uint8_t *bytes, size_t most)
{
    char path[512];
    const char *srcdir = getenv("srcdir");
    snprintf(path, sizeof path, "%s/../shared/data/exports/%s.dat", srcdir ? srcdir : ".", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    size_t n = fread(bytes, 1, most, f);
    fclose(f);
    return n;
}

static size_t datagram_length(const uint8_t *b, size_t left)
{
    size_t second = left >= 4 ? (size_t)b[2] << 8 | b[3] : 0;
    size_t length = left;
    if (left >= 4 && b[1] == 5)
        length = 24 + 48 * second;
    else if (left >= 4 && b[1] == 10)
        length = second;
    return length && length < left ? length : left;
}

/* Feed the files in order and expect so many flows. */
static void expect(const char *const *names, size_t flows)
{
    static uint8_t bytes[65536];
    struct fl_decoder *d;
    struct fl_decoder_limits limits;
    struct fl_sender from = {fl_addr_v4(0xc0000201), 4000, "lab", 0};
    fl_decoder_limits_init(&limits);
    caught.n = 0;
    assert_int_equal(fl_decoder_new(&d, &limits, catch_flows, &caught), 0);
    for (; *names; names++) {
        size_t n = load(*names, bytes, sizeof bytes), length;
        assert_true(n > 0);
        for (size_t at = 0; at < n; at += length) {
            length = datagram_length(bytes + at, n - at);
            fl_decode(d, bytes + at, length, &from, 1795000000000);
        }
    }
    fl_decoder_flush(d, 1795000000000);
    fl_decoder_free(d);
    assert_int_equal(caught.n, flows);
}

#define EXPORT(name, flows, ...)                                                                             \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        static const char *const files[] = {__VA_ARGS__, NULL};                                              \
        (void)state;                                                                                         \
        expect(files, flows);                                                                                \
    }

EXPORT(test_netflow5, 30, "netflow5")
EXPORT(test_netflow5_count_beyond_bytes, 0, "netflow5_test_invalid01", "netflow5_test_invalid02")
EXPORT(test_cisco_1941, 29, "netflow9_test_cisco_1941K9")
EXPORT(test_cisco_asa, 14, "netflow9_test_cisco_asa_1_tpl", "netflow9_test_cisco_asa_1_data")
EXPORT(test_cisco_asr9k, 21, "netflow9_test_cisco_asr9k_tpl260", "netflow9_test_cisco_asr9k_data260")
EXPORT(test_cisco_nbar, 5, "netflow9_test_cisco_nbar_tpl262", "netflow9_test_cisco_nbar_data262")
EXPORT(test_h3c, 16, "netflow9_test_h3c_tpl3281", "netflow9_test_h3c_data3281")
EXPORT(test_huawei_netstream, 1, "netflow9_test_huawei_netstream_tpl", "netflow9_test_huawei_netstream_data")
EXPORT(test_fields_of_length_zero, 10, "netflow9_test_0length_fields_tpl_data")
EXPORT(test_mikrotik, 46, "ipfix_test_mikrotik_tpl", "ipfix_test_mikrotik_data258",
       "ipfix_test_mikrotik_data259")
EXPORT(test_nokia_bras, 1, "ipfix_test_nokia_bras_tpl", "ipfix_test_nokia_bras_data256")
EXPORT(test_layer_two_options_only, 0, "ipfix_test_juniper_mx240_junos151r6s3_opttpl512",
       "ipfix_test_juniper_mx240_junos151r6s3_data512")

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netflow5),
        cmocka_unit_test(test_netflow5_count_beyond_bytes),
        cmocka_unit_test(test_cisco_1941),
        cmocka_unit_test(test_cisco_asa),
        cmocka_unit_test(test_cisco_asr9k),
        cmocka_unit_test(test_cisco_nbar),
        cmocka_unit_test(test_h3c),
        cmocka_unit_test(test_huawei_netstream),
        cmocka_unit_test(test_fields_of_length_zero),
        cmocka_unit_test(test_mikrotik),
        cmocka_unit_test(test_nokia_bras),
        cmocka_unit_test(test_layer_two_options_only),
    };
    uint8_t probe[4];
    if (load("netflow5", probe, sizeof probe) == 0) {
        puts("1..0 # SKIP the captured exports are not at hand");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
