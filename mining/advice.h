/* What an operator should change: from an exporter's figures, and the service's, to sentences that name the
 * exporter, the figure and the remedy in the router's own words. Pure: figures and a time come in. */
#ifndef FL_MINING_ADVICE_H
#define FL_MINING_ADVICE_H

#include <stddef.h>
#include <stdint.h>

#include "storage/exporter.h"

enum fl_advice_kind {
    /* of an exporter, in the order in which they are handed on */
    FL_ADVICE_SILENT,           /* sends nothing while others do; figure: milliseconds */
    FL_ADVICE_LOSS,             /* figure: what was lost, in its dialect's unit */
    FL_ADVICE_NO_TEMPLATE,      /* data without a template, given up or waiting; figure: data sets */
    FL_ADVICE_MALFORMED,        /* figure: datagrams */
    FL_ADVICE_DUPLICATES,       /* figure: datagrams */
    FL_ADVICE_RESTARTS,         /* figure: how often */
    FL_ADVICE_NOT_FLOWS,        /* only records without addresses; figure: records */
    FL_ADVICE_NO_DATA,          /* templates, but never a record; figure: datagrams */
    FL_ADVICE_CLOCK,            /* figure: milliseconds, the exporter's clock minus ours */
    FL_ADVICE_NO_TIME,          /* records without usable time; figure: records */
    FL_ADVICE_ACTIVE_TIMEOUT,   /* figure: milliseconds */
    FL_ADVICE_INACTIVE_TIMEOUT, /* figure: milliseconds */
    FL_ADVICE_SAMPLING,         /* figure: one packet in so many */
    FL_ADVICE_SAMPLING_DIFFERS, /* configured against told; figure: what is told */
    /* of the service */
    FL_ADVICE_KERNEL_DROPS, /* figure: datagrams */
    FL_ADVICE_QUEUE_SHED,   /* figure: flows */
    FL_ADVICE_DISK_SHED,    /* figure: flows */
    FL_ADVICE_REFUSED,      /* one a sender, or one where they are not known; figure: datagrams */
    FL_ADVICE_STRAY,        /* datagrams of no known version; figure: datagrams */
    FL_ADVICE_SESSIONS,     /* sessions dropped; figure: sessions */
    /* of a location */
    FL_ADVICE_UNCLEAN, /* no run over whole data for two days: one bad hour makes those of a day unclean;
                          figure: runs since the last one */
    FL_ADVICE_KINDS
};
struct fl_advice {
    enum fl_advice_kind kind;
    const struct fl_addr *address; /* of the exporter or refused sender, borrowed; NULL: of the service */
    int64_t figure;
    char text[640]; /* the first sentence says what is the matter, the others what to do */
};
typedef void fl_advice_fn(void *ctx, const struct fl_advice *advice);

/* What advice depends on besides the figures. */
struct fl_advice_view {
    int64_t at_ms;                          /* wall clock at which the figures were right */
    int64_t newest_ms;                      /* wall clock at which any exporter was last heard of */
    const struct fl_service_stats *service; /* NULL: none ever ran */
    const char *location;                   /* the only location there is; NULL: none or several */
    int64_t receive_buffer_bytes;           /* as configured */
};

/* "loss", "clock": names for JSON. */
const char *fl_advice_name(enum fl_advice_kind kind);
/* Advice on one exporter from its `n` >= 1 sessions; those not heard of in the day before at_ms count only
 * for FL_ADVICE_SILENT. */
void fl_advise_exporter(const struct fl_exporter_stats *sessions, size_t n, const struct fl_advice_view *view,
                        fl_advice_fn *fn, void *ctx);
/* Runs of a location since the last one over whole data, or since its first. */
struct fl_unclean_runs {
    const char *location;
    const char *why; /* what was wrong with the data of the newest */
    size_t n;
    int64_t first_ms, newest_ms; /* data time: where the last one over whole data, or the first, ended; now */
};
void fl_advise_location(const struct fl_unclean_runs *runs, fl_advice_fn *fn, void *ctx);
/* Advice on the service; `stray` datagrams belong to no session. */
void fl_advise_service(const struct fl_advice_view *view, uint64_t stray, fl_advice_fn *fn, void *ctx);

#endif
