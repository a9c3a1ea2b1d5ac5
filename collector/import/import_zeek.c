/* Zeek's conn.log to flow records. Both forms become texts a field first, so that there is one reading of
 * them. */
#include "collector/import/import_zeek.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/timetext.h"

enum { NUMBER_TEXT = 48 };

static const char *const names[FL_ZEEK_FIELDS] = {
    [FL_ZEEK_TS] = "ts",
    [FL_ZEEK_ORIG_H] = "id.orig_h",
    [FL_ZEEK_ORIG_P] = "id.orig_p",
    [FL_ZEEK_RESP_H] = "id.resp_h",
    [FL_ZEEK_RESP_P] = "id.resp_p",
    [FL_ZEEK_PROTO] = "proto",
    [FL_ZEEK_DURATION] = "duration",
    [FL_ZEEK_ORIG_BYTES] = "orig_bytes",
    [FL_ZEEK_RESP_BYTES] = "resp_bytes",
    [FL_ZEEK_HISTORY] = "history",
    [FL_ZEEK_ORIG_PKTS] = "orig_pkts",
    [FL_ZEEK_ORIG_IP_BYTES] = "orig_ip_bytes",
    [FL_ZEEK_RESP_PKTS] = "resp_pkts",
    [FL_ZEEK_RESP_IP_BYTES] = "resp_ip_bytes",
    [FL_ZEEK_IP_PROTO] = "ip_proto",
};

/* A connection as texts; NULL: not told. */
struct conn {
    const char *text[FL_ZEEK_FIELDS];
};

/* ---- values ---- */

static int bad(enum fl_zeek_field field, const char *text, const char *what, struct fl_err *err)
{
    return fl_fail(err, FL_EMALF, "%s \"%.60s\" is not %s", names[field], text, what);
}

/* "1655071198.444458" to milliseconds, cut. Nothing but digits and one point. */
static bool decimal_ms(const char *text, int64_t *out)
{
    char *end;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 15)
        return false;
    int64_t ms = strtoll(text, &end, 10) * 1000, unit = 100;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
            ms += (*end - '0') * unit;
    *out = ms;
    return *end == '\0';
}

/* Seconds since 1970, as Zeek writes them by itself; RFC 3339 or milliseconds, as it can be told to. */
static bool read_time(const char *text, int64_t *out)
{
    static const int64_t year_5138_ms = 100000000000000;
    if (!decimal_ms(text, out))
        return strchr(text, ':') && fl_time_parse(text, 0, out) == 0;
    if (*out >= year_5138_ms)
        *out /= 1000;
    return true;
}

/* A number; what is not told or no number is 0. */
static uint64_t read_count(const char *text)
{
    char *end;
    if (!text || *text < '0' || *text > '9')
        return 0;
    uint64_t n = strtoull(text, &end, 10);
    return *end ? 0 : n;
}

static bool read_port(const char *text, uint16_t *out)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long n = digits && digits <= 5 && !text[digits] ? strtoul(text, NULL, 10) : 65536;
    *out = (uint16_t)n;
    return n <= 65535;
}

/* 0 for a protocol that is not told. */
static uint8_t read_protocol(const struct conn *c, bool v4)
{
    const char *name = c->text[FL_ZEEK_PROTO];
    if (strcmp(name, "tcp") == 0)
        return FL_PROTO_TCP;
    if (strcmp(name, "udp") == 0)
        return FL_PROTO_UDP;
    if (strcmp(name, "icmp") == 0)
        return v4 ? FL_PROTO_ICMP : FL_PROTO_ICMP6;
    uint64_t number = read_count(c->text[FL_ZEEK_IP_PROTO]);
    return number <= 255 ? (uint8_t)number : 0;
}

/* The flags that one side sent, by its letters of the history. Data travel with ACK (RFC 9293 section 3.1).
 */
static uint16_t read_flags(const char *history, bool originator)
{
    static const char letters[] = "SHADFR";
    static const uint16_t flags[] = {FL_TCP_SYN, FL_TCP_SYN | FL_TCP_ACK, FL_TCP_ACK, FL_TCP_ACK, FL_TCP_FIN,
                                     FL_TCP_RST};
    uint16_t all = 0;
    for (; history && *history; history++) {
        bool upper = *history >= 'A' && *history <= 'Z', lower = *history >= 'a' && *history <= 'z';
        const char *at = upper || lower ? strchr(letters, upper ? *history : *history - 'a' + 'A') : NULL;
        if (at && upper == originator)
            all |= flags[at - letters];
    }
    return all;
}

/* Whether `answer` is the type of ICMP message that answers `type`. */
static bool answers(uint8_t protocol, unsigned type, unsigned answer)
{
    static const uint8_t v4[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
    static const uint8_t v6[][2] = {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}};
    const uint8_t(*pairs)[2] = protocol == FL_PROTO_ICMP ? v4 : v6;
    size_t n = protocol == FL_PROTO_ICMP ? sizeof v4 / sizeof v4[0] : sizeof v6 / sizeof v6[0];
    for (size_t i = 0; i < n; i++)
        if ((pairs[i][0] == type && pairs[i][1] == answer) || (pairs[i][0] == answer && pairs[i][1] == type))
            return true;
    return false;
}

static void set_ports(struct fl_flow out[2], uint16_t orig, uint16_t resp)
{
    struct fl_flow *there = &out[0], *back = &out[1];
    there->src_port = back->dst_port = orig;
    there->dst_port = back->src_port = resp;
    if (there->protocol != FL_PROTO_ICMP && there->protocol != FL_PROTO_ICMP6)
        return;
    bool answered = answers(there->protocol, orig, resp);
    there->src_port = back->src_port = 0;
    there->dst_port = (uint16_t)(orig << 8 | (answered ? 0 : resp & 0xff));
    back->dst_port = answered ? (uint16_t)(resp << 8) : there->dst_port;
}

/* ---- a connection ---- */

static int read_ends(const struct conn *c, struct fl_flow *there, uint16_t *orig, uint16_t *resp,
                     struct fl_err *err)
{
    const char *const *t = c->text;
    int64_t duration_ms = 0;
    for (int i = 0; i < FL_ZEEK_REQUIRED; i++)
        if (!t[i])
            return fl_fail(err, FL_EMALF, "there is no %s", names[i]);
    if (!read_time(t[FL_ZEEK_TS], &there->start_ms))
        return bad(FL_ZEEK_TS, t[FL_ZEEK_TS], "a time", err);
    if (t[FL_ZEEK_DURATION] && !decimal_ms(t[FL_ZEEK_DURATION], &duration_ms))
        return bad(FL_ZEEK_DURATION, t[FL_ZEEK_DURATION], "a number of seconds", err);
    there->end_ms = there->start_ms + duration_ms;
    if (fl_addr_parse(t[FL_ZEEK_ORIG_H], &there->src) < 0)
        return bad(FL_ZEEK_ORIG_H, t[FL_ZEEK_ORIG_H], "an address", err);
    if (fl_addr_parse(t[FL_ZEEK_RESP_H], &there->dst) < 0)
        return bad(FL_ZEEK_RESP_H, t[FL_ZEEK_RESP_H], "an address", err);
    if (!read_port(t[FL_ZEEK_ORIG_P], orig))
        return bad(FL_ZEEK_ORIG_P, t[FL_ZEEK_ORIG_P], "a port", err);
    if (!read_port(t[FL_ZEEK_RESP_P], resp))
        return bad(FL_ZEEK_RESP_P, t[FL_ZEEK_RESP_P], "a port", err);
    return 0;
}

static int make_flows(const struct conn *c, struct fl_flow out[2], bool *skipped, struct fl_err *err)
{
    struct fl_flow *there = &out[0], *back = &out[1];
    uint16_t orig = 0, resp = 0;
    *there = (struct fl_flow){.exporter = fl_addr_v4(0), .sampling = 1, .time_source = FL_TIME_ABSOLUTE};
    int rc = read_ends(c, there, &orig, &resp, err);
    if (rc)
        return rc;
    there->protocol = read_protocol(c, fl_addr_is_v4(&there->src));
    *skipped = there->protocol == 0;
    if (*skipped)
        return 0;
    *back = *there;
    back->src = there->dst;
    back->dst = there->src;
    back->start_ms += there->end_ms > there->start_ms;
    set_ports(out, orig, resp);
    there->packets = read_count(c->text[FL_ZEEK_ORIG_PKTS]);
    there->bytes = read_count(c->text[FL_ZEEK_ORIG_IP_BYTES]);
    back->packets = read_count(c->text[FL_ZEEK_RESP_PKTS]);
    back->bytes = read_count(c->text[FL_ZEEK_RESP_IP_BYTES]);
    if (there->protocol == FL_PROTO_TCP) {
        there->tcp_flags = read_flags(c->text[FL_ZEEK_HISTORY], true);
        back->tcp_flags = read_flags(c->text[FL_ZEEK_HISTORY], false);
    }
    return 1 + (back->packets || back->bytes || read_count(c->text[FL_ZEEK_RESP_BYTES]));
}

/* ---- TSV ---- */

/* Turn "\x09" into the byte that it stands for, in place. */
static char *unescape(char *text)
{
    char *to = text, digits[3] = "";
    for (const char *from = text; *from;) {
        if (from[0] == '\\' && from[1] == 'x' && strspn(from + 2, "0123456789abcdefABCDEF") >= 2) {
            memcpy(digits, from + 2, 2);
            *to++ = (char)strtol(digits, NULL, 16);
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return text;
}

static signed char field_of(const char *name)
{
    for (int i = 0; i < FL_ZEEK_FIELDS; i++)
        if (strcmp(name, names[i]) == 0)
            return (signed char)i;
    return -1;
}

static int take_columns(struct fl_zeek *z, char *list, struct fl_err *err)
{
    bool seen[FL_ZEEK_FIELDS] = {false};
    char separator[2] = {z->separator, '\0'};
    z->n_columns = 0;
    for (char *name; (name = strsep(&list, separator)); z->n_columns++) {
        if (z->n_columns == FL_ZEEK_COLUMNS)
            return fl_fail(err, FL_EINVAL, "it has more than %d columns", FL_ZEEK_COLUMNS);
        z->field[z->n_columns] = field_of(name);
        if (z->field[z->n_columns] >= 0)
            seen[z->field[z->n_columns]] = true;
    }
    for (int i = 0; i < FL_ZEEK_REQUIRED; i++)
        if (!seen[i])
            return fl_fail(err, FL_EINVAL, "its #fields have no %s: this is not Zeek's conn.log", names[i]);
    z->has_columns = true;
    return 0;
}

static int take_header(struct fl_zeek *z, char *line, struct fl_err *err)
{
    if (!z->separator) {
        z->separator = '\t';
        snprintf(z->unset, sizeof z->unset, "-");
        snprintf(z->empty, sizeof z->empty, "(empty)");
    }
    if (strncmp(line, "#separator ", 11) == 0) {
        char *value = unescape(line + 11);
        z->separator = *value ? *value : '\t';
        return 0;
    }
    char separator[2] = {z->separator, '\0'}, *rest = line, *key = strsep(&rest, separator);
    if (!rest)
        return 0;
    if (strcmp(key, "#unset_field") == 0)
        snprintf(z->unset, sizeof z->unset, "%s", rest);
    else if (strcmp(key, "#empty_field") == 0)
        snprintf(z->empty, sizeof z->empty, "%s", rest);
    else if (strcmp(key, "#path") == 0 && strncmp(rest, "conn", 4) != 0)
        return fl_fail(err, FL_EINVAL, "this is Zeek's %.40s.log; import reads conn.log", rest);
    else if (strcmp(key, "#fields") == 0)
        return take_columns(z, rest, err);
    return 0;
}

int fl_zeek_tsv(struct fl_zeek *z, char *line, struct fl_flow out[2], bool *skipped, struct fl_err *err)
{
    struct conn c = {{NULL}};
    int n = 0;
    *skipped = false;
    line[strcspn(line, "\r")] = '\0';
    if (strncmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3;
    if (*line == '#')
        return take_header(z, line, err);
    if (!*line)
        return 0;
    if (!z->has_columns)
        return fl_fail(err, FL_EMALF, "no #fields line came before it");
    char separator[2] = {z->separator, '\0'};
    for (char *value; (value = strsep(&line, separator)); n++) {
        if (n < z->n_columns && z->field[n] >= 0 && strcmp(value, z->unset) != 0 &&
            strcmp(value, z->empty) != 0)
            c.text[z->field[n]] = unescape(value);
    }
    if (n != z->n_columns)
        return fl_fail(err, FL_EMALF, "it has %d columns where #fields names %d", n, z->n_columns);
    return make_flows(&c, out, skipped, err);
}

/* ---- JSON ---- */

/* "id.orig_h" as one name, as Zeek writes it, or as a member of "id". */
static const json_t *member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!value && strncmp(name, "id.", 3) == 0)
        value = json_object_get(json_object_get(object, "id"), name + 3);
    return value;
}

static const char *as_text(const json_t *value, char room[NUMBER_TEXT])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        snprintf(room, NUMBER_TEXT, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(room, NUMBER_TEXT, "%.6f", json_real_value(value));
    else
        return NULL;
    return room;
}

/* Other logs have ends and a protocol too; only connections have one of these. */
static bool is_connection(const json_t *object)
{
    static const char *const telling[] = {"conn_state", "duration", "history", "orig_bytes", "orig_pkts"};
    const char *log = json_string_value(json_object_get(object, "_path"));
    for (size_t i = 0; !log && i < sizeof telling / sizeof telling[0]; i++)
        if (json_object_get(object, telling[i]))
            return true;
    return log && strncmp(log, "conn", 4) == 0;
}

int fl_zeek_json(const char *line, size_t length, struct fl_flow out[2], bool *skipped, struct fl_err *err)
{
    char numbers[FL_ZEEK_FIELDS][NUMBER_TEXT];
    struct conn c = {{NULL}};
    json_error_t why;
    *skipped = false;
    if (strspn(line, " \t\r") == length)
        return 0;
    json_t *object = json_loadb(line, length, 0, &why);
    if (!json_is_object(object)) {
        json_decref(object);
        return fl_fail(err, FL_EMALF, "it is not a JSON object%s%.200s", object ? "" : ": ",
                       object ? "" : why.text);
    }
    for (int i = 0; i < FL_ZEEK_FIELDS; i++)
        c.text[i] = as_text(member(object, names[i]), numbers[i]);
    int n = is_connection(object) ? make_flows(&c, out, skipped, err)
                                  : fl_fail(err, FL_EMALF, "it is no connection of Zeek's conn.log");
    json_decref(object);
    return n;
}
