/* Gathering, ordering and renewing records against their plain form, a sort that compares field by field, bit
 * for bit: on shapes that a radix sort, its blocks and its threads could get wrong, gathered in any order and
 * any parts. */
#include "tests/mining/mining_fixture.h"

#include "mining/radix.h"
#include "mining/records.h"

enum { MOST = 30000, GATHERERS = 5 };
static const int64_t begin_ms = 1655078400000; /* 2022-06-13T00:00:00Z */

/* ---- shapes ---- */

struct shape {
    const char *name;
    uint32_t hosts, ports, starts, sources;
    int64_t step_ms; /* between starts */
};
static const struct shape shapes[] = {
    {"a few hosts", 12, 40, 2000, 3, 500},
    {"one pair of hosts", 1, 3, 50, 1, 1000},
    {"one conversation, all at once", 1, 1, 1, 1, 1},
    {"one conversation, in no order", 1, 1, 1 << 30, 1, 1},
    {"all hosts distinct", 1 << 30, 1 << 16, 1 << 30, 1, 1},
    {"many sources", 50, 100, 1000, 500, 60000},
    {"far times", 20, 5, 1 << 20, 2, INT64_MAX >> 22},
    {"times before 1970", 20, 5, 1 << 20, 2, -(INT64_MAX >> 22)},
    {"ties", 4, 2, 3, 2, 1},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* IPv4 and IPv6; half of all are the first one. */
static struct fl_addr any_host(const struct shape *s, uint64_t *seed)
{
    uint32_t number = random_below(seed, 2) ? 0 : random_below(seed, s->hosts);
    struct fl_addr v6 = host("2001:db8::");
    memcpy(v6.b + 8 + number % 4, &number, sizeof number);
    return number % 3 ? fl_addr_v4(number * 0x9e3779b9u) : v6;
}

static struct fl_flow any_flow(const struct shape *s, uint64_t *seed)
{
    static const uint8_t protocols[] = {6, 6, 17, 17, 1, 58, 47, 132, 255, 0};
    static const uint16_t types[] = {0, 8 << 8, 13 << 8, 14 << 8, 3 << 8 | 3, 128 << 8, 129 << 8 | 7};
    struct fl_flow f = {.src = any_host(s, seed), .dst = any_host(s, seed), .sampling = 1};
    f.protocol = protocols[random_below(seed, s->ports < 2 ? 1 : sizeof protocols)];
    f.src_port = (uint16_t)random_below(seed, s->ports);
    f.dst_port = (uint16_t)(random_below(seed, 2) ? 53 : random_below(seed, s->ports));
    if (fl_protocol_is_icmp(f.protocol))
        f.dst_port = types[random_below(seed, sizeof types / sizeof types[0])];
    f.start_ms = begin_ms + (int64_t)random_below(seed, s->starts) * s->step_ms;
    f.end_ms = f.start_ms + random_below(seed, 3) - 1;
    f.exporter = fl_addr_v4(random_below(seed, s->sources) / 2);
    f.domain = random_below(seed, 2);
    f.tcp_flags = (uint16_t)random_below(seed, 32);
    f.end_reason = (uint8_t)random_below(seed, 4);
    return f;
}

static void make_flows(const struct shape *s, uint64_t seed, size_t n, struct fl_flow *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = any_flow(s, &seed);
}

/* ---- the plain form ---- */

static int compare_addresses(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct fl_addr));
}

static int compare_sources(const void *va, const void *vb)
{
    const struct fl_source *a = va, *b = vb;
    int c = compare_addresses(&a->exporter, &b->exporter);
    return c ? c : (a->domain > b->domain) - (a->domain < b->domain);
}

/* Sorted, each once; returns how many. */
static size_t unique(void *items, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    size_t kept = 0;
    char *at = items;
    if (n)
        qsort(items, n, size, compare);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare(at + (kept - 1) * size, at + i * size) != 0)
            memmove(at + kept++ * size, at + i * size, size);
    return kept;
}

static uint32_t place(const void *key, const void *items, size_t n, size_t size,
                      int (*compare)(const void *, const void *))
{
    const char *found = bsearch(key, items, n, size, compare);
    assert_non_null(found);
    return (uint32_t)((size_t)(found - (const char *)items) / size);
}

static bool is_reply(const struct fl_flow *f)
{
    unsigned type = f->dst_port >> 8;
    return f->protocol == FL_PROTO_ICMP6 ? type == 129 : type == 0 || type == 14;
}

static struct fl_record plain_record(const struct fl_records *names, const struct fl_flow *f)
{
    struct fl_source source = {f->exporter, f->domain};
    uint32_t src = place(&f->src, names->hosts, names->n_hosts, sizeof *names->hosts, compare_addresses),
             dst = place(&f->dst, names->hosts, names->n_hosts, sizeof *names->hosts, compare_addresses);
    bool icmp = fl_protocol_is_icmp(f->protocol), ports = fl_protocol_has_ports(f->protocol);
    uint16_t src_port = ports ? f->src_port : 0, dst_port = ports || icmp ? f->dst_port : 0;
    bool back = icmp ? is_reply(f) : src > dst || (src == dst && src_port > dst_port);
    if (icmp && back) { /* under the type that it answers: 8 of 0, 13 of 14, 128 of 129 */
        src_port = (uint16_t)(dst_port + (dst_port >> 8 == 0 ? 8 << 8 : -(1 << 8)));
        dst_port = 0;
    }
    return (struct fl_record){
        .start_ms = f->start_ms,
        .end_ms = f->end_ms < f->start_ms ? f->start_ms : f->end_ms,
        .a = back ? dst : src,
        .b = back ? src : dst,
        .a_port = back ? dst_port : src_port,
        .b_port = back ? src_port : dst_port,
        .source = (uint16_t)place(&source, names->sources, names->n_sources, sizeof source, compare_sources),
        .protocol = f->protocol,
        .marks = (uint8_t)((back ? FL_RECORD_FROM_B : 0) |
                           (f->protocol == 6 && (f->tcp_flags & 2) ? FL_RECORD_SYN : 0) |
                           (f->protocol == 6 && (f->tcp_flags & 16) ? FL_RECORD_ACK : 0) |
                           (f->end_reason == 2 ? FL_RECORD_CUT : 0) |
                           (f->end_reason ? FL_RECORD_REASON_GIVEN : 0))};
}

static int compare_plainly(const void *va, const void *vb)
{
    const struct fl_record *a = va, *b = vb;
    FL_ORDER(a->a, b->a);
    FL_ORDER(a->b, b->b);
    FL_ORDER(a->protocol, b->protocol);
    FL_ORDER(a->a_port, b->a_port);
    FL_ORDER(a->b_port, b->b_port);
    FL_ORDER(a->marks & FL_RECORD_FROM_B, b->marks & FL_RECORD_FROM_B);
    FL_ORDER(a->source, b->source);
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->end_ms, b->end_ms);
    FL_ORDER(a->marks, b->marks);
    return 0;
}

static struct fl_records plain_records(const struct fl_flow *flows, size_t n)
{
    struct fl_records r = {.hosts = calloc(2 * n + 1, sizeof *r.hosts),
                           .sources = calloc(n + 1, sizeof *r.sources),
                           .items = calloc(n + 1, sizeof *r.items),
                           .n = n};
    assert_true(r.hosts && r.sources && r.items);
    for (size_t i = 0; i < n; i++) {
        r.hosts[2 * i] = flows[i].src;
        r.hosts[2 * i + 1] = flows[i].dst;
        r.sources[i] = (struct fl_source){flows[i].exporter, flows[i].domain};
    }
    r.n_hosts = unique(r.hosts, 2 * n, sizeof *r.hosts, compare_addresses);
    r.n_sources = unique(r.sources, n, sizeof *r.sources, compare_sources);
    for (size_t i = 0; i < n; i++)
        r.items[i] = plain_record(&r, &flows[i]);
    if (n)
        qsort(r.items, n, sizeof *r.items, compare_plainly);
    return r;
}

/* ---- gathering ---- */

/* Each record goes to any of n gatherers, some of which may get none. */
static struct fl_records gathered(const struct fl_flow *flows, size_t n, uint32_t gatherers, uint64_t seed)
{
    struct fl_gather g[GATHERERS] = {{.n = 0}};
    struct fl_records r;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fl_gather_add(&g[random_below(&seed, gatherers)], &flows[i], 1), 0);
    assert_int_equal(fl_gathers_finish(g, gatherers, &r), 0);
    for (uint32_t k = 0; k < gatherers; k++)
        assert_true(!g[k].items && !g[k].hosts.keys && g[k].n == 0);
    return r;
}

static void gatherers_give_the_plain_order(void **state)
{
    static struct fl_flow flows[MOST];
    static const size_t sizes[] = {0, 1, 2, 3, 17, 200, 4096, 4097, MOST};
    for (size_t k = 0; k < SHAPES; k++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            make_flows(&shapes[k], 7 * k + i + 1, sizes[i], flows);
            struct fl_records plain = plain_records(flows, sizes[i]);
            for (uint32_t n = 1; n <= GATHERERS; n += 1 + (sizes[i] > 4096)) {
                struct fl_records fast = gathered(flows, sizes[i], n, 99 + n);
                assert_same_records(&fast, &plain);
                fl_records_clear(&fast);
            }
            fl_records_clear(&plain);
        }
}

static void too_many_sources_are_refused_also_together(void **state)
{
    enum { n = 65535, half = n / 2 };
    struct fl_gather g[2] = {{.n = 0}};
    struct fl_records r;
    for (uint32_t more = 0; more < 2; more++) {
        for (uint32_t i = 0; i < n + more; i++) {
            struct fl_flow f = {.domain = i, .sampling = 1};
            assert_int_equal(fl_gather_add(&g[i < half], &f, 1), 0);
        }
        assert_int_equal(fl_gathers_finish(g, 2, &r), more ? FL_ELIMIT : 0);
        assert_int_equal(r.n_sources, more ? 0 : n);
        fl_records_clear(&r);
    }
}

/* Asked `left` times it says that there is to be a stop. */
static int stop_after(void *ctx)
{
    int *left = ctx;
    return (*left)-- > 0 ? 0 : FL_ESTOP;
}

static void finishing_can_be_stopped(void **state)
{
    static struct fl_flow flows[MOST];
    make_flows(&shapes[0], 5, MOST, flows);
    int rc = FL_ESTOP, asked = 0;
    for (; rc == FL_ESTOP; asked++) {
        struct fl_gather g = {.n = 0};
        struct fl_records r;
        int left = asked;
        assert_int_equal(fl_gather_add(&g, flows, MOST), 0);
        g.stop = stop_after;
        g.ctx = &left;
        rc = fl_gather_finish(&g, &r);
        assert_true(rc == 0 || (!r.items && !r.hosts && r.n == 0));
        assert_null(g.items);
        fl_records_clear(&r);
    }
    assert_int_equal(rc, 0);
    assert_true(asked > 5); /* also between blocks */
}

/* ---- renewing ---- */

static bool starts_in(const struct fl_flow *f, const struct fl_stretch *stretches, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (f->start_ms >= stretches[i].from_ms && f->start_ms < stretches[i].to_ms)
            return true;
    return false;
}

/* Keep of `kept` flows those in the stretches, add `more`, and hold that against doing it plainly. */
static void renew(const struct fl_flow *kept, size_t n_kept, const struct fl_flow *more, size_t n_more,
                  const struct fl_stretch *stretches, size_t n, uint32_t threads)
{
    struct fl_flow *all = calloc(n_kept + n_more + 1, sizeof *all);
    size_t n_all = 0;
    assert_non_null(all);
    for (size_t i = 0; i < n_kept; i++)
        if (starts_in(&kept[i], stretches, n))
            all[n_all++] = kept[i];
    struct fl_records into = records_of(kept, n_kept), fresh = records_of(more, n_more);
    struct fl_staying stay;
    assert_int_equal(fl_records_stay(&stay, &into, stretches, n, threads), 0);
    assert_int_equal(stay.n, n_all);
    memcpy(all + n_all, more, n_more * sizeof *all);
    struct fl_records plain = plain_records(all, n_all + n_more);
    assert_int_equal(fl_records_renew(&into, &stay, &fresh), 0);
    assert_same_records(&into, &plain);
    assert_null(fresh.items);
    fl_staying_clear(&stay);
    fl_records_clear(&into);
    fl_records_clear(&plain);
    free(all);
}

static void records_are_renewed_as_if_read_afresh(void **state)
{
    static struct fl_flow kept[3000], more[3000];
    static const size_t sizes[] = {0, 1, 50, 3000};
    for (size_t k = 0; k < SHAPES; k++)
        for (size_t i = 0; i < 16; i++) {
            size_t n_kept = sizes[i / 4], n_more = sizes[i % 4];
            int64_t step = shapes[k].step_ms, third = (int64_t)(shapes[k].starts / 3 + 1) * step;
            struct fl_stretch late = {begin_ms + third, INT64_MAX},
                              outer[] = {{INT64_MIN, begin_ms + third}, {begin_ms + 2 * third, INT64_MAX}};
            struct fl_stretch all = {INT64_MIN, INT64_MAX};
            uint32_t threads = 1 + (uint32_t)i % 3;
            make_flows(&shapes[k], 31 * k + i + 1, n_kept, kept);
            make_flows(&shapes[k], 17 * k + i + 1, n_more, more);
            renew(kept, n_kept, more, n_more, &all, 1, threads);
            renew(kept, n_kept, more, n_more, NULL, 0, threads);
            renew(kept, n_kept, more, n_more, &late, 1, threads);
            renew(kept, n_kept, more, n_more, outer, 2, threads);
        }
}

/* As runs do it: what is kept, less what is too old, and what is new. */
static void records_slide(void **state)
{
    enum { n = 4000, STEP_MS = 50000, SPAN_MS = 6 * STEP_MS };
    static struct fl_flow flows[n], inside[n];
    struct fl_records kept = {0};
    make_flows(&shapes[0], 5, n, flows);
    for (int64_t from_ms = begin_ms - SPAN_MS; from_ms < begin_ms + 700000; from_ms += STEP_MS) {
        struct fl_stretch span = {from_ms, from_ms + SPAN_MS}, new = {span.to_ms - STEP_MS, span.to_ms};
        struct fl_staying stay;
        size_t n_new = 0, n_inside = 0;
        for (size_t i = 0; i < n; i++)
            if (starts_in(&flows[i], &new, 1))
                inside[n_new++] = flows[i];
        struct fl_records fresh = records_of(inside, n_new);
        assert_int_equal(fl_records_stay(&stay, &kept, &span, 1, 2), 0);
        assert_int_equal(fl_records_renew(&kept, &stay, &fresh), 0);
        fl_staying_clear(&stay);
        for (size_t i = 0; i < n; i++)
            if (starts_in(&flows[i], &span, 1))
                inside[n_inside++] = flows[i];
        struct fl_records plain = plain_records(inside, n_inside);
        assert_same_records(&kept, &plain);
        fl_records_clear(&plain);
    }
    assert_true(kept.n > 0 && kept.n < n / 2);
    fl_records_clear(&kept);
}

/* ---- the sort below ---- */

static int compare_entries(const void *va, const void *vb)
{
    const struct fl_entry *a = va, *b = vb;
    FL_ORDER(a->key, b->key);
    FL_ORDER(a->value, b->value);
    return 0;
}

/* Values rise in the order of adding: a stable sort by key is one by both. */
static void entries_are_sorted_and_equal_ones_stay_in_order(void **state)
{
    static struct fl_entry plain[5000];
    uint64_t seed = 3;
    for (int round = 0; round < 400; round++) {
        uint64_t mask =
            random_next(&seed) & random_next(&seed) & (round % 3 ? random_next(&seed) : UINT64_MAX);
        size_t n = round % 5 ? random_below(&seed, 200) : random_below(&seed, 5000);
        struct fl_entries e = {.n = 0};
        for (size_t i = 0; i < n; i++) {
            plain[i] = (struct fl_entry){random_next(&seed) & mask, (uint32_t)i};
            assert_int_equal(fl_entries_add(&e, plain[i].key, plain[i].value), 0);
        }
        assert_int_equal(fl_entries_sort(&e), 0);
        qsort(plain, n, sizeof *plain, compare_entries);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(compare_entries(&e.items[i], &plain[i]), 0);
        fl_entries_clear(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gatherers_give_the_plain_order),
        cmocka_unit_test(too_many_sources_are_refused_also_together),
        cmocka_unit_test(finishing_can_be_stopped),
        cmocka_unit_test(records_are_renewed_as_if_read_afresh),
        cmocka_unit_test(records_slide),
        cmocka_unit_test(entries_are_sorted_and_equal_ones_stay_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
