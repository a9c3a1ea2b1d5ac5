/* Imports that are repeated, interrupted and run beside others: every record is stored once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/storage/store_fixture.h"

enum { n_source = 12000, hours = 5 };
static struct fl_flow source[n_source], other[n_source];

/* What two inputs hold; a few records cannot be stored, but have their numbers. */
static void make_sources(void)
{
    uint64_t seed = 77;
    for (size_t i = 0; i < n_source; i++) {
        source[i] = flows_make(&seed, hours * HOUR_MS);
        other[i] = flows_make_translated(&seed, hours * HOUR_MS);
    }
}

struct totals {
    uint64_t stored, already, shed;
};

static int import_some(struct fl_writer *w, const struct fl_flow *flows, size_t n, size_t batch,
                       struct totals *t, struct fl_err *err)
{
    struct fl_commit_report report;
    int rc = 0;
    for (size_t i = 0; i < n; i += batch) {
        size_t m = n - i < batch ? n - i : batch, taken;
        assert_int_equal(fl_writer_add_batch(w, "default", flows + i, m, &taken), 0);
        assert_int_equal(taken, m);
        int done = fl_writer_commit(w, &report, rc ? NULL : err);
        rc = rc ? rc : done;
        t->stored += report.stored;
        t->already += report.already;
        t->shed += report.shed;
    }
    return rc;
}

static struct totals import(const char *id, const struct fl_flow *flows, size_t batch)
{
    struct totals t = {0, 0, 0};
    struct fl_err err = {""};
    struct fl_writer *w = open_writer();
    assert_int_equal(fl_writer_begin_import(w, id), 0);
    if (import_some(w, flows, n_source, batch, &t, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(t.shed, 0);
    fl_writer_close(w);
    return t;
}

static void check_stored(const struct fl_flow *flows, size_t n)
{
    struct fl_flow *copy = malloc(n * sizeof *copy);
    memcpy(copy, flows, n * sizeof *copy);
    scan_all();
    assert_int_equal(n_found, n);
    assert_true(flows_same(found, copy, n));
    free(copy);
}

static void a_source_is_stored_once(void **state)
{
    struct totals first = import("aa", source, 700), again = import("aa", source, 5000);
    assert_int_equal(first.stored, n_source);
    assert_int_equal(first.already, 0);
    assert_int_equal(again.stored, 0);
    assert_int_equal(again.already, n_source);
    check_stored(source, n_source);
}

static void sources_are_kept_apart(void **state)
{
    assert_int_equal(import("aa", source, 3000).stored, n_source);
    assert_int_equal(import("bb", source, 3000).stored, n_source);
    scan_all();
    assert_int_equal(n_found, 2 * n_source);
}

static void what_follows_an_import_is_not_of_it(void **state)
{
    struct totals t = {0, 0, 0};
    struct fl_writer *w = open_writer();
    assert_int_equal(fl_writer_begin_import(w, "aa"), 0);
    import_some(w, source, 100, 100, &t, NULL);
    assert_int_equal(fl_writer_begin_import(w, NULL), 0);
    import_some(w, source, 100, 10, &t, NULL);
    import_some(w, source, 100, 100, &t, NULL);
    assert_int_equal(t.stored, 300);
    assert_int_equal(t.already, 0);
    assert_int_equal(fl_writer_add(w, "default", &source[0]), 0);
    assert_int_equal(fl_writer_begin_import(w, "aa"), FL_EINVAL); /* while a record waits */
    fl_writer_close(w);
}

/* Refused records have numbers too: a source is the same source with them. */
static void refused_records_are_numbered(void **state)
{
    struct fl_flow before = source[5];
    struct totals t = {0, 0, 0};
    source[5].start_ms = -1;
    for (int round = 0; round < 2; round++) {
        struct fl_writer *w = open_writer();
        assert_int_equal(fl_writer_begin_import(w, "aa"), 0);
        import_some(w, source, round ? n_source : n_source / 2, 64, &t, NULL);
        fl_writer_close(w);
    }
    source[5] = before;
    assert_int_equal(t.stored, n_source - 1);
    assert_int_equal(t.already, n_source / 2 - 1);
}

static pid_t start_import(const char *id, const struct fl_flow *flows, size_t batch)
{
    pid_t child = fork();
    if (child == 0) {
        import(id, flows, batch);
        _exit(0);
    }
    return child;
}

/* Killed after so many microseconds, thirty times over; each time further, because what is stored stays. */
static void a_killed_import_is_completed(void **state)
{
    int killed = 0;
    for (int round = 0; round < 30; round++) {
        int status;
        pid_t child = start_import("aa", source, 50);
        usleep((useconds_t)(2000 + round * 1777));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        killed += WIFSIGNALED(status);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
    assert_true(killed > 0);
    struct totals t = import("aa", source, 4000);
    assert_int_equal(t.stored + t.already, n_source);
    check_stored(source, n_source);
}

static void finish(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Three processes write the same buckets: two import the same source, one writes like the service. */
static void imports_run_beside_the_service(void **state)
{
    static struct fl_flow both[2 * n_source];
    struct totals t = {0, 0, 0};
    struct fl_err err = {""};
    pid_t a = start_import("aa", source, 211), b = start_import("aa", source, 97);
    struct fl_writer *w = open_writer();
    if (import_some(w, other, n_source, 61, &t, &err) != 0)
        fail_msg("%s", err.text);
    fl_writer_close(w);
    finish(a);
    finish(b);
    assert_int_equal(t.stored, n_source);
    memcpy(both, source, sizeof source);
    memcpy(both + n_source, other, sizeof other);
    check_stored(both, 2 * n_source);
}

/* One bucket cannot be written, then can: in the same import its later records must stay out, so that its
 * mark does not claim those that were shed. */
static void shed_records_are_found_missing(void **state)
{
    struct totals t = {0, 0, 0};
    char path[128];
    struct fl_writer *w = open_writer();
    path_of(path, 1);
    FILE *f = fopen(path, "wb");
    if (!f) { /* the location's directory is made by the first commit */
        char parent[128];
        snprintf(parent, sizeof parent, "%s/flows/default", dir);
        assert_int_equal(mkdir(parent, 0777), 0);
        f = fopen(path, "wb");
    }
    for (int i = 0; i < 1000; i++)
        fputs("no database", f);
    fclose(f);
    assert_int_equal(fl_writer_begin_import(w, "aa"), 0);
    assert_true(import_some(w, source, n_source / 2, 500, &t, NULL) < 0);
    assert_true(t.shed > 0);
    assert_int_equal(unlink(path), 0);
    assert_true(import_some(w, source + n_source / 2, n_source / 2, 500, &t, NULL) < 0);
    assert_int_equal(t.stored + t.shed, n_source);
    fl_writer_close(w);
    struct totals again = import("aa", source, 500);
    assert_int_equal(again.stored, t.shed);
    assert_int_equal(again.already, t.stored);
    check_stored(source, n_source);
}

/* Full chunks that were packed while they waited stand before the open one, which goes on growing. */
static void packs_full_chunks_early(void **state)
{
    struct totals t = {0, 0, 0};
    struct fl_writer *w = open_writer();
    for (size_t i = 0; i < n_source; i++)
        source[i].end_ms = source[i].start_ms = BASE_MS + (int64_t)i;
    static const size_t batches[] = {100, 10000, 4096, 1, 8192, 12000, 3};
    size_t n = 0;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; n += batches[i++])
        import_some(w, source, batches[i], batches[i], &t, NULL);
    fl_writer_close(w);
    assert_int_equal(t.stored, n);
    struct fl_scan_report report = scan_all();
    assert_int_equal(n_found, n);
    assert_int_equal(report.chunks_read, n / 4096 + 1);
    make_sources();
}

#define WRITER_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER_TEST(a_source_is_stored_once),
        WRITER_TEST(sources_are_kept_apart),
        WRITER_TEST(what_follows_an_import_is_not_of_it),
        WRITER_TEST(refused_records_are_numbered),
        WRITER_TEST(a_killed_import_is_completed),
        WRITER_TEST(imports_run_beside_the_service),
        WRITER_TEST(shed_records_are_found_missing),
        WRITER_TEST(packs_full_chunks_early),
    };
    make_sources();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
