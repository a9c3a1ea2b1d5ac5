/* Figures: taken from the census, written every few seconds, and spoken of when something is wrong. */
#include "collector/figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/log.h"
#include "storage/timetext.h"

enum { REPORTED_EXPORTERS = 20, WARN_MS = 10000 };
enum { WAIT_MS = 100, LAST_WAIT_MS = 10000, MOST_PUT_OFF = 5 }; /* for others who write */

enum kind { REFUSED, MALFORMED, UNKNOWN_TEMPLATE, KERNEL_DROPS, QUEUE_SHED, KINDS };

/* What was last said of a kind. */
struct said {
    uint64_t count;
    int64_t at_ms; /* monotonic; 0: nothing yet */
};

struct fl_figures {
    struct fl_rulesdb *db;
    struct fl_census *census;
    int64_t started_ms;
    struct fl_exporter_stats *exporters, *by_age; /* as taken; room to order them otherwise */
    size_t n;
    struct fl_service_stats total;
    uint64_t unknown_template;        /* over all sessions */
    struct fl_exporter_stats culprit; /* who was last without a template */
    struct fl_exporter_stats *before; /* as taken before */
    size_t n_before;
    struct fl_template_list templates; /* to be written */
    struct said said[KINDS];
    bool refused, templates_refused;
    unsigned put_off; /* calls in a row that found somebody else writing */
};

int fl_figures_new(struct fl_figures **out, struct fl_rulesdb *db, struct fl_census *census, size_t lanes,
                   int64_t started_ms)
{
    struct fl_figures *f = calloc(1, sizeof *f);
    if (!f)
        return FL_ENOMEM;
    size_t most = lanes * FL_CENSUS_SESSIONS;
    f->db = db;
    f->census = census;
    f->started_ms = started_ms;
    f->exporters = calloc(most, sizeof *f->exporters);
    f->before = calloc(most, sizeof *f->before);
    f->by_age = calloc(most, sizeof *f->by_age);
    if (!f->exporters || !f->before || !f->by_age) {
        fl_figures_free(f);
        return FL_ENOMEM;
    }
    *out = f;
    return 0;
}

void fl_figures_free(struct fl_figures *f)
{
    if (!f)
        return;
    fl_template_list_clear(&f->templates);
    free(f->exporters);
    free(f->before);
    free(f->by_age);
    free(f);
}

/* ---- taking ---- */

static void find_culprit(struct fl_figures *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct fl_exporter_stats *e = &f->exporters[i], *old;
        if (!e->unknown_template)
            continue;
        old = bsearch(e, f->before, f->n_before, sizeof *e, fl_census_compare);
        if (!old || old->unknown_template < e->unknown_template)
            f->culprit = *e;
    }
}

void fl_figures_look(struct fl_figures *f)
{
    struct fl_exporter_stats *before = f->exporters;
    uint64_t unknown = 0;
    f->n_before = f->n;
    f->exporters = f->before;
    f->before = before;
    fl_census_total(f->census, &f->total);
    f->n = fl_census_exporters(f->census, f->exporters);
    fl_census_templates(f->census, &f->templates);
    for (size_t i = 0; i < f->n; i++)
        unknown += f->exporters[i].unknown_template;
    if (unknown > f->unknown_template)
        find_culprit(f);
    f->unknown_template = unknown;
}

/* ---- writing ---- */

static void store_templates(struct fl_figures *f)
{
    struct fl_err err = {""};
    if (!f->templates.n)
        return;
    int rc = fl_rulesdb_store_templates(f->db, f->templates.items, f->templates.n, &err);
    if (rc && !f->templates_refused)
        fl_warning("templates cannot be kept for the next start: %s", err.text);
    f->templates_refused = rc != 0;
    fl_template_list_clear(&f->templates); /* exporters repeat them */
}

/* Flows wait to be stored while this waits for a run that is being put down: what cannot be written at once
 * is written by a later call. */
void fl_figures_store(struct fl_figures *f, uint64_t stored, uint64_t disk_shed, bool running)
{
    struct fl_err err = {""};
    f->total.stored = stored;
    f->total.disk_shed = disk_shed;
    f->total.started_ms = f->started_ms;
    f->total.updated_ms = fl_now_ms();
    f->total.running = running;
    fl_rulesdb_patience(f->db, running ? WAIT_MS : LAST_WAIT_MS);
    int rc = fl_rulesdb_store_stats(f->db, &f->total, f->exporters, f->n, &err);
    if (rc == FL_EBUSY && running && ++f->put_off < MOST_PUT_OFF)
        return;
    f->put_off = 0;
    if (rc && !f->refused)
        fl_warning("the figures of exporters and service cannot be kept: %s", err.text);
    f->refused = rc != 0;
    store_templates(f);
}

/* ---- warning ---- */

/* Refused senders and malformed datagrams count once the lane has published whose they were. */
static uint64_t count_of(const struct fl_figures *f, enum kind kind)
{
    struct fl_addr ignored;
    switch (kind) {
    case REFUSED:
        return f->total.n_refused_senders ? f->total.refused : 0;
    case MALFORMED:
        return fl_census_last_malformed(f->census, &ignored) ? f->total.malformed : 0;
    case UNKNOWN_TEMPLATE:
        return f->unknown_template;
    case KERNEL_DROPS:
        return f->total.kernel_drops;
    default:
        return f->total.queue_shed;
    }
}

static void warn_refused(const struct fl_figures *f, unsigned long long n)
{
    const struct fl_refused_sender *last = f->total.refused_senders;
    char text[FL_ADDR_TEXT];
    for (size_t i = 1; i < f->total.n_refused_senders; i++)
        if (f->total.refused_senders[i].last_seen_ms > last->last_seen_ms)
            last = &f->total.refused_senders[i];
    fl_warning("refused %llu datagram%s, the last from %s: no location holds that address; add it to a "
               "location's prefixes and reload",
               n, n == 1 ? "" : "s", fl_addr_format(&last->address, text));
}

static void warn_malformed(const struct fl_figures *f, unsigned long long n)
{
    struct fl_addr sender = {{0}};
    char text[FL_ADDR_TEXT];
    fl_census_last_malformed(f->census, &sender);
    fl_warning("%llu malformed datagram%s, the last from %s: not NetFlow v5, v9 or IPFIX, or damaged; see "
               "flowlore status for who sends them",
               n, n == 1 ? "" : "s", fl_addr_format(&sender, text));
}

static void warn_unknown_template(const struct fl_figures *f, unsigned long long n)
{
    char text[FL_ADDR_TEXT];
    fl_warning("%llu data set%s could not be decoded, the last from %s domain %" PRIu32
               ": their template never came; have the exporter send its templates more often",
               n, n == 1 ? "" : "s", fl_addr_format(&f->culprit.address, text), f->culprit.domain);
}

static void warn_kernel_drops(const struct fl_config *config, unsigned long long n)
{
    long long more = 2 * (long long)config->receive_buffer_bytes;
    fl_warning("the kernel dropped %llu datagram%s that came faster than they were read; set receive-buffer "
               "to %lld, and to grant it: sysctl -w net.core.rmem_max=%lld",
               n, n == 1 ? "" : "s", more, more);
}

static void warn_queue_shed(unsigned long long n)
{
    fl_warning("gave up %llu flow record%s because storing is behind; is the disk busy, or the processor?", n,
               n == 1 ? "" : "s");
}

static void warn(const struct fl_figures *f, const struct fl_config *config, enum kind kind,
                 unsigned long long n)
{
    if (kind == REFUSED)
        warn_refused(f, n);
    else if (kind == MALFORMED)
        warn_malformed(f, n);
    else if (kind == UNKNOWN_TEMPLATE)
        warn_unknown_template(f, n);
    else if (kind == KERNEL_DROPS)
        warn_kernel_drops(config, n);
    else
        warn_queue_shed(n);
}

void fl_figures_warn(struct fl_figures *f, const struct fl_config *config, int64_t monotonic_ms, bool last)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct said *said = &f->said[kind];
        uint64_t count = count_of(f, kind);
        if (count < said->count) /* a session with its share went */
            said->count = count;
        if (count == said->count || (!last && said->at_ms && monotonic_ms - said->at_ms < WARN_MS))
            continue;
        warn(f, config, kind, count - said->count);
        *said = (struct said){count, monotonic_ms};
    }
}

void fl_figures_warn_afresh(struct fl_figures *f)
{
    for (enum kind kind = 0; kind < KINDS; kind++)
        f->said[kind].at_ms = 0;
}

/* ---- statistics ---- */

void fl_figures_log_totals(struct fl_figures *f, uint64_t stored, uint64_t disk_shed, const char *what)
{
    uint64_t lost = 0;
    fl_census_total(f->census, &f->total);
    for (size_t i = 0; i < f->n; i++)
        lost += f->exporters[i].lost;
    fl_info("%s: %" PRIu64 " datagrams, %" PRIu64 " flows stored, %" PRIu64 " refused, %" PRIu64
            " malformed, %" PRIu64 " lost, %" PRIu64 " dropped by the kernel, %" PRIu64
            " flows shed by the queue, %" PRIu64 " flows shed by the disk",
            what, f->total.datagrams, stored, f->total.refused, f->total.malformed, lost,
            f->total.kernel_drops, f->total.queue_shed, disk_shed);
}

static int newer_first(const void *a, const void *b)
{
    const struct fl_exporter_stats *x = a, *y = b;
    if (x->last_seen_ms != y->last_seen_ms)
        return x->last_seen_ms < y->last_seen_ms ? 1 : -1;
    return fl_census_compare(a, b);
}

void fl_figures_log_exporters(struct fl_figures *f)
{
    memcpy(f->by_age, f->exporters, f->n * sizeof *f->by_age);
    qsort(f->by_age, f->n, sizeof *f->by_age, newer_first);
    for (size_t i = 0; i < f->n && i < REPORTED_EXPORTERS; i++) {
        const struct fl_exporter_stats *e = &f->by_age[i];
        char text[FL_ADDR_TEXT];
        fl_info("exporter %s port %u domain %" PRIu32 " version %u at %s: %" PRIu64 " datagrams, %" PRIu64
                " flows, %" PRIu64 " lost, %" PRIu64 " malformed, %" PRIu64
                " without template, sampling 1:%" PRIu32,
                fl_addr_format(&e->address, text), e->source_port, e->domain, e->version, e->location,
                e->packets, e->flows, e->lost, e->malformed, e->unknown_template, e->sampling);
    }
    if (f->n > REPORTED_EXPORTERS)
        fl_info("and %zu more exporters: see flowlore status", f->n - REPORTED_EXPORTERS);
}
