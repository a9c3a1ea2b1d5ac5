/* What `flowlore import` says of a file: a sentence with the counts, remedies for what went wrong, or one
 * object. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/import/import_report.h"
#include "mining/cli.h"
#include "mining/human.h"
#include "storage/timetext.h"

/* "1,234 datagrams" behind `before`. */
static void part(const char *before, uint64_t count, const char *what)
{
    char number[FL_HUMAN_TEXT], word[FL_HUMAN_TEXT];
    printf("%s%s %s", before, fl_human_count(count, number), fl_human_plural(count, what, word));
}

/* The same, when there are any. */
static void part_if(const char *before, uint64_t count, const char *what)
{
    if (count)
        part(before, count, what);
}

static void figure(const char *before, uint64_t count, const char *after)
{
    char number[FL_HUMAN_TEXT];
    printf("%s%s %s", before, fl_human_count(count, number), after);
}

static const char *minute(int64_t ms, char text[FL_TIME_TEXT])
{
    fl_time_format_s(ms, text);
    text[10] = ' ';
    text[16] = '\0';
    return text;
}

static void print_places(const struct fl_import_result *r)
{
    for (size_t i = 0; i < r->n_locations && i < 3; i++)
        printf("%s%s", i == 0 ? " at " : ", ", r->locations[i].name);
    if (r->n_locations > 3)
        printf(" and %zu more", r->n_locations - 3);
}

static void print_flows(const struct fl_import_result *r)
{
    char from[FL_TIME_TEXT], to[FL_TIME_TEXT];
    if (r->kind == FL_INPUT_CAPTURE || r->kind == FL_INPUT_MESSAGES)
        part("", r->datagrams, "datagram");
    else
        part("", r->records, r->kind == FL_INPUT_NFCAPD ? "record" : "connection");
    part_if(" of ", r->exporters, "exporter");
    part(", ", r->flows, "flow");
    if (r->first_ms <= r->last_ms)
        printf(" from %s to %s (UTC)", minute(r->first_ms, from), minute(r->last_ms, to));
    print_places(r);
    figure("; ", r->stored, "stored");
    figure(", ", r->known, "already there");
    const char *before = "; ";
    if (r->malformed) {
        figure(before, r->malformed, "malformed");
        before = ", ";
    }
    if (r->unknown_template) {
        char number[FL_HUMAN_TEXT];
        printf("%s%s %s without template", before, fl_human_count(r->unknown_template, number),
               r->unknown_template == 1 ? "set" : "sets");
    }
    printf("\n");
}

static void print_refused(const struct fl_import_result *r)
{
    char text[FL_ADDR_TEXT];
    part_if("  ", r->refused, r->kind == FL_INPUT_NFCAPD ? "record" : "datagram");
    for (size_t i = 0; i < r->n_refused_senders && i < FL_IMPORT_REFUSED; i++)
        printf("%s%s", i == 0 ? " of " : ", ", fl_addr_format(&r->refused_senders[i], text));
    if (r->n_refused_senders > FL_IMPORT_REFUSED)
        printf(" and %zu more", r->n_refused_senders - FL_IMPORT_REFUSED);
    printf(
        " left out: no location holds the sender; add it to a location's prefixes, or say --location NAME\n");
}

/* What an operator can change, one line each. */
static void print_remedies(const struct fl_import_result *r)
{
    static const struct {
        size_t count;
        const char *what, *remedy;
    } remedies[] = {
        {offsetof(struct fl_import_result, packets.truncated), "packet",
         "captured only in part and left out: capture whole packets, tcpdump -s 0"},
        {offsetof(struct fl_import_result, packets.unassembled), "datagram",
         "left out for want of fragments: capture these too, tcpdump 'udp port 2055 or ip[6:2] & 0x1fff != 0 "
         "or "
         "ip6[6] = 44'"},
        {offsetof(struct fl_import_result, packets.sflow), "packet", "of sFlow, which is not understood"},
        {offsetof(struct fl_import_result, unknown_template), "set",
         "without template: it was sent before this recording began; name the one before it first, in one "
         "command"},
        {offsetof(struct fl_import_result, lost), NULL,
         "missing by the exporters' sequence numbers (v5: flows, v9: datagrams, IPFIX: records): lost before "
         "they "
         "were recorded"},
        {offsetof(struct fl_import_result, time_fallbacks), "flow",
         "without times that can be believed: stamped with the time of receipt"},
        {offsetof(struct fl_import_result, impossible), "flow", "with a time that cannot be, left out"},
        {offsetof(struct fl_import_result, skipped), "connection",
         "of other protocols than TCP, UDP and ICMP, left out"},
        {offsetof(struct fl_import_result, sampled), "flow",
         "sampled: nfcapd has scaled their packets and bytes already"},
    };
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++) {
        const uint64_t *count = (const uint64_t *)(const void *)((const char *)r + remedies[i].count);
        if (!*count)
            continue;
        if (remedies[i].what)
            part("  ", *count, remedies[i].what);
        else
            figure("  ", *count, "are");
        printf(" %s\n", remedies[i].remedy);
    }
    if (r->refused)
        print_refused(r);
}

static void print_complaints(const struct fl_import_result *r)
{
    for (size_t i = 0; i < r->n_complaints; i++)
        fl_cli_say("%s", r->complaints[i]);
    if (r->n_complaints && r->malformed > r->n_complaints)
        fl_cli_say("and %" PRIu64 " more like these", r->malformed - r->n_complaints);
}

static void print_text(const char *name, const struct fl_import_result *r)
{
    char clean[4200];
    snprintf(clean, sizeof clean, "%s", name);
    printf("%s: ", fl_human_clean(clean));
    if (r->kind == FL_INPUT_CAPTURE && r->datagrams == 0 && r->refused == 0) {
        part("no export in ", r->packets.packets, "packet");
        printf(": none is NetFlow v5, v9 or IPFIX over UDP\n");
    } else {
        print_flows(r);
    }
    print_remedies(r);
    print_complaints(r);
}

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *time_or_null(bool there, int64_t ms)
{
    char text[FL_TIME_TEXT];
    return there ? json_string(fl_time_format(ms, text)) : json_null();
}

static const char *kind_name(enum fl_input_kind kind)
{
    switch (kind) {
    case FL_INPUT_CAPTURE:
        return "capture";
    case FL_INPUT_MESSAGES:
        return "messages";
    case FL_INPUT_NFCAPD:
        return "nfcapd";
    case FL_INPUT_ZEEK_TSV:
        return "zeek-tsv";
    case FL_INPUT_ZEEK_JSON:
        return "zeek-json";
    default:
        return "unknown";
    }
}

static json_t *places(const struct fl_import_result *r)
{
    json_t *all = json_array();
    for (size_t i = 0; i < r->n_locations; i++)
        json_array_append_new(all, json_string(r->locations[i].name));
    return all;
}

static json_t *complaints(const struct fl_import_result *r)
{
    json_t *all = json_array();
    char clean[sizeof r->complaints[0]];
    for (size_t i = 0; i < r->n_complaints; i++) {
        memcpy(clean, r->complaints[i], sizeof clean);
        json_array_append_new(all, json_string(fl_human_clean(clean)));
    }
    return all;
}

static void print_object(const char *name, const struct fl_import_result *r, const char *error)
{
    bool any = r->first_ms <= r->last_ms;
    char clean[4200];
    snprintf(clean, sizeof clean, "%s", name);
    json_t *o = json_object();
    json_object_set_new(o, "file", json_string(fl_human_clean(clean)));
    json_object_set_new(o, "kind", json_string(kind_name(r->kind)));
    json_object_set_new(o, "locations", places(r));
    json_object_set_new(o, "from", time_or_null(any, r->first_ms));
    json_object_set_new(o, "to", time_or_null(any, r->last_ms));
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"datagrams", r->datagrams},
        {"records", r->records},
        {"exporters", r->exporters},
        {"flows", r->flows},
        {"stored", r->stored},
        {"already_there", r->known},
        {"malformed", r->malformed},
        {"unknown_template", r->unknown_template},
        {"not_flows", r->not_flows},
        {"time_fallbacks", r->time_fallbacks},
        {"impossible_times", r->impossible},
        {"lost", r->lost},
        {"refused", r->refused},
        {"packets", r->packets.packets},
        {"other_packets", r->packets.others},
        {"truncated", r->packets.truncated},
        {"unassembled", r->packets.unassembled},
        {"other_protocols", r->skipped},
        {"sampled", r->sampled},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(o, counts[i].name, number(counts[i].count));
    json_object_set_new(o, "complaints", complaints(r));
    json_object_set_new(o, "error", error ? json_string(error) : json_null());
    fl_cli_json(NULL, o);
    json_decref(o);
}

void fl_import_print(const char *name, const struct fl_import_result *r, const char *error, bool json)
{
    if (json)
        print_object(name, r, error);
    else if (!error || r->flows || r->datagrams || r->records)
        print_text(name, r);
    fflush(stdout);
}
