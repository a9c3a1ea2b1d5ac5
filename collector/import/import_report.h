/* What `flowlore import` says of each file. */
#ifndef FL_COLLECTOR_IMPORT_REPORT_H
#define FL_COLLECTOR_IMPORT_REPORT_H

#include <stdbool.h>

#include "collector/import/import.h"

/* Print the counts of a file on standard output, with remedies, and its wrong lines on standard error; as one
 * JSON object, which also has the error (NULL: none). Without JSON the error is the caller's to say. */
void fl_import_print(const char *name, const struct fl_import_result *r, const char *error, bool json);

#endif
