/* Makes a day: runs the background and every pattern that is asked for, then puts the flows in order. */
#include "tests/generate/day.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "tests/generate/make.h"

static const struct gen_pattern *const families[] = {gen_background_patterns, gen_service_patterns,
                                                     gen_peer_patterns, gen_decoy_patterns};
enum { N_FAMILIES = sizeof families / sizeof families[0] };

void gen_options_init(struct gen_options *options)
{
    *options =
        (struct gen_options){.start_ms = 1709596800000, .hours = 24, .hosts = 300, .seed = 1, .busy = 100};
}

static const struct gen_pattern *pattern_at(size_t i)
{
    for (size_t f = 0; f < N_FAMILIES; f++)
        for (const struct gen_pattern *p = families[f]; p->name != NULL; p++)
            if (i-- == 0)
                return p;
    return NULL;
}

const char *gen_pattern_name(size_t i)
{
    const struct gen_pattern *p = pattern_at(i);
    return p == NULL ? NULL : p->name;
}

static bool name_known(const char *name)
{
    for (size_t i = 0; gen_pattern_name(i) != NULL; i++)
        if (strcmp(gen_pattern_name(i), name) == 0)
            return true;
    return false;
}

static bool options_sound(const struct gen_options *o)
{
    for (size_t i = 0; i < o->n_without; i++)
        if (!name_known(o->without[i]))
            return false;
    return o->start_ms >= 0 && o->hours >= 1 && o->hours <= GEN_HOURS_MAX && o->hosts >= GEN_HOSTS_MIN &&
           o->hosts <= GEN_HOSTS_MAX && o->busy <= 100;
}

static bool left_out(const struct gen_options *o, const char *name)
{
    for (size_t i = 0; i < o->n_without; i++)
        if (strcmp(o->without[i], name) == 0)
            return true;
    return false;
}

static int three_way(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_start(const void *left, const void *right)
{
    const struct gen_flow *a = left, *b = right;
    int order = three_way(a->start_ms, b->start_ms);
    if (order == 0)
        order = three_way(a->end_ms, b->end_ms);
    if (order == 0)
        order = fl_addr_cmp(&a->src, &b->src);
    if (order == 0)
        order = fl_addr_cmp(&a->dst, &b->dst);
    if (order == 0)
        order = three_way(a->sport, b->sport);
    if (order == 0)
        order = three_way(a->dport, b->dport);
    return order != 0 ? order : three_way(a->proto, b->proto);
}

static void make_one(struct gen_make *m, const struct gen_pattern *p)
{
    m->pattern = p->name;
    m->decoy = p->decoy;
    gen_random_init(&m->random, m->options->seed, p->name);
    p->make(m);
}

int gen_day_make(struct gen_day *day, const struct gen_options *options)
{
    *day = (struct gen_day){0};
    if (!options_sound(options))
        return FL_EINVAL;
    struct gen_make m = {.options = options, .day = day, .from_ms = options->start_ms};
    m.to_ms = m.from_ms + (int64_t)options->hours * 3600000;
    const struct gen_pattern *p;
    for (size_t i = 0; (p = pattern_at(i)) != NULL; i++)
        if (!left_out(options, p->name))
            make_one(&m, p);
    for (p = options->extra; p != NULL && p->name != NULL; p++)
        make_one(&m, p);
    if (m.failed) {
        gen_day_clear(day);
        return FL_ENOMEM;
    }
    if (day->n_flows > 0)
        qsort(day->flows, day->n_flows, sizeof *day->flows, by_start);
    return 0;
}

void gen_day_clear(struct gen_day *day)
{
    free(day->flows);
    free(day->truth);
    *day = (struct gen_day){0};
}

int gen_day_join(struct gen_day *day, const struct gen_day *other)
{
    struct gen_flow *flows = realloc(day->flows, (day->n_flows + other->n_flows + 1) * sizeof *flows);
    if (flows == NULL)
        return FL_ENOMEM;
    day->flows = flows;
    struct gen_truth *truth = realloc(day->truth, (day->n_truth + other->n_truth + 1) * sizeof *truth);
    if (truth == NULL)
        return FL_ENOMEM;
    day->truth = truth;
    if (other->n_flows > 0)
        memcpy(flows + day->n_flows, other->flows, other->n_flows * sizeof *flows);
    if (other->n_truth > 0)
        memcpy(truth + day->n_truth, other->truth, other->n_truth * sizeof *truth);
    day->n_flows += other->n_flows;
    day->n_truth += other->n_truth;
    qsort(flows, day->n_flows, sizeof *flows, by_start);
    return 0;
}

/* A host of `from`/`bits` gets the first `bits` bits of `to`. */
static void move(struct fl_addr *a, const struct fl_addr *from, unsigned bits, const struct fl_addr *to)
{
    bool inside = fl_addr_is_v4(a);
    for (unsigned i = 0; i < bits && inside; i++)
        inside = ((a->b[12 + i / 8] ^ from->b[12 + i / 8]) & 0x80 >> i % 8) == 0;
    for (unsigned i = 0; i < bits && inside; i++) {
        uint8_t bit = (uint8_t)(0x80 >> i % 8), *byte = &a->b[12 + i / 8];
        *byte = (uint8_t)((*byte & ~bit) | (to->b[12 + i / 8] & bit));
    }
}

void gen_day_move(struct gen_day *day, int64_t from_ms, struct fl_addr from, unsigned bits, struct fl_addr to)
{
    for (size_t i = 0; i < day->n_flows; i++)
        if (day->flows[i].start_ms >= from_ms) {
            move(&day->flows[i].src, &from, bits, &to);
            move(&day->flows[i].dst, &from, bits, &to);
        }
}
