/* Timeouts learned from streams of flows whose exporter's timeouts are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "collector/decode/timeouts.h"

static struct fl_timeouts t;
static uint64_t seed;

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    seed = 1;
    return 0;
}

static int64_t below(int64_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(seed >> 33) % n;
}

static void learn(int64_t duration_ms, int64_t idle_ms, uint8_t reason, uint8_t tcp_flags)
{
    struct fl_flow flow = {.start_ms = 1000000, .end_ms = 1000000 + duration_ms};
    flow.protocol = tcp_flags ? FL_PROTO_TCP : FL_PROTO_UDP;
    flow.tcp_flags = tcp_flags;
    flow.end_reason = reason;
    fl_timeouts_learn(&t, &flow, 1, flow.end_ms + idle_ms);
}

/* An exporter with these timeouts. Of ten flows, six are short and go idle, two end by FIN, one is a talk of
 * some length that goes idle, and one lasts: it is cut, its last packet up to a twentieth of the timeout
 * before. Idle and cut flows are looked for every second. */
static void exporter(int64_t active_ms, int64_t inactive_ms, bool reasons, int n)
{
    for (int i = 0; i < n; i++) {
        if (i % 10 < 6)
            learn(below(3000), inactive_ms + below(1000), reasons ? FL_END_IDLE : 0, 0);
        else if (i % 10 < 8)
            learn(below(active_ms / 2), below(1000), reasons ? FL_END_OF_FLOW : 0, FL_TCP_FIN | FL_TCP_ACK);
        else if (i % 10 == 8)
            learn(below(active_ms), inactive_ms + below(1000), reasons ? FL_END_IDLE : 0, FL_TCP_ACK);
        else
            learn(active_ms - below(active_ms / 20), below(1000), reasons ? FL_END_ACTIVE : 0, FL_TCP_ACK);
    }
}

static void test_nothing_is_known_at_first(void **state)
{
    (void)state;
    assert_int_equal(fl_timeouts_active(&t), 0);
    assert_int_equal(fl_timeouts_inactive(&t), 0);
    learn(60000, 15000, FL_END_ACTIVE, 0);
    learn(60000, 15000, FL_END_IDLE, 0);
    assert_int_equal(fl_timeouts_active(&t), 0);
    assert_int_equal(fl_timeouts_inactive(&t), 0);
}

static void test_told(void **state)
{
    (void)state;
    exporter(60000, 15000, true, 2000);
    fl_timeouts_told(&t, 1800, 0);
    assert_int_equal(fl_timeouts_active(&t), 1800000);
    assert_int_equal(fl_timeouts_inactive(&t), 15000);
    fl_timeouts_told(&t, 0, 30);
    assert_int_equal(fl_timeouts_active(&t), 1800000);
    assert_int_equal(fl_timeouts_inactive(&t), 30000);
}

static const int64_t pairs[][2] = {{60000, 15000},  {120000, 15000}, {300000, 30000},  {1800000, 60000},
                                   {600000, 10000}, {30000, 5000},   {3600000, 120000}};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static void test_learned_with_reasons(void **state)
{
    for (size_t i = 0; i < PAIRS; i++) {
        setup(state);
        exporter(pairs[i][0], pairs[i][1], true, 3000);
        assert_int_equal(fl_timeouts_active(&t), pairs[i][0]);
        assert_int_equal(fl_timeouts_inactive(&t), pairs[i][1]);
    }
}

static void test_learned_without_reasons(void **state)
{
    for (size_t i = 0; i < PAIRS; i++) {
        setup(state);
        exporter(pairs[i][0], pairs[i][1], false, 3000);
        assert_int_equal(fl_timeouts_active(&t), pairs[i][0]);
        assert_int_equal(fl_timeouts_inactive(&t), pairs[i][1]);
    }
}

/* Durations of every length, ever fewer of the longer ones, and nothing is cut: no pile is seen where none
 * is. */
static void test_no_pile(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t ms = 8000 + below(4000);
        while (below(8))
            ms += ms / 8;
        learn(ms, below(500), 0, FL_TCP_FIN);
    }
    assert_int_equal(fl_timeouts_active(&t), 0);
    assert_int_equal(fl_timeouts_inactive(&t), 0);
}

/* Flows that went idle at all kinds of times, as from an exporter that delivers from a queue of its own. */
static void test_idle_times_without_a_pile(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++)
        learn(below(3000), 1024 + below(120000), 0, 0);
    assert_int_equal(fl_timeouts_inactive(&t), 0);
}

static void test_times_of_receipt_teach_nothing(void **state)
{
    struct fl_flow flow = {.end_ms = 60000, .time_source = FL_TIME_RECEIVED, .end_reason = FL_END_ACTIVE};
    (void)state;
    for (int i = 0; i < 1000; i++)
        fl_timeouts_learn(&t, &flow, 1, 75000);
    assert_int_equal(fl_timeouts_active(&t), 0);
    assert_int_equal(fl_timeouts_inactive(&t), 0);
}

static void test_a_changed_timeout_is_noticed(void **state)
{
    (void)state;
    exporter(300000, 60000, true, 3000);
    assert_int_equal(fl_timeouts_active(&t), 300000);
    exporter(60000, 15000, true, 3000000);
    assert_int_equal(fl_timeouts_active(&t), 60000);
    assert_int_equal(fl_timeouts_inactive(&t), 15000);
}

/* Clocks that differ and wild times must not reach beyond the table. */
static void test_wild_times(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++) {
        learn(INT64_C(1) << i % 62, INT64_C(1) << i % 62, FL_END_ACTIVE, 0);
        learn(0, INT64_C(1) << i % 62, FL_END_IDLE, 0);
        learn(0, -(INT64_C(1) << i % 62), FL_END_IDLE, 0);
    }
    assert_int_equal(fl_timeouts_active(&t), 0);
    assert_int_equal(fl_timeouts_inactive(&t), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        T(test_nothing_is_known_at_first),
        T(test_told),
        T(test_learned_with_reasons),
        T(test_learned_without_reasons),
        T(test_no_pile),
        T(test_idle_times_without_a_pile),
        T(test_times_of_receipt_teach_nothing),
        T(test_a_changed_timeout_is_noticed),
        T(test_wild_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
