/* Words for the codes in a flow record. */
#include "storage/flow.h"

const char *fl_time_source_name(unsigned source)
{
    static const char *const names[] = {"absolute", "uptime", "received"};
    return source < sizeof names / sizeof names[0] ? names[source] : "unknown";
}
