/* A file to import or replay: recognised by its content, unpacked when it is gzip-compressed, and identified
 * by the digest of what is in it. */
#ifndef FL_COLLECTOR_INPUT_H
#define FL_COLLECTOR_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "storage/error.h"

enum fl_input_kind {
    FL_INPUT_UNKNOWN,
    FL_INPUT_EMPTY,
    FL_INPUT_CAPTURE,   /* pcap or pcapng */
    FL_INPUT_MESSAGES,  /* NetFlow or IPFIX messages end to end; IPFIX files (RFC 5655) */
    FL_INPUT_NFCAPD,    /* written by nfcapd */
    FL_INPUT_ZEEK_TSV,  /* Zeek's conn.log, tab-separated */
    FL_INPUT_ZEEK_JSON, /* the same, one JSON object a line */
    FL_INPUT_PACKED     /* compressed by something that is not read here */
};
/* What a file is, by its first bytes (unpacked). 64 of them are enough. */
enum fl_input_kind fl_input_recognise(const uint8_t *bytes, size_t length);

#define FL_INPUT_DIGEST 65 /* bytes for SHA-256 in hexadecimal digits, with its NUL */

struct fl_input;

/* Open a file, or standard input for "-"; what cannot be read twice (a pipe) is kept in a scratch file below
 * scratch_dir (NULL: the system's). FL_EIO, FL_EINVAL (nothing that can be imported; the sentence says what
 * it is), FL_ENOMEM. */
int fl_input_open(struct fl_input **out, const char *path, const char *scratch_dir, struct fl_err *err);
void fl_input_close(struct fl_input *in);
enum fl_input_kind fl_input_kind(const struct fl_input *in);
/* The path, or "standard input". */
const char *fl_input_name(const struct fl_input *in);
/* A path under which this process and its children that inherit fl_input_fd can open the file. */
const char *fl_input_path(const struct fl_input *in);
int fl_input_fd(const struct fl_input *in);

typedef int fl_input_progress_fn(void *ctx, double done); /* non-zero ends the work, and is returned */
/* SHA-256 of the unpacked content. FL_EIO (also when gzip data are damaged or cut short), FL_ESTOP. */
int fl_input_digest(struct fl_input *in, char out[FL_INPUT_DIGEST], fl_input_progress_fn *fn, void *ctx,
                    struct fl_err *err);
/* The unpacked content from its beginning, the caller's to fclose before fl_input_close; NULL: no memory. */
FILE *fl_input_stream(struct fl_input *in);
/* How much of the file the stream has read, 0..1. */
double fl_input_done(const struct fl_input *in);

#endif
