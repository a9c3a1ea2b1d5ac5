/* `flowlore status`, the exporters: all of them at a glance, one row an exporter, or one of them in full. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mining/cli_status.h"
#include "mining/human.h"
#include "storage/flow.h"
#include "storage/timetext.h"

enum { SKEW_MS = 2000 };

/* The sessions of one exporter, in order of domain. */
struct group {
    const struct fl_exporter_stats *of, *newest;
    size_t n;
};

static struct group group_at(const struct fl_sessions *sessions, size_t first)
{
    struct group g = {&sessions->items[first], &sessions->items[first], fl_sessions_of_one(sessions, first)};
    for (size_t i = 0; i < g.n; i++)
        if (g.of[i].last_seen_ms > g.newest->last_seen_ms)
            g.newest = &g.of[i];
    return g;
}

/* ---- cells ---- */

#define CELL 120

static const char *domain_text(const struct group *g, char out[CELL])
{
    size_t domains = 1;
    for (size_t i = 1; i < g->n; i++)
        domains += g->of[i].domain != g->of[i - 1].domain;
    if (domains > 1)
        snprintf(out, CELL, "%zu domains", domains);
    else
        snprintf(out, CELL, "%" PRIu32, g->of[0].domain);
    if (g->n > domains)
        snprintf(out + strlen(out), CELL - strlen(out), " (%zu sessions)", g->n);
    return out;
}

static const char *dialect_text(const struct group *g, char out[CELL])
{
    static const unsigned versions[] = {5, 9, 10};
    out[0] = 0;
    for (size_t v = 0; v < 3; v++)
        for (size_t i = 0; i < g->n; i++)
            if (g->of[i].version == versions[v]) {
                snprintf(out + strlen(out), CELL - strlen(out), "%s%s", out[0] ? ", " : "",
                         fl_dialect_name(versions[v]));
                break;
            }
    return out;
}

static const char *rate_text(const struct fl_status *s, const struct group *g, char out[FL_HUMAN_TEXT])
{
    double sum = 0;
    bool any = false;
    for (size_t i = 0; i < g->n; i++)
        if (fl_status_fresh(s, &g->of[i])) {
            sum += g->of[i].flows_per_s;
            any = true;
        }
    if (any && sum < 0.05)
        return strcpy(out, "0");
    return any ? fl_human_factor(sum, out) : strcpy(out, "-");
}

/* Every dialect's loss in its own unit: "20 records (1.0%)", or "0". */
static const char *loss_text(const struct group *g, char out[CELL])
{
    static const unsigned versions[] = {5, 9, 10};
    char count[FL_HUMAN_TEXT], percent[FL_HUMAN_TEXT];
    out[0] = 0;
    for (size_t v = 0; v < 3; v++) {
        uint64_t lost, received;
        fl_loss_of(g->of, g->n, versions[v], &lost, &received);
        if (lost > 0)
            snprintf(out + strlen(out), CELL - strlen(out), "%s%s %s (%s)", out[0] ? ", " : "",
                     fl_human_count(lost, count), fl_loss_unit(versions[v]),
                     fl_human_percent(fl_loss_share(lost, received), percent));
    }
    return out[0] ? out : strcpy(out, "0");
}

static const char *template_text(const struct fl_status *s, const struct group *g, char out[CELL])
{
    char count[FL_HUMAN_TEXT], age[FL_HUMAN_TEXT];
    uint64_t templates = 0;
    int64_t newest_ms = 0;
    bool any = false;
    for (size_t i = 0; i < g->n; i++) {
        any = any || g->of[i].version != 5;
        templates += g->of[i].templates;
        if (g->of[i].template_newest_ms > newest_ms)
            newest_ms = g->of[i].template_newest_ms;
    }
    if (!any)
        return strcpy(out, "-");
    snprintf(out, CELL, "%s%s%s", fl_human_count(templates, count), newest_ms ? ", " : "",
             newest_ms ? fl_human_age(s->now_ms - newest_ms, age) : "");
    return out;
}

static const char *sampling_text(const struct group *g, char out[CELL])
{
    char count[FL_HUMAN_TEXT];
    const struct fl_exporter_stats *e = g->newest;
    for (size_t i = 0; i < g->n; i++)
        if (g->of[i].sampling != e->sampling || g->of[i].sampling_source != e->sampling_source)
            return strcpy(out, "varies");
    if (e->sampling <= 1 && e->sampling_source == FL_SAMPLING_NONE)
        return strcpy(out, "none");
    snprintf(out, CELL, "1 in %s (%s)", fl_human_count(e->sampling, count),
             fl_sampling_source_name(e->sampling_source));
    return out;
}

/* Seconds as routers are configured, "60 s"; "-" when not known. */
static const char *seconds_text(int64_t ms, char out[FL_HUMAN_TEXT])
{
    if (ms <= 0)
        return strcpy(out, "-");
    if (ms < 1000)
        return fl_human_span(ms, out);
    snprintf(out, FL_HUMAN_TEXT, "%" PRId64 " s", (ms + 500) / 1000);
    return out;
}

static const char *timeout_text(const struct fl_exporter_stats *e, char out[CELL])
{
    char active[FL_HUMAN_TEXT], inactive[FL_HUMAN_TEXT];
    if (!e->active_timeout_ms && !e->inactive_timeout_ms)
        return strcpy(out, "-");
    snprintf(out, CELL, "%s/%s", seconds_text(e->active_timeout_ms, active),
             seconds_text(e->inactive_timeout_ms, inactive));
    return out;
}

static uint64_t flows_of(const struct group *g, bool malformed)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < g->n; i++)
        sum += malformed ? g->of[i].malformed : g->of[i].flows;
    return sum;
}

static bool skewed(const struct fl_exporter_stats *e)
{
    return e->clock_skew_ms > SKEW_MS || e->clock_skew_ms < -SKEW_MS;
}

static void exporter_cells(struct fl_table *t, const struct fl_status *s, const struct group *g)
{
    char text[CELL], number[FL_HUMAN_TEXT], address[FL_ADDR_TEXT];
    bool idle = fl_status_idle(s, g->newest);
    enum fl_colour plain = idle ? FL_DIM : FL_PLAIN;
    uint64_t malformed = flows_of(g, true);
    fl_table_cell_coloured(t, fl_addr_format(&g->of[0].address, address), plain);
    fl_table_cell_coloured(t, g->of[0].location, plain);
    fl_table_cell_coloured(t, dialect_text(g, text), plain);
    fl_table_cell_coloured(t, rate_text(s, g, number), plain);
    loss_text(g, text);
    fl_table_cell_coloured(t, text, strcmp(text, "0") ? FL_RED : plain);
    snprintf(text, sizeof text, "%s ago%s", fl_human_age(s->now_ms - g->newest->last_seen_ms, number),
             idle ? ", idle" : "");
    fl_table_cell_coloured(t, text, plain);
    fl_table_cell_coloured(t, domain_text(g, text), plain);
    fl_table_cell_coloured(t, fl_human_count(flows_of(g, false), number), plain);
    fl_table_cell_coloured(t, fl_human_count(malformed, number), malformed ? FL_RED : plain);
    fl_table_cell_coloured(t, template_text(s, g, text), plain);
    fl_table_cell_coloured(t, sampling_text(g, text), plain);
    fl_table_cell_coloured(t, fl_human_span(g->newest->clock_skew_ms, number),
                           skewed(g->newest) ? FL_RED : plain);
    fl_table_cell_coloured(t, timeout_text(g->newest, text), plain);
}

int fl_status_print_exporters(const struct fl_status *s)
{
    static const struct fl_column columns[] = {
        {"EXPORTER", FL_LEFT, false},  {"LOCATION", FL_LEFT, false}, {"DIALECT", FL_LEFT, false},
        {"FLOWS/S", FL_RIGHT, false},  {"LOST", FL_RIGHT, false},    {"LAST SEEN", FL_LEFT, false},
        {"DOMAIN", FL_LEFT, false},    {"FLOWS", FL_RIGHT, false},   {"MALFORMED", FL_RIGHT, false},
        {"TEMPLATES", FL_LEFT, false}, {"SAMPLING", FL_LEFT, false}, {"CLOCK", FL_RIGHT, false},
        {"TIMEOUTS", FL_LEFT, false},
    };
    struct fl_table *t;
    printf("\nExporters\n");
    if (s->sessions.n == 0) {
        printf("  none has sent anything yet\n");
        return 0;
    }
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    fl_table_split(t, 1);
    for (size_t i = 0; i < s->sessions.n;) {
        struct group g = group_at(&s->sessions, i);
        exporter_cells(t, s, &g);
        i += g.n;
    }
    return fl_cli_table(t);
}

/* ---- one exporter in full ---- */

static void line(const char *head, const char *text)
{
    char whole[400];
    snprintf(whole, sizeof whole, "%-10s %s", head, text);
    fl_text_print(stdout, whole, 4, 15, fl_terminal_width(stdout));
}

static void print_loss(const struct fl_exporter_stats *e)
{
    char text[300], loss[CELL], late[FL_HUMAN_TEXT], twice[FL_HUMAN_TEXT], again[FL_HUMAN_TEXT];
    struct group g = {e, e, 1};
    snprintf(text, sizeof text, "%s%s%s; %s %s late, %s twice; numbering began anew %s %s",
             loss_text(&g, loss), e->lost ? "" : " ", e->lost ? "" : fl_loss_unit(e->version),
             fl_human_count(e->reordered, late), e->reordered == 1 ? "datagram" : "datagrams",
             fl_human_count(e->duplicates, twice), fl_human_count(e->restarts, again),
             e->restarts == 1 ? "time" : "times");
    line("lost", text);
}

static void print_unread(const struct fl_exporter_stats *e)
{
    char text[300], a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], c[FL_HUMAN_TEXT];
    snprintf(text, sizeof text, "%s malformed datagrams; %s data sets without template, %s waiting for one",
             fl_human_count(e->malformed, a), fl_human_count(e->unknown_template, b),
             fl_human_count(e->waiting, c));
    line("unread", text);
    snprintf(
        text, sizeof text, "%s options records, %s records without addresses, %s flows without usable time",
        fl_human_count(e->options, a), fl_human_count(e->not_flows, b), fl_human_count(e->time_fallbacks, c));
    line("besides", text);
}

static void print_setting(const struct fl_exporter_stats *e)
{
    char text[300], a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT];
    struct group g = {e, e, 1};
    sampling_text(&g, text);
    if (e->sampling_told)
        snprintf(text + strlen(text), sizeof text - strlen(text), "; the exporter says 1 in %s",
                 fl_human_count(e->sampling_told, a));
    line("sampling", text);
    snprintf(text, sizeof text, "%s %s ours",
             fl_human_span(e->clock_skew_ms < 0 ? -e->clock_skew_ms : e->clock_skew_ms, a),
             e->clock_skew_ms < 0 ? "behind" : "ahead of");
    line("clock", text);
    snprintf(text, sizeof text, "active %s, inactive %s",
             e->active_timeout_ms ? seconds_text(e->active_timeout_ms, a) : "not known",
             e->inactive_timeout_ms ? seconds_text(e->inactive_timeout_ms, b) : "not known");
    line("timeouts", text);
}

static void print_template(const struct fl_status *s, const json_t *t, size_t width)
{
    char text[8192], age[FL_HUMAN_TEXT];
    size_t i, used;
    int64_t defined_ms = s->now_ms;
    json_t *field, *fields = json_object_get(t, "fields");
    fl_time_parse(fl_js_text(t, "defined"), 0, &defined_ms);
    used = (size_t)snprintf(text, sizeof text, "%" PRId64 " %s, %s ago, %zu fields:", fl_js_int(t, "id"),
                            fl_js_text(t, "kind"), fl_human_age(s->now_ms - defined_ms, age),
                            json_array_size(fields));
    json_array_foreach(fields, i, field)
    {
        if (used + 100 > sizeof text) {
            snprintf(text + used, sizeof text - used, " and %zu more", json_array_size(fields) - i);
            break;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %s%s", i ? "," : "",
                                 fl_js_text(field, "name"),
                                 json_is_true(json_object_get(field, "scope")) ? " (scope)" : "");
    }
    fl_text_print(stdout, text, 6, 8, width);
}

static void print_templates(const struct fl_status *s, const struct fl_exporter_stats *e)
{
    char text[CELL], key[FL_STATUS_KEY];
    struct group g = {e, e, 1};
    size_t i, width = fl_terminal_width(stdout);
    json_t *t, *kept = json_object_get(
                   s->templates, fl_status_key(&e->address, e->source_port, e->domain, e->version, key));
    if (e->version == 5)
        return;
    template_text(s, &g, text);
    line("templates", e->templates == 0 && json_array_size(kept) == 0 ? "none" : text);
    json_array_foreach(kept, i, t) print_template(s, t, width);
}

static void print_session(const struct fl_status *s, const struct fl_exporter_stats *e)
{
    char text[300], time[FL_TIME_TEXT], a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], rate[FL_HUMAN_TEXT];
    struct group g = {e, e, 1};
    bool fresh = fl_status_fresh(s, e);
    printf("\n  %s, domain %" PRIu32 ", from port %u%s\n", fl_dialect_name(e->version), e->domain,
           e->source_port, fl_status_idle(s, e) ? " (idle)" : "");
    snprintf(text, sizeof text, "%s", fl_time_format_s(e->first_seen_ms, time));
    line("first seen", text);
    snprintf(text, sizeof text, "%s, %s ago", fl_time_format_s(e->last_seen_ms, time),
             fl_human_age(s->now_ms - e->last_seen_ms, a));
    line("last seen", text);
    snprintf(text, sizeof text, "%s in %s datagrams%s%s%s", fl_human_count(e->flows, a),
             fl_human_count(e->packets, b), fresh ? "; now " : "", fresh ? rate_text(s, &g, rate) : "",
             fresh ? " a second" : "");
    line("flows", text);
    print_loss(e);
    print_unread(e);
    print_setting(e);
    print_templates(s, e);
}

int fl_status_print_exporter(const struct fl_status *s)
{
    char address[FL_ADDR_TEXT], count[FL_HUMAN_TEXT], plural[FL_HUMAN_TEXT];
    for (size_t i = 0; i < s->sessions.n;) {
        size_t n = fl_sessions_of_one(&s->sessions, i);
        struct fl_exporter_stats *e = &s->sessions.items[i];
        printf("%sExporter %s, location %s, %s %s\n", i ? "\n" : "", fl_addr_format(&e->address, address),
               fl_human_clean(e->location), fl_human_count(n, count), fl_human_plural(n, "session", plural));
        for (size_t k = 0; k < n; k++)
            print_session(s, &e[k]);
        i += n;
    }
    fl_status_print_advice(s);
    return fl_cli_end();
}
