/* The progress bar: one line of standard error, drawn over itself. */
#include "mining/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "mining/human.h"

enum { BAR = 30 };

void fl_progress_start(struct fl_progress *p, const char *label)
{
    *p = (struct fl_progress){.shown = isatty(STDERR_FILENO), .phase = "", .permille = -1};
    snprintf(p->label, sizeof p->label, "%s", label);
    fl_human_clean(p->label);
    fl_progress_set(p, 0);
}

void fl_progress_phase(struct fl_progress *p, const char *phase)
{
    if (phase != p->phase)
        p->permille = -1; /* redrawn by the next step */
    p->phase = phase;
}

void fl_progress_set(struct fl_progress *p, double done)
{
    int permille = done <= 0 ? 0 : done >= 1 ? 1000 : (int)(done * 1000);
    if (!p->shown || permille == p->permille)
        return;
    p->permille = permille;
    p->drawn = true;
    char bar[BAR + 1] = "";
    for (int i = 0; i < BAR; i++)
        bar[i] = i * 1000 < permille * BAR ? '#' : '.';
    fprintf(stderr, "\r%s [%s] %3d%% %s\033[K", p->label, bar, permille / 10, p->phase);
    fflush(stderr);
}

void fl_progress_end(struct fl_progress *p)
{
    if (p->drawn)
        fprintf(stderr, "\r\033[K");
    p->shown = p->drawn = false;
}
