/* What happens in a made-up fortnight at three locations: what is normal there on working days, weekends and
 * a holiday, and what is planted in it, each with the alert that it should make.
 *
 * It begins on Monday 2024-03-04 at midnight. The locations have the same kinds of hosts in networks of their
 * own: 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16. */
#ifndef FORTNIGHT_PLAN_H
#define FORTNIGHT_PLAN_H

#include "tests/generate/router.h"

enum { PLAN_PARIS, PLAN_LONDON, PLAN_TOKYO, PLAN_LOCATIONS };
enum { PLAN_DAYS = 14, PLAN_HOSTS = 60 };
#define PLAN_HOUR_MS INT64_C(3600000)
#define PLAN_DAY_MS (24 * PLAN_HOUR_MS)
#define PLAN_START_MS INT64_C(1709510400000)

const char *plan_location(unsigned location);

/* What the location's hosts do on a day. 0 or FL_ENOMEM. */
int plan_day(struct gen_day *out, unsigned location, unsigned day, uint64_t seed);
/* The router that exports it. */
void plan_router(struct gen_router *out, unsigned location, unsigned day, uint64_t seed);

struct plan_change {
    const char *what;
    unsigned location;
    int64_t begins_ms, ends_ms; /* INT64_MAX: it stays */
    int64_t visible_ms;   /* when it has happened twice as often as a rule needs; 0: it makes no alert */
    const char *kind;     /* of its alert; NULL: it makes none */
    const char *nodes[4]; /* its alert's rules all have one of these in their text; NULL behind the last */
    bool needless;        /* it is told though all is well */
};
/* Those planted, by when they begin; the last has no name. */
extern const struct plan_change plan_changes[];

#endif
