/* The bounded reader of wire bytes. */
#include "collector/decode/cursor.h"

#include <string.h>

struct fl_cursor fl_cursor_over(const uint8_t *bytes, size_t length)
{
    return (struct fl_cursor){.at = bytes, .end = bytes + length, .bad = false};
}

size_t fl_cursor_left(const struct fl_cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

void fl_cursor_skip(struct fl_cursor *c, size_t length)
{
    if (fl_cursor_left(c) < length)
        c->bad = true;
    else
        c->at += length;
}

uint32_t fl_cursor_read(struct fl_cursor *c, size_t length)
{
    const uint8_t *p = c->at;
    uint32_t value = 0;
    fl_cursor_skip(c, length);
    if (c->bad)
        return 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | p[i];
    return value;
}

struct fl_cursor fl_cursor_child(struct fl_cursor *c, size_t length)
{
    struct fl_cursor child = {.at = c->at, .end = c->at, .bad = c->bad};
    fl_cursor_skip(c, length);
    child.bad = c->bad;
    if (!c->bad)
        child.end = child.at + length;
    return child;
}

bool fl_cursor_only_zeros(struct fl_cursor c)
{
    size_t left = fl_cursor_left(&c);
    return left == 0 || (c.at[0] == 0 && memcmp(c.at, c.at + 1, left - 1) == 0); /* each as the one before */
}
