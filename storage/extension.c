/* The extension for the stock sqlite3 shell, and for whatever else loads such (sqlite.org/loadext.html):
 *
 *     .load flowlore
 *     SELECT src, sum(scaled_bytes) FROM flows GROUP BY src;
 *
 * It only reads. What it defines is told in flowtable.h. */
#include "storage/flowtable.h"

SQLITE_EXTENSION_INIT1

enum { oldest_sqlite = 3038000 }; /* the first that hands over all values of an IN at once */

__attribute__((visibility("default"))) int sqlite3_flowlore_init(sqlite3 *db, char **error,
                                                                 const sqlite3_api_routines *api);

int sqlite3_flowlore_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    if (sqlite3_libversion_number() < oldest_sqlite) {
        *error = sqlite3_mprintf("flowlore needs SQLite 3.38 or later, and this is %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    int rc = fl_flowtable_register_extension(db);
    if (rc < 0)
        *error = sqlite3_mprintf("flowlore cannot define its tables: %s", sqlite3_errmsg(db));
    return rc == 0 ? SQLITE_OK : SQLITE_ERROR;
}
