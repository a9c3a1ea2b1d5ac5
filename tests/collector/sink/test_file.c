/* The JSON lines sink: whole lines, over rotation, half lines, full disks and pipes that nobody reads. */
#include "tests/collector/sink/attempt_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static char dir[] = "/tmp/flowlore-file-XXXXXX";
static char path[64], moved[64];

static int make_dir(void **state)
{
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/a.jsonl", dir);
    snprintf(moved, sizeof moved, "%s/a.jsonl.1", dir);
    return 0;
}

static int remove_dir(void **state)
{
    return rmdir(dir);
}

static int remove_files(void **state)
{
    unlink(path);
    unlink(moved);
    return 0;
}

static struct fl_sink_reply append(const char *to, const char *json)
{
    struct fl_sink_config s;
    fl_sink_config_init(&s, "a", FL_SINK_FILE);
    s.path = (char *)to;
    return send_one(&s, json);
}

static void assert_content(const char *of, const char *expected)
{
    char text[256] = "";
    int fd = open(of, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    assert_string_equal(text, expected);
}

static void test_lines(void **state)
{
    struct stat st;
    assert_int_equal(append(path, "{\"a\":1}").outcome, FL_OUTCOME_DELIVERED);
    assert_int_equal(append(path, "{\"a\":2}").outcome, FL_OUTCOME_DELIVERED);
    assert_content(path, "{\"a\":1}\n{\"a\":2}\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
}

static void test_moved_away(void **state)
{
    append(path, "{\"a\":1}");
    assert_int_equal(rename(path, moved), 0);
    append(path, "{\"a\":2}");
    assert_content(moved, "{\"a\":1}\n");
    assert_content(path, "{\"a\":2}\n");
}

static void test_half_a_line_is_ended(void **state)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "{\"cut\":", 7), 7);
    close(fd);
    append(path, "{\"a\":1}");
    assert_content(path, "{\"cut\":\n{\"a\":1}\n");
}

static void test_no_such_place(void **state)
{
    struct fl_sink_reply r = append("/nonexistent/a.jsonl", "{}");
    assert_int_equal(r.outcome, FL_OUTCOME_FAILED);
    assert_string_equal(r.error, "/nonexistent/a.jsonl: No such file or directory");
}

static void test_a_full_disk(void **state)
{
    struct fl_sink_reply r = append("/dev/full", "{}");
    assert_int_equal(r.outcome, FL_OUTCOME_FAILED);
    assert_non_null(strstr(r.error, "No space left"));
}

static void test_a_pipe_that_nobody_reads(void **state)
{
    char json[8192];
    memset(json, ' ', sizeof json);
    memcpy(json, "{}", 2);
    json[sizeof json - 1] = 0;
    assert_int_equal(mkfifo(path, 0600), 0);
    struct fl_sink_reply r = append(path, json); /* nobody keeps what is written */
    assert_int_equal(r.outcome, FL_OUTCOME_FAILED);
    int fd = open(path, O_RDWR | O_NONBLOCK); /* keeps it, and does not read it */
    int n = 0;
    do
        r = append(path, json);
    while (r.outcome == FL_OUTCOME_DELIVERED && ++n < 100);
    assert_int_equal(r.outcome, FL_OUTCOME_FAILED);
    assert_in_range(n, 1, 99);
    close(fd);
}

#define WITH_FILES(name) cmocka_unit_test_teardown(name, remove_files)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(test_lines),
        WITH_FILES(test_moved_away),
        WITH_FILES(test_half_a_line_is_ended),
        cmocka_unit_test(test_no_such_place),
        cmocka_unit_test(test_a_full_disk),
        WITH_FILES(test_a_pipe_that_nobody_reads),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
