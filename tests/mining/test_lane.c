/* How much room lanes may take, and when building them ends: bounds are held by what there is, not by how
 * long a span or a block could be. */
#include "tests/mining/mining_fixture.h"

#include "mining/lane.h"
#include "storage/error.h"

enum { MIB = 1 << 20 };

static struct fl_talk new_talk(size_t n, uint32_t hosts)
{
    struct fl_talk talk = {
        .hosts = calloc(hosts, sizeof *talk.hosts), .n_hosts = hosts, .items = calloc(n, sizeof *talk.items)};
    assert_true(talk.hosts && talk.items);
    for (uint32_t h = 0; h < hosts; h++)
        talk.hosts[h] = fl_addr_v4(0x0a000000 + h);
    return talk;
}

static void say(struct fl_talk *talk, uint32_t client, uint32_t server, int64_t start_ms, int64_t length_ms)
{
    talk->items[talk->n++] = (struct fl_conversation){.client = client,
                                                      .server = server,
                                                      .client_port = FL_PORT_ANY,
                                                      .server_port = 443,
                                                      .protocol = FL_PROTO_TCP,
                                                      .start_ms = start_ms,
                                                      .end_ms = start_ms + length_ms};
}

/* `cells` of all families, where it succeeds. */
static int build(struct fl_talk *talk, int64_t span_ms, uint32_t jitter, uint32_t threads,
                 uint64_t memory_bytes, const struct fl_stop *stop, size_t *cells)
{
    struct fl_timeline time;
    struct fl_nodes nodes;
    struct fl_lane lanes[3];
    sort_talk(talk);
    assert_int_equal(fl_timeline_init(&time, 0, span_ms, 1000, jitter), 0);
    assert_int_equal(fl_nodes_build(&nodes, talk, &time, 10), 0);
    int rc =
        fl_lanes_build(lanes, &(struct fl_lanes_request){&nodes, talk, &time, threads, memory_bytes, stop});
    *cells = 0;
    for (int f = 0; f < 3; f++) {
        *cells += rc == 0 ? lanes[f].first_cell[nodes.n] : 0;
        if (rc < 0)
            assert_null(lanes[f].cells);
        fl_lane_clear(&lanes[f]);
    }
    fl_nodes_clear(&nodes);
    return rc;
}

/* A client asks 20 servers 20 times each within a month of two blocks or three: 800 cells, of 16,000 that
 * each node has room for in a block. */
static void long_blocks_cost_no_more_than_what_is_in_them(void **state)
{
    struct fl_talk talk = new_talk(400, 21);
    size_t cells;
    for (uint32_t i = 0; i < 400; i++)
        say(&talk, 0, 1 + i % 20, i * INT64_C(6000000), 100);
    assert_int_equal(build(&talk, INT64_C(2400000000), 1000000, 1, MIB, NULL, &cells), 0);
    assert_true(cells >= 800 && cells <= 1600);
    fl_talk_clear(&talk);
}

/* 20,000 clients each ask a server once in a few minutes: few blocks, but a cell a client. Each thread that
 * counts them has two numbers for each. */
static void binding_hosts_and_threads_count(void **state)
{
    enum { CLIENTS = 20000 };
    struct fl_talk talk = new_talk(CLIENTS, CLIENTS + 1);
    size_t cells;
    for (uint32_t i = 0; i < CLIENTS; i++)
        say(&talk, 1 + i, 0, i * 15, 10);
    for (uint32_t threads = 1; threads <= 3; threads++) {
        assert_int_equal(build(&talk, 300000, 60, threads, MIB, NULL, &cells), FL_ELIMIT);
        assert_int_equal(build(&talk, 300000, 60, threads, 6 * MIB, NULL, &cells), 0);
        assert_true(cells >= CLIENTS && cells <= CLIENTS + 100);
    }
    assert_int_equal(build(&talk, 300000, 60, 64, 6 * MIB, NULL, &cells), FL_ELIMIT);
    assert_int_equal(build(&talk, 300000, 60, 64, 0, NULL, &cells), 0);
    fl_talk_clear(&talk);
}

/* Ten clients stay with a server for two million windows, two blocks or three: more cells than there could be
 * blocks if each cell were in one of its own. */
static void blocks_of_a_million_windows_hold_many_cells(void **state)
{
    const int64_t span_ms = INT64_C(2000000000);
    struct fl_talk talk = new_talk(10, 11);
    size_t cells;
    for (uint32_t i = 0; i < 10; i++)
        say(&talk, 1 + i, 0, i * 1000, span_ms);
    assert_int_equal(build(&talk, span_ms, 1000000, 2, 0, NULL, &cells), 0);
    assert_true(cells >= 2 * 10 * (size_t)31250);
    fl_talk_clear(&talk);
}

static int stop_when_asked_so_often(void *ctx, double done)
{
    return --*(int *)ctx < 0;
}

static void building_can_be_stopped(void **state)
{
    struct fl_talk talk = new_talk(40, 21);
    size_t cells;
    int asked = 1000;
    struct fl_stop stop = {stop_when_asked_so_often, &asked};
    for (uint32_t i = 0; i < 40; i++)
        say(&talk, 0, 1 + i % 20, i * 2000, 5000000);
    assert_int_equal(build(&talk, 7200000, 60, 1, 0, &stop, &cells), 0);
    asked = 1000 - asked;
    assert_true(asked >= 6); /* before each lane, within, and at its end */
    for (int left = 0; left < asked; left++) {
        int now = left;
        stop.ctx = &now;
        assert_int_equal(build(&talk, 7200000, 60, 1, 0, &stop, &cells), FL_ESTOP);
    }
    fl_talk_clear(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_blocks_cost_no_more_than_what_is_in_them),
        cmocka_unit_test(binding_hosts_and_threads_count),
        cmocka_unit_test(blocks_of_a_million_windows_hold_many_cells),
        cmocka_unit_test(building_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
