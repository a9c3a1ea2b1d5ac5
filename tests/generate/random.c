/* The generator's source of chance: a Weyl sequence, mixed by two multiply-and-shift rounds. */
#include "tests/generate/random.h"

#include <math.h>

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
    x = (x ^ (x >> 29)) * 0xa0761d6478bd642fu;
    return x ^ (x >> 32);
}

static uint64_t next(struct gen_random *r)
{
    r->state += r->step;
    return mix(r->state);
}

void gen_random_init(struct gen_random *r, uint64_t seed, const char *name)
{
    uint64_t hash = 0x9e3779b97f4a7c15u;
    for (; *name; name++)
        hash = mix(hash + (unsigned char)*name);
    r->state = mix(seed + 0x632be59bd9b4e019u);
    r->step = (hash ^ 0x9e3779b97f4a7c15u) | 1;
}

uint64_t gen_below(struct gen_random *r, uint64_t bound)
{
    return bound == 0 ? 0 : next(r) % bound;
}

int64_t gen_between(struct gen_random *r, int64_t low, int64_t high)
{
    return low + (int64_t)gen_below(r, (uint64_t)(high - low) + 1);
}

double gen_unit(struct gen_random *r)
{
    return (double)(next(r) >> 11) * 0x1p-53;
}

bool gen_chance(struct gen_random *r, double probability)
{
    return gen_unit(r) < probability;
}

int64_t gen_heavy(struct gen_random *r, int64_t low, int64_t high)
{
    double x = (double)low * pow(1.0 - gen_unit(r), -1.0 / 1.2);
    return x > (double)high ? high : (int64_t)x;
}
