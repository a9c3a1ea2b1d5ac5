/* The sockets of a replay: found by the recorded sender; at most MOST are open, the one used longest ago
 * gives way.
 */
#include "collector/import/replay_socket.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 512, TRIES = 200, WAIT_NS = 1000000, SEND_BUFFER = 1 << 20 };

struct sender {
    struct fl_addr address;
    uint16_t port;
    int fd;
    GList link; /* in fl_replay_sockets.recent */
};

struct fl_replay_sockets {
    struct fl_replay_target target;
    struct fl_replay_counts counts;
    GHashTable *senders;
    GQueue recent; /* newest first */
};

static socklen_t fill(struct sockaddr_storage *out, const struct fl_addr *a, uint16_t port)
{
    memset(out, 0, sizeof *out);
    if (fl_addr_is_v4(a)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&v4.sin_addr, a->b + 12, 4);
        memcpy(out, &v4, sizeof v4);
        return sizeof v4;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&v6.sin6_addr, a->b, 16);
    memcpy(out, &v6, sizeof v6);
    return sizeof v6;
}

/* "ADDR:PORT" with IPv6 in brackets. */
static bool split(const char *text, struct fl_addr *address, uint16_t *port)
{
    char host[FL_ADDR_TEXT + 2];
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (length == 0 || length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    size_t digits = strspn(colon + 1, "0123456789");
    if ((host[0] != '[' && strchr(host, ':')) || digits == 0 || digits > 5 || colon[1 + digits])
        return false;
    guint64 number = g_ascii_strtoull(colon + 1, NULL, 10);
    *port = (uint16_t)number;
    return number > 0 && number <= 65535 && fl_addr_parse(host, address) == 0;
}

int fl_replay_target(const char *to, const char *source, struct fl_replay_target *out, struct fl_err *err)
{
    struct fl_addr address, from;
    uint16_t port;
    memset(out, 0, sizeof *out);
    if (!split(to, &address, &port))
        return fl_fail(
            err, FL_EINVAL,
            "--to \"%.80s\" is not an address and a port; write 192.0.2.1:2055 or [2001:db8::1]:2055", to);
    out->to_length = fill(&out->to, &address, port);
    if (!source)
        return 0;
    if (fl_addr_parse(source, &from) < 0)
        return fl_fail(err, FL_EINVAL, "--source \"%.80s\" is not an address", source);
    if (fl_addr_is_v4(&from) != fl_addr_is_v4(&address))
        return fl_fail(err, FL_EINVAL, "--source %.80s and --to %.80s are not of one family", source, to);
    out->source_length = fill(&out->source, &from, 0);
    return 0;
}

static guint sender_hash(gconstpointer p)
{
    const struct sender *s = p;
    return (guint)fl_addr_hash(&s->address) ^ s->port * 0x9e3779b1u;
}

static gboolean sender_equal(gconstpointer a, gconstpointer b)
{
    const struct sender *x = a, *y = b;
    return x->port == y->port && fl_addr_cmp(&x->address, &y->address) == 0;
}

struct fl_replay_sockets *fl_replay_sockets_new(const struct fl_replay_target *target)
{
    struct fl_replay_sockets *s = g_malloc0(sizeof *s);
    s->target = *target;
    s->senders = g_hash_table_new(sender_hash, sender_equal);
    return s;
}

static void drop(struct fl_replay_sockets *s, struct sender *one)
{
    g_queue_unlink(&s->recent, &one->link);
    g_hash_table_remove(s->senders, one);
    close(one->fd);
    g_free(one);
}

void fl_replay_sockets_free(struct fl_replay_sockets *s)
{
    if (!s)
        return;
    while (s->recent.head)
        drop(s, s->recent.head->data);
    g_hash_table_destroy(s->senders);
    g_free(s);
}

static int open_socket(const struct fl_replay_target *t, struct fl_err *err)
{
    int fd = socket(t->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = SEND_BUFFER;
    if (fd < 0)
        return fl_fail(err, FL_EIO, "no socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (t->source_length && bind(fd, (const struct sockaddr *)&t->source, t->source_length) < 0) {
        fl_fail(err, FL_EIO, "cannot send from the address of --source: %s", strerror(errno));
        close(fd);
        return FL_EIO;
    }
    if (connect(fd, (const struct sockaddr *)&t->to, t->to_length) < 0) {
        fl_fail(err, FL_EIO, "cannot send to the address of --to: %s", strerror(errno));
        close(fd);
        return FL_EIO;
    }
    return fd;
}

static struct sender *find(struct fl_replay_sockets *s, const struct fl_export *e, struct fl_err *err)
{
    struct sender key = {.address = e->source, .port = e->source_port};
    struct sender *one = g_hash_table_lookup(s->senders, &key);
    if (one) {
        g_queue_unlink(&s->recent, &one->link);
        g_queue_push_head_link(&s->recent, &one->link);
        return one;
    }
    int fd = open_socket(&s->target, err);
    if (fd < 0)
        return NULL;
    if (g_hash_table_size(s->senders) >= MOST) {
        drop(s, s->recent.tail->data);
        s->counts.shared++;
    }
    one = g_memdup2(&key, sizeof key);
    one->fd = fd;
    one->link.data = one;
    g_queue_push_head_link(&s->recent, &one->link);
    g_hash_table_add(s->senders, one);
    s->counts.senders++;
    return one;
}

int fl_replay_send(struct fl_replay_sockets *s, const struct fl_export *e, struct fl_err *err)
{
    struct sender *one = find(s, e, err);
    if (!one)
        return FL_EIO;
    for (int i = 0; i < TRIES; i++) {
        if (send(one->fd, e->bytes, e->length, 0) >= 0) {
            s->counts.sent++;
            s->counts.bytes += e->length;
            return 0;
        }
        if (errno == ECONNREFUSED) /* said of an earlier one */
            s->counts.refused++;
        else if (errno == ENOBUFS || errno == EAGAIN)
            nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
        else if (errno != EINTR)
            break;
    }
    return fl_fail(err, FL_EIO, "the network refuses a datagram of %zu bytes: %s", e->length,
                   strerror(errno));
}

struct fl_replay_counts fl_replay_counts(const struct fl_replay_sockets *s)
{
    return s->counts;
}
