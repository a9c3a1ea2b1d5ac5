/* `flowlore explain`: a rule in plain words, the figures behind it, flows to look at, and what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli.h"
#include "mining/human.h"
#include "storage/timetext.h"

enum { AROUND_MS = 5000, BEFORE_MS = 600000, FLOWS_EACH = 6 };

/* "10.0.0.5" and "any client", "any host's port 53". */
static void node_words(const json_t *node, char out[200])
{
    char client[64], server[64], port[64] = "";
    const char *c = fl_js_text(node, "client"), *s = fl_js_text(node, "server");
    const char *p = fl_js_text(node, "server_port");
    char protocol[8];
    bool icmp = fl_js_int(node, "protocol") == FL_PROTO_ICMP || fl_js_int(node, "protocol") == FL_PROTO_ICMP6;
    snprintf(client, sizeof client, "%.60s", strcmp(c, "*") == 0 ? "a client" : c);
    snprintf(server, sizeof server, "%.60s", strcmp(s, "*") == 0 ? "some server" : s);
    if (icmp)
        snprintf(port, sizeof port, " with ICMP %.20s (type.code)", p);
    else if (strcmp(p, "*") != 0)
        snprintf(port, sizeof port, " on port %.20s/%s", p,
                 fl_protocol_format((uint8_t)fl_js_int(node, "protocol"), protocol));
    else
        snprintf(port, sizeof port, " over %s on any port",
                 fl_protocol_format((uint8_t)fl_js_int(node, "protocol"), protocol));
    snprintf(out, 200, "%s talks to %s%s", client, server, port);
}

/* What the rule says, as one sentence. */
static void print_meaning(const json_t *e)
{
    char x[200], y[200], text[FL_HUMAN_TEXT], line[1000];
    bool both = strcmp(fl_js_text(e, "arrow"), "<=>") == 0;
    bool during = strcmp(fl_js_text(e, "evidence"), "during") == 0;
    node_words(json_object_get(e, "antecedent"), x);
    node_words(json_object_get(e, "consequent"), y);
    snprintf(line, sizeof line, "When %s, %s of the time %s%s%s.", x,
             fl_human_percent(fl_js_real(e, "confidence"), text), y,
             during ? ", one starting while the other is under way" : " in the same moment",
             both ? ", and the other way round" : "");
    printf("%s\n", fl_human_clean(line));
}

/* Both sides stand for one and the same unnamed host: counted in windows of each such host, else in windows
 * (MINING.md section 4). */
static bool counts_by_host(const json_t *e)
{
    const json_t *a = json_object_get(e, "antecedent"), *c = json_object_get(e, "consequent");
    const char *client = fl_js_text(a, "client"), *other = fl_js_text(c, "client");
    bool any_servers = !strcmp(fl_js_text(a, "server"), "*") && !strcmp(fl_js_text(c, "server"), "*");
    if (!strcmp(client, "*") && !strcmp(other, "*"))
        return true;
    return any_servers && strcmp(client, other) != 0;
}

static void print_counts(const json_t *e)
{
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], c[FL_HUMAN_TEXT];
    const char *unit = counts_by_host(e) ? "windows x hosts" : "windows";
    printf("\nCounts (%s)\n", unit);
    printf("  antecedent   %s\n  consequent   %s\n",
           fl_human_count((uint64_t)fl_js_int(e, "n_antecedent"), a),
           fl_human_count((uint64_t)fl_js_int(e, "n_consequent"), b));
    printf("  both         %s, where chance would give %.3g: %s times as many\n",
           fl_human_count((uint64_t)fl_js_int(e, "n_both"), a), fl_js_real(e, "expected"),
           fl_human_factor(fl_js_real(e, "lift"), b));
    printf("  of           %s\n", fl_human_count((uint64_t)fl_js_int(e, "n_windows"), a));
    printf("  confidence   %s, reverse %s; score %.3g bits a window\n",
           fl_human_percent(fl_js_real(e, "confidence"), a),
           fl_human_percent(fl_js_real(e, "reverse_confidence"), b), fl_js_real(e, "score"));
    double q = fl_js_real(e, "q_value"); /* stored no smaller than 1e-300 */
    printf("  significance p = 1e%.0f; q %s %.3g, allowing for all the pairs that were tested\n",
           fl_js_real(e, "log10_p"), q <= 1e-300 ? "<=" : "=", q);
    if (fl_js_int(e, "hosts") > 0)
        printf("  hosts        %s behind the wildcard\n", fl_human_count((uint64_t)fl_js_int(e, "hosts"), c));
}

static void print_timing(const json_t *e)
{
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT];
    int64_t lag = fl_js_int(e, "lag_ms"), spread = fl_js_int(e, "lag_spread_ms");
    const char *clock = fl_js_text(e, "clock"), *present = fl_js_text(e, "present");
    printf("\nTiming\n");
    if (lag == 0)
        printf("  lag          neither comes first; half of the cases lie within %s of each other\n",
               fl_human_span(spread, b));
    else
        printf("  lag          the %s comes first, by %s (median); the middle half spreads over %s\n",
               lag > 0 ? "antecedent" : "consequent", fl_human_span(lag > 0 ? lag : -lag, a),
               fl_human_span(spread, b));
    if (strcmp(fl_js_text(e, "evidence"), "during") == 0)
        printf("  evidence     the %s is under way when the other starts\n", *present ? present : "one");
    else
        printf("  evidence     they start together\n");
    if (*clock)
        printf("  clock        both keep the phase %.10s: a timer such as cron may make the coincidence\n",
               clock);
}

static bool endpoint_is(const struct fl_addr *a, uint16_t port, const struct fl_addr *host, int64_t wanted)
{
    return fl_addr_cmp(a, host) == 0 && (wanted < 0 || port == wanted);
}

struct example {
    struct fl_addr client, server;
    int64_t client_port, server_port, protocol; /* ports: -1 any */
    int64_t time_ms;
    bool present; /* may have begun before */
    json_t *flows;
};

static bool example_matches(const struct example *e, const struct fl_flow *f)
{
    bool icmp = e->protocol == FL_PROTO_ICMP || e->protocol == FL_PROTO_ICMP6;
    int64_t server_port = icmp ? -1 : e->server_port;
    if (f->protocol != e->protocol || f->start_ms >= e->time_ms + AROUND_MS)
        return false;
    if (f->start_ms < e->time_ms && !(e->present && f->end_ms >= e->time_ms))
        return false;
    return (endpoint_is(&f->src, f->src_port, &e->client, e->client_port) &&
            endpoint_is(&f->dst, f->dst_port, &e->server, server_port)) ||
           (endpoint_is(&f->dst, f->dst_port, &e->client, e->client_port) &&
            endpoint_is(&f->src, f->src_port, &e->server, server_port));
}

static int add_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct example *e = ctx;
    for (size_t i = 0; i < n; i++) {
        if (!example_matches(e, &flows[i]))
            continue;
        if (json_array_append_new(e->flows, fl_cli_flow_json(location, &flows[i])) != 0)
            return FL_ENOMEM;
        if (json_array_size(e->flows) >= FLOWS_EACH)
            return FL_ESTOP;
    }
    return 0;
}

static int64_t port_of(const json_t *node, const char *key)
{
    char *end;
    const char *text = fl_js_text(node, key);
    long port = strtol(text, &end, 10);
    return *text && *end == 0 ? port : -1;
}

/* The stored flows of one half of an example, into `flows`. What no longer is stored is simply not there. */
static int fetch_half(const struct fl_cli *cli, const json_t *rule, const json_t *example, const char *half,
                      json_t *flows, struct fl_scan_report *report, struct fl_err *err)
{
    const json_t *node = json_object_get(example, half);
    struct example e = {.flows = flows,
                        .client_port = port_of(node, "client_port"),
                        .server_port = port_of(node, "server_port"),
                        .protocol = fl_js_int(node, "protocol"),
                        .present = strcmp(fl_js_text(rule, "present"), half) == 0};
    if (!node || fl_addr_parse(fl_js_text(node, "client"), &e.client) != 0 ||
        fl_addr_parse(fl_js_text(node, "server"), &e.server) != 0 ||
        fl_time_parse(fl_js_text(example, "time"), 0, &e.time_ms) != 0)
        return 0;
    if (!json_object_get(node, "protocol"))
        e.protocol = fl_js_int(json_object_get(rule, half), "protocol");
    struct fl_scan_filter filter = {.location = fl_js_text(rule, "location"),
                                    .from_ms = e.time_ms - (e.present ? BEFORE_MS : 0),
                                    .to_ms = e.time_ms + AROUND_MS,
                                    .has_host = true,
                                    .host = e.client};
    int rc = fl_store_scan(cli->data, &filter, add_flows, &e, report, err);
    return rc == FL_ESTOP ? 0 : rc;
}

/* Give each example its "flows": [...] of the store. */
static int fetch_flows(const struct fl_cli *cli, json_t *rule, struct fl_err *err)
{
    size_t i;
    json_t *example;
    json_array_foreach(json_object_get(rule, "examples"), i, example)
    {
        struct fl_scan_report a = {0}, b = {0};
        json_t *first = json_array(), *second = json_array();
        int rc = fetch_half(cli, rule, example, "antecedent", first, &a, err);
        if (rc == 0)
            rc = fetch_half(cli, rule, example, "consequent", second, &b, err);
        fl_cli_damaged((const char(*)[256])a.damaged, a.n_damaged);
        if (rc == 0 && json_array_extend(first, second) != 0)
            rc = FL_ENOMEM;
        json_decref(second);
        if (rc) {
            json_decref(first);
            return rc;
        }
        json_object_set_new(example, "flows", first);
    }
    return 0;
}

static int print_examples(const json_t *rule)
{
    size_t i, j, shown = 0;
    json_t *example, *flow, *all = json_array();
    json_array_foreach(json_object_get(rule, "examples"), i, example)
        json_array_foreach(json_object_get(example, "flows"), j, flow) shown +=
        json_array_append(all, flow) == 0;
    printf("\nExample flows\n");
    if (shown > 0) {
        int code = fl_cli_flows_table(all);
        json_decref(all);
        return code;
    }
    printf("  none stored any more around the examples' times\n");
    json_decref(all);
    return 0;
}

static void print_instances(const json_t *instances)
{
    size_t i, n = json_array_size(instances);
    json_t *instance;
    if (n == 0)
        return;
    printf("\nInstances folded under it (%zu)\n", n);
    json_array_foreach(instances, i, instance)
    {
        char line[1000], a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT];
        snprintf(line, sizeof line, "%s  %s/%s", fl_js_text(instance, "rule"),
                 fl_human_percent(fl_js_real(instance, "confidence"), a),
                 fl_human_percent(fl_js_real(instance, "reverse_confidence"), b));
        printf("  %s\n", fl_human_clean(line));
    }
}

/* The decision that covers the rule, text or object, and what to do next. */
static void print_decision(const json_t *e)
{
    const char *status = fl_js_text(e, "status"), *note = fl_js_text(e, "note"), *key;
    long long id = (long long)fl_js_int(e, "id");
    json_t *decision = json_object_get(e, "decision"), *value;
    char line[600];
    if (json_is_object(decision)) {
        printf("\nDecision\n");
        json_object_foreach(decision, key, value) if (json_is_string(value) && json_string_length(value) > 0)
        {
            snprintf(line, sizeof line, "%-12s %s", key, json_string_value(value));
            printf("  %s\n", fl_human_clean(line));
        }
    } else if (*note) {
        snprintf(line, sizeof line, "%s", note);
        printf("\nNote: %s\n", fl_human_clean(line));
    }
    printf("\nNext\n");
    if (strcmp(status, "novel") == 0)
        printf("  flowlore accept %lld --note TEXT   it is as it should be: known from now on\n"
               "  flowlore ignore %lld --note TEXT   never list or alert it\n",
               id, id);
    else
        printf("  flowlore reopen %lld              take the decision back: novel again\n", id);
}

static int print_explanation(const json_t *e, const json_t *instances)
{
    char line[1000];
    snprintf(line, sizeof line, "Rule %lld at %s (%s%s%s): %s", (long long)fl_js_int(e, "id"),
             fl_js_text(e, "location"), fl_js_text(e, "status"), fl_js_text(e, "novelty")[0] ? ", " : "",
             fl_js_text(e, "novelty"), fl_js_text(e, "rule"));
    printf("%s\n\n", fl_human_clean(line));
    print_meaning(e);
    snprintf(line, sizeof line, "First seen %s, last seen %s (UTC), in %lld run%s.",
             fl_js_text(e, "first_seen"), fl_js_text(e, "last_seen"), (long long)fl_js_int(e, "runs_seen"),
             fl_js_int(e, "runs_seen") == 1 ? "" : "s");
    printf("%s\n", fl_human_clean(line));
    print_counts(e);
    print_timing(e);
    int code = print_examples(e);
    print_instances(instances);
    print_decision(e);
    return code ? code : fl_cli_end();
}

int fl_cli_explain(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    int64_t id = 0;
    json_t *evidence = NULL, *instances = json_array();
    int code = 0, rc = instances ? fl_rulesdb_open(&db, cli->data, FL_RULESDB_READ, &err) : FL_ENOMEM;
    if (rc == FL_ENOENT)
        rc = fl_fail(&err, rc, "no rule %s: there are no rules in %s yet; run flowlore mine", cli->args[0],
                     cli->data);
    if (rc == 0)
        rc = fl_rulesdb_find_rule(db, cli->args[0], cli->location, &id, &err);
    if (rc == 0)
        rc = fl_rulesdb_evidence(db, id, &evidence, &err);
    if (rc == 0)
        rc = fl_rulesdb_instances(db, id, fl_cli_collect, instances, &err);
    if (rc == 0)
        rc = fetch_flows(cli, evidence, &err);
    if (rc)
        code = fl_cli_fail(rc, &err);
    else if (cli->json) {
        /* "instances" is their number by contract; the rules themselves go under a name of their own. */
        json_object_set(evidence, "instance_rules", instances);
        fl_cli_json(NULL, evidence);
        code = fl_cli_end();
    } else
        code = print_explanation(evidence, instances);
    json_decref(evidence);
    json_decref(instances);
    fl_rulesdb_close(db);
    return code;
}
