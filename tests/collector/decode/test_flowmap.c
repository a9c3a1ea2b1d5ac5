/* What holds for whatever a template has and whatever stands in its records: random fields with awkward
 * values, a hundred thousand times, seeded so that each run is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "collector/decode/flowmap.h"

static const int64_t NOW = 1655071209000, FUTURE = 300000, FIRST = INT64_C(315532800000);
static uint64_t state = 1;

/* splitmix64 */
static uint64_t next(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t awkward(void)
{
    const uint64_t now = (uint64_t)NOW, near = now + next() % 1000000 - 500000;
    const uint64_t values[] = {0,
                               1,
                               2,
                               next() % 256,
                               UINT8_MAX,
                               UINT16_MAX,
                               INT32_MAX,
                               UINT32_MAX,
                               UINT64_C(1) << 32,
                               INT64_MAX,
                               (uint64_t)INT64_MAX + 1,
                               UINT64_MAX,
                               near,
                               near / 1000,
                               near * 1000,
                               near * 1000000,
                               (near / 1000 + 2208988800) << 32 | (next() & UINT32_MAX),
                               (uint64_t)FIRST,
                               (uint64_t)FIRST - 1,
                               next(),
                               next() >> next() % 64};
    return values[next() % (sizeof values / sizeof values[0])];
}

static void fill(void *to, size_t size)
{
    uint64_t value = awkward();
    memset(to, 0, size);
    memcpy(to, &value, size < 8 ? size : 8); /* little-endian: the low bytes; elsewhere as good */
}

/* Each field is there with a chance of one in `sparse`. */
static void draw(struct fl_record *r, struct fl_fields *mask, unsigned sparse)
{
    memset(r, 0, sizeof *r);
    *mask = (struct fl_fields){{0, 0}};
#define X(member, type, element, enterprise, shortest)                                                       \
    if (next() % sparse == 0) {                                                                              \
        FL_ADD_FIELD(*mask, FL_FIELD_##member);                                                              \
        fill(&r->member, sizeof r->member);                                                                  \
    }
    FL_RECORD_FIELDS(X)
#undef X
    if (next() % 8 == 0)
        return;
    FL_ADD_FIELD(*mask, FL_FIELD_src4);
    FL_ADD_FIELD(*mask, FL_FIELD_dst4);
    r->src4 = 1;
    r->dst4 = 2;
}

static struct fl_flow_context draw_context(const struct fl_sampling *sampling)
{
    struct fl_flow_context ctx = {.export_ms = NOW + (int64_t)(next() % 20000) - 10000,
                                  .received_ms = NOW,
                                  .max_future_ms = FUTURE,
                                  .boot_known = next() % 2,
                                  .uptime_known = next() % 2,
                                  .uptime_ms = (uint32_t)awkward(),
                                  .sampling = sampling,
                                  .configured_sampling = next() % 4 ? 0 : 7};
    ctx.boot_ms = ctx.export_ms - ctx.uptime_ms;
    return ctx;
}

static void expect_sound(const struct fl_flow_context *ctx, const struct fl_flow *f)
{
    assert_true(f->start_ms >= FIRST && f->start_ms <= f->end_ms && f->end_ms <= NOW + FUTURE);
    assert_in_range(f->time_source, FL_TIME_ABSOLUTE, FL_TIME_RECEIVED);
    if (f->time_source == FL_TIME_RECEIVED)
        assert_true(f->start_ms == NOW && f->end_ms == NOW);
    assert_true(f->sampling >= 1);
    assert_true(f->sampling_source != FL_SAMPLING_NONE || f->sampling == 1);
    assert_int_equal(f->sampling_source == FL_SAMPLING_CONFIG, ctx->configured_sampling != 0);
    assert_in_range(f->event, FL_EVENT_NONE, FL_EVENT_UPDATE);
    assert_in_range(f->direction, FL_DIRECTION_UNKNOWN, FL_DIRECTION_EGRESS);
    assert_in_range(f->end_reason, FL_END_UNKNOWN, FL_END_RESOURCES);
    assert_in_range(f->tcp_flags, 0, 0x0fff);
    if (f->protocol == FL_PROTO_ICMP || f->protocol == FL_PROTO_ICMP6)
        assert_int_equal(f->src_port, 0);
}

static void expect_mirrored(const struct fl_flow *a, const struct fl_flow *b)
{
    assert_int_equal(fl_addr_cmp(&a->src, &b->dst), 0);
    assert_int_equal(fl_addr_cmp(&a->dst, &b->src), 0);
    assert_int_equal(fl_addr_cmp(&a->post_src, &b->post_dst), 0);
    assert_int_equal(fl_addr_cmp(&a->post_dst, &b->post_src), 0);
    assert_int_equal(a->in_if, b->out_if);
    assert_int_equal(a->post_src_port, b->post_dst_port);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->event, b->event);
    assert_true((a->packets || a->bytes) && (b->packets || b->bytes));
}

static void test_whatever_comes(void **unused)
{
    (void)unused;
    static struct fl_sampling sampling;
    size_t made[3] = {0, 0, 0};
    for (unsigned i = 0; i < 100000; i++) {
        struct fl_record r;
        struct fl_fields mask;
        struct fl_flow_recipe recipe;
        struct fl_flow flows[2];
        draw(&r, &mask, 2 + i % 30);
        if (next() % 4 == 0)
            fl_sampling_learn(&sampling, &r, mask);
        struct fl_flow_context ctx = draw_context(&sampling);
        fl_flow_recipe_init(&recipe, mask, next() % 2);
        memset(flows, 0xa5, sizeof flows);
        int n = fl_flow_map(&ctx, &recipe, &r, flows);
        assert_in_range(n, 0, 2);
        made[n]++;
        for (int k = 0; k < n; k++)
            expect_sound(&ctx, &flows[k]);
        if (n == 2)
            expect_mirrored(&flows[0], &flows[1]);
        assert_true(sampling.n <= FL_SAMPLERS);
    }
    assert_true(made[0] > 1000 && made[1] > 1000 && made[2] > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whatever_comes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
