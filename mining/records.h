/* The records of a span in compact form: hosts and exporters are numbers, each record stands under its
 * conversation, and all are in the order of conversations, so that the passes after it walk them once.
 *
 * Pure: no store, no clock. The same records give the same result whatever their order and however they were
 * split over gatherers. */
#ifndef FL_MINING_RECORDS_H
#define FL_MINING_RECORDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mining/intern.h"
#include "mining/order.h"
#include "storage/field.h"
#include "storage/flow.h"

/* What mining reads of a record. */
#define FL_RECORD_FIELDS                                                                                     \
    (FL_FIELD_START | FL_FIELD_END | FL_FIELD_EXPORTER | FL_FIELD_DOMAIN | FL_FIELD_SRC | FL_FIELD_DST |     \
     FL_FIELD_SRC_PORT | FL_FIELD_DST_PORT | FL_FIELD_PROTOCOL | FL_FIELD_TCP_FLAGS | FL_FIELD_END_REASON)

/* What matters of a record beside its numbers. */
enum {
    FL_RECORD_FROM_B = 1,       /* it went from b to a */
    FL_RECORD_SYN = 2,          /* TCP: a SYN was among its packets */
    FL_RECORD_ACK = 4,          /* TCP: an ACK was */
    FL_RECORD_CUT = 8,          /* the exporter says that its active timeout ended it */
    FL_RECORD_REASON_GIVEN = 16 /* the exporter says what ended it */
};

/* One direction of a conversation. Endpoint a is the lower one by host, then port; in ICMP a is the host that
 * asks (an echo reply is the other direction of its request), a_port 0 and b_port type << 8 | code, of the
 * request where there is one. Ports of protocols without them are 0. */
struct fl_record {
    int64_t start_ms, end_ms; /* end >= start */
    uint32_t a, b;            /* numbers of hosts */
    uint16_t a_port, b_port;
    uint16_t source; /* number of the exporter and domain */
    uint8_t protocol;
    uint8_t marks; /* FL_RECORD_* */
};

struct fl_source {
    struct fl_addr exporter;
    uint32_t domain;
};

struct fl_records {
    struct fl_addr *hosts; /* ascending */
    size_t n_hosts;
    struct fl_source *sources; /* ascending by exporter, domain */
    size_t n_sources;
    struct fl_record *items; /* by a, b, protocol, a_port, b_port, direction, source, start, end, marks */
    size_t n;
};

struct fl_gather { /* records on their way in; zeroed: none */
    struct fl_intern hosts, exporters, sources;
    struct fl_record *items; /* from a to b as exported, hosts numbered by first sight */
    size_t n, room;
    uint32_t last_src, last_dst, last_exporter, last_source;
    int (*stop)(void *ctx); /* asked between steps and blocks of finishing, on its thread; NULL: not */
    void *ctx;
};

/* Take records in. FL_ELIMIT beyond 65,535 sources or 2^31 records; FL_ENOMEM. */
int fl_gather_add(struct fl_gather *g, const struct fl_flow *flows, size_t n);
/* Number, orient and sort what n gatherers took in, on as many threads; they are empty after it, also on
 * failure. FL_ELIMIT as above, of all together; FL_ENOMEM; or what a `stop` returned when it was not 0. */
int fl_gathers_finish(struct fl_gather *gathers, uint32_t n, struct fl_records *out);
int fl_gather_finish(struct fl_gather *g, struct fl_records *out); /* of one */
void fl_gather_clear(struct fl_gather *g);

/* A stretch of time, [from, to). */
struct fl_stretch {
    int64_t from_ms, to_ms;
};
/* What of some records goes on to a later run: those that start in one of n stretches. */
struct fl_staying {
    const struct fl_stretch *stretches;
    size_t n_stretches, n;       /* so many records */
    atomic_uchar *host, *source; /* by number, 1: one of them names it */
};
/* Look which stay, on so many threads. The stretches are borrowed. FL_ENOMEM; *out is to be cleared. */
int fl_records_stay(struct fl_staying *out, const struct fl_records *r, const struct fl_stretch *stretches,
                    size_t n, uint32_t threads);
void fl_staying_clear(struct fl_staying *s);
/* Drop from `into` what does not stay, move the records of `more` to it, and drop the hosts and sources that
 * no record names any longer: one walk over both. `more` is empty after it; on failure `into` is as it was.
 * FL_ELIMIT, FL_ENOMEM. */
int fl_records_renew(struct fl_records *into, const struct fl_staying *stay, struct fl_records *more);
void fl_records_clear(struct fl_records *r);

/* Which conversation a record belongs to, as two numbers that order like the records. */
static inline uint64_t fl_record_hosts(const struct fl_record *r)
{
    return (uint64_t)r->a << 32 | r->b;
}
static inline uint64_t fl_record_ports(const struct fl_record *r)
{
    return (uint64_t)r->protocol << 32 | (uint64_t)r->a_port << 16 | r->b_port;
}
static inline bool fl_record_same_talk(const struct fl_record *x, const struct fl_record *y)
{
    return fl_record_hosts(x) == fl_record_hosts(y) && fl_record_ports(x) == fl_record_ports(y);
}
/* Protocol, ports, direction and source as one number. */
static inline uint64_t fl_record_lesser(const struct fl_record *r)
{
    return fl_record_ports(r) << 17 | (uint64_t)(r->marks & FL_RECORD_FROM_B) << 16 | r->source;
}
/* <0, 0, >0 in the order of records: 0 only for those alike in all. */
static inline int fl_record_compare(const struct fl_record *x, const struct fl_record *y)
{
    FL_ORDER(fl_record_hosts(x), fl_record_hosts(y));
    FL_ORDER(fl_record_lesser(x), fl_record_lesser(y));
    FL_ORDER(x->start_ms, y->start_ms);
    FL_ORDER(x->end_ms, y->end_ms);
    FL_ORDER(x->marks, y->marks);
    return 0;
}
static inline int fl_source_compare(const struct fl_source *x, const struct fl_source *y)
{
    int c = fl_addr_cmp(&x->exporter, &y->exporter);
    if (c != 0)
        return c;
    FL_ORDER(x->domain, y->domain);
    return 0;
}
static inline bool fl_record_same_direction(const struct fl_record *x, const struct fl_record *y)
{
    return fl_record_same_talk(x, y) && ((x->marks ^ y->marks) & FL_RECORD_FROM_B) == 0;
}
/* The first place in [at, n) where another conversation begins than at `at` - 1; n behind the last, 0 at 0.
 */
static inline size_t fl_record_next_talk(const struct fl_record *items, size_t n, size_t at)
{
    while (at > 0 && at < n && fl_record_same_talk(&items[at - 1], &items[at]))
        at++;
    return at;
}

/* Where part `part` of `parts` begins, between two conversations; the parts are about as long. */
static inline size_t fl_record_cut(const struct fl_record *items, size_t n, uint32_t part, uint32_t parts)
{
    return part < parts ? fl_record_next_talk(items, n, n / parts * part) : n;
}

/* Protocols with ports: TCP, UDP, SCTP, DCCP. */
bool fl_protocol_has_ports(uint8_t protocol);

#endif
