/* The store's side of an import: records go to the writer, which knows those of this file that it has;
 * commits fall due after many records, so that memory stays bounded and what is done is kept. */
#ifndef FL_COLLECTOR_IMPORT_SINK_H
#define FL_COLLECTOR_IMPORT_SINK_H

#include "collector/import/import.h"
#include "storage/flow.h"
#include "storage/store.h"

struct fl_import_sink {
    struct fl_writer *writer;
    struct fl_import_result *result; /* of the file at hand */
    uint64_t waiting;                /* records added since the last commit */
    int rc;                          /* the first failure; nothing is taken after it */
    struct fl_err err;
};

/* A file begins, named by the digest of its content. */
int fl_import_sink_begin(struct fl_import_sink *s, const char *digest, struct fl_import_result *result);
/* The datagram, line or record of the file that what follows comes from, counted from 0. Records are numbered
 * by it, so that a record which is left out at one time and not at another (a location was configured since,
 * a template is known) does not shift the numbers of those behind it. Commits when many wait. */
void fl_import_sink_at(struct fl_import_sink *s, uint64_t place);
/* Take records, in the file's order. A failure is kept in s->rc and s->err. */
void fl_import_sink_add(struct fl_import_sink *s, const char *location, const struct fl_flow *flows,
                        size_t n);
/* Make everything durable; what follows comes from `place` or behind it. Returns s->rc. */
int fl_import_sink_commit(struct fl_import_sink *s, uint64_t place);

#endif
