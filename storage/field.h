/* The fields of a flow record as bits, for readers that need only some of them: what is not needed need not
 * be unpacked. */
#ifndef FL_STORAGE_FIELD_H
#define FL_STORAGE_FIELD_H

#include <stdint.h>

enum fl_field {
    FL_FIELD_START = 1u << 0,
    FL_FIELD_END = 1u << 1,
    FL_FIELD_EXPORTER = 1u << 2,
    FL_FIELD_SRC = 1u << 3,
    FL_FIELD_DST = 1u << 4,
    FL_FIELD_POST_SRC = 1u << 5,
    FL_FIELD_POST_DST = 1u << 6,
    FL_FIELD_PACKETS = 1u << 7,
    FL_FIELD_BYTES = 1u << 8,
    FL_FIELD_DOMAIN = 1u << 9,
    FL_FIELD_IN_IF = 1u << 10,
    FL_FIELD_OUT_IF = 1u << 11,
    FL_FIELD_SAMPLING = 1u << 12,
    FL_FIELD_SRC_PORT = 1u << 13,
    FL_FIELD_DST_PORT = 1u << 14,
    FL_FIELD_POST_SRC_PORT = 1u << 15,
    FL_FIELD_POST_DST_PORT = 1u << 16,
    FL_FIELD_TCP_FLAGS = 1u << 17,
    FL_FIELD_PROTOCOL = 1u << 18,
    FL_FIELD_TOS = 1u << 19,
    FL_FIELD_END_REASON = 1u << 20,
    FL_FIELD_TIME_SOURCE = 1u << 21,
    FL_FIELD_SAMPLING_SOURCE = 1u << 22,
    FL_FIELD_DIRECTION = 1u << 23,
    FL_FIELD_EVENT = 1u << 24
};
#define FL_FIELDS_ALL ((uint32_t)0x1ffffff)

#endif
