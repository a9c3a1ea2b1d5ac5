/* `flowlore graph`: nodes, the rules between them, the clusters they fall into, and which comes first. */
#include "mining/cli_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/human.h"
#include "mining/order.h"

/* ---- loading ---- */

static int compare_score(const struct fl_graph_rule *a, const struct fl_graph_rule *b)
{
    double x = fl_js_real(a->rule, "score"), y = fl_js_real(b->rule, "score");
    FL_ORDER(y, x);
    FL_ORDER(fl_js_int(a->rule, "id"), fl_js_int(b->rule, "id"));
    return 0;
}

/* Rules of no cluster stand behind those of clusters. */
static int compare_by_cluster(const void *va, const void *vb)
{
    const struct fl_graph_rule *a = va, *b = vb;
    int c = strcmp(fl_js_text(a->rule, "location"), fl_js_text(b->rule, "location"));
    if (c)
        return c;
    FL_ORDER(a->cluster == 0, b->cluster == 0);
    FL_ORDER(a->cluster, b->cluster);
    return compare_score(a, b);
}

struct block { /* the rules of one cluster */
    const struct fl_graph_rule *first;
    size_t n;
};

static int compare_blocks(const void *va, const void *vb)
{
    const struct block *a = va, *b = vb;
    int c = strcmp(fl_js_text(a->first->rule, "location"), fl_js_text(b->first->rule, "location"));
    if (c)
        return c;
    FL_ORDER(a->first->cluster == 0, b->first->cluster == 0);
    return compare_score(a->first, b->first);
}

static size_t block_length(const struct fl_graph_rule *rules, size_t n)
{
    size_t i = 1;
    while (i < n && rules[i].cluster == rules[0].cluster &&
           strcmp(fl_js_text(rules[i].rule, "location"), fl_js_text(rules[0].rule, "location")) == 0)
        i++;
    return i;
}

static int put_in_order(struct fl_graph_rules *g)
{
    struct block *blocks = malloc((g->n + 1) * sizeof *blocks);
    struct fl_graph_rule *sorted = malloc((g->n + 1) * sizeof *sorted);
    size_t n_blocks = 0, at = 0;
    if (!blocks || !sorted) {
        free(blocks);
        free(sorted);
        return FL_ENOMEM;
    }
    qsort(g->items, g->n, sizeof *g->items, compare_by_cluster);
    for (size_t i = 0; i < g->n; i += blocks[n_blocks++].n)
        blocks[n_blocks] = (struct block){&g->items[i], block_length(&g->items[i], g->n - i)};
    qsort(blocks, n_blocks, sizeof *blocks, compare_blocks);
    for (size_t i = 0; i < n_blocks; at += blocks[i++].n)
        memcpy(sorted + at, blocks[i].first, blocks[i].n * sizeof *sorted);
    free(blocks);
    free(g->items);
    g->items = sorted;
    return 0;
}

/* A listing says nothing of the spread: that is in the evidence. */
static int load_rule(struct fl_rulesdb *db, json_t *listed, struct fl_graph_rule *out, struct fl_err *err)
{
    struct fl_node a, b;
    json_t *evidence = NULL;
    int sides = fl_rule_parse(fl_js_text(listed, "rule"), &a, &b);
    if (sides < 0)
        return 0;
    int rc = fl_rulesdb_evidence(db, fl_js_int(listed, "id"), &evidence, err);
    if (rc < 0)
        return rc;
    *out = (struct fl_graph_rule){.rule = json_incref(listed), .cluster = fl_js_int(listed, "cluster_id")};
    json_object_set(listed, "lag_spread_ms", json_object_get(evidence, "lag_spread_ms"));
    json_decref(evidence);
    fl_node_format(&a, out->from);
    if (sides == 0)
        fl_node_format(&b, out->to);
    return 1;
}

int fl_graph_load(struct fl_rulesdb *db, const char *location, int64_t cluster, struct fl_graph_rules *out,
                  struct fl_err *err)
{
    struct fl_rule_filter filter = {.location = location};
    json_t *rules = json_array(), *listed;
    size_t i;
    *out = (struct fl_graph_rules){.clusters = json_array()};
    int rc = rules && out->clusters ? fl_rulesdb_rules(db, &filter, fl_cli_collect, rules, err) : FL_ENOMEM;
    if (rc == 0)
        rc = fl_rulesdb_clusters(db, location, fl_cli_collect, out->clusters, err);
    out->items = malloc((json_array_size(rules) + 1) * sizeof *out->items);
    if (!out->items)
        rc = FL_ENOMEM;
    json_array_foreach(rules, i, listed)
    {
        if (rc < 0 || (cluster && fl_js_int(listed, "cluster_id") != cluster))
            continue;
        rc = load_rule(db, listed, &out->items[out->n], err);
        out->n += rc > 0;
    }
    rc = rc < 0 ? rc : put_in_order(out);
    json_decref(rules);
    if (rc < 0)
        fl_graph_clear(out);
    return rc;
}

void fl_graph_clear(struct fl_graph_rules *g)
{
    for (size_t i = 0; i < g->n; i++)
        json_decref(g->items[i].rule);
    free(g->items);
    json_decref(g->clusters);
    *g = (struct fl_graph_rules){0};
}

const json_t *fl_graph_cluster(const struct fl_graph_rules *g, int64_t id)
{
    size_t i;
    json_t *c;
    json_array_foreach(g->clusters, i, c) if (fl_js_int(c, "id") == id) return c;
    return NULL;
}

/* ---- chains ---- */

size_t fl_graph_steps(const struct fl_graph_rule *rules, size_t n, struct fl_step *out)
{
    size_t steps = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t lag = fl_js_int(rules[i].rule, "lag_ms");
        if (!*rules[i].to || strcmp(rules[i].from, rules[i].to) == 0 ||
            !fl_lag_is_clear(lag, fl_js_int(rules[i].rule, "lag_spread_ms")))
            continue;
        out[steps++] = (struct fl_step){.from = lag > 0 ? rules[i].from : rules[i].to,
                                        .to = lag > 0 ? rules[i].to : rules[i].from,
                                        .lag_ms = lag > 0 ? lag : -lag,
                                        .score = fl_js_real(rules[i].rule, "score"),
                                        .rule = (int64_t)i};
    }
    return steps;
}

char *fl_graph_chain_text(const struct fl_step *steps, const size_t *chain, size_t n)
{
    size_t room = (n + 1) * (FL_NODE_TEXT + FL_HUMAN_TEXT + 16), used = 0;
    char *out = malloc(room), lag[FL_HUMAN_TEXT];
    if (!out)
        return NULL;
    used += (size_t)snprintf(out, room, "%s", steps[chain[0]].from);
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, room - used, ", %s later %s",
                                 fl_human_span(steps[chain[i]].lag_ms, lag), steps[chain[i]].to);
    return out;
}

/* The chains of one cluster's rules; those of no cluster have none. */
static int each_chain(const struct fl_graph_rule *rules, size_t n, fl_chain_fn *fn, void *ctx)
{
    if (rules->cluster == 0)
        return 0;
    struct fl_step *steps = malloc((n + 1) * sizeof *steps);
    int rc = steps ? fl_chains(steps, fl_graph_steps(rules, n, steps), fn, ctx) : FL_ENOMEM;
    free(steps);
    return rc;
}

/* ---- the plain listing ---- */

/* " (right side 98 ms later, novel)": which comes first, where that is clear, and what is not known yet. */
static void remark(const struct fl_graph_rule *r, char out[80])
{
    char lag_text[FL_HUMAN_TEXT], order[60] = "";
    int64_t lag = fl_js_int(r->rule, "lag_ms");
    bool novel = strcmp(fl_js_text(r->rule, "status"), "novel") == 0;
    if (*r->to && strcmp(r->from, r->to) != 0) {
        if (fl_lag_is_clear(lag, fl_js_int(r->rule, "lag_spread_ms")))
            snprintf(order, sizeof order, "right side %s %s", fl_human_span(lag > 0 ? lag : -lag, lag_text),
                     lag > 0 ? "later" : "earlier");
        else
            snprintf(order, sizeof order, "together");
    }
    out[0] = '\0';
    if (*order || novel)
        snprintf(out, 80, " (%s%s%s)", order, *order && novel ? ", " : "", novel ? "novel" : "");
}

static void print_rule(const struct fl_graph_rule *r, size_t width)
{
    char line[FL_RULE_TEXT + 200], words[80];
    remark(r, words);
    snprintf(line, sizeof line, "%6lld  %s%s", (long long)fl_js_int(r->rule, "id"),
             fl_js_text(r->rule, "rule"), words);
    fl_text_print(stdout, fl_human_clean(line), 0, 8, width);
}

static int print_chain(void *ctx, const struct fl_step *steps, const size_t *chain, size_t n)
{
    char *text = fl_graph_chain_text(steps, chain, n);
    if (!text)
        return FL_ENOMEM;
    printf(" first");
    fl_text_print(stdout, fl_human_clean(text), 2, 8, *(size_t *)ctx);
    free(text);
    return 0;
}

static void print_heading(const struct fl_graph_rules *g, const struct fl_graph_rule *first, size_t width)
{
    const json_t *c = fl_graph_cluster(g, first->cluster);
    bool colour = fl_terminal_colour(stdout);
    char name[FL_CLUSTER_NAME + 8];
    snprintf(name, sizeof name, "%s", c ? fl_js_text(c, "name") : "in no cluster of the newest run");
    printf("\n%s", colour ? fl_colour_start(FL_BOLD) : "");
    fl_text_print(stdout, fl_human_clean(name), 0, 2, width);
    printf("%s", colour ? FL_COLOUR_END : "");
}

static size_t count_clusters(const struct fl_graph_rule *rules, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i += block_length(rules + i, n - i))
        count += rules[i].cluster != 0;
    return count;
}

static void print_location(const struct fl_graph_rules *g, size_t at)
{
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], c[FL_HUMAN_TEXT], d[FL_HUMAN_TEXT];
    const char *location = fl_js_text(g->items[at].rule, "location");
    size_t n = 1;
    while (at + n < g->n && strcmp(fl_js_text(g->items[at + n].rule, "location"), location) == 0)
        n++;
    size_t clusters = count_clusters(g->items + at, n);
    printf("%s%s: %s %s in %s %s\n", at ? "\n" : "", location, fl_human_count(n, a),
           fl_human_plural(n, "rule", b), fl_human_count(clusters, c),
           fl_human_plural(clusters, "cluster", d));
}

static int print_graph(const struct fl_graph_rules *g)
{
    size_t width = fl_terminal_width(stdout);
    const char *location = "";
    for (size_t i = 0, n; i < g->n; i += n) {
        const char *here = fl_js_text(g->items[i].rule, "location");
        n = block_length(&g->items[i], g->n - i);
        if (strcmp(here, location) != 0)
            print_location(g, i);
        location = here;
        print_heading(g, &g->items[i], width);
        for (size_t k = 0; k < n; k++)
            print_rule(&g->items[i + k], width);
        int rc = each_chain(&g->items[i], n, print_chain, &width);
        if (rc < 0)
            return fl_cli_fail(rc, &(struct fl_err){""});
    }
    if (g->n > 0 && width > 0)
        printf("\nLook at one with flowlore explain ID; draw it all with flowlore graph --dot | dot -Tsvg > "
               "rules.svg\n");
    return fl_cli_end();
}

/* ---- JSON ---- */

static int json_line(json_t *object)
{
    int rc = object ? fl_cli_json(NULL, object) : FL_ENOMEM;
    json_decref(object);
    return rc;
}

static int json_clusters(const struct fl_graph_rules *g)
{
    int rc = 0;
    for (size_t i = 0; i < g->n && rc == 0; i += block_length(&g->items[i], g->n - i)) {
        json_t *c = json_deep_copy(fl_graph_cluster(g, g->items[i].cluster)),
               *line = json_pack("{ss}", "type", "cluster");
        if (!c) {
            json_decref(line);
            continue;
        }
        json_object_update(line, c);
        json_decref(c);
        rc = json_line(line);
    }
    return rc;
}

struct named { /* a node once, in the cluster of its best rule */
    const char *location, *node;
    int64_t cluster;
    size_t order;
};

static int compare_named(const void *va, const void *vb)
{
    const struct named *a = va, *b = vb;
    int c = strcmp(a->location, b->location);
    if (c == 0)
        c = strcmp(a->node, b->node);
    if (c)
        return c;
    FL_ORDER(a->order, b->order);
    return 0;
}

static int json_nodes(const struct fl_graph_rules *g)
{
    struct named *nodes = malloc((2 * g->n + 1) * sizeof *nodes);
    size_t n = 0;
    int rc = nodes ? 0 : FL_ENOMEM;
    for (size_t i = 0; i < g->n && rc == 0; i++)
        for (int side = 0; side < 2; side++) {
            const char *node = side ? g->items[i].to : g->items[i].from;
            if (*node)
                nodes[n++] =
                    (struct named){fl_js_text(g->items[i].rule, "location"), node, g->items[i].cluster, i};
        }
    if (rc == 0)
        qsort(nodes, n, sizeof *nodes, compare_named);
    for (size_t i = 0; i < n && rc == 0; i++) {
        bool again = i > 0 && strcmp(nodes[i].location, nodes[i - 1].location) == 0 &&
                     strcmp(nodes[i].node, nodes[i - 1].node) == 0;
        json_t *cluster = nodes[i].cluster ? json_integer(nodes[i].cluster) : json_null();
        if (again)
            json_decref(cluster);
        else
            rc = json_line(json_pack("{ss,ss,ss,so}", "type", "node", "location", nodes[i].location, "node",
                                     nodes[i].node, "cluster_id", cluster));
    }
    free(nodes);
    return rc;
}

static const char *first_of(const struct fl_graph_rule *r)
{
    int64_t lag = fl_js_int(r->rule, "lag_ms");
    if (!*r->to || strcmp(r->from, r->to) == 0 || !fl_lag_is_clear(lag, fl_js_int(r->rule, "lag_spread_ms")))
        return NULL;
    return lag > 0 ? "from" : "to";
}

static int json_edge(const struct fl_graph_rule *r)
{
    static const char *const members[] = {"arrow",  "score",         "confidence", "reverse_confidence",
                                          "lag_ms", "lag_spread_ms", "period_ms",  "evidence",
                                          "status", "cluster_id"};
    json_t *line = json_pack("{ss,ss,sI,ss,ss?,ss?}", "type", "edge", "location",
                             fl_js_text(r->rule, "location"), "rule_id", (json_int_t)fl_js_int(r->rule, "id"),
                             "from", r->from, "to", *r->to ? r->to : NULL, "first", first_of(r));
    for (size_t i = 0; line && i < sizeof members / sizeof members[0]; i++)
        json_object_set(line, members[i], json_object_get(r->rule, members[i]));
    return json_line(line);
}

static int json_chain(void *ctx, const struct fl_step *steps, const size_t *chain, size_t n)
{
    const struct fl_graph_rule *rules = ctx;
    json_t *nodes = json_pack("[s]", steps[chain[0]].from), *ids = json_array(), *lags = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct fl_step *s = &steps[chain[i]];
        json_array_append_new(nodes, json_string(s->to));
        json_array_append_new(ids, json_integer(fl_js_int(rules[s->rule].rule, "id")));
        json_array_append_new(lags, json_integer(s->lag_ms));
    }
    return json_line(json_pack(
        "{ss,ss,sO,so,so,so}", "type", "chain", "location", fl_js_text(rules->rule, "location"), "cluster_id",
        json_object_get(rules->rule, "cluster_id"), "nodes", nodes, "rule_ids", ids, "lags_ms", lags));
}

static int json_graph(const struct fl_graph_rules *g)
{
    int rc = json_clusters(g);
    if (rc == 0)
        rc = json_nodes(g);
    for (size_t i = 0; i < g->n && rc == 0; i++)
        rc = json_edge(&g->items[i]);
    for (size_t i = 0, n; i < g->n && rc == 0; i += n) {
        n = block_length(&g->items[i], g->n - i);
        rc = each_chain(&g->items[i], n, json_chain, &g->items[i]);
    }
    return rc < 0 ? fl_cli_fail(rc, &(struct fl_err){""}) : fl_cli_end();
}

/* ---- the command ---- */

static int print_nothing(const struct fl_cli *cli)
{
    printf("No rules%s%s to draw. Mine what is stored: flowlore mine%s%s\n", cli->location ? " at " : "",
           cli->location ? cli->location : "", cli->location ? " --location " : "",
           cli->location ? cli->location : "");
    return fl_cli_end();
}

int fl_cli_graph(struct fl_cli *cli)
{
    struct fl_err err = {""};
    struct fl_rulesdb *db = NULL;
    struct fl_graph_rules g = {0};
    if (cli->dot && cli->json)
        return fl_cli_fail(
            fl_fail(&err, FL_EINVAL, "--dot and --json are two forms of one graph; choose one"), &err);
    int code, rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, &err);
    if (rc == 0 && db)
        rc = fl_graph_load(db, cli->location, 0, &g, &err);
    if (rc < 0)
        code = fl_cli_fail(rc, &err);
    else if (cli->dot)
        code = fl_graph_dot(&g);
    else if (cli->json)
        code = json_graph(&g);
    else
        code = g.n > 0 ? print_graph(&g) : print_nothing(cli);
    fl_graph_clear(&g);
    fl_rulesdb_close(db);
    return code;
}
