/* The command sink: a program of the operator's, told an event as JSON on its standard input.
 *
 * No shell stands between: the arguments are what is configured. The environment is PATH and LANG, the
 * working directory /. Exit status 0 is delivery; otherwise the first line of standard error says why. A
 * program that takes too long gets TERM, and KILL two seconds later. It leads a process group of its own,
 * which is killed whole: nothing it started outlives the attempt. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sink/attempt.h"
#include "storage/timetext.h"

enum { AFTER_TERM_MS = 2000, AFTER_KILL_MS = 2000 };

struct command {
    struct fl_attempt base;
    uv_process_t process;
    uv_pipe_t in, err;
    uv_write_t write;
    char *json; /* for as long as it is being written */
    char first_line[160], scratch[512];
    size_t first_bytes;
    bool line_ended;
    int killing; /* 1: TERM was sent, 2: KILL */
    bool spawned, exited, err_closed;
    int64_t status;
    int signal;
};

/* ---- standard error: its first line ---- */

static void take_bytes(struct command *c, const char *bytes, ssize_t n)
{
    for (ssize_t i = 0; i < n && !c->line_ended; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == '\n' && c->first_bytes)
            c->line_ended = true;
        else if (byte >= ' ' && c->first_bytes < sizeof c->first_line - 1)
            c->first_line[c->first_bytes++] = (char)byte;
    }
}

static void offer_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct command *c = handle->data;
    *out = uv_buf_init(c->scratch, sizeof c->scratch);
}

static void conclude(struct command *c);

static void on_err(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct command *c = stream->data;
    if (n > 0) {
        take_bytes(c, buffer->base, n);
        return;
    }
    if (n < 0) {
        c->err_closed = true;
        uv_read_stop(stream);
        conclude(c);
    }
}

/* ---- standard input ---- */

/* A program need not read all it is told: what it makes of it, its status says. */
static void on_written(uv_write_t *request, int status)
{
    struct command *c = request->handle->data;
    free(c->json);
    c->json = NULL;
    fl_attempt_close(&c->base, &c->in);
}

static void write_json(struct command *c, const char *json)
{
    c->json = strdup(json);
    uv_buf_t parts[] = {uv_buf_init(c->json, c->json ? (unsigned)strlen(c->json) : 0), uv_buf_init("\n", 1)};
    if (!c->json || uv_write(&c->write, (uv_stream_t *)&c->in, parts, 2, on_written) != 0) {
        free(c->json);
        c->json = NULL;
        fl_attempt_close(&c->base, &c->in);
    }
}

/* ---- its end ---- */

static void kill_group(struct command *c, int number)
{
    if (c->spawned)
        uv_kill(-c->process.pid, number);
}

static void judge(struct command *c)
{
    char text[FL_TIME_TEXT];
    const char *line = c->first_line;
    struct fl_attempt *a = &c->base;
    if (c->killing && a->config)
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, "killed after %s%s%s",
                       fl_duration_format(a->config->timeout_ms, text), *line ? ": " : "", line);
    else if (c->signal)
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, "ended by signal %d%s%s", c->signal, *line ? ": " : "", line);
    else if (c->status)
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, "exit status %lld%s%s", (long long)c->status,
                       *line ? ": " : "", line);
    else
        fl_attempt_end(a, FL_OUTCOME_DELIVERED, 0, NULL);
}

/* It ended, and all that it said was read. */
static void conclude(struct command *c)
{
    if (c->exited && c->err_closed)
        judge(c);
}

static void on_exit_of(uv_process_t *process, int64_t status, int number)
{
    struct command *c = process->data;
    c->exited = true;
    c->status = status;
    c->signal = number;
    kill_group(c, SIGKILL); /* what it left behind, which also holds standard error open */
    conclude(c);
}

static void expire(struct fl_attempt *a)
{
    struct command *c = (struct command *)a;
    if (c->killing == 2 || c->exited) { /* it cannot be killed, or who holds its standard error cannot */
        judge(c);
        return;
    }
    c->killing++;
    kill_group(c, c->killing == 1 ? SIGTERM : SIGKILL);
    fl_attempt_timeout(a, c->killing == 1 ? AFTER_TERM_MS : AFTER_KILL_MS);
}

static void abandon(struct fl_attempt *a)
{
    struct command *c = (struct command *)a;
    c->killing = 2;
    kill_group(c, SIGKILL);
    fl_attempt_timeout(a, AFTER_KILL_MS); /* until then its end is waited for, so that it leaves no zombie */
}

static void close_all(struct fl_attempt *a)
{
    struct command *c = (struct command *)a;
    fl_attempt_close(a, &c->in);
    fl_attempt_close(a, &c->err);
    fl_attempt_close(a, &c->process);
}

/* ---- its start ---- */

/* PATH and LANG as ours, "NAME=value". */
static void set_environment(char *out[3], char path[4096], char lang[256])
{
    const char *our_path = getenv("PATH"), *our_lang = getenv("LANG");
    snprintf(path, 4096, "PATH=%s", our_path ? our_path : "/usr/local/bin:/usr/bin:/bin");
    snprintf(lang, 256, "LANG=%s", our_lang ? our_lang : "C.UTF-8");
    out[0] = path;
    out[1] = lang;
    out[2] = NULL;
}

static int spawn(struct command *c)
{
    char path[4096], lang[256], *environment[3];
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&c->in},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->err}};
    uv_process_options_t options = {.exit_cb = on_exit_of,
                                    .file = c->base.config->command[0],
                                    .args = c->base.config->command,
                                    .env = environment,
                                    .cwd = "/",
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    set_environment(environment, path, lang);
    return uv_spawn(c->base.loop->uv, &c->process, &options);
}

static void start(struct fl_attempt *a)
{
    struct command *c = (struct command *)a;
    uv_pipe_init(a->loop->uv, &c->in, 0);
    fl_attempt_handle(a, &c->in);
    uv_pipe_init(a->loop->uv, &c->err, 0);
    fl_attempt_handle(a, &c->err);
    int rc = spawn(c);
    fl_attempt_handle(a, &c->process); /* a handle to be closed also where the program cannot be started */
    if (rc != 0) {
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, "%.160s: %s", a->config->command[0], uv_strerror(rc));
        return;
    }
    c->spawned = true;
    uv_read_start((uv_stream_t *)&c->err, offer_room, on_err);
    write_json(c, a->message->json);
}

const struct fl_sink_kind_ops fl_sink_command = {
    .size = sizeof(struct command), .start = start, .expire = expire, .close = close_all, .abandon = abandon};
