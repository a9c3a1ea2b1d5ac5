/* Seeded flow records for the store's tests, and comparing sets of them. */
#ifndef FL_TESTS_STORAGE_FLOWS_H
#define FL_TESTS_STORAGE_FLOWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/flow.h"

#define BASE_MS ((int64_t)1655071200000) /* 2022-06-12T22:00:00Z */

/* xorshift64 */
static inline uint64_t flows_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* A record as a small office would make it: few hosts, known services, starts within `span_ms` of BASE_MS. */
static inline struct fl_flow flows_make(uint64_t *state, int64_t span_ms)
{
    static const uint16_t services[] = {53, 443, 80, 22, 143, 993};
    struct fl_flow f;
    memset(&f, 0, sizeof f);
    f.start_ms = BASE_MS + (int64_t)(flows_random(state) % (uint64_t)span_ms);
    f.end_ms = f.start_ms + (int64_t)(flows_random(state) % 60000);
    f.exporter = fl_addr_v4(0x0a000001);
    f.src = fl_addr_v4(0x0a000000 + (uint32_t)(flows_random(state) % 50));
    f.dst = fl_addr_v4(0xc0a80000 + (uint32_t)(flows_random(state) % 200));
    if (flows_random(state) % 10 == 0)
        f.src.b[0] = 0x20;
    f.packets = flows_random(state) % 100 + 1;
    f.bytes = f.packets * (40 + flows_random(state) % 1400);
    f.in_if = 1;
    f.out_if = 2;
    f.sampling = 1;
    f.src_port = (uint16_t)(32768 + flows_random(state) % 28000);
    f.dst_port = services[flows_random(state) % 6];
    f.protocol = f.dst_port == 53 ? 17 : 6;
    f.tcp_flags = f.protocol == 6 ? 0x1b : 0;
    f.time_source = (uint8_t)(flows_random(state) % 3);
    return f;
}

/* The same behind a translating firewall: an event, and another source towards the world. */
static inline struct fl_flow flows_make_translated(uint64_t *state, int64_t span_ms)
{
    struct fl_flow f = flows_make(state, span_ms);
    f.direction = (uint8_t)(1 + flows_random(state) % 2);
    f.event = (uint8_t)(flows_random(state) % 6);
    f.sampling_source = FL_SAMPLING_CONFIG;
    f.post_src = fl_addr_v4(0xc6336400 + (uint32_t)(flows_random(state) % 4));
    f.post_dst = f.dst;
    f.post_src_port = (uint16_t)(1024 + flows_random(state) % 60000);
    f.post_dst_port = f.dst_port;
    return f;
}

/* Every bit of every field at random, now and then an extreme. */
static inline struct fl_flow flows_make_wild(uint64_t *state)
{
    struct fl_flow f;
    uint8_t bytes[sizeof f];
    for (size_t i = 0; i < sizeof f; i++)
        bytes[i] = flows_random(state) % 4 ? (uint8_t)flows_random(state) : 0xff;
    memcpy(&f, bytes, sizeof f);
    if (flows_random(state) % 3 == 0) {
        f.start_ms = INT64_MIN;
        f.end_ms = INT64_MAX;
        f.bytes = UINT64_MAX;
    }
    return f;
}

#define FLOWS_ORDER(field)                                                                                   \
    if (a->field != b->field)                                                                                \
    return a->field < b->field ? -1 : 1

/* An order over every field. */
static inline int flows_compare(const void *left, const void *right)
{
    const struct fl_flow *a = left, *b = right;
    int order = fl_addr_cmp(&a->src, &b->src);
    order = order ? order : fl_addr_cmp(&a->dst, &b->dst);
    order = order ? order : fl_addr_cmp(&a->exporter, &b->exporter);
    order = order ? order : fl_addr_cmp(&a->post_src, &b->post_src);
    order = order ? order : fl_addr_cmp(&a->post_dst, &b->post_dst);
    if (order)
        return order;
    FLOWS_ORDER(start_ms);
    FLOWS_ORDER(end_ms);
    FLOWS_ORDER(packets);
    FLOWS_ORDER(bytes);
    FLOWS_ORDER(domain);
    FLOWS_ORDER(in_if);
    FLOWS_ORDER(out_if);
    FLOWS_ORDER(sampling);
    FLOWS_ORDER(src_port);
    FLOWS_ORDER(dst_port);
    FLOWS_ORDER(tcp_flags);
    FLOWS_ORDER(protocol);
    FLOWS_ORDER(tos);
    FLOWS_ORDER(end_reason);
    FLOWS_ORDER(time_source);
    FLOWS_ORDER(sampling_source);
    FLOWS_ORDER(direction);
    FLOWS_ORDER(event);
    FLOWS_ORDER(post_src_port);
    FLOWS_ORDER(post_dst_port);
    return 0;
}

/* True when both hold the same records; sorts them. */
static inline int flows_same(struct fl_flow *a, struct fl_flow *b, size_t n)
{
    qsort(a, n, sizeof *a, flows_compare);
    qsort(b, n, sizeof *b, flows_compare);
    for (size_t i = 0; i < n; i++)
        if (flows_compare(&a[i], &b[i]) != 0)
            return 0;
    return 1;
}

#endif
