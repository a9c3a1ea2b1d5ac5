/* The shared configuration: a counted snapshot behind a lock. */
#include "collector/settings.h"

#include <stdlib.h>
#include <string.h>

void fl_settings_init(struct fl_settings_box *box)
{
    pthread_mutex_init(&box->lock, NULL);
    box->current = NULL;
}

void fl_settings_put(struct fl_settings_box *box, struct fl_settings *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&box->lock);
    bool last = --s->holders == 0;
    pthread_mutex_unlock(&box->lock);
    if (last) {
        fl_config_clear(&s->config);
        free(s);
    }
}

void fl_settings_destroy(struct fl_settings_box *box)
{
    fl_settings_put(box, box->current);
    pthread_mutex_destroy(&box->lock);
}

int fl_settings_replace(struct fl_settings_box *box, struct fl_config *config)
{
    struct fl_settings *s = calloc(1, sizeof *s);
    if (!s)
        return FL_ENOMEM;
    s->config = *config;
    s->holders = 1;
    memset(config, 0, sizeof *config);
    pthread_mutex_lock(&box->lock);
    struct fl_settings *old = box->current;
    box->current = s;
    pthread_mutex_unlock(&box->lock);
    fl_settings_put(box, old);
    return 0;
}

struct fl_settings *fl_settings_get(struct fl_settings_box *box)
{
    pthread_mutex_lock(&box->lock);
    struct fl_settings *s = box->current;
    s->holders++;
    pthread_mutex_unlock(&box->lock);
    return s;
}
