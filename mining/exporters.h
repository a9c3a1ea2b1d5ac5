/* Exporters as `flowlore status` looks at them: sessions as the rules database lists them, read back into
 * figures, in order of location, address, domain, port and version, and added up exporter by exporter. */
#ifndef FL_MINING_EXPORTERS_H
#define FL_MINING_EXPORTERS_H

#include <jansson.h>
#include <stddef.h>

#include "storage/error.h"
#include "storage/exporter.h"

struct fl_sessions {
    struct fl_exporter_stats *items;
    size_t n;
};
/* From one of fl_rulesdb_exporters' objects; names that are absent are 0. */
void fl_session_read(struct fl_exporter_stats *out, const json_t *row);
/* From an array of them. FL_ENOMEM. */
int fl_sessions_read(struct fl_sessions *out, const json_t *rows);
void fl_sessions_clear(struct fl_sessions *s);
/* How many sessions from `first` on are of one exporter: the same location and address. */
size_t fl_sessions_of_one(const struct fl_sessions *s, size_t first);
/* From fl_rulesdb_service's object. */
void fl_service_read(struct fl_service_stats *out, const json_t *object);

/* What a dialect's sequence numbers count: "flows" (v5), "datagrams" (v9), "records" (IPFIX). */
const char *fl_loss_unit(unsigned version);
/* "v5", "v9", "ipfix". */
const char *fl_dialect_name(unsigned version);
/* Loss of the sessions of one version: *lost and what came in, in that version's unit. */
void fl_loss_of(const struct fl_exporter_stats *sessions, size_t n, unsigned version, uint64_t *lost,
                uint64_t *received);
/* lost / (lost + received); 0 when both are. */
double fl_loss_share(uint64_t lost, uint64_t received);

#endif
