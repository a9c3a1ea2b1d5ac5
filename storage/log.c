/* The log: formats a message into one line and writes it at once. */
#include "storage/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *level_word(enum fl_log_level level)
{
    switch (level) {
    case FL_LOG_ERROR:
        return "error: ";
    case FL_LOG_WARNING:
        return "warning: ";
    default:
        return "";
    }
}

void fl_log(enum fl_log_level level, const char *format, ...)
{
    char line[1024];
    int used = getenv("JOURNAL_STREAM")
                   ? snprintf(line, sizeof line, "<%d>", (int)level)
                   : snprintf(line, sizeof line, "%s: %s", program_invocation_short_name, level_word(level));
    if (used < 0 || (size_t)used >= sizeof line - 1)
        return;
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, args);
    va_end(args);
    if (more < 0)
        return;
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[length++] = '\n';
    for (size_t done = 0; done < length;) {
        ssize_t n = write(STDERR_FILENO, line + done, length - done);
        if (n < 0 && errno != EINTR)
            return;
        done += n > 0 ? (size_t)n : 0;
    }
}
