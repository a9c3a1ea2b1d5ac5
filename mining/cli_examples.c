/* Example flows of a rule: the conversations behind its examples, and what the store still has of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli_explain.h"
#include "mining/human.h"
#include "storage/timetext.h"

enum { AROUND_MS = 5000, BEFORE_MS = 600000, FLOWS_EACH = 6 };

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
    bool icmp = fl_protocol_is_icmp(e->protocol);
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

int fl_explain_fetch(const struct fl_cli *cli, json_t *rule, struct fl_err *err)
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

/* "10.0.0.5 -> 10.0.0.9:143/tcp". */
static void conversation_words(const json_t *node, const json_t *protocol_of, char out[160])
{
    char protocol[8];
    int64_t number = fl_js_int(json_object_get(node, "protocol") ? node : protocol_of, "protocol");
    const char *port = fl_js_text(node, "server_port"), *server = fl_js_text(node, "server");
    bool six = strchr(server, ':') != NULL, any = strcmp(port, "*") == 0;
    snprintf(out, 160, "%.45s -> %s%.45s%s%s%.11s/%s", fl_js_text(node, "client"), six ? "[" : "", server,
             six ? "]" : "", any ? "" : ":", any ? "" : port, fl_protocol_format((uint8_t)number, protocol));
}

/* What comes first stands first, where that is clear. */
static void print_conversations(const json_t *rule, size_t width)
{
    size_t i;
    json_t *example;
    bool turned = fl_js_int(rule, "lag_ms") < 0;
    const char *first = turned ? "consequent" : "antecedent", *second = turned ? "antecedent" : "consequent";
    json_array_foreach(json_object_get(rule, "examples"), i, example)
    {
        char a[160], b[160] = "", line[400];
        const json_t *one = json_object_get(example, first), *other = json_object_get(example, second);
        if (!json_is_object(one)) /* a periodic rule has but one */
            one = json_object_get(example, "antecedent");
        conversation_words(one, json_object_get(rule, json_is_object(other) ? first : "antecedent"), a);
        if (json_is_object(other) && other != one)
            conversation_words(other, json_object_get(rule, second), b);
        snprintf(line, sizeof line, "%.19s  %s%s%s", fl_js_text(example, "time"), a, *b ? ", with " : "", b);
        if (strlen(line) > 10 && line[10] == 'T')
            line[10] = ' ';
        fl_text_print(stdout, fl_human_clean(line), 2, 4, width);
    }
}

int fl_explain_print_examples(const json_t *rule)
{
    size_t i, j, shown = 0;
    json_t *example, *flow, *all = json_array();
    json_array_foreach(json_object_get(rule, "examples"), i, example)
        json_array_foreach(json_object_get(example, "flows"), j, flow) shown +=
        json_array_append(all, flow) == 0;
    if (json_array_size(json_object_get(rule, "examples")) > 0)
        printf("\nExamples (start of the window, UTC)\n");
    print_conversations(rule, fl_terminal_width(stdout));
    printf("\nTheir flows\n");
    if (shown > 0) {
        int code = fl_cli_flows_table(all);
        json_decref(all);
        return code;
    }
    printf("  none stored any more around the examples' times\n");
    json_decref(all);
    return 0;
}
