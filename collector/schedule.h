/* Scheduled mining, by data time, on a thread of its own.
 *
 * Runs of a location end at boundaries: multiples of mining.every_ms since the epoch. A boundary T is mined,
 * over [T - span, T), once the location's watermark has reached it, when T is later than the last scheduled
 * run and records start in [T - every, T). A month replayed in a minute so gives the runs of the month lived.
 */
#ifndef FL_COLLECTOR_SCHEDULE_H
#define FL_COLLECTOR_SCHEDULE_H

#include "collector/pause.h"
#include "collector/settings.h"
#include "collector/watermark.h"
#include "storage/error.h"
#include "storage/store.h"

#define FL_SCHEDULE_NONE INT64_MAX

/* The latest boundary <= ms, also before 1970. every_ms > 0. */
int64_t fl_schedule_floor(int64_t ms, int64_t every_ms);
/* The first boundary later than done_ms (a boundary) and not later than watermark_ms whose last every_ms meet
 * a bucket; FL_SCHEDULE_NONE when there is none. `buckets` are one location's, in time order. */
int64_t fl_schedule_next(int64_t done_ms, int64_t watermark_ms, int64_t every_ms,
                         const struct fl_bucket_info *buckets, size_t n);

struct fl_scheduler_setup { /* all borrowed, and to outlive the scheduler */
    const char *data_dir;
    struct fl_settings_box *settings;
    struct fl_watermarks *watermarks;
    struct fl_pause *pause; /* woken after commits; stopped at the end, which also stops a run */
};

struct fl_scheduler;

/* FL_EDB, FL_EIO, FL_ENOMEM with a sentence. */
int fl_scheduler_start(struct fl_scheduler **out, const struct fl_scheduler_setup *setup, struct fl_err *err);
/* After fl_pause_stop(setup->pause): wait for the thread, free. */
void fl_scheduler_finish(struct fl_scheduler *s);

#endif
