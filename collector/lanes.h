/* The receiving lanes: threads that each own a socket of every address listened on, an event loop and a
 * decoder. The kernel keeps each sender on one lane, so that lanes share nothing but what they hand on: flow
 * records to the queue, figures to the census. */
#ifndef FL_COLLECTOR_LANES_H
#define FL_COLLECTOR_LANES_H

#include <stddef.h>

#include "collector/census.h"
#include "collector/queue.h"
#include "collector/settings.h"
#include "storage/error.h"

struct fl_lanes_setup { /* all borrowed, and to outlive the lanes */
    struct fl_settings_box *settings;
    struct fl_queue *queue;   /* with a producer a lane */
    struct fl_census *census; /* with a part a lane */
    size_t n;                 /* how many lanes: fl_lanes_wanted, asked once */
};

struct fl_lanes;

/* How many lanes a configuration asks for. */
size_t fl_lanes_wanted(const struct fl_config *config);

/* Bind every address of the configuration; datagrams wait in the kernel until fl_lanes_start. FL_EIO or
 * FL_EINVAL with a sentence that names the address; FL_ENOMEM. */
int fl_lanes_open(struct fl_lanes **out, const struct fl_lanes_setup *setup, struct fl_err *err);
/* A template from an earlier life (fl_wire_template_fn; ctx is the lanes): every lane remembers it. One that
 * no longer reads as a template is passed over. Before fl_lanes_start. */
int fl_lanes_restore(void *ctx, const struct fl_wire_template *t);
int fl_lanes_start(struct fl_lanes *lanes, struct fl_err *err); /* FL_EIO */
/* New settings are in force: look at them now. */
void fl_lanes_wake(struct fl_lanes *lanes);
/* Read what the kernel still holds, hand on everything that waits, close the sockets, end the threads. */
void fl_lanes_stop(struct fl_lanes *lanes);
void fl_lanes_free(struct fl_lanes *lanes);

#endif
