/* Reading of captures through libpcap, and of messages end to end. */
#include "collector/import/exports.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "collector/import/fragment.h"
#include "collector/import/packet.h"

enum { WINDOW = 1 << 17, MESSAGE_BYTES = 65535 };

struct fl_exports {
    FILE *stream;
    struct fl_export_counts counts;
    /* a capture */
    pcap_t *pcap;
    int link;
    struct fl_fragments *fragments;
    /* messages */
    uint8_t *window; /* WINDOW bytes */
    size_t from, to; /* those not yet handed on */
    uint64_t offset; /* of `from` in the file */
    bool ended;
};

/* ---- messages end to end ---- */

static size_t v9_length(const uint8_t *bytes, size_t length)
{
    struct fl_cursor c = fl_cursor_over(bytes, length);
    fl_cursor_skip(&c, 20);
    while (fl_cursor_left(&c) >= 4) {
        size_t at = length - fl_cursor_left(&c);
        uint32_t id = fl_cursor_read(&c, 2), size = fl_cursor_read(&c, 2);
        if (id == 5 || id == 9 || id == 10)
            return at;
        if (size < 4)
            return length;
        fl_cursor_skip(&c, size - 4);
    }
    return length;
}

size_t fl_message_length(const uint8_t *bytes, size_t length)
{
    struct fl_cursor c = fl_cursor_over(bytes, length);
    uint32_t version = fl_cursor_read(&c, 2), second = fl_cursor_read(&c, 2);
    size_t own = length;
    if (version == 5)
        own = 24 + 48 * (size_t)second;
    else if (version == 10)
        own = second >= 16 ? second : length;
    else if (version == 9)
        own = v9_length(bytes, length);
    return own < length ? own : length;
}

int64_t fl_message_time_us(const uint8_t *bytes, size_t length)
{
    struct fl_cursor c = fl_cursor_over(bytes, length);
    uint32_t version = fl_cursor_read(&c, 2);
    fl_cursor_skip(&c, version == 10 ? 2 : 6);
    int64_t seconds = fl_cursor_read(&c, 4), nanos = version == 5 ? fl_cursor_read(&c, 4) : 0;
    return c.bad ? 0 : seconds * 1000000 + nanos / 1000;
}

static int fill(struct fl_exports *e, struct fl_err *err)
{
    memmove(e->window, e->window + e->from, e->to - e->from);
    e->to -= e->from;
    e->from = 0;
    size_t n = fread(e->window + e->to, 1, WINDOW - e->to, e->stream);
    e->to += n;
    e->ended = n == 0 || feof(e->stream);
    return ferror(e->stream) ? fl_fail(err, FL_EIO, "cannot be read on") : 0;
}

static int next_message(struct fl_exports *e, struct fl_export *out, struct fl_err *err)
{
    int rc = 0;
    while (rc == 0 && !e->ended && e->to - e->from <= MESSAGE_BYTES)
        rc = fill(e, err);
    size_t left = e->to - e->from;
    if (rc || left == 0)
        return rc;
    const uint8_t *bytes = e->window + e->from;
    if (left < 2 || bytes[0] != 0 || (bytes[1] != 5 && bytes[1] != 9 && bytes[1] != 10))
        return fl_fail(err, FL_EMALF,
                       "no message begins at byte %llu, where the one before it ended; the rest was not read",
                       (unsigned long long)e->offset);
    size_t length = fl_message_length(bytes, left);
    if (length > MESSAGE_BYTES)
        return fl_fail(err, FL_EMALF, "the message at byte %llu does not end; the rest was not read",
                       (unsigned long long)e->offset);
    *out = (struct fl_export){fl_addr_v4(0), 0, fl_message_time_us(bytes, length), bytes, length};
    e->counts.packets++;
    e->from += length;
    e->offset += length;
    return 1;
}

/* ---- captures ---- */

static int open_capture(struct fl_exports *e, struct fl_err *err)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    e->pcap = pcap_fopen_offline(e->stream, why);
    if (!e->pcap)
        return fl_fail(err, FL_EMALF, "%s", why);
    e->stream = NULL; /* pcap_close closes it */
    e->link = pcap_datalink(e->pcap);
    e->fragments = fl_fragments_new();
    if (!e->fragments)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    if (!fl_packet_link_known(e->link))
        return fl_fail(
            err, FL_EMALF,
            "its link type is %s, which is not read; capture on an Ethernet, loopback or \"any\" interface",
            pcap_datalink_val_to_name(e->link) ? pcap_datalink_val_to_name(e->link) : "unknown");
    return 0;
}

static bool may_be_export(struct fl_exports *e, const struct fl_packet *p)
{
    struct fl_cursor c = p->payload;
    uint32_t version = fl_cursor_read(&c, 2);
    if (!c.bad && (version == 5 || version == 9 || version == 10))
        return true;
    e->counts.sflow += version == 0 && fl_cursor_read(&c, 2) == 5;
    e->counts.others++;
    return false;
}

/* Whether the packet brings a datagram that may be an export. */
static int take_packet(struct fl_exports *e, const struct pcap_pkthdr *header, const uint8_t *bytes,
                       struct fl_export *out)
{
    struct fl_packet p, whole;
    static const int64_t year_9999_s = 253402300799; /* pcapng can say anything */
    int64_t seconds = header->ts.tv_sec;
    seconds = seconds < 0 ? 0 : seconds > year_9999_s ? year_9999_s : seconds;
    int64_t time_us = seconds * 1000000 + header->ts.tv_usec % 1000000;
    int got = 0;
    e->counts.packets++;
    fl_packet_parse(e->link, bytes, header->caplen, &p);
    if (p.kind == FL_PACKET_FRAGMENT) {
        got = fl_fragments_add(e->fragments, &p, time_us, &whole);
        if (got <= 0)
            return got;
        p = whole;
    }
    e->counts.truncated += p.kind == FL_PACKET_TRUNCATED;
    e->counts.others += p.kind == FL_PACKET_OTHER;
    if (p.kind != FL_PACKET_UDP || !may_be_export(e, &p))
        return 0;
    *out = (struct fl_export){p.src, p.src_port, time_us, p.payload.at, fl_cursor_left(&p.payload)};
    return 1;
}

static int next_captured(struct fl_exports *e, struct fl_export *out, struct fl_err *err)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    for (;;) {
        int code = pcap_next_ex(e->pcap, &header, &bytes);
        if (code == PCAP_ERROR_BREAK) {
            fl_fragments_flush(e->fragments);
            return 0;
        }
        if (code != 1)
            return fl_fail(err, FL_EMALF, "cannot be read on after %llu packets: %s",
                           (unsigned long long)e->counts.packets, pcap_geterr(e->pcap));
        int got = take_packet(e, header, bytes, out);
        if (got)
            return got;
    }
}

int fl_exports_open(struct fl_exports **out, FILE *stream, enum fl_input_kind kind, struct fl_err *err)
{
    *out = NULL;
    struct fl_exports *e = calloc(1, sizeof *e);
    if (!e) {
        fclose(stream);
        return fl_fail(err, FL_ENOMEM, "out of memory");
    }
    int rc = 0;
    e->stream = stream;
    if (kind == FL_INPUT_CAPTURE)
        rc = open_capture(e, err);
    else if (!(e->window = malloc(WINDOW)))
        rc = fl_fail(err, FL_ENOMEM, "out of memory");
    if (rc)
        fl_exports_free(e);
    else
        *out = e;
    return rc;
}

void fl_exports_free(struct fl_exports *e)
{
    if (!e)
        return;
    if (e->pcap)
        pcap_close(e->pcap);
    if (e->stream)
        fclose(e->stream);
    fl_fragments_free(e->fragments);
    free(e->window);
    free(e);
}

int fl_exports_next(struct fl_exports *e, struct fl_export *out, struct fl_err *err)
{
    return e->pcap ? next_captured(e, out, err) : next_message(e, out, err);
}

struct fl_export_counts fl_exports_counts(const struct fl_exports *e)
{
    struct fl_export_counts counts = e->counts;
    if (e->fragments)
        counts.unassembled = fl_fragments_lost(e->fragments);
    return counts;
}
