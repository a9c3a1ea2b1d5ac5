/* Numbers and texts as people read them in tables and sentences. Each function writes into a buffer of
 * FL_HUMAN_TEXT bytes and returns it. */
#ifndef FL_MINING_HUMAN_H
#define FL_MINING_HUMAN_H

#include <stddef.h>
#include <stdint.h>

#define FL_HUMAN_TEXT 32

/* "0 B", "1023 B", "1.0 KiB", "12 MiB": one decimal below 10, powers of 1024. */
const char *fl_human_bytes(uint64_t bytes, char out[FL_HUMAN_TEXT]);
/* "999", "1,000", "1,234,567". */
const char *fl_human_count(uint64_t count, char out[FL_HUMAN_TEXT]);
/* A share 0..1: "0%", "<0.1%", "0.4%", "97%", ">99.9%" is never rounded to 100%; "-" when not finite. */
const char *fl_human_percent(double share, char out[FL_HUMAN_TEXT]);
/* A signed time span: "0 ms", "-12 ms", "1.2 s", "3 min", "2.5 h", "4 d". */
const char *fl_human_span(int64_t ms, char out[FL_HUMAN_TEXT]);
/* A time that has gone by, in whole units: "0 s", "59 s", "2 min", "47 h", "4 d", "2 y"; what lies ahead is
 * "0 s". */
const char *fl_human_age(int64_t ms, char out[FL_HUMAN_TEXT]);
/* A factor: "1.4", "12", "3,400"; "inf" beyond 1e12. */
const char *fl_human_factor(double factor, char out[FL_HUMAN_TEXT]);
/* "rule" for 1, "rules" otherwise (adds an s). Returns `out`. */
const char *fl_human_plural(uint64_t count, const char *singular, char out[FL_HUMAN_TEXT]);

/* Replace what could steer a terminal (C0 and C1 control characters, DEL, broken UTF-8, bidirectional
 * overrides) by '?' a byte, in place. Newlines and tabs too. Returns `text`. */
char *fl_human_clean(char *text);
/* Columns that UTF-8 text takes on a terminal, one a character. */
size_t fl_human_width(const char *text);

#endif
