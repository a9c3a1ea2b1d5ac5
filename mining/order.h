/* One step of a comparator that orders by several fields: returns where the fields differ, else goes on. */
#ifndef FL_MINING_ORDER_H
#define FL_MINING_ORDER_H

#define FL_ORDER(a, b)                                                                                       \
    if ((a) != (b))                                                                                          \
    return (a) < (b) ? -1 : 1

#endif
