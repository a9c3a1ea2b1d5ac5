/* Waiting times between attempts: a pure function of the number of failures and a random share. */
#include "collector/sink/backoff.h"

int64_t fl_backoff_ms(const struct fl_backoff *b, unsigned failures, double jitter)
{
    int64_t wait_ms = b->base_ms;
    for (unsigned i = 1; i < failures && wait_ms < b->cap_ms; i++)
        wait_ms *= 2;
    if (wait_ms > b->cap_ms)
        wait_ms = b->cap_ms;
    return wait_ms / 2 + (int64_t)((double)(wait_ms - wait_ms / 2) * jitter);
}

int64_t fl_backoff_asked_ms(const struct fl_backoff *b, unsigned failures, double jitter, int64_t asked_ms)
{
    int64_t wait_ms = fl_backoff_ms(b, failures, jitter);
    if (asked_ms > b->cap_ms)
        asked_ms = b->cap_ms;
    return asked_ms > wait_ms ? asked_ms : wait_ms;
}
