/* A Bloom filter (B. H. Bloom, CACM 13(7), 1970) of the addresses and ports in a chunk, so that a question
 * for one host or port need not unpack chunks without it. It never says no wrongly.
 *
 * A filter is 2^k bits, 64 bytes to 4 KiB, least significant bit first; each item sets three bits. It is
 * filled at full size and then folded in half while it stays sparse, which needs no count of distinct items.
 */
#ifndef FL_STORAGE_BLOOM_H
#define FL_STORAGE_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/flow.h"

enum { FL_BLOOM_MIN_BYTES = 64, FL_BLOOM_MAX_BYTES = 4096 };

struct fl_bloom {
    uint8_t bits[FL_BLOOM_MAX_BYTES];
    size_t bytes; /* a power of two */
};

/* The filter of both addresses and both ports of every record: start, add each, finish. `before` is a record
 * that was added already, or NULL; what both have in common costs nothing. */
void fl_bloom_start(struct fl_bloom *f);
void fl_bloom_add(struct fl_bloom *f, const struct fl_flow *flow, const struct fl_flow *before);
void fl_bloom_finish(struct fl_bloom *f);
/* False: certainly not among them. A filter of a size we do not write answers true, as does NULL. */
bool fl_bloom_may_have_addr(const uint8_t *bits, size_t bytes, const struct fl_addr *a);
bool fl_bloom_may_have_port(const uint8_t *bits, size_t bytes, uint16_t port);

#endif
