/* Asking the kernel whether the service lives: its lock goes with the process, a row it wrote would not. */
#include "storage/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "storage/error.h"

int fl_instance_running(const char *data_dir)
{
    char *path = NULL;
    if (asprintf(&path, "%s/" FL_INSTANCE_LOCK, data_dir) < 0)
        return FL_EIO;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int failure = fd < 0 ? errno : 0;
    free(path);
    if (fd < 0)
        return failure == ENOENT || failure == ENOTDIR ? 0 : FL_EIO;
    int rc = flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : FL_EIO;
    close(fd);
    return rc;
}
