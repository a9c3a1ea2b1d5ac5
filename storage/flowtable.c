/* The SQL table `flows`: an eponymous-only SQLite virtual table over fl_scan (sqlite.org/vtab.html). */
#include "storage/flowtable.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bucket.h"
#include "storage/flowtable_plan.h"
#include "storage/timetext.h"

/* A row's id is where it stands: location, hour, chunk, position. It must tell rows apart, since SQLite uses
 * it to drop what both sides of an OR have found. */
enum { position_bits = 12, chunk_bits = 19, hour_bits = 22, location_bits = 10 };

/* One a connection; freed with it. */
struct module {
    char *data_dir;
    struct fl_scan_report report;
    char (*locations)[FL_LOCATION_NAME]; /* those seen, numbered for row ids */
    size_t n_locations;
};

struct table {
    sqlite3_vtab base;
    struct module *module;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct fl_flowtable_query query;
    struct fl_scan *scan;
    struct fl_scan_batch batch;
    size_t at; /* in the batch */
    bool eof;
};

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                         char **error)
{
    int rc = sqlite3_declare_vtab(db, fl_flowtable_declaration);
    if (rc != SQLITE_OK)
        return rc;
    struct table *t = calloc(1, sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    t->module = aux;
    *out = &t->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct cursor *c = calloc(1, sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    c->eof = true;
    *out = &c->base;
    return SQLITE_OK;
}

static struct module *module_of(const struct cursor *c)
{
    return ((struct table *)c->base.pVtab)->module;
}

static void add_report(struct fl_scan_report *sum, const struct fl_scan_report *r)
{
    const size_t room = sizeof r->damaged / sizeof r->damaged[0];
    sum->flows += r->flows;
    sum->chunks_read += r->chunks_read;
    sum->chunks_skipped += r->chunks_skipped;
    for (size_t i = 0; i < r->n_damaged && i < room; i++)
        fl_scan_report_damage(sum, r->damaged[i]);
    if (r->n_damaged > room && sum->n_damaged < r->n_damaged)
        sum->n_damaged = r->n_damaged;
}

static void end_scan(struct cursor *c)
{
    if (c->scan)
        add_report(&module_of(c)->report, fl_scan_report(c->scan));
    fl_scan_close(c->scan);
    c->scan = NULL;
    fl_flowtable_query_clear(&c->query);
    c->eof = true;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    end_scan(c);
    free(c);
    return SQLITE_OK;
}

static int fail(struct cursor *c, int code, const struct fl_err *err)
{
    sqlite3_free(c->base.pVtab->zErrMsg);
    c->base.pVtab->zErrMsg = sqlite3_mprintf("%s", err->text);
    end_scan(c);
    return code == FL_ENOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

static int next_batch(struct cursor *c)
{
    struct fl_err err = {""};
    int rc = fl_scan_next(c->scan, &c->batch, &err);
    c->at = 0;
    c->eof = rc == 0;
    return rc < 0 ? fail(c, rc, &err) : SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc, sqlite3_value **argv)
{
    struct cursor *c = (struct cursor *)base;
    struct fl_err err = {""};
    end_scan(c);
    int rc = fl_flowtable_query_init(&c->query, plan, argc, argv);
    if (rc != SQLITE_OK) {
        end_scan(c);
        return rc;
    }
    if (c->query.nothing || c->query.scan.first_ms > c->query.scan.last_ms)
        return SQLITE_OK;
    rc = fl_scan_open(&c->scan, module_of(c)->data_dir, &c->query.scan, &err);
    return rc < 0 ? fail(c, rc, &err) : next_batch(c);
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    return ++c->at < c->batch.n ? SQLITE_OK : next_batch(c);
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->eof;
}

/* ---- columns ---- */

static void show_time(sqlite3_context *ctx, int64_t ms)
{
    char text[FL_TIME_TEXT];
    sqlite3_result_text(ctx, fl_time_format(ms, text), -1, SQLITE_TRANSIENT);
}

static void show_addr(sqlite3_context *ctx, const struct fl_addr *a)
{
    char text[FL_ADDR_TEXT];
    sqlite3_result_text(ctx, fl_addr_format(a, text), -1, SQLITE_TRANSIENT);
}

static void show_count(sqlite3_context *ctx, uint64_t count)
{
    sqlite3_result_int64(ctx, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

static void show_asked(sqlite3_context *ctx, sqlite3_value *asked)
{
    if (asked)
        sqlite3_result_value(ctx, asked);
    else
        sqlite3_result_error(ctx,
                             "the columns host and port of flows match either side of a flow and can only be "
                             "compared with = or IN (use src, dst, src_port, dst_port for anything else)",
                             -1);
}

static void show_text(sqlite3_context *ctx, const struct cursor *c, const struct fl_flow *f, int column)
{
    switch (column) {
    case FL_COL_LOCATION:
        sqlite3_result_text(ctx, c->batch.location, -1, SQLITE_TRANSIENT);
        break;
    case FL_COL_EXPORTER:
        show_addr(ctx, &f->exporter);
        break;
    case FL_COL_START:
        show_time(ctx, f->start_ms);
        break;
    case FL_COL_END:
        show_time(ctx, f->end_ms);
        break;
    case FL_COL_SRC:
        show_addr(ctx, &f->src);
        break;
    case FL_COL_DST:
        show_addr(ctx, &f->dst);
        break;
    case FL_COL_TIME_SOURCE:
        sqlite3_result_text(ctx, fl_time_source_name(f->time_source), -1, SQLITE_STATIC);
        break;
    case FL_COL_HOST:
        show_asked(ctx, c->query.host);
        break;
    default:
        assert(column == FL_COL_PORT);
        show_asked(ctx, c->query.port);
    }
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int number)
{
    const struct cursor *c = (const struct cursor *)base;
    const struct fl_flow *f = &c->batch.flows[c->at];
    switch (number) {
    case FL_COL_DOMAIN:
        return sqlite3_result_int64(ctx, f->domain), SQLITE_OK;
    case FL_COL_SRC_PORT:
        return sqlite3_result_int(ctx, f->src_port), SQLITE_OK;
    case FL_COL_DST_PORT:
        return sqlite3_result_int(ctx, f->dst_port), SQLITE_OK;
    case FL_COL_PROTOCOL:
        return sqlite3_result_int(ctx, f->protocol), SQLITE_OK;
    case FL_COL_TCP_FLAGS:
        return sqlite3_result_int(ctx, f->tcp_flags), SQLITE_OK;
    case FL_COL_PACKETS:
        return show_count(ctx, f->packets), SQLITE_OK;
    case FL_COL_BYTES:
        return show_count(ctx, f->bytes), SQLITE_OK;
    case FL_COL_IN_IF:
        return sqlite3_result_int64(ctx, f->in_if), SQLITE_OK;
    case FL_COL_OUT_IF:
        return sqlite3_result_int64(ctx, f->out_if), SQLITE_OK;
    case FL_COL_TOS:
        return sqlite3_result_int(ctx, f->tos), SQLITE_OK;
    case FL_COL_SAMPLING:
        return sqlite3_result_int64(ctx, f->sampling), SQLITE_OK;
    case FL_COL_START_MS:
        return sqlite3_result_int64(ctx, f->start_ms), SQLITE_OK;
    case FL_COL_END_MS:
        return sqlite3_result_int64(ctx, f->end_ms), SQLITE_OK;
    default:
        show_text(ctx, c, f, number);
        return SQLITE_OK;
    }
}

/* The number of a location, given at first sight; -1 when there are too many or no memory. */
static int64_t location_number(struct module *m, const char *location)
{
    for (size_t i = 0; i < m->n_locations; i++)
        if (strcmp(m->locations[i], location) == 0)
            return (int64_t)i;
    void *grown = m->n_locations >> location_bits
                      ? NULL
                      : realloc(m->locations, (m->n_locations + 1) * sizeof *m->locations);
    if (!grown)
        return -1;
    m->locations = grown;
    strcpy(m->locations[m->n_locations], location);
    return (int64_t)m->n_locations++;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    const struct cursor *c = (const struct cursor *)base;
    int64_t location = location_number(module_of(c), c->batch.location);
    int64_t hour = c->batch.bucket_from_ms / FL_BUCKET_HOUR_MS;
    if (location < 0 || location >> location_bits || hour >> hour_bits || c->batch.chunk >> chunk_bits)
        return SQLITE_TOOBIG;
    *out = ((location << hour_bits | hour) << chunk_bits | c->batch.chunk) << position_bits |
           c->batch.positions[c->at];
    return SQLITE_OK;
}

/* ---- registering ---- */

static void free_module(void *aux)
{
    struct module *m = aux;
    free(m->data_dir);
    free(m->locations);
    free(m);
}

static void report(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct module *m = sqlite3_user_data(ctx);
    sqlite3_result_blob(ctx, &m->report, sizeof m->report, SQLITE_TRANSIENT);
    memset(&m->report, 0, sizeof m->report);
}

static const sqlite3_module methods = {.xConnect = connect_table,
                                       .xBestIndex = fl_flowtable_best_index,
                                       .xDisconnect = disconnect,
                                       .xOpen = open_cursor,
                                       .xClose = close_cursor,
                                       .xFilter = filter,
                                       .xNext = next,
                                       .xEof = eof,
                                       .xColumn = column,
                                       .xRowid = rowid};

int fl_flowtable_register(sqlite3 *db, const char *data_dir)
{
    struct module *m = calloc(1, sizeof *m);
    if (!m || !(m->data_dir = strdup(data_dir))) {
        free(m);
        return FL_ENOMEM;
    }
    if (sqlite3_create_module_v2(db, "flows", &methods, m, free_module) != SQLITE_OK)
        return FL_EDB; /* SQLite has freed m */
    if (sqlite3_create_function_v2(db, "fl_flowtable_report", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, m, report,
                                   NULL, NULL, NULL) != SQLITE_OK)
        return FL_EDB;
    return 0;
}

int fl_flowtable_report(sqlite3 *db, struct fl_scan_report *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = FL_EDB;
    if (sqlite3_prepare_v2(db, "SELECT fl_flowtable_report()", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == sizeof *out) {
        memcpy(out, sqlite3_column_blob(stmt, 0), sizeof *out);
        rc = 0;
    }
    sqlite3_finalize(stmt);
    return rc;
}
