/* How a background thread waits: for some time, until it is woken, or until it shall stop. */
#ifndef FL_COLLECTOR_PAUSE_H
#define FL_COLLECTOR_PAUSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fl_pause {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken;
    _Atomic bool stopping; /* may be read at any time */
};

void fl_pause_init(struct fl_pause *p);
void fl_pause_destroy(struct fl_pause *p);
/* Returns true when the thread shall stop; false after a wake (also one from before the call) or timeout_ms.
 */
bool fl_pause_wait(struct fl_pause *p, int64_t timeout_ms);
void fl_pause_wake(struct fl_pause *p);
void fl_pause_stop(struct fl_pause *p);

#endif
