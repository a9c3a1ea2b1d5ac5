/* The seam to libfixbuf: whole records in a known layout become superset records. Layouts with fields of
 * variable length are decoded here; for the others there are copy plans, which this is the oracle of. */
#ifndef FL_COLLECTOR_FIXBUF_DECODE_H
#define FL_COLLECTOR_FIXBUF_DECODE_H

#include "collector/decode/layout.h"
#include "collector/decode/record.h"

struct fl_fixbuf;
typedef void fl_record_fn(void *ctx, const struct fl_record *record);

/* FL_ENOMEM when the library refuses its own elements. Silences the library's log. */
int fl_fixbuf_new(struct fl_fixbuf **out);
void fl_fixbuf_free(struct fl_fixbuf *f);
/* Decode `length` bytes that hold whole records of `layout` and nothing else (fl_layout_count); at most 65515
 * bytes. `fn` is called for each; the record is valid during the call. Returns how many, or FL_EMALF. */
int fl_fixbuf_decode(struct fl_fixbuf *f, struct fl_layout *layout, const uint8_t *bytes, size_t length,
                     fl_record_fn *fn, void *ctx);

#endif
