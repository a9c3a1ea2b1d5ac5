/* Sequence numbers, worked by hand: what is loss, and what is reordering, repetition, restart or another way
 * of counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/decode/sequence.h"

static struct fl_sequence s;

/* A datagram of so many flow records under a number. */
static void take(uint32_t number, uint32_t flows)
{
    struct fl_step step = {.number = number, .records = flows, .flows = flows, .fingerprint = number + 1};
    fl_sequence_update(&s, &step);
}

static void expect(uint64_t lost, uint64_t reordered, uint64_t restarts)
{
    assert_int_equal(fl_sequence_lost(&s), lost);
    assert_int_equal(fl_sequence_reordered(&s), reordered);
    assert_int_equal(fl_sequence_restarts(&s), restarts);
}

/* ---- v9: datagrams ---- */

static void test_datagrams_lost_and_late(void **state)
{
    static const uint32_t order[] = {0, 1, 5, 3, 6};
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    for (size_t i = 0; i < 5; i++)
        take(order[i], 24);
    expect(2, 1, 0); /* 2 and 4 are lost, 3 came late */
    take(2, 24);
    take(4, 24);
    expect(0, 3, 0);
}

static void test_number_wraps(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    take(UINT32_MAX - 1, 24);
    take(UINT32_MAX, 24);
    take(0, 24);
    take(2, 24);
    expect(1, 0, 0);
    take(1, 24);
    expect(0, 1, 0);
}

static void test_gap_over_the_wrap_is_given_back(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    take(UINT32_MAX - 29, 10); /* the next begins at UINT32_MAX - 19 */
    take(10, 10);              /* 30 records are missing: 20 before the wrap, 10 behind it */
    expect(30, 0, 0);
    take(UINT32_MAX - 9, 20); /* ten on either side of it come late */
    expect(10, 1, 0);
    take(UINT32_MAX - 19, 10);
    expect(0, 2, 0);
}

static void test_far_back_or_far_ahead_is_a_restart(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    take(100000, 24);
    take(0, 24);
    take(1, 24);
    expect(0, 0, 1);
    take(2 + (1 << 24) + 1, 24);
    expect(0, 0, 2);
    take(2 + (1 << 24) + 2 + 7, 24);
    expect(7, 0, 2);
}

/* 100 datagrams in, the exporter's numbers begin at 0 again, which is not yet behind the window. */
static void test_restart_within_the_window(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    for (uint32_t i = 0; i < 100; i++)
        take(i, 24);
    for (uint32_t i = 0; i < 10; i++)
        take(i, 24);
    take(11, 24);
    expect(1, 0, 1);
}

static void test_boot_time_tells_a_restart(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    take(70, 24);
    fl_sequence_restart(&s, 3);
    take(3, 24);
    take(4, 24);
    expect(0, 0, 1);
}

static void test_clock_that_is_set_is_no_restart(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    take(70, 24);
    fl_sequence_restart(&s, 71);
    take(71, 24);
    expect(0, 0, 0);
    fl_sequence_restart(&s, 75);
    take(75, 24);
    expect(3, 0, 0); /* and it hides no loss */
}

/* ---- duplicates ---- */

static void test_duplicate_needs_number_and_content(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    take(1, 24);
    take(2, 24);
    assert_true(fl_sequence_seen(&s, 1, 2));
    assert_true(fl_sequence_seen(&s, 2, 3));
    assert_false(fl_sequence_seen(&s, 1, 3));
    assert_false(fl_sequence_seen(&s, 3, 4));
    for (uint32_t i = 3; i < 3 + FL_RECENT; i++)
        take(i, 24);
    assert_false(fl_sequence_seen(&s, 2, 3)); /* too long ago to be certain */
    assert_true(fl_sequence_seen(&s, 3, 4));
}

static void test_datagrams_that_count_nothing_are_no_duplicates(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    take(500, 0); /* templates only */
    assert_false(fl_sequence_seen(&s, 500, 501));
    take(500, 20);
    assert_true(fl_sequence_seen(&s, 500, 501));
}

static void test_fingerprint_sees_every_byte_and_the_length(void **state)
{
    uint8_t b[70] = {0};
    (void)state;
    for (size_t length = 0; length <= sizeof b; length++) {
        uint64_t plain = fl_fingerprint(b, length);
        assert_true(length == 0 || plain != fl_fingerprint(b, length - 1));
        for (size_t i = 0; i < length; i++) {
            b[i] = 1;
            assert_true(plain != fl_fingerprint(b, length));
            b[i] = 0;
        }
    }
}

/* ---- IPFIX: data records ---- */

static void test_records_before_and_with(void **state)
{
    static const uint32_t before[][2] = {{0, 20}, {20, 32}, {52, 32}, {84, 24}, {108, 5}};
    static const uint32_t before_lost[][2] = {{0, 20}, {20, 32}, {84, 24}, {108, 5}};
    static const uint32_t with[][2] = {{20, 21}, {52, 32}, {84, 32}, {108, 24}, {113, 5}};
    static const uint32_t with_lost[][2] = {{20, 20}, {52, 32}, {84, 32}, {113, 5}, {120, 7}};
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    for (size_t i = 0; i < 5; i++)
        take(before[i][0], before[i][1]);
    expect(0, 0, 0);
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    for (size_t i = 0; i < 4; i++)
        take(before_lost[i][0], before_lost[i][1]);
    expect(32, 0, 0);
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    for (size_t i = 0; i < 5; i++)
        take(with[i][0], with[i][1]);
    expect(0, 0, 0);
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    for (size_t i = 0; i < 5; i++)
        take(with_lost[i][0], with_lost[i][1]);
    expect(24, 0, 0); /* the fourth should have said 84 + 5 */
}

/* The gap of 60 records is filled in the middle, then on both sides. */
static void test_gap_is_filled_from_the_middle(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    take(0, 20);
    take(80, 20);
    expect(60, 0, 0);
    take(40, 20);
    expect(40, 1, 0);
    take(60, 20);
    take(20, 20);
    expect(0, 3, 0);
    take(20, 20); /* once more: nothing is given back twice */
    expect(0, 4, 0);
}

/* Records under a template that is not known cannot be counted, and the gap that they leave is no loss. A gap
 * before them is. */
static void test_unknown_templates_do_not_fake_loss(void **state)
{
    struct fl_step blind = {.number = 20, .records = 3, .flows = 3, .uncounted = true};
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    take(0, 20);
    fl_sequence_update(&s, &blind); /* 3 records that can be counted, and others */
    take(64, 20);
    expect(0, 0, 0);
    blind.number = 94; /* 84 to 93 are missing */
    fl_sequence_update(&s, &blind);
    blind.number = 120;
    fl_sequence_update(&s, &blind);
    take(150, 20);
    take(171, 20);
    expect(11, 0, 0);
}

static void test_unknown_templates_and_numbers_that_count_the_own(void **state)
{
    struct fl_step blind = {.number = 90, .records = 0, .uncounted = true};
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_RECORDS);
    take(20, 20);
    take(50, 30);
    take(60, 10);
    fl_sequence_update(&s, &blind);
    take(100, 10); /* 91 to 100 */
    take(113, 10); /* 101 to 103 are missing */
    expect(3, 0, 0);
}

/* ---- other ways of counting ---- */

/* Each stream: 40 datagrams of 5 to 30 flows, every eighth with two options records; from the 20th to the
 * 24th they are lost, which is 4 datagrams. */
static uint64_t stream(enum fl_counting usual, enum fl_counting own, uint32_t *lost_flows)
{
    uint32_t count = 1000;
    fl_sequence_init(&s, usual);
    *lost_flows = 0;
    for (uint32_t i = 0; i < 40; i++) {
        struct fl_step step = {.flows = 5 + i * 7 % 26};
        step.records = step.flows + (i % 8 ? 0 : 2);
        uint32_t units = own == FL_COUNTS_DATAGRAMS                                  ? 1
                         : own == FL_COUNTS_STILL                                    ? 0
                         : own == FL_COUNTS_RECORDS || own == FL_COUNTS_RECORDS_WITH ? step.records
                                                                                     : step.flows;
        bool with = own == FL_COUNTS_RECORDS_WITH || own == FL_COUNTS_FLOWS_WITH;
        step.number = count + (with ? units : 0);
        step.fingerprint = step.number;
        count += units;
        if (i >= 20 && i < 24)
            *lost_flows += units;
        else
            fl_sequence_update(&s, &step);
    }
    return fl_sequence_lost(&s);
}

static void test_every_way_of_counting_is_told_in_every_dialect(void **state)
{
    static const enum fl_counting usual[] = {FL_COUNTS_FLOWS, FL_COUNTS_DATAGRAMS, FL_COUNTS_RECORDS};
    (void)state;
    for (size_t u = 0; u < 3; u++)
        for (enum fl_counting own = 0; own < FL_COUNTINGS; own++) {
            uint32_t lost;
            uint64_t got = stream(usual[u], own, &lost);
            assert_int_equal(got, lost);
            assert_int_equal(s.counting, own);
        }
}

/* Nine of ten datagrams are lost: that is loss, and no reason to believe in another way of counting. */
static void test_heavy_loss_is_loss(void **state)
{
    (void)state;
    fl_sequence_init(&s, FL_COUNTS_DATAGRAMS);
    for (uint32_t i = 0; i <= 1000; i += 10)
        take(i, 24);
    expect(900, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datagrams_lost_and_late),
        cmocka_unit_test(test_number_wraps),
        cmocka_unit_test(test_gap_over_the_wrap_is_given_back),
        cmocka_unit_test(test_far_back_or_far_ahead_is_a_restart),
        cmocka_unit_test(test_restart_within_the_window),
        cmocka_unit_test(test_boot_time_tells_a_restart),
        cmocka_unit_test(test_clock_that_is_set_is_no_restart),
        cmocka_unit_test(test_duplicate_needs_number_and_content),
        cmocka_unit_test(test_datagrams_that_count_nothing_are_no_duplicates),
        cmocka_unit_test(test_fingerprint_sees_every_byte_and_the_length),
        cmocka_unit_test(test_records_before_and_with),
        cmocka_unit_test(test_gap_is_filled_from_the_middle),
        cmocka_unit_test(test_unknown_templates_do_not_fake_loss),
        cmocka_unit_test(test_unknown_templates_and_numbers_that_count_the_own),
        cmocka_unit_test(test_every_way_of_counting_is_told_in_every_dialect),
        cmocka_unit_test(test_heavy_loss_is_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
