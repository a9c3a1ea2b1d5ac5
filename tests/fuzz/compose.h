/* Sound NetFlow v9 datagrams and IPFIX messages out of fuzz bytes, so that mutations reach what stands behind
 * the checks: set lengths, field counts and headers are always right, their content is the input's.
 *
 * The input is a list of steps, one byte and what belongs to it (numbers big-endian, zero behind the end):
 *     0  id, fields-1, (element in 2, length) each     a template
 *     1  id, scopes, fields-1, likewise                an options template
 *     2  id, bytes in 2, bytes                         a data set
 *     3  id, records-1, seed byte                      a data set of whole records of the template
 *     4  flags, number                                 send what is there and go on with the next datagram
 *     5  id                                            IPFIX: withdraw the template; v9: padding
 *     6  id in 2, bytes, bytes                         any set
 *     7  id                                            its template once more in this datagram
 * An id counts from 256; a length of 255 is variable; an element's top bit (IPFIX) is followed by one byte
 * for the enterprise. Flags: 1 another domain, 2 an uptime follows (4 bytes), 4 a minute passes, 8 the number
 * goes back. */
#ifndef FL_TESTS_FUZZ_COMPOSE_H
#define FL_TESTS_FUZZ_COMPOSE_H

#include "collector/decode/cursor.h"
#include "tests/fuzz/judge.h"

enum { COMPOSE_IDS = 12, COMPOSE_FIELDS = 64, COMPOSE_ROOM = 60000 };

struct composer {
    struct judge judge;
    struct fl_cursor in;
    struct wire w;
    unsigned version;
    uint32_t sequence, uptime_ms, domain;
    size_t record_bytes[COMPOSE_IDS]; /* 0: no template; at least, when it has variable lengths */
    size_t template_at[COMPOSE_IDS], template_bytes[COMPOSE_IDS]; /* in this datagram */
};

static inline void compose_open(struct composer *c)
{
    memset(c->template_bytes, 0, sizeof c->template_bytes);
    if (c->version == 9)
        v9_header(&c->w, c->uptime_ms, (uint32_t)(c->judge.now_ms / 1000), c->sequence);
    else
        ipfix_header(&c->w, (uint32_t)(c->judge.now_ms / 1000), c->sequence);
    c->w.n -= 4;
    put(&c->w, c->domain, 4);
}

static inline void compose_send(struct composer *c)
{
    uint32_t flags = fl_cursor_read(&c->in, 1), number = fl_cursor_read(&c->in, 1);
    if (c->version == 10)
        ipfix_close(&c->w);
    (void)judge_feed(&c->judge, c->w.b, c->w.n);
    c->uptime_ms = flags & 2 ? fl_cursor_read(&c->in, 4) : c->uptime_ms + 100;
    judge_tick(&c->judge, flags & 4 ? 60000 : 100);
    c->sequence = flags & 8 ? c->sequence - number : c->sequence + number;
    c->domain = flags & 1 ? 8 : 7;
    compose_open(c);
}

static inline size_t compose_field(struct composer *c)
{
    uint32_t element = fl_cursor_read(&c->in, 2), length = fl_cursor_read(&c->in, 1);
    bool variable = length == 255 && c->version == 10;
    put(&c->w, element, 2);
    put(&c->w, variable ? 65535 : length, 2);
    if (c->version == 10 && element & 0x8000) {
        uint32_t enterprise = fl_cursor_read(&c->in, 1);
        put(&c->w, enterprise ? enterprise : 29305, 4);
    }
    return variable ? 1 : length;
}

static inline void compose_template(struct composer *c, unsigned id, bool options)
{
    uint32_t scopes = options ? 1 + fl_cursor_read(&c->in, 1) % 3 : 0;
    uint32_t n = 1 + fl_cursor_read(&c->in, 1) % COMPOSE_FIELDS, record = 0;
    scopes = scopes < n ? scopes : n;
    size_t at = set_open(&c->w, (c->version == 9 ? 0 : 2) + options);
    put(&c->w, 256 + id, 2);
    if (!options) {
        put(&c->w, n, 2);
    } else if (c->version == 9) {
        put(&c->w, scopes * 4, 2);
        put(&c->w, (n - scopes) * 4, 2);
    } else {
        put(&c->w, n, 2);
        put(&c->w, scopes, 2);
    }
    for (uint32_t i = 0; i < n; i++)
        record += (uint32_t)compose_field(c);
    set_close(&c->w, at);
    c->record_bytes[id] = record;
    c->template_at[id] = at;
    c->template_bytes[id] = c->w.n - at;
}

static inline void compose_bytes(struct composer *c, size_t n)
{
    for (size_t i = 0; i < n && i < COMPOSE_ROOM / 4 && fl_cursor_left(&c->in); i++)
        put(&c->w, fl_cursor_read(&c->in, 1), 1);
}

static inline void compose_records(struct composer *c, unsigned id)
{
    size_t n = (1 + fl_cursor_read(&c->in, 1) % 8) * c->record_bytes[id];
    uint32_t seed = fl_cursor_read(&c->in, 1);
    for (size_t i = 0; i < n && i < COMPOSE_ROOM / 4; i++)
        put(&c->w, seed + i * 29, 1);
}

static inline void compose_set(struct composer *c, unsigned set_id, size_t n)
{
    size_t at = set_open(&c->w, set_id);
    compose_bytes(c, n);
    set_close(&c->w, at);
}

static inline void compose_withdraw(struct composer *c, unsigned id)
{
    if (c->version == 9) {
        compose_set(c, 256 + id, 0);
        return;
    }
    size_t at = set_open(&c->w, 2);
    put(&c->w, 256 + id, 2);
    put(&c->w, 0, 2);
    set_close(&c->w, at);
    c->record_bytes[id] = 0;
}

static inline void compose_again(struct composer *c, unsigned id)
{
    for (size_t i = 0; i < c->template_bytes[id]; i++)
        put(&c->w, c->w.b[c->template_at[id] + i], 1);
}

static inline void compose_step(struct composer *c)
{
    uint32_t step = fl_cursor_read(&c->in, 1) % 8;
    if (step == 4) {
        compose_send(c);
        return;
    }
    if (step == 6) {
        uint32_t set_id = fl_cursor_read(&c->in, 2), n = fl_cursor_read(&c->in, 1);
        compose_set(c, set_id, n);
        return;
    }
    unsigned id = fl_cursor_read(&c->in, 1) % COMPOSE_IDS;
    size_t at;
    switch (step) {
    case 0:
    case 1:
        compose_template(c, id, step == 1);
        break;
    case 2:
        compose_set(c, 256 + id, fl_cursor_read(&c->in, 2));
        break;
    case 3:
        at = set_open(&c->w, 256 + id);
        compose_records(c, id);
        set_close(&c->w, at);
        break;
    case 5:
        compose_withdraw(c, id);
        break;
    default:
        compose_again(c, id);
    }
}

/* Act the input's steps on a decoder of one's own, judged throughout. */
static inline void compose(struct composer *c, unsigned version, const uint8_t *data, size_t size)
{
    memset(c->record_bytes, 0, sizeof c->record_bytes);
    judge_open(&c->judge);
    c->in = fl_cursor_over(data, size);
    c->version = version;
    c->sequence = 0;
    c->uptime_ms = 60000;
    c->domain = 7;
    compose_open(c);
    while (fl_cursor_left(&c->in)) {
        if (c->w.n > COMPOSE_ROOM / 2)
            compose_send(c);
        compose_step(c);
    }
    compose_send(c);
    judge_close(&c->judge);
}

#endif
