/* Every fault of tests/collector/decode/faults.c costs its datagram and nothing else: what the session knew
 * before it still serves, and sound datagrams behind it give their flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/collector/decode/faults.h"

enum { KNOWN_ID = 1000 };
static const unsigned fields[][2] = {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {2, 4}};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static struct caught caught;
static struct wire w;

static void header(unsigned version)
{
    if (version == 9)
        v9_header(&w, 209000, (uint32_t)(T0 / 1000), 0);
    else
        ipfix_header(&w, (uint32_t)(T0 / 1000), 0);
}

static int send_known(struct fl_decoder *d, unsigned version, bool template, bool data)
{
    header(version);
    if (template)
        template_set(&w, version == 9 ? 0 : 2, KNOWN_ID, fields, FIELDS);
    if (data) {
        size_t at = set_open(&w, KNOWN_ID);
        put(&w, 0x0a0000010a000002, 8);
        put(&w, 1234, 2);
        put(&w, 80, 2);
        put(&w, version, 4);
        set_close(&w, at);
    }
    if (version == 10)
        ipfix_close(&w);
    return feed_at(d, &w, T0);
}

static uint64_t count_malformed(const struct fl_decoder *d)
{
    struct fl_exporter_stats s[4];
    size_t n = fl_decoder_stats(d, s, 4);
    uint64_t malformed = fl_decoder_stray(d);
    for (size_t i = 0; i < n; i++)
        malformed += s[i].malformed;
    return malformed;
}

/* What a sound sender says behind the fault comes through whole. */
static void nothing_is_harmed(struct fl_decoder *d)
{
    size_t before = caught.n;
    assert_int_equal(send_known(d, 9, false, true), 1);
    assert_int_equal(send_known(d, 10, false, true), 1);
    v5_header(&w, 1, 60000, T0, 0, 0);
    v5_record(&w, 1000, 2000);
    assert_int_equal(feed_at(d, &w, T0), 1);
    assert_int_equal(caught.n, before + 3);
    assert_int_equal(caught.flows[before].packets, 9);
    assert_int_equal(caught.flows[before + 1].packets, 10);
    assert_int_equal(caught.flows[before + 1].src_port, 1234);
    assert_int_equal(caught.flows[before + 2].packets, 5);
}

static void test_fault(void **state)
{
    const struct fault *fault = *state;
    struct fl_decoder_limits limits;
    struct fl_decoder *d;
    fl_decoder_limits_init(&limits);
    caught.n = 0;
    assert_int_equal(fl_decoder_new(&d, &limits, catch_flows, &caught), 0);
    assert_int_equal(send_known(d, 9, true, false), 0);
    assert_int_equal(send_known(d, 10, true, false), 0);
    uint64_t refused = 0, handed = 0;
    for (int step = 0; step < fault->steps; step++) {
        fault->build(&w, step);
        assert_int_equal(feed_at(d, &w, T0), fault->code[step]);
        refused += fault->code[step] == FL_EMALF;
        handed += fault->code[step] > 0 ? (uint64_t)fault->code[step] : 0;
    }
    assert_int_equal(caught.n, handed);
    assert_int_equal(count_malformed(d), refused);
    nothing_is_harmed(d);
    fl_decoder_free(d);
}

int main(void)
{
    struct CMUnitTest *tests = calloc(n_faults, sizeof *tests);
    if (!tests)
        return 1;
    for (size_t i = 0; i < n_faults; i++)
        tests[i] = (struct CMUnitTest){faults[i].name, test_fault, NULL, NULL, (void *)&faults[i]};
    int failed = _cmocka_run_group_tests("faults", tests, n_faults, NULL, NULL);
    free(tests);
    return failed;
}
