/* Community IDs: the specification's own list of flows and identifiers, each in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "collector/sink/community.h"

/* As in the specification's baseline: for ICMP the two "ports" are the type and its counterpart. */
static const struct {
    uint8_t protocol;
    const char *src, *dst;
    uint16_t src_port, dst_port;
    const char *id;
} baseline[] = {
    {58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    {58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    {58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
    {58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
     "1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
    {58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    {58, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    {58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
    {58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
    {1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
    {6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
     "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    {132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    {6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
    {46, "10.1.12.1", "10.1.12.2", 7, 8, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="}, /* ports it does not have */
};

static void test_baseline(void **state)
{
    char id[FL_COMMUNITY_ID];
    for (size_t i = 0; i < sizeof baseline / sizeof *baseline; i++) {
        struct fl_addr src, dst;
        uint16_t a = baseline[i].src_port, b = baseline[i].dst_port;
        bool icmp = baseline[i].protocol == 1 || baseline[i].protocol == 58;
        assert_int_equal(fl_addr_parse(baseline[i].src, &src), 0);
        assert_int_equal(fl_addr_parse(baseline[i].dst, &dst), 0);
        assert_non_null(fl_community_id(&src, &dst, icmp ? 0 : a, icmp ? (uint16_t)(a << 8 | b) : b,
                                        baseline[i].protocol, id));
        assert_string_equal(id, baseline[i].id);
        if (!icmp)
            assert_string_equal(fl_community_id(&dst, &src, b, a, baseline[i].protocol, id), baseline[i].id);
    }
}

/* The code of a message that is answered does not count; one end's ports decide where addresses are equal. */
static void test_corners(void **state)
{
    char a[FL_COMMUNITY_ID], b[FL_COMMUNITY_ID];
    struct fl_addr host = fl_addr_v4(0x0a000001), other = fl_addr_v4(0x0a000002), v6;
    assert_int_equal(fl_addr_parse("2001:db8::1", &v6), 0);
    fl_community_id(&host, &other, 0, 8 << 8, 1, a);
    assert_string_equal(fl_community_id(&host, &other, 0, 8 << 8 | 3, 1, b), a);
    fl_community_id(&host, &host, 1000, 80, 6, a);
    assert_string_equal(fl_community_id(&host, &host, 80, 1000, 6, b), a);
    assert_string_not_equal(fl_community_id(&host, &host, 80, 1000, 17, b), a);
    assert_null(fl_community_id(&host, &v6, 1, 2, 6, a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_baseline), cmocka_unit_test(test_corners)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
