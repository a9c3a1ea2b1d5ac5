/* Numbers and texts as people read them; kept apart from the tables so that sentences use them too. */
#include "mining/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One decimal below 10, none above; 9.96 is "10", not "10.0". */
static void scaled(char *out, double value, const char *unit)
{
    snprintf(out, FL_HUMAN_TEXT, fabs(value) < 9.95 ? "%.1f %s" : "%.0f %s", value, unit);
}

const char *fl_human_bytes(uint64_t bytes, char out[FL_HUMAN_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out, FL_HUMAN_TEXT, "%" PRIu64 " B", bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1023.5 && unit < 5; unit++)
        value /= 1024;
    scaled(out, value, units[unit]);
    return out;
}

const char *fl_human_count(uint64_t count, char out[FL_HUMAN_TEXT])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = 0;
    return out;
}

const char *fl_human_percent(double share, char out[FL_HUMAN_TEXT])
{
    double percent = share * 100;
    if (!isfinite(percent))
        return strcpy(out, "-");
    if (percent > 0 && percent < 0.1)
        return strcpy(out, "<0.1%");
    if (percent > 99.9 && percent < 100)
        return strcpy(out, ">99.9%");
    bool whole = percent == 0 || (percent >= 9.95 && (percent < 99 || percent >= 100));
    snprintf(out, FL_HUMAN_TEXT, whole ? "%.0f%%" : "%.1f%%", percent);
    return out;
}

const char *fl_human_span(int64_t ms, char out[FL_HUMAN_TEXT])
{
    double value = (double)ms, size = fabs(value);
    if (size < 1000)
        snprintf(out, FL_HUMAN_TEXT, "%.0f ms", value);
    else if (size < 59950)
        scaled(out, value / 1000, "s");
    else if (size < 3597000)
        scaled(out, value / 60000, "min");
    else if (size < 172800000)
        scaled(out, value / 3600000, "h");
    else
        scaled(out, value / 86400000, "d");
    return out;
}

const char *fl_human_age(int64_t ms, char out[FL_HUMAN_TEXT])
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{31536000000, "y"}, {86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    size_t u = 0;
    while (u < 4 && ms < (u < 2 ? 2 : 1) * units[u].ms) /* hours up to two days, days up to two years */
        u++;
    snprintf(out, FL_HUMAN_TEXT, "%" PRId64 " %s", ms > 0 ? ms / units[u].ms : 0, units[u].name);
    return out;
}

const char *fl_human_factor(double factor, char out[FL_HUMAN_TEXT])
{
    if (isnan(factor))
        return strcpy(out, "-");
    if (factor > 1e12)
        return strcpy(out, "inf");
    if (factor >= 9.95)
        return fl_human_count((uint64_t)llround(factor), out);
    snprintf(out, FL_HUMAN_TEXT, "%.1f", factor);
    return out;
}

const char *fl_human_plural(uint64_t count, const char *singular, char out[FL_HUMAN_TEXT])
{
    snprintf(out, FL_HUMAN_TEXT, "%s%s", singular, count == 1 ? "" : "s");
    return out;
}

/* Length of the UTF-8 character at `s` (RFC 3629), 0 when it is broken; its code point in *code. */
static size_t utf8_length(const unsigned char *s, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    size_t length = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (length == 0 || s[0] >= 0xf5)
        return 0;
    *code = s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    bool sound = *code >= least[length] && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
    return sound ? length : 0;
}

static bool steers(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029;
}

char *fl_human_clean(char *text)
{
    for (unsigned char *s = (unsigned char *)text; *s;) {
        uint32_t code = 0;
        size_t length = utf8_length(s, &code);
        if (length == 0 || steers(code))
            memset(s, '?', length ? length : 1);
        s += length ? length : 1;
    }
    return text;
}

size_t fl_human_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}
