/* Gaps in a run's data, and what the service knows to be missing, as one sentence.
 *
 * Example: 288 slots of a day, the quietest tenth of which see 40 records; from 03:10 to 03:30 none comes. 4
 * slots would have brought 160 even then: an outage. At night in a house whose quietest slots see 1 record,
 * it takes no outage to see none for hours. */
#include "mining/gap.h"

#include <stdio.h>
#include <stdlib.h>

#include "mining/order.h"
#include "storage/timetext.h"

enum { SLOT_MS = 300000, MOST_SLOTS = 1 << 22, LEAST_SLOTS = 2, LEAST_A_SLOT = 5, LEAST_MISSED = 50 };
#define MUCH 0.05 /* of the records, missing */

static int compare_counts(const void *va, const void *vb)
{
    FL_ORDER(*(const uint32_t *)va, *(const uint32_t *)vb);
    return 0;
}

/* What the quietest tenth of the slots with records has at most. Sorts `counts`. */
static uint32_t quietest_tenth(uint32_t *counts, size_t n)
{
    qsort(counts, n, sizeof *counts, compare_counts);
    size_t empty = 0;
    while (empty < n && counts[empty] == 0)
        empty++;
    return empty < n ? counts[empty + (n - empty) / 10] : 0;
}

/* The longest run of empty slots between others; its length, 0: none. */
static size_t longest_gap(const uint32_t *counts, size_t n, size_t *at)
{
    size_t longest = 0, before = n; /* `before`: the last slot with records */
    for (size_t i = 0; i < n; i++) {
        if (counts[i] == 0)
            continue;
        if (before < n && i - before - 1 > longest) {
            longest = i - before - 1;
            *at = before + 1;
        }
        before = i;
    }
    return longest;
}

int fl_gap_find(const struct fl_record *records, size_t n, int64_t from_ms, int64_t to_ms, struct fl_gap *out)
{
    int64_t base_ms = from_ms - (from_ms % SLOT_MS + SLOT_MS) % SLOT_MS;
    size_t slots = (size_t)((to_ms - base_ms) / SLOT_MS + 1), at = 0;
    if (to_ms <= from_ms || slots > MOST_SLOTS)
        return 0;
    uint32_t *counts = calloc(slots, sizeof *counts);
    if (!counts)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (records[i].start_ms >= from_ms && records[i].start_ms < to_ms)
            counts[(records[i].start_ms - base_ms) / SLOT_MS]++;
    size_t length = longest_gap(counts, slots, &at);
    uint32_t usual = quietest_tenth(counts, slots);
    free(counts);
    *out = (struct fl_gap){base_ms + (int64_t)at * SLOT_MS, base_ms + (int64_t)(at + length) * SLOT_MS};
    return length >= LEAST_SLOTS && usual >= LEAST_A_SLOT && (uint64_t)usual * length >= LEAST_MISSED;
}

/* ---- in words ---- */

static size_t add_phrase(char out[FL_UNCLEAN_TEXT], size_t used, const char *phrase)
{
    int n = snprintf(out + used, FL_UNCLEAN_TEXT - used, "%s%s", used ? "; " : "", phrase);
    return used + (size_t)n < FL_UNCLEAN_TEXT ? used + (size_t)n : FL_UNCLEAN_TEXT - 1;
}

static size_t add_missing(const struct fl_quality *q, char out[FL_UNCLEAN_TEXT], size_t used)
{
    const struct {
        uint64_t records;
        const char *words;
    } parts[] = {{q->lost, "were lost on the way"},
                 {q->unread, "could not be read for want of a template"},
                 {q->shed, "were given up here"}};
    double all = (double)q->flows + (double)q->lost + (double)q->unread;
    char phrase[120];
    for (int i = 0; i < 3; i++)
        if (all > 0 && (double)parts[i].records >= MUCH * all) {
            snprintf(phrase, sizeof phrase, "%.0f%% of the records %s", 100 * (double)parts[i].records / all,
                     parts[i].words);
            used = add_phrase(out, used, phrase);
        }
    return used;
}

void fl_gap_judge(const struct fl_quality *quality, const struct fl_gap *gap, char out[FL_UNCLEAN_TEXT])
{
    char phrase[120], from[FL_TIME_TEXT];
    out[0] = '\0';
    size_t used = add_missing(quality, out, 0);
    if (gap) {
        snprintf(phrase, sizeof phrase, "nothing came for %lld min from %s on",
                 (long long)((gap->to_ms - gap->from_ms) / 60000), fl_time_format_s(gap->from_ms, from));
        used = add_phrase(out, used, phrase);
    }
    if (quality->sampling_changes > 0)
        used = add_phrase(out, used, "an exporter changed its sampling");
    if (quality->clock_jumps > 0)
        add_phrase(out, used, "an exporter's clock jumped");
}
