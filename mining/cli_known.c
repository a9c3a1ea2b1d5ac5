/* `flowlore known`: the known-rule table, on the screen, as text for version control, and back from there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli.h"
#include "mining/human.h"
#include "mining/knowntext.h"

enum { MOST_BYTES = 64 << 20 };

/* A rule as it is, a pattern as it would be given on the command line. */
static void subject_cell(struct fl_table *t, const json_t *row)
{
    char text[600];
    const char *pattern = fl_js_text(row, "pattern");
    snprintf(text, sizeof text, "%s%s", *pattern ? "--match " : "",
             *pattern ? pattern : fl_js_text(row, "rule"));
    fl_table_cell(t, text);
}

static void note_cell(struct fl_table *t, const json_t *row)
{
    char text[600] = "";
    size_t used = 0;
    if (*fl_js_text(row, "until"))
        used = (size_t)snprintf(text, sizeof text, "until %.16s%s", fl_js_text(row, "until"),
                                *fl_js_text(row, "note") ? ": " : "");
    snprintf(text + used, sizeof text - used, "%s",
             *fl_js_text(row, "note") ? fl_js_text(row, "note") : fl_js_text(row, "known_why"));
    fl_table_cell(t, text);
}

static void add_row(struct fl_table *t, const json_t *row)
{
    char text[24];
    const char *location = fl_js_text(row, "location");
    fl_table_cell(t, fl_js_text(row, "verdict"));
    fl_table_cell(t, *location ? location : "every");
    subject_cell(t, row);
    snprintf(text, sizeof text, "%lld", (long long)fl_js_int(row, "rules"));
    fl_table_cell(t, text);
    fl_table_cell(t, fl_js_text(row, "author"));
    snprintf(text, sizeof text, "%.10s", fl_js_text(row, "made"));
    fl_table_cell(t, text);
    note_cell(t, row);
}

static int print_table(const json_t *rows)
{
    static const struct fl_column columns[] = {{"VERDICT", FL_LEFT, false}, {"LOCATION", FL_LEFT, false},
                                               {"WHAT", FL_LEFT, true},     {"RULES", FL_RIGHT, false},
                                               {"AUTHOR", FL_LEFT, false},  {"MADE", FL_LEFT, false},
                                               {"NOTE", FL_LEFT, true}};
    struct fl_table *t;
    size_t i;
    json_t *row;
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(rows, i, row) add_row(t, row);
    return fl_cli_table(t);
}

static int list(const struct fl_cli *cli, const json_t *rows)
{
    size_t i;
    json_t *row;
    if (cli->json) {
        json_array_foreach(rows, i, row) fl_cli_json(NULL, row);
        return fl_cli_end();
    }
    if (json_array_size(rows) > 0)
        return print_table(rows);
    printf(
        "Nothing is known%s%s yet: no rule was learned, none decided upon. See flowlore rules, then flowlore "
        "accept.\n",
        cli->location ? " at " : "", cli->location ? cli->location : "");
    return fl_cli_end();
}

/* What is known only as other rules are is left out: read back it would be a decision of its own. */
static int export_rows(const json_t *rows)
{
    size_t i;
    json_t *row;
    fputs(fl_knowntext_head(), stdout);
    json_array_foreach(rows, i, row)
    {
        char *line = *fl_js_text(row, "known_why") ? strdup("") : fl_knowntext_line(row);
        if (!line)
            return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
        if (*line)
            puts(line);
        free(line);
    }
    return fl_cli_end();
}

static int show(const struct fl_cli *cli, bool export)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    json_t *rows = json_array();
    int rc = rows ? fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err) : FL_ENOMEM;
    if (rc == 0 && db)
        rc = fl_rulesdb_known(db, cli->location, fl_cli_collect, rows, &err);
    int code = rc ? fl_cli_fail(rc, &err) : export && !cli->json ? export_rows(rows) : list(cli, rows);
    json_decref(rows);
    fl_rulesdb_close(db);
    return code;
}

/* ---- import ---- */

static int read_file(const char *name, char **text, size_t *n, struct fl_err *err)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    size_t room = 0;
    *text = NULL;
    *n = 0;
    if (!in)
        return fl_fail(err, FL_EIO, "%s: %s", name, strerror(errno));
    int rc = 0;
    for (size_t got = 1; rc == 0 && got > 0; *n += got) {
        if (*n == room) {
            room = room ? 2 * room : 65536;
            char *grown = room <= MOST_BYTES ? realloc(*text, room) : NULL;
            if (!grown)
                rc = fl_fail(err, FL_EINVAL, "%s: more than a known-rule table of 64 MiB", name);
            else
                *text = grown;
        }
        got = rc == 0 ? fread(*text + *n, 1, room - *n, in) : 0;
    }
    if (rc == 0 && ferror(in))
        rc = fl_fail(err, FL_EIO, "%s: %s", name, strerror(errno));
    if (in != stdin)
        fclose(in);
    return rc;
}

static void part(size_t n, const char *what, const char *words)
{
    char word[FL_HUMAN_TEXT];
    if (n > 0)
        printf("; %zu %s %s", n, fl_human_plural(n, what, word), words);
}

static int print_taken(const struct fl_cli *cli, const struct fl_taken *taken, size_t changed)
{
    char word[FL_HUMAN_TEXT];
    if (cli->json) {
        json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "added", (json_int_t)taken->added, "there",
                              (json_int_t)taken->there, "older", (json_int_t)taken->older, "changed",
                              (json_int_t)changed, "silenced", (json_int_t)taken->silenced, "dry_run",
                              (int)cli->dry_run);
        fl_cli_json(NULL, o);
        json_decref(o);
        return fl_cli_end();
    }
    printf("%zu %s %s", taken->added, fl_human_plural(taken->added, "decision", word),
           cli->dry_run ? "would be taken in" : "taken in");
    part(taken->there, "other", "there already");
    part(taken->older, "other", "outweighed by a newer decision here, or lapsed");
    part(changed, "rule", cli->dry_run ? "would change status" : "changed status");
    part(taken->silenced, "open alert", "closed");
    printf(".%s\n", cli->dry_run ? " Nothing was changed." : "");
    return fl_cli_end();
}

/* A preview makes no database: *db stays NULL, and everything would be taken in. */
static int open_rules(const struct fl_cli *cli, struct fl_rulesdb **db, struct fl_err *err)
{
    int rc = cli->dry_run ? fl_cli_open_rules(cli, FL_RULESDB_READ, db, err) : 0;
    bool none = cli->dry_run && !*db;
    fl_rulesdb_close(*db);
    *db = NULL;
    return rc || none ? rc : fl_rulesdb_open(db, cli->data, FL_RULESDB_CREATE, err);
}

static int import_rows(const struct fl_cli *cli, const json_t *rows, struct fl_err *err, int *code)
{
    struct fl_rulesdb *db = NULL;
    struct fl_taken taken = {.added = json_array_size(rows)};
    json_t *changed = json_array();
    int rc = changed ? open_rules(cli, &db, err) : FL_ENOMEM;
    if (rc == 0 && db)
        rc = fl_rulesdb_take_known(db, rows, cli->location, fl_cli_author(), cli->now_ms, cli->dry_run,
                                   &taken, fl_cli_collect, changed, err);
    if (rc == 0)
        *code = print_taken(cli, &taken, json_array_size(changed));
    fl_rulesdb_close(db);
    json_decref(changed);
    return rc;
}

static int import(const struct fl_cli *cli, const char *name)
{
    struct fl_err err = {""};
    json_t *rows = NULL;
    char *text = NULL;
    size_t n = 0;
    int code = FL_EXIT_OK, rc = read_file(name, &text, &n, &err);
    if (rc == 0)
        rc = fl_knowntext_read(strcmp(name, "-") == 0 ? "standard input" : name, text, n, &rows, &err);
    if (rc == 0)
        rc = import_rows(cli, rows, &err, &code);
    free(text);
    json_decref(rows);
    return rc ? fl_cli_fail(rc, &err) : code;
}

int fl_cli_known(struct fl_cli *cli)
{
    struct fl_err err = {""};
    const char *what = cli->n_args > 0 ? cli->args[0] : "";
    bool importing = strcmp(what, "import") == 0, exporting = strcmp(what, "export") == 0;
    if (*what && !importing && !exporting)
        fl_fail(&err, FL_EINVAL,
                "known does not do \"%.40s\"; there is known, known export and known import FILE", what);
    else if (importing && cli->n_args < 2)
        fl_fail(&err, FL_EINVAL, "known import needs a file, or - for standard input");
    else if (exporting && cli->n_args > 1)
        fl_fail(&err, FL_EINVAL, "known export writes to standard output: flowlore known export > %.60s",
                cli->args[1]);
    else if (cli->dry_run && !importing)
        fl_fail(&err, FL_EINVAL, "--dry-run goes with known import");
    if (*err.text)
        return fl_cli_fail(FL_EINVAL, &err);
    return importing ? import(cli, cli->args[1]) : show(cli, exporting);
}
