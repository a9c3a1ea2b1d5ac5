/* Periodic rules among the others: hosts that keep one period with the same server are said once, and so are
 * the many ports that a scanner asks at one host round after round.
 *
 * 1. Every concrete rule belongs to three groups: same server and port (any client), same client and port
 * (any server), same client and server (other ports). In a group, the most rules whose periods lie within a
 * tenth of each other count.
 * 2. From the largest group on, three or more rules that no larger one took become instances of a rule with
 * the wildcard, ten or more ports of one with their range.
 * 3. What is left of one client, or of any, at more than 16 services whatever their servers and ports, whose
 * beats begin and end within two seconds of the earliest one's, is one rule of mixed services (range.h),
 * whose hosts are their servers. Services of other paces that begin in between change nothing.
 * 4. All go behind the other rules; fl_fold puts them in order and counts instances.
 *
 * Example: 10.0.0.5, .6 and .7 ask 10.0.9.1 port 161 every 5 min, .8 every 1 h: *.* : 10.0.9.1.161/udp every
 * 5 min with three instances, and the rule of .8. */
#include "mining/periodic.h"

#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "mining/range.h"
#include "storage/error.h"

enum { LEAST_INSTANCES = 3, LEAST_PORTS = 10, LEAST_MIXED = 17, IN_STEP_MS = 2000 };
enum side { CLIENT, SERVER, PORT, SIDES };

struct place { /* a rule under one of its generics */
    struct fl_node generic;
    int64_t first_ms;  /* the first beat, of mixed services; else 0 */
    int64_t period_ms; /* OWN: a rule that is the generic itself */
    size_t rule;
};
enum { OWN = -1 };

struct group { /* places[from, to) keep one period */
    size_t from, to;
    long own; /* the rule that their generic has already, or -1 */
};

/* Of ports: one without, which no rule names. */
static struct fl_node widen(const struct fl_node *node, int side)
{
    struct fl_node wide = *node;
    if (side == CLIENT) {
        wide.any_client = true;
        memset(&wide.client, 0, sizeof wide.client);
        wide.client_port = FL_PORT_ANY;
        wide.client_port_last = 0;
    } else if (side == SERVER) {
        wide.any_server = true;
        memset(&wide.server, 0, sizeof wide.server);
    } else {
        wide.server_port = 0;
    }
    return wide;
}

static bool is_wild(const struct fl_node *node)
{
    return node->any_client || node->any_server;
}

static bool has_side(const struct fl_node *node, int side)
{
    return side != PORT || (node->server_port != FL_PORT_ANY && node->protocol != FL_PROTO_ICMP &&
                            node->protocol != FL_PROTO_ICMP6);
}

static int compare_places(const void *va, const void *vb)
{
    const struct place *a = va, *b = vb;
    int c = fl_node_cmp(&a->generic, &b->generic);
    if (c != 0)
        return c;
    FL_ORDER(a->first_ms, b->first_ms);
    FL_ORDER(a->period_ms, b->period_ms);
    FL_ORDER(a->rule, b->rule);
    return 0;
}

static int compare_groups(const void *va, const void *vb)
{
    const struct group *a = va, *b = vb;
    FL_ORDER(b->to - b->from, a->to - a->from);
    FL_ORDER(a->from, b->from);
    return 0;
}

/* The longest run of places[from, to), by period, in which the last is at most a tenth over the first. */
static struct group longest_run(const struct place *places, size_t from, size_t to)
{
    struct group best = {from, from, -1};
    if (places[from].period_ms == OWN)
        best.own = (long)places[from++].rule;
    for (size_t low = from, high = from; high < to; high++) {
        while (places[high].period_ms * 10 > places[low].period_ms * 11)
            low++;
        if (high + 1 - low > best.to - best.from)
            best = (struct group){low, high + 1, best.own};
    }
    return best;
}

static size_t find_places(struct place *places, const struct fl_rule *rules, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (is_wild(&rules[i].antecedent))
            places[count++] = (struct place){rules[i].antecedent, 0, OWN, i};
        else
            for (int side = CLIENT; side < SIDES; side++)
                if (has_side(&rules[i].antecedent, side))
                    places[count++] =
                        (struct place){widen(&rules[i].antecedent, side), 0, rules[i].period.period_ms, i};
    qsort(places, count, sizeof *places, compare_places);
    return count;
}

static size_t find_groups(struct group *groups, const struct place *places, size_t n)
{
    size_t count = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && fl_node_cmp(&places[from].generic, &places[to].generic) == 0;)
            to++;
        groups[count++] = longest_run(places, from, to);
    }
    qsort(groups, count, sizeof *groups, compare_groups);
    return count;
}

static int compare_ms(const void *va, const void *vb)
{
    FL_ORDER(*(const int64_t *)va, *(const int64_t *)vb);
    return 0;
}

/* Add an instance's figures to its generic's; `n` were added before. */
static void add_up(struct fl_rule *generic, const struct fl_rule *r, uint32_t n)
{
    if (n == 0) { /* examples, lags and the rest are the first one's */
        *generic = *r;
        generic->score = generic->expected = 0;
        generic->n_antecedent = generic->n_both = generic->n_windows = 0;
        generic->period.missed = 0;
    }
    if (strcmp(generic->clock, r->clock) != 0)
        memset(generic->clock, 0, sizeof generic->clock);
    if (r->log10_p < generic->log10_p) {
        generic->log10_p = r->log10_p;
        generic->log10_q = r->log10_q;
    }
    generic->n_antecedent += r->n_antecedent;
    generic->n_both += r->n_both;
    generic->n_windows += r->n_windows;
    generic->period.missed += r->period.missed;
    generic->expected += r->expected;
    generic->score = (generic->score * n + r->score) / (n + 1);
    generic->hosts = n + 1;
}

/* The range grows to hold `port`; no hosts stand behind it. */
static void add_port(struct fl_rule *generic, uint32_t port, bool first)
{
    struct fl_node *n = &generic->antecedent;
    generic->hosts = 0;
    n->server_port = first || port < n->server_port ? port : n->server_port;
    n->server_port_last = first || port > n->server_port_last ? port : n->server_port_last;
}

/* The generic of `group` without those that have a parent already, if enough are left: in place of the one
 * that it has, else at rules[*n]. */
static void make_generic(struct fl_rule *rules, size_t *n, const struct place *places, struct group group,
                         size_t least, int64_t *scratch)
{
    size_t at = group.own >= 0 ? (size_t)group.own : *n;
    struct fl_rule *generic = &rules[at];
    bool ports = !is_wild(&places[group.from].generic);
    uint32_t count = 0;
    size_t left = 0;
    for (size_t i = group.from; i < group.to; i++)
        left += rules[places[i].rule].parent < 0;
    if (left < (ports ? LEAST_PORTS : least))
        return;
    for (size_t i = group.from; i < group.to; i++) {
        struct fl_rule *r = &rules[places[i].rule];
        if (r->parent >= 0)
            continue;
        scratch[count] = r->period.period_ms;
        scratch[left + count] = r->period.spread_ms;
        add_up(generic, r, count);
        if (ports)
            add_port(generic, r->antecedent.server_port, count == 0);
        r->parent = (int32_t)at;
        count++;
    }
    qsort(scratch, left, sizeof *scratch, compare_ms);
    qsort(scratch + left, left, sizeof *scratch, compare_ms);
    if (!ports)
        generic->antecedent = places[group.from].generic;
    generic->parent = -1;
    generic->period.period_ms = scratch[left / 2];
    generic->period.spread_ms = scratch[left + left / 2];
    generic->confidence = (double)generic->n_both / (double)(generic->n_both + generic->period.missed);
    generic->reverse_confidence = (double)generic->n_both / (double)generic->n_antecedent;
    generic->lift = (double)generic->n_both / generic->expected;
    *n += group.own < 0;
}

/* ---- mixed services ---- */

static size_t find_mixed(struct place *places, const struct fl_rule *rules, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct fl_node *node = &rules[i].antecedent;
        if (rules[i].parent >= 0 || rules[i].n_examples == 0 || node->any_server || node->server_port_last ||
            !has_side(node, PORT))
            continue;
        struct fl_node mixed = widen(node, SERVER);
        mixed.server_port = FL_MIXED_FIRST;
        mixed.server_port_last = FL_MIXED_LAST;
        places[count++] = (struct place){mixed, rules[i].examples[0].time_ms, rules[i].period.period_ms, i};
    }
    qsort(places, count, sizeof *places, compare_places);
    return count;
}

static bool are_near(int64_t a_ms, int64_t b_ms)
{
    return llabs(a_ms - b_ms) <= IN_STEP_MS;
}

static bool in_step(const struct fl_rule *a, const struct fl_rule *b)
{
    int64_t low = a->period.period_ms, high = b->period.period_ms;
    if (low > high) {
        low = b->period.period_ms;
        high = a->period.period_ms;
    }
    return high * 10 <= low * 11 && are_near(a->examples[0].time_ms, b->examples[0].time_ms) &&
           are_near(a->examples[a->n_examples - 1].time_ms, b->examples[b->n_examples - 1].time_ms);
}

/* Of places[first, end), by their first beats, those in step with the first one come to stand behind it,
 * others in between behind them; `spare` has room for all. Returns where the group ends. */
static size_t gather_in_step(struct place *places, size_t first, size_t end, const struct fl_rule *rules,
                             struct place *spare)
{
    size_t to = first + 1, others = 0;
    for (size_t i = to; i < end && are_near(places[i].first_ms, places[first].first_ms); i++)
        if (in_step(&rules[places[first].rule], &rules[places[i].rule]))
            places[to++] = places[i];
        else
            spare[others++] = places[i];
    memcpy(places + to, spare, others * sizeof *places);
    return to;
}

static int compare_servers(const void *va, const void *vb)
{
    const struct fl_rule *a = *(const struct fl_rule *const *)va, *b = *(const struct fl_rule *const *)vb;
    return fl_addr_cmp(&a->antecedent.server, &b->antecedent.server);
}

static uint32_t count_servers(const struct fl_rule *rules, const struct place *places, struct group group,
                              const struct fl_rule **scratch)
{
    size_t n = group.to - group.from;
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++)
        scratch[i] = &rules[places[group.from + i].rule];
    qsort(scratch, n, sizeof(*scratch), compare_servers);
    for (size_t i = 0; i < n; i++)
        count += i == 0 || compare_servers(&scratch[i - 1], &scratch[i]) != 0;
    return count;
}

/* The most that are in step with the first of them, of each client one group: that is one rule. `others` has
 * room for all rules. */
static void fold_mixed(struct fl_rule *rules, size_t *n, struct place *places, int64_t *scratch,
                       const struct fl_rule **others)
{
    size_t count = find_mixed(places, rules, *n);
    struct place *spare = places + count; /* there are SIDES places a rule */
    for (size_t from = 0, end; from < count; from = end) {
        struct group best = {from, from, -1};
        for (end = from; end < count && fl_node_cmp(&places[from].generic, &places[end].generic) == 0;)
            end++;
        for (size_t first = from, to; first < end; first = to) {
            to = gather_in_step(places, first, end, rules, spare);
            if (to - first > best.to - best.from)
                best = (struct group){first, to, -1};
        }
        if (best.to - best.from < LEAST_MIXED)
            continue;
        make_generic(rules, n, places, best, LEAST_MIXED, scratch);
        rules[*n - 1].hosts = count_servers(rules, places, best, others);
    }
}

/* ---- all of it ---- */

static size_t most_of(size_t n)
{
    return n + n / LEAST_INSTANCES + n / LEAST_MIXED + 1;
}

/* rules[0, n) have room for most_of(n); returns how many there are then, or FL_ENOMEM. */
static long fold(struct fl_rule *rules, size_t n)
{
    struct place *places = malloc((SIDES * n + 1) * sizeof *places);
    struct group *groups = malloc((SIDES * n + 1) * sizeof *groups);
    int64_t *scratch = malloc((2 * most_of(n) + 1) * sizeof *scratch);
    const struct fl_rule **others = malloc((most_of(n) + 1) * sizeof(*others));
    size_t all = n;
    long rc = places && groups && scratch && others ? 0 : FL_ENOMEM;
    if (rc == 0) {
        size_t n_groups = find_groups(groups, places, find_places(places, rules, n));
        for (size_t i = 0; i < n_groups && groups[i].to - groups[i].from >= LEAST_INSTANCES; i++)
            make_generic(rules, &all, places, groups[i], LEAST_INSTANCES, scratch);
        fold_mixed(rules, &all, places, scratch, others);
        rc = (long)all;
    }
    free(places);
    free(groups);
    free(scratch);
    free(others);
    return rc;
}

int fl_periodic_add(struct fl_rule **rules, size_t *n, const struct fl_periodics *found)
{
    if (found->n == 0)
        return 0;
    size_t most = *n + most_of(found->n);
    struct fl_rule *grown = realloc(*rules, most * sizeof *grown);
    if (!grown)
        return FL_ENOMEM;
    *rules = grown;
    for (size_t i = 0; i < found->n; i++)
        grown[*n + i] = found->items[i].rule;
    long all = fold(grown + *n, found->n);
    if (all < 0)
        return (int)all;
    for (long i = 0; i < all; i++)
        if (grown[*n + (size_t)i].parent >= 0)
            grown[*n + (size_t)i].parent += (int32_t)*n;
    *n += (size_t)all;
    return 0;
}
