/* Inside the generator: how patterns and background add flows to the day that is being made. */
#ifndef GEN_MAKE_H
#define GEN_MAKE_H

#include "tests/generate/day.h"
#include "tests/generate/random.h"

struct gen_make {
    const struct gen_options *options;
    struct gen_day *day;
    size_t flows_room, truth_room;
    int64_t from_ms, to_ms;
    const char *pattern; /* being made */
    bool decoy;
    bool failed; /* out of memory: sticky, what is added is dropped */
    struct gen_random random;
};

typedef void gen_pattern_fn(struct gen_make *m);
struct gen_pattern {
    const char *name;
    bool decoy;
    gen_pattern_fn *make;
};
extern const struct gen_pattern gen_background_patterns[], gen_service_patterns[], gen_peer_patterns[],
    gen_decoy_patterns[]; /* each ends with a NULL name */

/* Who is who: workstations 10.1.1.1 and on, servers 10.1.0.0/24, the world 198.18.0.0/15. */
struct fl_addr gen_host(unsigned i);
struct fl_addr gen_server(unsigned last);
struct fl_addr gen_world(unsigned i);
struct fl_addr gen_host6(unsigned i);
struct fl_addr gen_world6(unsigned i);
struct fl_addr gen_anyone(struct gen_make *m); /* somewhere in the world */
enum { GEN_RESOLVER = 53, GEN_MAIL = 25 };

/* One conversation. `port` of -1 is an ephemeral one. */
struct gen_talk {
    struct fl_addr client, server;
    int client_port, server_port;
    uint8_t proto;
    int64_t start_ms, lasts_ms;
    uint64_t packets; /* client's; the server's follow from it */
    bool one_way;     /* nobody answers */
    bool refused;     /* TCP: answered by a reset */
};
void gen_talk(struct gen_make *m, const struct gen_talk *talk);
/* The usual ones: a short TCP session, a question and its answer over UDP. */
void gen_tcp(struct gen_make *m, struct fl_addr client, struct fl_addr server, int port, int64_t start_ms);
void gen_udp(struct gen_make *m, struct fl_addr client, struct fl_addr server, int port, int64_t start_ms);
/* A SYN (or datagram) that nobody answers. */
void gen_knock(struct gen_make *m, struct fl_addr client, struct fl_addr server, int port, uint8_t proto,
               int64_t start_ms);

/* Moment `k` of `n` spread over the span: one in each n-th, early in its second so that partners which follow
 * within 200 ms mostly share the second. */
int64_t gen_moment(struct gen_make *m, unsigned k, unsigned n);
/* A few ms to 200 ms. */
int64_t gen_lag(struct gen_make *m);

/* A node as text, and a pair of them onto the list. NULL address: any. Port -1: any. */
struct gen_end {
    const struct fl_addr *addr;
    int port;
};
void gen_node(char out[GEN_NODE_TEXT], struct gen_end client, struct gen_end server, const char *proto);
void gen_pair(struct gen_make *m, const char *x, const char *y);
/* Likewise for a pair of ports of a range. */
void gen_pair_of_range(struct gen_make *m, const char *x, const char *y);
/* Likewise for what is true because of what was planted; `reason` is a literal. */
void gen_follows(struct gen_make *m, const char *x, const char *y, const char *reason);
/* `client.* : server.port/proto`, either address NULL for any. */
void gen_node_to(char out[GEN_NODE_TEXT], const struct fl_addr *client, const struct fl_addr *server,
                 int port, const char *proto);

#endif
