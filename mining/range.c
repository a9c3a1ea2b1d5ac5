/* Ranges of ports and sweeps over hosts.
 *
 * 1. A link joins two nodes that are a pair, by whatever evidence.
 * 2. Links between nodes that differ in their server's port alone make sets of ports (range_sets.h); each set
 * is a new node. Then likewise for nodes that differ in their server alone, then in their server and port
 * (dense sets only: these have less in common), then in their client alone.
 * 3. Each link is lifted: inside of a set to the set's node with itself, else to the pair of nodes that stand
 * for its ends, where half the larger set has such links. What was lifted may be lifted again.
 * 4. Pairs whose link was lifted are listed by what it was lifted to, the one in the middle first; of mixed
 * services those that name most of them, for the rule is known by these (storage/rulesdb_mixed.c).
 *
 * Example: nine ports of H are paired each with each by any client: 36 links, one set, `*.* : H.6881-6889`
 * with itself. If 40 hosts have such ranges, and these are paired, they are a set again: `*.* : *.6881-6889`.
 */
#include "mining/range.h"

#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "mining/range_sets.h"
#include "storage/error.h"

struct wide { /* a node, or what stands for several */
    struct fl_node_key key;
    uint32_t last;    /* of a range; 0: one port */
    uint32_t members; /* nodes it stands for directly; 1: itself */
    uint32_t up;      /* what stands for it, or itself */
    uint32_t hosts;   /* that were widened away, or 0 */
};

struct ends {      /* a link and what it was lifted to */
    uint32_t a, b; /* a <= b */
    size_t up;     /* place in the next level's links */
    bool wide;     /* was lifted */
};

struct level {
    struct ends *links; /* ascending, each once */
    size_t n;
};

enum { LEVELS = 5, FEW_HOSTS = 16 }; /* levels: as counted, ports, servers, services, clients */
enum dimension { PORTS, SERVERS, SERVICES, CLIENTS };

struct work {
    struct wide *nodes;
    uint32_t n;
    struct level levels[LEVELS];
};

static void work_clear(struct work *w)
{
    free(w->nodes);
    for (int i = 0; i < LEVELS; i++)
        free(w->levels[i].links);
}

static int compare_ends(const void *va, const void *vb)
{
    const struct ends *a = va, *b = vb;
    FL_ORDER(a->a, b->a);
    FL_ORDER(a->b, b->b);
    FL_ORDER(b->wide, a->wide);
    return 0;
}

/* Ascending, each once; one that was lifted goes before one that was not. */
static size_t sort_links(struct ends *links, size_t n)
{
    size_t kept = 0;
    qsort(links, n, sizeof *links, compare_ends);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || links[kept - 1].a != links[i].a || links[kept - 1].b != links[i].b)
            links[kept++] = links[i];
    return kept;
}

static struct ends ends_of(uint32_t a, uint32_t b, bool wide)
{
    return (struct ends){.a = a < b ? a : b, .b = a < b ? b : a, .wide = wide};
}

static size_t place_of(const struct level *l, struct ends e)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct ends *at = &l->links[middle];
        if (at->a < e.a || (at->a == e.a && at->b < e.b))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- step 1 ---- */

static int start(struct work *w, const struct fl_pairs *pairs, const struct fl_nodes *nodes)
{
    struct level *l = &w->levels[0];
    *w = (struct work){.n = (uint32_t)nodes->n};
    w->nodes = malloc((nodes->n + 1) * sizeof *w->nodes);
    l->links = malloc((pairs->n + 1) * sizeof *l->links);
    if (!w->nodes || !l->links)
        return FL_ENOMEM;
    for (uint32_t i = 0; i < w->n; i++)
        w->nodes[i] = (struct wide){.key = nodes->keys[i], .members = 1, .up = i};
    for (size_t i = 0; i < pairs->n; i++)
        l->links[i] = ends_of(pairs->items[i].x, pairs->items[i].y, false);
    l->n = sort_links(l->links, pairs->n);
    struct ends *fewer =
        realloc(l->links, (l->n + 1) * sizeof *fewer); /* pairs by two kinds of evidence are one */
    l->links = fewer ? fewer : l->links;
    return 0;
}

/* ---- step 2 ---- */

struct member { /* a node under what it shares with those that it may be one with */
    struct wide base;
    uint32_t node, value;
};

/* False for a node that has no such dimension to vary. */
static bool member_of(const struct work *w, uint32_t node, enum dimension d, struct member *out)
{
    const struct wide *n = &w->nodes[node];
    *out = (struct member){.base = {.key = n->key, .last = n->last}, .node = node};
    struct fl_node_key *key = &out->base.key;
    if (n->up != node)
        return false;
    if (d == PORTS) {
        out->value = key->server_port;
        key->server_port = 0;
        return n->last == 0 && out->value != FL_PORT_ANY && !fl_protocol_is_icmp(key->protocol);
    }
    if (d == SERVICES) {
        bool has_port = key->server_port != FL_PORT_ANY && !fl_protocol_is_icmp(key->protocol);
        key->server = FL_HOST_ANY;
        key->server_port = FL_MIXED_FIRST;
        out->base.last = FL_MIXED_LAST;
        return has_port;
    }
    if (d == SERVERS) {
        out->value = key->server;
        key->server = FL_HOST_ANY;
    } else {
        out->value = key->client;
        key->client = FL_HOST_ANY;
        key->client_port = FL_PORT_ANY;
    }
    return out->value != FL_HOST_ANY;
}

static int compare_bases(const struct wide *x, const struct wide *y)
{
    FL_ORDER(x->key.client, y->key.client);
    FL_ORDER(x->key.client_port, y->key.client_port);
    FL_ORDER(x->key.server, y->key.server);
    FL_ORDER(x->key.server_port, y->key.server_port);
    FL_ORDER(x->last, y->last);
    FL_ORDER(x->key.protocol, y->key.protocol);
    return 0;
}

static bool same_base(const struct work *w, uint32_t a, uint32_t b, enum dimension d)
{
    struct member x, y;
    return a != b && member_of(w, a, d, &x) && member_of(w, b, d, &y) && compare_bases(&x.base, &y.base) == 0;
}

static int grow(struct work *w, size_t more)
{
    struct wide *grown = realloc(w->nodes, (w->n + more + 1) * sizeof *grown);
    if (!grown)
        return FL_ENOMEM;
    w->nodes = grown;
    return 0;
}

/* Node `node` joins the set that `wide` stands for. */
static void join(struct work *w, uint32_t wide, uint32_t node, enum dimension d)
{
    struct wide *to = &w->nodes[wide], *n = &w->nodes[node];
    struct member m;
    member_of(w, node, d, &m);
    if (to->members++ == 0)
        *to = (struct wide){.key = m.base.key, .last = m.base.last, .members = 1, .up = wide};
    if (d == PORTS) {
        to->key.server_port =
            to->members == 1 || m.value < to->key.server_port ? m.value : to->key.server_port;
        to->last = m.value > to->last ? m.value : to->last;
    } else if (d != SERVICES) {
        to->hosts = to->members;
    }
    n->up = wide;
}

struct asked { /* a set of services, and a server that is in it */
    uint32_t wide, server;
};

static int compare_asked(const void *va, const void *vb)
{
    const struct asked *a = va, *b = vb;
    FL_ORDER(a->wide, b->wide);
    FL_ORDER(a->server, b->server);
    return 0;
}

/* Of sets of services, which stand behind the first `n` nodes, how many servers; a member of any server adds
 * none. */
static int count_servers(struct work *w, uint32_t n)
{
    struct asked *asked = malloc((n + 1) * sizeof *asked);
    size_t count = 0;
    if (!asked)
        return FL_ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        if (w->nodes[i].up >= n && w->nodes[i].key.server != FL_HOST_ANY)
            asked[count++] = (struct asked){w->nodes[i].up, w->nodes[i].key.server};
    qsort(asked, count, sizeof *asked, compare_asked);
    for (size_t i = 0; i < count; i++)
        w->nodes[asked[i].wide].hosts += i == 0 || compare_asked(&asked[i - 1], &asked[i]) != 0;
    free(asked);
    return 0;
}

static int find_sets(struct work *w, const struct level *l, enum dimension d)
{
    struct fl_link *links = malloc((l->n + 1) * sizeof *links);
    uint32_t *ports = malloc((w->n + 1) * sizeof *ports), n = w->n;
    int32_t *labels = malloc((w->n + 1) * sizeof *labels);
    size_t n_links = 0;
    long sets = links && ports && labels ? 0 : FL_ENOMEM;
    for (size_t i = 0; i < l->n && sets == 0; i++)
        if (same_base(w, l->links[i].a, l->links[i].b, d))
            links[n_links++] = (struct fl_link){l->links[i].a, l->links[i].b};
    for (uint32_t i = 0; i < n && sets == 0 && d == PORTS; i++)
        ports[i] = w->nodes[i].key.server_port;
    if (sets == 0)
        sets = d == PORTS      ? fl_sets_find(n, links, n_links, FL_SET_FEW, ports, labels)
               : d == SERVICES ? fl_sets_find_dense(n, links, n_links, FEW_HOSTS, labels)
                               : fl_sets_find(n, links, n_links, FEW_HOSTS, NULL, labels);
    if (sets > 0 && grow(w, (size_t)sets) < 0)
        sets = FL_ENOMEM;
    for (long i = 0; i < sets; i++)
        w->nodes[w->n++] = (struct wide){.members = 0};
    for (uint32_t i = 0; i < n && sets > 0; i++)
        if (labels[i] != FL_SET_NONE)
            join(w, n + (uint32_t)labels[i], i, d);
    if (sets > 0 && d == SERVICES && count_servers(w, n) < 0)
        sets = FL_ENOMEM;
    free(links);
    free(ports);
    free(labels);
    return sets < 0 ? FL_ENOMEM : 0;
}

/* ---- step 3 ---- */

static bool is_mixed(const struct wide *w)
{
    return w->members > 1 && w->key.server == FL_HOST_ANY && w->key.server_port == FL_MIXED_FIRST &&
           w->last == FL_MIXED_LAST;
}

/* Is all that b stands for among what a stands for? */
static bool covers(const struct wide *a, const struct wide *b)
{
    if (is_mixed(a) && !is_mixed(b))
        return false; /* it is of some services only */
    uint32_t a_last = a->last ? a->last : a->key.server_port, b_last = b->last ? b->last : b->key.server_port;
    bool client = a->key.client == FL_HOST_ANY ||
                  (a->key.client == b->key.client && a->key.client_port == b->key.client_port);
    bool server = a->key.server == FL_HOST_ANY || a->key.server == b->key.server;
    return client && server && a->key.protocol == b->key.protocol &&
           a->key.server_port <= b->key.server_port && b_last <= a_last;
}

/* What the link would be lifted to. */
static struct ends lifted(const struct work *w, const struct ends *e)
{
    uint32_t a = w->nodes[e->a].up, b = w->nodes[e->b].up;
    bool changed = a != e->a || b != e->b || e->wide;
    if (a != b && w->nodes[a].members > 1 && covers(&w->nodes[a], &w->nodes[b]))
        return ends_of(a, a, true);
    if (a != b && w->nodes[b].members > 1 && covers(&w->nodes[b], &w->nodes[a]))
        return ends_of(b, b, true);
    return ends_of(a, b, changed);
}

struct lift {
    struct ends to;
    size_t link;
};

static int compare_lifts(const void *va, const void *vb)
{
    const struct lift *a = va, *b = vb;
    int c = compare_ends(&a->to, &b->to);
    if (c)
        return c;
    FL_ORDER(a->link, b->link);
    return 0;
}

/* Do `n` links make one statement of what they would be lifted to? */
static bool are_one(const struct work *w, const struct lift *lifts, const struct level *l, size_t n)
{
    const struct ends *to = &lifts[0].to;
    uint32_t a = w->nodes[to->a].members, b = w->nodes[to->b].members;
    bool same = n == 1 && l->links[lifts[0].link].a == to->a && l->links[lifts[0].link].b == to->b;
    return to->a == to->b || same || 2 * n >= (a > b ? a : b);
}

static int lift_links(struct work *w, struct level *from, struct level *to)
{
    struct lift *lifts = malloc((from->n + 1) * sizeof *lifts);
    to->links = malloc((from->n + 1) * sizeof *to->links);
    if (!lifts || !to->links) {
        free(lifts);
        return FL_ENOMEM;
    }
    for (size_t i = 0; i < from->n; i++)
        lifts[i] = (struct lift){lifted(w, &from->links[i]), i};
    qsort(lifts, from->n, sizeof *lifts, compare_lifts);
    for (size_t first = 0, end; first < from->n; first = end) {
        for (end = first + 1; end < from->n && compare_ends(&lifts[first].to, &lifts[end].to) == 0;)
            end++;
        bool one = are_one(w, &lifts[first], from, end - first);
        for (size_t i = first; i < end; i++)
            to->links[to->n++] = one ? lifts[i].to : from->links[lifts[i].link];
        for (size_t i = first; i < end && !one; i++)
            lifts[i].to = from->links[lifts[i].link];
    }
    to->n = sort_links(to->links, to->n);
    for (size_t i = 0; i < from->n; i++)
        from->links[lifts[i].link].up = place_of(to, lifts[i].to);
    free(lifts);
    return 0;
}

/* ---- step 4 ---- */

struct folded {    /* a pair that a range stands for; there may be millions */
    uint32_t link; /* of the top level */
    uint32_t pair;
};

static int compare_strengths(const void *va, const void *vb, void *ctx)
{
    const struct folded *a = va, *b = vb;
    const struct fl_pairs *pairs = ctx;
    const struct fl_pair *p = &pairs->items[a->pair], *q = &pairs->items[b->pair];
    FL_ORDER(a->link, b->link);
    struct ends ends_of_a = ends_of(p->x, p->y, false), ends_of_b = ends_of(q->x, q->y, false);
    int c = compare_ends(&ends_of_a, &ends_of_b);
    if (c)
        return c;
    FL_ORDER(p->log10_p, q->log10_p);
    FL_ORDER(a->pair, b->pair);
    return 0;
}

static int compare_sizes(const void *va, const void *vb, void *ctx)
{
    const struct folded *a = va, *b = vb;
    const struct fl_pairs *pairs = ctx;
    FL_ORDER(a->link, b->link);
    FL_ORDER(pairs->items[b->pair].n_xy, pairs->items[a->pair].n_xy);
    FL_ORDER(a->pair, b->pair);
    return 0;
}

static bool same_nodes(const struct fl_pair *p, const struct fl_pair *q)
{
    return (p->x == q->x && p->y == q->y) || (p->x == q->y && p->y == q->x);
}

static size_t top_of(const struct work *w, const struct fl_pair *p)
{
    size_t at = place_of(&w->levels[0], ends_of(p->x, p->y, false));
    for (int i = 0; i + 1 < LEVELS; i++)
        at = w->levels[i].links[at].up;
    return at;
}

/* The pairs that ranges stand for, each pair of nodes once with its strongest evidence, by range and size. */
static size_t gather(const struct work *w, struct fl_pairs *pairs, struct folded *out, bool *taken)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        size_t link = top_of(w, &pairs->items[i]);
        taken[i] = w->levels[LEVELS - 1].links[link].wide;
        if (taken[i])
            out[n++] = (struct folded){(uint32_t)link, (uint32_t)i};
    }
    qsort_r(out, n, sizeof *out, compare_strengths, pairs);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || out[kept - 1].link != out[i].link ||
            !same_nodes(&pairs->items[out[kept - 1].pair], &pairs->items[out[i].pair]))
            out[kept++] = out[i];
    qsort_r(out, kept, sizeof *out, compare_sizes, pairs);
    return kept;
}

static struct fl_node node_of(const struct wide *w, const struct fl_talk *talk)
{
    struct fl_node n = fl_key_node(&w->key, talk);
    n.server_port_last = w->last;
    return n;
}

/* Is it `top` that stands for `node`, in however many steps? */
static bool leads_to(const struct work *w, uint32_t node, uint32_t top)
{
    for (;; node = w->nodes[node].up) {
        if (node == top)
            return true;
        if (w->nodes[node].up == node)
            return false;
    }
}

/* ---- which pairs of a range are listed ---- */

static uint32_t list_from_middle(const struct folded *folded, size_t n, size_t *listed)
{
    size_t low = (n - 1) / 2, high = low + 1;
    uint32_t count = 0;
    while (count < FL_RANGE_LISTED && count < n) {
        bool down = high >= n || (low < n && high - (n - 1) / 2 > (n - 1) / 2 - low);
        listed[count++] = folded[down ? low-- : high++].pair;
    }
    return count;
}

struct naming { /* services that listed pairs name, each by a node of it */
    const struct work *w;
    const struct fl_pairs *pairs;
    uint32_t named[2 * FL_RANGE_LISTED], n;
};

static int compare_services(const struct work *w, uint32_t a, uint32_t b)
{
    const struct wide *x = &w->nodes[a], *y = &w->nodes[b];
    FL_ORDER(x->key.server, y->key.server);
    FL_ORDER(x->key.server_port, y->key.server_port);
    return 0;
}

/* By the first of the two services, then by the other. */
static int compare_named(const void *va, const void *vb, void *ctx)
{
    const struct folded *a = va, *b = vb;
    const struct naming *names = ctx;
    const struct fl_pair *p = &names->pairs->items[a->pair], *q = &names->pairs->items[b->pair];
    bool p_turned = compare_services(names->w, p->x, p->y) > 0,
         q_turned = compare_services(names->w, q->x, q->y) > 0;
    int c = compare_services(names->w, p_turned ? p->y : p->x, q_turned ? q->y : q->x);
    if (c == 0)
        c = compare_services(names->w, p_turned ? p->x : p->y, q_turned ? q->x : q->y);
    if (c)
        return c;
    FL_ORDER(a->pair, b->pair);
    return 0;
}

/* Is the node's service a new one? It is named from now on. */
static bool name_service(struct naming *names, uint32_t node)
{
    for (uint32_t i = 0; i < names->n; i++)
        if (compare_services(names->w, names->named[i], node) == 0)
            return false;
    names->named[names->n++] = node;
    return true;
}

/* Of mixed services: the middle one, then those that name others than were named, in order of servers and
 * ports, so that another run lists the same; `folded` is used up. */
static uint32_t list_services(const struct work *w, const struct fl_pairs *pairs, struct folded *folded,
                              size_t n, size_t *listed)
{
    struct naming names = {.w = w, .pairs = pairs};
    struct folded middle = folded[(n - 1) / 2];
    uint32_t count = 0, most = n < FL_RANGE_LISTED ? (uint32_t)n : FL_RANGE_LISTED;
    folded[(n - 1) / 2] = folded[0];
    folded[0] = middle;
    qsort_r(folded + 1, n - 1, sizeof *folded, compare_named, &names);
    for (size_t i = 0; i < n && count < most; i++) {
        const struct fl_pair *p = &pairs->items[folded[i].pair];
        bool first = name_service(&names, p->x), second = name_service(&names, p->y);
        if (!first && !second)
            continue;
        struct folded here = folded[i]; /* what stands at `count` names no more than those before it */
        folded[i] = folded[count];
        folded[count++] = here;
    }
    for (uint32_t i = 0; i < most; i++)
        listed[i] = folded[i].pair;
    return most;
}

/* The range of `n` pairs, in order of size. */
static void add_range(struct fl_ranges *out, const struct work *w, const struct fl_pairs *pairs,
                      const struct fl_talk *talk, struct folded *folded, size_t n, size_t *listed)
{
    const struct ends *top = &w->levels[LEVELS - 1].links[folded[0].link];
    const struct fl_pair *p = &pairs->items[folded[(n - 1) / 2].pair];
    bool straight = leads_to(w, p->x, top->a);
    const struct wide *x = &w->nodes[straight ? top->a : top->b], *y = &w->nodes[straight ? top->b : top->a];
    struct fl_range *r = &out->items[out->n++];
    *r = (struct fl_range){
        .x = node_of(x, talk), .y = node_of(y, talk), .members = (uint32_t)n, .listed = listed};
    r->hosts = x->hosts > y->hosts ? x->hosts : y->hosts;
    r->n_listed = is_mixed(x) || is_mixed(y) ? list_services(w, pairs, folded, n, listed)
                                             : list_from_middle(folded, n, listed);
}

/* Takes the pairs out that are folded and not listed, and has the ranges point to where the listed ones are.
 */
static void close_ranks(struct fl_pairs *pairs, struct fl_ranges *ranges, size_t n_listed, bool *taken,
                        size_t *now)
{
    size_t kept = 0;
    for (size_t i = 0; i < n_listed; i++)
        taken[ranges->listed[i]] = false;
    for (size_t i = 0; i < pairs->n; i++) {
        now[i] = kept;
        if (!taken[i])
            pairs->items[kept++] = pairs->items[i];
    }
    for (size_t i = 0; i < n_listed; i++)
        ranges->listed[i] = now[ranges->listed[i]];
    pairs->n = kept;
}

static int make_ranges(struct fl_ranges *out, const struct work *w, struct fl_pairs *pairs,
                       const struct fl_talk *talk)
{
    struct folded *folded = malloc((pairs->n + 1) * sizeof *folded);
    bool *taken = calloc(pairs->n + 1, sizeof *taken);
    size_t *now = malloc((pairs->n + 1) * sizeof *now), n_listed = 0, n = 0;
    int rc = folded && taken && now ? 0 : FL_ENOMEM;
    if (rc == 0) {
        n = gather(w, pairs, folded, taken);
        out->items = malloc((n + 1) * sizeof *out->items);
        out->listed = malloc((n + 1) * sizeof *out->listed);
        rc = out->items && out->listed ? 0 : FL_ENOMEM;
    }
    for (size_t first = 0, end; first < n && rc == 0; first = end) {
        for (end = first + 1; end < n && folded[end].link == folded[first].link;)
            end++;
        add_range(out, w, pairs, talk, folded + first, end - first, out->listed + n_listed);
        n_listed += out->items[out->n - 1].n_listed;
    }
    if (rc == 0)
        close_ranks(pairs, out, n_listed, taken, now);
    free(folded);
    free(taken);
    free(now);
    return rc;
}

int fl_ranges_find(struct fl_ranges *out, struct fl_pairs *pairs, const struct fl_nodes *nodes,
                   const struct fl_talk *talk, const struct fl_stop *stop)
{
    struct work w;
    *out = (struct fl_ranges){0};
    int rc = start(&w, pairs, nodes);
    for (int d = PORTS; d <= CLIENTS && rc == 0; d++) {
        rc = fl_stop_ask(stop, 0);
        if (rc == 0)
            rc = find_sets(&w, &w.levels[d], (enum dimension)d);
        if (rc == 0)
            rc = fl_stop_ask(stop, 0);
        if (rc == 0)
            rc = lift_links(&w, &w.levels[d], &w.levels[d + 1]);
    }
    if (rc == 0)
        rc = fl_stop_ask(stop, 0);
    if (rc == 0)
        rc = make_ranges(out, &w, pairs, talk);
    if (rc < 0)
        fl_ranges_clear(out);
    work_clear(&w);
    return rc;
}

/* ---- the rules ---- */

bool fl_node_covers(const struct fl_node *wide, const struct fl_node *narrow)
{
    uint32_t wide_last = wide->server_port_last ? wide->server_port_last : wide->server_port;
    uint32_t narrow_last = narrow->server_port_last ? narrow->server_port_last : narrow->server_port;
    bool client =
        wide->any_client ||
        (!narrow->any_client && fl_addr_cmp(&wide->client, &narrow->client) == 0 &&
         wide->client_port == narrow->client_port && wide->client_port_last == narrow->client_port_last);
    bool server =
        wide->any_server || (!narrow->any_server && fl_addr_cmp(&wide->server, &narrow->server) == 0);
    return client && server && wide->protocol == narrow->protocol &&
           wide->server_port <= narrow->server_port && narrow_last <= wide_last;
}

/* The rule of the range with the figures of `member`. */
static struct fl_rule rule_of_range(const struct fl_range *r, const struct fl_rule *member)
{
    struct fl_rule rule = *member;
    bool straight = fl_node_covers(&r->x, &member->antecedent) && fl_node_covers(&r->y, &member->consequent);
    rule.antecedent = straight ? r->x : r->y;
    rule.consequent = straight ? r->y : r->x;
    rule.hosts = r->hosts > 0 ? r->hosts : member->hosts;
    rule.instances = r->members - r->n_listed;
    return rule;
}

void fl_ranges_add(const struct fl_ranges *ranges, const int32_t *rule_of, struct fl_rule *rules, size_t *n)
{
    for (size_t i = 0; i < ranges->n; i++) {
        const struct fl_range *r = &ranges->items[i];
        int32_t first = -1;
        for (uint32_t k = r->n_listed; k-- > 0;)
            if (rule_of[r->listed[k]] >= 0) {
                first = rule_of[r->listed[k]];
                rules[first].parent = (int32_t)*n;
            }
        if (first >= 0) {
            rules[*n] = rule_of_range(r, &rules[first]);
            rules[(*n)++].parent = -1;
        }
    }
}

void fl_ranges_clear(struct fl_ranges *r)
{
    free(r->items);
    free(r->listed);
    *r = (struct fl_ranges){0};
}
