/* The store: writing, scanning against brute force, damage, kill -9, retention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/field.h"
#include "storage/scan.h"
#include "tests/storage/store_fixture.h"

enum { n_flows = 9000 };
static struct fl_flow flows[n_flows], wanted[n_flows];

static void commit(struct fl_writer *w, uint64_t stored)
{
    struct fl_commit_report report;
    struct fl_err err = {""};
    if (fl_writer_commit(w, &report, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(report.stored, stored);
    assert_int_equal(report.shed, 0);
}

/* n records of `hours` hours from BASE_MS, by commits of `batch`. */
static void fill(const char *location, size_t n, int hours, size_t batch, uint64_t seed)
{
    struct fl_writer *w = open_writer();
    for (size_t i = 0; i < n; i += batch) {
        for (size_t k = i; k < i + batch && k < n; k++) {
            flows[k] = flows_make(&seed, hours * HOUR_MS);
            assert_int_equal(fl_writer_add(w, location, &flows[k]), 0);
        }
        commit(w, i + batch < n ? batch : n - i);
    }
    fl_writer_close(w);
}

static void check_against_brute_force(const struct fl_scan_filter *q, size_t n)
{
    size_t n_wanted = 0;
    for (size_t i = 0; i < n; i++) {
        const struct fl_flow *f = &flows[i];
        if (f->start_ms >= q->from_ms && f->start_ms < q->to_ms &&
            (!q->has_host || !fl_addr_cmp(&f->src, &q->host) || !fl_addr_cmp(&f->dst, &q->host)) &&
            (!q->has_port || f->src_port == q->port || f->dst_port == q->port))
            wanted[n_wanted++] = *f;
    }
    scan(q);
    assert_int_equal(n_found, n_wanted);
    assert_true(flows_same(found, wanted, n_wanted));
}

static void gives_back_what_was_written(void **state)
{
    fill("default", n_flows, 3, 700, 1);
    struct fl_scan_filter all = everything();
    check_against_brute_force(&all, n_flows);
    struct fl_store_extent extent;
    assert_int_equal(fl_store_extent(dir, "default", &extent, NULL), 0);
    assert_int_equal(extent.flows, n_flows);
    assert_int_equal(fl_store_extent(dir, "elsewhere", &extent, NULL), FL_ENOENT);
}

static void filters_like_brute_force(void **state)
{
    fill("default", n_flows, 3, 3000, 2);
    uint64_t seed = 9;
    for (int i = 0; i < 60; i++) {
        const struct fl_flow *f = &flows[flows_random(&seed) % n_flows];
        struct fl_scan_filter q = everything();
        if (i & 1)
            q.from_ms = f->start_ms, q.to_ms = q.from_ms + (int64_t)(flows_random(&seed) % 5000000);
        q.has_host = i & 2;
        q.host = i & 8 ? f->src : f->dst;
        q.has_port = i & 4;
        q.port = i & 8 ? f->dst_port : f->src_port;
        check_against_brute_force(&q, n_flows);
    }
    struct fl_scan_filter nobody = everything();
    nobody.has_host = true;
    nobody.host = fl_addr_v4(0x01020304);
    struct fl_scan_report report = scan(&nobody);
    assert_int_equal(n_found, 0);
    assert_true(report.chunks_skipped > report.chunks_read);
}

static void looks_only_in_the_files_given(void **state)
{
    fill("default", n_flows, 3, 3000, 4);
    struct fl_scan_filter all = everything();
    struct fl_bucket_list list;
    assert_int_equal(fl_store_files(dir, "default", INT64_MIN, INT64_MAX, &list, NULL), 0);
    assert_int_equal(list.n, 3);
    struct fl_bucket_list none = {list.items, 0}, second = {list.items + 1, 1};
    all.files = &list;
    check_against_brute_force(&all, n_flows);
    all.files = &none;
    scan(&all);
    assert_int_equal(n_found, 0);
    all.files = &second;
    scan(&all);
    assert_true(n_found > 0 && n_found < n_flows);
    for (size_t i = 0; i < n_found; i++)
        assert_true(found[i].start_ms >= list.items[1].from_ms && found[i].start_ms < list.items[2].from_ms);
    fl_bucket_list_clear(&list);
}

/* A host that talks in one minute of an hour, among 40 chunks: those of other minutes are not opened, and
 * SQLite does not read their data either. */
static void a_point_query_opens_what_it_must(void **state)
{
    enum { n_chunks = 40 };
    uint64_t seed = 41;
    struct fl_writer *w = open_writer();
    struct fl_scan_filter q = everything();
    q.has_host = true;
    q.host = fl_addr_v4(0x0b000001);
    for (int chunk = 0; chunk < n_chunks; chunk++) {
        for (int i = 0; i < 4096; i++) {
            struct fl_flow f = flows_make(&seed, 60000);
            f.start_ms += chunk * 60000;
            f.end_ms = f.start_ms;
            f.dst_port = (uint16_t)(f.dst_port + chunk);
            if (chunk == 17 && i % 500 == 0)
                f.dst = q.host;
            assert_int_equal(fl_writer_add(w, "default", &f), 0);
        }
        commit(w, 4096);
    }
    fl_writer_close(w);
    q.to_ms = (q.from_ms = BASE_MS) + HOUR_MS;
    struct fl_scan_report report = scan(&q);
    assert_int_equal(n_found, 9);
    assert_int_equal(report.chunks_read + report.chunks_skipped, n_chunks);
    assert_true(report.chunks_read >= 1 && report.chunks_read <= 8); /* one, and what the filters get wrong */
    q.to_ms = (q.from_ms = BASE_MS + 16 * 60000) + 3 * 60000;
    report = scan(&q);
    assert_int_equal(n_found, 9);
    assert_true(report.chunks_read <= 4);
}

/* The pages that SQLite reads for a statement, by its own count. */
static int pages_read(const char *path, const char *text)
{
    sqlite3 *db;
    int pages = 0, most = 0;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_MISS, &pages, &most, 0);
    sqlite3_close(db);
    return pages;
}

/* What the scan asks of each chunk costs at most two pages: where the row begins, and where its filter goes
 * on. */
static void summaries_are_read_without_the_data(void **state)
{
    enum { n_chunks = 2 };
    char path[128];
    fill("default", n_flows, 1, n_flows, 43);
    path_of(path, 0);
    int times = pages_read(path, "SELECT id, min_start_ms, max_start_ms, NULL FROM chunk ORDER BY id");
    int filters = pages_read(path, "SELECT id, min_start_ms, max_start_ms, bloom FROM chunk ORDER BY id");
    int all = pages_read(path, "SELECT * FROM chunk ORDER BY id");
    assert_true(times <= 8);
    assert_true(filters <= times + 2 * (n_chunks + 1));
    assert_true(all > 3 * filters);
}

static void full_chunks_do_not_pile_up(void **state)
{
    fill("default", 5000, 1, 50, 3);
    struct fl_scan_report report = scan_all();
    assert_int_equal(report.chunks_read, 2);
}

static void goes_on_where_it_stopped(void **state)
{
    fill("default", 100, 1, 100, 4);
    fill("default", 100, 1, 100, 5);
    struct fl_scan_report report = scan_all();
    assert_int_equal(n_found, 200);
    assert_int_equal(report.chunks_read, 1);
}

static void two_writers_lose_nothing(void **state)
{
    uint64_t seed = 8;
    struct fl_writer *a = open_writer(), *b = open_writer();
    for (int i = 0; i < 20; i++) {
        struct fl_flow f = flows_make(&seed, HOUR_MS);
        assert_int_equal(fl_writer_add(i & 1 ? a : b, "default", &f), 0);
        commit(i & 1 ? a : b, 1);
    }
    fl_writer_close(a);
    fl_writer_close(b);
    scan_all();
    assert_int_equal(n_found, 20);
}

static void lists_buckets_in_order(void **state)
{
    fill("b", 200, 3, 200, 1);
    fill("a", 200, 1, 200, 1);
    struct fl_bucket_list list;
    assert_int_equal(fl_store_buckets(dir, NULL, INT64_MIN, INT64_MAX, &list, NULL), 0);
    assert_int_equal(list.n, 4);
    assert_string_equal(list.items[0].location, "a");
    assert_int_equal(list.items[1].from_ms, BASE_MS);
    assert_int_equal(list.items[1].to_ms, BASE_MS + HOUR_MS);
    assert_non_null(strstr(list.items[3].path, "/flows/b/20220613T00.db"));
    assert_true(list.items[0].bytes > 0);
    fl_bucket_list_clear(&list);
    assert_int_equal(fl_store_buckets(dir, "b", BASE_MS + HOUR_MS, BASE_MS + HOUR_MS + 1, &list, NULL), 0);
    assert_int_equal(list.n, 1);
    fl_bucket_list_clear(&list);
    assert_int_equal(fl_store_buckets("/nonexistent", NULL, 0, INT64_MAX, &list, NULL), 0);
    assert_int_equal(list.n, 0);
}

static void refuses_bad_input(void **state)
{
    uint64_t seed = 1;
    struct fl_writer *w;
    struct fl_flow f = flows_make(&seed, 1000);
    assert_int_equal(fl_writer_open(&w, dir, 1000, NULL), FL_EINVAL);
    assert_int_equal(fl_writer_open(&w, "/proc/nowhere", HOUR_MS, NULL), FL_EIO);
    w = open_writer();
    const char *const bad[] = {
        "",    ".",    "..",
        ".x",  "-x",   "a/b",
        "a b", "../x", "a234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(fl_writer_add(w, bad[i], &f), FL_EINVAL);
    f.start_ms = -1;
    assert_int_equal(fl_writer_add(w, "default", &f), FL_EINVAL);
    fl_writer_close(w);
    fl_writer_close(NULL);
}

static void bounds_what_waits(void **state)
{
    uint64_t seed = 1;
    struct fl_writer *w = open_writer();
    struct fl_flow f = flows_make(&seed, 1000);
    int rc = 0, n = 0;
    for (; (rc = fl_writer_add(w, "default", &f)) == 0; n++)
        assert_true(n < 10000000);
    assert_int_equal(rc, FL_ELIMIT);
    fl_writer_close(w);
}

/* Three hours, out of order, with two records that cannot be, across the bound. */
static void adds_batches(void **state)
{
    uint64_t seed = 31;
    struct fl_writer *w = open_writer();
    struct fl_commit_report report;
    size_t taken = 99;
    for (size_t i = 0; i < n_flows; i++)
        flows[i] = flows_make(&seed, 3 * HOUR_MS);
    flows[100].start_ms = -1;
    flows[n_flows - 1].end_ms = flows[n_flows - 1].start_ms - 1;
    assert_int_equal(fl_writer_add_batch(w, "a/b", flows, n_flows, &taken), FL_EINVAL);
    assert_int_equal(taken, 0);
    assert_int_equal(fl_writer_add_batch(w, "default", flows, n_flows, &taken), 0);
    assert_int_equal(taken, n_flows);
    assert_int_equal(fl_writer_commit(w, &report, NULL), 0);
    assert_int_equal(report.stored, n_flows - 2);
    assert_int_equal(report.refused, 2);
    scan_all();
    flows[100] = flows[n_flows - 2];
    assert_int_equal(n_found, n_flows - 2);
    assert_true(flows_same(found, flows, n_flows - 2));
    assert_int_equal(fl_writer_commit(w, &report, NULL), 0);
    assert_int_equal(report.refused, 0);
    fl_writer_close(w);
}

static void batches_stop_at_the_bound(void **state)
{
    uint64_t seed = 32, added = 0, stored = 0;
    struct fl_writer *w = open_writer();
    struct fl_commit_report report;
    for (size_t i = 0; i < n_flows; i++)
        flows[i] = flows_make(&seed, HOUR_MS);
    for (int limits = 0; limits < 2;) {
        size_t taken = 0;
        int rc = fl_writer_add_batch(w, "default", flows, n_flows, &taken);
        added += taken;
        if (rc == 0) {
            assert_int_equal(taken, n_flows);
            continue;
        }
        assert_int_equal(rc, FL_ELIMIT);
        assert_true(taken < n_flows);
        assert_int_equal(fl_writer_commit(w, &report, NULL), 0);
        stored += report.stored;
        assert_int_equal(stored, added);
        limits++;
    }
    fl_writer_close(w);
}

static void writes_more_buckets_than_handles(void **state)
{
    fill("default", 2000, 80, 500, 6);
    struct fl_scan_filter all = everything();
    check_against_brute_force(&all, 2000);
}

static void overwrite(const char *path, long at, const char *bytes, size_t n)
{
    FILE *f = fopen(path, at < 0 ? "wb" : "r+b");
    assert_non_null(f);
    fseek(f, at < 0 ? 0 : at, SEEK_SET);
    fwrite(bytes, 1, n, f);
    fclose(f);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* After one of three buckets is spoilt: it is named, the others are read, and writing to it is shed. */
static void check_damage(const char *path, const char *expected)
{
    struct fl_scan_report report = scan_all();
    assert_int_equal(report.n_damaged, 1);
    if (!strstr(report.damaged[0], path) || !strstr(report.damaged[0], expected))
        fail_msg("%s", report.damaged[0]);
    assert_true(n_found > 0 && n_found < 3000);
    struct fl_store_extent extent;
    assert_int_equal(fl_store_extent(dir, NULL, &extent, NULL), 0);
}

static void skips_garbage(void **state)
{
    char path[128], garbage[9000];
    memset(garbage, 'x', sizeof garbage);
    fill("default", 3000, 3, 3000, 1);
    path_of(path, 1);
    overwrite(path, -1, garbage, sizeof garbage);
    check_damage(path, "damaged");
    struct fl_writer *w = open_writer();
    struct fl_commit_report report;
    struct fl_err err = {""};
    uint64_t seed = 2;
    for (int i = 0; i < 300; i++) {
        struct fl_flow f = flows_make(&seed, 3 * HOUR_MS);
        assert_int_equal(fl_writer_add(w, "default", &f), 0);
    }
    assert_true(fl_writer_commit(w, &report, &err) < 0);
    assert_non_null(strstr(err.text, path));
    assert_true(report.shed > 0 && report.stored > 0 && report.shed + report.stored == 300);
    fl_writer_close(w);
}

static void skips_truncated_files(void **state)
{
    char path[128];
    fill("default", 3000, 3, 3000, 1);
    path_of(path, 1);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2 / 4096 * 4096), 0);
    check_damage(path, "damaged");
}

static void skips_foreign_databases(void **state)
{
    char path[128];
    fill("default", 3000, 3, 3000, 1);
    path_of(path, 1);
    sql(path, "PRAGMA application_id=7");
    check_damage(path, "not a bucket");
}

static void skips_spoilt_chunks(void **state)
{
    char path[128];
    fill("default", 3000, 3, 3000, 1);
    path_of(path, 1);
    sql(path, "UPDATE chunk SET data = x'0102030405'");
    check_damage(path, "chunk 1 is damaged");
    sql(path, "UPDATE chunk SET data = 5, bloom = NULL WHERE 0; DELETE FROM meta");
    check_damage(path, "meta");
}

static void reads_unfinished_files_as_empty(void **state)
{
    char path[128];
    fill("default", 3000, 3, 3000, 1);
    path_of(path, 5);
    overwrite(path, -1, "", 0);
    struct fl_scan_report report = scan_all();
    assert_int_equal(report.n_damaged, 0);
    assert_int_equal(n_found, 3000);
}

/* Leave a database as one that was killed in its first transaction does: pages in it, and how to take them
 * back.
 */
static void make_half(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        sqlite3_open(path, &db);
        sqlite3_exec(db,
                     "PRAGMA cache_size=1; BEGIN; CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(200000))",
                     NULL, NULL, NULL);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void reads_half_made_files_as_empty(void **state)
{
    char path[128], journal[160];
    fill("default", 3000, 3, 3000, 1);
    path_of(path, 5);
    make_half(path);
    snprintf(journal, sizeof journal, "%s-journal", path);
    assert_int_equal(access(journal, F_OK), 0);
    struct fl_scan_report report = scan_all();
    assert_int_equal(report.n_damaged, 0);
    assert_int_equal(n_found, 3000);
    struct fl_writer *w = open_writer();
    struct fl_flow f = flows[0];
    f.start_ms = f.end_ms = BASE_MS + 5 * HOUR_MS;
    assert_int_equal(fl_writer_add(w, "default", &f), 0);
    commit(w, 1);
    fl_writer_close(w);
    scan_all();
    assert_int_equal(n_found, 3001);
}

static void refuses_newer_buckets(void **state)
{
    char path[128];
    struct fl_err err = {""};
    struct fl_scan_report report;
    struct fl_scan_filter all = everything();
    fill("default", 300, 3, 300, 1);
    path_of(path, 1);
    sql(path, "PRAGMA user_version=99");
    assert_int_equal(fl_store_scan(dir, &all, collect, NULL, &report, &err), FL_ENEWER);
    assert_non_null(strstr(err.text, "newer flowlore"));
    assert_non_null(strstr(err.text, path));
}

static int stop_at_once(void *ctx, const char *location, const struct fl_flow *batch, size_t n)
{
    return FL_ESTOP;
}

static void stops_when_asked(void **state)
{
    struct fl_scan_filter all = everything();
    struct fl_scan_report report;
    fill("default", 300, 3, 300, 1);
    assert_int_equal(fl_store_scan(dir, &all, stop_at_once, NULL, &report, NULL), FL_ESTOP);
}

static void reads_while_writing(void **state)
{
    uint64_t seed = 12;
    struct fl_writer *w = open_writer();
    for (int i = 1; i <= 30; i++) {
        for (int k = 0; k < 100; k++) {
            struct fl_flow f = flows_make(&seed, HOUR_MS);
            assert_int_equal(fl_writer_add(w, "default", &f), 0);
        }
        commit(w, 100);
        scan_all();
        assert_int_equal(n_found, i * 100);
    }
    fl_writer_close(w);
}

/* Commits 10 records at a time and tells how often it did, until it is killed. */
static void write_until_killed(int told)
{
    struct fl_writer *w = open_writer();
    uint64_t seed = 13;
    for (uint8_t byte = 0;; byte++) {
        struct fl_commit_report report;
        for (int k = 0; k < 10; k++) {
            struct fl_flow f = flows_make(&seed, 2 * HOUR_MS);
            fl_writer_add(w, "default", &f);
        }
        if (fl_writer_commit(w, &report, NULL) != 0 || write(told, &byte, 1) != 1)
            _exit(1);
    }
}

static void kill_9_loses_only_the_uncommitted(void **state)
{
    for (int round = 0; round < 5; round++) {
        int pipe_ends[2];
        uint8_t byte;
        size_t commits = 0, before;
        scan_all();
        before = n_found;
        assert_int_equal(pipe(pipe_ends), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(pipe_ends[1]);
        close(pipe_ends[1]);
        for (; commits < (size_t)(20 + 7 * round); commits++)
            assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipe_ends[0], &byte, 1) == 1)
            commits++;
        close(pipe_ends[0]);
        struct fl_scan_report report = scan_all();
        assert_int_equal(report.n_damaged, 0);
        assert_true(n_found - before >= commits * 10 && n_found - before <= commits * 10 + 10);
    }
}

static size_t n_buckets(void)
{
    struct fl_bucket_list list;
    assert_int_equal(fl_store_buckets(dir, NULL, INT64_MIN, INT64_MAX, &list, NULL), 0);
    size_t n = list.n;
    fl_bucket_list_clear(&list);
    return n;
}

static void retains_by_age_and_size(void **state)
{
    fill("default", 2000, 10, 2000, 1);
    fill("other", 100, 2, 100, 1);
    assert_int_equal(fl_store_retain(dir, 0, 0, NULL), 0);
    assert_int_equal(n_buckets(), 12);
    assert_int_equal(fl_store_retain(dir, 3 * HOUR_MS, 0, NULL), 5);
    assert_int_equal(n_buckets(), 7);
    assert_int_equal(fl_store_retain(dir, 3 * HOUR_MS, 0, NULL), 0);
    assert_int_equal(fl_store_retain(dir, 0, 1, NULL), 5); /* less than one bucket: the newest two stay */
    assert_int_equal(n_buckets(), 2);
    scan_all();
    assert_true(n_found > 0);
}

static void a_wrong_clock_ages_nothing(void **state)
{
    fill("default", 2000, 4, 2000, 1);
    struct fl_writer *w = open_writer();
    struct fl_flow f = flows[0];
    f.start_ms = f.end_ms = INT64_C(4102444800000); /* 2100 */
    assert_int_equal(fl_writer_add(w, "default", &f), 0);
    commit(w, 1);
    fl_writer_close(w);
    assert_int_equal(fl_store_retain(dir, 3 * HOUR_MS, 0, NULL), 0);
    assert_int_equal(n_buckets(), 5);
}

/* Together they must fit: the oldest bucket of whatever location goes first, and its -wal counts. */
static void retains_the_newest_of_all_locations(void **state)
{
    struct fl_bucket_list list;
    fill("a", 400, 4, 400, 1);
    fill("b", 400, 4, 400, 2);
    assert_int_equal(fl_store_buckets(dir, NULL, INT64_MIN, INT64_MAX, &list, NULL), 0);
    int64_t bytes = 0;
    for (size_t i = 0; i < list.n; i++)
        bytes += list.items[i].bytes;
    int64_t oldest = list.items[0].bytes + list.items[4].bytes, wal = 100000;
    char name[160];
    snprintf(name, sizeof name, "%s-wal", list.items[4].path);
    fl_bucket_list_clear(&list);
    FILE *f = fopen(name, "wb"); /* as a killed writer might leave it: nothing in it counts */
    assert_int_equal(ftruncate(fileno(f), wal), 0);
    fclose(f);
    assert_int_equal(fl_store_retain(dir, 0, bytes + wal, NULL), 0);
    assert_int_equal(fl_store_retain(dir, 0, bytes - oldest, NULL), 2);
    assert_true(access(name, F_OK) < 0);
    assert_int_equal(fl_store_buckets(dir, NULL, INT64_MIN, INT64_MAX, &list, NULL), 0);
    assert_int_equal(list.n, 6);
    assert_int_equal(list.items[0].from_ms, BASE_MS + HOUR_MS);
    assert_int_equal(list.items[3].from_ms, BASE_MS + HOUR_MS);
    fl_bucket_list_clear(&list);
}

static void writes_on_after_retention(void **state)
{
    uint64_t seed = 3;
    struct fl_writer *w = open_writer();
    for (int i = 0; i < 3; i++) {
        struct fl_flow f = flows_make(&seed, HOUR_MS);
        f.start_ms = BASE_MS + (i == 0 ? 3 * HOUR_MS : 0); /* an old bucket, as an import writes it */
        f.end_ms = f.start_ms;
        assert_int_equal(fl_writer_add(w, "default", &f), 0);
        commit(w, 1);
        if (i == 1)
            assert_int_equal(fl_store_retain(dir, HOUR_MS, 0, NULL), 1);
    }
    fl_writer_close(w);
    scan_all();
    assert_int_equal(n_found, 2);
}

/* What is not asked for may be anything; what is must be right, also when other fields decide. */
static void reads_only_the_columns_asked_for(void **state)
{
    fill("default", n_flows, 3, 3000, 7);
    for (int with_host = 0; with_host < 2; with_host++) {
        struct fl_scan_filter q = everything();
        uint64_t bytes = 0, n = 0;
        q.columns = FL_FIELD_BYTES;
        q.from_ms = BASE_MS + HOUR_MS / 2;
        q.has_host = with_host;
        q.host = flows[0].src;
        for (size_t i = 0; i < n_flows; i++)
            if (flows[i].start_ms >= q.from_ms && (!with_host || !fl_addr_cmp(&flows[i].src, &q.host) ||
                                                   !fl_addr_cmp(&flows[i].dst, &q.host))) {
                bytes += flows[i].bytes;
                n++;
            }
        scan(&q);
        assert_int_equal(n_found, n);
        for (size_t i = 0; i < n_found; i++)
            bytes -= found[i].bytes;
        assert_int_equal(bytes, 0);
        for (size_t i = 0; i < n_found; i++) { /* and what nobody needs is not unpacked */
            assert_int_equal(found[i].packets, 0);
            assert_int_equal(found[i].sampling, 1);
        }
    }
}

static void reads_bucket_names(void **state)
{
    int64_t ms;
    assert_int_equal(fl_bucket_name_parse("20220612T22.db", &ms), 0);
    assert_int_equal(ms, BASE_MS);
    const char *const bad[] = {
        "",  "20220612T24.db",  "20220230T01.db", "20220612T22.db-wal", "20220612x22.db",
        "x", "20220612T22.dbx", "+0220612T22.db"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(fl_bucket_name_parse(bad[i], &ms), FL_EINVAL);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(gives_back_what_was_written),
        STORE_TEST(filters_like_brute_force),
        STORE_TEST(looks_only_in_the_files_given),
        STORE_TEST(a_point_query_opens_what_it_must),
        STORE_TEST(summaries_are_read_without_the_data),
        STORE_TEST(full_chunks_do_not_pile_up),
        STORE_TEST(goes_on_where_it_stopped),
        STORE_TEST(two_writers_lose_nothing),
        STORE_TEST(lists_buckets_in_order),
        STORE_TEST(refuses_bad_input),
        STORE_TEST(bounds_what_waits),
        STORE_TEST(adds_batches),
        STORE_TEST(batches_stop_at_the_bound),
        STORE_TEST(writes_more_buckets_than_handles),
        STORE_TEST(skips_garbage),
        STORE_TEST(skips_truncated_files),
        STORE_TEST(skips_foreign_databases),
        STORE_TEST(skips_spoilt_chunks),
        STORE_TEST(reads_unfinished_files_as_empty),
        STORE_TEST(reads_half_made_files_as_empty),
        STORE_TEST(refuses_newer_buckets),
        STORE_TEST(stops_when_asked),
        STORE_TEST(reads_while_writing),
        STORE_TEST(kill_9_loses_only_the_uncommitted),
        STORE_TEST(retains_by_age_and_size),
        STORE_TEST(a_wrong_clock_ages_nothing),
        STORE_TEST(retains_the_newest_of_all_locations),
        STORE_TEST(writes_on_after_retention),
        STORE_TEST(reads_only_the_columns_asked_for),
        cmocka_unit_test(reads_bucket_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
