/* Bloom filters over a chunk's addresses and ports: filling, folding, asking. */
#include "storage/bloom.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

enum { probes = 3, probe_shift = 20 };

static uint64_t port_hash(uint16_t port)
{
    uint64_t h = (port + UINT64_C(1)) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 31);
}

static uint64_t mix(uint64_t h, uint32_t word)
{
    h = (h ^ word) * 0xff51afd7ed558ccdu;
    return h ^ h >> 32;
}

/* The stored format depends on this, so it is kept apart from the hash that tables in memory use. */
static uint64_t addr_hash(const struct fl_addr *a)
{
    static const uint64_t seed = 0xcbf29ce484222325u;
    uint32_t words[4];
    memcpy(words, a->b, sizeof words);
    if (fl_addr_is_v4(a)) /* three steps of four are always the same: the compiler takes them */
        return mix(mix(mix(mix(seed, 0), 0), 0xffff), ntohl(words[3]));
    return mix(mix(mix(mix(seed, ntohl(words[0])), ntohl(words[1])), ntohl(words[2])), ntohl(words[3]));
}

/* Eight bytes at a time. */
static void add(struct fl_bloom *f, uint64_t h)
{
    for (int i = 0; i < probes; i++, h >>= probe_shift) {
        size_t bit = h & (FL_BLOOM_MAX_BYTES * 8 - 1);
        uint8_t *at = f->bits + bit / 64 * 8;
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word |= htole64(UINT64_C(1) << bit % 64);
        memcpy(at, &word, sizeof word);
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

/* How many bits are set, counted side by side (H. S. Warren, Hacker's Delight, section 5-1). */
static unsigned count_bits(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(x * 0x0101010101010101u >> 56);
}

/* How many bits are set in the filter folded to `bytes`. */
static size_t bits_when_folded(const struct fl_bloom *f, size_t bytes)
{
    size_t set = 0;
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t low, high;
        memcpy(&low, f->bits + i, sizeof low);
        memcpy(&high, f->bits + bytes + i, sizeof high);
        set += count_bits(low | high);
    }
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

void fl_bloom_start(struct fl_bloom *f)
{
    memset(f->bits, 0, sizeof f->bits);
    f->bytes = sizeof f->bits;
}

void fl_bloom_add(struct fl_bloom *f, const struct fl_flow *flow, const struct fl_flow *before)
{
    if (!before || fl_addr_cmp(&flow->src, &before->src) != 0)
        add(f, addr_hash(&flow->src));
    if (!before || fl_addr_cmp(&flow->dst, &before->dst) != 0)
        add(f, addr_hash(&flow->dst));
    if (!before || flow->src_port != before->src_port)
        add(f, port_hash(flow->src_port));
    if (!before || flow->dst_port != before->dst_port)
        add(f, port_hash(flow->dst_port));
}

void fl_bloom_finish(struct fl_bloom *f)
{
    fold(f);
}

bool fl_bloom_may_have_addr(const uint8_t *bits, size_t bytes, const struct fl_addr *a)
{
    return may_have(bits, bytes, addr_hash(a));
}

bool fl_bloom_may_have_port(const uint8_t *bits, size_t bytes, uint16_t port)
{
    return may_have(bits, bytes, port_hash(port));
}
