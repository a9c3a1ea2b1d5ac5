/* What the paper reports must be found, what only looks like it must not: generated days with every pattern
 * of MINING.md section 8 planted among its decoys, as two routers export them. Prints a table by pattern. */
#include "tests/mining/mining_fixture.h"

#include "tests/generate/judge.h"
#include "tests/generate/router.h"

enum { SEEDS = 20, HOURS = 8, HOSTS = 300 };

static void say(void *ctx, const char *what, const char *pattern, const char *text)
{
    const uint64_t *seed = ctx;
    print_message("# seed %u: %s: %s%s%s\n", (unsigned)*seed, what, pattern, *pattern ? ": " : "", text);
}

/* Two routers on the way from the workstations into the world: what passes both is exported twice, each cut
 * at that router's own timeout and stamped by its own clock. */
static void two_routers(struct gen_router routers[2], uint64_t seed)
{
    gen_router_init(&routers[0]);
    routers[0].place = GEN_CORE;
    routers[0].seed = seed;
    routers[0].clock_error_ms = 5;
    routers[1] = routers[0];
    routers[1].address = fl_addr_v4(0x7f000002);
    routers[1].place = GEN_BORDER;
    routers[1].seed = seed + 1000;
    routers[1].active_ms = 120000;
    routers[1].clock_ms = -40;
    routers[1].mute = true;
}

static void judge_day(struct gen_verdict *verdict, uint64_t seed)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct gen_options options;
    struct gen_router routers[2];
    struct gen_day day;
    struct fl_findings found;
    gen_options_init(&options);
    options.seed = seed;
    options.hours = HOURS;
    options.hosts = HOSTS;
    two_routers(routers, seed);
    fl_services_load(&services);
    assert_int_equal(gen_day_make(&day, &options), 0);
    struct fl_find_request request = {.from_ms = options.start_ms,
                                      .to_ms = options.start_ms + HOURS * INT64_C(3600000),
                                      .active_timeout_ms = GEN_ACTIVE_MS,
                                      .config = &config,
                                      .services = &services};
    assert_int_equal(gen_records(&day, routers, 2, &request.flows, &request.n), 0);
    assert_int_equal(fl_find_rules(&found, &request), 0);
    assert_int_equal(gen_judge(verdict, &day, found.rules, found.n, say, &seed), 0);
    free(request.flows);
    fl_findings_clear(&found);
    gen_day_clear(&day);
}

static void every_pattern_and_no_decoy(void **state)
{
    static struct gen_verdict verdict;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        judge_day(&verdict, seed);
    gen_verdict_print(&verdict);
    assert_int_equal(verdict.found, verdict.planted);
    assert_int_equal(verdict.decoys, 0);
    assert_true(verdict.strangers * 50 <= verdict.rules);
    assert_true(verdict.rules * 2 <= verdict.planted * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_and_no_decoy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
