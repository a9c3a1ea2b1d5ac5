/* Builds datagrams for tests, byte by byte, and collects what the decoder makes of them. */
#ifndef FL_TESTS_COLLECTOR_WIRE_H
#define FL_TESTS_COLLECTOR_WIRE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/decode/decode.h"

struct wire {
    size_t n;
    uint8_t b[65536];
};

static inline void put(struct wire *w, uint64_t value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        w->b[w->n++] = (uint8_t)(value >> 8 * (length - 1 - i));
}

static inline void patch16(struct wire *w, size_t at, size_t value)
{
    w->b[at] = (uint8_t)(value >> 8);
    w->b[at + 1] = (uint8_t)value;
}

static inline void v9_header(struct wire *w, uint32_t uptime_ms, uint32_t seconds, uint32_t sequence)
{
    w->n = 0;
    put(w, 9, 2);
    put(w, 1, 2);
    put(w, uptime_ms, 4);
    put(w, seconds, 4);
    put(w, sequence, 4);
    put(w, 7, 4);
}

static inline void ipfix_header(struct wire *w, uint32_t seconds, uint32_t sequence)
{
    w->n = 0;
    put(w, 10, 2);
    put(w, 0, 2);
    put(w, seconds, 4);
    put(w, sequence, 4);
    put(w, 7, 4);
}

static inline void ipfix_close(struct wire *w)
{
    patch16(w, 2, w->n);
}

static inline void v5_header(struct wire *w, unsigned count, uint32_t uptime_ms, int64_t now_ms,
                             uint32_t sequence, unsigned sampling)
{
    w->n = 0;
    put(w, 5, 2);
    put(w, count, 2);
    put(w, uptime_ms, 4);
    put(w, (uint64_t)now_ms / 1000, 4);
    put(w, (uint64_t)now_ms % 1000 * 1000000, 4);
    put(w, sequence, 4);
    put(w, 7, 2);
    put(w, sampling, 2);
}

static inline void v5_record(struct wire *w, uint32_t first, uint32_t last)
{
    put(w, 0x0a000001, 4);
    put(w, 0x0a000002, 4);
    put(w, 0, 4);
    put(w, 3, 2);
    put(w, 4, 2);
    put(w, 5, 4);
    put(w, 600, 4);
    put(w, first, 4);
    put(w, last, 4);
    put(w, 1234, 2);
    put(w, 80, 2);
    put(w, 0x001b0600, 4);
    put(w, 0, 8);
}

static inline size_t set_open(struct wire *w, unsigned id)
{
    put(w, id, 2);
    put(w, 0, 2);
    return w->n - 4;
}

static inline void set_close(struct wire *w, size_t at)
{
    patch16(w, at + 2, w->n - at);
}

/* A template or v9 template set of `n` element and length pairs. */
static inline void template_set(struct wire *w, unsigned set_id, unsigned id, const unsigned (*fields)[2],
                                unsigned n)
{
    size_t at = set_open(w, set_id);
    put(w, id, 2);
    put(w, n, 2);
    for (unsigned i = 0; i < n; i++) {
        put(w, fields[i][0], 2);
        put(w, fields[i][1], 2);
    }
    set_close(w, at);
}

/* Where the captures of real exporters are, if they are at hand: beside the source, or where FLOWLORE_SHARED
 * says.
 */
static inline const char *captures(char *out, size_t size)
{
    const char *shared = getenv("FLOWLORE_SHARED"), *srcdir = getenv("srcdir");
    if (shared)
        snprintf(out, size, "%s/data/exports", shared);
    else
        snprintf(out, size, "%s/../shared/data/exports", srcdir ? srcdir : ".");
    return out;
}

struct caught {
    size_t n;
    struct fl_flow flows[4096];
};

static inline void catch_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct caught *c = ctx;
    (void)location;
    for (size_t i = 0; i < n; i++, c->n++)
        if (c->n < sizeof c->flows / sizeof c->flows[0])
            c->flows[c->n] = flows[i];
}

static const int64_t T0 = 1655071209000; /* 2022-06-12T22:00:09Z */

static inline int feed_at(struct fl_decoder *d, const struct wire *w, int64_t now_ms)
{
    struct fl_sender from = {fl_addr_v4(0xc0000201), 4000, "lab", 0};
    uint8_t *exact = malloc(w->n ? w->n : 1); /* so that a read beyond the end is seen */
    if (w->n)
        memcpy(exact, w->b, w->n);
    int code = fl_decode(d, exact, w->n, &from, now_ms);
    free(exact);
    return code;
}

#endif
