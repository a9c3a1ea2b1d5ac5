/* The bridge between libcurl's multi interface and libuv: libcurl says which sockets and which timeout it
 * waits for, libuv waits, and tells libcurl (curl_multi_socket_action(3)). */
#include "collector/sink/web.h"

#include <stdlib.h>

#include "storage/error.h"

struct fl_web {
    CURLM *multi;
    uv_loop_t *loop;
    uv_timer_t timer;
};

/* A socket of libcurl's that is waited for. */
struct wait {
    struct fl_web *web;
    uv_poll_t poll;
    curl_socket_t socket;
};

/* A transfer under way: what CURLOPT_PRIVATE points to. */
struct transfer {
    fl_web_done_fn *done;
    void *ctx;
};

static struct transfer *take_transfer(CURL *easy)
{
    char *held = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &held);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
    return (struct transfer *)(void *)held;
}

/* Hand on what has come to its end. */
static void reap(struct fl_web *web)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(web->multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode result = m->data.result; /* gone with the removal */
        struct transfer *t = take_transfer(m->easy_handle);
        curl_multi_remove_handle(web->multi, m->easy_handle);
        if (t)
            t->done(t->ctx, result);
        free(t);
    }
}

static void act(struct fl_web *web, curl_socket_t socket, int what)
{
    int running;
    curl_multi_socket_action(web->multi, socket, what, &running);
    reap(web);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct wait *w = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    act(w->web, w->socket, what); /* may be the end of w */
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct fl_web *web = ctx;
    if (timeout_ms < 0)
        uv_timer_stop(&web->timer);
    else
        uv_timer_start(&web->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_wait_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int set_socket(CURL *easy, curl_socket_t socket, int what, void *ctx, void *held)
{
    struct fl_web *web = ctx;
    struct wait *w = held;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            uv_close((uv_handle_t *)&w->poll, on_wait_closed);
        curl_multi_assign(web->multi, socket, NULL);
        return 0;
    }
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w)
            return -1;
        w->web = web;
        w->socket = socket;
        if (uv_poll_init_socket(web->loop, &w->poll, socket) != 0) {
            free(w);
            return -1;
        }
        w->poll.data = w;
        curl_multi_assign(web->multi, socket, w);
    }
    uv_poll_start(&w->poll,
                  (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_ready);
    return 0;
}

int fl_web_open(struct fl_web **out, uv_loop_t *loop)
{
    struct fl_web *web = calloc(1, sizeof *web);
    if (!web)
        return FL_ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(web->multi = curl_multi_init())) {
        free(web);
        return FL_EIO;
    }
    web->loop = loop;
    uv_timer_init(loop, &web->timer);
    web->timer.data = web;
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web);
    *out = web;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void fl_web_close(struct fl_web *web)
{
    if (!web)
        return;
    curl_multi_cleanup(web->multi); /* which gives its sockets up through set_socket */
    uv_close((uv_handle_t *)&web->timer, on_closed);
}

int fl_web_begin(struct fl_web *web, CURL *easy, fl_web_done_fn *done, void *ctx)
{
    struct transfer *t = malloc(sizeof *t);
    if (!t)
        return FL_ENOMEM;
    *t = (struct transfer){done, ctx};
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    if (curl_multi_add_handle(web->multi, easy) == CURLM_OK)
        return 0;
    free(take_transfer(easy));
    return FL_EIO;
}

void fl_web_drop(struct fl_web *web, CURL *easy)
{
    curl_multi_remove_handle(web->multi, easy);
    free(take_transfer(easy));
}
