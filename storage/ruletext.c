/* Taking the text of nodes and rules apart, for rules (exact) and patterns (with prefixes and ranges). */
#include "storage/ruletext.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "storage/flow.h"

static int copy_part(const char *text, size_t length, char out[FL_NODE_PART])
{
    while (length > 0 && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length == 0 || length >= FL_NODE_PART || memchr(text, '\0', length))
        return FL_EINVAL;
    memcpy(out, text, length);
    out[length] = '\0';
    return 0;
}

/* Where the address ends and the dot before the port stands: behind `*`, behind the bracket (and a prefix
 * length), or the fourth dot. */
static const char *port_dot(const char *text)
{
    if (text[0] == '*')
        return text[1] == '.' ? text + 1 : NULL;
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        return end ? strchr(end, '.') : NULL;
    }
    const char *dot = text - 1;
    for (int i = 0; i < 4 && dot; i++)
        dot = strchr(dot + 1, '.');
    return dot;
}

/* "10.0.0.5.*" into "10.0.0.5" and "*". */
static int split_endpoint(const char *text, size_t length, char host[FL_NODE_PART], char port[FL_NODE_PART])
{
    char endpoint[FL_NODE_PART];
    if (copy_part(text, length, endpoint) < 0)
        return FL_EINVAL;
    const char *dot = port_dot(endpoint);
    if (!dot || copy_part(endpoint, (size_t)(dot - endpoint), host) < 0)
        return FL_EINVAL;
    return copy_part(dot + 1, strlen(dot + 1), port);
}

/* The first colon outside of brackets. */
static const char *find_colon(const char *text, size_t length)
{
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '[')
            inside = true;
        else if (text[i] == ']')
            inside = false;
        else if (text[i] == ':' && !inside)
            return text + i;
    }
    return NULL;
}

int fl_ruletext_split_node(const char *text, size_t length, struct fl_node_parts *out)
{
    const char *colon = find_colon(text, length);
    if (!colon)
        return FL_EINVAL;
    const char *server = colon + 1;
    size_t rest = (size_t)(text + length - server);
    const char *slash = memrchr(server, '/', rest);
    if (!slash)
        return FL_EINVAL;
    if (split_endpoint(text, (size_t)(colon - text), out->client, out->client_port) < 0 ||
        split_endpoint(server, (size_t)(slash - server), out->server, out->server_port) < 0)
        return FL_EINVAL;
    return copy_part(slash + 1, (size_t)(text + length - slash - 1), out->protocol);
}

enum fl_arrow fl_ruletext_find_arrow(const char *text, size_t *left, const char **right)
{
    size_t at = strcspn(text, "<=~");
    *left = at;
    *right = NULL;
    if (text[at] == '~') {
        *right = text + at + 1;
        return FL_ARROW_UNORDERED;
    }
    if (strncmp(text + at, "=>", 2) == 0) {
        *right = text + at + 2;
        return FL_ARROW_FORWARD;
    }
    if (strncmp(text + at, "<=>", 3) == 0) {
        *right = text + at + 3;
        return FL_ARROW_BOTH;
    }
    return FL_ARROW_NONE;
}

/* A decimal number without leading zeros; moves *p behind it. */
static bool take_decimal(const char **p, uint32_t most, uint32_t *out)
{
    const char *start = *p;
    uint32_t value = 0;
    for (; isdigit((unsigned char)**p); (*p)++)
        if ((value = value * 10 + (uint32_t)(**p - '0')) > most)
            return false;
    *out = value;
    return *p > start && (*start != '0' || *p == start + 1);
}

int fl_ruletext_port(const char *text, uint8_t protocol, uint32_t *out)
{
    uint32_t high, low;
    if (protocol != FL_PROTO_ICMP && protocol != FL_PROTO_ICMP6)
        return take_decimal(&text, 65535, out) && !*text ? 0 : FL_EINVAL;
    if (!take_decimal(&text, 255, &high) || *text++ != '.' || !take_decimal(&text, 255, &low) || *text)
        return FL_EINVAL;
    *out = high << 8 | low;
    return 0;
}

int fl_ruletext_ports(const char *text, uint8_t protocol, uint32_t *first, uint32_t *last)
{
    char low[FL_NODE_PART];
    const char *dash = strchr(text, '-');
    size_t length = dash ? (size_t)(dash - text) : strlen(text);
    *last = 0;
    if (length >= sizeof low)
        return FL_EINVAL;
    memcpy(low, text, length);
    low[length] = '\0';
    if (fl_ruletext_port(low, protocol, first) < 0)
        return FL_EINVAL;
    if (dash && (fl_ruletext_port(dash + 1, protocol, last) < 0 || *last < *first))
        return FL_EINVAL;
    return 0;
}
