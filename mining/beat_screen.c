/* A look at a series before the test of beat.c, which follows the beat of some 400 periods and more.
 *
 * A period shows in the gaps from one start to the next: more of them than chance gives are of about its
 * length, now and then at least several in a row. So for each octave of periods 36 windows are laid over the
 * gaps, and a chain of bets is made on each that the next gap falls into it, at the odds of beat.c and of a
 * share of 0.65, of the narrow ones also of 0.25 (other use may come between the beats). The best chain of
 * one window must multiply by e^5 for each start, in narrow windows, of which there are more, by e^6 or e^7.
 * Windows are 1.3 times as wide as what the test awaits, since that follows a beat that strays.
 *
 * What passes is tested in full: the screen may pass over a weak period, it never changes one. Of 28,000
 * series, of made-up days and of beacons of all kinds, it passed over four that the test finds at p <= 0.01,
 * none of them at p <= 0.002; of the nodes of a day that keep no period fewer than one in a hundred pass.
 *
 * It is fast because few octaves of a series have as many gaps as a period must, which is told for all of
 * them from one count of gaps, and because a gap is a number of 64ths of an octave and what it does to all 56
 * chains a row of a table; a row is added to the chains in a few instructions of 16-bit arithmetic. A 64th
 * belongs to the window that its middle is in.
 *
 * Example: 13 starts every 300 s, octave of 160 s: gaps of 1.875 octaves, number 120. The window about 302 s
 * with +- 6.5 % has a chance of 0.049 to hold the next start, so each gap wins log(0.65 / 0.049) = 2.58, and
 * four of them 10.3: more than 7 + log 13 = 9.6, the series passes.
 *
 * Source: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954), for the chains. */
#include "mining/beat_screen.h"

#include <math.h>
#include <string.h>

enum { PARTS = 64, SCALE = 128, BLOCK = 32, COARSE_MS = 1000, N_OCTAVES = 3, WIDTHS = 64 };
static const double octaves_ms[N_OCTAVES] = {10000, 20000, 40000}; /* longer ones are as the last */
static const double lowest = 0.55;                                 /* octaves: no window begins below */
static const double loose = 1.3;                                   /* how much wider windows are */
static const struct {
    double width, share; /* as in beat.c */
    int steps;           /* an octave */
    double enough;       /* and log n: what a chain must multiply by, as a logarithm */
} rungs[] = {{0.05, 0.65, 12, 7}, {0.05, 0.25, 12, 7}, {0.12, 0.65, 8, 6},
             {0.12, 0.25, 8, 6},  {0.22, 0.65, 8, 5},  {0.33, 0.65, 8, 5}};
enum { N_RUNGS = sizeof rungs / sizeof rungs[0] };

static double burst_of(double octave_ms)
{
    return fmin(fmax(octave_ms / 24, 1500), octave_ms / 8);
}

static void fill_bet(int16_t factor[FL_SCREEN_GAPS][FL_SCREEN_BETS], int bet, double octave_ms, double low_ms,
                     double high_ms, double share)
{
    double chance = exp(fl_beat_log_chance(low_ms - burst_of(octave_ms), high_ms - burst_of(octave_ms)));
    if (share > 0.5)
        share = fmax(share, (chance + 1) / 2);
    double won = log(share / chance), lost = log((1 - share) / (1 - chance));
    bool useless = chance <= 0 || chance >= share;
    for (int gap = 0; gap < FL_SCREEN_GAPS; gap++) {
        double ms = (gap + 0.5) * octave_ms / PARTS;
        bool in = ms >= low_ms && ms <= high_ms && gap < FL_SCREEN_GAPS - 1;
        factor[gap][bet] = useless ? 0 : (int16_t)lround((in ? won : lost) * SCALE);
    }
}

static void fill_table(int16_t factor[FL_SCREEN_GAPS][FL_SCREEN_BETS], double octave_ms, double clock_ms)
{
    int bet = 0;
    for (int k = 0; k < N_RUNGS; k++)
        for (int step = 0; step < rungs[k].steps; step++, bet++) {
            double period_ms = octave_ms * exp2((double)step / rungs[k].steps);
            double half_ms = loose * fmax(rungs[k].width * period_ms, 1.5 * clock_ms);
            fill_bet(factor, bet, octave_ms, period_ms - half_ms, period_ms + half_ms, rungs[k].share);
        }
}

void fl_beat_screen_fill(struct fl_beat_screen *s)
{
    for (int k = 0; k < N_OCTAVES; k++)
        fill_table(s->factor[k], octaves_ms[k], 1);
    for (int k = 0; k + 1 < N_OCTAVES; k++) /* in longer octaves it makes no difference */
        fill_table(s->factor[N_OCTAVES + k], octaves_ms[k], COARSE_MS);
    for (int k = 0, bet = 0; k < N_RUNGS; k++)
        for (int step = 0; step < rungs[k].steps; step++)
            s->enough[bet++] = (int16_t)(rungs[k].enough * SCALE);
}

/* The gaps between starts, a burst counting once. Returns how many; *near: how many are of the octave. */
static size_t measure_gaps(uint8_t *bins, size_t *near, const struct fl_beat_request *r, double octave_ms)
{
    const int64_t burst_ms = (int64_t)ceil(burst_of(octave_ms));
    const double parts = PARTS / octave_ms;
    const int lowest_bin = (int)(lowest * PARTS);
    int64_t last_ms = r->talks[0].start_ms;
    size_t n = 0, found = 0;
    for (size_t i = 1; i < r->n; i++) {
        int64_t gap_ms = r->talks[i].start_ms - last_ms;
        if (gap_ms < burst_ms)
            continue;
        double part = (double)gap_ms * parts;
        int bin = part < FL_SCREEN_GAPS - 1 ? (int)part : FL_SCREEN_GAPS - 1;
        found += bin >= lowest_bin && bin < FL_SCREEN_GAPS - 1;
        bins[n++] = (uint8_t)bin;
        last_ms += gap_ms;
    }
    *near = found;
    return n;
}

/* counts[k]: gaps between talks, bursts or not, of 2^k to 2^(k+1) - 1 ms. */
static void count_widths(size_t counts[WIDTHS], const struct fl_beat_request *r)
{
    for (size_t i = 1; i < r->n; i++) {
        uint64_t gap_ms = (uint64_t)(r->talks[i].start_ms - r->talks[i - 1].start_ms);
        counts[63 - __builtin_clzll(gap_ms | 1)]++;
    }
}

/* At most how many gaps are of the octave: where a burst counts once, what it lasts, which is no more than an
 * eighth of the octave, is part of the gap behind it. */
static size_t most_near(const size_t counts[WIDTHS], double octave_ms)
{
    size_t most = 0;
    for (int k = ilogb((lowest - 0.13) * octave_ms); k <= ilogb(FL_SCREEN_GAPS * octave_ms / PARTS); k++)
        most += counts[k];
    return most;
}

/* Does some chain of bets multiply by enough for each of n starts? */
static bool chains_reach(const struct fl_beat_screen *s, const int16_t factor[FL_SCREEN_GAPS][FL_SCREEN_BETS],
                         const uint8_t *bins, size_t n)
{
    int16_t now[FL_SCREEN_BETS] = {0}, most[FL_SCREEN_BETS] = {0};
    int log_n = (int)(log((double)n + 1) * SCALE);
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        size_t end = n - begin < BLOCK ? n : begin + BLOCK;
        for (size_t i = begin; i < end; i++) {
            const int16_t *row = factor[bins[i]];
            for (int k = 0; k < FL_SCREEN_BETS; k++) {
                int16_t stake = (int16_t)(now[k] + row[k]);
                now[k] = stake > 0 ? stake : 0;
                most[k] = now[k] > most[k] ? now[k] : most[k];
            }
        }
        for (int k = 0; k < FL_SCREEN_BETS; k++)
            if (most[k] >= s->enough[k] + log_n)
                return true;
    }
    return false;
}

static const int16_t (*table_of(const struct fl_beat_screen *s, int octave, bool coarse))[FL_SCREEN_BETS]
{
    if (octave >= N_OCTAVES - 1)
        return s->factor[N_OCTAVES - 1];
    return s->factor[coarse ? N_OCTAVES + octave : octave];
}

bool fl_beat_screen_passes(const struct fl_beat_screen *s, const struct fl_beat_request *r, uint8_t *bins)
{
    if (r->clock_ms > COARSE_MS)
        return true;
    size_t counts[WIDTHS] = {0};
    count_widths(counts, r);
    double octave_ms = octaves_ms[0];
    for (int octave = 0; octave_ms * r->least <= (double)r->span_ms; octave++, octave_ms *= 2) {
        if (most_near(counts, octave_ms) * 2 < r->least)
            continue;
        size_t near, n = measure_gaps(bins, &near, r, octave_ms);
        if (n + 1 < r->least || near * 2 < r->least)
            continue;
        if (chains_reach(s, table_of(s, octave, r->clock_ms == COARSE_MS), bins, n))
            return true;
    }
    return false;
}
