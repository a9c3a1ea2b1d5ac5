/* NetFlow v5 as IPFIX: its 48-byte record is exactly a data record of one fixed template, so a datagram's
 * records need no copying, only the template. */
#ifndef FL_COLLECTOR_TRANSCODE_V5_H
#define FL_COLLECTOR_TRANSCODE_V5_H

#include "collector/decode/layout.h"

enum { FL_V5_HEADER_BYTES = 24, FL_V5_RECORD_BYTES = 48 };

/* The layout of v5 records, with a reference for the caller. */
struct fl_layout *fl_v5_layout(GHashTable *layouts, struct fl_layout_draft *draft);

#endif
