/* Comparators for qsort. */
#ifndef FL_MINING_ORDER_H
#define FL_MINING_ORDER_H

#include <stdint.h>

/* One step of a comparator that orders by several fields: returns where the fields differ, else goes on. */
#define FL_ORDER(a, b)                                                                                       \
    if ((a) != (b))                                                                                          \
    return (a) < (b) ? -1 : 1

static inline int fl_compare_u32(const void *va, const void *vb)
{
    FL_ORDER(*(const uint32_t *)va, *(const uint32_t *)vb);
    return 0;
}

#endif
