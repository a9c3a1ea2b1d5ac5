/* Patterns of services and of those who use them: what MINING.md section 8 calls time, directory, mail, web
 * and transfer. Each plants its flows and lists the pairs that belong together. */
#include "tests/generate/make.h"

/* A datagram and its answer between fixed ports. */
static void fixed(struct gen_make *m, struct fl_addr client, int client_port, struct fl_addr server, int port,
                  int64_t at, bool one_way)
{
    struct gen_talk t = {.client = client, .server = server, .client_port = client_port, .server_port = port};
    t.proto = FL_PROTO_UDP;
    t.start_ms = at;
    t.lasts_ms = gen_between(&m->random, 0, 40);
    t.packets = 1;
    t.one_way = one_way;
    gen_talk(m, &t);
}

static void fixed_node(char out[GEN_NODE_TEXT], struct fl_addr client, int client_port, struct fl_addr server,
                       int port)
{
    gen_node(out, (struct gen_end){&client, client_port}, (struct gen_end){&server, port}, "udp");
}

/* Three clients set to the same rhythm ask one time server. */
static void ntp(struct gen_make *m)
{
    struct fl_addr server = gen_server(123);
    char nodes[3][GEN_NODE_TEXT];
    for (unsigned k = 0; k < 84; k++) {
        int64_t at = gen_moment(m, k, 84);
        for (unsigned c = 0; c < 3; c++)
            fixed(m, gen_host(2 + c), 123, server, 123, at + (c > 0 ? gen_lag(m) : 0), false);
    }
    for (unsigned c = 0; c < 3; c++)
        fixed_node(nodes[c], gen_host(2 + c), 123, server, 123);
    gen_pair(m, nodes[0], nodes[1]);
    gen_pair(m, nodes[0], nodes[2]);
    gen_pair(m, nodes[1], nodes[2]);
}

/* Passive data connections while the control connection lives. */
static void ftp_session(struct gen_make *m, struct fl_addr client, struct fl_addr server, int64_t at)
{
    struct gen_talk t = {.client = client, .server = server, .client_port = -1, .server_port = 21};
    t.proto = FL_PROTO_TCP;
    t.start_ms = at;
    t.lasts_ms = gen_between(&m->random, 6000, 20000);
    t.packets = 30;
    gen_talk(m, &t);
    int64_t control_ends = at + t.lasts_ms;
    t.server_port = -1;
    for (t.start_ms = at + gen_lag(m); t.start_ms < control_ends; t.start_ms += t.lasts_ms + 500) {
        t.lasts_ms = gen_between(&m->random, 500, 4000);
        t.packets = (uint64_t)gen_heavy(&m->random, 10, 5000);
        gen_talk(m, &t);
    }
}

static void ftp(struct gen_make *m)
{
    struct fl_addr client = gen_host(7), server = gen_server(21);
    char control[GEN_NODE_TEXT], data[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 90; k++)
        ftp_session(m, gen_host(k % 3 == 0 ? 8 + k % 5 : 7), server, gen_moment(m, k, 90));
    gen_node_to(control, &client, &server, 21, "tcp");
    gen_node_to(data, &client, &server, -1, "tcp");
    gen_pair(m, control, data);
    for (unsigned c = 0; c <= 5; c++) {
        struct fl_addr host = gen_host(7 + c);
        gen_node_to(control, c ? &host : NULL, &server, 21, "tcp");
        gen_node_to(data, c ? &host : NULL, &server, -1, "tcp");
        gen_follows(m, control, data, "five more clients do the same");
    }
}

/* The mail server keeps trying both mail exchangers of a domain that is gone. */
static void dead_mail(struct gen_make *m)
{
    struct fl_addr from = gen_server(GEN_MAIL), first = gen_world(600), second = gen_world(601);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 72; k++) {
        int64_t at = gen_moment(m, k, 72);
        gen_knock(m, from, first, 25, FL_PROTO_TCP, at);
        gen_knock(m, from, second, 25, FL_PROTO_TCP, at + gen_lag(m));
    }
    gen_node_to(x, &from, &first, 25, "tcp");
    gen_node_to(y, &from, &second, 25, "tcp");
    gen_pair(m, x, y);
}

/* An address is asked for by broadcast and then confirmed by unicast. */
static void dhcp(struct gen_make *m)
{
    struct fl_addr all = fl_addr_v4(0xffffffffu), server = gen_server(67);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 160; k++) {
        int64_t at = gen_moment(m, k, 160);
        fixed(m, gen_host(10 + k % 4), 68, all, 67, at, true);
        fixed(m, gen_host(10 + k % 4), 68, server, 67, at + gen_lag(m), false);
    }
    for (unsigned c = 0; c < 4; c++) {
        fixed_node(x, gen_host(10 + c), 68, all, 67);
        fixed_node(y, gen_host(10 + c), 68, server, 67);
        gen_pair(m, x, y);
    }
    gen_node_to(x, NULL, &all, 67, "udp");
    gen_node_to(y, NULL, &server, 67, "udp");
    gen_follows(m, x, y, "the four clients in one statement");
}

/* Devices that answer each other's announcements on the multicast group, in both families. */
static void mdns(struct gen_make *m)
{
    struct fl_addr group = fl_addr_v4(0xe00000fbu);
    struct fl_addr group6 = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb}};
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 100; k++) {
        int64_t at = gen_moment(m, k, 100);
        for (unsigned c = 0; c < 3; c++) {
            fixed(m, gen_host(14 + c), 5353, group, 5353, at + (c > 0 ? gen_lag(m) : 0), true);
            fixed(m, gen_host6(14 + c), 5353, group6, 5353, at + gen_lag(m), true);
        }
    }
    for (unsigned c = 0; c < 3; c++) {
        fixed_node(x, gen_host(14 + c), 5353, group, 5353);
        fixed_node(y, gen_host(14 + (c + 1) % 3), 5353, group, 5353);
        gen_pair(m, x, y);
        if (m->options->only_v4)
            continue;
        fixed_node(x, gen_host6(14 + c), 5353, group6, 5353);
        fixed_node(y, gen_host6(14 + (c + 1) % 3), 5353, group6, 5353);
        gen_pair(m, x, y);
    }
}

/* A name that cannot be found is looked for in three ways at once. */
static void names(struct gen_make *m)
{
    struct fl_addr group = fl_addr_v4(0xe00000fcu), dns = gen_server(GEN_RESOLVER), wins = gen_server(137);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT], z[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 240; k++) {
        struct fl_addr host = gen_host(18 + k % 3);
        int64_t at = gen_moment(m, k, 240);
        gen_udp(m, host, dns, 53, at);
        gen_knock(m, host, group, 5355, FL_PROTO_UDP, at + gen_lag(m));
        fixed(m, host, 137, wins, 137, at + gen_lag(m), false);
    }
    for (unsigned c = 0; c < 3; c++) {
        struct fl_addr host = gen_host(18 + c);
        gen_node_to(x, &host, &dns, 53, "udp");
        gen_node_to(y, &host, &group, 5355, "udp");
        fixed_node(z, host, 137, wins, 137);
        gen_pair(m, x, y);
        gen_pair(m, x, z);
        gen_pair(m, y, z);
    }
    gen_node_to(x, NULL, &dns, 53, "udp");
    gen_node_to(y, NULL, &group, 5355, "udp");
    gen_node_to(z, NULL, &wins, 137, "udp");
    gen_follows(m, x, y, "the three hosts in one statement");
    gen_follows(m, x, z, "the three hosts in one statement");
    gen_follows(m, y, z, "the three hosts in one statement");
}

/* Clients 0..n-1 behind `first` use two ports of one server together. */
static void port_and_port(struct gen_make *m, unsigned first, unsigned n, struct fl_addr server, int plain,
                          int secure)
{
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 18 * n; k++) {
        struct fl_addr host = gen_host(first + k % n);
        int64_t at = gen_moment(m, k, 18 * n);
        gen_tcp(m, host, server, plain, at);
        gen_tcp(m, host, server, secure, at + gen_lag(m));
    }
    gen_node_to(x, NULL, &server, plain, "tcp");
    gen_node_to(y, NULL, &server, secure, "tcp");
    gen_pair(m, x, y);
    for (unsigned c = 0; c < n; c++) {
        struct fl_addr host = gen_host(first + c);
        gen_node_to(x, &host, &server, plain, "tcp");
        gen_node_to(y, &host, &server, secure, "tcp");
        gen_follows(m, x, y, "one client's share");
    }
}

static void imap(struct gen_make *m)
{
    port_and_port(m, 20, 9, gen_server(143), 143, 993);
}

static void pop(struct gen_make *m)
{
    port_and_port(m, 28, 8, gen_server(110), 110, 995);
}

/* A page asked for makes the web server ask its database. */
static void web_database(struct gen_make *m)
{
    struct fl_addr web = gen_server(82), database = gen_server(33);
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned k = 0; k < 200; k++) {
        int64_t at = gen_moment(m, k, 200);
        gen_tcp(m, gen_anyone(m), web, 80, at);
        gen_tcp(m, web, database, 3306, at + gen_lag(m) / 4 + 1);
    }
    gen_node_to(x, NULL, &web, 80, "tcp");
    gen_node_to(y, &web, &database, 3306, "tcp");
    gen_pair(m, x, y);
}

/* Mail, file and chat servers ask back who is calling. */
static void ident(struct gen_make *m)
{
    static const struct {
        unsigned server;
        int port;
    } callers[] = {{26, 25}, {22, 21}, {66, 6667}};
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
    for (unsigned s = 0; s < 3; s++) {
        struct fl_addr server = gen_server(callers[s].server);
        for (unsigned k = 0; k < 120; k++) {
            struct fl_addr client = gen_anyone(m);
            int64_t at = gen_moment(m, k, 120);
            gen_tcp(m, client, server, callers[s].port, at);
            gen_knock(m, server, client, 113, FL_PROTO_TCP, at + gen_lag(m));
        }
        gen_node_to(x, NULL, &server, callers[s].port, "tcp");
        gen_node_to(y, &server, NULL, 113, "tcp");
        gen_pair(m, x, y);
    }
}

const struct gen_pattern gen_service_patterns[] = {
    {"ntp", false, ntp},     {"ftp", false, ftp},   {"dead-mail", false, dead_mail},
    {"dhcp", false, dhcp},   {"mdns", false, mdns}, {"names", false, names},
    {"imap", false, imap},   {"pop", false, pop},   {"web-database", false, web_database},
    {"ident", false, ident}, {NULL, false, NULL}};
