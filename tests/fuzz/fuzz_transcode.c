/* Fuzz target: the same templates and records as NetFlow v9 and as IPFIX. Where both dialects can say a
 * thing, the decoder makes the same of it; what only one can say (uptimes, an enterprise, variable lengths)
 * is left out.
 *
 * The input: a byte (bit 0: an options template with one scope), fields-1, (element in 2, length) each, then
 * the content of the data set. */
#include <stddef.h>
#include <stdint.h>

#include "collector/decode/cursor.h"
#include "tests/fuzz/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    BOOT_S = 1655071000,
    UPTIME_MS = 60876,
    EXPORT_S = BOOT_S + 60, /* a boot time of BOOT_S and 123 ms, when a header 1 ms later says EXPORT_S + 1 */
    ROOM = 16384
};
static const int64_t boot_ms = BOOT_S * INT64_C(1000) + 123;

struct script {
    bool options;
    unsigned n, fields[64][2];
    struct fl_cursor data;
};

static struct wire w;
static struct caught as_v9, as_ipfix;

static void read_script(struct script *s, const uint8_t *bytes, size_t size)
{
    s->data = fl_cursor_over(bytes, size < ROOM ? size : ROOM);
    s->options = fl_cursor_read(&s->data, 1) & 1;
    s->n = 1 + fl_cursor_read(&s->data, 1) % 64;
    for (unsigned i = 0; i < s->n; i++) {
        unsigned element = fl_cursor_read(&s->data, 2) & 0x7fff;
        /* collector/decode/habit.h: what v9 exporters mean by 23 and 24, IPFIX ones do not. */
        s->fields[i][0] = element == 0 || element == 23 || element == 24 ? 210 : element;
        s->fields[i][1] = fl_cursor_read(&s->data, 1);
    }
}

/* Type 1 (system) is the v9 scope that stands for exportingProcessId and its like: nothing a flow has. */
static void put_template(const struct script *s, unsigned version)
{
    size_t at = set_open(&w, (version == 9 ? 0 : 2) + s->options);
    put(&w, 256, 2);
    if (s->options && version == 9) {
        put(&w, 4, 2);
        put(&w, (s->n - 1) * 4, 2);
    } else {
        put(&w, s->n, 2);
        if (s->options)
            put(&w, 1, 2);
    }
    for (unsigned i = 0; i < s->n; i++) {
        bool scope = s->options && i == 0;
        put(&w, !scope ? s->fields[i][0] : version == 9 ? 1 : 144, 2);
        put(&w, s->fields[i][1], 2);
    }
    set_close(&w, at);
}

static void put_data(const struct script *s)
{
    struct fl_cursor c = s->data;
    size_t at = set_open(&w, 256);
    while (fl_cursor_left(&c))
        put(&w, fl_cursor_read(&c, 1), 1);
    set_close(&w, at);
}

static int feed_v9(const struct script *s, struct fl_decoder *d)
{
    v9_header(&w, UPTIME_MS + 1, EXPORT_S + 1, 0);
    JUDGE(feed_at(d, &w, T0) == 0);
    v9_header(&w, UPTIME_MS, EXPORT_S, 1);
    put_template(s, 9);
    put_data(s);
    return feed_at(d, &w, T0);
}

static int feed_ipfix(const struct script *s, struct fl_decoder *d)
{
    static const unsigned boot[][2] = {{144, 4}, {160, 8}};
    ipfix_header(&w, EXPORT_S, 0);
    size_t at = set_open(&w, 3);
    put(&w, 300, 2);
    put(&w, 2, 2);
    put(&w, 1, 2);
    for (int i = 0; i < 2; i++) {
        put(&w, boot[i][0], 2);
        put(&w, boot[i][1], 2);
    }
    set_close(&w, at);
    at = set_open(&w, 300);
    put(&w, 0, 4);
    put(&w, (uint64_t)boot_ms, 8);
    set_close(&w, at);
    ipfix_close(&w);
    JUDGE(feed_at(d, &w, T0) == 0);
    ipfix_header(&w, EXPORT_S, 1);
    put_template(s, 10);
    put_data(s);
    ipfix_close(&w);
    return feed_at(d, &w, T0);
}

/* An uptime is the same moment in both dialects from boot to the header, which v9 knows to the millisecond
 * and IPFIX to the second. */
static bool comparable(const struct fl_flow *a, const struct fl_flow *b)
{
    if (a->time_source == FL_TIME_ABSOLUTE && b->time_source == FL_TIME_ABSOLUTE)
        return true;
    int64_t latest = EXPORT_S * INT64_C(1000);
    return a->time_source == FL_TIME_UPTIME && b->time_source == FL_TIME_UPTIME && a->start_ms > boot_ms &&
           a->end_ms <= latest && b->start_ms > boot_ms && b->end_ms <= latest;
}

static void look_at_pair(struct fl_flow *a, struct fl_flow *b)
{
    if (!comparable(a, b)) {
        a->start_ms = b->start_ms = a->end_ms = b->end_ms = 0;
        a->time_source = b->time_source = 0;
    }
    JUDGE(a->start_ms == b->start_ms && a->end_ms == b->end_ms && a->time_source == b->time_source);
    JUDGE(a->sampling == b->sampling && a->sampling_source == b->sampling_source);
    JUDGE(memcmp(a, b, sizeof *a) == 0);
}

static struct fl_exporter_stats figures(struct fl_decoder *d)
{
    struct fl_exporter_stats s;
    JUDGE(fl_decoder_stats(d, &s, 1) == 1);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_decoder_limits limits;
    struct fl_decoder *v9, *ipfix;
    struct script s;
    fl_decoder_limits_init(&limits);
    as_v9.n = as_ipfix.n = 0;
    JUDGE(fl_decoder_new(&v9, &limits, catch_flows, &as_v9) == 0);
    JUDGE(fl_decoder_new(&ipfix, &limits, catch_flows, &as_ipfix) == 0);
    read_script(&s, data, size);
    int one = feed_v9(&s, v9), other = feed_ipfix(&s, ipfix);
    JUDGE(one == other);
    JUDGE(as_v9.n == as_ipfix.n);
    for (size_t i = 0; i < as_v9.n && i < sizeof as_v9.flows / sizeof as_v9.flows[0]; i++)
        look_at_pair(&as_v9.flows[i], &as_ipfix.flows[i]);
    struct fl_exporter_stats a = figures(v9), b = figures(ipfix);
    JUDGE(a.flows == b.flows && a.malformed == b.malformed);
    JUDGE(a.sampling == b.sampling && a.sampling_source == b.sampling_source);
    fl_decoder_free(v9);
    fl_decoder_free(ipfix);
    return 0;
}
