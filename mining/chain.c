/* Longest paths through the steps, by depth-first search that remembers how far it is from each node to the
 * end. Steps that lead back to where the search came from are not taken, so circles end.
 *
 * Example: A-B, B-C, A-C, C-D. From A the longest way is A-B, B-C, C-D; A-C lies on A-C, C-D. */
#include "mining/chain.h"

#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "storage/error.h"

enum { NONE = -1, MOST_STEPS = 500 }; /* longer ways are taken in parts */

struct ways { /* from each node onwards, in one direction */
    uint32_t *length;
    int64_t *next; /* step, or NONE */
    bool *known, *open;
};

struct walk {
    const struct fl_step *steps;
    size_t n;
    const char **names; /* of nodes, ascending */
    size_t n_nodes;
    size_t *from, *to;      /* by step: nodes */
    size_t *first, *leave;  /* steps by the node they leave */
    size_t *afirst, *reach; /* steps by the node they reach */
    struct ways ahead, behind;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool fl_lag_is_clear(int64_t lag_ms, int64_t spread_ms)
{
    return (lag_ms < 0 ? -lag_ms : lag_ms) * 2 > spread_ms;
}

static size_t node_of(const struct walk *w, const char *name)
{
    const char **found = bsearch(&name, w->names, w->n_nodes, sizeof *w->names, compare_names);
    return (size_t)(found - w->names);
}

static void name_nodes(struct walk *w)
{
    for (size_t i = 0; i < w->n; i++) {
        w->names[2 * i] = w->steps[i].from;
        w->names[2 * i + 1] = w->steps[i].to;
    }
    qsort(w->names, 2 * w->n, sizeof *w->names, compare_names);
    for (size_t i = 0; i < 2 * w->n; i++)
        if (i == 0 || strcmp(w->names[w->n_nodes - 1], w->names[i]) != 0)
            w->names[w->n_nodes++] = w->names[i];
}

/* Steps by one of their nodes, in the order of their numbers. */
static void sort_steps(const struct walk *w, const size_t *node, size_t *first, size_t *by)
{
    for (size_t i = 0; i < w->n; i++)
        first[node[i] + 1]++;
    for (size_t u = 0; u < w->n_nodes; u++)
        first[u + 1] += first[u];
    for (size_t i = w->n; i-- > 0;)
        by[--first[node[i] + 1]] = i;
    /* Each first[u + 1] has come down to where u's steps begin. */
    memmove(first, first + 1, w->n_nodes * sizeof *first);
    first[w->n_nodes] = w->n;
}

static int ways_new(struct ways *w, size_t n)
{
    w->length = calloc(n + 1, sizeof *w->length);
    w->next = malloc((n + 1) * sizeof *w->next);
    w->known = calloc(n + 1, sizeof *w->known);
    w->open = calloc(n + 1, sizeof *w->open);
    return w->length && w->next && w->known && w->open ? 0 : FL_ENOMEM;
}

static void ways_free(struct ways *w)
{
    free(w->length);
    free(w->next);
    free(w->known);
    free(w->open);
}

static bool is_better(const struct walk *w, const struct ways *ways, size_t node, uint32_t length,
                      size_t step)
{
    if (ways->next[node] == NONE || length != ways->length[node])
        return ways->next[node] == NONE || length > ways->length[node];
    return w->steps[step].score > w->steps[ways->next[node]].score;
}

static void explore(const struct walk *w, struct ways *ways, bool ahead, size_t node, size_t depth)
{
    const size_t *first = ahead ? w->first : w->afirst, *by = ahead ? w->leave : w->reach;
    const size_t *other = ahead ? w->to : w->from;
    ways->open[node] = true;
    ways->next[node] = NONE;
    for (size_t k = first[node]; k < first[node + 1]; k++) {
        size_t then = other[by[k]];
        if (ways->open[then])
            continue;
        if (!ways->known[then] && depth < MOST_STEPS)
            explore(w, ways, ahead, then, depth + 1);
        if (!ways->known[then])
            continue;
        if (is_better(w, ways, node, ways->length[then] + 1, by[k])) {
            ways->length[node] = ways->length[then] + 1;
            ways->next[node] = (int64_t)by[k];
        }
    }
    ways->open[node] = false;
    ways->known[node] = true;
}

static int walk_new(struct walk *w, const struct fl_step *steps, size_t n)
{
    *w = (struct walk){.steps = steps,
                       .n = n,
                       .names = malloc((2 * n + 1) * sizeof *w->names),
                       .from = malloc((n + 1) * sizeof *w->from),
                       .to = malloc((n + 1) * sizeof *w->to),
                       .first = calloc(2 * n + 2, sizeof *w->first),
                       .leave = malloc((n + 1) * sizeof *w->leave),
                       .afirst = calloc(2 * n + 2, sizeof *w->afirst),
                       .reach = malloc((n + 1) * sizeof *w->reach)};
    if (!w->names || !w->from || !w->to || !w->first || !w->leave || !w->afirst || !w->reach)
        return FL_ENOMEM;
    name_nodes(w);
    for (size_t i = 0; i < n; i++) {
        w->from[i] = node_of(w, steps[i].from);
        w->to[i] = node_of(w, steps[i].to);
    }
    sort_steps(w, w->from, w->first, w->leave);
    sort_steps(w, w->to, w->afirst, w->reach);
    int rc = ways_new(&w->ahead, w->n_nodes);
    if (rc == 0)
        rc = ways_new(&w->behind, w->n_nodes);
    for (size_t u = 0; u < w->n_nodes && rc == 0; u++) {
        if (!w->ahead.known[u])
            explore(w, &w->ahead, true, u, 0);
        if (!w->behind.known[u])
            explore(w, &w->behind, false, u, 0);
    }
    return rc;
}

static void walk_clear(struct walk *w)
{
    free(w->names);
    free(w->from);
    free(w->to);
    free(w->first);
    free(w->leave);
    free(w->afirst);
    free(w->reach);
    ways_free(&w->ahead);
    ways_free(&w->behind);
}

/* `been` is clear and is left so. Does not come to a node twice, though ways ahead and behind may cross. */
static size_t follow(const struct walk *w, size_t through, size_t *out, bool *been)
{
    size_t n = 0, at = w->from[through];
    been[at] = been[w->to[through]] = true;
    for (int64_t s; (s = w->behind.next[at]) != NONE && !been[w->from[s]]; at = w->from[s]) {
        been[w->from[s]] = true;
        out[n++] = (size_t)s;
    }
    for (size_t i = 0; i < n / 2; i++) {
        size_t swapped = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = swapped;
    }
    out[n++] = through;
    at = w->to[through];
    for (int64_t s; (s = w->ahead.next[at]) != NONE && !been[w->to[s]]; at = w->to[s]) {
        been[w->to[s]] = true;
        out[n++] = (size_t)s;
    }
    for (size_t i = 0; i < n; i++)
        been[w->from[out[i]]] = been[w->to[out[i]]] = false;
    return n;
}

long fl_chain_through(const struct fl_step *steps, size_t n, size_t through, size_t *out)
{
    struct walk w;
    int rc = walk_new(&w, steps, n);
    bool *been = rc == 0 ? calloc(w.n_nodes + 1, sizeof *been) : NULL;
    long found = been ? (long)follow(&w, through, out, been) : FL_ENOMEM;
    free(been);
    walk_clear(&w);
    return found;
}

struct rank {
    size_t length, step;
    double score;
};

static int compare_ranks(const void *va, const void *vb)
{
    const struct rank *a = va, *b = vb;
    FL_ORDER(b->length, a->length);
    FL_ORDER(b->score, a->score);
    FL_ORDER(a->step, b->step);
    return 0;
}

/* `ranks`, `chain` and `told` have room for every step. */
static int tell_chains(const struct walk *w, struct rank *ranks, size_t *chain, bool *been, bool *told,
                       fl_chain_fn *fn, void *ctx)
{
    int rc = 0;
    for (size_t i = 0; i < w->n; i++)
        ranks[i] = (struct rank){follow(w, i, chain, been), i, w->steps[i].score};
    qsort(ranks, w->n, sizeof *ranks, compare_ranks);
    for (size_t i = 0; i < w->n && ranks[i].length >= 2 && rc == 0; i++) {
        if (told[ranks[i].step])
            continue;
        size_t length = follow(w, ranks[i].step, chain, been);
        for (size_t k = 0; k < length; k++)
            told[chain[k]] = true;
        rc = fn(ctx, w->steps, chain, length);
    }
    return rc;
}

int fl_chains(const struct fl_step *steps, size_t n, fl_chain_fn *fn, void *ctx)
{
    struct walk w;
    int rc = walk_new(&w, steps, n);
    struct rank *ranks = malloc((n + 1) * sizeof *ranks);
    size_t *chain = malloc((n + 1) * sizeof *chain);
    bool *been = calloc(2 * n + 1, sizeof *been), *told = calloc(n + 1, sizeof *told);
    if (rc == 0)
        rc = ranks && chain && been && told ? tell_chains(&w, ranks, chain, been, told, fn, ctx) : FL_ENOMEM;
    free(ranks);
    free(chain);
    free(been);
    free(told);
    walk_clear(&w);
    return rc;
}
