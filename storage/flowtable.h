/* The SQL table `flows`: every record of every bucket below a data directory, for `flowlore sql`.
 *
 *     SELECT src, sum(bytes) FROM flows WHERE port = 53 AND start >= '2022-06-12' GROUP BY src;
 *
 * Columns: location, exporter, domain, start, end, src, dst, src_port, dst_port, protocol, tcp_flags,
 * packets, bytes, in_if, out_if, tos, sampling, time_source, sampling_source ("none" to "config"), end_reason
 * ("idle", "active", "end", "forced", "resources"), direction ("ingress", "egress"), event ("created",
 * "deleted", "denied", "alert", "update"), post_src, post_dst, post_src_port, post_dst_port (after
 * translation), scaled_packets and scaled_bytes (times sampling). Addresses are text, start and end RFC 3339
 * text in UTC. From end_reason to post_dst_port a column is NULL where the exporter did not tell. Counts
 * above 2^63-1 show as 2^63-1. Hidden columns: start_ms and end_ms (Unix milliseconds), and host and port,
 * which match either side and know = and IN only (any other use of them is refused with a sentence).
 *
 * Conditions on start, start_ms, location, host, src, dst, port, src_port and dst_port skip whole buckets and
 * chunks; what a query does not name is not unpacked. A query streams: memory is one chunk a cursor. Each
 * bucket is read as it stands when the query comes to it, so records that a writer adds meanwhile may or may
 * not be seen. */
#ifndef FL_STORAGE_FLOWTABLE_H
#define FL_STORAGE_FLOWTABLE_H

#include "storage/error.h"
#include "storage/sqlite.h"
#include "storage/store.h"

/* Make the table known to a connection, until it is closed. FL_ENOMEM, FL_EDB. */
int fl_flowtable_register(sqlite3 *db, const char *data_dir);
/* The same for the extension: the eponymous table `flows` of the directory in $FLOWLORE_DATA or else
 * /var/lib/flowlore, the module `flowlore` for tables of other directories (CREATE VIRTUAL TABLE temp.lab
 * USING flowlore('/srv/lab')), and flowlore_damage(): what was found damaged since it was last asked, a line
 * each, or NULL. A directory without flows is refused with a sentence. */
int fl_flowtable_register_extension(sqlite3 *db);
/* What the queries on this connection since the last call read, skipped and found damaged; starts anew.
 * FL_EDB when the table is not registered. */
int fl_flowtable_report(sqlite3 *db, struct fl_scan_report *out);

#endif
