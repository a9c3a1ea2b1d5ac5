/* Pass 3 of mining: from conversations to flow nodes and the windows they are active in (MINING.md sections
 * 2, 3). */
#ifndef FL_MINING_NODES_H
#define FL_MINING_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mining/talk.h"

#define FL_HOST_ANY UINT32_MAX

/* How time is cut. Blocks of `jitter` windows are aligned to the epoch, so that spans which overlap share
 * them. */
struct fl_timeline {
    int64_t from_ms, to_ms; /* the span */
    int64_t window_ms;
    uint32_t jitter;     /* windows a block */
    int64_t base_window; /* epoch number of window 0; a multiple of jitter, at or before from_ms */
    uint32_t n_windows;  /* windows that the span touches */
};
/* FL_ELIMIT for spans of more than 2^31 windows; FL_EINVAL for an empty one. */
int fl_timeline_init(struct fl_timeline *t, int64_t from_ms, int64_t to_ms, int64_t window_ms,
                     uint32_t jitter);
/* Window of a time, which is taken as no earlier than the span's first millisecond and no later than its
 * last. */
uint32_t fl_window_of(const struct fl_timeline *t, int64_t ms);
int64_t fl_window_start_ms(const struct fl_timeline *t, uint32_t window);

struct fl_node_key {
    uint32_t client, server; /* host numbers, or FL_HOST_ANY */
    uint32_t client_port, server_port;
    uint8_t protocol;
};

struct fl_nodes {
    struct fl_node_key
        *keys; /* concrete nodes, then any-client, then any-server, each in order of their fields */
    size_t n;
    size_t *first;           /* n + 1: where a node's conversations begin in `conversations` */
    uint32_t *conversations; /* indices into fl_talk.items, by start within a node */
};

/* Nodes present in at least `support` windows. A wildcard node nine tenths of whose conversations are one
 * host's is that host in disguise and left out (MINING.md section 6). FL_ENOMEM. */
int fl_nodes_build(struct fl_nodes *out, const struct fl_talk *talk, const struct fl_timeline *time,
                   uint32_t support);
/* The same on up to `threads` threads (0: one a processor). */
int fl_nodes_build_on(struct fl_nodes *out, const struct fl_talk *talk, const struct fl_timeline *time,
                      uint32_t support, uint32_t threads);
void fl_nodes_clear(struct fl_nodes *nodes);

/* As fl_node_generalises, over keys. */
bool fl_key_generalises(const struct fl_node_key *general, const struct fl_node_key *special);
struct fl_node fl_key_node(const struct fl_node_key *key, const struct fl_talk *talk);

#endif
