/* The judge: plain and slow, sharing nothing with the passes it judges but the nodes. */
#include "tests/generate/judge.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

struct line { /* of the list */
    const struct gen_truth *truth;
    struct fl_node x, y;
};

static struct line *read_list(const struct gen_day *day)
{
    struct line *lines = calloc(day->n_truth + 1, sizeof *lines);
    for (size_t i = 0; i < day->n_truth && lines != NULL; i++) {
        const struct gen_truth *t = &day->truth[i];
        lines[i].truth = t;
        if (fl_node_parse(t->x, &lines[i].x) < 0 || fl_node_parse(t->y, &lines[i].y) < 0) {
            fprintf(stderr, "the list has what is no node: %s with %s\n", t->x, t->y);
            abort();
        }
    }
    return lines;
}

static bool holds_port(uint32_t port, uint32_t first, uint32_t last)
{
    return port == first || (last != 0 && port >= first && port <= last);
}

/* Is `listed` this node, or one of its ports? */
static bool covers(const struct fl_node *node, const struct fl_node *listed)
{
    return node->any_client == listed->any_client && node->any_server == listed->any_server &&
           node->protocol == listed->protocol && fl_addr_cmp(&node->client, &listed->client) == 0 &&
           fl_addr_cmp(&node->server, &listed->server) == 0 &&
           holds_port(listed->client_port, node->client_port, node->client_port_last) &&
           holds_port(listed->server_port, node->server_port, node->server_port_last);
}

static bool covers_or_wilder(const struct fl_node *node, const struct fl_node *listed)
{
    return covers(node, listed) || fl_node_generalises(node, listed);
}

typedef bool match_fn(const struct fl_node *node, const struct fl_node *listed);

static bool says(const struct fl_rule *rule, const struct line *line, match_fn *match)
{
    const struct fl_node *a = &rule->antecedent, *b = &rule->consequent;
    return (match(a, &line->x) && match(b, &line->y)) || (match(a, &line->y) && match(b, &line->x));
}

static struct gen_tally *tally_of(struct gen_verdict *v, const struct gen_truth *t)
{
    size_t i = 0;
    while (i < v->n_tallies && strcmp(v->tallies[i].pattern, t->pattern) != 0)
        i++;
    assert(i < GEN_PATTERNS_MOST);
    if (i == v->n_tallies)
        v->tallies[v->n_tallies++] = (struct gen_tally){.pattern = t->pattern, .decoy = t->kind == GEN_DECOY};
    return &v->tallies[i];
}

/* One line of the list against all rules. */
static void judge_line(struct gen_verdict *v, const struct line *line, const struct fl_rule *rules, size_t n,
                       gen_say_fn *say, void *ctx)
{
    const struct gen_truth *t = line->truth;
    bool decoy = t->kind == GEN_DECOY, found = false;
    for (size_t i = 0; i < n && !found; i++)
        found = says(&rules[i], line, decoy ? covers_or_wilder : covers);
    struct gen_tally *tally = tally_of(v, t);
    tally->listed++;
    tally->found += found;
    v->planted += !decoy;
    v->found += found && !decoy;
    v->decoys += found && decoy;
    if (found == decoy && say != NULL) {
        char text[2 * GEN_NODE_TEXT + 8];
        snprintf(text, sizeof text, "%s with %s", t->x, t->y);
        say(ctx, decoy ? "decoy" : "missed", t->pattern, text);
    }
}

/* Both could be of one conversation, whatever its client's port. */
static bool is_of(const struct fl_node *node, const struct fl_node *listed)
{
    return (node->any_client || listed->any_client || fl_addr_cmp(&node->client, &listed->client) == 0) &&
           (node->any_server || listed->any_server || fl_addr_cmp(&node->server, &listed->server) == 0) &&
           node->protocol == listed->protocol && node->server_port == listed->server_port;
}

/* A periodic rule is of a node that is on the list, decoys' pollers among them, perhaps made wilder; or a
 * stranger. What is planted comes once in each so many minutes, and clients often take turns, so that many of
 * its nodes do keep a period. */
static void judge_periodic(struct gen_verdict *v, const struct line *lines, size_t n,
                           const struct fl_rule *rule, gen_say_fn *say, void *ctx)
{
    bool listed = false;
    for (size_t i = 0; i < n && !listed; i++)
        listed = is_of(&rule->antecedent, &lines[i].x) || is_of(&rule->antecedent, &lines[i].y);
    v->periodic++;
    v->periodic_strangers += !listed;
    if (!listed && say != NULL) {
        char text[FL_RULE_TEXT];
        say(ctx, "stranger", "", fl_rule_format(rule, text));
    }
}

/* One rule against the whole list. */
static void judge_rule(struct gen_verdict *v, const struct line *lines, size_t n, const struct fl_rule *rule,
                       gen_say_fn *say, void *ctx)
{
    bool planted = false, follows = false;
    for (size_t i = 0; i < n && !planted; i++) {
        enum gen_kind kind = lines[i].truth->kind;
        bool here = kind != GEN_DECOY && says(rule, &lines[i], covers);
        planted = here && kind == GEN_PLANTED;
        follows = follows || (here && kind == GEN_FOLLOWS);
    }
    v->rules++;
    v->follow += !planted && follows;
    v->strangers += !planted && !follows;
    if (!planted && !follows && say != NULL) {
        char text[FL_RULE_TEXT];
        say(ctx, "stranger", "", fl_rule_format(rule, text));
    }
}

static size_t count_statements(const struct gen_day *day)
{
    size_t count = 0;
    const char *range = "";
    for (size_t i = 0; i < day->n_truth; i++) {
        const struct gen_truth *t = &day->truth[i];
        bool again = t->range && strcmp(t->pattern, range) == 0; /* a pattern's lines stand together */
        count += t->kind == GEN_PLANTED && !again;
        if (t->range)
            range = t->pattern;
    }
    return count;
}

int gen_judge(struct gen_verdict *verdict, const struct gen_day *day, const struct fl_rule *rules, size_t n,
              gen_say_fn *say, void *ctx)
{
    struct line *lines = read_list(day);
    if (lines == NULL)
        return FL_ENOMEM;
    for (size_t i = 0; i < day->n_truth; i++)
        if (lines[i].truth->kind != GEN_FOLLOWS)
            judge_line(verdict, &lines[i], rules, n, say, ctx);
    for (size_t i = 0; i < n && rules[i].parent < 0; i++)
        if (rules[i].evidence == FL_EVIDENCE_PERIODIC)
            judge_periodic(verdict, lines, day->n_truth, &rules[i], say, ctx);
        else
            judge_rule(verdict, lines, day->n_truth, &rules[i], say, ctx);
    verdict->statements += count_statements(day);
    free(lines);
    return 0;
}

void gen_verdict_print(const struct gen_verdict *v)
{
    printf("# %-16s %7s %7s\n", "pattern", "pairs", "found");
    for (size_t i = 0; i < v->n_tallies; i++) {
        const struct gen_tally *t = &v->tallies[i];
        printf("# %-16s %7zu %7zu%s\n", t->pattern, t->listed, t->found, t->decoy ? "  (decoy)" : "");
    }
    printf(
        "# %zu rules on %zu planted pairs (%zu with a range of ports as one); %zu follow from them, %zu are "
        "strangers\n",
        v->rules, v->planted, v->statements, v->follow, v->strangers);
    printf("# besides %zu periodic rules, %zu of them of nodes that are not on the list\n", v->periodic,
           v->periodic_strangers);
}
