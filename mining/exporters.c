/* Sessions read back from the rules database, and what is worked out from their figures. */
#include "mining/exporters.h"

#include <stdlib.h>
#include <string.h>

#include "storage/flow.h"
#include "storage/timetext.h"

static int64_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static uint64_t counter(const json_t *o, const char *key)
{
    int64_t value = whole(o, key);
    return value > 0 ? (uint64_t)value : 0;
}

static const char *text(const json_t *o, const char *key)
{
    const char *value = json_string_value(json_object_get(o, key));
    return value ? value : "";
}

static int64_t time_of(const json_t *o, const char *key)
{
    int64_t ms = 0;
    fl_time_parse(text(o, key), 0, &ms);
    return ms;
}

static uint8_t sampling_source(const char *name)
{
    for (uint8_t i = FL_SAMPLING_NONE; i <= FL_SAMPLING_CONFIG; i++)
        if (strcmp(name, fl_sampling_source_name(i)) == 0)
            return i;
    return FL_SAMPLING_NONE;
}

void fl_session_read(struct fl_exporter_stats *e, const json_t *o)
{
    *e = (struct fl_exporter_stats){.source_port = (uint16_t)whole(o, "source_port"),
                                    .domain = (uint32_t)whole(o, "domain"),
                                    .version = (uint8_t)whole(o, "version"),
                                    .packets = counter(o, "packets"),
                                    .flows = counter(o, "flows"),
                                    .lost = counter(o, "lost"),
                                    .reordered = counter(o, "reordered"),
                                    .duplicates = counter(o, "duplicates"),
                                    .restarts = counter(o, "restarts"),
                                    .malformed = counter(o, "malformed"),
                                    .unknown_template = counter(o, "unknown_template"),
                                    .waiting = counter(o, "waiting"),
                                    .not_flows = counter(o, "not_flows"),
                                    .options = counter(o, "options"),
                                    .time_fallbacks = counter(o, "time_fallbacks"),
                                    .templates = (uint32_t)whole(o, "templates"),
                                    .template_oldest_ms = time_of(o, "template_oldest"),
                                    .template_newest_ms = time_of(o, "template_newest"),
                                    .sampling = (uint32_t)whole(o, "sampling"),
                                    .sampling_source = sampling_source(text(o, "sampling_source")),
                                    .sampling_told = (uint32_t)whole(o, "sampling_told"),
                                    .clock_skew_ms = whole(o, "clock_skew_ms"),
                                    .active_timeout_ms = whole(o, "active_timeout_ms"),
                                    .inactive_timeout_ms = whole(o, "inactive_timeout_ms"),
                                    .flows_per_s = json_number_value(json_object_get(o, "flows_per_s")),
                                    .first_seen_ms = time_of(o, "first_seen"),
                                    .last_seen_ms = time_of(o, "last_seen")};
    strncpy(e->location, text(o, "location"), sizeof e->location - 1);
    fl_addr_parse(text(o, "address"), &e->address);
}

static int compare(const void *left, const void *right)
{
    const struct fl_exporter_stats *a = left, *b = right;
    int c = strcmp(a->location, b->location);
    if (c == 0)
        c = fl_addr_cmp(&a->address, &b->address);
    if (c)
        return c;
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->source_port != b->source_port)
        return a->source_port < b->source_port ? -1 : 1;
    return (int)a->version - (int)b->version;
}

int fl_sessions_read(struct fl_sessions *out, const json_t *rows)
{
    size_t i;
    json_t *row;
    *out = (struct fl_sessions){calloc(json_array_size(rows) + 1, sizeof *out->items), 0};
    if (!out->items)
        return FL_ENOMEM;
    json_array_foreach(rows, i, row) fl_session_read(&out->items[out->n++], row);
    qsort(out->items, out->n, sizeof *out->items, compare);
    return 0;
}

void fl_sessions_clear(struct fl_sessions *s)
{
    free(s->items);
    *s = (struct fl_sessions){0};
}

size_t fl_sessions_of_one(const struct fl_sessions *s, size_t first)
{
    const struct fl_exporter_stats *e = &s->items[first];
    size_t n = 1;
    while (first + n < s->n && strcmp(e[n].location, e->location) == 0 &&
           fl_addr_cmp(&e[n].address, &e->address) == 0)
        n++;
    return n;
}

void fl_service_read(struct fl_service_stats *out, const json_t *object)
{
    size_t i;
    json_t *row, *refused = json_object_get(object, "refused_senders");
    *out = (struct fl_service_stats){.datagrams = counter(object, "datagrams"),
                                     .refused = counter(object, "refused"),
                                     .malformed = counter(object, "malformed"),
                                     .kernel_drops = counter(object, "kernel_drops"),
                                     .queue_shed = counter(object, "queue_shed"),
                                     .disk_shed = counter(object, "disk_shed"),
                                     .stored = counter(object, "stored"),
                                     .sessions_dropped = counter(object, "sessions_dropped"),
                                     .started_ms = time_of(object, "started"),
                                     .updated_ms = time_of(object, "updated"),
                                     .running = json_is_true(json_object_get(object, "running"))};
    json_array_foreach(refused, i, row)
    {
        struct fl_refused_sender *r = &out->refused_senders[out->n_refused_senders];
        if (out->n_refused_senders == FL_REFUSED_SENDERS ||
            fl_addr_parse(text(row, "address"), &r->address) != 0)
            continue;
        r->datagrams = counter(row, "datagrams");
        r->last_seen_ms = time_of(row, "last_seen");
        out->n_refused_senders++;
    }
}

const char *fl_loss_unit(unsigned version)
{
    return version == 5 ? "flows" : version == 9 ? "datagrams" : "records";
}

const char *fl_dialect_name(unsigned version)
{
    return version == 5 ? "v5" : version == 9 ? "v9" : version == 10 ? "ipfix" : "?";
}

void fl_loss_of(const struct fl_exporter_stats *sessions, size_t n, unsigned version, uint64_t *lost,
                uint64_t *received)
{
    *lost = *received = 0;
    for (size_t i = 0; i < n; i++) {
        const struct fl_exporter_stats *e = &sessions[i];
        if (e->version != version)
            continue;
        *lost += e->lost;
        if (version == 9)
            *received += e->packets;
        else /* of IPFIX every data record counts (RFC 7011 section 3.1) */
            *received += e->flows + e->not_flows + e->options;
    }
}

double fl_loss_share(uint64_t lost, uint64_t received)
{
    double all = (double)lost + (double)received;
    return all > 0 ? (double)lost / all : 0;
}
