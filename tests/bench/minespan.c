/* minespan: mine a day from stored chunks, pass by pass, and again an hour later. For tests/bench/mining.
 *
 *     minespan --make N DIR     store 25 hours of N conversations of tests/bench/town, two records each
 *     minespan DIR              mine the last 24 of them
 *     minespan --later DIR      mine the first 24, then the last 24 with what that left
 *
 * Prints one line: records, rules, then seconds of reading, of joining (stitching, conversations, nodes), of
 * counting, of describing (lags, folding), of all; CPU seconds of all; peak memory in KiB. The rules database
 * is left alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "mining/find.h"
#include "mining/read.h"
#include "storage/error.h"
#include "tests/bench/town.h"

enum { EXIT_USAGE = 2, HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, AT_ONCE = 4096 };

static double now_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a store ---- */

static struct fl_flow record_of(const struct fl_talk *talk, const struct fl_conversation *c, bool back)
{
    uint16_t port = (uint16_t)(32768 + c->start_ms % 28000);
    struct fl_flow f = {.start_ms = c->start_ms + back,
                        .end_ms = c->end_ms + back,
                        .exporter = fl_addr_v4(0xc0000201),
                        .src = talk->hosts[back ? c->server : c->client],
                        .dst = talk->hosts[back ? c->client : c->server],
                        .src_port = back ? (uint16_t)c->server_port : port,
                        .dst_port = back ? port : (uint16_t)c->server_port,
                        .protocol = c->protocol,
                        .packets = 4,
                        .bytes = 800,
                        .sampling = 1,
                        .end_reason = FL_END_IDLE};
    return f;
}

static int by_start(const void *va, const void *vb)
{
    const struct fl_conversation *a = va, *b = vb;
    return a->start_ms < b->start_ms ? -1 : a->start_ms > b->start_ms;
}

static int store(const char *dir, size_t n, struct fl_err *err)
{
    struct fl_talk talk = {0};
    struct fl_writer *w = NULL;
    struct fl_commit_report report;
    int rc = town_talk(&talk, "day", n);
    if (rc == 0) {
        qsort(talk.items, talk.n, sizeof *talk.items, by_start);
        rc = fl_writer_open(&w, dir, HOUR_MS, err);
    }
    for (size_t i = 0; i < talk.n && rc == 0; i++) {
        for (int back = 0; back < 2 && rc == 0; back++) {
            struct fl_flow f = record_of(&talk, &talk.items[i], back);
            rc = fl_writer_add(w, "town", &f);
        }
        if (rc == 0 && (i % AT_ONCE == AT_ONCE - 1 || i + 1 == talk.n))
            rc = fl_writer_commit(w, &report, err);
    }
    fl_writer_close(w);
    fl_talk_clear(&talk);
    return rc;
}

/* ---- a run ---- */

struct laps {
    double begin[FL_PHASE_DESCRIBING + 2]; /* when a phase began, and the run ended */
    double cpu;
};

static int lap(void *ctx, enum fl_phase phase, double done)
{
    struct laps *laps = ctx;
    if (laps->begin[phase] == 0)
        laps->begin[phase] = now_s(CLOCK_MONOTONIC);
    return 0;
}

static int mine(const char *dir, int64_t from_ms, struct fl_kept_flows *flows, struct fl_findings *found,
                struct laps *laps, struct fl_err *err)
{
    static struct fl_services services;
    struct fl_config config;
    struct fl_scan_report report;
    int rc = fl_config_init(&config);
    if (rc < 0)
        return rc;
    fl_services_load(&services);
    double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    *laps = (struct laps){.begin = {now_s(CLOCK_MONOTONIC)}};
    struct fl_read_request read = {.data_dir = dir,
                                   .location = "town",
                                   .from_ms = from_ms,
                                   .to_ms = from_ms + DAY_MS,
                                   .most = UINT64_MAX};
    rc = fl_read_span(flows, &read, &report, err);
    struct fl_find_request find = {.records = &flows->records,
                                   .from_ms = from_ms,
                                   .to_ms = from_ms + DAY_MS,
                                   .active_timeout_ms = 60000,
                                   .config = &config.mining,
                                   .services = &services,
                                   .stop = lap,
                                   .ctx = laps};
    if (rc == 0)
        rc = fl_find_rules(found, &find);
    laps->begin[FL_PHASE_DESCRIBING + 1] = now_s(CLOCK_MONOTONIC);
    laps->cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    fl_config_clear(&config);
    return rc;
}

static void print(size_t records, const struct fl_findings *found, struct laps *laps)
{
    struct rusage u;
    double *begin = laps->begin, end = begin[FL_PHASE_DESCRIBING + 1];
    getrusage(RUSAGE_SELF, &u);
    if (begin[FL_PHASE_DESCRIBING] == 0) /* there was nothing to describe */
        begin[FL_PHASE_DESCRIBING] = end;
    printf("%zu %zu", records, found->n);
    for (int phase = FL_PHASE_READING; phase <= FL_PHASE_DESCRIBING; phase++)
        printf(" %.4f", begin[phase + 1] - begin[phase]);
    printf(" %.4f %.4f %ld\n", end - begin[0], laps->cpu, u.ru_maxrss);
}

static int run(const char *dir, bool later, struct fl_err *err)
{
    struct fl_kept_flows flows = {0};
    struct fl_findings found = {0};
    struct laps laps;
    int rc = 0;
    if (later) {
        rc = mine(dir, town_begin_ms, &flows, &found, &laps, err);
        fl_findings_clear(&found);
    }
    if (rc == 0)
        rc = mine(dir, town_begin_ms + HOUR_MS, &flows, &found, &laps, err);
    if (rc == 0)
        print(flows.records.n, &found, &laps);
    fl_findings_clear(&found);
    fl_kept_flows_clear(&flows);
    return rc;
}

int main(int argc, char **argv)
{
    struct fl_err err = {""};
    bool make = argc == 4 && strcmp(argv[1], "--make") == 0,
         later = argc == 3 && strcmp(argv[1], "--later") == 0;
    size_t n = make ? strtoul(argv[2], NULL, 10) : 1;
    if ((argc != 2 && !make && !later) || n == 0 || n >= 100000000 || argv[argc - 1][0] == '-') {
        fputs("Usage: minespan [--make N | --later] DIR\n", stderr);
        return EXIT_USAGE;
    }
    int rc = make ? store(argv[3], n, &err) : run(argv[argc - 1], later, &err);
    if (rc < 0)
        fprintf(stderr, "minespan: %s\n", err.text[0] ? err.text : fl_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
