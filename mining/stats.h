/* The statistics of a pair of nodes (MINING.md section 5). Pure functions of counts; logarithms throughout,
 * so that p-values of 1e-900 stay apart. */
#ifndef FL_MINING_STATS_H
#define FL_MINING_STATS_H

#include <stddef.h>
#include <stdint.h>

/* J-measure of X=>Y in bits a window (Smyth & Goodman 1991, as eXpose uses it):
 *   P(X,Y) log2(P(Y|X)/P(Y)) + P(X,~Y) log2(P(~Y|X)/P(~Y)),
 * 0 unless P(Y|X) > P(Y). n_x, n_y, n_xy of n windows; n_xy <= n_x, n_y <= n. */
double fl_j_measure(uint64_t n_x, uint64_t n_y, uint64_t n_xy, uint64_t n);

/* log10 of P(K >= k) for K Poisson with mean `expected` > 0: an upper bound of the Poisson-binomial tail of
 * the interval-jitter null for k at least one above its mean (Hoeffding, "On the distribution of the number
 * of successes in independent trials", Ann. Math. Stat. 27, 1956: no more than the binomial's of equal mean;
 * Anderson & Samuels 1967: no more than the Poisson's). 0 for k = 0. */
double fl_log10_poisson_tail(uint64_t k, double expected);

/* log10 of P(K >= k) for the number K of successes in n independent trials whose chances have mean p: at most
 * that of n trials of chance p each, where k is at least one above n p (Hoeffding 1956); 0 below that. */
double fl_log10_binomial_tail(uint64_t k, uint64_t n, double p);

/* log10 of exp(-z^2 / 2) for z = sum / sqrt(squares), an upper bound of the chance of such a sum of
 * independent terms of mean zero with that sum of squares, where each is as likely to be x as -x (Efron,
 * "Student's t-test under symmetry conditions", JASA 64, 1969); it errs on the safe side for terms that are
 * mostly a little below zero and seldom far above. 0 for sums at or below zero. */
double fl_log10_sum_tail(double sum, double squares);

/* Benjamini & Hochberg 1995. `log10_p` holds the p-values of `n` tests out of `tests`; those left out must
 * all be greater than any threshold that matters (q <= t needs only the p <= t). Sorts log10_p ascending and
 * fills log10_q with the matching q-values, at most 0. */
void fl_benjamini_hochberg(double *log10_p, double *log10_q, size_t n, uint64_t tests);
/* The q-value that belongs to one of those p-values; 0 when it is not among them. */
double fl_q_of(const double *log10_p, const double *log10_q, size_t n, double p);

#endif
