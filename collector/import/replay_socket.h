/* Sending as recorded: one local socket for each recorded sender, so that a collector keeps their sessions
 * apart. */
#ifndef FL_COLLECTOR_REPLAY_SOCKET_H
#define FL_COLLECTOR_REPLAY_SOCKET_H

#include <stdint.h>
#include <sys/socket.h>

#include "collector/import/exports.h"

struct fl_replay_target {
    struct sockaddr_storage to;
    socklen_t to_length;
    struct sockaddr_storage source; /* family 0: the system chooses */
    socklen_t source_length;
};
/* "192.0.2.1:2055" or "[2001:db8::1]:2055", and an address or NULL. FL_EINVAL with a sentence. */
int fl_replay_target(const char *to, const char *source, struct fl_replay_target *out, struct fl_err *err);

struct fl_replay_counts {
    uint64_t sent, bytes;
    uint64_t senders; /* sockets opened */
    uint64_t refused; /* nobody listens there */
    uint64_t
        shared; /* sockets closed in favour of others: their senders get a new port when they speak again */
};

struct fl_replay_sockets;

struct fl_replay_sockets *fl_replay_sockets_new(const struct fl_replay_target *target); /* NULL: no memory */
void fl_replay_sockets_free(struct fl_replay_sockets *s);
/* Send one datagram. FL_EIO: no socket, or the network refuses. */
int fl_replay_send(struct fl_replay_sockets *s, const struct fl_export *e, struct fl_err *err);
struct fl_replay_counts fl_replay_counts(const struct fl_replay_sockets *s);

#endif
