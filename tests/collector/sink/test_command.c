/* The command sink: status, standard error, environment, processes that hang or leave children behind. */
#include "tests/collector/sink/attempt_fixture.h"

#include <signal.h>

static char script[] = "/tmp/flowlore-command-XXXXXX";
static char noted[64];

static int make_files(void **state)
{
    int fd = mkstemp(script);
    snprintf(noted, sizeof noted, "%s.out", script);
    return fd < 0 ? -1 : close(fd);
}

static int remove_files(void **state)
{
    unlink(noted);
    return unlink(script);
}

/* Run what `text` says with the event on its standard input and the name of a file as argument. */
static struct fl_sink_reply run(const char *text, int64_t timeout_ms)
{
    struct fl_sink_config s;
    char *argv[] = {"/bin/sh", script, noted, "two words; $HOME", NULL};
    FILE *file = fopen(script, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    fl_sink_config_init(&s, "a", FL_SINK_COMMAND);
    s.command = argv;
    s.timeout_ms = timeout_ms;
    signal(SIGPIPE, SIG_IGN);
    return send_one(&s, "{\"a\":1}");
}

static void assert_noted(const char *expected)
{
    char text[256] = "";
    FILE *file = fopen(noted, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    assert_string_equal(text, expected);
}

static void test_delivered(void **state)
{
    assert_int_equal(run("cat > $1; echo \"$2\" >> $1; pwd >> $1; echo chatter", 60000).outcome,
                     FL_OUTCOME_DELIVERED);
    assert_noted("{\"a\":1}\ntwo words; $HOME\n/\n");
}

static void test_not_read(void **state)
{
    assert_int_equal(run("exit 0", 60000).outcome, FL_OUTCOME_DELIVERED);
}

static void test_environment(void **state)
{
    setenv("FLOWLORE_TEST_SECRET", "x", 1);
    assert_int_equal(
        run("env | sed 's/=.*//' | grep -vE '^(_|PWD|SHLVL|OLDPWD)$' | sort > $1", 60000).outcome,
        FL_OUTCOME_DELIVERED);
    assert_noted("LANG\nPATH\n");
}

static void test_refused_by_status(void **state)
{
    struct fl_sink_reply r = run("echo; echo 'no such queue' >&2; echo more >&2; exit 3", 60000);
    assert_int_equal(r.outcome, FL_OUTCOME_FAILED);
    assert_string_equal(r.error, "exit status 3: no such queue");
    assert_string_equal(run("kill -SEGV $$", 60000).error, "ended by signal 11");
}

static void test_no_such_program(void **state)
{
    struct fl_sink_config s;
    char *argv[] = {"/nonexistent/page", NULL};
    fl_sink_config_init(&s, "a", FL_SINK_COMMAND);
    s.command = argv;
    struct fl_sink_reply r = send_one(&s, "{}");
    assert_int_equal(r.outcome, FL_OUTCOME_FAILED);
    assert_string_equal(r.error, "/nonexistent/page: no such file or directory");
}

static void assert_gone(void)
{
    char text[32] = "";
    FILE *file = fopen(noted, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    for (int i = 0; i < 500 && kill(atoi(text), 0) == 0; i++)
        usleep(10000);
    assert_int_not_equal(kill(atoi(text), 0), 0);
}

static void test_hanging(void **state)
{
    struct fl_sink_reply r = run("echo 'asking the modem' >&2; sleep 300 & echo $! > $1; wait", 1000);
    assert_int_equal(r.outcome, FL_OUTCOME_FAILED);
    assert_string_equal(r.error, "killed after 1s: asking the modem");
    assert_gone();
}

static void test_deaf_to_term(void **state)
{
    struct fl_sink_reply r = run("trap '' TERM; echo $$ > $1; while :; do sleep 1; done", 1000);
    assert_string_equal(r.error, "killed after 1s");
    assert_gone();
}

/* What it leaves behind would hold standard error open, and the machine's processes. */
static void test_left_behind(void **state)
{
    assert_int_equal(run("sleep 300 & echo $! > $1; exit 0", 60000).outcome, FL_OUTCOME_DELIVERED);
    assert_gone();
}

static void test_chatter_without_end(void **state)
{
    struct fl_sink_reply r = run("i=0; while [ $i -lt 20000 ]; do echo 'a long line of chatter' >&2; "
                                 "i=$((i + 1)); done; exit 1",
                                 60000);
    assert_string_equal(r.error, "exit status 1: a long line of chatter");
}

static void test_cancelled(void **state)
{
    uv_loop_t uv;
    struct told told = {0};
    struct fl_attempt *attempt = NULL;
    struct fl_sink_config s;
    char *argv[] = {"/bin/sleep", "300", NULL};
    struct fl_sink_message message = {.uid = "u", .kind = "opened", .json = "{}"};
    assert_int_equal(uv_loop_init(&uv), 0);
    struct fl_sink_loop loop = {.uv = &uv, .data_dir = "/tmp"};
    fl_sink_config_init(&s, "a", FL_SINK_COMMAND);
    s.command = argv;
    fl_sink_send(&attempt, &loop, &s, &message, take_reply, &told);
    assert_non_null(attempt);
    fl_sink_cancel(attempt);
    assert_null(attempt);
    uv_run(&uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&uv), 0);
    assert_int_equal(told.times, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivered),           cmocka_unit_test(test_not_read),
        cmocka_unit_test(test_environment),         cmocka_unit_test(test_refused_by_status),
        cmocka_unit_test(test_no_such_program),     cmocka_unit_test(test_hanging),
        cmocka_unit_test(test_deaf_to_term),        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_chatter_without_end), cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
