/* The outbox: what happened to alerts, and which sink has been told of it. It stands in the rules database,
 * so that neither a restart nor a sink that is away for days loses anything: at least once.
 *
 * Triggers of the schema write an event in the transaction that opens, changes or closes an alert, whoever
 * does it. The service lays new events out for its sinks, takes them one by one, and notes what came of each
 * attempt. */
#ifndef FL_STORAGE_RULESDB_SINK_H
#define FL_STORAGE_RULESDB_SINK_H

#include <stdint.h>

#include "storage/rulesdb.h"
#include "storage/sinkconfig.h"

/* Events that are kept; with them goes what sinks have not been told by then. A row is below 200 bytes, so
 * that a sink that is away for ever costs some MiB. */
enum { FL_MOST_EVENTS = 10000 };

/* These sinks are configured now. One that is new begins with what happens next; in a database that never
 * knew any sink it begins with everything kept. What still waited for one that is gone is dropped: *dropped.
 * FL_EDB and what fl_rulesdb_open fails with, as for all below. */
int fl_rulesdb_sinks_begin(struct fl_rulesdb *db, const struct fl_sink_config *sinks, size_t n,
                           size_t *dropped, struct fl_err *err);
/* Lay out what has happened since the last call for each sink whose filter lets it pass, and forget all but
 * the newest `most` events; *dropped: deliveries that still waited for these. Cheap when nothing happened. */
int fl_rulesdb_outbox_fill(struct fl_rulesdb *db, const struct fl_sink_config *sinks, size_t n, int64_t most,
                           size_t *dropped, struct fl_err *err);

struct fl_outbox_item {
    int64_t event_id, alert_id, made_ms; /* wall clock */
    unsigned attempts;
    char uid[40];  /* the event's, which every repetition carries */
    char kind[16]; /* "opened", "grown", "closed" */
};
/* The next event to tell a sink: the oldest; but one that has failed eight times lets those go first that
 * failed less often, so that an event that a receiver chokes on does not keep the others. 1, or 0 when
 * nothing waits. */
int fl_rulesdb_outbox_next(struct fl_rulesdb *db, const char *sink, struct fl_outbox_item *item,
                           struct fl_err *err);
/* The alert of an item as the view `alerts` has it now. FL_ENOENT. */
int fl_rulesdb_outbox_alert(struct fl_rulesdb *db, int64_t alert_id, json_t **out, struct fl_err *err);

enum fl_outcome {
    FL_OUTCOME_DELIVERED,
    FL_OUTCOME_FAILED, /* to be tried again */
    FL_OUTCOME_REFUSED /* the receiver will never have it */
};
struct fl_outbox_result {
    enum fl_outcome outcome;
    const char *error; /* a sentence, unless delivered */
    int64_t now_ms;    /* wall clock */
    int64_t next_ms;   /* of the next attempt, when failed */
};
int fl_rulesdb_outbox_note(struct fl_rulesdb *db, const char *sink, int64_t event_id,
                           const struct fl_outbox_result *result, struct fl_err *err);

/* The view `sinks`: {name, kind, delivered, waiting, refused, dropped, error, failed, next, last}. */
int fl_rulesdb_sinks(struct fl_rulesdb *db, fl_json_fn *fn, void *ctx, struct fl_err *err);

#endif
