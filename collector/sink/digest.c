/* SHA-1, HMAC-SHA256 and Base64: the only file that knows libcrypto. */
#include "collector/sink/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "storage/error.h"

int fl_digest_sha1(const void *bytes, size_t n, uint8_t out[FL_SHA1_BYTES])
{
    return EVP_Digest(bytes, n, out, NULL, EVP_sha1(), NULL) == 1 ? 0 : FL_EIO;
}

int fl_digest_hmac(const void *key, size_t key_bytes, const void *bytes, size_t n, uint8_t out[FL_HMAC_BYTES])
{
    return HMAC(EVP_sha256(), key, (int)key_bytes, bytes, n, out, NULL) ? 0 : FL_EIO;
}

const char *fl_digest_base64(const uint8_t *bytes, size_t n, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
    return out;
}
