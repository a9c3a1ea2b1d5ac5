/* J-measure, tails, Benjamini-Hochberg.
 *
 * Worked example: X in 10, Y in 12, both in 9 of 1,000 windows: J = 0.009 log2(0.9/0.012) + 0.001
 * log2(0.1/0.988) = 0.0560 - 0.0033 = 0.0527 bits a window. Poisson tail: P(K >= 3 | mean 1) = 1 - e^-1 (1 +
 * 1 + 1/2) = 0.0803. */
#include "mining/stats.h"

#include <math.h>
#include <stdlib.h>

double fl_j_measure(uint64_t n_x, uint64_t n_y, uint64_t n_xy, uint64_t n)
{
    if (n_x == 0 || n_y == 0 || n_xy == 0 || n == 0)
        return 0;
    double total = (double)n, p_y = (double)n_y / total, p_y_x = (double)n_xy / (double)n_x;
    if (p_y_x <= p_y)
        return 0;
    double j = (double)n_xy / total * log2(p_y_x / p_y);
    if (n_x > n_xy)
        j += (double)(n_x - n_xy) / total * log2((1 - p_y_x) / (1 - p_y));
    return j;
}

/* log of e^-E E^k / k! */
static double log_poisson(uint64_t k, double expected)
{
    int sign;
    return (double)k * log(expected) - expected - lgamma_r((double)k + 1, &sign);
}

/* P(K >= k) = term(k) (1 + E/(k+1) + E^2/((k+1)(k+2)) + ...): converges for k above E. */
static double upper_tail(uint64_t k, double expected)
{
    double sum = 1, term = 1;
    for (uint64_t i = k + 1; term > sum * 1e-17; i++) {
        term *= expected / (double)i;
        sum += term;
    }
    return log_poisson(k, expected) + log(sum);
}

/* P(K >= k) = 1 - P(K <= k-1), the lower sum from its greatest term down: for k at or below E. */
static double complement_of_lower(uint64_t k, double expected)
{
    double sum = 1, term = 1;
    for (uint64_t i = k - 1; i > 0 && term > sum * 1e-17; i--) {
        term *= (double)i / expected;
        sum += term;
    }
    return log1p(-exp(log_poisson(k - 1, expected)) * sum);
}

double fl_log10_poisson_tail(uint64_t k, double expected)
{
    if (k == 0)
        return 0;
    double log_p = (double)k > expected ? upper_tail(k, expected) : complement_of_lower(k, expected);
    return log_p < 0 ? log_p / M_LN10 : 0;
}

/* P(K >= k) = term(k) (1 + r(k) + r(k) r(k+1) + ...), r(i) = (n-i)/(i+1) p/(1-p): falls for k above n p. */
double fl_log10_binomial_tail(uint64_t k, uint64_t n, double p)
{
    double top = (double)n, at = (double)k, sum = 1, term = 1;
    int sign;
    if (k == 0 || at < top * p + 1)
        return 0;
    for (uint64_t i = k; i < n && term > sum * 1e-17; i++) {
        term *= (top - (double)i) / ((double)i + 1) * p / (1 - p);
        sum += term;
    }
    double log_p = lgamma_r(top + 1, &sign) - lgamma_r(at + 1, &sign) - lgamma_r(top - at + 1, &sign) +
                   at * log(p) + log(sum);
    if (k < n)
        log_p += (top - at) * log1p(-p);
    return log_p < 0 ? log_p / M_LN10 : 0;
}

double fl_log10_sum_tail(double sum, double squares)
{
    return sum > 0 ? -sum * sum / squares / 2 / M_LN10 : 0;
}

static int compare_doubles(const void *va, const void *vb)
{
    double a = *(const double *)va, b = *(const double *)vb;
    return a < b ? -1 : a > b;
}

void fl_benjamini_hochberg(double *log10_p, double *log10_q, size_t n, uint64_t tests)
{
    double least = 0, m = log10((double)tests);
    qsort(log10_p, n, sizeof *log10_p, compare_doubles);
    for (size_t i = n; i-- > 0;) {
        double q = log10_p[i] + m - log10((double)(i + 1));
        if (q < least)
            least = q;
        log10_q[i] = least;
    }
}

double fl_q_of(const double *log10_p, const double *log10_q, size_t n, double p)
{
    size_t low = 0, high = n; /* to the first of equals: there may be many */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log10_p[middle] < p)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && log10_p[low] == p ? log10_q[low] : 0;
}
