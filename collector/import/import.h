/* Recorded flows into the store: captures of exports, messages end to end, nfcapd files, Zeek's conn.log. All
 * time is the file's: a packet's is the receive time that the decoder is told, so that the same file gives
 * the same records in the same order, which is what lets the store know those that it has. */
#ifndef FL_COLLECTOR_IMPORT_H
#define FL_COLLECTOR_IMPORT_H

#include <stdint.h>

#include "collector/import/exports.h"
#include "collector/import/input.h"
#include "storage/config.h"
#include "storage/error.h"

enum { FL_IMPORT_LOCATIONS = 16, FL_IMPORT_REFUSED = 4, FL_IMPORT_COMPLAINTS = 5 };

struct fl_import_location {
    char name[FL_LOCATION_NAME];
    uint64_t flows;
    int64_t first_ms, last_ms; /* of their starts */
};

/* What became of one file. */
struct fl_import_result {
    enum fl_input_kind kind;
    uint64_t datagrams;        /* exports decoded */
    uint64_t records;          /* lines of conn.log, records of nfdump's */
    uint64_t exporters;        /* addresses that sent them */
    uint64_t flows;            /* flow records made */
    uint64_t stored;           /* that are new in the store */
    uint64_t known;            /* that an earlier import of the same file stored */
    uint64_t impossible;       /* whose time is before 1970 or so: not stored */
    uint64_t malformed;        /* datagrams refused, whole or in part; lines and records that are wrong */
    uint64_t unknown_template; /* data sets whose template is not in the file */
    uint64_t not_flows;        /* data records without addresses */
    uint64_t skipped;          /* Zeek: neither TCP, UDP nor ICMP */
    uint64_t sampled;          /* nfcapd: flows whose counters nfcapd has scaled */
    uint64_t time_fallbacks;   /* flows stamped with the time that they were captured */
    uint64_t lost;             /* by sequence numbers, each dialect's unit */
    uint64_t refused;          /* datagrams or records of senders that no location holds */
    size_t n_refused_senders;
    struct fl_addr refused_senders[FL_IMPORT_REFUSED]; /* the first of them */
    struct fl_export_counts packets;
    size_t n_locations; /* beyond the bound the last one stands for all others */
    struct fl_import_location locations[FL_IMPORT_LOCATIONS];
    int64_t first_ms, last_ms; /* of the flows' starts */
    size_t n_complaints;       /* about lines, the first few */
    char complaints[FL_IMPORT_COMPLAINTS][256];
};

struct fl_import_setup { /* all borrowed */
    const char *data_dir;
    const struct fl_config *config;
    const char *location; /* everything goes there; NULL: where the configuration puts its exporter */
    fl_input_progress_fn *progress;
    void *ctx;
};

struct fl_import;

int fl_import_open(struct fl_import **out, const struct fl_import_setup *setup, struct fl_err *err);
/* Import one file. Captures and messages share what is known of exporters with those imported before. Returns
 * 0; FL_ESTOP: asked to stop; FL_EMALF, FL_EIO, FL_EINVAL, FL_ENOENT: this file could not be read, or not to
 * its end; FL_EDB: the store refuses. What *out counts is stored in each case. */
int fl_import_file(struct fl_import *imp, const char *path, struct fl_import_result *out, struct fl_err *err);
void fl_import_close(struct fl_import *imp);

#endif
