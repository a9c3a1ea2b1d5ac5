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

#include "mining/fold_parts.h"
#include "mining/order.h"
#include "storage/error.h"

struct arrow {
    const struct fl_node *from, *to;
    double confidence;
    int32_t rule;
};

static int compare_arrows(const void *va, const void *vb)
{
    const struct arrow *a = va, *b = vb;
    int c = fl_node_cmp(a->from, b->from);
    return c ? c : fl_node_cmp(a->to, b->to);
}

static bool stands(const struct fl_rule *r)
{
    return r->parent < 0 && r->evidence != FL_EVIDENCE_PERIODIC &&
           fl_node_cmp(&r->antecedent, &r->consequent) != 0;
}

static size_t draw_arrows(const struct fl_folding *f, struct arrow *arrows)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct fl_rule *r = &f->rules[i];
        if (!stands(r))
            continue;
        arrows[n++] = (struct arrow){&r->antecedent, &r->consequent, r->confidence, (int32_t)i};
        if (r->both)
            arrows[n++] = (struct arrow){&r->consequent, &r->antecedent, r->reverse_confidence, (int32_t)i};
    }
    qsort(arrows, n, sizeof *arrows, compare_arrows);
    return n;
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

static int32_t find_parent(const struct fl_folding *f, const struct arrow *arrows, size_t n,
                           const struct fl_rule *r)
{
    double best = 0;
    int32_t parent = -1;
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (fl_node_cmp(arrows[middle].from, &r->antecedent) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n && fl_node_cmp(arrows[low].from, &r->antecedent) == 0; low++) {
        const struct fl_rule *first = &f->rules[arrows[low].rule], *second = NULL;
        if (first != r && first->parent < 0)
            second = fl_fold_find(f, arrows[low].to, &r->consequent);
        double product =
            second && stands(second) ? arrows[low].confidence * arrow_of(second, arrows[low].to) : 0;
        if (product > best && within_factor_two(product, r->confidence)) {
            best = product;
            parent = (int32_t)(better_of(first, second) - f->rules);
        }
    }
    return parent;
}

/* Scores within a factor 2 are taken as equal, so that what is folded does not change from run to run with
 * them. */
static int compare_weakest_first(const void *va, const void *vb)
{
    const struct fl_rule *a = *(struct fl_rule *const *)va, *b = *(struct fl_rule *const *)vb;
    FL_ORDER(ilogb(a->score), ilogb(b->score));
    return fl_fold_compare(b, a);
}

int fl_fold_chains(struct fl_folding *f)
{
    struct arrow *arrows = malloc((2 * f->n + 1) * sizeof *arrows);
    struct fl_rule **order = malloc((f->n + 1) * sizeof *order);
    int rc = arrows && order ? 0 : FL_ENOMEM;
    if (rc == 0) {
        size_t n = draw_arrows(f, arrows), n_order = 0;
        for (size_t i = 0; i < f->n; i++)
            if (stands(&f->rules[i]) && !f->rules[i].both)
                order[n_order++] = &f->rules[i];
        qsort(order, n_order, sizeof *order, compare_weakest_first);
        for (size_t i = 0; i < n_order; i++)
            order[i]->parent = find_parent(f, arrows, n, order[i]);
    }
    free(arrows);
    free(order);
    return rc;
}
