/* Names of locations become names of directories, so what a name may be is decided in one place. */
#include <stdbool.h>
#include <string.h>

#include "storage/config.h"

bool fl_location_name_ok(const char *name)
{
    static const char head[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char tail[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strnlen(name, FL_LOCATION_NAME);
    return length > 0 && length < FL_LOCATION_NAME && strspn(name, head) > 0 && strspn(name, tail) == length;
}
