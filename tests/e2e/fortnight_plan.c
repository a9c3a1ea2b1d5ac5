/* The plan of the fortnight: the generator's patterns, as many as each location has, and some of its own. */
#include "tests/e2e/fortnight_plan.h"

#include <string.h>

#include "storage/error.h"
#include "tests/generate/judge.h"
#include "tests/generate/make.h"

#define AT(day, hour) (PLAN_START_MS + (day)*PLAN_DAY_MS + (hour)*PLAN_HOUR_MS)
#define MINUTES(n) ((n)*INT64_C(60000))

enum {
    MOVED = 3,
    BROKEN = 8,
    NEW_APPLICATION = 2,
    LOSSY = 3,
    LOSSY_TOO = 4,
    BEACON = 4,
    SCAN = 9,
    STAYS_SHUT = 5,
    HOLIDAY = 10,
    SAMPLED = 11
};

const char *plan_location(unsigned location)
{
    static const char *const names[] = {"paris", "london", "tokyo"};
    return names[location];
}

static unsigned day_of(const struct gen_make *m)
{
    return (unsigned)((m->from_ms - PLAN_START_MS) / PLAN_DAY_MS);
}

static bool is_weekend(unsigned day)
{
    return day % 7 >= 5;
}

/* Every so often `asked` is asked, and, but from `stops_ms` on, asks another one in turn. */
static void in_turn(struct gen_make *m, int64_t every_ms, struct gen_talk first, struct gen_talk then,
                    int64_t stops_ms)
{
    for (int64_t at = m->from_ms; at + every_ms <= m->to_ms; at += every_ms) {
        first.start_ms =
            at + gen_between(&m->random, 0, every_ms - 1000) / 1000 * 1000 + gen_between(&m->random, 20, 700);
        first.lasts_ms = gen_between(&m->random, 500, 9000);
        then.start_ms = first.start_ms + gen_lag(m);
        then.lasts_ms = gen_between(&m->random, 500, 9000);
        gen_talk(m, &first);
        if (then.start_ms < stops_ms)
            gen_talk(m, &then);
    }
}

static struct gen_talk tcp(struct fl_addr client, struct fl_addr server, int port)
{
    return (struct gen_talk){.client = client,
                             .server = server,
                             .client_port = -1,
                             .server_port = port,
                             .proto = FL_PROTO_TCP,
                             .packets = 40};
}

/* The backup master has a server push its data to the store. */
static void backup_until(struct gen_make *m, int64_t stops_ms)
{
    in_turn(m, MINUTES(20), tcp(gen_server(200), gen_server(201), 22),
            tcp(gen_server(201), gen_server(61), 873), stops_ms);
}

static void backup(struct gen_make *m)
{
    backup_until(m, INT64_MAX);
}

static void backup_that_breaks(struct gen_make *m)
{
    backup_until(m, AT(BROKEN, 2));
}

/* A mirror is asked every day, and on working days, day and night, fetches what is new. */
static void mirror(struct gen_make *m)
{
    in_turn(m, MINUTES(20), tcp(gen_server(76), gen_server(77), 8730),
            tcp(gen_server(77), gen_server(78), 9102), is_weekend(day_of(m)) ? 0 : INT64_MAX);
}

/* An agent asks the portal day and night; on working days, from 6 to 22, the portal asks the time clock. */
static void time_clock_on(struct gen_make *m, bool works)
{
    struct gen_make part = *m;
    for (unsigned hour = 0; hour < 24; hour++) {
        part.from_ms = m->from_ms + hour * PLAN_HOUR_MS;
        part.to_ms = part.from_ms + PLAN_HOUR_MS;
        bool open = works && hour >= 6 && hour < 22;
        in_turn(&part, MINUTES(10), tcp(gen_host(45), gen_server(86), 443),
                tcp(gen_server(86), gen_server(87), 1521), open ? INT64_MAX : 0);
    }
    part.from_ms = m->from_ms;
    part.to_ms = m->to_ms;
    *m = part;
}

static void time_clock(struct gen_make *m)
{
    time_clock_on(m, !is_weekend(day_of(m)));
}

/* After the first weekend it stays shut. */
static void time_clock_that_breaks(struct gen_make *m)
{
    time_clock_on(m, day_of(m) < STAYS_SHUT);
}

/* Sundays from 4 to 10 the warehouse is filled from two databases. */
static void weekly_job(struct gen_make *m)
{
    struct gen_make part = *m;
    part.from_ms += 4 * PLAN_HOUR_MS;
    part.to_ms = part.from_ms + 6 * PLAN_HOUR_MS;
    if (day_of(m) % 7 == 6)
        in_turn(&part, MINUTES(5), tcp(gen_server(63), gen_server(64), 5432),
                tcp(gen_server(63), gen_server(65), 5432), INT64_MAX);
    part.from_ms = m->from_ms;
    part.to_ms = m->to_ms;
    *m = part;
}

/* Nine clients use it, and it asks for a licence each time. */
static void new_application(struct gen_make *m)
{
    for (unsigned k = 0; k < 150; k++) {
        int64_t at = gen_moment(m, k, 150);
        if (at < AT(NEW_APPLICATION, 9) || is_weekend(day_of(m)))
            continue;
        gen_tcp(m, gen_host(20 + k % 9), gen_server(70), 8080, at);
        gen_tcp(m, gen_server(70), gen_server(71), 27000, at + gen_lag(m));
    }
}

/* A workstation of those that look names up before they ask any server's port 443 asks a server that nobody
 * has asked before, every 10 min. */
static void beacon(struct gen_make *m)
{
    for (int64_t at = m->from_ms; at < m->to_ms; at += MINUTES(10))
        if (at >= AT(BEACON, 12))
            gen_tcp(m, gen_host(2), gen_world(9001), 443, at + gen_between(&m->random, 0, 3000));
}

/* Many sources try three routers, for half a day, and again two days later. */
static void scan(struct gen_make *m)
{
    if (day_of(m) != SCAN && day_of(m) != SCAN + 2)
        return;
    for (unsigned k = 0; k < 120; k++) {
        struct fl_addr source = gen_world(2000 + k % 50 * 331);
        int64_t at = m->from_ms + 6 * PLAN_HOUR_MS + k * MINUTES(6) + gen_between(&m->random, 0, 300) * 1000;
        for (unsigned r = 0; r < 3; r++)
            gen_knock(m, source, gen_server(1 + r), 22, FL_PROTO_TCP, at + 20 + (r > 0 ? gen_lag(m) : 0));
    }
}

static const struct gen_pattern extra[PLAN_LOCATIONS][6] = {
    [PLAN_PARIS] = {{"backup", false, backup_that_breaks},
                    {"time-clock", false, time_clock},
                    {"beacon", false, beacon},
                    {NULL, false, NULL}},
    [PLAN_LONDON] = {{"backup", false, backup},
                     {"new-application", false, new_application},
                     {"scan", false, scan},
                     {"weekly-job", false, weekly_job},
                     {"mirror", false, mirror},
                     {NULL, false, NULL}},
    [PLAN_TOKYO] = {{"backup", false, backup},
                    {"time-clock", false, time_clock_that_breaks},
                    {NULL, false, NULL}},
};

/* What runs day and night, and what people do in the office: the generator's other patterns are not here. */
static const char *const machines[PLAN_LOCATIONS][10] = {
    [PLAN_PARIS] = {"background", "ntp", "dead-mail", "web-database", "ident", "ping", "pollers", "batch",
                    NULL},
    [PLAN_LONDON] = {"background", "ntp", "mdns", "robot", "long-flow", "port-scan", NULL},
    [PLAN_TOKYO] = {"background", "ntp", "heartbeat", "web-database", "pollers", "batch", NULL},
};
static const char *const office[PLAN_LOCATIONS][8] = {
    [PLAN_PARIS] = {"imap", "names", "dhcp", "same-hours", NULL},
    [PLAN_LONDON] = {"ftp", "pop", "messengers", "dhcp", "popular-server", NULL},
    [PLAN_TOKYO] = {"imap", "names", "messengers", NULL},
};

static bool among(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* A day, or a part of it, with these patterns alone. */
static int make_part(struct gen_day *out, const char *const *names, struct gen_options *options)
{
    const char *without[GEN_PATTERNS_MOST], *name;
    options->without = without;
    options->n_without = 0;
    for (size_t i = 0; (name = gen_pattern_name(i)) != NULL && options->n_without < GEN_PATTERNS_MOST; i++)
        if (!among(names, name))
            without[options->n_without++] = name;
    return gen_day_make(out, options);
}

static void move_all(struct gen_day *day, unsigned location)
{
    gen_day_move(day, 0, fl_addr_v4(0x0a010000), 16, fl_addr_v4(0x0a010000 + (location << 16)));
    if (location == PLAN_PARIS)
        gen_day_move(day, AT(MOVED, 10), fl_addr_v4(0x0a010021), 32, fl_addr_v4(0x0a010022));
}

int plan_day(struct gen_day *out, unsigned location, unsigned day, uint64_t seed)
{
    bool off = is_weekend(day) || (day == HOLIDAY && location == PLAN_TOKYO);
    struct gen_day people = {.n_flows = 0};
    struct gen_options o;
    gen_options_init(&o);
    o.start_ms = AT(day, 0);
    o.hosts = PLAN_HOSTS;
    o.habits = seed * 100 + location + 1;
    o.seed = seed * 10000 + day * 100 + location;
    o.only_v4 = true;
    o.busy = off ? 12 : 100;
    o.extra = extra[location];
    int rc = make_part(out, machines[location], &o);
    if (rc == 0 && !off) {
        o.extra = NULL;
        o.start_ms = AT(day, 7);
        o.hours = 11;
        rc = make_part(&people, office[location], &o);
    }
    if (rc == 0)
        rc = gen_day_join(out, &people);
    gen_day_clear(&people);
    if (rc == 0)
        move_all(out, location);
    else
        gen_day_clear(out);
    return rc;
}

void plan_router(struct gen_router *out, unsigned location, unsigned day, uint64_t seed)
{
    gen_router_init(out);
    out->address = fl_addr_v4(0x7f000001 + location);
    out->seed = seed * 10000 + day * 100 + location;
    if (location == PLAN_LONDON && (day == LOSSY || day == LOSSY_TOO))
        out->loss = 0.08;
    if (location == PLAN_TOKYO && day >= SAMPLED)
        out->sampling = 10;
}

const struct plan_change plan_changes[] = {
    {"a new application",
     PLAN_LONDON,
     AT(NEW_APPLICATION, 9),
     INT64_MAX,
     AT(NEW_APPLICATION, 13),
     "novel",
     {"10.2.0.70.8080/", "10.2.0.71.27000/"},
     false},
    {"8 % of the export lost", PLAN_LONDON, AT(LOSSY, 0), AT(LOSSY_TOO + 1, 0), 0, NULL, {NULL}, false},
    {"a database that moved",
     PLAN_PARIS,
     AT(MOVED, 10),
     INT64_MAX,
     AT(MOVED, 13),
     "novel",
     {"10.1.0.34.3306/", "10.1.0.33.3306/"},
     false},
    {"a weekend", PLAN_PARIS, AT(5, 0), AT(7, 0), 0, NULL, {NULL}, false},
    {"a beacon",
     PLAN_PARIS,
     AT(BEACON, 12),
     INT64_MAX,
     AT(BEACON, 16),
     "novel",
     {"10.1.1.3.* : 198.18.35.41.443/"},
     false},
    {"a mirror's first weekend",
     PLAN_LONDON,
     AT(5, 0),
     AT(14, 0),
     AT(5, 13),
     "broken",
     {"10.2.0.78.9102/"},
     true},
    {"a weekly job",
     PLAN_LONDON,
     AT(6, 4),
     AT(6, 10),
     AT(6, 6),
     "novel",
     {"10.2.0.64.5432/", "10.2.0.65.5432/"},
     false},
    {"a time clock that stays shut",
     PLAN_TOKYO,
     AT(7, 6),
     INT64_MAX,
     AT(9, 22),
     "broken",
     {"10.3.0.87.1521/"},
     false},
    {"a backup that broke",
     PLAN_PARIS,
     AT(BROKEN, 2),
     INT64_MAX,
     AT(BROKEN, 8),
     "broken",
     {"10.1.0.61.873/"},
     false},
    {"a scan of three routers",
     PLAN_LONDON,
     AT(SCAN, 6),
     AT(SCAN + 2, 18),
     AT(SCAN, 9),
     "novel",
     {"10.2.0.1.22/", "10.2.0.2.22/", "10.2.0.3.22/"},
     false},
    {"a holiday", PLAN_TOKYO, AT(HOLIDAY, 0), AT(HOLIDAY + 1, 0), 0, NULL, {NULL}, false},
    {"sampling of 1 packet in 10", PLAN_TOKYO, AT(SAMPLED, 0), INT64_MAX, 0, NULL, {NULL}, false},
    {NULL, 0, 0, 0, 0, NULL, {NULL}, false},
};
