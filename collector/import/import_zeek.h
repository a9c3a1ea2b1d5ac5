/* Zeek's conn.log, line by line, in both of its forms: TSV, whose header names the columns, and JSON. A
 * connection becomes a flow a direction. Pure: text in, records out.
 *
 * What Zeek knows and how it is taken: packets and bytes from *_pkts and *_ip_bytes, 0 where the log does not
 * have them; TCP flags from history, capitals being the originator's; ICMP type and code from the ports,
 * where the other side's "port" is the type that answers (8 and 0, 128 and 129) or else the code. The answer
 * begins a millisecond after the question, at most the duration later: the log has one start for both. */
#ifndef FL_COLLECTOR_IMPORT_ZEEK_H
#define FL_COLLECTOR_IMPORT_ZEEK_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/error.h"
#include "storage/flow.h"

enum fl_zeek_field {
    FL_ZEEK_TS,
    FL_ZEEK_ORIG_H,
    FL_ZEEK_ORIG_P,
    FL_ZEEK_RESP_H,
    FL_ZEEK_RESP_P,
    FL_ZEEK_PROTO,
    FL_ZEEK_REQUIRED, /* those before it must be there */
    FL_ZEEK_DURATION = FL_ZEEK_REQUIRED,
    FL_ZEEK_ORIG_BYTES,
    FL_ZEEK_RESP_BYTES,
    FL_ZEEK_HISTORY,
    FL_ZEEK_ORIG_PKTS,
    FL_ZEEK_ORIG_IP_BYTES,
    FL_ZEEK_RESP_PKTS,
    FL_ZEEK_RESP_IP_BYTES,
    FL_ZEEK_IP_PROTO,
    FL_ZEEK_FIELDS
};

enum { FL_ZEEK_COLUMNS = 256 };

/* What the header of a TSV log said. Zero it before the first line. */
struct fl_zeek {
    char separator; /* 0: no header yet */
    char unset[32], empty[32];
    int n_columns;
    signed char field[FL_ZEEK_COLUMNS]; /* enum fl_zeek_field of a column; -1: not needed */
    bool has_columns;
};

/* Take one line of TSV (without its newline; changed in place). Returns the records made: 1 or 2, or 0 for a
 * line of the header and for a connection that is neither TCP, UDP, ICMP nor of a protocol that is told
 * (*skipped is then true); FL_EMALF: the line is wrong; FL_EINVAL: the file is another log of Zeek's. */
int fl_zeek_tsv(struct fl_zeek *z, char *line, struct fl_flow out[2], bool *skipped, struct fl_err *err);
/* The same for one line of JSON of `length` bytes. A blank one makes none. */
int fl_zeek_json(const char *line, size_t length, struct fl_flow out[2], bool *skipped, struct fl_err *err);

#endif
