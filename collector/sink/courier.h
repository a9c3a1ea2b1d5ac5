/* The courier: the one thread that carries events from the outbox to the sinks, off the paths of receiving,
 * storing and mining. Sinks do not wait for each other; one that fails is tried again after a while that
 * grows (backoff.h). A changed configuration is taken over within a second. */
#ifndef FL_COLLECTOR_COURIER_H
#define FL_COLLECTOR_COURIER_H

#include "collector/settings.h"
#include "collector/sink/backoff.h"
#include "storage/error.h"

struct fl_courier_setup {
    const char *data_dir;             /* borrowed */
    struct fl_settings_box *settings; /* borrowed, to outlive the thread */
    struct fl_backoff backoff;
};

struct fl_courier;
/* FL_EDB, FL_EIO, FL_ENOMEM with a sentence. */
int fl_courier_start(struct fl_courier **out, const struct fl_courier_setup *setup, struct fl_err *err);
/* Deliver what can be delivered in a few seconds, leave the rest in the outbox for the next start, end the
 * thread, free. A sink that hangs does not keep it longer. */
void fl_courier_finish(struct fl_courier *c);

#endif
