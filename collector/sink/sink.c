/* Attempts: begun, timed, answered once, and freed when the last of their handles is closed. */
#include "collector/sink/sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sink/attempt.h"
#include "storage/timetext.h"

static const struct fl_sink_kind_ops *const kinds[] = {
    [FL_SINK_FILE] = &fl_sink_file,
    [FL_SINK_SYSLOG] = &fl_sink_syslog,
    [FL_SINK_WEBHOOK] = &fl_sink_webhook,
    [FL_SINK_COMMAND] = &fl_sink_command,
};

int fl_sink_list(const struct fl_config *config, struct fl_sink_config **list, size_t *n)
{
    char *path = config->alerts_file ? config->alerts_file : "alerts.jsonl";
    *n = 0;
    struct fl_sink_config *grown = realloc(*list, (config->n_sinks + 1) * sizeof *grown);
    if (!grown)
        return FL_ENOMEM;
    *list = grown;
    if (strcmp(path, "off") != 0) {
        fl_sink_config_init(&grown[0], "file", FL_SINK_FILE);
        grown[(*n)++].path = path;
    }
    for (size_t i = 0; i < config->n_sinks; i++)
        grown[(*n)++] = config->sinks[i];
    return 0;
}

void fl_attempt_handle(struct fl_attempt *a, void *handle)
{
    ((uv_handle_t *)handle)->data = a;
    a->handles++;
}

static void on_close(uv_handle_t *handle)
{
    struct fl_attempt *a = handle->data;
    if (--a->handles == 0)
        free(a);
}

void fl_attempt_close(struct fl_attempt *a, void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_close);
}

void fl_attempt_end(struct fl_attempt *a, enum fl_outcome outcome, int64_t after_ms, const char *format, ...)
{
    struct fl_sink_reply reply = {.outcome = outcome, .after_ms = after_ms};
    if (a->ended)
        return;
    a->ended = true;
    if (format) {
        va_list args;
        va_start(args, format);
        vsnprintf(reply.error, sizeof reply.error, format, args);
        va_end(args);
    }
    fl_sink_reply_fn *fn = a->fn;
    void *ctx = a->ctx;
    if (a->slot)
        *a->slot = NULL;
    if (a->ops->close)
        a->ops->close(a);
    fl_attempt_close(a, &a->timer);
    if (fn)
        fn(ctx, &reply);
}

static void on_timeout(uv_timer_t *timer)
{
    struct fl_attempt *a = timer->data;
    char text[FL_TIME_TEXT];
    if (a->ops->expire)
        a->ops->expire(a);
    else
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, "no answer within %s",
                       fl_duration_format(a->config->timeout_ms, text));
}

void fl_attempt_timeout(struct fl_attempt *a, int64_t timeout_ms)
{
    uv_timer_start(&a->timer, on_timeout, (uint64_t)timeout_ms, 0);
}

void fl_sink_send(struct fl_attempt **slot, struct fl_sink_loop *loop, const struct fl_sink_config *config,
                  const struct fl_sink_message *message, fl_sink_reply_fn *fn, void *ctx)
{
    const struct fl_sink_kind_ops *ops = kinds[config->kind];
    struct fl_attempt *a = calloc(1, ops->size);
    if (!a) {
        fn(ctx, &(struct fl_sink_reply){FL_OUTCOME_FAILED, 0, "out of memory"});
        return;
    }
    *a = (struct fl_attempt){ops, loop, config, message, slot, fn, ctx, .handles = 0};
    *slot = a;
    uv_update_time(loop->uv); /* what was done before may have taken its time */
    uv_timer_init(loop->uv, &a->timer);
    fl_attempt_handle(a, &a->timer);
    fl_attempt_timeout(a, config->timeout_ms);
    ops->start(a);
}

void fl_sink_cancel(struct fl_attempt *a)
{
    if (!a)
        return;
    *a->slot = NULL;
    a->slot = NULL;
    a->fn = NULL;
    a->config = NULL;
    a->message = NULL;
    if (a->ops->abandon)
        a->ops->abandon(a);
    else
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, NULL);
}
