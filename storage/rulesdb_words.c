/* What an alert says: a plain sentence, how loud it is, and why; and what shape a rule has. */
#include <stdio.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

static const char *host_name(bool any, const struct fl_addr *a, const char *wild, char out[FL_ADDR_TEXT])
{
    return any ? wild : fl_addr_format(a, out);
}

/* " port 53", " ports 6881-6889"; "" for any. */
static const char *port_words(uint32_t port, uint32_t last, uint8_t protocol, char out[FL_PORT_TEXT + 8])
{
    char ports[FL_PORT_TEXT];
    if (port == FL_PORT_ANY)
        return "";
    snprintf(out, FL_PORT_TEXT + 8, " port%s %s", last ? "s" : "",
             fl_ports_format(port, last, protocol, ports));
    return out;
}

void fl_describe_node(const struct fl_node *n, char *out, size_t room)
{
    char client[FL_ADDR_TEXT], server[FL_ADDR_TEXT], protocol[8], from[FL_PORT_TEXT + 8],
        to[FL_PORT_TEXT + 8];
    bool icmp = n->protocol == 1 || n->protocol == 58;
    const char *client_text = host_name(n->any_client, &n->client, "any client", client);
    const char *server_text = host_name(n->any_server, &n->server, "any server", server);
    const char *protocol_text = fl_protocol_format(n->protocol, protocol);
    if (fl_node_is_mixed(n))
        snprintf(out, room, "%s asks services of several servers and ports/%s", client_text, protocol_text);
    else if (icmp)
        snprintf(out, room, "%s asks %s %s/%s", client_text, server_text,
                 fl_port_format(n->server_port, n->protocol, to), protocol_text);
    else
        snprintf(out, room, "%s%s asks %s%s/%s", client_text,
                 port_words(n->client_port, n->client_port_last, n->protocol, from), server_text,
                 n->server_port == FL_PORT_ANY
                     ? " port *"
                     : port_words(n->server_port, n->server_port_last, n->protocol, to),
                 protocol_text);
}

static void describe_lift(double lift, char *out, size_t room)
{
    if (!(lift < 1e6))
        snprintf(out, room, "over a million");
    else
        snprintf(out, room, lift < 10 ? "%.1f" : "%.0f", lift);
}

/* "586 s" in no more detail than a reader wants: "10 min". */
static const char *rough_span(int64_t ms, char out[24])
{
    int64_t unit_ms = ms < 1000 ? 1 : ms < 60000 ? 1000 : 60000;
    return fl_period_format((ms + unit_ms / 2) / unit_ms * unit_ms, out);
}

/* "every 5 min (143 of 144 beats came, usually within 2 s of their time" */
static void describe_period(const struct fl_rule *r, char *out, size_t room)
{
    char period[24], spread[24];
    unsigned long long came = (unsigned long long)r->n_both, due = came + r->period.missed;
    snprintf(out, room, "every %s (%llu of %llu beats came, usually within %s of their time",
             fl_period_format(r->period.period_ms, period), came, due,
             rough_span(r->period.spread_ms, spread));
}

static void describe_pair(const struct fl_rule *r, char *out, size_t room)
{
    char consequent[256], lift[32];
    fl_describe_node(&r->consequent, consequent, sizeof consequent);
    describe_lift(r->lift, lift, sizeof lift);
    snprintf(out, room, "%s%s (in %llu of %llu cases, %s times more often than chance", consequent,
             r->both ? ", and the other way round" : "", (unsigned long long)r->n_both,
             (unsigned long long)r->n_antecedent, lift);
}

/* "(in 20 of 20 cases, 60 times more often than chance", of two of those in the middle. */
static void describe_step(const struct fl_rule *r, char *out, size_t room)
{
    char lift[32];
    describe_lift(r->lift, lift, sizeof lift);
    snprintf(out, room, "(two of them in %llu of %llu cases, %s times more often than chance",
             (unsigned long long)r->n_both, (unsigned long long)r->n_antecedent, lift);
}

/* "10.0.0.5 asks 20 services (10.0.0.9 port 22/tcp, ...) in step" */
static void describe_services(const struct fl_node *n, const char *services, char *out, size_t room)
{
    char client[FL_ADDR_TEXT];
    snprintf(out, room, "%s asks %s in step", host_name(n->any_client, &n->client, "any client", client),
             services);
}

/* "when X, Y (in 41 of 44 cases, 39 times more often than chance)"; `services` as in fl_alert_weight. */
static void describe_rule(const struct fl_rule *r, const char *services, char *out, size_t room)
{
    char antecedent[FL_MIXED_TEXT + 64], rest[512], clock[32] = "";
    bool periodic = r->evidence == FL_EVIDENCE_PERIODIC, mixed = *services;
    if (mixed)
        describe_services(&r->antecedent, services, antecedent, sizeof antecedent);
    else
        fl_describe_node(&r->antecedent, antecedent, sizeof antecedent);
    if (periodic)
        describe_period(r, rest, sizeof rest);
    else if (mixed)
        describe_step(r, rest, sizeof rest);
    else
        describe_pair(r, rest, sizeof rest);
    if (*r->clock)
        snprintf(clock, sizeof clock, ", by the clock at %s", r->clock);
    snprintf(out, room, "%s%s%s %s%s)", periodic || mixed ? "" : "when ", antecedent,
             periodic || mixed ? "" : ",", rest, clock);
}

const char *fl_alert_text(const struct fl_rule *r, const struct fl_alert_weight *w, const char *location,
                          const char *cluster, char out[FL_ALERT_TEXT])
{
    static const char *const known[] = {[FL_NEW_HOSTS] = ", a known shape with other hosts",
                                        [FL_NEW_HERE] = ", known elsewhere",
                                        [FL_NEW] = ""};
    char rule[960], latest[960], joined[1000] = "", replaced[FL_DESCRIBED_NODE + 60] = "",
                                 node[FL_DESCRIBED_NODE];
    describe_rule(r, w->services, rule, sizeof rule);
    if (w->replaces) {
        fl_describe_node(&w->replaced, node, sizeof node);
        snprintf(replaced, sizeof replaced, "; it takes the place of \"%s\", which stopped", node);
    }
    if (w->latest) {
        describe_rule(w->latest, "", latest, sizeof latest);
        snprintf(joined, sizeof joined, "; what joined last: %s", latest);
    }
    if (w->rules < 2)
        snprintf(out, FL_ALERT_TEXT, "New at %s%s: %s%s", location, known[w->grade], rule, replaced);
    else
        snprintf(out, FL_ALERT_TEXT, "New at %s%s: %s%s%lld %s; the strongest: %s%s%s", location,
                 known[w->grade], cluster ? cluster : "", cluster ? ", " : "", (long long)w->rules,
                 cluster    ? "rules"
                 : w->alike ? "rules that differ only in their hosts"
                            : "rules of the same hosts or times",
                 rule, replaced, joined);
    return out;
}

/* ---- how loud ---- */

static const char *const levels[] = {"low", "medium", "high"};
enum { WIDE_HOSTS = 10 };
#define WEAK_Q 1e-4

static bool is_weak(const struct fl_alert_weight *w)
{
    return w->q_value > WEAK_Q;
}

static bool is_wide(const struct fl_alert_weight *w)
{
    return w->hosts >= WIDE_HOSTS;
}

const char *fl_alert_severity(const struct fl_alert_weight *w)
{
    int level = (int)w->grade - is_weak(w) + is_wide(w);
    if (w->clock || level < 0)
        level = 0;
    if (w->replaces && level < w->replaced_level)
        level = w->replaced_level;
    return levels[level > 2 ? 2 : level];
}

const char *fl_alert_why(const struct fl_alert_weight *w, char out[FL_ALERT_WHY])
{
    static const char *const grades[] = {[FL_NEW_HOSTS] = "the location knows this shape, with other hosts",
                                         [FL_NEW_HERE] = "other locations know this shape, this one does not",
                                         [FL_NEW] = "no location knows anything of this shape"};
    char chance[80], reach[80];
    snprintf(chance, sizeof chance,
             is_weak(w) ? "chance may have made it (q %.2g), which lowers it"
                        : "chance does not make it (q %.2g)",
             w->q_value);
    snprintf(reach, sizeof reach, "it touches %lld host%s%s", (long long)w->hosts, w->hosts == 1 ? "" : "s",
             is_wide(w) ? ", which raises it" : "");
    snprintf(out, FL_ALERT_WHY, "%s: %s; %s; %s%s%s%s.", fl_alert_severity(w), grades[w->grade], chance,
             reach, w->clock ? "; it keeps to the clock, as jobs do, which makes it low" : "",
             *w->held ? "; it was held back first: " : "", w->held);
    return out;
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
             fl_ports_format(n->client_port, n->client_port_last, n->protocol, client_port), server,
             fl_ports_format(n->server_port, n->server_port_last, n->protocol, server_port),
             fl_protocol_format(n->protocol, protocol));
}

static void shape_pair(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT])
{
    char first[FL_NODE_TEXT], second[FL_NODE_TEXT];
    struct letters l = {.n = 0};
    shape_node(&l, a, first);
    if (!b) {
        snprintf(out, FL_RULE_TEXT, "%s every", first);
        return;
    }
    shape_node(&l, b, second);
    snprintf(out, FL_RULE_TEXT, "%s ~ %s", first, second);
}

const char *fl_rule_shape(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT])
{
    char turned[FL_RULE_TEXT];
    shape_pair(a, b, out);
    if (!b)
        return out;
    shape_pair(b, a, turned);
    if (strcmp(turned, out) < 0)
        memcpy(out, turned, sizeof turned);
    return out;
}
