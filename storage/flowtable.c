/* The SQL table `flows`: a SQLite virtual table over fl_scan (sqlite.org/vtab.html). */
#include "storage/flowtable.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/bucket.h"
#include "storage/flowtable_plan.h"
#include "storage/timetext.h"

/* A row's id is where it stands: location, hour, chunk, position. It must tell rows apart, since SQLite uses
 * it to drop what both sides of an OR have found. */
enum { position_bits = 12, chunk_bits = 19, hour_bits = 22, location_bits = 10 };

/* One a connection; freed with it. */
struct module {
    char *data_dir;
    bool strict; /* a directory that is not there is an error, and damage is logged (the extension) */
    struct fl_scan_report report;
    struct module *reports_to; /* the module of the same connection that keeps the report; NULL: this one */
    char (*locations)[FL_LOCATION_NAME]; /* those seen, numbered for row ids */
    size_t n_locations;
};

struct table {
    sqlite3_vtab base;
    struct module *module;
    char *data_dir;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct fl_flowtable_query query;
    struct fl_scan *scan;
    struct fl_scan_batch batch;
    size_t at; /* in the batch */
    bool eof;
};

/* A module's argument comes as it was written: 'it''s'. Freed by sqlite3_free. */
static char *unquoted(const char *text)
{
    size_t length = strlen(text);
    char quote = text[0], *out = sqlite3_mprintf("%s", text), *to = out;
    if (!out || length < 2 || (quote != '\'' && quote != '"') || text[length - 1] != quote)
        return out;
    for (size_t i = 1; i < length - 1; i++) {
        *to++ = text[i];
        i += text[i] == quote;
    }
    *to = '\0';
    return out;
}

static int check_data_dir(const char *data_dir, char **error)
{
    struct stat st;
    char *flows = sqlite3_mprintf("%s/flows", data_dir);
    bool there = flows && stat(flows, &st) == 0 && S_ISDIR(st.st_mode);
    sqlite3_free(flows);
    if (!there)
        *error =
            sqlite3_mprintf("%s: no flows there; name the data directory of flowlored: set FLOWLORE_DATA, or "
                            "CREATE VIRTUAL TABLE temp.NAME USING flowlore('DIRECTORY')",
                            data_dir);
    return there ? SQLITE_OK : SQLITE_ERROR;
}

static int disconnect(sqlite3_vtab *base)
{
    struct table *t = (struct table *)base;
    sqlite3_free(t->data_dir);
    free(t);
    return SQLITE_OK;
}

/* argv: module, database, table, arguments. */
static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                         char **error)
{
    struct module *m = aux;
    struct table *t = calloc(1, sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    t->module = m;
    t->data_dir = argc > 3 ? unquoted(argv[3]) : sqlite3_mprintf("%s", m->data_dir);
    int rc = t->data_dir ? SQLITE_OK : SQLITE_NOMEM;
    if (rc == SQLITE_OK && argc > 4) {
        *error = sqlite3_mprintf("flowlore takes one argument, the data directory");
        rc = SQLITE_ERROR;
    }
    if (rc == SQLITE_OK && m->strict)
        rc = check_data_dir(t->data_dir, error);
    if (rc == SQLITE_OK)
        rc = sqlite3_declare_vtab(db, fl_flowtable_declaration);
    if (rc == SQLITE_OK)
        *out = &t->base;
    else
        disconnect(&t->base);
    return rc;
}

/* Not the same function as connect_table, which would make an eponymous table of the module. */
static int create_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                        char **error)
{
    if (argc > 3)
        return connect_table(db, aux, argc, argv, out, error);
    *error = sqlite3_mprintf("name the data directory: USING flowlore('/var/lib/flowlore')");
    return SQLITE_ERROR;
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

static const struct table *table_of(const struct cursor *c)
{
    return (const struct table *)c->base.pVtab;
}

static struct module *module_of(const struct cursor *c)
{
    return table_of(c)->module;
}

static struct fl_scan_report *report_of(const struct cursor *c)
{
    struct module *m = module_of(c);
    return m->reports_to ? &m->reports_to->report : &m->report;
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

/* Who reads with a shell that is not ours learns of damage from SQLite's log and from flowlore_damage(). */
static void log_damage(const struct fl_scan_report *r)
{
    const size_t room = sizeof r->damaged / sizeof r->damaged[0];
    for (size_t i = 0; i < r->n_damaged && i < room; i++)
        sqlite3_log(SQLITE_WARNING, "flowlore: passed over: %s", r->damaged[i]);
}

static void end_scan(struct cursor *c)
{
    if (c->scan)
        add_report(report_of(c), fl_scan_report(c->scan));
    if (c->scan && module_of(c)->strict)
        log_damage(fl_scan_report(c->scan));
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

static int filter(sqlite3_vtab_cursor *base, int fields, const char *plan, int argc, sqlite3_value **argv)
{
    struct cursor *c = (struct cursor *)base;
    struct fl_err err = {""};
    end_scan(c);
    int rc = fl_flowtable_query_init(&c->query, fields, plan, argc, argv);
    if (rc != SQLITE_OK) {
        end_scan(c);
        return rc;
    }
    if (c->query.nothing || c->query.scan.first_ms > c->query.scan.last_ms)
        return SQLITE_OK;
    rc = fl_scan_open(&c->scan, table_of(c)->data_dir, &c->query.scan, &err);
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

/* All zero: not told. */
static void show_post_addr(sqlite3_context *ctx, const struct fl_addr *a)
{
    static const struct fl_addr untold;
    if (fl_addr_cmp(a, &untold) != 0)
        show_addr(ctx, a);
}

static void show_post_port(sqlite3_context *ctx, uint16_t port)
{
    if (port != 0)
        sqlite3_result_int(ctx, port);
}

/* A word, or NULL. */
static void show_name(sqlite3_context *ctx, const char *name)
{
    sqlite3_result_text(ctx, name, -1, SQLITE_STATIC);
}

static void show_count(sqlite3_context *ctx, uint64_t count)
{
    sqlite3_result_int64(ctx, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

static void show_scaled(sqlite3_context *ctx, uint64_t count, uint32_t sampling)
{
    uint64_t scaled;
    if (__builtin_mul_overflow(count, (uint64_t)(sampling ? sampling : 1), &scaled))
        scaled = UINT64_MAX;
    show_count(ctx, scaled);
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

#define SHOW(column, call)                                                                                   \
    case column:                                                                                             \
        call;                                                                                                \
        return SQLITE_OK

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int number)
{
    const struct cursor *c = (const struct cursor *)base;
    const struct fl_flow *f = &c->batch.flows[c->at];
    switch (number) {
        SHOW(FL_COL_LOCATION, sqlite3_result_text(ctx, c->batch.location, -1, SQLITE_TRANSIENT));
        SHOW(FL_COL_EXPORTER, show_addr(ctx, &f->exporter));
        SHOW(FL_COL_DOMAIN, sqlite3_result_int64(ctx, f->domain));
        SHOW(FL_COL_START, show_time(ctx, f->start_ms));
        SHOW(FL_COL_END, show_time(ctx, f->end_ms));
        SHOW(FL_COL_SRC, show_addr(ctx, &f->src));
        SHOW(FL_COL_DST, show_addr(ctx, &f->dst));
        SHOW(FL_COL_SRC_PORT, sqlite3_result_int(ctx, f->src_port));
        SHOW(FL_COL_DST_PORT, sqlite3_result_int(ctx, f->dst_port));
        SHOW(FL_COL_PROTOCOL, sqlite3_result_int(ctx, f->protocol));
        SHOW(FL_COL_TCP_FLAGS, sqlite3_result_int(ctx, f->tcp_flags));
        SHOW(FL_COL_PACKETS, show_count(ctx, f->packets));
        SHOW(FL_COL_BYTES, show_count(ctx, f->bytes));
        SHOW(FL_COL_IN_IF, sqlite3_result_int64(ctx, f->in_if));
        SHOW(FL_COL_OUT_IF, sqlite3_result_int64(ctx, f->out_if));
        SHOW(FL_COL_TOS, sqlite3_result_int(ctx, f->tos));
        SHOW(FL_COL_SAMPLING, sqlite3_result_int64(ctx, f->sampling));
        SHOW(FL_COL_TIME_SOURCE, show_name(ctx, fl_time_source_name(f->time_source)));
        SHOW(FL_COL_SAMPLING_SOURCE, show_name(ctx, fl_sampling_source_name(f->sampling_source)));
        SHOW(FL_COL_END_REASON, show_name(ctx, fl_end_reason_name(f->end_reason)));
        SHOW(FL_COL_DIRECTION, show_name(ctx, fl_direction_name(f->direction)));
        SHOW(FL_COL_EVENT, show_name(ctx, fl_event_name(f->event)));
        SHOW(FL_COL_POST_SRC, show_post_addr(ctx, &f->post_src));
        SHOW(FL_COL_POST_DST, show_post_addr(ctx, &f->post_dst));
        SHOW(FL_COL_POST_SRC_PORT, show_post_port(ctx, f->post_src_port));
        SHOW(FL_COL_POST_DST_PORT, show_post_port(ctx, f->post_dst_port));
        SHOW(FL_COL_SCALED_PACKETS, show_scaled(ctx, f->packets, f->sampling));
        SHOW(FL_COL_SCALED_BYTES, show_scaled(ctx, f->bytes, f->sampling));
        SHOW(FL_COL_START_MS, sqlite3_result_int64(ctx, f->start_ms));
        SHOW(FL_COL_END_MS, sqlite3_result_int64(ctx, f->end_ms));
        SHOW(FL_COL_HOST, show_asked(ctx, c->query.host));
        SHOW(FL_COL_PORT, show_asked(ctx, c->query.port));
    }
    return SQLITE_OK;
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

/* What was passed over since the last call, a line each. */
static void damage(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct module *m = sqlite3_user_data(ctx);
    const size_t room = sizeof m->report.damaged / sizeof m->report.damaged[0], n = m->report.n_damaged;
    sqlite3_str *lines = sqlite3_str_new(NULL);
    for (size_t i = 0; i < n && i < room; i++)
        sqlite3_str_appendf(lines, "%s%s", i ? "\n" : "", m->report.damaged[i]);
    if (n > room)
        sqlite3_str_appendf(lines, "\nand %d more", (int)(n - room));
    if (n > 0)
        sqlite3_result_text(ctx, sqlite3_str_value(lines), sqlite3_str_length(lines), SQLITE_TRANSIENT);
    sqlite3_free(sqlite3_str_finish(lines));
    memset(&m->report, 0, sizeof m->report);
}

#define METHODS                                                                                              \
    .xConnect = connect_table, .xBestIndex = fl_flowtable_best_index, .xDisconnect = disconnect,             \
    .xOpen = open_cursor, .xClose = close_cursor, .xFilter = filter, .xNext = next, .xEof = eof,             \
    .xColumn = column, .xRowid = rowid
static const sqlite3_module eponymous = {METHODS};
static const sqlite3_module creatable = {.xCreate = create_table, .xDestroy = disconnect, METHODS};

/* SQLite frees it with the connection, also when it cannot be registered. */
static int register_module(sqlite3 *db, const char *name, const sqlite3_module *methods, const char *data_dir,
                           bool strict, struct module **out)
{
    struct module *m = *out = calloc(1, sizeof *m);
    if (!m || !(m->data_dir = strdup(data_dir))) {
        free(m);
        return FL_ENOMEM;
    }
    m->strict = strict;
    return sqlite3_create_module_v2(db, name, methods, m, free_module) == SQLITE_OK ? 0 : FL_EDB;
}

static int register_function(sqlite3 *db, const char *name, struct module *m,
                             void (*function)(sqlite3_context *, int, sqlite3_value **))
{
    static const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    return sqlite3_create_function_v2(db, name, 0, flags, m, function, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : FL_EDB;
}

int fl_flowtable_register(sqlite3 *db, const char *data_dir)
{
    struct module *m;
    int rc = register_module(db, "flows", &eponymous, data_dir, false, &m);
    return rc < 0 ? rc : register_function(db, "fl_flowtable_report", m, report);
}

int fl_flowtable_register_extension(sqlite3 *db)
{
    struct module *m, *own;
    sqlite3_stmt *there = NULL; /* loaded twice: tables of the first time go on using its modules */
    bool known = sqlite3_prepare_v2(db, "SELECT flowlore_damage()", -1, &there, NULL) == SQLITE_OK;
    sqlite3_finalize(there);
    if (known)
        return 0;
    const char *data_dir = getenv("FLOWLORE_DATA");
    int rc = register_module(db, "flows", &eponymous, data_dir && *data_dir ? data_dir : "/var/lib/flowlore",
                             true, &m);
    if (rc == 0)
        rc = register_module(db, "flowlore", &creatable, "", true, &own);
    if (rc == 0)
        own->reports_to = m;
    return rc < 0 ? rc : register_function(db, "flowlore_damage", m, damage);
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
