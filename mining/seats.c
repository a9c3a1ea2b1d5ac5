/* Deals nodes out to the hosts that they name. */
#include "mining/seats.h"

#include <stdlib.h>

#include "storage/error.h"

/* 1 or 2. */
static int hosts_of(const struct fl_node_key *key, uint32_t out[2])
{
    int n = 0;
    if (key->client != FL_HOST_ANY)
        out[n++] = key->client;
    if (key->server != FL_HOST_ANY)
        out[n++] = key->server;
    return n;
}

int fl_seats_build(struct fl_seats *out, const struct fl_nodes *nodes, size_t n_hosts)
{
    uint32_t hosts[2];
    *out = (struct fl_seats){.first = calloc(n_hosts + 2, sizeof *out->first),
                             .node = malloc((2 * nodes->n + 1) * sizeof *out->node),
                             .n_hosts = n_hosts};
    if (!out->first || !out->node) {
        fl_seats_clear(out);
        return FL_ENOMEM;
    }
    for (size_t i = 0; i < nodes->n; i++)
        for (int h = hosts_of(&nodes->keys[i], hosts); h-- > 0;)
            out->first[hosts[h] + 2]++;
    for (size_t h = 2; h < n_hosts + 2; h++)
        out->first[h] += out->first[h - 1];
    for (size_t i = 0; i < nodes->n; i++) /* first[h + 1] is where host h is filled up to, then its end */
        for (int h = hosts_of(&nodes->keys[i], hosts); h-- > 0;)
            out->node[out->first[hosts[h] + 1]++] = (uint32_t)i;
    return 0;
}

void fl_seats_clear(struct fl_seats *s)
{
    free(s->first);
    free(s->node);
    *s = (struct fl_seats){0};
}
