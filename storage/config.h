/* The configuration of both programs, read from YAML through libcyaml; contrib/flowlore.yaml documents each
 * key. */
#ifndef FL_STORAGE_CONFIG_H
#define FL_STORAGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/addr.h"
#include "storage/error.h"
#include "storage/sinkconfig.h"

#define FL_LOCATION_NAME 64 /* bytes for a location's name with its NUL: [A-Za-z0-9][A-Za-z0-9._-]* */

struct fl_location_config {
    char name[FL_LOCATION_NAME];
    struct fl_prefix *prefixes; /* whose exporters belong here */
    size_t n_prefixes;
    int64_t active_timeout_ms; /* 0: the global one */
    int64_t learning_ms;       /* negative: the global one */
    uint32_t sampling;         /* 1 in so many packets, whatever the exporters say; 0: as they say */
};

struct fl_mining_config {
    int64_t every_ms;       /* 3600000; 0: off */
    int64_t span_ms;        /* 86400000 */
    int64_t window_ms;      /* 1000 */
    uint32_t support;       /* 10 */
    double q;               /* 0.01 */
    double confidence;      /* 0.2 */
    double both;            /* 0.5 */
    uint32_t jitter;        /* 60 windows */
    uint32_t service_peers; /* 5 */
    uint32_t threads;       /* 0: one a processor */
    int64_t memory_bytes;   /* 0: half of the machine's */
};

struct fl_config {
    char **listen; /* "ADDR:PORT", IPv6 in brackets, "*:PORT" both families */
    size_t n_listen;
    struct fl_location_config *locations; /* none: every exporter belongs to "default" */
    size_t n_locations;
    int64_t bucket_ms;            /* 3600000 */
    int64_t retention_ms;         /* 30 days; 0: keep everything */
    int64_t retention_bytes;      /* 0: no bound */
    int64_t active_timeout_ms;    /* 60 s: the exporters', until learned */
    int64_t max_future_ms;        /* 5 min */
    int64_t template_timeout_ms;  /* 24 h */
    int64_t learning_ms;          /* 0 */
    int64_t gone_after_ms;        /* 7 days */
    int64_t receive_buffer_bytes; /* 16 MiB */
    uint32_t receive_threads;     /* 0: one a processor, at most 4 */
    char *alerts_file; /* JSON lines, relative to the data directory; NULL: alerts.jsonl; "off": none */
    struct fl_sink_config *sinks; /* beside the one of alerts_file */
    size_t n_sinks;
    struct fl_mining_config mining;
};

/* Fill in every default; no allocation but the two default listeners. FL_ENOMEM. */
int fl_config_init(struct fl_config *c);
/* Defaults, then the file. FL_EINVAL with file, line, key and remedy in *err; FL_EIO when unreadable. On
 * failure *c is as after fl_config_init. */
int fl_config_load(struct fl_config *c, const char *path, struct fl_err *err);
/* "NAME=PREFIX[,PREFIX]..." from the command line: adds a location, or prefixes to one. FL_EINVAL. */
int fl_config_add_location(struct fl_config *c, const char *text, struct fl_err *err);
/* "ADDR:PORT" from the command line. The two default listeners give way to the first one added. FL_EINVAL. */
int fl_config_add_listen(struct fl_config *c, const char *text, struct fl_err *err);
/* Checks that hold over several keys: one prefix twice (nested ones are fine, the longest wins), a location
 * without prefixes, a span shorter than a jitter block or longer than the retention. FL_EINVAL. */
int fl_config_check(const struct fl_config *c, struct fl_err *err);
/* The location of an exporter by longest prefix, or NULL when locations are configured and none holds it;
 * `sampling` (may be NULL) is what is configured for it. */
const char *fl_config_location(const struct fl_config *c, const struct fl_addr *exporter, uint32_t *sampling);
void fl_config_clear(struct fl_config *c); /* frees what *c owns, not c */
bool fl_location_name_ok(const char *name);

#endif
