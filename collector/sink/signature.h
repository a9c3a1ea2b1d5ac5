/* How a webhook's receiver knows that a request is ours, and of now.
 *
 * The headers X-Flowlore-Timestamp (Unix seconds of this attempt, decimal) and X-Flowlore-Signature:
 * "sha256=" and, in lower-case hex, HMAC-SHA256 under the shared secret of the timestamp, a full stop and the
 * body, byte by byte as sent. A receiver computes the same, compares in constant time, and refuses a
 * timestamp that is more than a few minutes off; event.id tells it repetitions. Worked example: secret
 * "s3cret", timestamp 1767225600, body {"a":1}: HMAC over `1767225600.{"a":1}`. */
#ifndef FL_COLLECTOR_SIGNATURE_H
#define FL_COLLECTOR_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "storage/error.h"

#define FL_SIGNATURE 72 /* bytes for "sha256=" and 64 digits, with the NUL */
int fl_signature_make(const char *secret, size_t secret_bytes, int64_t timestamp_s, const char *body,
                      char out[FL_SIGNATURE]);

/* The secret in a file: its content without white space at its end, at most FL_SECRET bytes, at least 8. It
 * is read for each attempt, so that a new one needs no restart. The length, or FL_EIO, FL_EINVAL with a
 * sentence that names the file and never what stands in it. */
enum { FL_SECRET = 1024 };
int fl_secret_read(const char *path, char out[FL_SECRET + 1], struct fl_err *err);

#endif
