/* Periods: a test that follows the beat and bets on when the next one comes.
 *
 * What chance may do. Starts come at some rate, which may change from one to the next in any way: busy hours,
 * bursts and heavy tails are all chance. While nothing has come since `now`, the next start falls between a
 * and b from now with a probability of exp(-La) - exp(-Lb) at rate L; the worst of all rates is L = log(b/a)
 * / (b - a), so with r = b/a it is at most
 *     p(a, b) = r^(-1/(r-1)) (1 - 1/r).
 * The same bound holds for any mixture of rates. It is the null of MINING.md section 5, conditional on the
 * rate, with only the fine timing random, in a form that needs no blocks to estimate the rate in.
 *
 * 1. For each octave of periods: starts within a 24th of it are one (a burst), and the next cannot come
 * sooner (the "dead time" of a counter; what is waited for begins after it).
 * 2. For each period P of a ladder, width w and law of errors, follow the series: the next beat is awaited at
 * T +- wP. It comes (a hit), another start comes first, or nothing comes (misses). T and P then move as a
 * Kalman filter of two states moves them: with errors about the last beat (sleep(60)) T follows it fully,
 * with errors about a grid (cron) ever less. Three beats without a start: the beat is lost, and any start may
 * begin it again. Where there are few beats, whole grids of given period and phase are laid over the series
 * too.
 * 3. Each is a bet of a share q on the hit against the odds of chance: a hit multiplies the stake by q/p, a
 * miss by (1-q)/(1-p); there is no bet where p >= q. Under chance the stake does not grow on average, so by
 * Ville's inequality bets that begin at a given moment ever multiply by e^S with a probability of e^-S at
 * most. Each question (period, width, law, q; a grid's phase) has a share of the belief, its prior. Three
 * ways of summing up have a third of the p-value's budget each: the best chain of bets (Page's cusum), with
 * trials / prior x e^-S; all questions that follow, each by all its bets, with 1 / sum of prior x e^S; and
 * likewise all grids. Questions that cannot win are passed over, which takes nothing away from the bound. But
 * the bound is not tight: the rate of chance is not the worst for all questions, they overlap, and a stake
 * overshoots. Of 240,000 Poisson series of 12 to 290 starts, the worst for this test, one in 300 to 500 had a
 * bound of 1 and about one in ten of these one of 0.1, so a 50th of the bound is a p-value that is still too
 * large (tests hold it to that).
 * 4. A start that follows the end of a talk that lasted by less than a quarter period is no evidence: a long
 * poll asked again, or a flow that its exporter cut. It moves T, but nothing is bet on it.
 *
 * Worked example: 13 starts every 300 s in 3,900 s. Octave of 160 s: a burst lasts 160 / 24 = 6.7 s. With P =
 * 302 s, w = 0.05, from 6.7 s after a start the next is awaited between 278.3 and 308.3 s later: r = 1.108, p
 * = 0.0377. With q = 0.85 a hit multiplies by 22.5 = e^3.12, twelve by e^37.4. The prior is 1 / (6 octaves x
 * 4 widths x 2 laws x 12 periods x 3 shares) = 1 / 1,728, and both laws say the same: 3 / 50 / (2 / 1728
 * e^37.4) = 10^-14.5.
 *
 * Sources: G. Shafer, A. Shen, N. Vereshchagin, V. Vovk, "Test martingales, Bayes factors and p-values",
 * Statistical Science 26 (2011), for stakes as evidence (J. Ville, 1939); E. S. Page, "Continuous inspection
 * schemes", Biometrika 41 (1954), for the best chain; Y. Bar-Shalom, X. R. Li, T. Kirubarajan, "Estimation
 * with Applications to Tracking and Navigation" (2001), chapter 5, for the filter; X. Hu et al., "BAYWATCH:
 * Robust Beaconing Detection", DSN 2016, for what beacons look like and where periodograms fail. */
#include "mining/beat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mining/beat_screen.h"
#include "mining/order.h"
#include "storage/error.h"

enum { N_WIDTHS = 4, N_LAWS = 2, N_STAKES = FL_BEAT_STAKES };
static const struct {
    double width;    /* half of what is awaited, as a part of the period */
    unsigned steps;  /* periods an octave */
    unsigned stakes; /* how many of `stakes` are tried */
} ladders[N_WIDTHS] = {{0.05, 12, 3}, {0.12, 8, 2}, {0.22, 8, 1}, {0.33, 8, 1}};
/* Grids that are laid over the whole series as they are, where it has few beats. */
enum { N_GRID_WIDTHS = 2, GRID_PHASES = 12, MOST_GRID_BEATS = 200 };
static const double grid_widths[N_GRID_WIDTHS] = {0.24, 0.34}, grid_drift = 0.15;
static const double stakes[N_STAKES] = {0.85, 0.6, 0.3}; /* q, the shares that are bet on a hit */
static const double slack = 50;   /* how much the bound is larger than a p-value must be */
static const double certain = 40; /* a chain whose p-value is e to the minus this leaves no doubt */
static const double doubtful = 2; /* and e to this says too little for laying grids */
static const double shortest_ms = 10000, least_burst_ms = 1500;
enum { BURST_PART = 24, PATIENCE = 3 };
static const double widest = 0.4; /* of the period, where coarse clocks widen what is awaited */

double fl_beat_log_chance(double a, double b)
{
    if (a <= 0 || a >= b)
        return 0;
    double r = b / a;
    return log1p(-1 / r) - log(r) / (r - 1);
}

void fl_beat_odds_fill(struct fl_beat_odds *o)
{
    for (int i = 0; i < FL_BEAT_ODDS; i++) {
        o->log_chance[i] = fl_beat_log_chance(i, FL_BEAT_ODDS);
        o->log_rest[i] = log1p(-exp(o->log_chance[i]));
    }
    for (int i = 0; i < N_STAKES; i++) {
        o->log_hit[i] = log(stakes[i]);
        o->log_miss[i] = log1p(-stakes[i]);
    }
}

static unsigned octaves_of(int64_t span_ms, uint32_t least)
{
    unsigned n = 0;
    for (double s = shortest_ms; s * least <= (double)span_ms; s *= 2)
        n++;
    return n;
}

double fl_beat_log_prior(int64_t span_ms, uint32_t least, double width)
{
    double parts = octaves_of(span_ms, least) * N_WIDTHS * N_LAWS;
    for (int w = 0; w < N_WIDTHS; w++)
        if (ladders[w].width >= width)
            return -log(parts * ladders[w].steps * ladders[w].stakes);
    return -HUGE_VAL;
}

/* ---- 1. starts of an octave ---- */

struct start {
    double ms;      /* since the first talk */
    double idle_ms; /* since a long talk ended; HUGE_VAL: none did */
    size_t talk;
};

enum { GAP_BINS = 48, BINS_AN_OCTAVE = 16 };

struct series {
    struct start *starts;
    size_t n;
    double burst_ms;
    double *gaps;               /* n - 1, as they come */
    size_t up_to[GAP_BINS + 1]; /* how many gaps are below so many 16ths of an octave, from half of it on */
    double octave_ms;
    double *ends; /* of long talks, ascending; scratch */
    double clock_ms;
    const struct fl_beat_odds *odds;
};

static int compare_doubles(const void *va, const void *vb)
{
    FL_ORDER(*(const double *)va, *(const double *)vb);
    return 0;
}

/* For each start the time since the last end of a talk of at least half the octave; an end may come a little
 * later than the start that it brings about. */
static void measure_idle(struct series *s, const struct fl_beat_request *r, double octave_ms)
{
    size_t n_ends = 0, next = 0;
    for (size_t i = 0; i < r->n; i++)
        if ((double)(r->talks[i].end_ms - r->talks[i].start_ms) >= octave_ms / 2)
            s->ends[n_ends++] = (double)(r->talks[i].end_ms - r->talks[0].start_ms);
    qsort(s->ends, n_ends, sizeof *s->ends, compare_doubles);
    for (size_t i = 0; i < s->n; i++) {
        while (next < n_ends && s->ends[next] <= s->starts[i].ms + octave_ms / 10)
            next++;
        s->starts[i].idle_ms = next ? fmax(s->starts[i].ms - s->ends[next - 1], 0) : HUGE_VAL;
    }
}

static int bin_of(const struct series *s, double gap_ms)
{
    if (gap_ms <= s->octave_ms / 2)
        return 0;
    int bin = 1 + (int)(log2(gap_ms / s->octave_ms * 2) * BINS_AN_OCTAVE);
    return bin < GAP_BINS ? bin : GAP_BINS - 1;
}

static void fill_series(struct series *s, const struct fl_beat_request *r, double octave_ms)
{
    s->n = 0;
    s->burst_ms = fmin(fmax(octave_ms / BURST_PART, least_burst_ms), octave_ms / 8);
    for (size_t i = 0; i < r->n; i++) {
        double ms = (double)(r->talks[i].start_ms - r->talks[0].start_ms);
        if (s->n == 0 || ms >= s->starts[s->n - 1].ms + s->burst_ms)
            s->starts[s->n++] = (struct start){ms, HUGE_VAL, i};
    }
    s->octave_ms = octave_ms;
    memset(s->up_to, 0, sizeof s->up_to);
    for (size_t i = 1; i < s->n; i++) {
        s->gaps[i - 1] = s->starts[i].ms - s->starts[i - 1].ms;
        s->up_to[bin_of(s, s->gaps[i - 1]) + 1]++;
    }
    for (int bin = 0; bin < GAP_BINS; bin++)
        s->up_to[bin + 1] += s->up_to[bin];
    measure_idle(s, r, octave_ms);
}

/* ---- 2. following the beat ---- */

/* Errors about the beat before, errors about a grid that is learned, a grid that is laid. */
enum law { FROM_LAST, LEARNED, LAID };

struct question {
    double octave_ms, period_ms, width, half_ms; /* half_ms: of what is awaited */
    double most;                                 /* what a hit can win, about */
    unsigned stakes;
    enum law law;
    double first_ms; /* LAID: a beat */
};

struct tracker {
    double at_ms, period_ms;       /* the beat awaited */
    double v_at, v_both, v_period; /* their covariance */
    double v_seen, v_step;         /* of a start about its beat, of a beat about the one before */
};

static void advance(struct tracker *t)
{
    t->at_ms += t->period_ms;
    t->v_at += 2 * t->v_both + t->v_period + t->v_step;
    t->v_both += t->v_period;
}

/* The beat is awaited anew from a start on. */
static void begin_beat(struct tracker *t, const struct question *q, double ms)
{
    double error_ms = q->width / 2 * q->period_ms, ladder_ms = q->width / 4 * q->period_ms;
    *t = (struct tracker){.at_ms = ms, .period_ms = q->period_ms, .v_period = ladder_ms * ladder_ms};
    t->v_seen = q->law == LEARNED ? error_ms * error_ms : 0;
    t->v_step = q->law == LEARNED ? t->v_seen / 100 : error_ms * error_ms;
    t->v_at = t->v_seen;
    if (q->law == LAID) /* the first beat of the grid whose time is not over */
        t->at_ms = q->first_ms + floor((ms - q->first_ms + q->half_ms) / q->period_ms) * q->period_ms;
    advance(t);
}

static void correct(struct tracker *t, const struct question *q, double ms)
{
    double error_ms = ms - t->at_ms, v = t->v_at + t->v_seen;
    double gain = t->v_at / v, period_gain = t->v_both / v;
    if (q->law != LAID) {
        t->at_ms += gain * error_ms;
        t->period_ms += period_gain * error_ms;
        double most_ms = (0.02 + 0.35 * q->width) * q->period_ms; /* further on lies the ladder's next one */
        t->period_ms = fmin(fmax(t->period_ms, q->period_ms - most_ms), q->period_ms + most_ms);
        t->v_period -= period_gain * t->v_both;
        t->v_at *= 1 - gain;
        t->v_both *= 1 - gain;
    }
    advance(t);
}

enum outcome { HIT, MISS, NO_EVIDENCE, LOST }; /* LOST: no trial; the beat begins anew with the next start */

/* What a walk along a series tells of: one trial after the other. */
struct trial {
    enum outcome outcome;
    double log_chance; /* of a hit */
    double log_rest;   /* of anything else */
    size_t start;      /* the hit's, or the one before which nothing came */
    bool awaited;      /* a miss because nothing came, not because something else did */
};
typedef void trial_fn(void *ctx, const struct trial *trial);

/* The chance that the next start comes while the beat is awaited, from the table: at the next lower a / b,
 * where it is greater. */
static struct trial trial_of(const struct series *s, const struct question *q, const struct tracker *t,
                             double from_ms, size_t start)
{
    double a = t->at_ms - q->half_ms - from_ms - s->clock_ms,
           b = t->at_ms + q->half_ms - from_ms + s->clock_ms;
    int i = a > 0 ? (int)(a / b * FL_BEAT_ODDS) : 0;
    return (struct trial){MISS, s->odds->log_chance[i], s->odds->log_rest[i], start, false};
}

/* Inlined where it is called, and `tell` into it: most of the test's time passes here. */
static inline __attribute__((always_inline)) void follow(const struct series *s, const struct question *q,
                                                         trial_fn *tell, void *ctx)
{
    struct tracker t;
    struct trial trial;
    unsigned silent = PATIENCE; /* beats without a start; PATIENCE: lost */
    double from_ms = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct start *now = &s->starts[i];
        for (; silent < PATIENCE && t.at_ms + q->half_ms < now->ms; silent++) {
            trial = trial_of(s, q, &t, from_ms, i);
            trial.awaited = true;
            tell(ctx, &trial);
            from_ms = t.at_ms + q->half_ms;
            advance(&t);
        }
        if (silent == PATIENCE) {
            trial = (struct trial){LOST, 0, 0, i, false};
            begin_beat(&t, q, now->ms);
            silent = 0;
        } else {
            trial = trial_of(s, q, &t, from_ms, i);
            if (now->ms >= t.at_ms - q->half_ms) {
                trial.outcome = now->idle_ms >= q->period_ms / 4 ? HIT : NO_EVIDENCE;
                correct(&t, q, now->ms);
                silent = 0;
            }
        }
        tell(ctx, &trial);
        from_ms = now->ms + s->burst_ms;
    }
}

/* ---- 3. bets ---- */

struct chain { /* a run of trials and what it multiplies by */
    double log_stake;
    size_t first, last; /* trials */
};

struct bets {
    const struct fl_beat_odds *odds;
    unsigned n; /* stakes */
    struct chain now[N_STAKES], best[N_STAKES];
    double log_all[N_STAKES]; /* of the chain of all trials */
    size_t trials;
};

/* By how much a bet of stake i multiplies, as a logarithm. */
static double log_factor(const struct fl_beat_odds *o, const struct trial *trial, unsigned i)
{
    if (trial->log_chance >= o->log_hit[i] || trial->outcome == NO_EVIDENCE || trial->outcome == LOST)
        return 0;
    return trial->outcome == HIT ? o->log_hit[i] - trial->log_chance : o->log_miss[i] - trial->log_rest;
}

static inline void bet(void *ctx, const struct trial *trial)
{
    struct bets *b = ctx;
    for (unsigned i = 0; i < b->n; i++) {
        struct chain *c = &b->now[i];
        double factor = log_factor(b->odds, trial, i);
        if (c->log_stake <= 0)
            *c = (struct chain){0, b->trials, b->trials};
        c->log_stake += factor;
        c->last = b->trials;
        if (c->log_stake > b->best[i].log_stake)
            b->best[i] = *c;
        b->log_all[i] += factor;
    }
    b->trials++;
}

/* At most how many gaps are of [low, high] ms. */
static size_t count_gaps(const struct series *s, double low_ms, double high_ms)
{
    return s->up_to[bin_of(s, high_ms) + 1] - s->up_to[bin_of(s, low_ms)];
}

/* Does some chain of bets of `share` that the next gap is of [low, high] ms multiply by e^enough? */
static bool reaches(const struct series *s, double low_ms, double high_ms, double chance, double share,
                    double enough)
{
    double won = log(share / chance), lost = log((1 - share) / (1 - chance)), now = 0;
    for (size_t i = 0; i + 1 < s->n && now < enough; i++) {
        now += s->gaps[i] >= low_ms && s->gaps[i] <= high_ms ? won : lost;
        now = now > 0 ? now : 0;
    }
    return now >= enough;
}

/* Is the best chain by gaps alone, which takes no following, far enough from what chance gives in so many
 * starts, and can it be better than what there is? */
static bool worth_following(const struct series *s, const struct question *q, uint32_t least,
                            double log_chain)
{
    double half_ms = 1.3 * q->half_ms, low_ms = q->period_ms - half_ms, high_ms = q->period_ms + half_ms;
    size_t hits = count_gaps(s, low_ms, high_ms);
    if (hits * 2 < least || (log_chain < -certain && (double)hits * q->most < -log_chain))
        return false;
    double chance = exp(fl_beat_log_chance(low_ms - s->burst_ms, high_ms - s->burst_ms));
    double enough = 0.4 * (log((double)s->n) + 8);
    double share = fmax(0.65, (chance + 1) / 2);
    if ((double)hits * log(share / chance) < enough)
        return false;
    return reaches(s, low_ms, high_ms, chance, share, enough) ||
           (chance < 0.12 && reaches(s, low_ms, high_ms, chance, 0.25, enough));
}

/* Three ways to sum up what all questions say: by the best chain, by the mean stake of those that follow on
 * the whole series, by that of the grids laid over it. */
enum way { CHAIN, FOLLOWED, GRIDS, N_WAYS };

struct answer {
    double log_p[N_WAYS];             /* of each way alone */
    struct question question[N_WAYS]; /* that says most */
    double log_most[N_WAYS];          /* its stake over its p-value's correction */
    struct chain chain;               /* of CHAIN */
};

static enum way best_way(const struct answer *a)
{
    enum way best = CHAIN;
    for (enum way w = FOLLOWED; w < N_WAYS; w++)
        if (a->log_p[w] < a->log_p[best])
            best = w;
    return best;
}

/* Each way has a third of the budget. */
static double log_p_of(const struct answer *a)
{
    return log(N_WAYS / slack) + a->log_p[best_way(a)];
}

/* log(e^a + e^b) */
static double log_sum(double a, double b)
{
    double high = fmax(a, b), low = fmin(a, b);
    return low == -HUGE_VAL ? high : high + log1p(exp(low - high));
}

static bool says_more(struct answer *best, enum way way, const struct question *q, double log_stake)
{
    if (log_stake <= best->log_most[way])
        return false;
    best->question[way] = *q;
    best->log_most[way] = log_stake;
    return true;
}

static void ask(struct answer *best, const struct series *s, const struct question *q, double log_prior)
{
    struct bets b = {.odds = s->odds, .n = q->stakes};
    follow(s, q, bet, &b);
    enum way whole = q->law == LAID ? GRIDS : FOLLOWED;
    for (unsigned i = 0; i < b.n; i++) {
        if (says_more(best, CHAIN, q, log_prior + b.best[i].log_stake - log((double)b.trials))) {
            best->chain = b.best[i];
            best->log_p[CHAIN] = -best->log_most[CHAIN];
        }
        says_more(best, whole, q, log_prior + b.log_all[i]);
        best->log_p[whole] = -log_sum(-best->log_p[whole], log_prior + b.log_all[i]);
    }
}

/* Fills in what follows from period and width; false where the question need not be asked. */
static bool prepare(struct question *q, const struct answer *best, const struct series *s,
                    const struct fl_beat_request *r)
{
    q->half_ms = fmax(q->width * q->period_ms, 1.5 * s->clock_ms);
    q->most = log(stakes[0]) - fl_beat_log_chance(q->period_ms - q->half_ms, q->period_ms + q->half_ms);
    return q->period_ms * r->least <= (double)r->span_ms && q->half_ms <= widest * q->period_ms &&
           !(r->stop && r->stop(r->ctx, s->n)) && worth_following(s, q, r->least, best->log_p[CHAIN]);
}

static void follow_octave(struct answer *best, const struct series *s, double octave_ms,
                          const struct fl_beat_request *r)
{
    for (int w = 0; w < N_WIDTHS; w++) {
        double log_prior = fl_beat_log_prior(r->span_ms, r->least, ladders[w].width);
        for (unsigned step = 0; step < ladders[w].steps; step++) {
            struct question q = {
                .octave_ms = octave_ms, .width = ladders[w].width, .stakes = ladders[w].stakes};
            q.period_ms = octave_ms * exp2((double)step / ladders[w].steps);
            if (!prepare(&q, best, s, r))
                continue;
            q.law = FROM_LAST;
            ask(best, s, &q, log_prior);
            q.law = LEARNED;
            ask(best, s, &q, log_prior);
        }
    }
}

enum { PHASE_BINS = 4 * GRID_PHASES };

/* up_to[i]: how many starts have a phase of the period below i / PHASE_BINS, over two periods. */
static void count_phases(size_t up_to[2 * PHASE_BINS + 1], const struct series *s, double period_ms)
{
    memset(up_to, 0, (2 * PHASE_BINS + 1) * sizeof *up_to);
    for (size_t i = 0; i < s->n; i++) {
        double periods = s->starts[i].ms / period_ms;
        up_to[1 + (int)((periods - (double)(int64_t)periods) * PHASE_BINS) % PHASE_BINS]++;
    }
    for (int i = 0; i < PHASE_BINS; i++)
        up_to[1 + PHASE_BINS + i] = up_to[1 + i];
    for (int i = 0; i < 2 * PHASE_BINS; i++)
        up_to[i + 1] += up_to[i];
}

/* Three quarters of the starts are near a beat of the grid, about: else it cannot win much. */
static bool fits(const size_t up_to[2 * PHASE_BINS + 1], const struct series *s, const struct question *q,
                 unsigned phase)
{
    int reach = (int)ceil(q->half_ms / q->period_ms * PHASE_BINS);
    int first = (4 * (int)phase - reach + PHASE_BINS) % PHASE_BINS;
    return (up_to[first + 2 * reach] - up_to[first]) * 4 >= s->n * 3;
}

/* The periods of an octave so close that over the whole span no beat of the true one drifts out of step. */
static void lay_grids(struct answer *best, const struct series *s, double octave_ms,
                      const struct fl_beat_request *r)
{
    double beats = (double)r->span_ms / octave_ms;
    if (beats > MOST_GRID_BEATS || (double)s->n > 1.5 * beats || log_p_of(best) > doubtful ||
        log_p_of(best) < -certain)
        return;
    unsigned steps = (unsigned)ceil(beats * M_LN2 / grid_drift);
    double log_prior = -log((double)octaves_of(r->span_ms, r->least) * N_GRID_WIDTHS * steps * GRID_PHASES);
    for (int w = 0; w < N_GRID_WIDTHS; w++)
        for (unsigned i = 0; i < steps; i++) {
            struct question q = {.octave_ms = octave_ms, .width = grid_widths[w], .stakes = 1, .law = LAID};
            q.period_ms = octave_ms * exp2((double)i / steps);
            if (!prepare(&q, best, s, r))
                continue;
            size_t up_to[2 * PHASE_BINS + 1];
            count_phases(up_to, s, q.period_ms);
            for (unsigned phase = 0; phase < GRID_PHASES; phase++) {
                q.first_ms = q.period_ms * phase / GRID_PHASES;
                if (fits(up_to, s, &q, phase))
                    ask(best, s, &q, log_prior);
            }
        }
}

/* ---- what was found ---- */

struct step { /* from one beat to the next */
    double ms, beats;
};

struct story { /* of the best chain, told again */
    struct fl_beats *out;
    const struct series *series;
    struct chain chain;
    enum law law;
    size_t trial;
    struct step *steps;
    size_t n_steps;
    size_t begun;  /* 1 + the talk from which the first beat was awaited, until it comes */
    size_t silent; /* beats without a start since the last hit */
    bool in_step;  /* there was one, and the beat has not been lost */
    double last_ms;
};

static void note_beat(struct story *s, const struct trial *trial)
{
    const struct start *start = &s->series->starts[trial->start];
    if (s->in_step) {
        s->steps[s->n_steps++] = (struct step){start->ms - s->last_ms, (double)(s->silent + 1)};
        s->out->period.missed += (uint32_t)s->silent;
        if (s->begun) /* the start from which this one was awaited is a beat too */
            s->out->at[s->out->n++] = s->begun - 1;
    }
    if (trial->outcome == HIT)
        s->out->at[s->out->n++] = start->talk;
    else
        s->out->polled++;
    s->in_step = true;
    s->begun = 0;
    s->silent = 0;
    s->last_ms = start->ms;
}

static void tell_story(void *ctx, const struct trial *trial)
{
    struct story *s = ctx;
    const struct start *start = &s->series->starts[trial->start];
    size_t here = s->trial++;
    if (here > s->chain.last)
        return;
    if (trial->outcome == LOST) {
        s->in_step = s->law != LAID;
        s->begun = start->talk + 1;
        s->last_ms = start->ms;
        s->silent = 0;
        return;
    }
    if (here < s->chain.first) {
        s->in_step = false;
        return;
    }
    s->out->trials++;
    s->out->expected += exp(trial->log_chance);
    if (trial->outcome != MISS)
        note_beat(s, trial);
    else
        s->silent += trial->awaited;
}

static int compare_steps(const void *va, const void *vb)
{
    const struct step *a = va, *b = vb;
    FL_ORDER(a->ms / a->beats, b->ms / b->beats);
    return 0;
}

/* The mean step, each counting by the beats it spans; but where half of them agree within a twentieth,
 * theirs: a timer of 15 min that something now and then holds up is one of 15 min. */
static double measure_period(struct step *steps, size_t n)
{
    double sum = 0, beats = 0;
    size_t agree = 0;
    qsort(steps, n, sizeof *steps, compare_steps);
    double median_ms = steps[n / 2].ms / steps[n / 2].beats;
    for (size_t i = 0; i < n; i++) {
        sum += steps[i].ms;
        beats += steps[i].beats;
        agree += fabs(steps[i].ms / steps[i].beats - median_ms) <= median_ms / 20;
    }
    return agree * 2 >= n ? median_ms : sum / beats;
}

/* Spread: interquartile range of the steps' distances from so many periods. `scratch` holds n. */
static void measure_steps(struct fl_period *out, struct step *steps, size_t n, double *scratch)
{
    double period_ms = measure_period(steps, n);
    for (size_t i = 0; i < n; i++)
        scratch[i] = steps[i].ms - period_ms * steps[i].beats;
    qsort(scratch, n, sizeof *scratch, compare_doubles);
    out->period_ms = llround(period_ms);
    out->spread_ms = llround(scratch[n * 3 / 4] - scratch[n / 4]);
}

static int describe(struct fl_beats *out, struct series *s, const struct answer *best,
                    const struct fl_beat_request *r)
{
    enum way way = best_way(best);
    const struct question *q = &best->question[way];
    struct story story = {.out = out, .series = s, .chain = best->chain, .law = q->law};
    if (way != CHAIN) /* all of the series tells it */
        story.chain = (struct chain){0, 0, SIZE_MAX};
    fill_series(s, r, q->octave_ms);
    story.steps = malloc((s->n + 1) * sizeof *story.steps);
    out->at = malloc((s->n + 1) * sizeof *out->at);
    out->starts = s->n;
    int rc = story.steps && out->at ? 0 : FL_ENOMEM;
    if (rc == 0) {
        follow(s, q, tell_story, &story);
        if (story.n_steps)
            measure_steps(&out->period, story.steps, story.n_steps, s->ends);
        if (story.n_steps && out->n >= r->least)
            out->log10_p = fmin(log_p_of(best), 0) / M_LN10;
    }
    free(story.steps);
    return rc;
}

/* All times whole minutes or seconds: the clock tells no better. That a series of single packets falls on
 * whole minutes may be its own doing, so its talks must last. */
static int64_t clock_of(const struct fl_beat_request *r)
{
    const int64_t coarse_ms[] = {60000, 1000};
    for (int k = 0; k < 2; k++) {
        bool whole = true, lasts = k == 1;
        for (size_t i = 0; i < r->n && whole; i++) {
            whole = r->talks[i].start_ms % coarse_ms[k] == 0 && r->talks[i].end_ms % coarse_ms[k] == 0;
            lasts = lasts || r->talks[i].end_ms > r->talks[i].start_ms;
        }
        if (whole && lasts)
            return coarse_ms[k] > r->clock_ms ? coarse_ms[k] : r->clock_ms;
    }
    return r->clock_ms;
}

/* Tests a series that may keep a period. */
static int test_series(struct fl_beats *out, const struct fl_beat_request *r)
{
    struct answer best;
    for (enum way w = CHAIN; w < N_WAYS; w++) {
        best.log_p[w] = HUGE_VAL;
        best.log_most[w] = -HUGE_VAL;
    }
    struct series s = {.starts = malloc(r->n * sizeof *s.starts),
                       .gaps = malloc(r->n * sizeof *s.gaps),
                       .ends = malloc(r->n * sizeof *s.ends),
                       .clock_ms = (double)r->clock_ms,
                       .odds = r->odds};
    int rc = s.starts && s.gaps && s.ends ? 0 : FL_ENOMEM;
    for (double octave_ms = shortest_ms; rc == 0 && octave_ms * r->least <= (double)r->span_ms;
         octave_ms *= 2) {
        fill_series(&s, r, octave_ms);
        if (s.n >= r->least && count_gaps(&s, octave_ms / 2, 3 * octave_ms) * 2 >= r->least) {
            follow_octave(&best, &s, octave_ms, r);
            lay_grids(&best, &s, octave_ms, r);
        }
    }
    if (rc == 0 && log_p_of(&best) < 0)
        rc = describe(out, &s, &best, r);
    free(s.starts);
    free(s.gaps);
    free(s.ends);
    return rc;
}

int fl_beats_find(struct fl_beats *out, const struct fl_beat_request *request)
{
    struct fl_beat_request r = *request;
    bool passes = r.n >= r.least;
    *out = (struct fl_beats){.log10_p = 0};
    if (passes)
        r.clock_ms = clock_of(request);
    if (passes && r.screen) {
        uint8_t *bins = malloc(r.n);
        if (!bins)
            return FL_ENOMEM;
        passes = fl_beat_screen_passes(r.screen, &r, bins);
        free(bins);
    }
    int rc = passes ? test_series(out, &r) : 0;
    if (rc < 0)
        fl_beats_clear(out);
    return rc;
}

void fl_beats_clear(struct fl_beats *b)
{
    free(b->at);
    *b = (struct fl_beats){.log10_p = 0};
}
