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

/* k = 10 at expectations down to 1e-300: log10 p = 10 log10 E - log10 10! (3628800), no underflow, no tie. */
static void tiny_expectations_stay_apart(void **state)
{
    double last = 0;
    for (int power = -3; power >= -300; power -= 27) {
        double p = fl_log10_poisson_tail(10, pow(10, power));
        assert_float_equal(p, 10.0 * power - log10(3628800), 1e-3);
        assert_true(p < last);
        last = p;
    }
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

/* P(K >= k) for independent trials of chances p[0..n), exactly, by adding one trial after the other. */
static double poisson_binomial_tail(const double *p, size_t n, size_t k)
{
    double *at = calloc(n + 2, sizeof *at), tail = 0;
    assert_non_null(at);
    at[0] = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 2; j-- > 0;)
            at[j] = at[j] * (1 - p[i]) + (j ? at[j - 1] * p[i] : 0);
    for (size_t j = n + 1; j-- > k;)
        tail += at[j];
    free(at);
    return tail;
}

static void poisson_binomial_by_hand(void **state)
{
    /* chances 1/2, 1/3, 1/4: none 1/4, all 1/24, exactly one 1/2 2/3 3/4 + 1/2 1/3 3/4 + 1/2 2/3 1/4 = 11/24
     */
    double p[] = {1.0 / 2, 1.0 / 3, 1.0 / 4};
    assert_float_equal(poisson_binomial_tail(p, 3, 1), 3.0 / 4, 1e-15);
    assert_float_equal(poisson_binomial_tail(p, 3, 2), 7.0 / 24, 1e-15);
    assert_float_equal(poisson_binomial_tail(p, 3, 3), 1.0 / 24, 1e-15);
}

/* Random trials as jitter blocks make them; from one above the mean on, the binomial tail bounds the exact
 * one and the Poisson tail the binomial one. */
static void tails_bound_the_exact_one(void **state)
{
    uint64_t seed = 11;
    double p[200], widest = 0;
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + random_below(&seed, 200);
        uint32_t most = 1 + random_below(&seed, 60);
        double mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += p[i] = random_below(&seed, most + 1) / 60.0;
        if (mean == 0)
            continue;
        for (size_t k = (size_t)ceil(mean + 1); k <= n && k < mean * 3 + 20; k++) {
            double exact = log10(poisson_binomial_tail(p, n, k)),
                   binomial = fl_log10_binomial_tail(k, n, mean / (double)n),
                   poisson = fl_log10_poisson_tail(k, mean);
            assert_true(binomial >= exact - 1e-9 && poisson >= binomial - 1e-9);
            widest = poisson - exact > widest ? poisson - exact : widest;
        }
    }
    assert_true(widest > 1); /* and they are not all the same */
}

/* Below one above the mean neither bounds: one trial of chance 0.9 succeeds with 0.9, Poisson says 0.593. */
static void poisson_does_not_bound_at_the_mean(void **state)
{
    assert_float_equal(pow(10, fl_log10_poisson_tail(1, 0.9)), 1 - exp(-0.9), 1e-12);
    assert_true(fl_log10_poisson_tail(1, 0.9) < log10(0.9));
    assert_float_equal(fl_log10_binomial_tail(1, 1, 0.9), 0, 0); /* says so */
}

/* X and Y each at distinct places of a block meet as a hypergeometric number of times, which a sum of
 * independent trials of the same mean is distributed as (Vatutin & Mikhailov 1982), so the bound holds: 5 of
 * 60 places and 6 of 60 have P(K >= 3) = (C(6,3) C(54,2) + C(6,4) C(54,1) + C(6,5)) / C(60,5) = (20 1431 + 15
 * 54 + 6) / 5461512 = 29436 / 5461512 = 0.00539; Poisson of mean 1/2 says 0.01439. */
static void hypergeometric_by_hand(void **state)
{
    assert_float_equal(pow(10, fl_log10_poisson_tail(3, 0.5)), 1 - exp(-0.5) * 1.625, 1e-12);
    assert_true(1 - exp(-0.5) * 1.625 > 29436.0 / 5461512);
}

static void binomial_tail_by_hand(void **state)
{
    /* P(K >= 9) of 10 at 1/2: 11/1024; all of 3 at 1/4: 1/64; P(K >= 2) of 3 at 0.1: 3 0.01 0.9 + 0.001 */
    assert_float_equal(fl_log10_binomial_tail(9, 10, 0.5), log10(11.0 / 1024), 1e-12);
    assert_float_equal(fl_log10_binomial_tail(3, 3, 0.25), log10(1.0 / 64), 1e-12);
    assert_float_equal(fl_log10_binomial_tail(2, 3, 0.1), log10(0.028), 1e-12);
    assert_float_equal(fl_log10_binomial_tail(0, 3, 0.1), 0, 0);
    assert_float_equal(fl_log10_binomial_tail(5, 10, 0.5), 0, 0); /* at the mean */
    assert_float_equal(fl_log10_binomial_tail(10, 10, 1), 0, 0);
    /* All of 1,440 at 1/60: -1440 log10(60), far below what a double holds */
    assert_float_equal(fl_log10_binomial_tail(1440, 1440, 1.0 / 60), -1440 * log10(60), 1e-6);
}

static void sum_tail_by_hand(void **state)
{
    /* 16 terms of 2: z^2 = 32^2 / 64 = 16, exp(-8) */
    assert_float_equal(fl_log10_sum_tail(32, 64), -8 / log(10), 1e-12);
    assert_float_equal(fl_log10_sum_tail(0, 64), 0, 0);
    assert_float_equal(fl_log10_sum_tail(-3, 64), 0, 0);
    assert_float_equal(fl_log10_sum_tail(0, 0), 0, 0);
}

/* Random signs, the bound's own case: of 2,000 sums of 40 terms, those beyond z are no more than exp(-z^2/2)
 * and four standard deviations. */
static void sum_tail_bounds_random_signs(void **state)
{
    enum { rounds = 2000 };
    uint64_t seed = 5;
    size_t beyond[3] = {0};
    for (int round = 0; round < rounds; round++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < 40; i++) {
            double x = 1 + random_below(&seed, 10);
            sum += random_below(&seed, 2) ? x : -x;
            squares += x * x;
        }
        for (int z = 1; z <= 3; z++)
            beyond[z - 1] += fl_log10_sum_tail(sum, squares) <= -z * z / 2.0 / log(10);
    }
    for (int z = 1; z <= 3; z++) {
        double p = exp(-z * z / 2.0);
        assert_true((double)beyond[z - 1] <= rounds * p + 4 * sqrt(rounds * p));
    }
    assert_true(beyond[1] > 10);
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
        cmocka_unit_test(tiny_expectations_stay_apart),
        cmocka_unit_test(poisson_tail_is_monotone_across_the_mean),
        cmocka_unit_test(poisson_binomial_by_hand),
        cmocka_unit_test(tails_bound_the_exact_one),
        cmocka_unit_test(poisson_does_not_bound_at_the_mean),
        cmocka_unit_test(hypergeometric_by_hand),
        cmocka_unit_test(binomial_tail_by_hand),
        cmocka_unit_test(sum_tail_by_hand),
        cmocka_unit_test(sum_tail_bounds_random_signs),
        cmocka_unit_test(benjamini_hochberg_by_hand),
        cmocka_unit_test(benjamini_hochberg_takes_the_least_behind),
        cmocka_unit_test(benjamini_hochberg_counts_tests_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
