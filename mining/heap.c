/* What malloc has handed out, as malloc counts it. */
#include "mining/heap.h"

#include <malloc.h>

static uint64_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return (uint64_t)info.uordblks + (uint64_t)info.hblkhd;
}

void fl_heap_watch_start(struct fl_heap_watch *w, uint64_t most_bytes, int64_t now_ms)
{
    *w = (struct fl_heap_watch){
        .before_bytes = heap_bytes(), .most_bytes = most_bytes, .looked_ms = now_ms, .looks = 1};
}

bool fl_heap_over(struct fl_heap_watch *w, int64_t now_ms)
{
    if (w->over || now_ms - w->looked_ms < FL_HEAP_LOOK_EVERY_MS)
        return w->over;
    uint64_t bytes = heap_bytes();
    w->looked_ms = now_ms;
    w->looks++;
    w->over = bytes > w->before_bytes && bytes - w->before_bytes > w->most_bytes;
    return w->over;
}
