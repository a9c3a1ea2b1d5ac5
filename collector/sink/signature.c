/* Signatures of webhook requests, and the secrets they are made with. */
#include "collector/sink/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/sink/digest.h"

int fl_signature_make(const char *secret, size_t secret_bytes, int64_t timestamp_s, const char *body,
                      char out[FL_SIGNATURE])
{
    uint8_t digest[FL_HMAC_BYTES];
    char *text = NULL;
    int n = asprintf(&text, "%lld.%s", (long long)timestamp_s, body);
    if (n < 0)
        return FL_ENOMEM;
    int rc = fl_digest_hmac(secret, secret_bytes, text, (size_t)n, digest);
    free(text);
    strcpy(out, "sha256=");
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 7 + 2 * i, 3, "%02x", digest[i]);
    return rc;
}

int fl_secret_read(const char *path, char out[FL_SECRET + 1], struct fl_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, out, FL_SECRET + 1);
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return fl_fail(err, FL_EIO, "secret-file %s: %s", path, strerror(why));
    while (n > 0 && strchr(" \t\r\n", out[n - 1]) && out[n - 1])
        n--;
    if (n < 8)
        return fl_fail(err, FL_EINVAL, "secret-file %s: a secret has 8 bytes at least", path);
    if (n > FL_SECRET)
        return fl_fail(err, FL_EINVAL, "secret-file %s: a secret has %d bytes at most", path, FL_SECRET);
    out[n] = 0;
    return (int)n;
}
