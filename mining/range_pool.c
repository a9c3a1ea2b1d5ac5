/* Ranges by their ports' support together.
 *
 * 1. Nodes of any client stand in order of server and port: runs of near ports are candidates.
 * 2. Order the conversations of a run by client and start: each (client, window) is an incident.
 * 3. Drop the ports that start alone too often, and count again.
 * 4. E = sum over pairs of ports, clients and blocks of n_p(b) n_q(b) / windows of b, which is
 * sum of ((sum n_p)^2 - sum n_p^2) / 2 over the windows.
 * 5. What has support, confidence and significance (by incidents, and by blocks with any) is a range.
 *
 * Example: peers try 9 ports, sampling shows one of ten tries. A port is seen 14 times, with each other port
 * once: no pair has support. But 26 of 96 incidents show two ports, where chance gives one. */
#include "mining/range_pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "mining/stats.h"
#include "storage/error.h"

enum { LEAST_PORTS = 3, NEAR = 4 };

struct start { /* of a conversation at one of the ports */
    uint32_t client, window, port, conversation;
    int64_t start_ms;
};

struct run {
    uint32_t first, n; /* nodes */
    struct start *starts;
    size_t n_starts;
    uint64_t *alone, *together; /* by port: incidents */
    uint64_t *met;              /* by port: the last incident it was met in, as they are gone through */
    uint64_t incident;
    uint64_t any, several; /* incidents */
    double expected;
    uint64_t blocks, met_blocks; /* blocks of a client with two ports, and those of them where they meet */
    double chances;              /* sum of what chance gives each such block */
};

struct pooling {
    struct fl_pooled *out;
    const struct fl_ranges *ranges;
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    const struct fl_mining_config *config;
    double log10_tests;
};

static int compare_starts(const void *va, const void *vb)
{
    const struct start *a = va, *b = vb;
    FL_ORDER(a->client, b->client);
    FL_ORDER(a->window, b->window);
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->conversation, b->conversation);
    return 0;
}

/* ---- step 1 ---- */

static bool may_be_in(const struct fl_node_key *k)
{
    return k->client == FL_HOST_ANY && k->server != FL_HOST_ANY && k->server_port != FL_PORT_ANY &&
           k->protocol != FL_PROTO_ICMP && k->protocol != FL_PROTO_ICMP6;
}

/* Is there a range already that has both ports? */
static bool is_known(const struct pooling *p, uint32_t low, uint32_t high)
{
    struct fl_node a = fl_key_node(&p->nodes->keys[low], p->talk),
                   b = fl_key_node(&p->nodes->keys[high], p->talk);
    for (size_t i = 0; i < p->ranges->n; i++) {
        const struct fl_range *r = &p->ranges->items[i];
        if (fl_node_cmp(&r->x, &r->y) == 0 && fl_node_covers(&r->x, &a) && fl_node_covers(&r->x, &b))
            return true;
    }
    return false;
}

static bool are_near(const struct fl_node_key *a, const struct fl_node_key *b)
{
    return a->client == b->client && a->server == b->server && a->protocol == b->protocol &&
           a->client_port == b->client_port && b->server_port - a->server_port <= NEAR;
}

/* ---- steps 2 and 3 ---- */

static int gather(struct run *r, const struct pooling *p)
{
    size_t n = p->nodes->first[r->first + r->n] - p->nodes->first[r->first];
    r->starts = malloc((n + 1) * sizeof *r->starts);
    r->alone = calloc(r->n, sizeof *r->alone);
    r->together = calloc(r->n, sizeof *r->together);
    r->met = calloc(r->n, sizeof *r->met);
    if (!r->starts || !r->alone || !r->together || !r->met)
        return FL_ENOMEM;
    for (uint32_t port = 0; port < r->n; port++)
        for (size_t i = p->nodes->first[r->first + port]; i < p->nodes->first[r->first + port + 1]; i++) {
            uint32_t index = p->nodes->conversations[i];
            const struct fl_conversation *c = &p->talk->items[index];
            r->starts[r->n_starts++] =
                (struct start){c->client, fl_window_of(p->time, c->start_ms), port, index, c->start_ms};
        }
    qsort(r->starts, r->n_starts, sizeof *r->starts, compare_starts);
    return 0;
}

static size_t end_of_incident(const struct run *r, size_t i)
{
    size_t end = i + 1;
    while (end < r->n_starts && r->starts[end].client == r->starts[i].client &&
           r->starts[end].window == r->starts[i].window)
        end++;
    return end;
}

/* The first start in the incident at another port than its first one; `end` where there is none. */
static size_t second_port(const struct run *r, size_t i, size_t end)
{
    size_t other = i + 1;
    while (other < end && r->starts[other].port == r->starts[i].port)
        other++;
    return other;
}

/* Is this the first time that the port is met in the incident? */
static bool is_met(struct run *r, uint32_t port)
{
    bool first = r->met[port] != r->incident;
    r->met[port] = r->incident;
    return first;
}

static void count_incidents(struct run *r)
{
    memset(r->alone, 0, r->n * sizeof *r->alone);
    memset(r->together, 0, r->n * sizeof *r->together);
    r->any = r->several = 0;
    for (size_t i = 0, end; i < r->n_starts; i = end) {
        end = end_of_incident(r, i);
        bool several = second_port(r, i, end) < end;
        r->any++;
        r->several += several;
        r->incident++;
        for (size_t k = i; k < end; k++)
            if (is_met(r, r->starts[k].port))
                (several ? r->together : r->alone)[r->starts[k].port]++;
    }
}

/* How many ports are left, and which is the lowest and the highest of them. */
static uint32_t drop_loners(struct run *r, double confidence, uint32_t *low, uint32_t *high)
{
    size_t kept = 0;
    uint32_t ports = 0;
    for (size_t i = 0; i < r->n_starts; i++) {
        uint32_t port = r->starts[i].port;
        if ((double)r->together[port] >= confidence * (double)(r->together[port] + r->alone[port]))
            r->starts[kept++] = r->starts[i];
    }
    r->n_starts = kept;
    count_incidents(r);
    for (uint32_t port = 0; port < r->n; port++)
        if (r->alone[port] + r->together[port] > 0) {
            *low = ports == 0 ? port : *low;
            *high = port;
            ports++;
        }
    return ports;
}

/* ---- steps 4 and 5 ---- */

/* Windows of a block that lie in the span. */
static uint32_t windows_of(const struct fl_timeline *t, uint32_t block)
{
    uint32_t from = fl_window_of(t, t->from_ms), to = fl_window_of(t, t->to_ms - 1) + 1;
    uint32_t begin = block * t->jitter, end = begin + t->jitter;
    begin = begin < from ? from : begin;
    end = end > to ? to : end;
    return end > begin ? end - begin : 1;
}

/* n_p(b) counts windows, not starts: a port once an incident. */
static double pairs_in_block(struct run *r, size_t from, size_t end, uint64_t *of_port)
{
    uint64_t all = 0, squares = 0;
    for (size_t i = from; i < end; i++) {
        r->incident += i == from || r->starts[i].window != r->starts[i - 1].window;
        if (is_met(r, r->starts[i].port)) {
            of_port[r->starts[i].port]++;
            all++;
        }
    }
    for (size_t i = from; i < end; i++) {
        uint64_t *n = &of_port[r->starts[i].port];
        squares += *n * *n;
        *n = 0;
    }
    return (double)(all * all - squares) / 2;
}

/* What comes in bursts meets in bursts: a block counts once in the second test (as in describe.c). */
static void weigh_block(struct run *r, size_t from, size_t end, double expected)
{
    bool meet = false;
    for (size_t i = from, next; i < end && !meet; i = next) {
        next = end_of_incident(r, i);
        meet = second_port(r, i, next) < next;
    }
    r->expected += expected;
    r->blocks += expected > 0;
    r->met_blocks += meet;
    r->chances += expected < 1 ? expected : 1;
}

static int expect(struct run *r, const struct fl_timeline *time)
{
    uint64_t *of_port = calloc(r->n, sizeof *of_port);
    if (!of_port)
        return FL_ENOMEM;
    r->expected = 0;
    for (size_t i = 0, end; i < r->n_starts; i = end) {
        uint32_t block = r->starts[i].window / time->jitter;
        for (end = i + 1; end < r->n_starts && r->starts[end].client == r->starts[i].client &&
                          r->starts[end].window / time->jitter == block;)
            end++;
        weigh_block(r, i, end, pairs_in_block(r, i, end, of_port) / windows_of(time, block));
    }
    free(of_port);
    return 0;
}

static struct fl_pair pair_of(const struct run *r, double log10_tests)
{
    struct fl_pair p = {.family = FL_BOUND_CLIENT,
                        .evidence = FL_EVIDENCE_START,
                        .n_x = r->any,
                        .n_y = r->any,
                        .n_xy = r->several,
                        .expected = r->expected};
    if (r->expected > 0) {
        double by_blocks = fl_log10_binomial_tail(r->met_blocks, r->blocks, r->chances / (double)r->blocks);
        p.log10_p = fmax(fl_log10_poisson_tail(r->several, r->expected), by_blocks);
    }
    p.log10_q = fmin(0, p.log10_p + log10_tests);
    return p;
}

static bool is_rule(const struct fl_pair *p, const struct fl_mining_config *config)
{
    return p->n_xy >= config->support && (double)p->n_xy > p->expected && p->expected > 0 &&
           p->log10_q <= log10(config->q) && (double)p->n_xy >= config->confidence * (double)p->n_x;
}

/* ---- what comes out ---- */

static int make_room(struct fl_pooled *out, size_t conversations)
{
    size_t n = out->pairs.n + 1, used = out->nodes.n ? out->nodes.first[out->nodes.n] : 0;
    void *pairs = realloc(out->pairs.items, n * sizeof *out->pairs.items);
    out->pairs.items = pairs ? pairs : out->pairs.items;
    void *names = realloc(out->names, n * sizeof *out->names);
    out->names = names ? names : out->names;
    void *keys = realloc(out->nodes.keys, 2 * n * sizeof *out->nodes.keys);
    out->nodes.keys = keys ? keys : out->nodes.keys;
    void *first = realloc(out->nodes.first, (2 * n + 1) * sizeof *out->nodes.first);
    out->nodes.first = first ? first : out->nodes.first;
    void *all = realloc(out->nodes.conversations, (used + conversations) * sizeof *out->nodes.conversations);
    out->nodes.conversations = all ? all : out->nodes.conversations;
    if (!pairs || !names || !keys || !first || !all)
        return FL_ENOMEM;
    out->nodes.first[out->nodes.n] = used;
    return 0;
}

/* A node of the starts that open incidents, or of those at another port in them. */
static void add_node(struct fl_nodes *out, const struct run *r, bool opening, const struct fl_node_key *key)
{
    size_t at = out->first[out->n];
    for (size_t i = 0, end; i < r->n_starts; i = end) {
        end = end_of_incident(r, i);
        size_t chosen = opening ? i : second_port(r, i, end);
        if (chosen < end)
            out->conversations[at++] = r->starts[chosen].conversation;
    }
    out->keys[out->n++] = *key;
    out->first[out->n] = at;
}

static int add_range(struct pooling *p, const struct run *r, const struct fl_pair *pair, uint32_t low,
                     uint32_t high)
{
    struct fl_pooled *out = p->out;
    const struct fl_node_key *keys = p->nodes->keys + r->first;
    int rc = make_room(out, (size_t)(r->any + r->several));
    if (rc < 0)
        return rc;
    struct fl_node *name = &out->names[out->pairs.n];
    struct fl_pair *made = &out->pairs.items[out->pairs.n++];
    *made = *pair;
    made->x = (uint32_t)out->nodes.n;
    made->y = made->x + 1;
    add_node(&out->nodes, r, true, &keys[low]);
    add_node(&out->nodes, r, false, &keys[high]);
    *name = fl_key_node(&keys[low], p->talk);
    name->server_port_last = keys[high].server_port;
    return 0;
}

static int pool(struct pooling *p, uint32_t first, uint32_t n)
{
    struct run r = {.first = first, .n = n};
    uint32_t low = 0, high = 0;
    int rc = gather(&r, p);
    if (rc == 0) {
        count_incidents(&r);
        if (r.several >= p->config->support &&
            drop_loners(&r, p->config->confidence, &low, &high) >= LEAST_PORTS &&
            !is_known(p, first + low, first + high))
            rc = expect(&r, p->time);
        struct fl_pair pair = pair_of(&r, p->log10_tests);
        if (rc == 0 && is_rule(&pair, p->config)) /* expects nothing where it was not worth a look */
            rc = add_range(p, &r, &pair, low, high);
    }
    free(r.starts);
    free(r.alone);
    free(r.together);
    free(r.met);
    return rc;
}

int fl_ranges_pool(struct fl_pooled *out, const struct fl_pairs *pairs, const struct fl_ranges *ranges,
                   const struct fl_nodes *nodes, const struct fl_talk *talk, const struct fl_timeline *time,
                   const struct fl_mining_config *config, const struct fl_stop *stop)
{
    struct pooling p = {out, ranges, nodes, talk, time, config, log10((double)pairs->tested + 1)};
    int rc = 0;
    *out = (struct fl_pooled){.names = NULL};
    for (uint32_t first = 0, n; first < nodes->n && rc == 0; first += n) {
        n = 1;
        if (!may_be_in(&nodes->keys[first]))
            continue;
        while (first + n < nodes->n && are_near(&nodes->keys[first + n - 1], &nodes->keys[first + n]) &&
               may_be_in(&nodes->keys[first + n]))
            n++;
        if (n >= LEAST_PORTS && (rc = fl_stop_ask(stop, (double)first / (double)nodes->n)) == 0)
            rc = pool(&p, first, n);
    }
    if (rc < 0)
        fl_pooled_clear(out);
    return rc;
}

void fl_pooled_name(const struct fl_pooled *p, size_t i, struct fl_rule *rule)
{
    rule->antecedent = rule->consequent = p->names[i];
}

void fl_pooled_clear(struct fl_pooled *p)
{
    fl_nodes_clear(&p->nodes);
    fl_pairs_clear(&p->pairs);
    free(p->names);
    p->names = NULL;
}
