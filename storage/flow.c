/* Words for the codes in a flow record. */
#include "storage/flow.h"

#include <stddef.h>

#define NAME_OF(names, code) ((code) < sizeof(names) / sizeof(names)[0] ? (names)[code] : NULL)

const char *fl_time_source_name(unsigned source)
{
    static const char *const names[] = {"absolute", "uptime", "received"};
    return source < sizeof names / sizeof names[0] ? names[source] : "unknown";
}

const char *fl_sampling_source_name(unsigned source)
{
    static const char *const names[] = {"none", "header", "options", "record", "config"};
    return source < sizeof names / sizeof names[0] ? names[source] : "unknown";
}

const char *fl_end_reason_name(unsigned reason)
{
    static const char *const names[] = {NULL, "idle", "active", "end", "forced", "resources"};
    return NAME_OF(names, reason);
}

const char *fl_direction_name(unsigned direction)
{
    static const char *const names[] = {NULL, "ingress", "egress"};
    return NAME_OF(names, direction);
}

const char *fl_event_name(unsigned event)
{
    static const char *const names[] = {NULL, "created", "deleted", "denied", "alert", "update"};
    return NAME_OF(names, event);
}
