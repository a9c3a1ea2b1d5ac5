/* The log: one line a message on standard error, as journald and a terminal want it.
 *
 * Only the edges log (main programs, the receive loop, the storing and mining threads); everything below
 * returns codes and counts. Messages name the thing and, where there is one, the remedy.
 */
#ifndef FL_STORAGE_LOG_H
#define FL_STORAGE_LOG_H

enum fl_log_level { FL_LOG_ERROR = 3, FL_LOG_WARNING = 4, FL_LOG_INFO = 6 }; /* RFC 5424 6.2.1 */

/* Write "flowlored: warning: text" (under systemd, "<4>text", which journald understands). Safe from any
 * thread: a line is one write. Control characters in the text are replaced by '?'. */
void fl_log(enum fl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define fl_error(...) fl_log(FL_LOG_ERROR, __VA_ARGS__)
#define fl_warning(...) fl_log(FL_LOG_WARNING, __VA_ARGS__)
#define fl_info(...) fl_log(FL_LOG_INFO, __VA_ARGS__)

#endif
