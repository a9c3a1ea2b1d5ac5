/* What the kinds of sinks have in common: an attempt with its timeout, its handles and its one reply.
 * Included by sink*.c only. */
#ifndef FL_COLLECTOR_ATTEMPT_H
#define FL_COLLECTOR_ATTEMPT_H

#include <stdbool.h>

#include "collector/sink/sink.h"

/* Begins each kind's own struct, which is allocated with zeros. */
struct fl_attempt {
    const struct fl_sink_kind_ops *ops;
    struct fl_sink_loop *loop;
    const struct fl_sink_config *config;   /* NULL once cancelled */
    const struct fl_sink_message *message; /* likewise */
    struct fl_attempt **slot;
    fl_sink_reply_fn *fn;
    void *ctx;
    uv_timer_t timer;
    unsigned handles; /* not yet closed */
    bool ended;
};

struct fl_sink_kind_ops {
    size_t size; /* of its struct */
    void (*start)(struct fl_attempt *a);
    /* The timeout is over; NULL: the attempt fails. */
    void (*expire)(struct fl_attempt *a);
    /* The attempt ended: close every handle. */
    void (*close)(struct fl_attempt *a);
    /* Nobody waits for the attempt any more; NULL: end it. */
    void (*abandon)(struct fl_attempt *a);
};
extern const struct fl_sink_kind_ops fl_sink_file, fl_sink_syslog, fl_sink_webhook, fl_sink_command;

/* Reply and close; does nothing when it was done before. Nothing of the attempt may be used afterwards but in
 * its handles' callbacks. `format` NULL: no error. */
void fl_attempt_end(struct fl_attempt *a, enum fl_outcome outcome, int64_t after_ms, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Count a handle that was initialised; its data becomes the attempt. Close it in close(). */
void fl_attempt_handle(struct fl_attempt *a, void *handle);
void fl_attempt_close(struct fl_attempt *a, void *handle);
/* Set the timeout anew. */
void fl_attempt_timeout(struct fl_attempt *a, int64_t timeout_ms);

#endif
