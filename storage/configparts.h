/* What config.c and configfile.c share; nobody else includes it. */
#ifndef FL_STORAGE_CONFIGPARTS_H
#define FL_STORAGE_CONFIGPARTS_H

#include "storage/config.h"

#define FL_CONFIG_PATH 128 /* bytes for a key's path: `locations[0].prefixes[1]` */

/* Defaults of everything but the listeners. */
void fl_config_set_values(struct fl_config *c);
/* The sentences of these name the value and the remedy, not the key. On FL_ENOMEM there is none. */
int fl_config_append_listen(struct fl_config *c, const char *text, struct fl_err *err);
int fl_config_new_location(struct fl_config *c, const char *name, struct fl_location_config **out,
                           struct fl_err *err);
int fl_config_add_prefix(struct fl_location_config *l, const char *text, struct fl_err *err);
/* As fl_config_check, the offending key in `path`. */
int fl_config_check_path(const struct fl_config *c, char path[FL_CONFIG_PATH], struct fl_err *err);

#endif
