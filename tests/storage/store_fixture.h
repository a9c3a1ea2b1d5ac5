/* A store in a directory of its own, and everything that stands in it. */
#ifndef FL_TESTS_STORAGE_STORE_FIXTURE_H
#define FL_TESTS_STORAGE_STORE_FIXTURE_H

#include <unistd.h>

#include "storage/bucket.h"
#include "storage/store.h"
#include "tests/storage/flows.h"

#define HOUR_MS FL_BUCKET_HOUR_MS
enum { most_found = 60000 };
static char dir[64];
static struct fl_flow found[most_found];
static size_t n_found;

static inline int make_dir(void **state)
{
    strcpy(dir, "/tmp/fl-store-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static inline struct fl_writer *open_writer(void)
{
    struct fl_writer *w;
    struct fl_err err = {""};
    if (fl_writer_open(&w, dir, HOUR_MS, &err) != 0)
        fail_msg("%s", err.text);
    return w;
}

static inline int collect(void *ctx, const char *location, const struct fl_flow *batch, size_t n)
{
    assert_true(n_found + n <= most_found);
    memcpy(found + n_found, batch, n * sizeof *batch);
    n_found += n;
    return 0;
}

static inline struct fl_scan_report scan(const struct fl_scan_filter *filter)
{
    struct fl_scan_report report;
    struct fl_err err = {""};
    n_found = 0;
    if (fl_store_scan(dir, filter, collect, NULL, &report, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(report.flows, n_found);
    return report;
}

static inline struct fl_scan_filter everything(void)
{
    return (struct fl_scan_filter){.from_ms = INT64_MIN, .to_ms = INT64_MAX};
}

static inline struct fl_scan_report scan_all(void)
{
    struct fl_scan_filter filter = everything();
    return scan(&filter);
}

/* The path of the bucket `hour` hours behind BASE_MS. */
static inline void path_of(char out[128], int hour)
{
    char name[FL_BUCKET_NAME];
    snprintf(out, 128, "%s/flows/default/%s", dir, fl_bucket_name(BASE_MS + hour * HOUR_MS, name));
}

#endif
