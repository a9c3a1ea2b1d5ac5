/* The two digests that sinks need, from OpenSSL's libcrypto (3.0, Apache-2.0: what Debian's libcurl stands on
 * already): SHA-1 for the Community ID, which asks for it, and HMAC-SHA256 (RFC 2104) for signatures. */
#ifndef FL_COLLECTOR_DIGEST_H
#define FL_COLLECTOR_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { FL_SHA1_BYTES = 20, FL_HMAC_BYTES = 32 };

/* FL_EIO when the library refuses, which it has no reason to. */
int fl_digest_sha1(const void *bytes, size_t n, uint8_t out[FL_SHA1_BYTES]);
int fl_digest_hmac(const void *key, size_t key_bytes, const void *bytes, size_t n,
                   uint8_t out[FL_HMAC_BYTES]);
/* Base64 (RFC 4648 section 4) with its NUL: 4 characters for each begun 3 bytes. Returns `out`. */
const char *fl_digest_base64(const uint8_t *bytes, size_t n, char *out);

#endif
