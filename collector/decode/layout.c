/* Normalises templates and shares equal ones. */
#include "collector/decode/layout.h"

#include <string.h>

#include "collector/decode/record.h"
#include "storage/error.h"

enum { PADDING_OCTETS = 210 };

static const struct fl_element elements[] = {
#define X(member, type, element, enterprise, shortest)                                                       \
    {enterprise, element, sizeof(type), shortest, offsetof(struct fl_record, member)},
    FL_RECORD_FIELDS(X)
#undef X
};

/* Places in `elements`, plus one, by number: those of the registry, and those of the other direction. What
 * belongs elsewhere stands behind HIGHEST, where nobody looks. */
enum { HIGHEST = 511, INDEXED = HIGHEST + 1 + FL_RECORD_FIELD_COUNT };
_Static_assert(FL_RECORD_FIELD_COUNT < UINT8_MAX, "a place is one byte");
static const uint8_t registry[INDEXED] = {
#define X(member, type, element, enterprise, shortest)                                                       \
    [(enterprise) == 0 ? (element) : HIGHEST + 1 + FL_FIELD_##member] = FL_FIELD_##member + 1,
    FL_RECORD_FIELDS(X)
#undef X
};
static const uint8_t reverse[INDEXED] = {
#define X(member, type, element, enterprise, shortest)                                                       \
    [(enterprise) == FL_REVERSE_PEN ? (element) : HIGHEST + 1 + FL_FIELD_##member] = FL_FIELD_##member + 1,
    FL_RECORD_FIELDS(X)
#undef X
};

static const struct fl_element *find_other(uint32_t enterprise, uint16_t element)
{
    for (int i = 0; i < FL_RECORD_FIELD_COUNT; i++)
        if (elements[i].element == element && elements[i].enterprise == enterprise)
            return &elements[i];
    return NULL;
}

const struct fl_element *fl_element_find(uint32_t enterprise, uint16_t element)
{
    if (enterprise != 0 && enterprise != FL_REVERSE_PEN)
        return find_other(enterprise, element);
    const uint8_t *places = enterprise ? reverse : registry;
    return element <= HIGHEST && places[element] ? &elements[places[element] - 1] : NULL;
}

void fl_layout_draft_init(struct fl_layout_draft *draft, bool options)
{
    memset(draft, 0, offsetof(struct fl_layout_draft, fields));
    draft->options = options;
}

static void append(struct fl_layout_draft *d, uint32_t enterprise, uint16_t element, uint16_t length)
{
    struct fl_layout_field *last = d->n_fields ? &d->fields[d->n_fields - 1] : NULL;
    bool mergeable = element == PADDING_OCTETS && length != FL_VARLEN && last &&
                     last->element == PADDING_OCTETS && last->length != FL_VARLEN;
    if (mergeable && last->length + length < FL_VARLEN)
        last->length = (uint16_t)(last->length + length);
    else
        d->fields[d->n_fields++] = (struct fl_layout_field){enterprise, element, length};
}

int fl_layout_draft_add(struct fl_layout_draft *d, uint32_t enterprise, uint16_t element, uint16_t length)
{
    if (++d->n_seen > FL_LAYOUT_FIELDS)
        return FL_EMALF;
    if (length == 0)
        return 0;
    d->shortest += length == FL_VARLEN ? 1 : length;
    d->variable = d->variable || length == FL_VARLEN;
    if (d->shortest >= FL_VARLEN)
        return FL_EMALF;
    const struct fl_element *e = fl_element_find(enterprise, element);
    ptrdiff_t i = e ? e - elements : 0;
    if (!e || length == FL_VARLEN || length < e->shortest || FL_HAS_FIELD(d->mask, i) ||
        (e->shortest > 8 && length != e->size)) {
        append(d, 0, PADDING_OCTETS, length);
        return 0;
    }
    if (length > e->size) /* big-endian: the value is in the last bytes */
        append(d, 0, PADDING_OCTETS, (uint16_t)(length - e->size));
    append(d, enterprise, element, length > e->size ? e->size : length);
    FL_ADD_FIELD(d->mask, i);
    return 0;
}

/* Begins with where the table happens to be in memory, so that nobody outside can make templates that fall on
 * one another. */
static guint layout_hash(gconstpointer key)
{
    const struct fl_layout *l = key;
    uint64_t h = (uintptr_t)l->home + l->options;
    for (size_t i = 0; i < l->n_fields; i++) {
        const struct fl_layout_field *f = &l->fields[i];
        h = (h ^ ((uint64_t)f->enterprise << 32 | (uint32_t)f->element << 16 | f->length)) *
            0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return (guint)h;
}

static gboolean layout_equal(gconstpointer a, gconstpointer b)
{
    const struct fl_layout *x = a, *y = b;
    return x->options == y->options && x->n_fields == y->n_fields &&
           memcmp(x->fields, y->fields, x->n_fields * sizeof x->fields[0]) == 0;
}

GHashTable *fl_layout_table_new(void)
{
    return g_hash_table_new(layout_hash, layout_equal);
}

/* Which family of addresses comes first? */
static bool v6_first(const struct fl_layout_draft *d)
{
    for (size_t i = 0; i < d->n_fields; i++)
        if (d->fields[i].enterprise == 0 && (d->fields[i].element == 8 || d->fields[i].element == 27))
            return d->fields[i].element == 27;
    return false;
}

struct fl_layout *fl_layout_intern(GHashTable *table, const struct fl_layout_draft *d)
{
    if (d->shortest == 0)
        return NULL;
    struct fl_layout *fresh = g_malloc0(sizeof *fresh + d->n_fields * sizeof fresh->fields[0]);
    fresh->home = table;
    fl_flow_recipe_init(&fresh->recipe, d->mask, v6_first(d));
    fresh->shortest = d->shortest;
    fresh->variable = d->variable;
    fresh->options = d->options;
    fresh->n_fields = d->n_fields;
    memcpy(fresh->fields, d->fields, d->n_fields * sizeof fresh->fields[0]);
    struct fl_layout *known = g_hash_table_lookup(table, fresh);
    if (known) {
        g_free(fresh);
        return fl_layout_ref(known);
    }
    if (!fresh->variable)
        fresh->plan = fl_plan_new(fresh->fields, fresh->n_fields);
    g_hash_table_add(table, fresh);
    return fl_layout_ref(fresh);
}

struct fl_layout *fl_layout_ref(struct fl_layout *layout)
{
    layout->references++;
    return layout;
}

void fl_layout_unref(struct fl_layout *layout)
{
    if (!layout || --layout->references > 0)
        return;
    g_hash_table_remove(layout->home, layout);
    fl_plan_free(layout->plan);
    g_free(layout);
}

static void skip_record(const struct fl_layout *layout, struct fl_cursor *c)
{
    for (size_t i = 0; i < layout->n_fields && !c->bad; i++) {
        uint32_t length = layout->fields[i].length;
        if (length == FL_VARLEN) {
            length = fl_cursor_read(c, 1);
            if (length == 255)
                length = fl_cursor_read(c, 2);
        }
        fl_cursor_skip(c, length);
    }
}

size_t fl_layout_count(const struct fl_layout *layout, struct fl_cursor content, size_t *used_bytes)
{
    const uint8_t *begin = content.at;
    size_t n = 0;
    *used_bytes = 0;
    if (!layout->variable) {
        n = fl_cursor_left(&content) / layout->shortest;
        while (n > 1 &&
               fl_cursor_only_zeros(fl_cursor_over(begin + (n - 1) * layout->shortest, layout->shortest)))
            n--;
        *used_bytes = n * layout->shortest;
        return n;
    }
    while (fl_cursor_left(&content) >= layout->shortest) {
        skip_record(layout, &content);
        if (content.bad)
            break;
        n++;
        *used_bytes = (size_t)(content.at - begin);
    }
    return n;
}
