/* Which data sets of a recording need templates from before it began. Found out by reading it once ahead,
 * without storing: imported on its own, the recording gives no flows of them; imported behind the one that
 * has their templates, it does. Keeping the two apart lets either come first, and nothing is stored twice. */
#ifndef FL_COLLECTOR_IMPORT_SCAN_H
#define FL_COLLECTOR_IMPORT_SCAN_H

#include <stdbool.h>

#include "collector/decode/decode.h"
#include "collector/import/exports.h"

struct fl_import_scan;

/* FL_ENOMEM. */
int fl_import_scan_new(struct fl_import_scan **out, const struct fl_decoder_limits *limits);
void fl_import_scan_free(struct fl_import_scan *s);
/* Read ahead: every datagram of the recording, in order. */
void fl_import_scan_feed(struct fl_import_scan *s, const struct fl_export *e);
/* Whether the recording defines the template of a data set nowhere, or later than data waits for it. */
bool fl_import_scan_needs_more(const struct fl_import_scan *s, const struct fl_set_at_work *set);

#endif
