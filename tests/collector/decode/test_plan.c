/* Copy plans against their oracle: whatever libfixbuf's transcoder makes of a record, the plan makes too, bit
 * for bit: on templates and data of the seeds and of captured exports, and on random layouts. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "collector/decode/fixbuf_decode.h"
#include "collector/decode/sanitise.h"
#include "collector/decode/v5.h"
#include "tests/collector/decode/wire.h"

enum { MOST_RECORDS = 2048 };

static struct fl_fixbuf *fixbuf;
static GHashTable *layouts;
static struct fl_layout_draft draft;
static struct fl_layout *by_id[65536];
static struct fl_record expected[MOST_RECORDS];
static size_t n_expected, n_compared;

static int setup(void **state)
{
    (void)state;
    layouts = fl_layout_table_new();
    n_compared = 0;
    return fl_fixbuf_new(&fixbuf);
}

static void forget_templates(void)
{
    for (size_t i = 0; i < 65536; i++) {
        fl_layout_unref(by_id[i]);
        by_id[i] = NULL;
    }
}

static int teardown(void **state)
{
    (void)state;
    forget_templates();
    fl_fixbuf_free(fixbuf);
    g_hash_table_destroy(layouts);
    return 0;
}

static void expect(void *ctx, const struct fl_record *r)
{
    (void)ctx;
    if (n_expected < MOST_RECORDS)
        expected[n_expected++] = *r;
}

/* Field by field: the bytes behind the last one are nobody's. */
static void assert_same(const struct fl_record *got, const struct fl_record *want)
{
#define X(member, type, element, enterprise, shortest)                                                       \
    assert_memory_equal(&got->member, &want->member, sizeof got->member);
    FL_RECORD_FIELDS(X)
#undef X
}

static void compare(struct fl_layout *layout, struct fl_cursor content)
{
    static struct fl_record got[MOST_RECORDS];
    size_t used, go;
    size_t n = fl_layout_count(layout, content, &used);
    assert_true(layout->variable == (layout->plan == NULL));
    if (!layout->plan || n == 0)
        return;
    memset(got, 0, sizeof got);
    n_expected = 0;
    assert_int_equal(fl_fixbuf_decode(fixbuf, layout, content.at, used, expect, NULL), n);
    /* In two goes, the second into records that are used already. */
    for (size_t at = 0; at < n_expected; at += go) {
        go = n_expected - at < n_expected / 2 + 1 ? n_expected - at : n_expected / 2 + 1;
        uint8_t *exact = g_memdup2(content.at + at * layout->shortest, go * layout->shortest);
        fl_plan_lay(layout->plan, exact, layout->shortest, go, got);
        g_free(exact);
        for (size_t i = 0; i < go; i++)
            assert_same(&got[i], &expected[at + i]);
    }
    n_compared += n_expected;
}

static void take_templates(struct fl_set *set, enum fl_dialect dialect)
{
    struct fl_layout *layout;
    uint16_t id;
    while (fl_template_next(set, dialect, &draft, layouts, &id, &layout) > 0) {
        fl_layout_unref(by_id[id]);
        by_id[id] = layout;
    }
}

static void take_datagram(const uint8_t *bytes, size_t length)
{
    struct fl_cursor c = fl_cursor_over(bytes, length);
    uint32_t version = fl_cursor_read(&c, 2);
    enum fl_dialect dialect = version == 9 ? FL_DIALECT_V9 : FL_DIALECT_IPFIX;
    struct fl_set set;
    if (version == 5) {
        struct fl_layout *v5 = fl_v5_layout(layouts, &draft);
        fl_cursor_skip(&c, FL_V5_HEADER_BYTES - 2);
        compare(v5, c);
        fl_layout_unref(v5);
        return;
    }
    fl_cursor_skip(&c, version == 9 ? 18 : 14);
    while (fl_set_next(&c, dialect, &set) > 0) {
        if (set.kind == FL_SET_TEMPLATE || set.kind == FL_SET_OPTIONS)
            take_templates(&set, dialect);
        else if (set.kind == FL_SET_DATA && by_id[set.id])
            compare(by_id[set.id], set.content);
    }
}

static size_t load(const char *directory, const char *name, uint8_t *bytes, size_t most)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    size_t n = fread(bytes, 1, most, f);
    fclose(f);
    return n;
}

/* Each seed is a sequence of datagrams behind their lengths. */
static void take_seed(const uint8_t *b, size_t n)
{
    forget_templates();
    for (size_t length; n >= 2; b += length, n -= length) {
        length = (size_t)b[0] << 8 | b[1];
        b += 2;
        n -= 2;
        length = length < n ? length : n;
        take_datagram(b, length);
    }
}

/* A captured file holds one datagram, or v5 and IPFIX ones end to end. */
static void take_capture(const uint8_t *b, size_t n)
{
    for (size_t length; n >= 4; b += length, n -= length) {
        size_t second = (size_t)b[2] << 8 | b[3];
        length = b[1] == 5 ? 24 + 48 * second : b[1] == 10 ? second : n;
        length = length >= 4 && length < n ? length : n;
        take_datagram(b, length);
    }
}

/* How many files there were; twice, so that templates whose file sorts after their data's count too. */
static size_t each_file(const char *directory, const char *ending, void (*take)(const uint8_t *, size_t))
{
    static uint8_t bytes[1 << 20];
    size_t n = 0;
    struct dirent **names;
    int n_names = scandir(directory, &names, NULL, alphasort);
    for (int i = 0; i < 2 * n_names; i++) {
        const char *name = names[i % n_names]->d_name;
        if (name[0] == '.' || !g_str_has_suffix(name, ending))
            continue;
        take(bytes, load(directory, name, bytes, sizeof bytes));
        n++;
    }
    for (int i = 0; i < n_names; i++)
        free(names[i]);
    if (n_names >= 0)
        free(names);
    return n / 2;
}

static void test_seeds(void **state)
{
    (void)state;
    char folder[512];
    const char *srcdir = getenv("srcdir");
    snprintf(folder, sizeof folder, "%s/tests/fuzz/seeds/decode", srcdir ? srcdir : ".");
    assert_true(each_file(folder, "", take_seed) > 5);
    assert_true(n_compared > 5);
}

static void test_captured_exports(void **state)
{
    (void)state;
    char folder[512];
    if (each_file(captures(folder, sizeof folder), ".dat", take_capture) == 0)
        skip(); /* the captures are not at hand */
    assert_true(n_compared > 100);
}

static uint64_t seed = 1;

static uint32_t below(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % n);
}

static const struct {
    uint32_t enterprise;
    uint16_t element, size, shortest;
} known[] = {
#define X(member, type, element, enterprise, shortest) {enterprise, element, sizeof(type), shortest},
    FL_RECORD_FIELDS(X)
#undef X
};

/* Mostly elements of the record in a length that is legal for them; some longer, some unknown, some padding.
 */
static void add_random_field(void)
{
    uint32_t kind = below(10), i = below(FL_RECORD_FIELD_COUNT);
    if (kind == 0) {
        fl_layout_draft_add(&draft, 0, 210, (uint16_t)(1 + below(9)));
    } else if (kind == 1) {
        fl_layout_draft_add(&draft, below(2) * 9, (uint16_t)(1 + below(32767)), (uint16_t)below(20));
    } else {
        uint32_t length = known[i].shortest + below((uint32_t)(known[i].size - known[i].shortest) + 1);
        length += kind == 2 ? below(5) : 0;
        fl_layout_draft_add(&draft, known[i].enterprise, known[i].element, (uint16_t)length);
    }
}

static void test_random_layouts(void **state)
{
    static uint8_t data[65515];
    (void)state;
    for (int round = 0; round < 5000; round++) {
        uint32_t n_fields = 1 + below(40);
        fl_layout_draft_init(&draft, false);
        while (n_fields--)
            add_random_field();
        struct fl_layout *layout = fl_layout_intern(layouts, &draft);
        if (!layout)
            continue;
        size_t length = layout->shortest * (1 + below(3)) + below(layout->shortest);
        for (size_t i = 0; i < length; i++)
            data[i] = (uint8_t)below(256);
        compare(layout, fl_cursor_over(data, length));
        fl_layout_unref(layout);
    }
    assert_true(n_compared > 5000);
}

/* Worked by hand, so that oracle and plan cannot be wrong together. */
static void test_a_record_by_hand(void **state)
{
    static const uint8_t bytes[] = {0x01, 0x02, 0x03,             /* octetDeltaCount in three bytes */
                                    0xff,                         /* padding */
                                    0x0a, 0x00, 0x00, 0x01,       /* sourceIPv4Address */
                                    0x12,                         /* tcpControlBits in one byte */
                                    0x00, 0x00, 0x00, 0x00, 0x2a, /* ingressInterface in five: one too many */
                                    0x80, 0x00};                  /* sourceTransportPort */
    struct fl_record r = {0};
    (void)state;
    fl_layout_draft_init(&draft, false);
    fl_layout_draft_add(&draft, 0, 1, 3);
    fl_layout_draft_add(&draft, 0, 210, 1);
    fl_layout_draft_add(&draft, 0, 8, 4);
    fl_layout_draft_add(&draft, 0, 6, 1);
    fl_layout_draft_add(&draft, 0, 10, 5);
    fl_layout_draft_add(&draft, 0, 7, 2);
    struct fl_layout *layout = fl_layout_intern(layouts, &draft);
    fl_plan_lay(layout->plan, bytes, sizeof bytes, 1, &r);
    assert_int_equal(r.bytes, 0x010203);
    assert_int_equal(r.src4, 0x0a000001);
    assert_int_equal(r.tcp_flags, 0x12);
    assert_int_equal(r.in_if, 42);
    assert_int_equal(r.src_port, 0x8000);
    assert_int_equal(r.packets, 0);
    fl_layout_unref(layout);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_record_by_hand),
        T(test_seeds),
        T(test_captured_exports),
        T(test_random_layouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
