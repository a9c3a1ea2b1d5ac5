/* The batch queue. Each producer fills a batch of its own under a lock that only the consumer ever contends
 * for; full batches go to a list under the queue's lock. The consumer takes the list and, so that nothing
 * waits for a batch to fill, the half-full ones too. Lock order: a producer's, then the queue's. */
#include "collector/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/error.h"

enum {
    RUNS = 128, /* changes of location in one batch */
    WORTH_BATCHES = 32,
    CACHE_LINE_BYTES = 64
};

struct run {
    const char *location;
    size_t n;
};

struct batch {
    struct batch *next;
    size_t n, n_runs;
    struct run runs[RUNS];
    struct fl_flow flows[FL_BATCH_FLOWS];
};

struct producer {
    _Alignas(CACHE_LINE_BYTES) pthread_mutex_t lock;
    struct batch *open; /* NULL: none */
    char **places;      /* the names of locations it has used, ordered */
    size_t n_places;
    bool closed;
};

struct fl_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct batch *first, *last; /* full ones, oldest first */
    size_t n_full;
    struct batch *unused; /* the last one used on top: it is warm */
    size_t n_made, most;
    size_t worth; /* full batches that end the consumer's waiting */
    bool closed, woken;
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

int fl_queue_new(struct fl_queue **out, size_t producers, size_t batches)
{
    struct fl_queue *q = calloc(1, sizeof *q);
    struct producer *p = aligned_alloc(CACHE_LINE_BYTES, producers * sizeof *p);
    if (!q || !p) {
        free(q);
        free(p);
        return FL_ENOMEM;
    }
    memset(p, 0, producers * sizeof *p);
    q->producers = p;
    q->n_producers = producers;
    q->most = batches;
    q->worth = batches / 4 < WORTH_BATCHES ? batches / 4 + 1 : WORTH_BATCHES;
    init_locks(q);
    *out = q;
    return 0;
}

static void free_list(struct batch *b)
{
    while (b) {
        struct batch *next = b->next;
        free(b);
        b = next;
    }
}

void fl_queue_free(struct fl_queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->n_producers; i++) {
        struct producer *p = &q->producers[i];
        free(p->open);
        for (size_t j = 0; j < p->n_places; j++)
            free(p->places[j]);
        free(p->places);
        pthread_mutex_destroy(&p->lock);
    }
    free_list(q->first);
    free_list(q->unused);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->producers);
    free(q);
}

/* ---- producers ---- */

/* The producer's own copy of a name; NULL when memory is short. */
static const char *place(struct producer *p, const char *location)
{
    size_t low = 0, high = p->n_places;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(p->places[middle], location);
        if (!order)
            return p->places[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    char **grown = realloc(p->places, (p->n_places + 1) * sizeof *grown);
    char *copy = grown ? strdup(location) : NULL;
    if (grown)
        p->places = grown;
    if (!copy)
        return NULL;
    memmove(grown + low + 1, grown + low, (p->n_places - low) * sizeof *grown);
    grown[low] = copy;
    p->n_places++;
    return copy;
}

/* With the queue's lock held. */
static void append(struct fl_queue *q, struct batch *b)
{
    b->next = NULL;
    if (q->last)
        q->last->next = b;
    else
        q->first = b;
    q->last = b;
    q->n_full++;
}

/* An empty batch in place of the one that is full. NULL: every batch is taken. */
static struct batch *turn_over(struct fl_queue *q, struct batch *full)
{
    pthread_mutex_lock(&q->lock);
    if (full)
        append(q, full);
    struct batch *b = q->unused;
    bool make = !b && q->n_made < q->most;
    if (b)
        q->unused = b->next;
    if (make)
        q->n_made++;
    if (full && q->n_full >= q->worth)
        pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
    if (make && !(b = malloc(sizeof *b))) {
        pthread_mutex_lock(&q->lock);
        q->n_made--;
        pthread_mutex_unlock(&q->lock);
    }
    if (b)
        b->n = b->n_runs = 0;
    return b;
}

/* Room in the open batch for at least one record of a location; false: there is none. */
static bool make_room(struct fl_queue *q, struct producer *p, const char *location)
{
    struct batch *b = p->open;
    bool same = b && b->n_runs && !strcmp(b->runs[b->n_runs - 1].location, location);
    if (!b || b->n == FL_BATCH_FLOWS || (!same && b->n_runs == RUNS)) {
        b = p->open = turn_over(q, b);
        same = false;
    }
    if (!b || same)
        return b;
    const char *name = place(p, location);
    if (name)
        b->runs[b->n_runs++] = (struct run){.location = name};
    return name;
}

size_t fl_queue_add(struct fl_queue *q, size_t producer, const char *location, const struct fl_flow *flows,
                    size_t n)
{
    struct producer *p = &q->producers[producer];
    pthread_mutex_lock(&p->lock);
    while (n && !p->closed && make_room(q, p, location)) {
        struct batch *b = p->open;
        size_t room = FL_BATCH_FLOWS - b->n, some = n < room ? n : room;
        for (size_t i = 0; i < some; i++) /* one memcpy of them all is slower: rep movsb on some processors */
            b->flows[b->n + i] = flows[i];
        b->n += some;
        b->runs[b->n_runs - 1].n += some;
        flows += some;
        n -= some;
    }
    pthread_mutex_unlock(&p->lock);
    return n;
}

void fl_queue_wake(struct fl_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->woken = true;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

void fl_queue_close(struct fl_queue *q)
{
    for (size_t i = 0; i < q->n_producers; i++) {
        pthread_mutex_lock(&q->producers[i].lock);
        q->producers[i].closed = true;
        pthread_mutex_unlock(&q->producers[i].lock);
    }
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
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
    while (q->n_full < q->worth && !q->closed && !q->woken)
        if (pthread_cond_timedwait(&q->filled, &q->lock, &deadline))
            break;
    bool closed = q->closed;
    q->woken = false;
    pthread_mutex_unlock(&q->lock);
    return closed;
}

/* The half-full batches go behind the full ones of their producers. */
static void collect_open(struct fl_queue *q)
{
    for (size_t i = 0; i < q->n_producers; i++) {
        struct producer *p = &q->producers[i];
        pthread_mutex_lock(&p->lock);
        if (p->open && p->open->n) {
            pthread_mutex_lock(&q->lock);
            append(q, p->open);
            pthread_mutex_unlock(&q->lock);
            p->open = NULL;
        }
        pthread_mutex_unlock(&p->lock);
    }
}

static struct batch *take_all(struct fl_queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct batch *all = q->first;
    q->first = q->last = NULL;
    q->n_full = 0;
    pthread_mutex_unlock(&q->lock);
    return all;
}

static void give_back(struct fl_queue *q, struct batch *b)
{
    pthread_mutex_lock(&q->lock);
    b->next = q->unused;
    q->unused = b;
    pthread_mutex_unlock(&q->lock);
}

int fl_queue_take(struct fl_queue *q, int64_t timeout_ms, fl_queue_fn *fn, void *ctx)
{
    bool closed = wait_until_worth(q, timeout_ms);
    collect_open(q);
    int n = 0;
    for (struct batch *b = take_all(q), *next; b; b = next) {
        const struct fl_flow *flows = b->flows;
        next = b->next;
        for (size_t i = 0; i < b->n_runs; i++) {
            fn(ctx, b->runs[i].location, flows, b->runs[i].n);
            flows += b->runs[i].n;
        }
        n += (int)b->n;
        give_back(q, b);
    }
    return n || !closed ? n : FL_ESTOP;
}
