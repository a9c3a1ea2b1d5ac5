/* Ports that behave alike become a range, hosts in step a sweep: sets worked by hand, pairs of a scan. */
#include "tests/mining/mining_fixture.h"

#include "mining/range.h"
#include "mining/range_sets.h"
#include "mining/strongest.h"
#include "storage/error.h"

/* ---- sets ---- */

enum { MOST_LINKS = 4000 };

struct web {
    struct fl_link links[MOST_LINKS];
    size_t n;
    uint32_t places[200];
    int32_t labels[200];
};

static void join(struct web *w, uint32_t a, uint32_t b)
{
    w->links[w->n++] = (struct fl_link){a, b};
}

static void join_all(struct web *w, uint32_t from, uint32_t n)
{
    for (uint32_t a = from; a < from + n; a++)
        for (uint32_t b = a + 1; b < from + n; b++)
            join(w, a, b);
}

static struct web *new_web(void)
{
    struct web *w = calloc(1, sizeof *w);
    assert_non_null(w);
    for (uint32_t i = 0; i < 200; i++)
        w->places[i] = 6881 + i;
    return w;
}

static void few_ports_go_each_with_each(void **state)
{
    struct web *w = new_web();
    join_all(w, 0, 4); /* but 0-3: each still goes with two of three */
    w->links[2] = w->links[--w->n];
    join(w, 3, 90);
    join_all(w, 10, 2); /* two are a pair, not a set */
    join(w, 20, 21);    /* three in a row: the ends go with one of two */
    join(w, 21, 22);
    assert_int_equal(fl_sets_find(100, w->links, w->n, FL_SET_FEW, w->places, w->labels), 1);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(w->labels[i], i < 4 ? 0 : FL_SET_NONE);
    assert_int_equal(fl_sets_find(100, w->links, w->n, FL_SET_FEW, NULL, w->labels), 0);
    free(w);
}

static void few_ports_far_apart_stay_pairs(void **state)
{
    struct web *w = new_web();
    join_all(w, 0, 3);
    w->places[2] = w->places[0] + 11; /* 12 ports for 3 */
    assert_int_equal(fl_sets_find(3, w->links, w->n, FL_SET_FEW, w->places, w->labels), 1);
    w->places[2]++;
    assert_int_equal(fl_sets_find(3, w->links, w->n, FL_SET_FEW, w->places, w->labels), 0);
    free(w);
}

static void two_sets_of_one_component_are_two(void **state)
{
    struct web *w = new_web();
    join_all(w, 0, 5);
    join_all(w, 5, 4);
    join(w, 4, 5);
    assert_int_equal(fl_sets_find(9, w->links, w->n, FL_SET_FEW, w->places, w->labels), 2);
    for (uint32_t i = 1; i < 9; i++)
        assert_true((w->labels[i] == w->labels[0]) == (i < 5));
    free(w);
}

static void many_need_four_partners(void **state)
{
    /* A band: each goes with the two before and the two behind it, as a scan port by port makes them. */
    struct web *w = new_web();
    for (uint32_t i = 0; i < 100; i++) {
        join(w, i, (i + 1) % 100);
        join(w, i, (i + 2) % 100);
    }
    join(w, 50, 150); /* hangs on by one link */
    assert_int_equal(fl_sets_find(160, w->links, w->n, FL_SET_FEW, NULL, w->labels), 1);
    for (uint32_t i = 0; i < 160; i++)
        assert_int_equal(w->labels[i], i < 100 ? 0 : FL_SET_NONE);
    w->n--;
    w->links[0] = w->links[--w->n]; /* one link less and the band unravels from there */
    assert_int_equal(fl_sets_find(160, w->links, w->n, FL_SET_FEW, NULL, w->labels), 0);
    free(w);
}

static void what_stays_outside_of_sets_is_sparse(void **state)
{
    uint64_t seed = 5;
    for (int round = 0; round < 50; round++) {
        struct web *w = new_web();
        uint32_t n = 10 + random_below(&seed, 100), outside = 0, links = 0;
        for (uint32_t a = 1; a < n; a++)
            for (uint32_t k = random_below(&seed, 6); k-- > 0;) {
                uint32_t b = random_below(&seed, a);
                bool again = false;
                for (size_t i = 0; i < w->n; i++)
                    again = again || (w->links[i].a == b && w->links[i].b == a);
                if (!again)
                    join(w, b, a);
            }
        assert_true(fl_sets_find(n, w->links, w->n, FL_SET_FEW, NULL, w->labels) >= 0);
        for (uint32_t a = 0; a < n; a++)
            outside += w->labels[a] == FL_SET_NONE;
        for (size_t i = 0; i < w->n; i++)
            links += w->labels[w->links[i].a] == FL_SET_NONE && w->labels[w->links[i].b] == FL_SET_NONE;
        assert_true(links <= FL_SET_PARTNERS * outside + FL_SET_FEW * FL_SET_FEW);
        free(w);
    }
}

static void dense_sets_want_two_thirds(void **state)
{
    struct web *w = new_web();
    join_all(w, 0, 20); /* less 13 links of node 0: it has 6 of 19 left, and is none of them */
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->links[i].a != 0 || w->links[i].b > 13)
            w->links[kept++] = w->links[i];
    w->n = kept;
    join_all(w, 30, 18); /* another set, which a chain joins to the first */
    join(w, 19, 25);
    join(w, 25, 30);
    join_all(w, 60, 16);              /* too few */
    for (uint32_t i = 0; i < 40; i++) /* large, but thin: a band is no such set */
        for (uint32_t k = 1; k <= 4; k++)
            join(w, 100 + i, 100 + (i + k) % 40);
    assert_int_equal(fl_sets_find_dense(160, w->links, w->n, 16, w->labels), 2);
    for (uint32_t i = 0; i < 160; i++)
        assert_int_equal(w->labels[i] == FL_SET_NONE, !((i >= 1 && i < 20) || (i >= 30 && i < 48)));
    assert_true(w->labels[1] != w->labels[30]);
    free(w);
}

/* ---- pairs ---- */

enum { MOST_NODES = 2000, MOST_PAIRS = 200000 };

struct stage {
    struct fl_addr hosts[64];
    struct fl_talk talk;
    struct fl_node_key keys[MOST_NODES];
    struct fl_nodes nodes;
    struct fl_pair *items;
    struct fl_pairs pairs;
    struct fl_ranges ranges;
};

static struct stage *new_stage(void)
{
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (uint32_t h = 0; h < 64; h++)
        s->hosts[h] = fl_addr_v4(0x0a000000 + h);
    s->talk = (struct fl_talk){.hosts = s->hosts, .n_hosts = 64};
    s->nodes.keys = s->keys;
    s->items = malloc(MOST_PAIRS * sizeof *s->items);
    s->pairs.items = s->items;
    return s;
}

static void end(struct stage *s)
{
    fl_ranges_clear(&s->ranges);
    free(s->items);
    free(s);
}

static uint32_t node(struct stage *s, uint32_t client, uint32_t server, uint32_t port)
{
    s->keys[s->nodes.n] = (struct fl_node_key){client, server, FL_PORT_ANY, port, FL_PROTO_TCP};
    return (uint32_t)s->nodes.n++;
}

static void pair(struct stage *s, uint32_t x, uint32_t y, uint64_t n_xy)
{
    s->items[s->pairs.n++] = (struct fl_pair){
        .x = x, .y = y, .n_x = 100, .n_y = 100, .n_xy = n_xy, .expected = 1, .log10_p = -(double)n_xy};
}

static void find(struct stage *s, size_t want)
{
    assert_int_equal(fl_ranges_find(&s->ranges, &s->pairs, &s->nodes, &s->talk, NULL), 0);
    char x[FL_NODE_TEXT], y[FL_NODE_TEXT];
    for (size_t i = 0; i < s->ranges.n && s->ranges.n != want; i++)
        print_message("# %s ~ %s: %u\n", fl_node_format(&s->ranges.items[i].x, x),
                      fl_node_format(&s->ranges.items[i].y, y), s->ranges.items[i].members);
    assert_int_equal(s->ranges.n, want);
}

static void assert_range(const struct fl_range *r, const char *x, const char *y, uint32_t members)
{
    char text[FL_NODE_TEXT];
    assert_string_equal(fl_node_format(&r->x, text), x);
    assert_string_equal(fl_node_format(&r->y, text), y);
    assert_int_equal(r->members, members);
}

/* Any client at ports 6881..6881+n-1 of a server. */
static uint32_t ports(struct stage *s, uint32_t server, uint32_t n)
{
    uint32_t first = (uint32_t)s->nodes.n;
    for (uint32_t p = 0; p < n; p++)
        node(s, FL_HOST_ANY, server, 6881 + p);
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t b = a + 1; b < n; b++)
            pair(s, first + a, first + b, 20 + a + b);
    return first;
}

static void nine_ports_are_one_range(void **state)
{
    struct stage *s = new_stage();
    ports(s, 7, 9);
    pair(s, node(s, 1, 2, 80), node(s, 1, 2, 443), 50);
    find(s, 1);
    const struct fl_range *r = &s->ranges.items[0];
    assert_range(r, "*.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.7.6881-6889/tcp", 36);
    assert_int_equal(r->n_listed, 36);
    assert_int_equal(s->pairs.n, 37);
    uint32_t less = 0, more = 0;
    for (uint32_t i = 1; i < 36; i++) {
        less += s->items[r->listed[i]].n_xy < s->items[r->listed[0]].n_xy;
        more += s->items[r->listed[i]].n_xy > s->items[r->listed[0]].n_xy;
    }
    assert_true(less <= 18 && more <= 18); /* it is the middle one */
    end(s);
}

static void two_ports_of_a_server_stay_a_pair(void **state)
{
    struct stage *s = new_stage();
    ports(s, 7, 2);
    find(s, 0);
    assert_int_equal(s->pairs.n, 1);
    end(s);
}

static void both_kinds_of_evidence_count_once(void **state)
{
    struct stage *s = new_stage();
    uint32_t first = ports(s, 7, 3);
    for (uint32_t a = 0; a < 3; a++)
        for (uint32_t b = 0; b < 3; b++)
            if (a != b) {
                pair(s, first + a, first + b, 11);
                s->items[s->pairs.n - 1].evidence = FL_EVIDENCE_DURING;
            }
    find(s, 1);
    assert_int_equal(s->ranges.items[0].members, 3);
    assert_int_equal(s->pairs.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(s->items[i].evidence, FL_EVIDENCE_START); /* the stronger ones */
    end(s);
}

static void what_goes_with_half_the_range_goes_with_it(void **state)
{
    struct stage *s = new_stage();
    uint32_t first = ports(s, 7, 9), with = node(s, FL_HOST_ANY, 8, 80),
             without = node(s, FL_HOST_ANY, 9, 80);
    for (uint32_t p = 0; p < 5; p++)
        pair(s, first + p, with, 30);
    for (uint32_t p = 0; p < 4; p++)
        pair(s, first + p, without, 30);
    find(s, 2);
    assert_range(&s->ranges.items[0], "*.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.8.80/tcp", 5);
    assert_int_equal(s->pairs.n, 36 + 5 + 4);
    end(s);
}

static void a_scan_of_many_hosts_is_one_statement(void **state)
{
    /* One source tries 30 ports of 30 hosts, a window a host; neighbours share a window. */
    struct stage *s = new_stage();
    for (uint32_t h = 0; h < 30; h++)
        for (uint32_t p = 0; p < 30; p++)
            node(s, 63, h, 1000 + p);
    for (uint32_t h = 0; h < 30; h++)
        for (uint32_t p = 0; p < 30; p++)
            for (uint32_t g = h; g < 30 && g < h + 5; g++)
                for (uint32_t q = g == h ? p + 1 : 0; q < 30; q++)
                    pair(s, 30 * h + p, 30 * g + q, 12);
    size_t pairs = s->pairs.n;
    find(s, 1);
    assert_range(&s->ranges.items[0], "10.0.0.63.* : *.1000-1029/tcp", "10.0.0.63.* : *.1000-1029/tcp",
                 (uint32_t)pairs);
    assert_int_equal(s->ranges.items[0].hosts, 30);
    assert_int_equal(s->ranges.items[0].n_listed, FL_RANGE_LISTED);
    assert_int_equal(s->pairs.n, FL_RANGE_LISTED);
    end(s);
}

static void many_clients_in_step_are_one_statement(void **state)
{
    struct stage *s = new_stage();
    for (uint32_t c = 0; c < 17; c++)
        node(s, c, 50, 123);
    for (uint32_t a = 0; a < 17; a++)
        for (uint32_t b = a + 1; b < 17; b++)
            pair(s, a, b, 40);
    find(s, 1);
    assert_range(&s->ranges.items[0], "*.* : 10.0.0.50.123/tcp", "*.* : 10.0.0.50.123/tcp", 136);
    assert_int_equal(s->ranges.items[0].hosts, 17);
    end(s);
}

static void a_few_servers_in_step_stay_pairs(void **state)
{
    struct stage *s = new_stage();
    for (uint32_t c = 0; c < 16; c++)
        node(s, 50, c, 1081);
    for (uint32_t a = 0; a < 16; a++)
        for (uint32_t b = a + 1; b < 16; b++)
            pair(s, a, b, 40);
    find(s, 0);
    assert_int_equal(s->pairs.n, 120);
    end(s);
}

/* A client asks `n` services of as many servers and ports in one second. */
static void ask_mixed(struct stage *s, uint32_t client, uint32_t n)
{
    uint32_t first = (uint32_t)s->nodes.n;
    for (uint32_t i = 0; i < n; i++)
        node(s, client, i, 20 + 7 * i);
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t b = a + 1; b < n; b++)
            pair(s, first + a, first + b, 12);
}

static void mixed_services_in_step_are_one_statement(void **state)
{
    struct stage *s = new_stage();
    ask_mixed(s, 60, 17);
    pair(s, 0, node(s, 60, 40, 99), 12); /* within the ports, but in step with one of them only */
    find(s, 1);
    assert_range(&s->ranges.items[0], "10.0.0.60.* : *.1-65535/tcp", "10.0.0.60.* : *.1-65535/tcp", 136);
    assert_int_equal(s->ranges.items[0].hosts, 17);
    assert_int_equal(s->pairs.n, FL_RANGE_LISTED + 1);
    end(s);
}

/* What is listed names as many of the services as it can, whatever the pairs' sizes. */
static void listed_pairs_name_most_services(void **state)
{
    struct stage *s = new_stage();
    bool named[60] = {false};
    size_t count = 0;
    for (uint32_t i = 0; i < 60; i++)
        node(s, 60, i % 40, 20 + 7 * i);
    for (uint32_t a = 0; a < 60; a++)
        for (uint32_t b = a + 1; b < 60; b++)
            pair(s, a, b, 12 + (a == 0 ? b : 0)); /* in the middle by size are those of the last ones */
    find(s, 1);
    assert_int_equal(s->ranges.items[0].n_listed, FL_RANGE_LISTED);
    for (uint32_t i = 0; i < FL_RANGE_LISTED; i++) {
        const struct fl_pair *p = &s->pairs.items[s->ranges.items[0].listed[i]];
        named[p->x] = named[p->y] = true;
    }
    for (size_t i = 0; i < 60; i++)
        count += named[i];
    assert_int_equal(count, 60);
    end(s);
}

/* Three servers of six ports each are three hosts, not eighteen. */
static void servers_of_mixed_services_count_once(void **state)
{
    struct stage *s = new_stage();
    for (uint32_t i = 0; i < 18; i++)
        node(s, 60, i / 6, 20 + 100 * (i % 6) + i);
    for (uint32_t a = 0; a < 18; a++)
        for (uint32_t b = a + 1; b < 18; b++)
            pair(s, a, b, 12);
    find(s, 1);
    assert_range(&s->ranges.items[0], "10.0.0.60.* : *.1-65535/tcp", "10.0.0.60.* : *.1-65535/tcp", 153);
    assert_int_equal(s->ranges.items[0].hosts, 3);
    end(s);
}

static void a_few_mixed_services_stay_pairs(void **state)
{
    struct stage *s = new_stage();
    ask_mixed(s, 60, 16);
    find(s, 0);
    assert_int_equal(s->pairs.n, 120);
    end(s);
}

static void clients_that_ask_mixed_services_are_one(void **state)
{
    struct stage *s = new_stage();
    for (uint32_t c = 40; c < 60; c++)
        ask_mixed(s, c, 18);
    for (uint32_t service = 0; service < 18; service++)
        for (uint32_t a = 0; a < 20; a++)
            for (uint32_t b = a + 1; b < 20; b++)
                pair(s, 18 * a + service, 18 * b + service, 12);
    size_t pairs = s->pairs.n;
    find(s, 1);
    assert_range(&s->ranges.items[0], "*.* : *.1-65535/tcp", "*.* : *.1-65535/tcp", (uint32_t)pairs);
    assert_int_equal(s->ranges.items[0].hosts, 20);
    end(s);
}

static int stop_at_once(void *ctx, double done)
{
    ++*(int *)ctx;
    return 1;
}

static void ranges_stop_when_asked(void **state)
{
    struct stage *s = new_stage();
    int asked = 0;
    ask_mixed(s, 60, 17);
    assert_int_equal(
        fl_ranges_find(&s->ranges, &s->pairs, &s->nodes, &s->talk, &(struct fl_stop){stop_at_once, &asked}),
        FL_ESTOP);
    assert_int_equal(asked, 1);
    assert_int_equal(s->ranges.n, 0);
    end(s);
}

static void the_other_pairs_keep_their_order(void **state)
{
    struct stage *s = new_stage();
    uint32_t lone = node(s, 1, 2, 80), first = ports(s, 7, 5);
    for (uint32_t p = 0; p < 2; p++)
        pair(s, lone, first + p, 90 + p);
    find(s, 1);
    assert_int_equal(s->pairs.n, 12);
    assert_int_equal(s->items[10].n_xy, 90);
    assert_int_equal(s->items[11].n_xy, 91);
    end(s);
}

static void members_become_instances(void **state)
{
    struct stage *s = new_stage();
    struct fl_rule rules[40];
    int32_t rule_of[36];
    size_t n = 0;
    char text[FL_RULE_TEXT];
    ports(s, 7, 9);
    find(s, 1);
    memset(rules, 0, sizeof rules);
    size_t denied = s->ranges.items[0].listed[0];
    for (size_t i = 0; i < 36; i++) {
        rule_of[i] = i == denied ? -1 : (int32_t)n;
        if (i == denied)
            continue;
        rules[n].antecedent = fl_key_node(&s->keys[s->items[i].y], &s->talk); /* turned */
        rules[n].consequent = fl_key_node(&s->keys[s->items[i].x], &s->talk);
        rules[n].n_both = s->items[i].n_xy;
        rules[n++].parent = -1;
    }
    fl_ranges_add(&s->ranges, rule_of, rules, &n);
    assert_int_equal(n, 36);
    assert_int_equal(rules[35].parent, -1);
    assert_int_equal(rules[35].instances, 0); /* all are there to be counted */
    assert_int_equal(rules[35].n_both, s->items[s->ranges.items[0].listed[1]].n_xy);
    assert_string_equal(fl_rule_format(&rules[35], text),
                        "*.* : 10.0.0.7.6881-6889/tcp => *.* : 10.0.0.7.6881-6889/tcp");
    for (size_t i = 0; i < 35; i++)
        assert_int_equal(rules[i].parent, 35);
    for (size_t i = 0; i < 36; i++)
        rule_of[i] = -1;
    n = 0;
    fl_ranges_add(&s->ranges, rule_of, rules, &n);
    assert_int_equal(n, 0); /* nothing of it stood a closer look */
    end(s);
}

/* Two ranges and 20 pairs, and room for so many: ranges keep what gives them their figures and three more
 * each, then p-values decide. */
static void the_strongest_stay(void **state)
{
    for (uint64_t most = 1; most <= 90; most++) {
        struct stage *s = new_stage();
        ports(s, 7, 9);
        ports(s, 8, 9);
        for (uint32_t i = 0; i < 20; i++)
            pair(s, node(s, 40, i, 80), node(s, 40, i + 20, 443), i < 10 ? 500 + i : 15);
        find(s, 2);
        size_t n = s->pairs.n, figures[2];
        for (int i = 0; i < 2; i++)
            figures[i] = s->pairs.items[s->ranges.items[i].listed[0]].n_xy;
        int64_t left_out = fl_strongest_keep(&s->pairs, &s->ranges, most);
        uint64_t listed = 0, members = 0;
        assert_int_equal(n, 92);
        assert_int_equal(s->pairs.n, most);
        for (size_t i = 0; i < s->ranges.n; i++) {
            const struct fl_range *r = &s->ranges.items[i];
            listed += r->n_listed;
            members += r->members;
            assert_int_equal(r->members, 36);
            assert_int_equal(s->pairs.items[r->listed[0]].n_xy, figures[0]);
            for (uint32_t k = 0; k < r->n_listed; k++)
                assert_int_equal(s->pairs.items[r->listed[k]].x / 9 == 0,
                                 s->pairs.items[r->listed[0]].x / 9 == 0);
        }
        assert_int_equal(s->ranges.n, most < 2 ? most : 2);
        assert_int_equal(left_out, 72 + 20 - members - (most - listed)); /* each is somewhere */
        assert_int_equal(figures[0], figures[1]);
        size_t strong = 0;
        for (size_t i = 0; i < s->pairs.n; i++)
            strong += s->pairs.items[i].n_xy >= 500;
        assert_int_equal(strong, most < 8 ? 0 : most < 18 ? most - 8 : 10);
        for (size_t i = 0; i < s->ranges.n; i++) /* may be denied: others can stand in for it */
            assert_true(s->ranges.items[i].n_listed >= (most < 8 ? most / 2 : 4));
        end(s);
    }
    assert_true(fl_strongest_most(0) == UINT64_MAX);
    assert_true(fl_strongest_most(1 << 20) >= 100 && fl_strongest_most(1 << 20) <= 300);
}

static void covering(void **state)
{
    static const struct {
        const char *wide, *narrow;
        bool covers;
    } cases[] = {
        {"*.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.7.6885/tcp", true},
        {"*.* : 10.0.0.7.6881-6889/tcp", "10.0.0.1.* : 10.0.0.7.6881-6882/tcp", true},
        {"*.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.7.6881-6889/tcp", true},
        {"*.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.7.6890/tcp", false},
        {"*.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.7.6885/udp", false},
        {"*.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.8.6885/tcp", false},
        {"10.0.0.1.* : 10.0.0.7.6881-6889/tcp", "*.* : 10.0.0.7.6885/tcp", false},
        {"*.* : *.22/tcp", "10.0.0.1.* : 10.0.0.7.22/tcp", true},
        {"10.0.0.1.* : *.22/tcp", "10.0.0.1.22 : 10.0.0.7.22/tcp", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_node wide, narrow;
        assert_int_equal(fl_node_parse(cases[i].wide, &wide), 0);
        assert_int_equal(fl_node_parse(cases[i].narrow, &narrow), 0);
        assert_int_equal(fl_node_covers(&wide, &narrow), cases[i].covers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_ports_go_each_with_each),
        cmocka_unit_test(few_ports_far_apart_stay_pairs),
        cmocka_unit_test(two_sets_of_one_component_are_two),
        cmocka_unit_test(many_need_four_partners),
        cmocka_unit_test(what_stays_outside_of_sets_is_sparse),
        cmocka_unit_test(dense_sets_want_two_thirds),
        cmocka_unit_test(nine_ports_are_one_range),
        cmocka_unit_test(two_ports_of_a_server_stay_a_pair),
        cmocka_unit_test(both_kinds_of_evidence_count_once),
        cmocka_unit_test(what_goes_with_half_the_range_goes_with_it),
        cmocka_unit_test(a_scan_of_many_hosts_is_one_statement),
        cmocka_unit_test(many_clients_in_step_are_one_statement),
        cmocka_unit_test(a_few_servers_in_step_stay_pairs),
        cmocka_unit_test(mixed_services_in_step_are_one_statement),
        cmocka_unit_test(listed_pairs_name_most_services),
        cmocka_unit_test(servers_of_mixed_services_count_once),
        cmocka_unit_test(a_few_mixed_services_stay_pairs),
        cmocka_unit_test(clients_that_ask_mixed_services_are_one),
        cmocka_unit_test(ranges_stop_when_asked),
        cmocka_unit_test(the_other_pairs_keep_their_order),
        cmocka_unit_test(members_become_instances),
        cmocka_unit_test(the_strongest_stay),
        cmocka_unit_test(covering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
