/* Flows laid in room that is lent to the decoder: they are what they are without it, and the room, which is
 * given back with them, is neither overrun nor looked at again (it is freed at once here). */
#include "tests/collector/decode/fields.h"

static struct fl_flow *lent;
static size_t lent_n, n_lent, refused; /* every `refused`th asking; 0: none */

static struct fl_flow *lend(void *ctx, const char *location, size_t n)
{
    assert_null(lent);
    assert_true(n > 0 && n <= FL_BATCH);
    if (refused && ++n_lent % refused == 0)
        return NULL;
    n_lent += !refused;
    lent_n = n;
    return lent = malloc(n * sizeof *lent);
}

static void take_back(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    if (lent) {
        assert_ptr_equal(flows, lent);
        assert_true(n <= lent_n);
    }
    catch_flows(ctx, location, flows, n);
    free(lent);
    lent = NULL;
}

static int setup_room(void **state)
{
    struct fl_decoder_limits limits;
    fl_decoder_limits_init(&limits);
    caught.n = n_lent = refused = 0;
    int rc = fl_decoder_new(&decoder, &limits, take_back, &caught);
    if (rc == 0)
        fl_decoder_set_room(decoder, lend);
    return rc;
}

static const unsigned fields[][2] = {{8, 4}, {12, 4}, {2, 4}, {1, 4}, {152, 8}, {153, 8}};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

/* One set of n records; those in `none` (a bit each, the last 64) have no addresses, and make no flow. */
static void put_set(unsigned n, uint64_t none)
{
    ipfix_header(&w, EXPORT_S, 0);
    template_set(&w, 2, 256, fields, N_FIELDS);
    size_t at = set_open(&w, 256);
    for (unsigned i = 0; i < n; i++) {
        bool flow = n - i > 64 || !(none >> (n - i - 1) & 1);
        put(&w, flow ? 0x0a000001 : 0, 4);
        put(&w, flow ? 0x0a000002 : 0, 4);
        put(&w, i + 1, 4);
        put(&w, 600, 4);
        put(&w, T0 - 1000, 8);
        put(&w, T0 - 500, 8);
    }
    set_close(&w, at);
    ipfix_close(&w);
}

/* Around the ends of batches and blocks, and with records at the end that make no flow. */
static void flows_are_the_same_with_room(void **state)
{
    static const unsigned counts[] = {1, 15, 16, 17, 126, 127, 128, 129, 143, 144, 255, 256, 257, 600};
    static const uint64_t nones[] = {0, 1, 3, 0xffff, 0x1ffff, 0xaaaaaaaaaaaaaaaa, UINT64_MAX};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t k = 0; k < sizeof nones / sizeof *nones; k++) {
            unsigned n = counts[c], flows = n - (unsigned)__builtin_popcountll(
                                                    n < 64 ? nones[k] & ((UINT64_C(1) << n) - 1) : nones[k]);
            put_set(n, nones[k]);
            caught.n = 0;
            refused = c % 3;
            assert_int_equal(feed_at(decoder, &w, T0), flows);
            assert_int_equal(caught.n, flows);
            for (size_t i = 0, record = 0; i < caught.n; i++, record++) {
                while (n - record <= 64 && nones[k] >> (n - record - 1) & 1)
                    record++;
                assert_int_equal(caught.flows[i].packets, record + 1);
                assert_int_equal(caught.flows[i].start_ms, T0 - 1000);
            }
            assert_null(lent);
        }
    assert_true(n_lent > 100);
}

static void v5_has_room_too(void **state)
{
    v5_header(&w, 40, 60000, T0, 0, 0);
    for (unsigned i = 0; i < 40; i++)
        v5_record(&w, 50000, 59000);
    assert_int_equal(feed_at(decoder, &w, T0), 40);
    assert_int_equal(caught.n, 40);
    assert_int_equal(n_lent, 1);
    assert_null(lent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flows_are_the_same_with_room, setup_room, teardown),
        cmocka_unit_test_setup_teardown(v5_has_room_too, setup_room, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
