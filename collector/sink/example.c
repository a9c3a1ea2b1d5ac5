/* An example names two conversations; the store still has the flows, with the ports that mining left open. */
#include "collector/sink/example.h"

#include <stdlib.h>
#include <string.h>

#include "collector/sink/community.h"
#include "storage/flow.h"
#include "storage/store.h"
#include "storage/timetext.h"

enum { AROUND_MS = 2000, BEFORE_MS = 3600 * 1000 };

/* One half of an example, and the flow that was found for it. */
struct half {
    struct fl_addr client, server;
    int64_t client_port, server_port; /* -1: any */
    uint8_t protocol;
    int64_t time_ms;
    bool present; /* was under way, so may have begun long before */
    bool found;
    struct fl_flow flow;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "53"; "8.0" of ICMP, as flows have it; -1 for what is no single port. */
static int64_t port_of(const json_t *node, const char *key)
{
    char *end;
    const char *text = text_of(node, key);
    long port = strtol(text, &end, 10);
    if (*text && *end == '.')
        port = port << 8 | strtol(end + 1, &end, 10);
    return *text && *end == 0 ? port : -1;
}

static int read_half(struct half *h, const json_t *rule, const json_t *example, const char *side)
{
    const json_t *node = json_object_get(example, side);
    *h = (struct half){.client_port = port_of(node, "client_port"),
                       .server_port = port_of(node, "server_port"),
                       .protocol = (uint8_t)json_integer_value(json_object_get(node, "protocol")),
                       .present = strcmp(text_of(rule, "present"), side) == 0};
    if (fl_addr_parse(text_of(node, "client"), &h->client) != 0 ||
        fl_addr_parse(text_of(node, "server"), &h->server) != 0)
        return FL_EINVAL;
    return fl_time_parse(text_of(example, "time"), 0, &h->time_ms);
}

static bool end_is(const struct fl_addr *a, uint16_t port, const struct fl_addr *host, int64_t wanted)
{
    return fl_addr_cmp(a, host) == 0 && (wanted < 0 || port == wanted);
}

static bool matches(const struct half *h, const struct fl_flow *f)
{
    bool icmp = fl_protocol_is_icmp(h->protocol);
    int64_t server_port = icmp ? -1 : h->server_port;
    if (f->protocol != h->protocol || (f->start_ms < h->time_ms && f->end_ms < h->time_ms))
        return false;
    return (end_is(&f->src, f->src_port, &h->client, h->client_port) &&
            end_is(&f->dst, f->dst_port, &h->server, server_port)) ||
           (end_is(&f->dst, f->dst_port, &h->client, h->client_port) &&
            end_is(&f->src, f->src_port, &h->server, server_port));
}

/* Of those that match the first to begin, so that the order in which they are stored does not matter. */
static int look(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct half *h = ctx;
    for (size_t i = 0; i < n; i++)
        if (matches(h, &flows[i]) && (!h->found || flows[i].start_ms < h->flow.start_ms)) {
            h->flow = flows[i];
            h->found = true;
        }
    return 0;
}

static void find_flow(struct half *h, const char *data_dir, const char *location)
{
    struct fl_scan_report report = {0};
    struct fl_scan_filter filter = {.location = location,
                                    .from_ms = h->time_ms - (h->present ? BEFORE_MS : 0),
                                    .to_ms = h->time_ms + AROUND_MS,
                                    .has_host = true,
                                    .host = h->client};
    fl_store_scan(data_dir, &filter, look, h, &report, NULL);
}

static void settle(struct half *h, const char *data_dir, const char *location)
{
    bool icmp = fl_protocol_is_icmp(h->protocol);
    if (h->server_port >= 0 && (icmp || h->client_port >= 0)) {
        h->flow = (struct fl_flow){.src = h->client,
                                   .dst = h->server,
                                   .src_port = icmp ? 0 : (uint16_t)h->client_port,
                                   .dst_port = (uint16_t)h->server_port,
                                   .protocol = h->protocol};
        h->found = true;
    } else {
        find_flow(h, data_dir, location);
    }
}

static void add_new(json_t *array, const char *text)
{
    size_t i;
    json_t *old;
    json_array_foreach(array, i, old) if (strcmp(json_string_value(old), text) == 0) return;
    json_array_append_new(array, json_string(text));
}

static void describe_half(struct half *h, json_t *community_ids, json_t *hosts)
{
    char id[FL_COMMUNITY_ID], address[FL_ADDR_TEXT];
    const struct fl_flow *f = &h->flow;
    add_new(hosts, fl_addr_format(&h->client, address));
    add_new(hosts, fl_addr_format(&h->server, address));
    if (h->found && fl_community_id(&f->src, &f->dst, f->src_port, f->dst_port, f->protocol, id))
        add_new(community_ids, id);
}

void fl_example_describe(struct fl_rulesdb *db, const char *data_dir, int64_t rule_id, json_t *community_ids,
                         json_t *hosts)
{
    static const char *const sides[] = {"antecedent", "consequent"};
    json_t *rule = NULL;
    if (fl_rulesdb_evidence(db, rule_id, &rule, NULL) != 0)
        return;
    json_t *examples = json_object_get(rule, "examples");
    size_t n = json_array_size(examples);
    const json_t *example = n ? json_array_get(examples, n - 1) : NULL;
    for (int side = 0; example && side < 2; side++) {
        struct half h;
        if (read_half(&h, rule, example, sides[side]) != 0)
            continue;
        settle(&h, data_dir, text_of(rule, "location"));
        describe_half(&h, community_ids, hosts);
    }
    json_decref(rule);
}
