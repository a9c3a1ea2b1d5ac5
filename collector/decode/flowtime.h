/* When a flow began and ended. Pure.
 *
 * Tried in order, and the first that can be believed is taken:
 *   1. calendar time: milliseconds 152/153, microseconds 154/155 and nanoseconds 156/157 (NTP timestamps, RFC
 *      7011 section 6.1.9), seconds 150/151, or microseconds before the export time (158/159); a missing end
 *      is the start and the duration (161 ms, 162 us), else the observation time (322..325), else the start;
 *      a missing start likewise;
 *   2. milliseconds of uptime 22/21, from systemInitTimeMilliseconds (160) or the header's boot time; both
 *      wrap after 49.7 days. A flow that ended more than a day before its export did not: then the uptimes
 *      are another clock's than the header's. Only an exporter that is up for less than an hour is believed
 *      even that: it may be reading a capture;
 *   3. the time of observation (322..325) or collection (258) as the end, less the duration;
 *   4. the time the datagram came in, flagged.
 * Believed is: not before 1980, not later than max_future_ms after the receive time, end not more than 10 s
 * before start (a smaller step back is drawn straight). A value that cannot be believed as its element says
 * is read in the unit in which it can be, if there is one: seconds where milliseconds are due and the
 * reverse, Unix microseconds and nanoseconds in the place of NTP timestamps. */
#ifndef FL_COLLECTOR_FLOWTIME_H
#define FL_COLLECTOR_FLOWTIME_H

#include "collector/decode/boot.h"
#include "collector/decode/flowmap.h"

/* 1980: before it a clock was never set. */
#define FL_EARLIEST_MS INT64_C(315532800000)

/* What ctx->uptimes is for, from the other members. */
void fl_flow_set_uptimes(struct fl_flow_context *ctx);
/* Set start_ms, end_ms and time_source from uptimes 22 and 21 that can be believed as they stand; false, and
 * nothing of use is set, when it takes more than that: fl_flow_set_times. */
static inline bool fl_uptimes_set(const struct fl_uptimes *u, uint32_t start, uint32_t end,
                                  struct fl_flow *flow)
{
    flow->start_ms = fl_boot_time(u->boot_ms, u->uptime_ms, start);
    flow->end_ms = fl_boot_time(u->boot_ms, u->uptime_ms, end);
    flow->time_source = FL_TIME_UPTIME;
    return u->known && start && flow->start_ms >= FL_EARLIEST_MS && flow->end_ms >= flow->start_ms &&
           flow->end_ms >= u->earliest_end_ms && flow->end_ms <= u->latest_end_ms;
}

/* Sets start_ms, end_ms and time_source. */
void fl_flow_set_times(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                       const struct fl_record *r, struct fl_flow *flow);
/* The other direction's own times, where the record has them and they can be believed; else *back keeps
 * those of its forward direction, which it holds. */
void fl_flow_set_reverse_times(const struct fl_flow_context *ctx, const struct fl_flow_recipe *recipe,
                               const struct fl_record *r, struct fl_flow *back);
/* A Unix time in whatever unit (s, ms, us, ns) makes it one after 1980, as milliseconds; 0: none does. */
int64_t fl_flow_unix_ms(uint64_t value);
/* The time part of a recipe, from its mask. */
void fl_flow_recipe_times(struct fl_flow_recipe *recipe);

#endif
