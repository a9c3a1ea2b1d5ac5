/* Decoys: pairs that share hosts, hours or rhythm by chance alone, and must not be reported. */
#include "tests/generate/make.h"

static void decoy(struct gen_make *m, struct fl_addr client, struct fl_addr one, int port,
                  struct fl_addr other_client, struct fl_addr other, int other_port, const char *proto)
{
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    gen_node_to(x, &client, &one, port, "tcp");
    gen_node_to(y, &other_client, &other, other_port, proto);
    gen_pair(m, x, y);
}

/* Two people use one server in the same third of the span, each when they please. */
static void same_hours(struct gen_make *m)
{
    struct fl_addr server = gen_server(90);
    int64_t third = (m->to_ms - m->from_ms) / 3;
    for (unsigned k = 0; k < 200; k++)
        gen_tcp(m, gen_host(40 + k % 2), server, 8080,
                m->from_ms + third + gen_between(&m->random, 0, third));
    decoy(m, gen_host(40), server, 8080, gen_host(41), server, 8080, "tcp");
}

/* A session of hours beside a poller. */
static void long_flow(struct gen_make *m)
{
    struct fl_addr host = gen_host(42), far = gen_server(91), polled = gen_server(92);
    struct gen_talk t = {.client = host, .server = far, .client_port = -1, .server_port = 22};
    t.proto = FL_PROTO_TCP;
    t.packets = 20000;
    t.lasts_ms = (m->to_ms - m->from_ms) / 6;
    for (unsigned k = 0; k < 4; k++) {
        t.start_ms = gen_moment(m, k, 4);
        gen_talk(m, &t);
    }
    for (int64_t at = m->from_ms; at < m->to_ms; at += 60000 + gen_between(&m->random, -2000, 2000))
        gen_udp(m, host, polled, 161, at);
    decoy(m, host, far, 22, host, polled, 161, "udp");
}

static void poll(struct gen_make *m, struct fl_addr host, struct fl_addr server, int64_t period_ms)
{
    int64_t at = m->from_ms + gen_between(&m->random, 0, period_ms);
    for (; at < m->to_ms; at += period_ms + gen_between(&m->random, -2500, 2500))
        gen_tcp(m, host, server, 8086, at);
}

static void pollers(struct gen_make *m)
{
    struct fl_addr host = gen_host(43), one = gen_server(93), other = gen_server(94);
    poll(m, host, one, 61000);
    poll(m, host, other, 97000);
    decoy(m, host, one, 8086, host, other, 8086, "tcp");
}

/* Two jobs with the same ten-minute window, eight times in the span. */
static void batch(struct gen_make *m)
{
    struct fl_addr host = gen_host(44), one = gen_server(95), other = gen_server(96);
    for (unsigned k = 0; k < 8; k++) {
        int64_t window = m->from_ms + (m->to_ms - m->from_ms) * k / 8;
        for (unsigned i = 0; i < 12; i++) {
            gen_tcp(m, host, one, 873, window + gen_between(&m->random, 0, 599999));
            gen_tcp(m, host, other, 874, window + gen_between(&m->random, 0, 599999));
        }
    }
    decoy(m, host, one, 873, host, other, 874, "tcp");
}

/* A server that everyone uses. */
static void popular_server(struct gen_make *m)
{
    struct fl_addr server = gen_server(97);
    unsigned hosts = m->options->hosts;
    for (unsigned k = 0; k < 30 * hosts; k++)
        gen_tcp(m, gen_host(k % hosts), server, 443, gen_between(&m->random, m->from_ms, m->to_ms - 1));
    for (unsigned i = 0; i < 8; i++)
        decoy(m, gen_host(2 * i), server, 443, gen_host(2 * i + 1), server, 443, "tcp");
}

/* One host is tried at port after port. */
static void port_scan(struct gen_make *m)
{
    struct fl_addr from = gen_world(670), at = gen_server(98);
    int64_t start = (m->from_ms + m->to_ms) / 2;
    for (int port = 1; port <= 1000; port++)
        gen_knock(m, from, at, port, FL_PROTO_TCP, start + port * 30);
    decoy(m, from, at, 22, from, at, 23, "tcp");
    decoy(m, from, at, 80, from, at, 443, "tcp");
}

const struct gen_pattern gen_decoy_patterns[] = {{"same-hours", true, same_hours},
                                                 {"long-flow", true, long_flow},
                                                 {"pollers", true, pollers},
                                                 {"batch", true, batch},
                                                 {"popular-server", true, popular_server},
                                                 {"port-scan", true, port_scan},
                                                 {NULL, false, NULL}};
