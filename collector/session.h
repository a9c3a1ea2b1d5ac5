/* Sessions: what is remembered of an exporter between datagrams, and the sets that wait. */
#ifndef FL_COLLECTOR_SESSION_H
#define FL_COLLECTOR_SESSION_H

#include "collector/boot.h"
#include "collector/decode.h"
#include "collector/fixbuf_decode.h"
#include "collector/flowmap.h"
#include "collector/layout.h"
#include "collector/sequence.h"

struct fl_session_key {
    struct fl_addr address;
    uint32_t domain;
    uint16_t source_port, version;
};

struct fl_template {
    uint32_t id; /* first: the hash key */
    struct fl_layout *layout;
    int64_t defined_ms; /* receive time of the newest definition */
    GList link;         /* in fl_session.by_age */
};

/* What a datagram's header says, kept with every set of it that waits. */
struct fl_header {
    int64_t received_ms, export_ms;
    uint32_t uptime_ms;
};

/* A data set that waits: for its template (layout NULL) or for the boot time. */
struct fl_held {
    struct fl_header header;
    struct fl_layout *layout;
    uint16_t set_id;
    size_t length;
    GList link; /* in fl_session.held */
    uint8_t bytes[];
};

struct fl_session {
    struct fl_session_key key; /* first: the hash key */
    GList link;                /* in fl_decoder.recent */
    struct fl_exporter_stats stats;
    struct fl_sequence sequence;
    struct fl_boot boot;
    bool settled;            /* the boot interval is exact, or was waited for long enough */
    int64_t settle_since_ms; /* receive time of the first set that waits for it */
    size_t settling;         /* sets that wait for it */
    int64_t init_ms;         /* systemInitTimeMilliseconds from options data, or 0 */
    struct fl_sampling sampling;
    uint32_t configured_sampling;
    GHashTable *templates;
    GQueue by_age; /* templates, oldest definition first */
    GQueue held;
    size_t held_bytes;
};

enum { FL_BATCH = 128 };

struct fl_decoder {
    struct fl_decoder_limits limits;
    fl_flows_fn *fn;
    void *ctx;
    struct fl_fixbuf *fixbuf;
    GHashTable *layouts, *sessions;
    GQueue recent; /* sessions, newest first */
    size_t held_bytes;
    uint64_t stray;
    int64_t swept_ms;
    struct fl_layout *v5;
    struct fl_layout_draft draft;
    size_t n_batch; /* flows of the data set at work, not yet handed on */
    struct fl_flow batch[FL_BATCH];
};

/* The session of a key, made when there is none, marked as the newest; the oldest goes at the bound. */
struct fl_session *fl_session_get(struct fl_decoder *d, const struct fl_session_key *key,
                                  const struct fl_sender *from, int64_t now_ms);
/* Hand on what waits and can be decoded, forget the rest, free. */
void fl_session_drop(struct fl_decoder *d, struct fl_session *s);

/* Define a template (layout: ownership passes), data that waited for it goes on. Returns records handed on.
 */
int fl_session_define(struct fl_decoder *d, struct fl_session *s, uint16_t id, struct fl_layout *layout,
                      int64_t now_ms);
void fl_session_withdraw(struct fl_session *s, uint16_t id);
/* Withdraw every template, or every options template (RFC 7011 section 8.1). */
void fl_session_withdraw_all(struct fl_session *s, bool options);
void fl_session_expire_templates(struct fl_session *s, int64_t before_ms);
/* The layout of a template id, or NULL; borrowed. */
struct fl_layout *fl_session_layout(const struct fl_session *s, uint16_t id);

/* Decode a data set's content, or hold it. Returns records handed on; FL_EMALF when shorter than one record.
 */
int fl_session_data(struct fl_decoder *d, struct fl_session *s, const struct fl_header *header,
                    uint16_t set_id, struct fl_layout *layout, struct fl_cursor content);
/* Another boot: what waits belongs to the old one, given as `old`. */
int fl_session_restart(struct fl_decoder *d, struct fl_session *s, const struct fl_boot *old);
/* Hand on what has waited long enough at `now_ms`, or (all) everything that can be decoded. */
int fl_session_release(struct fl_decoder *d, struct fl_session *s, int64_t now_ms, bool all);

#endif
