/* The faults, byte by byte. The comments say what libfixbuf 2.4.1 does with such bytes when nothing stands
 * before it (seen by feeding it directly; "v9" is its own translator on its own socket). */
#include "tests/collector/decode/faults.h"

enum { NOW_S = 1655071209 };

static const unsigned pair[][2] = {{8, 4}, {12, 4}};
static const unsigned zero_lengths[][2] = {{8, 0}, {12, 0}};
static const unsigned with_name[][2] = {{8, 4}, {12, 4}, {82, 65535}};

static void open_v9(struct wire *w, int step)
{
    v9_header(w, 209000, NOW_S, (uint32_t)step);
}

static void open_ipfix(struct wire *w)
{
    ipfix_header(w, NOW_S, 0);
}

/* A data set of `n` bytes: as many addresses as fit. */
static void data(struct wire *w, unsigned id, unsigned n)
{
    size_t at = set_open(w, id);
    for (unsigned i = 0; i < n; i++)
        put(w, i % 4 == 0 ? 10 : i, 1);
    set_close(w, at);
}

static void v9_pair(struct wire *w, int step, const unsigned (*fields)[2], unsigned n)
{
    open_v9(w, step);
    if (step == 0)
        template_set(w, 0, 256, fields, n);
    else
        data(w, 256, 8);
}

static void options_v9(struct wire *w, unsigned scope_bytes, unsigned option_bytes, unsigned n)
{
    open_v9(w, 0);
    size_t at = set_open(w, 1);
    put(w, 256, 2);
    put(w, scope_bytes, 2);
    put(w, option_bytes, 2);
    for (unsigned i = 0; i < n; i++) {
        put(w, i ? 34 : 1, 2);
        put(w, 4, 2);
    }
    set_close(w, at);
}

static void options_ipfix(struct wire *w, unsigned n, unsigned scopes)
{
    open_ipfix(w);
    size_t at = set_open(w, 3);
    put(w, 256, 2);
    put(w, n, 2);
    put(w, scopes, 2);
    for (unsigned i = 0; i < n; i++) {
        put(w, i ? 34 : 149, 2);
        put(w, 4, 2);
    }
    set_close(w, at);
    ipfix_close(w);
}

/* ---- templates ---- */

/* v9: SIGFPE at the data set, which divides by the record's length. */
static void v9_sigfpe_zero_fields(struct wire *w, int step)
{
    v9_pair(w, step, NULL, 0);
}

/* v9: SIGFPE likewise. */
static void v9_sigfpe_zero_lengths(struct wire *w, int step)
{
    v9_pair(w, step, zero_lengths, 2);
}

/* v9: SIGFPE likewise: the sum of the lengths is kept in 16 bits and is zero there. */
static void v9_sigfpe_length_wraps(struct wire *w, int step)
{
    static const unsigned halves[][2] = {{8, 32768}, {12, 32768}};
    v9_pair(w, step, halves, 2);
}

/* v9: SIGFPE likewise. */
static void v9_sigfpe_options_zero_lengths(struct wire *w, int step)
{
    open_v9(w, step);
    if (step) {
        data(w, 256, 8);
        return;
    }
    options_v9(w, 4, 4, 0);
    put(w, 0x00010000, 4);
    put(w, 0x00220000, 4);
    set_close(w, 20);
}

/* IPFIX: endless loop: a record of no bytes comes again and again. For us it is a withdrawal (RFC 7011
 * section 8.1), and the data set waits for a template. */
static void ipfix_template_zero_fields(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, NULL, 0);
    data(w, 256, 8);
    ipfix_close(w);
}

/* IPFIX: endless loop, likewise. */
static void ipfix_template_zero_lengths(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, zero_lengths, 2);
    data(w, 256, 8);
    ipfix_close(w);
}

/* IPFIX: taken as a template without fields, and an endless loop at the next data set. For us a set that is
 * all zeros is padding, and the data set waits for a template. */
static void ipfix_withdraw_id_0(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 0, NULL, 0);
    data(w, 256, 8);
    ipfix_close(w);
}

/* v9: template ids that are set ids of something else; the library's own tables know 256 and on. */
static void v9_template_id_255(struct wire *w, int step)
{
    open_v9(w, step);
    template_set(w, 0, 255, pair, 2);
}

static void v9_template_id_0(struct wire *w, int step)
{
    open_v9(w, step);
    template_set(w, 0, 0, pair, 2);
}

static void ipfix_template_id_255(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 255, pair, 2);
    ipfix_close(w);
}

static void ipfix_template_id_0(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 0, pair, 2);
    ipfix_close(w);
}

static void v9_template_beyond_set(struct wire *w, int step)
{
    open_v9(w, step);
    template_set(w, 0, 256, pair, 2);
    patch16(w, 26, 3);
}

static void ipfix_template_beyond_set(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, pair, 2);
    patch16(w, 22, 200);
    ipfix_close(w);
}

static void ipfix_template_enterprise_cut(struct wire *w, int step)
{
    static const unsigned own[][2] = {{8, 4}, {0x8001, 4}};
    open_ipfix(w);
    template_set(w, 2, 256, own, 2);
    ipfix_close(w);
}

/* RFC 3954 knows no variable lengths: the record would be longer than any datagram. */
static void v9_template_variable_length(struct wire *w, int step)
{
    open_v9(w, step);
    template_set(w, 0, 256, with_name, 3);
}

static void v9_template_record_too_long(struct wire *w, int step)
{
    static const unsigned big[][2] = {{8, 4}, {12, 4}, {210, 65000}, {82, 600}};
    open_v9(w, step);
    template_set(w, 0, 256, big, 4);
}

/* IPFIX: loading takes time with the square of the fields: 5 s for 16,000 in one datagram. */
static void ipfix_template_300_fields(struct wire *w, int step)
{
    enum { MANY = 300 };
    open_ipfix(w);
    size_t at = set_open(w, 2);
    put(w, 256, 2);
    put(w, MANY, 2);
    for (int i = 0; i < MANY; i++)
        put(w, 0x00d20001, 4);
    set_close(w, at);
    ipfix_close(w);
}

static void v9_options_scope_odd(struct wire *w, int step)
{
    options_v9(w, 6, 4, 3);
}

static void v9_options_length_odd(struct wire *w, int step)
{
    options_v9(w, 4, 3, 2);
}

static void v9_options_zero_fields(struct wire *w, int step)
{
    options_v9(w, 0, 0, 0);
}

static void v9_options_beyond_set(struct wire *w, int step)
{
    options_v9(w, 4, 400, 2);
}

static void ipfix_options_scope_zero(struct wire *w, int step)
{
    options_ipfix(w, 2, 0);
}

static void ipfix_options_scope_beyond_fields(struct wire *w, int step)
{
    options_ipfix(w, 1, 9);
}

/* ---- sets ---- */

static void v9_set_shorter_than_record(struct wire *w, int step)
{
    open_v9(w, step);
    template_set(w, 0, 256, pair, 2);
    data(w, 256, 4);
}

/* IPFIX: with the template known, one record of the bytes that stand behind the message. */
static void ipfix_set_shorter_than_record(struct wire *w, int step)
{
    open_ipfix(w);
    if (step == 0)
        template_set(w, 2, 256, pair, 2);
    data(w, 256, step ? 3 : 8);
    ipfix_close(w);
}

/* IPFIX: reads the length of the name, one byte behind the message. */
static void ipfix_set_ends_before_variable_length(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, with_name, 3);
    data(w, 256, 8);
    ipfix_close(w);
}

static void ipfix_variable_length_beyond_set(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, with_name, 3);
    size_t at = set_open(w, 256);
    put(w, 0x0a0000010a000002, 8);
    put(w, 200, 1);
    set_close(w, at);
    ipfix_close(w);
}

static void ipfix_long_variable_length_cut(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, with_name, 3);
    size_t at = set_open(w, 256);
    put(w, 0x0a0000010a000002, 8);
    put(w, 0xff00, 2);
    set_close(w, at);
    ipfix_close(w);
}

/* Sound: a name of no bytes is the last thing in the message; the library looks one byte further. */
static void ipfix_slack_byte(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, with_name, 3);
    size_t at = set_open(w, 256);
    put(w, 0x0a0000010a000002, 8);
    put(w, 0, 1);
    set_close(w, at);
    ipfix_close(w);
}

static void v9_set_length_0(struct wire *w, int step)
{
    open_v9(w, step);
    put(w, 256, 2);
    put(w, 0, 2);
}

static void v9_set_length_3(struct wire *w, int step)
{
    open_v9(w, step);
    put(w, 256, 2);
    put(w, 3, 2);
}

/* IPFIX: refused, but without fBufRewind the sound message that follows is lost with it. */
static void ipfix_set_length_3_without_rewind(struct wire *w, int step)
{
    open_ipfix(w);
    if (step == 0) {
        put(w, 256, 2);
        put(w, 3, 2);
    } else {
        template_set(w, 2, 256, pair, 2);
        data(w, 256, 8);
    }
    ipfix_close(w);
}

static void v9_set_beyond_datagram(struct wire *w, int step)
{
    open_v9(w, step);
    template_set(w, 0, 256, pair, 2);
    data(w, 256, 8);
    patch16(w, w->n - 10, 13);
}

static void ipfix_set_beyond_datagram(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, pair, 2);
    data(w, 256, 8);
    patch16(w, w->n - 10, 400);
    ipfix_close(w);
}

static void v9_trailing_bytes(struct wire *w, int step)
{
    open_v9(w, step);
    template_set(w, 0, 256, pair, 2);
    put(w, 7, 2);
}

/* ---- headers ---- */

static void ipfix_length_beyond_datagram(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, pair, 2);
    patch16(w, 2, w->n + 1);
}

static void ipfix_length_short_of_datagram(struct wire *w, int step)
{
    open_ipfix(w);
    template_set(w, 2, 256, pair, 2);
    patch16(w, 2, w->n - 4);
}

static void v5_count_beyond_datagram(struct wire *w, int step)
{
    v5_header(w, 2, 60000, T0, 0, 0);
    v5_record(w, 1000, 2000);
}

static void v5_count_short_of_datagram(struct wire *w, int step)
{
    v5_header(w, 1, 60000, T0, 0, 0);
    v5_record(w, 1000, 2000);
    v5_record(w, 1000, 2000);
}

static void v5_count_zero(struct wire *w, int step)
{
    v5_header(w, 0, 60000, T0, 0, 0);
}

static void v5_header_cut(struct wire *w, int step)
{
    v5_header(w, 1, 60000, T0, 0, 0);
    w->n = 23;
}

static void v9_header_cut(struct wire *w, int step)
{
    open_v9(w, step);
    w->n = 19;
}

static void ipfix_header_cut(struct wire *w, int step)
{
    open_ipfix(w);
    w->n = 15;
}

static void empty(struct wire *w, int step)
{
    w->n = 0;
}

static void version_8(struct wire *w, int step)
{
    open_v9(w, step);
    patch16(w, 0, 8);
}

#define REFUSED(name, build)                                                                                 \
    {                                                                                                        \
        name, build, 1,                                                                                      \
        {                                                                                                    \
            FL_EMALF                                                                                         \
        }                                                                                                    \
    }
#define PAIR(name, build, first, second)                                                                     \
    {                                                                                                        \
        name, build, 2,                                                                                      \
        {                                                                                                    \
            first, second                                                                                    \
        }                                                                                                    \
    }

const struct fault faults[] = {
    REFUSED("empty", empty),
    REFUSED("version-8", version_8),
    REFUSED("v5-header-cut", v5_header_cut),
    REFUSED("v5-count-zero", v5_count_zero),
    REFUSED("v5-count-beyond-datagram", v5_count_beyond_datagram),
    REFUSED("v5-count-short-of-datagram", v5_count_short_of_datagram),
    REFUSED("v9-header-cut", v9_header_cut),
    PAIR("v9-sigfpe-zero-fields", v9_sigfpe_zero_fields, FL_EMALF, 0),
    PAIR("v9-sigfpe-zero-lengths", v9_sigfpe_zero_lengths, FL_EMALF, 0),
    PAIR("v9-sigfpe-length-wraps", v9_sigfpe_length_wraps, FL_EMALF, 0),
    PAIR("v9-sigfpe-options-zero-lengths", v9_sigfpe_options_zero_lengths, FL_EMALF, 0),
    REFUSED("v9-template-id-255", v9_template_id_255),
    REFUSED("v9-template-id-0", v9_template_id_0),
    REFUSED("v9-template-beyond-set", v9_template_beyond_set),
    REFUSED("v9-template-variable-length", v9_template_variable_length),
    REFUSED("v9-template-record-too-long", v9_template_record_too_long),
    REFUSED("v9-options-scope-odd", v9_options_scope_odd),
    REFUSED("v9-options-length-odd", v9_options_length_odd),
    REFUSED("v9-options-zero-fields", v9_options_zero_fields),
    REFUSED("v9-options-beyond-set", v9_options_beyond_set),
    REFUSED("v9-set-shorter-than-record", v9_set_shorter_than_record),
    REFUSED("v9-set-length-0", v9_set_length_0),
    REFUSED("v9-set-length-3", v9_set_length_3),
    REFUSED("v9-set-beyond-datagram", v9_set_beyond_datagram),
    REFUSED("v9-trailing-bytes", v9_trailing_bytes),
    REFUSED("ipfix-header-cut", ipfix_header_cut),
    REFUSED("ipfix-length-beyond-datagram", ipfix_length_beyond_datagram),
    REFUSED("ipfix-length-short-of-datagram", ipfix_length_short_of_datagram),
    {"ipfix-template-zero-fields", ipfix_template_zero_fields, 1, {0}},
    REFUSED("ipfix-template-zero-lengths", ipfix_template_zero_lengths),
    REFUSED("ipfix-template-id-255", ipfix_template_id_255),
    REFUSED("ipfix-template-id-0", ipfix_template_id_0),
    {"ipfix-withdraw-id-0", ipfix_withdraw_id_0, 1, {0}},
    REFUSED("ipfix-template-beyond-set", ipfix_template_beyond_set),
    REFUSED("ipfix-template-enterprise-cut", ipfix_template_enterprise_cut),
    REFUSED("ipfix-template-300-fields", ipfix_template_300_fields),
    REFUSED("ipfix-options-scope-zero", ipfix_options_scope_zero),
    REFUSED("ipfix-options-scope-beyond-fields", ipfix_options_scope_beyond_fields),
    PAIR("ipfix-set-shorter-than-record", ipfix_set_shorter_than_record, 1, FL_EMALF),
    REFUSED("ipfix-set-ends-before-variable-length", ipfix_set_ends_before_variable_length),
    REFUSED("ipfix-variable-length-beyond-set", ipfix_variable_length_beyond_set),
    REFUSED("ipfix-long-variable-length-cut", ipfix_long_variable_length_cut),
    {"ipfix-slack-byte", ipfix_slack_byte, 1, {1}},
    PAIR("ipfix-set-length-3-without-rewind", ipfix_set_length_3_without_rewind, FL_EMALF, 1),
    REFUSED("ipfix-set-beyond-datagram", ipfix_set_beyond_datagram),
};
const size_t n_faults = sizeof faults / sizeof faults[0];
