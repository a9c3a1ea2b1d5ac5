/* Work that falls into parts, on a few threads. What comes out must not depend on which thread did which
 * part. */
#ifndef FL_MINING_PARALLEL_H
#define FL_MINING_PARALLEL_H

#include <stddef.h>
#include <stdint.h>

enum { FL_MOST_THREADS = 64 };

/* How many threads a setting means: 0 is one a processor; at least 1, at most FL_MOST_THREADS. */
uint32_t fl_parallel_threads(uint32_t configured);
/* fn(ctx, part) for each part in [0, parts), at most FL_MOST_THREADS, each on a thread of its own and the
 * first on the caller's; where a thread cannot be had, the caller does its part too. Returns the code of the
 * lowest part that failed, or 0. */
int fl_parallel(uint32_t parts, int (*fn)(void *ctx, uint32_t part), void *ctx);
/* The same with at most so many threads (0: one a processor), which take the parts in turn. */
int fl_parallel_in_turn(uint32_t threads, uint32_t parts, int (*fn)(void *ctx, uint32_t part), void *ctx);

#endif
