/* What the service counts, written to the rules database for `flowlore status`. */
#include "storage/rulesdb_parts.h"

static int64_t counter(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int put_service(struct fl_rulesdb *db, const struct fl_service_stats *s)
{
    return fl_rulesdb_run(db, SQL_PUT_SERVICE, "iiiiiiiiii", counter(s->datagrams), counter(s->refused),
                          counter(s->malformed), counter(s->kernel_drops), counter(s->queue_shed),
                          counter(s->disk_shed), counter(s->stored), s->started_ms, s->updated_ms,
                          (int64_t)s->running);
}

static int put_exporter(struct fl_rulesdb *db, const struct fl_exporter_stats *e)
{
    char address[FL_ADDR_TEXT];
    return fl_rulesdb_run(db, SQL_PUT_EXPORTER, "tiiitiiiiiiiiiiii", fl_addr_format(&e->address, address),
                          (int64_t)e->source_port, (int64_t)e->domain, (int64_t)e->version, e->location,
                          counter(e->packets), counter(e->flows), counter(e->lost), counter(e->malformed),
                          counter(e->unknown_template), counter(e->time_fallbacks), (int64_t)e->templates,
                          (int64_t)e->sampling, (int64_t)e->sampling_source, e->clock_skew_ms,
                          e->first_seen_ms, e->last_seen_ms);
}

int fl_rulesdb_store_stats(struct fl_rulesdb *db, const struct fl_service_stats *service,
                           const struct fl_exporter_stats *exporters, size_t n, struct fl_err *err)
{
    int rc = fl_rulesdb_run(db, SQL_BEGIN, "");
    if (rc != SQLITE_OK)
        return fl_rulesdb_fail(db, err);
    rc = put_service(db, service);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = put_exporter(db, &exporters[i]);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_COMMIT, "");
    if (rc == SQLITE_OK)
        return 0;
    rc = fl_rulesdb_fail(db, err);
    fl_rulesdb_run(db, SQL_ROLLBACK, "");
    return rc;
}
