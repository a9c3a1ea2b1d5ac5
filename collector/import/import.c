/* One file after the other: opened, digested, and read by what is in it. */
#include "collector/import/import.h"

#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/decode/decode.h"
#include "collector/import/import_nfdump.h"
#include "collector/import/import_scan.h"
#include "collector/import/import_sink.h"
#include "collector/import/import_zeek.h"

enum {
    SETTLE_MS = 60000,   /* a recording can wait longer than the service for a boot time to settle */
    STEPS = 512,         /* datagrams or lines between looks at the progress */
    LINE_BYTES = 1 << 20 /* of a text file; longer ones are no lines of Zeek's */
};

#define DIGEST_SHARE 0.15 /* of the work: reading the file once for its digest */

struct fl_import {
    struct fl_import_setup setup;
    struct fl_import_sink sink; /* of the file at hand */
    struct fl_import_sink
        beyond; /* of its data sets that need templates from before it; writer NULL: unused yet */
    struct fl_import_scan *scan; /* NULL: nothing came before the file at hand */
    struct fl_decoder *decoder;
    struct fl_decoder_limits limits;
    struct fl_exporter_stats *stats;
    GHashTable *senders; /* of the file at hand: struct fl_addr to whether it is refused */
    struct fl_input *in;
    char digest[FL_INPUT_DIGEST]; /* of its content */
    struct fl_import_result *result;
    uint64_t steps;
    uint64_t place; /* in the file at hand: datagrams, lines or records so far */
};

static void on_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct fl_import *imp = ctx;
    bool more = imp->scan && fl_import_scan_needs_more(imp->scan, fl_decoder_at_work(imp->decoder));
    fl_import_sink_add(more ? &imp->beyond : &imp->sink, location, flows, n);
}

static guint sender_hash(gconstpointer p)
{
    return (guint)fl_addr_hash(p);
}

static gboolean sender_equal(gconstpointer a, gconstpointer b)
{
    return fl_addr_cmp(a, b) == 0;
}

int fl_import_open(struct fl_import **out, const struct fl_import_setup *setup, struct fl_err *err)
{
    *out = NULL;
    struct fl_import *imp = calloc(1, sizeof *imp);
    if (!imp)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    imp->setup = *setup;
    imp->senders = g_hash_table_new_full(sender_hash, sender_equal, g_free, NULL);
    fl_decoder_limits_init(&imp->limits);
    imp->limits.max_future_ms = setup->config->max_future_ms;
    imp->limits.template_timeout_ms = setup->config->template_timeout_ms;
    imp->limits.settle_ms = SETTLE_MS;
    imp->stats = calloc(imp->limits.sessions, sizeof *imp->stats);
    int rc = imp->stats ? fl_decoder_new(&imp->decoder, &imp->limits, on_flows, imp) : FL_ENOMEM;
    if (rc)
        fl_fail(err, rc, "%s", fl_strerror(rc));
    else
        rc = fl_writer_open(&imp->sink.writer, setup->data_dir, setup->config->bucket_ms, err);
    if (rc)
        fl_import_close(imp);
    else
        *out = imp;
    return rc;
}

void fl_import_close(struct fl_import *imp)
{
    if (!imp)
        return;
    struct fl_import_result nobody = {0};
    imp->sink.result = imp->result = &nobody;
    imp->sink.rc = FL_ESTOP; /* what the decoder still holds is of no file */
    fl_decoder_free(imp->decoder);
    fl_writer_close(imp->sink.writer);
    fl_writer_close(imp->beyond.writer);
    g_hash_table_destroy(imp->senders);
    free(imp->stats);
    free(imp);
}

/* Once in a while: how far, and whether to go on. */
static int step(struct fl_import *imp, double done)
{
    if (imp->sink.rc || imp->beyond.rc)
        return imp->sink.rc ? imp->sink.rc : imp->beyond.rc;
    if (imp->steps++ % STEPS)
        return 0;
    return imp->setup.progress(imp->setup.ctx, DIGEST_SHARE + (1 - DIGEST_SHARE) * done);
}

static int digest_step(void *ctx, double done)
{
    const struct fl_import *imp = ctx;
    return imp->setup.progress(imp->setup.ctx, DIGEST_SHARE * done);
}

static uint32_t configured_sampling(const struct fl_config *c, const char *location)
{
    for (size_t i = 0; i < c->n_locations; i++)
        if (strcmp(c->locations[i].name, location) == 0)
            return c->locations[i].sampling;
    return 0;
}

static void note_sender(struct fl_import *imp, const struct fl_addr *exporter, bool refused)
{
    struct fl_import_result *r = imp->result;
    r->refused += refused;
    if (g_hash_table_contains(imp->senders, exporter))
        return;
    g_hash_table_add(imp->senders, g_memdup2(exporter, sizeof *exporter));
    if (refused && r->n_refused_senders++ < FL_IMPORT_REFUSED)
        r->refused_senders[r->n_refused_senders - 1] = *exporter;
}

/* Where records of this exporter (NULL: not told) go, and the sampling configured there; NULL: nowhere, which
 * is counted. */
static const char *place(struct fl_import *imp, const struct fl_addr *exporter, uint32_t *sampling)
{
    const struct fl_config *c = imp->setup.config;
    const char *location = imp->setup.location;
    if (!location && exporter)
        location = fl_config_location(c, exporter, sampling);
    else {
        location = location ? location : "default";
        *sampling = configured_sampling(c, location);
    }
    if (exporter)
        note_sender(imp, exporter, !location);
    return location;
}

/* Keep the first few, and count. */
static void complain(struct fl_import *imp, uint64_t line, const struct fl_err *why)
{
    struct fl_import_result *r = imp->result;
    r->malformed++;
    if (r->n_complaints == FL_IMPORT_COMPLAINTS)
        return;
    char *text = r->complaints[r->n_complaints++];
    snprintf(text, sizeof r->complaints[0], "%.100s:%" PRIu64 ": %.120s", fl_input_name(imp->in), line,
             why->text);
}

/* ---- captures and messages ---- */

static int begin_beyond(struct fl_import *imp, struct fl_err *err)
{
    char name[FL_INPUT_DIGEST + 16];
    int rc = 0;
    if (!imp->beyond.writer)
        rc = fl_writer_open(&imp->beyond.writer, imp->setup.data_dir, imp->setup.config->bucket_ms, err);
    snprintf(name, sizeof name, "%s+before", imp->digest);
    if (rc == 0 && (rc = fl_import_sink_begin(&imp->beyond, name, imp->result)))
        fl_fail(err, rc, "%s", fl_strerror(rc));
    return rc;
}

struct totals {
    uint64_t malformed, unknown_template, not_flows, lost;
};

static struct totals add_up(struct fl_import *imp)
{
    struct totals t = {0};
    size_t n = fl_decoder_stats(imp->decoder, imp->stats, imp->limits.sessions);
    for (size_t i = 0; i < n; i++) {
        t.malformed += imp->stats[i].malformed;
        t.unknown_template += imp->stats[i].unknown_template;
        t.not_flows += imp->stats[i].not_flows;
        t.lost += imp->stats[i].lost;
    }
    t.malformed += fl_decoder_stray(imp->decoder);
    return t;
}

/* Figures of sessions that went at the bound are gone with them. */
static uint64_t more(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static int take_export(struct fl_import *imp, const struct fl_export *e)
{
    struct fl_sender from = {.address = e->source, .source_port = e->source_port};
    bool told = fl_input_kind(imp->in) == FL_INPUT_CAPTURE;
    fl_import_sink_at(&imp->sink, imp->place);
    if (imp->scan)
        fl_import_sink_at(&imp->beyond, imp->place);
    imp->place++;
    from.location = place(imp, told ? &e->source : NULL, &from.sampling);
    if (!from.location)
        return 0;
    imp->result->datagrams++;
    /* Before it: so that what waits is given up by its age alone, whatever came in between. */
    fl_decoder_tick(imp->decoder, e->time_us / 1000);
    int rc = fl_decode(imp->decoder, e->bytes, e->length, &from, e->time_us / 1000);
    return rc == FL_ENOMEM ? rc : 0;
}

static int open_exports(struct fl_import *imp, struct fl_exports **out, struct fl_err *err)
{
    FILE *stream = fl_input_stream(imp->in);
    if (!stream)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    return fl_exports_open(out, stream, fl_input_kind(imp->in), err);
}

/* Where other recordings came before this one, read it ahead. Faults are for the second reading to tell. */
static int read_ahead(struct fl_import *imp, struct fl_err *err)
{
    struct fl_exports *exports;
    struct fl_export e;
    struct fl_err ignored;
    if (fl_decoder_stats(imp->decoder, imp->stats, 1) == 0)
        return 0;
    int rc = open_exports(imp, &exports, err);
    if (rc)
        return rc;
    rc = fl_import_scan_new(&imp->scan, &imp->limits);
    while (rc == 0 && fl_exports_next(exports, &e, &ignored) > 0) {
        fl_import_scan_feed(imp->scan, &e);
        rc = step(imp, 0);
    }
    fl_exports_free(exports);
    return rc;
}

static int import_exports(struct fl_import *imp, struct fl_err *err)
{
    struct fl_exports *exports = NULL;
    struct fl_export e;
    int more_come, rc = read_ahead(imp, err);
    if (rc == 0 && imp->scan)
        rc = begin_beyond(imp, err);
    if (rc == 0)
        rc = open_exports(imp, &exports, err);
    if (rc)
        return rc;
    struct totals before = add_up(imp);
    int64_t last_ms = 0;
    while (rc == 0 && (more_come = fl_exports_next(exports, &e, err)) != 0) {
        rc = more_come < 0 ? more_come : take_export(imp, &e);
        last_ms = more_come < 0 ? last_ms : e.time_us / 1000;
        if (rc == 0)
            rc = step(imp, fl_input_done(imp->in));
    }
    if (rc != FL_ESTOP)
        fl_decoder_flush(imp->decoder, last_ms);
    struct totals after = add_up(imp);
    imp->result->malformed = more(after.malformed, before.malformed);
    imp->result->unknown_template = more(after.unknown_template, before.unknown_template);
    imp->result->not_flows = more(after.not_flows, before.not_flows);
    imp->result->lost = more(after.lost, before.lost);
    imp->result->packets = fl_exports_counts(exports);
    fl_exports_free(exports);
    return rc;
}

/* ---- nfcapd ---- */

static void take_record(struct fl_import *imp, const char *text, size_t length)
{
    struct fl_flow flows[2];
    struct fl_err why = {""};
    bool sampled;
    uint32_t ignored; /* nfcapd applied what it was told of sampling */
    int n = fl_nfdump_flows(text, length, flows, &sampled, &why);
    if (n < 0)
        complain(imp, imp->place, &why);
    imp->result->not_flows += n == 0;
    if (n <= 0)
        return;
    struct fl_addr nobody = fl_addr_v4(0);
    bool told = fl_addr_cmp(&flows[0].exporter, &nobody) != 0;
    const char *location = place(imp, told ? &flows[0].exporter : NULL, &ignored);
    if (!location)
        return;
    imp->result->sampled += sampled ? (unsigned)n : 0;
    fl_import_sink_add(&imp->sink, location, flows, (size_t)n);
}

static int import_nfcapd(struct fl_import *imp, struct fl_err *err)
{
    struct fl_nfdump *nfdump;
    const char *text;
    size_t length;
    int rc = fl_nfdump_start(&nfdump, imp->in, err);
    if (rc)
        return rc;
    while (rc == 0) {
        int got = fl_nfdump_next(nfdump, &text, &length, err);
        if (got == 0)
            break;
        fl_import_sink_at(&imp->sink, imp->place++);
        imp->result->records += got > 0;
        if (got > 0)
            take_record(imp, text, length);
        else if (got == FL_EMALF)
            complain(imp, imp->place, err);
        else
            rc = got;
        if (rc == 0)
            rc = step(imp, fl_nfdump_done(nfdump));
    }
    fl_nfdump_free(nfdump);
    return rc;
}

/* ---- conn.log ---- */

/* One line without its end into `line` (LINE_BYTES); its length, -1 at the end, LINE_BYTES when it is longer,
 * the rest of which is passed over. */
static ssize_t read_line(FILE *f, char *line)
{
    if (!fgets(line, LINE_BYTES, f))
        return -1;
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\n') {
        line[--length] = '\0';
        return (ssize_t)length;
    }
    if (length < LINE_BYTES - 1)
        return (ssize_t)length;
    for (int c = getc(f); c != '\n' && c != EOF;)
        c = getc(f);
    return LINE_BYTES;
}

static int take_line(struct fl_import *imp, struct fl_zeek *zeek, char *line, size_t length,
                     struct fl_err *err)
{
    struct fl_flow flows[2];
    struct fl_err why = {""};
    bool skipped = false;
    uint32_t ignored;
    int n;
    fl_import_sink_at(&imp->sink, imp->place++);
    if (length == LINE_BYTES)
        n = fl_fail(&why, FL_EMALF, "longer than %d bytes", LINE_BYTES);
    else if (fl_input_kind(imp->in) == FL_INPUT_ZEEK_TSV)
        n = fl_zeek_tsv(zeek, line, flows, &skipped, &why);
    else
        n = fl_zeek_json(line, length, flows, &skipped, &why);
    imp->result->records += n > 0 || skipped;
    imp->result->skipped += skipped;
    if (n > 0)
        fl_import_sink_add(&imp->sink, place(imp, NULL, &ignored), flows, (size_t)n);
    if (n == FL_EMALF)
        complain(imp, imp->place, &why);
    return n == FL_EINVAL ? fl_fail(err, n, "line %" PRIu64 ": %s", imp->place, why.text) : 0;
}

static int import_zeek(struct fl_import *imp, struct fl_err *err)
{
    struct fl_zeek zeek = {0};
    ssize_t length;
    int rc = 0;
    char *line = malloc(LINE_BYTES);
    FILE *f = line ? fl_input_stream(imp->in) : NULL;
    if (!f) {
        free(line);
        return fl_fail(err, FL_ENOMEM, "out of memory");
    }
    while (rc == 0 && (length = read_line(f, line)) >= 0) {
        rc = take_line(imp, &zeek, line, (size_t)length, err);
        if (rc == 0)
            rc = step(imp, fl_input_done(imp->in));
    }
    if (rc == 0 && ferror(f))
        rc = fl_fail(err, FL_EIO, "cannot be read on after line %" PRIu64, imp->place);
    if (rc == 0 && fl_input_kind(imp->in) == FL_INPUT_ZEEK_TSV && !zeek.has_columns)
        rc = fl_fail(err, FL_EINVAL, "it has no #fields line, which would name its columns");
    if (rc == 0 && imp->result->malformed && !imp->result->records)
        rc = fl_fail(err, FL_EMALF, "no line of it is a connection of Zeek's conn.log");
    fclose(f);
    free(line);
    return rc;
}

/* ---- a file ---- */

static int read_file(struct fl_import *imp, struct fl_err *err)
{
    switch (fl_input_kind(imp->in)) {
    case FL_INPUT_NFCAPD:
        return import_nfcapd(imp, err);
    case FL_INPUT_ZEEK_TSV:
    case FL_INPUT_ZEEK_JSON:
        return import_zeek(imp, err);
    default:
        return import_exports(imp, err);
    }
}

/* Make all that was taken durable. The store's failure is the reason for any other. */
static int commit(struct fl_import *imp, struct fl_err *err)
{
    const struct fl_import_sink *failed = NULL;
    if (fl_import_sink_commit(&imp->sink, imp->place))
        failed = &imp->sink;
    if (imp->scan && imp->beyond.writer && fl_import_sink_commit(&imp->beyond, imp->place) && !failed)
        failed = &imp->beyond;
    return failed ? fl_fail(err, FL_EDB, "%s", failed->err.text) : 0;
}

static int import_open_file(struct fl_import *imp, struct fl_err *err)
{
    struct fl_err why = {""};
    int rc = fl_input_digest(imp->in, imp->digest, digest_step, imp, err);
    if (rc)
        return rc;
    rc = fl_import_sink_begin(&imp->sink, imp->digest, imp->result);
    if (rc == 0)
        rc = read_file(imp, &why);
    if (commit(imp, err))
        return FL_EDB;
    return rc && rc != FL_ESTOP ? fl_fail(err, rc, "%.200s: %.280s", fl_input_name(imp->in), why.text) : rc;
}

int fl_import_file(struct fl_import *imp, const char *path, struct fl_import_result *out, struct fl_err *err)
{
    *out = (struct fl_import_result){.first_ms = INT64_MAX, .last_ms = INT64_MIN};
    imp->result = imp->sink.result = imp->beyond.result = out;
    imp->place = 0;
    g_hash_table_remove_all(imp->senders);
    int rc = fl_input_open(&imp->in, path, imp->setup.data_dir, err);
    if (rc)
        return rc;
    out->kind = fl_input_kind(imp->in);
    rc = import_open_file(imp, err);
    out->exporters = g_hash_table_size(imp->senders);
    fl_input_close(imp->in);
    imp->in = NULL;
    fl_import_scan_free(imp->scan);
    imp->scan = NULL;
    return rc;
}
