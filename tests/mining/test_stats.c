/* Scores and p-values against cases worked by hand, and at the edges where naive arithmetic underflows. */
#include "tests/mining/mining_fixture.h"

#include <math.h>

#include "mining/stats.h"

static void j_measure_by_hand(void **state)
{
    /* P(X,Y) = 0.009, P(Y|X) = 0.9, P(Y) = 0.012; P(X,~Y) = 0.001, P(~Y|X) = 0.1, P(~Y) = 0.988 */
    double expected = 0.009 * log2(0.9 / 0.012) + 0.001 * log2(0.1 / 0.988);
    assert_float_equal(fl_j_measure(10, 12, 9, 1000), expected, 1e-12);
    assert_float_equal(expected, 0.0527, 1e-4);
}

static void j_measure_of_perfect_partners(void **state)
{
    /* n_xy = n_x = n_y = 10 of 1000: 0.01 log2(100) */
    assert_float_equal(fl_j_measure(10, 10, 10, 1000), 0.01 * log2(100), 1e-12);
}

static void j_measure_needs_positive_association(void **state)
{
    assert_float_equal(fl_j_measure(100, 500, 50, 1000), 0, 0); /* exactly chance */
    assert_float_equal(fl_j_measure(100, 500, 40, 1000), 0, 0); /* less than chance */
    assert_float_equal(fl_j_measure(0, 5, 0, 1000), 0, 0);
    assert_float_equal(fl_j_measure(5, 0, 0, 1000), 0, 0);
    assert_float_equal(fl_j_measure(1000, 1000, 1000, 1000), 0, 0); /* always on: no information */
}

static void poisson_tail_by_hand(void **state)
{
    /* P(K >= 3 | 1) = 1 - e^-1 (1 + 1 + 1/2); P(K >= 1 | 5) = 1 - e^-5; P(K >= 2 | 5) = 1 - 6 e^-5 */
    assert_float_equal(fl_log10_poisson_tail(3, 1), log10(1 - exp(-1) * 2.5), 1e-12);
    assert_float_equal(fl_log10_poisson_tail(1, 5), log10(1 - exp(-5)), 1e-12);
    assert_float_equal(fl_log10_poisson_tail(2, 5), log10(1 - 6 * exp(-5)), 1e-12);
    assert_float_equal(fl_log10_poisson_tail(0, 5), 0, 0);
}

static void poisson_tail_does_not_underflow(void **state)
{
    /* One term dominates: k log E - E - log k!, by Stirling's series */
    double k = 400, e = 0.1, stirling = k * log(k) - k + 0.5 * log(2 * M_PI * k) + 1 / (12 * k);
    double expected = (k * log(e) - e - stirling + log1p(e / (k + 1))) / M_LN10;
    double got = fl_log10_poisson_tail(400, 0.1);
    assert_true(got < -900);
    assert_float_equal(got, expected, 1e-6);
    assert_true(fl_log10_poisson_tail(401, 0.1) < got); /* no tie */
    assert_true(isfinite(fl_log10_poisson_tail(86400, 1e-9)));
    assert_true(isfinite(fl_log10_poisson_tail(5, 1e-300)));
}

static void poisson_tail_is_monotone_across_the_mean(void **state)
{
    double last = 1;
    for (uint64_t k = 1; k < 400; k++) {
        double p = fl_log10_poisson_tail(k, 123.4);
        assert_true(p <= 0);
        assert_true(p < last || (p == 0 && last == 1) || k < 40);
        last = p;
    }
    assert_float_equal(fl_log10_poisson_tail(1000000, 1000000), log10(0.5), 1e-3);
}

static void benjamini_hochberg_by_hand(void **state)
{
    /* p = .01 .02 .03 .5 of 4: p m / rank = .04 .04 .04 .5 */
    double p[4] = {log10(0.5), log10(0.03), log10(0.01), log10(0.02)}, q[4];
    fl_benjamini_hochberg(p, q, 4, 4);
    for (int i = 0; i < 3; i++)
        assert_float_equal(q[i], log10(0.04), 1e-12);
    assert_float_equal(q[3], log10(0.5), 1e-12);
    assert_float_equal(fl_q_of(p, q, 4, p[2]), log10(0.04), 1e-12);
    assert_float_equal(fl_q_of(p, q, 4, -99), 0, 0);
}

static void benjamini_hochberg_takes_the_least_behind(void **state)
{
    /* p m / rank = .05 .02 with m = 2 over p = .025 .02 -> sorted .02 .025: .04 .025 -> q = .025 .025 */
    double p[2] = {log10(0.025), log10(0.02)}, q[2];
    fl_benjamini_hochberg(p, q, 2, 2);
    assert_float_equal(q[0], log10(0.025), 1e-12);
    assert_float_equal(q[1], log10(0.025), 1e-12);
}

static void benjamini_hochberg_counts_tests_left_out(void **state)
{
    double p[1] = {-6}, q[1];
    fl_benjamini_hochberg(p, q, 1, 1000);
    assert_float_equal(q[0], -3, 1e-12);
    double ties[3] = {-5, -5, -5}, tied[3];
    fl_benjamini_hochberg(ties, tied, 3, 300);
    for (int i = 0; i < 3; i++)
        assert_float_equal(tied[i], -3, 1e-12);
    assert_float_equal(fl_q_of(ties, tied, 3, -5), -3, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(j_measure_by_hand),
        cmocka_unit_test(j_measure_of_perfect_partners),
        cmocka_unit_test(j_measure_needs_positive_association),
        cmocka_unit_test(poisson_tail_by_hand),
        cmocka_unit_test(poisson_tail_does_not_underflow),
        cmocka_unit_test(poisson_tail_is_monotone_across_the_mean),
        cmocka_unit_test(benjamini_hochberg_by_hand),
        cmocka_unit_test(benjamini_hochberg_takes_the_least_behind),
        cmocka_unit_test(benjamini_hochberg_counts_tests_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
