/* The traffic nobody plants: people at work over the day, popular and unpopular servers, look-ups, mail, long
 * flows, single scans, sweeps, peer-to-peer noise. It is what patterns have to stand out from. */
#include <math.h>
#include <stdlib.h>

#include "tests/generate/make.h"

enum { WORLD_SERVERS = 400, TALKS_A_HOUR = 16 };

/* How often a connection followed a look-up of its server: the one dependency in this background that is no
 * chance. Counts saturate. */
struct lookups {
    unsigned n_hosts;
    uint8_t *counts; /* host by server; NULL: out of memory */
};

/* How busy people are: 0.15 at night, 1 in the afternoon. */
static double activity(int64_t ms)
{
    double hour = (double)(ms % 86400000) / 3600000.0;
    return 0.575 - 0.425 * cos((hour - 2.5) * 3.14159265358979 / 12.0);
}

static int64_t busy_moment(struct gen_make *m)
{
    int64_t at;
    do
        at = gen_between(&m->random, m->from_ms, m->to_ms - 1);
    while (!gen_chance(&m->random, activity(at)));
    return at;
}

/* A server of the world by popularity: the first few get most. */
static unsigned popular(struct gen_make *m)
{
    int64_t rank = gen_heavy(&m->random, 1, 4 * WORLD_SERVERS) - 1;
    return (unsigned)(rank < WORLD_SERVERS ? rank : gen_between(&m->random, 0, WORLD_SERVERS - 1));
}

static int web_port(unsigned server)
{
    return server % 5 == 4 ? 80 : 443;
}

static void browse(struct gen_make *m, struct lookups *lookups, unsigned host, int64_t at)
{
    unsigned server = popular(m);
    int port = web_port(server);
    if (gen_chance(&m->random, 0.08)) { /* mostly the answer is still known */
        gen_udp(m, gen_host(host), gen_server(GEN_RESOLVER), 53, at - gen_between(&m->random, 5, 120));
        uint8_t *count = &lookups->counts[(size_t)host * WORLD_SERVERS + server];
        *count += *count < UINT8_MAX;
    }
    bool six = host % 4 == 3 && gen_chance(&m->random, 0.5);
    struct fl_addr from = six ? gen_host6(host) : gen_host(host),
                   to = six ? gen_world6(server) : gen_world(server);
    int64_t connections = gen_chance(&m->random, 0.6) ? 1 : gen_between(&m->random, 2, 8);
    for (int64_t i = 0; i < connections; i++) { /* a page brings its parts over the next seconds */
        gen_tcp(m, from, to, port, at);
        at += gen_between(&m->random, 10, 1500);
    }
}

static void something(struct gen_make *m, struct lookups *lookups, unsigned host, int64_t at)
{
    double kind = gen_unit(&m->random);
    if (kind < 0.55)
        browse(m, lookups, host, at);
    else if (kind < 0.88)
        gen_udp(m, gen_host(host), gen_server(GEN_RESOLVER), 53, at);
    else if (kind < 0.92)
        gen_tcp(m, gen_host(host), gen_server(GEN_MAIL), 587, at);
    else if (kind < 0.97)
        gen_tcp(m, gen_host(host), gen_server(100), 445, at);
    else
        gen_udp(m, gen_host(host), gen_world(popular(m)), 443, at);
}

/* Look-ups often enough to be seen: of a host before any server's port, of a host before one server, of any
 * host before one server, of any host before any. */
static void list_lookups(struct gen_make *m, const struct lookups *lookups)
{
    static const char *const reason = "look-ups before the connection";
    enum { SEEN = 5 };
    struct fl_addr resolver = gen_server(GEN_RESOLVER);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    unsigned by_server[WORLD_SERVERS] = {0};
    for (unsigned h = 0; h < lookups->n_hosts; h++) {
        struct fl_addr host = gen_host(h);
        unsigned by_port[2] = {0};
        gen_node_to(x, &host, &resolver, 53, "udp");
        for (unsigned s = 0; s < WORLD_SERVERS; s++) {
            unsigned count = lookups->counts[(size_t)h * WORLD_SERVERS + s];
            struct fl_addr server = gen_world(s);
            by_server[s] += count;
            by_port[web_port(s) == 443] += count;
            gen_node_to(y, &host, &server, web_port(s), "tcp");
            if (count >= SEEN)
                gen_follows(m, x, y, reason);
        }
        for (unsigned p = 0; p < 2; p++) {
            gen_node_to(y, &host, NULL, p ? 443 : 80, "tcp");
            if (by_port[p] >= SEEN)
                gen_follows(m, x, y, reason);
        }
    }
    gen_node_to(x, NULL, &resolver, 53, "udp");
    for (unsigned s = 0; s < WORLD_SERVERS; s++) {
        struct fl_addr server = gen_world(s);
        gen_node_to(y, NULL, &server, web_port(s), "tcp");
        if (by_server[s] >= SEEN)
            gen_follows(m, x, y, reason);
    }
    for (unsigned p = 0; p < 2; p++) {
        gen_node_to(y, NULL, NULL, p ? 443 : 80, "tcp");
        gen_follows(m, x, y, reason);
    }
}

static void people(struct gen_make *m)
{
    struct lookups lookups = {.n_hosts = m->options->hosts};
    lookups.counts = calloc(lookups.n_hosts, WORLD_SERVERS);
    m->failed = m->failed || lookups.counts == NULL;
    struct gen_random habits;
    gen_random_init(&habits, m->options->habits, "habits");
    for (unsigned host = 0; host < lookups.n_hosts && lookups.counts != NULL; host++) {
        struct gen_random *own = m->options->habits != 0 ? &habits : &m->random;
        int64_t talks = gen_heavy(own, TALKS_A_HOUR / 4, TALKS_A_HOUR * 6) * m->options->hours;
        talks = talks * m->options->busy / 100;
        for (int64_t i = 0; i < talks; i++)
            something(m, &lookups, host, busy_moment(m));
    }
    if (lookups.counts != NULL)
        list_lookups(m, &lookups);
    free(lookups.counts);
}

static void mail_from_the_world(struct gen_make *m)
{
    for (unsigned i = 0; i < 8 * m->options->hours; i++)
        gen_tcp(m, gen_anyone(m), gen_server(GEN_MAIL), 25, busy_moment(m));
}

/* Sessions that stay for hours. */
static void long_flows(struct gen_make *m)
{
    for (unsigned i = 0; i < 12; i++) {
        struct gen_talk t = {.client = gen_host(i * 5), .server = gen_world(500 + i), .client_port = -1};
        t.server_port = i % 2 ? 22 : 1194;
        t.proto = i % 2 ? FL_PROTO_TCP : FL_PROTO_UDP;
        t.start_ms = busy_moment(m);
        t.lasts_ms = gen_between(&m->random, 1800000, 10800000);
        t.packets = (uint64_t)(t.lasts_ms / 700);
        gen_talk(m, &t);
    }
}

/* The internet's own noise: a knock here, a knock there. */
static void scanners(struct gen_make *m)
{
    static const int ports[] = {22, 23, 80, 443, 445, 1433, 3389, 5060, 8080, 6379};
    for (unsigned i = 0; i < 60 * m->options->hours; i++) {
        unsigned host = (unsigned)gen_below(&m->random, m->options->hosts);
        int port = ports[gen_below(&m->random, sizeof ports / sizeof ports[0])];
        int64_t at = gen_between(&m->random, m->from_ms, m->to_ms - 1);
        gen_knock(m, gen_anyone(m), gen_host(host), port, FL_PROTO_TCP, at);
    }
}

/* Someone walks over every workstation in a row, on one port, and does not come back. */
static void sweeps(struct gen_make *m)
{
    static const int ports[] = {21, 22, 25, 80, 139, 1433, 3306, 5900};
    for (unsigned i = 0; i < m->options->hours; i++) {
        struct fl_addr from = gen_anyone(m);
        int port = ports[gen_below(&m->random, sizeof ports / sizeof ports[0])];
        int64_t at = gen_between(&m->random, m->from_ms, m->to_ms - 1);
        for (unsigned host = 0; host < m->options->hosts; host++, at += gen_between(&m->random, 5, 80))
            gen_knock(m, from, gen_host(host), port, FL_PROTO_TCP, at);
    }
}

/* Members of a swarm: a few peers give most, each from its own port, and transfers run both ways. */
static void swarm(struct gen_make *m)
{
    enum { MEMBERS = 4, PEERS = 300, TRANSFERS_A_HOUR = 90 };
    for (unsigned i = 0; i < TRANSFERS_A_HOUR * m->options->hours; i++) {
        unsigned peer = (unsigned)gen_heavy(&m->random, 1, PEERS);
        struct gen_talk t = {.client = gen_host(56 + i % MEMBERS), .server = gen_world(5000 + peer * 37)};
        t.client_port = -1;
        t.server_port = 6000 + (int)(peer * 131 % 50000);
        t.proto = gen_chance(&m->random, 0.5) ? FL_PROTO_TCP : FL_PROTO_UDP;
        if (gen_chance(&m->random, 0.4)) {
            t.server = t.client;
            t.client = gen_world(5000 + peer * 37);
            t.server_port = 51413;
        }
        t.start_ms = gen_between(&m->random, m->from_ms, m->to_ms - 1);
        t.lasts_ms = gen_heavy(&m->random, 200, 600000);
        t.packets = 2 + (uint64_t)t.lasts_ms / 50;
        gen_talk(m, &t);
    }
}

/* Two hosts that talk to anyone, from one port to any port. */
static void peer_to_peer(struct gen_make *m)
{
    for (unsigned i = 0; i < 120 * m->options->hours; i++) {
        struct gen_talk t = {.client = gen_host(50 + i % 2), .server = gen_anyone(m), .proto = FL_PROTO_UDP};
        t.client_port = 40000 + (int)(i % 2);
        t.server_port = (int)gen_between(&m->random, 1025, 65535);
        t.start_ms = gen_between(&m->random, m->from_ms, m->to_ms - 1);
        t.lasts_ms = gen_between(&m->random, 0, 3000);
        t.packets = 2;
        t.one_way = gen_chance(&m->random, 0.5);
        gen_talk(m, &t);
    }
}

static void background(struct gen_make *m)
{
    people(m);
    mail_from_the_world(m);
    long_flows(m);
    scanners(m);
    peer_to_peer(m);
    sweeps(m);
    swarm(m);
}

const struct gen_pattern gen_background_patterns[] = {{"background", false, background}, {NULL, false, NULL}};
