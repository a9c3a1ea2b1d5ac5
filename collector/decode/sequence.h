/* Loss from sequence numbers that wrap at 2^32.
 *
 * What an exporter counts is its habit. The standards: NetFlow v5 counts flow records, NetFlow v9 datagrams
 * (RFC 3954 section 5.1), IPFIX data records, options data included (RFC 7011 section 3.1); the datagram's
 * own units are not yet in its number. Exporters that do otherwise are known by watching: each habit keeps
 * books of its own, and the one whose predictions come true is believed. So an exporter of another habit is
 * told within a few datagrams, and what its numbers seemed to say before then is forgotten.
 *
 * In the books of a counting, a datagram that begins where the one before ended is in order. One that begins
 * further on leaves a gap: loss. One that comes late, by no more than a window, and fills a gap gives back
 * what was counted as lost: reordering. Late without filling a gap, three of them in a row that follow each
 * other are a restart, fewer are reordering whose gap was forgotten. Behind the window, or ahead by more than
 * 2^24, is a restart, which is not loss.
 *
 * A duplicate is certain, and is to be dropped, when one of the last FL_RECENT datagrams that moved the count
 * had the same number and, down to the last byte, the same content (a 64-bit fingerprint of it), and the
 * habit is not to stand still. */
#ifndef FL_COLLECTOR_SEQUENCE_H
#define FL_COLLECTOR_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FL_SEQUENCE_GAPS = 16, FL_RECENT = 32 };

enum fl_counting {
    FL_COUNTS_DATAGRAMS,
    FL_COUNTS_RECORDS,      /* data records, options data too */
    FL_COUNTS_RECORDS_WITH, /* the datagram's own are already in its number */
    FL_COUNTS_FLOWS,        /* data records that are not options data */
    FL_COUNTS_FLOWS_WITH,
    FL_COUNTS_STILL, /* always the same number: nothing can be told */
    FL_COUNTINGS
};

/* A datagram, in every unit. */
struct fl_step {
    uint32_t number;
    uint32_t records, flows;
    bool uncounted;       /* it has data whose template is not known: records and flows are not all */
    uint64_t fingerprint; /* fl_fingerprint of all of it */
};

struct fl_books {
    bool known; /* false: the next datagram starts the count */
    bool loose; /* the last datagram's end is not known: a step ahead is no loss */
    uint8_t trust, strays;
    uint32_t next, stray_next;
    uint64_t lost, reordered, restarts;
    size_t n_gaps, newest; /* a ring */
    struct fl_gap {
        uint32_t from, length;
    } gaps[FL_SEQUENCE_GAPS];
};

struct fl_sequence {
    enum fl_counting counting; /* the one believed */
    struct fl_step last;       /* the newest in order */
    bool any;                  /* there is a last */
    uint64_t restarts;         /* told by fl_sequence_restart */
    struct fl_books books[FL_COUNTINGS];
    size_t n_recent; /* ever; the rings hold the last FL_RECENT */
    uint32_t recent[FL_RECENT];
    uint64_t fingerprints[FL_RECENT];
};

/* `usual`: the dialect's counting, believed until another one proves better. */
void fl_sequence_init(struct fl_sequence *s, enum fl_counting usual);
uint64_t fl_fingerprint(const uint8_t *bytes, size_t length);
/* Is a datagram with this number certainly a duplicate? To be asked before fl_sequence_update, which a
 * duplicate must not be given to. */
bool fl_sequence_seen(const struct fl_sequence *s, uint32_t number, uint64_t fingerprint);
void fl_sequence_update(struct fl_sequence *s, const struct fl_step *step);
/* The exporter's boot time changed at a datagram with this number, which is to be given to fl_sequence_update
 * next. When the number goes on, its clock was set, and that is no restart. */
void fl_sequence_restart(struct fl_sequence *s, uint32_t number);
/* The totals, in the units of the habit believed. */
uint64_t fl_sequence_lost(const struct fl_sequence *s);
uint64_t fl_sequence_reordered(const struct fl_sequence *s);
uint64_t fl_sequence_restarts(const struct fl_sequence *s);

#endif
