/* One attempt on a loop of its own, and what came of it: what the tests of sinks share. */
#ifndef FL_TESTS_ATTEMPT_FIXTURE_H
#define FL_TESTS_ATTEMPT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/sink/sink.h"
#include "collector/sink/web.h"

struct told {
    int times;
    struct fl_sink_reply reply;
};

static inline void take_reply(void *ctx, const struct fl_sink_reply *reply)
{
    struct told *t = ctx;
    t->times++;
    t->reply = *reply;
}

/* Send `json` and run the loop to its end, where nothing may be left. */
static inline struct fl_sink_reply send_one(const struct fl_sink_config *config, const char *json)
{
    uv_loop_t uv;
    struct told told = {0};
    struct fl_attempt *attempt = NULL;
    struct fl_sink_message message = {.uid = "u1", .kind = "opened", .json = json};
    assert_int_equal(uv_loop_init(&uv), 0);
    struct fl_sink_loop loop = {.uv = &uv, .data_dir = "/tmp"};
    message.event = json_loads(json, 0, NULL);
    assert_int_equal(fl_web_open(&loop.web, &uv), 0);
    fl_sink_send(&attempt, &loop, config, &message, take_reply, &told);
    while (told.times == 0 && uv_run(&uv, UV_RUN_ONCE))
        continue;
    fl_web_close(loop.web);
    uv_run(&uv, UV_RUN_DEFAULT);
    assert_null(attempt);
    assert_int_equal(told.times, 1);
    assert_int_equal(uv_loop_close(&uv), 0);
    json_decref(message.event);
    return told.reply;
}

#endif
