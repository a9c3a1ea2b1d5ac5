/* Words for error codes, and the one way of filling in an error sentence. */
#include "storage/error.h"

#include <stdarg.h>
#include <stdio.h>

int fl_fail(struct fl_err *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

const char *fl_strerror(int code)
{
    switch (code) {
    case FL_OK:
        return "no error";
    case FL_ENOMEM:
        return "out of memory";
    case FL_EINVAL:
        return "invalid argument";
    case FL_EIO:
        return "input/output error";
    case FL_EMALF:
        return "malformed data";
    case FL_ENOENT:
        return "not found";
    case FL_ENEWER:
        return "written by a newer version";
    case FL_EBUSY:
        return "in use by another process";
    case FL_EDB:
        return "database error";
    case FL_ELIMIT:
        return "limit reached";
    case FL_EDAMAGED:
        return "damaged file";
    case FL_ESTOP:
        return "stopped";
    default:
        return "unknown error";
    }
}
