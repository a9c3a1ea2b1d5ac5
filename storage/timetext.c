/* Times and durations: parsing and printing. */
#include "storage/timetext.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "storage/error.h"

static const int64_t second_ms = 1000, year_9999_ms = 253402300799999;

static char *put_digits(char *p, unsigned value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + digits;
}

/* "YYYY-MM-DD" of a day counted from 1970-01-01: years counted from March, so that the leap day is their last
 * (the proleptic Gregorian calendar; 719468 days lie between 0000-03-01 and 1970-01-01). */
static char *put_date(char *p, unsigned days)
{
    days += 719468;
    unsigned era = days / 146097, of_era = days % 146097;
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned from_march = (5 * of_year + 2) / 153, month = from_march < 10 ? from_march + 3 : from_march - 9;
    p = put_digits(p, year + era * 400 + (month <= 2), 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    return put_digits(p, of_year - (153 * from_march + 2) / 5 + 1, 2);
}

/* "YYYY-MM-DDTHH:MM:SS" of the nearest time that can be printed; *ms becomes it. */
static char *put_seconds(char *p, int64_t *ms)
{
    *ms = *ms < 0 ? 0 : *ms > year_9999_ms ? year_9999_ms : *ms;
    uint64_t seconds = (uint64_t)(*ms / second_ms);
    unsigned of_day = (unsigned)(seconds % 86400);
    p = put_date(p, (unsigned)(seconds / 86400));
    *p++ = 'T';
    p = put_digits(p, of_day / 3600, 2);
    *p++ = ':';
    p = put_digits(p, of_day / 60 % 60, 2);
    *p++ = ':';
    return put_digits(p, of_day % 60, 2);
}

const char *fl_time_format(int64_t ms, char out[FL_TIME_TEXT])
{
    char *p = put_seconds(out, &ms);
    *p++ = '.';
    p = put_digits(p, (unsigned)(ms % second_ms), 3);
    memcpy(p, "Z", 2);
    return out;
}

const char *fl_time_format_s(int64_t ms, char out[FL_TIME_TEXT])
{
    memcpy(put_seconds(out, &ms), "Z", 2);
    return out;
}

/* Exactly `digits` digits at *p, no more than `most`; moves *p behind them. */
static bool take_number(const char **p, int digits, int least, int most, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        value = value * 10 + (**p - '0');
    }
    *out = value;
    return value >= least && value <= most;
}

static bool take_char(const char **p, const char *any_of)
{
    if (!**p || !strchr(any_of, **p))
        return false;
    (*p)++;
    return true;
}

static bool take_fraction(const char **p, int *ms)
{
    *ms = 0;
    if (!isdigit((unsigned char)**p))
        return false;
    for (int scale = 100; isdigit((unsigned char)**p); (*p)++, scale /= 10)
        *ms += (**p - '0') * scale;
    return true;
}

/* `Z`, `+02:00`, or nothing: seconds east of Greenwich. */
static bool take_zone(const char **p, int *seconds)
{
    *seconds = 0;
    if (!**p || take_char(p, "Zz"))
        return true;
    int sign = **p == '-' ? -1 : 1, hours, minutes;
    if (!take_char(p, "+-") || !take_number(p, 2, 0, 23, &hours) || !take_char(p, ":") ||
        !take_number(p, 2, 0, 59, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_clock(const char **p, struct tm *tm, int *ms)
{
    *ms = 0;
    if (!take_number(p, 2, 0, 23, &tm->tm_hour) || !take_char(p, ":") ||
        !take_number(p, 2, 0, 59, &tm->tm_min))
        return false;
    if (!take_char(p, ":"))
        return true;
    if (!take_number(p, 2, 0, 60, &tm->tm_sec))
        return false;
    return !take_char(p, ".") || take_fraction(p, ms);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static int parse_rfc3339(const char *p, int64_t *out_ms)
{
    struct tm tm = {0};
    int year, ms = 0, zone = 0;
    if (!take_number(&p, 4, 1970, 9999, &year) || !take_char(&p, "-") ||
        !take_number(&p, 2, 1, 12, &tm.tm_mon) || !take_char(&p, "-") ||
        !take_number(&p, 2, 1, 31, &tm.tm_mday))
        return FL_EINVAL;
    if (*p && (!take_char(&p, "Tt ") || !take_clock(&p, &tm, &ms) || !take_zone(&p, &zone) || *p))
        return FL_EINVAL;
    if (tm.tm_mday > days_in_month(year, tm.tm_mon))
        return FL_EINVAL;
    tm.tm_year = year - 1900;
    tm.tm_mon -= 1;
    time_t seconds = timegm(&tm);
    *out_ms = ((int64_t)seconds - zone) * second_ms + ms;
    return 0;
}

int fl_time_parse(const char *text, int64_t now_ms, int64_t *out_ms)
{
    if (strcmp(text, "now") == 0) {
        *out_ms = now_ms;
        return 0;
    }
    if (text[0] == '-' || text[0] == '+') {
        int64_t delta;
        if (fl_duration_parse(text + 1, &delta) < 0)
            return FL_EINVAL;
        *out_ms = text[0] == '-' ? now_ms - delta : now_ms + delta;
        return 0;
    }
    return parse_rfc3339(text, out_ms);
}

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
enum { n_units = sizeof units / sizeof units[0] };

static int64_t unit_of(const char *name, size_t length)
{
    for (int i = 0; i < n_units; i++)
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
            return units[i].ms;
    return 0;
}

int fl_duration_parse(const char *text, int64_t *out_ms)
{
    const int64_t most = 100 * 366 * (int64_t)86400000;
    if (strcmp(text, "0") == 0) {
        *out_ms = 0;
        return 0;
    }
    int64_t total = 0;
    const char *p = text;
    do {
        int64_t value = 0;
        if (!isdigit((unsigned char)*p))
            return FL_EINVAL;
        for (; isdigit((unsigned char)*p); p++)
            if ((value = value * 10 + (*p - '0')) > most)
                return FL_EINVAL;
        size_t length = strspn(p, "abcdefghijklmnopqrstuvwxyz");
        int64_t unit = unit_of(p, length);
        if (unit == 0 || value > most / unit || (total += value * unit) > most)
            return FL_EINVAL;
        p += length;
    } while (*p);
    *out_ms = total;
    return 0;
}

const char *fl_duration_format(int64_t ms, char out[FL_TIME_TEXT])
{
    size_t used = 0;
    if (ms <= 0)
        return snprintf(out, FL_TIME_TEXT, "0s"), out;
    for (int i = 1; i < n_units && used < FL_TIME_TEXT - 1; i++) /* weeks read worse than days */
        if (ms >= units[i].ms) {
            used += (size_t)snprintf(out + used, FL_TIME_TEXT - used, "%lld%s", (long long)(ms / units[i].ms),
                                     units[i].name);
            ms %= units[i].ms;
        }
    return out;
}

int fl_bytes_parse(const char *text, int64_t *out)
{
    static const char prefixes[] = "kmgt";
    char *end;
    if (!isdigit((unsigned char)*text))
        return FL_EINVAL;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 0;
    const char *prefix = *end ? strchr(prefixes, tolower((unsigned char)*end)) : NULL;
    if (prefix) {
        shift = 10 * (unsigned)(prefix - prefixes + 1);
        end++;
    }
    if (*end && strcasecmp(end, "B") != 0 && !(prefix && strcasecmp(end, "iB") == 0))
        return FL_EINVAL;
    if (value > (UINT64_C(1) << 62) >> shift)
        return FL_EINVAL;
    *out = (int64_t)(value << shift);
    return 0;
}

int64_t fl_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * second_ms + now.tv_nsec / 1000000;
}
