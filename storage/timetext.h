/* Times and durations as operators write and read them.
 *
 * A time is Unix milliseconds in UTC; a duration is milliseconds. Output is RFC 3339 in UTC with
 * milliseconds: 2022-06-12T22:00:09.953Z. */
#ifndef FL_STORAGE_TIMETEXT_H
#define FL_STORAGE_TIMETEXT_H

#include <stddef.h>
#include <stdint.h>

#define FL_TIME_TEXT 32 /* bytes enough for any time we print, with its NUL */

/* Times outside the years 1970..9999 cannot be written as RFC 3339 and are clamped to its ends. */
const char *fl_time_format(int64_t ms, char out[FL_TIME_TEXT]);
/* The same to the second: 2022-06-12T22:00:09Z, for tables. */
const char *fl_time_format_s(int64_t ms, char out[FL_TIME_TEXT]);

/* RFC 3339 (`2022-06-12T22:00:09.953Z`, `+02:00` offsets, a space for the T; the zone may be left out and
 * is then UTC; the seconds or the whole time of day may be left out), `now`, or relative to `now_ms`
 * (`-24h`, `-90m`, `-7d`, `+1h`). FL_EINVAL for anything else, also for days that do not exist. */
int fl_time_parse(const char *text, int64_t now_ms, int64_t *out_ms);

/* `500ms`, `30s`, `5m`, `24h`, `7d`, `2w`, a sum such as `1h30m`, or `0`. FL_EINVAL for anything else,
 * also a bare number other than 0 (its unit would be a guess) and anything over 100 years. */
int fl_duration_parse(const char *text, int64_t *out_ms);
/* The shortest such text: 90 s is "1m30s". */
const char *fl_duration_format(int64_t ms, char out[FL_TIME_TEXT]);

/* `64MiB`, `10G`, `512k`, `1048576`: bytes; decimal and binary prefixes both mean powers of 1024.
 * FL_EINVAL for anything else or over 2^62. */
int fl_bytes_parse(const char *text, int64_t *out);

/* The wall clock, Unix milliseconds. Called at the edges only; everything else is handed a time. */
int64_t fl_now_ms(void);

#endif
