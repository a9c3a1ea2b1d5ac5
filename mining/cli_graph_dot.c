/* The rule graph in Graphviz's language: clusters as boxes around their nodes, rules as edges. */
#include <stdio.h>
#include <string.h>

#include "mining/cli_graph.h"
#include "mining/human.h"

/* A text in quotes: `"` and `\` escaped, control characters made harmless. */
static void put_quoted(const char *text)
{
    char clean[1000];
    snprintf(clean, sizeof clean, "%s", text);
    putchar('"');
    for (const char *c = fl_human_clean(clean); *c; c++)
        printf("%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    putchar('"');
}

/* Nodes of the same text at two locations are two. */
static void put_node(const struct fl_graph_rule *r, const char *node)
{
    char name[FL_NODE_TEXT + 80];
    snprintf(name, sizeof name, "%.64s %s", fl_js_text(r->rule, "location"), node);
    put_quoted(name);
}

/* The text of a node in two lines: who, and where to. */
static void put_node_line(const struct fl_graph_rule *r, const char *node)
{
    const char *colon = strstr(node, " : ");
    char label[FL_NODE_TEXT + 8];
    printf("    ");
    put_node(r, node);
    printf(" [label=\"");
    snprintf(label, sizeof label, "%.*s\\n%s", (int)(colon ? colon - node : 0), node,
             colon ? colon + 3 : node);
    for (const char *c = label; *c; c++)
        printf("%s%c", *c == '"' ? "\\" : "", *c);
    printf("\"];\n");
}

static void put_edge(const struct fl_graph_rule *r)
{
    char lag_text[FL_HUMAN_TEXT], label[80], tip[FL_RULE_TEXT + 40];
    int64_t lag = fl_js_int(r->rule, "lag_ms");
    bool novel = strcmp(fl_js_text(r->rule, "status"), "novel") == 0;
    if (!*r->to)
        snprintf(label, sizeof label, "every %s",
                 fl_period_format(fl_js_int(r->rule, "period_ms"), lag_text));
    else
        snprintf(label, sizeof label, "%s", strcmp(r->from, r->to) ? fl_human_span(lag, lag_text) : "");
    snprintf(tip, sizeof tip, "rule %lld: %s", (long long)fl_js_int(r->rule, "id"),
             fl_js_text(r->rule, "rule"));
    printf("  ");
    put_node(r, r->from);
    printf(" -> ");
    put_node(r, *r->to ? r->to : r->from);
    printf(" [label=");
    put_quoted(label);
    printf(", dir=%s, style=%s, color=%s, penwidth=%.1f, tooltip=",
           strcmp(fl_js_text(r->rule, "arrow"), "<=>") == 0 ? "both" : "forward",
           strcmp(fl_js_text(r->rule, "evidence"), "during") == 0 ? "dashed" : "solid",
           novel ? "firebrick" : "gray40", 1 + 2 * fl_js_real(r->rule, "confidence"));
    put_quoted(tip);
    printf("];\n");
}

static bool is_named(const struct fl_graph_rule *rules, size_t n, const char *node)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rules[i].from, node) == 0 || strcmp(rules[i].to, node) == 0)
            return true;
    return false;
}

/* Each node in the box of its cluster; Graphviz keeps one that is named in two of them in the first. */
static void put_box(const struct fl_graph_rules *g, size_t first, size_t n)
{
    const struct fl_graph_rule *r = &g->items[first];
    const json_t *c = fl_graph_cluster(g, r->cluster);
    if (c) {
        printf("  subgraph \"cluster_%lld\" {\n    label=", (long long)r->cluster);
        put_quoted(fl_js_text(c, "name"));
        printf(";\n");
    } else
        printf("  {\n");
    for (size_t i = 0; i < n; i++) {
        if (!is_named(r, i, r[i].from))
            put_node_line(r, r[i].from);
        if (*r[i].to && strcmp(r[i].from, r[i].to) != 0 && !is_named(r, i, r[i].to))
            put_node_line(r, r[i].to);
    }
    printf("  }\n");
}

int fl_graph_dot(const struct fl_graph_rules *g)
{
    printf("digraph flowlore {\n"
           "  graph [rankdir=LR, fontname=\"sans-serif\", fontsize=10, color=gray70, style=rounded];\n"
           "  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];\n"
           "  edge [fontname=\"sans-serif\", fontsize=9];\n");
    for (size_t i = 0, n; i < g->n; i += n) {
        for (n = 1; i + n < g->n && g->items[i + n].cluster == g->items[i].cluster &&
                    strcmp(fl_js_text(g->items[i + n].rule, "location"),
                           fl_js_text(g->items[i].rule, "location")) == 0;)
            n++;
        put_box(g, i, n);
    }
    for (size_t i = 0; i < g->n; i++)
        put_edge(&g->items[i]);
    printf("}\n");
    return fl_cli_end();
}
