/* What an alert says: a plain sentence and how loud it is. */
#include <stdio.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

static const char *host_name(bool any, const struct fl_addr *a, const char *wild, char out[FL_ADDR_TEXT])
{
    return any ? wild : fl_addr_format(a, out);
}

/* "10.0.0.5 asks 10.0.0.53 port 53/udp". */
static void describe_node(const struct fl_node *n, char *out, size_t room)
{
    char client[FL_ADDR_TEXT], server[FL_ADDR_TEXT], protocol[8], from[FL_PORT_TEXT], to[FL_PORT_TEXT];
    bool icmp = n->protocol == 1 || n->protocol == 58;
    bool from_any = icmp || n->client_port == FL_PORT_ANY;
    snprintf(out, room, "%s%s%s asks %s %s%s/%s", host_name(n->any_client, &n->client, "any client", client),
             from_any ? "" : " from port ", from_any ? "" : fl_port_format(n->client_port, n->protocol, from),
             host_name(n->any_server, &n->server, "any server", server), icmp ? "" : "port ",
             fl_port_format(n->server_port, n->protocol, to), fl_protocol_format(n->protocol, protocol));
}

static void describe_lift(double lift, char *out, size_t room)
{
    if (!(lift < 1e6))
        snprintf(out, room, "over a million");
    else
        snprintf(out, room, lift < 10 ? "%.1f" : "%.0f", lift);
}

const char *fl_alert_text(const struct fl_rule *r, const char *novelty, const char *location,
                          char out[FL_ALERT_TEXT])
{
    char antecedent[256], consequent[256], lift[32], clock[32] = "";
    const char *known = strcmp(novelty, "new-here") == 0    ? ", known elsewhere"
                        : strcmp(novelty, "new-hosts") == 0 ? ", a known shape with other hosts"
                                                            : "";
    describe_node(&r->antecedent, antecedent, sizeof antecedent);
    describe_node(&r->consequent, consequent, sizeof consequent);
    describe_lift(r->lift, lift, sizeof lift);
    if (*r->clock)
        snprintf(clock, sizeof clock, ", by the clock at %s", r->clock);
    snprintf(out, FL_ALERT_TEXT,
             "New at %s%s: when %s, %s%s (in %llu of %llu cases, %s times more often than chance%s)",
             location, known, antecedent, consequent, r->both ? ", and the other way round" : "",
             (unsigned long long)r->n_both, (unsigned long long)r->n_antecedent, lift, clock);
    return out;
}

const char *fl_alert_severity(const struct fl_rule *r, const char *novelty)
{
    if (*r->clock || strcmp(novelty, "new-hosts") == 0)
        return "low";
    return strcmp(novelty, "new-here") == 0 ? "medium" : "high";
}

/* ---- the shape of a rule ---- */

/* Hosts in order of appearance; their index is their letter. */
struct letters {
    struct fl_addr hosts[4];
    int n;
};

static char letter_of(struct letters *l, bool any, const struct fl_addr *a)
{
    if (any)
        return '*';
    for (int i = 0; i < l->n; i++)
        if (fl_addr_cmp(&l->hosts[i], a) == 0)
            return (char)('A' + i);
    l->hosts[l->n] = *a;
    return (char)('A' + l->n++);
}

static void shape_node(struct letters *l, const struct fl_node *n, char out[FL_NODE_TEXT])
{
    char protocol[8], client_port[FL_PORT_TEXT], server_port[FL_PORT_TEXT];
    char client = letter_of(l, n->any_client, &n->client), server = letter_of(l, n->any_server, &n->server);
    snprintf(out, FL_NODE_TEXT, "%c.%s : %c.%s/%s", client,
             fl_port_format(n->client_port, n->protocol, client_port), server,
             fl_port_format(n->server_port, n->protocol, server_port),
             fl_protocol_format(n->protocol, protocol));
}

static void shape_pair(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT])
{
    char first[FL_NODE_TEXT], second[FL_NODE_TEXT];
    struct letters l = {.n = 0};
    shape_node(&l, a, first);
    shape_node(&l, b, second);
    snprintf(out, FL_RULE_TEXT, "%s ~ %s", first, second);
}

const char *fl_rule_shape(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT])
{
    char turned[FL_RULE_TEXT];
    shape_pair(a, b, out);
    shape_pair(b, a, turned);
    if (strcmp(turned, out) < 0)
        memcpy(out, turned, sizeof turned);
    return out;
}
