/* Bloom filters over a chunk's addresses and ports: filling, folding, asking. */
#include "storage/bloom.h"

#include <string.h>

enum { probes = 3, probe_shift = 20 };

static uint64_t port_hash(uint16_t port)
{
    uint64_t h = (port + UINT64_C(1)) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 31);
}

/* The stored format depends on this, so it is kept apart from the hash that tables in memory use. */
static uint64_t addr_hash(const struct fl_addr *a)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (int i = 0; i < 16; i += 4) {
        uint32_t word =
            (uint32_t)a->b[i] << 24 | (uint32_t)a->b[i + 1] << 16 | (uint32_t)a->b[i + 2] << 8 | a->b[i + 3];
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h;
}

static void add(struct fl_bloom *f, uint64_t h)
{
    for (int i = 0; i < probes; i++, h >>= probe_shift) {
        size_t bit = h & (FL_BLOOM_MAX_BYTES * 8 - 1);
        f->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
}

static bool may_have(const uint8_t *bits, size_t bytes, uint64_t h)
{
    if (!bits || bytes < FL_BLOOM_MIN_BYTES || bytes > FL_BLOOM_MAX_BYTES || (bytes & (bytes - 1)))
        return true;
    for (int i = 0; i < probes; i++, h >>= probe_shift) {
        size_t bit = h & (bytes * 8 - 1);
        if (!(bits[bit / 8] & 1u << bit % 8))
            return false;
    }
    return true;
}

/* How many bits are set in the filter folded to `bytes`. */
static size_t bits_when_folded(const struct fl_bloom *f, size_t bytes)
{
    size_t set = 0;
    for (size_t i = 0; i < bytes; i++)
        set += (size_t)__builtin_popcount(f->bits[i] | f->bits[i + bytes]);
    return set;
}

static void fold(struct fl_bloom *f)
{
    while (f->bytes > FL_BLOOM_MIN_BYTES) {
        size_t half = f->bytes / 2;
        if (bits_when_folded(f, half) > half * 8 / 3) /* a third full: 1 wrong yes in 27 */
            return;
        for (size_t i = 0; i < half; i++)
            f->bits[i] |= f->bits[i + half];
        f->bytes = half;
    }
}

void fl_bloom_build(struct fl_bloom *out, const struct fl_flow *flows, size_t n)
{
    memset(out->bits, 0, sizeof out->bits);
    out->bytes = sizeof out->bits;
    for (size_t i = 0; i < n; i++) {
        const struct fl_flow *f = &flows[i], *before = i ? f - 1 : NULL;
        if (!before || fl_addr_cmp(&f->src, &before->src) != 0)
            add(out, addr_hash(&f->src));
        if (!before || fl_addr_cmp(&f->dst, &before->dst) != 0)
            add(out, addr_hash(&f->dst));
        add(out, port_hash(f->src_port));
        add(out, port_hash(f->dst_port));
    }
    fold(out);
}

bool fl_bloom_may_have_addr(const uint8_t *bits, size_t bytes, const struct fl_addr *a)
{
    return may_have(bits, bytes, addr_hash(a));
}

bool fl_bloom_may_have_port(const uint8_t *bits, size_t bytes, uint16_t port)
{
    return may_have(bits, bytes, port_hash(port));
}
