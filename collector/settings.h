/* The configuration in force, shared by threads: read whole, replaced whole when the service is told to
 * re-read it. A reader keeps the one it took until it gives it back. */
#ifndef FL_COLLECTOR_SETTINGS_H
#define FL_COLLECTOR_SETTINGS_H

#include <pthread.h>

#include "storage/config.h"

struct fl_settings {
    struct fl_config config;
    unsigned holders; /* guarded by the box's lock */
};

struct fl_settings_box {
    pthread_mutex_t lock;
    struct fl_settings *current; /* NULL until the first fl_settings_replace */
};

void fl_settings_init(struct fl_settings_box *box);
void fl_settings_destroy(struct fl_settings_box *box);
/* Put *config in force; it is moved, and left empty. FL_ENOMEM (*config is then as it was). */
int fl_settings_replace(struct fl_settings_box *box, struct fl_config *config);
/* What is in force. To be given back with fl_settings_put, before the box is destroyed. */
struct fl_settings *fl_settings_get(struct fl_settings_box *box);
void fl_settings_put(struct fl_settings_box *box, struct fl_settings *s);

#endif
