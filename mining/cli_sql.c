/* `flowlore sql`: one reading statement, its rows as a table, JSON lines or CSV. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli.h"
#include "mining/human.h"
#include "storage/query.h"

struct output {
    const struct fl_cli *cli;
    struct fl_table *table;
    struct fl_column *columns;
    char **heads;
    size_t n;
};

static int start_table(struct output *o, const char *const *names, size_t n)
{
    o->columns = calloc(n + 1, sizeof *o->columns);
    o->heads = calloc(n + 1, sizeof *o->heads);
    if (!o->columns || !o->heads)
        return FL_ENOMEM;
    for (; o->n < n; o->n++) {
        o->heads[o->n] = strdup(names[o->n]);
        if (!o->heads[o->n])
            return FL_ENOMEM;
        o->columns[o->n] = (struct fl_column){fl_human_clean(o->heads[o->n]), FL_LEFT, true};
    }
    return fl_table_new(&o->table, o->columns, n);
}

static int take_heads(struct output *o, const char *const *names, size_t n)
{
    if (o->cli->json)
        return 0;
    if (!o->cli->csv)
        return start_table(o, names, n);
    for (size_t i = 0; i < n; i++)
        fl_cli_csv_field(names[i], i == 0);
    putchar('\n');
    return 0;
}

static void cell(struct output *o, size_t i, const json_t *value)
{
    char number[40] = "";
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, sizeof number, "%.10g", json_real_value(value));
    if (json_is_number(value))
        o->columns[i].align = FL_RIGHT;
    fl_table_cell(o->table, json_is_string(value) ? json_string_value(value) : number);
}

/* Columns of one name would overwrite each other: the later ones get a number, "count:2". */
static int print_object(const char *const *names, json_t *const *values, size_t n)
{
    json_t *object = json_object();
    int rc = object ? 0 : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char name[300];
        snprintf(name, sizeof name, "%.280s", names[i]);
        for (size_t again = 2; json_object_get(object, name); again++)
            snprintf(name, sizeof name, "%.270s:%zu", names[i], again);
        rc = json_object_set(object, name, values[i]) == 0 ? 0 : FL_ENOMEM;
    }
    if (rc == 0)
        rc = fl_cli_json(NULL, object);
    json_decref(object);
    return rc;
}

static int take(void *ctx, const char *const *names, json_t *const *values, size_t n)
{
    struct output *o = ctx;
    if (!values)
        return take_heads(o, names, n);
    if (o->cli->json)
        return print_object(names, values, n);
    for (size_t i = 0; i < n; i++)
        if (o->cli->csv)
            fl_cli_csv_value(values[i], i == 0);
        else
            cell(o, i, values[i]);
    if (o->cli->csv)
        putchar('\n');
    return 0;
}

static int finish(struct output *o)
{
    if (!o->table)
        return fl_cli_end();
    struct fl_table *table = o->table;
    size_t rows = fl_table_rows(table);
    o->table = NULL;
    int code = fl_cli_table(table);
    if (rows == 0)
        printf("No rows.\n");
    return code ? code : fl_cli_end();
}

int fl_cli_sql(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct output o = {.cli = cli};
    struct fl_scan_report report = {0};
    int rc = 0;
    if (cli->json && cli->csv)
        rc = fl_fail(&err, FL_EINVAL, "--json and --csv exclude each other");
    fl_cli_catch_stop();
    if (rc == 0)
        rc = fl_query(cli->data, cli->args[0], take, &o, &fl_cli_stopped, &report, &err);
    fl_cli_damaged((const char(*)[256])report.damaged, report.n_damaged);
    int code = rc ? fl_cli_fail(rc, &err) : finish(&o);
    fl_table_free(o.table);
    for (size_t i = 0; i < o.n; i++)
        free(o.heads[i]);
    free(o.heads);
    free(o.columns);
    return code;
}
