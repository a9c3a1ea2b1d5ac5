/* Makes up a town's conversations. The same shape and size give the same ones. */
#include "tests/bench/town.h"

#include <stdlib.h>
#include <string.h>

#include "mining/order.h"
#include "storage/error.h"

enum { DAY_MS = 86400000, SUPPORT_WINDOWS = 12, MOST_VISITS = 60, FAVOURITES = 80 };
const int64_t town_begin_ms = INT64_C(1709596800000); /* 2024-03-05T00:00:00Z */

struct town {
    struct fl_talk *talk;
    size_t room;
    uint32_t n_clients, n_servers;
    uint64_t seed;
};

static uint64_t next(struct town *t) /* xorshift64* */
{
    t->seed ^= t->seed >> 12;
    t->seed ^= t->seed << 25;
    t->seed ^= t->seed >> 27;
    return t->seed * 0x2545f4914f6cdd1dULL;
}

static uint32_t below(struct town *t, uint32_t n)
{
    return (uint32_t)((next(t) >> 32) * n >> 32);
}

static void add(struct town *t, uint32_t client, uint32_t server, uint32_t port, int64_t start_ms,
                int64_t length_ms)
{
    struct fl_conversation *c = &t->talk->items[t->talk->n++];
    *c = (struct fl_conversation){.client = client,
                                  .server = server,
                                  .client_port = FL_PORT_ANY,
                                  .server_port = port,
                                  .protocol = port == 53 ? FL_PROTO_UDP : FL_PROTO_TCP,
                                  .start_ms = start_ms,
                                  .end_ms = start_ms + length_ms};
}

/* The services a client is fond of: popular servers are the favourites of many. */
static uint32_t favourite(const struct town *t, uint32_t client, uint32_t i)
{
    uint64_t mixed = (client * UINT64_C(0x9e3779b97f4a7c15) + i) * UINT64_C(0xbf58476d1ce4e5b9);
    double u = (double)(mixed >> 40) / (double)(1 << 24);
    return (uint32_t)((double)t->n_servers * u * u * u);
}

static const uint32_t ports[] = {443, 53, 80, 993, 445, 22};

static int64_t length_ms(struct town *t)
{
    return below(t, 40) ? below(t, 500) : below(t, 400) ? 2000 + below(t, 10000) : 60000 + below(t, 3600000);
}

/* Busier by day than by night. */
static int64_t any_time(struct town *t)
{
    int64_t start = town_begin_ms + (int64_t)below(t, DAY_MS);
    return start - town_begin_ms < DAY_MS / 3 && below(t, 3) ? start + DAY_MS / 3 : start;
}

/* A client asks `n` of its services at random times of a stretch of time. */
static void add_stretch(struct town *t, size_t n, uint32_t stretch_ms, size_t most)
{
    uint32_t client = below(t, t->n_clients);
    int64_t start = any_time(t);
    for (size_t i = 0; i < n && t->talk->n < most; i++) {
        uint32_t which = below(t, FAVOURITES), server = favourite(t, client, which);
        add(t, client, t->n_clients + server, ports[(server + which) % 6], start + below(t, stretch_ms),
            length_ms(t));
    }
}

/* Of ten conversations, one is by itself, one in a burst of a few seconds, eight in busy minutes. */
static void add_day(struct town *t, size_t most)
{
    while (t->talk->n < most) {
        for (int i = 0; i < 200; i++)
            add_stretch(t, 1, 1, most);
        for (int i = 0; i < 30; i++)
            add_stretch(t, 8, 1500, most);
        uint32_t seconds = 60 + below(t, 240);
        add_stretch(t, seconds * (10 + below(t, 26)), seconds * 1000, most);
    }
}

static void add_resolver(struct town *t, size_t size)
{
    for (int i = 0; i < SUPPORT_WINDOWS; i++)
        for (uint32_t c = 0; c < size; c++)
            add(t, t->n_clients + t->n_servers + c, t->n_clients, 53,
                town_begin_ms + i * 7000000 + below(t, 1000), 20);
}

/* In each minute of an hour. */
static void add_office(struct town *t, size_t size)
{
    for (uint32_t minute = 0; minute < MOST_VISITS; minute++)
        for (uint32_t c = 0; c < size; c++)
            add(t, t->n_clients + t->n_servers + c, t->n_clients, 53,
                town_begin_ms + 36000000 + minute * 60000 + below(t, 60000), 20);
}

static void add_scanner(struct town *t, size_t size)
{
    for (int i = 0; i < SUPPORT_WINDOWS; i++)
        for (uint32_t port = 0; port < size; port++)
            add(t, 0, t->n_clients, port + 1, town_begin_ms + i * 7000000 + below(t, 1000), 20);
}

static void add_burst(struct town *t, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint32_t client = below(t, t->n_clients), which = below(t, FAVOURITES),
                 server = favourite(t, client, which);
        add(t, client, t->n_clients + server, ports[(server + which) % 6],
            town_begin_ms + 50000000 + below(t, 1000), 20);
    }
}

/* The order that fl_talk_build gives. */
static int compare_conversations(const void *va, const void *vb)
{
    const struct fl_conversation *a = va, *b = vb;
    FL_ORDER(a->client, b->client);
    FL_ORDER(a->server, b->server);
    FL_ORDER(a->protocol, b->protocol);
    FL_ORDER(a->client_port, b->client_port);
    FL_ORDER(a->server_port, b->server_port);
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->end_ms, b->end_ms);
    return 0;
}

int town_talk(struct fl_talk *talk, const char *shape, size_t size)
{
    bool day = strcmp(shape, "day") == 0;
    size_t calm = day ? size : 100000, most = calm + size * MOST_VISITS;
    struct town t = {.talk = talk, .seed = 88172645463325252};
    t.n_clients = (uint32_t)(calm / 1250 + 20);
    t.n_servers = t.n_clients / 2 + 10;
    talk->items = malloc((most + 1) * sizeof *talk->items);
    talk->n_hosts = t.n_clients + t.n_servers + size;
    talk->hosts = malloc(talk->n_hosts * sizeof *talk->hosts);
    if (!talk->items || !talk->hosts)
        return FL_ENOMEM;
    for (uint32_t i = 0; i < talk->n_hosts; i++)
        talk->hosts[i] = fl_addr_v4(0x0a000001 + i);
    add_day(&t, calm);
    if (strcmp(shape, "resolver") == 0)
        add_resolver(&t, size);
    else if (strcmp(shape, "office") == 0)
        add_office(&t, size);
    else if (strcmp(shape, "scanner") == 0)
        add_scanner(&t, size);
    else if (strcmp(shape, "burst") == 0)
        add_burst(&t, size);
    else if (!day)
        return FL_EINVAL;
    qsort(talk->items, talk->n, sizeof *talk->items, compare_conversations);
    return 0;
}
