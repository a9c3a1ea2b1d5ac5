/* What the lanes know of those who send, published for the storing thread: counters at once, the rest about
 * once a second.
 *
 * A datagram is counted once in `datagrams`, and then in at most one of refused and malformed. */
#ifndef FL_COLLECTOR_CENSUS_H
#define FL_COLLECTOR_CENSUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/decode/decode.h"
#include "storage/exporter.h"

enum { FL_CENSUS_SESSIONS = 4096 }; /* a lane: as many as its decoder keeps */

/* Written by one lane, read by any thread. */
struct fl_lane_counters {
    _Alignas(64) _Atomic uint64_t datagrams; /* read from the sockets */
    _Atomic uint64_t refused;                /* from an address of no location */
    _Atomic uint64_t malformed;              /* refused by the decoder */
    _Atomic uint64_t kernel_drops;           /* lost before they could be read */
    _Atomic uint64_t queue_shed;             /* flow records given up because storing was behind */
};
/* The writer's way to count. */
static inline void fl_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

struct fl_census;

int fl_census_new(struct fl_census **out, size_t lanes); /* FL_ENOMEM */
void fl_census_free(struct fl_census *c);

/* ---- a lane's thread ---- */
struct fl_lane_counters *fl_census_counters(struct fl_census *c, size_t lane);
/* A sender that no location holds, and one whose datagram the decoder refused; both are counted here. */
void fl_census_refused(struct fl_census *c, size_t lane, const struct fl_addr *sender, int64_t now_ms);
void fl_census_malformed(struct fl_census *c, size_t lane, const struct fl_addr *sender, int64_t now_ms);
/* Copy out what the decoder knows. Templates that do not fit wait for the next call. */
void fl_census_publish(struct fl_census *c, size_t lane, struct fl_decoder *d);

/* ---- the storing thread ---- */
/* Fill in what the lanes know, summed; the rest of *out is left as it is. */
void fl_census_total(struct fl_census *c, struct fl_service_stats *out);
/* Every session, ordered by address, port, domain and version; at most FL_CENSUS_SESSIONS a lane. Returns how
 * many. A session that two lanes have heard of (who sends to two ports from one) is told once, summed. */
size_t fl_census_exporters(struct fl_census *c, struct fl_exporter_stats *out);
/* Order of sessions: by address, port, domain and version. */
int fl_census_compare(const void *a, const void *b);
/* Whose datagram was refused by the decoder last; false when none was. */
bool fl_census_last_malformed(struct fl_census *c, struct fl_addr *sender);

/* Templates on their way to the rules database, with their bytes. */
struct fl_template_list {
    struct fl_wire_template *items;
    size_t n, room, bytes;
};
/* Move what was published to the end of *list; it stays in the census when memory is short. */
void fl_census_templates(struct fl_census *c, struct fl_template_list *list);
void fl_template_list_clear(struct fl_template_list *list);

#endif
