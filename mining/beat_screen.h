/* Which series are worth the test of beat.c: most nodes keep no period, and that can be told in a look at
 * their gaps. beat_screen.c has the method. */
#ifndef FL_MINING_BEAT_SCREEN_H
#define FL_MINING_BEAT_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "mining/beat.h"

/* What a gap does to each of so many bets, by how many 64ths of an octave it lasts: the same for every
 * series. About 110 kB, for all threads. */
enum { FL_SCREEN_BETS = 56, FL_SCREEN_GAPS = 192, FL_SCREEN_TABLES = 5 };
struct fl_beat_screen {
    int16_t factor[FL_SCREEN_TABLES][FL_SCREEN_GAPS][FL_SCREEN_BETS]; /* logarithms, in 128ths */
    int16_t enough[FL_SCREEN_BETS]; /* likewise: what a chain must multiply by for each start */
};
void fl_beat_screen_fill(struct fl_beat_screen *screen);

/* False where the talks of `request` (request->clock_ms being what clock they keep) cannot keep a period that
 * chance does not explain. `bins` is scratch for `n` numbers. Time n for each octave of periods. */
bool fl_beat_screen_passes(const struct fl_beat_screen *screen, const struct fl_beat_request *request,
                           uint8_t *bins);

#endif
