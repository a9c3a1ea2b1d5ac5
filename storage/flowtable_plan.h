/* The planning half of the SQL table `flows`: which conditions of a WHERE clause go down to the scan, and
 * what their values mean there. Only what is provably right goes down; SQLite checks all but host and port
 * again. */
#ifndef FL_STORAGE_FLOWTABLE_PLAN_H
#define FL_STORAGE_FLOWTABLE_PLAN_H

#include <stdbool.h>

#include "storage/scan.h"
#include "storage/sqlite.h"

/* Columns in the order they are declared in. */
enum fl_flow_column {
    FL_COL_LOCATION,
    FL_COL_EXPORTER,
    FL_COL_DOMAIN,
    FL_COL_START,
    FL_COL_END,
    FL_COL_SRC,
    FL_COL_DST,
    FL_COL_SRC_PORT,
    FL_COL_DST_PORT,
    FL_COL_PROTOCOL,
    FL_COL_TCP_FLAGS,
    FL_COL_PACKETS,
    FL_COL_BYTES,
    FL_COL_IN_IF,
    FL_COL_OUT_IF,
    FL_COL_TOS,
    FL_COL_SAMPLING,
    FL_COL_TIME_SOURCE,
    FL_COL_SAMPLING_SOURCE,
    FL_COL_END_REASON,
    FL_COL_DIRECTION,
    FL_COL_EVENT,
    FL_COL_POST_SRC,
    FL_COL_POST_DST,
    FL_COL_POST_SRC_PORT,
    FL_COL_POST_DST_PORT,
    FL_COL_SCALED_PACKETS,
    FL_COL_SCALED_BYTES,
    FL_COL_START_MS,
    FL_COL_END_MS,
    FL_COL_HOST,
    FL_COL_PORT,
    FL_COLS
};
extern const char fl_flowtable_declaration[];

/* xBestIndex. idxNum becomes the fields of a record that the columns used stand on. */
int fl_flowtable_best_index(sqlite3_vtab *table, sqlite3_index_info *info);

/* A scan query and what it points to. */
struct fl_flowtable_query {
    struct fl_scan_query scan;
    bool nothing; /* no record can match */
    char location[FL_LOCATION_NAME];
    struct fl_addr src, dst;
    sqlite3_value *host, *port; /* the one value asked for with =, for showing; NULL when none or several */
};
/* From xFilter's arguments (`fields` is idxNum). On failure, too, *q must be cleared. SQLITE_OK or an SQLite
 * code. */
int fl_flowtable_query_init(struct fl_flowtable_query *q, int fields, const char *plan, int n,
                            sqlite3_value **values);
void fl_flowtable_query_clear(struct fl_flowtable_query *q);

#endif
