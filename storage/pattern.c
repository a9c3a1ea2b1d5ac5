/* Patterns over rules, for accept --match and ignore --match. */
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "storage/flow.h"
#include "storage/rule.h"
#include "storage/ruletext.h"

struct host_pattern {
    bool any;
    struct fl_prefix prefix;
};
struct port_pattern {
    bool any;
    uint32_t low, high;
};
struct node_pattern {
    struct host_pattern client, server;
    struct port_pattern client_port, server_port;
    bool any_protocol;
    uint8_t protocol;
};
struct fl_pattern {
    struct node_pattern nodes[2];
    enum fl_arrow arrow; /* FL_ARROW_NONE: one node */
};

/* "*", "10.1.0.0/16", "[2001:db8::]/32" or "[2001:db8::/32]". */
static int parse_host(const char *text, struct host_pattern *out)
{
    out->any = strcmp(text, "*") == 0;
    if (out->any)
        return 0;
    char bare[FL_NODE_PART];
    size_t length = strlen(text);
    if (text[0] == '[' && text[length - 1] == ']') {
        memcpy(bare, text + 1, length - 2);
        bare[length - 2] = '\0';
        text = bare;
    }
    return fl_prefix_parse(text, &out->prefix);
}

/* "*", "22", "6881-6889"; for ICMP "3.3" or "3.0-3.15". */
static int parse_ports(const char *text, uint8_t protocol, struct port_pattern *out)
{
    out->any = strcmp(text, "*") == 0;
    if (out->any)
        return 0;
    if (fl_ruletext_ports(text, protocol, &out->low, &out->high) < 0)
        return FL_EINVAL;
    if (out->high == 0)
        out->high = out->low;
    return 0;
}

static bool is_star(const char *text, size_t length)
{
    size_t stars = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '*')
            stars++;
        else if (text[i] != ' ' && text[i] != '\t')
            return false;
    }
    return stars == 1;
}

static int parse_node(const char *text, size_t length, struct node_pattern *out)
{
    struct fl_node_parts parts;
    if (is_star(text, length)) {
        out->client.any = out->server.any = true;
        out->client_port.any = out->server_port.any = out->any_protocol = true;
        return 0;
    }
    if (fl_ruletext_split_node(text, length, &parts) < 0)
        return FL_EINVAL;
    out->any_protocol = strcmp(parts.protocol, "*") == 0;
    if (!out->any_protocol && fl_protocol_parse(parts.protocol, &out->protocol) < 0)
        return FL_EINVAL;
    if (parse_host(parts.client, &out->client) < 0 || parse_host(parts.server, &out->server) < 0 ||
        parse_ports(parts.client_port, out->protocol, &out->client_port) < 0 ||
        parse_ports(parts.server_port, out->protocol, &out->server_port) < 0)
        return FL_EINVAL;
    return 0;
}

int fl_pattern_parse(const char *text, struct fl_pattern **out)
{
    size_t left;
    const char *right;
    struct fl_pattern *p = calloc(1, sizeof *p);
    if (!p)
        return FL_ENOMEM;
    p->arrow = fl_ruletext_find_arrow(text, &left, &right);
    if (parse_node(text, left, &p->nodes[0]) < 0 ||
        (right ? parse_node(right, strlen(right), &p->nodes[1]) < 0 : text[left] != '\0')) {
        fl_pattern_free(p);
        return FL_EINVAL;
    }
    *out = p;
    return 0;
}

void fl_pattern_free(struct fl_pattern *p)
{
    free(p);
}

static bool match_host(const struct host_pattern *p, bool any, const struct fl_addr *a)
{
    return p->any || (!any && fl_prefix_contains(&p->prefix, a));
}

/* A range is matched when all of it is. FL_PORT_ANY is beyond every `high`. */
static bool match_ports(const struct port_pattern *p, uint32_t port, uint32_t last)
{
    return p->any || (port >= p->low && (last ? last : port) <= p->high);
}

/* A number without a protocol means a port, which ICMP does not have. */
static bool match_protocol(const struct node_pattern *p, uint8_t protocol)
{
    if (!p->any_protocol)
        return p->protocol == protocol;
    return !fl_protocol_is_icmp(protocol) || (p->client_port.any && p->server_port.any);
}

static bool match_node(const struct node_pattern *p, const struct fl_node *n)
{
    return match_protocol(p, n->protocol) && match_host(&p->client, n->any_client, &n->client) &&
           match_host(&p->server, n->any_server, &n->server) &&
           match_ports(&p->client_port, n->client_port, n->client_port_last) &&
           match_ports(&p->server_port, n->server_port, n->server_port_last);
}

bool fl_pattern_match(const struct fl_pattern *p, const struct fl_node *antecedent,
                      const struct fl_node *consequent)
{
    if (!consequent)
        return p->arrow == FL_ARROW_NONE && match_node(&p->nodes[0], antecedent);
    if (p->arrow == FL_ARROW_NONE)
        return match_node(&p->nodes[0], antecedent) || match_node(&p->nodes[0], consequent);
    if (match_node(&p->nodes[0], antecedent) && match_node(&p->nodes[1], consequent))
        return true;
    return p->arrow != FL_ARROW_FORWARD && match_node(&p->nodes[0], consequent) &&
           match_node(&p->nodes[1], antecedent);
}
