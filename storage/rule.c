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

/* One port before the ranges that begin with it, the shorter range first. */
static int compare_ports(uint32_t a, uint32_t a_last, uint32_t b, uint32_t b_last)
{
    int order = compare_port(a, b);
    return order ? order : (a_last > b_last) - (a_last < b_last);
}

int fl_node_cmp(const struct fl_node *a, const struct fl_node *b)
{
    int order = compare_host(a->any_client, &a->client, b->any_client, &b->client);
    if (order == 0)
        order = compare_ports(a->client_port, a->client_port_last, b->client_port, b->client_port_last);
    if (order == 0)
        order = compare_host(a->any_server, &a->server, b->any_server, &b->server);
    if (order == 0)
        order = compare_ports(a->server_port, a->server_port_last, b->server_port, b->server_port_last);
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

bool fl_node_is_mixed(const struct fl_node *n)
{
    return n->any_server && n->server_port == FL_MIXED_FIRST && n->server_port_last == FL_MIXED_LAST;
}

const char *fl_port_format(uint32_t port, uint8_t protocol, char out[FL_PORT_TEXT])
{
    if (port == FL_PORT_ANY)
        snprintf(out, FL_PORT_TEXT, "*");
    else if (fl_protocol_is_icmp(protocol))
        snprintf(out, FL_PORT_TEXT, "%u.%u", (unsigned)(port >> 8 & 0xff), (unsigned)(port & 0xff));
    else
        snprintf(out, FL_PORT_TEXT, "%u", (unsigned)port);
    return out;
}

const char *fl_ports_format(uint32_t port, uint32_t last, uint8_t protocol, char out[FL_PORT_TEXT])
{
    if (last == 0)
        return fl_port_format(port, protocol, out);
    snprintf(out, FL_PORT_TEXT, "%u-%u", (unsigned)(port & 0xffff), (unsigned)(last & 0xffff));
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
             fl_ports_format(n->client_port, n->client_port_last, n->protocol, client_port),
             format_host(n->any_server, &n->server, server),
             fl_ports_format(n->server_port, n->server_port_last, n->protocol, server_port),
             fl_protocol_format(n->protocol, protocol));
    return out;
}

static int parse_host(const char *text, bool *any, struct fl_addr *out)
{
    memset(out, 0, sizeof *out);
    *any = strcmp(text, "*") == 0;
    return *any ? 0 : fl_addr_parse(text, out);
}

static int parse_ports(const char *text, uint8_t protocol, uint32_t *first, uint32_t *last)
{
    if (strcmp(text, "*") == 0) {
        *first = FL_PORT_ANY;
        return 0;
    }
    int rc = fl_ruletext_ports(text, protocol, first, last);
    return rc == 0 && *last && *last == *first ? FL_EINVAL : rc;
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
        parse_ports(parts.client_port, n.protocol, &n.client_port, &n.client_port_last) < 0 ||
        parse_ports(parts.server_port, n.protocol, &n.server_port, &n.server_port_last) < 0 ||
        !is_canonical(&n, &parts))
        return FL_EINVAL;
    *out = n;
    return 0;
}

int fl_node_parse(const char *text, struct fl_node *out)
{
    return parse_node(text, strlen(text), out);
}

const char *fl_period_format(int64_t period_ms, char out[24])
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{3600000, "h"}, {60000, "min"}, {1000, "s"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (period_ms > 0 && period_ms % units[i].ms == 0) {
            snprintf(out, 24, "%lld %s", (long long)(period_ms / units[i].ms), units[i].name);
            return out;
        }
    if (period_ms < 1000)
        snprintf(out, 24, "%lld ms", (long long)period_ms);
    else
        snprintf(out, 24, "%.7g s", (double)period_ms / 1000);
    return out;
}

const struct fl_node *fl_rule_consequent(const struct fl_rule *r)
{
    return r->evidence == FL_EVIDENCE_PERIODIC ? NULL : &r->consequent;
}

const char *fl_rule_format(const struct fl_rule *r, char out[FL_RULE_TEXT])
{
    char antecedent[FL_NODE_TEXT], consequent[FL_NODE_TEXT], period[24];
    fl_node_format(&r->antecedent, antecedent);
    if (r->evidence == FL_EVIDENCE_PERIODIC)
        snprintf(out, FL_RULE_TEXT, "%s every %s", antecedent, fl_period_format(r->period.period_ms, period));
    else
        snprintf(out, FL_RULE_TEXT, "%s %s %s", antecedent, r->both ? "<=>" : "=>",
                 fl_node_format(&r->consequent, consequent));
    return out;
}

const char *fl_rule_identity(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT])
{
    char first[FL_NODE_TEXT], second[FL_NODE_TEXT];
    bool swap = b && fl_node_cmp(a, b) > 0;
    fl_node_format(swap ? b : a, first);
    if (b)
        snprintf(out, FL_RULE_TEXT, "%s ~ %s", first, fl_node_format(swap ? a : b, second));
    else
        snprintf(out, FL_RULE_TEXT, "%s every", first);
    return out;
}

/* What stands before "every" and whatever follows it, or NULL. */
static const char *find_every(const char *text)
{
    const char *at = strstr(text, " every");
    return at && (at[6] == '\0' || at[6] == ' ') ? at : NULL;
}

int fl_rule_parse(const char *text, struct fl_node *a, struct fl_node *b)
{
    size_t left;
    const char *right, *every = find_every(text);
    struct fl_node first, second;
    if (every) {
        if (parse_node(text, (size_t)(every - text), &first) < 0)
            return FL_EINVAL;
        *a = first;
        return 1;
    }
    if (fl_ruletext_find_arrow(text, &left, &right) == FL_ARROW_NONE || parse_node(text, left, &first) < 0 ||
        fl_node_parse(right, &second) < 0)
        return FL_EINVAL;
    *a = first;
    *b = second;
    return 0;
}
