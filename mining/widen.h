/* Generics over any client and any server: what many hosts do with many others, such as looking up a name
 * before they visit a web server (MINING.md section 6). Pure. */
#ifndef FL_MINING_WIDEN_H
#define FL_MINING_WIDEN_H

#include "mining/range.h"

struct fl_widened {
    struct fl_nodes nodes; /* `*.* : *.443/tcp`, and nodes of any client that they go with */
    struct fl_pairs pairs; /* of these, bound to the client, significant */
    uint64_t left_out;     /* generics that were called for, where counting them takes too much: none are */
};

struct fl_widen_request {
    const struct fl_pairs *pairs;
    const struct fl_ranges *ranges; /* of these pairs */
    const struct fl_nodes *nodes;
    const struct fl_talk *talk;
    const struct fl_timeline *time;
    const struct fl_mining_config *config;
    uint64_t memory_bytes;      /* as fl_lanes_build takes it */
    const struct fl_stop *stop; /* NULL: not asked */
};

/* The nodes of MINING.md section 2 have one wildcard, so that a pair which repeats itself with client after
 * client, or of any client with server after server, has no generic among them. Where at least 3 of `pairs`,
 * but what `ranges` stand for, would be instances of one, its two nodes are made of all the conversations
 * they name and counted as any pair is. Its q-value is Bonferroni's over the pairs tested before and here.
 * What they would take beyond `memory_bytes` is no failure: they are left out. FL_ESTOP, FL_ENOMEM. */
int fl_widen(struct fl_widened *out, const struct fl_widen_request *request);
void fl_widened_clear(struct fl_widened *w);

#endif
