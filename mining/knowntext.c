/* Decisions as lines of text, and back. What is read may come from anybody: each line is taken apart word by
 * word, and the first that is not as it should be ends the reading. */
#include "mining/knowntext.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/human.h"
#include "storage/config.h"
#include "storage/rule.h"
#include "storage/timetext.h"

static const char first_line[] = "flowlore known-rules 1";

const char *fl_knowntext_head(void)
{
    return "flowlore known-rules 1\n"
           "# One decision a line: VERDICT rule \"RULE\" or match \"PATTERN\", then at LOCATION (else it is "
           "of\n"
           "# every location), by \"AUTHOR\", made TIME, until TIME, note \"TEXT\". Of several about one "
           "rule the\n"
           "# newest counts. Verdicts: learned (by itself), accept, ignore, reopen. Read it back with "
           "flowlore\n"
           "# known import.\n";
}

/* ---- writing ---- */

/* Does the text hold what could steer a terminal or deceive a reviewer, beside line ends, which JSON escapes?
 */
static bool steers(const char *text, bool *whole)
{
    char *copy = strdup(text);
    for (char *c = copy; c && *c; c++)
        *c = *c == '\n' || *c == '\t' ? ' ' : *c;
    char *clean = copy ? strdup(copy) : NULL;
    *whole = clean != NULL;
    bool found = clean && strcmp(fl_human_clean(clean), copy) != 0;
    free(copy);
    free(clean);
    return found;
}

/* Quoted as JSON; what steers is escaped. */
static char *quote(const char *text)
{
    bool whole, escape = steers(text, &whole);
    json_t *value = whole ? json_string(text) : NULL;
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY | (escape ? JSON_ENSURE_ASCII : 0)) : NULL;
    json_decref(value);
    return quoted;
}

static void put_quoted(FILE *to, const char *before, const json_t *value, bool *whole)
{
    if (!json_is_string(value))
        return;
    char *quoted = quote(json_string_value(value));
    *whole = *whole && quoted && fprintf(to, "%s %s", before, quoted) > 0;
    free(quoted);
}

static void put_plain(FILE *to, const char *before, const json_t *value)
{
    if (json_is_string(value))
        fprintf(to, "%s %s", before, json_string_value(value));
}

char *fl_knowntext_line(const json_t *row)
{
    char *line = NULL;
    size_t size = 0;
    bool whole = true;
    FILE *to = open_memstream(&line, &size);
    if (!to)
        return NULL;
    fputs(json_string_value(json_object_get(row, "verdict")), to);
    put_quoted(to, " rule", json_object_get(row, "rule"), &whole);
    put_quoted(to, " match", json_object_get(row, "pattern"), &whole);
    put_plain(to, " at", json_object_get(row, "location"));
    put_quoted(to, " by", json_object_get(row, "author"), &whole);
    put_plain(to, " made", json_object_get(row, "made"));
    put_plain(to, " until", json_object_get(row, "until"));
    put_quoted(to, " note", json_object_get(row, "note"), &whole);
    if (fclose(to) == 0 && whole)
        return line;
    free(line);
    return NULL;
}

/* ---- reading ---- */

struct reader {
    const char *name;
    unsigned line;
    const char *at, *end; /* what is left of the line */
    struct fl_err *err;
};

static int fault(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fault(struct reader *r, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return fl_fail(r->err, FL_EINVAL, "%s:%u: %s", r->name, r->line, what);
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

/* The next word, "" at the end of the line; `out` holds 80 bytes, what is longer is cut and so no word we
 * know. */
static void next_word(struct reader *r, char out[80])
{
    size_t n = 0;
    skip_blanks(r);
    for (; r->at < r->end && *r->at != ' ' && *r->at != '\t'; r->at++)
        if (n < 79)
            out[n++] = *r->at;
    out[n] = '\0';
    fl_human_clean(out);
}

static int next_string(struct reader *r, const char *what, json_t **out)
{
    skip_blanks(r);
    const char *from = r->at, *to = from + 1;
    if (from == r->end || *from != '"')
        return fault(r, "%s is followed by a text in double quotes", what);
    while (to < r->end && *to != '"')
        to += *to == '\\' ? 2 : 1;
    if (to >= r->end)
        return fault(r, "the text of %s has no closing quote", what);
    r->at = to + 1;
    if (r->at < r->end && *r->at != ' ' && *r->at != '\t')
        return fault(r, "a blank is missing behind the text of %s", what);
    *out = json_loadb(from, (size_t)(to + 1 - from), JSON_DECODE_ANY, NULL);
    if (!*out)
        return fault(r, "the text of %s is not UTF-8, or has an escape that JSON does not know", what);
    return 0;
}

static int set_new(struct reader *r, json_t *row, const char *key, json_t *value)
{
    return json_object_set_new(row, key, value) == 0
               ? 0
               : fl_fail(r->err, FL_ENOMEM, "%s: out of memory", r->name);
}

static int take_rule(struct reader *r, json_t *row)
{
    struct fl_node a, b;
    char identity[FL_RULE_TEXT];
    json_t *text = NULL;
    int rc = next_string(r, "rule", &text);
    int single = rc == 0 ? fl_rule_parse(json_string_value(text), &a, &b) : FL_EINVAL;
    if (rc == 0 && single < 0)
        rc = fault(r,
                   "\"%.160s\" is not a rule; write one as flowlore rules shows it, or match with a pattern",
                   json_string_value(text));
    if (rc == 0)
        rc = set_new(r, row, "rule", json_string(fl_rule_identity(&a, single ? NULL : &b, identity)));
    json_decref(text);
    return rc;
}

static int take_match(struct reader *r, json_t *row)
{
    struct fl_pattern *pattern = NULL;
    json_t *text = NULL;
    int rc = next_string(r, "match", &text);
    if (rc == 0 && fl_pattern_parse(json_string_value(text), &pattern) < 0)
        rc = fault(
            r, "\"%.160s\" is not a pattern; write NODE or NODE => NODE, such as *.* : 10.1.0.0/16.22/tcp",
            json_string_value(text));
    if (rc == 0)
        rc = set_new(r, row, "pattern", json_incref(text));
    fl_pattern_free(pattern);
    json_decref(text);
    return rc;
}

static int take_text(struct reader *r, json_t *row, const char *word, const char *key)
{
    json_t *text = NULL;
    int rc = next_string(r, word, &text);
    return rc ? rc : set_new(r, row, key, text);
}

static int take_time(struct reader *r, json_t *row, const char *word)
{
    char text[80], canonical[FL_TIME_TEXT];
    int64_t ms;
    next_word(r, text);
    if (!strchr("0123456789", text[0]) || !text[0] || fl_time_parse(text, 0, &ms) < 0)
        return fault(r, "%s \"%.40s\" is not a time; write 2022-06-12T22:00:09Z", word, text);
    return set_new(r, row, word, json_string(fl_time_format(ms, canonical)));
}

static int take_location(struct reader *r, json_t *row)
{
    char name[80];
    next_word(r, name);
    if (!fl_location_name_ok(name))
        return fault(r, "at \"%.60s\" is no location's name (letters, digits, dot, - and _)", name);
    return set_new(r, row, "location", json_string(name));
}

/* The pairs behind rule or match; each may stand once. */
static int take_pairs(struct reader *r, json_t *row)
{
    static const char *const words[][2] = {
        {"at", "location"}, {"by", "author"}, {"made", "made"}, {"until", "until"}, {"note", "note"}};
    char word[80];
    for (next_word(r, word); *word; next_word(r, word)) {
        size_t i = 0;
        while (i < 5 && strcmp(word, words[i][0]) != 0)
            i++;
        if (i == 5)
            return fault(r, "\"%.60s\" is none of at, by, made, until, note", word);
        if (json_object_get(row, words[i][1]))
            return fault(r, "\"%s\" stands twice", word);
        int rc = i == 0             ? take_location(r, row)
                 : i == 2 || i == 3 ? take_time(r, row, word)
                                    : take_text(r, row, word, words[i][1]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int take_verdict(struct reader *r, json_t *row)
{
    static const char *const verdicts[] = {"learned", "accept", "ignore", "reopen"};
    char word[80], what[80];
    next_word(r, word);
    next_word(r, what);
    for (size_t i = 0; i < 4; i++)
        if (strcmp(word, verdicts[i]) == 0)
            json_object_set_new(row, "verdict", json_string(word));
    if (!json_object_get(row, "verdict"))
        return fault(r, "\"%.60s\" is none of learned, accept, ignore, reopen", word);
    if (strcmp(what, "rule") == 0)
        return take_rule(r, row);
    if (strcmp(what, "match") == 0 && strcmp(word, "learned") != 0)
        return take_match(r, row);
    return fault(r, "%s is followed by rule \"RULE\"%s, not by \"%.60s\"", word,
                 strcmp(word, "learned") == 0 ? "" : " or match \"PATTERN\"", what);
}

static int take_line(struct reader *r, json_t *rows)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at == '#')
        return 0;
    json_t *row = json_object();
    int rc = row ? take_verdict(r, row) : FL_ENOMEM;
    if (rc == 0)
        rc = take_pairs(r, row);
    if (rc == 0 && json_array_append(rows, row) != 0)
        rc = FL_ENOMEM;
    json_decref(row);
    return rc;
}

static int check_line(struct reader *r, const char *from, size_t n)
{
    if (n > FL_KNOWN_LINE)
        return fault(r, "the line is longer than %d bytes", (int)FL_KNOWN_LINE);
    if (memchr(from, '\0', n))
        return fault(r, "this is not text: it has a byte of value 0");
    if (r->line == 1 && (n != sizeof first_line - 1 || memcmp(from, first_line, n) != 0))
        return fault(r, "the first line is to be \"%s\"; what flowlore known export writes begins so",
                     first_line);
    return 0;
}

int fl_knowntext_read(const char *name, const char *text, size_t n, json_t **rows, struct fl_err *err)
{
    struct reader r = {.name = name, .err = err};
    json_t *out = json_array();
    int rc = out ? 0 : FL_ENOMEM;
    const char *at = text, *end = text + n;
    while (rc == 0 && (at < end || r.line == 0)) {
        const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        size_t length = (size_t)((newline ? newline : end) - at), bare = length;
        if (bare > 0 && at[bare - 1] == '\r')
            bare--;
        r.line++;
        r.at = at;
        r.end = at + bare;
        rc = check_line(&r, at, bare);
        if (rc == 0 && r.line > 1)
            rc = take_line(&r, out);
        at += length + (newline != NULL);
    }
    if (rc == 0)
        *rows = out;
    else
        json_decref(out);
    return rc;
}
