/* Patterns of hosts that act in step: scanners, robots, peers, heartbeats, messengers. */
#include <stdio.h>

#include "tests/generate/make.h"

/* A relay takes a circuit in and passes it on. */
static void tor(struct gen_make *m)
{
    struct fl_addr relay = gen_host(5), before = gen_world(610), after = gen_world(611);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 90; k++) {
        int64_t at = gen_moment(m, k, 90);
        gen_tcp(m, before, relay, 9001, at);
        gen_tcp(m, relay, after, 9001, at + gen_lag(m));
        gen_tcp(m, gen_world(620 + k % 12), relay, 9001, gen_moment(m, k, 90));
    }
    gen_node_to(x, &before, &relay, 9001, "tcp");
    gen_node_to(y, &relay, &after, 9001, "tcp");
    gen_pair(m, x, y);
}

/* Many sources, few tries each, the same three routers. */
static void ssh_scan(struct gen_make *m)
{
    struct fl_addr routers[3] = {gen_server(1), gen_server(2), gen_server(3)};
    char nodes[3][GEN_NODE_TEXT];
    for (unsigned k = 0; k < 150; k++) {
        struct fl_addr source = gen_world(2000 + k % 50 * 331);
        int64_t at = gen_moment(m, k, 150);
        for (unsigned r = 0; r < 3; r++)
            gen_knock(m, source, routers[r], 22, FL_PROTO_TCP, at + (r > 0 ? gen_lag(m) : 0));
    }
    for (unsigned r = 0; r < 3; r++)
        gen_node_to(nodes[r], NULL, &routers[r], 22, "tcp");
    gen_pair(m, nodes[0], nodes[1]);
    gen_pair(m, nodes[0], nodes[2]);
    gen_pair(m, nodes[1], nodes[2]);
}

/* Two hosts try one router, always together. */
static void router_scan(struct gen_make *m)
{
    struct fl_addr one = gen_world(630), other = gen_world(631), router = gen_server(4);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 80; k++) {
        int64_t at = gen_moment(m, k, 80);
        gen_knock(m, one, router, 23, FL_PROTO_TCP, at);
        gen_knock(m, other, router, 23, FL_PROTO_TCP, at + gen_lag(m));
    }
    gen_node_to(x, &one, &router, 23, "tcp");
    gen_node_to(y, &other, &router, 23, "tcp");
    gen_pair(m, x, y);
}

/* A robot reads two web servers side by side. */
static void robot(struct gen_make *m)
{
    struct fl_addr robot_host = gen_world(640), one = gen_server(80), other = gen_server(81);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 120; k++) {
        int64_t at = gen_moment(m, k, 120);
        gen_tcp(m, robot_host, one, 80, at);
        gen_tcp(m, robot_host, other, 80, at + gen_lag(m));
    }
    gen_node_to(x, &robot_host, &one, 80, "tcp");
    gen_node_to(y, &robot_host, &other, 80, "tcp");
    gen_pair(m, x, y);
}

/* Peers try several ports of a range at one host within the second. */
static void range(struct gen_make *m, struct fl_addr host, int first, unsigned ports, unsigned times,
                  const char *proto)
{
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    bool tcp = proto[0] == 't';
    for (unsigned k = 0; k < times; k++) {
        struct fl_addr peer = gen_world(30000 + (unsigned)gen_below(&m->random, 400) * 7);
        int64_t at = gen_moment(m, k, times);
        for (unsigned p = 0; p < ports; p++)
            if (gen_chance(&m->random, 0.7))
                gen_knock(m, peer, host, first + (int)p, tcp ? FL_PROTO_TCP : FL_PROTO_UDP, at + gen_lag(m));
    }
    for (unsigned p = 0; p + 1 < ports; p++)
        for (unsigned q = p + 1; q < ports; q++) {
            gen_node_to(x, NULL, &host, first + (int)p, proto);
            gen_node_to(y, NULL, &host, first + (int)q, proto);
            gen_pair_of_range(m, x, y);
        }
}

static void bittorrent(struct gen_make *m)
{
    range(m, gen_host(36), 6881, 9, 200, "tcp");
}

static void gnutella(struct gen_make *m)
{
    range(m, gen_host(37), 6346, 3, 150, "udp");
}

/* One host tells four others that it lives. */
static void heartbeat(struct gen_make *m)
{
    struct fl_addr host = gen_host(38);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 96; k++) {
        int64_t at = gen_moment(m, k, 96);
        for (unsigned s = 0; s < 4; s++)
            gen_tcp(m, host, gen_world(650 + s), 1081, at + (s > 0 ? gen_lag(m) : 0));
    }
    for (unsigned s = 0; s < 3; s++)
        for (unsigned t = s + 1; t < 4; t++) {
            struct fl_addr one = gen_world(650 + s), other = gen_world(650 + t);
            gen_node_to(x, &host, &one, 1081, "tcp");
            gen_node_to(y, &host, &other, 1081, "tcp");
            gen_pair(m, x, y);
        }
}

static void ping_node(char out[GEN_NODE_TEXT], struct fl_addr client, struct fl_addr server)
{
    char address[2][FL_ADDR_TEXT];
    fl_addr_format(&client, address[0]);
    fl_addr_format(&server, address[1]);
    snprintf(out, GEN_NODE_TEXT, "%s.* : %s.8.0/icmp", address[0], address[1]);
}

/* Several hosts ping the same address in the same second. */
static void ping(struct gen_make *m)
{
    struct fl_addr target = gen_server(9);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 100; k++) {
        int64_t at = gen_moment(m, k, 100);
        for (unsigned c = 0; c < 3; c++) {
            struct gen_talk t = {.client = gen_host(46 + c), .server = target, .server_port = 8 << 8};
            t.proto = FL_PROTO_ICMP;
            t.start_ms = at + (c > 0 ? gen_lag(m) : 0);
            t.packets = 1;
            gen_talk(m, &t);
        }
    }
    for (unsigned c = 0; c < 3; c++) {
        ping_node(x, gen_host(46 + c), target);
        ping_node(y, gen_host(46 + (c + 1) % 3), target);
        gen_pair(m, x, y);
    }
}

/* A client of several messengers signs in to both. */
static void messengers(struct gen_make *m)
{
    struct fl_addr msn = gen_world(660), aol = gen_world(661);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 150; k++) {
        struct fl_addr host = gen_host(52 + k % 6);
        int64_t at = gen_moment(m, k, 150);
        gen_tcp(m, host, msn, 1863, at);
        gen_tcp(m, host, aol, 5190, at + gen_lag(m));
    }
    gen_node_to(x, NULL, &msn, 1863, "tcp");
    gen_node_to(y, NULL, &aol, 5190, "tcp");
    gen_pair(m, x, y);
    for (unsigned c = 0; c < 6; c++) {
        struct fl_addr host = gen_host(52 + c);
        gen_node_to(x, &host, &msn, 1863, "tcp");
        gen_node_to(y, &host, &aol, 5190, "tcp");
        gen_follows(m, x, y, "one client's share");
    }
}

const struct gen_pattern gen_peer_patterns[] = {{"tor", false, tor},
                                                {"ssh-scan", false, ssh_scan},
                                                {"router-scan", false, router_scan},
                                                {"robot", false, robot},
                                                {"bittorrent", false, bittorrent},
                                                {"gnutella", false, gnutella},
                                                {"heartbeat", false, heartbeat},
                                                {"ping", false, ping},
                                                {"messengers", false, messengers},
                                                {NULL, false, NULL}};
