/* Clusters of rules: recursive spectral partitioning of the graph whose nodes are flow nodes, whose edges are
 * the rules that stand for themselves, and whose weights are their scores.
 *
 * Kannan, Vempala, Vetta: "On Clusterings: Good, Bad and Spectral", FOCS 2000.
 *
 * 1. Number the nodes in their order.
 * 2. Take the graph's connected components as parts.
 * 3. A part of which every two nodes share a rule is a clique and stays. Otherwise cut it at the best sweep
 * of its second eigenvector, if that cut's conductance is below the threshold, and go on with the components
 * of the sides. Cuts are bounded in number by the work that they take (cluster.h).
 * 4. A rule is of the part of its antecedent.
 *
 * Example: A-B-C and D-E-F are triangles of equal scores, C => D joins them. The cut between takes 1 of a
 * volume of 7, which is below 0.2: two clusters, and C => D is of the first. */
#include "mining/cluster.h"

#include <float.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cluster_cut.h"
#include "mining/order.h"
#include "storage/error.h"

enum { DENSE_MOST = 64 }; /* nodes of a part whose eigenvectors are found in full */

struct web {               /* the whole graph and the parts it falls into */
    struct fl_node *nodes; /* ascending */
    uint32_t n;
    uint32_t *first, *to; /* n + 1: where a node's edges begin; every edge stands at both ends, but loops */
    double *weight;       /* 0: an instance, which is no edge but may close a clique */
    double *loop;         /* by node: weight of the rules between it and itself */
    uint32_t *members;    /* node numbers, part by part */
    uint32_t *part;       /* by node: where its part begins in members, as its name */
    uint64_t work;        /* that cuts have taken */
    const struct fl_stop *stop;
};

static void web_clear(struct web *w)
{
    free(w->nodes);
    free(w->first);
    free(w->to);
    free(w->weight);
    free(w->loop);
    free(w->members);
    free(w->part);
}

static int compare_nodes(const void *a, const void *b)
{
    return fl_node_cmp(a, b);
}

/* ---- step 1 ---- */

static bool is_edge(const struct fl_rule *r)
{
    return r->parent < 0 && r->evidence != FL_EVIDENCE_PERIODIC;
}

static int64_t number_of(const struct web *w, const struct fl_node *node)
{
    const struct fl_node *found = bsearch(node, w->nodes, w->n, sizeof *w->nodes, compare_nodes);
    return found ? found - w->nodes : -1;
}

static void number_nodes(struct web *w, const struct fl_rule *rules, size_t n)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        if (is_edge(&rules[i])) {
            w->nodes[all++] = rules[i].antecedent;
            w->nodes[all++] = rules[i].consequent;
        }
    qsort(w->nodes, all, sizeof *w->nodes, compare_nodes);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || fl_node_cmp(&w->nodes[w->n - 1], &w->nodes[i]) != 0)
            w->nodes[w->n++] = w->nodes[i];
}

/* False for what is no edge of the web. */
static bool find_ends(const struct web *w, const struct fl_rule *r, uint32_t ends[2])
{
    int64_t a = r->evidence == FL_EVIDENCE_PERIODIC ? -1 : number_of(w, &r->antecedent);
    int64_t b = a < 0 ? -1 : number_of(w, &r->consequent);
    ends[0] = (uint32_t)a;
    ends[1] = (uint32_t)b;
    return b >= 0 && (r->parent < 0 || a != b);
}

/* Twice over the rules: `counted` false counts the edges into first[u + 2], true puts them where first[u + 1]
 * says and moves that on, so that first[u] is in the end where u's begin. */
static void add_edges(struct web *w, const struct fl_rule *rules, size_t n, bool counted)
{
    uint32_t ends[2];
    for (size_t i = 0; i < n; i++) {
        double weight = rules[i].score > DBL_MIN ? rules[i].score : DBL_MIN;
        if (!find_ends(w, &rules[i], ends))
            continue;
        if (ends[0] == ends[1]) {
            w->loop[ends[0]] += counted ? weight : 0;
            continue;
        }
        for (int side = 0; side < 2; side++) {
            uint32_t u = ends[side];
            if (!counted) {
                w->first[u + 2]++;
                continue;
            }
            w->to[w->first[u + 1]] = ends[!side];
            w->weight[w->first[u + 1]++] = rules[i].parent < 0 ? weight : 0;
        }
    }
}

static int web_build(struct web *w, const struct fl_rule *rules, size_t n)
{
    *w = (struct web){.nodes = malloc((2 * n + 1) * sizeof *w->nodes),
                      .first = calloc(2 * n + 2, sizeof *w->first),
                      .to = malloc((2 * n + 1) * sizeof *w->to),
                      .weight = malloc((2 * n + 1) * sizeof *w->weight),
                      .loop = calloc(2 * n + 1, sizeof *w->loop),
                      .members = malloc((2 * n + 1) * sizeof *w->members),
                      .part = calloc(2 * n + 1, sizeof *w->part)};
    if (!w->nodes || !w->first || !w->to || !w->weight || !w->loop || !w->members || !w->part)
        return FL_ENOMEM;
    number_nodes(w, rules, n);
    add_edges(w, rules, n, false);
    for (uint32_t u = 0; u < w->n; u++) {
        w->first[u + 2] += w->first[u + 1];
        w->members[u] = u;
    }
    add_edges(w, rules, n, true);
    return 0;
}

/* ---- a part as a graph of its own ---- */

struct part {
    struct fl_graph graph;
    uint32_t *first, *to;
    double *weight, *degree;
    size_t ends; /* twice the pairs of different nodes that share a rule or an instance */
};

static void part_clear(struct part *p)
{
    free(p->first);
    free(p->to);
    free(p->weight);
    free(p->degree);
}

/* `local` gives each node of the part its number in it. */
static void part_fill(struct part *p, const struct web *w, uint32_t begin, uint32_t n, const uint32_t *local)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t u = w->members[begin + i];
        p->first[i] = at;
        p->degree[i] = 2 * w->loop[u];
        for (uint32_t e = w->first[u]; e < w->first[u + 1]; e++) {
            if (w->part[w->to[e]] != begin)
                continue;
            p->ends++;
            if (w->weight[e] <= 0)
                continue;
            p->to[at] = local[w->to[e]];
            p->weight[at++] = w->weight[e];
            p->degree[i] += w->weight[e];
        }
    }
    p->first[n] = at;
}

static int part_build(struct part *p, const struct web *w, uint32_t begin, uint32_t n, uint32_t *local)
{
    size_t ends = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t u = w->members[begin + i];
        local[u] = i;
        ends += w->first[u + 1] - w->first[u];
    }
    *p = (struct part){.first = malloc((n + 1) * sizeof *p->first),
                       .degree = malloc(n * sizeof *p->degree),
                       .to = malloc((ends + 1) * sizeof *p->to),
                       .weight = malloc((ends + 1) * sizeof *p->weight)};
    if (!p->first || !p->degree || !p->to || !p->weight)
        return FL_ENOMEM;
    part_fill(p, w, begin, n, local);
    p->graph = (struct fl_graph){n, p->first, p->to, p->weight, p->degree};
    return 0;
}

/* ---- steps 2 and 3 ---- */

struct piece { /* a node of a part that comes asunder */
    uint32_t side, node;
};

/* Sides by component, numbered from 0 in order of their first nodes; returns how many. `queue` holds n. */
static uint32_t find_components(const struct part *p, struct piece *pieces, uint32_t *queue)
{
    uint32_t n = p->graph.n, sides = 0;
    for (uint32_t u = 0; u < n; u++)
        pieces[u].side = UINT32_MAX;
    for (uint32_t u = 0; u < n; u++) {
        if (pieces[u].side != UINT32_MAX)
            continue;
        uint32_t found = 1;
        queue[0] = u;
        pieces[u].side = sides;
        for (uint32_t i = 0; i < found; i++)
            for (uint32_t e = p->first[queue[i]]; e < p->first[queue[i] + 1]; e++)
                if (pieces[p->to[e]].side == UINT32_MAX) {
                    pieces[p->to[e]].side = sides;
                    queue[found++] = p->to[e];
                }
        sides++;
    }
    return sides;
}

/* The sides of a connected part: 2, or 1 where it stays whole. `order` holds n. */
static int find_cut(struct web *w, const struct part *p, struct piece *pieces, uint32_t *order)
{
    uint32_t n = p->graph.n, n_left = 0;
    double conductance;
    bool clique = p->ends >= (size_t)n * (n - 1);
    if (n < 4 || clique)
        return 1;
    w->work += fl_graph_cut_work(&p->graph, DENSE_MOST);
    if (w->work > FL_CLUSTER_MOST_WORK)
        return 1;
    int rc = fl_graph_cut(&p->graph, DENSE_MOST, w->stop, order, &n_left, &conductance);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < n; i++)
        pieces[order[i]].side = i >= n_left;
    return conductance < FL_CLUSTER_CONDUCTANCE ? 2 : 1;
}

static int compare_pieces(const void *va, const void *vb)
{
    const struct piece *a = va, *b = vb;
    FL_ORDER(a->side, b->side);
    FL_ORDER(a->node, b->node);
    return 0;
}

static void take_asunder(struct web *w, uint32_t begin, uint32_t n, struct piece *pieces)
{
    uint32_t name = begin;
    for (uint32_t i = 0; i < n; i++)
        pieces[i].node = w->members[begin + i];
    qsort(pieces, n, sizeof *pieces, compare_pieces);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0 && pieces[i].side != pieces[i - 1].side)
            name = begin + i;
        w->members[begin + i] = pieces[i].node;
        w->part[pieces[i].node] = name;
    }
}

/* Into how many sides the part [begin, begin + n) came; 1: it is whole. */
static int split(struct web *w, uint32_t begin, uint32_t n, uint32_t *scratch, struct piece *pieces)
{
    struct part p = {.ends = 0};
    int sides = part_build(&p, w, begin, n, scratch);
    if (sides == 0)
        sides = (int)find_components(&p, pieces, scratch);
    if (sides == 1)
        sides = find_cut(w, &p, pieces, scratch);
    if (sides > 1)
        take_asunder(w, begin, n, pieces);
    part_clear(&p);
    return sides;
}

static int partition(struct web *w)
{
    uint32_t *scratch = malloc((w->n + 1) * sizeof *scratch), begin = 0, end;
    struct piece *pieces = malloc((w->n + 1) * sizeof *pieces);
    int rc = scratch && pieces ? 0 : FL_ENOMEM;
    while (rc >= 0 && begin < w->n) {
        for (end = begin + 1; end < w->n && w->part[w->members[end]] == begin;)
            end++;
        rc = fl_stop_ask(w->stop, (double)begin / w->n);
        if (rc == 0)
            rc = split(w, begin, end - begin, scratch, pieces);
        if (rc == 1)
            begin = end;
    }
    free(scratch);
    free(pieces);
    return rc < 0 ? rc : 0;
}

/* ---- step 4 ---- */

struct group { /* a part and its rules, in order of score once all are there */
    uint32_t part;
    double score;
    size_t first, n, folded;
};

static int compare_groups(const void *va, const void *vb)
{
    const struct group *a = va, *b = vb;
    FL_ORDER(b->score, a->score);
    FL_ORDER(a->part, b->part);
    return 0;
}

static int64_t part_of(const struct web *w, const struct fl_rule *r)
{
    int64_t node = r->parent < 0 ? number_of(w, &r->antecedent) : -1;
    return node < 0 ? -1 : (int64_t)w->part[node];
}

/* `groups` is by part: one for every node number, those of no part empty. */
static void gather_rules(const struct web *w, const struct fl_rule *rules, size_t n, struct group *groups,
                         const struct fl_rule **members)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t part = part_of(w, &rules[i]);
        if (part >= 0) {
            groups[part].n++;
            groups[part].score += rules[i].score;
        }
    }
    for (uint32_t u = 0; u < w->n; u++)
        for (uint32_t e = w->first[u]; e < w->first[u + 1]; e++)
            groups[w->part[u]].folded += w->weight[e] <= 0 && w->to[e] > u && w->part[w->to[e]] == w->part[u];
    for (uint32_t p = 0; p < w->n; p++) {
        groups[p].part = p;
        groups[p].first = at;
        at += groups[p].n;
        groups[p].n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t part = part_of(w, &rules[i]);
        if (part >= 0)
            members[groups[part].first + groups[part].n++] = &rules[i];
    }
}

static int name_clusters(const struct web *w, struct fl_rule *rules, size_t n, struct group *groups,
                         const struct fl_rule **members, struct fl_cluster **out, size_t *n_out)
{
    int rc = 0;
    gather_rules(w, rules, n, groups, members);
    qsort(groups, w->n, sizeof *groups, compare_groups);
    struct fl_cluster *clusters = calloc(w->n + 1, sizeof *clusters);
    if (!clusters)
        return FL_ENOMEM;
    for (uint32_t g = 0; g < w->n && rc == 0; g++) {
        if (groups[g].n == 0)
            continue;
        struct fl_cluster *c = &clusters[*n_out];
        rc = fl_cluster_describe(members + groups[g].first, groups[g].n, groups[g].folded, c);
        c->score = groups[g].score;
        for (size_t i = 0; i < groups[g].n; i++)
            rules[members[groups[g].first + i] - rules].cluster = (int32_t)*n_out;
        ++*n_out;
    }
    *out = clusters;
    return rc;
}

int fl_cluster(struct fl_rule *rules, size_t n, struct fl_cluster **out, size_t *n_out,
               const struct fl_stop *stop)
{
    struct web w;
    *out = NULL;
    *n_out = 0;
    for (size_t i = 0; i < n; i++)
        rules[i].cluster = -1;
    int rc = web_build(&w, rules, n);
    w.stop = stop;
    if (rc == 0)
        rc = partition(&w);
    struct group *groups = rc == 0 ? calloc(w.n + 1, sizeof *groups) : NULL;
    const struct fl_rule **members = rc == 0 ? malloc((n + 1) * sizeof *members) : NULL;
    if (rc == 0)
        rc = groups && members ? name_clusters(&w, rules, n, groups, members, out, n_out) : FL_ENOMEM;
    if (rc < 0) {
        free(*out);
        *out = NULL;
        *n_out = 0;
    }
    free(groups);
    free(members);
    web_clear(&w);
    return rc;
}
