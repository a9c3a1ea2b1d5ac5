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

static void every_pattern_and_no_decoy(void **state)
{
    static const struct scene scene = {.name = "as it should be"};
    static struct gen_verdict verdict;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        judge_day(&verdict, &scene, seed, say);
    gen_verdict_print(&verdict);
    assert_int_equal(verdict.found, verdict.planted);
    assert_int_equal(verdict.decoys, 0);
    assert_true(verdict.strangers * 50 <= verdict.rules);
    assert_true(verdict.rules * 2 <= verdict.planted * 3);
}

/* ---- --long ---- */

static const struct scene scenes[] = {
    {.name = "as it should be"},
    {.name = "loss 5 %", .loss = 0.05},
    {.name = "loss 20 %", .loss = 0.2},
    {.name = "stamps off by 200 ms", .clock_error_ms = 200},
    {.name = "stamps off by 200 ms, window 2 s", .clock_error_ms = 200, .window_ms = 2000},
    {.name = "stamps off by 1 s", .clock_error_ms = 1000},
    {.name = "stamps off by 1 s, window 5 s", .clock_error_ms = 1000, .window_ms = 5000},
    {.name = "one clock 2 s ahead", .skew_ms = 2000},
    {.name = "one clock 10 s ahead", .skew_ms = 10000},
    {.name = "one clock 10 s ahead, window 30 s", .skew_ms = 10000, .window_ms = 30000},
    {.name = "sampling 1:10", .sampling = 10},
    {.name = "sampling 1:10, support 5", .sampling = 10, .support = 5},
    {.name = "sampling 1:10, window 5 s", .sampling = 10, .window_ms = 5000},
    {.name = "sampling 1:100", .sampling = 100},
    {.name = "sampling 1:100, support 5, window 5 s", .sampling = 100, .support = 5, .window_ms = 5000},
};
enum { SCENES = sizeof scenes / sizeof scenes[0] };

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

static void print_measured(void)
{
    for (size_t s = 0; s < SCENES; s++)
        printf("(%zu) %s\n", s + 1, scenes[s].name);
    printf("\n%-15s", "% found");
    for (size_t s = 0; s < SCENES; s++)
        printf(" %*s(%zu)", s < 9, "", s + 1);
    printf("\n");
    for (size_t i = 0; i < verdicts[0].n_tallies; i++)
        if (!verdicts[0].tallies[i].decoy)
            print_row(verdicts[0].tallies[i].pattern, i);
    printf("%-15s", "all pairs");
    for (size_t s = 0; s < SCENES; s++)
        printf(" %4u", percent(verdicts[s].found, verdicts[s].planted));
    printf("\n%-15s", "rules a day");
    for (size_t s = 0; s < SCENES; s++)
        printf(" %4zu", (verdicts[s].rules + SEEDS / 2) / SEEDS);
    printf("\n%-15s", "strangers, all");
    for (size_t s = 0; s < SCENES; s++)
        printf(" %4zu", verdicts[s].strangers);
    printf("\n%-15s", "decoys, all");
    for (size_t s = 0; s < SCENES; s++)
        printf(" %4zu", verdicts[s].decoys);
    printf("\n");
}

static void say_stranger(void *ctx, const char *what, const char *pattern, const char *text)
{
    if (strcmp(what, "missed") != 0)
        say(ctx, what, pattern, text);
}

static void measure(void)
{
    for (size_t s = 0; s < SCENES; s++) {
        fprintf(stderr, "%s\n", scenes[s].name);
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            judge_day(&verdicts[s], &scenes[s], seed, getenv("SAY") ? say_stranger : NULL);
    }
    print_measured();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_and_no_decoy),
    };
    if (argc > 1 && strcmp(argv[1], "--long") == 0) {
        measure();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
