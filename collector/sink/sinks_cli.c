/* `flowlore sinks`: every configured sink with what the outbox knows of it; `flowlore sinks test NAME` tells
 * one sink an event of no alert, past the outbox, and says what came of it. */
#include "collector/sink/sinks_cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "collector/sink/event.h"
#include "collector/sink/sink.h"
#include "collector/sink/web.h"
#include "storage/timetext.h"

/* ---- listing ---- */

static bool is_listed(const json_t *sinks, const char *name)
{
    size_t i;
    json_t *sink;
    json_array_foreach(sinks, i, sink) if (strcmp(fl_js_text(sink, "name"), name) == 0) return true;
    return false;
}

/* One that no service has used yet. */
static json_t *unused(const struct fl_sink_config *s)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:n, s:n, s:n, s:n}", "name", s->name, "kind",
                     fl_sink_kind_name(s->kind), "delivered", 0, "waiting", 0, "refused", 0, "dropped", 0,
                     "error", "failed", "next", "last");
}

static int gather(const struct fl_cli *cli, json_t *sinks, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    struct fl_sink_config *list = NULL;
    size_t n = 0;
    int rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, err);
    if (rc == 0 && db)
        rc = fl_rulesdb_sinks(db, fl_cli_collect, sinks, err);
    if (rc == 0)
        rc = fl_sink_list(&cli->config, &list, &n);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!is_listed(sinks, list[i].name) && json_array_append_new(sinks, unused(&list[i])) != 0)
            rc = FL_ENOMEM;
    free(list);
    fl_rulesdb_close(db);
    return rc;
}

static int print_all(const struct fl_cli *cli)
{
    size_t i;
    struct fl_err err = {""};
    json_t *sink, *sinks = json_array();
    int code, rc = sinks ? gather(cli, sinks, &err) : FL_ENOMEM;
    if (rc) {
        code = fl_cli_fail(rc, &err);
    } else if (cli->json) {
        json_array_foreach(sinks, i, sink) fl_cli_json(NULL, sink);
        code = fl_cli_end();
    } else if (json_array_size(sinks) == 0) {
        printf("No sinks are configured.\n");
        code = fl_cli_end();
    } else {
        code = fl_cli_sinks_table(sinks);
    }
    json_decref(sinks);
    return code;
}

/* ---- a test ---- */

static void keep_reply(void *ctx, const struct fl_sink_reply *reply)
{
    *(struct fl_sink_reply *)ctx = *reply;
}

static void run_loop(uv_loop_t *uv, const struct fl_cli *cli, const struct fl_sink_config *sink,
                     const struct fl_sink_message *message, struct fl_sink_reply *reply)
{
    struct fl_attempt *attempt = NULL;
    struct fl_sink_loop loop = {.uv = uv, .data_dir = cli->data};
    fl_web_open(&loop.web, uv);
    fl_sink_send(&attempt, &loop, sink, message, keep_reply, reply);
    while (attempt)
        uv_run(uv, UV_RUN_ONCE);
    fl_web_close(loop.web);
    uv_run(uv, UV_RUN_DEFAULT);
}

static void set_uid(char out[40])
{
    uint8_t bytes[16] = {0};
    if (getrandom(bytes, sizeof bytes, 0) < 0)
        bytes[0] = 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int send_test(const struct fl_cli *cli, const struct fl_sink_config *sink, struct fl_sink_reply *reply)
{
    uv_loop_t uv;
    struct fl_outbox_item item = {.made_ms = cli->now_ms, .kind = "test"};
    set_uid(item.uid);
    json_t *event = fl_event_test(sink->name, &item);
    char *json = event ? json_dumps(event, JSON_COMPACT) : NULL;
    struct fl_sink_message message = {item.uid, item.kind, event, json};
    int rc = json && uv_loop_init(&uv) == 0 ? 0 : FL_ENOMEM;
    if (rc == 0) {
        signal(SIGPIPE, SIG_IGN); /* a receiver that goes away is an answer, not our end */
        run_loop(&uv, cli, sink, &message, reply);
        uv_loop_close(&uv);
    }
    free(json);
    json_decref(event);
    return rc;
}

static int print_reply(const struct fl_cli *cli, const char *name, const struct fl_sink_reply *reply)
{
    static const char *const words[] = {[FL_OUTCOME_DELIVERED] = "delivered",
                                        [FL_OUTCOME_FAILED] = "failed",
                                        [FL_OUTCOME_REFUSED] = "refused"};
    bool well = reply->outcome == FL_OUTCOME_DELIVERED;
    if (cli->json) {
        json_t *o = json_pack("{s:s, s:s, s:s?}", "name", name, "outcome", words[reply->outcome], "error",
                              well ? NULL : reply->error);
        fl_cli_json(NULL, o);
        json_decref(o);
    } else if (well) {
        printf("%s: the test event was delivered\n", name);
    } else {
        fl_cli_say("%s: the test event was not delivered: %s", name, reply->error);
    }
    int code = fl_cli_end();
    return well ? code : FL_EXIT_FAILURE;
}

static int test_one(const struct fl_cli *cli, const char *name)
{
    struct fl_sink_config *list = NULL, *sink = NULL;
    struct fl_err err = {""};
    struct fl_sink_reply reply = {0};
    size_t n = 0;
    int rc = fl_sink_list(&cli->config, &list, &n);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            sink = &list[i];
    if (rc == 0 && !sink)
        rc = fl_fail(&err, FL_EINVAL, "there is no sink \"%.60s\"; flowlore sinks lists them", name);
    if (rc == 0)
        rc = send_test(cli, sink, &reply);
    free(list);
    return rc ? fl_cli_fail(rc, &err) : print_reply(cli, name, &reply);
}

int fl_cli_sinks(struct fl_cli *cli)
{
    if (cli->n_args == 0)
        return print_all(cli);
    if (strcmp(cli->args[0], "test") != 0 || cli->n_args != 2) {
        fl_cli_say("write flowlore sinks, or flowlore sinks test NAME");
        return FL_EXIT_USAGE;
    }
    return test_one(cli, cli->args[1]);
}
