/* How far each location's data has come, in the exporters' time. The storing thread moves the marks on, the
 * mining thread reads what has been committed.
 *
 * A location's watermark is the largest end it has seen less its lateness (the active timeout: a flow that is
 * still going on may be reported that much later). Records stamped with the receive time count only while
 * nothing better has been seen: one exporter without a clock must not end a replay of last month. */
#ifndef FL_COLLECTOR_WATERMARK_H
#define FL_COLLECTOR_WATERMARK_H

#include <stddef.h>
#include <stdint.h>

#include "storage/config.h"
#include "storage/gather.h"

struct fl_watermark {
    char location[FL_LOCATION_NAME];
    int64_t first_ms;     /* earliest start seen */
    int64_t watermark_ms; /* everything before it is committed */
};

struct fl_watermarks;

int fl_watermarks_new(struct fl_watermarks **out); /* FL_ENOMEM */
void fl_watermarks_free(struct fl_watermarks *w);

/* Records of a location were handed to the writer. FL_ENOMEM. Storing thread. */
int fl_watermarks_note(struct fl_watermarks *w, const struct fl_gathered *gathered);
/* What an earlier life of the service left in the store. FL_ENOMEM. Storing thread. */
int fl_watermarks_seed(struct fl_watermarks *w, const char *location, int64_t first_ms, int64_t last_end_ms);
/* All records noted so far are committed. Storing thread. */
void fl_watermarks_publish(struct fl_watermarks *w, const struct fl_config *config);

/* What was published, one entry a location, in a new array (the caller frees it; NULL when empty). Any
 * thread. Returns how many, or FL_ENOMEM. */
int fl_watermarks_snapshot(struct fl_watermarks *w, struct fl_watermark **out);

/* The lateness of a location: its own active timeout, else the global one. */
int64_t fl_watermark_lateness(const struct fl_config *config, const char *location);

#endif
