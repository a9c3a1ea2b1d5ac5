/* `sinks:` of the configuration file, as configfile.c hands it over; nobody else includes it. */
#ifndef FL_STORAGE_CONFIGSINKS_H
#define FL_STORAGE_CONFIGSINKS_H

#include <cyaml/cyaml.h>

#include "storage/config.h"

/* As in the file, before any value is understood. */
struct fl_raw_sink {
    char *name, *kind, *severity, *timeout, *path, *to, *facility, *url, *secret_file, *header_file, *ca_file,
        *proxy, *redirects;
    char **locations, **events, **command;
    unsigned locations_count, events_count, command_count;
};
extern const cyaml_schema_field_t fl_raw_sink_fields[];
extern const cyaml_schema_value_t fl_raw_sink_schema;

/* Add a sink to the configuration, whose locations are known already. FL_EINVAL with value and remedy in
 * *err, and the key that is wrong, such as `url` or `events[1]`, in `key` ("": the sink as a whole);
 * FL_ENOMEM. */
#define FL_SINK_KEY 40
int fl_config_add_sink(struct fl_config *c, const struct fl_raw_sink *raw, char key[FL_SINK_KEY],
                       struct fl_err *err);

#endif
