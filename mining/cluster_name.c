/* What a cluster looks like and what to call it: "3 servers, port 22/tcp, any client (clique)". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cluster.h"
#include "mining/order.h"
#include "storage/error.h"

enum { MOST_PORTS_NAMED = 3, PORTS_TEXT = 39, HOSTS_TEXT = FL_ADDR_TEXT + 24 };

/* ---- form ---- */

struct shape { /* the rules as a graph of numbered nodes */
    struct fl_node *nodes;
    uint32_t n;
    uint32_t *degree, *in,
        *out;     /* by node: other nodes' rules, of these that point to it alone, from it alone */
    size_t edges; /* rules between different nodes */
};

static int compare_nodes(const void *a, const void *b)
{
    return fl_node_cmp(a, b);
}

static uint32_t number_of(const struct shape *s, const struct fl_node *node)
{
    const struct fl_node *found = bsearch(node, s->nodes, s->n, sizeof *s->nodes, compare_nodes);
    return (uint32_t)(found - s->nodes);
}

static void number_nodes(struct shape *s, const struct fl_rule *const *rules, size_t n)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++) {
        s->nodes[all++] = rules[i]->antecedent;
        if (rules[i]->evidence != FL_EVIDENCE_PERIODIC)
            s->nodes[all++] = rules[i]->consequent;
    }
    qsort(s->nodes, all, sizeof *s->nodes, compare_nodes);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || fl_node_cmp(&s->nodes[s->n - 1], &s->nodes[i]) != 0)
            s->nodes[s->n++] = s->nodes[i];
}

static int shape_build(struct shape *s, const struct fl_rule *const *rules, size_t n)
{
    *s = (struct shape){.nodes = malloc((2 * n + 1) * sizeof *s->nodes),
                        .degree = calloc(2 * n + 1, sizeof *s->degree),
                        .in = calloc(2 * n + 1, sizeof *s->in),
                        .out = calloc(2 * n + 1, sizeof *s->out)};
    if (!s->nodes || !s->degree || !s->in || !s->out)
        return FL_ENOMEM;
    number_nodes(s, rules, n);
    for (size_t i = 0; i < n; i++) {
        if (rules[i]->evidence == FL_EVIDENCE_PERIODIC)
            continue;
        uint32_t a = number_of(s, &rules[i]->antecedent), b = number_of(s, &rules[i]->consequent);
        if (a == b)
            continue;
        s->edges++;
        s->degree[a]++;
        s->degree[b]++;
        s->out[a] += !rules[i]->both;
        s->in[b] += !rules[i]->both;
    }
    return 0;
}

static void shape_clear(struct shape *s)
{
    free(s->nodes);
    free(s->degree);
    free(s->in);
    free(s->out);
}

/* Three nodes in a row are a chain when the arrows lead through the middle one, else its star. */
static const char *form_of(const struct shape *s, size_t folded)
{
    uint32_t most = 0, middle = 0, bent = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->degree[i] > most) {
            most = s->degree[i];
            middle = i;
        }
        bent += s->degree[i] > 2;
    }
    if (s->edges == 0)
        return "range";
    if (s->n == 2)
        return "pair";
    if (s->edges + folded >= (size_t)s->n * (s->n - 1) / 2)
        return "clique";
    if (s->edges + 1 != s->n)
        return "mesh";
    if (s->n == 3)
        return s->in[middle] == 1 && s->out[middle] == 1 ? "chain" : "star";
    return most == s->n - 1 ? "star" : bent == 0 ? "chain" : "mesh";
}

/* ---- name ---- */

static int compare_addresses(const void *a, const void *b)
{
    return fl_addr_cmp(a, b);
}

struct census { /* of the clients, or of the servers */
    uint32_t n, any;
    struct fl_addr only; /* where n is 1 */
};

static struct census count_hosts(const struct shape *s, bool clients, struct fl_addr *scratch)
{
    struct census c = {.n = 0};
    uint32_t all = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        bool wild = clients ? s->nodes[i].any_client : s->nodes[i].any_server;
        c.any += wild;
        if (!wild)
            scratch[all++] = clients ? s->nodes[i].client : s->nodes[i].server;
    }
    qsort(scratch, all, sizeof *scratch, compare_addresses);
    for (uint32_t i = 0; i < all; i++)
        c.n += i == 0 || fl_addr_cmp(&scratch[i], &scratch[i - 1]) != 0;
    if (all > 0)
        c.only = scratch[0];
    return c;
}

/* "any client", "client 10.0.0.5", "3 clients", "3 clients or any". */
static void name_hosts(const struct census *c, const char *role, char out[HOSTS_TEXT])
{
    char address[FL_ADDR_TEXT];
    if (c->n == 0)
        snprintf(out, HOSTS_TEXT, "any %s", role);
    else if (c->n == 1)
        snprintf(out, HOSTS_TEXT, "%s %s%s", role, fl_addr_format(&c->only, address),
                 c->any ? " or any" : "");
    else
        snprintf(out, HOSTS_TEXT, "%u %ss%s", c->n, role, c->any ? " or any" : "");
}

static int compare_ports(const void *va, const void *vb)
{
    const struct fl_node *a = va, *b = vb;
    FL_ORDER(a->server_port, b->server_port);
    FL_ORDER(a->server_port_last, b->server_port_last);
    FL_ORDER(a->protocol, b->protocol);
    return 0;
}

/* "port 22/tcp", "ports 143/tcp, 993/tcp", "5 ports"; of ICMP "icmp 8.0". Puts the nodes in order of ports.
 */
static void name_ports(struct shape *s, char out[PORTS_TEXT])
{
    char port[FL_PORT_TEXT], protocol[8], list[80] = ""; /* "1234-5678/icmp6, " three times */
    size_t n = 0, used = 0;
    qsort(s->nodes, s->n, sizeof *s->nodes, compare_ports);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct fl_node *node = &s->nodes[i];
        if (i > 0 && compare_ports(node, node - 1) == 0)
            continue;
        if (n++ < MOST_PORTS_NAMED)
            used += (size_t)snprintf(
                list + used, sizeof list - used, "%s%s/%s", used ? ", " : "",
                fl_ports_format(node->server_port, node->server_port_last, node->protocol, port),
                fl_protocol_format(node->protocol, protocol));
    }
    if (n == 1 && fl_node_is_mixed(&s->nodes[0]))
        snprintf(out, PORTS_TEXT, "mixed services/%s", fl_protocol_format(s->nodes[0].protocol, protocol));
    else if (n > MOST_PORTS_NAMED || used + sizeof "ports " > PORTS_TEXT)
        snprintf(out, PORTS_TEXT, "%zu ports", n);
    else
        snprintf(out, PORTS_TEXT, "port%s %.32s", n > 1 || strchr(list, '-') ? "s" : "", list);
}

/* "client 10.0.0.5, 4 servers", or "host 10.0.0.26" when that is the one host named, as client and as server.
 */
static void name_sides(const struct shape *s, struct fl_addr *scratch, char out[2 * HOSTS_TEXT])
{
    char clients[HOSTS_TEXT], servers[HOSTS_TEXT], address[FL_ADDR_TEXT];
    struct census c = count_hosts(s, true, scratch), d = count_hosts(s, false, scratch);
    if (c.n == 1 && d.n == 1 && fl_addr_cmp(&c.only, &d.only) == 0) {
        snprintf(out, 2 * HOSTS_TEXT, "host %s", fl_addr_format(&c.only, address));
        return;
    }
    name_hosts(&c, "client", clients);
    name_hosts(&d, "server", servers);
    snprintf(out, 2 * HOSTS_TEXT, "%.53s, %.53s", clients, servers);
}

int fl_cluster_describe(const struct fl_rule *const *rules, size_t n, size_t folded, struct fl_cluster *out)
{
    struct shape s;
    char sides[2 * HOSTS_TEXT], ports[PORTS_TEXT];
    *out = (struct fl_cluster){.rules = (uint32_t)n};
    int rc = shape_build(&s, rules, n);
    struct fl_addr *scratch = rc == 0 ? malloc((s.n + 1) * sizeof *scratch) : NULL;
    if (rc == 0 && !scratch)
        rc = FL_ENOMEM;
    if (rc == 0) {
        out->nodes = s.n;
        snprintf(out->form, sizeof out->form, "%s", form_of(&s, folded));
        name_sides(&s, scratch, sides);
        name_ports(&s, ports);
        snprintf(out->name, sizeof out->name, "%.108s, %.38s (%.6s)", sides, ports, out->form);
    }
    free(scratch);
    shape_clear(&s);
    return rc;
}
