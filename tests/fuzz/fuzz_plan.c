/* Fuzz target: copy plans (collector/decode/plan.h) against their oracle, libfixbuf's transcoder. The input:
 * fields-1, then (element in 2, length, reverse or not in 1) each, then records. */
#include <stddef.h>
#include <stdint.h>

#include "collector/decode/fixbuf_decode.h"
#include "collector/decode/plan.h"
#include "tests/fuzz/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_RECORDS = 256, MOST_FIELDS = 128 };

static struct fl_fixbuf *fixbuf;
static GHashTable *layouts;
static struct fl_record want[MOST_RECORDS], got[MOST_RECORDS];
static size_t n_want;

static void keep(void *ctx, const struct fl_record *r)
{
    JUDGE(n_want < MOST_RECORDS);
    want[n_want++] = *r;
}

/* Field by field: the bytes behind the last one are nobody's. */
static void look_at_record(const struct fl_record *a, const struct fl_record *b)
{
#define X(member, type, element, enterprise, shortest)                                                       \
    JUDGE(memcmp(&a->member, &b->member, sizeof a->member) == 0);
    FL_RECORD_FIELDS(X)
#undef X
}

static struct fl_layout *read_layout(struct fl_cursor *in)
{
    static struct fl_layout_draft draft;
    uint32_t n = 1 + fl_cursor_read(in, 1) % MOST_FIELDS;
    fl_layout_draft_init(&draft, false);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t element = fl_cursor_read(in, 2) & 0x7fff, length = fl_cursor_read(in, 1);
        uint32_t enterprise = fl_cursor_read(in, 1) & 1 ? FL_REVERSE_PEN : 0;
        if (fl_layout_draft_add(&draft, enterprise, (uint16_t)element, (uint16_t)length) < 0)
            return NULL;
    }
    return fl_layout_intern(layouts, &draft);
}

static void compare(struct fl_layout *layout, struct fl_cursor records)
{
    size_t used, n = fl_layout_count(layout, records, &used);
    JUDGE(layout->plan != NULL);
    if (n > MOST_RECORDS)
        n = MOST_RECORDS;
    used = n * layout->shortest;
    if (n == 0)
        return;
    uint8_t *exact = malloc(used); /* so that a read beyond the end is seen */
    JUDGE(exact);
    memcpy(exact, records.at, used);
    memset(got, 0, sizeof got);
    n_want = 0;
    JUDGE(fl_fixbuf_decode(fixbuf, layout, exact, used, keep, NULL) == (int)n && n_want == n);
    fl_plan_lay(layout->plan, exact, layout->shortest, n, got);
    for (size_t i = 0; i < n; i++)
        look_at_record(&got[i], &want[i]);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_cursor in = fl_cursor_over(data, size);
    if (!layouts) {
        layouts = fl_layout_table_new();
        JUDGE(fl_fixbuf_new(&fixbuf) == 0);
    }
    struct fl_layout *layout = read_layout(&in);
    if (layout)
        compare(layout, in);
    fl_layout_unref(layout);
    return 0;
}
