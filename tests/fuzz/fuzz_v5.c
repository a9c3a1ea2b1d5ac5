/* Fuzz target: NetFlow v5 datagrams with right lengths and any content, each flow held against the record's
 * own bytes, and the short way from records to flows against the long one. The input is, for each datagram: a
 * byte (low five bits: records; top bit: one record is missing), the header from its uptime on (20 bytes),
 * the records. Zero behind the end. */
#include <stddef.h>
#include <stdint.h>

#include "collector/decode/cursor.h"
#include "tests/collector/decode/v5_oracle.h"
#include "tests/fuzz/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_BYTES = 24, RECORD_BYTES = 48 };

static uint32_t at(const uint8_t *p, size_t n)
{
    struct fl_cursor c = fl_cursor_over(p, n);
    return fl_cursor_read(&c, n);
}

/* Type and code stand in the destination's port, or one in each port, or in the source's. */
static uint32_t icmp_type_and_code(uint32_t src_port, uint32_t dst_port)
{
    if (src_port < 256 && dst_port < 256)
        return src_port << 8 | dst_port;
    return dst_port ? dst_port : src_port;
}

static void look_at_flow(const struct fl_flow *f, const uint8_t *header, const uint8_t *r)
{
    uint32_t interval = at(header + 22, 2) & 0x3fff;
    struct fl_addr src = fl_addr_v4(at(r, 4)), dst = fl_addr_v4(at(r + 4, 4));
    bool icmp = r[38] == FL_PROTO_ICMP || r[38] == FL_PROTO_ICMP6;
    JUDGE(fl_addr_cmp(&f->src, &src) == 0 && fl_addr_cmp(&f->dst, &dst) == 0);
    JUDGE(f->in_if == at(r + 12, 2) && f->out_if == at(r + 14, 2));
    JUDGE(f->packets == at(r + 16, 4) && f->bytes == at(r + 20, 4));
    JUDGE(f->src_port == (icmp ? 0 : at(r + 32, 2)));
    JUDGE(f->dst_port == (icmp ? icmp_type_and_code(at(r + 32, 2), at(r + 34, 2)) : at(r + 34, 2)));
    JUDGE(f->tcp_flags == r[37] && f->protocol == r[38] && f->tos == r[39]);
    JUDGE(f->domain == at(header + 20, 2));
    JUDGE(f->sampling == (interval ? interval : 1));
    JUDGE(f->sampling_source == (interval ? FL_SAMPLING_HEADER : FL_SAMPLING_NONE));
    JUDGE(f->time_source != FL_TIME_ABSOLUTE);
}

/* A record without addresses, both zero, is none; *last: the last that is one. */
static int count_flows(const uint8_t *records, uint32_t n, const uint8_t **last)
{
    int flows = 0;
    for (const uint8_t *r = records; r < records + n * RECORD_BYTES; r += RECORD_BYTES) {
        if (!at(r, 4) && !at(r + 4, 4))
            continue;
        flows++;
        *last = r;
    }
    return flows;
}

/* Under the header's clock, received at `now_ms`. */
static void look_at_ways(const uint8_t *header, uint32_t n, int64_t now_ms)
{
    static struct fl_layout_draft draft;
    static struct fl_layout *v5;
    struct fl_sampling sampling = {0};
    if (!v5)
        v5 = fl_v5_layout(fl_layout_table_new(), &draft);
    fl_sampling_header(&sampling, at(header + 22, 2) & 0x3fff);
    struct fl_flow_context ctx = {.received_ms = now_ms,
                                  .max_future_ms = 300000,
                                  .boot_known = true,
                                  .uptime_known = true,
                                  .uptime_ms = at(header + 4, 4),
                                  .sampling = &sampling};
    ctx.export_ms = (int64_t)at(header + 8, 4) * 1000 + at(header + 12, 4) / 1000000;
    ctx.boot_ms = ctx.export_ms - ctx.uptime_ms;
    JUDGE(v5_ways_agree(v5, &ctx, header + HEADER_BYTES, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire w;
    struct judge j;
    struct fl_cursor in = fl_cursor_over(data, size);
    judge_open(&j);
    while (fl_cursor_left(&in)) {
        uint32_t first = fl_cursor_read(&in, 1), n = first & 31, count = n + (first >> 7);
        w.n = 0;
        put(&w, 5, 2);
        put(&w, count, 2);
        while (w.n < HEADER_BYTES + n * RECORD_BYTES)
            put(&w, fl_cursor_read(&in, 1), 1);
        patch16(&w, 20, w.b[21] % 4); /* few domains, so that no session has to go */
        look_at_ways(w.b, n, j.now_ms);
        uint64_t duplicates = j.duplicates;
        const uint8_t *last = NULL;
        int flows = count_flows(w.b + HEADER_BYTES, n, &last);
        int code = judge_feed(&j, w.b, w.n);
        if (j.duplicates == duplicates)
            JUDGE(code == (count == n && n > 0 ? flows : FL_EMALF));
        else
            JUDGE(code == 0);
        if (code > 0)
            look_at_flow(&j.last, w.b, last);
        judge_tick(&j, 100);
    }
    judge_close(&j);
    return 0;
}
