/* Making and locking the data directory. The lock is the kernel's (flock), so that it ends with the process
 * however it ends; the pid in the file is for people. */
#include "collector/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "storage/instance.h"

static int make_directories(const char *path)
{
    char part[4096];
    size_t length = strlen(path);
    if (length >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0750) && errno != EEXIST)
            return -1;
    }
    return 0;
}

static int refuse(const char *data_dir, struct fl_err *err)
{
    if (errno == ENOTDIR || errno == EEXIST)
        return fl_fail(err, FL_EIO, "%s is not a directory; choose another with --data", data_dir);
    if (errno == EACCES || errno == EROFS || errno == EPERM)
        return fl_fail(
            err, FL_EIO,
            "the data directory %s cannot be written: %s; give it to the user that runs flowlored, "
            "or choose another with --data",
            data_dir, strerror(errno));
    return fl_fail(err, FL_EIO, "the data directory %s: %s", data_dir, strerror(errno));
}

static int busy(const char *data_dir, int fd, struct fl_err *err)
{
    char text[32] = "";
    ssize_t n = read(fd, text, sizeof text - 1);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    return fl_fail(
        err, FL_EBUSY,
        "the data directory %s is already in use by flowlored with pid %ld; stop that one, or choose "
        "another with --data",
        data_dir, pid);
}

/* Twice: flowlore status may be looking at the lock just now. */
static int take_lock(int fd)
{
    if (!flock(fd, LOCK_EX | LOCK_NB))
        return 0;
    if (errno != EWOULDBLOCK)
        return -1;
    nanosleep(&(struct timespec){.tv_nsec = FL_INSTANCE_GRACE_MS * 1000000L}, NULL);
    return flock(fd, LOCK_EX | LOCK_NB);
}

int fl_datadir_make(const char *data_dir, struct fl_err *err)
{
    struct stat st;
    if (make_directories(data_dir) || stat(data_dir, &st))
        return refuse(data_dir, err);
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode) ? 0 : refuse(data_dir, err);
}

int fl_datadir_lock(const char *data_dir, struct fl_err *err)
{
    char path[4200];
    int rc = fl_datadir_make(data_dir, err);
    if (rc)
        return rc;
    snprintf(path, sizeof path, "%s/" FL_INSTANCE_LOCK, data_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return refuse(data_dir, err);
    if (take_lock(fd))
        rc = errno == EWOULDBLOCK ? busy(data_dir, fd, err) : refuse(data_dir, err);
    else if (ftruncate(fd, 0) || dprintf(fd, "%ld\n", (long)getpid()) < 0)
        rc = refuse(data_dir, err);
    if (rc) {
        close(fd);
        return rc;
    }
    return fd;
}
