/* One series of starts: its p-value against a hand's work, beacons of every kind, and what is none. */
#include "tests/mining/mining_fixture.h"

#include <math.h>

#include "mining/beat.h"
#include "mining/beat_screen.h"

enum { MOST = 20000 };
static const double hour_ms = 3600000;

struct series {
    struct fl_beat_talk talks[MOST];
    size_t n;
    uint64_t seed;
    bool screened; /* passed over when last tested */
};
static struct fl_beat_odds odds;
static struct fl_beat_screen screen;

static double unit(struct series *s)
{
    return (double)(random_next(&s->seed) >> 11) / 9007199254740992.0;
}

static struct series *new_series(uint64_t seed)
{
    struct series *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->seed = seed * 0x9e3779b97f4a7c15ULL;
    return s;
}

static void add(struct series *s, double start_ms, double lasts_ms)
{
    assert_true(s->n < MOST);
    int64_t start = 1655078400000 + (int64_t)start_ms;
    s->talks[s->n++] = (struct fl_beat_talk){start, start + (int64_t)lasts_ms};
}

static int compare_talks(const void *va, const void *vb)
{
    const struct fl_beat_talk *a = va, *b = vb;
    if (a->start_ms != b->start_ms)
        return a->start_ms < b->start_ms ? -1 : 1;
    return (a->end_ms > b->end_ms) - (a->end_ms < b->end_ms);
}

/* What the screen lets through is as without it, bit for bit; what it passes over, chance explains. Returns
 * whether it let the series through. */
static bool hold_screen_against(const struct fl_beats *plain, struct fl_beat_request r)
{
    struct fl_beats b;
    r.screen = &screen;
    assert_int_equal(fl_beats_find(&b, &r), 0);
    bool through = b.log10_p < 0;
    if (!through) {
        assert_true(plain->log10_p > -3);
    } else {
        assert_memory_equal(&b.log10_p, &plain->log10_p, sizeof b.log10_p);
        assert_memory_equal(&b.period, &plain->period, sizeof b.period);
        assert_memory_equal(&b.expected, &plain->expected, sizeof b.expected);
        assert_int_equal(b.n, plain->n);
        assert_int_equal(b.starts, plain->starts);
        assert_int_equal(b.polled, plain->polled);
        assert_int_equal(b.trials, plain->trials);
        assert_memory_equal(b.at, plain->at, b.n * sizeof *b.at);
    }
    fl_beats_clear(&b);
    return through;
}

static struct fl_beats find(struct series *s, double hours)
{
    struct fl_beats b;
    struct fl_beat_request r = {.odds = &odds,
                                .talks = s->talks,
                                .n = s->n,
                                .span_ms = (int64_t)(hours * hour_ms),
                                .least = 10,
                                .clock_ms = 1};
    qsort(s->talks, s->n, sizeof *s->talks, compare_talks);
    assert_int_equal(fl_beats_find(&b, &r), 0);
    s->screened = !hold_screen_against(&b, r);
    return b;
}

struct beacon {
    double period_ms, jitter, miss;
    bool adds_up; /* errors: about the last beat, not about a grid */
};

static void plant(struct series *s, struct beacon b, double from_ms, double to_ms)
{
    double at_ms = from_ms + unit(s) * b.period_ms;
    while (at_ms < to_ms) {
        double error_ms = b.jitter * b.period_ms * (2 * unit(s) - 1);
        double start_ms = b.adds_up ? at_ms : at_ms + error_ms;
        if (start_ms >= from_ms && start_ms < to_ms && unit(s) >= b.miss)
            add(s, start_ms, 50 + 200 * unit(s));
        at_ms += b.period_ms + (b.adds_up ? error_ms : 0);
    }
}

static void add_poisson(struct series *s, double gap_ms, double from_ms, double to_ms)
{
    for (double at_ms = from_ms; (at_ms -= log(1 - unit(s)) * gap_ms) < to_ms;)
        add(s, at_ms, 100);
}

/* b / a = 1.1: exp(-La) - exp(-Lb) is greatest at L = log(1.1) / 0.1 a = 0.9531 / a: e^-0.9531 - e^-1.0484 =
 * 0.38554 - 0.35049 = 0.03505. */
static void chance_is_the_worst_of_all_rates(void **state)
{
    assert_float_equal(exp(fl_beat_log_chance(10, 11)), 0.03505, 0.00001);
    assert_float_equal(exp(fl_beat_log_chance(1, 2)), 0.25, 1e-12); /* L = log 2: 1/2 - 1/4 */
    assert_true(fl_beat_log_chance(0, 5) >= 0);
    for (double rate = 0.01; rate < 1; rate *= 1.05)
        assert_true(exp(-10 * rate) - exp(-11 * rate) <= exp(fl_beat_log_chance(10, 11)) + 1e-12);
}

/* 13 starts 300 s apart, 3,900 s of data. Octaves from 10 s to 320 s: 6. Those of width 0.05 are asked with
 * 12 periods, 3 stakes and 2 laws, one of 4 widths: each has a prior of 1 / 1,728. In the octave of 160 s a
 * burst lasts 6.667 s; the next start is awaited from about 278.3 to 308.3 s after it: r = 1.108, p = 0.0377;
 * at stake 0.85 a hit multiplies by 22.5, twelve by e^37.4. Both laws say so: their mean stake is 2/1728
 * e^37.4 = e^30.6; a third of the budget, and 50 of slack: p = 3 / 50 / e^30.6 = e^-33.4 = 10^-14.5. */
static void p_is_what_a_hand_works_out(void **state)
{
    struct series *s = new_series(1);
    for (int i = 0; i < 13; i++)
        add(s, 1000 + i * 300000.0, 80);
    assert_float_equal(exp(-fl_beat_log_prior(3900000, 10, 0.05)), 1728, 0.001);
    struct fl_beats b = find(s, 3900.0 / 3600);
    assert_float_equal(b.log10_p, -14.5, 0.3);
    assert_int_equal(b.period.period_ms, 300000);
    assert_int_equal(b.period.spread_ms, 0);
    assert_int_equal(b.period.missed, 0);
    assert_int_equal(b.n, 13);
    assert_int_equal(b.starts, 13);
    assert_int_equal(b.trials, 12);
    assert_float_equal(b.expected, 12 * 0.0377, 0.02);
    for (size_t i = 0; i < b.n; i++)
        assert_int_equal(b.at[i], i);
    fl_beats_clear(&b);
    free(s);
}

/* Found: chance below 1e-5, and a period as near as the mean of its beats can be. */
static bool is_found(struct beacon plan, double hours, uint64_t seed)
{
    struct series *s = new_series(seed);
    plant(s, plan, 0, hours * hour_ms);
    struct fl_beats b = find(s, hours);
    double off = fabs((double)b.period.period_ms / plan.period_ms - 1);
    bool found = b.log10_p < -5 && off < 0.01 + plan.jitter * 3 / sqrt((double)s->n);
    fl_beats_clear(&b);
    free(s);
    return found;
}

static void beacons_are_found(void **state)
{
    static const struct {
        double period_s, hours;
        unsigned of_20[4]; /* that must be found of 20, at a jitter of 0, 10, 20, 30 % */
    } plans[] = {
        {60, 8, {20, 20, 20, 20}},    {90, 8, {20, 20, 20, 20}},    {300, 8, {20, 20, 20, 20}},
        {600, 8, {20, 20, 20, 19}},   {1200, 24, {20, 20, 20, 20}}, {1800, 24, {20, 20, 20, 19}},
        {3600, 24, {20, 20, 18, 14}}, /* 21 or 22 beats that come: chance cannot always be told from them */
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        for (int j = 0; j < 4; j++)
            for (int adds_up = 0; adds_up < 2; adds_up++) {
                unsigned found = 0;
                struct beacon plan = {plans[i].period_s * 1000, j * 0.1, 0.1, adds_up};
                for (uint64_t seed = 1; seed <= 20; seed++)
                    found += is_found(plan, plans[i].hours, seed);
                if (found < 20)
                    print_message("# every %.0f s, jitter %d %% about %s: %u of 20\n", plans[i].period_s,
                                  j * 10, adds_up ? "the last beat" : "a grid", found);
                assert_true(found >= plans[i].of_20[j]);
            }
}

static void missed_beats_are_counted(void **state)
{
    struct series *s = new_series(3);
    for (int i = 0; i < 200; i++)
        if (i % 10 != 4)
            add(s, 5000 + i * 300000.0 + 3000 * unit(s), 80);
    struct fl_beats b = find(s, 24);
    assert_int_equal(b.n, 180);
    assert_int_equal(b.period.missed, 20);
    assert_float_equal((double)b.period.period_ms, 300000, 100);
    assert_true(b.period.spread_ms > 1000 && b.period.spread_ms < 3000);
    fl_beats_clear(&b);
    free(s);
}

static void a_burst_counts_once(void **state)
{
    struct series *s = new_series(4);
    for (int i = 0; i < 100; i++)
        for (unsigned k = 0; k < 1 + random_below(&s->seed, 6); k++)
            add(s, 5000 + i * 300000.0 + 4000 * unit(s), 80);
    struct fl_beats b = find(s, 24);
    assert_true(b.log10_p < -50);
    assert_int_equal(b.starts, b.n);
    assert_int_equal(b.n, 100);
    fl_beats_clear(&b);
    free(s);
}

static void a_beacon_is_told_from_other_use(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct series *s = new_series(seed);
        plant(s, (struct beacon){300000, 0.01, 0.1, false}, 0, 24 * hour_ms);
        add_poisson(s, 300000, 0, 24 * hour_ms); /* as much again */
        struct fl_beats b = find(s, 24);
        assert_true(b.log10_p < -20);
        assert_float_equal((double)b.period.period_ms, 300000, 1500);
        fl_beats_clear(&b);
        free(s);
    }
}

static void a_period_may_hold_for_a_part_of_the_day(void **state)
{
    struct series *s = new_series(5);
    plant(s, (struct beacon){300000, 0.05, 0, true}, 2 * hour_ms, 14 * hour_ms);
    plant(s, (struct beacon){900000, 0.05, 0, true}, 14 * hour_ms, 24 * hour_ms);
    struct fl_beats b = find(s, 24);
    assert_true(b.log10_p < -30);
    assert_float_equal((double)b.period.period_ms, 300000, 9000); /* the one with more beats */
    assert_in_range(b.n, 120, 150);
    fl_beats_clear(&b);
    free(s);
}

/* Of `n` Poisson series the share whose p-value is at most 10^-1, 10^-2, 10^-3. */
static void count_chance(double gap_ms, unsigned n, unsigned below[3])
{
    for (uint64_t seed = 1; seed <= n; seed++) {
        struct series *s = new_series(seed * 1000 + (uint64_t)gap_ms);
        add_poisson(s, gap_ms, 0, 24 * hour_ms);
        struct fl_beats b = find(s, 24);
        for (int k = 0; k < 3; k++)
            below[k] += b.log10_p <= -(k + 1);
        fl_beats_clear(&b);
        free(s);
    }
}

/* The slack that is taken off the bound leaves p-values that are too large still. */
static void chance_has_the_p_it_should(void **state)
{
    const double gaps_s[] = {240, 900, 1800, 3600, 7200};
    const unsigned series[] = {100, 400, 1500, 3000, 3000};
    unsigned below[3] = {0}, n = 0;
    for (int i = 0; i < 5; i++) {
        count_chance(gaps_s[i] * 1000, series[i], below);
        n += series[i];
    }
    print_message("# of %u Poisson series p <= 0.1, 0.01, 0.001 in %u, %u, %u\n", n, below[0], below[1],
                  below[2]);
    assert_true(below[0] * 10 <= n);
    assert_true(below[1] * 100 <= n);
    assert_true(below[2] * 1000 <= n);
}

/* Most series of chance never come to the test. */
static void the_screen_stops_what_keeps_no_period(void **state)
{
    unsigned stopped = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct series *s = new_series(seed);
        add_poisson(s, 60000 * (1 + (double)(seed % 40)), 0, 24 * hour_ms);
        struct fl_beats b = find(s, 24);
        stopped += s->screened;
        fl_beats_clear(&b);
        free(s);
    }
    print_message("# of 1,000 Poisson series the screen stops %u\n", stopped);
    assert_true(stopped > 950);
}

/* Of 40 s to 27 min, exact or not, alone and in other use, at clocks that keep milliseconds or seconds. */
static void the_screen_passes_beacons(void **state)
{
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct series *s = new_series(seed);
        struct beacon plan = {20000 * (double)(1 + seed), (double)(seed % 4) * 0.1, (double)(seed % 3) * 0.1,
                              seed % 2 == 0};
        plant(s, plan, 0, 24 * hour_ms);
        if (seed % 4 == 0)
            add_poisson(s, 2 * plan.period_ms, 0, 24 * hour_ms);
        for (size_t i = 0; i < s->n && seed % 5 == 0; i++) {
            s->talks[i].start_ms -= s->talks[i].start_ms % 1000;
            s->talks[i].end_ms = s->talks[i].start_ms + 1000;
        }
        struct fl_beats b = find(s, 24);
        assert_true(b.log10_p < -5 && !s->screened);
        fl_beats_clear(&b);
        free(s);
    }
}

static void polls_and_cut_flows_prove_nothing(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct series *poll = new_series(seed), *cut = new_series(seed + 100), *hold = new_series(seed + 200);
        for (double at_ms = 0; at_ms < 8 * hour_ms;) { /* held for 55 s, then asked again at once */
            double lasts_ms = 55000 + 300 * unit(poll);
            add(poll, at_ms, lasts_ms);
            at_ms += lasts_ms + 20 + 400 * unit(poll);
        }
        for (double at_ms = 0; at_ms < 8 * hour_ms;) { /* a packet every 8 s or so, a record each minute */
            double lasts_ms = 56000 + 4000 * unit(cut);
            add(cut, at_ms, lasts_ms);
            at_ms += lasts_ms + 1000 + 7000 * unit(cut);
        }
        for (double at_ms = 0; at_ms < 8 * hour_ms;) { /* a short question before each that is held */
            double lasts_ms = 25000 + 300 * unit(hold);
            add(hold, at_ms, 250);
            add(hold, at_ms + 300, lasts_ms);
            at_ms += 300 + lasts_ms + 20;
        }
        struct series *all[] = {poll, cut, hold};
        for (int i = 0; i < 3; i++) {
            struct fl_beats b = find(all[i], 8);
            assert_true(b.log10_p > -2 || b.polled * 4 > b.n);
            fl_beats_clear(&b);
            free(all[i]);
        }
    }
}

static void coarse_clocks_make_no_period(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct series *s = new_series(seed);
        add_poisson(s, 90000, 0, 24 * hour_ms);
        for (size_t i = 0; i < s->n; i++) { /* to whole minutes */
            s->talks[i].start_ms -= s->talks[i].start_ms % 60000;
            s->talks[i].end_ms = s->talks[i].start_ms + 60000;
        }
        struct fl_beats b = find(s, 24);
        assert_true(b.log10_p > -2);
        fl_beats_clear(&b);
        s->n = 0;
        plant(s, (struct beacon){600000, 0.05, 0.1, false}, 0, 24 * hour_ms);
        for (size_t i = 0; i < s->n; i++) {
            s->talks[i].start_ms -= s->talks[i].start_ms % 60000;
            s->talks[i].end_ms = s->talks[i].start_ms + 60000;
        }
        b = find(s, 24);
        assert_true(b.log10_p < -10);
        assert_float_equal((double)b.period.period_ms, 600000, 3000);
        fl_beats_clear(&b);
        free(s);
    }
}

static void few_starts_and_odd_ones_are_fine(void **state)
{
    struct series *s = new_series(6);
    struct fl_beats b = find(s, 24);
    assert_true(b.log10_p >= 0);
    fl_beats_clear(&b);
    for (int i = 0; i < 5000; i++)
        add(s, 1000, i % 2 ? 0 : 86400000); /* all at once */
    b = find(s, 24);
    assert_true(b.log10_p >= 0);
    fl_beats_clear(&b);
    b = find(s, 0.001); /* a span too short for any period */
    assert_true(b.log10_p >= 0);
    fl_beats_clear(&b);
    free(s);
}

struct asked {
    size_t asks, starts, most;
};

static bool stop_after(void *ctx, size_t starts)
{
    struct asked *a = ctx;
    a->starts += starts;
    return ++a->asks > a->most;
}

/* However many starts a series has, no more than these pass between two questions whether to stop. */
static void a_long_series_can_be_stopped(void **state)
{
    struct series *s = new_series(4);
    struct fl_beats b;
    for (int i = 0; i < MOST; i++)
        add(s, i * 60000.0 + 2000 * unit(s), 5);
    struct asked asked = {.most = SIZE_MAX};
    struct fl_beat_request r = {.odds = &odds,
                                .talks = s->talks,
                                .n = s->n,
                                .span_ms = (int64_t)MOST * 60000,
                                .least = 10,
                                .clock_ms = 1,
                                .stop = stop_after,
                                .ctx = &asked};
    assert_int_equal(fl_beats_find(&b, &r), 0);
    assert_true(b.log10_p < -100);
    assert_true(asked.asks > 36); /* for each period of an octave at least */
    assert_true(asked.starts <= asked.asks * MOST);
    fl_beats_clear(&b);
    size_t asks = asked.asks;
    asked = (struct asked){.most = 0};
    assert_int_equal(fl_beats_find(&b, &r), 0);
    assert_true(b.log10_p >= 0); /* nothing was looked at */
    assert_true(asked.asks >= asks);
    fl_beats_clear(&b);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chance_is_the_worst_of_all_rates),
        cmocka_unit_test(p_is_what_a_hand_works_out),
        cmocka_unit_test(beacons_are_found),
        cmocka_unit_test(missed_beats_are_counted),
        cmocka_unit_test(a_burst_counts_once),
        cmocka_unit_test(a_beacon_is_told_from_other_use),
        cmocka_unit_test(a_period_may_hold_for_a_part_of_the_day),
        cmocka_unit_test(chance_has_the_p_it_should),
        cmocka_unit_test(the_screen_stops_what_keeps_no_period),
        cmocka_unit_test(the_screen_passes_beacons),
        cmocka_unit_test(polls_and_cut_flows_prove_nothing),
        cmocka_unit_test(coarse_clocks_make_no_period),
        cmocka_unit_test(few_starts_and_odd_ones_are_fine),
        cmocka_unit_test(a_long_series_can_be_stopped),
    };
    fl_beat_odds_fill(&odds);
    fl_beat_screen_fill(&screen);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
