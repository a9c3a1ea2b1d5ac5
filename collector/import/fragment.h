/* Puts IP fragments together again, as the receiving host would have done: export datagrams larger than the
 * MTU come in several packets. Bounded: the oldest datagram under way goes when too many are. Fragments that
 * overlap in part spoil their datagram (RFC 5722); one that comes twice is ignored. */
#ifndef FL_COLLECTOR_FRAGMENT_H
#define FL_COLLECTOR_FRAGMENT_H

#include "collector/import/packet.h"

struct fl_fragments;

struct fl_fragments *fl_fragments_new(void); /* NULL without memory */
void fl_fragments_free(struct fl_fragments *f);
/* Take one (kind FL_PACKET_FRAGMENT), captured at `time_us`. Returns 1 when it completes its datagram, which
 * *out then describes (FL_PACKET_UDP, or FL_PACKET_OTHER when it makes none; borrowed until the next call); 0
 * when not; FL_ENOMEM. */
int fl_fragments_add(struct fl_fragments *f, const struct fl_packet *fragment, int64_t time_us,
                     struct fl_packet *out);
/* Give up those under way. */
void fl_fragments_flush(struct fl_fragments *f);
/* Datagrams given up because parts of them were missing or overlapped. */
uint64_t fl_fragments_lost(const struct fl_fragments *f);

#endif
