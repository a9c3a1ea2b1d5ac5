/* The JSON lines sink: an event is one line, on disk before it counts as delivered.
 *
 * The file is opened for each event: one that was moved away (logrotate) is made again, and nothing needs to
 * be told. Nothing that stands in it is ever touched, but half a line that a crash or a full disk left behind
 * is ended, so that the next one stands for itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collector/sink/attempt.h"

static bool ends_in_mid_line(int fd)
{
    struct stat st;
    char last = '\n';
    return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 &&
           pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

/* In one write, so that a line is never mixed with another's. 0 or an errno. */
static int write_line(int fd, const char *json)
{
    struct iovec parts[] = {
        {(void *)"\n", ends_in_mid_line(fd)}, {(void *)json, strlen(json)}, {(void *)"\n", 1}};
    ssize_t whole = (ssize_t)(parts[0].iov_len + parts[1].iov_len + parts[2].iov_len), n;
    do
        n = writev(fd, parts, 3);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    if (n < whole)
        return ENOSPC; /* the rest would have failed so; the next attempt ends the line and writes it whole */
    return fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? errno : 0; /* those: no disk behind it */
}

/* A pipe that nobody reads must not stop us: open and write return at once. Nor may it be opened for reading
 * too: what we wrote to ourselves would be gone with us. */
static int append(const char *path, const char *json)
{
    struct stat st;
    bool pipe = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
    int fd =
        open(path, (pipe ? O_WRONLY : O_RDWR | O_CREAT) | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    if (fd < 0)
        return errno;
    int why = write_line(fd, json);
    close(fd);
    return why;
}

static void start(struct fl_attempt *a)
{
    char path[4096];
    bool whole = a->config->path[0] == '/';
    snprintf(path, sizeof path, "%s%s%s", whole ? "" : a->loop->data_dir, whole ? "" : "/", a->config->path);
    int why = append(path, a->message->json);
    if (why)
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, "%.200s: %s", path, strerror(why));
    else
        fl_attempt_end(a, FL_OUTCOME_DELIVERED, 0, NULL);
}

const struct fl_sink_kind_ops fl_sink_file = {.size = sizeof(struct fl_attempt), .start = start};
