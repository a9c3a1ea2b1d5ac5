/* Flow nodes and rules as text: the form operators read, type and find in the rules database. */
#include "storage/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "storage/flow.h"
#include "storage/ruletext.h"

static int compare_host(bool any_a, const struct fl_addr *a, bool any_b, const struct fl_addr *b)
{
    if (any_a || any_b)
        return (int)any_b - (int)any_a;
    return fl_addr_cmp(a, b);
}

static int compare_port(uint32_t a, uint32_t b)
{
    if (a == b)
        return 0;
    if (a == FL_PORT_ANY || b == FL_PORT_ANY)
        return a == FL_PORT_ANY ? -1 : 1;
    return a < b ? -1 : 1;
}

int fl_node_cmp(const struct fl_node *a, const struct fl_node *b)
{
    int order = compare_host(a->any_client, &a->client, b->any_client, &b->client);
    if (order == 0)
        order = compare_port(a->client_port, b->client_port);
    if (order == 0)
        order = compare_host(a->any_server, &a->server, b->any_server, &b->server);
    if (order == 0)
        order = compare_port(a->server_port, b->server_port);
    return order ? order : (int)a->protocol - (int)b->protocol;
}

bool fl_node_generalises(const struct fl_node *general, const struct fl_node *special)
{
    struct fl_node widened = *special;
    if (general->any_client)
        widened.any_client = true;
    if (general->any_server)
        widened.any_server = true;
    return fl_node_cmp(&widened, general) == 0 && fl_node_cmp(special, general) != 0;
}

static bool is_icmp(uint8_t protocol)
{
    return protocol == FL_PROTO_ICMP || protocol == FL_PROTO_ICMP6;
}

const char *fl_port_format(uint32_t port, uint8_t protocol, char out[FL_PORT_TEXT])
{
    if (port == FL_PORT_ANY)
        snprintf(out, FL_PORT_TEXT, "*");
    else if (is_icmp(protocol))
        snprintf(out, FL_PORT_TEXT, "%u.%u", (unsigned)(port >> 8 & 0xff), (unsigned)(port & 0xff));
    else
        snprintf(out, FL_PORT_TEXT, "%u", (unsigned)port);
    return out;
}

static const struct {
    uint8_t number;
    const char *name;
} protocols[] = {
    {FL_PROTO_ICMP, "icmp"}, {FL_PROTO_TCP, "tcp"}, {FL_PROTO_UDP, "udp"}, {FL_PROTO_ICMP6, "icmp6"}};
enum { n_protocols = sizeof protocols / sizeof protocols[0] };

const char *fl_protocol_format(uint8_t protocol, char out[8])
{
    for (int i = 0; i < n_protocols; i++)
        if (protocols[i].number == protocol)
            return protocols[i].name;
    snprintf(out, 8, "%u", (unsigned)protocol);
    return out;
}

int fl_protocol_parse(const char *text, uint8_t *out)
{
    for (int i = 0; i < n_protocols; i++)
        if (strcmp(protocols[i].name, text) == 0) {
            *out = protocols[i].number;
            return 0;
        }
    uint32_t number;
    if (fl_ruletext_port(text, FL_PROTO_TCP, &number) < 0 || number > 255)
        return FL_EINVAL;
    *out = (uint8_t)number;
    return 0;
}

static const char *format_host(bool any, const struct fl_addr *a, char out[FL_ADDR_TEXT + 2])
{
    char address[FL_ADDR_TEXT];
    if (any)
        snprintf(out, FL_ADDR_TEXT + 2, "*");
    else if (fl_addr_is_v4(a))
        fl_addr_format(a, out);
    else
        snprintf(out, FL_ADDR_TEXT + 2, "[%s]", fl_addr_format(a, address));
    return out;
}

const char *fl_node_format(const struct fl_node *n, char out[FL_NODE_TEXT])
{
    char client[FL_ADDR_TEXT + 2], server[FL_ADDR_TEXT + 2], protocol[8];
    char client_port[FL_PORT_TEXT], server_port[FL_PORT_TEXT];
    snprintf(out, FL_NODE_TEXT, "%s.%s : %s.%s/%s", format_host(n->any_client, &n->client, client),
             fl_port_format(n->client_port, n->protocol, client_port),
             format_host(n->any_server, &n->server, server),
             fl_port_format(n->server_port, n->protocol, server_port),
             fl_protocol_format(n->protocol, protocol));
    return out;
}

static int parse_host(const char *text, bool *any, struct fl_addr *out)
{
    memset(out, 0, sizeof *out);
    *any = strcmp(text, "*") == 0;
    return *any ? 0 : fl_addr_parse(text, out);
}

static int parse_port(const char *text, uint8_t protocol, uint32_t *out)
{
    if (strcmp(text, "*") != 0)
        return fl_ruletext_port(text, protocol, out);
    *out = FL_PORT_ANY;
    return 0;
}

/* What is not written as fl_node_format writes it ("6" for tcp, "2001:DB8::") would have two identities. */
static bool is_canonical(const struct fl_node *n, const struct fl_node_parts *parts)
{
    char given[sizeof *parts + 8], canonical[FL_NODE_TEXT];
    snprintf(given, sizeof given, "%s.%s : %s.%s/%s", parts->client, parts->client_port, parts->server,
             parts->server_port, parts->protocol);
    return strcmp(given, fl_node_format(n, canonical)) == 0;
}

static int parse_node(const char *text, size_t length, struct fl_node *out)
{
    struct fl_node_parts parts;
    struct fl_node n;
    memset(&n, 0, sizeof n);
    if (fl_ruletext_split_node(text, length, &parts) < 0 ||
        fl_protocol_parse(parts.protocol, &n.protocol) < 0 ||
        parse_host(parts.client, &n.any_client, &n.client) < 0 ||
        parse_host(parts.server, &n.any_server, &n.server) < 0 ||
        parse_port(parts.client_port, n.protocol, &n.client_port) < 0 ||
        parse_port(parts.server_port, n.protocol, &n.server_port) < 0 || !is_canonical(&n, &parts))
        return FL_EINVAL;
    *out = n;
    return 0;
}

int fl_node_parse(const char *text, struct fl_node *out)
{
    return parse_node(text, strlen(text), out);
}

const char *fl_rule_format(const struct fl_rule *r, char out[FL_RULE_TEXT])
{
    char antecedent[FL_NODE_TEXT], consequent[FL_NODE_TEXT];
    snprintf(out, FL_RULE_TEXT, "%s %s %s", fl_node_format(&r->antecedent, antecedent),
             r->both ? "<=>" : "=>", fl_node_format(&r->consequent, consequent));
    return out;
}

const char *fl_rule_identity(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT])
{
    char first[FL_NODE_TEXT], second[FL_NODE_TEXT];
    bool swap = fl_node_cmp(a, b) > 0;
    snprintf(out, FL_RULE_TEXT, "%s ~ %s", fl_node_format(swap ? b : a, first),
             fl_node_format(swap ? a : b, second));
    return out;
}

int fl_rule_parse(const char *text, struct fl_node *a, struct fl_node *b)
{
    size_t left;
    const char *right;
    struct fl_node first, second;
    if (fl_ruletext_find_arrow(text, &left, &right) == FL_ARROW_NONE || parse_node(text, left, &first) < 0 ||
        fl_node_parse(right, &second) < 0)
        return FL_EINVAL;
    *a = first;
    *b = second;
    return 0;
}
