/* What the storing thread keeps of the census: figures and templates in the rules database, statistics and
 * warnings in the log. */
#ifndef FL_COLLECTOR_FIGURES_H
#define FL_COLLECTOR_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/census.h"
#include "storage/config.h"
#include "storage/error.h"
#include "storage/rulesdb.h"

struct fl_figures;

/* db and census are borrowed, for as long as the figures live. FL_ENOMEM. */
int fl_figures_new(struct fl_figures **out, struct fl_rulesdb *db, struct fl_census *census, size_t lanes,
                   int64_t started_ms);
void fl_figures_free(struct fl_figures *f);

/* Take what the lanes have published. */
void fl_figures_look(struct fl_figures *f);
/* Write what was taken, with the storing thread's own counts. A failure is logged once and tried again with
 * the next call; that another process is writing is none until several calls have found so. */
void fl_figures_store(struct fl_figures *f, uint64_t stored, uint64_t disk_shed, bool running);
/* Warn of what went wrong since it was last said: each kind at most once in ten seconds, unless it is the
 * last word. */
void fl_figures_warn(struct fl_figures *f, const struct fl_config *config, int64_t monotonic_ms, bool last);
/* The settings changed: what is still wrong is worth saying at once. */
void fl_figures_warn_afresh(struct fl_figures *f);
/* One line of totals; one line an exporter, of those heard of last. */
void fl_figures_log_totals(struct fl_figures *f, uint64_t stored, uint64_t disk_shed, const char *what);
void fl_figures_log_exporters(struct fl_figures *f);

#endif
