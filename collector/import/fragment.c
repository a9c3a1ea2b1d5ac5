/* Reassembly in a small table, found by addresses and identification. */
#include "collector/import/fragment.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

enum {
    UNDER_WAY = 64,             /* datagrams */
    DATAGRAM_BYTES = 65536,     /* more than an IP packet can carry */
    UNITS = DATAGRAM_BYTES / 8, /* fragments begin at multiples of 8 bytes */
    PATIENCE_US = 60000000      /* RFC 8200 section 4.5; hosts wait for 15 to 60 s */
};

struct partial {
    struct fl_addr src, dst;
    uint32_t id;
    bool used, spoilt;
    int64_t since_us;
    size_t total;    /* bytes in all; 0 until the last fragment came */
    size_t received; /* units */
    uint8_t *bytes;  /* DATAGRAM_BYTES; only pages that fragments reach become real */
    uint8_t units[UNITS / 8];
};

struct fl_fragments {
    struct partial partials[UNDER_WAY];
    uint64_t lost;
};

struct fl_fragments *fl_fragments_new(void)
{
    return calloc(1, sizeof(struct fl_fragments));
}

void fl_fragments_free(struct fl_fragments *f)
{
    if (!f)
        return;
    for (int i = 0; i < UNDER_WAY; i++)
        free(f->partials[i].bytes);
    free(f);
}

static void give_up(struct fl_fragments *f, struct partial *p)
{
    f->lost += p->used;
    p->used = false;
}

void fl_fragments_flush(struct fl_fragments *f)
{
    for (int i = 0; i < UNDER_WAY; i++)
        give_up(f, &f->partials[i]);
}

uint64_t fl_fragments_lost(const struct fl_fragments *f)
{
    return f->lost;
}

static bool same(const struct partial *p, const struct fl_packet *fragment)
{
    return p->used && p->id == fragment->id && fl_addr_cmp(&p->src, &fragment->src) == 0 &&
           fl_addr_cmp(&p->dst, &fragment->dst) == 0;
}

/* The datagram that a fragment belongs to: one under way, or a new one in place of the oldest. */
static struct partial *find(struct fl_fragments *f, const struct fl_packet *fragment, int64_t time_us)
{
    struct partial *oldest = &f->partials[0];
    for (int i = 0; i < UNDER_WAY; i++) {
        struct partial *p = &f->partials[i];
        if (p->used && time_us - p->since_us > PATIENCE_US)
            give_up(f, p);
        if (same(p, fragment))
            return p;
        if (oldest->used && (!p->used || p->since_us < oldest->since_us))
            oldest = p;
    }
    give_up(f, oldest);
    if (!oldest->bytes)
        oldest->bytes = malloc(DATAGRAM_BYTES);
    if (!oldest->bytes)
        return NULL;
    uint8_t *bytes = oldest->bytes;
    *oldest = (struct partial){.src = fragment->src,
                               .dst = fragment->dst,
                               .id = fragment->id,
                               .used = true,
                               .since_us = time_us,
                               .bytes = bytes};
    return oldest;
}

/* How many of the units [from, to) came already. */
static size_t count_units(const struct partial *p, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += p->units[i / 8] >> i % 8 & 1;
    return n;
}

static void take(struct partial *p, const struct fl_packet *fragment)
{
    size_t length = fl_cursor_left(&fragment->payload), from = fragment->offset / 8,
           to = from + (length + 7) / 8;
    bool uneven = fragment->more && length % 8 != 0;
    if (uneven || length == 0 || fragment->offset + length > DATAGRAM_BYTES - 1) {
        p->spoilt = true;
        return;
    }
    size_t known = count_units(p, from, to);
    if (known == to - from)
        return;
    if (known > 0)
        p->spoilt = true;
    memcpy(p->bytes + fragment->offset, fragment->payload.at, length);
    for (size_t i = from; i < to; i++)
        p->units[i / 8] |= (uint8_t)(1u << i % 8);
    p->received += to - from;
    if (fragment->more)
        return;
    p->spoilt = p->spoilt || p->total;
    p->total = fragment->offset + length;
}

int fl_fragments_add(struct fl_fragments *f, const struct fl_packet *fragment, int64_t time_us,
                     struct fl_packet *out)
{
    struct partial *p = find(f, fragment, time_us);
    if (!p)
        return FL_ENOMEM;
    take(p, fragment);
    size_t units = (p->total + 7) / 8;
    if (p->spoilt || !p->total || p->received < units)
        return 0;
    if (p->received > units || count_units(p, 0, units) < units) { /* some lie behind its end */
        p->spoilt = true;
        return 0;
    }
    *out = (struct fl_packet){.src = p->src, .dst = p->dst};
    fl_packet_parse_udp(fl_cursor_over(p->bytes, p->total), out);
    p->used = false;
    return 1;
}
