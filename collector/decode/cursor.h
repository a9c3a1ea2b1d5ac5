/* A bounded big-endian reader with a sticky error: the only way wire bytes are read. After a read beyond the
 * end every further read gives 0 and `bad` stays true, so that a parser checks once, at the end. */
#ifndef FL_COLLECTOR_CURSOR_H
#define FL_COLLECTOR_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_cursor {
    const uint8_t *at, *end; /* borrowed */
    bool bad;
};

struct fl_cursor fl_cursor_over(const uint8_t *bytes, size_t length);
size_t fl_cursor_left(const struct fl_cursor *c); /* 0 once bad */
/* An unsigned integer of `length` (1, 2, 4) bytes; 0 when they are not there. */
uint32_t fl_cursor_read(struct fl_cursor *c, size_t length);
void fl_cursor_skip(struct fl_cursor *c, size_t length);
/* A cursor over the next `length` bytes, which *c then stands behind. A bad child when they are not there. */
struct fl_cursor fl_cursor_child(struct fl_cursor *c, size_t length);
/* Nothing but zeros is left, or nothing. */
bool fl_cursor_only_zeros(struct fl_cursor c);

#endif
