/* Shared between rule.c and pattern.c: taking the text `client.port : server.port/protocol` apart, without
 * judging the parts. */
#ifndef FL_STORAGE_RULETEXT_H
#define FL_STORAGE_RULETEXT_H

#include "storage/rule.h"

#define FL_NODE_PART 64 /* bytes for one part with its NUL; no valid part is longer */

struct fl_node_parts {
    char client[FL_NODE_PART], client_port[FL_NODE_PART];
    char server[FL_NODE_PART], server_port[FL_NODE_PART];
    char protocol[FL_NODE_PART];
};
/* `text[0..length)` into its parts; blanks around `:`, `/` and at the ends are dropped. An address is `*`,
 * dotted IPv4 or IPv6 in brackets, with or without `/length`. FL_EINVAL. */
int fl_ruletext_split_node(const char *text, size_t length, struct fl_node_parts *out);

enum fl_arrow { FL_ARROW_NONE, FL_ARROW_FORWARD, FL_ARROW_BOTH, FL_ARROW_UNORDERED };
/* The first arrow in the text: `=>`, `<=>`, `~`. *left is the length of what stands before it, *right what
 * stands behind it (NULL when there is no arrow). */
enum fl_arrow fl_ruletext_find_arrow(const char *text, size_t *left, const char **right);

/* "53" or, for ICMP, "8.0"; digits only, no leading zeros. FL_EINVAL. */
int fl_ruletext_port(const char *text, uint8_t protocol, uint32_t *out);
/* Likewise, or a range "6881-6889" (ICMP: "3.0-3.15") whose end is not before its begin; *last is 0 without
 * one. FL_EINVAL. */
int fl_ruletext_ports(const char *text, uint8_t protocol, uint32_t *first, uint32_t *last);

#endif
