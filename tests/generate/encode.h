/* Flows as the datagrams a router sends: NetFlow v5, NetFlow v9 (RFC 3954), IPFIX (RFC 7011).
 *
 * Written from the specifications alone and sharing nothing with the collector, so that each can be held
 * against the other. The router behind it booted an hour before the first flow, repeats its templates, and
 * says that it samples. v9 headers carry whole seconds beside an uptime in milliseconds, as real ones do. */
#ifndef GEN_ENCODE_H
#define GEN_ENCODE_H

#include "tests/generate/router.h"

enum gen_form { GEN_V5, GEN_V9, GEN_IPFIX };

enum { GEN_DATAGRAM_MAX = 1472 };

/* Called with each datagram, in export order; `export_ms` never falls. A non-zero return ends the export and
 * is what gen_encode returns. */
typedef int gen_datagram_fn(void *ctx, int64_t export_ms, const uint8_t *bytes, size_t length);

struct gen_encode_report {
    uint64_t records, datagrams, bytes;
    uint64_t skipped; /* records v5 cannot say: IPv6 */
};

/* What `router` exports of flows, before any loss. Returns 0, FL_ENOMEM, or what `fn` returned. *report
 * counts what `fn` took. */
int gen_encode(const struct gen_flow *flows, size_t n, const struct gen_router *router, enum gen_form form,
               gen_datagram_fn *fn, void *ctx, struct gen_encode_report *report);

#endif
