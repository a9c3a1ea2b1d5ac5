/* Whether a service lives: as its lock says, not as files say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/error.h"
#include "storage/instance.h"

/* A process that takes the lock and waits to be killed; returns when the lock is taken. */
static pid_t start_holder(const char *path)
{
    int told[2];
    char byte;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        if (fd < 0 || flock(fd, LOCK_EX) || write(told[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    close(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    close(told[0]);
    return pid;
}

static void test_follows_the_lock(void **state)
{
    char dir[] = "/tmp/flowlore-instance-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/" FL_INSTANCE_LOCK, dir);
    assert_int_equal(fl_instance_running(dir), 0);
    pid_t pid = start_holder(path);
    assert_int_equal(fl_instance_running(dir), 1);
    assert_int_equal(fl_instance_running(dir), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(fl_instance_running(dir), 0);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    rmdir(dir);
}

static void test_places_that_are_none(void **state)
{
    assert_int_equal(fl_instance_running("/nonexistent"), 0);
    assert_int_equal(fl_instance_running("/dev/null"), 0);
    char dir[] = "/tmp/flowlore-instance-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/" FL_INSTANCE_LOCK, dir);
    assert_int_equal(symlink(FL_INSTANCE_LOCK, path), 0);
    assert_int_equal(fl_instance_running(dir), FL_EIO);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_follows_the_lock),
                                       cmocka_unit_test(test_places_that_are_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
