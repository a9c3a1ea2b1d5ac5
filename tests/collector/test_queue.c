/* The queue: its bound, who is told of what does not fit, and how it ends. What becomes of the records is
 * tests/storage/test_gather.c's. */
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

enum { PRODUCERS = 3, MANY = 200000, HOUR_MS = 3600000 };

struct seen {
    uint64_t n, buckets;
    char first[64], last[64]; /* locations */
    int64_t end_ms;           /* of the last one */
};

static void see_bucket(void *ctx, const struct fl_gathered *g)
{
    struct seen *s = ctx;
    if (s->buckets++ == 0)
        strcpy(s->first, g->location);
    strcpy(s->last, g->location);
    s->n += g->flows;
    s->end_ms = g->told_end_ms;
}

static void see(void *ctx, struct fl_gatherer *gathered)
{
    fl_gatherer_each(gathered, see_bucket, ctx);
}

static struct fl_queue *make(size_t producers, size_t claims)
{
    struct fl_queue *q;
    assert_int_equal(fl_queue_new(&q, producers, HOUR_MS, claims), 0);
    return q;
}

static void test_what_goes_in_comes_out(void **state)
{
    struct fl_queue *q = make(1, 4);
    struct seen seen = {0};
    struct fl_flow two[] = {{.end_ms = 5}, {.end_ms = 7}};
    for (int i = 0; i < 5; i++)
        assert_int_equal(fl_queue_add(q, 0, "hq", two, 2), 0);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(seen.n, 10);
    assert_int_equal(seen.buckets, 1);
    assert_int_equal(seen.end_ms, 7);
    assert_string_equal(seen.first, "hq");
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(seen.n, 10);
    fl_queue_free(q);
}

static void test_room(void **state)
{
    struct fl_queue *q = make(1, 1);
    struct seen seen = {0};
    struct fl_flow f = {.end_ms = 5}, *room;
    assert_null(fl_queue_room(q, 0, "hq", 1)); /* nothing is there yet that it could come behind */
    assert_int_equal(fl_queue_add(q, 0, "hq", &f, 1), 0);
    assert_null(fl_queue_room(q, 0, "branch", 1));
    assert_null(fl_queue_room(q, 0, "hq", FL_CHUNK_FLOWS));
    assert_non_null(room = fl_queue_room(q, 0, "hq", 3));
    room[0] = room[1] = (struct fl_flow){.end_ms = 9};
    assert_int_equal(fl_queue_add(q, 0, "hq", room, 2), 0); /* fewer than there was room for */
    assert_non_null(room = fl_queue_room(q, 0, "hq", 3));
    assert_int_equal(fl_queue_add(q, 0, "hq", room, 0), 0); /* none */
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.end_ms, 9);
    fl_queue_close(q);
    assert_null(fl_queue_room(q, 0, "hq", 1));
    fl_queue_free(q);
}

static void test_locations_stay_apart(void **state)
{
    struct fl_queue *q = make(1, 4);
    struct seen seen = {0};
    struct fl_flow f = {0};
    char name[] = "tokyo"; /* the queue keeps a copy */
    for (int i = 0; i < 600; i++) {
        memcpy(name, i % 2 ? "tokyo" : "paris", sizeof name);
        assert_int_equal(fl_queue_add(q, 0, name, &f, 1), 0);
    }
    memcpy(name, "xxxxx", sizeof name);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(seen.n, 600);
    assert_int_equal(seen.buckets, 2);
    assert_string_equal(seen.first, "paris");
    assert_string_equal(seen.last, "tokyo");
    fl_queue_free(q);
}

static void test_full_gives_up_and_recovers(void **state)
{
    static struct fl_flow flows[FL_QUEUE_CLAIM];
    struct fl_queue *q = make(1, 2);
    struct seen seen = {0};
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, FL_QUEUE_CLAIM - 1), 0);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, FL_QUEUE_CLAIM), 0);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, 3), 2);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, 3), 3);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(seen.n, 2 * FL_QUEUE_CLAIM);
    assert_int_equal(fl_queue_add(q, 0, "hq", flows, 7), 0);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(seen.n, 2 * FL_QUEUE_CLAIM + 7);
    fl_queue_free(q);
}

/* One producer that has filled the queue leaves nothing for the other; both get on once it is taken. */
static void test_producers_share_the_bound(void **state)
{
    struct fl_queue *q = make(2, 1);
    struct seen seen = {0};
    struct fl_flow f = {0};
    assert_int_equal(fl_queue_add(q, 0, "hq", &f, 1), 0);
    assert_int_equal(fl_queue_add(q, 1, "hq", &f, 1), 1);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(fl_queue_add(q, 1, "hq", &f, 1), 0);
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 0);
    assert_int_equal(seen.n, 2);
    fl_queue_free(q);
}

/* Chunks of one producer end the waiting long before its time is over. */
static void test_much_ends_the_waiting(void **state)
{
    static struct fl_flow flows[FL_CHUNK_FLOWS];
    struct fl_queue *q = make(2, 384);
    struct seen seen = {0};
    for (int i = 0; i <= FL_QUEUE_WORTH_CHUNKS; i++)
        assert_int_equal(fl_queue_add(q, 1, "hq", flows, FL_CHUNK_FLOWS), 0);
    assert_int_equal(fl_queue_take(q, 3600000, see, &seen), 0);
    assert_int_equal(seen.n, (FL_QUEUE_WORTH_CHUNKS + 1) * FL_CHUNK_FLOWS);
    fl_queue_free(q);
}

static void test_times_out_empty_and_wakes(void **state)
{
    struct fl_queue *q = make(1, 1);
    struct seen seen = {0};
    assert_int_equal(fl_queue_take(q, 5, see, &seen), 0);
    fl_queue_wake(q);
    assert_int_equal(fl_queue_take(q, 3600000, see, &seen), 0);
    fl_queue_free(q);
}

static void test_closed_gives_the_rest_then_ends(void **state)
{
    struct fl_queue *q = make(1, 2);
    struct seen seen = {0};
    struct fl_flow f = {0};
    assert_int_equal(fl_queue_add(q, 0, "hq", &f, 1), 0);
    fl_queue_close(q);
    assert_int_equal(fl_queue_add(q, 0, "hq", &f, 1), 1);
    assert_int_equal(fl_queue_take(q, 1000, see, &seen), FL_ESTOP);
    assert_int_equal(seen.n, 1);
    fl_queue_free(q);
    fl_queue_free(NULL);
}

struct work {
    struct fl_queue *q;
    size_t producer;
    uint64_t given_up;
    _Atomic unsigned *running;
};

/* Sizes that fill chunks unevenly, at a pace that overruns a small queue now and then. */
static void *produce(void *ctx)
{
    struct work *w = ctx;
    struct fl_flow flows[40] = {{.end_ms = 1}};
    for (unsigned turn = 0, made = 0; made < MANY; turn++) {
        size_t n = 1 + turn % 40 < MANY - made ? 1 + turn % 40 : MANY - made;
        const char *location = turn % 7 ? "hq" : "branch";
        struct fl_flow *room = fl_queue_room(w->q, w->producer, location, n);
        if (room)
            memcpy(room, flows, n * sizeof *room);
        w->given_up += fl_queue_add(w->q, w->producer, location, room ? room : flows, n);
        made += (unsigned)n;
    }
    if (atomic_fetch_sub(w->running, 1) == 1)
        fl_queue_close(w->q);
    return NULL;
}

static void test_several_producers_lose_nothing_uncounted(void **state)
{
    struct fl_queue *q = make(PRODUCERS, 18);
    struct seen seen = {0};
    pthread_t threads[PRODUCERS];
    struct work work[PRODUCERS];
    _Atomic unsigned running = PRODUCERS;
    uint64_t given_up = 0;
    for (size_t i = 0; i < PRODUCERS; i++) {
        work[i] = (struct work){.q = q, .producer = i, .running = &running};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &work[i]), 0);
    }
    while (fl_queue_take(q, 10, see, &seen) != FL_ESTOP)
        ;
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        given_up += work[i].given_up;
    }
    assert_int_equal(seen.n + given_up, PRODUCERS * (uint64_t)MANY);
    assert_true(seen.n > 0);
    fl_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_in_comes_out),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_locations_stay_apart),
        cmocka_unit_test(test_full_gives_up_and_recovers),
        cmocka_unit_test(test_producers_share_the_bound),
        cmocka_unit_test(test_much_ends_the_waiting),
        cmocka_unit_test(test_times_out_empty_and_wakes),
        cmocka_unit_test(test_closed_gives_the_rest_then_ends),
        cmocka_unit_test(test_several_producers_lose_nothing_uncounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
