/* Layouts: templates of all three dialects in one clean form, shared by every session that uses them.
 *
 * Only the elements of record.h keep their number; everything else (unknown elements, other enterprises,
 * lists, v9 scopes, repeated or mis-sized elements) becomes paddingOctets (210), neighbours merged into one.
 * So libfixbuf never sees an element it does not know, an odd length or two templates under one number, and
 * what one exporter sends cannot touch another. */
#ifndef FL_COLLECTOR_LAYOUT_H
#define FL_COLLECTOR_LAYOUT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/decode/cursor.h"
#include "collector/decode/flowmap.h"
#include "collector/decode/plan.h"

/* An element that struct fl_record has a field for. */
struct fl_element {
    uint32_t enterprise;
    uint16_t element, size, shortest; /* bytes in the record, bytes at least on the wire */
    uint16_t offset;                  /* in struct fl_record */
};
/* NULL: no field is made of it. */
const struct fl_element *fl_element_find(uint32_t enterprise, uint16_t element);

/* The library's cost of loading a template grows with the square of its repeated elements. */
enum { FL_LAYOUT_FIELDS = 256, FL_VARLEN = 65535 };

struct fl_layout_field {
    uint32_t enterprise;
    uint16_t element, length; /* FL_VARLEN: RFC 7011 section 7 */
};

struct fl_layout {
    GHashTable *home; /* the table it is interned in */
    uint32_t references;
    struct fl_flow_recipe recipe; /* which fields of struct fl_record are present, and what they ask for */
    uint32_t shortest;            /* bytes of the shortest record, > 0 */
    bool variable;                /* has variable-length fields */
    bool options;                 /* an options template: its records are about the exporter */
    uint16_t wire_id;             /* its template id inside libfixbuf, valid while `generation` matches */
    uint32_t generation;
    struct fl_plan *plan; /* NULL when variable */
    size_t n_fields;
    struct fl_layout_field fields[];
};

/* A layout under construction. */
struct fl_layout_draft {
    struct fl_fields mask;
    uint32_t shortest;
    bool variable, options;
    size_t n_seen, n_fields;
    struct fl_layout_field fields[2 * FL_LAYOUT_FIELDS];
};

void fl_layout_draft_init(struct fl_layout_draft *draft, bool options);
/* Append one template field. FL_EMALF when there are more than FL_LAYOUT_FIELDS or a record grows beyond
 * 65535 bytes. */
int fl_layout_draft_add(struct fl_layout_draft *draft, uint32_t enterprise, uint16_t element,
                        uint16_t length);
GHashTable *fl_layout_table_new(void);
/* The shared layout equal to the draft, with a reference for the caller; NULL when its records have no bytes.
 */
struct fl_layout *fl_layout_intern(GHashTable *table, const struct fl_layout_draft *draft);
struct fl_layout *fl_layout_ref(struct fl_layout *layout);
void fl_layout_unref(struct fl_layout *layout); /* NULL is fine */
/* How many whole records stand in a data set's content and how many bytes they take; what is behind is
 * padding. So are, where records have a fixed length, whole records of zeros behind the first one. */
size_t fl_layout_count(const struct fl_layout *layout, struct fl_cursor content, size_t *used_bytes);

#endif
