/* What the paper reports must be found, what only looks like it must not: generated days with every pattern
 * of MINING.md section 8 planted among its decoys. Prints a table per pattern. */
#include "tests/mining/mining_fixture.h"

#include "storage/rule.h"
#include "tests/generate/day.h"

enum { SEEDS = 4, MOST_PATTERNS = 64 };

struct tally {
    const char *pattern;
    bool decoy;
    size_t planted, found;
};

static struct tally *tally_of(struct tally *tallies, const struct gen_truth *t)
{
    size_t i = 0;
    while (i + 1 < MOST_PATTERNS && tallies[i].pattern && strcmp(tallies[i].pattern, t->pattern) != 0)
        i++;
    tallies[i].pattern = t->pattern;
    tallies[i].decoy = t->decoy;
    return &tallies[i];
}

static struct fl_findings mine_day(const struct gen_options *options, const struct gen_day *day)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct fl_addr exporter = fl_addr_v4(0x7f000001);
    struct fl_findings found;
    struct fl_find_request request = {.from_ms = options->start_ms,
                                      .to_ms = options->start_ms + options->hours * INT64_C(3600000),
                                      .active_timeout_ms = 60000,
                                      .config = &config,
                                      .services = &services};
    fl_services_load(&services);
    assert_int_equal(gen_records(day, &exporter, &request.flows, &request.n), 0);
    assert_int_equal(fl_find_rules(&found, &request), 0);
    free(request.flows);
    return found;
}

static bool is_reported(const struct fl_findings *found, const struct gen_truth *t)
{
    struct fl_node x, y;
    assert_int_equal(fl_node_parse(t->x, &x), 0);
    assert_int_equal(fl_node_parse(t->y, &y), 0);
    for (size_t i = 0; i < found->n; i++) {
        const struct fl_node *a = &found->rules[i].antecedent, *b = &found->rules[i].consequent;
        if ((fl_node_cmp(a, &x) == 0 && fl_node_cmp(b, &y) == 0) ||
            (fl_node_cmp(a, &y) == 0 && fl_node_cmp(b, &x) == 0))
            return true;
    }
    return false;
}

/* Rules that stand for themselves and are not listed as planted; *rules counts all that do. */
static size_t count_strangers(const struct fl_findings *found, const struct gen_day *day, size_t *rules)
{
    char text[FL_RULE_TEXT];
    size_t strangers = 0;
    for (size_t i = 0; i < found->n && found->rules[i].parent < 0; i++, (*rules)++) {
        bool planted = false;
        for (size_t t = 0; t < day->n_truth && !planted; t++) {
            struct fl_findings one = {.rules = &found->rules[i], .n = 1};
            planted = is_reported(&one, &day->truth[t]);
        }
        if (!planted)
            print_message("# not listed as planted: %s\n", fl_rule_format(&found->rules[i], text));
        strangers += !planted;
    }
    return strangers;
}

static void every_pattern_and_no_decoy(void **state)
{
    struct tally tallies[MOST_PATTERNS] = {{0}};
    size_t missed = 0, decoys = 0, strangers = 0, rules = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct gen_options options;
        struct gen_day day;
        gen_options_init(&options);
        options.seed = seed;
        options.hours = 8;
        options.hosts = 120;
        assert_int_equal(gen_day_make(&day, &options), 0);
        struct fl_findings found = mine_day(&options, &day);
        for (size_t i = 0; i < day.n_truth; i++) {
            struct tally *t = tally_of(tallies, &day.truth[i]);
            bool reported = is_reported(&found, &day.truth[i]);
            t->planted++;
            t->found += reported;
            if (reported == day.truth[i].decoy)
                print_message("# seed %u, %s: %s: %s with %s\n", (unsigned)seed, t->pattern,
                              reported ? "decoy reported" : "missed", day.truth[i].x, day.truth[i].y);
        }
        strangers += count_strangers(&found, &day, &rules);
        fl_findings_clear(&found);
        gen_day_clear(&day);
    }
    print_message("# %-16s %7s %7s\n", "pattern", "planted", "found");
    for (size_t i = 0; i < MOST_PATTERNS && tallies[i].pattern; i++) {
        struct tally *t = &tallies[i];
        print_message("# %-16s %7zu %7zu%s\n", t->pattern, t->planted, t->found, t->decoy ? "  (decoy)" : "");
        missed += t->decoy ? 0 : t->planted - t->found;
        decoys += t->decoy ? t->found : 0;
    }
    print_message("# %zu rules, %zu of them not listed as planted\n", rules, strangers);
    assert_int_equal(decoys, 0);
    assert_int_equal(missed, 0);
    assert_true(strangers * 10 <= rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_and_no_decoy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
