/* The SQL table `flows`: every record of every bucket below a data directory, for `flowlore sql`.
 *
 *     SELECT src, sum(bytes) FROM flows WHERE port = 53 AND start >= '2022-06-12' GROUP BY src;
 *
 * Columns: location, exporter, domain, start, end, src, dst, src_port, dst_port, protocol, tcp_flags,
 * packets, bytes, in_if, out_if, tos, sampling, time_source; addresses are text, start and end RFC 3339 text
 * in UTC. Hidden columns: start_ms and end_ms (Unix milliseconds), and host and port, which match either side
 * and know = and IN only (any other use of them is refused with a sentence). Counts above 2^63-1 show as
 * 2^63-1.
 *
 * Conditions on start, start_ms, location, host, src, dst, port, src_port and dst_port skip whole buckets and
 * chunks. A query streams: memory is one chunk a cursor. Each bucket is read as it stands when the query
 * comes to it, so records that a writer adds meanwhile may or may not be seen. */
#ifndef FL_STORAGE_FLOWTABLE_H
#define FL_STORAGE_FLOWTABLE_H

#include <sqlite3.h>

#include "storage/error.h"
#include "storage/store.h"

/* Make the table known to a connection, until it is closed. FL_ENOMEM, FL_EDB. */
int fl_flowtable_register(sqlite3 *db, const char *data_dir);
/* What the queries on this connection since the last call read, skipped and found damaged; starts anew.
 * FL_EDB when the table is not registered. */
int fl_flowtable_report(sqlite3 *db, struct fl_scan_report *out);

#endif
