/* Pass 2 of mining: from one-way flows to conversations with a client, a server and learned service ports
 * (MINING.md section 1, "Join directions" and "Service ports are learned").
 *
 * Pure; hosts become numbers in address order, so that later passes compare integers and stay deterministic.
 */
#ifndef FL_MINING_TALK_H
#define FL_MINING_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "mining/radix.h"
#include "mining/records.h"
#include "storage/rule.h"

/* Which ports are registered: below 1024, or in the system's services database. */
struct fl_services {
    uint8_t tcp[8192], udp[8192]; /* a bit a port */
};
/* Reads /etc/services through getservent(3); call from one thread. */
void fl_services_load(struct fl_services *s);
/* Only the system ports: what tests use, the same on every machine. */
void fl_services_system_ports(struct fl_services *s);

struct fl_conversation {
    uint32_t client, server; /* indices into hosts */
    uint32_t client_port,
        server_port; /* FL_PORT_ANY where not a service port; ICMP: type << 8 | code at the server */
    int64_t start_ms, end_ms;
    uint8_t protocol;
};

struct fl_talk {
    struct fl_addr *hosts; /* ascending */
    size_t n_hosts;
    struct fl_conversation *items; /* by client, server, ports, protocol, start, end */
    size_t n;
};

/* Join, learn service ports (`service_peers` distinct peer endpoints), name client and server. A host that
 * talks to itself is left out. `flows` as fl_stitch makes them of `records`, whose hosts are copied. On
 * up to `threads` threads (0: one a processor). FL_ENOMEM. */
int fl_talk_build(struct fl_talk *out, const struct fl_records *records, const struct fl_record *flows,
                  size_t n, const struct fl_services *services, uint32_t service_peers, uint32_t threads);
void fl_talk_clear(struct fl_talk *t);

/* What tells the nodes of conversations apart, for n of them in any order. kind[i] is the place, in ascending
 * order, of conversation i's key: client << 32 | server, then protocol << 34 | client_port << 17 |
 * server_port. `kinds` (zeroed by the caller, who clears it) holds the keys. FL_ENOMEM. */
int fl_conversation_kinds(const struct fl_conversation *items, size_t n, struct fl_intern *kinds,
                          uint32_t *kind);
/* Their indices as values, by start, then index. The caller clears *out. FL_ENOMEM. */
int fl_conversation_starts(const struct fl_conversation *items, size_t n, struct fl_entries *out);

#endif
