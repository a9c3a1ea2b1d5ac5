/* Receiving: one libuv loop owns the UDP sockets and hands datagrams to the queue. Everything here runs on
 * the loop's thread. */
#ifndef FL_COLLECTOR_RECEIVE_H
#define FL_COLLECTOR_RECEIVE_H

#include <uv.h>

#include "collector/counters.h"
#include "collector/queue.h"
#include "storage/config.h"
#include "storage/error.h"

struct fl_receiver;

/* Bind every address of config->listen and receive. FL_EIO or FL_EINVAL with a sentence that names the
 * address; FL_ENOMEM. After a failure the loop has handles to close: run it once more, then
 * fl_receiver_free(*out) (which is NULL when there is nothing to free). */
int fl_receiver_open(struct fl_receiver **out, uv_loop_t *loop, const struct fl_config *config,
                     struct fl_queue *queue, struct fl_counters *counters, struct fl_err *err);
/* From now on senders are looked up here; it must stay valid until the next call or the end. */
void fl_receiver_use(struct fl_receiver *r, const struct fl_config *config);
/* Read what the kernel still holds, once, and close the sockets. */
void fl_receiver_stop(struct fl_receiver *r);
/* After the loop has run the closing of its handles. */
void fl_receiver_free(struct fl_receiver *r);

#endif
