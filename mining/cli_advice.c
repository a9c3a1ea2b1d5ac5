/* `flowlore status`, what to change: gathers the advice and prints it, that on the service first. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mining/advice.h"
#include "mining/cli_status.h"
#include "mining/human.h"
#include "storage/timetext.h"

enum { MOST_LINES = 20, MOST_REFUSED = 5 };

static void take_advice(void *ctx, const struct fl_advice *a)
{
    char text[FL_ADDR_TEXT];
    struct fl_status *s = ctx;
    json_array_append_new(s->advice,
                          json_pack("{s:s, s:s?, s:I, s:s}", "kind", fl_advice_name(a->kind), "exporter",
                                    a->address ? fl_addr_format(a->address, text) : NULL, "figure",
                                    (json_int_t)a->figure, "text", a->text));
}

/* Datagrams that the service refused and no session since its start did. */
static uint64_t stray_datagrams(const struct fl_status *s, const struct fl_service_stats *service)
{
    uint64_t told = 0;
    for (size_t i = 0; i < s->sessions.n; i++)
        if (s->sessions.items[i].last_seen_ms >= service->started_ms)
            told += s->sessions.items[i].malformed;
    return service->malformed > told ? service->malformed - told : 0;
}

static const char *only_location(const struct fl_status *s)
{
    return json_array_size(s->locations) == 1 ? fl_js_text(json_array_get(s->locations, 0), "location")
                                              : NULL;
}

/* Its runs, as they were made; those over older data than one before say nothing of now. */
static void advise_location(struct fl_status *s, const char *location)
{
    struct fl_unclean_runs runs = {.location = location, .first_ms = INT64_MAX};
    size_t i;
    int64_t to_ms;
    json_t *run;
    json_array_foreach(s->runs, i, run)
    {
        if (strcmp(fl_js_text(run, "location"), location) != 0 ||
            fl_time_parse(fl_js_text(run, "to"), s->now_ms, &to_ms) < 0 || to_ms < runs.newest_ms)
            continue;
        runs.newest_ms = to_ms;
        runs.why = fl_js_text(run, "unclean");
        runs.n = *runs.why ? runs.n + 1 : 0;
        if (runs.n == 0 || runs.first_ms == INT64_MAX)
            runs.first_ms = runs.newest_ms;
    }
    fl_advise_location(&runs, take_advice, s);
}

void fl_status_advise(const struct fl_cli *cli, struct fl_status *s)
{
    struct fl_service_stats service = {0};
    struct fl_advice_view view = {.at_ms = s->now_ms,
                                  .location = only_location(s),
                                  .receive_buffer_bytes = cli->config.receive_buffer_bytes};
    if (s->service) {
        fl_service_read(&service, s->service);
        view.service = &service;
        if (!s->running)
            view.at_ms = service.updated_ms;
    }
    for (size_t i = 0; i < s->sessions.n; i++)
        if (s->sessions.items[i].last_seen_ms > view.newest_ms)
            view.newest_ms = s->sessions.items[i].last_seen_ms;
    fl_advise_service(&view, s->service ? stray_datagrams(s, &service) : 0, take_advice, s);
    for (size_t i = 0; i < s->sessions.n;) {
        size_t n = fl_sessions_of_one(&s->sessions, i);
        fl_advise_exporter(&s->sessions.items[i], n, &view, take_advice, s);
        i += n;
    }
    size_t at;
    json_t *location;
    json_array_foreach(s->locations, at, location) advise_location(s, fl_js_text(location, "location"));
}

/* The remedy is told once; another exporter with the same trouble has its figure only. */
static void print_item(const json_t *item, bool again, size_t width)
{
    char text[800];
    const char *exporter = fl_js_text(item, "exporter"), *whole = fl_js_text(item, "text");
    const char *end = again ? strstr(whole, ". ") : NULL;
    snprintf(text, sizeof text, "%s%s%.*s%s", exporter, *exporter ? ": " : "",
             (int)(end ? end - whole : (ptrdiff_t)strlen(whole)), whole, end ? " (see above)." : "");
    fl_text_print(stdout, fl_human_clean(text), 2, 4, width);
}

void fl_status_print_advice(const struct fl_status *s)
{
    size_t i, shown = 0, refused = 0, n = json_array_size(s->advice), width = fl_terminal_width(stdout);
    json_t *item, *told = json_object();
    if (n > 0)
        printf("\nWhat to change\n");
    json_array_foreach(s->advice, i, item)
    {
        const char *kind = fl_js_text(item, "kind");
        bool is_refused = strcmp(kind, "refused") == 0; /* its remedy names the sender */
        if (shown == MOST_LINES || (is_refused && refused++ >= MOST_REFUSED))
            continue;
        print_item(item, !is_refused && json_object_get(told, kind), width);
        json_object_set_new(told, kind, json_true());
        shown++;
    }
    if (shown < n)
        printf("  and %zu more: flowlore status --json | jq -r '.advice[].text', or --exporter ADDRESS\n",
               n - shown);
    json_decref(told);
}
