/* What is let in: sets whose lengths add up and templates that describe at least one byte. NetFlow v9 (RFC
 * 3954 sections 5-6) is brought to IPFIX (RFC 7011 section 3) on the way; what stands for which element is in
 * habit.h. */
#ifndef FL_COLLECTOR_SANITISE_H
#define FL_COLLECTOR_SANITISE_H

#include "collector/decode/cursor.h"
#include "collector/decode/layout.h"

enum fl_dialect { FL_DIALECT_V9 = 9, FL_DIALECT_IPFIX = 10 };

enum fl_set_kind { FL_SET_DATA, FL_SET_TEMPLATE, FL_SET_OPTIONS, FL_SET_OTHER };

struct fl_set {
    enum fl_set_kind kind;
    uint16_t id;
    struct fl_cursor content;
};

/* The next set: 1, 0 at the end (a tail of zeros is padding), FL_EMALF when lengths do not add up. */
int fl_set_next(struct fl_cursor *sets, enum fl_dialect dialect, struct fl_set *out);

/* The next template of a template or options template set: 1 with id and layout (a reference for the caller;
 * NULL: withdrawal), 0 at the end (behind it there are up to three bytes, or only zeros), FL_EMALF: no fields
 * (v9), only fields of length zero, an id below 256, too many fields, lengths that do not add up. */
int fl_template_next(struct fl_set *set, enum fl_dialect dialect, struct fl_layout_draft *draft,
                     GHashTable *layouts, uint16_t *id, struct fl_layout **layout);

#endif
