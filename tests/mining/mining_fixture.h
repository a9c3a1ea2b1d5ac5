/* Small builders that the mining tests share: one-way flows, conversations and a seeded random source. */
#ifndef FL_TESTS_MINING_FIXTURE_H
#define FL_TESTS_MINING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mining/find.h"
#include "mining/order.h"
#include "mining/stitch.h"
#include "storage/config.h"

/* xorshift64*: the same numbers on every machine (Marsaglia 2003, Vigna 2016). */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

static inline struct fl_addr host(const char *text)
{
    struct fl_addr a;
    assert_int_equal(fl_addr_parse(text, &a), 0);
    return a;
}

static inline struct fl_flow record(const char *src, uint16_t src_port, const char *dst, uint16_t dst_port,
                                    uint8_t protocol, int64_t start_ms, int64_t end_ms)
{
    return (struct fl_flow){.start_ms = start_ms,
                            .end_ms = end_ms,
                            .exporter = fl_addr_v4(0x7f000001),
                            .src = host(src),
                            .dst = host(dst),
                            .src_port = src_port,
                            .dst_port = dst_port,
                            .protocol = protocol,
                            .packets = 1,
                            .bytes = 100,
                            .sampling = 1};
}

static inline struct fl_mining_config default_mining(void)
{
    struct fl_config config;
    assert_int_equal(fl_config_init(&config), 0);
    struct fl_mining_config mining = config.mining;
    fl_config_clear(&config);
    mining.threads = 2;
    return mining;
}

static inline struct fl_records records_of(const struct fl_flow *flows, size_t n)
{
    struct fl_gather g = {0};
    struct fl_records r;
    assert_int_equal(fl_gather_add(&g, flows, n / 3), 0);
    assert_int_equal(fl_gather_add(&g, flows + n / 3, n - n / 3), 0);
    assert_int_equal(fl_gather_finish(&g, &r), 0);
    return r;
}

static inline int by_conversation(const void *va, const void *vb)
{
    const struct fl_conversation *a = va, *b = vb;
    FL_ORDER(a->client, b->client);
    FL_ORDER(a->server, b->server);
    FL_ORDER(a->protocol, b->protocol);
    FL_ORDER(a->client_port, b->client_port);
    FL_ORDER(a->server_port, b->server_port);
    FL_ORDER(a->start_ms, b->start_ms);
    FL_ORDER(a->end_ms, b->end_ms);
    return 0;
}

/* The order that fl_talk_build gives. */
static inline void sort_talk(struct fl_talk *talk)
{
    qsort(talk->items, talk->n, sizeof *talk->items, by_conversation);
}

/* The flows of all records; free(*out). */
static inline size_t stitch_all(const struct fl_records *r, struct fl_record **out)
{
    struct fl_stitcher stitcher;
    struct fl_stitched one = {0};
    size_t n = 0;
    *out = malloc((r->n + 1) * sizeof **out);
    assert_non_null(*out);
    assert_int_equal(fl_stitcher_init(&stitcher, r, 60000), 0);
    for (size_t at = 0, next; at < r->n; at = next) {
        next = fl_record_next_talk(r->items, r->n, at + 1);
        assert_int_equal(fl_stitch(&stitcher, at, next, &one), 0);
        memcpy(*out + n, one.flows, one.n * sizeof **out);
        n += one.n;
    }
    fl_stitched_clear(&one);
    fl_stitcher_clear(&stitcher);
    return n;
}

static inline void assert_same_records(const struct fl_records *x, const struct fl_records *y)
{
    assert_int_equal(x->n, y->n);
    assert_int_equal(x->n_hosts, y->n_hosts);
    assert_int_equal(x->n_sources, y->n_sources);
    if (x->n) {
        assert_memory_equal(x->hosts, y->hosts, x->n_hosts * sizeof *x->hosts);
        assert_memory_equal(x->items, y->items, x->n * sizeof *x->items);
    }
    for (size_t i = 0; i < x->n_sources; i++) {
        assert_memory_equal(&x->sources[i].exporter, &y->sources[i].exporter, sizeof(struct fl_addr));
        assert_int_equal(x->sources[i].domain, y->sources[i].domain);
    }
}

/* Leave out periodic rules: data that a test makes in a loop keeps a period by nature. */
static inline void drop_periodic(struct fl_findings *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (f->rules[i].evidence == FL_EVIDENCE_PERIODIC)
            continue;
        for (size_t j = 0; j < f->n; j++) /* instances come behind their parents */
            if (f->rules[j].parent == (int32_t)i && f->rules[j].evidence != FL_EVIDENCE_PERIODIC)
                f->rules[j].parent = (int32_t)kept;
        f->rules[kept++] = f->rules[i];
    }
    f->n = kept;
}

#endif
