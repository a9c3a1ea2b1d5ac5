/* What single information elements mean: addresses and ports in their forms, counters of every kind, both
 * directions of a biflow, translation, events. */
#include "collector/decode/flowmap.h"
#include "tests/collector/decode/fields.h"

#define MS                                                                                                   \
    {152, 8, (uint64_t)T0 - 5000},                                                                           \
    {                                                                                                        \
        153, 8, (uint64_t)T0 - 1000                                                                          \
    }

static const struct fl_flow *only(void)
{
    assert_int_equal(caught.n, 1);
    return &caught.flows[0];
}

/* ---- addresses ---- */

static void expect_v6(void)
{
    expect_ends(only(), "2000::1", 0, "2000::2", 0x8000, FL_PROTO_ICMP6);
}

#define V6                                                                                                   \
    {27, 16, 1}, {28, 16, 2}, {4, 1, 58}, {139, 2, 0x8000}, {22, 4, 1000},                                   \
    {                                                                                                        \
        21, 4, 2000                                                                                          \
    }

static void test_ipv6_by_ipfix(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0, FIELDS(V6)), 1);
    expect_v6();
}

static void test_ipv6_by_v9(void **state)
{
    (void)state;
    assert_int_equal(feed_v9(5000, 256, 0, FIELDS(V6)), 1);
    expect_v6();
    assert_int_equal(caught.flows[0].end_ms - caught.flows[0].start_ms, 1000);
}

static const char zeros[64];
#define ZERO6(element)                                                                                       \
    {                                                                                                        \
        element, 16, 0, 0, zeros                                                                             \
    }

static void test_both_families_and_v6_zero(void **state)
{
    (void)state;
    assert_int_equal(FEED(ZERO6(27), ZERO6(28)), 1);
    expect_ends(only(), "10.0.0.1", 0, "10.0.0.2", 0, 0);
}

static void test_both_families_and_v4_zero(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0, FIELDS({8, 4, 0}, {12, 4, 0}, {27, 16, 1}, {28, 16, 2})), 1);
    expect_ends(only(), "2000::1", 0, "2000::2", 0, 0);
}

/* A tunnel: addresses and ports of the outer packet, then those of the inner one. */
static void test_both_families_and_none_zero(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0,
                                FIELDS({27, 16, 1}, {28, 16, 2}, {7, 2, 4000}, {11, 2, 4789}, {4, 1, 17},
                                       {8, 4, 1}, {12, 4, 2}, {7, 2, 1234}, {11, 2, 80}, {4, 1, 6})),
                     1);
    expect_ends(only(), "2000::1", 4000, "2000::2", 4789, 17);
    assert_int_equal(feed_ipfix(301, 0,
                                FIELDS({8, 4, 1}, {12, 4, 2}, {7, 2, 1234}, {11, 2, 80}, {4, 1, 6},
                                       {27, 16, 1}, {28, 16, 2}, {7, 2, 4000}, {11, 2, 4789}, {4, 1, 17})),
                     1);
    expect_ends(&caught.flows[1], "0.0.0.1", 1234, "0.0.0.2", 80, 6);
}

static void test_one_zero_address_is_an_address(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0, FIELDS({8, 4, 0}, {12, 4, 0xffffffff})), 1);
    expect_ends(only(), "0.0.0.0", 0, "255.255.255.255", 0, 0);
}

static void test_all_zero_addresses_are_no_flow(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0, FIELDS({8, 4, 0}, {12, 4, 0}, ZERO6(27), ZERO6(28), {1, 4, 9})), 0);
    assert_int_equal(caught.n, 0);
    assert_int_equal(stats_of().malformed, 0);
}

static void test_one_address_is_no_flow(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0, FIELDS({8, 4, 1}, {28, 16, 2}, {1, 4, 9})), 0);
    assert_int_equal(stats_of().malformed, 0);
}

static void test_prefixes_are_no_addresses(void **state)
{
    (void)state;
    assert_int_equal(
        feed_ipfix(300, 0, FIELDS({44, 4, 1}, {45, 4, 2}, {170, 16, 1}, {169, 16, 2}, {1, 4, 9})), 0);
    assert_int_equal(stats_of().malformed, 0);
}

/* ---- translation ---- */

static void test_translated_v4(void **state)
{
    (void)state;
    assert_int_equal(FEED({7, 2, 1234}, {11, 2, 80}, {4, 1, 6}, {225, 4, 0xc6336401}, {226, 4, 0x0a000002},
                          {227, 2, 40000}, {228, 2, 80}),
                     1);
    expect_ends(only(), "10.0.0.1", 1234, "10.0.0.2", 80, 6);
    expect_translated(only(), "198.51.100.1", 40000, "10.0.0.2", 80);
}

static void test_translated_v6(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0, FIELDS({27, 16, 1}, {28, 16, 2}, {281, 16, 3}, {282, 16, 2})), 1);
    expect_translated(only(), "2000::3", 0, "2000::2", 0);
}

static void test_translated_from_v6_to_v4(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0,
                                FIELDS({27, 16, 1}, {28, 16, 2}, {225, 4, 0xc6336401}, {226, 4, 0xc6336402},
                                       ZERO6(281), ZERO6(282))),
                     1);
    expect_ends(only(), "2000::1", 0, "2000::2", 0, 0);
    expect_translated(only(), "198.51.100.1", 0, "198.51.100.2", 0);
}

static void test_translation_of_zero_is_not_told(void **state)
{
    (void)state;
    assert_int_equal(FEED({225, 4, 0}, {226, 4, 0}, {227, 2, 0}, {228, 2, 0}), 1);
    expect_translated(only(), "::", 0, "::", 0);
}

static void test_translation_is_mirrored(void **state)
{
    (void)state;
    assert_int_equal(FEED(MS, {7, 2, 1234}, {11, 2, 80}, {4, 1, 6}, {10, 4, 1}, {14, 4, 2}, {61, 1, 0},
                          {231, 4, 300}, {232, 4, 4000}, {225, 4, 0xc6336401}, {226, 4, 0x0a000002},
                          {227, 2, 40000}, {228, 2, 80}),
                     2);
    const struct fl_flow *back = &caught.flows[1];
    expect_ends(back, "10.0.0.2", 80, "10.0.0.1", 1234, 6);
    expect_translated(back, "10.0.0.2", 80, "198.51.100.1", 40000);
    expect_interfaces(&caught.flows[0], 1, 2, FL_DIRECTION_INGRESS);
    expect_interfaces(back, 2, 1, FL_DIRECTION_EGRESS);
}

/* ---- protocol, ports, ICMP ---- */

static void expect_ports(unsigned src_port, unsigned dst_port, unsigned protocol)
{
    expect_ends(only(), "10.0.0.1", src_port, "10.0.0.2", dst_port, protocol);
}

static void test_ports_of_udp(void **state)
{
    (void)state;
    assert_int_equal(FEED({180, 2, 1234}, {181, 2, 53}), 1);
    expect_ports(1234, 53, FL_PROTO_UDP);
}

static void test_ports_of_tcp(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 6}, {182, 2, 1234}, {183, 2, 80}), 1);
    expect_ports(1234, 80, FL_PROTO_TCP);
}

static void test_ports_of_sctp(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 132}, {7, 2, 2905}, {11, 2, 3868}), 1);
    expect_ports(2905, 3868, 132);
}

static void test_next_header_for_protocol(void **state)
{
    (void)state;
    assert_int_equal(FEED({193, 1, 17}, {7, 2, 1234}, {11, 2, 53}), 1);
    expect_ports(1234, 53, FL_PROTO_UDP);
}

static void test_icmp_in_dst_port(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 1}, {7, 2, 77}, {11, 2, 0x0301}), 1);
    expect_ports(0, 0x0301, FL_PROTO_ICMP);
}

static void test_icmp_in_src_port(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 1}, {7, 2, 0x0800}, {11, 2, 0}), 1);
    expect_ports(0, 0x0800, FL_PROTO_ICMP);
}

static void test_icmp_type_in_src_port_and_code_in_dst_port(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 1}, {7, 2, 3}, {11, 2, 1}), 1);
    expect_ports(0, 0x0301, FL_PROTO_ICMP);
}

static void test_icmp_joined(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 1}, {7, 2, 0}, {11, 2, 0}, {32, 2, 0x0b00}), 1);
    expect_ports(0, 0x0b00, FL_PROTO_ICMP);
}

static void test_icmp_split(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 1}, {176, 1, 3}, {177, 1, 13}), 1);
    expect_ports(0, 0x030d, FL_PROTO_ICMP);
}

static void test_icmp6_in_the_element_of_v4(void **state)
{
    (void)state;
    assert_int_equal(feed_ipfix(300, 0, FIELDS({27, 16, 1}, {28, 16, 2}, {4, 1, 58}, {32, 2, 0x8700})), 1);
    expect_ends(only(), "2000::1", 0, "2000::2", 0x8700, FL_PROTO_ICMP6);
}

static void test_icmp6_split(void **state)
{
    (void)state;
    assert_int_equal(
        feed_ipfix(300, 0, FIELDS({27, 16, 1}, {28, 16, 2}, {4, 1, 58}, {178, 1, 1}, {179, 1, 4})), 1);
    expect_ends(only(), "2000::1", 0, "2000::2", 0x0104, FL_PROTO_ICMP6);
}

/* ---- counters ---- */

static void test_totals(void **state)
{
    (void)state;
    assert_int_equal(FEED({86, 8, 3}, {85, 8, 300}), 1);
    expect_counts(only(), 3, 300);
}

static void test_a_delta_of_zero_beside_a_total(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 4, 0}, {1, 4, 0}, {86, 8, 3}, {85, 8, 300}), 1);
    expect_counts(only(), 0, 0);
}

static void test_post_counters_alone(void **state)
{
    (void)state;
    assert_int_equal(FEED({24, 8, 3}, {23, 8, 300}), 1);
    expect_counts(only(), 3, 300);
}

static void test_post_counters_beside_the_flows_own(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 8, 3}, {1, 8, 300}, {24, 8, 2}, {23, 8, 200}), 1);
    expect_counts(only(), 3, 300);
}

static void test_layer_two_octets_alone(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 8, 3}, {352, 8, 342}), 1);
    expect_counts(only(), 3, 342);
}

static void test_layer_two_octets_beside_layer_three(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 8, 3}, {352, 8, 342}, {1, 8, 300}), 1);
    expect_counts(only(), 3, 300);
}

static void test_counters_of_one_byte(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 1, 3}, {1, 3, 0x123456}), 1);
    expect_counts(only(), 3, 0x123456);
}

static void test_initiator_and_responder(void **state)
{
    (void)state;
    assert_int_equal(
        FEED({7, 2, 1234}, {11, 2, 80}, {4, 1, 6}, {231, 8, 300}, {232, 8, 4000}, {298, 8, 3}, {299, 8, 4}),
        2);
    expect_counts(&caught.flows[0], 3, 300);
    expect_counts(&caught.flows[1], 4, 4000);
    expect_ends(&caught.flows[1], "10.0.0.2", 80, "10.0.0.1", 1234, 6);
}

/* NSEL of both ages at once: the total is of both directions, the initiator's of one. */
static void test_initiator_beside_a_total(void **state)
{
    (void)state;
    assert_int_equal(FEED({85, 8, 4300}, {231, 8, 300}, {232, 8, 4000}, {233, 1, 2}), 2);
    expect_counts(&caught.flows[0], 0, 300);
    expect_counts(&caught.flows[1], 0, 4000);
    assert_int_equal(FEED({85, 8, 4300}, {231, 8, 0}, {232, 8, 0}, {233, 1, 1}), 1);
    expect_counts(&caught.flows[2], 0, 0);
}

/* ---- the other direction ---- */

static void test_reverse_direction(void **state)
{
    (void)state;
    assert_int_equal(FEED(MS, {7, 2, 1234}, {11, 2, 80}, {4, 1, 6}, {6, 1, 2}, {5, 1, 8}, {136, 1, 3},
                          {2, 8, 3}, {1, 8, 300}, {2, 8, 4, REVERSE}, {1, 8, 4000, REVERSE},
                          {6, 1, 0x12, REVERSE}, {5, 1, 16, REVERSE}, {136, 1, 1, REVERSE}),
                     2);
    const struct fl_flow *back = &caught.flows[1];
    expect_counts(&caught.flows[0], 3, 300);
    expect_marks(&caught.flows[0], 0x02, 8, FL_END_OF_FLOW, FL_EVENT_NONE);
    expect_ends(back, "10.0.0.2", 80, "10.0.0.1", 1234, 6);
    expect_counts(back, 4, 4000);
    expect_marks(back, 0x12, 16, FL_END_IDLE, FL_EVENT_NONE);
}

static void test_reverse_totals(void **state)
{
    (void)state;
    assert_int_equal(FEED({86, 8, 3}, {85, 8, 300}, {86, 8, 4, REVERSE}, {85, 8, 4000, REVERSE}), 2);
    expect_counts(&caught.flows[0], 3, 300);
    expect_counts(&caught.flows[1], 4, 4000);
}

static void test_only_the_reverse_direction_was_seen(void **state)
{
    (void)state;
    assert_int_equal(FEED(MS, {2, 8, 0}, {1, 8, 0}, {2, 8, 4, REVERSE}, {1, 8, 4000, REVERSE}), 1);
    expect_ends(only(), "10.0.0.2", 0, "10.0.0.1", 0, 0);
    expect_counts(only(), 4, 4000);
}

static void test_no_packet_came_back(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 8, 3}, {1, 8, 300}, {2, 8, 0, REVERSE}, {1, 8, 0, REVERSE}), 1);
    expect_counts(only(), 3, 300);
}

static void test_ping_and_its_answer(void **state)
{
    (void)state;
    assert_int_equal(
        FEED({4, 1, 1}, {32, 2, 0x0300}, {2, 8, 1}, {2, 8, 1, REVERSE}, {32, 2, 0x0b00, REVERSE}), 2);
    expect_ends(&caught.flows[0], "10.0.0.1", 0, "10.0.0.2", 0x0300, 1);
    expect_ends(&caught.flows[1], "10.0.0.2", 0, "10.0.0.1", 0x0b00, 1);
}

/* biflowDirection 2: the record's source is not the one that began. */
static void test_the_one_that_began_comes_first(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 8, 3}, {2, 8, 4, REVERSE}, {239, 1, 2}), 2);
    expect_counts(&caught.flows[0], 4, 0);
    expect_ends(&caught.flows[0], "10.0.0.2", 0, "10.0.0.1", 0, 0);
    expect_counts(&caught.flows[1], 3, 0);
}

/* CERT's flags of the first packet and of the later ones. */
static void test_tcp_flags_of_first_and_later_packets(void **state)
{
    (void)state;
    assert_int_equal(FEED({4, 1, 6}, {2, 8, 3}, {2, 8, 4, REVERSE}, {14, 1, 0x02, 6871}, {15, 1, 0x19, 6871},
                          {16398, 1, 0x12, 6871}, {16399, 1, 0x10, 6871}),
                     2);
    assert_int_equal(caught.flows[0].tcp_flags, 0x1b);
    assert_int_equal(caught.flows[1].tcp_flags, 0x12);
}

/* ---- marks ---- */

static void test_tcp_flags_of_two_bytes(void **state)
{
    (void)state;
    assert_int_equal(FEED({6, 2, 0xf1db}), 1); /* the upper four bits are the data offset */
    assert_int_equal(only()->tcp_flags, 0x1db);
}

static void test_class_after_when_before_is_missing(void **state)
{
    (void)state;
    assert_int_equal(FEED({55, 1, 0xb8}), 1);
    assert_int_equal(only()->tos, 0xb8);
}

static void test_class_of_zero_beside_another_after(void **state)
{
    (void)state;
    assert_int_equal(FEED({5, 1, 0}, {55, 1, 0xb8}), 1);
    assert_int_equal(only()->tos, 0);
}

static void test_code_point(void **state)
{
    (void)state;
    assert_int_equal(FEED({195, 1, 46}), 1);
    assert_int_equal(only()->tos, 0xb8);
}

static void test_physical_interfaces_when_the_others_are_missing(void **state)
{
    (void)state;
    assert_int_equal(FEED({252, 4, 70000}, {253, 4, 70001}, {61, 1, 1}), 1);
    expect_interfaces(only(), 70000, 70001, FL_DIRECTION_EGRESS);
}

static void test_physical_interfaces_beside_logical(void **state)
{
    (void)state;
    assert_int_equal(FEED({10, 2, 5}, {14, 4, 0}, {252, 4, 70000}, {253, 4, 70001}), 1);
    expect_interfaces(only(), 5, 0, FL_DIRECTION_UNKNOWN);
}

static void test_direction_beyond_the_two(void **state)
{
    (void)state;
    assert_int_equal(FEED({61, 1, 255}), 1);
    expect_interfaces(only(), 0, 0, FL_DIRECTION_UNKNOWN);
}

static void test_end_reason_beyond_the_registry(void **state)
{
    (void)state;
    assert_int_equal(FEED({136, 1, 6}), 1);
    assert_int_equal(only()->end_reason, FL_END_UNKNOWN);
}

/* ---- events ---- */

static void test_firewall_events(void **state)
{
    (void)state;
    for (unsigned event = 0; event <= 6; event++) {
        assert_int_equal(FEED({233, 1, event}, {323, 8, (uint64_t)T0}), 1);
        assert_int_equal(caught.flows[event].event, event == 6 ? FL_EVENT_NONE : event);
    }
}

#define NAT(event, port)                                                                                     \
    {323, 8, (uint64_t)T0}, {225, 4, 0xc6336401}, {7, 2, port}, {227, 2, 40000}, {11, 2, port ? 443 : 0},    \
        {4, 1, 6},                                                                                           \
    {                                                                                                        \
        230, 1, event                                                                                        \
    }

static void test_nat_sessions_are_flows_without_packets(void **state)
{
    (void)state;
    static const struct {
        unsigned nat;
        enum fl_event event;
    } sessions[] = {{1, FL_EVENT_CREATED}, {2, FL_EVENT_DELETED}, {4, FL_EVENT_CREATED},
                    {5, FL_EVENT_DELETED}, {6, FL_EVENT_CREATED}, {7, FL_EVENT_DELETED}};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(FEED(NAT(sessions[i].nat, 1234)), 1);
        const struct fl_flow *f = &caught.flows[i];
        expect_ends(f, "10.0.0.1", 1234, "10.0.0.2", 443, 6);
        expect_translated(f, "198.51.100.1", 40000, "::", 0);
        expect_counts(f, 0, 0);
        assert_int_equal(f->event, sessions[i].event);
    }
}

static void test_nat_events_of_no_session(void **state)
{
    (void)state;
    static const unsigned events[] = {3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 200};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        assert_int_equal(FEED(NAT(events[i], 1234)), 0);
    assert_int_equal(stats_of().malformed, 0);
}

static void test_nat_session_without_ports(void **state)
{
    (void)state;
    assert_int_equal(FEED(NAT(4, 0)), 0);
}

static void test_nat_event_of_a_counted_flow(void **state)
{
    (void)state;
    assert_int_equal(FEED({2, 8, 3}, {1, 8, 300}, {230, 1, 8}), 1);
    expect_counts(only(), 3, 300);
    assert_int_equal(only()->event, FL_EVENT_NONE);
}

/* ---- all of a flow is written ---- */

static void test_no_field_of_a_flow_is_left_as_it_was(void **state)
{
    (void)state;
    struct fl_sampling sampling = {0};
    struct fl_flow_context ctx = {.received_ms = T0, .sampling = &sampling};
    struct fl_record r = {.src4 = 1, .dst4 = 2};
    struct fl_fields mask = {{0, 0}};
    struct fl_flow_recipe recipe;
    struct fl_flow a[2], b[2];
    FL_ADD_FIELD(mask, FL_FIELD_src4);
    FL_ADD_FIELD(mask, FL_FIELD_dst4);
    fl_flow_recipe_init(&recipe, mask, false);
    memset(a, 0, sizeof a);
    memset(b, 0xff, sizeof b);
    assert_int_equal(fl_flow_map(&ctx, &recipe, &r, a), 1);
    assert_int_equal(fl_flow_map(&ctx, &recipe, &r, b), 1);
    assert_memory_equal(a, b, offsetof(struct fl_flow, event) + 1);
}

/* ---- templates ---- */

static void test_withdrawal_of_all_leaves_options_templates(void **state)
{
    (void)state;
    ipfix_header(&w, EXPORT_S, 0);
    put_template(400, 1, FIELDS({149, 4, 7}, {34, 4, 10}));
    put_template(300, 0, FIELDS(V6));
    put_template(301, 0, FIELDS(V6));
    template_set(&w, 2, 2, NULL, 0);
    ipfix_close(&w);
    assert_int_equal(feed_at(decoder, &w, T0), 0);
    assert_int_equal(stats_of().templates, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_ipv6_by_ipfix),
        T(test_ipv6_by_v9),
        T(test_both_families_and_v6_zero),
        T(test_both_families_and_v4_zero),
        T(test_both_families_and_none_zero),
        T(test_one_zero_address_is_an_address),
        T(test_all_zero_addresses_are_no_flow),
        T(test_one_address_is_no_flow),
        T(test_prefixes_are_no_addresses),
        T(test_translated_v4),
        T(test_translated_v6),
        T(test_translated_from_v6_to_v4),
        T(test_translation_of_zero_is_not_told),
        T(test_translation_is_mirrored),
        T(test_ports_of_udp),
        T(test_ports_of_tcp),
        T(test_ports_of_sctp),
        T(test_next_header_for_protocol),
        T(test_icmp_in_dst_port),
        T(test_icmp_in_src_port),
        T(test_icmp_type_in_src_port_and_code_in_dst_port),
        T(test_icmp_joined),
        T(test_icmp_split),
        T(test_icmp6_in_the_element_of_v4),
        T(test_icmp6_split),
        T(test_totals),
        T(test_a_delta_of_zero_beside_a_total),
        T(test_post_counters_alone),
        T(test_post_counters_beside_the_flows_own),
        T(test_layer_two_octets_alone),
        T(test_layer_two_octets_beside_layer_three),
        T(test_counters_of_one_byte),
        T(test_initiator_and_responder),
        T(test_initiator_beside_a_total),
        T(test_reverse_direction),
        T(test_reverse_totals),
        T(test_only_the_reverse_direction_was_seen),
        T(test_no_packet_came_back),
        T(test_ping_and_its_answer),
        T(test_the_one_that_began_comes_first),
        T(test_tcp_flags_of_first_and_later_packets),
        T(test_tcp_flags_of_two_bytes),
        T(test_class_after_when_before_is_missing),
        T(test_class_of_zero_beside_another_after),
        T(test_code_point),
        T(test_physical_interfaces_when_the_others_are_missing),
        T(test_physical_interfaces_beside_logical),
        T(test_direction_beyond_the_two),
        T(test_end_reason_beyond_the_registry),
        T(test_firewall_events),
        T(test_nat_sessions_are_flows_without_packets),
        T(test_nat_events_of_no_session),
        T(test_nat_session_without_ports),
        T(test_nat_event_of_a_counted_flow),
        T(test_no_field_of_a_flow_is_left_as_it_was),
        T(test_withdrawal_of_all_leaves_options_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
