/* Does a series of starts keep a period? Pure: times in, one finding out; beat.c has the method. */
#ifndef FL_MINING_BEAT_H
#define FL_MINING_BEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/rule.h"

struct fl_beat_talk { /* one conversation */
    int64_t start_ms, end_ms;
};

/* Chances and stakes worked out beforehand, the same for every series: log_chance[i] is that of a = i of b =
 * FL_BEAT_ODDS, log_rest[i] that of anything else. */
enum { FL_BEAT_ODDS = 2048, FL_BEAT_STAKES = 3 };
struct fl_beat_odds {
    double log_chance[FL_BEAT_ODDS], log_rest[FL_BEAT_ODDS];
    double log_hit[FL_BEAT_STAKES], log_miss[FL_BEAT_STAKES];
};
void fl_beat_odds_fill(struct fl_beat_odds *o);
struct fl_beat_screen;

struct fl_beat_request {
    const struct fl_beat_odds *odds;
    const struct fl_beat_talk *talks; /* by start */
    size_t n;
    int64_t span_ms;                     /* of the data, however few of it the talks fill */
    uint32_t least;                      /* beats that a period must have, at least 3 */
    int64_t clock_ms;                    /* resolution of the times, where it is known to be coarse; else 1 */
    const struct fl_beat_screen *screen; /* passes over series that keep no period; NULL: all are tested */
    bool (*stop)(void *ctx, size_t starts); /* asked before so many are gone through; true: what is found is
                                             * none. NULL: not asked */
    void *ctx;
};

struct fl_beats {
    double log10_p; /* 0 where nothing was found; all below is meaningless then */
    struct fl_period period;
    size_t starts; /* of the series, a burst counting once */
    size_t *at;    /* `n` beats: indices of the talks that begin them, ascending; freed by fl_beats_clear */
    size_t n;
    size_t polled;   /* beats besides, which follow the end of a long talk so soon that they prove nothing */
    size_t trials;   /* starts looked at and beats waited for, from the first beat to the last */
    double expected; /* how many of them would be beats by chance, at most */
};

/* The period that chance explains worst. Least period 10 s, longest span / least. Time n log n, memory n.
 * FL_ENOMEM. */
int fl_beats_find(struct fl_beats *out, const struct fl_beat_request *request);
void fl_beats_clear(struct fl_beats *b);

/* log of the greatest chance that the first start after now comes from `a` to `b` (0 <= a < b) whatever the
 * rate of starts: exp(-La) - exp(-Lb) at L = log(b/a) / (b - a). 0 where a is 0. */
double fl_beat_log_chance(double a, double b);
/* log of the share of the belief that a question of this width gets: the p-value is divided by it, since the
 * choice of period, width, law and stake is made from the data. */
double fl_beat_log_prior(int64_t span_ms, uint32_t least, double width);

#endif
