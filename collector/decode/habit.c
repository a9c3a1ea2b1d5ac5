/* One table's worth of vendors' habits in templates. */
#include "collector/decode/habit.h"

#include "collector/decode/record.h"

enum {
    PADDING_OCTETS = 210,
    SCOPE_INTERFACE = 2,
    CISCO_PEN = 9,
    IXIA_PEN = 3054,
    NTOP_PEN = 35632,
    NTOP_FIRST = 57472,
    NTOP_LAST = 58500
};

void fl_habits_see(struct fl_habits *h, const struct fl_habit_field *f)
{
    if (f->scope)
        return;
    h->ntop = h->ntop || f->enterprise == NTOP_PEN ||
              (h->v9 && f->element >= NTOP_FIRST && f->element <= NTOP_LAST);
    h->direction = h->direction || (f->enterprise == 0 && f->element == 61 && f->length);
    h->bytes = h->bytes || (f->enterprise == 0 && f->element == 1 && f->length);
    h->packets = h->packets || (f->enterprise == 0 && f->element == 2 && f->length);
}

/* Addresses and ports of client and server, from 12236 on. */
static uint16_t read_avc(uint16_t number)
{
    static const uint16_t avc[] = {8, 12, 27, 28, 7, 11};
    return avc[number - 12236];
}

static uint16_t read_v9(const struct fl_habit_field *f)
{
    static const uint16_t asa[] = {225, 226, 227, 228, 233}; /* 40001.. */
    if (f->scope)
        return f->element == SCOPE_INTERFACE ? 10 : PADDING_OCTETS;
    if (f->element >= 40001 && f->element <= 40005)
        return asa[f->element - 40001];
    if (f->element >= 45004 && f->element <= 45009)
        return read_avc((uint16_t)(f->element - 0x8000));
    return f->element == 0 || f->element >= 0x8000 ? PADDING_OCTETS : f->element;
}

static void read_enterprise(struct fl_habit_field *f)
{
    if (f->enterprise == CISCO_PEN && f->element >= 12236 && f->element <= 12241) {
        f->enterprise = 0;
        f->element = read_avc(f->element);
    } else if (f->enterprise == IXIA_PEN && (f->element == 176 || f->element == 177)) {
        f->enterprise = FL_REVERSE_PEN;
        f->element = (uint16_t)(f->element - 175);
    }
}

static uint16_t unit_by_length(const struct fl_habit_field *f)
{
    switch (f->element) {
    case 150:
    case 151:
        return f->length == 8 ? (uint16_t)(f->element + 2) : f->element;
    case 322:
        return f->length == 8 ? 323 : 322;
    case 152:
    case 153:
        return f->length == 4 ? (uint16_t)(f->element - 2) : f->element;
    case 323:
        return f->length == 4 ? 322 : 323;
    default:
        return f->element;
    }
}

struct fl_habit_field fl_habits_read(const struct fl_habits *h, struct fl_habit_field f)
{
    if (h->v9)
        f.element = read_v9(&f);
    if (f.enterprise == 0 || f.enterprise == FL_REVERSE_PEN)
        f.element = unit_by_length(&f);
    else
        read_enterprise(&f);
    bool other_way = f.enterprise == 0 && (h->ntop || (h->v9 && !h->direction));
    if (other_way && ((f.element == 23 && h->bytes) || (f.element == 24 && h->packets))) {
        f.enterprise = FL_REVERSE_PEN;
        f.element = (uint16_t)(f.element - 22);
    }
    f.scope = false;
    return f;
}
