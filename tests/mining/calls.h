/* Conversations to count, without the passes that find them: of the generator's days, and of the real ones
 * (FLOWLORE_SHARED); and what a run over a span makes of them. */
#ifndef FL_TESTS_CALLS_H
#define FL_TESTS_CALLS_H

#include "tests/mining/mining_fixture.h"

#include "tests/generate/day.h"

struct call {
    struct fl_addr client, server;
    uint32_t port;
    uint8_t protocol;
    int64_t start_ms, end_ms;
};

struct calls {
    struct call *items;
    size_t n, room;
};

static void calls_add(struct calls *c, struct call call)
{
    if (fl_addr_cmp(&call.client, &call.server) == 0)
        return;
    if (c->n == c->room) {
        c->room = c->room * 2 + 1024;
        c->items = realloc(c->items, c->room * sizeof *c->items);
        assert_non_null(c->items);
    }
    c->items[c->n++] = call;
}

/* A day of the generator; each flow that goes to a port below its own is a conversation. */
static struct calls calls_generated(uint64_t seed, unsigned hours, unsigned hosts)
{
    struct calls calls = {0};
    struct gen_options o;
    struct gen_day day;
    gen_options_init(&o);
    o.seed = seed;
    o.hours = hours;
    o.hosts = hosts;
    assert_int_equal(gen_day_make(&day, &o), 0);
    for (size_t i = 0; i < day.n_flows; i++) {
        const struct gen_flow *f = &day.flows[i];
        if (f->dport <= f->sport)
            calls_add(&calls, (struct call){f->src, f->dst, f->dport, f->proto, f->start_ms, f->end_ms});
    }
    gen_day_clear(&day);
    return calls;
}

/* A Zeek conn.log; false: it is not there. */
static bool calls_of_log(struct calls *calls, const char *name)
{
    char path[4096], line[4096], from[64], to[64], proto[16], lasted[32];
    const char *shared = getenv("FLOWLORE_SHARED");
    double start;
    unsigned port;
    snprintf(path, sizeof path, "%s/data/traffic/%s", shared ? shared : "../shared", name);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "%lf\t%*s\t%63s\t%*s\t%63s\t%u\t%15s\t%*s\t%31s", &start, from, to, &port, proto,
                   lasted) == 6) {
            struct call c = {.port = port, .start_ms = (int64_t)(start * 1000)};
            c.protocol = strcmp(proto, "tcp") == 0   ? FL_PROTO_TCP
                         : strcmp(proto, "udp") == 0 ? FL_PROTO_UDP
                                                     : FL_PROTO_ICMP;
            c.end_ms = c.start_ms + (int64_t)(strtod(lasted, NULL) * 1000);
            if (fl_addr_parse(from, &c.client) == 0 && fl_addr_parse(to, &c.server) == 0)
                calls_add(calls, c);
        }
    fclose(f);
    return true;
}

static int calls_by_address(const void *va, const void *vb)
{
    return fl_addr_cmp(va, vb);
}

static uint32_t calls_host(const struct fl_talk *t, const struct fl_addr *a)
{
    const struct fl_addr *found = bsearch(a, t->hosts, t->n_hosts, sizeof *t->hosts, calls_by_address);
    return (uint32_t)(found - t->hosts);
}

/* What a run over [from_ms, to_ms) sees of a call: a router cuts it every minute, and pieces that start
 * before the span are not in it. False: nothing. */
static bool calls_cut(const struct call *c, int64_t from_ms, int64_t to_ms, int64_t *start_ms)
{
    *start_ms = c->start_ms;
    if (c->start_ms < from_ms)
        *start_ms += (from_ms - c->start_ms + 59999) / 60000 * 60000;
    return *start_ms <= c->end_ms && *start_ms < to_ms;
}

/* Is a high port a service in this span? One that many ask always is, others now and then. */
static bool calls_service(const struct call *c, int64_t from_ms)
{
    return c->port < 1024 || (c->port * 7 + from_ms / 3600000) % 12 > 3;
}

static struct fl_talk calls_talk(const struct calls *calls, int64_t from_ms, int64_t to_ms)
{
    struct fl_talk t = {.hosts = malloc((2 * calls->n + 1) * sizeof *t.hosts),
                        .items = malloc((calls->n + 1) * sizeof *t.items)};
    int64_t start_ms;
    size_t n = 0;
    for (size_t i = 0; i < calls->n; i++)
        if (calls_cut(&calls->items[i], from_ms, to_ms, &start_ms)) {
            t.hosts[n++] = calls->items[i].client;
            t.hosts[n++] = calls->items[i].server;
        }
    qsort(t.hosts, n, sizeof *t.hosts, calls_by_address);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || fl_addr_cmp(&t.hosts[i], &t.hosts[t.n_hosts - 1]) != 0)
            t.hosts[t.n_hosts++] = t.hosts[i];
    for (size_t i = 0; i < calls->n; i++) {
        const struct call *c = &calls->items[i];
        if (calls_cut(c, from_ms, to_ms, &start_ms))
            t.items[t.n++] =
                (struct fl_conversation){.client = calls_host(&t, &c->client),
                                         .server = calls_host(&t, &c->server),
                                         .client_port = FL_PORT_ANY,
                                         .server_port = calls_service(c, from_ms) ? c->port : FL_PORT_ANY,
                                         .start_ms = start_ms,
                                         .end_ms = c->end_ms > start_ms ? c->end_ms : start_ms,
                                         .protocol = c->protocol};
    }
    sort_talk(&t);
    return t;
}

#endif
