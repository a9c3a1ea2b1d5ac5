/* Alerts of kind `data`: what is wrong with the data while it is wrong. Each closes by itself when it is
 * over, and is opened anew when it happens again. */
#include <stdio.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

enum {
    SILENT_MS = 900000,    /* longer than routers take between two template refreshes */
    SILENT_INTERVALS = 20, /* and longer than so many of its usual intervals between datagrams */
    DISK_CALM_MS = 600000  /* a disk that has taken everything for so long is well again */
};

static int open_data(struct fl_rulesdb *db, const char *location, const char *severity, const char *subject,
                     const char *text, const char *why, int64_t now_ms)
{
    return fl_rulesdb_run(db, SQL_OPEN_DATA, "ttttti", location, severity, subject, text, why, now_ms);
}

static int close_data(struct fl_rulesdb *db, const char *subject, const char *note, int64_t now_ms)
{
    return fl_rulesdb_run(db, SQL_CLOSE_DATA, "tit", subject, now_ms, note);
}

/* ---- exporters ---- */

static void name_subject(const char *what, const struct fl_exporter_stats *e, char out[80])
{
    char address[FL_ADDR_TEXT];
    snprintf(out, 80, "%s %s", what, fl_addr_format(&e->address, address));
}

/* The address's session that was heard of last, and whether `i` is that one. */
static bool is_newest(const struct fl_step *steps, size_t n, size_t i)
{
    const struct fl_exporter_stats *e = steps[i].now;
    for (size_t j = 0; j < n; j++) {
        const struct fl_exporter_stats *other = steps[j].now;
        if (j != i && fl_addr_cmp(&other->address, &e->address) == 0 &&
            (other->last_seen_ms > e->last_seen_ms || (other->last_seen_ms == e->last_seen_ms && j < i)))
            return false;
    }
    return true;
}

static bool is_silent(const struct fl_exporter_stats *e, int64_t now_ms)
{
    int64_t silent_ms = now_ms - e->last_seen_ms;
    int64_t usual_ms = e->packets > 1 ? (e->last_seen_ms - e->first_seen_ms) / (int64_t)e->packets : 0;
    return e->flows > 0 && silent_ms > SILENT_MS && silent_ms / SILENT_INTERVALS > usual_ms;
}

static int tell_silent(struct fl_rulesdb *db, const struct fl_exporter_stats *e, int64_t now_ms)
{
    char subject[80], text[400], address[FL_ADDR_TEXT];
    name_subject("silent", e, subject);
    snprintf(text, sizeof text,
             "Exporter %s of %s has fallen silent: nothing has come for more than %lld min. Look at the "
             "router, its "
             "export configuration and the way here; flowlore status --exporter %s shows what it sent.",
             fl_addr_format(&e->address, address), e->location, (long long)(now_ms - e->last_seen_ms) / 60000,
             address);
    return open_data(db, e->location, "medium", subject, text,
                     "medium: what this exporter does not tell is missing from the rules.", now_ms);
}

/* Silence is told once, when it begins, by the session that spoke last. */
static int look_at_silence(struct fl_rulesdb *db, const struct fl_data_view *v, size_t i)
{
    const struct fl_step *step = &v->steps[i];
    const struct fl_exporter_stats *e = step->now;
    char subject[80];
    if (is_silent(e, v->now_ms) && !is_silent(e, v->before_ms) && is_newest(v->steps, v->n, i))
        return tell_silent(db, e, v->now_ms);
    if (step->old && e->last_seen_ms - step->old->last_seen_ms <= SILENT_MS)
        return SQLITE_OK;
    name_subject("silent", e, subject);
    return close_data(db, subject, "it sends again", v->now_ms);
}

static int tell_jump(struct fl_rulesdb *db, const struct fl_step *step, int64_t now_ms)
{
    const struct fl_exporter_stats *e = step->now;
    char subject[80], text[400], address[FL_ADDR_TEXT], span[24];
    int64_t by_ms = e->clock_skew_ms - step->old->clock_skew_ms;
    name_subject("clock", e, subject);
    snprintf(text, sizeof text,
             "The clock of exporter %s of %s jumped %s by %s. Flows before and after do not line up; set it "
             "by NTP.",
             fl_addr_format(&e->address, address), e->location, by_ms < 0 ? "back" : "ahead",
             fl_period_format((by_ms < 0 ? -by_ms : by_ms) / 1000 * 1000, span));
    return open_data(db, e->location, "medium", subject, text,
                     "medium: what is found over these hours is held until whole data confirm it.", now_ms);
}

static int look_at_clock(struct fl_rulesdb *db, const struct fl_step *step, int64_t now_ms)
{
    char subject[80];
    if (step->jumped)
        return tell_jump(db, step, now_ms);
    name_subject("clock", step->now, subject);
    return close_data(db, subject, "its clock has been steady since", now_ms);
}

/* ---- the disk ---- */

static int look_at_disk(struct fl_rulesdb *db, const struct fl_data_view *v)
{
    char text[400];
    if (v->disk_shed == 0)
        return v->disk_shed_ms && v->now_ms - v->disk_shed_ms < DISK_CALM_MS
                   ? SQLITE_OK
                   : close_data(db, "disk", "everything has been stored for 10 min", v->now_ms);
    snprintf(text, sizeof text,
             "The disk refuses flow records: %llu were given up. Make room, or bound what is kept with "
             "retention or "
             "retention-bytes; storing resumes by itself.",
             (unsigned long long)v->disk_shed);
    return open_data(db, NULL, "high", "disk", text, "high: flows of every location are being lost.",
                     v->now_ms);
}

int fl_data_alerts(struct fl_rulesdb *db, const struct fl_data_view *v)
{
    int rc = look_at_disk(db, v);
    for (size_t i = 0; rc == SQLITE_OK && i < v->n; i++) {
        if (v->steps[i].jumped || v->steps[i].settled)
            rc = look_at_clock(db, &v->steps[i], v->now_ms);
        if (rc == SQLITE_OK)
            rc = look_at_silence(db, v, i);
    }
    return rc;
}
