/* What sinks tell: an event of an alert with the field names of the Elastic Common Schema (ECS 8). */
#ifndef FL_COLLECTOR_EVENT_H
#define FL_COLLECTOR_EVENT_H

#include <jansson.h>

#include "storage/rulesdb_sink.h"

/* A new object, or NULL without memory; `alert` (of the view `alerts`) is kept in it under `flowlore`.
 * @timestamp is when it happened: opened in the data's time, grown and closed by the wall clock; event.id the
 * item's uid, event.action "alert-opened" and so on, event.severity 21 low, 47 medium, 73 high, 0 unknown.
 * community_ids (an array, may be empty or NULL) are those of the example's flows, hosts their addresses. */
json_t *fl_event_make(json_t *alert, const struct fl_outbox_item *item, json_t *community_ids, json_t *hosts);
/* One that only says that the sink works. */
json_t *fl_event_test(const char *sink, const struct fl_outbox_item *item);

#endif
