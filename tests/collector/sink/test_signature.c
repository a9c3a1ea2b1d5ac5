/* Signatures against HMAC-SHA256 as RFC 4231 has it, and secrets from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/sink/digest.h"
#include "collector/sink/signature.h"

static void test_hmac(void **state)
{
    static const uint8_t expected[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
                                       0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
                                       0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    uint8_t out[FL_HMAC_BYTES];
    const char *text = "what do ya want for nothing?"; /* RFC 4231 section 4.3 */
    assert_int_equal(fl_digest_hmac("Jefe", 4, text, strlen(text), out), 0);
    assert_memory_equal(out, expected, sizeof out);
}

/* The text that is signed is timestamp, full stop, body: a change to either is another signature. */
static void test_what_is_signed(void **state)
{
    char a[FL_SIGNATURE], b[FL_SIGNATURE], by_hand[FL_SIGNATURE] = "sha256=";
    uint8_t digest[FL_HMAC_BYTES];
    assert_int_equal(fl_signature_make("s3cret", 6, 1767225600, "{\"a\":1}", a), 0);
    assert_int_equal(fl_digest_hmac("s3cret", 6, "1767225600.{\"a\":1}", 18, digest), 0);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(by_hand + 7 + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(a, by_hand);
    assert_int_equal(strlen(a), FL_SIGNATURE - 1);
    fl_signature_make("s3cret", 6, 1767225601, "{\"a\":1}", b);
    assert_string_not_equal(a, b);
    fl_signature_make("s3creT", 6, 1767225600, "{\"a\":1}", b);
    assert_string_not_equal(a, b);
}

static int read_secret(const char *content, size_t n, char out[FL_SECRET + 1], struct fl_err *err)
{
    char path[] = "/tmp/flowlore-secret-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, content, n), n);
    close(fd);
    int rc = fl_secret_read(path, out, err);
    assert_true(rc >= 0 || strstr(err->text, path));
    unlink(path);
    return rc;
}

static void test_secrets(void **state)
{
    char secret[FL_SECRET + 1], many[FL_SECRET + 2];
    struct fl_err err = {""};
    assert_int_equal(read_secret("correct horse\r\n\n", 16, secret, &err), 13);
    assert_string_equal(secret, "correct horse");
    assert_int_equal(read_secret("short\n", 6, secret, &err), FL_EINVAL);
    assert_null(strstr(err.text, "short"));
    memset(many, 'x', sizeof many);
    assert_int_equal(read_secret(many, FL_SECRET, secret, &err), FL_SECRET);
    assert_int_equal(read_secret(many, FL_SECRET + 1, secret, &err), FL_EINVAL);
    assert_int_equal(fl_secret_read("/nonexistent/secret", secret, &err), FL_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/secret: No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hmac), cmocka_unit_test(test_what_is_signed),
                                       cmocka_unit_test(test_secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
