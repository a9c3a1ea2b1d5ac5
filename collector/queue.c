/* The queue. Each producer has two gatherers: it fills the one, under a lock that only the consumer ever
 * contends for, while the consumer empties the other; taking exchanges them. Lock order: a producer's, then
 * the queue's. */
#include "collector/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CACHE_LINE_BYTES = 64 };

struct producer {
    _Alignas(CACHE_LINE_BYTES) pthread_mutex_t lock;
    struct fl_gatherer *open, *taken;
    struct fl_chunk_codec *codec;
    size_t claims; /* of the queue's */
    bool closed;
    bool lent; /* room in `open`: the producer holds its lock until it adds */
};

struct fl_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    bool closed, woken;
    size_t claims; /* that no producer has */
    size_t n_producers;
    struct producer *producers;
};

static void init_locks(struct fl_queue *q)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &attr);
    pthread_condattr_destroy(&attr);
    for (size_t i = 0; i < q->n_producers; i++)
        pthread_mutex_init(&q->producers[i].lock, NULL);
}

static int make_producer(struct producer *p, int64_t bucket_ms)
{
    p->codec = fl_chunk_codec_new();
    if (!p->codec || fl_gatherer_new(&p->open, bucket_ms, p->codec) < 0 ||
        fl_gatherer_new(&p->taken, bucket_ms, p->codec) < 0)
        return FL_ENOMEM;
    return 0;
}

int fl_queue_new(struct fl_queue **out, size_t producers, int64_t bucket_ms, size_t claims)
{
    struct fl_queue *q = calloc(1, sizeof *q);
    struct producer *p = aligned_alloc(CACHE_LINE_BYTES, producers * sizeof *p);
    *out = NULL;
    if (!q || !p) {
        free(q);
        free(p);
        return FL_ENOMEM;
    }
    memset(p, 0, producers * sizeof *p);
    q->producers = p;
    q->n_producers = producers;
    q->claims = claims;
    init_locks(q);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < producers; i++)
        rc = make_producer(&p[i], bucket_ms);
    if (rc < 0)
        fl_queue_free(q);
    else
        *out = q;
    return rc;
}

void fl_queue_free(struct fl_queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->n_producers; i++) {
        struct producer *p = &q->producers[i];
        fl_gatherer_free(p->open);
        fl_gatherer_free(p->taken);
        fl_chunk_codec_free(p->codec);
        pthread_mutex_destroy(&p->lock);
    }
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->producers);
    free(q);
}

/* ---- producers ---- */

static void signal_worth(struct fl_queue *q, bool closed)
{
    pthread_mutex_lock(&q->lock);
    q->woken = true;
    q->closed = q->closed || closed;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

/* Room for n more, or for as many as there is; returns for how many. */
static size_t claim(struct fl_queue *q, struct producer *p, size_t n)
{
    size_t waiting = fl_gatherer_waiting(p->open);
    if (waiting + n > p->claims * FL_QUEUE_CLAIM) {
        size_t more = (waiting + n - p->claims * FL_QUEUE_CLAIM + FL_QUEUE_CLAIM - 1) / FL_QUEUE_CLAIM;
        pthread_mutex_lock(&q->lock);
        more = more < q->claims ? more : q->claims;
        q->claims -= more;
        p->claims += more;
        pthread_mutex_unlock(&q->lock);
    }
    size_t room = p->claims * FL_QUEUE_CLAIM - waiting;
    return n < room ? n : room;
}

struct fl_flow *fl_queue_room(struct fl_queue *q, size_t producer, const char *location, size_t n)
{
    struct producer *p = &q->producers[producer];
    pthread_mutex_lock(&p->lock);
    struct fl_flow *room = p->closed ? NULL : fl_gatherer_room(p->open, location, n);
    p->lent = room != NULL;
    if (!room)
        pthread_mutex_unlock(&p->lock);
    return room;
}

size_t fl_queue_add(struct fl_queue *q, size_t producer, const char *location, const struct fl_flow *flows,
                    size_t n)
{
    struct producer *p = &q->producers[producer];
    size_t taken = 0;
    if (!p->lent)
        pthread_mutex_lock(&p->lock);
    p->lent = false;
    size_t chunks = fl_gatherer_chunks(p->open);
    if (!p->closed)
        fl_gatherer_add(p->open, location, flows, claim(q, p, n), &taken);
    bool worth = chunks < FL_QUEUE_WORTH_CHUNKS && fl_gatherer_chunks(p->open) >= FL_QUEUE_WORTH_CHUNKS;
    pthread_mutex_unlock(&p->lock);
    if (worth)
        signal_worth(q, false);
    return n - taken;
}

void fl_queue_wake(struct fl_queue *q)
{
    signal_worth(q, false);
}

void fl_queue_close(struct fl_queue *q)
{
    for (size_t i = 0; i < q->n_producers; i++) {
        pthread_mutex_lock(&q->producers[i].lock);
        q->producers[i].closed = true;
        pthread_mutex_unlock(&q->producers[i].lock);
    }
    signal_worth(q, true);
}

/* ---- the consumer ---- */

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

/* Returns whether the queue was closed. */
static bool wait_until_worth(struct fl_queue *q, int64_t timeout_ms)
{
    struct timespec deadline = deadline_in(timeout_ms);
    pthread_mutex_lock(&q->lock);
    while (!q->closed && !q->woken)
        if (pthread_cond_timedwait(&q->filled, &q->lock, &deadline))
            break;
    bool closed = q->closed;
    q->woken = false;
    pthread_mutex_unlock(&q->lock);
    return closed;
}

static void take_from(struct fl_queue *q, struct producer *p, fl_queue_fn *fn, void *ctx)
{
    pthread_mutex_lock(&p->lock);
    struct fl_gatherer *full = p->open;
    size_t claims = p->claims;
    p->open = p->taken;
    p->taken = full;
    p->claims = 0;
    pthread_mutex_unlock(&p->lock);
    fn(ctx, full);
    fl_gatherer_clear(full);
    pthread_mutex_lock(&q->lock);
    q->claims += claims;
    pthread_mutex_unlock(&q->lock);
}

int fl_queue_take(struct fl_queue *q, int64_t timeout_ms, fl_queue_fn *fn, void *ctx)
{
    bool closed = wait_until_worth(q, timeout_ms);
    for (size_t i = 0; i < q->n_producers; i++)
        take_from(q, &q->producers[i], fn, ctx);
    return closed ? FL_ESTOP : 0;
}
