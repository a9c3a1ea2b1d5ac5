/* Dense sets in a graph, in time linear in its links.
 *
 * Large sets are the components of its 4-core: what is left when nodes with fewer than 4 links are taken away
 * until there are none (Matula & Beck, "Smallest-last ordering and clustering and graph coloring algorithms",
 * J. ACM 30, 1983). Small ones are looked for in small components, by taking away the node with fewest links
 * until each of the others has two thirds of them.
 *
 * Example: ports 1, 2, 3, 4 are paired each with each but 1-4, and 4-90. 90 has 1 link of 4 and goes first;
 * then each has at least 2 of 3: the set 1-4. */
#include "mining/range_sets.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

enum { SMALL_MOST = 64, SPREAD = 4 };

struct sets {
    uint32_t n, few;
    uint32_t *first, *to;   /* each link at both ends */
    uint32_t *degree;       /* links to nodes that are left */
    uint32_t *queue, *mine; /* n each */
    bool *gone;
    int32_t *labels;
    const uint32_t *places;
    long count;
};

static void drop(struct sets *s, uint32_t u)
{
    s->gone[u] = true;
    for (uint32_t e = s->first[u]; e < s->first[u + 1]; e++)
        s->degree[s->to[e]]--;
}

static void restore(struct sets *s, uint32_t u)
{
    s->gone[u] = false;
    for (uint32_t e = s->first[u]; e < s->first[u + 1]; e++)
        s->degree[s->to[e]]++;
}

/* The nodes that are left and connected with u into `queue`, marked by -2 in labels; how many. */
static uint32_t gather(struct sets *s, uint32_t u)
{
    uint32_t found = 1;
    s->queue[0] = u;
    s->labels[u] = FL_SET_NONE - 1;
    for (uint32_t i = 0; i < found; i++)
        for (uint32_t e = s->first[s->queue[i]]; e < s->first[s->queue[i] + 1]; e++) {
            uint32_t v = s->to[e];
            if (s->gone[v] || s->labels[v] != FL_SET_NONE)
                continue;
            s->labels[v] = FL_SET_NONE - 1;
            s->queue[found++] = v;
        }
    return found;
}

static void label(struct sets *s, const uint32_t *nodes, uint32_t n, int32_t as)
{
    for (uint32_t i = 0; i < n; i++)
        s->labels[nodes[i]] = as;
}

/* ---- large sets ---- */

static void peel(struct sets *s)
{
    uint32_t n = 0;
    for (uint32_t u = 0; u < s->n; u++)
        if (s->degree[u] < FL_SET_PARTNERS) {
            s->gone[u] = true;
            s->queue[n++] = u;
        }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t e = s->first[s->queue[i]]; e < s->first[s->queue[i] + 1]; e++) {
            uint32_t v = s->to[e];
            if (--s->degree[v] < FL_SET_PARTNERS && !s->gone[v]) {
                s->gone[v] = true;
                s->queue[n++] = v;
            }
        }
}

static void find_large(struct sets *s)
{
    peel(s);
    for (uint32_t u = 0; u < s->n; u++) {
        if (s->gone[u] || s->labels[u] != FL_SET_NONE)
            continue;
        uint32_t n = gather(s, u);
        label(s, s->queue, n, n > s->few ? (int32_t)s->count++ : FL_SET_NONE - 1);
    }
}

/* What is in no large set is there again, with its links among itself. */
static void put_back(struct sets *s)
{
    for (uint32_t u = 0; u < s->n; u++) {
        s->gone[u] = s->labels[u] >= 0;
        if (!s->gone[u])
            s->labels[u] = FL_SET_NONE;
    }
    for (uint32_t u = 0; u < s->n; u++) {
        s->degree[u] = 0;
        for (uint32_t e = s->first[u]; e < s->first[u + 1]; e++)
            s->degree[u] += !s->gone[s->to[e]];
    }
}

/* ---- small sets ---- */

static bool within_reach(const struct sets *s, const uint32_t *nodes, uint32_t n)
{
    uint32_t low = UINT32_MAX, high = 0;
    for (uint32_t i = 0; i < n; i++) {
        low = s->places[nodes[i]] < low ? s->places[nodes[i]] : low;
        high = s->places[nodes[i]] > high ? s->places[nodes[i]] : high;
    }
    return high - low + 1 <= SPREAD * n;
}

/* Of nodes[0..n): which is the first with fewest links, the highest of them in number? */
static uint32_t poorest(const struct sets *s, const uint32_t *nodes, uint32_t n)
{
    uint32_t at = 0;
    for (uint32_t i = 1; i < n; i++) {
        uint32_t u = nodes[i], v = nodes[at];
        if (s->degree[u] < s->degree[v] || (s->degree[u] == s->degree[v] && u > v))
            at = i;
    }
    return at;
}

/* Take nodes away until the rest is a set; those that are left come first in `nodes`. Returns their number,
 * less than 3 where there is no set. */
static uint32_t thin_out(struct sets *s, uint32_t *nodes, uint32_t n)
{
    while (n >= 3) {
        uint32_t at = poorest(s, nodes, n), u = nodes[at];
        if (3 * s->degree[u] >= 2 * (n - 1) && within_reach(s, nodes, n))
            break;
        drop(s, u);
        nodes[at] = nodes[--n];
        nodes[n] = u;
    }
    return n;
}

/* All the sets in a component, and none of it is left. */
static void find_small_in(struct sets *s, uint32_t *nodes, uint32_t n)
{
    while (n >= 3) {
        uint32_t kept = thin_out(s, nodes, n);
        if (kept < 3) {
            for (uint32_t i = 0; i < kept; i++)
                drop(s, nodes[i]);
            return;
        }
        label(s, nodes, kept, (int32_t)s->count++);
        for (uint32_t i = 0; i < kept; i++)
            drop(s, nodes[i]);
        for (uint32_t i = kept; i < n; i++)
            restore(s, nodes[i]);
        n -= kept;
        memmove(nodes, nodes + kept, n * sizeof *nodes);
    }
}

static void find_small(struct sets *s)
{
    for (uint32_t u = 0; u < s->n; u++) {
        if (s->gone[u] || s->labels[u] != FL_SET_NONE)
            continue;
        uint32_t n = gather(s, u);
        if (n < 3 || n > SMALL_MOST)
            continue;
        memcpy(s->mine, s->queue, n * sizeof *s->mine);
        find_small_in(s, s->mine, n);
    }
}

/* ---- the whole ---- */

static void fill(struct sets *s, const struct fl_link *links, size_t n_links)
{
    for (size_t i = 0; i < n_links; i++) {
        s->first[links[i].a + 2]++;
        s->first[links[i].b + 2]++;
    }
    for (uint32_t u = 0; u < s->n; u++) {
        s->degree[u] = s->first[u + 2];
        s->first[u + 2] += s->first[u + 1];
        s->labels[u] = FL_SET_NONE;
    }
    for (size_t i = 0; i < n_links; i++) {
        s->to[s->first[links[i].a + 1]++] = links[i].b;
        s->to[s->first[links[i].b + 1]++] = links[i].a;
    }
}

long fl_sets_find(uint32_t n, const struct fl_link *links, size_t n_links, uint32_t few,
                  const uint32_t *places, int32_t *labels)
{
    struct sets s = {.n = n,
                     .few = few,
                     .first = calloc((size_t)n + 2, sizeof *s.first),
                     .to = malloc((2 * n_links + 1) * sizeof *s.to),
                     .degree = malloc(((size_t)n + 1) * sizeof *s.degree),
                     .queue = malloc(((size_t)n + 1) * sizeof *s.queue),
                     .mine = malloc(SMALL_MOST * sizeof *s.mine),
                     .gone = calloc((size_t)n + 1, sizeof *s.gone),
                     .labels = labels,
                     .places = places};
    bool ready = s.first && s.to && s.degree && s.queue && s.mine && s.gone;
    if (ready) {
        fill(&s, links, n_links);
        find_large(&s);
        put_back(&s);
        if (places)
            find_small(&s);
        for (uint32_t u = 0; u < n; u++)
            labels[u] = labels[u] < 0 ? FL_SET_NONE : labels[u];
    }
    free(s.first);
    free(s.to);
    free(s.degree);
    free(s.queue);
    free(s.mine);
    free(s.gone);
    return ready ? s.count : FL_ENOMEM;
}
