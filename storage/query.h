/* One reading SQL statement over everything a data directory holds: the flows of all buckets as the virtual
 * table `flows`, and the public views of rules.db. Nothing can be written, attached or set. */
#ifndef FL_STORAGE_QUERY_H
#define FL_STORAGE_QUERY_H

#include <jansson.h>
#include <signal.h>
#include <stddef.h>

#include "storage/error.h"
#include "storage/store.h"

/* Called once with values NULL before the first row, then with each row. NULL, integer, real and text come as
 * their JSON kinds; a BLOB, or text that is not UTF-8, as a string of hexadecimal digits. All is borrowed. A
 * non-zero return ends the query and is what fl_query returns. */
typedef int fl_query_fn(void *ctx, const char *const *names, json_t *const *values, size_t n);

/* `stop` (may be NULL) is looked at now and then: FL_ESTOP when it is set. FL_EINVAL with a sentence: SQL
 * that does not parse, more than one statement, one that would write, a view asked for while there is no
 * rules.db. FL_EDB: a failure while it runs. */
int fl_query(const char *data_dir, const char *sql, fl_query_fn *fn, void *ctx,
             const volatile sig_atomic_t *stop, struct fl_scan_report *report, struct fl_err *err);

#endif
