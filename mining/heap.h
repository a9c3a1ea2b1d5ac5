/* Whether a run has taken more memory than it may: looking at the heap walks all that is free in it, so that
 * it is not done at each question. */
#ifndef FL_MINING_HEAP_H
#define FL_MINING_HEAP_H

#include <stdbool.h>
#include <stdint.h>

enum { FL_HEAP_LOOK_EVERY_MS = 20 };

struct fl_heap_watch {
    uint64_t before_bytes, most_bytes;
    int64_t looked_ms;
    uint64_t looks;
    bool over;
};

/* From here on the heap may grow by `most_bytes`. `now_ms`: of any clock that does not go back. */
void fl_heap_watch_start(struct fl_heap_watch *w, uint64_t most_bytes, int64_t now_ms);
/* Has it grown by more, ever since? Looks again after FL_HEAP_LOOK_EVERY_MS only. */
bool fl_heap_over(struct fl_heap_watch *w, int64_t now_ms);

#endif
