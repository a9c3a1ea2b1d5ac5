/* RFC 5424 text: header, structured data with their escapes, and the message. */
#include "collector/sink/syslog.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "collector/sink/event.h"

#define SD_ID "flowlore@32473"

/* A text that grows up to a bound, and is then full. */
struct text {
    char *out;
    size_t length, most;
};

static void put(struct text *t, const char *bytes, size_t n)
{
    if (n > t->most - t->length)
        n = t->most - t->length;
    memcpy(t->out + t->length, bytes, n);
    t->length += n;
}

static void put_text(struct text *t, const char *text)
{
    put(t, text, strlen(text));
}

/* Bytes of the character at `text`, which is UTF-8 as JSON has it. */
static size_t character(const char *text)
{
    size_t n = 1;
    while (((unsigned char)text[n] & 0xc0) == 0x80)
        n++;
    return n;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* PRINTUSASCII of at most `most` characters, "-" for none (sections 6.2.4 to 6.2.7). */
static void put_field(struct text *t, const char *text, size_t most)
{
    size_t before = t->length;
    for (; text && *text && t->length - before < most; text++)
        if (*text > ' ' && *text < 0x7f)
            put(t, text, 1);
    put_text(t, t->length == before ? "- " : " ");
}

/* Section 6.3.3: the three characters with a meaning are escaped; control characters have no business here.
 */
static void put_value(struct text *t, const char *text)
{
    for (size_t n; *text; text += n) {
        n = character(text);
        if (strchr("\"\\]", *text))
            put(t, "\\", 1);
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            put(t, " ", 1);
        else
            put(t, text, n);
    }
}

static void put_parameter(struct text *t, const char *name, const json_t *value)
{
    char number[24];
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = number;
    }
    if (!text || !*text)
        return;
    put_text(t, " ");
    put_text(t, name);
    put_text(t, "=\"");
    put_value(t, text);
    put_text(t, "\"");
}

static void put_structured(struct text *t, const json_t *event)
{
    static const char *const names[] = {"severity", "location", "rule_id", "rule", "novelty"};
    const json_t *alert = json_object_get(event, "flowlore"), *id;
    const json_t *ids = json_object_get(json_object_get(event, "network"), "community_id");
    size_t i;
    put_text(t, "[" SD_ID);
    put_parameter(t, "event", json_object_get(json_object_get(event, "event"), "id"));
    put_parameter(t, "alert", json_object_get(alert, "id"));
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        put_parameter(t, names[k], json_object_get(alert, names[k]));
    if (json_is_string(ids))
        put_parameter(t, "community_id", ids);
    json_array_foreach(ids, i, id) put_parameter(t, "community_id", id); /* a name may come again */
    put_text(t, "] ");
}

/* Section 6.4. Line ends and the like become blanks: they would end a line-framed message early. */
static void put_message(struct text *t, const char *message)
{
    bool ascii = true;
    for (const char *at = message; *at; at++)
        ascii = ascii && !((unsigned char)*at & 0x80);
    if (!ascii)
        put_text(t, "\xef\xbb\xbf");
    for (size_t n; *message; message += n) {
        n = character(message);
        if (n > t->most - t->length)
            return;
        put(t, (unsigned char)*message < ' ' || *message == 0x7f ? " " : message, n);
    }
}

static unsigned severity_of(const json_t *event, const char *kind)
{
    const char *severity = text_of(json_object_get(event, "flowlore"), "severity");
    if (!severity || strcmp(kind, "closed") == 0)
        return 6;
    return strcmp(severity, "high") == 0 ? 3 : strcmp(severity, "medium") == 0 ? 4 : 5;
}

size_t fl_syslog_format(const struct fl_syslog_origin *origin, const json_t *event, const char *kind,
                        char out[FL_SYSLOG_MOST + 1])
{
    char number[32];
    struct text t = {out, 0, FL_SYSLOG_MOST};
    const char *message = text_of(event, "message");
    snprintf(number, sizeof number, "<%u>1 ", origin->facility << 3 | severity_of(event, kind));
    put_text(&t, number);
    put_field(&t, text_of(json_object_get(event, "event"), "created"), 32);
    put_field(&t, origin->hostname, 255);
    put_field(&t, "flowlored", 48);
    snprintf(number, sizeof number, "%ld", origin->pid);
    put_field(&t, number, 128);
    put_field(&t, kind, 32);
    put_structured(&t, event);
    put_message(&t, message ? message : "");
    t.out[t.length] = 0;
    return t.length;
}
