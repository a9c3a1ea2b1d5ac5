/* The webhook sink: an event is POSTed as JSON, signed (signature.h).
 *
 * 2xx is delivery. 408, 425, 429 and 5xx, like everything that keeps an answer away, are failures to be tried
 * again, not before Retry-After says; any other status, a redirection too, means that the receiver will not
 * have it. TLS is verified against the system's authorities or ca-file; no proxy but the one configured;
 * nothing of the answer is kept but its status. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sink/attempt.h"
#include "collector/sink/signature.h"
#include "collector/sink/web.h"
#include "config.h"
#include "storage/timetext.h"

enum { CONNECT_MS = 10000, MOST_ANSWER = 65536, MOST_REDIRECTS = 5, MOST_HEADER = 4096 };

struct hook {
    struct fl_attempt base;
    CURL *easy;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
    size_t answer_bytes;
};

/* The answer's body is of no interest, and one without end is not waited for. */
static size_t drop_answer(char *bytes, size_t size, size_t n, void *ctx)
{
    struct hook *h = ctx;
    h->answer_bytes += size * n;
    return h->answer_bytes > MOST_ANSWER ? 0 : size * n;
}

static bool may_come_right(long status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

static void judge(struct hook *h, long status)
{
    curl_off_t after_s = 0;
    curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after_s);
    if (after_s > 86400)
        after_s = 86400;
    if (status >= 200 && status < 300)
        fl_attempt_end(&h->base, FL_OUTCOME_DELIVERED, 0, NULL);
    else if (status >= 300 && status < 400)
        fl_attempt_end(&h->base, FL_OUTCOME_REFUSED, 0,
                       "status %ld, a redirection; give the address it leads to, or `redirects: any`",
                       status);
    else
        fl_attempt_end(&h->base, may_come_right(status) ? FL_OUTCOME_FAILED : FL_OUTCOME_REFUSED,
                       after_s > 0 ? (int64_t)after_s * 1000 : 0, "status %ld", status);
}

static void on_done(void *ctx, CURLcode result)
{
    struct hook *h = ctx;
    long status = 0;
    char text[FL_TIME_TEXT];
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && status >= 200))
        judge(h, status);
    else if (result == CURLE_OPERATION_TIMEDOUT)
        fl_attempt_end(&h->base, FL_OUTCOME_FAILED, 0, "no answer within %s",
                       fl_duration_format(h->base.config->timeout_ms, text));
    else
        fl_attempt_end(&h->base, FL_OUTCOME_FAILED, 0, "%s", *h->why ? h->why : curl_easy_strerror(result));
}

static int add_header(struct hook *h, const char *name, const char *value)
{
    char line[160];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *grown = curl_slist_append(h->headers, line);
    if (!grown)
        return FL_ENOMEM;
    h->headers = grown;
    return 0;
}

static int sign(struct hook *h, struct fl_err *err)
{
    char secret[FL_SECRET + 1], signature[FL_SIGNATURE], timestamp[24];
    int64_t now_s = fl_now_ms() / 1000;
    if (!h->base.config->secret_file)
        return 0;
    int n = fl_secret_read(h->base.config->secret_file, secret, err);
    int rc = n < 0 ? n : fl_signature_make(secret, (size_t)n, now_s, h->base.message->json, signature);
    explicit_bzero(secret, sizeof secret);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)now_s);
    if (rc == 0)
        rc = add_header(h, "X-Flowlore-Timestamp", timestamp);
    return rc == 0 ? add_header(h, "X-Flowlore-Signature", signature) : rc;
}

/* The lines of a file of the operator's, read for each attempt like the secret, and like it never shown. */
static int add_from_file(struct hook *h, struct fl_err *err)
{
    char line[MOST_HEADER];
    int rc = 0;
    const char *path = h->base.config->header_file;
    FILE *file = path ? fopen(path, "re") : NULL;
    if (path && !file)
        return fl_fail(err, FL_EIO, "header-file %s: %s", path, strerror(errno));
    for (int n = 1; rc == 0 && file && fgets(line, sizeof line, file); n++) {
        line[strcspn(line, "\r\n")] = 0;
        if (!*line)
            continue;
        struct curl_slist *grown = strchr(line, ':') ? curl_slist_append(h->headers, line) : NULL;
        if (!grown)
            rc = fl_fail(err, FL_EINVAL, "header-file %s: line %d is no header; write Name: value", path, n);
        else
            h->headers = grown;
    }
    explicit_bzero(line, sizeof line);
    if (file)
        fclose(file);
    return rc;
}

static int set_headers(struct hook *h, struct fl_err *err)
{
    int rc = add_header(h, "Content-Type", "application/json");
    if (rc == 0)
        rc = add_header(h, "Expect", ""); /* no round trip in front of so few bytes */
    if (rc == 0)
        rc = add_header(h, "X-Flowlore-Event", h->base.message->uid);
    if (rc == 0)
        rc = add_from_file(h, err);
    return rc == 0 ? sign(h, err) : rc;
}

static void set_options(struct hook *h)
{
    CURL *e = h->easy;
    const struct fl_sink_config *c = h->base.config;
    curl_easy_setopt(e, CURLOPT_URL, c->url);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, h->base.message->json);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "flowlore/" PACKAGE_VERSION);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, (long)c->redirects);
    curl_easy_setopt(e, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS);
    curl_easy_setopt(e, CURLOPT_PROXY, c->proxy ? c->proxy : ""); /* "": whatever the environment says */
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(c->timeout_ms < CONNECT_MS ? c->timeout_ms : CONNECT_MS));
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    if (c->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs must not keep us at the end */
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, drop_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, h->why);
}

static void close_all(struct fl_attempt *a)
{
    struct hook *h = (struct hook *)a;
    if (h->easy) {
        fl_web_drop(a->loop->web, h->easy);
        curl_easy_cleanup(h->easy);
    }
    h->easy = NULL;
    curl_slist_free_all(h->headers);
    h->headers = NULL;
}

static void start(struct fl_attempt *a)
{
    struct hook *h = (struct hook *)a;
    struct fl_err err = {""};
    h->easy = a->loop->web ? curl_easy_init() : NULL;
    int rc = h->easy ? set_headers(h, &err) : FL_ENOMEM;
    if (rc == 0) {
        set_options(h);
        rc = fl_web_begin(a->loop->web, h->easy, on_done, h);
    }
    if (rc < 0)
        fl_attempt_end(a, FL_OUTCOME_FAILED, 0, "%s", *err.text ? err.text : fl_strerror(rc));
    else
        fl_attempt_timeout(a, a->config->timeout_ms +
                                  1000); /* libcurl has its own clock; ours is the last word */
}

const struct fl_sink_kind_ops fl_sink_webhook = {
    .size = sizeof(struct hook), .start = start, .close = close_all};
