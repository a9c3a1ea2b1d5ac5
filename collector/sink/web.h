/* libcurl on a libuv loop: transfers that go on side by side without a thread of their own. */
#ifndef FL_COLLECTOR_WEB_H
#define FL_COLLECTOR_WEB_H

#include <curl/curl.h>
#include <uv.h>

struct fl_web;
typedef void fl_web_done_fn(void *ctx, CURLcode result);

/* FL_ENOMEM, FL_EIO. */
int fl_web_open(struct fl_web **out, uv_loop_t *loop);
/* No transfer may be under way. What is left is freed as the loop runs. */
void fl_web_close(struct fl_web *web);
/* Begin; `done` is called once, from the loop, unless fl_web_drop comes first. Takes CURLOPT_PRIVATE. FL_EIO.
 */
int fl_web_begin(struct fl_web *web, CURL *easy, fl_web_done_fn *done, void *ctx);
/* End a transfer, also one that is done. The easy handle stays the caller's. */
void fl_web_drop(struct fl_web *web, CURL *easy);

#endif
