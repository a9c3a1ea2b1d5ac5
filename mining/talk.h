/* Pass 2 of mining: from records to conversations with a client, a server and learned service ports
 * (MINING.md section 1, "Join directions" and "Service ports are learned").
 *
 * Pure; hosts become numbers in address order, so that later passes compare integers and stay deterministic.
 */
#ifndef FL_MINING_TALK_H
#define FL_MINING_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "mining/records.h"
#include "mining/stop.h"
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

/* Are they of one concrete node? */
static inline bool fl_conversation_same_kind(const struct fl_conversation *x, const struct fl_conversation *y)
{
    return x->client == y->client && x->server == y->server && x->client_port == y->client_port &&
           x->server_port == y->server_port && x->protocol == y->protocol;
}

struct fl_talk {
    struct fl_addr *hosts; /* ascending */
    size_t n_hosts;
    struct fl_conversation *items; /* by client, server, protocol, ports, start, end */
    size_t n;
};

struct fl_talk_request {
    const struct fl_records *records;
    int64_t active_timeout_ms; /* of sources whose records do not show it */
    const struct fl_services *services;
    uint32_t service_peers;     /* distinct peer endpoints that make an endpoint a service */
    uint32_t threads;           /* 0: one a processor */
    const struct fl_stop *stop; /* asked between the steps, from the calling thread; NULL: not */
};
/* Stitch (mining/stitch.h), join, learn service ports, name client and server. A host that talks to itself is
 * left out. The hosts are copied. FL_ESTOP, FL_ENOMEM; *out is then empty. */
int fl_talk_build(struct fl_talk *out, const struct fl_talk_request *request);
void fl_talk_clear(struct fl_talk *t);

#endif
