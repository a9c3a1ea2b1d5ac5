/* The command line of flowlored, and the configuration that it makes together with the file. */
#ifndef FL_COLLECTOR_OPTIONS_H
#define FL_COLLECTOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/config.h"
#include "storage/error.h"

#define FL_OPTIONS_DATA "/var/lib/flowlore"
#define FL_OPTIONS_CONFIG "/etc/flowlore/flowlore.yaml"

struct fl_options { /* texts are borrowed from argv and the environment */
    const char *data_dir;
    const char *config_path; /* NULL: the usual one if it exists */
    const char **listen, **locations;
    size_t n_listen, n_locations;
    int64_t mine_every_ms; /* -1: as configured; 0: off */
    bool check, help, version;
};

/* FL_EINVAL with a sentence, FL_ENOMEM; *out may be cleared in any case. */
int fl_options_parse(struct fl_options *out, int argc, char **argv, struct fl_err *err);
void fl_options_clear(struct fl_options *o);
/* The file, then what the command line says over it, checked. On failure *config needs no clearing.
 * FL_EINVAL, FL_EIO, FL_ENOMEM with a sentence. */
int fl_options_configure(const struct fl_options *o, struct fl_config *config, struct fl_err *err);
/* The text of --help. */
extern const char fl_options_help[];

#endif
