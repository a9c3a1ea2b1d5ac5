/* Alerts as JSON lines in a file, with the field names of the Elastic Common Schema, for any log shipper.
 *
 * Every alert of the rules database is written, also those that `flowlore mine` opens while the service runs,
 * in order of its id, as one whole line that is on disk before the alert counts as delivered: at least once
 * across kills. The file may be rotated at any time. */
#ifndef FL_COLLECTOR_ALERTFILE_H
#define FL_COLLECTOR_ALERTFILE_H

#include <jansson.h>

#include "collector/pause.h"
#include "collector/settings.h"
#include "storage/error.h"

/* An alert as fl_rulesdb_alerts lists it, as an ECS event: a new object, or NULL without memory. `flowlore`
 * in it is the alert itself; @timestamp is when it happened (data time), event.created when it was opened
 * (wall clock); event.severity 21 low, 47 medium, 73 high, 0 unknown. */
json_t *fl_alertfile_event(json_t *alert);
/* Append events (an array) to the file, one line each, on disk on return; a line that a crash has cut short
 * is ended first. FL_EIO with a sentence, FL_ENOMEM. */
int fl_alertfile_append(const char *path, const json_t *events, struct fl_err *err);

struct fl_alertfile_setup { /* all borrowed, and to outlive the thread */
    const char *data_dir;
    struct fl_settings_box *settings;
    struct fl_pause *pause; /* woken when there may be alerts; stopped at the end */
};

struct fl_alertfile;

/* FL_EDB, FL_EIO, FL_ENOMEM with a sentence. */
int fl_alertfile_start(struct fl_alertfile **out, const struct fl_alertfile_setup *setup, struct fl_err *err);
/* After fl_pause_stop(setup->pause): deliver what is left, wait for the thread, free. */
void fl_alertfile_finish(struct fl_alertfile *a);

#endif
