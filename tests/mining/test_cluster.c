/* Clusters of rules: graphs worked by hand, every cut tried on small ones, and the names of what comes out.
 */
#include "tests/mining/mining_fixture.h"

#include <limits.h>
#include <math.h>

#include "mining/cluster.h"
#include "mining/cluster_cut.h"
#include "storage/error.h"

/* ---- graphs ---- */

enum { MOST_NODES = 400, MOST_ENDS = 4000 };

struct drawn {
    uint32_t n, n_edges;
    uint32_t a[MOST_ENDS], b[MOST_ENDS];
    double w[MOST_ENDS];
    uint32_t first[MOST_NODES + 1], to[2 * MOST_ENDS];
    double weight[2 * MOST_ENDS], degree[MOST_NODES];
    struct fl_graph graph;
};

static void draw(struct drawn *d, uint32_t a, uint32_t b, double w)
{
    d->a[d->n_edges] = a;
    d->b[d->n_edges] = b;
    d->w[d->n_edges++] = w;
}

static void clique(struct drawn *d, uint32_t from, uint32_t n)
{
    for (uint32_t a = from; a < from + n; a++)
        for (uint32_t b = a + 1; b < from + n; b++)
            draw(d, a, b, 1);
}

static const struct fl_graph *finish(struct drawn *d, uint32_t n)
{
    uint32_t at = 0;
    d->n = n;
    for (uint32_t u = 0; u < n; u++) {
        d->first[u] = at;
        d->degree[u] = 0;
        for (uint32_t e = 0; e < d->n_edges; e++)
            if (d->a[e] == u || d->b[e] == u) {
                d->degree[u] += d->w[e];
                d->to[at] = d->a[e] == u ? d->b[e] : d->a[e];
                d->weight[at++] = d->w[e];
            }
    }
    d->first[n] = at;
    d->graph = (struct fl_graph){n, d->first, d->to, d->weight, d->degree};
    return &d->graph;
}

static double conductance_of(const struct drawn *d, uint32_t side)
{
    double cut = 0, inside = 0, outside = 0;
    for (uint32_t e = 0; e < d->n_edges; e++)
        cut += (side >> d->a[e] & 1) != (side >> d->b[e] & 1) ? d->w[e] : 0;
    for (uint32_t u = 0; u < d->n; u++)
        *(side >> u & 1 ? &inside : &outside) += d->degree[u];
    return cut / (inside < outside ? inside : outside);
}

/* Every cut there is. */
static double best_of_all(const struct drawn *d)
{
    double best = INFINITY;
    for (uint32_t side = 1; side + 1 < 1u << d->n; side++)
        best = fmin(best, conductance_of(d, side));
    return best;
}

static uint32_t side_of(const uint32_t *order, uint32_t n_left)
{
    uint32_t side = 0;
    for (uint32_t i = 0; i < n_left; i++)
        side |= 1u << order[i];
    return side;
}

static void two_cliques_part_at_their_bridge(void **state)
{
    struct drawn *d = calloc(1, sizeof *d);
    uint32_t order[8], n_left;
    double conductance;
    clique(d, 0, 4);
    clique(d, 4, 4);
    draw(d, 3, 4, 1);
    assert_int_equal(fl_graph_cut(finish(d, 8), 200, NULL, order, &n_left, &conductance), 0);
    assert_float_equal(conductance, 1.0 / 13, 1e-12);
    assert_int_equal(n_left, 4);
    uint32_t side = side_of(order, n_left);
    assert_true(side == 0x0f || side == 0xf0);
    free(d);
}

static void a_star_has_no_good_cut(void **state)
{
    struct drawn *d = calloc(1, sizeof *d);
    uint32_t order[9], n_left;
    double conductance;
    for (uint32_t leaf = 1; leaf < 9; leaf++)
        draw(d, 0, leaf, leaf);
    assert_int_equal(fl_graph_cut(finish(d, 9), 200, NULL, order, &n_left, &conductance), 0);
    assert_float_equal(conductance, 1, 1e-12);
    free(d);
}

static void a_path_is_cut_in_the_middle(void **state)
{
    struct drawn *d = calloc(1, sizeof *d);
    uint32_t order[12], n_left;
    double conductance;
    for (uint32_t u = 0; u + 1 < 12; u++)
        draw(d, u, u + 1, 1);
    assert_int_equal(fl_graph_cut(finish(d, 12), 200, NULL, order, &n_left, &conductance), 0);
    assert_int_equal(n_left, 6);
    assert_float_equal(conductance, 1.0 / 11, 1e-12);
    free(d);
}

/* Cheeger: twice the best conductance is at least the square of what the sweep finds. */
static void no_cut_of_small_graphs_is_much_better(void **state)
{
    struct drawn *d = calloc(1, sizeof *d);
    uint64_t seed = 7;
    size_t exact = 0;
    for (int round = 0; round < 120; round++) {
        uint32_t n = 4 + random_below(&seed, 7), order[16], n_left, again[16], n_again;
        double conductance, by_steps;
        d->n_edges = 0;
        for (uint32_t u = 1; u < n; u++)
            draw(d, u, random_below(&seed, u), 0.1 + random_below(&seed, 100));
        for (uint32_t u = 2; u < n; u++)
            if (random_below(&seed, 2))
                draw(d, u, u - 1 - random_below(&seed, 2), 0.1 + random_below(&seed, 100));
        finish(d, n);
        double best = best_of_all(d);
        assert_int_equal(fl_graph_cut(&d->graph, 200, NULL, order, &n_left, &conductance), 0);
        assert_float_equal(conductance, conductance_of(d, side_of(order, n_left)), 1e-9);
        assert_true(conductance > best - 1e-9 && conductance * conductance <= 2 * best + 1e-9);
        exact += conductance < best + 1e-9;
        assert_int_equal(fl_graph_cut(&d->graph, 0, NULL, again, &n_again, &by_steps), 0);
        assert_float_equal(by_steps, conductance, 1e-6); /* Lanczos goes to the end here */
    }
    print_message("# the sweep found the best of all cuts in %zu of 120 graphs\n", exact);
    assert_true(exact >= 90);
    free(d);
}

static void equal_eigenvalues_have_one_answer(void **state)
{
    /* Four cliques around a hub: three equal second eigenvalues. In full and step by step agree. */
    struct drawn *d = calloc(1, sizeof *d);
    uint32_t order[2][MOST_NODES], n_left[2];
    double conductance[2];
    for (uint32_t k = 0; k < 4; k++) {
        clique(d, 1 + 5 * k, 5);
        draw(d, 0, 1 + 5 * k, 1);
    }
    finish(d, 21);
    for (int way = 0; way < 2; way++)
        assert_int_equal(
            fl_graph_cut(&d->graph, way ? 0 : 200, NULL, order[way], &n_left[way], &conductance[way]), 0);
    assert_int_equal(n_left[0], n_left[1]);
    assert_int_equal(side_of(order[0], n_left[0]), side_of(order[1], n_left[1]));
    assert_float_equal(conductance[0], conductance[1], 1e-9);
    free(d);
}

static void large_graphs_are_cut_step_by_step(void **state)
{
    struct drawn *d = calloc(1, sizeof *d);
    uint32_t *order = calloc(MOST_NODES, sizeof *order), n_left;
    double conductance;
    uint64_t seed = 3;
    for (uint32_t half = 0; half < 2; half++)
        for (uint32_t u = 1; u < 200; u++)
            for (int k = 0; k < 4; k++)
                draw(d, half * 200 + u, half * 200 + random_below(&seed, u), 1);
    draw(d, 0, 200, 1);
    assert_int_equal(fl_graph_cut(finish(d, 400), 200, NULL, order, &n_left, &conductance), 0);
    assert_int_equal(n_left, 200);
    assert_float_equal(conductance, 1.0 / (2 * 4 * 199 + 1), 1e-12);
    free(order);
    free(d);
}

static void one_node_can_not_be_cut(void **state)
{
    struct drawn *d = calloc(1, sizeof *d);
    uint32_t order[1], n_left;
    double conductance;
    assert_int_equal(fl_graph_cut(finish(d, 1), 200, NULL, order, &n_left, &conductance), FL_EINVAL);
    free(d);
}

/* ---- rules ---- */

static struct fl_rule rule(const char *text, double score)
{
    struct fl_rule r;
    memset(&r, 0, sizeof r);
    int rc = fl_rule_parse(text, &r.antecedent, &r.consequent);
    assert_true(rc >= 0);
    r.evidence = rc == 1 ? FL_EVIDENCE_PERIODIC : FL_EVIDENCE_START;
    r.both = strstr(text, "<=>") != NULL;
    r.score = score;
    r.parent = -1;
    return r;
}

static struct fl_rule between(const char *x, const char *arrow, const char *y, double score)
{
    char text[FL_RULE_TEXT];
    snprintf(text, sizeof text, "%s %s %s", x, arrow, y);
    return rule(text, score);
}

#define SSH(n) "*.* : 10.0.0." #n ".22/tcp"
#define WEB(n) "10.0.5.5.* : 10.0.1." #n ".1081/tcp"

static void cluster(struct fl_rule *rules, size_t n, struct fl_cluster **out, size_t want)
{
    size_t got;
    assert_int_equal(fl_cluster(rules, n, out, &got, NULL), 0);
    for (size_t i = 0; i < got && got != want; i++)
        print_message("# %s\n", (*out)[i].name);
    assert_int_equal(got, want);
}

static void names_say_what_is_shared(void **state)
{
    struct fl_cluster *c;
    struct fl_rule rules[] = {between(SSH(1), "<=>", SSH(2), 1),
                              between(SSH(1), "<=>", SSH(3), 1),
                              between(SSH(2), "<=>", SSH(3), 1),
                              between(WEB(1), "=>", WEB(2), 0.5),
                              between(WEB(1), "=>", WEB(3), 0.5),
                              between(WEB(1), "=>", WEB(4), 0.5),
                              rule("*.* : 10.0.0.9.6881-6889/tcp <=> *.* : 10.0.0.9.6881-6889/tcp", 0.25),
                              rule("10.0.0.7.123 : 10.0.9.9.123/udp => 10.0.0.7.* : *.8.0/icmp", 0.125),
                              rule("*.* : 10.0.0.26.25/tcp <=> 10.0.0.26.* : *.113/tcp", 0.0625)};
    cluster(rules, 9, &c, 5);
    assert_string_equal(c[0].name, "any client, 3 servers, port 22/tcp (clique)");
    assert_string_equal(c[0].form, "clique");
    assert_int_equal(c[0].rules, 3);
    assert_int_equal(c[0].nodes, 3);
    assert_float_equal(c[0].score, 3, 1e-12);
    assert_string_equal(c[1].name, "client 10.0.5.5, 4 servers, port 1081/tcp (star)");
    assert_int_equal(c[1].nodes, 4);
    assert_string_equal(c[2].name, "any client, server 10.0.0.9, ports 6881-6889/tcp (range)");
    assert_string_equal(c[3].name, "client 10.0.0.7, server 10.0.9.9 or any, ports 123/udp, 8.0/icmp (pair)");
    assert_string_equal(c[4].name, "host 10.0.0.26, ports 25/tcp, 113/tcp (pair)");
    static const int32_t want[] = {0, 0, 0, 1, 1, 1, 2, 3, 4};
    for (int i = 0; i < 9; i++)
        assert_int_equal(rules[i].cluster, want[i]);
    free(c);
}

#define A "10.0.0.1.* : 10.0.9.1.1/tcp"
#define B "10.0.0.1.* : 10.0.9.1.2/tcp"
#define C "10.0.0.1.* : 10.0.9.1.3/tcp"
#define D "10.0.0.1.* : 10.0.9.1.4/tcp"
#define E "10.0.0.1.* : 10.0.9.1.5/tcp"
#define F "10.0.0.1.* : 10.0.9.1.6/tcp"

static void triangles_come_apart_and_the_bridge_goes_with_its_antecedent(void **state)
{
    struct fl_cluster *c;
    struct fl_rule rules[] = {between(A, "<=>", B, 1), between(B, "<=>", C, 1), between(A, "<=>", C, 1),
                              between(D, "<=>", E, 1), between(E, "<=>", F, 1), between(D, "<=>", F, 1),
                              between(D, "=>", C, 1)};
    cluster(rules, 7, &c, 2);
    assert_int_equal(c[0].rules, 4);
    assert_int_equal(c[1].rules, 3);
    assert_int_equal(rules[6].cluster, 0);
    assert_int_equal(rules[3].cluster, 0);
    assert_int_equal(rules[0].cluster, 1);
    assert_string_equal(c[0].form, "mesh");
    assert_string_equal(c[1].form, "clique");
    free(c);
}

static const char *form_of(struct fl_rule *rules, size_t n)
{
    static char form[16];
    struct fl_cluster *c;
    cluster(rules, n, &c, 1);
    snprintf(form, sizeof form, "%s", c[0].form);
    free(c);
    return form;
}

static void forms(void **state)
{
    struct fl_rule pair[] = {between(A, "=>", B, 1)};
    assert_string_equal(form_of(pair, 1), "pair");
    struct fl_rule chain[] = {between(A, "=>", B, 1), between(B, "=>", C, 1)};
    assert_string_equal(form_of(chain, 2), "chain");
    struct fl_rule star[] = {between(A, "=>", B, 1), between(C, "=>", B, 1)};
    assert_string_equal(form_of(star, 2), "star");
    struct fl_rule mutual[] = {between(A, "<=>", B, 1), between(B, "=>", C, 1)};
    assert_string_equal(form_of(mutual, 2), "star");
    struct fl_rule row[] = {between(A, "<=>", B, 1), between(B, "<=>", C, 1), between(C, "<=>", D, 1)};
    assert_string_equal(form_of(row, 3), "chain");
    struct fl_rule ring[] = {between(A, "<=>", B, 1), between(B, "<=>", C, 1), between(C, "<=>", D, 1),
                             between(D, "<=>", A, 1)};
    assert_string_equal(form_of(ring, 4), "mesh");
    struct fl_rule folded[] = {between(A, "<=>", B, 1), between(B, "=>", C, 1), between(A, "=>", C, 1)};
    folded[2].parent = 1;
    assert_string_equal(form_of(folded, 3), "clique"); /* its last edge is an instance */
    assert_int_equal(folded[2].cluster, -1);
}

static void periodic_rules_go_with_their_node(void **state)
{
    struct fl_cluster *c;
    struct fl_rule rules[] = {between(A, "=>", B, 1), rule(B " every 5 min", 0.5), rule(C " every 1 h", 0.5)};
    cluster(rules, 3, &c, 1);
    assert_int_equal(rules[1].cluster, 0);
    assert_int_equal(rules[2].cluster, -1);
    assert_int_equal(c[0].rules, 2);
    assert_int_equal(c[0].nodes, 2);
    free(c);
    cluster(rules + 2, 1, &c, 0);
    free(c);
    cluster(rules, 0, &c, 0);
    free(c);
}

static void the_order_of_rules_is_of_no_account(void **state)
{
    struct fl_cluster *one, *other;
    struct fl_rule rules[120], turned[120];
    uint64_t seed = 11;
    for (int i = 0; i < 120; i++) {
        char text[FL_RULE_TEXT];
        int block = i % 6;
        uint32_t a = random_below(&seed, 6), b = (a + 1 + random_below(&seed, 5)) % 6;
        snprintf(text, sizeof text, "10.0.%d.1.* : 10.0.9.1.%u/tcp => 10.0.%d.1.* : 10.0.9.1.%u/tcp", block,
                 a + 1, i < 100 ? block : (block + 1) % 6, b + 1);
        rules[i] = rule(text, i < 100 ? 1 : 0.25);
        turned[119 - i] = rules[i];
    }
    size_t n_one, n_other;
    assert_int_equal(fl_cluster(rules, 120, &one, &n_one, NULL), 0);
    assert_int_equal(fl_cluster(turned, 120, &other, &n_other, NULL), 0);
    assert_int_equal(n_one, n_other);
    assert_true(n_one > 1);
    for (size_t i = 0; i < n_one; i++)
        assert_string_equal(one[i].name, other[i].name);
    for (int i = 0; i < 120; i++)
        assert_int_equal(rules[i].cluster, turned[119 - i].cluster);
    free(one);
    free(other);
}

/* ---- bounds ---- */

/* Rules between nodes numbered below n: each node with a few near it, and rarely with any. */
static struct fl_rule *many_rules(size_t n_rules, uint32_t n, uint64_t seed)
{
    struct fl_rule *rules = calloc(n_rules, sizeof *rules);
    assert_non_null(rules);
    for (size_t i = 0; i < n_rules; i++) {
        uint32_t ends[2] = {random_below(&seed, n), 0};
        ends[1] = (ends[0] + 1 + random_below(&seed, i % 50 ? 12 : n - 1)) % n;
        struct fl_node *nodes[2] = {&rules[i].antecedent, &rules[i].consequent};
        for (int k = 0; k < 2; k++)
            *nodes[k] = (struct fl_node){.client = fl_addr_v4(0x0a000000 + ends[k]),
                                         .server = fl_addr_v4(0x0b000001),
                                         .client_port = FL_PORT_ANY,
                                         .server_port = 80,
                                         .protocol = FL_PROTO_TCP};
        rules[i].score = 1;
        rules[i].parent = -1;
    }
    return rules;
}

struct asked {
    long asks, most;
};

static int stop_after(void *ctx, double done)
{
    struct asked *a = ctx;
    return ++a->asks > a->most;
}

static void many_rules_take_bounded_work(void **state)
{
    enum { RULES = 60000, NODES = 30000 };
    struct fl_rule *rules = many_rules(RULES, NODES, 4);
    struct asked asked = {.most = LONG_MAX};
    struct fl_stop stop = {stop_after, &asked};
    struct fl_cluster *c;
    size_t n;
    assert_int_equal(fl_cluster(rules, RULES, &c, &n, &stop), 0);
    print_message("# asked %ld times, %zu clusters\n", asked.asks, n);
    assert_true(asked.asks > 100 && asked.asks < 30000); /* to the end, it would be twice as often */
    for (size_t i = 0; i < RULES; i++)
        assert_true(rules[i].cluster >= 0 && rules[i].cluster < (int32_t)n);
    free(c);
    for (long most = 0; most < 1000; most += 333) {
        struct asked again = {.most = most};
        stop.ctx = &again;
        assert_int_equal(fl_cluster(rules, RULES, &c, &n, &stop), FL_ESTOP);
        assert_int_equal(again.asks, most + 1);
        assert_null(c);
        assert_int_equal(n, 0);
    }
    free(rules);
}

static void the_work_of_a_cut_is_bounded(void **state)
{
    uint32_t *first = calloc(3000001, sizeof *first);
    assert_non_null(first);
    for (uint32_t n = 2; n <= 3000000; n = n * 3 / 2 + 1) {
        struct fl_graph g = {.n = n, .first = first};
        first[n] = 4 * n;
        uint64_t work = fl_graph_cut_work(&g, 64);
        assert_true(work > 0 && work < FL_CLUSTER_MOST_WORK / 3);
        first[n] = 0;
    }
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_cliques_part_at_their_bridge),
        cmocka_unit_test(a_star_has_no_good_cut),
        cmocka_unit_test(a_path_is_cut_in_the_middle),
        cmocka_unit_test(no_cut_of_small_graphs_is_much_better),
        cmocka_unit_test(equal_eigenvalues_have_one_answer),
        cmocka_unit_test(large_graphs_are_cut_step_by_step),
        cmocka_unit_test(one_node_can_not_be_cut),
        cmocka_unit_test(names_say_what_is_shared),
        cmocka_unit_test(triangles_come_apart_and_the_bridge_goes_with_its_antecedent),
        cmocka_unit_test(forms),
        cmocka_unit_test(periodic_rules_go_with_their_node),
        cmocka_unit_test(the_order_of_rules_is_of_no_account),
        cmocka_unit_test(many_rules_take_bounded_work),
        cmocka_unit_test(the_work_of_a_cut_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
