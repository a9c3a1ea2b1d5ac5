/* Numbering by a hash table: the passes after it compare integers. */
#include "mining/intern.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>

#include "mining/radix.h"
#include "storage/error.h"

static bool equal(struct fl_intern_key x, struct fl_intern_key y)
{
    return x.high == y.high && x.low == y.low;
}

static size_t slot_of(const struct fl_intern *t, struct fl_intern_key key)
{
    unsigned __int128 product =
        (unsigned __int128)((key.high ^ t->seed) * 0x9e3779b97f4a7c15u + key.low) * (t->seed | 1);
    uint64_t h = (uint64_t)(product >> 64) ^ (uint64_t)product;
    return (h ^ h >> 32) & (t->n_slots - 1);
}

/* The slot that holds a key, or the free one where it belongs. */
static size_t probe(const struct fl_intern *t, struct fl_intern_key key)
{
    size_t i = slot_of(t, key);
    while (t->slots[i] && !equal(t->keys[t->slots[i] - 1], key))
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

/* Twice the room, at most half of the slots in use. */
static int grow(struct fl_intern *t)
{
    size_t room = t->room ? t->room * 2 : 512;
    struct fl_intern_key *keys = realloc(t->keys, room * sizeof *keys);
    uint32_t *slots = calloc(room * 2, sizeof *slots);
    if (keys)
        t->keys = keys;
    if (!keys || !slots) {
        free(slots);
        return FL_ENOMEM;
    }
    if (!t->seed && getrandom(&t->seed, sizeof t->seed, GRND_NONBLOCK) != (ssize_t)sizeof t->seed)
        t->seed = (uint64_t)(uintptr_t)slots; /* before the kernel has randomness: no secret, no harm */
    free(t->slots);
    t->slots = slots;
    t->n_slots = room * 2;
    t->room = room;
    for (size_t i = 0; i < t->n; i++)
        slots[probe(t, t->keys[i])] = (uint32_t)i + 1;
    return 0;
}

int fl_intern_number(struct fl_intern *t, struct fl_intern_key key, uint32_t *number)
{
    if (*number < t->n && equal(t->keys[*number], key))
        return 0;
    if (t->n == t->room && grow(t) < 0)
        return FL_ENOMEM;
    size_t i = probe(t, key);
    if (!t->slots[i]) {
        if (t->n >= UINT32_MAX - 1)
            return FL_ELIMIT;
        t->keys[t->n++] = key;
        t->slots[i] = (uint32_t)t->n;
    }
    *number = t->slots[i] - 1;
    return 0;
}

int64_t fl_intern_find(const struct fl_intern *t, struct fl_intern_key key)
{
    return t->n_slots ? (int64_t)t->slots[probe(t, key)] - 1 : -1;
}

int fl_intern_sort(struct fl_intern *t, uint32_t *rank)
{
    struct fl_entries e = {.items = malloc((t->n + 1) * sizeof *e.items), .n = t->n, .room = t->n + 1};
    struct fl_intern_key *keys = malloc((t->n + 1) * sizeof *keys);
    int rc = e.items && keys ? 0 : FL_ENOMEM;
    for (size_t i = 0; rc == 0 && i < t->n; i++)
        e.items[i] = (struct fl_entry){t->keys[i].low, (uint32_t)i};
    if (rc == 0)
        rc = fl_entries_sort(&e);
    for (size_t i = 0; rc == 0 && i < t->n; i++)
        e.items[i].key = t->keys[e.items[i].value].high;
    if (rc == 0)
        rc = fl_entries_sort(&e);
    for (size_t i = 0; rc == 0 && i < t->n; i++) {
        rank[e.items[i].value] = (uint32_t)i;
        keys[i] = t->keys[e.items[i].value];
    }
    fl_entries_clear(&e);
    if (rc < 0) {
        free(keys);
        return rc;
    }
    free(t->slots);
    free(t->keys);
    *t = (struct fl_intern){.keys = keys, .n = t->n, .room = t->n + 1};
    return 0;
}

void fl_intern_clear(struct fl_intern *t)
{
    free(t->keys);
    free(t->slots);
    *t = (struct fl_intern){0};
}

struct fl_intern_key fl_intern_addr(const struct fl_addr *a)
{
    struct fl_intern_key key;
    memcpy(&key, a->b, sizeof key);
    return (struct fl_intern_key){be64toh(key.high), be64toh(key.low)};
}

struct fl_addr fl_intern_to_addr(struct fl_intern_key key)
{
    struct fl_addr a;
    key = (struct fl_intern_key){htobe64(key.high), htobe64(key.low)};
    memcpy(a.b, &key, sizeof a.b);
    return a;
}
