/* A made-up day of one edge network: background traffic with the paper's patterns planted in it, and the list
 * of what was planted (MINING.md section 8), so that a test can hold what was found against what is there.
 *
 * The same options give the same day, flow for flow. */
#ifndef GEN_DAY_H
#define GEN_DAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/addr.h"
#include "storage/flow.h"

/* One direction of one conversation. */
struct gen_flow {
    int64_t start_ms, end_ms; /* Unix milliseconds; first and last packet */
    struct fl_addr src, dst;
    uint64_t packets, bytes;
    uint16_t sport, dport; /* ICMP: sport 0, dport type << 8 | code */
    uint8_t proto, tcp_flags;
};

enum { GEN_NODE_TEXT = 128 };

enum gen_kind {
    GEN_PLANTED, /* belongs together and must be found */
    GEN_FOLLOWS, /* is as true, for a reason that is given, but need not be said */
    GEN_DECOY    /* only looks as if it did */
};

/* A pair of nodes, as text in the form of MINING.md section 2. */
struct gen_truth {
    const char *pattern; /* its name, as --without takes it */
    enum gen_kind kind;
    bool range; /* one of a pattern's pairs of ports that behave alike: all of them are one statement */
    const char *reason; /* GEN_FOLLOWS: why; else "" */
    char x[GEN_NODE_TEXT], y[GEN_NODE_TEXT];
};

struct gen_pattern;
struct gen_options {
    int64_t start_ms;
    unsigned hours; /* 1..168 */
    unsigned hosts; /* GEN_HOSTS_MIN..GEN_HOSTS_MAX */
    uint64_t seed;
    bool only_v4;
    const char *const *without; /* names of patterns to leave out */
    size_t n_without;
    uint64_t habits; /* names how busy each workstation is, the same on days of other seeds; 0: as `seed` */
    unsigned busy;   /* people do so many per cent of what they do on a working day: 0..100 */
    const struct gen_pattern *extra; /* besides (make.h), the last with a NULL name; NULL: none */
};
enum { GEN_HOSTS_MIN = 60, GEN_HOSTS_MAX = 20000, GEN_HOURS_MAX = 168 };

/* 24 hours from 2024-03-05T00:00:00Z, a working day, 300 hosts, seed 1, both families, everything planted. */
void gen_options_init(struct gen_options *options);

struct gen_day {
    struct gen_flow *flows; /* by start */
    size_t n_flows;
    struct gen_truth *truth;
    size_t n_truth;
};

/* Returns 0, FL_ENOMEM, or FL_EINVAL for figures out of range or an unknown name in `without`. On failure
 * *day is empty. */
int gen_day_make(struct gen_day *day, const struct gen_options *options);
void gen_day_clear(struct gen_day *day);

/* What happens in `other` happens in `day` as well; its truth is added too. FL_ENOMEM: *day is as it was. */
int gen_day_join(struct gen_day *day, const struct gen_day *other);
/* From `from_ms` on every IPv4 host of `from`/`bits` has moved into `to`/`bits`, as far as flows say; the
 * truth stays. `bits` is 0..32. */
void gen_day_move(struct gen_day *day, int64_t from_ms, struct fl_addr from, unsigned bits,
                  struct fl_addr to);

/* Name of pattern `i` (0, 1, ...; "background" is the first), or NULL behind the last. */
const char *gen_pattern_name(size_t i);

#endif
