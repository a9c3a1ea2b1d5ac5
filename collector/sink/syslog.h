/* An event as a syslog message (RFC 5424). */
#ifndef FL_COLLECTOR_SYSLOG_H
#define FL_COLLECTOR_SYSLOG_H

#include <jansson.h>
#include <stddef.h>

struct fl_syslog_origin {
    unsigned facility;    /* section 6.2.1 */
    const char *hostname; /* section 6.2.4 */
    long pid;
};
/* Bytes that every receiver of UDP should take (RFC 5426 section 3.2); longer texts are cut, at a character.
 */
enum { FL_SYSLOG_MOST = 2048 };

/* Write the message, without any framing, and return its length. `event` is what fl_event_make gives; MSGID
 * is `kind`. Severity: high is error (3), medium warning (4), low notice (5), a closed alert or a test
 * informational (6). Structured data stand under the SD-ID flowlore@32473, 32473 being the enterprise number
 * that RFC 5612 sets aside for those who have none: event, alert, severity, location, rule_id, rule, novelty,
 * community_id; what is not known is left out. MSG begins with the UTF-8 mark where it is not plain ASCII. */
size_t fl_syslog_format(const struct fl_syslog_origin *origin, const json_t *event, const char *kind,
                        char out[FL_SYSLOG_MOST + 1]);

#endif
