/* Sets of which each member goes with two thirds of the others, in time linear in the links for each set.
 *
 * Of a component the node with fewest links is taken away until each of the others has two thirds of them
 * (greedily, as for the densest part: M. Charikar, "Greedy approximation algorithms for finding dense
 * components in a graph", APPROX 2000); nodes stand in lists by their number of links, so that the next one
 * is found at once. What was taken away is looked at again, for a component may hold several sets.
 *
 * Example: 40 services that a client asks for in one second, each with each, and one of them with a service
 * of another kind: that has 1 link of 40 and goes first, the others have 39 of 39. */
#include <stdlib.h>
#include <string.h>

#include "mining/range_sets.h"
#include "storage/error.h"

enum { NOWHERE = UINT32_MAX, ROUNDS = 64 };

struct dense {
    uint32_t n;
    uint32_t *first, *to;       /* each link at both ends */
    uint32_t *degree;           /* links to nodes of the component that are left */
    uint32_t *head;             /* by degree: the first of the nodes that have it */
    uint32_t *next, *before;    /* in the list of the degree */
    uint32_t *members, *others; /* of the component; what was taken away */
    bool *in;                   /* the component, and left */
    int32_t *labels;
    long count;
};

static void enlist(struct dense *d, uint32_t u)
{
    uint32_t *head = &d->head[d->degree[u]];
    d->next[u] = *head;
    d->before[u] = NOWHERE;
    if (*head != NOWHERE)
        d->before[*head] = u;
    *head = u;
}

static void delist(struct dense *d, uint32_t u)
{
    if (d->before[u] != NOWHERE)
        d->next[d->before[u]] = d->next[u];
    else
        d->head[d->degree[u]] = d->next[u];
    if (d->next[u] != NOWHERE)
        d->before[d->next[u]] = d->before[u];
}

/* Everything connected with u that has no label yet into `members`; how many. */
static uint32_t gather(struct dense *d, uint32_t u)
{
    uint32_t found = 1;
    d->members[0] = u;
    d->in[u] = true;
    for (uint32_t i = 0; i < found; i++)
        for (uint32_t e = d->first[d->members[i]]; e < d->first[d->members[i] + 1]; e++)
            if (!d->in[d->to[e]] && d->labels[d->to[e]] == FL_SET_NONE) {
                d->in[d->to[e]] = true;
                d->members[found++] = d->to[e];
            }
    return found;
}

/* The links of `n` nodes among each other, and the lists. */
static void line_up(struct dense *d, const uint32_t *nodes, uint32_t n)
{
    for (uint32_t k = 0; k <= n; k++)
        d->head[k] = NOWHERE;
    for (uint32_t i = 0; i < n; i++) {
        d->degree[nodes[i]] = 0;
        for (uint32_t e = d->first[nodes[i]]; e < d->first[nodes[i] + 1]; e++)
            d->degree[nodes[i]] += d->in[d->to[e]];
        enlist(d, nodes[i]);
    }
}

static void take_away(struct dense *d, uint32_t u)
{
    delist(d, u);
    d->in[u] = false;
    for (uint32_t e = d->first[u]; e < d->first[u + 1]; e++) {
        uint32_t v = d->to[e];
        if (!d->in[v])
            continue;
        delist(d, v);
        d->degree[v]--;
        enlist(d, v);
    }
}

/* Of nodes[0, n) one set gets a label, those left out come first in `nodes`. Returns how many these are; n
 * where there is no set. */
static uint32_t find_one(struct dense *d, uint32_t *nodes, uint32_t n, uint32_t few)
{
    uint32_t left = n, out = 0, least = 0;
    line_up(d, nodes, n);
    for (; left > few; left--) {
        least = least > 0 ? least - 1 : 0; /* taking one away lowers others by one */
        while (d->head[least] == NOWHERE)
            least++;
        if (3 * (uint64_t)least >= 2 * (uint64_t)(left - 1))
            break;
        d->others[out++] = d->head[least];
        take_away(d, d->head[least]);
    }
    for (uint32_t i = 0; i < n && left > few; i++)
        if (d->in[nodes[i]])
            d->labels[nodes[i]] = (int32_t)d->count;
    for (uint32_t i = 0; i < n; i++)
        d->in[nodes[i]] = false;
    if (left <= few)
        return n;
    d->count++;
    memcpy(nodes, d->others, out * sizeof *nodes);
    return out;
}

/* `members` from `n` on is left as it is. */
static void find_in_component(struct dense *d, uint32_t n, uint32_t few)
{
    uint32_t *nodes = d->members;
    for (int round = 0; round < ROUNDS && n > few; round++) {
        for (uint32_t i = 0; i < n; i++)
            d->in[nodes[i]] = true;
        uint32_t rest = find_one(d, nodes, n, few);
        if (rest == n)
            return;
        n = rest;
    }
}

static void fill(struct dense *d, const struct fl_link *links, size_t n_links)
{
    for (size_t i = 0; i < n_links; i++) {
        d->first[links[i].a + 2]++;
        d->first[links[i].b + 2]++;
    }
    for (uint32_t u = 0; u < d->n; u++) {
        d->first[u + 2] += d->first[u + 1];
        d->labels[u] = FL_SET_NONE;
    }
    for (size_t i = 0; i < n_links; i++) {
        d->to[d->first[links[i].a + 1]++] = links[i].b;
        d->to[d->first[links[i].b + 1]++] = links[i].a;
    }
}

static void find_all(struct dense *d, uint32_t few, bool *seen)
{
    for (uint32_t u = 0; u < d->n; u++) {
        if (seen[u] || d->first[u + 1] - d->first[u] < few * 2 / 3)
            continue;
        uint32_t n = gather(d, u);
        for (uint32_t i = 0; i < n; i++) {
            seen[d->members[i]] = true;
            d->in[d->members[i]] = false;
        }
        find_in_component(d, n, few);
    }
}

long fl_sets_find_dense(uint32_t n, const struct fl_link *links, size_t n_links, uint32_t few,
                        int32_t *labels)
{
    size_t room = (size_t)n + 2;
    struct dense d = {.n = n,
                      .first = calloc(room, sizeof *d.first),
                      .to = malloc((2 * n_links + 1) * sizeof *d.to),
                      .degree = malloc(room * sizeof *d.degree),
                      .head = malloc(room * sizeof *d.head),
                      .next = malloc(room * sizeof *d.next),
                      .before = malloc(room * sizeof *d.before),
                      .members = malloc(room * sizeof *d.members),
                      .others = malloc(room * sizeof *d.others),
                      .in = calloc(room, sizeof *d.in),
                      .labels = labels};
    bool *seen = calloc(room, sizeof *seen);
    bool ready =
        d.first && d.to && d.degree && d.head && d.next && d.before && d.members && d.others && d.in && seen;
    if (ready) {
        fill(&d, links, n_links);
        find_all(&d, few, seen);
    }
    free(d.first);
    free(d.to);
    free(d.degree);
    free(d.head);
    free(d.next);
    free(d.before);
    free(d.members);
    free(d.others);
    free(d.in);
    free(seen);
    return ready ? d.count : FL_ENOMEM;
}
