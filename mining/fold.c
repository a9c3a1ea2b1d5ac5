/* Folding: keeps the statement that explains most and hangs the others below it.
 *
 * 1. One rule a pair of nodes: the smaller p-value wins, starting together over being under way.
 * 2. A generic nine tenths of whose coincidences one host makes is that host in disguise: it goes below that.
 * 3. Every other rule looks for its generics: the same pair with a client or server of either node made wild,
 * or its port within a range. The generic with most coincidences becomes its parent.
 * 4. Of A => B, B => C, A => C the last follows from the others (fold_chain.c).
 * 5. Parents of parents are followed to the top.
 *
 * Example: 10.0.0.5.* : M.993 <=> 10.0.0.5.* : M.143 and the same for .6, .7, .8 are instances of
 * *.* : M.993 <=> *.* : M.143. Were nearly all of that 10.0.0.5's, it would be the instance, and of that
 * rule. */
#include "mining/fold.h"

#include <stdlib.h>
#include <string.h>

#include "mining/fold_parts.h"
#include "mining/order.h"
#include "mining/range.h"
#include "storage/error.h"

enum { least_hosts = 3, MOST_WIDER = 24 };

static int compare_nodes(const void *a, const void *b)
{
    return fl_node_cmp(a, b);
}

static struct fl_folding_pair pair_of(const struct fl_node *a, const struct fl_node *b, size_t rule)
{
    bool ordered = fl_node_cmp(a, b) <= 0;
    return (struct fl_folding_pair){ordered ? *a : *b, ordered ? *b : *a, rule};
}

static int compare_pairs(const void *va, const void *vb)
{
    const struct fl_folding_pair *a = va, *b = vb;
    int c = fl_node_cmp(&a->low, &b->low);
    return c ? c : fl_node_cmp(&a->high, &b->high);
}

static int compare_strength(const struct fl_rule *a, const struct fl_rule *b)
{
    FL_ORDER(a->log10_p, b->log10_p);
    FL_ORDER(a->evidence, b->evidence);
    FL_ORDER(a->present_antecedent, b->present_antecedent);
    FL_ORDER(b->n_both, a->n_both);
    return 0;
}

int fl_fold_compare(const struct fl_rule *a, const struct fl_rule *b)
{
    struct fl_folding_pair pa = pair_of(&a->antecedent, &a->consequent, 0),
                           pb = pair_of(&b->antecedent, &b->consequent, 0);
    int c = compare_pairs(&pa, &pb);
    return c ? c : compare_strength(a, b);
}

const struct fl_rule *fl_fold_find(const struct fl_folding *f, const struct fl_node *a,
                                   const struct fl_node *b)
{
    struct fl_folding_pair key = pair_of(a, b, 0);
    const struct fl_folding_pair *found =
        bsearch(&key, f->pairs, f->n_pairs, sizeof *f->pairs, compare_pairs);
    return found ? &f->rules[found->rule] : NULL;
}

/* ---- a new order of the rules ---- */

struct place {
    const struct fl_rule *rule;
    bool stands_in; /* see fl_folding */
};

/* Which rules have the figures of one that they stand for: those that came with instances. */
static bool *find_stand_ins(const struct fl_rule *rules, size_t n)
{
    bool *stands_in = calloc(n + 1, sizeof *stands_in);
    for (size_t i = 0; i < n && stands_in; i++) {
        stands_in[i] = stands_in[i] || rules[i].instances > 0;
        if (rules[i].parent >= 0)
            stands_in[rules[i].parent] = true;
    }
    return stands_in;
}

static int compare_same_pairs(const void *va, const void *vb)
{
    const struct place *a = va, *b = vb;
    FL_ORDER(a->rule->evidence == FL_EVIDENCE_PERIODIC, b->rule->evidence == FL_EVIDENCE_PERIODIC);
    struct fl_folding_pair pa = pair_of(&a->rule->antecedent, &a->rule->consequent, 0),
                           pb = pair_of(&b->rule->antecedent, &b->rule->consequent, 0);
    int c = compare_pairs(&pa, &pb);
    if (c)
        return c;
    FL_ORDER(a->stands_in, b->stands_in);
    c = compare_strength(a->rule, b->rule);
    if (c)
        return c;
    FL_ORDER(a->rule, b->rule); /* they do not move while they are sorted */
    return 0;
}

static int compare_results(const void *va, const void *vb)
{
    const struct place *a = va, *b = vb;
    FL_ORDER(a->rule->parent >= 0, b->rule->parent >= 0);
    FL_ORDER(b->rule->score, a->rule->score);
    return compare_same_pairs(va, vb);
}

/* rules[i] becomes what was rules[from[i]], for all of them, without a second copy; `from` is used up. */
static void permute(struct fl_rule *rules, size_t n, uint32_t *from)
{
    for (size_t i = 0; i < n; i++) {
        struct fl_rule first = rules[i];
        size_t at = i;
        while (from[at] != i) {
            size_t next = from[at];
            rules[at] = rules[next];
            from[at] = (uint32_t)at;
            at = next;
        }
        rules[at] = first;
        from[at] = (uint32_t)at;
    }
}

/* Rules in order; where `keep` denies one it falls to the one that was kept before it and that takes over its
 * instances. now[i] is where the one has gone that stood at place was[i]. */
static size_t sift(struct fl_rule *rules, size_t n, const uint32_t *was, int32_t *now,
                   bool (*keep)(const struct fl_rule *before, const struct fl_rule *rule))
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || keep(&rules[kept - 1], &rules[i]))
            rules[kept++] = rules[i];
        else
            rules[kept - 1].instances += rules[i].instances;
        now[was[i]] = (int32_t)kept - 1;
    }
    return kept;
}

/* Rules in a new order, parents following; `keep` as in sift. */
static int rearrange(struct fl_rule *rules, size_t *n, int (*compare)(const void *, const void *),
                     bool (*keep)(const struct fl_rule *before, const struct fl_rule *rule))
{
    struct place *places = malloc((*n + 1) * sizeof *places);
    uint32_t *was = malloc((*n + 1) * sizeof *was), *from = malloc((*n + 1) * sizeof *from);
    int32_t *now = malloc((*n + 1) * sizeof *now);
    bool *stands_in = find_stand_ins(rules, *n);
    int rc = places && was && from && now && stands_in ? 0 : FL_ENOMEM;
    if (rc == 0) {
        for (size_t i = 0; i < *n; i++)
            places[i] = (struct place){&rules[i], stands_in[i]};
        qsort(places, *n, sizeof *places, compare);
        for (size_t i = 0; i < *n; i++)
            was[i] = from[i] = (uint32_t)(places[i].rule - rules);
        permute(rules, *n, from);
        *n = sift(rules, *n, was, now, keep);
        for (size_t i = 0; i < *n; i++)
            rules[i].parent = rules[i].parent >= 0 ? now[rules[i].parent] : -1;
    }
    free(places);
    free(was);
    free(from);
    free(now);
    free(stands_in);
    return rc;
}

/* Step 1. */
static bool is_another(const struct fl_rule *before, const struct fl_rule *rule)
{
    struct fl_folding_pair last = pair_of(&before->antecedent, &before->consequent, 0),
                           here = pair_of(&rule->antecedent, &rule->consequent, 0);
    return rule->evidence == FL_EVIDENCE_PERIODIC || compare_pairs(&last, &here) != 0;
}

static bool is_any(const struct fl_rule *before, const struct fl_rule *rule)
{
    return true;
}

/* ---- wider nodes ---- */

struct wider {
    struct fl_node nodes[MOST_WIDER]; /* that some rule names; the node itself first */
    int hosts[MOST_WIDER];            /* how many of client and server were made wild: 0, 1, 2 */
    size_t n;
};

static struct fl_node widen(const struct fl_node *node, bool client, bool server)
{
    struct fl_node out = *node;
    if (client) {
        memset(&out.client, 0, sizeof out.client);
        out.any_client = true;
        out.client_port = FL_PORT_ANY;
        out.client_port_last = 0;
    }
    if (server) {
        memset(&out.server, 0, sizeof out.server);
        out.any_server = true;
    }
    return out;
}

static void add_wider(struct wider *w, const struct fl_node *node, int hosts)
{
    if (w->n < MOST_WIDER) {
        w->nodes[w->n] = *node;
        w->hosts[w->n++] = hosts;
    }
}

/* The ranges that cover the node: those of its hosts stand together in `ranges`. */
static void add_ranges(struct wider *w, const struct fl_folding *f, const struct fl_node *node, int hosts)
{
    size_t low = 0, high = f->n_ranges;
    struct fl_node base = *node;
    base.server_port = base.server_port_last = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (fl_node_cmp(&f->ranges[middle], &base) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < f->n_ranges; low++) {
        struct fl_node same = f->ranges[low];
        same.server_port = same.server_port_last = 0;
        same.protocol = base.protocol;
        if (fl_node_cmp(&same, &base) != 0 || f->ranges[low].server_port > node->server_port)
            return;
        if (fl_node_is_mixed(&f->ranges[low]) && !fl_node_is_mixed(node))
            continue; /* stands for some services, not for all that it covers */
        if (fl_node_covers(&f->ranges[low], node) && fl_node_cmp(&f->ranges[low], node) != 0)
            add_wider(w, &f->ranges[low], hosts);
    }
}

static void find_wider(struct wider *w, const struct fl_folding *f, const struct fl_node *node)
{
    w->n = 0;
    for (int how = 0; how < 4; how++) {
        bool client = how & 1, server = how & 2;
        if ((client && node->any_client) || (server && node->any_server))
            continue;
        struct fl_node wide = widen(node, client, server);
        if (how == 0 || bsearch(&wide, f->nodes, f->n_nodes, sizeof wide, compare_nodes))
            add_wider(w, &wide, client + server);
        add_ranges(w, f, &wide, client + server);
    }
}

/* ---- steps 2 and 3 ---- */

static bool is_folded(const struct fl_folding *f, const struct fl_rule *r)
{
    return r->parent >= 0 || f->disguises[r - f->rules] >= 0;
}

static bool has_more(const struct fl_rule *a, const struct fl_rule *b)
{
    return a->n_both != b->n_both ? a->n_both > b->n_both : fl_fold_compare(a, b) < 0;
}

static bool is_range(const struct fl_folding *f, const struct fl_rule *r)
{
    return f->stands_in[r - f->rules] || r->antecedent.server_port_last || r->consequent.server_port_last ||
           fl_node_cmp(&r->antecedent, &r->consequent) == 0;
}

/* Ranges and sweeps have the figures of a member: those are not to be compared with. */
static bool is_disguise(const struct fl_folding *f, const struct fl_rule *generic, const struct fl_rule *rule)
{
    return !is_range(f, generic) && !is_range(f, rule) && 10 * rule->n_both >= 9 * generic->n_both;
}

/* The generic's confidence for the statement that a rule of `antecedent` makes. */
static double same_statement(const struct fl_rule *generic, const struct fl_node *antecedent)
{
    return fl_node_cmp(&generic->antecedent, antecedent) == 0 ? generic->confidence
                                                              : generic->reverse_confidence;
}

static bool explains(const struct fl_rule *generic, const struct fl_node *antecedent, int hosts,
                     const struct fl_rule *rule)
{
    double c = same_statement(generic, antecedent);
    if (hosts == 0 && fl_node_cmp(&generic->antecedent, &generic->consequent) == 0)
        return true;
    return (hosts == 0 || generic->hosts >= least_hosts) && rule->confidence <= 2 * c &&
           c <= 2 * rule->confidence;
}

/* Look at the generics of a rule: step 2 marks what it sees through, step 3 finds its parent. */
static void look_up(struct fl_folding *f, size_t at, bool disguises)
{
    struct wider a, c;
    struct fl_rule *r = &f->rules[at];
    const struct fl_rule *best = NULL;
    find_wider(&a, f, &r->antecedent);
    find_wider(&c, f, &r->consequent);
    for (size_t i = 0; i < a.n; i++)
        for (size_t k = i == 0; k < c.n; k++) {
            const struct fl_rule *g = fl_fold_find(f, &a.nodes[i], &c.nodes[k]);
            if (!g || g == r)
                continue;
            int32_t *seen_through = &f->disguises[g - f->rules];
            if (disguises && g->parent < 0 && is_disguise(f, g, r)) {
                if (*seen_through < 0 || has_more(r, &f->rules[*seen_through]))
                    *seen_through = (int32_t)at;
            } else if (!disguises && !is_folded(f, g) && (!best || has_more(g, best)) &&
                       explains(g, &a.nodes[i], a.hosts[i] + c.hosts[k], r))
                best = g;
        }
    if (best)
        f->parents[at] = (int32_t)(best - f->rules);
}

static int find_parents(struct fl_folding *f, const struct fl_stop *stop)
{
    for (int disguises = 1; disguises >= 0; disguises--)
        for (size_t i = 0; i < f->n_pairs; i++) {
            if (fl_stop_ask_at(stop, i, f->n_pairs, FL_FOLD_ASK_EVERY))
                return FL_ESTOP;
            if (disguises || !is_folded(f, &f->rules[f->pairs[i].rule]))
                look_up(f, f->pairs[i].rule, disguises);
        }
    for (size_t i = 0; i < f->n; i++)
        if (f->rules[i].parent < 0)
            f->rules[i].parent = f->disguises[i] >= 0 ? f->disguises[i] : f->parents[i];
    return 0;
}

/* ---- step 5 ---- */

enum { UNKNOWN = -1, ON_THE_WAY = -2 };

/* Fills in `top` for a rule and all on the way up. Wider by hosts, by ports or in a chain of a better score:
 * parents lead nowhere back; but let no fault here make mining endless, or hide a rule. */
static void find_top(struct fl_rule *rules, int32_t *top, int32_t at)
{
    int32_t end = at;
    for (; rules[end].parent >= 0 && top[end] == UNKNOWN; end = rules[end].parent)
        top[end] = ON_THE_WAY;
    int32_t found = top[end] >= 0 ? top[end] : end, round = rules[end].parent;
    if (top[end] == ON_THE_WAY) { /* a ring: this one leaves it */
        rules[end].parent = -1;
        for (; round != end; round = rules[round].parent)
            top[round] = end;
    }
    for (; at != end; at = rules[at].parent)
        top[at] = found;
    top[end] = found;
}

static int hang_below_tops(struct fl_rule *rules, size_t n)
{
    int32_t *top = malloc((n + 1) * sizeof *top);
    if (!top)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++)
        top[i] = UNKNOWN;
    for (size_t i = 0; i < n; i++)
        find_top(rules, top, (int32_t)i);
    for (size_t i = 0; i < n; i++)
        rules[i].parent = top[i] == (int32_t)i ? -1 : top[i];
    for (size_t i = 0; i < n; i++)
        if (rules[i].parent >= 0) {
            rules[rules[i].parent].instances += 1 + rules[i].instances;
            rules[i].instances = 0;
        }
    free(top);
    return 0;
}

/* Instances come behind all others and by score: each parent keeps its first ones. */
static int keep_first_instances(struct fl_rule *rules, size_t *n)
{
    uint32_t *listed = calloc(*n + 1, sizeof *listed);
    size_t kept = 0;
    if (!listed)
        return FL_ENOMEM;
    for (size_t i = 0; i < *n; i++)
        if (rules[i].parent < 0 || listed[rules[i].parent]++ < FL_FOLD_LISTED)
            rules[kept++] = rules[i];
    *n = kept;
    free(listed);
    return 0;
}

/* ---- all of it ---- */

static int name_nodes(struct fl_folding *f)
{
    size_t all = 0, ranges = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (f->rules[i].evidence == FL_EVIDENCE_PERIODIC)
            continue;
        f->pairs[f->n_pairs++] = pair_of(&f->rules[i].antecedent, &f->rules[i].consequent, i);
        f->nodes[all++] = f->rules[i].antecedent;
        f->nodes[all++] = f->rules[i].consequent;
    }
    qsort(f->nodes, all, sizeof *f->nodes, compare_nodes);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || fl_node_cmp(&f->nodes[f->n_nodes - 1], &f->nodes[i]) != 0) {
            ranges += f->nodes[i].server_port_last > 0;
            f->nodes[f->n_nodes++] = f->nodes[i];
        }
    f->ranges = malloc((ranges + 1) * sizeof *f->ranges);
    for (size_t i = 0; i < f->n_nodes && f->ranges; i++)
        if (f->nodes[i].server_port_last)
            f->ranges[f->n_ranges++] = f->nodes[i];
    return f->ranges ? 0 : FL_ENOMEM;
}

static int fold_rules(struct fl_rule *rules, size_t n, const struct fl_stop *stop)
{
    struct fl_folding f = {.rules = rules,
                           .n = n,
                           .stands_in = find_stand_ins(rules, n),
                           .pairs = malloc(n * sizeof *f.pairs),
                           .nodes = malloc(2 * n * sizeof *f.nodes),
                           .disguises = malloc(n * sizeof *f.disguises),
                           .parents = malloc(n * sizeof *f.parents)};
    bool ready = f.stands_in && f.pairs && f.nodes && f.disguises && f.parents;
    int rc = ready ? name_nodes(&f) : FL_ENOMEM;
    for (size_t i = 0; i < n && rc == 0; i++)
        f.disguises[i] = f.parents[i] = -1;
    if (rc == 0)
        rc = find_parents(&f, stop);
    if (rc == 0)
        rc = fl_fold_chains(&f, stop);
    if (rc == 0)
        rc = hang_below_tops(rules, n);
    free(f.stands_in);
    free(f.pairs);
    free(f.nodes);
    free(f.ranges);
    free(f.disguises);
    free(f.parents);
    return rc;
}

long fl_fold(struct fl_rule *rules, size_t n, const struct fl_stop *stop)
{
    if (n == 0)
        return 0;
    int rc = rearrange(rules, &n, compare_same_pairs, is_another);
    if (rc == 0)
        rc = fl_stop_ask(stop, 0);
    if (rc == 0)
        rc = fold_rules(rules, n, stop);
    if (rc == 0)
        rc = rearrange(rules, &n, compare_results, is_any);
    if (rc == 0)
        rc = keep_first_instances(rules, &n);
    return rc < 0 ? rc : (long)n;
}
