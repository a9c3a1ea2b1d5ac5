/* Opening, recognising, unpacking and digesting of files. zlib passes through what is not compressed, so that
 * there is one way of reading. */
#include "collector/import/input.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 17, FIRST_BYTES = 64 };

struct fl_input {
    char name[4096], path[4096];
    int fd;
    int64_t size;
    enum fl_input_kind kind;
    gzFile reading; /* behind the stream handed out; NULL: none */
};

static bool begins(const uint8_t *bytes, size_t length, const char *with, size_t n)
{
    return length >= n && memcmp(bytes, with, n) == 0;
}

static enum fl_input_kind recognise_text(const uint8_t *bytes, size_t length)
{
    size_t at = begins(bytes, length, "\xef\xbb\xbf", 3) ? 3 : 0;
    if (begins(bytes + at, length - at, "#separator", 10) || begins(bytes + at, length - at, "#fields", 7))
        return FL_INPUT_ZEEK_TSV;
    while (at < length && strchr(" \t\r\n", bytes[at]) && bytes[at])
        at++;
    return at < length && bytes[at] == '{' ? FL_INPUT_ZEEK_JSON : FL_INPUT_UNKNOWN;
}

enum fl_input_kind fl_input_recognise(const uint8_t *bytes, size_t length)
{
    static const struct {
        const char *magic;
        size_t length;
        enum fl_input_kind kind;
    } magics[] = {
        {"\xd4\xc3\xb2\xa1", 4, FL_INPUT_CAPTURE}, {"\xa1\xb2\xc3\xd4", 4, FL_INPUT_CAPTURE},
        {"\x4d\x3c\xb2\xa1", 4, FL_INPUT_CAPTURE}, {"\xa1\xb2\x3c\x4d", 4, FL_INPUT_CAPTURE},
        {"\x34\xcd\xb2\xa1", 4, FL_INPUT_CAPTURE}, {"\xa1\xb2\xcd\x34", 4, FL_INPUT_CAPTURE},
        {"\x0a\x0d\x0d\x0a", 4, FL_INPUT_CAPTURE}, {"\x0c\xa5", 2, FL_INPUT_NFCAPD},
        {"\xa5\x0c", 2, FL_INPUT_NFCAPD},          {"\x28\xb5\x2f\xfd", 4, FL_INPUT_PACKED},
        {"\xfd\x37zXZ", 5, FL_INPUT_PACKED},       {"BZh", 3, FL_INPUT_PACKED},
        {"\x04\x22\x4d\x18", 4, FL_INPUT_PACKED},  {"\x1f\x8b", 2, FL_INPUT_PACKED},
        {"PK\x03\x04", 4, FL_INPUT_PACKED},
    };
    if (length == 0)
        return FL_INPUT_EMPTY;
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (begins(bytes, length, magics[i].magic, magics[i].length))
            return magics[i].kind;
    if (length >= 16 && bytes[0] == 0 && (bytes[1] == 5 || bytes[1] == 9 || bytes[1] == 10))
        return FL_INPUT_MESSAGES;
    return recognise_text(bytes, length);
}

static int spool(struct fl_input *in, const char *scratch_dir, struct fl_err *err)
{
    static char buffer[CHUNK];
    ssize_t n;
    int fd = open(scratch_dir ? scratch_dir : P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        FILE *f = tmpfile();
        fd = f ? dup(fileno(f)) : -1;
        if (f)
            fclose(f);
    }
    if (fd < 0)
        return fl_fail(err, FL_EIO, "%s: no scratch file can be made: %s", in->name, strerror(errno));
    while ((n = read(in->fd, buffer, sizeof buffer)) > 0)
        for (ssize_t at = 0, put; at < n; at += put)
            if ((put = write(fd, buffer + at, (size_t)(n - at))) < 0) {
                close(fd);
                return fl_fail(err, FL_EIO, "%s: cannot be kept in a scratch file: %s", in->name,
                               strerror(errno));
            }
    int error = errno;
    close(in->fd);
    in->fd = fd;
    if (n < 0 && error == EINTR) /* only a signal that asks to stop interrupts */
        return FL_ESTOP;
    return n < 0 ? fl_fail(err, FL_EIO, "%s: %s", in->name, strerror(error)) : 0;
}

static int open_file(struct fl_input *in, const char *path, const char *scratch_dir, struct fl_err *err)
{
    struct stat st;
    bool standard = strcmp(path, "-") == 0;
    snprintf(in->name, sizeof in->name, "%s", standard ? "standard input" : path);
    in->fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0 || fstat(in->fd, &st) < 0)
        return fl_fail(err, FL_EIO, "%.300s: %s", in->name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return fl_fail(err, FL_EINVAL, "%.300s is a directory; name the files in it: %.100s/*", in->name,
                       path);
    bool named = S_ISREG(st.st_mode) && !standard;
    int rc = S_ISREG(st.st_mode) ? 0 : spool(in, scratch_dir, err);
    if (rc == 0 && fstat(in->fd, &st) < 0)
        rc = fl_fail(err, FL_EIO, "%.300s: %s", in->name, strerror(errno));
    in->size = st.st_size;
    if (named)
        snprintf(in->path, sizeof in->path, "%s", path);
    else
        snprintf(in->path, sizeof in->path, "/proc/self/fd/%d", in->fd);
    return rc;
}

static int refuse(const struct fl_input *in, struct fl_err *err)
{
    switch (in->kind) {
    case FL_INPUT_EMPTY:
        return fl_fail(err, FL_EINVAL, "%.300s is empty", in->name);
    case FL_INPUT_PACKED:
        return fl_fail(
            err, FL_EINVAL,
            "%.300s is compressed in a way that is not read here; unpack it on the way: zstd -dc, xz -dc "
            "or bzip2 -dc FILE | flowlore import -",
            in->name);
    default:
        return fl_fail(
            err, FL_EINVAL,
            "%.300s is none of the files that are understood: a capture (pcap, pcapng), NetFlow or IPFIX "
            "messages end to end, an nfcapd file, Zeek's conn.log in TSV or JSON",
            in->name);
    }
}

static gzFile unpack(struct fl_input *in)
{
    int fd = dup(in->fd);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    gzFile gz = gzdopen(fd, "rb");
    if (!gz)
        close(fd);
    else
        gzbuffer(gz, CHUNK);
    return gz;
}

/* What zlib has to say after a read that gave `n` bytes: 0 when all is well. */
static int look_at_gzip(const struct fl_input *in, gzFile gz, int n, struct fl_err *err)
{
    int code = Z_OK;
    const char *words = gzerror(gz, &code);
    if (n > 0 || code == Z_OK || code == Z_STREAM_END)
        return 0;
    if (code == Z_ERRNO)
        return fl_fail(err, FL_EIO, "%.300s: %s", in->name, strerror(errno));
    return fl_fail(err, FL_EIO, "%.300s: its gzip data are %s; nothing of it was taken; get the file anew",
                   in->name, code == Z_BUF_ERROR ? "cut short" : words);
}

static int recognise(struct fl_input *in, struct fl_err *err)
{
    uint8_t first[FIRST_BYTES];
    gzFile gz = unpack(in);
    if (!gz)
        return fl_fail(err, FL_ENOMEM, "%.300s: out of memory", in->name);
    int n = gzread(gz, first, sizeof first);
    int rc = look_at_gzip(in, gz, n, err);
    bool packed = !gzdirect(gz);
    gzclose(gz);
    if (rc)
        return rc;
    in->kind = fl_input_recognise(first, n < 0 ? 0 : (size_t)n);
    if (in->kind == FL_INPUT_NFCAPD && packed)
        return fl_fail(err, FL_EINVAL, "%.300s is a gzip-compressed nfcapd file; unpack it first: gunzip",
                       in->name);
    return in->kind <= FL_INPUT_EMPTY || in->kind == FL_INPUT_PACKED ? refuse(in, err) : 0;
}

int fl_input_open(struct fl_input **out, const char *path, const char *scratch_dir, struct fl_err *err)
{
    *out = NULL;
    struct fl_input *in = calloc(1, sizeof *in);
    if (!in)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    int rc = open_file(in, path, scratch_dir, err);
    if (rc == 0)
        rc = recognise(in, err);
    if (rc)
        fl_input_close(in);
    else
        *out = in;
    return rc;
}

void fl_input_close(struct fl_input *in)
{
    if (!in)
        return;
    if (in->fd >= 0)
        close(in->fd);
    free(in);
}

enum fl_input_kind fl_input_kind(const struct fl_input *in)
{
    return in->kind;
}

const char *fl_input_name(const struct fl_input *in)
{
    return in->name;
}

const char *fl_input_path(const struct fl_input *in)
{
    return in->path;
}

int fl_input_fd(const struct fl_input *in)
{
    return in->fd;
}

static double share(const struct fl_input *in, gzFile gz)
{
    return in->size > 0 ? (double)gzoffset(gz) / (double)in->size : 1;
}

int fl_input_digest(struct fl_input *in, char out[FL_INPUT_DIGEST], fl_input_progress_fn *fn, void *ctx,
                    struct fl_err *err)
{
    static uint8_t buffer[CHUNK];
    int n = 0, rc = 0;
    gzFile gz = unpack(in);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    if (!gz || !sum) {
        rc = fl_fail(err, FL_ENOMEM, "%.300s: out of memory", in->name);
        goto done;
    }
    while (rc == 0 && (n = gzread(gz, buffer, sizeof buffer)) > 0) {
        g_checksum_update(sum, buffer, n);
        rc = fn(ctx, share(in, gz));
    }
    if (rc == 0)
        rc = look_at_gzip(in, gz, n, err);
    if (rc == 0)
        snprintf(out, FL_INPUT_DIGEST, "%s", g_checksum_get_string(sum));
done:
    if (gz)
        gzclose(gz);
    if (sum)
        g_checksum_free(sum);
    return rc;
}

static ssize_t stream_read(void *cookie, char *buffer, size_t size)
{
    struct fl_input *in = cookie;
    return gzread(in->reading, buffer, (unsigned)(size > CHUNK ? CHUNK : size));
}

static int stream_close(void *cookie)
{
    struct fl_input *in = cookie;
    gzclose(in->reading);
    in->reading = NULL;
    return 0;
}

FILE *fl_input_stream(struct fl_input *in)
{
    static const cookie_io_functions_t functions = {.read = stream_read, .close = stream_close};
    if (in->reading || !(in->reading = unpack(in)))
        return NULL;
    FILE *f = fopencookie(in, "rb", functions);
    if (!f)
        stream_close(in);
    else
        setvbuf(f, NULL, _IOFBF, CHUNK);
    return f;
}

double fl_input_done(const struct fl_input *in)
{
    return in->reading ? share(in, in->reading) : 0;
}
