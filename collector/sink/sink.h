/* One attempt to tell one event to one sink, whatever its kind. Everything runs on one libuv loop and never
 * blocks it, but for an append to a file; the receiver's slowness is bounded by the sink's timeout. */
#ifndef FL_COLLECTOR_SINK_H
#define FL_COLLECTOR_SINK_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "storage/config.h"
#include "storage/rulesdb_sink.h"

/* The sinks of a configuration, the one that alerts-file stands for first. The list is the caller's to free
 * (in *list may be an earlier one, which is used again); what stands in it is borrowed from `config`.
 * FL_ENOMEM. */
int fl_sink_list(const struct fl_config *config, struct fl_sink_config **list, size_t *n);

/* What sinks on one loop share. */
struct fl_web;
struct fl_sink_loop {
    uv_loop_t *uv;
    struct fl_web *web;   /* of the webhooks; NULL: none can be used */
    const char *data_dir; /* where relative paths begin */
};

/* An event, borrowed for as long as the attempt lasts. */
struct fl_sink_message {
    const char *uid;  /* the same in every repetition */
    const char *kind; /* "opened", "grown", "closed", "test" */
    json_t *event;    /* with ECS names */
    const char *json; /* the same as one line, without its end */
};

enum { FL_SINK_ERROR = 256 };
struct fl_sink_reply {
    enum fl_outcome outcome;
    int64_t after_ms; /* the receiver wants to be left alone for so long; 0: it did not say */
    char error[FL_SINK_ERROR];
};
typedef void fl_sink_reply_fn(void *ctx, const struct fl_sink_reply *reply);

struct fl_attempt;
/* Begin; *slot is the attempt until `fn` is called, once, which may be during this call, and is then NULL. An
 * attempt that cannot begin replies like any other that failed. config and message must outlive it. */
void fl_sink_send(struct fl_attempt **slot, struct fl_sink_loop *loop, const struct fl_sink_config *config,
                  const struct fl_sink_message *message, fl_sink_reply_fn *fn, void *ctx);
/* End it now: fn is not called, processes are killed, config and message are no longer used. What it held is
 * freed as the loop runs. NULL is fine. */
void fl_sink_cancel(struct fl_attempt *a);

#endif
