/* Adding, committing and counting. */
#include "collector/import/import_sink.h"

#include <string.h>

enum {
    COMMIT_FLOWS = 200000, /* below the writer's own bound on what may wait */
    PLACE_BITS = 16        /* numbers for the records of one place */
};

int fl_import_sink_begin(struct fl_import_sink *s, const char *digest, struct fl_import_result *result)
{
    s->result = result;
    s->rc = 0;
    s->err.text[0] = '\0';
    return fl_writer_begin_import(s->writer, digest);
}

static int commit(struct fl_import_sink *s)
{
    struct fl_commit_report report = {0};
    struct fl_err err = {""};
    int rc = fl_writer_commit(s->writer, &report, &err);
    s->waiting = 0;
    s->result->stored += report.stored;
    s->result->known += report.already;
    s->result->impossible += report.refused;
    if (rc && !s->rc) {
        s->rc = rc;
        s->err = err;
    }
    return s->rc;
}

void fl_import_sink_at(struct fl_import_sink *s, uint64_t place)
{
    fl_writer_import_at(s->writer, place << PLACE_BITS);
    if (s->waiting >= COMMIT_FLOWS && !s->rc)
        commit(s);
}

int fl_import_sink_commit(struct fl_import_sink *s, uint64_t place)
{
    fl_writer_import_at(s->writer, place << PLACE_BITS);
    return commit(s);
}

/* The entry of a location; the last one takes all that come after it. */
static struct fl_import_location *entry(struct fl_import_result *r, const char *location)
{
    for (size_t i = 0; i < r->n_locations; i++)
        if (strcmp(r->locations[i].name, location) == 0)
            return &r->locations[i];
    if (r->n_locations == FL_IMPORT_LOCATIONS)
        return &r->locations[FL_IMPORT_LOCATIONS - 1];
    struct fl_import_location *l = &r->locations[r->n_locations++];
    *l = (struct fl_import_location){.first_ms = INT64_MAX, .last_ms = INT64_MIN};
    strncpy(l->name, location, sizeof l->name - 1);
    return l;
}

static void widen(int64_t at_ms, int64_t *first_ms, int64_t *last_ms)
{
    *first_ms = at_ms < *first_ms ? at_ms : *first_ms;
    *last_ms = at_ms > *last_ms ? at_ms : *last_ms;
}

static void note(struct fl_import_result *r, struct fl_import_location *l, const struct fl_flow *flow)
{
    r->flows++;
    r->time_fallbacks += flow->time_source == FL_TIME_RECEIVED;
    if (flow->start_ms < 0)
        return;
    l->flows++;
    widen(flow->start_ms, &l->first_ms, &l->last_ms);
    widen(flow->start_ms, &r->first_ms, &r->last_ms);
}

void fl_import_sink_add(struct fl_import_sink *s, const char *location, const struct fl_flow *flows, size_t n)
{
    struct fl_import_location *l = s->rc ? NULL : entry(s->result, location);
    for (size_t i = 0; l && i < n; i++)
        note(s->result, l, &flows[i]);
    while (!s->rc && n > 0) {
        size_t taken;
        int rc = fl_writer_add_batch(s->writer, location, flows, n, &taken);
        s->waiting += taken;
        flows += taken;
        n -= taken;
        if (rc == FL_ELIMIT) /* one place gave very many, or they lie in very many hours */
            commit(s);
        else if (rc)
            s->rc = fl_fail(&s->err, rc, "%s", fl_strerror(rc));
    }
}
