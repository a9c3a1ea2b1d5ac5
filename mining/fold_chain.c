/* Chains: of A => B, B => C and A => C the last says nothing that the others do not.
 *
 * 1. Write down which arrows leave which node; `<=>` leaves both.
 * 2. Go through the rules `A => C` from the least score up (powers of 2, then the later pair of nodes). Where
 * some B has arrows A to B and B to C that both still stand for themselves, and the product of their
 * confidences is within a factor 2 of A's own, the rule becomes an instance of the one of these with the
 * higher score. Of several B the one of the greatest product.
 *
 * So the weakest link is folded first and what it was folded into never is: at least two sides of a triangle
 * stay. Three rules `<=>` are a clique and stay as they are: none of them is the conclusion.
 *
 * Example: 0.9 of A bring B, 0.8 of B bring C, 0.7 of A bring C. 0.9 * 0.8 = 0.72 explains it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mining/fold_parts.h"
#include "mining/order.h"
#include "storage/error.h"

struct arrow {
    const struct fl_node *from, *to;
    int32_t rule;
};

struct arrows { /* each twice */
    struct arrow *by_from, *by_to;
    size_t n;
};

struct stretch {
    size_t from, to;
};

static int compare_from(const void *va, const void *vb)
{
    const struct arrow *a = va, *b = vb;
    int c = fl_node_cmp(a->from, b->from);
    return c ? c : fl_node_cmp(a->to, b->to);
}

static int compare_to(const void *va, const void *vb)
{
    const struct arrow *a = va, *b = vb;
    int c = fl_node_cmp(a->to, b->to);
    return c ? c : fl_node_cmp(a->from, b->from);
}

/* The first arrow whose node is `node` or, with `behind`, after it. */
static size_t first_of(const struct arrow *arrows, size_t n, const struct fl_node *node, bool from,
                       bool behind)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = fl_node_cmp(from ? arrows[middle].from : arrows[middle].to, node);
        if (c < 0 || (c == 0 && behind))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Those that leave `node` (`from`), or lead to it. */
static struct stretch find_stretch(const struct arrow *arrows, size_t n, const struct fl_node *node,
                                   bool from)
{
    return (struct stretch){first_of(arrows, n, node, from, false), first_of(arrows, n, node, from, true)};
}

static bool stands(const struct fl_rule *r)
{
    return r->parent < 0 && r->evidence != FL_EVIDENCE_PERIODIC &&
           fl_node_cmp(&r->antecedent, &r->consequent) != 0;
}

static void draw_arrows(const struct fl_folding *f, struct arrows *arrows)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct fl_rule *r = &f->rules[i];
        if (!stands(r))
            continue;
        arrows->by_from[n++] = (struct arrow){&r->antecedent, &r->consequent, (int32_t)i};
        if (r->both)
            arrows->by_from[n++] = (struct arrow){&r->consequent, &r->antecedent, (int32_t)i};
    }
    arrows->n = n;
    memcpy(arrows->by_to, arrows->by_from, n * sizeof *arrows->by_to);
    qsort(arrows->by_from, n, sizeof *arrows->by_from, compare_from);
    qsort(arrows->by_to, n, sizeof *arrows->by_to, compare_to);
}

static const struct fl_rule *better_of(const struct fl_rule *a, const struct fl_rule *b)
{
    if (a->score > b->score || a->score < b->score)
        return a->score > b->score ? a : b;
    return fl_fold_compare(a, b) <= 0 ? a : b;
}

static bool within_factor_two(double a, double b)
{
    return a <= 2 * b && b <= 2 * a;
}

/* Confidence of the arrow from a rule's one node to the other; 0: none leads there. */
static double arrow_of(const struct fl_rule *r, const struct fl_node *from)
{
    if (fl_node_cmp(&r->antecedent, from) == 0)
        return r->confidence;
    return r->both ? r->reverse_confidence : 0;
}

/* A rule A => C, and the best that explains it so far. */
struct chain {
    const struct fl_folding *f;
    const struct fl_rule *rule;
    double product;
    int32_t parent;
};

/* Do A => B and B => C explain it? Both still stand, and are arrows that way. */
static void try_middle(struct chain *c, const struct fl_rule *first, const struct fl_rule *second,
                       const struct fl_node *middle)
{
    if (!first || !second || first == c->rule || second == c->rule || !stands(first) || !stands(second))
        return;
    double product = arrow_of(first, &c->rule->antecedent) * arrow_of(second, middle);
    if (product > c->product && within_factor_two(product, c->rule->confidence)) {
        c->product = product;
        c->parent = (int32_t)(better_of(first, second) - c->f->rules);
    }
}

/* Of the arrows that leave A and those that lead to C the fewer are gone through, in the order of B either
 * way: a node of very many rules costs each of them no more than its other end has. */
static int32_t find_parent(const struct fl_folding *f, const struct arrows *arrows, const struct fl_rule *r)
{
    struct chain chain = {.f = f, .rule = r, .parent = -1};
    const struct fl_node *a = &r->antecedent, *c = &r->consequent;
    struct stretch out = find_stretch(arrows->by_from, arrows->n, a, true),
                   in = find_stretch(arrows->by_to, arrows->n, c, false);
    if (out.to - out.from <= in.to - in.from)
        for (size_t i = out.from; i < out.to; i++)
            try_middle(&chain, &f->rules[arrows->by_from[i].rule], fl_fold_find(f, arrows->by_from[i].to, c),
                       arrows->by_from[i].to);
    else
        for (size_t i = in.from; i < in.to; i++)
            try_middle(&chain, fl_fold_find(f, a, arrows->by_to[i].from), &f->rules[arrows->by_to[i].rule],
                       arrows->by_to[i].from);
    return chain.parent;
}

/* Scores within a factor 2 are taken as equal, so that what is folded does not change from run to run with
 * them. */
static int compare_weakest_first(const void *va, const void *vb)
{
    const struct fl_rule *a = *(struct fl_rule *const *)va, *b = *(struct fl_rule *const *)vb;
    FL_ORDER(ilogb(a->score), ilogb(b->score));
    return fl_fold_compare(b, a);
}

int fl_fold_chains(struct fl_folding *f, const struct fl_stop *stop)
{
    struct arrows arrows = {.by_from = malloc((2 * f->n + 1) * sizeof *arrows.by_from),
                            .by_to = malloc((2 * f->n + 1) * sizeof *arrows.by_to)};
    struct fl_rule **order = malloc((f->n + 1) * sizeof *order);
    size_t n = 0;
    int rc = arrows.by_from && arrows.by_to && order ? 0 : FL_ENOMEM;
    if (rc == 0) {
        draw_arrows(f, &arrows);
        for (size_t i = 0; i < f->n; i++)
            if (stands(&f->rules[i]) && !f->rules[i].both)
                order[n++] = &f->rules[i];
        qsort(order, n, sizeof *order, compare_weakest_first);
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = fl_stop_ask_at(stop, i, n, FL_FOLD_ASK_EVERY);
        if (rc == 0)
            order[i]->parent = find_parent(f, &arrows, order[i]);
    }
    free(arrows.by_from);
    free(arrows.by_to);
    free(order);
    return rc;
}
