/* `flowlore rules`, `alerts`: what mining found, and what of it is new. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli.h"
#include "mining/human.h"

static const char *const statuses[] = {"novel", "known", "ignored", "gone"};
enum { N_STATUSES = sizeof statuses / sizeof statuses[0] };

static size_t status_rank(const char *status)
{
    size_t i = 0;
    while (i < N_STATUSES && strcmp(status, statuses[i]) != 0)
        i++;
    return i;
}

static bool wanted(const char *asked, const char *status)
{
    if (!asked)
        return status_rank(status) < 2;
    return strcmp(asked, "all") == 0 || strcmp(asked, status) == 0;
}

static int compare_rules(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    size_t rx = status_rank(fl_js_text(x, "status")), ry = status_rank(fl_js_text(y, "status"));
    double sx = fl_js_real(x, "score"), sy = fl_js_real(y, "score");
    if (rx != ry)
        return rx < ry ? -1 : 1;
    if (sx > sy || sx < sy)
        return sx > sy ? -1 : 1;
    int64_t ix = fl_js_int(x, "id"), iy = fl_js_int(y, "id");
    return (ix > iy) - (ix < iy);
}

/* Sort a JSON array of rules by status and score. */
static int sort_rules(json_t *rules)
{
    size_t n = json_array_size(rules), i;
    json_t **order = calloc(n + 1, sizeof *order);
    if (!order)
        return FL_ENOMEM;
    for (i = 0; i < n; i++)
        order[i] = json_incref(json_array_get(rules, i));
    qsort(order, n, sizeof *order, compare_rules);
    json_array_clear(rules);
    for (i = 0; i < n; i++)
        json_array_append_new(rules, order[i]);
    free(order);
    return 0;
}

static enum fl_colour status_colour(const char *status)
{
    static const enum fl_colour colours[] = {FL_YELLOW, FL_GREEN, FL_DIM, FL_DIM, FL_PLAIN};
    return colours[status_rank(status)];
}

static void cell_number(struct fl_table *t, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    fl_table_cell(t, text);
}

static void cell_notes(struct fl_table *t, const json_t *rule)
{
    char text[512] = "", word[FL_HUMAN_TEXT];
    size_t used = 0;
    const char *clock = fl_js_text(rule, "clock"), *note = fl_js_text(rule, "note");
    int64_t instances = fl_js_int(rule, "instances");
    if (strcmp(fl_js_text(rule, "status"), "novel") == 0 && fl_js_text(rule, "novelty")[0])
        used += (size_t)snprintf(text, sizeof text, "%.20s", fl_js_text(rule, "novelty"));
    if (*fl_js_text(rule, "gone_why"))
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.80s", used ? ", " : "",
                                 fl_js_text(rule, "gone_why"));
    if (*fl_js_text(rule, "held"))
        used += (size_t)snprintf(text + used, sizeof text - used, "%sheld: %.160s", used ? ", " : "",
                                 fl_js_text(rule, "held"));
    if (strcmp(fl_js_text(rule, "evidence"), "during") == 0)
        used += (size_t)snprintf(text + used, sizeof text - used, "%sduring", used ? ", " : "");
    if (*clock)
        used += (size_t)snprintf(text + used, sizeof text - used, "%sclock %.10s", used ? ", " : "", clock);
    if (instances > 0)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%lld %s", used ? ", " : "",
                             (long long)instances, fl_human_plural((uint64_t)instances, "instance", word));
    if (*note)
        snprintf(text + used, sizeof text - used, "%s\"%s\"", used ? ", " : "", note);
    fl_table_cell(t, text);
}

/* "120 rules: 115 novel, 5 known.", where a listing may be longer than the screen. */
static void print_count(const json_t *rules)
{
    size_t counts[N_STATUSES + 1] = {0}, i, shown = 0;
    json_t *rule;
    char n[FL_HUMAN_TEXT], word[FL_HUMAN_TEXT];
    json_array_foreach(rules, i, rule) counts[status_rank(fl_js_text(rule, "status"))]++;
    printf("\n%s %s:", fl_human_count(json_array_size(rules), n),
           fl_human_plural(json_array_size(rules), "rule", word));
    for (i = 0; i < N_STATUSES; i++)
        if (counts[i] > 0)
            printf("%s %s %s", shown++ ? "," : "", fl_human_count(counts[i], n), statuses[i]);
    printf(".%s\n", counts[0] > 0
                        ? " Look at one with flowlore explain ID; take them in with flowlore accept "
                          "ID... or --all."
                        : "");
}

static int print_rules(json_t *rules)
{
    static const struct fl_column columns[] = {
        {"ID", FL_RIGHT, false},   {"STATUS", FL_LEFT, false}, {"LOCATION", FL_LEFT, false},
        {"RULE", FL_LEFT, true},   {"CONF", FL_LEFT, false},   {"LIFT", FL_RIGHT, false},
        {"SEEN", FL_RIGHT, false}, {"LAG", FL_RIGHT, false},   {"NOTES", FL_LEFT, true},
    };
    struct fl_table *t;
    size_t i;
    json_t *rule;
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], both[2 * FL_HUMAN_TEXT];
    if (fl_table_new(&t, columns, sizeof columns / sizeof columns[0]) != 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    json_array_foreach(rules, i, rule)
    {
        cell_number(t, fl_js_int(rule, "id"));
        fl_table_cell_coloured(t, fl_js_text(rule, "status"), status_colour(fl_js_text(rule, "status")));
        fl_table_cell(t, fl_js_text(rule, "location"));
        fl_table_cell(t, fl_js_text(rule, "rule"));
        snprintf(both, sizeof both, "%s/%s", fl_human_percent(fl_js_real(rule, "confidence"), a),
                 fl_human_percent(fl_js_real(rule, "reverse_confidence"), b));
        fl_table_cell(t, both);
        fl_table_cell(t, fl_human_factor(fl_js_real(rule, "lift"), a));
        snprintf(both, sizeof both, "%lldx", (long long)fl_js_int(rule, "runs_seen"));
        fl_table_cell(t, both);
        fl_table_cell(t, fl_cli_is_periodic(rule) ? fl_cli_jitter(rule, a)
                                                  : fl_human_span(fl_js_int(rule, "lag_ms"), a));
        cell_notes(t, rule);
    }
    int code = fl_cli_table(t);
    if (code == FL_EXIT_OK && fl_terminal_width(stdout) > 0) {
        print_count(rules);
        code = fl_cli_end();
    }
    return code;
}

/* "No novel rules at paris. 12 rules are known; see flowlore rules --status known --location paris" */
static int print_no_rules(const struct fl_cli *cli, const size_t counts[N_STATUSES + 1])
{
    const char *at = cli->location ? " at " : "", *where = cli->location ? cli->location : "";
    bool any = false, one_status = cli->status && strcmp(cli->status, "all") != 0;
    printf("No %s%srules%s%s.", one_status ? cli->status : "", one_status ? " " : "", at, where);
    for (size_t i = 0; i < N_STATUSES; i++)
        if (counts[i] > 0) {
            printf(" %zu rule%s %s %s; see flowlore rules --status %s%s%s.", counts[i],
                   counts[i] == 1 ? "" : "s", counts[i] == 1 ? "is" : "are", statuses[i], statuses[i],
                   cli->location ? " --location " : "", where);
            any = true;
        }
    printf("%s\n", any ? "" : " Mine what is stored: flowlore mine");
    return fl_cli_end();
}

static int show_rules(const struct fl_cli *cli, const json_t *all)
{
    size_t counts[N_STATUSES + 1] = {0}, i;
    json_t *chosen = json_array(), *rule;
    int code = FL_EXIT_OK, rc = chosen ? 0 : FL_ENOMEM;
    json_array_foreach(all, i, rule)
    {
        const char *status = fl_js_text(rule, "status");
        counts[status_rank(status)]++;
        if (wanted(cli->status, status))
            json_array_append(chosen, rule);
    }
    if (rc == 0)
        rc = sort_rules(chosen);
    if (rc)
        code = fl_cli_fail(rc, &(struct fl_err){""});
    else if (cli->json) {
        json_array_foreach(chosen, i, rule) fl_cli_json(NULL, rule);
        code = fl_cli_end();
    } else
        code = json_array_size(chosen) ? print_rules(chosen) : print_no_rules(cli, counts);
    json_decref(chosen);
    return code;
}

int fl_cli_rules(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    struct fl_rule_filter filter = {.location = cli->location, .status = "all"};
    if (cli->shape)
        return fl_cli_shapes(cli);
    if (cli->status && strcmp(cli->status, "all") != 0 && status_rank(cli->status) == N_STATUSES)
        return fl_cli_fail(fl_fail(&err, FL_EINVAL,
                                   "--status \"%.40s\" is none of novel, known, ignored, gone, all",
                                   cli->status),
                           &err);
    json_t *all = json_array();
    int rc = all ? fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err) : FL_ENOMEM;
    if (rc == 0 && db)
        rc = fl_rulesdb_rules(db, &filter, fl_cli_collect, all, &err);
    int code = rc ? fl_cli_fail(rc, &err) : show_rules(cli, all);
    json_decref(all);
    fl_rulesdb_close(db);
    return code;
}
