/* `flowlore diff` and `rules --shape`: what places have in common, and what one has that the other lacks. */
#include <stdio.h>
#include <string.h>

#include "mining/cli.h"
#include "mining/human.h"

static void number_cell(struct fl_table *t, const json_t *row, const char *key)
{
    char text[FL_HUMAN_TEXT];
    fl_table_cell(t, fl_human_count((uint64_t)fl_js_int(row, key), text));
}

/* ---- rules of one place that the other lacks ---- */

static size_t count_of(const json_t *rows, const char *location, bool with_shape)
{
    size_t i, n = 0;
    json_t *row;
    json_array_foreach(rows, i, row) n += strcmp(fl_js_text(row, "location"), location) == 0 &&
                                          (!with_shape || fl_js_int(row, "same_shape") > 0);
    return n;
}

static void print_side(const json_t *rows, const char *location, const char *other)
{
    char line[300], n[FL_HUMAN_TEXT], word[FL_HUMAN_TEXT], same[FL_HUMAN_TEXT];
    size_t all = count_of(rows, location, false), shaped = count_of(rows, location, true);
    snprintf(line, sizeof line,
             "%s has %s %s that %s lacks; for %s of them %s has the shape, with other hosts.", location,
             fl_human_count(all, n), fl_human_plural(all, "rule", word), other, fl_human_count(shaped, same),
             other);
    fl_text_print(stdout, line, 0, 2, fl_terminal_width(stdout));
}

static int print_diff(const struct fl_cli *cli, const json_t *rows, int64_t common)
{
    static const struct fl_column columns[] = {{"ONLY AT", FL_LEFT, false},
                                               {"ID", FL_RIGHT, false},
                                               {"STATUS", FL_LEFT, false},
                                               {"RULE", FL_LEFT, true},
                                               {"SHAPE THERE", FL_RIGHT, false}};
    struct fl_table *t;
    size_t i;
    json_t *row;
    char text[FL_HUMAN_TEXT], word[FL_HUMAN_TEXT];
    int code = FL_EXIT_OK;
    if (json_array_size(rows) > 0) {
        if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
            return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
        json_array_foreach(rows, i, row)
        {
            fl_table_cell(t, fl_js_text(row, "location"));
            number_cell(t, row, "id");
            fl_table_cell(t, fl_js_text(row, "status"));
            fl_table_cell(t, fl_js_text(row, "rule"));
            snprintf(text, sizeof text, "%lldx", (long long)fl_js_int(row, "same_shape"));
            fl_table_cell(t, fl_js_int(row, "same_shape") > 0 ? text : "-");
        }
        code = fl_cli_table(t);
        putchar('\n');
    }
    print_side(rows, cli->location, cli->other);
    print_side(rows, cli->other, cli->location);
    printf("They have %s %s in common.\n", fl_human_count((uint64_t)common, text),
           fl_human_plural((uint64_t)common, "rule", word));
    return code ? code : fl_cli_end();
}

/* Both names must be of places that are there; the first was looked at with the other options. */
static int check(struct fl_cli *cli, struct fl_err *err)
{
    if (!cli->location || !cli->other)
        return fl_fail(err, FL_EINVAL, "diff takes two places: flowlore diff --location A --location B");
    if (strcmp(cli->location, cli->other) == 0)
        return fl_fail(err, FL_EINVAL, "diff takes two different places, not %s twice", cli->location);
    struct fl_cli second = *cli;
    second.location = cli->other;
    return fl_cli_check_location(&second, err);
}

int fl_cli_diff(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    json_t *rows = json_array(), *row;
    int64_t common = 0;
    size_t i;
    int code = FL_EXIT_OK, rc = rows ? check(cli, &err) : FL_ENOMEM;
    if (rc == 0)
        rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err);
    if (rc == 0 && db)
        rc = fl_rulesdb_diff(db, cli->location, cli->other, &common, fl_cli_collect, rows, &err);
    if (rc != 0)
        code = fl_cli_fail(rc, &err);
    else if (cli->json) {
        json_array_foreach(rows, i, row) fl_cli_json(NULL, row);
        code = fl_cli_end();
    } else
        code = print_diff(cli, rows, common);
    json_decref(rows);
    fl_rulesdb_close(db);
    return code;
}

/* ---- shapes ---- */

static int print_shapes(const json_t *rows)
{
    static const struct fl_column columns[] = {{"LOCATIONS", FL_RIGHT, false}, {"RULES", FL_RIGHT, false},
                                               {"KNOWN", FL_RIGHT, false},     {"SHAPE", FL_LEFT, true},
                                               {"AT", FL_LEFT, true},          {"EXAMPLE", FL_RIGHT, false}};
    struct fl_table *t;
    size_t i;
    json_t *row;
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(rows, i, row)
    {
        number_cell(t, row, "locations");
        number_cell(t, row, "rules");
        number_cell(t, row, "known");
        fl_table_cell(t, fl_js_text(row, "shape"));
        fl_table_cell(t, fl_js_text(row, "at"));
        number_cell(t, row, "example");
    }
    return fl_cli_table(t);
}

int fl_cli_shapes(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    json_t *rows = json_array(), *row;
    size_t i;
    int code = FL_EXIT_OK, rc = rows ? 0 : FL_ENOMEM;
    if (rc == 0 && cli->status)
        rc = fl_fail(&err, FL_EINVAL, "--shape lists shapes of novel and known rules; leave --status out");
    if (rc == 0)
        rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err);
    if (rc == 0 && db)
        rc = fl_rulesdb_shapes(db, cli->location, fl_cli_collect, rows, &err);
    if (rc != 0)
        code = fl_cli_fail(rc, &err);
    else if (cli->json) {
        json_array_foreach(rows, i, row) fl_cli_json(NULL, row);
        code = fl_cli_end();
    } else if (json_array_size(rows) > 0)
        code = print_shapes(rows);
    else {
        printf("No rule is known or novel%s%s, so there are no shapes. Mine what is stored: flowlore mine\n",
               cli->location ? " at " : "", cli->location ? cli->location : "");
        code = fl_cli_end();
    }
    json_decref(rows);
    fl_rulesdb_close(db);
    return code;
}
