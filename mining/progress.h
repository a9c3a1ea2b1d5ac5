/* A progress bar on standard error, for work that takes longer than a glance. Nothing is drawn when standard
 * error is not a terminal. */
#ifndef FL_MINING_PROGRESS_H
#define FL_MINING_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct fl_progress {
    char label[80];
    const char *phase; /* "": not said */
    bool shown, drawn;
    int permille;
};
/* `label` is cleaned of control characters and may be cut. */
void fl_progress_start(struct fl_progress *p, const char *label);
/* What is being done now, behind the label; a constant text. */
void fl_progress_phase(struct fl_progress *p, const char *phase);
void fl_progress_set(struct fl_progress *p, double done); /* 0..1; redrawn when a thousandth changes */
void fl_progress_end(struct fl_progress *p);              /* wipes the bar */

#endif
