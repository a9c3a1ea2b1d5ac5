/* The boot time as an interval that narrows. */
#include "collector/decode/boot.h"

enum { DRIFT_MS = 2000 };
static const int64_t wrap_ms = INT64_C(1) << 32;

static int64_t distance(const struct fl_boot *b, int64_t low, int64_t high)
{
    if (low > b->high_ms)
        return low - b->high_ms;
    return high < b->low_ms ? high - b->low_ms : 0;
}

enum fl_boot_change fl_boot_update(struct fl_boot *b, uint32_t export_s, uint32_t uptime_ms)
{
    int64_t low = (int64_t)export_s * 1000 - uptime_ms, high = low + 999;
    if (!b->known) {
        *b = (struct fl_boot){true, low, high};
        return FL_BOOT_SAME;
    }
    int64_t off = distance(b, low, high);
    if (off >= wrap_ms - DRIFT_MS && off <= wrap_ms + DRIFT_MS) {
        b->low_ms += wrap_ms;
        b->high_ms += wrap_ms;
        off = distance(b, low, high);
    }
    if (off > DRIFT_MS || off < -DRIFT_MS) {
        *b = (struct fl_boot){true, low, high};
        return FL_BOOT_RESTART;
    }
    if (off > 0) {
        b->low_ms = b->high_ms = low;
    } else if (off < 0) {
        b->low_ms = b->high_ms = high;
    } else {
        b->low_ms = low > b->low_ms ? low : b->low_ms;
        b->high_ms = high < b->high_ms ? high : b->high_ms;
    }
    return FL_BOOT_SAME;
}

bool fl_boot_exact(const struct fl_boot *b)
{
    return b->known && b->low_ms == b->high_ms;
}
