/* Copy plans: how the records of a layout without variable-length fields become superset records, worked out
 * once a layout. A plan gives bit for bit what libfixbuf's transcoder gives
 * (tests/collector/decode/test_plan.c holds it to that) at a small part of its cost. */
#ifndef FL_COLLECTOR_PLAN_H
#define FL_COLLECTOR_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "collector/decode/record.h"

struct fl_layout_field;
struct fl_plan;

/* The plan for records made of these fields, none of them of variable length, together at most 65535 bytes;
 * to be freed with fl_plan_free. */
struct fl_plan *fl_plan_new(const struct fl_layout_field *fields, size_t n_fields);
void fl_plan_free(struct fl_plan *plan); /* NULL is fine */
/* Lay `n` records of `length` bytes each (the layout's), which stand one behind the other at `from` and which
 * the caller knows to be whole, into to[0..n): big-endian integers of any length up to their field's (RFC
 * 7011 section 6.2) in the host's order, addresses as they stand. Only the fields of the layout are written:
 * zero the records once, then lay into them as often as the plan is the same. */
void fl_plan_lay(const struct fl_plan *plan, const uint8_t *from, size_t length, size_t n,
                 struct fl_record *to);

#endif
