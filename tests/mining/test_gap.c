/* Gaps in a run's data, and what is said of data that are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mining/gap.h"

enum { SLOT_MS = 300000, SLOTS = 288, MOST = SLOTS * 64 };
static const int64_t from_ms = 1655071200000, to_ms = 1655157600000; /* a day from 2022-06-12T22:00:00Z */

struct made {
    struct fl_record flows[MOST];
    size_t n;
};

/* `a_slot` records in each slot but [hole, hole + length). */
static void fill(struct made *m, int a_slot, int hole, int length)
{
    memset(m, 0, sizeof *m);
    for (int slot = SLOTS - 1; slot >= 0; slot--) /* in no order that helps */
        for (int i = 0; i < a_slot && (slot < hole || slot >= hole + length); i++)
            m->flows[m->n++].start_ms = from_ms + (int64_t)slot * SLOT_MS + i * 1000;
}

static int find(const struct made *m, struct fl_gap *gap)
{
    return fl_gap_find(m->flows, m->n, from_ms, to_ms, gap);
}

static void test_gap(void **state)
{
    struct made *m = malloc(sizeof *m);
    struct fl_gap gap;
    fill(m, 40, 62, 4);
    assert_int_equal(find(m, &gap), 1);
    assert_true(gap.from_ms == from_ms + 62 * SLOT_MS && gap.to_ms == from_ms + 66 * SLOT_MS);
    fill(m, 40, 62, 1);
    assert_int_equal(find(m, &gap), 0); /* 5 min is a slow batch, not an outage */
    fill(m, 40, 0, 0);
    assert_int_equal(find(m, &gap), 0);
    fill(m, 40, 200, SLOTS - 200);
    assert_int_equal(find(m, &gap), 0); /* nothing after it: the run is early, or the next one will see */
    fill(m, 40, 0, 100);
    assert_int_equal(find(m, &gap), 0); /* nothing before it: this is where the records begin */
    free(m);
}

static void test_quiet_places_have_no_gaps(void **state)
{
    struct made *m = malloc(sizeof *m);
    struct fl_gap gap;
    fill(m, 4, 62, 100);
    assert_int_equal(find(m, &gap), 0);
    fill(m, 5, 62, 9);
    assert_int_equal(find(m, &gap), 0); /* 45 records missed */
    fill(m, 5, 62, 10);
    assert_int_equal(find(m, &gap), 1);
    fill(m, 40, 62, 20);
    for (int slot = 0; slot < 60; slot++) /* by day busy, by night hardly a record: the night decides */
        for (size_t i = 0; i < m->n; i++)
            if ((m->flows[i].start_ms - from_ms) / SLOT_MS == slot && i % 40)
                m->flows[i].start_ms = from_ms + (int64_t)100 * SLOT_MS;
    assert_int_equal(find(m, &gap), 0);
    free(m);
}

static void test_edges(void **state)
{
    struct fl_gap gap;
    struct fl_record outside[] = {{.start_ms = from_ms - 1}, {.start_ms = to_ms}};
    assert_int_equal(fl_gap_find(NULL, 0, from_ms, to_ms, &gap), 0);
    assert_int_equal(fl_gap_find(outside, 2, from_ms, to_ms, &gap), 0);
    assert_int_equal(fl_gap_find(outside, 2, from_ms, from_ms, &gap), 0);
    assert_int_equal(fl_gap_find(outside, 2, INT64_MIN / 4, INT64_MAX / 4, &gap), 0); /* beyond any bound */
    assert_int_equal(fl_gap_find(outside, 1, -86400000, -3600000, &gap), 0);
}

static void test_words(void **state)
{
    char text[FL_UNCLEAN_TEXT];
    struct fl_gap gap = {from_ms, from_ms + 4 * SLOT_MS};
    struct fl_quality q = {.flows = 950, .lost = 49};
    fl_gap_judge(&q, NULL, text);
    assert_string_equal(text, "");
    q.lost = 50;
    fl_gap_judge(&q, NULL, text);
    assert_string_equal(text, "5% of the records were lost on the way");
    q = (struct fl_quality){
        .flows = 100, .lost = 50, .unread = 50, .shed = 30, .sampling_changes = 1, .clock_jumps = 2};
    fl_gap_judge(&q, &gap, text);
    assert_string_equal(
        text, "25% of the records were lost on the way; 25% of the records could not be read for want "
              "of a template; 15% of the records were given up here; nothing came for 20 min from "
              "2022-06-12T22:00:00Z on; an exporter changed its sampling; an exporter's clock jumped");
    q = (struct fl_quality){0};
    fl_gap_judge(&q, NULL, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_quiet_places_have_no_gaps),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
