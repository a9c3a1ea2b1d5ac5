/* How far each sink has delivered alerts: kept in the rules database, so that a restart neither loses an
 * alert nor says all of them again. */
#ifndef FL_STORAGE_RULESDB_SINK_H
#define FL_STORAGE_RULESDB_SINK_H

#include <stdint.h>

#include "storage/error.h"

/* Id of the last alert that `sink` ("file") has delivered; 0 when none. data_dir must hold a rules.db.
 * FL_EDB.
 */
int fl_rulesdb_sink_position(const char *data_dir, const char *sink, int64_t *alert_id, struct fl_err *err);
/* Durable on return. FL_EDB. */
int fl_rulesdb_sink_set(const char *data_dir, const char *sink, int64_t alert_id, struct fl_err *err);

#endif
