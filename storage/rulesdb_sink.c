/* Delivery positions of alert sinks. */
#include "storage/rulesdb_sink.h"

#include "storage/rulesdb_parts.h"

int fl_rulesdb_sink_position(struct fl_rulesdb *db, const char *sink, int64_t *alert_id, struct fl_err *err)
{
    *alert_id = 0;
    int rc = fl_rulesdb_get_int(db, SQL_SINK_POSITION, alert_id, "t", sink);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fl_rulesdb_fail(db, err);
}

int fl_rulesdb_sink_set(struct fl_rulesdb *db, const char *sink, int64_t alert_id, struct fl_err *err)
{
    int rc = sqlite3_exec(db->sqlite, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_PUT_SINK_POSITION, "ti", sink, alert_id);
    int result = rc == SQLITE_OK ? 0 : fl_rulesdb_fail(db, err);
    sqlite3_exec(db->sqlite, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    return result;
}
