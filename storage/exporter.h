/* What the service knows of those who send to it: figures a session and in all, and the templates that must
 * outlive a restart. The collector fills these in, the rules database keeps them, `flowlore status` shows
 * them.
 *
 * A session is (exporter address, UDP source port, observation domain, version). */
#ifndef FL_STORAGE_EXPORTER_H
#define FL_STORAGE_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/addr.h"
#include "storage/config.h"

/* One session. Counters are absolute since the session began. */
struct fl_exporter_stats {
    struct fl_addr address;
    uint16_t source_port;
    uint32_t domain;
    uint8_t version; /* 5, 9, 10 */
    char location[FL_LOCATION_NAME];
    uint64_t packets;    /* datagrams */
    uint64_t flows;      /* flow records made of them */
    uint64_t lost;       /* by sequence numbers; v5: flows, v9: datagrams, IPFIX: data records */
    uint64_t reordered;  /* datagrams that came late */
    uint64_t duplicates; /* datagrams that came twice */
    uint64_t restarts;   /* how often its numbers or its boot time began anew */
    uint64_t
        malformed; /* datagrams refused, whole or in part; data sets that waited and then fit no template */
    uint64_t unknown_template; /* data sets whose template never came */
    uint64_t waiting;          /* data sets that wait for their template now */
    uint64_t not_flows;        /* data records without addresses: layer 2, counters, events */
    uint64_t options;          /* records of options data */
    uint64_t time_fallbacks;   /* flow records stamped with receive time */
    uint32_t templates;        /* held now, options templates too */
    int64_t template_oldest_ms, template_newest_ms; /* wall clock of their last definitions; 0: none */
    uint32_t sampling;                              /* one packet in so many, as stored */
    uint8_t sampling_source;                        /* enum fl_sampling_source */
    uint32_t sampling_told;                         /* what the exporter itself says; 0: nothing */
    int64_t clock_skew_ms;                          /* exporter's clock minus ours at the newest datagram */
    int64_t active_timeout_ms;   /* told in options data (36) or learned from its flows; 0: not known */
    int64_t inactive_timeout_ms; /* likewise (37) */
    double flows_per_s;          /* over about the last minute */
    int64_t first_seen_ms, last_seen_ms; /* wall clock */
};

/* A sender that no location holds. */
struct fl_refused_sender {
    struct fl_addr address;
    uint64_t datagrams;
    int64_t last_seen_ms; /* wall clock */
};
enum { FL_REFUSED_SENDERS = 16 };

/* The service as a whole. A datagram is counted once in `datagrams`, and then in at most one of refused and
 * malformed. */
struct fl_service_stats {
    uint64_t datagrams;             /* read from the sockets */
    uint64_t refused;               /* from an address of no location */
    uint64_t malformed;             /* refused by the decoder */
    uint64_t kernel_drops;          /* datagrams lost before they could be read, as the kernel counts them */
    uint64_t queue_shed;            /* flow records given up because storing was behind */
    uint64_t disk_shed;             /* flow records given up because the disk refused them */
    uint64_t stored;                /* flow records made durable */
    uint64_t sessions_dropped;      /* sessions forgotten because a bound was reached */
    int64_t started_ms, updated_ms; /* wall clock */
    bool running;
    size_t n_refused_senders; /* those that sent most lately */
    struct fl_refused_sender refused_senders[FL_REFUSED_SENDERS];
};

/* A template of a session, as it came in. */
struct fl_wire_template {
    struct fl_addr address;
    uint16_t source_port;
    uint32_t domain;
    uint8_t version;      /* 9, 10 */
    uint16_t id;          /* 256.. */
    bool options;         /* an options template */
    int64_t defined_ms;   /* wall clock of its last definition */
    const uint8_t *bytes; /* its template record (RFC 3954 section 5.2, 6.1; RFC 7011 section 3.4) from its id
                           * on; borrowed */
    size_t length;        /* 0: withdrawn or expired */
};
typedef int fl_wire_template_fn(void *ctx, const struct fl_wire_template *t);

#endif
