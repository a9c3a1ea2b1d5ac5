/* nfdump as a child process, and its JSON as flow records. */
#include "collector/import/import_nfdump.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/timetext.h"

enum { OBJECT_BYTES = 1 << 16, WORDS = 400 };

/* ---- its objects ---- */

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

/* A number, which some versions write as a text. */
static uint64_t number_of(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    if (json_is_integer(value))
        return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    return *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
}

/* 0: not told. nfdump writes the start of 1970 where it knows no time. */
static int64_t time_of(const json_t *o, const char *key)
{
    int64_t ms;
    return fl_time_parse(text_of(o, key), 0, &ms) == 0 && ms > 0 ? ms : 0;
}

/* An event's time, whose milliseconds stand without leading zeros. */
static int64_t event_time_of(const json_t *o)
{
    char seconds[FL_TIME_TEXT];
    const char *text = text_of(o, "t_event"), *point = strchr(text, '.');
    int64_t ms;
    if (!point || (size_t)(point - text) >= sizeof seconds)
        return 0;
    snprintf(seconds, sizeof seconds, "%.*s", (int)(point - text), text);
    if (fl_time_parse(seconds, 0, &ms) < 0)
        return 0;
    long part = strtol(point + 1, NULL, 10);
    return part >= 0 && part < 1000 ? ms + part : ms;
}

/* One of two members, by family. */
static bool addr_of(const json_t *o, const char *v4, const char *v6, struct fl_addr *out)
{
    struct fl_addr a;
    if (fl_addr_parse(text_of(o, v4), &a) < 0 && fl_addr_parse(text_of(o, v6), &a) < 0)
        return false;
    *out = a;
    return true;
}

/* Eight places for CWR, ECE, URG, ACK, PSH, RST, SYN and FIN, each its letter or a point. */
static uint16_t flags_of(const json_t *o)
{
    const char *text = text_of(o, "tcp_flags");
    uint16_t flags = 0;
    if (strlen(text) != 8)
        return 0;
    for (int i = 0; i < 8; i++)
        flags = (uint16_t)(flags << 1 | (text[i] != '.'));
    return flags;
}

static void set_times(const json_t *o, struct fl_flow *f)
{
    int64_t received = time_of(o, "received"), event = event_time_of(o);
    f->start_ms = time_of(o, "first");
    f->end_ms = time_of(o, "last");
    f->time_source = FL_TIME_ABSOLUTE;
    if (event && f->end_ms < f->start_ms)
        f->end_ms = event;
    if (!f->start_ms)
        f->start_ms = f->end_ms ? f->end_ms : event;
    if (!f->start_ms) {
        f->start_ms = received;
        f->time_source = FL_TIME_RECEIVED;
    }
    if (f->end_ms < f->start_ms)
        f->end_ms = f->start_ms;
}

static void set_translation(const json_t *o, struct fl_flow *f)
{
    addr_of(o, "src4_xlt_ip", "src6_xlt_ip", &f->post_src);
    addr_of(o, "dst4_xlt_ip", "dst6_xlt_ip", &f->post_dst);
    f->post_src_port = (uint16_t)number_of(o, "src_xlt_port");
    f->post_dst_port = (uint16_t)number_of(o, "dst_xlt_port");
}

static uint8_t event_of(const json_t *o)
{
    uint64_t event = number_of(o, "event_id");
    if (!event)
        event = number_of(o, "nat_event_id");
    return event <= FL_EVENT_UPDATE ? (uint8_t)event : FL_EVENT_NONE;
}

static void set_ports(const json_t *o, struct fl_flow *f)
{
    f->src_port = (uint16_t)number_of(o, "src_port");
    f->dst_port = (uint16_t)number_of(o, "dst_port");
    if (f->protocol != FL_PROTO_ICMP && f->protocol != FL_PROTO_ICMP6)
        return;
    f->src_port = 0;
    if (json_object_get(o, "icmp_type"))
        f->dst_port = (uint16_t)(number_of(o, "icmp_type") << 8 | (number_of(o, "icmp_code") & 0xff));
}

/* The counters of the other direction, when both were counted. */
static int set_counters(const json_t *o, struct fl_flow out[2])
{
    struct fl_flow *there = &out[0], *back = &out[1];
    uint64_t packets = number_of(o, "out_packets"), bytes = number_of(o, "out_bytes");
    there->packets = number_of(o, "in_packets");
    there->bytes = number_of(o, "in_bytes");
    if (!packets && !bytes)
        return 1;
    *back = *there;
    back->packets = packets;
    back->bytes = bytes;
    if (!there->packets && !there->bytes) {
        *there = *back;
        return 1;
    }
    back->src = there->dst;
    back->dst = there->src;
    back->in_if = there->out_if;
    back->out_if = there->in_if;
    back->post_src = there->post_dst;
    back->post_dst = there->post_src;
    back->post_src_port = there->post_dst_port;
    back->post_dst_port = there->post_src_port;
    if (there->protocol != FL_PROTO_ICMP && there->protocol != FL_PROTO_ICMP6) {
        back->src_port = there->dst_port;
        back->dst_port = there->src_port;
    }
    return 2;
}

static int take_object(const json_t *o, struct fl_flow out[2], struct fl_err *err)
{
    struct fl_flow *f = &out[0];
    memset(f, 0, sizeof *f);
    if (!addr_of(o, "src4_addr", "src6_addr", &f->src) || !addr_of(o, "dst4_addr", "dst6_addr", &f->dst))
        return 0;
    f->exporter = fl_addr_v4(0);
    addr_of(o, "ip4_router", "ip6_router", &f->exporter);
    set_times(o, f);
    if (f->start_ms <= 0)
        return fl_fail(err, FL_EMALF, "a record of nfdump's has no time");
    f->sampling = 1;
    f->protocol = (uint8_t)number_of(o, "proto");
    f->tcp_flags = flags_of(o);
    f->tos = (uint8_t)number_of(o, "src_tos");
    f->in_if = (uint32_t)number_of(o, "input_snmp");
    f->out_if = (uint32_t)number_of(o, "output_snmp");
    f->direction = number_of(o, "direction") == 1 ? FL_DIRECTION_EGRESS : FL_DIRECTION_UNKNOWN;
    f->event = event_of(o);
    set_ports(o, f);
    set_translation(o, f);
    return set_counters(o, out);
}

int fl_nfdump_flows(const char *text, size_t length, struct fl_flow out[2], bool *sampled, struct fl_err *err)
{
    json_error_t why;
    json_t *o = json_loadb(text, length, 0, &why);
    *sampled = false;
    if (!json_is_object(o)) {
        json_decref(o);
        return fl_fail(err, FL_EMALF, "a record of nfdump's is not a JSON object%s%.200s", o ? "" : ": ",
                       o ? "" : why.text);
    }
    *sampled = number_of(o, "sampled") != 0;
    int n = take_object(o, out, err);
    json_decref(o);
    return n;
}

/* ---- the process ---- */

struct fl_nfdump {
    pid_t pid; /* 0: ended and waited for */
    FILE *output;
    int complaints; /* what it says on standard error */
    int status;
    uint64_t records, read; /* in all, as far as known; so far */
    char *line;
    size_t line_room;
    char object[OBJECT_BYTES];
};

/* Run nfdump with these arguments; what it prints is in n->output. */
static int spawn(struct fl_nfdump *n, char *const argv[], int inherited, int output, struct fl_err *err)
{
    static char search[4096];
    char *environment[] = {"TZ=UTC", "LC_ALL=C", search, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    const char *path = getenv("PATH");
    snprintf(search, sizeof search, "PATH=%s", path ? path : "/usr/bin:/bin");
    if (posix_spawn_file_actions_init(&actions))
        return fl_fail(err, FL_ENOMEM, "out of memory");
    posix_spawnattr_init(&attributes); /* a group of its own: Ctrl-C is for us */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int code = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!code)
        code = posix_spawn_file_actions_adddup2(&actions, n->complaints, STDERR_FILENO);
    if (!code) /* onto itself: stays open in the child, for a path below /proc/self/fd */
        code = posix_spawn_file_actions_adddup2(&actions, inherited, inherited);
    if (!code)
        code = posix_spawnp(&n->pid, "nfdump", &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    n->pid = code ? 0 : n->pid;
    if (code == ENOENT)
        return fl_fail(err, FL_ENOENT,
                       "nfcapd files are read through nfdump, which is not installed: apt install nfdump");
    return code ? fl_fail(err, FL_EIO, "nfdump cannot be run: %s", strerror(code)) : 0;
}

static int run(struct fl_nfdump *n, const struct fl_input *in, bool summary, struct fl_err *err)
{
    char path[4200];
    char *records[] = {"nfdump", "-C", "none", "-r", path, "-q", "-o", "json", NULL};
    char *figures[] = {"nfdump", "-C", "none", "-I", "-r", path, NULL};
    int output[2];
    snprintf(path, sizeof path, "%s", fl_input_path(in));
    if (pipe2(output, O_CLOEXEC) < 0)
        return fl_fail(err, FL_EIO, "nfdump cannot be run: %s", strerror(errno));
    int rc = spawn(n, summary ? figures : records, fl_input_fd(in), output[1], err);
    close(output[1]);
    if (rc == 0 && !(n->output = fdopen(output[0], "r")))
        rc = fl_fail(err, FL_ENOMEM, "out of memory");
    if (!n->output)
        close(output[0]);
    return rc;
}

static void wait_for(struct fl_nfdump *n)
{
    while (n->pid && waitpid(n->pid, &n->status, 0) < 0 && errno == EINTR)
        ;
    n->pid = 0;
}

/* How many records the file says that it has, for the progress: 0 when it does not say. */
static int count_records(struct fl_nfdump *n, const struct fl_input *in, struct fl_err *err)
{
    int rc = run(n, in, true, err);
    while (rc == 0 && getline(&n->line, &n->line_room, n->output) >= 0)
        if (strncmp(n->line, "Flows: ", 7) == 0)
            n->records = strtoull(n->line + 7, NULL, 10);
    if (n->output)
        fclose(n->output);
    n->output = NULL;
    wait_for(n);
    lseek(n->complaints, 0, SEEK_SET);
    return rc || ftruncate(n->complaints, 0) == 0 ? rc : fl_fail(err, FL_EIO, "%s", strerror(errno));
}

int fl_nfdump_start(struct fl_nfdump **out, const struct fl_input *in, struct fl_err *err)
{
    struct fl_nfdump *n = calloc(1, sizeof *n);
    *out = NULL;
    if (!n)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    n->complaints = memfd_create("nfdump", MFD_CLOEXEC);
    int rc = n->complaints < 0 ? fl_fail(err, FL_EIO, "nfdump cannot be run: %s", strerror(errno)) : 0;
    if (rc == 0)
        rc = count_records(n, in, err);
    if (rc == 0)
        rc = run(n, in, false, err);
    if (rc)
        fl_nfdump_free(n);
    else
        *out = n;
    return rc;
}

double fl_nfdump_done(const struct fl_nfdump *n)
{
    return n->records ? (double)n->read / (double)n->records : 0;
}

/* It has said all: did it end well? nfdump may fail with status 0, but not without words. */
static int end(struct fl_nfdump *n, struct fl_err *err)
{
    char words[WORDS + 1] = "";
    wait_for(n);
    ssize_t length = pread(n->complaints, words, WORDS, 0);
    words[length > 0 ? length : 0] = '\0';
    words[strcspn(words, "\r\n")] = '\0';
    if (strncmp(words, "No matching flows", 17) == 0)
        words[0] = '\0';
    if (WIFEXITED(n->status) && WEXITSTATUS(n->status) == 0 && !words[0])
        return 0;
    if (words[0])
        return fl_fail(err, FL_EIO, "nfdump says: %s", words);
    return fl_fail(err, FL_EIO, "nfdump ended with %s %d", WIFSIGNALED(n->status) ? "signal" : "status",
                   WIFSIGNALED(n->status) ? WTERMSIG(n->status) : WEXITSTATUS(n->status));
}

int fl_nfdump_next(struct fl_nfdump *n, const char **text, size_t *length, struct fl_err *err)
{
    size_t used = 0;
    bool inside = false, over = false;
    ssize_t got;
    while ((got = getline(&n->line, &n->line_room, n->output)) >= 0) {
        if (n->line[0] == '{')
            inside = true;
        if (!inside)
            continue;
        bool last = n->line[0] == '}';
        size_t take = last ? 1 : (size_t)got;
        over = over || used + take > OBJECT_BYTES;
        if (!over)
            memcpy(n->object + used, n->line, take);
        used += over ? 0 : take;
        if (!last)
            continue;
        n->read++;
        if (over)
            return fl_fail(err, FL_EMALF, "a record of nfdump's is longer than %d bytes", OBJECT_BYTES);
        *text = n->object;
        *length = used;
        return 1;
    }
    if (ferror(n->output)) /* only a signal that asks to stop interrupts; nfdump may still have much to say */
        return errno == EINTR ? FL_ESTOP
                              : fl_fail(err, FL_EIO, "nfdump's output cannot be read: %s", strerror(errno));
    return end(n, err);
}

void fl_nfdump_free(struct fl_nfdump *n)
{
    if (!n)
        return;
    if (n->output)
        fclose(n->output);
    if (n->pid) {
        kill(n->pid, SIGTERM);
        wait_for(n);
    }
    if (n->complaints >= 0)
        close(n->complaints);
    free(n->line);
    free(n);
}
