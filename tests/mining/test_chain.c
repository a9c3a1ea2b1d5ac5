/* Chains of steps: the longest way through each, circles, and what is clear. */
#include "tests/mining/mining_fixture.h"

#include "mining/chain.h"

static struct fl_step step(const char *from, const char *to, double score)
{
    return (struct fl_step){.from = from, .to = to, .lag_ms = 10, .score = score};
}

/* "A B C" of a chain. */
static const char *spell(const struct fl_step *steps, const size_t *chain, size_t n)
{
    static char out[400];
    size_t used = (size_t)snprintf(out, sizeof out, "%s", steps[chain[0]].from);
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || strcmp(steps[chain[i]].from, steps[chain[i - 1]].to) == 0);
        used += (size_t)snprintf(out + used, sizeof out - used, " %s", steps[chain[i]].to);
    }
    return out;
}

static const char *through(const struct fl_step *steps, size_t n, size_t at)
{
    size_t chain[64];
    long length = fl_chain_through(steps, n, at, chain);
    assert_true(length >= 1);
    return spell(steps, chain, (size_t)length);
}

static int collect(void *ctx, const struct fl_step *steps, const size_t *chain, size_t n)
{
    char *all = ctx;
    size_t used = strlen(all);
    snprintf(all + used, 400 - used, "%s%s", used ? "; " : "", spell(steps, chain, n));
    return 0;
}

static void the_longest_way_wins(void **state)
{
    const struct fl_step steps[] = {step("A", "B", 1), step("B", "C", 1), step("A", "C", 9),
                                    step("C", "D", 1)};
    assert_string_equal(through(steps, 4, 0), "A B C D");
    assert_string_equal(through(steps, 4, 1), "A B C D");
    assert_string_equal(through(steps, 4, 2), "A C D"); /* through this one */
    char all[400] = "";
    assert_int_equal(fl_chains(steps, 4, collect, all), 0);
    assert_string_equal(all, "A B C D; A C D");
}

static void of_equals_the_better_scored(void **state)
{
    const struct fl_step steps[] = {step("A", "B", 1), step("B", "C", 2), step("B", "D", 3),
                                    step("Z", "A", 1), step("Y", "A", 4)};
    assert_string_equal(through(steps, 5, 0), "Y A B D");
    char all[400] = "";
    assert_int_equal(fl_chains(steps, 5, collect, all), 0);
    assert_string_equal(all, "Y A B D; Y A B C; Z A B D");
}

static void circles_end(void **state)
{
    const struct fl_step steps[] = {step("A", "B", 1), step("B", "C", 1), step("C", "A", 1),
                                    step("C", "D", 1)};
    for (size_t i = 0; i < 4; i++) {
        size_t chain[64];
        long n = fl_chain_through(steps, 4, i, chain);
        assert_true(n >= 1 && n <= 3);
        for (long a = 0; a < n; a++)
            for (long b = a + 1; b < n; b++)
                assert_string_not_equal(steps[chain[a]].from, steps[chain[b]].from);
    }
}

static void single_steps_are_no_chain(void **state)
{
    const struct fl_step steps[] = {step("A", "B", 1), step("C", "D", 1)};
    char all[400] = "";
    assert_string_equal(through(steps, 2, 1), "C D");
    assert_int_equal(fl_chains(steps, 2, collect, all), 0);
    assert_string_equal(all, "");
    assert_int_equal(fl_chains(steps, 0, collect, all), 0);
}

static int stop(void *ctx, const struct fl_step *steps, const size_t *chain, size_t n)
{
    return 7;
}

static void a_listing_can_be_ended(void **state)
{
    const struct fl_step steps[] = {step("A", "B", 1), step("B", "C", 1)};
    assert_int_equal(fl_chains(steps, 2, stop, NULL), 7);
}

static void very_long_chains_come_in_parts(void **state)
{
    enum { LONG = 30000 };
    struct fl_step *steps = calloc(LONG, sizeof *steps);
    char(*names)[16] = calloc(LONG + 1, sizeof *names);
    size_t *chain = calloc(LONG, sizeof *chain);
    for (size_t i = 0; i <= LONG; i++)
        snprintf(names[i], sizeof *names, "n%05zu", i);
    for (size_t i = 0; i < LONG; i++)
        steps[i] = step(names[i], names[i + 1], 1);
    long n = fl_chain_through(steps, LONG, LONG / 2, chain);
    assert_true(n > 500 && n <= LONG);
    free(steps);
    free(names);
    free(chain);
}

static void what_is_clear(void **state)
{
    assert_true(fl_lag_is_clear(51, 100));
    assert_true(fl_lag_is_clear(-51, 100));
    assert_false(fl_lag_is_clear(50, 100));
    assert_false(fl_lag_is_clear(0, 0));
    assert_true(fl_lag_is_clear(1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_way_wins),
        cmocka_unit_test(of_equals_the_better_scored),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(single_steps_are_no_chain),
        cmocka_unit_test(a_listing_can_be_ended),
        cmocka_unit_test(very_long_chains_come_in_parts),
        cmocka_unit_test(what_is_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
