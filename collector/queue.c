/* The datagram queue: two flat buffers. The producer appends to one while the consumer works through the
 * other; they change places under the lock, so that the lock is never held over decoding. */
#include "collector/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/error.h"

struct side {
    uint8_t *bytes;
    size_t used;
    int n;
};

struct fl_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct side in, out;
    size_t capacity;
    bool closed;
};

int fl_queue_new(struct fl_queue **out, size_t bytes)
{
    struct fl_queue *q = calloc(1, sizeof *q);
    if (!q)
        return FL_ENOMEM;
    q->capacity = bytes;
    q->in.bytes = malloc(bytes);
    q->out.bytes = malloc(bytes);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &attr);
    pthread_condattr_destroy(&attr);
    if (!q->in.bytes || !q->out.bytes) {
        fl_queue_free(q);
        return FL_ENOMEM;
    }
    *out = q;
    return 0;
}

void fl_queue_free(struct fl_queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->in.bytes);
    free(q->out.bytes);
    free(q);
}

bool fl_queue_push(struct fl_queue *q, const struct fl_datagram *d)
{
    size_t need = sizeof *d + d->length;
    pthread_mutex_lock(&q->lock);
    bool fits = !q->closed && need <= q->capacity - q->in.used;
    if (fits) {
        memcpy(q->in.bytes + q->in.used, d, sizeof *d);
        memcpy(q->in.bytes + q->in.used + sizeof *d, d->bytes, d->length);
        q->in.used += need;
        q->in.n++;
    }
    pthread_mutex_unlock(&q->lock);
    return fits;
}

void fl_queue_wake(struct fl_queue *q)
{
    pthread_cond_signal(&q->filled);
}

void fl_queue_close(struct fl_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

static struct timespec deadline_in(int64_t timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(timeout_ms / 1000);
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static void hand_on(const struct side *side, fl_datagram_fn *fn, void *ctx)
{
    const uint8_t *at = side->bytes;
    for (int i = 0; i < side->n; i++) {
        struct fl_datagram d;
        memcpy(&d, at, sizeof d);
        d.bytes = at + sizeof d;
        at += sizeof d + d.length;
        fn(ctx, &d);
    }
}

int fl_queue_take(struct fl_queue *q, int64_t timeout_ms, fl_datagram_fn *fn, void *ctx)
{
    struct timespec deadline = deadline_in(timeout_ms);
    pthread_mutex_lock(&q->lock);
    while (!q->in.n && !q->closed)
        if (pthread_cond_timedwait(&q->filled, &q->lock, &deadline))
            break;
    struct side full = q->in;
    bool ended = !full.n && q->closed;
    if (full.n) {
        q->in = (struct side){.bytes = q->out.bytes};
        q->out = full;
    }
    pthread_mutex_unlock(&q->lock);
    hand_on(&full, fn, ctx);
    return ended ? FL_ESTOP : full.n;
}
