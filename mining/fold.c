/* Folding: keeps the statement that explains most and hangs the others below it.
 *
 * 1. One rule a pair of nodes: the smaller p-value wins, starting together over being under way.
 * 2. Every rule looks for its generics: the same pair with a client or server of either node made wild.
 * 3. The generic with most coincidences becomes its parent; parents of parents are followed to the top.
 *
 * Example: 10.0.0.5.* : M.993 <=> 10.0.0.5.* : M.143 and the same for .6, .7, .8 are instances of
 * *.* : M.993 <=> *.* : M.143. */
#include "mining/fold.h"

#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "storage/error.h"

enum { least_hosts = 3 };

struct pair { /* a rule under its unordered pair of nodes */
    struct fl_node low, high;
    size_t rule;
};

static struct pair pair_of(const struct fl_node *a, const struct fl_node *b, size_t rule)
{
    bool ordered = fl_node_cmp(a, b) <= 0;
    return (struct pair){ordered ? *a : *b, ordered ? *b : *a, rule};
}

static int compare_pair_keys(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    int c = fl_node_cmp(&a->low, &b->low);
    return c ? c : fl_node_cmp(&a->high, &b->high);
}

static int compare_strength(const struct fl_rule *a, const struct fl_rule *b)
{
    FL_ORDER(a->log10_p, b->log10_p);
    FL_ORDER(a->evidence, b->evidence);
    FL_ORDER(a->present_antecedent, b->present_antecedent);
    return 0;
}

static int compare_same_pairs(const void *va, const void *vb)
{
    const struct fl_rule *a = va, *b = vb;
    struct pair pa = pair_of(&a->antecedent, &a->consequent, 0),
                pb = pair_of(&b->antecedent, &b->consequent, 0);
    int c = compare_pair_keys(&pa, &pb);
    return c ? c : compare_strength(a, b);
}

/* Step 1. */
static size_t keep_strongest(struct fl_rule *rules, size_t n)
{
    size_t kept = 0;
    qsort(rules, n, sizeof *rules, compare_same_pairs);
    for (size_t i = 0; i < n; i++) {
        struct pair here = pair_of(&rules[i].antecedent, &rules[i].consequent, 0);
        if (kept) {
            struct pair last = pair_of(&rules[kept - 1].antecedent, &rules[kept - 1].consequent, 0);
            if (compare_pair_keys(&last, &here) == 0)
                continue;
        }
        rules[kept++] = rules[i];
    }
    return kept;
}

/* ---- generics ---- */

enum { widenings = 3 }; /* as it is, any client, any server */

/* False where the node cannot be widened so. */
static bool widen(const struct fl_node *node, int how, struct fl_node *out)
{
    *out = *node;
    if (how == 0)
        return true;
    if (node->any_client || node->any_server)
        return false;
    struct fl_addr nobody = {{0}};
    if (how == 1) {
        out->any_client = true;
        out->client = nobody;
        out->client_port = FL_PORT_ANY;
    } else {
        out->any_server = true;
        out->server = nobody;
    }
    return true;
}

/* The generic's confidence for the statement that `rule` makes. */
static double same_statement(const struct fl_rule *generic, const struct fl_node *antecedent)
{
    return fl_node_cmp(&generic->antecedent, antecedent) == 0 ? generic->confidence
                                                              : generic->reverse_confidence;
}

static bool explains(const struct fl_rule *generic, const struct fl_node *antecedent,
                     const struct fl_rule *rule)
{
    double c = same_statement(generic, antecedent);
    return generic->hosts >= least_hosts && rule->confidence <= 2 * c && c <= 2 * rule->confidence;
}

static bool explains_more(const struct fl_rule *a, const struct fl_rule *b)
{
    if (a->n_both != b->n_both)
        return a->n_both > b->n_both;
    return compare_same_pairs(a, b) < 0;
}

static int32_t find_parent(const struct fl_rule *rules, const struct pair *pairs, size_t n, size_t rule)
{
    const struct fl_rule *r = &rules[rule];
    int32_t best = -1;
    for (int how = 1; how < widenings * widenings; how++) {
        struct fl_node antecedent, consequent;
        if (!widen(&r->antecedent, how / widenings, &antecedent) ||
            !widen(&r->consequent, how % widenings, &consequent))
            continue;
        struct pair key = pair_of(&antecedent, &consequent, 0);
        const struct pair *found = bsearch(&key, pairs, n, sizeof *pairs, compare_pair_keys);
        if (!found || !explains(&rules[found->rule], &antecedent, r))
            continue;
        if (best < 0 || explains_more(&rules[found->rule], &rules[best]))
            best = (int32_t)found->rule;
    }
    return best;
}

static void find_parents(struct fl_rule *rules, const struct pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rules[i].parent = find_parent(rules, pairs, n, i);
    for (size_t i = 0; i < n; i++) { /* a parent is always wider than its child, so this ends */
        int32_t top = rules[i].parent;
        while (top >= 0 && rules[top].parent >= 0)
            top = rules[top].parent;
        rules[i].parent = top;
        if (top >= 0)
            rules[top].instances++;
    }
}

/* ---- order ---- */

struct place {
    const struct fl_rule *rule;
    size_t was;
};

static int compare_places(const void *va, const void *vb)
{
    const struct fl_rule *a = ((const struct place *)va)->rule, *b = ((const struct place *)vb)->rule;
    FL_ORDER(a->parent >= 0, b->parent >= 0);
    FL_ORDER(b->score, a->score);
    return compare_same_pairs(a, b);
}

static int put_in_order(struct fl_rule *rules, size_t n)
{
    struct fl_rule *copy = malloc((n + 1) * sizeof *copy);
    struct place *places = malloc((n + 1) * sizeof *places);
    int32_t *now = malloc((n + 1) * sizeof *now);
    int rc = copy && places && now ? 0 : FL_ENOMEM;
    if (rc == 0) {
        memcpy(copy, rules, n * sizeof *copy);
        for (size_t i = 0; i < n; i++)
            places[i] = (struct place){&copy[i], i};
        qsort(places, n, sizeof *places, compare_places);
        for (size_t i = 0; i < n; i++)
            now[places[i].was] = (int32_t)i;
        for (size_t i = 0; i < n; i++) {
            rules[i] = *places[i].rule;
            rules[i].parent = rules[i].parent >= 0 ? now[rules[i].parent] : -1;
        }
    }
    free(copy);
    free(places);
    free(now);
    return rc;
}

long fl_fold(struct fl_rule *rules, size_t n)
{
    if (n == 0)
        return 0;
    n = keep_strongest(rules, n);
    struct pair *pairs = malloc(n * sizeof *pairs);
    if (!pairs)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++)
        pairs[i] = pair_of(&rules[i].antecedent, &rules[i].consequent, i);
    qsort(pairs, n, sizeof *pairs, compare_pair_keys);
    find_parents(rules, pairs, n);
    free(pairs);
    int rc = put_in_order(rules, n);
    return rc < 0 ? rc : (long)n;
}
