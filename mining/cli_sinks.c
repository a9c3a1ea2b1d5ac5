/* Sinks at a glance, for `flowlore status` and `flowlore sinks`. */
#include <stdio.h>

#include "mining/cli.h"
#include "mining/human.h"

static void count_cell(struct fl_table *t, const json_t *sink, const char *key, enum fl_colour colour)
{
    char text[FL_HUMAN_TEXT];
    int64_t n = fl_js_int(sink, key);
    fl_table_cell_coloured(t, fl_human_count((uint64_t)n, text), n > 0 ? colour : FL_PLAIN);
}

static void time_cell(struct fl_table *t, const json_t *sink, const char *key)
{
    char text[24];
    const char *time = fl_js_text(sink, key);
    snprintf(text, sizeof text, "%.19s", *time ? time : "-");
    fl_table_cell(t, text);
}

int fl_cli_sinks_table(const json_t *sinks)
{
    static const struct fl_column columns[] = {
        {"SINK", FL_LEFT, false},       {"KIND", FL_LEFT, false},           {"DELIVERED", FL_RIGHT, false},
        {"WAITING", FL_RIGHT, false},   {"REFUSED", FL_RIGHT, false},       {"DROPPED", FL_RIGHT, false},
        {"LAST (UTC)", FL_LEFT, false}, {"NEXT TRY (UTC)", FL_LEFT, false}, {"LAST ERROR", FL_LEFT, true},
    };
    struct fl_table *t;
    size_t i;
    json_t *sink;
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(sinks, i, sink)
    {
        const char *error = fl_js_text(sink, "error");
        fl_table_cell(t, fl_js_text(sink, "name"));
        fl_table_cell(t, fl_js_text(sink, "kind"));
        count_cell(t, sink, "delivered", FL_PLAIN);
        count_cell(t, sink, "waiting", *error ? FL_YELLOW : FL_PLAIN);
        count_cell(t, sink, "refused", FL_RED);
        count_cell(t, sink, "dropped", FL_RED);
        time_cell(t, sink, "last");
        time_cell(t, sink, "next");
        fl_table_cell_coloured(t, *error ? error : "-", *error ? FL_RED : FL_PLAIN);
    }
    return fl_cli_table(t);
}
