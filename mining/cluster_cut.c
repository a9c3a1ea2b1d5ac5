/* Best-conductance sweep of the second eigenvector.
 *
 * Kannan, Vempala, Vetta: "On Clusterings: Good, Bad and Spectral", FOCS 2000, section 4. Lanczos: Golub &
 * Van Loan, "Matrix Computations", section 10.1, with full reorthogonalisation.
 *
 * 1. M = D^-1/2 W D^-1/2 has the eigenvector sqrt(degree) of eigenvalue 1; the next eigenvalue's is wanted.
 * 2. Where several eigenvalues are equal any vector of their space would do: taken is what a fixed vector
 * casts on that space, so that neither the sign nor the choice is the library's. Lanczos that begins with the
 * same vector finds the same.
 * 3. Nodes are put in order of entry / sqrt(degree), equal ones in order of their numbers.
 * 4. Each prefix of that order is a cut; the least conductance wins, the first of equals.
 *
 * Example: 0-1-2 and 3-4-5 are triangles, 2-3 joins them. The vector is negative on one and positive on the
 * other; the cut between them takes 1 of a volume of 7, and no other takes less. */
#include "mining/cluster_cut.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "storage/error.h"

enum { MOST_STEPS = 100, MOST_NUMBERS = 1 << 22 };
static const double equal = 1e-9; /* what differs by less is the same number */

/* LAPACK, in the calling convention of Fortran: the lengths of texts come last. */
void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
            double *work, const int *lwork, int *info, size_t jobz_length, size_t uplo_length);
void dstev_(const char *jobz, const int *n, double *d, double *e, double *z, const int *ldz, double *work,
            int *info, size_t jobz_length);

/* Nothing in particular, and never at right angles to what is looked for: splitmix64 of the index. */
static double fixed_entry(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-52 - 1;
}

static double dot(const double *a, const double *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add_times(double *to, double factor, const double *what, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] += factor * what[i];
}

static double loop_of(const struct fl_graph *g, uint32_t u)
{
    double rest = g->degree[u];
    for (uint32_t e = g->first[u]; e < g->first[u + 1]; e++)
        rest -= g->weight[e];
    return rest > g->degree[u] * equal ? rest : 0;
}

/* ---- step 2, in full ---- */

static void fill_matrix(const struct fl_graph *g, double *m)
{
    for (uint32_t u = 0; u < g->n; u++) {
        m[(size_t)u * g->n + u] = loop_of(g, u) / g->degree[u];
        for (uint32_t e = g->first[u]; e < g->first[u + 1]; e++)
            m[(size_t)u * g->n + g->to[e]] += g->weight[e] / sqrt(g->degree[u] * g->degree[g->to[e]]);
    }
}

/* What the fixed vector casts on the eigenvectors (rows of `z`, ascending) of the last but one value. */
static void cast(const double *z, const double *values, uint32_t n, double *out)
{
    memset(out, 0, n * sizeof *out);
    for (uint32_t k = n - 1; k-- > 0 && values[n - 2] - values[k] < equal;) {
        double share = 0;
        for (uint32_t i = 0; i < n; i++)
            share += z[(size_t)k * n + i] * fixed_entry(i);
        add_times(out, share, z + (size_t)k * n, n);
    }
}

static int solve_in_full(const struct fl_graph *g, double *out)
{
    int n = (int)g->n, room = 34 * n, info = 0;
    double *m = calloc((size_t)n * (size_t)n, sizeof *m), *values = malloc((size_t)n * sizeof *values);
    double *work = malloc((size_t)room * sizeof *work);
    int rc = m && values && work ? 0 : FL_ENOMEM;
    if (rc == 0) {
        fill_matrix(g, m);
        dsyev_("V", "U", &n, m, &n, values, work, &room, &info, 1, 1);
        rc = info == 0 ? 0 : FL_EINVAL;
    }
    if (rc == 0)
        cast(m, values, g->n, out);
    free(m);
    free(values);
    free(work);
    return rc;
}

/* ---- step 2, by Lanczos ---- */

struct lanczos {
    double *basis; /* step by step, n entries each */
    double *alpha, *beta;
    double *top; /* sqrt(degree), of length 1 */
    uint32_t steps;
};

static void multiply(const struct fl_graph *g, const double *x, double *y)
{
    for (uint32_t u = 0; u < g->n; u++) {
        double sum = loop_of(g, u) / sqrt(g->degree[u]) * x[u] / sqrt(g->degree[u]);
        for (uint32_t e = g->first[u]; e < g->first[u + 1]; e++)
            sum += g->weight[e] / sqrt(g->degree[u] * g->degree[g->to[e]]) * x[g->to[e]];
        y[u] = sum;
    }
}

/* Take from x what lies along the top vector and along the steps so far; twice is enough (Kahan). Returns the
 * length that is left. */
static double straighten(const struct lanczos *l, double *x, uint32_t n, uint32_t steps)
{
    for (int twice = 0; twice < 2; twice++) {
        add_times(x, -dot(x, l->top, n), l->top, n);
        for (uint32_t k = 0; k < steps; k++)
            add_times(x, -dot(x, l->basis + (size_t)k * n, n), l->basis + (size_t)k * n, n);
    }
    return sqrt(dot(x, x, n));
}

static int iterate(const struct fl_graph *g, struct lanczos *l, uint32_t most, const struct fl_stop *stop)
{
    uint32_t n = g->n;
    double *x = l->basis;
    for (uint32_t i = 0; i < n; i++)
        x[i] = fixed_entry(i);
    double length = straighten(l, x, n, 0);
    for (l->steps = 0; l->steps < most && length > equal; l->steps++) {
        if (fl_stop_ask(stop, (double)l->steps / most))
            return FL_ESTOP;
        x = l->basis + (size_t)l->steps * n;
        for (uint32_t i = 0; i < n; i++)
            x[i] /= length;
        multiply(g, x, x + n);
        l->alpha[l->steps] = dot(x, x + n, n);
        length = l->beta[l->steps] = straighten(l, x + n, n, l->steps + 1);
    }
    return 0;
}

static int combine(struct lanczos *l, uint32_t n, double *out)
{
    int k = (int)l->steps, info = 0;
    double *z = malloc((size_t)k * (size_t)k * sizeof *z), *work = malloc((size_t)(2 * k + 1) * sizeof *work);
    int rc = z && work ? 0 : FL_ENOMEM;
    if (rc == 0) {
        dstev_("V", &k, l->alpha, l->beta, z, &k, work, &info, 1);
        rc = info == 0 ? 0 : FL_EINVAL;
    }
    memset(out, 0, n * sizeof *out);
    for (int j = 0; rc == 0 && j < k;
         j++) { /* the sign of the fixed vector's shadow: its share is positive */
        const double *last = z + (size_t)(k - 1) * (size_t)k;
        add_times(out, last[0] < 0 ? -last[j] : last[j], l->basis + (size_t)j * n, n);
    }
    free(z);
    free(work);
    return rc;
}

static uint32_t steps_for(uint32_t n)
{
    uint32_t most = n - 1 < MOST_STEPS ? n - 1 : MOST_STEPS, held = MOST_NUMBERS / n;
    return most < held ? most : held > 1 ? held : 1;
}

static int solve_by_steps(const struct fl_graph *g, double *out, const struct fl_stop *stop)
{
    uint32_t n = g->n, most = steps_for(n);
    struct lanczos l = {.basis = malloc((size_t)(most + 1) * n * sizeof *l.basis),
                        .alpha = malloc(most * sizeof *l.alpha),
                        .beta = malloc(most * sizeof *l.beta),
                        .top = malloc(n * sizeof *l.top)};
    int rc = l.basis && l.alpha && l.beta && l.top ? 0 : FL_ENOMEM;
    if (rc == 0) {
        double volume = 0;
        for (uint32_t i = 0; i < n; i++)
            volume += g->degree[i];
        for (uint32_t i = 0; i < n; i++)
            l.top[i] = sqrt(g->degree[i] / volume);
        rc = iterate(g, &l, most, stop);
        if (rc == 0)
            rc = combine(&l, n, out);
    }
    free(l.basis);
    free(l.alpha);
    free(l.beta);
    free(l.top);
    return rc;
}

/* ---- steps 3 and 4 ---- */

struct entry {
    double value;
    uint32_t group, node;
};

static int compare_values(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    FL_ORDER(a->value, b->value);
    FL_ORDER(a->node, b->node);
    return 0;
}

static int compare_groups(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    FL_ORDER(a->group, b->group);
    FL_ORDER(a->node, b->node);
    return 0;
}

static int put_in_order(const struct fl_graph *g, const double *vector, uint32_t *order)
{
    struct entry *entries = malloc(g->n * sizeof *entries);
    if (!entries)
        return FL_ENOMEM;
    for (uint32_t i = 0; i < g->n; i++)
        entries[i] = (struct entry){vector[i] / sqrt(g->degree[i]), 0, i};
    qsort(entries, g->n, sizeof *entries, compare_values);
    double reach = entries[g->n - 1].value - entries[0].value;
    for (uint32_t i = 1; i < g->n; i++)
        entries[i].group = entries[i - 1].group + (entries[i].value - entries[i - 1].value > reach * equal);
    qsort(entries, g->n, sizeof *entries, compare_groups);
    for (uint32_t i = 0; i < g->n; i++)
        order[i] = entries[i].node;
    free(entries);
    return 0;
}

static void sweep(const struct fl_graph *g, const uint32_t *order, bool *left, uint32_t *n_left, double *best)
{
    double cut = 0, volume = 0, total = 0;
    for (uint32_t i = 0; i < g->n; i++)
        total += g->degree[i];
    *best = INFINITY;
    for (uint32_t i = 0; i + 1 < g->n; i++) {
        uint32_t u = order[i];
        for (uint32_t e = g->first[u]; e < g->first[u + 1]; e++)
            cut += left[g->to[e]] ? -g->weight[e] : g->weight[e];
        left[u] = true;
        volume += g->degree[u];
        double less = volume < total - volume ? volume : total - volume;
        if (cut / less < *best - equal) {
            *best = cut / less;
            *n_left = i + 1;
        }
    }
}

uint64_t fl_graph_cut_work(const struct fl_graph *g, uint32_t dense_most)
{
    uint64_t n = g->n, steps = n > 1 ? steps_for(g->n) : 0;
    return n <= dense_most ? 10 * n * n * n : steps * (g->first[n] + 2 * steps * n);
}

int fl_graph_cut(const struct fl_graph *g, uint32_t dense_most, const struct fl_stop *stop, uint32_t *order,
                 uint32_t *n_left, double *conductance)
{
    if (g->n < 2)
        return FL_EINVAL;
    double *vector = malloc(g->n * sizeof *vector);
    bool *left = calloc(g->n, sizeof *left);
    int rc = vector && left ? 0 : FL_ENOMEM;
    if (rc == 0)
        rc = g->n <= dense_most ? solve_in_full(g, vector) : solve_by_steps(g, vector, stop);
    if (rc == 0)
        rc = put_in_order(g, vector, order);
    if (rc == 0)
        sweep(g, order, left, n_left, conductance);
    free(vector);
    free(left);
    return rc;
}
