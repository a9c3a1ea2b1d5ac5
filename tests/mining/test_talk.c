/* Joining directions, learning service ports, naming client and server. */
#include "tests/mining/mining_fixture.h"

#include "mining/talk.h"

static struct fl_talk talk_of(struct fl_flow *flows, size_t n)
{
    static struct fl_services services;
    struct fl_mining_config config = default_mining();
    struct fl_find_request request = {
        .flows = flows, .n = n, .active_timeout_ms = 60000, .config = &config, .services = &services};
    struct fl_talk talk;
    fl_services_system_ports(&services);
    assert_int_equal(fl_find_talk(&talk, &request), 0);
    return talk;
}

static void assert_conversation(const struct fl_talk *t, size_t i, const char *client, uint32_t client_port,
                                const char *server, uint32_t server_port)
{
    struct fl_addr c = host(client), s = host(server);
    assert_true(i < t->n);
    assert_memory_equal(&t->hosts[t->items[i].client], &c, sizeof c);
    assert_memory_equal(&t->hosts[t->items[i].server], &s, sizeof s);
    assert_int_equal(t->items[i].client_port, client_port);
    assert_int_equal(t->items[i].server_port, server_port);
}

static void request_and_answer_are_one_conversation(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.53", 53, "10.0.0.5", 40001, FL_PROTO_UDP, 20, 20),
                              record("10.0.0.5", 40001, "10.0.0.53", 53, FL_PROTO_UDP, 0, 0)};
    struct fl_talk t = talk_of(flows, 2);
    assert_int_equal(t.n, 1);
    assert_conversation(&t, 0, "10.0.0.5", FL_PORT_ANY, "10.0.0.53", 53);
    assert_int_equal(t.items[0].start_ms, 0);
    assert_int_equal(t.items[0].end_ms, 20);
    fl_talk_clear(&t);
}

static void answer_a_minute_later_is_another_conversation(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.5", 40001, "10.0.0.53", 53, FL_PROTO_UDP, 0, 0),
                              record("10.0.0.53", 53, "10.0.0.5", 40001, FL_PROTO_UDP, 60000, 60000)};
    struct fl_talk t = talk_of(flows, 2);
    assert_int_equal(t.n, 2);
    fl_talk_clear(&t);
}

static void one_direction_cut_by_timeouts_is_one_conversation(void **state)
{
    /* The download is cut into five parts; its few answers are flows of their own. */
    struct fl_flow flows[10];
    size_t n = 0;
    for (int i = 0; i < 5; i++)
        flows[n++] =
            record("10.0.0.9", 443, "10.0.0.5", 40001, FL_PROTO_TCP, 60100 * i + 10, 60100 * i + 60010);
    for (int i = 0; i < 4; i++)
        flows[n++] = record("10.0.0.5", 40001, "10.0.0.9", 443, FL_PROTO_TCP, 75000 * i, 75000 * i + 2000);
    struct fl_talk t = talk_of(flows, n);
    assert_int_equal(t.n, 1);
    assert_conversation(&t, 0, "10.0.0.5", FL_PORT_ANY, "10.0.0.9", 443);
    assert_int_equal(t.items[0].start_ms, 0);
    assert_int_equal(t.items[0].end_ms, 300410);
    fl_talk_clear(&t);
}

static void symmetric_ports_that_recur_stay_concrete(void **state)
{
    struct fl_flow flows[8];
    for (int i = 0; i < 4; i++) {
        flows[2 * i] = record("10.0.0.5", 123, "10.0.0.9", 123, FL_PROTO_UDP, i * 16000, i * 16000);
        flows[2 * i + 1] =
            record("10.0.0.9", 123, "10.0.0.5", 123, FL_PROTO_UDP, i * 16000 + 10, i * 16000 + 10);
    }
    struct fl_talk t = talk_of(flows, 8);
    assert_int_equal(t.n, 4);
    assert_conversation(&t, 0, "10.0.0.5", 123, "10.0.0.9", 123);
    fl_talk_clear(&t);
}

static void high_port_with_many_peers_is_learned(void **state)
{
    struct fl_flow flows[12];
    const char *peers[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"};
    for (int i = 0; i < 5; i++) {
        flows[2 * i] =
            record(peers[i], (uint16_t)(50000 + i), "10.0.0.9", 8834, FL_PROTO_TCP, i * 1000, i * 1000 + 50);
        flows[2 * i + 1] = record("10.0.0.9", 8834, peers[i], (uint16_t)(50000 + i), FL_PROTO_TCP,
                                  i * 1000 + 5, i * 1000 + 50);
    }
    struct fl_talk t = talk_of(flows, 10);
    assert_int_equal(t.n, 5);
    assert_conversation(&t, 0, "10.0.0.1", FL_PORT_ANY, "10.0.0.9", 8834);
    fl_talk_clear(&t);
    t = talk_of(flows, 4); /* two peers are not many */
    assert_conversation(&t, 0, "10.0.0.1", FL_PORT_ANY, "10.0.0.9", FL_PORT_ANY);
    fl_talk_clear(&t);
}

static void scanner_with_one_source_port_is_the_client(void **state)
{
    struct fl_flow flows[20];
    for (int i = 0; i < 20; i++) {
        flows[i] =
            record("192.0.2.1", 52496, "10.0.0.9", (uint16_t)(2000 + i), FL_PROTO_TCP, i * 100, i * 100);
        flows[i].tcp_flags = FL_TCP_SYN;
    }
    struct fl_talk t = talk_of(flows, 20);
    assert_int_equal(t.n, 20);
    for (size_t i = 0; i < t.n; i++)
        assert_conversation(&t, i, "192.0.2.1", FL_PORT_ANY, "10.0.0.9", FL_PORT_ANY);
    fl_talk_clear(&t);
}

static void between_two_registered_ports_the_less_asked_is_the_client(void **state)
{
    struct fl_flow flows[4];
    const char *peers[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
    for (int i = 0; i < 3; i++)
        flows[i] = record(peers[i], (uint16_t)(50000 + i), "10.0.0.9", 514, FL_PROTO_UDP, i * 1000, i * 1000);
    flows[3] = record("10.0.0.4", 700, "10.0.0.9", 514, FL_PROTO_UDP, 9000, 9000);
    struct fl_talk t = talk_of(flows, 4);
    assert_int_equal(t.n, 4);
    assert_conversation(&t, 3, "10.0.0.4", FL_PORT_ANY, "10.0.0.9", 514);
    fl_talk_clear(&t);
}

static void passive_data_has_no_port_and_its_opener_as_client(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.9", 45000, "10.0.0.5", 40001, FL_PROTO_TCP, 3, 900),
                              record("10.0.0.5", 40001, "10.0.0.9", 45000, FL_PROTO_TCP, 0, 900)};
    struct fl_talk t = talk_of(flows, 2);
    assert_int_equal(t.n, 1);
    assert_conversation(&t, 0, "10.0.0.5", FL_PORT_ANY, "10.0.0.9", FL_PORT_ANY);
    fl_talk_clear(&t);
}

/* Stamps off by more than the answer takes: the server of three clients stays the server of each, though in
 * half of the conversations its answer seems to come first. */
static void peers_tell_where_stamps_do_not(void **state)
{
    static const char *const clients[] = {"10.0.0.5", "10.0.0.12", "10.0.0.7"};
    struct fl_flow flows[24];
    for (int i = 0; i < 12; i++) {
        const char *client = clients[i % 3];
        int64_t asked = i * 16000, answered = asked + (i / 3 % 2 ? 30 : -30);
        flows[2 * i] = record(client, 123, "10.0.0.9", 123, FL_PROTO_UDP, asked, asked);
        flows[2 * i + 1] = record("10.0.0.9", 123, client, 123, FL_PROTO_UDP, answered, answered);
    }
    struct fl_talk t = talk_of(flows, 24);
    assert_int_equal(t.n, 12);
    for (size_t i = 0; i < t.n; i++)
        assert_conversation(&t, i,
                            i < 4   ? "10.0.0.5"
                            : i < 8 ? "10.0.0.7"
                                    : "10.0.0.12",
                            123, "10.0.0.9", 123);
    fl_talk_clear(&t);
}

/* FTP's data, whose direction nothing else tells, follows its control connection. */
static void data_goes_with_its_control_connection(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.9", 40000, "10.0.0.5", 21, FL_PROTO_TCP, 0, 9000),
                              record("10.0.0.5", 45001, "10.0.0.9", 50001, FL_PROTO_TCP, 100, 900),
                              record("10.0.0.5", 45002, "10.0.0.9", 50002, FL_PROTO_TCP, 1000, 1900),
                              record("10.0.0.5", 45003, "10.0.0.9", 50003, FL_PROTO_UDP, 1000, 1900)};
    struct fl_talk t = talk_of(flows, 4);
    assert_int_equal(t.n, 4);
    assert_conversation(&t, 0, "10.0.0.5", FL_PORT_ANY, "10.0.0.9", FL_PORT_ANY); /* another protocol */
    assert_conversation(&t, 1, "10.0.0.9", FL_PORT_ANY, "10.0.0.5", 21);
    assert_conversation(&t, 2, "10.0.0.9", FL_PORT_ANY, "10.0.0.5", FL_PORT_ANY);
    assert_conversation(&t, 3, "10.0.0.9", FL_PORT_ANY, "10.0.0.5", FL_PORT_ANY);
    fl_talk_clear(&t);
}

/* Stamps of 10 ms resolution: question and answer seem to come at once, or in the wrong order. */
static void data_between_two_hosts_has_one_client(void **state)
{
    struct fl_flow flows[14];
    for (int i = 0; i < 7; i++) {
        int64_t asked = i * 1000 + (i == 2 ? 10 : 0), answered = i * 1000 + (i < 2 ? 0 : i == 2 ? 0 : 10);
        uint16_t port = (uint16_t)(45000 + i);
        flows[2 * i] = record("10.0.0.9", 50000, "10.0.0.5", port, FL_PROTO_TCP, asked, asked + 500);
        flows[2 * i + 1] = record("10.0.0.5", port, "10.0.0.9", 50000, FL_PROTO_TCP, answered, asked + 500);
    }
    struct fl_talk t = talk_of(flows, 14);
    assert_int_equal(t.n, 7);
    for (size_t i = 0; i < t.n; i++)
        assert_conversation(&t, i, "10.0.0.9", FL_PORT_ANY, "10.0.0.5", FL_PORT_ANY);
    fl_talk_clear(&t);
}

static void echo_request_and_reply_are_one_conversation(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.5", 0, "10.0.0.9", 8 << 8, FL_PROTO_ICMP, 100, 100),
                              record("10.0.0.9", 0, "10.0.0.5", 0, FL_PROTO_ICMP, 130, 130),
                              record("2001:db8::9", 0, "2001:db8::5", 129 << 8, FL_PROTO_ICMP6, 130, 130),
                              record("2001:db8::5", 0, "2001:db8::9", 128 << 8, FL_PROTO_ICMP6, 100, 100)};
    struct fl_talk t = talk_of(flows, 4);
    assert_int_equal(t.n, 2);
    assert_conversation(&t, 0, "10.0.0.5", FL_PORT_ANY, "10.0.0.9", 8 << 8);
    assert_conversation(&t, 1, "2001:db8::5", FL_PORT_ANY, "2001:db8::9", 128 << 8);
    fl_talk_clear(&t);
}

static void unreachable_is_sent_by_its_client(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.9", 0, "10.0.0.5", 3 << 8 | 3, FL_PROTO_ICMP, 100, 100),
                              record("10.0.0.5", 0, "10.0.0.9", 3 << 8 | 3, FL_PROTO_ICMP, 100, 100)};
    struct fl_talk t = talk_of(flows, 2);
    assert_int_equal(t.n, 2);
    assert_conversation(&t, 0, "10.0.0.5", FL_PORT_ANY, "10.0.0.9", 3 << 8 | 3);
    assert_conversation(&t, 1, "10.0.0.9", FL_PORT_ANY, "10.0.0.5", 3 << 8 | 3);
    fl_talk_clear(&t);
}

static void talking_to_oneself_is_left_out(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.9", 40000, "10.0.0.9", 80, FL_PROTO_TCP, 0, 10)};
    struct fl_talk t = talk_of(flows, 1);
    assert_int_equal(t.n, 0);
    fl_talk_clear(&t);
}

static void protocols_without_ports_have_none(void **state)
{
    struct fl_flow flows[] = {record("10.0.0.5", 0, "10.0.0.9", 0, 47, 0, 10)};
    struct fl_talk t = talk_of(flows, 1);
    assert_conversation(&t, 0, "10.0.0.5", FL_PORT_ANY, "10.0.0.9", FL_PORT_ANY);
    fl_talk_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_and_answer_are_one_conversation),
        cmocka_unit_test(answer_a_minute_later_is_another_conversation),
        cmocka_unit_test(one_direction_cut_by_timeouts_is_one_conversation),
        cmocka_unit_test(symmetric_ports_that_recur_stay_concrete),
        cmocka_unit_test(high_port_with_many_peers_is_learned),
        cmocka_unit_test(scanner_with_one_source_port_is_the_client),
        cmocka_unit_test(between_two_registered_ports_the_less_asked_is_the_client),
        cmocka_unit_test(passive_data_has_no_port_and_its_opener_as_client),
        cmocka_unit_test(peers_tell_where_stamps_do_not),
        cmocka_unit_test(data_goes_with_its_control_connection),
        cmocka_unit_test(data_between_two_hosts_has_one_client),
        cmocka_unit_test(echo_request_and_reply_are_one_conversation),
        cmocka_unit_test(unreachable_is_sent_by_its_client),
        cmocka_unit_test(talking_to_oneself_is_left_out),
        cmocka_unit_test(protocols_without_ports_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
