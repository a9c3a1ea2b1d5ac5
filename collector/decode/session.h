/* Sessions: what is remembered of an exporter between datagrams, and the sets that wait. */
#ifndef FL_COLLECTOR_SESSION_H
#define FL_COLLECTOR_SESSION_H

#include "collector/decode/boot.h"
#include "collector/decode/decode.h"
#include "collector/decode/fixbuf_decode.h"
#include "collector/decode/flowmap.h"
#include "collector/decode/layout.h"
#include "collector/decode/sequence.h"
#include "collector/decode/timeouts.h"

struct fl_session_key {
    struct fl_addr address;
    uint32_t domain;
    uint16_t source_port, version;
};

struct fl_template {
    uint32_t id; /* first: the hash key */
    struct fl_session *session;
    struct fl_layout *layout;
    int64_t defined_ms; /* receive time of the newest definition */
    int64_t told_ms;    /* of the definition that fl_decoder_changed_templates last told */
    size_t cost_bytes;  /* what it counts against the bounds */
    GList link;         /* in fl_session.by_age */
    GList change;       /* in fl_decoder.changed while `changes` */
    bool changes, told;
    uint16_t length; /* of its wire bytes, from its id on */
    uint8_t *bytes;
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
    GList link;  /* in fl_session.orphans or .settling */
    GList by_id; /* an orphan: in fl_orphans.sets */
    uint8_t bytes[];
};

/* The sets of a session that wait for one template, so that its coming costs no search. */
struct fl_orphans {
    guint id; /* first: the hash key */
    GQueue sets;
};

/* Sessions by rank, each queue with the newest heard first. */
struct fl_ranks {
    GQueue unproven, proven;
};

/* An exporter's address: what all of its sessions take together. */
struct fl_source {
    struct fl_addr address; /* first: the hash key */
    struct fl_ranks sessions;
    size_t template_bytes, held_bytes;
};

/* Flows a second over about a minute. */
struct fl_rate {
    int64_t since_ms; /* of the stretch that is being counted */
    uint64_t flows;   /* at its beginning */
    double per_s;     /* before it */
};

struct fl_session {
    struct fl_session_key key; /* first: the hash key */
    struct fl_source *source;
    bool proven;
    GList rank;        /* in one of fl_decoder.sessions */
    GList source_rank; /* in one of fl_source.sessions */
    GList waits;       /* in fl_decoder.waiting while something is held */
    struct fl_exporter_stats stats;
    struct fl_sequence sequence;
    struct fl_timeouts timeouts;
    struct fl_rate rate;
    struct fl_boot boot;
    bool settled;            /* the boot interval is exact, or was waited for long enough */
    int64_t settle_since_ms; /* receive time of the first set that waits for it */
    int64_t init_ms;         /* systemInitTimeMilliseconds from options data, or 0 */
    struct fl_sampling sampling;
    uint32_t configured_sampling;
    GHashTable *templates;
    GQueue by_age;   /* templates, oldest definition first */
    GQueue settling; /* held sets that wait for the boot time */
    GQueue orphans;  /* held sets that wait for their template */
    GHashTable *orphans_by_id;
    size_t held_bytes;
};

enum { FL_BLOCK = 16 };

struct fl_decoder {
    struct fl_decoder_limits limits;
    fl_flows_fn *fn;
    fl_room_fn *room; /* or NULL */
    void *ctx;
    struct fl_fixbuf *fixbuf;
    GHashTable *layouts, *by_key, *sources;
    struct fl_ranks sessions;
    const struct fl_session *busy; /* whose datagram is at work: never pushed out */
    GQueue waiting;                /* sessions with held sets */
    size_t template_bytes, held_bytes;
    GHashTable *restored; /* struct fl_restored by session key */
    GQueue restored_age;  /* oldest restored first */
    size_t restored_bytes;
    GQueue changed; /* templates to tell of */
    GQueue gone;    /* struct fl_gone: those to tell of that are no more */
    uint64_t stray, dropped;
    int64_t now_ms, swept_ms;
    struct fl_layout *v5;
    struct fl_set_at_work at_work;
    struct fl_layout_draft draft;
    struct fl_layout *block_layout;   /* whose plan laid the records in `block` */
    struct fl_record block[FL_BLOCK]; /* fields that it has not are zero */
    size_t n_block;                   /* records of it that may be otherwise */
    struct fl_flow *flows;            /* of the data set at work, not yet handed on: in `batch` or in room
                                       * that was given; NULL: none yet */
    size_t n_flows;
    struct fl_flow batch[FL_BATCH];
};

/* ---- session.c ---- */

guint fl_session_key_hash(gconstpointer key);
gboolean fl_session_key_equal(gconstpointer a, gconstpointer b);
/* The session of a key, made when there is none, marked as the newest and as the busy one; within the bounds
 * others go. */
struct fl_session *fl_session_get(struct fl_decoder *d, const struct fl_session_key *key,
                                  const struct fl_sender *from, int64_t now_ms);
/* Hand on what waits and can be decoded, forget the rest, free. */
void fl_session_drop(struct fl_decoder *d, struct fl_session *s);
/* It handed on flows, or did so in an earlier life: no unproven one pushes it out from now on. */
void fl_session_prove(struct fl_decoder *d, struct fl_session *s);
/* Make room by dropping, of the sessions in `ranks` (`templates`: that have some), the unproven one that is
 * unheard for longest, else, when `for_whom` is proven, the proven one. False when none can go. */
bool fl_session_push_out(struct fl_decoder *d, struct fl_ranks *ranks, const struct fl_session *for_whom,
                         bool templates);
/* Time passes for its rate: to be called before flows are added. */
void fl_session_pace(struct fl_session *s, int64_t now_ms);
GHashTable *fl_source_table_new(void);

/* ---- template.c ---- */

/* Define a template (layout: ownership passes; wire bytes are copied), data that waited for it goes on.
 * Returns records handed on. One for which there is no room is not learned. */
int fl_template_define(struct fl_decoder *d, struct fl_session *s, uint16_t id, struct fl_layout *layout,
                       struct fl_cursor wire, int64_t now_ms);
/* It was sent again as it is. */
void fl_template_refresh(struct fl_decoder *d, struct fl_template *t, int64_t now_ms);
void fl_template_withdraw(struct fl_decoder *d, struct fl_session *s, uint16_t id);
/* Withdraw every template, or every options template (RFC 7011 section 8.1). */
void fl_template_withdraw_all(struct fl_decoder *d, struct fl_session *s, bool options);
void fl_template_expire(struct fl_decoder *d, struct fl_session *s, int64_t before_ms);
void fl_template_forget_all(struct fl_decoder *d, struct fl_session *s);
/* The template of an id, or NULL. */
struct fl_template *fl_template_find(const struct fl_session *s, uint16_t id);

/* ---- restore.c ---- */

/* Give a new session the templates of its earlier life. */
void fl_restored_adopt(struct fl_decoder *d, struct fl_session *s, int64_t now_ms);
void fl_restored_expire(struct fl_decoder *d, int64_t before_ms);
void fl_restored_free(struct fl_decoder *d);
/* To be told of with the next fl_decoder_changed_templates. */
void fl_template_changed(struct fl_decoder *d, struct fl_template *t);
void fl_template_gone(struct fl_decoder *d, struct fl_template *t);

/* ---- hold.c ---- */

/* Decode a data set's content, or hold it. Returns records handed on; FL_EMALF when shorter than one record.
 */
int fl_session_data(struct fl_decoder *d, struct fl_session *s, const struct fl_header *header,
                    uint16_t set_id, struct fl_layout *layout, struct fl_cursor content);
/* Give the sets that waited for this template their layout and another try. Returns records handed on. */
int fl_session_adopt_held(struct fl_decoder *d, struct fl_session *s, const struct fl_template *t);
/* Another boot: what waits belongs to the old one, given as `old`. */
int fl_session_restart(struct fl_decoder *d, struct fl_session *s, const struct fl_boot *old);
/* Hand on what has waited long enough at `now_ms`, or (all) everything that can be decoded. */
int fl_session_release(struct fl_decoder *d, struct fl_session *s, int64_t now_ms, bool all);

#endif
