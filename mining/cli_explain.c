/* `flowlore explain`: a rule in plain words, the figures behind it, flows to look at, and what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli_explain.h"
#include "mining/cli_graph.h"
#include "mining/human.h"

enum { FEW = 10 }; /* of what there may be many, on a terminal */

/* On a terminal the first ones. */
static void print_instances(const json_t *rule, const json_t *instances, size_t width)
{
    size_t i, stored = json_array_size(instances), shown = width > 0 && stored > FEW ? FEW : stored;
    uint64_t n = (uint64_t)fl_js_int(rule, "instances");
    json_t *instance;
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], line[1000];
    if (n == 0 && stored == 0)
        return;
    printf("\nInstances folded under it (%s)\n", fl_human_count(n > stored ? n : stored, a));
    json_array_foreach(instances, i, instance)
    {
        if (i >= shown)
            break;
        snprintf(line, sizeof line, "%s  %s/%s", fl_js_text(instance, "rule"),
                 fl_human_percent(fl_js_real(instance, "confidence"), a),
                 fl_human_percent(fl_js_real(instance, "reverse_confidence"), b));
        fl_text_print(stdout, fl_human_clean(line), 2, 4, width);
    }
    if (shown < stored)
        printf("  and %s more: flowlore explain %lld | less\n", fl_human_count(stored - shown, a),
               (long long)fl_js_int(rule, "id"));
    if (n > stored)
        printf("  %s more were counted and are not kept one by one\n", fl_human_count(n - stored, a));
}

/* ---- what it belongs to ---- */

static void print_others(const struct fl_graph_rules *g, int64_t id, size_t width)
{
    size_t others = g->n > 0 ? g->n - 1 : 0, shown = 0, most = width > 0 && others > FEW ? FEW : others;
    char line[FL_RULE_TEXT + 40], n[FL_HUMAN_TEXT];
    for (size_t i = 0; i < g->n && shown < most; i++) {
        long long other = (long long)fl_js_int(g->items[i].rule, "id");
        if (other == id)
            continue;
        snprintf(line, sizeof line, "%6lld  %s", other, fl_js_text(g->items[i].rule, "rule"));
        fl_text_print(stdout, fl_human_clean(line), 0, 8, width);
        shown++;
    }
    if (shown < others)
        printf("  and %s more: flowlore graph\n", fl_human_count(others - shown, n));
}

/* The longest chain through the rule, when it has more than the rule itself. */
static int print_chain(const struct fl_graph_rules *g, int64_t id, size_t width)
{
    struct fl_step *steps = malloc((g->n + 1) * sizeof *steps);
    size_t *chain = malloc((g->n + 1) * sizeof *chain);
    long length = steps && chain ? 0 : FL_ENOMEM;
    size_t n = length == 0 ? fl_graph_steps(g->items, g->n, steps) : 0;
    for (size_t i = 0; i < n; i++)
        if (fl_js_int(g->items[steps[i].rule].rule, "id") == id)
            length = fl_chain_through(steps, n, i, chain);
    if (length > 1) {
        char *text = fl_graph_chain_text(steps, chain, (size_t)length);
        printf("\nChain: what comes first, and what then\n");
        if (text)
            fl_text_print(stdout, fl_human_clean(text), 2, 4, width);
        free(text);
    }
    free(steps);
    free(chain);
    return length < 0 ? (int)length : 0;
}

static int print_cluster(const struct fl_graph_rules *g, const json_t *rule, size_t width)
{
    int64_t id = fl_js_int(rule, "id"), cluster = fl_js_int(rule, "cluster_id");
    char name[FL_CLUSTER_NAME];
    if (cluster == 0)
        return 0;
    snprintf(name, sizeof name, "%s", fl_js_text(rule, "cluster"));
    printf("\nCluster: ");
    fl_text_print(stdout, fl_human_clean(name), 0, 2, width);
    print_others(g, id, width);
    return print_chain(g, id, width);
}

/* Why nobody is told of it: yet, or as it says a known thing in other words; or what it was missing when it
 * was last counted. */
static void print_standing(const json_t *e, size_t width)
{
    const char *held = fl_js_text(e, "held"), *gone = fl_js_text(e, "gone_why"),
               *known = fl_js_text(e, "known_why");
    char line[FL_UNCLEAN_TEXT + 120];
    if (*known) {
        snprintf(line, sizeof line, "Known by itself, nobody decided upon it: %.199s.", known);
        fl_text_print(stdout, fl_human_clean(line), 0, 0, width);
    }
    if (*held && strcmp(fl_js_text(e, "status"), "novel") == 0)
        snprintf(line, sizeof line, "Held: %.399s. It is told once whole data show it.", held);
    else if (*gone)
        snprintf(line, sizeof line, "Gone: %.399s.", gone);
    else
        return;
    fl_text_print(stdout, fl_human_clean(line), 0, 0, width);
}

/* The decision that covers the rule, text or object, and what to do next. */
static void print_decision(const json_t *e)
{
    const char *status = fl_js_text(e, "status"), *note = fl_js_text(e, "note"), *key;
    long long id = (long long)fl_js_int(e, "id");
    json_t *decision = json_object_get(e, "decision"), *value;
    char line[600];
    bool by_itself = *fl_js_text(e, "known_why");
    if (json_is_object(decision)) {
        printf(by_itself ? "\nDecision, about the rule that it is known like\n" : "\nDecision\n");
        json_object_foreach(decision, key, value) if (json_is_string(value) && json_string_length(value) > 0)
        {
            snprintf(line, sizeof line, "%-12s %s", key, json_string_value(value));
            printf("  %s\n", fl_human_clean(line));
        }
    } else if (*note) {
        snprintf(line, sizeof line, "%s", note);
        printf("\nNote: %s\n", fl_human_clean(line));
    }
    printf("\nNext\n");
    if (strcmp(status, "novel") == 0)
        printf("  flowlore accept %lld --note TEXT   it is as it should be: known from now on\n"
               "  flowlore ignore %lld --note TEXT   never list or alert it\n",
               id, id);
    else if (by_itself)
        printf("  flowlore accept %lld --note TEXT   it is as it should be, whatever becomes of the other\n"
               "  flowlore reopen %lld              it is not: novel, and told\n",
               id, id);
    else
        printf("  flowlore reopen %lld              take the decision back: novel again\n", id);
}

static int print_explanation(const json_t *e, const json_t *instances, const char *services,
                             const struct fl_graph_rules *g)
{
    char line[1000];
    size_t width = fl_terminal_width(stdout);
    snprintf(line, sizeof line, "Rule %lld at %s (%s%s%s): %s", (long long)fl_js_int(e, "id"),
             fl_js_text(e, "location"), fl_js_text(e, "status"), fl_js_text(e, "novelty")[0] ? ", " : "",
             fl_js_text(e, "novelty"), fl_js_text(e, "rule"));
    fl_text_print(stdout, fl_human_clean(line), 0, 2, width);
    printf("\n");
    fl_explain_print_meaning(e, instances, services, width);
    snprintf(line, sizeof line, "First seen %s, last seen %s (UTC), in %lld run%s.",
             fl_js_text(e, "first_seen"), fl_js_text(e, "last_seen"), (long long)fl_js_int(e, "runs_seen"),
             fl_js_int(e, "runs_seen") == 1 ? "" : "s");
    fl_text_print(stdout, fl_human_clean(line), 0, 0, width);
    print_standing(e, width);
    fl_explain_print_counts(e, width);
    fl_explain_print_timing(e, width);
    int code = fl_explain_print_examples(e);
    print_instances(e, instances, width);
    if (print_cluster(g, e, width) < 0)
        return fl_cli_fail(FL_ENOMEM, &(struct fl_err){""});
    print_decision(e);
    return code ? code : fl_cli_end();
}

/* The other rules of its cluster, none where it has no cluster. */
static int load_cluster(struct fl_rulesdb *db, const json_t *rule, struct fl_graph_rules *out,
                        struct fl_err *err)
{
    int64_t cluster = fl_js_int(rule, "cluster_id");
    return cluster ? fl_graph_load(db, fl_js_text(rule, "location"), cluster, out, err) : 0;
}

int fl_cli_explain(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    struct fl_graph_rules g = {0};
    int64_t id = 0;
    char services[FL_MIXED_TEXT] = "";
    json_t *evidence = NULL, *instances = json_array();
    int code = 0, rc = instances ? fl_rulesdb_open(&db, cli->data, FL_RULESDB_READ, &err) : FL_ENOMEM;
    if (rc == FL_ENOENT)
        rc = fl_fail(&err, rc, "no rule %s: there are no rules in %s yet; run flowlore mine", cli->args[0],
                     cli->data);
    if (rc == 0)
        rc = fl_rulesdb_find_rule(db, cli->args[0], cli->location, &id, &err);
    if (rc == 0)
        rc = fl_rulesdb_evidence(db, id, &evidence, &err);
    if (rc == 0)
        rc = fl_rulesdb_instances(db, id, fl_cli_collect, instances, &err);
    if (rc == 0)
        rc = fl_explain_fetch(cli, evidence, &err);
    if (rc == 0)
        rc = fl_rulesdb_services(db, id, fl_js_text(evidence, "rule"), services, &err);
    if (rc == 0 && !cli->json)
        rc = load_cluster(db, evidence, &g, &err);
    if (rc)
        code = fl_cli_fail(rc, &err);
    else if (cli->json) {
        /* "instances" is their number by contract; the rules themselves go under a name of their own. */
        json_object_set(evidence, "instance_rules", instances);
        fl_cli_json(NULL, evidence);
        code = fl_cli_end();
    } else
        code = print_explanation(evidence, instances, services, &g);
    fl_graph_clear(&g);
    json_decref(evidence);
    json_decref(instances);
    fl_rulesdb_close(db);
    return code;
}
