/* What routers make of a day: which flows pass them, what they see of each, where they cut it, and what their
 * clocks and the way to the collector add. The same settings give the same records. */
#ifndef GEN_ROUTER_H
#define GEN_ROUTER_H

#include "tests/generate/day.h"

/* Which flows pass a router. The others are carried by other routers only. */
enum gen_place {
    GEN_EVERYWHERE,
    GEN_BORDER, /* those with an end in the world */
    GEN_CORE    /* those with an end at a workstation, or with both ends inside */
};

struct gen_router {
    struct fl_addr address; /* datagrams come from it */
    enum gen_place place;
    int64_t active_ms, inactive_ms; /* its timeouts */
    uint32_t sampling;              /* it looks at one packet in so many, picked at random; 1: at each */
    double loss;                    /* share of its datagrams that never arrive */
    int64_t clock_ms;               /* its clock is so far ahead */
    int64_t clock_error_ms;         /* the stamps of each record are off by up to so much, either way */
    bool mute;                      /* does not say why a flow ended */
    uint64_t seed;                  /* of all that is random here */
};
enum { GEN_ACTIVE_MS = 60000, GEN_INACTIVE_MS = 15000, GEN_SAMPLING_MAX = 16383 };

/* 127.0.0.1, which sees every flow, loses nothing, and cuts at the usual timeouts. */
void gen_router_init(struct gen_router *router);

/* A record as it is exported. */
struct gen_cut {
    struct gen_flow flow; /* packets and bytes as counted: not scaled by the sampling */
    int64_t export_ms;    /* by the router's clock */
    uint8_t end_reason;   /* FL_END_ACTIVE, FL_END_IDLE, or FL_END_UNKNOWN of a mute router */
};

/* What a router exports of flows, in the order of export: a piece that the active timeout ends at its end, a
 * last piece `inactive_ms` after its last packet. Without sampling a flow longer than `active_ms` is cut
 * there and goes on at once, and pieces share its packets evenly. With sampling its packets stand evenly in
 * its time; a flow of which none is looked at is not exported, one is over when none was for `inactive_ms`.
 * *out is freed by the caller. Returns 0 or FL_ENOMEM. */
int gen_cut(const struct gen_flow *flows, size_t n, const struct gen_router *router, struct gen_cut **out,
            size_t *n_out);

/* The records that a collector has of a day from `n_routers` routers, in no useful order: what of each
 * router's datagrams arrives. *out is freed by the caller. Returns 0 or FL_ENOMEM. */
int gen_records(const struct gen_day *day, const struct gen_router *routers, size_t n_routers,
                struct fl_flow **out, size_t *n_out);

#endif
