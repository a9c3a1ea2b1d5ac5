/* The storing thread: takes flow records from the queue, stores them, and keeps the figures and templates of
 * exporters and the figures of the service in the rules database. It owns the flow writer and its own handle
 * on the rules database. */
#ifndef FL_COLLECTOR_STORER_H
#define FL_COLLECTOR_STORER_H

#include "collector/census.h"
#include "collector/pause.h"
#include "collector/queue.h"
#include "collector/settings.h"
#include "collector/watermark.h"
#include "storage/error.h"

struct fl_storer_setup { /* all borrowed, and to outlive the storer */
    const char *data_dir;
    struct fl_settings_box *settings;
    struct fl_queue *queue;
    struct fl_census *census;
    size_t lanes;
    struct fl_watermarks *watermarks;
    struct fl_pause *committed;    /* woken after a commit that moved a watermark */
    int64_t started_ms;            /* wall clock */
    fl_wire_template_fn *template; /* called, while starting, with each template that was kept */
    void *template_ctx;
};

struct fl_storer;

/* Open everything, hand on the templates and start the thread. FL_EIO, FL_EDB, FL_ENEWER, FL_EDAMAGED,
 * FL_ENOMEM with a sentence. */
int fl_storer_start(struct fl_storer **out, const struct fl_storer_setup *setup, struct fl_err *err);
/* Log statistics soon. Any thread. */
void fl_storer_report(struct fl_storer *s);
/* Wait until the queue, which the caller has closed, is worked off and everything is committed; log the
 * totals; free. */
void fl_storer_finish(struct fl_storer *s);

#endif
