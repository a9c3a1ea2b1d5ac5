/* The batch queue: order, its bound, who is told of what does not fit, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "collector/queue.h"
#include "storage/error.h"

enum { PRODUCERS = 3, MANY = 200000 };

struct seen {
    uint64_t n, calls, out_of_order;
    uint64_t next[PRODUCERS]; /* the number that each producer's next record should have */
    const char *location;     /* of the last call */
    size_t last_n;
};

static struct fl_flow numbered(uint32_t producer, uint64_t number)
{
    return (struct fl_flow){.domain = producer, .packets = number};
}

/* Records of a producer come in order; those that were given up leave gaps, never a step back. */
static void see(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct seen *s = ctx;
    for (size_t i = 0; i < n; i++) {
        uint64_t *next = &s->next[flows[i].domain];
        if (flows[i].packets < *next)
            s->out_of_order++;
        *next = flows[i].packets + 1;
    }
    s->n += n;
    s->calls++;
    s->location = location;
    s->last_n = n;
}

static void test_what_goes_in_comes_out(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    assert_int_equal(fl_queue_new(&q, 1, 4), 0);
    for (uint64_t i = 0; i < 5; i++) {
        struct fl_flow two[] = {numbered(0, 2 * i), numbered(0, 2 * i + 1)};
        assert_int_equal(fl_queue_add(q, 0, "hq", two, 2), 0);
    }
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 10);
    assert_int_equal(seen.n, 10);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.out_of_order, 0);
    assert_int_equal(seen.next[0], 10);
    assert_string_equal(seen.location, "hq");
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    fl_queue_free(q);
}

static void test_locations_stay_apart(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    struct fl_flow f = numbered(0, 0);
    assert_int_equal(fl_queue_new(&q, 1, 4), 0);
    char name[] = "paris"; /* the queue keeps a copy */
    assert_int_equal(fl_queue_add(q, 0, name, &f, 1), 0);
    memcpy(name, "tokyo", sizeof name);
    assert_int_equal(fl_queue_add(q, 0, name, &f, 1), 0);
    assert_int_equal(fl_queue_add(q, 0, "paris", &f, 1), 0);
    memcpy(name, "xxxxx", sizeof name);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 3);
    assert_int_equal(seen.calls, 3);
    assert_string_equal(seen.location, "paris");
    assert_int_equal(fl_queue_add(q, 0, "tokyo", &f, 1), 0);
    const char *first = seen.location;
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 1);
    assert_string_equal(seen.location, "tokyo");
    assert_int_equal(fl_queue_add(q, 0, "paris", &f, 1), 0);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 1);
    assert_ptr_equal(seen.location, first);
    fl_queue_free(q);
}

/* More changes of location than a batch can tell apart go on in the next one. */
static void test_many_changes_of_location(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    assert_int_equal(fl_queue_new(&q, 1, 8), 0);
    for (uint64_t i = 0; i < 600; i++) {
        struct fl_flow f = numbered(0, i);
        assert_int_equal(fl_queue_add(q, 0, i % 2 ? "hq" : "branch", &f, 1), 0);
    }
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 600);
    assert_int_equal(seen.calls, 600);
    assert_int_equal(seen.out_of_order, 0);
    fl_queue_free(q);
}

static void test_full_gives_up_and_recovers(void **state)
{
    static struct fl_flow flows[FL_BATCH_FLOWS];
    struct fl_queue *q;
    struct seen seen = {0};
    assert_int_equal(fl_queue_new(&q, 1, 2), 0);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, FL_BATCH_FLOWS - 1), 0);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, FL_BATCH_FLOWS), 0);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, 3), 2);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, 3), 3);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 2 * FL_BATCH_FLOWS);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, 7), 0);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 7);
    assert_int_equal(seen.last_n, 7);
    fl_queue_free(q);
}

/* One producer that has filled the queue leaves nothing for the other; both get on once it is taken. */
static void test_producers_share_the_bound(void **state)
{
    static struct fl_flow flows[FL_BATCH_FLOWS];
    struct fl_queue *q;
    struct seen seen = {0};
    struct fl_flow f = numbered(1, 0);
    assert_int_equal(fl_queue_new(&q, 2, 1), 0);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, 1), 0);
    assert_int_equal(fl_queue_add(q, 1, "hq", &f, 1), 1);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 1);
    assert_int_equal(fl_queue_add(q, 1, "hq", &f, 1), 0);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 1);
    fl_queue_free(q);
}

static void test_times_out_empty_and_wakes(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    assert_int_equal(fl_queue_new(&q, 1, 1), 0);
    assert_int_equal(fl_queue_take(q, 5, see, &seen), 0);
    fl_queue_wake(q);
    assert_int_equal(fl_queue_take(q, 3600000, see, &seen), 0);
    fl_queue_free(q);
}

static void test_closed_gives_the_rest_then_ends(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    struct fl_flow f = numbered(0, 0);
    assert_int_equal(fl_queue_new(&q, 1, 2), 0);
    assert_int_equal(fl_queue_add(q, 0, "hq", &f, 1), 0);
    fl_queue_close(q);
    assert_int_equal(fl_queue_add(q, 0, "hq", &f, 1), 1);
    assert_int_equal(fl_queue_take(q, 1000, see, &seen), 1);
    assert_int_equal(fl_queue_take(q, 1000, see, &seen), FL_ESTOP);
    fl_queue_free(q);
    fl_queue_free(NULL);
}

struct work {
    struct fl_queue *q;
    size_t producer;
    uint64_t given_up;
    _Atomic unsigned *running;
};

/* Sizes that fill batches unevenly, at a pace that overruns a small queue now and then. */
static void *produce(void *ctx)
{
    struct work *w = ctx;
    uint64_t number = 0;
    for (unsigned turn = 0; number < MANY; turn++) {
        struct fl_flow flows[40];
        size_t n = 1 + turn % 40;
        for (size_t i = 0; i < n; i++)
            flows[i] = numbered((uint32_t)w->producer, number++);
        w->given_up += fl_queue_add(w->q, w->producer, turn % 7 ? "hq" : "branch", flows, n);
    }
    if (atomic_fetch_sub(w->running, 1) == 1)
        fl_queue_close(w->q);
    return NULL;
}

static void test_several_producers_lose_nothing_uncounted(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    pthread_t threads[PRODUCERS];
    struct work work[PRODUCERS];
    _Atomic unsigned running = PRODUCERS;
    uint64_t added = 0, given_up = 0;
    assert_int_equal(fl_queue_new(&q, PRODUCERS, 6), 0);
    for (size_t i = 0; i < PRODUCERS; i++) {
        work[i] = (struct work){.q = q, .producer = i, .running = &running};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &work[i]), 0);
    }
    for (int n; (n = fl_queue_take(q, 100, see, &seen)) != FL_ESTOP;)
        added += (uint64_t)n;
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        given_up += work[i].given_up;
    }
    uint64_t made = 0;
    for (size_t i = 0; i < PRODUCERS; i++)
        made += seen.next[i];
    assert_int_equal(seen.out_of_order, 0);
    assert_int_equal(added, seen.n);
    assert_true(made >= seen.n);
    assert_true(seen.n + given_up >= PRODUCERS * (uint64_t)MANY);
    assert_true(seen.n + given_up < PRODUCERS * (uint64_t)(MANY + 40));
    fl_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_in_comes_out),
        cmocka_unit_test(test_locations_stay_apart),
        cmocka_unit_test(test_many_changes_of_location),
        cmocka_unit_test(test_full_gives_up_and_recovers),
        cmocka_unit_test(test_producers_share_the_bound),
        cmocka_unit_test(test_times_out_empty_and_wakes),
        cmocka_unit_test(test_closed_gives_the_rest_then_ends),
        cmocka_unit_test(test_several_producers_lose_nothing_uncounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
