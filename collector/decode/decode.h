/* From datagrams to flow records: the whole of what flowlore knows about NetFlow v5, NetFlow v9 and IPFIX on
 * the wire. No sockets, no clock, no store here: bytes, a sender and a time come in, records and counts go
 * out.
 *
 * A session is (exporter address, UDP source port, observation domain, version). Everything kept has a bound,
 * for each exporter address and in all, because anyone can send under any address. A session is proven once
 * it has handed on a flow, or when it comes back with templates of an earlier life. An unproven one never
 * pushes out a proven one: an eighth of the places is for the unproven, who push out each other, and a
 * session that is proven beyond the other seven eighths pushes out the proven one that was unheard for
 * longest. Malformed input costs the datagram, never the process. */
#ifndef FL_COLLECTOR_DECODE_H
#define FL_COLLECTOR_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "storage/error.h"
#include "storage/flow.h"
#include "storage/exporter.h"

struct fl_decoder;

struct fl_decoder_limits {
    size_t sessions;               /* 4096 in all; about 5 KiB each */
    size_t sessions_address;       /* 256 of one exporter address */
    size_t templates;              /* 1024 a session; the one defined longest ago goes */
    size_t template_bytes;         /* 64 MiB in all: fields, plans and wire bytes, as if none were shared */
    size_t template_bytes_address; /* 8 MiB of one exporter address */
    size_t restored_bytes;       /* 16 MiB of templates from an earlier life whose session is not yet heard */
    size_t held_bytes;           /* 4 MiB a session; its oldest go, and count in unknown_template */
    size_t held_bytes_address;   /* 16 MiB of one exporter address */
    size_t held_bytes_all;       /* 64 MiB in all */
    int64_t settle_ms;           /* 2000: how long the first v9 datagrams wait for the boot time to settle */
    int64_t hold_ms;             /* 300000: how long data waits for its template; then each data set counts
                                  * once in unknown_template */
    int64_t max_future_ms;       /* 300000: a time further ahead of the receive time is not believed */
    int64_t template_timeout_ms; /* 86400000 */
};
void fl_decoder_limits_init(struct fl_decoder_limits *limits);

enum { FL_BATCH = 128 };

/* Called with up to FL_BATCH records of one data set in the order they came, none only where room was given;
 * `flows` is valid during the call. The decoder must not be called from within. */
typedef void fl_flows_fn(void *ctx, const char *location, const struct fl_flow *flows, size_t n);

/* Where n flows (at most FL_BATCH) of one location, which may be made next, can be laid to be handed on from
 * there without copying; NULL: nowhere. When it gave room, fl_flows_fn follows before anything else, with
 * what came of it: perhaps none. From then on the room belongs to whoever gave it again, and is not read. */
typedef struct fl_flow *fl_room_fn(void *ctx, const char *location, size_t n);

/* The data set whose records are being handed on: a set that waited comes later than its datagram. */
struct fl_set_at_work {
    struct fl_addr address;
    uint32_t domain;
    uint16_t source_port, version, id;
    int64_t received_ms; /* of its datagram */
};
const struct fl_set_at_work *fl_decoder_at_work(const struct fl_decoder *d);

int fl_decoder_new(struct fl_decoder **out, const struct fl_decoder_limits *limits, fl_flows_fn *fn,
                   void *ctx);
void fl_decoder_free(struct fl_decoder *d);
/* Ask for room before making flows, with the context of fn. */
void fl_decoder_set_room(struct fl_decoder *d, fl_room_fn *room);
/* Adopt new limits (HUP). */
void fl_decoder_set_limits(struct fl_decoder *d, const struct fl_decoder_limits *limits);

/* Who sent a datagram, and what the configuration says of that sender. */
struct fl_sender {
    struct fl_addr address;
    uint16_t source_port;
    const char *location; /* copied */
    uint32_t sampling; /* configured: one packet in so many, whatever the exporter says; 0: not configured */
};
/* Decode one datagram. Returns the number of records handed on (records held until their template or boot
 * time is known come later; none of a duplicate: collector/decode/sequence.h), or FL_EMALF: counted, nothing
 * harmed. A datagram whose set lengths or templates are wrong is refused whole; a data set shorter
 * than its record costs that set, the others still count. */
int fl_decode(struct fl_decoder *d, const uint8_t *bytes, size_t length, const struct fl_sender *from,
              int64_t received_ms);
/* Time passes: hand on what has waited long enough, expire templates. Call about every 100 ms; costs nothing
 * to speak of while nothing waits. */
void fl_decoder_tick(struct fl_decoder *d, int64_t now_ms);
/* Hand on everything that waits, at the end. */
void fl_decoder_flush(struct fl_decoder *d, int64_t now_ms);

/* Templates over a restart. fl_decoder_restore remembers one from an earlier life (bytes are copied), which
 * serves as soon as its session is heard of, unless it has expired by then; FL_EMALF when it is not a
 * template. fl_decoder_changed_templates hands on those defined, redefined, withdrawn or expired since it was
 * last called; one that is only sent again counts as changed once in ten minutes. A non-zero return of fn
 * ends it, is returned, and leaves that one and the rest for the next call. One that came and went between
 * two calls is not mentioned, nor is what goes with fl_decoder_free; templates that are forgotten because a
 * bound was reached count as withdrawn (not restored ones whose session is not yet heard). */
int fl_decoder_restore(struct fl_decoder *d, const struct fl_wire_template *t);
int fl_decoder_changed_templates(struct fl_decoder *d, fl_wire_template_fn *fn, void *ctx);

/* Malformed datagrams that belong to no session (too short, unknown version). */
uint64_t fl_decoder_stray(const struct fl_decoder *d);
/* Sessions that went because a bound was reached. */
uint64_t fl_decoder_dropped(const struct fl_decoder *d);
/* Copy out what is known of each session, newest first; at most `most`; returns how many. */
size_t fl_decoder_stats(const struct fl_decoder *d, struct fl_exporter_stats *out, size_t most);

#endif
