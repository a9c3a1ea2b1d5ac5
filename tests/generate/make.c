/* The generator's vocabulary: addresses, conversations, moments and the list of what was planted. */
#include "tests/generate/make.h"

#include <stdio.h>
#include <stdlib.h>

struct fl_addr gen_host(unsigned i)
{
    return fl_addr_v4(0x0a010100u + i / 250 * 256 + i % 250 + 1);
}

struct fl_addr gen_server(unsigned last)
{
    return fl_addr_v4(0x0a010000u + last);
}

struct fl_addr gen_world(unsigned i)
{
    return fl_addr_v4(0xc6120000u + i % 0x20000u);
}

static struct fl_addr v6(uint32_t net, unsigned i)
{
    return (struct fl_addr){{0x20, 0x01, 0x0d, 0xb8, (uint8_t)(net >> 8), (uint8_t)net, 0, 0, 0, 0, 0, 0, 0,
                             (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

struct fl_addr gen_host6(unsigned i)
{
    return v6(1, i + 1);
}

struct fl_addr gen_world6(unsigned i)
{
    return v6(0xf000, i + 1);
}

struct fl_addr gen_anyone(struct gen_make *m)
{
    return gen_world((unsigned)gen_between(&m->random, 1000, 0x1ffff));
}

/* Room for one more of `size` bytes behind `n`. NULL when memory is out; the list is then as it was. */
static void *grown(void *list, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return list;
    size_t wanted = *room == 0 ? 1024 : *room * 2;
    void *larger = realloc(list, wanted * size);
    if (larger != NULL)
        *room = wanted;
    return larger;
}

static void add_flow(struct gen_make *m, const struct gen_flow *flow)
{
    bool v4 = fl_addr_is_v4(&flow->src);
    if (m->failed || flow->start_ms < m->from_ms || flow->start_ms >= m->to_ms ||
        (m->options->only_v4 && !v4))
        return;
    struct gen_day *day = m->day;
    void *list = grown(day->flows, day->n_flows, &m->flows_room, sizeof *day->flows);
    if (list == NULL) {
        m->failed = true;
        return;
    }
    day->flows = list;
    day->flows[day->n_flows++] = *flow;
}

static uint8_t flags_of(const struct gen_talk *t, bool answer)
{
    if (t->proto != FL_PROTO_TCP)
        return 0;
    if (t->refused || t->one_way)
        return answer ? FL_TCP_RST | FL_TCP_ACK : FL_TCP_SYN;
    return FL_TCP_SYN | FL_TCP_ACK | FL_TCP_FIN | 0x08;
}

/* The ICMP answer to a question of type 8 or 128 is type 0 or 129. */
static uint16_t icmp_answer(const struct gen_talk *t)
{
    return (uint16_t)(t->proto == FL_PROTO_ICMP ? 0 : (t->server_port >> 8) + 1) << 8;
}

void gen_talk(struct gen_make *m, const struct gen_talk *t)
{
    bool icmp = t->proto == FL_PROTO_ICMP || t->proto == FL_PROTO_ICMP6;
    int own = t->client_port >= 0 ? t->client_port : (int)gen_between(&m->random, 32768, 60999);
    int other = t->server_port >= 0 ? t->server_port : (int)gen_between(&m->random, 49152, 65535);
    struct gen_flow f = {.src = t->client, .dst = t->server, .proto = t->proto, .packets = t->packets};
    f.sport = icmp ? 0 : (uint16_t)own;
    f.dport = (uint16_t)other;
    f.start_ms = t->start_ms;
    f.end_ms = t->start_ms + t->lasts_ms;
    f.bytes = f.packets * (uint64_t)gen_between(&m->random, 44, 180);
    f.tcp_flags = flags_of(t, false);
    int64_t round_trip = gen_between(&m->random, 1, 30);
    add_flow(m, &f);
    if (t->one_way)
        return;
    f.src = t->server;
    f.dst = t->client;
    f.sport = icmp ? 0 : (uint16_t)other;
    f.dport = icmp ? icmp_answer(t) : (uint16_t)own;
    f.start_ms += round_trip;
    f.end_ms = f.end_ms < f.start_ms ? f.start_ms : f.end_ms;
    f.packets = t->refused ? t->packets : t->packets + t->packets / 3;
    f.bytes = f.packets * (uint64_t)gen_between(&m->random, 44, 900);
    f.tcp_flags = flags_of(t, true);
    add_flow(m, &f);
}

void gen_tcp(struct gen_make *m, struct fl_addr client, struct fl_addr server, int port, int64_t start_ms)
{
    struct gen_talk t = {.client = client, .server = server, .client_port = -1, .server_port = port};
    t.proto = FL_PROTO_TCP;
    t.start_ms = start_ms;
    t.lasts_ms = gen_heavy(&m->random, 80, 40000);
    t.packets = (uint64_t)gen_heavy(&m->random, 4, 20000);
    gen_talk(m, &t);
}

void gen_udp(struct gen_make *m, struct fl_addr client, struct fl_addr server, int port, int64_t start_ms)
{
    struct gen_talk t = {.client = client, .server = server, .client_port = -1, .server_port = port};
    t.proto = FL_PROTO_UDP;
    t.start_ms = start_ms;
    t.lasts_ms = gen_between(&m->random, 0, 60);
    t.packets = (uint64_t)gen_between(&m->random, 1, 2);
    gen_talk(m, &t);
}

void gen_knock(struct gen_make *m, struct fl_addr client, struct fl_addr server, int port, uint8_t proto,
               int64_t start_ms)
{
    struct gen_talk t = {.client = client, .server = server, .client_port = -1, .server_port = port};
    t.proto = proto;
    t.start_ms = start_ms;
    t.packets = 1;
    t.one_way = true;
    gen_talk(m, &t);
}

int64_t gen_moment(struct gen_make *m, unsigned k, unsigned n)
{
    double share = (k + gen_unit(&m->random)) / n;
    int64_t seconds = (int64_t)(share * (double)(m->to_ms - m->from_ms)) / 1000;
    return m->from_ms + seconds * 1000 + gen_between(&m->random, 20, 700);
}

int64_t gen_lag(struct gen_make *m)
{
    return gen_between(&m->random, 3, 200);
}

static void end_text(char out[64], struct gen_end end)
{
    char address[FL_ADDR_TEXT] = "*", port[12] = "*";
    if (end.addr != NULL)
        fl_addr_format(end.addr, address);
    if (end.port >= 0)
        snprintf(port, sizeof port, "%d", end.port);
    bool six = end.addr != NULL && !fl_addr_is_v4(end.addr);
    snprintf(out, 64, six ? "[%.45s].%.11s" : "%.45s.%.11s", address, port);
}

void gen_node(char out[GEN_NODE_TEXT], struct gen_end client, struct gen_end server, const char *proto)
{
    char left[64], right[64];
    end_text(left, client);
    end_text(right, server);
    snprintf(out, GEN_NODE_TEXT, "%.55s : %.55s/%.8s", left, right, proto);
}

void gen_node_to(char out[GEN_NODE_TEXT], const struct fl_addr *client, const struct fl_addr *server,
                 int port, const char *proto)
{
    gen_node(out, (struct gen_end){client, -1}, (struct gen_end){server, port}, proto);
}

static void add_truth(struct gen_make *m, const char *x, const char *y, struct gen_truth truth)
{
    struct gen_day *day = m->day;
    void *list = grown(day->truth, day->n_truth, &m->truth_room, sizeof *day->truth);
    if (list == NULL) {
        m->failed = true;
        return;
    }
    truth.pattern = m->pattern;
    snprintf(truth.x, sizeof truth.x, "%s", x);
    snprintf(truth.y, sizeof truth.y, "%s", y);
    day->truth = list;
    day->truth[day->n_truth++] = truth;
}

void gen_pair(struct gen_make *m, const char *x, const char *y)
{
    add_truth(m, x, y, (struct gen_truth){.kind = m->decoy ? GEN_DECOY : GEN_PLANTED, .reason = ""});
}

void gen_pair_of_range(struct gen_make *m, const char *x, const char *y)
{
    add_truth(m, x, y, (struct gen_truth){.kind = GEN_PLANTED, .range = true, .reason = ""});
}

void gen_follows(struct gen_make *m, const char *x, const char *y, const char *reason)
{
    add_truth(m, x, y, (struct gen_truth){.kind = GEN_FOLLOWS, .reason = reason});
}
