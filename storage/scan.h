/* Reading the flow store as a stream: one chunk after the other, those that cannot hold what is asked for
 * skipped by their summary. fl_store_scan and the SQL table `flows` both stand on it. Memory is bounded: one
 * open bucket and one unpacked chunk. */
#ifndef FL_STORAGE_SCAN_H
#define FL_STORAGE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/field.h"
#include "storage/store.h"

/* A set of which a record must hold one; n 0: no matter. */
struct fl_scan_hosts {
    struct fl_addr *items;
    size_t n;
};
struct fl_scan_ports {
    uint16_t *items;
    size_t n;
};
enum { FL_SCAN_SETS = 4 };

/* Every condition must hold. The arrays are the caller's and must outlive the scan. */
struct fl_scan_query {
    const char *location;               /* NULL: all */
    int64_t first_ms, last_ms;          /* record start in [first, last], both inside */
    const struct fl_bucket_list *files; /* look in these only, as fl_store_files lists them; NULL: in all */
    const struct fl_addr *src, *dst;    /* NULL: any */
    bool has_src_port, has_dst_port;
    uint16_t src_port, dst_port;
    struct fl_scan_hosts hosts[FL_SCAN_SETS]; /* src or dst among each set */
    struct fl_scan_ports ports[FL_SCAN_SETS]; /* either port among each set */
    size_t n_hosts, n_ports;
    uint32_t columns; /* the fields wanted, FL_FIELD_*; others may hold their defaults */
};
void fl_scan_query_init(struct fl_scan_query *q); /* everything */

struct fl_scan_batch {
    const char *location;
    int64_t bucket_from_ms, chunk; /* where it stands: the bucket's start and the chunk's id */
    const struct fl_flow *flows;   /* all that match, n of them */
    const uint16_t *positions;     /* of each among the chunk's records */
    size_t n;
};

struct fl_scan;
int fl_scan_open(struct fl_scan **out, const char *data_dir, const struct fl_scan_query *q,
                 struct fl_err *err);
/* 1: *batch (never empty) is filled in, valid until the next call; 0: the end. FL_ENEWER, FL_EIO, FL_ENOMEM,
 * FL_EDB. What is damaged is reported and skipped. */
int fl_scan_next(struct fl_scan *s, struct fl_scan_batch *batch, struct fl_err *err);
const struct fl_scan_report *fl_scan_report(const struct fl_scan *s);
void fl_scan_close(struct fl_scan *s);

/* Add a sentence to a report's damages, once. */
void fl_scan_report_damage(struct fl_scan_report *report, const char *text);

/* The bucket files that may hold starts in [first, last], from their names alone: to_ms is the latest that a
 * bucket of that name may reach. Ordered as fl_bucket_list. */
int fl_store_files(const char *data_dir, const char *location, int64_t first_ms, int64_t last_ms,
                   struct fl_bucket_list *out, struct fl_err *err);

#endif
