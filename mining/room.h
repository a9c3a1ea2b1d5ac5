/* Growing an array by half again, so that adding items one by one costs little: what the counting passes
 * share. */
#ifndef FL_MINING_ROOM_H
#define FL_MINING_ROOM_H

#include <stddef.h>
#include <stdlib.h>

#include "storage/error.h"

/* `items` is the address of a pointer to *room items of `size` bytes, NULL with none; afterwards it holds at
 * least n. FL_ENOMEM, with what was there as it was. */
static inline int fl_room(void *items, size_t *room, size_t n, size_t size)
{
    void **at = items;
    if (n <= *room && *at)
        return 0;
    size_t more = n + n / 2 + 64;
    void *grown = realloc(*at, more * size);
    if (!grown)
        return FL_ENOMEM;
    *at = grown;
    *room = more;
    return 0;
}

#endif
