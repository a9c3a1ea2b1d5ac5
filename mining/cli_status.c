/* `flowlore status`: who sends, what is stored, what is learned, and whether the service runs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mining/cli_status.h"
#include "mining/human.h"
#include "storage/instance.h"
#include "storage/rulesdb_sink.h"
#include "storage/timetext.h"

static void clear(struct fl_status *s)
{
    json_decref(s->exporters);
    json_decref(s->locations);
    json_decref(s->buckets);
    json_decref(s->known);
    json_decref(s->runs);
    json_decref(s->service);
    json_decref(s->sinks);
    json_decref(s->templates);
    json_decref(s->advice);
    fl_sessions_clear(&s->sessions);
}

/* What the service last wrote about itself is right only if it could still say goodbye; its lock knows. */
static void settle_running(const struct fl_cli *cli, json_t *service)
{
    int alive = fl_instance_running(cli->data);
    bool said = json_is_true(json_object_get(service, "running"));
    json_object_set_new(service, "running", json_boolean(alive < 0 ? said : alive));
    json_object_set_new(service, "killed", json_boolean(alive == 0 && said));
}

static int from_rules(const struct fl_cli *cli, struct fl_status *s, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    int rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, err);
    if (rc == 0 && db)
        rc = fl_rulesdb_exporters(db, fl_cli_collect, s->exporters, err);
    if (rc == 0 && db)
        rc = fl_rulesdb_locations(db, fl_cli_collect, s->known, err);
    if (rc == 0 && db)
        rc = fl_rulesdb_runs(db, NULL, fl_cli_collect, s->runs, err);
    if (rc == 0 && db)
        rc = fl_rulesdb_sinks(db, fl_cli_collect, s->sinks, err);
    if (rc == 0 && db)
        rc = fl_rulesdb_service(db, &s->service, err);
    if (rc == 0 && db && (cli->json || cli->exporter))
        rc = fl_rulesdb_templates(db, fl_status_take_template, s, err);
    if (s->service) {
        settle_running(cli, s->service);
        s->running = json_is_true(json_object_get(s->service, "running"));
    }
    fl_rulesdb_close(db);
    return rc == FL_ENOENT ? 0 : rc;
}

/* Buckets of one location added up: number, from, to, bytes, flows. */
static json_t *location_buckets(const struct fl_cli *cli, const struct fl_bucket_list *list, const char *name,
                                struct fl_status *s)
{
    struct fl_store_extent extent = {0};
    int64_t bytes = 0, n = 0;
    char from[FL_TIME_TEXT], to[FL_TIME_TEXT];
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i].location, name) == 0) {
            bytes += list->items[i].bytes;
            n++;
        }
    if (n == 0)
        return NULL;
    bool known = fl_store_extent(cli->data, name, &extent, NULL) == 0;
    s->flows += extent.flows;
    s->bytes += (uint64_t)bytes;
    return json_pack("{s:s, s:I, s:s?, s:s?, s:I, s:I}", "location", name, "buckets", (json_int_t)n, "from",
                     known ? fl_time_format(extent.first_start_ms, from) : NULL, "to",
                     known ? fl_time_format(extent.last_end_ms, to) : NULL, "bytes", (json_int_t)bytes,
                     "flows", (json_int_t)extent.flows);
}

static json_t *last_run(const struct fl_status *s, const char *location)
{
    size_t i;
    json_t *run, *last = NULL;
    json_array_foreach(s->runs, i, run) if (strcmp(fl_js_text(run, "location"), location) == 0 &&
                                            (!last || fl_js_int(run, "id") > fl_js_int(last, "id"))) last =
        run;
    return last;
}

/* What the rules database says of a location, or that it says nothing, with the location's last run. */
static json_t *location_summary(const struct fl_status *s, const char *name)
{
    size_t i;
    json_t *row, *o = NULL, *run = last_run(s, name);
    json_array_foreach(s->known, i, row) if (strcmp(fl_js_text(row, "location"), name) == 0) o =
        json_copy(row);
    if (!o)
        o = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:n, s:n, s:n, s:i}", "location", name, "rules", 0,
                      "novel", 0, "known", 0, "ignored", 0, "gone", 0, "settled", "alerts_a_day",
                      "learning_until", "held", 0);
    json_object_set_new(o, "last_run", run ? json_incref(run) : json_null());
    return o;
}

static int gather(const struct fl_cli *cli, struct fl_status *s, struct fl_err *err)
{
    struct fl_bucket_list list = {0};
    json_t *names = NULL, *name;
    size_t i;
    *s = (struct fl_status){.exporters = json_array(),
                            .locations = json_array(),
                            .buckets = json_array(),
                            .runs = json_array(),
                            .sinks = json_array(),
                            .known = json_array(),
                            .templates = json_object(),
                            .advice = json_array(),
                            .now_ms = cli->now_ms};
    int rc = from_rules(cli, s, err);
    if (rc == 0)
        rc = fl_store_buckets(cli->data, NULL, INT64_MIN, INT64_MAX, &list, err);
    if (rc == 0)
        rc = fl_cli_locations(cli, &names, err);
    json_array_foreach(names, i, name)
    {
        json_t *buckets = location_buckets(cli, &list, json_string_value(name), s);
        if (buckets)
            json_array_append_new(s->buckets, buckets);
        json_array_append_new(s->locations, location_summary(s, json_string_value(name)));
    }
    json_decref(names);
    fl_bucket_list_clear(&list);
    if (rc == 0)
        rc = fl_sessions_read(&s->sessions, s->exporters);
    if (rc == 0)
        fl_status_advise(cli, s);
    if (rc == 0 && cli->exporter)
        rc = fl_status_choose(cli, s, err);
    return rc ? rc : fl_status_complete(s);
}

static int64_t sum_of(const json_t *rows, const char *key)
{
    size_t i;
    int64_t sum = 0;
    json_t *row;
    json_array_foreach(rows, i, row) sum += fl_js_int(row, key);
    return sum;
}

static json_t *totals(const struct fl_status *s)
{
    static const char *const sums[] = {"packets", "flows", "lost", "malformed", "unknown_template"};
    json_t *o = json_object();
    for (size_t k = 0; k < sizeof sums / sizeof sums[0]; k++)
        json_object_set_new(o, sums[k], json_integer(sum_of(s->exporters, sums[k])));
    json_object_set_new(o, "exporters", json_integer((json_int_t)json_array_size(s->exporters)));
    json_object_set_new(o, "stored_flows", json_integer((json_int_t)s->flows));
    json_object_set_new(o, "stored_bytes", json_integer((json_int_t)s->bytes));
    json_object_set_new(o, "rules", json_integer(sum_of(s->locations, "rules")));
    json_object_set_new(o, "novel", json_integer(sum_of(s->locations, "novel")));
    return o;
}

static void count_cell(struct fl_table *t, const json_t *o, const char *key, bool bad)
{
    char text[FL_HUMAN_TEXT];
    int64_t n = fl_js_int(o, key);
    fl_table_cell_coloured(t, fl_human_count((uint64_t)n, text), bad && n > 0 ? FL_RED : FL_PLAIN);
}

static int print_buckets(const struct fl_status *s)
{
    static const struct fl_column columns[] = {
        {"LOCATION", FL_LEFT, false}, {"BUCKETS", FL_RIGHT, false}, {"FROM (UTC)", FL_LEFT, false},
        {"TO (UTC)", FL_LEFT, false}, {"SIZE", FL_RIGHT, false},    {"FLOWS", FL_RIGHT, false},
    };
    struct fl_table *t;
    size_t i;
    json_t *b;
    char text[FL_HUMAN_TEXT];
    printf("\nStored flows\n");
    if (json_array_size(s->buckets) == 0) {
        printf("  none yet\n");
        return 0;
    }
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(s->buckets, i, b)
    {
        fl_table_cell(t, fl_js_text(b, "location"));
        count_cell(t, b, "buckets", false);
        snprintf(text, sizeof text, "%.19s", fl_js_text(b, "from"));
        fl_table_cell(t, text);
        snprintf(text, sizeof text, "%.19s", fl_js_text(b, "to"));
        fl_table_cell(t, text);
        fl_table_cell(t, fl_human_bytes((uint64_t)fl_js_int(b, "bytes"), text));
        count_cell(t, b, "flows", false);
    }
    return fl_cli_table(t);
}

static void location_cells(struct fl_table *t, const json_t *l)
{
    char text[60], share[FL_HUMAN_TEXT];
    const json_t *run = json_object_get(l, "last_run"), *settled = json_object_get(l, "settled");
    fl_table_cell(t, fl_js_text(l, "location"));
    fl_table_cell_coloured(t, fl_human_count((uint64_t)fl_js_int(l, "novel"), text),
                           fl_js_int(l, "novel") > 0 ? FL_YELLOW : FL_PLAIN);
    count_cell(t, l, "known", false);
    count_cell(t, l, "ignored", false);
    count_cell(t, l, "gone", false);
    fl_table_cell(t, !json_is_number(settled) ? "-" : fl_human_percent(json_number_value(settled), share));
    fl_table_cell(t, fl_learn_alerts(l, share));
    fl_table_cell(t, fl_learn_words(l, share));
    snprintf(text, sizeof text, "%.19s", json_is_object(run) ? fl_js_text(run, "to") : "never");
    fl_table_cell(t, text);
}

static int print_locations(const struct fl_status *s)
{
    static const struct fl_column columns[] = {
        {"LOCATION", FL_LEFT, false},    {"NOVEL", FL_RIGHT, false},   {"KNOWN", FL_RIGHT, false},
        {"IGNORED", FL_RIGHT, false},    {"GONE", FL_RIGHT, false},    {"SETTLED", FL_RIGHT, false},
        {"ALERTS/DAY", FL_RIGHT, false}, {"LEARNING", FL_LEFT, false}, {"MINED UP TO (UTC)", FL_LEFT, false},
    };
    struct fl_table *t;
    size_t i;
    json_t *location;
    printf("\nRules\n");
    if (json_array_size(s->locations) == 0) {
        printf("  no location has shown itself yet\n");
        return 0;
    }
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(s->locations, i, location) location_cells(t, location);
    return fl_cli_table(t);
}

static const char *state_of(const json_t *service)
{
    if (json_is_true(json_object_get(service, "running")))
        return "running";
    return json_is_true(json_object_get(service, "killed"))
               ? "not running: it ended without stopping in order"
               : "not running";
}

static void print_service(const struct fl_status *s)
{
    static const struct {
        const char *key, *words;
    } troubles[] = {{"refused", "refused"},
                    {"malformed", "malformed"},
                    {"kernel_drops", "dropped by the kernel"},
                    {"queue_shed", "flows shed by the queue"},
                    {"disk_shed", "flows shed by the disk"},
                    {"sessions_dropped", "sessions dropped"}};
    char text[FL_HUMAN_TEXT];
    if (!s->service) {
        printf("Service: flowlored has not run on this data directory yet.\n");
        return;
    }
    printf("Service: %s; counters of %.19s (UTC)\n", state_of(s->service), fl_js_text(s->service, "updated"));
    printf("  %s datagrams received", fl_human_count((uint64_t)fl_js_int(s->service, "datagrams"), text));
    printf(", %s flows stored", fl_human_count((uint64_t)fl_js_int(s->service, "stored"), text));
    bool any = false;
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
        if (fl_js_int(s->service, troubles[i].key) > 0) {
            printf("%s%s %s", any ? ", " : "\n  ",
                   fl_human_count((uint64_t)fl_js_int(s->service, troubles[i].key), text), troubles[i].words);
            any = true;
        }
    putchar('\n');
}

static int print_status(const struct fl_cli *cli, const struct fl_status *s)
{
    char flows[FL_HUMAN_TEXT], bytes[FL_HUMAN_TEXT], line[600];
    snprintf(line, sizeof line, "%s", cli->data);
    printf("Data directory: %s, %s flows in %s\n", fl_human_clean(line), fl_human_count(s->flows, flows),
           fl_human_bytes(s->bytes, bytes));
    print_service(s);
    int code = fl_status_print_exporters(s);
    if (code == 0)
        fl_status_print_advice(s);
    if (code == 0)
        code = print_buckets(s);
    if (code == 0)
        code = print_locations(s);
    if (code == 0 && json_array_size(s->sinks) > 0) {
        printf("\nSinks\n");
        code = fl_cli_sinks_table(s->sinks);
    }
    return code ? code : fl_cli_end();
}

static int print_json(const struct fl_status *s)
{
    json_t *service = s->service ? json_incref(s->service) : json_pack("{s:b}", "running", 0);
    json_t *o = json_pack("{s:O, s:o, s:O, s:o, s:O, s:O, s:O}", "exporters", s->exporters, "totals",
                          totals(s), "locations", s->locations, "service", service, "buckets", s->buckets,
                          "advice", s->advice, "sinks", s->sinks);
    if (o)
        fl_cli_json(NULL, o);
    json_decref(o);
    return fl_cli_end();
}

int fl_cli_status(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_status s;
    int rc = gather(cli, &s, &err);
    int code = rc              ? fl_cli_fail(rc, &err)
               : cli->json     ? print_json(&s)
               : cli->exporter ? fl_status_print_exporter(&s)
                               : print_status(cli, &s);
    clear(&s);
    return code;
}
