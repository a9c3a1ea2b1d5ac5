/* When did an exporter boot? A v9 header says it to within a second (whole seconds, rounded down, beside an
 * uptime in milliseconds): boot is in [seconds * 1000 - uptime, + 999]. The intersection over datagrams
 * narrows to the millisecond. */
#ifndef FL_COLLECTOR_BOOT_H
#define FL_COLLECTOR_BOOT_H

#include <stdbool.h>
#include <stdint.h>

struct fl_boot {
    bool known;
    int64_t low_ms, high_ms; /* Unix milliseconds, both inclusive */
};

enum fl_boot_change {
    FL_BOOT_SAME,
    FL_BOOT_RESTART /* more than 2 s away: another boot, a new interval */
};

/* Intersect with what one header says. Disjoint by at most 2 s is drift: the interval moves to the nearest
 * edge. Later by 2^32 ms is the uptime's wrap: the interval moves along. */
enum fl_boot_change fl_boot_update(struct fl_boot *boot, uint32_t export_s, uint32_t uptime_ms);
bool fl_boot_exact(const struct fl_boot *boot);
/* An uptime-relative time as Unix milliseconds, given the boot time and the header's uptime. Up to a minute
 * after the header is taken as it stands; anything later was before the uptime's wrap at 2^32. */
static inline int64_t fl_boot_time(int64_t boot_ms, uint32_t uptime_ms, uint32_t switched_ms)
{
    enum { AHEAD_MS = 60000 };
    uint32_t age = uptime_ms - switched_ms;
    int64_t now = boot_ms + uptime_ms;
    if (age > UINT32_MAX - AHEAD_MS)
        return now + (int64_t)(UINT32_MAX - age) + 1;
    return now - age;
}

#endif
