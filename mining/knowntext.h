/* The known-rule table as text for people and version control: one decision a line.
 *
 *   flowlore known-rules 1
 *   # what a location learned by itself, then what people decided, in that order
 *   learned rule "*.* : 10.0.0.5.80/tcp ~ 10.0.0.5.* : 10.0.0.9.3306/tcp" at paris
 *   accept match "*.* : 10.1.0.0/16.22/tcp" at paris by "ann" made 2022-06-12T22:00:00Z note "jump hosts"
 *   ignore rule "..." by "bob" made 2022-06-13T08:00:00Z until 2023-01-01T00:00:00Z
 *
 * The first line says what this is. `#` begins a comment line. A decision is a verdict (learned, accept,
 * ignore, reopen), `rule` with a rule or `match` with a pattern, and any of at, by, made, until, note, each
 * once. Without `at` it is of every location. Texts stand in double quotes, written as JSON strings. */
#ifndef FL_MINING_KNOWNTEXT_H
#define FL_MINING_KNOWNTEXT_H

#include <jansson.h>
#include <stddef.h>

#include "storage/error.h"

enum { FL_KNOWN_LINE = 8192 }; /* bytes of the longest line */

/* The lines before the first decision, ended; constant. */
const char *fl_knowntext_head(void);
/* A row of fl_rulesdb_known as a line without its end; free with free(). NULL without memory. */
char *fl_knowntext_line(const json_t *row);
/* A whole text of `n` bytes; `name` is for messages. *rows: an array of objects like the rows, without id and
 * rules, rules in the form of fl_rule_identity. FL_EINVAL with file, line, fault and remedy; FL_ENOMEM. */
int fl_knowntext_read(const char *name, const char *text, size_t n, json_t **rows, struct fl_err *err);

#endif
