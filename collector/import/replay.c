/* `flowlore replay`: recorded exports onto the wire, at the pace of the recording. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/import/import_cli.h"
#include "collector/import/replay_socket.h"
#include "mining/human.h"
#include "mining/progress.h"

enum { DEFAULT_RATE = 20000, MOST_SPEED = 1000000, STEPS = 64 };

struct replay {
    struct fl_input *in;
    struct fl_exports *exports;
    struct fl_replay_sockets *sockets;
    struct fl_progress bar;
    double speed;                /* 0: as fast as the rate allows */
    double rate;                 /* datagrams a second; 0: any */
    int64_t began_ns;            /* monotonic */
    int64_t first_us, latest_us; /* of the recording */
    uint64_t n;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int read_options(const struct fl_cli *cli, struct replay *r, struct fl_err *err)
{
    char *end = NULL;
    bool fastest = cli->speed && strcmp(cli->speed, "max") == 0;
    r->speed = fastest ? 0 : 1;
    r->rate = fastest ? DEFAULT_RATE : 0;
    if (cli->speed && !fastest) {
        r->speed = strtod(cli->speed, &end);
        if (*end || end == cli->speed || !(r->speed > 0) || r->speed > MOST_SPEED)
            return fl_fail(
                err, FL_EINVAL,
                "--speed \"%.40s\" is no speed; write 1 for the recording's own, 60 for a minute a second, "
                "0.5 for half, or max",
                cli->speed);
    }
    if (cli->rate) {
        r->rate = strtod(cli->rate, &end);
        if (*end || end == cli->rate || !(r->rate >= 1) || isinf(r->rate))
            return fl_fail(err, FL_EINVAL, "--rate \"%.40s\" is not a number of datagrams a second",
                           cli->rate);
    }
    if (!cli->to)
        return fl_fail(err, FL_EINVAL,
                       "replay needs --to ADDR:PORT, where to send; see flowlore replay --help");
    return 0;
}

/* When this datagram is due, on the monotonic clock. One whose time goes back is due at once. */
static int64_t due_ns(struct replay *r, const struct fl_export *e)
{
    double at = 0;
    if (r->n == 0)
        r->first_us = r->latest_us = e->time_us;
    if (e->time_us > r->latest_us)
        r->latest_us = e->time_us;
    if (r->speed > 0)
        at = (double)(r->latest_us - r->first_us) * 1000 / r->speed;
    if (r->rate > 0 && (double)r->n * 1e9 / r->rate > at)
        at = (double)r->n * 1e9 / r->rate;
    return r->began_ns + (int64_t)(at < 4e18 ? at : 4e18); /* a century is for ever */
}

static int wait_until(int64_t ns)
{
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (!fl_cli_stopped && now_ns() < ns)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    return fl_cli_stopped ? FL_ESTOP : 0;
}

static int send_all(struct replay *r, struct fl_err *err)
{
    struct fl_export e;
    int more, rc = 0;
    r->began_ns = now_ns();
    while (rc == 0 && (more = fl_exports_next(r->exports, &e, err)) != 0) {
        if (more < 0)
            return more;
        rc = wait_until(due_ns(r, &e));
        if (rc == 0)
            rc = fl_replay_send(r->sockets, &e, err);
        if (r->n++ % STEPS == 0 || r->rate == 0)
            fl_progress_set(&r->bar, fl_input_done(r->in));
    }
    return rc;
}

static void print_sent(const struct fl_cli *cli, const struct replay *r)
{
    struct fl_replay_counts c = fl_replay_counts(r->sockets);
    struct fl_export_counts p = fl_exports_counts(r->exports);
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], d[FL_HUMAN_TEXT], e[FL_HUMAN_TEXT], f[FL_HUMAN_TEXT];
    printf("sent %s %s of %s %s, %s", fl_human_count(c.sent, a), fl_human_plural(c.sent, "datagram", b),
           fl_human_count(c.senders, d), fl_human_plural(c.senders, "sender", e), fl_human_bytes(c.bytes, f));
    printf(", to %s in %s\n", cli->to, fl_human_span((now_ns() - r->began_ns) / 1000000, a));
    if (p.truncated)
        printf("  %s packets captured only in part and left out: capture whole packets, tcpdump -s 0\n",
               fl_human_count(p.truncated, a));
    if (p.unassembled)
        printf("  %s datagrams left out for want of fragments\n", fl_human_count(p.unassembled, a));
    if (c.shared)
        printf("  more than 512 senders: some got another port on the way, and count as new sessions\n");
    if (c.refused)
        fl_cli_say("nobody listens at %s: %s datagrams were refused; start the collector first", cli->to,
                   fl_human_count(c.refused, a));
}

static int open_recording(struct replay *r, const char *path, struct fl_err *err)
{
    int rc = fl_input_open(&r->in, path, NULL, err);
    if (rc)
        return rc == FL_EINVAL ? FL_EIO : rc; /* the file's fault, not the call's */
    enum fl_input_kind kind = fl_input_kind(r->in);
    if (kind != FL_INPUT_CAPTURE && kind != FL_INPUT_MESSAGES)
        return fl_fail(err, FL_EIO, "%.300s holds flows, not the datagrams they came in; use flowlore import",
                       fl_input_name(r->in));
    FILE *stream = fl_input_stream(r->in);
    if (!stream)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    struct fl_err why = {""};
    rc = fl_exports_open(&r->exports, stream, kind, &why);
    return rc ? fl_fail(err, rc, "%.200s: %.280s", fl_input_name(r->in), why.text) : 0;
}

static int run(struct fl_cli *cli, struct replay *r, struct fl_err *err)
{
    struct fl_replay_target target;
    struct fl_err why = {""};
    int rc = read_options(cli, r, err);
    if (rc == 0)
        rc = fl_replay_target(cli->to, cli->source, &target, err);
    if (rc == 0)
        rc = open_recording(r, cli->args[0], err);
    if (rc)
        return rc;
    r->sockets = fl_replay_sockets_new(&target);
    fl_cli_catch_stop();
    fl_progress_start(&r->bar, fl_input_name(r->in));
    rc = send_all(r, &why);
    fl_progress_end(&r->bar);
    print_sent(cli, r);
    if (rc == FL_ESTOP)
        return fl_fail(err, rc, "stopped before the end of %.300s", fl_input_name(r->in));
    return rc ? fl_fail(err, rc, "%.200s: %.280s", fl_input_name(r->in), why.text) : 0;
}

int fl_cli_replay(struct fl_cli *cli)
{
    struct replay r = {0};
    struct fl_err err = {""};
    int rc = run(cli, &r, &err), code = fl_cli_end();
    if (rc)
        code = fl_cli_fail(rc, &err);
    fl_replay_sockets_free(r.sockets);
    fl_exports_free(r.exports);
    fl_input_close(r.in);
    return code;
}
