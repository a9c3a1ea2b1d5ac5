/* An alert's event as JSON: where each figure goes in the Elastic Common Schema. */
#include "collector/sink/event.h"

#include <stdio.h>
#include <string.h>

#include "storage/rule.h"
#include "storage/timetext.h"

/* ECS gives severity no scale; these are the ones of Elastic's detection rules, 0..100. */
static int severity_of(const json_t *alert)
{
    static const struct {
        const char *name;
        int number;
    } scale[] = {{"low", 21}, {"medium", 47}, {"high", 73}};
    const char *severity = json_string_value(json_object_get(alert, "severity"));
    for (size_t i = 0; severity && i < sizeof scale / sizeof *scale; i++)
        if (!strcmp(severity, scale[i].name))
            return scale[i].number;
    return 0;
}

static void set_text(json_t *object, const char *key, json_t *value)
{
    if (json_is_string(value))
        json_object_set(object, key, value);
}

/* "tcp", or the two protocols of a rule that joins them: ["udp", "tcp"]. */
static json_t *transport_of(const char *rule)
{
    struct fl_node a, b;
    char first[8], second[8];
    int single = rule ? fl_rule_parse(rule, &a, &b) : FL_EINVAL;
    if (single < 0)
        return NULL;
    if (single)
        b = a;
    const char *one = fl_protocol_format(a.protocol, first), *two = fl_protocol_format(b.protocol, second);
    return a.protocol == b.protocol ? json_string(one) : json_pack("[ss]", one, two);
}

static json_t *network_of(const char *rule, json_t *community_ids)
{
    json_t *network = json_object(), *transport = transport_of(rule);
    size_t n = json_array_size(community_ids);
    if (transport)
        json_object_set_new(network, "transport", transport);
    if (n)
        json_object_set(network, "community_id", n == 1 ? json_array_get(community_ids, 0) : community_ids);
    if (json_object_size(network))
        return network;
    json_decref(network);
    return NULL;
}

static json_t *rule_of(const json_t *alert)
{
    json_t *rule = json_object(), *id = json_object_get(alert, "rule_id");
    char text[24];
    set_text(rule, "name", json_object_get(alert, "rule"));
    if (json_is_integer(id)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(id));
        json_object_set_new(rule, "id", json_string(text));
    }
    return rule;
}

/* When it happened: the alert tells of its opening and its closing. */
static json_t *timestamp_of(const json_t *alert, const struct fl_outbox_item *item, const char *made)
{
    const char *key = strcmp(item->kind, "opened") == 0 ? "opened" : "closed";
    json_t *told = json_object_get(alert, key);
    return json_is_string(told) && strcmp(item->kind, "grown") != 0 ? json_incref(told) : json_string(made);
}

static const char *type_of(const char *kind)
{
    return strcmp(kind, "opened") == 0 ? "start" : strcmp(kind, "closed") == 0 ? "end" : "info";
}

json_t *fl_event_make(json_t *alert, const struct fl_outbox_item *item, json_t *community_ids, json_t *hosts)
{
    char made[FL_TIME_TEXT], action[32];
    json_t *message = json_object_get(alert, "text"), *name = json_object_get(alert, "rule");
    json_t *network = network_of(json_string_value(name), community_ids);
    snprintf(action, sizeof action, "alert-%s", item->kind);
    fl_time_format(item->made_ms, made);
    json_t *line = json_pack("{s:o, s:o, s:{s:s, s:s, s:s, s:[s], s:[s], s:s, s:s, s:i}, s:o, s:{s:s}, s:O}",
                             "@timestamp", timestamp_of(alert, item, made), "ecs",
                             json_pack("{s:s}", "version", "8.0.0"), "event", "kind", "alert", "id",
                             item->uid, "action", action, "category", "network", "type", type_of(item->kind),
                             "created", made, "module", "flowlore", "severity", severity_of(alert), "rule",
                             rule_of(alert), "observer", "type", "flowlore", "flowlore", alert);
    set_text(line, "message", json_is_string(message) ? message : name);
    set_text(json_object_get(line, "observer"), "name", json_object_get(alert, "location"));
    if (line && network)
        json_object_set(line, "network", network);
    if (line && json_array_size(hosts))
        json_object_set_new(line, "related", json_pack("{s:O}", "ip", hosts));
    json_decref(network);
    return line;
}

json_t *fl_event_test(const char *sink, const struct fl_outbox_item *item)
{
    char made[FL_TIME_TEXT], text[160];
    fl_time_format(item->made_ms, made);
    snprintf(text, sizeof text, "A test of the sink %s: flowlore can tell you its alerts here", sink);
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s, s:s, s:i}, s:{s:s}}", "@timestamp", made,
                     "message", text, "ecs", "version", "8.0.0", "event", "kind", "event", "id", item->uid,
                     "action", "test", "created", made, "module", "flowlore", "severity", 0, "observer",
                     "type", "flowlore");
}
