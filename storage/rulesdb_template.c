/* Wire templates in the rules database: kept session by session, so that a restart of the service loses none
 * of the data that comes before the exporter sends them again. */
#include "storage/rulesdb_parts.h"

static int put_template(struct fl_rulesdb *db, const struct fl_wire_template *t)
{
    char address[FL_ADDR_TEXT];
    fl_addr_format(&t->address, address);
    if (t->length == 0)
        return fl_rulesdb_run(db, SQL_DROP_TEMPLATE, "tiiiii", address, (int64_t)t->source_port,
                              (int64_t)t->domain, (int64_t)t->version, (int64_t)t->id, t->defined_ms);
    return fl_rulesdb_run(db, SQL_PUT_TEMPLATE, "tiiiiiib", address, (int64_t)t->source_port,
                          (int64_t)t->domain, (int64_t)t->version, (int64_t)t->id, (int64_t)t->options,
                          t->defined_ms, (const void *)t->bytes, t->length);
}

int fl_rulesdb_store_templates(struct fl_rulesdb *db, const struct fl_wire_template *templates, size_t n,
                               struct fl_err *err)
{
    int rc = fl_rulesdb_run(db, SQL_BEGIN, "");
    if (rc != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = put_template(db, &templates[i]);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_COMMIT, "");
    if (rc == SQLITE_OK)
        return 0;
    rc = fl_rulesdb_fail(db, err);
    fl_rulesdb_run(db, SQL_ROLLBACK, "");
    return rc;
}

/* False for a row that no flowlore wrote. */
static bool read_template(sqlite3_stmt *s, struct fl_wire_template *t)
{
    const char *address = (const char *)sqlite3_column_text(s, 0);
    int64_t port = sqlite3_column_int64(s, 1), domain = sqlite3_column_int64(s, 2);
    int64_t version = sqlite3_column_int64(s, 3), id = sqlite3_column_int64(s, 4);
    bool sound = address && fl_addr_parse(address, &t->address) == 0 && port >= 0 && port <= UINT16_MAX &&
                 domain >= 0 && domain <= UINT32_MAX && (version == 9 || version == 10) && id >= 256 &&
                 id <= UINT16_MAX;
    t->source_port = (uint16_t)port;
    t->domain = (uint32_t)domain;
    t->version = (uint8_t)version;
    t->id = (uint16_t)id;
    t->options = sqlite3_column_int64(s, 5) != 0;
    t->defined_ms = sqlite3_column_int64(s, 6);
    t->bytes = sqlite3_column_blob(s, 7);
    t->length = (size_t)sqlite3_column_bytes(s, 7);
    return sound && t->bytes && t->length > 0;
}

int fl_rulesdb_templates(struct fl_rulesdb *db, fl_wire_template_fn *fn, void *ctx, struct fl_err *err)
{
    sqlite3_stmt *s = fl_rulesdb_prepare(db, SQL_TEMPLATES);
    int rc = 0, step = SQLITE_DONE;
    if (!s)
        return fl_rulesdb_fail(db, err);
    while (rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
        struct fl_wire_template t;
        if (read_template(s, &t))
            rc = fn(ctx, &t);
    }
    if (rc == 0 && step != SQLITE_DONE)
        rc = fl_rulesdb_fail(db, err);
    sqlite3_finalize(s);
    return rc;
}
