/* The datagram queue: order, its bound, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "collector/queue.h"
#include "storage/error.h"

enum { MANY = 20000 };

struct seen {
    unsigned n;
    unsigned out_of_order;
    uint8_t last[2000];
    size_t last_length;
    struct fl_datagram envelope;
};

static void see(void *ctx, const struct fl_datagram *d)
{
    struct seen *s = ctx;
    if (d->source_port != (uint16_t)s->n)
        s->out_of_order++;
    s->n++;
    s->envelope = *d;
    s->last_length = d->length;
    memcpy(s->last, d->bytes, d->length < sizeof s->last ? d->length : sizeof s->last);
}

static struct fl_datagram datagram(unsigned number, const void *bytes, size_t length)
{
    struct fl_datagram d = {.exporter = fl_addr_v4(0x0a000001),
                            .source_port = (uint16_t)number,
                            .location = "hq",
                            .received_ms = 1234,
                            .length = length,
                            .bytes = bytes};
    return d;
}

static void test_what_goes_in_comes_out(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    assert_int_equal(fl_queue_new(&q, 65536), 0);
    struct fl_datagram empty = datagram(0, "", 0), full = datagram(1, "abc", 3);
    assert_true(fl_queue_push(q, &empty));
    assert_true(fl_queue_push(q, &full));
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 2);
    assert_int_equal(seen.out_of_order, 0);
    assert_memory_equal(seen.last, "abc", 3);
    assert_int_equal(seen.last_length, 3);
    assert_int_equal(seen.envelope.received_ms, 1234);
    assert_string_equal(seen.envelope.location, "hq");
    assert_int_equal(fl_addr_cmp(&seen.envelope.exporter, &full.exporter), 0);
    fl_queue_free(q);
}

static void test_full_refuses_and_recovers(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    uint8_t bytes[100] = {7};
    size_t each = sizeof(struct fl_datagram) + sizeof bytes;
    assert_int_equal(fl_queue_new(&q, 3 * each), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct fl_datagram d = datagram(i, bytes, sizeof bytes);
        assert_true(fl_queue_push(q, &d));
    }
    struct fl_datagram none = datagram(3, bytes, 0), more = datagram(3, bytes, sizeof bytes);
    assert_false(fl_queue_push(q, &none));
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 3);
    assert_true(fl_queue_push(q, &more));
    assert_int_equal(fl_queue_take(q, 0, see, &seen), 1);
    assert_int_equal(seen.out_of_order, 0);
    struct fl_datagram huge = datagram(0, bytes, 3 * each);
    assert_false(fl_queue_push(q, &huge));
    fl_queue_free(q);
}

static void test_times_out_empty(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    assert_int_equal(fl_queue_new(&q, 1024), 0);
    assert_int_equal(fl_queue_take(q, 5, see, &seen), 0);
    fl_queue_free(q);
}

static void test_closed_gives_the_rest_then_ends(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    assert_int_equal(fl_queue_new(&q, 1024), 0);
    struct fl_datagram d = datagram(0, "x", 1);
    assert_true(fl_queue_push(q, &d));
    fl_queue_close(q);
    assert_false(fl_queue_push(q, &d));
    assert_int_equal(fl_queue_take(q, 1000, see, &seen), 1);
    assert_int_equal(fl_queue_take(q, 1000, see, &seen), FL_ESTOP);
    fl_queue_free(q);
    fl_queue_free(NULL);
}

static void *produce(void *ctx)
{
    struct fl_queue *q = ctx;
    uint8_t bytes[50] = {1};
    for (unsigned i = 0; i < MANY;) {
        struct fl_datagram d = datagram(i, bytes, i % sizeof bytes);
        if (fl_queue_push(q, &d))
            i++;
        fl_queue_wake(q);
    }
    fl_queue_close(q);
    return NULL;
}

static void test_two_threads(void **state)
{
    struct fl_queue *q;
    struct seen seen = {0};
    pthread_t producer;
    assert_int_equal(fl_queue_new(&q, 4096), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, q), 0);
    while (fl_queue_take(q, 100, see, &seen) != FL_ESTOP)
        ;
    pthread_join(producer, NULL);
    assert_int_equal(seen.n, MANY);
    assert_int_equal(seen.out_of_order, 0);
    fl_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_in_comes_out),
        cmocka_unit_test(test_full_refuses_and_recovers),
        cmocka_unit_test(test_times_out_empty),
        cmocka_unit_test(test_closed_gives_the_rest_then_ends),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
