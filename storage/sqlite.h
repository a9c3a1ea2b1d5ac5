/* SQLite as the readers of flows know it: the library, or, inside the extension for the stock shell, the
 * functions that its host hands over, so that there is one SQLite in the process and the extension brings
 * none. */
#ifndef FL_STORAGE_SQLITE_H
#define FL_STORAGE_SQLITE_H

#ifdef FL_SQLITE_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

#endif
