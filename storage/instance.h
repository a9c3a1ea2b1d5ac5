/* The lock by which one flowlored owns a data directory; it tells readers whether the service is alive. */
#ifndef FL_STORAGE_INSTANCE_H
#define FL_STORAGE_INSTANCE_H

/* In the data directory; flowlored keeps an exclusive flock on it for as long as it lives. */
#define FL_INSTANCE_LOCK "flowlored.lock"
/* For how long fl_instance_running may keep the lock at most: whoever wants it tries again after this. */
enum { FL_INSTANCE_GRACE_MS = 100 };

/* 1: a flowlored runs on data_dir; 0: none does, however the last one ended; FL_EIO: the lock cannot be
 * looked at. */
int fl_instance_running(const char *data_dir);

#endif
