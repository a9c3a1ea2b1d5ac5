/* Fuzz target: what collector/decode/sanitise.h lets in. The first byte picks the dialect (bit 0: IPFIX) and
 * whether the rest is a datagram's sets or the content of a template set (bit 1) or options template set (bit
 * 2). */
#include <stdio.h>
#include <stdlib.h>

#include "collector/decode/record.h"
#include "collector/decode/sanitise.h"
#include "storage/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what);                        \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

enum { PADDING_OCTETS = 210 };

static struct fl_layout_draft draft;
static GHashTable *layouts;

static bool within(const struct fl_cursor *child, const uint8_t *from, const uint8_t *to)
{
    return !child->bad && child->at >= from && child->at <= child->end && child->end <= to;
}

/* The shortest record is the sum of its fields, each of which has bytes, and says so. */
static void look_at_layout(const struct fl_layout *layout)
{
    uint64_t shortest = 0;
    bool variable = false;
    HOLDS(layout->shortest > 0 && layout->shortest < 65535);
    HOLDS(layout->n_fields > 0 && layout->n_fields <= 2 * FL_LAYOUT_FIELDS);
    for (size_t i = 0; i < layout->n_fields; i++) {
        const struct fl_layout_field *f = &layout->fields[i];
        HOLDS(f->length > 0);
        const struct fl_element *known = fl_element_find(f->enterprise, f->element);
        HOLDS(known ? f->length <= known->size : f->enterprise == 0 && f->element == PADDING_OCTETS);
        variable = variable || f->length == FL_VARLEN;
        shortest += f->length == FL_VARLEN ? 1 : f->length;
    }
    HOLDS(variable == layout->variable && shortest == layout->shortest);
}

/* Whole records only, and all of them. */
static void look_at_records(const struct fl_layout *layout, struct fl_cursor content)
{
    size_t used = 0, left = fl_cursor_left(&content), n = fl_layout_count(layout, content, &used);
    HOLDS(used <= left && used >= n * layout->shortest);
    if (!layout->variable) /* behind them: part of a record, or zeros */
        HOLDS(left - used < layout->shortest ||
              fl_cursor_only_zeros(fl_cursor_over(content.at + used, layout->shortest)));
    content.end = content.at + used;
    HOLDS(fl_layout_count(layout, content, &used) == n && used == fl_cursor_left(&content));
}

static int look_at_templates(struct fl_set *set, enum fl_dialect dialect, struct fl_cursor bytes)
{
    struct fl_layout *layout;
    uint16_t id;
    int more;
    const uint8_t *before = set->content.at;
    while ((more = fl_template_next(set, dialect, &draft, layouts, &id, &layout)) > 0) {
        HOLDS(set->content.at > before && within(&set->content, before, set->content.end));
        before = set->content.at;
        if (!layout) {
            HOLDS(dialect == FL_DIALECT_IPFIX && (id >= 256 || id == set->id));
            continue;
        }
        HOLDS(id >= 256 && layout->references == 1);
        HOLDS(layout->options == (set->kind == FL_SET_OPTIONS));
        look_at_layout(layout);
        look_at_records(layout, bytes);
        fl_layout_unref(layout);
    }
    HOLDS(more == 0 || more == FL_EMALF);
    HOLDS(layout == NULL);
    return more;
}

static enum fl_set_kind kind_of(unsigned id, unsigned first)
{
    if (id >= 256)
        return FL_SET_DATA;
    if (id == first)
        return FL_SET_TEMPLATE;
    return id == first + 1 ? FL_SET_OPTIONS : FL_SET_OTHER;
}

static void look_at_sets(struct fl_cursor sets, enum fl_dialect dialect)
{
    struct fl_cursor whole = sets;
    struct fl_set set;
    const uint8_t *before = sets.at;
    int more;
    while ((more = fl_set_next(&sets, dialect, &set)) > 0) {
        HOLDS(within(&set.content, before + 4, sets.at) && set.content.end == sets.at);
        HOLDS(within(&sets, before + 4, whole.end));
        HOLDS(set.kind == kind_of(set.id, dialect == FL_DIALECT_V9 ? 0 : 2));
        before = sets.at;
        if ((set.kind == FL_SET_TEMPLATE || set.kind == FL_SET_OPTIONS) &&
            look_at_templates(&set, dialect, whole) < 0)
            return;
    }
    HOLDS(more == 0 || more == FL_EMALF);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (!layouts)
        layouts = fl_layout_table_new();
    enum fl_dialect dialect = data[0] & 1 ? FL_DIALECT_IPFIX : FL_DIALECT_V9;
    unsigned first = dialect == FL_DIALECT_V9 ? 0 : 2;
    struct fl_cursor bytes = fl_cursor_over(data + 1, size - 1);
    struct fl_set set = {FL_SET_TEMPLATE, (uint16_t)first, bytes};
    if (data[0] & 4)
        set = (struct fl_set){FL_SET_OPTIONS, (uint16_t)(first + 1), bytes};
    if (data[0] & 6)
        (void)look_at_templates(&set, dialect, bytes);
    else
        look_at_sets(bytes, dialect);
    HOLDS(g_hash_table_size(layouts) == 0);
    return 0;
}
