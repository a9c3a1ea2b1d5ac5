/* How far each sink has delivered alerts: kept in the rules database, so that a restart neither loses an
 * alert nor says all of them again. */
#ifndef FL_STORAGE_RULESDB_SINK_H
#define FL_STORAGE_RULESDB_SINK_H

#include <stdint.h>

#include "storage/rulesdb.h"

/* Id of the last alert that `sink` ("file") has delivered; 0 when none. FL_EDB and what fl_rulesdb_open
 * fails with. */
int fl_rulesdb_sink_position(struct fl_rulesdb *db, const char *sink, int64_t *alert_id, struct fl_err *err);
/* Durable on return: a power cut does not take it back. Needs FL_RULESDB_CREATE. Fails as above. */
int fl_rulesdb_sink_set(struct fl_rulesdb *db, const char *sink, int64_t alert_id, struct fl_err *err);

#endif
