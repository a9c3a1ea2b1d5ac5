/* Conversations to count, for the benchmarks of mining: about a day of a town's network.
 *
 * Shapes:
 *   day       N conversations in 25 hours: a client asks its services now and then, in bursts of a
 *             few seconds, and in busy minutes
 *   resolver  a day of 100,000 conversations, and N clients that ask one resolver in the same windows
 *   office    a day of 100,000 conversations, and N clients that ask one resolver once a minute for an hour
 *   scanner   a day of 100,000 conversations, and a host that asks N ports of one server in the same windows
 *   burst     a day of 100,000 conversations, and N more of them within one window
 *
 */
#ifndef BENCH_TOWN_H
#define BENCH_TOWN_H

#include "mining/talk.h"

extern const int64_t town_begin_ms;

/* Ordered as fl_talk_build gives them. FL_EINVAL for an unknown shape, FL_ENOMEM; fl_talk_clear in any case.
 */
int town_talk(struct fl_talk *talk, const char *shape, size_t size);

#endif
