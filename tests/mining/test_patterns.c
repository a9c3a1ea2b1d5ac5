/* What the paper reports must be found, what only looks like it must not: generated days with every pattern
 * of MINING.md section 8 planted among its decoys, as two routers export them. Prints a table by pattern.
 *
 * `test_patterns --long` measures instead what disturbances do: how much of each pattern is still found, over
 * SEEDS days each. */
#include "tests/mining/mining_fixture.h"

#include "tests/generate/judge.h"
#include "tests/generate/router.h"

enum { SEEDS = 20, HOURS = 8, HOSTS = 300 };

/* What is wrong with the routers, and what mining is set to. */
struct scene {
    const char *name;
    uint32_t sampling; /* 0: none */
    double loss;
    int64_t clock_error_ms;
    int64_t skew_ms;   /* between the two routers */
    int64_t window_ms; /* 0: the default */
    uint32_t support;  /* 0: the default */
};

static void say(void *ctx, const char *what, const char *pattern, const char *text)
{
    const uint64_t *seed = ctx;
    print_message("# seed %u: %s: %s%s%s\n", (unsigned)*seed, what, pattern, *pattern ? ": " : "", text);
}

/* Two routers on the way from the workstations into the world: what passes both is exported twice, each cut
 * at that router's own timeout and stamped by its own clock, which agree within what NTP gives. */
static void two_routers(struct gen_router routers[2], const struct scene *scene, uint64_t seed)
{
    gen_router_init(&routers[0]);
    routers[0].place = GEN_CORE;
    routers[0].seed = seed;
    routers[0].clock_error_ms = 5 + scene->clock_error_ms;
    routers[0].loss = scene->loss;
    routers[0].sampling = scene->sampling > 1 ? scene->sampling : 1;
    routers[1] = routers[0];
    routers[1].address = fl_addr_v4(0x7f000002);
    routers[1].place = GEN_BORDER;
    routers[1].seed = seed + 1000;
    routers[1].active_ms = 120000;
    routers[1].clock_ms = scene->skew_ms - 40;
    routers[1].mute = true;
}

static struct fl_findings find(const struct gen_day *day, const struct gen_options *options,
                               const struct scene *scene)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct gen_router routers[2];
    struct fl_findings found;
    struct fl_find_request request = {.from_ms = options->start_ms,
                                      .to_ms = options->start_ms + HOURS * INT64_C(3600000),
                                      .active_timeout_ms = GEN_ACTIVE_MS,
                                      .config = &config,
                                      .services = &services};
    config.window_ms = scene->window_ms > 0 ? scene->window_ms : config.window_ms;
    config.support = scene->support > 0 ? scene->support : config.support;
    two_routers(routers, scene, options->seed);
    fl_services_load(&services);
    assert_int_equal(gen_records(day, routers, 2, &request.flows, &request.n), 0);
    assert_int_equal(fl_find_rules(&found, &request), 0);
    free(request.flows);
    return found;
}

static void judge_day(struct gen_verdict *verdict, const struct scene *scene, uint64_t seed, gen_say_fn *tell)
{
    struct gen_options options;
    struct gen_day day;
    gen_options_init(&options);
    options.seed = seed;
    options.hours = HOURS;
    options.hosts = HOSTS;
    assert_int_equal(gen_day_make(&day, &options), 0);
    struct fl_findings found = find(&day, &options, scene);
    assert_int_equal(gen_judge(verdict, &day, found.rules, found.n, tell, &seed), 0);
    fl_findings_clear(&found);
    gen_day_clear(&day);
}

/* No decoys, hardly a stranger, and no flood of rules: the pairs of a port range may stand each for itself.
 */
static void assert_sober(const struct gen_verdict *v)
{
    assert_int_equal(v->decoys, 0);
    assert_true(v->strangers * 50 <= v->rules);
    assert_true(v->rules * 2 <= v->statements * 3);
}

static void every_pattern_and_no_decoy(void **state)
{
    static const struct scene scene = {.name = "as it should be"};
    static struct gen_verdict verdict;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        judge_day(&verdict, &scene, seed, say);
    gen_verdict_print(&verdict);
    assert_int_equal(verdict.found, verdict.planted);
    assert_sober(&verdict);
    assert_true(verdict.periodic_strangers * 50 <= verdict.periodic);
}

/* What is measured with --long; of the first few, which the test holds, at least `least` % must be found. */
static const struct {
    struct scene scene;
    unsigned least;
} scenes[] = {
    {{.name = "loss 5 %", .loss = 0.05}, 100},
    {{.name = "stamps off by 200 ms", .clock_error_ms = 200}, 100},
    {{.name = "one clock 10 s ahead", .skew_ms = 10000}, 100},
    {{.name = "sampling 1:10", .sampling = 10}, 14},
    {{.name = "as it should be"}, 0},
    {{.name = "loss 20 %", .loss = 0.2}, 0},
    {{.name = "stamps off by 1 s", .clock_error_ms = 1000}, 0},
    {{.name = "stamps off by 5 s", .clock_error_ms = 5000}, 0},
    {{.name = "stamps off by 5 s, window 5 s", .clock_error_ms = 5000, .window_ms = 5000}, 0},
    {{.name = "one clock 2 s ahead", .skew_ms = 2000}, 0},
    {{.name = "sampling 1:10, support 5", .sampling = 10, .support = 5}, 0},
    {{.name = "sampling 1:100", .sampling = 100}, 0},
    {{.name = "sampling 1:100, support 5", .sampling = 100, .support = 5}, 0},
    {{.name = "sampling 1:100, support 5, window 5 s", .sampling = 100, .support = 5, .window_ms = 5000}, 0},
};
enum { SCENES = sizeof scenes / sizeof scenes[0], HELD = 4, HELD_SEEDS = 2 };

static void disturbances_cost_no_more_than_they_must(void **state)
{
    static struct gen_verdict verdicts[HELD];
    for (size_t s = 0; s < HELD; s++) {
        for (uint64_t seed = 1; seed <= HELD_SEEDS; seed++)
            judge_day(&verdicts[s], &scenes[s].scene, seed, NULL);
        print_message("# %s: %zu of %zu pairs found, %zu rules, %zu strangers\n", scenes[s].scene.name,
                      verdicts[s].found, verdicts[s].planted, verdicts[s].rules, verdicts[s].strangers);
        assert_true(verdicts[s].found * 100 >= verdicts[s].planted * scenes[s].least);
        assert_sober(&verdicts[s]);
    }
}

/* ---- --long ---- */

static struct gen_verdict verdicts[SCENES];

static unsigned percent(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (unsigned)((100 * part + whole / 2) / whole);
}

static void print_row(const char *name, size_t tally)
{
    printf("%-15s", name);
    for (size_t s = 0; s < SCENES; s++)
        printf(" %4u", percent(verdicts[s].tallies[tally].found, verdicts[s].tallies[tally].listed));
    printf("\n");
}

static void print_sums(const char *name, size_t (*sum)(const struct gen_verdict *))
{
    printf("%-15s", name);
    for (size_t s = 0; s < SCENES; s++)
        printf(" %4zu", sum(&verdicts[s]));
    printf("\n");
}

static size_t percent_found(const struct gen_verdict *v)
{
    return percent(v->found, v->planted);
}

static size_t rules_a_day(const struct gen_verdict *v)
{
    return (v->rules + SEEDS / 2) / SEEDS;
}

static size_t strangers(const struct gen_verdict *v)
{
    return v->strangers;
}

static size_t decoys(const struct gen_verdict *v)
{
    return v->decoys;
}

static void print_measured(void)
{
    for (size_t s = 0; s < SCENES; s++)
        printf("(%zu) %s\n", s + 1, scenes[s].scene.name);
    printf("\n%-15s", "% found");
    for (size_t s = 0; s < SCENES; s++)
        printf(" %*s(%zu)", s < 9, "", s + 1);
    printf("\n");
    for (size_t i = 0; i < verdicts[0].n_tallies; i++)
        if (!verdicts[0].tallies[i].decoy)
            print_row(verdicts[0].tallies[i].pattern, i);
    print_sums("all pairs", percent_found);
    print_sums("rules a day", rules_a_day);
    print_sums("strangers, all", strangers);
    print_sums("decoys, all", decoys);
}

static void measure(void)
{
    for (size_t s = 0; s < SCENES; s++) {
        fprintf(stderr, "%s\n", scenes[s].scene.name);
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            judge_day(&verdicts[s], &scenes[s].scene, seed, NULL);
    }
    print_measured();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_and_no_decoy),
        cmocka_unit_test(disturbances_cost_no_more_than_they_must),
    };
    if (argc > 1 && strcmp(argv[1], "--long") == 0) {
        measure();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
