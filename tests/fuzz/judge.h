/* What must hold whatever is sent: a decoder for fuzz targets with every promise of collector/decode/decode.h
 * checked around it. A broken promise aborts. Its bounds are small, so that fuzzing reaches them. */
#ifndef FL_TESTS_FUZZ_JUDGE_H
#define FL_TESTS_FUZZ_JUDGE_H

#include <stdio.h>
#include <string.h>

#include "tests/collector/decode/wire.h"

enum { JUDGE_SESSIONS = 16, JUDGE_TEMPLATES = 8, JUDGE_SENDERS = 4 };

struct judge {
    struct fl_decoder *d;
    struct fl_decoder_limits limits;
    struct fl_sender senders[JUDGE_SENDERS];
    unsigned from; /* the sender of what comes next */
    int64_t now_ms;
    uint64_t datagrams, flows, duplicates;
    size_t n; /* flows of the datagram that is being decoded */
    struct fl_flow
        *room; /* that was given, for at most room_n, and goes when what came of it was handed on */
    size_t room_n, asked;
    struct fl_flow last;
    struct fl_exporter_stats stats[JUDGE_SESSIONS];
};

#define JUDGE(holds)                                                                                         \
    do {                                                                                                     \
        if (!(holds))                                                                                        \
            judge_fail(#holds, __LINE__);                                                                    \
    } while (0)

static inline void judge_fail(const char *what, int line)
{
    fprintf(stderr, "line %d: does not hold: %s\n", line, what);
    abort();
}

static inline bool judge_knows(const struct judge *j, const struct fl_addr *address, const char *location)
{
    for (int i = 0; i < JUDGE_SENDERS; i++)
        if (fl_addr_cmp(&j->senders[i].address, address) == 0 &&
            strcmp(j->senders[i].location, location) == 0)
            return true;
    return false;
}

static inline void judge_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    struct judge *j = ctx;
    struct fl_flow *room = j->room;
    JUDGE(room ? flows == room && n <= j->room_n : n > 0 && n <= FL_BATCH);
    for (const struct fl_flow *f = flows; f < flows + n; f++) {
        JUDGE(judge_knows(j, &f->exporter, location));
        JUDGE(f->end_ms >= f->start_ms);
        JUDGE(f->start_ms > 0 && f->end_ms <= j->now_ms + j->limits.max_future_ms);
        JUDGE(f->sampling >= 1);
        JUDGE(f->time_source <= FL_TIME_RECEIVED && f->sampling_source <= FL_SAMPLING_CONFIG);
        JUDGE(f->end_reason <= FL_END_RESOURCES && f->direction <= FL_DIRECTION_EGRESS);
        JUDGE(f->event <= FL_EVENT_UPDATE);
    }
    j->n += n;
    j->flows += n;
    if (n)
        j->last = flows[n - 1];
    free(room);
    j->room = NULL;
}

/* Room of exactly so many, two times of three. */
static inline struct fl_flow *judge_room(void *ctx, const char *location, size_t n)
{
    struct judge *j = ctx;
    JUDGE(!j->room && n > 0 && n <= FL_BATCH);
    if (j->asked++ % 3 == 0)
        return NULL;
    j->room = malloc(n * sizeof *j->room);
    JUDGE(j->room);
    memset(j->room, 0xa5, n * sizeof *j->room);
    j->room_n = n;
    return j->room;
}

static inline void judge_limit(struct fl_decoder_limits *limits)
{
    fl_decoder_limits_init(limits);
    limits->sessions = JUDGE_SESSIONS;
    limits->sessions_address = JUDGE_SESSIONS / 2;
    limits->templates = JUDGE_TEMPLATES;
    limits->template_bytes = 1 << 16;
    limits->template_bytes_address = 1 << 15;
    limits->held_bytes = 8192;
    limits->held_bytes_address = 12288;
    limits->held_bytes_all = 16384;
}

static inline void judge_open(struct judge *j)
{
    static const struct fl_addr six = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    memset(j, 0, sizeof *j);
    judge_limit(&j->limits);
    j->senders[0] = (struct fl_sender){fl_addr_v4(0xc0000201), 4000, "lab", 0};
    j->senders[1] = (struct fl_sender){fl_addr_v4(0xc0000201), 4001, "lab", 0};
    j->senders[2] = (struct fl_sender){fl_addr_v4(0xc0000202), 4000, "office", 10};
    j->senders[3] = (struct fl_sender){six, 4000, "far", 0};
    j->now_ms = T0;
    JUDGE(fl_decoder_new(&j->d, &j->limits, judge_flows, j) == 0);
    fl_decoder_set_room(j->d, judge_room);
}

/* Every datagram and every flow stands in one session's figures, as long as no session had to go. */
static inline void judge_stats(struct judge *j)
{
    size_t n = fl_decoder_stats(j->d, j->stats, JUDGE_SESSIONS);
    uint64_t packets = fl_decoder_stray(j->d), flows = 0;
    j->duplicates = 0;
    JUDGE(n <= JUDGE_SESSIONS);
    for (const struct fl_exporter_stats *s = j->stats; s < j->stats + n; s++) {
        JUDGE(judge_knows(j, &s->address, s->location));
        JUDGE(s->templates <= j->limits.templates);
        JUDGE((s->templates == 0) == (s->template_oldest_ms == 0));
        JUDGE(s->template_oldest_ms <= s->template_newest_ms && s->template_newest_ms <= j->now_ms);
        JUDGE(s->sampling >= 1 && s->active_timeout_ms >= 0 && s->inactive_timeout_ms >= 0);
        JUDGE(s->reordered <= s->packets && s->duplicates <= s->packets);
        JUDGE(s->time_fallbacks <= s->flows && s->flows_per_s >= 0);
        JUDGE(s->first_seen_ms <= s->last_seen_ms);
        packets += s->packets;
        flows += s->flows;
        j->duplicates += s->duplicates;
    }
    if (fl_decoder_dropped(j->d))
        return;
    JUDGE(packets == j->datagrams);
    JUDGE(flows == j->flows);
}

/* Decode one datagram from a block of exactly its size. Returns what fl_decode returned. */
static inline int judge_feed(struct judge *j, const uint8_t *bytes, size_t length)
{
    uint64_t dropped = fl_decoder_dropped(j->d);
    uint8_t *exact = malloc(length ? length : 1);
    JUDGE(exact);
    if (length)
        memcpy(exact, bytes, length);
    j->n = 0;
    j->datagrams++;
    int code = fl_decode(j->d, exact, length, &j->senders[j->from], j->now_ms);
    free(exact);
    JUDGE(code >= 0 || code == FL_EMALF);
    JUDGE(!j->room);
    judge_stats(j);
    /* A session that goes hands on what waited in it, which is not this datagram's. */
    JUDGE(fl_decoder_dropped(j->d) > dropped || j->n == (size_t)(code < 0 ? 0 : code));
    return code;
}

static inline void judge_tick(struct judge *j, int64_t ms)
{
    j->now_ms += ms;
    fl_decoder_tick(j->d, j->now_ms);
    judge_stats(j);
}

static inline void judge_sound_ipfix(struct wire *w, int64_t now_ms, uint32_t sequence, bool template)
{
    static const unsigned fields[][2] = {{8, 4}, {12, 4}, {7, 2}, {2, 4}};
    ipfix_header(w, (uint32_t)(now_ms / 1000), sequence);
    patch16(w, 12, 0xfefe); /* a domain of its own: nothing waits there */
    if (template)
        template_set(w, 2, 256, fields, 4);
    size_t at = set_open(w, 256);
    put(w, 0x0a0000010a000002, 8);
    put(w, 4321, 2);
    put(w, 7, 4);
    set_close(w, at);
    ipfix_close(w);
}

/* Whatever came before, a sound datagram gives its flow: NetFlow v5, then IPFIX with its template. */
static inline void judge_sound(struct judge *j)
{
    static struct wire w;
    v5_header(&w, 1, 60000, j->now_ms, 0, 0);
    v5_record(&w, 1000, 2000);
    patch16(&w, 20, 0xfefe);
    JUDGE(judge_feed(j, w.b, w.n) == 1);
    JUDGE(j->last.src_port == 1234 && j->last.packets == 5 && j->last.end_ms - j->last.start_ms == 1000);
    judge_sound_ipfix(&w, j->now_ms, 0, true);
    JUDGE(judge_feed(j, w.b, w.n) == 1);
    JUDGE(j->last.src_port == 4321 && j->last.packets == 7 && j->last.src.b[15] == 1);
}

/* A next life of the decoder, which is told the templates of this one. */
struct judge_heir {
    struct fl_decoder *d;
    size_t n;
    struct caught caught;
};

static inline int judge_inherit(void *ctx, const struct fl_wire_template *t)
{
    struct judge_heir *heir = ctx;
    JUDGE(t->id >= 256 && (t->version == 9 || t->version == 10));
    heir->n++;
    if (t->length)
        JUDGE(fl_decoder_restore(heir->d, t) == 0);
    return 0;
}

/* Every template that is told of can be restored, once; the sound session goes on without sending its own. */
static inline void judge_restart(struct judge *j)
{
    static struct judge_heir heir;
    static struct wire w;
    struct fl_decoder_limits limits;
    fl_decoder_limits_init(&limits);
    heir.n = heir.caught.n = 0;
    JUDGE(fl_decoder_new(&heir.d, &limits, catch_flows, &heir.caught) == 0);
    JUDGE(fl_decoder_changed_templates(j->d, judge_inherit, &heir) == 0);
    size_t told = heir.n;
    JUDGE(told > 0 && fl_decoder_changed_templates(j->d, judge_inherit, &heir) == 0 && heir.n == told);
    judge_sound_ipfix(&w, j->now_ms, 1, false);
    JUDGE(fl_decode(heir.d, w.b, w.n, &j->senders[j->from], j->now_ms) == 1);
    JUDGE(heir.caught.n == 1 && heir.caught.flows[0].src_port == 4321);
    fl_decoder_free(heir.d);
}

static inline void judge_close(struct judge *j)
{
    judge_sound(j);
    judge_restart(j);
    fl_decoder_flush(j->d, j->now_ms);
    judge_stats(j);
    for (size_t i = 0; i < JUDGE_SESSIONS; i++)
        JUDGE(j->stats[i].waiting == 0);
    fl_decoder_free(j->d);
}

#endif
