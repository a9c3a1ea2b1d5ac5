/* A sink as it is configured: where alerts are told, and which. Part of struct fl_config (storage/config.h).
 */
#ifndef FL_STORAGE_SINKCONFIG_H
#define FL_STORAGE_SINKCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/error.h"

enum fl_sink_kind { FL_SINK_FILE, FL_SINK_SYSLOG, FL_SINK_WEBHOOK, FL_SINK_COMMAND };
enum fl_syslog_transport { FL_SYSLOG_LOCAL, FL_SYSLOG_UDP, FL_SYSLOG_TCP };
enum { FL_SINK_NAME = 64 }; /* as a location's name; "file" is the one that alerts-file makes */

struct fl_sink_config {
    char name[FL_SINK_NAME];
    enum fl_sink_kind kind;
    unsigned severity;  /* the least that is told: 0 low, 1 medium, 2 high */
    char **locations;   /* ended by NULL, whose alerts are told; NULL: of every location */
    char **events;      /* ended by NULL: "opened", "grown", "closed"; NULL: all three */
    int64_t timeout_ms; /* 30 s: of one attempt */
    /* file */
    char *path; /* relative to the data directory, or whole */
    /* syslog */
    enum fl_syslog_transport transport;
    char *host;        /* address or name; of the local socket its path */
    uint16_t port;     /* 514; TCP: 601 */
    unsigned facility; /* RFC 5424 6.2.1; 3 daemon */
    /* webhook */
    char *url, *secret_file, *header_file, *ca_file, *proxy; /* but for url NULL where not given */
    bool redirects;                                          /* follow them to other hosts */
    /* command */
    char **command; /* ended by NULL: program with its whole path, and its arguments */
};

/* Every member but name and kind to its default. */
void fl_sink_config_init(struct fl_sink_config *s, const char *name, enum fl_sink_kind kind);
void fl_sink_config_clear(struct fl_sink_config *s); /* frees what *s owns, not s */
bool fl_sink_config_equal(const struct fl_sink_config *a, const struct fl_sink_config *b);
/* A copy that owns what it holds. FL_ENOMEM, and *out is then empty. */
int fl_sink_config_copy(struct fl_sink_config *out, const struct fl_sink_config *s);
/* "file", "syslog", "webhook", "command". */
const char *fl_sink_kind_name(enum fl_sink_kind kind);

#endif
