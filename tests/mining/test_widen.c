/* What client after client does, with server after server, is one statement, counted as any other. */
#include "tests/mining/mining_fixture.h"

#include "storage/error.h"

static const int64_t from_ms = 1655078400000, hour_ms = 3600000;

struct hours { /* eight of them, in which clients ask for a name and then go somewhere */
    struct fl_flow flows[8000];
    size_t n;
    uint64_t seed;
};

/* Client `c` visits a server at port 443, 30 ms after it has asked for its name if it does. */
static void visit(struct hours *h, unsigned c, unsigned server, int64_t at_ms, bool asks)
{
    char client[24], name[24];
    uint16_t port = (uint16_t)(20000 + random_below(&h->seed, 40000));
    snprintf(client, sizeof client, "10.0.%u.%u", 1 + c / 250, c % 250 + 1);
    snprintf(name, sizeof name, "198.18.%u.%u", server / 250, server % 250 + 1);
    assert_true(h->n + 2 <= 8000);
    if (asks)
        h->flows[h->n++] = record(client, port, "10.0.0.53", 53, FL_PROTO_UDP, at_ms, at_ms + 5);
    h->flows[h->n++] = record(client, port, name, 443, FL_PROTO_TCP, at_ms + 30, at_ms + 200);
}

static struct hours *new_hours(unsigned clients, unsigned visits, unsigned servers)
{
    struct hours *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->seed = 9;
    for (unsigned c = 0; c < clients; c++)
        for (unsigned v = 0; v < visits; v++)
            visit(h, c, random_below(&h->seed, servers),
                  from_ms + 8 * hour_ms / visits * v +
                      random_below(&h->seed, (uint32_t)(8 * hour_ms / visits - 1000)),
                  true);
    return h;
}

static int mine_within(struct fl_findings *found, struct hours *h, uint32_t threads, uint64_t memory_bytes)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    config.threads = threads;
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = h->flows,
                                      .n = h->n,
                                      .from_ms = from_ms,
                                      .to_ms = from_ms + 8 * hour_ms,
                                      .active_timeout_ms = 60000,
                                      .memory_bytes = memory_bytes,
                                      .config = &config,
                                      .services = &services};
    int rc = fl_find_rules(found, &request);
    if (rc == 0)
        drop_periodic(found);
    return rc;
}

static struct fl_findings mine(struct hours *h, uint32_t threads)
{
    struct fl_findings found;
    assert_int_equal(mine_within(&found, h, threads, 0), 0);
    return found;
}

static size_t count_tops(const struct fl_findings *f)
{
    size_t n = 0;
    while (n < f->n && f->rules[n].parent < 0)
        n++;
    return n;
}

/* Windows x clients in which a client both starts at port 443 and, or while, at port 53. */
static uint64_t count_plainly(const struct hours *h, enum fl_evidence evidence)
{
    uint64_t count = 0;
    for (unsigned c = 0; c < 64; c++)
        for (int64_t second = 0; second < 8 * 3600; second++) {
            bool web = false, name = false;
            struct fl_addr client = fl_addr_v4(0x0a000101u + c);
            int64_t at = from_ms + 1000 * second;
            for (size_t i = 0; i < h->n && !(web && name); i++) {
                const struct fl_flow *f = &h->flows[i];
                if (f->start_ms >= at + 1000 || f->end_ms < at || fl_addr_cmp(&f->src, &client) != 0)
                    continue;
                web = web || (f->dst_port == 443 && f->start_ms >= at);
                name = name || (f->dst_port == 53 && (evidence == FL_EVIDENCE_DURING || f->start_ms >= at));
            }
            count += web && name;
        }
    return count;
}

static void look_ups_before_visits_are_one_rule(void **state)
{
    struct hours *h = new_hours(12, 60, 40), *copy = malloc(sizeof *copy);
    *copy = *h;
    struct fl_findings found = mine(h, 2);
    char text[FL_RULE_TEXT];
    assert_int_equal(count_tops(&found), 1);
    const struct fl_rule *r = &found.rules[0];
    bool web_first = r->antecedent.server_port == 443;
    assert_string_equal(fl_node_format(web_first ? &r->antecedent : &r->consequent, text), "*.* : *.443/tcp");
    assert_string_equal(fl_node_format(web_first ? &r->consequent : &r->antecedent, text),
                        "*.* : 10.0.0.53.53/udp");
    assert_int_equal(r->hosts, 12);
    assert_true(r->instances >= 12);
    assert_true(r->log10_q <= -2);
    assert_int_equal(r->n_both, count_plainly(copy, r->evidence));
    fl_findings_clear(&found);
    free(h);
    free(copy);
}

static void two_clients_make_no_generic(void **state)
{
    struct hours *h = new_hours(2, 100, 90);
    struct fl_findings found = mine(h, 2);
    for (size_t i = 0; i < found.n; i++)
        assert_false(found.rules[i].antecedent.any_client && found.rules[i].antecedent.any_server);
    assert_true(count_tops(&found) >= 2);
    fl_findings_clear(&found);
    free(h);
}

static void who_does_not_look_up_speaks_against_it(void **state)
{
    /* 5 of 25 clients ask before they go, the others go all the same: of all visits few have been asked for,
     * but who asked goes. */
    struct hours *h = new_hours(5, 60, 40);
    for (unsigned c = 5; c < 25; c++)
        for (unsigned v = 0; v < 120; v++)
            visit(h, c, random_below(&h->seed, 40),
                  from_ms + 8 * hour_ms / 120 * v +
                      random_below(&h->seed, (uint32_t)(8 * hour_ms / 120 - 1000)),
                  false);
    struct fl_findings found = mine(h, 2);
    bool said = false;
    for (size_t i = 0; i < count_tops(&found); i++) {
        const struct fl_rule *r = &found.rules[i];
        if (!r->antecedent.any_client || !(r->antecedent.any_server || r->consequent.any_server))
            continue;
        said = true;
        assert_int_equal(r->antecedent.server_port, 53);
        assert_true(r->confidence > 0.9 && r->reverse_confidence < 0.2);
        assert_false(r->both);
    }
    assert_true(said);
    fl_findings_clear(&found);
    free(h);
}

static void neither_order_nor_threads_matter(void **state)
{
    struct hours *h = new_hours(6, 60, 40), *turned = malloc(sizeof *turned);
    *turned = *h;
    for (size_t i = 0; i < h->n; i++)
        turned->flows[i] = h->flows[h->n - 1 - i];
    struct fl_findings one = mine(h, 1), other = mine(turned, 3);
    assert_int_equal(one.n, other.n);
    assert_memory_equal(one.rules, other.rules, one.n * sizeof *one.rules);
    fl_findings_clear(&one);
    fl_findings_clear(&other);
    free(h);
    free(turned);
}

static bool is_generic(const struct fl_rule *r)
{
    return (r->antecedent.any_client && r->antecedent.any_server) ||
           (r->consequent.any_client && r->consequent.any_server);
}

/* Twelve clients want a generic that 210 others, who come a few times only, make large. Where there is room
 * to count the pairs that want it, but not for the generic, the rules go without it, and that is told. */
static void what_there_is_no_room_for_is_left_out_and_told(void **state)
{
    struct hours *h = new_hours(12, 20, 40);
    struct fl_findings found;
    uint64_t memory = 1 << 19;
    for (unsigned i = 0; i < 6 * 210; i++)
        visit(h, 12 + i % 210, 40 + i % 209, from_ms + i * 20000, true);
    for (unsigned i = 0; i < 2800; i++) /* of nodes without support, that only the generic has */
        visit(h, 240 + i % 1400, 300 + i % 1399, from_ms + i * 10000, false);
    int rc = FL_ELIMIT;
    for (; rc == FL_ELIMIT && memory < 1 << 24; memory += 1 << 16)
        rc = mine_within(&found, h, 2, memory);
    assert_int_equal(rc, 0);
    assert_int_equal(found.generics_left_out, 1);
    assert_true(found.n >= 12);
    for (size_t i = 0; i < found.n; i++)
        assert_false(is_generic(&found.rules[i]));
    fl_findings_clear(&found);
    found = mine(h, 2);
    assert_int_equal(found.generics_left_out, 0);
    bool generic = false;
    for (size_t i = 0; i < found.n; i++)
        generic = generic || is_generic(&found.rules[i]);
    assert_true(generic);
    fl_findings_clear(&found);
    free(h);
}

struct asked {
    int widening, stop_at;
};

static int stop_widening(void *ctx, enum fl_phase phase, double done)
{
    struct asked *a = ctx;
    double begin = fl_phase_done(FL_PHASE_DESCRIBING, 0.1), end = fl_phase_done(FL_PHASE_DESCRIBING, 0.199);
    return phase == FL_PHASE_DESCRIBING && done >= begin && done < end && ++a->widening == a->stop_at;
}

/* Before, for its nodes, when they are laid out, and while they are counted. */
static void widening_can_be_stopped(void **state)
{
    static struct fl_services services;
    struct hours *h = new_hours(40, 40, 60);
    struct fl_mining_config config = default_mining();
    struct asked asked = {.stop_at = 0};
    struct fl_findings found;
    config.threads = 1; /* with more, how often is asked depends on which thread counts what */
    fl_services_system_ports(&services);
    struct fl_find_request request = {.flows = h->flows,
                                      .n = h->n,
                                      .from_ms = from_ms,
                                      .to_ms = from_ms + 8 * hour_ms,
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services,
                                      .stop = stop_widening,
                                      .ctx = &asked};
    assert_int_equal(fl_find_rules(&found, &request), 0);
    fl_findings_clear(&found);
    int asks = asked.widening;
    assert_true(asks >= 4);
    for (int stop_at = 1; stop_at <= 4; stop_at++) {
        asked = (struct asked){.stop_at = stop_at};
        assert_int_equal(fl_find_rules(&found, &request), FL_ESTOP);
        assert_null(found.rules);
    }
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_ups_before_visits_are_one_rule),
        cmocka_unit_test(two_clients_make_no_generic),
        cmocka_unit_test(who_does_not_look_up_speaks_against_it),
        cmocka_unit_test(neither_order_nor_threads_matter),
        cmocka_unit_test(what_there_is_no_room_for_is_left_out_and_told),
        cmocka_unit_test(widening_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
