/* Compiles layouts to lists of copies, and runs them. */
#include "collector/decode/plan.h"

#include <endian.h>
#include <string.h>

#include "collector/decode/layout.h"

/* Named by bytes on the wire and bytes in the record. Reduced-size encodings that exporters love have a kind
 * of their own, the others share ANY_*. */
enum kind {
    BYTES_16,
    FROM_8_TO_8,
    FROM_4_TO_8,
    FROM_4_TO_4,
    FROM_2_TO_4,
    FROM_2_TO_2,
    FROM_1_TO_1,
    ANY_TO_8,
    ANY_TO_4,
    ANY_TO_2
};

struct op {
    uint16_t from, to; /* offsets in the wire record and in struct fl_record */
    uint8_t kind, length;
};

struct fl_plan {
    size_t n;
    struct op ops[];
};

static enum kind kind_of(size_t length, size_t size)
{
    if (size == 16)
        return BYTES_16;
    if (size == 8)
        return length == 8 ? FROM_8_TO_8 : length == 4 ? FROM_4_TO_8 : ANY_TO_8;
    if (size == 4)
        return length == 4 ? FROM_4_TO_4 : length == 2 ? FROM_2_TO_4 : ANY_TO_4;
    if (size == 2)
        return length == 2 ? FROM_2_TO_2 : ANY_TO_2;
    return FROM_1_TO_1;
}

struct fl_plan *fl_plan_new(const struct fl_layout_field *fields, size_t n_fields)
{
    struct fl_plan *plan = g_malloc(sizeof *plan + n_fields * sizeof plan->ops[0]);
    size_t from = 0;
    plan->n = 0;
    for (size_t i = 0; i < n_fields; from += fields[i].length, i++) {
        const struct fl_element *e = fl_element_find(fields[i].enterprise, fields[i].element);
        if (e)
            plan->ops[plan->n++] = (struct op){.from = (uint16_t)from,
                                               .to = e->offset,
                                               .kind = (uint8_t)kind_of(fields[i].length, e->size),
                                               .length = (uint8_t)fields[i].length};
    }
    return g_realloc(plan, sizeof *plan + plan->n * sizeof plan->ops[0]);
}

void fl_plan_free(struct fl_plan *plan)
{
    g_free(plan);
}

static inline uint64_t read_8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static inline uint32_t read_4(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

static inline uint16_t read_2(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return be16toh(v);
}

static uint64_t read_any(const uint8_t *p, size_t length)
{
    uint64_t v = 0;
    for (size_t i = 0; i < length; i++)
        v = v << 8 | p[i];
    return v;
}

static inline void write_8(uint8_t *to, uint64_t v)
{
    memcpy(to, &v, sizeof v);
}

static inline void write_4(uint8_t *to, uint32_t v)
{
    memcpy(to, &v, sizeof v);
}

static inline void write_2(uint8_t *to, uint16_t v)
{
    memcpy(to, &v, sizeof v);
}

/* One field of all records: the choice of the copy is made once for them. */
static void lay(const struct op *op, const uint8_t *from, size_t length, size_t n, uint8_t *to)
{
    const size_t size = sizeof(struct fl_record);
    from += op->from;
    to += op->to;
#define EACH(copy)                                                                                           \
    for (size_t i = 0; i < n; i++, from += length, to += size)                                               \
        copy;                                                                                                \
    return
    switch ((enum kind)op->kind) {
    case BYTES_16:
        EACH(memcpy(to, from, 16));
    case FROM_8_TO_8:
        EACH(write_8(to, read_8(from)));
    case FROM_4_TO_8:
        EACH(write_8(to, read_4(from)));
    case FROM_4_TO_4:
        EACH(write_4(to, read_4(from)));
    case FROM_2_TO_4:
        EACH(write_4(to, read_2(from)));
    case FROM_2_TO_2:
        EACH(write_2(to, read_2(from)));
    case FROM_1_TO_1:
        EACH(*to = *from);
    case ANY_TO_8:
        EACH(write_8(to, read_any(from, op->length)));
    case ANY_TO_4:
        EACH(write_4(to, (uint32_t)read_any(from, op->length)));
    case ANY_TO_2:
        EACH(write_2(to, (uint16_t)read_any(from, op->length)));
    }
#undef EACH
}

void fl_plan_lay(const struct fl_plan *plan, const uint8_t *from, size_t length, size_t n,
                 struct fl_record *to)
{
    for (size_t i = 0; i < plan->n; i++)
        lay(&plan->ops[i], from, length, n, (uint8_t *)to);
}
