/* readflows: read a store once and tell what it cost, for tests/bench/reading.
 *
 *     readflows DIR all | mining | bytes        a scan of every record: all fields, those of mining, the
 * bytes readflows DIR point ADDR TIME             the records of one host in the hour from TIME readflows DIR
 * sql STATEMENT               one statement, as flowlore sql runs it
 *
 * Prints one line: records (or rows), CPU seconds, real milliseconds, chunks read, chunks passed over, and
 * the sum of bytes, which also keeps the compiler from leaving the reading out. The process is fresh and the
 * files are read once before: what is measured is reading from the page cache. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "mining/records.h"
#include "storage/field.h"
#include "storage/query.h"
#include "storage/store.h"
#include "storage/timetext.h"

enum { EXIT_USAGE = 2, HOUR_MS = 3600000 };

struct sums {
    uint64_t rows, bytes;
};

static int add(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct sums *s = ctx;
    s->rows += n;
    for (size_t i = 0; i < n; i++)
        s->bytes += flows[i].bytes + flows[i].dst_port;
    return 0;
}

static int add_row(void *ctx, const char *const *names, json_t *const *values, size_t n)
{
    struct sums *s = ctx;
    if (values) {
        s->rows++;
        s->bytes += n > 0 && json_is_integer(values[0]) ? (uint64_t)json_integer_value(values[0]) : 0;
    }
    return 0;
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double real_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The filter of a scan; false when the words do not make one. */
static bool filter_of(int argc, char **argv, struct fl_scan_filter *f)
{
    *f = (struct fl_scan_filter){.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    if (argc == 3 && strcmp(argv[2], "all") == 0)
        return true;
    if (argc == 3 && strcmp(argv[2], "mining") == 0)
        f->columns = FL_RECORD_FIELDS;
    else if (argc == 3 && strcmp(argv[2], "bytes") == 0)
        f->columns = FL_FIELD_BYTES;
    else if (argc == 5 && strcmp(argv[2], "point") == 0 && fl_addr_parse(argv[3], &f->host) == 0 &&
             fl_time_parse(argv[4], 0, &f->from_ms) == 0) {
        f->has_host = true;
        f->to_ms = f->from_ms + HOUR_MS;
    } else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct fl_scan_filter filter;
    struct fl_scan_report report = {0};
    struct fl_err err = {""};
    struct sums sums = {0, 0};
    bool sql = argc == 4 && strcmp(argv[2], "sql") == 0;
    if (!sql && !filter_of(argc, argv, &filter)) {
        fputs("Usage: readflows DIR all|mining|bytes|point ADDR TIME|sql STATEMENT\n", stderr);
        return EXIT_USAGE;
    }
    double cpu = cpu_seconds(), real = real_ms();
    int rc = sql ? fl_query(argv[1], argv[3], add_row, &sums, NULL, &report, &err)
                 : fl_store_scan(argv[1], &filter, add, &sums, &report, &err);
    if (rc != 0 || report.n_damaged > 0) {
        fprintf(stderr, "readflows: %s\n", rc ? err.text : report.damaged[0]);
        return EXIT_FAILURE;
    }
    printf("%" PRIu64 " %.6f %.3f %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sums.rows, cpu_seconds() - cpu,
           real_ms() - real, report.chunks_read, report.chunks_skipped, sums.bytes);
    return EXIT_SUCCESS;
}
