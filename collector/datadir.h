/* The data directory: made when absent, and held by one flowlored at a time. */
#ifndef FL_COLLECTOR_DATADIR_H
#define FL_COLLECTOR_DATADIR_H

#include "storage/error.h"

/* Make the directory (0750, parents too) when there is none. FL_EIO (a file in the way, not writable). */
int fl_datadir_make(const char *data_dir, struct fl_err *err);
/* Make the directory (0750, parents too) when there is none, and lock it. Returns a descriptor that holds the
 * lock until it is closed; FL_EBUSY with the holder's pid; FL_EIO (a file in the way, not writable). */
int fl_datadir_lock(const char *data_dir, struct fl_err *err);

#endif
