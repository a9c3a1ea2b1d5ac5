/* A thread a part, joined before the call returns. */
#include "mining/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "storage/error.h"

struct part {
    pthread_t thread;
    bool running;
    int (*fn)(void *ctx, uint32_t part);
    void *ctx;
    uint32_t number;
    int rc;
};

uint32_t fl_parallel_threads(uint32_t configured)
{
    long n = configured ? (long)configured : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > FL_MOST_THREADS ? FL_MOST_THREADS : (uint32_t)n;
}

static void *run(void *arg)
{
    struct part *p = arg;
    p->rc = p->fn(p->ctx, p->number);
    return NULL;
}

int fl_parallel(uint32_t parts, int (*fn)(void *ctx, uint32_t part), void *ctx)
{
    struct part all[FL_MOST_THREADS];
    int rc = 0;
    if (parts > FL_MOST_THREADS)
        return FL_EINVAL;
    for (uint32_t i = 0; i < parts; i++) {
        all[i] = (struct part){.fn = fn, .ctx = ctx, .number = i};
        all[i].running = i > 0 && pthread_create(&all[i].thread, NULL, run, &all[i]) == 0;
    }
    for (uint32_t i = 0; i < parts; i++)
        if (!all[i].running)
            run(&all[i]);
    for (uint32_t i = 0; i < parts; i++) {
        if (all[i].running)
            pthread_join(all[i].thread, NULL);
        rc = rc ? rc : all[i].rc;
    }
    return rc;
}

struct turns {
    atomic_uint next;
    uint32_t parts;
    int (*fn)(void *ctx, uint32_t part);
    void *ctx;
    int rc[FL_MOST_THREADS];
};

static int take_turns(void *ctx, uint32_t thread)
{
    struct turns *t = ctx;
    for (uint32_t part; (part = atomic_fetch_add(&t->next, 1)) < t->parts;)
        t->rc[part] = t->fn(t->ctx, part);
    return 0;
}

int fl_parallel_in_turn(uint32_t threads, uint32_t parts, int (*fn)(void *ctx, uint32_t part), void *ctx)
{
    struct turns t = {.parts = parts, .fn = fn, .ctx = ctx};
    uint32_t n = fl_parallel_threads(threads);
    if (parts > FL_MOST_THREADS)
        return FL_EINVAL;
    fl_parallel(n < parts ? n : parts, take_turns, &t);
    for (uint32_t i = 0; i < parts; i++)
        if (t.rc[i])
            return t.rc[i];
    return 0;
}
