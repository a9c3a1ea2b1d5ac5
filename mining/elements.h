/* Information elements as operators read them, and the fields of a wire template as it was kept
 * (storage/exporter.h). */
#ifndef FL_MINING_ELEMENTS_H
#define FL_MINING_ELEMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/error.h"
#include "storage/exporter.h"

struct fl_template_field {
    uint32_t enterprise; /* IANA's private enterprise number; 0: IANA's own elements */
    uint16_t id;
    uint16_t length; /* bytes; 65535: variable */
    bool scope;      /* of an options template */
    bool old_scope;  /* the scope is one of NetFlow v9's own kinds (RFC 3954 section 6.1) */
};

#define FL_ELEMENT_TEXT 64
/* "sourceIPv4Address", "reverse octetDeltaCount" (RFC 5103), v9 scopes "interface"; what is not known here by
 * number: "33002", "9/12235" with its enterprise. Returns `out`. */
const char *fl_element_name(const struct fl_template_field *f, char out[FL_ELEMENT_TEXT]);

typedef int fl_template_field_fn(void *ctx, const struct fl_template_field *f);
/* Hand on each field of a template in order (RFC 3954 section 5.2 and 6.1; RFC 7011 section 3.4). A non-zero
 * return of fn ends it and is returned. FL_EMALF: the bytes end too soon; what was sound has been handed on.
 */
int fl_template_fields(const struct fl_wire_template *t, fl_template_field_fn *fn, void *ctx);

#endif
