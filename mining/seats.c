/* Deals twins out to the hosts that they name, or are bound to. */
#include "mining/seats.h"

#include <stdlib.h>

#include "storage/error.h"

/* The hosts under which a twin sits: 1 or 2. */
static int hosts_of(const struct fl_compared *c, const struct fl_nodes *nodes, const struct fl_twin *twin,
                    uint32_t out[2])
{
    const struct fl_node_key *key = &nodes->keys[twin->node];
    int n = 0;
    if (c->now.lane->family != FL_NAMED) {
        out[0] = twin->bind;
        return 1;
    }
    if (key->client != FL_HOST_ANY)
        out[n++] = key->client;
    if (key->server != FL_HOST_ANY)
        out[n++] = key->server;
    return n;
}

int fl_seats_build(struct fl_seats *out, const struct fl_compared *c, const struct fl_nodes *nodes)
{
    uint32_t hosts[2];
    *out = (struct fl_seats){.first = calloc((size_t)c->n_hosts + 2, sizeof *out->first),
                             .twin = malloc((2 * c->n_twins + 1) * sizeof *out->twin)};
    if (!out->first || !out->twin) {
        fl_seats_clear(out);
        return FL_ENOMEM;
    }
    for (size_t i = 0; i < c->n_twins; i++)
        for (int h = hosts_of(c, nodes, &c->twins[i], hosts); h-- > 0;)
            out->first[hosts[h] + 2]++;
    for (size_t h = 2; h < (size_t)c->n_hosts + 2; h++)
        out->first[h] += out->first[h - 1];
    for (size_t i = 0; i < c->n_twins; i++) /* first[h + 1] is where host h is filled up to, then its end */
        for (int h = hosts_of(c, nodes, &c->twins[i], hosts); h-- > 0;)
            out->twin[out->first[hosts[h] + 1]++] = (uint32_t)i;
    return 0;
}

void fl_seats_clear(struct fl_seats *s)
{
    free(s->first);
    free(s->twin);
    *s = (struct fl_seats){0};
}
