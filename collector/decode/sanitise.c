/* Keeps malformed sets and templates away from everything behind. */
#include "collector/decode/sanitise.h"

#include "collector/decode/habit.h"
#include "storage/error.h"

enum { FIRST_DATA_ID = 256 };

static enum fl_set_kind kind_of(uint16_t id, enum fl_dialect dialect)
{
    unsigned first = dialect == FL_DIALECT_V9 ? 0 : 2;
    if (id == first)
        return FL_SET_TEMPLATE;
    if (id == first + 1)
        return FL_SET_OPTIONS;
    return id >= FIRST_DATA_ID ? FL_SET_DATA : FL_SET_OTHER;
}

int fl_set_next(struct fl_cursor *sets, enum fl_dialect dialect, struct fl_set *out)
{
    size_t left = fl_cursor_left(sets);
    if (fl_cursor_only_zeros(*sets))
        return 0;
    if (left < 4)
        return FL_EMALF;
    out->id = (uint16_t)fl_cursor_read(sets, 2);
    uint32_t length = fl_cursor_read(sets, 2);
    if (length < 4 || length > left)
        return FL_EMALF;
    out->content = fl_cursor_child(sets, length - 4);
    out->kind = kind_of(out->id, dialect);
    return 1;
}

static struct fl_habit_field read_field(struct fl_cursor *c, enum fl_dialect dialect, bool scope)
{
    struct fl_habit_field f = {.scope = scope && dialect == FL_DIALECT_V9};
    f.element = (uint16_t)fl_cursor_read(c, 2);
    f.length = (uint16_t)fl_cursor_read(c, 2);
    if (dialect == FL_DIALECT_IPFIX && (f.element & 0x8000)) {
        f.element &= 0x7fff;
        f.enterprise = fl_cursor_read(c, 4);
    }
    return f;
}

static int add_fields(struct fl_cursor *c, enum fl_dialect dialect, uint32_t n, uint32_t scopes,
                      struct fl_layout_draft *draft)
{
    struct fl_habits habits = {.v9 = dialect == FL_DIALECT_V9};
    struct fl_cursor ahead = *c;
    for (uint32_t i = 0; i < n && !ahead.bad; i++) {
        struct fl_habit_field f = read_field(&ahead, dialect, i < scopes);
        fl_habits_see(&habits, &f);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct fl_habit_field f = fl_habits_read(&habits, read_field(c, dialect, i < scopes));
        if (c->bad || (dialect == FL_DIALECT_V9 && f.length == FL_VARLEN) ||
            fl_layout_draft_add(draft, f.enterprise, f.element, f.length) < 0)
            return FL_EMALF;
    }
    return 0;
}

/* How many fields follow, and how many of them are scopes. */
static int read_counts(struct fl_cursor *c, enum fl_dialect dialect, bool options, uint32_t *n,
                       uint32_t *scopes)
{
    *n = fl_cursor_read(c, 2);
    *scopes = 0;
    if (dialect == FL_DIALECT_V9 && options) {
        uint32_t scope_bytes = *n, option_bytes = fl_cursor_read(c, 2);
        if (scope_bytes % 4 || option_bytes % 4)
            return FL_EMALF;
        *scopes = scope_bytes / 4;
        *n = *scopes + option_bytes / 4;
    } else if (options && *n) {
        *scopes = fl_cursor_read(c, 2);
        if (*scopes == 0 || *scopes > *n)
            return FL_EMALF;
    }
    return c->bad ? FL_EMALF : 0;
}

static bool withdrawal(enum fl_dialect dialect, uint16_t set_id, uint16_t id, uint32_t n)
{
    return dialect == FL_DIALECT_IPFIX && n == 0 && (id >= FIRST_DATA_ID || id == set_id);
}

int fl_template_next(struct fl_set *set, enum fl_dialect dialect, struct fl_layout_draft *draft,
                     GHashTable *layouts, uint16_t *id, struct fl_layout **layout)
{
    struct fl_cursor *c = &set->content;
    bool options = set->kind == FL_SET_OPTIONS;
    uint32_t n, scopes;
    *layout = NULL;
    if (fl_cursor_left(c) < 4 || fl_cursor_only_zeros(*c))
        return 0;
    *id = (uint16_t)fl_cursor_read(c, 2);
    int code = read_counts(c, dialect, options, &n, &scopes);
    if (code < 0)
        return code;
    if (withdrawal(dialect, set->id, *id, n))
        return 1;
    if (*id < FIRST_DATA_ID || n == 0)
        return FL_EMALF;
    fl_layout_draft_init(draft, options);
    code = add_fields(c, dialect, n, scopes, draft);
    if (code < 0)
        return code;
    *layout = fl_layout_intern(layouts, draft);
    return *layout ? 1 : FL_EMALF;
}
