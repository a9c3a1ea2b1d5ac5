/* `flowlore flows`: stored flow records, as a table, JSON lines or CSV. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mining/cli.h"
#include "mining/human.h"
#include "storage/timetext.h"

static json_int_t scaled(uint64_t count, uint32_t sampling)
{
    uint64_t all;
    if (__builtin_mul_overflow(count, sampling > 1 ? sampling : 1, &all) || all > INT64_MAX)
        return INT64_MAX;
    return (json_int_t)all;
}

/* NULL, which becomes null, where the exporter told none. */
static const char *post_address(const struct fl_addr *a, char out[FL_ADDR_TEXT])
{
    static const struct fl_addr none;
    return fl_addr_cmp(a, &none) == 0 ? NULL : fl_addr_format(a, out);
}

static json_t *post_port(uint16_t port)
{
    return port ? json_integer(port) : json_null();
}

/* What the contract does not name stands behind what it names. */
static json_t *add_rest(json_t *object, const struct fl_flow *f)
{
    char src[FL_ADDR_TEXT], dst[FL_ADDR_TEXT];
    json_t *rest = json_pack(
        "{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:I, s:I}", "sampling_source",
        fl_sampling_source_name(f->sampling_source), "end_reason", fl_end_reason_name(f->end_reason),
        "direction", fl_direction_name(f->direction), "event", fl_event_name(f->event), "post_src",
        post_address(&f->post_src, src), "post_dst", post_address(&f->post_dst, dst), "post_src_port",
        post_port(f->post_src_port), "post_dst_port", post_port(f->post_dst_port), "scaled_packets",
        scaled(f->packets, f->sampling), "scaled_bytes", scaled(f->bytes, f->sampling));
    if (json_object_update(object, rest) != 0) {
        json_decref(object);
        object = NULL;
    }
    json_decref(rest);
    return object;
}

json_t *fl_cli_flow_json(const char *location, const struct fl_flow *f)
{
    char exporter[FL_ADDR_TEXT], src[FL_ADDR_TEXT], dst[FL_ADDR_TEXT], start[FL_TIME_TEXT], end[FL_TIME_TEXT];
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:i, s:I, s:s}",
        "location", location, "exporter", fl_addr_format(&f->exporter, exporter), "domain",
        (json_int_t)f->domain, "start", fl_time_format(f->start_ms, start), "end",
        fl_time_format(f->end_ms, end), "src", fl_addr_format(&f->src, src), "dst",
        fl_addr_format(&f->dst, dst), "src_port", f->src_port, "dst_port", f->dst_port, "protocol",
        f->protocol, "tcp_flags", f->tcp_flags, "packets", (json_int_t)f->packets, "bytes",
        (json_int_t)f->bytes, "in_if", (json_int_t)f->in_if, "out_if", (json_int_t)f->out_if, "tos", f->tos,
        "sampling", (json_int_t)f->sampling, "time_source", fl_time_source_name(f->time_source));
    return add_rest(object, f);
}

void fl_cli_csv_field(const char *text, bool first)
{
    char *copy = isatty(STDOUT_FILENO) ? strdup(text) : NULL;
    const char *clean = copy ? fl_human_clean(copy) : text;
    if (!first)
        putchar(',');
    if (strpbrk(clean, ",\"\r\n") == NULL)
        fputs(clean, stdout);
    else {
        putchar('"');
        for (const char *s = clean; *s; s++) {
            if (*s == '"')
                putchar('"');
            putchar(*s);
        }
        putchar('"');
    }
    free(copy);
}

void fl_cli_csv_value(const json_t *value, bool first)
{
    char number[40] = "";
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, sizeof number, "%.12g", json_real_value(value));
    fl_cli_csv_field(json_is_string(value) ? json_string_value(value) : number, first);
}

#define ENDPOINT 80 /* an IPv6 address in brackets and a port fit */

static const char *host_port(const char *address, int64_t port, char out[ENDPOINT])
{
    bool six = strchr(address, ':');
    snprintf(out, ENDPOINT, "%s%s%s:%" PRId64, six ? "[" : "", address, six ? "]" : "", port);
    return out;
}

/* What the endpoint became by translation, "" when nothing else. A firewall may tell the address, the port,
 * or both, and tells them where it translates nothing, too. */
static const char *translated(const json_t *flow, const char *host, const char *port, char out[ENDPOINT])
{
    char post_host[24], post_port[24], plain[ENDPOINT];
    snprintf(post_host, sizeof post_host, "post_%s", host);
    snprintf(post_port, sizeof post_port, "post_%s", port);
    const char *address = fl_js_text(flow, *fl_js_text(flow, post_host) ? post_host : host);
    int64_t number = fl_js_int(flow, fl_js_int(flow, post_port) ? post_port : port);
    host_port(fl_js_text(flow, host), fl_js_int(flow, port), plain);
    return strcmp(host_port(address, number, out), plain) ? out : strcpy(out, "");
}

/* "10.0.0.5:1234", "10.0.0.5:1234 as 203.0.113.7:6000", ICMP "10.0.0.5 8.0". */
static void endpoint(const json_t *flow, const char *host, const char *port, char out[3 * ENDPOINT])
{
    uint8_t protocol = (uint8_t)fl_js_int(flow, "protocol");
    const char *a = fl_js_text(flow, host),
               *post = fl_js_text(flow, strcmp(host, "src") ? "post_dst" : "post_src");
    char text[FL_PORT_TEXT], plain[ENDPOINT], became[ENDPOINT];
    if (fl_protocol_is_icmp(protocol)) {
        bool to = strcmp(port, "dst_port") == 0, moved = *post && strcmp(post, a);
        snprintf(out, 3 * ENDPOINT, "%s%s%s%s%s", a, moved ? " as " : "", moved ? post : "", to ? " " : "",
                 to ? fl_port_format((uint32_t)fl_js_int(flow, port), protocol, text) : "");
        return;
    }
    host_port(a, fl_js_int(flow, port), plain);
    translated(flow, host, port, became);
    snprintf(out, 3 * ENDPOINT, "%s%s%s", plain, *became ? " as " : "", became);
}

/* A count times the sampling interval; "~" says that it is one. */
static void scaled_cell(struct fl_table *t, const json_t *flow, const char *key,
                        const char *format(uint64_t, char *))
{
    char text[FL_HUMAN_TEXT + 1], number[FL_HUMAN_TEXT];
    snprintf(text, sizeof text, "%s%s", fl_js_int(flow, "sampling") > 1 ? "~" : "",
             format((uint64_t)fl_js_int(flow, key), number));
    fl_table_cell(t, text);
}

/* Which columns there are any words for. On a narrow terminal, what all flows share is said once, below. */
struct shape {
    size_t sampled, translated;
    bool events;
    const char *exporter, *location; /* left out of the rows; NULL: not */
};
enum { NARROW = 120 };

static void flow_cells(struct fl_table *t, const json_t *flow, const struct shape *shape)
{
    char text[6 * ENDPOINT + 8], protocol[8], a[3 * ENDPOINT], b[3 * ENDPOINT];
    const char *event = fl_js_text(flow, "event");
    int64_t start = 0, end = 0;
    fl_time_parse(fl_js_text(flow, "start"), 0, &start);
    fl_time_parse(fl_js_text(flow, "end"), 0, &end);
    snprintf(text, sizeof text, "%.23s", fl_js_text(flow, "start"));
    if (strlen(text) > 10)
        text[10] = ' ';
    fl_table_cell(t, text);
    fl_table_cell(t, fl_human_span(end - start, text));
    fl_table_cell(t, fl_protocol_format((uint8_t)fl_js_int(flow, "protocol"), protocol));
    endpoint(flow, "src", "src_port", a);
    endpoint(flow, "dst", "dst_port", b);
    snprintf(text, sizeof text, "%s -> %s", a, b);
    fl_table_cell(t, text);
    if (shape->events)
        fl_table_cell_coloured(t, event, strcmp(event, "denied") ? FL_PLAIN : FL_RED);
    scaled_cell(t, flow, "scaled_packets", fl_human_count);
    scaled_cell(t, flow, "scaled_bytes", fl_human_bytes);
    if (!shape->exporter)
        fl_table_cell(t, fl_js_text(flow, "exporter"));
    if (!shape->location)
        fl_table_cell(t, fl_js_text(flow, "location"));
}

/* The text that all rows have under a key; NULL when they differ. */
static const char *shared(const json_t *flows, const char *key)
{
    size_t i;
    json_t *flow;
    const char *first = fl_js_text(json_array_get(flows, 0), key);
    json_array_foreach(flows, i, flow) if (strcmp(fl_js_text(flow, key), first) != 0) return NULL;
    return first;
}

static struct shape shape_of(const json_t *flows)
{
    struct shape shape = {0};
    size_t i, width = fl_terminal_width(stdout);
    json_t *flow;
    char text[ENDPOINT];
    if (width && width < NARROW) {
        shape.exporter = shared(flows, "exporter");
        shape.location = shared(flows, "location");
    }
    json_array_foreach(flows, i, flow)
    {
        shape.sampled += fl_js_int(flow, "sampling") > 1;
        shape.events = shape.events || *fl_js_text(flow, "event");
        shape.translated +=
            *translated(flow, "src", "src_port", text) || *translated(flow, "dst", "dst_port", text);
    }
    return shape;
}

static void say_notes(const struct shape *shape)
{
    if (shape->exporter || shape->location)
        fl_cli_say("note: all of these flows are%s%s%s%s", shape->exporter ? " from exporter " : "",
                   shape->exporter ? shape->exporter : "", shape->location ? " of location " : "",
                   shape->location ? shape->location : "");
    if (shape->sampled > 0)
        fl_cli_say("note: %zu of these flows %s sampled; figures with ~ are what was seen times the sampling "
                   "interval (--json has both)",
                   shape->sampled, shape->sampled == 1 ? "is" : "are");
    if (shape->translated > 0)
        fl_cli_say("note: %zu of these flows %s translated; \"as\" tells the address and port behind it",
                   shape->translated, shape->translated == 1 ? "is" : "are");
}

int fl_cli_flows_table(const json_t *flows)
{
    static const struct fl_column every[] = {
        {"START (UTC)", FL_LEFT, false}, {"LASTED", FL_RIGHT, false},  {"PROTO", FL_LEFT, false},
        {"FLOW", FL_LEFT, true},         {"EVENT", FL_LEFT, false},    {"PACKETS", FL_RIGHT, false},
        {"BYTES", FL_RIGHT, false},      {"EXPORTER", FL_LEFT, false}, {"LOCATION", FL_LEFT, false},
    };
    enum { N_COLUMNS = sizeof every / sizeof every[0], EVENT = 4, EXPORTER = 7, LOCATION = 8 };
    struct fl_column columns[N_COLUMNS];
    struct shape shape = shape_of(flows);
    struct fl_table *t;
    size_t i, n = 0;
    json_t *flow;
    for (i = 0; i < N_COLUMNS; i++)
        if (!(i == EVENT && !shape.events) && !(i == EXPORTER && shape.exporter) &&
            !(i == LOCATION && shape.location))
            columns[n++] = every[i];
    if (fl_table_new(&t, columns, n) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(flows, i, flow) flow_cells(t, flow, &shape);
    int code = fl_cli_table(t);
    say_notes(&shape);
    return code;
}

/* The first `limit` flows of a bucket by start: an array of at most twice that, cut when it is full. */
struct gather {
    struct fl_flow *flows;
    size_t n, room, limit; /* limit 0: no bound */
    uint64_t matched;
};

static int compare_flows(const void *a, const void *b)
{
    const struct fl_flow *x = a, *y = b;
    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    if (x->end_ms != y->end_ms)
        return x->end_ms < y->end_ms ? -1 : 1;
    int c = fl_addr_cmp(&x->src, &y->src);
    return c ? c : fl_addr_cmp(&x->dst, &y->dst);
}

static void cut(struct gather *g)
{
    if (g->n > 1)
        qsort(g->flows, g->n, sizeof *g->flows, compare_flows);
    if (g->limit && g->n > g->limit)
        g->n = g->limit;
}

static int gather_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct gather *g = ctx;
    for (size_t i = 0; i < n; i++) {
        if (g->n == g->room && g->limit && g->n >= 2 * g->limit)
            cut(g);
        if (g->n == g->room) {
            size_t room = g->room ? 2 * g->room : 1024;
            struct fl_flow *more = reallocarray(g->flows, room, sizeof *more);
            if (!more)
                return FL_ENOMEM;
            g->flows = more;
            g->room = room;
        }
        g->flows[g->n++] = flows[i];
        g->matched++;
    }
    return fl_cli_stopped ? FL_ESTOP : 0;
}

struct listing {
    const struct fl_cli *cli;
    json_t *rows; /* for the table */
    size_t limit, shown;
    bool more;
};

static int show(struct listing *l, const char *location, const struct fl_flow *flow)
{
    json_t *object = fl_cli_flow_json(location, flow), *value;
    const char *key;
    int rc = object ? 0 : FL_ENOMEM;
    bool first = true;
    if (object && l->cli->csv) {
        json_object_foreach(object, key, value)
        {
            fl_cli_csv_value(value, first);
            first = false;
        }
        putchar('\n');
    } else if (object)
        rc = l->cli->json ? fl_cli_json(NULL, object) : fl_cli_collect(l->rows, object);
    json_decref(object);
    return rc;
}

/* One location's stretch of buckets, in order of start. */
static int list_stretch(struct listing *l, const struct fl_scan_filter *filter, struct fl_err *err)
{
    struct gather g = {.limit = l->limit ? l->limit - l->shown + 1 : 0};
    struct fl_scan_report report = {0};
    int rc = fl_store_scan(l->cli->data, filter, gather_flows, &g, &report, err);
    fl_cli_damaged((const char(*)[256])report.damaged, report.n_damaged);
    cut(&g);
    for (size_t i = 0; rc == 0 && i < g.n && !l->more; i++) {
        l->more = l->limit && l->shown == l->limit;
        if (!l->more) {
            rc = show(l, filter->location, &g.flows[i]);
            l->shown++;
        }
    }
    free(g.flows);
    return rc;
}

/* Buckets that meet in time (their length was changed) are read as one, so that no flow shows twice. */
static int list_buckets(struct listing *l, const struct fl_scan_filter *asked, struct fl_err *err)
{
    struct fl_bucket_list buckets = {0};
    int rc = fl_store_buckets(l->cli->data, asked->location, asked->from_ms, asked->to_ms, &buckets, err);
    for (size_t i = 0; rc == 0 && i < buckets.n && !l->more;) {
        struct fl_scan_filter filter = *asked;
        const struct fl_bucket_info *first = &buckets.items[i];
        int64_t to_ms = first->to_ms;
        for (i++; i < buckets.n && strcmp(buckets.items[i].location, first->location) == 0 &&
                  buckets.items[i].from_ms < to_ms;
             i++)
            if (buckets.items[i].to_ms > to_ms)
                to_ms = buckets.items[i].to_ms;
        filter.location = first->location;
        if (first->from_ms > filter.from_ms)
            filter.from_ms = first->from_ms;
        if (to_ms < filter.to_ms)
            filter.to_ms = to_ms;
        rc = list_stretch(l, &filter, err);
    }
    fl_bucket_list_clear(&buckets);
    return rc;
}

static int number(const char *option, const char *text, uint64_t greatest, uint64_t *out, struct fl_err *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value > greatest)
        return fl_fail(err, FL_EINVAL, "%s \"%.40s\" is not a number from 0 to %" PRIu64, option, text,
                       greatest);
    *out = value;
    return 0;
}

static int read_filter(const struct fl_cli *cli, struct fl_scan_filter *filter, size_t *limit,
                       struct fl_err *err)
{
    uint64_t value = 100;
    int rc = fl_cli_span(cli, &filter->from_ms, &filter->to_ms, err);
    if (rc == 0 && cli->json && cli->csv)
        rc = fl_fail(err, FL_EINVAL, "--json and --csv exclude each other");
    if (rc == 0 && cli->limit)
        rc = number("--limit", cli->limit, 1000000000000, &value, err);
    *limit = value;
    if (rc == 0 && cli->port) {
        rc = number("--port", cli->port, 65535, &value, err);
        filter->port = (uint16_t)value;
    }
    if (rc == 0 && cli->host && fl_addr_parse(cli->host, &filter->host) != 0)
        rc = fl_fail(err, FL_EINVAL, "--host \"%.60s\" is not an address such as 10.0.0.5 or 2001:db8::5",
                     cli->host);
    filter->has_host = cli->host != NULL;
    filter->has_port = cli->port != NULL;
    filter->location = cli->location;
    return rc;
}

static void csv_head(void)
{
    const char *key;
    json_t *value, *object = fl_cli_flow_json("", &(struct fl_flow){0});
    bool first = true;
    json_object_foreach(object, key, value)
    {
        fl_cli_csv_field(key, first);
        first = false;
    }
    putchar('\n');
    json_decref(object);
}

int fl_cli_flows(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_scan_filter filter = {.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    struct listing l = {.cli = cli};
    int code, rc = read_filter(cli, &filter, &l.limit, &err);
    if (rc)
        return fl_cli_fail(rc, &err);
    l.rows = json_array();
    if (cli->csv)
        csv_head();
    rc = l.rows ? list_buckets(&l, &filter, &err) : FL_ENOMEM;
    bool asked = cli->location || cli->from || cli->to || cli->host || cli->port;
    if (rc)
        code = fl_cli_fail(rc, &err);
    else if (cli->json || cli->csv)
        code = fl_cli_end();
    else if (l.shown > 0)
        code = fl_cli_flows_table(l.rows);
    else {
        printf(asked ? "No stored flow matches.\n"
                     : "No flows are stored yet. Point an exporter at flowlored.\n");
        code = fl_cli_end();
    }
    if (l.more && code == FL_EXIT_OK)
        fl_cli_say("the first %zu %s shown, more match; --limit N shows more, --limit 0 all", l.shown,
                   l.shown == 1 ? "flow is" : "flows are");
    json_decref(l.rows);
    return code;
}
