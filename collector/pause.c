/* Waiting of background threads, on the monotonic clock. */
#include "collector/pause.h"

#include <time.h>

void fl_pause_init(struct fl_pause *p)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    p->woken = false;
    atomic_init(&p->stopping, false);
}

void fl_pause_destroy(struct fl_pause *p)
{
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
}

bool fl_pause_wait(struct fl_pause *p, int64_t timeout_ms)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    int64_t ns = deadline.tv_nsec + timeout_ms % 1000 * 1000000;
    deadline.tv_sec += (time_t)(timeout_ms / 1000 + ns / 1000000000);
    deadline.tv_nsec = (long)(ns % 1000000000);

    pthread_mutex_lock(&p->lock);
    while (!p->woken && !atomic_load(&p->stopping))
        if (pthread_cond_timedwait(&p->changed, &p->lock, &deadline))
            break;
    p->woken = false;
    pthread_mutex_unlock(&p->lock);
    return atomic_load(&p->stopping);
}

void fl_pause_wake(struct fl_pause *p)
{
    pthread_mutex_lock(&p->lock);
    p->woken = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void fl_pause_stop(struct fl_pause *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stopping, true);
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
}
